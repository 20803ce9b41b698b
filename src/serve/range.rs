//! [`wanted`]: which part of a recording a request asks for (RFC 9110, 14).

use axum::http::header::{IF_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderName, Method};
use http_range_header::{SyntacticallyCorrectRange as Spec, parse_range_header};

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: 200.
    Whole,
    /// The bytes from `first` to `last`, both included and there: 206.
    Part {
        /// The first byte's place, from 0.
        first: u64,
        /// The last byte's place, less than the length.
        last: u64,
    },
    /// Bytes that are not there: 416.
    Unsatisfiable,
}

/// What a request asks for of `length` bytes whose strong entity tag is `etag`, with its quotes.
///
/// "A server MAY ignore the Range header field" (14.2): this does where there are several ranges or
/// several lines, and where it cannot be read, which "an origin server MUST ignore" of units that it
/// does not know. `If-Match` and `If-None-Match` mean nothing here: nothing may be stored.
pub(crate) fn wanted(method: &Method, headers: &HeaderMap, length: u64, etag: &str) -> Wanted {
    // "This specification only defines range handling for GET."
    if method != Method::GET || !is_same(headers, etag) {
        return Wanted::Whole;
    }
    match only(headers, &RANGE).and_then(spec) {
        None => Wanted::Whole,
        Some(spec) => part(spec, length),
    }
}

/// Whether a condition on the entity tag holds, if there is one (13.1.5). A weak tag never does, and no
/// date: none is sent with a recording.
fn is_same(headers: &HeaderMap, etag: &str) -> bool {
    !headers.contains_key(IF_RANGE) || only(headers, &IF_RANGE) == Some(etag)
}

/// The value of a header that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    value.to_str().ok()
}

/// The only range of a set that can be read. The crate takes white space behind `bytes=`, as most servers
/// do, and none of more than 30 digits.
fn spec(value: &str) -> Option<Spec> {
    let ranges = parse_range_header(value).ok()?.into_ranges();
    let [spec] = ranges.as_slice() else {
        return None;
    };
    // What is beyond 64 bits is the greatest number there, which hides that a range ends before it begins.
    let is_hidden = matches!(spec, Spec::Indexed(u64::MAX, _)) && ends_before_it_begins(value);
    (!is_hidden).then_some(*spec)
}

/// Whether of the numbers around the hyphen, of any length, the second is less.
fn ends_before_it_begins(value: &str) -> bool {
    let mut numbers = value.split(|c: char| !c.is_ascii_digit());
    let mut number = || {
        let digits = numbers.find(|digits| !digits.is_empty())?;
        let digits = digits.trim_start_matches('0');
        Some((digits.len(), digits))
    };
    let first = number();
    number() < first
}

