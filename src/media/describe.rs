//! [`Media`]: what a probe found, and how people read it.

use std::fmt;
use std::time::Duration;

use super::Transport;
use crate::envelope::{Container, UNKNOWN_EXTENSION};

/// What the plaintext is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// The container, where the first bytes are those of one.
    pub container: Option<Container>,
    /// Where they are not: the container that the bytes behind the first sixteen belong to. The
    /// mark of the right key with the wrong IV (see [`super::damaged_head`]).
    pub damaged: Option<Container>,
    /// The codec of the first video track.
    pub video: Option<Codec>,
    /// The codec of the first audio track.
    pub audio: Option<Codec>,
    /// That track's samples per second.
    pub sample_rate: Option<u32>,
    /// That track's channels.
    pub channels: Option<u16>,
    /// The playing time, where it can be had without reading the whole file.
    pub duration: Option<Duration>,
    /// The usual extension of a file's name, without the dot; `bin` where nothing is known.
    pub extension: &'static str,
    /// The scan of a transport stream, from end to end.
    pub(crate) transport: Option<Transport>,
    /// What is wrong with it.
    pub notes: Vec<Note>,
}

impl Media {
    /// Bytes of no known container.
    pub(super) fn unknown() -> Self {
        Self {
            container: None,
            damaged: None,
            video: None,
            audio: None,
            sample_rate: None,
            channels: None,
            duration: None,
            extension: UNKNOWN_EXTENSION,
            transport: None,
            notes: Vec::new(),
        }
    }

    /// A container of which nothing more is known yet.
    pub(super) fn of(container: Container) -> Self {
        Self {
            container: Some(container),
            extension: container.extension(),
            ..Self::unknown()
        }
    }

    /// A container whose first block is garbage.
    pub(super) fn of_damaged(container: Container) -> Self {
        Self {
            damaged: Some(container),
            extension: container.extension(),
            notes: vec![Note::FirstBlockDamaged(container)],
            ..Self::unknown()
        }
    }

    /// The container's name in reports for machines.
    pub fn format(&self) -> Option<&'static str> {
        self.container.map(|container| match container {
            Container::Wav => "wav",
            Container::MpegTs => "mpeg-ts",
            Container::Matroska => "matroska",
            Container::WebM => "webm",
            Container::Mp4 => "mp4",
            Container::Mp3 => "mp3",
            Container::Ogg => "ogg",
            Container::Json => "json",
            Container::Zip => "zip",
        })
    }

    /// The codecs, video first: `PCM16`, `h264+aac`.
    pub fn codec(&self) -> Option<String> {
        match (&self.video, &self.audio) {
            (Some(video), Some(audio)) => Some(format!("{video}+{audio}")),
            (Some(one), None) | (None, Some(one)) => Some(one.to_string()),
            (None, None) => None,
        }
    }

    /// One line for people: `WAV PCM16 8 kHz stereo`, `MPEG-TS h264+aac 1,234 packets`. Without
    /// the duration, for which there is [`hms`].
    pub fn describe(&self) -> String {
        let mut words = vec![match (self.container, self.damaged) {
            (Some(container), _) => container_name(container).to_owned(),
            (None, Some(container)) => format!("damaged {}", container_name(container)),
            (None, None) => "unknown format".to_owned(),
        }];
        // "MP3 mp3" says nothing new.
        if self.container != Some(Container::Mp3) {
            words.extend(self.codec());
        }
        words.extend(self.sample_rate.map(kilohertz));
        words.extend(self.channels.map(|channels| match channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            more => format!("{more} channels"),
        }));
        words.extend(self.transport.map(|transport| match transport.packets {
            1 => "1 packet".to_owned(),
            packets => format!("{} packets", thousands(packets)),
        }));
        words.join(" ")
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// A container's name for people.
pub(crate) fn container_name(container: Container) -> &'static str {
    match container {
        Container::Wav => "WAV",
        Container::MpegTs => "MPEG-TS",
        Container::Matroska => "Matroska",
        Container::WebM => "WebM",
        Container::Mp4 => "MP4",
        Container::Mp3 => "MP3",
        Container::Ogg => "Ogg",
        Container::Json => "JSON",
        Container::Zip => "ZIP",
    }
}

/// How sound or pictures are coded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// Linear PCM of so many bits a sample.
    Pcm(u16),
    /// Floating-point PCM of so many bits a sample.
    Float(u16),
    /// G.711 A-law.
    ALaw,
    /// G.711 mu-law.
    MuLaw,
    /// GSM 06.10.
    Gsm,
    /// MPEG audio of layer 1, 2 or 3.
    MpegAudio(u8),
    /// AAC.
    Aac,
    /// AC-3.
    Ac3,
    /// Opus.
    Opus,
    /// Vorbis.
    Vorbis,
    /// FLAC.
    Flac,
    /// Speex.
    Speex,
    /// VP8.
    Vp8,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
    /// H.264, AVC.
    H264,
    /// H.265, HEVC.
    H265,
    /// MPEG-1 or MPEG-2 video.
    MpegVideo,
    /// A WAVE format tag without a name here.
    Wave(u16),
    /// The container's own name of another codec: ASCII, without spaces, at most 32 characters.
    Named(String),
}

