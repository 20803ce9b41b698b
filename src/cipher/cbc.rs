//! AES-256-CBC decryption (SP 800-38A, section 6.2) of a segment anywhere in the ciphertext.

use aes::Aes256Dec;
use cbc::Decryptor;
use cbc::cipher::{Array, BlockModeDecrypt, InnerIvInit, KeyInit};

use super::BLOCK;

/// A CBC key and IV.
pub struct Cbc {
    aes: Aes256Dec,
    iv: [u8; BLOCK],
}

impl Cbc {
    /// A decryptor for this key and IV.
    pub fn new(key: &[u8; 32], iv: [u8; BLOCK]) -> Self {
        Self {
            aes: Aes256Dec::new(key.into()),
            iv,
        }
    }

    /// Decrypts `blocks` in place. `before` is the ciphertext block in front of them, `None` for
    /// the first. Bytes beyond the last whole block are left as they are.
    pub fn open(&self, before: Option<&[u8; BLOCK]>, blocks: &mut [u8]) {
        let (blocks, _) = Array::slice_as_chunks_mut(blocks);
        let before = before.unwrap_or(&self.iv);
        Decryptor::inner_iv_init(&self.aes, before.into()).decrypt_blocks(blocks);
    }
}
