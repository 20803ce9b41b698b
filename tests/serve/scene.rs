//! [`Scene`]: recordings, keys, a validator of tokens; and [`Served`]: the binary that serves them.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::made::{self, wait_for};
use crate::common::{Desk, fixture};
use crate::fake::{ACCOUNT, Fake, FlexUser, Got, flex_token, send};
use crate::link;

/// A call on two channels: AES-GCM, WAV.
pub(crate) const CALL: &str = "RE5eed0000000000000000000000000021";
/// A message on one channel: AES-GCM, WAV.
pub(crate) const MONO: &str = "RE5eed0000000000000000000000000022";
/// One that is not encrypted.
pub(crate) const PLAIN: &str = "RE5eed0000000000000000000000000023";
/// The sound of a room: AES-CBC, Matroska.
pub(crate) const TRACK: &str = "RT5eed0000000000000000000000000021";
/// An archive: AES-CBC, transport stream.
pub(crate) const ARCHIVE: &str = "5eed0000-0000-4000-8000-000000000021";
/// One that is long: see [`Scene::add_long`].
pub(crate) const LONG: &str = "RE5eed0000000000000000000000000031";
/// There is none.
pub(crate) const UNKNOWN: &str = "RE5eed00000000000000000000000000ee";

/// A folder to serve from, and the validator of Flex's tokens: Anna's is valid.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
    pub(crate) fake: Fake,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let desk = Desk::new();
        for entry in std::fs::read_dir(fixture("playback")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            desk.bring(&format!("playback/{name}"), &format!("calls/{name}"));
        }
        desk.bring("keys/other.pem", "other.pem");
        desk.write("link_keys.txt", link::FILE);
        desk.write(
            "serve.toml",
            format!(
                "source = ['calls']\nkey = ['key.pem']\nlisten = '127.0.0.1:0'\n\
                 account = '{ACCOUNT}'\nlink-key-file = 'link_keys.txt'\nno-input = true\n"
            ),
        );
        let fake = Fake::start();
        fake.add_flex_token(&flex_token("anna"), FlexUser::agent("anna"));
        Self { desk, fake }
    }

    /// `unreel serve` with these settings beside those of `serve.toml`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.desk.unreel("serve --config serve.toml");
        command.args(arguments).envs(self.fake.twilio_env());
        command
    }

    /// It, once it listens.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Served {
        Served::start(self.command(arguments))
    }

    /// What its log says, a line each.
    pub(crate) fn log(&self, name: &str) -> Vec<Value> {
        let text = String::from_utf8(self.desk.read(name)).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).expect(line))
            .collect()
    }

    /// The plaintext of one, as `unreel` itself decrypts it.
    pub(crate) fn plaintext(&self, id: &str) -> Vec<u8> {
        let command = match id {
            CALL | MONO => format!("twilio-voice -m calls/{id}.json calls/{id}.wav.enc"),
            TRACK => format!("twilio-video -m calls/{id}.headers calls/{id}.mka.enc"),
            ARCHIVE => format!("vonage -m calls/{id}.json calls/{id}.ts.enc"),
            _ => return self.desk.read(&format!("calls/{id}.wav")),
        };
        let out = format!("plain-{id}");
        let command = format!("{command} -q -k key.pem -f -o {out}");
        self.desk.done(self.desk.unreel(&command));
        self.desk.read(&out)
    }
}

impl Scene {
    /// Adds a recording of so many bytes, more than the sockets between two processes hold. Returns its
    /// plaintext.
    pub(crate) fn add_long(&self, length: usize) -> Vec<u8> {
        let plaintext = made::plaintext(length);
        let read = |name: &str| -> Value {
            serde_json::from_slice(&std::fs::read(fixture(name)).unwrap()).unwrap()
        };
        let mut about = read(&format!("playback/{CALL}.json"));
        about["sid"] = LONG.into();
        about["encryption_details"] = read("twilio-voice/details.json");
        self.desk
            .write(&format!("calls/{LONG}.json"), about.to_string());
        self.desk.write(
            &format!("calls/{LONG}.wav.enc"),
            made::encrypted(&plaintext),
        );
        plaintext
    }
}

