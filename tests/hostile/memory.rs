//! Memory does not grow with the recording.
//!
//! 48 MiB of each kind are tried in every run. 4 GiB of each kind, which take minutes and 9 GiB
//! of disk at a time, and the longest recording that AES-GCM allows:
//!
//! ```sh
//! cargo test --release --test hostile memory:: -- --ignored --nocapture --test-threads 1
//! ```
//!
//! What is measured is the largest resident set of the whole process, by GNU time. The recordings
//! of Twilio are sparse files: their ciphertext is zeros but for a few blocks, chosen so that the
//! plaintext has a header and padding, and the tag is computed from those blocks alone.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test's helpers fail the test"
)]

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Random, assert_refused, fixture, has, stderr, unreel};
use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// What no run may need, in KiB.
const MOST: u64 = 32 * 1024;
/// The longest ciphertext under one IV: 2^36 - 32 bytes and the tag (SP 800-38D, 5.2.1.1).
const LONGEST: u64 = (1 << 36) - 16;

const KEY: [u8; 32] = [0x42; 32];
const IV: [u8; 16] = [0x17; 16];
const BLOCK: u64 = 16;
const PACKET: u64 = 188;

#[test]
fn memory_of_48_mib_of_each_kind() {
    measure_each(48 * MIB);
}

#[test]
#[ignore = "takes minutes and 9 GiB of disk"]
fn memory_of_4_gib_of_each_kind() {
    measure_each(4 * GIB);
}

#[test]
#[ignore = "reads 64 GiB, of a sparse file"]
fn the_longest_gcm_recording_is_verified() {
    if !has("time") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let recording = voice(folder.path(), LONGEST - BLOCK);
    recording.run(&["--check"], Stdin::Null);
}

#[test]
fn a_gcm_recording_that_is_too_long_is_refused_at_once() {
    let folder = TempDir::new().unwrap();
    let media = folder.path().join("media");
    for too_long in [LONGEST + 1, (1 << 36) + 17, 1 << 40] {
        File::create(&media).unwrap().set_len(too_long).unwrap();
        let start = Instant::now();
        let mut command = unreel();
        command.args(["twilio-voice", "-m"]);
        command.arg(fixture("twilio-voice/recording-mono.json"));
        command.arg("-k").arg(fixture("keys/pkcs8.pem")).arg(&media);
        let output = command.output().unwrap();
        assert!(start.elapsed() < Duration::from_secs(5), "{too_long}");
        assert_refused(&output, 3, "longer than AES-GCM allows");
        assert!(output.stdout.is_empty());
    }
}

fn measure_each(length: u64) {
    if !has("time") {
        return;
    }
    for make in [voice, video, archive] {
        let folder = TempDir::new().unwrap();
        let recording = make(folder.path(), length);
        let output = folder.path().join("output");
        let name = output.to_str().unwrap();
        recording.run(&["-o", name], Stdin::Null);
        recording.judge(&output);
        std::fs::remove_file(&output).unwrap();
        recording.run(&["-o", "-"], Stdin::Pipe);
        recording.run(&["--check"], Stdin::Null);
        if length >= GIB {
            recording.run(&["-o", name], Stdin::Pipe);
            std::fs::remove_file(&output).unwrap();
            recording.run(&["-o", "-"], Stdin::Null);
            recording.run(&["--check", "--sha256"], Stdin::Null);
        }
    }
}

/// A recording on disk, and what is known of its plaintext.
struct Recording {
    provider: &'static str,
    media: PathBuf,
    /// The content key as it is wrapped: what `--unwrap-command` prints.
    unwrapped: PathBuf,
    length: u64,
    /// The 16 bytes at a multiple of 16 of the plaintext.
    block: fn(u64, &File) -> [u8; 16],
}

#[derive(Clone, Copy, PartialEq)]
enum Stdin {
    Null,
    /// The media come through a pipe.
    Pipe,
}

