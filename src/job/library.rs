//! [`Library`]: the recordings of folders, buckets and Twilio by their ids, verified and ready to be
//! read at any place.

mod names;
mod stamp;
#[cfg(test)]
mod tests;
mod unplayable;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub(crate) use self::unplayable::Unplayable;

use self::names::{Name, recording_of, says_encrypted};
use self::stamp::{Seen, Stamp, Tagged};
use super::error::Error;
use super::input::{Input, Selected};
use super::metadata::Metadata;
use super::observer::{Observer, Silent};
use super::one::{Job, RESTARTS, Secrets};
use super::own::Own;
use super::recipe::Spools;
use super::record::{About, Plain, Task};
use super::secrets::PrivateKeys;
use super::target::{IfExists, Output, Target};
use crate::api::{self, Api, Resource, Selection, State};
use crate::io::Spool;
use crate::pipeline::Verified;
use crate::provider::{IdKind, Provider};
use crate::store::{Buckets, Location};

/// Which part of the memory for ciphertext one recording may take.
const SHARE: u64 = 32;

/// What an open recording weighs beside its ciphertext: a key, a descriptor, what is known of it.
const WEIGHT: u64 = 64 << 10;

/// The most objects whose names begin with one id that are looked at.
const MOST_OF_ONE: usize = 1000;

/// An id that nobody gives to a recording: that there is none can be asked for little.
const NOBODY: &str = "RE00000000000000000000000000000000";

/// Where recordings are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Twilio Voice, by SID.
    Twilio,
    /// A folder, not deep. Symbolic links in it are followed: whoever may make them may put files there.
    Folder(PathBuf),
    /// All that begins so in a bucket, not deep.
    Bucket(Location),
}

/// Recordings by their ids, of all shelves in order. Any number of threads ask it.
pub(crate) struct Library {
    api: Api,
    buckets: Arc<Buckets>,
    shelves: Vec<Shelf>,
    /// Whose recordings Twilio is asked for, where that is not who asks.
    account: Option<String>,
    /// Replaced as a whole.
    keys: RwLock<Arc<Secrets<'static>>>,
    spools: Spools,
}

/// A recording that was verified, and can be heard.
pub(crate) struct Playable {
    /// Its id, as its provider writes it.
    pub id: String,
    /// What is read. Its outcome says what it is: container, codec, channels, duration.
    pub verified: Verified,
    /// The call that it is of (`CA…`), where that is known.
    pub call: Option<String>,
    /// Bytes of memory that it takes, about.
    pub weight: u64,
    stamp: Stamp,
}

/// A recording that was found.
struct Found {
    selected: Selected,
    /// The objects that may describe it, where that is known.
    sidecars: Option<Vec<Location>>,
    /// The file, as it was before it was opened.
    file: Option<(PathBuf, Seen)>,
}

impl Library {
    /// Of these shelves; nothing is read yet. Ciphertext that is fetched is kept in memory, of one
    /// recording a 32nd of `cache` (bytes) at most, else in an unnamed temporary file. What is fetched
    /// and not encrypted is in memory only, if `cache` is enough for it.
    pub(crate) fn new(
        api: Api,
        buckets: Arc<Buckets>,
        keys: PrivateKeys<'static>,
        shelves: Vec<Shelf>,
        account: Option<String>,
        cache: u64,
    ) -> Self {
        Self {
            api,
            buckets,
            shelves,
            account,
            keys: RwLock::new(secrets(keys)),
            spools: Spools {
                ciphertext: Spool {
                    memory: cache / SHARE,
                    disk: true,
                },
                plaintext: Spool {
                    memory: cache,
                    disk: false,
                },
            },
        }
    }

    /// Reads the keys and unlocks all of them: nobody is asked for a passphrase later.
    ///
    /// # Errors
    /// The first key that cannot be read or unlocked.
    pub(crate) fn open_keys(&self, observer: &dyn Observer) -> Result<(), Error> {
        self.secrets().private.open(observer)
    }

    /// The same with other keys, which take the place of those before.
    ///
    /// # Errors
    /// As those of [`open_keys`](Self::open_keys); those before stay then.
    pub(crate) fn reload_keys(
        &self,
        keys: PrivateKeys<'static>,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        keys.open(observer)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = secrets(keys);
        Ok(())
    }

