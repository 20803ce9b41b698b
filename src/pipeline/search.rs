//! Finds how a recording is encrypted, where that is documented nowhere.
//!
//! GCM authenticates: a candidate is accepted by its tag over the whole file and by nothing else,
//! so some thousand tries do not make a false one likely (2^-115). What a candidate makes of the
//! first bytes only decides which are worth a whole pass. CBC has no tag: there it takes valid
//! padding and a container that chance shows less than once in 2^30.

mod form;
mod layout;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use self::form::{Aad, KeyForm, SaltForm, UnknownName};
pub use self::layout::{Layout, Place};
use super::Opener;
use crate::cipher::{BLOCK, lock, on_threads};
use crate::envelope::{Container, Mode};
use crate::io::{Source, Stored};
use crate::key::{ContentKey, Kdf};

/// Files up to this size are tried to the end under every key, whatever their beginning shows.
const SMALL: u64 = 64 << 20;

/// What recordings of calls come in.
pub const CONTAINERS: &[Container] = &[Container::Mp3, Container::Wav, Container::Ogg];

/// A key and salt to try, newest first.
pub struct Secret {
    /// The version of the pair.
    pub version: Option<u64>,
    /// The key's text.
    pub key: Zeroizing<String>,
    /// The salt's text.
    pub salt: Option<Zeroizing<String>>,
}

/// What is known of a recording.
pub struct Subject<'a> {
    /// The file.
    pub source: &'a Stored,
    /// Its first bytes.
    pub head: &'a [u8],
    /// The mode its metadata says.
    pub mode: Option<Mode>,
    /// The IV its metadata says.
    pub iv: Option<&'a [u8]>,
    /// The tag its metadata says.
    pub tag: Option<[u8; BLOCK]>,
    /// Its own salt, which comes before the pair's.
    pub salt: Option<&'a str>,
    /// Its id.
    pub id: Option<&'a str>,
    /// The name of its key.
    pub key_id: Option<&'a str>,
}

/// What need not be looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The layout.
    pub layout: Option<Layout>,
    /// The derivation.
    pub kdf: Option<Kdf>,
    /// The form of the key.
    pub key_form: Option<KeyForm>,
    /// The form of the salt.
    pub salt_form: Option<SaltForm>,
    /// The additional data.
    pub aad: Option<Aad>,
}

/// How a recording is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Where everything stands.
    pub layout: Layout,
    /// How the key is derived.
    pub kdf: Kdf,
    /// From which form of the key's text.
    pub key_form: KeyForm,
    /// With which form of the salt.
    pub salt_form: SaltForm,
    /// With which additional data.
    pub aad: Aad,
}

/// What opens a recording.
pub struct Found {
    /// The cipher, and what must come out.
    pub opener: Opener,
    /// The ciphertext as the engine reads it.
    pub source: Source,
    /// How it is encrypted.
    pub method: Method,
    /// The version of the pair that opens it.
    pub version: Option<u64>,
    /// Whether its tag, or padding and container, speak for it; else only its beginning does.
    pub proven: bool,
}

/// What was tried in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GaveUp {
    /// Derived keys, each once with each salt.
    pub keys: usize,
    /// Derivations.
    pub kdfs: Vec<String>,
    /// Layouts.
    pub layouts: Vec<&'static str>,
    /// Versions of the configuration, where they have numbers.
    pub versions: Vec<u64>,
    /// Passes over the whole file.
    pub passes: usize,
    /// Whether the time was over before everything was tried.
    pub out_of_time: bool,
    /// What is missing for what was asked, so that nothing could be tried.
    pub lacking: Option<String>,
}

/// Why a search found nothing.
#[derive(Debug)]
pub enum SearchError {
    /// The file cannot be read.
    Read(io::Error),
    /// Everything was tried, or the time was over.
    GaveUp(GaveUp),
}

impl From<io::Error> for SearchError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// Derived keys, for all recordings of a run: a slow derivation is done once.
#[derive(Default)]
pub struct Derived {
    keys: Mutex<HashMap<Origin, Option<Arc<ContentKey>>>>,
    /// Held by a derivation that takes more than [`MUCH`] memory: one at a time.
    memory: Mutex<()>,
}

/// The most keys that are remembered: recordings with salts of their own have no end.
const REMEMBERED: usize = 10_000;

/// More memory than this is taken by one derivation at a time.
const MUCH: u64 = 128 << 20;

/// A derivation, and the digest of the secret and the salt that went into it.
type Origin = (Kdf, [u8; 32]);

