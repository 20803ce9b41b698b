//! The scripts of `unreel completions`, in the shells that they are for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test"
)]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use expectrl::{Expect, Session};

use crate::common::{Desk, has, skip};
use crate::help::{commands, flags, printed};

/// A folder with the script for a shell and files to complete.
fn desk(shell: &str) -> Desk {
    let desk = Desk::new();
    desk.write("script", printed(&format!("completions {shell}")));
    desk.write("one key.pem", "");
    desk.write("clips/x.wav", "");
    desk
}

fn lines(desk: &Desk, command: Command) -> BTreeSet<String> {
    let output = desk.done(command);
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// What bash completes a line with, `line` being all words, the last one unfinished. As bash calls the
/// function: with the command, the word and the one before it.
fn by_bash(desk: &Desk, line: &str) -> BTreeSet<String> {
    let script = r#"
        compopt() { :; } # It works in a completion that is under way only.
        [ -z "$FRAMEWORK" ] || . "$FRAMEWORK"
        . ./script
        complete -p unreel | grep -q -- "-F _unreel" || exit 9
        IFS='|' read -r -a COMP_WORDS <<< "$LINE"
        [[ $LINE != *'|' ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
        _unreel unreel "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let run = |framework: &str| {
        let mut command = desk.command("bash");
        command.args(["--norc", "-c", script]);
        command.env("LINE", line.replace(' ', "|"));
        lines(desk, {
            command.env("FRAMEWORK", framework);
            command
        })
    };
    let alone = run("");
    if std::path::Path::new(FRAMEWORK).is_file() {
        assert_eq!(run(FRAMEWORK), alone, "{line}");
    } else {
        skip("bash-completion is not installed");
    }
    alone
}

const FRAMEWORK: &str = "/usr/share/bash-completion/bash_completion";

fn by_fish(desk: &Desk, line: &str) -> BTreeSet<String> {
    let mut command = desk.command("fish");
    command.env("HOME", desk.path("."));
    let script = format!("source script; complete -C '{line}'");
    command.args(["--no-config", "-c", &script]);
    let found = lines(desk, command);
    let candidates = found.iter().map(|line| line.split('\t').next().unwrap());
    candidates.map(ToOwned::to_owned).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What is typed, and all that it may become.
const CASES: &[(&str, &[&str])] = &[
    ("unreel twi", &["twilio-voice", "twilio-video"]),
    ("unreel comp", &["completions"]),
    ("unreel twilio-voice --if-ex", &["--if-exists"]),
    (
        "unreel twilio-voice --if-exists ",
        &["fail", "skip", "overwrite"],
    ),
    ("unreel -q vonage --padding k", &["keep"]),
    ("unreel register twilio --pu", &["--public-key"]),
    ("unreel completions f", &["fish"]),
    ("unreel man qv", &["qvoice"]),
];

#[test]
fn bash_completes_commands_flags_and_values() {
    let desk = desk("bash");
    for (line, expected) in CASES {
        assert_eq!(by_bash(&desk, line), set(expected), "{line}");
    }
    assert_eq!(
        by_bash(&desk, "unreel twilio-voice -k o"),
        set(&["one key.pem"])
    );
    for command in commands() {
        let known = flags(&printed(&format!("{command} --help")));
        let line = format!("unreel {command} -").replace("  ", " ");
        assert_eq!(by_bash(&desk, &line), known, "{command}");
    }
}

#[test]
fn fish_completes_commands_flags_and_values() {
    if !has("fish") {
        return;
    }
    let desk = desk("fish");
    for (line, expected) in CASES {
        assert_eq!(by_fish(&desk, line), set(expected), "{line}");
    }
    let files = by_fish(&desk, "unreel twilio-voice -k o");
    assert!(files.contains("one key.pem"), "{files:?}");
    let folders = by_fish(&desk, "unreel twilio-voice -d ");
    assert!(
        folders.contains("clips/") && !folders.contains("script"),
        "{folders:?}"
    );
    for command in commands() {
        let known = flags(&printed(&format!("{command} --help")));
        let line = format!("unreel {command} --").replace("  ", " ");
        let longs = known.into_iter().filter(|flag| flag.starts_with("--"));
        assert_eq!(by_fish(&desk, &line), longs.collect(), "{command}");
    }
}

/// A shell in a terminal of its own, in which `typed` is typed; returns when it shows `expected`.
fn types(desk: &Desk, program: &str, args: &[&str], setup: &str, typed: &str, expected: &str) {
    let mut command = desk.command("sh");
    // readline shows nothing where the terminal that it finds does not echo.
    let script = "stty echo < /dev/tty; exec \"$@\" < /dev/tty";
    command.args(["-c", script, "sh", program]).args(args);
    command.env("HOME", desk.path("."));
    command.env("TERM", "xterm").env("PS1", "");
    let mut session = Session::spawn(command).expect("a terminal");
    session.set_expect_timeout(Some(Duration::from_secs(60)));
    // It is not read before the shell is there: what is typed earlier is echoed, not completed.
    session.send_line(format!("{setup}; echo rea'd'y")).unwrap();
    session.expect("ready").unwrap();
    session.send(typed).unwrap();
    session
        .expect(expected)
        .unwrap_or_else(|error| panic!("{program} made of {typed:?} no {expected:?}: {error}"));
    session.send("\u{15}exit\n").ok();
    session.get_process_mut().exit(true).ok();
}

/// What is typed in a terminal, tabulators included, and what stands there then.
const TYPED: &[(&str, &str)] = &[
    ("unreel twilio-vo\t", "twilio-voice"),
    ("unreel twilio-voice --if-ex\t", "--if-exists"),
    ("unreel twilio-voice --if-exists sk\t", "skip"),
    ("unreel register twilio --pu\t", "--public-key"),
    ("unreel twilio-voice -k one\t", "key.pem"),
    ("unreel twilio-voice -d cl\t", "clips"),
];

#[test]
fn in_a_terminal_bash_completes_what_is_typed() {
    let desk = desk("bash");
    for (typed, expected) in TYPED {
        types(
            &desk,
            "bash",
            &["--norc", "-i"],
            ". ./script",
            typed,
            expected,
        );
    }
}

#[test]
fn in_a_terminal_zsh_completes_what_is_typed() {
    if !has("zsh") {
        return;
    }
    let desk = desk("zsh");
    let setup = "autoload -U compinit; compinit -u -D; . ./script";
    for (typed, expected) in TYPED {
        types(&desk, "zsh", &["-f", "-i"], setup, typed, expected);
    }
}

#[test]
fn zsh_and_fish_find_the_script_where_the_help_says_to_put_it() {
    let help = printed("completions --help");
    for place in [
        "bash-completion/completions/unreel",
        "fish/completions/unreel.fish",
        "_unreel",
    ] {
        assert!(help.contains(place), "{place}");
    }
    if has("zsh") {
        let desk = desk("zsh");
        std::fs::create_dir(desk.path("functions")).unwrap();
        std::fs::rename(desk.path("script"), desk.path("functions/_unreel")).unwrap();
        let setup = "fpath=($PWD/functions $fpath); \
                     autoload -U compinit; compinit -u -D";
        types(&desk, "zsh", &["-f", "-i"], setup, "unreel vo\t", "nage");
    }
    if has("fish") {
        let desk = desk("fish");
        std::fs::create_dir_all(desk.path(".config/fish/completions")).unwrap();
        let place = desk.path(".config/fish/completions/unreel.fish");
        std::fs::rename(desk.path("script"), place).unwrap();
        let mut command = desk.command("fish");
        command.env("HOME", desk.path("."));
        command.args(["-c", "complete -C 'unreel vo'"]);
        let output = desk.done(command);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("vonage\t"), "{text}");
    }
}

/// Whose shells Debian has not, or not with what completes: each command and flag stands in them.
#[test]
fn the_scripts_for_other_shells_name_every_command_and_flag() {
    for shell in ["elvish", "powershell", "zsh"] {
        let script = printed(&format!("completions {shell}"));
        for command in commands() {
            let name = match shell {
                "zsh" => command.split(' ').next_back().unwrap().to_owned(),
                _ => format!("'unreel;{}'", command.replace(' ', ";")).replace(";'", "'"),
            };
            assert!(script.contains(&name), "{shell}: {name}");
            for flag in flags(&printed(&format!("{command} --help"))) {
                assert!(script.contains(&flag), "{shell}: {command} {flag}");
            }
        }
    }
    let powershell = printed("completions powershell");
    assert!(powershell.contains("Register-ArgumentCompleter -Native -CommandName 'unreel'"));
    assert_eq!(
        powershell.matches('{').count(),
        powershell.matches('}').count()
    );
    let elvish = printed("completions elvish");
    assert!(elvish.contains("set edit:completion:arg-completer[unreel] ="));
}

#[test]
fn in_a_terminal_elvish_completes_what_is_typed() {
    if !has("elvish") {
        return;
    }
    let desk = desk("elvish");
    let setup = "eval (slurp < script)";
    types(&desk, "elvish", &["-norc"], setup, "unreel vo\t", "nage");
}
