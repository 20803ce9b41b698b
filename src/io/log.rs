//! [`Log`]: a file that only grows, and that one process writes.

use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err::File;
use fs_err::os::unix::fs::OpenOptionsExt;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{FileId, folder_of};

/// Why a log is not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// The operating system's reason, with path and operation.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Somebody else has it open to write.
    #[error("{}: another process writes it", .0.display())]
    InUse(PathBuf),
    /// A pipe, a device or a folder.
    #[error("{}: it is not a regular file", .0.display())]
    NotAFile(PathBuf),
}

/// A file that only grows. Nobody else has opened it as such, here or in another process.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    id: FileId,
}

impl Log {
    /// Opens the file at `path`, or makes it, mode 0600.
    ///
    /// # Errors
    /// See [`LogError`].
    pub(crate) fn open(path: &Path) -> Result<Self, LogError> {
        loop {
            let file = fs_err::OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(LogError::NotAFile(path.to_owned()));
            }
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::INTR) => continue,
                Err(Errno::WOULDBLOCK) => return Err(LogError::InUse(path.to_owned())),
                Err(error) => return Err(io::Error::from(error).into()),
            }
            let id = FileId::of(&metadata);
            let log = Self { file, id };
            // It may have been given another name before it was locked.
            if log.is_at(path) {
                // A file without a name would be lost with what is in it; not all folders can be synced.
                File::open(folder_of(path))
                    .and_then(|folder| folder.sync_all())
                    .ok();
                return Ok(log);
            }
        }
    }

    /// Whether `path` leads to this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        FileId::at(path) == Some(self.id)
    }

    /// How many bytes there are.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// What there is from a place on.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn read_from(&self, place: u64) -> io::Result<impl BufRead> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(place))?;
        Ok(BufReader::with_capacity(1 << 16, file))
    }

    /// Adds bytes at the end, and waits until they are kept.
    ///
    /// # Errors
    /// As the operating system has it; some of them may be there.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }

    /// Takes away what stands behind the first `length` bytes.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    /// Has the file system set room aside for so many more bytes, which nobody sees; where it cannot, it
    /// says nothing.
    ///
    /// # Errors
    /// There is no such room.
    pub(crate) fn reserve(&self, bytes: u64) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            let reserved = fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.length()?, bytes);
            if let Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::IO | Errno::ROFS)) = reserved {
                let path = self.file.path().display();
                let error = io::Error::from(error);
                return Err(io::Error::new(
                    error.kind(),
                    format!("failed to reserve space for `{path}`: {error}"),
                ));
            }
        }
        Ok(())
    }
}

/// The lock is the open file's, of which a command that is just being started has a copy still.
impl Drop for Log {
    fn drop(&mut self) {
        flock(&self.file, FlockOperation::Unlock).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn text(log: &Log, place: u64) -> String {
        let mut text = String::new();
        log.read_from(place)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn a_log_grows_at_its_end_wherever_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::open(&path).unwrap();
        let mode = fs_err::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        log.add(b"one\n").unwrap();
        assert_eq!(text(&log, 0), "one\n");
        assert_eq!(text(&log, 2), "e\n");
        log.reserve(1 << 14).unwrap();
        assert_eq!(log.length().unwrap(), 4);
        log.add(b"two\n").unwrap();
        log.cut(6).unwrap();
        log.add(b"!\n").unwrap();
        drop(log);
        let log = Log::open(&path).unwrap();
        assert_eq!(text(&log, 0), "one\ntw!\n");
    }

    #[test]
    fn a_log_has_one_writer_under_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["log", "other"].map(|name| folder.path().join(name));
        let first = Log::open(&path).unwrap();
        fs_err::hard_link(&path, &other).unwrap();
        for path in [&path, &other] {
            assert!(matches!(Log::open(path), Err(LogError::InUse(_))));
            assert!(first.is_at(path));
        }
        fs_err::remove_file(&path).unwrap();
        assert!(!first.is_at(&path));
        // A new file of that name is another one.
        let second = Log::open(&path).unwrap();
        assert!(second.is_at(&path) && first.is_at(&other));
        // Nor does it stay locked by what was inherited.
        let inherited = first.file.try_clone().unwrap();
        drop(first);
        assert!(Log::open(&other).is_ok());
        drop(inherited);
    }

    #[test]
    fn what_does_not_stay_is_no_log() {
        let folder = tempfile::tempdir().unwrap();
        for path in [Path::new("/dev/null"), Path::new("/dev/full")] {
            let error = Log::open(path).unwrap_err();
            assert!(matches!(error, LogError::NotAFile(_)), "{error}");
        }
        let missing = folder.path().join("missing/log");
        for path in [folder.path(), &missing] {
            let error = Log::open(path).unwrap_err();
            assert!(matches!(error, LogError::Io(_)), "{error}");
        }
    }
}
