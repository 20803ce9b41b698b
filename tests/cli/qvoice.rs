//! `unreel qvoice`: recordings in every layout, derivation and form that are tried, made by
//! Python and by Node.js; and everything that must not open.
//!
//! `cargo test` runs a part of the matrix; `cargo test --release --test cli qvoice:: -- --ignored
//! --nocapture` runs all of it and prints the counts of `docs/reliability.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::{
    assert_refused, contents, fixture, has, run_with, sha256, stderr, text, unreel,
};
use serde_json::{Value, json};

fn qvoice(config: &Path) -> Command {
    let mut command = unreel();
    command.arg("qvoice").arg("--config").arg(config);
    command
}

fn committed() -> Command {
    qvoice(&fixture("qvoice/config.json"))
}

fn cases(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("cases.list")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The lines of a run's `--json`, by recording.
fn lines(output: &Output) -> BTreeMap<String, Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect(line);
            (line["id"].as_str().unwrap_or_default().to_owned(), line)
        })
        .collect()
}

/// Runs a program that makes recordings; says so and returns `false` where it cannot run.
#[expect(clippy::print_stderr, reason = "a skipped test should be seen")]
fn made(program: &str, arguments: &[&str], probe: &[&str]) -> bool {
    let run = |arguments: &[&str]| Command::new(program).args(arguments).output();
    if !run(probe).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {program} {} does not run here", probe.join(" "));
        return false;
    }
    let output = run(arguments).unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    true
}

#[expect(clippy::print_stderr, reason = "counts for docs/reliability.md")]
fn say(what: &str) {
    eprintln!("{what}");
}

const FLAGS: [(&str, &str); 5] = [
    ("layout", "--layout"),
    ("kdf", "--kdf"),
    ("key_form", "--key-form"),
    ("salt_form", "--salt-form"),
    ("aad", "--aad"),
];

