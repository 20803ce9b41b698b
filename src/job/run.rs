//! Many recordings, a few at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::Error;
use super::input::Selected;
use super::one::Job;
use super::record::{Done, Plain, Record, Skipped};
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
}

impl Tally {
    /// All of them.
    pub(crate) fn total(&self) -> usize {
        self.done + self.skipped + self.failed
    }

    fn count(&mut self, record: &Record, reported: bool) {
        match &record.result {
            _ if !reported => self.failed += 1,
            Ok(Done::Released(_)) => self.done += 1,
            Ok(Done::Skipped(Skipped::Exists(_) | Skipped::NotEncrypted)) => self.skipped += 1,
            Err(_) => self.failed += 1,
        }
    }
}

impl Job<'_> {
    /// Decrypts one recording, and tells the observer.
    ///
    /// # Errors
    /// Why it was not decrypted. Otherwise whether it could be reported.
    pub(crate) fn single(&self, selected: &Selected) -> Result<bool, Error> {
        let (record, _) = self.one(&selected.input, self.plain(selected));
        let reported = self.observer.done(&record);
        record.result.map(|_| reported)
    }

    /// Decrypts all recordings, each for itself: what fails does not stop the others. Jobs take
    /// them in order; what is told of them comes as they are done. Memory does not grow with
    /// their number, but by the names that they take in a folder.
    ///
    /// # Errors
    /// What is wrong with all of them ends the run, and is told by this alone.
    pub(crate) fn all(
        &self,
        selected: impl Iterator<Item = Selected> + Send,
    ) -> Result<Tally, Error> {
        let next = Mutex::new(selected);
        let tally = Mutex::new(Tally::default());
        let common = Mutex::new(None);
        let stopped = AtomicBool::new(false);
        let work = || {
            while !stopped.load(Ordering::Relaxed) {
                let Some(selected) = lock(&next).next() else {
                    return;
                };
                let (record, for_all) = self.one(&selected.input, self.plain(&selected));
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
