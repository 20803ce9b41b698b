//! Recordings that are not as they were: nobody hears a byte of them.

use std::fs;

use serde_json::Value;

use crate::connection::Connection;
use crate::link;
use crate::scene::{ARCHIVE, CALL, LONG, MONO, Scene, Served, TRACK, authorization, undated};

/// The ways to a recording: path, headers.
fn ways(id: &str) -> Vec<(String, Vec<String>)> {
    let mut ways = vec![
        (link::path("media", id), vec![]),
        (
            link::path("media", id),
            vec!["Range: bytes=0-99".to_owned()],
        ),
        (link::path("media", id), vec!["Range: bytes=-1".to_owned()]),
        (
            link::path("media", id),
            vec!["Range: bytes=99999999-".to_owned()],
        ),
        (link::path("listen", id), vec![]),
        (link::path("waveform", id), vec![]),
        (link::path("waveform", id).replace(".svg", ".json"), vec![]),
    ];
    if id.starts_with("RE") {
        let account = crate::fake::ACCOUNT;
        let path = format!("/2010-04-01/Accounts/{account}/Recordings/{id}");
        for path in [format!("{path}.wav"), path] {
            ways.push((path, vec![authorization("anna")]));
        }
    }
    ways
}

fn assert_unusable(served: &Served, id: &str, what: &str) {
    let mut answers = Vec::new();
    for (path, headers) in ways(id) {
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        for method in ["GET", "HEAD"] {
            let got = served.send(method, &path, &headers);
            assert_eq!(got.status(), "502", "{what}: {method} {path} {headers:?}");
            for name in [
                "etag",
                "accept-ranges",
                "content-range",
                "content-disposition",
            ] {
                assert_eq!(got.header(name), None, "{what}");
            }
            if method == "GET" {
                answers.push(undated(&got));
            }
        }
    }
    assert_eq!(answers[0].1, b"the recording cannot be played\n");
    let first = answers[0].clone();
    assert!(
        answers.iter().all(|answer| *answer == first),
        "{what}: {answers:?}"
    );
}

fn assert_usable(served: &Served, id: &str, what: &str) {
    for (path, headers) in ways(id) {
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let status = served.get(&path, &headers).status().to_owned();
        let is_far = headers.contains(&"Range: bytes=99999999-");
        let has_sound = id != ARCHIVE && id != TRACK || !path.contains("/waveform/");
        let expected: &[&str] = match (is_far, has_sound) {
            (true, _) => &["416"],
            (_, true) => &["200", "206"],
            (_, false) => &["200", "404"],
        };
        assert!(
            expected.contains(&status.as_str()),
            "{what}: {status} for {path}"
        );
    }
}

/// What is done to a file's bytes.
type Change = fn(&mut Vec<u8>);

fn flip(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 1;
}

#[test]
fn no_byte_of_a_recording_that_was_changed_is_sent() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let all: [(&str, &str, Change); 16] = [
        ("first byte", "wav.enc", |it| flip(it, 0)),
        ("a byte in the middle", "wav.enc", |it| flip(it, 200_000)),
        ("last byte of the media", "wav.enc", |it| {
            let at = it.len() - 17;
            flip(it, at);
        }),
        ("first byte of the tag", "wav.enc", |it| {
            let at = it.len() - 16;
            flip(it, at);
        }),
        ("last byte of the tag", "wav.enc", |it| {
            let at = it.len() - 1;
            flip(it, at);
        }),
        ("cut by a byte", "wav.enc", |it| {
            it.pop();
        }),
        ("cut by the tag", "wav.enc", |it| it.truncate(it.len() - 16)),
        ("cut in the middle", "wav.enc", |it| {
            it.truncate(it.len() / 2);
        }),
        ("cut to a tag", "wav.enc", |it| it.truncate(16)),
        ("cut to nothing", "wav.enc", Vec::clear),
        ("longer by a byte", "wav.enc", |it| it.push(0)),
        ("two pieces exchanged", "wav.enc", |it| {
            let piece = it[1000..1016].to_vec();
            it.copy_within(2000..2016, 1000);
            it[2000..2016].copy_from_slice(&piece);
        }),
        ("an IV of another", "json", |it| {
            change(it, |details| details["iv"] = "AAAAAAAAAAAAAAAA".into());
        }),
        ("no key in the metadata", "json", |it| {
            let mut all: Value = serde_json::from_slice(it).unwrap();
            all["encryption_details"] = Value::Null;
            *it = all.to_string().into_bytes();
        }),
        ("a content key that is none", "json", |it| {
            change(it, |details| details["encrypted_cek"] = "AAAA".into());
        }),
        ("metadata that is none", "json", |it| it.truncate(100)),
    ];
    for (what, ending, alter) in all {
        let name = format!("calls/{CALL}.{ending}");
        let good = scene.desk.read(&name);
        let mut bad = good.clone();
        alter(&mut bad);
        scene.desk.write(&name, bad);
        served.reload();
        assert_unusable(&served, CALL, what);
        scene.desk.write(&name, good);
        served.reload();
        assert_usable(&served, CALL, what);
    }
    let said = served.stop();
    let log = scene.log("log.jsonl");
    let sent = log
        .iter()
        .filter(|line| line["event"] == "play" && line["status"] == 502);
    let sent: Vec<_> = sent.collect();
    assert!(sent.len() >= 16 * 6, "{}", sent.len());
    assert!(
        sent.iter()
            .all(|line| line["bytes"] == 0 && line["reason"].is_string())
    );
    assert!(!said.contains("panicked"), "{said}");
}

