//! [`Input`]: what a recording, its metadata or a secret is read from.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::Error;
use super::misread::Misread;
use super::redact::{exists, shown, shown_of_secret};
use crate::api::{Hosts, Link, Remote, Resource, resource};
use crate::io::{FileId, Patient, ReadError, Source, read_file, read_limited};
use crate::provider::{IdKind, Provider, Slip};
use crate::store::Location;

/// Standard input, a file, or what is fetched.
///
/// Its [`Display`](fmt::Display) is what may be printed of it: in messages, reports and bars.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// Standard input, which the command line writes `-`.
    Stdin,
    /// A file, a named pipe or a device.
    File(PathBuf),
    /// Media that stands at a URL.
    Url(Link),
    /// A recording that a provider has, or a group of them.
    Remote(Resource),
    /// An object in a bucket; every object below one that stands for a prefix.
    Object(Location),
    /// Every recording of an account.
    All(Provider),
}

impl Input {
    /// What an argument means that names a recording of `provider`, of any where that is `None`.
    /// Nobody is asked; a file wins over an id of its name.
    ///
    /// # Errors
    /// See [`Misread`].
    pub(crate) fn recording(
        argument: &Path,
        provider: Option<Provider>,
        hosts: &Hosts,
    ) -> Result<Self, Misread> {
        let Some(text) = argument.to_str() else {
            return Ok(Self::of(argument));
        };
        if let Some(location) = Location::parse(text) {
            let location = location.map_err(Misread::Bucket)?;
            if cfg!(not(feature = "buckets")) {
                return Err(Misread::NoBuckets(location.to_string()));
            }
            return Ok(Self::Object(location));
        }
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("https://") || lower.starts_with("http://") {
            if let Some(resource) = resource(hosts, text) {
                return Self::of_provider(resource, provider);
            }
            let link = Link::parse(text).map(Self::Url);
            return link.map_err(|error| Misread::Link(Link::printable(text), error));
        }
        match IdKind::of(text) {
            Some(kind) if !argument.exists() => {
                let id = text.to_owned();
                let account = None;
                let resource = Resource {
                    provider: kind.into(),
                    kind,
                    id,
                    account,
                };
                Self::of_provider(resource, provider)
            }
            _ => Ok(Self::of(argument)),
        }
    }

    fn of_provider(resource: Resource, provider: Option<Provider>) -> Result<Self, Misread> {
        match provider {
            Some(Provider::Qvoice) => Err(Misread::NoIds(resource.id, resource.provider)),
            Some(asked) if asked != resource.provider => {
                Err(Misread::OfAnother(resource.id, resource.provider))
            }
            _ => Ok(Self::Remote(resource)),
        }
    }

