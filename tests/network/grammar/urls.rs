//! URLs as INPUT.

use super::{ARCHIVE, CA, CJ, Net, RE, RM, RT, Ran, video_headers};
use crate::common::{digest_of, fixture, sha256};
use crate::fake::{ACCOUNT, Origin};

fn media(path: &str) -> Vec<u8> {
    std::fs::read(fixture(path)).unwrap()
}

#[test]
fn the_url_of_a_resource_is_its_id() {
    let net = Net::new();
    let base = net.fake.base();
    let accounts = format!("2010-04-01/Accounts/{ACCOUNT}");
    for (command, url, id, end) in [
        (
            "twilio-voice",
            format!("{base}/{accounts}/Recordings/{RE}"),
            RE,
            "wav",
        ),
        (
            "twilio-voice",
            format!("{base}/{accounts}/Recordings/{RE}.json"),
            RE,
            "wav",
        ),
        (
            "twilio-voice",
            format!("{base}/{accounts}/Recordings/{RE}.wav"),
            RE,
            "wav",
        ),
        (
            "twilio-voice",
            format!("http://api.twilio.com/{accounts}/Recordings/{RE}"),
            RE,
            "wav",
        ),
        (
            "twilio-voice",
            format!("https://api.twilio.com/{accounts}/Recordings/{RE}.wav?RequestedChannels=2"),
            RE,
            "wav",
        ),
        (
            "twilio-video",
            format!("{base}/v1/Recordings/{RT}"),
            RT,
            "mka",
        ),
        (
            "twilio-video",
            format!("https://video.twilio.com/v1/Recordings/{RT}/Media"),
            RT,
            "mka",
        ),
        (
            "twilio-video",
            format!("{base}/v1/Compositions/{CJ}/Media"),
            CJ,
            "mp4",
        ),
        (
            "twilio-video",
            format!("https://video.twilio.com/v1/Compositions/{CJ}"),
            CJ,
            "mp4",
        ),
        (
            "vonage",
            format!(
                "{base}/v2/project/{}/archive/{ARCHIVE}",
                crate::fake::APPLICATION
            ),
            ARCHIVE,
            "ts",
        ),
        (
            "decrypt",
            format!("http://api.twilio.com/{accounts}/Recordings/{RE}"),
            RE,
            "wav",
        ),
    ] {
        let ran = net.ends(0, &format!("{command} $ -d out --json -f {url}"));
        let line = ran.line();
        assert_eq!(
            (&line["id"], &line["source"]),
            (&id.into(), &"provider".into()),
            "{url}"
        );
        net.is_opened(&format!("out/{id}.{end}"), id);
    }
    net.refuses(
        2,
        &format!("twilio-video $ -d x https://api.twilio.com/{accounts}/Recordings/{RE}.wav"),
        &[&format!("unreel twilio-voice {RE}")],
    );
}

#[test]
fn an_account_in_a_url_is_the_account_meant() {
    let net = Net::new();
    let sub = "AC5eed00000000000000000000000000bb";
    let voice = crate::fake::Voice {
        account: sub.into(),
        ..crate::fake::Voice::new(
            "RE5eed00000000000000000000000000b1",
            &media(&format!("twilio-voice/{RE}.wav.enc")),
            serde_json::from_slice(&media("twilio-voice/details.json")).unwrap(),
        )
    };
    net.fake.add_voice(voice);
    let url = format!(
        "http://api.twilio.com/2010-04-01/Accounts/{sub}/Recordings/RE5eed00000000000000000000000000b1"
    );
    net.ends(0, &format!("twilio-voice $ -d out {url}"));
    let seen = net.fake.requests();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.target().contains(sub)));
    // The id alone is not known in the account of the credentials.
    net.ends(
        9,
        "twilio-voice $ -d out2 RE5eed00000000000000000000000000b1",
    );
    net.ends(
        0,
        &format!("twilio-voice $ -d out2 --account {sub} RE5eed00000000000000000000000000b1"),
    );
}

#[test]
fn any_other_url_is_the_media_without_credentials() {
    let net = Net::new();
    let url = net.fake.put(
        "/mine/call.enc",
        media(&format!("twilio-voice/{RE}.wav.enc")),
        &[],
        false,
    );
    for command in ["twilio-voice", "decrypt"] {
        let line = net
            .ends(
                0,
                &format!("{command} $ -m meta.json -d {command} --json {url}"),
            )
            .line();
        assert_eq!(line["source"], "url");
        assert_eq!(line["attempts"], 1);
        let input = line["input"].as_str().unwrap();
        assert!(
            input.starts_with(&format!("{}/mine/call.enc?", net.fake.storage())),
            "{input}"
        );
        assert!(
            input.contains("X-Amz-Signature") && !input.contains('='),
            "{input}"
        );
    }
    for seen in net.fake.requests() {
        assert_eq!(seen.origin, Origin::Storage);
        assert!(seen.header("authorization").is_none() && seen.header("x-opentok-auth").is_none());
    }
    // No credentials are needed, nor looked at.
    let run = format!("twilio-voice -m meta.json -k key.pem -o out.wav {url}");
    let mut command = net.desk.unreel(&run);
    command.env("TWILIO_ACCOUNT_SID", "nonsense");
    Ran::of(command).ended(0, "a URL");
    assert_eq!(sha256(&net.desk.read("out.wav")), digest_of(RE));
}

