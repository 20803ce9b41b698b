//! JSON texts, read without losing what contradicts itself.
//!
//! `serde_json::Value` keeps the last of two equal names. Metadata that names two keys for one
//! recording must be refused, so [`Object`] keeps every member, and the look-up compares them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use zeroize::Zeroize;

use super::document::{check_count, quoted};
use super::error::MetadataError;

/// A JSON value (RFC 8259).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Object),
}

/// A JSON object: its members as they stand in the text, duplicates included.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Object(Vec<(String, Json)>);

/// One element of a document, or why it cannot be read.
pub(super) type Entry = Result<Json, MetadataError>;

/// Reads JSON texts that follow one another, and takes arrays and list pages apart.
///
/// A list page is an object with an array called `list`. In JSON Lines (a log of callbacks) a
/// broken line is that entry's error; in any other text an error is the whole document's.
pub(super) fn entries(text: &str, list: &str) -> Result<Vec<Entry>, MetadataError> {
    check_count(count(text))?;
    let mut entries = Vec::new();
    match texts(text) {
        Ok(values) => values
            .into_iter()
            .for_each(|value| take_apart(value, list, &mut entries)),
        Err(_) if is_json_lines(text) => {
            for (index, line) in lines(text) {
                match serde_json::from_str(line) {
                    Ok(value) => take_apart(value, list, &mut entries),
                    Err(error) => entries.push(Err(syntax(&error, index))),
                }
            }
        }
        Err(error) => return Err(syntax(&error, 0)),
    }
    Ok(entries)
}

/// Reads one JSON text.
pub(super) fn value(text: &str) -> Result<Json, MetadataError> {
    check_count(count(text))?;
    serde_json::from_str(text).map_err(|error| syntax(&error, 0))
}

fn texts(text: &str) -> Result<Vec<Json>, serde_json::Error> {
    serde_json::Deserializer::from_str(text)
        .into_iter()
        .collect()
}

/// How many values are in a text, without building them. Each stands behind a bracket or a comma,
/// or outside of everything.
fn count(text: &str) -> usize {
    let (mut values, mut depth, mut in_string, mut escaped) = (1_usize, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            // No string goes on behind it; in a log, whatever was broken ends with its line.
            b'\n' => (in_string, escaped) = (false, false),
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => {
                in_string = !in_string;
                values += usize::from(depth == 0);
            }
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => values += usize::from(depth == 0 && !byte.is_ascii_whitespace()),
        }
    }
    values
}

fn is_json_lines(text: &str) -> bool {
    lines(text).count() > 1 && lines(text).all(|(_, line)| line.starts_with('{'))
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
}

fn take_apart(value: Json, list: &str, entries: &mut Vec<Entry>) {
    match value {
        Json::Array(values) => values
            .into_iter()
            .for_each(|value| take_apart(value, list, entries)),
        Json::Object(object) if object.is_page(list) => object
            .0
            .into_iter()
            .filter(|(name, _)| name == list)
            .for_each(|(_, value)| take_apart(value, list, entries)),
        value => entries.push(Ok(value)),
    }
}

/// What `serde_json` says, its line counted from the start of the document.
fn syntax(error: &serde_json::Error, lines_before: usize) -> MetadataError {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = error.to_string();
    MetadataError::Syntax {
        expected: "JSON",
        detail: format!(
            "{} at line {} column {}",
            quoted(reason.strip_suffix(&place).unwrap_or(&reason)),
            error.line() + lines_before,
            error.column()
        ),
    }
}

impl Object {
    /// Whether a member has one of these names, `null` or not.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.named(names).next().is_some()
    }

    /// The member with one of these names, and how it is spelt; `null` counts as absent.
    ///
    /// The case of ASCII letters does not matter: clients spell `encryption_details`,
    /// `EncryptionDetails`, `X-Amz-Meta-…` as their language likes. Where several members
    /// match, they must agree.
    pub(super) fn get(&self, names: &[&str]) -> Result<Option<(&str, &Json)>, MetadataError> {
        let value = self.named(names).find(|(_, value)| *value != Json::Null);
        let Some((name, value)) = value else {
            return Ok(None);
        };
        let disagrees = |(other, item): &&(String, Json)| {
            item != value && (*item != Json::Null || other == name)
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

    fn named(&self, names: &[&str]) -> impl Iterator<Item = &(String, Json)> {
        let matches = |name: &str| names.iter().any(|one| one.eq_ignore_ascii_case(name));
        self.0.iter().filter(move |(name, _)| matches(name))
    }

    fn is_page(&self, list: &str) -> bool {
        self.0
            .iter()
            .any(|(name, value)| name == list && matches!(value, Json::Array(_)))
    }
}

/// Wipes every string of a text that held secrets.
impl Zeroize for Json {
    fn zeroize(&mut self) {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
            Self::String(text) => text.zeroize(),
            Self::Array(values) => values.iter_mut().for_each(Self::zeroize),
            Self::Object(object) => object.0.iter_mut().for_each(|(_, value)| value.zeroize()),
        }
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

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
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
        Ok(Json::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(Object(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object {
        match value(text).unwrap() {
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

    #[test]
    fn texts_arrays_and_pages_are_taken_apart() {
        let text = r#"{"a":1} [{"a":2},[3]]
            {"list":[{"a":4}],"page":0} {"list":null}"#;
        let entries = entries(text, "list").unwrap();
        assert_eq!(entries.len(), 5);
        assert_eq!(entries.last(), Some(&value(r#"{"list":null}"#)));
    }

    #[test]
    fn a_broken_line_of_a_log_is_that_lines_error() {
        let entries = entries("{\"a\":1}\n\n{\"a\":\n{\"a\":2}\n", "list").unwrap();
        assert_eq!(entries.len(), 3);
        let error = entries[1].clone().unwrap_err().to_string();
        assert!(error.ends_with("at line 3 column 5"), "{error}");
    }

    #[test]
    fn a_broken_text_is_the_documents_error() {
        for text in ["{\"a\":", "[{}, {]", "{\n\"a\":1\n}\n{", "{} x"] {
            let error = entries(text, "list").unwrap_err();
            assert!(error.to_string().starts_with("it is not JSON: "), "{error}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        assert!(value(&"[".repeat(100_000)).is_err());
        let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
        assert_eq!(entries(&deep, "list"), Ok(vec![]));
    }

    #[test]
    fn values_are_counted_before_they_are_built() {
        let pretty = "{\n  \"a\": [1, 2],\n  \"b, [\\\", {\": \"x\"\n}\n";
        assert_eq!(count(pretty), 5);
        for (start, repeated, end) in [
            ("[", "1,", "1]"),
            ("", "{}", ""),
            ("", "1 ", ""),
            ("", "\"\"", ""),
            ("{\"a\n", "{\"b\":[1,1]}\n", ""),
        ] {
            let text = format!("{start}{}{end}", repeated.repeat(140_000));
            let error = entries(&text, "list").unwrap_err();
            assert_eq!(
                error,
                MetadataError::TooMany { limit: 1 << 17 },
                "{repeated}"
            );
        }
    }

    #[test]
    fn every_kind_of_value_is_kept() {
        let kinds = value(r#"[null,true,-1,1.5,18446744073709551615,"s",[],{}]"#).unwrap();
        let Json::Array(kinds) = kinds else {
            panic!("{kinds:?}")
        };
        let kinds: Vec<_> = kinds.iter().map(Json::kind).collect();
        let expected = "null|a boolean|a number|a number|a number|a string|an array|an object";
        assert_eq!(kinds.join("|"), expected);
    }
}
