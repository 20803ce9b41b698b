//! Messages: the same in words and as lines of JSON, as much as is asked for, and nothing beside them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use expectrl::{Eof, Expect, Session};
use serde_json::Value;

use crate::common::logs::{block, documented, messages};
use crate::common::{Desk, VOICE, stderr};

/// Runs of every kind that need no network, and their exit codes.
const RUNS: [(&str, i32); 12] = [
    ("twilio-voice -m meta.json -k key.pem --check call.enc", 0),
    ("twilio-voice -m meta.json -k keys --check call.enc -v", 0),
    ("twilio-voice -m meta.json -k key.pem --check cut.enc", 7),
    (
        "twilio-voice -m meta.json -k other.pem --check call.enc -vv",
        6,
    ),
    (
        "twilio-voice -m meta.json -k key.pem --check call.enc cut.enc -j 1",
        10,
    ),
    (
        "twilio-voice -k key.pem --check missing.enc call.enc -j 1 -v",
        10,
    ),
    (
        "twilio-voice -m meta.json -k key.pem call.enc -o call.enc -f",
        8,
    ),
    (
        "twilio-voice -m meta.json -k key.pem -d out call.enc --if-exists skip",
        0,
    ),
    ("inspect call.enc missing meta.json", 10),
    ("twilio-voice --no-such-flag", 2),
    ("twilio-vocie call.enc", 2),
    ("keygen", 2),
];

fn desk() -> Desk {
    let desk = Desk::new();
    let media = desk.read("call.enc");
    desk.write("cut.enc", &media[..100_000]);
    desk.bring("keys/other.pem", "other.pem");
    desk.bring("keys/other.pem", "keys/a.pem");
    desk.bring("keys/ec.pem", "keys/b.pem");
    desk.bring("keys/pkcs8.pem", "keys/c.pem");
    desk
}

fn run(desk: &Desk, arguments: &str) -> Output {
    desk.unreel(arguments).output().unwrap()
}

fn in_json(desk: &Desk, arguments: &str) -> Vec<Value> {
    messages(&stderr(&run(
        desk,
        &format!("--log-format json {arguments}"),
    )))
}

/// What people are told in place of a message: it has its level in front, or it has not.
fn words(message: &Value, is_labelled: bool) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |name: &str| message[name].as_array().cloned().unwrap_or_default();
    let label = match message["level"].as_str().unwrap() {
        "warn" => "warning",
        level => level,
    };
    let label = if is_labelled {
        format!("unreel: {label}: ")
    } else {
        String::new()
    };
    let mut out = format!("{label}{}\n", text(&message["message"]));
    for cause in list("causes") {
        out += &format!("  caused by: {}\n", text(&cause));
    }
    for line in list("details") {
        out += &format!("  {}\n", text(&line));
    }
    if let Some(hint) = message["hint"].as_str() {
        out += &format!("unreel: hint: {hint}\n");
    }
    out
}

#[test]
fn each_message_is_one_line_of_json_with_the_words_that_people_are_told() {
    let desk = desk();
    for (arguments, code) in RUNS {
        let text = run(&desk, arguments);
        // Both begin in the same folder.
        std::fs::remove_dir_all(desk.path("out")).ok();
        // Not with the flag: what is wrong with the command line may repeat it.
        let mut json = desk.unreel(arguments);
        let json = json.env("UNREEL_LOG_FORMAT", "json").output().unwrap();
        std::fs::remove_dir_all(desk.path("out")).ok();
        assert_eq!(
            text.status.code(),
            Some(code),
            "{arguments}\n{}",
            stderr(&text)
        );
        assert_eq!(
            json.status.code(),
            Some(code),
            "{arguments}\n{}",
            stderr(&json)
        );
        assert_eq!(text.stdout, json.stdout, "{arguments}");
        let text = stderr(&text);
        let mut rest = text.as_str();
        for message in messages(&stderr(&json)) {
            let said = [true, false].map(|is_labelled| words(&message, is_labelled));
            let found = said
                .iter()
                .find_map(|said| rest.strip_prefix(said.as_str()));
            rest = found.unwrap_or_else(|| panic!("{arguments}\n{message}\n{rest}"));
        }
        assert_eq!(rest, "", "{arguments}");
    }
}

