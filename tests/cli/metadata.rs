//! Where metadata comes from: beside the media, or as values; and what it proves.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is a test")]

use crate::common::{self, Desk, VOICE, digest_of, list, sha256, stderr, text};
use serde_json::Value;

const VIDEO: &str = "RT5eed0000000000000000000000000001";
const ARCHIVE: &str = "5eed0000-0000-4000-8000-000000000000";

fn json(desk: &Desk, name: &str) -> Value {
    serde_json::from_slice(&desk.read(name)).unwrap()
}

#[test]
fn metadata_beside_the_media_needs_no_flag() {
    for (media, metadata) in [
        ("call.wav.enc", "call.wav.enc.json"),
        ("call.wav.enc", "call.wav.json"),
        ("call.wav.enc", "call.json"),
        ("call", "call.json"),
        ("far/call.wav", "far/call.json"),
        ("call.wav.enc", "call.wav.headers"),
    ] {
        let desk = Desk::new();
        desk.write(media, desk.read("call.enc"));
        desk.bring("twilio-voice/recording.json", metadata);
        desk.done(desk.unreel(&format!("twilio-voice -k key.pem {media} -o out.wav")));
        assert_eq!(
            sha256(&desk.read("out.wav")),
            digest_of(VOICE),
            "{metadata}"
        );
    }
    let desk = Desk::new();
    desk.bring(&format!("twilio-video/{VIDEO}.mka.enc"), "room.mka.enc");
    desk.bring("twilio-video/wget.txt", "room.mka.headers");
    desk.done(desk.unreel("twilio-video -k key.pem room.mka.enc -o room.mka"));
    assert_eq!(sha256(&desk.read("room.mka")), digest_of(VIDEO));

    let says = ["there is no metadata for `call.enc`", "with -m PATH"];
    desk.refused(
        desk.unreel("twilio-voice -k key.pem call.enc -o out.wav"),
        4,
        &says,
    );
    let says = ["there is no metadata for `standard input`"];
    desk.refused(desk.unreel("twilio-voice -k key.pem -o out.wav"), 4, &says);
}

#[test]
fn metadata_in_the_output_folder_is_no_output() {
    let desk = Desk::new();
    let (media, metadata) = (format!("{VOICE}.wav.enc"), format!("{VOICE}.json"));
    let output = format!("{VOICE}.wav");
    desk.write(&media, desk.read("call.enc"));
    desk.bring("twilio-voice/recording.json", &metadata);
    for how in ["", "-f", "--if-exists skip"] {
        for named in ["", "-m meta.json", &format!("-m {metadata}")] {
            let run = format!("twilio-voice -k key.pem {media} -d . {how} {named}");
            desk.done(desk.unreel(&run));
            assert_eq!(sha256(&desk.read(&output)), digest_of(VOICE), "{run}");
            assert_eq!(desk.read(&metadata), desk.read("meta.json"), "{run}");
            std::fs::remove_file(desk.path(&output)).unwrap();
        }
    }
}

#[test]
fn a_transcript_does_not_take_the_place_of_its_metadata() {
    let desk = Desk::new();
    let id = "GT5eed0000000000000000000000000001";
    desk.bring(
        &format!("twilio-voice/{id}.json.enc"),
        &format!("{id}.json.enc"),
    );
    desk.bring(
        "twilio-voice/transcript-details.json",
        &format!("{id}.json"),
    );
    let run = format!("twilio-voice -k key.pem {id}.json.enc -d .");
    for how in ["", "-f", "--if-exists skip"] {
        let command = desk.unreel(&format!("{run} {how}"));
        desk.refused(command, 8, &["is also an input"]);
    }
    std::fs::create_dir(desk.path("out")).unwrap();
    desk.done(desk.unreel(&format!("{run} -d out").replace("-d . ", "")));
    assert_eq!(sha256(&desk.read(&format!("out/{id}.json"))), digest_of(id));
}

