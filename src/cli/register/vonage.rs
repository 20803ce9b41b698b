//! `unreel register vonage`: the storage of archives, and the certificate that they are encrypted for.

use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;

use super::hands::{Hands, result};
use crate::api::{Credentials, Fallback, Storage};
use crate::cli::args::{ArchiveStorage, Auth, FallbackArg};
use crate::cli::error::Failure;
use crate::cli::printer::Printer;
use crate::cli::{credentials, keys, network};
use crate::job::Input;
use crate::job::register::Prepared;
use crate::job::register::vonage::{self, Certificate, Setting};

pub(super) fn run(args: &ArchiveStorage, printer: &Printer) -> Result<(), Failure> {
    let hands = Hands::new(&args.change, printer)?;
    let now = SystemTime::now();
    let passphrases = keys::passphrases(&args.keys.passphrase, args.keys.no_input);
    let certificate = args.certificate.as_ref().map(|file| {
        let private = keys::paths(&args.keys.paths);
        vonage::certificate(&Input::of(file), &private, &passphrases, now)
    });
    let certificate = certificate.transpose()?;

    let from = network::from(None);
    let (place, is_s3) = match (&args.s3, &args.azure) {
        (Some(bucket), _) => (bucket.as_str(), true),
        (None, container) => (container.as_deref().unwrap_or_default(), false),
    };
    let storage = Storage {
        target: credentials::storage(&from, place, is_s3)?,
        fallback: match args.fallback {
            FallbackArg::None => Fallback::None,
            FallbackArg::Opentok => Fallback::OpenTok,
        },
        certificate: certificate
            .as_ref()
            .map(|certificate| certificate.pem.clone()),
    };
    let found = match args.auth {
        Auth::Bearer => credentials::vonage(&from)?,
        Auth::Basic => credentials::vonage_with_secret(&from)?,
    };
    printer.step(format!("the credentials are those of {}", found.source));
    let credentials = Credentials {
        vonage: Some(found.credentials),
        ..Credentials::default()
    };
    let api = network::api_of(credentials, &args.change.network, &from)?;
    let setting = vonage::set(&api, &storage)?;

    let place = Place {
        name: place,
        is_s3,
        fallback: storage.fallback,
    };
    let preview = |setting: &Setting| preview(setting, &place, args, certificate.as_ref());
    let Some(projects) = hands.carry_out(Prepared::Planned(setting), &api, preview)? else {
        return Ok(());
    };
    let line = Line {
        schema: 1,
        ok: true,
        provider: "vonage",
        changed: true,
        projects: &projects,
        kind: if is_s3 { "s3" } else { "azure" },
        place: place.name,
        fallback: storage.fallback.name(),
        fingerprint: certificate
            .as_ref()
            .map(|found| found.fingerprint.to_string()),
        not_after: certificate.as_ref().map(|found| date(found.not_after)),
    };
    result(
        &args.change,
        printer,
        &line,
        &text(&projects, &place, certificate.as_ref()),
    )
}

/// Where archives go.
struct Place<'a> {
    name: &'a str,
    is_s3: bool,
    fallback: Fallback,
}

impl Place<'_> {
    fn text(&self) -> String {
        let kind = if self.is_s3 {
            "the S3 bucket"
        } else {
            "the Azure container"
        };
        format!("{kind} {}", self.name)
    }
}

fn preview(
    setting: &Setting,
    place: &Place<'_>,
    args: &ArchiveStorage,
    certificate: Option<&Certificate>,
) -> Vec<String> {
    let mut lines =
        vec!["Will set the archive storage at Vonage, in place of what is set:".to_owned()];
    for (project, draft) in &setting.projects {
        lines.push(format!("  of {project}, at {}", draft.url()));
    }
    lines.push(format!("  upload       to {}", place.text()));
    lines.push(match place.fallback {
        Fallback::None => "  fallback     none: an archive that cannot be uploaded is not kept; \
                           --fallback opentok has Vonage keep it"
            .to_owned(),
        Fallback::OpenTok => {
            "  fallback     opentok: Vonage keeps an archive that cannot be uploaded".to_owned()
        }
    });
    match certificate {
        None => lines.push("  encryption   off: new archives are not encrypted".to_owned()),
        Some(found) => {
            let file = args
                .certificate
                .as_ref()
                .map(|file| Input::of(file).to_string());
            lines.push(format!(
                "  encryption   for the certificate {}, {}, valid until {}",
                file.unwrap_or_default(),
                found.fingerprint,
                date(found.not_after)
            ));
            lines.push(match &found.private {
                Some(private) => format!("  private key  {private}"),
                None => "  private key  not looked at: -k PATH checks whether it belongs to the \
                         certificate, and without it no archive can be read"
                    .to_owned(),
            });
        }
    }
    lines
}

fn date(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%d").to_string()
}

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    ok: bool,
    provider: &'static str,
    changed: bool,
    projects: &'a [String],
    #[serde(rename = "type")]
    kind: &'static str,
    place: &'a str,
    fallback: &'static str,
    fingerprint: Option<String>,
    not_after: Option<String>,
}

fn text(projects: &[String], place: &Place<'_>, certificate: Option<&Certificate>) -> Vec<String> {
    let set = |project: &String| match certificate {
        Some(found) => format!(
            "{project}  new archives go to {}, encrypted for {}",
            place.text(),
            found.fingerprint
        ),
        None => format!(
            "{project}  new archives go to {}, not encrypted",
            place.text()
        ),
    };
    let mut text: Vec<_> = projects.iter().map(set).collect();
    if let Some(found) = certificate {
        text.extend([
            String::new(),
            "Encryption is an add-on that Vonage's support switches on for a project, and it is for \
             composed archives only."
                .to_owned(),
            "Set the archive status callback, or fetch with `unreel vonage --metadata-only`: the \
             password of each archive is what its key is wrapped in."
                .to_owned(),
            format!(
                "Keep the private key: what is encrypted for it can be read with nothing else. Before \
                 {}, register a new certificate.",
                date(found.not_after)
            ),
        ]);
    }
    text
}