#[test]
fn an_error_has_its_code_its_hint_and_what_it_is_about() {
    let desk = desk();
    for (arguments, code) in RUNS.iter().filter(|(_, code)| *code != 0) {
        let all = in_json(&desk, arguments);
        let last = all.last().unwrap();
        assert_eq!(
            (&last["level"], &last["exit"]),
            (&"error".into(), &(*code).into())
        );
        assert!(
            last["code"].is_string() && last["hint"].is_string(),
            "{last}"
        );
    }
    let one = in_json(
        &desk,
        "twilio-voice -m meta.json -k key.pem --check cut.enc",
    );
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["code"], "integrity");
    assert_eq!(one[0]["input"], "cut.enc");
    assert_eq!(one[0]["recording"], VOICE);
    let several = in_json(&desk, "twilio-voice -k key.pem --check x.enc y.enc -j 1");
    let inputs: Vec<_> = several.iter().map(|it| it["input"].as_str()).collect();
    assert_eq!(inputs, [Some("x.enc"), Some("y.enc"), None, None]);
    let done = in_json(
        &desk,
        "twilio-voice -m meta.json -k key.pem -o call.wav call.enc",
    );
    assert_eq!(
        (&done[0]["level"], &done[0]["path"]),
        (&"info".into(), &"call.wav".into())
    );
}

#[test]
fn the_run_is_that_of_the_report() {
    let desk = desk();
    let output = run(
        &desk,
        "twilio-voice -m meta.json -k key.pem --check call.enc cut.enc --report report \
         --log-format json",
    );
    let report = String::from_utf8(desk.read("report")).unwrap();
    let report: Value = serde_json::from_str(report.lines().next().unwrap()).unwrap();
    for message in messages(&stderr(&output)) {
        assert_eq!(message["run"], report["run"]);
    }
}

#[test]
fn as_much_is_said_as_is_asked_for() {
    let desk = desk();
    let levels = |flags: &str| {
        // One after the other: which key is tried first is what opened the one before.
        let arguments =
            format!("twilio-voice -m meta.json -k keys --check -j 1 call.enc cut.enc {flags}");
        let all = in_json(&desk, &arguments);
        let levels = ["error", "warn", "info", "debug", "trace"];
        let count = |level: &&str| all.iter().filter(|it| it["level"] == *level).count();
        levels.each_ref().map(count)
    };
    let [errors, ..] = levels("-q");
    assert_eq!(levels("-q"), [errors, 0, 0, 0, 0]);
    assert_eq!(errors, 2);
    let [_, warnings, results, ..] = levels("");
    assert_eq!(levels(""), [errors, warnings, results, 0, 0]);
    let [_, _, steps, ..] = levels("-v");
    assert!(steps > results && results > 0);
    assert_eq!(levels("-v"), [errors, warnings, steps, 0, 0]);
    // There is no network in it.
    assert_eq!(levels("-vv"), [errors, warnings, steps, 0, 0]);
    let [.., trace] = levels("-vvv");
    assert!(trace > 0);
    assert_eq!(levels("-v -v -v"), [errors, warnings, steps, 0, trace]);
}

#[test]
fn the_keys_that_are_tried_are_told_with_vvv() {
    let desk = desk();
    let all = in_json(
        &desk,
        "twilio-voice -m meta.json -k keys --check call.enc -vvv",
    );
    let tried: Vec<_> = all
        .iter()
        .filter(|it| it["target"] == "unreel::key")
        .map(|it| {
            (
                it["path"].as_str(),
                it["opens"].as_bool(),
                it["input"].as_str(),
            )
        })
        .collect();
    let input = Some("call.enc");
    let expected = [
        (Some("keys/a.pem"), Some(false), input),
        (Some("keys/c.pem"), Some(true), input),
    ];
    assert_eq!(tried, expected);
    let text = run(
        &desk,
        "twilio-voice -m meta.json -k keys --check call.enc -vvv",
    );
    let line = "unreel: trace: tried a private key  fingerprint=sha256:";
    assert!(stderr(&text).contains(line), "{}", stderr(&text));
    assert!(stderr(&text).contains(" input=call.enc opens=true path=keys/c.pem\n"));
}

