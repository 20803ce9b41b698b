//! Content keys derived from a secret text and a salt.
//!
//! Which derivation a service uses may be documented nowhere, so each has a name that people can
//! give and that reports can print: [`Kdf`] reads and writes it.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Block};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::unwrap::ContentKey;

/// The most PBKDF2 iterations: some ten seconds.
const MOST_ITERATIONS: u32 = 20_000_000;
/// The most memory that scrypt and argon2id may ask for, in bytes: 1 GiB.
const MOST_MEMORY: u64 = 1 << 30;
/// The most memory times passes, in bytes: some ten seconds too.
const MOST_WORK: u64 = 8 << 30;
/// The most passes that scrypt (`p`) and argon2id (`t`) may make, and the most lanes.
const MOST_PASSES: u32 = 64;
/// The longest HKDF label.
const LONGEST_INFO: usize = 256;

/// A way from a secret and a salt to an AES-256 key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kdf {
    /// PBKDF2 with HMAC (RFC 8018, section 5.2).
    Pbkdf2 {
        /// The hash under HMAC.
        hash: Hash,
        /// How often.
        iterations: u32,
    },
    /// SHA-256 of the secret, then the salt.
    Sha256KeySalt,
    /// SHA-256 of the salt, then the secret.
    Sha256SaltKey,
    /// SHA-256 of the secret; no salt.
    Sha256Key,
    /// The secret's 32 bytes as they are; no salt.
    Raw,
    /// The first 32 bytes of the secret; no salt.
    Prefix32,
    /// HKDF with HMAC-SHA-256 (RFC 5869), with this label.
    HkdfSha256 {
        /// `info`; usually empty.
        info: String,
    },
    /// HMAC-SHA-256 of the salt, keyed with the secret.
    HmacSha256KeySalt,
    /// HMAC-SHA-256 of the secret, keyed with the salt.
    HmacSha256SaltKey,
    /// scrypt (RFC 7914).
    Scrypt {
        /// log2 of the cost `N`.
        log_n: u8,
        /// The block size.
        r: u32,
        /// The parallelisation.
        p: u32,
    },
    /// Argon2id, version 0x13 (RFC 9106).
    Argon2id {
        /// Memory in KiB.
        memory: u32,
        /// Passes.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
}

