//! Signals in the middle of a run: nothing is left, and the shell sees which it was.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test"
)]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use crate::common::{self, Desk, can_mount, in_namespace, large_recording, sha256};

const HUP: i32 = 1;
const INT: i32 = 2;
const KILL: i32 = 9;
const TERM: i32 = 15;

/// How much of a recording a run gets before its input stalls.
const PART: usize = 3 << 20;

/// Starts a run and feeds it so much that it must have decrypted some of it, but not the end.
fn stalled(mut command: Command, ciphertext: &[u8]) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.as_mut().unwrap();
    // No pipe holds this much: when it is written, most of it was read.
    stdin.write_all(&ciphertext[..PART]).unwrap();
    child
}

fn send(signal: i32, child: &Child) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(
        Command::new("sh")
            .arg("-c")
            .arg(kill)
            .status()
            .unwrap()
            .success()
    );
}

/// A desk with a long recording and an old output, and the arguments to open it.
fn desk() -> (Desk, String, Vec<u8>) {
    let desk = Desk::new();
    let (arguments, _) = large_recording(&desk, 4 << 20);
    desk.write("old.wav", "precious");
    std::fs::create_dir(desk.path("tmp")).unwrap();
    let ciphertext = desk.read("large.enc");
    (desk, arguments, ciphertext)
}

#[test]
fn a_signal_leaves_nothing_and_the_old_file() {
    let (desk, arguments, ciphertext) = desk();
    let before = desk.contents();
    for signal in [INT, TERM, HUP, KILL] {
        for output in ["-o new.wav", "-f -o old.wav", "-o -"] {
            let mut command = desk.unreel(&format!("{arguments} {output}"));
            command
                .args(["--unwrap-command", "cat cek"])
                .env("TMPDIR", desk.path("tmp"));
            let mut child = stalled(command, &ciphertext);
            if signal == KILL && desk.contents() != before {
                common::skip("kill -9: this file system has no unnamed files");
                send(TERM, &child);
                child.wait().unwrap();
                continue;
            }
            send(signal, &child);
            // It stays open: an input that ended would be an error of its own, and a race.
            let stdin = child.stdin.take();
            let output = child.wait_with_output().unwrap();
            drop(stdin);
            assert_eq!(output.status.signal(), Some(signal), "{output:?}");
            assert!(output.stdout.is_empty());
            assert!(desk.contents() == before, "{signal}: {:?}", desk.names());
            assert_eq!(common::contents(&desk.path("tmp")).len(), 0);
        }
    }
}

#[test]
fn a_shell_sees_the_usual_codes() {
    let (desk, arguments, _) = desk();
    let before = desk.contents();
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        // With job control, so that the shell does not have SIGINT ignored in the background.
        let script = format!(
            "set -m; mkfifo fifo; \"$UNREEL\" {arguments} --unwrap-command 'cat cek' -o new.wav < fifo &
             exec 3> fifo; head -c {PART} large.enc >&3; kill -{signal} $!; wait $!; code=$?
             rm fifo; exit $code"
        );
        let output = desk.bash(&script).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(desk.contents() == before, "{signal}: {:?}", desk.names());
    }
}

/// In a container without another init process, signals do not end the one that is the first.
#[test]
fn the_first_process_of_a_container_ends_with_the_usual_codes() {
    let namespace = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
    ];
    let made = Command::new("unshare").args(namespace).arg("true").output();
    if !made.is_ok_and(|output| output.status.success()) {
        return common::skip("PID 1: no namespace of its own may be made here");
    }
    let (desk, arguments, ciphertext) = desk();
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let unreel = desk.unreel(&format!("{arguments} -o new.wav"));
        let mut command = desk.command("unshare");
        command
            .args(namespace)
            .arg(unreel.get_program())
            .args(unreel.get_args())
            .args(["--unwrap-command", "cat cek"]);
        let mut child = stalled(command, &ciphertext);
        // Open to the end: it is the signal that ends it, and not that there is no more to read.
        let _open = child.stdin.take();
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let inner = std::fs::read_to_string(children).unwrap();
        let killed = Command::new("kill")
            .args(["-s", signal, inner.trim()])
            .status();
        assert!(killed.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{}",
            common::stderr(&output)
        );
    }
}

/// Without unnamed files there is a name to remove. The only one who sees it is a bystander.
#[test]
fn a_named_temporary_file_is_removed() {
    let (desk, arguments, ciphertext) = desk();
    if !can_mount(&desk) {
        return;
    }
    for signal in [INT, TERM, HUP] {
        for name in ["new.wav", "old.wav"] {
            let before = desk.contents();
            let command = in_namespace(
                &desk,
                &format!(
                    "mount -t tmpfs none /proc &&
                     exec \"$UNREEL\" {arguments} --unwrap-command 'cat cek' -f -o {name}"
                ),
            );
            let mut child = stalled(command, &ciphertext);
            let prefix = format!(".{name}.unreel-");
            let hidden = desk
                .names()
                .into_iter()
                .find(|name| name.starts_with(&prefix));
            let hidden = hidden.expect("a temporary file");
            assert_eq!(desk.mode(&hidden), 0o600);
            send(signal, &child);
            // It stays open: an input that ended would be an error of its own, and a race.
            let stdin = child.stdin.take();
            let output = child.wait_with_output().unwrap();
            drop(stdin);
            assert_eq!(output.status.signal(), Some(signal), "{output:?}");
            assert!(desk.contents() == before, "{signal}: {:?}", desk.names());
        }
    }
}

#[test]
fn signals_that_were_ignored_stay_ignored() {
    let (desk, arguments, ciphertext) = desk();
    if !std::path::Path::new("/proc/self/status").exists() {
        return common::skip("there is no /proc to learn it from");
    }
    let run = format!("exec \"$UNREEL\" {arguments} --unwrap-command 'cat cek' -f -o out.wav");
    let mut child = stalled(desk.bash(&format!("trap '' HUP INT; {run}")), &ciphertext);
    send(HUP, &child);
    send(INT, &child);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&ciphertext[PART..]).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let (_, plaintext) = large_recording(&desk, 4 << 20);
    assert_eq!(sha256(&desk.read("out.wav")), sha256(&plaintext));

    let mut child = stalled(desk.bash(&format!("trap '' HUP; {run}")), &ciphertext);
    send(TERM, &child);
    let stdin = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(output.status.signal(), Some(TERM), "{output:?}");
}

/// A command of the user's does not outlive its reader's patience: too long an answer is refused
/// while the command still writes.
#[test]
fn a_command_that_never_stops_writing_is_refused() {
    let desk = Desk::new();
    for command in ["--unwrap-command", "--key-command"] {
        let mut unreel = desk.unreel("twilio-voice -m meta.json call.enc -o out.wav");
        unreel.args([command, "yes"]);
        desk.refused(unreel, 5, &["gave no answer", "longer than"]);
    }
}
