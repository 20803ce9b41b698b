//! Recordings that stand in buckets, and what describes them there.

use zeroize::Zeroizing;

use super::error::{Error, Trouble};
use super::input::Input;
use super::metadata::{LIMIT, is_called_metadata};
use super::remote::{Fetch, unfetched};
use crate::api::{self, Attempts, Download, Remote, State};
use crate::io::{ReadError, Source, read_limited};
use crate::media::{Sniff, sniff};
use crate::provider::Provider;
use crate::store::Location;

/// What the S3 encryption client writes to each object, with `x-amz-meta-` in front of it where it is a
/// header: the wrapped key, by its version.
const WRAPPED_KEYS: [&str; 3] = ["x-amz-key", "x-amz-key-v2", "x-amz-3"];

/// What describes an object: another, and what it says.
pub(super) type Sidecar = (Location, Zeroizing<Vec<u8>>);

impl Fetch<'_> {
    /// The object that is the media, where that stands in a bucket: the input itself, or what the
    /// provider says of a recording that it keeps there.
    pub(super) fn object(
        &self,
        input: &Input,
        remote: Option<&Remote>,
    ) -> Result<Option<Location>, Trouble> {
        match (remote, self.archives) {
            (None, _) => Ok(input.object().cloned()),
            (Some(remote), Some(root)) if remote.provider == Provider::Vonage => {
                Ok(Some(self.archive(root, remote, input)?))
            }
            (Some(remote), _) => Ok(kept(&remote.state)),
        }
    }

    /// Whether the media of a recording that its provider does not have can be had.
    pub(super) fn is_kept(&self, remote: &Remote) -> bool {
        let is_external = matches!(remote.state, State::External(_));
        let has_archives = remote.provider == Provider::Vonage && self.archives.is_some();
        is_external && has_archives || kept(&remote.state).is_some()
    }

    /// Begins to read an object.
    pub(super) fn read_object(
        &self,
        location: &Location,
        input: &Input,
        attempts: &Attempts,
    ) -> Result<Download, Trouble> {
        let download = self.buckets.read(location, attempts);
        download.map_err(|error| not_read(location, input, error))
    }

    /// Whether an object starts as what needs no decrypting.
    pub(super) fn is_plain(&self, location: &Location, input: &Input) -> Result<bool, Trouble> {
        let download = self.read_object(location, input, &Attempts::default())?;
        let mut source = Source::from_reader(download.body, download.length);
        let unread = |error| Error::Unread(input.to_string(), error);
        let head = source.head().map_err(unread)?;
        Ok(matches!(sniff(head), Some(Sniff::Plain(_))))
    }

    /// Whether what its owner wrote to an object says how it is opened.
    pub(super) fn describes_itself(&self, input: &Input) -> Result<bool, Trouble> {
        let Some(location) = input.object() else {
            return Ok(false);
        };
        let found = self.buckets.look(location);
        let found = found.map_err(|error| not_read(location, input, error))?;
        Ok(found.is_some_and(|found| {
            let mut names = found.metadata.iter().map(|(name, _)| name.as_str());
            names.any(|name| WRAPPED_KEYS.contains(&name))
        }))
    }

    /// The object beside it that describes it, and what it says: one of these `objects`, where nothing
    /// else is there.
    pub(super) fn sidecar(
        &self,
        input: &Input,
        objects: Option<&[Location]>,
    ) -> Result<Option<Sidecar>, Trouble> {
        let all = || input.object().map(Location::sidecars).unwrap_or_default();
        let candidates = objects.map_or_else(all, <[_]>::to_vec);
        let mut denied = None;
        for candidate in candidates {
            let body = match self.buckets.read(&candidate, &Attempts::default()) {
                Ok(download) => download.body,
                Err(api::Error::Refused {
                    status: 404,
                    problem,
                    ..
                }) => match problem {
                    Some(problem) if problem.is_of_bucket() => {
                        let object = input.to_string();
                        let problem = Some(problem);
                        return Err(Error::NoObject { object, problem }.into());
                    }
                    _ => continue,
                },
                // "If you have no s3:ListBucket permission, Amazon S3 returns … 403" for what is not
                // there (Amazon S3, HeadObject).
                Err(error @ api::Error::Refused { status: 403, .. }) => {
                    denied = denied.or(Some(not_read(&candidate, input, error)));
                    continue;
                }
                Err(error) => return Err(not_read(&candidate, input, error)),
            };
            let name = candidate.to_string();
            let read = read_limited(body, LIMIT).map_err(|error| match error {
                ReadError::Io(error) => match api::Error::within(&error) {
                    Some(fetch) => Error::Fetch(name, fetch.clone()),
                    None => Error::MetadataUnread(name, ReadError::Io(error)),
                },
                error @ ReadError::TooLong { .. } => Error::MetadataUnread(name, error),
            });
            return Ok(Some((candidate, read?)));
        }
        denied.map_or(Ok(None), Err)
    }

    /// Fails for an object that is not there: no metadata would help it.
    pub(super) fn missing(&self, input: &Input) -> Result<(), Trouble> {
        let Some(location) = input.object() else {
            return Ok(());
        };
        match self.buckets.look(location) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Error::NoObject {
                object: location.to_string(),
                problem: None,
            }
            .into()),
            Err(error) => Err(not_read(location, input, error)),
        }
    }

    /// The archive's object: `<bucket>/<apiKey or applicationId>/<archiveId>/archive.mp4` (composed),
    /// `archive.zip` (individual streams). Whose it is may have changed since it was recorded.
    fn archive(
        &self,
        root: &Location,
        remote: &Remote,
        input: &Input,
    ) -> Result<Location, Trouble> {
        let failed = |error| not_read(root, input, error);
        if let Some(owner) = &remote.account {
            let folder = root.join(&format!("{owner}/{}/", remote.id));
            if let Some(found) = self.archive_in(&folder).map_err(failed)? {
                return Ok(found);
            }
        }
        let root = root.join("");
        for owner in self.buckets.folders(&root) {
            let folder = owner.map_err(failed)?.join(&format!("{}/", remote.id));
            if let Some(found) = self.archive_in(&folder).map_err(failed)? {
                return Ok(found);
            }
        }
        let (id, root) = (remote.id.clone(), root.to_string());
        Err(Error::NoArchive { id, root }.into())
    }

    fn archive_in(&self, folder: &Location) -> Result<Option<Location>, api::Error> {
        for object in self.buckets.list(folder) {
            let object = object?;
            let is_archive = object
                .key
                .strip_prefix(&folder.key)
                .is_some_and(|name| name.starts_with("archive.") && !name.contains('/'));
            if is_archive && !is_called_metadata(object.file_name().as_ref()) {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }
}

/// The object that the provider's answer names.
fn kept(state: &State) -> Option<Location> {
    match state {
        State::External(Some(url)) => Location::of_url(url),
        _ => None,
    }
}

/// What it means that an object cannot be read.
pub(super) fn not_read(location: &Location, input: &Input, error: api::Error) -> Trouble {
    match error {
        api::Error::Refused {
            status: 404,
            problem,
            ..
        } => Error::NoObject {
            object: location.to_string(),
            problem,
        }
        .into(),
        // The others may lie elsewhere.
        error if input.object().is_none() => Error::Fetch(location.to_string(), error).into(),
        error => unfetched(input, error),
    }
}
