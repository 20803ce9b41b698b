//! [`KeyRing`]: the private keys of a run, and which of them opens a recording.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::KeyError;
use super::file::{KeyBlock, KeyFile};
use super::locked::LockedKey;
use super::not_opened::{Companion, PassedOver, RingError};
use super::passphrase::Passphrase;
use super::rsa_key::{Fingerprint, PrivateKey};
use super::transport::Mending;

/// How often a passphrase is asked for that a person types.
const TRIES: u32 = 3;

/// The keys of a run, for any number of threads. A locked key asks for its passphrase at most
/// once and stays unlocked; other threads that need it wait for the answer.
#[derive(Default)]
pub struct KeyRing {
    pub(super) entries: Vec<Entry>,
    pub(super) companions: Vec<Companion>,
    pub(super) passed_over: Vec<PassedOver>,
    /// One more than the index of the key that opened the last recording; 0 before the first.
    pub(super) last: AtomicUsize,
}

/// A private key of the ring.
pub(super) struct Entry {
    pub(super) origin: String,
    pub(super) state: Mutex<State>,
}

/// Whether it can be used by now.
pub(super) enum State {
    Open(Arc<PrivateKey>),
    Locked(LockedKey),
    /// It was tried to unlock it.
    Refused(KeyError),
}

/// What [`KeyRing::add`] found in a file.
#[non_exhaustive]
pub struct Added {
    /// Whether it holds a private key: certificates alone are no secret.
    pub is_secret: bool,
    /// What was done to read it, in that order. Empty for a file as it should be.
    pub mended: Vec<Mending>,
}

impl KeyRing {
    /// Reads a key file into the ring. A key that is already there is not added again.
    ///
    /// `origin` is the printable name of the file; it comes back in [`Unwrapped`](super::Unwrapped) and the errors.
    ///
    /// # Errors
    ///
    /// Those of [`KeyFile::read`]; the ring is then unchanged.
    pub fn add(&mut self, origin: &str, bytes: &[u8]) -> Result<Added, KeyError> {
        let mut is_secret = false;
        let file = KeyFile::read(bytes)?;
        for block in file.blocks {
            is_secret |= !matches!(block, KeyBlock::Public(_));
            let state = match block {
                KeyBlock::Private(key) if self.holds(key.fingerprint()) => continue,
                KeyBlock::Private(key) => State::Open(Arc::new(key)),
                KeyBlock::Locked(key) => State::Locked(key),
                KeyBlock::Public(key) => {
                    let origin = origin.to_owned();
                    self.companions.push(Companion { origin, key });
                    continue;
                }
                KeyBlock::Unusable(error) => {
                    self.pass_over(origin, &error);
                    continue;
                }
            };
            self.entries.push(Entry {
                origin: origin.to_owned(),
                state: Mutex::new(state),
            });
        }
        Ok(Added {
            is_secret,
            mended: file.mended,
        })
    }

    /// Remembers a file that could not be used, for [`NotOpened`](super::NotOpened) to say so.
    pub fn pass_over(&mut self, origin: &str, why: &impl ToString) {
        self.passed_over.push(PassedOver {
            origin: origin.to_owned(),
            why: why.to_string(),
        });
    }

    /// Whether there is no private key in it, locked ones included.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a private key in it is ready for use.
    pub fn any_open(&self) -> bool {
        self.private_keys().next().is_some()
    }

    /// Unlocks every key that is locked. `ask` gives their passphrases, as in a
    /// [`search`](KeyRing::search).
    ///
    /// # Errors
    /// [`RingError::NoPassphrase`] and [`RingError::Unlock`] of the first that stays locked.
    pub(crate) fn unlock(
        &self,
        ask: &mut dyn FnMut(&str) -> Option<Passphrase>,
    ) -> Result<(), RingError> {
        let mut entries = self.entries.iter();
        entries.try_for_each(|entry| entry.unlock(ask).map(|_| ()))
    }

    pub(super) fn holds(&self, fingerprint: Fingerprint) -> bool {
        self.private_keys()
            .any(|(_, key)| key.fingerprint() == fingerprint)
    }

