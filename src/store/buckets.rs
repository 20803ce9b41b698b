//! [`Buckets`]: what stands in buckets, read and listed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec;

use object_store::list::PaginatedListOptions;
use object_store::path::Path;
use object_store::{Attribute, Extensions, GetOptions, GetRange, GetResult};
use tracing::Instrument;

use super::Found;
use super::location::{Location, Service};
use super::open::{Store, open};
use super::settings::Settings;
use crate::api::{
    Api, Asked, Asking, Attempts, Download, Error, Failure, LeaveUnread, Unread, Wire,
};

/// Buckets, with what lets us in.
pub(crate) struct Buckets {
    pub(super) wire: Wire,
    settings: Settings,
    open: Mutex<HashMap<Name, Arc<dyn Store>>>,
}

/// Whose bucket, its name, and its region where that is known.
type Name = (Service, String, Option<String>);

/// A place in a bucket that is open.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) store: Arc<dyn Store>,
    pub(super) path: Path,
    /// What errors call the storage.
    pub(super) host: String,
}

impl Buckets {
    /// Those of nobody, for tests of what goes elsewhere.
    #[cfg(test)]
    pub(crate) fn none() -> Arc<Self> {
        let credentials = crate::api::Credentials::default();
        let api = Api::new(crate::api::Settings::default(), credentials);
        Arc::new(Self::new(&api, Settings::default()))
    }

    /// Reached over the connections of `api`. Nothing is opened yet.
    pub(crate) fn new(api: &Api, settings: Settings) -> Self {
        Self {
            wire: api.wire(),
            settings,
            open: Mutex::default(),
        }
    }

    pub(super) fn place(&self, location: &Location) -> Result<Place, Error> {
        let name = (
            location.service,
            location.bucket.clone(),
            location.region.clone(),
        );
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let store = if let Some(store) = all.get(&name) {
            Arc::clone(store)
        } else {
            let store = open(location, &self.settings, self.wire.clone())?;
            Arc::clone(all.entry(name).or_insert(store))
        };
        let host = location.service.name().to_owned();
        // What is wrong with a key was said when it was read.
        let path = Path::parse(&location.key);
        let path =
            path.map_err(|_| Failure::senseless(&host, "a key cannot be asked for").error)?;
        Ok(Place { store, path, host })
    }

    /// Begins to read an object; its first answer is there when this returns.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Refused`] with status 404 where there is none.
    pub(crate) fn read(&self, location: &Location, attempts: &Attempts) -> Result<Download, Error> {
        let place = self.place(location)?;
        let host = place.host.clone();
        let ask: Asking = Arc::new(move |rest| -> Asked {
            let place = place.clone();
            Box::pin(async move { place.ask(rest).await })
        });
        let mut download = self.wire.media(host, ask, attempts)?;
        // What was copied from S3 has its metadata under Google's name.
        for (name, _) in &mut download.headers {
            if let Some(rest) = name.strip_prefix("x-goog-meta-") {
                *name = format!("x-amz-meta-{rest}");
            }
        }
        Ok(download)
    }

    /// What stands there; `None` where nothing does.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn look(&self, location: &Location) -> Result<Option<Found>, Error> {
        let place = self.place(location)?;
        let found = self.tried(&place, async |place: &Place| {
            let options = GetOptions {
                head: true,
                ..GetOptions::default()
            };
            place.store.get_opts(&place.path, options).await
        });
        match found {
            Ok(found) => Ok(Some(what(&found))),
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object, if it is there.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn remove(&self, location: &Location) -> Result<(), Error> {
        use object_store::ObjectStoreExt;
        let place = self.place(location)?;
        let removed = self.tried(&place, async |place: &Place| {
            place.store.delete(&place.path).await
        });
        match removed {
            Ok(()) | Err(Error::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The objects below a prefix, at any depth, page after page as they are asked for; nothing behind
    /// an error.
    pub(crate) fn list<'a>(
        &'a self,
        prefix: &Location,
    ) -> impl Iterator<Item = Result<Location, Error>> + Send + 'a {
        self.pages(prefix, false)
    }

    /// What stands directly below a prefix and has more below it: prefixes.
    pub(crate) fn folders<'a>(
        &'a self,
        prefix: &Location,
    ) -> impl Iterator<Item = Result<Location, Error>> + Send + 'a {
        self.pages(prefix, true)
    }

