//! A file that has no name until it is complete.
//!
//! It is made without a name (`O_TMPFILE`) in the folder it will stand in and linked there in
//! one step; whatever ends the program before leaves nothing. Where the file system cannot do
//! that, it is `.NAME.unreel-XXXXXX`, mode 0600, removed on errors and signals.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fs_err::File;
use fs_err::os::unix::fs::{FileExt, OpenOptionsExt};
use rustix::fs::{AtFlags, CWD};
use tempfile::NamedTempFile;

use super::FileId;
use super::cleanup::CleanedUp;
use crate::cipher::WriteAt;

/// Why an output was refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// Something stands at the final name already.
    #[error("`{0}` exists already")]
    Exists(PathBuf),
    /// The final name is a folder, a pipe or a device.
    #[error("`{path}` is {what}, not a file", path = .0.display(), what = .1)]
    NotAFile(PathBuf, &'static str),
    /// A file stands where a folder should.
    #[error("`{0}` is a file, not a folder")]
    NotAFolder(PathBuf),
    /// The folder of the final name is not there.
    #[error("the folder `{0}` does not exist")]
    NoFolder(PathBuf),
    /// Files in the folder cannot be replaced (chattr(1), `a`), nor temporary ones removed.
    #[error("the folder `{0}` is append-only: no file in it can be replaced or removed")]
    AppendOnly(PathBuf),
    /// The final name is the file that is being read.
    #[error("`{0}` is also an input")]
    IsInput(PathBuf),
    /// It belongs where there are no files, and did not come there.
    #[doc(hidden)]
    #[error("cannot put `{place}` where it belongs")]
    NotPut {
        /// The place.
        place: String,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The operating system's reason.
    #[error("{operation} `{path}` failed", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was done, such as `linking`.
        operation: &'static str,
        /// The reason.
        source: io::Error,
    },
}

/// Looks whether `target` could be written, before any work: its folder is there, and it is free
/// or, with `replace`, a file or link that may be replaced. It is never one of the `inputs`.
///
/// # Errors
/// See [`OutputError`].
pub(crate) fn check_target(
    target: &Path,
    replace: bool,
    inputs: &BTreeSet<FileId>,
) -> Result<(), OutputError> {
    if FileId::at(target).is_some_and(|id| inputs.contains(&id)) {
        return Err(OutputError::IsInput(target.to_owned()));
    }
    let not_a_file = |what| Err(OutputError::NotAFile(target.to_owned(), what));
    if target.as_os_str().as_bytes().ends_with(b"/") {
        return not_a_file("a folder");
    }
    let folder = folder_of(target);
    if !folder.is_dir() {
        return Err(OutputError::NoFolder(folder.to_owned()));
    }
    let metadata = match fs_err::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("looking at", target)(error)),
    };
    let kind = metadata.file_type();
    if kind.is_symlink() && leads_to_system(target) {
        not_a_file("a link of the system's")
    } else if kind.is_dir() {
        not_a_file("a folder")
    } else if kind.is_fifo() {
        not_a_file("a pipe")
    } else if kind.is_char_device() || kind.is_block_device() {
        not_a_file("a device")
    } else if kind.is_socket() {
        not_a_file("a socket")
    } else if replace {
        may_remove(folder)
    } else {
        Err(OutputError::Exists(target.to_owned()))
    }
}

/// Whether a link leads to a descriptor or a device, as `/dev/stdout` and `/dev/fd` do. Who names it
/// means what is behind it; every other program would miss the link.
fn leads_to_system(link: &Path) -> bool {
    let system = ["/proc", "/dev"];
    let leads = |to: PathBuf| system.iter().any(|folder| to.starts_with(folder));
    fs_err::read_link(link).is_ok_and(leads)
}

/// An output that is being written.
pub struct Staged {
    folder: PathBuf,
    file: Temporary,
}

enum Temporary {
    Unnamed(File),
    Named(Named),
}

/// A file under a name of its own, which a drop or a signal removes.
type Named = NamedTempFile<(File, CleanedUp)>;

impl Staged {
    /// Makes the file, mode 0600, in the folder of `target`.
    ///
    /// # Errors
    /// See [`OutputError`]: the folder may be missing, read-only or full.
    pub fn create(target: &Path) -> Result<Self, OutputError> {
        let folder = folder_of(target).to_owned();
        let file = match unnamed(&folder) {
            Some(file) => Temporary::Unnamed(file),
            None => Temporary::Named(beside(target, create_new)?),
        };
        Ok(Self { folder, file })
    }

    /// Makes the file among the system's temporary ones, for what is never given a name.
    ///
    /// # Errors
    /// See [`OutputError`].
    pub(crate) fn temporary() -> Result<Self, OutputError> {
        let folder = tempfile::env::temp_dir();
        let made = Self::create(&folder.join("output"));
        made.map_err(|error| match error {
            OutputError::Io { source, .. } => OutputError::Io {
                path: folder.clone(),
                operation: "making a temporary file (see TMPDIR) in",
                source,
            },
            error => error,
        })
    }

