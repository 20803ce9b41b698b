//! Self-signed X.509 certificates (RFC 5280), for providers that take the public key in one.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use rsa::pkcs1v15::SigningKey;
use sha2::Sha256;
use x509_cert::TbsCertificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::der::asn1::{Any, ObjectIdentifier, Utf8StringRef};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{self, Decode, Encode, EncodePem};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, SubjectKeyIdentifier};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use super::generate::GenerateError;
use super::rsa_key::PrivateKey;

impl PrivateKey {
    /// A self-signed X.509 version 3 certificate of this key, in PEM: `sha256WithRSAEncryption`,
    /// a random serial number, valid from `now` for `days` days, and the extensions that
    /// `openssl req -x509` gives it.
    ///
    /// `subject` is a common name of up to 64 characters, or a distinguished name in the form of
    /// RFC 4514 (`CN=recordings,O=Example`), which is told by its `=`.
    ///
    /// # Errors
    ///
    /// [`GenerateError::Subject`], [`GenerateError::Validity`] or [`GenerateError::Failed`].
    pub fn self_signed_certificate(
        &self,
        subject: &str,
        days: u32,
        now: SystemTime,
    ) -> Result<String, GenerateError> {
        let profile = SelfSigned {
            subject: name(subject)?,
        };
        let validity = validity(days, now)?;
        let failed = GenerateError::Failed {
            what: "certificate",
        };
        let serial = serial_number().ok_or(failed.clone())?;
        let signer = SigningKey::<Sha256>::new(self.rsa().clone());
        let build = || -> builder::Result<String> {
            let public = SubjectPublicKeyInfo::from_key(&self.rsa().to_public_key())?;
            let certificate = CertificateBuilder::new(profile, serial, validity, public)?;
            Ok(certificate
                .build::<_, rsa::pkcs1v15::Signature>(&signer)?
                .to_pem(LineEnding::LF)?)
        };
        build().map_err(|_| failed)
    }
}

struct SelfSigned {
    subject: Name,
}

impl BuilderProfile for SelfSigned {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _issuer: SubjectPublicKeyInfoRef<'_>,
        certificate: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = certificate.subject();
        let id = SubjectKeyIdentifier::try_from(key)?;
        let issuer = AuthorityKeyIdentifier {
            key_identifier: Some(id.0.clone()),
            ..AuthorityKeyIdentifier::default()
        };
        let constraints = BasicConstraints {
            ca: true,
            path_len_constraint: None,
        };
        Ok(vec![
            id.to_extension(subject, &[])?,
            issuer.to_extension(subject, &[])?,
            constraints.to_extension(subject, &[])?,
        ])
    }
}

fn name(subject: &str) -> Result<Name, GenerateError> {
    let name = match subject.contains('=') {
        true => Name::from_str(subject).ok(),
        false if (1..=64).contains(&subject.chars().count()) => common_name(subject).ok(),
        false => None,
    };
    name.ok_or_else(|| GenerateError::Subject {
        subject: subject.to_owned(),
    })
}

fn common_name(value: &str) -> der::Result<Name> {
    const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
    let value = Any::from(Utf8StringRef::new(value)?);
    let mut names = RdnSequence::default();
    names.push(
        vec![AttributeTypeAndValue {
            oid: COMMON_NAME,
            value,
        }]
        .try_into()?,
    );
    Name::from_der(&names.to_der()?)
}

fn validity(days: u32, now: SystemTime) -> Result<Validity, GenerateError> {
    let seconds = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let ends = now.checked_add(seconds).filter(|ends| *ends > now);
    let times = ends.and_then(|ends| Some((Time::try_from(now).ok()?, Time::try_from(ends).ok()?)));
    let (not_before, not_after) = times.ok_or(GenerateError::Validity { days })?;
    Ok(Validity::new(not_before, not_after))
}

/// 126 random bits below a set one: positive, and always 16 bytes long (RFC 5280, 4.1.2.2).
fn serial_number() -> Option<SerialNumber> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    let [first, ..] = &mut bytes;
    *first = *first & 0x7F | 0x40;
    SerialNumber::new(&bytes).ok()
}
