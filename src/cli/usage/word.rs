//! What is wrong with a word that stands where a command belongs: it is mistyped, it is what a command
//! should be given, or somebody else's word for it.

use std::ffi::OsString;
use std::path::Path;

use clap::Command;
use clap::error::ContextKind;

use super::meant::meant;
use super::misuse::{HELP, Misuse, first, texts};
use crate::job::is_no_key;
use crate::job::redact::{exists, hidden, is_path};
use crate::provider::{IdKind, Slip};

/// Says which command was meant. `all` is the whole command line, built.
pub(super) fn no_command(error: &clap::Error, all: &Command, args: &[OsString]) -> Misuse {
    let given = first(error, ContextKind::InvalidSubcommand);
    // Of `unreel serve lnk` it is a command of serve's.
    let outer = args.iter().skip(1).find_map(|arg| all.find_subcommand(arg));
    let outer = outer.filter(|outer| outer.has_subcommands());
    let word = given.to_lowercase().replace('_', "-");
    if outer.is_none()
        && meant(&word).is_none()
        && let Some(misuse) = recording(&given)
    {
        return misuse;
    }
    let is_help = |arg: &OsString| arg == "help";
    if args.get(1).is_some_and(is_help)
        && let Some(misuse) = of_help(&given, all)
    {
        return misuse;
    }
    let command = outer.unwrap_or(all);
    let name = outer.map_or("unreel".to_owned(), |outer| {
        format!("unreel {}", outer.get_name())
    });
    let mut suggested = texts(error, ContextKind::SuggestedSubcommand);
    if command.find_subcommand(&word).is_some() {
        suggested = vec![word.clone()];
    }
    let hint = match (meant(&word), outer) {
        (Some(hint), None) => hint.to_owned(),
        _ if suggested.is_empty() => return unlike_any(command, &name),
        _ => {
            let suggested = suggested.iter().map(|one| format!("{name} {one}"));
            let suggested: Vec<_> = suggested.collect();
            format!("did you mean {}?", suggested.join(" or "))
        }
    };
    Misuse {
        lines: vec![format!("there is no command `{given}`")],
        hint,
    }
}

/// A word that is like no command: it may be anything, and is not repeated.
fn unlike_any(command: &Command, name: &str) -> Misuse {
    let names = command.get_subcommands().map(Command::get_name);
    let names: Vec<_> = names.filter(|name| *name != "help").collect();
    let names = names.join(", ");
    Misuse {
        lines: vec![format!("the first argument is no command of {name}")],
        hint: if name == "unreel" {
            format!("the command comes first: {names}")
        } else {
            format!("it has {names}; {HELP}")
        },
    }
}

/// `unreel help twilio-vioce`: clap looks for nothing similar there.
fn of_help(given: &str, all: &Command) -> Option<Misuse> {
    let args = ["unreel", given].map(OsString::from);
    let error = all.clone().try_get_matches_from(&args).err()?;
    let is_it = first(&error, ContextKind::InvalidSubcommand) == given;
    is_it.then(|| no_command(&error, all, &args))
}

/// What is meant for a recording or a file, without the command in front.
fn recording(given: &str) -> Option<Misuse> {
    let path = Path::new(given);
    let is_url = given.contains("://");
    let kept_back = is_url || hidden(path).is_some();
    let (what, command) = if is_url {
        ("a URL", "decrypt")
    } else if IdKind::of(given).is_some() {
        ("an id", "decrypt")
    } else if path.is_dir() {
        ("a folder", "decrypt")
    } else if exists(path) && given != "-" || is_path(path.as_os_str()) {
        ("a file", takes(path))
    } else if let Some(Slip::Almost(id)) = Slip::of(given)
        && is_no_key(given)
    {
        return Some(Misuse {
            lines: vec![format!("`{given}` is no command, and no id either")],
            hint: format!("did you mean unreel decrypt {id}?"),
        });
    } else {
        return None;
    };
    let shown = match what {
        _ if !kept_back => given,
        "a URL" => "URL",
        "an id" => "ID",
        _ => "FILE",
    };
    let article = if kept_back {
        "the first argument"
    } else {
        &format!("`{given}`")
    };
    Some(Misuse {
        lines: vec![format!("{article} is {what}, and the command comes first")],
        hint: format!("did you mean unreel {command} {shown}?"),
    })
}

/// The command that a file is for, by its ending.
fn takes(path: &Path) -> &'static str {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    match ending.to_ascii_lowercase().as_str() {
        "jsonl" => "batch",
        "json" | "headers" | "har" | "txt" | "yaml" | "yml" | "pem" | "der" | "key" | "pub"
        | "crt" | "cer" | "p8" | "pk8" => "inspect",
        _ => "decrypt",
    }
}