    /// What asks the providers.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// The id of a recording as its provider writes it; `None` for anything else.
    pub(crate) fn canonical(id: &str) -> Option<String> {
        Name::of(id).map(|name| name.id)
    }

    /// The recording of this id, of the first shelf that has it, verified from end to end. A shelf that
    /// is out of reach is passed over, but then nobody can say that there is none.
    ///
    /// # Errors
    /// See [`Unplayable`].
    pub(crate) fn find(&self, id: &str) -> Result<Playable, Unplayable> {
        self.first(id, |found, name| self.opened(found, name))
    }

    /// Whether there is a recording of this id, as far as can be said without its media.
    ///
    /// # Errors
    /// See [`Unplayable`].
    pub(crate) fn look(&self, id: &str) -> Result<(), Unplayable> {
        self.first(id, |found, _| match &found.selected.input {
            Input::Remote(resource) => match self.api.recording(resource, false) {
                Ok(remote) => match remote.state {
                    State::Ready | State::External(_) => Ok(()),
                    state => {
                        let id = remote.id.clone();
                        Err(Error::Fetch(remote.id, api::Error::Gone { id, state }).into())
                    }
                },
                Err(error) => Err(Error::Fetch(resource.id.clone(), error).into()),
            },
            _ => Ok(()),
        })
    }

    /// What `work` makes of a recording on the first shelf that has it.
    fn first<T>(
        &self,
        id: &str,
        work: impl Fn(Found, &Name) -> Result<T, Unplayable>,
    ) -> Result<T, Unplayable> {
        let name = Name::of(id).ok_or(Unplayable::Unknown)?;
        let mut unreachable = None;
        for shelf in &self.shelves {
            match self.on(shelf, &name).and_then(|found| work(found, &name)) {
                Err(Unplayable::Unknown) => {}
                Err(error @ Unplayable::Unreachable(_)) => {
                    unreachable.get_or_insert(error);
                }
                found => return found,
            }
        }
        Err(unreachable.unwrap_or(Unplayable::Unknown))
    }

    /// Whether what was verified is still what is there.
    ///
    /// # Errors
    /// [`Unplayable::Unreachable`]: nobody can say.
    pub(crate) fn is_current(&self, playable: &Playable) -> Result<bool, Unplayable> {
        playable.stamp.is_current(&self.api, &self.buckets)
    }

    /// The ids of recordings that there are, at most so many, in order: of folders the first ones that
    /// have metadata, of prefixes the first ones, of Twilio the latest.
    ///
    /// # Errors
    /// A shelf that is out of reach.
    pub(crate) fn ids(&self, most: usize) -> Result<Vec<String>, Error> {
        let mut ids = BTreeSet::new();
        for shelf in &self.shelves {
            let rest = most - ids.len().min(most);
            ids.extend(match shelf {
                Shelf::Twilio => self.listed(rest)?,
                Shelf::Folder(folder) => in_folder(folder, rest)?,
                Shelf::Bucket(prefix) => self.below(prefix, rest)?,
            });
        }
        Ok(ids.into_iter().collect())
    }

    /// Whether every shelf is in reach: folders can be read, prefixes be listed, and Twilio answers and
    /// lets us in.
    ///
    /// # Errors
    /// [`Unplayable::Unreachable`], of the first that is not.
    pub(crate) fn in_reach(&self) -> Result<(), Unplayable> {
        for shelf in &self.shelves {
            let reached = match shelf {
                Shelf::Twilio => match self.api.recording(&self.resource(NOBODY), false) {
                    Ok(_) | Err(api::Error::Refused { status: 404, .. }) => Ok(()),
                    Err(error) => Err(Error::Fetch("Twilio".to_owned(), error)),
                },
                Shelf::Folder(folder) => {
                    let entries = fs_err::read_dir(folder);
                    entries.map(|_| ()).map_err(|error| unread(folder, error))
                }
                Shelf::Bucket(prefix) => match self.buckets.list(&prefix.join("")).next() {
                    Some(Err(error)) => Err(Error::List(prefix.to_string(), error)),
                    Some(Ok(_)) | None => Ok(()),
                },
            };
            reached.map_err(Unplayable::Unreachable)?;
        }
        Ok(())
    }

