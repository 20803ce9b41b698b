//! A run under strace, which makes it go another way, or fail at a system call.

use std::io::Write;
use std::process::{Child, Command, Output};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::made::{Stage, has, holds_plaintext, run, skip, under};
use crate::common::{self, stderr};

pub(super) const MIB: usize = 1 << 20;

/// Two segments: enough for several calls of each kind.
pub(super) const QUARTER: usize = 250_000;

/// How a run writes its output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
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

pub(super) const MODES: [Mode; 5] = [
    Mode::New,
    Mode::Force,
    Mode::Named,
    Mode::Copied,
    Mode::NamedForce,
];

impl Mode {
    pub(super) fn has_old(self) -> bool {
        matches!(self, Self::Force | Self::NamedForce)
    }

    pub(super) fn command(self, stage: &Stage) -> Command {
        let mut command = stage.to_file();
        if self.has_old() {
            command.arg("-f");
        }
        command
    }

    /// What strace has to do for a run to go this way.
    pub(super) fn injections(self, unnamed: Option<&Call>) -> Vec<String> {
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
pub(super) fn faulty(
    stage: &Stage,
    mode: Mode,
    unnamed: Option<&Call>,
    fault: &[String],
) -> Output {
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
pub(super) fn strace() -> bool {
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
pub(super) struct Call {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) line: String,
}

impl Call {
    pub(super) fn fault(&self, fault: &str) -> String {
        format!("inject={}:{fault}:when={}", self.name, self.number)
    }

    pub(super) fn is_talk(&self) -> bool {
        self.name == "write" && self.line.starts_with("write(2,")
    }
}

/// The system calls of an undisturbed run, of the names in `which` (all of them if it is empty).
pub(super) fn calls(
    stage: &Stage,
    mode: Mode,
    unnamed: Option<&Call>,
    which: &[&str],
) -> Vec<Call> {
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
pub(super) fn traced(stage: &Stage, command: &Command, injections: &[String]) -> Vec<Call> {
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
pub(super) fn unnamed(stage: &Stage, command: &Command) -> Option<Call> {
    stage.clear();
    let calls = traced(stage, command, &[]);
    let made = |call: &Call| call.line.contains("O_TMPFILE") && !call.line.contains("= -1");
    calls.into_iter().find(made)
}

/// Numbers that look random.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// How long an undisturbed run takes, in microseconds: the shortest of some.
pub(super) fn usual_time(stage: &Stage) -> u64 {
    let times = (0..5).map(|_| {
        stage.clear();
        let begin = Instant::now();
        assert!(run(stage.to_file()).status.success());
        begin.elapsed().as_micros()
    });
    u64::try_from(times.min().expect("a time")).expect("a short time")
}

pub(super) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, signal).ok();
}

/// The rest of the recording.
pub(super) fn other_half(stage: &Stage, child: &mut Child) {
    let ciphertext = stage.ciphertext();
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&ciphertext[ciphertext.len() / 2..]).ok();
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
