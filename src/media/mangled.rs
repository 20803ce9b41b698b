//! Ciphertext that was taken for text.

use std::fmt;

/// What a program that took ciphertext for text did to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mangled {
    /// Decoded as text, what was none replaced or not, and written as UTF-8 (or ASCII).
    Utf8,
    /// The same, written as UTF-16.
    Utf16,
    /// A line feed made a carriage return and a line feed, or the other way round; or one of the
    /// two, or NUL, taken out.
    LineEnds,
}

impl fmt::Display for Mangled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "it is UTF-8, which ciphertext never is",
            Self::Utf16 => "it is UTF-16, which ciphertext never is",
            Self::LineEnds => "its line ends were changed",
        })
    }
}

/// Bytes that are enough for what every byte shows.
const ENOUGH: usize = 4096;
/// As many random bytes are valid UTF-8 once in 2^52: each goes on a valid text with 0.565.
const UTF8: usize = 64;
/// So many U+FFFD stand in [`ENOUGH`] random bytes once in 2^110.
const REPLACEMENTS: usize = 8;
/// A byte that every program keeps is missing in so many once in 2^46: (255/256)^8192.
const WITHOUT: usize = 8192;
/// So many line feeds all follow a carriage return once in 2^48.
const LINES: usize = 6;

/// Tells what happened to a ciphertext that starts with `head`, if it was taken for text: bytes
/// that were replaced are lost, and a new download is the only way. The longer the head, the
/// more is told.
///
/// Random bytes of any length, which ciphertext is like, are taken for it less than once in 2^40.
pub fn mangled(head: &[u8]) -> Option<Mangled> {
    let start = head.get(..ENOUGH).unwrap_or(head);
    if is_utf8(head) || replacements(start) >= REPLACEMENTS {
        Some(Mangled::Utf8)
    } else if is_utf16(start) {
        Some(Mangled::Utf16)
    } else if lines_were_changed(head) {
        Some(Mangled::LineEnds)
    } else {
        None
    }
}

/// Whether all of it is UTF-8. The head of a longer file may end within a character.
fn is_utf8(head: &[u8]) -> bool {
    let is_text = match str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    is_text && head.len() >= UTF8 && !is_sparse(head)
}

/// Whether an eighth is zero: not what was decoded as text, but what was never written of a file.
fn is_sparse(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().map(|byte| usize::from(*byte == 0));
    zeros.sum::<usize>() > bytes.len() / 8
}

/// How often U+FFFD, the character for what is none, stands there in UTF-8.
fn replacements(bytes: &[u8]) -> usize {
    let is_one = |three: &&[u8]| *three == "\u{fffd}".as_bytes();
    bytes.windows(3).filter(is_one).count()
}

/// Whether a quarter of the bytes at even places, or else of those at odd ones, is zero, as in the
/// UTF-16 of characters of which half or more are ASCII. Of 64 random bytes, 16 are zero once in
/// 2^79. Zeros at both are no text, but what was never written of a sparse file.
fn is_utf16(bytes: &[u8]) -> bool {
    let units = bytes.len() / 2;
    let zeros = |place: usize| {
        let halves = bytes.iter().skip(place).step_by(2);
        halves.filter(|&&byte| byte == 0).count()
    };
    units >= 64 && (zeros(0) >= units / 4) != (zeros(1) >= units / 4)
}

fn lines_were_changed(head: &[u8]) -> bool {
    (head.len() >= WITHOUT && lacks_one(head)) || are_doubled(head)
}

/// Whether one of the bytes that programs take out is missing, and none of the others.
fn lacks_one(head: &[u8]) -> bool {
    let mut is_there = [false; 256];
    for &byte in head {
        if let Some(there) = is_there.get_mut(usize::from(byte)) {
            *there = true;
        }
    }
    let missing: Vec<_> = (0..=u8::MAX)
        .filter(|byte| is_there.get(usize::from(*byte)) == Some(&false))
        .collect();
    matches!(missing.as_slice(), [b'\n' | b'\r' | 0])
}

/// Whether every line feed follows a carriage return.
fn are_doubled(head: &[u8]) -> bool {
    let mut feeds = 0;
    let mut before = None;
    for &byte in head {
        if byte == b'\n' {
            if before != Some(b'\r') {
                return false;
            }
            feeds += 1;
        }
        before = Some(byte);
    }
    feeds >= LINES
}

#[cfg(test)]
mod tests {
    use getrandom::rand_core::Rng;
    use proptest::test_runner::{RngAlgorithm, TestRng};

    use super::*;

    fn random(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        TestRng::deterministic_rng(RngAlgorithm::XorShift).fill_bytes(&mut bytes);
        bytes
    }

    fn replaced(bytes: &[u8], byte: u8, by: &[u8]) -> Vec<u8> {
        let each = bytes.split(|&found| found == byte).collect::<Vec<_>>();
        each.join(by)
    }

    #[test]
    fn what_went_through_a_text_codec_is_told() {
        let ciphertext = random(20_000);
        let latin: String = ciphertext.iter().map(|&byte| char::from(byte)).collect();
        let lossy = String::from_utf8_lossy(&ciphertext).into_owned();
        let ascii: Vec<u8> = ciphertext
            .iter()
            .map(|&byte| if byte < 0x80 { byte } else { b'?' })
            .collect();
        let utf16 = |text: &str, order: fn(u16) -> [u8; 2]| {
            text.encode_utf16().flat_map(order).collect::<Vec<_>>()
        };
        for (file, cause) in [
            (latin.clone().into_bytes(), Mangled::Utf8),
            (lossy.clone().into_bytes(), Mangled::Utf8),
            (ascii, Mangled::Utf8),
            (utf16(&latin, u16::to_le_bytes), Mangled::Utf16),
            (utf16(&lossy, u16::to_le_bytes), Mangled::Utf16),
            (utf16(&lossy, u16::to_be_bytes), Mangled::Utf16),
            (replaced(&ciphertext, b'\n', b"\r\n"), Mangled::LineEnds),
            (replaced(&ciphertext, b'\r', b""), Mangled::LineEnds),
            (replaced(&ciphertext, b'\r', b"\n"), Mangled::LineEnds),
            (replaced(&ciphertext, b'\n', b"\r"), Mangled::LineEnds),
            (replaced(&ciphertext, 0, b""), Mangled::LineEnds),
        ] {
            assert_eq!(mangled(&file), Some(cause));
            if cause == Mangled::Utf8 {
                assert_eq!(mangled(&file[..100]), Some(cause));
            }
        }
        // A codec that replaces, in a file that is no UTF-8 in another place.
        let mixed = [&[0xff], lossy.as_bytes()].concat();
        assert_eq!(mangled(&mixed), Some(Mangled::Utf8));
    }

    #[test]
    fn random_bytes_were_never_text() {
        let pool = random(1 << 20);
        for length in [
            0, 1, 16, 17, 32, 48, 64, 100, 128, 500, 1000, 4096, 8192, 16_384, 192_512,
        ] {
            for at in (0..pool.len() - length).step_by(length.max(64)) {
                assert_eq!(mangled(&pool[at..at + length]), None, "{at} {length}");
            }
        }
    }

    #[test]
    fn too_little_to_tell() {
        assert_eq!(mangled(b"sixteen bytes...sixteen bytes..."), None);
        assert_eq!(mangled(b"\r\n\r\n\xff"), None);
    }
}
