//! Mistyped ids, flags and commands, and what is answered.
#![allow(clippy::unwrap_used, reason = "it is a test")]

use crate::common::{Desk, assert_refused, stderr};

/// The hint, without the word in front.
fn hint(desk: &Desk, arguments: &[&str], code: i32) -> String {
    let mut command = desk.unreel("");
    let output = command.args(arguments).output().unwrap();
    assert_refused(&output, code, &arguments.join(" "));
    let text = stderr(&output);
    let (_, hint) = text.split_once("unreel: hint: ").unwrap();
    hint.trim_end().to_owned()
}

const DIGITS: &str = "5eed0000000000000000000000000001";

#[test]
fn a_mistyped_id_is_answered_with_the_one_that_was_meant() {
    let desk = Desk::new();
    let right = format!("RE{DIGITS}");
    let meant = format!("did you mean {right}?");
    for (typed, answer) in [
        (format!("re{DIGITS}"), meant.as_str()),
        (format!("Re{DIGITS}"), &meant),
        (format!("RE5eedO{}", &DIGITS[5..]), &meant),
        (format!("{right} "), &meant),
        (format!("\"{right}\","), &meant),
        (
            right[..33].to_owned(),
            "it has 33 characters, and an id of this kind has 34",
        ),
        (
            format!("{right}2"),
            "it has 35 characters, and an id of this kind has 34",
        ),
        (format!("RE5eedg{}", &DIGITS[5..]), "check its digits"),
        (format!("{right}.json"), "pass its id alone: RE5eed"),
        ("RE…".to_owned(), "put the recording's own id there"),
        ("RE...".to_owned(), "put the recording's own id there"),
        (DIGITS.to_owned(), "an id of Twilio's with RE"),
        (format!("AC{DIGITS}"), "an account's"),
        (format!("CR{DIGITS}"), "a public key's"),
        (format!("SK{DIGITS}"), "an API key's"),
        (format!("PN{DIGITS}"), "begins with RE"),
        (format!("RT{DIGITS}"), "use unreel twilio-video RT5eed"),
        (
            "5eed0000-0000-4000-8000-000000000001".to_owned(),
            "use unreel vonage 5eed0000",
        ),
    ] {
        for before in [&["twilio-voice"][..], &["twilio-voice", "-k", "key.pem"]] {
            let arguments = [before, &[typed.as_str()]].concat();
            let code = if answer.starts_with("use unreel") {
                2
            } else {
                3
            };
            let hint = hint(&desk, &arguments, code);
            assert!(hint.contains(answer), "{typed}: {hint}");
        }
    }
    let archive = hint(&desk, &["vonage", "5eed00000000-4000-8000-000000000001"], 3);
    assert!(archive.contains("8-4-4-4-12"), "{archive}");
}

