//! [`Opener`]: what opens one recording.

use super::error::Error;
use crate::cipher::{Cbc, Cipher, Gcm};
use crate::envelope::{ContentCipher, Envelope, Expected, Iv, Padding};
use crate::key::ContentKey;

/// What opens one recording: its cipher with key and IV, and what must come out.
pub struct Opener {
    /// The content cipher, keyed.
    pub(super) cipher: Cipher,
    /// What stands behind the last byte of a CBC plaintext; not used for GCM.
    pub(super) padding: Padding,
    /// What is known of the plaintext.
    pub(super) expected: Expected,
}

impl Opener {
    /// The opener of an envelope whose content key is unwrapped.
    ///
    /// # Errors
    /// [`Error::NoIv`].
    pub fn of(envelope: &Envelope, key: &ContentKey) -> Result<Self, Error> {
        Ok(Self {
            cipher: cipher(envelope, key)?,
            padding: match envelope.cipher {
                ContentCipher::Aes256Gcm { .. } => Padding::Keep,
                ContentCipher::Aes256Cbc { padding, .. } => padding,
            },
            expected: envelope.expected.clone(),
        })
    }
}

/// The content cipher of an envelope, keyed.
pub(super) fn cipher(envelope: &Envelope, key: &ContentKey) -> Result<Cipher, Error> {
    Ok(match envelope.cipher {
        ContentCipher::Aes256Gcm { iv } => Cipher::Gcm(Gcm::new(key.key(), &iv, &[])),
        ContentCipher::Aes256Cbc { iv, .. } => {
            let iv = match iv {
                Iv::Given(iv) => iv,
                Iv::Wrapped => key.iv().ok_or(Error::NoIv)?,
            };
            Cipher::Cbc(Cbc::new(key.key(), iv))
        }
    })
}
