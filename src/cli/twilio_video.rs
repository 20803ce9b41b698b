//! `unreel twilio-video`.

use super::args::TwilioVideo;
use super::decrypt::{self, Source};
use super::error::Failure;
use super::fetched::Fetched;
use super::printer::Printer;
use crate::provider::{Provider, twilio_video};

/// Decrypts what the command line names.
pub(super) fn run(args: &TwilioVideo, printer: &Printer) -> Result<(), Failure> {
    let values = args.encrypted_key.as_ref().zip(args.iv.as_ref());
    let envelope = values.map(|(key, iv)| twilio_video::from_values(key, iv));
    let source = Source::of(Provider::TwilioVideo, &args.decrypt, envelope)?;
    let fetched = Fetched {
        all: args.all.all,
        account: Some(&args.twilio),

        ..Fetched::default()
    };
    decrypt::wrapped(&args.decrypt, source, fetched, None, printer)
}
