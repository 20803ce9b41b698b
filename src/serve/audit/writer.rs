//! [`Writer`]: the lines of an audit log, one behind the other, whatever happens between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::chain::Chain;
use super::error::AuditError;
use super::line::{Entry, Event, Line};
use super::verify::{End, NotVerified, follow};
use crate::io::Log;

/// The room for lines that is set aside ahead of them, in bytes.
const ROOM: u64 = 1 << 14;
/// What is written, and taken away, to see whether a log that could not be written can be again.
const PROBE: [u8; 1 << 12] = [b' '; 1 << 12];

/// Says what time it is.
pub(super) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A log that is whole up to what is known of it, and is written behind that.
pub(super) struct Writer {
    path: PathBuf,
    log: Log,
    /// What is known of the last line.
    chain: Chain,
    /// How many bytes that line and those before have.
    length: u64,
    /// Whether what stands behind them is what this could not write whole.
    is_own: bool,
    /// Whether nothing was written at the last try.
    has_failed: bool,
    clock: Clock,
}

impl Writer {
    /// Opens a log, or makes one; reads all of it, and goes on behind a line that was cut.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub(super) fn open(path: &Path, clock: Clock) -> Result<Self, AuditError> {
        let mut writer = Self {
            path: path.to_owned(),
            log: Log::open(path)?,
            chain: Chain::default(),
            length: 0,
            is_own: false,
            has_failed: false,
            clock,
        };
        writer.go_on(None)?;
        Ok(writer)
    }

    /// Adds lines, and waits until they are kept: all of them, or none.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub(super) fn write(&mut self, entries: Vec<(Entry, Option<u64>)>) -> Result<(), AuditError> {
        self.prepare()?;
        let now = (self.clock)();
        let (mut chain, mut text) = (self.chain, Vec::new());
        for (entry, count) in entries {
            chain = Line::new(entry, count, now, chain).add_to(&mut text)?;
        }
        self.add(&text, chain)
    }

    /// Tries whether a line could be written.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub(super) fn try_it(&mut self) -> Result<(), AuditError> {
        self.prepare()?;
        if !self.has_failed {
            let room = self.log.reserve(ROOM);
            self.has_failed = room.is_err();
            return Ok(room?);
        }
        let tried = self.log.add(&PROBE);
        self.is_own = self.log.cut(self.length).is_err();
        tried?;
        self.prepare()?;
        self.has_failed = false;
        Ok(())
    }

    /// Goes on in the file that is at the path now, if that is another one.
    ///
    /// # Errors
    /// See [`AuditError`]; it goes on in the old one then.
    pub(super) fn reopen(&mut self) -> Result<(), AuditError> {
        // What follows is the hash of this one's last line, where that can be seen to.
        let prepared = self.prepare();
        if self.log.is_at(&self.path) {
            return prepared;
        }
        let mut log = Log::open(&self.path)?;
        if log.length()? > 0 {
            return Err(AuditError::NotEmpty(self.path.clone()));
        }
        let (text, chain) = self.line(Entry::of(Event::Rotated))?;
        if let Err(error) = log.add(&text) {
            log.cut(0).ok();
            return Err(error.into());
        }
        self.log = log;
        self.chain = chain;
        self.length = text.len() as u64;
        self.is_own = false;
        self.has_failed = false;
        Ok(())
    }

    /// Sees to it that the file ends where the last line does.
    fn prepare(&mut self) -> Result<(), AuditError> {
        let length = self.log.length()?;
        if length == self.length {
            return Ok(());
        }
        if length == 0 {
            // It was copied, and emptied, as logrotate's `copytruncate` does it.
            self.length = 0;
            let (text, chain) = self.line(Entry::of(Event::Rotated))?;
            return self.add(&text, chain);
        }
        if length < self.length {
            return Err(AuditError::Shortened(self.path.clone()));
        }
        if self.is_own && self.log.cut(self.length).is_ok() {
            self.is_own = false;
            return Ok(());
        }
        self.go_on(Some(self.chain))
    }

    /// Reads what stands behind the last line that is known, and ends it as a line.
    fn go_on(&mut self, known: Option<Chain>) -> Result<(), AuditError> {
        let path = || self.path.clone();
        let read = follow(self.log.read_from(self.length)?, known);
        let read = read.map_err(|error| match (error, known) {
            (NotVerified::Read(error), _) => error.into(),
            (NotVerified::Broken(_), Some(_)) => AuditError::Foreign(path()),
            (NotVerified::Broken(broken), None) => AuditError::Broken {
                path: path(),
                broken,
            },
        })?;
        let mut length = self.length + read.whole;
        if let End::NoNewline = read.end {
            self.log.add(b"\n")?;
            length += 1;
        }
        self.chain = read.chain;
        self.length = length;
        if let End::Cut(text) = read.end {
            self.recover(&text)?;
        }
        self.is_own = false;
        Ok(())
    }

    /// Goes on behind a line that was cut, which ends with `text`. It is taken away: a crash on the way
    /// leaves no more than another such line, and readers of the log find whole lines only. Where nothing
    /// may be taken away (`chattr +a`), it is ended.
    fn recover(&mut self, text: &[u8]) -> Result<(), AuditError> {
        let length = self.log.length()?.saturating_sub(self.length);
        let entry = Entry {
            bytes: Some(length),
            reason: Some(String::from_utf8_lossy(text).into_owned()),
            ..Entry::of(Event::Recovered)
        };
        let (line, chain) = self.line(entry)?;
        if self.log.cut(self.length).is_ok() {
            return self.add(&line, chain);
        }
        self.log.add(&[b"\n", line.as_slice()].concat())?;
        self.chain = chain;
        self.length += length + 1 + line.len() as u64;
        Ok(())
    }

    fn line(&self, entry: Entry) -> Result<(Vec<u8>, Chain), AuditError> {
        let mut text = Vec::new();
        let line = Line::new(entry, None, (self.clock)(), self.chain);
        let chain = line.add_to(&mut text)?;
        Ok((text, chain))
    }

    /// Adds lines that end in `chain`, or nothing.
    fn add(&mut self, text: &[u8], chain: Chain) -> Result<(), AuditError> {
        let added = self.log.add(text);
        self.has_failed = added.is_err();
        if let Err(error) = added {
            self.is_own = self.log.cut(self.length).is_err();
            return Err(error.into());
        }
        self.chain = chain;
        self.length += text.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
