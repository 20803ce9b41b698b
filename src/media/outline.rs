//! [`Outline`]: the parts that a container is made of, from its first byte to its last.

use super::read::{array, u32_be, u64_be};
use super::{Note, ebml, mp4};

/// The longest header of a part: an MP4 box with a 64-bit size.
const HEADER: usize = 16;

/// Walks over the outermost parts of a Matroska or MP4 file as it goes by.
///
/// Each part says how long it is, so a walk from header to header shows what the file's first
/// bytes cannot: that it is cut short, that something stands behind its end, or that a second file
/// does. Only headers are looked at; what lies between them costs nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    walk: Walk,
    /// Where the next part starts.
    next: u64,
    /// The bytes from there on, fewer than [`HEADER`], where a piece ended within them.
    held: Vec<u8>,
    /// How many bytes went by.
    end: u64,
    /// From where the last part counts its length, and that length.
    promise: (u64, u64),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Walk {
    /// Before the first box, or before the EBML header.
    #[default]
    Start,
    /// Among MP4's boxes, of which these are there only once.
    Boxes { ftyp: bool, moov: bool },
    /// Between the EBML header and the segment.
    Header,
    /// Among the children of a segment of unknown size, as it is written live, and of its
    /// clusters, whose size may be unknown too; whether one was seen.
    Live { seen: bool },
    /// Behind a segment that said how long it is.
    Behind,
    /// No more is to be told: the last part lasts to the end, or it is another kind of file.
    Over,
    /// What starts here is no part.
    Stray,
    /// What starts here is the beginning of another file.
    Repeated,
}

/// What a header says: the bytes of `promise` are counted from `from` on, itself counted from the
/// start of the part. `None` lasts to the end of the file.
struct Part {
    from: usize,
    promise: Option<u64>,
}

impl Outline {
    /// The outline of a file that starts with `head`.
    pub(super) fn of(head: &[u8]) -> Self {
        let mut outline = Self::default();
        outline.take(0, head);
        outline
    }

    /// Takes the next `bytes`, which stand at `offset`; out of order, no more is told.
    pub(super) fn take(&mut self, offset: u64, bytes: &[u8]) {
        if offset != self.end {
            *self = Self {
                walk: Walk::Over,
                ..Self::default()
            };
        }
        self.end = offset.saturating_add(bytes.len() as u64);
        while !self.is_over() {
            let wanted = self.next.saturating_add(self.held.len() as u64);
            let skipped = usize::try_from(wanted.saturating_sub(offset)).unwrap_or(usize::MAX);
            let Some(rest @ [_, ..]) = bytes.get(skipped..) else {
                break;
            };
            if self.held.is_empty() && rest.len() >= HEADER {
                self.step(rest);
                continue;
            }
            let missing = HEADER.saturating_sub(self.held.len()).min(rest.len());
            self.held
                .extend_from_slice(rest.get(..missing).unwrap_or_default());
            if self.held.len() < HEADER {
                break;
            }
            self.step_held();
        }
    }

    /// What is wrong with a file of `length` bytes, of which at least those that went by are its.
    pub(super) fn note(&self, length: u64) -> Option<Note> {
        let mut whole = self.clone();
        if self.end >= length {
            let held = usize::try_from(length.saturating_sub(self.next)).unwrap_or(usize::MAX);
            whole.held.truncate(held);
            while !whole.held.is_empty() && !whole.is_over() {
                whole.step_held();
            }
        }
        let (from, promised) = whole.promise;
        let present = length.saturating_sub(from);
        let bytes = length.saturating_sub(whole.next);
        match whole.walk {
            Walk::Stray if bytes > 0 => Some(Note::Stray { bytes }),
            Walk::Repeated if bytes > 0 => Some(Note::Repeated { at: whole.next }),
            _ => (promised > present).then_some(Note::Truncated { promised, present }),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.walk, Walk::Over | Walk::Stray | Walk::Repeated)
    }

