//! MPEG transport streams: sync bytes and time stamps (ISO/IEC 13818-1, sections 2.4.3.2 and
//! 2.4.3.6).

use std::time::Duration;

use super::read::at_rate;

/// The bytes of a packet.
pub const PACKET: usize = 188;
const PACKET_U64: u64 = PACKET as u64;
const SYNC: u8 = 0x47;

/// How a transport stream starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Intact,
    /// The first packet has no sync byte, those behind it have.
    Damaged,
}

/// Whether a file starts as a transport stream. Of the first ten packets, five may be damaged.
pub(super) fn start(head: &[u8]) -> Option<Start> {
    let mut synced = head.chunks_exact(PACKET).take(10).map(is_synced);
    let first = synced.next()?;
    let (seen, good) = synced.fold((0_usize, 0_usize), |(seen, good), synced| {
        (seen + 1, good + usize::from(synced))
    });
    // By chance: 2^-32, be it five of ten or all of four.
    let passes = |seen, good| good >= 5 || (good == 4 && seen == 4);
    match first {
        true if passes(seen + 1, good + 1) => Some(Start::Intact),
        false if passes(seen, good) => Some(Start::Damaged),
        _ => None,
    }
}

/// Whether `file`, all of it, is one to three whole packets, with at most a block of padding kept
/// behind them.
///
/// One sync byte shows up by chance in one of 256 files, so this proves nothing by itself, and
/// neither `start` nor `is` go by so few. It is for a plaintext whose end is known: there OAEP
/// has proved the key, and the padding and the number of packets agree with each other.
pub(super) fn is_short(file: &[u8]) -> bool {
    let mut packets = file.chunks_exact(PACKET);
    (1..=3).contains(&packets.len()) && packets.remainder().len() <= 16 && packets.all(is_synced)
}

/// Whether the first five packets, or all four there are, start with the sync byte.
pub(super) fn is(head: &[u8]) -> bool {
    let whole = head.len() / PACKET;
    whole >= 4 && head.chunks_exact(PACKET).take(5).all(is_synced)
}

fn is_synced(packet: &[u8]) -> bool {
    packet.first() == Some(&SYNC)
}

/// The scan of one stretch of a transport stream.
///
/// Packets start at the multiples of [`PACKET`] from the start of the file: a stream that loses
/// its sync and finds it elsewhere stays lost. Scans of neighbouring stretches are merged in
/// order, `TsScan::default()` being the scan of nothing. Stretches may be cut anywhere as far as
/// sync bytes go; a time stamp is seen only if its packet's head lies within one stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TsScan {
    lost: u64,
    first_lost: Option<u64>,
    last_lost: Option<u64>,
    clock: Option<Clock>,
}

impl TsScan {
    /// Scans the bytes at `offset` of the file.
    #[must_use]
    pub fn of(offset: u64, bytes: &[u8]) -> Self {
        let mut scan = Self::default();
        let Some(mut at) = offset.checked_next_multiple_of(PACKET_U64) else {
            return scan;
        };
        let skip = usize::try_from(at - offset).unwrap_or(usize::MAX);
        for packet in bytes.get(skip..).unwrap_or_default().chunks(PACKET) {
            match packet {
                // A packet in which the payload of a PES packet starts, without a known error.
                [SYNC, flags, ..] if flags & 0xC0 == 0x40 => {
                    if let Some(stamp) = time_stamp(packet) {
                        scan.clock = Clock::merge(scan.clock, Some(Clock::at(stamp)));
                    }
                }
                [SYNC, ..] => {}
                _ => {
                    scan.lost += 1;
                    scan.first_lost = scan.first_lost.or(Some(at));
                    scan.last_lost = Some(at);
                }
            }
            at = at.saturating_add(PACKET_U64);
        }
        scan
    }

    /// The scan of this stretch and the one behind it.
    #[must_use]
    pub fn merge(self, next: Self) -> Self {
        Self {
            lost: self.lost.saturating_add(next.lost),
            first_lost: self.first_lost.or(next.first_lost),
            last_lost: next.last_lost.or(self.last_lost),
            clock: Clock::merge(self.clock, next.clock),
        }
    }

    /// What was found in a file of `length` bytes: as many as were scanned, or up to 16 fewer
    /// (stripped padding is no lost packet).
    #[must_use]
    pub fn finish(self, length: u64) -> Transport {
        let is_partial = |at: u64| at.saturating_add(PACKET_U64) > length;
        let over = self.last_lost.is_some_and(is_partial);
        Transport {
            packets: length / PACKET_U64,
            tail: length % PACKET_U64,
            lost: self.lost.saturating_sub(u64::from(over)),
            first_lost: self.first_lost.filter(|&at| !is_partial(at)),
            duration: self.clock.and_then(Clock::elapsed),
            clock_jumps: self.clock.map_or(0, |clock| clock.jumps),
        }
    }
}

