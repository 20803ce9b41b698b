//! The mark of a wrong IV.

use super::read::{array, u32_le};
use super::{Codec, ebml, ogg, transport, wav};
// The bytes that CBC ruins under a wrong IV: one block (SP 800-38A, section 6.2).
use crate::envelope::{BLOCK, Container};

/// The container that `head` belongs to, going by what stands behind its first 16 bytes.
///
/// With the right key and a wrong IV, AES-CBC decrypts everything but the first block; with a
/// wrong key, nothing. So for a plaintext whose container is not recognised, `Some` says "right
/// key, damaged start", and is more telling than any message about the missing magic bytes.
/// Chance makes it `Some` less than once in 2^24.
pub fn damaged_head(head: &[u8]) -> Option<Container> {
    let looks = [
        (is_transport(head), Container::MpegTs),
        (is_wav(head), Container::Wav),
        (is_mp4(head), Container::Mp4),
        (is_ogg(head), Container::Ogg),
    ];
    looks
        .into_iter()
        .find_map(|(looks, container)| looks.then_some(container))
        .or_else(|| matroska(head))
}

fn is_transport(head: &[u8]) -> bool {
    transport::start(head) == Some(transport::Start::Damaged)
}

/// `fmt ` itself is in the damaged block. Behind it: the chunk's size and content.
fn is_wav(head: &[u8]) -> bool {
    matches!(u32_le(head, BLOCK), Some(16 | 18 | 20 | 40))
        && head
            .get(BLOCK + 4..)
            .and_then(wav::Format::read)
            .is_some_and(|format| format.is_plausible())
}

/// Behind the major brand: compatible brands, then the next box.
fn is_mp4(head: &[u8]) -> bool {
    const BRANDS: [&[u8; 4]; 12] = [
        b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4A ",
        b"M4V ", b"qt  ",
    ];
    const BOXES: [&[u8; 4]; 6] = [b"moov", b"mvhd", b"mdat", b"free", b"moof", b"mfhd"];
    let known = (BLOCK..4 * BLOCK)
        .step_by(4)
        .filter_map(|at| array(head, at))
        .filter(|code| BRANDS.contains(&code) || BOXES.contains(&code));
    known.count() >= 2
}

/// The first packet starts behind a page header of 28 bytes.
fn is_ogg(head: &[u8]) -> bool {
    matches!(
        ogg::first_packet_codec(head),
        Some(Codec::Opus | Codec::Vorbis | Codec::Speex)
    )
}

/// The `DocType`, which stands at byte 21 or 28 with the usual writers, or a segment.
fn matroska(head: &[u8]) -> Option<Container> {
    let start = head.get(BLOCK..head.len().min(6 * BLOCK))?;
    let has = |needle: &[u8]| start.windows(needle.len()).any(|bytes| bytes == needle);
    if has(b"webm") {
        Some(Container::WebM)
    } else if has(b"matroska") {
        Some(Container::Matroska)
    } else {
        (0..start.len())
            .filter_map(|at| head.get(BLOCK + at..))
            .any(ebml::is_segment)
            .then_some(Container::Matroska)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ebml, mp4, ogg, program, wav};
    use super::*;

    fn ruined(mut file: Vec<u8>) -> Vec<u8> {
        for (i, byte) in file.iter_mut().take(BLOCK).enumerate() {
            *byte ^= [0x5a, 0xc3, 0x19][i % 3];
        }
        file
    }

    #[test]
    fn the_rest_of_the_header_shows() {
        for (file, container) in [
            (wav::tests::wav(1, 16, 2, 100, 100), Container::Wav),
            (wav::tests::wav(7, 8, 1, u32::MAX, 0), Container::Wav),
            (program::tests::ts(10), Container::MpegTs),
            (ebml::tests::matroska("matroska", true), Container::Matroska),
            (ebml::tests::matroska("webm", false), Container::WebM),
            (mp4::tests::mp4(b"isom"), Container::Mp4),
            (ogg::tests::ogg(), Container::Ogg),
        ] {
            assert_eq!(damaged_head(&ruined(file)), Some(container));
        }
    }

    #[test]
    fn a_doc_type_within_the_block_leaves_the_segment() {
        // GStreamer writes the DocType first, as RFC 8794 lets it.
        let mut file = b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska".to_vec();
        file.extend(b"\x42\x87\x81\x04\x42\x85\x81\x02");
        file.extend(b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff");
        file.extend(b"\x15\x49\xa9\x66\x80");
        assert_eq!(damaged_head(&ruined(file)), Some(Container::Matroska));
    }

    #[test]
    fn nothing_shows_in_nothing() {
        assert_eq!(damaged_head(&[]), None);
        assert_eq!(damaged_head(&[0; 4096]), None);
        assert_eq!(damaged_head(&[0xFF; 4096]), None);
        assert_eq!(damaged_head(b"RIFF\0\0\0\0WAVEfmt "), None);
    }
}
