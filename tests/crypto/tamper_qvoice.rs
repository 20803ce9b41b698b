//! Qvoice's recordings, configurations and metadata that were changed, through the binary.
//!
//! Of AES-GCM nothing is accepted but by its tag. AES-CBC has none: what becomes of each is
//! counted and printed, and no more is claimed than was checked.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::common::changed::{others, pointers, put};
use crate::common::made::{self, Stage};
use crate::common::{self, Random, assert_refused, contents, fixture, sha256, stderr, unreel};
use serde_json::Value;

/// A recording in many forms, each in a file of its own.
struct Forms {
    folder: tempfile::TempDir,
    /// How many there are of each kind of change.
    counts: BTreeMap<String, usize>,
}

impl Forms {
    /// Cut to each length and each byte changed, in steps; longer by up to 64 bytes; each bit of `bits`.
    fn of(recording: &[u8], step: usize, bits: std::ops::Range<usize>) -> Self {
        let folder = tempfile::TempDir::new_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let mut forms = Self {
            folder: folder.unwrap(),
            counts: BTreeMap::new(),
        };
        for name in ["in", "out"] {
            std::fs::create_dir(forms.path(name)).unwrap();
        }
        let mut random = Random(1);
        for length in (0..recording.len()).step_by(step) {
            forms.put("cut", &recording[..length]);
            let mut changed = recording.to_vec();
            changed[length] ^= u8::try_from(random.below(255) + 1).unwrap();
            forms.put("changed", &changed);
        }
        let extra = random.bytes(64);
        for count in 1..=extra.len() {
            forms.put("longer", &[recording, &extra[..count]].concat());
        }
        for bit in 8 * bits.start..8 * bits.end {
            let mut changed = recording.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            forms.put("bit", &changed);
        }
        forms
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn put(&mut self, kind: &str, bytes: &[u8]) {
        let count = self.counts.entry(kind.to_owned()).or_default();
        let name = format!("in/{kind}-{count}.enc");
        *count += 1;
        std::fs::write(self.path(&name), bytes).unwrap();
    }

    /// Decrypts all of them in one run. Returns the report's lines by kind of change.
    fn run(&self, mut command: Command) -> BTreeMap<String, Vec<Value>> {
        command.current_dir(self.folder.path());
        command.args(["--json", "--sha256", "-q", "-d", "out"]);
        for (kind, count) in &self.counts {
            command.args((0..*count).map(|number| format!("in/{kind}-{number}.enc")));
        }
        let output = command.output().unwrap();
        assert_refused(&output, 10, "some of them");
        let mut lines = BTreeMap::<_, Vec<_>>::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let input = line["input"].as_str().unwrap();
            let kind = input.trim_start_matches("in/").split('-').next().unwrap();
            lines.entry(kind.to_owned()).or_default().push(line);
        }
        for (kind, count) in &self.counts {
            assert_eq!(lines[kind].len(), *count, "{kind}");
        }
        lines
    }
}

/// The exit code of a recording that was refused, and what was said of it.
fn refusal(line: &Value) -> (u64, String) {
    let error = &line["error"];
    let input = line["input"].as_str().unwrap();
    let said = [&error["message"], &error["hint"]].map(|text| text.as_str().unwrap());
    let said = said.join("; ").replace(input, "INPUT");
    (error["exit"].as_u64().unwrap(), said)
}

#[test]
fn gcm_is_accepted_by_its_tag_only() {
    let stage = Stage::qvoice(1024 - 28);
    let recording = stage.ciphertext();
    assert_eq!(recording.len(), 1024);
    let forms = Forms::of(&recording, 1, 1008..1024);
    for flags in [&["--layout", "nonce12-ct-tag16"][..], &[]] {
        let mut command = stage.unreel();
        command.args(flags);
        let mut said = BTreeMap::<_, BTreeSet<_>>::new();
        for (kind, lines) in forms.run(command) {
            let mut codes = BTreeMap::<_, usize>::new();
            for line in &lines {
                assert_eq!(line["ok"], false, "{line}");
                assert_eq!(line["output"], Value::Null, "{line}");
                let (code, text) = refusal(line);
                *codes.entry(code).or_default() += 1;
                said.entry(code).or_default().insert(text);
            }
            println!("GCM, {kind}: {codes:?}");
        }
        assert!(contents(&forms.path("out")).is_empty());
        // One text for what is wrong in the same way; another for what is too short for a layout.
        assert_eq!(said[&6].len(), 2, "{said:?}");
        assert_eq!(said[&7].len(), 1, "{said:?}");
        assert!(said.keys().all(|code| [3, 6, 7].contains(code)), "{said:?}");
    }
}

