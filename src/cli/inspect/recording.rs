//! What is said of one recording that metadata speaks of.

use base16ct::lower::encode_string;
use serde::Serialize;

use crate::envelope::Mode;
use crate::job::{self, Inspected, InspectedAs};

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
struct Fit {
    key: String,
    fingerprint: String,
    /// False with RSAES-PKCS1-v1_5, where only the media can prove it.
    proven: bool,
}

impl Recording {
    pub(super) fn of(described: &Inspected) -> Self {
        let mut recording = Self {
            id: described.id.clone(),
            wrap: None,
            cipher: None,
            key_id: None,
            key_bits: None,
            version: None,
            length: None,
            sha256: None,
            opened_by: described.opened_by.iter().map(Fit::of).collect(),
            tried: described.tried,
            error: None,
        };
        match described.recipe.as_deref() {
            Ok(InspectedAs::Wrapped(envelope)) => {
                recording.wrap = Some(envelope.wrap.algorithm.name());
                recording.cipher = Some(envelope.cipher.name());
                recording.key_bits = Some(envelope.wrap.wrapped.len() * 8);
                recording.length = envelope.expected.length;
                let sha256 = envelope.expected.sha256;
                recording.sha256 = sha256.map(|digest| encode_string(&digest));
                recording.key_id.clone_from(&envelope.wrap.key_id);
            }
            Ok(InspectedAs::Searched(hints)) => {
                recording.cipher = hints.algorithm.map(Mode::name);
                recording.key_id.clone_from(&hints.key_id);
                recording.version = hints.version;
            }
            Err(error) => recording.error = Some(error.to_string()),
        }
        recording
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

impl Fit {
    fn of(fit: &job::Fit) -> Self {
        Self {
            key: fit.key.clone(),
            fingerprint: fit.fingerprint.clone(),
            proven: fit.proven,
        }
    }
}
