//! RIFF/WAVE (Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", 1991;
//! `WAVE_FORMAT_EXTENSIBLE` in "Multiple Channel Audio Data and WAVE Files"; RF64 in EBU 3306).

use super::read::{array, at_rate, u16_le, u32_le};
use super::{Codec, Media, Note};
use crate::envelope::Container;

/// `RIFF`, size, `WAVE`.
const HEADER: usize = 12;

/// Whether a file starts as RIFF/WAVE.
pub(super) fn is(head: &[u8]) -> bool {
    matches!(
        head,
        [b'R', b'I', b'F', b'F', ..] | [b'R', b'F', b'6', b'4', ..]
    ) && array(head, 8) == Some(*b"WAVE")
}

/// What the RIFF/WAVE file of `length` bytes with this `head` is.
pub(super) fn read(head: &[u8], length: u64) -> Option<Media> {
    is(head).then_some(())?;
    let mut media = Media::of(Container::Wav);
    let Layout { format, data, end } = Layout::of(head);
    let data = data.map(|(size, body)| (size, length.saturating_sub(body as u64)));
    if let Some(format) = &format {
        media.audio = Some(format.codec());
        media.sample_rate = Some(format.rate);
        media.channels = Some(format.channels);
    }
    if let Some((size, present)) = data {
        let byte_rate = format.as_ref().map_or(0, Format::byte_rate);
        let known = |size| (!is_placeholder(size, byte_rate)).then_some(u64::from(size));
        let promised = known(size);
        let bytes = promised.map_or(present, |promised| promised.min(present));
        media.duration = at_rate(bytes, byte_rate);
        if let Some(promised) = promised.filter(|&promised| promised > present) {
            media.notes.push(Note::Truncated { promised, present });
        } else if let Some(promised) = promised {
            // The file ends where RIFF says; where that cannot be, behind the data.
            let data = length.saturating_sub(present).saturating_add(promised);
            let whole = u32_le(head, 4).and_then(known).map(|size| size + 8);
            let end = whole.filter(|&whole| whole >= data).unwrap_or(data);
            let bytes = length.saturating_sub(end.saturating_add(end & 1));
            if bytes > 0 {
                media.notes.push(Note::Stray { bytes });
            }
        }
    }
    let is_cut = data.is_none() && end.saturating_add(8) as u64 > length;
    if format.is_none() || is_cut {
        media.notes.push(Note::HeaderIncomplete);
    }
    Some(media)
}

/// Where the parts of a file are.
pub(super) struct Layout {
    /// What its `fmt ` chunk says.
    pub(super) format: Option<Format>,
    /// The size that its `data` chunk says, and where the data begins.
    pub(super) data: Option<(u32, usize)>,
    /// Where the walk ended: at the data, or behind the last chunk.
    end: usize,
}

impl Layout {
    /// Walks the chunks of a file that starts with `head`, up to its data.
    pub(super) fn of(head: &[u8]) -> Self {
        let (mut format, mut data, mut end) = (None, None, HEADER);
        while let (Some(id), Some(size)) = (array::<4>(head, end), u32_le(head, end + 4)) {
            let body = end + 8;
            match &id {
                b"fmt " => format = head.get(body..).and_then(Format::read),
                b"data" => {
                    data = Some((size, body));
                    break;
                }
                _ => {}
            }
            // Chunks are padded to an even length.
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            end = body.saturating_add(size).saturating_add(size & 1);
        }
        Self { format, data, end }
    }
}

/// A size that a writer put there because it could not seek back: nothing, the largest number
/// that is signed or not (with or without headers taken off, or rounded), or one that plays for
/// longer than a day.
pub(super) fn is_placeholder(size: u32, byte_rate: u64) -> bool {
    const DAY: u64 = 24 * 60 * 60;
    matches!(size, 0 | 0x7FFF_0000..) || byte_rate > 0 && u64::from(size) > DAY * byte_rate
}

/// The `fmt ` chunk.
pub(super) struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    bytes_per_second: u32,
    block: u16,
    bits: u16,
}

impl Format {
    /// Reads the chunk's content.
    pub(super) fn read(chunk: &[u8]) -> Option<Self> {
        const EXTENSIBLE: u16 = 0xFFFE;
        let mut tag = u16_le(chunk, 0)?;
        if tag == EXTENSIBLE {
            // The tag is the start of the SubFormat GUID.
            tag = u16_le(chunk, 24)?;
        }
        Some(Self {
            tag,
            channels: u16_le(chunk, 2)?,
            rate: u32_le(chunk, 4)?,
            bytes_per_second: u32_le(chunk, 8)?,
            block: u16_le(chunk, 12)?,
            bits: u16_le(chunk, 14)?,
        })
    }

    /// Whether the numbers agree with one another, which random bytes do not.
    pub(super) fn is_plausible(&self) -> bool {
        !matches!(self.codec(), Codec::Wave(_))
            && (1..=32).contains(&self.channels)
            && (4_000..=384_000).contains(&self.rate)
            && (1..=1024).contains(&self.block)
            && self.bits <= 64
    }

