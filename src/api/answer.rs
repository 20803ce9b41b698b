//! Answers in JSON: what is read of them, whatever types the provider gives its values.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::client::{Client, Request};
use super::error::Error;
use crate::provider::IdKind;

/// How many values an answer may have.
const VALUES: u32 = 131_072;

/// Who answers a request with the bytes of a document in JSON.
pub(super) trait Ask: Send + Sync {
    /// Asks.
    fn ask(&self, request: &Request) -> Result<Vec<u8>, Error>;
}

impl Ask for Client {
    fn ask(&self, request: &Request) -> Result<Vec<u8>, Error> {
        self.json(request)
    }
}

/// Reads the answer of `host`, an object.
///
/// # Errors
/// [`Error::Answer`], where it is something else, or has too many values.
pub(super) fn read<'a, T: Deserialize<'a>>(host: &str, bytes: &'a [u8]) -> Result<T, Error> {
    let first = bytes.trim_ascii_start().first();
    match first {
        None => return Err(unusable(host, "it is empty")),
        Some(b'<') => return Err(unusable(host, "it is a page of HTML or XML, not JSON")),
        Some(_) => {}
    }
    let left = Cell::new(VALUES);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let counted = Counter(&left).deserialize(&mut reader);
    if let Err(error) = counted.and_then(|()| reader.end()) {
        return Err(match left.get() {
            0 => unusable(host, &format!("it has more than {VALUES} values")),
            _ => unusable(host, &format!("it is not JSON: {error}")),
        });
    }
    serde_json::from_slice(bytes).map_err(|_| unusable(host, &other(bytes, "it is something else")))
}

/// Reads one element of a list that [`read`] read.
///
/// # Errors
/// As those of [`read`].
pub(super) fn element<'a, T: Deserialize<'a>>(host: &str, raw: &'a RawValue) -> Result<T, Error> {
    let not = |_| unusable(host, "an entry of its list is no recording");
    serde_json::from_str(raw.get()).map_err(not)
}

/// The id `said` in the answer `document` of `host`, which must be one of `kinds`, and that of
/// `asked` where one was asked for.
///
/// # Errors
/// [`Error::Answer`], where it is something else.
pub(super) fn id(
    host: &str,
    document: &[u8],
    said: &Scalar<'_>,
    kinds: &[IdKind],
    asked: Option<&str>,
) -> Result<String, Error> {
    let id = said
        .text()
        .ok_or_else(|| lacks(host, document, "id of a recording"))?;
    if !IdKind::of(id).is_some_and(|kind| kinds.contains(&kind)) {
        return Err(unusable(host, "the id in it is none of a recording"));
    }
    if asked.is_some_and(|asked| !asked.eq_ignore_ascii_case(id)) {
        return Err(unusable(
            host,
            &format!("it is about another recording, {id}"),
        ));
    }
    Ok(id.to_owned())
}

/// The error of an answer that lacks `what`. Where it is an error that came as a success, it says so.
pub(super) fn lacks(host: &str, bytes: &[u8], what: &str) -> Error {
    unusable(host, &other(bytes, &format!("there is no {what} in it")))
}

/// The error of an answer of `host` that cannot be used.
pub(super) fn unusable(host: &str, reason: &str) -> Error {
    Error::Answer {
        host: host.to_owned(),
        reason: reason.to_owned(),
    }
}

/// What a provider says is wrong: Twilio with `code`, `message`; Vonage's gateway with `title`,
/// `detail`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem<'a> {
    #[serde(borrow)]
    code: Scalar<'a>,
    message: Scalar<'a>,
    title: Scalar<'a>,
    detail: Scalar<'a>,
}

