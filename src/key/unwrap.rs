//! Unwrapping: a private key and a [`KeyWrap`] give a [`ContentKey`].

use getrandom::SysRng;
use rsa::traits::{PaddingScheme, PublicKeyParts};
use rsa::{Oaep, Pkcs1v15Encrypt};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::{PayloadError, UnwrapError};
use super::rsa_key::PrivateKey;
use crate::envelope::{KeyWrap, Payload, WrapAlgorithm};

/// The content encryption key of one recording. Moved, never copied; wiped when dropped.
pub struct ContentKey {
    key: Zeroizing<[u8; 32]>,
    iv: Option<[u8; 16]>,
}

impl ContentKey {
    /// A key that a [`Kdf`](super::Kdf) made; its IV stands elsewhere.
    pub(super) fn derived(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key, iv: None }
    }

    /// The AES-256 key.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// The CBC initialization vector, where it was wrapped together with the key.
    pub fn iv(&self) -> Option<[u8; 16]> {
        self.iv
    }
}

impl PrivateKey {
    /// Opens a wrapped content key.
    ///
    /// With RSAES-PKCS1-v1_5, `Ok` does not prove that this is the right key: a wrong one gives
    /// random bytes, which have the right length once in some hundred times. The content decides.
    ///
    /// # Errors
    ///
    /// [`UnwrapError::NotThisKey`] whatever the reason, but for one: OAEP opened it, which proves
    /// the key right, and there is no content key in it ([`UnwrapError::Payload`]).
    pub fn unwrap(&self, wrap: &KeyWrap) -> Result<ContentKey, UnwrapError> {
        let bytes = self.unwrap_bytes(wrap.algorithm, &wrap.wrapped)?;
        content_key_from_unwrapped(wrap.payload, bytes).map_err(|error| {
            if wrap.algorithm.proves_key() {
                UnwrapError::Payload(error)
            } else {
                self.not_this_key(&wrap.wrapped)
            }
        })
    }

    /// Decrypts an RSA ciphertext (RFC 8017, sections 7.1.2 and 7.2.2), whatever it holds.
    ///
    /// RSA is blinded with randomness from the operating system.
    ///
    /// # Errors
    ///
    /// [`UnwrapError::NotThisKey`]. Of invalid RSAES-PKCS1-v1_5 padding there is no error, but
    /// random bytes, always the same ones (implicit rejection, draft-irtf-cfrg-rsa-guidance).
    pub fn unwrap_bytes(
        &self,
        algorithm: WrapAlgorithm,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
        if wrapped.len() != self.rsa().size() {
            return Err(self.not_this_key(wrapped));
        }
        let rng = Some(&mut SysRng);
        match algorithm {
            WrapAlgorithm::RsaOaepSha256 => Oaep::<Sha256>::new().decrypt(rng, self.rsa(), wrapped),
            WrapAlgorithm::RsaOaepSha1 => Oaep::<Sha1>::new().decrypt(rng, self.rsa(), wrapped),
            WrapAlgorithm::RsaPkcs1v15 => Pkcs1v15Encrypt.decrypt(rng, self.rsa(), wrapped),
        }
        .map(Zeroizing::new)
        .map_err(|_| self.not_this_key(wrapped))
    }

    fn not_this_key(&self, wrapped: &[u8]) -> UnwrapError {
        UnwrapError::NotThisKey {
            modulus_len: self.rsa().size(),
            wrapped_len: wrapped.len(),
        }
    }
}

