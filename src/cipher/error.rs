//! What can go wrong between ciphertext and plaintext.

use std::io;

/// Why a ciphertext was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// Reading ciphertext failed.
    #[error("reading failed")]
    Read(#[source] io::Error),
    /// Writing plaintext failed.
    #[error("writing failed")]
    Write(#[source] io::Error),
    /// Shorter than one block: no tag, no padding.
    #[error("it has {length} bytes, fewer than the 16 that its last block alone needs")]
    TooShort {
        /// Bytes found.
        length: u64,
    },
    /// Longer than GCM allows under one IV (SP 800-38D, 5.2.1.1).
    #[error("it is longer than the 2^36 - 16 bytes that an AES-GCM recording can have")]
    TooLong,
    /// A CBC ciphertext that is not whole blocks.
    #[error("its {length} bytes are not a whole number of 16-byte blocks")]
    Ragged {
        /// Bytes found.
        length: u64,
    },
    /// The GCM tag does not match.
    #[error("the authentication tag does not match")]
    Tag,
    /// The input was not the same when it was read again, or shrank while being read.
    #[error("it changed while it was being read")]
    Changed,
}
