//! What a provider says of a recording, kept in a file beside its media.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::target::Output;
use crate::cipher::WriteAt;
use crate::io::{OutputError, Staged};
use crate::pipeline;

/// The extension of a sidecar.
pub(super) const SIDECAR: &str = "json";

/// A document that gets its name just before the media gets its own: who finds the media finds what
/// opens it.
pub(super) struct Sidecar<'a> {
    output: &'a Output,
    path: PathBuf,
    document: Vec<u8>,
    is_made: Cell<bool>,
}

impl<'a> Sidecar<'a> {
    /// `document` for the media called `name`, without its extension.
    pub(super) fn new(output: &'a Output, folder: &Path, name: &str, document: Vec<u8>) -> Self {
        Self {
            output,
            path: folder.join(format!("{name}.{SIDECAR}")),
            document,
            is_made: Cell::new(false),
        }
    }

    /// Writes it, unless it stands there already. One that says something else is replaced or
    /// refused as other outputs are, and stays where those are left.
    ///
    /// # Errors
    /// See [`OutputError`].
    pub(super) fn place(&self) -> Result<(), OutputError> {
        match self.output.check(&self.path) {
            Ok(()) => {}
            Err(OutputError::Exists(_)) if self.output.skips() || self.is_the_same() => {
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let failed = |source| OutputError::Io {
            path: self.path.clone(),
            operation: "writing",
            source,
        };
        let staged = Staged::create(&self.path)?;
        staged.write_all_at(&self.document, 0).map_err(failed)?;
        match staged.commit(&self.path, self.output.replaces()) {
            Ok(()) => self.is_made.set(true),
            // Another run was faster.
            Err(OutputError::Exists(_)) if self.output.skips() || self.is_the_same() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether it was not there before.
    pub(super) fn is_made(&self) -> bool {
        self.is_made.get()
    }

    /// Removes it again, if it was not there before: the media did not come. Where the media is
    /// there after all, another run's, it may be the only one that opens that.
    pub(super) fn take_back(&self, why: &pipeline::Error) {
        let is_there = matches!(why, pipeline::Error::Output(OutputError::Exists(_)));
        if self.is_made.get() && !self.output.replaces() && !is_there {
            fs_err::remove_file(&self.path).ok();
        }
    }

    /// Its name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn is_the_same(&self) -> bool {
        fs_err::read(&self.path).is_ok_and(|there| there == self.document)
    }
}
