//! The times that are named below a picture.

/// From which width on a time is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// At any.
    Any,
    /// From 540 pixels on.
    Middle,
    /// From 1080 pixels on.
    Wide,
}

impl Width {
    const ALL: [Self; 3] = [Self::Any, Self::Middle, Self::Wide];

    /// Pixels, at least.
    fn pixels(self) -> u64 {
        match self {
            Self::Any => 280,
            Self::Middle => 540,
            Self::Wide => 1080,
        }
    }
}

/// A time that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// In milliseconds.
    pub(super) time: u64,
    /// From which width on.
    pub(super) width: Width,
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Milliseconds between two times, such as people count in.
const STEPS: [u64; 24] = [
    10,
    20,
    50,
    100,
    200,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
];

/// The pixels that a time takes, with some room around it.
const ROOM: u64 = 72;

/// The times to name of a recording that plays so many milliseconds. Its end is not among them: that
/// stands at the right edge, and what it would cover is left away.
pub(super) fn ticks(length: u64) -> Vec<Tick> {
    let mut ticks: Vec<Tick> = Vec::new();
    let mut before: Option<u64> = None;
    for width in Width::ALL {
        // So far apart that one has the room; those of a narrow picture stay in a wide one.
        let fits = |step: &u64| length.saturating_mul(ROOM) <= step * width.pixels();
        let divides = |step: &u64| before.is_none_or(|before| before.is_multiple_of(*step));
        let mut steps = STEPS.into_iter().filter(divides);
        let Some(step) = steps.find(fits) else {
            continue;
        };
        before = Some(step);
        let has_room = |time: &u64| {
            let rest = length.saturating_sub(*time);
            rest > 0 && rest * width.pixels() >= ROOM * length
        };
        for time in (0..).map(|number| number * step).take_while(has_room) {
            if ticks.iter().all(|tick| tick.time != time) {
                ticks.push(Tick { time, width });
            }
        }
    }
    ticks
}

/// A time of a recording that plays `length` milliseconds, as a clock shows it: `1:02:03`, `2:03`, and of
/// a short one `0:02.5`.
pub(super) fn clock(time: u64, length: u64) -> String {
    let (hours, minutes) = (time / HOUR, time % HOUR / MINUTE);
    let (seconds, rest) = (time % MINUTE / SECOND, time % SECOND);
    let fraction = match length {
        _ if rest == 0 => String::new(),
        0..SECOND => format!(".{:02}", rest / 10),
        SECOND..10_000 => format!(".{}", rest / 100),
        _ => String::new(),
    };
    if length >= HOUR {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(length: u64, widths: &[Width]) -> Vec<String> {
        let mut ticks = ticks(length);
        ticks.retain(|tick| widths.contains(&tick.width));
        ticks.sort_by_key(|tick| tick.time);
        let times = ticks.iter().map(|tick| clock(tick.time, length));
        times.collect()
    }

    #[test]
    fn times_are_such_as_people_count_in() {
        for (length, narrow, wide) in [
            (
                3_200,
                "0:00 0:01 0:02",
                "0:00 0:00.5 0:01 0:01.5 0:02 0:02.5",
            ),
            (
                121_000,
                "0:00 1:00",
                "0:00 0:10 0:20 0:30 0:40 0:50 1:00 1:10 1:20 1:30 1:40 1:50",
            ),
            (
                HOUR,
                "0:00:00 0:30:00",
                "0:00:00 0:05:00 0:10:00 0:15:00 0:20:00 0:25:00 0:30:00 0:35:00 0:40:00 0:45:00 \
                 0:50:00 0:55:00",
            ),
            (120, "0:00 0:00.05", "0:00 0:00.01"),
        ] {
            assert_eq!(named(length, &[Width::Any]).join(" "), narrow);
            let found = named(length, &Width::ALL).join(" ");
            assert!(found.starts_with(wide), "{length}: {found}");
        }
    }

    #[test]
    fn no_time_covers_another_or_the_end() {
        let lengths = (0..400).map(|number| 7 + number * number * number * 11);
        for length in lengths.chain([0, 1, 999, 1000, 86_400_000, 1 << 40]) {
            for (count, width) in Width::ALL.iter().enumerate() {
                let mut times: Vec<_> = ticks(length)
                    .into_iter()
                    .filter(|tick| Width::ALL[..=count].contains(&tick.width))
                    .map(|tick| tick.time)
                    .chain([length])
                    .collect();
                times.sort_unstable();
                for pair in times.windows(2) {
                    let pixels = (pair[1] - pair[0]) * width.pixels() / length;
                    assert!(pixels >= ROOM, "{length} {width:?} {times:?}");
                }
            }
        }
    }
}
