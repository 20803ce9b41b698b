//! Twilio: public keys, and the private ones that belong to them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::{Error, Whose};
use super::{Failed, Plan, Prepared, make, private, public};
use crate::api::{self, Api, Draft, PublicKey, PublicKeys, Unmade};
use crate::cipher::WriteAt;
use crate::io::{OutputError, Staged, make_folder};
use crate::job::input::Input;
use crate::job::{PassphraseFrom, Passphrases};
use crate::key::Fingerprint;

const WHOSE: Whose = Whose::Twilio;
const LISTING: &str = "list the public keys at Twilio";
const ADDING: &str = "register the key at Twilio";
const ADDED: &str = "the key is registered at Twilio";
const REMOVING: &str = "delete the key at Twilio";
const REMOVED: &str = "the key is deleted at Twilio";

/// Digits of the fingerprint in a key's name. Twilio takes names of 64 characters.
const DIGITS: usize = 16;

/// Which key is registered, and what goes with it.
pub(crate) struct Wanted<'a> {
    /// The public key.
    pub file: &'a Input,
    /// What it is to be called, if not after its fingerprint.
    pub name: Option<&'a str>,
    /// The folder in which its private key gets the name `CR….pem`.
    pub folder: Option<&'a Path>,
    /// Where that private key is looked for, beside that folder.
    pub keys: Vec<Input>,
}

/// A key that is to be registered.
pub(crate) struct Adding {
    /// What it will be called.
    pub name: String,
    /// Which one it is.
    pub fingerprint: Fingerprint,
    /// Its private key's file that gets another name, and the folder of that.
    pub private: Option<(String, PathBuf)>,
    keeping: Option<Keeping>,
    is_named_for_key: bool,
    draft: Draft,
}

/// A key that is registered.
pub(crate) struct Added {
    /// What Twilio has.
    pub key: PublicKey,
    /// Which one it is.
    pub fingerprint: Fingerprint,
    /// Whether it was registered now.
    pub is_new: bool,
    /// The file of its private key.
    pub private: Option<PathBuf>,
}

/// A private key that gets its name when its public half has one.
struct Keeping {
    folder: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
    fingerprint: Fingerprint,
}

/// All public keys.
///
/// # Errors
/// See [`Error`].
pub(crate) fn list(api: &Api) -> Result<Vec<PublicKey>, Error> {
    let keys = api.public_keys().and_then(|keys| keys.list());
    keys.map_err(|error| Error::Provider(WHOSE, LISTING, error))
}

/// Looks at the key, finds its private half, and asks whether it is registered already.
///
/// # Errors
/// See [`Error`]; what Twilio would refuse is refused here.
pub(crate) fn add(
    api: &Api,
    wanted: &Wanted<'_>,
    passphrases: &Passphrases<'_>,
) -> Result<Prepared<Adding>, Error> {
    let public = public::for_twilio(wanted.file)?;
    let fingerprint = public.key.fingerprint;
    let keeping = wanted
        .folder
        .map(|folder| keeping(folder, wanted, fingerprint, passphrases));
    let keeping = keeping.transpose()?;
    let own_name = name_of(fingerprint);
    let name = wanted.name.unwrap_or(&own_name).to_owned();

    let asked = |error| Error::Provider(WHOSE, LISTING, error);
    let keys = api.public_keys().map_err(asked)?;
    let listed = keys.list().map_err(asked)?;
    let is_it = |key: &&PublicKey| {
        let kept = keeping
            .as_ref()
            .is_some_and(|(_, keeping)| keeping.has(&key.sid));
        key.name == own_name || kept
    };
    if let Some(key) = listed.iter().find(is_it) {
        let added = |private| Added {
            key: key.clone(),
            fingerprint,
            is_new: false,
            private,
        };
        let private = keeping.map(|(_, keeping)| keeping.stage()?.commit(&keeping, &key.sid));
        return Ok(Prepared::InPlace(added(private.transpose()?)));
    }
    if let Some(key) = listed.iter().find(|key| key.name == name) {
        return Err(Error::NameTaken {
            sid: key.sid.clone(),
        });
    }
    let draft = keys.create(&name, &public.pem).map_err(asked)?;
    let (private, keeping) = keeping.unzip();
    Ok(Prepared::Planned(Adding {
        is_named_for_key: name == own_name,
        name,
        fingerprint,
        private: private.zip(wanted.folder.map(Path::to_owned)),
        keeping,
        draft,
    }))
}