/// Three versions in one call, nothing pinned: every recording opens, and the report says how.
/// Then each layout and derivation with the report's flags.
#[test]
fn pythons_recordings_open_by_trying_and_by_flags() {
    let folder = tempfile::tempdir().unwrap();
    let (script, out) = (fixture("make_qvoice.py"), folder.path().join("in"));
    let arguments = [script.to_str().unwrap(), out.to_str().unwrap()];
    if !made("python3", &arguments, &["-c", "import cryptography"]) {
        return;
    }
    let cases = cases(&out);
    assert!(cases.len() > 100);
    let config = out.join("config.json");
    let media = |case: &Value| out.join(format!("{}.enc", text(case, "id")));
    let decrypted = folder.path().join("out");
    std::fs::create_dir(&decrypted).unwrap();
    let mut command = qvoice(&config);
    command
        .args(["--json", "--budget", "600", "-d"])
        .arg(&decrypted);
    let output = command.args(cases.iter().map(media)).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let lines = lines(&output);
    let files = contents(&decrypted);
    assert_eq!(files.len(), cases.len());
    let mut pinned: BTreeMap<&str, (&Value, &Value)> = BTreeMap::new();
    for case in &cases {
        let id = text(case, "id");
        let line = &lines[id];
        let with = &line["opened_with"];
        for field in [
            "version",
            "layout",
            "kdf",
            "key_form",
            "salt_form",
            "aad",
            "encoding",
        ] {
            assert_eq!(with[field], case[field], "{case}: {field}");
        }
        assert_eq!(line["integrity"], case["integrity"], "{case}");
        assert_eq!(line["wrap"], Value::Null, "{case}");
        assert_eq!(line["key_id"], "key_auto_5eed000000", "{case}");
        assert_eq!(line["bytes_out"], case["bytes"], "{case}");
        let file = &files[&format!("{id}.{}", text(case, "extension"))];
        assert_eq!(sha256(file), text(case, "sha256"), "{case}");
        for field in ["layout", "kdf", "key_form", "salt_form", "aad"] {
            pinned.insert(text(case, field), (case, with));
        }
    }
    for (case, with) in pinned.into_values() {
        let mut command = qvoice(&config);
        command.arg(media(case));
        for (field, flag) in FLAGS {
            command.arg(flag).arg(text(with, field));
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{case}\n{}", stderr(&output));
        assert_eq!(sha256(&output.stdout), text(case, "sha256"), "{case}");
    }
}

/// Every layout with every derivation, form of key and form of salt: by trying, three versions
/// in one call; then with every flag pinned.
#[test]
#[ignore = "takes minutes"]
fn the_whole_matrix_opens_by_trying_and_by_flags() {
    let folder = tempfile::tempdir().unwrap();
    let (script, out) = (fixture("make_qvoice.py"), folder.path().join("in"));
    let arguments = [script.to_str().unwrap(), "--full", out.to_str().unwrap()];
    if !made("python3", &arguments, &["-c", "import cryptography"]) {
        return;
    }
    let cases = cases(&out);
    assert!(cases.len() > 2500);
    let config = out.join("config.json");
    let media = |case: &&Value| out.join(format!("{}.enc", text(case, "id")));
    let decrypt = |flags: &[&str], cases: &[&Value]| {
        let into = tempfile::tempdir().unwrap();
        let mut command = qvoice(&config);
        command.args(flags).args(["--json", "-d"]).arg(into.path());
        let output = command.args(cases.iter().map(media)).output().unwrap();
        assert!(output.status.success(), "{flags:?}\n{}", stderr(&output));
        let files = contents(into.path());
        let lines = lines(&output);
        assert_eq!((files.len(), lines.len()), (cases.len(), cases.len()));
        for case in cases {
            let with = &lines[text(case, "id")]["opened_with"];
            for field in FLAGS.map(|(field, _)| field).iter().chain(&["version"]) {
                assert_eq!(with[field], case[field], "{case}: {field}");
            }
            let name = format!("{}.{}", text(case, "id"), text(case, "extension"));
            assert_eq!(sha256(&files[&name]), text(case, "sha256"), "{case}");
        }
    };
    // As many names as a command line has room for.
    let all: Vec<_> = cases.iter().collect();
    for some in all.chunks(1000) {
        decrypt(&["--budget", "600"], some);
    }
    let mut alike: BTreeMap<Vec<&str>, Vec<&Value>> = BTreeMap::new();
    for case in &cases {
        let flags = FLAGS.map(|(field, flag)| [flag, text(case, field)]);
        alike.entry(flags.concat()).or_default().push(case);
    }
    let calls = alike.len();
    for (flags, cases) in alike {
        decrypt(&flags, &cases);
    }
    say(&format!(
        "{} recordings opened by trying, and in {calls} calls with every flag pinned",
        cases.len()
    ));
}

/// 5 MB in every layout, MP3 and WAV: from a file to a file, and from a pipe to standard output.
/// Damaged, nothing comes out.
fn big_recordings(step: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (script, out) = (fixture("make_qvoice.py"), folder.path().join("in"));
    let arguments = [script.to_str().unwrap(), "--big", out.to_str().unwrap()];
    if !made("python3", &arguments, &["-c", "import cryptography"]) {
        return;
    }
    let failing = Failing::new();
    let made = failing.folder.path().join("made");
    for case in cases(&out).into_iter().step_by(step) {
        let media = out.join(format!("{}.enc", text(&case, "id")));
        let command = |input: &Path| {
            let mut command = qvoice(&out.join("config.json"));
            command.args(QUICK).arg("-m");
            command.arg(media.with_extension("json")).arg(input);
            command
        };
        let good = std::fs::read(&media).unwrap();
        assert!(good.len() > 5_000_000);
        let output = command(&media).arg("-fo").arg(&made).output().unwrap();
        assert!(output.status.success(), "{case}\n{}", stderr(&output));
        let file = std::fs::read(&made).unwrap();
        assert_eq!(sha256(&file), text(&case, "sha256"), "{case}");
        let output = run_with(command(Path::new("-")), &good);
        assert!(output.status.success(), "{case}\n{}", stderr(&output));
        assert!(output.stdout == file, "{case}");

        let is_cbc = text(&case, "integrity") == "structure";
        let mut middle = good.clone();
        middle[2_500_000] ^= 1;
        let mut last = good.clone();
        *last.last_mut().unwrap() ^= 1;
        let cut = good[..good.len() - 1000].to_vec();
        let (_, half) = good.split_at(good.len() / 2);
        for (what, bytes, code) in [
            ("middle", middle.as_slice(), 7),
            ("last byte", &last, 7),
            ("truncated", &cut, 7),
            ("without its beginning", half, 6),
        ] {
            // Without a tag, damage inside goes unseen.
            if is_cbc && what == "middle" {
                continue;
            }
            let damaged = failing.file("damaged.enc", bytes);
            failing.refuse(command(&damaged), code, &format!("{what}: {case}"));
            let output = run_with(command(Path::new("-")), bytes);
            assert_refused(&output, code, what);
            assert!(output.stdout.is_empty(), "{what}: {case}");
        }
    }
}

#[test]
fn big_recordings_open_whole_or_not_at_all() {
    big_recordings(3);
}

#[test]
#[ignore = "takes a while"]
fn big_recordings_of_every_layout_open_whole_or_not_at_all() {
    big_recordings(1);
}

/// Go's `gcm.Seal(nonce, nonce, plaintext, nil)` and the usual Node.js order, by Node's crypto.
#[test]
fn nodes_recordings_open() {
    const SCRIPT: &str = r#"
const crypto = require("crypto"), fs = require("fs"), path = require("path");
const [folder, key, salt] = process.argv.slice(1);
const frame = Buffer.alloc(288); frame.set([0xff, 0xf3, 0x88, 0xc0]);
const plain = Buffer.concat(Array(20).fill(frame));
fs.writeFileSync(path.join(folder, "plain"), plain);
const keys = {
  pbkdf2: crypto.pbkdf2Sync(key, salt, 10000, 32, "sha256"),
  scrypt: crypto.scryptSync(key, salt, 32),
  hash: crypto.createHash("sha256").update(key).digest(),
};
for (const [name, derived] of Object.entries(keys)) {
  const nonce = crypto.randomBytes(12);
  const gcm = crypto.createCipheriv("aes-256-gcm", derived, nonce);
  const body = Buffer.concat([gcm.update(plain), gcm.final()]);
  const tag = gcm.getAuthTag();
  fs.writeFileSync(path.join(folder, name + "-go.enc"), Buffer.concat([nonce, body, tag]));
  fs.writeFileSync(path.join(folder, name + "-node.enc"), Buffer.concat([nonce, tag, body]));
  const iv = crypto.randomBytes(16);
  const cbc = crypto.createCipheriv("aes-256-cbc", derived, iv);
  fs.writeFileSync(path.join(folder, name + "-cbc.enc"),
    Buffer.concat([iv, cbc.update(plain), cbc.final()]));
}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (key, salt) = ("node_key_of_more_than_32_characters!", "node salt");
    let arguments = ["-e", SCRIPT, path.to_str().unwrap(), key, salt];
    if !made("node", &arguments, &["--version"]) {
        return;
    }
    std::fs::write(path.join("key"), format!("{key}\n")).unwrap();
    std::fs::write(path.join("salt"), format!("{salt}\n")).unwrap();
    let plain = sha256(&std::fs::read(path.join("plain")).unwrap());
    for derivation in ["pbkdf2", "scrypt", "hash"] {
        for layout in ["go", "node", "cbc"] {
            let mut command = unreel();
            command
                .arg("qvoice")
                .arg("--key-file")
                .arg(path.join("key"));
            command.arg("--salt-file").arg(path.join("salt"));
            command.arg(path.join(format!("{derivation}-{layout}.enc")));
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", stderr(&output));
            assert_eq!(sha256(&output.stdout), plain, "{derivation} {layout}");
        }
    }
}

#[test]
fn fixtures_open_from_file_and_pipe() {
    let cases = cases(&fixture("qvoice"));
    assert_eq!(cases.len(), 4);
    for case in cases {
        let media = fixture(&format!("qvoice/{}.enc", text(&case, "id")));
        let metadata = media.with_extension("json");
        let mut command = committed();
        command.arg("-m").arg(&metadata).arg("-");
        let output = run_with(command, &std::fs::read(&media).unwrap());
        assert!(output.status.success(), "{case}\n{}", stderr(&output));
        assert_eq!(sha256(&output.stdout), text(&case, "sha256"), "{case}");
        assert!(stderr(&output).contains(&format!("--kdf {}", text(&case, "kdf"))));
        let output = committed().arg("--check").arg(&media).output().unwrap();
        assert!(output.status.success(), "{case}\n{}", stderr(&output));
    }
}

/// The only right key is one that was made, written down, and perhaps taken by the server. The
/// recordings' metadata names the version that it became, or there is none.
#[test]
fn recordings_open_with_what_is_pending() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    let all = std::fs::read(fixture("qvoice/config.json")).unwrap();
    let all: Value = serde_json::from_slice(&all).unwrap();
    let of = |version: u64| match version {
        3 => json!({"key": all["config"]["key"], "salt": all["config"]["salt"]}),
        old => {
            let part = |map: &str| all["config"][map][old.to_string()].clone();
            json!({"key": part("historical_keys"), "salt": part("historical_salts")})
        }
    };
    for case in cases(&fixture("qvoice")) {
        let version = case["version"].as_u64().unwrap();
        let media = fixture(&format!("qvoice/{}.enc", text(&case, "id")));
        let other = json!({
            "key": "k".repeat(40), "salt": "s", "key_version": version + 7,
            "pending": of(version),
        });
        for (known, with_metadata) in [
            (json!({"pending": of(version)}), true),
            (other.clone(), true),
            (other, false),
        ] {
            std::fs::write(&config, known.to_string()).unwrap();
            let alone = folder.path().join("alone.enc");
            std::fs::copy(&media, &alone).unwrap();
            let mut command = qvoice(&config);
            command.args(["--kdf", text(&case, "kdf")]);
            if with_metadata {
                command.arg("-m").arg(media.with_extension("json"));
            }
            let output = command.arg(&alone).output().unwrap();
            assert!(output.status.success(), "{case}\n{}", stderr(&output));
            assert_eq!(sha256(&output.stdout), text(&case, "sha256"), "{case}");
        }
        // What is known and cannot be used is not what is pending.
        let known = json!({
            "historical_keys": {version.to_string(): "short"}, "pending": of(version),
        });
        std::fs::write(&config, known.to_string()).unwrap();
        let output = qvoice(&config).arg(&media).output().unwrap();
        assert_refused(&output, 4, "a version that cannot be used");
        assert!(stderr(&output).contains("is 5 characters long"));
    }
}

