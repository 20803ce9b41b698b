//! One line of a manifest: what it says of a recording, as far as it can be read.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::misread::Misread;
use crate::provider::Provider;
use crate::store::LocationError;

/// Which line of a manifest something is said of.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    /// Its number, from 1.
    pub number: u64,
    /// What it says under `ref`, byte for byte.
    pub reference: Option<Arc<RawValue>>,
}

/// What a line says.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) provider: Option<Provider>,
    pub(super) input: String,
    pub(super) metadata: Option<Given>,
    pub(super) output: Option<String>,
}

/// Metadata as a line has it.
#[derive(Debug)]
pub(super) enum Given {
    /// The name of its file.
    Path(String),
    /// The document itself.
    Document(Box<RawValue>),
}

/// Why a line cannot be worked on. Of its text nothing is repeated that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    /// It has no end, or as good as none.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// It is no text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// It is no JSON.
    #[error("it is not JSON: see column {0}")]
    NotJson(usize),
    /// It is JSON of another kind.
    #[error("it is not an object")]
    NotAnObject,
    /// It has a field that there is not.
    #[error("there is no field {0}")]
    NoSuchField(String),
    /// It has a field more than once.
    #[error("`{0}` is there twice")]
    Twice(&'static str),
    /// A field is not what it should be.
    #[error("`{0}` is not {1}")]
    Unlike(&'static str, &'static str),
    /// It names no recording.
    #[error("there is no `input`")]
    NoInput,

    /// What it names is no recording.
    #[error(transparent)]
    Misread(#[from] Misread),
    /// Its output is no place in a bucket.
    #[error(transparent)]
    Output(LocationError),
    /// It wants standard input.
    #[error("`{0}` is standard input, which serves one purpose a run")]
    Stdin(&'static str),
    /// It wants standard output.
    #[error("`output` is standard output, where the report goes")]
    Stdout,
    /// Nothing says where the recording goes.
    #[error("it has no `output`, and there is no folder for it")]
    NoOutput,
    /// It has one output for any number of recordings.
    #[error("`output` is one file, and `input` a group of recordings")]
    GroupOutput,
    /// It has an output that nothing goes to.
    #[error("`output` is for decrypted recordings, and more is kept of this one")]
    MoreOutputs,
    /// It names no recording of a provider's where one is needed.
    #[error("`input` is not what a provider has")]
    NotFetched,
}

impl LineError {
    /// Whether what it says goes against the command line, and would do under another.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Misread(_)
                | Self::Output(_)
                | Self::Stdin(_)
                | Self::Stdout
                | Self::NoOutput
                | Self::GroupOutput
                | Self::MoreOutputs
                | Self::NotFetched
        )
    }
}

/// Reads a line: its `ref`, as far as there is one, and what it says.
pub(super) fn parse(bytes: &[u8]) -> (Option<Arc<RawValue>>, Result<Line, LineError>) {
    let mut fields = Fields::default();
    let read = fields.read(bytes);
    let reference = fields.reference.take().map(Arc::from);
    (reference, read.and_then(|()| fields.line()))
}

/// The fields of a line, before anything is made of them.
#[derive(Default)]
struct Fields {
    provider: Option<Box<RawValue>>,
    input: Option<Box<RawValue>>,
    metadata: Option<Box<RawValue>>,
    output: Option<Box<RawValue>>,
    reference: Option<Box<RawValue>>,
    /// The first thing that is wrong with them.
    wrong: Option<LineError>,
}

impl Fields {
    fn read(&mut self, bytes: &[u8]) -> Result<(), LineError> {
        let text = std::str::from_utf8(bytes).map_err(|_| LineError::NotUtf8)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let read = Into(self).deserialize(&mut json).and_then(|()| json.end());
        read.map_err(|error| match error.classify() {
            Category::Data => LineError::NotAnObject,
            Category::Io | Category::Syntax | Category::Eof => LineError::NotJson(error.column()),
        })
    }

    fn line(self) -> Result<Line, LineError> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        // What a program has nothing to say for is null.
        let there = |raw: Option<Box<RawValue>>| raw.filter(|raw| raw.get() != "null");
        let text = |name, raw| there(raw).map(|raw| string(name, &raw)).transpose();
        let provider = text("provider", self.provider)?;
        let provider = provider.map(|name| {
            let names = "twilio-voice, twilio-video, vonage or qvoice";
            Provider::from_name(&name).ok_or(LineError::Unlike("provider", names))
        });
        let metadata = there(self.metadata).map(|raw| match raw.get().as_bytes() {
            [b'{', ..] => Ok(Given::Document(raw)),
            [b'"', ..] => string("metadata", &raw).map(Given::Path),
            _ => Err(LineError::Unlike("metadata", "a path or an object")),
        });
        Ok(Line {
            provider: provider.transpose()?,
            input: text("input", self.input)?.ok_or(LineError::NoInput)?,
            metadata: metadata.transpose()?,
            output: text("output", self.output)?,
        })
    }
}

/// The text of a field, which has some.
fn string(name: &'static str, raw: &RawValue) -> Result<String, LineError> {
    let text: Result<String, _> = serde_json::from_str(raw.get());
    let text = text.ok().filter(|text| !text.is_empty());
    text.ok_or(LineError::Unlike(name, "a text"))
}

