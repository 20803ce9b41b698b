//! `unreel serve link`: a link to one recording, without a server.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cli::args::Link;
use crate::cli::error::Failure;
use crate::cli::escape::escape;
use crate::cli::exit::Code;
use crate::cli::printer::Printer;
use crate::cli::serve::settings::{Plan, nameless};
use crate::io::{ReadError, read_file};
use crate::job::redact::shown_of_secret;
use crate::serve::{Claims, Kind, LinkKeys, LinkKeysFrom, Origin};

/// The most bytes of a file with link keys.
const LIMIT: u64 = 1 << 20;

/// Prints it.
pub(super) fn run(args: &Link, plan: &Plan, printer: &Printer) -> Result<(), Failure> {
    let settings = &plan.settings;
    let LinkKeysFrom::File(path) = &settings.link_keys else {
        return Err(Failure::Usage(
            "there is no --link-key-file, and the keys that a server makes for itself are its own",
            "pass the file that the server has, or put it into the settings of both",
        ));
    };
    if settings.public_url.is_none() && settings.listen.port() == 0 {
        return Err(Failure::Usage(
            "where links lead is not known: --listen has port 0, which is any that is free",
            "say what links begin with: --public-url URL",
        ));
    }
    let keys = keys(path)?;
    let claims = Claims {
        recording: args.id.clone(),
        who: args.who.clone().unwrap_or_default(),
        expires: (now() + args.ttl).as_secs(),
        kind: Kind::Listen,
        by: Some(Origin::Link),
    };
    let token = keys.sign(&claims).ok_or(Failure::Usage(
        "the link would be longer than the server takes",
        "pass a shorter name with --for",
    ))?;
    if let Some(warning) = nameless(settings) {
        printer.warning(&warning);
    }
    let base = settings.base(settings.listen);
    printer.answered(printer.data(&escape(&format!("{base}/listen/{token}"))))
}

/// The time since 1970.
fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

fn keys(path: &Path) -> Result<LinkKeys, Failure> {
    let name = shown_of_secret(path);
    let bytes = read_file(path, LIMIT).map_err(|error| {
        let why = match error {
            ReadError::Io(error) => error.kind().to_string(),
            error @ ReadError::TooLong { .. } => error.to_string(),
        };
        let what = format!("cannot read the link keys in `{name}`: {why}");
        unusable(
            what,
            "check the path of --link-key-file and its permissions",
        )
    })?;
    LinkKeys::parse(&bytes).map_err(|error| {
        let what = format!("cannot use the link keys in `{name}`: {error}");
        unusable(
            what,
            "each line is a name and a key: echo \"k1 $(openssl rand -base64 32)\" > link_keys.txt",
        )
    })
}

fn unusable(what: String, hint: &str) -> Failure {
    Failure::Misplaced(what, Code::Key, hint.to_owned())
}
