//! Full disks while something is fetched.

use std::process::{Command, Output};

use super::{Place, add_voices, around, run, sid};
use crate::common::made::{has, skip};
use crate::common::{assert_refused, stderr};
use crate::fake::Fake;

/// Runs it where `folder` is a file system of its own, of so many KiB. `None` where none can be
/// mounted. Returns the run, and what it left there.
fn on_small_disk(
    place: &Place,
    folder: &str,
    kibibytes: usize,
    command: &Command,
) -> Option<(Output, String)> {
    let left = place.path("left");
    let script = format!(
        "mount -t tmpfs -o size={kibibytes}k none '{folder}' || exit 99
         \"$0\" \"$@\"; code=$?; ls -A '{folder}' > '{left}'; exit $code",
        folder = place.path(folder).display(),
        left = left.display(),
    );
    if !has("unshare") {
        return None;
    }
    ["-Urm", "-m"].iter().find_map(|flags| {
        let output = run(around("unshare", &[flags, "sh", "-c", &script], command));
        let names = std::fs::read_to_string(&left).ok()?;
        Some((output, names))
    })
}

#[test]
fn a_full_disk_during_a_download_is_exit_8_and_leaves_nothing() {
    let (fake, place) = (Fake::start(), Place::new());
    add_voices(&fake, 1, 3 << 20);
    std::fs::create_dir(place.path("out")).expect("a folder");
    for options in [
        &[][..],
        &["--save-metadata"],
        &["--download-only"],
        &["--sha256"],
    ] {
        for kibibytes in [64, 512, 2048] {
            let mut command = place.voice(&fake, options);
            command.arg(sid(0));
            let what = format!("{options:?} {kibibytes}");
            let disk = on_small_disk(&place, "out", kibibytes, &command);
            let Some((output, left)) = disk else {
                return skip("a small disk: no user namespace with a tmpfs");
            };
            assert_refused(&output, 8, &what);
            assert!(
                stderr(&output).contains("No space left"),
                "{}",
                stderr(&output)
            );
            assert_eq!(left, "", "{what}");
            place.assert_no_temporary(&what);
        }
    }
}

#[test]
fn a_disk_that_fills_up_keeps_what_is_whole() {
    let (fake, place) = (Fake::start(), Place::new());
    let count = 24;
    add_voices(&fake, count, 100_000);
    std::fs::create_dir(place.path("out")).expect("a folder");
    for options in [&[][..], &["--download-only"]] {
        let mut command = place.voice(&fake, options);
        command.args(["--all", "-j", "3"]);
        let disk = on_small_disk(&place, "out", 1024, &command);
        let Some((output, left)) = disk else {
            return skip("a small disk: no user namespace with a tmpfs");
        };
        assert_refused(&output, 10, "a disk that fills up");
        let said = stderr(&output);
        let names: Vec<_> = left.lines().collect();
        let sidecars = left.matches(".json\n").count();
        let done = names.len() - sidecars;
        assert!(done > 3 && done < 12, "{left}");
        let pairs = if options.is_empty() { done } else { done * 2 };
        assert_eq!(names.len(), pairs, "{left}");
        assert!(names.iter().all(|name| !name.starts_with('.')), "{left}");
        let summary = format!(
            "{done} {}, 0 skipped, {} failed",
            verb(options),
            count - done
        );
        assert!(said.contains(&summary), "no `{summary}` in\n{said}");
    }
}

fn verb(options: &[&str]) -> &'static str {
    if options.is_empty() {
        "decrypted"
    } else {
        "fetched"
    }
}

#[test]
fn a_full_spool_before_standard_output_is_exit_8_and_releases_nothing() {
    let (fake, place) = (Fake::start(), Place::new());
    add_voices(&fake, 1, 3 << 20);
    for kibibytes in [64, 1024] {
        let command = place.unreel(&fake, &["twilio-voice", "-k", "key.pem", &sid(0)]);
        let Some((output, left)) = on_small_disk(&place, "tmp", kibibytes, &command) else {
            return skip("a small disk: no user namespace with a tmpfs");
        };
        assert_refused(&output, 8, "a full spool");
        assert!(output.stdout.is_empty());
        assert_eq!(left, "");
    }
}

#[test]
fn a_full_standard_output_is_exit_8() {
    let (fake, place) = (Fake::start(), Place::new());
    add_voices(&fake, 1, 1 << 20);
    for options in [&[][..], &["--stream-unverified"]] {
        let mut command = place.unreel(&fake, &["twilio-voice", "-k", "key.pem", "-o", "-"]);
        command.args(options).arg(sid(0));
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        command.stdout(full.expect("a device"));
        assert_refused(&run(command), 8, "a full standard output");
        place.assert_empty("a full standard output");
    }
}
