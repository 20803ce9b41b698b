//! Everything that can end a run, and what it means: exit code and hint in one match.

mod buckets;
mod credentials;
mod key;
mod line;
mod media;
mod metadata;
mod network;
mod output;
mod registering;
mod search;
#[cfg(feature = "serve")]
mod serving;
mod slip;

use std::path::PathBuf;

use self::buckets::object_hint;
pub(super) use self::credentials::CredentialsError;
use self::key::{generate_verdict, key_hint, wrong_key_verdict};
use self::line::line_verdict;
pub(super) use self::line::{location_hint, misread_hint};
#[cfg(feature = "waveform")]
use self::media::mute_hint;
use self::media::pipeline_verdict;
use self::metadata::{metadata_hint, metadata_verdict};
use self::network::{fetch_verdict, page_hint, put_verdict};
pub(super) use self::output::quoted;
use self::output::{output_hint, write_hint};
use self::registering::register_verdict;
use self::search::{configuration_hint, not_found_hint, tried};
#[cfg(feature = "serve")]
use self::serving::{not_verified_verdict, serve_verdict};
pub(super) use self::slip::slip_hint;
use super::exit::Code;
use crate::io::OutputError;
use crate::job::{Error, register, shown_cause};
use crate::key::GenerateError;
#[cfg(feature = "waveform")]
use crate::media::DecodeError;
use crate::provider::{MetadataError, Provider};

/// The most files that were passed over and are told of without `-v`.
const MOST_PASSED_OVER: usize = 20;

