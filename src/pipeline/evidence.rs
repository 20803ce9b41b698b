//! What a plaintext proves of itself.

use super::error::{Error, FoundInstead};
use crate::cipher::BLOCK;
use crate::envelope::{Expected, Padding};
use crate::media::{Media, Note};

/// What proves a plaintext, strongest first. Never more than was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Integrity {
    /// GCM's tag: authentic.
    Tag,
    /// A SHA-256 from the metadata.
    Digest,
    /// A length from the metadata, beside padding and container.
    Length,
    /// Padding and container only: damage inside may go unseen.
    Structure,
    /// Nothing: it was not encrypted, and is a copy.
    None,
}

impl Integrity {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Digest => "digest",
            Self::Length => "length",
            Self::Structure => "structure",
            Self::None => "none",
        }
    }
}

/// Judges an unauthenticated plaintext of `length` bytes by everything that is known of it.
///
/// A wrong key, a wrong IV, a cut or a damaged file must not pass for a recording. Damage that
/// was there before encryption is told from damage after it by the declared digest or length.
///
/// What a container says of its own length counts where nothing else says it: bytes that were
/// repeated or appended leave the padding valid.
///
/// `digests` are all that a declared one may be: Vonage's JSON has `sha256sum` and documents for
/// encrypted archives neither whether it is that of the ciphertext, nor where the plaintext ends.
pub(super) fn judge(
    expected: &Expected,
    length: u64,
    padding: Padding,
    digests: &[[u8; 32]],
    media: &Media,
) -> Result<Integrity, Error> {
    if let Some(declared) = expected.length
        && declared != length
    {
        let found = length;
        return Err(Error::Length { found, declared });
    }
    let digest = match expected.sha256 {
        Some(declared) if digests.contains(&declared) => true,
        Some(_) => return Err(Error::Digest),
        None => false,
    };
    let first_block = |note: &&Note| matches!(note, Note::FirstBlockDamaged(_));
    if let Some(note) = media.notes.iter().find(first_block) {
        return Err(Error::Damaged(*note));
    }
    if let Some(instead) = FoundInstead::of(expected, media) {
        return Err(Error::Container(instead));
    }
    // Up to one block behind the last packet or part is padding that was kept.
    let kept = if padding == Padding::Keep {
        BLOCK as u64
    } else {
        0
    };
    let proves = |note: &&Note| match note {
        Note::SyncLost { .. } => !digest,
        Note::PartialPacket { bytes } => !digest && *bytes > kept,
        Note::Stray { bytes } => !digest && expected.length.is_none() && *bytes > kept,
        Note::Truncated { .. } | Note::Repeated { .. } => !digest && expected.length.is_none(),
        Note::FirstBlockDamaged(_) | Note::HeaderIncomplete | Note::ClockJumps(_) => false,
    };
    if let Some(note) = media.notes.iter().find(proves) {
        return Err(Error::Damaged(*note));
    }
    Ok(if digest {
        Integrity::Digest
    } else if expected.length.is_some() {
        Integrity::Length
    } else {
        Integrity::Structure
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Container;
    use crate::media::Probe;

    fn expected() -> Expected {
        Expected {
            containers: &[Container::MpegTs, Container::Mp4],
            ..Expected::default()
        }
    }

    fn judged(file: &[u8], padding: Padding, expected: &Expected) -> Result<Integrity, Error> {
        let mut probe = Probe::new();
        probe.segment(0, file);
        let length = file.len() as u64;
        judge(expected, length, padding, &[[7; 32]], &probe.finish(length))
    }

    #[test]
    fn what_a_container_contradicts_is_refused_where_nothing_else_tells_its_length() {
        let file = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x09mdat?".to_vec();
        let repeated = file.repeat(2);
        let stray = [&file[..], &[16; 16]].concat();
        let cut = &file[..24];
        let structure = |file| judged(file, Padding::Pkcs7, &expected());
        assert_eq!(structure(&file).unwrap(), Integrity::Structure);
        assert!(matches!(
            structure(&repeated),
            Err(Error::Damaged(Note::Repeated { at: 25 }))
        ));
        assert!(matches!(
            structure(&stray),
            Err(Error::Damaged(Note::Stray { bytes: 16 }))
        ));
        assert!(matches!(
            structure(cut),
            Err(Error::Damaged(Note::Truncated { .. }))
        ));
        let kept = judged(&stray, Padding::Keep, &expected());
        assert_eq!(kept.unwrap(), Integrity::Structure);
        let longer = [&stray[..], &[0]].concat();
        assert!(judged(&longer, Padding::Keep, &expected()).is_err());
        for file in [&repeated[..], &stray, cut] {
            let by_length = Expected {
                length: Some(file.len() as u64),
                ..expected()
            };
            let by_digest = Expected {
                sha256: Some([7; 32]),
                ..expected()
            };
            let of = |expected| judged(file, Padding::Pkcs7, &expected).unwrap();
            assert_eq!(of(by_length), Integrity::Length);
            assert_eq!(of(by_digest), Integrity::Digest);
        }
    }

    #[test]
    fn what_stands_in_place_of_a_recording_is_named() {
        for (file, text) in [
            (&b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"[..], "WebM"),
            (b"RIFF\0\0\0\0WAVE", "WAV"),
            (b"something else", "nothing that is known"),
        ] {
            let error = judged(file, Padding::Keep, &expected()).unwrap_err();
            let text = format!("decrypted, it is {text}, not MPEG-TS or MP4");
            assert_eq!(error.to_string(), text);
        }
    }
}
