//! Inputs without measure: refused with a clear error, in less than 64 MiB of memory.
#![allow(clippy::expect_used, clippy::panic, reason = "it is a test")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use crate::common::made::{self, Stage, has, skip, under};
use crate::common::{assert_refused, fixture, run_with, stderr, unreel};

/// The most memory that a run may take, in KiB.
const MOST: u64 = 64 * 1024;

/// The most that metadata may have, in bytes.
const METADATA: usize = 8 << 20;

/// The most values in metadata.
const VALUES: usize = 1 << 17;

/// Runs it, and returns its largest resident memory too, in KiB, where it can be measured.
fn measured(command: &Command, input: &[u8]) -> (Output, Option<u64>) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("memory");
    if !has("time") {
        return (run_with(under("env", &[], command), input), None);
    }
    let options = ["-q", "-f", "%M", "-o", log.to_str().expect("a name")];
    let output = run_with(under("time", &options, command), input);
    let text = std::fs::read_to_string(&log).expect("a log");
    (output, Some(text.trim().parse().expect("a number")))
}

fn assert_small(memory: Option<u64>, what: &str) {
    match memory {
        Some(memory) => assert!(memory < MOST, "{what} took {memory} KiB"),
        None => skip("a measurement of memory: time(1) is not installed"),
    }
}

fn voice() -> PathBuf {
    fixture("twilio-voice/RE5eed0000000000000000000000000001.wav.enc")
}

/// Runs a provider's command and `inspect` on metadata, and expects both to be small.
fn with_metadata(provider: &str, metadata: &[u8], what: &str) -> Output {
    let mut command = unreel();
    command.args([provider, "--check"]).arg(voice());
    if provider == "qvoice" {
        command.args(["--config", "-"]);
    } else {
        command.args(["-m", "-", "-k"]);
        command.arg(fixture("keys/pkcs8.pem"));
    }
    let (output, memory) = measured(&command, metadata);
    assert_refused(&output, 4, &format!("{provider}: {what}"));
    assert_small(memory, &format!("{provider}: {what}"));

    let mut command = unreel();
    command.args(["inspect", "-"]);
    let (output_of_inspect, memory) = measured(&command, metadata);
    assert!(output_of_inspect.status.code().is_some(), "inspect: {what}");
    assert!(
        !stderr(&output_of_inspect).contains("panicked"),
        "inspect: {what}"
    );
    assert_small(memory, &format!("inspect: {what}"));
    output
}

#[test]
fn metadata_over_the_limit_is_refused() {
    let mut metadata = std::fs::read(fixture("twilio-voice/details.json")).expect("metadata");
    metadata.resize(METADATA, b' ');
    let mut command = unreel();
    command
        .args(["twilio-voice", "-m", "-", "--check"])
        .arg(voice());
    command.arg("-k").arg(fixture("keys/pkcs8.pem"));
    let (output, memory) = measured(&command, &metadata);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_small(memory, "as much as is allowed");

    metadata.push(b' ');
    let output = with_metadata("twilio-voice", &metadata, "a byte more");
    assert!(stderr(&output).contains("it is longer than 8388608 bytes"));

    let endless = vec![b'['; 32 << 20];
    with_metadata("twilio-voice", &endless, "four times as much");

    let mut configuration = std::fs::read(fixture("qvoice/config.json")).expect("it");
    configuration.resize(METADATA + 1, b' ');
    let output = with_metadata("qvoice", &configuration, "a byte more");
    assert!(stderr(&output).contains("it is longer than 8388608 bytes"));
}

#[test]
fn metadata_nested_past_128_is_refused() {
    for opening in ["[", "{\"a\":", "{\"recordings\":["] {
        for provider in ["twilio-voice", "twilio-video", "vonage", "qvoice"] {
            let text = opening.repeat(129);
            let output = with_metadata(provider, text.as_bytes(), opening);
            assert!(
                stderr(&output).contains("recursion limit exceeded"),
                "{opening}"
            );
        }
        let text = opening.repeat(100_000);
        with_metadata("vonage", text.as_bytes(), opening);
    }
}

