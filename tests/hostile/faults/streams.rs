//! Standard input, output and messages: closed, full, given up.

use std::io::Read;
use std::process::{Command, Output};

use super::stage::MIB;
use crate::common::made::{Stage, run, skip, start, under};
use crate::common::{assert_refused, fixture, stderr, unreel};

#[test]
fn a_reader_that_goes_away_is_exit_8() {
    for stage in [Stage::new(4 * MIB), Stage::qvoice(4 * MIB)] {
        reader_goes_away(&stage);
    }
}

fn reader_goes_away(stage: &Stage) {
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

/// A standard output that was closed is `/dev/null` by the time the program starts: media is not
/// lost there, nor written over another file. What goes elsewhere does not need it.
#[test]
fn media_to_a_closed_standard_output_is_refused() {
    let stage = Stage::new(MIB);
    let mut plain = stage.unreel();
    plain.arg(stage.media());
    let mut explicit = stage.unreel();
    explicit.arg(stage.media()).args(["-o", "-"]);
    let mut unverified = stage.unreel();
    unverified.arg(stage.media()).arg("--stream-unverified");
    let mut qvoice = unreel();
    qvoice
        .args(["qvoice", "--config"])
        .arg(fixture("qvoice/config.json"))
        .arg(fixture("qvoice/rec5eed0003.enc"));
    let refused = "standard output is closed, or is /dev/null opened for reading and writing";
    let before = stage.ciphertext();
    for command in [&plain, &explicit, &unverified, &qvoice] {
        for redirection in [">&-", "<&- >&-", "1<>/dev/null"] {
            let what = format!("{command:?} {redirection}");
            let output = redirected(command, redirection);
            assert_refused(&output, 8, &what);
            assert!(stderr(&output).contains(refused), "{what}");
        }
        let output = redirected(command, ">/dev/null");
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert!(stage.ciphertext() == before);
    stage.assert_untouched(false, "no standard output");

    // Before anything is read: there is no such key.
    let mut keyless = unreel();
    keyless.args(["vonage", "-k", "missing", "missing"]);
    assert_refused(&redirected(&keyless, ">&-"), 8, "before the key");

    for flags in [&["--check"][..], &["--check", "--json"]] {
        let mut check = stage.unreel();
        check.arg(stage.media()).args(flags);
        let output = redirected(&check, ">&-");
        assert!(output.status.success(), "{flags:?}: {}", stderr(&output));
    }
    let mut report = stage.to_file();
    report.arg("--json");
    assert!(redirected(&report, ">&-").status.success());
    stage.assert_whole("a report to nowhere");
}

/// A pipe that a reader left non-blocking, and that is full when the run begins.
#[test]
fn a_standard_output_that_does_not_wait_is_waited_for() {
    use rustix::fs::{OFlags, fcntl_setfl};

    let stage = Stage::new(MIB);
    let mut media = stage.unreel();
    media.arg(stage.media());
    let mut help = unreel();
    help.arg("--help");
    let mut inspect = unreel();
    inspect.arg("inspect").arg(fixture("keys/pkcs8.pem"));
    let mut report = stage.unreel();
    report.arg(stage.media()).args(["--check", "--json"]);
    for mut command in [media, help, inspect, report] {
        let what = format!("{command:?}");
        let expected = run_to_end(&mut command);
        let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
        fcntl_setfl(&writer, OFlags::NONBLOCK).expect("its flag");
        let mut filled = 0;
        while let Ok(more) = std::io::Write::write(&mut writer, &[0; 4096]) {
            filled += more;
        }
        let mut child = command.stdout(writer).spawn().expect("it starts");
        // What the command holds of the pipe would keep it open.
        drop(command);
        std::thread::sleep(std::time::Duration::from_millis(300));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).expect("it is read");
        assert!(child.wait().expect("it ends").success(), "{what}");
        let without_time = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.split("\"ms\":").next().map(ToOwned::to_owned)
        };
        assert!(
            without_time(&read[filled..]) == without_time(&expected),
            "{what}"
        );
    }
}

fn run_to_end(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("it ends");
    assert!(output.status.success(), "{}", stderr(&output));
    output.stdout
}

/// `unreel inspect … | head -1` is no failure, and nothing to talk of; a full disk is.
#[test]
fn a_reader_of_text_that_goes_away_has_read_enough() {
    let stage = Stage::new(MIB);
    let commands = || {
        let mut inspect = unreel();
        inspect
            .arg("inspect")
            .args([fixture("keys/pkcs8.pem"), fixture("keys/other.pem")]);
        let mut json = unreel();
        json.args(["inspect", "--json"])
            .arg(fixture("keys/pkcs8.pem"));
        let mut keygen = unreel();
        keygen.arg("keygen").arg("-d").arg(stage.path("out"));
        let mut commands = vec![inspect, json, keygen];
        for arguments in [&["--help"][..], &["twilio-voice", "-h"], &["--version"]] {
            let mut command = unreel();
            command.args(arguments);
            commands.push(command);
        }
        commands
    };
    for mut command in commands() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command.stdout(writer).output().expect("it ends");
        assert!(output.status.success(), "{command:?}: {}", stderr(&output));
        assert_eq!(stderr(&output), "", "{command:?}");
    }
    stage.clear();
    for mut command in commands() {
        let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
            return skip("/dev/full: there is none");
        };
        let output = command.stdout(full).output().expect("it ends");
        assert_refused(&output, 8, &format!("{command:?}"));
        assert!(
            stderr(&output).contains("check that there is space"),
            "{command:?}"
        );
    }
}