#[test]
fn a_profile_is_written_once_and_then_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile.json");
    let run = |id: &str| {
        let mut command = committed();
        command.arg("--profile").arg(&profile).arg("--check");
        command.arg(fixture(&format!("qvoice/{id}.enc")));
        command.output().unwrap()
    };
    assert!(run("rec5eed0001").status.success());
    let written = std::fs::read_to_string(&profile).unwrap();
    assert!(written.contains("\"pbkdf2-sha256:100000\""));
    assert!(!written.contains("salt\":\"") && !written.contains("1a2b3c4d"));
    // The same way of encryption under another version; and another way.
    assert!(run("rec5eed0002").status.success());
    let other = run("rec5eed0003");
    assert_refused(&other, 6, "another derivation");
    assert!(stderr(&other).contains("only what the flags or the profile name was tried"));
    assert_eq!(std::fs::read_to_string(&profile).unwrap(), written);
    std::fs::write(&profile, "{}").unwrap();
    assert_refused(&run("rec5eed0001"), 2, "no profile");
}

/// What must fail, how, and that it leaves nothing.
struct Failing {
    folder: tempfile::TempDir,
}

impl Failing {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str, content: &[u8]) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn refuse(&self, mut command: Command, code: i32, what: &str) -> String {
        let out = self.folder.path().join("out");
        std::fs::create_dir_all(&out).unwrap();
        let output = command.arg("-o").arg(out.join("new")).output().unwrap();
        assert_refused(&output, code, what);
        assert!(contents(&out).is_empty(), "{what}");
        let said = stderr(&output);
        for secret in ["1a2b3c4d5e6f", "new_encryption_key", "bmV3X3NhbHR"] {
            assert!(!said.contains(secret), "{what}: {said}");
        }
        said
    }
}

