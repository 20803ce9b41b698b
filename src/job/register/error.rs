//! What can go wrong when a key is handed over.

use std::path::PathBuf;

use crate::api;
use crate::io::{OutputError, ReadError};
use crate::job::error::Error as JobError;
use crate::key::{Fingerprint, GenerateError};
use crate::provider::MetadataError;
use crate::provider::qvoice::Conflict;

/// Whose hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Twilio's public keys.
    Twilio,
    /// Twilio Video's settings.
    TwilioVideo,
    /// Vonage's archive storage.
    Vonage,
    /// Qvoice's encryption.
    Qvoice,
}

impl Whose {
    /// Its name, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Twilio => "Twilio",
            Self::TwilioVideo => "Twilio Video",
            Self::Vonage => "Vonage",
            Self::Qvoice => "Qvoice",
        }
    }
}

/// Why a key was not handed over, or what goes with it. Strings are printable names of files, unless
/// something else is said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The provider cannot be asked, or refuses.
    #[error("cannot {1}")]
    Provider(Whose, &'static str, #[source] api::Error),
    /// Neither the answer came, nor can be asked what there is.
    #[error("it is not known whether {1}")]
    Unsettled(Whose, &'static str, #[source] api::Error),
    /// The provider answers in words that it did not. Untrusted text.
    #[error("{name} did not: {1}", name = .0.name())]
    Declined(Whose, String),
    /// What the provider says now is not what it was asked to do.
    #[error("{name} answered, but does not say that {1}", name = .0.name())]
    NotApplied(Whose, &'static str),
    /// Somebody else changed it between the look and the change.
    #[error("{0} changed since they were looked at")]
    ChangedMeanwhile(&'static str),
    /// A change of several was made, and the next one failed.
    #[error("{0}; what came next failed")]
    Half(String, #[source] Box<Error>),

    /// The file of the public key, or of the certificate, cannot be read.
    #[error("cannot read the public key or certificate `{0}`")]
    PublicUnread(String, #[source] ReadError),
    /// The provider would refuse this key.
    #[error("{} would refuse `{file}`{}: {reason}", .whose.name(), number(*.code))]
    Refused {
        /// Who.
        whose: Whose,
        /// The key's file.
        file: String,
        /// The provider's own number for that.
        code: Option<u32>,
        /// Why.
        reason: String,
    },
    /// None of the private keys at hand belongs to what is handed over.
    #[error("no private key in {place} belongs to `{file}`, {fingerprint}")]
    NoPrivate {
        /// The public half.
        file: String,
        /// Its name.
        fingerprint: Fingerprint,
        /// Where was looked.
        place: String,
    },
    /// A name is taken that says nothing of the key.
    #[error(
        "a public key of this name is there already, {sid}, and nobody can see which one it is"
    )]
    NameTaken {
        /// Its id.
        sid: String,
    },
    /// Another private key has the name that this one is to get.
    #[error("`{}` is there, and is another key", .0.display())]
    OtherKey(PathBuf),
    /// The key was registered, and its private half could not be given its name.
    #[error("the key is registered as {sid}, and `{file}` cannot be written")]
    NotKept {
        /// Its id.
        sid: String,
        /// The file.
        file: String,
        /// Why.
        #[source]
        error: OutputError,
    },
    /// There is no key to encrypt with: none was named, and none is set.
    #[error("{0} have no key, and none was named")]
    NoKeyChosen(&'static str),

    /// The configuration holds something else.
    #[error("`{0}` holds no configuration of Qvoice's")]
    NotConfiguration(String, #[source] MetadataError),
    /// The configuration is not that of the account.
    #[error("`{0}` is not the configuration of this account")]
    OfAnother(String, #[source] Conflict),
    /// A key of the account's next version is in the configuration already, and is another one.
    #[error("`{0}` has a version already that a new key would get")]
    VersionTaken(String),
    /// Another run works on it.
    #[error("another run works on `{0}`")]
    Busy(String),
    /// A key waits in the configuration, and another one was named.
    #[error("another key is pending in `{0}`")]
    OtherPending(String),
    /// There is nothing to rotate.
    #[error("encryption is switched off: there is no key to rotate")]
    SwitchedOff,
    /// The system gives no random numbers.
    #[error("cannot make a key")]
    Generate(#[source] GenerateError),
    /// It cannot be read.
    #[error("cannot read `{0}`")]
    Unread(String, #[source] ReadError),
    /// It is no file that can be replaced, or could not be.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Something cannot be written.
    #[error("cannot write `{0}`")]
    Unwritten(String, #[source] std::io::Error),
    /// The change was made, and the file does not have it.
    #[error("the change was made, and `{0}` could not be brought up to date")]
    NotMerged(String, #[source] Box<Error>),
    /// What is wrong with a key, a passphrase, or a secret.
    #[error(transparent)]
    Job(#[from] JobError),
}

fn number(code: Option<u32>) -> String {
    code.map_or_else(String::new, |code| format!(", error {code}"))
}