/// What an answer is in place of what was asked for, else `otherwise`.
fn other(bytes: &[u8], otherwise: &str) -> String {
    let problem: Problem<'_> = serde_json::from_slice(bytes).unwrap_or_default();
    let texts = [&problem.message, &problem.detail, &problem.title];
    let text = texts.into_iter().find_map(Scalar::text);
    match (problem.code.text(), text) {
        (Some(code), Some(text)) => format!("it is an error, {code}: {text}"),
        (None, Some(text)) => format!("it is an error: {text}"),
        _ => otherwise.to_owned(),
    }
}

/// A value that is a text, a number or a boolean, as its text; nothing where it is null, an array
/// or an object. Twilio has numbers in quotation marks (`"duration": "4"`), and not everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scalar<'a>(Option<Cow<'a, str>>);

impl Scalar<'_> {
    /// The text; `""` counts as absent.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// The same, for keeping.
    pub(super) fn owned(&self) -> Option<String> {
        self.text().map(ToOwned::to_owned)
    }

    /// The whole number that it is.
    pub(super) fn whole(&self) -> Option<u64> {
        self.text()?.trim().parse().ok()
    }

    /// That many seconds. Twilio says `-1` of a recording that is not completed.
    pub(super) fn seconds(&self) -> Option<Duration> {
        let seconds: f64 = self.text()?.trim().parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// The time that it says, in the form of RFC 2822 or RFC 3339.
    pub(super) fn time(&self) -> Option<Timestamp> {
        let text = self.text()?.trim();
        let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
        let time = text.parse().ok();
        time.or_else(|| parser.parse_timestamp(text).ok())
    }

    /// The time that it counts, in milliseconds since 1970.
    pub(super) fn milliseconds(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.whole()?.try_into().ok()?).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let is_text = raw.starts_with('"');
        Ok(Self(match raw.as_bytes().first() {
            Some(b'[' | b'{' | b'n') | None => None,
            // What has no escapes is borrowed.
            Some(_) if is_text && !raw.contains('\\') => {
                raw.get(1..raw.len() - 1).map(Cow::Borrowed)
            }
            Some(_) if is_text => Some(Cow::Owned(
                serde_json::from_str(raw).map_err(D::Error::custom)?,
            )),
            Some(_) => Some(Cow::Borrowed(raw)),
        }))
    }
}

/// Counts values down from what is left, and keeps none.
struct Counter<'a>(&'a Cell<u32>);

impl<'de> DeserializeSeed<'de> for Counter<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0.get() {
            0 => return Err(D::Error::custom("too many values")),
            left => self.0.set(left - 1),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counter<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Counter(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Name)?.is_some() {
            map.next_value_seed(Counter(self.0))?;
        }
        Ok(())
    }
}

