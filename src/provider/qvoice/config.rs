//! The configuration: every version's key and salt.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::super::decode::{self, Notes};
use super::super::document;
use super::super::error::MetadataError;
use super::super::json::{self, Budget, Json, Object};
use super::{check_key, check_salt, mode, tolerant};
use crate::envelope::Mode;

/// The names that a configuration is known by. A recording has an algorithm and a salt too.
const TELLING: [&str; 5] = [
    "key",
    "historical_keys",
    "historical_salts",
    "key_version",
    "enabled",
];

/// The most old versions that are taken: each costs time and memory in a search.
const VERSIONS: usize = 1000;

/// An account's encryption configuration. Its secrets are wiped when dropped.
pub struct Config {
    /// Whether new recordings are encrypted. Old ones stay as they are either way.
    pub enabled: Option<bool>,
    /// The algorithm of new recordings.
    pub algorithm: Option<Mode>,
    /// "Provides a unique identifier for your encryption key". Untrusted text.
    pub key_id: Option<String>,
    /// Every version that it knows, newest first, and then what is pending.
    pub versions: Vec<Version>,
}

/// One version of key and salt: "Each version corresponds to a specific encryption key/salt pair".
pub struct Version {
    /// Its number; `None` where nothing says it.
    pub number: Option<u64>,
    /// Whether it was made, and perhaps never taken: it has no number yet.
    pub pending: bool,
    /// Its key and salt, or why it cannot be used.
    pub pair: Result<Pair, MetadataError>,
}

/// A key and its salt, as text.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// "Plain text string, minimum 32 characters long".
    pub key: Zeroizing<String>,
    /// "String (base64-encoded or plain text)".
    pub salt: Option<Zeroizing<String>>,
}

impl Config {
    /// Reads the answer of `/api/v2/config/call_recording_encryption`, the `config` in it, or one
    /// of the guide's examples.
    ///
    /// # Errors
    /// See [`MetadataError`]. A version that cannot be used is no error of the whole; that there
    /// is none at all is one.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let outer = outer(bytes)?;
        let object = inner(&outer)?;
        Ok(Self {
            enabled: enabled(object)?,
            algorithm: algorithm(object)?.map(|(_, mode)| mode),
            key_id: key_id(object)?,
            versions: versions(object)?,
        })
    }
}

/// The object that a document is.
pub(super) fn outer(bytes: &[u8]) -> Result<Object, MetadataError> {
    let text = decode::unwrapped(decode::text(bytes, "JSON")?, &mut Notes::new())?;
    match json::value(&tolerant::json(&text), &Budget::new())? {
        Json::Object(outer) => Ok(outer),
        _ => Err(UNRECOGNISED),
    }
}

const UNRECOGNISED: MetadataError = MetadataError::Unrecognised {
    expected: "call recording encryption configuration",
};

/// The `config` of an answer, or the object itself; it says something of an encryption.
pub(super) fn inner(outer: &Object) -> Result<&Object, MetadataError> {
    let config = config(outer)?;
    let object = config.unwrap_or(outer);
    if !object.has(&TELLING) && !has_pending(object)? {
        return Err(if outer.has(&["config"]) {
            MetadataError::Missing { field: "key" }
        } else {
            UNRECOGNISED
        });
    }
    Ok(object)
}

/// The `config` of an answer.
pub(super) fn config(outer: &Object) -> Result<Option<&Object>, MetadataError> {
    match outer.get(&["config"])? {
        Some((_, Json::Object(inner))) => Ok(Some(inner)),
        Some((name, other)) => Err(not(name, other, "an object")),
        None => Ok(None),
    }
}

/// "Activates or deactivates encryption for your account".
pub(super) fn enabled(object: &Object) -> Result<Option<bool>, MetadataError> {
    match object.get(&["enabled"])? {
        Some((_, Json::Bool(enabled))) => Ok(Some(*enabled)),
        Some((name, other)) => Err(not(name, other, "a boolean")),
        None => Ok(None),
    }
}

/// "Specifies which encryption method to use": as it is spelt, and what that means.
pub(super) fn algorithm(object: &Object) -> Result<Option<(&str, Mode)>, MetadataError> {
    match object.text(&["algorithm"])? {
        Some((field, name)) => Ok(Some((name, mode(field, name)?))),
        None => Ok(None),
    }
}

