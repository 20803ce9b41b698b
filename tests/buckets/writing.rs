//! Outputs that are objects: what stands there afterwards, whatever happens on the way.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::common::{contents, digest_of, fixture, sha256, stderr};
use crate::fake::Fault;
use crate::scene::{ID, OUT, Scene};
use crate::servers::{Kind, May};
use crate::specials;

/// What stands at the output's name before some runs.
const OLD: &[u8] = b"the old object";

/// More than goes in one request: three parts.
const LONG: usize = 20_000_000;

/// For ever.
const EVER: usize = usize::MAX;

fn scenes() -> impl Iterator<Item = Scene> {
    Kind::ALL.into_iter().filter_map(Scene::with_recording)
}

fn longs() -> impl Iterator<Item = (Scene, Vec<u8>)> {
    Kind::ALL
        .into_iter()
        .filter_map(|kind| Scene::with_long(kind, LONG))
}

/// Names of flags, input and output.
fn to<'a>(output: &'a str, input: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [more, &["-o", output, input]].concat()
}

/// What is asked last of an upload in parts, as a place of faults.
fn completion(scene: &Scene) -> String {
    match scene.bucket.kind() {
        Kind::S3 | Kind::Gcs => format!("POST {}?uploadId=", scene.bucket.path(OUT)),
        Kind::Azure => "comp=blocklist".to_owned(),
    }
}

/// The second part of an upload, as a place of faults.
fn second_part(kind: Kind) -> (&'static str, usize) {
    match kind {
        Kind::S3 | Kind::Gcs => ("partNumber=2", 0),
        Kind::Azure => ("comp=block&", 1),
    }
}

#[test]
fn an_output_is_put_when_it_is_verified() {
    for scene in scenes() {
        let (input, output) = (scene.input(), scene.output());
        let ran = scene
            .run(scene.voice(&to(&output, &input, &["--json"])))
            .done();
        assert_eq!(ran.line()["output"], output.as_str());
        let there = scene.bucket.get(OUT).unwrap();
        assert_eq!(sha256(&there.body), digest_of(ID));
        assert_eq!(there.kind, "audio/wav");
        let put = scene.proxy.requests_of(&scene.put());
        assert_eq!(put.len(), 1);
        let condition = match scene.bucket.kind() {
            Kind::Gcs => "x-goog-if-generation-match",
            _ => "if-none-match",
        };
        assert!(
            put[0].header(condition).is_some(),
            "{:?}",
            scene.bucket.kind()
        );
    }
}

#[test]
fn a_long_output_is_put_in_parts() {
    for (scene, plain) in longs() {
        let (input, output) = (scene.input(), scene.output());
        scene.run(scene.voice(&to(&output, &input, &[]))).done();
        let there = scene.bucket.get(OUT).unwrap();
        assert!(there.body == plain);
        // Of a blob in parts object_store cannot say what it is.
        if scene.bucket.kind() != Kind::Azure {
            assert_eq!(there.kind, "audio/wav");
            assert!(scene.bucket.uploads().is_empty());
        }
    }
}

#[test]
fn what_is_not_verified_never_leaves() {
    for scene in scenes() {
        let mut media = fs::read(fixture(&format!("twilio-voice/{ID}.wav.enc"))).unwrap();
        media[100_000] ^= 1;
        scene.add(ID, media);
        let (input, output) = (scene.input(), scene.output());
        scene
            .run(scene.voice(&to(&output, &input, &[])))
            .fails(7, &["tag"]);
        assert_eq!(scene.bucket.get(OUT), None);
        let asked = scene.proxy.requests();
        assert!(asked.iter().all(|seen| seen.request.method != "PUT"));
        assert!(asked.iter().all(|seen| seen.request.method != "POST"));
    }
    let Some((scene, plain)) = Scene::with_long(Kind::S3, LONG) else {
        return;
    };
    let mut media = crate::common::made::encrypted(&plain);
    *media.last_mut().unwrap() ^= 1;
    scene.add(ID, media);
    let (input, output) = (scene.input(), scene.output());
    scene
        .run(scene.voice(&to(&output, &input, &[])))
        .fails(7, &["tag"]);
    assert!(
        scene
            .proxy
            .requests()
            .iter()
            .all(|seen| seen.request.method == "GET" || seen.request.method == "HEAD")
    );
}