impl Derived {
    fn get(&self, job: &Derivation) -> Option<Arc<ContentKey>> {
        let length = (job.secret.len() as u64).to_be_bytes();
        let parts = [&length[..], job.secret.as_slice(), job.salt.as_slice()];
        let digest = parts.iter().fold(Sha256::new(), Digest::chain_update);
        let place = (job.kdf.clone(), digest.finalize().into());
        if let Some(known) = lock(&self.keys).get(&place) {
            return known.clone();
        }
        let _one_at_a_time = (job.kdf.memory() > MUCH).then(|| lock(&self.memory));
        let key = job.kdf.derive(&job.secret, &job.salt).map(Arc::new);
        let mut keys = lock(&self.keys);
        if keys.len() >= REMEMBERED {
            keys.clear();
        }
        keys.insert(place, key.clone());
        key
    }
}

/// A secret that many jobs share.
type Bytes = Arc<Zeroizing<Vec<u8>>>;

/// A salt in one form.
#[derive(Clone)]
struct Salt {
    form: SaltForm,
    bytes: Bytes,
    /// Its text, for additional data.
    text: Arc<Zeroizing<String>>,
}

/// A secret in every form.
struct Forms {
    version: Option<u64>,
    keys: Vec<(KeyForm, Bytes)>,
    /// For derivations that take a salt.
    salts: Vec<Salt>,
    /// For the others, where the salt may be additional data all the same.
    texts: Vec<Salt>,
}

/// One key to derive.
struct Derivation {
    version: Option<u64>,
    kdf: Kdf,
    key_form: KeyForm,
    salt_form: SaltForm,
    secret: Bytes,
    salt: Bytes,
    /// The salt's text, for additional data.
    salt_text: Arc<Zeroizing<String>>,
}

/// A search for what opens one recording.
pub struct Finder<'a> {
    /// The recording.
    pub subject: Subject<'a>,
    /// The keys and salts, newest first.
    pub secrets: &'a [&'a Secret],
    /// What is known for certain.
    pub pins: &'a Pins,
    /// What opened another recording; tried first.
    pub known: Option<&'a Method>,
    /// Keys of this run.
    pub derived: &'a Derived,
    /// When to give up.
    pub deadline: Instant,
    /// Workers.
    pub threads: usize,
    /// Called with keys tried and keys there are.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// What the workers share.
#[derive(Default)]
struct Shared {
    next: AtomicUsize,
    done: AtomicUsize,
    stop: AtomicBool,
    late: AtomicBool,
    passes: AtomicUsize,
    seen: Mutex<HashSet<[u8; 32]>>,
    /// Keys that were derived, in the order of their jobs.
    keys: Mutex<Vec<(usize, Arc<ContentKey>)>>,
    found: Mutex<Option<Result<Found, io::Error>>>,
    /// The first that shows a recording and does not prove it: the right key, damaged content.
    suspect: Mutex<Option<Found>>,
}

