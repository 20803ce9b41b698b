//! What the integration tests share: the binary without the caller's environment, the fixtures,
//! and folders whose contents can be compared.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, of which every test binary uses a part"
)]

pub mod canaries;
pub mod changed;
pub mod logs;
pub mod made;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const UNREEL: &str = env!("CARGO_BIN_EXE_unreel");

/// The binary, with an environment that holds nothing of the machine's but PATH.
pub fn unreel() -> Command {
    without_environment(UNREEL)
}

/// A program with nothing on its standard input, and in its environment nothing of the machine's
/// but PATH, with `unreel` in front.
fn without_environment(program: impl AsRef<OsStr>) -> Command {
    let mut path = Path::new(UNREEL)
        .parent()
        .expect("a folder")
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).stdin(Stdio::null());
    // No machine is asked for a role: it would be asked outside this one.
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    if let Some(value) = std::env::var_os("LLVM_PROFILE_FILE") {
        command.env("LLVM_PROFILE_FILE", value);
    }
    command
}

/// A file of the fixtures.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

/// A list of `fixtures/cases.json`: `cases`, `failures` or `keys`.
pub fn list(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(fixture("cases.json")).expect("fixtures/cases.json");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    value[name].as_array().expect("a list").clone()
}

/// A string field of a case.
pub fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} of {case}"))
}

/// The command for a case of the fixtures, without input and output.
pub fn command_for(case: &Value) -> Command {
    let mut command = unreel();
    command.arg(text(case, "provider"));
    command.arg("-m").arg(fixture(text(case, "metadata")));
    for key in case["keys"].as_array().expect("keys") {
        command
            .arg("-k")
            .arg(fixture(key.as_str().expect("a path")));
    }
    if let Some(path) = case["passphrase_file"].as_str() {
        command.arg("--passphrase-file").arg(fixture(path));
    }
    for arg in case["args"].as_array().into_iter().flatten() {
        command.arg(arg.as_str().expect("an argument"));
    }
    command
}

/// Runs a command to its end, with `input` through a pipe on its standard input.
pub fn run_with(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).ok());
    let output = child.wait_with_output().expect("the binary ends");
    writer.join().expect("the writer ends");
    output
}

/// What it printed, for people.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8")
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The names and contents of a folder, not deep. Of a link it is where it leads, of what is
/// neither a file nor a link its kind.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("a type");
            let what = if kind.is_file() {
                fs::read(entry.path()).expect("it can be read")
            } else if kind.is_symlink() {
                let target = fs::read_link(entry.path()).expect("a link");
                format!("link to {}", target.display()).into_bytes()
            } else {
                format!("{kind:?}").into_bytes()
            };
            (name, what)
        })
        .collect()
}

/// Fails unless the run ended with `code`, an error and a hint on standard error, and no panic.
pub fn assert_refused(output: &Output, code: i32, what: &str) {
    let stderr = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{what}\n{stderr}");
    for expected in ["unreel: error: ", "unreel: hint: "] {
        assert!(
            stderr.contains(expected),
            "{what}: no `{expected}`\n{stderr}"
        );
    }
    assert!(!stderr.contains("panicked"), "{what}\n{stderr}");
    assert_harmless(&stderr);
}

/// Fails if text could do more to a terminal than print a line.
pub fn assert_harmless(text: &str) {
    let treacherous = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
    };
    let found = text.chars().find(treacherous);
    assert!(found.is_none(), "{found:?} in {text:?}");
}

/// Says that a test was not made. Not eprintln!, which the test harness would hide.
pub fn skip(why: &str) {
    writeln!(std::io::stderr(), "NOT TESTED: {why}").ok();
}

/// Whether a program is there; if not, that is said.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        skip(&format!("there is no `{program}` on the PATH"));
    }
    found
}

/// The id of the recording that a [`Desk`] has.
pub const VOICE: &str = "RE5eed0000000000000000000000000001";

/// The digest of the plaintext of a recording of the fixtures.
pub fn digest_of(id: &str) -> String {
    let cases = list("cases");
    let case = cases.iter().find(|case| text(case, "id") == id);
    text(case.expect("a case"), "sha256").to_owned()
}

/// A folder to work in; it is gone when the test is.
pub struct Desk(tempfile::TempDir);

