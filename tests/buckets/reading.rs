//! Objects as inputs: what comes, and every way in which it can break.

use std::fs;

use crate::common::{contents, digest_of, fixture, sha256};
use crate::fake::{Certificate, Fault, Page};
use crate::proxy::Nobody;
use crate::scene::{ID, KEY, Scene};
use crate::servers::{Kind, May};
use crate::specials;

const FLAGS: &[&str] = &["-o", "out/call.wav", "-f", "--json", "--sha256"];

/// For ever.
const EVER: usize = usize::MAX;

fn scenes() -> impl Iterator<Item = Scene> {
    Kind::ALL.into_iter().filter_map(Scene::with_recording)
}

fn flags<'a>(input: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    // Metadata in a file: the object is all that is asked for.
    let metadata = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/twilio-voice/recording.json"
    );
    [FLAGS, more, &["-m", metadata, input]].concat()
}

#[test]
fn an_object_is_decrypted_to_disk() {
    for scene in scenes() {
        let input = scene.input();
        let ran = scene.run(scene.voice(&flags(&input, &[]))).done();
        let line = ran.line();
        assert_eq!(line["input"], input.as_str());
        assert_eq!(line["source"], "bucket");
        assert_eq!(line["id"], ID);
        assert_eq!(line["integrity"], "tag");
        assert_eq!(line["attempts"], 1);
        assert_eq!(line["sha256"], digest_of(ID));
        let written = fs::read(scene.path("out/call.wav")).unwrap();
        assert_eq!(sha256(&written), digest_of(ID));
        for seen in scene.proxy.requests() {
            assert_eq!(seen.header("accept-encoding"), Some("identity"));
            let agent = concat!("unreel/", env!("CARGO_PKG_VERSION"));
            assert_eq!(seen.header("user-agent"), Some(agent));
        }
    }
}

#[test]
fn a_key_is_taken_as_it_stands() {
    let keys = [
        "in/a b+c%20d=e&f~g*(h)'!,;:@$.enc",
        "in/\u{e4}\u{20ac}\u{1f600}/e\u{301}.enc",
        "in/#frag?query=1.enc",
        "in/back\\slash \"quoted\" <x> {y} [z] ^`|.enc",
    ];
    let media = fs::read(fixture(&format!("twilio-voice/{ID}.wav.enc"))).unwrap();
    let metadata = fixture("twilio-voice/recording.json");
    let metadata = metadata.to_str().unwrap();
    for kind in Kind::ALL {
        let Some(scene) = Scene::new(kind) else {
            continue;
        };
        for key in keys {
            // Azure takes a backslash for a slash.
            if kind == Kind::Azure && key.contains('\\') {
                continue;
            }
            scene.bucket.put(key, media.clone(), &[]);
            let input = scene.bucket.url(key);
            let output = scene.bucket.url(&format!("{key}.wav"));
            let args = ["-m", metadata, "-o", &output, &input];
            scene.run(scene.voice(&args)).done();
            let there = scene.bucket.get(&format!("{key}.wav")).expect(key);
            assert_eq!(sha256(&there.body), digest_of(ID), "{kind:?} {key}");
        }
    }
}

/// One fault with the object, and what must come of it: so many requests for it, or an error.
fn row(name: &str, fault: &Fault, times: usize, retries: &str, expected: Result<u32, (i32, &str)>) {
    for scene in scenes() {
        let old = scene.path("out/call.wav");
        fs::write(&old, "the old file").unwrap();
        scene.proxy.fault(&scene.get(), fault.clone(), times);
        let input = scene.input();
        let ran = scene.run(scene.voice(&flags(&input, &["--retries", retries])));
        let what = format!("{name}, {:?}\n{}", scene.bucket.kind(), ran.said);
        let there = fs::read(&old).unwrap();
        match expected {
            Ok(attempts) => {
                assert_eq!(ran.output.status.code(), Some(0), "{what}");
                assert_eq!(sha256(&there), digest_of(ID), "{what}");
                assert_eq!(ran.line()["attempts"], attempts, "{what}");
            }
            Err((exit, part)) => {
                assert_eq!(ran.output.status.code(), Some(exit), "{what}");
                assert!(ran.said.contains(part), "no `{part}`: {what}");
                assert_eq!(there, b"the old file", "{what}");
                assert_eq!(contents(&scene.path("out")).len(), 1, "{what}");
            }
        }
    }
}

