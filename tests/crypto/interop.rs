//! Recordings made by OpenSSL, Python, Node and Java, of random content under RSA keys of four
//! sizes, opened by unreel byte for byte; and the same recordings opened by the commands that
//! Twilio and Vonage document.
//!
//! What is not on the machine is not tested, and says so.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test's helpers fail the test"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::common::{Random, has, run_with, stderr, unreel};
use aes_gcm::aead::{Aead, KeyInit};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use tempfile::TempDir;
use unreel::internals::cipher::SEGMENT;

const RSA_BITS: [usize; 4] = [1024, 2048, 3072, 4096];
const PACKET: usize = 188;
/// Beyond this, several threads work on one recording.
const SEVERAL_MIB: usize = 5 << 20;

/// RSA keys `BITS.pem` and `BITS.der` (the public half), made by OpenSSL once a run.
fn keys() -> Option<&'static Path> {
    static MADE: OnceLock<()> = OnceLock::new();
    if !has("openssl") {
        return None;
    }
    // Cargo's folder, because nothing would remove one that a static holds.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    MADE.get_or_init(|| {
        for bits in RSA_BITS {
            for command in [
                format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out {bits}.pem"),
                format!("pkey -in {bits}.pem -pubout -outform DER -out {bits}.der"),
            ] {
                openssl(folder, &command, &[]);
            }
        }
    });
    Some(folder)
}

/// Runs `openssl` with arguments that are separated by spaces; its stdout.
fn openssl(folder: &Path, arguments: &str, stdin: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder);
    let output = run_with(command, stdin);
    assert!(
        output.status.success(),
        "{arguments}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A recording to be made.
struct Case {
    scheme: &'static str,
    bits: usize,
    /// What the maker encrypts.
    given: Vec<u8>,
    /// What unreel has to give.
    expected: Vec<u8>,
    what: String,
}

/// Every size around a block and around a segment, and one of several MiB; some of them under the
/// keys that are not of 2048 bits.
fn cases(seed: u64) -> Vec<Case> {
    let mut random = Random(seed);
    let mut cases = Vec::new();
    let large = SEVERAL_MIB + usize::try_from(seed % 100).unwrap();
    let near = [0, 1, 15, 16, 17, SEGMENT - 1, SEGMENT, SEGMENT + 1, large];
    let counts = [1, 2, 3, 4, 5, 6, 7, 8, 1023, 1024, 1025, large / PACKET];
    for bits in RSA_BITS {
        let every = if bits == 2048 { 1 } else { 3 };
        let start = random.below(every);
        for &size in near.iter().skip(start).step_by(every) {
            let content = random.bytes(size);
            cases.push(Case::of("twilio-voice", bits, content, "bytes"));
            let headers = headers();
            let (kind, header) = headers[random.below(headers.len())];
            let filled = size.checked_sub(header.len()).unwrap_or(size);
            let content = [header, &random.bytes(filled)].concat();
            cases.push(Case::of("twilio-video", bits, content, kind));
        }
        for &count in counts.iter().skip(start).step_by(every) {
            cases.extend(archives(&mut random, bits, count));
        }
    }
    cases
}

/// An archive of as many packets, in each design of padding that there could be.
fn archives(random: &mut Random, bits: usize, count: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    let end = [&[][..], &[1], &[4; 4], &[16; 16], &[0; 3], &[0xff; 30]][random.below(6)];
    let content = packets(random, count, end);
    cases.push(Case::of("vonage", bits, content, "packets, PKCS#7"));
    let design = if count.is_multiple_of(4) {
        "no padding"
    } else {
        "zero fill"
    };
    let ends = [&[][..], &[1], &[4; 4], &[16; 16], &[0; 16]];
    let ends = match bits {
        2048 => &ends[..],
        _ => &ends[random.below(ends.len())..][..1],
    };
    for end in ends {
        let content = packets(random, count, end);
        let what = format!("packets that end in {end:x?}, {design}");
        let mut case = Case::of("vonage-nopad", bits, content, &what);
        case.given.resize(case.given.len().next_multiple_of(16), 0);
        cases.push(case);
    }
    cases
}

impl Case {
    fn of(scheme: &'static str, bits: usize, content: Vec<u8>, what: &str) -> Self {
        Self {
            scheme,
            bits,
            what: format!("{scheme}, RSA {bits}, {} bytes of {what}", content.len()),
            expected: content.clone(),
            given: content,
        }
    }

    fn provider(&self) -> &'static str {
        self.scheme.strip_suffix("-nopad").unwrap_or(self.scheme)
    }
}

