//! `unreel register`: the public key into the provider's hands, encryption on or off.

mod hands;
mod qvoice;
mod twilio;
mod video;
mod vonage;

use serde::Serialize;

use super::args::Register;
use super::error::Failure;
use super::escape::json;
use super::printer::Printer;
use super::report::ErrorLine;

/// Changes what is to be changed at a provider.
pub(super) fn run(command: &Register, printer: &Printer) -> Result<(), Failure> {
    let (change, result) = match command {
        Register::Twilio(args) => (&args.change, twilio::run(args, printer)),
        Register::TwilioVideo(args) => (&args.change, video::run(args, printer)),
        Register::Vonage(args) => (&args.change, vonage::run(args, printer)),
        Register::Qvoice(args) => (&args.change, qvoice::run(args, printer)),
    };
    if let (true, Err(failure)) = (change.json, &result) {
        let line = Failed {
            schema: 1,
            ok: false,
            error: ErrorLine::of(failure),
        };
        let line = json(&line).map_err(|error| Failure::Internal(error.into()))?;
        printer.answered(printer.data(&line))?;
    }
    result
}

/// The line of what failed.
#[derive(Serialize)]
struct Failed {
    schema: u32,
    ok: bool,
    error: ErrorLine,
}
