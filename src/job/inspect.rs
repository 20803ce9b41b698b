//! What a file is, and which key opens what it describes.

use std::io::Read;

use super::error::Error;
use super::input::Input;
use super::metadata::LIMIT;
use super::remote;
use super::secrets::PrivateKeys;
use crate::api::{self, Api, Attempts, Remote, Selection};
use crate::envelope::Envelope;
use crate::io::{HEAD, Source, read_limited};
use crate::key::{
    ForeignKind, KeyBlock, KeyError, KeyRing, Passphrase, PrivateKey, PublicKind, RingError, parse,
};
use crate::media::{Media, Probe, Sniff, sniff};
use crate::provider::qvoice::{self, Config, Hints};
use crate::provider::{Item, MetadataError, Provider};

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

/// Looks at a file; or at what a provider says of a recording, a group of them, or media at a URL,
/// of which no media is read.
///
/// # Errors
/// It cannot be read or fetched, or is damaged.
pub(crate) fn inspect(
    input: &Input,
    api: &Api,
    ring: &KeyRing,
    keys: &PrivateKeys,
) -> Result<Found, Error> {
    let unfetched = |error| Error::Fetch(input.to_string(), error);
    match input {
        Input::Stdin | Input::File(_) | Input::Object(_) => inspect_file(input, ring, keys),
        Input::Url(link) => {
            let answer = api.download(link, &Attempts::default());
            let flat = remote::flat(None, &answer.map_err(unfetched)?.headers);
            let provider = Provider::TwilioVideo;
            let recordings = match provider.parse(&flat) {
                Ok(listing) => described(listing.into_items(), ring, keys)?,
                Err(MetadataError::Unrecognised { .. } | MetadataError::NoKey) => {
                    let what = "media whose headers say nothing of a key";
                    return Ok(Found::Nothing(what.to_owned()));
                }
                Err(error) => return Err(Error::Metadata(input.to_string(), provider, error)),
            };
            Ok(Found::Metadata {
                provider,
                recordings,
            })
        }
        Input::Remote(resource) => {
            let provider = resource.provider;
            let mut recordings = Vec::new();
            let mut add = |remote: &Remote| {
                recordings.extend(described(vec![item(remote, api)?], ring, keys)?);
                Ok::<(), Error>(())
            };
            if resource.kind.is_group() {
                let selection = Selection {
                    group: Some(resource.clone()),
                    ..Selection::default()
                };
                for remote in api.list(provider, &selection) {
                    add(&remote.map_err(|error| Error::List(input.to_string(), error))?)?;
                }
            } else {
                add(&api.recording(resource, false).map_err(unfetched)?)?;
            }
            Ok(Found::Metadata {
                provider,
                recordings,
            })
        }
        Input::All(provider) => Ok(Found::Metadata {
            provider: *provider,
            recordings: vec![],
        }),
    }
}

/// What a provider says of a recording: in its answer, or in the headers of its media.
fn item(remote: &Remote, api: &Api) -> Result<Item, Error> {
    let document = match remote.provider {
        Provider::TwilioVideo => {
            match api.media(remote, &Attempts::default()) {
                Ok(answer) => remote::flat(Some(&remote.id), &answer.headers),
                // As others say it in their answers.
                Err(api::Error::Gone { state, .. }) => {
                    let status = state.status().to_owned();
                    return Ok(Item {
                        id: Some(remote.id.clone()),
                        outcome: Err(MetadataError::NotCompleted { status }),
                    });
                }
                Err(error) => return Err(Error::Fetch(remote.id.clone(), error)),
            }
        }
        _ => remote.document.clone(),
    };
    let outcome = remote.provider.parse(&document).and_then(|listing| {
        let item = listing.into_items().into_iter().next();
        item.map_or(Err(MetadataError::NoKey), |item| item.outcome)
    });
    Ok(Item {
        id: Some(remote.id.clone()),
        outcome,
    })
}

fn inspect_file(file: &Input, ring: &KeyRing, keys: &PrivateKeys) -> Result<Found, Error> {
    let unread = |error| file.unread(error);
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
        described(
            provider.parse(&text).map_err(refused)?.into_items(),
            ring,
            keys,
        )?
    };
    Ok(Found::Metadata {
        provider,
        recordings,
    })
}

/// What metadata says of recordings, and which keys open them.
fn described(
    items: Vec<Item>,
    ring: &KeyRing,
    keys: &PrivateKeys,
) -> Result<Vec<Inspected>, Error> {
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
    described.collect()
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
        Some(error) => Err(unasked.unwrap_or_else(|| Error::of_ring(error, "", None))),
    }
}

impl KeyFound {
    /// An encrypted key is opened if a passphrase was given.
    pub(super) fn of(block: &KeyBlock, keys: &PrivateKeys) -> Result<Self, Error> {
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
