//! Where media comes from.

use std::io::{self, Cursor, Read, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use fs_err::File;
use fs_err::os::unix::fs::FileExt;

use super::{FileId, Patient, TextEncoding};
use crate::cipher::{Input, ReadAt, SEGMENT};

/// How much of a source can be looked at before it is read: one segment.
pub const HEAD: usize = SEGMENT;

/// A piece of a rearranged source.
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

/// An input: a file that can be read at any place and again, or a stream that is read once.
pub struct Source {
    body: Body,
    id: Option<FileId>,
}

enum Body {
    File {
        file: File,
        length: u64,
        modified: (i64, i64),
        /// What of it is the source, where it is not all, front to back.
        parts: Option<Vec<Part>>,
    },
    Stream {
        /// Read ahead for [`Source::head`], and given back by [`Source::input`].
        head: Vec<u8>,
        reader: Box<dyn Read + Send>,
    },
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
            let id = FileId::of(&file.metadata()?);
            return Ok(Self::stream(Patient(file), Some(id)));
        }
        Self::from_file(file)
    }

    fn from_file(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let id = Some(FileId::of(&metadata));
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            let id = id.filter(|_| !metadata.file_type().is_char_device());
            return Ok(Self::stream(Patient(file), id));
        }
        Ok(Self {
            body: Body::File {
                length: metadata.len(),
                modified: modified(&metadata),
                file,
                parts: None,
            },
            id,
        })
    }

    fn stream(reader: impl Read + Send + 'static, id: Option<FileId>) -> Self {
        Self {
            body: Body::Stream {
                head: Vec::new(),
                reader: Box::new(reader),
            },
            id,
        }
    }

    /// Which file it is; `None` for what can be no output at the same time.
    pub fn id(&self) -> Option<FileId> {
        self.id
    }

    /// Its length in bytes, where it is known beforehand.
    pub fn length(&self) -> Option<u64> {
        match &self.body {
            Body::File {
                parts: Some(parts), ..
            } => Some(parts.iter().map(Part::length).sum()),
            Body::File { length, .. } => Some(*length),
            Body::Stream { .. } => None,
        }
    }

    /// Another view of the same file: these parts, one after another. `None` for a stream.
    ///
    /// # Errors
    /// As the operating system has it.
    pub fn arranged(&self, parts: Vec<Part>) -> io::Result<Option<Self>> {
        match &self.body {
            Body::File {
                file,
                length,
                modified,
                ..
            } => Ok(Some(Self {
                body: Body::File {
                    file: file.try_clone()?,
                    length: *length,
                    modified: *modified,
                    parts: Some(parts),
                },
                id: self.id,
            })),
            Body::Stream { .. } => Ok(None),
        }
    }

    /// Its first bytes, up to [`HEAD`]; they stay in the source.
    ///
    /// # Errors
    /// As the operating system has it.
    pub fn head(&mut self) -> io::Result<Vec<u8>> {
        match &mut self.body {
            Body::File { .. } => {
                let mut found = Vec::with_capacity(HEAD);
                let mut input = self.input();
                input
                    .as_reader()
                    .take(HEAD as u64)
                    .read_to_end(&mut found)?;
                Ok(found)
            }
            Body::Stream { head, reader } => {
                let missing = HEAD - head.len();
                reader.take(missing as u64).read_to_end(head)?;
                Ok(head.clone())
            }
        }
    }

    /// The source as the cipher reads it. A stream can be given once.
    pub fn input(&mut self) -> SourceInput<'_> {
        match &mut self.body {
            Body::File {
                file,
                length,
                parts: Some(parts),
                ..
            } => SourceInput::Parts(View {
                file,
                end: *length,
                length: parts.iter().map(Part::length).sum(),
                parts,
            }),
            Body::File { file, length, .. } => SourceInput::File {
                file,
                length: *length,
            },
            Body::Stream { head, reader } => {
                SourceInput::Stream(Cursor::new(std::mem::take(head)).chain(reader))
            }
        }
    }

    /// A source that can be read twice: itself, or a copy in an unnamed temporary file of what
    /// remains of the stream. The copy is ciphertext.
    ///
    /// # Errors
    /// As the operating system has it: the temporary folder may be full.
    pub fn rereadable(mut self) -> io::Result<Self> {
        if let SourceInput::Stream(mut stream) = self.input() {
            let mut copy = temporary()?;
            io::copy(&mut stream, &mut copy)?;
            return Self::from_file(copy);
        }
        Ok(self)
    }

    /// What the text is that this source holds, in an unnamed temporary file. It is ciphertext.
    ///
    /// # Errors
    /// As the operating system has it; [`io::ErrorKind::InvalidData`] if it is not that encoding.
    pub fn decoded(mut self, encoding: TextEncoding) -> io::Result<Self> {
        let mut copy = temporary()?;
        encoding.decode(&mut *self.input().as_reader(), &mut copy)?;
        copy.flush()?;
        Self::from_file(copy)
    }

    /// Whether the file is as it was when it was opened: same length, no later write.
    ///
    /// # Errors
    /// As the operating system has it.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        match &self.body {
            Body::File {
                file,
                length,
                modified: then,
                ..
            } => {
                let metadata = file.metadata()?;
                Ok(metadata.len() == *length && modified(&metadata) == *then)
            }
            Body::Stream { .. } => Ok(true),
        }
    }
}

