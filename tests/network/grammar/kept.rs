//! What is done with recordings but decrypting them: keys checked, media and metadata kept.

use super::{
    ARCHIVE, ARCHIVE_ELSEWHERE, CA, Net, RE, RE_OTHER, RE_PLAIN, RE_THIRD, RM, RT, Ran, SESSION,
    outcomes, video_headers,
};
use crate::common::{digest_of, sha256};
use crate::fake::Origin;

#[test]
fn keys_are_checked_without_media() {
    let net = Net::new();
    for (command, id) in [
        ("twilio-voice", RE),
        ("vonage", ARCHIVE),
        ("vonage", ARCHIVE_ELSEWHERE),
    ] {
        let ran = net.ends(0, &format!("{command} $ --check-keys {id}"));
        ran.says(&[id, "is opened by the key sha256:8f0d415d7ef5af9e"]);
        let line = net
            .ends(0, &format!("{command} $ --check-keys --json {id}"))
            .line();
        let fingerprint = line["key_fingerprint"].as_str().unwrap();
        assert!(fingerprint.starts_with("sha256:8f0d415d7ef5af9e"));
        assert!(line["output"].is_null() && line["integrity"].is_null());
    }
    net.ends(6, &format!("twilio-voice $ --check-keys {RE_OTHER}"))
        .says(&["CR5eed0000000000000000000000000002"]);
    let ran = net.ends(10, &format!("twilio-voice $ --check-keys --json {CA}"));
    let all = [
        (RE, "done"),
        (RE_OTHER, "6"),
        (RE_THIRD, "done"),
        (RE_PLAIN, "not_encrypted"),
    ];
    assert_eq!(ran.outcomes(), outcomes(&all));
    ran.says(&["2 can be opened, 1 skipped, 1 failed"]);
    net.ends(0, &format!("twilio-voice $ -k other.pem --check-keys {CA}"));
    net.ends(0, &format!("vonage $ --check-keys {SESSION}"));
    net.ends(0, "vonage $ --check-keys --all");
    assert!(net.media_requests().is_empty());
}

#[test]
fn of_video_the_first_bytes_prove_the_key() {
    let net = Net::new();
    net.ends(0, &format!("twilio-video $ --check-keys {RT}"));
    net.ends(6, &format!("twilio-video -k other.pem --check-keys {RT}"));
    net.ends(0, &format!("twilio-video $ --check-keys {RM}"));
    // The headers of another recording: a key unwraps, and what it opens is none. Only the beginning
    // is read.
    let large = crate::common::Random(7).bytes(16 << 20);
    let sid = "RT5eed00000000000000000000000000aa";
    net.fake
        .add_video(crate::fake::Video::new(sid, &large, &video_headers()));
    net.fake.fault(
        "GET storage:",
        crate::fake::Fault::StallInBody(4 << 20, std::time::Duration::from_secs(60)),
        usize::MAX,
    );
    net.ends(6, &format!("twilio-video $ --check-keys {sid}"))
        .says(&["shows no recording", "-k"]);
}

#[test]
fn keys_are_not_checked_together_with_other_things() {
    let net = Net::new();
    for more in [
        "-d out",
        "-o out.wav",
        "--check",
        "--download-only -d out",
        "--metadata-only -d out",
        "--save-metadata -d out",
    ] {
        net.refuses(
            2,
            &format!("twilio-voice $ --check-keys {more} {RE}"),
            &["--check-keys"],
        );
    }
    for flag in [
        "--check-keys",
        "--download-only -d out",
        "--metadata-only -d out",
        "--save-metadata -d out",
    ] {
        net.refuses(
            2,
            &format!("twilio-voice $ -m meta.json {flag} call.enc"),
            &["pass ids"],
        );
    }
    for flag in ["--download-only", "--metadata-only", "--save-metadata"] {
        net.refuses(2, &format!("twilio-voice $ {flag} {RE}"), &["--output-dir"]);
    }
    net.refuses(
        2,
        &format!("qvoice --config c --check-keys {RE}"),
        &["--check-keys"],
    );
}

