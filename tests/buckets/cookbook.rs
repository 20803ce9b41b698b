//! The recipes below "Buckets" in docs/cookbook.md, taken out of it and run.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::common::{Desk, VOICE, digest_of, fixture, large_recording, sha256, stderr};
use crate::fake::{API_SECRET, APPLICATION, Fake, Voice};
use crate::proxy::Proxy;
use crate::servers::{Bucket, Env, Kind};

/// The archive that Vonage uploaded to the customer's bucket.
const ARCHIVE: &str = "5eed0000-0000-4000-8000-000000000003";
const TRACK: &str = "RT5eed0000000000000000000000000001";

const S3_TO_S3: &str = "From one bucket of S3 to another";
const S3_TO_DISK: &str = "From S3 to the disk";
const DISK_TO_AZURE: &str = "From the disk to Azure";
const VONAGE: &str = "A Vonage archive in your own bucket, by its id";
const VONAGE_PIPED: &str = "The same through a pipe";
const TWILIO: &str = "A Twilio recording in your own bucket, by its SID";

/// What stands behind each heading of the section: whether it is run, which `console` blocks are by
/// `tests/cli/commands.rs`.
fn recipes() -> Vec<(String, Vec<String>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cookbook.md");
    let page = fs::read_to_string(page).expect("the page");
    let section = page.split("\n## Buckets\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().expect("its beginning");
    let recipe = |part: &str| {
        let (title, text) = part.split_once('\n').expect("a heading");
        let blocks = text.split("\n```bash\n").skip(1);
        let block = |block: &str| block.split("\n```").next().expect("its end").to_owned();
        (title.to_owned(), blocks.map(block).collect())
    };
    section.split("\n### ").skip(1).map(recipe).collect()
}

/// The commands of a recipe, with names of the test's in place of the reader's.
fn recipe(title: &str, names: &[(&str, &str)]) -> String {
    let recipes = recipes();
    let found = recipes.iter().find(|(other, _)| other == title);
    let (_, blocks) = found.unwrap_or_else(|| panic!("there is no recipe {title}"));
    let [block] = blocks.as_slice() else {
        panic!("{title} has {} blocks", blocks.len());
    };
    let mut script = block.clone();
    for (name, value) in names {
        assert!(script.contains(name), "{title}: no {name} in {script}");
        script = script.replace(name, value);
    }
    script
}

#[test]
fn every_recipe_is_run() {
    let titles: Vec<_> = recipes().into_iter().map(|(title, _)| title).collect();
    let run = [
        S3_TO_S3,
        S3_TO_DISK,
        DISK_TO_AZURE,
        VONAGE,
        VONAGE_PIPED,
        TWILIO,
    ];
    assert_eq!(titles, run);
}

/// Somebody's machine: `key.pem`, and nothing of the true one's home or temporary folder.
struct Home(Desk);

impl Home {
    fn new() -> Self {
        let desk = Desk::new();
        for folder in ["home", "tmp"] {
            fs::create_dir(desk.path(folder)).expect("a folder");
        }
        Self(desk)
    }

    fn bash<'a>(
        &self,
        script: &str,
        environment: impl IntoIterator<Item = &'a (&'static str, String)>,
    ) -> Command {
        let mut command = self.0.command("bash");
        command
            .args(["-euo", "pipefail", "-c", script])
            .env("HOME", self.0.path("home"))
            .env("TMPDIR", self.0.path("tmp"));
        for (name, value) in environment {
            command.env(name, value);
        }
        command
    }

    /// Runs what has to succeed, and to leave no temporary file.
    fn runs<'a>(
        &self,
        script: &str,
        environment: impl IntoIterator<Item = &'a (&'static str, String)>,
    ) -> Output {
        let output = self.0.done(self.bash(script, environment));
        let left = fs::read_dir(self.0.path("tmp")).expect("the folder");
        assert_eq!(left.count(), 0, "{script}");
        output
    }

    /// Fails unless this file is that recording in the clear.
    fn has(&self, name: &str, id: &str) {
        assert_eq!(sha256(&self.0.read(name)), digest_of(id), "{name}");
    }
}