#[test]
fn what_exists_is_refused_left_or_replaced() {
    let both = |kind| {
        [
            Scene::with_recording(kind),
            Scene::with_long(kind, LONG).map(|it| it.0),
        ]
    };
    for scene in Kind::ALL.into_iter().flat_map(both).flatten() {
        scene.bucket.put(OUT, OLD, &[]);
        let (input, output) = (scene.input(), scene.output());
        let old = || assert_eq!(scene.bucket.get(OUT).unwrap().body, OLD);
        scene
            .run(scene.voice(&to(&output, &input, &[])))
            .fails(8, &["exists already", "-f"]);
        old();
        // Nothing was fetched for it.
        assert!(scene.proxy.requests_of(&scene.get()).is_empty());
        let ran = scene.run(scene.voice(&to(&output, &input, &["--if-exists", "skip", "--json"])));
        let line = ran.done().line();
        assert_eq!(
            (&line["skipped"], &line["output"]),
            (&true.into(), &output.as_str().into())
        );
        old();
        scene.run(scene.voice(&to(&output, &input, &["-f"]))).done();
        assert!(scene.bucket.get(OUT).unwrap().body.len() > 100_000);
        assert!(scene.bucket.kind() == Kind::Azure || scene.bucket.uploads().is_empty());
    }
}

#[test]
fn what_comes_to_stand_there_meanwhile_stays() {
    for scene in scenes() {
        // The look before finds nothing: it may not look.
        scene.proxy.fault(
            &format!("HEAD {}", scene.bucket.path(OUT)),
            specials::denied(),
            1,
        );
        scene.bucket.put(OUT, OLD, &[]);
        let (input, output) = (scene.input(), scene.output());
        scene
            .run(scene.voice(&to(&output, &input, &[])))
            .fails(8, &["exists already"]);
        assert_eq!(scene.bucket.get(OUT).unwrap().body, OLD);
    }
}

#[test]
fn what_another_completed_just_behind_is_found() {
    for (scene, _) in longs() {
        let (input, output) = (scene.input(), scene.output());
        // The last look of five finds another's object.
        let head = format!("HEAD {}", scene.bucket.path(OUT));
        let other = Fault::With(vec![("etag", "\"another's\"".to_owned())]);
        scene.proxy.fault_after(&head, 4, other, 1);
        let ran = scene.run(scene.voice(&to(&output, &input, &[])));
        ran.fails(8, &["exists already"]);
    }
}

#[test]
fn the_input_is_never_the_output() {
    for scene in scenes() {
        let input = scene.input();
        let ran = scene.run(scene.voice(&to(&input, &input, &["-f"])));
        ran.fails(8, &["is also an input"]);
        // Nor is what may describe it.
        let sidecar = scene.bucket.url(&format!("in/{ID}.json"));
        let before = scene.bucket.get(&format!("in/{ID}.json"));
        let ran = scene.run(scene.voice(&to(&sidecar, &input, &["-f"])));
        ran.fails(8, &["is also an input"]);
        assert_eq!(scene.bucket.get(&format!("in/{ID}.json")), before);
    }
}

