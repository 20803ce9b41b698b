//! [`Input`]: what a recording, its metadata or a secret is read from.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::redact::{shown, shown_of_secret};
use crate::io::{FileId, Patient, ReadError, Source, read_file, read_limited};

/// Standard input, or a file.
///
/// Its [`Display`](fmt::Display) is what may be printed of it: in messages, reports and bars.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// Standard input, which the command line writes `-`.
    Stdin,
    /// A file, a named pipe or a device.
    File(PathBuf),
}

impl Input {
    /// What an argument means.
    pub(crate) fn of(argument: &Path) -> Self {
        if argument.as_os_str() == "-" {
            Self::Stdin
        } else {
            Self::File(argument.to_owned())
        }
    }

    /// Whether it is standard input, which serves one purpose a run.
    pub(crate) fn is_stdin(&self) -> bool {
        *self == Self::Stdin
    }

    /// The file's path; `None` for standard input.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::File(path) => Some(path),
        }
    }

    /// Opens it as media.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn open(&self) -> io::Result<Source> {
        match self {
            Self::Stdin => Source::stdin(),
            Self::File(path) => Source::open(path),
        }
    }

    /// Reads it whole, up to `limit` bytes, into memory that is wiped.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub(crate) fn read(&self, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        match self {
            Self::Stdin => read_limited(Patient(io::stdin()), limit),
            Self::File(path) => read_file(path, limit),
        }
    }

    /// The same for a file with a secret, which may be the secret itself in place of its name.
    ///
    /// # Errors
    /// See [`ReadError`]; with what may be said of the name, which is not in the error's text then.
    pub(super) fn read_secret(
        &self,
        limit: u64,
    ) -> (String, Result<Zeroizing<Vec<u8>>, ReadError>) {
        let name = self.secret_name();
        let read = self.read(limit).map_err(|error| match error {
            ReadError::Io(error) if name.starts_with('(') => {
                let why = match error.kind() {
                    io::ErrorKind::NotFound => "there is no such file".to_owned(),
                    kind => kind.to_string(),
                };
                ReadError::Io(io::Error::new(error.kind(), why))
            }
            error => error,
        });
        (name, read)
    }

    /// What may be printed of the name of a file with a secret.
    pub(super) fn secret_name(&self) -> String {
        match self {
            Self::Stdin => self.to_string(),
            Self::File(path) => shown_of_secret(path),
        }
    }

    /// Which file it is, under whatever name; `None` where there is none.
    pub(crate) fn id(&self) -> Option<FileId> {
        match self {
            Self::Stdin => Source::stdin().ok()?.id(),
            Self::File(path) => FileId::at(path),
        }
    }

    /// The last part of its name, which an id may stand in. Empty for standard input.
    pub(crate) fn file_name(&self) -> String {
        let name = self.path().and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// What to name the output by if the metadata has no id: its name without the extensions of
    /// recordings and of encryption.
    pub(super) fn stem(&self, known: impl Fn(&str) -> bool) -> Option<String> {
        let mut stem = Path::new(self.path()?.file_name()?);
        while let Some(extension) = stem.extension().and_then(OsStr::to_str)
            && known(&extension.to_ascii_lowercase())
        {
            stem = Path::new(stem.file_stem()?);
        }
        Some(stem.to_string_lossy().into_owned())
    }

    /// The file beside it that has its name, or its name without some of the extensions, and
    /// ends in `.json` or `.headers`.
    pub(super) fn sidecar(&self) -> Option<Self> {
        let path = self.path()?;
        let mut stem = path.to_owned();
        loop {
            for extension in ["json", "headers"] {
                let mut name = stem.clone().into_os_string();
                name.push(".");
                name.push(extension);
                let beside = PathBuf::from(name);
                if beside != path && beside.is_file() {
                    return Some(Self::File(beside));
                }
            }
            stem.extension()?;
            stem = stem.with_extension("");
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => f.write_str(&shown(path)),
        }
    }
}

/// A recording of a run.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    /// What it is read from.
    pub input: Input,
    /// Whether it was found in a folder, and not named.
    pub found: bool,
}

/// `text` as a file name without surprises: no separators, no leading dot or dash, not too long.
pub(crate) fn file_name(text: &str) -> Option<String> {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = text.chars().map(safe).take(200).collect();
    let name = name.trim_start_matches(['.', '-']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_stays_in_its_folder() {
        for (id, expected) in [
            ("RE0123", Some("RE0123")),
            ("../../etc/passwd", Some("_.._etc_passwd")),
            ("-rf", Some("rf")),
            (".bashrc", Some("bashrc")),
            ("a\u{202e}b\0c/d", Some("a_b_c_d")),
            ("...", None),
            ("", None),
        ] {
            assert_eq!(file_name(id).as_deref(), expected, "{id:?}");
        }
        assert_eq!(
            file_name(&"x".repeat(1000)).map(|name| name.len()),
            Some(200)
        );
    }

    #[test]
    fn a_sidecar_has_the_name_or_a_shorter_one() {
        let folder = tempfile::tempdir().unwrap();
        let input = Input::File(folder.path().join("RE1.wav.enc"));
        assert_eq!(input.sidecar(), None);
        for name in [
            "RE1.headers",
            "RE1.json",
            "RE1.wav.json",
            "RE1.wav.enc.json",
        ] {
            let path = folder.path().join(name);
            fs_err::write(&path, "").unwrap();
            assert_eq!(input.sidecar(), Some(Input::File(path)), "{name}");
        }
        assert_eq!(Input::Stdin.sidecar(), None);
    }
}
