//! [`Rate`]: how many requests an address makes in a second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use crate::cipher::lock;

/// The most addresses that are told apart in a second; those beyond share what is left.
const MOST_ADDRESSES: usize = 16_384;

/// Counts requests by address, in each second of the clock anew.
pub(super) struct Rate {
    most: u32,
    second: Mutex<(u64, HashMap<Option<IpAddr>, u32>)>,
}

impl Rate {
    /// `most` a second.
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            second: Mutex::default(),
        }
    }

    /// Whether there may be another one in the second `now`.
    pub(super) fn admits(&self, address: Option<IpAddr>, now: u64) -> bool {
        let mut second = lock(&self.second);
        let (at, counts) = &mut *second;
        if *at != now {
            *at = now;
            counts.clear();
        }
        let is_known = counts.contains_key(&address) || counts.len() < MOST_ADDRESSES;
        let count = counts.entry(address.filter(|_| is_known)).or_default();
        *count = count.saturating_add(1);
        *count <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_seconds() {
        let rate = Rate::new(2);
        let [one, other] = [1, 2].map(|last| Some(IpAddr::from([127, 0, 0, last])));
        let admitted = [(one, 5), (one, 5), (one, 5), (other, 5), (one, 6)];
        let admitted = admitted.map(|(address, second)| rate.admits(address, second));
        assert_eq!(admitted, [true, true, false, true, true]);
    }

    #[test]
    fn any_number_of_addresses_takes_so_much_memory() {
        let rate = Rate::new(1);
        for number in 0..40_000_u32 {
            rate.admits(Some(IpAddr::from(number.to_be_bytes())), 7);
        }
        assert!(lock(&rate.second).1.len() <= MOST_ADDRESSES + 1);
    }
}