    fn pages(&self, prefix: &Location, delimited: bool) -> Pages<'_> {
        Pages {
            buckets: self,
            prefix: prefix.clone(),
            delimited,
            page: Vec::new().into_iter(),
            next: Next::First,
        }
    }

    /// Does something until it works, or never will.
    pub(super) fn tried<T>(
        &self,
        place: &Place,
        mut work: impl AsyncFnMut(&Place) -> object_store::Result<T>,
    ) -> Result<T, Error> {
        let trying = async {
            let mut tries = self.wire.tries();
            loop {
                match work(place).instrument(tries.span()).await {
                    Ok(done) => return Ok(done),
                    Err(error) => tries.wait(Failure::of_store(&error, &place.host)).await?,
                }
            }
        };
        self.wire.run(&place.host, trying)
    }
}

impl Place {
    /// Asks once for all of the object, or for the rest of one that has an entity tag.
    async fn ask(&self, rest: Option<(u64, String)>) -> Result<crate::api::Answer, Failure> {
        let is_rest = rest.is_some();
        let (first, tag) = rest.unzip();
        let mut extensions = Extensions::new();
        extensions.insert(LeaveUnread);
        let options = GetOptions {
            range: first.map(GetRange::Offset),
            if_match: tag,
            extensions,
            ..GetOptions::default()
        };
        let answer = match self.store.get_opts(&self.path, options).await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = Failure::of_store(&error, &self.host);
                return Err(match failure.error {
                    Error::Refused {
                        host, status: 412, ..
                    } if is_rest => Error::Changed { host, anew: false }.into(),
                    _ => failure,
                });
            }
        };
        let unread = answer.extensions.get::<Unread>().and_then(Unread::take);
        unread.ok_or_else(|| Failure::senseless(&self.host, "it has no body"))
    }
}

fn what(found: &GetResult) -> Found {
    let metadata = found
        .attributes
        .iter()
        .filter_map(|(name, value)| match name {
            Attribute::Metadata(name) => Some((name.to_string(), value.to_string())),
            _ => None,
        });
    Found {
        size: found.meta.size,
        tag: found.meta.e_tag.clone(),
        metadata: metadata.collect(),
    }
}

/// A list, page by page.
struct Pages<'a> {
    buckets: &'a Buckets,
    prefix: Location,
    /// Whether it is one of what has more below it.
    delimited: bool,
    page: vec::IntoIter<(Location, u64)>,
    next: Next,
}

/// The next page of a list.
enum Next {
    First,
    /// The one of this token.
    At(String),
    /// There is none.
    Nothing,
}

impl Pages<'_> {
    fn turn(&mut self, token: Option<&str>) -> Result<(), Error> {
        // Its own key would be taken apart.
        let root = self.prefix.with_key(String::new());
        let place = self.buckets.place(&root)?;
        let page = self.buckets.tried(&place, async |place: &Place| {
            let options = PaginatedListOptions {
                page_token: token.map(ToOwned::to_owned),
                delimiter: self.delimited.then_some("/".into()),
                ..PaginatedListOptions::default()
            };
            let prefix = (!self.prefix.key.is_empty()).then_some(self.prefix.key.as_str());
            place.store.list_paginated(prefix, options).await
        })?;
        if token.is_some() && token == page.page_token.as_deref() {
            let reason = "its list comes back to a page it had";
            return Err(Failure::senseless(&place.host, reason).error);
        }
        let keys: Vec<_> = if self.delimited {
            let folders = page.result.common_prefixes.iter();
            folders.map(|path| (format!("{path}/"), 1)).collect()
        } else {
            let objects = page.result.objects.iter();
            objects
                .map(|object| (object.location.to_string(), object.size))
                .collect()
        };
        let is_below = |(key, _): &(String, u64)| key.starts_with(&self.prefix.key);
        let below = keys.into_iter().filter(is_below);
        let below = below.map(|(key, size)| (self.prefix.with_key(key), size));
        let below: Vec<_> = below.collect();
        self.page = below.into_iter();
        self.next = page.page_token.map_or(Next::Nothing, Next::At);
        Ok(())
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<Location, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((location, size)) = self.page.next() {
                // Of `p/`, which stands for a folder, the slash is gone: there is no such object.
                let is_there = size > 0 || !matches!(self.buckets.look(&location), Ok(None));
                if is_there {
                    return Some(Ok(location));
                }
                continue;
            }
            let token = match std::mem::replace(&mut self.next, Next::Nothing) {
                Next::Nothing => return None,
                Next::First => None,
                Next::At(token) => Some(token),
            };
            if let Err(error) = self.turn(token.as_deref()) {
                return Some(Err(error));
            }
        }
    }
}
