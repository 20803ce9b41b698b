//! [`Moment`]: a time as people give it.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A point in time, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(Timestamp),
    Ago(SignedDuration),
}

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no date such as 2026-11-30, no date and time such as 2026-11-30T08:00:00Z, and no age such as 90m, 12h or 7d"
)]
pub(super) struct NoMoment;

impl Moment {
    /// The point in time, as seen at `now`.
    pub(super) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(age) => now.checked_sub(age).unwrap_or(Timestamp::MIN),
        }
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    /// A date (its beginning), a date-time (RFC 3339), both in UTC where no zone is said, or an age.
    fn from_str(text: &str) -> Result<Self, NoMoment> {
        if let Some(seconds) = seconds(text) {
            return Ok(Self::Ago(SignedDuration::from_secs(seconds)));
        }
        // Without a day there is no date; jiff would read more than RFC 3339 knows.
        if !text.is_ascii() || text.len() < "2026-11-30".len() || text.contains('[') {
            return Err(NoMoment);
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(time));
        }
        let civil = match text.parse::<Date>() {
            Ok(date) if text.len() == "2026-11-30".len() => {
                date.to_datetime(jiff::civil::time(0, 0, 0, 0))
            }
            _ => text.parse::<DateTime>().map_err(|_| NoMoment)?,
        };
        let time = civil.to_zoned(TimeZone::UTC).map_err(|_| NoMoment)?;
        Ok(Self::At(time.timestamp()))
    }
}

/// How long `90m` is.
#[cfg(feature = "serve")]
pub(super) fn span(text: &str) -> Option<std::time::Duration> {
    let seconds = seconds(text)?.try_into().ok()?;
    Some(std::time::Duration::from_secs(seconds))
}

/// How many seconds `90m` are. What is longer than that can be said is as long as that.
fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(number.parse().unwrap_or(i64::MAX).saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_times_and_ages_are_read() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (text, time) in [
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T08:30:00", "2026-11-01T08:30:00Z"),
            ("2026-11-01T08:30:00Z", "2026-11-01T08:30:00Z"),
            ("2026-11-01T08:30:00+02:00", "2026-11-01T06:30:00Z"),
            ("2026-11-01 08:30:00Z", "2026-11-01T08:30:00Z"),
            ("2026-11-01T08:30:00.5Z", "2026-11-01T08:30:00.5Z"),
            ("90m", "2026-11-30T10:30:00Z"),
            ("12h", "2026-11-30T00:00:00Z"),
            ("7d", "2026-11-23T12:00:00Z"),
            ("0d", "2026-11-30T12:00:00Z"),
            ("99999999999999999999d", "-009999-01-02T01:59:59Z"),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(moment.from(now).to_string(), time, "{text}");
        }
        for text in [
            "",
            "d",
            "7",
            "-7d",
            "7 d",
            "1.5h",
            "yesterday",
            "2026-11",
            "2026-13-01",
            "2026-11-31",
            "2026-11-01T08:30:00[Europe/Berlin]",
            "ü",
            "7ü",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
