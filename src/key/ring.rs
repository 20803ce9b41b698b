//! [`KeyRing`]: the private keys of a run, and which of them opens a recording.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::IntoIter;

use super::error::{KeyError, PayloadError, UnwrapError};
use super::file::{KeyBlock, parse};
use super::locked::LockedKey;
use super::passphrase::Passphrase;
use super::rsa_key::{Fingerprint, PrivateKey, PublicKey};
use super::unwrap::ContentKey;
use crate::envelope::{KeyWrap, WrapAlgorithm};

/// How often a passphrase is asked for that a person types.
const TRIES: u32 = 3;

/// The keys of a run, for any number of threads. A locked key asks for its passphrase at most
/// once and stays unlocked; other threads that need it wait for the answer.
#[derive(Default)]
pub struct KeyRing {
    entries: Vec<Entry>,
    companions: Vec<Companion>,
    unusable: Vec<Unusable>,
}

struct Entry {
    origin: String,
    state: Mutex<State>,
}

enum State {
    Open(Arc<PrivateKey>),
    Locked(LockedKey),
    /// It was tried to unlock it.
    Refused(KeyError),
}

/// A certificate or public key that was among the key files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// The printable name of the file it came from.
    pub origin: String,
    /// The key.
    pub key: PublicKey,
}

/// A private key that was passed over because its file holds another that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The printable name of the file it came from.
    pub origin: String,
    /// Why it cannot be used.
    pub error: KeyError,
}

impl KeyRing {
    /// Reads a key file into the ring. A key that is already there is not added again.
    ///
    /// `origin` is the printable name of the file; it comes back in [`Opened`] and the errors.
    /// Returns whether the file holds a private key: certificates alone are no secret.
    ///
    /// # Errors
    ///
    /// Those of [`parse`]; the ring is then unchanged.
    pub fn add(&mut self, origin: &str, bytes: &[u8]) -> Result<bool, KeyError> {
        let mut is_secret = false;
        for block in parse(bytes)? {
            is_secret |= !matches!(block, KeyBlock::Public(_));
            let origin = origin.to_owned();
            let state = match block {
                KeyBlock::Private(key) if self.holds(key.fingerprint()) => continue,
                KeyBlock::Private(key) => State::Open(Arc::new(key)),
                KeyBlock::Locked(key) => State::Locked(key),
                KeyBlock::Public(key) => {
                    self.companions.push(Companion { origin, key });
                    continue;
                }
                KeyBlock::Unusable(error) => {
                    self.unusable.push(Unusable { origin, error });
                    continue;
                }
            };
            let state = Mutex::new(state);
            self.entries.push(Entry { origin, state });
        }
        Ok(is_secret)
    }

    /// Whether there is no private key in it, locked ones included.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The keys that open a recording, one at a time and no more work than is asked for.
    ///
    /// Unlocked keys come before locked ones, and within each, those first whose file name
    /// contains the wrap's key id. `ask` gives the passphrase of a locked key by its origin; it is
    /// asked again, up to three times in all, after a wrong one that is [`Passphrase::typed`].
    ///
    /// OAEP proves a key right, so the first is the only one. RSAES-PKCS1-v1_5 does not: try
    /// each on the content, and take the next if it does not fit. See [`Search`].
    pub fn search<'a, E>(
        &'a self,
        wrap: &'a KeyWrap,
        ask: &'a mut dyn FnMut(&str) -> Result<Passphrase, E>,
    ) -> Search<'a, E> {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        let rank = |entry: &Entry| {
            let file_name = entry.origin.rsplit(['/', '\\']).next().unwrap_or_default();
            let named = wrap
                .key_id
                .as_deref()
                .is_some_and(|id| file_name.contains(id));
            (entry.open().is_none(), !named)
        };
        order.sort_by_cached_key(|&index| self.entries.get(index).map(rank));
        Search {
            ring: self,
            wrap,
            ask,
            order: order.into_iter(),
            any_opened: false,
            finished: false,
            trouble: None,
        }
    }

    fn holds(&self, fingerprint: Fingerprint) -> bool {
        self.private_keys()
            .any(|(_, key)| key.fingerprint() == fingerprint)
    }

    fn private_keys(&self) -> impl Iterator<Item = (&str, Arc<PrivateKey>)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry.origin.as_str(), entry.open()?)))
    }
}

