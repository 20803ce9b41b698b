//! The shared AES core: streaming CBC and GCM. Knows no provider and opens no file.
//!
//! Ciphertext is cut into segments of [`SEGMENT`] bytes. Each is opened by itself — a CBC block
//! needs only the ciphertext block before it, GCM's keystream only the offset — so that workers
//! can take segments in parallel. What is common to all of them (the tag) is folded in order.

mod cbc;
mod engine;
mod error;
mod feed;
mod gcm;
mod workers;

pub use self::cbc::Cbc;
pub use engine::{Engine, Tail, WriteAt};
pub use error::CipherError;
pub(crate) use feed::check_length;
pub use feed::{Ciphertext, ReadAt};
pub use gcm::Gcm;
pub(crate) use gcm::MAX_PLAINTEXT;
pub(crate) use workers::{lock, on_threads};

pub use crate::envelope::{BLOCK, SEGMENT};

/// A content cipher with its key and IV.
#[expect(clippy::large_enum_variant, reason = "there is one a recording")]
pub enum Cipher {
    /// AES-256-GCM; the last block of the input is the tag.
    Gcm(Gcm),
    /// AES-256-CBC; the last block of the input holds the padding.
    Cbc(Cbc),
}

impl Cipher {
    /// Decrypts bytes of a ciphertext in place, unverified. `offset` is their place in it, a
    /// multiple of 16, and `before` the block in front of them, `None` for the first. Of CBC,
    /// bytes beyond the last whole block are left as they are.
    pub fn open_at(&self, offset: u64, before: Option<&[u8; BLOCK]>, bytes: &mut [u8]) {
        match self {
            Self::Gcm(gcm) => gcm.apply(offset, bytes),
            Self::Cbc(cbc) => cbc.open(before, bytes),
        }
    }
}
