//! Where the plaintext of a run goes, and what may stand there already.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::claims::{Claim, Claims, Taken};
use super::error::Error;
use super::input::Input;
use super::names::NameTemplate;
use super::own::{self, Own};
use super::place::{self, Place};
use super::record::About;
use crate::cipher::lock;
use crate::io::{CleanedUp, OutputError, Staged, check_target, folder_of};
use crate::store::{Buckets, Location, LocationError};

/// Where the plaintext goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Nowhere: everything is verified.
    Nowhere,
    /// Standard output.
    Stdout {
        /// Whether nothing is written before it was verified.
        verified: bool,
    },
    /// A file of this name.
    File(PathBuf),
    /// A folder, made when it is needed, where files are named for the recording and its content.
    Folder(PathBuf),
    /// An object of this name in a bucket.
    Object(Location),
    /// All that begins so in a bucket, where objects are named as files are in a folder.
    Prefix(Location),
}

impl Target {
    /// What `-o` means: a file, or an object in a bucket.
    ///
    /// # Errors
    /// A URL of a bucket's that names no object.
    pub(crate) fn of_output(argument: &Path) -> Result<Self, LocationError> {
        match location(argument).transpose()? {
            Some(location) if location.is_prefix() => {
                Err(LocationError::Prefix(location.to_string()))
            }
            Some(location) => Ok(Self::Object(location)),
            None => Ok(Self::File(argument.to_owned())),
        }
    }

    /// What `-d` means: a folder, or what begins so in a bucket.
    ///
    /// # Errors
    /// A URL of a bucket's that cannot be used.
    pub(crate) fn of_folder(argument: &Path) -> Result<Self, LocationError> {
        match location(argument).transpose()? {
            Some(location) => Ok(Self::Prefix(location)),
            None => Ok(Self::Folder(argument.to_owned())),
        }
    }

    /// Whether outputs are named for their recordings there.
    pub(super) fn names_outputs(&self) -> bool {
        matches!(self, Self::Folder(_) | Self::Prefix(_))
    }

    /// The place in a bucket that it is; `None` where it is in none.
    pub(crate) fn location(&self) -> Option<&Location> {
        match self {
            Self::Object(location) | Self::Prefix(location) => Some(location),
            _ => None,
        }
    }

    /// Whether it is in a bucket.
    pub(super) fn is_in_bucket(&self) -> bool {
        self.location().is_some()
    }
}

fn location(argument: &Path) -> Option<Result<Location, LocationError>> {
    Location::parse(argument.to_str()?)
}

/// What to do where the output exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum IfExists {
    /// Refuse.
    #[default]
    Fail,
    /// Leave it: the recording was decrypted before.
    Skip,
    /// Replace it.
    Overwrite,
}

/// A target and its rules.
pub(crate) struct Output {
    target: Target,
    if_exists: IfExists,
    /// Whether nothing is written, and it is only looked whether it could be.
    dry: bool,
    own: Arc<Own>,
    /// What outputs in a folder are called.
    names: NameTemplate,
    claims: Arc<Claims>,
    made: Arc<Made>,
    buckets: Arc<Buckets>,
}

/// The folders that a run made.
#[derive(Default)]
struct Made(Mutex<Vec<CleanedUp>>);

impl Output {
    /// An output to `target`, which never replaces one of `own`.
    pub(crate) fn new(
        target: Target,
        if_exists: IfExists,
        dry: bool,
        own: Own,
        buckets: Arc<Buckets>,
    ) -> Self {
        Self {
            buckets,
            target,
            if_exists,
            dry,
            own: Arc::new(own),
            names: NameTemplate::default(),
            claims: Arc::default(),
            made: Arc::default(),
        }
    }

    /// The same for any number of recordings: no more than the last names are remembered.
    pub(crate) fn of_many(mut self) -> Self {
        self.claims = Arc::new(Claims::of_many());
        self
    }

    /// The same for one recording of a run that says itself where it goes, if it does. It replaces
    /// none of `own` either.
    pub(super) fn of_line(&self, target: Option<Target>, own: Own) -> Self {
        Self {
            target: target.unwrap_or_else(|| self.target.clone()),
            if_exists: self.if_exists,
            dry: self.dry,
            own: Arc::new(own.within(&self.own)),
            names: self.names.clone(),
            claims: Arc::clone(&self.claims),
            made: Arc::clone(&self.made),
            buckets: Arc::clone(&self.buckets),
        }
    }

