//! The configuration of twilio-cli, with its profiles.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::environment::{Environment, Value};
use super::json::{Secret, parse};
use super::place::Label;
use super::shape::Shape;
use crate::job::redact::shown;

/// The configuration, and its name.
pub(super) struct Configuration {
    name: String,
    file: File,
}

/// What stands in it, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    edge: Option<String>,
    require_profile_input: Option<bool>,
    active_project: Option<String>,
    profiles: Option<BTreeMap<String, Profile>>,
    projects: Option<Vec<Project>>,
}

/// A profile, which has an API key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    account_sid: Option<String>,
    api_key: Option<String>,
    api_secret: Option<Secret>,
    region: Option<String>,
    edge: Option<String>,
}

/// A profile of before, whose secrets were kept elsewhere.
#[derive(Deserialize)]
struct Project {
    id: Option<String>,
}

/// A profile that is used.
pub(super) struct Chosen {
    /// What it is, for a message.
    pub(super) name: String,
    /// Its account.
    pub(super) account: String,
    /// The id of its API key.
    pub(super) key: String,
    /// The secret of its API key.
    pub(super) secret: Zeroizing<String>,
    /// Its region.
    pub(super) region: Option<Label>,
    /// Its edge, or that of the configuration.
    pub(super) edge: Option<Label>,
}

impl Configuration {
    /// Reads it where a profile of it was asked for.
    pub(super) fn read(env: &Environment<'_>) -> Result<Self, CredentialsError> {
        let configuration = Self::read_if_there(env)?;
        configuration.ok_or_else(|| CredentialsError::Unread {
            name: path(env).map_or("~/.twilio-cli/config.json".to_owned(), |path| shown(&path)),
            why: "there is no such file".to_owned(),
        })
    }

    /// Reads it; `None` where there is none.
    pub(super) fn read_if_there(env: &Environment<'_>) -> Result<Option<Self>, CredentialsError> {
        let Some(path) = path(env) else {
            return Ok(None);
        };
        let Some(value) = env.file_if_there(&path, shown(&path))? else {
            return Ok(None);
        };
        Ok(Some(Self {
            file: parse(&value, "twilio-cli")?,
            name: value.name,
        }))
    }

    /// The profile of that name.
    pub(super) fn named(self, name: &str) -> Result<Chosen, CredentialsError> {
        if self.has_profile(name) {
            return self.choose(name);
        }
        let is_legacy = |project: &Project| project.id.as_deref() == Some(name);
        if self.file.projects.iter().flatten().any(is_legacy) {
            return Err(CredentialsError::Legacy(self.name));
        }
        Err(CredentialsError::NoProfile {
            known: self.known(),
            name: self.name,
        })
    }

    /// The active profile; `None` where there are no profiles.
    pub(super) fn active(self) -> Result<Option<Chosen>, CredentialsError> {
        let known = self.known();
        if known.is_empty() {
            let has_legacy = self.file.projects.iter().flatten().next().is_some();
            if has_legacy {
                return Err(CredentialsError::Legacy(self.name));
            }
            return Ok(None);
        }
        if self.file.require_profile_input == Some(true) {
            let name = self.name;
            return Err(CredentialsError::ProfileRequired { name, known });
        }
        match self.file.active_project.clone() {
            Some(active) if self.has_profile(&active) => self.choose(&active).map(Some),
            Some(active) if !active.is_empty() => self.named(&active).map(Some),
            _ => Err(CredentialsError::NoneActive {
                name: self.name,
                known,
            }),
        }
    }

    fn known(&self) -> Vec<String> {
        let profiles = self.file.profiles.iter().flatten();
        profiles.map(|(name, _)| name.clone()).collect()
    }

    fn has_profile(&self, name: &str) -> bool {
        let profiles = self.file.profiles.as_ref();
        profiles.is_some_and(|profiles| profiles.contains_key(name))
    }

    fn choose(mut self, name: &str) -> Result<Chosen, CredentialsError> {
        let profile = self.file.profiles.as_mut();
        let Some(profile) = profile.and_then(|profiles| profiles.remove(name)) else {
            return Err(CredentialsError::NoProfile {
                known: self.known(),
                name: self.name,
            });
        };
        let whole = format!("profile `{name}` of {}", self.name);
        let field = |field: &str| format!("{field} of {whole}");
        let text =
            |name: &str, text: Option<String>| required(field(name), text.map(Zeroizing::new));
        let label = |name: &str, text: Option<String>| {
            let text = text.filter(|text| !text.is_empty());
            text.map(|text| Label::of(field(name), &text)).transpose()
        };
        let secret = profile.api_secret.map(|secret| secret.0);
        Ok(Chosen {
            account: Shape::Account.id(text("accountSid", profile.account_sid)?)?,
            key: Shape::ApiKey.id(text("apiKey", profile.api_key)?)?,
            secret: Shape::Secret.of(required(field("apiSecret"), secret)?)?,
            region: label("region", profile.region)?,
            edge: match label("edge", profile.edge)? {
                None => label("edge", self.file.edge)?,
                edge => edge,
            },
            name: whole,
        })
    }
}

/// A field that must be there.
fn required(name: String, text: Option<Zeroizing<String>>) -> Result<Value, CredentialsError> {
    match text {
        Some(text) if !text.is_empty() => Ok(Value::given(name, text)),
        _ => Err(CredentialsError::Empty(name)),
    }
}

/// Where twilio-cli keeps it.
fn path(env: &Environment<'_>) -> Option<PathBuf> {
    let folder = env.path("TWILIO_CONFIG_DIR");
    let folder = folder.or_else(|| Some(env.home()?.join(".twilio-cli")));
    Some(folder?.join("config.json"))
}
