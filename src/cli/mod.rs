//! The command line: the one layer that reads arguments and the environment, and that prints.

mod args;
mod decrypt;
mod error;
mod escape;
mod exit;
mod inspect;
mod keygen;
mod keys;
mod metadata;
mod misplaced;
mod own;
mod printer;
mod profile;
mod provider;
mod qvoice;
mod redact;
mod report;
mod stdin;
mod usage;
mod wrap;
mod wrapped;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use self::args::{Cli, Command, VonagePadding};
use self::error::Failure;
pub use self::escape::escape;
use self::exit::Code;
use self::printer::Printer;
pub use self::profile::parse as parse_profile;
use self::provider::Provider;
use crate::envelope::{Envelope, Padding};
use crate::provider::{MetadataError, twilio_video, twilio_voice, vonage};

/// Runs the program with these arguments, the first being its own name.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let mut command = Cli::command();
    let parsed = command.try_get_matches_from_mut(&args);
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return explain(&error, &command, &args),
    };
    crate::io::keep_private();
    let printer = Printer::new(&cli.talk);
    let result = misplaced::check(&command, &matches)
        .and_then(|()| {
            crate::io::install_cleanup(keys::restore_terminal)
                .map_err(|error| Failure::Internal(error.into()))
        })
        .and_then(|()| run(&cli.command, &printer));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure, &printer),
    }
}

fn failed(failure: &Failure, printer: &Printer) -> ExitCode {
    printer.error(failure);
    ExitCode::from(failure.verdict().code.exit())
}

/// Help and version, or what is wrong with the arguments.
fn explain(error: &clap::Error, command: &clap::Command, args: &[OsString]) -> ExitCode {
    use clap::error::ErrorKind;
    let printer = Printer::plain();
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            if let Err(error) = printer.flush(error.print()) {
                let failure = Failure::Unwritten("standard output".to_owned(), error);
                return failed(&failure, &printer);
            }
        }
        _ => printer.usage(&usage::explain(error, command, args)),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Code::Usage.exit()))
}

fn run(command: &Command, printer: &Printer) -> Result<(), Failure> {
    let direct = |provider, envelope: Option<Result<Envelope, MetadataError>>| {
        envelope
            .transpose()
            .map_err(|error| Failure::Direct(provider, error))
    };
    match command {
        Command::TwilioVoice(args) => {
            let values = args.encrypted_cek.as_ref().zip(args.iv.as_ref());
            let envelope = values.map(|(key, iv)| twilio_voice::from_values(key, iv));
            let provider = Provider::TwilioVoice;
            let envelope = direct(provider, envelope)?;
            wrapped::run(provider, &args.decrypt, envelope, None, printer)
        }
        Command::TwilioVideo(args) => {
            let values = args.encrypted_key.as_ref().zip(args.iv.as_ref());
            let envelope = values.map(|(key, iv)| twilio_video::from_values(key, iv));
            let provider = Provider::TwilioVideo;
            let envelope = direct(provider, envelope)?;
            wrapped::run(provider, &args.decrypt, envelope, None, printer)
        }
        Command::Vonage(args) => {
            let envelope = args.password.as_deref().map(vonage::from_password);
            let provider = Provider::Vonage;
            let envelope = direct(provider, envelope)?;
            let padding = match args.padding {
                VonagePadding::Auto => Padding::TransportStream,
                VonagePadding::Pkcs7 => Padding::Pkcs7,
                VonagePadding::Keep => Padding::Keep,
            };
            wrapped::run(provider, &args.decrypt, envelope, Some(padding), printer)
        }
        Command::Qvoice(args) => qvoice::run(args, printer),
        Command::Keygen(args) => keygen::run(args, printer),
        Command::Inspect(args) => inspect::run(args, printer),
    }
}
