//! The service itself: everything is opened, and then it listens.

use std::sync::Arc;

use super::hands::{Hands, private_keys};
use super::settings::{Plan, check_sources, from};
use crate::cli::args::{Serve, Source};
use crate::cli::error::Failure;
use crate::cli::network;
use crate::cli::printer::Printer;
use crate::cli::words::Words;
use crate::job::{Library, Shelf};

/// Serves until a signal ends it.
pub(super) fn run(flags: &Serve, plan: Plan, printer: &Printer) -> Result<(), Failure> {
    check_sources(flags)?;
    for warning in &plan.warnings {
        printer.warning(warning.as_str());
    }
    let keys = &plan.keys;
    if keys.paths.is_empty() && keys.key_command.is_none() && keys.unwrap_command.is_none() {
        printer.warning("no encrypted recording can be played: there is no private key (-k)");
    }
    let from = from(flags);
    let api = network::api_of_any(&flags.network, &from, printer)?;
    let buckets = Arc::new(network::buckets_of_any(&api, &from));
    let library = Library::new(
        api,
        buckets,
        private_keys(flags, plan.keys.clone()),
        flags.sources.iter().map(shelf).collect(),
        plan.settings.account.clone(),
        plan.settings.cache,
    );
    library.open_keys(&Words(printer))?;
    let hands = Hands {
        printer,
        flags,
        keys: plan.keys,
    };
    Ok(crate::serve::run(plan.settings, library, &hands)?)
}

fn shelf(source: &Source) -> Shelf {
    match source {
        Source::Twilio => Shelf::Twilio,
        Source::Folder(folder) => Shelf::Folder(folder.clone()),
        Source::Bucket(prefix) => Shelf::Bucket(prefix.clone()),
    }
}
