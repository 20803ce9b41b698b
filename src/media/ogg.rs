//! Ogg (RFC 3533), and the first packets of Opus (RFC 7845), Vorbis and Speex in it.

use super::read::{array, u32_le};
use super::{Codec, Media};
use crate::envelope::Container;

/// Whether a file starts with the first page of an Ogg stream.
pub(super) fn is(head: &[u8]) -> bool {
    // Version 0; "beginning of stream" is the one flag that a first page has to have.
    matches!(
        array(head, 0),
        Some([b'O', b'g', b'g', b'S', 0, 0x02 | 0x06])
    )
}

/// What the Ogg file with this `head` is. Its duration stands in its last page, out of sight.
pub(super) fn read(head: &[u8]) -> Option<Media> {
    is(head).then_some(())?;
    let mut media = Media::of(Container::Ogg);
    if let Some(packet) = first_packet(head) {
        read_packet(packet, &mut media);
    }
    Some(media)
}

/// The first packet's codec, where it is one of those known here.
pub(super) fn first_packet_codec(head: &[u8]) -> Option<Codec> {
    let mut media = Media::unknown();
    read_packet(first_packet(head)?, &mut media);
    media.audio
}

fn first_packet(head: &[u8]) -> Option<&[u8]> {
    let segments = usize::from(*head.get(26)?);
    head.get(27 + segments..)
}

fn read_packet(packet: &[u8], media: &mut Media) {
    let (codec, channels, rate) = if packet.starts_with(b"OpusHead") {
        // Opus always plays at 48 kHz; the header has the rate of what was encoded.
        (Codec::Opus, packet.get(9).copied(), Some(48_000))
    } else if packet.starts_with(b"\x01vorbis") {
        (Codec::Vorbis, packet.get(11).copied(), u32_le(packet, 12))
    } else if packet.starts_with(b"Speex   ") {
        (Codec::Speex, packet.get(48).copied(), u32_le(packet, 36))
    } else if packet.starts_with(b"\x7fFLAC") {
        (Codec::Flac, None, None)
    } else {
        return;
    };
    media.audio = Some(codec);
    media.channels = channels.map(u16::from);
    media.sample_rate = rate;
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The first page of Opus in Ogg.
    pub(crate) fn ogg() -> Vec<u8> {
        let mut file = b"OggS\0\x02".to_vec();
        file.extend([0; 20]);
        file.extend(b"\x01\x13OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0");
        file
    }

    #[test]
    fn opus() {
        let media = read(&ogg()).unwrap();
        assert_eq!(media.audio, Some(Codec::Opus));
        assert_eq!(media.channels, Some(2));
        assert_eq!(media.sample_rate, Some(48_000));
    }

    #[test]
    fn a_later_page_is_no_start() {
        let mut file = ogg();
        file[5] = 0;
        assert!(read(&file).is_none());
        assert!(read(&ogg()[..28]).unwrap().audio.is_none());
    }
}
