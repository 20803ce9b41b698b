//! Where plaintext goes: only to a new private file or to the pipe that was asked for, and what
//! stood there before outlives every failure.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is a test")]

use std::os::unix::fs::{MetadataExt, symlink};
use std::process::{Command, Stdio};

use crate::common::{self, Desk, VOICE, digest_of, fixture, large_recording, sha256, skip, stderr};

#[test]
fn outputs_and_reports_are_for_their_owner_only() {
    let desk = Desk::new();
    desk.write("old.wav", "old");
    let run = "\"$UNREEL\" twilio-voice -q -m meta.json -k key.pem call.enc";
    desk.done(desk.bash(&format!(
        "umask 022; chmod 644 old.wav;
         {run} -o new.wav --report report.jsonl && {run} -d . && {run} -f -o old.wav"
    )));
    let folder = format!("{VOICE}.wav");
    for name in ["new.wav", "old.wav", "report.jsonl", folder.as_str()] {
        assert_eq!(desk.mode(name), 0o600, "{name}");
    }
    for name in ["new.wav", "old.wav", folder.as_str()] {
        assert_eq!(sha256(&desk.read(name)), digest_of(VOICE), "{name}");
    }
}

#[test]
fn an_existing_output_is_refused_before_any_key_is_touched() {
    let desk = Desk::new();
    desk.write("out.wav", "precious");
    desk.write(&format!("{VOICE}.wav"), "precious");
    for output in ["-o out.wav", "-d .", "--if-exists fail -o out.wav"] {
        let arguments = format!("twilio-voice -m meta.json -k missing.pem call.enc {output}");
        let says = ["exists already", "pass -f to overwrite it"];
        desk.refused(desk.unreel(&arguments), 8, &says);
    }
}

#[test]
fn overwrite_replaces_and_skip_leaves() {
    let desk = Desk::new();
    for how in ["-f", "--force", "--if-exists overwrite"] {
        desk.write("out.wav", "old");
        desk.done(desk.voice(&format!("call.enc -o out.wav {how}")));
        assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE), "{how}");
    }
    desk.write("out.wav", "old");
    // Neither key nor media are needed for what is not done.
    let skip = "twilio-voice -m meta.json -k missing.pem missing.enc --if-exists skip -o out.wav";
    let output = desk.done(desk.unreel(&format!("{skip} --json")));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&line["ok"], &line["skipped"]),
        (&true.into(), &true.into())
    );
    assert_eq!(line["output"], "out.wav");
    assert_eq!(desk.read("out.wav"), b"old");
    let output = desk.done(desk.unreel(skip));
    assert!(stderr(&output).contains("skipped: its output exists"));
}

#[test]
fn after_a_failure_with_force_the_old_file_is_as_it_was() {
    let desk = Desk::new();
    desk.write("out.wav", "precious");
    let whole = desk.read("call.enc");
    let mut flipped = whole.clone();
    flipped[60_000] ^= 1;
    desk.write("flipped.enc", flipped);
    desk.write("cut.enc", &whole[..whole.len() / 2]);
    desk.write("empty.enc", "");
    desk.write("bad.json", "{\"sid\": 1");
    desk.bring("keys/other.pem", "other.pem");
    desk.bring("keys/legacy-aes256.pem", "locked.pem");
    desk.bring("keys/wrong-passphrase.txt", "wrong.txt");
    desk.bring("vonage/archive-1.json", "archive.json");
    let archive = fixture("vonage/5eed0000-0000-4000-8000-000000000001.ts.enc");
    let archive = archive.display();
    for (code, arguments) in [
        (
            3,
            "twilio-voice -m meta.json -k key.pem missing.enc".to_owned(),
        ),
        (
            3,
            "twilio-voice -m meta.json -k key.pem empty.enc".to_owned(),
        ),
        (4, "twilio-voice -m bad.json -k key.pem call.enc".to_owned()),
        (
            4,
            "twilio-voice -m missing.json -k key.pem call.enc".to_owned(),
        ),
        (
            5,
            "twilio-voice -m meta.json -k missing.pem call.enc".to_owned(),
        ),
        (5, "twilio-voice -m meta.json call.enc".to_owned()),
        (
            5,
            "twilio-voice -m meta.json -k locked.pem --passphrase-file wrong.txt call.enc"
                .to_owned(),
        ),
        (
            5,
            "twilio-voice -m meta.json -k locked.pem --no-input call.enc".to_owned(),
        ),
        (
            5,
            "twilio-voice -m meta.json --unwrap-command false call.enc".to_owned(),
        ),
        (
            6,
            "twilio-voice -m meta.json -k other.pem call.enc".to_owned(),
        ),
        (
            7,
            "twilio-voice -m meta.json -k key.pem flipped.enc".to_owned(),
        ),
        (7, "twilio-voice -m meta.json -k key.pem cut.enc".to_owned()),
        (
            7,
            format!("vonage -m archive.json -k key.pem --require-integrity {archive}"),
        ),
        (
            8,
            "twilio-voice -m meta.json -k key.pem call.enc --report no/where".to_owned(),
        ),
    ] {
        desk.refused(
            desk.unreel(&format!("{arguments} -f -o out.wav")),
            code,
            &[],
        );
    }
}

