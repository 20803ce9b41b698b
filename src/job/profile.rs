//! `--profile`: how recordings are encrypted, kept in a file. It holds no secret.

use std::path::Path;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use serde_json::error::Category;

use super::error::Error;
use crate::cipher::WriteAt;
use crate::io::{OutputError, ReadError, Staged};
use crate::pipeline::search::{Method, Pins};

/// The most that a profile can have.
const LIMIT: u64 = 64 * 1024;

#[derive(Serialize)]
struct Profile {
    schema: u32,
    layout: String,
    kdf: String,
    key_form: String,
    salt_form: String,
    aad: String,
}

/// Reads the profile at `path`; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Pins>, Error> {
    let failure = |problem: String| Error::Profile(path.display().to_string(), problem);
    let bytes = match crate::io::read_file(path, LIMIT) {
        Ok(bytes) => bytes,
        Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(failure(error.to_string())),
    };
    parse(&bytes).map(Some).map_err(failure)
}

/// Reads a profile.
///
/// # Errors
/// What is wrong with it, in a few words.
pub fn parse(bytes: &[u8]) -> Result<Pins, String> {
    let profile: serde_json::Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            match error.classify() {
                // What else serde says of a value quotes it, and the file may be a secret.
                Category::Data => format!("it is no JSON object, at {place}"),
                _ => format!("it is not JSON, at {place}"),
            }
        })?;
    let field = |name: &str| match profile.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("`{name}` is no string")),
        None => Err(format!("`{name}` is missing")),
    };
    let fields = ["layout", "kdf", "key_form", "salt_form", "aad"].map(field);
    let [layout, kdf, key_form, salt_form, aad] = fields;
    let (layout, kdf, key_form) = (layout?, kdf?, key_form?);
    let (salt_form, aad) = (salt_form?, aad?);
    match profile.get("schema") {
        Some(schema) if *schema == 1 => {}
        Some(_) => return Err("its schema is not 1".to_owned()),
        None => return Err("`schema` is missing".to_owned()),
    }
    Ok(Pins {
        layout: Some(value(layout)?),
        kdf: Some(value(kdf)?),
        key_form: Some(value(key_form)?),
        salt_form: Some(value(salt_form)?),
        aad: Some(value(aad)?),
    })
}

fn value<T>(name: &str) -> Result<T, String>
where
    T: FromStr<Err: ToString>,
{
    name.parse().map_err(|error: T::Err| match name.len() {
        0..=80 => error.to_string(),
        length => format!("a name of {length} bytes is not known"),
    })
}

/// Writes a new profile. One that is there by now stays: it was read before, or another run,
/// which started at the same time, has written it.
pub(super) fn write_new(path: &Path, method: &Method) -> Result<(), Error> {
    if read(path)?.is_some() {
        return Ok(());
    }
    let profile = Profile {
        schema: 1,
        layout: method.layout.to_string(),
        kdf: method.kdf.to_string(),
        key_form: method.key_form.name().to_owned(),
        salt_form: method.salt_form.name().to_owned(),
        aad: method.aad.to_string(),
    };
    let unwritten = |error| Error::Unwritten(path.display().to_string(), error);
    let text = serde_json::to_string_pretty(&profile).map_err(|error| unwritten(error.into()))?;
    let staged = Staged::create(path)?;
    staged
        .write_all_at(format!("{text}\n").as_bytes(), 0)
        .map_err(unwritten)?;
    match staged.commit(path, false) {
        Err(OutputError::Exists(_)) => read(path).map(drop),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_refused_in_few_words() {
        let text = |kdf: &str| {
            format!(
                r#"{{"schema": 1, "layout": "ct", "kdf": "{kdf}", "key_form": "hex",
                    "salt_form": "text", "aad": "none"}}"#
            )
        };
        let kdf = |name: &str| parse(text(name).as_bytes()).map(|pins| pins.kdf);
        assert_eq!(kdf("raw"), Ok(Some(crate::key::Kdf::Raw)));
        assert!(
            kdf("cooked")
                .unwrap_err()
                .starts_with("`cooked` is none of")
        );
        let costly = kdf("scrypt:1048576:4096:1").unwrap_err();
        assert!(costly.contains("bytes of memory, over the limit"));
        let long = kdf(&"x".repeat(60_000)).unwrap_err();
        assert_eq!(long, "a name of 60000 bytes is not known");
        let schema = parse(text("raw").replace(": 1", ": 2").as_bytes());
        assert_eq!(schema, Err("its schema is not 1".to_owned()));
    }

    /// A passphrase in the profile's place was quoted: `invalid type: string "…"`.
    #[test]
    fn a_secret_in_the_profiles_place_is_not_repeated() {
        let secret = "correct horse ... battery";
        for text in [
            secret.to_owned(),
            format!("\"{secret}\""),
            format!("[\"{secret}\"]"),
            "4711471147114711".to_owned(),
            r#"{"schema": "4711471147114711"}"#.to_owned(),
            format!(r#"{{"schema": 1, "layout": ["{secret}"]}}"#),
            format!(r#"{{"schema": 1, "layout": "{secret}"}}"#),
            format!(r#"{{"password": "{secret}"}}"#),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(
                !error.contains("horse") && !error.contains("4711"),
                "{error}"
            );
        }
    }
}
