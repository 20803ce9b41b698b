//! [`Environment`]: variables, the files that they name, and systemd's credentials.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use crate::io::{ReadError, read_file};
use crate::job::redact::shown;

/// The most bytes of a file with a secret, or with a tool's configuration.
const LIMIT: u64 = 1 << 20;

/// Where the credentials for a provider are looked for.
#[derive(Clone, Copy)]
pub(in crate::cli) struct From<'a> {
    /// The profile of twilio-cli that was asked for.
    pub(in crate::cli) profile: Option<&'a str>,
    /// The account of Twilio's that was asked for.
    pub(in crate::cli) account: Option<&'a str>,
    /// Everything else.
    pub(in crate::cli) env: Environment<'a>,
}

/// What a process has around it.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Environment<'a> {
    /// The variable of a name.
    pub(in crate::cli) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The working directory.
    pub(in crate::cli) here: &'a Path,
}

/// How far is looked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// At variables, and at files that variables name.
    Variables,
    /// And at the files in `$CREDENTIALS_DIRECTORY`.
    Directory,
}

/// How far is looked, the nearest first.
pub(super) const DEPTHS: [Depth; 2] = [Depth::Variables, Depth::Directory];

/// A text that was found.
pub(super) struct Value {
    /// The variable or file that it stood in.
    pub(super) name: String,
    /// The text itself.
    pub(super) text: Zeroizing<String>,
    /// Whether it was a file's.
    pub(super) is_of_file: bool,
}

impl Value {
    /// What `name` says, which is neither a variable nor a file.
    pub(super) fn given(name: impl Into<String>, text: Zeroizing<String>) -> Self {
        Self {
            name: name.into(),
            text,
            is_of_file: false,
        }
    }
}

impl Environment<'static> {
    /// That of this process.
    pub(in crate::cli) fn of_process() -> Self {
        Self {
            variable: &|name| std::env::var_os(name),
            here: Path::new("."),
        }
    }
}

impl Environment<'_> {
    /// A variable that names a file or a folder. Set to nothing is not set.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let value = (self.variable)(name)?;
        (!value.is_empty()).then(|| value.into())
    }

    /// The user's own folder.
    pub(super) fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.path("USERPROFILE"))
    }

    /// The value of `name`: its variable's, that of the file in the variable `name_FILE`, or that
    /// of a file of systemd's.
    pub(super) fn find(&self, name: &str, depth: Depth) -> Result<Option<Value>, CredentialsError> {
        let file = format!("{name}_FILE");
        let value = match (self.text(name)?, self.path(&file)) {
            (Some(_), Some(_)) => return Err(CredentialsError::Twice(name.to_owned())),
            (Some(value), None) => Some(value),
            (None, Some(path)) => Some(self.file(&path, file)?),
            (None, None) => None,
        };
        match depth {
            Depth::Directory if value.is_none() => self.credential(name),
            _ => Ok(value),
        }
    }

    /// The value of the first of these that has one.
    pub(super) fn first(
        &self,
        names: &[&str],
        depth: Depth,
    ) -> Result<Option<Value>, CredentialsError> {
        for name in names {
            let value = self.find(name, depth)?;
            if value.is_some() {
                return Ok(value);
            }
        }
        Ok(None)
    }

    /// The text of the file at `path`, which the variable `name` names.
    fn file(&self, path: &Path, name: String) -> Result<Value, CredentialsError> {
        let read = self.bytes(path, &format!("the file that {name} names"));
        value(name, read?, true)
    }

    /// The text of the file at `path`, without the newline at its end.
    pub(super) fn file_if_there(
        &self,
        path: &Path,
        name: String,
    ) -> Result<Option<Value>, CredentialsError> {
        let bytes = self.bytes_if_there(path, &name)?;
        bytes.map(|bytes| value(name, bytes, true)).transpose()
    }

    /// The file at `path`, which must be there; `name` is what messages call it.
    pub(super) fn bytes(
        &self,
        path: &Path,
        name: &str,
    ) -> Result<Zeroizing<Vec<u8>>, CredentialsError> {
        let bytes = self.bytes_if_there(path, name)?;
        bytes.ok_or_else(|| CredentialsError::Unread {
            name: name.to_owned(),
            why: "there is no such file".to_owned(),
        })
    }

    fn bytes_if_there(
        &self,
        path: &Path,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, CredentialsError> {
        // The system's own text repeats the path, which may be the secret in place of it.
        let why = match read_file(&self.here.join(path), LIMIT) {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(ReadError::Io(error)) => error.kind().to_string(),
            Err(error @ ReadError::TooLong { .. }) => error.to_string(),
        };
        Err(CredentialsError::Unread {
            name: name.to_owned(),
            why,
        })
    }

    fn text(&self, name: &str) -> Result<Option<Value>, CredentialsError> {
        let bytes = (self.variable)(name).map(OsString::into_vec);
        let bytes = bytes.map(Zeroizing::new).filter(|bytes| !bytes.is_empty());
        let found = bytes.map(|bytes| value(name.to_owned(), bytes, false));
        found.transpose()
    }

    fn credential(&self, name: &str) -> Result<Option<Value>, CredentialsError> {
        let Some(folder) = self.path("CREDENTIALS_DIRECTORY") else {
            return Ok(None);
        };
        let path = folder.join(name.to_ascii_lowercase().replace('_', "-"));
        self.file_if_there(&path, shown(&path))
    }
}

/// What stands in `bytes`, which must be text, and be something.
fn value(
    name: String,
    mut bytes: Zeroizing<Vec<u8>>,
    is_of_file: bool,
) -> Result<Value, CredentialsError> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        return Err(CredentialsError::Empty(name));
    }
    if std::str::from_utf8(&bytes).is_err() {
        let expected = "text in UTF-8";
        return Err(CredentialsError::Unlike { name, expected });
    }
    let text = String::from_utf8(std::mem::take(&mut *bytes)).unwrap_or_default();
    Ok(Value {
        name,
        text: Zeroizing::new(text),
        is_of_file,
    })
}
