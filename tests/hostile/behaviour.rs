//! The 17 checks of docs/reliability.md for unreel. `tests/hostile/behaviour/matrix.py` runs the same
//! ones on other tools too.
#![allow(clippy::expect_used, clippy::panic, reason = "it is a test")]

use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use crate::common::made::{OLD, Stage, has, on_small_disk, run, skip, start, under};
use crate::common::{self, assert_refused, contents, fixture, stderr};
use rustix::process::{Pid, Signal, kill_process};

const LENGTH: usize = 1 << 20;

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

/// Damages the media, and expects the run to fail and to leave nothing.
fn no_file_after(damage: impl Fn(&mut Vec<u8>), what: &str) {
    let stage = Stage::new(LENGTH);
    let mut bytes = stage.ciphertext();
    damage(&mut bytes);
    std::fs::write(stage.media(), bytes).expect("media");
    assert_refused(&run(stage.to_file()), 7, what);
    stage.assert_untouched(false, what);
}

#[test]
fn the_recording_comes_out_whole() {
    let stage = Stage::new(LENGTH);
    succeeded(&run(stage.to_file()));
    stage.assert_whole("round trip");
}

#[test]
fn no_file_after_a_wrong_key() {
    let stage = Stage::new(LENGTH);
    let mut command = common::unreel();
    command
        .args(["twilio-voice", "-m"])
        .arg(fixture("twilio-voice/details.json"));
    command.arg("-k").arg(fixture("keys/other.pem"));
    command.arg(stage.media()).arg("-o").arg(stage.target());
    assert_refused(&run(command), 6, "a wrong key");
    stage.assert_untouched(false, "a wrong key");
}

#[test]
fn no_file_after_a_flipped_bit_in_the_middle() {
    no_file_after(|bytes| bytes[LENGTH / 2] ^= 1, "a flipped bit");
}

#[test]
fn no_file_after_a_flipped_bit_at_the_end() {
    no_file_after(|bytes| bytes[LENGTH + 15] ^= 1, "a flipped bit");
}

#[test]
fn no_file_after_an_input_cut_in_half() {
    no_file_after(|bytes| bytes.truncate(LENGTH / 2), "half");
}

#[test]
fn no_file_after_an_input_without_its_last_byte() {
    no_file_after(|bytes| bytes.truncate(LENGTH + 15), "a byte less");
}

#[test]
fn no_file_after_an_input_with_bytes_behind_it() {
    no_file_after(|bytes| bytes.extend(b"trailing garbage"), "bytes behind it");
}

#[test]
fn tampered_input_keeps_the_old_file() {
    let stage = Stage::new(LENGTH);
    let mut bytes = stage.ciphertext();
    bytes[LENGTH / 2] ^= 1;
    std::fs::write(stage.media(), bytes).expect("media");
    stage.put_old();
    let mut command = stage.to_file();
    command.arg("-f");
    assert_refused(&run(command), 7, "tampered, -f");
    stage.assert_untouched(true, "tampered, -f");
}

#[test]
fn an_existing_file_is_not_overwritten_unasked() {
    let stage = Stage::new(LENGTH);
    stage.put_old();
    assert_refused(&run(stage.to_file()), 8, "it exists");
    stage.assert_untouched(true, "it exists");
}

#[test]
fn an_input_is_never_the_output() {
    let stage = Stage::new(LENGTH);
    let before = stage.ciphertext();
    std::fs::hard_link(stage.media(), stage.path("out/hard")).expect("a link");
    symlink(stage.media(), stage.path("out/soft")).expect("a link");
    for target in [
        stage.media(),
        stage.path("out/hard"),
        stage.path("out/soft"),
    ] {
        let mut command = stage.unreel();
        command.arg(stage.media()).arg("-f").arg("-o").arg(&target);
        assert_refused(&run(command), 8, &target.display().to_string());
        assert!(stage.ciphertext() == before);
    }
    // Standard output too.
    let mut command = stage.unreel();
    let media = std::fs::OpenOptions::new().append(true).open(stage.media());
    command.arg(stage.media()).stdout(media.expect("media"));
    let output = command.output().expect("it ends");
    assert_refused(&output, 8, "standard output");
    assert!(stage.ciphertext() == before);
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let stage = Stage::new(LENGTH);
    let victim = stage.path("tmp/victim");
    std::fs::write(&victim, OLD).expect("a file");
    symlink(&victim, stage.target()).expect("a link");
    assert_refused(&run(stage.to_file()), 8, "a link");
    let mut command = stage.to_file();
    command.arg("-f");
    succeeded(&run(command));
    assert_eq!(std::fs::read(&victim).expect("the victim"), OLD);
    std::fs::remove_file(victim).expect("the victim");
    stage.assert_whole("over a link");
}

