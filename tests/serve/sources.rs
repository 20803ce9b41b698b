//! Where recordings are, and what happens when they come, change, or cannot be reached.

use std::fs;
use std::time::Duration;

use crate::common::made::wait_for;
use crate::common::{digest_of, fixture, sha256};
use crate::fake::{Fake, Fault, Origin, Voice};
use crate::link;
use crate::scene::{CALL, MONO, PLAIN, Scene, Served, UNKNOWN, undated};

const VOICE: &str = crate::common::VOICE;

#[test]
fn what_is_added_later_is_found_and_what_is_taken_away_is_not() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let path = link::path("media", VOICE);
    assert_eq!(served.get(&path, &[]).status(), "404");
    assert_eq!(served.ask("anna", VOICE).status(), "404");
    // The media comes first: it cannot be opened yet.
    scene.desk.bring(
        &format!("twilio-voice/{VOICE}.wav.enc"),
        &format!("calls/{VOICE}.wav.enc"),
    );
    assert_eq!(served.get(&path, &[]).status(), "502");
    scene.desk.bring(
        "twilio-voice/recording.json",
        &format!("calls/{VOICE}.json"),
    );
    let got = served.get(&path, &[]);
    assert_eq!((got.status(), sha256(&got.body)), ("200", digest_of(VOICE)));
    assert_eq!(served.ask("anna", VOICE).status(), "200");
    // Another content under the same name is another recording.
    let tag = got.header("etag").unwrap().to_owned();
    for name in ["json", "wav.enc"] {
        let of = |id: &str| scene.desk.path(&format!("calls/{id}.{name}"));
        fs::copy(of(MONO), of(VOICE)).unwrap();
    }
    served.reload();
    let got = served.get(&path, &[]);
    if got.status() == "200" {
        assert!(got.header("etag") != Some(&tag) && got.body == scene.plaintext(MONO));
    }
    fs::remove_file(scene.desk.path(&format!("calls/{VOICE}.wav.enc"))).unwrap();
    served.reload();
    assert_eq!(served.get(&path, &[]).status(), "404");
    assert_eq!(served.ask("anna", VOICE).status(), "404");
    served.stop();
}

#[test]
fn sources_are_asked_in_order_and_whole() {
    let scene = Scene::new();
    scene
        .desk
        .bring(&format!("playback/{PLAIN}.wav"), "first/copy");
    for (from, to) in [(PLAIN, "first"), (CALL, "second")] {
        for ending in ["wav", "wav.enc", "json"] {
            let path = scene.desk.path(&format!("calls/{from}.{ending}"));
            if path.exists() {
                scene
                    .desk
                    .write(&format!("{to}/{from}.{ending}"), fs::read(path).unwrap());
            }
        }
    }
    // In the first one it is another recording, not encrypted.
    scene.desk.write(
        &format!("second/{PLAIN}.wav"),
        &scene.desk.read(&format!("calls/{PLAIN}.wav"))[..20_000],
    );
    let served = scene.serve(&["--source", "first", "--source", "second"]);
    assert_eq!(served.get(&link::path("media", CALL), &[]).status(), "200");
    let got = served.get(&link::path("media", PLAIN), &[]);
    assert!(got.body == scene.desk.read(&format!("calls/{PLAIN}.wav")));
    assert_eq!(
        served.get(&link::path("media", MONO), &[]).status(),
        "404",
        "flags replace the file's list"
    );
    // A folder within is none of it.
    fs::rename(scene.desk.path("second"), scene.desk.path("first/second")).unwrap();
    fs::create_dir(scene.desk.path("second")).unwrap();
    served.reload();
    assert_eq!(served.get(&link::path("media", CALL), &[]).status(), "404");
    served.stop();
}

#[test]
fn recordings_from_before_encryption_are_played_under_the_same_checks() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let plain = scene.desk.read(&format!("calls/{PLAIN}.wav"));
    assert_eq!(served.ask("nobody", PLAIN).status(), "401");
    let got = served.get(&served.link(PLAIN), &["Range: bytes=100-199"]);
    assert!(got.status() == "206" && got.body == plain[100..200]);
    // Its name says that it is encrypted, and its metadata has no key.
    fs::rename(
        scene.desk.path(&format!("calls/{PLAIN}.wav")),
        scene.desk.path(&format!("calls/{PLAIN}.wav.enc")),
    )
    .unwrap();
    served.reload();
    assert_eq!(served.get(&link::path("media", PLAIN), &[]).status(), "502");
    // One that is, under the name of one that is not.
    fs::rename(
        scene.desk.path(&format!("calls/{CALL}.wav.enc")),
        scene.desk.path(&format!("calls/{CALL}.wav")),
    )
    .unwrap();
    served.reload();
    let got = served.get(&link::path("media", CALL), &[]);
    let is_good = got.status() == "200"
        && got.body == {
            scene.desk.write(
                &format!("calls/{CALL}.wav.enc"),
                scene.desk.read(&format!("calls/{CALL}.wav")),
            );
            scene.plaintext(CALL)
        };
    assert!(
        is_good || got.status() == "502",
        "never ciphertext: {}",
        got.status()
    );
    served.stop();
}

/// A server of what Twilio has.
fn twilio(arguments: &[&str]) -> (Scene, Served) {
    let scene = Scene::new();
    scene.fake.add_fixtures();
    let all = [&["--source", "twilio", "--retries", "0"], arguments].concat();
    let served = scene.serve(&all);
    (scene, served)
}

