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

#[cfg(test)]
mod tests {
    use super::*;

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
