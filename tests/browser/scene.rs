//! [`Scene`]: a folder of encrypted recordings, and `unreel serve` in front of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use aes_gcm::aead::Aead;
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Oaep, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::common::{fixture, skip, stderr, unreel};
use crate::fake::{Delivery, Request, Response, Server};

/// A call of a minute on two channels.
pub(crate) const CALL: &str = "RE5eed0000000000000000000000000060";
/// One of an hour.
pub(crate) const HOUR: &str = "RE5eed0000000000000000000000003600";
/// The fixtures' video that browsers play.
pub(crate) const VIDEO: &str = "CJ5eed0000000000000000000000000002";
/// The fixtures' transport stream.
pub(crate) const DOWNLOAD: &str = "5eed0000-0000-4000-8000-000000000000";
pub(crate) const ACCOUNT: &str = "AC5eed0000000000000000000000000001";
/// The Flex token of an agent.
pub(crate) const TOKEN: &str = "eyJhbGciOiJkaXIifQ..made.up.token";

/// Where `.ci/run` installs the packages.
fn tools() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("the target folder").join("tools/browser")
}

/// Whether there are Chromium, Node and these packages. Where one is not, that is said; in CI it fails.
pub(crate) fn has(packages: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = |name: &str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let modules = tools().join("node_modules");
    let program = ["chromium", "node"].into_iter().find(|name| !on_path(name));
    let package = packages.iter().find(|name| !modules.join(name).is_dir());
    let Some(what) = program.or(package.copied()) else {
        return true;
    };
    let why = format!("there is no {what}; `.ci/run` installs it");
    assert!(std::env::var_os("CI").is_none(), "{why}");
    skip(&why);
    false
}

/// Runs a script to its end, which has to be a good one.
pub(crate) fn run(script: &str, arguments: &[&str]) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let output = Command::new("node")
        .arg(tests.join(script))
        .arg(tools())
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .stdin(Stdio::null())
        .output()
        .expect("Node starts");
    assert!(output.status.success(), "{script}\n{}", stderr(&output));
}

/// `unreel serve`. It ends when this is dropped.
pub(crate) struct Scene {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    child: Child,
    said: Vec<String>,
    _validator: Server,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// With links to everything.
    pub(crate) fn demo(recordings: &[&str]) -> Self {
        Self::start(recordings, &["--demo"])
    }

    /// As a customer of Twilio Flex has it, with links that live 20 seconds.
    pub(crate) fn flex(recordings: &[&str]) -> Self {
        Self::start(recordings, &["--account", ACCOUNT, "--link-ttl", "20s"])
    }

    /// The link to a recording's page, which a demo says.
    pub(crate) fn listen(&self, recording: &str) -> String {
        let line = self.said.iter().find(|line| line.contains(recording));
        let line = line.unwrap_or_else(|| panic!("no link to {recording}: {:?}", self.said));
        let mut words = line.split_whitespace();
        words
            .find(|word| word.contains("/listen/"))
            .expect("a link")
            .to_owned()
    }

    fn start(recordings: &[&str], arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for recording in recordings {
            put(folder.path(), recording);
        }
        let (validator, at) = validator();
        let mut child = unreel()
            .args(["serve", "--listen", "127.0.0.1:0", "--source"])
            .arg(folder.path())
            .arg("-k")
            .arg(fixture("keys/pkcs8.pem"))
            .args(arguments)
            .env("UNREEL_TWILIO_IAM_URL", at)
            .env("TWILIO_ACCOUNT_SID", ACCOUNT)
            .env("TWILIO_AUTH_TOKEN", "made-up-token")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (sender, lines) = channel();
        pass_on(child.stdout.take().expect("a pipe"), sender.clone());
        pass_on(child.stderr.take().expect("a pipe"), sender);
        let links = if arguments.contains(&"--demo") {
            recordings
        } else {
            &[]
        };
        let said = heard(&lines, links);
        let word = said
            .iter()
            .find_map(|line| line.split_once("listening on "));
        let base = word.expect("an address").1.trim().to_owned();
        Self {
            base,
            child,
            said,
            _validator: validator,
            _folder: folder,
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends the lines of a pipe, until nobody reads them.
fn pass_on(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            lines.send(line).ok();
        }
    });
}