#[test]
fn the_environment_says_it_where_no_flag_does() {
    let desk = desk();
    let with = |value: &str, arguments: &str| {
        let mut command = desk.unreel(arguments);
        command.env("UNREEL_LOG_FORMAT", value);
        command.output().unwrap()
    };
    for arguments in ["inspect missing", "inspct", ""] {
        assert!(
            !messages(&stderr(&with("json", arguments))).is_empty(),
            "{arguments}"
        );
        for (value, more) in [("json", "--log-format=text "), ("", ""), ("text", "")] {
            let output = with(value, &format!("{more}{arguments}"));
            assert!(!stderr(&output).starts_with('{'), "{value} {arguments}");
        }
    }
    let output = with("hunter2", "inspect missing");
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    let expected = "unreel: error: UNREEL_LOG_FORMAT is neither text nor json\n";
    assert!(
        said.starts_with(expected) && !said.contains("hunter2"),
        "{said}"
    );
    let output = run(&desk, "--log-format xml inspect missing");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn text_from_files_and_names_is_written_so_that_it_does_nothing() {
    let desk = desk();
    let name = "a\u{1b}[31m\u{202e}\"\\\n.enc";
    let mut command = desk.unreel("twilio-voice --log-format json -k key.pem --check -vvv -j 1");
    let output = command.arg(name).arg("call.enc").output().unwrap();
    let all = messages(&stderr(&output));
    assert_eq!(all[0]["input"], name, "{}", stderr(&output));
    let mut command = desk.unreel("twilio-voice -k key.pem --check -vvv");
    let output = command.arg(name).arg("call.enc").output().unwrap();
    crate::common::assert_harmless(&stderr(&output));
}

/// Whoever reads the messages may go: what is done is done.
#[test]
fn a_standard_error_that_is_gone_changes_no_exit_code() {
    let desk = desk();
    for (arguments, code) in RUNS {
        for format in ["text", "json"] {
            let script = format!("\"$UNREEL\" {arguments} --log-format {format} -vvv 2>&-");
            let closed = desk.bash(&script).output().unwrap();
            assert_eq!(closed.status.code(), Some(code), "{script}");
            let mut command = desk.unreel(arguments);
            command.args(["--log-format", format]);
            assert_eq!(unread(command), Some(code), "{arguments}");
            std::fs::remove_dir_all(desk.path("out")).ok();
        }
    }
}

/// How it ends where nobody reads what it says.
fn unread(mut command: Command) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command.stdout(Stdio::null()).stderr(writer).spawn();
    child.unwrap().wait().unwrap().code()
}

#[test]
fn a_terminal_sees_neither_bars_nor_colours_between_lines_of_json() {
    let desk = desk();
    let script = "\"$UNREEL\" twilio-voice -m meta.json -k key.pem --check call.enc cut.enc \
                  --color always --log-format json > /dev/null";
    let mut command = desk.bash(script);
    command.env("TERM", "xterm");
    let mut session = Session::spawn(command).unwrap();
    let found = session.expect(Eof).unwrap();
    let text = String::from_utf8_lossy(found.as_bytes()).replace("\r\n", "\n");
    assert_eq!(messages(&text).len(), 4, "{text}");
}

#[test]
fn what_the_page_has_alloy_take_is_there() {
    let block = block("alloy");
    let expressions = block.split("expressions = {").nth(1).unwrap();
    let expressions = expressions.split('}').next().unwrap();
    let desk = desk();
    let all = in_json(&desk, "inspect missing");
    let mut count = 0;
    for name in expressions.split('"').skip(1).step_by(2) {
        assert!(all[0][name].is_string(), "{name}");
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn every_documented_field_is_there() {
    let mut source = String::new();
    for folder in ["api", "cli", "job", "key", "serve", "store"] {
        add(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src")
                .join(folder),
            &mut source,
        );
    }
    let fields = documented();
    assert!(fields.len() > 30, "{fields:?}");
    for name in fields {
        let forms = [
            format!("\"{name}\""),
            format!("{name} = "),
            format!("%{name},"),
            format!("?{name},"),
            format!(" {name},"),
            format!("    {name}: "),
        ];
        assert!(forms.iter().any(|form| source.contains(form)), "{name}");
    }
}

fn add(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(&path, text);
        } else {
            *text += &std::fs::read_to_string(path).unwrap();
        }
    }
}
