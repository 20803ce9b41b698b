//! Whatever ends a run, and whenever: no new name, the old file as it was, no plaintext left.
//!
//! `cargo test` runs a sample; `cargo test --release --test faults -- --ignored` runs all of it
//! and prints the counts of `docs/reliability.md`.
#![allow(clippy::expect_used, clippy::panic, reason = "it is a test")]

mod common;
#[path = "common/made.rs"]
mod made;

use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{assert_refused, contents, stderr};
use made::{
    OLD, Stage, assert_sound, encrypted, has, holds_plaintext, on_small_disk, plaintext, run, say,
    skip, start, under, wait_for,
};
use rustix::process::{Pid, Signal, kill_process};
use unreel::cipher::{Cipher, CipherError, Engine, Gcm, Input, ReadAt, SEGMENT, WriteAt};

const MIB: usize = 1 << 20;

/// Two segments: enough for several calls of each kind.
const QUARTER: usize = 250_000;

/// How a run writes its output.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Without a name, then linked.
    New,
    /// The same, over an old file: linked under a name of its own, then renamed.
    Force,
    /// Where the file system has no `O_TMPFILE`.
    Named,
    /// Where it has, and links none.
    Copied,
    /// Over an old file where the file system has no `O_TMPFILE`.
    NamedForce,
}

const MODES: [Mode; 5] = [
    Mode::New,
    Mode::Force,
    Mode::Named,
    Mode::Copied,
    Mode::NamedForce,
];

impl Mode {
    fn has_old(self) -> bool {
        matches!(self, Self::Force | Self::NamedForce)
    }

    fn command(self, stage: &Stage) -> Command {
        let mut command = stage.to_file();
        if self.has_old() {
            command.arg("-f");
        }
        command
    }

    /// What strace has to do for a run to go this way.
    fn injections(self, unnamed: Option<&Call>) -> Vec<String> {
        match (self, unnamed) {
            (Self::Named | Self::NamedForce, Some(call)) => {
                vec![call.fault("error=EOPNOTSUPP")]
            }
            (Self::Copied, _) => vec!["inject=linkat:error=EXDEV".to_owned()],
            _ => vec![],
        }
    }
}

/// A run under strace that goes the way of `mode`, with one fault more.
fn faulty(stage: &Stage, mode: Mode, unnamed: Option<&Call>, fault: &[String]) -> Output {
    let mut options = vec!["-qq".to_owned(), "-o".to_owned(), "/dev/null".to_owned()];
    for injection in mode.injections(unnamed).iter().chain(fault) {
        options.extend(["-e".to_owned(), injection.clone()]);
    }
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    stage.clear();
    if mode.has_old() {
        stage.put_old();
    }
    run(under("strace", &options, &mode.command(stage)))
}

/// Whether strace is there and may trace.
fn strace() -> bool {
    let works = has("strace")
        && Command::new("strace")
            .args([
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                "inject=getppid:error=EIO",
                "true",
            ])
            .output()
            .is_ok_and(|output| output.status.success());
    if !works {
        skip("faults of system calls: strace is not installed, or may not trace");
    }
    works
}

/// One system call of a run: its name, which of that name it is, and the line of strace.
struct Call {
    name: String,
    number: usize,
    line: String,
}

impl Call {
    fn fault(&self, fault: &str) -> String {
        format!("inject={}:{fault}:when={}", self.name, self.number)
    }

    fn is_talk(&self) -> bool {
        self.name == "write" && self.line.starts_with("write(2,")
    }
}

/// The system calls of an undisturbed run, of the names in `which` (all of them if it is empty).
fn calls(stage: &Stage, mode: Mode, unnamed: Option<&Call>, which: &[&str]) -> Vec<Call> {
    stage.clear();
    if mode.has_old() {
        stage.put_old();
    }
    let injections = mode.injections(unnamed);
    let mut calls = traced(stage, &mode.command(stage), &injections);
    stage.assert_whole("an undisturbed run");
    calls.retain(|call| which.is_empty() || which.contains(&call.name.as_str()));
    calls
}