/// What a player sends for somebody's token: `Authorization: Basic …`.
pub(crate) fn authorization(name: &str) -> String {
    let pair = BASE64_STANDARD.encode(format!("token:{}", flex_token(name)));
    format!("Authorization: Basic {pair}")
}

/// The binary. It is killed when this is dropped.
pub(crate) struct Served {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    /// The same, of health, readiness and metrics; empty where they are at the same.
    pub(crate) admin: String,
    said: Arc<Mutex<String>>,
    printed: Arc<Mutex<String>>,
}

impl Served {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = collected(child.stderr.take().unwrap());
        let printed = collected(child.stdout.take().unwrap());
        let mut served = Self {
            child,
            base: String::new(),
            admin: String::new(),
            said,
            printed,
        };
        let is_one = command
            .get_args()
            .any(|argument| argument == "--admin-listen");
        wait_for("line that says where it listens", || {
            let said = served.said();
            let after = |words: &str| {
                let (_, rest) = said.split_once(words)?;
                let (line, _) = rest.split_once('\n')?;
                // In JSON other fields follow.
                Some(line.split('"').next()?.to_owned())
            };
            served.base = after("listening on ").unwrap_or_default();
            served.admin = after("admin on ").unwrap_or_default();
            let has_ended = served.child.try_wait().unwrap().is_some();
            assert!(!has_ended, "{}", served.said());
            !served.base.is_empty() && (is_one || !served.admin.is_empty())
        });
        served
    }

    /// All that it said so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// All that it printed on standard output so far.
    pub(crate) fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    pub(crate) fn address(&self) -> &str {
        self.base.split_once("//").unwrap().1
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn get(&self, path: &str, headers: &[&str]) -> Got {
        self.send("GET", path, headers)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[&str]) -> Got {
        send(method, &format!("{}{path}", self.base), headers, b"")
    }

    /// What `/sec_rec` says to somebody who asks for a recording.
    pub(crate) fn ask(&self, who: &str, recording: &str) -> Got {
        let path = format!("/sec_rec?recording_sid={recording}");
        self.get(&path, &[&authorization(who)])
    }

    /// The path of the link that Anna is given.
    pub(crate) fn link(&self, recording: &str) -> String {
        let got = self.ask("anna", recording);
        assert_eq!(got.status(), "200", "{}", got.text());
        let url = got.json()["media_url"].as_str().unwrap().to_owned();
        url.strip_prefix(&self.base).unwrap().to_owned()
    }

    pub(crate) fn metrics(&self) -> String {
        send("GET", &format!("{}/metrics", self.admin), &[], b"").text()
    }

    /// A number of the metrics.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let metrics = self.metrics();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("unreel_{name} ")));
        line.expect(name).parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Has it read its files again.
    pub(crate) fn reload(&self) {
        let count = || {
            self.said()
                .matches("read keys and certificates again")
                .count()
        };
        let before = count();
        self.signal(Signal::HUP);
        wait_for("line that says that it read its files", || count() > before);
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.said());
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{}", self.said());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends it as an operator does; it has to end well.
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (status, said) = self.ended();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What comes, line by line.
fn collected(from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&text);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut heard = heard.lock().unwrap();
            heard.push_str(&line);
            heard.push('\n');
        }
    });
    text
}

/// An answer without what differs each time.
pub(crate) fn undated(got: &Got) -> (String, Vec<u8>) {
    let is_date = |line: &&str| line.to_ascii_lowercase().starts_with("date:");
    let lines = got.head.lines().filter(|line| !is_date(line));
    (lines.collect::<Vec<_>>().join("\n"), got.body.clone())
}
