//! New key pairs, and private and public keys as text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use getrandom::SysRng;
use pkcs8::der::asn1::OctetString;
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::{
    EncodePrivateKey, EncodePublicKey, EncryptedPrivateKeyInfo, LineEnding, SecretDocument,
};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::UnwrapErr;
use zeroize::Zeroizing;

use super::passphrase::Passphrase;
use super::rsa_key::PrivateKey;

/// What OWASP's Password Storage Cheat Sheet asks of PBKDF2-HMAC-SHA256 at the least.
const ITERATIONS: u32 = 600_000;

/// Why there is no new key, certificate or text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// An RSA key of another size than 1024 to 8192 bits.
    #[error("RSA keys of {bits} bits are not supported")]
    Size {
        /// The size asked for.
        bits: usize,
    },
    /// Neither a common name nor a distinguished name.
    #[error("`{subject}` cannot be the subject of a certificate: {reason}")]
    Subject {
        /// What was given.
        subject: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A certificate that would end beyond the year 9999, or before it begins.
    #[error("a certificate cannot be valid for {days} days")]
    Validity {
        /// What was asked for.
        days: u32,
    },
    /// The operating system has no randomness, or the RSA library failed.
    #[error("cannot make the {what}")]
    Failed {
        /// What was to be made.
        what: &'static str,
    },
}

/// Makes an RSA key pair of 1024 to 8192 bits with the public exponent 65537, from the operating
/// system's randomness. Takes a second or a few, the more bits the longer.
///
/// # Errors
///
/// [`GenerateError::Size`] or [`GenerateError::Failed`].
pub fn generate(bits: usize) -> Result<PrivateKey, GenerateError> {
    if !(1024..=8192).contains(&bits) {
        return Err(GenerateError::Size { bits });
    }
    let failed = GenerateError::Failed { what: "RSA key" };
    // The RSA library cannot pass on a failure of the system's generator; ask beforehand.
    getrandom::fill(&mut [0; 32]).map_err(|_| failed.clone())?;
    let key = RsaPrivateKey::new(&mut UnwrapErr(SysRng), bits).map_err(|_| failed.clone())?;
    let der = key.to_pkcs1_der().map_err(|_| failed.clone())?;
    PrivateKey::from_pkcs1(der.as_bytes()).map_err(|_| failed)
}

/// A key and a salt that are shared as text: 256 random bits as 64 lower-case hexadecimal digits, 128
/// as 24 characters of base64 (RFC 4648).
///
/// # Errors
///
/// [`GenerateError::Failed`].
pub(crate) fn shared_pair() -> Result<(Zeroizing<String>, Zeroizing<String>), GenerateError> {
    let failed = |_| GenerateError::Failed { what: "key" };
    let (mut key, mut salt) = (Zeroizing::new([0; 32]), [0; 16]);
    getrandom::fill(&mut *key).map_err(failed)?;
    getrandom::fill(&mut salt).map_err(failed)?;
    let key = Zeroizing::new(base16ct::lower::encode_string(&*key));
    Ok((key, Zeroizing::new(BASE64_STANDARD.encode(salt))))
}

impl PrivateKey {
    /// The private key as PKCS#8 in PEM (RFC 5958, RFC 7468), encrypted if there is a passphrase:
    /// PBES2 with AES-256-CBC and PBKDF2-HMAC-SHA256 (RFC 8018).
    ///
    /// # Errors
    ///
    /// [`GenerateError::Failed`].
    pub fn pkcs8_pem(
        &self,
        passphrase: Option<&Passphrase>,
    ) -> Result<Zeroizing<String>, GenerateError> {
        let failed = GenerateError::Failed {
            what: "private key file",
        };
        let der = self.rsa().to_pkcs8_der().map_err(|_| failed.clone())?;
        match passphrase {
            None => der.to_pem("PRIVATE KEY", LineEnding::LF),
            Some(passphrase) => encrypt(&der, passphrase)
                .ok_or(failed.clone())?
                .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF),
        }
        .map_err(|_| failed)
    }

    /// The public key as `SubjectPublicKeyInfo` in PEM (RFC 5280, RFC 7468).
    ///
    /// # Errors
    ///
    /// [`GenerateError::Failed`].
    pub fn public_pem(&self) -> Result<String, GenerateError> {
        let pem = self.rsa().to_public_key().to_public_key_pem(LineEnding::LF);
        pem.map_err(|_| GenerateError::Failed { what: "public key" })
    }
}

/// `None` if the system has no randomness.
fn encrypt(der: &SecretDocument, passphrase: &Passphrase) -> Option<SecretDocument> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).ok()?;
    getrandom::fill(&mut iv).ok()?;
    let scheme = Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv).ok()?;
    let ciphertext = scheme.encrypt(passphrase.as_bytes(), der.as_bytes()).ok()?;
    let encrypted_data = OctetString::new(ciphertext).ok()?;
    let info = EncryptedPrivateKeyInfo {
        encryption_algorithm: scheme.into(),
        encrypted_data,
    };
    info.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyBlock, parse};

    #[test]
    fn what_is_written_is_read() {
        let key = generate(1024).unwrap();
        let passphrase = || Passphrase::new(b"secret".to_vec());
        let plain = key.pkcs8_pem(None).unwrap();
        let blocks = parse(plain.as_bytes()).unwrap();
        let [KeyBlock::Private(read)] = blocks.as_slice() else {
            panic!("not plain")
        };
        assert_eq!((read.fingerprint(), read.bits()), (key.fingerprint(), 1024));

        let locked = key.pkcs8_pem(Some(&passphrase())).unwrap();
        assert_ne!(
            *locked,
            *key.pkcs8_pem(Some(&passphrase())).unwrap(),
            "random salt and IV"
        );
        let blocks = parse(locked.as_bytes()).unwrap();
        let [KeyBlock::Locked(read)] = blocks.as_slice() else {
            panic!("not locked")
        };
        assert_eq!(
            read.unlock(&passphrase()).unwrap().fingerprint(),
            key.fingerprint()
        );
    }

    #[test]
    fn a_shared_pair_is_256_and_128_bits_as_text_and_another_each_time() {
        let (key, salt) = shared_pair().unwrap();
        assert_eq!(base16ct::lower::decode_vec(&*key).unwrap().len(), 32);
        assert_eq!(BASE64_STANDARD.decode(&*salt).unwrap().len(), 16);
        let (another, other) = shared_pair().unwrap();
        assert!(key != another && salt != other);
    }

    #[test]
    fn other_sizes_are_refused() {
        for bits in [0, 512, 1023, 8193, usize::MAX] {
            assert_eq!(generate(bits).err(), Some(GenerateError::Size { bits }));
        }
    }
}