#[test]
fn what_breaks_off_is_continued_or_no_success() {
    let length = 128_060;
    row("cut", &Fault::CutAfter(4000), 1, "1", Ok(2));
    row(
        "cut before the first byte",
        &Fault::CutAfter(0),
        1,
        "1",
        Ok(2),
    );
    row(
        "cut before the last byte",
        &Fault::CutAfter(length - 1),
        1,
        "1",
        Ok(2),
    );
    row(
        "cut for ever",
        &Fault::CutAfter(1000),
        EVER,
        "0",
        Err((75, "broke off")),
    );
    row("reset", &Fault::Reset, 1, "1", Ok(2));
    row(
        "reset for ever",
        &Fault::Reset,
        EVER,
        "0",
        Err((75, "cannot reach")),
    );
    row(
        "too long",
        &Fault::LengthLarger(10),
        1,
        "0",
        Err((75, "broke off")),
    );
    row(
        "too short",
        &Fault::LengthSmaller(10),
        1,
        "0",
        Err((7, "again")),
    );
}

#[test]
fn the_rest_is_asked_for_under_the_same_tag() {
    for scene in scenes() {
        scene.proxy.fault(&scene.get(), Fault::CutAfter(4000), 1);
        let input = scene.input();
        scene
            .run(scene.voice(&flags(&input, &["--retries", "1"])))
            .done();
        let seen = scene.proxy.requests_of(&scene.get());
        assert_eq!(seen[1].header("range"), Some("bytes=4000-"));
        assert!(seen[1].header("if-match").is_some_and(|tag| tag.len() > 2));
        assert_eq!(seen[1].status, 206);
    }
}

