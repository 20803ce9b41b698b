//! One run over several recordings, and what a run may not do to its own files.
#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::process::Output;

use serde_json::Value;

use crate::common::{Desk, VOICE, assert_refused, contents, digest_of, fixture, sha256, stderr};

/// The id of a recording of the list that is not encrypted.
const PLAIN: &str = "RE5eed0000000000000000000000000004";

/// A desk with a folder `in` of so many recordings with a list of them, `list.json`.
fn desk_of(count: usize) -> Desk {
    let desk = Desk::new();
    let media = desk.read("call.enc");
    let one: Value = serde_json::from_slice(&desk.read("meta.json")).unwrap();
    let mut list = String::from("{\"recordings\":[");
    for number in 0..count {
        let id = format!("RE{number:032x}");
        let mut one = one.clone();
        one["sid"] = id.clone().into();
        write!(list, "{}{one}", if number > 0 { "," } else { "" }).unwrap();
        desk.write(&format!("in/{id}.wav.enc"), &media);
    }
    desk.write("list.json", list + "]}");
    desk
}

/// `twilio-voice` on all recordings of such a desk, with these arguments.
fn run(desk: &Desk, arguments: &str) -> Output {
    let script = format!("\"$UNREEL\" twilio-voice in/*.enc {arguments}");
    desk.bash(&script).output().unwrap()
}

