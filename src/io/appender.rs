//! Lines added to a file that several processes may add to at the same time.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use fs_err::File;
use fs_err::os::unix::fs::{FileExt, OpenOptionsExt};
use rustix::fs::{FlockOperation, fcntl_lock};

use super::Patient;

/// Held while a line is added.
static ONE: Mutex<()> = Mutex::new(());

/// A file that only grows, by whole lines.
///
/// A line that could not be written whole, because the disk is full, is taken back; where that
/// fails or somebody was killed on the way, the next line begins on a fresh one.
pub(crate) struct Appender {
    file: Patient<File>,
    /// To look at its end with; `None` for what has none, such as a pipe.
    reader: Option<File>,
}

impl Appender {
    /// Opens the file at `path`, or makes it, mode 0600.
    ///
    /// # Errors
    /// As the operating system has it, with path and operation.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = fs_err::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let is_file = file.metadata()?.is_file();
        Ok(Self {
            file: Patient(file),
            // Who may write only cannot look. It must not be closed before the end: that would
            // end the lock of a line (fcntl_locking(2)).
            reader: is_file.then(|| File::open(path).ok()).flatten(),
        })
    }

    /// Adds `text`, which has no newline in it, as a line.
    ///
    /// # Errors
    /// As the operating system has it. Nothing of the line is left then, if that can be helped.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        // Within this process, to which the lock below belongs as a whole.
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        // Among processes that do the same; a file system without locks has single writes still.
        // It is no flock(2), which a script around this may hold.
        let lock = |operation| fcntl_lock(&self.file.0, operation).ok();
        let locked = lock(FlockOperation::LockExclusive);
        let result = self.add(text);
        if locked.is_some() {
            fcntl_lock(&self.file.0, FlockOperation::Unlock).ok();
        }
        result
    }

    fn add(&mut self, text: &str) -> io::Result<()> {
        let metadata = self.file.0.metadata()?;
        let start = metadata.len();
        let fresh = if self.ends_within_a_line(start) {
            "\n"
        } else {
            ""
        };
        let line = format!("{fresh}{text}\n");
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let error = match self.file.write(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let written = (line.len() - rest.len()) as u64;
            let grown = self.file.0.metadata().map_or(0, |metadata| metadata.len());
            // Unless somebody who does not lock has added to it.
            if metadata.is_file() && written > 0 && grown == start + written {
                self.file.0.set_len(start).ok();
            }
            return Err(error);
        }
        Ok(())
    }

    fn ends_within_a_line(&self, length: u64) -> bool {
        let (Some(reader), Some(last)) = (&self.reader, length.checked_sub(1)) else {
            return false;
        };
        let mut byte = [b'\n'];
        reader.read_at(&mut byte, last).is_ok() && byte != *b"\n"
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_line_begins_on_a_fresh_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        Appender::open(&path).unwrap().line("one").unwrap();
        let mode = fs_err::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut appender = Appender::open(&path).unwrap();
        appender.line("two").unwrap();
        // Somebody was killed half way.
        fs_err::write(&path, "one\ntwo\n{\"half").unwrap();
        appender.line("three").unwrap();
        appender.line("four").unwrap();
        let text = fs_err::read_to_string(&path).unwrap();
        assert_eq!(text, "one\ntwo\n{\"half\nthree\nfour\n");
    }

    #[test]
    fn a_device_that_takes_nothing_is_an_error_of_every_line() {
        let Ok(mut full) = Appender::open(Path::new("/dev/full")) else {
            return;
        };
        for _ in 0..2 {
            let error = full.line("one").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
    }

    #[test]
    fn lines_of_several_at_once_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        let line = |number: usize| number.to_string().repeat(5000);
        std::thread::scope(|scope| {
            for number in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let mut appender = Appender::open(path).unwrap();
                    for _ in 0..50 {
                        appender.line(&line(number)).unwrap();
                    }
                });
            }
        });
        let text = fs_err::read_to_string(&path).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        let expected: Vec<_> = (0..200).map(|n| line(n / 50)).collect();
        assert_eq!(lines, expected);
    }
}
