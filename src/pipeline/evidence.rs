//! What a plaintext proves of itself.

use std::fmt;

use super::Error;
use crate::envelope::{Container, Expected};
use crate::media::{Media, Note, container_name};

/// What proves a plaintext, strongest first. Never more than was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// GCM's tag: authentic.
    Tag,
    /// A SHA-256 from the metadata.
    Digest,
    /// A length from the metadata, beside padding and container.
    Length,
    /// Padding and container only: damage inside may go unseen.
    Structure,
}

impl Integrity {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Digest => "digest",
            Self::Length => "length",
            Self::Structure => "structure",
        }
    }
}

/// What a plaintext is that should be a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundInstead(Option<Container>);

impl fmt::Display for FoundInstead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.map_or("nothing that is known", container_name))
    }
}

/// Judges an unauthenticated plaintext of `length` bytes by everything that is known of it.
///
/// A wrong key, a wrong IV, a cut or a damaged file must not pass for a recording. Damage that
/// was there before encryption is told from damage after it by the declared digest or length.
///
/// `digests` are all that a declared one may be: Vonage's JSON has `sha256sum` and documents for
/// encrypted archives neither whether it is that of the ciphertext, nor where the plaintext ends.
pub(super) fn judge(
    expected: &Expected,
    length: u64,
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
    if !media
        .container
        .is_some_and(|container| expected.containers.contains(&container))
    {
        return Err(Error::Container(FoundInstead(media.container)));
    }
    let proves = |note: &&Note| match note {
        Note::SyncLost { .. } => !digest,
        Note::Truncated { .. } => !digest && expected.length.is_none(),
        // Up to one block behind the last packet is padding that was kept.
        Note::PartialPacket { bytes } => !digest && *bytes > 16,
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
