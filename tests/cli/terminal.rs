//! What is different with a terminal: media is kept from it, prompts go to it, bars and colours
//! are for it.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test"
)]

use std::time::Duration;

use crate::common::{self, Desk, VOICE, digest_of, fixture, large_recording, sha256};
use expectrl::session::OsSession;
use expectrl::{Eof, Expect, Session};

const VOICE_RUN: &str = "\"$UNREEL\" twilio-voice -m meta.json";

/// Runs a script of bash with a terminal of its own, which echoes what is typed.
fn start(desk: &Desk, script: &str) -> OsSession {
    let mut command = desk.bash(&format!("stty echo < /dev/tty; {script}"));
    command.env("TERM", "xterm");
    spawn(command)
}

fn spawn(command: std::process::Command) -> OsSession {
    let mut session = Session::spawn(command).expect("a terminal");
    // Long enough for any machine; nothing waits for it unless the test fails.
    session.set_expect_timeout(Some(Duration::from_secs(60)));
    session
}

/// Waits for the prompt, and until nothing that is typed is echoed.
fn asked(session: &mut OsSession) {
    session.expect("Passphrase for locked.pem: ").unwrap();
    while session.get_process().get_echo().unwrap() {
        std::thread::yield_now();
    }
}

/// Everything that it shows until it ends.
fn rest(session: &mut OsSession) -> String {
    let found = session.expect(Eof).expect("it ends");
    String::from_utf8_lossy(found.as_bytes()).into_owned()
}

/// Runs a script to its end and returns what its terminal showed, the last line being its code.
fn shown(desk: &Desk, script: &str) -> String {
    rest(&mut start(desk, &format!("{script}\necho \"code $?\"")))
}

#[test]
fn media_is_kept_from_a_terminal_unless_it_is_forced() {
    let desk = Desk::new();
    let before = desk.contents();
    for run in [
        "call.enc -k key.pem",
        "call.enc -k missing.pem --stream-unverified",
    ] {
        let text = shown(&desk, &format!("{VOICE_RUN} {run}"));
        for expected in [
            "refusing to write media to the terminal",
            "name a file with -o FILE, or pass -o - to force",
            "code 8",
        ] {
            assert!(text.contains(expected), "{text:?}");
        }
        assert!(!text.contains("RIFF"), "{text:?}");
    }
    let text = shown(&desk, &format!("{VOICE_RUN} call.enc -k key.pem -o -"));
    assert!(text.contains("RIFF") && text.contains("code 0"));
    // Nothing else minds the terminal.
    let text = shown(&desk, &format!("{VOICE_RUN} call.enc -k key.pem --check"));
    assert!(
        text.contains("verified: tag") && text.contains("code 0"),
        "{text:?}"
    );
    let text = shown(&desk, &format!("{VOICE_RUN} call.enc -k key.pem | wc -c"));
    assert!(text.contains("128044"), "{text:?}");
    assert!(desk.contents() == before);
}

#[test]
fn a_mistyped_id_is_told_of_before_the_terminal_is_refused() {
    let desk = Desk::new();
    let id = VOICE.to_lowercase();
    let run = format!("\"$UNREEL\" twilio-voice {id} -k key.pem");
    let text = shown(&desk, &run);
    let answer = format!("did you mean {VOICE}?");
    assert!(
        text.contains(&answer) && text.contains("code 3"),
        "{text:?}"
    );
    assert!(!text.contains("to the terminal"), "{text:?}");
}

#[test]
fn no_input_on_a_terminal_is_not_waited_for() {
    let desk = Desk::new();
    let text = shown(
        &desk,
        &format!("{VOICE_RUN} -k key.pem -o out.wav < /dev/tty"),
    );
    for expected in ["there is no input", "name the encrypted media", "code 2"] {
        assert!(text.contains(expected), "{text:?}");
    }
}