#[test]
fn outputs_below_the_prefix_that_is_read_replace_nothing() {
    for scene in scenes() {
        // Its name is that which its output would get.
        let other = "RE5eed00000000000000000000000000f3";
        let media = fs::read(fixture(&format!("twilio-voice/{ID}.wav.enc"))).unwrap();
        scene
            .bucket
            .put(&format!("in/{other}.wav"), media.as_slice(), &[]);
        let document = scene.bucket.get(&format!("in/{ID}.json")).unwrap().body;
        let document = String::from_utf8(document).unwrap().replace(ID, other);
        scene
            .bucket
            .put(&format!("in/{other}.json"), document.into_bytes(), &[]);
        let folder = scene.bucket.url("in/");
        for how in [&["-f"][..], &["--if-exists", "skip"], &[]] {
            let args = [how, &["-d", &folder, &folder]].concat();
            scene
                .run(scene.voice(&args))
                .fails(10, &["is also an input"]);
            assert_eq!(
                scene.bucket.get(&format!("in/{other}.wav")).unwrap().body,
                media
            );
            let there = scene.bucket.get(&format!("in/{ID}.wav")).unwrap();
            assert_eq!(sha256(&there.body), digest_of(ID));
        }
        // What an earlier run put there is what it was.
        scene.bucket.delete(&format!("in/{other}.wav"));
        let args = ["--if-exists", "skip", "--json", "-d", &folder, &folder];
        let ran = scene.run(scene.voice(&args)).done();
        assert!(ran.lines().iter().all(|line| line["reason"] == "exists"));
    }
}

#[test]
fn a_put_that_nobody_answered_is_known_to_be_ours() {
    for scene in scenes() {
        let (input, output) = (scene.input(), scene.output());
        // It was done, and the answer is lost; the second try finds it there.
        scene.proxy.fault(&scene.put(), Fault::Reset, 1);
        scene
            .run(scene.voice(&to(&output, &input, &["--retries", "2"])))
            .done();
        assert_eq!(sha256(&scene.bucket.get(OUT).unwrap().body), digest_of(ID));
        assert_eq!(scene.proxy.requests_of(&scene.put()).len(), 2);
        // Here it was not done, and another came first.
        scene.bucket.delete(OUT);
        scene.proxy.fault(&scene.put(), Fault::Unheard, 1);
        let mut command = scene.voice(&to(&output, &input, &["--retries", "2"]));
        scene.proxy.forget();
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while scene.proxy.requests_of(&scene.put()).is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        scene.bucket.put(OUT, OLD, &[]);
        let ran = child.wait_with_output().unwrap();
        // It may have been put again before the other came.
        if ran.status.code() == Some(8) {
            assert!(stderr(&ran).contains("exists already"), "{}", stderr(&ran));
        } else {
            assert_eq!(ran.status.code(), Some(0), "{}", stderr(&ran));
        }
    }
}

#[test]
fn a_busy_bucket_is_asked_again_and_then_left() {
    for scene in scenes() {
        let (input, output) = (scene.input(), scene.output());
        for fault in [
            Fault::Refuse(503),
            Fault::Refuse(500),
            Fault::retry_after(429, "1"),
        ] {
            scene.proxy.fault(&scene.put(), fault, 1);
            scene
                .run(scene.voice(&to(&output, &input, &["--retries", "1", "-f"])))
                .done();
            assert_eq!(sha256(&scene.bucket.get(OUT).unwrap().body), digest_of(ID));
        }
        scene.bucket.delete(OUT);
        scene.proxy.fault(&scene.put(), Fault::Refuse(503), EVER);
        let ran = scene.run(scene.voice(&to(&output, &input, &["--retries", "1"])));
        ran.fails(75, &["cannot put", "answered 503"]);
        assert_eq!(scene.bucket.get(OUT), None);
        scene.proxy.mend();
    }
    let Some(scene) = Scene::with_recording(Kind::S3) else {
        return;
    };
    let (input, output) = (scene.input(), scene.output());
    scene.proxy.fault(&scene.put(), specials::conflict(), 1);
    scene
        .run(scene.voice(&to(&output, &input, &["--retries", "1"])))
        .done();
}

