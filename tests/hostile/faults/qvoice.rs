//! The same for `unreel qvoice`, which reads all of its input before it knows the format.

use std::os::unix::process::ExitStatusExt;

use super::disk::fail_at_every_call;
use super::kill::{OUTPUT_CALLS, kill_at_every_call};
use super::reads::changed_at;
use super::signals::{SIGNALS, signalled};
use super::stage::{MIB, MODES, Mode, QUARTER, calls, strace};
use crate::common::made::{Stage, half_way, run, say, under};
use crate::common::{assert_refused, run_with, stderr};

#[test]
fn a_kill_at_any_output_call_leaves_all_or_nothing() {
    if strace() {
        let (kills, _) = kill_at_every_call(&Stage::qvoice(QUARTER), &OUTPUT_CALLS);
        assert!(kills > 30, "{kills}");
    }
}

#[test]
fn a_full_or_broken_disk_is_exit_8_and_leaves_nothing() {
    if strace() {
        let errors = ["ENOSPC", "EDQUOT", "EIO"];
        let stage = Stage::qvoice(QUARTER);
        let cases = fail_at_every_call(&stage, &errors, &[Mode::New, Mode::Force]);
        assert!(cases > 20, "{cases}");
    }
}

#[test]
fn a_signal_half_way_leaves_nothing_and_is_the_exit_status() {
    let stage = Stage::qvoice(4 * MIB);
    for (kind, number) in SIGNALS {
        let child = half_way(&stage, &mut stage.piped_to_file());
        assert_eq!(signalled(child, kind).status.signal(), Some(number));
        stage.assert_untouched(false, "half way");
    }
}

#[test]
fn a_spool_that_is_full_is_exit_8_and_leaves_nothing() {
    let stage = Stage::qvoice(MIB);
    let script = "ulimit -f 200; exec \"$0\" \"$@\"";
    let command = under("sh", &["-c", script], &stage.piped_to_file());
    let output = run_with(command, &stage.ciphertext());
    assert_refused(&output, 8, "spool");
    assert!(stderr(&output).contains("temporary folder"));
    stage.assert_untouched(false, "spool");
}

/// What was found out about the format holds for the bytes that it was found out of.
#[test]
fn an_input_that_changes_under_way_is_never_taken_for_whole() {
    if !strace() {
        return;
    }
    let stage = Stage::qvoice(MIB);
    let length = stage.ciphertext().len();
    let reads = calls(&stage, Mode::New, None, &["pread64"]).len();
    let shrink = || {
        let media = std::fs::OpenOptions::new().write(true).open(stage.media());
        media.expect("media").set_len(100_000).expect("media");
    };
    let replace = || std::fs::write(stage.media(), vec![0x55; length]).expect("media");
    let changes: [&dyn Fn(); 2] = [&shrink, &replace];
    for (number, change) in changes.into_iter().enumerate() {
        for read in [reads - 12, reads - 4] {
            stage.clear();
            stage.put_media();
            let what = format!("change {number} at read {read} of {reads}");
            let output = changed_at(&stage, &stage.to_file(), read, change);
            assert_refused(&output, 7, &what);
            stage.assert_untouched(false, &what);
        }
    }
    stage.put_media();
    assert!(run(stage.to_file()).status.success());
}

#[test]
#[ignore = "takes minutes"]
fn long_any_kill_or_full_disk_leaves_all_or_nothing() {
    if strace() {
        let stage = Stage::qvoice(2 * MIB);
        let (kills, left) = kill_at_every_call(&stage, &[]);
        let errors = ["ENOSPC", "EDQUOT", "EIO", "EFBIG", "EROFS"];
        let cases = fail_at_every_call(&stage, &errors, &MODES);
        say(&format!(
            "COUNT: qvoice: kills at system calls: {kills}, files of the fallbacks left: {left}; \
             failed writes and syncs: {cases}"
        ));
    }
}
