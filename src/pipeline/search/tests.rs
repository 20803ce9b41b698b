//! What a search must never accept.

use getrandom::rand_core::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::trial::accepts;
use super::*;
use crate::cipher::BLOCK;

fn rng() -> TestRng {
    TestRng::deterministic_rng(RngAlgorithm::XorShift)
}

/// Chance makes a recording of random bytes less than once in 2^30, and valid padding once
/// in 2^8: a million random plaintexts must all be refused, with the best of paddings. Half of
/// them begin like an MP3 frame, where the danger is.
#[test]
fn random_plaintext_is_never_a_recording() {
    const LENGTH: usize = 4096;
    let mut rng = rng();
    let mut pool = vec![0; 1 << 20];
    rng.fill_bytes(&mut pool);
    let places = (pool.len() - LENGTH) as u64;
    for trial in 0..1_000_000 {
        let at = usize::try_from(rng.next_u64() % places).unwrap();
        let plaintext = &mut pool[at..at + LENGTH];
        let mut start = [0; 64];
        rng.fill_bytes(&mut start);
        if trial % 2 == 0 {
            start[0] = 0xff;
            start[1] |= 0xe0;
        }
        // The pool stays free of what the start was made to be.
        let mut kept = [0; 64];
        kept.copy_from_slice(&plaintext[..64]);
        plaintext[..64].copy_from_slice(&start);
        let mut head = crate::media::Head::default();
        head.take(0, plaintext);
        let media = head.finish(crate::media::TsScan::default(), u64::MAX);
        assert!(!accepts(&media, &[16; BLOCK]), "trial {trial}: {start:?}");
        plaintext[..64].copy_from_slice(&kept);
    }
}

/// Neither padding nor container is enough alone.
#[test]
fn a_recording_needs_its_padding() {
    let mut head = crate::media::Head::default();
    head.take(
        0,
        &[&[0xff, 0xf3, 0x88, 0xc0][..], &[0; 284]]
            .concat()
            .repeat(4),
    );
    let media = head.finish(crate::media::TsScan::default(), u64::MAX);
    let mut last = [1; BLOCK];
    assert!(accepts(&media, &last));
    last[BLOCK - 1] = 2;
    assert!(!accepts(&media, &last));
}

/// A file that is searched over and over, and what is known of it.
struct Bench {
    path: tempfile::NamedTempFile,
    secrets: Vec<Secret>,
    pins: Pins,
    derived: Derived,
    mode: Option<Mode>,
    iv: Option<&'static [u8]>,
    budget: u64,
}

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const NONCE: [u8; 12] = [7; 12];

impl Bench {
    /// Versions with one key and these salts, newest first; only this derivation.
    fn new(kdf: Kdf, salts: &[&str]) -> Self {
        let secret = |(nth, salt): (usize, &&str)| Secret {
            version: Some((salts.len() - nth) as u64),
            key: Zeroizing::new(KEY.to_owned()),
            salt: Some(Zeroizing::new((*salt).to_owned())),
        };
        Self {
            path: tempfile::NamedTempFile::new().unwrap(),
            secrets: salts.iter().enumerate().map(secret).collect(),
            pins: Pins {
                kdf: Some(kdf),
                ..Pins::default()
            },
            derived: Derived::default(),
            mode: None,
            iv: None,
            budget: 600,
        }
    }

    fn search(&self, file: &[u8]) -> Result<Found, SearchError> {
        // Not truncated first: some file systems sync what is then written.
        let content = self.path.as_file();
        std::os::unix::fs::FileExt::write_all_at(content, file, 0).unwrap();
        content.set_len(file.len() as u64).unwrap();
        let secrets: Vec<_> = self.secrets.iter().collect();
        let source = Source::open(self.path.path()).unwrap();
        Finder {
            subject: Subject {
                source: &source.stored().unwrap(),
                head: file,
                mode: self.mode,
                iv: self.iv,
                tag: None,
                salt: None,
                id: Some("id"),
                key_id: None,
            },
            secrets: &secrets,
            pins: &self.pins,
            known: None,
            derived: &self.derived,
            deadline: Instant::now() + std::time::Duration::from_secs(self.budget),
            threads: 1,
            progress: &|_, _| (),
        }
        .run()
    }

    fn gives_up(&self, file: &[u8]) -> GaveUp {
        match self.search(file) {
            Err(SearchError::GaveUp(reason)) => reason,
            Err(error) => panic!("{error:?}"),
            Ok(found) => panic!("{:?}", found.method),
        }
    }
}

