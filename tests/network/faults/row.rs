//! [`Row`]: one fault, and what must come of it.
#![allow(unreachable_pub, reason = "it is for the tables beside it")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Output};
use std::sync::Mutex;

use serde_json::Value;

use crate::common::{assert_harmless, contents, digest_of, fixture, sha256, stderr, unreel};
use crate::fake::{
    ACCOUNT, API_SECRET, Certificate, Fake, Fault, OPENTOK_SECRET, Origin, Seen, Video, Voice,
};

/// For ever.
pub const EVER: usize = usize::MAX;

/// What stands at the output's name before a run that fails.
const OLD: &[u8] = b"the old file";

/// Rows that run at the same time. Mostly they wait.
const THREADS: usize = 12;

/// Whose recording is fetched: GCM from the API, CBC behind a link, CBC at a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Voice,
    Video,
    Vonage,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Voice, Self::Video, Self::Vonage];

    pub fn command(self) -> &'static str {
        match self {
            Self::Voice => "twilio-voice",
            Self::Video => "twilio-video",
            Self::Vonage => "vonage",
        }
    }

    pub fn id(self) -> &'static str {
        match self {
            Self::Voice => "RE5eed0000000000000000000000000001",
            Self::Video => "RT5eed0000000000000000000000000001",
            Self::Vonage => "5eed0000-0000-4000-8000-000000000002",
        }
    }

    /// The encrypted media.
    pub fn media(self) -> Vec<u8> {
        let end = match self {
            Self::Voice => "wav.enc",
            Self::Video => "mka.enc",
            Self::Vonage => "ts.enc",
        };
        let path = format!("{}/{}.{end}", self.command(), self.id());
        std::fs::read(fixture(&path)).unwrap()
    }

    /// What it is decrypted to.
    fn output(self) -> String {
        let extension = match self {
            Self::Voice => "wav",
            Self::Video => "mka",
            Self::Vonage => "ts",
        };
        format!("{}.{extension}", self.id())
    }

    /// The requests for its media.
    pub fn place_of_media(self) -> String {
        match self {
            Self::Voice => format!("GET api:{}.wav", self.path()),
            Self::Video | Self::Vonage => "GET storage:/".into(),
        }
    }

    /// The request for what the provider says of it.
    pub fn place_of_answer(self) -> String {
        match self {
            Self::Voice => format!("GET api:{}.json", self.path()),
            Self::Video | Self::Vonage => format!("GET api:{}", self.path()),
        }
    }

    fn path(self) -> String {
        let id = self.id();
        match self {
            Self::Voice => format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/{id}"),
            Self::Video => format!("/v1/Recordings/{id}"),
            Self::Vonage => format!("/v2/project/{}/archive/{id}", crate::fake::APPLICATION),
        }
    }

    /// Makes it a recording that was completed just now.
    pub fn is_new(self, fake: &Fake) {
        let now = jiff::Timestamp::now().as_second();
        let document = |path: &str| -> Value {
            serde_json::from_slice(&std::fs::read(fixture(path)).unwrap()).unwrap()
        };
        match self {
            Self::Voice => {
                let details = document("twilio-voice/recording.json")["encryption_details"].take();
                fake.add_voice(Voice {
                    created: now - 4,
                    updated: now,
                    ..Voice::new(self.id(), &self.media(), details)
                });
            }
            Self::Video => {
                let flat = document("twilio-video/flat.json");
                let pairs = flat.as_object().unwrap().iter().map(|(name, value)| {
                    let short = name.trim_start_matches("x-amz-meta-");
                    let value = value.as_str().unwrap().to_owned();
                    (format!("x-amz-meta-{short}"), value)
                });
                fake.add_video(Video {
                    created: now - 4,
                    ..Video::new(self.id(), &self.media(), &pairs.collect::<Vec<_>>())
                });
            }
            Self::Vonage => unimplemented!("its links come with what is said of it"),
        }
    }
}

type OnFake<T = ()> = Box<dyn Fn(&Fake) -> T + Send + Sync>;

/// What must come.
#[derive(Clone, Debug)]
enum Expected {
    /// The recording, after so many requests for its media.
    Right(u32),
    /// The media as it is, and its sidecar.
    Kept,
    /// An exit code, parts of the message, parts of the hint.
    Error(i32, &'static [&'static str], &'static [&'static str]),
}

/// One fault. It runs without retries unless something else is said.
pub struct Row {
    name: String,
    kind: Kind,
    tls: Option<Certificate>,
    arm: Vec<OnFake>,
    /// In place of the id.
    input: Option<OnFake<String>>,
    flags: Vec<String>,
    env: Vec<(&'static str, String)>,
    look: Vec<OnFake>,
    expected: Expected,
}

impl Row {
    pub fn of(kind: Kind, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            tls: None,
            arm: vec![],
            input: None,
            flags: vec!["--retries=0".into()],
            env: vec![],
            look: vec![],
            expected: Expected::Right(1),
        }
    }

