//! The files that a run itself needs, which none of its outputs may replace.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::input::Input;
use super::secret_file::LIMIT;
use crate::io::{FileId, Source, folder_of, read_file};
use crate::media::{Sniff, sniff};
use crate::store::Location;

/// The files of a run. What makes a file the same under every name is device and inode.
#[derive(Default)]
pub(crate) struct Own {
    media: BTreeSet<FileId>,
    /// Those of the media that were found in a folder.
    found: BTreeSet<FileId>,
    /// Metadata, keys, passphrase, report.
    others: BTreeSet<FileId>,
    /// Files in folders of keys, which are the run's own if they hold keys.
    perhaps: BTreeMap<FileId, PathBuf>,
    /// Names that the run will make: the folder, and the name in it.
    names: Vec<(FileId, OsString)>,
    /// Media in buckets, as far as it is named.
    objects: BTreeSet<Location>,
    /// Those of the run that this is a part of.
    run: Option<Arc<Own>>,
}

impl Own {
    /// The media, and what is read beside it.
    pub(super) fn of<'a>(
        media: impl IntoIterator<Item = &'a Input>,
        others: impl IntoIterator<Item = Input>,
        inside: Vec<PathBuf>,
    ) -> Self {
        let mut own = Self::default();
        for input in media {
            own.media.extend(input.id());
            own.objects.extend(input.object().cloned());
        }
        for file in others {
            own.add(&file);
        }
        let with_id = |path: PathBuf| Some((FileId::at(&path)?, path));
        own.perhaps = inside.into_iter().filter_map(with_id).collect();
        own
    }

    /// These media were found in a folder, and not named.
    pub(super) fn found<'a>(&mut self, media: impl IntoIterator<Item = &'a Input>) {
        self.found = media.into_iter().filter_map(Input::id).collect();
    }

    /// Whether what stands at `path` was found in a folder of inputs and needs no decrypting: an
    /// earlier run put it there.
    pub(super) fn holds_as_done(&self, path: &Path) -> bool {
        let is_plain = |mut source: Source| {
            source
                .head()
                .is_ok_and(|head| matches!(sniff(head), Some(Sniff::Plain(_))))
        };
        FileId::at(path).is_some_and(|id| self.found.contains(&id))
            && Source::open(path).is_ok_and(is_plain)
    }

    /// Whether it is an object that the run reads.
    pub(super) fn holds_object(&self, location: &Location) -> bool {
        self.objects.contains(location)
            || self
                .run
                .as_ref()
                .is_some_and(|run| run.holds_object(location))
    }

    /// Whether it is below a prefix that the run reads: what stands there may be one of its objects.
    pub(super) fn reads_below(&self, location: &Location) -> bool {
        let is_below = |prefix: &Location| {
            prefix.is_prefix()
                && (prefix.service, &prefix.bucket) == (location.service, &location.bucket)
                && location.key.starts_with(&prefix.key)
        };
        self.objects.iter().any(is_below)
            || self
                .run
                .as_ref()
                .is_some_and(|run| run.reads_below(location))
    }

    /// The same as a part of a run that needs others, too.
    pub(super) fn within(self, run: &Arc<Self>) -> Self {
        Self {
            run: Some(Arc::clone(run)),
            ..self
        }
    }

    /// One more: a file that the run reads, or writes apart from its outputs. It need not be
    /// there yet.
    pub(crate) fn add(&mut self, file: &Input) {
        match (file.id(), file.path()) {
            (Some(id), _) => {
                self.others.insert(id);
            }
            (None, Some(path)) => self.names.extend(place(path)),
            (None, None) => {}
        }
    }

    /// Whether what stands at `path`, or will stand there, is one of them.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        FileId::at(path).is_some_and(|id| self.media.contains(&id) || self.is_other(id))
            || !self.names.is_empty()
                && place(path).is_some_and(|place| self.names.contains(&place))
            || self.run.as_ref().is_some_and(|run| run.holds(path))
    }

    /// Whether it is one of them, but no media.
    pub(super) fn lies_beside(&self, path: &Path) -> bool {
        FileId::at(path).is_some_and(|id| self.is_other(id))
            || self.run.as_ref().is_some_and(|run| run.lies_beside(path))
    }

    /// Whether an open file is one of them.
    pub(crate) fn holds_id(&self, id: FileId) -> bool {
        self.media.contains(&id)
            || self.is_other(id)
            || self.run.as_ref().is_some_and(|run| run.holds_id(id))
    }

    fn is_other(&self, id: FileId) -> bool {
        let is_key = |path: &PathBuf| {
            read_file(path, LIMIT).is_ok_and(|bytes| crate::key::parse(&bytes).is_ok())
        };
        self.others.contains(&id) || self.perhaps.get(&id).is_some_and(is_key)
    }
}

/// Whether two paths lead to one file, which need not be there yet.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    match (FileId::at(one), FileId::at(other)) {
        (None, None) => place(one).is_some_and(|one| place(other) == Some(one)),
        (one, other) => one == other,
    }
}

/// The folder of a path, whatever way leads there, and the name in it.
pub(super) fn place(path: &Path) -> Option<(FileId, OsString)> {
    let name = path.file_name()?.to_owned();
    Some((FileId::at(folder_of(path))?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_under_every_name_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["media", "meta", "other"] {
            fs_err::write(path(name), name).unwrap();
        }
        fs_err::hard_link(path("meta"), path("twin")).unwrap();
        fs_err::create_dir(path("sub")).unwrap();
        let input = |name: &str| Input::File(path(name));
        let own = Own::of(
            &[input("media")],
            [input("meta"), input("sub/../profile")],
            vec![],
        );
        for (name, held, beside) in [
            ("media", true, false),
            ("meta", true, true),
            ("twin", true, true),
            ("other", false, false),
            ("sub/../meta", true, true),
            ("profile", true, false),
            ("new", false, false),
        ] {
            let path = path(name);
            assert_eq!(own.holds(&path), held, "{name}");
            assert_eq!(own.lies_beside(&path), beside, "{name}");
        }
    }

    #[test]
    fn of_a_folder_of_inputs_what_is_plain_was_done_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let wav = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0";
        fs_err::write(path("done"), wav).unwrap();
        fs_err::write(path("named"), wav).unwrap();
        fs_err::write(path("encrypted"), [0x5e; 64]).unwrap();
        let input = |name: &str| Input::File(path(name));
        let inputs = [input("done"), input("encrypted"), input("named")];
        let mut own = Own::of(&inputs, [], vec![]);
        own.found(&inputs[..2]);
        for (name, done) in [("done", true), ("encrypted", false), ("named", false)] {
            assert!(own.holds(&path(name)), "{name}");
            assert_eq!(own.holds_as_done(&path(name)), done, "{name}");
        }
    }

    #[test]
    fn of_a_folder_of_keys_only_the_keys_are_the_runs_own() {
        let folder = tempfile::tempdir().unwrap();
        let (key, output) = (folder.path().join("k.pem"), folder.path().join("RE1.wav"));
        let pem = crate::key::generate(1024).unwrap().pkcs8_pem(None).unwrap();
        fs_err::write(&key, pem.as_bytes()).unwrap();
        fs_err::write(&output, "RIFF").unwrap();
        let own = Own::of(&[], [], vec![key.clone(), output.clone()]);
        assert!(own.holds(&key) && own.lies_beside(&key));
        assert!(!own.holds(&output));
    }
}
