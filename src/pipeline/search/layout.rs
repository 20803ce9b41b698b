//! Where IV, ciphertext and tag stand in a file.
//!
//! The engine knows one layout: ciphertext, then a last block. Every other one is given to it as
//! a rearranged view of the file: [`Layout::place`] says which of its bytes come in which order.

use std::fmt;
use std::ops::Range;

use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

use super::form::UnknownName;
use crate::envelope::{BLOCK, Mode};

/// Bytes in the usual GCM nonce (SP 800-38D, section 8.2.1).
const NONCE: usize = 12;

/// How a file is put together, the likeliest first. Numbers are bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, VariantNames,
)]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = UnknownName,
    parse_err_fn = UnknownName::of::<Self>
)]
pub enum Layout {
    /// GCM: nonce, ciphertext, tag. What Go's `gcm.Seal(nonce, nonce, plaintext, aad)` gives.
    Nonce12CtTag16,
    /// GCM: ciphertext, tag; the nonce stands elsewhere.
    CtTag16,
    /// GCM: salt, nonce, ciphertext, tag.
    Salt16Nonce12CtTag16,
    /// GCM: nonce, tag, ciphertext. A habit of Node.js programs.
    Nonce12Tag16Ct,
    /// GCM: a nonce of 16 bytes, ciphertext, tag.
    Nonce16CtTag16,
    /// GCM: ciphertext only; nonce and tag stand elsewhere.
    CtDetached,
    /// CBC: IV, ciphertext.
    Iv16Ct,
    /// CBC: ciphertext only; the IV stands elsewhere.
    Ct,
}

/// Where the parts of a file stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The IV; `None` where it stands elsewhere.
    pub iv: Option<Range<u64>>,
    /// The salt, where there is one.
    pub salt: Option<Range<u64>>,
    /// What the engine reads, in its order. The last block of a [`Layout::CtDetached`] is not
    /// among it.
    pub body: Vec<Range<u64>>,
}

impl Layout {
    /// All of them.
    pub const ALL: &[Self] = <Self as VariantArray>::VARIANTS;

    /// The name that people give and reports print.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The mode it belongs to.
    pub fn mode(self) -> Mode {
        match self {
            Self::Nonce12CtTag16
            | Self::CtTag16
            | Self::Salt16Nonce12CtTag16
            | Self::Nonce12Tag16Ct
            | Self::Nonce16CtTag16
            | Self::CtDetached => Mode::Gcm,
            Self::Iv16Ct | Self::Ct => Mode::Cbc,
        }
    }

    /// Whether the IV stands elsewhere.
    pub fn needs_iv(self) -> bool {
        matches!(self, Self::CtTag16 | Self::CtDetached | Self::Ct)
    }

    /// Whether the tag stands elsewhere.
    pub fn needs_tag(self) -> bool {
        self == Self::CtDetached
    }

    /// Where the parts of a file of `length` bytes stand; `None` if it is too short for them.
    pub fn place(self, length: u64) -> Option<Place> {
        let block = BLOCK as u64;
        let (salt, iv) = match self {
            Self::Nonce12CtTag16 | Self::Nonce12Tag16Ct => (0, NONCE),
            Self::Salt16Nonce12CtTag16 => (16, NONCE),
            Self::Nonce16CtTag16 | Self::Iv16Ct => (0, 16),
            Self::CtTag16 | Self::CtDetached | Self::Ct => (0, 0),
        };
        let body = salt + iv as u64;
        let rest = length.checked_sub(body)?;
        if rest < block && !self.needs_tag() {
            return None;
        }
        let some = |range: Range<u64>| (!range.is_empty()).then_some(range);
        Some(Place {
            salt: some(0..salt),
            iv: some(salt..body),
            body: match self {
                Self::Nonce12Tag16Ct => vec![body + block..length, body..body + block],
                _ => vec![Range {
                    start: body,
                    end: length,
                }],
            },
        })
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_place() {
        for &layout in Layout::ALL {
            assert_eq!(layout.name().parse(), Ok(layout));
            for length in 0..200 {
                let Some(place) = layout.place(length) else {
                    assert!(length < 44, "{layout}");
                    continue;
                };
                let parts = place.salt.into_iter().chain(place.iv).chain(place.body);
                let mut bytes: Vec<_> = parts.flatten().collect();
                bytes.sort_unstable();
                assert_eq!(bytes, (0..length).collect::<Vec<_>>(), "{layout}");
            }
        }
        assert!("nonce12".parse::<Layout>().is_err());
    }

    #[test]
    fn the_tag_comes_last_wherever_it_stands() {
        let place = Layout::Nonce12Tag16Ct.place(100).unwrap();
        assert_eq!(place.body, [28..100, 12..28]);
        let place = Layout::Salt16Nonce12CtTag16.place(100).unwrap();
        assert_eq!((place.salt, place.iv), (Some(0..16), Some(16..28)));
        assert_eq!(Layout::Nonce12CtTag16.place(27), None);
        assert!(Layout::Nonce12CtTag16.place(28).is_some());
    }
}
