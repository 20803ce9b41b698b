//! The audit log: who was given what, who was not, and what went out.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::made::wait_for;
use crate::common::{sha256, stderr};
use crate::connection::Connection;
use crate::fake::{FlexUser, flex_token, send};
use crate::link::{self, NEW, claims, signed};
use crate::scene::{CALL, LONG, MONO, Scene, Served, UNKNOWN, authorization};

/// Whether each line says what the one before was.
fn is_whole(text: &[u8]) -> bool {
    let mut prev = "0".repeat(64);
    let lines = text
        .strip_suffix(b"\n")
        .unwrap_or(text)
        .split(|byte| *byte == b'\n');
    (1..).zip(lines).all(|(seq, line)| {
        let value: Value = serde_json::from_slice(line).unwrap();
        let is_next = value["prev"] == prev && value["seq"] == seq && value["schema"] == 1;
        prev = sha256(line);
        is_next
    })
}

fn verify(scene: &Scene, name: &str) -> std::process::Output {
    let command = scene.desk.unreel(&format!("serve verify-audit {name}"));
    let mut command: Command = command;
    command.output().unwrap()
}

fn events(log: &[Value]) -> Vec<&str> {
    log.iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect()
}

/// Event, recording, identity, range, bytes, status, reason, where `""` and -1 stand for nothing.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i64,
    u16,
    &'static str,
);

const ANNA: &str = "anna_40example_2Dcom";
const GUEST: &str = "gast_40example_2Dcom";

/// What the test below comes to, of a recording of that length.
#[rustfmt::skip]
fn rows(length: i64) -> [Row; 12] {
    [
        ("grant", CALL, ANNA, "", -1, 200, ""),
        ("play", CALL, ANNA, "bytes=0-99", 100, 206, ""),
        ("play", CALL, ANNA, "bytes=50-", length - 50, 206, ""),
        ("complete", CALL, ANNA, "", length, 206, ""),
        ("play", CALL, ANNA, "bytes=9-5", length, 200, ""),
        ("play", CALL, ANNA, "bytes=99999999-", 0, 416, ""),
        ("play", CALL, ANNA, "bytes=0-0,5-9", length, 200, ""),
        ("deny", CALL, GUEST, "", -1, 403, "role"),
        ("deny", UNKNOWN, ANNA, "", -1, 404, "unknown recording"),
        ("deny", "", ANNA, "", -1, 404, "unknown recording"),
        ("deny", CALL, "", "", -1, 401, "no token"),
        ("deny", CALL, "", "", -1, 401, "invalid token"),
    ]
}

#[test]
fn it_says_who_heard_what_in_order() {
    let scene = Scene::new();
    scene.fake.add_flex_token(
        &flex_token("gast"),
        FlexUser::agent("gast").with_roles(&["agent", "guest"]),
    );
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let agent = "User-Agent: Mozilla/5.0 \u{9b}\"x\"";
    let path = format!("/sec_rec?recording={CALL}");
    let got = served.get(&path, &[&authorization("anna"), agent]);
    let url = got.json()["media_url"].as_str().unwrap().to_owned();
    let media = url.strip_prefix(&served.base).unwrap();
    let lines = |count: usize| {
        wait_for("line", || {
            let log = String::from_utf8(scene.desk.read("log.jsonl")).unwrap();
            log.lines().count() >= count
        });
    };
    lines(1);
    let length = scene.plaintext(CALL).len();
    for (count, headers, status) in [
        (2, &["Range: bytes=0-99"][..], "206"),
        (3, &["Range: bytes=50-"], "206"),
        (5, &["Range: bytes=9-5"], "200"),
        (6, &["Range: bytes=99999999-"], "416"),
        (7, &["Range: bytes=0-0,5-9"], "200"),
    ] {
        assert_eq!(served.get(media, headers).status(), status);
        lines(count);
    }
    assert_eq!(served.send("HEAD", media, &[]).status(), "200");
    served.get(&path, &[&authorization("gast")]);
    served.ask("anna", UNKNOWN);
    served.ask("anna", "x/../y");
    served.get(&path, &[]);
    served.get(&path, &[&authorization("nobody")]);
    served.stop();

    let text = scene.desk.read("log.jsonl");
    assert!(is_whole(&text));
    let log = scene.log("log.jsonl");
    let expected = rows(i64::try_from(length).unwrap());
    // `complete` comes with the play that made it so.
    assert_eq!(events(&log), expected.each_ref().map(|row| row.0));
    for (line, (event, recording, identity, range, bytes, status, reason)) in
        log.iter().zip(expected)
    {
        let text = |text: &str| match text {
            "" => Value::Null,
            text => json!(text),
        };
        let bytes = if bytes < 0 { Value::Null } else { json!(bytes) };
        for (name, value) in [
            ("recording", text(recording)),
            ("identity", text(identity)),
            ("range", text(range)),
            ("bytes", bytes),
            ("status", json!(status)),
            ("reason", text(reason)),
            ("address", json!("127.0.0.1")),
        ] {
            assert_eq!(line[name], value, "{name} of {event}: {line}");
        }
        let time = line["time"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok());
    }
    let grant = &log[0];
    assert_eq!(grant["roles"], json!(["agent"]));
    assert_eq!(grant["realm_user_id"], "anna@example.com");
    assert_eq!(grant["worker_sid"], "WK5eed0000000000000000000000000001");
    assert_eq!(grant["user_agent"], "Mozilla/5.0 \u{9b}\"x\"");
    assert!(
        !text.contains(&0x9b) || !String::from_utf8_lossy(&text).contains('\u{9b}'),
        "escaped"
    );
    let output = verify(&scene, "log.jsonl");
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    let last = text.split(|byte| *byte == b'\n').nth_back(1).unwrap();
    assert!(
        said.contains("12") && said.contains(&sha256(last)),
        "{said}"
    );
}

