//! What the integration tests share: the binary without the caller's environment, the fixtures,
//! and folders whose contents can be compared.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, of which every test file uses a part"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The binary, with an environment that holds nothing of the machine's but PATH.
pub fn unreel() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unreel"));
    command.env_clear();
    for name in ["PATH", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null());
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
    let text = std::fs::read_to_string(fixture("cases.json")).expect("fixtures/cases.json");
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

/// The names and contents of a folder, not deep.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(&path).unwrap_or_default())
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
}
