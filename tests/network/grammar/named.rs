//! `--name-template`, `--plain`, and how many at once.

use super::{ARCHIVE, CA, Net, RE, RE_PLAIN, RM, RT, SESSION};
use crate::common::{contents, fixture, sha256};
use crate::fake::{ACCOUNT, APPLICATION, Archive, Video, Voice};

const TEMPLATE: &str = "{date}/{call}+{room}/{session}-{account}/a{id}";

#[test]
fn a_template_has_all_fields() {
    let net = Net::new();
    for (command, id, path) in [
        (
            "twilio-voice",
            RE,
            format!("2026-09-01/{CA}+unknown/unknown-{ACCOUNT}/a{RE}.wav"),
        ),
        (
            "twilio-video",
            RT,
            format!("2026-09-01/unknown+{RM}/unknown-{ACCOUNT}/a{RT}.mka"),
        ),
        (
            "vonage",
            ARCHIVE,
            format!(
                "2026-09-01/unknown+unknown/{}-{APPLICATION}/a{ARCHIVE}.ts",
                SESSION.replace('~', "_")
            ),
        ),
    ] {
        net.ends(
            0,
            &format!("{command} $ -d out --name-template {TEMPLATE} --save-metadata {id}"),
        );
        net.is_opened(&format!("out/{path}"), id);
        let sidecar = path.rsplit_once('.').unwrap().0;
        assert!(net.desk.path(&format!("out/{sidecar}.json")).exists());
        assert_eq!(net.desk.mode("out/2026-09-01"), 0o700);
    }
    // A file has none of them.
    net.ends(
        0,
        &format!("twilio-voice $ -m meta.json -d file --name-template {TEMPLATE} call.enc"),
    );
    net.is_opened(
        &format!("file/unknown/unknown+unknown/unknown-unknown/a{RE}.wav"),
        RE,
    );
    net.ends(
        0,
        &format!("twilio-voice --download-only -d dl --name-template {{date}}/{{id}} {RE}"),
    );
    assert!(net.desk.path(&format!("dl/2026-09-01/{RE}.enc")).exists());
}

#[test]
fn no_template_leads_out_of_the_folder() {
    let net = Net::new();
    for template in [
        "../{id}",
        "/tmp/{id}",
        "{id}/",
        "a//{id}",
        ".{id}",
        "{name}",
        "{id",
        "}",
        "..",
    ] {
        net.refuses(
            2,
            &format!("twilio-voice $ -d out --name-template {template} {RE}"),
            &["--name-template"],
        );
    }
    net.refuses(
        2,
        &format!("twilio-voice $ -o x.wav --name-template {{id}} {RE}"),
        &["--output"],
    );
    for flag in ["--download-only", "--metadata-only", "--save-metadata"] {
        net.refuses(2, &format!("twilio-voice $ -o x.wav {flag} {RE}"), &[flag]);
    }
    // What a server says does not, either.
    let (account, call) = ("../../../evil", "CA5eed0000000000000000000000000001");
    let mut evil = Voice {
        ..Voice::new(
            RE,
            &std::fs::read(fixture(&format!("twilio-voice/{RE}.wav.enc"))).unwrap(),
            serde_json::from_slice(&std::fs::read(fixture("twilio-voice/details.json")).unwrap())
                .unwrap(),
        )
    };
    evil.call = call.into();
    let body = serde_json::json!({
        "sid": RE, "status": "completed", "account_sid": account, "call_sid": "../x",
        "date_created": "Tue, 01 Sep 2026 08:30:00 +0000",
        "encryption_details": evil.encryption,
    });
    net.fake.fault(
        &format!("Recordings/{RE}.json"),
        crate::fake::Fault::Answer(200, "application/json", body.to_string().into_bytes()),
        9,
    );
    net.ends(
        0,
        &format!("twilio-voice $ -d out --name-template {{account}}/{{call}}/{{id}} {RE}"),
    );
    let folders = contents(&net.desk.path("out"));
    assert_eq!(folders.len(), 1);
    assert!(
        net.desk
            .path("out")
            .join("_.._.._evil")
            .join("unknown")
            .exists(),
        "{:?}",
        folders.keys()
    );
}

#[test]
fn the_second_of_one_name_is_refused_whatever_is_to_be_overwritten() {
    let net = Net::new();
    for (number, flag) in ["", "-f", "--if-exists skip", "--if-exists overwrite"]
        .iter()
        .enumerate()
    {
        let ran = net.ends(10, &format!("twilio-voice $ -k other.pem -d out{number} --json --name-template {{date}} {flag} {CA}"));
        let mut all: Vec<_> = ran.outcomes().into_values().collect();
        all.sort();
        assert_eq!(all, ["8", "8", "done", "not_encrypted"], "{flag}");
        ran.says(&["{id}"]);
        assert_eq!(contents(&net.desk.path(&format!("out{number}"))).len(), 1);
    }
}

