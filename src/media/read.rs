//! Numbers out of slices that may be too short.

use std::time::Duration;

/// The `N` bytes at `at`, if they are all there.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

pub(super) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(super) fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(super) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(super) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

pub(super) fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// The time that `units` take at so many `per_second`.
pub(super) fn at_rate(units: u64, per_second: u64) -> Option<Duration> {
    let nanoseconds = u128::from(units)
        .checked_mul(1_000_000_000)?
        .checked_div(u128::from(per_second))?;
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).ok()?;
    let rest = u32::try_from(nanoseconds % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, rest))
}

/// The text, if it has only characters that a reader can see, tabs and line ends. A character
/// cut in two at the end is forgiven: the slice may be the head of a longer file.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    let whole = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r') || !c.is_control())
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_end_where_the_slice_ends() {
        assert_eq!(u16_be(&[1, 2, 3], 1), Some(0x0203));
        assert_eq!(u16_le(&[1, 2, 3], 1), Some(0x0302));
        assert_eq!(u16_le(&[1, 2, 3], 2), None);
        assert_eq!(u32_be(&[0; 8], usize::MAX), None);
    }

    #[test]
    fn durations() {
        assert_eq!(at_rate(12_000, 8_000), Some(Duration::from_millis(1500)));
        assert_eq!(at_rate(1, 0), None);
        assert_eq!(at_rate(u64::MAX, 1), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn text_is_printable() {
        assert_eq!(text("\u{feff}né\r\n".as_bytes()), Some("né\r\n"));
        assert_eq!(text(b"caf\xc3"), Some("caf"));
        assert_eq!(text(b"caf\xc3 "), None);
        assert_eq!(text(b"a\0b"), None);
    }
}
