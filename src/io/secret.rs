//! Small inputs that are read whole, once, into memory that is wiped: keys, passphrases, metadata.

use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// Why a small input could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
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
pub fn file(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    limited(fs_err::File::open(path)?, limit)
}

/// Reads a file descriptor that the caller of the program opened, up to `limit` bytes.
///
/// # Errors
/// See [`ReadError`].
pub fn from_fd(fd: u32, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    file(Path::new(&format!("/dev/fd/{fd}")), limit)
}

/// Reads `reader` to its end, up to `limit` bytes. No copy is left behind as the buffer grows.
///
/// # Errors
/// See [`ReadError`].
pub fn limited(mut reader: impl Read, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
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
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * length));
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
    fn reads_up_to_the_limit_and_no_further() {
        let input = vec![7; 10_000];
        assert_eq!(*limited(&input[..], 10_000).unwrap(), input);
        let error = limited(&input[..], 9_999).unwrap_err();
        assert!(matches!(error, ReadError::TooLong { limit: 9_999 }));
    }
}
