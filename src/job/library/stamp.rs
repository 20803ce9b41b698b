//! [`Stamp`]: what tells whether a recording is still the one that was verified.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::error::Error;
use super::super::input::Input;
use super::unplayable::Unplayable;
use crate::api::{Api, Remote, Resource};
use crate::io::FileId;
use crate::store::{Buckets, Location};

/// What a provider says of a recording that changes with it.
const SAID: [&str; 5] = [
    "status",
    "date_updated",
    "duration",
    "media_url",
    "encryption_details",
];

/// What tells whether a recording is still the one that was verified.
#[derive(Debug, PartialEq)]
pub(super) enum Stamp {
    /// A file.
    File(PathBuf, Seen),
    /// An object.
    Object(Tagged),
    /// A recording that a provider has; the object that it keeps it in, if it does.
    Remote(Resource, Value, Option<Tagged>),
}

/// Which file a path led to, its length, and the times of its last write and of its last change, in
/// seconds and nanoseconds: the time of a write can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen(FileId, u64, [i64; 4]);

/// An object, its entity tag and its length, as far as they were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tagged(Location, Option<String>, Option<u64>);

impl Seen {
    /// What is at `path`; `None` where no file is.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(super) fn at(path: &Path) -> std::io::Result<Option<Self>> {
        let metadata = match fs_err::metadata(path) {
            Ok(metadata) => metadata,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let times = [
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        ];
        let seen = Self(FileId::of(&metadata), metadata.len(), times);
        Ok(metadata.is_file().then_some(seen))
    }
}

impl Tagged {
    /// An object that came with these headers.
    pub(super) fn of((object, headers): (Location, Vec<(String, String)>)) -> Self {
        let value = |wanted: &str| {
            let mut headers = headers.iter();
            let (_, value) = headers.find(|(name, _)| name == wanted)?;
            Some(value.clone())
        };
        let length = value("content-length").and_then(|length| length.parse().ok());
        Self(object, value("etag"), length)
    }

    fn is_current(&self, buckets: &Buckets) -> Result<bool, Unplayable> {
        let Self(object, tag, length) = self;
        let found = buckets.look(object);
        let found = found.map_err(|error| Error::Fetch(object.to_string(), error))?;
        Ok(found.is_some_and(|found| match (tag, length) {
            (Some(tag), _) => found.tag.as_ref() == Some(tag),
            (None, length) => *length == Some(found.size),
        }))
    }
}

impl Stamp {
    /// That of what a provider said.
    pub(super) fn of_remote(resource: Resource, remote: &Remote, object: Option<Tagged>) -> Self {
        Self::Remote(resource, said(remote), object)
    }

    /// Whether the same is there still.
    ///
    /// # Errors
    /// Nobody can say.
    pub(super) fn is_current(&self, api: &Api, buckets: &Buckets) -> Result<bool, Unplayable> {
        match self {
            Self::File(path, seen) => {
                let unread = |error| Error::Unread(Input::File(path.clone()).to_string(), error);
                let now = Seen::at(path).map_err(unread)?;
                Ok(now.as_ref() == Some(seen))
            }
            Self::Object(object) => object.is_current(buckets),
            Self::Remote(resource, before, object) => {
                let now = match api.recording(resource, false) {
                    Ok(remote) => said(&remote),
                    Err(error) => {
                        return match Error::Fetch(resource.id.clone(), error).into() {
                            Unplayable::Unknown => Ok(false),
                            unplayable => Err(unplayable),
                        };
                    }
                };
                let is_same = now == *before;
                object
                    .as_ref()
                    .filter(|_| is_same)
                    .map_or(Ok(is_same), |object| object.is_current(buckets))
            }
        }
    }
}

/// What changes with the recording, of what its provider says.
fn said(remote: &Remote) -> Value {
    let document: Value = serde_json::from_slice(&remote.document).unwrap_or_default();
    SAID.iter()
        .map(|name| document.get(name).cloned())
        .collect()
}
