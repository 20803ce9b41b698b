//! MP4 and its relatives: the ISO base media file format (ISO/IEC 14496-12).

use std::time::Duration;

use super::read::{array, at_rate, u16_be, u32_be, u64_be};
use super::{Codec, Media};
use crate::envelope::Container;

/// Whether a file starts with a sane box of a kind that files start with: `ftyp`, in fragments
/// `styp`, and what older writers, and `QuickTime`'s, put in front or instead. Needs 16 bytes.
///
/// Random bytes do so once in 2^32, by an `mdat`.
pub(super) fn is(head: &[u8]) -> bool {
    let (Some(size), Some(kind)) = (u32_be(head, 0), array::<4>(head, 4)) else {
        return false;
    };
    let has = |child: [u8; 4]| array(head, 12) == Some(child);
    match &kind {
        b"ftyp" | b"styp" => {
            let is_printable = |brand: [u8; 4]| brand.iter().all(|b| matches!(b, b' '..=b'~'));
            (16..=4096).contains(&size) && size % 4 == 0 && array(head, 8).is_some_and(is_printable)
        }
        b"free" | b"skip" => (8..1 << 24).contains(&size),
        b"wide" => size == 8,
        b"moov" => (16..1 << 28).contains(&size) && (has(*b"mvhd") || has(*b"cmov")),
        b"moof" => (16..1 << 28).contains(&size) && has(*b"mfhd"),
        b"mdat" => size >= 8 || size == 1 && u64_be(head, 8).is_some_and(|n| n >> 48 == 0),
        _ => false,
    }
}

/// What the file with this `head` is.
pub(super) fn read(head: &[u8]) -> Option<Media> {
    is(head).then_some(())?;
    let mut media = Media::of(Container::Mp4);
    for found in Boxes::of(head) {
        match &found.kind {
            b"ftyp" if matches!(found.data, [b'M', b'4', b'A' | b'B', b' ', ..]) => {
                media.extension = Container::Mp4.sound_extension();
            }
            b"moov" => read_movie(found.data, &mut media),
            _ => {}
        }
    }
    Some(media)
}

fn read_movie(movie: &[u8], media: &mut Media) {
    media.duration = find(movie, b"mvhd").and_then(duration);
    for track in Boxes::of(movie).filter(|b| &b.kind == b"trak") {
        let Some(content) = find(track.data, b"mdia") else {
            continue;
        };
        let Some(entry) = find(content, b"minf")
            .and_then(|minf| find(minf, b"stbl"))
            .and_then(|stbl| find(stbl, b"stsd"))
            .and_then(|stsd| Boxes::of(stsd.get(8..)?).next())
        else {
            continue;
        };
        let handler = find(content, b"hdlr").and_then(|hdlr| hdlr.get(8..12));
        match handler {
            Some(b"vide") if media.video.is_none() => media.video = codec(&entry.kind),
            Some(b"soun") if media.audio.is_none() => {
                media.audio = codec(&entry.kind);
                media.channels = entry
                    .data
                    .get(28..)
                    .and_then(|boxes| find(boxes, b"esds"))
                    .and_then(aac_channels)
                    .or_else(|| u16_be(entry.data, 16));
                // 16.16 fixed point.
                media.sample_rate = u32_be(entry.data, 24).map(|rate| rate >> 16);
            }
            _ => {}
        }
    }
}

/// The duration in a `mvhd` box. A fragmented file has none there.
fn duration(mvhd: &[u8]) -> Option<Duration> {
    let (ticks, scale) = match mvhd.first()? {
        0 => (u64::from(u32_be(mvhd, 16)?), u32_be(mvhd, 12)?),
        _ => (u64_be(mvhd, 24)?, u32_be(mvhd, 20)?),
    };
    let is_known = !matches!(ticks, 0 | 0xFFFF_FFFF | u64::MAX);
    is_known.then(|| at_rate(ticks, u64::from(scale)))?
}

