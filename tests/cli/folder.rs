//! Several inputs, names in a folder, metadata beside the media, reports.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is a test")]

use std::collections::BTreeMap;

use crate::common::{self, Desk, VOICE, assert_harmless, digest_of, run_with, sha256, stderr};
use serde_json::{Value, json};

const OTHER: &str = "RE5eed0000000000000000000000000002";
const THIRD: &str = "RE5eed0000000000000000000000000003";

/// A desk with three recordings, their list and both keys.
fn three() -> Desk {
    let desk = Desk::new();
    for id in [VOICE, OTHER, THIRD] {
        desk.bring(
            &format!("twilio-voice/{id}.wav.enc"),
            &format!("{id}.wav.enc"),
        );
    }
    desk.bring("twilio-voice/list.json", "list.json");
    desk.bring("keys/other.pem", "other.pem");
    std::fs::create_dir(desk.path("out")).unwrap();
    desk
}

/// The lines of a report by their input.
fn lines(report: &[u8]) -> BTreeMap<String, Value> {
    let text = std::str::from_utf8(report).unwrap();
    let line = |line| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["input"].as_str().unwrap().to_owned(), line)
    };
    text.lines().map(line).collect()
}

#[test]
fn a_list_page_serves_all_its_recordings_by_their_names() {
    let desk = three();
    let list = "twilio-voice -m list.json -k key.pem -k other.pem";
    desk.done(desk.unreel(&format!(
        "{list} {VOICE}.wav.enc {OTHER}.wav.enc {THIRD}.wav.enc -d out"
    )));
    for id in [VOICE, OTHER, THIRD] {
        let output = desk.read(&format!("out/{id}.wav"));
        assert_eq!(sha256(&output), digest_of(id), "{id}");
    }
    std::fs::rename(
        desk.path(&format!("{VOICE}.wav.enc")),
        desk.path("some.wav"),
    )
    .unwrap();
    let says = [
        "lists 4 recordings, and none of their ids stands in the name `some.wav`",
        "after its recording id",
    ];
    desk.refused(
        desk.unreel(&format!("{list} some.wav -o new.wav")),
        4,
        &says,
    );
    let mut command = desk.unreel(&format!("{list} -o new.wav"));
    command.stdin(std::fs::File::open(desk.path("some.wav")).unwrap());
    desk.refused(command, 4, &["ids stands in the name `standard input`"]);
}

