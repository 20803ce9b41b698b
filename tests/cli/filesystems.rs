//! File systems that are full, read-only, or have no unnamed files, in a namespace of mounts.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test"
)]

use crate::common::{Desk, VOICE, can_mount, digest_of, in_namespace, sha256};

#[test]
fn a_full_disk_leaves_nothing_new_and_the_old_file() {
    let desk = Desk::new();
    if !can_mount(&desk) {
        return;
    }
    std::fs::create_dir(desk.path("small")).unwrap();
    let script = |arguments: &str| {
        format!(
            "mount -t tmpfs -o size=64k none small && echo precious > small/old.wav
             \"$UNREEL\" twilio-voice -m meta.json -k key.pem call.enc {arguments}
             code=$?; ls -A small; cat small/old.wav; exit $code"
        )
    };
    for arguments in ["-o small/out.wav", "-f -o small/old.wav", "-d small"] {
        let before = desk.contents();
        let mut output = in_namespace(&desk, &script(arguments)).output().unwrap();
        let listed = String::from_utf8(std::mem::take(&mut output.stdout)).unwrap();
        assert_eq!(listed, "old.wav\nprecious\n", "{arguments}");
        let says = ["No space left on device", "check that there is space"];
        desk.was_refused(arguments, &output, 8, &says, &before);
    }
    // The ciphertext is what a pipe needs space for.
    let mut command = in_namespace(
        &desk,
        "mount -t tmpfs -o size=64k none small && cat call.enc |
         TMPDIR=small \"$UNREEL\" twilio-voice -m meta.json -k key.pem; code=$?; ls -A small >&2; exit $code",
    );
    let before = desk.contents();
    let output = command.output().unwrap();
    let says = [
        "could not be kept in the temporary folder",
        "point TMPDIR to a folder with space",
    ];
    let text = desk.was_refused("spool", &output, 8, &says, &before);
    assert!(text.ends_with("with space\n"), "something is left: {text}");
}

/// A private key without its public half would be in the way of the next try.
#[test]
fn keygen_on_a_full_disk_leaves_no_part_of_a_pair() {
    let desk = Desk::new();
    if !can_mount(&desk) {
        return;
    }
    std::fs::create_dir(desk.path("small")).unwrap();
    // One page, which the private key takes.
    let script = "mount -t tmpfs -o size=4k none small
                  \"$UNREEL\" keygen -d small; code=$?; ls -A small; exit $code";
    let command = in_namespace(&desk, script);
    desk.refused(
        command,
        8,
        &["No space left on device", "small/public_key.pem"],
    );
}

#[test]
fn a_read_only_file_system_is_refused_before_any_key_is_touched() {
    let desk = Desk::new();
    if !can_mount(&desk) {
        return;
    }
    std::fs::create_dir(desk.path("closed")).unwrap();
    let script = "mount -t tmpfs -o ro none closed &&
        exec \"$UNREEL\" twilio-voice -m meta.json -k missing.pem call.enc";
    for output in ["-o closed/out.wav", "-d closed"] {
        let command = in_namespace(&desk, &format!("{script} {output}"));
        let says = ["Read-only file system", "check the folder's permissions"];
        desk.refused(command, 8, &says);
    }
}

#[test]
fn without_unnamed_files_the_result_is_the_same() {
    let desk = Desk::new();
    if !can_mount(&desk) {
        return;
    }
    // Without /proc an unnamed file cannot get a name.
    let hidden = "mount -t tmpfs none /proc && ";
    let voice = "\"$UNREEL\" twilio-voice -q -m meta.json -k key.pem";
    desk.done(in_namespace(
        &desk,
        &format!("{hidden} {voice} call.enc -o out.wav"),
    ));
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));
    assert_eq!(desk.mode("out.wav"), 0o600);
    let mut flipped = desk.read("call.enc");
    flipped[60_000] ^= 1;
    desk.write("flipped.enc", flipped);
    desk.write("out.wav", "precious");
    let command = in_namespace(
        &desk,
        &format!("{hidden} {voice} flipped.enc -f -o out.wav"),
    );
    desk.refused(command, 7, &[]);
    desk.done(in_namespace(
        &desk,
        &format!("{hidden} {voice} call.enc -f -o out.wav"),
    ));
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));
    let names = ["call.enc", "flipped.enc", "key.pem", "meta.json", "out.wav"];
    assert_eq!(desk.names(), names);
}

