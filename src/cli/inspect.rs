//! `unreel inspect`: what a file is, and which key opens what it describes.

use std::path::Path;

use base16ct::lower::encode_string;
use serde::Serialize;

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
use crate::envelope::Envelope;
use crate::io::Source;
use crate::key::{KeyBlock, KeyRing, PublicKind, RingError, parse};
use crate::media::{Media, Probe, Sniff, hms, sniff};
use crate::provider::qvoice::{self, Config};
use crate::provider::{Item, MetadataError};

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

/// One recording of a metadata file.
#[derive(Serialize)]
struct Recording {
    id: Option<String>,
    wrap: Option<&'static str>,
    cipher: Option<&'static str>,
    key_id: Option<String>,
    key_bits: Option<usize>,
    length: Option<u64>,
    sha256: Option<String>,
    opened_by: Vec<Fit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A private key that opens a recording.
#[derive(Serialize)]
struct Fit {
    key: String,
    fingerprint: String,
    /// False with RSAES-PKCS1-v1_5, where only the media can prove it.
    proven: bool,
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
}

/// Looks at every file and says what it is.
pub(super) fn run(args: &Inspect, printer: &Printer) -> Result<(), Failure> {
    one_purpose(&[
        (
            "a file",
            args.files.iter().filter(|path| is_stdin(path)).count(),
        ),
        (
            "the private key",
            args.keys.paths.iter().filter(|path| is_stdin(path)).count(),
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
            printer.answer(&line)?;
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
        Some(Sniff::Html | Sniff::Xml | Sniff::Gzip | Sniff::OpenSsl | Sniff::Blank) | None
            if parse(&head).is_err() =>
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
            let keys = blocks.iter().map(Key::of).collect();
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
            Ok(items) if !items.is_empty() => {
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
            Err(error) => {
                reason.get_or_insert((provider, error));
            }
        }
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

impl Recording {
    fn of(item: Item, ring: &mut KeyRing, passphrases: &mut Passphrases) -> Result<Self, Failure> {
        let mut recording = Self {
            id: item.id,
            wrap: None,
            cipher: None,
            key_id: None,
            key_bits: None,
            length: None,
            sha256: None,
            opened_by: vec![],
            error: None,
        };
        match item.envelope {
            Ok(envelope) => {
                recording.wrap = Some(envelope.wrap.algorithm.name());
                recording.cipher = Some(envelope.cipher.name());
                recording.key_bits = Some(envelope.wrap.wrapped.len() * 8);
                recording.length = envelope.expected.length;
                recording.sha256 = envelope
                    .expected
                    .sha256
                    .map(|digest| encode_string(&digest));
                recording.opened_by = fits(&envelope, ring, passphrases)?;
                recording.key_id = envelope.wrap.key_id;
            }
            Err(error) => recording.error = Some(error.to_string()),
        }
        Ok(recording)
    }

    fn line(&self) -> String {
        let mut parts = vec![self.id.clone().unwrap_or_else(|| "recording".to_owned())];
        if let Some(error) = &self.error {
            parts.push(error.clone());
            return parts.join("  ");
        }
        parts.extend(self.cipher.map(ToOwned::to_owned));
        parts.extend(self.wrap.map(ToOwned::to_owned));
        parts.extend(self.key_bits.map(|bits| format!("{bits}-bit key")));
        parts.extend(self.key_id.iter().map(|id| format!("key {id}")));
        parts.extend(self.length.map(|length| format!("{length} bytes")));
        for fit in &self.opened_by {
            let verb = if fit.proven {
                "opened by"
            } else {
                "perhaps opened by"
            };
            parts.push(format!("{verb} {} {}", fit.key, fit.fingerprint));
        }
        parts.join("  ")
    }
}

/// The private keys of the ring that open a recording.
fn fits(
    envelope: &Envelope,
    ring: &mut KeyRing,
    passphrases: &mut Passphrases,
) -> Result<Vec<Fit>, Failure> {
    let proven = envelope.wrap.algorithm != crate::envelope::WrapAlgorithm::RsaPkcs1v15;
    let mut ask = |origin: &str| passphrases.of(origin);
    let mut fits = Vec::new();
    for opened in ring.search(&envelope.wrap, &mut ask) {
        match opened {
            Ok(opened) => fits.push(Fit {
                key: opened.origin,
                fingerprint: opened.fingerprint.to_string(),
                proven,
            }),
            Err(RingError::NotOpened(_)) => {}
            Err(error) => return Err(Failure::of_ring("", error)),
        }
    }
    Ok(fits)
}

impl Key {
    fn of(block: &KeyBlock) -> Self {
        let (r#type, bits, fingerprint, error) = match block {
            KeyBlock::Private(key) => ("private", Some(key.bits()), Some(key.fingerprint()), None),
            KeyBlock::Locked(_) => ("encrypted private", None, None, None),
            KeyBlock::Public(key) => {
                let kind = match key.kind {
                    PublicKind::Certificate => "certificate",
                    PublicKind::Bare => "public",
                };
                (kind, Some(key.bits), Some(key.fingerprint), None)
            }
            KeyBlock::Unusable(error) => ("unusable", None, None, Some(error.to_string())),
        };
        Self {
            r#type,
            bits,
            fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
            error,
        }
    }

    fn line(&self) -> String {
        let mut parts = vec![match self.r#type {
            "certificate" => "certificate".to_owned(),
            kind => format!("{kind} key"),
        }];
        parts.extend(self.bits.map(|bits| format!("RSA {bits} bits")));
        parts.extend(self.fingerprint.clone());
        parts.extend(self.error.clone());
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