/// Reads an object into fields, which stay where the rest of it cannot be read.
struct Into<'a>(&'a mut Fields);

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(fields) = self;
        let mut has_reference = false;
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            let (slot, name) = match &*name {
                "provider" => (&mut fields.provider, "provider"),
                "input" => (&mut fields.input, "input"),
                "metadata" => (&mut fields.metadata, "metadata"),
                "output" => (&mut fields.output, "output"),
                "ref" => (&mut fields.reference, "ref"),
                other => {
                    let error = LineError::NoSuchField(named(other));
                    fields.wrong.get_or_insert(error);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let is_twice = slot.replace(map.next_value()?).is_some();
            if is_twice || (name == "ref" && has_reference) {
                fields.wrong.get_or_insert(LineError::Twice(name));
            }
            if name == "ref" {
                // Which of two is meant nobody knows.
                if has_reference {
                    fields.reference = None;
                }
                has_reference = true;
            }
        }
        Ok(())
    }
}

/// The name of a field, if it is like one and no secret in a wrong place.
fn named(name: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= 20 && name.chars().all(is_name) {
        format!("`{name}`")
    } else {
        "of one of its names".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> LineError {
        parse(text.as_bytes()).1.unwrap_err()
    }

    fn reference(text: &str) -> Option<String> {
        let reference = parse(text.as_bytes()).0;
        reference.map(|raw| raw.get().to_owned())
    }

    #[test]
    fn a_line_says_what_it_says_and_null_is_nothing() {
        let (_, line) = parse(
            br#"{"output":null,"input":"a\u002f\u00e4","provider":"vonage","metadata": {"a": 1.0 }}"#,
        );
        let line = line.unwrap();
        assert_eq!((line.input.as_str(), line.output), ("a/\u{e4}", None));
        assert_eq!(line.provider, Some(Provider::Vonage));
        assert!(
            matches!(line.metadata, Some(Given::Document(raw)) if raw.get() == "{\"a\": 1.0 }")
        );
    }

    #[test]
    fn a_reference_is_kept_byte_for_byte() {
        for raw in [
            "1e400",
            "1.0",
            "-0",
            "\"\\u00e9\\ud83d\"",
            "{ \"a\" :\t[1,  2] }",
            "null",
            "\"\u{202e}\"",
            "123456789012345678901234567890",
        ] {
            let line = format!("{{\"ref\" : {raw} ,\"input\":\"a\"}}");
            assert_eq!(reference(&line).as_deref(), Some(raw));
            assert!(parse(line.as_bytes()).1.is_ok(), "{line}");
        }
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let line = format!("{{\"ref\":{deep},\"input\":\"a\"}}");
        assert_eq!(reference(&line), Some(deep));
    }

    #[test]
    fn a_reference_is_read_where_the_rest_cannot_be() {
        for line in [
            r#"{"ref":7"#,
            r#"{"ref":7,"input":"#,
            r#"{"ref":7,"input":5}"#,
            r#"{"ref":7,"oops":{"a":[]}}"#,
            r#"{"input":"a","input":"b","ref":7}"#,
            r#"{"ref":7,"input":"a"} x"#,
            r#"{"ref":7}"#,
        ] {
            assert_eq!(reference(line).as_deref(), Some("7"), "{line}");
            error(line);
        }
        assert_eq!(reference(r#"{"ref":7,"ref":8}"#), None);
        assert_eq!(reference(r#"{"ref":7,"ref":8,"ref":9}"#), None);
        assert_eq!(reference(r#"{"ref":[7"#), None);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_without_repeating_it() {
        let long = format!("{{\"{}\":1}}", "s3cret".repeat(9));
        for (line, expected) in [
            ("", LineError::NotJson(0)),
            ("{", LineError::NotJson(1)),
            ("{\"input\":\"a\u{0}\"}", LineError::NotJson(11)),
            ("{} {}", LineError::NotJson(4)),
            ("[1]", LineError::NotAnObject),
            ("null", LineError::NotAnObject),
            ("\"s3cret\"", LineError::NotAnObject),
            ("{}", LineError::NoInput),
            ("{\"input\":null}", LineError::NoInput),
            ("{\"input\":\"\"}", LineError::Unlike("input", "a text")),
            ("{\"input\":[\"a\"]}", LineError::Unlike("input", "a text")),
            (
                "{\"input\":\"\\ud800\"}",
                LineError::Unlike("input", "a text"),
            ),
            (
                "{\"input\":\"a\",\"metadata\":[]}",
                LineError::Unlike("metadata", "a path or an object"),
            ),
            (
                "{\"in\\u0070ut\":\"a\",\"input\":\"a\"}",
                LineError::Twice("input"),
            ),
            ("{\"ref\":null,\"ref\":1}", LineError::Twice("ref")),
            (
                "{\"inputs\":\"a\"}",
                LineError::NoSuchField("`inputs`".to_owned()),
            ),
            (
                &long,
                LineError::NoSuchField("of one of its names".to_owned()),
            ),
        ] {
            assert_eq!(error(line), expected, "{line}");
        }
        let read = parse(b"{\"input\":\"\xff\"}").1;
        assert_eq!(read.unwrap_err(), LineError::NotUtf8);
        let names = "twilio-voice, twilio-video, vonage or qvoice";
        let line = r#"{"input":"a","provider":"Twilio"}"#;
        assert_eq!(error(line), LineError::Unlike("provider", names));
    }
}
