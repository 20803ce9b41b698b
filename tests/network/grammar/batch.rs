//! `unreel batch` with what providers have, and `--shard` with lists.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ARCHIVE, CA, Net, RE, RE_OTHER, RE_PLAIN, RE_RUNNING, RE_THIRD, RM, RT, Ran};
use crate::common::run_with;
use crate::fake::Fault;

/// A run over these lines.
fn batch(net: &Net, arguments: &str, lines: &[Value], code: i32) -> Vec<Value> {
    let manifest: String = lines.iter().map(|line| format!("{line}\n")).collect();
    net.desk.write("m.jsonl", manifest);
    let ran = net.ends(code, &format!("batch m.jsonl {arguments}"));
    report(&ran)
}

/// The lines of JSON that were printed, by the line of the manifest and the id.
fn report(ran: &Ran) -> Vec<Value> {
    let text = ran.text();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<Value> = lines.collect();
    lines.sort_by_key(|line| (line["line"].as_u64(), line["id"].to_string()));
    lines
}

/// What became of each line: its number, its id, and `done`, a reason or an exit code.
fn assert_fates(report: &[Value], expected: &[(u64, &str, &str)]) {
    let fate = |line: &Value| match (&line["ok"], &line["reason"]) {
        (Value::Bool(true), Value::String(reason)) => reason.clone(),
        (Value::Bool(true), _) => "done".to_owned(),
        _ => line["error"]["exit"].to_string(),
    };
    let one = |line: &Value| {
        let id = line["id"].as_str().unwrap_or_default().to_owned();
        (line["line"].as_u64().unwrap(), id, fate(line))
    };
    let found: Vec<_> = report.iter().map(one).collect();
    let own = |(line, id, fate): &(u64, &str, &str)| (*line, (*id).to_owned(), (*fate).to_owned());
    assert_eq!(found, expected.iter().map(own).collect::<Vec<_>>());
}

#[test]
fn a_group_is_one_line_a_recording_and_an_empty_one_is_one_line() {
    let net = Net::new();
    let empty = "CA5eed00000000000000000000000000ee";
    let unknown = "CA5eed00000000000000000000000000ef";
    net.fake.add_group(empty);
    let lines = [
        json!({"input": CA, "ref": "a"}),
        json!({"input": empty, "ref": "b"}),
        json!({"input": unknown, "ref": "c"}),
        json!({"input": RE, "ref": "d", "output": "own.wav"}),
        json!({"input": CA, "ref": "e", "output": "own.wav"}),
        json!({"input": RT, "ref": "f"}),
        json!({"input": ARCHIVE, "ref": "g", "provider": "vonage"}),
    ];
    let report = batch(&net, "$ -d out", &lines, 10);
    assert_fates(
        &report,
        &[
            (1, RE, "done"),
            (1, RE_OTHER, "6"),
            (1, RE_THIRD, "done"),
            (1, RE_PLAIN, "not_encrypted"),
            (2, "", "empty"),
            (3, "", "9"),
            (4, RE, "done"),
            (5, "", "2"),
            (6, RT, "done"),
            (7, ARCHIVE, "done"),
        ],
    );
    for line in &report {
        let number = usize::try_from(line["line"].as_u64().unwrap()).unwrap();
        assert_eq!(line["ref"], lines[number - 1]["ref"]);
        assert!(line["input"].is_string(), "{line}");
    }
    assert_eq!(
        (&report[4]["skipped"], &report[4]["input"]),
        (&true.into(), &empty.into())
    );
    for (name, id) in [
        (format!("out/{RE}.wav"), RE),
        ("own.wav".to_owned(), RE),
        (format!("out/{RT}.mka"), RT),
        (format!("out/{ARCHIVE}.ts"), ARCHIVE),
    ] {
        net.is_opened(&name, id);
    }
}

