//! Where media comes from.

use std::io::{self, Read};
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use fs_err::File;
use fs_err::os::unix::fs::FileExt;

use super::spool::{Spool, Spooled};
use super::{FileId, Patient, TextEncoding};
use crate::cipher::{Ciphertext, ReadAt, SEGMENT};

/// How much of a source can be looked at before it is read: one segment.
pub(crate) const HEAD: usize = SEGMENT;

/// An input: a file that can be read at any place and again, or a stream that is read once.
pub struct Source {
    body: Body,
    id: Option<FileId>,
    /// Where what is made of it is kept.
    spool: Spool,
}

enum Body {
    /// And its first bytes, once somebody looked at them.
    Stored(Stored, Option<Vec<u8>>),
    Stream(Stream),
}

impl Source {
    /// Opens the file at `path`. Pipes and devices are streams.
    ///
    /// # Errors
    /// As the operating system has it, with path and operation; a folder is an error.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::from_file(File::open(path)?)
    }

    /// Standard input; a file if it was redirected from the beginning of one.
    ///
    /// # Errors
    /// As the operating system has it.
    pub fn stdin() -> io::Result<Self> {
        let descriptor = io::stdin().as_fd().try_clone_to_owned()?;
        let file = File::from_parts(descriptor.into(), "standard input");
        let at_start = rustix::fs::tell(&file).is_ok_and(|offset| offset == 0);
        if file.metadata()?.is_file() && !at_start {
            let id = Some(FileId::of(&file.metadata()?));
            let source = Self::from_reader(Patient(file), None);
            return Ok(Self { id, ..source });
        }
        Self::from_file(file)
    }

    /// What a reader gives, read once. A `length` in bytes that is known beforehand is held
    /// against it: a reader that ends before or goes on behind it has failed.
    pub fn from_reader(reader: impl Read + Send + 'static, length: Option<u64>) -> Self {
        let reader: Box<dyn Read + Send> = match length {
            Some(length) => Box::new(Measured {
                reader,
                length,
                read: 0,
            }),
            None => Box::new(reader),
        };
        Self {
            body: Body::Stream(Stream {
                reader,
                length,
                head: Vec::new(),
                given: 0,
                seen: false,
            }),
            id: None,
            spool: Spool::default(),
        }
    }

    /// Where what is made of it is kept.
    pub(super) fn spool(&self) -> Spool {
        self.spool
    }

    /// The same, of which what can be read once is kept there.
    pub(crate) fn spooled(self, spool: Spool) -> Self {
        Self { spool, ..self }
    }

    fn from_file(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let id = Some(FileId::of(&metadata));
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            let id = id.filter(|_| !metadata.file_type().is_char_device());
            let source = Self::from_reader(Patient(file), None);
            return Ok(Self { id, ..source });
        }
        Ok(Self {
            id,
            ..Stored::new(file)?.into()
        })
    }

    /// Which file it is; `None` for what can be no output at the same time.
    pub fn id(&self) -> Option<FileId> {
        self.id
    }

    /// Its length in bytes, where it is known beforehand.
    pub fn length(&self) -> Option<u64> {
        match &self.body {
            Body::Stored(stored, _) => Some(stored.length()),
            Body::Stream(stream) => stream.length,
        }
    }

    /// Its first bytes, up to one segment. They are read once and stay in the source.
    ///
    /// # Errors
    /// As the operating system or the reader has it.
    pub fn head(&mut self) -> io::Result<&[u8]> {
        match &mut self.body {
            Body::Stored(stored, head) => {
                if head.is_none() {
                    let mut found = Vec::with_capacity(HEAD);
                    let reader = Reader(Ciphertext::from(&*stored), 0);
                    reader.take(HEAD as u64).read_to_end(&mut found)?;
                    *head = Some(found);
                }
                Ok(head.as_deref().unwrap_or_default())
            }
            Body::Stream(stream) => stream.look(),
        }
    }

    /// The source as the cipher reads it. A stream can be given once.
    pub(crate) fn input(&mut self) -> Ciphertext<'_> {
        match &mut self.body {
            Body::Stored(stored, _) => Ciphertext::from(&*stored),
            Body::Stream(stream) => Ciphertext::Stream(stream),
        }
    }

    /// The same as a plain reader, front to back.
    pub fn reader(&mut self) -> impl Read + Send {
        Reader(self.input(), 0)
    }

    /// What can be read at any place: the file, or a copy of what remains of a stream, in an unnamed
    /// temporary file where nobody says otherwise. There the copy is ciphertext.
    ///
    /// # Errors
    /// As the operating system has it: the temporary folder may be full.
    pub(crate) fn stored(self) -> io::Result<Stored> {
        match self.body {
            Body::Stored(stored, _) => Ok(stored),
            Body::Stream(mut stream) => {
                let length = stream.length;
                self.spool.take(&mut stream, length)?.try_into()
            }
        }
    }

    /// A source that can be read twice: the file, or a copy of what remains of a stream, in an unnamed
    /// temporary file where nobody says otherwise.
    ///
    /// # Errors
    /// As the operating system has it: the temporary folder may be full.
    pub fn rereadable(self) -> io::Result<Self> {
        match self.body {
            Body::Stored(..) => Ok(self),
            Body::Stream(_) => {
                let spool = self.spool;
                Ok(Self::from(self.stored()?).spooled(spool))
            }
        }
    }

    /// What the text is that this source holds, kept as a copy of it would be.
    ///
    /// # Errors
    /// As the operating system has it; [`io::ErrorKind::InvalidData`] if it is not that encoding.
    pub(crate) fn decoded(mut self, encoding: TextEncoding) -> io::Result<Self> {
        let spool = self.spool;
        let mut copy = spool.begin(None)?;
        encoding.decode(&mut self.reader(), &mut copy)?;
        Ok(Self::from(Stored::try_from(copy)?).spooled(spool))
    }

    /// Whether the file is as it was when it was opened: same length, no later write.
    ///
    /// # Errors
    /// As the operating system has it.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        match &self.body {
            Body::Stored(stored, _) => stored.is_unchanged(),
            Body::Stream(_) => Ok(true),
        }
    }
}

