//! One recording on its way, from any reader to any writer.

use std::io::Cursor;

use cbc::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use sha2::{Digest, Sha256};

use super::*;
use crate::cipher::Cbc;
use crate::envelope::{Container, KeyWrap, Payload, WrapAlgorithm};
use crate::envelope::{ContentCipher, Envelope, Iv, Padding};
use crate::key::content_key_from_unwrapped;

const KEY: [u8; 32] = [0x42; 32];
const IV: [u8; 16] = [9; 16];

fn options() -> Options<'static> {
    Options {
        sha256: true,
        ..Options::default()
    }
}

/// Five packets: PKCS#7 adds four bytes.
fn packets() -> Vec<u8> {
    let packet = [&[0x47, 0x1f, 0xff, 0x10][..], &[0x55; 184]].concat();
    packet.repeat(5)
}

fn encrypted() -> Vec<u8> {
    cbc::Encryptor::<aes::Aes256>::new(&KEY.into(), &IV.into())
        .encrypt_padded_vec::<Pkcs7>(&packets())
}

fn opener(padding: Padding, sha256: Option<[u8; 32]>) -> Opener {
    Opener {
        cipher: Cipher::Cbc(Cbc::new(&KEY, IV)),
        padding,
        expected: Expected {
            length: None,
            sha256,
            containers: &[Container::MpegTs],
        },
    }
}

/// Opens it from a reader into a writer.
fn open_with(opener: Opener, options: Options) -> Result<(Outcome, Vec<u8>), Error> {
    let mut out = Vec::new();
    let source = Source::from_reader(Cursor::new(encrypted()), None);
    let outcome = decrypt(opener, source, Destination::Writer(&mut out), options)?;
    Ok((outcome, out))
}

#[test]
fn a_digest_is_claimed_only_of_what_is_released_or_of_a_whole_file() {
    let stripped = packets();
    let whole = [&stripped[..], &[4; 4]].concat();
    let of = |bytes: &[u8]| Some(Sha256::digest(bytes).into());
    for (padding, released) in [
        (Padding::Pkcs7, &stripped),
        (Padding::TransportStream, &stripped),
        (Padding::Keep, &whole),
    ] {
        for (declared, claimed) in [
            (of(&encrypted()), Integrity::Digest),
            (of(&whole), Integrity::Digest),
            // With `keep`, it is of four bytes fewer than are released.
            (
                of(&stripped),
                match padding {
                    Padding::Keep => Integrity::Structure,
                    _ => Integrity::Digest,
                },
            ),
        ] {
            let (outcome, out) = open_with(opener(padding, declared), options()).unwrap();
            assert_eq!(outcome.integrity, claimed, "{padding:?}");
            assert!(out == *released);
            assert_eq!(outcome.sha256, of(released));
        }
        let other = open_with(opener(padding, of(b"other")), options());
        assert!(matches!(other, Err(Error::Digest)), "{padding:?}");
    }
    let strict = Options {
        require_integrity: true,
        ..options()
    };
    let unproven = open_with(opener(Padding::Keep, of(&stripped)), strict);
    assert!(matches!(unproven, Err(Error::Unproven)));
}

#[test]
fn a_reader_that_is_cut_off_is_never_a_recording() {
    let whole = encrypted();
    for length in 0..whole.len() {
        let reader = Cursor::new(whole[..length].to_vec());
        let source = Source::from_reader(reader, Some(whole.len() as u64));
        let opener = opener(Padding::TransportStream, None);
        let result = decrypt(opener, source, Destination::Check, options());
        let error = result.unwrap_err();
        assert!(
            matches!(error, Error::Cipher(CipherError::Read(_))),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn no_iv_is_an_error_and_never_zeros() {
    let envelope = |iv| Envelope {
        id: None,
        wrap: KeyWrap {
            algorithm: WrapAlgorithm::RsaOaepSha1,
            payload: Payload::Key,
            key_id: None,
            wrapped: vec![],
        },
        cipher: ContentCipher::Aes256Cbc {
            iv,
            padding: Padding::Pkcs7,
        },
        expected: Expected::default(),
    };
    let key = content_key_from_unwrapped(Payload::Key, KEY.to_vec().into()).unwrap();
    assert!(Opener::of(&envelope(Iv::Given(IV)), &key).is_ok());
    let result = Opener::of(&envelope(Iv::Wrapped), &key);
    assert!(matches!(result, Err(Error::NoIv)));
}
