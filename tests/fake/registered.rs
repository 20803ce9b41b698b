//! What is registered with the providers, for tests to set and to read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::twilio_keys::PublicKey;
use super::{ACCOUNT, Fake, twilio_keys, twilio_settings};

/// Whose settings of Twilio Video they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settings {
    Recordings,
    Compositions,
}

impl Settings {
    /// Of which the path is.
    pub(super) fn of(path: &str) -> Option<Self> {
        if path.starts_with("/v1/RecordingSettings/") {
            Some(Self::Recordings)
        } else if path.starts_with("/v1/CompositionSettings/") {
            Some(Self::Compositions)
        } else {
            None
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Recordings => "/v1/RecordingSettings/Default",
            Self::Compositions => "/v1/CompositionSettings/Default",
        }
    }

    /// Twilio's code for a key that is none of the account's.
    pub(super) fn invalid_key(self) -> u32 {
        match self {
            Self::Recordings => 53612,
            Self::Compositions => 53666,
        }
    }

    /// The id of what is recorded when they encrypt.
    pub(super) fn recorded(self) -> &'static str {
        match self {
            Self::Recordings => "RT5eed00000000000000000000000000a1",
            Self::Compositions => "CJ5eed00000000000000000000000000a1",
        }
    }
}

/// All of it.
#[derive(Default)]
pub struct Registered {
    /// Twilio's public keys, the newest first; and how many there ever were.
    pub keys: Vec<PublicKey>,
    pub keys_made: usize,
    /// What was posted, without what every answer has.
    pub settings: HashMap<Settings, Value>,
    /// Where Vonage's archives go to, by project: as it was sent.
    pub targets: HashMap<String, Value>,
    /// Qvoice's configuration.
    pub qvoice: Map<String, Value>,
    /// Where recordings of Qvoice's are put.
    pub folder: Option<PathBuf>,
}

impl Fake {
    /// Registers a public key with Twilio, as PEM; its id.
    pub fn register_key(&self, pem: &str, name: &str) -> String {
        let sid = self.state().register_key(ACCOUNT, name, pem);
        sid.unwrap_or_else(|(code, why)| panic!("{code}: {why}"))
    }

    /// Twilio's public keys, the newest first, as a list has them.
    pub fn public_keys(&self) -> Vec<Value> {
        twilio_keys::all(&self.shared, &self.state())
    }

    /// Sets these fields of Twilio Video's settings (`encryption_enabled`, …), whatever they say; the
    /// others are null or false.
    pub fn set_settings(&self, kind: Settings, value: Value) {
        assert!(value.is_object(), "settings: {value}");
        self.state().registered.settings.insert(kind, value);
    }

    /// Twilio Video's settings, as an answer has them; `None` where there are none yet.
    pub fn settings(&self, kind: Settings) -> Option<Value> {
        let state = self.state();
        let settings = state.registered.settings.get(&kind)?;
        let resource = twilio_settings::resource(&self.shared, &state, kind, settings);
        Some(resource)
    }

    /// What a project of Vonage's was sent last for its storage.
    pub fn vonage_storage(&self, project: &str) -> Option<Value> {
        self.state().registered.targets.get(project).cloned()
    }

    /// Qvoice's configuration, as an answer of a server has it that forgets nothing.
    pub fn qvoice_config(&self) -> Value {
        self.state().registered.qvoice.clone().into()
    }

    pub fn set_qvoice_config(&self, config: Value) {
        let Value::Object(config) = config else {
            panic!("a configuration: {config}");
        };
        self.state().registered.qvoice = config;
    }

    /// Where [`Style::records`](super::Style::records) puts recordings of Qvoice's: `call.enc`, and
    /// its metadata as `call.enc.json`.
    pub fn qvoice_folder(&self, folder: impl AsRef<Path>) {
        let folder = folder.as_ref().to_owned();
        self.state().registered.folder = Some(folder);
    }
}
