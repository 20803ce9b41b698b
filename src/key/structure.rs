//! DER, told apart by its structure: labels and file names are often wrong.

use pkcs8::der::asn1::AnyRef;
use pkcs8::der::{self, Decode, Reader, Tag};
use pkcs8::spki::SubjectPublicKeyInfoRef;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rsa::pkcs1;
use x509_cert::Certificate;
use x509_cert::der::Encode;
use x509_cert::request::CertReq;

use super::error::{ForeignKind, KeyError};
use super::rsa_key::{PrivateKey, PublicKey, PublicKind, first_value};

/// What a DER value looks like from its first level.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Structure {
    /// `RSAPrivateKey` (RFC 8017, A.1.2).
    RsaPrivate,
    /// `RSAPublicKey` (RFC 8017, A.1.1).
    RsaPublic,
    /// `PrivateKeyInfo` (RFC 5208, section 5).
    Pkcs8,
    /// `EncryptedPrivateKeyInfo` (RFC 5208, section 6).
    EncryptedPkcs8,
    /// `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    Public,
    /// `SEQUENCE { SEQUENCE, SEQUENCE, BIT STRING }`: a certificate or a request for one.
    Signed,
    /// Known, and not RSA.
    Foreign(ForeignKind),
}

/// PKCS#12 is often BER: `SEQUENCE` of indefinite length, version 3.
const BER_PKCS12: [u8; 5] = [0x30, 0x80, 0x02, 0x01, 0x03];
/// PKCS#7 too: `SEQUENCE` of indefinite length, then `signedData` (RFC 2315, section 14).
const BER_PKCS7: &[u8] = b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";
/// `pkcs-12PbeIds` (RFC 7292, appendix C) up to its last number, as an object identifier in DER.
const PKCS12_PBE: &[u8] = b"\x06\x0A\x2A\x86\x48\x86\xF7\x0D\x01\x0C\x01";

impl Structure {
    /// `None` if it is nothing of the list, or not DER to its last byte.
    pub(super) fn of(der: &[u8]) -> Option<Self> {
        if der.starts_with(&BER_PKCS12) {
            return Some(Self::Foreign(pkcs12(der)));
        }
        if der.starts_with(BER_PKCS7) {
            return Some(Self::Foreign(ForeignKind::Pkcs7));
        }
        Some(match first_level(der).ok()?.as_slice() {
            [Tag::Integer, Tag::Integer] => Self::RsaPublic,
            [Tag::Integer, Tag::OctetString, ..] => Self::Foreign(ForeignKind::EllipticCurve),
            [Tag::Integer, Tag::Sequence, Tag::OctetString, ..] => Self::Pkcs8,
            [Tag::Integer, Tag::Sequence, ..] => Self::Foreign(pkcs12(der)),
            [Tag::ObjectIdentifier, Tag::ContextSpecific { .. }] => {
                Self::Foreign(ForeignKind::Pkcs7)
            }
            [Tag::Sequence, Tag::OctetString] => Self::EncryptedPkcs8,
            [Tag::Sequence, Tag::BitString] => Self::Public,
            [Tag::Sequence, Tag::Sequence, Tag::BitString] => Self::Signed,
            [Tag::Integer, rest @ ..] if rest.len() == 5 => Self::Foreign(ForeignKind::Dsa),
            [Tag::Integer, rest @ ..] if rest.len() >= 8 => Self::RsaPrivate,
            _ => return None,
        })
    }
}

/// A PKCS#12 file. Windows and OpenSSL 1 encrypt the certificates in it with RC2 of 40 bits,
/// which OpenSSL 3 opens with `-legacy` only; RC4 and other RC2 are the same to it.
fn pkcs12(der: &[u8]) -> ForeignKind {
    let schemes = der.windows(PKCS12_PBE.len() + 1);
    let is_legacy = schemes
        .filter_map(|bytes| bytes.strip_prefix(PKCS12_PBE))
        .any(|number| matches!(number, [1 | 2 | 5 | 6]));
    ForeignKind::Pkcs12 { is_legacy }
}

fn first_level(der: &[u8]) -> der::Result<Vec<Tag>> {
    AnyRef::from_der(der)?.sequence(|reader| {
        let mut tags = Vec::new();
        while !reader.is_finished() {
            tags.push(Tag::peek(reader)?);
            AnyRef::decode(reader)?;
        }
        Ok(tags)
    })
}

