//! What is said of one file: lines for people, and JSON for machines.

use serde::{Serialize, Serializer};

use super::super::error::{self, Failure};
use super::super::report::{ErrorLine, MediaLine};
use super::super::units::size;
use super::recording::Recording;
use crate::envelope::Mode;
use crate::job::{self, Inspected, KeyFound};
use crate::key::PublicKind;
use crate::media::{Media, hms};
use crate::provider::qvoice::{self, Config};

/// The JSON line of one file. Fields are added, never renamed.
#[derive(Serialize)]
pub(super) struct InspectLine<'a> {
    schema: u32,
    ok: bool,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine>,
}

/// What a file is.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Shown {
    Metadata {
        provider: &'static str,
        /// A long list is put into words one by one.
        #[serde(serialize_with = "each")]
        recordings: Vec<Inspected>,
    },
    Keys {
        keys: Vec<Key>,
    },
    Configuration {
        provider: &'static str,
        enabled: Option<bool>,
        algorithm: Option<&'static str>,
        key_id: Option<String>,
        versions: Vec<Version>,
    },
    Media {
        bytes: Option<u64>,
        #[serde(skip)]
        description: String,
        media: MediaLine,
    },
    /// No format shows: what ciphertext looks like.
    Unknown {
        bytes: Option<u64>,
        whole_blocks: Option<bool>,
    },
}

/// One version of a configuration; of its secrets only whether they are there.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are fields of JSON")]
struct Version {
    version: Option<u64>,
    current: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
    key: bool,
    salt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// One key of a key file.
#[derive(Serialize)]
struct Key {
    r#type: &'static str,
    bits: Option<usize>,
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The command that makes a key of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl<'a> InspectLine<'a> {
    /// The line, and the failure that it tells.
    pub(super) fn of(file: &'a str, found: Result<job::Found, Failure>) -> (Self, Option<Failure>) {
        let (found, failure) = match found {
            Ok(found) => (Shown::of(found), None),
            Err(failure) => (None, Some(failure)),
        };
        let line = Self {
            schema: 1,
            ok: failure.is_none(),
            file,
            found,
            error: failure.as_ref().map(ErrorLine::of),
        };
        (line, failure)
    }

    pub(super) fn for_people(&self) -> impl Iterator<Item = String> {
        let found = self.found.iter();
        found.flat_map(|found| found.lines(self.file))
    }
}

impl Key {
    fn of(key: &KeyFound) -> Self {
        let (r#type, known, error) = match key {
            KeyFound::Private(bits, fingerprint) => ("private", Some((bits, fingerprint)), None),
            KeyFound::Locked(known, error) => {
                let known = known
                    .as_ref()
                    .map(|(bits, fingerprint)| (bits, fingerprint));
                ("encrypted private", known, error.as_ref())
            }
            KeyFound::Public(PublicKind::Certificate, bits, fingerprint) => {
                ("certificate", Some((bits, fingerprint)), None)
            }
            KeyFound::Public(PublicKind::Bare, bits, fingerprint) => {
                ("public", Some((bits, fingerprint)), None)
            }
            KeyFound::Unusable(error) => ("unusable", None, Some(error)),
            KeyFound::Pkcs12(_) => ("PKCS#12", None, None),
        };
        Self {
            r#type,
            bits: known.map(|(bits, _)| *bits),
            fingerprint: known.map(|(_, fingerprint)| fingerprint.clone()),
            error: error.map(ToString::to_string),
            hint: match key {
                KeyFound::Pkcs12(error) => Some(error::verdict(error).hint),
                _ => None,
            },
        }
    }

    fn line(&self) -> String {
        let mut parts = vec![match self.r#type {
            "certificate" => "certificate".to_owned(),
            "PKCS#12" => "PKCS#12 file".to_owned(),
            kind => format!("{kind} key"),
        }];
        parts.extend(self.bits.map(|bits| format!("RSA {bits} bits")));
        parts.extend(self.fingerprint.clone());
        parts.extend(self.error.clone());
        parts.extend(self.hint.clone());
        parts.join("  ")
    }
}

impl Version {
    fn of((place, version): (usize, &qvoice::Version)) -> Self {
        let pair = version.pair.as_ref();
        Self {
            version: version.number,
            current: place == 0 && !version.pending,
            pending: version.pending,
            key: pair.is_ok(),
            salt: pair.is_ok_and(|pair| pair.salt.is_some()),
            error: pair.err().map(ToString::to_string),
        }
    }