/// What a transport stream is like from end to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transport {
    /// Whole packets.
    pub packets: u64,
    /// The bytes behind the last whole packet.
    pub tail: u64,
    /// Whole packets that do not start with the sync byte.
    pub lost: u64,
    /// Where the first of them starts. 0: the first block is damaged.
    pub first_lost: Option<u64>,
    /// From the earliest to the latest presentation time stamp, jumps left out.
    pub duration: Option<Duration>,
    /// How often the time stamps jump by more than ten seconds.
    pub clock_jumps: u64,
}

/// The 90 kHz clock that the time stamps of a stretch show, in the order they stand in.
///
/// The stamps of all streams are taken together: they are of one clock, and interleaved closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock {
    first: u64,
    last: u64,
    /// The last stamp, the earliest and the latest, counted from the first one.
    now: i64,
    low: i64,
    high: i64,
    jumps: u64,
}

impl Clock {
    const RATE: u64 = 90_000;
    /// A longer step is no time passing but a damaged stamp or a spliced stream. Ten seconds is
    /// also where `FFmpeg` draws the line (`-dts_delta_threshold`).
    const LEAP: i64 = 900_000;

    fn at(stamp: u64) -> Self {
        Self {
            first: stamp,
            last: stamp,
            now: 0,
            low: 0,
            high: 0,
            jumps: 0,
        }
    }

    fn merge(earlier: Option<Self>, later: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (earlier, later) else {
            return earlier.or(later);
        };
        let step = distance(a.last, b.first);
        let is_leap = step.abs() > Self::LEAP;
        let shift = a.now.saturating_add(if is_leap { 0 } else { step });
        Some(Self {
            first: a.first,
            last: b.last,
            now: shift.saturating_add(b.now),
            low: a.low.min(shift.saturating_add(b.low)),
            high: a.high.max(shift.saturating_add(b.high)),
            jumps: a
                .jumps
                .saturating_add(b.jumps)
                .saturating_add(u64::from(is_leap)),
        })
    }

    fn elapsed(self) -> Option<Duration> {
        let ticks = u64::try_from(self.high.saturating_sub(self.low)).ok()?;
        at_rate(ticks, Self::RATE)
    }
}

/// From one 33-bit stamp to the next, the short way round.
fn distance(from: u64, to: u64) -> i64 {
    const AROUND: u64 = 1 << 33;
    let ahead = to.wrapping_sub(from) % AROUND;
    if ahead < AROUND / 2 {
        ahead.cast_signed()
    } else {
        ahead.cast_signed() - AROUND.cast_signed()
    }
}

/// The payload of a packet that has one, without the adaptation field.
pub(super) fn payload(packet: &[u8]) -> Option<&[u8]> {
    let [SYNC, b1, _, b3, rest @ ..] = packet else {
        return None;
    };
    // Neither marked as damaged nor scrambled.
    (b1 & 0x80 == 0 && b3 & 0xC0 == 0).then_some(())?;
    match b3 >> 4 & 3 {
        1 => Some(rest),
        3 => rest.get(1 + usize::from(*rest.first()?)..),
        _ => None,
    }
}

/// The presentation time stamp of the PES packet that starts in this packet.
fn time_stamp(packet: &[u8]) -> Option<u64> {
    let [
        0,
        0,
        1,
        id,
        _,
        _,
        0x80..=0xBF,
        flags,
        _,
        p0,
        p1,
        p2,
        p3,
        p4,
        ..,
    ] = payload(packet)?
    else {
        return None;
    };
    // Video, audio, private stream 1, extended.
    let has_stamps = matches!(id, 0xBD | 0xC0..=0xEF | 0xFD) && flags & 0x80 != 0;
    let is_marked = matches!(p0 >> 4, 2 | 3) && p0 & p2 & p4 & 1 == 1;
    (has_stamps && is_marked).then(|| {
        u64::from(p0 >> 1 & 7) << 30
            | u64::from(*p1) << 22
            | u64::from(p2 >> 1) << 15
            | u64::from(*p3) << 7
            | u64::from(p4 >> 1)
    })
}

#[cfg(test)]
mod tests {
    use super::super::program::tests::{pes, ts};
    use super::*;

