//! Recordings that a provider knows, and that lie in the customer's own bucket.

use std::fs;

use serde_json::Value;

use crate::common::{digest_of, fixture, sha256};
use crate::fake::{APPLICATION, Archive, Fake, OPENTOK_KEY, Video, Voice};
use crate::scene::{ID, Scene};
use crate::servers::{Bucket, Kind};

const ARCHIVE: &str = "5eed0000-0000-4000-8000-0000000000b1";
/// The fixture that it is.
const OF: &str = "5eed0000-0000-4000-8000-000000000002";

/// Runs with the credentials for the providers, too.
fn run(scene: &Scene, fake: &Fake, command: &str, args: &[&str]) -> crate::scene::Ran {
    let mut unreel = scene.unreel(command, args);
    unreel.envs(fake.env());
    scene.run(unreel)
}

/// The URL by which Twilio names an object of a bucket in S3.
fn url(bucket: &Bucket, key: &str) -> String {
    format!("https://{}.s3.eu-west-1.amazonaws.com/{key}", bucket.name)
}

fn document(path: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture(path)).unwrap()).unwrap()
}

#[test]
fn a_call_that_twilio_stored_in_the_customers_bucket_is_fetched_by_its_id() {
    let Some(scene) = Scene::new(Kind::S3) else {
        return;
    };
    let fake = Fake::start();
    let media = fs::read(fixture(&format!("twilio-voice/{ID}.wav.enc"))).unwrap();
    let key = format!("AC5eed/{ID}");
    let details = document("twilio-voice/recording.json")["encryption_details"].take();
    let external = |key: &str| Voice {
        external: Some(url(&scene.bucket, key)),
        ..Voice::new(ID, b"", details.clone())
    };
    fake.add_voice(external(&key));
    let args = ["-d", "out", "--json", ID];
    let ran = run(&scene, &fake, "twilio-voice", &args);
    ran.fails(
        3,
        &["there is no object `s3://", "check the bucket and the key"],
    );
    scene.bucket.put(&key, media, &[]);
    let line = run(&scene, &fake, "twilio-voice", &args).done().line();
    assert_eq!(line["source"], "provider");
    assert_eq!(line["integrity"], "tag");
    let there = fs::read(scene.path(&format!("out/{ID}.wav"))).unwrap();
    assert_eq!(sha256(&there), digest_of(ID));
    // Neither Twilio's credentials go to the bucket, nor the bucket's to Twilio.
    for seen in scene.proxy.requests() {
        let auth = seen.header("authorization").unwrap_or_default();
        assert!(auth.starts_with("AWS4-HMAC-SHA256"), "{auth}");
    }
    for seen in fake.requests() {
        assert!(
            seen.header("authorization")
                .is_some_and(|it| it.starts_with("Basic"))
        );
    }
    // In a group, too; and into the bucket again, with what Twilio says of it.
    let output = scene.bucket.url("kept/");
    let args = ["-d", &output, "--save-metadata", "--all"];
    run(&scene, &fake, "twilio-voice", &args).done();
    let kept = scene.bucket.get(&format!("kept/{ID}.wav")).unwrap();
    assert_eq!(sha256(&kept.body), digest_of(ID));
    let sidecar = scene.bucket.get(&format!("kept/{ID}.json")).unwrap();
    assert_eq!(sidecar.kind, "application/json");
    let sidecar: Value = serde_json::from_slice(&sidecar.body).unwrap();
    assert_eq!(sidecar["sid"], ID);
    // What is elsewhere than in S3 is not asked for.
    fake.add_voice(Voice {
        external: Some("https://files.example.com/RE1".to_owned()),
        ..Voice::new(ID, b"", details.clone())
    });
    let ran = run(&scene, &fake, "twilio-voice", &["-d", "out", "-f", ID]);
    ran.fails(9, &["is kept elsewhere, at https://files.example.com/RE1"]);
}

#[test]
fn without_credentials_for_the_bucket_the_others_come() {
    let Some(scene) = Scene::new(Kind::S3) else {
        return;
    };
    let fake = Fake::start();
    let details = document("twilio-voice/recording.json")["encryption_details"].take();
    let media = fs::read(fixture(&format!("twilio-voice/{ID}.wav.enc"))).unwrap();
    fake.add_voice(Voice::new(ID, &media, details.clone()));
    fake.add_voice(Voice {
        external: Some(url(&scene.bucket, "x")),
        ..Voice::new("RE5eed00000000000000000000000000f2", b"", details)
    });
    let mut unreel = scene.unreel("twilio-voice", &["-d", "out", "--all"]);
    unreel.envs(fake.env());
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        unreel.env_remove(name);
    }
    let ran = scene.run(unreel);
    ran.fails(
        10,
        &[
            "1 decrypted, 0 skipped, 1 failed",
            "there are no credentials",
        ],
    );
    assert!(scene.path(&format!("out/{ID}.wav")).exists());
}