#[test]
fn what_was_downloaded_is_decrypted_without_a_network() {
    let net = Net::new();
    net.ends(0, &format!("twilio-voice --download-only -d dl {CA}"));
    net.ends(0, &format!("twilio-video --download-only -d dl {RM}"));
    net.ends(10, &format!("vonage --download-only -d dl {SESSION}"));
    let dl = crate::common::contents(&net.desk.path("dl"));
    assert_eq!(dl.len(), 2 * (3 + 4 + 5), "{:?}", dl.keys());
    assert!(dl.contains_key(&format!("{RE}.enc")) && dl.contains_key(&format!("{RE}.json")));
    for (name, bytes) in &dl {
        if name.split('.').next_back() == Some("enc") {
            assert_eq!(net.desk.mode(&format!("dl/{name}")), 0o600);
            assert!(!bytes.is_empty());
        }
    }
    for (command, pattern) in [
        ("twilio-voice", "RE*"),
        ("twilio-video", "[RC][TJ]*"),
        ("vonage", "5eed*"),
        ("decrypt", "*"),
    ] {
        let script = format!(
            "exec \"$UNREEL\" {command} -k key.pem -k other.pem -d {command} dl/{pattern}.enc"
        );
        Ran::of(net.desk.bash(&script)).ended(0, command);
        for (name, bytes) in crate::common::contents(&net.desk.path(command)) {
            let id = name.split('.').next().unwrap();
            assert_eq!(sha256(&bytes), digest_of(id), "{name}");
        }
    }
    assert_eq!(crate::common::contents(&net.desk.path("decrypt")).len(), 12);
}

#[test]
fn a_download_needs_no_key_and_says_what_it_is() {
    let net = Net::new();
    let ran = net.ends(
        0,
        &format!("twilio-voice --download-only -d dl --json {RE}"),
    );
    let line = ran.line();
    assert_eq!(line["output"], format!("dl/{RE}.enc"));
    assert_eq!(line["source"], "provider");
    // Not encrypted: refused by id, skipped in a group, or saved.
    let ran = net.ends(4, &format!("twilio-voice --download-only -d dl {RE_PLAIN}"));
    ran.says(&["not encrypted", "--plain save"]);
    net.ends(
        0,
        &format!("twilio-voice --download-only -d dl --plain save {RE_PLAIN}"),
    );
    assert!(net.desk.path(&format!("dl/{RE_PLAIN}.wav")).exists());
    net.refuses(
        2,
        &format!("twilio-voice --download-only --metadata-only -d dl {RE}"),
        &[],
    );
}

#[test]
fn sidecars_are_what_the_provider_answered() {
    let net = Net::new();
    net.ends(
        0,
        &format!("twilio-voice --metadata-only -d meta {RE} {RE_PLAIN}"),
    );
    net.ends(0, &format!("twilio-voice --metadata-only -d of-call {CA}"));
    net.ends(
        0,
        &format!("vonage --metadata-only -d meta {ARCHIVE} {ARCHIVE_ELSEWHERE}"),
    );
    assert!(net.media_requests().is_empty());
    net.ends(0, &format!("twilio-video --metadata-only -d meta {RT}"));
    let read =
        |name: &str| -> serde_json::Value { serde_json::from_slice(&net.desk.read(name)).unwrap() };
    let sidecar = read(&format!("meta/{RE}.json"));
    assert_eq!(
        (&sidecar["sid"], &sidecar["api_version"]),
        (&RE.into(), &"2010-04-01".into())
    );
    assert!(sidecar["encryption_details"]["encrypted_cek"].is_string());
    assert_eq!(read(&format!("of-call/{RE_PLAIN}.json"))["track"], "both");
    assert!(read(&format!("meta/{RE_PLAIN}.json"))["encryption_details"].is_null());
    assert_eq!(
        read(&format!("meta/{ARCHIVE}.json"))["outputMode"],
        "composed"
    );
    let flat = read(&format!("meta/{RT}.json"));
    let flat = flat.as_object().unwrap();
    assert_eq!(flat["sid"], RT);
    assert!(flat.values().all(serde_json::Value::is_string));
    assert!(
        flat.keys()
            .all(|name| name == "sid" || name.starts_with("x-amz-meta-"))
    );
    // Byte for byte.
    let there = answer(
        &net,
        &format!(
            "/2010-04-01/Accounts/{}/Recordings/{RE}.json",
            crate::fake::ACCOUNT
        ),
    );
    assert_eq!(net.desk.read(&format!("meta/{RE}.json")), there);
    // They serve as metadata.
    for (command, id, file) in [
        (
            "twilio-voice",
            RE,
            "twilio-voice/RE5eed0000000000000000000000000001.wav.enc",
        ),
        (
            "twilio-video",
            RT,
            "twilio-video/RT5eed0000000000000000000000000001.mka.enc",
        ),
        (
            "vonage",
            ARCHIVE,
            "vonage/5eed0000-0000-4000-8000-000000000000.ts.enc",
        ),
    ] {
        net.desk.bring(file, "media.enc");
        net.ends(
            0,
            &format!("{command} $ -m meta/{id}.json -o out.media -f media.enc"),
        );
        net.is_opened("out.media", id);
        net.ends(0, &format!("{command} $ -m meta -d from-folder {id}"));
    }
}