#[test]
fn a_passphrase_is_asked_for_on_the_terminal_and_not_echoed() {
    let desk = Desk::new();
    desk.bring("keys/legacy-aes128.pem", "locked.pem");
    let phrase = std::fs::read_to_string(fixture("keys/passphrase.txt")).unwrap();
    let phrase = phrase.trim_end();
    // Media through a pipe, everything said to a file: the prompt still finds the person.
    let run =
        format!("cat call.enc | {VOICE_RUN} -k locked.pem -o out.wav 2> said; echo \"code $?\"");
    let mut session = start(&desk, &run);
    asked(&mut session);
    session.send_line(phrase).unwrap();
    let text = rest(&mut session);
    assert!(text.contains("code 0"), "{text:?}");
    assert!(!text.contains(phrase), "{text:?}");
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));

    let mut session = start(&desk, &run.replace("-o out.wav", "-f -o out.wav"));
    for _ in 0..3 {
        asked(&mut session);
        session.send_line("wrong").unwrap();
    }
    assert!(rest(&mut session).contains("code 5"));
    let said = String::from_utf8(desk.read("said")).unwrap();
    assert!(
        said.contains("unreel: error: ") && said.contains("check the passphrase"),
        "{said}"
    );
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));
}

#[test]
fn nobody_is_asked_before_the_rest_was_checked_or_where_it_is_forbidden() {
    let desk = Desk::new();
    desk.bring("keys/legacy-aes128.pem", "locked.pem");
    desk.write("old.wav", "precious");
    for (run, code) in [
        ("call.enc -o old.wav", 8),
        ("missing.enc -o out.wav", 3),
        ("meta.json -o out.wav", 3),
        ("call.enc -o no/where", 8),
        ("call.enc --no-input -o out.wav", 5),
        ("call.enc --passphrase-file missing -o out.wav", 5),
    ] {
        let text = shown(&desk, &format!("{VOICE_RUN} -k locked.pem {run}"));
        assert!(text.contains(&format!("code {code}")), "{run}: {text:?}");
        assert!(!text.contains("Passphrase for"), "{run}: {text:?}");
    }
}

#[test]
fn an_interrupted_prompt_leaves_the_echo_on() {
    let desk = Desk::new();
    desk.bring("keys/legacy-aes128.pem", "locked.pem");
    let before = desk.names();
    // Ctrl-C often: two threads see it, and either may be first.
    let interrupts = std::iter::repeat_n(("INT", 130), 8);
    for (signal, code) in interrupts.chain([("TERM", 143), ("HUP", 129)]) {
        let script = format!(
            "trap : INT TERM HUP
             stty -a < /dev/tty | grep -o -e '-\\?echo\\b'
             (echo $BASHPID > pid; exec {VOICE_RUN} -k locked.pem call.enc -o out.wav)
             echo \"code $?\"; stty -a < /dev/tty | grep -o -e '-\\?echo\\b'"
        );
        let mut session = start(&desk, &script);
        asked(&mut session);
        if signal == "INT" {
            session.send("\x03").unwrap();
        } else {
            let pid = String::from_utf8(desk.read("pid")).unwrap();
            desk.done(desk.bash(&format!("kill -{signal} {pid}")));
        }
        let text = rest(&mut session);
        let (_, after) = text
            .split_once(&format!("code {code}"))
            .unwrap_or_else(|| panic!("{text:?}"));
        assert_eq!(
            after.split_whitespace().collect::<Vec<_>>(),
            ["echo"],
            "{text:?}"
        );
        std::fs::remove_file(desk.path("pid")).unwrap();
        assert_eq!(desk.names(), before);
    }
}