#[test]
fn metadata_of_many_small_values_is_refused() {
    let until_full = |start: &str, piece: &str| {
        let count = (METADATA - start.len()) / piece.len();
        format!("{start}{}", piece.repeat(count))
    };
    for (provider, start, piece) in [
        ("twilio-voice", "[", "1,"),
        ("twilio-voice", "", "{}\n"),
        ("twilio-voice", "{", "\"\":{},"),
        ("twilio-voice", "a=", "&="),
        ("twilio-voice", "a=", "\na="),
        (
            "twilio-video",
            "HTTP/1.1 200 OK\nx-amz-request-id: 1\n",
            "a:\n",
        ),
        ("twilio-video", "x-amz-meta-x-amz-iv: 1\n", "HTTP/\n"),
        ("vonage", "[", "[],"),
        ("qvoice", "{\"historical_keys\":{", "\"\":1,"),
    ] {
        let output = with_metadata(provider, until_full(start, piece).as_bytes(), piece);
        let text = stderr(&output);
        assert!(
            text.contains("it holds more than 131072 values"),
            "{piece}\n{text}"
        );
    }
}

#[test]
fn metadata_that_swells_stays_small() {
    let items: String = (0..VALUES / 2 - 2)
        .map(|n| format!("{{\"sid\":\"RE{n:07}\"}}\n"))
        .collect();
    let members: String = (0..VALUES - 8)
        .map(|n| format!("\"a{n:07}\":\"{:040}\",", 0))
        .collect();
    let wide = |text: &str| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let three_bytes = "\u{4e00}".repeat(METADATA / 2 - 100);
    let long = "A".repeat(METADATA - 100);
    let documents: [(&str, Vec<u8>); 6] = [
        ("65,534 recordings", items.clone().into_bytes()),
        (
            "65,534 recordings and a broken line",
            format!("{items}{{").into_bytes(),
        ),
        ("members", format!("{{{members}\"\":1}}").into_bytes()),
        (
            "an escaped string",
            format!("{{\"encryption_details\":\"\\n{long}\"}}").into_bytes(),
        ),
        (
            "JSON inside JSON",
            format!("{{\"encryption_details\":\"{{\\\"iv\\\":\\\"\\\\n{long}\\\"}}\"}}")
                .into_bytes(),
        ),
        (
            "UTF-16",
            wide(&format!("{{\"encryption_details\":\"\\n{three_bytes}\"}}")),
        ),
    ];
    for (what, metadata) in documents {
        assert!(metadata.len() <= METADATA, "{what}");
        // `inspect` tries the other providers on it.
        with_metadata("twilio-voice", &metadata, what);
    }
}

fn with_key(key: &Path) -> (Output, Option<u64>) {
    let mut command = unreel();
    command.args(["twilio-voice", "--check", "--no-input", "-m"]);
    command
        .arg(fixture("twilio-voice/details.json"))
        .arg(voice());
    command
        .arg("--passphrase-file")
        .arg(fixture("keys/passphrase.txt"));
    command.arg("-k").arg(key);
    measured(&command, b"")
}

#[test]
fn a_key_file_over_1_mib_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key.pem");
    let mut key = std::fs::read(fixture("keys/pkcs8.pem")).expect("a key");
    key.resize(1 << 20, b'\n');
    std::fs::write(&file, &key).expect("a file");
    let (output, memory) = with_key(&file);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_small(memory, "1 MiB");

    key.push(b'\n');
    std::fs::write(&file, &key).expect("a file");
    let sparse = folder.path().join("sparse.pem");
    let large = std::fs::File::create(&sparse).expect("a file");
    large.set_len(1 << 33).expect("a length");
    for file in [file, sparse] {
        let (output, memory) = with_key(&file);
        assert_refused(&output, 5, "over 1 MiB");
        assert!(stderr(&output).contains("it is longer than 1048576 bytes"));
        assert_small(memory, "over 1 MiB");
    }
}

/// A DER value: tag, length, contents.
fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let length = u8::try_from(contents.len()).expect("a short value");
    assert!(length < 128);
    [&[tag, length], contents.as_slice()].concat()
}

