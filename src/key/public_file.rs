//! [`PublicFile`]: a public key or certificate that is to be handed to somebody.

use std::time::SystemTime;

use pkcs8::der::asn1::BitStringRef;
use pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::pkcs1::{self, RsaPublicKeyRef};
use x509_cert::Certificate;
use x509_cert::der::pem::{LineEnding, encode_string};
use x509_cert::der::{Decode, Encode};

use super::armor;
use super::error::KeyError;
use super::file::{KeyBlock, KeyFile};
use super::rsa_key::{PublicKey, PublicKind, first_value};
use super::structure::{self, Structure};

/// The first certificate, else the first public key, of a file. Of what else stands in the file,
/// such as a private key, nothing is kept.
pub(crate) struct PublicFile {
    /// Its name, its size, and which of the two it is.
    pub key: PublicKey,
    /// Whether the public exponent is 65537.
    pub has_usual_exponent: bool,
    /// The key as `SubjectPublicKeyInfo` in PEM (RFC 5280, RFC 7468), which begins with
    /// `-----BEGIN PUBLIC KEY-----`, lines ending with a newline.
    pub pem: String,
    /// The certificate, where it is one.
    pub certificate: Option<CertificateFile>,
}

/// A certificate that stood in a file.
pub(crate) struct CertificateFile {
    /// The certificate alone in PEM (RFC 7468).
    pub pem: String,
    /// When it begins to be valid.
    pub not_before: SystemTime,
    /// When it ends to be.
    pub not_after: SystemTime,
}

/// Why a file has nothing to hand over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublicFileError {
    /// It is the private key, and nothing else.
    #[error("it is a private key, which stays with you")]
    Private,
    /// It is no RSA key at all.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl PublicFile {
    /// Reads a file in PEM or DER.
    ///
    /// # Errors
    /// See [`PublicFileError`].
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, PublicFileError> {
        let values = values(bytes);
        let first = |is_wanted: fn(&Structure) -> bool| {
            let mut known = values
                .iter()
                .filter_map(|der| Some((Structure::of(der)?, der)));
            known.find(|(structure, _)| is_wanted(structure))
        };
        let found = first(|structure| *structure == Structure::Signed).or_else(|| {
            first(|structure| matches!(structure, Structure::Public | Structure::RsaPublic))
        });
        match found {
            Some((Structure::Signed, der)) => Self::of_certificate(der),
            Some((Structure::RsaPublic, der)) => Self::of_numbers(der, PublicKind::Bare),
            Some((_, der)) => Self::of_key(der, PublicKind::Bare),
            // What is wrong with it is known there.
            None => Err(match KeyFile::read(bytes)?.blocks.into_iter().next() {
                Some(KeyBlock::Private(_) | KeyBlock::Locked(_)) => PublicFileError::Private,
                Some(KeyBlock::Unusable(error)) => error.into(),
                // A key that is read after mending only is not handed on.
                Some(KeyBlock::Public(_)) | None => KeyError::NoKey.into(),
            }),
        }
    }

    fn of_certificate(der: &[u8]) -> Result<Self, PublicFileError> {
        let malformed = || KeyError::malformed("certificate", "it is not RFC 5280 DER");
        structure::certificate(der)?;
        let certificate = Certificate::from_der(der).map_err(|_| malformed())?;
        let content = certificate.tbs_certificate();
        let info = content.subject_public_key_info();
        let info = info.to_der().map_err(|_| malformed())?;
        let validity = content.validity();
        let pem = encode_string("CERTIFICATE", LineEnding::LF, der);
        Ok(Self {
            certificate: Some(CertificateFile {
                pem: pem.map_err(|_| malformed())?,
                not_before: validity.not_before.to_system_time(),
                not_after: validity.not_after.to_system_time(),
            }),
            ..Self::of_key(&info, PublicKind::Certificate)?
        })
    }

    /// Of a `SubjectPublicKeyInfo`.
    fn of_key(der: &[u8], kind: PublicKind) -> Result<Self, PublicFileError> {
        let malformed = || KeyError::malformed("public key", "it is not RFC 5280 DER");
        structure::public(der, kind)?;
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| malformed())?;
        let numbers = info.subject_public_key.as_bytes().ok_or_else(malformed)?;
        Self::of_numbers(numbers, kind)
    }

    /// Of an `RSAPublicKey` (RFC 8017, A.1.1).
    fn of_numbers(der: &[u8], kind: PublicKind) -> Result<Self, PublicFileError> {
        let malformed = |_| KeyError::malformed("RSA public key", "it is not RFC 8017 DER");
        let key = PublicKey::from_pkcs1(der, kind)?;
        let parts = RsaPublicKeyRef::from_der(der).map_err(malformed)?;
        let info = SubjectPublicKeyInfoRef {
            algorithm: pkcs1::ALGORITHM_ID,
            subject_public_key: BitStringRef::from_bytes(der).map_err(malformed)?,
        };
        let info = info.to_der().map_err(malformed)?;
        let pem = encode_string("PUBLIC KEY", LineEnding::LF, &info);
        let pem = pem.map_err(|_| KeyError::malformed("RSA public key", "it is too long"))?;
        Ok(Self {
            key,
            has_usual_exponent: parts.public_exponent.as_bytes() == [1, 0, 1],
            pem,
            certificate: None,
        })
    }
}