    /// The same, with other names in a folder.
    pub(crate) fn named(mut self, names: NameTemplate) -> Self {
        self.names = names;
        self
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn own(&self) -> &Own {
        &self.own
    }

    pub(super) fn is_dry(&self) -> bool {
        self.dry
    }

    pub(super) fn replaces(&self) -> bool {
        self.if_exists == IfExists::Overwrite
    }

    pub(super) fn skips(&self) -> bool {
        self.if_exists == IfExists::Skip
    }

    /// The name of an output in a folder, without its extension: what the template makes of the
    /// recording's id, else of the name of its input. Empty elsewhere.
    pub(super) fn name(
        &self,
        about: &About,
        stem: impl FnOnce() -> Option<String>,
        input: &Input,
    ) -> Result<String, Error> {
        if !self.target.names_outputs() {
            return Ok(String::new());
        }
        let from_id = about.id.as_deref().and_then(super::input::file_name);
        let id = from_id.or_else(|| super::input::file_name(&stem()?));
        match id {
            Some(id) => Ok(self.names.name(&id, about)),
            None if !self.names.is_by_id() => Ok(self.names.name("", about)),
            None => Err(Error::Nameless(input.to_string())),
        }
    }

    /// Takes a name for `input`, and waits while another recording may get it.
    pub(super) fn claim<'a>(
        &'a self,
        name: &str,
        id: Option<&str>,
        input: &Input,
    ) -> Result<Claim<'a>, Taken> {
        if let Target::Object(location) = &self.target {
            return self.claims.take(&location.to_string(), id, input, true);
        }
        if let Target::File(path) = &self.target {
            return match own::place(path) {
                Some(place) => self.claims.take(&format!("{place:?}"), id, input, true),
                None => Ok(Claim::none()),
            };
        }
        if name.is_empty() {
            return Ok(Claim::none());
        }
        // A provider's ids are its own business to keep apart, and there may be a million.
        let by_provider = matches!(input, Input::Remote(_)) && self.names.is_plain();
        let remembered = !by_provider;
        self.claims.take(name, id, input, remembered)
    }

    /// Looks at every name that the output can get. `Some` is one that exists and is to be left.
    pub(super) fn check_names(
        &self,
        name: &str,
        extensions: &[&str],
    ) -> Result<Option<Place>, OutputError> {
        let candidates: Vec<_> = if self.target.names_outputs() {
            let places = extensions
                .iter()
                .map(|extension| self.place(name, extension));
            places.flatten().collect()
        } else {
            self.place(name, "").into_iter().collect()
        };
        for candidate in candidates {
            if let Place::File(path) = &candidate
                && !is_free(path)
            {
                // The metadata that lies in the folder is no output of an earlier run.
                if self.target.names_outputs() && self.own.lies_beside(path) {
                    continue;
                }
            }
            match self.check(&candidate) {
                Ok(()) => {}
                Err(OutputError::Exists(_)) if self.skips() => return Ok(Some(candidate)),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Where the output of `name` goes if it has this extension; `None` where it has no place.
    pub(super) fn place(&self, name: &str, extension: &str) -> Option<Place> {
        let full = || format!("{name}.{extension}");
        match &self.target {
            Target::Nowhere | Target::Stdout { .. } => None,
            Target::File(path) => Some(Place::File(path.clone())),
            Target::Object(location) => Some(Place::Object(location.clone())),
            Target::Folder(folder) => Some(Place::File(folder.join(full()))),
            Target::Prefix(prefix) => Some(Place::Object(prefix.join(&full()))),
        }
    }

    /// Puts the first `length` bytes of what was staged at its place.
    pub(super) fn put(
        &self,
        staged: &Staged,
        location: &Location,
        length: u64,
        kind: &'static str,
    ) -> Result<(), OutputError> {
        let replaces = self.replaces() && !self.own.reads_below(location);
        let put = place::put(&self.buckets, location, staged, length, kind, replaces);
        put.map_err(|error| self.as_input(error))
    }

    /// What stands below a prefix that is read is an input, as far as anybody knows: not even `-f`
    /// replaces it.
    fn as_input(&self, error: OutputError) -> OutputError {
        match error {
            OutputError::Exists(path) if self.replaces() => OutputError::IsInput(path),
            error => error,
        }
    }

    /// The buckets that outputs go to.
    pub(super) fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Looks whether the output could stand there.
    pub(super) fn check(&self, place: &Place) -> Result<(), OutputError> {
        match place {
            Place::File(path) => self.check_file(path),
            Place::Object(location) if self.own.holds_object(location) => {
                Err(OutputError::IsInput(location.to_string().into()))
            }
            Place::Object(location) => {
                let replaces = self.replaces() && !self.own.reads_below(location);
                let checked = place::check(&self.buckets, location, replaces);
                checked.map_err(|error| self.as_input(error))
            }
        }
    }

    /// Looks whether the output could have the name `path`.
    fn check_file(&self, path: &Path) -> Result<(), OutputError> {
        if self.own.holds(path) {
            if self.skips() && self.own.holds_as_done(path) {
                return Err(OutputError::Exists(path.to_owned()));
            }
            return Err(OutputError::IsInput(path.to_owned()));
        }
        match check_target(path, self.replaces(), &BTreeSet::new()) {
            // It is made when it is needed.
            Err(OutputError::NoFolder(_)) if matches!(self.target, Target::Folder(_)) => Ok(()),
            // It is not what an earlier run left.
            Err(OutputError::Exists(path)) if self.skips() && !path.exists() => {
                Err(OutputError::NotAFile(path, "a link that leads nowhere"))
            }
            result => result,
        }
    }

    /// The output of `name`, before it has a name; `None` where it is no file. A dry run looks
    /// whether one could be made.
    pub(super) fn stage(&self, name: &str) -> Result<Option<Staged>, OutputError> {
        let staged = match &self.target {
            Target::Nowhere | Target::Stdout { .. } => return Ok(None),
            Target::File(path) => Staged::create(path)?,
            Target::Object(_) | Target::Prefix(_) => Staged::temporary()?,
            Target::Folder(folder) => {
                let path = folder.join(name);
                let folder = folder_of(&path);
                if self.dry {
                    let name = path.file_name().unwrap_or_default();
                    Staged::create(&nearest(folder)?.join(name))?
                } else {
                    self.make(folder)?;
                    Staged::create(&path)?
                }
            }
        };
        Ok((!self.dry).then_some(staged))
    }

    /// Whether what is wrong with one output is wrong with the folder of all of them.
    pub(super) fn is_common(&self, error: &OutputError) -> bool {
        use std::io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
        matches!(self.target, Target::Folder(_))
            && match error {
                OutputError::NotAFolder(_) => true,
                OutputError::Io { source, .. } => {
                    // Nothing is missing but what could not be made.
                    matches!(
                        source.kind(),
                        NotFound | PermissionDenied | ReadOnlyFilesystem
                    )
                }
                _ => false,
            }
    }

    /// Makes the folder, and those above it, for its owner alone.
    fn make(&self, folder: &Path) -> Result<(), OutputError> {
        let mut made = lock(&self.made.0);
        nearest(folder)?;
        let missing: Vec<_> = folder
            .ancestors()
            .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
            .map(ToOwned::to_owned)
            .collect();
        for path in missing.into_iter().rev() {
            let build = || std::fs::DirBuilder::new().mode(0o700).create(&path);
            match CleanedUp::make(&path, build) {
                Ok(((), folder)) => made.push(folder),
                // Another run made it at the same time.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => {
                    return Err(OutputError::Io {
                        path,
                        operation: "making the folder",
                        source,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Folders that were made for outputs that never came do not stay.
impl Drop for Made {
    fn drop(&mut self) {
        for folder in lock(&self.0).iter().rev() {
            fs_err::remove_dir(folder.path()).ok();
        }
    }
}

/// The folder, or the nearest one above it that is there.
fn nearest(folder: &Path) -> Result<&Path, OutputError> {
    match folder.ancestors().find(|path| path.exists()) {
        Some(path) if path.is_dir() => Ok(path),
        Some(path) => Err(OutputError::NotAFolder(path.to_owned())),
        // Of a relative name all that is there is the folder it is relative to.
        None => Ok(Path::new(".")),
    }
}

/// Whether nothing stands at `path`.
fn is_free(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::super::claims::{Kept, REMEMBERED};
    use super::*;

    fn output(target: Target, if_exists: IfExists) -> Output {
        Output::new(target, if_exists, false, Own::default(), Buckets::none())
    }

    fn input(name: &str) -> Input {
        Input::File(PathBuf::from(name))
    }

    #[test]
    fn the_first_that_succeeds_has_the_name() {
        let output = output(Target::Folder("out".into()), IfExists::Fail);
        let claim = |id: &str, from: &str| output.claim("RE1", Some(id), &input(from));
        drop(claim("RE1", "damaged").ok().unwrap());
        claim("RE1", "good").ok().unwrap().hold(Kept::Made);
        let taken = claim("RE1", "again").err().unwrap();
        assert_eq!((taken.by, taken.found), (input("good"), false));
    }

    #[test]
    fn what_an_earlier_run_made_is_found_for_each_input_of_the_same_id() {
        let output = output(Target::Folder("out".into()), IfExists::Skip);
        let claim = |id: &str, from: &str| output.claim("RE1", Some(id), &input(from));
        claim("RE1", "damaged").ok().unwrap().hold(Kept::Found);
        assert!(claim("RE1", "good").err().unwrap().found);
        assert!(!claim("RE2", "other").err().unwrap().found);
    }

    #[test]
    fn of_a_run_without_end_the_last_names_are_remembered() {
        let output = output(Target::Folder("out".into()), IfExists::Fail).of_many();
        for number in 0..=REMEMBERED {
            let name = number.to_string();
            let claim = output.claim(&name, None, &input("1")).ok().unwrap();
            claim.hold(Kept::Made);
        }
        assert!(output.claim("1", None, &input("2")).is_err());
        assert!(output.claim("0", None, &input("2")).is_ok());
        assert_eq!(output.claims.count(), REMEMBERED);
    }

    #[test]
    fn a_file_is_taken_under_every_name() {
        let root = tempfile::tempdir().unwrap();
        fs_err::create_dir(root.path().join("sub")).unwrap();
        let run = output(Target::Nowhere, IfExists::Overwrite);
        let to = |path: &str| {
            let target = Target::File(root.path().join(path));
            run.of_line(Some(target), Own::default())
        };
        let first = to("a.wav");
        let claim = first.claim("", None, &input("1")).ok().unwrap();
        claim.hold(Kept::Made);
        assert!(to("sub/../a.wav").claim("", None, &input("2")).is_err());
        assert!(to("sub/a.wav").claim("", None, &input("2")).is_ok());
    }

    #[test]
    fn a_name_is_waited_for() {
        let output = output(Target::Folder("out".into()), IfExists::Fail);
        let first = output.claim("a", None, &input("1")).ok().unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| output.claim("a", None, &input("2")).is_ok());
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!second.is_finished());
            drop(first);
            assert!(second.join().unwrap());
        });
    }

    #[test]
    fn a_folder_is_made_when_needed_and_goes_if_it_stays_empty() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        let target = Target::Folder(folder.clone());
        let failed = output(target.clone(), IfExists::Fail);
        assert!(!folder.exists());
        drop(failed.stage("x").unwrap().unwrap());
        for path in [&folder, &root.path().join("a")] {
            let mode = fs_err::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        drop(failed);
        assert!(!root.path().join("a").exists());

        let done = output(target, IfExists::Fail);
        let staged = done.stage("x").unwrap().unwrap();
        staged.commit(&folder.join("x.wav"), false).unwrap();
        drop(done);
        assert!(folder.join("x.wav").exists());
    }

    #[test]
    fn a_dry_run_makes_nothing_and_finds_what_is_in_the_way() {
        let root = tempfile::tempdir().unwrap();
        fs_err::write(root.path().join("file"), "").unwrap();
        let dry = |folder: &str| {
            let target = Target::Folder(root.path().join(folder));
            Output::new(
                target,
                IfExists::Fail,
                true,
                Own::default(),
                Buckets::none(),
            )
        };
        assert!(dry("a/b").stage("x").unwrap().is_none());
        assert!(dry("file/b").stage("x").is_err());
        assert_eq!(fs_err::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_dangling_link_is_not_what_an_earlier_run_left() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("RE1.wav");
        fs_err::os::unix::fs::symlink(root.path().join("nothing"), &path).unwrap();
        let output = output(Target::Folder(root.path().to_owned()), IfExists::Skip);
        let names = || output.check_names("RE1", &["mp3", "wav"]);
        assert!(matches!(names(), Err(OutputError::NotAFile(..))));
        fs_err::write(root.path().join("nothing"), "media").unwrap();
        assert_eq!(names().unwrap(), Some(Place::File(path)));
    }
}
