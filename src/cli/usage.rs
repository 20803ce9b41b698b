//! What is wrong with the arguments. Clap's own messages repeat what was typed, which may be a
//! secret that slipped; these name options, commands and the values there are.

mod flag;
mod meant;
mod misuse;
mod value;
mod word;

use std::ffi::OsString;

use clap::Command;
use clap::error::ErrorKind;

use self::flag::unknown;
use self::misuse::HELP;
pub(super) use self::misuse::Misuse;
use self::value::value;
use self::word::no_command;
use super::misplaced::KEY_HINT;
use crate::job::redact::{Kind, looks_like_secret};

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
        ErrorKind::InvalidSubcommand => no_command(error, command, args),
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
