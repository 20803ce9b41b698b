//! Whole runs: where secrets go, what is connected to, what is left after a kill, a full disk or a
//! second run, and how much memory many recordings take.

mod canaries;
mod disk;
mod kills;
mod logs;
mod many;
mod offline;
mod proxy;
mod together;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rsa::pkcs8::DecodePrivateKey;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::made::{CONTENT_KEY, IV, encrypted, plaintext};
use crate::common::{contents, fixture, stderr, unreel};
use crate::fake::{Fake, Voice};

/// A folder with `key.pem`, an output folder `out` and a temporary folder `tmp`.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir(place.path("tmp")).expect("a folder");
        fs::copy(fixture("keys/pkcs8.pem"), place.path("key.pem")).expect("a key");
        fs::set_permissions(place.path("key.pem"), Permissions::from_mode(0o600)).expect("a mode");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The binary with a provider's command, in an environment that knows `fake`.
    fn unreel<A: AsRef<OsStr>>(&self, fake: &Fake, arguments: &[A]) -> Command {
        let mut command = unreel();
        command
            .args(arguments)
            .envs(fake.env())
            .env("TMPDIR", self.path("tmp"))
            .env("HOME", self.path("home"))
            .current_dir(self.0.path());
        command
    }

    /// Of Twilio Voice, with the key, into `out`.
    fn voice<A: AsRef<OsStr>>(&self, fake: &Fake, arguments: &[A]) -> Command {
        let mut command = self.unreel(fake, &["twilio-voice", "-d", "out", "-k", "key.pem"]);
        command.args(arguments);
        command
    }

    /// What is in `out`; nothing where it is not there.
    fn out(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.path("out");
        if folder.exists() {
            contents(&folder)
        } else {
            BTreeMap::new()
        }
    }

    fn assert_no_temporary(&self, what: &str) {
        let left = contents(&self.path("tmp"));
        assert!(left.is_empty(), "{what}: {:?} are left", left.keys());
    }

    /// Fails if there is any file but the key.
    fn assert_empty(&self, what: &str) {
        let out: Vec<_> = self.out().into_keys().collect();
        assert!(out.is_empty(), "{what}: {out:?}");
        self.assert_no_temporary(what);
    }
}

/// The id of the recording of this number.
fn sid(number: usize) -> String {
    format!("RE5eed{number:028x}")
}

/// The `encryption_details` of what [`encrypted`] makes.
fn details() -> Value {
    let text = fs::read(fixture("twilio-voice/details.json")).expect("details");
    serde_json::from_slice(&text).expect("JSON")
}

/// The same for another key of the fixtures.
fn details_for(key: &str) -> Value {
    let pem = fs::read_to_string(fixture(key)).expect("a key");
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(&pem).expect("an RSA key");
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    let padding = rsa::Oaep::<sha2::Sha256>::new();
    let wrapped = key
        .to_public_key()
        .encrypt(&mut random, padding, &CONTENT_KEY)
        .expect("encryption");
    json!({
        "public_key_sid": "CR5eed0000000000000000000000000002",
        "encrypted_cek": BASE64_STANDARD.encode(wrapped),
        "type": "rsa-aes",
        "iv": BASE64_STANDARD.encode(IV),
    })
}

/// Recordings `0..count` of `length` bytes each. Returns their plaintext.
fn add_voices(fake: &Fake, count: usize, length: usize) -> Vec<u8> {
    let plain = plaintext(length);
    let one = Voice::new(&sid(0), &encrypted(&plain), details());
    for number in 0..count {
        fake.add_voice(Voice {
            sid: sid(number),
            created: one.created - i64::try_from(number).expect("seconds"),
            ..one.clone()
        });
    }
    plain
}

/// The lines of JSON that a run printed.
fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

fn run(mut command: Command) -> Output {
    command.output().expect("it starts")
}

/// Runs it and fails unless it ends with `code`, without a panic.
fn ends(command: Command, code: i32) -> Output {
    let what = format!("{command:?}");
    let output = run(command);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{what}\n{said}");
    assert!(!said.contains("panicked"), "{what}\n{said}");
    output
}

/// Runs it, and says how much memory it took at most, in KiB; `None` where nothing measures it.
fn measured(command: &Command) -> (Output, Option<u64>) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("memory");
    if !crate::common::has("time") {
        return (run(copy(command)), None);
    }
    let log = log.to_str().expect("a name");
    let output = run(around("time", &["-q", "-f", "%M", "-o", log], command));
    let text = fs::read_to_string(log).expect("a log");
    let number = text.split_whitespace().next_back().expect("a number");
    (output, Some(number.parse().expect("a number")))
}

/// The command under another program that starts it, in its own folder.
fn around(program: &str, options: &[&str], command: &Command) -> Command {
    let mut outer = crate::common::made::under(program, options, command);
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}

fn copy(command: &Command) -> Command {
    around("env", &[], command)
}

/// Whether strace is there and may trace.
fn strace() -> bool {
    let mut probe = Command::new("strace");
    probe.args(["-qq", "-o", "/dev/null", "-e", "trace=none", "true"]);
    let works =
        crate::common::has("strace") && probe.output().is_ok_and(|output| output.status.success());
    if !works {
        crate::common::skip("system calls: strace is not installed, or may not trace");
    }
    works
}

/// Whether files without a name can be made in `folder`.
fn has_unnamed(folder: &Path) -> bool {
    use rustix::fs::{Mode, OFlags, open};
    open(
        folder,
        OFlags::TMPFILE | OFlags::WRONLY,
        Mode::RUSR | Mode::WUSR,
    )
    .is_ok()
}
