//! Many recordings, a few at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::Builder;

use super::error::Error;
use super::input::Selected;
use super::listed::Listed;
use super::one::Job;
use super::record::{Done, Plain, Record};
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

impl Job<'_> {
    /// Decrypts one recording, and tells the observer.
    ///
    /// # Errors
    /// Why it was not decrypted. Otherwise whether it could be reported.
    pub(crate) fn single(&self, selected: &Selected) -> Result<bool, Error> {
        let (record, _) = self.one(selected, self.plain(selected));
        let reported = self.observer.done(&record);
        record.result.map(|_| reported)
    }

    /// Decrypts all recordings, each for itself: what fails does not stop the others. Jobs take
    /// them in order; what is told of them comes as they are done. Memory does not grow with
    /// their number, but by the names that they take in a folder; those that are fetched and
    /// named by their ids take none.
    ///
    /// # Errors
    /// What is wrong with all of them ends the run, and is told by this alone.
    pub(crate) fn all(
        &self,
        selected: impl Iterator<Item = Selected> + Send,
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
                    && let Some(selected) = lock(&listed).next()
                    && ahead.send(selected).is_ok()
                {}
                drop(ahead);
            };
            if Builder::new().spawn_scoped(scope, read).is_err() {
                return self.each(&stopped, || lock(&listed).next());
            }
            let next = Mutex::new(next);
            self.each(&stopped, || lock(&next).recv().ok())
        });
        let broken = lock(&broken).take();
        ended.map(|tally| Ended { tally, broken })
    }

    /// Decrypts what `next` gives, on as many threads as there are jobs.
    fn each(
        &self,
        stopped: &AtomicBool,
        next: impl Fn() -> Option<Selected> + Sync,
    ) -> Result<Tally, Error> {
        let tally = Mutex::new(Tally::default());
        let common = Mutex::new(None);
        let work = || {
            while !stopped.load(Ordering::Relaxed) {
                let Some(selected) = next() else {
                    return;
                };
                let (record, for_all) = self.one(&selected, self.plain(&selected));
                if for_all {
                    if !stopped.swap(true, Ordering::Relaxed) {
                        self.observer.stopped(&record);
                        *lock(&common) = record.result.err();
                    }
                    return;
                }
                let reported = self.observer.done(&record);
                lock(&tally).count(&record, reported);
            }
        };
        on_threads(self.jobs.get(), work);
        let common = lock(&common).take();
        let tally = *lock(&tally);
        common.map_or(Ok(tally), Err)
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
