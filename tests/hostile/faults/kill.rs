//! `kill -9`.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use super::stage::{MIB, MODES, Mode, QUARTER, Random, calls, faulty, strace, unnamed, usual_time};
use crate::common::contents;
use crate::common::made::{OLD, Stage, say, start};

pub(super) const OUTPUT_CALLS: [&str; 12] = [
    "write",
    "pwrite64",
    "copy_file_range",
    "sendfile",
    "fsync",
    "fdatasync",
    "linkat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
];

/// After a kill: the output is whole or not there, the old file is there or replaced by all of
/// it, and what else is left is private. Returns how many other names are left.
fn assert_after_kill(stage: &Stage, mode: Mode, what: &str) -> usize {
    let mut left = 0;
    for (name, bytes) in contents(&stage.path("out")) {
        let path = stage.path("out").join(&name);
        if name == "call.wav" {
            let whole = bytes == stage.plaintext;
            assert!(
                whole || mode.has_old() && bytes == OLD,
                "{what}: {name} is partial"
            );
            continue;
        }
        assert!(name.starts_with(".call.wav.unreel-"), "{what}: {name}");
        let permissions = std::fs::metadata(&path).expect("a file").permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600, "{what}: {name}");
        match mode {
            Mode::New => panic!("{what}: {name} is left"),
            // Between its two names, when everything was verified.
            Mode::Force => assert!(bytes == stage.plaintext, "{what}: {name} is partial"),
            Mode::Named | Mode::Copied | Mode::NamedForce => {}
        }
        left += 1;
    }
    assert!(left <= 1, "{what}: {left} files are left");
    assert!(
        !mode.has_old() || stage.target().exists(),
        "{what}: the old file is lost"
    );
    stage.assert_no_temporary(what);
    left
}

/// Kills a run at each of its calls in each mode. Returns how often, and how many files of the
/// fallbacks were left.
pub(super) fn kill_at_every_call(stage: &Stage, which: &[&str]) -> (usize, usize) {
    let unnamed = unnamed(stage, &stage.to_file());
    let unnamed = unnamed.as_ref();
    let (mut kills, mut left) = (0, 0);
    for mode in MODES {
        for call in calls(stage, mode, unnamed, which) {
            // A call that strace fails already: it cannot do two things to it.
            let is_busy = mode
                .injections(unnamed)
                .iter()
                .any(|injection| injection.contains(&format!("inject={}:", call.name)));
            if is_busy || call.name == "exit_group" {
                continue;
            }
            let what = format!("{mode:?}, killed at {} {}", call.name, call.number);
            let output = faulty(stage, mode, unnamed, &[call.fault("signal=SIGKILL")]);
            let killed = output.status.signal() == Some(9);
            assert!(
                killed || output.status.success(),
                "{what}: {}",
                output.status
            );
            left += assert_after_kill(stage, mode, &what);
            kills += usize::from(killed);
        }
    }
    (kills, left)
}

#[test]
fn a_kill_at_any_output_call_leaves_all_or_nothing() {
    if strace() {
        let (kills, _) = kill_at_every_call(&Stage::new(QUARTER), &OUTPUT_CALLS);
        assert!(kills > 30, "{kills}");
    }
}

#[test]
#[ignore = "takes minutes"]
fn long_a_kill_at_any_system_call_leaves_all_or_nothing() {
    if strace() {
        let (kills, left) = kill_at_every_call(&Stage::new(2 * MIB), &[]);
        say(&format!(
            "COUNT: kills at system calls: {kills}, files of the fallbacks left: {left}"
        ));
    }
}

/// Kills runs at random times. Returns how many were killed before they were done.
fn kill_at_random(times: usize, length: usize) -> (usize, usize) {
    let stage = Stage::new(length);
    let usual = usual_time(&stage);
    let mut random = Random(0x5eed);
    let (mut killed, mut left) = (0, 0);
    for number in 0..times {
        let mode = [Mode::New, Mode::Force][number % 2];
        stage.clear();
        if mode.has_old() {
            stage.put_old();
        }
        let mut child = start(&mut mode.command(&stage));
        std::thread::sleep(Duration::from_micros(random.below(usual * 5 / 4)));
        child.kill().ok();
        let output = child.wait_with_output().expect("it ends");
        killed += usize::from(output.status.signal() == Some(9));
        left += assert_after_kill(&stage, mode, &format!("kill {number}"));
    }
    (killed, left)
}

#[test]
fn a_kill_at_any_time_leaves_all_or_nothing() {
    let (killed, _) = kill_at_random(60, MIB);
    assert!(killed > 0);
}

#[test]
#[ignore = "takes minutes"]
fn long_a_kill_at_any_time_leaves_all_or_nothing() {
    let (killed, left) = kill_at_random(1000, 2 * MIB);
    say(&format!(
        "COUNT: kills at random times: {killed} of 1000 before the end, names left: {left}"
    ));
}
