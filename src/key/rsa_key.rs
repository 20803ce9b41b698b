//! [`PrivateKey`], [`PublicKey`] and their [`Fingerprint`].

use std::fmt;

use pkcs8::der::asn1::{BitStringRef, UintRef};
use pkcs8::der::{self, Decode, Encode};
use pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{self, RsaPrivateKeyRef, RsaPublicKeyRef};
use rsa::traits::PublicKeyParts;
use sha2::{Digest, Sha256};

use super::error::{ForeignKind, KeyError};

/// The sizes of RSA modulus that are read, in bits.
const BITS: std::ops::RangeInclusive<usize> = 1024..=8192;

/// The name of a key pair: SHA-256 of its DER `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
///
/// Displays as `sha256:` and 64 hex digits, which
/// `openssl pkey -in key.pem -pubout -outform DER | openssl sha256` prints too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(key: &RsaPublicKeyRef<'_>) -> der::Result<Self> {
        let key = key.to_der()?;
        let info = SubjectPublicKeyInfoRef {
            algorithm: pkcs1::ALGORITHM_ID,
            subject_public_key: BitStringRef::from_bytes(&key)?,
        };
        Ok(Self(Sha256::digest(info.to_der()?).into()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An RSA private key that was found consistent. Wiped when dropped; never printed.
pub struct PrivateKey {
    rsa: RsaPrivateKey,
    fingerprint: Fingerprint,
}

impl PrivateKey {
    /// Reads an `RSAPrivateKey` (RFC 8017, A.1.2).
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::malformed("RSA private key", "it is not RFC 8017 DER");
        let parts = RsaPrivateKeyRef::from_der(der).map_err(malformed)?;
        if parts.version() == pkcs1::Version::Multi {
            return Err(KeyError::Foreign(ForeignKind::MultiPrime));
        }
        let bits = bit_length(parts.modulus);
        if !BITS.contains(&bits) {
            return Err(KeyError::Size { bits });
        }
        let fingerprint = Fingerprint::of(&parts.public_key()).map_err(malformed)?;
        let rsa = RsaPrivateKey::try_from(parts).map_err(|_| KeyError::Inconsistent)?;
        Ok(Self { rsa, fingerprint })
    }

    /// The name of the key pair.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The length of the modulus in bits.
    pub fn bits(&self) -> usize {
        usize::try_from(self.rsa.n().bits_vartime()).unwrap_or(usize::MAX)
    }

    pub(super) fn rsa(&self) -> &RsaPrivateKey {
        &self.rsa
    }
}

/// The public half of a key pair, as it stood in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The name of the key pair.
    pub fingerprint: Fingerprint,
    /// The length of the modulus in bits.
    pub bits: usize,
    /// In what form it stood there.
    pub kind: PublicKind,
}

/// The form of a [`PublicKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKind {
    /// An X.509 certificate.
    Certificate,
    /// A bare public key, `SubjectPublicKeyInfo` or PKCS#1.
    Bare,
}

impl fmt::Display for PublicKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Bare => "public key",
        })
    }
}

impl PublicKey {
    /// Reads an `RSAPublicKey` (RFC 8017, A.1.1).
    pub(super) fn from_pkcs1(der: &[u8], kind: PublicKind) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::malformed("RSA public key", "it is not RFC 8017 DER");
        let parts = RsaPublicKeyRef::from_der(der).map_err(malformed)?;
        Ok(Self {
            fingerprint: Fingerprint::of(&parts).map_err(malformed)?,
            bits: bit_length(parts.modulus),
            kind,
        })
    }
}

/// The bits of a number without its leading zeros.
fn bit_length(number: UintRef<'_>) -> usize {
    match number.as_bytes() {
        [] => 0,
        [first, rest @ ..] => {
            let first = u8::BITS - first.leading_zeros();
            rest.len() * 8 + usize::try_from(first).unwrap_or_default()
        }
    }
}
