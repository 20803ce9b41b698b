//! [`Probe`]: a plaintext that passes by.

use super::outline::Outline;
use super::read::text;
use super::transport::{self, PACKET, Start};
use super::{Media, Note, TsScan, damaged_head, ebml, mp4, mpeg_audio, ogg, program, sniff, wav};
use crate::envelope::Container;

pub use crate::envelope::SEGMENT;

/// Watches a plaintext go by, and says what it is.
///
/// Its parts can be had apart: a [`Head`] for the first segment, and a [`TsScan`] of each, merged
/// in order. What stands behind the parts that Matroska and MP4 declare, the probe alone sees.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    head: Head,
    outline: Outline,
    scan: TsScan,
    /// The packet that the last segment left unfinished.
    open: Vec<u8>,
    end: u64,
}

impl Probe {
    /// A probe that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next `bytes`, which stand at `offset`. Any number of them will do; whole
    /// packets save copying.
    pub fn segment(&mut self, offset: u64, bytes: &[u8]) {
        self.head.take(offset, bytes);
        self.outline.take(offset, bytes);
        if self.head.rules_out_transport_stream() {
            self.end = offset.saturating_add(bytes.len() as u64);
            return;
        }
        if offset != self.end {
            // Not what the documentation asks for; time stamps may be missed.
            self.scan_open();
        }
        let mut at = offset;
        let mut rest = bytes;
        if !self.open.is_empty() {
            let (now, later) = rest.split_at((PACKET - phase(offset)).min(rest.len()));
            self.open.extend_from_slice(now);
            self.end = at.saturating_add(now.len() as u64);
            at = self.end;
            rest = later;
            if phase(self.end) == 0 {
                self.scan_open();
            }
        }
        self.end = at.saturating_add(rest.len() as u64);
        let (whole, over) = rest.split_at(rest.len().saturating_sub(phase(self.end)));
        self.scan = self.scan.merge(TsScan::of(at, whole));
        self.open.extend_from_slice(over);
    }

    /// Says what went by, of which the first `length` bytes were kept: all, or up to 16 fewer.
    #[must_use]
    pub fn finish(mut self, length: u64) -> Media {
        self.scan_open();
        let length = length.min(self.end);
        self.head.say(self.scan, &self.outline, length)
    }

    fn scan_open(&mut self) {
        let at = self.end.saturating_sub(self.open.len() as u64);
        self.scan = self.scan.merge(TsScan::of(at, &self.open));
        self.open.clear();
    }
}

/// How far into its packet a byte stands.
fn phase(offset: u64) -> usize {
    usize::try_from(offset % PACKET as u64).unwrap_or(0)
}

/// The first [`SEGMENT`] bytes of a plaintext.
#[derive(Clone, Debug, Default)]
pub struct Head {
    bytes: Vec<u8>,
}

impl Head {
    /// Takes what belongs to the head of the `bytes` at `offset`.
    pub fn take(&mut self, offset: u64, bytes: &[u8]) {
        if offset == self.bytes.len() as u64 {
            let missing = SEGMENT.saturating_sub(self.bytes.len()).min(bytes.len());
            self.bytes
                .extend_from_slice(bytes.get(..missing).unwrap_or_default());
        }
    }

    /// Whether all of the head is here and no transport stream starts so: nobody will ask for a
    /// scan of the rest, which costs what a hundredth of the decryption does.
    fn rules_out_transport_stream(&self) -> bool {
        self.bytes.len() == SEGMENT && transport::start(&self.bytes).is_none()
    }

    /// Says what the plaintext of `length` bytes is; `scan` is the scan of all of it.
    #[must_use]
    pub fn finish(&self, scan: TsScan, length: u64) -> Media {
        self.say(scan, &Outline::of(&self.bytes), length)
    }

    fn say(&self, scan: TsScan, outline: &Outline, length: u64) -> Media {
        let kept = usize::try_from(length).unwrap_or(usize::MAX);
        let head = self.bytes.get(..kept).unwrap_or(&self.bytes);
        wav::read(head, length)
            .or_else(|| {
                let media = ebml::read(head).or_else(|| mp4::read(head))?;
                Some(outlined(media, outline, length))
            })
            .or_else(|| ogg::read(head))
            .or_else(|| transport_stream(head, scan, length))
            .or_else(|| mpeg_audio::read(head, length))
            .or_else(|| sniff::is_zip(head).then(|| Media::of(Container::Zip)))
            .or_else(|| sniff::is_json(text(head)?).then(|| Media::of(Container::Json)))
            .or_else(|| damaged_head(head).map(Media::of_damaged))
            .unwrap_or_else(Media::unknown)
    }
}

fn outlined(mut media: Media, outline: &Outline, length: u64) -> Media {
    media.notes.extend(outline.note(length));
    media
}