/// "Provides a unique identifier for your encryption key".
pub(super) fn key_id(object: &Object) -> Result<Option<String>, MetadataError> {
    Ok(object.text(&["key_id"])?.map(|(_, id)| id.to_owned()))
}

pub(super) fn not(field: &str, found: &Json, expected: &str) -> MetadataError {
    MetadataError::Invalid {
        field: document::quoted(field),
        problem: format!("{}, not {expected}", found.kind()),
    }
}

/// Every version's key and salt as they stand in a configuration, usable or not.
pub(super) struct Table<'a> {
    /// The number of the current version.
    pub(super) number: Option<u64>,
    /// The key and the salt of the current version.
    pub(super) current: [Option<&'a str>; 2],
    /// Those of the older ones.
    pub(super) older: BTreeMap<u64, [Option<&'a str>; 2]>,
}

/// "Both old key AND old salt are always preserved together": of each version, its own pair.
pub(super) fn table(object: &Object) -> Result<Table<'_>, MetadataError> {
    let number = match object.get(&["key_version"])? {
        Some((field, value)) => Some(number(field, value)?),
        None => None,
    };
    let mut older: BTreeMap<u64, [Option<&str>; 2]> = BTreeMap::new();
    for (place, map) in [(0, "historical_keys"), (1, "historical_salts")] {
        for (version, text) in history(object, map)? {
            if let Some(current) = number
                && version > current
            {
                return Err(MetadataError::Contradiction {
                    first: format!("key_version {current}"),
                    second: format!("{map}[{version}], which is older by the guide's rules"),
                });
            }
            if let Some(slot) = older.entry(version).or_default().get_mut(place) {
                *slot = Some(text);
            }
        }
    }
    let key = object.text(&["key"])?.map(|(_, key)| key);
    let salt = object.text(&["salt"])?.map(|(_, salt)| salt);
    let mut current = [key, salt];
    // The current version, should it stand in the history too, must be the same there.
    if let Some(number) = number
        && let Some(old) = older.remove(&number)
    {
        for ((name, now), old) in ["key", "salt"].iter().zip(&mut current).zip(old) {
            if now.is_some() && old.is_some() && *now != old {
                return Err(MetadataError::Contradiction {
                    first: format!("{name} of key_version {number}"),
                    second: format!("historical_{name}s[{number}]"),
                });
            }
            *now = now.or(old);
        }
    }
    Ok(Table {
        number,
        current,
        older,
    })
}

/// Newest first, and then what is pending.
fn versions(object: &Object) -> Result<Vec<Version>, MetadataError> {
    let Table {
        number,
        current: [key, salt],
        older,
    } = table(object)?;
    let newest = key.map(|_| Version {
        number,
        pending: false,
        pair: pair(["key", "salt"], key, salt),
    });
    let older = older.iter().rev().map(|(number, [key, salt])| {
        let names = ["keys", "salts"].map(|map| format!("historical_{map}[{number}]"));
        Version {
            number: Some(*number),
            pending: false,
            pair: pair(names.each_ref().map(String::as_str), *key, *salt),
        }
    });
    let mut versions: Vec<_> = newest.into_iter().chain(older).collect();
    match pending(object)? {
        // With nothing to use beside it, this is what is wrong.
        Some(Err(error)) if versions.is_empty() => return Err(error),
        Some(pair) => versions.push(Version {
            number: None,
            pending: true,
            pair,
        }),
        None if versions.is_empty() => return Err(MetadataError::Missing { field: "key" }),
        None => {}
    }
    Ok(versions)
}