/// The name of a member, which counts for nothing.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_identifier(Counter(&Cell::new(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct One<'a> {
        #[serde(borrow)]
        sid: Scalar<'a>,
    }

    fn reason(bytes: &[u8]) -> String {
        match read::<One<'_>>("example.com", bytes) {
            Err(Error::Answer { host, reason }) => {
                assert_eq!(host, "example.com");
                reason
            }
            other => panic!("{other:?}"),
        }
    }

    fn scalar(json: &str) -> Scalar<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        for (bytes, expected) in [
            (&b""[..], "it is empty"),
            (b" \r\n", "it is empty"),
            (
                b"<?xml version='1.0'?><TwilioResponse/>",
                "it is a page of HTML or XML, not JSON",
            ),
            (
                b"\n<!DOCTYPE html>",
                "it is a page of HTML or XML, not JSON",
            ),
            (
                b"{\"sid\":",
                "it is not JSON: EOF while parsing a value at line 1 column 7",
            ),
            (
                b"{} {}",
                "it is not JSON: trailing characters at line 1 column 4",
            ),
            (b"7", "it is something else"),
            (b"\"RE\"", "it is something else"),
            (b"null", "it is something else"),
            (b"{\"sid\":1,\"sid\":2}", "it is something else"),
        ] {
            assert_eq!(reason(bytes), expected);
        }
        assert!(reason(b"{\"sid\":\"\xff\"}").starts_with("it is not JSON"));
        assert!(reason("[".repeat(100_000).as_bytes()).starts_with("it is not JSON"));
    }

    #[test]
    fn an_error_that_came_as_a_success_is_named() {
        for (body, expected) in [
            (
                r#"{"code":20404,"message":"The requested resource was not found","status":404}"#,
                "it is an error, 20404: The requested resource was not found",
            ),
            (
                r#"{"type":"x","title":"Unauthorized","detail":"You did not provide credentials."}"#,
                "it is an error: You did not provide credentials.",
            ),
            (r#"{"id":null}"#, "there is no list in it"),
        ] {
            let error = lacks("example.com", body.as_bytes(), "list");
            assert_eq!(error, unusable("example.com", expected));
        }
    }

    #[test]
    fn values_have_a_limit() {
        let list = |values: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(values - 3));
        assert!(read::<One<'_>>("example.com", list(131_072).as_bytes()).is_ok());
        let expected = "it has more than 131072 values";
        assert_eq!(reason(list(131_073).as_bytes()), expected);
        let objects = format!("[{}{{}}]", "{\"a\":\"\"},".repeat(70_000));
        assert_eq!(reason(objects.as_bytes()), expected);
    }

    #[test]
    fn a_value_may_be_of_any_type() {
        for (json, text, whole) in [
            ("\"4\"", Some("4"), Some(4)),
            ("4", Some("4"), Some(4)),
            ("\" 4 \"", Some(" 4 "), Some(4)),
            ("-1", Some("-1"), None),
            ("1.5", Some("1.5"), None),
            ("\"\"", None, None),
            ("null", None, None),
            ("true", Some("true"), None),
            ("[4]", None, None),
            ("{\"a\":4}", None, None),
            (r#""a\"\u00e4\n""#, Some("a\"\u{e4}\n"), None),
            (
                "18446744073709551615",
                Some("18446744073709551615"),
                Some(u64::MAX),
            ),
        ] {
            assert_eq!(scalar(json).text(), text, "{json}");
            assert_eq!(scalar(json).whole(), whole, "{json}");
        }
    }

    #[test]
    fn seconds_are_what_can_be_a_duration() {
        for (json, milliseconds) in [
            ("\"4\"", Some(4000)),
            ("4.25", Some(4250)),
            ("0", Some(0)),
            ("\"-1\"", None),
            ("\"NaN\"", None),
            ("1e300", None),
            ("\"four\"", None),
            ("null", None),
        ] {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(scalar(json).seconds(), expected, "{json}");
        }
    }

    #[test]
    fn times_come_in_two_forms() {
        let time = "2016-08-23T00:00:00Z".parse().ok();
        for (json, expected) in [
            ("\"Tue, 23 Aug 2016 00:00:00 +0000\"", time),
            ("\"Tue, 23 Aug 2016 02:00:00 +0200\"", time),
            ("\"Mon, 23 Aug 2016 00:00:00 GMT\"", time),
            ("\"23 Aug 2016 00:00:00 +0000\"", time),
            ("\"2016-08-23T00:00:00Z\"", time),
            ("\"2016-08-23T02:00:00.000+02:00\"", time),
            ("\"2016-08-23T00:00:00+0000\"", time),
            ("\"2016-08-23\"", None),
            ("\"yesterday\"", None),
            ("1471910400", None),
            ("null", None),
        ] {
            assert_eq!(scalar(json).time(), expected, "{json}");
        }
        let time = Timestamp::from_millisecond(1_384_221_730_123).ok();
        assert_eq!(scalar("1384221730123").milliseconds(), time);
        assert_eq!(scalar("\"1384221730123\"").milliseconds(), time);
        for json in ["-1", "18446744073709551615", "9223372036854775807", "\"\""] {
            assert_eq!(scalar(json).milliseconds(), None, "{json}");
        }
    }
}
