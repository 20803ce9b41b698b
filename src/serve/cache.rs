//! [`Cache`]: recordings that were verified lately, as ciphertext, and one fetch for many who ask.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::metrics::{Count, Metrics};
use crate::cipher::lock;
use crate::job::{Library, Playable, Unplayable};
use crate::media::{Bytes, Media};
use crate::waveform::{Labels, Peaks};

/// How long an entry is good without its source being asked.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// The most entries: each has a descriptor.
const MOST: usize = 512;

/// The most recordings that are fetched and verified at the same time: what they take of memory is half
/// of what there is (see [`Library::new`]), and those at hand have the other half. How many of their keys
/// are unwrapped is bounded elsewhere, by the cores.
const AT_ONCE: usize = 16;

/// Recordings that are at hand, and those on their way.
pub(super) struct Cache {
    library: Arc<Library>,
    metrics: Arc<Metrics>,
    /// Who is told what is not at hand, and why: as many as can wait to be told.
    told: mpsc::Sender<(String, Missing)>,
    /// Bytes of memory for those at hand.
    limit: u64,
    places: Arc<Semaphore>,
    /// For those that draw: it takes a core.
    easels: Semaphore,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    entries: HashMap<String, Entry>,
    coming: HashMap<String, watch::Receiver<Option<Outcome>>>,
    /// What is counted up with each use.
    uses: u64,
    /// Counted up when all is forgotten: what was begun before is not kept.
    age: u64,
}

struct Entry {
    kept: Arc<Kept>,
    since: Instant,
    used: u64,
}

/// A recording that is at hand.
pub(super) struct Kept {
    pub(super) playable: Playable,
    /// A strong entity tag, with its quotes: of the plaintext.
    pub(super) tag: String,
    /// Pictures of its sound, once they were made; empty where there is nothing to be seen.
    pub(super) waveform: OnceLock<Option<Waveform>>,
}

/// Pictures of a recording's sound.
pub(super) struct Waveform {
    pub(super) svg: String,
    pub(super) json: String,
}

/// Why a recording is not at hand, and in words for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// There is none.
    Unknown,
    /// It does not verify, or no key opens it.
    Unusable(String),
    /// Nobody can say now.
    Unreachable(String),
}

/// A recording, or why there is none.
pub(super) type Outcome = Result<Arc<Kept>, Missing>;

impl Kept {
    fn of(playable: Playable) -> Self {
        let digest = playable.verified.outcome().sha256.unwrap_or_default();
        let digest = base16ct::lower::encode_string(digest.get(..16).unwrap_or_default());
        Self {
            playable,
            tag: format!("\"{digest}\""),
            waveform: OnceLock::new(),
        }
    }

    /// Bytes of plaintext.
    pub(super) fn length(&self) -> u64 {
        self.playable.verified.len()
    }

    /// What it is.
    pub(super) fn media(&self) -> &Media {
        &self.playable.verified.outcome().media
    }
}

impl Missing {
    fn of(error: &Unplayable) -> Self {
        match error {
            Unplayable::Unknown => Self::Unknown,
            Unplayable::Unusable(error) => Self::Unusable(words(error)),
            Unplayable::Unreachable(error) => Self::Unreachable(words(error)),
        }
    }
}

/// An error and its causes.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

