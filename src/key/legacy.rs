//! `Proc-Type: 4,ENCRYPTED`: the encryption of OpenSSL 0.9 and `-traditional` (RFC 1421's
//! headers, OpenSSL's `EVP_BytesToKey`).

use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::error::{KeyError, UnsupportedEncryption};
use super::passphrase::Passphrase;

/// A PEM body encrypted by its `DEK-Info`.
pub(super) struct Legacy {
    cipher: Cipher,
    iv: Vec<u8>,
    ciphertext: Zeroizing<Vec<u8>>,
}

/// The cipher of a `DEK-Info`.
fn named(name: &str) -> Option<Cipher> {
    match name {
        "AES-128-CBC" => Some(Cipher::Aes128),
        "AES-192-CBC" => Some(Cipher::Aes192),
        "AES-256-CBC" => Some(Cipher::Aes256),
        "DES-EDE3-CBC" => Some(Cipher::DesEde3),
        _ => None,
    }
}

impl Legacy {
    /// Takes the value of `DEK-Info`, such as `AES-128-CBC,` and 32 hex digits, and the body.
    ///
    /// # Errors
    ///
    /// [`KeyError::Encryption`] for another cipher, [`KeyError::Malformed`] for a value or a body
    /// of the wrong length.
    pub(super) fn new(dek_info: &str, ciphertext: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let malformed = |problem| KeyError::malformed("DEK-Info", problem);
        let (name, iv) = dek_info.split_once(',').unwrap_or((dek_info, ""));
        let Some(cipher) = named(name.trim()) else {
            let name = name.trim().to_owned();
            return Err(KeyError::Encryption(UnsupportedEncryption::Legacy(name)));
        };
        let iv = base16ct::mixed::decode_vec(iv.trim())
            .map_err(|_| malformed("its initialization vector is not hexadecimal"))?;
        if iv.len() != cipher.block_len() {
            return Err(malformed("its initialization vector has the wrong length"));
        }
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(cipher.block_len()) {
            return Err(KeyError::malformed(
                "encrypted key",
                "it is not whole cipher blocks",
            ));
        }
        Ok(Self {
            cipher,
            iv,
            ciphertext,
        })
    }

    /// # Errors
    ///
    /// [`KeyError::WrongPassphrase`] if the padding is wrong.
    pub(super) fn decrypt(&self, passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let key = derive(passphrase.as_bytes(), &self.iv, self.cipher.key_len());
        self.cipher.decrypt(&key, &self.iv, &self.ciphertext)
    }
}

/// `EVP_BytesToKey` with MD5, one round, and the first 8 bytes of the IV as salt:
/// `D1 = MD5(passphrase ‖ salt)`, `Dn = MD5(Dn-1 ‖ passphrase ‖ salt)`, key = `D1 ‖ D2 ‖ …`.
fn derive(passphrase: &[u8], iv: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let salt = iv.get(..8).unwrap_or(iv);
    let mut key = Zeroizing::new(Vec::with_capacity(len + 16));
    let mut digest = Zeroizing::new([0; 16]);
    while key.len() < len {
        let previous: &[u8] = if key.is_empty() { &[] } else { &*digest };
        let mut md5 = Md5::new_with_prefix(previous);
        md5.update(passphrase);
        md5.update(salt);
        *digest = md5.finalize().into();
        key.extend_from_slice(&*digest);
    }
    key.truncate(len);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dek_info_is_read_or_refused() {
        let body = || Zeroizing::new(vec![0; 16]);
        let outcome = |dek: &str| Legacy::new(dek, body()).err();
        assert_eq!(
            outcome("AES-128-CBC,000102030405060708090a0b0c0d0e0F"),
            None
        );
        assert_eq!(outcome("DES-EDE3-CBC,0001020304050607"), None);
        let unsupported = |name: &str| {
            Some(KeyError::Encryption(UnsupportedEncryption::Legacy(
                name.to_owned(),
            )))
        };
        assert_eq!(
            outcome("CAMELLIA-256-CBC,00"),
            unsupported("CAMELLIA-256-CBC")
        );
        assert_eq!(outcome(""), unsupported(""));
        for broken in [
            "AES-128-CBC",
            "AES-128-CBC,0",
            "AES-128-CBC,0001",
            "AES-128-CBC,zz",
            "DES-EDE3-CBC,é",
        ] {
            assert!(
                matches!(outcome(broken), Some(KeyError::Malformed { .. })),
                "{broken}"
            );
        }
        for len in [0, 15, 17] {
            let error = Legacy::new("DES-EDE3-CBC,0001020304050607", vec![0; len].into()).err();
            assert!(matches!(error, Some(KeyError::Malformed { .. })), "{len}");
        }
    }

    #[test]
    fn the_key_is_openssl_s() {
        // openssl enc -aes-256-cbc -md md5 -k secret -S 0001020304050607 -P
        let key = derive(b"secret", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 32);
        let expected = "035FB8145B73CF111570DC936112BE9C375A5D3D8B915BC213BDBEF9DBFB7851";
        assert_eq!(Ok(key.to_vec()), base16ct::mixed::decode_vec(expected));
    }
}