/// Real headers, of a kind that leaves open how much follows.
fn headers() -> [(&'static str, &'static [u8]); 3] {
    [
        (
            "Matroska",
            b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\
              \x42\x82\x88matroska\x42\x87\x81\x04\x42\x85\x81\x02\
              \x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",
        ),
        (
            "WebM",
            b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\
              \x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02\
              \x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",
        ),
        (
            "MP4",
            b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\0\0mdat",
        ),
    ]
}

/// Transport stream packets with random payloads; the last one ends in `end`.
fn packets(random: &mut Random, count: usize, end: &[u8]) -> Vec<u8> {
    let mut packets = Vec::with_capacity(count * PACKET);
    for number in 0..count {
        let counter = u8::try_from(number % 16).unwrap();
        packets.extend([0x47, 0x01, 0x00, 0x10 | counter]);
        packets.extend(random.bytes(PACKET - 4));
    }
    let place = packets.len() - end.len();
    packets[place..].copy_from_slice(end);
    packets
}

/// A recording that was made: `PREFIX.enc` and what its metadata would say.
struct Made {
    prefix: PathBuf,
    wrapped: String,
    iv: String,
}

impl Made {
    fn of(prefix: &Path) -> Self {
        let text = |extension| std::fs::read_to_string(prefix.with_extension(extension));
        Self {
            prefix: prefix.to_owned(),
            wrapped: text("wrapped").expect("the maker made it"),
            iv: text("iv").unwrap_or_default(),
        }
    }

    fn media(&self) -> PathBuf {
        self.prefix.with_extension("enc")
    }

    /// What unreel makes of it, on standard output.
    fn opened(&self, keys: &Path, case: &Case, arguments: &[&str]) -> std::process::Output {
        let mut command = unreel();
        command.args([case.provider(), "--quiet", "-k"]);
        command.arg(keys.join(format!("{}.pem", case.bits)));
        match case.provider() {
            "twilio-voice" => command.args(["--encrypted-cek", &self.wrapped, "--iv", &self.iv]),
            "twilio-video" => command.args(["--encrypted-key", &self.wrapped, "--iv", &self.iv]),
            _ => command.args(["--password", &self.wrapped]),
        };
        command.args(arguments).arg(self.media());
        command.output().unwrap()
    }
}

/// Has all cases made by one program, and opens them.
fn opens(maker: &str, seed: u64, make: impl FnOnce(&Path, &[Case], &Path)) {
    let Some(keys) = keys() else { return };
    let folder = TempDir::new().unwrap();
    let cases = cases(seed);
    make(folder.path(), &cases, keys);
    let mut opened = BTreeMap::<_, usize>::new();
    for (number, case) in cases.iter().enumerate() {
        let made = Made::of(&folder.path().join(number.to_string()));
        let output = made.opened(keys, case, &[]);
        let what = format!("{maker}: {}", case.what);
        assert!(output.status.success(), "{what}\n{}", stderr(&output));
        assert!(output.stdout == case.expected, "{what}");
        if case.provider() == "vonage" {
            let output = made.opened(keys, case, &["--padding", "keep"]);
            let kept = output.stdout;
            assert!(kept.starts_with(&case.given), "{what}: keep");
            let media = std::fs::metadata(made.media()).unwrap();
            assert_eq!(kept.len() as u64, media.len(), "{what}: keep");
        }
        *opened.entry(case.scheme).or_default() += 1;
    }
    println!("made by {maker}, opened byte for byte: {opened:?}");
}