/// The channels of AAC, for which writers leave the sample entry's own count at two: in an
/// `AudioSpecificConfig` (ISO/IEC 14496-3, section 1.6.2.1) within descriptors within descriptors
/// (ISO/IEC 14496-1, section 7.2.6).
fn aac_channels(esds: &[u8]) -> Option<u16> {
    let stream = descriptor(esds.get(4..)?, 3)?;
    // Without the optional fields, which files do not have.
    let decoder = descriptor(stream.get(3..).filter(|_| stream.get(2) == Some(&0))?, 4)?;
    let config = descriptor(decoder.get(13..)?, 5)?;
    // Object type (5 bits), rate (4), channels (4). Above 30 and at 15, longer forms follow.
    let bits = u16_be(config, 0)?;
    let is_short = bits >> 11 != 31 && bits >> 7 & 15 != 15;
    match bits >> 3 & 15 {
        channels @ 1..=6 if is_short => Some(channels),
        7 if is_short => Some(8),
        _ => None,
    }
}

/// The content of the descriptor with this tag that the bytes start with. Its length has seven
/// bits a byte.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (_, rest) = bytes.split_first().filter(|(first, _)| **first == tag)?;
    let long = rest.iter().take(3).take_while(|&&b| b >= 0x80).count();
    rest.get(long + 1..)
}

/// The sample entries registered with the MP4 registration authority.
fn codec(entry: &[u8]) -> Option<Codec> {
    match entry {
        b"avc1" | b"avc3" => Some(Codec::H264),
        b"hvc1" | b"hev1" => Some(Codec::H265),
        b"vp08" => Some(Codec::Vp8),
        b"vp09" => Some(Codec::Vp9),
        b"av01" => Some(Codec::Av1),
        b"mp4a" => Some(Codec::Aac),
        b"Opus" => Some(Codec::Opus),
        b"fLaC" => Some(Codec::Flac),
        b"ac-3" => Some(Codec::Ac3),
        b".mp3" => Some(Codec::MpegAudio(3)),
        other => Codec::named(other),
    }
}

fn find<'a>(bytes: &'a [u8], kind: &[u8]) -> Option<&'a [u8]> {
    Boxes::of(bytes).find(|b| b.kind == *kind).map(|b| b.data)
}

/// One box, its content cut off where the bytes at hand end.
struct IsoBox<'a> {
    kind: [u8; 4],
    data: &'a [u8],
}