/// The body of an answer to the credentials of the account.
fn answer(net: &Net, path: &str) -> Vec<u8> {
    use base64::Engine;
    use std::io::{Read, Write};
    let base = net.fake.base();
    let mut stream = std::net::TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let pair = format!("{}:{}", crate::fake::API_KEY, crate::fake::API_SECRET);
    let auth = base64::prelude::BASE64_STANDARD.encode(pair);
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {auth}\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    answer.split_off(end + 4)
}

#[test]
fn the_body_of_a_video_is_dropped_where_its_headers_are_wanted() {
    let net = Net::new();
    net.ends(0, &format!("twilio-video --metadata-only -d meta {RT}"));
    let storage: Vec<_> = net
        .media_requests()
        .into_iter()
        .filter(|seen| seen.origin == Origin::Storage)
        .collect();
    assert_eq!(storage.len(), 1);
    assert_eq!(storage[0].request.method, "GET");
}

#[test]
fn metadata_is_saved_beside_each_recording() {
    let net = Net::new();
    for (command, input, count) in [
        ("twilio-voice -k other.pem", CA, 3),
        ("twilio-video", RM, 4),
    ] {
        let folder = format!("out{count}");
        net.ends(
            0,
            &format!("{command} $ --save-metadata -d {folder} {input}"),
        );
        let names = crate::common::contents(&net.desk.path(&folder));
        let sidecars = names
            .keys()
            .filter(|name| name.split('.').next_back() == Some("json"))
            .count();
        assert_eq!(
            (names.len(), sidecars),
            (2 * count, count),
            "{:?}",
            names.keys()
        );
    }
    // None without its media.
    net.ends(
        6,
        &format!("twilio-voice $ --save-metadata -d none {RE_OTHER}"),
    );
    assert!(!net.desk.path("none").exists());
}

#[test]
fn what_exists_is_left_skipped_or_overwritten() {
    let net = Net::new();
    for (flags, name) in [
        ("$", format!("{RE}.wav")),
        ("--download-only", format!("{RE}.enc")),
        ("--metadata-only", format!("{RE}.json")),
        ("$ --save-metadata", format!("{RE}.wav")),
    ] {
        let folder = format!("d{}", flags.len());
        let name = format!("{folder}/{name}");
        net.desk.write(&name, b"mine");
        let run = |code, how: &str| {
            net.ends(
                code,
                &format!("twilio-voice {flags} -d {folder} --json {RE} {how}"),
            )
        };
        net.fake.forget();
        run(8, "").line();
        assert_eq!(net.desk.read(&name), b"mine");
        let line = run(0, "--if-exists skip").line();
        assert_eq!(
            (&line["skipped"], &line["reason"], &line["output"]),
            (&true.into(), &"exists".into(), &name.clone().into())
        );
        assert_eq!(net.desk.read(&name), b"mine");
        assert!(net.media_requests().is_empty(), "{flags}");
        run(0, "--if-exists overwrite");
        assert_ne!(net.desk.read(&name), b"mine");
    }
}

#[test]
fn skipping_looks_before_keys_and_media() {
    let net = Net::new();
    net.desk.write(&format!("out/{RT}.mka"), b"mine");
    net.fake.forget();
    net.ends(
        0,
        &format!("twilio-video -k missing.pem --if-exists skip -d out {RT}"),
    );
    assert!(net.media_requests().is_empty());
}