#[test]
fn what_a_client_that_goes_away_did_not_take_is_not_counted() {
    let scene = Scene::new();
    let length = scene.add_long(6 << 20).len();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let mut connection = Connection::to(served.address());
    connection.begin("GET", &link::path("media", LONG), &[]);
    let mut taken = 0;
    while taken < 300_000 {
        taken += connection.some(50_000).len();
    }
    drop(connection);
    wait_for("line", || scene.desk.read("log.jsonl").ends_with(b"\n"));
    served.stop();
    let log = scene.log("log.jsonl");
    assert_eq!(events(&log), ["play"]);
    let bytes = usize::try_from(log[0]["bytes"].as_u64().unwrap()).unwrap();
    assert!(taken <= bytes && bytes < length, "{taken} {bytes} {length}");
}

#[test]
fn a_recording_is_complete_once_a_token() {
    let scene = Scene::new();
    let length = scene.plaintext(MONO).len();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let first = link::path("media", MONO);
    let mut claims = claims("media", MONO);
    claims["who"] = json!("another");
    let second = format!("/media/{}", signed(&claims, NEW));
    let middle = length / 2;
    let parts = [
        format!("Range: bytes={middle}-"),
        format!("Range: bytes=0-{}", middle - 1),
    ];
    for (path, range) in [
        (&first, &parts[0]),
        (&second, &parts[0]),
        (&first, &parts[0]),
    ] {
        served.get(path, &[range]);
    }
    wait_for("three lines", || scene.log("log.jsonl").len() == 3);
    for path in [&first, &second, &first, &first] {
        served.get(path, &[&parts[1]]);
    }
    served.get(&first, &[]);
    served.stop();
    let log = scene.log("log.jsonl");
    let complete = log.iter().filter(|line| line["event"] == "complete");
    let mut who: Vec<_> = complete
        .map(|line| line["identity"].as_str().unwrap())
        .collect();
    who.sort_unstable();
    assert_eq!(who, ["another", "somebody"]);
    assert_eq!(
        events(&log)
            .iter()
            .filter(|event| **event == "play")
            .count(),
        8
    );
}

#[test]
fn a_link_of_the_command_is_granted_when_it_is_used_first() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let mut command = scene.desk.unreel(&format!("serve link {MONO} --config serve.toml --for auditor@example.com --public-url http://localhost"));
    command.envs(scene.fake.twilio_env());
    let output = scene.desk.done(command);
    let said = String::from_utf8(output.stdout).unwrap();
    let start = said.find("/listen/").expect("a link");
    let path = said[start..].split_whitespace().next().unwrap();
    let before = scene.desk.read("log.jsonl");
    assert_eq!(before, b"", "the command writes no log");
    std::thread::scope(|threads| {
        for _ in 0..20 {
            threads.spawn(|| assert_eq!(served.get(path, &[]).status(), "200"));
        }
    });
    served.stop();
    let log = scene.log("log.jsonl");
    assert_eq!(events(&log), ["grant"]);
    assert_eq!(log[0]["identity"], "auditor@example.com");
    assert_eq!(log[0]["recording"], MONO);
}

