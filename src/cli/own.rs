//! The files that a run itself needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::stdin::is_stdin;
use crate::io::{FileId, Source};

/// The files of a run, which none of its outputs may replace.
pub(super) struct Own {
    all: BTreeSet<FileId>,
    /// Without the media: metadata, keys, passphrase, report.
    others: BTreeSet<FileId>,
}

impl Own {
    /// The files that the run will read: its inputs, and `reads` beside them.
    pub(super) fn of(reads: &[PathBuf], inputs: &[PathBuf]) -> Self {
        let id = |path: &PathBuf| {
            if is_stdin(path) {
                Source::stdin().ok()?.id()
            } else {
                FileId::at(path)
            }
        };
        let others: BTreeSet<_> = reads.iter().filter_map(id).collect();
        let mut all = others.clone();
        all.extend(inputs.iter().filter_map(id));
        Self { all, others }
    }

    /// One more: a file that the run writes apart from its outputs.
    pub(super) fn add(&mut self, path: &Path) {
        self.others.extend(FileId::at(path));
        self.all.extend(FileId::at(path));
    }

    /// All of them.
    pub(super) fn all(&self) -> &BTreeSet<FileId> {
        &self.all
    }

    /// Whether `path` is one of them, but no media.
    pub(super) fn lies_beside(&self, path: &Path) -> bool {
        FileId::at(path).is_some_and(|id| self.others.contains(&id))
    }
}
