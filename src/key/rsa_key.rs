//! [`PrivateKey`], [`PublicKey`] and their [`Fingerprint`].

use std::fmt;

use pkcs8::der::asn1::{BitStringRef, UintRef};
use pkcs8::der::{self, Decode, Encode, Reader, SliceReader};
use pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::pkcs1::{self, EncodeRsaPrivateKey, RsaPrivateKeyRef, RsaPublicKeyRef};
use rsa::{BoxedUint, RsaPrivateKey};
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
    rsa: Box<RsaPrivateKey>,
    bits: usize,
    fingerprint: Fingerprint,
    is_mended: bool,
}

impl PrivateKey {
    /// Reads an `RSAPrivateKey` (RFC 8017, A.1.2), and leaves out what stands behind it.
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let parts = RsaPrivateKeyRef::from_der(first_value(der)).map_err(malformed)?;
        if parts.version() == pkcs1::Version::Multi {
            return Err(KeyError::Foreign(ForeignKind::MultiPrime));
        }
        Self::from_parts(&parts)
    }

    /// Takes the numbers of a key with two primes. Without the primes, the private exponent
    /// gives them; and where it is wrong, they give it.
    pub(super) fn from_parts(parts: &RsaPrivateKeyRef<'_>) -> Result<Self, KeyError> {
        let bits = bit_length(parts.modulus);
        if !BITS.contains(&bits) {
            return Err(KeyError::Size { bits });
        }
        if !is_fit(parts) {
            return Err(KeyError::Inconsistent);
        }
        let fingerprint = Fingerprint::of(&parts.public_key()).map_err(malformed)?;
        let (rsa, is_mended) = match consistent(parts) {
            Some(rsa) => (rsa, false),
            None => (mended(parts).ok_or(KeyError::Inconsistent)?, true),
        };
        Ok(Self {
            rsa: Box::new(rsa),
            bits,
            fingerprint,
            is_mended,
        })
    }

    /// Whether its private exponent was wrong, and was computed from the primes.
    pub(super) fn is_mended(&self) -> bool {
        self.is_mended
    }

    /// The name of the key pair.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The length of the modulus in bits.
    pub fn bits(&self) -> usize {
        self.bits
    }

    pub(super) fn rsa(&self) -> &RsaPrivateKey {
        &self.rsa
    }
}

fn malformed(_: der::Error) -> KeyError {
    KeyError::malformed("RSA private key", "it is not RFC 8017 DER")
}

/// The first value of some DER, without the bytes behind it; all of it, if it is none.
pub(super) fn first_value(der: &[u8]) -> &[u8] {
    let first = SliceReader::new(der).and_then(|mut reader| reader.tlv_bytes());
    first.unwrap_or(der)
}

fn number(number: UintRef<'_>) -> Option<BoxedUint> {
    let bytes = number.as_bytes();
    let bits = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
    BoxedUint::from_be_slice(bytes, bits).ok()
}

/// Bytes, without leading zeros.
fn len(number: UintRef<'_>) -> usize {
    number.as_bytes().len()
}

fn is_zero(number: UintRef<'_>) -> bool {
    number.as_bytes().iter().all(|byte| *byte == 0)
}

/// Whether the numbers are as long as those of such a key can be at most (RFC 8017, section 3): the RSA
/// library works with all of each, and the stack does not last for what fits into a file.
fn is_fit(parts: &RsaPrivateKeyRef<'_>) -> bool {
    let longest = len(parts.modulus);
    len(parts.public_exponent) <= longest && len(parts.prime1) + len(parts.prime2) <= longest + 1
}

/// The key, if modulus, exponents and primes belong together. Primes of unequal length are
/// allowed, as in RFC 8017.
fn consistent(parts: &RsaPrivateKeyRef<'_>) -> Option<RsaPrivateKey> {
    if is_zero(parts.private_exponent) {
        return None;
    }
    let primes = [parts.prime1, parts.prime2];
    let primes: Vec<_> = if primes.into_iter().all(is_zero) {
        vec![]
    } else {
        primes.into_iter().map(number).collect::<Option<_>>()?
    };
    let (n, e) = (number(parts.modulus)?, number(parts.public_exponent)?);
    let d = number(parts.private_exponent)?;
    RsaPrivateKey::from_components(n.clone(), e.clone(), d.clone(), primes.clone())
        .or_else(|_| RsaPrivateKey::from_components_with_wide_primes(n, e, d, primes))
        .ok()
}

