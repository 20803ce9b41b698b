//! `unreel serve link`: a link to one recording, without a server.

use crate::cli::args::Link;
use crate::cli::error::Failure;
use crate::cli::escape::escape;
use crate::cli::printer::Printer;
use crate::cli::serve::settings::{Plan, nameless};
use crate::serve::LinkKeysFrom;

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
    if let Some(warning) = nameless(settings) {
        printer.warning(&warning);
    }
    Ok(())
}
