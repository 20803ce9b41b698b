//! MP4 and its relatives: the ISO base media file format (ISO/IEC 14496-12).

use std::time::Duration;

use super::read::{array, at_rate, u16_be, u32_be, u64_be};
use super::{Codec, Media, Note};
use crate::envelope::Container;

/// The major brand of a file that starts with a sane `ftyp` box.
pub(super) fn brand(head: &[u8]) -> Option<[u8; 4]> {
    let size = u32_be(head, 0)?;
    let sane = array(head, 4)? == *b"ftyp" && (16..=4096).contains(&size) && size % 4 == 0;
    let is_printable = |brand: &[u8; 4]| brand.iter().all(|b| matches!(b, b' '..=b'~'));
    array(head, 8).filter(|brand| sane && is_printable(brand))
}

/// What the file of `length` bytes with this `head` is.
pub(super) fn read(head: &[u8], length: u64) -> Option<Media> {
    let brand = brand(head)?;
    let mut media = Media::of(Container::Mp4);
    if matches!(&brand, b"M4A " | b"M4B ") {
        media.extension = Container::Mp4.sound_extension();
    }
    for found in Boxes::of(head) {
        let present = length.saturating_sub(found.at as u64);
        if let Some(promised) = found.size
            && promised > present
        {
            media.notes.push(Note::Truncated { promised, present });
        }
        if &found.kind == b"moov" {
            read_movie(found.data, &mut media);
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
    /// Where its header starts, in the bytes that were iterated over.
    at: usize,
    /// With the header; `None`: it lasts until the end of the file.
    size: Option<u64>,
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
        let at = self.at;
        let rest = self.bytes.get(at..)?;
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
        self.at = at + held;
        Some(IsoBox {
            kind,
            at,
            size,
            data,
        })
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
        let media = read(&file, file.len() as u64).unwrap();
        assert_eq!(media.codec().as_deref(), Some("h264+aac"));
        assert_eq!(media.sample_rate, Some(44_100));
        assert_eq!(media.channels, Some(2));
        assert_eq!(media.duration, Some(Duration::from_millis(2500)));
        assert_eq!(media.extension, "mp4");
        assert_eq!(media.notes, []);
    }

    #[test]
    fn brands() {
        assert_eq!(read(&mp4(b"M4A "), 0).unwrap().extension, "m4a");
        assert_eq!(brand(&mp4(b"is\0m")), None);
        assert_eq!(brand(b"\0\0\0\x18ftyp"), None);
        assert_eq!(brand(b"\0\0\0\x01ftypisom"), None);
    }

    #[test]
    fn a_short_file_is_noted() {
        let file = mp4(b"isom");
        let short = &file[..file.len() - 100];
        let media = read(short, short.len() as u64).unwrap();
        let (promised, present) = (508, 408);
        assert_eq!(media.notes, [Note::Truncated { promised, present }]);
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