/// A hash under PBKDF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Kdf {
    /// Derives the content key. `None` where the secret or the salt cannot be used this way: not
    /// 32 bytes, fewer than 32, or a salt shorter than the 8 bytes that Argon2 needs.
    pub fn derive(&self, secret: &[u8], salt: &[u8]) -> Option<ContentKey> {
        let mut key = Zeroizing::new([0; 32]);
        match self {
            Self::Pbkdf2 { hash, iterations } => match hash {
                Hash::Sha1 => pbkdf2_hmac::<Sha1>(secret, salt, *iterations, &mut *key),
                Hash::Sha256 => pbkdf2_hmac::<Sha256>(secret, salt, *iterations, &mut *key),
                Hash::Sha512 => pbkdf2_hmac::<Sha512>(secret, salt, *iterations, &mut *key),
            },
            Self::Sha256KeySalt => *key = sha256(&[secret, salt]),
            Self::Sha256SaltKey => *key = sha256(&[salt, secret]),
            Self::Sha256Key => *key = sha256(&[secret]),
            Self::Raw => *key = secret.try_into().ok()?,
            Self::Prefix32 => *key = *secret.first_chunk()?,
            Self::HkdfSha256 { info } => Hkdf::<Sha256>::new(Some(salt), secret)
                .expand(info.as_bytes(), &mut *key)
                .ok()?,
            Self::HmacSha256KeySalt => *key = hmac(secret, salt)?,
            Self::HmacSha256SaltKey => *key = hmac(salt, secret)?,
            Self::Scrypt { log_n, r, p } => {
                let params = scrypt::Params::new(*log_n, *r, *p).ok()?;
                scrypt::scrypt(secret, salt, &params, &mut *key).ok()?;
            }
            Self::Argon2id {
                memory,
                passes,
                lanes,
            } => {
                let params = argon2::Params::new(*memory, *passes, *lanes, Some(32)).ok()?;
                let mut blocks = Zeroizing::new(vec![Block::default(); params.block_count()]);
                Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params)
                    .hash_password_into_with_memory(secret, salt, &mut *key, &mut *blocks)
                    .ok()?;
            }
        }
        Some(ContentKey::derived(key))
    }

    /// Whether the salt takes part.
    pub fn is_salted(&self) -> bool {
        !matches!(self, Self::Sha256Key | Self::Raw | Self::Prefix32)
    }

    /// Whether it is slow on purpose.
    pub fn is_slow(&self) -> bool {
        matches!(
            self,
            Self::Pbkdf2 { .. } | Self::Scrypt { .. } | Self::Argon2id { .. }
        )
    }

    /// How much memory it takes, in bytes, where that matters. scrypt has `p` blocks of `128 r`
    /// bytes beside its table of `N` (RFC 7914, section 6).
    pub fn memory(&self) -> u64 {
        match self {
            Self::Scrypt { log_n, r, p } => {
                let table = 1_u64.checked_shl(u32::from(*log_n)).unwrap_or(u64::MAX);
                let blocks = table.saturating_add(u64::from(*p));
                blocks.saturating_mul(128 * u64::from(*r))
            }
            Self::Argon2id { memory, .. } => u64::from(*memory) << 10,
            _ => 0,
        }
    }

    fn check(self) -> Result<Self, KdfError> {
        let over = |what, asked: u64, limit: u64| {
            if asked > limit {
                Err(KdfError::Cost { what, asked, limit })
            } else {
                Ok(())
            }
        };
        match &self {
            Self::Pbkdf2 { iterations: 0, .. } => return Err(KdfError::Unknown(self.to_string())),
            Self::Pbkdf2 { iterations, .. } => over(
                "iterations",
                u64::from(*iterations),
                u64::from(MOST_ITERATIONS),
            )?,
            Self::HkdfSha256 { info } => {
                over("bytes of label", info.len() as u64, LONGEST_INFO as u64)?;
            }
            Self::Scrypt { log_n, r, p } => {
                over("bytes of memory", self.memory(), MOST_MEMORY)?;
                over("passes", u64::from(*p), u64::from(MOST_PASSES))?;
                let work = self.memory().saturating_mul(u64::from(*p));
                over("bytes of memory in all passes", work, MOST_WORK)?;
                scrypt::Params::new(*log_n, *r, *p)
                    .map_err(|_| KdfError::Unknown(self.to_string()))?;
            }
            Self::Argon2id {
                memory,
                passes,
                lanes,
            } => {
                over("bytes of memory", self.memory(), MOST_MEMORY)?;
                over("passes", u64::from(*passes), u64::from(MOST_PASSES))?;
                let work = self.memory().saturating_mul(u64::from(*passes));
                over("bytes of memory in all passes", work, MOST_WORK)?;
                over("lanes", u64::from(*lanes), u64::from(MOST_PASSES))?;
                argon2::Params::new(*memory, *passes, *lanes, Some(32))
                    .map_err(|_| KdfError::Unknown(self.to_string()))?;
            }
            _ => {}
        }
        Ok(self)
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let hash = parts.iter().fold(Sha256::new(), Digest::chain_update);
    hash.finalize().into()
}

fn hmac(key: &[u8], message: &[u8]) -> Option<[u8; 32]> {
    let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    Some(mac.chain_update(message).finalize().into_bytes().into())
}

/// Why a name is no [`Kdf`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    /// No derivation of that name, or a number in it that cannot be.
    #[error(
        "`{0}` is none of pbkdf2-sha256:N, pbkdf2-sha1:N, pbkdf2-sha512:N, sha256-key-salt, \
         sha256-salt-key, sha256-key, raw, prefix32, hkdf-sha256[:INFO], hmac-sha256-key-salt, \
         hmac-sha256-salt-key, scrypt:N:R:P, argon2id:KIB:PASSES:LANES"
    )]
    Unknown(String),
    /// It would take too much time or memory.
    #[error("it asks for {asked} {what}, over the limit of {limit}")]
    Cost {
        /// What would be spent.
        what: &'static str,
        /// How much the name asks for.
        asked: u64,
        /// How much is allowed.
        limit: u64,
    },
}

impl FromStr for Kdf {
    type Err = KdfError;

