//! The recordings that metadata speaks of.

use base16ct::lower::encode_string;
use serde::Serialize;

use super::super::error::Failure;
use super::super::keys::Passphrases;
use super::super::provider::Provider;
use crate::envelope::{Envelope, Mode, WrapAlgorithm};
use crate::key::{KeyRing, RingError};
use crate::provider::qvoice::{self, Hints};
use crate::provider::{Item, MetadataError};

/// One recording of a metadata file.
#[derive(Serialize)]
pub(super) struct Recording {
    id: Option<String>,
    wrap: Option<&'static str>,
    cipher: Option<&'static str>,
    key_id: Option<String>,
    key_bits: Option<usize>,
    /// Of key and salt, with Qvoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    length: Option<u64>,
    sha256: Option<String>,
    opened_by: Vec<Fit>,
    /// How many keys were tried in vain.
    #[serde(skip)]
    tried: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A private key that opens a recording.
#[derive(Serialize)]
pub(super) struct Fit {
    key: String,
    fingerprint: String,
    /// False with RSAES-PKCS1-v1_5, where only the media can prove it.
    proven: bool,
}

impl Recording {
    /// One of which nothing is known but its id.
    fn new(id: Option<String>) -> Self {
        Self {
            id,
            wrap: None,
            cipher: None,
            key_id: None,
            key_bits: None,
            version: None,
            length: None,
            sha256: None,
            opened_by: vec![],
            tried: 0,
            error: None,
        }
    }

    fn of_qvoice(found: qvoice::Recording) -> Self {
        let mut recording = Self::new(found.id);
        match found.hints {
            Ok(hints) => {
                recording.cipher = hints.algorithm.map(Mode::name);
                recording.key_id = hints.key_id;
                recording.version = hints.version;
            }
            Err(error) => recording.error = Some(error.to_string()),
        }
        recording
    }

    pub(super) fn of(
        item: Item,
        ring: &mut KeyRing,
        passphrases: &mut Passphrases,
    ) -> Result<Self, Failure> {
        let mut recording = Self::new(item.id);
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
                (recording.opened_by, recording.tried) = fits(&envelope, ring, passphrases)?;
                recording.key_id = envelope.wrap.key_id;
            }
            Err(error) => recording.error = Some(error.to_string()),
        }
        Ok(recording)
    }

    pub(super) fn line(&self) -> String {
        let mut parts = vec![self.id.clone().unwrap_or_else(|| "recording".to_owned())];
        if let Some(error) = &self.error {
            parts.push(error.clone());
            return parts.join("  ");
        }
        parts.extend(self.cipher.map(ToOwned::to_owned));
        parts.extend(self.wrap.map(ToOwned::to_owned));
        parts.extend(self.key_bits.map(|bits| format!("{bits}-bit key")));
        parts.extend(self.key_id.iter().map(|id| format!("key {id}")));
        parts.extend(self.version.map(|version| format!("version {version}")));
        parts.extend(self.length.map(|length| format!("{length} bytes")));
        match self.tried {
            0 => {}
            1 => parts.push("not opened by the key".to_owned()),
            count => parts.push(format!("opened by none of the {count} keys")),
        }
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

/// The private keys of the ring that open a recording; if none does, how many were tried.
fn fits(
    envelope: &Envelope,
    ring: &mut KeyRing,
    passphrases: &mut Passphrases,
) -> Result<(Vec<Fit>, usize), Failure> {
    let proven = envelope.wrap.algorithm != WrapAlgorithm::RsaPkcs1v15;
    let mut ask = |origin: &str| passphrases.of(origin);
    let (mut fits, mut tried) = (Vec::new(), 0);
    for opened in ring.search(&envelope.wrap, &mut ask) {
        match opened {
            Ok(opened) => fits.push(Fit {
                key: opened.origin,
                fingerprint: opened.fingerprint.to_string(),
                proven,
            }),
            Err(RingError::NotOpened(reason)) => tried = reason.tried.len(),
            Err(error) => return Err(Failure::of_ring("", error)),
        }
    }
    Ok((fits, tried))
}

/// Whether it is text without structure, which Vonage's parser takes for a password.
pub(super) fn is_bare(text: &[u8]) -> bool {
    !matches!(text.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'))
}

/// Whether one of the items is metadata, not somebody else's document of the same shape. Text
/// without structure is a bare Vonage password only if it is as long as RSA makes it.
pub(super) fn speaks_of_recordings(provider: Provider, text: &[u8], items: &[Item]) -> bool {
    let is_bare = provider == Provider::Vonage && is_bare(text);
    items.iter().any(|item| match &item.envelope {
        Ok(envelope) => {
            let length = envelope.wrap.wrapped.len();
            let is_rsa = (128..=1024).contains(&length) && length.is_multiple_of(64);
            !is_bare || item.id.is_some() || is_rsa
        }
        Err(MetadataError::Syntax { .. } | MetadataError::Unrecognised { .. }) => false,
        Err(_) => !is_bare || item.id.is_some(),
    })
}

/// The recordings of Qvoice's metadata, whose documents are told by their fields alone: of one,
/// two have to be there.
pub(super) fn of_qvoice(text: &[u8]) -> Option<Vec<Recording>> {
    let recordings = qvoice::parse(text).ok()?;
    let fields = |hints: &Hints| {
        [
            hints.id.is_some(),
            hints.version.is_some(),
            hints.key_id.is_some(),
            hints.algorithm.is_some(),
            hints.salt.is_some(),
            hints.iv.is_some(),
            hints.tag.is_some(),
        ]
        .map(usize::from)
        .iter()
        .sum::<usize>()
    };
    let known = |one: &qvoice::Recording| one.hints.as_ref().is_ok_and(|hints| fields(hints) > 1);
    let any = recordings.iter().any(known);
    any.then(|| recordings.into_iter().map(Recording::of_qvoice).collect())
}
