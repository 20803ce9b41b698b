//! [`Audit`]: the log of who was given what, each line of which says what the one before was.
//!
//! ```text
//! write(Entry) ─► bounded queue ─► one thread: limit.rs ─► line.rs ─► chain.rs ─► io::Log, one sync
//!      ◄───────────── answer ─────────────────────────────────────────────────── for many lines
//! ```

mod chain;
mod error;
mod limit;
mod line;
mod verify;
mod writer;

pub(crate) use self::error::AuditError;
pub(crate) use self::line::{Entry, Event};
pub(crate) use self::verify::NotVerified;
use self::verify::{Verified, verify};

use std::future::Future;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::limit::{Count, Limiter};
use self::writer::{Clock, Writer};

/// The most that wait to be written; others wait to wait.
const MOST_WAITING: usize = 1024;
/// The most messages that are taken at once, whose lines share one sync.
const MOST_AT_ONCE: usize = 256;
/// How often it is looked whether a minute of counting is over.
const TICK: Duration = Duration::from_secs(1);
/// What a line gives as the reason of those that it counts.
const COUNTED: &str = "further denials without a valid token";

type Answer = oneshot::Sender<Result<(), AuditError>>;

/// The audit log, open to be written. The lines are written by a thread that ends with [`Audit::close`], or
/// once this is dropped.
pub(crate) struct Audit(Arc<Shared>);

struct Shared {
    queue: Sender<Message>,
    room: Arc<Semaphore>,
    is_writable: Arc<AtomicBool>,
}

struct Message {
    what: What,
    answer: Answer,
    /// Its place in the queue.
    place: OwnedSemaphorePermit,
}

enum What {
    Line(Box<Entry>),
    Try,
    Reopen,
    Close,
}

impl Audit {
    /// Opens the log at `path`, or makes one, mode 0600. All of it is verified first; it is gone on behind a
    /// line that a crash had cut. This waits for the disk.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub(crate) fn open(path: &Path) -> Result<Self, AuditError> {
        Self::open_with(path, Arc::new(Timestamp::now))
    }

    fn open_with(path: &Path, clock: Clock) -> Result<Self, AuditError> {
        let mut desk = Desk {
            writer: Writer::open(path, Arc::clone(&clock))?,
            limiter: Limiter::default(),
            clock,
            is_writable: Arc::new(AtomicBool::new(true)),
        };
        let (queue, messages) = mpsc::channel();
        let shared = Shared {
            queue,
            room: Arc::new(Semaphore::new(MOST_WAITING)),
            is_writable: Arc::clone(&desk.is_writable),
        };
        let thread = std::thread::Builder::new().name("unreel-audit".to_owned());
        thread.spawn(move || {
            let closing = desk.work(&messages);
            // Who waits for the end may open it at once.
            drop(desk);
            if let Some((answer, result)) = closing {
                answer.send(result).ok();
            }
        })?;
        Ok(Self(Arc::new(shared)))
    }

    /// Adds a line, and waits until it is kept. What is given up on while it waits is written nevertheless, or
    /// not begun. The future is `'static`: it may be spawned where nobody can wait.
    ///
    /// A denial without a valid token may only be counted; that is no error.
    ///
    /// # Errors
    /// See [`AuditError`]; the line is not in the log then.
    pub(crate) fn write(
        &self,
        entry: Entry,
    ) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        self.ask(What::Line(Box::new(entry)))
    }

    /// Tries whether a line could be written, before something is done that one is written of afterwards.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub(crate) fn try_it(&self) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        self.ask(What::Try)
    }

    /// Whether the last line, or the last try, could be written. It may be out of date.
    pub(crate) fn is_writable(&self) -> bool {
        self.0.is_writable.load(Ordering::Relaxed)
    }

    /// Goes on in the file that is at the path now, if that is another one: after a rotation.
    ///
    /// # Errors
    /// See [`AuditError`]; it goes on in the old file then.
    pub(crate) fn reopen(&self) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        self.ask(What::Reopen)
    }

    /// Writes what waits, and what was only counted, and closes the log. Nothing can be written afterwards.
    ///
    /// # Errors
    /// See [`AuditError`]; the log is closed then, too.
    pub(crate) fn close(&self) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        self.ask(What::Close)
    }

    fn ask(&self, what: What) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        let shared = Arc::clone(&self.0);
        async move {
            let place = Arc::clone(&shared.room).acquire_owned().await;
            let (answer, answered) = oneshot::channel();
            let message = Message {
                what,
                answer,
                place: place.map_err(|_| AuditError::Closed)?,
            };
            shared.queue.send(message).map_err(|_| AuditError::Closed)?;
            answered.await.map_err(|_| AuditError::Closed)?
        }
    }
}