/// Only one derivation, so that giving up takes no time.
const QUICK: [&str; 2] = ["--kdf", "sha256-key-salt"];

#[test]
fn wrong_keys_and_damage_are_told_apart_where_that_is_possible() {
    let failing = Failing::new();
    let good = std::fs::read(fixture("qvoice/rec5eed0003.enc")).unwrap();
    let metadata = fixture("qvoice/rec5eed0003.json");
    let pinned = |media: &Path| {
        let mut command = committed();
        command.args(QUICK).arg("-m").arg(&metadata).arg(media);
        command
    };
    let damaged = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        failing.file("damaged.enc", &bytes)
    };
    // In the content, in the tag, at the end: the beginning still shows the right key.
    for at in [4000, good.len() - 1] {
        failing.refuse(pinned(&damaged(at)), 7, "tampered");
    }
    let cut = failing.file("cut.enc", &good[..good.len() - 100]);
    failing.refuse(pinned(&cut), 7, "cut");
    // In the first block of content: what follows still shows it.
    failing.refuse(pinned(&damaged(14)), 7, "tampered at the beginning");
    // In the nonce: nothing is left.
    let said = failing.refuse(pinned(&damaged(3)), 6, "another nonce");
    assert!(
        said.contains("keys: 6, by 1 derivations from version 2"),
        "{said}"
    );
    assert!(
        said.contains("a wrong key and damage look the same"),
        "{said}"
    );
    let few = failing.file("few.enc", &good[..20]);
    failing.refuse(pinned(&few), 6, "too short for every layout");
    failing.refuse(pinned(&failing.file("few.enc", &good[..9])), 3, "too short");
    failing.refuse(pinned(&failing.file("empty.enc", b"")), 3, "empty");

    let media = fixture("qvoice/rec5eed0003.enc");
    let mut command = pinned(&media);
    command.args(["--key-version", "1"]);
    failing.refuse(command, 6, "wrong version");
    let single = |key: &[u8], salt: &[u8]| {
        let mut command = unreel();
        command
            .arg("qvoice")
            .args(QUICK)
            .arg(&media)
            .arg("--key-file");
        command.arg(failing.file("key", key)).arg("--salt-file");
        command.arg(failing.file("salt", salt));
        command
    };
    let key = b"new_encryption_key_plain_text_at_least_32_characters_long";
    failing.refuse(single(key, b"another salt"), 6, "wrong salt");
    failing.refuse(
        single(&[b'k'; 40], b"bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg=="),
        6,
        "wrong key",
    );
    failing.refuse(single(b"short", b"salt"), 5, "short key");
    failing.refuse(single(&[0xff; 40], b"salt"), 5, "a key that is no text");
    failing.refuse(single(key, b"default_salt"), 5, "insecure salt");
    let output = single(key, b"bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg==\n")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));

    let cbc = std::fs::read(fixture("qvoice/rec5eed0004.enc")).unwrap();
    let raw = |name: &str, bytes: &[u8]| {
        let mut command = committed();
        command
            .args(["--kdf", "raw", "-m"])
            .arg(fixture("qvoice/rec5eed0004.json"));
        command.arg(failing.file(name, bytes));
        command
    };
    failing.refuse(
        raw("cut.enc", &cbc[..cbc.len() - 16]),
        7,
        "a block is missing",
    );
    failing.refuse(raw("cut.enc", &cbc[..cbc.len() - 5]), 7, "not whole blocks");
    let mut proven = raw("whole.enc", &cbc);
    proven.arg("--require-integrity");
    failing.refuse(proven, 7, "nothing proves it");
}

