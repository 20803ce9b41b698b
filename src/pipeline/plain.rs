//! Recordings that are not encrypted, copied as they are.

use std::io::Read;

use sha2::Digest;

use super::{Destination, Error, Integrity, Options, Outcome, Plaintext, Released};
use crate::cipher::{CipherError, SEGMENT};
use crate::io::Source;

/// What is known of the bytes of a recording that is not encrypted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Declared {
    /// How many they are.
    pub length: Option<u64>,
    /// Their SHA-256.
    pub sha256: Option<[u8; 32]>,
}

/// Copies `source`, which is a recording already, to `destination`.
///
/// # Errors
/// See [`Error`]. With `require_integrity` and nothing declared [`Error::Unproven`]: nothing shows
/// whether the provider sent these bytes.
pub(crate) fn copy(
    source: Source,
    declared: Declared,
    destination: Destination,
    options: Options,
) -> Result<Outcome, Error> {
    if options.require_integrity && declared.length.is_none() && declared.sha256.is_none() {
        return Err(Error::Unproven);
    }
    let hashed = options.sha256 || declared.sha256.is_some();
    match destination {
        Destination::Check => {
            let plaintext = Plaintext::new(None, None, hashed);
            pass(source, declared, plaintext, options)
        }
        Destination::Writer(writer) | Destination::WriterUnverified(writer) => {
            let plaintext = Plaintext::new(None, Some(writer), hashed);
            pass(source, declared, plaintext, options)
        }
        staged => {
            let plaintext = Plaintext::new(staged.staged(), None, hashed);
            let outcome = pass(source, declared, plaintext, options)?;
            staged.release(outcome)
        }
    }
}

fn pass(
    mut source: Source,
    declared: Declared,
    mut plaintext: Plaintext,
    options: Options,
) -> Result<Outcome, Error> {
    let output = match plaintext.writer {
        Some(_) => Released::Writer,
        None => Released::Nowhere,
    };
    let mut buffer = vec![0; SEGMENT];
    let mut length = 0;
    let mut reader = source.reader();
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CipherError::Read(error).into()),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        plaintext.end(length, bytes).map_err(plaintext.failure())?;
        if read == 0 {
            break;
        }
        length += read as u64;
        (options.progress)(read as u64);
    }
    drop(reader);
    if !source.is_unchanged().map_err(CipherError::Read)? {
        return Err(CipherError::Changed.into());
    }
    let sha256 = plaintext.sha256.map(|hash| hash.finalize().into());
    Ok(Outcome {
        integrity: judge(declared, length, sha256)?,
        bytes_in: length,
        bytes_out: length,
        sha256,
        media: plaintext.probe.finish(length),
        output,
    })
}

/// What of the bytes is proven by what was declared of them.
fn judge(declared: Declared, found: u64, sha256: Option<[u8; 32]>) -> Result<Integrity, Error> {
    match declared.length {
        Some(declared) if declared != found => return Err(Error::Length { found, declared }),
        _ => {}
    }
    match (declared.sha256, declared.length) {
        (Some(digest), _) if sha256 != Some(digest) => Err(Error::Digest),
        (Some(_), _) => Ok(Integrity::Digest),
        (None, Some(_)) => Ok(Integrity::Length),
        (None, None) => Ok(Integrity::None),
    }
}
