//! `unreel twilio-voice`.

use super::args::TwilioVoice;
use super::decrypt::{self, Source};
use super::error::Failure;
use super::fetched::Fetched;
use super::printer::Printer;
use crate::provider::{Provider, twilio_voice};

/// Decrypts what the command line names.
pub(super) fn run(args: &TwilioVoice, printer: &Printer) -> Result<(), Failure> {
    let values = args.encrypted_cek.as_ref().zip(args.iv.as_ref());
    let envelope = values.map(|(key, iv)| twilio_voice::from_values(key, iv));
    let source = Source::of(Provider::TwilioVoice, &args.decrypt, envelope)?;
    let fetched = Fetched {
        all: args.all.all,
        account: Some(&args.twilio),
        include_deleted: args.include_deleted,
        ..Fetched::default()
    };
    decrypt::wrapped(&args.decrypt, source, fetched, None, printer)
}