#[test]
fn configurations_are_refused_with_the_guides_reasons() {
    let failing = Failing::new();
    let key = "1a2b3c4d5e6f7890abcdef1234567890abcdef1234567890abcdef1234567890";
    let media = fixture("qvoice/rec5eed0002.enc");
    let refuse = |config: Value, code: i32, reason: &str| {
        let path = failing.file("config.json", config.to_string().as_bytes());
        let mut command = qvoice(&path);
        command.arg(&media);
        let said = failing.refuse(command, code, reason);
        assert!(said.contains(reason), "{said}");
    };
    refuse(json!({"key": "too short"}), 4, "takes no key under 32");
    refuse(
        json!({"key": key, "salt": "default_salt"}),
        4,
        "insecure default value",
    );
    refuse(json!({"config": {}}), 4, "key is missing");
    refuse(
        json!({"key": key, "key_version": 2, "historical_keys": {"3": key}}),
        4,
        "historical_keys[3]",
    );
    // The recording is of version 1.
    let said = "is encrypted under version 1, and the configuration has the versions 2, 3";
    refuse(
        json!({"key": key, "key_version": 3, "historical_keys": {"2": key}}),
        4,
        said,
    );
    refuse(
        json!({"key": key, "key_version": 2, "historical_keys": {"1": "old"}}),
        4,
        "historical_keys[1] is 3 characters long",
    );
    let mut missing = qvoice(Path::new("/nowhere/config.json"));
    missing.arg(&media);
    failing.refuse(missing, 4, "no configuration");
    let mut missing = unreel();
    missing
        .args(["qvoice", "--key-file", "/nowhere/key"])
        .arg(&media);
    failing.refuse(missing, 5, "no key file");
}