    /// Where the recording is, if this shelf has it. Whether Twilio does is not asked yet.
    fn on(&self, shelf: &Shelf, name: &Name) -> Result<Found, Unplayable> {
        match shelf {
            Shelf::Twilio if name.kind == IdKind::Recording => Ok(Found {
                selected: Selected::named(Input::Remote(self.resource(&name.id))),
                sidecars: None,
                file: None,
            }),
            Shelf::Twilio => Err(Unplayable::Unknown),
            Shelf::Folder(folder) => file_in(folder, name),
            Shelf::Bucket(prefix) => self.object_below(prefix, name),
        }
    }

    /// Verifies a recording that was found.
    fn opened(&self, found: Found, name: &Name) -> Result<Playable, Unplayable> {
        let Found {
            selected,
            sidecars,
            file,
        } = found;
        let metadata = Metadata::beside_ids(name.provider(), sidecars);
        let job = self.job(metadata, &selected.input);
        let mut restarts = RESTARTS;
        let (about, (verified, whence)) = loop {
            let mut about = About::default();
            match job.verified(&selected, self.spools, &mut about) {
                Err(Error::Fetch(_, api::Error::Changed { anew: true, .. })) if restarts > 0 => {
                    restarts -= 1;
                }
                result => break (about, result?),
            }
        };
        let tagged = whence.object.map(Tagged::of);
        let stamp = match (file, whence.remote, tagged) {
            (Some((path, seen)), ..) => Stamp::File(path, seen),
            (None, Some(remote), object) => {
                Stamp::of_remote(self.resource(&name.id), &remote, object)
            }
            (None, None, Some(object)) => Stamp::Object(object),
            (None, None, None) => return Err(Unplayable::Unknown),
        };
        let call = about.call.or(about.parent);
        Ok(Playable {
            id: name.id.clone(),
            weight: WEIGHT + verified.memory(),
            verified,
            call: call.filter(|call| IdKind::of(call) == Some(IdKind::Call)),
            stamp,
        })
    }