/// All system calls of a run that succeeds.
fn traced(stage: &Stage, command: &Command, injections: &[String]) -> Vec<Call> {
    let log = stage.path("trace");
    let mut options = vec!["-qq", "-o", log.to_str().expect("a name")];
    for injection in injections {
        options.extend(["-e", injection]);
    }
    let output = common::run_with(under("strace", &options, command), &stage.ciphertext());
    assert!(output.status.success(), "{}", stderr(&output));
    let text = std::fs::read_to_string(&log).expect("a log");
    std::fs::remove_file(&log).expect("a log");
    let mut calls: Vec<Call> = Vec::new();
    for line in text.lines() {
        let Some((name, _)) = line.split_once('(') else {
            continue;
        };
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            continue;
        }
        let number = calls.iter().filter(|call| call.name == name).count() + 1;
        calls.push(Call {
            name: name.to_owned(),
            number,
            line: line.to_owned(),
        });
    }
    calls
}

/// The call of a run that makes the unnamed file; `None` if the file system has none.
fn unnamed(stage: &Stage, command: &Command) -> Option<Call> {
    stage.clear();
    let calls = traced(stage, command, &[]);
    let made = |call: &Call| call.line.contains("O_TMPFILE") && !call.line.contains("= -1");
    calls.into_iter().find(made)
}