#[test]
fn inspect_shows_a_configuration_without_its_secrets() {
    let config = fixture("qvoice/config.json");
    let output = unreel().arg("inspect").arg(&config).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let said = String::from_utf8(output.stdout).unwrap();
    let (first, rest) = said.split_once('\n').unwrap();
    assert!(
        first.ends_with("qvoice configuration  enabled  aes-256-gcm  key key_auto_5eed000000"),
        "{first}"
    );
    assert_eq!(
        rest,
        "  version 3  current  key and salt\n  version 2  key and salt\n  version 1  key and salt\n"
    );
    let output = unreel()
        .arg("inspect")
        .arg("--json")
        .arg(&config)
        .output()
        .unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["found"]["kind"], "configuration");
    assert_eq!(line["found"]["versions"][2]["version"], 1);
    let everything = said + &line.to_string();
    for secret in ["1a2b3c4d", "new_encryption", "KxY9", "bmV3"] {
        assert!(!everything.contains(secret));
    }
}

/// Each failure of a key, a version or a file: its exit code, what is said, and what to do.
#[test]
#[expect(clippy::too_many_lines, reason = "it is a list")]
fn each_failure_says_what_it_is_and_what_to_do() {
    const OLD: &str = "1a2b3c4d5e6f7890abcdef1234567890abcdef1234567890abcdef1234567890";
    const NEW: &str = "new_encryption_key_plain_text_at_least_32_characters_long";
    const SALT: &str = "bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg==";
    let failing = Failing::new();
    // Version 2, sha256-key-salt, the decoded salt.
    let media = fixture("qvoice/rec5eed0003.enc");
    let good = std::fs::read(&media).unwrap();
    let check = |command: Command, code: i32, said: &[&str]| {
        let all = failing.refuse(command, code, said[0]);
        for part in said {
            assert!(all.contains(part), "no `{part}` in\n{all}");
        }
    };
    let config = |config: Value, flags: &[&str]| {
        let path = failing.file("config.json", config.to_string().as_bytes());
        let mut command = qvoice(&path);
        command.args(QUICK).args(flags).arg(&media);
        command
    };
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        let path = failing.file("rec.enc", &bytes);
        let mut command = committed();
        command.args(QUICK).arg(path);
        command
    };
    let two = |key: &str, salt: &str| json!({"key": key, "salt": salt, "key_version": 2});

    let wrong = "hint: only what the flags or the profile name was tried: without them, everything is. Else the key or salt";
    check(
        config(two(&"k".repeat(40), SALT), &[]),
        6,
        &["nothing that was tried opens", wrong, "from version 2"],
    );
    check(
        config(two(NEW, "another salt"), &[]),
        6,
        &["nothing that was tried opens", wrong],
    );
    let mut command = committed();
    command.args(QUICK).args(["--key-version", "3"]).arg(&media);
    check(command, 6, &["from version 3", wrong]);
    let beginning =
        "its beginning is a recording with --layout nonce12-ct-tag16 --kdf sha256-key-salt";
    let tag = [
        "the authentication tag does not match",
        beginning,
        "see --aad",
        "hint: ",
    ];
    check(changed(|bytes| bytes[4000] ^= 1), 7, &tag);
    check(changed(|bytes| bytes.truncate(4000)), 7, &tag);
    check(
        changed(|bytes| bytes.truncate(20)),
        6,
        &["20 bytes cannot have", "hint: pass"],
    );

    let rule = "hint: Qvoice itself takes no such value";
    check(
        config(two("short", SALT), &[]),
        4,
        &[
            "key is 5 characters long, and Qvoice takes no key under 32",
            rule,
        ],
    );
    check(
        config(two(NEW, "default_salt"), &[]),
        4,
        &["salt is the insecure default value", rule],
    );
    check(
        config(two("default_encrypted_key", SALT), &[]),
        4,
        &["insecure default values that Qvoice rejects", rule],
    );
    let mut history = two(NEW, SALT);
    history["historical_keys"] = json!({"2": OLD});
    let again = "hint: fetch the configuration again";
    check(
        config(history.clone(), &[]),
        4,
        &[
            "key of key_version 2 and historical_keys[2] have different values",
            again,
        ],
    );
    history["historical_keys"] = json!({"3": OLD});
    check(
        config(history.clone(), &[]),
        4,
        &["key_version 2 and historical_keys[3]", again],
    );
    history["historical_keys"] = json!({"1": OLD});
    let exist = "and the configuration has the versions 1, 2";
    check(
        config(history.clone(), &["--key-version", "7"]),
        4,
        &["there is no version 7", exist, again],
    );
    let metadata = failing.file("seven.json", br#"{"version": 7}"#);
    let mut command = qvoice(&failing.file("config.json", history.to_string().as_bytes()));
    command.arg("-m").arg(&metadata).arg(&media);
    check(command, 4, &["is encrypted under version 7", exist, again]);
    // A version that cannot be used is not passed over in silence.
    let mut unusable = two(&"k".repeat(40), SALT);
    unusable["historical_keys"] = json!({"1": "old"});
    let input = failing.file("alone.enc", &good);
    let mut command = qvoice(&failing.file("config.json", unusable.to_string().as_bytes()));
    command.args(QUICK).arg(&input);
    check(
        command,
        6,
        &["version 1 was not tried: historical_keys[1] is 3 characters long"],
    );

    let flag = "hint: pass the recording's metadata with -m, or leave out the flag";
    let mut command = committed();
    command.args(["--layout", "ct-tag16"]).arg(&media);
    check(
        command,
        6,
        &[
            "the layout ct-tag16 needs a nonce or iv in the metadata, and there is none",
            flag,
        ],
    );
    // Encrypted under another key.
    let noise = fixture("twilio-voice/RE5eed0000000000000000000000000001.wav.enc");
    let mut command = committed();
    command.args(["--budget", "0"]).arg(&noise);
    check(
        command,
        6,
        &[
            "the time was over before everything was tried",
            "hint: give it more time with --budget",
        ],
    );
    let mut command = committed();
    command
        .args(["--budget", "18446744073709551615"])
        .arg(&noise);
    let said = stderr(&command.output().unwrap());
    assert!(
        said.contains("invalid value") && !said.contains("panicked"),
        "{said}"
    );
}

