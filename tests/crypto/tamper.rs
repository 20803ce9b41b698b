//! Recordings that were cut, changed or lengthened, byte by byte, through the whole pipeline.
//!
//! AES-GCM has to refuse all of them. AES-CBC cannot, so its outcomes are counted and printed, and
//! what is claimed of those that pass has to be true.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test's helpers fail the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common::changed::{others, pointers, put};
use crate::common::{self, Random, assert_refused, command_for, fixture, run_with, stderr};
use aes_gcm::aead::{Aead, KeyInit};
use cbc::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use unreel::internals::provider::{twilio_video, twilio_voice, vonage};
use unreel::{
    ChooseError, CipherError, Container, ContentCipher, ContentKey, Destination, Envelope, Error,
    Expected, Integrity, Iv, KeyRing, KeyWrap, Note, Opener, Options, Padding, Passphrase, Payload,
    RingError, Source, Staged, WrapAlgorithm, choose, content_key_from_unwrapped, decrypt,
    inspect_source,
};

const KEY: [u8; 32] = [0x42; 32];
const IV: [u8; 16] = [0x17; 16];

/// A recording with everything that is known of it, and a place to open it.
struct Recording {
    envelope: Envelope,
    key: ContentKey,
    ciphertext: Vec<u8>,
    plaintext: Vec<u8>,
    folder: TempDir,
}

/// In memory where there is such a place: tens of thousands of files are made there, and synced.
fn folder() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .unwrap()
}

/// What became of one attempt: a class of refusal and its message, or what was claimed.
enum Outcome {
    Refused(&'static str, String),
    Accepted(Integrity, Vec<u8>),
}

impl Recording {
    fn new(cipher: ContentCipher, expected: Expected, plaintext: Vec<u8>) -> Self {
        let ciphertext = match cipher {
            ContentCipher::Aes256Gcm { iv } => aes_gcm::Aes256Gcm::new(&KEY.into())
                .encrypt(&iv.into(), &plaintext[..])
                .unwrap(),
            ContentCipher::Aes256Cbc { .. } => {
                let encryptor = cbc::Encryptor::<aes::Aes256>::new(&KEY.into(), &IV.into());
                encryptor.encrypt_padded_vec::<Pkcs7>(&plaintext)
            }
        };
        let wrap = KeyWrap {
            algorithm: WrapAlgorithm::RsaOaepSha256,
            payload: Payload::Key,
            key_id: None,
            wrapped: Vec::new(),
        };
        Self {
            envelope: Envelope {
                id: None,
                wrap,
                cipher,
                expected,
            },
            key: content_key_from_unwrapped(Payload::Key, KEY.to_vec().into()).unwrap(),
            ciphertext,
            plaintext,
            folder: folder(),
        }
    }

    /// 4 KiB of AES-GCM around a WAV file.
    fn voice() -> Self {
        let mut wav = b"RIFF\xe8\x0f\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend(b"\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\xc4\x0f\0\0");
        wav.extend(Random(1).bytes(4080 - wav.len()));
        Self::new(
            ContentCipher::Aes256Gcm { iv: [0x17; 12] },
            Expected::default(),
            wav,
        )
    }

    /// A Matroska file as Twilio Video's are; the metadata may declare its length.
    fn video(declared: bool) -> Self {
        let mut mka = b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\
            \x42\xf3\x81\x08\x42\x82\x88matroska\x42\x87\x81\x04\x42\x85\x81\x02"
            .to_vec();
        // A segment whose length is known, as FFmpeg leaves it in a file.
        mka.extend(b"\x18\x53\x80\x67\x01\0\0\0\0\0\x0f\x98");
        mka.extend(Random(2).bytes(0x0f98));
        let expected = Expected {
            length: declared.then_some(mka.len() as u64),
            sha256: None,
            containers: &[Container::Matroska, Container::WebM, Container::Mp4],
        };
        Self::new(Self::cbc(Padding::Pkcs7), expected, mka)
    }

