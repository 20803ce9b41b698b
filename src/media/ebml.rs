//! Matroska and WebM (RFC 9559) in EBML (RFC 8794).

use std::time::Duration;

use super::read::{array, u32_be, u64_be};
use super::{Codec, Media, Note};
use crate::envelope::Container;

pub(super) const EBML: u32 = 0x1A45_DFA3;
const DOC_TYPE: u32 = 0x4282;
pub(super) const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114D_9B74;
pub(super) const CLUSTER: u32 = 0x1F43_B675;
pub(super) const VOID: u32 = 0xEC;
pub(super) const CRC_32: u32 = 0xBF;
const CHAPTERS: u32 = 0x1043_A770;
const CUES: u32 = 0x1C53_BB6B;
const ATTACHMENTS: u32 = 0x1941_A469;
const TAGS: u32 = 0x1254_C367;
const INFO: u32 = 0x1549_A966;
const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK_ENTRY: u32 = 0xAE;
const TRACK_TYPE: u32 = 0x83;
const CODEC_ID: u32 = 0x86;
const AUDIO: u32 = 0xE1;
const SAMPLING_FREQUENCY: u32 = 0xB5;
const CHANNELS: u32 = 0x9F;
const BIT_DEPTH: u32 = 0x6264;

/// The container that an EBML header's `DocType` names.
pub(super) fn doc_type(head: &[u8]) -> Option<Container> {
    let header = Elements::of(head)
        .find(|e| !matches!(e.id, VOID | CRC_32))
        .filter(|e| e.id == EBML)?;
    let name = header.child(DOC_TYPE)?.data;
    // "String elements MAY be padded with octets of value 0" (RFC 8794, section 7.4).
    match name.split(|&b| b == 0).next()? {
        b"matroska" => Some(Container::Matroska),
        b"webm" => Some(Container::WebM),
        _ => None,
    }
}

/// What the Matroska file with this `head` is.
pub(super) fn read(head: &[u8]) -> Option<Media> {
    let container = doc_type(head)?;
    let mut media = Media::of(container);
    let Some(segment) = Elements::of(head).find(|e| e.id == SEGMENT) else {
        media.notes.push(Note::HeaderIncomplete);
        return Some(media);
    };
    let mut tracks = None;
    for element in segment.children() {
        match element.id {
            INFO => media.duration = duration(&element),
            TRACKS => tracks = Some(element),
            CLUSTER => break,
            _ => {}
        }
    }
    match tracks {
        Some(tracks) => read_tracks(&tracks, &mut media),
        None => media.notes.push(Note::HeaderIncomplete),
    }
    if container == Container::Matroska && media.video.is_none() && media.audio.is_some() {
        media.extension = container.sound_extension();
    }
    Some(media)
}

/// Whether a segment with one of its usual first children starts here.
pub(super) fn is_segment(bytes: &[u8]) -> bool {
    const FIRST: [u32; 6] = [SEEK_HEAD, INFO, TRACKS, CLUSTER, VOID, CRC_32];
    Elements::of(bytes)
        .next()
        .filter(|e| e.id == SEGMENT)
        .and_then(|segment| segment.children().next())
        .is_some_and(|child| FIRST.contains(&child.id))
}

fn duration(info: &Element<'_>) -> Option<Duration> {
    let scale = match info.child(TIMESTAMP_SCALE) {
        Some(element) => element.unsigned()?,
        None => 1_000_000,
    };
    let ticks = info.child(DURATION)?.float()?;
    Duration::try_from_secs_f64(Duration::from_nanos(scale).as_secs_f64() * ticks).ok()
}

fn read_tracks(tracks: &Element<'_>, media: &mut Media) {
    for track in tracks.children().filter(|e| e.id == TRACK_ENTRY) {
        let codec = track.child(CODEC_ID).and_then(|id| codec(id.data, &track));
        match track.child(TRACK_TYPE).and_then(|e| e.unsigned()) {
            Some(1) if media.video.is_none() => media.video = codec,
            Some(2) if media.audio.is_none() => {
                let opus = codec == Some(Codec::Opus);
                media.audio = codec;
                let audio = track.child(AUDIO);
                let find = |id| audio.as_ref().and_then(|audio| audio.child(id));
                // The defaults are RFC 9559's.
                media.sample_rate = match find(SAMPLING_FREQUENCY) {
                    // Opus always plays at 48 kHz (RFC 7845); the rate here is its encoder's.
                    _ if opus => Some(48_000),
                    Some(element) => element.float().and_then(whole_hertz),
                    None => Some(8000),
                };
                media.channels = match find(CHANNELS) {
                    Some(element) => element.unsigned().and_then(|n| u16::try_from(n).ok()),
                    None => Some(1),
                };
            }
            _ => {}
        }
    }
}