/// 48 MiB, found by trying, from a file and from a pipe.
#[test]
fn a_search_takes_little_memory() {
    use aes_gcm::aead::{Aead, KeyInit};
    if !has("time") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [key, media, measured] = ["key", "media", "rss"].map(|name| folder.path().join(name));
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    let gcm = aes_gcm::Aes256Gcm::new_from_slice(b"0123456789abcdef0123456789abcdef").unwrap();
    let frame = [&[0xff, 0xf3, 0x88, 0xc0][..], &[0; 284]].concat();
    let sealed = gcm.encrypt(&[1; 12].into(), frame.repeat(175_000).as_slice());
    std::fs::write(&media, [&[1; 12][..], &sealed.unwrap()].concat()).unwrap();
    for input in [media.to_str().unwrap(), "-"] {
        let mut command = Command::new("time");
        command.args(["-f", "%M", "-o"]).arg(&measured);
        command
            .arg(unreel().get_program())
            .args(["qvoice", "--key-file"]);
        command
            .arg(&key)
            .args(["--check", input])
            .env("TMPDIR", folder.path());
        let output = if input == "-" {
            run_with(command, &std::fs::read(&media).unwrap())
        } else {
            command.output().unwrap()
        };
        assert!(output.status.success(), "{}", stderr(&output));
        let most = std::fs::read_to_string(&measured).unwrap();
        let most: u64 = most.trim().parse().unwrap();
        assert!(most < 32 * 1024, "{input}: {most} KiB");
    }
}
