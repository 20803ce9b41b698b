//! `unreel batch` from and to buckets.

use std::fs;

use serde_json::{Value, json};

use crate::common::{digest_of, fixture, run_with, sha256, stderr};
use crate::scene::{ID, Scene};
use crate::servers::Kind;

/// The report lines of a manifest, and the exit code.
fn run(scene: &Scene, args: &[&str], lines: &[Value]) -> (Option<i32>, Vec<Value>) {
    let manifest: Vec<_> = lines.iter().map(ToString::to_string).collect();
    let command = scene.unreel("batch", args);
    let output = run_with(command, manifest.join("\n").as_bytes());
    let said = stderr(&output);
    assert!(!said.contains("panicked"), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(&said));
    let mut lines: Vec<Value> = lines.collect();
    lines.sort_by_key(|line| line["line"].as_u64());
    (output.status.code(), lines)
}

#[test]
fn lines_name_objects_and_where_they_go() {
    for kind in Kind::ALL {
        let Some(scene) = Scene::with_recording(kind) else {
            continue;
        };
        let metadata: Value =
            serde_json::from_slice(&fs::read(fixture("twilio-voice/recording.json")).unwrap())
                .unwrap();
        let (input, output) = (scene.input(), scene.output());
        let voice = "twilio-voice";
        let lines = [
            json!({"provider": voice, "input": input, "output": output, "ref": {"n": 1}}),
            json!({"provider": voice, "input": input, "metadata": metadata, "output": "out/local.wav"}),
            json!({"provider": voice, "input": input, "output": output, "ref": "again"}),
            json!({"provider": voice, "input": scene.bucket.url("in//x")}),
            json!({"provider": voice, "input": scene.bucket.url("in/none.enc")}),
            json!({"provider": voice, "input": input, "output": scene.bucket.url("p/")}),
            json!({"provider": voice, "input": scene.bucket.url("in/")}),
            json!({"provider": voice, "input": scene.bucket.url("nothing/")}),
        ];
        let folder = scene.bucket.url("all");
        let (exit, lines) = run(&scene, &["-d", &folder, "-j", "1"], &lines);
        assert_eq!(exit, Some(10));
        let of: Vec<_> = lines
            .iter()
            .map(|line| {
                let error = line["error"]["exit"].as_i64().unwrap_or(0);
                let what = line["reason"].as_str().unwrap_or_default();
                format!("{} {} {error} {what}", line["line"], line["ref"])
            })
            .collect();
        assert_eq!(
            of,
            [
                r#"1 {"n":1} 0 "#,
                "2 null 0 ",
                r#"3 "again" 8 "#,
                "4 null 2 ",
                "5 null 3 ",
                "6 null 2 ",
                "7 null 0 ",
                "8 null 0 empty",
            ],
            "{kind:?}"
        );
        assert_eq!(
            sha256(&fs::read(scene.path("out/local.wav")).unwrap()),
            digest_of(ID)
        );
        for key in ["out/call.wav".to_owned(), format!("all/{ID}.wav")] {
            assert_eq!(sha256(&scene.bucket.get(&key).unwrap().body), digest_of(ID));
        }
    }
}

#[test]
fn a_line_without_credentials_for_its_bucket_is_a_failed_line() {
    let Some(mut scene) = Scene::with_recording(Kind::S3) else {
        return;
    };
    let input = scene.input();
    scene.set(vec![]);
    let media = fixture(&format!("twilio-voice/{ID}.wav.enc"));
    let metadata = fixture("twilio-voice/recording.json");
    let lines = [
        json!({"input": input, "metadata": metadata}),
        json!({"input": "az://container/x", "metadata": metadata}),
        json!({"input": media, "metadata": metadata}),
    ];
    // One after another: all of them would have one name.
    let (exit, lines) = run(&scene, &["-d", "out", "-j", "1"], &lines);
    assert_eq!(exit, Some(10));
    for (line, name) in lines.iter().zip(["S3", "Azure"]) {
        let message = line["error"]["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("there are no credentials for {name}")),
            "{message}"
        );
        assert_eq!(line["error"]["exit"], 2);
    }
    assert_eq!(lines[2]["ok"], true);
}

#[test]
fn shards_of_a_prefix_take_each_object_once() {
    let Some(scene) = Scene::with_recording(Kind::S3) else {
        return;
    };
    let media = fs::read(fixture(&format!("twilio-voice/{ID}.wav.enc"))).unwrap();
    for number in 2..12 {
        scene.add(
            &format!("RE5eed00000000000000000000000000{number:02}"),
            media.clone(),
        );
    }
    let input = scene.bucket.url("in/");
    let mut seen = Vec::new();
    for shard in ["0/3", "1/3", "2/3"] {
        let args = ["--check", "--json", "--shard", shard, &input];
        let ran = scene.run(scene.voice(&args)).done();
        let lines = ran.lines();
        assert!(lines.len() < 11, "{shard}");
        seen.extend(lines.iter().map(|line| line["input"].to_string()));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 11);
}
