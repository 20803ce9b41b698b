//! What is wrong with the arguments. Clap's own messages repeat what was typed, which may be a
//! secret that slipped; these name options, commands and the values there are.

mod meant;
mod misuse;
mod value;

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ErrorKind};

use self::meant::meant;
pub(super) use self::misuse::Misuse;
use self::misuse::{HELP, first, texts};
use self::value::value;
use super::misplaced::KEY_HINT;
use crate::job::redact::{Kind, is_path, is_untypable, looks_like_secret};

/// Says what is wrong, without a value that was given.
pub(super) fn explain(error: &clap::Error, command: &Command, args: &[OsString]) -> Misuse {
    let is_key = |arg: &OsString| looks_like_secret(arg) == Some(Kind::Key);
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand if args.iter().any(is_key) => {
            Misuse {
                lines: vec!["one of the arguments is the text of a key".to_owned()],
                hint: KEY_HINT.to_owned(),
            }
        }
        ErrorKind::UnknownArgument => unknown(error, command, args),
        ErrorKind::InvalidSubcommand => subcommand(error, command, args),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::TooManyValues => {
            value(error)
        }
        // These name nothing but what there is.
        ErrorKind::MissingRequiredArgument
        | ErrorKind::ArgumentConflict
        | ErrorKind::MissingSubcommand
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::NoEquals
        | ErrorKind::InvalidUtf8 => {
            let text = error.to_string();
            let text = text.trim().trim_start_matches("error: ");
            let text = text.trim_end_matches("For more information, try '--help'.");
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Misuse {
                lines: lines.map(ToOwned::to_owned).collect(),
                hint: HELP.to_owned(),
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Misuse {
            lines: vec!["there is no command".to_owned()],
            hint: HELP.to_owned(),
        },
        _ => Misuse {
            lines: vec!["the command line makes no sense".to_owned()],
            hint: HELP.to_owned(),
        },
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

fn unknown(error: &clap::Error, command: &Command, args: &[OsString]) -> Misuse {
    let given = first(error, ContextKind::InvalidArg);
    let suggested = first(error, ContextKind::SuggestedArg);
    let message = if is_flag(&given) || is_untypable(&given) {
        format!("unexpected argument '{given}' found")
    } else {
        "there is an argument too many; it is not repeated here, as it may be a secret".to_owned()
    };
    let hint = match dashed(&given, command, args) {
        Some(written) => {
            format!("a file's name that begins with a dash is written with ./ in front: {written}")
        }
        None if suggested.is_empty() => HELP.to_owned(),
        None => format!("did you mean {suggested}?"),
    };
    Misuse {
        lines: std::iter::once(message).chain(usage(error)).collect(),
        hint,
    }
}

/// How an option's value that was taken for a flag is written: `-o ./-x.wav`.
fn dashed(given: &str, command: &Command, args: &[OsString]) -> Option<String> {
    let takes_path = |name: &str| {
        let named = |arg: &clap::Arg| {
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

fn subcommand(error: &clap::Error, all: &Command, args: &[OsString]) -> Misuse {
    let given = first(error, ContextKind::InvalidSubcommand);
    let word = given.to_lowercase().replace('_', "-");
    // Of `unreel serve lnk` it is a command of serve's.
    let outer = args.iter().skip(1).find_map(|arg| all.find_subcommand(arg));
    let outer = outer.filter(|outer| outer.has_subcommands());
    let command = outer.unwrap_or(all);
    let name = outer.map_or("unreel".to_owned(), |outer| {
        format!("unreel {}", outer.get_name())
    });
    let mut suggested = texts(error, ContextKind::SuggestedSubcommand);
    if command.find_subcommand(&word).is_some() {
        suggested = vec![word.clone()];
    }
    let hint = if let (Some(hint), None) = (meant(&word), outer) {
        hint.to_owned()
    } else if suggested.is_empty() {
        let names = command.get_subcommands().map(Command::get_name);
        let names: Vec<_> = names.filter(|name| *name != "help").collect();
        let names = names.join(", ");
        return Misuse {
            lines: vec![format!("the first argument is no command of {name}")],
            hint: match outer {
                Some(_) => format!("it has {names}; {HELP}"),
                None => format!("the command comes first: {names}"),
            },
        };
    } else {
        let suggested = suggested.iter().map(|one| format!("{name} {one}"));
        let suggested: Vec<_> = suggested.collect();
        format!("did you mean {}?", suggested.join(" or "))
    };
    Misuse {
        lines: vec![format!("there is no command `{given}`")],
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::meant::DECRYPTING;
    use super::*;

    fn misuse(args: &[&str]) -> Misuse {
        let args: Vec<OsString> = ["unreel"].iter().chain(args).map(OsString::from).collect();
        let mut command = command::all();
        let error = command.try_get_matches_from_mut(&args).unwrap_err();
        command.build();
        explain(&error, &command, &args)
    }

    #[test]
    fn mistyped_commands_are_answered_with_what_was_meant() {
        for (word, hint) in [
            ("voice", "did you mean unreel twilio-voice?"),
            ("Voice", "did you mean unreel twilio-voice?"),
            ("twilio_voice", "did you mean unreel twilio-voice?"),
            ("video", "did you mean unreel twilio-video?"),
            ("opentok", "did you mean unreel vonage?"),
            ("tokbox", "did you mean unreel vonage?"),
            ("vonnage", "did you mean unreel vonage?"),
            ("gorec", "did you mean unreel qvoice?"),
            ("generate", "did you mean unreel keygen?"),
            ("info", "did you mean unreel inspect?"),
            ("decode", DECRYPTING),
        ] {
            let misuse = misuse(&[word, "call.enc"]);
            assert_eq!(misuse.hint, hint, "{word}");
            assert!(misuse.lines[0].starts_with("there is no command `"));
        }
        assert_eq!(
            misuse(&["register", "twillio"]).hint,
            "did you mean unreel register twilio-video or unreel register twilio?"
        );
        let of_register = misuse(&["register", "hunter2"]);
        assert_eq!(
            of_register.lines,
            ["the first argument is no command of unreel register"]
        );
        let misuse = misuse(&["hunter2"]);
        assert_eq!(misuse.lines, ["the first argument is no command of unreel"]);
        assert!(
            misuse
                .hint
                .contains("twilio-voice, twilio-video, vonage, qvoice")
        );
    }

    #[test]
    fn a_name_that_begins_with_a_dash_is_answered_with_how_it_is_written() {
        for (args, written) in [
            (["-o", "-x.wav"], "-o ./-x.wav"),
            (["--output", "--x.wav"], "--output ./--x.wav"),
            (["-k", "-xhunter2!"], "-k ./-NAME"),
        ] {
            let args = [&["twilio-voice"][..], &args].concat();
            assert!(
                misuse(&args).hint.contains(written),
                "{}",
                misuse(&args).hint
            );
        }
        assert_eq!(misuse(&["vonage", "-j", "-1"]).hint, HELP);
    }

    #[test]
    fn no_value_is_repeated() {
        const SECRET: &str = "Tr0ub4dor";
        for args in [
            &["--color", SECRET, "inspect", "x"][..],
            &[SECRET],
            &["help", SECRET],
            &["keygen", "-d", "x", SECRET],
            &["keygen", "-d", "x", "--bits", SECRET],
            &["keygen", "-d", "x", "--certificate", "--days", SECRET],
            &["twilio-voice", "--passphrase-fd", SECRET],
            &["twilio-voice", "--if-exists", SECRET],
            &["twilio-voice", "--json=Tr0ub4dor"],
            &["twilio-voice", "-jTr0ub4dor"],
            &["twilio-voice", "--threads", SECRET],
            &["twilio-voice", "--Tr0ub4dor"],
            &["twilio-voice", "--passphrase=Tr0ub4dor"],
            &["vonage", "--padding", SECRET],
            &["qvoice", "--layout", SECRET],
            &["qvoice", "--kdf", "scrypt:1024:Tr0ub4dor:1"],
            &["qvoice", "--kdf", "Tr0ub4dor"],
            &["qvoice", "--aad", SECRET],
            &["qvoice", "--key-form", SECRET],
            &["qvoice", "--salt-form", SECRET],
            &["qvoice", "--budget", SECRET],
            &["qvoice", "--key-version", SECRET],
        ] {
            let misuse = misuse(args);
            let text = format!("{}\n{}", misuse.lines.join("\n"), misuse.hint).to_lowercase();
            assert!(!text.contains("tr0ub4dor"), "{args:?}: {text}");
            assert!(!misuse.hint.is_empty() && !misuse.lines[0].is_empty());
        }
        let layout = misuse(&["qvoice", "--layout", "ctt"]);
        assert!(layout.lines[0].contains("it is none of nonce12-ct-tag16"));
        let number = misuse(&["qvoice", "--budget", "hunter2"]);
        assert_eq!(
            number.lines,
            ["invalid value for '--budget <SECONDS>': it is not a whole number"]
        );
    }
}
