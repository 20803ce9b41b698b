//! Recordings that are not encrypted, copied as they are.

use std::io::Read;

use sha2::Digest;

use super::{Destination, Error, Integrity, Options, Outcome, Plaintext, Released};
use crate::cipher::{CipherError, SEGMENT};
use crate::io::Source;

/// Copies `source`, which is a recording already, to `destination`.
///
/// # Errors
/// See [`Error`]. With `require_integrity` always [`Error::Unproven`]: nothing shows whether the
/// provider sent these bytes.
pub(crate) fn copy(
    source: Source,
    destination: Destination,
    options: Options,
) -> Result<Outcome, Error> {
    if options.require_integrity {
        return Err(Error::Unproven);
    }
    match destination {
        Destination::Check => pass(source, Plaintext::new(None, None, options.sha256), options),
        Destination::Writer(writer) | Destination::WriterUnverified(writer) => {
            let plaintext = Plaintext::new(None, Some(writer), options.sha256);
            pass(source, plaintext, options)
        }
        Destination::File {
            staged,
            name,
            replace,
        } => {
            let plaintext = Plaintext::new(Some(&staged), None, options.sha256);
            let mut outcome = pass(source, plaintext, options)?;
            let output = name(&outcome.media)?;
            staged.commit(&output, replace)?;
            outcome.output = Released::File(output);
            Ok(outcome)
        }
    }
}

fn pass(mut source: Source, mut plaintext: Plaintext, options: Options) -> Result<Outcome, Error> {
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
    Ok(Outcome {
        integrity: Integrity::None,
        bytes_in: length,
        bytes_out: length,
        sha256: plaintext.sha256.map(|hash| hash.finalize().into()),
        media: plaintext.probe.finish(length),
        output,
    })
}
