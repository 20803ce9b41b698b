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
use x509_cert::der::{self, Decode, Encode, EncodePem, Tag, Tagged};
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

// The attributes of X.520 of which the length is limited.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
const COUNTRY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const LOCALITY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.7");
const STATE_OR_PROVINCE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.8");
const ORGANIZATION_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const ORGANIZATIONAL_UNIT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const TITLE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.12");

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

/// Whether there can be a certificate for `subject`, valid from `now` for `days` days: to know it
/// before there is a key. See [`PrivateKey::self_signed_certificate`].
///
/// # Errors
///
/// [`GenerateError::Subject`] or [`GenerateError::Validity`].
pub(crate) fn check(subject: &str, days: u32, now: SystemTime) -> Result<(), GenerateError> {
    name(subject)?;
    validity(days, now).map(|_| ())
}

fn name(subject: &str) -> Result<Name, GenerateError> {
    let invalid = |reason| GenerateError::Subject {
        subject: subject.to_owned(),
        reason,
    };
    let name = if subject.contains('=') {
        Name::from_str(subject)
    } else {
        common_name(subject)
    };
    let name = name.map_err(|_| invalid("it is not a distinguished name"))?;
    for attribute in name.iter() {
        check_attribute(attribute).map_err(invalid)?;
    }
    Ok(name)
}

/// What RFC 5280 allows as a value; the lengths are its upper bounds, in Appendix A.1.
fn check_attribute(attribute: &AttributeTypeAndValue) -> Result<(), &'static str> {
    let Ok(text) = str::from_utf8(attribute.value.value()) else {
        return Err("a value of it is not text");
    };
    let longest = match attribute.oid {
        COMMON_NAME | ORGANIZATION_NAME | ORGANIZATIONAL_UNIT_NAME | TITLE | SERIAL_NUMBER => 64,
        LOCALITY_NAME | STATE_OR_PROVINCE_NAME => 128,
        _ => 255,
    };
    let country = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
    if text.trim().is_empty() {
        Err("a value of it is empty")
    } else if text.chars().any(char::is_control) {
        Err("it has a control character")
    } else if attribute.oid == COUNTRY_NAME && !country(text) {
        Err("a country is a code of two letters")
    } else if text.chars().count() > longest {
        Err("a value of it is too long")
    } else if attribute.value.tag() != Tag::Utf8String && !text.is_ascii() {
        Err("a value of it may have ASCII characters only")
    } else {
        Ok(())
    }
}

fn common_name(value: &str) -> der::Result<Name> {
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

#[cfg(test)]
mod tests {
    use pkcs8::der::DecodePem;

    use super::*;

    #[test]
    fn a_serial_number_is_positive_and_16_bytes_long_and_its_other_bits_are_random() {
        let numbers: Vec<_> = (0..64).map(|_| serial_number().unwrap()).collect();
        let first = |number: &SerialNumber| number.as_bytes()[0];
        assert!(numbers.iter().all(|number| number.as_bytes().len() == 16));
        assert!(
            numbers
                .iter()
                .all(|number| (0x40..0x80).contains(&first(number)))
        );
        assert_eq!(
            numbers.iter().map(first).fold(0, |all, one| all | one),
            0x7F
        );
        assert_eq!(
            numbers.iter().map(first).fold(0xFF, |all, one| all & one),
            0x40
        );
    }

    #[test]
    fn a_certificate_says_whose_key_signed_it() {
        let key = crate::key::generate(1024).unwrap();
        let now = SystemTime::now();
        let pem = key.self_signed_certificate("unreel", 1, now).unwrap();
        let certificate = x509_cert::Certificate::from_pem(pem.as_bytes()).unwrap();
        let tbs = certificate.tbs_certificate();
        let (_, own) = tbs
            .get_extension::<SubjectKeyIdentifier>()
            .unwrap()
            .unwrap();
        let (_, issuer) = tbs
            .get_extension::<AuthorityKeyIdentifier>()
            .unwrap()
            .unwrap();
        assert_eq!(issuer.key_identifier, Some(own.0));
    }

    #[test]
    fn what_cannot_stand_in_a_certificate_is_refused() {
        let long = |name: &str, length| format!("{name}{}", "x".repeat(length));
        let ok = [
            "x".to_owned(),
            "Zürich, Süd".to_owned(),
            long("", 64),
            long("CN=", 64),
            long("CN=a,L=", 128),
            "CN=a,C=CH".to_owned(),
            "emailAddress=a@example.org".to_owned(),
        ];
        let wrong = [
            String::new(),
            " ".to_owned(),
            "=".to_owned(),
            "CN=".to_owned(),
            "CN=a,".to_owned(),
            "CN=a,O=".to_owned(),
            "X=1=2".to_owned(),
            "a\nb".to_owned(),
            "a\x1b[31m".to_owned(),
            "CN=a\\0Ab".to_owned(),
            long("", 65),
            "ü".repeat(65),
            long("CN=", 65),
            long("O=", 65),
            long("CN=a,L=", 129),
            "CN=a,C=Germany".to_owned(),
            "CN=a,C=ÜÜ".to_owned(),
            "CN=a,C=1".to_owned(),
        ];
        let now = SystemTime::now();
        for subject in &ok {
            assert_eq!(check(subject, 1, now), Ok(()), "{subject}");
        }
        for subject in &wrong {
            let error = check(subject, 1, now);
            assert!(
                matches!(error, Err(GenerateError::Subject { .. })),
                "{subject:?}: {error:?}"
            );
        }
    }

    #[test]
    fn a_certificate_ends_after_it_begins_and_before_the_year_10000() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        // 9999-12-31 08:00 is that many days later.
        let most = 2_912_063;
        for (days, fits) in [
            (0, false),
            (1, true),
            (most, true),
            (most + 1, false),
            (u32::MAX, false),
        ] {
            assert_eq!(check("x", days, now).is_ok(), fits, "{days}");
        }
    }
}