#[test]
fn one_that_is_not_encrypted_is_refused_skipped_or_saved() {
    let net = Net::new();
    net.ends(4, &format!("twilio-voice $ -d out {RE_PLAIN}"))
        .says(&["not encrypted", "--plain save"]);
    net.ends(4, &format!("twilio-voice $ -d out --plain fail {RE_PLAIN}"));
    let line = net
        .ends(
            0,
            &format!("twilio-voice $ -d out --plain skip --json {RE_PLAIN}"),
        )
        .line();
    assert_eq!(line["reason"], "not_encrypted");
    assert!(!net.desk.path("out").exists());
    let line = net
        .ends(
            0,
            &format!("twilio-voice -d out --plain save --json {RE_PLAIN}"),
        )
        .line();
    assert_eq!(line["integrity"], "none");
    let original = std::fs::read(fixture(&format!("twilio-voice/{RE_PLAIN}.wav"))).unwrap();
    assert_eq!(net.desk.read(&format!("out/{RE_PLAIN}.wav")), original);
    let ran = net.ends(
        10,
        &format!("twilio-voice $ -k other.pem -d out2 --plain fail --json {CA}"),
    );
    assert_eq!(ran.outcomes()[RE_PLAIN], "4");
    let ran = net.ends(
        0,
        &format!("twilio-voice $ -k other.pem -d out3 --plain save --json {CA}"),
    );
    assert_eq!(ran.outcomes()[RE_PLAIN], "done");
    // A group and one by its id: each has its own default.
    let ran = net.ends(
        10,
        &format!("twilio-voice $ -d out4 --json {CA} {RE_PLAIN}"),
    );
    drop(ran);
}

#[test]
fn a_length_or_a_digest_proves_what_is_saved() {
    let net = Net::empty();
    let plain = std::fs::read(fixture("vonage/plain.ts")).unwrap();
    let archive = |number: u32, sum: &str| Archive {
        sha256sum: sum.into(),
        ..Archive::new(
            &format!("5eed0000-0000-4000-8000-{number:012x}"),
            &plain,
            "",
        )
    };
    net.fake.add_archive(archive(1, &sha256(&plain)));
    net.fake.add_archive(archive(2, ""));
    let wav = std::fs::read(fixture(&format!("twilio-voice/{RE_PLAIN}.wav"))).unwrap();
    net.fake.add_video(Video::new(RT, &wav, &[]));
    for (command, id, integrity) in [
        ("vonage", "5eed0000-0000-4000-8000-000000000001", "digest"),
        ("vonage", "5eed0000-0000-4000-8000-000000000002", "length"),
        ("twilio-video", RT, "length"),
    ] {
        let line = net
            .ends(0, &format!("{command} -d out --plain save --json {id}"))
            .line();
        assert_eq!(line["integrity"], integrity, "{id}");
        // Of Twilio Video the media shows it, of others the metadata says it.
        let code = if command == "vonage" { 4 } else { 3 };
        net.ends(code, &format!("{command} $ -d out2 {id}"))
            .says(&["--plain save"]);
    }
    // One that is wrong is none.
    net.fake.add_archive(archive(3, &sha256(b"another")));
    net.ends(
        7,
        "vonage -d out --plain save 5eed0000-0000-4000-8000-000000000003",
    );
    let ran = net.ends(10, "vonage $ -d out9 --plain save --json --all");
    assert_eq!(ran.outcomes().len(), 3);
    let ran = net.ends(0, "vonage $ -d out8 --json --all");
    assert!(ran.outcomes().values().all(|what| what == "not_encrypted"));
}

#[test]
fn four_are_fetched_at_once() {
    let net = Net::empty();
    let media = std::fs::read(fixture(&format!("twilio-voice/{RE}.wav.enc"))).unwrap();
    let details: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixture("twilio-voice/details.json")).unwrap())
            .unwrap();
    for number in 0..8 {
        net.fake.add_voice(Voice::new(
            &format!("RE{number:032x}"),
            &media,
            details.clone(),
        ));
    }
    net.fake.latency(std::time::Duration::from_millis(150));
    let most = |flags: &str| {
        net.fake.forget();
        net.ends(0, &format!("twilio-voice $ --check --all {flags}"));
        let times: Vec<_> = net.media_requests().iter().map(|seen| seen.at).collect();
        let within = |at: &std::time::Instant| {
            times
                .iter()
                .filter(|other| *other <= at && at.duration_since(**other).as_millis() < 140)
                .count()
        };
        times.iter().map(within).max().unwrap()
    };
    assert_eq!(most(""), 4);
    assert_eq!(most("-j 1"), 1);
}