impl From<Stored> for Source {
    fn from(stored: Stored) -> Self {
        Self {
            body: Body::Stored(stored, None),
            id: None,
            spool: Spool::default(),
        }
    }
}

/// A piece of a rearranged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes of the file.
    File(Range<u64>),
    /// Bytes that stand elsewhere.
    Bytes(Vec<u8>),
}

impl Part {
    fn length(&self) -> u64 {
        match self {
            Self::File(range) => range.end.saturating_sub(range.start),
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// A file that can be read at any place and again, by many threads; or parts of it.
#[derive(Clone)]
pub struct Stored {
    file: Arc<File>,
    /// The file's own length, and its last write, as they were when it was opened.
    end: u64,
    modified: (i64, i64),
    /// Whether the file is memory.
    in_memory: bool,
    /// What of it is meant, one after another, where it is not all, front to back.
    parts: Option<Vec<Part>>,
}

impl Stored {
    fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            file: Arc::new(file),
            end: metadata.len(),
            modified: modified(&metadata),
            in_memory: false,
            parts: None,
        })
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        match &self.parts {
            Some(parts) => parts.iter().map(Part::length).sum(),
            None => self.end,
        }
    }

    /// Bytes of memory that the file is.
    pub(crate) fn memory(&self) -> u64 {
        if self.in_memory { self.end } else { 0 }
    }

    /// Another view of the same file: these parts, one after another.
    #[must_use]
    pub fn arranged(&self, parts: Vec<Part>) -> Self {
        Self {
            parts: Some(parts),
            ..self.clone()
        }
    }

    /// Whether the file is as it was when it was opened: same length, no later write.
    ///
    /// # Errors
    /// As the operating system has it.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        let metadata = self.file.metadata()?;
        Ok(metadata.len() == self.end && modified(&metadata) == self.modified)
    }
}

impl TryFrom<Spooled> for Stored {
    type Error = io::Error;

    fn try_from(spooled: Spooled) -> io::Result<Self> {
        let (file, in_memory) = spooled.into_parts();
        Ok(Self {
            in_memory,
            ..Self::new(file)?
        })
    }
}

impl ReadAt for Stored {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(parts) = &self.parts else {
            return FileExt::read_at(&*self.file, buffer, offset);
        };
        let mut within = offset;
        for part in parts {
            let length = part.length();
            if within >= length {
                within -= length;
                continue;
            }
            let rest = usize::try_from(length - within).unwrap_or(usize::MAX);
            let count = buffer.len().min(rest);
            let (wanted, _) = buffer.split_at_mut(count);
            return match part {
                Part::File(range) => FileExt::read_at(&*self.file, wanted, range.start + within),
                Part::Bytes(bytes) => {
                    let from = usize::try_from(within).unwrap_or(usize::MAX);
                    bytes.get(from..).unwrap_or_default().read(wanted)
                }
            };
        }
        // A file that has grown is seen by who asks for more than there is.
        FileExt::read_at(&*self.file, buffer, self.end.saturating_add(within))
    }
}

impl<'a> From<&'a Stored> for Ciphertext<'a> {
    fn from(stored: &'a Stored) -> Self {
        Self::File {
            length: stored.length(),
            file: stored,
        }
    }
}

/// A reader, and its first bytes.
struct Stream {
    reader: Box<dyn Read + Send>,
    length: Option<u64>,
    /// What was read ahead, and how much of it has been given out again.
    head: Vec<u8>,
    given: usize,
    /// Whether the reader is at or behind the end of the head.
    seen: bool,
}

impl Stream {
    fn look(&mut self) -> io::Result<&[u8]> {
        if !self.seen {
            let missing = HEAD - self.head.len();
            let reader = self.reader.by_ref();
            reader.take(missing as u64).read_to_end(&mut self.head)?;
            self.seen = true;
        }
        Ok(&self.head)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ahead = self.head.get(self.given..).unwrap_or_default();
        if !ahead.is_empty() {
            let read = ahead.read(buffer)?;
            self.given += read;
            return Ok(read);
        }
        self.seen = true;
        self.reader.read(buffer)
    }
}