#[test]
fn a_list_that_breaks_off_is_a_failed_line_behind_what_it_had() {
    let net = Net::new();
    net.fake.fault("Recordings.json", Fault::status(503), 9);
    let lines = [
        json!({"input": CA, "ref": 1}),
        json!({"input": RT, "ref": 2}),
    ];
    let report = batch(&net, "$ -d out --retries 0", &lines, 75);
    assert_fates(&report, &[(1, "", "75"), (2, RT, "done")]);
    assert_eq!(
        (&report[0]["input"], &report[0]["ref"]),
        (&CA.into(), &1.into())
    );
}

#[test]
fn flags_hold_for_all_lines() {
    let net = Net::new();
    let lines = [
        json!({"input": RE, "output": "x.wav"}),
        json!({"input": RM}),
        json!({"input": "call.enc", "metadata": "meta.json"}),
    ];
    let report = batch(&net, "$ --check-keys", &lines, 10);
    assert_eq!(report.len(), 6);
    assert!(report[..5].iter().all(|line| line["ok"] == true));
    assert_eq!(report[5]["error"]["exit"], 2);
    assert!(!net.desk.path("x.wav").exists());

    let report = batch(&net, "--download-only -d enc", &lines, 10);
    assert_eq!(report[0]["error"]["exit"], 2);
    assert!(net.desk.path(&format!("enc/{RT}.enc")).exists());

    let lines = [json!({"input": CA}), json!({"input": RE_PLAIN})];
    let report = batch(&net, "-d out --since 2030-01-01 --plain skip", &lines, 0);
    assert_fates(&report, &[(1, "", "empty"), (2, RE_PLAIN, "not_encrypted")]);
}

#[test]
fn what_fails_for_now_is_75_and_a_provider_without_credentials_fails_its_lines_alone() {
    let net = Net::new();
    let lines = [json!({"input": RE_RUNNING}), json!({"input": RE})];
    let report = batch(&net, "$ -d out", &lines, 75);
    assert_fates(&report, &[(1, RE_RUNNING, "75"), (2, RE, "done")]);
    let manifest = format!("{{\"input\":\"{ARCHIVE}\"}}\n{{\"input\":\"{RE}\"}}\n");
    let mut command = net.command("batch -k key.pem -d out --if-exists skip -j 1");
    for (name, _) in net.fake.env() {
        if name.starts_with("VONAGE_APP")
            || name.starts_with("VONAGE_PRIV")
            || name.starts_with("OPENTOK")
        {
            command.env_remove(name);
        }
    }
    let output = run_with(command, manifest.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(output.status.code(), Some(10), "{text}");
    assert_fates(&lines, &[(1, ARCHIVE, "2"), (2, RE, "exists")]);
    let message = lines[0]["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("there are no credentials for Vonage"),
        "{message}"
    );
}

#[test]
fn shards_of_an_account_are_by_id_and_those_of_a_manifest_by_input() {
    let net = Net::new();
    let mut seen = BTreeSet::new();
    let mut count = 0;
    for index in 0..3 {
        let all = format!("twilio-voice $ -k other.pem --check --json --all --shard {index}/3");
        let ran = net.run(&all.replace('$', "-k key.pem"));
        count += ran.lines().len();
        for id in ran.lines().into_keys() {
            assert_eq!(shard_of(&id), index, "{id}");
            seen.insert(id);
        }
    }
    assert_eq!((count, seen.len()), (7, 7));
    // A group is its line's, whatever its recordings are called.
    let lines = [json!({"input": CA})];
    for index in 0..3 {
        let ran = {
            net.desk.write("m.jsonl", format!("{}\n", lines[0]));
            net.run(&format!(
                "batch m.jsonl --metadata-only -d meta{index} --shard {index}/3"
            ))
        };
        let expected = if shard_of(CA) == index { 4 } else { 0 };
        assert_eq!(report(&ran).len(), expected);
    }
    // A group that is named is everybody's, and its recordings are not.
    let mut count = 0;
    for index in 0..3 {
        let ran = net.run(&format!(
            "twilio-voice --metadata-only -d group{index} --json {CA} --shard {index}/3"
        ));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        count += ran.lines().len();
    }
    assert_eq!(count, 4);
}

fn shard_of(name: &str) -> u64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(name);
    u64::from_be_bytes(digest[..8].try_into().unwrap()) % 3
}
