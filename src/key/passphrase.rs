//! [`Passphrase`].

use zeroize::Zeroizing;

/// A passphrase: any bytes, in no particular encoding. Wiped when dropped; never printed.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes the bytes as they are: a line's end is the caller's to take off.
    pub fn new(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self(bytes.into())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