impl Entry {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key, if it is not locked.
    fn open(&self) -> Option<Arc<PrivateKey>> {
        match &*self.state() {
            State::Open(key) => Some(Arc::clone(key)),
            State::Locked(_) | State::Refused(_) => None,
        }
    }
}

/// A content key, and the private key that gave it.
pub struct Opened {
    /// The content key.
    pub key: ContentKey,
    /// The private key's name.
    pub fingerprint: Fingerprint,
    /// The printable name of the file it came from.
    pub origin: String,
}

/// The keys of a [`KeyRing`] that open one recording, most likely first.
///
/// Ends with an error if there is reason for one: a locked key could not be tried, or none of
/// the keys opened it. A wrong passphrase is not reported before all other keys were tried.
pub struct Search<'a, E> {
    ring: &'a KeyRing,
    wrap: &'a KeyWrap,
    ask: &'a mut dyn FnMut(&str) -> Result<Passphrase, E>,
    order: IntoIter<usize>,
    any_opened: bool,
    finished: bool,
    /// The first locked key that could not be tried.
    trouble: Option<RingError<E>>,
}

impl<E> Iterator for Search<'_, E> {
    type Item = Result<Opened, RingError<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(index) = self.order.next() {
            match self.attempt(index) {
                Ok(Some(opened)) => {
                    self.any_opened = true;
                    if self.wrap.algorithm != WrapAlgorithm::RsaPkcs1v15 {
                        self.finish();
                    }
                    return Some(Ok(opened));
                }
                Ok(None) => {}
                Err(error @ RingError::Payload { .. }) => {
                    self.finish();
                    return Some(Err(error));
                }
                Err(error) => {
                    self.trouble.get_or_insert(error);
                }
            }
        }
        if std::mem::replace(&mut self.finished, true) {
            return None;
        }
        match self.trouble.take() {
            Some(error) => Some(Err(error)),
            None if self.any_opened => None,
            None => Some(Err(RingError::NotOpened(self.not_opened()))),
        }
    }
}

