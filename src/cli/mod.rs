//! The command line: the one layer that reads arguments and the environment, and that prints.

mod any;
mod args;
mod batch;
mod command;
mod completions;
mod credentials;
mod decrypt;
mod doctor;
mod error;
mod escape;
mod exit;
mod fetched;
mod help;
mod inspect;
mod keygen;
mod keys;
mod log;
mod look;
mod man;
mod message;
mod misplaced;
mod moment;
mod network;
mod printer;
mod qvoice;
mod register;
mod report;
#[cfg(feature = "serve")]
mod serve;
mod shard;
mod talk;
mod target;
mod total;
mod twilio_video;
mod twilio_voice;
mod units;
mod usage;
mod version;
mod vonage;
#[cfg(feature = "waveform")]
mod waveform;
mod words;
mod wrap;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use self::args::LogFormat;
use self::command::{Cli, Command};
use self::error::Failure;
pub use self::escape::escape;
use self::exit::Code;
use self::printer::Printer;

/// Runs the program with these arguments, the first being its own name.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let mut command = command::named(&args);
    let parsed = command.try_get_matches_from_mut(&args);
    let parsed = parsed.and_then(|matches| Ok((Cli::of(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return explain(&error, &args),
    };
    crate::io::keep_private();
    let format = log::format(cli.talk.log_format);
    let printer = match format {
        Ok(format) => Arc::new(Printer::new(&cli.talk, format)),
        Err(failure) => return failed(&failure, &Printer::plain(LogFormat::Text)),
    };
    log::listen(&printer);
    let result = misplaced::check(&command, &matches)
        .and_then(|()| {
            crate::io::install_cleanup(at_the_end).map_err(|error| Failure::Internal(error.into()))
        })
        .and_then(|()| run(&cli.command, &printer));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure, &printer),
    }
}

/// What a signal leaves to do before it ends the program.
fn at_the_end() {
    keys::restore_terminal();
    crate::store::abort_uploads();
}

fn failed(failure: &Failure, printer: &Printer) -> ExitCode {
    printer.error(failure);
    ExitCode::from(failure.verdict().code.exit())
}

/// Help and version, or what is wrong with the arguments.
fn explain(error: &clap::Error, args: &[OsString]) -> ExitCode {
    use clap::error::ErrorKind;
    let printer = Printer::plain(log::format_among(args));
    match error.kind() {
        kind @ (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let help = (kind == ErrorKind::DisplayHelp).then(|| help::asked(args));
            let text = help.flatten().unwrap_or_else(|| error.render());
            if let Err(failure) = printer.help(&text) {
                return failed(&failure, &printer);
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !printer.is_for_machines() => {
            printer.way(&match args {
                [_] | [] => help::WAY.to_owned(),
                _ => help::asked(args)
                    .unwrap_or_else(|| error.render())
                    .to_string(),
            });
        }
        _ => {
            // What was meant is looked for among the arguments of all commands.
            let mut command = command::all();
            let again = command.try_get_matches_from_mut(args).err();
            command.build();
            let error = again.as_ref().unwrap_or(error);
            printer.error(&usage::explain(error, &command, args));
        }
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Code::Usage.exit()))
}

fn run(command: &Command, printer: &Printer) -> Result<(), Failure> {
    match command {
        Command::TwilioVoice(args) => twilio_voice::run(args, printer),
        Command::TwilioVideo(args) => twilio_video::run(args, printer),
        Command::Vonage(args) => vonage::run(args, printer),
        Command::Qvoice(args) => qvoice::run(args, printer),
        Command::Decrypt(args) => any::run(args, printer),
        Command::Batch(args) => batch::run(args, printer),
        Command::Keygen(args) => keygen::run(args, printer),
        Command::Register(args) => register::run(args, printer),
        Command::Inspect(args) => inspect::run(args, printer),
        Command::Completions(args) => completions::run(args, printer),
        Command::Man(args) => man::run(args, printer),
        #[cfg(feature = "serve")]
        Command::Serve(given) => serve::run(given, printer),
        #[cfg(feature = "waveform")]
        Command::Waveform(args) => waveform::run(args, printer),
        Command::Doctor(args) => doctor::run(args, printer),
    }
}
