//! `unreel decrypt`: any provider's recordings.

use super::args::Any;
use super::decrypt::{self, Source};
use super::error::Failure;
use super::printer::Printer;
use super::qvoice;
use crate::job::Input;

/// Decrypts what the command line names.
pub(super) fn run(args: &Any, printer: &Printer) -> Result<(), Failure> {
    match &args.config {
        Some(config) => qvoice::with_config(Input::of(config), &args.decrypt, printer),
        None => decrypt::wrapped(&args.decrypt, Source::of_any(&args.decrypt), None, printer),
    }
}