fn temporary() -> io::Result<File> {
    let folder = std::env::temp_dir();
    Ok(File::from_parts(tempfile::tempfile_in(&folder)?, folder))
}

/// The time of the last write, in seconds and nanoseconds.
fn modified(metadata: &std::fs::Metadata) -> (i64, i64) {
    (metadata.mtime(), metadata.mtime_nsec())
}

/// What [`Source::input`] lends out.
pub enum SourceInput<'a> {
    /// A file and its length.
    File {
        /// The file.
        file: &'a File,
        /// Its length in bytes.
        length: u64,
    },
    /// Parts of a file.
    Parts(View<'a>),
    /// A stream, its head first.
    Stream(io::Chain<Cursor<Vec<u8>>, &'a mut Box<dyn Read + Send>>),
}

impl SourceInput<'_> {
    /// The cipher's view of it.
    pub fn as_input(&mut self) -> Input<'_> {
        match self {
            Self::File { file, length } => Input::File {
                file: *file,
                length: *length,
            },
            Self::Parts(view) => Input::File {
                length: view.length,
                file: view,
            },
            Self::Stream(stream) => Input::Stream(stream),
        }
    }

    /// The same as a plain reader, front to back.
    pub fn as_reader(&mut self) -> Box<dyn Read + Send + '_> {
        match self {
            Self::File { file, .. } => Box::new(Sequential {
                file: *file,
                offset: 0,
            }),
            Self::Parts(view) => Box::new(Sequential {
                file: view,
                offset: 0,
            }),
            Self::Stream(stream) => Box::new(stream),
        }
    }
}

/// Parts of a file, one after another.
pub struct View<'a> {
    file: &'a File,
    /// The file's own length.
    end: u64,
    length: u64,
    parts: &'a [Part],
}

impl ReadAt for View<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut within = offset;
        for part in self.parts {
            let length = part.length();
            if within >= length {
                within -= length;
                continue;
            }
            let rest = usize::try_from(length - within).unwrap_or(usize::MAX);
            let count = buffer.len().min(rest);
            let (wanted, _) = buffer.split_at_mut(count);
            return match part {
                Part::File(range) => FileExt::read_at(self.file, wanted, range.start + within),
                Part::Bytes(bytes) => {
                    let from = usize::try_from(within).unwrap_or(usize::MAX);
                    bytes.get(from..).unwrap_or_default().read(wanted)
                }
            };
        }
        // A file that has grown is seen by who asks for more than there is.
        FileExt::read_at(self.file, buffer, self.end.saturating_add(within))
    }
}

/// Something that is read at any place, from its beginning on.
struct Sequential<'a, F: ReadAt> {
    file: &'a F,
    offset: u64,
}

impl<F: ReadAt> Read for Sequential<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(content: &[u8]) -> Source {
        let mut file = temporary().unwrap();
        file.write_all(content).unwrap();
        Source::from_file(file).unwrap()
    }

    fn all(source: &mut Source) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut input = source.input();
        input.as_reader().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_view_reads_its_parts_in_order() {
        let whole = source(b"0123456789");
        let parts = vec![
            Part::File(7..10),
            Part::Bytes(b"ab".to_vec()),
            Part::File(2..2),
            Part::File(1..4),
        ];
        let mut view = whole.arranged(parts).unwrap().unwrap();
        assert_eq!(view.length(), Some(8));
        assert_eq!(view.head().unwrap(), b"789ab123");
        assert_eq!(all(&mut view), b"789ab123");
        assert!(view.is_unchanged().unwrap());
    }

    #[test]
    fn a_file_that_grows_shows_behind_a_view() {
        let whole = source(b"0123456789");
        let mut view = whole.arranged(vec![Part::File(0..4)]).unwrap().unwrap();
        let Body::File { file, .. } = &mut view.body else {
            panic!("a file");
        };
        file.write_all(b"+").unwrap();
        let SourceInput::Parts(parts) = view.input() else {
            panic!("a view");
        };
        assert_eq!(parts.read_at(&mut [0], 4).unwrap(), 1);
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