impl Desk {
    /// With what decrypting a recording takes, all of mode 0600: `call.enc`, `meta.json` (which is
    /// no sidecar of it) and `key.pem`.
    pub fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a temporary folder"));
        desk.bring(&format!("twilio-voice/{VOICE}.wav.enc"), "call.enc");
        desk.bring("twilio-voice/recording.json", "meta.json");
        desk.bring("keys/pkcs8.pem", "key.pem");
        desk
    }

    /// With what the commands of the documents take: `fixtures/` as in the repository, secrets of
    /// mode 0600 whatever the umask; `twice/`; `exists.wav`, `exists-already.wav`;
    /// `empty.wav.enc`, `short.wav.enc`, `cut.wav.enc`, `zeros.mka.enc`; `cut.wav`, not encrypted;
    /// `mixed.pem`, an RSA key and another.
    pub fn of_documents() -> Self {
        let desk = Self(tempfile::tempdir().expect("a temporary folder"));
        copy(&fixture(""), &desk.path("fixtures"));
        let mode = |name: &str, mode| {
            fs::set_permissions(desk.path(name), Permissions::from_mode(mode)).expect("its mode");
        };
        for key in fs::read_dir(fixture("keys")).expect("a folder") {
            let name = key.expect("an entry").file_name();
            mode(&format!("fixtures/keys/{}", name.display()), 0o600);
        }
        mode("fixtures/qvoice/config.json", 0o600);
        // The one key that is left readable by others, for the warning.
        mode("fixtures/keys/no-final-newline.pem", 0o644);

        let read = |path: &str| fs::read(fixture(path)).expect(path);
        let recording = read(&format!("twilio-voice/{VOICE}.wav.enc"));
        let plain = read("twilio-voice/RE5eed0000000000000000000000000004.wav");
        let mixed = [read("keys/pkcs8.pem"), read("keys/ec.pem")].concat();
        let as_text: String = recording.iter().map(|&byte| char::from(byte)).collect();
        let dump =
            "00000000: 8d01 5cf2 90ab 3e77 1204 bb61 09d8 e4c3  ..\\...>w...a....\n".repeat(64);
        let video = read("twilio-video/RT5eed0000000000000000000000000001.mka.enc");
        let list = String::from_utf8(read("twilio-voice/list.json")).expect("text");
        let page = list.replace("\"next_page_uri\": null", "\"next_page_uri\": \"/next\"");
        for (name, contents) in [
            ("empty.wav.enc", &recording[..0]),
            ("short.wav.enc", &recording[..10]),
            ("zeros.mka.enc", &[0; 4096]),
            ("cut.wav.enc", &recording[..100_000]),
            ("exists.wav", b"something else"),
            ("exists-already.wav", b"something else"),
            ("cut.wav", &plain[..500]),
            ("mixed.pem", &mixed),
            ("text.wav.enc", as_text.as_bytes()),
            (
                "gzip.wav.enc",
                b"\x1f\x8b\x08\0\0\0\0\0\0\x03 and so on, compressed",
            ),
            ("dump.wav.enc", dump.as_bytes()),
            ("longer.mka.enc", &video.repeat(2)),
            ("page.json", page.as_bytes()),
            ("python.txt", b"{'x-amz-meta-x-amz-iv': 'AAAA'}"),
        ] {
            fs::write(desk.path(name), contents).expect("it can be written");
        }
        fs::create_dir(desk.path("twice")).expect("a folder");
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A program in this folder, without the machine's environment. `unreel` is on its PATH.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = without_environment(program);
        command.current_dir(self.0.path());
        command
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(&path, bytes).expect("it can be written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
    }

    /// Puts a file of the fixtures there under another name.
    pub fn bring(&self, path: &str, name: &str) {
        self.write(name, fs::read(fixture(path)).expect(path));
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn mode(&self, name: &str) -> u32 {
        let metadata = fs::symlink_metadata(self.path(name)).expect(name);
        metadata.permissions().mode() & 0o7777
    }

    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        contents(self.0.path())
    }

    pub fn names(&self) -> Vec<String> {
        self.contents().into_keys().collect()
    }

    /// The binary in this folder, with arguments that are separated by spaces.
    pub fn unreel(&self, arguments: &str) -> Command {
        let mut command = self.command(UNREEL);
        command.args(arguments.split_whitespace());
        command
    }

    /// The same to decrypt with the metadata and the key.
    pub fn voice(&self, arguments: &str) -> Command {
        self.unreel(&format!("twilio-voice -m meta.json -k key.pem {arguments}"))
    }

    /// A script of bash in this folder, where `$UNREEL` is the binary.
    pub fn bash(&self, script: &str) -> Command {
        let mut command = self.command("bash");
        command.env("UNREEL", UNREEL).arg("-c").arg(script);
        command
    }

    /// Runs what has to succeed.
    #[expect(clippy::unused_self, reason = "it goes with `refused`")]
    pub fn done(&self, mut command: Command) -> Output {
        let output = command.output().expect("it starts");
        let stderr = stderr(&output);
        assert!(output.status.success(), "{command:?}\n{stderr}");
        assert_harmless(&stderr);
        output
    }

    /// Runs what has to decrypt the recording to `out.wav`. Returns standard error.
    pub fn opens(&self, command: Command) -> String {
        let output = self.done(command);
        assert_eq!(sha256(&self.read("out.wav")), digest_of(VOICE));
        fs::remove_file(self.path("out.wav")).expect("it was there");
        stderr(&output)
    }

    /// Runs what has to end with `code`, say each of `says`, and leave the folder as it was.
    /// Returns standard error.
    pub fn refused(&self, mut command: Command, code: i32, says: &[&str]) -> String {
        let before = self.contents();
        let output = command.output().expect("it starts");
        self.was_refused(&format!("{command:?}"), &output, code, says, &before)
    }

    /// The same for what has run.
    pub fn was_refused(
        &self,
        what: &str,
        output: &Output,
        code: i32,
        says: &[&str],
        before: &BTreeMap<String, Vec<u8>>,
    ) -> String {
        assert_refused(output, code, what);
        let stderr = stderr(output);
        for text in says {
            assert!(stderr.contains(text), "{what}: no `{text}`\n{stderr}");
        }
        let after = self.contents();
        assert!(
            after == *before,
            "{what}: {:?} became {:?}\n{stderr}",
            before.keys(),
            after.keys()
        );
        assert!(output.stdout.is_empty(), "{what}: something was released");
        stderr
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let from = entry.expect("an entry").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("a copy");
        }
    }
}

