//! `unreel decrypt`: any provider's recordings.

use super::args::Any;
use super::decrypt::{self, Source};
use super::error::Failure;
use super::fetched::Fetched;
use super::printer::Printer;
use super::qvoice;
use crate::job::Input;

/// Decrypts what the command line names.
pub(super) fn run(args: &Any, printer: &Printer) -> Result<(), Failure> {
    if let Some(config) = &args.config {
        return qvoice::with_config(Input::of(config), &args.decrypt, printer);
    }
    let source = Source::of_any(&args.decrypt);
    decrypt::wrapped(&args.decrypt, source, Fetched::default(), None, printer)
}
