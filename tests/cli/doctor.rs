//! `unreel doctor`: what it says of a machine, of keys and of credentials, and what it ends with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use expectrl::{Eof, Expect, Session};
use serde_json::Value;

use crate::common::canaries::{Canaries, PASSPHRASE};
use crate::common::{Desk, can_mount, fixture, has, in_namespace, stderr, unreel};

/// Of `fixtures/keys/pkcs8.pem`, as OpenSSL has it.
const FINGERPRINT: &str = "sha256:8f0d415d7ef5af9e89171b89011f36f9327a1687d69815d86bbf9988041aa5cd";

/// The commands' environment has no HOME, no TMPDIR and no key.
fn doctor(arguments: &[&str]) -> Command {
    let mut command = unreel();
    command.args(["doctor", "--json"]).args(arguments);
    command
}

/// The document, and what the run ended with.
fn document(output: &Output) -> (Value, i32) {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{}", stderr(output));
    let document = serde_json::from_str(text).unwrap();
    (document, output.status.code().unwrap())
}

fn run(command: &mut Command) -> (Value, i32) {
    document(&command.output().unwrap())
}

/// The checks of this name.
fn named<'a>(document: &'a Value, name: &str) -> Vec<&'a Value> {
    let checks = document["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["name"] == name).collect()
}

fn one<'a>(document: &'a Value, name: &str) -> &'a Value {
    let found = named(document, name);
    assert_eq!(found.len(), 1, "{name}: {document}");
    found[0]
}

#[test]
fn every_wrap_and_cipher_is_tried_and_measured() {
    let (document, code) = run(&mut doctor(&[]));
    assert_eq!(code, 0, "{document}");
    assert_eq!(
        (&document["ok"], &document["failed"]),
        (&true.into(), &0.into())
    );
    for name in [
        "rsa-oaep-sha256",
        "rsa-oaep-sha1",
        "rsa-pkcs1-v1_5",
        "aes-256-gcm",
        "aes-256-cbc",
        "aes-256-cbc-mpeg-ts",
    ] {
        let check = one(&document, name);
        assert_eq!(check["state"], "ok", "{check}");
        assert!(check["per_second"].as_u64().unwrap() > 0, "{check}");
        assert!(!check["backend"].as_str().unwrap().is_empty());
    }
    let printed = unreel().arg("--version").output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    for field in ["commit", "target", "rustc"] {
        let value = document[field].as_str().unwrap_or("unknown");
        assert!(
            printed.contains(&format!("\n{field}: {value}\n")),
            "{printed}"
        );
    }
}

#[test]
fn people_read_the_same_and_nothing_is_printed_in_colour_into_a_pipe() {
    let output = unreel().arg("doctor").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("unreel ") && !text.contains('\x1b'));
    let headings: Vec<_> = text.lines().filter(|line| line.ends_with(':')).collect();
    assert_eq!(
        headings,
        ["known answers:", "keys:", "credentials:", "machine:"]
    );
    let (document, _) = run(&mut doctor(&[]));
    for check in document["checks"].as_array().unwrap() {
        let name = check["name"].as_str().unwrap();
        let state = check["state"].as_str().unwrap();
        let said = |line: &str| {
            let line = line.replace(' ', "_");
            line.starts_with(state) && line.contains(&name.replace(' ', "_"))
        };
        assert!(text.lines().any(said), "{name} {state}\n{text}");
    }
    let coloured = unreel()
        .args(["doctor", "--color", "always"])
        .output()
        .unwrap();
    assert!(
        String::from_utf8(coloured.stdout)
            .unwrap()
            .contains("\x1b[1;32mok\x1b[0m")
    );
}

#[test]
fn a_key_is_told_by_bits_fingerprint_and_mode_wherever_it_is_named() {
    let desk = Desk::new();
    let folder = desk.path("credentials");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(fixture("keys/pkcs8.pem"), folder.join("unreel-key")).unwrap();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&folder.join("unreel-key"), 0o400);
    let key = desk.path("key.pem");
    let path = key.to_str().unwrap();
    let mut flag = doctor(&["-k", path]);
    let mut variable = doctor(&[]);
    variable.env("UNREEL_KEY_FILE", &key);
    let mut credential = doctor(&[]);
    credential.env("CREDENTIALS_DIRECTORY", &folder);
    let mut in_folder = doctor(&["-k", folder.to_str().unwrap()]);
    let of_folder = folder.join("unreel-key");
    let of_folder = of_folder.to_str().unwrap();
    for (command, name, mode) in [
        (&mut flag, path, "0600"),
        (&mut variable, path, "0600"),
        (&mut credential, of_folder, "0400"),
        (&mut in_folder, of_folder, "0400"),
    ] {
        let (document, code) = run(command);
        let check = one(&document, name);
        assert_eq!(code, 0, "{document}");
        for (field, value) in [
            ("state", Value::from("ok")),
            ("bits", 2048.into()),
            ("fingerprint", FINGERPRINT.into()),
            ("encrypted", false.into()),
            ("mode", mode.into()),
        ] {
            assert_eq!(check[field], value, "{check}");
        }
    }
    mode(&key, 0o644);
    let (document, code) = run(&mut flag);
    let check = one(&document, path);
    assert_eq!((code, &check["state"]), (0, &"warning".into()), "{check}");
    assert!(
        check["hint"].as_str().unwrap().starts_with("chmod 600 "),
        "{check}"
    );
    let text = unreel().args(["doctor", "-k", path]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains(&format!("\n         {FINGERPRINT}\n")),
        "{text}"
    );
}

