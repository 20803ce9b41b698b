//! Folders that are made for what is written, and locked while it is changed.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fs_err::File;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// How long a run waits for another one.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a folder, and those above it, mode 0700, where they are not there.
///
/// # Errors
/// As the operating system has it.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The same for what everybody may read: mode 0755, less what umask(2) takes.
///
/// # Errors
/// As the operating system has it.
pub(crate) fn make_shared(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(folder)
}

/// A folder that no other run locks. The lock ends with this, and with the process.
pub(crate) struct LockedFolder {
    _folder: File,
}

impl LockedFolder {
    /// Locks a folder, after another run if there is one. `None` where that takes too long.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn lock(folder: &Path) -> io::Result<Option<Self>> {
        let file = File::open(folder)?;
        let start = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(Self { _folder: file })),
                Err(Errno::WOULDBLOCK | Errno::INTR) if start.elapsed() < PATIENCE => {
                    sleep(Duration::from_millis(50));
                }
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let first = LockedFolder::lock(folder.path()).unwrap().unwrap();
        let other = File::open(folder.path()).unwrap();
        let taken = flock(&other, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(taken, Err(Errno::WOULDBLOCK));
        drop(first);
        assert!(LockedFolder::lock(folder.path()).unwrap().is_some());
    }
}