#[test]
fn what_changes_under_way_is_no_success() {
    for (second, exit, part) in [
        (Fault::Replaced, 75, "changed during the download"),
        (Fault::NewEtag, 75, "changed during the download"),
        (Fault::WrongContentRange, 9, "cannot be used"),
        (Fault::IgnoreRange, 9, "cannot be used"),
        (Fault::OtherBytes, 7, "tag"),
        (Fault::NotSatisfiable, 9, "answered 416"),
    ] {
        for scene in scenes() {
            scene.proxy.fault(&scene.get(), Fault::CutAfter(4000), 1);
            scene.proxy.fault(&scene.get(), second.clone(), 1);
            let input = scene.input();
            let ran = scene.run(scene.voice(&flags(&input, &["--retries", "1"])));
            let what = format!("{second:?} {:?}\n{}", scene.bucket.kind(), ran.said);
            assert_eq!(ran.output.status.code(), Some(exit), "{what}");
            assert!(ran.said.contains(part), "{what}");
            assert!(contents(&scene.path("out")).is_empty());
        }
    }
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_then_left() {
    for status in [408, 425, 429, 500, 503] {
        row("busy once", &Fault::Refuse(status), 1, "1", Ok(2));
    }
    row(
        "busy for ever",
        &Fault::Refuse(503),
        EVER,
        "1",
        Err((75, "answered 503")),
    );
    row(
        "for an hour",
        &Fault::retry_after(503, "3600"),
        1,
        "5",
        Err((75, "longer than five minutes")),
    );
    row("for a second", &Fault::retry_after(503, "1"), 1, "1", Ok(2));
}

/// `object_store` has rules of its own for what it asks again; they are not heeded.
#[test]
fn a_request_is_repeated_by_our_own_rules_alone() {
    for (retries, asked) in [("0", 1), ("2", 3)] {
        for scene in scenes() {
            scene.proxy.fault(&scene.get(), Fault::Refuse(503), EVER);
            let input = scene.input();
            let ran = scene.run(scene.voice(&flags(&input, &["--retries", retries])));
            ran.fails(75, &["answered 503"]);
            assert_eq!(scene.proxy.requests_of(&scene.get()).len(), asked);
        }
    }
}

#[test]
fn what_is_no_answer_of_a_bucket_is_no_media() {
    for page in [Page::Html, Page::Xml, Page::Json] {
        row("a page", &Fault::ErrorPage(page), 1, "0", Err((9, "hint")));
    }
    row(
        "a part",
        &Fault::PartialToPlain,
        1,
        "0",
        Err((9, "cannot be used")),
    );
    row(
        "all as a part",
        &Fault::WholeAsPartial,
        1,
        "0",
        Err((9, "cannot be used")),
    );
    row("compressed", &Fault::Gzip, 1, "0", Err((9, "compressed")));
    row(
        "not HTTP",
        &Fault::Garbage,
        EVER,
        "0",
        Err((75, "cannot reach")),
    );
}

#[test]
fn a_redirection_is_not_followed() {
    for scene in scenes() {
        let to = "http://169.254.169.254/latest?X-Amz-Signature=s3cret";
        scene
            .proxy
            .fault(&scene.get(), specials::redirect(302, to), 1);
        let input = scene.input();
        let ran = scene.run(scene.voice(&flags(&input, &[])));
        let ran = ran.fails(9, &["leads to http://169.254.169.254/latest"]);
        assert!(!ran.said.contains("s3cret"), "{}", ran.said);
    }
}

#[test]
fn what_the_storage_refuses_says_what_to_do() {
    let clock = "this machine's clock is wrong";
    for (fault, exit, part) in [
        (specials::clock_off(), 9, clock),
        (specials::denied(), 9, "may not read it"),
        (
            specials::moved_region(),
            9,
            "says that the bucket is in the region eu-west-1",
        ),
        (specials::wrong_region(), 9, "set AWS_REGION=eu-west-1"),
        (specials::token_expired(), 9, "the session has expired"),
        (specials::no_bucket(), 3, "there is no such bucket"),
    ] {
        let Some(scene) = Scene::with_recording(Kind::S3) else {
            return;
        };
        scene.proxy.fault(&scene.get(), fault, 1);
        let input = scene.input();
        scene
            .run(scene.voice(&flags(&input, &[])))
            .fails(exit, &[part]);
    }
    for (fault, exit, part) in [
        (specials::azure_clock_off(), 9, clock),
        (specials::azure_denied(), 9, "may not read it"),
        (specials::azure_no_container(), 3, "there is no such bucket"),
    ] {
        let Some(scene) = Scene::with_recording(Kind::Azure) else {
            return;
        };
        scene.proxy.fault(&scene.get(), fault, 1);
        let input = scene.input();
        scene
            .run(scene.voice(&flags(&input, &[])))
            .fails(exit, &[part]);
    }
}

#[test]
fn who_may_not_read_is_told_so() {
    for kind in [Kind::S3, Kind::Azure] {
        let Some(mut scene) = Scene::with_recording(kind) else {
            continue;
        };
        let input = scene.input();
        scene.set(scene.proxy.settings_of(May::Nothing));
        scene
            .run(scene.voice(&flags(&input, &[])))
            .fails(9, &["403"]);
        scene.set(scene.proxy.settings_with_wrong_secret());
        let ran = scene.run(scene.voice(&flags(&input, &[])));
        ran.fails(9, &["the secret is not that of the access key or account"]);
        scene.set(scene.proxy.settings_of(May::Read));
        scene.run(scene.voice(&["-d", "out", "-f", &input])).done();
    }
}

#[test]
fn what_is_not_there_is_told_from_a_bucket_that_is_not() {
    for scene in scenes() {
        let input = scene.bucket.url("in/none.enc");
        let ran = scene.run(scene.voice(&["-o", "out/x.wav", &input]));
        ran.fails(3, &["there is no object `", "check the bucket and the key"]);
        let scheme = scene.bucket.kind().scheme();
        for input in [
            format!("{scheme}://nobucket-5eed/x.enc"),
            format!("{scheme}://nobucket-5eed/p/"),
        ] {
            let ran = scene.run(scene.voice(&["-d", "out", &input]));
            ran.fails(3, &["there is no such bucket"]);
        }
        assert!(contents(&scene.path("out")).is_empty());
    }
}

#[test]
fn nobody_there_is_temporary_and_a_certificate_is_not() {
    let Some(mut scene) = Scene::with_recording(Kind::S3) else {
        return;
    };
    let input = scene.input();
    let nobody = Nobody::new();
    let env = scene.proxy.settings().into_iter();
    let env = env.map(|(name, value)| match name {
        "AWS_ENDPOINT_URL" | "AWS_ENDPOINT_URL_S3" => (name, nobody.base()),
        _ => (name, value),
    });
    scene.set(env.collect());
    scene
        .run(scene.voice(&flags(&input, &[])))
        .fails(75, &["connection refused"]);
    let tls = crate::proxy::Proxy::start_tls(&scene.bucket, Certificate::Good);
    scene.set(tls.settings());
    scene
        .run(scene.voice(&flags(&input, &[])))
        .fails(9, &["--ca-file"]);
    let file = tls.ca_file();
    let flags = flags(&input, &["--ca-file", file.to_str().unwrap()]);
    scene.run(scene.voice(&flags)).done();
}

#[test]
fn below_a_prefix_is_what_has_metadata() {
    for kind in Kind::ALL {
        let Some(scene) = Scene::with_recording(kind) else {
            continue;
        };
        let media = fs::read(fixture(&format!("twilio-voice/{ID}.wav.enc"))).unwrap();
        let other = "RE5eed00000000000000000000000000f1";
        scene
            .bucket
            .put(&format!("in/deep/er/{other}.enc"), media, &[]);
        let document = fs::read(fixture("twilio-voice/recording.json")).unwrap();
        let document = String::from_utf8(document).unwrap().replace(ID, other);
        scene.bucket.put(
            &format!("in/deep/er/{other}.json"),
            document.into_bytes(),
            &[],
        );
        scene.bucket.put("in/deep/picture.png", b"PNG", &[]);
        scene.bucket.put("index.html", b"<html>", &[]);
        let input = scene.bucket.url("in/");
        let output = scene.bucket.url("plain");
        let args = ["-d", &output, "--json", &input];
        let ran = scene.run(scene.voice(&args)).done();
        let mut lines: Vec<_> = ran
            .lines()
            .iter()
            .map(|line| {
                let name = line["input"].as_str().unwrap().rsplit('/').next().unwrap();
                format!("{name} {} {}", line["skipped"], line["reason"])
            })
            .collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                format!("{ID}.wav.enc false null"),
                format!("{other}.enc false null"),
                "picture.png true \"no_metadata\"".to_owned(),
            ]
        );
        for id in [ID, other] {
            let there = scene.bucket.get(&format!("plain/{id}.wav")).unwrap();
            assert_eq!(sha256(&there.body), digest_of(ID));
            assert_eq!(there.kind, "audio/wav");
        }
        // A rerun finds what is there, and asks for no media.
        scene.proxy.forget();
        let args = ["-d", &output, "--if-exists", "skip", "--json", &input];
        let ran = scene.run(scene.voice(&args)).done();
        let skipped = ran
            .lines()
            .into_iter()
            .filter(|line| line["skipped"] == true);
        assert_eq!(skipped.count(), 3);
        let is_media =
            |seen: &crate::fake::Seen| seen.request.path().strip_suffix(".enc").is_some();
        let media = scene
            .proxy
            .requests()
            .iter()
            .filter(|seen| is_media(seen))
            .count();
        assert_eq!(media, 0);
    }
}

