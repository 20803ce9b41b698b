//! Everything that can go wrong with a recording. What it means (exit code and hint) is for the
//! caller's words: `cli::error` for the command line.

use super::line::LineError;
use crate::api::{self, Problem};
use crate::io::{CommandError, OutputError, ReadError};
use crate::key::{KeyError, NotOpened, PayloadError, RingError};
use crate::media::Sniff;
use crate::pipeline;
use crate::pipeline::search::GaveUp;
use crate::provider::{MetadataError, Provider, Slip};

/// Why a recording was not decrypted. Strings are printable names of files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The media cannot be opened or read.
    #[error("cannot read `{0}`")]
    Unread(String, #[source] std::io::Error),
    /// There is no such file, and what may be meant for an id is none.
    #[error("there is no file `{0}`, and it is no id of a recording")]
    NoSuchId(String, Slip),
    /// The media was refused, or did not decrypt to what it should.
    #[error("cannot decrypt `{0}`")]
    NotDecrypted(String, #[source] pipeline::Error),
    /// A folder was given for media, and there is nothing to decrypt in it.
    #[error("no file in the folder `{0}` has metadata")]
    NothingIn(String, Option<Provider>),

    /// A line of a manifest cannot be worked on.
    #[error("cannot use line {0} of the manifest")]
    Line(u64, #[source] LineError),

    /// The provider's answer, or the media, cannot be had.
    #[error("cannot fetch `{0}`")]
    Fetch(String, #[source] api::Error),
    /// The list of a group or an account cannot be had, or not to its end.
    #[error("cannot list `{0}` to its end")]
    List(String, #[source] api::Error),
    /// A page was sent in place of the media.
    #[error("the answer for `{input}` is no recording: {}", page(*seen, problem.as_ref()))]
    PageInstead {
        /// The media.
        input: String,
        /// What came.
        seen: Sniff,
        /// What the page says, where it is one of the providers'.
        problem: Option<Problem>,
    },
    /// Nothing tells whether a download is whole.
    #[error("the answer for `{0}` has no length: nothing tells whether it is whole")]
    Boundless(String),
    /// What a key unwraps shows no recording.
    #[error("no private key opens `{0}`: what they unwrap shows no recording")]
    Unfit(String),

    /// Neither metadata was given, nor does any stand beside the media.
    #[error("there is no metadata for `{0}`")]
    NoMetadata(String, Option<Provider>),
    /// There is no such object, and perhaps no such bucket.
    #[error("there is no object `{object}`{}", said(.problem.as_ref()))]
    NoObject {
        /// The object.
        object: String,
        /// What the storage says of it.
        problem: Option<Problem>,
    },
    /// An archive is not in the bucket that was named.
    #[error("the archive {id} is not in `{root}`: there is no `…/{id}/archive.*`")]
    NoArchive {
        /// The archive.
        id: String,
        /// The bucket.
        root: String,
    },
    /// The metadata cannot be read.
    #[error("cannot read the metadata `{0}`")]
    MetadataUnread(String, #[source] ReadError),
    /// The metadata is not what it should be.
    #[error("cannot use the metadata `{0}`")]
    Metadata(String, Provider, #[source] MetadataError),
    /// The metadata is an empty list.
    #[error("the metadata `{0}` lists no recordings")]
    NoRecordings(String),
    /// The metadata is a list, and the media is named for none of its recordings.
    #[error(
        "the metadata `{metadata}` lists {count} recordings, and none of their ids stands in the \
         name `{input}`"
    )]
    NotNamed {
        /// The list.
        metadata: String,
        /// How many recordings it has.
        count: usize,
        /// Whether it is a page of a list that has more.
        goes_on: bool,
        /// The media.
        input: String,
    },

    /// A folder of metadata holds too many files.
    #[error("the folder `{0}` holds more than {1} files of metadata")]
    TooManyDocuments(String, usize),
    /// A folder of metadata holds none.
    #[error("the folder `{0}` holds no metadata that can be used")]
    NoMetadataIn(String, Option<Provider>),
    /// Nothing tells whose recording it is.
    #[error("nothing in `{0}` says whose recording it is")]
    Unknown(String),
    /// Metadata that several providers could have written.
    #[error("the metadata `{0}` may be that of {names}", names = names(.1))]
    Ambiguous(String, Vec<Provider>),
    /// The media was refused, and its name says that it is not what its metadata describes.
    #[error("cannot decrypt `{input}` with the metadata of {id}")]
    OtherRecording {
        /// The media.
        input: String,
        /// The id in the metadata.
        id: String,
        /// What is wrong.
        #[source]
        error: pipeline::Error,
    },

    /// There is no private key.
    #[error("no private key was given")]
    NoKey,
    /// A key file or folder cannot be read.
    #[error("cannot read the private key `{0}`")]
    KeyUnread(String, #[source] ReadError),
    /// A folder of keys holds too many files.
    #[error("the folder `{0}` holds more than {1} files")]
    TooManyKeys(String, usize),
    /// A folder of keys holds none.
    #[error("the folder `{0}` holds no private key that can be used")]
    NoKeyIn(String),
    /// A key file is not what it should be.
    #[error("cannot use the private key `{0}`")]
    Key(String, #[source] KeyError),
    /// A key is encrypted, and there is no passphrase.
    #[error("the private key `{0}` is encrypted, and no passphrase was given")]
    NoPassphrase(String),
    /// The passphrase cannot be read.
    #[error("cannot read the passphrase from `{0}`")]
    PassphraseUnread(String, #[source] ReadError),
    /// One of the user's commands failed.
    #[error("the command of {0} gave no answer")]
    Command(&'static str, #[source] CommandError),
    /// The answer of the user's command is no content key.
    #[error("the answer of --unwrap-command is not a content key")]
    CommandAnswer(#[source] PayloadError),
    /// None of the private keys opens the recording.
    #[error(
        "cannot unwrap the content key of `{input}`{}: {reason}",
        wrapped_for(key_id.as_deref())
    )]
    WrongKey {
        /// The media.
        input: String,
        /// What was tried.
        reason: Box<NotOpened>,
        /// The key that its metadata asks for. Untrusted text.
        key_id: Option<String>,
    },
    /// A private key opens something that is no content key.
    #[error("the private key `{key}` opens the content key of `{input}`, but {reason}")]
    Payload {
        /// The private key.
        key: String,
        /// The media.
        input: String,
        /// What is wrong with what it opens.
        reason: PayloadError,
    },

    /// There is no configuration for a recording that needs one.
    #[error("no configuration was given for `{0}`")]
    NoConfiguration(String),
    /// The configuration is not what it should be.
    #[error("cannot use the configuration `{0}`")]
    Configuration(String, #[source] MetadataError),
    /// The configuration cannot be read.
    #[error("cannot read the configuration `{0}`")]
    ConfigurationUnread(String, #[source] ReadError),
    /// The recording is under a version that the configuration does not have.
    #[error("`{input}` is encrypted under version {asked}, {}", known_versions(.known))]
    NoVersion {
        /// The media.
        input: String,
        /// The version its metadata says, or the flag.
        asked: u64,
        /// The versions there are.
        known: Vec<u64>,
    },
    /// The version that was asked for is not in the configuration.
    #[error("there is no version {asked}, {}", known_versions(.known))]
    NoSuchVersion {
        /// The version.
        asked: u64,
        /// The versions there are.
        known: Vec<u64>,
    },
    /// A file with a key or salt cannot be read.
    #[error("cannot read the {0} file `{1}`")]
    SecretUnread(&'static str, String, #[source] ReadError),
    /// A file with a key or salt is not what it should be.
    #[error("cannot use the {0} file `{1}`: {2}")]
    Secret(&'static str, String, String),
    /// The profile is not what it should be.
    #[error("cannot use the profile `{0}`: {1}")]
    Profile(String, String),
    /// A search came to its end.
    #[error("nothing that was tried opens `{input}`")]
    NotFound {
        /// The media.
        input: String,
        /// What was tried.
        reason: Box<GaveUp>,
        /// Whether flags or a profile said what to try.
        pinned: bool,
        /// Versions that cannot be used, and why.
        skipped: Vec<(Option<u64>, MetadataError)>,
    },

    /// The output was refused or failed.
    #[error("cannot write the output")]
    Output(#[source] OutputError),
    /// An object could not be put into its bucket.
    #[error("cannot put `{0}`")]
    NotPut(String, #[source] api::Error),
    /// A file beside the output, or standard output, cannot be written.
    #[error("cannot write `{0}`")]
    Unwritten(String, #[source] std::io::Error),
    /// Nothing gives the output a name.
    #[error("cannot name the output of `{0}` in a folder")]
    Nameless(String),
    /// Another recording of the run has the name.
    #[error("the output of `{0}` would have the name that `{1}` took")]
    SameName(String, String),
}

impl Error {
    /// What a key ring says of the recording `input`.
    pub(crate) fn of_ring(error: RingError, input: &str, key_id: Option<&str>) -> Self {
        let input = input.to_owned();
        match error {
            RingError::NotOpened(NotOpened {
                tried,
                meant,
                passed_over,
                ..
            }) if tried.is_empty() && meant.is_empty() && passed_over.is_empty() => Self::NoKey,
            RingError::NotOpened(reason) => Self::WrongKey {
                input,
                reason: Box::new(reason),
                key_id: key_id.map(ToOwned::to_owned),
            },
            RingError::Payload { origin, error, .. } => Self::Payload {
                key: origin,
                input,
                reason: error,
            },
            RingError::Unlock { origin, error } => Self::Key(origin, error),
            RingError::NoPassphrase { origin } => Self::NoPassphrase(origin),
        }
    }

    /// What the pipeline says of the recording `input`, which may be what happened on the way here.
    pub(super) fn of_pipeline(error: pipeline::Error, input: &str) -> Self {
        let chain = std::iter::successors(
            Some(&error as &(dyn std::error::Error + 'static)),
            |error| error.source(),
        );
        let within = chain
            .filter_map(|error| error.downcast_ref())
            .find_map(api::Error::within);
        match within {
            Some(fetch) => Self::Fetch(input.to_owned(), fetch.clone()),
            None => Self::NotDecrypted(input.to_owned(), error),
        }
    }

    /// The same of media whose metadata is that of `other_id`, where its name says another.
    pub(super) fn of_media(error: pipeline::Error, input: &str, other_id: Option<&String>) -> Self {
        match other_id {
            Some(id) => Self::OtherRecording {
                input: input.to_owned(),
                id: id.clone(),
                error,
            },
            None => Self::of_pipeline(error, input),
        }
    }

    /// Whether the same may work later.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Fetch(_, error) | Self::List(_, error) | Self::NotPut(_, error) => {
                error.is_temporary()
            }
            Self::Boundless(_) => true,
            _ => false,
        }
    }
}

impl From<OutputError> for Error {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::NotPut { place, source } => match source.downcast() {
                Ok(refused) => Self::NotPut(place, *refused),
                Err(source) => Self::Output(OutputError::NotPut { place, source }),
            },
            error => Self::Output(error),
        }
    }
}

/// Whom an error concerns.
pub(super) enum Trouble {
    /// This recording; the others of the run may fare better.
    One(Error),
    /// Every recording of the run: there is no use in going on.
    All(Error),
}

impl Trouble {
    pub(super) fn error(self) -> Error {
        match self {
            Self::One(error) | Self::All(error) => error,
        }
    }
}

impl Trouble {
    /// The same in a run over a manifest, each line of which says for itself whose recording it is
    /// and what describes it: what is wrong with that is wrong with this line.
    pub(super) fn of_line(self) -> Self {
        let is_of_line = |error: &Error| match error {
            Error::MetadataUnread(..)
            | Error::Metadata(..)
            | Error::NoRecordings(_)
            | Error::TooManyDocuments(..)
            | Error::NoMetadataIn(..)
            | Error::Unknown(_)
            | Error::Ambiguous(..)
            | Error::NoConfiguration(_) => true,
            Error::Fetch(_, error) => !matches!(error, api::Error::Authorities(_)),
            _ => false,
        };
        match self {
            Self::All(error) if is_of_line(&error) => Self::One(error),
            trouble => trouble,
        }
    }
}

impl<E: Into<Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::One(error.into())
    }
}

fn page(seen: Sniff, problem: Option<&Problem>) -> String {
    match problem {
        Some(problem) => format!("{seen}, which says {problem}"),
        None => seen.to_string(),
    }
}

fn said(problem: Option<&Problem>) -> String {
    problem.map_or_else(String::new, |problem| format!(": {problem}"))
}

fn wrapped_for(key_id: Option<&str>) -> String {
    key_id.map_or_else(String::new, |id| format!(", wrapped for the key {id}"))
}

fn names(providers: &[Provider]) -> String {
    let names: Vec<_> = providers.iter().map(|provider| provider.name()).collect();
    names.join(" and of ")
}

fn known_versions(known: &[u64]) -> String {
    let known: Vec<_> = known.iter().map(ToString::to_string).collect();
    match known.as_slice() {
        [] => "and the configuration has no versions".to_owned(),
        [only] => format!("and the configuration has version {only} only"),
        several => format!(
            "and the configuration has the versions {}",
            several.join(", ")
        ),
    }
}