    pub(super) fn private_keys(&self) -> impl Iterator<Item = (&str, Arc<PrivateKey>)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry.origin.as_str(), entry.open()?)))
    }

    pub(super) fn last(&self) -> Option<usize> {
        self.last.load(Ordering::Relaxed).checked_sub(1)
    }

    pub(super) fn is_open(&self, index: usize) -> bool {
        let entry = self.entries.get(index);
        entry.is_some_and(|entry| matches!(*entry.state(), State::Open(_)))
    }
}

impl Entry {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key, unlocked first if need be. Others that need it wait for that.
    pub(super) fn unlock(
        &self,
        ask: &mut dyn FnMut(&str) -> Option<Passphrase>,
    ) -> Result<Arc<PrivateKey>, RingError> {
        let origin = || self.origin.clone();
        let mut state = self.state();
        if let State::Locked(locked) = &*state {
            let mut again = 1..TRIES;
            let unlocked = loop {
                let Some(passphrase) = ask(&self.origin) else {
                    return Err(RingError::NoPassphrase { origin: origin() });
                };
                match locked.unlock(&passphrase) {
                    Err(KeyError::WrongPassphrase)
                        if passphrase.was_typed() && again.next().is_some() => {}
                    unlocked => break unlocked,
                }
            };
            *state = match unlocked {
                Ok(key) => State::Open(Arc::new(key)),
                Err(error) => State::Refused(error),
            };
        }
        match &*state {
            State::Open(key) => Ok(Arc::clone(key)),
            State::Refused(error) => Err(RingError::Unlock {
                origin: origin(),
                error: error.clone(),
            }),
            State::Locked(_) => Err(RingError::NoPassphrase { origin: origin() }),
        }
    }

    /// The key, if it is not locked.
    fn open(&self) -> Option<Arc<PrivateKey>> {
        match &*self.state() {
            State::Open(key) => Some(Arc::clone(key)),
            State::Locked(_) | State::Refused(_) => None,
        }
    }

    /// Whether the name of its file contains the key id.
    pub(super) fn is_named(&self, key_id: Option<&str>) -> bool {
        let file_name = self.origin.rsplit(['/', '\\']).next().unwrap_or_default();
        key_id.is_some_and(|id| file_name.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::generate;

    #[test]
    fn a_ring_knows_what_is_secret_and_what_is_open() {
        let key = generate(1024).unwrap();
        let passphrase = Passphrase::new(b"secret".to_vec());
        let public = key.public_pem().unwrap();
        let locked = key.pkcs8_pem(Some(&passphrase)).unwrap();
        let open = key.pkcs8_pem(None).unwrap();
        let mut ring = KeyRing::default();
        for (file, is_secret, is_empty, any_open) in [
            (public.as_str(), false, true, false),
            (&locked, true, false, false),
            (&[open.as_str(), &public].concat(), true, false, true),
        ] {
            let added = ring.add("a file", file.as_bytes()).unwrap();
            assert_eq!(
                (added.is_secret, ring.is_empty(), ring.any_open()),
                (is_secret, is_empty, any_open)
            );
        }
    }

    #[test]
    fn who_types_a_passphrase_has_three_tries_and_a_file_has_one() {
        let (right, wrong) = (b"right".to_vec(), b"wrong".to_vec());
        let pem = generate(1024).unwrap();
        let pem = pem
            .pkcs8_pem(Some(&Passphrase::new(right.clone())))
            .unwrap();
        let tries = |make: fn(Vec<u8>) -> Passphrase, wrongs| {
            let mut ring = KeyRing::default();
            ring.add("a file", pem.as_bytes()).unwrap();
            let mut asked = 0;
            let unlocked = ring.entries[0].unlock(&mut |_| {
                asked += 1;
                let bytes = if asked > wrongs { &right } else { &wrong };
                Some(make(bytes.clone()))
            });
            (unlocked.is_ok(), asked)
        };
        assert_eq!(tries(Passphrase::typed, 2), (true, 3));
        assert_eq!(tries(Passphrase::typed, 3), (false, 3));
        assert_eq!(tries(Passphrase::new, 0), (true, 1));
        assert_eq!(tries(Passphrase::new, 1), (false, 1));
    }
}