#[test]
fn values_on_the_command_line_do_for_each_provider() {
    let desk = Desk::new();
    let details = &json(&desk, "meta.json")["encryption_details"];
    let (cek, iv) = (text(details, "encrypted_cek"), text(details, "iv"));
    let run =
        format!("twilio-voice -k key.pem call.enc -o out.wav --encrypted-cek {cek} --iv {iv}");
    desk.done(desk.unreel(&run));
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));

    desk.bring("twilio-video/flat.json", "flat.json");
    desk.bring(&format!("twilio-video/{VIDEO}.mka.enc"), "room.enc");
    let flat = json(&desk, "flat.json");
    let (key, iv) = (
        text(&flat, "x-amz-meta-x-amz-key"),
        text(&flat, "x-amz-meta-x-amz-iv"),
    );
    let run =
        format!("twilio-video -k key.pem room.enc -o out.mka --encrypted-key {key} --iv {iv}");
    desk.done(desk.unreel(&run));
    assert_eq!(sha256(&desk.read("out.mka")), digest_of(VIDEO));

    desk.bring("vonage/archive-0.json", "archive.json");
    desk.bring(&format!("vonage/{ARCHIVE}.ts.enc"), "archive.enc");
    let archive = json(&desk, "archive.json");
    let run = format!(
        "vonage -k key.pem archive.enc -o out.ts --password {}",
        text(&archive, "password")
    );
    desk.done(desk.unreel(&run));
    assert_eq!(sha256(&desk.read("out.ts")), digest_of(ARCHIVE));

    for (arguments, code) in [
        ("twilio-voice call.enc --encrypted-cek AAAA".to_owned(), 2),
        ("twilio-voice call.enc --iv AAAA".to_owned(), 2),
        (
            format!("twilio-voice call.enc --encrypted-cek {cek} --iv %%%"),
            4,
        ),
        (
            format!("twilio-voice call.enc --encrypted-cek {cek} --iv AAAA"),
            4,
        ),
        (
            "twilio-video room.enc --encrypted-key AAAA --iv AAAA".to_owned(),
            4,
        ),
        ("vonage archive.enc --password AAAA".to_owned(), 4),
    ] {
        desk.refused(
            desk.unreel(&format!("{arguments} -k key.pem -o new")),
            code,
            &[],
        );
    }
}

/// A recording passes `--require-integrity` just if something proves it.
#[test]
fn required_integrity_is_met_by_a_tag_a_digest_or_a_length() {
    let mut seen = std::collections::BTreeSet::new();
    for case in list("cases") {
        let integrity = text(&case, "integrity_expected");
        let desk = Desk::new();
        let mut command = common::command_for(&case);
        command
            .arg("--require-integrity")
            .arg(common::fixture(text(&case, "media")));
        command.arg("-o").arg(desk.path("out"));
        if integrity == "structure" {
            desk.refused(
                command,
                7,
                &[
                    "nothing in its format or metadata proves",
                    "drop --require-integrity",
                ],
            );
        } else {
            desk.done(command);
            assert_eq!(sha256(&desk.read("out")), text(&case, "sha256"));
        }
        seen.insert(integrity.to_owned());
    }
    let all = ["digest", "length", "structure", "tag"];
    assert_eq!(Vec::from_iter(&seen), all);
}

