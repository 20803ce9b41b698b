//! Report lines, standard output, and what people are told.

use std::process::Stdio;

use super::{ARCHIVE, CA, CF, Net, RE, RM, RT, SESSION};
use crate::common::{digest_of, fixture, sha256, stderr};
use crate::fake::Voice;

#[test]
fn lines_say_where_a_recording_came_from() {
    let net = Net::new();
    for (command, id, parent, created) in [
        ("twilio-voice", RE, CA, "2026-09-01T08:30:00Z"),
        ("twilio-video", RT, RM, "2026-09-01T08:30:00Z"),
        ("vonage", ARCHIVE, SESSION, "2026-09-01T08:30:00Z"),
    ] {
        let line = net
            .ends(0, &format!("{command} $ -d out --json {id}"))
            .line();
        assert_eq!(line["source"], "provider");
        assert_eq!(line["parent"], parent);
        assert_eq!(line["created"], created);
        assert_eq!(line["attempts"], 1, "{command}");
        assert_eq!(line["input"], id);
        assert_eq!(
            line.get("declared_duration_s").is_some(),
            command != "vonage"
        );
        assert!(line.get("reason").is_none());
    }
    // A failed one says it, too, as far as it got.
    let line = net
        .ends(
            75,
            "twilio-voice $ -d out --json RE5eed0000000000000000000000000010",
        )
        .line();
    assert_eq!(
        (&line["parent"], &line["error"]["code"]),
        (
            &"CA5eed00000000000000000000000000ff".into(),
            &"temporary".into()
        )
    );
    assert!(line.get("attempts").is_none());
}

#[test]
fn the_parent_is_the_call_else_the_conference() {
    let net = Net::empty();
    let media = std::fs::read(fixture(&format!("twilio-voice/{RE}.wav.enc"))).unwrap();
    let details =
        serde_json::from_slice(&std::fs::read(fixture("twilio-voice/details.json")).unwrap())
            .unwrap();
    let voice = Voice {
        conference: Some(CF.into()),
        ..Voice::new(RE, &media, details)
    };
    net.fake.add_voice(voice.clone());
    let parent = || {
        net.ends(0, &format!("twilio-voice $ --check --json {RE}"))
            .line()["parent"]
            .clone()
    };
    assert_eq!(parent(), CA);
    let body = serde_json::json!({"sid": RE, "status": "completed", "call_sid": null, "conference_sid": CF, "encryption_details": voice.encryption});
    net.fake.fault(
        ".json",
        crate::fake::Fault::Answer(200, "application/json", body.to_string().into_bytes()),
        1,
    );
    assert_eq!(parent(), CF);
}

#[test]
fn a_length_that_differs_is_noted() {
    let net = Net::new();
    let media = std::fs::read(fixture(&format!("twilio-voice/{RE}.wav.enc"))).unwrap();
    let details: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixture("twilio-voice/details.json")).unwrap())
            .unwrap();
    // It plays for 4 s.
    for (duration, is_noted) in [
        (4, false),
        (2, false),
        (6, false),
        (7, true),
        (1, true),
        (60, true),
    ] {
        net.fake.add_voice(Voice {
            duration,
            ..Voice::new(RE, &media, details.clone())
        });
        let ran = net.ends(0, &format!("twilio-voice $ --check --json {RE}"));
        assert_eq!(
            ran.err.contains("warning"),
            is_noted,
            "{duration}: {}",
            ran.err
        );
        let line = ran.line();
        assert_eq!(line["media"]["notes"].is_array(), is_noted);
        assert_eq!(line["declared_duration_s"], f64::from(duration));
    }
    // Vonage's is 0.
    let ran = net.ends(0, &format!("vonage $ --check --json {ARCHIVE}"));
    assert!(!ran.err.contains("warning") && ran.line()["media"].get("notes").is_none());
}

#[test]
fn standard_output_gets_what_was_verified() {
    let net = Net::new();
    for (command, id) in [
        ("twilio-voice", RE),
        ("twilio-video", RT),
        ("vonage", ARCHIVE),
    ] {
        for flags in ["", "-o -", "--stream-unverified"] {
            let ran = net.ends(0, &format!("{command} $ {flags} {id}"));
            assert_eq!(sha256(&ran.out), digest_of(id), "{command} {flags}");
        }
    }
    // Damaged: nothing.
    let mut media = std::fs::read(fixture(&format!("twilio-voice/{RE}.wav.enc"))).unwrap();
    media[100_000] ^= 1;
    let details =
        serde_json::from_slice(&std::fs::read(fixture("twilio-voice/details.json")).unwrap())
            .unwrap();
    net.fake.add_voice(Voice::new(RE, &media, details));
    let ran = net.ends(7, &format!("twilio-voice $ {RE}"));
    assert!(ran.out.is_empty());
    net.refuses(
        2,
        &format!("twilio-voice $ --json {RE}"),
        &["standard output"],
    );
    net.refuses(2, &format!("twilio-voice $ {RE} {RT}"), &[]);
    net.refuses(2, &format!("twilio-video $ {RT} {RM}"), &["-d DIR"]);
}

#[test]
fn a_pipe_that_is_closed_is_exit_8() {
    let net = Net::new();
    net.fake.latency(std::time::Duration::from_millis(100));
    let mut command = net.command(&format!("twilio-voice -k key.pem {RE}"));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(8), "{}", stderr(&output));
}

#[test]
fn progress_is_for_terminals_and_the_closing_line_for_all_but_the_quiet() {
    let net = Net::new();
    net.fake.latency(std::time::Duration::from_millis(30));
    let ran = net.ends(0, &format!("twilio-voice $ -k other.pem -d out {CA}"));
    assert!(
        !ran.err.contains('\r') && !ran.err.contains('\u{1b}'),
        "{}",
        ran.err
    );
    assert_eq!(
        ran.err.lines().last(),
        Some("3 decrypted, 1 skipped, 0 failed")
    );
    let ran = net.ends(
        0,
        &format!("twilio-voice $ -k other.pem -d out {CA} --json --if-exists skip"),
    );
    assert_eq!(ran.err.trim_end(), "0 decrypted, 4 skipped, 0 failed");
    let ran = net.ends(0, &format!("twilio-voice -q $ -k other.pem -d out2 {CA}"));
    assert!(ran.err.is_empty() && ran.out.is_empty(), "{}", ran.err);
    // Of one there is none.
    let ran = net.ends(0, &format!("twilio-voice $ -d out3 {RE}"));
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    let ran = net.ends(
        10,
        &format!("twilio-voice $ -d out4 {CA} RE5eed0000000000000000000000000010"),
    );
    ran.says(&["failed (1 may work later)"]);
}

#[test]
fn a_report_is_appended_to() {
    let net = Net::new();
    net.ends(0, &format!("twilio-voice $ -d out --report r.jsonl {RE}"));
    net.ends(
        0,
        &format!("twilio-voice $ -d out --if-exists skip --report r.jsonl {RE}"),
    );
    let text = String::from_utf8(net.desk.read("r.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["ok"], &lines[1]["reason"]),
        (&true.into(), &"exists".into())
    );
}

#[test]
fn an_output_that_exists_is_no_reason_to_ask_anybody() {
    let net = Net::new();
    std::fs::write(net.desk.path("call.wav"), "mine").unwrap();
    net.ends(8, &format!("twilio-voice $ -o call.wav {RE}"));
    net.ends(
        0,
        &format!("twilio-voice $ -o call.wav --if-exists skip {RE}"),
    );
    assert!(net.fake.requests().is_empty());
    assert_eq!(std::fs::read(net.desk.path("call.wav")).unwrap(), b"mine");
}
