//! `--profile`: how recordings are encrypted, kept in a file. It holds no secret.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::Failure;
use super::metadata::display;
use super::qvoice::QvoiceFailure;
use crate::cipher::WriteAt;
use crate::io::{ReadError, Staged};
use crate::pipeline::search::{Method, Pins};

/// The most that a profile can have.
const LIMIT: u64 = 64 * 1024;

#[derive(Serialize, Deserialize)]
struct Profile {
    schema: u32,
    layout: String,
    kdf: String,
    key_form: String,
    salt_form: String,
    aad: String,
}

/// Reads the profile at `path`; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Pins>, Failure> {
    let failure =
        |problem: String| -> Failure { QvoiceFailure::Profile(display(path), problem).into() };
    let bytes = match crate::io::read_file(path, LIMIT) {
        Ok(bytes) => bytes,
        Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(failure(error.to_string())),
    };
    let profile: Profile =
        serde_json::from_slice(&bytes).map_err(|error| failure(error.to_string()))?;
    if profile.schema != 1 {
        return Err(failure(format!("its schema is {}, not 1", profile.schema)));
    }
    Ok(Some(Pins {
        layout: Some(value(&profile.layout).map_err(failure)?),
        kdf: Some(value(&profile.kdf).map_err(failure)?),
        key_form: Some(value(&profile.key_form).map_err(failure)?),
        salt_form: Some(value(&profile.salt_form).map_err(failure)?),
        aad: Some(value(&profile.aad).map_err(failure)?),
    }))
}

fn value<T>(name: &str) -> Result<T, String>
where
    T: FromStr<Err: ToString>,
{
    name.parse().map_err(|error: T::Err| error.to_string())
}

/// Writes a new profile.
pub(super) fn write(path: &Path, method: &Method) -> Result<(), Failure> {
    let profile = Profile {
        schema: 1,
        layout: method.layout.to_string(),
        kdf: method.kdf.to_string(),
        key_form: method.key_form.name().to_owned(),
        salt_form: method.salt_form.name().to_owned(),
        aad: method.aad.to_string(),
    };
    let text =
        serde_json::to_string_pretty(&profile).map_err(|e| Failure::Internal(e.into()))? + "\n";
    let staged = Staged::create(path)?;
    staged
        .write_all_at(text.as_bytes(), 0)
        .map_err(|error| Failure::Unwritten(display(path), error))?;
    Ok(staged.commit(path, false)?)
}

/// The flags that say the same.
pub(super) fn flags(method: &Method) -> String {
    format!(
        "--layout {} --kdf {} --key-form {} --salt-form {} --aad {}",
        method.layout,
        method.kdf,
        method.key_form.name(),
        method.salt_form.name(),
        method.aad
    )
}
