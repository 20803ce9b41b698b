//! What is wrong with a flag: it is mistyped, another command's, or called otherwise elsewhere.

use std::ffi::OsString;

use clap::error::ContextKind;
use clap::{Arg, Command};

use super::meant::meant_flag;
use super::misuse::{HELP, Misuse, first};
use crate::job::redact::{is_path, is_untypable};

/// Says which flag was meant, or whose it is. `all` is the whole command line, built.
pub(super) fn unknown(error: &clap::Error, all: &Command, args: &[OsString]) -> Misuse {
    let given = first(error, ContextKind::InvalidArg);
    let is_shown = is_flag(&given);
    let message = if is_shown || is_untypable(&given) {
        format!("unexpected argument '{given}' found")
    } else {
        "there is an argument too many; it is not repeated here, as it may be a secret".to_owned()
    };
    let hint = match dashed(&given, all, args) {
        Some(written) => Some(format!(
            "a file's name that begins with a dash is written with ./ in front: {written}"
        )),
        None if is_shown => hint(error, &given, all, args),
        None => None,
    };
    let usage = usage(error).filter(|_| hint.is_none());
    Misuse {
        lines: std::iter::once(message).chain(usage).collect(),
        hint: hint.unwrap_or_else(|| HELP.to_owned()),
    }
}

fn usage(error: &clap::Error) -> Option<String> {
    let usage = error.get(ContextKind::Usage)?;
    Some(usage.to_string().trim().to_owned())
}

/// Whether it is written as flags are, and so may be repeated.
fn is_flag(text: &str) -> bool {
    let letters = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    match text.strip_prefix("--") {
        Some(name) => name.len() <= 32 && letters(name),
        None => text.len() == 2 && text.starts_with('-'),
    }
}

/// The flag that was meant, or whose it is.
fn hint(error: &clap::Error, given: &str, all: &Command, args: &[OsString]) -> Option<String> {
    let (path, command) = asked(all, args);
    let mut owners = Vec::new();
    add_owners(all, "", given, &mut owners);
    if path.is_empty() {
        let decrypt = owners.iter().find(|owner| *owner == "decrypt");
        let owner = decrypt.or(owners.first())?;
        return Some(format!("the command comes first: unreel {owner} {given} …"));
    }
    let meant = meant_flag(given).filter(|flag| has(command, flag.split(' ').next()));
    let suggested = first(error, ContextKind::SuggestedArg);
    let suggested = meant.or((!suggested.is_empty()).then_some(suggested.as_str()));
    let owners = match owners.as_slice() {
        [] => None,
        [only] => Some(format!("{given} is a flag of unreel {only}")),
        [one, two] => Some(format!("{given} is a flag of unreel {one} and {two}")),
        [one, two, ..] => Some(format!(
            "{given} is a flag of unreel {one}, {two} and others"
        )),
    };
    Some(match (suggested, owners) {
        (None, owners) => format!("{}; unreel {path} --help shows its own", owners?),
        (Some(suggested), None) => format!("did you mean {suggested}?"),
        (Some(suggested), Some(owners)) => format!("did you mean {suggested}? ({owners})"),
    })
}

/// The command that the arguments name, and what is typed for it behind `unreel`.
fn asked<'a>(all: &'a Command, args: &[OsString]) -> (String, &'a Command) {
    let mut path = Vec::new();
    let mut command = all;
    for arg in args.iter().skip(1) {
        if let Some(below) = command.find_subcommand(arg) {
            path.push(below.get_name());
            command = below;
        }
    }
    (path.join(" "), command)
}

/// Whether a command has a flag, written with its dashes.
fn has(command: &Command, flag: Option<&str>) -> bool {
    let is_it = |arg: &&Arg| flag.is_some_and(|flag| is_called(arg, flag));
    command
        .get_arguments()
        .any(|arg| is_it(&arg) && !arg.is_hide_set())
}

fn is_called(arg: &Arg, flag: &str) -> bool {
    match flag.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => flag
            .chars()
            .nth(1)
            .is_some_and(|short| arg.get_short() == Some(short)),
    }
}

/// The commands that have a flag, by what is typed for them.
fn add_owners(command: &Command, path: &str, flag: &str, owners: &mut Vec<String>) {
    for below in command.get_subcommands() {
        let path = format!("{path} {}", below.get_name())
            .trim_start()
            .to_owned();
        add_owners(below, &path, flag, owners);
        if has(below, Some(flag)) {
            owners.push(path);
        }
    }
}

/// How an option's value that was taken for a flag is written: `-o ./-x.wav`.
fn dashed(given: &str, command: &Command, args: &[OsString]) -> Option<String> {
    let takes_path = |name: &str| {
        let named = |arg: &Arg| {
            let long = arg.get_long().map(|long| format!("--{long}"));
            let short = arg.get_short().map(|short| format!("-{short}"));
            let names = arg.get_value_names().unwrap_or_default();
            names
                .iter()
                .any(|value| ["PATH", "DIR"].contains(&value.as_str()))
                && [long, short].contains(&Some(name.to_owned()))
        };
        command
            .get_subcommands()
            .any(|each| each.get_arguments().any(named))
    };
    args.windows(2).find_map(|two| {
        let [option, value] = two else { return None };
        let (option, value) = (option.to_str()?, value.to_str()?);
        let meant = value.starts_with(given) && value.starts_with('-') && takes_path(option);
        let name = if is_path(value.as_ref()) {
            value
        } else {
            "-NAME"
        };
        meant.then(|| format!("{option} ./{name}"))
    })
}
