//! `unreel register qvoice`: keys stand in the file before they are sent, and no version is lost.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::{Value, json};

use super::common::has;
use super::fake::{Fault, QVOICE_TOKEN, Seen};
use super::grammar::{Net, Ran};

const PATH: &str = "/api/v2/config/call_recording_encryption";
const PUT: &str = "PUT api:/api/v2/config/call_recording_encryption";
const GET: &str = "GET api:/api/v2/config/call_recording_encryption";

fn on(net: &Net, task: &str) -> Ran {
    net.run(&format!("register qvoice --yes --config c.json {task}"))
}

fn ok(net: &Net, task: &str) -> Ran {
    let ran = on(net, task);
    ran.ended(0, task);
    secret_free(net, &ran);
    ran
}

/// What is sent, of requests that change something.
fn sent(net: &Net) -> Vec<Value> {
    let mut seen = net.fake.requests();
    seen.retain(|seen| seen.request.method == "PUT");
    let body = |seen: &Seen| {
        let body: Value = serde_json::from_slice(&seen.request.body).expect("JSON");
        assert!(body.get("key_version").is_none() && body.get("key_id").is_none());
        body
    };
    seen.iter().map(body).collect()
}

fn file(net: &Net) -> Value {
    assert_eq!(net.desk.mode("c.json"), 0o600);
    serde_json::from_slice(&net.desk.read("c.json")).expect("JSON")
}

