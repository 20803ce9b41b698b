//! The recordings of `fixtures/`, as the providers would have them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::records::CREATED;
use super::{Archive, Fake, Video, Voice};

/// A file of the fixtures.
pub fn read(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The same, of JSON.
pub fn json(path: &str) -> Value {
    serde_json::from_slice(&read(path)).expect("JSON")
}

pub fn add(fake: &Fake) {
    voice(fake);
    video(fake);
    archives(fake);
}

/// A text field of a resource.
fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn voice(fake: &Fake) {
    let list = json("twilio-voice/list.json");
    for (age, item) in (0..).zip(list["recordings"].as_array().expect("a list")) {
        let sid = text(item, "sid");
        let encryption = item["encryption_details"].clone();
        let end = if encryption.is_null() {
            "wav"
        } else {
            "wav.enc"
        };
        let media = read(&format!("twilio-voice/{sid}.{end}"));
        fake.add_voice(Voice {
            account: text(item, "account_sid"),
            call: text(item, "call_sid"),
            conference: item["conference_sid"].as_str().map(str::to_owned),
            duration: text(item, "duration").parse().unwrap_or(0),
            channels: if item["channels"] == 2 { 2 } else { 1 },
            source: text(item, "source"),
            created: CREATED - age * 60,
            updated: CREATED - age * 60 + 9,
            ..Voice::new(&sid, &media, encryption)
        });
    }
    // One of each kind that has no media.
    let other = |number: u32, status: &str| {
        let sid = format!("RE5eed{number:028x}");
        Voice {
            status: status.into(),
            created: CREATED - i64::from(number) * 60,
            call: "CA5eed00000000000000000000000000ff".into(),
            ..Voice::new(&sid, b"", Value::Null)
        }
    };
    fake.add_voice(other(0x10, "in-progress"));
    fake.add_voice(Voice {
        error_code: Some(16102),
        ..other(0x11, "absent")
    });
    let conference = "CF5eed0000000000000000000000000001".to_owned();
    fake.add_voice(Voice {
        conference: Some(conference.clone()),
        source: "Conference".into(),
        ..other(0x13, "processing")
    });
    let details = json("twilio-voice/details.json");
    fake.add_voice(Voice {
        encryption: details,
        conference: Some(conference),
        source: "Conference".into(),
        ..other(0x12, "deleted")
    });
}

/// Metadata in the spellings of the fixtures' files, as headers.
pub fn headers(path: &str) -> Vec<(String, String)> {
    let content = String::from_utf8(read(path)).expect("text");
    let pairs: Vec<(String, String)> = match serde_json::from_str::<Value>(&content) {
        Ok(value) => {
            let flat = if value["Metadata"].is_object() {
                &value["Metadata"]
            } else {
                &value
            };
            let fields = flat.as_object().expect("an object").keys();
            fields
                .map(|name| (name.clone(), text(flat, name)))
                .collect()
        }
        Err(_) => content
            .lines()
            .filter_map(|line| line.trim().split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    };
    let full = |(name, value): (String, String)| {
        let name = name.to_lowercase();
        let short = name.strip_prefix("x-amz-meta-").unwrap_or(&name).to_owned();
        let ours = [
            "x-amz-key",
            "x-amz-iv",
            "x-amz-matdesc",
            "x-amz-unencrypted-content-length",
        ];
        ours.contains(&short.as_str())
            .then(|| (format!("x-amz-meta-{short}"), value))
    };
    pairs.into_iter().filter_map(full).collect()
}

fn video(fake: &Fake) {
    for (age, (sid, container, kind, codec, metadata)) in (0..).zip([
        (
            "RT5eed0000000000000000000000000001",
            "mka",
            "audio",
            "OPUS",
            "wget.txt",
        ),
        (
            "RT5eed0000000000000000000000000002",
            "mkv",
            "video",
            "VP8",
            "mixed-case.headers",
        ),
        (
            "CJ5eed0000000000000000000000000001",
            "mp4",
            "video",
            "H264",
            "curl.headers",
        ),
        (
            "CJ5eed0000000000000000000000000002",
            "webm",
            "video",
            "VP8",
            "head-object.json",
        ),
    ]) {
        let media = read(&format!("twilio-video/{sid}.{container}.enc"));
        fake.add_video(Video {
            container: container.into(),
            kind: kind.into(),
            codec: codec.into(),
            created: CREATED - age * 60,
            ..Video::new(sid, &media, &headers(&format!("twilio-video/{metadata}")))
        });
    }
    // One that is being made, of each kind, and a data track.
    for (sid, status, kind) in [
        ("RT5eed0000000000000000000000000010", "processing", "audio"),
        ("CJ5eed0000000000000000000000000010", "processing", "video"),
        ("RT5eed0000000000000000000000000011", "completed", "data"),
    ] {
        fake.add_video(Video {
            status: status.into(),
            kind: kind.into(),
            created: CREATED - 3600,
            room: "RM5eed00000000000000000000000000ff".into(),
            ..Video::new(sid, b"{}\n", &[])
        });
    }
}

/// Four of the application, of which the last went to the customer's bucket, and two of `OpenTok`.
fn archives(fake: &Fake) {
    for number in 0..6 {
        let value = json(&format!("vonage/archive-{number}.json"));
        let id = text(&value, "id");
        let path = |end: &str| format!("vonage/{id}.{end}");
        let whole = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(path("ts.enc"));
        let media = read(&path(if whole.exists() {
            "ts.enc"
        } else {
            "nopad.ts.enc"
        }));
        let archive = Archive {
            name: text(&value, "name"),
            session: text(&value, "sessionId"),
            sha256sum: text(&value, "sha256sum"),
            created_ms: value["createdAt"].as_i64().expect("a number"),
            ..Archive::new(&id, &media, &text(&value, "password"))
        };
        fake.add_archive(match number {
            3 => Archive {
                status: "uploaded".into(),
                link: false,
                ..archive
            },
            4 | 5 => archive.of_opentok(),
            _ => archive,
        });
    }
}
