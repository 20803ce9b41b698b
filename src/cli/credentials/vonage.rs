//! Vonage: variables and systemd's credentials, of an application and of `OpenTok`'s; the files
//! of vonage-cli.

use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::environment::{DEPTHS, Depth, Environment, Value};
use super::found::Found;
use super::json::{Secret, parse};
use super::key::{key_at, key_or_path};
use super::shape::Shape;
use crate::api::{Application, OpenTok, Proof, Vonage};
use crate::job::redact::shown;

const APPLICATION: &str = "VONAGE_APPLICATION_ID";
const KEYS: [&str; 2] = ["VONAGE_PRIVATE_KEY", "VONAGE_APPLICATION_PRIVATE_KEY"];
const KEY_PATHS: [&str; 2] = [
    "VONAGE_PRIVATE_KEY_PATH",
    "VONAGE_APPLICATION_PRIVATE_KEY_PATH",
];
const SECRET: &str = "VONAGE_API_SECRET";
const PROJECTS: [(&str, &str); 2] = [
    ("OPENTOK_API_KEY", "OPENTOK_API_SECRET"),
    ("OT_API_KEY", "OT_API_SECRET"),
];

/// Where is looked, in this order.
pub(super) const PLACES: &[&str] = &[
    "VONAGE_APPLICATION_ID with VONAGE_PRIVATE_KEY, VONAGE_APPLICATION_PRIVATE_KEY or one of them \
     and _PATH",
    "OPENTOK_API_KEY with OPENTOK_API_SECRET",
    "OT_API_KEY with OT_API_SECRET",
    "files of these names, such as opentok-api-secret, in $CREDENTIALS_DIRECTORY",
    "./.vonagerc",
    "~/.vonage/config.json",
];

/// The same for HTTP Basic authentication.
const PLACES_WITH_SECRET: &[&str] = &[
    "VONAGE_APPLICATION_ID with VONAGE_API_SECRET",
    "files of these names, such as vonage-api-secret, in $CREDENTIALS_DIRECTORY",
];

/// The credentials of the two kinds, where there are some.
pub(super) struct Kinds {
    /// Of the unified API.
    pub(super) application: Option<Found<Application>>,
    /// Of `OpenTok`'s.
    pub(super) opentok: Option<Found<OpenTok>>,
}

/// Both kinds of variables; the files of vonage-cli where there are none.
pub(super) fn find(env: &Environment<'_>) -> Result<Kinds, CredentialsError> {
    let application = DEPTHS
        .into_iter()
        .find_map(|depth| application(env, depth).transpose());
    let opentok = DEPTHS
        .into_iter()
        .find_map(|depth| opentok(env, depth).transpose());
    let mut found = Kinds {
        application: application.transpose()?,
        opentok: opentok.transpose()?,
    };
    refuse_half(env, &found)?;
    if found.application.is_none() && found.opentok.is_none() {
        found.application = Some(of_files(env)?);
    }
    Ok(found)
}

impl Kinds {
    /// The same for the API.
    pub(super) fn into_found(self) -> Found<Vonage> {
        let sources = [
            self.application.as_ref().map(|found| found.source.clone()),
            self.opentok.as_ref().map(|found| found.source.clone()),
        ];
        let sources: Vec<_> = sources.into_iter().flatten().collect();
        Found {
            credentials: Vonage {
                application: self.application.map(|found| found.credentials),
                opentok: self.opentok.map(|found| found.credentials),
            },
            source: sources.join(", and "),
        }
    }
}

/// An application with the account's API secret, for where its private key does not serve.
pub(super) fn find_with_secret(env: &Environment<'_>) -> Result<Found<Vonage>, CredentialsError> {
    let id = env.find(APPLICATION, Depth::Directory)?;
    let secret = env.find(SECRET, Depth::Directory)?;
    let (id, secret) = match (id, secret) {
        (Some(id), Some(secret)) => (id, secret),
        (Some(id), None) => return Err(half(id, SECRET)),
        (None, Some(secret)) => return Err(half(secret, APPLICATION)),
        (None, None) => {
            return Err(CredentialsError::None {
                provider: "Vonage",
                places: PLACES_WITH_SECRET,
            });
        }
    };
    Ok(Found {
        source: format!("{} with {}", id.name, secret.name),
        credentials: Vonage {
            application: Some(Application {
                id: Shape::Application.id(id)?,
                proof: Proof::Secret(Shape::Secret.of(secret)?),
            }),
            opentok: None,
        },
    })
}