/// `unreel sha256:` and the beginning of the fingerprint.
fn name_of(fingerprint: Fingerprint) -> String {
    let text = fingerprint.to_string();
    let (algorithm, digits) = text.split_once(':').unwrap_or_default();
    format!(
        "unreel {algorithm}:{}",
        digits.get(..DIGITS).unwrap_or(digits)
    )
}

/// The private key, and where it comes from.
fn keeping(
    folder: &Path,
    wanted: &Wanted<'_>,
    fingerprint: Fingerprint,
    passphrases: &Passphrases<'_>,
) -> Result<(String, Keeping), Error> {
    let itself = Input::File(folder.to_owned());
    let mut places = wanted.keys.clone();
    places.extend(folder.is_dir().then(|| itself.clone()));
    let found = private::find(&places, fingerprint, passphrases)?;
    let found = found.ok_or_else(|| Error::NoPrivate {
        file: wanted.file.to_string(),
        fingerprint,
        place: private::names(wanted.keys.iter().chain([&itself])),
    })?;
    let keeping = Keeping {
        folder: folder.to_owned(),
        bytes: found.bytes,
        fingerprint,
    };
    Ok((found.origin, keeping))
}

impl Keeping {
    fn path(&self, sid: &str) -> PathBuf {
        self.folder.join(format!("{sid}.pem"))
    }

    /// Whether it has the name of this public key already.
    fn has(&self, sid: &str) -> bool {
        let path = [Input::File(self.path(sid))];
        let nobody = Passphrases::new(PassphraseFrom::Nowhere, None);
        let is_same = || fs_err::read(self.path(sid)).is_ok_and(|bytes| bytes == *self.bytes);
        self.path(sid).is_file()
            && (is_same()
                || private::find(&path, self.fingerprint, &nobody)
                    .is_ok_and(|found| found.is_some()))
    }

    /// Writes it under no name yet: so that it is known beforehand whether it can be written.
    fn stage(&self) -> Result<StagedKey, Error> {
        let target = self.path("CR");
        let failed = |error| Error::Unwritten(Input::of(&target).to_string(), error);
        make_folder(&self.folder).map_err(failed)?;
        let staged = Staged::create(&target)?;
        staged.write_all_at(&self.bytes, 0).map_err(failed)?;
        Ok(StagedKey(staged))
    }
}

/// A private key that is written and has no name.
struct StagedKey(Staged);

impl StagedKey {
    /// Gives it its name, unless it has that already.
    fn commit(self, keeping: &Keeping, sid: &str) -> Result<PathBuf, Error> {
        let path = keeping.path(sid);
        match self.0.commit(&path, false) {
            Ok(()) => Ok(path),
            Err(OutputError::Exists(_)) if keeping.has(sid) => Ok(path),
            Err(OutputError::Exists(path)) => Err(Error::OtherKey(path)),
            Err(error) => Err(Error::NotKept {
                sid: sid.to_owned(),
                file: Input::of(&path).to_string(),
                error,
            }),
        }
    }
}

impl Plan for Adding {
    type Done = Added;

    fn drafts(&self) -> Vec<&Draft> {
        vec![&self.draft]
    }

    fn apply(self, api: &Api) -> Result<Added, Error> {
        let staged = self.keeping.as_ref().map(Keeping::stage).transpose()?;
        let keys = api.public_keys();
        let keys = keys.map_err(|error| Error::Provider(WHOSE, ADDING, error))?;
        let (key, is_new) = self.register(api, &keys)?;
        let private = staged.zip(self.keeping.as_ref());
        let private = private.map(|(staged, keeping)| staged.commit(keeping, &key.sid));
        Ok(Added {
            key,
            fingerprint: self.fingerprint,
            is_new,
            private: private.transpose()?,
        })
    }
}