fn transport_stream(head: &[u8], scan: TsScan, length: u64) -> Option<Media> {
    let is_all = head.len() as u64 == length;
    let mut media = match transport::start(head) {
        Some(Start::Intact) => Media::of(Container::MpegTs),
        Some(Start::Damaged) => Media::of_damaged(Container::MpegTs),
        None if is_all && transport::is_short(head) => Media::of(Container::MpegTs),
        None => return None,
    };
    program::read(head, &mut media);
    let found = scan.finish(length);
    media.duration = found.duration;
    if let Some(first) = found.first_lost {
        let packets = found.lost;
        media.notes.push(Note::SyncLost { packets, first });
    }
    if found.tail != 0 {
        media.notes.push(Note::PartialPacket { bytes: found.tail });
    }
    if found.clock_jumps != 0 {
        media.notes.push(Note::ClockJumps(found.clock_jumps));
    }
    media.transport = Some(found);
    Some(media)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn probe(file: &[u8], length: usize) -> Media {
        let mut probe = Probe::new();
        for (i, segment) in file.chunks(SEGMENT).enumerate() {
            probe.segment((i * SEGMENT) as u64, segment);
        }
        probe.finish(length as u64)
    }

    fn samples() -> Vec<(Vec<u8>, Container)> {
        vec![
            (wav::tests::wav(7, 8, 1, 900, 900), Container::Wav),
            (program::tests::ts(12), Container::MpegTs),
            (ebml::tests::matroska("matroska", true), Container::Matroska),
            (ebml::tests::matroska("webm", true), Container::WebM),
            (mp4::tests::mp4(b"isom"), Container::Mp4),
            (mpeg_audio::tests::mp3(), Container::Mp3),
            (ogg::tests::ogg(), Container::Ogg),
            (b" {\"transcript\": []}".to_vec(), Container::Json),
        ]
    }

    #[test]
    fn segments_are_whole_packets_and_blocks() {
        assert_eq!(SEGMENT % PACKET, 0);
        assert_eq!(SEGMENT % 4096, 0);
    }

    #[test]
    fn containers() {
        for (file, container) in samples() {
            let media = probe(&file, file.len());
            assert_eq!(media.container, Some(container));
            assert_eq!(media.notes, []);
        }
        assert_eq!(probe(&[], 0), Media::unknown());
        assert_eq!(probe(&[0; 5000], 5000), Media::unknown());
    }

    #[test]
    fn a_transport_stream_is_watched_to_its_end() {
        let mut file = program::tests::ts(3000);
        let length = file.len();
        file.extend([8; 8]);
        let media = probe(&file, length);
        assert_eq!(
            media.describe(),
            "MPEG-TS h264+aac 24 kHz stereo 6,002 packets"
        );
        assert_eq!(media.notes, []);
        assert_eq!(media.duration.map(|d| d.as_millis()), Some(119_971));

        let media = probe(&file, file.len());
        assert_eq!(media.notes, [Note::PartialPacket { bytes: 8 }]);

        file[6000 * PACKET] ^= 1;
        let (packets, first) = (1, 6000 * PACKET as u64);
        let media = probe(&file, length);
        assert_eq!(media.notes, [Note::SyncLost { packets, first }]);
    }

    /// So few sync bytes tell something only where the end is known, and never to `sniff`.
    #[test]
    fn a_transport_stream_of_one_to_three_packets() {
        let file = program::tests::ts(2);
        for packets in 1..=3 {
            let whole = &file[..packets * PACKET];
            let media = probe(whole, whole.len());
            assert_eq!(media.container, Some(Container::MpegTs));
            assert_eq!(media.notes, []);
            assert_eq!(media.transport.map(|t| t.packets), Some(packets as u64));
            assert_eq!(sniff(whole), None);

            let mut head = Head::default();
            head.take(0, whole);
            let of_more = head.finish(TsScan::of(0, whole), u64::MAX);
            assert_eq!(of_more.container, None);

            let kept = [whole, &[8; 8]].concat();
            let media = probe(&kept, kept.len());
            assert_eq!(media.container, Some(Container::MpegTs));
            assert_eq!(media.notes, [Note::PartialPacket { bytes: 8 }]);
            let cut = &whole[..whole.len() - 1];
            assert_eq!(probe(cut, cut.len()).container, None);
        }
    }

    #[test]
    fn a_wrong_iv_is_no_wrong_key() {
        for (mut file, container) in samples() {
            file[..16].fill(0xA5);
            let media = probe(&file, file.len());
            assert_eq!(media.container, None);
            if !matches!(container, Container::Json | Container::Mp3) {
                assert_eq!(media.damaged, Some(container));
                assert_eq!(media.notes[0], Note::FirstBlockDamaged(container));
            }
        }
    }

    /// A sample, perhaps with a few bytes changed, or any bytes at all.
    fn files() -> impl Strategy<Value = Vec<u8>> {
        let samples: Vec<_> = samples().into_iter().map(|(file, _)| file).collect();
        let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
        let sample = (prop::sample::select(samples), changes).prop_map(|(mut file, changes)| {
            for (index, byte) in changes {
                let at = index.index(file.len());
                file[at] = byte;
            }
            file
        });
        prop_oneof![sample, prop::collection::vec(any::<u8>(), 0..2000)]
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            file in files(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
            stripped in 0_usize..=16,
        ) {
            let length = file.len().saturating_sub(stripped);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(file.len() + 1)).collect();
            cuts.extend([0, file.len()]);
            cuts.sort_unstable();
            let mut in_parts = Probe::new();
            for cut in cuts.windows(2) {
                in_parts.segment(cut[0] as u64, &file[cut[0]..cut[1]]);
            }
            prop_assert_eq!(in_parts.finish(length as u64), probe(&file, length));
        }

        #[test]
        fn nothing_panics(
            file in files(),
            segments in prop::collection::vec((any::<u64>(), 0_usize..400), 0..8),
            length in any::<u64>(),
        ) {
            let mut probe = Probe::new();
            probe.segment(0, &file);
            for (offset, end) in segments {
                probe.segment(offset, &file[..end.min(file.len())]);
            }
            let _ = probe.finish(length).describe();
            let _ = sniff(&file);
            for at in 0..file.len().min(64) {
                let _ = damaged_head(&file[at..]);
                let _ = sniff(&file[at..]);
            }
        }
    }
}
