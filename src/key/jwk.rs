//! JSON Web Keys (RFC 7517, RFC 7518 section 6.3), alone, in sets or in any other document.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use pkcs8::der::asn1::UintRef;
use rsa::pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::error::{ForeignKind, KeyError};
use super::rsa_key::{PrivateKey, PublicKey, PublicKind};

const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A number in base64url, big-endian.
type Number = Option<Zeroizing<String>>;

/// What of a JSON Web Key matters here.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default, deserialize_with = "secret")]
    n: Number,
    #[serde(default, deserialize_with = "secret")]
    e: Number,
    #[serde(default, deserialize_with = "secret")]
    d: Number,
    #[serde(default, deserialize_with = "secret")]
    p: Number,
    #[serde(default, deserialize_with = "secret")]
    q: Number,
    #[serde(default, deserialize_with = "secret")]
    dp: Number,
    #[serde(default, deserialize_with = "secret")]
    dq: Number,
    #[serde(default, deserialize_with = "secret")]
    qi: Number,
    /// More than two primes.
    oth: Option<serde::de::IgnoredAny>,
}

fn secret<'de, D: Deserializer<'de>>(value: D) -> Result<Number, D::Error> {
    Ok(Option::<String>::deserialize(value)?.map(Zeroizing::new))
}

/// A key of a document.
pub(super) enum JwkKey {
    Private(PrivateKey),
    Public(PublicKey),
}

/// The most bytes of one key: 8192 bits take 8 KB, and its certificates may stand beside it.
const MAX_BYTES: usize = 64 << 10;
/// How many places are looked at, so that keys inside of keys are not read over and over.
const MAX_PLACES: usize = 128;

/// The keys of a text, wherever in it they stand.
pub(super) fn keys(text: &str) -> impl Iterator<Item = Result<JwkKey, KeyError>> {
    let mut from = 0;
    let places = text.match_indices("\"kty\"").take(MAX_PLACES);
    places.filter_map(move |(at, _)| {
        let start = from + text.get(from..at)?.rfind('{')?;
        from = at;
        let json = text.as_bytes().get(start..)?;
        let json = json.get(..MAX_BYTES).unwrap_or(json);
        let mut values = serde_json::Deserializer::from_slice(json).into_iter();
        let jwk: Jwk = values.next()?.ok()?;
        Some(key(&jwk))
    })
}

fn key(jwk: &Jwk) -> Result<JwkKey, KeyError> {
    match jwk.kty.as_str() {
        "RSA" => {}
        "EC" => return Err(KeyError::Foreign(ForeignKind::EllipticCurve)),
        _ => return Err(KeyError::Foreign(ForeignKind::Jwk)),
    }
    if jwk.oth.is_some() {
        return Err(KeyError::Foreign(ForeignKind::MultiPrime));
    }
    let malformed = || KeyError::malformed("JSON Web Key", "a number in it is not base64url");
    let number = |number: &Number| -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Some(number) = number else {
            return Ok(Zeroizing::new(vec![0]));
        };
        let decoded = BASE64URL.decode(number.as_bytes());
        decoded.map(Zeroizing::new).map_err(|_| malformed())
    };
    let modulus = number(&jwk.n)?;
    let public_exponent = number(&jwk.e)?;
    let uint = |bytes| UintRef::new(bytes).map_err(|_| malformed());
    if jwk.d.is_none() {
        let parts = RsaPublicKeyRef {
            modulus: uint(&modulus)?,
            public_exponent: uint(&public_exponent)?,
        };
        let key = PublicKey::from_parts(&parts, PublicKind::Bare).map_err(|_| malformed())?;
        return Ok(JwkKey::Public(key));
    }
    let private_exponent = number(&jwk.d)?;
    let primes = [number(&jwk.p)?, number(&jwk.q)?];
    let exponents = [number(&jwk.dp)?, number(&jwk.dq)?];
    let coefficient = number(&jwk.qi)?;
    let ([prime1, prime2], [exponent1, exponent2]) = (&primes, &exponents);
    PrivateKey::from_parts(&RsaPrivateKeyRef {
        modulus: uint(&modulus)?,
        public_exponent: uint(&public_exponent)?,
        private_exponent: uint(&private_exponent)?,
        prime1: uint(prime1)?,
        prime2: uint(prime2)?,
        exponent1: uint(exponent1)?,
        exponent2: uint(exponent2)?,
        coefficient: uint(&coefficient)?,
        other_prime_infos: None,
    })
    .map(JwkKey::Private)
}
