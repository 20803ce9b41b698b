//! [`Passphrase`].

use zeroize::Zeroizing;

/// A passphrase: any bytes, in no particular encoding. Wiped when dropped; never printed.
pub struct Passphrase {
    bytes: Zeroizing<Vec<u8>>,
    typed: bool,
}

impl Passphrase {
    /// Takes the bytes as they are: a line's end is the caller's to take off.
    pub fn new(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self {
            bytes: bytes.into(),
            typed: false,
        }
    }

    /// The same of what a person typed, who can be asked again if it is wrong.
    pub fn typed(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self {
            bytes: bytes.into(),
            typed: true,
        }
    }

    pub(super) fn was_typed(&self) -> bool {
        self.typed
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}