#[test]
fn a_link_at_the_output_is_replaced_and_never_followed() {
    let desk = Desk::new();
    desk.write("victim", "precious");
    for target in ["victim", "nowhere"] {
        std::fs::remove_file(desk.path("out.wav")).ok();
        symlink(target, desk.path("out.wav")).unwrap();
        let says = ["`out.wav` exists already"];
        desk.refused(desk.voice("call.enc -o out.wav"), 8, &says);
        desk.done(desk.voice("call.enc -f -o out.wav"));
        let metadata = std::fs::symlink_metadata(desk.path("out.wav")).unwrap();
        assert!(metadata.is_file(), "{target}");
        assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));
    }
    assert_eq!(desk.read("victim"), b"precious");
    assert!(!desk.path("nowhere").exists());
}

#[test]
fn a_file_that_the_run_reads_is_no_output_by_any_name() {
    let desk = Desk::new();
    desk.bring("keys/passphrase.txt", "pass.txt");
    desk.bring("keys/pkcs8.pem", "keys/one.pem");
    desk.bring("twilio-voice/recording.json", "side.json");
    desk.bring("keys/pkcs8.pem", "env.pem");
    std::fs::copy(desk.path("call.enc"), desk.path("side.wav.enc")).unwrap();
    std::fs::hard_link(desk.path("call.enc"), desk.path("twin")).unwrap();
    symlink("call.enc", desk.path("link")).unwrap();
    let voice = "twilio-voice -m meta.json -k key.pem";
    for arguments in [
        format!("{voice} call.enc -o call.enc"),
        format!("{voice} call.enc -o ./call.enc"),
        format!("{voice} call.enc -o twin"),
        format!("{voice} twin -o call.enc"),
        format!("{voice} call.enc -o link"),
        format!("{voice} link -o call.enc"),
        format!("{voice} call.enc -o meta.json"),
        format!("{voice} call.enc -o key.pem"),
        format!("{voice} call.enc --passphrase-file pass.txt -o pass.txt"),
        "twilio-voice -k key.pem side.wav.enc -o side.json".to_owned(),
        "twilio-voice -m meta.json -k keys call.enc -o keys/one.pem".to_owned(),
        "twilio-voice -m meta.json call.enc -o env.pem".to_owned(),
        "twilio-voice -m meta.json call.enc -o creds/unreel-key".to_owned(),
    ] {
        let mut command = desk.unreel(&format!("{arguments} -f"));
        if arguments.ends_with("env.pem") {
            command.env("UNREEL_KEY_FILE", "env.pem");
        }
        if arguments.ends_with("unreel-key") {
            desk.bring("keys/pkcs8.pem", "creds/unreel-key");
            command.env("CREDENTIALS_DIRECTORY", "creds");
        }
        desk.refused(command, 8, &["is also an input", "choose another name"]);
    }
    assert_eq!(desk.read("keys/one.pem"), desk.read("key.pem"));
    assert_eq!(desk.read("creds/unreel-key"), desk.read("key.pem"));
}