    fn from_str(name: &str) -> Result<Self, KdfError> {
        let unknown = || KdfError::Unknown(name.to_owned());
        let number = |text: &str| text.parse().map_err(|_| unknown());
        let (scheme, rest) = match name.split_once(':') {
            Some((scheme, rest)) => (scheme, Some(rest)),
            None => (name, None),
        };
        let numbers: Vec<&str> = rest.map_or(vec![], |rest| rest.split(':').collect());
        let pbkdf2 = |hash, text| {
            let iterations = number(text)?;
            Ok(Self::Pbkdf2 { hash, iterations })
        };
        match (scheme, numbers.as_slice()) {
            ("pbkdf2-sha1", [n]) => pbkdf2(Hash::Sha1, n)?,
            ("pbkdf2-sha256", [n]) => pbkdf2(Hash::Sha256, n)?,
            ("pbkdf2-sha512", [n]) => pbkdf2(Hash::Sha512, n)?,
            ("sha256-key-salt", []) => Self::Sha256KeySalt,
            ("sha256-salt-key", []) => Self::Sha256SaltKey,
            ("sha256-key", []) => Self::Sha256Key,
            ("raw", []) => Self::Raw,
            ("prefix32", []) => Self::Prefix32,
            ("hkdf-sha256", _) => Self::HkdfSha256 {
                info: rest.unwrap_or_default().to_owned(),
            },
            ("hmac-sha256-key-salt", []) => Self::HmacSha256KeySalt,
            ("hmac-sha256-salt-key", []) => Self::HmacSha256SaltKey,
            ("scrypt", [n, r, p]) => {
                let n = number(n)?;
                if !n.is_power_of_two() {
                    return Err(unknown());
                }
                Self::Scrypt {
                    log_n: u8::try_from(n.trailing_zeros()).map_err(|_| unknown())?,
                    r: number(r)?,
                    p: number(p)?,
                }
            }
            ("argon2id", [memory, passes, lanes]) => Self::Argon2id {
                memory: number(memory)?,
                passes: number(passes)?,
                lanes: number(lanes)?,
            },
            _ => return Err(unknown()),
        }
        .check()
    }
}

