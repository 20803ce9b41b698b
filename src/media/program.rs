//! The codecs of a transport stream: its program association and program map tables (ISO/IEC
//! 13818-1, sections 2.4.4.3 and 2.4.4.8) and the first frame of its audio.

use super::mpeg_audio::Frame;
use super::read::{array, u16_be};
use super::transport::{PACKET, payload};
use super::{Codec, Media};

/// Reads the codecs out of the first packets.
pub(super) fn read(head: &[u8], media: &mut Media) {
    let mut map = None;
    let mut audio = None;
    for packet in head.chunks_exact(PACKET) {
        let Some((pid, content)) = starting(packet) else {
            continue;
        };
        if pid == 0 && map.is_none() {
            map = section(content, 0).and_then(map_pid);
        } else if Some(pid) == map && audio.is_none() {
            audio = section(content, 2).and_then(|table| read_map(table, media));
        } else if Some(pid) == audio && read_frame(content, media) {
            return;
        }
    }
}

/// The packet's stream and payload, if a table or a PES packet starts in it.
fn starting(packet: &[u8]) -> Option<(u16, &[u8])> {
    let word = u16_be(packet, 1)?;
    (word & 0x4000 != 0).then_some(())?;
    Some((word & 0x1FFF, payload(packet)?))
}

/// What is in the table `id` behind its eight bytes of header and before its checksum. Tables
/// that go beyond their first packet are cut off there.
fn section(content: &[u8], id: u8) -> Option<&[u8]> {
    let pointer = usize::from(*content.first()?);
    let table = content.get(1 + pointer..)?;
    (*table.first()? == id).then_some(())?;
    let end = 3 + usize::from(u16_be(table, 1)? & 0x0FFF);
    table.get(8..end.checked_sub(4)?.min(table.len()))
}

/// Where the map of the first program is. Program 0 is the network's information.
fn map_pid(table: &[u8]) -> Option<u16> {
    table
        .chunks_exact(4)
        .find(|entry| !entry.starts_with(&[0, 0]))
        .and_then(|entry| u16_be(entry, 2))
        .map(|pid| pid & 0x1FFF)
}

/// Reads the codecs out of the program map; returns the audio's stream.
fn read_map(table: &[u8], media: &mut Media) -> Option<u16> {
    // In front of the streams: the clock's stream and the program's descriptors.
    let descriptors = usize::from(u16_be(table, 2)? & 0x0FFF);
    let mut streams = table.get(4 + descriptors..)?;
    let mut audio = None;
    while let Some([kind, pid @ .., length_high, length_low]) = array::<5>(streams, 0) {
        let stream = match kind {
            0x01 | 0x02 => Stream::Video(Codec::MpegVideo),
            0x1B => Stream::Video(Codec::H264),
            0x24 => Stream::Video(Codec::H265),
            0x03 | 0x04 => Stream::Audio(Codec::MpegAudio(2)),
            0x0F | 0x11 => Stream::Audio(Codec::Aac),
            0x81 => Stream::Audio(Codec::Ac3),
            _ => Stream::Other,
        };
        match stream {
            Stream::Video(codec) if media.video.is_none() => media.video = Some(codec),
            Stream::Audio(codec) if media.audio.is_none() => {
                media.audio = Some(codec);
                audio = Some(u16::from_be_bytes(pid) & 0x1FFF);
            }
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([length_high, length_low]) & 0x0FFF);
        streams = streams.get(5 + length..).unwrap_or_default();
    }
    audio
}

enum Stream {
    Video(Codec),
    Audio(Codec),
    Other,
}

/// Reads rate and channels out of the audio frame that this PES packet starts with.
fn read_frame(pes: &[u8], media: &mut Media) -> bool {
    let Some(content) = pes
        .get(8)
        .and_then(|&length| pes.get(9 + usize::from(length)..))
    else {
        return false;
    };
    let found = match media.audio {
        Some(Codec::Aac) => adts(content),
        Some(Codec::MpegAudio(_)) => Frame::read(content, 0).map(|frame| {
            media.audio = Some(Codec::MpegAudio(frame.layer));
            (frame.rate, frame.channels)
        }),
        _ => None,
    };
    if let Some((rate, channels)) = found {
        media.sample_rate = Some(rate);
        media.channels = Some(channels);
    }
    found.is_some()
}