#[test]
fn parts_are_tried_again_each_for_itself() {
    for (scene, plain) in longs() {
        let (input, output) = (scene.input(), scene.output());
        let (place, skip) = second_part(scene.bucket.kind());
        scene.proxy.fault_after(place, skip, Fault::Refuse(503), 2);
        scene
            .run(scene.voice(&to(&output, &input, &["--retries", "3"])))
            .done();
        assert!(scene.bucket.get(OUT).unwrap().body == plain);
        scene.bucket.delete(OUT);
        scene.proxy.fault_after(place, skip, Fault::Reset, 1);
        scene
            .run(scene.voice(&to(&output, &input, &["--retries", "3"])))
            .done();
        assert!(scene.bucket.get(OUT).unwrap().body == plain);
    }
}

#[test]
fn an_upload_that_fails_is_aborted() {
    for (scene, _) in longs() {
        let kind = scene.bucket.kind();
        let (input, output) = (scene.input(), scene.output());
        let (place, skip) = second_part(kind);
        for (place, skip) in [(place.to_owned(), skip), (completion(&scene), 0)] {
            scene
                .proxy
                .fault_after(&place, skip, Fault::Refuse(403), EVER);
            let ran = scene.run(scene.voice(&to(&output, &input, &["--retries", "1"])));
            ran.fails(8, &["cannot put", "answered 403", "may not write there"]);
            assert_eq!(scene.bucket.get(OUT), None);
            scene.proxy.mend();
            if kind != Kind::Azure {
                assert!(scene.bucket.uploads().is_empty(), "{kind:?}");
            }
        }
    }
}

#[test]
fn a_completion_that_nobody_answered_is_known_to_be_ours() {
    for (scene, plain) in longs() {
        let kind = scene.bucket.kind();
        let (input, output) = (scene.input(), scene.output());
        scene.proxy.fault(&completion(&scene), Fault::Reset, 1);
        scene
            .run(scene.voice(&to(&output, &input, &["--retries", "2"])))
            .done();
        assert!(scene.bucket.get(OUT).unwrap().body == plain, "{kind:?}");
    }
    // "A 200 OK response can contain either a success or an error."
    let Some((scene, plain)) = Scene::with_long(Kind::S3, LONG) else {
        return;
    };
    let (input, output) = (scene.input(), scene.output());
    scene
        .proxy
        .fault(&completion(&scene), specials::error_in_200(), 1);
    scene
        .run(scene.voice(&to(&output, &input, &["--retries", "2"])))
        .done();
    assert!(scene.bucket.get(OUT).unwrap().body == plain);
    scene.bucket.delete(OUT);
    scene
        .proxy
        .fault(&completion(&scene), specials::error_in_200(), EVER);
    let ran = scene.run(scene.voice(&to(&output, &input, &["--retries", "1"])));
    ran.fails(75, &["cannot put"]);
    assert_eq!(scene.bucket.get(OUT), None);
    assert!(scene.bucket.uploads().is_empty());
}

#[test]
fn who_may_not_write_is_told_so() {
    for kind in [Kind::S3, Kind::Azure] {
        let Some(mut scene) = Scene::with_recording(kind) else {
            continue;
        };
        let (input, output) = (scene.input(), scene.output());
        scene.set(scene.proxy.settings_of(May::Read));
        let ran = scene.run(scene.voice(&to(&output, &input, &[])));
        ran.fails(8, &["cannot put", "answered 403", "may not write there"]);
        assert_eq!(scene.bucket.get(OUT), None);
    }
    for scene in scenes() {
        let scheme = scene.bucket.kind().scheme();
        let input = scene.input();
        let output = format!("{scheme}://nobucket-5eed/out.wav");
        let ran = scene.run(scene.voice(&to(&output, &input, &[])));
        ran.fails(8, &["there is no such bucket"]);
    }
    let Some(scene) = Scene::with_recording(Kind::S3) else {
        return;
    };
    let (input, output) = (scene.input(), scene.output());
    for (fault, part) in [
        (specials::clock_off(), "this machine's clock is wrong"),
        (specials::moved_region(), "set AWS_REGION=eu-west-1"),
        (specials::token_expired(), "the session has expired"),
    ] {
        scene.proxy.fault(&scene.put(), fault, 1);
        scene
            .run(scene.voice(&to(&output, &input, &[])))
            .fails(8, &[part]);
    }
    // A HEAD has no body that says why.
    let head = format!("HEAD {}", scene.bucket.path(OUT));
    scene
        .proxy
        .fault(&head, specials::wrong_region_of_head(), 1);
    scene
        .run(scene.voice(&to(&output, &input, &[])))
        .fails(8, &["set AWS_REGION=eu-west-1"]);
}

