//! JSON texts, read without losing what contradicts itself.
//!
//! `serde_json::Value` keeps the last of two equal names. Metadata that names two keys for one
//! recording must be refused, so [`Object`] keeps every member, and the look-up compares them.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Number;
use zeroize::Zeroizing;

use super::document::quoted;
use super::error::MetadataError;

/// The most values of a document: JSON values, form fields, header lines. A full list page has
/// 1,000 recordings and about 35,000 values. Small values need many times their length in memory.
const VALUES: usize = 1 << 17;

/// A JSON value (RFC 8259). Its strings may be secrets, and are wiped when dropped.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(Zeroizing<String>),
    Array(Vec<Json>),
    Object(Object),
}

/// A JSON object: its members as they stand in the text, duplicates included.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Object(Vec<(String, Json)>);

/// One element of a document, or why it cannot be read.
pub(super) type Entry = Result<Json, MetadataError>;

/// How many values may still be read of a document, before they take memory.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    /// What a document may have.
    pub(super) fn new() -> Self {
        Self(Cell::new(VALUES))
    }

    /// Takes one value.
    pub(super) fn spend(&self) -> Result<(), MetadataError> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.unwrap_or_default());
        left.map(|_| ())
            .ok_or(MetadataError::TooMany { limit: VALUES })
    }
}

/// Reads JSON texts that follow one another.
///
/// In JSON Lines (a log of callbacks) a broken line is that entry's error; in any other text an
/// error is the whole document's.
pub(super) fn texts(text: &str, budget: &Budget) -> Result<Vec<Entry>, MetadataError> {
    let mut entries = Vec::new();
    let mut rest = text;
    while !rest.trim_start().is_empty() {
        match first(rest, budget) {
            Ok((value, behind)) => {
                entries.push(Ok(value));
                rest = behind;
            }
            Err(error @ MetadataError::TooMany { .. }) => return Err(error),
            Err(_) if is_json_lines(text) => return json_lines(text, &Budget::new()),
            Err(_) => return Err(place_in(text, rest, budget)),
        }
    }
    Ok(entries)
}

fn json_lines(text: &str, budget: &Budget) -> Result<Vec<Entry>, MetadataError> {
    let mut entries = Vec::new();
    for (index, line) in lines(text) {
        budget.spend()?;
        match one(line, budget) {
            Err(Failed::Budget(error)) => return Err(error),
            Err(Failed::Syntax(error)) => entries.push(Err(syntax(&error, index))),
            Ok(value) => entries.push(Ok(value)),
        }
    }
    Ok(entries)
}

/// Reads one JSON text.
pub(super) fn value(text: &str, budget: &Budget) -> Result<Json, MetadataError> {
    one(text, budget).map_err(|failed| match failed {
        Failed::Budget(error) => error,
        Failed::Syntax(error) => syntax(&error, 0),
    })
}

/// Reads the JSON text at the start of `text`, and gives what stands behind it.
pub(super) fn first<'a>(text: &'a str, budget: &Budget) -> Result<(Json, &'a str), MetadataError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    match Seed(budget).deserialize(&mut reader) {
        Ok(value) => {
            let end = reader.into_iter::<IgnoredAny>().byte_offset();
            Ok((value, text.get(end..).unwrap_or_default()))
        }
        Err(error) => Err(spent(budget).unwrap_or_else(|| syntax(&error, 0))),
    }
}

enum Failed {
    Budget(MetadataError),
    Syntax(serde_json::Error),
}

fn one(text: &str, budget: &Budget) -> Result<Json, Failed> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Seed(budget)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| match spent(budget) {
            Some(error) => Failed::Budget(error),
            None => Failed::Syntax(error),
        })
}

/// Whether the reader gave up because there was nothing left to spend.
fn spent(budget: &Budget) -> Option<MetadataError> {
    (budget.0.get() == 0).then_some(MetadataError::TooMany { limit: VALUES })
}

/// The error of `rest`, the end of `text`, its place counted from the start of `text`.
fn place_in(text: &str, rest: &str, budget: &Budget) -> MetadataError {
    let mut reader = serde_json::Deserializer::from_str(rest);
    let Err(error) = Seed(budget).deserialize(&mut reader) else {
        return MetadataError::TooMany { limit: VALUES };
    };
    if let Some(error) = spent(budget) {
        return error;
    }
    let before = text.get(..text.len() - rest.len()).unwrap_or_default();
    let lines = before.matches('\n').count();
    let columns = match error.line() {
        1 => before.len() - before.rfind('\n').map_or(0, |end| end + 1),
        _ => 0,
    };
    syntax_at(&error, error.line() + lines, error.column() + columns)
}

fn is_json_lines(text: &str) -> bool {
    lines(text).count() > 1 && lines(text).all(|(_, line)| line.starts_with('{'))
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
}

/// What `serde_json` says, its line counted from the start of the document.
fn syntax(error: &serde_json::Error, lines_before: usize) -> MetadataError {
    syntax_at(error, error.line() + lines_before, error.column())
}