#[test]
fn a_track_that_twilio_stored_in_the_customers_bucket_describes_itself() {
    let Some(scene) = Scene::new(Kind::S3) else {
        return;
    };
    let fake = Fake::start();
    let id = "RT5eed0000000000000000000000000001";
    let flat = document("twilio-video/flat.json");
    let pairs = flat.as_object().unwrap().iter().map(|(name, value)| {
        let name = name.trim_start_matches("x-amz-meta-");
        (name.to_owned(), value.as_str().unwrap().to_owned())
    });
    let pairs: Vec<_> = pairs.collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let media = fs::read(fixture(&format!("twilio-video/{id}.mka.enc"))).unwrap();
    scene.bucket.put(id, media, &pairs);
    fake.add_video(Video {
        external: Some(url(&scene.bucket, id)),
        ..Video::new(id, b"", &[])
    });
    run(&scene, &fake, "twilio-video", &["-d", "out", id]).done();
    let there = fs::read(scene.path(&format!("out/{id}.mka"))).unwrap();
    assert_eq!(sha256(&there), digest_of(id));
}

#[test]
fn an_archive_is_found_in_the_bucket_by_its_id() {
    let case = crate::common::list("cases");
    let case = case.iter().find(|case| case["id"] == OF).unwrap();
    let metadata = document(case["metadata"].as_str().unwrap());
    let password = metadata["password"].as_str().unwrap();
    let media = fs::read(fixture(&format!("vonage/{OF}.ts.enc"))).unwrap();
    for kind in Kind::ALL {
        let Some(scene) = Scene::new(kind) else {
            continue;
        };
        let fake = Fake::start();
        let archive = |status: &str| Archive {
            owner: APPLICATION.into(),
            status: status.into(),
            link: false,
            ..Archive::new(ARCHIVE, &media, password)
        };
        fake.add_archive(archive("uploaded"));
        let bucket = format!("{}://{}", kind.scheme(), scene.bucket.name);
        let args = ["--bucket", &bucket, "-d", "out", "-f", "--json", ARCHIVE];
        let missing = ["is not in `", "check that it is the bucket of that project"];
        run(&scene, &fake, "vonage", &args).fails(3, &missing);
        let args_without = ["-d", "out", ARCHIVE];
        run(&scene, &fake, "vonage", &args_without).fails(9, &["is kept elsewhere", "--bucket"]);
        // Under the owner that the API names, or that of before.
        for owner in [APPLICATION, OPENTOK_KEY, "4711"] {
            let key = format!("{owner}/{ARCHIVE}/archive.mp4");
            scene
                .bucket
                .put(&format!("{owner}/{OF}/archive.mp4"), b"another", &[]);
            scene.bucket.put(&key, media.as_slice(), &[]);
            let line = run(&scene, &fake, "vonage", &args).done().line();
            assert_eq!(line["id"], ARCHIVE);
            let there = fs::read(scene.path(&format!("out/{ARCHIVE}.ts"))).unwrap();
            assert_eq!(sha256(&there), digest_of(OF));
            scene.bucket.delete(&key);
        }
        // In a folder of the bucket.
        scene.bucket.put(
            &format!("my/{APPLICATION}/{ARCHIVE}/archive.mp4"),
            media.as_slice(),
            &[],
        );
        let folder = format!("{bucket}/my");
        run(
            &scene,
            &fake,
            "vonage",
            &["--bucket", &folder, "-d", "out", "-f", ARCHIVE],
        )
        .done();
        fake.add_archive(archive("started"));
        run(&scene, &fake, "vonage", &args).fails(75, &["is not completed"]);
    }
    let Some(scene) = Scene::new(Kind::S3) else {
        return;
    };
    let fake = Fake::start();
    for bad in ["bucket", "https://b/k", "s3://a b"] {
        run(
            &scene,
            &fake,
            "vonage",
            &["--bucket", bad, "-d", "out", ARCHIVE],
        )
        .fails(2, &["names no bucket"]);
    }
}