#[test]
fn a_full_disk_leaves_nothing() {
    let stage = Stage::new(LENGTH);
    let Some((output, left)) = on_small_disk(&stage, 512) else {
        return skip("a full tmpfs: there is no unshare(1), or it may not mount");
    };
    assert_refused(&output, 8, "a full disk");
    assert_eq!(left, "left: \n");
}

#[test]
fn the_output_is_for_its_owner_alone() {
    let stage = Stage::new(LENGTH);
    let command = under(
        "sh",
        &["-c", "umask 022; exec \"$0\" \"$@\""],
        &stage.to_file(),
    );
    succeeded(&run(command));
    let mode = std::fs::metadata(stage.target())
        .expect("it")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_closed_pipe_is_no_success() {
    let stage = Stage::new(4 * LENGTH);
    let mut child = start(stage.unreel().arg(stage.media()));
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0; 100]).expect("the beginning");
    drop(stdout);
    assert_refused(
        &child.wait_with_output().expect("it ends"),
        8,
        "a closed pipe",
    );
}

/// The system calls that sync or name files, of a successful run.
fn trace(force: bool) -> Option<Vec<String>> {
    let stage = Stage::new(LENGTH);
    let log = stage.path("trace");
    let calls = "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2";
    let options = ["-qq", "-o", log.to_str()?, "-e", calls];
    let mut command = stage.to_file();
    if force {
        stage.put_old();
        command.arg("-f");
    }
    if !has("strace") {
        return None;
    }
    let output = run(under("strace", &options, &command));
    if !output.status.success() && stderr(&output).contains("strace:") {
        return None;
    }
    succeeded(&output);
    let name = |line: &str| line.split('(').next().map(str::to_owned);
    let log = std::fs::read_to_string(log).expect("a log");
    Some(log.lines().filter_map(name).collect())
}

#[test]
fn success_means_synced_and_named_when_complete() {
    let (Some(new), Some(force)) = (trace(false), trace(true)) else {
        return skip("fsync and linkat: strace is not installed, or may not trace");
    };
    // The file, its name, the folder.
    assert_eq!(new, ["fsync", "linkat", "fsync"]);
    assert!(
        matches!(&force[..], [sync, link, rename, folder]
            if sync == "fsync" && link == "linkat" && rename.starts_with("rename") && folder == "fsync"),
        "{force:?}"
    );
}

#[test]
fn the_name_appears_when_the_file_is_complete() {
    let stage = Stage::new(4 * LENGTH);
    let ciphertext = stage.ciphertext();
    let (most, last) = ciphertext.split_at(ciphertext.len() - 1);
    let mut child = start(&mut stage.piped_to_file());
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(most).expect("it reads");
    assert_eq!(contents(&stage.path("out")).len(), 0);
    stdin.write_all(last).expect("it reads");
    drop(stdin);
    succeeded(&child.wait_with_output().expect("it ends"));
    stage.assert_whole("the last byte");
}

#[test]
fn sigterm_half_way_leaves_nothing() {
    let stage = Stage::new(4 * LENGTH);
    let ciphertext = stage.ciphertext();
    let mut child = start(&mut stage.piped_to_file());
    // It stays open: an input that ended would be an error of its own, and a race.
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(&ciphertext[..ciphertext.len() / 2])
        .expect("it reads");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::TERM).expect("a signal");
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    assert_eq!(output.status.signal(), Some(15));
    stage.assert_untouched(false, "SIGTERM");
}
