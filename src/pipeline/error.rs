//! [`Error`]: why a recording was not released.

use std::fmt;
use std::io;

use super::ending::PaddingError;
use crate::cipher::CipherError;
use crate::envelope::{Container, Expected};
use crate::io::OutputError;
use crate::key::RingError;
use crate::media::{Mangled, Media, Note, Sniff, container_name};

/// Why no private key was found for a recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChooseError {
    /// None of them opens it.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// Its first bytes could not be looked at.
    #[error(transparent)]
    Recording(#[from] Error),
}

/// Why a recording was not released.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is something else than ciphertext.
    #[error("it is not encrypted media: it is {0}")]
    NotCiphertext(Sniff),
    /// The input was ciphertext once.
    #[error("it was saved as text and is no ciphertext any more: {0}")]
    SavedAsText(Mangled),
    /// It should be a recording already, and is none.
    #[error("it is said not to be encrypted, and is no recording that is known")]
    NotPlain,
    /// An envelope that keeps the IV in the wrapped key, where there is none.
    #[error("its metadata gives no IV, and none is wrapped together with its key")]
    NoIv,
    /// The ciphertext cannot be read, or is none.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// A stream could not be kept for a second pass.
    #[error("its ciphertext could not be kept in the temporary folder")]
    Spool(#[source] io::Error),
    /// The plaintext does not end as it should.
    #[error("decrypted, {0}")]
    Padding(PaddingError),
    /// The plaintext has another length than the metadata says.
    #[error("decrypted, it has {found} bytes, and its metadata says {declared}")]
    Length {
        /// Bytes of plaintext.
        found: u64,
        /// Bytes that the metadata declares.
        declared: u64,
    },
    /// The declared SHA-256 fits nothing.
    #[error(
        "the sha256sum in its metadata is neither that of the encrypted file, nor of the \
         decrypted one with or without its padding"
    )]
    Digest,
    /// The plaintext is no recording, or none of this kind.
    #[error("decrypted, it is {0}")]
    Container(FoundInstead),
    /// The plaintext is damaged.
    #[error("decrypted, {0}")]
    Damaged(Note),
    /// `--require-integrity`, and nothing to meet it with.
    #[error("nothing in its format or metadata proves its integrity")]
    Unproven,
    /// The output was refused or failed.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The temporary output file failed.
    #[error("writing the decrypted media failed")]
    Write(#[source] io::Error),
    /// The writer failed.
    #[error("writing out the decrypted media failed")]
    Writer(#[source] io::Error),
}

/// What a plaintext is that should be a recording of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundInstead {
    /// What it is; `None`: nothing that is known.
    pub found: Option<Container>,
    /// What this kind of recording comes as.
    pub expected: &'static [Container],
}

impl FoundInstead {
    /// What stands in place of a recording that is `expected`, if something does.
    pub(super) fn of(expected: &Expected, media: &Media) -> Option<Self> {
        let is_expected = |container| expected.containers.contains(&container);
        (!media.container.is_some_and(is_expected)).then_some(Self {
            found: media.container,
            expected: expected.containers,
        })
    }
}

impl fmt::Display for FoundInstead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.found.map_or("nothing that is known", container_name))?;
        for (nth, container) in self.expected.iter().enumerate() {
            f.write_str(match nth {
                0 => ", not ",
                _ if nth + 1 == self.expected.len() => " or ",
                _ => ", ",
            })?;
            f.write_str(container_name(*container))?;
        }
        Ok(())
    }
}