#[test]
fn an_encrypted_key_is_opened_with_a_passphrase_that_is_given_and_none_is_asked_for() {
    let locked = fixture("keys/pbes2-aes256-sha256.pem");
    let locked = locked.to_str().unwrap();
    let passphrase = |name: &str| fixture("keys").join(name).to_str().unwrap().to_owned();
    let (right, wrong) = (
        passphrase("passphrase.txt"),
        passphrase("wrong-passphrase.txt"),
    );
    let (document, code) = run(&mut doctor(&["-k", locked]));
    let check = one(&document, locked);
    assert_eq!((code, &check["encrypted"]), (0, &true.into()));
    assert!(
        check["fingerprint"].is_null()
            && check["message"].as_str().unwrap().contains("not asked for")
    );
    let (document, code) = run(&mut doctor(&["-k", locked, "--passphrase-file", &right]));
    let check = one(&document, locked);
    assert_eq!((code, &check["fingerprint"]), (0, &FINGERPRINT.into()));
    let (document, code) = run(&mut doctor(&["-k", locked, "--passphrase-file", &wrong]));
    assert_eq!(
        (code, &one(&document, locked)["state"]),
        (5, &"failed".into())
    );
    let (document, code) = run(&mut doctor(&["--passphrase-file", "missing.txt"]));
    assert_eq!(
        (code, &one(&document, "passphrase")["exit"]),
        (5, &5.into())
    );
}

