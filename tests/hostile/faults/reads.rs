//! Inputs that cannot be read, or change while they are.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use unreel::internals::cipher::SEGMENT;

use super::stage::{Call, MIB, Mode, QUARTER, calls, faulty, signal, strace, traced};
use crate::common::made::{Stage, run, start, under, wait_for};
use crate::common::{assert_refused, contents, fixture, run_with, stderr, unreel};

/// Fails each read of the media.
fn fail_at_every_read(stage: &Stage) {
    let calls = calls(stage, Mode::New, None, &["pread64"]);
    let mut tried = 0;
    for call in calls {
        let what = format!("EIO at pread64 {}", call.number);
        let output = faulty(stage, Mode::New, None, &[call.fault("error=EIO")]);
        stage.assert_untouched(false, &what);
        // The dynamic linker reads too.
        if output.status.code() != Some(127) {
            assert_refused(&output, 3, &what);
            assert!(stderr(&output).contains("Input/output error"), "{what}");
            tried += 1;
        }
    }
    assert!(tried >= 4, "{tried}");
}

#[test]
fn an_unreadable_disk_is_exit_3_and_leaves_nothing() {
    if strace() {
        fail_at_every_read(&Stage::new(QUARTER));
        fail_at_every_read(&Stage::qvoice(QUARTER));
    }
}

/// Reads of a pipe, each of which fails once.
#[test]
fn a_pipe_that_breaks_is_exit_3_and_leaves_nothing() {
    if !strace() {
        return;
    }
    for stage in [Stage::new(QUARTER), Stage::qvoice(QUARTER)] {
        let command = stage.piped_to_file();
        let mut calls = traced(&stage, &command, &[]);
        // Standard input goes by another number, which others had before.
        let is_copy = |call: &Call| call.line.starts_with("fcntl(0, F_DUPFD_CLOEXEC");
        let copied = calls.iter().rposition(is_copy).expect("a copy");
        calls.drain(..copied);
        let number = calls[0].line.split(" = ").last().expect("a number").trim();
        let read = format!("read({number},");
        calls.retain(|call| call.line.starts_with(&read));
        assert!(calls.len() > 2, "{}", calls.len());
        // How much a pipe gives at a time differs from run to run: the first reads there are always.
        for call in &calls[..3] {
            stage.clear();
            let what = format!("EIO at read {}", call.number);
            let options = ["-qq", "-o", "/dev/null", "-e", &call.fault("error=EIO")];
            let output = run_with(under("strace", &options, &command), &stage.ciphertext());
            assert_refused(&output, 3, &what);
            stage.assert_untouched(false, &what);
        }
    }
}

#[test]
fn an_interrupted_call_is_called_again() {
    if !strace() {
        return;
    }
    for stage in [Stage::new(QUARTER), Stage::qvoice(QUARTER)] {
        for name in ["pwrite64", "pread64", "read", "write"] {
            for number in 1..4 {
                let what = format!("EINTR at {name} {number}");
                let fault = format!("inject={name}:error=EINTR:when={number}");
                let output = faulty(&stage, Mode::New, None, &[fault]);
                // The dynamic linker reads without trying again.
                if output.status.code() != Some(127) {
                    assert!(output.status.success(), "{what}\n{}", stderr(&output));
                    stage.assert_whole(&what);
                }
            }
        }
    }
}

/// Stops a run at a read of its media, changes the media, lets it go on.
pub(super) fn changed_at(
    stage: &Stage,
    command: &Command,
    read: usize,
    change: &dyn Fn(),
) -> Output {
    let fault = format!("inject=pread64:signal=SIGSTOP:when={read}");
    let log = stage.path("trace");
    let log_name = log.to_str().expect("a name");
    std::fs::remove_file(&log).ok();
    let options = ["-D", "-o", log_name, "-e", "trace=pread64", "-e", &fault];
    let child = start(&mut under("strace", &options, command));
    wait_for("stop", || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        assert!(
            !text.contains("+++ exited"),
            "there is no read {read}\n{text}"
        );
        text.contains("--- stopped by SIGSTOP")
    });
    // The time of the change must differ, whatever the clock's grain.
    std::thread::sleep(Duration::from_millis(20));
    change();
    signal(&child, Signal::CONT);
    child.wait_with_output().expect("it ends")
}

