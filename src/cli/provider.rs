//! The providers as subcommands: their names, parsers, and the extensions of their recordings.

use crate::provider::{Item, MetadataError, twilio_video, twilio_voice, vonage};

/// A provider that has a subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    TwilioVoice,
    TwilioVideo,
    Vonage,
}

impl Provider {
    pub(super) const ALL: [Self; 3] = [Self::TwilioVoice, Self::TwilioVideo, Self::Vonage];

    /// The subcommand, also the name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TwilioVoice => "twilio-voice",
            Self::TwilioVideo => "twilio-video",
            Self::Vonage => "vonage",
        }
    }

    pub(super) fn parse(self, metadata: &[u8]) -> Result<Vec<Item>, MetadataError> {
        match self {
            Self::TwilioVoice => twilio_voice::parse(metadata),
            Self::TwilioVideo => twilio_video::parse(metadata),
            Self::Vonage => vonage::parse(metadata),
        }
    }

    /// The extensions that an output `name` in a folder can get.
    pub(super) fn extensions(self, name: &str) -> &'static [&'static str] {
        match self {
            // RE… is a recording. Many keep its metadata beside it, as RE….json; that is no output.
            Self::TwilioVoice if name.starts_with("RE") => &["wav", "mp3", "ogg", "bin"],
            Self::TwilioVoice => &["wav", "json", "mp3", "ogg", "bin"],
            Self::TwilioVideo => &["mka", "mkv", "webm", "mp4", "m4a"],
            Self::Vonage => &["ts", "mp4", "m4a"],
        }
    }

    /// What to ask the provider for, when there is no metadata.
    pub(super) fn metadata_hint(self) -> &'static str {
        match self {
            Self::TwilioVoice => {
                "pass the recording's JSON (…/Recordings/RE….json or the status callback) with \
                 -m PATH, or --encrypted-cek and --iv"
            }
            Self::TwilioVideo => {
                "pass the response headers of the download (curl -D, wget -S, or aws s3api \
                 head-object) with -m PATH, or --encrypted-key and --iv"
            }
            Self::Vonage => {
                "pass the archive's JSON (the status callback or GET …/archive/ID) with -m PATH, \
                 or --password"
            }
        }
    }
}
