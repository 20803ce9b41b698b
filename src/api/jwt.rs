//! JSON Web Tokens (RFC 7519) in the compact form of RFC 7515, as far as Vonage asks for them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::credentials::Sign;
use super::error::Error;

/// How many seconds a token is good for: `OpenTok` takes none for more than five minutes. One is made
/// for each try.
const LIFE: i64 = 240;

/// What a token of the unified API says.
#[derive(Serialize)]
struct OfApplication<'a> {
    application_id: &'a str,
    iat: i64,
    jti: &'a str,
    exp: i64,
}

/// What a token of `OpenTok` says.
#[derive(Serialize)]
struct OfProject<'a> {
    iss: &'a str,
    ist: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
}

/// A token for the application `id`, made at `now`.
///
/// # Errors
/// [`Error::Credentials`], where the key does not sign.
pub(super) fn of_application(
    id: &str,
    key: &dyn Sign,
    now: Timestamp,
) -> Result<Zeroizing<String>, Error> {
    let (jti, iat) = (random_id()?, now.as_second());
    let claims = OfApplication {
        application_id: id,
        iat,
        jti: &jti,
        exp: iat + LIFE,
    };
    let sign = |input: &[u8]| key.sign(input);
    let refused = Error::Credentials("the application's private key does not sign");
    compact(r#"{"typ":"JWT","alg":"RS256"}"#, &json(&claims)?, sign).ok_or(refused)
}

/// A token for `OpenTok`'s project `key`, made at `now`.
///
/// # Errors
/// [`Error::Credentials`], where the secret is none for HMAC.
pub(super) fn of_project(
    key: &str,
    secret: &str,
    now: Timestamp,
) -> Result<Zeroizing<String>, Error> {
    let (jti, iat) = (random_id()?, now.as_second());
    let claims = OfProject {
        iss: key,
        ist: "project",
        iat,
        exp: iat + LIFE,
        jti: &jti,
    };
    let sign = |input: &[u8]| hs256(secret.as_bytes(), input);
    let refused = Error::Credentials("the API secret does not sign");
    compact(r#"{"typ":"JWT","alg":"HS256"}"#, &json(&claims)?, sign).ok_or(refused)
}

/// RFC 7515, 3.1: `BASE64URL(header) . BASE64URL(payload) . BASE64URL(signature)`.
fn compact(
    header: &str,
    payload: &str,
    sign: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Option<Zeroizing<String>> {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(payload.as_bytes())
    );
    let signature = sign(input.as_bytes())?;
    Some(Zeroizing::new(format!("{input}.{}", encode(&signature))))
}

/// HMAC with SHA-256 (RFC 7518, 3.2).
fn hs256(key: &[u8], input: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(input);
    Some(mac.finalize().into_bytes().to_vec())
}

fn json(claims: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(claims).map_err(|_| Error::Credentials("their names are no text"))
}

/// A random UUID (RFC 9562, 5.4).
fn random_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| Error::Credentials("the system gives no random numbers"))?;
    // Version 4, variant 10.
    let bits = u128::from_be_bytes(bytes) & !(0xF << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let part = |shift: u32| (bits >> shift) & 0xFFFF;
    Ok(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        part(80),
        part(64),
        part(48),
        bits & 0xFFFF_FFFF_FFFF
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rsa::RsaPrivateKey;
    use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
    use rsa::signature::{SignatureEncoding, Signer, Verifier};
    use serde_json::{Value, json};

    use super::*;

    const APPLICATION: &str = "78d335fa-323d-0114-9c3d-d6f0d48968cf";

    struct Key(SigningKey<Sha256>);

    impl Sign for Key {
        fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
            Some(self.0.try_sign(message).ok()?.to_vec())
        }
    }

    struct Mute;

    impl Sign for Mute {
        fn sign(&self, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
    }

    fn part(token: &str, place: usize) -> Vec<u8> {
        let part = token.split('.').nth(place).unwrap();
        BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()
    }

    fn claims(token: &str, place: usize) -> Value {
        serde_json::from_slice(&part(token, place)).unwrap()
    }

    /// RFC 7515, A.1.
    #[test]
    fn hs256_is_that_of_the_rfc() {
        let key = BASE64_URL_SAFE_NO_PAD
            .decode(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1\
                 Z9CAow",
            )
            .unwrap();
        let token = compact(
            "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}",
            |input| hs256(&key, input),
        );
        assert_eq!(
            token.unwrap().as_str(),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
             eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0\
             cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
    }

    #[test]
    fn a_project_says_who_it_is() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let token = of_project("47000000", "secret", now).unwrap();
        let said = claims(&token, 1);
        assert_eq!(claims(&token, 0), json!({"typ": "JWT", "alg": "HS256"}));
        assert_eq!(
            said,
            json!({
                "iss": "47000000", "ist": "project", "iat": 1_800_000_000,
                "exp": 1_800_000_240, "jti": said["jti"],
            })
        );
        let (input, _) = token.rsplit_once('.').unwrap();
        assert_eq!(Some(part(&token, 2)), hs256(b"secret", input.as_bytes()));
    }

    #[test]
    fn an_application_signs() {
        let mut rng = rsa::rand_core::UnwrapErr(getrandom::SysRng);
        let private = RsaPrivateKey::new(&mut rng, 1024).unwrap();
        let key = Key(SigningKey::new(private.clone()));
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let token = of_application(APPLICATION, &key, now).unwrap();
        let said = claims(&token, 1);
        assert_eq!(claims(&token, 0), json!({"typ": "JWT", "alg": "RS256"}));
        assert_eq!(
            said,
            json!({
                "application_id": APPLICATION, "iat": 1_800_000_000, "exp": 1_800_000_240,
                "jti": said["jti"],
            })
        );
        let (input, _) = token.rsplit_once('.').unwrap();
        let signature = Signature::try_from(part(&token, 2).as_slice()).unwrap();
        VerifyingKey::<Sha256>::new(private.to_public_key())
            .verify(input.as_bytes(), &signature)
            .unwrap();
    }

    #[test]
    fn a_key_that_does_not_sign_is_an_error() {
        let token = of_application(APPLICATION, &Mute, Timestamp::UNIX_EPOCH);
        assert!(matches!(token, Err(Error::Credentials(_))));
    }

    #[test]
    fn tokens_are_told_apart() {
        let ids: HashSet<_> = (0..64).map(|_| random_id().unwrap()).collect();
        assert_eq!(ids.len(), 64);
        for id in ids {
            assert_eq!(id.len(), 36);
            assert_eq!(id.as_bytes()[14], b'4', "{id}");
            assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
    }
}