/// The bytes that are there of a range. The crate's own `validate` has no range for a suffix of nothing.
fn part(spec: Spec, length: u64) -> Wanted {
    // Of an empty recording only a suffix is satisfiable, and no range can be told of it.
    let Some(end) = length.checked_sub(1) else {
        return match spec {
            Spec::FromLast(1..) => Wanted::Whole,
            _ => Wanted::Unsatisfiable,
        };
    };
    let (first, last) = match spec {
        Spec::FromStart(first) => (first, end),
        Spec::Indexed(first, last) => (first, last.min(end)),
        Spec::FromLast(suffix) => (length.saturating_sub(suffix), end),
    };
    if first < length {
        Wanted::Part { first, last }
    } else {
        Wanted::Unsatisfiable
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const ETAG: &str = "\"6f1ed002ab5595859014ebf0951522d9\"";

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let value = |value: &str| HeaderValue::from_bytes(value.as_bytes()).unwrap();
        all.iter()
            .map(|(name, text)| (HeaderName::from_static(name), value(text)))
            .collect()
    }

    fn get(all: &[(&'static str, &str)], length: u64) -> Wanted {
        wanted(&Method::GET, &headers(all), length, ETAG)
    }

    fn range(value: &str, length: u64) -> Wanted {
        get(&[("range", value)], length)
    }

    fn bytes(first: u64, last: u64) -> Wanted {
        Wanted::Part { first, last }
    }

    #[test]
    fn a_request_without_a_range_is_for_the_whole() {
        assert_eq!(get(&[], 10), Wanted::Whole);
        assert_eq!(get(&[("if-range", ETAG)], 10), Wanted::Whole);
        assert_eq!(get(&[], 0), Wanted::Whole);
    }

    #[test]
    fn a_range_is_cut_to_what_is_there() {
        for (value, expected) in [
            ("bytes=0-", bytes(0, 9)),
            ("bytes=0-0", bytes(0, 0)),
            ("bytes=9-9", bytes(9, 9)),
            ("bytes=9-", bytes(9, 9)),
            ("bytes=2-5", bytes(2, 5)),
            ("bytes=2-10", bytes(2, 9)),
            ("bytes=002-05", bytes(2, 5)),
            ("bytes=2-18446744073709551615", bytes(2, 9)),
            ("bytes=2-18446744073709551616", bytes(2, 9)),
            ("bytes=2-999999999999999999999999999999", bytes(2, 9)),
            ("bytes=-1", bytes(9, 9)),
            ("bytes=-10", bytes(0, 9)),
            ("bytes=-11", bytes(0, 9)),
            ("bytes=-18446744073709551616", bytes(0, 9)),
            ("BYTES=2-5", bytes(2, 5)),
            ("Bytes=2-5", bytes(2, 5)),
            // Empty elements of a list are none (5.6.1.2).
            ("bytes=,2-5 ,\t, ", bytes(2, 5)),
        ] {
            assert_eq!(range(value, 10), expected, "{value}");
        }
        assert_eq!(
            range("bytes=0-18446744073709551615", u64::MAX),
            bytes(0, u64::MAX - 1)
        );
    }

    #[test]
    fn a_range_of_which_nothing_is_there_is_unsatisfiable() {
        for value in [
            "bytes=10-",
            "bytes=10-10",
            "bytes=10-20",
            "bytes=-0",
            "bytes=-000",
            "bytes=18446744073709551615-",
            "bytes=18446744073709551616-",
            "bytes=18446744073709551615-18446744073709551615",
            "bytes=18446744073709551616-18446744073709551616",
            "bytes=018446744073709551619-18446744073709551620",
        ] {
            assert_eq!(range(value, 10), Wanted::Unsatisfiable, "{value}");
        }
    }

    #[test]
    fn of_an_empty_recording_only_a_suffix_is_satisfiable() {
        for value in ["bytes=0-", "bytes=0-0", "bytes=1-", "bytes=-0"] {
            assert_eq!(range(value, 0), Wanted::Unsatisfiable, "{value}");
        }
        for value in ["bytes=-1", "bytes=-9"] {
            assert_eq!(range(value, 0), Wanted::Whole, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes= ",
            "bytes=,",
            "bytes=-",
            "bytes=--1",
            "bytes=5",
            "bytes=a-b",
            "bytes=0-b",
            "bytes=5-2",
            "bytes=18446744073709551616-5",
            "bytes=18446744073709551617-18446744073709551616",
            "bytes=99999999999999999999-18446744073709551616",
            "bytes=+0-5",
            "bytes=0-+5",
            "bytes=0x0-5",
            "bytes=0.0-5",
            "bytes=0 -5",
            "bytes=0- 5",
            "bytes=0-5-",
            "bytes=1-2-3",
            "bytes=0-5;",
            "bytes =0-5",
            " bytes=0-5",
            "bytes:0-5",
            "bytes==0-5",
            "bits=0-5",
            "items=0-5",
            "bytes-0-5",
            "\u{ff11}=0-5",
            "bytes=\u{ff11}-5",
            &format!("bytes={}-", "9".repeat(1 << 16)),
            &format!("bytes={}", ",".repeat(1 << 16)),
        ] {
            assert_eq!(range(value, 10), Wanted::Whole, "{value}");
        }
    }

    #[test]
    fn several_ranges_are_answered_with_the_whole() {
        let many = format!("bytes={}", "0-0,".repeat(1 << 12));
        for value in [
            "bytes=0-1,3-4",
            "bytes=0-1, 0-1",
            "bytes=0-1,100-",
            "bytes=100-,200-",
            "bytes=0-1,-0",
            "bytes=0-1,x",
            "bytes=0-1,5-2",
            &many,
        ] {
            assert_eq!(range(value, 10), Wanted::Whole, "{value}");
        }
        let lines = [("range", "bytes=0-1"), ("range", "bytes=0-1")];
        assert_eq!(get(&lines, 10), Wanted::Whole);
        let lines = [("range", "bytes=20-"), ("range", "items=1")];
        assert_eq!(get(&lines, 10), Wanted::Whole);
    }

    #[test]
    fn a_range_is_of_get_only() {
        let headers = headers(&[("range", "bytes=20-")]);
        for method in [Method::HEAD, Method::POST, Method::OPTIONS] {
            let wanted = wanted(&method, &headers, 10, ETAG);
            assert_eq!(wanted, Wanted::Whole, "{method}");
        }
        let lower = Method::from_bytes(b"get").unwrap();
        assert_eq!(wanted(&lower, &headers, 10, ETAG), Wanted::Whole);
    }

    #[test]
    fn a_range_of_something_else_is_ignored() {
        let conditional = |conditions: &[&str], spec: &str| {
            let mut all = vec![("range", spec)];
            all.extend(conditions.iter().map(|tag| ("if-range", *tag)));
            get(&all, 10)
        };
        assert_eq!(conditional(&[ETAG], "bytes=2-5"), bytes(2, 5));
        assert_eq!(conditional(&[ETAG], "bytes=20-"), Wanted::Unsatisfiable);
        let unquoted = ETAG.trim_matches('"');
        let weak = format!("W/{ETAG}");
        let list = format!("{ETAG}, {ETAG}");
        let upper = ETAG.to_uppercase();
        for tags in [
            &["\"other\""][..],
            &[&weak],
            &[unquoted],
            &[&list],
            &[&upper],
            &["*"],
            &[""],
            &["\u{e9}"],
            &["Mon, 30 Nov 2026 12:00:00 GMT"],
            &[ETAG, ETAG],
            &[ETAG, "\"other\""],
        ] {
            for spec in ["bytes=2-5", "bytes=20-"] {
                assert_eq!(conditional(tags, spec), Wanted::Whole, "{tags:?}");
            }
        }
    }

    #[test]
    fn other_conditions_mean_nothing() {
        let all = [
            ("range", "bytes=2-5"),
            ("if-match", "\"other\""),
            ("if-none-match", ETAG),
            ("if-modified-since", "Mon, 30 Nov 2026 12:00:00 GMT"),
        ];
        assert_eq!(get(&all, 10), bytes(2, 5));
    }

    /// The rules of RFC 9110, 14.1.2, tried on each byte.
    fn slow(value: &str, length: u64) -> Wanted {
        let Some((unit, set)) = value.split_once('=') else {
            return Wanted::Whole;
        };
        let number = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse::<u128>().unwrap())
        };
        let mut found = Vec::new();
        for element in set
            .split(',')
            .map(|element| element.trim_matches([' ', '\t']))
        {
            if element.is_empty() {
                continue;
            }
            let Some((first, last)) = element.split_once('-') else {
                return Wanted::Whole;
            };
            match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => found.push((Some(first), Some(last))),
                (Some(first), None) if last.is_empty() => found.push((Some(first), None)),
                (None, Some(last)) if first.is_empty() => found.push((None, Some(last))),
                _ => return Wanted::Whole,
            }
        }
        let ([range], true) = (found.as_slice(), unit.eq_ignore_ascii_case("bytes")) else {
            return Wanted::Whole;
        };
        let is_in = |place: &u64| match (u128::from(*place), *range) {
            (place, (Some(first), last)) => first <= place && last.is_none_or(|last| place <= last),
            (place, (None, suffix)) => place + suffix.unwrap_or(0) >= u128::from(length),
        };
        let places: Vec<_> = (0..length).filter(is_in).collect();
        match (places.as_slice(), *range) {
            ([first, .., last], _) => bytes(*first, *last),
            ([only], _) => bytes(*only, *only),
            ([], (None, Some(1..))) if length == 0 => Wanted::Whole,
            ([], _) => Wanted::Unsatisfiable,
        }
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => "[0-9]{1,2}",
            1 => "0{0,8}[0-9]",
            1 => "1844674407370955161[0-9]",
            1 => "[0-9]{1,30}",
            1 => "",
            1 => "[0-9a +-]{1,3}",
        ]
    }

    fn value() -> impl Strategy<Value = String> {
        let element = prop_oneof![
            9 => (number(), number()).prop_map(|(first, last)| format!("{first}-{last}")),
            1 => "[0-9,;-]{0,4}",
        ];
        let set = prop::collection::vec(("[ \t]?", element, "[ \t]?"), 0..3);
        let unit =
            prop_oneof![9 => Just("bytes".to_owned()), 1 => "[bB][yY]tes", 1 => "[a-z]{0,6}"];
        (unit, set).prop_map(|(unit, set)| {
            let set: Vec<_> = set
                .into_iter()
                .map(|(before, element, behind)| format!("{before}{element}{behind}"))
                .collect();
            // Around a header's value there is no white space (5.5).
            let set = set.join(",");
            format!("{unit}={}", set.trim_end())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn each_range_is_the_one_of_the_slow_way(value in value(), length in 0_u64..100) {
            prop_assert_eq!(range(&value, length), slow(&value, length), "{}", value);
        }

        #[test]
        fn each_single_range_is_that_slice(first in 0_u64..120, more in 0_u64..120, length in 1_u64..100) {
            let last = first + more;
            for value in [format!("bytes={first}-{last}"), format!("bytes={first}-"), format!("bytes=-{first}")] {
                prop_assert_eq!(range(&value, length), slow(&value, length), "{}", value);
            }
        }
    }
}