#[test]
fn the_line_for_people_says_what_was_checked_and_quiet_says_nothing() {
    let desk = Desk::new();
    let said = stderr(&desk.done(desk.voice("call.enc -o out.wav")));
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in [
        "out.wav  WAV PCM16 8 kHz stereo",
        "verified: tag",
        "key CR5eed",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let said = stderr(&desk.done(desk.voice("call.enc -f -o out.wav -q")));
    assert_eq!(said, "");
    let said = stderr(&desk.done(desk.voice("call.enc -f -o out.wav -v")));
    assert!(
        said.contains("unreel: info: `call.enc` is opened by the private key `key.pem`"),
        "{said}"
    );
}

#[test]
fn metadata_opens_as_people_have_it() {
    let desk = Desk::new();
    let recording = json(&desk, "meta.json").to_string();
    let callback = serde_json::json!({"body": recording, "isBase64Encoded": false});
    let camel = recording
        .replace("encryption_details", "encryptionDetails")
        .replace("encrypted_cek", "encryptedCek");
    for metadata in [
        format!("HTTP/2 200 \r\ncontent-type: application/json\r\n\r\n{recording}"),
        format!("2026-11-25 12:00:00 INFO {recording}"),
        callback.to_string(),
        Value::String(recording.clone()).to_string(),
        camel,
    ] {
        desk.write("m.txt", &metadata);
        desk.done(desk.unreel("twilio-voice -k key.pem -m m.txt call.enc -f -o out.wav"));
        assert_eq!(
            sha256(&desk.read("out.wav")),
            digest_of(VOICE),
            "{metadata}"
        );
    }
    desk.bring("twilio-video/flat.json", "flat.json");
    desk.bring(&format!("twilio-video/{VIDEO}.mka.enc"), "room.enc");
    let flat = json(&desk, "flat.json");
    let members = flat.as_object().unwrap().iter();
    let lines: Vec<_> = members
        .filter_map(|(name, value)| Some(format!("{name}\n{}", value.as_str()?)))
        .collect();
    desk.write("m.txt", lines.join("\n"));
    desk.done(desk.unreel("twilio-video -k key.pem -m m.txt room.enc -o out.mka"));
    assert_eq!(sha256(&desk.read("out.mka")), digest_of(VIDEO));
}

#[test]
fn what_is_no_metadata_is_named_and_never_quoted() {
    let desk = Desk::new();
    desk.bring("twilio-video/flat.json", "flat.json");
    desk.bring("twilio-video/bad/not-encrypted.headers", "copied.headers");
    desk.write("pass.txt", "supersecret ... battery\n");
    desk.write("python.txt", "{'iv': 'supersecret'}");
    let voice = "twilio-voice -k key.pem call.enc -o new -m";
    for (run, says) in [
        (
            format!("{voice} flat.json"),
            ["it is metadata of twilio-video", "use unreel twilio-video"],
        ),
        (
            format!("{voice} key.pem"),
            ["it is a key or certificate", "keys are passed with -k"],
        ),
        (
            format!("{voice} python.txt"),
            ["it is what Python prints", "json.dumps"],
        ),
        (
            "twilio-video -k key.pem call.enc -o new -m copied.headers".to_owned(),
            ["these headers carry no key; a copy", "curl -D, wget -S"],
        ),
        (
            "vonage -k key.pem call.enc -o new -m pass.txt".to_owned(),
            ["archive with a `password`", "--password"],
        ),
        (
            "vonage -k key.pem call.enc -o new --json -m pass.txt".to_owned(),
            ["archive with a `password`", "--password"],
        ),
    ] {
        let output = desk.unreel(&run).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(4), "{run}: {said}");
        for part in says {
            assert!(said.contains(part), "{run}: {said}");
        }
        assert!(!said.contains("supersecret"), "{run}: {said}");
    }
}

#[test]
fn a_folder_with_headers_in_text_files_beside_the_media_takes_no_headers_for_media() {
    let desk = Desk::new();
    desk.bring(
        &format!("twilio-video/{VIDEO}.mka.enc"),
        &format!("in/{VIDEO}.mka.enc"),
    );
    desk.bring("twilio-video/flat.json", "flat.json");
    let flat = json(&desk, "flat.json");
    let headers: Vec<_> = flat
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", value.as_str()?)))
        .collect();
    desk.write(&format!("in/{VIDEO}.txt"), headers.join("\r\n"));
    desk.done(desk.unreel("decrypt -k key.pem -m in in -d out"));
    assert_eq!(
        sha256(&desk.read(&format!("out/{VIDEO}.mka"))),
        digest_of(VIDEO)
    );
}

#[test]
fn qvoice_is_told_from_the_others_and_its_configuration_from_metadata() {
    let desk = Desk::new();
    desk.bring("qvoice/config.json", "config.json");
    desk.bring("twilio-voice/list.json", "list.json");
    desk.bring(
        &format!("twilio-voice/{VOICE}.wav.enc"),
        &format!("{VOICE}.wav.enc"),
    );
    for (run, code, says) in [
        (
            "decrypt -m config.json call.enc -o new".to_owned(),
            4,
            [
                "it is a configuration of encryption",
                "pass it with --config PATH",
            ],
        ),
        (
            format!("decrypt --config config.json -m list.json {VOICE}.wav.enc -o new"),
            4,
            ["it is metadata of twilio-voice", "use unreel twilio-voice"],
        ),
        (
            "decrypt --config config.json -k key.pem call.enc -o new".to_owned(),
            2,
            ["--config", "cannot be used with"],
        ),
    ] {
        desk.refused(desk.unreel(&run), code, &says);
    }
}
