//! Every recording of the fixtures, on every way in and out, and every failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test"
)]

use crate::common::{
    assert_refused, command_for, contents, fixture, list, run_with, sha256, stderr, text, unreel,
};
use serde_json::Value;

/// How many cases there are at least: an empty list must not pass.
const CASES: usize = 50;
const FAILURES: usize = 87;
const KEYS: usize = 38;

#[test]
fn every_recording_decrypts_to_its_digest_into_a_folder_with_its_report() {
    let cases = list("cases");
    assert!(cases.len() >= CASES);
    for case in cases {
        let what = text(&case, "name");
        let folder = tempfile::tempdir().unwrap();
        let mut command = command_for(&case);
        command.arg(fixture(text(&case, "media")));
        command.arg("--json").arg("-d").arg(folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{what}\n{}", stderr(&output));

        let line: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
        assert_eq!(line["ok"], true, "{what}");
        assert_eq!(line["integrity"], case["integrity_expected"], "{what}");
        assert_eq!(line["bytes_out"], case["bytes"], "{what}");
        let files = contents(folder.path());
        let (name, bytes) = files.iter().next().expect("one file");
        assert_eq!(files.len(), 1, "{what}");
        assert_eq!(sha256(bytes), text(&case, "sha256"), "{what}");
        let extension = format!(".{}", text(&case, "output_extension"));
        assert!(name.ends_with(&extension), "{what}: {name}");
        assert_eq!(
            line["output"],
            folder.path().join(name).to_str().unwrap(),
            "{what}"
        );
        for field in ["channels", "sample_rate"] {
            if !case[field].is_null() {
                assert_eq!(line["media"][field], case[field], "{what}: {field}");
            }
        }
        if let Some(expected) = case["duration_s"].as_f64() {
            let found = line["media"]["duration_s"]
                .as_f64()
                .unwrap_or_else(|| panic!("{what}"));
            assert!((found - expected).abs() <= 0.1, "{what}: {found} s");
        }
    }
}

#[test]
fn every_recording_decrypts_from_file_and_pipe_to_file_and_pipe() {
    for case in list("cases") {
        let what = text(&case, "name");
        let media = fixture(text(&case, "media"));
        let ciphertext = std::fs::read(&media).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let digest = text(&case, "sha256");
        // Lists are for inputs that have a name.
        let named_only = text(&case, "metadata").contains("list");

        let mut command = command_for(&case);
        command.arg(&media);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{what}\n{}", stderr(&output));
        assert_eq!(sha256(&output.stdout), digest, "{what}: file to stdout");
        if named_only {
            continue;
        }

        let mut command = command_for(&case);
        command.arg("-");
        let output = run_with(command, &ciphertext);
        assert!(output.status.success(), "{what}\n{}", stderr(&output));
        assert_eq!(sha256(&output.stdout), digest, "{what}: pipe to stdout");

        let mut command = command_for(&case);
        command.arg("-o").arg(folder.path().join("out"));
        let output = run_with(command, &ciphertext);
        assert!(output.status.success(), "{what}\n{}", stderr(&output));
        let files = contents(folder.path());
        assert_eq!(files.keys().collect::<Vec<_>>(), ["out"], "{what}");
        assert_eq!(sha256(&files["out"]), digest, "{what}: pipe to file");
    }
}

#[test]
fn check_and_stream_unverified_agree_with_the_rest() {
    for case in list("cases") {
        let what = text(&case, "name");
        let media = fixture(text(&case, "media"));
        let mut command = command_for(&case);
        command.args(["--check", "--json", "--sha256"]).arg(&media);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{what}\n{}", stderr(&output));
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(line["sha256"], case["sha256"], "{what}");
        assert_eq!(line["integrity"], case["integrity_expected"], "{what}");
        assert!(line["output"].is_null(), "{what}");

        let mut command = command_for(&case);
        command.args(["--check", "--json"]).arg(&media);
        let quick: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        for field in ["integrity", "bytes_in", "bytes_out", "media"] {
            assert_eq!(quick[field], line[field], "{what}: {field}");
        }

        let mut command = command_for(&case);
        command.arg("--stream-unverified").arg(&media);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{what}\n{}", stderr(&output));
        assert_eq!(sha256(&output.stdout), text(&case, "sha256"), "{what}");
    }
}

/// `openssl enc -d -nopad` decides what `keep` has to give.
#[test]
fn vonage_padding_keep_is_what_nopad_leaves() {
    let mut seen = 0;
    for case in list("cases") {
        let Some(digest) = case["sha256_keep"].as_str() else {
            continue;
        };
        let mut command = command_for(&case);
        command
            .arg("--padding=keep")
            .arg(fixture(text(&case, "media")));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{case}\n{}", stderr(&output));
        assert_eq!(sha256(&output.stdout), digest, "{case}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn every_failure_has_its_code_and_a_hint_and_leaves_the_folder_as_it_was() {
    let failures = list("failures");
    assert!(failures.len() >= FAILURES);
    for case in failures {
        let what = text(&case, "name");
        let code = i32::try_from(case["exit"].as_i64().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("old.wav");
        std::fs::write(&old, "precious").unwrap();
        let media = folder
            .path()
            .join(fixture(text(&case, "media")).file_name().unwrap());
        let ciphertext = mutated(&case);
        std::fs::write(&media, &ciphertext).unwrap();
        let before = contents(folder.path());

        // Into a new file, over an old one, into a folder, to standard output, and checked.
        let new = folder.path().join("new.wav");
        let outputs: [&[&std::ffi::OsStr]; 5] = [
            &["-o".as_ref(), new.as_ref()],
            &["-f".as_ref(), "-o".as_ref(), old.as_ref()],
            &["-d".as_ref(), folder.path().as_ref()],
            &["-o".as_ref(), "-".as_ref()],
            &["--check".as_ref()],
        ];
        for arguments in outputs {
            let mut command = command_for(&case);
            command.arg("--no-input").arg(&media).args(arguments);
            let output = command.output().unwrap();
            assert_refused(&output, code, what);
            assert!(output.stdout.is_empty(), "{what}: something was released");
            assert_eq!(contents(folder.path()), before, "{what}: {arguments:?}");
        }

        let mut command = command_for(&case);
        command.args(["--no-input", "-", "-o"]).arg(&new);
        let output = run_with(command, &ciphertext);
        // A list cannot say which of its recordings a pipe carries.
        if !text(&case, "metadata").contains("list") {
            assert_refused(&output, code, what);
        }
        assert_eq!(contents(folder.path()), before, "{what}: from a pipe");

        let mut command = command_for(&case);
        command
            .args(["--no-input", "--check", "--json"])
            .arg(&media);
        let output = command.output().unwrap();
        let line: Value = serde_json::from_slice(&output.stdout).expect(what);
        assert_eq!(line["ok"], false, "{what}");
        assert_eq!(line["error"]["exit"], code, "{what}");
        assert!(!text(&line["error"], "hint").is_empty(), "{what}");
    }
}

fn mutated(case: &Value) -> Vec<u8> {
    let mut bytes = std::fs::read(fixture(text(case, "media"))).unwrap();
    let length = bytes.len();
    let number = |field: &str| case["mutate"][field].as_i64();
    let from_end = |at: i64| length - usize::try_from(-at).unwrap();
    let place = |at: i64| usize::try_from(at).unwrap_or_else(|_| from_end(at));
    if let Some(keep) = number("keep") {
        bytes.truncate(place(keep));
    }
    if let Some(cut) = number("cut") {
        bytes.truncate(length - place(cut));
    }
    if let Some(at) = number("flip") {
        bytes[place(at)] ^= 1;
    }
    if let Some(hex) = case["mutate"]["append"].as_str() {
        let digits = |i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        bytes.extend((0..hex.len()).step_by(2).map(digits));
    }
    bytes
}

#[test]
fn inspect_knows_every_key_file() {
    let keys = list("keys");
    assert!(keys.len() >= KEYS);
    for key in keys {
        let file = text(&key, "file");
        let output = unreel()
            .arg("inspect")
            .arg("--json")
            .arg(fixture(file))
            .output()
            .unwrap();
        let line: Value = serde_json::from_slice(&output.stdout).expect(file);
        if key["exit"].is_null() {
            assert!(output.status.success(), "{file}\n{}", stderr(&output));
            let found: Vec<_> = line["found"]["keys"]
                .as_array()
                .expect(file)
                .iter()
                .filter_map(|key| key["fingerprint"].as_str())
                .map(|text| text.trim_start_matches("sha256:"))
                .collect();
            for fingerprint in key["fingerprints"].as_array().expect(file) {
                let fingerprint = fingerprint.as_str().unwrap();
                let locked = line["found"]["keys"].to_string().contains("encrypted");
                assert!(locked || found.contains(&fingerprint), "{file}: {line}");
            }
        }
    }
}
