//! The providers by name: what belongs to which.

use super::error::MetadataError;
use super::id::IdKind;
use super::listing::Listing;
use super::qvoice::Hints;
use super::{call, qvoice, twilio_video, twilio_voice, vonage};
use crate::envelope::{Container, UNKNOWN_EXTENSION};

/// A provider of encrypted recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// Twilio's recordings of calls.
    TwilioVoice,
    /// Twilio's recordings and compositions of video rooms.
    TwilioVideo,
    /// Vonage Video, formerly `OpenTok`.
    Vonage,
    /// Qvoice, formerly Gorec.
    Qvoice,
}

impl Provider {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [
        Self::TwilioVoice,
        Self::TwilioVideo,
        Self::Vonage,
        Self::Qvoice,
    ];

    /// Those whose metadata has the content key, wrapped for an RSA key. Qvoice derives it.
    pub(crate) const WRAPPED: [Self; 3] = [Self::TwilioVoice, Self::TwilioVideo, Self::Vonage];

    /// The subcommand, also the name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwilioVoice => "twilio-voice",
            Self::TwilioVideo => "twilio-video",
            Self::Vonage => "vonage",
            Self::Qvoice => "qvoice",
        }
    }

    /// The provider of this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
    }

    /// What an id means to this provider, if it is one of its own.
    pub fn id(self, text: &str) -> Option<IdKind> {
        IdKind::of(text).filter(|kind| Self::from(*kind) == self)
    }

    /// The provider whose id this is.
    pub fn of_id(text: &str) -> Option<Self> {
        IdKind::of(text).map(Self::from)
    }

    /// Reads metadata that wraps content keys. What Qvoice says of a recording wraps none: it is
    /// read by [`qvoice::parse`].
    ///
    /// # Errors
    /// Those of the provider's own `parse`; with Qvoice always
    /// [`Unrecognised`](MetadataError::Unrecognised). Where just one other provider recognises the
    /// document, [`OfAnother`](MetadataError::OfAnother) says which.
    pub fn parse(self, metadata: &[u8]) -> Result<Listing, MetadataError> {
        self.listing(metadata).map_err(|error| match error {
            MetadataError::Unrecognised { .. } | MetadataError::Syntax { .. } => {
                match Self::recognise(metadata).as_slice() {
                    [other] if *other != self => MetadataError::OfAnother {
                        provider: other.name(),
                    },
                    _ => error,
                }
            }
            error => error,
        })
    }

    /// Reads metadata of Qvoice's, whose names are everybody's: what wraps a key is another's.
    ///
    /// # Errors
    /// Those of [`qvoice::parse`], and [`OfAnother`](MetadataError::OfAnother).
    pub(crate) fn parse_hints(metadata: &[u8]) -> Result<Listing<Hints>, MetadataError> {
        let wraps = |provider: &Self| {
            let listing = provider.listing(metadata);
            listing.is_ok_and(|listing| listing.items().iter().any(|item| item.outcome.is_ok()))
        };
        match Self::WRAPPED.into_iter().find(wraps) {
            Some(other) => Err(MetadataError::OfAnother {
                provider: other.name(),
            }),
            None => qvoice::parse(metadata),
        }
    }

    /// The providers whose metadata this can be, by its shape alone. A configuration of Qvoice's
    /// counts too.
    pub fn recognise(metadata: &[u8]) -> Vec<Self> {
        let found: Vec<_> = Self::WRAPPED
            .into_iter()
            .filter(|provider| is_its(&provider.listing(metadata)))
            .collect();
        // Its names are everybody's: `version`, `iv`, `key`.
        let is_qvoice =
            || qvoice::Config::parse(metadata).is_ok() || is_its(&qvoice::parse(metadata));
        if found.is_empty() && is_qvoice() {
            return vec![Self::Qvoice];
        }
        found
    }

    fn listing(self, metadata: &[u8]) -> Result<Listing, MetadataError> {
        match self {
            Self::TwilioVoice => twilio_voice::parse(metadata),
            Self::TwilioVideo => twilio_video::parse(metadata),
            Self::Vonage => vonage::parse(metadata),
            Self::Qvoice => Err(MetadataError::Unrecognised {
                expected: "wrapped key",
            }),
        }
    }

    /// The call (`CA…`) that a document says its recording is of, if it names one and no other.
    pub(crate) fn call(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::TwilioVoice => call::call(bytes),
            Self::TwilioVideo | Self::Vonage | Self::Qvoice => None,
        }
    }

    /// The extensions that the output of the recording `name` can get in a folder.
    pub fn extensions(self, name: &str) -> Vec<&'static str> {
        use Container::{Json, Matroska, Mp3, Mp4, MpegTs, Ogg, Wav, WebM};
        let (containers, unknown): (&[Container], _) = match self {
            // RE… is a recording. Many keep its metadata beside it, as RE….json; that is no output.
            Self::TwilioVoice if name.starts_with("RE") => (&[Wav, Mp3, Ogg], true),
            Self::TwilioVoice => (&[Wav, Json, Mp3, Ogg], true),
            Self::TwilioVideo => (&[Matroska, WebM, Mp4], false),
            Self::Vonage => (&[MpegTs, Mp4], false),
            // Whatever a tag proves.
            Self::Qvoice => (&Container::ALL, true),
        };
        let known = containers
            .iter()
            .flat_map(|container| container.extensions());
        known
            .chain(unknown.then_some(&UNKNOWN_EXTENSION))
            .copied()
            .collect()
    }
}