/// What is said until it listens, and each of these recordings has a link.
fn heard(lines: &Receiver<String>, links: &[&str]) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let end = Instant::now() + Duration::from_secs(30);
    let has = |said: &[String], words: [&str; 2]| {
        said.iter()
            .any(|line| words.iter().all(|word| line.contains(word)))
    };
    while !has(&said, ["listening on ", "http"])
        || !links.iter().all(|link| has(&said, [link, "/listen/"]))
    {
        let left = end.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left);
        said.push(line.unwrap_or_else(|_| panic!("it does not listen: {said:?}")));
    }
    said
}

/// Twilio's answer to a question about a Flex token, and where it is asked.
fn validator() -> (Server, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let handler = |_, request: Request| {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let path = format!("/v1/Accounts/{ACCOUNT}/Tokens/validate");
        let answer = if request.path() == path && asked["token"] == TOKEN {
            json!({
                "valid": true,
                "code": 0,
                "message": null,
                "expiration": "2100-01-01T00:00:00.000Z",
                "realm_user_id": "agent@example.com",
                "identity": "agent_40example_2Ecom",
                "roles": ["agent"],
                "worker_sid": "WK5eed0000000000000000000000000001",
            })
        } else {
            json!({"valid": false, "message": "Invalid token"})
        };
        (Response::json(200, &answer), Delivery::default())
    };
    (Server::start(listener, None, Box::new(handler)), base)
}

/// Puts a recording into a folder, with the metadata that opens it.
fn put(folder: &Path, recording: &str) {
    let copy = |from: &str, to: String| fs::copy(fixture(from), folder.join(to)).expect("a copy");
    match recording {
        VIDEO => {
            let media = format!("{VIDEO}.webm.enc");
            copy(&format!("twilio-video/{media}"), media);
            copy("twilio-video/head-object.json", format!("{VIDEO}.json"));
        }
        DOWNLOAD => {
            let media = format!("{DOWNLOAD}.ts.enc");
            copy(&format!("vonage/{media}"), media);
            copy("vonage/archive-0.json", format!("{DOWNLOAD}.json"));
        }
        _ => {
            let (media, metadata) = encrypted(recording, &wav(seconds(recording)));
            fs::write(folder.join(format!("{recording}.wav.enc")), media).expect("a file");
            fs::write(folder.join(format!("{recording}.json")), metadata).expect("a file");
        }
    }
}

/// How long a call is.
pub(crate) fn seconds(recording: &str) -> u32 {
    if recording == HOUR { 3600 } else { 60 }
}

/// A call as Twilio has it: mu-law, 8 kHz, two channels, on which tones come and go in turn.
fn wav(seconds: u32) -> Vec<u8> {
    let length = seconds * 16_000;
    let mut wav = Vec::from(*b"RIFF");
    wav.extend((length + 50).to_le_bytes());
    wav.extend(b"WAVEfmt \x12\0\0\0\x07\0\x02\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x08\0\0\0");
    wav.extend(b"fact\x04\0\0\0");
    wav.extend((length / 2).to_le_bytes());
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    for sample in 0..length / 2 {
        let turn = sample / 16_000 % 3;
        // A square wave of 500 Hz, and silence.
        let tone = if sample % 16 < 8 { 0x8f } else { 0x0f };
        wav.extend([0, 1].map(|channel| if turn == channel { tone } else { 0xff }));
    }
    wav
}

/// A call that Twilio encrypted for the fixtures' key, and what its API says of it.
fn encrypted(recording: &str, media: &[u8]) -> (Vec<u8>, String) {
    let (mut key, mut iv) = ([0; 32], [0; 12]);
    getrandom::fill(&mut key).expect("randomness");
    getrandom::fill(&mut iv).expect("randomness");
    let cipher = Aes256Gcm::new(&key.into());
    let sealed = cipher.encrypt(&iv.into(), media).expect("AES-GCM");
    let pem = fs::read_to_string(fixture("keys/pkcs8.pem")).expect("a fixture");
    let public = RsaPrivateKey::from_pkcs8_pem(&pem)
        .expect("a key")
        .to_public_key();
    let wrapped = public.encrypt(&mut UnwrapErr(SysRng), Oaep::<Sha256>::new(), &key);
    let text = fs::read(fixture("twilio-voice/recording.json")).expect("a fixture");
    let mut metadata: Value = serde_json::from_slice(&text).expect("JSON");
    metadata["sid"] = recording.into();
    metadata["duration"] = seconds(recording).to_string().into();
    metadata["encryption_details"]["encrypted_cek"] =
        BASE64_STANDARD.encode(wrapped.expect("RSA")).into();
    metadata["encryption_details"]["iv"] = BASE64_STANDARD.encode(iv).into();
    (sealed, metadata.to_string())
}
