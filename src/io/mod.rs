//! Sources and sinks: files, stdin, stdout, unnamed temporary files.
//!
//! An input is a [`Source`]; an output is a [`Staged`] file that gets its name in one step when
//! everything is verified. Nothing here knows what the bytes mean.

mod appender;
mod cleanup;
mod command;
mod folder;
mod lines;
#[cfg(feature = "serve")]
mod log;
mod machine;
mod memory;
mod patient;
mod secret;
mod source;
mod spool;
mod staged;
mod stdout;
mod text;
mod wrapper;

pub(crate) use appender::Appender;
pub(crate) use cleanup::{CleanedUp, install as install_cleanup, interrupt};
#[cfg(feature = "serve")]
pub(crate) use cleanup::{Signal, take_over_signals};
pub(crate) use command::{CommandError, Withheld, run as run_command};
pub(crate) use folder::{LockedFolder, make as make_folder, make_shared as make_shared_folder};
pub(crate) use lines::{Line, Lines, Stop};
#[cfg(feature = "serve")]
pub(crate) use log::{Log, LogError};
pub(crate) use machine::{Memory, Room, descriptors, is_private};
pub(crate) use memory::keep_private;
#[cfg(feature = "serve")]
pub(crate) use memory::raise_descriptors;
pub(crate) use patient::{Patient, open_terminal};
pub(crate) use secret::{
    ReadError, fd_path, file as read_file, from_fd as read_fd, limited as read_limited,
};
pub use source::Source;
pub(crate) use source::{HEAD, Part, Stored};
pub(crate) use spool::Spool;
pub use staged::{OutputError, Staged};
pub(crate) use staged::{check_target, folder_of};
pub(crate) use stdout::Stdout;
pub(crate) use text::TextEncoding;
pub use wrapper::Wrapper;

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
