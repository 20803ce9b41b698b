//! `unreel register qvoice`: the encryption of an account, and the file with its keys.

use serde::Serialize;

use super::hands::{Hands, result, shown};
use crate::api::{Api, Credentials};
use crate::cli::args::{Algorithm, QvoiceConfig};
use crate::cli::error::Failure;
use crate::cli::printer::Printer;
use crate::cli::{credentials, network};
use crate::job::Input;
use crate::job::register::qvoice::{self, Changing, File, Origin, State, Task, Wanted};

pub(super) fn run(args: &QvoiceConfig, printer: &Printer) -> Result<(), Failure> {
    if Input::of(&args.config).is_stdin() {
        return Err(Failure::Usage(
            "keys are written to the configuration, and standard input is no file",
            "name a file with --config PATH",
        ));
    }
    if args.show {
        let api = api(args, printer)?;
        let file = File::open(&args.config)?;
        let state = qvoice::show(&api, file)?;
        return shown(
            args.change.json,
            printer,
            &Line::of(&state, args),
            &lines(&state, args),
        );
    }
    let hands = Hands::new(&args.change, printer)?;
    let wanted = Wanted {
        task: match (args.enable, args.disable) {
            (true, _) => Task::Enable,
            (false, true) => Task::Disable,
            (false, false) => Task::Rotate,
        },
        algorithm: args.algorithm.map(|algorithm| match algorithm {
            Algorithm::Gcm => "AES-256-GCM",
            Algorithm::Cbc => "AES-256-CBC",
        }),
        key: args.key_file.as_deref().map(Input::of),
        salt: args.salt_file.as_deref().map(Input::of),
    };
    let api = api(args, printer)?;
    let file = File::open(&args.config)?;
    let prepared = qvoice::change(&api, file, &wanted, args.change.dry_run)?;
    let Some(state) = hands.carry_out(prepared, &api, preview)? else {
        return Ok(());
    };
    let mut text = lines(&state, args);
    if !state.is_changed {
        text.push("Nothing is to be changed: it is so already.".to_owned());
    }
    if state.is_kept {
        text.push(String::new());
        text.push(format!(
            "Keep {}: its keys open the recordings, and nothing else does. unreel qvoice --config {} \
             takes it.",
            name(args),
            name(args)
        ));
    }
    result(&args.change, printer, &Line::of(&state, args), &text)
}

fn api(args: &QvoiceConfig, printer: &Printer) -> Result<Api, Failure> {
    let from = network::from(None);
    let found = credentials::qvoice(&from)?;
    printer.step(format!("the credentials are those of {}", found.source));
    let credentials = Credentials {
        qvoice: Some(found.credentials),
        ..Credentials::default()
    };
    network::api_of(credentials, &args.change.network, &from)
}

fn name(args: &QvoiceConfig) -> String {
    Input::of(&args.config).to_string()
}

fn preview(changing: &Changing) -> Vec<String> {
    let on = |is_on| if is_on { "on" } else { "off" };
    let is_on = changing.task != Task::Disable;
    let mut lines = vec![
        "Will change the encryption of call recordings at Qvoice:".to_owned(),
        format!(
            "  encryption  {} -> {}",
            on(changing.now.enabled),
            on(is_on)
        ),
    ];
    if let Some(algorithm) = &changing.algorithm {
        let now = changing.now.algorithm.as_deref().unwrap_or("none");
        lines.push(format!("  algorithm   {now} -> {algorithm}"));
    }
    if let Some(origin) = changing.new_key {
        let from = match origin {
            Origin::Made => "a new key and salt, made here",
            Origin::Given => "the key and salt of the files",
            Origin::Pending => "the key and salt that are pending in the configuration",
        };
        lines.push(format!(
            "  key         {from}; they stand in {} before they are sent",
            changing.file
        ));
    }
    if !is_on {
        lines.push("New recordings will be stored unencrypted; keys stay as they are.".to_owned());
    }
    lines
}

fn lines(state: &State, args: &QvoiceConfig) -> Vec<String> {
    let mut lines = vec![if state.enabled {
        let algorithm = state
            .algorithm
            .as_deref()
            .unwrap_or("an algorithm that is not said");
        format!("encryption   on, {algorithm}")
    } else {
        "encryption   off: new recordings are stored as they are".to_owned()
    }];
    if let Some(version) = state.key_version {
        let id = state.key_id.as_deref().map(|id| format!("  ({id})"));
        lines.push(format!("key version  {version}{}", id.unwrap_or_default()));
    }
    if state.is_kept {
        let versions: Vec<_> = state.versions.iter().map(ToString::to_string).collect();
        let has = match versions.as_slice() {
            [] => "no version".to_owned(),
            [one] => format!("version {one}"),
            all => format!("versions {}", all.join(", ")),
        };
        lines.push(format!("keys         {} has {has}", name(args)));
    }
    if state.is_pending {
        lines.push(format!(
            "pending      a key in {} that Qvoice does not have; --rotate sends it (--enable, where \
             encryption was never on)",
            name(args)
        ));
    }
    lines
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are fields of JSON")]
struct Line<'a> {
    schema: u32,
    ok: bool,
    provider: &'static str,
    changed: bool,
    enabled: bool,
    algorithm: Option<&'a str>,
    key_version: Option<u64>,
    key_id: Option<&'a str>,
    config: Option<String>,
    versions: &'a [u64],
    pending: bool,
}

impl<'a> Line<'a> {
    fn of(state: &'a State, args: &QvoiceConfig) -> Self {
        Self {
            schema: 1,
            ok: true,
            provider: "qvoice",
            changed: state.is_changed,
            enabled: state.enabled,
            algorithm: state.algorithm.as_deref(),
            key_version: state.key_version,
            key_id: state.key_id.as_deref(),
            config: state.is_kept.then(|| name(args)),
            versions: &state.versions,
            pending: state.is_pending,
        }
    }
}