fn syntax_at(error: &serde_json::Error, line: usize, column: usize) -> MetadataError {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = error.to_string();
    let reason = reason.strip_suffix(&place).unwrap_or(&reason);
    MetadataError::Syntax {
        expected: "JSON",
        // A reader of any value quotes none.
        detail: format!("{} at line {line} column {column}", quoted(reason)),
    }
}

/// Whether two names are one: `encryptedCek`, `EncryptedCek`, `encrypted-cek` and
/// `encrypted_cek`, as languages and clients spell it.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    plain_name(one).eq(plain_name(other))
}

fn plain_name(name: &str) -> impl Iterator<Item = u8> {
    name.bytes()
        .filter(|byte| !matches!(byte, b'_' | b'-'))
        .map(|byte| byte.to_ascii_lowercase())
}

/// A value without the array around it, as headers have one where a name may come again.
fn alone(mut value: &Json) -> &Json {
    while let Json::Array(values) = value {
        match values.as_slice() {
            [] => return &Json::Null,
            [first, rest @ ..] if rest.iter().all(|other| other == first) => value = first,
            _ => break,
        }
    }
    value
}

impl Object {
    /// Whether a member has one of these names, `null` or not.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.named(names).next().is_some()
    }

    /// The member with one of these names, and how it is spelt; `null` counts as absent, and an
    /// array of one value is that value.
    ///
    /// Names are compared as [`is_same`] does. Where several members match, they must agree.
    pub(super) fn get(&self, names: &[&str]) -> Result<Option<(&str, &Json)>, MetadataError> {
        let value = self.named(names).find(|(_, value)| **value != Json::Null);
        let Some((name, value)) = value else {
            return Ok(None);
        };
        let disagrees = |(other, item): &(&String, &Json)| {
            *item != value && (**item != Json::Null || *other == name)
        };
        match self.named(names).find(disagrees) {
            Some((other, _)) => Err(MetadataError::Contradiction {
                first: quoted(name),
                second: if other == name {
                    format!("another {}", quoted(other))
                } else {
                    quoted(other)
                },
            }),
            None => Ok(Some((name, value))),
        }
    }

    /// Like [`get`](Self::get), for a member that must be a string; `""` counts as absent.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<(&str, &str)>, MetadataError> {
        match self.get(names)? {
            None => Ok(None),
            Some((_, Json::String(text))) if text.is_empty() => Ok(None),
            Some((name, Json::String(text))) => Ok(Some((name, text))),
            Some((name, other)) => Err(MetadataError::Invalid {
                field: quoted(name),
                problem: format!("{}, not a string", other.kind()),
            }),
        }
    }

    /// Like [`text`](Self::text), for a member that must be there. The first name is the
    /// documented one.
    pub(super) fn required(&self, names: &[&'static str]) -> Result<(&str, &str), MetadataError> {
        self.text(names)?.ok_or(MetadataError::Missing {
            field: names.first().copied().unwrap_or_default(),
        })
    }

    /// All members, in the order of the text.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The members, taken out.
    pub(super) fn into_members(self) -> Vec<(String, Json)> {
        self.0
    }

    fn named(&self, names: &[&str]) -> impl Iterator<Item = (&String, &Json)> {
        let matches = |name: &str| names.iter().any(|one| is_same(one, name));
        let named = self.0.iter().filter(move |(name, _)| matches(name));
        named.map(|(name, value)| (name, alone(value)))
    }
}

impl Extend<(String, Json)> for Object {
    fn extend<T: IntoIterator<Item = (String, Json)>>(&mut self, members: T) {
        self.0.extend(members);
    }
}

impl FromIterator<(String, Json)> for Object {
    fn from_iter<T: IntoIterator<Item = (String, Json)>>(members: T) -> Self {
        Self(members.into_iter().collect())
    }
}

impl Json {
    /// A string.
    pub(super) fn text(text: &str) -> Self {
        Self::String(Zeroizing::new(text.to_owned()))
    }

