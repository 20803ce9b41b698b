//! [`Shard`]: the part of a list that one of several machines works on.

use std::str::FromStr;

use sha2::{Digest, Sha256};

/// One of several parts of a list, told apart by nothing but what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u64,
    count: u64,
}

/// Why a text names no shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is auto, or I/N, of N parts the one with the number I: the first is 0/N")]
pub(crate) struct NoShard;

impl Shard {
    /// The part `index` of `count`, which are counted from 0.
    pub(crate) fn new(index: u64, count: u64) -> Option<Self> {
        (index < count).then_some(Self { index, count })
    }

    /// Whether a name is in this part.
    pub(crate) fn has(self, name: impl AsRef<[u8]>) -> bool {
        self.has_digest(Sha256::digest(name).into())
    }

    /// The same of a name with this SHA-256: its first 8 bytes, big-endian, modulo the count.
    pub(super) fn has_digest(self, sha256: [u8; 32]) -> bool {
        let first = sha256.first_chunk().copied().unwrap_or_default();
        u64::from_be_bytes(first) % self.count == self.index
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let number = |digits: &str| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().ok()).flatten()
        };
        let (index, count) = text.split_once('/').ok_or(NoShard)?;
        number(index)
            .zip(number(count))
            .and_then(|(index, count)| Self::new(index, count))
            .ok_or(NoShard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_the_digest_modulo_their_number() {
        // python3 -c 'import hashlib; print(int.from_bytes(
        //     hashlib.sha256(b"call.enc").digest()[:8], "big") % 7)'
        for (name, count, index) in [
            ("", 7, 1),
            ("call.enc", 7, 2),
            ("call.enc", 1000, 86),
            (
                "RE5eed0000000000000000000000000001",
                u64::MAX,
                18_003_307_579_008_357_525,
            ),
        ] {
            let shard = Shard::new(index, count).unwrap();
            assert!(shard.has(name), "{name}");
            let other = Shard::new((index + 1) % count, count).unwrap();
            assert!(!other.has(name), "{name}");
        }
    }

    #[test]
    fn a_shard_is_written_as_its_number_and_how_many_there_are() {
        assert_eq!("0/1".parse(), Ok(Shard { index: 0, count: 1 }));
        assert_eq!("6/7".parse(), Ok(Shard { index: 6, count: 7 }));
        for text in [
            "",
            "/",
            "0",
            "0/",
            "/1",
            "0/0",
            "1/1",
            "7/7",
            "-1/7",
            "+0/7",
            "0/7/1",
            "0 / 7",
            "a/b",
            "0x0/7",
            "99999999999999999999/999999999999999999999",
        ] {
            assert_eq!(text.parse::<Shard>(), Err(NoShard), "{text}");
        }
    }
}
