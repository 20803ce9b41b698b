//! What the metadata of a recording says.
//!
//! "Stores metadata (key ID, version, algorithm) with the recording" and "The salt is stored in
//! each recording's metadata": that is all the guide has. Where that metadata stands and how its
//! fields are spelt is documented nowhere, so the configuration's spellings and their obvious
//! relatives are taken, at the top or one object below.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use zeroize::Zeroizing;

use super::super::document;
use super::super::error::MetadataError;
use super::super::json::{Json, Object};
use super::super::listing::{Item, Listing};
use super::super::search::{self, Knows, Named, Rules};
use super::config::{Config, number};
use super::{check_length, mode};
use crate::envelope::Mode;

/// What the metadata of one recording says of its encryption.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// The recording's id. Untrusted text.
    pub id: Option<String>,
    /// The version of key and salt that it is encrypted under.
    pub version: Option<u64>,
    /// The name of the key. Untrusted text.
    pub key_id: Option<String>,
    /// How it is encrypted.
    pub algorithm: Option<Mode>,
    /// Its own salt, as text.
    pub salt: Option<Zeroizing<String>>,
    /// The nonce or IV: 12 or 16 bytes.
    pub iv: Option<Vec<u8>>,
    /// The GCM tag.
    pub tag: Option<[u8; 16]>,
}

/// Without the salt.
impl fmt::Debug for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hints")
            .field("id", &self.id)
            .field("version", &self.version)
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .field("has_salt", &self.salt.is_some())
            .field("iv", &self.iv)
            .field("tag", &self.tag)
            .finish()
    }
}

const ID: [&str; 5] = [
    "recording_id",
    "media_recording_id",
    "call_recording_id",
    "recordingId",
    "id",
];
const VERSION: [&str; 5] = [
    "version",
    "key_version",
    "keyVersion",
    "key-version",
    "encryption_version",
];
const KEY_ID: [&str; 3] = ["key_id", "keyId", "key-id"];
const ALGORITHM: [&str; 2] = ["algorithm", "encryption_algorithm"];
const IV: [&str; 3] = ["nonce", "iv", "initialization_vector"];
const TAG: [&str; 4] = ["tag", "auth_tag", "authTag", "auth-tag"];
/// Where the fields may stand one object below.
const WITHIN: [&str; 5] = [
    "encryption",
    "encryption_metadata",
    "encryptionMetadata",
    "metadata",
    "recording",
];

/// Reads the metadata of one recording, or a list of them.
///
/// # Errors
/// See [`MetadataError`]; a list's recordings have their own.
pub fn parse(bytes: &[u8]) -> Result<Listing<Hints>, MetadataError> {
    if Config::parse(bytes).is_ok() {
        return Err(MetadataError::Configuration);
    }
    search::read(bytes, &RULES)
}

const RULES: Rules<Hints> = Rules {
    accepted: "JSON",
    wanted: MetadataError::Unrecognised {
        expected: "version, key_id, algorithm or salt of a recording",
    },
    lists: &["recordings"],
    knows,
    item: |object, _| item(object),
    bare: |_| None,
    merge: document::agree,
};

impl Named for Hints {
    fn set_id(&mut self, id: Option<&str>) {
        self.id = id.map(str::to_owned);
    }
}

fn knows(object: &Object) -> Knows {
    let fields: [&[&str]; 6] = [&VERSION, &KEY_ID, &ALGORITHM, &["salt"], &IV, &TAG];
    let says = |object: &&Object| fields.iter().any(|names| object.has(names));
    if objects(object).iter().any(says) {
        Knows::Encryption
    } else {
        Knows::Nothing
    }
}

/// The object, and those one below where the fields may stand.
fn objects(object: &Object) -> Vec<&Object> {
    let within = WITHIN.iter().filter_map(|name| match object.get(&[name]) {
        Ok(Some((_, Json::Object(inner)))) => Some(inner),
        _ => None,
    });
    std::iter::once(object).chain(within).collect()
}

fn item(object: &Object) -> Item<Hints> {
    let objects = objects(object);
    let id = first(&objects, &ID, text).ok().flatten();
    let outcome = hints(&objects, id.clone());
    Item { id, outcome }
}

fn hints(objects: &[&Object], id: Option<String>) -> Result<Hints, MetadataError> {
    let hints = Hints {
        id,
        version: first(objects, &VERSION, number)?,
        key_id: first(objects, &KEY_ID, text)?,
        algorithm: first(objects, &ALGORITHM, |field, value| {
            mode(field, &text(field, value)?)
        })?,
        salt: first(objects, &["salt"], |field, value| {
            let salt = Zeroizing::new(text(field, value)?);
            check_length(field, &salt).map(|()| salt)
        })?,
        iv: first(objects, &IV, |field, value| {
            let text = text(field, value)?;
            binary(field, &text, &[12, 16])
        })?,
        tag: first(objects, &TAG, |field, value| {
            let text = text(field, value)?;
            let bytes = binary(field, &text, &[16])?;
            bytes.try_into().map_err(|_| MetadataError::Invalid {
                field: document::quoted(field),
                problem: "not 16 bytes".to_owned(),
            })
        })?,
    };
    let is_silent = Hints {
        id: hints.id.clone(),
        ..Hints::default()
    } == hints;
    if is_silent {
        return Err(MetadataError::Unrecognised {
            expected: "version, key_id, algorithm or salt of a recording",
        });
    }
    Ok(hints)
}