/// How often the media was fetched.
fn fetches(fake: &Fake, id: &str) -> usize {
    let requests = fake.requests();
    let of_media = |seen: &&crate::fake::Seen| {
        seen.origin == Origin::Storage && seen.target().contains(id)
            || seen.origin == Origin::Api && seen.target().contains(&format!("Recordings/{id}.wav"))
    };
    let media: Vec<_> = requests
        .iter()
        .filter(of_media)
        .filter(|seen| (200..300).contains(&seen.status))
        .collect();
    media.len()
}

#[test]
fn twilio_is_asked_for_what_is_played_and_once_for_many() {
    let (scene, served) = twilio(&[]);
    let path = served.link(VOICE);
    wait_for("fetch", || served.metric("recordings_verified_total") == 1);
    served.reload();
    scene.fake.forget();
    scene.fake.latency(Duration::from_millis(50));
    std::thread::scope(|threads| {
        for number in 0..50 {
            let (served, path) = (&served, &path);
            threads.spawn(move || {
                let range = format!("Range: bytes={number}-");
                assert_eq!(served.get(path, &[&range]).status(), "206");
            });
        }
    });
    assert_eq!(fetches(&scene.fake, VOICE), 1);
    assert_eq!(served.metric("recordings_verified_total"), 2);
    let got = served.get(&path, &[]);
    assert_eq!(sha256(&got.body), digest_of(VOICE));
    assert_eq!(fetches(&scene.fake, VOICE), 1, "it is at hand");
    served.stop();
}

#[test]
fn what_twilio_does_not_say_is_not_played_and_not_kept() {
    let (scene, served) = twilio(&[]);
    let path = link::path("media", VOICE);
    let place = format!("Recordings/{VOICE}");
    for (fault, expected) in [
        (Fault::Status(500, vec![]), "503"),
        (Fault::Status(503, vec![]), "503"),
        (Fault::Status(429, vec![]), "503"),
        (Fault::Status(401, vec![]), "503"),
        (Fault::Reset, "503"),
        (Fault::Garbage, "503"),
        (Fault::NotFound, "404"),
    ] {
        let what = format!("{fault:?}");
        scene.fake.fault(&place, fault, usize::MAX);
        let got = served.get(&path, &[]);
        let asked = served.ask("anna", VOICE);
        scene.fake.mend();
        assert_eq!(got.status(), expected, "{what}");
        assert_eq!(asked.status(), expected, "{what}");
        assert_eq!(
            got.header("retry-after").is_some(),
            expected == "503",
            "{what}"
        );
        assert_eq!(
            served.get(&path, &[]).status(),
            "200",
            "{what}: it is there again"
        );
        served.reload();
    }
    // Twilio has the recording, and its media cannot be had.
    let media = format!("Recordings/{VOICE}.wav");
    for fault in [
        Fault::Status(500, vec![]),
        Fault::CutAfter(1000),
        Fault::Status(503, vec![]),
    ] {
        let what = format!("{fault:?}");
        scene.fake.fault(&media, fault.clone(), usize::MAX);
        scene.fake.fault("GET storage:", fault, usize::MAX);
        let got = served.get(&path, &["Range: bytes=0-99"]);
        scene.fake.mend();
        assert_eq!(got.status(), "503", "{what}");
        assert!(got.body.len() < 100);
        assert_eq!(served.get(&path, &[]).status(), "200", "{what}");
        served.reload();
    }
    scene.fake.fault(&media, Fault::OtherBytes, usize::MAX);
    scene
        .fake
        .fault("GET storage:", Fault::OtherBytes, usize::MAX);
    assert_eq!(
        served.get(&path, &[]).status(),
        "502",
        "other bytes do not verify"
    );
    scene.fake.mend();
    assert_eq!(
        undated(&served.get(&link::path("media", UNKNOWN), &[]))
            .0
            .split(' ')
            .nth(1),
        Some("404")
    );
    served.stop();
}

#[test]
fn a_link_is_not_given_to_what_twilio_does_not_have_any_more_or_yet() {
    let (scene, served) = twilio(&[]);
    for (number, status, expected) in [
        (1, "completed", "200"),
        (2, "in-progress", "503"),
        (3, "processing", "503"),
        (4, "absent", "404"),
        (5, "failed", "404"),
        (6, "deleted", "404"),
    ] {
        let id = format!("RE5eed{number:028x}").replace("RE5eed0000", "RE5eed00ff");
        let mut voice = Voice::new(&id, b"media", serde_json::Value::Null);
        voice.status = status.to_owned();
        scene.fake.add_voice(voice);
        assert_eq!(served.ask("anna", &id).status(), expected, "{status}");
    }
    served.stop();
}

#[test]
fn a_source_out_of_reach_is_passed_over_for_what_another_has() {
    let scene = Scene::new();
    let mut command = scene.command(&["--source", "twilio", "--source", "calls", "--retries", "0"]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    command.env("UNREEL_TWILIO_API_URL", format!("http://{closed}"));
    let served = Served::start(command);
    assert_eq!(served.get(&link::path("media", CALL), &[]).status(), "200");
    // Perhaps Twilio has it.
    let got = served.get(&link::path("media", UNKNOWN), &[]);
    assert_eq!(
        (got.status(), got.header("retry-after").is_some()),
        ("503", true)
    );
    served.stop();
    assert!(fixture("playback").exists());
}

#[test]
fn a_recording_longer_than_the_cache_is_played_all_the_same() {
    let scene = Scene::new();
    let plaintext = scene.add_long(3 << 20);
    for size in ["0", "64KiB", "1MiB"] {
        let served = scene.serve(&["--cache", size]);
        for _ in 0..2 {
            let got = served.get(&link::path("media", crate::scene::LONG), &[]);
            assert!(got.body == plaintext, "{size}");
            assert_eq!(
                served
                    .get(&link::path("media", CALL), &["Range: bytes=5-"])
                    .status(),
                "206"
            );
        }
        served.stop();
    }
}
