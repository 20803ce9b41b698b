//! The recordings of a run one after another, those of groups as their providers list them.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::error::Error;
use super::input::{Input, Selected};
use super::item::{Item, Next};
use super::metadata::is_called_metadata;
use super::observer::Event;
use super::one::Job;
use super::record::{Done, Record, Skipped};
use crate::api::{self, Remote, Resource, Selection};
use crate::cipher::lock;
use crate::provider::{IdKind, Provider};
use crate::store::Location;

/// An iterator over what was selected, in which each group is what its provider lists.
pub(super) struct Listed<'a, I> {
    job: &'a Job<'a>,
    selected: I,
    /// A list that is being read.
    list: Option<List<'a>>,
    /// Why one ended before its end, the first time. Others are told of when they do.
    broken: &'a Mutex<Option<Error>>,
}

type Recordings<'a> = Box<dyn Iterator<Item = Result<Selected, api::Error>> + Send + 'a>;

struct List<'a> {
    of: Input,
    /// What the line of a manifest says that names it.
    item: Option<Arc<Item>>,
    recordings: Recordings<'a>,
    /// Why it ended before its end, if a line names it.
    broken: Option<Error>,
    is_empty: bool,
}

impl<'a, I: Iterator<Item = Next>> Listed<'a, I> {
    pub(super) fn new(job: &'a Job<'a>, selected: I, broken: &'a Mutex<Option<Error>>) -> Self {
        Self {
            job,
            selected,
            list: None,
            broken,
        }
    }

    fn begin(&mut self, of: Input, item: Option<Arc<Item>>) {
        let listed = |provider, group| {
            let selection = Selection {
                group,
                ..self.job.selection.clone()
            };
            let list = self.job.api.list(provider, &selection);
            Box::new(list.map(|remote| remote.map(of_list)))
        };
        let recordings: Recordings = match &of {
            Input::Remote(resource) => listed(resource.provider, Some(resource.clone())),
            Input::All(provider) => listed(*provider, None),
            Input::Object(prefix) => Box::new(objects(self.job, prefix)),
            Input::Stdin | Input::File(_) | Input::Url(_) => return,
        };
        self.list = Some(List {
            of,
            item,
            recordings,
            broken: None,
            is_empty: true,
        });
    }

    /// The next recording of the list that is being read. Where a line of a manifest named the
    /// list, what becomes of that is said of the line.
    fn listed(&mut self) -> Option<Next> {
        let list = self.list.as_mut()?;
        loop {
            match list.recordings.next() {
                Some(Ok(selected)) => {
                    list.is_empty = false;
                    let shard = self.job.shard.filter(|_| list.item.is_none());
                    if shard.is_none_or(|shard| shard.has(selected.input.to_string())) {
                        return Some(Next::Recording(selected, list.item.clone()));
                    }
                }
                Some(Err(error)) => {
                    list.is_empty = false;
                    let error = match (list.of.object(), error) {
                        (
                            Some(prefix),
                            api::Error::Refused {
                                status: 404,
                                problem,
                                ..
                            },
                        ) => Error::NoObject {
                            object: prefix.to_string(),
                            problem,
                        },
                        (_, error) => Error::List(list.of.to_string(), error),
                    };
                    let mut of_run = lock(self.broken);
                    let broken = match &list.item {
                        Some(_) => &mut list.broken,
                        None => &mut *of_run,
                    };
                    if let Some(told) = broke(broken, error) {
                        self.job.observer.event(Event::ListEnded(&told));
                    }
                }
                None => {
                    let List {
                        of,
                        item,
                        broken,
                        is_empty,
                        ..
                    } = self.list.take()?;
                    if is_empty {
                        self.job.observer.event(Event::Empty(&of));
                    }
                    let result = match broken {
                        Some(error) => Err(error),
                        None if is_empty => Ok(Done::Skipped(Skipped::Empty)),
                        None => return None,
                    };
                    let tag = Some(item?.tag.clone());
                    let record = Record::settled(tag, Some(of), result);
                    return Some(Next::Settled(Box::new(record)));
                }
            }
        }
    }
}

/// What names recordings ended before its end. An end that is for good says more than the first.
/// Who runs this tells of the one that stays; here is the other.
fn broke(broken: &mut Option<Error>, error: Error) -> Option<Error> {
    match broken.take() {
        Some(first) if error.is_temporary() || !first.is_temporary() => {
            *broken = Some(first);
            Some(error)
        }
        first => {
            *broken = Some(error);
            first
        }
    }
}

impl<I: Iterator<Item = Next>> Iterator for Listed<'_, I> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        loop {
            if let Some(next) = self.listed() {
                return Some(next);
            }
            match self.selected.next()? {
                Next::Recording(selected, item) if selected.input.is_group() => {
                    self.begin(selected.input, item);
                }
                Next::Broken(error) => {
                    if let Some(told) = broke(&mut lock(self.broken), error) {
                        self.job.observer.event(Event::ListEnded(&told));
                    }
                }
                next => return Some(next),
            }
        }
    }
}

/// The objects below a prefix, but what is called metadata.
fn objects<'a>(
    job: &'a Job<'_>,
    prefix: &Location,
) -> impl Iterator<Item = Result<Selected, api::Error>> + Send + 'a {
    let objects = job.buckets.list(prefix);
    let is_media = |object: &Result<Location, _>| {
        let is_metadata = |it: &Location| is_called_metadata(Path::new(it.file_name()));
        !object.as_ref().is_ok_and(is_metadata)
    };
    let media = objects.filter(is_media);
    media.map(|object| object.map(|object| Selected::found(Input::Object(object))))
}

/// A recording as a list has it.
fn of_list(remote: Remote) -> Selected {
    let kind = IdKind::of(&remote.id).unwrap_or(match remote.provider {
        Provider::TwilioVideo => IdKind::Track,
        Provider::Vonage => IdKind::Archive,
        _ => IdKind::Recording,
    });
    let resource = Resource {
        provider: remote.provider,
        kind,
        id: remote.id.clone(),
        account: remote.account.clone(),
    };
    Selected {
        input: Input::Remote(resource),
        found: true,
        remote: Some(Box::new(remote)),
    }
}