/// The value of a field, wherever it stands; where it stands twice, the two must agree.
fn first<T: PartialEq>(
    objects: &[&Object],
    names: &[&'static str],
    read: impl Fn(&str, &Json) -> Result<T, MetadataError>,
) -> Result<Option<T>, MetadataError> {
    let mut found: Option<(&str, T)> = None;
    for object in objects {
        let Some((name, value)) = object.get(names)? else {
            continue;
        };
        if *value == Json::text("") {
            continue;
        }
        let value = read(name, value)?;
        match &found {
            Some((first, other)) if *other != value => {
                return Err(MetadataError::Contradiction {
                    first: document::quoted(first),
                    second: format!("the inner {}", document::quoted(name)),
                });
            }
            _ => found = Some((name, value)),
        }
    }
    Ok(found.map(|(_, value)| value))
}

fn text(field: &str, value: &Json) -> Result<String, MetadataError> {
    match value {
        Json::String(text) => Ok(text.to_string()),
        Json::Number(number) => Ok(number.to_string()),
        other => Err(MetadataError::Invalid {
            field: document::quoted(field),
            problem: format!("{}, not a string", other.kind()),
        }),
    }
}

/// Decodes hexadecimal digits or base64 of as many bytes as allowed. At 12 and 16 bytes no text
/// is both.
fn binary(field: &str, text: &str, lengths: &[usize]) -> Result<Vec<u8>, MetadataError> {
    let text = text.trim();
    let from_hex = base16ct::mixed::decode_vec(text).ok();
    let from_base64 = || STANDARD_PAD_INDIFFERENT.decode(text).ok();
    let fits = |bytes: &Vec<u8>| lengths.contains(&bytes.len());
    from_hex
        .filter(fits)
        .or_else(|| from_base64().filter(fits))
        .ok_or_else(|| {
            let lengths: Vec<_> = lengths.iter().map(ToString::to_string).collect();
            MetadataError::Invalid {
                field: document::quoted(field),
                problem: format!(
                    "not {} bytes in hexadecimal or base64",
                    lengths.join(" or ")
                ),
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Hints, String> {
        let all = parse(text.as_bytes()).map_err(|error| error.to_string())?;
        let mut all = all.into_items();
        assert_eq!(all.len(), 1);
        all.remove(0).outcome.map_err(|error| error.to_string())
    }

    #[test]
    fn fields_are_found_at_the_top_and_one_below() {
        let expected = Hints {
            id: Some("rec1".to_owned()),
            version: Some(2),
            key_id: Some("key_auto_b02d27af63".to_owned()),
            algorithm: Some(Mode::Gcm),
            salt: Some(Zeroizing::new("aGVsbG8=".to_owned())),
            iv: Some(vec![1; 12]),
            tag: Some([2; 16]),
        };
        let flat = r#""version": 2, "key_id": "key_auto_b02d27af63", "algorithm": "AES-256-GCM",
            "salt": "aGVsbG8=", "nonce": "010101010101010101010101",
            "tag": "AgICAgICAgICAgICAgICAg==""#;
        for text in [
            format!(r#"{{"recording_id": "rec1", {flat}}}"#),
            format!(r#"{{"id": "rec1", "encryption": {{{flat}}}}}"#),
            format!(r#"{{"version": "2", "recording": {{"id": "rec1", {flat}}}}}"#),
            format!(r#"{{"recordings": [{{"id": "rec1", "metadata": {{{flat}}}}}]}}"#),
        ] {
            assert_eq!(one(&text), Ok(expected.clone()), "{text}");
            let shown = format!("{expected:?}");
            assert!(shown.contains("has_salt: true") && !shown.contains("aGVsbG8"));
        }
    }

    #[test]
    fn what_has_no_id_agrees_with_what_has_one() {
        let text = r#"[{"a": {"id": "rec1", "version": 2}, "b": {"version": 2}}]"#;
        assert_eq!(one(text).unwrap().id.as_deref(), Some("rec1"));
    }

    #[test]
    fn twelve_and_sixteen_bytes_are_hexadecimal_or_base64() {
        for (text, expected) in [
            ("00112233445566778899aabb", 12),
            ("00112233445566778899aabbccddeeff", 16),
            ("AAAAAAAAAAAAAAAA", 12),
            ("AAAAAAAAAAAAAAAAAAAAAA==", 16),
        ] {
            let hints = one(&format!(r#"{{"iv": "{text}"}}"#)).unwrap();
            assert_eq!(hints.iv.unwrap().len(), expected, "{text}");
        }
        let error = one(r#"{"iv": "0011"}"#).unwrap_err();
        assert_eq!(error, "iv is not 12 or 16 bytes in hexadecimal or base64");
    }

    #[test]
    fn what_says_nothing_or_contradicts_itself_is_refused() {
        for (text, reason) in [
            (
                r#"{"duration": 7}"#,
                "no version, key_id, algorithm or salt",
            ),
            (
                r#"{"recording_id": "rec1", "version": null}"#,
                "no version, key_id, algorithm or salt",
            ),
            (
                r#"{"version": 1, "metadata": {"version": 2}}"#,
                "version and the inner version",
            ),
            (
                r#"{"version": "one"}"#,
                "version is a string, not a positive integer",
            ),
            (r#"{"algorithm": "ROT13"}"#, "algorithm is `ROT13`"),
            (
                &format!(r#"{{"salt": "{}"}}"#, "x".repeat(4097)),
                "salt is 4097 bytes long, over the limit of 4096",
            ),
            ("7", "it is not JSON: it is text of another kind"),
        ] {
            let error = one(text).unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }
}
