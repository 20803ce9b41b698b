//! Qvoice: the encryption of an account, and the configuration file that has its keys.
//!
//! A new key stands in the file, synced, before it is sent: whatever becomes of the request, what is
//! encrypted with it can be opened.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::{Error, Whose};
use super::{Failed, Plan, Prepared, make};
use crate::api::{self, Api, Draft, Encryption, QvoiceSettings};
use crate::cipher::WriteAt;
use crate::io::{LockedFolder, OutputError, ReadError, Staged, check_target, folder_of, read_file};
use crate::job::input::Input;
use crate::job::metadata;
use crate::job::shared::read_secret_text;
use crate::key::shared_pair;
use crate::provider::qvoice::{self, AnswerError, Ledger, Pair};

const WHOSE: Whose = Whose::Qvoice;
const READING: &str = "read the encryption configuration at Qvoice";
const CHANGING: &str = "change the encryption configuration at Qvoice";
const CHANGED: &str = "the encryption configuration is changed";

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// To switch encryption on.
    Enable,
    /// To switch it off.
    Disable,
    /// To take a new key for new recordings.
    Rotate,
}

/// What is wanted, beside the task.
pub(crate) struct Wanted<'a> {
    /// Task.
    pub task: Task,
    /// "AES-256-GCM" or "AES-256-CBC"; `None` leaves what is set.
    pub algorithm: Option<&'a str>,
    /// A file with the new key; `None` has one made.
    pub key: Option<Input>,
    /// A file with its salt.
    pub salt: Option<Input>,
}

/// The configuration file, which no other run changes in the meantime.
pub(crate) struct File {
    name: String,
    target: PathBuf,
    /// What it holds; `None` where it is not there yet.
    ledger: Option<Ledger>,
    _lock: LockedFolder,
}

/// What an account has, without a secret.
#[expect(clippy::struct_excessive_bools, reason = "they are independent")]
pub(crate) struct State {
    /// Whether new recordings are encrypted.
    pub enabled: bool,
    /// How.
    pub algorithm: Option<String>,
    /// The version of new recordings.
    pub key_version: Option<u64>,
    /// What Qvoice calls the key. Untrusted text.
    pub key_id: Option<String>,
    /// The versions that the file has, ascending.
    pub versions: Vec<u64>,
    /// Whether a key in the file waits to be taken.
    pub is_pending: bool,
    /// Whether something was changed at Qvoice.
    pub is_changed: bool,
    /// Whether there is a file that has all of it.
    pub is_kept: bool,
}

/// A change of an account.
pub(crate) struct Changing {
    /// What is done.
    pub task: Task,
    /// What there is.
    pub now: State,
    /// The algorithm that is sent.
    pub algorithm: Option<String>,
    /// Where the key comes from that is sent, if one is.
    pub new_key: Option<Origin>,
    /// The file, which gets the key first.
    pub file: String,
    draft: Draft,
    change: Change,
    server: Ledger,
    place: File,
}

/// Where a new key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is made.
    Made,
    /// It is read from a file.
    Given,
    /// It stands in the configuration already, since a change that failed.
    Pending,
}

/// What is set.
struct Change {
    enabled: bool,
    algorithm: Option<String>,
    pair: Option<Pair>,
}

