//! `unreel vonage`.

use super::args::{Vonage, VonagePadding};
use super::decrypt::{self, Source};
use super::error::Failure;
use super::fetched::Fetched;
use super::printer::Printer;
use crate::envelope::Padding;
use crate::provider::{Provider, vonage};

/// Decrypts what the command line names.
pub(super) fn run(args: &Vonage, printer: &Printer) -> Result<(), Failure> {
    let envelope = args.password.as_deref().map(vonage::from_password);
    let source = Source::of(Provider::Vonage, &args.decrypt, envelope)?;
    let padding = match args.padding {
        VonagePadding::Auto => Padding::TransportStream,
        VonagePadding::Pkcs7 => Padding::Pkcs7,
        VonagePadding::Keep => Padding::Keep,
    };
    let fetched = Fetched {
        all: args.all.all,
        bucket: args.bucket.as_deref(),
        ..Fetched::default()
    };
    decrypt::wrapped(&args.decrypt, source, fetched, Some(padding), printer)
}
