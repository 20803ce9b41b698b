//! What a file is, and which key opens what it describes.

use std::io::Read;

use super::error::Error;
use super::input::Input;
use super::metadata::LIMIT;
use super::secrets::PrivateKeys;
use crate::envelope::Envelope;
use crate::io::{HEAD, Source, read_limited};
use crate::key::{
    ForeignKind, KeyBlock, KeyError, KeyRing, Passphrase, PrivateKey, PublicKind, RingError, parse,
};
use crate::media::{Media, Probe, Sniff, sniff};
use crate::provider::qvoice::{self, Config, Hints};
use crate::provider::{MetadataError, Provider};

/// What a file is.
pub(crate) enum Found {
    /// What a provider says of recordings.
    Metadata {
        /// Which.
        provider: Provider,
        /// Each of them.
        recordings: Vec<Inspected>,
    },
    /// Private keys, public keys, certificates.
    Keys(Vec<KeyFound>),
    /// A provider's configuration of encryption.
    Configuration(Config),
    /// A recording that is not encrypted.
    Media {
        /// Its length.
        bytes: Option<u64>,
        /// What it is.
        media: Box<Media>,
    },
    /// No format shows: what ciphertext looks like.
    Unknown {
        /// Its length.
        bytes: Option<u64>,
    },
    /// Nothing of use, and what instead.
    Nothing(String),
}

/// One recording of a metadata file.
pub(crate) struct Inspected {
    /// Its id. Untrusted text.
    pub id: Option<String>,
    /// What is said of it.
    pub recipe: Result<Box<InspectedAs>, MetadataError>,
    /// The private keys that open it.
    pub opened_by: Vec<Fit>,
    /// How many private keys were tried in vain.
    pub tried: usize,
}

/// What is said of a recording.
pub(crate) enum InspectedAs {
    /// Its wrapped key and all that goes with it.
    Wrapped(Envelope),
    /// Where a search for its key starts from.
    Searched(Hints),
}

/// A private key that opens a recording.
pub(crate) struct Fit {
    /// The file that it came from.
    pub key: String,
    /// The key.
    pub fingerprint: String,
    /// False with RSAES-PKCS1-v1_5, where only the media can prove it.
    pub proven: bool,
}

/// One key of a key file.
pub(crate) enum KeyFound {
    /// A private key: its bits and fingerprint.
    Private(usize, String),
    /// An encrypted one: bits and fingerprint, if the passphrase was given and right.
    Locked(Option<(usize, String)>, Option<KeyError>),
    /// A certificate or a public key.
    Public(PublicKind, usize, String),
    /// Why it cannot be used.
    Unusable(KeyError),
    /// A PKCS#12 file, which a command makes a key of, and what says which.
    Pkcs12(Error),
}

/// Looks at `file`.
///
/// # Errors
/// It cannot be read, or is damaged.
pub(crate) fn inspect(file: &Input, ring: &KeyRing, keys: &PrivateKeys) -> Result<Found, Error> {
    let unread = |error| Error::Unread(file.to_string(), error);
    let mut source = file.open().map_err(unread)?;
    let bytes = source.length();
    let head = source.head().map_err(unread)?;
    let seen = sniff(head);
    let is_key = !matches!(parse(head), Err(error) if !matches!(error, KeyError::Foreign(_)));
    match seen {
        Some(Sniff::Plain(_)) => {
            let media = Box::new(probe(&mut source).map_err(unread)?);
            Ok(Found::Media { bytes, media })
        }
        Some(seen @ (Sniff::Html | Sniff::Xml | Sniff::Gzip | Sniff::OpenSsl | Sniff::Blank))
            if !is_key =>
        {
            Ok(Found::Nothing(seen.to_string()))
        }
        None if head.is_empty() => Ok(Found::Nothing("an empty file".to_owned())),
        None if !is_key => Ok(Found::Unknown { bytes }),
        _ => text(file, &mut source, ring, keys),
    }
}

