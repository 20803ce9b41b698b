//! MPEG audio: MP3 and its elder layers (ISO/IEC 11172-3, ISO/IEC 13818-3), with `ID3v2` in front
//! (id3.org, "ID3 tag version 2.4.0") and the Xing header that encoders put into the first frame.

use std::time::Duration;

use super::read::{array, at_rate, u32_be};
use super::{Codec, Media};
use crate::envelope::Container;

/// As many frames must follow one another: with 17 fixed bits each, chance makes that 2^-46.
const FRAMES: usize = 3;

/// Whether a file starts with an ID3 tag or with frames that follow one another.
pub(super) fn is(head: &[u8]) -> bool {
    id3(head).is_some() || has_frames(head, 0)
}

/// What the file of `length` bytes with this `head` is.
pub(super) fn read(head: &[u8], length: u64) -> Option<Media> {
    let tag = id3(head);
    let start = tag.unwrap_or(0);
    let rest = head.get(start..).unwrap_or_default();
    // Some writers leave zeros behind the tag.
    let start = match tag {
        Some(_) => start + rest.iter().take_while(|&&b| b == 0).count(),
        None => 0,
    };
    // A picture in the tag may fill the head.
    let is_hidden = tag.is_some() && start >= head.len();
    if !is_hidden && !has_frames(head, start) {
        return None;
    }
    let mut media = Media::of(Container::Mp3);
    if let Some(first) = Frame::read(head, start) {
        media.audio = Some(Codec::MpegAudio(first.layer));
        media.sample_rate = Some(first.rate);
        media.channels = Some(first.channels);
        media.duration = xing(head, start, &first)
            .or_else(|| constant(head, start, length.saturating_sub(start as u64)));
    }
    Some(media)
}

/// How long the `ID3v2` tag is that a file starts with.
fn id3(head: &[u8]) -> Option<usize> {
    let [b'I', b'D', b'3', 2..=4, 0..=0xFE, flags, size @ ..] = array::<10>(head, 0)? else {
        return None;
    };
    let sane = flags.trailing_zeros() >= 4 && size.iter().all(|&b| b < 0x80);
    let size = size.iter().fold(0, |sum, &b| sum << 7 | usize::from(b));
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    sane.then_some(10 + size + footer)
}

fn has_frames(head: &[u8], at: usize) -> bool {
    Frames { head, at }.take(FRAMES).count() == FRAMES
}

/// The duration by the number of frames in a `Xing` or `Info` header.
fn xing(head: &[u8], at: usize, first: &Frame) -> Option<Duration> {
    let at = at.checked_add(4 + first.side_information)?;
    matches!(&array(head, at)?, b"Xing" | b"Info").then_some(())?;
    let has_count = u32_be(head, at + 4)? & 1 != 0;
    let count = u32_be(head, at + 8).filter(|_| has_count)?;
    at_rate(
        u64::from(count) * u64::from(first.samples),
        u64::from(first.rate),
    )
}

/// The duration of `bytes` at the bit rate that all frames at hand have.
fn constant(head: &[u8], at: usize, bytes: u64) -> Option<Duration> {
    let mut frames = Frames { head, at };
    let rate = frames.next()?.bit_rate;
    let same = frames.all(|frame| frame.bit_rate == rate);
    same.then(|| at_rate(bytes.checked_mul(8)?, u64::from(rate)))?
}

/// A frame header.
pub(super) struct Frame {
    version: u8,
    /// 1, 2 or 3.
    pub(super) layer: u8,
    bit_rate: u32,
    /// Samples per second.
    pub(super) rate: u32,
    /// 1 or 2.
    pub(super) channels: u16,
    /// Samples in the frame.
    samples: u32,
    /// The frame's bytes, header included.
    length: usize,
    side_information: usize,
}