    /// 21 packets of a Vonage archive; the metadata may declare the digest of what `of` gives.
    fn archive(of: Option<fn(&Self) -> &[u8]>) -> Self {
        let mut ts = std::fs::read(fixture("vonage/plain.ts")).unwrap().repeat(6);
        ts.truncate(21 * 188);
        let expected = Expected {
            length: None,
            sha256: None,
            containers: &[Container::MpegTs, Container::Mp4],
        };
        let mut archive = Self::new(Self::cbc(Padding::TransportStream), expected, ts);
        archive.envelope.expected.sha256 = of.map(|of| Sha256::digest(of(&archive)).into());
        archive
    }

    fn cbc(padding: Padding) -> ContentCipher {
        ContentCipher::Aes256Cbc {
            iv: Iv::Given(IV),
            padding,
        }
    }

    /// Opens `ciphertext` in its place, into a file. Where it is refused, there must be none.
    fn attempt(&self, ciphertext: &[u8]) -> Outcome {
        let media = self.folder.path().join("media");
        let output = self.folder.path().join("output");
        std::fs::write(&media, ciphertext).unwrap();
        let result = self.open(&media, &output);
        match result {
            Ok(integrity) => {
                let plaintext = std::fs::read(&output).unwrap();
                std::fs::remove_file(&output).unwrap();
                Outcome::Accepted(integrity, plaintext)
            }
            Err(error) => {
                let names = std::fs::read_dir(self.folder.path()).unwrap();
                assert_eq!(names.count(), 1, "nothing but the media: {error}");
                Outcome::Refused(class(&error), error.to_string())
            }
        }
    }

    fn open(&self, media: &Path, output: &Path) -> Result<Integrity, Error> {
        let mut source = Source::open(media).unwrap();
        inspect_source(&self.envelope, &mut source)?;
        let destination = Destination::File {
            staged: Staged::create(output).unwrap(),
            name: &|_| Ok(output.to_owned()),
            replace: false,
        };
        decrypt(
            Opener::of(&self.envelope, &self.key)?,
            source,
            destination,
            Options::default(),
        )
        .map(|outcome| outcome.integrity)
    }

    /// Cut to every shorter length.
    fn cuts(&self) -> Vec<Vec<u8>> {
        (0..self.ciphertext.len())
            .map(|length| self.ciphertext[..length].to_vec())
            .collect()
    }

    /// With up to 64 bytes more.
    fn longer(&self) -> Vec<Vec<u8>> {
        let extra = Random(3).bytes(64);
        (1..=extra.len())
            .map(|count| [&self.ciphertext[..], &extra[..count]].concat())
            .collect()
    }

    /// What leaves the padding valid: the last blocks again, two or more, up to all of them.
    fn repeated(&self) -> Vec<Vec<u8>> {
        (32..=self.ciphertext.len())
            .step_by(16)
            .map(|count| {
                let last = &self.ciphertext[self.ciphertext.len() - count..];
                [&self.ciphertext, last].concat()
            })
            .collect()
    }

    /// Every byte changed once, each in another way.
    fn changed(&self) -> Vec<Vec<u8>> {
        let mut random = Random(4);
        (0..self.ciphertext.len())
            .map(|at| {
                let mut changed = self.ciphertext.clone();
                changed[at] ^= u8::try_from(random.below(255) + 1).unwrap();
                changed
            })
            .collect()
    }

    /// Every bit of the bytes from `start` to `end`.
    fn bits(&self, start: usize, end: usize) -> Vec<Vec<u8>> {
        (8 * start..8 * end)
            .map(|bit| {
                let mut changed = self.ciphertext.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                changed
            })
            .collect()
    }