#[test]
fn a_signal_aborts_an_upload() {
    for (signal, exit) in [("INT", 2), ("TERM", 15)] {
        let Some((scene, _)) = Scene::with_long(Kind::S3, LONG) else {
            return;
        };
        let (input, output) = (scene.input(), scene.output());
        let (place, skip) = second_part(Kind::S3);
        scene.proxy.fault_after(
            place,
            skip,
            Fault::StallBeforeHeaders(Duration::from_secs(60)),
            EVER,
        );
        let child = spawn(&scene, &to(&output, &input, &[]));
        until(|| {
            scene
                .proxy
                .requests()
                .iter()
                .any(|seen| seen.request.target.contains("partNumber=1"))
        });
        kill(&child, signal);
        let ran = child.wait_with_output().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&ran.status),
            Some(exit),
            "{}",
            stderr(&ran)
        );
        assert!(scene.bucket.uploads().is_empty());
        assert_eq!(scene.bucket.get(OUT), None);
        assert!(contents(&scene.path("tmp")).is_empty());
    }
}

/// What the documents say of kill -9: its parts stay, and nothing else does.
#[test]
fn what_kill_9_leaves_is_parts_that_nobody_sees() {
    let Some((scene, _)) = Scene::with_long(Kind::S3, LONG) else {
        return;
    };
    let (input, output) = (scene.input(), scene.output());
    let (place, skip) = second_part(Kind::S3);
    scene.proxy.fault_after(
        place,
        skip,
        Fault::StallBeforeHeaders(Duration::from_secs(60)),
        EVER,
    );
    let child = spawn(&scene, &to(&output, &input, &[]));
    until(|| {
        scene
            .proxy
            .requests()
            .iter()
            .any(|seen| seen.request.target.contains("partNumber=1"))
    });
    kill(&child, "KILL");
    child.wait_with_output().unwrap();
    assert_eq!(scene.bucket.uploads(), [OUT]);
    assert_eq!(scene.bucket.get(OUT), None);
    assert!(contents(&scene.path("tmp")).is_empty());
}

fn spawn(scene: &Scene, args: &[&str]) -> Child {
    let mut command = scene.voice(args);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never was");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn kill(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-s", signal, &id])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn what_is_put_does_not_take_memory_by_its_length() {
    let peak = |length| {
        let (scene, _) = Scene::with_long(Kind::S3, length)?;
        let (input, output) = (scene.input(), scene.output());
        let time = ["-f", "%M", "-o", "peak"];
        let unreel = scene.voice(&to(&output, &input, &["--threads", "1"]));
        let mut command = std::process::Command::new("/usr/bin/time");
        command
            .args(time)
            .arg(unreel.get_program())
            .args(unreel.get_args());
        command.current_dir(scene.path(""));
        command.env_clear();
        command.envs(
            unreel
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        scene.run(command).done();
        let peak = fs::read_to_string(scene.path("peak")).unwrap();
        Some(peak.trim().parse::<u64>().unwrap())
    };
    if !std::path::Path::new("/usr/bin/time").exists() {
        crate::common::skip("there is no /usr/bin/time");
        return;
    }
    let (Some(short), Some(long)) = (peak(40_000_000), peak(160_000_000)) else {
        return;
    };
    assert!(
        long < short + 24_000,
        "{short} KiB, and {long} KiB for four times as much"
    );
}