#[test]
fn what_fails_does_not_stop_the_others() {
    let desk = three();
    let run = format!(
        "twilio-voice -m list.json -k key.pem {VOICE}.wav.enc {OTHER}.wav.enc {THIRD}.wav.enc -d out"
    );
    for jobs in ["", "--jobs 1"] {
        let how = format!("{run} --json --report report.jsonl --if-exists overwrite {jobs}");
        let output = desk.unreel(&how).output().unwrap();
        common::assert_refused(&output, 10, jobs);
        let text = stderr(&output);
        for expected in [
            "1 of 3 inputs failed",
            "see the messages above",
            "the private key does not open it",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        let printed = lines(&output.stdout);
        assert_eq!(printed.len(), 3);
        for (id, ok) in [(VOICE, true), (OTHER, false), (THIRD, true)] {
            let line = &printed[&format!("{id}.wav.enc")];
            assert_eq!((&line["ok"], &line["id"]), (&ok.into(), &id.into()));
            assert_eq!(line["schema"], 1);
            assert_eq!(desk.path(&format!("out/{id}.wav")).exists(), ok);
            if ok {
                assert_eq!(line["output"], format!("out/{id}.wav"));
                assert!(line["error"].is_null());
            } else {
                assert_eq!(line["error"]["code"], "wrong_key");
                assert_eq!(line["error"]["exit"], 6);
                assert!(line["output"].is_null());
            }
        }
        assert_eq!(lines(&desk.read("report.jsonl")), printed);
        std::fs::remove_file(desk.path("report.jsonl")).unwrap();
    }
}

#[test]
fn a_report_is_added_to() {
    let desk = Desk::new();
    desk.write("report.jsonl", "{\"mine\":1}\n");
    desk.done(desk.voice("call.enc --check --report report.jsonl"));
    let first = desk.read("report.jsonl");
    assert!(first.starts_with(b"{\"mine\":1}\n"));
    let output = desk
        .voice("missing.enc --check --report report.jsonl")
        .output()
        .unwrap();
    common::assert_refused(&output, 3, "missing");
    let second = desk.read("report.jsonl");
    assert!(second.starts_with(&first));
    let added: Value = serde_json::from_slice(&second[first.len()..]).unwrap();
    assert_eq!(added["error"]["code"], "input");
    assert!(second.ends_with(b"\n"));
}

#[test]
fn a_rerun_with_skip_changes_nothing() {
    let desk = three();
    let run = format!(
        "twilio-voice -m list.json -k key.pem {VOICE}.wav.enc {THIRD}.wav.enc -d out --if-exists skip --json"
    );
    let first = desk.done(desk.unreel(&run));
    assert!(
        lines(&first.stdout)
            .values()
            .all(|line| line["skipped"] == false)
    );
    let before = common::contents(&desk.path("out"));
    let second = desk.done(desk.unreel(&run));
    for line in lines(&second.stdout).values() {
        assert_eq!(
            (&line["ok"], &line["skipped"]),
            (&true.into(), &true.into())
        );
    }
    assert_eq!(common::contents(&desk.path("out")), before);
    // Without it, the second run is refused.
    let run = run.replace("--if-exists skip", "");
    let output = desk.unreel(&run).output().unwrap();
    common::assert_refused(&output, 10, &run);
    assert_eq!(common::contents(&desk.path("out")), before);
}

/// The outputs of the first run are inputs of the next.
#[test]
fn a_rerun_with_skip_in_the_folder_of_the_inputs_changes_nothing() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    for (from, to) in [("call.enc", "in/call.enc"), ("meta.json", "in/call.json")] {
        std::fs::copy(desk.path(from), desk.path(to)).unwrap();
    }
    let run = "twilio-voice -k key.pem in -d in --if-exists skip";
    desk.done(desk.unreel(run));
    let made = std::fs::read_dir(desk.path("in")).unwrap().count();
    desk.done(desk.unreel(run));
    assert_eq!(std::fs::read_dir(desk.path("in")).unwrap().count(), made);
}

#[test]
fn two_inputs_never_get_one_output() {
    for how in ["", "-f", "--if-exists skip"] {
        let desk = three();
        let run = format!("call.enc {VOICE}.wav.enc -d out --json {how}");
        let output = desk.voice(&run).output().unwrap();
        common::assert_refused(&output, 10, &run);
        assert!(
            stderr(&output).contains("would have the name that"),
            "{}",
            stderr(&output)
        );
        assert!(stderr(&output).contains("with -o FILE"));
        let done = lines(&output.stdout)
            .values()
            .filter(|line| line["ok"] == true)
            .count();
        assert_eq!(done, 1);
        assert_eq!(
            sha256(&desk.read(&format!("out/{VOICE}.wav"))),
            digest_of(VOICE)
        );
    }
}