#[test]
fn what_stands_for_a_folder_is_no_recording() {
    for kind in [Kind::S3, Kind::Gcs] {
        let Some(scene) = Scene::with_recording(kind) else {
            continue;
        };
        scene.bucket.put("in/sub/", b"", &[]);
        let metadata = fixture("twilio-voice/details.json");
        let input = scene.bucket.url("in/");
        let args = [
            "-m",
            metadata.to_str().unwrap(),
            "--check",
            "--json",
            &input,
        ];
        assert_eq!(scene.run(scene.voice(&args)).done().lines().len(), 1);
        // What is empty and no folder is told of.
        scene.add("RE5eed00000000000000000000000000f4", Vec::new());
        let ran = scene.run(scene.voice(&["--check", &input]));
        ran.fails(10, &["1 verified, 0 skipped, 1 failed"]);
    }
}

/// S3 answers so to who may not list.
#[test]
fn a_sidecar_that_may_not_be_looked_for_is_passed_by() {
    for scene in scenes() {
        let path = scene.bucket.path(KEY);
        for extension in ["json", "headers"] {
            let place = format!("GET {path}.{extension}");
            scene.proxy.fault(&place, specials::denied(), 1);
        }
        let input = scene.input();
        scene.run(scene.voice(&["--check", &input])).done();
        scene.bucket.delete(&format!("in/{ID}.json"));
        scene
            .proxy
            .fault(&format!("GET {path}.json"), specials::denied(), 1);
        let ran = scene.run(scene.voice(&["--check", &input]));
        ran.fails(9, &["answered 403"]);
    }
}

