//! Many recordings, a few at a time.

use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::Builder;
use std::time::{Instant, SystemTime};

use tracing::debug_span;

use super::error::{Error, Trouble};
use super::input::Selected;
use super::item::{Item, Next};
use super::listed::Listed;
use super::one::Job;
use super::own::Own;
use super::record::{About, Done, Plain, Record};
use crate::cipher::{lock, on_threads};

/// How many recordings of a run came to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Opened and verified.
    pub done: usize,
    /// Left, as it should be.
    pub skipped: usize,
    /// Failed, or could not be reported.
    pub failed: usize,
    /// How many of these may work later.
    pub temporary: usize,
}

/// How a run over several recordings ended.
pub(crate) struct Ended {
    /// What became of them.
    pub tally: Tally,
    /// Why a list that named them ended before its end.
    pub broken: Option<Error>,
}

impl Ended {
    /// Whether all that failed, the lists among it, may work later.
    pub(crate) fn is_temporary(&self) -> bool {
        let list = self.broken.as_ref().is_none_or(Error::is_temporary);
        list && self.tally.failed == self.tally.temporary
    }
}

impl Tally {
    /// All of them.
    pub(crate) fn total(&self) -> usize {
        self.done + self.skipped + self.failed
    }

    fn count(&mut self, record: &Record, reported: bool) {
        match &record.result {
            _ if !reported => self.failed += 1,
            Ok(Done::Skipped(_)) => self.skipped += 1,
            Ok(_) => self.done += 1,
            Err(error) => {
                self.failed += 1;
                self.temporary += usize::from(error.is_temporary());
            }
        }
    }
}

impl<'a> Job<'a> {
    /// Decrypts one recording, and tells the observer.
    ///
    /// # Errors
    /// Why it was not decrypted. Otherwise whether it could be reported.
    pub(crate) fn single(&self, selected: &Selected) -> Result<bool, Error> {
        let (record, _) = self.one(selected, None);
        let reported = self.observer.done(&record);
        record.result.map(|_| reported)
    }

    /// Decrypts all recordings, each for itself: what fails does not stop the others. Jobs take
    /// them in order; what is told of them comes as they are done. Memory does not grow with
    /// their number, but by the names that they take in a folder; those that are fetched and
    /// named by their ids take none.
    ///
    /// # Errors
    /// What is wrong with all of them ends the run, and is told by this alone. `stop` is called then,
    /// and where nobody hears what becomes of them: who waits for the next one need not go on.
    pub(crate) fn all(
        &self,
        selected: impl Iterator<Item = Next> + Send,
        stop: impl Fn() + Sync,
    ) -> Result<Ended, Error> {
        let broken = Mutex::new(None);
        let listed = Mutex::new(Listed::new(self, selected, &broken));
        let stopped = AtomicBool::new(false);
        let ended = std::thread::scope(|scope| {
            // One thread reads the lists, a little ahead: the others need not wait for a page, and
            // what a page takes of memory is taken in one place.
            let (ahead, next) = sync_channel(self.jobs.get());
            let read = || {
                while !stopped.load(Ordering::Relaxed)
                    && let Some(next) = lock(&listed).next()
                    && ahead.send(next).is_ok()
                {}
                drop(ahead);
            };
            if Builder::new().spawn_scoped(scope, read).is_err() {
                return self.each(&stopped, &stop, || lock(&listed).next());
            }
            let next = Mutex::new(next);
            self.each(&stopped, &stop, || lock(&next).recv().ok())
        });
        let broken = lock(&broken).take();
        ended.map(|tally| Ended { tally, broken })
    }

    /// Decrypts what `next` gives, on as many threads as there are jobs.
    fn each(
        &self,
        stopped: &AtomicBool,
        stop: &(impl Fn() + Sync),
        next: impl Fn() -> Option<Next> + Sync,
    ) -> Result<Tally, Error> {
        let tally = Mutex::new(Tally::default());
        let common = Mutex::new(None);
        let work = || {
            while !stopped.load(Ordering::Relaxed) {
                let (record, for_all) = match next() {
                    None => return,
                    Some(Next::Recording(selected, item)) => self.one(&selected, item.as_deref()),
                    Some(Next::Settled(record)) => (*record, false),
                    // What gives them tells that itself.
                    Some(Next::Broken(_)) => continue,
                };
                if for_all {
                    if !stopped.swap(true, Ordering::Relaxed) {
                        self.observer.stopped(&record);
                        *lock(&common) = record.result.err();
                        stop();
                    }
                    return;
                }
                let reported = self.observer.done(&record);
                lock(&tally).count(&record, reported);
                if self.observer.is_unheard() && !stopped.swap(true, Ordering::Relaxed) {
                    stop();
                }
            }
        };
        on_threads(self.jobs.get(), work);
        let common = lock(&common).take();
        let tally = *lock(&tally);
        common.map_or(Ok(tally), Err)
    }

    /// Decrypts one recording, and says whether what is wrong with it is wrong with all of them.
    fn one(&self, selected: &Selected, item: Option<&Item>) -> (Record, bool) {
        let _told = debug_span!("recording", input = %selected.input).entered();
        let start = Instant::now();
        let mut about = About::default();
        let plain = self.plain(selected);
        let result = match item {
            None => self.recording(selected, plain, &mut about),
            Some(item) => {
                let job = self.of_line(item, selected);
                about.provider = item.metadata.provider();
                let result = job.recording(selected, plain, &mut about);
                result.map_err(Trouble::of_line)
            }
        };
        let for_all = matches!(result, Err(Trouble::All(_)));
        let record = Record {
            tag: item.map(|item| item.tag.clone()),
            input: Some(selected.input.clone()),
            about,
            time: SystemTime::now(),
            took: start.elapsed(),
            result: result.map_err(Trouble::error),
        };
        (record, for_all)
    }

    /// The same for a recording of a line of a manifest.
    fn of_line(&self, item: &Item, selected: &Selected) -> Job<'a> {
        let beside = item.metadata.files(slice::from_ref(selected));
        let own = Own::of([&selected.input], beside, vec![]);
        Job {
            selection: self.selection.clone(),
            metadata: Arc::clone(&item.metadata),
            secrets: Arc::clone(&self.secrets),
            output: self.output.of_line(item.target.clone(), own),
            buckets: Arc::clone(&self.buckets),
            archives: self.archives.clone(),
            ..*self
        }
    }

    fn plain(&self, selected: &Selected) -> Plain {
        let default = if selected.found {
            Plain::Skip
        } else {
            Plain::Fail
        };
        self.plain.unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api;

    #[test]
    fn a_list_that_is_broken_for_good_is_not_there_later() {
        let list = |status, temporary| {
            let (host, problem) = ("h".to_owned(), None);
            let busy = api::Error::Busy {
                host: host.clone(),
                status,
                problem: None,
                after: None,
            };
            let refused = api::Error::Refused {
                host,
                status,
                problem,
                in_region: false,
            };
            let error = if temporary { busy } else { refused };
            Some(Error::List("CA".to_owned(), error))
        };
        for (failed, temporary, broken, expected) in [
            (1, 1, None, true),
            (2, 1, None, false),
            (1, 1, list(503, true), true),
            (1, 1, list(404, false), false),
            (1, 0, list(503, true), false),
        ] {
            let tally = Tally {
                failed,
                temporary,
                ..Tally::default()
            };
            assert_eq!(Ended { tally, broken }.is_temporary(), expected);
        }
    }
}