    /// What kind of value it is, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads any value, and counts it.
struct Seed<'a>(&'a Budget);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.0.spend().map_err(D::Error::custom)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Seed(self.0))? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key()? {
            members.push((name, map.next_value_seed(Seed(self.0))?));
        }
        Ok(Json::Object(Object(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object {
        match value(text, &Budget::new()).unwrap() {
            Json::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    fn contradiction(first: &str, second: &str) -> MetadataError {
        MetadataError::Contradiction {
            first: first.to_owned(),
            second: second.to_owned(),
        }
    }

    #[test]
    fn duplicates_that_agree_are_one() {
        let found = object(r#"{"iv":"a","iv":"a","IV":"a"}"#);
        assert_eq!(found.text(&["iv"]), Ok(Some(("iv", "a"))));
    }

    #[test]
    fn duplicates_that_differ_are_refused() {
        for text in [r#"{"iv":"a","iv":"b"}"#, r#"{"iv":"a","iv":null}"#] {
            let object = object(text);
            assert_eq!(
                object.get(&["iv"]),
                Err(contradiction("iv", "another iv")),
                "{text}"
            );
        }
    }

    #[test]
    fn spellings_that_differ_are_refused() {
        let refused = object(r#"{"iv":"a","encryption_iv":"b"}"#);
        assert_eq!(
            refused.get(&["iv", "encryption_iv"]),
            Err(contradiction("iv", "encryption_iv"))
        );
    }

    #[test]
    fn null_under_another_spelling_is_no_contradiction() {
        let found = object(r#"{"iv":null,"encryption_iv":"b"}"#);
        assert_eq!(
            found.text(&["iv", "encryption_iv"]),
            Ok(Some(("encryption_iv", "b")))
        );
    }

    #[test]
    fn a_required_field_is_missed_by_its_documented_name() {
        let missing = Err(MetadataError::Missing { field: "iv" });
        for text in ["{}", r#"{"iv":null}"#, r#"{"encryption_iv":""}"#] {
            assert_eq!(object(text).required(&["iv", "encryption_iv"]), missing);
        }
    }

    #[test]
    fn a_string_must_be_a_string() {
        let error = object(r#"{"iv":12}"#).text(&["iv"]).unwrap_err();
        assert_eq!(error.to_string(), "iv is a number, not a string");
    }

    fn entries(text: &str) -> Result<Vec<Entry>, MetadataError> {
        texts(text, &Budget::new())
    }

    #[test]
    fn texts_may_follow_one_another() {
        let entries = entries("{\"a\":1} [{\"a\":2},[3]]\n\n{}\"b\"7 null").unwrap();
        let kinds: Vec<_> = entries.iter().flatten().map(Json::kind).collect();
        assert_eq!(
            kinds.join("|"),
            "an object|an array|an object|a string|a number|null"
        );
    }

    #[test]
    fn an_error_is_placed_in_the_whole_text() {
        for (text, place) in [
            ("{}\n {\"a\":}", "line 2 column 7"),
            ("{} {\"a\":}", "line 1 column 9"),
            ("{}\n{\"a\":\n7", "line 3 column 1"),
            ("{\"a\":}", "line 1 column 6"),
            ("{}\n {}\n {\"a\":}", "line 3 column 7"),
            ("{}\n [] {\"a\":}", "line 2 column 10"),
        ] {
            let error = entries(text).unwrap_err().to_string();
            assert!(error.ends_with(place), "{error}, not {place}");
        }
    }

    #[test]
    fn names_are_compared_without_case_and_joints() {
        let found = object(r#"{"encryptedCek":"a","EncryptedCek":"a","encrypted-cek":["a"]}"#);
        assert_eq!(
            found.text(&["encrypted_cek"]),
            Ok(Some(("encryptedCek", "a")))
        );
        assert_eq!(found.text(&["encrypted_ceks"]), Ok(None));
    }

    #[test]
    fn an_array_of_one_value_is_that_value() {
        for (text, expected) in [
            (r#"{"iv":["a"]}"#, Ok(Some(("iv", "a")))),
            (r#"{"iv":[["a","a"]]}"#, Ok(Some(("iv", "a")))),
            (r#"{"iv":[]}"#, Ok(None)),
        ] {
            assert_eq!(object(text).text(&["iv"]), expected, "{text}");
        }
        let error = object(r#"{"iv":["a","b"]}"#).text(&["iv"]).unwrap_err();
        assert_eq!(error.to_string(), "iv is an array, not a string");
    }

    #[test]
    fn a_broken_line_of_a_log_is_that_lines_error() {
        let entries = entries("{\"a\":1}\n\n{\"a\":\n{\"a\":2}\n").unwrap();
        assert_eq!(entries.len(), 3);
        let error = entries[1].clone().unwrap_err().to_string();
        assert!(error.ends_with("at line 3 column 5"), "{error}");
    }

    #[test]
    fn a_broken_text_is_the_documents_error() {
        for text in ["{\"a\":", "[{}, {]", "{\n\"a\":1\n}\n{", "{} x"] {
            let error = entries(text).unwrap_err();
            assert!(error.to_string().starts_with("it is not JSON: "), "{error}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        assert!(value(&"[".repeat(100_000), &Budget::new()).is_err());
        let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
        assert_eq!(entries(&deep).map(|all| all.len()), Ok(1));
    }

    #[test]
    fn values_are_counted_as_they_are_built() {
        for (start, repeated, end) in [
            ("[", "1,", "1]"),
            ("", "{}", ""),
            ("", "1 ", ""),
            ("", "\"\"", ""),
            ("{\"a\n", "{\"b\":[1,1]}\n", ""),
        ] {
            let text = format!("{start}{}{end}", repeated.repeat(140_000));
            let error = entries(&text).unwrap_err();
            assert_eq!(
                error,
                MetadataError::TooMany { limit: 1 << 17 },
                "{repeated}"
            );
        }
    }

    #[test]
    fn every_kind_of_value_is_kept() {
        let kinds = value(
            r#"[null,true,-1,1.5,18446744073709551615,"s",[],{}]"#,
            &Budget::new(),
        )
        .unwrap();
        let Json::Array(kinds) = kinds else {
            panic!("{kinds:?}")
        };
        let kinds: Vec<_> = kinds.iter().map(Json::kind).collect();
        let expected = "null|a boolean|a number|a number|a number|a string|an array|an object";
        assert_eq!(kinds.join("|"), expected);
    }
}