/// An encrypted private key (RFC 5208, RFC 8018) whose passphrase costs what `kdf` says.
fn locked(kdf: &[u8]) -> Vec<u8> {
    let cipher = der(
        0x30,
        &[
            &der(6, &[b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a"]),
            &der(4, &[&[7; 16]]),
        ],
    );
    let pbes2 = der(6, &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"]);
    // The outermost is longer than 127 bytes.
    let scheme = der(0x30, &[&pbes2, &der(0x30, &[kdf, &cipher])]);
    let body = [scheme, der(4, &[&[9; 64]])].concat();
    [
        &[0x30, 0x81, u8::try_from(body.len()).expect("a short key")],
        body.as_slice(),
    ]
    .concat()
}

fn pbkdf2(iterations: &[u8]) -> Vec<u8> {
    let oid = der(6, &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"]);
    der(
        0x30,
        &[
            &oid,
            &der(0x30, &[&der(4, &[&[5; 8]]), &der(2, &[iterations])]),
        ],
    )
}

fn scrypt(cost: &[u8], block: &[u8], parallel: &[u8]) -> Vec<u8> {
    let oid = der(6, &[b"\x2b\x06\x01\x04\x01\xda\x47\x04\x0b"]);
    let parameters = [
        &der(4, &[&[5; 8]])[..],
        &der(2, &[cost]),
        &der(2, &[block]),
        &der(2, &[parallel]),
    ];
    der(0x30, &[&oid, &der(0x30, &parameters)])
}

#[test]
fn a_passphrase_that_costs_hours_or_gigabytes_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key.der");
    for (what, kdf) in [
        ("10,000,001 rounds", pbkdf2(b"\x00\x98\x96\x81")),
        ("2^31 - 1 rounds", pbkdf2(b"\x7f\xff\xff\xff")),
        (
            "scrypt of 512 MiB",
            scrypt(b"\x40\x00\x00", b"\x01", b"\x01"),
        ),
        (
            "scrypt of 2^40 bytes",
            scrypt(b"\x40\x00\x00\x00", b"\x08", b"\x01"),
        ),
        (
            "scrypt 32,767 times",
            scrypt(b"\x40\x00", b"\x08", b"\x7f\xff"),
        ),
    ] {
        std::fs::write(&file, locked(&kdf)).expect("a file");
        let begin = Instant::now();
        let (output, memory) = with_key(&file);
        assert_refused(&output, 5, what);
        let text = stderr(&output);
        assert!(text.contains("over the limit of"), "{what}\n{text}");
        assert_small(memory, what);
        made::say(&format!("{what}: refused in {:?}", begin.elapsed()));
    }
    // The same with little work is tried: it is the cost that was refused.
    for kdf in [pbkdf2(b"\x08\x00"), scrypt(b"\x40\x00", b"\x08", b"\x01")] {
        std::fs::write(&file, locked(&kdf)).expect("a file");
        let (output, memory) = with_key(&file);
        assert_refused(&output, 5, "a wrong passphrase");
        assert!(
            stderr(&output).contains("passphrase"),
            "{}",
            stderr(&output)
        );
        assert_small(memory, "a wrong passphrase");
    }
}

/// A configuration that is good but for the number of its versions.
fn with_versions(count: u64) -> (Output, Option<u64>) {
    let key = "k".repeat(40);
    let versions: Vec<_> = (1..=count).map(|n| format!("\"{n}\":\"{key}\"")).collect();
    let config = format!(
        "{{\"key\":\"{key}\",\"key_version\":1024,\"historical_keys\":{{{}}},\"historical_salts\":{{{}}}}}",
        versions.join(","),
        versions.join(",")
    );
    let mut command = unreel();
    command.args(["qvoice", "--check", "--kdf", "sha256-key-salt"]);
    command.args(["--config", "-"]).arg(voice());
    measured(&command, config.as_bytes())
}

#[test]
fn a_configuration_of_too_many_versions_is_refused() {
    let (output, memory) = with_versions(1000);
    assert_refused(&output, 6, "1,000 versions");
    assert_small(memory, "1,000 versions");
    for count in [1001, 49_000] {
        let (output, memory) = with_versions(count);
        assert_refused(&output, 4, "too many versions");
        assert!(stderr(&output).contains("versions, more than 1000"));
        assert_small(memory, "too many versions");
    }
}

#[test]
fn a_secret_file_over_1_mib_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let sparse = folder.path().join("sparse");
    let large = std::fs::File::create(&sparse).expect("a file");
    large.set_len(1 << 33).expect("a length");
    let good = fixture("qvoice/config.json");
    for (key, salt) in [(&sparse, &good), (&good, &sparse)] {
        let mut command = unreel();
        command.args(["qvoice", "--check"]).arg(voice());
        command
            .arg("--key-file")
            .arg(key)
            .arg("--salt-file")
            .arg(salt);
        let (output, memory) = measured(&command, b"");
        assert_refused(&output, 5, "over 1 MiB");
        assert!(stderr(&output).contains("it is longer than 1048576 bytes"));
        assert_small(memory, "over 1 MiB");
    }
}

#[test]
fn a_folder_of_100_000_files_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..100_000 {
        std::fs::File::create(folder.path().join(format!("{number}.pem"))).expect("a file");
    }
    let (output, memory) = with_key(folder.path());
    assert_refused(&output, 5, "100,000 files");
    assert!(
        stderr(&output).contains("holds more than 10000 files"),
        "{}",
        stderr(&output)
    );
    assert_small(memory, "100,000 files");
}

#[test]
fn a_folder_of_many_keys_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = std::fs::read(fixture("keys/pkcs8.pem")).expect("a key");
    for number in 0..200 {
        std::fs::write(folder.path().join(format!("{number}.pem")), &key).expect("a file");
    }
    let (output, memory) = with_key(folder.path());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_small(memory, "200 keys");
}

