//! [`Opus`] (RFC 6716) as containers carry it (RFC 7845).

use ropus::{Channels, DecodeMode, Decoder};

use super::super::read::u16_le;

/// "Opus … always 48 kHz" in containers (RFC 7845, 4).
pub(super) const RATE: u32 = 48_000;

/// The most frames of a packet: 120 ms.
const MOST: usize = 5760;

/// What of a packet is heard, in frames.
pub(super) struct Heard {
    pub(super) frames: usize,
    /// How many were dropped at its beginning.
    pub(super) skipped: usize,
}

/// A decoder of one stream, mono or stereo.
pub(super) struct Opus {
    decoder: Decoder,
    channels: usize,
    /// "The number of samples … to discard from the decoder output when starting playback" (RFC 7845,
    /// 5.1), as far as they were not.
    skip: usize,
    /// Samples of the channels in turn.
    samples: Vec<i16>,
}

impl Opus {
    /// A decoder for a stream that begins with this `OpusHead`. `None` for what has several streams
    /// in one (mapping family 1 and above).
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        head.starts_with(b"OpusHead").then_some(())?;
        let channels = match (head.get(9)?, head.get(18)?) {
            (1, 0) => Channels::Mono,
            (2, 0) => Channels::Stereo,
            _ => return None,
        };
        let mut decoder = Decoder::new(RATE, channels).ok()?;
        // "Q7.8 in dB", and "SHOULD be applied".
        let gain = i16::from_le_bytes(u16_le(head, 16)?.to_le_bytes());
        decoder.set_gain(gain.into()).ok()?;
        let channels = channels.count();
        Some(Self {
            decoder,
            channels,
            skip: u16_le(head, 10)?.into(),
            samples: vec![0; MOST * channels],
        })
    }

    /// Decodes a packet whose last frames are `padding`. `None` if it cannot be.
    pub(super) fn decode(
        &mut self,
        packet: &[u8],
        padding: usize,
        planes: &mut Vec<Vec<i16>>,
    ) -> Option<Heard> {
        // Nothing stands for a packet that was lost.
        let packet = (!packet.is_empty()).then_some(packet)?;
        let decoded = self
            .decoder
            .decode(packet, &mut self.samples, DecodeMode::Normal);
        let end = decoded.ok()?;
        let skipped = self.skip.min(end);
        self.skip -= skipped;
        let frames = end.saturating_sub(padding).saturating_sub(skipped);
        planes.resize(self.channels, vec![]);
        for (channel, plane) in planes.iter_mut().enumerate() {
            plane.clear();
            let samples = self.samples.iter().skip(channel).step_by(self.channels);
            plane.extend(samples.skip(skipped).take(frames));
        }
        Some(Heard { frames, skipped })
    }
}
