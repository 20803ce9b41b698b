//! Private key files, and what they unwrap to.

use aes::{Aes128, Aes192, Aes256};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherEncrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use des::TdesEde3;
use md5::{Digest, Md5};
use pem::Pem;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use unreel::internals::key::{KeyBlock, KeyFile, LockedKey, PrivateKey, parse};
use unreel::{
    KeyError, Passphrase, Payload, PayloadError, WrapAlgorithm, content_key_from_unwrapped,
};

/// The one that the fixtures are locked with.
const PASSPHRASE: &[u8] = b"correct horse battery staple";
/// What `parse` may let through, as its documentation says.
const MAX_ITERATIONS: u64 = 10_000_000;
const MAX_SCRYPT_MEMORY: u64 = 256 << 20;
/// What a fuzzer has time for.
const CHEAP_ITERATIONS: u64 = 64;
const CHEAP_SCRYPT_WORK: u64 = 64 << 10;

/// Shorter than any RSA key, so that nobody looks for one in base64 of so little.
const SHORTEST_SENT: usize = 512;

/// One DER value: the same as DER and as PEM, its cost within the limits, unlocked as the pkcs8
/// crate unlocks it.
pub fn key_der(data: &[u8]) {
    if has_pem(data) || !is_der(data) {
        return;
    }
    let found = parse(data);
    let label = if let Ok([KeyBlock::Locked(_)]) = found.as_deref() {
        "ENCRYPTED PRIVATE KEY"
    } else {
        "PRIVATE KEY"
    };
    let pem = pem::encode(&Pem::new(label, data));
    match (&found, parse(pem.as_bytes())) {
        (Ok(blocks), again) => assert_eq!(
            again.map(|blocks| summaries(&blocks)),
            Ok(summaries(blocks))
        ),
        // What is no key by itself is none in PEM, but for a locked one that stands inside of it.
        (Err(_), again) => assert!(!again.iter().flatten().any(is_open)),
    }
    for block in found.unwrap_or_default() {
        match block {
            KeyBlock::Private(key) => check_private(&key, data),
            KeyBlock::Locked(locked) => check_locked(&locked, data),
            KeyBlock::Public(_) | KeyBlock::Unusable(_) => {}
        }
    }
}

/// Any file: line ends and text around the blocks do not matter, one sound block is read as the
/// pem crate reads it, and a private key comes through every kind of transport unchanged.
pub fn key_pem(data: &[u8]) {
    let found = parse(data);
    if let Ok(blocks) = &found {
        assert!(!blocks.is_empty());
        assert!(blocks.len() <= 32);
    }
    let is_mended = !KeyFile::read(data).is_ok_and(|file| file.mended.is_empty());
    let is_sound = |block: &KeyBlock| !matches!(block, KeyBlock::Unusable(_));
    let is_whole = !is_mended && found.iter().flatten().all(is_sound);
    let found = found.map(|blocks| summaries(&blocks)).map_err(|_| ());
    if let Ok(text) = str::from_utf8(data)
        && let Ok(file) = KeyFile::read(data)
        && file.mended.is_empty()
        && let [KeyBlock::Private(_) | KeyBlock::Locked(_)] = file.blocks.as_slice()
        && (SHORTEST_SENT..1 << 18).contains(&data.len())
    {
        for (layer, sent) in transported(text) {
            let arrived = parse(&sent).map(|blocks| summaries(&blocks));
            assert_eq!(arrived.as_ref(), Ok(&summaries(&file.blocks)), "{layer}");
        }
    }
    if !has_block(data) {
        return;
    }
    // A block that has no end goes on in what follows.
    let behind: &[u8] = if is_whole { b"\n \xf0 text\n" } else { b"" };
    let around = [b"Bag Attributes: \xff\r\n", data, behind].concat();
    // Text in front can only help to see where a damaged block begins.
    if found.is_ok() {
        assert_eq!(
            parse(&around)
                .map(|blocks| summaries(&blocks))
                .map_err(|_| ()),
            found,
            "with text around it"
        );
    }
    if let Ok(text) = str::from_utf8(data)
        && !text.contains('\r')
    {
        let windows = text.replace('\n', "\r\n");
        let windows = parse(windows.as_bytes())
            .map(|blocks| summaries(&blocks))
            .map_err(|_| ());
        assert_eq!(windows, found, "with CRLF");
    }
    if let Ok([pem]) = pem::parse_many(data).as_deref()
        && pem.headers().iter().next().is_none()
        && data
            .windows(11)
            .filter(|text| text == b"-----BEGIN ")
            .count()
            == 1
        && let (Ok(found), Ok(der)) = (found, parse(pem.contents()))
        && !is_mended
        && is_der(pem.contents())
        && !has_pem(pem.contents())
    {
        assert_eq!(found, summaries(&der), "not what the pem crate reads");
    }
}