/// The codec ids of RFC 9559's codec mappings (`draft-ietf-cellar-codec`).
fn codec(id: &[u8], track: &Element<'_>) -> Option<Codec> {
    let bits = || {
        let depth = track.child(AUDIO)?.child(BIT_DEPTH)?.unsigned()?;
        u16::try_from(depth).ok()
    };
    let id = id.split(|&b| b == 0).next()?;
    match id {
        b"A_OPUS" => Some(Codec::Opus),
        b"A_VORBIS" => Some(Codec::Vorbis),
        b"A_FLAC" => Some(Codec::Flac),
        b"A_AC3" => Some(Codec::Ac3),
        b"A_MPEG/L3" => Some(Codec::MpegAudio(3)),
        b"A_MPEG/L2" => Some(Codec::MpegAudio(2)),
        b"A_PCM/INT/LIT" | b"A_PCM/INT/BIG" => bits().map(Codec::Pcm),
        b"A_PCM/FLOAT/IEEE" => bits().map(Codec::Float),
        b"V_VP8" => Some(Codec::Vp8),
        b"V_VP9" => Some(Codec::Vp9),
        b"V_AV1" => Some(Codec::Av1),
        b"V_MPEG4/ISO/AVC" => Some(Codec::H264),
        b"V_MPEGH/ISO/HEVC" => Some(Codec::H265),
        id if id.starts_with(b"A_AAC") => Some(Codec::Aac),
        id => Codec::named(id),
    }
}

fn whole_hertz(rate: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    (1.0..=10_000_000.0)
        .contains(&rate)
        .then(|| rate.round() as u32)
}

/// One element, its data cut off where the bytes at hand end.
struct Element<'a> {
    id: u32,
    data: &'a [u8],
}

impl<'a> Element<'a> {
    fn children(&self) -> Elements<'a> {
        Elements::of(self.data)
    }

    fn child(&self, id: u32) -> Option<Element<'a>> {
        self.children().find(|e| e.id == id)
    }

    fn unsigned(&self) -> Option<u64> {
        (self.data.len() <= 8).then(|| {
            let number = |sum, &byte| (sum << 8) | u64::from(byte);
            self.data.iter().fold(0, number)
        })
    }

    fn float(&self) -> Option<f64> {
        match self.data.len() {
            0 => Some(0.0),
            4 => u32_be(self.data, 0).map(|bits| f64::from(f32::from_bits(bits))),
            8 => u64_be(self.data, 0).map(f64::from_bits),
            _ => None,
        }
    }
}

/// The elements that follow one another in `bytes`.
struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Elements<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (id, size, width) = header(self.bytes.get(self.at..)?)?;
        let at = self.at.checked_add(width)?;
        let rest = self.bytes.get(at..)?;
        let held = size
            .and_then(|size| usize::try_from(size).ok())
            .map_or(rest.len(), |size| size.min(rest.len()));
        self.at = at + held;
        let data = rest.get(..held)?;
        Some(Element { id, data })
    }
}

/// An element's id, the size of its data, and the width of the two in bytes. A size of `None` is
/// unknown: the element lasts until its parent ends, or something starts that cannot be in it.
pub(super) fn header(bytes: &[u8]) -> Option<(u32, Option<u64>, usize)> {
    let (id, at) = vint(bytes)?;
    let id = u32::try_from(id).ok()?;
    let (marked, width) = vint(bytes.get(at..)?)?;
    // A size is the number without its marker; all ones are "unknown".
    let mask = u64::MAX >> (64 - 7 * width);
    let size = Some(marked & mask).filter(|&size| size != mask);
    Some((id, size, at + width))
}

/// Whether an element stands in a segment, or in one of its clusters (RFC 9559, section 5.1).
pub(super) fn is_in_segment(id: u32) -> bool {
    const TIMESTAMP: u32 = 0xE7;
    const SILENT_TRACKS: u32 = 0x5854;
    const POSITION: u32 = 0xA7;
    const PREV_SIZE: u32 = 0xAB;
    const SIMPLE_BLOCK: u32 = 0xA3;
    const BLOCK_GROUP: u32 = 0xA0;
    const ENCRYPTED_BLOCK: u32 = 0xAF;
    matches!(
        id,
        SEEK_HEAD
            | INFO
            | TRACKS
            | CHAPTERS
            | CLUSTER
            | CUES
            | ATTACHMENTS
            | TAGS
            | TIMESTAMP
            | SILENT_TRACKS
            | POSITION
            | PREV_SIZE
            | SIMPLE_BLOCK
            | BLOCK_GROUP
            | ENCRYPTED_BLOCK
    )
}