#[test]
fn the_file_behind_standard_input_or_output_is_an_input_too() {
    let desk = Desk::new();
    let voice = "\"$UNREEL\" twilio-voice -m meta.json -k key.pem";
    for script in [
        format!("{voice} -f -o call.enc < call.enc"),
        format!("(head -c 0 >/dev/null; {voice} - -f -o call.enc) < call.enc"),
        format!("{voice} call.enc >> call.enc"),
        format!("{voice} call.enc >> key.pem"),
        format!("{voice} >> call.enc < call.enc"),
        format!("{voice} call.enc -o out.wav --json >> meta.json"),
        format!("{voice} call.enc -o out.wav --report - >> call.enc"),
    ] {
        desk.refused(desk.bash(&script), 8, &["is also an input"]);
    }
}

#[test]
fn a_report_is_no_output_and_nothing_that_is_read() {
    let desk = Desk::new();
    for name in ["call.enc", "key.pem", "meta.json"] {
        let command = desk.voice(&format!("call.enc -o out.wav --report {name}"));
        desk.refused(command, 8, &[&format!("`{name}` is also an input")]);
    }
    for (name, hint) in [
        ("no/where", "make its folder first, with mkdir -p"),
        (".", "it is a folder: name a file in it"),
        ("call.enc/report", "choose another name"),
    ] {
        let command = desk.voice(&format!("call.enc -o out.wav --report {name}"));
        desk.refused(command, 8, &[hint]);
    }
    let mut command = desk.voice("call.enc -f -o report.jsonl --report report.jsonl");
    let output = command.output().unwrap();
    common::assert_refused(&output, 8, "the output is the report");
    let report: serde_json::Value = serde_json::from_slice(&desk.read("report.jsonl")).unwrap();
    assert_eq!(report["error"]["code"], "output");
}

#[test]
fn what_is_no_file_is_refused_before_any_key_is_touched() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("folder")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(desk.path("fifo"))
            .status()
            .unwrap()
            .success()
    );
    // As `/dev/stdout` is one: with `-f` the run of a superuser took its place.
    symlink("/dev/null", desk.path("link")).unwrap();
    let long = "x".repeat(300);
    for (output, says) in [
        ("link", "`link` is a link of the system's, not a file"),
        ("folder", "`folder` is a folder, not a file"),
        ("folder/", "`folder/` is a folder, not a file"),
        ("new/", "`new/` is a folder, not a file"),
        (".", "is a folder"),
        ("fifo", "`fifo` is a pipe, not a file"),
        ("/dev/null", "`/dev/null` is a device, not a file"),
        ("no/where.wav", "mkdir -p 'no'"),
        ("call.enc/out.wav", "the folder `call.enc` does not exist"),
        (long.as_str(), "too long"),
    ] {
        let arguments = format!("twilio-voice -m meta.json -k missing.pem call.enc -f -o {output}");
        desk.refused(desk.unreel(&arguments), 8, &[says]);
    }
    for folder in ["call.enc", "call.enc/out"] {
        let command = desk.voice(&format!("call.enc -d {folder}"));
        desk.refused(command, 8, &["`call.enc` is a file, not a folder"]);
    }
}

#[test]
fn a_folder_that_takes_no_files_is_refused_before_any_key_is_touched() {
    let desk = Desk::new();
    let voice = "twilio-voice -m meta.json -k missing.pem call.enc";
    if std::path::Path::new("/proc/self").exists() {
        desk.refused(
            desk.unreel(&format!("{voice} -o /proc/out.wav")),
            8,
            &["/proc/out.wav"],
        );
    } else {
        skip("there is no /proc");
    }
    std::fs::create_dir(desk.path("closed")).unwrap();
    let me = std::fs::metadata(desk.path("closed")).unwrap().uid();
    if me == 0 {
        return skip("root may write to every folder");
    }
    desk.done(desk.bash("chmod 500 closed"));
    let says = ["closed", "check the folder's permissions"];
    desk.refused(desk.unreel(&format!("{voice} -o closed/out.wav")), 8, &says);
    desk.done(desk.bash("chmod 700 closed"));
}

#[test]
fn a_full_device_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        return skip("there is no /dev/full");
    }
    let desk = Desk::new();
    let voice = "\"$UNREEL\" twilio-voice -m meta.json -k key.pem call.enc";
    for script in [
        format!("{voice} > /dev/full"),
        format!("{voice} --stream-unverified > /dev/full"),
        format!("{voice} --check --json > /dev/full"),
        format!("{voice} --check --report /dev/full"),
        "\"$UNREEL\" inspect meta.json > /dev/full".to_owned(),
    ] {
        desk.refused(desk.bash(&script), 8, &["No space left on device"]);
    }
}

