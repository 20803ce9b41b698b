//! File systems that are full, read-only, or have no unnamed files, in a namespace of mounts.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is a test")]

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