    /// Reads what was written, from `offset` on.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self.file(), bytes, offset)
    }

    /// Whether it has no name of its own.
    pub(super) fn is_unnamed(&self) -> bool {
        matches!(self.file, Temporary::Unnamed(_))
    }

    fn file(&self) -> &File {
        match &self.file {
            Temporary::Unnamed(file) => file,
            Temporary::Named(named) => &named.as_file().0,
        }
    }

    /// Sets its mode, for what others may read.
    ///
    /// # Errors
    /// As the operating system has it.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file().set_permissions(Permissions::from_mode(mode))
    }

    /// Syncs the file and gives it the name `target`, in the folder it was made in.
    ///
    /// # Errors
    /// See [`OutputError`]. There is no new name then, and the old file is untouched; unless it
    /// was replaced and only the folder could not be synced: what stands there then is whole.
    pub fn commit(self, target: &Path, replace: bool) -> Result<(), OutputError> {
        self.file().sync_all().map_err(failed("syncing", target))?;
        let named = match self.file {
            Temporary::Named(named) => named,
            // Where nothing is to be replaced, no name is needed but the last.
            Temporary::Unnamed(file) if replace && fs_err::symlink_metadata(target).is_ok() => {
                beside(target, |name| {
                    // The link last: nothing may fail behind it that would leave it.
                    file.try_clone()
                        .and_then(|file| link(&file, name).map(|()| file))
                })
                .or_else(|_| copied(&file, target))?
            }
            Temporary::Unnamed(file) => match link(&file, target) {
                Ok(()) => return sync_new(&self.folder, target),
                // With `replace`, it came to stand there in this moment.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !replace => {
                    return Err(OutputError::Exists(target.to_owned()));
                }
                Err(_) => copied(&file, target)?,
            },
        };
        if replace {
            let renamed = named.persist(target);
            renamed.map_err(|error| failed("renaming to", target)(error.error))?;
            return sync(&self.folder);
        }
        match named.persist_noclobber(target) {
            Ok(_) => sync_new(&self.folder, target),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(OutputError::Exists(target.to_owned()))
            }
            Err(error) => Err(failed("renaming to", target)(error.error)),
        }
    }
}

#[doc(hidden)]
impl WriteAt for Staged {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self.file(), bytes, offset)
    }
}

/// An unnamed file in `folder`; `None` where the file system has none, or no way to name it.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let descriptor = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR).ok()?;
    let file = for_the_owner(File::from_parts(descriptor.into(), folder));
    link_name(&file).exists().then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_folder: &Path) -> Option<File> {
    None
}

/// Where linkat(2) finds an unnamed file: "`/proc/self/fd/fd` … with `AT_SYMLINK_FOLLOW`".
fn link_name(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Gives an unnamed file a name that must be free.
fn link(file: &File, name: &Path) -> io::Result<()> {
    let flags = AtFlags::SYMLINK_FOLLOW;
    Ok(rustix::fs::linkat(CWD, link_name(file), CWD, name, flags)?)
}

/// The same contents in a named file, for a file system that makes unnamed files but links none.
fn copied(file: &File, target: &Path) -> Result<Named, OutputError> {
    let mut named = beside(target, create_new)?;
    let (copy, _) = named.as_file_mut();
    let mut whole = file;
    // Of the standard library's own files it knows that the system can copy them.
    io::Seek::rewind(&mut whole)
        .and_then(|()| io::copy(&mut whole.file(), copy.file_mut()))
        .and_then(|_| copy.sync_all())
        .map_err(failed("copying to", target))?;
    Ok(named)
}

/// A new file `.NAME.unreel-XXXXXX` beside `target`, made by `make`.
fn beside(target: &Path, make: impl Fn(&Path) -> io::Result<File>) -> Result<Named, OutputError> {
    may_remove(folder_of(target))?;
    // Names have up to 255 bytes on every file system in use.
    let name = target.file_name().unwrap_or_default().as_bytes();
    let mut prefix = OsString::from(".");
    prefix.push(OsStr::from_bytes(&name[..name.len().min(200)]));
    prefix.push(".unreel-");
    tempfile::Builder::new()
        .prefix(&prefix)
        .make_in(folder_of(target), |path| {
            CleanedUp::make(path, || make(path))
        })
        .map_err(failed("creating a temporary file beside", target))
}

fn create_new(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map(for_the_owner)
}

/// Gives its owner what the umask may have taken away. A file system that refuses it knows no
/// modes.
fn for_the_owner(file: File) -> File {
    file.set_permissions(Permissions::from_mode(0o600)).ok();
    file
}

/// Refuses a folder in which a temporary name would stay for ever: "A file with the `a` attribute
/// set can only be opened in append mode" (chattr(1)), and to a folder names are only added.
fn may_remove(folder: &Path) -> Result<(), OutputError> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{StatxAttributes, StatxFlags, statx};
        let found = statx(CWD, folder, AtFlags::empty(), StatxFlags::empty());
        if found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::APPEND)) {
            return Err(OutputError::AppendOnly(folder.to_owned()));
        }
    }
    Ok(())
}

