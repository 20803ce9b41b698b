//! How the output comes to its name, and who else wants it.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Output;

use super::stage::{MIB, Mode, QUARTER, faulty, other_half, strace, unnamed};
use crate::common::made::{Stage, half_way, skip, start, wait_for};
use crate::common::{assert_refused, contents, stderr};

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