impl<E> Search<'_, E> {
    /// What was tried and what was meant, for a recording that none of the keys opens: also for
    /// the caller who found that no candidate fits the content.
    pub fn not_opened(&self) -> NotOpened {
        let tried = |(origin, key): (&str, Arc<PrivateKey>)| Tried {
            origin: origin.to_owned(),
            fingerprint: key.fingerprint(),
            bits: key.bits(),
        };
        let ring = self.ring;
        let orphans = ring
            .companions
            .iter()
            .filter(|one| !ring.holds(one.key.fingerprint));
        NotOpened {
            tried: ring.private_keys().map(tried).collect(),
            wrapped_len: self.wrap.wrapped.len(),
            meant: orphans.cloned().collect(),
            unusable: ring.unusable.clone(),
        }
    }

    fn finish(&mut self) {
        self.order = IntoIter::default();
        self.finished = true;
    }

    /// Tries one key, unlocking it first if need be.
    fn attempt(&mut self, index: usize) -> Result<Option<Opened>, RingError<E>> {
        let Some(entry) = self.ring.entries.get(index) else {
            return Ok(None);
        };
        let origin = entry.origin.clone();
        let mut state = entry.state();
        if let State::Locked(locked) = &*state {
            let mut again = 1..TRIES;
            let unlocked = loop {
                let passphrase = match (self.ask)(&origin) {
                    Ok(passphrase) => passphrase,
                    Err(error) => return Err(RingError::Ask { origin, error }),
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
        let key = match &*state {
            State::Open(key) => Arc::clone(key),
            State::Refused(error) => {
                let error = error.clone();
                return Err(RingError::Unlock { origin, error });
            }
            State::Locked(_) => return Ok(None),
        };
        drop(state);
        let fingerprint = key.fingerprint();
        match key.unwrap(self.wrap) {
            Ok(key) => Ok(Some(Opened {
                key,
                fingerprint,
                origin,
            })),
            Err(UnwrapError::NotThisKey { .. }) => Ok(None),
            Err(UnwrapError::Payload(error)) => Err(RingError::Payload {
                origin,
                fingerprint,
                error,
            }),
        }
    }
}

/// Why a [`Search`] found no key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError<E> {
    /// None of the private keys opens the recording, or there is none.
    #[error("{0}")]
    NotOpened(NotOpened),
    /// It is the right private key, but what it opened is not a content key.
    #[error("the private key of {origin} opens it, but {error}")]
    Payload {
        /// The printable name of the file the key came from.
        origin: String,
        /// The private key's name.
        fingerprint: Fingerprint,
        /// What is wrong with the bytes.
        error: PayloadError,
    },
    /// A locked key could not be unlocked, and no other key opens the recording.
    #[error("cannot unlock the private key of {origin}: {error}")]
    Unlock {
        /// The printable name of the file the key came from.
        origin: String,
        /// Why; a wrong passphrase, mostly.
        error: KeyError,
    },
    /// There was no passphrase for a locked key, and no other key opens the recording.
    #[error("there is no passphrase for the private key of {origin}")]
    Ask {
        /// The printable name of the file the key came from.
        origin: String,
        /// What the caller's `ask` said.
        error: E,
    },
}

/// None of the private keys opens the recording: what the caller needs to say more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOpened {
    /// The private keys that were tried. Empty if there is none.
    pub tried: Vec<Tried>,
    /// The length of the wrapped key in bytes: that of the right key's modulus.
    pub wrapped_len: usize,
    /// The certificates and public keys that belong to none of the private keys.
    pub meant: Vec<Companion>,
    /// The private keys that were passed over.
    pub unusable: Vec<Unusable>,
}

