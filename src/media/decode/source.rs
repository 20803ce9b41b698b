//! [`Source`]: bytes of ours, as symphonia reads them.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

use super::wave;

/// How much of the beginning is looked at.
const HEAD: usize = 64 * 1024;

/// Reads bytes at an offset, fewer than there is room for, and none at the end only.
type ReadAt<'a> = dyn Fn(&mut [u8], u64) -> io::Result<usize> + Sync + 'a;

/// What is decoded.
pub enum Bytes<'a> {
    /// So many bytes, read at any place.
    At(u64, &'a ReadAt<'a>),
    /// Bytes that come once, in order.
    Stream(&'a mut (dyn Read + Send)),
}

/// Why reading failed, the first time: what reads may take the error for the end.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Remembers an error, and gives one that says as much.
    fn remember(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert(error);
        kind.into()
    }
}

/// The bytes, and where in them is read.
pub(super) struct Source<'a> {
    /// The first of them, mended.
    head: Vec<u8>,
    from: From<'a>,
    at: u64,
    failure: Failure,
}

enum From<'a> {
    At(u64, &'a ReadAt<'a>),
    /// The lock makes it one that threads may share; nobody waits for it.
    Stream(Mutex<&'a mut (dyn Read + Send)>),
}

impl<'a> Source<'a> {
    /// Reads the beginning.
    ///
    /// # Errors
    /// As the reader has it.
    pub(super) fn new(bytes: Bytes<'a>) -> io::Result<Self> {
        let mut source = Self {
            head: vec![],
            from: match bytes {
                Bytes::At(length, read) => From::At(length, read),
                Bytes::Stream(stream) => From::Stream(Mutex::new(stream)),
            },
            at: 0,
            failure: Failure::default(),
        };
        let mut head = Vec::with_capacity(HEAD);
        let read = source.by_ref().take(HEAD as u64).read_to_end(&mut head);
        read.map_err(|error| source.failure.take().unwrap_or(error))?;
        wave::mend(&mut head);
        source.head = head;
        source.at = 0;
        Ok(source)
    }

    pub(super) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// The first bytes.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// How many bytes there are, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self.from {
            From::At(length, _) => Some(length),
            From::Stream(_) => None,
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let within = usize::try_from(self.at).unwrap_or(usize::MAX);
        let read = if let Some(mut head) = self.head.get(within..).filter(|it| !it.is_empty()) {
            head.read(buffer)
        } else {
            match &mut self.from {
                From::At(_, read) => read(buffer, self.at),
                From::Stream(stream) => {
                    let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                    stream.read(buffer)
                }
            }
        };
        let read = read.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => self.failure.remember(error),
        })?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let From::At(length, _) = self.from else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl MediaSource for Source<'_> {
    fn is_seekable(&self) -> bool {
        self.length().is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.length()
    }
}
