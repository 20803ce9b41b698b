//! What there is: recordings, compositions, archives.

use std::collections::HashSet;

use serde_json::Value;

use super::http::Body;
use super::{ACCOUNT, APPLICATION, OPENTOK_KEY};

/// 2026-09-01T08:30:00Z, when recordings were made that nothing else is said of.
pub const CREATED: i64 = 1_788_251_400;

/// A recording of Twilio Voice.
#[derive(Clone, Debug)]
pub struct Voice {
    pub sid: String,
    pub account: String,
    pub call: String,
    pub conference: Option<String>,
    pub media: Body,
    /// `encryption_details`.
    pub encryption: Value,
    /// `completed`; `deleted` means softly: to be seen with `IncludeSoftDeleted` only.
    pub status: String,
    /// In seconds since 1970.
    pub created: i64,
    pub updated: i64,
    pub duration: u32,
    pub channels: u8,
    pub source: String,
    pub error_code: Option<u32>,
    /// Where the media is, if it is in the customer's own storage.
    pub external: Option<String>,
}

impl Voice {
    /// A completed one. Not encrypted: `Value::Null`.
    pub fn new(sid: &str, media: &[u8], encryption: Value) -> Self {
        Self {
            sid: sid.into(),
            account: ACCOUNT.into(),
            call: "CA5eed0000000000000000000000000001".into(),
            conference: None,
            media: Body::new(media),
            encryption,
            status: "completed".into(),
            created: CREATED,
            updated: CREATED + 9,
            duration: 4,
            channels: 1,
            source: "StartCallRecordingAPI".into(),
            error_code: None,
            external: None,
        }
    }

    /// Its path in storage.
    pub fn object(&self) -> String {
        format!(
            "/com-twilio-us1-recordings/{}/{}.wav",
            self.account, self.sid
        )
    }
}

/// A recording (`RT…`) or a composition (`CJ…`) of Twilio Video.
#[derive(Clone, Debug)]
pub struct Video {
    pub sid: String,
    pub account: String,
    pub room: String,
    /// Of a recording.
    pub participant: String,
    pub media: Body,
    /// The headers that its object has: `x-amz-meta-…`.
    pub metadata: Vec<(String, String)>,
    pub status: String,
    /// In seconds since 1970.
    pub created: i64,
    pub duration: u32,
    /// Of a recording: `audio`, `video`, `data`.
    pub kind: String,
    /// `mka`, `mkv`; `mp4`, `webm`.
    pub container: String,
    /// Of a recording: `OPUS`, `PCMU`, `VP8`, `H264`.
    pub codec: String,
    /// Where the media is, if it is in the customer's own storage.
    pub external: Option<String>,
}

impl Video {
    /// A completed one. Not encrypted: no metadata.
    pub fn new(sid: &str, media: &[u8], metadata: &[(String, String)]) -> Self {
        let (container, kind, codec) = match &sid[..2] {
            "CJ" => ("mp4", "video", "H264"),
            _ => ("mka", "audio", "OPUS"),
        };
        Self {
            sid: sid.into(),
            account: ACCOUNT.into(),
            room: "RM5eed0000000000000000000000000001".into(),
            participant: "PA5eed0000000000000000000000000001".into(),
            media: Body::new(media),
            metadata: metadata.to_vec(),
            status: "completed".into(),
            created: CREATED,
            duration: 4,
            kind: kind.into(),
            container: container.into(),
            codec: codec.into(),
            external: None,
        }
    }

    pub fn is_composition(&self) -> bool {
        self.sid.starts_with("CJ")
    }

    /// Its path in storage.
    pub fn object(&self) -> String {
        let bucket = "com-twilio-us1-video-recording";
        format!("/{bucket}/{}/{}.{}", self.account, self.sid, self.container)
    }
}

/// An archive of Vonage's unified API, or of `OpenTok`'s.
#[derive(Clone, Debug)]
pub struct Archive {
    pub id: String,
    pub session: String,
    /// Whose it is: [`APPLICATION`], or [`OPENTOK_KEY`].
    pub owner: String,
    pub name: String,
    pub media: Body,
    /// Empty where it is not encrypted.
    pub password: String,
    pub sha256sum: String,
    /// `available`, `uploaded`, …
    pub status: String,
    /// In milliseconds since 1970.
    pub created_ms: i64,
    pub duration: u32,
    /// Whether `url` is a link to storage; else it is null.
    pub link: bool,
}