/// The lines for `make.py` and its likes, with each plaintext in a file.
fn orders(folder: &Path, cases: &[Case], keys: &Path) -> String {
    let mut lines = String::new();
    for (number, case) in cases.iter().enumerate() {
        let prefix = folder.join(number.to_string());
        let plaintext = prefix.with_extension("plain");
        std::fs::write(&plaintext, &case.given).unwrap();
        lines += &format!(
            "{} {}/{}.der {} {}\n",
            case.scheme,
            keys.display(),
            case.bits,
            plaintext.display(),
            prefix.display(),
        );
    }
    lines
}

fn run_maker(command: Command, folder: &Path, cases: &[Case], keys: &Path) {
    let output = run_with(command, orders(folder, cases, keys).as_bytes());
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Where the makers' sources are.
pub(super) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/crypto/interop")
        .join(name)
}

#[test]
fn made_by_python() {
    if !has_cryptography() {
        return;
    }
    opens("Python", 1, |folder, cases, keys| {
        let mut command = Command::new("python3");
        command.arg(source("make.py"));
        run_maker(command, folder, cases, keys);
    });
}

pub(super) fn has_cryptography() -> bool {
    has("python3") && {
        let imports = Command::new("python3")
            .args(["-c", "import cryptography"])
            .output()
            .is_ok_and(|output| output.status.success());
        if !imports {
            use std::io::Write as _;
            let _ = writeln!(
                std::io::stderr(),
                "NOT TESTED: python3 has no `cryptography`"
            );
        }
        imports
    }
}

#[test]
fn made_by_node() {
    if !has("node") {
        return;
    }
    opens("Node", 2, |folder, cases, keys| {
        let mut command = Command::new("node");
        command.arg(source("make.mjs"));
        run_maker(command, folder, cases, keys);
    });
}

#[test]
fn made_by_java() {
    if !has("javac") || !has("java") {
        return;
    }
    opens("Java", 3, |folder, cases, keys| {
        let mut command = Command::new("java");
        command.arg(source("Make.java"));
        run_maker(command, folder, cases, keys);
    });
}