/// A variable-size integer with its marker bit, and its width in bytes (RFC 8794, section 4).
fn vint(bytes: &[u8]) -> Option<(u64, usize)> {
    let width = bytes.first()?.leading_zeros() as usize + 1;
    let mut number = [0; 8];
    let unused = number.len().checked_sub(width)?;
    number
        .get_mut(unused..)?
        .copy_from_slice(bytes.get(..width)?);
    Some((u64::from_be_bytes(array(&number, 0)?), width))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn element(id: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = id.to_vec();
        bytes.extend((0x0100_0000_0000_0000_u64 | data.len() as u64).to_be_bytes());
        bytes.extend(data);
        bytes
    }

    fn ebml_header(doc_type: &str) -> Vec<u8> {
        let mut bytes = b"\x42\x86\x81\x01\x42\xf7\x81\x01".to_vec();
        bytes.push(0x42);
        bytes.push(0x82);
        bytes.push(0x80 | u8::try_from(doc_type.len()).unwrap());
        bytes.extend(doc_type.as_bytes());
        let mut header = b"\x1a\x45\xdf\xa3".to_vec();
        header.push(0x80 | u8::try_from(bytes.len()).unwrap());
        [header, bytes].concat()
    }

    fn track(kind: u8, codec: &str, audio: &[u8]) -> Vec<u8> {
        let kind = element(&[0x83], &[kind]);
        let codec = element(&[0x86], codec.as_bytes());
        element(&[0xAE], &[kind, codec, element(&[0xE1], audio)].concat())
    }

    /// A Matroska file with a segment of unknown size.
    pub(crate) fn matroska(doc_type: &str, video: bool) -> Vec<u8> {
        let ticks = element(b"\x44\x89", &2500_f32.to_be_bytes());
        let info = element(b"\x15\x49\xa9\x66", &ticks);
        let rate = element(&[0xB5], &48_000_f64.to_be_bytes());
        let mut tracks = track(2, "A_OPUS", &rate);
        if video {
            tracks.extend(track(1, "V_VP8", &[]));
        }
        let tracks = element(b"\x16\x54\xae\x6b", &tracks);
        let cluster = element(b"\x1f\x43\xb6\x75", &[0; 300]);
        let segment = b"\x18\x53\x80\x67\xff".to_vec();
        [ebml_header(doc_type), segment, info, tracks, cluster].concat()
    }

    #[test]
    fn tracks_decide_the_extension() {
        for (doc_type, video, container, extension) in [
            ("matroska", false, Container::Matroska, "mka"),
            ("matroska", true, Container::Matroska, "mkv"),
            ("webm", false, Container::WebM, "webm"),
            ("webm\0\0", true, Container::WebM, "webm"),
        ] {
            let file = matroska(doc_type, video);
            let media = read(&file).unwrap();
            assert_eq!(media.container, Some(container));
            assert_eq!(media.extension, extension);
            assert_eq!(media.video, video.then_some(Codec::Vp8));
            assert_eq!(media.audio, Some(Codec::Opus));
            assert_eq!(media.sample_rate, Some(48_000));
            assert_eq!(media.channels, Some(1));
            assert_eq!(media.duration, Some(Duration::from_millis(2500)));
            assert_eq!(media.notes, []);
        }
    }

    #[test]
    fn other_documents_are_none_of_ours() {
        assert_eq!(doc_type(&ebml_header("blubber")), None);
        assert_eq!(doc_type(b"\x1a\x45\xdf\xa3"), None);
        assert_eq!(doc_type(&[]), None);
    }

    #[test]
    fn void_may_come_first() {
        let file = [b"\xec\x82ab", &matroska("webm", true)[..]].concat();
        let media = read(&file).unwrap();
        assert_eq!(media.describe(), "WebM vp8+opus 48 kHz mono");
    }

    #[test]
    fn variable_size_integers() {
        assert_eq!(vint(&[0x81]), Some((0x81, 1)));
        assert_eq!(vint(&[0x40, 0x02]), Some((0x4002, 2)));
        assert_eq!(vint(&[0x40]), None);
        assert_eq!(vint(&[0; 9]), None);
    }
}
