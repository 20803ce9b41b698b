//! The private key of an application, which signs.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::super::error::CredentialsError;
use super::environment::{Environment, Value};
use crate::api::Sign;
use crate::job::redact::{Kind, looks_like_secret};
use crate::key::{KeyBlock, PrivateKey, parse};

/// A private key that signs with SHA-256.
struct Signer(PrivateKey);

impl Sign for Signer {
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.0.sign_sha256(message)
    }
}

/// The key that `value` is, or that stands in the file that it names.
pub(super) fn key_or_path(
    value: &Value,
    env: &Environment<'_>,
) -> Result<Arc<dyn Sign>, CredentialsError> {
    let text = value.text.as_str();
    let is_key = looks_like_secret(OsStr::new(text)) == Some(Kind::Key);
    if is_key || value.is_of_file || text.contains(['\n', '{']) {
        return key(text.as_bytes(), &value.name);
    }
    key_at(value, env)
}

/// The key in the file that `value` names.
pub(super) fn key_at(
    value: &Value,
    env: &Environment<'_>,
) -> Result<Arc<dyn Sign>, CredentialsError> {
    let name = format!("the file that {} names", value.name);
    let bytes = env.bytes(Path::new(value.text.as_str()), &name)?;
    key(&bytes, &name)
}

/// The private key in `bytes`, PKCS#1 or PKCS#8, however it went through its way.
fn key(bytes: &[u8], name: &str) -> Result<Arc<dyn Sign>, CredentialsError> {
    let blocks = parse(bytes).map_err(|error| CredentialsError::Key(name.to_owned(), error))?;
    let mut error = CredentialsError::KeyPublic(name.to_owned());
    for block in blocks {
        match block {
            KeyBlock::Private(key) => return Ok(Arc::new(Signer(key))),
            KeyBlock::Locked(_) => error = CredentialsError::KeyLocked(name.to_owned()),
            KeyBlock::Unusable(why) => error = CredentialsError::Key(name.to_owned(), why),
            KeyBlock::Public(_) => {}
        }
    }
    Err(error)
}