    /// Whether it opens with another IV. If it does, no more than the first block may differ.
    fn opens_with(&mut self, other: [u8; 16]) -> bool {
        let ContentCipher::Aes256Cbc { iv, .. } = &mut self.envelope.cipher else {
            panic!("it is CBC")
        };
        *iv = Iv::Given(other);
        match self.attempt(&self.ciphertext) {
            Outcome::Refused(..) => false,
            Outcome::Accepted(integrity, plaintext) => {
                assert_ne!(integrity, Integrity::Digest);
                assert_eq!(plaintext[16..], self.plaintext[16..]);
                true
            }
        }
    }
}

/// The class of a refusal; the names sort as they are checked.
fn class(error: &Error) -> &'static str {
    match error {
        Error::NotCiphertext(_) | Error::SavedAsText(_) => "1 no ciphertext",
        Error::Cipher(CipherError::TooShort { .. }) => "2 too short",
        Error::Cipher(CipherError::Ragged { .. }) => "2 no whole blocks",
        Error::Cipher(CipherError::Tag) => "3 tag",
        Error::Padding(_) => "4 padding",
        Error::Length { .. } => "5 declared length",
        Error::Digest => "6 declared digest",
        Error::Damaged(Note::FirstBlockDamaged(_)) => "7 first block",
        Error::Container(_) => "8 no container",
        Error::Damaged(_) => "9 damaged or cut container",
        other => panic!("{other:?}"),
    }
}