fn lines(output: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(output.to_vec()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_mistake_in_the_set_up_is_said_once_with_its_own_exit_code() {
    let desk = desk_of(200);
    desk.bring("keys/pbes2-aes256-sha256.pem", "locked.pem");
    desk.write("wrong.txt", "wrong");
    desk.write("text.pem", "no key");
    desk.write("broken.json", "{");
    std::fs::create_dir(desk.path("empty")).unwrap();
    for (arguments, code, says) in [
        ("-m list.json -d out", 5, "no private key was given"),
        (
            "-m list.json -d out -k no.pem",
            5,
            "cannot read the private key",
        ),
        (
            "-m list.json -d out -k text.pem",
            5,
            "cannot use the private key",
        ),
        ("-m list.json -d out -k empty", 5, "holds no private key"),
        (
            "-m list.json -d out --key-command false",
            5,
            "--key-command",
        ),
        (
            "-m list.json -d out -k locked.pem --no-input",
            5,
            "no passphrase was given",
        ),
        (
            "-m list.json -d out -k locked.pem --passphrase-file wrong.txt",
            5,
            "the passphrase is wrong",
        ),
        (
            "-m list.json -d out -k locked.pem --passphrase-file no.txt",
            5,
            "cannot read the passphrase",
        ),
        (
            "-m no.json -d out -k key.pem",
            4,
            "cannot read the metadata",
        ),
        (
            "-m broken.json -d out -k key.pem",
            4,
            "cannot use the metadata",
        ),
        (
            "-m list.json -d call.enc -k key.pem",
            8,
            "is a file, not a folder",
        ),
    ] {
        let output = run(&desk, arguments);
        assert_refused(&output, code, arguments);
        let text = stderr(&output);
        assert!(text.contains(says), "{arguments}\n{text}");
        assert!(text.lines().count() < 6, "{arguments}\n{text}");
        assert!(!desk.path("out").exists(), "{arguments}");
    }
    // A machine is told, too, and once.
    let output = run(&desk, "-m list.json -d out --json");
    let lines = lines(&output.stdout);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["error"]["exit"], 5);
}

#[test]
fn a_key_that_is_missing_for_some_is_no_mistake_in_the_set_up() {
    let desk = desk_of(2);
    let list = String::from_utf8(desk.read("list.json")).unwrap();
    let other = std::fs::read_to_string(fixture("twilio-voice/recording-other-key.json")).unwrap();
    let other = other.replace(
        "RE5eed0000000000000000000000000002",
        &format!("RE{:032x}", 9),
    );
    desk.write("list.json", list.replace("]}", &format!(",{other}]}}")));
    desk.bring(
        "twilio-voice/RE5eed0000000000000000000000000002.wav.enc",
        &format!("in/RE{:032x}.wav.enc", 9),
    );
    let output = run(&desk, "-m list.json -d out -k key.pem");
    assert_refused(&output, 10, "one of three");
    assert_eq!(contents(&desk.path("out")).len(), 2);
    // Errors in a list name the input and the id.
    let id = format!("RE{:032x}", 9);
    let expected = format!("  input `in/{id}.wav.enc`, recording {id}");
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
}

#[test]
fn a_summary_says_how_many_came_to_which_end() {
    let desk = desk_of(3);
    let first = format!("in/RE{:032x}.wav.enc", 0);
    desk.write(&first, &desk.read(&first)[..1000]);
    let output = run(&desk, "-m list.json -d out -k key.pem");
    assert!(stderr(&output).contains("\n2 decrypted, 0 skipped, 1 failed\n"));
    let output = run(&desk, "-m list.json -d out -k key.pem --if-exists skip");
    assert!(stderr(&output).contains("\n0 decrypted, 2 skipped, 1 failed\n"));
    let output = run(&desk, "-m list.json --check -k key.pem");
    assert!(stderr(&output).contains("\n2 verified, 0 skipped, 1 failed\n"));
    let output = run(&desk, "-q -m list.json -d out -k key.pem --if-exists skip");
    assert!(!stderr(&output).contains("skipped"));
}

#[test]
fn lines_of_a_report_have_the_time_the_version_and_the_run() {
    let desk = desk_of(2);
    for _ in 0..2 {
        let output = run(&desk, "-m list.json --check -k key.pem -q --report r.jsonl");
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let lines = lines(&desk.read("r.jsonl"));
    assert_eq!(lines.len(), 4);
    for line in &lines {
        assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
        let time = line["time"].as_str().unwrap();
        assert!(
            time.starts_with("20") && time.ends_with('Z') && time.contains('T'),
            "{time}"
        );
    }
    let run = |at: usize| lines[at]["run"].as_str().unwrap();
    assert!(run(0) == run(1) && run(2) == run(3) && run(0) != run(2));
    assert_eq!(run(0).len(), 16);
}

#[test]
fn a_folder_as_input_is_every_file_in_it_that_has_metadata() {
    let desk = desk_of(3);
    desk.write("in/notes.txt", "nothing of ours");
    desk.write("in/RE0.json", "{}");
    desk.write(
        &format!("in/RE{:032x}.wav", 2),
        "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0",
    );
    let command = desk.unreel("twilio-voice -m list.json -k key.pem in -d out/a/b");
    let output = desk.done(command);
    assert!(
        stderr(&output).contains("3 decrypted"),
        "{}",
        stderr(&output)
    );
    let written = contents(&desk.path("out/a/b"));
    assert_eq!(written.len(), 3);
    assert!(
        written
            .values()
            .all(|media| sha256(media) == digest_of(VOICE))
    );

    // Without a list: what has a sidecar.
    let desk = Desk::new();
    desk.write("in/call.wav.enc", desk.read("call.enc"));
    desk.write("in/call.json", desk.read("meta.json"));
    desk.write("in/other.enc", "no metadata");
    desk.done(desk.unreel("twilio-voice -k key.pem in -d out"));
    assert_eq!(contents(&desk.path("out")).len(), 1);
    std::fs::create_dir(desk.path("nothing")).unwrap();
    let command = desk.unreel("twilio-voice -k key.pem nothing -d out");
    desk.refused(
        command,
        4,
        &["no file in the folder `nothing` has metadata"],
    );
}

#[test]
fn a_folder_for_outputs_is_made_private_and_goes_when_nothing_comes() {
    let desk = Desk::new();
    desk.done(desk.voice("call.enc -d a/b"));
    assert_eq!(
        (desk.mode("a"), desk.mode("a/b")),
        (0o40700 & 0o7777, 0o700)
    );
    desk.write("cut.enc", &desk.read("call.enc")[..1000]);
    desk.refused(desk.voice("cut.enc -d c/d"), 7, &[]);
    assert!(!desk.path("c").exists());
}

#[test]
fn check_with_an_output_writes_nothing_and_looks_whether_it_could() {
    let desk = Desk::new();
    let before = desk.contents();
    for output in ["-o out.wav", "-d .", "-d a/b/c"] {
        desk.done(desk.voice(&format!("call.enc --check {output}")));
        assert!(desk.contents() == before, "{output}");
    }
    desk.write("out.wav", "there");
    desk.write(&format!("{VOICE}.wav"), "there");
    for (output, says) in [
        ("-o out.wav", "exists already"),
        ("-d .", "exists already"),
        ("-o no/out.wav", "the folder `no` does not exist"),
        ("-d out.wav/x", "is a file, not a folder"),
        ("-f -o key.pem", "is also an input"),
    ] {
        desk.refused(
            desk.voice(&format!("call.enc --check {output}")),
            8,
            &[says],
        );
    }
    let before = desk.contents();
    for output in ["-f -o out.wav", "-f -d .", "--if-exists skip -d ."] {
        desk.done(desk.voice(&format!("call.enc --check {output}")));
        assert!(desk.contents() == before, "{output}");
    }
}

#[test]
fn a_recording_that_is_not_encrypted_is_refused_skipped_or_saved() {
    let desk = Desk::new();
    desk.bring("twilio-voice/list.json", "list.json");
    desk.bring(&format!("twilio-voice/{PLAIN}.wav"), "in/plain.wav");
    let plain = desk.read("in/plain.wav");
    let list = format!("in/{PLAIN}.wav");
    desk.write(&list, &plain);
    desk.write("meta.headers", "not read");
    // Its metadata says so, or only its bytes do.
    for (arguments, code) in [
        (format!("-m list.json {list}"), 4),
        ("-m meta.json in/plain.wav".to_owned(), 3),
    ] {
        let voice = |more: &str| {
            desk.unreel(&format!(
                "twilio-voice -k key.pem {arguments} -d out --json {more}"
            ))
        };
        for how in ["", "--plain fail"] {
            let output = voice(how).output().unwrap();
            assert_refused(&output, code, how);
        }
        let line = &lines(&desk.done(voice("--plain skip")).stdout)[0];
        assert_eq!(
            (&line["skipped"], &line["reason"]),
            (&true.into(), &"not_encrypted".into())
        );
        assert!(!desk.path("out").exists());
        let line = &lines(&desk.done(voice("--plain save")).stdout)[0];
        assert_eq!(
            (&line["ok"], &line["integrity"]),
            (&true.into(), &"none".into())
        );
        assert_eq!(line["bytes_out"], plain.len());
        assert!(desk.read(line["output"].as_str().unwrap()) == plain);
        std::fs::remove_dir_all(desk.path("out")).unwrap();
    }
    // What proves nothing is not saved under a promise of proof, nor is what is no recording.
    let arguments = format!("twilio-voice -m list.json {list} --plain save -o out.wav");
    let command = desk.unreel(&format!("{arguments} --require-integrity"));
    desk.refused(command, 7, &["nothing in its format"]);
    desk.write(&list, desk.read("call.enc"));
    desk.refused(
        desk.unreel(&arguments),
        3,
        &["is no recording that is known"],
    );
    // In a folder it does not fail every hour.
    desk.write(&list, &plain);
    let command = desk.unreel("twilio-voice -m list.json -k key.pem in -d out");
    let output = desk.done(command);
    assert!(stderr(&output).contains("skipped: it is not encrypted"));
}

#[test]
fn the_first_that_succeeds_has_the_name_not_the_first_that_is_listed() {
    let desk = Desk::new();
    let good = desk.read("call.enc");
    desk.write(&format!("in/{VOICE} (1).enc"), &good[..1000]);
    desk.write(&format!("in/{VOICE}.enc"), &good);
    let voice = "\"$UNREEL\" twilio-voice -m meta.json -k key.pem in/*.enc -d out";
    let output = desk.bash(voice).output().unwrap();
    assert_refused(&output, 10, voice);
    let output_name = format!("out/{VOICE}.wav");
    assert_eq!(sha256(&desk.read(&output_name)), digest_of(VOICE));
    // And the next run has nothing to complain of.
    desk.done(desk.bash(&format!("{voice} --if-exists skip")));
}

#[test]
fn a_dangling_link_is_not_taken_for_done() {
    let desk = Desk::new();
    symlink("nowhere", desk.path(&format!("{VOICE}.wav"))).unwrap();
    let command = desk.voice("call.enc -d . --if-exists skip");
    desk.refused(command, 8, &["a link that leads nowhere"]);
}

#[test]
fn keys_and_outputs_may_share_a_folder() {
    let desk = Desk::new();
    desk.write("w/key.pem", desk.read("key.pem"));
    let run = "twilio-voice -m meta.json -k w call.enc -d w --json --if-exists skip";
    desk.done(desk.unreel(run));
    let line = &lines(&desk.done(desk.unreel(run)).stdout)[0];
    assert_eq!(line["reason"], "exists");
    // The key itself is not to be replaced, whatever the recording is called.
    let command = desk.unreel("twilio-voice -m meta.json -k w call.enc -f -o w/key.pem");
    desk.refused(command, 8, &["is also an input"]);
}

#[test]
fn no_file_that_a_run_reads_is_its_output_however_it_is_reached() {
    let desk = Desk::new();
    desk.bring("keys/pbes2-aes256-sha256.pem", "locked.pem");
    desk.bring("keys/passphrase.txt", "pass.txt");
    std::fs::create_dir(desk.path("sub")).unwrap();
    for script in [
        "-k locked.pem --passphrase-fd 3 -f -o pass.txt 3<pass.txt",
        "-k locked.pem --passphrase-file pass.txt -f -o sub/../pass.txt",
        "-k locked.pem --passphrase-file /dev/fd/3 -f -o pass.txt 3<pass.txt",
        "-k /dev/fd/3 -f -o key.pem 3<key.pem",
        "-k key.pem -f -o meta.json",
    ] {
        let command = format!("\"$UNREEL\" twilio-voice -m meta.json call.enc {script}");
        desk.refused(desk.bash(&command), 8, &["is also an input"]);
    }
    let output = desk
        .voice("call.enc -f -o r.jsonl --report sub/../r.jsonl")
        .output();
    assert_refused(&output.unwrap(), 8, "the report");
    assert_eq!(lines(&desk.read("r.jsonl"))[0]["error"]["exit"], 8);
    desk.bring("qvoice/config.json", "config.json");
    desk.bring("qvoice/rec5eed0001.enc", "rec.enc");
    for (script, code, says) in [
        (
            "--profile p.json -o ./p.json",
            2,
            "the profile and the output are one file",
        ),
        (
            "--profile p.json -o sub/../p.json",
            2,
            "the profile and the output are one file",
        ),
        ("-o ./config.json", 8, "is also an input"),
    ] {
        let command = format!("\"$UNREEL\" qvoice --config config.json rec.enc -f {script}");
        desk.refused(desk.bash(&command), code, &[says]);
    }
}

#[test]
fn runs_that_start_with_one_new_profile_all_release_their_recording() {
    let desk = Desk::new();
    desk.bring("qvoice/config.json", "config.json");
    for number in 1..=3 {
        let name = format!("rec5eed000{number}");
        desk.bring(&format!("qvoice/{name}.enc"), &format!("{name}.enc"));
        desk.bring(&format!("qvoice/{name}.json"), &format!("{name}.json"));
    }
    let script = "for n in 1 1 1 1; do i=$((i + 1))
        \"$UNREEL\" qvoice -q --config config.json --profile p.json rec5eed000$n.enc -o out$i & pids+=($!)
        done; for pid in ${pids[@]}; do wait $pid || exit; done";
    desk.done(desk.bash(script));
    let names = desk.names();
    assert!(
        ["out1", "out2", "out3", "out4", "p.json"]
            .iter()
            .all(|name| names.contains(&(*name).to_owned()))
    );
}

#[test]
fn a_report_that_cannot_be_written_does_not_stop_the_others() {
    let desk = desk_of(6);
    let output = run(&desk, "-m list.json -d out -k key.pem --report /dev/full");
    assert_refused(&output, 10, "--report /dev/full");
    assert_eq!(contents(&desk.path("out")).len(), 6);
    assert_eq!(
        stderr(&output)
            .matches("unreel: error: cannot write")
            .count(),
        1
    );
}

#[test]
fn a_report_to_standard_output_is_one() {
    let desk = desk_of(2);
    let output = run(&desk, "-m list.json -d out -k key.pem --report -");
    assert_eq!(lines(&output.stdout).len(), 2);
    assert!(stderr(&output).contains("verified: tag"));
    assert!(!desk.path("-").exists());
    let command = desk.voice("call.enc -o - --report -");
    desk.refused(command, 2, &["standard output cannot carry both"]);
}

#[test]
fn a_senseless_number_of_threads_is_a_usage_error_and_few_processes_are_enough() {
    let desk = desk_of(3);
    for number in ["0", "100000", "18446744073709551615", "-1"] {
        for flag in ["--threads", "-j"] {
            let arguments = format!("-m list.json -d out -k key.pem {flag}={number}");
            assert_refused(&run(&desk, &arguments), 2, &arguments);
        }
    }
    let output = run(
        &desk,
        "-m list.json -d out -k key.pem --threads 1024 -j 1024",
    );
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Two hundred recordings of which each said so were eight hundred lines.
#[test]
fn a_command_that_is_not_there_is_said_once_and_one_that_fails_of_each() {
    let desk = Desk::new();
    desk.bring("twilio-voice/list.json", "list.json");
    for digit in [1, 3] {
        let name = format!("RE5eed000000000000000000000000000{digit}.wav.enc");
        desk.bring(&format!("twilio-voice/{name}"), &name);
    }
    let run = |command: &str| {
        let mut run = desk.unreel("twilio-voice -m list.json -d out --unwrap-command");
        run.arg(command);
        for digit in [1, 3] {
            run.arg(format!("RE5eed000000000000000000000000000{digit}.wav.enc"));
        }
        run.output().unwrap()
    };
    let output = run("exec no-such-command-anywhere");
    assert_refused(&output, 5, "it is not there");
    assert_eq!(stderr(&output).matches("--unwrap-command").count(), 1);
    let output = run("exit 3");
    assert_eq!(output.status.code(), Some(10), "{}", stderr(&output));
}