#[test]
fn what_contradicts_itself_is_refused_as_usage() {
    let desk = three();
    desk.bring("keys/passphrase.txt", "pass.txt");
    let several = "several inputs need a folder";
    let stdin = "standard input cannot be both";
    for (arguments, says) in [
        ("call.enc call.enc".to_owned(), several),
        ("call.enc call.enc -o out.wav".to_owned(), several),
        (
            "call.enc --json".to_owned(),
            "cannot carry both the media and --json",
        ),
        (
            "call.enc -o - --json".to_owned(),
            "cannot carry both the media and --json",
        ),
        (
            "call.enc -o out.wav -d out".to_owned(),
            "cannot be used with",
        ),
        (
            "call.enc -f --if-exists skip -o out.wav".to_owned(),
            "cannot be used with",
        ),
        (
            "call.enc --check --stream-unverified".to_owned(),
            "cannot be used with",
        ),
        (
            "call.enc --stream-unverified -o out.wav".to_owned(),
            "is for standard output",
        ),
        (
            "call.enc --stream-unverified -d out".to_owned(),
            "cannot be used with",
        ),
        (
            "call.enc -q -v -o out.wav".to_owned(),
            "cannot be used with",
        ),
        (
            "call.enc --encrypted-cek AAAA --iv AAAA -o out.wav".to_owned(),
            "cannot be used with",
        ),
        (
            "call.enc -o out.wav --unwrap-command cat".to_owned(),
            "cannot be used with",
        ),
        (
            "call.enc -o out.wav --nonsense".to_owned(),
            "unexpected argument '--nonsense'",
        ),
        (
            "call.enc -o out.wav --color red".to_owned(),
            "invalid value for '--color <WHEN>': it takes auto, always, never",
        ),
        ("- - -d out".to_owned(), stdin),
        ("- -k - -o out.wav".to_owned(), stdin),
        ("-k - -o out.wav".to_owned(), stdin),
        ("--passphrase-file - -o out.wav".to_owned(), stdin),
        ("--passphrase-fd 0 -o out.wav".to_owned(), stdin),
        (
            "call.enc -k - --passphrase-fd 0 -o out.wav".to_owned(),
            stdin,
        ),
    ] {
        let text = desk.refused(desk.voice(&arguments), 2, &[says]);
        assert_eq!(text.matches("unreel: error: ").count(), 1, "{text}");
    }
    for arguments in [
        "-m - - -o out.wav -k key.pem",
        "-m - call.enc -k - -o out.wav",
    ] {
        let command = desk.unreel(&format!("twilio-voice {arguments}"));
        desk.refused(command, 2, &[stdin, "give one of them as a file"]);
    }
    let mut command = desk.unreel("twilio-voice -m meta.json -o out.wav");
    command.env("UNREEL_KEY_FILE", "-");
    desk.refused(command, 2, &[stdin]);
    let command = desk.unreel("twilio-voice -m - -k key.pem -o out.wav");
    desk.refused(
        command,
        2,
        &["there is no input", "name the encrypted media"],
    );
}

#[test]
fn metadata_comes_from_standard_input_too() {
    let desk = Desk::new();
    let command = desk.unreel("twilio-voice -m - -k key.pem call.enc -o out.wav");
    let output = run_with(command, &desk.read("meta.json"));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));
}

#[test]
fn hostile_ids_stay_in_the_folder_and_off_the_terminal() {
    let desk = Desk::new();
    let meta: Value = serde_json::from_slice(&desk.read("meta.json")).unwrap();
    for (id, name) in [
        ("../../x", "_.._x.wav"),
        ("/etc/passwd", "_etc_passwd.wav"),
        ("\x1b[31mred\x07", "__31mred_.wav"),
        ("wav\u{202e}exe", "wav_exe.wav"),
        ("-rf", "rf.wav"),
        (".bashrc", "bashrc.wav"),
        ("a\nb\0c", "a_b_c.wav"),
        ("..", "call.wav"),
        ("", "call.wav"),
    ] {
        std::fs::create_dir_all(desk.path("a/b/out")).unwrap();
        let mut meta = meta.clone();
        meta["sid"] = json!(id);
        desk.write("hostile.json", meta.to_string());
        let before = desk.names();
        let run = "twilio-voice -m hostile.json -k key.pem call.enc -v -d a/b/out";
        desk.done(desk.unreel(run));
        let found: Vec<_> = common::contents(&desk.path("a/b/out"))
            .into_keys()
            .collect();
        assert_eq!(found, [name], "{id:?}");
        assert_eq!(desk.names(), before, "{id:?}");
        assert_eq!(common::contents(&desk.path("a")).len(), 1, "{id:?}");
        // The same id in a failure.
        let command = desk.unreel("twilio-voice -m hostile.json -k key.pem call.enc -d a/b/out");
        desk.refused(command, 8, &["exists already"]);
        let command = desk.unreel("inspect hostile.json");
        assert_harmless(&String::from_utf8(desk.done(command).stdout).unwrap());
        std::fs::remove_dir_all(desk.path("a")).unwrap();
    }
}