    /// What goes wrong with the media, so many times.
    pub fn media(self, fault: Fault, times: usize) -> Self {
        let place = self.kind.place_of_media();
        self.at(place, fault, times)
    }

    /// What goes wrong with what the provider says of the recording.
    pub fn answer(self, fault: Fault, times: usize) -> Self {
        let place = self.kind.place_of_answer();
        self.at(place, fault, times)
    }

    pub fn at(self, place: impl Into<String>, fault: Fault, times: usize) -> Self {
        let place = place.into();
        self.with(move |fake| fake.fault(&place, fault.clone(), times))
    }

    pub fn with(mut self, arm: impl Fn(&Fake) + Send + Sync + 'static) -> Self {
        self.arm.push(Box::new(arm));
        self
    }

    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.tls = Some(certificate);
        self
    }

    pub fn input(mut self, input: impl Fn(&Fake) -> String + Send + Sync + 'static) -> Self {
        self.input = Some(Box::new(input));
        self
    }

    pub fn retries(mut self, retries: u32) -> Self {
        self.flags[0] = format!("--retries={retries}");
        self
    }

    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    pub fn env(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    /// What must hold of the requests afterwards.
    pub fn look(mut self, look: impl Fn(&Fake) + Send + Sync + 'static) -> Self {
        self.look.push(Box::new(look));
        self
    }

    /// The right bytes come, after so many requests for media.
    pub fn comes(mut self, attempts: u32) -> Self {
        self.expected = Expected::Right(attempts);
        self
    }

    /// With `--download-only` the media is kept as it is.
    pub fn keeps(mut self) -> Self {
        self.expected = Expected::Kept;
        self
    }

    pub fn fails(
        mut self,
        exit: i32,
        message: &'static [&'static str],
        hint: &'static [&'static str],
    ) -> Self {
        self.expected = Expected::Error(exit, message, hint);
        self
    }

    fn is_download(&self) -> bool {
        self.flags.iter().any(|flag| flag == "--download-only")
    }

    /// Runs it, and fails unless all is as it must be.
    pub fn run(&self) {
        let fake = match self.tls {
            None => Fake::start(),
            Some(certificate) => Fake::start_tls_with(certificate),
        };
        fake.add_fixtures();
        self.arm.iter().for_each(|arm| arm(&fake));
        let folder = tempfile::tempdir().unwrap();
        let [out, tmp] = ["out", "tmp"].map(|name| folder.path().join(name));
        for folder in [&out, &tmp] {
            std::fs::create_dir(folder).unwrap();
        }
        let old = if self.is_download() {
            format!("{}.enc", self.kind.id())
        } else {
            self.kind.output()
        };
        let fails = matches!(self.expected, Expected::Error(..));
        if fails {
            std::fs::write(out.join(&old), OLD).unwrap();
        }

        let mut command = unreel();
        command.envs(fake.env()).env("TMPDIR", &tmp);
        if self.tls.is_some() && !self.flags.iter().any(|flag| flag.starts_with("--ca-file")) {
            let path = fake.ca_file();
            command.env("TWILIO_CA_BUNDLE", path);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        for (name, _) in self.env.iter().filter(|(_, value)| value.is_empty()) {
            command.env_remove(name);
        }
        command.args([self.kind.command(), "--no-input", "--report=-"]);
        if !self.is_download() {
            command.arg("--sha256");
            command.arg("-k").arg(fixture("keys/pkcs8.pem"));
        }
        command.args(
            self.flags
                .iter()
                .map(|flag| flag.replace("CA_FILE", &fake.ca_file().display().to_string())),
        );
        command.args(["-f", "-d"]).arg(&out);
        command.arg(
            self.input
                .as_ref()
                .map_or(self.kind.id().into(), |input| input(&fake)),
        );
        let output = command.output().unwrap();

        let left = contents(&tmp);
        assert!(left.is_empty(), "{:?} are left", left.keys());
        self.judge(&output, &contents(&out), &old);
        let unmet = fake.unmet();
        assert!(unmet.is_empty(), "nothing met {unmet:?}");
        self.look.iter().for_each(|look| look(&fake));
        assert_discreet(&output, &fake.requests());
    }

    fn judge(&self, output: &Output, out: &BTreeMap<String, Vec<u8>>, old: &str) {
        let stderr = stderr(output);
        let names: Vec<_> = out.keys().map(String::as_str).collect();
        let stdout = String::from_utf8(output.stdout.clone()).unwrap();
        let line: Value = serde_json::from_str(&stdout).expect(&stderr);
        let (exit, is_ok) = match self.expected {
            Expected::Right(_) | Expected::Kept => (0, true),
            Expected::Error(exit, ..) => (exit, false),
        };
        assert_eq!(output.status.code(), Some(exit), "{stderr}{stdout}");
        assert_eq!(line["ok"], is_ok);
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert_harmless(&stderr);
        assert_harmless(&stdout);
        match self.expected {
            Expected::Right(attempts) => {
                assert_eq!(names, [self.kind.output()]);
                let digest = digest_of(self.kind.id());
                assert_eq!(sha256(&out[&self.kind.output()]), digest);
                assert_eq!(line["sha256"], digest);
                assert_eq!(line["attempts"], attempts, "{line}");
            }
            Expected::Kept => {
                assert_eq!(names, [old, &format!("{}.json", self.kind.id())]);
                assert!(out[old] == self.kind.media());
            }
            Expected::Error(_, message, hint) => {
                assert!(names == [old] && out[old] == OLD, "{names:?}\n{stderr}");
                let code = match exit {
                    3 => "input",
                    7 => "integrity",
                    9 => "provider",
                    75 => "temporary",
                    other => panic!("what is {other}?"),
                };
                assert_eq!(line["error"]["code"], code);
                assert_eq!(line["error"]["exit"], exit);
                for (field, parts) in [("message", message), ("hint", hint)] {
                    let text = line["error"][field].as_str().unwrap();
                    for part in parts {
                        assert!(text.contains(part), "{field}: no `{part}` in `{text}`");
                    }
                    assert!(!text.is_empty());
                }
                for part in ["unreel: error: ", "unreel: hint: "] {
                    assert!(stderr.contains(part), "{stderr}");
                }
            }
        }
    }
}