/// A map from version to text. "All previous key versions are stored in `historical_keys` map".
fn history<'a>(
    object: &'a Object,
    name: &'static str,
) -> Result<BTreeMap<u64, &'a str>, MetadataError> {
    let map = match object.get(&[name])? {
        Some((_, Json::Object(map))) => map,
        Some((name, other)) => return Err(not(name, other, "an object")),
        None => return Ok(BTreeMap::new()),
    };
    let invalid = |problem| MetadataError::Invalid {
        field: name.to_owned(),
        problem,
    };
    let count = map.members().count();
    if count > VERSIONS {
        let problem = format!("an object of {count} versions, more than {VERSIONS}");
        return Err(invalid(problem));
    }
    let mut texts = BTreeMap::new();
    for (version, value) in map.members() {
        let field = || format!("{name}[{}]", document::quoted(version));
        let number = version.parse().ok().filter(|number| *number > 0);
        // What stands there instead is not repeated: it may be the key itself.
        let number: u64 = number
            .ok_or_else(|| invalid("not an object whose names are version numbers".to_owned()))?;
        let text = match value {
            Json::String(text) if !text.is_empty() => text.as_str(),
            Json::Null | Json::String(_) => continue,
            other => return Err(not(&field(), other, "a string")),
        };
        if texts
            .insert(number, text)
            .is_some_and(|other| other != text)
        {
            return Err(MetadataError::Contradiction {
                first: field(),
                second: format!("another {}", field()),
            });
        }
    }
    Ok(texts)
}

/// "Type: Integer (positive number, read-only)".
pub(super) fn number(field: &str, value: &Json) -> Result<u64, MetadataError> {
    let number = match value {
        Json::Number(number) => number.as_u64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| MetadataError::Invalid {
        field: document::quoted(field),
        problem: match value {
            Json::Number(_) => "not a positive integer".to_owned(),
            other => format!("{}, not a positive integer", other.kind()),
        },
    })
}

/// A pair that Qvoice would have taken; `names` are those of the key and the salt.
fn pair(names: [&str; 2], key: Option<&str>, salt: Option<&str>) -> Result<Pair, MetadataError> {
    let [key_name, salt_name] = names;
    let key = key.ok_or(MetadataError::Missing {
        field: "historical_keys of a version in historical_salts",
    })?;
    check_key(key_name, key)?;
    if let Some(salt) = salt {
        check_salt(salt_name, salt)?;
    }
    let own = |text: &str| Zeroizing::new(text.to_owned());
    Ok(Pair {
        key: own(key),
        salt: salt.map(own),
    })
}

/// Whether the object has a key that was made and perhaps not taken.
fn has_pending(object: &Object) -> Result<bool, MetadataError> {
    Ok(match object.get(&["pending"])? {
        Some((_, Json::Object(members))) => members.has(&["key"]),
        _ => false,
    })
}