/// The boxes that follow one another in `bytes`.
struct Boxes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Boxes<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = IsoBox<'a>;

    fn next(&mut self) -> Option<IsoBox<'a>> {
        let rest = self.bytes.get(self.at..)?;
        let kind = array(rest, 4)?;
        let (header, size) = match u32_be(rest, 0)? {
            0 => (8, None),
            1 => (16, Some(u64_be(rest, 8)?)),
            size => (8, Some(u64::from(size))),
        };
        let held = size
            .and_then(|size| usize::try_from(size).ok())
            .map_or(rest.len(), |size| size.min(rest.len()));
        // A box smaller than its own header ends the walk.
        let data = rest.get(header..held)?;
        self.at += held;
        Some(IsoBox { kind, data })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn mp4_box(kind: &[u8], data: &[u8]) -> Vec<u8> {
        let size = u32::try_from(data.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, data].concat()
    }

    fn track(handler: &[u8], entry: &[u8]) -> Vec<u8> {
        let mut sample = vec![0; 28];
        sample[17] = 2;
        sample[24..28].copy_from_slice(&(44_100_u32 << 16).to_be_bytes());
        let stsd = [&[0; 8][..], &mp4_box(entry, &sample)].concat();
        let minf = mp4_box(b"stbl", &mp4_box(b"stsd", &stsd));
        let hdlr = mp4_box(b"hdlr", &[&[0; 8][..], handler].concat());
        let mdia = mp4_box(b"mdia", &[hdlr, mp4_box(b"minf", &minf)].concat());
        mp4_box(b"trak", &mdia)
    }

    /// An MP4 file with its index in front.
    pub(crate) fn mp4(brand: &[u8]) -> Vec<u8> {
        let mut mvhd = vec![0; 100];
        mvhd[12..16].copy_from_slice(&600_u32.to_be_bytes());
        mvhd[16..20].copy_from_slice(&1500_u32.to_be_bytes());
        let mvhd = mp4_box(b"mvhd", &mvhd);
        let tracks = [track(b"vide", b"avc1"), track(b"soun", b"mp4a")].concat();
        let ftyp = [brand, &[0, 0, 2, 0], b"isom", b"mp42"].concat();
        [
            mp4_box(b"ftyp", &ftyp),
            mp4_box(b"moov", &[mvhd, tracks].concat()),
            mp4_box(b"mdat", &[7; 500]),
        ]
        .concat()
    }

    #[test]
    fn index_in_front() {
        let file = mp4(b"isom");
        let media = read(&file).unwrap();
        assert_eq!(media.codec().as_deref(), Some("h264+aac"));
        assert_eq!(media.sample_rate, Some(44_100));
        assert_eq!(media.channels, Some(2));
        assert_eq!(media.duration, Some(Duration::from_millis(2500)));
        assert_eq!(media.extension, "mp4");
        assert_eq!(media.notes, []);
    }

    #[test]
    fn brands() {
        assert_eq!(read(&mp4(b"M4A ")).unwrap().extension, "m4a");
        for bad in [&mp4(b"is\0m")[..], b"\0\0\0\x18ftyp", b"\0\0\0\x01ftypisom"] {
            assert!(!is(bad));
        }
    }

    #[test]
    fn unusual_first_boxes() {
        let ftyp = mp4_box(b"ftyp", b"isom\0\0\0\0isommp42");
        let usual = mp4(b"isom");
        let (_, rest) = usual.split_at(usual.len() - ftyp.len());
        let (_, moov) = usual.split_at(ftyp.len());
        let mdat = mp4_box(b"mdat", rest);
        let long = [&b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x10"[..], moov].concat();
        for (file, has_index) in [
            ([mp4_box(b"free", &[0; 90]), usual.clone()].concat(), true),
            ([mp4_box(b"skip", &[]), usual.clone()].concat(), true),
            ([mp4_box(b"wide", &[]), usual.clone()].concat(), true),
            (
                [mp4_box(b"styp", b"msdh\0\0\0\0msdh"), usual.clone()].concat(),
                true,
            ),
            ([&mdat, moov].concat(), true),
            (long, true),
            (moov.to_vec(), true),
            (mp4_box(b"moof", &mp4_box(b"mfhd", &[0; 8])), false),
        ] {
            let media = read(&file).unwrap();
            assert_eq!(media.extension, "mp4");
            assert_eq!(media.audio.is_some(), has_index);
        }
        for bad in [
            &b"\0\0\0\0mdat\0\0\0\0"[..],
            b"\0\0\0\x09wideabcdefgh",
            b"\x7f\0\0\x09freeabcdefgh",
            b"\0\0\x01\0moov\0\0\0\x08abcd",
        ] {
            assert!(!is(bad), "{bad:?}");
        }
    }

    #[test]
    fn aac_tells_its_channels() {
        let mut esds = b"\0\0\0\0\x03\x80\x80\x80\x19\0\x01\0\x04\x11".to_vec();
        esds.extend([0; 13]);
        // AAC-LC, 44.1 kHz, mono.
        esds.extend(b"\x05\x02\x12\x08");
        assert_eq!(aac_channels(&esds), Some(1));
        for cut in 0..esds.len() {
            assert_eq!(aac_channels(&esds[..cut]), None);
        }
    }

    #[test]
    fn a_box_that_does_not_move_on_ends_the_walk() {
        assert_eq!(Boxes::of(b"\0\0\0\x02moov").count(), 0);
        assert_eq!(Boxes::of(b"\0\0\0\0moovabc").count(), 1);
    }
}