impl Adding {
    /// Registers it, once: two keys of one name would be one key twice. Whoever finds another beside
    /// the one just made, as when two runs do the same at once, takes the own one back.
    fn register(&self, api: &Api, keys: &PublicKeys) -> Result<(PublicKey, bool), Error> {
        for earlier in 0.. {
            if let Some(key) = self.settled(api, keys)? {
                return Ok((key, earlier > 0));
            }
            let made = match api.make(&self.draft, earlier) {
                Ok(body) => keys.read(&body).map_err(|error| (error, false)),
                Err(Unmade::Not(error)) => return Err(Error::Provider(WHOSE, ADDING, error)),
                Err(Unmade::Perhaps { error, again }) => Err((error, again)),
            };
            let listed = keys.list().map(|all| self.of_this_name(all));
            let (made, listed) = match (made, listed) {
                (Ok(made), Ok(listed)) => (made, listed),
                // It has an id, and that is what matters.
                (Ok(made), Err(_)) => return Ok((made, true)),
                (Err((error, _)), Err(_)) => return Err(Error::Unsettled(WHOSE, ADDED, error)),
                (Err((_, true)), Ok(_)) => continue,
                (Err((error, false)), Ok(_)) => match self.settled(api, keys)? {
                    Some(key) => return Ok((key, true)),
                    None => return Err(Error::Provider(WHOSE, ADDING, error)),
                },
            };
            if !self.is_named_for_key || listed.iter().all(|key| key.sid == made.sid) {
                return Ok((made, true));
            }
            Removing::of(keys, made)?.remove(api, keys)?;
            if !api.pause(earlier) {
                break;
            }
        }
        let listed = self.settled(api, keys)?.map(|key| (key, false));
        listed.ok_or(Error::NotApplied(WHOSE, ADDED))
    }

    /// The key of this name, if it is there. Of two, another run may be taking its own back.
    fn settled(&self, api: &Api, keys: &PublicKeys) -> Result<Option<PublicKey>, Error> {
        let mut looks = 0;
        loop {
            let all = keys
                .list()
                .map_err(|error| Error::Provider(WHOSE, LISTING, error))?;
            let found = self.of_this_name(all);
            if found.len() < 2 || !api.pause(looks) {
                return Ok(found.into_iter().next());
            }
            looks += 1;
        }
    }

    fn of_this_name(&self, mut keys: Vec<PublicKey>) -> Vec<PublicKey> {
        keys.retain(|key| key.name == self.name);
        keys
    }
}

/// A key that is to be deleted.
pub(crate) struct Removing {
    /// What Twilio has.
    pub key: PublicKey,
    draft: Draft,
}

/// A key that is not there any more.
pub(crate) struct Removed {
    /// Its id.
    pub sid: String,
    /// Whether it was there before.
    pub was_there: bool,
}

/// Asks for a key that is to be deleted.
///
/// # Errors
/// See [`Error`].
pub(crate) fn remove(api: &Api, sid: &str) -> Result<Prepared<Removing>, Error> {
    let asked = |error| Error::Provider(WHOSE, REMOVING, error);
    let keys = api.public_keys().map_err(asked)?;
    match keys.fetch(sid).map_err(asked)? {
        Some(key) => Ok(Prepared::Planned(Removing::of(&keys, key)?)),
        None => Ok(Prepared::InPlace(Removed {
            sid: sid.to_owned(),
            was_there: false,
        })),
    }
}

impl Removing {
    fn of(keys: &PublicKeys, key: PublicKey) -> Result<Self, Error> {
        let draft = keys.delete(&key.sid);
        let draft = draft.map_err(|error| Error::Provider(WHOSE, REMOVING, error))?;
        Ok(Self { key, draft })
    }

    fn remove(&self, api: &Api, keys: &PublicKeys) -> Result<(), Error> {
        let gone = || {
            let found = keys.fetch(&self.key.sid)?;
            Ok(found.is_none().then_some(()))
        };
        match make(api, &self.draft, |_| Some(()), gone) {
            Ok(()) | Err(Failed::Not(api::Error::Refused { status: 404, .. })) => Ok(()),
            Err(failed) => Err(failed.of(WHOSE, REMOVING, REMOVED)),
        }
    }
}

impl Plan for Removing {
    type Done = Removed;

    fn drafts(&self) -> Vec<&Draft> {
        vec![&self.draft]
    }

    fn apply(self, api: &Api) -> Result<Removed, Error> {
        let keys = api.public_keys();
        let keys = keys.map_err(|error| Error::Provider(WHOSE, REMOVING, error))?;
        self.remove(api, &keys)?;
        Ok(Removed {
            sid: self.key.sid,
            was_there: true,
        })
    }
}
