//! The CBC ciphers that private keys are encrypted with.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use zeroize::Zeroizing;

use super::error::KeyError;

/// A block cipher in CBC mode with PKCS#7 padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    DesEde3,
}

impl Cipher {
    /// The length of a key in bytes.
    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::DesEde3 => 24,
            Self::Aes256 => 32,
        }
    }

    /// The length of a block and of an initialization vector in bytes.
    pub(super) fn block_len(self) -> usize {
        match self {
            Self::DesEde3 => 8,
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
        }
    }

    /// # Errors
    ///
    /// [`KeyError::WrongPassphrase`] if the padding is wrong.
    pub(super) fn decrypt(
        self,
        key: &[u8],
        iv: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let plain = match self {
            Self::Aes128 => decrypt::<cbc::Decryptor<aes::Aes128>>(key, iv, &mut buffer),
            Self::Aes192 => decrypt::<cbc::Decryptor<aes::Aes192>>(key, iv, &mut buffer),
            Self::Aes256 => decrypt::<cbc::Decryptor<aes::Aes256>>(key, iv, &mut buffer),
            Self::DesEde3 => decrypt::<cbc::Decryptor<des::TdesEde3>>(key, iv, &mut buffer),
        };
        let len = plain.ok_or(KeyError::WrongPassphrase)?;
        buffer.truncate(len);
        Ok(buffer)
    }
}

/// The length of the plaintext, which is then at the buffer's start.
fn decrypt<D: KeyIvInit + BlockModeDecrypt>(
    key: &[u8],
    iv: &[u8],
    buffer: &mut [u8],
) -> Option<usize> {
    let cipher = D::new_from_slices(key, iv).ok()?;
    let plain = cipher.decrypt_padded::<Pkcs7>(buffer).ok()?;
    Some(plain.len())
}
