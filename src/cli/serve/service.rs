//! The service itself: everything is opened, and then it listens.

use std::sync::Arc;

use super::hands::Hands;
use super::settings::{Plan, check_sources, from};
use crate::cli::args::Serve;
use crate::cli::error::Failure;
use crate::cli::printer::Printer;
use crate::cli::words::Words;
use crate::cli::{keys, network};
use crate::job::PrivateKeys;

/// Serves until a signal ends it.
pub(super) fn run(flags: &Serve, plan: Plan, printer: &Printer) -> Result<(), Failure> {
    check_sources(flags)?;
    for warning in &plan.warnings {
        printer.warning(warning);
    }
    let from = from(flags);
    let api = network::api_of_any(&flags.network, &from, printer)?;
    let buckets = Arc::new(network::buckets_of_any(&api, &from));
    let passphrases = keys::passphrases(&flags.keys.passphrase, flags.keys.no_input);
    let keys = PrivateKeys::new(plan.keys, passphrases);
    keys.ring(&Words(printer))?;
    Ok(())
}