/// `pending`, which is unreel's own: "key" and "salt" that were made for the next version. They
/// stand there from before Qvoice was asked to take them until its answer has them.
pub(super) fn pending(
    object: &Object,
) -> Result<Option<Result<Pair, MetadataError>>, MetadataError> {
    let read = |name: &str, value: &Json| match value {
        Json::Object(members) => {
            let key = members.text(&["key"])?.map(|(_, key)| key);
            let key = key.ok_or(MetadataError::Missing {
                field: "pending.key",
            })?;
            let salt = members.text(&["salt"])?.map(|(_, salt)| salt);
            pair(["pending.key", "pending.salt"], Some(key), salt)
        }
        other => Err(not(name, other, "an object")),
    };
    Ok(object
        .get(&["pending"])?
        .map(|(name, value)| read(name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "1a2b3c4d5e6f7890abcdef1234567890abcdef1234567890abcdef1234567890";

    fn summary(text: &str) -> Result<Vec<(Option<u64>, String)>, String> {
        let config = Config::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        let line = |version: &Version| match &version.pair {
            Ok(pair) => format!(
                "{} {}",
                &pair.key[..4],
                pair.salt.as_ref().map_or("-", |salt| salt.as_str())
            ),
            Err(error) => error.to_string(),
        };
        Ok(config
            .versions
            .iter()
            .map(|v| (v.number, line(v)))
            .collect())
    }

    /// The guide's "After rotation (automatic)".
    const ROTATED: &str = r#"{
        "enabled": true, "key_version": 2,
        "salt": "bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg==",
        "key": "new_encryption_key_plain_text_at_least_32_characters_long",
        "historical_keys": {"1": "1a2b3c4d5e6f7890abcdef1234567890abcdef1234567890abcdef1234567890"},
        "historical_salts": {"1": "KxY9mP2qR8vN3wT6sA7bC4dF1gH8j="}
    }"#;

    #[test]
    fn every_version_is_a_pair_newest_first() {
        let expected = vec![
            (Some(2), "new_ bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg==".to_owned()),
            (Some(1), "1a2b KxY9mP2qR8vN3wT6sA7bC4dF1gH8j=".to_owned()),
        ];
        assert_eq!(summary(ROTATED), Ok(expected.clone()));
        let answer = format!(r#"{{"success": true, "message": "ok", "config": {ROTATED}}}"#);
        assert_eq!(summary(&answer), Ok(expected));
    }

    #[test]
    fn versions_are_counted_from_one_and_up_to_the_limit() {
        let read = |numbers: std::ops::Range<usize>| {
            let keys: serde_json::Map<_, _> = numbers
                .map(|number| (number.to_string(), HEX.into()))
                .collect();
            let text = serde_json::json!({ "historical_keys": keys }).to_string();
            summary(&text).map(|versions| versions.len())
        };
        assert_eq!(read(1..VERSIONS + 1), Ok(VERSIONS));
        let error = read(1..VERSIONS + 2).unwrap_err();
        assert!(error.contains("1001 versions, more than 1000"), "{error}");
        let error = read(0..3).unwrap_err();
        assert!(error.contains("version numbers"), "{error}");
    }

    /// The guide's "Response (first time enabling)", commas and comments as they stand there.
    #[test]
    fn the_guides_examples_are_read() {
        let example = "{\n\"success\": true,\n\"message\": \"Encryption configuration updated \
            successfully\",\n\"config\": {\n\"enabled\": true,\n\"algorithm\": \"AES-256-GCM\",\n\
            \"key_version\": 1,\n\"key_id\": \"key_auto_b02d27af63\",\n\"salt\": \
            \"aBc123XyZ456...\", // Save this!\n\"key\": \
            \"1a2b3c4d5e6f7890abcdef1234567890abcdef1234567890abcdef1234567890\", // Save this!\n\
            }\n}";
        let config = Config::parse(example.as_bytes()).unwrap();
        assert_eq!(config.enabled, Some(true));
        assert_eq!(config.algorithm, Some(Mode::Gcm));
        assert_eq!(config.key_id.as_deref(), Some("key_auto_b02d27af63"));
        assert_eq!(
            summary(example),
            Ok(vec![(Some(1), "1a2b aBc123XyZ456...".to_owned())])
        );
    }

    #[test]
    fn a_version_that_qvoice_would_not_have_taken_says_why() {
        let key = |key: &str| summary(&format!(r#"{{"key": "{key}", "salt": "s"}}"#)).unwrap();
        for (text, reason) in [
            (
                "a_short_key",
                "key is 11 characters long, and Qvoice takes no key under 32",
            ),
            (
                "default_encrypted_key",
                "key is one of the insecure default values that Qvoice rejects",
            ),
        ] {
            assert_eq!(key(text), [(None, reason.to_owned())]);
        }
        // Characters, not bytes.
        assert!(key(&"ä".repeat(31))[0].1.contains("31 characters"));
        assert!(
            key(&format!("keys{}", "ä".repeat(28)))[0]
                .1
                .starts_with("keys")
        );
        let salt = summary(&format!(r#"{{"key": "{HEX}", "salt": "default_salt"}}"#)).unwrap();
        assert_eq!(
            salt[0].1,
            "salt is the insecure default value that Qvoice rejects"
        );
        let old = format!(
            r#"{{"key": "{HEX}", "key_version": 3, "historical_keys": {{"1": "short"}},
                "historical_salts": {{"2": "x"}}}}"#
        );
        let old = summary(&old).unwrap();
        assert_eq!(old[0], (Some(3), "1a2b -".to_owned()));
        assert!(old[1].1.contains("historical_keys of a version"));
        assert!(
            old[2]
                .1
                .starts_with("historical_keys[1] is 5 characters long")
        );
    }

    #[test]
    fn what_is_pending_is_the_last_version() {
        let next = format!(r#""pending": {{"key": "{}", "salt": "p"}}"#, "n".repeat(32));
        let last = (None, "nnnn p".to_owned());
        let both = format!(r#"{{{next}, "key": "{HEX}", "historical_keys": {{"2": "{HEX}"}}}}"#);
        let hex = |number| (number, "1a2b -".to_owned());
        assert_eq!(
            summary(&both),
            Ok(vec![hex(None), hex(Some(2)), last.clone()])
        );
        let config = Config::parse(both.as_bytes()).unwrap();
        let pending: Vec<_> = config.versions.iter().map(|it| it.pending).collect();
        assert_eq!(pending, [false, false, true]);
        for only in [
            format!("{{{next}}}"),
            format!(r#"{{"config": {{{next}}}}}"#),
            format!(r#"{{"enabled": false, "key": null, {next}}}"#),
        ] {
            assert_eq!(summary(&only), Ok(vec![last.clone()]));
        }
    }

    #[test]
    fn a_pending_key_that_cannot_be_used_says_why() {
        for (pending, reason) in [
            ("7", "pending is a number, not an object"),
            ("{}", "pending.key is missing"),
            (r#"{"key": ["a", "b"]}"#, "key is an array, not a string"),
            (
                r#"{"key": "test"}"#,
                "pending.key is one of the insecure default values that Qvoice rejects",
            ),
        ] {
            let beside = format!(r#"{{"key": "{HEX}", "pending": {pending}}}"#);
            let versions = summary(&beside).unwrap();
            assert_eq!(versions[1..], [(None, reason.to_owned())]);
            let alone = format!(r#"{{"enabled": true, "pending": {pending}}}"#);
            assert_eq!(summary(&alone), Err(reason.to_owned()));
        }
        // A call may be pending.
        for text in [r#"{"pending": true}"#, r#"{"pending": {"salt": "s"}}"#] {
            assert!(summary(text).unwrap_err().starts_with("no call recording"));
        }
    }

    /// The reader dropped them.
    #[test]
    fn a_current_version_in_the_history_alone_is_read() {
        let text = format!(
            r#"{{"key_version": 2, "historical_keys": {{"2": "{HEX}"}},
                "historical_salts": {{"2": "s"}}}}"#
        );
        assert_eq!(summary(&text), Ok(vec![(Some(2), "1a2b s".to_owned())]));
    }

    #[test]
    fn long_keys_and_salts_are_refused() {
        let long = "x".repeat(4097);
        for (key, salt, field) in [(long.as_str(), "s", "key"), (HEX, long.as_str(), "salt")] {
            let one = summary(&format!(r#"{{"key": "{key}", "salt": "{salt}"}}"#)).unwrap();
            let expected = format!("{field} is 4097 bytes long, over the limit of 4096");
            assert_eq!(one, [(None, expected)]);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (text, reason) in [
            (
                format!(
                    r#"{{"key": "{HEX}", "key_version": 1, "historical_keys": {{"2": "{HEX}"}}}}"#
                ),
                "key_version 1 and historical_keys[2]",
            ),
            (
                format!(r#"{{"key": "{HEX}", "key_version": 1, "historical_keys": {{"1": "x"}}}}"#),
                "key of key_version 1 and historical_keys[1] have different values",
            ),
            (
                format!(r#"{{"key": "{HEX}", "historical_keys": {{"1": "{HEX}", "01": "x"}}}}"#),
                "historical_keys[01] and another historical_keys[01]",
            ),
            (
                format!(r#"{{"key": "{HEX}", "key": "x"}}"#),
                "key and another key have different values",
            ),
        ] {
            let error = summary(&text).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
    }

    #[test]
    fn what_is_no_configuration_is_refused_and_secrets_are_not_repeated() {
        for (text, reason) in [
            (
                "[]",
                "no call recording encryption configuration found in it",
            ),
            (r#"{"success": true, "config": {}}"#, "key is missing"),
            (r#"{"enabled": true}"#, "key is missing"),
            (r#"{"status": "completed"}"#, "no call recording"),
            (r#"{"key": 7}"#, "key is a number, not a string"),
            (
                r#"{"key": "x", "key_version": 0}"#,
                "key_version is not a positive integer",
            ),
            (
                r#"{"key": "x", "algorithm": "AES-128-CTR"}"#,
                "algorithm is `AES-128-CTR`",
            ),
            (
                r#"{"key": "x", "historical_keys": {"supersecret": "x"}}"#,
                "historical_keys is not an object whose names are version",
            ),
            (
                r#"{"key": "supersecret" x}"#,
                "it is not JSON: expected `,` or `}`",
            ),
        ] {
            let error = summary(text).unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
            assert!(!error.contains("supersecret"));
        }
    }
}
