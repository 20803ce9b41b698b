//! The private key that belongs to what is handed over.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::error::Error;
use crate::io::ReadError;
use crate::job::Passphrases;
use crate::job::error::Error as JobError;
use crate::job::input::Input;
use crate::job::secret_file::LIMIT;
use crate::key::{Fingerprint, KeyBlock, KeyFile, LockedKey};

/// A file with the private key that was looked for.
pub(super) struct Belonging {
    /// Its printable name.
    pub(super) origin: String,
    /// All of it.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// Looks for the private key of `fingerprint` in files, and in folders of files, of which what is no
/// key is passed over. An encrypted one is opened only where no other is it.
///
/// # Errors
/// A named file is no key, or no passphrase opens it.
pub(super) fn find(
    places: &[Input],
    fingerprint: Fingerprint,
    passphrases: &Passphrases<'_>,
) -> Result<Option<Belonging>, Error> {
    let mut locked = Vec::new();
    for (file, is_named) in files(places)? {
        let (origin, read) = file.read_secret(LIMIT);
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) if is_named => return Err(JobError::KeyUnread(origin, error).into()),
            Err(_) => continue,
        };
        let blocks = match KeyFile::read(&bytes) {
            Ok(file) => file.blocks,
            Err(error) if is_named => return Err(JobError::Key(origin, error).into()),
            Err(_) => continue,
        };
        let is_it = |block: &KeyBlock| matches!(block, KeyBlock::Private(key) if key.fingerprint() == fingerprint);
        if blocks.iter().any(is_it) {
            return Ok(Some(Belonging { origin, bytes }));
        }
        let wanting = blocks.into_iter().filter_map(|block| match block {
            KeyBlock::Locked(key) => Some(key),
            _ => None,
        });
        let wanting: Vec<_> = wanting.collect();
        if !wanting.is_empty() {
            locked.push((Belonging { origin, bytes }, wanting, is_named));
        }
    }
    let mut unopened = None;
    for (file, keys, is_named) in locked {
        match opened(&file.origin, &keys, fingerprint, passphrases) {
            Ok(true) => return Ok(Some(file)),
            Ok(false) => {}
            Err(error) if is_named => return Err(error.into()),
            Err(error) => unopened = unopened.or(Some(error)),
        }
    }
    unopened.map_or(Ok(None), |error| Err(error.into()))
}

/// Whether one of these keys of `origin` is the one.
fn opened(
    origin: &str,
    keys: &[LockedKey],
    fingerprint: Fingerprint,
    passphrases: &Passphrases<'_>,
) -> Result<bool, JobError> {
    let mut error = None;
    let passphrase = passphrases.of(origin)?;
    for key in keys {
        match key.unlock(&passphrase) {
            Ok(key) if key.fingerprint() == fingerprint => return Ok(true),
            Ok(_) => {}
            Err(why) => error = Some(why),
        }
    }
    match error {
        None => Ok(false),
        Some(error) => Err(JobError::Key(origin.to_owned(), error)),
    }
}

/// Where was looked, for people.
pub(super) fn names<'a>(places: impl IntoIterator<Item = &'a Input>) -> String {
    let names = places.into_iter().map(|place| format!("`{place}`"));
    names.collect::<Vec<_>>().join(", ")
}

/// The files, and whether each was named itself.
fn files(places: &[Input]) -> Result<Vec<(Input, bool)>, Error> {
    let mut files = Vec::new();
    for place in places {
        let Some(folder) = place.path().filter(|path| path.is_dir()) else {
            files.push((place.clone(), true));
            continue;
        };
        let unread = |error| JobError::KeyUnread(place.to_string(), ReadError::Io(error));
        let entries = fs_err::read_dir(folder).map_err(unread)?;
        let entries = entries.map(|entry| Ok(entry?.path()));
        let mut inside: Vec<PathBuf> = entries.collect::<Result<_, _>>().map_err(unread)?;
        inside.retain(|path| path.is_file());
        inside.sort();
        files.extend(inside.into_iter().map(|path| (Input::File(path), false)));
    }
    Ok(files)
}