fn application(
    env: &Environment<'_>,
    depth: Depth,
) -> Result<Option<Found<Application>>, CredentialsError> {
    let Some(id) = env.find(APPLICATION, depth)? else {
        return Ok(None);
    };
    let (value, key) = if let Some(value) = env.first(&KEYS, depth)? {
        let key = key_or_path(&value, env)?;
        (value, key)
    } else if let Some(value) = env.first(&KEY_PATHS, depth)? {
        let key = key_at(&value, env)?;
        (value, key)
    } else {
        return Ok(None);
    };
    let source = format!("{} with {}", id.name, value.name);
    Ok(Some(Found {
        credentials: Application {
            id: Shape::Application.id(id)?,
            proof: Proof::Key(key),
        },
        source,
    }))
}

fn opentok(
    env: &Environment<'_>,
    depth: Depth,
) -> Result<Option<Found<OpenTok>>, CredentialsError> {
    for (key, secret) in PROJECTS {
        if let Some((key, secret)) = env.find(key, depth)?.zip(env.find(secret, depth)?) {
            let source = format!("{} with {}", key.name, secret.name);
            return Ok(Some(Found {
                credentials: OpenTok {
                    key: Shape::Project.id(key)?,
                    secret: Shape::Secret.of(secret)?,
                },
                source,
            }));
        }
    }
    Ok(None)
}

fn half(there: Value, missing: &'static str) -> CredentialsError {
    CredentialsError::Incomplete {
        provider: "Vonage",
        there: there.name,
        missing,
    }
}

/// Refuses a secret without its id.
fn refuse_half(env: &Environment<'_>, found: &Kinds) -> Result<(), CredentialsError> {
    let depth = Depth::Directory;
    if found.application.is_none()
        && let Some(key) = env.first(&[KEYS, KEY_PATHS].concat(), depth)?
    {
        return Err(half(key, APPLICATION));
    }
    if found.opentok.is_none() {
        for (key, secret) in PROJECTS {
            if let Some(secret) = env.find(secret, depth)? {
                return Err(half(secret, key));
            }
        }
    }
    Ok(())
}

/// That there is nothing, or an id alone.
fn none(env: &Environment<'_>) -> CredentialsError {
    for (id, secret) in [(APPLICATION, KEYS[0])].into_iter().chain(PROJECTS) {
        match env.find(id, Depth::Directory) {
            Ok(Some(id)) => return half(id, secret),
            Ok(None) => {}
            Err(error) => return error,
        }
    }
    CredentialsError::None {
        provider: "Vonage",
        places: PLACES,
    }
}

/// A configuration of vonage-cli, as far as it matters: what is left out are the credentials of
/// Vonage's other APIs.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "appId", alias = "app-id")]
    application: Option<String>,
    #[serde(rename = "privateKey", alias = "private-key")]
    key: Option<Secret>,
}

/// The nearest file of vonage-cli's. They are not merged: the first one hides the other.
fn of_files(env: &Environment<'_>) -> Result<Found<Application>, CredentialsError> {
    let at_home = env.home().map(|home| home.join(".vonage/config.json"));
    let here = (PathBuf::from(".vonagerc"), "./.vonagerc".to_owned());
    let at_home = at_home.map(|path| (path.clone(), shown(&path)));
    for (path, name) in std::iter::once(here).chain(at_home) {
        if let Some(value) = env.file_if_there(&path, name)? {
            return of_file(&value, env);
        }
    }
    Err(none(env))
}

fn of_file(file: &Value, env: &Environment<'_>) -> Result<Found<Application>, CredentialsError> {
    let there: File = parse(file, "vonage-cli")?;
    let missing = |field| CredentialsError::NoApplication {
        name: file.name.clone(),
        field,
    };
    let set = |text: &Zeroizing<String>| !text.is_empty();
    let id = there.application.map(Zeroizing::new).filter(set);
    let key = there.key.map(|key| key.0).filter(set);
    let key = key.ok_or_else(|| missing("privateKey"))?;
    let id = id.ok_or_else(|| missing("appId"))?;
    let value = |field, text| Value::given(format!("{field} of {}", file.name), text);
    Ok(Found {
        credentials: Application {
            id: Shape::Application.id(value("appId", id))?,
            proof: Proof::Key(key_or_path(&value("privateKey", key), env)?),
        },
        source: file.name.clone(),
    })
}
