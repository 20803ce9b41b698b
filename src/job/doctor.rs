//! What decrypting rests on, tried out: [`known_answers`], and [`key_files`].
//!
//! ```text
//! vectors ──► the unwrap, the pipeline, the engine of a recording ──► compared ──► measured
//! ```

mod backend;
mod keys;
mod vectors;

use std::io::{self, Cursor};
use std::num::NonZero;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub(crate) use self::keys::{KeyFile, key_files};
use self::vectors::{Bulk, DERIVED, Derived, SEALED, Sealed, WRAPPED, Wrapped};
use crate::cipher::{BLOCK, Cbc, Cipher, CipherError, Ciphertext, Engine, Gcm, ReadAt};
use crate::envelope::{ContentCipher, Envelope, Expected, Iv, KeyWrap, Payload, WrapAlgorithm};
use crate::io::Source;
use crate::key::{
    Kdf, KeyBlock, KeyError, PayloadError, UnwrapError, content_key_from_unwrapped, parse,
};
use crate::pipeline::ending::{self, PaddingError};
use crate::pipeline::{self, Destination, Opener, Options};

/// How long one thing is done over and over to see how fast it is.
const MEASURED: Duration = Duration::from_millis(25);

/// What came of one known answer.
pub(crate) struct Answer {
    /// As reports name it.
    pub name: &'static str,
    /// Whose answer it is.
    pub origin: &'static str,
    /// What it runs on here, such as `AES-NI, PCLMULQDQ`.
    pub backend: String,
    /// How fast it is, if it is right.
    pub result: Result<Speed, Wrong>,
}

/// How fast something is.
#[derive(Clone, Copy)]
pub(crate) struct Speed {
    /// So many of them.
    pub per_second: u64,
    /// What is counted.
    pub unit: &'static str,
    /// By so many threads at once.
    pub threads: usize,
}