/// Makes a new name last; without that it is taken back.
fn sync_new(folder: &Path, target: &Path) -> Result<(), OutputError> {
    sync(folder).inspect_err(|_| {
        fs_err::remove_file(target).ok();
    })
}

/// Makes the names in a folder last.
fn sync(folder: &Path) -> Result<(), OutputError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .or_else(|error| match error.kind() {
            // File systems that have nothing to sync for a folder.
            io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Ok(()),
            _ => Err(error),
        })
        .map_err(failed("syncing the folder", folder))
}

/// The folder that `target` stands in, or will.
pub(crate) fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn failed(operation: &'static str, path: &Path) -> impl Fn(io::Error) -> OutputError {
    let path = path.to_owned();
    move |source| OutputError::Io {
        path: path.clone(),
        operation,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs_err::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Both ways of staging a file.
    fn both(target: &Path) -> [Staged; 2] {
        let named = Staged {
            folder: folder_of(target).to_owned(),
            file: Temporary::Named(beside(target, create_new).unwrap()),
        };
        [Staged::create(target).unwrap(), named]
    }

    #[test]
    fn a_commit_gives_the_name_and_mode_0600() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..2 {
            let target = folder.path().join(format!("out{number}"));
            let staged = both(&target).into_iter().nth(number).unwrap();
            staged.write_all_at(b"media", 0).unwrap();
            assert!(!target.exists());
            staged.commit(&target, false).unwrap();
            assert_eq!(fs_err::read(&target).unwrap(), b"media");
            let mode = fs_err::metadata(&target).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(names(folder.path()), ["out0", "out1"]);
    }

    #[test]
    fn a_drop_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for staged in both(&folder.path().join("out")) {
            staged.write_all_at(b"media", 0).unwrap();
        }
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn an_existing_file_is_replaced_only_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        for staged in both(&target) {
            fs_err::write(&target, "old").unwrap();
            let error = staged.commit(&target, false).unwrap_err();
            assert!(matches!(error, OutputError::Exists(_)), "{error:?}");
            assert_eq!(fs_err::read(&target).unwrap(), b"old");
        }
        for staged in both(&target) {
            fs_err::write(&target, "old").unwrap();
            staged.write_all_at(b"new", 0).unwrap();
            staged.commit(&target, true).unwrap();
            assert_eq!(fs_err::read(&target).unwrap(), b"new");
        }
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_link_is_replaced_and_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, victim) = (folder.path().join("out"), folder.path().join("victim"));
        fs_err::write(&victim, "precious").unwrap();
        for staged in both(&target) {
            fs_err::remove_file(&target).ok();
            fs_err::os::unix::fs::symlink(&victim, &target).unwrap();
            assert!(matches!(
                check_target(&target, false, &BTreeSet::new()),
                Err(OutputError::Exists(_))
            ));
            staged.commit(&target, true).unwrap();
            assert!(fs_err::symlink_metadata(&target).unwrap().is_file());
        }
        assert_eq!(fs_err::read(&victim).unwrap(), b"precious");
    }

    #[test]
    fn what_cannot_be_an_output_is_refused_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let twin = folder.path().join("twin");
        fs_err::write(&file, "").unwrap();
        fs_err::hard_link(&file, &twin).unwrap();
        let input = BTreeSet::from([FileId::at(&file).unwrap()]);
        let check = |path: &Path| check_target(path, true, &input);
        assert!(matches!(check(&twin), Err(OutputError::IsInput(_))));
        assert!(matches!(
            check(folder.path()),
            Err(OutputError::NotAFile(..))
        ));
        assert!(matches!(
            check(Path::new("/dev/null")),
            Err(OutputError::NotAFile(..))
        ));
        // `-f -o /dev/stdout` took its place.
        let (stdout, device) = (folder.path().join("stdout"), folder.path().join("null"));
        fs_err::os::unix::fs::symlink("/proc/self/fd/1", &stdout).unwrap();
        fs_err::os::unix::fs::symlink("/dev/null", &device).unwrap();
        for link in [&stdout, &device] {
            for replace in [false, true] {
                let checked = check_target(link, replace, &BTreeSet::new());
                assert!(matches!(checked, Err(OutputError::NotAFile(..))));
            }
        }
        let nowhere = folder.path().join("no/where");
        assert!(matches!(check(&nowhere), Err(OutputError::NoFolder(_))));
        assert!(check(&folder.path().join("new")).is_ok());
    }
}