/// No secret is said, and storage is asked as nobody.
pub fn assert_discreet(output: &Output, requests: &[Seen]) {
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    for secret in [API_SECRET, OPENTOK_SECRET, "X-Amz-Signature=", "s3cret"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    for seen in requests {
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
        let agent = concat!("unreel/", env!("CARGO_PKG_VERSION"));
        assert_eq!(seen.header("user-agent"), Some(agent));
        let ours = ["authorization", "x-opentok-auth", "cookie", "referer"];
        if seen.origin == Origin::Storage {
            assert!(
                ours.iter().all(|name| seen.header(name).is_none()),
                "{seen:?}"
            );
        }
    }
}

/// The requests for the media that the server saw.
pub fn of_media(fake: &Fake, kind: Kind) -> Vec<Seen> {
    let is_media = |seen: &Seen| match kind {
        Kind::Voice => seen
            .request
            .path()
            .ends_with(&format!("{}.wav", kind.path())),
        Kind::Video | Kind::Vonage => seen.origin == Origin::Storage,
    };
    fake.requests().into_iter().filter(is_media).collect()
}

/// The requests that storage saw.
pub fn of_storage(fake: &Fake) -> Vec<Seen> {
    let mut seen = fake.requests();
    seen.retain(|seen| seen.origin == Origin::Storage);
    seen
}

/// Runs all rows, and tells of all that are not as they must be.
pub fn run(rows: Vec<Row>) {
    let count = rows.len();
    let next = Mutex::new(rows.into_iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(count) {
            scope.spawn(|| {
                loop {
                    let Some(row) = next.lock().unwrap().next() else {
                        return;
                    };
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| row.run())) {
                        let why = panic.downcast_ref::<String>().cloned();
                        let why = why.unwrap_or_else(|| "see above".to_owned());
                        let name = format!("{:?}: {}: {why}", row.kind, row.name);
                        failed.lock().unwrap().push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let all = failed.join("\n\n");
    assert!(
        failed.is_empty(),
        "{} of {count} rows failed\n{all}",
        failed.len()
    );
}

/// The binary for this provider, with its key, in the environment of a customer who has everything.
pub fn command(fake: &Fake, kind: Kind) -> Command {
    let mut command = unreel();
    command.envs(fake.env());
    command.args([kind.command(), "--no-input", "--retries=0", "--report=-"]);
    command.arg("-k").arg(fixture("keys/pkcs8.pem"));
    command
}

#[test]
fn a_row_fails_where_something_else_comes() {
    let fails = |row: Row| catch_unwind(AssertUnwindSafe(|| row.run())).is_err();
    let row = || Row::of(Kind::Video, "x");
    let cut = Fault::CutAfter(1000);
    row().run();
    row().retries(1).media(cut.clone(), 1).comes(2).run();
    assert!(fails(row().retries(1).media(cut.clone(), 1).comes(1)));
    assert!(fails(row().retries(1).comes(2)));
    assert!(fails(row().comes(1).at(
        "GET storage:/nowhere",
        cut.clone(),
        1
    )));
    assert!(fails(row().media(cut.clone(), 1).comes(1)));
    assert!(fails(row().fails(75, &[], &[])));
    row()
        .media(cut.clone(), 1)
        .fails(75, &["broke off"], &["again"])
        .run();
    assert!(fails(row().media(cut.clone(), 1).fails(9, &[], &[])));
    assert!(fails(row().media(cut.clone(), 1).fails(
        75,
        &["something else"],
        &[]
    )));
    assert!(fails(row().media(cut, 1).fails(
        75,
        &[],
        &["something else"]
    )));
}
