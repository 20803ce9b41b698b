//! What became of a recording, and what is known of it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::error::Error;
use super::input::Input;
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

/// What became of one recording.
pub(crate) struct Record {
    /// What it was read from.
    pub input: Input,
    /// What is known of it.
    pub about: About,
    /// When that was.
    pub time: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// The result.
    pub result: Result<Done, Error>,
}

/// What is known of a recording, more and more of it.
#[derive(Default)]
pub(crate) struct About {
    /// Whose recording it is.
    pub provider: Option<Provider>,
    /// The provider's id. Untrusted text.
    pub id: Option<String>,
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
    /// Nothing, and that is right.
    Skipped(Skipped),
}

/// Why a recording was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// Its output exists.
    Exists(PathBuf),
    /// It is not encrypted.
    NotEncrypted,
}

impl Skipped {
    /// The name in reports.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Exists(_) => "exists",
            Self::NotEncrypted => "not_encrypted",
        }
    }
}
