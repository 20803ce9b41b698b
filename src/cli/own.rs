//! The files that a run itself needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::Decrypt;
use super::keys;
use super::metadata::sidecar;
use super::stdin::is_stdin;
use crate::io::{FileId, Source};

/// The files of a run, which none of its outputs may replace.
pub(super) struct Own {
    all: BTreeSet<FileId>,
    /// Without the media: metadata, keys, passphrase, report.
    others: BTreeSet<FileId>,
}

impl Own {
    /// The files that the run will read.
    pub(super) fn of(args: &Decrypt, inputs: &[PathBuf]) -> Self {
        let id = |path: &PathBuf| {
            if is_stdin(path) {
                Source::stdin().ok()?.id()
            } else {
                FileId::at(path)
            }
        };
        let metadata = args.metadata.iter().cloned();
        let sidecars = inputs.iter().filter_map(|input| sidecar(input));
        let others = metadata
            .chain(sidecars)
            .chain(args.keys.passphrase.passphrase_file.clone())
            .chain(keys::files(&args.keys));
        let others: BTreeSet<_> = others.filter_map(|path| id(&path)).collect();
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