/// Why a run failed. Strings are printable names of files.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Usage(&'static str, &'static str),
    #[error("{0}")]
    Misplaced(String, Code, String),
    #[error("standard input cannot be both {first} and {second}")]
    StdinTwice {
        first: &'static str,
        second: &'static str,
    },
    #[error("cannot use the values on the command line")]
    Direct(Provider, #[source] MetadataError),
    #[error("`{0}` is {1}: no metadata, no key, no media")]
    NothingInIt(String, String),
    #[cfg(feature = "waveform")]
    #[error("`{0}` holds no audio that can be decoded")]
    Mute(String, #[source] DecodeError),
    /// What is written has only `-f` for that.
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Job(#[from] Error),
    #[error(transparent)]
    Register(#[from] register::Error),
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Serve(#[from] crate::serve::Error),
    #[cfg(feature = "serve")]
    #[error("the audit log `{0}` is not verified")]
    NotVerified(String, #[source] crate::serve::NotVerified),

    #[error("the passphrase is empty")]
    EmptyPassphrase,
    #[error("{0}")]
    Untyped(&'static str),
    #[error("cannot make a key")]
    Generate(#[source] GenerateError),
    #[error("`{}` exists already", .0.display())]
    KeyExists(PathBuf),

    #[error("refusing to write media to the terminal")]
    Terminal,
    #[error("standard output is closed, or is /dev/null opened for reading and writing")]
    Nowhere,

    #[error("{failed} of {total} inputs failed")]
    Partial {
        failed: usize,
        total: usize,
        /// Whether all of it may work later.
        is_temporary: bool,
    },
    #[error("{failed} of {total} checks failed")]
    Unwell {
        failed: usize,
        total: usize,
        /// The gravest of theirs.
        code: Code,
    },
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

/// What a failure means.
pub(super) struct Verdict {
    pub(super) code: Code,
    pub(super) hint: String,
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::Job(error.into())
    }
}

impl Failure {
    /// `name` is a file, or standard output.
    pub(super) fn unwritten(name: &str, error: std::io::Error) -> Self {
        Self::Job(Error::Unwritten(name.to_owned(), error))
    }

    /// The exit code, and what to do next.
    pub(super) fn verdict(&self) -> Verdict {
        let of_job = |error: &Error| {
            let Verdict { code, hint } = verdict(error);
            (code, hint)
        };
        let (code, hint) = match self {
            Self::Usage(_, hint) => (Code::Usage, (*hint).to_owned()),
            Self::Misplaced(_, code, hint) => (*code, hint.clone()),
            Self::StdinTwice { .. } => (Code::Usage, "give one of them as a file".to_owned()),
            Self::Direct(provider, error) => metadata_verdict(*provider, error),
            Self::NothingInIt(..) => (
                Code::Input,
                "pass a provider's metadata, a key file, or a recording".to_owned(),
            ),
            #[cfg(feature = "waveform")]
            Self::Mute(_, error) => (Code::Input, mute_hint(error)),
            Self::Exists(_) => (Code::Output, "pass -f to overwrite it".to_owned()),
            Self::Credentials(error) => (Code::Usage, error.hint()),
            Self::Job(error) => return verdict(error),
            Self::Register(error) => register_verdict(error, of_job),
            #[cfg(feature = "serve")]
            Self::Serve(error) => serve_verdict(error, of_job),
            #[cfg(feature = "serve")]
            Self::NotVerified(_, error) => not_verified_verdict(error),
            Self::EmptyPassphrase | Self::Untyped(_) => (
                Code::Key,
                "pass one with --passphrase-file PATH; --no-passphrase makes a key without"
                    .to_owned(),
            ),
            Self::Generate(error) => generate_verdict(error),
            Self::KeyExists(_) => (
                Code::Output,
                "keys are never overwritten: choose another folder with -d, or a --name".to_owned(),
            ),
            Self::Terminal => (
                Code::Output,
                "name a file with -o FILE, or pass -o - to force".to_owned(),
            ),
            Self::Nowhere => (
                Code::Output,
                "-o FILE keeps the media; --check verifies it and keeps nothing".to_owned(),
            ),
            Self::Partial {
                is_temporary: true, ..
            } => (
                Code::Temporary,
                "run the same command again, with --if-exists skip".to_owned(),
            ),
            Self::Partial { .. } => (
                Code::Partial,
                "see the messages above, or the report's lines with \"ok\":false".to_owned(),
            ),
            Self::Unwell { code, .. } => (
                *code,
                "each check that failed has a hint of its own".to_owned(),
            ),
            Self::Internal(_) => (Code::Internal, "please report this".to_owned()),
        };
        Verdict { code, hint }
    }

    /// What was found out on the way, a line each.
    pub(super) fn details(&self) -> Vec<String> {
        match self {
            Self::Job(error) => details(error),
            _ => vec![],
        }
    }
}

/// Why, from the nearest reason to the last. No argument is repeated that may be a secret.
pub(super) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let chain = std::iter::successors(error.source(), |error| error.source());
    chain.map(|error| shown_cause(&error.to_string())).collect()
}

/// An error and its causes in one sentence.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let message = std::iter::once(error.to_string());
    message.chain(causes(error)).collect::<Vec<_>>().join(": ")
}

/// What it means that a recording failed: the exit code, and what to do next.
#[allow(clippy::too_many_lines, reason = "one exhaustive match")]
pub(super) fn verdict(error: &Error) -> Verdict {
    let permissions = || "check the path and its permissions".to_owned();
    let (code, hint) = match error {
        Error::Unread(_, error) if error.kind() == std::io::ErrorKind::IsADirectory => (
            Code::Input,
            "it is a folder: name the files in it".to_owned(),
        ),
        Error::NoSuchId(_, slip) => (Code::Input, slip_hint(slip)),
        Error::Unread(..) => (Code::Input, permissions()),
        Error::NotDecrypted(_, error) => pipeline_verdict(error),
        Error::Line(_, error) => line_verdict(error),
        Error::Fetch(_, error) | Error::List(_, error) => fetch_verdict(error),
        Error::PageInstead { seen, .. } => (Code::Provider, page_hint(*seen).to_owned()),
        Error::Boundless(_) => (
            Code::Temporary,
            "run the same command again, past a proxy if there is one; of Twilio's recordings, \
             decrypting them without --download-only proves it"
                .to_owned(),
        ),
        Error::Unfit(_) => (
            Code::WrongKey,
            "pass the private key whose public half the provider had then; -k takes several"
                .to_owned(),
        ),
        Error::NothingIn(_, provider)
        | Error::NoMetadata(_, provider)
        | Error::NoMetadataIn(_, provider) => (Code::Metadata, metadata_hint(*provider)),
        Error::MetadataUnread(..) => (
            Code::Metadata,
            "check the path and its permissions; it must be one document or list page".to_owned(),
        ),
        Error::Metadata(
            _,
            provider,
            error @ (MetadataError::Configuration | MetadataError::OfAnother { .. }),
        ) => metadata_verdict(*provider, error),
        Error::Metadata(_, Provider::Qvoice, _) => (
            Code::Metadata,
            "pass JSON with the recording's version, key_id, algorithm and salt; or leave \
             the metadata out, and every version is tried"
                .to_owned(),
        ),
        Error::Metadata(_, provider, error) => metadata_verdict(*provider, error),
        Error::NoRecordings(_) => (
            Code::Metadata,
            "pass the metadata of the recording itself, or the page that lists it".to_owned(),
        ),
        Error::TooManyDocuments(..) => (
            Code::Metadata,
            "name the files that are needed, one -m PATH each".to_owned(),
        ),
        Error::Unknown(_) => (Code::Metadata, metadata_hint(None)),
        Error::Ambiguous(_, providers) => {
            let commands = providers
                .iter()
                .map(|provider| format!("unreel {}", provider.name()));
            let commands: Vec<_> = commands.collect();
            (
                Code::Metadata,
                format!("say whose it is: {}", commands.join(", or ")),
            )
        }
        Error::OtherRecording { error, .. } => {
            let (code, _) = pipeline_verdict(error);
            let hint = "pass the metadata of the recording that the file is named for; or the file \
                        has another's name";
            (code, hint.to_owned())
        }
        Error::NotNamed { goes_on: true, .. } => (
            Code::Metadata,
            "the list goes on: fetch the page at its next_page_uri, too; -m may be repeated"
                .to_owned(),
        ),
        Error::NotNamed { .. } => (
            Code::Metadata,
            "name the input after its recording id, or pass the metadata of one recording"
                .to_owned(),
        ),
        Error::NoKey => (
            Code::Key,
            "name the private key with -k PATH, or set UNREEL_KEY_FILE".to_owned(),
        ),
        Error::KeyUnread(..) | Error::PassphraseUnread(..) | Error::SecretUnread(..) => {
            (Code::Key, permissions())
        }
        Error::TooManyKeys(..) => (
            Code::Key,
            "name the keys that are needed, one -k PATH each".to_owned(),
        ),
        Error::NoKeyIn(_) => (
            Code::Key,
            "add -v to see what was passed over and why".to_owned(),
        ),
        Error::Key(name, error) => (Code::Key, key_hint(name, error)),
        Error::NoPassphrase(_) => (
            Code::Key,
            "pass it with --passphrase-file PATH, --passphrase-fd N or UNREEL_PASSPHRASE"
                .to_owned(),
        ),
        Error::Command(..) => (Code::Key, "run it by itself to see what it says".to_owned()),
        Error::CommandAnswer(_) => (
            Code::Key,
            "it must print the raw unwrapped bytes, without base64 or a newline".to_owned(),
        ),
        Error::WrongKey { reason, key_id, .. } => wrong_key_verdict(reason, key_id.as_deref()),
        Error::Payload { .. } => (
            Code::Metadata,
            "the wrapped key has a form that unreel does not know; please report it".to_owned(),
        ),
        Error::NoConfiguration(_) => (
            Code::Usage,
            "name the configuration with --config PATH, or the key's file with --key-file PATH"
                .to_owned(),
        ),
        Error::Configuration(_, error) => (Code::Metadata, configuration_hint(error)),
        Error::ConfigurationUnread(..) => (Code::Metadata, permissions()),
        Error::NoVersion { .. } | Error::NoSuchVersion { .. } => (
            Code::Metadata,
            "fetch the configuration again: Qvoice keeps old versions in historical_keys and \
             historical_salts; --key-version N chooses another"
                .to_owned(),
        ),
        Error::Secret(..) => (
            Code::Key,
            "it must hold the text alone, as Qvoice's configuration shows it".to_owned(),
        ),
        Error::Profile(..) => (
            Code::Usage,
            "pass a file that --profile wrote, or a name that is free".to_owned(),
        ),
        Error::NotFound { reason, pinned, .. } => (Code::WrongKey, not_found_hint(reason, *pinned)),
        Error::NoObject { problem, .. } => (Code::Input, object_hint(problem.as_ref()).to_owned()),
        Error::NoArchive { .. } => (
            Code::Input,
            "check that it is the bucket of that project, and that it was uploaded: --bucket takes a \
             folder in it, too (s3://BUCKET/FOLDER/)"
                .to_owned(),
        ),
        Error::NotPut(_, error) => put_verdict(error),
        Error::Output(error) => (Code::Output, output_hint(error)),
        Error::Unwritten(_, error) => {
            let otherwise = "check that the disk, or the reader of a pipe, is there";
            (Code::Output, write_hint(error, otherwise).to_owned())
        }
        Error::Nameless(_) => (
            Code::Usage,
            "its metadata has no id; name the output with -o FILE".to_owned(),
        ),
        Error::SameName(..) => (
            Code::Output,
            "pass the metadata of each, and let {id} stand in --name-template; or decrypt it by \
             itself with -o FILE"
                .to_owned(),
        ),
    };
    Verdict { code, hint }
}

/// What was found out on the way, a line each.
pub(super) fn details(error: &Error) -> Vec<String> {
    let reason = match error {
        Error::WrongKey { reason, .. } => reason,
        Error::NotFound {
            reason, skipped, ..
        } => {
            let mut lines = tried(reason);
            lines.extend(skipped.iter().map(|(version, error)| match version {
                Some(version) => format!("version {version} was not tried: {error}"),
                None => format!("the current version was not tried: {error}"),
            }));
            return lines;
        }
        _ => return vec![],
    };
    let tried = reason.tried.iter().map(|key| {
        format!(
            "tried `{}`, RSA {} bits, {}",
            key.origin, key.bits, key.fingerprint
        )
    });
    let meant = reason.meant.iter().map(|public| {
        format!(
            "the {} `{}` belongs to the private key {}, which is not among them",
            public.key.kind, public.origin, public.key.fingerprint
        )
    });
    let passed_over = reason.passed_over.iter();
    let passed_over =
        passed_over.map(|file| format!("passed over `{}`: {}", file.origin, file.why));
    let mut details: Vec<_> = tried.chain(meant).collect();
    details.extend(passed_over.clone().take(MOST_PASSED_OVER));
    if let Some(more) = passed_over.len().checked_sub(MOST_PASSED_OVER + 1) {
        details.push(format!("passed over {} more, which -v lists", more + 1));
    }
    details
}