#[test]
fn strangers_cannot_fill_it() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    for _ in 0..25 {
        assert_eq!(served.ask("nobody", CALL).status(), "401");
    }
    // Those of somebody who is known are all there.
    for _ in 0..12 {
        assert_eq!(served.ask("anna", UNKNOWN).status(), "404");
    }
    served.stop();
    let log = scene.log("log.jsonl");
    let of = |status: u16| log.iter().filter(|line| line["status"] == status).count();
    assert_eq!((of(401), of(404), log.len()), (10, 12, 23));
    let last = log.last().unwrap();
    assert_eq!(
        (&last["event"], &last["count"], &last["address"]),
        (&json!("deny"), &json!(15), &json!("127.0.0.1"))
    );
    assert!(is_whole(&scene.desk.read("log.jsonl")));
}

#[test]
fn it_has_one_writer() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    served.ask("anna", CALL);
    let output = scene
        .command(&["--audit-log", "log.jsonl"])
        .output()
        .unwrap();
    crate::common::assert_refused(&output, 8, "a second process");
    assert_eq!(
        verify(&scene, "log.jsonl").status.code(),
        Some(0),
        "whoever reads is not in the way"
    );
    assert_eq!(served.ask("anna", CALL).status(), "200");
    served.stop();
    scene.serve(&["--audit-log", "log.jsonl"]).stop();
}

#[test]
fn what_was_altered_in_it_is_found_and_named() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    for _ in 0..6 {
        served.ask("anna", CALL);
    }
    served.stop();
    let good = String::from_utf8(scene.desk.read("log.jsonl")).unwrap();
    let lines: Vec<_> = good.lines().collect();
    let join = |lines: Vec<&str>| lines.join("\n") + "\n";
    let altered = lines[2].replace("anna_40", "otto_40");
    for (what, text, line) in [
        (
            "a word",
            join(vec![
                lines[0], lines[1], &altered, lines[3], lines[4], lines[5],
            ]),
            4,
        ),
        (
            "a line less",
            join(vec![lines[0], lines[1], lines[3], lines[4], lines[5]]),
            3,
        ),
        (
            "two exchanged",
            join(vec![lines[0], lines[2], lines[1], lines[3]]),
            2,
        ),
        ("a line twice", join(vec![lines[0], lines[0], lines[1]]), 2),
        ("without the first", join(lines[1..].to_vec()), 1),
        ("another text", good.replacen('\n', "\nhello\n", 1), 2),
        ("an empty line", good.replacen('\n', "\n\n", 1), 2),
        (
            "cut within",
            join(vec![lines[0], &lines[1][..50], lines[2]]),
            2,
        ),
    ] {
        scene.desk.write("bad.jsonl", &text);
        let output = verify(&scene, "bad.jsonl");
        crate::common::assert_refused(&output, 7, what);
        let said = stderr(&output);
        assert!(said.contains(&format!("line {line}")), "{what}: {said}");
        let output = scene
            .command(&["--audit-log", "bad.jsonl"])
            .output()
            .unwrap();
        assert!(
            matches!(output.status.code(), Some(7 | 8)),
            "{what}: {}",
            stderr(&output)
        );
        assert_eq!(
            scene.desk.read("bad.jsonl"),
            text.as_bytes(),
            "{what}: it is left alone"
        );
    }
    assert_eq!(verify(&scene, "missing.jsonl").status.code(), Some(3));
}

#[test]
fn it_goes_on_in_a_new_file() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let rename = |to: &str| fs::rename(scene.desk.path("log.jsonl"), scene.desk.path(to)).unwrap();
    served.ask("anna", CALL);
    served.ask("anna", MONO);
    rename("log.1");
    served.ask("anna", CALL);
    served.reload();
    served.ask("anna", MONO);
    // Where a file of somebody else's is in the way, it stays where it is.
    rename("log.2");
    scene.desk.write("log.jsonl", "something else\n");
    served.reload();
    served.ask("anna", CALL);
    let said = served.stop();
    assert!(said.contains("kept the audit log as before"), "{said}");
    let old = scene.desk.read("log.1");
    assert!(is_whole(&old));
    assert_eq!(events(&scene.log("log.1")), ["grant"; 3]);
    let new = scene.log("log.2");
    assert_eq!(events(&new), ["rotated", "grant", "grant"]);
    let last = old.split(|byte| *byte == b'\n').nth_back(1).unwrap();
    assert_eq!(
        (&new[0]["prev"], &new[0]["seq"]),
        (&json!(sha256(last)), &json!(4))
    );
    assert_eq!(scene.desk.read("log.jsonl"), b"something else\n");
    for name in ["log.1", "log.2"] {
        let output = verify(&scene, name);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
    }
}

