//! What became of a recording, and what is known of it.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::error::Error;
use super::input::Input;
use super::line::Tag;
use super::place::Place;
use crate::api::Attempts;
use crate::envelope::{Mode, WrapAlgorithm};
use crate::io::{TextEncoding, Wrapper};
use crate::key::Fingerprint;
use crate::pipeline::Outcome;
use crate::pipeline::search::Method;
use crate::provider::Provider;

/// What is done with a recording that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    /// It is refused.
    Fail,
    /// It is passed over.
    Skip,
    /// It is copied as it is.
    Save,
}

/// What is done with each recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// It is decrypted.
    Decrypt {
        /// What the provider says of it is kept beside it.
        and_describe: bool,
    },
    /// It is fetched as it is, with what the provider says of it.
    Download,
    /// What the provider says of it is kept, and no media.
    Describe,
    /// Its content key is unwrapped, and no more.
    CheckKeys,
}

/// What became of one recording.
pub(crate) struct Record {
    /// The line of a manifest that named it.
    pub tag: Option<Tag>,
    /// What it was read from; `None` where a line does not say it.
    pub input: Option<Input>,
    /// What is known of it.
    pub about: About,
    /// When that was.
    pub time: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// The result.
    pub result: Result<Done, Error>,
}

impl Record {
    /// What is known without anything being done.
    pub(super) fn settled(
        tag: Option<Tag>,
        input: Option<Input>,
        result: Result<Done, Error>,
    ) -> Self {
        let provider = match &input {
            Some(Input::Remote(resource)) => Some(resource.provider),
            _ => None,
        };
        Self {
            tag,
            input,
            about: About {
                provider,
                ..About::default()
            },
            time: SystemTime::now(),
            took: Duration::ZERO,
            result,
        }
    }

    /// What it is called where people read it.
    pub(crate) fn name(&self) -> String {
        let input = self.input.as_ref();
        input.map_or_else(String::new, ToString::to_string)
    }
}

/// What is known of a recording, more and more of it.
#[derive(Default)]
pub(crate) struct About {
    /// Whose recording it is.
    pub provider: Option<Provider>,
    /// The provider's id. Untrusted text.
    pub id: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// The call, conference, room or session that it belongs to. Untrusted text.
    pub parent: Option<String>,
    /// The call (`CA…`) that a document beside it names.
    pub call: Option<String>,
    /// The account that it is in. Untrusted text.
    pub account: Option<String>,
    /// How long it plays, as the provider says.
    pub declared_duration: Option<Duration>,
    /// How often its media was asked for.
    pub attempts: Attempts,
    /// How its content key is wrapped.
    pub wrap: Option<WrapAlgorithm>,
    /// How it is encrypted.
    pub cipher: Option<Mode>,
    /// The provider's name of the key. Untrusted text.
    pub key_id: Option<String>,
    /// The private key that opened it.
    pub fingerprint: Option<Fingerprint>,
    /// What a transfer had left around the media.
    pub wrapper: Option<Wrapper>,
    /// What a search found.
    pub found: Option<Box<How>>,
}

/// How a recording is encrypted that does not say so itself.
pub(crate) struct How {
    /// The version of the key.
    pub version: Option<u64>,
    /// How its bytes were written as text.
    pub encoding: Option<TextEncoding>,
    /// Everything else.
    pub method: Method,
}

/// What was done with a recording.
pub(crate) enum Done {
    /// It was opened and verified, and written to the target if there is one.
    Released(Box<Outcome>),
    /// Its media was fetched as it is: encrypted.
    Downloaded(Place, u64),
    /// What the provider says of it was written.
    Described(Place),
    /// A private key opens it; its media was not read.
    Unwrapped,
    /// Nothing, and that is right.
    Skipped(Skipped),
}

/// Why a recording was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// Its output exists.
    Exists(Place),
    /// It is not encrypted.
    NotEncrypted,
    /// It is not completed yet: the provider's word for that. Untrusted text.
    InProgress(String),
    /// It is the messages of a data track.
    DataTrack,
    /// Nothing was recorded, so that there is nothing to open.
    Absent,
    /// Nothing describes it: it is no recording.
    NoMetadata,
    /// It is a group, and there are none in it.
    Empty,
}

impl Skipped {
    /// The name in reports.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Exists(_) => "exists",
            Self::NotEncrypted => "not_encrypted",
            Self::InProgress(_) => "in_progress",
            Self::DataTrack => "data_track",
            Self::Absent => "absent",
            Self::NoMetadata => "no_metadata",
            Self::Empty => "empty",
        }
    }
}