impl Archive {
    /// An encrypted one of the application, with a link.
    pub fn new(id: &str, media: &[u8], password: &str) -> Self {
        Self {
            id: id.into(),
            session: "2_MX4xMDB-fjE3ODgyNTE0MDAwMDB-made-up~".into(),
            owner: APPLICATION.into(),
            name: "Room".into(),
            media: Body::new(media),
            password: password.into(),
            sha256sum: String::new(),
            status: "available".into(),
            created_ms: CREATED * 1000,
            duration: 0,
            link: true,
        }
    }

    /// The same of `OpenTok`'s project.
    #[must_use]
    pub fn of_opentok(mut self) -> Self {
        self.owner = OPENTOK_KEY.into();
        self
    }

    /// Its path in storage.
    pub fn object(&self) -> String {
        format!("/vonage-archives/{}/{}/archive.mp4", self.owner, self.id)
    }
}

/// All of them, each kind with the newest first, as lists have them.
#[derive(Default)]
pub struct Records {
    pub voice: Vec<Voice>,
    /// Older than all of them.
    pub flood: Option<(Voice, usize)>,
    pub video: Vec<Video>,
    pub archives: Vec<Archive>,
    /// Calls, conferences and rooms without recordings; accounts.
    pub groups: HashSet<String>,
    pub accounts: HashSet<String>,
}

impl Records {
    pub fn add_voice(&mut self, voice: Voice) {
        self.voice.retain(|other| other.sid != voice.sid);
        let older = |other: &Voice| other.created >= voice.created;
        let place = self.voice.partition_point(older);
        self.voice.insert(place, voice);
    }

    pub fn add_video(&mut self, video: Video) {
        self.video.retain(|other| other.sid != video.sid);
        let place = self
            .video
            .partition_point(|other| other.created >= video.created);
        self.video.insert(place, video);
    }

    pub fn add_archive(&mut self, archive: Archive) {
        self.archives.retain(|other| other.id != archive.id);
        let older = |other: &Archive| other.created_ms >= archive.created_ms;
        let place = self.archives.partition_point(older);
        self.archives.insert(place, archive);
    }

    /// The recording in this place of the list of all.
    pub fn voice_at(&self, index: usize) -> Option<Voice> {
        if let Some(voice) = self.voice.get(index) {
            return Some(voice.clone());
        }
        let index = index - self.voice.len();
        let (voice, count) = self.flood.as_ref()?;
        let age = i64::try_from(index).expect("seconds");
        (index < *count).then(|| Voice {
            sid: flood_sid(index),
            created: voice.created - age,
            updated: voice.updated - age,
            ..voice.clone()
        })
    }

    pub fn voice(&self, sid: &str) -> Option<Voice> {
        let own = self.voice.iter().find(|voice| same(&voice.sid, sid));
        own.cloned().or_else(|| {
            let digits = sid.strip_prefix("REf100d")?;
            let index = usize::from_str_radix(digits, 16).ok()?;
            self.voice_at(self.voice.len() + index)
        })
    }

    pub fn video(&self, sid: &str) -> Option<&Video> {
        self.video.iter().find(|video| same(&video.sid, sid))
    }

    /// Whether a call, a conference or a room is known.
    pub fn knows_group(&self, id: &str) -> bool {
        let flood = self.flood.iter().map(|(voice, _)| voice);
        self.groups.contains(id)
            || self.video.iter().any(|video| video.room == id)
            || self
                .voice
                .iter()
                .chain(flood)
                .any(|voice| voice.call == id || voice.conference.as_deref() == Some(id))
    }

    pub fn knows_account(&self, id: &str) -> bool {
        id == ACCOUNT
            || self.accounts.contains(id)
            || self.voice.iter().any(|voice| voice.account == id)
    }
}

/// Ids are hexadecimal, in either case.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The id of a recording that is one of very many.
pub fn flood_sid(index: usize) -> String {
    format!("REf100d{index:027x}")
}