impl Shared {
    /// Ends the search: this opens the recording.
    fn prove(&self, mut found: Found) {
        found.proven = true;
        lock(&self.found).get_or_insert(Ok(found));
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Finder<'_> {
    /// Tries everything, likeliest first.
    ///
    /// What only the beginning speaks for is returned too, if nothing else is found: opening it
    /// then says what is wrong with the rest.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn run(&self) -> Result<Found, SearchError> {
        let layouts = self.layouts();
        let jobs = match layouts.as_slice() {
            [] => vec![],
            _ => self.jobs(),
        };
        let shared = Shared::default();
        self.share_out(&shared, jobs.len(), |at| {
            let Some(job) = jobs.get(at) else {
                return Ok(());
            };
            // What shows a recording is under the right key: nothing else is worth a derivation.
            let is_other = |suspect: &Found| suspect.method.kdf != job.kdf;
            if lock(&shared.suspect).as_ref().is_some_and(is_other) {
                return Ok(());
            }
            let Some(key) = self.derived.get(job) else {
                return Ok(());
            };
            // Versions may share a key and differ in the salt, which may be additional data.
            let seen = Sha256::new_with_prefix(key.key()).chain_update(job.salt_text.as_bytes());
            if !lock(&shared.seen).insert(seen.finalize().into()) {
                return Ok(());
            }
            for layout in &layouts {
                self.glance(job, &key, *layout, &shared)?;
            }
            lock(&shared.keys).push((at, key));
            Ok(())
        });
        let mut keys = std::mem::take(&mut *lock(&shared.keys));
        keys.sort_by_key(|(at, _)| *at);
        let open = |shared: &Shared| {
            lock(&shared.found).is_none()
                && lock(&shared.suspect).is_none()
                && self.subject.source.length() <= SMALL
        };
        if open(&shared) {
            let gcm = layouts.iter().filter(|layout| layout.mode() == Mode::Gcm);
            let gcm: Vec<_> = gcm.copied().collect();
            shared.next.store(0, Ordering::Relaxed);
            shared.done.store(0, Ordering::Relaxed);
            self.share_out(&shared, keys.len() * gcm.len(), |at| {
                let pair = keys.get(at % keys.len()).zip(gcm.get(at / keys.len()));
                match pair.and_then(|((job, key), layout)| Some((jobs.get(*job)?, key, *layout))) {
                    Some((job, key, layout)) => {
                        self.authenticate(job, key, layout, &shared).map(|_| ())
                    }
                    None => Ok(()),
                }
            });
        }
        if let Some(found) = lock(&shared.found).take() {
            return Ok(found?);
        }
        if let Some(suspect) = lock(&shared.suspect).take() {
            return Ok(suspect);
        }
        let mut kdfs: Vec<_> = Vec::new();
        for job in keys.iter().filter_map(|(at, _)| jobs.get(*at)) {
            let name = job.kdf.to_string();
            if !kdfs.contains(&name) {
                kdfs.push(name);
            }
        }
        let out_of_time = shared.late.into_inner();
        Err(SearchError::GaveUp(GaveUp {
            keys: keys.len(),
            kdfs,
            layouts: layouts.iter().map(|layout| layout.name()).collect(),
            versions: self.secrets.iter().filter_map(|s| s.version).collect(),
            passes: shared.passes.into_inner(),
            out_of_time,
            lacking: self.lacking(&layouts, keys.is_empty() && !out_of_time),
        }))
    }

    fn is_late(&self, shared: &Shared) -> bool {
        let late = Instant::now() >= self.deadline;
        if late {
            shared.late.store(true, Ordering::Relaxed);
        }
        late
    }

