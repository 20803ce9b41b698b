//! Small inputs that are read whole, once, into memory that is wiped: keys, passphrases, metadata.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use fs_err::File;
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::Patient;

/// Why a small input could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The operating system's reason, with path and operation.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Longer than such an input can be.
    #[error("it is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: u64,
    },
}

/// Reads the file at `path`, which may be a pipe, up to `limit` bytes.
///
/// # Errors
/// See [`ReadError`].
pub(crate) fn file(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    limited(Patient(File::open(path)?), limit)
}

/// Reads a file descriptor that the caller of the program opened, from where it stands, up to
/// `limit` bytes.
///
/// # Errors
/// See [`ReadError`].
pub(crate) fn from_fd(fd: u32, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    limited(Patient(inherited(fd)?), limit)
}

/// A path that leads to what the descriptor `fd` is open on, whatever its name.
pub(crate) fn fd_path(fd: u32) -> PathBuf {
    PathBuf::from(format!("/dev/fd/{fd}"))
}

/// The descriptor itself, which has its place in the file, and which who handed it over may have
/// had more rights to open. Where the system keeps that from us, the file is opened anew.
#[cfg(target_os = "linux")]
fn inherited(fd: u32) -> io::Result<File> {
    use rustix::fs::OFlags;
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let number = i32::try_from(fd).map_err(|_| Errno::BADF)?;
    let info = fs_err::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
    let field = |name: &str, radix| {
        let value = info.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(value.trim(), radix).ok()
    };
    // What this program opened itself is closed at exec(2), so that nobody inherits it.
    let closes = u64::from(OFlags::CLOEXEC.bits());
    if field("flags:", 8).is_some_and(|flags| flags & closes != 0) {
        return Err(Errno::BADF.into());
    }
    let process = pidfd_open(getpid(), PidfdFlags::empty());
    let same = process.and_then(|own| pidfd_getfd(own, number, PidfdGetfdFlags::empty()));
    match same {
        Ok(same) => Ok(File::from_parts(same.into(), fd_path(fd))),
        Err(Errno::BADF) => Err(Errno::BADF.into()),
        Err(_) => reopened(fd, field("pos:", 10)),
    }
}

#[cfg(not(target_os = "linux"))]
fn inherited(fd: u32) -> io::Result<File> {
    reopened(fd, None)
}

fn reopened(fd: u32, position: Option<u64>) -> io::Result<File> {
    let mut file = File::open(fd_path(fd))?;
    if let Some(position) = position.filter(|position| *position > 0) {
        file.seek(SeekFrom::Start(position))?;
    }
    Ok(file)
}

/// Reads `reader` to its end, up to `limit` bytes. No copy is left behind as the buffer grows.
///
/// # Errors
/// See [`ReadError`].
pub(crate) fn limited(mut reader: impl Read, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut piece = Zeroizing::new([0; 4096]);
    loop {
        let read = match reader.read(&mut *piece) {
            Ok(0) => return Ok(bytes),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let length = bytes.len() + read;
        if length as u64 > limit {
            return Err(ReadError::TooLong { limit });
        }
        if length > bytes.capacity() {
            // In few steps, none beyond the limit: what is left behind is memory that others find
            // too small.
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let mut larger = Zeroizing::new(Vec::with_capacity(most.min(8 * length)));
            larger.extend_from_slice(&bytes);
            bytes = larger;
        }
        bytes.extend_from_slice(&piece[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_program_opened_itself_was_not_handed_over() {
        use std::os::fd::AsRawFd;
        let own = tempfile::tempfile().unwrap();
        let number = u32::try_from(own.as_raw_fd()).unwrap();
        for fd in [number, 1 << 20, u32::MAX] {
            assert!(matches!(from_fd(fd, 1), Err(ReadError::Io(_))), "{fd}");
        }
    }

    #[test]
    fn a_file_that_is_opened_anew_is_read_from_where_it_stood() {
        use std::io::Write;
        use std::os::fd::AsRawFd;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\ntwo\n").unwrap();
        let number = u32::try_from(file.as_raw_fd()).unwrap();
        let rest = limited(reopened(number, Some(4)).unwrap(), 10).unwrap();
        assert_eq!(*rest, b"two\n");
    }

    #[test]
    fn reads_up_to_the_limit_and_no_further() {
        let input = vec![7; 10_000];
        assert_eq!(*limited(&input[..], 10_000).unwrap(), input);
        let error = limited(&input[..], 9_999).unwrap_err();
        assert!(matches!(error, ReadError::TooLong { limit: 9_999 }));
    }
}
