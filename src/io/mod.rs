//! Sources and sinks: files, stdin, stdout, unnamed temporary files.
//!
//! An input is a [`Source`]; an output is a [`Staged`] file that gets its name in one step when
//! everything is verified. Nothing here knows what the bytes mean.

mod appender;
mod cleanup;
mod command;
mod memory;
mod patient;
mod secret;
mod source;
mod staged;
mod stdout;
mod text;

pub use appender::Appender;
pub use cleanup::{CleanedUp, install as install_cleanup, interrupt};
pub use command::{CommandError, Withheld, run as run_command};
pub use memory::keep_private;
pub use patient::Patient;
pub use secret::{
    ReadError, fd_path, file as read_file, from_fd as read_fd, limited as read_limited,
};
pub use source::{HEAD, Part, Source};
pub use staged::{OutputError, Staged, check_target};
pub use stdout::Stdout;
pub use text::TextEncoding;

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What makes a file the same file under every name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The id of a file by its metadata.
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// The id of what `path` leads to, symbolic links followed; `None` if there is nothing.
    pub fn at(path: &Path) -> Option<Self> {
        fs_err::metadata(path).ok().as_ref().map(Self::of)
    }
}
