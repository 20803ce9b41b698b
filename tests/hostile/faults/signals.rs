//! SIGTERM, SIGINT, SIGHUP.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::stage::{MIB, Mode, QUARTER, Random, signal, strace, unnamed, usual_time};
use crate::common::made::{Stage, half_way, run, say, skip, start, under, wait_for};
use crate::common::{contents, fixture, stderr, unreel};

pub(super) const SIGNALS: [(Signal, i32); 3] =
    [(Signal::TERM, 15), (Signal::INT, 2), (Signal::HUP, 1)];

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

/// What a signal makes of a run that waits for the rest of its input. That stays open: an input
/// that ended would be an error of its own, and a race.
pub(super) fn signalled(mut child: Child, kind: Signal) -> Output {
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

/// With -f the new file has a name of its own at first. A signal that comes when it is about to be
/// made finds nothing to remove yet; it must not be made behind it.
#[test]
fn a_signal_before_a_name_is_made_leaves_no_name() {
    if !strace() {
        return;
    }
    let stage = Stage::new(QUARTER);
    stage.put_old();
    let log = stage.path("trace");
    let options = [
        "-fDqqo",
        log.to_str().expect("a name"),
        "-etrace=linkat,?unlink,unlinkat,?rename,?renameat,renameat2",
        "-einject=linkat:delay_enter=200000:delay_exit=400000",
        "-einject=?unlink,unlinkat:delay_exit=300000",
        // Nor can the run be over before the signal is heeded, however busy the machine.
        "-einject=?rename,?renameat,renameat2:delay_enter=10000000",
    ];
    let mut command = under("strace", &options, &Mode::Force.command(&stage));
    let child = start(&mut command);
    wait_for("link", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains(" linkat("))
    });
    let output = signalled(child, Signal::TERM);
    let what = format!("{}", output.status);
    assert_eq!(output.status.signal(), Some(15), "{what}");
    std::fs::remove_file(&log).expect("a log");
    stage.assert_untouched_or_whole(true, &what);
}

/// As `prlimit --nproc=1` has it for everybody but root.
#[test]
fn where_no_thread_is_allowed_there_is_one_less() {
    if !strace() {
        return;
    }
    let stage = Stage::new(QUARTER);
    let mut inspect = unreel();
    inspect.arg("inspect").arg(fixture("keys/pkcs8.pem"));
    let mut keygen = unreel();
    keygen.arg("keygen").arg("-d").arg(stage.path("out/keys"));
    for command in [inspect, keygen] {
        let fault = "inject=clone,clone3:error=EAGAIN";
        let output = run(under(
            "strace",
            &["-qq", "-o", "/dev/null", "-e", fault],
            &command,
        ));
        assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    }
}