/// Reads an unencrypted private key, PKCS#1 or PKCS#8.
pub(super) fn private(der: &[u8]) -> Result<PrivateKey, KeyError> {
    let der = first_value(der);
    match Structure::of(der) {
        Some(Structure::RsaPrivate) => PrivateKey::from_pkcs1(der),
        Some(Structure::Pkcs8) => {
            let info = PrivateKeyInfoRef::from_der(der)
                .map_err(|_| KeyError::malformed("PKCS#8 key", "it is not RFC 5208 DER"))?;
            require_rsa(info.algorithm.oid)?;
            PrivateKey::from_pkcs1(info.private_key.as_bytes())
        }
        Some(Structure::Foreign(kind)) => Err(KeyError::Foreign(kind)),
        _ => Err(KeyError::NoKey),
    }
}

/// Reads a certificate.
pub(super) fn certificate(der: &[u8]) -> Result<PublicKey, KeyError> {
    let malformed = |_| KeyError::malformed("certificate", "it is not RFC 5280 DER");
    if CertReq::from_der(der).is_ok() {
        return Err(KeyError::Foreign(ForeignKind::CertificateRequest));
    }
    let certificate = Certificate::from_der(der).map_err(malformed)?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    public(&key.to_der().map_err(malformed)?, PublicKind::Certificate)
}

/// Reads a `SubjectPublicKeyInfo`.
pub(super) fn public(der: &[u8], kind: PublicKind) -> Result<PublicKey, KeyError> {
    let malformed = || KeyError::malformed("public key", "it is not RFC 5280 DER");
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| malformed())?;
    require_rsa(info.algorithm.oid)?;
    PublicKey::from_pkcs1(
        info.subject_public_key.as_bytes().ok_or_else(malformed)?,
        kind,
    )
}

fn require_rsa(oid: ObjectIdentifier) -> Result<(), KeyError> {
    const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
    const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
    Err(KeyError::Foreign(match oid {
        pkcs1::ALGORITHM_OID => return Ok(()),
        RSA_PSS => ForeignKind::RsaPss,
        EC => ForeignKind::EllipticCurve,
        ED25519 => ForeignKind::Ed25519,
        DSA => ForeignKind::Dsa,
        other => ForeignKind::Other(other.to_string()),
    }))
}

#[cfg(test)]
mod tests {
    use pkcs8::der::asn1::{Any, OctetString};
    use rsa::pkcs1::EncodeRsaPrivateKey;

    use super::*;
    use crate::key::generate;

    fn sequence(content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        Any::new(Tag::Sequence, content).unwrap().to_der().unwrap()
    }

    /// What OpenSSL reads and does not write: no NULL after the OID, attributes after the key.
    #[test]
    fn unusual_pkcs8_is_read() {
        let key = generate(1024).unwrap();
        let pkcs1 = key.rsa().to_pkcs1_der().unwrap();
        let pkcs1 = OctetString::new(pkcs1.as_bytes())
            .unwrap()
            .to_der()
            .unwrap();
        let oid = pkcs1::ALGORITHM_OID.to_der().unwrap();
        let plain = sequence(&[&oid, &[5, 0]]);
        let bare = sequence(&[&oid]);
        let version = [2, 1, 0];
        for info in [
            sequence(&[&version, &plain, &pkcs1]),
            sequence(&[&version, &bare, &pkcs1]),
            sequence(&[&version, &plain, &pkcs1, &[0xA0, 0]]),
            sequence(&[
                &version,
                &plain,
                &pkcs1,
                &[0xA0, 9, 0x30, 7, 6, 3, 0x55, 0x1D, 0x0F, 0x31, 0],
            ]),
        ] {
            let read = private(&info).map(|key| key.fingerprint());
            assert_eq!(read, Ok(key.fingerprint()), "{info:02x?}");
        }
    }

    #[test]
    fn other_keys_are_told_by_their_numbers() {
        let (number, octets): (&[u8], &[u8]) = (&[2, 1, 0], &[4, 1, 0]);
        let dsa = sequence(&[number; 6]);
        assert_eq!(
            private(&dsa).err(),
            Some(KeyError::Foreign(ForeignKind::Dsa))
        );
        let curve = sequence(&[number, octets]);
        let expected = KeyError::Foreign(ForeignKind::EllipticCurve);
        assert_eq!(private(&curve).err(), Some(expected));
    }

    #[test]
    fn anything_else_is_nothing() {
        for der in [
            &[][..],
            &[0x30],
            &[0x30, 0],
            &[0x30, 1, 2],
            &[2, 1, 0],
            &[0x30, 3, 2, 1, 0, 0],
        ] {
            assert_eq!(Structure::of(der), None, "{der:02x?}");
        }
        let pkcs12 = Some(Structure::Foreign(ForeignKind::Pkcs12 { is_legacy: false }));
        assert_eq!(Structure::of(&[0x30, 0x80, 2, 1, 3, 0x30, 0x80]), pkcs12);
    }
}