impl File {
    /// Opens the configuration at `path`, which need not be there.
    ///
    /// # Errors
    /// It holds something else, or cannot be read or replaced; another run works on it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let name = Input::of(path).to_string();
        // What a link leads to is what is meant; the keys may lie on a disk that is not there now.
        let target = match fs_err::canonicalize(path) {
            Ok(target) => target,
            Err(error) if path.is_symlink() => {
                return Err(Error::Unread(name, ReadError::Io(error)));
            }
            Err(_) => path.to_owned(),
        };
        match check_target(&target, true, &std::collections::BTreeSet::new()) {
            Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
        let folder = folder_of(&target);
        let lock = LockedFolder::lock(folder).map_err(|source| OutputError::Io {
            path: folder.to_owned(),
            operation: "locking",
            source,
        })?;
        let lock = lock.ok_or_else(|| Error::Busy(name.clone()))?;
        let ledger = match read_file(&target, metadata::LIMIT) {
            Ok(bytes) => {
                let ledger = Ledger::of_file(&bytes);
                Some(ledger.map_err(|error| Error::NotConfiguration(name.clone(), error))?)
            }
            Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::Unread(name, error)),
        };
        Ok(Self {
            name,
            target,
            ledger,
            _lock: lock,
        })
    }

    /// Writes what it is to hold, and syncs it: all of it or nothing.
    fn write(&self, ledger: &Ledger) -> Result<(), Error> {
        let failed = |error| Error::Unwritten(self.name.clone(), error);
        let staged = Staged::create(&self.target)?;
        staged.write_all_at(&ledger.to_json(), 0).map_err(failed)?;
        Ok(staged.commit(&self.target, true)?)
    }

    /// Takes over what Qvoice says, and writes it where that is news.
    fn merge(&mut self, server: &Ledger) -> Result<(), Error> {
        let is_empty = self.ledger.is_none();
        if is_empty && server.is_empty() {
            return Ok(());
        }
        let before = self.ledger.as_ref().map(Ledger::to_json);
        let mut ledger = self.ledger.take().unwrap_or_default();
        let merged = ledger.merge(server);
        let news = merged.is_ok() && before.is_none_or(|before| *before != *ledger.to_json());
        let written = if news { self.write(&ledger) } else { Ok(()) };
        self.ledger = Some(ledger);
        merged.map_err(|error| Error::OfAnother(self.name.clone(), error))?;
        written
    }

    /// Whether it is of this account, and a new key may stand in it where one is to.
    fn check(&self, server: &Ledger, is_new_key: bool) -> Result<(), Error> {
        let Some(ledger) = &self.ledger else {
            return Ok(());
        };
        let merged = ledger.clone().merge(server);
        merged.map_err(|error| Error::OfAnother(self.name.clone(), error))?;
        if is_new_key && !ledger.next_version_is_free(server) {
            return Err(Error::VersionTaken(self.name.clone()));
        }
        Ok(())
    }

    fn state(&self, server: &Ledger, is_changed: bool) -> State {
        let ledger = self.ledger.as_ref();
        State {
            enabled: server.enabled().unwrap_or(false),
            algorithm: server.algorithm().map(str::to_owned),
            key_version: server.key_version(),
            key_id: server.key_id().map(str::to_owned),
            versions: ledger.map(numbers).unwrap_or_default(),
            is_pending: ledger.is_some_and(|ledger| ledger.pending().is_some()),
            is_changed,
            is_kept: ledger.is_some(),
        }
    }
}

/// The versions that a file has, ascending.
fn numbers(ledger: &Ledger) -> Vec<u64> {
    let mut numbers: Vec<_> = ledger.versions().filter_map(|(number, _)| number).collect();
    numbers.sort_unstable();
    numbers
}

/// What the account has. The file takes it over; a key that was pending, and is there now, is settled.
///
/// # Errors
/// See [`Error`].
pub(crate) fn show(api: &Api, mut file: File) -> Result<State, Error> {
    let encryption = encryption(api)?;
    let server = server(&encryption)?;
    file.merge(&server)?;
    Ok(file.state(&server, false))
}

