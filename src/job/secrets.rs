//! The private keys of a run and their passphrases, from wherever the caller says.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::error::{Error, Trouble};
use super::input::Input;
use super::observer::{Event, Observer};
use super::record::About;
use super::secret_file::{LIMIT, tell_if_exposed, trimmed};
use crate::cipher::lock;
use crate::envelope::Envelope;
use crate::io::{self, ReadError, Source, Withheld, fd_path, read_fd};
use crate::key::{Added, ContentKey, KeyRing, Passphrase, RingError, content_key_from_unwrapped};
use crate::pipeline::{self, ChooseError};

/// The most keys that are read from one folder.
const MOST_IN_FOLDER: usize = 10_000;

/// The most that an unwrap command can answer: no RSA key wraps more.
const UNWRAPPED_LIMIT: u64 = 4096;

/// Where private keys come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeysFrom {
    /// Files, and folders of files.
    pub paths: Vec<Input>,
    /// A shell command that prints one.
    pub key_command: Option<String>,
    /// A shell command that unwraps content keys instead.
    pub unwrap_command: Option<String>,
    /// What these commands do not inherit.
    pub withheld: Withheld<'static>,
}

/// Where the passphrase of an encrypted key comes from, if not from a prompt.
#[derive(Default)]
pub(crate) enum PassphraseFrom {
    /// Nowhere.
    #[default]
    Nowhere,
    /// A file, of which a newline at the end is not taken.
    File(Input),
    /// An open file descriptor, likewise.
    Descriptor(u32),
    /// These bytes.
    Value(Zeroizing<Vec<u8>>),
}

/// Asks a person for the passphrase of the key with this name, for the first time or again. `None`
/// if there is nobody to ask, or no answer.
pub(crate) type Prompt<'a> = dyn Fn(&str, bool) -> Option<Passphrase> + Sync + 'a;

/// The passphrases of a run.
pub(crate) struct Passphrases<'a> {
    from: PassphraseFrom,
    prompt: Option<&'a Prompt<'a>>,
    /// What was given, once it was read.
    given: Mutex<Option<Arc<Zeroizing<Vec<u8>>>>>,
    /// The keys whose passphrase was asked for.
    asked: Mutex<BTreeSet<String>>,
}

impl<'a> Passphrases<'a> {
    /// Passphrases from `from`, else from `prompt`.
    pub(crate) fn new(from: PassphraseFrom, prompt: Option<&'a Prompt<'a>>) -> Self {
        Self {
            from,
            prompt,
            given: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// The passphrase that was given, if one was. A newline at its end does not belong to it.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn given(&self) -> Result<Option<Arc<Zeroizing<Vec<u8>>>>, Error> {
        let mut given = lock(&self.given);
        if given.is_none() {
            let (name, read) = match &self.from {
                PassphraseFrom::Nowhere => return Ok(None),
                PassphraseFrom::Value(bytes) => (String::new(), Ok(bytes.clone())),
                PassphraseFrom::File(input) => {
                    let (name, read) = input.read_secret(LIMIT);
                    (name, read.map(trimmed))
                }
                PassphraseFrom::Descriptor(fd) => (
                    format!("file descriptor {fd}"),
                    read_fd(*fd, LIMIT).map(trimmed),
                ),
            };
            let bytes = read.map_err(|error| Error::PassphraseUnread(name, error))?;
            *given = Some(Arc::new(bytes));
        }
        Ok(given.clone())
    }

    /// The passphrase of the key `origin`.
    pub(super) fn of(&self, origin: &str) -> Result<Passphrase, Error> {
        if let Some(given) = self.given()? {
            return Ok(Passphrase::new(given.to_vec()));
        }
        self.prompt
            .and_then(|prompt| {
                let again = !lock(&self.asked).insert(origin.to_owned());
                prompt(origin, again)
            })
            .ok_or_else(|| Error::NoPassphrase(origin.to_owned()))
    }

    /// The file it is in.
    pub(super) fn file(&self) -> Option<Input> {
        match &self.from {
            PassphraseFrom::File(input) => Some(input.clone()),
            PassphraseFrom::Descriptor(fd) => Some(Input::File(fd_path(*fd))),
            PassphraseFrom::Nowhere | PassphraseFrom::Value(_) => None,
        }
    }
}

/// The private keys of a run.
pub(crate) struct PrivateKeys<'a> {
    from: KeysFrom,
    passphrases: Passphrases<'a>,
    /// The keys, once they were needed.
    ring: Mutex<Option<Arc<KeyRing>>>,
    /// Places for those who unwrap at the same time.
    turns: Option<Turns>,
}

/// Places, and who waits for one.
struct Turns(Mutex<usize>, Condvar);

