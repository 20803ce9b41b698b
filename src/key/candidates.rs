//! [`Candidates`]: the search of a [`KeyRing`] for the key of one recording.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::trace;

use super::error::UnwrapError;
use super::not_opened::{NotOpened, RingError, Tried};
use super::passphrase::Passphrase;
use super::ring::KeyRing;
use super::rsa_key::{Fingerprint, PrivateKey};
use super::unwrap::ContentKey;
use crate::envelope::KeyWrap;

impl KeyRing {
    /// The content keys that the private keys give, one at a time and no more work than is asked
    /// for: so that the right key costs the same in a ring of one and of a hundred.
    ///
    /// First comes the key whose file name contains the wrap's key id, then the key that opened
    /// the last recording, then the other unlocked ones, then the locked ones, those named for
    /// the key id first. `ask` gives the passphrase of a locked key by its origin, if it can; it is
    /// asked again, up to three times in all, after a wrong one that is [`Passphrase::typed`].
    ///
    /// OAEP proves a key right, so the first is the only one. RSAES-PKCS1-v1_5 does not: try
    /// each on the content, take the next if it does not fit, and [`accept`](Candidates::accept)
    /// the one that does.
    pub fn search<'a>(
        &'a self,
        wrap: &'a KeyWrap,
        ask: &'a mut dyn FnMut(&str) -> Option<Passphrase>,
    ) -> Candidates<'a> {
        Candidates {
            ring: self,
            wrap,
            ask,
            turn: Turn::Likely,
            queue: Vec::new().into_iter(),
            tried: vec![false; self.entries.len()],
            any_opened: false,
            trouble: None,
        }
    }
}

/// A content key, and the private key that gave it.
#[non_exhaustive]
pub struct Unwrapped {
    /// The content key.
    pub key: ContentKey,
    /// The private key's name.
    pub fingerprint: Fingerprint,
    /// The printable name of the file it came from.
    pub origin: String,
    /// Its place in the ring.
    index: usize,
}

/// The content keys that the keys of a [`KeyRing`] give for one recording, most likely first.
///
/// Ends with an error if there is reason for one: a locked key could not be tried, or none of
/// the keys opened it. A wrong passphrase is not reported before all other keys were tried.
pub struct Candidates<'a> {
    ring: &'a KeyRing,
    wrap: &'a KeyWrap,
    ask: &'a mut dyn FnMut(&str) -> Option<Passphrase>,
    /// Which keys are in the queue.
    turn: Turn,
    queue: std::vec::IntoIter<usize>,
    tried: Vec<bool>,
    any_opened: bool,
    /// The first locked key that could not be tried.
    trouble: Option<RingError>,
}

/// The order in which keys are tried.
enum Turn {
    /// Unlocked keys that there is a reason for.
    Likely,
    /// All unlocked keys.
    Unlocked,
    /// All that are left.
    Locked,
    /// The end was told.
    Over,
}