impl Frame {
    /// Reads the header at `at`. Free-format frames, which have no bit rate, are not taken.
    pub(super) fn read(bytes: &[u8], at: usize) -> Option<Self> {
        const V1_L1: [u32; 14] = [
            32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
        ];
        const V1_L2: [u32; 14] = [
            32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
        ];
        const V1_L3: [u32; 14] = [
            32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
        ];
        const V2_L1: [u32; 14] = [
            32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
        ];
        const V2_L23: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

        let [0xFF, b1, b2, b3] = array(bytes, at)? else {
            return None;
        };
        (b1 & 0xE0 == 0xE0).then_some(())?;
        // MPEG-1 is 3, MPEG-2 is 2, MPEG-2.5 is 0.
        let version = b1 >> 3 & 3;
        let halvings = match version {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let layer = 4 - (b1 >> 1 & 3);
        let is_mpeg_1 = version == 3;
        let rates = match (is_mpeg_1, layer) {
            (true, 1) => V1_L1,
            (true, 2) => V1_L2,
            (true, 3) => V1_L3,
            (false, 1) => V2_L1,
            (false, 2 | 3) => V2_L23,
            _ => return None,
        };
        let bit_rate = 1000 * rates.get(usize::from(b2 >> 4).checked_sub(1)?)?;
        let rate = [44_100, 48_000, 32_000].get(usize::from(b2 >> 2 & 3))? >> halvings;
        let channels = if b3 >> 6 == 3 { 1 } else { 2 };
        let padding = u32::from(b2 >> 1 & 1);
        let (samples, length) = match (layer, is_mpeg_1) {
            (1, _) => (384, (12 * bit_rate / rate + padding) * 4),
            (3, false) => (576, 72 * bit_rate / rate + padding),
            _ => (1152, 144 * bit_rate / rate + padding),
        };
        Some(Self {
            version,
            layer,
            bit_rate,
            rate,
            channels,
            samples,
            length: usize::try_from(length).ok()?,
            side_information: match (is_mpeg_1, channels) {
                (true, 2) => 32,
                (false, 1) => 9,
                _ => 17,
            },
        })
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.version, self.layer, self.rate) == (other.version, other.layer, other.rate)
    }
}

/// Frames of one kind that follow one another.
struct Frames<'a> {
    head: &'a [u8],
    at: usize,
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let frame = Frame::read(self.head, self.at)?;
        let next = self.at.checked_add(frame.length)?;
        // The frame behind, where there is one, must be of the same kind: else this is the last.
        self.at = match Frame::read(self.head, next) {
            Some(other) if other.is_like(&frame) => next,
            _ => self.head.len(),
        };
        Some(frame)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// MPEG-2 layer III, 64 kbit/s, 16 kHz, mono: 288 bytes and 36 ms a frame.
    fn frames(count: usize) -> Vec<u8> {
        let mut frame = vec![0; 288];
        frame[..4].copy_from_slice(&[0xFF, 0xF3, 0x88, 0xC0]);
        frame.repeat(count)
    }

    /// An MP3 file with a tag of 30 bytes.
    pub(crate) fn mp3() -> Vec<u8> {
        let mut file = b"ID3\x04\0\0\0\0\0\x14".to_vec();
        file.resize(30, 0);
        file.extend(frames(50));
        file
    }

    #[test]
    fn constant_bit_rate() {
        for file in [mp3(), frames(50)] {
            let media = read(&file, file.len() as u64).unwrap();
            assert_eq!(media.audio, Some(Codec::MpegAudio(3)));
            assert_eq!(media.sample_rate, Some(16_000));
            assert_eq!(media.channels, Some(1));
            assert_eq!(media.duration, Some(Duration::from_millis(1800)));
        }
    }

    #[test]
    fn xing_counts_frames() {
        let mut file = frames(3);
        file[4 + 9..][..12].copy_from_slice(b"Xing\0\0\0\x01\0\0\x03\xe8");
        let media = read(&file, 3 * 288).unwrap();
        assert_eq!(media.duration, Some(Duration::from_secs(36)));
    }

    #[test]
    fn a_picture_may_fill_the_head() {
        let file = b"ID3\x03\0\0\0\x7f\0\0 and a picture";
        let media = read(file.get(..20).unwrap(), 1 << 30);
        // The bytes behind the tag are out of sight.
        assert_eq!(media.unwrap().audio, None);
        assert!(read(b"ID3\x03\0\0\0\0\0\0 not audio at all", 27).is_none());
    }

    #[test]
    fn two_frames_are_chance() {
        assert!(!is(&frames(2)));
        assert!(is(&frames(3)));
        assert!(!is(b"ID3\x04\0\0\xff\0\0\0"));
        let mut other = frames(3);
        other[288 + 2] = 0x84;
        assert!(!is(&other));
    }
}