/// A server whose files may not be longer than so many KiB.
fn limited(scene: &Scene, kibibytes: u32, arguments: &[&str]) -> Served {
    let mut command = scene.desk.bash(&format!(
        "ulimit -f {kibibytes}; exec \"$UNREEL\" serve --config serve.toml \"$@\""
    ));
    command
        .arg("bash")
        .args(arguments)
        .envs(scene.fake.twilio_env());
    Served::start(command)
}

#[test]
fn where_it_cannot_be_written_nobody_hears_unless_that_is_wanted() {
    let scene = Scene::new();
    let served = limited(&scene, 40, &["--audit-log", "log.jsonl"]);
    let media = link::path("media", MONO);
    let mut grants = 0;
    let got = loop {
        let got = served.ask("anna", CALL);
        if got.status() != "200" {
            break got;
        }
        grants += 1;
        assert!(grants < 1000, "it is never full");
    };
    assert_eq!(
        (got.status(), got.header("retry-after").is_some()),
        ("503", true)
    );
    let account = crate::fake::ACCOUNT;
    let api = format!("/2010-04-01/Accounts/{account}/Recordings/{MONO}");
    for (path, header) in [(media.as_str(), "X: y"), (&api, &authorization("anna"))] {
        let got = served.get(path, &[header]);
        assert_eq!(
            (got.status(), got.header("retry-after").is_some()),
            ("503", true),
            "{path}"
        );
    }
    let ready = send("GET", &format!("{}/readyz", served.admin), &[], b"");
    assert_eq!(ready.status(), "503");
    assert_eq!(
        served.ask("nobody", CALL).status(),
        "401",
        "it is denied all the same"
    );
    assert!(served.metric("audit_errors_total") > 0);
    // There is room again.
    fs::rename(scene.desk.path("log.jsonl"), scene.desk.path("log.1")).unwrap();
    served.reload();
    assert_eq!(served.get(&media, &[]).status(), "200");
    served.stop();
    let text = scene.desk.read("log.1");
    assert!(is_whole(&text));
    let log = scene.log("log.1");
    let written = log.iter().filter(|line| line["event"] == "grant").count();
    assert_eq!(
        written, grants,
        "each grant that was answered, and none else"
    );

    let served = limited(
        &scene,
        8,
        &["--audit-log", "other.jsonl", "--audit-optional"],
    );
    for _ in 0..40 {
        assert_eq!(served.ask("anna", CALL).status(), "200");
        assert_eq!(served.get(&media, &[]).status(), "200");
    }
    assert!(served.metric("audit_errors_total") > 0);
    served.stop();
    assert_eq!(verify(&scene, "other.jsonl").status.code(), Some(0));
}

#[test]
fn no_secret_is_in_it_or_is_said() {
    for format in ["text", "json"] {
        no_secret_is_in_it_or_is_said_as(format);
    }
}

fn no_secret_is_in_it_or_is_said_as(format: &str) {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl", "-vvv", "--log-format", format]);
    let link = served.link(CALL);
    let token = link
        .trim_start_matches("/media/")
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    served.get(&link, &[]);
    served.get(
        &link,
        &[
            "Range: bytes=0-9",
            &format!("Referer: {}{link}", served.base),
        ],
    );
    served.get(&link::path("listen", CALL), &[]);
    served.get(&format!("/media/{token}x"), &[]);
    served.get(
        &format!("/sec_rec?recording={CALL}&recording={}", flex_token("anna")),
        &[&authorization("anna")],
    );
    served.ask("nobody", CALL);
    scene
        .fake
        .fault("Tokens/validate", crate::fake::Fault::Garbage, 2);
    served.ask("somebody", CALL);
    served.reload();
    let metrics = served.metrics();
    let said = served.stop();
    let log = String::from_utf8(scene.desk.read("log.jsonl")).unwrap();
    let parts: Vec<_> = token.split('.').collect();
    let key = String::from_utf8(scene.desk.read("key.pem")).unwrap();
    for (what, text) in [("log", log), ("stderr", said), ("metrics", metrics)] {
        for secret in [
            parts[2],
            parts[3],
            "flex-token-5eed10",
            crate::fake::API_SECRET,
            "BwcHBwcHBwcH",
            authorization("anna")
                .strip_prefix("Authorization: Basic ")
                .unwrap(),
            key.lines().nth(3).unwrap(),
        ] {
            assert!(!text.contains(secret), "{secret} in {what}: {text}");
        }
    }
}