/// The values in DER that a file has: those of its PEM blocks, or itself.
fn values(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut blocks = armor::blocks(bytes).peekable();
    if blocks.peek().is_none() {
        return vec![first_value(bytes).to_vec()];
    }
    let is_public = |block: &armor::Block<'_>| !block.label.contains("PRIVATE");
    let decoded = blocks
        .filter(is_public)
        .filter_map(|block| block.decode().ok());
    decoded.map(|der| first_value(&der).to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{ForeignKind, generate};

    fn read(bytes: &[u8]) -> Result<PublicFile, PublicFileError> {
        PublicFile::read(bytes)
    }

    #[test]
    fn public_halves_and_certificates_are_found() {
        let key = generate(1024).unwrap();
        let public = key.public_pem().unwrap();
        let private = key.pkcs8_pem(None).unwrap();
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000);
        let certificate = key.self_signed_certificate("a", 10, now).unwrap();
        for text in [
            public.clone(),
            public.replace('\n', "\r\n"),
            format!("\u{feff}{public}"),
            format!("{}{public}", *private),
        ] {
            let file = read(text.as_bytes()).unwrap();
            assert_eq!(file.pem, public);
            assert_eq!(file.key.fingerprint, key.fingerprint());
            assert!(file.certificate.is_none() && file.has_usual_exponent);
        }
        for text in [
            certificate.clone(),
            format!("{public}{certificate}{}", *private),
        ] {
            let file = read(text.as_bytes()).unwrap();
            assert_eq!((file.pem, file.key.bits), (public.clone(), 1024));
            let found = file.certificate.unwrap();
            assert_eq!((found.pem, found.not_before), (certificate.clone(), now));
            let days = found.not_after.duration_since(now).unwrap().as_secs() / 86_400;
            assert_eq!(days, 10);
        }
    }

    #[test]
    fn other_files_have_nothing_to_hand_over() {
        let key = generate(1024).unwrap();
        let private = key.pkcs8_pem(None).unwrap();
        assert_eq!(
            read(private.as_bytes()).err(),
            Some(PublicFileError::Private)
        );
        assert_eq!(read(b"").err(), Some(KeyError::Empty.into()));
        assert_eq!(
            read(b"ssh-rsa AAAA").err(),
            Some(KeyError::Foreign(ForeignKind::OpenSshPublic).into())
        );
        assert_eq!(read(b"nothing").err(), Some(KeyError::NoKey.into()));
        // openssl ecparam -name prime256v1 -genkey | openssl ec -pubout
        let curve = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n";
        assert_eq!(
            read(curve.as_bytes()).err(),
            Some(KeyError::Foreign(ForeignKind::EllipticCurve).into())
        );
    }
}
