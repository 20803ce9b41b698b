//! [`TotalBar`] and [`OneBar`]: how far a run is, and one recording of it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::units::size;
use crate::job::Bar;

/// How often a bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

/// A bar over recordings: how many are done, how many failed, bytes, and bytes a second.
pub(super) struct TotalBar {
    bar: ProgressBar,
    /// Whether it says itself how many are done: nobody knows of how many.
    counts: bool,
    start: Instant,
    bytes: AtomicU64,
    failed: AtomicUsize,
}

impl TotalBar {
    /// A bar that `place` puts where it is seen, over so many recordings, if that is known.
    pub(super) fn new(
        place: impl FnOnce(ProgressBar) -> ProgressBar,
        recordings: Option<usize>,
    ) -> Self {
        let (bar, template) = match recordings {
            Some(count) => (
                ProgressBar::new(count as u64),
                "{pos} of {len} recordings{msg} {wide_bar} {eta}",
            ),
            None => (ProgressBar::no_length(), "{spinner} {msg}  {elapsed}"),
        };
        let bar = place(bar);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        // Time passes where nothing else does: while a provider is waited for.
        if recordings.is_none() && !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Self {
            bar,
            counts: recordings.is_none(),
            start: Instant::now(),
            bytes: AtomicU64::new(0),
            failed: AtomicUsize::new(0),
        }
    }

    /// So many bytes more.
    pub(super) fn bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bar.set_message(self.message());
    }

    /// One recording more is done, or failed.
    pub(super) fn one(&self, has_failed: bool) {
        self.failed
            .fetch_add(usize::from(has_failed), Ordering::Relaxed);
        self.bar.inc(1);
        self.bar.set_message(self.message());
    }

    /// Takes it away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// `, 3 failed, 1.2 GB, 38 MB/s`; with `812 done` in front where it counts.
    fn message(&self) -> String {
        let failed = self.failed.load(Ordering::Relaxed);
        let done = if self.counts {
            format!("{} done", self.bar.position().saturating_sub(failed as u64))
        } else {
            String::new()
        };
        let failed = match failed {
            0 => String::new(),
            count => format!(", {count} failed"),
        };
        let bytes = self.bytes.load(Ordering::Relaxed);
        let milliseconds = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let rate = bytes.saturating_mul(1000) / milliseconds.max(1);
        format!("{done}{failed}, {}, {}/s", size(bytes), size(rate))
    }
}

/// The bar of one recording, which moves that of all.
pub(super) struct OneBar<'a> {
    pub(super) bar: ProgressBar,
    pub(super) total: Option<&'a TotalBar>,
}

impl Bar for OneBar<'_> {
    fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        if let Some(total) = self.total {
            total.bytes(bytes);
        }
    }

    fn tried(&self, done: usize, of: usize) {
        const TEMPLATE: &str = "{msg} {spinner} {pos} of {len} tried {elapsed}";
        if self.bar.position() == 0
            && let Ok(style) = ProgressStyle::with_template(TEMPLATE)
        {
            self.bar.set_style(style);
        }
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }
}

impl Drop for OneBar<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
