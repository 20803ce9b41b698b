//! What is not the same everywhere.

/// What the documents leave open, or what differs from customer to customer.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Style {
    /// Pages and media are named at the providers' own hosts, as in their documents; else at the base.
    pub default_hosts: bool,
    pub video_link: VideoLink,
    pub voice_media: VoiceMedia,
    /// `DateCreated<=DAY` includes that day.
    pub until_includes_day: bool,
    /// For how long links hold, where the request does not say (`Ttl`).
    pub link_seconds: u64,
    /// The status with which Twilio's public keys are refused to a Standard API key: 401 or 403.
    pub refuse_standard_keys: Option<u16>,
    /// Twilio Video answers 201 to new settings, as it once did; else 200, as its document says.
    pub settings_created: bool,
    /// Vonage's unified API takes `Basic` where the storage of archives is set; else `Bearer`.
    pub vonage_basic: bool,
    /// Qvoice leaves the keys and salts of former versions out of its answers.
    pub qvoice_forgets: bool,
    /// Whenever a key is registered that something is encrypted for, there is a recording of it:
    /// see [`Fake::record_voice`](super::Fake::record_voice).
    pub records: bool,
}

/// How `…/Media` of Twilio Video says where the media is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VideoLink {
    /// `Location`.
    Header,
    /// `{"redirect_to": …}`.
    Body,
    Both,
}

/// How the media of Twilio Voice comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VoiceMedia {
    /// From the API; parts of it can be had.
    Ranges,
    /// From the API, always all of it, without an `ETag`.
    Whole,
    /// By a redirect to storage.
    AtStorage,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            default_hosts: true,
            video_link: VideoLink::Both,
            voice_media: VoiceMedia::Ranges,
            until_includes_day: true,
            link_seconds: 600,
            refuse_standard_keys: None,
            settings_created: false,
            vonage_basic: false,
            qvoice_forgets: false,
            records: false,
        }
    }
}