/// Fails unless this object is that recording in the clear.
fn has(bucket: &Bucket, key: &str, id: &str) {
    let object = bucket
        .get(key)
        .unwrap_or_else(|| panic!("{key} is missing"));
    assert_eq!(sha256(&object.body), digest_of(id), "{key}");
}

fn bytes(path: &str) -> Vec<u8> {
    fs::read(fixture(path)).expect(path)
}

/// What Twilio Video writes to an object of its own: its names, and values.
fn own_metadata() -> Vec<(String, String)> {
    let text = String::from_utf8(bytes("twilio-video/wget.txt")).expect("text");
    let fields = text.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once(": ")?;
        let name = name.to_lowercase();
        Some((
            name.strip_prefix("x-amz-meta-")?.to_owned(),
            value.to_owned(),
        ))
    });
    let fields: Vec<_> = fields.collect();
    assert!(fields.iter().any(|(name, _)| name == "x-amz-key"));
    fields
}

fn put_track(bucket: &Bucket, key: &str) {
    let metadata = own_metadata();
    let metadata: Vec<_> = metadata
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    bucket.put(
        key,
        bytes(&format!("twilio-video/{TRACK}.mka.enc")),
        &metadata,
    );
}

#[test]
fn s3_to_s3() {
    let (Some(bucket), Some(other)) = (Kind::S3.bucket(), Kind::S3.bucket()) else {
        return;
    };
    let home = Home::new();
    // One with a sidecar, one that describes itself, deeper down, and what is no recording.
    let call = format!("recordings/{VOICE}.wav.enc");
    bucket.put(&call, bytes(&format!("twilio-voice/{VOICE}.wav.enc")), &[]);
    let sidecar = format!("recordings/{VOICE}.json");
    bucket.put(&sidecar, bytes("twilio-voice/recording.json"), &[]);
    put_track(&bucket, &format!("recordings/2026/{TRACK}.mka"));
    bucket.put("recordings/2026/notes.bin", "of somebody", &[]);
    bucket.put("elsewhere.wav.enc", "not below that prefix", &[]);
    let names = [("BUCKET", bucket.name.as_str()), ("OTHER", &other.name)];
    let script = recipe(S3_TO_S3, &names);

    let said = stderr(&home.runs(&script, &bucket.settings()));
    assert!(said.contains("2 decrypted, 1 skipped, 0 failed"), "{said}");
    let (wav, mka) = (
        format!("decrypted/{VOICE}.wav"),
        format!("decrypted/{TRACK}.mka"),
    );
    assert_eq!(other.keys(), [wav.as_str(), &mka]);
    has(&other, &wav, VOICE);
    has(&other, &mka, TRACK);
    assert_eq!(other.get(&wav).expect("it is there").kind, "audio/wav");

    // Again, it does what is missing.
    other.delete(&mka);
    let before = other.get(&wav);
    let said = stderr(&home.runs(&script, &bucket.settings()));
    assert!(said.contains("1 decrypted, 2 skipped, 0 failed"), "{said}");
    has(&other, &mka, TRACK);
    assert_eq!(other.get(&wav), before);
}

#[test]
fn s3_to_disk() {
    let Some(bucket) = Kind::S3.bucket() else {
        return;
    };
    let home = Home::new();
    put_track(&bucket, &format!("videos/{TRACK}.mka"));
    let script = recipe(S3_TO_DISK, &[("BUCKET", &bucket.name)]);
    home.runs(&script, &bucket.settings());
    home.has(&format!("videos/{TRACK}.mka"), TRACK);
    assert_eq!(home.0.mode("videos"), 0o700);
    assert_eq!(home.0.mode(&format!("videos/{TRACK}.mka")), 0o600);
}