/// Why an answer is not the known one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("the result is another one")]
    Result,
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Unwrap(#[from] UnwrapError),
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    #[error(transparent)]
    Cipher(#[from] CipherError),
    #[error(transparent)]
    Padding(#[from] PaddingError),
}

/// Unwraps, decrypts and derives what others did, one after another as they are asked for: some
/// hundredths of a second for each.
pub(crate) fn known_answers() -> impl Iterator<Item = Answer> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let wrapped = WRAPPED.iter().map(|known| Answer {
        name: known.algorithm.name(),
        origin: known.origin,
        backend: backend::unwrap(known.algorithm),
        result: unwraps(known),
    });
    let sealed = SEALED.iter().map(move |known| Answer {
        name: known.name,
        origin: known.published.origin,
        backend: backend::cipher(known.cipher.mode()),
        result: opens(known, threads),
    });
    let derived = DERIVED.iter().map(|known| Answer {
        name: known.kdf,
        origin: known.origin,
        backend: backend::derivation(known.kdf),
        result: derives(known),
    });
    wrapped.chain(sealed).chain(derived)
}

/// A content key is unwrapped as that of a recording is.
fn unwraps(known: &Wrapped) -> Result<Speed, Wrong> {
    let wrap = wrap(known.algorithm, bytes(known.wrapped));
    let mut blocks = parse(&bytes(known.private_key))?.into_iter();
    let Some(KeyBlock::Private(private)) = blocks.next() else {
        return Err(Wrong::Result);
    };
    if private.unwrap(&wrap)?.key() != &known.key {
        return Err(Wrong::Result);
    }
    let rate = rate(|| private.unwrap(&wrap).is_ok());
    Ok(Speed::of("unwraps", rate))
}

/// A small recording goes the way of one that comes through a pipe; what was published, and much at
/// once, that of a file, which several threads decrypt.
fn opens(known: &Sealed, threads: usize) -> Result<Speed, Wrong> {
    let Sealed {
        key,
        cipher,
        recording,
        bulk,
        published,
        ..
    } = known;
    let envelope = Envelope {
        id: None,
        wrap: wrap(WrapAlgorithm::RsaOaepSha256, vec![]),
        cipher: *cipher,
        expected: Expected {
            containers: recording.containers,
            ..Expected::default()
        },
    };
    let content_key = content_key_from_unwrapped(Payload::Key, Zeroizing::new(key.to_vec()))?;
    let opener = Opener::of(&envelope, &content_key)?;
    let source = Source::from_reader(Cursor::new(bytes(recording.ciphertext)), None);
    let mut plaintext = Vec::new();
    let destination = Destination::WriterUnverified(&mut plaintext);
    pipeline::decrypt(opener, source, destination, Options::default())?;
    let small = Memory(bytes(published.ciphertext));
    let small = digest(&published.key, published.cipher, &small, threads)?;
    let media = bulk.media();
    if plaintext != bytes(recording.plaintext)
        || small != *Sha256::digest(bytes(published.plaintext))
        || digest(key, *cipher, &media, threads)? != bulk.plaintext
    {
        return Err(Wrong::Result);
    }
    let cipher = keyed(key, *cipher);
    let rate = rate(|| decrypt(&cipher, &media, threads, &mut |_| ()).is_ok());
    Ok(Speed {
        threads,
        ..Speed::of("bytes", rate.saturating_mul(media.length()))
    })
}

fn derives(known: &Derived) -> Result<Speed, Wrong> {
    let kdf: Kdf = known.kdf.parse().map_err(|_| Wrong::Result)?;
    let derived = || kdf.derive(known.secret, known.salt);
    match derived() {
        Some(key) if *key.key() == known.key => {}
        _ => return Err(Wrong::Result),
    }
    Ok(Speed::of("derivations", rate(|| derived().is_some())))
}

impl Speed {
    fn of(unit: &'static str, per_second: u64) -> Self {
        Self {
            per_second,
            unit,
            threads: 1,
        }
    }
}

impl Bulk {
    fn media(&self) -> Memory {
        let mut ciphertext = pattern(self.length);
        ciphertext.extend(self.last);
        Memory(ciphertext)
    }
}

fn keyed(key: &[u8; 32], cipher: ContentCipher) -> Cipher {
    match cipher {
        ContentCipher::Aes256Gcm { iv } => Cipher::Gcm(Gcm::new(key, &iv, &[])),
        ContentCipher::Aes256Cbc { iv, .. } => {
            let ((Iv::Given(iv), _) | (Iv::Wrapped, iv)) = (iv, [0; BLOCK]);
            Cipher::Cbc(Cbc::new(key, iv))
        }
    }
}

/// The SHA-256 of a plaintext.
fn digest(
    key: &[u8; 32],
    cipher: ContentCipher,
    media: &Memory,
    threads: usize,
) -> Result<[u8; 32], Wrong> {
    let mut hash = Sha256::new();
    let mut each = |bytes: &[u8]| hash.update(bytes);
    let tail = decrypt(&keyed(key, cipher), media, threads, &mut each)?;
    if let ContentCipher::Aes256Cbc { padding, .. } = cipher {
        let kept = ending::kept(padding, media.length(), &tail)?;
        let (end, _) = tail.split_at(kept);
        hash.update(end);
    }
    Ok(hash.finalize().into())
}

/// The engine over the whole of it; its last block.
fn decrypt(
    cipher: &Cipher,
    media: &Memory,
    threads: usize,
    each: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<Zeroizing<[u8; BLOCK]>, CipherError> {
    let engine = Engine {
        threads,
        progress: &|_| (),
    };
    let length = media.length();
    let input = Ciphertext::File {
        file: media,
        length,
    };
    let tail = engine.decrypt(cipher, input, None, &mut |_, bytes| {
        each(bytes);
        Ok(())
    })?;
    Ok(tail.last)
}

/// A file that is memory.
struct Memory(Vec<u8>);

impl Memory {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }
}

impl ReadAt for Memory {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut rest = self.0.get(at..).unwrap_or_default();
        io::Read::read(&mut rest, buffer)
    }
}

/// Bytes that look like ciphertext, the same ones everywhere.
#[expect(clippy::cast_possible_truncation, reason = "bytes are wanted")]
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + i / 253) as u8).collect()
}

fn wrap(algorithm: WrapAlgorithm, wrapped: Vec<u8>) -> KeyWrap {
    KeyWrap {
        algorithm,
        payload: Payload::Key,
        key_id: None,
        wrapped,
    }
}

/// Base64 of this program's own; what is none is nothing, and no answer.
fn bytes(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap_or_default()
}

/// How often a second something is done, while it succeeds.
fn rate(mut once: impl FnMut() -> bool) -> u64 {
    let start = Instant::now();
    let mut count = 0_u64;
    while start.elapsed() < MEASURED && once() {
        count += 1;
    }
    let micros = start.elapsed().as_micros().max(1);
    u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