const OUTPUT_CALLS: [&str; 12] = [
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
fn kill_at_every_call(length: usize, which: &[&str]) -> (usize, usize) {
    let stage = Stage::new(length);
    let unnamed = unnamed(&stage, &stage.to_file());
    let unnamed = unnamed.as_ref();
    let (mut kills, mut left) = (0, 0);
    for mode in MODES {
        for call in calls(&stage, mode, unnamed, which) {
            // A call that strace fails already: it cannot do two things to it.
            let is_busy = mode
                .injections(unnamed)
                .iter()
                .any(|injection| injection.contains(&format!("inject={}:", call.name)));
            if is_busy || call.name == "exit_group" {
                continue;
            }
            let what = format!("{mode:?}, killed at {} {}", call.name, call.number);
            let output = faulty(&stage, mode, unnamed, &[call.fault("signal=SIGKILL")]);
            let killed = output.status.signal() == Some(9);
            assert!(
                killed || output.status.success(),
                "{what}: {}",
                output.status
            );
            left += assert_after_kill(&stage, mode, &what);
            kills += usize::from(killed);
        }
    }
    (kills, left)
}

#[test]
fn a_kill_at_any_output_call_leaves_all_or_nothing() {
    if strace() {
        let (kills, _) = kill_at_every_call(QUARTER, &OUTPUT_CALLS);
        assert!(kills > 30, "{kills}");
    }
}

#[test]
#[ignore = "takes minutes"]
fn long_a_kill_at_any_system_call_leaves_all_or_nothing() {
    if strace() {
        let (kills, left) = kill_at_every_call(2 * MIB, &[]);
        say(&format!(
            "COUNT: kills at system calls: {kills}, files of the fallbacks left: {left}"
        ));
    }
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// How long an undisturbed run takes, in microseconds: the shortest of some.
fn usual_time(stage: &Stage) -> u64 {
    let times = (0..5).map(|_| {
        stage.clear();
        let begin = Instant::now();
        assert!(run(stage.to_file()).status.success());
        begin.elapsed().as_micros()
    });
    u64::try_from(times.min().expect("a time")).expect("a short time")
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

/// Fails each call of the output with each error. Returns the cases.
fn fail_at_every_call(length: usize, errors: &[&str], modes: &[Mode]) -> usize {
    let stage = Stage::new(length);
    let unnamed = unnamed(&stage, &stage.to_file());
    let unnamed = unnamed.as_ref();
    let mut cases = 0;
    for &mode in modes {
        let which = [
            "write",
            "pwrite64",
            "copy_file_range",
            "sendfile",
            "fsync",
            "fdatasync",
        ];
        let calls = calls(&stage, mode, unnamed, &which);
        let syncs = calls.iter().filter(|call| call.name == "fsync").count();
        for call in &calls {
            for error in errors {
                let what = format!("{mode:?}, {error} at {} {}", call.name, call.number);
                let output = faulty(
                    &stage,
                    mode,
                    unnamed,
                    &[call.fault(&format!("error={error}"))],
                );
                cases += 1;
                if call.is_talk() {
                    // Nobody hears that it worked.
                    assert!(output.status.success(), "{what}");
                    stage.assert_whole(&what);
                    continue;
                }
                assert_refused(&output, 8, &what);
                let text = stderr(&output);
                assert!(text.contains("  caused by: "), "{what}\n{text}");
                if mode.has_old() && call.name == "fsync" && call.number == syncs {
                    // The folder, after the new file took the old one's place: it is whole.
                    stage.assert_whole(&what);
                } else {
                    stage.assert_untouched(mode.has_old(), &what);
                }
            }
        }
    }
    cases
}

#[test]
fn a_full_or_broken_disk_is_exit_8_and_leaves_nothing() {
    if strace() {
        let cases = fail_at_every_call(QUARTER, &["ENOSPC"], &MODES);
        assert!(cases > 20, "{cases}");
        fail_at_every_call(QUARTER, &["EDQUOT", "EIO"], &[Mode::New]);
    }
}

#[test]
#[ignore = "takes minutes"]
fn long_a_full_or_broken_disk_is_exit_8_and_leaves_nothing() {
    if strace() {
        let errors = ["ENOSPC", "EDQUOT", "EIO", "EFBIG", "EROFS"];
        let cases = fail_at_every_call(2 * MIB, &errors, &MODES);
        say(&format!("COUNT: failed writes and syncs: {cases}"));
    }
}

/// Fails any call of a run that deals with files. Returns the cases, and how many runs succeeded.
fn fail_any_call(length: usize, which: &[&str], errors: &[&str]) -> (usize, usize) {
    let stage = Stage::new(length);
    let unnamed = unnamed(&stage, &stage.to_file());
    let unnamed = unnamed.as_ref();
    let (mut cases, mut succeeded) = (0, 0);
    for mode in [Mode::New, Mode::Force] {
        for call in calls(&stage, mode, unnamed, which) {
            for error in errors {
                let what = format!(
                    "{mode:?}, {error} at {} {}\n{}",
                    call.name, call.number, call.line
                );
                let output = faulty(
                    &stage,
                    mode,
                    unnamed,
                    &[call.fault(&format!("error={error}"))],
                );
                if output.status.code() == Some(127) {
                    // The dynamic linker's own call: the program never ran.
                    stage.assert_untouched(mode.has_old(), &what);
                    continue;
                }
                cases += 1;
                if mode.has_old() && !output.status.success() && stage.is_whole() {
                    // The folder's sync, after the new file took the old one's place.
                    assert_refused(&output, 8, &what);
                    continue;
                }
                succeeded += usize::from(assert_sound(&stage, &output, mode.has_old(), &what));
            }
        }
    }
    (cases, succeeded)
}

trait Judged {
    fn is_whole(&self) -> bool;
    fn assert_untouched_or_whole(&self, old: bool, what: &str);
}

impl Judged for Stage {
    fn is_whole(&self) -> bool {
        std::fs::read(self.target()).is_ok_and(|bytes| bytes == self.plaintext)
    }

    fn assert_untouched_or_whole(&self, old: bool, what: &str) {
        if self.is_whole() {
            self.assert_whole(what);
        } else {
            self.assert_untouched(old, what);
        }
    }
}

#[test]
#[ignore = "takes minutes"]
fn long_any_failing_file_call_is_an_error_or_does_not_matter() {
    if strace() {
        let which = [
            "openat",
            "open",
            "read",
            "pread64",
            "write",
            "pwrite64",
            "fsync",
            "statx",
            "fstat",
            "newfstatat",
            "lseek",
            "close",
            "linkat",
            "renameat2",
            "rename",
            "unlink",
            "unlinkat",
            "readlink",
            "fcntl",
            "getdents64",
        ];
        let (cases, succeeded) = fail_any_call(MIB, &which, &["EIO", "EACCES", "ENOMEM"]);
        say(&format!(
            "COUNT: failing file calls: {cases}, of which did not matter: {succeeded}"
        ));
    }
}

/// With -f and no descriptor left, the name that the new file had at first stayed beside it.
#[test]
fn too_few_descriptors_leave_no_second_name() {
    if strace() {
        let (cases, _) = fail_any_call(QUARTER, &["fcntl"], &["EMFILE"]);
        assert!(cases > 4, "{cases}");
    }
}

#[test]
fn an_unreadable_disk_is_exit_3_and_leaves_nothing() {
    if !strace() {
        return;
    }
    let stage = Stage::new(QUARTER);
    let calls = calls(&stage, Mode::New, None, &["pread64"]);
    let mut tried = 0;
    for call in calls {
        let what = format!("EIO at pread64 {}", call.number);
        let output = faulty(&stage, Mode::New, None, &[call.fault("error=EIO")]);
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
fn an_interrupted_call_is_called_again() {
    if !strace() {
        return;
    }
    let stage = Stage::new(QUARTER);
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

#[test]
fn where_no_link_can_be_made_the_output_is_copied() {
    if !strace() {
        return;
    }
    let stage = Stage::new(QUARTER);
    for error in ["EPERM", "EXDEV", "EOPNOTSUPP", "ENOENT"] {
        for mode in [Mode::New, Mode::Force] {
            let what = format!("{mode:?}, {error} at linkat");
            let fault = format!("inject=linkat:error={error}");
            let output = faulty(&stage, mode, None, &[fault]);
            assert!(output.status.success(), "{what}\n{}", stderr(&output));
            stage.assert_whole(&what);
            let mode = std::fs::metadata(stage.target())
                .expect("it")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{what}");
        }
    }
}

#[test]
fn where_no_unnamed_file_can_be_made_it_has_a_name() {
    if !strace() {
        return;
    }
    let stage = Stage::new(QUARTER);
    let Some(unnamed) = unnamed(&stage, &stage.to_file()) else {
        return skip("O_TMPFILE refused: this file system has none to begin with");
    };
    for mode in [Mode::Named, Mode::NamedForce] {
        let output = faulty(&stage, mode, Some(&unnamed), &[]);
        assert!(output.status.success(), "{}", stderr(&output));
        stage.assert_whole("named");
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_exit_8() {
    let stage = Stage::new(QUARTER);
    if strace() {
        let unnamed = unnamed(&stage, &stage.to_file());
        let opened = calls(&stage, Mode::Named, unnamed.as_ref(), &["openat"]);
        let named = opened.iter().find(|call| call.line.contains("O_EXCL"));
        if let Some(named) =
            named.filter(|_| unnamed.as_ref().is_none_or(|call| call.name == "open"))
        {
            for error in ["EACCES", "EROFS"] {
                let fault = named.fault(&format!("error={error}"));
                let output = faulty(&stage, Mode::Named, unnamed.as_ref(), &[fault]);
                assert_refused(&output, 8, error);
                stage.assert_untouched(false, error);
            }
        }
    }
    stage.clear();
    let read_only = std::fs::Permissions::from_mode(0o500);
    std::fs::set_permissions(stage.path("out"), read_only).expect("a folder");
    if std::fs::File::create(stage.path("out/probe")).is_ok() {
        std::fs::remove_file(stage.path("out/probe")).expect("the probe");
        return skip("a folder of mode 0500: root writes to it");
    }
    assert_refused(&run(stage.to_file()), 8, "mode 0500");
    stage.assert_untouched(false, "mode 0500");
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, signal).ok();
}

const SIGNALS: [(Signal, i32); 3] = [(Signal::TERM, 15), (Signal::INT, 2), (Signal::HUP, 1)];

/// Signals at random times. Returns how many runs they ended.
fn signal_at_random(times: usize, length: usize) -> usize {
    let stage = Stage::new(length);
    let usual = usual_time(&stage);
    let mut random = Random(0xabcd);
    let mut ended = 0;
    for (kind, number) in SIGNALS {
        for time in 0..times {
            let mode = [Mode::New, Mode::Force][time % 2];
            stage.clear();
            if mode.has_old() {
                stage.put_old();
            }
            let child = start(&mut mode.command(&stage));
            std::thread::sleep(Duration::from_micros(random.below(usual * 5 / 4)));
            signal(&child, kind);
            let sent = Instant::now();
            let output = child.wait_with_output().expect("it ends");
            let what = format!("signal {number}, time {time}, {}", output.status);
            assert!(sent.elapsed() < Duration::from_secs(20), "{what}");
            if output.status.success() {
                stage.assert_whole(&what);
                continue;
            }
            assert_eq!(output.status.signal(), Some(number), "{what}");
            ended += 1;
            // The signal may come when everything is done but the exit.
            stage.assert_untouched_or_whole(mode.has_old(), &what);
        }
    }
    ended
}

#[test]
fn a_signal_at_any_time_leaves_all_or_nothing() {
    assert!(signal_at_random(12, MIB) > 0);
}

#[test]
#[ignore = "takes minutes"]
fn long_a_signal_at_any_time_leaves_all_or_nothing() {
    let ended = signal_at_random(100, 8 * MIB);
    say(&format!(
        "COUNT: signals at random times: 300, before the end: {ended}"
    ));
}

/// Feeds half of the recording to a run that writes to `out`, and keeps its input open.
fn half_way(stage: &Stage, command: &mut Command) -> Child {
    let mut child = start(command);
    let ciphertext = stage.ciphertext();
    let stdin = child.stdin.as_mut().expect("a pipe");
    stdin
        .write_all(&ciphertext[..ciphertext.len() / 2])
        .expect("it reads");
    child
}

/// The rest of the recording.
fn other_half(stage: &Stage, child: &mut Child) {
    let ciphertext = stage.ciphertext();
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&ciphertext[ciphertext.len() / 2..]).ok();
}

/// What a signal makes of a run that waits for the rest of its input. That stays open: an input
/// that ended would be an error of its own, and a race.
fn signalled(mut child: Child, kind: Signal) -> Output {
    let stdin = child.stdin.take();
    signal(&child, kind);
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    output
}

#[test]
fn a_signal_half_way_leaves_nothing_and_is_the_exit_status() {
    let stage = Stage::new(4 * MIB);
    for (kind, number) in SIGNALS {
        let child = half_way(&stage, &mut stage.piped_to_file());
        assert_eq!(signalled(child, kind).status.signal(), Some(number));
        stage.assert_untouched(false, "half way");
    }
}

#[test]
fn a_signal_removes_the_named_temporary_file() {
    if !strace() {
        return;
    }
    let stage = Stage::new(4 * MIB);
    let Some(unnamed) = unnamed(&stage, &stage.piped_to_file()) else {
        return skip("O_TMPFILE refused: this file system has none to begin with");
    };
    let fault = unnamed.fault("error=EOPNOTSUPP");
    for (kind, number) in SIGNALS {
        stage.clear();
        // -D: the run is this test's own child, strace looks on from aside.
        let options = ["-D", "-qq", "-o", "/dev/null", "-e", &fault];
        let child = half_way(
            &stage,
            &mut under("strace", &options, &stage.piped_to_file()),
        );
        wait_for("temporary file", || {
            let names = contents(&stage.path("out"));
            names
                .keys()
                .any(|name| name.starts_with(".call.wav.unreel-"))
        });
        assert_eq!(signalled(child, kind).status.signal(), Some(number));
        stage.assert_untouched(false, "named, half way");
    }
}

#[test]
fn the_temporary_file_is_private_and_has_no_name() {
    let stage = Stage::new(4 * MIB);
    let mut child = half_way(&stage, &mut stage.piped_to_file());
    let descriptors = format!("/proc/{}/fd", child.id());
    if Path::new(&descriptors).is_dir() {
        let mut found = None;
        wait_for("unnamed file", || {
            found = std::fs::read_dir(&descriptors)
                .into_iter()
                .flatten()
                .flatten()
                .find(|entry| {
                    std::fs::read_link(entry.path())
                        .is_ok_and(|path| path.starts_with(stage.path("out")))
                })
                .map(|entry| entry.path())
                .or(found.take());
            found.is_some() || std::fs::read_dir(&descriptors).is_err()
        });
        match found {
            None => skip("a look at the unnamed file: /proc shows it to root only"),
            Some(path) => {
                let metadata = std::fs::metadata(&path).expect("a file");
                assert_eq!(metadata.nlink(), 0);
                assert_eq!(metadata.mode() & 0o777, 0o600);
            }
        }
    }
    assert_eq!(contents(&stage.path("out")).len(), 0);
    other_half(&stage, &mut child);
    assert!(child.wait().expect("it ends").success());
    stage.assert_whole("both halves");
}

#[test]
fn a_reader_that_goes_away_is_exit_8() {
    let stage = Stage::new(4 * MIB);
    for (number, amount) in [0, 1, 15, 44, 4096, 65536, 192_512, 200_000, MIB, 2 * MIB]
        .into_iter()
        .enumerate()
    {
        let mut command = stage.unreel();
        if number % 2 == 0 {
            command.arg(stage.media());
        } else {
            command
                .args(["-o", "-", "--stream-unverified"])
                .arg(stage.media());
        }
        let mut child = start(&mut command);
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut read = vec![0; amount];
        stdout.read_exact(&mut read).expect("that much");
        assert!(read == stage.plaintext[..amount]);
        drop(stdout);
        let output = child.wait_with_output().expect("it ends");
        let what = format!("closed after {amount}");
        assert_refused(&output, 8, &what);
        assert!(
            stderr(&output).contains("the output is incomplete"),
            "{what}"
        );
        stage.assert_untouched(false, &what);
    }
}

#[test]
fn a_full_device_is_exit_8() {
    let stage = Stage::new(MIB);
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return skip("/dev/full: there is none");
    };
    let output = stage.unreel().arg(stage.media()).stdout(full).output();
    assert_refused(&output.expect("it ends"), 8, "/dev/full");
    stage.assert_untouched(false, "/dev/full");
}

/// Runs it in a shell that closes or redirects descriptors first.
fn redirected(command: &Command, redirection: &str) -> Output {
    let script = format!("exec \"$0\" \"$@\" {redirection}");
    run(under("sh", &["-c", &script], command))
}

#[test]
fn descriptors_that_are_closed_from_the_start_do_no_harm() {
    let stage = Stage::new(MIB);
    for redirection in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        stage.clear();
        let output = redirected(&stage.to_file(), redirection);
        assert!(output.status.success(), "{redirection}");
        stage.assert_whole(redirection);
    }
    stage.clear();
    assert_refused(&redirected(&stage.piped_to_file(), "<&-"), 3, "no input");
    stage.assert_untouched(false, "no input");

    let mut no_metadata = common::unreel();
    no_metadata
        .args(["twilio-voice", "-m", "-"])
        .arg(stage.media());
    no_metadata.arg("-k").arg(common::fixture("keys/pkcs8.pem"));
    no_metadata.arg("-o").arg(stage.target());
    assert_refused(&redirected(&no_metadata, "<&-"), 4, "no metadata");

    stage.put_old();
    let output = redirected(&stage.to_file(), "2>&-");
    assert_eq!(output.status.code(), Some(8));
    stage.assert_untouched(true, "no messages");
}

/// A closed standard output is `/dev/null` by the time the program starts, and cannot be told
/// from one that was opened for it: docs/threat-model.md. What is promised is that no other file
/// takes its place: nothing is written over what the run opens.
#[test]
fn a_closed_standard_output_is_no_other_file() {
    let stage = Stage::new(MIB);
    let mut command = stage.unreel();
    command.arg(stage.media());
    let before = stage.ciphertext();
    let output = redirected(&command, ">&-");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stage.ciphertext() == before);
    stage.assert_untouched(false, "no standard output");
}

#[test]
fn a_limit_on_file_sizes_is_exit_8() {
    let stage = Stage::new(MIB);
    let script = "ulimit -f 200; exec \"$0\" \"$@\"";
    for old in [false, true] {
        stage.clear();
        let mut command = stage.to_file();
        if old {
            stage.put_old();
            command.arg("-f");
        }
        let output = run(under("sh", &["-c", script], &command));
        assert_refused(&output, 8, "ulimit -f");
        stage.assert_untouched(old, "ulimit -f");
    }
}

#[test]
fn a_small_disk_is_exit_8_and_stays_empty() {
    let stage = Stage::new(MIB);
    for size in [4, 64, 188, 512, 1000] {
        let Some((output, left)) = on_small_disk(&stage, size) else {
            return skip("a full tmpfs: there is no unshare(1), or it may not mount");
        };
        assert_refused(&output, 8, &format!("{size} KiB"));
        assert!(stderr(&output).contains("No space left on device"));
        assert_eq!(left, "left: \n", "{size} KiB");
    }
    let (output, left) = on_small_disk(&stage, 1100).expect("it worked before");
    assert!(output.status.success());
    assert_eq!(left, "left: call.wav\n");
}

#[test]
fn a_spool_that_is_full_is_exit_8_and_leaves_nothing() {
    let stage = Stage::new(MIB);
    let script = "ulimit -f 200; exec \"$0\" \"$@\"";
    let mut command = stage.unreel();
    command.args(["-", "-o", "-"]);
    let command = under("sh", &["-c", script], &command);
    let output = common::run_with(command, &stage.ciphertext());
    assert_refused(&output, 8, "spool");
    assert!(stderr(&output).contains("temporary folder"));
    assert_eq!(output.stdout.len(), 0);
    stage.assert_untouched(false, "spool");
}

#[test]
fn an_output_folder_that_goes_away_is_exit_8() {
    let stage = Stage::new(4 * MIB);
    let mut child = half_way(&stage, &mut stage.piped_to_file());
    wait_for("removal", || {
        std::fs::remove_dir_all(stage.path("out")).is_ok()
    });
    other_half(&stage, &mut child);
    let output = child.wait_with_output().expect("it ends");
    assert_refused(&output, 8, "a removed folder");
    assert!(!stage.path("out").exists());
    stage.assert_no_temporary("a removed folder");
}

/// Stops a run at a read of its media, changes the media, lets it go on.
fn changed_at(stage: &Stage, command: &Command, read: usize, change: &dyn Fn()) -> Output {
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
    let restore = || std::fs::write(&media, encrypted(&stage.plaintext)).expect("media");
    let mut to_stdout = stage.unreel();
    to_stdout.arg(stage.media());
    // The reads of the linker come first; then one for the head, two at the least a pass.
    let reads = calls(&stage, Mode::New, None, &["pread64"]).len();
    let per_pass = MIB.div_ceil(SEGMENT);
    for (name, change) in changes {
        stage.clear();
        let what = format!("{name}, to a file");
        restore();
        let output = changed_at(&stage, &stage.to_file(), reads - per_pass + 1, change);
        assert_refused(&output, 7, &what);
        stage.assert_untouched(false, &what);

        let what = format!("{name} in the first pass, to standard output");
        restore();
        let output = changed_at(&stage, &to_stdout, reads - per_pass + 1, change);
        assert_refused(&output, 7, &what);
        assert_eq!(output.stdout.len(), 0, "{what}");

        let what = format!("{name} in the second pass, to standard output");
        restore();
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
    let original = std::fs::read(common::fixture(name)).expect("a fixture");
    let change = || {
        // A byte inside a packet, which no check of the structure sees.
        let mut changed = original.clone();
        changed[5000] ^= 1;
        std::fs::write(&media, changed).expect("media");
    };
    for action in [&["-o", target.to_str().expect("a name")][..], &["--check"]] {
        std::fs::write(&media, &original).expect("media");
        let mut command = common::unreel();
        command
            .args(["vonage", "-m"])
            .arg(common::fixture("vonage/archive-1.json"))
            .arg("-k")
            .arg(common::fixture("keys/pkcs8.pem"))
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
fn of_two_runs_for_one_name_exactly_one_wins() {
    let stage = Stage::new(MIB);
    let ciphertext = stage.ciphertext();
    let (most, last) = ciphertext.split_at(ciphertext.len() - 16);
    for round in 0..20 {
        stage.clear();
        let skips = round % 2 == 1;
        let mut runs: Vec<_> = (0..2)
            .map(|_| {
                let mut command = stage.piped_to_file();
                if skips {
                    command.args(["--if-exists", "skip"]);
                }
                let mut child = start(&mut command);
                let mut stdin = child.stdin.take().expect("a pipe");
                stdin.write_all(most).expect("it reads");
                (child, stdin)
            })
            .collect();
        for (_, stdin) in &mut runs {
            stdin.write_all(last).expect("it reads");
        }
        let outputs: Vec<_> = runs
            .into_iter()
            .map(|(child, stdin)| {
                drop(stdin);
                child.wait_with_output().expect("it ends")
            })
            .collect();
        stage.assert_whole("a race");
        let won = |output: &&Output| stderr(output).contains("verified: tag");
        assert_eq!(outputs.iter().filter(won).count(), 1, "round {round}");
        let loser = outputs.iter().find(|output| !won(output)).expect("one");
        if skips {
            assert!(loser.status.success() && stderr(loser).contains("skipped"));
        } else {
            assert_refused(loser, 8, "the loser");
            assert!(stderr(loser).contains("exists already"));
        }
    }
}

/// A file that reads short, is interrupted, and fails at one read.
struct Flaky {
    bytes: Vec<u8>,
    reads: AtomicUsize,
    fails_at: usize,
}

impl ReadAt for Flaky {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let number = self.reads.fetch_add(1, Ordering::Relaxed);
        if number == self.fails_at {
            return Err(io::ErrorKind::Other.into());
        }
        if number % 5 == 3 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let rest = &self.bytes[usize::try_from(offset)
            .expect("short")
            .min(self.bytes.len())..];
        let count = rest.len().min(buffer.len()).min(1 + number * 7919 % 50_000);
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// A file that fails at one write.
struct Full {
    bytes: Mutex<Vec<u8>>,
    writes: AtomicUsize,
    fails_at: usize,
    error: io::ErrorKind,
}

impl WriteAt for Full {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.writes.fetch_add(1, Ordering::Relaxed) == self.fails_at {
            return Err(self.error.into());
        }
        let mut all = self.bytes.lock().expect("the lock");
        let start = usize::try_from(offset).expect("short");
        let end = all.len().max(start + bytes.len());
        all.resize(end, 0);
        all[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

fn gcm() -> Cipher {
    use made::{CONTENT_KEY, IV};
    Cipher::Gcm(Gcm::new(&CONTENT_KEY, &IV, &[]))
}

#[test]
fn the_engine_bears_short_and_interrupted_reads_and_reports_failed_ones() {
    let plaintext = plaintext(3 * SEGMENT + 1234);
    let bytes = encrypted(&plaintext);
    let length = bytes.len() as u64;
    let mut file = Flaky {
        bytes,
        reads: AtomicUsize::new(0),
        fails_at: usize::MAX,
    };
    for threads in 1..4 {
        let engine = Engine {
            threads,
            progress: &|_| (),
        };
        let run = |file: &Flaky| {
            file.reads.store(0, Ordering::Relaxed);
            let mut out = Vec::new();
            let result = engine.decrypt(
                &gcm(),
                Input::File { file, length },
                None,
                &mut |_, bytes| {
                    out.extend_from_slice(bytes);
                    Ok(())
                },
            );
            (result, out)
        };
        file.fails_at = usize::MAX;
        let (result, out) = run(&file);
        result.expect("it opens");
        assert!(out == plaintext);
        let reads = file.reads.load(Ordering::Relaxed);
        for at in 0..reads {
            file.fails_at = at;
            let (result, _) = run(&file);
            assert!(
                matches!(result, Err(CipherError::Read(_))),
                "{at}: {result:?}"
            );
        }
    }
}

#[test]
fn the_engine_reports_every_failed_write() {
    let plaintext = plaintext(5 * SEGMENT + 77);
    let bytes = encrypted(&plaintext);
    for threads in 1..4 {
        for error in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::Other,
        ] {
            for fails_at in 0..7 {
                let sink = Full {
                    bytes: Mutex::default(),
                    writes: AtomicUsize::new(0),
                    fails_at,
                    error,
                };
                let engine = Engine {
                    threads,
                    progress: &|_| (),
                };
                let mut input = &bytes[..];
                let input = Input::Stream(&mut input);
                let result = engine.decrypt(&gcm(), input, Some(&sink), &mut |_, _| Ok(()));
                match result {
                    Err(CipherError::Write(found)) => assert_eq!(found.kind(), error),
                    Ok(_) => {
                        assert_eq!(fails_at, 6, "it was never reached");
                        assert!(*sink.bytes.lock().expect("the lock") == plaintext);
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
}

/// The judge itself: a plaintext on disk is found.
#[test]
fn plaintext_is_recognised() {
    let stage = Stage::new(MIB);
    assert!(!holds_plaintext(&stage.media()));
    std::fs::write(stage.path("tmp/leak"), &stage.plaintext[100_000..100_200]).expect("a file");
    assert!(holds_plaintext(&stage.path("tmp/leak")));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        stage.assert_untouched(false, "a leak");
    }));
    assert!(caught.is_err());
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