#[test]
fn disk_to_azure() {
    let Some(bucket) = Kind::Azure.bucket() else {
        return;
    };
    let home = Home::new();
    let second = VOICE.replace("01", "03");
    for id in [VOICE, &second] {
        let name = format!("{id}.wav.enc");
        home.0.bring(
            &format!("twilio-voice/{name}"),
            &format!("downloads/{name}"),
        );
    }
    home.0.bring("twilio-voice/list.json", "list.json");
    let script = recipe(DISK_TO_AZURE, &[("CONTAINER", &bucket.name)]);
    home.runs(&script, &bucket.settings());
    let keys = [VOICE, &second].map(|id| format!("calls/{id}.wav"));
    assert_eq!(bucket.keys(), keys);
    has(&bucket, &keys[0], VOICE);
    has(&bucket, &keys[1], &second);
}

#[test]
fn a_vonage_archive_by_its_id() {
    let Some(bucket) = Kind::S3.bucket() else {
        return;
    };
    let (home, fake) = (Home::new(), Fake::with_fixtures());
    let key = format!("{APPLICATION}/{ARCHIVE}/archive.mp4");
    bucket.put(&key, bytes(&format!("vonage/{ARCHIVE}.ts.enc")), &[]);
    let environment = [fake.vonage_env(), bucket.settings()].concat();
    let names = [("BUCKET", bucket.name.as_str()), ("ARCHIVE_ID", ARCHIVE)];
    home.runs(&recipe(VONAGE, &names), &environment);
    home.has("archive.ts", ARCHIVE);

    // Of another project's it says where it looked.
    bucket.delete(&key);
    let script = recipe(VONAGE, &names).replace("archive.ts", "none.ts");
    let says = [format!("there is no `…/{ARCHIVE}/archive.*`")];
    let says: Vec<_> = says.iter().map(String::as_str).collect();
    home.0.refused(home.bash(&script, &environment), 3, &says);
}

#[test]
fn a_vonage_archive_through_a_pipe() {
    let home = Home::new();
    // What `--metadata-only` keeps: `tests/cli/commands.rs` runs that block.
    home.0
        .bring("vonage/archive-3.json", &format!("archives/{ARCHIVE}.json"));
    let media = format!("home/s3/mine/100/{ARCHIVE}/archive.mp4");
    home.0.bring(&format!("vonage/{ARCHIVE}.ts.enc"), &media);
    // Who has no aws CLI has this one.
    home.0.write(
        "home/aws",
        "#!/bin/bash\n[ \"$1 $2 $4\" = 's3 cp -' ] && exec cat \"$HOME/s3/${3#s3://}\"\n",
    );
    let script = recipe(
        VONAGE_PIPED,
        &[
            ("BUCKET", "mine"),
            ("API_KEY", "100"),
            ("ARCHIVE_ID", ARCHIVE),
        ],
    );
    let script = format!("chmod u+x ~/aws\nPATH=~:$PATH\n{script}");
    home.runs(&script, &[]);
    home.has("archive.ts", ARCHIVE);
}

#[test]
fn a_twilio_recording_by_its_sid_and_no_credentials_go_astray() {
    let Some(bucket) = Kind::S3.bucket() else {
        return;
    };
    let (home, fake, proxy) = (Home::new(), Fake::start(), Proxy::start(&bucket));
    let media = bytes(&format!("twilio-voice/{VOICE}.wav.enc"));
    let answer: Value =
        serde_json::from_slice(&bytes("twilio-voice/recording.json")).expect("JSON");
    let key = format!("calls/{VOICE}.wav");
    bucket.put(&key, &media, &[]);
    fake.add_voice(Voice {
        external: Some(format!(
            "https://{}.s3.us-east-1.amazonaws.com/{key}",
            bucket.name
        )),
        ..Voice::new(VOICE, &media, answer["encryption_details"].clone())
    });
    let environment = [fake.twilio_env(), proxy.settings()].concat();
    home.runs(&recipe(TWILIO, &[("RE…", VOICE)]), &environment);
    home.has("call.wav", VOICE);

    let asked = proxy.requests();
    assert!(!asked.is_empty());
    for seen in asked {
        let signed = seen.header("authorization").expect("a signature");
        assert!(signed.starts_with("AWS4-HMAC-SHA256 "), "{signed}");
        assert!(!format!("{seen:?}").contains(API_SECRET));
    }
    assert!(!fake.requests().is_empty());
    for seen in fake.requests() {
        let signed = seen.header("authorization").expect("an account");
        assert!(signed.starts_with("Basic "), "{signed}");
    }
}