    /// What opens one recording, and says nothing of it.
    fn job(&self, metadata: Metadata, input: &Input) -> Job<'_> {
        let plain = if says_encrypted(&input.file_name()) {
            Plain::Fail
        } else {
            Plain::Save
        };
        let buckets = || Arc::clone(&self.buckets);
        let (nowhere, own) = (Target::Nowhere, Own::default());
        Job {
            task: Task::Decrypt {
                and_describe: false,
            },
            api: &self.api,
            buckets: buckets(),
            archives: None,
            selection: Selection::default(),
            include_deleted: false,
            shard: None,
            metadata: Arc::new(metadata),
            secrets: self.secrets(),
            output: Output::new(nowhere, IfExists::Fail, true, own, buckets()),
            padding: None,
            plain: Some(plain),
            require_integrity: false,
            sha256: true,
            jobs: NonZero::<usize>::MIN,
            threads: Some(NonZero::<usize>::MIN),
            observer: &Silent,
        }
    }

    fn secrets(&self) -> Arc<Secrets<'static>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn resource(&self, id: &str) -> Resource {
        Resource {
            provider: Provider::TwilioVoice,
            kind: IdKind::Recording,
            id: id.to_owned(),
            account: self.account.clone(),
        }
    }

    /// The object of this recording: by a list of those whose names begin with its id, which takes one
    /// request, and two where the id was given in capitals. Where listing is not allowed, by looking for
    /// the names that are usual, one request each.
    fn object_below(&self, prefix: &Location, name: &Name) -> Result<Found, Unplayable> {
        let (prefix, endings) = (prefix.join(""), name.endings());
        for spelling in name.spellings() {
            let start = prefix.join(spelling);
            let listed = self.buckets.list(&start).take(MOST_OF_ONE);
            let objects: BTreeSet<_> = match listed.collect() {
                Ok(objects) => objects,
                Err(api::Error::Refused {
                    status: 401 | 403, ..
                }) => return self.object_of_usual_name(&prefix, name),
                Err(error) => return Err(Error::List(prefix.to_string(), error).into()),
            };
            let mut media = endings
                .iter()
                .map(|it| prefix.join(&format!("{spelling}{it}")));
            if let Some(media) = media.find(|media| objects.contains(media)) {
                let mut sidecars = media.sidecars();
                sidecars.retain(|sidecar| objects.contains(sidecar));
                return Ok(Found {
                    selected: Selected::named(Input::Object(media)),
                    sidecars: Some(sidecars),
                    file: None,
                });
            }
        }
        Err(Unplayable::Unknown)
    }

    fn object_of_usual_name(&self, prefix: &Location, name: &Name) -> Result<Found, Unplayable> {
        let mut denied = None;
        for spelling in name.spellings() {
            for ending in name.usual_endings() {
                let media = prefix.join(&format!("{spelling}{ending}"));
                match self.buckets.look(&media) {
                    Ok(Some(_)) => {
                        return Ok(Found {
                            selected: Selected::named(Input::Object(media)),
                            sidecars: None,
                            file: None,
                        });
                    }
                    Ok(None) => {}
                    // What may not be listed is denied where it is not there, too.
                    Err(error @ api::Error::Refused { status: 403, .. }) => {
                        denied.get_or_insert((media, error));
                    }
                    Err(error) => return Err(Error::Fetch(media.to_string(), error).into()),
                }
            }
        }
        Err(denied.map_or(Unplayable::Unknown, |(media, error)| {
            Error::Fetch(media.to_string(), error).into()
        }))
    }

    /// The ids of Twilio's latest recordings that can be fetched.
    fn listed(&self, most: usize) -> Result<BTreeSet<String>, Error> {
        let list = self.api.list(Provider::TwilioVoice, &Selection::default());
        let ready = list.filter(|listed| {
            let state = listed.as_ref().map(|remote| &remote.state);
            !matches!(state, Ok(state) if *state != State::Ready)
        });
        let ids = ready
            .take(most)
            .map(|remote| remote.map(|remote| remote.id));
        let ids: Result<_, _> = ids.collect();
        ids.map_err(|error| Error::List("Twilio".to_owned(), error))
    }

    /// The ids of the first recordings below a prefix.
    fn below(&self, prefix: &Location, most: usize) -> Result<BTreeSet<String>, Error> {
        let prefix = prefix.join("");
        let mut ids = BTreeSet::new();
        for object in self.buckets.list(&prefix) {
            if ids.len() == most {
                break;
            }
            let object = object.map_err(|error| Error::List(prefix.to_string(), error))?;
            let name = object.key.strip_prefix(&prefix.key);
            ids.extend(name.and_then(recording_of).map(|name| name.id));
        }
        Ok(ids)
    }
}

fn secrets(private: PrivateKeys<'static>) -> Arc<Secrets<'static>> {
    Arc::new(Secrets {
        private,
        shared: None,
    })
}

/// The file of this recording, by trying what it may be called: the folder may hold any number.
fn file_in(folder: &Path, name: &Name) -> Result<Found, Unplayable> {
    let endings = name.endings();
    for spelling in name.spellings() {
        for ending in &endings {
            let path = folder.join(format!("{spelling}{ending}"));
            if let Some(seen) = Seen::at(&path).map_err(|error| unread(&path, error))? {
                return Ok(Found {
                    selected: Selected::named(Input::File(path.clone())),
                    sidecars: None,
                    file: Some((path, seen)),
                });
            }
        }
    }
    // Of a folder that is not there, nobody can say what it holds.
    let there = fs_err::read_dir(folder).map_err(|error| unread(folder, error));
    there.map_err(Unplayable::Unreachable)?;
    Err(Unplayable::Unknown)
}

/// The ids of the first recordings in a folder that have metadata.
fn in_folder(folder: &Path, most: usize) -> Result<BTreeSet<String>, Error> {
    let unread = |error| unread(folder, error);
    let mut names = BTreeSet::new();
    for entry in fs_err::read_dir(folder).map_err(unread)? {
        let name = entry.map_err(unread)?.file_name();
        if let Some(recording) = name.to_str().and_then(recording_of) {
            names.insert((recording.id, name));
        }
    }
    let mut ids = BTreeSet::new();
    for (id, name) in names {
        if ids.len() == most {
            break;
        }
        if Input::File(folder.join(name)).sidecar().is_some() {
            ids.insert(id);
        }
    }
    Ok(ids)
}

fn unread(path: &Path, error: std::io::Error) -> Error {
    Error::Unread(Input::File(path.to_owned()).to_string(), error)
}
