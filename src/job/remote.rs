//! Recordings that a provider has, or that stand at a URL: what is said of them, and their media.

use std::io;

use super::error::{Error, Trouble};
use super::input::{Input, Selected};
use super::recipe::Recipe;
use super::record::{About, Skipped, Task};
use crate::api::{self, Api, Download, Remote, State};
use crate::io::Source;
use crate::media::Sniff;
use crate::pipeline::Declared;
use crate::provider::{MetadataError, Provider};
use crate::store::{Buckets, Location};

/// What a provider says of a recording, where one was asked.
pub(super) enum Asked {
    /// Nobody was.
    Nobody,
    /// This.
    Provider(Box<Remote>),
    /// That there is nothing to do.
    Skip(Skipped),
}

/// Media, and what came with it.
pub(super) struct Opened {
    pub(super) source: Source,
    /// The headers of the answer; empty where there was none.
    pub(super) headers: Vec<(String, String)>,
    /// Whether its end can be told from a connection that broke.
    pub(super) is_delimited: bool,
    /// What it was asked with.
    pub(super) sent: api::Sent,
    /// The object that it is, where it lies in a bucket.
    pub(super) object: Option<Location>,
}

/// What recordings are fetched with, and what for.
pub(super) struct Fetch<'a> {
    pub(super) api: &'a Api,
    pub(super) task: Task,
    pub(super) include_deleted: bool,
    /// What stands in buckets.
    pub(super) buckets: &'a Buckets,
    /// The bucket that Vonage uploads archives to.
    pub(super) archives: Option<&'a Location>,
}

impl Fetch<'_> {
    /// Asks the provider for what it says of the recording, if it has to be asked and a list has
    /// not said it.
    pub(super) fn ask(&self, selected: &Selected, about: &mut About) -> Result<Asked, Trouble> {
        let remote = match (&selected.remote, &selected.input) {
            (Some(remote), _) => remote.clone(),
            (None, Input::Remote(resource)) => {
                about.provider = Some(resource.provider);
                about.id = Some(resource.id.clone());
                let remote = self.api.recording(resource, self.include_deleted);
                Box::new(remote.map_err(|error| unfetched(&selected.input, error))?)
            }
            (None, _) => return Ok(Asked::Nobody),
        };
        about.provider = Some(remote.provider);
        about.id = Some(remote.id.clone());
        about.created = remote.created;
        about.parent.clone_from(&remote.parent);
        about.account.clone_from(&remote.account);
        about.declared_duration = remote.duration;
        let may_lack_media = match self.task {
            Task::Decrypt { .. } | Task::Download => false,
            // What opens Twilio Video's is in the headers of the media.
            Task::Describe | Task::CheckKeys => remote.provider != Provider::TwilioVideo,
        };
        match &remote.state {
            State::NotYet(status) if selected.found => {
                Ok(Asked::Skip(Skipped::InProgress(status.clone())))
            }
            State::Absent(_) | State::Failed(_)
                if selected.found && self.task == Task::CheckKeys =>
            {
                Ok(Asked::Skip(Skipped::Absent))
            }
            State::Ready if selected.found && remote.is_data => Ok(Asked::Skip(Skipped::DataTrack)),
            State::Ready => Ok(Asked::Provider(remote)),
            State::External(_) if self.is_kept(&remote) => Ok(Asked::Provider(remote)),
            State::Deleted | State::External(_) if may_lack_media => Ok(Asked::Provider(remote)),
            State::Absent(_) | State::Failed(_)
                if may_lack_media && self.task == Task::Describe =>
            {
                Ok(Asked::Provider(remote))
            }
            state => {
                let id = remote.id.clone();
                let state = state.clone();
                Err(unfetched(&selected.input, api::Error::Gone { id, state }))
            }
        }
    }

    /// Opens the media, wherever it is.
    pub(super) fn open(
        &self,
        input: &Input,
        remote: Option<&Remote>,
        about: &About,
    ) -> Result<Opened, Trouble> {
        let unfetched = |error| unfetched(input, error);
        let object = self.object(input, remote)?;
        let download = match (&object, remote, input) {
            (Some(object), ..) => self.read_object(object, input, &about.attempts)?,
            (None, Some(remote), _) => {
                let media = self.api.media(remote, &about.attempts);
                media.map_err(unfetched)?
            }
            (None, None, Input::Url(link)) => {
                let media = self.api.download(link, &about.attempts);
                media.map_err(unfetched)?
            }
            (None, None, _) => {
                let source = input.open().map_err(|error| input.unread(error))?;
                return Ok(Opened {
                    source,
                    headers: vec![],
                    is_delimited: true,
                    sent: api::Sent::default(),
                    object: None,
                });
            }
        };
        let Download {
            headers,
            length,
            is_delimited,
            sent,
            body,
        } = download;
        Ok(Opened {
            source: Source::from_reader(body, length),
            headers,
            is_delimited,
            sent,
            object,
        })
    }
}