impl Iterator for Candidates<'_> {
    type Item = Result<Unwrapped, RingError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(index) = self.next_key() {
            match self.attempt(index) {
                Ok(Some(unwrapped)) => {
                    self.any_opened = true;
                    if self.wrap.algorithm.proves_key() {
                        self.accept(&unwrapped);
                        self.finish();
                    }
                    return Some(Ok(unwrapped));
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
        if matches!(std::mem::replace(&mut self.turn, Turn::Over), Turn::Over) {
            return None;
        }
        match self.trouble.take() {
            Some(error) => Some(Err(error)),
            None if self.any_opened => None,
            None => Some(Err(RingError::NotOpened(self.not_opened()))),
        }
    }
}

impl Candidates<'_> {
    /// Takes note that this one opened the recording: its private key is tried early for the
    /// next. Only the caller knows, except with OAEP, where this is done already.
    pub fn accept(&self, unwrapped: &Unwrapped) {
        self.ring.last.store(unwrapped.index + 1, Ordering::Relaxed);
    }

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
            passed_over: ring.passed_over.clone(),
        }
    }

    fn finish(&mut self) {
        self.queue = Vec::new().into_iter();
        self.turn = Turn::Over;
    }

    /// The next key that was not tried, by its place in the ring.
    fn next_key(&mut self) -> Option<usize> {
        loop {
            for index in self.queue.by_ref() {
                let tried = self.tried.get_mut(index)?;
                if !std::mem::replace(tried, true) {
                    return Some(index);
                }
            }
            let all = 0..self.tried.len();
            let (ring, key_id) = (self.ring, self.wrap.key_id.as_deref());
            let entries = ring.entries.iter().enumerate();
            let named = entries
                .filter(|(_, entry)| entry.is_named(key_id))
                .map(|(index, _)| index);
            let is_open = |index: &usize| ring.is_open(*index);
            let (turn, queue): (_, Vec<usize>) = match self.turn {
                Turn::Likely => {
                    let likely = named.chain(ring.last());
                    (Turn::Unlocked, likely.filter(is_open).collect())
                }
                Turn::Unlocked => (Turn::Locked, all.filter(is_open).collect()),
                Turn::Locked if self.tried.contains(&false) => {
                    (Turn::Locked, named.chain(all).collect())
                }
                Turn::Locked | Turn::Over => return None,
            };
            (self.turn, self.queue) = (turn, queue.into_iter());
        }
    }

    /// Tries one key, unlocking it first if need be.
    fn attempt(&mut self, index: usize) -> Result<Option<Unwrapped>, RingError> {
        let Some(entry) = self.ring.entries.get(index) else {
            return Ok(None);
        };
        let key = entry.unlock(self.ask)?;
        let origin = entry.origin.clone();
        let fingerprint = key.fingerprint();
        let unwrapped = key.unwrap(self.wrap);
        trace!(path = origin, %fingerprint, opens = unwrapped.is_ok(), "tried a private key");
        match unwrapped {
            Ok(key) => Ok(Some(Unwrapped {
                key,
                fingerprint,
                origin,
                index,
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rsa::rand_core::UnwrapErr;
    use rsa::{Oaep, Pkcs1v15Encrypt};

    use super::*;
    use crate::envelope::{Payload, WrapAlgorithm};
    use crate::key::error::{KeyError, PayloadError};
    use crate::key::generate;
    use crate::key::not_opened::{Companion, PassedOver};
    use crate::key::ring::{Entry, State};
    use crate::key::rsa_key::{PublicKey, PublicKind};

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
    ) -> (Vec<String>, Option<RingError>, Vec<String>) {
        let mut asked = vec![];
        let mut ask = |origin: &str| {
            asked.push(origin.to_owned());
            answer.map(passphrase_of)
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
        let ask = RingError::NoPassphrase {
            origin: "a.pem".to_owned(),
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
    fn all_keys_are_unlocked_at_once_and_nobody_is_asked_again() {
        let keys: Vec<_> = (0..3).map(|_| generate(1024).unwrap()).collect();
        let files = [
            ("a.pem", locked(&keys[0], "secret")),
            ("b.pem", plain(&keys[1])),
            ("c.pem", locked(&keys[2], "other")),
        ];
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let mut unlocking = ring(&files);
        let mut asked = vec![];
        let unlocked = unlocking.unlock(&mut |origin| {
            asked.push(origin.to_owned());
            Some(passphrase_of(if origin == "a.pem" {
                "secret"
            } else {
                "other"
            }))
        });
        assert_eq!(
            (unlocked, asked),
            (Ok(()), vec!["a.pem".to_owned(), "c.pem".to_owned()])
        );
        let last = wrap(&keys[2], WrapAlgorithm::RsaOaepSha256, &[7; 32]);
        let found = run(&mut unlocking, &last, None);
        assert_eq!(found, (vec!["c.pem".to_owned()], None, vec![]));

        let staying = ring(&files);
        let nobody = staying.unlock(&mut |_| None);
        assert!(matches!(nobody, Err(RingError::NoPassphrase { origin }) if origin == "a.pem"));
        let wrong = staying.unlock(&mut |_| Some(passphrase_of("secret")));
        assert!(matches!(wrong, Err(RingError::Unlock { origin, .. }) if origin == "c.pem"));
    }

    #[test]
    fn v1_5_gives_every_candidate() {
        let keys: Vec<_> = (0..2).map(|_| generate(1024).unwrap()).collect();
        let mut ring = ring(&[
            ("a.pem", &plain(&keys[0])),
            ("b.pem", &locked(&keys[1], "x")),
        ]);
        let wrapped = wrap(&keys[0], WrapAlgorithm::RsaPkcs1v15, &[7; 32]);

        let mut never = |_: &str| -> Option<Passphrase> { panic!("asked too early") };
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
            passed_over: vec![],
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

    /// The files whose keys were tried, in order: for RSAES-PKCS1-v1_5 every key is.
    fn order(ring: &KeyRing, wrap: &KeyWrap) -> (Vec<String>, Vec<String>) {
        let mut asked = vec![];
        let mut ask = |origin: &str| {
            asked.push(origin.to_owned());
            Some(passphrase_of("secret"))
        };
        let mut search = ring.search(wrap, &mut ask);
        let origin = |index: usize| ring.entries[index].origin.clone();
        let order = std::iter::from_fn(|| {
            let index = search.next_key()?;
            search.attempt(index).ok();
            Some(origin(index))
        });
        (order.collect(), asked)
    }

    #[test]
    fn the_named_key_is_tried_first_then_the_last_opener_then_the_rest() {
        let keys: Vec<_> = (0..5).map(|_| generate(1024).unwrap()).collect();
        let mut ring = ring(&[
            ("a.pem", &locked(&keys[0], "secret")),
            ("b.pem", &plain(&keys[1])),
            ("folder CR1/c.pem", &plain(&keys[2])),
            ("folder/CR1.pem", &plain(&keys[3])),
            ("CR1 locked.pem", &locked(&keys[4], "secret")),
        ]);
        let wrapped = wrap(&keys[2], WrapAlgorithm::RsaOaepSha256, &[7; 32]);
        let (found, error, asked) = run(&mut ring, &wrapped, None);
        assert_eq!((found.len(), error, asked.len()), (1, None, 0));

        let (order, asked) = order(&ring, &wrapped);
        let expected = [
            "folder/CR1.pem",
            "folder CR1/c.pem",
            "b.pem",
            "CR1 locked.pem",
            "a.pem",
        ];
        assert_eq!(order, expected);
        assert_eq!(asked, expected[3..]);
    }

    #[test]
    fn with_v1_5_the_last_opener_is_what_the_caller_accepted() {
        let keys: Vec<_> = (0..3).map(|_| generate(1024).unwrap()).collect();
        let ring = ring(&[
            ("a.pem", &plain(&keys[0])),
            ("b.pem", &plain(&keys[1])),
            ("c.pem", &plain(&keys[2])),
        ]);
        let wrapped = wrap(&keys[1], WrapAlgorithm::RsaPkcs1v15, &[7; 32]);
        let mut ask = |_: &str| None;
        let mut search = ring.search(&wrapped, &mut ask);
        let found = search
            .find_map(|found| found.ok().filter(|found| found.origin == "b.pem"))
            .unwrap();
        assert_eq!(order(&ring, &wrapped).0, ["a.pem", "b.pem", "c.pem"]);
        search.accept(&found);
        assert_eq!(order(&ring, &wrapped).0, ["b.pem", "a.pem", "c.pem"]);
    }

    /// One private-key operation for each recording but the first, however many keys there are.
    #[test]
    fn a_hundred_keys_cost_what_one_costs() {
        let key = generate(1024).unwrap();
        let mut ring = ring(&[("z.pem", &plain(&key))]);
        let state = || Mutex::new(State::Open(Arc::new(generate(1024).unwrap())));
        let others = (0..4).map(|n| (format!("{n}.pem"), state()));
        let others = others.map(|(origin, state)| Entry { origin, state });
        ring.entries.splice(0..0, others);
        let mut wrapped = wrap(&key, WrapAlgorithm::RsaOaepSha256, &[7; 32]);
        wrapped.key_id = None;
        for attempts in [5, 1, 1, 1] {
            let mut ask = |_: &str| None;
            let mut search = ring.search(&wrapped, &mut ask);
            assert!(search.next().unwrap().is_ok());
            let tried = search.tried.iter().filter(|tried| **tried).count();
            assert_eq!(tried, attempts);
        }
    }

    #[test]
    fn what_was_passed_over_is_told() {
        let (there, missing) = (generate(1024).unwrap(), generate(1024).unwrap());
        let mut ring = ring(&[("a.pem", &plain(&there))]);
        ring.pass_over("notes.txt", &KeyError::NoKey);
        let wrapped = wrap(&missing, WrapAlgorithm::RsaOaepSha256, &[7; 32]);
        let (_, Some(RingError::NotOpened(reason)), _) = run(&mut ring, &wrapped, None) else {
            panic!("it was opened")
        };
        let expected = PassedOver {
            origin: "notes.txt".to_owned(),
            why: "it holds no RSA key".to_owned(),
        };
        assert_eq!(reason.passed_over, [expected]);
    }
}