/// `Proc-Type: 4,ENCRYPTED`. With an odd first byte, the first line is the `DEK-Info` and the
/// rest the body; else the rest is locked here, and must come out again.
pub fn key_legacy(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else {
        return;
    };
    if choice % 2 == 1 {
        let end = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len());
        let (dek_info, body) = rest.split_at(end);
        if let Ok(dek_info) = str::from_utf8(dek_info) {
            let _ = unlock_legacy(dek_info, body.get(1..).unwrap_or_default());
        }
    } else if let Some((iv, der)) = rest.split_first_chunk()
        && !has_pem(der)
    {
        let (dek_info, body) = lock_legacy(choice, iv, der);
        let unlocked = unlock_legacy(&dek_info, &body).expect("it is well-formed");
        let plain = parse(der);
        match plain.as_deref() {
            Ok([KeyBlock::Private(key)]) => {
                let unlocked = unlocked.map(|key| key.fingerprint());
                assert_eq!(unlocked, Ok(key.fingerprint()));
            }
            _ => assert!(unlocked.is_err()),
        }
    }
}

/// Unwrapped bytes, as both kinds of content key: taken as they are, or refused.
pub fn password_blob(data: &[u8]) {
    let read = |payload| {
        content_key_from_unwrapped(payload, data.to_vec().into())
            .map(|content| (content.key().to_vec(), content.iv().map(Vec::from)))
    };
    let length = |expected| PayloadError::Length {
        found: data.len(),
        expected,
    };
    let key = match data.len() {
        32 => Ok((data.to_vec(), None)),
        _ => Err(length(32)),
    };
    assert_eq!(read(Payload::Key), key);
    let with_iv = match data {
        [1, 1, 1, rest @ ..] if rest.len() == 48 => {
            Ok((rest[..32].to_vec(), Some(rest[32..].to_vec())))
        }
        [1, 1, 1, ..] | [] | [_] | [_, _] => Err(length(51)),
        &[version, algorithm, mode, ..] => Err(PayloadError::Header {
            version,
            algorithm,
            mode,
        }),
    };
    assert_eq!(read(Payload::HeaderKeyIv), with_iv);
}

/// Text in the layers that [`KeyFile::read`] takes off.
fn transported(text: &str) -> [(&'static str, Vec<u8>); 3] {
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes);
    let utf16 = [0xFF, 0xFE].into_iter().chain(utf16).collect();
    let base64 = BASE64_STANDARD.encode(text);
    let yaml = format!("data:\n  a: b\n  key: {base64}\n");
    [
        ("UTF-16", utf16),
        ("base64", base64.into_bytes()),
        ("base64 in YAML", yaml.into_bytes()),
    ]
}

/// A long DER sequence, which no text begins like.
fn is_der(data: &[u8]) -> bool {
    matches!(data, [0x30, 0x81..=0x84, ..])
}

fn is_open(block: &KeyBlock) -> bool {
    matches!(block, KeyBlock::Private(_))
}

fn has_pem(data: &[u8]) -> bool {
    data.windows(11).any(|text| text == b"-----BEGIN ")
}

/// Whether there is more of a PEM block than its `BEGIN`; without one, a file is judged as a whole.
fn has_block(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let mut blocks = text.split("-----BEGIN ").skip(1);
    blocks.any(|block| {
        let ascii = block.split(|c: char| !c.is_ascii()).next();
        ascii.is_some_and(|ascii| ascii.contains("-----"))
    })
}

/// What a block is, in words that can be compared.
fn summary(block: &KeyBlock) -> String {
    match block {
        KeyBlock::Private(key) => format!("private {} {}", key.fingerprint(), key.bits()),
        KeyBlock::Locked(_) => "locked".to_owned(),
        KeyBlock::Public(key) => format!("{key:?}"),
        KeyBlock::Unusable(error) => format!("unusable: {error}"),
    }
}

/// What the blocks are. The number of a damaged line is left out: text around it changes that.
fn summaries(blocks: &[KeyBlock]) -> Vec<String> {
    let is_digit = |char: char| char.is_ascii_digit();
    let summary = |block| match summary(block).split_once("in line ") {
        Some((what, line)) => format!("{what}in line {}", line.trim_start_matches(is_digit)),
        None => summary(block),
    };
    blocks.iter().map(summary).collect()
}