fn frames(count: usize) -> Vec<u8> {
    [&[0xff, 0xf3, 0x88, 0xc0][..], &[0; 284]]
        .concat()
        .repeat(count)
}

/// Nonce, ciphertext, tag, under a key that is the hexadecimal digits' bytes.
fn sealed(plain: &[u8], aad: &[u8]) -> Vec<u8> {
    use aes_gcm::aead::{Aead, KeyInit, Payload};
    let key = KeyForm::Hex.of(KEY).unwrap();
    let gcm = aes_gcm::Aes256Gcm::new_from_slice(&key).unwrap();
    let payload = Payload { msg: plain, aad };
    let sealed = gcm.encrypt(&NONCE.into(), payload).unwrap();
    [&NONCE[..], &sealed].concat()
}

/// Every tampered file is refused, although most of their heads show the right key.
fn tamper(trials: usize) {
    let mut rng = rng();
    let good = sealed(&frames(8), b"");
    let bench = Bench::new(Kdf::Raw, &["salt"]);
    assert!(bench.search(&good).is_ok_and(|found| found.proven));
    let mut shown = 0;
    for _ in 0..trials {
        let mut file = good.clone();
        let random = rng.next_u64();
        let at = usize::try_from(random % file.len() as u64).unwrap();
        match random >> 62 {
            0 => file[at] ^= 1 << (random >> 59 & 7),
            1 => file.truncate(at.max(44)),
            2 => file.insert(at, 0xa5),
            _ => drop(file.remove(at)),
        }
        if file == good {
            continue;
        }
        match search_and_verify(&bench, &file) {
            Some(true) => panic!("byte {at}, {random:x}"),
            Some(false) => shown += 1,
            None => {}
        }
    }
    assert!(shown > trials / 2, "{shown}");
}

/// Whether what was found is proven; `None` if nothing was. What is not proven must not verify.
fn search_and_verify(bench: &Bench, file: &[u8]) -> Option<bool> {
    match bench.search(file) {
        Ok(mut found) => {
            let engine = crate::cipher::Engine {
                threads: 1,
                progress: &|_| (),
            };
            let verified = engine.verify(&found.opener.cipher, found.source.input());
            assert!(found.proven || verified.is_err());
            Some(found.proven)
        }
        Err(error) => {
            assert!(matches!(error, SearchError::GaveUp(_)), "{error:?}");
            None
        }
    }
}

#[test]
fn a_tampered_gcm_file_is_never_proven() {
    tamper(1000);
}

#[test]
#[ignore = "long"]
fn a_tampered_gcm_file_is_never_proven_in_100_000_trials() {
    tamper(100_000);
}

/// Encrypted noise with valid padding, half of it with an MP3 frame's first bits, through the
/// whole search; one in eight with every layout, the others as CBC.
fn noise(trials: usize) {
    use cbc::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
    let mut rng = rng();
    let key = KeyForm::Hex.of(KEY).unwrap();
    let encrypt = |plain: &[u8]| {
        let cbc = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &[9; 16]).unwrap();
        [&[9; 16][..], &cbc.encrypt_padded_vec::<Pkcs7>(plain)].concat()
    };
    let mut bench = Bench::new(Kdf::Raw, &["salt"]);
    let recording = bench.search(&encrypt(&frames(8))).unwrap();
    assert!(recording.proven && recording.method.layout == Layout::Iv16Ct);
    let mut plain = vec![0; 1024];
    for trial in 0..trials {
        rng.fill_bytes(&mut plain);
        if trial % 2 == 0 {
            plain[0] = 0xff;
            plain[1] |= 0xe0;
        }
        bench.mode = (trial % 8 > 0).then_some(Mode::Cbc);
        if let Ok(found) = bench.search(&encrypt(&plain)) {
            assert!(!found.proven, "trial {trial}: {:?}", &plain[..64]);
        }
    }
}

#[test]
fn noise_is_never_found() {
    noise(2000);
}

#[test]
#[ignore = "long"]
fn noise_is_never_found_in_1_000_000_trials() {
    noise(1_000_000);
}

