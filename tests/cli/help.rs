//! What is seen first: `-h` on one screen, `--help` whole, and unreel without arguments.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is a test")]

use std::collections::BTreeSet;

use crate::common::{Desk, unreel};

/// What a command prints where it succeeds.
pub(crate) fn printed(arguments: &str) -> String {
    let mut command = unreel();
    command.args(arguments.split_whitespace());
    let output = command.env("COLUMNS", "80").output().unwrap();
    assert!(output.status.success(), "{arguments}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every command, those below others too, as they are typed behind `unreel`.
pub(crate) fn commands() -> Vec<String> {
    let mut found = vec![String::new()];
    for command in below("") {
        let deeper = below(&command);
        found.push(command);
        found.extend(deeper);
    }
    assert!(found.len() > 12, "{found:?}");
    found
}

fn below(command: &str) -> Vec<String> {
    let help = printed(&format!("{command} --help"));
    let lines = help
        .lines()
        .skip_while(|line| !["Commands:", "Providers:"].contains(line))
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| {
        let name = line.strip_prefix("  ")?.split("  ").next()?;
        (!name.is_empty() && name != "help").then(|| format!("{command} {name}"))
    });
    names.map(|name| name.trim_start().to_owned()).collect()
}

/// The flags that a help lists, with their dashes.
pub(crate) fn flags(help: &str) -> BTreeSet<String> {
    let listed = help.lines().filter_map(|line| {
        let line = line.strip_prefix("  ")?;
        (line.starts_with('-') || line.starts_with("    --")).then(|| line.trim_start())
    });
    let words = listed.flat_map(|line| line.split("  ").next().unwrap().split([' ', ',']));
    let flags = words.filter(|word| word.starts_with('-'));
    // `--verbose...` may be repeated.
    flags
        .map(|flag| flag.trim_end_matches('.').to_owned())
        .collect()
}

#[test]
fn the_short_help_of_every_command_fits_on_a_screen() {
    for command in commands() {
        let help = printed(&format!("{command} -h"));
        // 24 lines, of which the prompt takes one.
        let lines = help.lines().count();
        assert!(lines <= 23, "{command} -h has {lines} lines:\n{help}");
        for line in help.lines() {
            let columns = line.chars().count();
            assert!(columns <= 80, "{command} -h has {columns} columns: {line}");
        }
        for expected in ["Usage: unreel", "Example", "--help` shows all there is"] {
            assert!(help.contains(expected), "{command}: {expected}\n{help}");
        }
        let longs = flags(&help);
        let longs = longs.iter().filter(|flag| flag.starts_with("--"));
        assert!(longs.count() <= 5, "{command}\n{help}");
    }
}

#[test]
fn the_whole_help_has_what_the_short_one_has_and_more() {
    for command in commands() {
        let [short, whole] = ["-h", "--help"].map(|flag| printed(&format!("{command} {flag}")));
        assert!(whole.lines().count() > short.lines().count(), "{command}");
        assert!(flags(&short).is_subset(&flags(&whole)), "{command}");
        for line in short.lines().filter(|line| line.starts_with("  unreel ")) {
            assert!(whole.contains(line), "{command}: {line}");
        }
        for flag in ["-h", "--help", "--quiet", "--color"] {
            assert!(flags(&whole).contains(flag), "{command}: {flag}");
        }
        if command != "register" && !command.is_empty() {
            let of_help = printed(&format!("{command} --help"));
            assert_eq!(whole, of_help);
        }
    }
    assert_eq!(printed("help keygen"), printed("keygen --help"));
    let decrypting = printed("decrypt --help");
    for section in [
        "Keys:",
        "Output:",
        "Selection:",
        "Network:",
        "Work:",
        "Messages:",
    ] {
        assert!(decrypting.lines().any(|line| line == section), "{section}");
    }
}

#[test]
fn the_flags_that_decrypting_needs_are_in_the_short_help() {
    for command in ["twilio-voice", "twilio-video", "vonage", "decrypt"] {
        let flags = flags(&printed(&format!("{command} -h")));
        for flag in ["-k", "-m", "-o", "-d", "--if-exists"] {
            assert!(flags.contains(flag), "{command}: {flag}");
        }
    }
}

#[test]
fn without_arguments_the_way_is_shown() {
    let output = unreel().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.lines().count() <= 12, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let examples = text.lines().filter(|line| line.starts_with("  unreel "));
    assert_eq!(examples.count(), 3, "{text}");
    assert!(text.contains("`unreel -h`"));
}

#[test]
fn the_way_that_is_shown_leads_to_a_recording() {
    let desk = Desk::new();
    let output = unreel().output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let examples: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  unreel "))
        .collect();
    desk.done(desk.unreel(examples[0]));
    assert!(desk.path("keys/private_key.pem").is_file());
    // The recording is encrypted for another key.
    desk.bring("keys/pkcs8.pem", "keys/private_key.pem");
    desk.bring("twilio-voice/recording.json", "call.json");
    desk.done(desk.unreel(examples[2]));
    assert!(desk.read("call.wav").starts_with(b"RIFF"));
}

#[test]
fn what_is_asked_of_a_command_that_lacks_one_is_short() {
    let output = unreel()
        .arg("register")
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, printed("register -h"));
}