/// How often each outcome was seen, by kind of change.
#[derive(Default)]
struct Table(BTreeMap<(&'static str, &'static str), BTreeMap<&'static str, usize>>);

impl Table {
    /// Tries all `changes`, and judges what is claimed of those that pass.
    fn fill(
        &mut self,
        what: &'static str,
        change: &'static str,
        recording: &Recording,
        changes: Vec<Vec<u8>>,
    ) -> Row {
        let row = self.0.entry((what, change)).or_default();
        let mut found = Row::default();
        for ciphertext in changes {
            let class = match recording.attempt(&ciphertext) {
                Outcome::Refused(class, message) => {
                    found.messages.entry(class).or_default().insert(message);
                    found.refused += 1;
                    class
                }
                Outcome::Accepted(integrity, plaintext) => {
                    assert_ne!(integrity, Integrity::Tag, "{what}: {change}");
                    assert_ne!(integrity, Integrity::Digest, "{what}: {change}");
                    if integrity == Integrity::Length {
                        assert_eq!(plaintext.len(), recording.plaintext.len(), "{what}");
                    }
                    assert!(plaintext != recording.plaintext, "{what}: {change}");
                    found.accepted += 1;
                    match integrity {
                        Integrity::Length => "accepted, as `length`",
                        _ => "accepted, as `structure`",
                    }
                }
            };
            *row.entry(class).or_default() += 1;
        }
        found
    }

    fn print(&self) {
        for ((what, change), outcomes) in &self.0 {
            let outcomes: Vec<_> = outcomes
                .iter()
                .map(|(class, count)| {
                    format!(
                        "{count} {}",
                        class.trim_start_matches(char::is_numeric).trim()
                    )
                })
                .collect();
            println!("{what}, {change}: {}", outcomes.join("; "));
        }
    }
}

#[derive(Default)]
struct Row {
    refused: usize,
    accepted: usize,
    /// What was said, by class.
    messages: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Row {
    fn assert_all_refused(&self, what: &str) {
        assert!(self.refused > 0, "{what}");
        assert_eq!(self.accepted, 0, "{what}");
    }

    fn only_message(&self) -> &str {
        let messages: Vec<_> = self.messages.values().flatten().collect();
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages[0]
    }
}

#[test]
fn the_recordings_themselves_open() {
    for (recording, expected) in [
        (Recording::voice(), Integrity::Tag),
        (Recording::video(false), Integrity::Structure),
        (Recording::video(true), Integrity::Length),
        (Recording::archive(None), Integrity::Structure),
        (
            Recording::archive(Some(|archive| &archive.plaintext)),
            Integrity::Digest,
        ),
        (
            Recording::archive(Some(|archive| &archive.ciphertext)),
            Integrity::Digest,
        ),
    ] {
        match recording.attempt(&recording.ciphertext) {
            Outcome::Accepted(integrity, plaintext) => {
                assert_eq!(integrity, expected);
                assert!(plaintext == recording.plaintext);
            }
            Outcome::Refused(_, message) => panic!("{message}"),
        }
    }
}

/// Every one is refused, with one message and nothing released.
#[test]
fn gcm_refuses_every_cut_and_every_change() {
    let voice = Recording::voice();
    assert_eq!(voice.ciphertext.len(), 4096);
    let mut table = Table::default();
    let mut try_all = |change, changes| {
        let row = table.fill("twilio-voice", change, &voice, changes);
        row.assert_all_refused(change);
        row
    };
    let changed = try_all("each byte changed", voice.changed());
    let tag = try_all("each bit of the tag", voice.bits(4080, 4096));
    let longer = try_all("1 to 64 bytes more", voice.longer());
    let cuts = try_all("cut to each length", voice.cuts());
    let message = "the authentication tag does not match";
    for row in [changed, tag, longer] {
        assert_eq!(row.only_message(), message);
    }
    // Sixteen lengths leave no tag; they say so, and each its own length.
    assert_eq!(cuts.messages["2 too short"].len(), 16);
    assert_eq!(cuts.messages["3 tag"].iter().collect::<Vec<_>>(), [message]);
    assert_eq!(cuts.messages.len(), 2);
    table.print();
}

/// What Vonage encrypted is a transport stream, or MP4. Another file has no packets to end with,
/// and is named.
#[test]
fn an_archive_that_is_no_transport_stream_is_said_to_be_what_it_is() {
    let matroska = Recording::video(false).plaintext;
    let wav = Recording::voice().plaintext;
    for (plaintext, what) in [
        (matroska, "Matroska"),
        (wav, "WAV"),
        (Random(5).bytes(4001), "nothing that is known"),
    ] {
        let mut archive = Recording::archive(None);
        let (cipher, expected) = (archive.envelope.cipher, archive.envelope.expected.clone());
        archive = Recording::new(cipher, expected, plaintext);
        let Outcome::Refused(_, message) = archive.attempt(&archive.ciphertext) else {
            panic!("{what} was accepted");
        };
        assert_eq!(
            message,
            format!("decrypted, it is {what}, not MPEG-TS or MP4")
        );
    }
}

/// CBC has no tag: what nothing checks can change unseen, and is not claimed to be proven.
#[test]
fn cbc_claims_no_more_than_it_checks() {
    let mut table = Table::default();
    let kinds: [(_, Recording); 5] = [
        ("twilio-video", Recording::video(false)),
        ("twilio-video, length declared", Recording::video(true)),
        ("vonage", Recording::archive(None)),
        (
            "vonage, sha256sum of the plaintext",
            Recording::archive(Some(|archive| &archive.plaintext)),
        ),
        (
            "vonage, sha256sum of the ciphertext",
            Recording::archive(Some(|archive| &archive.ciphertext)),
        ),
    ];
    for (what, recording) in &kinds {
        let mut try_all = |change, changes| table.fill(what, change, recording, changes);
        let cuts = try_all("cut to each length", recording.cuts());
        let longer = try_all("1 to 64 bytes more", recording.longer());
        let repeated = try_all("its last blocks again", recording.repeated());
        let changed = try_all("each byte changed", recording.changed());
        let first = try_all("each bit of the first block", recording.bits(0, 16));
        let last = recording.ciphertext.len();
        let end = try_all(
            "each bit of the last block",
            recording.bits(last - 16, last),
        );

        first.assert_all_refused(what);
        repeated.assert_all_refused(what);
        for row in [&changed, &first, &end] {
            for (class, messages) in &row.messages {
                // Where a container is damaged, its message says where.
                let one = *class != "9 damaged or cut container";
                assert!(!one || messages.len() == 1, "{what}: {messages:?}");
            }
        }
        let expected = &recording.envelope.expected;
        if expected.length.is_some() {
            cuts.assert_all_refused(what);
            longer.assert_all_refused(what);
        }
        if expected.sha256.is_some() {
            for row in [cuts, longer, changed, end] {
                row.assert_all_refused(what);
            }
        }
    }
    table.print();
}

/// A changed IV changes the same bits of the first block and nothing else. Those that make the
/// container known are never missed; the others are, unless a digest was declared.
#[test]
fn cbc_with_a_changed_iv() {
    for (what, mut recording, telling) in [
        ("twilio-video", Recording::video(false), 4),
        ("twilio-video, length declared", Recording::video(true), 4),
        ("vonage", Recording::archive(None), 1),
        (
            "vonage, sha256sum declared",
            Recording::archive(Some(|archive| &archive.plaintext)),
            16,
        ),
    ] {
        let mut missed = [0, 0];
        for bit in 0..128 {
            let mut iv = IV;
            iv[bit / 8] ^= 1 << (bit % 8);
            if recording.opens_with(iv) {
                assert!(bit / 8 >= telling, "{what}: bit {bit}");
                missed[0] += 1;
            }
        }
        for seed in 0..256 {
            let iv = Random(seed).bytes(16).try_into().unwrap();
            missed[1] += usize::from(recording.opens_with(iv));
        }
        let [of_bits, of_random] = missed;
        println!(
            "{what}: {of_bits} of 128 changed bits of the IV and {of_random} of 256 random IVs \
             not noticed"
        );
        // One sync byte is all there is in the first block of a transport stream.
        assert!(of_random <= 256 / 32, "{what}");
    }
}

/// What a wrapped key that was changed leads to.
#[derive(Default, Debug)]
struct Wrong {
    /// The key ring's refusals, and what they say.
    refused: usize,
    messages: BTreeSet<String>,
    /// RSAES-PKCS1-v1_5 gave some 32 bytes, and the content showed that they are not the key.
    contradicted: usize,
}

impl Wrong {
    fn of(envelope: &Envelope, media: &str, ring: &KeyRing, changes: Vec<Vec<u8>>) -> Self {
        let mut found = Self::default();
        let right = &envelope.wrap.wrapped;
        for wrapped in changes {
            assert_ne!(wrapped, *right);
            let mut envelope = envelope.clone();
            envelope.wrap.wrapped = wrapped;
            match open_with(&envelope, media, ring) {
                Err(None) => found.contradicted += 1,
                Err(Some(message)) => {
                    found.refused += 1;
                    found.messages.insert(message);
                }
                Ok(()) => panic!("{:?}", envelope.wrap),
            }
        }
        found
    }
}

/// `None` if a key came out, but not this recording's.
fn open_with(envelope: &Envelope, media: &str, ring: &KeyRing) -> Result<(), Option<String>> {
    let mut source = Source::open(&fixture(media)).unwrap();
    inspect_source(envelope, &mut source).unwrap();
    let mut ask = |_: &str| -> Option<Passphrase> { panic!("no key is locked") };
    let search = ring.search(&envelope.wrap, &mut ask);
    let opened = choose(envelope, &mut source, search).map_err(|error| match error {
        ChooseError::Ring(RingError::NotOpened(reason)) => Some(reason.to_string()),
        other => panic!("{other:?}"),
    })?;
    decrypt(
        Opener::of(envelope, &opened.key).unwrap(),
        source,
        Destination::Check,
        Options::default(),
    )
    .map(|_| ())
    .map_err(|_| None)
}

/// Every byte and every length of each provider's; every bit of one of the three.
#[test]
fn every_bit_of_a_wrapped_key_counts() {
    let mut ring = KeyRing::default();
    let pem = std::fs::read(fixture("keys/pkcs8.pem")).unwrap();
    ring.add("pkcs8.pem", &pem).unwrap();
    for (nth, (metadata, media)) in [
        (
            "twilio-voice/recording-mono.json",
            "twilio-voice/RE5eed0000000000000000000000000003.wav.enc",
        ),
        (
            "twilio-video/flat.json",
            "twilio-video/RT5eed0000000000000000000000000001.mka.enc",
        ),
        (
            "vonage/archive-1.json",
            "vonage/5eed0000-0000-4000-8000-000000000001.ts.enc",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let text = std::fs::read(fixture(metadata)).unwrap();
        let items = match metadata.split('/').next() {
            Some("twilio-voice") => twilio_voice::parse(&text),
            Some("twilio-video") => twilio_video::parse(&text),
            _ => vonage::parse(&text),
        };
        let envelope = items.unwrap().items()[0].outcome.clone().unwrap();
        open_with(&envelope, media, &ring).expect("it opens as it is");

        let right = &envelope.wrap.wrapped;
        let change = |at: usize, mask: u8| {
            let mut wrapped = right.clone();
            wrapped[at] ^= mask;
            wrapped
        };
        let mut random = Random(7);
        let mut mask = || u8::try_from(random.below(255) + 1).unwrap();
        let mut changes: Vec<_> = (0..right.len()).map(|at| change(at, mask())).collect();
        let bits = (nth..8 * right.len()).step_by(3);
        changes.extend(bits.map(|bit| change(bit / 8, 1 << (bit % 8))));
        let changed = Wrong::of(&envelope, media, &ring, changes);
        assert_eq!(changed.messages.len(), 1, "{metadata}: {changed:?}");

        let cuts = (0..right.len()).map(|length| right[..length].to_vec());
        let longer = [[&right[..], &[0]].concat(), [&[0], &right[..]].concat()];
        let lengths = Wrong::of(&envelope, media, &ring, cuts.chain(longer).collect());
        assert_eq!(lengths.contradicted, 0, "{metadata}");
        println!(
            "{metadata}: wrapped key changed, {} refused by the key, {} by the content; \
             with another length, {} refused",
            changed.refused, changed.contradicted, lengths.refused
        );
    }
}

/// Every field of the metadata left out, and put to other values, through the binary. Either it
/// is refused, with a hint and no output, or the field does not matter and the output is right.
#[test]
fn no_changed_metadata_gives_another_plaintext() {
    let folder = TempDir::new().unwrap();
    let altered = folder.path().join("metadata.json");
    for metadata in [
        "twilio-voice/recording-mono.json",
        "twilio-voice/details-both.json",
        "twilio-video/flat.json",
        "twilio-video/head-object.json",
        "vonage/archive-1.json",
        "vonage/archive-sha256-stripped.json",
    ] {
        let case = common::list("cases")
            .into_iter()
            .find(|case| {
                case["metadata"] == metadata && case["keys"].as_array().unwrap().len() == 1
            })
            .expect(metadata);
        let media = fixture(case["media"].as_str().unwrap());
        let document: Value =
            serde_json::from_slice(&std::fs::read(fixture(metadata)).unwrap()).unwrap();
        let (mut refused, mut same) = (BTreeMap::<_, usize>::new(), 0);
        for pointer in pointers(&document) {
            let value = document.pointer(&pointer).unwrap();
            for other in others(value) {
                let what = format!("{metadata}{pointer}: {other:?}");
                let mut document = document.clone();
                put(&mut document, &pointer, other);
                std::fs::write(&altered, document.to_string()).unwrap();
                let mut case = case.clone();
                case["metadata"] = json!(altered);
                let mut command = command_for(&case);
                command.args(["--no-input", "-o", "-"]).arg(&media);
                let output = run_with(command, &[]);
                let code = output.status.code().unwrap();
                if code == 0 {
                    assert_eq!(common::sha256(&output.stdout), case["sha256"], "{what}");
                    same += 1;
                } else {
                    assert!([4, 6, 7].contains(&code), "{what}\n{}", stderr(&output));
                    assert_refused(&output, code, &what);
                    assert!(output.stdout.is_empty(), "{what}");
                    *refused.entry(code).or_default() += 1;
                }
            }
        }
        println!("{metadata}, a field changed: refused by exit code {refused:?}; {same} harmless");
    }
}