/// Rate and channels in an ADTS header (ISO/IEC 13818-7, section 6.2).
fn adts(frame: &[u8]) -> Option<(u32, u16)> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000, 7_350,
    ];
    let [0xFF, sync, b2, b3] = array(frame, 0)? else {
        return None;
    };
    (sync & 0xF6 == 0xF0).then_some(())?;
    let rate = *RATES.get(usize::from(b2 >> 2 & 0x0F))?;
    let channels = match (b2 & 1) << 2 | b3 >> 6 {
        // Told in the stream itself.
        0 => return None,
        7 => 8,
        channels => u16::from(channels),
    };
    Some((rate, channels))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::envelope::Container;

    fn packet(pid: u16, content: &[u8]) -> Vec<u8> {
        let [high, low] = (0x4000 | pid).to_be_bytes();
        let mut packet = vec![0x47, high, low, 0x10];
        packet.extend(content);
        packet.resize(PACKET, 0xFF);
        packet
    }

    fn table(id: u8, content: &[u8]) -> Vec<u8> {
        let mut table = vec![0, id, 0xB0, u8::try_from(content.len() + 9).unwrap()];
        table.extend([0, 1, 0xC1, 0, 0]);
        table.extend(content);
        table.extend([0; 4]);
        table
    }

    /// A PES packet of stream `id` with a presentation time stamp.
    pub(crate) fn pes(pid: u16, id: u8, stamp: u64, content: &[u8]) -> Vec<u8> {
        let byte = |shift: u32| u8::try_from(stamp >> shift & 0xFF).unwrap();
        let mut pes = vec![0, 0, 1, id, 0, 0, 0x80, 0x80, 5];
        pes.extend([
            0x21 | (byte(30) & 7) << 1,
            byte(22),
            byte(14) | 1,
            byte(7),
            byte(0) << 1 | 1,
        ]);
        pes.extend(content);
        packet(pid, &pes)
    }

    /// A stream of H.264 and AAC, 24 kHz stereo: a packet of either every 40 ms.
    pub(crate) fn ts(pictures: u64) -> Vec<u8> {
        let streams = [
            0xE1, 0x00, 0xF0, 0x00, 0x1B, 0xE1, 0x00, 0xF0, 0x00, 0x0F, 0xE1, 0x01, 0xF0, 0x00,
        ];
        let mut file = packet(0, &table(0, &[0, 0, 0xE0, 0x10, 0, 1, 0xF0, 0x00]));
        file.extend(packet(0x1000, &table(2, &streams)));
        for picture in 0..pictures {
            let stamp = 126_000 + 3600 * picture;
            file.extend(pes(0x100, 0xE0, stamp, &[0, 0, 1, 9]));
            let frame = [0xFF, 0xF1, 0x58, 0x80, 0, 0, 0];
            file.extend(pes(0x101, 0xC0, stamp + 1000, &frame));
        }
        file
    }

    #[test]
    fn tables_name_the_codecs() {
        let mut media = Media::of(Container::MpegTs);
        read(&ts(2), &mut media);
        assert_eq!(media.codec().as_deref(), Some("h264+aac"));
        assert_eq!(media.sample_rate, Some(24_000));
        assert_eq!(media.channels, Some(2));
    }

    #[test]
    fn a_stream_without_tables_has_no_codecs() {
        let mut media = Media::of(Container::MpegTs);
        read(&ts(2)[2 * PACKET..], &mut media);
        assert_eq!(media, Media::of(Container::MpegTs));
    }

    #[test]
    fn tables_that_lie_about_their_length() {
        let mut media = Media::of(Container::MpegTs);
        for at in 0..PACKET {
            let mut file = ts(1);
            file[at] = 0xFF;
            file[PACKET + at] = 0xFF;
            read(&file, &mut media);
        }
    }
}
