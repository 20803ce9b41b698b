//! Finds the metadata of an input and the recording in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::error::Failure;
use super::provider::Provider;
use super::redact::shown;
use super::stdin::is_stdin;
use crate::envelope::Envelope;
use crate::io;
use crate::provider::Item;

/// The most that metadata can have: a full list page has 1,000 recordings and about 2 MB. Reading
/// it takes up to five times as much memory.
pub(super) const LIMIT: u64 = 8 << 20;

/// Where envelopes come from.
pub(super) enum Metadata {
    /// One document for all inputs, once it was read.
    Document(PathBuf, Option<Document>),
    /// Direct values: one recording.
    Direct(Box<Envelope>),
    /// A file beside each input.
    Sidecars,
}

/// A document that was read and parsed.
pub(super) struct Document {
    name: String,
    items: Vec<Item>,
}

impl Document {
    /// Reads and parses the document at `path`; `-` is standard input.
    fn read(provider: Provider, path: &Path) -> Result<Self, Failure> {
        let name = display(path);
        let bytes = read(path).map_err(|error| Failure::MetadataUnread(name.clone(), error))?;
        match provider.parse(&bytes) {
            Ok(items) if items.is_empty() => Err(Failure::NoRecordings(name)),
            Ok(items) => Ok(Self { name, items }),
            Err(error) => Err(Failure::Metadata(name, provider, error)),
        }
    }

    /// The recording of `input`: the only one, or the one that the file is named for.
    fn envelope(&self, provider: Provider, input: &Path) -> Result<Envelope, Failure> {
        let name = self.name.clone();
        let file_name = input.file_name().unwrap_or_default().to_string_lossy();
        let file_name = file_name.to_ascii_lowercase();
        let count = self.items.len();
        let named = |item: &Item| {
            item.id
                .as_ref()
                .is_some_and(|id| !id.is_empty() && file_name.contains(&id.to_ascii_lowercase()))
        };
        let found = match self.items.as_slice() {
            [only] => Some(only),
            several => several.iter().find(|item| named(item)),
        };
        match found.map(|item| item.envelope.clone()) {
            Some(Ok(envelope)) => Ok(envelope),
            Some(Err(error)) => Err(Failure::Metadata(name, provider, error)),
            None => Err(Failure::NotNamed {
                metadata: name,
                count,
                input: display(input),
            }),
        }
    }
}

impl Metadata {
    /// The envelope of `input`.
    pub(super) fn envelope(
        &mut self,
        provider: Provider,
        input: &Path,
    ) -> Result<Envelope, Failure> {
        match self {
            Self::Direct(envelope) => Ok(Envelope::clone(envelope)),
            Self::Document(_, Some(document)) => document.envelope(provider, input),
            Self::Document(path, unread) => unread
                .insert(Document::read(provider, path)?)
                .envelope(provider, input),
            Self::Sidecars => {
                let path =
                    sidecar(input).ok_or_else(|| Failure::NoMetadata(display(input), provider))?;
                Document::read(provider, &path)?.envelope(provider, input)
            }
        }
    }
}

/// The file beside `input` that has its name, or its name without some of the extensions.
pub(super) fn sidecar(input: &Path) -> Option<PathBuf> {
    if is_stdin(input) {
        return None;
    }
    let mut stem = input.to_owned();
    loop {
        for extension in ["json", "headers"] {
            let mut name = stem.clone().into_os_string();
            name.push(".");
            name.push(extension);
            let path = PathBuf::from(name);
            if path != input && path.is_file() {
                return Some(path);
            }
        }
        stem.extension()?;
        stem = stem.with_extension("");
    }
}

/// Reads a small file, or standard input.
pub(super) fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, io::ReadError> {
    if is_stdin(path) {
        io::read_limited(std::io::stdin(), LIMIT)
    } else {
        io::read_file(path, LIMIT)
    }
}

/// A path as people read it.
pub(super) fn display(path: &Path) -> String {
    if is_stdin(path) {
        "standard input".to_owned()
    } else {
        shown(path)
    }
}

/// What to name the output of `input` by if its metadata has no id: its name without the
/// extensions of recordings and of encryption.
pub(super) fn stem(input: &Path) -> Option<String> {
    const KNOWN: [&str; 14] = [
        "enc",
        "encrypted",
        "aes",
        "bin",
        "wav",
        "mp3",
        "json",
        "mka",
        "mkv",
        "webm",
        "mp4",
        "m4a",
        "ts",
        "ogg",
    ];
    if is_stdin(input) {
        return None;
    }
    let mut stem = Path::new(input.file_name()?);
    while let Some(extension) = stem.extension().and_then(OsStr::to_str)
        && KNOWN.contains(&extension.to_ascii_lowercase().as_str())
    {
        stem = Path::new(stem.file_stem()?);
    }
    Some(stem.to_string_lossy().into_owned())
}

/// `text` as a file name without surprises: no separators, no leading dot or dash, not too long.
pub(super) fn file_name(text: &str) -> Option<String> {
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
    fn a_stem_loses_the_extensions_of_recordings_only() {
        for (input, expected) in [
            ("in/RE1.wav.enc", "RE1"),
            ("2026.11.21-call.wav", "2026.11.21-call"),
            ("archive.ts", "archive"),
            ("noise", "noise"),
        ] {
            assert_eq!(stem(Path::new(input)).as_deref(), Some(expected));
        }
        assert_eq!(stem(Path::new("-")), None);
    }

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
}
