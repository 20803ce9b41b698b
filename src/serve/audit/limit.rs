//! [`Limiter`]: strangers cannot fill the disk.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

/// How long lines are counted together.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// The most lines of an address in that time.
const MOST_LINES: u32 = 10;
/// The most addresses that are told apart.
const MOST_ADDRESSES: usize = 4096;

/// The denials that were only counted, of an address, or of those that are not told apart.
pub(super) type Count = (Option<IpAddr>, u64);

/// Says which denials are written down, and counts the others.
#[derive(Default)]
pub(super) struct Limiter(HashMap<Option<IpAddr>, Window>);

struct Window {
    start: Timestamp,
    lines: u32,
    counted: u64,
}

impl Window {
    /// Also where the clock was set back.
    fn is_over(&self, now: Timestamp) -> bool {
        now < self.start || now.duration_since(self.start) >= MINUTE
    }
}

impl Limiter {
    /// Whether nothing is counted, or to be forgotten.
    pub(super) fn is_idle(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a denial is to be written down; else it is counted. What is due is to be taken before.
    pub(super) fn admits(&mut self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let window = self.window(address, now);
        let has_room = window.lines < MOST_LINES;
        if has_room {
            window.lines += 1;
        } else {
            window.counted += 1;
        }
        has_room
    }

    /// The counts whose minute is over, or `all`.
    pub(super) fn due(&mut self, now: Timestamp, all: bool) -> Vec<Count> {
        let over = self.0.extract_if(|_, window| all || window.is_over(now));
        over.filter(|(_, window)| window.counted > 0)
            .map(|(address, window)| (address, window.counted))
            .collect()
    }

    /// Takes back what was due and could not be written, for another minute.
    pub(super) fn put_back(&mut self, counts: Vec<Count>, now: Timestamp) {
        for (address, count) in counts {
            let window = self.window(address, now);
            window.lines = MOST_LINES;
            window.counted += count;
        }
    }

    fn window(&mut self, address: Option<IpAddr>, now: Timestamp) -> &mut Window {
        let address = address.map(|address| address.to_canonical());
        let is_known = self.0.contains_key(&address) || self.0.len() < MOST_ADDRESSES;
        let address = address.filter(|_| is_known);
        self.0.entry(address).or_insert(Window {
            start: now,
            lines: 0,
            counted: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    const ONE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    const TWO: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));

    #[test]
    fn ten_lines_of_an_address_are_written_in_a_minute_and_the_rest_counted() {
        let mut limiter = Limiter::default();
        for second in 0..30 {
            assert_eq!(limiter.admits(ONE, at(second)), second < 10);
            assert_eq!(limiter.admits(None, at(second)), second < 10);
        }
        assert!(limiter.admits(TWO, at(30)));
        assert_eq!(limiter.due(at(59), false), []);
        let mut due = limiter.due(at(60), false);
        due.sort_unstable();
        assert_eq!(due, [(None, 20), (ONE, 20)]);
        assert_eq!(limiter.due(at(60), false), []);
        assert!(limiter.admits(ONE, at(60)));
        assert!(!limiter.is_idle());
        assert_eq!(limiter.due(at(120), false), []);
        assert!(limiter.is_idle());
    }

    #[test]
    fn at_the_end_all_counts_are_due() {
        let mut limiter = Limiter::default();
        for _ in 0..11 {
            limiter.admits(ONE, at(0));
        }
        limiter.admits(TWO, at(0));
        assert_eq!(limiter.due(at(1), true), [(ONE, 1)]);
        assert!(limiter.is_idle());
    }

    #[test]
    fn counts_that_could_not_be_written_are_kept() {
        let mut limiter = Limiter::default();
        for _ in 0..15 {
            limiter.admits(ONE, at(0));
        }
        let due = limiter.due(at(60), false);
        limiter.put_back(due, at(60));
        assert!(!limiter.admits(ONE, at(61)));
        assert_eq!(limiter.due(at(119), false), []);
        assert_eq!(limiter.due(at(120), false), [(ONE, 6)]);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_count_from_being_written() {
        let mut limiter = Limiter::default();
        for _ in 0..11 {
            limiter.admits(ONE, at(0));
        }
        assert_eq!(limiter.due(at(-3600), false), [(ONE, 1)]);
    }

    #[test]
    fn one_address_is_one_in_both_families() {
        let mut limiter = Limiter::default();
        let four = Ipv4Addr::LOCALHOST;
        for _ in 0..5 {
            assert!(limiter.admits(Some(four.into()), at(0)));
            assert!(limiter.admits(Some(four.to_ipv6_mapped().into()), at(0)));
        }
        assert!(!limiter.admits(Some(four.into()), at(0)));
    }

    #[test]
    fn memory_does_not_grow_with_addresses() {
        let mut limiter = Limiter::default();
        let most = u128::try_from(MOST_ADDRESSES).unwrap();
        let mut written = 0;
        for number in 0..most + 1000 {
            let address = Ipv6Addr::from_bits(number << 64).into();
            written += u128::from(limiter.admits(Some(address), at(0)));
        }
        assert_eq!(limiter.0.len(), MOST_ADDRESSES + 1);
        assert_eq!(written, most + 10);
        assert_eq!(limiter.due(at(60), false), [(None, 990)]);
        assert!(limiter.is_idle());
    }
}
