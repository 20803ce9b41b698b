//! What a provider says of a recording, kept in a file beside its media.

use std::cell::Cell;
use std::path::Path;

use super::place::Place;
use super::target::Output;
use crate::api::Attempts;
use crate::cipher::WriteAt;
use crate::io::{OutputError, Staged, read_limited};
use crate::pipeline;

/// The extension of a sidecar.
pub(super) const SIDECAR: &str = "json";

/// A document that gets its name just before the media gets its own: who finds the media finds what
/// opens it.
pub(super) struct Sidecar<'a> {
    output: &'a Output,
    place: Place,
    document: Vec<u8>,
    is_made: Cell<bool>,
}

impl<'a> Sidecar<'a> {
    /// `document` for the media called `name`, without its extension; `None` where it has no place.
    pub(super) fn new(output: &'a Output, name: &str, document: Vec<u8>) -> Option<Self> {
        Some(Self {
            output,
            place: output.place(name, SIDECAR)?,
            document,
            is_made: Cell::new(false),
        })
    }

    /// Writes it, unless it stands there already. One that says something else is replaced or
    /// refused as other outputs are, and stays where those are left.
    ///
    /// # Errors
    /// See [`OutputError`].
    pub(super) fn place(&self) -> Result<(), OutputError> {
        match self.output.check(&self.place) {
            Ok(()) => {}
            Err(OutputError::Exists(_)) if self.output.skips() || self.is_the_same() => {
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        match self.write() {
            Ok(()) => self.is_made.set(true),
            // Another run was faster.
            Err(OutputError::Exists(_)) if self.output.skips() || self.is_the_same() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn write(&self) -> Result<(), OutputError> {
        let length = self.document.len() as u64;
        let fill = |staged: Staged, path: &Path| {
            let failed = |source| OutputError::Io {
                path: path.to_owned(),
                operation: "writing",
                source,
            };
            let written = staged.write_all_at(&self.document, 0);
            written.map_err(failed).map(|()| staged)
        };
        match &self.place {
            Place::File(path) => {
                let staged = fill(Staged::create(path)?, path)?;
                staged.commit(path, self.output.replaces())
            }
            Place::Object(location) => {
                let staged = fill(Staged::temporary()?, Path::new(&location.to_string()))?;
                self.output
                    .put(&staged, location, length, "application/json")
            }
        }
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
            match &self.place {
                Place::File(path) => fs_err::remove_file(path).ok(),
                Place::Object(location) => self.output.buckets().remove(location).ok(),
            };
        }
    }

    /// Where it stands.
    pub(super) fn place_of(&self) -> &Place {
        &self.place
    }

    fn is_the_same(&self) -> bool {
        let there = match &self.place {
            Place::File(path) => fs_err::read(path).ok(),
            Place::Object(location) => {
                let limit = self.document.len() as u64 + 1;
                let read = self.output.buckets().read(location, &Attempts::default());
                read.ok()
                    .and_then(|it| read_limited(it.body, limit).ok().map(|it| it.to_vec()))
            }
        };
        there.is_some_and(|there| there == self.document)
    }
}
