//! [`Name`]: the id of a recording, and what it may be called where it is kept.

use std::ffi::OsStr;
use std::path::Path;

use crate::envelope::{Container, UNKNOWN_EXTENSION};
use crate::provider::{IdKind, Provider};

/// What the name of an encrypted file ends in, the likeliest first.
const ENCRYPTED: [&str; 3] = ["enc", "encrypted", "aes"];

/// The id of a recording. It is letters, digits and hyphens: fit for a path and a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// What it names.
    pub(super) kind: IdKind,
    /// As its provider writes it: hexadecimal digits in lower case.
    pub(super) id: String,
    /// As it was given.
    given: String,
}

impl Name {
    /// Reads an id, the whole of a text; `None` for anything else, ids of groups among it.
    pub(super) fn of(text: &str) -> Option<Self> {
        let kind = IdKind::of(text).filter(|kind| !kind.is_group())?;
        let prefix = match kind {
            IdKind::Archive => 0,
            _ => 2,
        };
        let mut id = text.to_owned();
        id.get_mut(prefix..)?.make_ascii_lowercase();
        Some(Self {
            kind,
            id,
            given: text.to_owned(),
        })
    }

    /// Whose recording it is.
    pub(super) fn provider(&self) -> Provider {
        self.kind.into()
    }

    /// As it was given, then as its provider writes it.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &str> {
        let own = (self.given != self.id).then_some(self.id.as_str());
        std::iter::once(self.given.as_str()).chain(own)
    }

    /// What media of this id may be called behind it, the likeliest first: encrypted media before what
    /// may be none.
    pub(super) fn endings(&self) -> Vec<String> {
        endings(&self.extensions())
    }

    /// The few of them that tools write: `ID.enc`, as `--download-only` does, and with an extension of
    /// the provider's media.
    pub(super) fn usual_endings(&self) -> Vec<String> {
        let extensions = self.provider().extensions(&self.id);
        let is_known = |extension: &&str| *extension != UNKNOWN_EXTENSION;
        let extensions: Vec<_> = extensions.into_iter().filter(is_known).collect();
        let usual = |ending: &String| {
            let others = ENCRYPTED.get(1..).unwrap_or_default();
            !ending.is_empty() && !others.iter().any(|other| ending.ends_with(other))
        };
        endings(&extensions).into_iter().filter(usual).collect()
    }

    /// The extensions of media, those of its provider first. `ID.json` is what describes it.
    fn extensions(&self) -> Vec<&'static str> {
        let mut extensions = self.provider().extensions(&self.id);
        let playable =
            |container: &&Container| !matches!(container, Container::Json | Container::Zip);
        let all = Container::ALL.iter().filter(playable);
        for extension in all.flat_map(|container| container.extensions()) {
            if !extensions.contains(extension) {
                extensions.push(extension);
            }
        }
        if !extensions.contains(&UNKNOWN_EXTENSION) {
            extensions.push(UNKNOWN_EXTENSION);
        }
        extensions
    }
}

fn endings(extensions: &[&str]) -> Vec<String> {
    let mut endings = Vec::new();
    for encrypted in ENCRYPTED {
        endings.push(format!(".{encrypted}"));
        endings.extend(extensions.iter().map(|it| format!(".{it}.{encrypted}")));
    }
    endings.extend(extensions.iter().map(|it| format!(".{it}")));
    endings.push(String::new());
    endings
}

/// Whether the name of a file says that it is encrypted.
pub(super) fn says_encrypted(file_name: &str) -> bool {
    let extension = Path::new(file_name).extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| ENCRYPTED.contains(&extension))
}

/// The recording that a file of this name is, as its name has it.
pub(super) fn recording_of(file_name: &str) -> Option<Name> {
    let length = file_name.find('.').unwrap_or(file_name.len());
    let (id, ending) = file_name.split_at(length);
    let name = Name::of(id)?;
    name.endings().iter().any(|it| it == ending).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn an_id_is_one_of_a_recording_and_nothing_else() {
        for prefix in ["RE", "RT", "CJ"] {
            let name = Name::of(&format!("{prefix}{}", HEX.to_uppercase())).unwrap();
            assert_eq!(name.id, format!("{prefix}{HEX}"));
            assert_eq!(name.spellings().count(), 2);
        }
        let archive = "5EED0000-0000-4000-8000-00000000000A";
        assert_eq!(Name::of(archive).unwrap().id, archive.to_lowercase());
        for text in [
            String::new(),
            "..".to_owned(),
            format!("../RE{HEX}"),
            format!("/RE{HEX}"),
            format!("RE{HEX}\0"),
            format!("RE{HEX}/"),
            format!("RE{HEX}.enc"),
            format!("CA{HEX}"),
            format!("RM{HEX}"),
            format!("re{HEX}"),
            format!("RE{}\u{0660}", &HEX[2..]),
            format!("RE{}%2f", &HEX[3..]),
            "2_MX4xMDB-flR1ZSBOb3YgMTkgMTE6MDk6NTggUFNUIDIwMTN-MC4zNzQxNzIxNX4".to_owned(),
        ] {
            assert_eq!(Name::of(&text), None, "{text:?}");
        }
    }

    #[test]
    fn likely_names_come_first_and_encrypted_ones_before_others() {
        let name = Name::of(&format!("RE{HEX}")).unwrap();
        assert_eq!(name.spellings().count(), 1);
        let endings = name.endings();
        assert_eq!(endings[..2], [".enc", ".wav.enc"]);
        let is_plain = |ending: &String| !says_encrypted(&format!("RE{ending}"));
        let first_plain = endings.iter().position(is_plain).unwrap();
        assert_eq!(endings[first_plain], ".wav");
        assert!(endings[first_plain..].iter().all(is_plain));
        assert!(!endings.iter().any(|it| it == ".json" || it == ".zip"));
        assert!(endings.len() < 60, "{}", endings.len());
        assert_eq!(
            name.usual_endings(),
            [
                ".enc", ".wav.enc", ".mp3.enc", ".ogg.enc", ".wav", ".mp3", ".ogg"
            ]
        );
        for (ending, is_media) in [
            ("", true),
            (".mka.aes", true),
            (".bin", true),
            (".json", false),
            (".headers", false),
            (".txt", false),
            (".wav.enc.json", false),
        ] {
            let name = recording_of(&format!("RE{HEX}{ending}"));
            assert_eq!(name.is_some(), is_media, "{ending}");
        }
        assert_eq!(recording_of(&format!(".RE{HEX}.enc")), None);
    }
}