/// Asks what the account has, and says what is to be done. Where that is nothing, the file takes over
/// what the account has, unless it is only asked `what_if`.
///
/// # Errors
/// See [`Error`].
pub(crate) fn change(
    api: &Api,
    mut file: File,
    wanted: &Wanted<'_>,
    what_if: bool,
) -> Result<Prepared<Changing>, Error> {
    let given = given(wanted)?;
    let encryption = encryption(api)?;
    let server = server(&encryption)?;
    file.check(&server, false)?;
    let is_on = server.enabled() == Some(true);
    if wanted.task == Task::Rotate && !is_on {
        return Err(Error::SwitchedOff);
    }
    let new = new_pair(&file, &server, wanted.task, given)?;
    let is_set = |name: &str| {
        let now = server.algorithm();
        now.is_some_and(|now| is_same_name(now, name))
    };
    let is_so = match wanted.task {
        Task::Enable => is_on && new.is_none() && wanted.algorithm.is_none_or(is_set),
        Task::Disable => !is_on,
        Task::Rotate => new.is_none(),
    };
    if is_so {
        if !what_if {
            file.merge(&server)?;
        }
        return Ok(Prepared::InPlace(file.state(&server, false)));
    }
    file.check(&server, new.is_some())?;
    let (new_key, pair) = new.unzip();
    // "When set to true, default values will be applied for other parameters if not specified."
    let algorithm = match wanted.task {
        Task::Disable => None,
        Task::Enable | Task::Rotate => wanted.algorithm.or(server.algorithm()).map(str::to_owned),
    };
    let change = Change {
        enabled: wanted.task != Task::Disable,
        algorithm: algorithm.clone(),
        pair,
    };
    Ok(Prepared::Planned(Changing {
        task: wanted.task,
        now: file.state(&server, false),
        algorithm,
        new_key,
        file: file.name.clone(),
        draft: change.draft(&encryption),
        change,
        server,
        place: file,
    }))
}

/// The key and salt that are sent: those that wait in the file, those that were given, new ones; or
/// none, where the account has what it is to have.
fn new_pair(
    file: &File,
    server: &Ledger,
    task: Task,
    given: Given,
) -> Result<Option<(Origin, Pair)>, Error> {
    let current = server.key().map(|key| (key, server.salt()));
    // "Re-enabling …: the system will keep your current key, salt".
    let keeps = task == Task::Enable && current.is_some();
    if task == Task::Disable || keeps && !given.is_something() {
        return Ok(None);
    }
    if let Some(pending) = file.ledger.as_ref().and_then(Ledger::pending) {
        let salt = pending.salt.as_ref().map(|salt| salt.as_str());
        if given.contradicts(&pending.key, salt) {
            return Err(Error::OtherPending(file.name.clone()));
        }
        let is_taken = server.has(pending);
        return Ok((!is_taken).then(|| (Origin::Pending, pending.clone())));
    }
    let is_given = given.is_something();
    if let Some((now, salt)) = current
        && is_given
        && !given.contradicts(now, salt)
    {
        return Ok(None);
    }
    let (mut key, mut salt) = shared_pair().map_err(Error::Generate)?;
    if let Some((now, _)) = current.filter(|_| keeps) {
        key = Zeroizing::new(now.to_owned());
    }
    if let Some(given) = given.key {
        key = given;
    }
    if let Some(given) = given.salt {
        salt = given;
    }
    let origin = if is_given {
        Origin::Given
    } else {
        Origin::Made
    };
    Ok(Some((
        origin,
        Pair {
            key,
            salt: Some(salt),
        },
    )))
}

/// Key and salt of the command line's files.
struct Given {
    key: Option<Zeroizing<String>>,
    salt: Option<Zeroizing<String>>,
}

impl Given {
    fn is_something(&self) -> bool {
        self.key.is_some() || self.salt.is_some()
    }

    /// Whether they are others than these.
    fn contradicts(&self, key: &str, salt: Option<&str>) -> bool {
        let is_other = |given: &Option<Zeroizing<String>>, there: Option<&str>| {
            given
                .as_ref()
                .is_some_and(|given| Some(given.as_str()) != there)
        };
        is_other(&self.key, Some(key)) || is_other(&self.salt, salt)
    }
}