    fn scan(file: &[u8]) -> Transport {
        TsScan::of(0, file).finish(file.len() as u64)
    }

    #[test]
    fn an_intact_stream() {
        let found = scan(&ts(50));
        assert_eq!(found.packets, 102);
        assert_eq!(found.tail, 0);
        assert_eq!((found.lost, found.first_lost), (0, None));
        // From the first picture to the last sound.
        let ticks = 49 * 3600 + 1000;
        assert_eq!(found.duration, at_rate(ticks, 90_000));
        assert_eq!(found.clock_jumps, 0);
    }

    #[test]
    fn the_clock_goes_round() {
        let stamps = [(1 << 33) - 3600, 0, 1800, (1 << 33) - 1800, 3600];
        let file: Vec<u8> = stamps
            .into_iter()
            .flat_map(|stamp| pes(0x100, 0xE0, stamp, &[]))
            .collect();
        let found = scan(&file);
        assert_eq!(found.duration, Some(Duration::from_millis(80)));
        assert_eq!(found.clock_jumps, 0);
    }

    #[test]
    fn a_damaged_stamp_is_no_time() {
        let stamps = [0, 3600, 1 << 32, 7200, 10_800];
        let file: Vec<u8> = stamps
            .into_iter()
            .flat_map(|stamp| pes(0x100, 0xE0, stamp, &[]))
            .collect();
        let found = scan(&file);
        assert_eq!(found.duration, Some(Duration::from_millis(80)));
        assert_eq!(found.clock_jumps, 2);
    }

    #[test]
    fn lost_packets_are_counted() {
        let mut file = ts(50);
        file[7 * PACKET] = 0;
        file[9 * PACKET] = 0;
        let found = scan(&file);
        assert_eq!((found.lost, found.first_lost), (2, Some(7 * PACKET_U64)));

        // One byte is missing: nothing behind it is where it should be.
        file.remove(50 * PACKET);
        let found = scan(&file);
        assert!(found.lost > 40);
        assert_eq!(found.packets, 101);
        assert_eq!(found.tail, PACKET_U64 - 1);
    }

    #[test]
    fn padding_is_no_packet() {
        let mut file = ts(5);
        let length = file.len() as u64;
        file.extend([16; 16]);
        let scan = TsScan::of(0, &file);
        let stripped = scan.finish(length);
        assert_eq!((stripped.lost, stripped.tail), (0, 0));
        let kept = scan.finish(length + 16);
        assert_eq!((kept.lost, kept.tail), (0, 16));
    }

    #[test]
    fn scans_merge() {
        let mut file = ts(40);
        file[5 * PACKET] = 0;
        let whole = TsScan::of(0, &file);
        for cut in (0..file.len()).step_by(PACKET) {
            let (left, right) = file.split_at(cut);
            let left = TsScan::of(0, left);
            let right = TsScan::of(cut as u64, right);
            assert_eq!(left.merge(right), whole);
        }
        assert_eq!(whole.merge(TsScan::default()), whole);
        assert_eq!(TsScan::default().merge(whole), whole);
        assert_eq!(TsScan::of(u64::MAX, &file), TsScan::default());
    }

    #[test]
    fn starts() {
        let mut file = ts(20);
        assert_eq!(start(&file), Some(Start::Intact));
        assert_eq!(start(&file[..4 * PACKET]), Some(Start::Intact));
        assert_eq!(start(&file[..3 * PACKET]), None);
        file[3 * PACKET] = 0;
        assert_eq!(start(&file), Some(Start::Intact));
        assert!(!is(&file));
        file[0] = 0;
        assert_eq!(start(&file), Some(Start::Damaged));
        assert_eq!(start(&vec![0x46; 10 * PACKET]), None);
        assert_eq!(start(&[]), None);
    }

    #[test]
    fn short_streams() {
        let file = ts(20);
        for packets in 0..=5 {
            let found = (1..=3).contains(&packets);
            let (whole, _) = file.split_at(packets * PACKET);
            assert_eq!(is_short(whole), found, "{packets}");
            let padded = |count| [whole, &vec![4; count]].concat();
            assert_eq!(is_short(&padded(4)), found, "{packets}");
            assert_eq!(is_short(&padded(16)), found, "{packets}");
            assert!(!is_short(&padded(17)), "{packets}");
        }
        for damaged in [0, PACKET, 2 * PACKET] {
            let mut file = file[..3 * PACKET].to_vec();
            file[damaged] ^= 1;
            assert!(!is_short(&file), "{damaged}");
        }
        assert!(!is(&file[..3 * PACKET]));
    }
}