#[test]
fn a_gcm_input_that_is_too_long_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let media = folder.path().join("call.wav.enc");
    let mut sparse = std::fs::File::create(&media).expect("a file");
    // Zeros alone would be refused as such.
    sparse.write_all(b"\x8d\x01").expect("written");
    // 2^36 - 32 bytes of plaintext and 16 of tag are the most.
    for length in [(1 << 36) - 15, (1 << 36) + 17, 1 << 40] {
        if sparse.set_len(length).is_err() {
            return skip("a recording of 64 GiB: this file system has no such files");
        }
        let mut command = unreel();
        command
            .args(["twilio-voice", "-m"])
            .arg(fixture("twilio-voice/details.json"));
        command.arg("-k").arg(fixture("keys/pkcs8.pem"));
        command
            .arg(&media)
            .arg("-o")
            .arg(folder.path().join("out.wav"));
        let begin = Instant::now();
        let (output, memory) = measured(&command, b"");
        let what = format!("{length} bytes");
        made::say(&format!("{what}: refused in {:?}", begin.elapsed()));
        assert_refused(&output, 3, &what);
        assert!(stderr(&output).contains("2^36"), "{}", stderr(&output));
        assert_small(memory, &what);
        assert!(!folder.path().join("out.wav").exists());
    }
}

/// Less than the recording itself has.
fn assert_smaller(memory: Option<u64>, what: &str) {
    assert_small(memory, what);
    assert!(
        memory.is_none_or(|memory| memory < 20 * 1024),
        "{what} took {memory:?} KiB"
    );
}

#[test]
fn memory_does_not_grow_with_the_recording() {
    let stage = Stage::new(24 << 20);
    let (output, memory) = measured(&stage.to_file(), b"");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_smaller(memory, "from a file");
    stage.clear();
    // With as many threads as there are cores.
    let mut check = unreel();
    let threads = ["--threads".as_ref(), "1".as_ref()];
    let piped_to_file = stage.piped_to_file();
    check.args(
        piped_to_file
            .get_args()
            .filter(|arg| !threads.contains(arg)),
    );
    let (output, memory) = measured(&check, &stage.ciphertext());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_smaller(memory, "through a pipe");
    stage.assert_whole("through a pipe");
}

/// Threads that the system declines are done without, and no number of them is too large. Root
/// has no such limit, so it becomes another user here who may read everything all the same.
#[test]
fn few_processes_are_enough() {
    use std::os::unix::fs::MetadataExt;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root || !has("setpriv") || !has("prlimit") {
        return skip("a limit on processes: it takes root, setpriv and prlimit");
    }
    let stages = [Stage::new(3 << 20), Stage::qvoice(3 << 20)];
    let threads = ["2", "4", "1024"];
    for (stage, threads) in stages
        .iter()
        .flat_map(|stage| threads.map(|it| (stage, it)))
    {
        let to_file = stage.to_file();
        let mut command = unreel();
        command.env("TMPDIR", stage.path("tmp"));
        let mut is_threads = false;
        command.args(to_file.get_args().map(|argument| {
            let argument = if is_threads {
                threads.as_ref()
            } else {
                argument
            };
            is_threads = argument == "--threads";
            argument
        }));
        // One process beside the main thread: the one that waits for signals.
        let user = "--reuid=23456 --regid=23456 --clear-groups --inh-caps=+dac_override \
                    --ambient-caps=+dac_override prlimit --nproc=2";
        let options: Vec<_> = user.split_whitespace().collect();
        let output = run_with(under("setpriv", &options, &command), b"");
        if stderr(&output).starts_with("setpriv:") {
            return skip("a limit on processes: no user may be changed here");
        }
        assert!(output.status.success(), "{threads}: {}", stderr(&output));
        stage.assert_whole(threads);
        stage.clear();
    }
}
