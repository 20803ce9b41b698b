//! Standard input, output and messages: closed, full, given up.

use std::io::Read;
use std::process::{Command, Output};

use super::stage::MIB;
use crate::common::{assert_refused, fixture, stderr, unreel};
use crate::made::{Stage, run, skip, start, under};

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

    let mut no_metadata = unreel();
    no_metadata
        .args(["twilio-voice", "-m", "-"])
        .arg(stage.media());
    no_metadata.arg("-k").arg(fixture("keys/pkcs8.pem"));
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
