//! [`Spool`]: where what can be read once is kept, to be read at any place and again.

use std::io::{self, ErrorKind, Read, Seek, Write};

use fs_err::File;

/// Where what can be read once is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spool {
    /// The most bytes that are kept in memory.
    pub memory: u64,
    /// Whether what is larger goes to an unnamed temporary file. Plaintext must not.
    pub disk: bool,
}

impl Default for Spool {
    /// In an unnamed temporary file.
    fn default() -> Self {
        Self {
            memory: 0,
            disk: true,
        }
    }
}

/// What is being kept. Nobody else can open it, and it is gone with its last descriptor.
pub(super) struct Spooled {
    spool: Spool,
    file: File,
    in_memory: bool,
    length: u64,
}

impl Spool {
    /// Keeps all that a reader gives, of so many bytes where that is known.
    ///
    /// # Errors
    /// As the reader or the operating system has it; [`ErrorKind::FileTooLarge`] for what may be kept
    /// in memory only and is too large for it.
    pub(super) fn take(self, reader: &mut impl Read, length: Option<u64>) -> io::Result<Spooled> {
        let mut spooled = self.begin(length)?;
        io::copy(reader, &mut spooled)?;
        Ok(spooled)
    }

    /// Keeps nothing yet; what is written to it then.
    ///
    /// # Errors
    /// As those of [`Spool::take`].
    pub(super) fn begin(self, length: Option<u64>) -> io::Result<Spooled> {
        let fits = self.memory > 0 && length.is_none_or(|length| length <= self.memory);
        let memory = if fits {
            memory()
        } else {
            Err(self.too_large())
        };
        let in_memory = memory.is_ok();
        let file = match memory {
            Err(_) if self.disk => temporary()?,
            memory => memory?,
        };
        Ok(Spooled {
            spool: self,
            file,
            in_memory,
            length: 0,
        })
    }

    fn too_large(self) -> io::Error {
        let what = format!(
            "it may be kept in memory only, and has more than {} bytes",
            self.memory
        );
        io::Error::new(ErrorKind::FileTooLarge, what)
    }
}

impl Spooled {
    /// The file, and whether it is memory.
    pub(super) fn into_parts(self) -> (File, bool) {
        (self.file, self.in_memory)
    }

    /// Goes on in an unnamed temporary file.
    fn leave_memory(&mut self) -> io::Result<()> {
        if !self.spool.disk {
            return Err(self.spool.too_large());
        }
        let mut file = temporary()?;
        self.file.rewind()?;
        io::copy(&mut self.file, &mut file)?;
        (self.file, self.in_memory) = (file, false);
        Ok(())
    }
}

impl Write for Spooled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.length.saturating_add(bytes.len() as u64);
        if self.in_memory && length > self.spool.memory {
            self.leave_memory()?;
        }
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// An unnamed file in the folder of temporary files.
pub(super) fn temporary() -> io::Result<File> {
    let folder = std::env::temp_dir();
    Ok(File::from_parts(tempfile::tempfile_in(&folder)?, folder))
}

/// A file that is memory: `memfd_create(2)`. Commands that are run do not inherit it.
#[cfg(target_os = "linux")]
fn memory() -> io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let file = memfd_create("recording", MemfdFlags::CLOEXEC)?;
    Ok(File::from_parts(file.into(), "memory"))
}

#[cfg(not(target_os = "linux"))]
fn memory() -> io::Result<File> {
    let why = "this system has no files in memory";
    Err(io::Error::new(ErrorKind::Unsupported, why))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const CONTENT: &[u8] = b"0123456789";

    fn kept(memory: u64, disk: bool, length: Option<u64>) -> io::Result<(Vec<u8>, bool)> {
        let spooled = Spool { memory, disk }.take(&mut &CONTENT[..], length)?;
        let (mut file, in_memory) = spooled.into_parts();
        file.rewind()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((bytes, in_memory))
    }

    #[test]
    fn what_is_larger_than_memory_goes_to_a_file_or_is_refused() {
        for length in [None, Some(10)] {
            for (memory, in_memory) in [(11, true), (10, true), (9, false), (0, false)] {
                let in_memory = in_memory && cfg!(target_os = "linux");
                let kept_so = kept(memory, true, length).unwrap();
                assert_eq!(kept_so, (CONTENT.to_vec(), in_memory), "{memory}");
            }
            for memory in [9, 0] {
                let error = kept(memory, false, length).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::FileTooLarge);
            }
        }
    }

    #[test]
    fn what_goes_on_behind_memory_is_whole() {
        let spool = Spool {
            memory: 5,
            disk: true,
        };
        let mut spooled = spool.begin(None).unwrap();
        for byte in CONTENT.chunks(3) {
            spooled.write_all(byte).unwrap();
        }
        let (mut file, in_memory) = spooled.into_parts();
        file.rewind().unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!((bytes.as_slice(), in_memory), (CONTENT, false));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_in_no_folder_and_no_command_inherits_it() {
        let spool = Spool {
            memory: 99,
            disk: false,
        };
        let (file, _) = spool.take(&mut &CONTENT[..], None).unwrap().into_parts();
        let fd = file.as_raw_fd();
        let path = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
        assert_eq!(path.to_str().unwrap(), "/memfd:recording (deleted)");
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        let flags = rustix::io::fcntl_getfd(&file).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        let listed = std::process::Command::new("ls")
            .args(["-l", "/proc/self/fd"])
            .output()
            .unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(
            listed.contains("->") && !listed.contains("memfd:"),
            "{listed}"
        );
    }
}