/// 32 digits may be a key, and so may what is nearly a UUID, or begins like hexadecimal.
#[test]
fn what_may_be_a_key_is_not_repeated_for_an_id() {
    let desk = Desk::new();
    for typed in [
        "0123456789abcdef0123456789abcde4",
        "0123456789abcdef-0123-4567-89abcdef",
        "ca23456789abcdef0123456789abcdef01",
        "CA23456789abcdef0123456789abcdefO1",
    ] {
        for command in ["twilio-voice", "vonage", "decrypt", "inspect"] {
            let output = desk.unreel(command).arg(typed).output().unwrap();
            let text = stderr(&output);
            assert!(text.contains("unreel: hint: "), "{text}");
            assert!(!text.contains(&typed[2..14]), "{command} {typed}: {text}");
        }
        let output = desk.unreel("").arg(typed).output().unwrap();
        assert!(
            !stderr(&output).contains(&typed[2..14]),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn an_id_or_a_file_without_a_command_is_answered_with_the_command() {
    let desk = Desk::new();
    desk.write("recordings/x", "");
    let right = format!("RE{DIGITS}");
    for (arguments, answer) in [
        (
            &[right.as_str()][..],
            format!("did you mean unreel decrypt {right}?"),
        ),
        (
            &[&right, "-k", "key.pem"],
            format!("did you mean unreel decrypt {right}?"),
        ),
        (
            &[&right.to_lowercase()],
            format!("did you mean unreel decrypt {right}?"),
        ),
        (
            &["5eed0000-0000-4000-8000-000000000001"],
            "did you mean unreel decrypt 5eed0000-0000-4000-8000-000000000001?".to_owned(),
        ),
        (
            &["call.wav.enc"],
            "did you mean unreel decrypt call.wav.enc?".to_owned(),
        ),
        (
            &["call.enc"],
            "did you mean unreel decrypt call.enc?".to_owned(),
        ),
        (
            &["recordings"],
            "did you mean unreel decrypt recordings?".to_owned(),
        ),
        (
            &["key.pem"],
            "did you mean unreel inspect key.pem?".to_owned(),
        ),
        (
            &["meta.json"],
            "did you mean unreel inspect meta.json?".to_owned(),
        ),
        (
            &["list.jsonl"],
            "did you mean unreel batch list.jsonl?".to_owned(),
        ),
        (
            &["https://api.twilio.com/x?token=hunter2"],
            "did you mean unreel decrypt URL?".to_owned(),
        ),
        (
            &["-k", "key.pem", "call.enc"],
            "the command comes first: unreel decrypt -k …".to_owned(),
        ),
        (
            &["--public-key", "x.pem"],
            "the command comes first: unreel register twilio --public-key …".to_owned(),
        ),
    ] {
        assert_eq!(hint(&desk, arguments, 2), answer, "{arguments:?}");
    }
}

#[test]
fn what_others_call_a_command_is_answered_with_its_name_here() {
    let desk = Desk::new();
    for (arguments, answer) in [
        (
            &["twilio"][..],
            "unreel twilio-voice, for calls, or unreel twilio-video",
        ),
        (&["voice"], "did you mean unreel twilio-voice?"),
        (&["opentok"], "did you mean unreel vonage?"),
        (&["decrypt-video"], "did you mean unreel twilio-video?"),
        (
            &["decrypt-voice", "call.enc"],
            "did you mean unreel twilio-voice?",
        ),
        (&["vonage-decrypt"], "did you mean unreel vonage?"),
        (&["twilio-vioce"], "unreel twilio-voice?"),
        (&["Keygen"], "did you mean unreel keygen?"),
        (&["completion", "bash"], "did you mean unreel completions?"),
        (&["manual"], "did you mean unreel man?"),
        (&["diagnose"], "did you mean unreel doctor?"),
        (&["version"], "did you mean unreel --version?"),
        (&["help", "twilio-vioce"], "unreel twilio-voice?"),
        (&["help", "voice"], "did you mean unreel twilio-voice?"),
        (&["help", "foo"], "the command comes first: twilio-voice"),
        (
            &["register", "twilo"],
            "did you mean unreel register twilio",
        ),
    ] {
        let hint = hint(&desk, arguments, 2);
        assert!(hint.contains(answer), "{arguments:?}: {hint}");
    }
}

#[test]
fn a_flag_that_a_command_has_not_is_answered_with_what_was_meant_or_whose_it_is() {
    let desk = Desk::new();
    for (arguments, answer) in [
        (
            "twilio-voice --encrypted-key x",
            "did you mean --encrypted-cek? (--encrypted-key is a flag of unreel twilio-video)",
        ),
        (
            "decrypt --encrypted-cek x",
            "--encrypted-cek is a flag of unreel twilio-voice; unreel decrypt --help shows its own",
        ),
        (
            "batch --all",
            "--all is a flag of unreel twilio-voice, twilio-video and others; unreel batch --help \
             shows its own",
        ),
        (
            "register twilio --certificate x.pem",
            "--certificate is a flag of unreel keygen and register vonage; unreel register twilio \
             --help shows its own",
        ),
        ("twilio-voice --if-exist skip", "did you mean --if-exists?"),
        ("twilio-voice --private-key key.pem", "did you mean --key?"),
        ("twilio-voice --out x.wav", "did you mean --output?"),
        (
            "twilio-voice --skip-existing",
            "did you mean --if-exists skip?",
        ),
        ("vonage --passphrase x", "did you mean --passphrase-file?"),
        ("decrypt --no-color", "did you mean --color never?"),
        ("twilio-voice --if-exists skipp", "did you mean skip?"),
        ("completions bsh", "did you mean bash?"),
        ("twilio-voice --bogus", "add --help to see what there is"),
    ] {
        let arguments: Vec<_> = arguments.split(' ').collect();
        assert_eq!(hint(&desk, &arguments, 2), answer, "{arguments:?}");
    }
}