/// Takes the attribute away again, so that the folder can be removed.
struct AppendOnly(std::path::PathBuf);

impl AppendOnly {
    fn set(path: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let chattr = std::process::Command::new("chattr")
            .arg("+a")
            .arg(&path)
            .output();
        chattr
            .is_ok_and(|output| output.status.success())
            .then_some(Self(path))
    }
}

impl Drop for AppendOnly {
    fn drop(&mut self) {
        std::process::Command::new("chattr")
            .arg("-a")
            .arg(&self.0)
            .output()
            .ok();
    }
}

/// A temporary file could not be removed from there.
#[test]
fn in_an_append_only_folder_files_are_made_and_none_is_left() {
    let desk = Desk::new();
    let Some(_folder) = AppendOnly::set(desk.path("log")) else {
        return crate::common::skip(
            "an append-only folder: chattr(1) is not there, or not allowed",
        );
    };
    let names = || {
        crate::common::contents(&desk.path("log"))
            .into_keys()
            .collect::<Vec<_>>()
    };
    desk.done(desk.voice("call.enc -o log/out.wav"));
    desk.done(desk.voice("call.enc -f -o log/new.wav"));
    desk.done(desk.voice("call.enc -o log/out.wav --if-exists skip"));
    let says = ["is append-only", "a new name without -f"];
    desk.refused(desk.voice("call.enc -f -o log/out.wav"), 8, &says);
    // A key that is missing is not looked for.
    let mut early = desk.unreel("twilio-voice -m meta.json -k missing.pem call.enc -f -d log");
    std::fs::copy(
        desk.path("call.enc"),
        desk.path(&format!("log/{VOICE}.wav")),
    )
    .unwrap();
    early.env("LC_ALL", "C");
    desk.refused(early, 8, &says);
    assert_eq!(
        names(),
        [&format!("{VOICE}.wav") as &str, "new.wav", "out.wav"]
    );
    if can_mount(&desk) {
        // Where an output needs a temporary name.
        let script = "mount -t tmpfs none /proc &&
            exec \"$UNREEL\" twilio-voice -m meta.json -k key.pem call.enc -o log/third.wav";
        desk.refused(in_namespace(&desk, script), 8, &["is append-only"]);
        assert_eq!(names().len(), 3);
    }
}

#[test]
fn a_refused_permission_is_no_matter_of_space() {
    let desk = Desk::new();
    if !can_mount(&desk) {
        return;
    }
    std::fs::create_dir(desk.path("closed")).unwrap();
    for run in [
        "twilio-voice -m meta.json -k key.pem call.enc -o closed/out.wav",
        "twilio-voice -m meta.json -k key.pem call.enc -o out.wav --report closed/report",
        "keygen -d closed",
        "keygen -d closed/new",
    ] {
        let script = format!("mount -t tmpfs -o ro none closed && exec \"$UNREEL\" {run}");
        let said = desk.refused(
            in_namespace(&desk, &script),
            8,
            &["check the folder's permissions"],
        );
        assert!(!said.contains("space"), "{run}: {said}");
    }
}

/// What a full disk took of a line is taken back, and the next run begins on a fresh one.
#[test]
fn a_report_on_a_full_disk_has_whole_lines_only() {
    let desk = Desk::new();
    if !can_mount(&desk) {
        return;
    }
    std::fs::create_dir(desk.path("small")).unwrap();
    // All but the end of the last page is full: a line does not fit.
    let script = "mount -t tmpfs -o size=8k none small
        voice='twilio-voice -q -m meta.json -k key.pem call.enc --check --report small/report'
        printf '%8000s\n' before | tr ' ' - > small/report
        \"$UNREEL\" $voice; echo $?
        tail -c 10 small/report; truncate -s -4000 small/report
        \"$UNREEL\" $voice; echo $?
        \"$UNREEL\" $voice; echo $?
        cat small/report";
    let output = in_namespace(&desk, script).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.trim_start_matches('-'))
        .collect();
    let [first, last, second, third, cut, ok @ ..] = lines.as_slice() else {
        panic!("{text}");
    };
    assert_eq!(
        [*first, *last, *second, *third, *cut],
        ["8", "before", "0", "0", ""]
    );
    assert_eq!(ok.len(), 2, "{text}");
    for line in ok {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["ok"], true);
    }
}