impl Recording {
    /// Runs unreel and looks at its largest resident set.
    fn run(&self, arguments: &[&str], stdin: Stdin) {
        let measured = self.media.with_extension("rss");
        let binary = unreel();
        // Not the resident set of this process, which a fork would start with.
        let mut command = Command::new("time");
        command.args(["-f", "%M", "-o"]).arg(&measured);
        command.arg(binary.get_program()).arg(self.provider);
        let cat = format!("cat '{}'", self.unwrapped.display());
        command.args(["--quiet", "--unwrap-command", &cat]);
        // 256 bytes in base64; the command does not look at them.
        let wrapped = format!("{}==", "A".repeat(342));
        match self.provider {
            "twilio-voice" => {
                command.args(["--encrypted-cek", &wrapped, "--iv", "FxcXFxcXFxcXFxcX"])
            }
            "twilio-video" => command.args([
                "--encrypted-key",
                &wrapped,
                "--iv",
                "FxcXFxcXFxcXFxcXFxcXFw==",
            ]),
            _ => command.args(["--password", &wrapped]),
        };
        command.args(arguments);
        let start = Instant::now();
        let mut pipe = match stdin {
            Stdin::Null => {
                command.arg(&self.media).stdin(Stdio::null());
                None
            }
            Stdin::Pipe => {
                let mut cat = Command::new("cat")
                    .arg(&self.media)
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                command.arg("-").stdin(cat.stdout.take().unwrap());
                Some(cat)
            }
        };
        // What the spooled ciphertext of a pipe needs is not in memory either.
        command.env("TMPDIR", self.media.parent().unwrap());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let released = io::copy(&mut stdout, &mut io::sink()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        if let Some(cat) = &mut pipe {
            cat.wait().unwrap();
        }
        let to_stdout = arguments == ["-o", "-"];
        assert_eq!(released, if to_stdout { self.length } else { 0 });

        let most: u64 = std::fs::read_to_string(&measured)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let from = if stdin == Stdin::Pipe { "pipe" } else { "file" };
        let to = match arguments {
            ["-o", "-"] => "stdout",
            ["--check", ..] => "--check",
            _ => "file",
        };
        let more = if arguments.contains(&"--sha256") {
            " --sha256"
        } else {
            ""
        };
        println!(
            "{:12} {:6} MiB  {from} -> {to}{more}: {:.1} MiB resident, {:.1} s",
            self.provider,
            self.length / MIB,
            mib(most),
            start.elapsed().as_secs_f64()
        );
        assert!(most < MOST, "{most} KiB resident");
    }

    /// Compares the plaintext in 2,000 random places, at both ends, and where segments meet.
    fn judge(&self, output: &Path) {
        let output = File::open(output).unwrap();
        assert_eq!(output.metadata().unwrap().len(), self.length);
        let media = File::open(&self.media).unwrap();
        let mut random = Random(self.length);
        let blocks = self.length / BLOCK;
        let segment = unreel::internals::cipher::SEGMENT as u64 / BLOCK;
        let ends = (0..8).chain(blocks - 8..blocks);
        let edges = (1..blocks / segment).step_by(97);
        let edges = edges.flat_map(|number| [number * segment - 1, number * segment]);
        let random = std::iter::repeat_with(|| random.number() % blocks).take(2000);
        for block in ends.chain(edges).chain(random) {
            let mut found = [0; 16];
            output.read_exact_at(&mut found, block * BLOCK).unwrap();
            assert_eq!(found, (self.block)(block, &media), "block {block}");
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn encrypted(block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    Aes256::new(&KEY.into()).encrypt_block(&mut block);
    block.into()
}

fn decrypted(block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    Aes256::new(&KEY.into()).decrypt_block(&mut block);
    block.into()
}

fn xor(a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// The ciphertext at a multiple of 16, which may be a hole.
fn ciphertext(media: &File, block: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    media.read_exact_at(&mut bytes, block * BLOCK).unwrap();
    bytes
}

fn recording(
    folder: &Path,
    provider: &'static str,
    unwrapped: &[u8],
    length: u64,
    block: fn(u64, &File) -> [u8; 16],
) -> (Recording, File) {
    let media = folder.join("media");
    let key = folder.join("unwrapped");
    std::fs::write(&key, unwrapped).unwrap();
    let file = File::create(&media).unwrap();
    let recording = Recording {
        provider,
        media,
        unwrapped: key,
        length,
        block,
    };
    (recording, file)
}

/// AES-GCM around a WAV file. All of the ciphertext is zeros but a header, a last block, and a
/// few blocks in between.
fn voice(folder: &Path, length: u64) -> Recording {
    let (recording, file) = recording(folder, "twilio-voice", &KEY, length, voice_block);
    file.set_len(length + BLOCK).unwrap();
    let blocks = length / BLOCK;
    let mut header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    header.extend(b"\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\xff\xff\xff\xff\0\0\0\0");
    let mut written: Vec<(u64, [u8; 16])> = header
        .chunks(16)
        .zip(0..)
        .map(|(bytes, block)| (block, xor(bytes.try_into().unwrap(), keystream(block))))
        .collect();
    for block in [blocks / 3, blocks / 2, blocks - 1] {
        written.push((block, xor([0x5a; 16], keystream(block))));
    }
    // GHASH is the sum of every block times a power of H (SP 800-38D, section 6.4): zeros add
    // nothing to it.
    let h = encrypted([0; 16]);
    let mut hash = [0; 16];
    for (block, bytes) in &written {
        file.write_all_at(bytes, block * BLOCK).unwrap();
        hash = xor(hash, times(*bytes, power(h, blocks - block + 1)));
    }
    let lengths = u128::from(length * 8).to_be_bytes();
    hash = xor(hash, times(lengths, h));
    let tag = xor(hash, encrypted(counter(1)));
    file.write_all_at(&tag, length).unwrap();
    recording
}

fn voice_block(block: u64, media: &File) -> [u8; 16] {
    xor(ciphertext(media, block), keystream(block))
}

fn keystream(block: u64) -> [u8; 16] {
    encrypted(counter(u32::try_from(block + 2).unwrap()))
}

/// An IV of 12 bytes and the counter.
fn counter(count: u32) -> [u8; 16] {
    let mut block = IV;
    block[12..].copy_from_slice(&count.to_be_bytes());
    block
}

/// Multiplication in GF(2^128), bit by bit (SP 800-38D, algorithm 1).
fn times(x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
    const R: u128 = 0xe1 << 120;
    let x = u128::from_be_bytes(x);
    let mut v = u128::from_be_bytes(y);
    let mut z = 0;
    for i in (0..128).rev() {
        if x >> i & 1 == 1 {
            z ^= v;
        }
        v = v >> 1 ^ if v & 1 == 1 { R } else { 0 };
    }
    z.to_be_bytes()
}

/// `base` to the power of `n`, which is at least 1.
fn power(base: [u8; 16], n: u64) -> [u8; 16] {
    if n == 1 {
        return base;
    }
    let root = power(base, n / 2);
    let square = times(root, root);
    if n.is_multiple_of(2) {
        square
    } else {
        times(square, base)
    }
}

/// AES-CBC around a Matroska header, what zeros decrypt to, and PKCS#7 padding.
fn video(folder: &Path, length: u64) -> Recording {
    let length = length - 5;
    let (recording, file) = recording(folder, "twilio-video", &KEY, length, cbc_block);
    let mut header =
        b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04".to_vec();
    header.extend(b"\x42\xf3\x81\x08\x42\x82\x88matroska\x42\x87\x81\x04\x42\x85\x81\x02");
    header.extend(b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff");
    header.resize(header.len().next_multiple_of(16), 0);
    let mut before = IV;
    for (bytes, block) in header.chunks(16).zip(0..) {
        before = encrypted(xor(bytes.try_into().unwrap(), before));
        file.write_all_at(&before, block * BLOCK).unwrap();
    }
    let mut last = [5; 16];
    last[..11].copy_from_slice(b"the very en");
    let blocks = length.div_ceil(BLOCK);
    file.write_all_at(&encrypted(last), (blocks - 1) * BLOCK)
        .unwrap();
    recording
}

fn cbc_block(block: u64, media: &File) -> [u8; 16] {
    let before = match block.checked_sub(1) {
        Some(before) => ciphertext(media, before),
        None => IV,
    };
    xor(decrypted(ciphertext(media, block)), before)
}

/// An archive of transport stream packets, encrypted by OpenSSL: every packet has its sync byte,
/// so there are no holes.
fn archive(folder: &Path, length: u64) -> Recording {
    let packets = length / PACKET;
    let unwrapped = [&[1; 3][..], &KEY, &IV].concat();
    let length = packets * PACKET;
    let (recording, file) = recording(folder, "vonage", &unwrapped, length, cbc_block);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut child = Command::new("openssl")
        .args(["enc", "-aes-256-cbc", "-K", &hex(&KEY), "-iv", &hex(&IV)])
        .stdin(Stdio::piped())
        .stdout(file)
        .spawn()
        .expect("openssl");
    let mut packet = Random(9).bytes(188);
    packet[..4].copy_from_slice(&[0x47, 1, 0, 0x10]);
    let many = packet.repeat(4096);
    let mut stdin = child.stdin.take().unwrap();
    let mut left = length;
    while left > 0 {
        let count = left.min(many.len() as u64);
        stdin
            .write_all(&many[..usize::try_from(count).unwrap()])
            .unwrap();
        left -= count;
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    recording
}