/// Verifies the log at `path`; nobody's lock is in the way.
///
/// # Errors
/// See [`NotVerified`].
pub(crate) fn verify_audit(path: &Path) -> Result<Verified, NotVerified> {
    let file = fs_err::File::open(path)?;
    verify(BufReader::with_capacity(1 << 16, file))
}

/// Where the lines are written: what the thread has.
struct Desk {
    writer: Writer,
    limiter: Limiter,
    clock: Clock,
    is_writable: Arc<AtomicBool>,
}

/// What is answered together.
#[derive(Default)]
struct Batch {
    lines: Vec<(Entry, Option<u64>)>,
    /// Who waits for the lines, or for nothing but that they can be written.
    waiting: Vec<(Answer, OwnedSemaphorePermit)>,
}

/// What ends a batch.
enum Last {
    Reopen(Answer),
    Close(Option<Answer>),
}

impl Desk {
    /// Does what is asked for until it is to end; then who is to be told what came of it.
    fn work(&mut self, messages: &Receiver<Message>) -> Option<(Answer, Result<(), AuditError>)> {
        loop {
            let first = if self.limiter.is_idle() {
                messages.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                messages.recv_timeout(TICK)
            };
            // A minute that is over is counted before others begin.
            let mut counts = self.limiter.due((self.clock)(), false);
            let (mut batch, last) = self.gather(first, messages);
            if let Some(Last::Close(_)) = last {
                counts.extend(self.limiter.due((self.clock)(), true));
            }
            let counting = counts.iter().map(|count| counting(*count));
            batch.lines.extend(counting);
            let result = self.write(batch);
            if result.is_err() {
                self.limiter.put_back(counts, (self.clock)());
            }
            match last {
                None => {}
                Some(Last::Reopen(answer)) => {
                    answer.send(self.writer.reopen()).ok();
                }
                Some(Last::Close(answer)) => return answer.map(|answer| (answer, result)),
            }
        }
    }

    /// What there is to do, from the first message on.
    fn gather(
        &mut self,
        first: Result<Message, RecvTimeoutError>,
        messages: &Receiver<Message>,
    ) -> (Batch, Option<Last>) {
        let mut batch = Batch::default();
        let mut first = Some(first);
        for _ in 0..MOST_AT_ONCE {
            let next = first.take();
            let next = next.unwrap_or_else(|| messages.recv_timeout(Duration::ZERO));
            let message = match next {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return (batch, Some(Last::Close(None))),
            };
            match message.what {
                What::Line(entry) if !self.admits(&entry) => {
                    message.answer.send(Ok(())).ok();
                }
                What::Line(entry) => {
                    batch.lines.push((*entry, None));
                    batch.waiting.push((message.answer, message.place));
                }
                What::Try => batch.waiting.push((message.answer, message.place)),
                What::Reopen => return (batch, Some(Last::Reopen(message.answer))),
                What::Close => return (batch, Some(Last::Close(Some(message.answer)))),
            }
        }
        (batch, None)
    }

    /// Whether a line is written, and not only counted.
    fn admits(&mut self, entry: &Entry) -> bool {
        !entry.is_anonymous || self.limiter.admits(entry.address, (self.clock)())
    }

    /// Writes a batch, and tells those who wait.
    fn write(&mut self, batch: Batch) -> Result<(), AuditError> {
        let result = match (batch.lines.is_empty(), batch.waiting.is_empty()) {
            (true, true) => return Ok(()),
            (true, false) => self.writer.try_it(),
            (false, _) => self.writer.write(batch.lines),
        };
        self.is_writable.store(result.is_ok(), Ordering::Relaxed);
        for (answer, _) in batch.waiting {
            answer.send(result.clone()).ok();
        }
        result
    }
}

/// The line of denials that were only counted.
fn counting((address, count): Count) -> (Entry, Option<u64>) {
    let entry = Entry {
        address,
        reason: Some(COUNTED.to_owned()),
        ..Entry::of(Event::Deny)
    };
    (entry, Some(count))
}

#[cfg(test)]
mod tests;
