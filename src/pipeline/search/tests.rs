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

/// Every tampered file of a thousand is refused, although its head shows the right key.
#[test]
fn a_tampered_gcm_file_is_never_proven() {
    let mut rng = rng();
    let frame = [&[0xff, 0xf3, 0x88, 0xc0][..], &[0; 284]].concat();
    let plain = frame.repeat(8);
    let key = "a key of at least thirty-two characters";
    let derived = Kdf::Sha256Key.derive(key.as_bytes(), b"").unwrap();
    let good = {
        use aes_gcm::aead::{Aead, KeyInit};
        let gcm = aes_gcm::Aes256Gcm::new(derived.key().into());
        let sealed = gcm.encrypt(&[7; 12].into(), plain.as_slice()).unwrap();
        [&[7; 12][..], &sealed].concat()
    };
    let secret = Secret {
        version: None,
        key: Zeroizing::new(key.to_owned()),
        salt: None,
    };
    let pins = Pins {
        kdf: Some(Kdf::Sha256Key),
        ..Pins::default()
    };
    let cache = Derived::default();
    let search = |file: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, file).unwrap();
        Search {
            subject: Subject {
                source: Mutex::new(Source::open(&path).unwrap()),
                head: file,
                length: file.len() as u64,
                mode: None,
                iv: None,
                tag: None,
                salt: None,
                id: Some("id"),
                key_id: None,
            },
            secrets: &[&secret],
            pins: &pins,
            known: None,
            derived: &cache,
            deadline: Instant::now() + std::time::Duration::from_secs(600),
            threads: 1,
            progress: &|_, _| (),
        }
        .run()
    };
    assert!(search(&good).is_ok_and(|found| found.proven));
    for _ in 0..1000 {
        let mut file = good.clone();
        let random = rng.next_u64();
        let at = usize::try_from(random % file.len() as u64).unwrap();
        file[at] ^= 1 << (random >> 61);
        match search(&file) {
            Ok(found) => assert!(!found.proven, "byte {at}"),
            Err(error) => assert!(matches!(error, SearchError::GaveUp(_))),
        }
    }
}