    fn step_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        let before = self.next;
        self.step(&held);
        let used = usize::try_from(self.next.saturating_sub(before)).unwrap_or(usize::MAX);
        self.held = held.get(used..).unwrap_or_default().to_vec();
    }

    /// Walks past the part that starts with `bytes`.
    fn step(&mut self, bytes: &[u8]) {
        if self.next == 0 && mp4::is(bytes) {
            let (ftyp, moov) = (false, false);
            self.walk = Walk::Boxes { ftyp, moov };
        }
        let part = match self.walk {
            Walk::Boxes { ftyp, moov } => self.iso_box(bytes, ftyp, moov),
            _ => self.element(bytes),
        };
        match part {
            Some(Part {
                from,
                promise: Some(promise),
            }) => {
                let from = self.next.saturating_add(from as u64);
                self.promise = (from, promise);
                self.next = from.saturating_add(promise);
            }
            None if self.walk == Walk::Repeated => {}
            // A segment without a size and without a child contradicts nothing.
            None if matches!(self.walk, Walk::Start | Walk::Live { seen: false }) => {
                self.walk = Walk::Over;
            }
            None => self.walk = Walk::Stray,
            _ => self.walk = Walk::Over,
        }
    }

    /// ISO/IEC 14496-12, section 6.2: `ftyp` and `moov` are there once. Boxes of unknown kinds
    /// are allowed; their kinds are printable.
    fn iso_box(&mut self, bytes: &[u8], ftyp: bool, moov: bool) -> Option<Part> {
        let kind = array::<4>(bytes, 4)?;
        let is_printable = |byte: &u8| matches!(byte, b' '..=b'~' | 0xA9);
        kind.iter().all(is_printable).then_some(())?;
        let (is_ftyp, is_moov) = (kind == *b"ftyp", kind == *b"moov");
        if ftyp && is_ftyp || moov && is_moov {
            self.walk = Walk::Repeated;
            return None;
        }
        let (ftyp, moov) = (ftyp || is_ftyp, moov || is_moov);
        self.walk = Walk::Boxes { ftyp, moov };
        let promise = match u32_be(bytes, 0)? {
            0 => None,
            1 => Some(u64_be(bytes, 8).filter(|&size| size >= 16)?),
            2..8 => return None,
            size => Some(u64::from(size)),
        };
        Some(Part { from: 0, promise })
    }

    /// RFC 9559, section 5.1: one EBML header, one segment. `Void` and `CRC-32` may stand
    /// anywhere (RFC 8794, section 11.3).
    fn element(&mut self, bytes: &[u8]) -> Option<Part> {
        let (id, mut promise, from) = ebml::header(bytes)?;
        self.walk = match (self.walk, id) {
            (walk, ebml::VOID | ebml::CRC_32) => walk,
            (Walk::Start, ebml::EBML) => Walk::Header,
            (Walk::Header, ebml::SEGMENT) if promise.is_some() => Walk::Behind,
            (Walk::Header, ebml::SEGMENT) => {
                promise = Some(0);
                Walk::Live { seen: false }
            }
            (Walk::Live { .. }, ebml::CLUSTER) => {
                promise = promise.or(Some(0));
                Walk::Live { seen: true }
            }
            (Walk::Live { .. }, id) if ebml::is_in_segment(id) => Walk::Live { seen: true },
            (walk, ebml::EBML | ebml::SEGMENT) if walk != Walk::Start => Walk::Repeated,
            _ => return None,
        };
        (self.walk != Walk::Repeated).then_some(())?;
        promise.map(|promise| Part {
            from,
            promise: Some(promise),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ebml, mp4, ogg, wav};
    use super::*;

    fn note(file: &[u8]) -> Option<Note> {
        Outline::of(file).note(file.len() as u64)
    }

    /// A Matroska file whose segment says how long it is.
    fn closed(doc_type: &str) -> Vec<u8> {
        let live = ebml::tests::matroska(doc_type, true);
        let at = live.windows(4).position(|four| four == b"\x18\x53\x80\x67");
        let (header, segment) = live.split_at(at.unwrap());
        let size = u32::try_from(segment.len() - 5).unwrap() | 0x1000_0000;
        [header, &segment[..4], &size.to_be_bytes(), &segment[5..]].concat()
    }

    /// A live one, whose clusters do not say it either.
    fn live() -> Vec<u8> {
        let mut file = ebml::tests::matroska("webm", true);
        for number in 0..3 {
            file.extend(b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff");
            file.extend([0xE7, 0x81, number]);
            for block in 0..4 {
                file.extend([0xA3, 0x85, 0x81, 0, block, 0x80, 7]);
            }
        }
        file
    }

    fn files() -> Vec<Vec<u8>> {
        let void = b"\xec\x83abc".to_vec();
        let mut long_mdat = mp4::tests::mp4(b"isom");
        long_mdat.extend(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x18somebyte\0\0\0\x08free");
        vec![
            closed("matroska"),
            [closed("webm"), void.clone()].concat(),
            [void.clone(), closed("webm")].concat(),
            ebml::tests::matroska("webm", true),
            live(),
            [live(), void].concat(),
            mp4::tests::mp4(b"isom"),
            long_mdat,
        ]
    }

    #[test]
    fn whole_files_are_what_they_say() {
        for file in files() {
            assert_eq!(note(&file), None);
        }
        for other in [
            wav::tests::wav(7, 8, 1, 9, 9),
            ogg::tests::ogg(),
            vec![0; 99],
        ] {
            assert_eq!(note(&other), None);
        }
    }

    /// Whoever holds a CBC ciphertext can do this, and leave its padding valid.
    #[test]
    fn a_repeated_last_pair_of_blocks_belongs_to_no_part() {
        for file in files() {
            for count in 1..=16_u8 {
                let kept = usize::from(16 - count);
                let last = &file[file.len() - kept..];
                let padding = vec![count; count.into()];
                let repeated = [&file[..], &padding, &[0xA5; 16], last].concat();
                assert_eq!(note(&repeated), Some(Note::Stray { bytes: 32 }), "{count}");
            }
        }
    }

    #[test]
    fn a_second_copy_is_no_part_of_the_first() {
        for file in files() {
            let at = file.len() as u64;
            let found = note(&[file.clone(), file.clone()].concat());
            // Where the first copy begins with Void, that belongs to what it stands behind.
            let Some(Note::Repeated { at: found }) = found else {
                panic!("{found:?}");
            };
            assert!((at..at + 6).contains(&found));
        }
    }

    #[test]
    fn a_cut_shows_where_the_file_does_not_end_with_a_part() {
        for file in files() {
            let mut walk = Outline {
                held: file.clone(),
                ..Outline::default()
            };
            // A segment without a size says nothing before its first child.
            let (mut ends, mut first) = (vec![], 30);
            while !walk.held.is_empty() {
                walk.step_held();
                let end = usize::try_from(walk.next).unwrap();
                ends.push(end);
                if walk.walk == (Walk::Live { seen: false }) {
                    first = end + HEADER;
                }
            }
            for cut in first..=file.len() {
                let is_end = ends.contains(&cut);
                assert_eq!(note(&file[..cut]).is_none(), is_end, "{cut}");
            }
        }
        assert_eq!(
            note(&mp4::tests::mp4(b"isom")[..800]),
            Some(Note::Truncated {
                promised: 508,
                present: 800 - (mp4::tests::mp4(b"isom").len() as u64 - 508)
            })
        );
    }

    #[test]
    fn a_live_segment_without_children_contradicts_nothing() {
        let mut file = ebml::tests::matroska("webm", false);
        let at = file.windows(4).position(|four| four == b"\x18\x53\x80\x67");
        file.truncate(at.unwrap());
        file.extend(b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff");
        for byte in [0x00, 0x5A, 0xA5, 0xFF] {
            assert_eq!(note(&[&file[..], &[byte; 40]].concat()), None);
        }
    }

    #[test]
    fn a_box_without_a_size_lasts_to_the_end() {
        let mut file = mp4::tests::mp4(b"isom");
        file.extend(b"\0\0\0\0mdat");
        file.extend([9; 1000]);
        assert_eq!(note(&file), None);
    }

    proptest! {
        #[test]
        fn cuts_between_pieces_do_not_matter(
            which in 0_usize..8,
            change in any::<(prop::sample::Index, u8)>(),
            copies in 1_usize..3,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let mut file = files().swap_remove(which).repeat(copies);
            let at = change.0.index(file.len());
            file[at] ^= change.1;
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(file.len() + 1)).collect();
            cuts.extend([0, file.len()]);
            cuts.sort_unstable();
            let mut outline = Outline::default();
            for cut in cuts.windows(2) {
                outline.take(cut[0] as u64, &file[cut[0]..cut[1]]);
            }
            for length in file.len() - 16..=file.len() {
                let length = length as u64;
                prop_assert_eq!(outline.note(length), Outline::of(&file).note(length));
            }
        }
    }
}
