//! Times and sizes as they are written.

use std::time::SystemTime;

/// `2026-11-25T19:40:03Z` (RFC 3339), in UTC.
pub(super) fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(
        |_| String::new(),
        |time| {
            time.round(jiff::Unit::Millisecond)
                .unwrap_or(time)
                .to_string()
        },
    )
}

/// `368 kB`: decimal, as disks and providers count.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// `1,048,576`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How many bytes `512MiB` are: binary units, as memory is counted; `0` needs none.
#[cfg(feature = "serve")]
pub(super) fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u32); 3] = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    if text == "0" {
        return Some(0);
    }
    let with = |(unit, bits): &(&str, u32)| Some((text.strip_suffix(unit)?, *bits));
    let (number, bits) = UNITS.iter().find_map(with)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(1 << bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "serve")]
    #[test]
    fn sizes_of_memory_have_a_unit() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1KiB", Some(1024)),
            ("512MiB", Some(512 << 20)),
            ("3GiB", Some(3 << 30)),
            ("17179869183GiB", Some(17_179_869_183 << 30)),
            ("17179869184GiB", None),
            ("99999999999999999999KiB", None),
            ("512", None),
            ("512MB", None),
            ("1.5GiB", None),
            ("-1KiB", None),
            ("+1KiB", None),
            ("KiB", None),
            ("", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_have_a_comma_behind_each_thousand() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_048_576, "1,048,576"),
        ] {
            assert_eq!(thousands(number), expected);
        }
    }

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (368_044, "368 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (68_719_476_704, "69 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