#[test]
fn cbc_is_never_said_to_be_more_than_of_good_structure() {
    let recording = std::fs::read(fixture("qvoice/rec5eed0004.enc")).unwrap();
    let length = recording.len();
    let forms = Forms::of(&recording, 3, length - 32..length);
    let mut command = unreel();
    command
        .args(["qvoice", "--kdf", "raw", "--key-form", "hex"])
        .args(["--layout", "iv16-ct", "--key-version", "1", "--config"])
        .arg(fixture("qvoice/config.json"));
    let whole = "cc9513ed1c9d05d0b5dcd3ed1769973c1809a957ff473786bfcc380a14023279";
    for (kind, lines) in forms.run(command) {
        let mut outcomes = BTreeMap::<_, usize>::new();
        for line in lines {
            let outcome = if line["ok"] == true {
                assert_eq!(line["integrity"], "structure", "{line}");
                assert_ne!(line["sha256"], whole, "{line}");
                "accepted, as `structure`".to_owned()
            } else {
                format!("exit code {}", refusal(&line).0)
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
        println!("CBC, {kind}: {outcomes:?}");
    }
}

/// Every field left out, and put to other values. Either it is refused, with a hint and no output,
/// or the field does not matter and the output is right.
#[test]
fn no_changed_metadata_gives_another_plaintext() {
    let folder = tempfile::tempdir().unwrap();
    let altered = folder.path().join("altered.json");
    let (config, metadata) = (
        fixture("qvoice/config.json"),
        fixture("qvoice/rec5eed0003.json"),
    );
    let digest = "7af4259930cb9a1de436a9c74d226106409f8af06e313fb233b3fc90587462cb";
    for (name, config, metadata) in [
        (&config, &altered, &metadata),
        (&metadata, &config, &altered),
    ] {
        let document: Value = serde_json::from_slice(&std::fs::read(name).unwrap()).unwrap();
        let (mut refused, mut same) = (BTreeMap::<_, usize>::new(), 0);
        for pointer in pointers(&document) {
            for other in others(document.pointer(&pointer).unwrap()) {
                let what = format!("{pointer}: {other:?}");
                let mut document = document.clone();
                put(&mut document, &pointer, other);
                std::fs::write(&altered, document.to_string()).unwrap();
                let output = run(config, metadata);
                let code = output.status.code().unwrap();
                if code == 0 {
                    assert_eq!(sha256(&output.stdout), digest, "{what}");
                    same += 1;
                } else {
                    assert!([4, 6, 7].contains(&code), "{what}\n{}", stderr(&output));
                    assert_refused(&output, code, &what);
                    assert!(output.stdout.is_empty(), "{what}");
                    *refused.entry(code).or_default() += 1;
                }
            }
        }
        let name = name.file_name().unwrap().to_string_lossy();
        println!("{name}, a field changed: refused by exit code {refused:?}; {same} harmless");
    }
}

fn run(config: &Path, metadata: &Path) -> std::process::Output {
    let mut command = unreel();
    command.args(["qvoice", "--kdf", "sha256-key-salt", "--config"]);
    command.arg(config).arg("-m").arg(metadata);
    command.arg(fixture("qvoice/rec5eed0003.enc"));
    made::run(command)
}

#[test]
fn what_its_files_say_reaches_nobody_raw() {
    let hostile = "x\u{1b}[2J\u{202e}\u{200b}\r\n../../y";
    let folder = tempfile::tempdir().unwrap();
    let altered = folder.path().join("altered.json");
    let (config, metadata) = (
        fixture("qvoice/config.json"),
        fixture("qvoice/rec5eed0003.json"),
    );
    let of =
        |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    for (field, accepted) in [
        ("recording_id", true),
        ("key_id", true),
        ("algorithm", false),
    ] {
        let mut document = of(&metadata);
        document[field] = hostile.into();
        std::fs::write(&altered, document.to_string()).unwrap();
        let out = folder.path().join(field);
        std::fs::create_dir(&out).unwrap();
        let mut command = unreel();
        command.args([
            "qvoice",
            "-v",
            "--kdf",
            "sha256-key-salt",
            "--json",
            "--config",
        ]);
        command
            .arg(&config)
            .arg("-m")
            .arg(&altered)
            .arg("-d")
            .arg(&out);
        command.arg(fixture("qvoice/rec5eed0003.enc"));
        let output = made::run(command);
        assert_eq!(output.status.success(), accepted, "{}", stderr(&output));
        common::assert_harmless(&stderr(&output));
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!(line.lines().count(), 1, "{line:?}");
        common::assert_harmless(&line);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["ok"], accepted);
        let files = contents(&out);
        assert_eq!(files.len(), usize::from(accepted));
        assert!(files.keys().all(|name| !name.contains(char::is_control)));
    }
    for field in [
        "key_id",
        "algorithm",
        "key_version",
        "historical_keys",
        "enabled",
    ] {
        let mut document = of(&config);
        document["config"][field] = hostile.into();
        std::fs::write(&altered, document.to_string()).unwrap();
        let output = run(&altered, &metadata);
        common::assert_harmless(&stderr(&output));
        for flags in [&["inspect"][..], &["inspect", "--json"]] {
            let mut command = unreel();
            command.args(flags).arg(&altered);
            let output = made::run(command);
            common::assert_harmless(&stderr(&output));
            common::assert_harmless(&String::from_utf8(output.stdout).unwrap());
        }
    }
    for text in [
        hostile.to_owned(),
        format!("{{\"layout\": {:?}}}", "x\\u001b[2J"),
    ] {
        std::fs::write(&altered, text).unwrap();
        let mut command = unreel();
        command
            .args(["qvoice", "--config"])
            .arg(&config)
            .arg("--profile");
        command
            .arg(&altered)
            .arg("--check")
            .arg(fixture("qvoice/rec5eed0003.enc"));
        assert_refused(&made::run(command), 2, "a hostile profile");
    }
}