impl fmt::Display for Kdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pbkdf2 { hash, iterations } => {
                let hash = match hash {
                    Hash::Sha1 => "sha1",
                    Hash::Sha256 => "sha256",
                    Hash::Sha512 => "sha512",
                };
                write!(f, "pbkdf2-{hash}:{iterations}")
            }
            Self::Sha256KeySalt => f.write_str("sha256-key-salt"),
            Self::Sha256SaltKey => f.write_str("sha256-salt-key"),
            Self::Sha256Key => f.write_str("sha256-key"),
            Self::Raw => f.write_str("raw"),
            Self::Prefix32 => f.write_str("prefix32"),
            Self::HkdfSha256 { info } if info.is_empty() => f.write_str("hkdf-sha256"),
            Self::HkdfSha256 { info } => write!(f, "hkdf-sha256:{info}"),
            Self::HmacSha256KeySalt => f.write_str("hmac-sha256-key-salt"),
            Self::HmacSha256SaltKey => f.write_str("hmac-sha256-salt-key"),
            Self::Scrypt { log_n, r, p } => write!(f, "scrypt:{}:{r}:{p}", 1_u64 << log_n),
            Self::Argon2id {
                memory,
                passes,
                lanes,
            } => write!(f, "argon2id:{memory}:{passes}:{lanes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "1a2b3c4d5e6f7890abcdef1234567890abcdef1234567890abcdef1234567890";
    const SALT: &str = "bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg==";

    fn derived(kdf: &str, key: &[u8], salt: &[u8]) -> Option<String> {
        let key = kdf.parse::<Kdf>().unwrap().derive(key, salt)?;
        Some(key.key().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Made by Python's hashlib, hmac and `cryptography`.
    #[test]
    fn equals_python() {
        let salt = SALT.as_bytes();
        for (kdf, salt, expected) in [
            (
                "pbkdf2-sha256:100000",
                salt,
                "337ee8b9d3e335b9d517481618f0c55c4a1223fee754f0d07fae2fc296c7a885",
            ),
            (
                "pbkdf2-sha256:100000",
                &b"new_salt_for_version_2"[..],
                "a3fc2410c81781813d6e4edf8236cb672dd85aa335d26b45a0f03df1fb358e88",
            ),
            (
                "sha256-key",
                salt,
                "1e36f8eeb9a39b48e2c1227270adc152e8b2eb5802e0b034142b20b53fdc3893",
            ),
            (
                "sha256-key-salt",
                salt,
                "2e5564b9641bf1b062b6b491e4d14ccd85e8c66521c3115c4f6e8c2e952ff050",
            ),
            (
                "scrypt:32768:8:1",
                salt,
                "857b1db5a239d0641e97ef8fc731a087cc2625913cf078f4f6467d76fb4fe34f",
            ),
            (
                "pbkdf2-sha1:1000",
                salt,
                "1c4eaccb724c59c7929e3c6fc52f82c5dd1d95d25a02fdab66d98b624be7bacd",
            ),
            (
                "pbkdf2-sha512:1000",
                salt,
                "fb6c118a3410370b5e67bd95d9edf10598fb2c393d6ac5deefe938c5900a799e",
            ),
            (
                "sha256-salt-key",
                salt,
                "e08f34c3b1a5666ddab3624987d695924713abfad42005191bb19b3b4a7ef60b",
            ),
            (
                "prefix32",
                salt,
                "3161326233633464356536663738393061626364656631323334353637383930",
            ),
            (
                "hkdf-sha256",
                salt,
                "e14ec99e551dd9968c067c18281bab2fdf253a86cbc693cd3fc10159bfedf96d",
            ),
            (
                "hkdf-sha256:call:v1",
                salt,
                "b3280e56ade73a5d16e50164927b583d2f8d6913155456d501091102cf77df3e",
            ),
            (
                "hmac-sha256-key-salt",
                salt,
                "d6e8424a509cb83f7868917ef2dc44ee7c18dc638ecf0ad085b4cd2277bb2430",
            ),
            (
                "hmac-sha256-salt-key",
                salt,
                "9bed5bb265b5701af2ac4b1db0dd6fc3a1d90f248cd5b8f2f2b3fdc49998ae8d",
            ),
            (
                "argon2id:65536:1:4",
                salt,
                "f6b270002ed4ca67d10298a9bd3d8b76b4b99d4567117bc60fb16c43da8a9686",
            ),
        ] {
            let found = derived(kdf, KEY.as_bytes(), salt);
            assert_eq!(found.as_deref(), Some(expected), "{kdf}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [
            "pbkdf2-sha1:1000",
            "pbkdf2-sha512:210000",
            "sha256-salt-key",
            "raw",
            "prefix32",
            "hkdf-sha256",
            "hkdf-sha256:call recording:v1",
            "hmac-sha256-key-salt",
            "hmac-sha256-salt-key",
            "scrypt:16384:8:1",
            "argon2id:65536:3:4",
        ] {
            assert_eq!(name.parse::<Kdf>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_cannot_be_or_costs_too_much_is_refused() {
        for name in [
            "",
            "pbkdf2",
            "pbkdf2-sha256",
            "pbkdf2-sha256:0",
            "pbkdf2-sha256:-1",
            "pbkdf2-md5:1000",
            "raw:1",
            "scrypt:1000:8:1",
            "scrypt:16384:0:1",
            "scrypt:0:8:1",
            "argon2id:1:0:1",
            "argon2id:65536:3",
        ] {
            let error = name.parse::<Kdf>().unwrap_err();
            assert!(matches!(error, KdfError::Unknown(_)), "{name}: {error:?}");
        }
        for name in [
            "pbkdf2-sha256:4000000000",
            "scrypt:1048576:4096:1",
            "scrypt:16384:8:65",
            "scrypt:2147483648:8:1",
            // Small tables, large blocks: p blocks of 128 r bytes would take 34 GB.
            "scrypt:2:4194303:64",
            "scrypt:1048576:7:64",
            "argon2id:1048576:64:1",
            "argon2id:4194304:1:1",
            "argon2id:65536:1000:1",
        ] {
            let error = name.parse::<Kdf>().unwrap_err();
            assert!(matches!(error, KdfError::Cost { .. }), "{name}: {error:?}");
        }
    }

    #[test]
    fn what_reaches_the_limit_is_read_and_what_exceeds_it_is_not() {
        let info = |length| format!("hkdf-sha256:{}", "x".repeat(length));
        let iterations = |number| format!("pbkdf2-sha256:{number}");
        for (name, is_read) in [
            (info(LONGEST_INFO), true),
            (info(LONGEST_INFO + 1), false),
            (iterations(MOST_ITERATIONS), true),
            (iterations(MOST_ITERATIONS + 1), false),
        ] {
            assert_eq!(name.parse::<Kdf>().is_ok(), is_read, "{name}");
        }
    }

    #[test]
    fn what_a_derivation_takes_is_told_beforehand() {
        for (name, is_salted, is_slow, memory) in [
            ("raw", false, false, 0),
            ("prefix32", false, false, 0),
            ("sha256-key", false, false, 0),
            ("sha256-key-salt", true, false, 0),
            ("hkdf-sha256", true, false, 0),
            ("pbkdf2-sha256:1000", true, true, 0),
            ("scrypt:16384:8:3", true, true, (16384 + 3) * 128 * 8),
            ("argon2id:65536:3:4", true, true, 64 << 20),
        ] {
            let kdf: Kdf = name.parse().unwrap();
            assert_eq!(
                (kdf.is_salted(), kdf.is_slow(), kdf.memory()),
                (is_salted, is_slow, memory),
                "{name}"
            );
        }
    }

    #[test]
    fn a_secret_that_does_not_fit_gives_no_key() {
        assert_eq!(derived("raw", &[7; 31], b""), None);
        assert_eq!(derived("raw", &[7; 33], b""), None);
        assert_eq!(derived("prefix32", &[7; 31], b""), None);
        assert_eq!(derived("argon2id:64:1:1", &[7; 32], b"short"), None);
        assert!(derived("raw", &[7; 32], b"").is_some());
        assert!(derived("prefix32", &[7; 33], b"").is_some());
    }
}
