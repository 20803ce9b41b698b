//! Disks that are full, and files that may not grow: the tests begin themselves again, where such a limit
//! is in force.

use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

use super::super::Audit;
use super::super::tests::*;
use super::*;

/// Runs an ignored test of this file by a shell's script, in a namespace of mounts where there are such.
fn begin_again(name: &str, script: &str, folder: &Path) {
    let itself = std::env::current_exe().unwrap();
    let name = format!("serve::audit::writer::tests::{name}");
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script, "sh"])
        .arg(itself)
        .args(["--exact", &name, "--ignored", "--nocapture"])
        .env("FOLDER", folder)
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: there is no unshare");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    if matches!(output.status.code(), Some(1 | 77)) && text.is_empty() {
        eprintln!("skipped: {error}");
        return;
    }
    assert!(output.status.success(), "{text}{error}");
    assert!(text.contains("1 passed"), "{text}");
}

fn in_folder() -> Desk {
    let mut desk = Desk::new();
    desk.folder = TempDir::new_in(std::env::var_os("FOLDER").unwrap()).unwrap();
    desk
}

/// How many lines are written until none is, and what the error says.
fn fill(desk: &Desk, audit: &Audit) -> (u64, String) {
    for number in 0..10_000 {
        if let Err(error) = desk.write(audit, number) {
            return (number, error.to_string());
        }
    }
    panic!("it never fills");
}

#[test]
fn a_disk_that_was_full_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=128k none \"$FOLDER\" || exit 77; exec \"$@\"";
    begin_again("a_small_disk", script, folder.path());
}

#[test]
#[ignore = "it is begun where there is a small disk"]
fn a_small_disk() {
    let desk = in_folder();
    let filler = desk.at("filler");
    let audit = desk.open();
    let is_full = || {
        let (_, error) = fill(&desk, &audit);
        assert!(error.contains("No space left"), "{error}");
        let full = desk.bytes();
        assert!(desk.wait(audit.try_it()).is_err());
        assert!(desk.write(&audit, 0).is_err());
        assert!(!audit.is_writable());
        // Nothing is left of what could not be written.
        assert!(desk.bytes() == full);
        desk.lines().len()
    };
    is_full();
    // There is room behind a rotation.
    desk.put(b"");
    desk.wait(audit.try_it()).unwrap();
    assert!(audit.is_writable());
    assert_eq!(events(&desk.lines()), ["rotated"]);
    fs_err::write(&filler, vec![0; 1 << 16]).unwrap();
    let lines = is_full();
    // And where something else is taken away.
    fs_err::remove_file(&filler).unwrap();
    desk.wait(audit.try_it()).unwrap();
    desk.write(&audit, 0).unwrap();
    assert_eq!(desk.lines().len(), lines + 1);
    // Before a line could not be written, that is known.
    while desk.wait(audit.try_it()).is_ok() {
        desk.write(&audit, 0).unwrap();
    }
    assert!(!audit.is_writable());
    desk.lines();
}

#[test]
fn a_file_that_may_not_grow_loses_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' XFSZ; ulimit -S -f 40 && exec \"$@\" || exit 77";
    begin_again("a_small_limit", script, folder.path());
}

#[test]
#[ignore = "it is begun where files may not grow"]
fn a_small_limit() {
    let desk = in_folder();
    let audit = desk.open();
    let (written, error) = fill(&desk, &audit);
    assert!(error.contains("File too large"), "{error}");
    let full = desk.bytes();
    // As much as could be written of a line was, and was taken away.
    assert!(full.ends_with(b"\n"));
    for _ in 0..3 {
        assert!(desk.wait(audit.try_it()).is_err());
        assert!(desk.write(&audit, 0).is_err());
        assert!(desk.bytes() == full);
    }
    // What strangers do is counted until it can be written.
    for _ in 0..15 {
        desk.wait(audit.write(stranger("192.0.2.1"))).ok();
    }
    desk.passes(60);
    desk.wait(audit.try_it()).unwrap_err();
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    let current = maximum;
    setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
    desk.wait(audit.try_it()).unwrap();
    assert!(audit.is_writable());
    assert!(desk.bytes().starts_with(&full));
    desk.write(&audit, 0).unwrap();
    desk.wait(audit.close()).unwrap();
    let lines = desk.lines();
    assert_eq!(lines.len() as u64, written + 2);
    let counts = lines.iter().filter_map(|line| line.get("count"));
    assert_eq!(counts.collect::<Vec<_>>(), [5]);
}

/// Takes the attribute away again, so that the folder can be removed.
struct AppendOnly(PathBuf);

impl Drop for AppendOnly {
    fn drop(&mut self) {
        Command::new("chattr").arg("-a").arg(&self.0).status().ok();
    }
}

#[test]
fn a_log_of_which_nothing_may_be_taken_away_goes_on_behind_a_cut_line() {
    let mut desk = Desk::new();
    desk.folder = tempfile::tempdir().unwrap();
    let whole = desk.filled(2);
    desk.put(&whole[..whole.len() - 5]);
    let guard = AppendOnly(desk.path());
    let set = Command::new("chattr").arg("+a").arg(desk.path()).output();
    if !set.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no file can be made append-only here");
        return;
    }
    desk.filled(1);
    assert_eq!(events(&desk.lines()), ["play", "recovered", "play"]);
    assert!(desk.bytes().starts_with(&whole[..whole.len() - 5]));
    drop(guard);
}
