//! [`NotOpened`] and [`RingError`]: why no key of a ring opens a recording.

use std::fmt;

use super::error::{KeyError, PayloadError};
use super::rsa_key::{Fingerprint, PublicKey};

/// Why [`Candidates`](super::Candidates) ended without a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// None of the private keys opens the recording, or there is none.
    #[error("{0}")]
    NotOpened(NotOpened),
    /// It is the right private key, but what it opened is not a content key.
    #[error("the private key in `{origin}` opens it, and {error}")]
    Payload {
        /// The printable name of the file the key came from.
        origin: String,
        /// The private key's name.
        fingerprint: Fingerprint,
        /// What is wrong with the bytes.
        error: PayloadError,
    },
    /// A locked key could not be unlocked, and no other key opens the recording.
    #[error("the private key in `{origin}` cannot be used: {error}")]
    Unlock {
        /// The printable name of the file the key came from.
        origin: String,
        /// Why; a wrong passphrase, mostly.
        error: KeyError,
    },
    /// There was no passphrase for a locked key, and no other key opens the recording.
    #[error("the private key in `{origin}` needs a passphrase")]
    NoPassphrase {
        /// The printable name of the file the key came from.
        origin: String,
    },
}

/// None of the private keys opens the recording: what the caller needs to say more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotOpened {
    /// The private keys that were tried. Empty if there is none.
    pub tried: Vec<Tried>,
    /// The length of the wrapped key in bytes: that of the right key's modulus.
    pub wrapped_len: usize,
    /// The certificates and public keys that belong to none of the private keys.
    pub meant: Vec<Companion>,
    /// What could not be used.
    pub passed_over: Vec<PassedOver>,
}

/// A private key that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tried {
    /// The printable name of the file it came from.
    pub origin: String,
    /// Its name.
    pub fingerprint: Fingerprint,
    /// The length of its modulus in bits.
    pub bits: usize,
}

/// A certificate or public key that was among the key files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Companion {
    /// The printable name of the file it came from.
    pub origin: String,
    /// The key.
    pub key: PublicKey,
}

/// A file, or a private key in it, that could not be used where that was no reason to end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassedOver {
    /// The printable name of the file.
    pub origin: String,
    /// Why it cannot be used. Untrusted text.
    pub why: String,
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.tried.as_slice(), self.meant.as_slice()) {
            ([], []) => f.write_str("there is no private key"),
            ([], [public, ..]) => write!(f, "there is no private key, only a {}", public.key.kind),
            ([_], _) => f.write_str("the private key does not open it"),
            (tried, _) => write!(f, "none of the {} private keys opens it", tried.len()),
        }
    }
}