/// A private key that was let through works without panic, in bounded time.
fn check_private(key: &PrivateKey, data: &[u8]) {
    assert!((1024..=8192).contains(&key.bits()), "{} bits", key.bits());
    let mut wrapped = data.to_vec();
    wrapped.resize(key.bits().div_ceil(8), 7);
    for algorithm in [WrapAlgorithm::RsaOaepSha256, WrapAlgorithm::RsaPkcs1v15] {
        let _ = key.unwrap_bytes(algorithm, &wrapped);
        assert!(key.unwrap_bytes(algorithm, &wrapped[1..]).is_err());
    }
}

fn check_locked(locked: &LockedKey, der: &[u8]) {
    let Ok(info) = EncryptedPrivateKeyInfoRef::from_der(der) else {
        return;
    };
    if !is_cheap(&info.encryption_algorithm) {
        return;
    }
    let unlocked = locked.unlock(&Passphrase::new(PASSPHRASE.to_vec()));
    match info.decrypt(PASSPHRASE).map(|der| parse(der.as_bytes())) {
        // The crate sees damaged padding behind a key; unreel, whether the key's numbers fit.
        Err(_) => {
            if let Ok(key) = unlocked {
                check_private(&key, der);
            }
        }
        Ok(Ok(blocks)) => {
            if let [KeyBlock::Private(key)] = blocks.as_slice() {
                let unlocked = unlocked.map(|key| key.fingerprint());
                assert_eq!(unlocked, Ok(key.fingerprint()));
            }
        }
        Ok(Err(_)) => assert!(unlocked.is_err()),
    }
}

/// Whether a fuzzer has time to unlock it; nothing that is beyond the limits got here.
fn is_cheap(scheme: &EncryptionScheme) -> bool {
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        panic!("it is not PBES2");
    };
    match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => {
            let iterations = u64::from(pbkdf2.iteration_count);
            assert!((1..=MAX_ITERATIONS).contains(&iterations));
            iterations <= CHEAP_ITERATIONS
        }
        Kdf::Scrypt(scrypt) => {
            let memory = 128 * u128::from(scrypt.cost_parameter) * u128::from(scrypt.block_size);
            assert!((1..=u128::from(MAX_SCRYPT_MEMORY)).contains(&memory));
            memory * u128::from(scrypt.parallelization) <= u128::from(CHEAP_SCRYPT_WORK)
        }
        _ => panic!("it is neither PBKDF2 nor scrypt"),
    }
}

/// Reads a key file of one such block, and unlocks it.
fn unlock_legacy(dek_info: &str, body: &[u8]) -> Result<Result<PrivateKey, KeyError>, KeyError> {
    let label = "RSA PRIVATE KEY";
    let base64 = pem::encode(&Pem::new(label, body));
    let headers = format!("-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {dek_info}\n\n");
    let file = base64
        .replacen("-----\n", &headers, 1)
        .replacen("-----\r\n", &headers, 1);
    let blocks = parse(file.as_bytes())?;
    match blocks.as_slice() {
        [KeyBlock::Locked(locked)] => Ok(locked.unlock(&Passphrase::new(PASSPHRASE.to_vec()))),
        // A DEK-Info of several lines may hold anything.
        _ => Err(KeyError::NoKey),
    }
}

/// What `openssl rsa -traditional` does: the `DEK-Info`, and the body.
fn lock_legacy(choice: u8, iv: &[u8; 16], der: &[u8]) -> (String, Vec<u8>) {
    let (name, iv, body) = match choice / 2 % 4 {
        0 => ("AES-128-CBC", &iv[..], seal::<Aes128>(16, iv, der)),
        1 => ("AES-192-CBC", &iv[..], seal::<Aes192>(24, iv, der)),
        2 => ("AES-256-CBC", &iv[..], seal::<Aes256>(32, iv, der)),
        _ => (
            "DES-EDE3-CBC",
            &iv[..8],
            seal::<TdesEde3>(24, &iv[..8], der),
        ),
    };
    let hex: Vec<_> = iv.iter().map(|byte| format!("{byte:02X}")).collect();
    (format!("{name},{}", hex.concat()), body)
}

/// `EVP_BytesToKey` with MD5, then CBC.
fn seal<C: BlockCipherEncrypt + KeyInit>(key_len: usize, iv: &[u8], der: &[u8]) -> Vec<u8> {
    let salted = [PASSPHRASE, &iv[..8]].concat();
    let first = Md5::digest(&salted);
    let second = Md5::digest([&first[..], &salted].concat());
    let key = [first, second].concat();
    cbc::Encryptor::<C>::new_from_slices(&key[..key_len], iv)
        .expect("its lengths are right")
        .encrypt_padded_vec::<Pkcs7>(der)
}