/// The documents that docs/buckets.md shows: what reads, what writes, and two rules.
fn documents() -> Vec<Value> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/buckets.md");
    let page = fs::read_to_string(page).expect("the page");
    let blocks = page.split("\n```json\n").skip(1);
    let blocks = blocks.map(|block| block.split("\n```").next().expect("its end"));
    blocks
        .map(|block| serde_json::from_str(block).expect("JSON"))
        .collect()
}

/// The environment of somebody who may do what a policy of the page says.
fn settings_of(bucket: &Bucket, policy: &Value, without: &[&str]) -> Env {
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let mut actions: Vec<_> = statements
        .flat_map(|statement| statement["Action"].as_array().expect("actions"))
        .map(|action| action.as_str().expect("text"))
        .collect();
    assert!(without.iter().all(|action| actions.contains(action)));
    actions.retain(|action| !without.contains(action));
    let pair = bucket.server.call("user", json!({"actions": actions}));
    let mut settings = bucket.settings();
    for (name, value) in &mut settings {
        let at = match *name {
            "AWS_ACCESS_KEY_ID" => 0,
            "AWS_SECRET_ACCESS_KEY" => 1,
            _ => continue,
        };
        pair[at].as_str().expect("text").clone_into(value);
    }
    settings
}

#[test]
fn the_policies_of_the_page_allow_what_they_are_for_and_no_more() {
    let Some(bucket) = Kind::S3.bucket() else {
        return;
    };
    let [reading, writing, rule, google] = &documents()[..] else {
        panic!("other documents");
    };
    let home = Home::new();
    put_track(&bucket, &format!("videos/{TRACK}.mka"));
    let read = recipe(S3_TO_DISK, &[("BUCKET", &bucket.name)]);
    let reader = settings_of(&bucket, reading, &[]);
    home.runs(&read, &reader);
    home.has(&format!("videos/{TRACK}.mka"), TRACK);
    for (needed, code) in [("s3:GetObject", 10), ("s3:ListBucket", 9)] {
        let less = settings_of(&bucket, reading, &[needed]);
        let script = read.replace("-d videos", "-d none");
        home.0.refused(home.bash(&script, &less), code, &["403"]);
    }

    // One in parts, and one that is not.
    let (arguments, _) = large_recording(&home.0, 9 << 20);
    let url = bucket.url("decrypted/KEY.wav");
    let long = format!("unreel {arguments} --unwrap-command 'cat cek' large.enc -o {url}");
    let short = format!("unreel twilio-voice -m meta.json -k key.pem call.enc -o {url}");
    let writer = settings_of(&bucket, writing, &[]);
    home.runs(&long.replace("KEY", "long"), &writer);
    home.runs(&short.replace("KEY", "short"), &writer);
    let again = home.bash(&short.replace("KEY", "short"), &writer);
    home.0.refused(again, 8, &["exists already"]);
    has(&bucket, "decrypted/short.wav", VOICE);
    for script in [&long, &short] {
        let script = script.replace("KEY", "none");
        home.0.refused(home.bash(&script, &reader), 8, &["403"]);
    }
    // Who may not look puts short ones, and long ones with `-f`.
    let blind = settings_of(&bucket, writing, &["s3:GetObject", "s3:ListBucket"]);
    home.runs(&short.replace("KEY", "blind"), &blind);
    home.0
        .refused(home.bash(&long.replace("KEY", "none"), &blind), 8, &["403"]);
    home.runs(&format!("{} -f", long.replace("KEY", "blind")), &blind);
    assert!(bucket.get("decrypted/none.wav").is_none());

    let rule = &rule["Rules"][0];
    assert_eq!(rule["Status"], "Enabled");
    assert!(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].is_u64());
    let action = &google["lifecycle"]["rule"][0]["action"]["type"];
    assert_eq!(action, "AbortIncompleteMultipartUpload");
}
