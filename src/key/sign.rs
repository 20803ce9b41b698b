//! Signatures with a [`PrivateKey`].

use getrandom::SysRng;
use rsa::Pkcs1v15Sign;
use rsa::traits::SignatureScheme;
use sha2::{Digest, Sha256};

use super::rsa_key::PrivateKey;

impl PrivateKey {
    /// The signature of `message`: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.1).
    /// `None` where the system has no randomness, by which RSA is blinded.
    pub(crate) fn sign_sha256(&self, message: &[u8]) -> Option<Vec<u8>> {
        let scheme = Pkcs1v15Sign::new::<Sha256>();
        let digest = Sha256::digest(message);
        scheme.sign(Some(&mut SysRng), self.rsa(), &digest).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::key::{KeyBlock, parse};

    fn fixture(name: &str) -> PrivateKey {
        let path = format!("{}/fixtures/keys/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut blocks = parse(&fs_err::read(path).unwrap()).unwrap();
        match blocks.remove(0) {
            KeyBlock::Private(key) => key,
            _ => panic!("{name} is no private key"),
        }
    }

    #[test]
    fn the_public_key_verifies_what_the_private_key_signed() {
        for name in ["pkcs1.pem", "pkcs8.pem", "rsa1024.pem", "rsa4096.pem"] {
            let key = fixture(name);
            let signature = key.sign_sha256(b"header.claims").unwrap();
            let verifies = |message: &[u8]| {
                let digest = Sha256::digest(message);
                let scheme = Pkcs1v15Sign::new::<Sha256>();
                scheme.verify(&key.rsa().to_public_key(), &digest, &signature)
            };
            assert_eq!(signature.len(), key.bits() / 8, "{name}");
            assert!(verifies(b"header.claims").is_ok(), "{name}");
            assert!(verifies(b"header.claimz").is_err(), "{name}");
        }
    }

    /// The signatures have no randomness in them, so OpenSSL's are the same bytes.
    #[test]
    fn openssl_makes_the_same_signature() {
        let folder = tempfile::tempdir().unwrap();
        let message = folder.path().join("message");
        fs_err::write(&message, "header.claims").unwrap();
        let key = format!("{}/fixtures/keys/pkcs8.pem", env!("CARGO_MANIFEST_DIR"));
        let openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign", &key])
            .arg(&message)
            .output();
        let Ok(output) = openssl else { return };
        let signature = fixture("pkcs8.pem").sign_sha256(b"header.claims").unwrap();
        assert_eq!(output.stdout, signature);
    }
}