impl Turns {
    /// Does `work` in one of the places, once there is one.
    fn take<T>(&self, work: impl FnOnce() -> T) -> T {
        let Self(free, freed) = self;
        let mut places = lock(free);
        while *places == 0 {
            places = freed.wait(places).unwrap_or_else(PoisonError::into_inner);
        }
        *places -= 1;
        drop(places);
        // A panic in between ends the thread, and the place with it.
        let done = work();
        *lock(free) += 1;
        freed.notify_one();
        done
    }
}

impl<'a> PrivateKeys<'a> {
    /// Keys from `from`; nothing is read yet.
    pub(crate) fn new(from: KeysFrom, passphrases: Passphrases<'a>) -> Self {
        Self {
            from,
            passphrases,
            ring: Mutex::default(),
            turns: None,
        }
    }

    /// The same, but so many content keys are unwrapped at the same time, and no more.
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "it is about playback")
    )]
    pub(crate) fn at_once(self, most: NonZero<usize>) -> Self {
        let turns = Turns(Mutex::new(most.get()), Condvar::new());
        Self {
            turns: Some(turns),
            ..self
        }
    }

    /// The keys, read when they are needed for the first time.
    ///
    /// # Errors
    /// A named file must be a key. In a folder, what is no key is passed over, but if that is
    /// all there is, no key was found where the user said it is.
    pub(crate) fn ring(&self, observer: &dyn Observer) -> Result<Arc<KeyRing>, Error> {
        let mut ring = lock(&self.ring);
        if let Some(ring) = &*ring {
            return Ok(Arc::clone(ring));
        }
        Ok(Arc::clone(ring.insert(Arc::new(self.load(observer)?))))
    }

    /// Reads the keys and unlocks all of them: no passphrase is asked for later.
    ///
    /// # Errors
    /// Those of [`ring`](Self::ring); a key that stays locked.
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "it is about playback")
    )]
    pub(super) fn open(&self, observer: &dyn Observer) -> Result<(), Error> {
        let mut unasked = None;
        let ring = self.ring(observer)?;
        let unlocked = ring.unlock(&mut |origin: &str| self.answer(origin, &mut unasked));
        unlocked.map_err(|error| match (error, unasked) {
            (RingError::NoPassphrase { .. }, Some(why)) => why,
            (error, _) => Error::of_ring(error, "", None),
        })
    }

    fn load(&self, observer: &dyn Observer) -> Result<KeyRing, Error> {
        let mut ring = KeyRing::default();
        let mut useless = None;
        for from in &self.from.paths {
            if let Some(folder) = from.path().filter(|path| path.is_dir()) {
                if !add_folder(&mut ring, folder, observer)? {
                    useless = Some(from.to_string());
                }
                continue;
            }
            let (name, read) = from.read_secret(LIMIT);
            let bytes = read.map_err(|error| Error::KeyUnread(name.clone(), error))?;
            let added = ring
                .add(&name, &bytes)
                .map_err(|error| Error::Key(name.clone(), error))?;
            tell(&name, &added, observer);
            if added.is_secret {
                tell_if_exposed(from, "private key", observer);
            }
        }
        if let Some(command) = &self.from.key_command {
            let bytes = io::run_command(command, &[], self.from.withheld, &[], LIMIT)
                .map_err(|error| Error::Command("--key-command", error))?;
            let added = ring
                .add("--key-command", &bytes)
                .map_err(|error| Error::Key("--key-command".to_owned(), error))?;
            tell("--key-command", &added, observer);
        }
        match useless {
            Some(folder) if ring.is_empty() => Err(Error::NoKeyIn(folder)),
            _ => Ok(ring),
        }
    }

    /// The content key of `envelope`, from the user's command or from the ring.
    pub(super) fn unwrap(
        &self,
        envelope: &Envelope,
        source: &mut Source,
        input: &Input,
        about: &mut About,
        observer: &dyn Observer,
    ) -> Result<ContentKey, Trouble> {
        let mut work = || self.unwrap_now(envelope, source, input, about, observer);
        match &self.turns {
            Some(turns) => turns.take(work),
            None => work(),
        }
    }

    fn unwrap_now(
        &self,
        envelope: &Envelope,
        source: &mut Source,
        input: &Input,
        about: &mut About,
        observer: &dyn Observer,
    ) -> Result<ContentKey, Trouble> {
        if let Some(command) = &self.from.unwrap_command {
            return self.unwrap_with(command, envelope).map_err(|error| {
                // A shell that finds no such command finds none for the others.
                let missing = matches!(&error, Error::Command(_, error) if error.is_missing());
                let trouble = if missing { Trouble::All } else { Trouble::One };
                trouble(error)
            });
        }
        let ring = self.ring(observer).map_err(Trouble::All)?;
        let mut unasked = None;
        let mut ask = |origin: &str| self.answer(origin, &mut unasked);
        let candidates = ring.search(&envelope.wrap, &mut ask);
        let opened = pipeline::choose(envelope, source, candidates).map_err(|error| {
            let error = match (error, unasked) {
                (ChooseError::Recording(error), _) => {
                    return Trouble::One(Error::of_pipeline(error, &input.to_string()));
                }
                (ChooseError::Ring(RingError::NoPassphrase { .. }), Some(why)) => why,
                (ChooseError::Ring(error), _) => {
                    let key_id = envelope.wrap.key_id.as_deref();
                    Error::of_ring(error, &input.to_string(), key_id)
                }
            };
            // Without a key that is open it is the same with every other recording.
            let trouble = if ring.any_open() {
                Trouble::One
            } else {
                Trouble::All
            };
            trouble(error)
        })?;
        observer.event(Event::OpenedBy {
            input,
            key: &opened.origin,
            fingerprint: opened.fingerprint,
        });
        about.fingerprint = Some(opened.fingerprint);
        Ok(opened.key)
    }

    /// Runs the user's command: the wrapped key on its stdin, the content key on its stdout.
    fn unwrap_with(&self, command: &str, envelope: &Envelope) -> Result<ContentKey, Error> {
        let wrap = &envelope.wrap;
        let environment = [
            ("UNREEL_WRAP_ALGORITHM", wrap.algorithm.name()),
            ("UNREEL_KEY_ID", wrap.key_id.as_deref().unwrap_or_default()),
        ];
        let bytes = io::run_command(
            command,
            &environment,
            self.from.withheld,
            &wrap.wrapped,
            UNWRAPPED_LIMIT,
        )
        .map_err(|error| Error::Command("--unwrap-command", error))?;
        content_key_from_unwrapped(wrap.payload, bytes).map_err(Error::CommandAnswer)
    }

    /// Their passphrases.
    pub(crate) fn passphrases(&self) -> &Passphrases<'a> {
        &self.passphrases
    }

    /// The passphrase of the key `origin`, if there is one. Otherwise `why` says why not, the
    /// first time.
    pub(crate) fn answer(&self, origin: &str, why: &mut Option<Error>) -> Option<Passphrase> {
        let answer = self.passphrases.of(origin);
        answer.map_err(|error| why.get_or_insert(error)).ok()
    }

    /// Every file that may be read for keys and passphrase, and those in folders of keys apart.
    pub(super) fn files(&self) -> (Vec<Input>, Vec<PathBuf>) {
        let mut files: Vec<_> = self.passphrases.file().into_iter().collect();
        let mut inside = Vec::new();
        for from in &self.from.paths {
            match from.path().map(fs_err::read_dir) {
                Some(Ok(entries)) => inside.extend(entries.flatten().map(|entry| entry.path())),
                _ => files.push(from.clone()),
            }
        }
        (files, inside)
    }
}