/// Takes the content key out of unwrapped bytes, whoever unwrapped them.
///
/// # Errors
///
/// [`PayloadError`] if the bytes are too few, too many, or have an unknown header.
#[expect(
    clippy::needless_pass_by_value,
    reason = "taken, so that no copy outlives this call"
)]
pub fn content_key_from_unwrapped(
    payload: Payload,
    bytes: Zeroizing<Vec<u8>>,
) -> Result<ContentKey, PayloadError> {
    let length = |expected| PayloadError::Length {
        found: bytes.len(),
        expected,
    };
    match payload {
        Payload::Key => {
            let key: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| length(32))?;
            Ok(ContentKey {
                key: Zeroizing::new(*key),
                iv: None,
            })
        }
        Payload::HeaderKeyIv => {
            // The header comes first: another version may well have another length.
            let (header, rest) = bytes.split_first_chunk().ok_or(length(51))?;
            let [1, 1, 1] = *header else {
                let [version, algorithm, mode] = *header;
                return Err(PayloadError::Header {
                    version,
                    algorithm,
                    mode,
                });
            };
            let (key, iv) = rest.split_first_chunk().ok_or(length(51))?;
            let iv = iv.try_into().map_err(|_| length(51))?;
            Ok(ContentKey {
                key: Zeroizing::new(*key),
                iv: Some(iv),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::generate;

    fn wrap(algorithm: WrapAlgorithm, payload: Payload, wrapped: Vec<u8>) -> KeyWrap {
        KeyWrap {
            algorithm,
            payload,
            key_id: None,
            wrapped,
        }
    }

    #[test]
    fn the_payload_is_read_or_refused() {
        let read = |payload, bytes: &[u8]| {
            content_key_from_unwrapped(payload, bytes.to_vec().into())
                .map(|content| (*content.key(), content.iv()))
        };
        assert_eq!(read(Payload::Key, &[7; 32]), Ok(([7; 32], None)));
        for found in [0, 16, 31, 33, 51] {
            let error = PayloadError::Length {
                found,
                expected: 32,
            };
            assert_eq!(read(Payload::Key, &vec![7; found]), Err(error));
        }
        let mut bytes = [&[1; 3][..], &[2; 32], &[3; 16], &[4]].concat();
        assert_eq!(
            read(Payload::HeaderKeyIv, &bytes[..51]),
            Ok(([2; 32], Some([3; 16])))
        );
        for found in [0, 2, 3, 34, 35, 50, 52] {
            let error = PayloadError::Length {
                found,
                expected: 51,
            };
            assert_eq!(read(Payload::HeaderKeyIv, &bytes[..found]), Err(error));
        }
        bytes[1] = 2;
        let error = PayloadError::Header {
            version: 1,
            algorithm: 2,
            mode: 1,
        };
        assert_eq!(read(Payload::HeaderKeyIv, &bytes[..51]), Err(error));
    }

    #[test]
    fn oaep_tells_a_wrong_key_from_a_wrong_payload_and_v1_5_does_not() {
        let (right, wrong) = (generate(1024).unwrap(), generate(1024).unwrap());
        let public = right.rsa().to_public_key();
        let mut rng = rsa::rand_core::UnwrapErr(SysRng);
        let not_this_key = UnwrapError::NotThisKey {
            modulus_len: 128,
            wrapped_len: 128,
        };
        let too_short = PayloadError::Length {
            found: 16,
            expected: 32,
        };

        let wrapped = public
            .encrypt(&mut rng, Oaep::<Sha1>::new(), &[7; 16])
            .unwrap();
        let oaep = wrap(WrapAlgorithm::RsaOaepSha1, Payload::Key, wrapped);
        assert_eq!(
            right.unwrap(&oaep).err(),
            Some(UnwrapError::Payload(too_short))
        );
        assert_eq!(wrong.unwrap(&oaep).err(), Some(not_this_key));

        let wrapped = public.encrypt(&mut rng, Pkcs1v15Encrypt, &[7; 16]).unwrap();
        let v1_5 = wrap(WrapAlgorithm::RsaPkcs1v15, Payload::Key, wrapped);
        assert_eq!(right.unwrap(&v1_5).err(), Some(not_this_key));

        let cut = wrap(WrapAlgorithm::RsaOaepSha1, Payload::Key, vec![1; 127]);
        let cut_error = UnwrapError::NotThisKey {
            modulus_len: 128,
            wrapped_len: 127,
        };
        assert_eq!(right.unwrap(&cut).err(), Some(cut_error));
    }
}
