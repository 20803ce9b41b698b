//! [`Place`]: where an output stands, or will; and outputs that stand in buckets.

use std::fmt;
use std::path::PathBuf;

use super::redact::shown;
use crate::api;
use crate::io::{OutputError, Staged};
use crate::media::Media;
use crate::store::{Buckets, Content, Location, NotPut};

/// Where an output stands, or will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    File(PathBuf),
    /// An object in a bucket.
    Object(Location),
}

impl Place {
    /// Its name, as reports have it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Object(location) => location.to_string(),
        }
    }
}

/// What may be printed of it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&shown(path)),
            Self::Object(location) => location.fmt(f),
        }
    }
}

/// Looks whether an object could be put at `location`. A storage that does not let us look may let us
/// put: whether something stood there is then known at the end.
pub(super) fn check(
    buckets: &Buckets,
    location: &Location,
    replaces: bool,
) -> Result<(), OutputError> {
    if replaces {
        return Ok(());
    }
    match buckets.look(location) {
        Ok(None) | Err(api::Error::Refused { status: 403, .. }) => Ok(()),
        Ok(Some(_)) => Err(exists(location)),
        Err(error) => Err(not_put(location, error)),
    }
}

/// Puts the first `length` bytes of a file there.
pub(super) fn put(
    buckets: &Buckets,
    location: &Location,
    staged: &Staged,
    length: u64,
    kind: &'static str,
    replace: bool,
) -> Result<(), OutputError> {
    let read = |bytes: &mut [u8], offset| staged.read_exact_at(bytes, offset);
    let content = Content {
        length,
        kind,
        read: &read,
    };
    match buckets.put(location, &content, replace) {
        Ok(()) => Ok(()),
        Err(NotPut::Exists) => Err(exists(location)),
        Err(NotPut::Refused(error)) => Err(not_put(location, error)),
        Err(NotPut::Unread(error)) => Err(OutputError::NotPut {
            place: location.to_string(),
            source: Box::new(error),
        }),
    }
}

fn exists(location: &Location) -> OutputError {
    OutputError::Exists(location.to_string().into())
}

fn not_put(location: &Location, error: api::Error) -> OutputError {
    OutputError::NotPut {
        place: location.to_string(),
        source: Box::new(error),
    }
}

/// The Internet media type of an object.
pub(super) fn kind(media: &Media) -> &'static str {
    match media.extension {
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "mka" => "audio/x-matroska",
        "mkv" => "video/x-matroska",
        "webm" => "video/webm",
        "mp4" => "video/mp4",
        "m4a" => "audio/mp4",
        "ts" => "video/mp2t",
        "json" => "application/json",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