    /// `WAVE_FORMAT_*` (RFC 2361).
    fn codec(&self) -> Codec {
        match self.tag {
            0x0001 => Codec::Pcm(self.bits),
            0x0003 => Codec::Float(self.bits),
            0x0006 => Codec::ALaw,
            0x0007 => Codec::MuLaw,
            0x0031 => Codec::Gsm,
            0x0050 => Codec::MpegAudio(2),
            0x0055 => Codec::MpegAudio(3),
            other => Codec::Wave(other),
        }
    }

    /// Bytes a second.
    pub(super) fn byte_rate(&self) -> u64 {
        match self.bytes_per_second {
            0 => u64::from(self.rate) * u64::from(self.block),
            rate => u64::from(rate),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;

    /// A WAVE file that promises `size` bytes of data and holds `present`.
    pub(crate) fn wav(tag: u16, bits: u16, channels: u16, size: u32, present: usize) -> Vec<u8> {
        let block = channels * bits / 8;
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        file.extend(tag.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(8000_u32.to_le_bytes());
        file.extend((8000 * u32::from(block)).to_le_bytes());
        file.extend(block.to_le_bytes());
        file.extend(bits.to_le_bytes());
        file.extend(b"data");
        file.extend(size.to_le_bytes());
        file.resize(file.len() + present, 0x55);
        file
    }

    fn probe(file: &[u8]) -> Media {
        read(file, file.len() as u64).unwrap()
    }

    #[test]
    fn pcm() {
        let media = probe(&wav(1, 16, 2, 48_000, 48_000));
        assert_eq!(media.audio, Some(Codec::Pcm(16)));
        assert_eq!(media.sample_rate, Some(8000));
        assert_eq!(media.channels, Some(2));
        assert_eq!(media.duration, Some(Duration::from_millis(1500)));
        assert_eq!(media.notes, []);
    }

    #[test]
    fn codecs() {
        for (tag, bits, name) in [
            (1, 8, "PCM8"),
            (1, 24, "PCM24"),
            (3, 32, "float32"),
            (6, 8, "A-law"),
            (7, 8, "mu-law"),
            (0x31, 0, "GSM"),
            (0x0111, 4, "format 0x0111"),
        ] {
            let media = probe(&wav(tag, bits, 1, 8, 8));
            assert_eq!(media.codec().as_deref(), Some(name));
        }
    }

    #[test]
    fn extensible_names_the_codec_in_its_guid() {
        let mut file = wav(0xFFFE, 16, 1, 0, 0);
        file[16] = 40;
        file.truncate(36);
        file.extend([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]);
        file.extend([0; 14]);
        file.extend(b"data\x08\0\0\0abcdefgh");
        let media = probe(&file);
        assert_eq!(media.audio, Some(Codec::Pcm(16)));
        assert_eq!(media.duration, Some(Duration::from_micros(500)));
    }

    #[test]
    fn writers_that_cannot_seek_leave_the_size_open() {
        for size in [
            0,
            0x3FFF_FFFF,
            0x7FFF_F000,
            0x7FFF_FFFF,
            0x7FFF_FFFF - 36,
            0x8000_0000,
            0x8000_0000 - 44,
            u32::MAX,
            u32::MAX - 36,
        ] {
            let media = probe(&wav(7, 8, 1, size, 4000));
            assert_eq!(media.duration, Some(Duration::from_millis(500)));
            assert_eq!(media.notes, []);
        }
    }

    #[test]
    fn a_short_file_is_noted() {
        let media = probe(&wav(7, 8, 1, 8000, 4000));
        assert_eq!(media.duration, Some(Duration::from_millis(500)));
        let (promised, present) = (8000, 4000);
        assert_eq!(media.notes, [Note::Truncated { promised, present }]);
    }

    #[test]
    fn bytes_behind_the_end_are_noted() {
        let stray = |file: &[u8]| probe(file).notes;
        for riff in [0, 36, 36 + 500, u32::MAX] {
            let mut file = wav(7, 8, 1, 500, 500);
            file[4..8].copy_from_slice(&u32::to_le_bytes(riff));
            assert_eq!(stray(&file), []);
            let (copies, bytes) = (file.repeat(2), file.len() as u64);
            assert_eq!(stray(&copies), [Note::Stray { bytes }]);
            file.extend([0; 32]);
            assert_eq!(stray(&file), [Note::Stray { bytes: 32 }]);
        }
        // Chunks behind the data are within what RIFF says, and padding may be left away.
        let mut file = wav(7, 8, 1, 501, 501);
        file.extend(b"\0LIST\x04\0\0\0INFO");
        let riff = u32::try_from(file.len() - 8).unwrap();
        for size in [riff, riff + 1, riff + 8, u32::MAX] {
            file[4..8].copy_from_slice(&size.to_le_bytes());
            let notes = stray(&file);
            assert_eq!(notes.is_empty(), size != u32::MAX, "{size}");
        }
        file.pop();
        file[4..8].copy_from_slice(&riff.to_le_bytes());
        assert_eq!(stray(&file), []);
    }

    #[test]
    fn chunks_before_the_data_are_walked_past() {
        let plain = wav(7, 8, 1, 8000, 8000);
        let mut file = plain[..12].to_vec();
        file.extend(b"LIST\x03\0\0\0abc\0");
        file.extend(&plain[12..]);
        assert_eq!(probe(&file).duration, Some(Duration::from_secs(1)));
        assert_eq!(probe(&file[..30]).notes, [Note::HeaderIncomplete]);
    }
}