/// Changes `encryption_details`.
fn change(bytes: &mut Vec<u8>, alter: impl Fn(&mut Value)) {
    let mut all: Value = serde_json::from_slice(bytes).unwrap();
    alter(&mut all["encryption_details"]);
    *bytes = all.to_string().into_bytes();
}

#[test]
fn neither_is_one_that_another_belongs_to_or_no_key_opens() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    for id in [CALL, MONO, TRACK, ARCHIVE] {
        assert_usable(&served, id, id);
    }
    // The sidecars of two recordings, exchanged.
    let [one, other] = [CALL, MONO].map(|id| scene.desk.path(&format!("calls/{id}.json")));
    let third = scene.desk.path("third");
    for (from, to) in [(&one, &third), (&other, &one), (&third, &other)] {
        fs::rename(from, to).unwrap();
    }
    // Cut, so that it is no whole number of blocks.
    for name in [format!("{TRACK}.mka.enc"), format!("{ARCHIVE}.ts.enc")] {
        let mut bytes = scene.desk.read(&format!("calls/{name}"));
        bytes.pop();
        scene.desk.write(&format!("calls/{name}"), bytes);
    }
    served.reload();
    for id in [CALL, MONO, TRACK, ARCHIVE] {
        assert_unusable(&served, id, id);
    }
    served.stop();

    let scene = Scene::new();
    scene.desk.bring("keys/other.pem", "key.pem");
    let served = scene.serve(&[]);
    for id in [CALL, MONO, TRACK, ARCHIVE] {
        assert_unusable(&served, id, "another key");
    }
    // The right one, and it is played.
    scene.desk.bring("keys/pkcs8.pem", "key.pem");
    served.reload();
    assert_usable(&served, CALL, "the right key");
    // A file that is no key leaves the one before.
    scene.desk.write("key.pem", "no key");
    served.reload();
    assert_usable(&served, CALL, "the key before");
    let said = served.stop();
    assert!(said.contains("kept the private keys as before"), "{said}");
    // Whoever runs it is told what listeners are not.
    let why = format!("unreel: warning: {CALL} was asked for, and not played: cannot unwrap");
    assert!(said.contains(&why), "{said}");
}

#[test]
fn what_is_changed_while_it_is_played_ends_with_the_connection() {
    let scene = Scene::new();
    let length = 4 << 20;
    let plaintext = scene.add_long(length);
    let file = format!("calls/{LONG}.wav.enc");
    let media = scene.desk.read(&file);
    for (what, expected) in [
        ("written to", "502"),
        ("replaced by the same", "200"),
        ("cut", "502"),
        ("taken away", "404"),
    ] {
        scene.desk.write(&file, &media);
        let served = scene.serve(&[]);
        let path = link::path("media", LONG);
        let mut connection = Connection::to(served.address());
        let got = connection.begin("GET", &path, &["Connection: close"]);
        assert_eq!(got.status(), "200");
        let mut bytes = connection.some(1000);
        let path_of_file = scene.desk.path(&file);
        match what {
            "written to" => {
                use std::os::unix::fs::FileExt;
                let written = fs::OpenOptions::new()
                    .write(true)
                    .open(&path_of_file)
                    .unwrap();
                for at in (0..length).step_by(4096) {
                    written.write_all_at(b"!", at as u64).unwrap();
                }
            }
            "replaced by the same" => {
                scene.desk.write("same", &media);
                fs::rename(scene.desk.path("same"), &path_of_file).unwrap();
            }
            "cut" => {
                let written = fs::OpenOptions::new()
                    .write(true)
                    .open(&path_of_file)
                    .unwrap();
                written.set_len(1 << 19).unwrap();
            }
            _ => fs::remove_file(&path_of_file).unwrap(),
        }
        bytes.extend(connection.rest());
        assert!(
            plaintext.starts_with(&bytes),
            "{what}: bytes that were not verified"
        );
        let is_whole = bytes.len() == length;
        // What was opened is there still where only its name is another's.
        let may_be_whole = !matches!(what, "written to" | "cut");
        assert!(
            is_whole == may_be_whole || !is_whole && may_be_whole,
            "{what}: {}",
            bytes.len()
        );
        served.reload();
        assert_eq!(
            served
                .get(&path, &["Range: bytes=0-0"])
                .status()
                .replace("206", "200"),
            expected,
            "{what}"
        );
        served.stop();
    }
}