/// What an error of the network's means for the others of the run: without credentials, or without
/// the certificates to trust, it is the same with all of them.
pub(super) fn unfetched(input: &Input, error: api::Error) -> Trouble {
    let is_common = matches!(
        error,
        api::Error::NoCredentials
            | api::Error::Without(_)
            | api::Error::Credentials(_)
            | api::Error::Authorities(_)
    );
    let error = Error::Fetch(input.to_string(), error);
    if is_common {
        Trouble::All(error)
    } else {
        Trouble::One(error)
    }
}

/// How media is opened that came with these headers.
///
/// # Errors
/// They say nothing of it, or nothing that can be used.
pub(super) fn described_by_headers(
    id: Option<&str>,
    headers: &[(String, String)],
    input: &Input,
) -> Result<Recipe, Error> {
    let provider = Provider::TwilioVideo;
    let listing = provider.parse(&flat(id, headers));
    let outcome = listing.and_then(|listing| {
        let item = listing.into_items().into_iter().next();
        item.map_or(Err(MetadataError::NoKey), |item| item.outcome)
    });
    let refused = |error| Error::Metadata(input.to_string(), provider, error);
    outcome.map(Recipe::Wrapped).map_err(refused)
}

/// Whether a document says that a recording has no key, which may be because it needs none.
pub(super) fn has_no_key(error: &Error) -> bool {
    matches!(
        error,
        Error::Metadata(
            _,
            _,
            MetadataError::NoKey | MetadataError::Unrecognised { .. }
        )
    )
}

/// The headers that S3 keeps for its owner, as a flat JSON object, with the recording's id.
pub(super) fn flat(id: Option<&str>, headers: &[(String, String)]) -> Vec<u8> {
    let mut object = serde_json::Map::new();
    if let Some(id) = id {
        object.insert("sid".to_owned(), id.into());
    }
    for (name, value) in headers {
        if name.starts_with("x-amz-meta-") {
            object.insert(name.clone(), value.as_str().into());
        }
    }
    let mut text = serde_json::to_vec(&object).unwrap_or_default();
    text.push(b'\n');
    text
}

/// What a provider declares of a recording that is not encrypted.
pub(super) fn declared(remote: Option<&Remote>) -> Declared {
    Declared {
        length: remote.and_then(|remote| remote.size),
        sha256: remote.and_then(|remote| remote.sha256),
    }
}

/// What came for media that is no ciphertext: where it was fetched, a page in its place.
pub(super) fn not_media(
    input: &Input,
    seen: Sniff,
    source: &mut Source,
    sent: &api::Sent,
) -> Option<Error> {
    let is_page = match seen {
        Sniff::Html | Sniff::Xml | Sniff::Json | Sniff::Text => true,
        Sniff::Plain(container) => container == crate::envelope::Container::Json,
        _ => false,
    };
    if !(is_page && input.is_remote()) {
        return None;
    }
    let page = source.head().ok().map(|page| {
        let mut page = page.to_vec();
        sent.mask(&mut page);
        page
    });
    let problem = page.and_then(|page| api::Problem::read(&page));
    let input = input.to_string();
    Some(Error::PageInstead {
        input,
        seen,
        problem,
    })
}

/// A source for what reads none.
pub(super) fn nothing() -> Source {
    Source::from_reader(io::empty(), None)
}