#[test]
fn a_bucket_is_no_place_for_a_key_or_a_report() {
    let Some(scene) = Scene::new(Kind::S3) else {
        return;
    };
    let input = scene.input();
    for (option, value) in [
        ("-m", "s3://b/meta.json"),
        ("-k", "S3://b/key.pem"),
        ("--report", "az://b/report.jsonl"),
        ("--passphrase-file", "gs://b/p"),
    ] {
        let ran = scene.run(scene.voice(&[option, value, "--check", &input]));
        ran.fails(2, &["takes a file, and was given the URL of a bucket"]);
    }
    let mut keygen = crate::common::unreel();
    keygen.args(["keygen", "-d", "s3://b/keys", "--no-passphrase"]);
    keygen.current_dir(scene.path(""));
    scene.run(keygen).fails(2, &["--output-dir takes a file"]);
    assert!(!scene.path("s3:").exists());
    let prefix = scene.bucket.url("out/");
    let ran = scene.run(scene.voice(&["-o", &prefix, &input]));
    ran.fails(2, &["is no object, but all below it", "behind -d"]);
}

#[test]
fn a_prefix_of_many_pages_is_followed() {
    let Some(scene) = Scene::new(Kind::S3) else {
        return;
    };
    for number in 0..110 {
        scene
            .bucket
            .put(&format!("many/{number:04}.bin"), b"x", &[]);
    }
    let input = scene.bucket.url("many/");
    // A document that names none of them, so that none is asked for its own.
    let metadata = fixture("twilio-voice/list.json");
    let metadata = metadata.to_str().unwrap();
    let args = ["--check", "--json", "-m", metadata, &input];
    let ran = scene.run(scene.voice(&args)).done();
    assert_eq!(ran.lines().len(), 110);
    // A list that breaks off fails the run.
    scene
        .proxy
        .fault_after("list-type=2", 1, Fault::Refuse(403), 1);
    let ran = scene.run(scene.voice(&args));
    ran.fails(9, &["cannot"]);
    // What is asked for is in the answer, and no secret to be masked there.
    let long = "many/a-prefix-that-is-longer-than-secrets-are/";
    scene.bucket.put(&format!("{long}x.bin"), b"x", &[]);
    let input = scene.bucket.url(long);
    let ran = scene
        .run(scene.voice(&["--check", "--json", &input]))
        .done();
    assert_eq!(ran.line()["input"], format!("{input}x.bin"));
    let empty = scene.bucket.url("none/");
    scene.run(scene.voice(&["--check", &empty])).done();
}

#[test]
fn an_object_of_twilio_video_describes_itself() {
    for kind in [Kind::S3, Kind::Gcs] {
        let Some(scene) = Scene::new(kind) else {
            continue;
        };
        let id = "RT5eed0000000000000000000000000001";
        let media = fs::read(fixture(&format!("twilio-video/{id}.mka.enc"))).unwrap();
        let flat = fs::read(fixture("twilio-video/flat.json")).unwrap();
        let flat: serde_json::Value = serde_json::from_slice(&flat).unwrap();
        let pairs: Vec<_> = flat
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| {
                let name = name.trim_start_matches("x-amz-meta-");
                (name.to_owned(), value.as_str().unwrap().to_owned())
            })
            .collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        scene
            .bucket
            .put(&format!("video/{id}"), media.clone(), &pairs);
        for (command, input) in [
            ("twilio-video", format!("video/{id}")),
            ("decrypt", format!("video/{id}")),
            ("twilio-video", "video/".to_owned()),
        ] {
            let input = scene.bucket.url(&input);
            let ran = scene.run(scene.unreel(command, &["-d", "out", "-f", "--json", &input]));
            let line = ran.done().line();
            assert_eq!(line["provider"], "twilio-video");
            let there = fs::read(scene.path(&format!("out/{id}.mka"))).unwrap();
            assert_eq!(sha256(&there), digest_of(id));
        }
    }
}