/// A private key that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The printable name of the file it came from.
    pub origin: String,
    /// Its name.
    pub fingerprint: Fingerprint,
    /// The length of its modulus in bits.
    pub bits: usize,
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.tried.as_slice(), self.meant.as_slice()) {
            ([], []) => f.write_str("there is no private key"),
            ([], [public, ..]) => write!(f, "there is no private key, only a {}", public.key.kind),
            ([_], _) => f.write_str("the private key does not open it"),
            (tried, _) => write!(f, "none of the {} private keys opens it", tried.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rsa::rand_core::UnwrapErr;
    use rsa::{Oaep, Pkcs1v15Encrypt};

    use super::*;
    use crate::envelope::Payload;
    use crate::key::{PublicKind, generate};

    fn ring(files: &[(&str, &str)]) -> KeyRing {
        let mut ring = KeyRing::default();
        for (origin, text) in files {
            ring.add(origin, text.as_bytes()).unwrap();
        }
        ring
    }

    fn locked(key: &PrivateKey, passphrase: &str) -> String {
        key.pkcs8_pem(Some(&passphrase_of(passphrase)))
            .unwrap()
            .to_string()
    }

    fn plain(key: &PrivateKey) -> String {
        key.pkcs8_pem(None).unwrap().to_string()
    }

    fn passphrase_of(text: &str) -> Passphrase {
        Passphrase::new(text.as_bytes().to_vec())
    }

    fn wrap(key: &PrivateKey, algorithm: WrapAlgorithm, content: &[u8]) -> KeyWrap {
        let (public, mut rng) = (key.rsa().to_public_key(), UnwrapErr(getrandom::SysRng));
        let wrapped = match algorithm {
            WrapAlgorithm::RsaOaepSha256 => {
                public.encrypt(&mut rng, Oaep::<sha2::Sha256>::new(), content)
            }
            WrapAlgorithm::RsaOaepSha1 => {
                public.encrypt(&mut rng, Oaep::<sha1::Sha1>::new(), content)
            }
            WrapAlgorithm::RsaPkcs1v15 => public.encrypt(&mut rng, Pkcs1v15Encrypt, content),
        };
        let wrapped = wrapped.unwrap();
        KeyWrap {
            algorithm,
            payload: Payload::Key,
            key_id: Some("CR1".to_owned()),
            wrapped,
        }
    }

    /// What a search yields: origins, then the error; and which files a passphrase was asked of.
    fn run(
        ring: &mut KeyRing,
        wrap: &KeyWrap,
        answer: Option<&str>,
    ) -> (Vec<String>, Option<RingError<()>>, Vec<String>) {
        let mut asked = vec![];
        let mut ask = |origin: &str| {
            asked.push(origin.to_owned());
            answer.map(passphrase_of).ok_or(())
        };
        let (mut origins, mut error) = (vec![], None);
        for found in ring.search(wrap, &mut ask) {
            match found {
                Ok(opened) => {
                    assert_eq!(opened.key.key().len(), 32);
                    origins.push(opened.origin);
                }
                Err(end) => assert!(error.replace(end).is_none(), "two errors"),
            }
        }
        (origins, error, asked)
    }

    #[test]
    fn oaep_finds_the_key_and_unlocks_no_more_than_needed() {
        let keys: Vec<_> = (0..3).map(|_| generate(1024).unwrap()).collect();
        let mut ring = ring(&[
            ("a.pem", &locked(&keys[0], "secret")),
            ("b.pem", &plain(&keys[1])),
            ("CR1.pem", &locked(&keys[2], "secret")),
        ]);
        let one = |name: &str| vec![name.to_owned()];

        let unlocked = wrap(&keys[1], WrapAlgorithm::RsaOaepSha256, &[7; 32]);
        assert_eq!(
            run(&mut ring, &unlocked, None),
            (one("b.pem"), None, vec![])
        );

        // The file that is named for the key id is asked first, and stays unlocked.
        let named = wrap(&keys[2], WrapAlgorithm::RsaOaepSha1, &[7; 32]);
        assert_eq!(
            run(&mut ring, &named, Some("secret")),
            (one("CR1.pem"), None, one("CR1.pem"))
        );
        assert_eq!(run(&mut ring, &named, None), (one("CR1.pem"), None, vec![]));

        // No passphrase: asked again for the next recording. A wrong one: not again.
        let last = wrap(&keys[0], WrapAlgorithm::RsaOaepSha256, &[7; 32]);
        let ask = RingError::Ask {
            origin: "a.pem".to_owned(),
            error: (),
        };
        assert_eq!(
            run(&mut ring, &last, None),
            (vec![], Some(ask), one("a.pem"))
        );
        let unlock = || {
            Some(RingError::Unlock {
                origin: "a.pem".to_owned(),
                error: KeyError::WrongPassphrase,
            })
        };
        assert_eq!(
            run(&mut ring, &last, Some("wrong")),
            (vec![], unlock(), one("a.pem"))
        );
        assert_eq!(
            run(&mut ring, &last, Some("secret")),
            (vec![], unlock(), vec![])
        );
        // It stands in nobody's way.
        assert_eq!(run(&mut ring, &named, None), (one("CR1.pem"), None, vec![]));
    }

    #[test]
    fn v1_5_gives_every_candidate() {
        let keys: Vec<_> = (0..2).map(|_| generate(1024).unwrap()).collect();
        let mut ring = ring(&[
            ("a.pem", &plain(&keys[0])),
            ("b.pem", &locked(&keys[1], "x")),
        ]);
        let wrapped = wrap(&keys[0], WrapAlgorithm::RsaPkcs1v15, &[7; 32]);

        let mut never = |_: &str| -> Result<Passphrase, ()> { panic!("asked too early") };
        let first = ring.search(&wrapped, &mut never).next();
        assert_eq!(first.unwrap().unwrap().key.key(), &[7; 32]);

        let (origins, error, asked) = run(&mut ring, &wrapped, Some("x"));
        assert_eq!(
            (origins[0].as_str(), error, asked),
            ("a.pem", None, vec!["b.pem".to_owned()])
        );

        // No candidate at all: the same as with OAEP.
        let short = wrap(&keys[0], WrapAlgorithm::RsaPkcs1v15, &[7; 16]);
        let mut only = self::ring(&[("a.pem", &plain(&keys[0]))]);
        assert!(matches!(
            run(&mut only, &short, None),
            (_, Some(RingError::NotOpened(_)), _)
        ));
    }

    #[test]
    fn a_right_key_with_a_wrong_payload_ends_the_search() {
        let keys: Vec<_> = (0..2).map(|_| generate(1024).unwrap()).collect();
        let mut ring = ring(&[("a.pem", &plain(&keys[0])), ("b.pem", &plain(&keys[1]))]);
        let wrapped = wrap(&keys[0], WrapAlgorithm::RsaOaepSha1, &[7; 24]);
        let error = RingError::Payload {
            origin: "a.pem".to_owned(),
            fingerprint: keys[0].fingerprint(),
            error: PayloadError::Length {
                found: 24,
                expected: 32,
            },
        };
        assert_eq!(
            run(&mut ring, &wrapped, None),
            (vec![], Some(error), vec![])
        );
    }

    #[test]
    fn a_failure_says_what_was_tried_and_what_was_meant() {
        let (there, missing) = (generate(1024).unwrap(), generate(2048).unwrap());
        let now = std::time::SystemTime::now();
        let certificate = missing.self_signed_certificate("x", 1, now).unwrap();
        let own = plain(&there) + &there.public_pem().unwrap();
        let wrapped = wrap(&missing, WrapAlgorithm::RsaOaepSha256, &[7; 32]);
        let meant = Companion {
            origin: "cert.pem".to_owned(),
            key: PublicKey {
                fingerprint: missing.fingerprint(),
                bits: 2048,
                kind: PublicKind::Certificate,
            },
        };
        let mut failure = NotOpened {
            tried: vec![Tried {
                origin: "a.pem".to_owned(),
                fingerprint: there.fingerprint(),
                bits: 1024,
            }],
            wrapped_len: 256,
            meant: vec![meant],
            unusable: vec![],
        };
        // The same key twice is one key.
        let mut ring = ring(&[
            ("a.pem", &own),
            ("again.pem", &plain(&there)),
            ("cert.pem", &certificate),
        ]);
        let (_, error, _) = run(&mut ring, &wrapped, None);
        assert_eq!(error, Some(RingError::NotOpened(failure.clone())));
        assert_eq!(failure.to_string(), "the private key does not open it");

        let mut only = self::ring(&[("cert.pem", &certificate)]);
        failure.tried.clear();
        assert!(only.is_empty());
        assert_eq!(
            run(&mut only, &wrapped, None).1,
            Some(RingError::NotOpened(failure.clone()))
        );
        assert_eq!(
            failure.to_string(),
            "there is no private key, only a certificate"
        );
    }

    #[test]
    fn who_types_is_asked_three_times() {
        let key = generate(1024).unwrap();
        let ring = ring(&[("a.pem", &locked(&key, "secret"))]);
        let wrapped = wrap(&key, WrapAlgorithm::RsaOaepSha256, &[7; 32]);
        let mut asked = 0;
        let mut ask = |_: &str| -> Result<Passphrase, ()> {
            asked += 1;
            Ok(Passphrase::typed(b"no".to_vec()))
        };
        assert!(ring.search(&wrapped, &mut ask).next().unwrap().is_err());
        assert_eq!(asked, 3);
    }
}
