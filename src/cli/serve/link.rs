//! `unreel serve link`: a link to one recording, without a server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cli::args::Link;
use crate::cli::error::Failure;
use crate::cli::escape::escape;
use crate::cli::printer::Printer;
use crate::cli::serve::settings::{Plan, nameless};
use crate::serve::{Claims, Kind, LinkKeysFrom, Origin, read_link_keys};

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
    let keys = read_link_keys(path)?;
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
        printer.warning(warning);
    }
    let base = settings.base(settings.listen);
    printer.answered(printer.data(&escape(&format!("{base}/listen/{token}"))))
}

/// The time since 1970.
fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}