#[test]
fn a_bar_is_shown_on_a_terminal_only() {
    let desk = Desk::new();
    let (arguments, _) = large_recording(&desk, 4 << 20);
    std::fs::write(desk.path("rest"), desk.read("large.enc").split_off(3 << 20)).unwrap();
    // The input waits until the bar was seen, or until the run was watched without one.
    let script = |flags: &str| {
        format!(
            "(head -c 3145728 large.enc; read -r go < /dev/tty; cat rest) |
             \"$UNREEL\" {arguments} --unwrap-command 'cat cek' -f -o out.wav {flags}
             echo \"code $?\""
        )
    };
    let mut session = start(&desk, &script(""));
    session.expect("MB/").unwrap();
    session.send_line("go").unwrap();
    assert!(rest(&mut session).contains("code 0"));
    for flags in ["--no-progress", "-q", "2> said", "2>&1 | cat"] {
        let mut session = start(&desk, &script(flags));
        session.send_line("go").unwrap();
        let text = rest(&mut session);
        assert!(text.contains("code 0"), "{flags}: {text:?}");
        assert!(!text.contains("MB/"), "{flags}: {text:?}");
    }
    let said = String::from_utf8(desk.read("said")).unwrap();
    assert_eq!(said.lines().count(), 1, "{said:?}");
    common::assert_harmless(&said);
    let mut command = desk.bash(&script(""));
    command.env("TERM", "xterm").env("CI", "true");
    let mut session = spawn(command);
    session.send_line("go").unwrap();
    let text = rest(&mut session);
    assert!(text.contains("code 0") && !text.contains("MB/"), "{text:?}");
}

#[test]
fn colours_are_for_terminals_and_those_who_want_them() {
    let desk = Desk::new();
    let run = format!("{VOICE_RUN} -k key.pem missing.enc -o out.wav");
    let coloured = "unreel: \x1b[1;31merror:\x1b[0m cannot read";
    let plain = "unreel: error: cannot read";
    for (script, expected) in [
        (run.clone(), coloured),
        (format!("NO_COLOR=1 {run}"), plain),
        (format!("NO_COLOR= {run}"), coloured),
        (format!("TERM=dumb {run}"), plain),
        (format!("{run} --color never"), plain),
        (format!("NO_COLOR=1 {run} --color always"), coloured),
        (format!("{run} 2>&1 | cat"), plain),
        (format!("{run} --color always 2>&1 | cat"), coloured),
    ] {
        let text = shown(&desk, &script);
        assert!(text.contains(expected), "{script}: {text:?}");
    }
    // What clap says is said in the same way.
    let text = shown(&desk, "\"$UNREEL\" twilio-voice --nonsense");
    assert!(
        text.contains("unreel: \x1b[1;31merror:\x1b[0m unexpected argument"),
        "{text:?}"
    );
    let text = shown(&desk, "NO_COLOR=1 \"$UNREEL\" twilio-voice --nonsense");
    assert!(
        !text.contains('\x1b') && text.contains("code 2"),
        "{text:?}"
    );
}

#[test]
fn the_passphrase_of_a_new_key_is_asked_for_twice() {
    let desk = Desk::new();
    let script = "\"$UNREEL\" keygen -d keys; echo \"code $?\"";
    let first = "Passphrase to encrypt keys/private_key.pem with: ";
    let answer = |session: &mut OsSession, prompt: &str, text: &str| {
        session.expect(prompt).unwrap();
        while session.get_process().get_echo().unwrap() {
            std::thread::yield_now();
        }
        session.send_line(text).unwrap();
    };
    // Typed wrong once.
    let mut session = start(&desk, script);
    answer(&mut session, first, "open-sesame");
    answer(&mut session, "The same again: ", "open-sesome");
    answer(
        &mut session,
        &format!("The two were not the same. {first}"),
        "open-sesame",
    );
    answer(&mut session, "The same again: ", "open-sesame");
    let text = rest(&mut session);
    assert!(
        text.contains("encrypted with the passphrase") && text.contains("code 0"),
        "{text:?}"
    );
    assert!(!text.contains("open-ses"), "{text:?}");
    desk.done(desk.bash("openssl pkey -in keys/private_key.pem -noout -passin pass:open-sesame"));

    // Never the same, nothing, or the end of the input.
    let script = "\"$UNREEL\" keygen -d new; echo \"code $?\"";
    let first = first.replace("keys/", "new/");
    let mut session = start(&desk, script);
    for number in 0..3 {
        answer(&mut session, &first, &number.to_string());
        answer(&mut session, "The same again: ", "another");
    }
    let text = rest(&mut session);
    assert!(
        text.contains("never typed twice the same") && text.contains("code 5"),
        "{text:?}"
    );
    let mut session = start(&desk, script);
    answer(&mut session, &first, "");
    let text = rest(&mut session);
    assert!(
        text.contains("--no-passphrase") && text.contains("code 5"),
        "{text:?}"
    );
    let mut session = start(&desk, script);
    session.expect(&first).unwrap();
    while session.get_process().get_echo().unwrap() {
        std::thread::yield_now();
    }
    session.send("\x04").unwrap();
    let text = rest(&mut session);
    assert!(
        text.contains("no passphrase was typed") && text.contains("code 5"),
        "{text:?}"
    );
    assert!(!desk.path("new").exists());

    // Nobody is asked who said so, or who is not there.
    for run in [
        "--no-passphrase",
        "< /dev/null 2> said",
        "--passphrase-file key.pem",
    ] {
        let text = shown(
            &desk,
            &format!("\"$UNREEL\" keygen -d new {run}; code=$?; rm -r new; (exit $code)"),
        );
        assert!(
            !text.contains("Passphrase to") && text.contains("code 0"),
            "{text:?}"
        );
    }
}

