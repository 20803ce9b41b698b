//! [`LockedKey`]: a private key that wants a passphrase.

use super::error::KeyError;
use super::legacy::Legacy;
use super::passphrase::Passphrase;
use super::pbes2::Pbes2;
use super::rsa_key::PrivateKey;
use super::structure;

/// An encrypted private key whose encryption is supported and within the limits.
pub struct LockedKey(pub(super) Lock);

/// How it is encrypted.
pub(super) enum Lock {
    Pbes2(Pbes2),
    Legacy(Legacy),
}

impl LockedKey {
    /// Decrypts it: some milliseconds to some seconds, as the file demands.
    ///
    /// # Errors
    ///
    /// [`KeyError::WrongPassphrase`] if the padding is wrong or what comes out is no private key;
    /// the errors of [`parse`](super::parse) if it is one that is not supported.
    pub fn unlock(&self, passphrase: &Passphrase) -> Result<PrivateKey, KeyError> {
        let der = match &self.0 {
            Lock::Pbes2(lock) => lock.decrypt(passphrase)?,
            Lock::Legacy(lock) => lock.decrypt(passphrase)?,
        };
        structure::private(&der).map_err(|error| match error {
            KeyError::NoKey => KeyError::WrongPassphrase,
            other => other,
        })
    }
}