    /// Whether it is fetched.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(
            self,
            Self::Url(_) | Self::Remote(_) | Self::Object(_) | Self::All(_)
        )
    }

    /// Whether it stands for any number of recordings at a provider.
    pub(crate) fn is_group(&self) -> bool {
        match self {
            Self::Remote(resource) => resource.kind.is_group(),
            Self::Object(location) => location.is_prefix(),
            Self::All(_) => true,
            Self::Stdin | Self::File(_) | Self::Url(_) => false,
        }
    }

    /// Whether it is a file whose name is an id.
    pub(crate) fn is_named_like_id(&self) -> bool {
        let name = self.path().and_then(Path::to_str);
        name.is_some_and(|name| IdKind::of(name).is_some())
    }

    /// What an argument means that names a file.
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

    /// The file's path; `None` for what is none.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }

    /// The object in a bucket; `None` for what is none.
    pub(crate) fn object(&self) -> Option<&Location> {
        match self {
            Self::Object(location) => Some(location),
            _ => None,
        }
    }

    /// Opens it as media, if it need not be fetched.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn open(&self) -> io::Result<Source> {
        match self {
            Self::Stdin => Source::stdin(),
            Self::File(path) => Source::open(path),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// What it means that it cannot be opened: perhaps it was meant for an id.
    pub(super) fn unread(&self, error: io::Error) -> Error {
        let slip = (error.kind() == io::ErrorKind::NotFound).then(|| self.slip());
        slip.flatten()
            .unwrap_or_else(|| Error::Unread(self.to_string(), error))
    }

    /// What is wrong with what was meant for an id, where no file is called so.
    pub(crate) fn mistyped(&self) -> Option<Error> {
        let is_there = self.path().is_none_or(exists);
        (!is_there).then(|| self.slip()).flatten()
    }

    fn slip(&self) -> Option<Error> {
        let name = self.path().and_then(Path::to_str)?;
        let slip = Slip::of(name)?;
        Some(if is_no_key(name) {
            Error::NoSuchId(name.to_owned(), slip)
        } else {
            Error::NoSuchId(self.to_string(), untold(slip))
        })
    }

    /// Reads it whole, up to `limit` bytes, into memory that is wiped.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub(crate) fn read(&self, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        match self {
            Self::Stdin => read_limited(Patient(io::stdin()), limit),
            Self::File(path) => read_file(path, limit),
            _ => Err(ReadError::Io(io::ErrorKind::Unsupported.into())),
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
            Self::File(path) => shown_of_secret(path),
            _ => self.to_string(),
        }
    }

    /// Which file it is, under whatever name; `None` where there is none.
    pub(crate) fn id(&self) -> Option<FileId> {
        match self {
            Self::Stdin => Source::stdin().ok()?.id(),
            Self::File(path) => FileId::at(path),
            _ => None,
        }
    }

    /// The last part of its name, which an id may stand in. Empty for standard input.
    pub(crate) fn file_name(&self) -> String {
        match self {
            Self::File(path) => {
                let name = path.file_name().unwrap_or_default();
                name.to_string_lossy().into_owned()
            }
            Self::Url(link) => link.file_name(),
            Self::Remote(resource) => resource.id.clone(),
            Self::Object(location) => location.file_name().to_owned(),
            Self::Stdin | Self::All(_) => String::new(),
        }
    }

    /// What to name the output by if the metadata has no id: its name without the extensions of
    /// recordings and of encryption.
    pub(super) fn stem(&self, known: impl Fn(&str) -> bool) -> Option<String> {
        let name = self.file_name();
        let mut stem = Path::new(&name);
        while let Some(extension) = stem.extension().and_then(OsStr::to_str)
            && known(&extension.to_ascii_lowercase())
        {
            stem = Path::new(stem.file_stem()?);
        }
        let stem = stem.to_string_lossy().into_owned();
        (!stem.is_empty()).then_some(stem)
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
            Self::Url(link) => link.fmt(f),
            Self::Remote(resource) => f.write_str(&resource.id),
            Self::Object(location) => location.fmt(f),
            Self::All(provider) => write!(f, "{} --all", provider.name()),
        }
    }
}

/// Whether what is meant for an id may be repeated: what begins so is no key in hexadecimal.
pub(crate) fn is_no_key(name: &str) -> bool {
    let start = name.trim_start().trim_start_matches(['"', '\'']);
    ["RE", "RT", "RM", "CJ"].iter().any(|prefix| {
        let start = start.get(..prefix.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(prefix)
    })
}

/// What is wrong with it, without the text that may be a key.
fn untold(slip: Slip) -> Slip {
    match slip {
        Slip::Almost(_) => Slip::Digits,
        other => other,
    }
}

/// A recording of a run.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    /// What it is read from.
    pub input: Input,
    /// Whether it was found in a folder or a list, and not named.
    pub found: bool,
    /// What the provider says of it, where a list did.
    pub remote: Option<Box<Remote>>,
}

impl Selected {
    /// What was named.
    pub(crate) fn named(input: Input) -> Self {
        Self {
            input,
            found: false,
            remote: None,
        }
    }

    /// What was found in a folder, or below a prefix.
    pub(super) fn found(input: Input) -> Self {
        Self {
            found: true,
            ..Self::named(input)
        }
    }
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
