//! `unreel inspect`: what a file is, and which key opens what it describes.

mod recording;

use std::path::Path;

use serde::Serialize;

use self::recording::{Recording, is_bare, of_qvoice, speaks_of_recordings};
use super::args::Inspect;
use super::error::Failure;
use super::escape::{escape, json};
use super::keys::{self, Passphrases};
use super::metadata::{self, display};
use super::printer::Printer;
use super::provider::Provider;
use super::qvoice::QvoiceFailure;
use super::report::{ErrorLine, MediaLine, size};
use super::stdin::{is_stdin, one_purpose};
use crate::io::Source;
use crate::key::{
    ForeignKind, KeyBlock, KeyError, KeyRing, Passphrase, PrivateKey, PublicKind, parse,
};
use crate::media::{Media, Probe, Sniff, hms, sniff};
use crate::provider::MetadataError;
use crate::provider::qvoice::{self, Config};

/// The JSON line of one file. Fields are added, never renamed.
#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    ok: bool,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine>,
}

/// What a file is.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Found {
    Metadata {
        provider: &'static str,
        recordings: Vec<Recording>,
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
struct Version {
    version: Option<u64>,
    current: bool,
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

/// Looks at every file and says what it is.
pub(super) fn run(args: &Inspect, printer: &Printer) -> Result<(), Failure> {
    let from = &args.keys.passphrase;
    one_purpose(&[
        (
            "a file",
            args.files.iter().filter(|path| is_stdin(path)).count(),
        ),
        (
            "the private key",
            args.keys.paths.iter().filter(|path| is_stdin(path)).count(),
        ),
        (
            "the passphrase",
            usize::from(from.passphrase_file.as_deref().is_some_and(is_stdin))
                + usize::from(from.passphrase_fd == Some(0)),
        ),
    ])?;
    let mut ring = keys::ring(&args.keys, printer)?;
    let mut passphrases = Passphrases::new(&args.keys.passphrase, args.keys.no_input);
    let mut failures = Vec::new();
    for file in &args.files {
        let found = look(file, &mut ring, &mut passphrases);
        let name = display(file);
        let lines = if args.json {
            let line = Line {
                schema: 1,
                ok: found.is_ok(),
                file: &name,
                found: found.as_ref().ok(),
                error: found.as_ref().err().map(ErrorLine::of),
            };
            vec![json(&line).map_err(|e| Failure::Internal(e.into()))?]
        } else {
            let lines = found.iter().flat_map(|found| found.lines(&name));
            lines.map(|line| escape(&line)).collect()
        };
        for line in lines {
            let printed = if args.json {
                printer.data(&line)
            } else {
                printer.text(&line)
            };
            match printed {
                Ok(()) => {}
                // Who closes the pipe has read enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(Failure::Unwritten("standard output".to_owned(), error)),
            }
        }
        if let Err(failure) = found {
            if args.files.len() > 1 {
                printer.error(&failure);
            }
            failures.push(failure);
        }
    }
    match (failures.len(), failures.pop()) {
        (1, Some(failure)) if args.files.len() == 1 => Err(failure),
        (failed, Some(_)) => Err(Failure::Partial {
            failed,
            total: args.files.len(),
        }),
        (_, None) => Ok(()),
    }
}

fn look(file: &Path, ring: &mut KeyRing, passphrases: &mut Passphrases) -> Result<Found, Failure> {
    let unread = |error| Failure::Unread(display(file), error);
    let source = if is_stdin(file) {
        Source::stdin()
    } else {
        Source::open(file)
    };
    let mut source = source.map_err(unread)?;
    let head = source.head().map_err(unread)?;
    let bytes = source.length();
    match sniff(&head) {
        Some(Sniff::Plain(_)) => {
            let media = probe(&mut source).map_err(unread)?;
            Ok(Found::Media {
                bytes,
                description: describe(&media),
                media: MediaLine::of(&media),
            })
        }
        Some(Sniff::Html | Sniff::Xml | Sniff::Gzip | Sniff::OpenSsl | Sniff::Blank) | None if matches!(parse(&head), Err(error) if !matches!(error, KeyError::Foreign(_))) =>
        {
            let seen = sniff(&head);
            match seen {
                Some(seen) => Err(Failure::NothingInIt(display(file), seen.to_string())),
                None if head.is_empty() => Err(Failure::NothingInIt(
                    display(file),
                    "an empty file".to_owned(),
                )),
                None => Ok(Found::Unknown {
                    bytes,
                    whole_blocks: bytes.map(|bytes| bytes.is_multiple_of(16)),
                }),
            }
        }
        _ => text(file, &mut source, ring, passphrases),
    }
}

/// A key or metadata.
fn text(
    file: &Path,
    source: &mut Source,
    ring: &mut KeyRing,
    passphrases: &mut Passphrases,
) -> Result<Found, Failure> {
    let name = display(file);
    let text = crate::io::read_limited(source.input().as_reader(), metadata::LIMIT)
        .map_err(|error| Failure::MetadataUnread(name.clone(), error))?;
    match parse(&text) {
        Ok(blocks) => {
            let keys = blocks.iter().map(|block| Key::of(block, passphrases));
            let keys = keys.collect::<Result<_, _>>()?;
            return Ok(Found::Keys { keys });
        }
        Err(error @ KeyError::Foreign(ForeignKind::Pkcs12)) => {
            let hint = Failure::Key(name, error).verdict().hint;
            let keys = vec![Key::pkcs12(hint)];
            return Ok(Found::Keys { keys });
        }
        Err(error) if sniff(&text) == Some(Sniff::Key) => return Err(Failure::Key(name, error)),
        Err(_) => {}
    }
    match Config::parse(&text) {
        Ok(config) => return Ok(Found::of_config(config)),
        // Somebody else's document.
        Err(MetadataError::Syntax { .. } | MetadataError::Unrecognised { .. }) => {}
        Err(error) => return Err(QvoiceFailure::Configuration(name, error).into()),
    }
    let mut reason = None;
    for provider in Provider::ALL {
        match provider.parse(&text) {
            Ok(items) if speaks_of_recordings(provider, &text, &items) => {
                let recordings = items
                    .into_iter()
                    .map(|item| Recording::of(item, ring, passphrases))
                    .collect::<Result<_, _>>()?;
                let provider = provider.name();
                return Ok(Found::Metadata {
                    provider,
                    recordings,
                });
            }
            // Somebody else's metadata; the other parsers have a say.
            Ok(_) | Err(MetadataError::Syntax { .. } | MetadataError::Unrecognised { .. }) => {}
            Err(_) if provider == Provider::Vonage && is_bare(&text) => {}
            Err(error) => {
                reason.get_or_insert((provider, error));
            }
        }
    }
    if let Some(recordings) = of_qvoice(&text) {
        return Ok(Found::Metadata {
            provider: "qvoice",
            recordings,
        });
    }
    if let Some((provider, error)) = reason {
        return Err(Failure::Metadata(name, provider, error));
    }
    let what = sniff(&text).map_or("text".to_owned(), |seen| seen.to_string());
    Err(Failure::NothingInIt(name, what))
}

fn probe(source: &mut Source) -> std::io::Result<Media> {
    let mut input = source.input();
    let mut reader = input.as_reader();
    let mut probe = Probe::new();
    let mut buffer = vec![0; crate::io::HEAD];
    let mut offset = 0;
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(probe.finish(offset));
        }
        probe.segment(offset, buffer.get(..read).unwrap_or_default());
        offset += read as u64;
    }
}

