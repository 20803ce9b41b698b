//! [`Scene`]: a bucket with a proxy before it, and a folder to run in.
#![allow(unreachable_pub, reason = "it is for the tests beside it")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::common::made::{encrypted, plaintext};
use crate::common::{assert_harmless, contents, fixture, stderr, unreel};
use crate::proxy::Proxy;
use crate::servers::{Bucket, Env, Kind};

/// A recording of Twilio Voice.
pub const ID: &str = "RE5eed0000000000000000000000000001";
/// Where it is put.
pub const KEY: &str = "in/RE5eed0000000000000000000000000001.wav.enc";
/// Where it goes.
pub const OUT: &str = "out/call.wav";

/// A bucket, a proxy before it, and a folder with `out/` and `tmp/`.
pub struct Scene {
    pub bucket: Bucket,
    pub proxy: Proxy,
    folder: tempfile::TempDir,
    env: Env,
}

impl Scene {
    /// With an empty bucket.
    pub fn new(kind: Kind) -> Option<Self> {
        let bucket = kind.bucket()?;
        let proxy = Proxy::start(&bucket);
        let folder = tempfile::tempdir().unwrap();
        for name in ["out", "tmp", "home"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let env = proxy.settings();
        Some(Self {
            bucket,
            proxy,
            folder,
            env,
        })
    }

    /// With a recording at [`KEY`], and its metadata beside it.
    pub fn with_recording(kind: Kind) -> Option<Self> {
        let scene = Self::new(kind)?;
        let media = fs::read(fixture(&format!("twilio-voice/{ID}.wav.enc"))).unwrap();
        scene.add(ID, media);
        Some(scene)
    }

    /// With a recording of so many bytes of plaintext, which is given, too.
    pub fn with_long(kind: Kind, length: usize) -> Option<(Self, Vec<u8>)> {
        let scene = Self::new(kind)?;
        let plain = plaintext(length);
        scene.add(ID, encrypted(&plain));
        Some((scene, plain))
    }

    /// Puts a recording of Twilio Voice below `in/`, with the metadata of the fixtures.
    pub fn add(&self, id: &str, media: Vec<u8>) {
        self.bucket.put(&format!("in/{id}.wav.enc"), media, &[]);
        let metadata = fs::read(fixture("twilio-voice/recording.json")).unwrap();
        let metadata = String::from_utf8(metadata).unwrap().replace(ID, id);
        self.bucket
            .put(&format!("in/{id}.json"), metadata.into_bytes(), &[]);
    }

    /// Another environment than that of who may do everything.
    pub fn set(&mut self, env: Env) {
        self.env = env;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The URL of the recording.
    pub fn input(&self) -> String {
        self.bucket.url(KEY)
    }

    /// The URL of where it goes.
    pub fn output(&self) -> String {
        self.bucket.url(OUT)
    }

    /// Requests for the recording, as places of faults.
    pub fn get(&self) -> String {
        format!("GET {}", self.bucket.path(KEY))
    }

    /// Requests that put the output, as places of faults.
    pub fn put(&self) -> String {
        format!("PUT {}", self.bucket.path(OUT))
    }

    /// The binary, for recordings of Twilio Voice.
    pub fn voice(&self, args: &[&str]) -> Command {
        self.unreel("twilio-voice", args)
    }

    /// The binary, with the key, the environment and `--retries 0` unless it is given.
    pub fn unreel(&self, command: &str, args: &[&str]) -> Command {
        let mut unreel = unreel();
        unreel
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(self.folder.path())
            .args([command, "--no-input", "-k"])
            .arg(fixture("keys/pkcs8.pem"));
        if !args.contains(&"--retries") {
            unreel.args(["--retries", "0"]);
        }
        unreel.args(args);
        unreel
    }

    /// Runs it, and looks that nothing is left that nobody asked for.
    pub fn run(&self, mut command: Command) -> Ran {
        let output = command.output().unwrap();
        let left = contents(&self.path("tmp"));
        assert!(left.is_empty(), "{:?} are left", left.keys());
        let unmet = self.proxy.unmet();
        assert!(unmet.is_empty(), "nothing met {unmet:?}");
        let said = stderr(&output);
        assert_harmless(&said);
        assert!(!said.contains("panicked"), "{said}");
        for (name, value) in &self.env {
            let is_secret = ["SECRET", "KEY", "TOKEN", "SAS"];
            let is_name = name.ends_with("KEY_ID");
            if !is_name && is_secret.iter().any(|part| name.contains(part)) {
                assert!(!said.contains(value.as_str()), "{name} in {said}");
            }
        }
        Ran { output, said }
    }
}

/// What came of a run.
pub struct Ran {
    pub output: Output,
    pub said: String,
}

impl Ran {
    /// Fails unless it succeeded.
    pub fn done(self) -> Self {
        assert_eq!(self.output.status.code(), Some(0), "{}", self.said);
        self
    }

    /// Fails unless it ended so, and said this.
    pub fn fails(self, exit: i32, parts: &[&str]) -> Self {
        assert_eq!(self.output.status.code(), Some(exit), "{}", self.said);
        for part in parts {
            assert!(self.said.contains(part), "no `{part}` in {}", self.said);
        }
        for part in ["unreel: error: ", "unreel: hint: "] {
            assert!(self.said.contains(part), "{}", self.said);
        }
        self
    }

    /// The lines of JSON on standard output.
    pub fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.output.stdout.clone()).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The only one.
    pub fn line(&self) -> Value {
        let [line] = <[Value; 1]>::try_from(self.lines()).unwrap();
        line
    }
}