/// A key or metadata.
fn text(
    file: &Input,
    source: &mut Source,
    ring: &KeyRing,
    keys: &PrivateKeys,
) -> Result<Found, Error> {
    let name = file.to_string();
    let text = read_limited(source.reader(), LIMIT)
        .map_err(|error| Error::MetadataUnread(name.clone(), error))?;
    match parse(&text) {
        Ok(blocks) => {
            let found = blocks.iter().map(|block| KeyFound::of(block, keys));
            return Ok(Found::Keys(found.collect::<Result<_, _>>()?));
        }
        Err(error @ KeyError::Foreign(ForeignKind::Pkcs12 { .. })) => {
            return Ok(Found::Keys(vec![KeyFound::Pkcs12(Error::Key(name, error))]));
        }
        Err(error) if sniff(&text) == Some(Sniff::Key) => return Err(Error::Key(name, error)),
        Err(_) => {}
    }
    match Config::parse(&text) {
        Ok(config) => return Ok(Found::Configuration(config)),
        // Somebody else's document.
        Err(MetadataError::Syntax { .. } | MetadataError::Unrecognised { .. }) => {}
        Err(error) => return Err(Error::Configuration(name, error)),
    }
    let Some(provider) = Provider::recognise(&text).first().copied() else {
        let what = sniff(&text).map_or("text".to_owned(), |seen| seen.to_string());
        return Ok(Found::Nothing(what));
    };
    let refused = |error| Error::Metadata(name.clone(), provider, error);
    let recordings = if provider == Provider::Qvoice {
        let items = qvoice::parse(&text).map_err(refused)?.into_items();
        let described = items.into_iter().map(|item| Inspected {
            id: item.id,
            recipe: item.outcome.map(InspectedAs::Searched).map(Box::new),
            opened_by: vec![],
            tried: 0,
        });
        described.collect()
    } else {
        let items = provider.parse(&text).map_err(refused)?.into_items();
        let described = items.into_iter().map(|item| {
            let (opened_by, tried) = match &item.outcome {
                Ok(envelope) => fits(envelope, ring, keys)?,
                Err(_) => (vec![], 0),
            };
            Ok(Inspected {
                id: item.id,
                recipe: item.outcome.map(InspectedAs::Wrapped).map(Box::new),
                opened_by,
                tried,
            })
        });
        described.collect::<Result<_, Error>>()?
    };
    Ok(Found::Metadata {
        provider,
        recordings,
    })
}

/// The private keys that open a recording; if none does, how many were tried.
fn fits(
    envelope: &Envelope,
    ring: &KeyRing,
    keys: &PrivateKeys,
) -> Result<(Vec<Fit>, usize), Error> {
    let proven = envelope.wrap.algorithm.proves_key();
    let mut unasked = None;
    let mut ask = |origin: &str| keys.answer(origin, &mut unasked);
    let (mut fits, mut tried, mut end) = (Vec::new(), 0, None);
    for opened in ring.search(&envelope.wrap, &mut ask) {
        match opened {
            Ok(opened) => fits.push(Fit {
                key: opened.origin,
                fingerprint: opened.fingerprint.to_string(),
                proven,
            }),
            Err(RingError::NotOpened(reason)) => tried = reason.tried.len(),
            Err(error) => end = Some(error),
        }
    }
    match end {
        None => Ok((fits, tried)),
        Some(error) => Err(unasked.unwrap_or_else(|| Error::of_ring(error, ""))),
    }
}

impl KeyFound {
    /// An encrypted key is opened if a passphrase was given.
    fn of(block: &KeyBlock, keys: &PrivateKeys) -> Result<Self, Error> {
        let known = |key: &PrivateKey| (key.bits(), key.fingerprint().to_string());
        Ok(match block {
            KeyBlock::Private(key) => {
                let (bits, fingerprint) = known(key);
                Self::Private(bits, fingerprint)
            }
            KeyBlock::Locked(locked) => {
                let given = keys.passphrases().given()?;
                let opened = given.map(|given| locked.unlock(&Passphrase::new(given.to_vec())));
                match opened.transpose() {
                    Ok(key) => Self::Locked(key.as_ref().map(known), None),
                    Err(error) => Self::Locked(None, Some(error)),
                }
            }
            KeyBlock::Public(key) => Self::Public(key.kind, key.bits, key.fingerprint.to_string()),
            KeyBlock::Unusable(error) => Self::Unusable(error.clone()),
        })
    }
}

fn probe(source: &mut Source) -> std::io::Result<Media> {
    let mut reader = source.reader();
    let mut probe = Probe::new();
    let mut buffer = vec![0; HEAD];
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