    fn line(&self) -> String {
        let mut parts = vec![match self.version {
            Some(version) => format!("version {version}"),
            None if self.pending => "pending".to_owned(),
            None => "version not numbered".to_owned(),
        }];
        parts.extend(self.current.then(|| "current".to_owned()));
        parts.push(match (&self.error, self.key, self.salt) {
            (Some(error), ..) => format!("cannot be used: {error}"),
            (None, true, true) => "key and salt".to_owned(),
            (None, true, false) => "key, no salt".to_owned(),
            (None, false, _) => "no key".to_owned(),
        });
        parts.join("  ")
    }
}

impl Shown {
    /// `None` if there is nothing of use.
    fn of(found: job::Found) -> Option<Self> {
        Some(match found {
            job::Found::Metadata {
                provider,
                recordings,
            } => Self::Metadata {
                provider: provider.name(),
                recordings,
            },
            job::Found::Keys(keys) => Self::Keys {
                keys: keys.iter().map(Key::of).collect(),
            },
            job::Found::Configuration(config) => Self::of_config(&config),
            job::Found::Media { bytes, media } => Self::Media {
                bytes,
                description: describe(&media),
                media: MediaLine::of(&media),
            },
            job::Found::Unknown { bytes } => Self::Unknown {
                bytes,
                whole_blocks: bytes.map(|bytes| bytes.is_multiple_of(16)),
            },
            job::Found::Nothing(_) => return None,
        })
    }

    fn of_config(config: &Config) -> Self {
        Self::Configuration {
            provider: "qvoice",
            enabled: config.enabled,
            algorithm: config.algorithm.map(Mode::name),
            versions: config
                .versions
                .iter()
                .enumerate()
                .map(Version::of)
                .collect(),
            key_id: config.key_id.clone(),
        }
    }

    fn lines<'a>(&'a self, file: &'a str) -> Box<dyn Iterator<Item = String> + 'a> {
        let bytes = |bytes: &Option<u64>| bytes.map_or(String::new(), |n| format!("  {}", size(n)));
        match self {
            Self::Metadata {
                provider,
                recordings,
            } => {
                let count = match recordings.len() {
                    1 => "1 recording".to_owned(),
                    more => format!("{more} recordings"),
                };
                let first = std::iter::once(format!("{file}  {provider} metadata  {count}"));
                let each = recordings.iter().map(Recording::of);
                Box::new(first.chain(each.map(|one| format!("  {}", one.line()))))
            }
            Self::Configuration {
                provider,
                enabled,
                algorithm,
                key_id,
                versions,
            } => {
                let mut parts = vec![format!("{file}  {provider} configuration")];
                parts.extend(enabled.map(|enabled| {
                    let state = if enabled { "enabled" } else { "disabled" };
                    state.to_owned()
                }));
                parts.extend(algorithm.map(ToOwned::to_owned));
                parts.extend(key_id.iter().map(|id| format!("key {id}")));
                let first = std::iter::once(parts.join("  "));
                Box::new(first.chain(versions.iter().map(|one| format!("  {}", one.line()))))
            }
            Self::Keys { keys } => Box::new(
                keys.iter()
                    .map(move |key| format!("{file}  {}", key.line())),
            ),
            Self::Media {
                bytes: length,
                description,
                ..
            } => Box::new(std::iter::once(format!(
                "{file}  {description}{}  not encrypted",
                bytes(length)
            ))),
            Self::Unknown {
                bytes: length,
                whole_blocks,
            } => {
                let fits = match whole_blocks {
                    Some(true) => "whole AES blocks: AES-CBC or AES-GCM",
                    Some(false) => "not whole AES blocks: AES-GCM, or cut off",
                    None => "a stream",
                };
                Box::new(std::iter::once(format!(
                    "{file}  no known format, as encrypted media{}  {fits}",
                    bytes(length)
                )))
            }
        }
    }
}

fn each<S: Serializer>(recordings: &[Inspected], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(recordings.iter().map(Recording::of))
}

fn describe(media: &Media) -> String {
    let duration = media.duration.map(hms).unwrap_or_default();
    let notes: String = media.notes.iter().map(|note| format!("  {note}")).collect();
    format!("{}  {duration}{notes}", media.describe())
        .trim_end()
        .to_owned()
}
