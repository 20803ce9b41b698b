//! [`Cli`]: the command line as a whole, and which command is meant.
//!
//! By hand where clap would derive it: the arguments of a command are made when it is the one that
//! is run. Making those of all is a third of the time that the program needs to start.

use std::ffi::OsString;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

#[cfg(feature = "waveform")]
use super::args::Waveform;
use super::args::{
    Any, Batch, Completions, Doctor, Inspect, Keygen, Man, Qvoice, Register, TwilioVideo,
    TwilioVoice, Verbosity, Vonage,
};
use super::version;

const ABOUT: &str = "Turns provider-encrypted call and video recordings back into playable media";

/// What the command line says.
pub(super) struct Cli {
    pub(super) command: Command,
    pub(super) talk: Verbosity,
}

/// A command and its arguments.
#[derive(Debug)]
pub(super) enum Command {
    TwilioVoice(TwilioVoice),
    TwilioVideo(TwilioVideo),
    Vonage(Vonage),
    Qvoice(Qvoice),
    Decrypt(Any),
    Batch(Batch),
    Keygen(Keygen),
    Register(Register),
    Inspect(Inspect),
    /// As it was given: more may be said elsewhere.
    #[cfg(feature = "serve")]
    Serve(Box<ArgMatches>),
    #[cfg(feature = "waveform")]
    Waveform(Waveform),
    Doctor(Doctor),
    Completions(Completions),
    Man(Man),
}

/// The name of a command, what it does, and how its arguments are made.
type Entry = (
    &'static str,
    &'static str,
    fn(clap::Command) -> clap::Command,
);

const ENTRIES: &[Entry] = &[
    (
        "twilio-voice",
        "Decrypt Twilio call recordings",
        TwilioVoice::augment_args,
    ),
    (
        "twilio-video",
        "Decrypt Twilio Video recordings and compositions",
        TwilioVideo::augment_args,
    ),
    (
        "vonage",
        "Decrypt Vonage Video (OpenTok) archives",
        Vonage::augment_args,
    ),
    (
        "qvoice",
        "Decrypt Qvoice (Gorec) call recordings (provisional)",
        Qvoice::augment_args,
    ),
    (
        "decrypt",
        "Decrypt any of these: the metadata says whose recording it is",
        Any::augment_args,
    ),
    (
        "batch",
        "JSON Lines in, JSON Lines out, for many recordings",
        Batch::augment_args,
    ),
    (
        "keygen",
        "Make an RSA key pair, and an X.509 certificate for Vonage",
        Keygen::augment_args,
    ),
    (
        "register",
        "Hand the public key to the provider, switch encryption on or off",
        with_providers,
    ),
    (
        "inspect",
        "Say what metadata, a key or media is, and which key opens it",
        Inspect::augment_args,
    ),
    #[cfg(feature = "serve")]
    (
        "serve",
        "Play encrypted recordings in Twilio Flex and in browsers",
        super::args::with_actions,
    ),
    #[cfg(feature = "waveform")]
    (
        "waveform",
        "Draw how a recording sounds: a picture, or numbers for a player",
        Waveform::augment_args,
    ),
    (
        "doctor",
        "Try whether decrypting works here, and say what a run would find",
        Doctor::augment_args,
    ),
    (
        "completions",
        "Print the script that has a shell complete commands and flags",
        Completions::augment_args,
    ),
    (
        "man",
        "Print a page of the manual, or write all of them into a folder",
        with_pages,
    ),
];

fn with_providers(command: clap::Command) -> clap::Command {
    Register::augment_subcommands(command)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_value_name("PROVIDER")
        .subcommand_help_heading("Providers")
        .disable_help_subcommand(true)
}

/// Commands below others, whose names are none of a command's above.
const BELOW: &[&str] = &[
    "twilio",
    #[cfg(feature = "serve")]
    "link",
    #[cfg(feature = "serve")]
    "verify-audit",
];

/// The name of a command.
pub(super) fn name_of(command: &clap::Command) -> &'static str {
    let all = ENTRIES.iter().map(|(name, ..)| *name);
    let mut all = all.chain(BELOW.iter().copied());
    let is_it = |name: &&str| *name == command.get_name();
    all.find(is_it).unwrap_or("unreel")
}

/// Every command has a page.
fn with_pages(command: clap::Command) -> clap::Command {
    let names = ENTRIES.iter().map(|(name, ..)| *name);
    let names = PossibleValuesParser::new(names.chain(BELOW.iter().copied()));
    Man::augment_args(command).mut_arg("command", |arg| {
        arg.value_parser(names).hide_possible_values(true)
    })
}

/// The command line, with the arguments of every command.
pub(super) fn all() -> clap::Command {
    with_arguments_of(|_| true)
}

/// The same, with the arguments of the commands whose names are among `args`.
pub(super) fn named(args: &[OsString]) -> clap::Command {
    with_arguments_of(|name| args.iter().any(|arg| arg == name))
}

fn with_arguments_of(is_meant: impl Fn(&str) -> bool) -> clap::Command {
    let commands = ENTRIES.iter().map(|&(name, about, arguments)| {
        let command = clap::Command::new(name);
        let command = if is_meant(name) {
            arguments(command)
        } else {
            command
        };
        command.about(about).long_about(None)
    });
    let cli = clap::Command::new("unreel")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands);
    Verbosity::augment_args(cli)
        .version(version::SHORT)
        .long_version(version::LONG)
        .about(ABOUT)
        .long_about(None)
        .max_term_width(100)
}

impl Cli {
    /// # Errors
    /// As clap has it.
    pub(super) fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            command: Command::of(matches)?,
            talk: Verbosity::from_arg_matches(matches)?,
        })
    }
}

impl Command {
    fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(ErrorKind::MissingSubcommand);
        let (name, given) = matches.subcommand().ok_or_else(missing)?;
        Ok(match name {
            "twilio-voice" => Self::TwilioVoice(FromArgMatches::from_arg_matches(given)?),
            "twilio-video" => Self::TwilioVideo(FromArgMatches::from_arg_matches(given)?),
            "vonage" => Self::Vonage(FromArgMatches::from_arg_matches(given)?),
            "qvoice" => Self::Qvoice(FromArgMatches::from_arg_matches(given)?),
            "decrypt" => Self::Decrypt(FromArgMatches::from_arg_matches(given)?),
            "batch" => Self::Batch(FromArgMatches::from_arg_matches(given)?),
            "keygen" => Self::Keygen(FromArgMatches::from_arg_matches(given)?),
            "register" => Self::Register(FromArgMatches::from_arg_matches(given)?),
            "inspect" => Self::Inspect(FromArgMatches::from_arg_matches(given)?),
            #[cfg(feature = "serve")]
            "serve" => Self::Serve(Box::new(given.clone())),
            #[cfg(feature = "waveform")]
            "waveform" => Self::Waveform(FromArgMatches::from_arg_matches(given)?),
            "doctor" => Self::Doctor(FromArgMatches::from_arg_matches(given)?),
            "completions" => Self::Completions(FromArgMatches::from_arg_matches(given)?),
            "man" => Self::Man(FromArgMatches::from_arg_matches(given)?),
            _ => return Err(missing()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_well_formed() {
        all().debug_assert();
    }

    #[test]
    fn a_command_that_is_not_meant_has_no_arguments() {
        let args = ["unreel", "vonage"].map(OsString::from);
        let mut command = named(&args);
        command.build();
        let count = |name: &str| {
            let found = command.find_subcommand(name).unwrap();
            found.get_arguments().count()
        };
        assert!(count("vonage") > 20 && count("keygen") < 10);
    }
}
