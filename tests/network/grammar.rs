//! What the command line means by what it names, sentence by sentence of the design: INPUT, flags,
//! credentials, report lines.

mod accounts;
mod batch;
mod input;
mod kept;
mod named;
mod output;
mod selection;
mod urls;

use std::collections::BTreeMap;
use std::process::{Command, Output};

use serde_json::Value;

use super::common::{Desk, assert_harmless, digest_of, fixture, sha256};
use super::fake::{Fake, Origin, Seen};

pub(super) const RE: &str = "RE5eed0000000000000000000000000001";
/// For another key than the others.
pub(super) const RE_OTHER: &str = "RE5eed0000000000000000000000000002";
pub(super) const RE_THIRD: &str = "RE5eed0000000000000000000000000003";
/// Not encrypted.
pub(super) const RE_PLAIN: &str = "RE5eed0000000000000000000000000004";
pub(super) const RE_RUNNING: &str = "RE5eed0000000000000000000000000010";
pub(super) const RE_ABSENT: &str = "RE5eed0000000000000000000000000011";
pub(super) const RE_DELETED: &str = "RE5eed0000000000000000000000000012";
pub(super) const CA: &str = "CA5eed0000000000000000000000000001";
pub(super) const CF: &str = "CF5eed0000000000000000000000000001";
pub(super) const RT: &str = "RT5eed0000000000000000000000000001";
pub(super) const RT_DATA: &str = "RT5eed0000000000000000000000000011";
pub(super) const CJ: &str = "CJ5eed0000000000000000000000000001";
pub(super) const RM: &str = "RM5eed0000000000000000000000000001";
pub(super) const ARCHIVE: &str = "5eed0000-0000-4000-8000-000000000000";
/// In the customer's own bucket.
pub(super) const ARCHIVE_ELSEWHERE: &str = "5eed0000-0000-4000-8000-000000000003";
pub(super) const ARCHIVE_OF_OPENTOK: &str = "5eed0000-0000-4000-8000-000000000004";
pub(super) const SESSION: &str = "2_MX4xMDB-fjE3ODgyNTE0MDAwMDB-made-up~";

/// A desk with both private keys, and the providers.
pub(super) struct Net {
    pub(super) desk: Desk,
    pub(super) fake: Fake,
}

/// How a run ended.
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: Vec<u8>,
    pub(super) err: String,
}

impl Net {
    /// With the recordings of the fixtures.
    pub(super) fn new() -> Self {
        Self::with(Fake::with_fixtures())
    }

    pub(super) fn empty() -> Self {
        Self::with(Fake::start())
    }

    fn with(fake: Fake) -> Self {
        let desk = Desk::new();
        desk.bring("keys/other.pem", "other.pem");
        Self { desk, fake }
    }

    /// The binary, in the environment of a customer who has everything.
    pub(super) fn command(&self, arguments: &str) -> Command {
        let mut command = self.desk.unreel(arguments);
        command.envs(self.fake.env());
        command
    }

    pub(super) fn run(&self, arguments: &str) -> Ran {
        Ran::of(self.command(arguments))
    }

    /// Runs what has to end with `code`. In `$` are the keys: `-k key.pem`.
    pub(super) fn ends(&self, code: i32, arguments: &str) -> Ran {
        let arguments = arguments.replace('$', "-k key.pem");
        let ran = self.run(&arguments);
        ran.ended(code, &arguments);
        ran
    }

    /// Runs what has to end so before any request, and say each of `says`.
    pub(super) fn refuses(&self, code: i32, arguments: &str, says: &[&str]) -> Ran {
        self.fake.forget();
        let before = self.desk.contents();
        let ran = self.ends(code, arguments);
        ran.says(says);
        ran.says(&["unreel: error: ", "unreel: hint: "]);
        assert!(self.fake.requests().is_empty(), "{arguments} asked");
        assert!(self.desk.contents() == before, "{arguments} wrote");
        ran
    }

    /// The requests for media.
    pub(super) fn media_requests(&self) -> Vec<Seen> {
        let mut seen = self.fake.requests();
        seen.retain(|seen| {
            let path = seen.request.path();
            seen.origin == Origin::Storage
                || [".wav", "/Media"].iter().any(|end| path.ends_with(end))
        });
        seen
    }

    /// Fails unless the file is the plaintext of that recording.
    pub(super) fn is_opened(&self, name: &str, id: &str) {
        assert_eq!(sha256(&self.desk.read(name)), digest_of(id), "{name}");
    }
}

impl Ran {
    pub(super) fn of(mut command: Command) -> Self {
        let Output {
            status,
            stdout,
            stderr: err,
        } = command.output().expect("it starts");
        let err = String::from_utf8(err).expect("text");
        assert_harmless(&err);
        assert!(!err.contains("panicked"), "{err}");
        Self {
            code: status.code(),
            out: stdout,
            err,
        }
    }

    pub(super) fn ended(&self, code: i32, what: &str) {
        let out = String::from_utf8_lossy(&self.out);
        assert_eq!(self.code, Some(code), "{what}\n{}\n{out}", self.err);
    }

    pub(super) fn says(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.err.contains(text), "no `{text}`:\n{}", self.err);
        }
    }

    pub(super) fn says_nothing_of(&self, texts: &[&str]) {
        let out = String::from_utf8_lossy(&self.out);
        for text in texts {
            assert!(!self.err.contains(text), "`{text}`:\n{}", self.err);
            assert!(!out.contains(text), "`{text}`:\n{out}");
        }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// The lines of JSON, by the ids of the recordings.
    pub(super) fn lines(&self) -> BTreeMap<String, Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            (line["id"].as_str().unwrap_or_default().to_owned(), line)
        });
        lines.collect()
    }

    /// The only line of JSON.
    pub(super) fn line(&self) -> Value {
        serde_json::from_slice(&self.out).expect("one line of JSON")
    }

    /// What became of each recording: `done`, the reason it was skipped for, or the exit code.
    pub(super) fn outcomes(&self) -> BTreeMap<String, String> {
        let outcome = |line: &Value| match (&line["ok"], &line["reason"]) {
            (Value::Bool(true), Value::String(reason)) => reason.clone(),
            (Value::Bool(true), _) => "done".to_owned(),
            _ => line["error"]["exit"].to_string(),
        };
        let lines = self.lines();
        let all = lines.iter().map(|(id, line)| (id.clone(), outcome(line)));
        all.collect()
    }
}

/// Outcomes, to compare with.
pub(super) fn outcomes(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(id, what): &(&str, &str)| ((*id).to_owned(), (*what).to_owned());
    all.iter().map(own).collect()
}

/// The headers with which the media of [`RT`] comes.
pub(super) fn video_headers() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(fixture("twilio-video/wget.txt")).expect("text");
    let lines = text.lines().filter_map(|line| line.trim().split_once(": "));
    let own = lines.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    own.filter(|(name, _)| name.starts_with("x-amz-meta-"))
        .collect()
}
