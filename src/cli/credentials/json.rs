//! Configurations of the vendors' tools, in JSON.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::environment::Value;

/// A text in JSON that is a secret.
pub(super) struct Secret(pub(super) Zeroizing<String>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// What stands in `file`, a configuration of `tool`.
pub(super) fn parse<T: DeserializeOwned>(
    file: &Value,
    tool: &'static str,
) -> Result<T, CredentialsError> {
    let text = file.text.trim_start_matches('\u{feff}');
    // The error's own text repeats what stands there.
    serde_json::from_str(text).map_err(|error| CredentialsError::Malformed {
        name: file.name.clone(),
        tool,
        line: error.line(),
        column: error.column(),
    })
}