#[test]
fn what_is_said_after_the_end_of_the_input_has_a_line_of_its_own() {
    let desk = Desk::new();
    desk.bring("keys/legacy-aes128.pem", "locked.pem");
    let run = format!("{VOICE_RUN} -k locked.pem call.enc -o out.wav; echo \"code $?\"");
    let mut session = start(&desk, &run);
    asked(&mut session);
    session.send("\x04").unwrap();
    let text = rest(&mut session);
    let error = text.trim_start_matches(['\r', '\n']);
    assert!(
        text.starts_with(['\r', '\n']) && error.starts_with("unreel: "),
        "{text:?}"
    );
    let words: Vec<_> = text.split_whitespace().collect();
    let said = words.join(" ");
    assert!(
        said.contains("no passphrase was given") && said.contains("code 5"),
        "{text:?}"
    );
}

#[test]
fn who_typed_a_wrong_passphrase_may_type_it_again() {
    let desk = Desk::new();
    desk.bring("keys/legacy-aes128.pem", "locked.pem");
    let phrase = std::fs::read_to_string(fixture("keys/passphrase.txt")).unwrap();
    let run = format!("{VOICE_RUN} -k locked.pem call.enc -o out.wav");
    let mut session = start(&desk, &format!("{run}; echo \"code $?\""));
    for text in ["wrong", "wrong again", phrase.trim_end()] {
        asked(&mut session);
        session.send_line(text).unwrap();
    }
    let text = rest(&mut session);
    assert!(
        text.contains("verified: tag") && text.contains("code 0"),
        "{text:?}"
    );
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));
    // Nobody typed this one.
    desk.write("wrong.txt", "wrong");
    let text = shown(&desk, &format!("{run} -f --passphrase-file wrong.txt"));
    assert!(
        !text.contains("Passphrase for") && text.contains("code 5"),
        "{text:?}"
    );
}

#[test]
fn a_change_at_a_provider_is_asked_for_and_nothing_but_a_yes_is_one() {
    let (desk, fake) = (Desk::new(), crate::fake::Fake::start());
    desk.bring("keys/public.pem", "public.pem");
    for (flags, answer, code, keys) in [
        ("", "n", 2, 0),
        ("", "", 2, 0),
        ("", "yes please", 2, 0),
        ("-q", "y", 0, 1),
    ] {
        let script = format!(
            "\"$UNREEL\" register twilio --public-key public.pem {flags}; echo \"code $?\""
        );
        let mut command = desk.bash(&script);
        command.env("TERM", "xterm").envs(fake.env());
        let mut session = spawn(command);
        let found = session.expect("Go ahead? [y/N] ").unwrap();
        let before = String::from_utf8_lossy(found.before()).into_owned();
        assert!(before.contains("fingerprint"), "{before}");
        session.send_line(answer).unwrap();
        let text = rest(&mut session);
        assert!(text.contains(&format!("code {code}")), "{answer}: {text}");
        assert_eq!(fake.public_keys().len(), keys, "{answer}");
    }
}