/// The command line of OpenSSL wraps every key and encrypts what is CBC. It has no GCM, by
/// principle; that part is aes-gcm's.
#[test]
fn made_by_openssl() {
    opens("OpenSSL", 4, |folder, cases, keys| {
        let mut random = Random(5);
        for (number, case) in cases.iter().enumerate() {
            let prefix = folder.join(number.to_string());
            let write = |extension, bytes: &[u8]| {
                std::fs::write(prefix.with_extension(extension), bytes).unwrap();
            };
            let key = random.bytes(32);
            let iv = random.bytes(if case.scheme == "twilio-voice" {
                12
            } else {
                16
            });
            let (wrap, content) = match case.provider() {
                "twilio-voice" => ("oaep -pkeyopt rsa_oaep_md:sha256", key.clone()),
                "twilio-video" => ("pkcs1", key.clone()),
                _ => ("oaep", [&[1; 3][..], &key, &iv].concat()),
            };
            let public = keys.join(format!("{}.der", case.bits));
            let wrapped = openssl(
                folder,
                &format!(
                    "pkeyutl -encrypt -pubin -keyform DER -inkey {} -pkeyopt rsa_padding_mode:{wrap}",
                    public.display()
                ),
                &content,
            );
            let media = if case.scheme == "twilio-voice" {
                aes_gcm::Aes256Gcm::new_from_slice(&key)
                    .unwrap()
                    .encrypt(iv[..].try_into().unwrap(), &case.given[..])
                    .unwrap()
            } else {
                let nopad = [" -nopad", ""][usize::from(case.scheme != "vonage-nopad")];
                let (key, iv) = (hex(&key), hex(&iv));
                let command = format!("enc -aes-256-cbc -K {key} -iv {iv}{nopad}");
                openssl(folder, &command, &case.given)
            };
            write("enc", &media);
            write("wrapped", BASE64_STANDARD.encode(wrapped).as_bytes());
            if case.provider() != "vonage" {
                write("iv", BASE64_STANDARD.encode(iv).as_bytes());
            }
        }
    });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Step 6 of Twilio's guide. `base64 -d` is its `base64 -D`, which is macOS's; `pkeyutl` is its
/// `rsautl`, which OpenSSL 3 calls deprecated.
const TWILIO_GUIDE: &str = r#"
    base64 -d < made.wrapped > key.bin.enc
    base64 -d < made.iv > iv.bin
    openssl pkeyutl -decrypt -inkey private_key.pem -in key.bin.enc -out key.bin
    openssl enc -d -aes-256-cbc -in made.enc -out decrypted -K $(hexdump -v -e '/1 "%02X"' < key.bin) -iv $(hexdump -v -e '/1 "%02X"' < iv.bin)
"#;

/// "Decrypting the archive" of Vonage's guide, `rsautl -oaep` as `pkeyutl`.
const VONAGE_GUIDE: &str = r"
    openssl enc -base64 -d -A < made.wrapped \
      -out password.enc
    openssl pkeyutl -decrypt -pkeyopt rsa_padding_mode:oaep -inkey private_key.pem \
      -in password.enc -out password.bin
    openssl enc -d -aes-256-cbc -nopad -in made.enc \
      -out decrypted \
      -K $(xxd -s 3 -l 32 -c 32 -p password.bin) \
      -iv $(xxd -s 35 -l 16 -c 16 -p password.bin)
";

#[test]
fn the_vendors_own_commands_open_what_unreel_opens() {
    let programs = ["sh", "base64", "hexdump", "xxd"];
    if !has_cryptography() || !programs.into_iter().all(has) {
        return;
    }
    let Some(keys) = keys() else { return };
    let folder = TempDir::new().unwrap();
    let mut cases = cases(6);
    // Vonage's key is "2048 bits or smaller", Twilio's is 2048.
    cases.retain(|case| case.scheme != "twilio-voice" && case.bits <= 2048);
    let mut command = Command::new("python3");
    command.arg(source("make.py"));
    run_maker(command, folder.path(), &cases, keys);

    let mut seen = BTreeMap::<_, usize>::new();
    for (number, case) in cases.iter().enumerate() {
        let prefix = folder.path().join(number.to_string());
        let made = Made::of(&prefix);
        let (guide, arguments): (_, &[&str]) = match case.provider() {
            "twilio-video" => (TWILIO_GUIDE, &[]),
            _ => (VONAGE_GUIDE, &["--padding", "keep"]),
        };
        let run = prefix.with_extension("run");
        std::fs::create_dir(&run).unwrap();
        for extension in ["enc", "wrapped", "iv"] {
            let from = prefix.with_extension(extension);
            if from.exists() {
                std::fs::rename(from, run.join(format!("made.{extension}"))).unwrap();
            }
        }
        let key = keys.join(format!("{}.pem", case.bits));
        std::fs::copy(key, run.join("private_key.pem")).unwrap();
        let output = Command::new("sh")
            .args(["-e", "-c", guide])
            .current_dir(&run)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}\n{}",
            case.what,
            stderr(&output)
        );
        let theirs = std::fs::read(run.join("decrypted")).unwrap();

        let made = Made {
            prefix: run.join("made"),
            ..made
        };
        let output = made.opened(keys, case, arguments);
        assert!(
            output.status.success(),
            "{}\n{}",
            case.what,
            stderr(&output)
        );
        assert!(output.stdout == theirs, "{}", case.what);
        assert!(theirs.starts_with(&case.expected), "{}", case.what);
        *seen.entry(case.scheme).or_default() += 1;
    }
    println!("opened alike by unreel and by the commands of the guides: {seen:?}");
}
