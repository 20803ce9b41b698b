//! Where documented commands run: a copy of the fixtures, and nothing of the machine's
//! environment but PATH.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test code, of which every test file uses a part"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A recording that the damaged ones are made of.
const RECORDING: &str = "fixtures/twilio-voice/RE5eed0000000000000000000000000001.wav.enc";

/// The one key that is left readable by others, for the warning.
const READABLE: &str = "fixtures/keys/no-final-newline.pem";

/// A folder that a test may write to; it is gone when the test is.
pub struct Sandbox(TempDir);

impl Sandbox {
    /// `fixtures/` as in the repository, keys and configuration with mode 0600 whatever the umask; `decrypted/`, `twice/`;
    /// `exists.wav`, `exists-already.wav`; `empty.wav.enc`, `short.wav.enc`, `cut.wav.enc`, `zeros.mka.enc`;
    /// `cut.wav`, not encrypted; `mixed.pem`, an RSA key and another.
    pub fn new() -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        copy(&root.join("fixtures"), &sandbox.path().join("fixtures"));
        for key in fs::read_dir(sandbox.path().join("fixtures/keys")).unwrap() {
            fs::set_permissions(key.unwrap().path(), Permissions::from_mode(0o600)).unwrap();
        }
        let config = sandbox.path().join("fixtures/qvoice/config.json");
        fs::set_permissions(config, Permissions::from_mode(0o600)).unwrap();
        let readable = sandbox.path().join(READABLE);
        fs::set_permissions(readable, Permissions::from_mode(0o644)).unwrap();

        let recording = fs::read(root.join(RECORDING)).unwrap();
        for (name, contents) in [
            ("empty.wav.enc", &recording[..0]),
            ("short.wav.enc", &recording[..10]),
            ("zeros.mka.enc", &[0; 4096]),
            ("cut.wav.enc", &recording[..100_000]),
            ("exists.wav", b"something else"),
            ("exists-already.wav", b"something else"),
        ] {
            fs::write(sandbox.path().join(name), contents).unwrap();
        }
        // Files that inspect has something to say of.
        let plain = root.join("fixtures/twilio-voice/RE5eed0000000000000000000000000004.wav");
        let plain = fs::read(plain).unwrap();
        fs::write(sandbox.path().join("cut.wav"), &plain[..500]).unwrap();
        let keys = ["pkcs8.pem", "ec.pem"].map(|name| root.join("fixtures/keys").join(name));
        let keys = keys.map(|path| fs::read(path).unwrap()).concat();
        fs::write(sandbox.path().join("mixed.pem"), keys).unwrap();
        for folder in ["decrypted", "twice"] {
            fs::create_dir(sandbox.path().join(folder)).unwrap();
        }
        sandbox
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Lets `command` run here. `unreel` is on its PATH.
    pub fn prepare(&self, command: &mut Command) {
        let binary = Path::new(env!("CARGO_BIN_EXE_unreel"));
        let mut path = binary.parent().unwrap().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command.env_clear().env("PATH", path);
        command.current_dir(self.path()).stdin(Stdio::null());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
