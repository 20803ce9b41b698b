//! Recordings made to measure, a folder to run in, and what must hold in it afterwards.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, of which every test file uses a part"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use aes_gcm::aead::{Aead, KeyInit};

use super::{contents, fixture, run_with, stderr, unreel};

/// The content key and IV of `fixtures/twilio-voice/details.json`: `seeded` in `fixtures/make.py`.
pub const CONTENT_KEY: [u8; 32] = [
    0xc8, 0x0c, 0x65, 0x99, 0x47, 0xb9, 0x56, 0x4c, 0x3e, 0x2e, 0x4d, 0x82, 0x52, 0xf7, 0x5f, 0xc9,
    0xab, 0x1f, 0x7e, 0x02, 0xd0, 0x5d, 0xff, 0x8b, 0xcb, 0xba, 0x8b, 0xf4, 0x2a, 0xf1, 0x45, 0x45,
];
pub const IV: [u8; 12] = [
    0xc8, 0x1f, 0x7d, 0x17, 0x6c, 0x79, 0x0f, 0x01, 0xab, 0xeb, 0x94, 0x53,
];

/// Stands all over the plaintext.
pub const MARKER: &[u8] = b"this is what was said on the call, and nobody else may hear it. ";

/// A WAV file of `length` bytes that is full of [`MARKER`].
pub fn plaintext(length: usize) -> Vec<u8> {
    let size = |n: usize| u32::try_from(n).expect("a short file").to_le_bytes();
    let mut wav = [
        &b"RIFF"[..],
        &size(length - 8),
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data",
        &size(length - 44),
    ]
    .concat();
    let start = wav.len();
    let pieces = (length - start).div_ceil(MARKER.len());
    wav.extend(MARKER.repeat(pieces));
    // A number a marker, so that no two pieces of it are the same.
    for (number, piece) in wav[start..].chunks_exact_mut(MARKER.len()).enumerate() {
        piece[60..].copy_from_slice(&size(number));
    }
    wav.truncate(length);
    wav
}

/// The same as Twilio Voice would give it out, for `fixtures/keys/pkcs8.pem`.
pub fn encrypted(plaintext: &[u8]) -> Vec<u8> {
    aes_gcm::Aes256Gcm::new(&CONTENT_KEY.into())
        .encrypt(&IV.into(), plaintext)
        .expect("encryption")
}

/// A folder with a recording in `in`, an output folder `out`, and a temporary folder `tmp`.
pub struct Stage {
    folder: tempfile::TempDir,
    provider: &'static str,
    pub plaintext: Vec<u8>,
}

impl Stage {
    /// With a recording of `length` bytes, of Twilio Voice.
    pub fn new(length: usize) -> Self {
        Self::of("twilio-voice", length)
    }

    /// With a recording of `length` bytes, of Qvoice: its nonce is in front of it.
    pub fn qvoice(length: usize) -> Self {
        let stage = Self::of("qvoice", length);
        let key: String = CONTENT_KEY.iter().map(|b| format!("{b:02x}")).collect();
        std::fs::write(stage.path("key"), key).expect("a key");
        stage
    }

    fn of(provider: &'static str, length: usize) -> Self {
        let stage = Self {
            folder: tempfile::tempdir().expect("a folder"),
            provider,
            plaintext: plaintext(length),
        };
        for name in ["in", "out", "tmp"] {
            std::fs::create_dir(stage.path(name)).expect("a folder");
        }
        stage.put_media();
        stage
    }

