//! Disks that are full, broken, limited, not to be written to, or gone.

use std::os::unix::fs::PermissionsExt;

use super::stage::{MIB, MODES, Mode, QUARTER, calls, faulty, other_half, strace, unnamed};
use crate::common::made::{
    Stage, assert_sound, half_way, on_small_disk, run, say, skip, under, wait_for,
};
use crate::common::{assert_refused, run_with, stderr};

/// Fails each call of the output with each error. Returns the cases.
pub(super) fn fail_at_every_call(stage: &Stage, errors: &[&str], modes: &[Mode]) -> usize {
    let unnamed = unnamed(stage, &stage.to_file());
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
        let calls = calls(stage, mode, unnamed, &which);
        let syncs = calls.iter().filter(|call| call.name == "fsync").count();
        for call in &calls {
            for error in errors {
                let what = format!("{mode:?}, {error} at {} {}", call.name, call.number);
                let output = faulty(
                    stage,
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
        let cases = fail_at_every_call(&Stage::new(QUARTER), &["ENOSPC"], &MODES);
        assert!(cases > 20, "{cases}");
        fail_at_every_call(&Stage::new(QUARTER), &["EDQUOT", "EIO"], &[Mode::New]);
    }
}

#[test]
#[ignore = "takes minutes"]
fn long_a_full_or_broken_disk_is_exit_8_and_leaves_nothing() {
    if strace() {
        let errors = ["ENOSPC", "EDQUOT", "EIO", "EFBIG", "EROFS"];
        let cases = fail_at_every_call(&Stage::new(2 * MIB), &errors, &MODES);
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
    let output = run_with(command, &stage.ciphertext());
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
