//! What the first bytes of a recording show, before any of it is released.

use std::io;

use zeroize::Zeroizing;

use super::error::{ChooseError, Error};
use super::opener::cipher;
use crate::cipher::{Cipher, CipherError};
use crate::envelope::{Container, Envelope};
use crate::io::{Source, Wrapper};
use crate::key::{Candidates, ContentKey, RingError, Unwrapped};
use crate::media::{Head, Media, Sniff, TsScan, mangled, sniff};

/// The ciphertext in a source that a transfer left something around, and what that was. Nothing is
/// taken on trust: the tag, or the container, tells whether what is inside was ciphertext.
///
/// # Errors
/// See [`Error`]; the text inside may go on otherwise than it began.
pub(crate) fn unwrapped(mut source: Source) -> Result<(Source, Option<Wrapper>), Error> {
    let head = source.head().map_err(CipherError::Read)?;
    let Some(wrapper) = Wrapper::of(head) else {
        return Ok((source, None));
    };
    let inside = wrapper
        .take_off(source)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Error::NotCiphertext(Sniff::Text),
            _ => Error::Spool(error),
        })?;
    Ok((inside, Some(wrapper)))
}

/// Looks whether a file that starts with `head` can be ciphertext of any kind.
///
/// # Errors
/// What it is instead, or what happened to it.
pub(crate) fn inspect_head(head: &[u8]) -> Result<(), Error> {
    if let Some(seen) = sniff(head) {
        return Err(Error::NotCiphertext(seen));
    }
    mangled(head).map_or(Ok(()), |cause| Err(Error::SavedAsText(cause)))
}

/// Looks whether a source can be this recording's ciphertext at all, before any key is touched.
///
/// # Errors
/// What it is instead, or a length that cannot be.
pub fn inspect_source(envelope: &Envelope, source: &mut Source) -> Result<(), Error> {
    let fits = source.length().map_or(Ok(()), |length| {
        crate::cipher::check_length(envelope.cipher, length)
    });
    // What is too long is another file, whatever it looks like.
    if let Err(error @ CipherError::TooLong) = fits {
        return Err(error.into());
    }
    inspect_head(source.head().map_err(CipherError::Read)?)?;
    Ok(fits?)
}

/// Picks the candidate that opens the recording in `source`, by its first bytes.
///
/// OAEP proves its key, and the source is not read; RSAES-PKCS1-v1_5 does not, so there the content has to show a container,
/// if only behind a destroyed first block. If it never does, the first candidate stands: a wrong
/// key gives one in half a percent of cases, so most likely the key is right and the media
/// wrong, and [`decrypt`](super::decrypt) will say what is wrong with it.
///
/// # Errors
/// The key ring's; or the source cannot be read, or there is no IV.
pub fn choose(
    envelope: &Envelope,
    source: &mut Source,
    mut candidates: Candidates<'_>,
) -> Result<Unwrapped, ChooseError> {
    let (mut damaged, mut unproven) = (None, None);
    while let Some(candidate) = candidates.next() {
        let candidate = candidate?;
        if envelope.wrap.algorithm.proves_key() {
            return Ok(candidate);
        }
        let head = source
            .head()
            .map_err(CipherError::Read)
            .map_err(Error::from)?;
        let media = look(&cipher(envelope, &candidate.key)?, head, u64::MAX);
        if is_expected(envelope, media.container) {
            candidates.accept(&candidate);
            return Ok(candidate);
        }
        if is_expected(envelope, media.damaged) {
            damaged.get_or_insert(candidate);
        } else {
            unproven.get_or_insert(candidate);
        }
    }
    let stands = damaged.or(unproven);
    stands.ok_or_else(|| RingError::NotOpened(candidates.not_opened()).into())
}

/// Whether the first bytes of `source` show, under this content key, what the envelope expects.
///
/// # Errors
/// The source cannot be read, or there is no IV.
pub(crate) fn shows_recording(
    envelope: &Envelope,
    key: &ContentKey,
    source: &mut Source,
) -> Result<bool, Error> {
    let head = source.head().map_err(CipherError::Read)?;
    let media = look(&cipher(envelope, key)?, head, u64::MAX);
    Ok(is_expected(envelope, media.container))
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