/// The key whose primes and CRT values are these, whatever its private exponent.
fn mended(parts: &RsaPrivateKeyRef<'_>) -> Option<RsaPrivateKey> {
    let primes = [parts.prime1, parts.prime2];
    // The RSA library takes the primes for primes: 0 and 1 make it panic.
    let is_odd = |prime: &UintRef<'_>| prime.as_bytes().last().is_some_and(|last| last & 1 == 1);
    if !primes
        .iter()
        .all(|prime| is_odd(prime) && bit_length(*prime) > 1)
    {
        return None;
    }
    let [p, q] = primes.map(number);
    let key = RsaPrivateKey::from_p_q(p?, q?, number(parts.public_exponent)?).ok()?;
    let der = key.to_pkcs1_der().ok()?;
    let again = RsaPrivateKeyRef::from_der(der.as_bytes()).ok()?;
    let is_same = again.modulus == parts.modulus
        && again.exponent1 == parts.exponent1
        && again.exponent2 == parts.exponent2
        && again.coefficient == parts.coefficient;
    is_same.then_some(key)
}

/// The public half of a key pair, as it stood in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
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
        Self::from_parts(&parts, kind).map_err(malformed)
    }

    /// Takes the numbers of a key.
    pub(super) fn from_parts(parts: &RsaPublicKeyRef<'_>, kind: PublicKind) -> der::Result<Self> {
        Ok(Self {
            fingerprint: Fingerprint::of(parts)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A modulus, its primes of 513 and 511 bits, which are a byte longer together, and the private
    /// exponent for 65537.
    const NUMBERS: [&str; 4] = [
        "ba6e0f244107cd01ca4501f2785a9572e29c00283f2152fa4e4ccfa315353932\
         7dd6689040d21ac1b84529f14410387005372527ddc27b16d16b0874b9c5354f\
         5caf2af65ff5fffae02184965f8f0aa359ed569fab2bdaa660a01949e635e3c6\
         643cf09e320c1f5d5b0f1de4e4f74e388211b3b379d528f4773478f5f2124db1",
        "018e6aa0d6cfaad83d7c310fa5ff05b85e2c5eec7e8c02422fccc021b2a59371\
         ed76fce1a7ce42cadf790ccb57151a55de2a1a199c0dc4c2b0c3c5f6ac236a2a77",
        "77ca136e3e7bc8557fddf7ad21cb63fa48c9c68042153d0e7b3fba6cf02cde63\
         278b9ad4faf23d92d1c5ed87e7f65134c1db2afb7f871b5cced8a707ffedab17",
        "059c123091145f02d2c748cbb6fb62cbd62dc3837282da3055f2d1bca282bb79\
         dd777a25fd0d5568c6d6adf0688fe462da855244e4d35948d27c5a00c92639f8\
         5dc5c9948455ad153f339f394ac6044994a0a61bcd0b33c4ea18c83e61b567fe\
         7f3872d61e857a57106200d830a62c19616ef198f1812013da84f7d7ff147551",
    ];

    #[test]
    fn primes_may_be_of_unequal_length() {
        let [modulus, p, q, d] = NUMBERS.map(|hex| {
            let bytes = base16ct::lower::decode_vec(hex).unwrap();
            number(UintRef::new(&bytes).unwrap()).unwrap()
        });
        let exponent = BoxedUint::from(65537_u64);
        let key = RsaPrivateKey::from_components_with_wide_primes(modulus, exponent, d, vec![p, q]);
        let der = key.unwrap().to_pkcs1_der().unwrap();
        let parts = RsaPrivateKeyRef::from_der(der.as_bytes()).unwrap();
        let lengths = [parts.modulus, parts.prime1, parts.prime2].map(len);
        assert_eq!(lengths, [128, 65, 64]);
        assert!(!PrivateKey::from_parts(&parts).unwrap().is_mended());
    }

    /// The library's recursion overflowed the stack, or took minutes.
    #[test]
    fn numbers_that_are_too_long_for_a_key_are_not_worked_with() {
        let key = crate::key::generate(1024).unwrap();
        let der = key.rsa().to_pkcs1_der().unwrap();
        let parts = RsaPrivateKeyRef::from_der(der.as_bytes()).unwrap();
        let long = vec![1; 400_000];
        let long = UintRef::new(&long).unwrap();
        for nth in 0..4 {
            let mut parts = parts.clone();
            let numbers = [
                &mut parts.prime1,
                &mut parts.prime2,
                &mut parts.public_exponent,
                &mut parts.private_exponent,
            ];
            *numbers.into_iter().nth(nth).unwrap() = long;
            match PrivateKey::from_parts(&parts) {
                Ok(key) => assert!(nth == 3 && key.is_mended()),
                Err(error) => assert!(nth < 3 && error == KeyError::Inconsistent),
            }
        }
    }
}