/// A reader that must give so many bytes.
struct Measured<R> {
    reader: R,
    length: u64,
    read: u64,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read += count as u64;
        let (read, length) = (self.read, self.length);
        if read > length {
            let what = format!("it goes on behind the {length} bytes that were announced");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        if count == 0 && !buffer.is_empty() && read < length {
            let what = format!("it ended after {read} of {length} bytes");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        Ok(count)
    }
}

/// An input read front to back, from the place where it is.
struct Reader<'a>(Ciphertext<'a>, u64);

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Ciphertext::File { file, .. } => {
                let read = file.read_at(buffer, self.1)?;
                self.1 += read as u64;
                Ok(read)
            }
            Ciphertext::Stream(stream) => stream.read(buffer),
        }
    }
}

/// The time of the last write, in seconds and nanoseconds.
fn modified(metadata: &std::fs::Metadata) -> (i64, i64) {
    (metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::spool::temporary;
    use super::*;

    fn source(content: &[u8]) -> Source {
        let mut file = temporary().unwrap();
        file.write_all(content).unwrap();
        Source::from_file(file).unwrap()
    }

    fn all(source: &mut Source) -> Vec<u8> {
        let mut bytes = Vec::new();
        source.reader().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_view_reads_its_parts_in_order() {
        let whole = source(b"0123456789").stored().unwrap();
        let parts = vec![
            Part::File(7..10),
            Part::Bytes(b"ab".to_vec()),
            Part::File(2..2),
            Part::File(1..4),
        ];
        let mut view = Source::from(whole.arranged(parts));
        assert_eq!(view.length(), Some(8));
        assert_eq!(view.head().unwrap(), b"789ab123");
        assert_eq!(all(&mut view), b"789ab123");
        assert!(view.is_unchanged().unwrap());
    }

    #[test]
    fn a_file_that_grows_shows_behind_a_view() {
        let whole = source(b"0123456789").stored().unwrap();
        let view = whole.arranged(vec![Part::File(0..4)]);
        (&*view.file).write_all(b"+").unwrap();
        assert_eq!(view.read_at(&mut [0], 4).unwrap(), 1);
    }

    #[test]
    fn any_reader_is_a_source_and_its_head_stays_inside() {
        let content: Vec<u8> = (0..=250).cycle().take(HEAD + 1000).collect();
        for length in [None, Some(content.len() as u64)] {
            let reader = || io::Cursor::new(content.clone());
            let mut looked_at = Source::from_reader(reader(), length);
            assert_eq!(looked_at.length(), length);
            assert!(looked_at.head().unwrap() == &content[..HEAD]);
            assert!(looked_at.head().unwrap() == &content[..HEAD]);
            assert!(all(&mut looked_at) == content);
            assert!(looked_at.head().unwrap() == &content[..HEAD]);

            assert!(all(&mut Source::from_reader(reader(), length)) == content);

            let mut twice = Source::from_reader(reader(), length);
            twice.head().unwrap();
            let mut twice = twice.rereadable().unwrap();
            assert_eq!(twice.length(), Some(content.len() as u64));
            assert!(all(&mut twice) == content);
            assert!(all(&mut twice) == content);
        }
    }

    #[test]
    fn looking_again_after_a_failure_loses_nothing() {
        struct FailsOnce(&'static [u8], usize);
        impl Read for FailsOnce {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.1 += 1;
                if self.1 == 2 {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                let size = buffer.len().min(3);
                self.0.read(&mut buffer[..size])
            }
        }
        let mut source = Source::from_reader(FailsOnce(b"0123456789", 0), None);
        assert!(source.head().is_err());
        assert_eq!(source.head().unwrap(), b"0123456789");
        assert_eq!(all(&mut source), b"0123456789");
    }

    #[test]
    fn a_reader_is_held_to_its_length() {
        let read = |length| {
            let mut source = Source::from_reader(&b"0123456789"[..], Some(length));
            let result = source.reader().read_to_end(&mut Vec::new());
            result.map_err(|error| error.kind())
        };
        assert_eq!(read(10), Ok(10));
        assert_eq!(read(11), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(read(9), Err(io::ErrorKind::InvalidData));
        assert_eq!(read(0), Err(io::ErrorKind::InvalidData));
    }

    #[test]
    fn text_is_decoded_or_refused() {
        let base64 = TextEncoding::Base64;
        let mut decoded = source(b"AAEC\r\nAwQ=\n").decoded(base64).unwrap();
        assert_eq!(all(&mut decoded), [0, 1, 2, 3, 4]);
        let mut decoded = source(b"0001fF\n").decoded(TextEncoding::Hex).unwrap();
        assert_eq!(all(&mut decoded), [0, 1, 255]);
        for (text, encoding) in [("AAEC*", base64), ("A", base64), ("012", TextEncoding::Hex)] {
            let error = source(text.as_bytes()).decoded(encoding).err().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{text}");
        }
    }
}
