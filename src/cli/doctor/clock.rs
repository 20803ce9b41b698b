//! The clock, which certificates, tokens and reports go by. Nobody is asked for the time.

use std::time::SystemTime;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::super::units::rfc3339;
use super::super::version;
use super::check::Check;

/// When this was written: a build that knows no day of its own is not older.
const WRITTEN: &str = "2026-11-30";

/// A clock that is so many years ahead of the build is thought to be wrong.
const YEARS: i64 = 20;

pub(super) fn check(now: SystemTime) -> Check {
    against(now, version::DATE.unwrap_or(WRITTEN))
}

/// `built` is a day, somewhere on earth.
fn against(now: SystemTime, built: &str) -> Check {
    let said = rfc3339(now);
    let today = Timestamp::try_from(now).map(|now| now.to_zoned(TimeZone::UTC).date());
    let built = built.parse::<Date>();
    let hint = "set the clock, for example with timedatectl set-ntp true: certificates and tokens \
                are refused by a wrong one";
    match (today, built) {
        (Ok(today), Ok(built)) if today < built.saturating_sub(1.day()) => {
            let message = format!("{said}, which is before this program was made ({built})");
            Check::warning("clock", message, hint)
        }
        (Ok(today), Ok(built)) if today > built.saturating_add(YEARS.years()) => {
            let message =
                format!("{said}, which is {YEARS} years after this program was made ({built})");
            Check::warning("clock", message, hint)
        }
        (Err(_), _) => Check::warning("clock", "it shows no time that there is", hint),
        _ => Check::ok("clock", format!("{said}, after this program was made")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_the_build_or_far_behind_it_is_warned_of() {
        let at = |text: &str| SystemTime::from(text.parse::<Timestamp>().unwrap());
        for (now, is_warned) in [
            ("1970-01-01T00:00:01Z", true),
            ("2026-11-28T23:59:59Z", true),
            // It was the 30th already, east of here.
            ("2026-11-29T10:00:00Z", false),
            ("2026-11-30T00:00:00Z", false),
            ("2040-01-01T00:00:00Z", false),
            ("2046-12-02T00:00:00Z", true),
        ] {
            assert_eq!(
                against(at(now), "2026-11-30").is_warning(),
                is_warned,
                "{now}"
            );
        }
        assert!(!check(SystemTime::now()).is_warning());
        assert!(WRITTEN.parse::<Date>().is_ok());
    }
}