fn given(wanted: &Wanted<'_>) -> Result<Given, Error> {
    let key = wanted.key.as_ref();
    let key = key.map(|file| read_secret_text("key", file, qvoice::check_key));
    let salt = wanted.salt.as_ref();
    let salt = salt.map(|file| read_secret_text("salt", file, qvoice::check_salt));
    Ok(Given {
        key: key.transpose()?,
        salt: salt.transpose()?,
    })
}

/// Whether two names are of one algorithm.
fn is_same_name(one: &str, other: &str) -> bool {
    one.trim().replace('_', "-").eq_ignore_ascii_case(other)
}

fn encryption(api: &Api) -> Result<Encryption, Error> {
    api.encryption()
        .map_err(|error| Error::Provider(WHOSE, READING, error))
}

fn server(encryption: &Encryption) -> Result<Ledger, Error> {
    let asked = |error| Error::Provider(WHOSE, READING, error);
    let answer = encryption.fetch().map_err(asked)?;
    read(encryption, &answer).map_err(asked)
}

/// What an answer says.
fn read(encryption: &Encryption, answer: &[u8]) -> Result<Ledger, api::Error> {
    Ledger::of_answer(answer).map_err(|error| api::Error::Answer {
        host: encryption.host(),
        reason: error.to_string(),
    })
}

impl Change {
    fn draft(&self, encryption: &Encryption) -> Draft {
        let pair = self.pair.as_ref().map(|pair| {
            let salt = pair.salt.as_ref();
            (pair.key.as_str(), salt.map(|salt| salt.as_str()))
        });
        encryption.update(&QvoiceSettings {
            enabled: self.enabled,
            algorithm: self.algorithm.as_deref(),
            pair,
        })
    }

    /// Whether that is what the account has now.
    fn is_made(&self, server: &Ledger) -> bool {
        server.enabled().unwrap_or(false) == self.enabled
            && self.pair.as_ref().is_none_or(|pair| server.has(pair))
            && self.algorithm.as_ref().is_none_or(|name| {
                let now = server.algorithm();
                now.is_none_or(|now| is_same_name(now, name))
            })
    }
}

impl Plan for Changing {
    type Done = State;

    fn drafts(&self) -> Vec<&Draft> {
        vec![&self.draft]
    }

    fn apply(mut self, api: &Api) -> Result<State, Error> {
        let encryption = encryption(api)?;
        self.place.merge(&self.server)?;
        if let Some(pair) = &self.change.pair {
            let mut ledger = self.place.ledger.clone().unwrap_or_default();
            let unusable = |error| Error::NotConfiguration(self.place.name.clone(), error);
            ledger.set_pending(pair.clone()).map_err(unusable)?;
            self.place.write(&ledger)?;
            self.place.ledger = Some(ledger);
        }
        let mut said = None;
        let made = |server: Ledger| self.change.is_made(&server).then_some(server);
        let sent = |body: Vec<u8>| {
            let answer = Ledger::of_answer(&Zeroizing::new(body));
            match answer {
                Ok(server) => made(server),
                Err(error) => {
                    said = refusal(error);
                    None
                }
            }
        };
        let look = || {
            let answer = encryption.fetch()?;
            Ok(made(read(&encryption, &answer)?))
        };
        let server = make(api, &self.draft, sent, look);
        let server = server.map_err(|failed| match (failed, said) {
            (Failed::NotThere, Some(message)) => {
                Error::Declined(WHOSE, self.draft.masked(&message))
            }
            (failed, _) => failed.of(WHOSE, CHANGING, CHANGED),
        })?;
        let name = self.place.name.clone();
        let merged = self.place.merge(&server);
        merged.map_err(|error| Error::NotMerged(name, Box::new(error)))?;
        Ok(self.place.state(&server, true))
    }
}

/// What Qvoice says where it answers that it did not.
fn refusal(error: AnswerError) -> Option<String> {
    match error {
        AnswerError::Failed { message } => Some(message.unwrap_or_default()),
        AnswerError::Unreadable(_) => None,
    }
}
