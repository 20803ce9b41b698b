//! The providers by name: what belongs to which.

use super::error::MetadataError;
use super::id::IdKind;
use super::listing::Listing;
use super::{twilio_video, twilio_voice, vonage};
use crate::envelope::{Container, UNKNOWN_EXTENSION};

/// A provider of encrypted recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    pub const ALL: [Self; 4] = [
        Self::TwilioVoice,
        Self::TwilioVideo,
        Self::Vonage,
        Self::Qvoice,
    ];

    /// Those whose metadata has the content key, wrapped for an RSA key. Qvoice derives it.
    pub const WRAPPED: [Self; 3] = [Self::TwilioVoice, Self::TwilioVideo, Self::Vonage];

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
    /// read by [`qvoice::parse`](super::qvoice::parse).
    ///
    /// # Errors
    /// Those of the provider's own `parse`; with Qvoice always
    /// [`Unrecognised`](MetadataError::Unrecognised).
    pub fn parse(self, metadata: &[u8]) -> Result<Listing, MetadataError> {
        match self {
            Self::TwilioVoice => twilio_voice::parse(metadata),
            Self::TwilioVideo => twilio_video::parse(metadata),
            Self::Vonage => vonage::parse(metadata),
            Self::Qvoice => Err(MetadataError::Unrecognised {
                expected: "wrapped key",
            }),
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
