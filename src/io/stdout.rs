//! Standard output as a sink for media.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use fs_err::File;
use rustix::fs::{FileType, OFlags};

use super::{FileId, Patient};

/// Standard output, unbuffered: media comes in large pieces.
pub(crate) struct Stdout {
    file: Patient<File>,
}

/// Asks for a pipe of 1 MiB, the most that every user may have (pipe(7)). With the usual 64 KiB
/// writer and reader wait for each other most of the time.
#[cfg(target_os = "linux")]
fn enlarge(pipe: &impl AsFd) {
    rustix::pipe::fcntl_setpipe_size(pipe, 1 << 20).ok();
}

#[cfg(not(target_os = "linux"))]
fn enlarge(_pipe: &impl AsFd) {}

impl Stdout {
    /// Takes hold of it.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn open() -> io::Result<Self> {
        let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
        enlarge(&descriptor);
        Ok(Self {
            file: Patient(File::from_parts(descriptor.into(), "standard output")),
        })
    }

    /// Whether a person would see the bytes.
    pub(crate) fn is_terminal() -> bool {
        io::stdout().is_terminal()
    }

    /// Whether it is `/dev/null`, opened for reading and writing. The language's runtime opens that
    /// in the place of a descriptor that is closed at the start; a shell's `>/dev/null` is for
    /// writing only.
    pub(crate) fn is_nowhere() -> bool {
        let stdout = io::stdout();
        let (Ok(stat), Ok(flags)) = (rustix::fs::fstat(&stdout), rustix::fs::fcntl_getfl(&stdout))
        else {
            return true;
        };
        flags & OFlags::RWMODE == OFlags::RDWR
            && FileType::from_raw_mode(stat.st_mode).is_char_device()
            && rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == stat.st_rdev)
    }

    /// Which file it was redirected to, if it is one.
    pub(crate) fn id(&self) -> Option<FileId> {
        let metadata = self.file.0.metadata().ok()?;
        metadata.is_file().then(|| FileId::of(&metadata))
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