#[test]
fn each_failure_ends_with_its_own_code_and_says_what_to_do() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    let in_desk = |path: &str| desk.path(path).to_str().unwrap().to_owned();
    let of_fixtures = |path: &str| fixture(path).to_str().unwrap().to_owned();
    let nothing: &[(&str, &str)] = &[];
    let half = &[
        ("TWILIO_ACCOUNT_SID", "AC5eed0000000000000000000000000001"),
        ("TWILIO_REGION", "ie1"),
    ];
    let (ec, public) = (of_fixtures("keys/ec.pem"), of_fixtures("keys/public.pem"));
    let (missing, empty) = (in_desk("missing.pem"), in_desk("empty"));
    for (arguments, variables, names, expected) in [
        (
            vec!["-k", &ec, "-k", &public, "-k", &missing, "-k", &empty],
            nothing,
            vec![ec.as_str(), &public, &missing, &empty],
            5,
        ),
        (
            vec!["--key-command", "false"],
            nothing,
            vec!["--key-command"],
            5,
        ),
        (
            vec![],
            &[("UNREEL_KEY_FILE", "missing.pem")],
            vec!["missing.pem"],
            5,
        ),
        (vec![], half, vec!["twilio"], 2),
        (
            vec!["--ca-file", "missing.pem"],
            nothing,
            vec!["certificates"],
            2,
        ),
        (vec!["--ca-file", &ec], nothing, vec!["certificates"], 2),
        (
            vec![],
            &[("TMPDIR", "/nonexistent")],
            vec!["temporary_folder"],
            8,
        ),
        // Of several the gravest.
        (
            vec!["-k", &ec],
            &[half[0], half[1], ("TMPDIR", "/nonexistent")],
            vec![&ec, "twilio", "temporary_folder"],
            5,
        ),
    ] {
        let mut command = doctor(&arguments);
        command
            .current_dir(desk.path("empty"))
            .envs(variables.iter().copied());
        let output = command.output().unwrap();
        let (document, code) = document(&output);
        assert_eq!(
            (code, &document["ok"]),
            (expected, &false.into()),
            "{document}"
        );
        for name in names {
            let check = one(&document, name);
            assert_eq!(check["state"], "failed", "{check}");
            assert!(!check["hint"].as_str().unwrap().is_empty(), "{check}");
        }
        assert!(
            stderr(&output).contains(" checks failed\n"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn a_folder_that_takes_no_files_and_few_descriptors_are_warned_of() {
    let desk = Desk::new();
    let mut few = desk.command("bash");
    few.args([
        "-c",
        "ulimit -n 64; exec \"$0\" doctor --json",
        env!("CARGO_BIN_EXE_unreel"),
    ]);
    let (document, code) = run(&mut few);
    let check = one(&document, "descriptors");
    assert_eq!(
        (code, &check["state"], &check["limit"]),
        (0, &"warning".into(), &64.into())
    );
    if can_mount(&desk) {
        std::fs::create_dir(desk.path("closed")).unwrap();
        // Temporary files have room elsewhere.
        let script = "mount -t tmpfs -o ro none closed && mkdir tmp && export TMPDIR=$PWD/tmp && cd closed &&
            exec \"$UNREEL\" doctor --json";
        let (document, code) = run(&mut in_namespace(&desk, script));
        let check = one(&document, "current_folder");
        assert_eq!((code, &check["state"]), (0, &"warning".into()), "{check}");
    }
}

#[test]
fn a_container_that_is_read_only_is_told_what_it_lacks() {
    let desk = Desk::new();
    if !can_mount(&desk) {
        return;
    }
    // As docker run --read-only: nothing can be written anywhere.
    let script = "for place in $(awk '{ print $2 }' /proc/mounts); do mount -o remount,bind,ro \"$place\" 2>/dev/null; done
        touch here 2>/dev/null && exit 77
        exec \"$UNREEL\" doctor --json";
    let output = in_namespace(&desk, script).output().unwrap();
    if output.status.code() == Some(77) {
        return crate::common::skip("file systems cannot be made read-only here");
    }
    let (document, code) = document(&output);
    assert_eq!(code, 8, "{document}");
    assert_eq!(one(&document, "temporary_folder")["state"], "failed");
    assert_eq!(one(&document, "aes-256-gcm")["state"], "ok");
}

#[test]
fn a_reader_that_goes_away_has_read_enough() {
    let desk = Desk::new();
    let output = desk
        .bash("set -o pipefail; \"$UNREEL\" doctor | head -n 1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn it_fits_a_terminal_of_80_columns() {
    let desk = Desk::new();
    let script = "stty cols 80 rows 24 < /dev/tty; exec \"$UNREEL\" doctor -k key.pem";
    let mut command = desk.bash(script);
    command.env("TERM", "xterm").env("NO_COLOR", "1");
    let mut session = Session::spawn(command).unwrap();
    session.set_expect_timeout(Some(std::time::Duration::from_secs(60)));
    let shown = session.expect(Eof).unwrap();
    let shown = String::from_utf8_lossy(shown.as_bytes()).into_owned();
    assert!(
        shown.contains(FINGERPRINT) && shown.contains("core dumps"),
        "{shown}"
    );
    for line in shown.lines() {
        // The desk's folder has a long name, which stays whole.
        let is_path = line
            .split_whitespace()
            .any(|word| word.len() > 50 && word.starts_with('/'));
        assert!(line.chars().count() <= 80 || is_path, "{line:?}");
    }
}

#[test]
fn no_secret_is_printed() {
    let mut canaries = Canaries::new(&[]);
    let secrets = [
        ("TWILIO_ACCOUNT_SID", "AC5eed0000000000000000000000000001"),
        ("TWILIO_AUTH_TOKEN", "token-of-twilio-1234"),
        ("OPENTOK_API_KEY", "47000000"),
        ("OPENTOK_API_SECRET", "secret-of-opentok-1234"),
        ("QVOICE_API_URL", "https://qvoice.example"),
        ("QVOICE_ACCOUNT_ID", "1"),
        ("QVOICE_TOKEN", "token-of-qvoice-1234"),
        ("AWS_ACCESS_KEY_ID", "AKIA5EED"),
        ("AWS_SECRET_ACCESS_KEY", "secret-of-aws-1234"),
        ("AWS_REGION", "eu-west-1"),
        ("AZURE_STORAGE_ACCOUNT", "acc"),
        ("AZURE_STORAGE_KEY", "c2VjcmV0LW9mLWF6dXJlLTEyMzQ="),
        ("UNREEL_PASSPHRASE", PASSPHRASE),
    ];
    for (name, secret) in secrets
        .iter()
        .filter(|(_, value)| value.contains("-of-") || value.ends_with('='))
    {
        canaries.text(name, secret);
    }
    let keys = fixture("keys");
    for arguments in [&["doctor"][..], &["doctor", "--json"], &["doctor", "-v"]] {
        let mut command = unreel();
        command.args(arguments).arg("-k").arg(&keys).envs(secrets);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for masked in ["twilio", "vonage", "qvoice", "s3", "azure"] {
            assert!(text.contains(masked));
        }
        assert!(text.contains("********"), "{text}");
        canaries.assert_not_printed(&output, &format!("{arguments:?}"));
    }
}

#[test]
fn the_key_may_come_from_standard_input_once() {
    if !has("bash") {
        return;
    }
    let desk = Desk::new();
    let output = desk
        .bash("\"$UNREEL\" doctor --json -k - < key.pem")
        .output()
        .unwrap();
    let (document, code) = document(&output);
    assert_eq!(code, 0, "{document}");
    let fingerprints = document["checks"].as_array().unwrap().iter();
    assert!(
        fingerprints
            .clone()
            .any(|check| check["fingerprint"] == FINGERPRINT)
    );
    let twice = desk
        .bash("\"$UNREEL\" doctor -k - --passphrase-file - < key.pem")
        .output()
        .unwrap();
    assert_eq!(twice.status.code(), Some(2), "{}", stderr(&twice));
}