/// An MP3 whose ID3 tag fills the first block is one without it too: the metadata's IV tells
/// where the ciphertext begins.
#[test]
fn the_first_block_of_a_recording_is_not_taken_for_its_iv() {
    use cbc::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
    let key = KeyForm::Hex.of(KEY).unwrap();
    let plain = [&b"ID3\x04\0\0\0\0\0\x06\0\0\0\0\0\0"[..], &frames(8)].concat();
    let cbc = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &[9; 16]).unwrap();
    let body = cbc.encrypt_padded_vec::<Pkcs7>(&plain);
    let in_front = [&[9; 16][..], &body].concat();
    let mut bench = Bench::new(Kdf::Raw, &["salt"]);
    bench.iv = Some(&[9; 16]);
    for (file, layout) in [(body, Layout::Ct), (in_front, Layout::Iv16Ct)] {
        let found = bench.search(&file).unwrap();
        assert_eq!((found.method.layout, found.proven), (layout, true));
        assert_eq!(found.source.length(), Some(plain.len() as u64 + 16));
    }
}

/// Versions that share a key differ in the salt, and the salt may be additional data.
#[test]
fn the_salt_of_each_version_is_tried_as_additional_data() {
    let bench = Bench::new(Kdf::Raw, &["new salt", "old salt"]);
    let found = bench.search(&sealed(&frames(8), b"old salt")).unwrap();
    assert!(found.proven);
    assert_eq!((found.method.aad, found.version), (Aad::Salt, Some(1)));
}

#[test]
fn without_time_something_is_tried_and_the_rest_is_admitted() {
    let mut bench = Bench::new(Kdf::Raw, &["salt"]);
    bench.budget = 0;
    bench.pins.key_form = Some(KeyForm::Hex);
    assert!(bench.search(&sealed(&frames(8), b"")).is_ok());
    bench.pins.kdf = None;
    let reason = bench.gives_up(&[5; 5000]);
    assert!(reason.out_of_time);
    assert_eq!(reason.keys, 1);
    // The right key, and no time for the other additional data: that is not called damage.
    assert!(bench.gives_up(&sealed(&frames(8), b"id")).out_of_time);
}

#[test]
fn what_is_asked_for_and_cannot_be_is_said_before_anything_is_derived() {
    let mut bench = Bench::new(Kdf::Raw, &["salt"]);
    let said = |bench: &Bench, file: &[u8]| {
        let reason = bench.gives_up(file);
        (reason.lacking.unwrap(), reason.keys)
    };
    assert_eq!(said(&bench, &[5; 17]).0, "17 bytes cannot have any layout");
    bench.pins.layout = Some(Layout::CtTag16);
    let (lacking, keys) = said(&bench, &[5; 5000]);
    assert!(lacking.contains("needs a nonce or iv in the metadata"));
    assert_eq!(keys, 0);
    bench.pins.layout = Some(Layout::Ct);
    bench.iv = Some(&NONCE);
    let (lacking, _) = said(&bench, &[5; 5000]);
    assert!(lacking.contains("with this IV cannot have the layout ct"));
    bench.pins.layout = None;
    bench.pins.key_form = Some(KeyForm::Decoded);
    let (lacking, _) = said(&bench, &[5; 5000]);
    assert!(lacking.contains("in the form that was asked for"));
    bench.pins.key_form = None;
    bench.pins.aad = Some(Aad::KeyId);
    let (lacking, _) = said(&bench, &[5; 5000]);
    assert!(lacking.contains("the key_id of the metadata"));
}

#[test]
fn a_damaged_recording_is_told_without_slow_derivations() {
    let mut bench = Bench::new(Kdf::Raw, &["salt"]);
    bench.pins.kdf = None;
    let mut file = sealed(&frames(8), b"");
    file[1500] ^= 1;
    let found = bench.search(&file).unwrap();
    assert!(!found.proven);
    assert_eq!(found.method.kdf, Kdf::Raw);
    let derived = lock(&bench.derived.keys);
    assert!(derived.keys().all(|(kdf, _)| !kdf.is_slow()));
}

/// A salt in front of the file belongs to one layout and is not combined with others.
#[test]
fn the_files_salt_goes_with_its_layout_only() {
    let mut bench = Bench::new(Kdf::Sha256KeySalt, &["salt"]);
    bench.pins.salt_form = Some(SaltForm::File);
    bench.pins.layout = None;
    let reason = bench.gives_up(&[5; 5000]);
    // Three forms of the key, one layout, three kinds of additional data.
    assert_eq!((reason.keys, reason.passes), (3, 9));
}