#[test]
fn twilio_videos_envelope_is_in_the_headers_unless_metadata_is_given() {
    let net = Net::new();
    let body = media(&format!("twilio-video/{RT}.mka.enc"));
    let headers = video_headers();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let url = net.fake.put("/mine/x.mka", body.clone(), &headers, false);
    for command in ["twilio-video", "decrypt"] {
        net.ends(0, &format!("{command} $ -d {command} {url}"));
        net.is_opened(&format!("{command}/x.mka"), RT);
    }
    let bare = net.fake.put("/mine/bare.mka", body, &[], true);
    let ran = net.ends(4, &format!("twilio-video $ -d out {bare}"));
    ran.says(&["x-amz-meta-x-amz-key", "-m PATH"]);
    net.desk.bring("twilio-video/flat.json", "flat.json");
    net.ends(0, &format!("twilio-video $ -m flat.json -d out {bare}"));
    net.is_opened("out/bare.mka", RT);
}

#[test]
fn others_need_metadata_or_direct_values() {
    let net = Net::new();
    let url = net.fake.put(
        "/mine/call.enc",
        media(&format!("twilio-voice/{RE}.wav.enc")),
        &[],
        true,
    );
    net.refuses(
        4,
        &format!("twilio-voice $ -d out {url}"),
        &["there is no metadata"],
    );
    net.refuses(
        4,
        &format!("vonage $ -d out {url}"),
        &["there is no metadata", "-m PATH"],
    );
    let details: serde_json::Value =
        serde_json::from_slice(&media("twilio-voice/details.json")).unwrap();
    let (cek, iv) = (
        details["encrypted_cek"].as_str().unwrap(),
        details["iv"].as_str().unwrap(),
    );
    net.ends(
        0,
        &format!("twilio-voice $ --encrypted-cek {cek} --iv {iv} -o out.wav {url}"),
    );
    net.is_opened("out.wav", RE);
}

#[test]
fn user_names_and_http_elsewhere_are_refused() {
    let net = Net::new();
    for url in [
        "https://user:hush@example.com/x.wav",
        "https://hush@api.twilio.com/x.wav",
        "http://user:hush@example.com/x.wav?sig=hush",
        "http://user:hush@127.0.0.1:9/x.wav",
        "https://user:hush@[bad/x.wav",
        "http://example.com/x.wav?sig=hush",
        "http://192.168.0.1/x.wav#hush",
        "https://[hush/",
        "https://",
    ] {
        for command in [
            "twilio-voice",
            "twilio-video",
            "vonage",
            "qvoice --config c",
            "decrypt",
        ] {
            let keys = if command.starts_with('q') { "" } else { "$" };
            let ran = net.refuses(2, &format!("{command} {keys} -d out {url}"), &[]);
            ran.says_nothing_of(&["hush"]);
        }
        net.refuses(2, &format!("inspect {url}"), &[])
            .says_nothing_of(&["hush"]);
    }
    net.refuses(
        2,
        "twilio-voice $ -d o http://example.com/x?sig=1",
        &["`http://example.com/x?sig`"],
    );
}

#[test]
fn a_url_is_printed_without_what_its_fields_say() {
    let net = Net::new();
    let url = net.fake.put(
        "/mine/call.enc",
        b"not what it should be".to_vec(),
        &[],
        false,
    );
    for (code, run) in [
        (4, format!("twilio-voice -v $ -d out {url}")),
        (7, format!("twilio-voice -v $ -m meta.json -d out {url}")),
        (
            7,
            format!("twilio-voice -v $ -m meta.json --json -d out {url} --report r.jsonl"),
        ),
        (9, format!("twilio-voice -v $ -m meta.json -d out {url}0")),
        (
            10,
            format!("twilio-voice -v $ -m meta.json -d out {url} {url}0"),
        ),
        (3, format!("inspect {url}")),
        (3, format!("inspect --json {url}")),
    ] {
        let ran = net.ends(code, &run);
        ran.says_nothing_of(&["Signature=", "made-up", "X-Amz-Date=", "20261130"]);
        assert!(ran.err.contains("/mine/call.enc?"), "{}", ran.err);
    }
    let report = String::from_utf8(net.desk.read("r.jsonl")).unwrap();
    assert!(
        report.contains("X-Amz-Signature") && !report.contains("X-Amz-Signature="),
        "{report}"
    );
}

#[test]
fn two_urls_of_one_name_are_not_one_file() {
    let net = Net::new();
    let body = media(&format!("twilio-voice/{RE}.wav.enc"));
    let one = net.fake.put("/one/call.enc", body.clone(), &[], true);
    let two = net.fake.put("/two/call.enc", body, &[], true);
    let details = "details.json";
    net.desk.bring("twilio-voice/details.json", details);
    for flag in ["", "-f", "--if-exists skip"] {
        let folder = format!("out{}", flag.len());
        let ran = net.ends(
            10,
            &format!("twilio-voice $ -m {details} {flag} -d {folder} {one} {two}"),
        );
        ran.says(&["would have the name", "1 decrypted, 0 skipped, 1 failed"]);
    }
}

#[test]
fn a_group_has_urls_too() {
    let net = Net::new();
    let base = net.fake.base();
    for (url, count) in [
        (
            format!("{base}/2010-04-01/Accounts/{ACCOUNT}/Calls/{CA}/Recordings.json"),
            4,
        ),
        (format!("{base}/v1/Rooms/{RM}/Recordings"), 4),
    ] {
        let ran = net.ends(0, &format!("inspect --json {url}"));
        let found = ran.line()["found"]["recordings"].as_array().unwrap().len();
        assert_eq!(found, count);
    }
}
