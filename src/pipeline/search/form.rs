//! How a key, a salt and additional data may have been meant, and what is tried in which order.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT};
use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};
use zeroize::Zeroizing;

use crate::key::{Hash, Kdf};

/// A name that none of the known ones is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is none of {}", .known.join(", "))]
pub struct UnknownName {
    found: String,
    known: &'static [&'static str],
}

impl UnknownName {
    /// A name that is no variant of `T`.
    pub(super) fn of<T: VariantNames>(found: &str) -> Self {
        Self {
            found: found.to_owned(),
            known: T::VARIANTS,
        }
    }
}

/// What of a key's text is the secret, the likeliest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, VariantNames,
)]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = UnknownName,
    parse_err_fn = UnknownName::of::<Self>
)]
pub enum KeyForm {
    /// The text itself.
    Text,
    /// The 32 bytes that its 64 hexadecimal digits stand for.
    Hex,
    /// The base64 of the text, as a text.
    Base64,
    /// The 32 bytes that it is the base64 of.
    Decoded,
}

impl KeyForm {
    /// All of them.
    pub const ALL: &[Self] = <Self as VariantArray>::VARIANTS;

    /// The name that people give and reports print.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The secret, where the text can be meant so.
    pub(super) fn of(self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = text.as_bytes();
        Some(Zeroizing::new(match self {
            Self::Text => bytes.to_vec(),
            Self::Hex => {
                let mut decoded = Zeroizing::new(vec![0; 32]);
                let written = base16ct::mixed::decode(bytes, &mut decoded).ok()?.len();
                return (written == 32).then_some(decoded);
            }
            Self::Base64 => STANDARD.encode(bytes).into_bytes(),
            Self::Decoded => {
                let decoded = Zeroizing::new(STANDARD_PAD_INDIFFERENT.decode(bytes).ok()?);
                return Some(decoded).filter(|key| key.len() == 32);
            }
        }))
    }
}

/// Which bytes the salt is, the likeliest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, VariantNames,
)]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = UnknownName,
    parse_err_fn = UnknownName::of::<Self>
)]
pub enum SaltForm {
    /// Its text.
    Text,
    /// The bytes that it is the base64 of.
    Decoded,
    /// Those in front of the file.
    File,
}

impl SaltForm {
    /// All of them.
    pub const ALL: &[Self] = <Self as VariantArray>::VARIANTS;

    /// The name that people give and reports print.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The salt's bytes, where the text can be meant so. Not for [`SaltForm::File`].
    pub(super) fn of(self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Text => Some(Zeroizing::new(text.as_bytes().to_vec())),
            Self::Decoded => {
                let decoded = Zeroizing::new(STANDARD_PAD_INDIFFERENT.decode(text).ok()?);
                Some(decoded).filter(|salt| !salt.is_empty())
            }
            Self::File => None,
        }
    }
}

/// GCM's additional authenticated data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aad {
    /// None.
    None,
    /// The recording's id.
    Id,
    /// The name of the key.
    KeyId,
    /// The salt's text.
    Salt,
    /// This text.
    Text(String),
}

impl Aad {
    /// Those that are tried, the likeliest first.
    pub(super) const TRIED: [Self; 4] = [Self::None, Self::Id, Self::KeyId, Self::Salt];
}

impl fmt::Display for Aad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Id => f.write_str("id"),
            Self::KeyId => f.write_str("key-id"),
            Self::Salt => f.write_str("salt"),
            Self::Text(text) => write!(f, "text:{text}"),
        }
    }
}

impl FromStr for Aad {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Ok(match name {
            "none" => Self::None,
            "id" => Self::Id,
            "key-id" => Self::KeyId,
            "salt" => Self::Salt,
            _ => match name.strip_prefix("text:") {
                Some(text) => Self::Text(text.to_owned()),
                None => {
                    return Err(UnknownName {
                        found: name.to_owned(),
                        known: &["none", "id", "key-id", "salt", "text:TEXT"],
                    });
                }
            },
        })
    }
}

/// The derivations that are tried: the quick ones, then the slow ones by likelihood.
pub(super) fn kdfs() -> Vec<Kdf> {
    let pbkdf2 = |hash| move |iterations| Kdf::Pbkdf2 { hash, iterations };
    let scrypt = |log_n| Kdf::Scrypt { log_n, r: 8, p: 1 };
    let argon2id = |passes, lanes| Kdf::Argon2id {
        memory: 64 * 1024,
        passes,
        lanes,
    };
    let quick = [
        Kdf::Raw,
        Kdf::Sha256KeySalt,
        Kdf::Sha256SaltKey,
        Kdf::Sha256Key,
        Kdf::Prefix32,
        Kdf::HkdfSha256 {
            info: String::new(),
        },
        Kdf::HmacSha256KeySalt,
        Kdf::HmacSha256SaltKey,
    ];
    let sha256 = [100_000, 10_000, 4096, 600_000, 210_000, 1000].map(pbkdf2(Hash::Sha256));
    let sha512 = [100_000, 210_000, 10_000].map(pbkdf2(Hash::Sha512));
    let sha1 = [1000, 10_000, 4096, 100_000].map(pbkdf2(Hash::Sha1));
    let memory = [scrypt(15), scrypt(14), argon2id(1, 4), argon2id(3, 4)];
    quick
        .into_iter()
        .chain(sha256)
        .chain(sha512)
        .chain(sha1)
        .chain(memory)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for &form in KeyForm::ALL {
            assert_eq!(form.name().parse(), Ok(form));
        }
        for &form in SaltForm::ALL {
            assert_eq!(form.name().parse(), Ok(form));
        }
        for aad in [&Aad::TRIED[..], &[Aad::Text("a:b".to_owned())]].concat() {
            assert_eq!(aad.to_string().parse(), Ok(aad));
        }
        for kdf in kdfs() {
            assert_eq!(kdf.to_string().parse(), Ok(kdf));
        }
        assert!("auto".parse::<KeyForm>().is_err());
        assert!("".parse::<SaltForm>().is_err());
        assert!("text".parse::<Aad>().is_err());
    }

    #[test]
    fn a_form_is_there_only_where_the_text_can_be_meant_so() {
        let hex = "ab".repeat(32);
        assert_eq!(*KeyForm::Hex.of(&hex).unwrap(), [0xab; 32]);
        assert!(KeyForm::Hex.of(&hex[..62]).is_none());
        assert!(KeyForm::Decoded.of(&hex).is_none());
        let base64 = STANDARD.encode([7; 32]);
        assert_eq!(*KeyForm::Decoded.of(&base64).unwrap(), [7; 32]);
        assert_eq!(*KeyForm::Base64.of("key").unwrap(), *b"a2V5");
        assert_eq!(*SaltForm::Decoded.of("a2V5").unwrap(), *b"key");
        assert_eq!(SaltForm::Decoded.of("not base64"), None);
    }
}
