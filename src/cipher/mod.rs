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
mod layout;
pub mod padding;

pub use self::cbc::Cbc;
pub use engine::{Engine, Opened, WriteAt};
pub use error::CipherError;
pub use feed::{Input, ReadAt, check_length};
pub use gcm::{Gcm, MAX_PLAINTEXT};
pub use layout::{Layout, Place, UnknownLayout};

/// Bytes in a segment: a multiple of the AES block (16), of an MPEG-TS packet (188) and of a
/// page (4,096), small enough that a segment stays in a core's cache while it is worked on.
pub const SEGMENT: usize = 192_512;

/// Bytes in an AES block, and in a GCM tag.
pub const BLOCK: usize = 16;

/// A content cipher with its key and IV.
#[expect(clippy::large_enum_variant, reason = "there is one a recording")]
pub enum Cipher {
    /// AES-256-GCM; the last block of the input is the tag.
    Gcm(Gcm),
    /// AES-256-CBC; the last block of the input holds the padding.
    Cbc(Cbc),
}

impl Cipher {
    /// Decrypts the first bytes of a ciphertext in place, unverified, to see what they are.
    pub fn peek(&self, head: &mut [u8]) {
        match self {
            Self::Gcm(gcm) => gcm.peek(head),
            Self::Cbc(cbc) => cbc.open(None, head),
        }
    }
}