/// Whether anything in the folder was a key or certificate.
fn add_folder(ring: &mut KeyRing, folder: &Path, observer: &dyn Observer) -> Result<bool, Error> {
    let mut found = false;
    for path in files_in(folder)? {
        let file = Input::File(path);
        let name = file.to_string();
        let added = match file.read(LIMIT) {
            Ok(bytes) => ring.add(&name, &bytes),
            Err(error) => {
                observer.event(Event::Unreadable(&file, &error));
                ring.pass_over(&name, &error);
                continue;
            }
        };
        match added {
            Ok(added) => {
                found = true;
                tell(&name, &added, observer);
                if added.is_secret {
                    tell_if_exposed(&file, "private key", observer);
                }
            }
            Err(error) => {
                observer.event(Event::PassedOver(&file, &error));
                ring.pass_over(&name, &error);
            }
        }
    }
    Ok(found)
}

/// The files in a folder of keys, in the order of their names.
pub(super) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let display = || Input::File(folder.to_owned()).to_string();
    let unread = |error| Error::KeyUnread(display(), ReadError::Io(error));
    let mut paths = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(unread)? {
        paths.push(entry.map_err(unread)?.path());
        if paths.len() > MOST_IN_FOLDER {
            return Err(Error::TooManyKeys(display(), MOST_IN_FOLDER));
        }
    }
    paths.sort();
    paths.retain(|path| path.is_file());
    Ok(paths)
}

/// Tells what was done to read a key.
fn tell(name: &str, added: &Added, observer: &dyn Observer) {
    for mending in &added.mended {
        observer.event(Event::Mended(name, mending));
    }
}