/// A long Twilio Voice recording by the `aes-gcm` crate: `large.enc`, its content key `cek`, and
/// the arguments that open it without RSA. Returns the plaintext.
pub fn large_recording(desk: &Desk, length: u32) -> (String, Vec<u8>) {
    use aes_gcm::aead::Aead;
    use aes_gcm::{Aes256Gcm, KeyInit};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    let plaintext = wav(length);
    let (key, iv) = ([7; 32], [9; 12]);
    let cipher = Aes256Gcm::new(&key.into());
    let sealed = cipher.encrypt(&iv.into(), plaintext.as_slice());
    desk.write("large.enc", sealed.expect("it can be encrypted"));
    desk.write("cek", key);
    let arguments = format!(
        "twilio-voice --encrypted-cek {} --iv {}",
        BASE64_STANDARD.encode([1; 256]),
        BASE64_STANDARD.encode(iv)
    );
    (arguments, plaintext)
}

/// A WAV file of `length` bytes of samples: 8 kHz, 16 bit, mono.
fn wav(length: u32) -> Vec<u8> {
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((length + 36).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    wav.extend(length.to_le_bytes());
    let samples = (0..=u8::MAX).cycle();
    wav.extend(samples.take(length as usize));
    wav
}

/// A script as root of a user namespace of its own, who may mount.
pub fn in_namespace(desk: &Desk, script: &str) -> Command {
    let mut command = desk.bash("exec unshare -Urm bash -c \"$SCRIPT\"");
    command.env("SCRIPT", script);
    command
}

/// Whether [`in_namespace`] works; if not, that is said.
pub fn can_mount(desk: &Desk) -> bool {
    let probe = "mount -t tmpfs none /proc";
    if has("unshare")
        && in_namespace(desk, probe)
            .output()
            .is_ok_and(|output| output.status.success())
    {
        return true;
    }
    skip("user namespaces, or mounts in them, are not allowed here");
    false
}

/// Made-up data, the same in every run (`SplitMix64`). Not for keys that matter.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).expect("it was a usize")
    }

    /// As many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        for chunk in bytes.chunks_mut(8) {
            let number = self.number().to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
        bytes
    }
}