#[test]
fn an_input_that_changes_under_way_is_never_taken_for_whole() {
    if !strace() {
        return;
    }
    let stage = Stage::new(MIB);
    let media = stage.media();
    let length = stage.ciphertext().len();
    let open = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open(&media)
            .expect("media")
    };
    let shrink = || open().set_len(100_000).expect("media");
    let empty = || open().set_len(0).expect("media");
    let grow = || open().set_len(length as u64 + 1).expect("media");
    let replace = || std::fs::write(&media, vec![0x55; length]).expect("media");
    let changes: [(&str, &dyn Fn()); 4] = [
        ("shrinks", &shrink),
        ("is emptied", &empty),
        ("grows", &grow),
        ("is replaced", &replace),
    ];
    let mut to_stdout = stage.unreel();
    to_stdout.arg(stage.media());
    // The reads of the linker come first; then one for the head, two at the least a pass.
    let reads = calls(&stage, Mode::New, None, &["pread64"]).len();
    let per_pass = MIB.div_ceil(SEGMENT);
    for (name, change) in changes {
        stage.clear();
        let what = format!("{name}, to a file");
        stage.put_media();
        let output = changed_at(&stage, &stage.to_file(), reads - per_pass + 1, change);
        assert_refused(&output, 7, &what);
        stage.assert_untouched(false, &what);

        let what = format!("{name} in the first pass, to standard output");
        stage.put_media();
        let output = changed_at(&stage, &to_stdout, reads - per_pass + 1, change);
        assert_refused(&output, 7, &what);
        assert_eq!(output.stdout.len(), 0, "{what}");

        let what = format!("{name} in the second pass, to standard output");
        stage.put_media();
        let output = changed_at(&stage, &to_stdout, reads + 2, change);
        assert_refused(&output, 7, &what);
        assert!(
            stderr(&output).contains("it changed while it was being read"),
            "{what}"
        );
        assert!(output.stdout.len() < stage.plaintext.len() + 16, "{what}");
        stage.assert_untouched(false, &what);
    }
}

/// Without a tag, the time of the last write is what tells.
#[test]
fn an_archive_that_changes_under_way_is_refused() {
    if !strace() {
        return;
    }
    let stage = Stage::new(MIB);
    let media = stage.path("tmp/archive.ts.enc");
    let target = stage.target();
    let name = "vonage/5eed0000-0000-4000-8000-000000000001.ts.enc";
    let original = std::fs::read(fixture(name)).expect("a fixture");
    let change = || {
        // A byte inside a packet, which no check of the structure sees.
        let mut changed = original.clone();
        changed[5000] ^= 1;
        std::fs::write(&media, changed).expect("media");
    };
    for action in [&["-o", target.to_str().expect("a name")][..], &["--check"]] {
        std::fs::write(&media, &original).expect("media");
        let mut command = unreel();
        command
            .args(["vonage", "-m"])
            .arg(fixture("vonage/archive-1.json"))
            .arg("-k")
            .arg(fixture("keys/pkcs8.pem"))
            .arg(&media)
            .args(action);
        let log = stage.path("trace");
        let options = [
            "-qq",
            "-o",
            log.to_str().expect("a name"),
            "-e",
            "trace=pread64",
        ];
        let output = run(under("strace", &options, &command));
        assert!(output.status.success(), "{}", stderr(&output));
        let log = std::fs::read_to_string(&log).expect("a log");
        std::fs::remove_file(&target).ok();
        // The last looks whether the file goes on: all of it was read by then.
        let reads = log.matches("pread64(").count();
        let output = changed_at(&stage, &command, reads, &change);
        assert_refused(&output, 7, &format!("{action:?}"));
        assert!(stderr(&output).contains("it changed while it was being read"));
        assert_eq!(contents(&stage.path("out")).len(), 0, "{action:?}");
    }
}

#[test]
fn standard_input_that_fails_is_exit_3() {
    let stage = Stage::new(MIB);
    // Reading a folder is an error of read(2) itself.
    let folder = std::fs::File::open(stage.path("in")).expect("a folder");
    let output = stage.piped_to_file().stdin(Stdio::from(folder)).output();
    assert_refused(&output.expect("it ends"), 3, "a folder");
    stage.assert_untouched(false, "a folder");
}