fn describe(media: &Media) -> String {
    let duration = media.duration.map(hms).unwrap_or_default();
    let notes: String = media.notes.iter().map(|note| format!("  {note}")).collect();
    format!("{}  {duration}{notes}", media.describe())
        .trim_end()
        .to_owned()
}

impl Key {
    /// A PKCS#12 file, which a command makes a key of.
    fn pkcs12(hint: String) -> Self {
        Self {
            r#type: "PKCS#12",
            bits: None,
            fingerprint: None,
            error: None,
            hint: Some(hint),
        }
    }

    /// An encrypted key is opened if a passphrase was given.
    fn of(block: &KeyBlock, passphrases: &mut Passphrases) -> Result<Self, Failure> {
        let (r#type, bits, fingerprint, error) = match block {
            KeyBlock::Private(key) => ("private", Some(key.bits()), Some(key.fingerprint()), None),
            KeyBlock::Locked(locked) => {
                let given = passphrases.given()?;
                let opened = given.map(|given| locked.unlock(&Passphrase::new(given.to_vec())));
                let (key, error) = match opened {
                    Some(Ok(key)) => (Some(key), None),
                    Some(Err(error)) => (None, Some(error.to_string())),
                    None => (None, None),
                };
                let bits = key.as_ref().map(PrivateKey::bits);
                let print = key.as_ref().map(PrivateKey::fingerprint);
                ("encrypted private", bits, print, error)
            }
            KeyBlock::Public(key) => {
                let kind = match key.kind {
                    PublicKind::Certificate => "certificate",
                    PublicKind::Bare => "public",
                };
                (kind, Some(key.bits), Some(key.fingerprint), None)
            }
            KeyBlock::Unusable(error) => ("unusable", None, None, Some(error.to_string())),
        };
        Ok(Self {
            r#type,
            bits,
            fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
            error,
            hint: None,
        })
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
            current: place == 0,
            key: pair.is_ok(),
            salt: pair.is_ok_and(|pair| pair.salt.is_some()),
            error: pair.err().map(ToString::to_string),
        }
    }

    fn line(&self) -> String {
        let name = match self.version {
            Some(version) => format!("version {version}"),
            None => "version not numbered".to_owned(),
        };
        let mut parts = vec![name];
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

impl Found {
    fn of_config(config: Config) -> Self {
        Self::Configuration {
            provider: "qvoice",
            enabled: config.enabled,
            algorithm: config.algorithm.map(crate::envelope::Mode::name),
            versions: config
                .versions
                .iter()
                .enumerate()
                .map(Version::of)
                .collect(),
            key_id: config.key_id,
        }
    }

    fn lines(&self, file: &str) -> Vec<String> {
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
                std::iter::once(format!("{file}  {provider} metadata  {count}"))
                    .chain(recordings.iter().map(|one| format!("  {}", one.line())))
                    .collect()
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
                std::iter::once(parts.join("  "))
                    .chain(versions.iter().map(|one| format!("  {}", one.line())))
                    .collect()
            }
            Self::Keys { keys } => keys
                .iter()
                .map(|key| format!("{file}  {}", key.line()))
                .collect(),
            Self::Media {
                bytes: length,
                description,
                ..
            } => vec![format!(
                "{file}  {description}{}  not encrypted",
                bytes(length)
            )],
            Self::Unknown {
                bytes: length,
                whole_blocks,
            } => {
                let fits = match whole_blocks {
                    Some(true) => "whole AES blocks: AES-CBC or AES-GCM",
                    Some(false) => "not whole AES blocks: AES-GCM, or cut off",
                    None => "a stream",
                };
                vec![format!(
                    "{file}  no known format, as encrypted media{}  {fits}",
                    bytes(length)
                )]
            }
        }
    }
}