    /// Puts the recording in its place.
    pub fn put_media(&self) {
        let mut media = encrypted(&self.plaintext);
        if self.provider == "qvoice" {
            media.splice(..0, IV);
        }
        std::fs::write(self.media(), media).expect("media");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn media(&self) -> PathBuf {
        self.path("in/call.wav.enc")
    }

    pub fn ciphertext(&self) -> Vec<u8> {
        std::fs::read(self.media()).expect("media")
    }

    pub fn target(&self) -> PathBuf {
        self.path("out/call.wav")
    }

    /// The command with metadata and key, without input and output. One thread, so that system
    /// calls can be counted.
    pub fn unreel(&self) -> Command {
        let mut command = unreel();
        command
            .env("TMPDIR", self.path("tmp"))
            .args([self.provider, "--threads", "1"]);
        if self.provider == "qvoice" {
            command.args(["--kdf", "raw", "--key-form", "hex", "--key-file"]);
            command.arg(self.path("key"));
        } else {
            command.arg("-m").arg(fixture("twilio-voice/details.json"));
            command.arg("-k").arg(fixture("keys/pkcs8.pem"));
        }
        command
    }

    /// From file to file.
    pub fn to_file(&self) -> Command {
        let mut command = self.unreel();
        command.arg(self.media()).arg("-o").arg(self.target());
        command
    }

    /// From standard input to file.
    pub fn piped_to_file(&self) -> Command {
        let mut command = self.unreel();
        command.arg("-").arg("-o").arg(self.target());
        command
    }

    /// Puts an old file at the output's name.
    pub fn put_old(&self) {
        std::fs::write(self.target(), OLD).expect("an old file");
    }

    /// As new.
    pub fn clear(&self) {
        for name in ["out", "tmp"] {
            std::fs::remove_dir_all(self.path(name)).ok();
            std::fs::create_dir(self.path(name)).expect("a folder");
        }
    }

    /// Fails unless nothing is in the folders but what was there before, and no plaintext at all.
    pub fn assert_untouched(&self, old: bool, what: &str) {
        let expected: Vec<(String, Vec<u8>)> = old
            .then(|| ("call.wav".to_owned(), OLD.to_vec()))
            .into_iter()
            .collect();
        let out = contents(&self.path("out"));
        let names: Vec<_> = out.keys().collect();
        assert!(
            out.iter()
                .eq(expected.iter().map(|(name, bytes)| (name, bytes))),
            "{what}: the folder holds {names:?}"
        );
        self.assert_no_temporary(what);
    }

    /// Fails unless the output is there, whole, and alone.
    pub fn assert_whole(&self, what: &str) {
        let out = contents(&self.path("out"));
        let names: Vec<_> = out.keys().collect();
        assert_eq!(names, ["call.wav"], "{what}");
        assert!(out["call.wav"] == self.plaintext, "{what}: other contents");
        self.assert_no_temporary(what);
    }

    pub fn is_whole(&self) -> bool {
        std::fs::read(self.target()).is_ok_and(|bytes| bytes == self.plaintext)
    }

    pub fn assert_untouched_or_whole(&self, old: bool, what: &str) {
        if self.is_whole() {
            self.assert_whole(what);
        } else {
            self.assert_untouched(old, what);
        }
    }

    pub fn assert_no_temporary(&self, what: &str) {
        let left = contents(&self.path("tmp"));
        assert!(left.is_empty(), "{what}: {:?} are left", left.keys());
        let inputs = contents(&self.path("in"));
        let names: Vec<_> = inputs.keys().collect();
        assert_eq!(names, ["call.wav.enc"], "{what}");
    }
}

/// What stands at the output's name before a run.
pub const OLD: &[u8] = b"the old file";

/// Runs it with nothing on standard input.
pub fn run(command: Command) -> Output {
    run_with(command, b"")
}

/// Feeds half of the recording to a run that writes to `out`, and keeps its input open.
pub fn half_way(stage: &Stage, command: &mut Command) -> Child {
    let mut child = start(command);
    let ciphertext = stage.ciphertext();
    let stdin = child.stdin.as_mut().expect("a pipe");
    stdin
        .write_all(&ciphertext[..ciphertext.len() / 2])
        .expect("it reads");
    child
}

/// Starts it with pipes.
pub fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// Ends with exit code, error, hint and no panic, or whole and silent.
pub fn assert_sound(stage: &Stage, output: &Output, old: bool, what: &str) -> bool {
    if output.status.success() {
        stage.assert_whole(what);
        return true;
    }
    let text = stderr(output);
    let code = output.status.code();
    assert!(
        code.is_some_and(|code| (1..=8).contains(&code)),
        "{what}: {}\n{text}",
        output.status
    );
    assert!(!text.contains("panicked"), "{what}\n{text}");
    stage.assert_untouched(old, what);
    false
}

/// Says in the test's output, even of a test that passes, what was not tested.
pub fn skip(what: &str) {
    say(&format!("SKIPPED: {what}"));
}

/// The same for what was measured.
pub fn say(line: &str) {
    let line = format!("{line}\n");
    std::io::stderr().write_all(line.as_bytes()).ok();
}

/// Waits for something that comes soon.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a program is there.
pub fn has(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// The command under another program that starts it: `strace … COMMAND`.
pub fn under(program: &str, options: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer
        .args(options)
        .arg(command.get_program())
        .args(command.get_args());
    outer.env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    outer
}

/// Whether a file holds some of the plaintext.
pub fn holds_plaintext(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.windows(40).any(|window| window == &MARKER[..40])
}

/// Runs it on a small file system of its own, which holds `out`. Returns the run and what it left.
pub fn on_small_disk(stage: &Stage, kibibytes: usize) -> Option<(Output, String)> {
    let script = format!(
        "mount -t tmpfs -o size={kibibytes}k none \"$OUT\" || exit 99
         \"$0\" \"$@\"; code=$?; echo \"left: $(ls -A \"$OUT\")\"; exit $code"
    );
    ["-Urm", "-m"].iter().find_map(|flags| {
        let options = [flags, "sh", "-c", &script];
        let mut command = under("unshare", &options, &stage.to_file());
        command.env("OUT", stage.path("out"));
        let output = run(command);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.contains("left: ").then_some((output, text))
    })
}
