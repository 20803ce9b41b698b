//! `unreel register twilio`: public keys.

use serde::Serialize;

use super::hands::{Hands, result, shown};
use crate::api::{Api, Credentials, PublicKey, is_key_id};
use crate::cli::args::TwilioKey;
use crate::cli::credentials::{self, From};
use crate::cli::error::Failure;
use crate::cli::exit::Code;
use crate::cli::printer::Printer;
use crate::cli::{keys, network};
use crate::job::Input;
use crate::job::register::twilio::{self, Added, Adding, Removed, Removing, Wanted};

/// The longest name that Twilio takes.
const LONGEST: usize = 64;

pub(super) fn run(args: &TwilioKey, printer: &Printer) -> Result<(), Failure> {
    if args.list {
        return list(args, printer);
    }
    let hands = Hands::new(&args.change, printer)?;
    if let Some(sid) = &args.delete {
        key_id(sid)?;
        let api = api(args, printer)?;
        let prepared = twilio::remove(&api, sid)?;
        return match hands.carry_out(prepared, &api, preview_of_removing)? {
            Some(removed) => deleted(args, printer, &removed),
            None => Ok(()),
        };
    }
    let name = args.name.as_deref();
    if name.is_some_and(|name| name.trim().is_empty() || name.chars().count() > LONGEST) {
        return Err(Failure::Usage(
            "Twilio takes names of 1 to 64 characters",
            "shorten --name, or leave it out",
        ));
    }
    let Some(file) = &args.public_key else {
        return Ok(());
    };
    let wanted = Wanted {
        file: &Input::of(file),
        name,
        folder: args.key_dir.as_deref(),
        keys: match &args.key_dir {
            Some(_) => keys::paths(&args.keys.paths),
            None => vec![],
        },
    };
    if args.key_dir.is_none() && !args.keys.paths.is_empty() {
        return Err(Failure::Usage(
            "-k is for the private key that gets another name, and there is no folder for it",
            "add --key-dir DIR",
        ));
    }
    let passphrases = keys::passphrases(&args.keys.passphrase, args.keys.no_input);
    let api = api(args, printer)?;
    let prepared = twilio::add(&api, &wanted, &passphrases)?;
    match hands.carry_out(prepared, &api, preview_of_adding)? {
        Some(added) => registered(args, printer, &added),
        None => Ok(()),
    }
}

fn api(args: &TwilioKey, printer: &Printer) -> Result<Api, Failure> {
    twilio_api(
        args.profile.twilio_profile.as_deref(),
        &args.change.network,
        printer,
    )
}

/// What asks Twilio, with the credentials of a profile where one was named.
pub(super) fn twilio_api(
    profile: Option<&str>,
    network: &crate::cli::args::Network,
    printer: &Printer,
) -> Result<Api, Failure> {
    let from = From {
        profile,
        ..network::from(None)
    };
    let found = credentials::twilio(&from)?;
    printer.step(format!("the credentials are those of {}", found.source));
    let credentials = Credentials {
        twilio: Some(found.credentials),
        ..Credentials::default()
    };
    network::api_of(credentials, network, &from)
}

/// Refuses what is no id of a public key.
pub(super) fn key_id(sid: &str) -> Result<(), Failure> {
    if is_key_id(sid) {
        return Ok(());
    }
    Err(Failure::Misplaced(
        "this is no id of a public key".to_owned(),
        Code::Usage,
        "it is CR and 32 hexadecimal digits; unreel register twilio --list shows them".to_owned(),
    ))
}

fn preview_of_adding(adding: &Adding) -> Vec<String> {
    let mut lines = vec![
        "Will register a public key at Twilio:".to_owned(),
        format!("  name         {}", adding.name),
        format!("  fingerprint  {}", adding.fingerprint),
    ];
    if let Some((private, folder)) = &adding.private {
        let folder = Input::of(folder);
        lines.push(format!(
            "  private key  {private}, which is copied to {folder}/CR….pem"
        ));
    }
    lines
}

fn preview_of_removing(removing: &Removing) -> Vec<String> {
    let PublicKey { sid, name, .. } = &removing.key;
    vec![
        format!("Will delete the public key {sid} ({name}) at Twilio."),
        "What is encrypted for it can still be opened with its private key. Where it is the key that \
         recordings are encrypted for, choose another one first: Twilio takes another key of the \
         account then (error 16107), or stores no recording (16105)."
            .to_owned(),
    ]
}

#[derive(Serialize)]
struct KeyLine<'a> {
    schema: u32,
    ok: bool,
    provider: &'static str,
    changed: bool,
    sid: &'a str,
    name: &'a str,
    fingerprint: String,
    private_key: Option<String>,
}

fn registered(args: &TwilioKey, printer: &Printer, added: &Added) -> Result<(), Failure> {
    let PublicKey { sid, name, .. } = &added.key;
    let private = added
        .private
        .as_ref()
        .map(|path| Input::of(path).to_string());
    let line = KeyLine {
        schema: 1,
        ok: true,
        provider: "twilio",
        changed: added.is_new,
        sid,
        name,
        fingerprint: added.fingerprint.to_string(),
        private_key: private.clone(),
    };
    let already = if added.is_new {
        ""
    } else {
        "  (registered already)"
    };
    let mut text = vec![
        format!("public key   {sid}{already}"),
        format!("name         {name}"),
        format!("fingerprint  {}", added.fingerprint),
    ];
    text.extend(private.map(|path| format!("private key  {path}")));
    text.extend([
        String::new(),
        format!(
            "Voice: switch encryption on in the Console (Voice > Settings) and choose {sid} there; no \
             API for that is documented."
        ),
        format!(
            "Video: unreel register twilio-video --public-key-sid {sid} --recordings --compositions"
        ),
        "Keep the private key: what is encrypted for it can be read with nothing else.".to_owned(),
    ]);
    result(&args.change, printer, &line, &text)
}

#[derive(Serialize)]
struct DeletedLine<'a> {
    schema: u32,
    ok: bool,
    provider: &'static str,
    changed: bool,
    sid: &'a str,
}

fn deleted(args: &TwilioKey, printer: &Printer, removed: &Removed) -> Result<(), Failure> {
    let line = DeletedLine {
        schema: 1,
        ok: true,
        provider: "twilio",
        changed: removed.was_there,
        sid: &removed.sid,
    };
    let text = if removed.was_there {
        format!("{}  deleted", removed.sid)
    } else {
        format!(
            "{}  is not there: this account has no such public key",
            removed.sid
        )
    };
    result(&args.change, printer, &line, &[text])
}

#[derive(Serialize)]
struct ListLine<'a> {
    schema: u32,
    ok: bool,
    provider: &'static str,
    keys: Vec<ListedLine<'a>>,
}

#[derive(Serialize)]
struct ListedLine<'a> {
    sid: &'a str,
    name: &'a str,
    created: Option<&'a str>,
}

fn list(args: &TwilioKey, printer: &Printer) -> Result<(), Failure> {
    let found = twilio::list(&api(args, printer)?)?;
    let listed = |key: &PublicKey| format!("{}  {}", key.sid, key.name);
    let mut text: Vec<_> = found.iter().map(listed).collect();
    if text.is_empty() {
        text.push("no public keys".to_owned());
    }
    let keys = found.iter().map(|key| ListedLine {
        sid: &key.sid,
        name: &key.name,
        created: key.created.as_deref(),
    });
    let line = ListLine {
        schema: 1,
        ok: true,
        provider: "twilio",
        keys: keys.collect(),
    };
    shown(args.change.json, printer, &line, &text)
}
