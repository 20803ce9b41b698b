//! [`Chain`]: what each line of an audit log says of the line before.

use sha2::{Digest, Sha256};

/// What is known of the last line. The next one has to say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The line's number over all files; 0 where there is none.
    pub(super) seq: u64,
    /// The SHA-256 of the line without its newline; zeros where there is none.
    hash: [u8; 32],
}

impl Chain {
    /// What is known once the line `seq` is `text`.
    pub(super) fn at(seq: u64, text: &[u8]) -> Self {
        let hash = Sha256::digest(text).into();
        Self { seq, hash }
    }

    /// The number of the next line.
    pub(super) fn next(self) -> u64 {
        self.seq.saturating_add(1)
    }

    /// The hash in lower hexadecimal.
    pub(super) fn hash(&self) -> String {
        base16ct::lower::encode_string(&self.hash)
    }
}
