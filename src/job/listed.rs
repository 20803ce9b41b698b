//! The recordings of a run one after another, those of groups as their providers list them.

use std::path::Path;
use std::sync::Mutex;

use super::error::Error;
use super::input::{Input, Selected};
use super::metadata::is_called_metadata;
use super::observer::Event;
use super::one::Job;
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
    recordings: Recordings<'a>,
    is_empty: bool,
}

impl<'a, I: Iterator<Item = Selected>> Listed<'a, I> {
    pub(super) fn new(job: &'a Job<'a>, selected: I, broken: &'a Mutex<Option<Error>>) -> Self {
        Self {
            job,
            selected,
            list: None,
            broken,
        }
    }

    fn begin(&mut self, of: Input) {
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
            recordings,
            is_empty: true,
        });
    }

    /// The next recording of the list that is being read.
    fn listed(&mut self) -> Option<Selected> {
        let list = self.list.as_mut()?;
        loop {
            match list.recordings.next() {
                Some(Ok(selected)) => {
                    list.is_empty = false;
                    return Some(selected);
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
                    // One that is for good says more than the first. Who runs this tells of the one
                    // that stays.
                    let mut broken = lock(self.broken);
                    let told = match broken.take() {
                        Some(first) if error.is_temporary() || !first.is_temporary() => {
                            *broken = Some(first);
                            Some(error)
                        }
                        first => {
                            *broken = Some(error);
                            first
                        }
                    };
                    if let Some(told) = told {
                        self.job.observer.event(Event::ListEnded(&told));
                    }
                }
                None => {
                    if list.is_empty {
                        self.job.observer.event(Event::Empty(&list.of));
                    }
                    self.list = None;
                    return None;
                }
            }
        }
    }
}

impl<I: Iterator<Item = Selected>> Iterator for Listed<'_, I> {
    type Item = Selected;

    fn next(&mut self) -> Option<Selected> {
        loop {
            if let Some(selected) = self.listed() {
                return Some(selected);
            }
            let selected = self.selected.next()?;
            if !selected.input.is_group() {
                return Some(selected);
            }
            self.begin(selected.input);
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
