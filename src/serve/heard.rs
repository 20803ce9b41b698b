//! [`Heard`]: which bytes of recordings went out under which token, until all of one did.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::cipher::lock;

/// The most tokens that are followed. Beyond that none more is, until some have ended.
const MOST_TOKENS: usize = 65_536;

/// The most separate parts of one recording that are remembered.
const MOST_PARTS: usize = 256;

/// What names a token here: its SHA-256, for it lets in whoever has it.
pub(super) type Name = [u8; 32];

/// What went out, by token.
#[derive(Default)]
pub(super) struct Heard(Mutex<HashMap<Name, Parts>>);

/// What went out under one token.
struct Parts {
    /// When it ends, in Unix seconds.
    expires: u64,
    /// From here to there, in order, with something missing between each two.
    parts: Vec<(u64, u64)>,
    /// Whether all of it went out.
    is_complete: bool,
}

impl Heard {
    /// Notes that the bytes from `first` up to `end` went out of a recording of `length` bytes. Whether
    /// that was the last that was missing, which is so once a token.
    pub(super) fn note(
        &self,
        token: Name,
        expires: u64,
        (first, end): (u64, u64),
        length: u64,
        now: u64,
    ) -> bool {
        let mut all = lock(&self.0);
        if all.len() >= MOST_TOKENS && !all.contains_key(&token) {
            all.retain(|_, parts| parts.expires > now);
            if all.len() >= MOST_TOKENS {
                return false;
            }
        }
        let parts = all.entry(token).or_insert(Parts {
            expires,
            parts: Vec::new(),
            is_complete: false,
        });
        if parts.is_complete {
            return false;
        }
        parts.add(first, end);
        parts.is_complete = parts.parts == [(0, length)];
        if parts.is_complete {
            parts.parts = Vec::new();
        }
        parts.is_complete
    }
}

impl Parts {
    fn add(&mut self, first: u64, end: u64) {
        if first >= end {
            return;
        }
        // Those that it touches become one with it.
        let from = self.parts.partition_point(|part| part.1 < first);
        let to = self.parts.partition_point(|part| part.0 <= end);
        let touched = self.parts.get(from..to).unwrap_or_default();
        let first = touched.first().map_or(first, |part| part.0.min(first));
        let end = touched.last().map_or(end, |part| part.1.max(end));
        if from < to || self.parts.len() < MOST_PARTS {
            self.parts.splice(from..to, [(first, end)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_complete_once_every_byte_went_out(
            ranges in proptest::collection::vec((0..40_usize, 0..12_usize), 1..40),
        ) {
            let heard = Heard::default();
            let mut bytes = [false; 40];
            let mut was_complete = false;
            for (first, count) in ranges {
                let end = (first + count).min(40);
                for byte in &mut bytes[first.min(end)..end] {
                    *byte = true;
                }
                let said = heard.note([1; 32], 9, (first as u64, end as u64), 40, 0);
                let is_complete = bytes.iter().all(|byte| *byte);
                prop_assert_eq!(said, is_complete && !was_complete);
                was_complete = is_complete;
            }
        }
    }

    #[test]
    fn tokens_have_nothing_to_do_with_each_other_and_are_forgotten() {
        let heard = Heard::default();
        assert!(!heard.note([1; 32], 9, (0, 5), 10, 0));
        assert!(!heard.note([2; 32], 9, (5, 10), 10, 0));
        assert!(heard.note([1; 32], 9, (5, 10), 10, 0));
        for number in 0..70_000_u64 {
            let mut token = [0; 32];
            token[..8].copy_from_slice(&number.to_be_bytes());
            heard.note(token, 9, (0, 1), 10, 0);
        }
        assert_eq!(lock(&heard.0).len(), MOST_TOKENS);
        assert!(heard.note([3; 32], 99, (0, 10), 10, 10));
        assert_eq!(lock(&heard.0).len(), 1);
    }
}