/// Every key that a configuration has.
fn keys(config: &Value) -> BTreeSet<String> {
    let history = config["historical_keys"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let all = history
        .into_iter()
        .map(|(_, key)| key)
        .chain([config["key"].clone()]);
    all.filter_map(|key| key.as_str().map(str::to_owned))
        .collect()
}

fn secret_free(net: &Net, ran: &Ran) {
    ran.says_nothing_of(&[QVOICE_TOKEN]);
    for config in [net.fake.qvoice_config(), json!({"key": "never-there"})] {
        for key in keys(&config) {
            ran.says_nothing_of(&[&key]);
        }
    }
}

#[test]
fn a_key_is_made_kept_and_taken_over() {
    let net = Net::empty();
    let ran = ok(&net, "--enable --json");
    assert_eq!(ran.line()["changed"], true);
    let (there, here) = (net.fake.qvoice_config(), file(&net));
    let key = there["key"].as_str().unwrap();
    assert!(
        key.len() == 64
            && key
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    );
    assert_eq!(there["salt"].as_str().unwrap().len(), 24);
    for name in [
        "key",
        "salt",
        "key_version",
        "key_id",
        "algorithm",
        "enabled",
    ] {
        assert_eq!(here[name], there[name], "{name}");
    }
    assert!(here.get("pending").is_none());
    net.fake.forget();
    assert_eq!(ok(&net, "--enable --json").line()["changed"], false);
    assert!(sent(&net).is_empty());
    ok(&net, "--disable");
    assert_eq!(sent(&net), [json!({"enabled": false})]);
    ok(&net, "--enable");
    assert_eq!(net.fake.qvoice_config()["key"], there["key"]);
    assert_eq!(net.fake.qvoice_config()["key_version"], 1);
    on(&net, "--disable").ended(0, "off");
    on(&net, "--rotate").ended(2, "nothing to rotate");
}

#[test]
fn old_versions_stay_whatever_the_server_forgets() {
    for forgets in [false, true] {
        let net = Net::empty();
        net.fake.style(|style| style.qvoice_forgets = forgets);
        ok(&net, "--enable");
        let mut known = keys(&file(&net));
        for version in 2..=4 {
            ok(&net, "--rotate");
            known.extend(keys(&net.fake.qvoice_config()));
            assert_eq!(net.fake.qvoice_config()["key_version"], version);
            assert_eq!(keys(&file(&net)), known);
            assert_eq!(
                file(&net)["historical_salts"].as_object().unwrap().len(),
                version - 1
            );
        }
        ok(&net, "--show");
        assert_eq!(keys(&file(&net)), known);
        ok(&net, "--rotate --algorithm aes-256-cbc");
        assert_eq!(net.fake.qvoice_config()["algorithm"], "AES-256-CBC");
    }
}

#[test]
fn keys_may_be_given_and_are_judged_by_the_guides_rules() {
    let net = Net::empty();
    net.desk
        .write("key", "a key of somebody's own, with 32 characters\n");
    net.desk.write("salt", "salt of theirs\n");
    net.desk.write("short", "too short");
    net.desk.write("default", "default_salt");
    net.desk.write("insecure", "default_encrypted_key");
    for (files, code) in [
        ("--key-file short", 5),
        ("--key-file insecure", 5),
        ("--key-file key --salt-file default", 5),
        ("--key-file missing", 5),
    ] {
        let arguments = format!("register qvoice --yes --config c.json --enable {files}");
        net.refuses(code, &arguments, &[]);
    }
    ok(&net, "--enable --key-file key --salt-file salt");
    ok(&net, "--enable --key-file key --salt-file salt");
    ok(&net, "--rotate --key-file key --salt-file salt");
    let there = net.fake.qvoice_config();
    assert_eq!(there["key"], "a key of somebody's own, with 32 characters");
    assert_eq!(
        (&there["salt"], &there["key_version"]),
        (&json!("salt of theirs"), &json!(1))
    );
}

#[test]
fn a_key_stands_in_the_file_before_it_is_sent_and_is_settled_later() {
    for (fault, acted) in [
        (Fault::Unheard, false),
        (Fault::Refuse(500), false),
        (Fault::Reset, true),
        (Fault::status(503), true),
    ] {
        let net = Net::empty();
        ok(&net, "--enable");
        let first = keys(&file(&net));
        net.fake.forget();
        net.fake.fault(PUT, fault.clone(), 1);
        // Nor can be asked what became of it.
        net.fake.fault_after(GET, 1, Fault::Refuse(500), usize::MAX);
        let ran = on(&net, "--rotate --retries 0");
        ran.ended(75, &format!("{fault:?}"));
        secret_free(&net, &ran);
        let pending = file(&net)["pending"].clone();
        assert_eq!(pending["key"], sent(&net)[0]["key"], "{fault:?}");
        assert_eq!(keys(&file(&net)), first);
        net.fake.mend();
        let shown = ok(&net, "--show --json").line();
        assert_eq!(shown["pending"], !acted, "{fault:?}");
        assert_eq!(file(&net).get("pending").is_none(), acted);
        // The same key again, where it was not taken; else that is the rotation that was meant.
        net.fake.forget();
        if !acted {
            ok(&net, "--rotate");
            assert_eq!(sent(&net)[0]["key"], pending["key"]);
        }
        assert_eq!(net.fake.qvoice_config()["key"], pending["key"]);
        assert_eq!(net.fake.qvoice_config()["key_version"], 2);
        assert_eq!(keys(&file(&net)), keys(&net.fake.qvoice_config()));
    }
}

#[test]
fn a_second_rotation_after_a_lost_answer_rotates_once() {
    let net = Net::empty();
    ok(&net, "--enable");
    net.fake.fault(PUT, Fault::Reset, 1);
    net.fake.fault_after(GET, 1, Fault::Refuse(500), 1);
    on(&net, "--rotate --retries 0").ended(75, "lost");
    ok(&net, "--rotate");
    assert_eq!(net.fake.qvoice_config()["key_version"], 2);
    assert!(file(&net).get("pending").is_none());
    // Lost and found in one run.
    for fault in [Fault::Reset, Fault::Unheard, Fault::status(500)] {
        let before = net.fake.qvoice_config()["key_version"].as_u64().unwrap();
        net.fake.fault(PUT, fault, 1);
        ok(&net, "--rotate");
        assert_eq!(net.fake.qvoice_config()["key_version"], before + 1);
        assert_eq!(keys(&file(&net)), keys(&net.fake.qvoice_config()));
    }
}

#[test]
fn a_run_that_is_killed_leaves_the_key_it_sent() {
    let net = Net::empty();
    net.fake
        .fault(PUT, Fault::StallBeforeHeaders(Duration::from_secs(20)), 1);
    let mut child = net
        .command("register qvoice --yes --config c.json --enable")
        .spawn()
        .unwrap();
    while sent(&net).is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(file(&net)["pending"]["key"], sent(&net)[0]["key"]);
    net.fake.mend();
    ok(&net, "--show");
    assert_eq!(keys(&file(&net)), keys(&net.fake.qvoice_config()));
}

#[test]
fn two_runs_at_once_lose_no_version() {
    let net = Net::empty();
    ok(&net, "--enable");
    for _ in 0..3 {
        let run = || {
            net.command("register qvoice --yes --config c.json --rotate")
                .spawn()
                .unwrap()
        };
        for mut child in [run(), run()] {
            assert!(child.wait().unwrap().success());
        }
    }
    assert_eq!(net.fake.qvoice_config()["key_version"], 7);
    assert_eq!(keys(&file(&net)), keys(&net.fake.qvoice_config()));
}

#[test]
fn a_file_that_holds_something_else_is_left_as_it_is() {
    let net = Net::empty();
    ok(&net, "--enable");
    let there = net.fake.qvoice_config();
    let mut other = there.clone();
    other["key"] = json!("a key of another account's, which differs");
    let mut ahead = there.clone();
    ahead["key_version"] = json!(9);
    for text in [
        "a letter\n",
        "{}",
        "{\"a\": 1}",
        "[1]",
        &other.to_string(),
        &ahead.to_string(),
    ] {
        net.desk.write("c.json", text);
        for task in ["--rotate", "--enable", "--show"] {
            net.fake.forget();
            let ran = on(&net, task);
            ran.ended(8, &format!("{task} {text}"));
            ran.says(&["c.json", "unreel: hint: "]);
            secret_free(&net, &ran);
            assert!(net.desk.read("c.json") == text.as_bytes() && sent(&net).is_empty());
        }
    }
    net.refuses(
        8,
        "register qvoice --yes --config made-up/c.json --enable",
        &["made-up"],
    );
    net.refuses(
        2,
        "register qvoice --yes --config - --enable",
        &["--config PATH"],
    );
}

#[test]
fn what_a_link_leads_to_is_brought_up_to_date() {
    let net = Net::empty();
    net.desk.write("real/x.json", "{\"enabled\": false}");
    symlink("real/x.json", net.desk.path("c.json")).unwrap();
    ok(&net, "--enable");
    assert!(
        std::fs::symlink_metadata(net.desk.path("c.json"))
            .unwrap()
            .is_symlink()
    );
    let real: Value = serde_json::from_slice(&net.desk.read("real/x.json")).unwrap();
    assert_eq!(real["key"], net.fake.qvoice_config()["key"]);
}

#[test]
fn a_link_that_leads_nowhere_is_not_replaced() {
    let net = Net::empty();
    symlink("unmounted/x.json", net.desk.path("c.json")).unwrap();
    net.refuses(
        8,
        "register qvoice --yes --config c.json --enable",
        &["cannot read", "c.json"],
    );
    assert!(net.desk.path("c.json").is_symlink());
}

#[test]
fn what_qvoice_refuses_is_said_in_the_guides_words() {
    let net = Net::empty();
    ok(&net, "--enable");
    let before = keys(&file(&net));
    for (fault, code, says) in [
        (Fault::Echo(400), 9, "missing required fields"),
        (Fault::Echo(401), 9, "Invalid or missing JWT token"),
        (Fault::Echo(403), 9, "lacks required permissions"),
        (Fault::Echo(404), 9, "Account or endpoint not found"),
        (
            Fault::Answer(
                200,
                "application/json",
                b"{\"success\":false,\"message\":\"no\"}".to_vec(),
            ),
            9,
            "no",
        ),
        (
            Fault::Answer(200, "text/html", b"<html>".to_vec()),
            9,
            "does not say",
        ),
    ] {
        net.fake.mend();
        net.fake.fault(PUT, fault.clone(), 1);
        let ran = on(&net, "--rotate");
        // The server acted before it answered so: what there is now may be the key all the same.
        if ran.code != Some(0) {
            ran.ended(code, &format!("{fault:?}"));
            ran.says(&[says]);
        }
        secret_free(&net, &ran);
        assert!(before.is_subset(&keys(&file(&net))));
    }
    let masked = json!({"success": true, "config": {"enabled": true, "key": "*".repeat(40), "key_version": 99}});
    net.fake.mend();
    net.fake.fault(
        GET,
        Fault::Answer(200, "application/json", masked.to_string().into_bytes()),
        1,
    );
    let held = net.desk.read("c.json");
    on(&net, "--show").ended(9, "a masked key");
    assert_eq!(net.desk.read("c.json"), held);
}

#[test]
fn a_dry_run_and_a_look_change_nothing() {
    let net = Net::empty();
    let dry = |more: &str| net.run(&format!("register qvoice --config c.json --dry-run {more}"));
    for more in ["--enable", "--enable --json"] {
        let ran = dry(more);
        ran.ended(0, more);
        assert!(
            ran.text().contains("PUT")
                && ran.text().contains(PATH)
                && ran.text().contains("********")
        );
    }
    ok(&net, "--show");
    net.ends(2, "register qvoice --config c.json --enable");
    assert!(sent(&net).is_empty() && !net.desk.path("c.json").exists());
    ok(&net, "--enable");
    let held = net.desk.read("c.json");
    secret_free(&net, &dry("--rotate"));
    secret_free(&net, &dry("--rotate --json"));
    secret_free(&net, &net.run("register qvoice --config c.json --show -v"));
    assert_eq!(net.desk.read("c.json"), held);
    assert_eq!(sent(&net).len(), 1);
}

#[test]
fn from_nothing_to_a_call_that_plays() {
    let net = Net::empty();
    for task in ["--enable", "--rotate", "--rotate --algorithm aes-256-cbc"] {
        ok(&net, task);
        let id = "call5eed01";
        let (media, metadata) = net.fake.record_qvoice(id);
        net.desk.write("call.enc", media);
        net.desk.write("call.enc.json", metadata.to_string());
        net.ends(0, "qvoice --config c.json -f -o call.wav call.enc");
        assert!(net.desk.read("call.wav").starts_with(b"RIFF"));
        if has("ffprobe") {
            let mut probe = net.desk.command("ffprobe");
            probe.args(["-v", "error", "call.wav"]);
            assert!(net.desk.done(probe).stderr.is_empty());
        }
    }
    // What was made with a key of which nobody knows whether it was taken.
    net.fake.fault(PUT, Fault::Reset, 1);
    net.fake.fault_after(GET, 1, Fault::Refuse(500), usize::MAX);
    on(&net, "--rotate --retries 0").ended(75, "lost");
    let (media, metadata) = net.fake.record_qvoice("call5eed02");
    net.desk.write("next.enc", media);
    net.desk.write("next.enc.json", metadata.to_string());
    net.ends(0, "qvoice --config c.json -o next.wav next.enc");
}