impl Cache {
    /// Nothing yet, of `library`; at most `limit` bytes of memory in all.
    pub(super) fn new(
        library: Arc<Library>,
        metrics: Arc<Metrics>,
        told: mpsc::Sender<(String, Missing)>,
        limit: u64,
    ) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Arc::new(Self {
            library,
            metrics,
            told,
            limit: limit / 2,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            easels: Semaphore::new(cores),
            table: Mutex::default(),
        })
    }

    /// The recording, verified. Many who ask at the same time wait for the same; it goes on if none of
    /// them waits any more. `id` is as the provider writes it.
    pub(super) async fn get(self: &Arc<Self>, id: &str) -> Outcome {
        let mut coming = {
            let mut table = lock(&self.table);
            if let Some(kept) = table.fresh(id) {
                self.metrics.count(Count::CacheHits);
                return Ok(kept);
            }
            match table.coming.get(id) {
                Some(coming) => coming.clone(),
                None => self.begin(&mut table, id),
            }
        };
        let came = coming.wait_for(Option::is_some).await;
        let came = came.ok().and_then(|outcome| outcome.clone());
        came.unwrap_or_else(|| Err(Missing::Unreachable("it was given up".to_owned())))
    }

    /// Begins to fetch it, or to ask whether it changed.
    fn begin(self: &Arc<Self>, table: &mut Table, id: &str) -> watch::Receiver<Option<Outcome>> {
        let (done, coming) = watch::channel(None);
        let (this, age, key) = (Arc::clone(self), table.age, id.to_owned());
        let old = table.entries.get(id).map(|entry| Arc::clone(&entry.kept));
        table.coming.insert(key.clone(), coming.clone());
        let fetching = async move {
            let outcome = this.fetched(&key, old).await;
            let mut table = lock(&this.table);
            if table.age == age {
                table.coming.remove(&key);
                match &outcome {
                    Ok(kept) => table.put(key, Arc::clone(kept), this.limit),
                    // It is there still, but nobody knows whether it is as it should be.
                    Err(Missing::Unreachable(_)) => {}
                    Err(Missing::Unknown | Missing::Unusable(_)) => {
                        table.entries.remove(&key);
                    }
                }
            }
            drop(table);
            done.send_replace(Some(outcome));
        };
        tokio::spawn(fetching.in_current_span());
        coming
    }

    async fn fetched(self: &Arc<Self>, id: &str, old: Option<Arc<Kept>>) -> Outcome {
        let _place = self.places.acquire().await;
        let (this, name) = (Arc::clone(self), id.to_owned());
        let work = move || {
            if let Some(old) = old
                && this.library.is_current(&old.playable)?
            {
                return Ok(old);
            }
            let playable = this.library.find(&name)?;
            this.metrics.count(Count::Verified);
            Ok(Arc::new(Kept::of(playable)))
        };
        let span = Span::current();
        let work = move || span.in_scope(work);
        let result: Result<Result<_, Unplayable>, _> = tokio::task::spawn_blocking(work).await;
        let outcome = match result {
            Ok(found) => found.map_err(|error| Missing::of(&error)),
            Err(_) => Err(Missing::Unusable("it could not be looked at".to_owned())),
        };
        match &outcome {
            Err(Missing::Unusable(_)) => self.metrics.count(Count::Unusable),
            Err(Missing::Unreachable(_)) => self.metrics.count(Count::Unreachable),
            Ok(_) | Err(Missing::Unknown) => {}
        }
        if let Err(missing @ (Missing::Unusable(_) | Missing::Unreachable(_))) = &outcome {
            self.told.try_send((id.to_owned(), missing.clone())).ok();
        }
        outcome
    }

    /// Whether it is at hand, and its source need not be asked.
    pub(super) fn has(&self, id: &str) -> bool {
        lock(&self.table).fresh(id).is_some()
    }

    /// The pictures of a recording's sound, drawn when they are asked for first; `None` where there is
    /// nothing to be seen.
    pub(super) async fn pictures<'a>(&self, kept: &'a Arc<Kept>) -> Option<&'a Waveform> {
        if kept.waveform.get().is_none() {
            let _easel = self.easels.acquire().await;
            let kept = Arc::clone(kept);
            // Many who ask at the same time wait for the same.
            let draw = move || {
                kept.waveform.get_or_init(|| drawn(&kept));
            };
            tokio::task::spawn_blocking(draw).await.ok()?;
        }
        kept.waveform.get()?.as_ref()
    }

    /// Forgets a recording that is not as it was any more.
    pub(super) fn forget(&self, id: &str, kept: &Arc<Kept>) {
        let mut table = lock(&self.table);
        let is_it = |entry: &Entry| Arc::ptr_eq(&entry.kept, kept);
        if table.entries.get(id).is_some_and(is_it) {
            table.entries.remove(id);
        }
    }

    /// Forgets everything.
    pub(super) fn empty(&self) {
        let mut table = lock(&self.table);
        table.age += 1;
        table.entries.clear();
        table.coming.clear();
    }

    /// How many recordings are at hand, and how many bytes of memory they take.
    pub(super) fn size(&self) -> (usize, u64) {
        let table = lock(&self.table);
        (table.entries.len(), table.weight())
    }
}

impl Table {
    fn fresh(&mut self, id: &str) -> Option<Arc<Kept>> {
        self.uses += 1;
        let entry = self.entries.get_mut(id)?;
        entry.used = self.uses;
        (entry.since.elapsed() < FRESH).then(|| Arc::clone(&entry.kept))
    }

    fn weight(&self) -> u64 {
        let entries = self.entries.values();
        entries.map(|entry| entry.kept.playable.weight).sum()
    }

    /// Keeps it, and drops those that were not used for the longest time where there is no room.
    fn put(&mut self, id: String, kept: Arc<Kept>, limit: u64) {
        self.uses += 1;
        let entry = Entry {
            kept,
            since: Instant::now(),
            used: self.uses,
        };
        self.entries.insert(id, entry);
        while self.entries.len() > MOST || (self.entries.len() > 1 && self.weight() > limit) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(id) = oldest.map(|(id, _)| id.clone()) else {
                return;
            };
            self.entries.remove(&id);
        }
    }
}

/// Pictures of a recording's sound; `None` where there is none that can be decoded.
fn drawn(kept: &Kept) -> Option<Waveform> {
    let verified = &kept.playable.verified;
    let read = |buffer: &mut [u8], offset: u64| verified.read_at(buffer, offset);
    let peaks = Peaks::of(Bytes::At(verified.len(), &read)).ok()?;
    let labels = Labels::new(kept.playable.id.clone(), peaks.channels.len());
    Some(Waveform {
        svg: peaks.svg(&labels),
        json: peaks.json(),
    })
}