impl Codec {
    /// The codec that a file calls `name`. Names that could upset a terminal are dropped.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let name = name.trim_ascii();
        (1..=32).contains(&name.len()).then_some(())?;
        name.iter().all(u8::is_ascii_graphic).then_some(())?;
        String::from_utf8(name.to_vec()).ok().map(Self::Named)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcm(bits) => return write!(f, "PCM{bits}"),
            Self::Float(bits) => return write!(f, "float{bits}"),
            Self::MpegAudio(layer) => return write!(f, "mp{layer}"),
            Self::Wave(tag) => return write!(f, "format {tag:#06x}"),
            Self::Named(name) => name,
            Self::ALaw => "A-law",
            Self::MuLaw => "mu-law",
            Self::Gsm => "GSM",
            Self::Aac => "aac",
            Self::Ac3 => "ac3",
            Self::Opus => "opus",
            Self::Vorbis => "vorbis",
            Self::Flac => "flac",
            Self::Speex => "speex",
            Self::Vp8 => "vp8",
            Self::Vp9 => "vp9",
            Self::Av1 => "av1",
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::MpegVideo => "mpeg-video",
        })
    }
}

/// Something wrong with the plaintext. Not by itself proof of a wrong key: providers store
/// recordings that were cut short, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The container promises more bytes than there are.
    Truncated {
        /// The bytes it promises.
        promised: u64,
        /// The bytes of it that are there.
        present: u64,
    },
    /// Bytes stand behind the end that the container declares, or between its parts.
    Stray {
        /// How many, up to the end of the file.
        bytes: u64,
    },
    /// A second file of the kind stands behind the first.
    Repeated {
        /// Where it starts.
        at: u64,
    },
    /// The container is there, but not the part that says how its media is coded.
    HeaderIncomplete,
    /// The first 16 bytes are garbage, the rest is not.
    FirstBlockDamaged(Container),
    /// Packets of a transport stream do not start with the sync byte.
    SyncLost {
        /// How many.
        packets: u64,
        /// Where the first of them starts.
        first: u64,
    },
    /// A transport stream ends within a packet.
    PartialPacket {
        /// How many bytes of it there are.
        bytes: u64,
    },
    /// The clock of a transport stream jumps; its duration leaves the jumps out.
    ClockJumps(u64),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { promised, present } => write!(
                f,
                "cut short: {} of the {} bytes that its header promises",
                thousands(present),
                thousands(promised)
            ),
            Self::Stray { bytes } => write!(
                f,
                "{} byte{} at its end belong to no part of the recording",
                thousands(bytes),
                plural(bytes)
            ),
            Self::Repeated { at } => {
                write!(f, "a second recording starts at byte {}", thousands(at))
            }
            Self::HeaderIncomplete => {
                f.write_str("the header that says how the media is coded is incomplete")
            }
            Self::FirstBlockDamaged(container) => write!(
                f,
                "the first 16 bytes are damaged, the rest looks like {}",
                container_name(container)
            ),
            Self::SyncLost { packets, first } => write!(
                f,
                "{} damaged transport packet{}, the first at byte {}",
                thousands(packets),
                plural(packets),
                thousands(first)
            ),
            Self::PartialPacket { bytes } => {
                write!(f, "ends {bytes} bytes into a transport packet")
            }
            Self::ClockJumps(jumps) => {
                write!(f, "the stream's clock jumps (times: {})", thousands(jumps))
            }
        }
    }
}

/// `00:00:23`, to the nearest second. Hours grow as needed.
pub fn hms(duration: Duration) -> String {
    let seconds = duration
        .saturating_add(Duration::from_millis(500))
        .as_secs();
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// `8 kHz`, `44.1 kHz`, `11.025 kHz`.
fn kilohertz(rate: u32) -> String {
    let digits = format!("{}.{:03}", rate / 1000, rate % 1000);
    format!("{} kHz", digits.trim_end_matches('0').trim_end_matches('.'))
}

fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// `1,234`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let mut media = Media::of(Container::Wav);
        media.audio = Some(Codec::Pcm(16));
        media.sample_rate = Some(8000);
        media.channels = Some(2);
        assert_eq!(media.describe(), "WAV PCM16 8 kHz stereo");

        let mut media = Media::of(Container::MpegTs);
        media.transport = Some(Transport {
            packets: 1234,
            ..Transport::default()
        });
        assert_eq!(media.describe(), "MPEG-TS 1,234 packets");

        assert_eq!(Media::unknown().describe(), "unknown format");
        assert_eq!(
            Media::of_damaged(Container::WebM).describe(),
            "damaged WebM"
        );
    }

    #[test]
    fn numbers() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(kilohertz(48_000), "48 kHz");
        assert_eq!(kilohertz(11_025), "11.025 kHz");
        assert_eq!(kilohertz(100), "0.1 kHz");
        assert_eq!(hms(Duration::from_millis(23_400)), "00:00:23");
        assert_eq!(hms(Duration::from_secs(360_000)), "100:00:00");
        assert_eq!(Codec::Wave(0x11).to_string(), "format 0x0011");
    }

    #[test]
    fn names_from_files_stay_plain() {
        assert_eq!(Codec::named(b"A_X"), Some(Codec::Named("A_X".to_owned())));
        assert_eq!(Codec::named(b"\x1b[31m"), None);
        assert_eq!(Codec::named(b""), None);
        assert_eq!(Codec::named(&[b'a'; 33]), None);
    }
}