#[test]
fn a_reader_that_goes_is_an_error_with_a_word_for_it() {
    let desk = Desk::new();
    let gone = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    for arguments in ["call.enc", "call.enc --stream-unverified"] {
        let mut command = desk.voice(arguments);
        command.stdout(gone()).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let says = [
            "Broken pipe",
            "the program that reads the output ended early",
        ];
        desk.was_refused(arguments, &output, 8, &says, &desk.contents());
    }
    let mut command = desk.voice("call.enc --check --json");
    command.stdout(gone()).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    desk.was_refused("--json", &output, 8, &["Broken pipe"], &desk.contents());

    // More than any pipe holds.
    let (arguments, _) = large_recording(&desk, 8 << 20);
    let before = desk.contents();
    let script = format!(
        "\"$UNREEL\" {arguments} --unwrap-command 'cat cek' large.enc | head -c 10 > /dev/null
         exit ${{PIPESTATUS[0]}}"
    );
    let output = desk.bash(&script).output().unwrap();
    desk.was_refused("head", &output, 8, &["ended early"], &before);
}

#[test]
fn an_unusable_temporary_folder_is_an_error_only_where_it_is_needed() {
    let desk = Desk::new();
    let voice = "TMPDIR=/no/where \"$UNREEL\" twilio-voice -m meta.json -k key.pem";
    let says = ["could not be kept in the temporary folder", "point TMPDIR"];
    desk.refused(desk.bash(&format!("cat call.enc | {voice}")), 8, &says);
    let output = desk.done(desk.bash(&format!("{voice} < call.enc")));
    assert_eq!(sha256(&output.stdout), digest_of(VOICE));
    desk.done(desk.bash(&format!("cat call.enc | {voice} -o out.wav")));
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));
}

#[test]
fn a_reader_that_has_enough_of_help_or_inspect_hears_nothing_and_a_full_disk_is_told() {
    let desk = Desk::new();
    for arguments in ["--help", "inspect meta.json meta.json"] {
        // The pipe has no reader by the time that something is written.
        let script = format!("{{ sleep 0.2; \"$UNREEL\" {arguments}; }} | true");
        let output = desk.done(desk.bash(&script));
        assert!(output.stderr.is_empty(), "{arguments}");
        if std::path::Path::new("/dev/full").exists() {
            let command = desk.bash(&format!("\"$UNREEL\" {arguments} > /dev/full"));
            desk.refused(command, 8, &["cannot write `standard output`"]);
        }
    }
}

/// However it was reached: `an_input_is_never_the_output` has the names.
#[test]
fn a_descriptor_that_is_read_is_never_the_output() {
    let desk = Desk::new();
    desk.bring("keys/legacy-aes128.pem", "locked.pem");
    desk.bring("keys/passphrase.txt", "pass.txt");
    for key in ["key.pem", "locked.pem", "/dev/fd/4"] {
        for output in [
            "-f -o pass.txt",
            "-o out.wav --report pass.txt",
            "-f -o key.pem",
        ] {
            let script = format!(
                "exec \"$UNREEL\" twilio-voice -m meta.json -k {key} call.enc {output} \
                 --passphrase-fd 3 3<pass.txt 4<key.pem"
            );
            if key == "locked.pem" && output.contains("key.pem") {
                continue;
            }
            desk.refused(desk.bash(&script), 8, &["is also an input"]);
        }
    }
}

/// The umask says what others may do, not what the owner may.
#[test]
fn outputs_are_for_their_owner_under_every_umask() {
    for umask in ["000", "022", "277", "777"] {
        let desk = Desk::new();
        let voice = "\"$UNREEL\" twilio-voice -m meta.json -k key.pem call.enc --report report";
        desk.write("old.wav", "old");
        desk.done(desk.bash(&format!(
            "umask {umask}; {voice} -o out.wav && {voice} -f -o old.wav && cat call.enc | {voice} -o piped.wav"
        )));
        for name in ["out.wav", "old.wav", "piped.wav", "report"] {
            assert_eq!(desk.mode(name), 0o600, "{umask} {name}");
        }
    }
}
