//! What the first bytes of a recording show, before any of it is released.

use zeroize::Zeroizing;

use super::{Error, cipher};
use crate::cipher::{Cipher, CipherError};
use crate::envelope::{Container, Envelope, WrapAlgorithm};
use crate::io::Source;
use crate::key::{self, RingError};
use crate::media::{Head, Media, TsScan, sniff};

/// Looks whether a source can be this recording's ciphertext at all, before any key is touched.
///
/// # Errors
/// What it is instead, or a length that cannot be.
pub fn inspect_source(envelope: &Envelope, source: &mut Source) -> Result<(), Error> {
    if let Some(seen) = sniff(source.head().map_err(CipherError::Read)?) {
        return Err(Error::NotCiphertext(seen));
    }
    if let Some(length) = source.length() {
        crate::cipher::check_length(envelope.cipher, length)?;
    }
    Ok(())
}

/// Picks the candidate that opens the recording in `source`, by its first bytes.
///
/// OAEP proves its key; RSAES-PKCS1-v1_5 does not, so there the content has to show a container,
/// if only behind a destroyed first block. If it never does, the first candidate stands: a wrong
/// key gives one in half a percent of cases, so most likely the key is right and the media
/// wrong, and [`open`](super::open) will say what is wrong with it.
///
/// # Errors
/// If the source cannot be read, or there is no IV; within, the key ring's.
pub fn choose<E>(
    envelope: &Envelope,
    source: &mut Source,
    mut candidates: key::Search<'_, E>,
) -> Result<Result<key::Opened, RingError<E>>, Error> {
    let head = source.head().map_err(CipherError::Read)?;
    let proven = envelope.wrap.algorithm != WrapAlgorithm::RsaPkcs1v15;
    let (mut damaged, mut unproven) = (None, None);
    for candidate in candidates.by_ref() {
        let candidate = match candidate {
            Ok(candidate) => candidate,
            Err(error) => return Ok(Err(error)),
        };
        let media = look(&cipher(envelope, &candidate.key)?, head, u64::MAX);
        if proven || is_expected(envelope, media.container) {
            return Ok(Ok(candidate));
        }
        if is_expected(envelope, media.damaged) {
            damaged.get_or_insert(candidate);
        } else {
            unproven.get_or_insert(candidate);
        }
    }
    let stands = damaged.or(unproven);
    Ok(stands.ok_or_else(|| RingError::NotOpened(candidates.not_opened())))
}

/// What a plaintext of `length` bytes is, by its first segment.
pub(super) fn look(cipher: &Cipher, head: &[u8], length: u64) -> Media {
    let mut plaintext = Zeroizing::new(head.to_vec());
    cipher.open_at(0, None, &mut plaintext);
    let mut head = Head::default();
    head.take(0, &plaintext);
    head.finish(TsScan::of(0, &plaintext), length)
}

fn is_expected(envelope: &Envelope, container: Option<Container>) -> bool {
    container.is_some_and(|container| envelope.expected.containers.contains(&container))
}
