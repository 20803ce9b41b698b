//! Qvoice: the call recording encryption configuration, and what a recording's metadata says.
//!
//! Vendor's guide: <https://docs.qvoice.net/api/call-recordings-encryption/>, "Last Updated:
//! 2025-10-29". It documents the configuration and not the recordings: neither their bytes, nor
//! the derivation of the key, nor the names of the fields in their metadata. So there is no
//! [`Envelope`](crate::envelope::Envelope) here, but what the search for one starts from; see
//! `docs/formats/qvoice.md`.

mod config;
mod ledger;
mod recording;
mod tolerant;
mod write;

pub use config::{Config, Pair, Version};
pub use ledger::{AnswerError, Conflict, Known, Ledger};
pub use recording::{Hints, parse};

use super::error::MetadataError;
use crate::envelope::Mode;

/// "Must be at least 32 characters long (plain text)".
const LEAST_CHARACTERS: usize = 32;

/// "Cannot be default values: Values like "`default_encrypted_key`", "default", "test", or other
/// insecure defaults are rejected".
const DEFAULT_KEYS: [&str; 3] = ["default_encrypted_key", "default", "test"];

/// "Cannot be "`default_salt`" (this value is rejected for security reasons)".
const DEFAULT_SALT: &str = "default_salt";

/// The longest key or salt that is read, in bytes. The guide has no limit; its longest has 64.
const LONGEST: usize = 4096;

/// Looks whether Qvoice would have taken this key.
///
/// # Errors
/// A key of over 4096 bytes is refused too.
/// The guide's own rules: "The key is provided but shorter than 32 characters", "The key matches
/// insecure default values". The value is not repeated.
pub fn check_key(field: &str, key: &str) -> Result<(), MetadataError> {
    let invalid = |problem: String| MetadataError::Invalid {
        field: field.to_owned(),
        problem,
    };
    if DEFAULT_KEYS.contains(&key) {
        return Err(invalid(
            "one of the insecure default values that Qvoice rejects".to_owned(),
        ));
    }
    check_length(field, key)?;
    match key.chars().count() {
        count if count < LEAST_CHARACTERS => Err(invalid(format!(
            "{count} characters long, and Qvoice takes no key under {LEAST_CHARACTERS}"
        ))),
        _ => Ok(()),
    }
}

/// Looks whether Qvoice would have taken this salt.
///
/// # Errors
/// "The salt matches the insecure default value "`default_salt`"". A salt of over 4096 bytes is
/// refused too.
pub fn check_salt(field: &str, salt: &str) -> Result<(), MetadataError> {
    check_length(field, salt)?;
    if salt == DEFAULT_SALT {
        return Err(MetadataError::Invalid {
            field: field.to_owned(),
            problem: "the insecure default value that Qvoice rejects".to_owned(),
        });
    }
    Ok(())
}

/// Every derivation takes it in whole, so it must not be of any size.
fn check_length(field: &str, text: &str) -> Result<(), MetadataError> {
    if text.len() > LONGEST {
        return Err(MetadataError::Invalid {
            field: field.to_owned(),
            problem: format!("{} bytes long, over the limit of {LONGEST}", text.len()),
        });
    }
    Ok(())
}

/// "Supported Values: "AES-256-GCM" (Recommended) … "AES-256-CBC"".
fn mode(field: &str, name: &str) -> Result<Mode, MetadataError> {
    let is = |known: &str| name.trim().replace('_', "-").eq_ignore_ascii_case(known);
    if is("AES-256-GCM") {
        Ok(Mode::Gcm)
    } else if is("AES-256-CBC") {
        Ok(Mode::Cbc)
    } else {
        Err(MetadataError::Unsupported {
            field: super::document::quoted(field),
            value: super::document::quoted(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_as_long_as_the_limit_at_most() {
        assert_eq!(check_salt("salt", &"s".repeat(LONGEST)), Ok(()));
        let error = check_salt("salt", &"s".repeat(LONGEST + 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "salt is 4097 bytes long, over the limit of 4096"
        );
    }
}