/// Whether a provider knows a document for its own. That it finds something wrong with it is a
/// sign too, unless what is wrong is that nothing of its own is in it.
fn is_its<T>(listing: &Result<Listing<T>, MetadataError>) -> bool {
    let is_sign = |error: &MetadataError| {
        use MetadataError::{Configuration, Dump, Key, Syntax, TooMany, Unrecognised};
        !matches!(
            error,
            Syntax { .. } | TooMany { .. } | Unrecognised { .. } | Key | Configuration | Dump(_)
        )
    };
    match listing {
        Ok(listing) => listing
            .items()
            .iter()
            .any(|item| item.outcome.as_ref().err().is_none_or(is_sign)),
        Err(error) => is_sign(error),
    }
}

impl From<IdKind> for Provider {
    /// Whose id it is.
    fn from(kind: IdKind) -> Self {
        match kind {
            IdKind::Recording | IdKind::Call | IdKind::Conference => Self::TwilioVoice,
            IdKind::Track | IdKind::Composition | IdKind::Room => Self::TwilioVideo,
            IdKind::Archive | IdKind::Session => Self::Vonage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_qvoice_says_wraps_no_key_and_what_does_is_anothers() {
        let hints = br#"{"id":"7","version":2,"key_id":"k"}"#;
        let error = Provider::Qvoice.parse(hints).unwrap_err();
        assert!(matches!(error, MetadataError::Unrecognised { .. }));
        assert_eq!(Provider::parse_hints(hints).unwrap().items().len(), 1);
        let key = "A".repeat(342) + "==";
        let voice = format!(r#"{{"encrypted_cek":"{key}","iv":"AAAAAAAAAAAAAAAA"}}"#);
        let error = Provider::parse_hints(voice.as_bytes()).unwrap_err();
        let provider = "twilio-voice";
        assert_eq!(error, MetadataError::OfAnother { provider });
    }

    #[test]
    fn calls_are_twilio_voices() {
        let call = "CA0123456789abcdef0123456789abcdef";
        let text = format!(r#"{{"call_sid":"{call}"}}"#);
        let of = |provider: Provider| provider.call(text.as_bytes());
        assert_eq!(of(Provider::TwilioVoice).as_deref(), Some(call));
        for provider in [Provider::TwilioVideo, Provider::Vonage, Provider::Qvoice] {
            assert_eq!(of(provider), None);
        }
    }

    #[test]
    fn a_document_tells_its_provider() {
        let key = "A".repeat(342) + "==";
        let cases = [
            (
                format!(r#"{{"encrypted_cek":"{key}","iv":"AAAAAAAAAAAAAAAA"}}"#),
                Some(Provider::TwilioVoice),
            ),
            (
                r#"{"sid":"RE1","status":"processing"}"#.to_owned(),
                Some(Provider::TwilioVoice),
            ),
            (
                format!("x-amz-meta-x-amz-key: {key}"),
                Some(Provider::TwilioVideo),
            ),
            (
                "HTTP/1.1 200 OK\nETag: x\n".to_owned(),
                Some(Provider::TwilioVideo),
            ),
            (
                format!(r#"{{"body":"{{\"password\":\"{key}\"}}"}}"#),
                Some(Provider::Vonage),
            ),
            (key, Some(Provider::Vonage)),
            (
                r#"{"id":"7","version":2,"key_id":"k"}"#.to_owned(),
                Some(Provider::Qvoice),
            ),
            (
                format!(
                    r#"{{"config":{{"enabled":true,"key":"{}"}}}}"#,
                    "k".repeat(32)
                ),
                Some(Provider::Qvoice),
            ),
            ("{}".to_owned(), None),
            ("a line of text".to_owned(), None),
            ("<html>".to_owned(), None),
        ];
        for (text, provider) in cases {
            let expected: Vec<_> = provider.into_iter().collect();
            assert_eq!(Provider::recognise(text.as_bytes()), expected, "{text}");
            for asked in Provider::WRAPPED {
                let error = asked.parse(text.as_bytes()).err();
                let is_others = provider.is_some_and(|provider| provider != asked);
                let said = matches!(&error, Some(MetadataError::OfAnother { provider: name }) if Some(*name) == provider.map(Provider::name));
                assert_eq!(said, is_others, "{asked:?}: {text}: {error:?}");
            }
        }
    }

    #[test]
    fn an_id_tells_its_provider() {
        let sid = |prefix: &str| format!("{prefix}{}", "0123456789abcdef".repeat(2));
        let cases = [
            (sid("RE"), Provider::TwilioVoice, IdKind::Recording),
            (sid("CF"), Provider::TwilioVoice, IdKind::Conference),
            (sid("RT"), Provider::TwilioVideo, IdKind::Track),
            (sid("RM"), Provider::TwilioVideo, IdKind::Room),
            ("2_MX4xMDB".to_owned(), Provider::Vonage, IdKind::Session),
        ];
        for (text, provider, kind) in cases {
            assert_eq!(Provider::of_id(&text), Some(provider), "{text}");
            for other in Provider::ALL {
                let expected = (other == provider).then_some(kind);
                assert_eq!(other.id(&text), expected, "{text}");
            }
        }
        assert_eq!(Provider::of_id("archive.ts"), None);
    }

    #[test]
    fn names_lead_back() {
        for provider in Provider::ALL {
            assert_eq!(Provider::from_name(provider.name()), Some(provider));
        }
        assert_eq!(Provider::from_name("opentok"), None);
    }

    #[test]
    fn an_output_gets_the_extensions_of_its_provider() {
        let of = |provider: Provider, name| provider.extensions(name).join(" ");
        assert_eq!(of(Provider::TwilioVoice, "RE1"), "wav mp3 ogg bin");
        assert_eq!(of(Provider::TwilioVoice, "TR1"), "wav json mp3 ogg bin");
        assert_eq!(of(Provider::TwilioVideo, "RT1"), "mkv mka webm mp4 m4a");
        assert_eq!(of(Provider::Vonage, "archive"), "ts mp4 m4a");
        assert_eq!(
            of(Provider::Qvoice, "1"),
            "wav ts mkv mka webm mp4 m4a mp3 ogg json zip bin"
        );
    }
}
