//! Where media comes from.

use std::io::{self, Cursor, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use fs_err::File;
use fs_err::os::unix::fs::FileExt;

use super::FileId;
use crate::cipher::{Input, ReadAt, SEGMENT};

/// How much of a source can be looked at before it is read: one segment.
pub const HEAD: usize = SEGMENT;

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
            return Ok(Self::stream(file, Some(id)));
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
            return Ok(Self::stream(file, id));
        }
        Ok(Self {
            body: Body::File {
                length: metadata.len(),
                modified: modified(&metadata),
                file,
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
            Body::File { length, .. } => Some(*length),
            Body::Stream { .. } => None,
        }
    }

    /// Its first bytes, up to [`HEAD`]; they stay in the source.
    ///
    /// # Errors
    /// As the operating system has it.
    pub fn head(&mut self) -> io::Result<Vec<u8>> {
        match &mut self.body {
            Body::File { file, .. } => {
                let mut found = Vec::with_capacity(HEAD);
                let file = Sequential { file, offset: 0 };
                file.take(HEAD as u64).read_to_end(&mut found)?;
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
            let folder = std::env::temp_dir();
            let mut copy = File::from_parts(tempfile::tempfile_in(&folder)?, folder);
            io::copy(&mut stream, &mut copy)?;
            return Self::from_file(copy);
        }
        Ok(self)
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
            } => {
                let metadata = file.metadata()?;
                Ok(metadata.len() == *length && modified(&metadata) == *then)
            }
            Body::Stream { .. } => Ok(true),
        }
    }
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
            Self::Stream(stream) => Input::Stream(stream),
        }
    }

    /// The same as a plain reader, front to back.
    pub fn as_reader(&mut self) -> Box<dyn Read + Send + '_> {
        match self {
            Self::File { file, .. } => Box::new(Sequential { file, offset: 0 }),
            Self::Stream(stream) => Box::new(stream),
        }
    }
}

/// A file from its beginning, whatever its cursor says.
struct Sequential<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for Sequential<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = FileExt::read_at(self.file, buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}