    fn share_out(
        &self,
        shared: &Shared,
        count: usize,
        work: impl Fn(usize) -> io::Result<()> + Sync,
    ) {
        let worker = || {
            while !shared.stop.load(Ordering::Relaxed) {
                let at = shared.next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return;
                }
                // Something is tried however short the time.
                if at > 0 && self.is_late(shared) {
                    return;
                }
                if let Err(error) = work(at) {
                    lock(&shared.found).get_or_insert(Err(error));
                    shared.stop.store(true, Ordering::Relaxed);
                }
                let done = shared.done.fetch_add(1, Ordering::Relaxed) + 1;
                (self.progress)(done, count);
            }
        };
        on_threads(self.threads.min(count), worker);
    }

    /// Every key to derive: what opened another recording, then the quick derivations, then the
    /// slow ones; of each the newest version first.
    fn jobs(&self) -> Vec<Derivation> {
        let kdfs = match &self.pins.kdf {
            Some(kdf) => vec![kdf.clone()],
            None => form::kdfs(),
        };
        let forms: Vec<_> = self.secrets.iter().map(|it| self.forms(it)).collect();
        let mut jobs = Vec::new();
        for kdf in &kdfs {
            for forms in &forms {
                for (key_form, secret) in &forms.keys {
                    let salts = if kdf.is_salted() {
                        &forms.salts
                    } else {
                        &forms.texts
                    };
                    jobs.extend(salts.iter().map(|salt| Derivation {
                        version: forms.version,
                        kdf: kdf.clone(),
                        key_form: *key_form,
                        salt_form: salt.form,
                        secret: Arc::clone(secret),
                        salt: Arc::clone(&salt.bytes),
                        salt_text: Arc::clone(&salt.text),
                    }));
                }
            }
        }
        if let Some(known) = self.known {
            let is_known = |job: &Derivation| {
                let its = (&job.kdf, job.key_form, job.salt_form);
                its == (&known.kdf, known.key_form, known.salt_form)
            };
            jobs.sort_by_key(|job| !is_known(job));
        }
        jobs
    }

    /// The key in every form; the recording's own salt, then the pair's, each in every form, then
    /// the file's.
    fn forms(&self, secret: &Secret) -> Forms {
        let is_free = |form: &KeyForm| self.pins.key_form.is_none_or(|pinned| pinned == *form);
        let keys = KeyForm::ALL.iter().copied().filter(is_free);
        let keys = keys.filter_map(|form| Some((form, Arc::new(form.of(&secret.key)?))));
        let configured = secret.salt.as_ref().map(|salt| salt.as_str());
        let mut texts: Vec<&str> = self.subject.salt.into_iter().chain(configured).collect();
        texts.dedup();
        if texts.is_empty() {
            texts.push("");
        }
        let salt = |form, bytes, text: &str| Salt {
            form,
            bytes: Arc::new(bytes),
            text: Arc::new(Zeroizing::new(text.to_owned())),
        };
        let mut salts = Vec::new();
        for text in &texts {
            let forms = SaltForm::ALL.iter().copied();
            salts.extend(forms.filter_map(|form| Some(salt(form, form.of(text)?, text))));
        }
        if let Some(place) = Layout::Salt16Nonce12CtTag16.place(self.subject.source.length())
            && let Some(bytes) = place.salt.and_then(|range| self.bytes(&range))
            && self.layouts().contains(&Layout::Salt16Nonce12CtTag16)
        {
            let text = texts.first().copied().unwrap_or_default();
            salts.push(salt(SaltForm::File, Zeroizing::new(bytes), text));
        }
        salts.retain(|salt| self.pins.salt_form.is_none_or(|pinned| pinned == salt.form));
        let form = self.pins.salt_form.unwrap_or(SaltForm::Text);
        let texts = texts
            .iter()
            .map(|text| salt(form, Zeroizing::default(), text));
        Forms {
            version: secret.version,
            keys: keys.collect(),
            salts,
            texts: texts.collect(),
        }
    }

    /// Why what is asked for cannot be tried at all.
    fn lacking(&self, layouts: &[Layout], is_keyless: bool) -> Option<String> {
        let length = self.subject.source.length();
        let Subject { iv, tag, .. } = self.subject;
        let aad = match self.pins.aad {
            Some(Aad::Id) if self.subject.id.is_none() => Some("id"),
            Some(Aad::KeyId) if self.subject.key_id.is_none() => Some("key_id"),
            _ => None,
        };
        Some(match self.pins.layout {
            Some(layout) if self.subject.mode.is_some_and(|mode| mode != layout.mode()) => {
                let mode = layout.mode().name();
                format!("the layout {layout} is {mode}, and the metadata says another algorithm")
            }
            Some(layout) if layout.needs_iv() && iv.is_none() => {
                format!(
                    "the layout {layout} needs a nonce or iv in the metadata, and there is none"
                )
            }
            Some(layout) if layout.needs_tag() && tag.is_none() => {
                format!("the layout {layout} needs a tag in the metadata, and there is none")
            }
            Some(layout) if layouts.is_empty() => {
                format!("{length} bytes with this IV cannot have the layout {layout}")
            }
            None if layouts.is_empty() => format!("{length} bytes cannot have any layout"),
            _ if is_keyless => "no key can be used in the form that was asked for".to_owned(),
            _ => format!(
                "the additional data is the {} of the metadata, which has none",
                aad?
            ),
        })
    }

    /// Bytes of the file's head.
    fn bytes(&self, range: &std::ops::Range<u64>) -> Option<Vec<u8>> {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok()?;
        self.subject.head.get(start..end).map(<[u8]>::to_vec)
    }

    /// Whether the IV stands where a CBC layout has it. Nothing in CBC tells a block that is taken
    /// for the IV from one that is: the recording would lose its first 16 bytes.
    fn has_its_iv(&self, layout: Layout) -> bool {
        match self.subject.iv.filter(|iv| iv.len() == BLOCK) {
            Some(_) if self.pins.layout.is_some() => true,
            Some(iv) => self.subject.head.starts_with(iv) != layout.needs_iv(),
            None => !layout.needs_iv(),
        }
    }

    fn layouts(&self) -> Vec<Layout> {
        let possible = |layout: &Layout| {
            let subject = &self.subject;
            let iv = subject.iv.map(<[u8]>::len);
            self.pins.layout.is_none_or(|pinned| pinned == *layout)
                && subject.mode.is_none_or(|mode| mode == layout.mode())
                && layout.place(subject.source.length()).is_some()
                && (!layout.needs_iv() || iv.is_some())
                && (layout.mode() == Mode::Gcm || self.has_its_iv(*layout))
                && (!layout.needs_tag() || subject.tag.is_some())
        };
        let known = self.known.map(|known| known.layout);
        let mut layouts: Vec<_> = Layout::ALL.iter().copied().filter(possible).collect();
        layouts.sort_by_key(|layout| Some(*layout) != known);
        layouts
    }
}