#[test]
fn hostile_text_is_escaped_in_every_message() {
    let desk = Desk::new();
    let evil = "\x1b]0;evil\x07\x1b[2J\u{202e}\u{9b}31m\r";
    let file = "evil\x1b[31m\u{202e}.enc";
    desk.write(file, "x");
    let voice = |arguments: &[&str]| {
        let mut command = desk.unreel("twilio-voice -o out.wav");
        command.args(arguments);
        command
    };
    let meta: Value = serde_json::from_slice(&desk.read("meta.json")).unwrap();
    for (pointer, code) in [
        ("/status", 4),
        ("/encryption_details/type", 4),
        ("/encryption_details/iv", 4),
        ("/encryption_details/encrypted_cek", 4),
    ] {
        let mut meta = meta.clone();
        *meta.pointer_mut(pointer).unwrap() = json!(evil);
        if pointer == "/status" {
            // Only then is it looked at.
            meta["encryption_details"].take();
        }
        desk.write("evil.json", meta.to_string());
        desk.refused(
            voice(&["-m", "evil.json", "-k", "key.pem", "call.enc"]),
            code,
            &[],
        );
    }
    let missing = "missing\x1b[31m\u{202e}";
    desk.refused(
        voice(&["-m", "meta.json", "-k", "key.pem", file]),
        3,
        &["\\u{1b}"],
    );
    desk.refused(
        voice(&["-m", "meta.json", "-k", "key.pem", missing]),
        3,
        &["\\u{1b}"],
    );
    desk.refused(
        voice(&["-m", file, "-k", "key.pem", "call.enc"]),
        4,
        &["\\u{1b}"],
    );
    desk.refused(
        voice(&["-m", "meta.json", "-k", file, "call.enc"]),
        5,
        &["\\u{1b}"],
    );
    desk.refused(
        voice(&["-m", "meta.json", "-k", missing, "call.enc"]),
        5,
        &["\\u{1b}"],
    );
    desk.refused(
        voice(&[&format!("--{missing}"), "call.enc"]),
        2,
        &["\\u{202e}"],
    );
    let mut command = desk.unreel("twilio-voice -m meta.json -k key.pem call.enc -o");
    command.arg(format!("{missing}/out.wav"));
    desk.refused(command, 8, &["\\u{1b}"]);
}

#[test]
fn without_an_id_the_output_is_named_for_its_input() {
    let desk = Desk::new();
    desk.bring("twilio-voice/details.json", "details.json");
    desk.write("far/away/Call 1 (ü).WAV.enc", desk.read("call.enc"));
    let mut command = desk.unreel("twilio-voice -m details.json -k key.pem -d .");
    command.arg("far/away/Call 1 (ü).WAV.enc");
    desk.done(command);
    assert_eq!(sha256(&desk.read("Call_1____.wav")), digest_of(VOICE));
    assert_eq!(common::contents(&desk.path("far/away")).len(), 1);
    let command = desk.unreel("twilio-voice -m details.json -k key.pem -d .");
    let before = desk.contents();
    let output = run_with(command, &desk.read("call.enc"));
    let says = [
        "cannot name the output of `standard input`",
        "name the output with -o FILE",
    ];
    desk.was_refused("no name", &output, 2, &says, &before);
}

#[test]
fn inspect_of_a_folder_asks_for_the_files_in_it() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    let says = ["cannot read `in`", "it is a folder: name the files in it"];
    desk.refused(desk.unreel("inspect in"), 3, &says);
}
