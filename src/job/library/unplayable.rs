//! [`Unplayable`]: why a recording cannot be heard.

use std::io;

use super::super::error::Error;
use crate::api::{self, State};
use crate::cipher::CipherError;
use crate::io::ReadError;
use crate::pipeline;

/// Why a recording cannot be heard. What is wrong with it is for logs, and never for listeners: to them
/// all that is [`Unusable`](Self::Unusable) is the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unplayable {
    /// There is none of that id.
    #[error("there is no such recording")]
    Unknown,
    /// It is there, and does not open, or is not what its metadata says, or has none that can be used.
    #[error(transparent)]
    Unusable(Error),
    /// Nobody can say now: where it may be is out of reach, or it is not completed.
    #[error(transparent)]
    Unreachable(Error),
}

impl From<Error> for Unplayable {
    fn from(error: Error) -> Self {
        match error {
            Error::Fetch(_, ref fetch) => match fetch {
                api::Error::Refused {
                    status: 404 | 410, ..
                }
                | api::Error::Gone {
                    state: State::Absent(_) | State::Failed(_) | State::Deleted,
                    ..
                } => Self::Unknown,
                _ => Self::Unreachable(error),
            },
            Error::NoObject { ref problem, .. } => match problem {
                Some(problem) if problem.is_of_bucket() => Self::Unreachable(error),
                _ => Self::Unknown,
            },
            Error::Unread(_, ref read) if read.kind() == io::ErrorKind::NotFound => Self::Unknown,
            Error::Unread(..)
            | Error::MetadataUnread(_, ReadError::Io(_))
            | Error::List(..)
            | Error::Boundless(_)
            // What is wrong with keys was said before anything was served.
            | Error::KeyUnread(..)
            | Error::Key(..)
            | Error::NoPassphrase(_)
            | Error::PassphraseUnread(..) => Self::Unreachable(error),
            Error::NotDecrypted(_, ref cause) | Error::OtherRecording { error: ref cause, .. }
                if is_of_reading(cause) =>
            {
                Self::Unreachable(error)
            }
            error => Self::Unusable(error),
        }
    }
}

/// Whether it says nothing of the recording, but of reading or keeping it.
fn is_of_reading(error: &pipeline::Error) -> bool {
    match error {
        pipeline::Error::Cipher(CipherError::Read(_) | CipherError::Changed) => true,
        pipeline::Error::Spool(error) => error.kind() != io::ErrorKind::FileTooLarge,
        _ => false,
    }
}
