//! [`Message`]: what is said on standard error, in words for people and as JSON for machines.

use std::collections::BTreeMap;
use std::error::Error;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tracing::Level;

use super::error::{Failure, Verdict, causes};
use super::escape::json;
use super::exit::Code;
use super::usage::Misuse;

/// What is known beside the words, by name.
pub(super) type Fields = BTreeMap<&'static str, Value>;

/// Something to be said.
pub(super) struct Message {
    pub(super) level: Level,
    /// The part of the program that says it, as a path of Rust.
    pub(super) target: &'static str,
    pub(super) text: String,
    /// Why, from the nearest reason to the last.
    pub(super) causes: Vec<String>,
    /// What else there is to know, a line each.
    pub(super) details: Vec<String>,
    /// What to do next.
    pub(super) hint: Option<String>,
    pub(super) code: Option<Code>,
    pub(super) fields: Fields,
}

/// The same as JSON. Fields are added, never renamed.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: String,
    message: &'a str,
    target: &'static str,
    run: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    causes: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<u8>,
    #[serde(flatten)]
    fields: &'a Fields,
}

impl Message {
    /// These words, of which nothing else is known yet.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self {
            level: Level::INFO,
            target: "unreel",
            text: text.into(),
            causes: Vec::new(),
            details: Vec::new(),
            hint: None,
            code: None,
            fields: Fields::new(),
        }
    }

    /// Something that went wrong, and what that means.
    pub(super) fn problem(error: &dyn Error, details: Vec<String>, verdict: Verdict) -> Self {
        Self {
            causes: causes(error),
            details,
            hint: Some(verdict.hint),
            code: Some(verdict.code),
            ..Self::of(error.to_string())
        }
    }

    /// The same from another part of the program.
    pub(super) fn from(self, target: &'static str) -> Self {
        Self { target, ..self }
    }

    /// The same with lines below it.
    pub(super) fn below(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(lines);
        self
    }

    /// The same with a field more.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.insert(name, value.into());
        self
    }

    /// The same with these fields, too.
    pub(super) fn with_all(mut self, fields: Fields) -> Self {
        self.fields.extend(fields);
        self
    }

    /// One line of JSON, harmless for terminals; `run` is that of the report.
    pub(super) fn json(&self, run: &str) -> String {
        let line = Line {
            time: format!("{:.3}", Timestamp::now()),
            level: self.level.as_str().to_ascii_lowercase(),
            message: &self.text,
            target: self.target,
            run,
            causes: &self.causes,
            details: &self.details,
            hint: self.hint.as_deref(),
            code: self.code.map(Code::name),
            exit: self.code.map(Code::exit),
            fields: &self.fields,
        };
        // Text, numbers and lists of text: nothing that JSON has not.
        json(&line).unwrap_or_default()
    }

    /// The words with all fields behind them: `answered  host=api.twilio.com status=200`. What has
    /// other characters than a word stands in quotation marks.
    pub(super) fn with_fields(&self) -> String {
        let is_plain = |text: &str| {
            let mut chars = text.chars();
            !text.is_empty() && chars.all(|c| !c.is_whitespace() && !"\"=".contains(c))
        };
        let fields = self.fields.iter().map(|(name, value)| match value {
            Value::String(text) if is_plain(text) => format!(" {name}={text}"),
            value => format!(" {name}={value}"),
        });
        format!("{} {}", self.text, fields.collect::<String>())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::of(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::of(text)
    }
}

impl From<&Failure> for Message {
    fn from(failure: &Failure) -> Self {
        Self::problem(failure, failure.details(), failure.verdict())
    }
}

impl From<&Misuse> for Message {
    fn from(misuse: &Misuse) -> Self {
        let mut lines = misuse.lines.iter().cloned();
        let first = lines.next().unwrap_or_default();
        Self {
            details: lines.collect(),
            hint: Some(misuse.hint.clone()),
            code: Some(Code::Usage),
            ..Self::of(first)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_character_that_does_something_to_a_terminal() {
        let message = Message::of("a\u{1b}[31m\nb\u{202e}").with("path", "c\u{9b}d\u{2028}");
        let line = message.json("1");
        assert!(!line.contains(char::is_control) && !line.contains(['\u{202e}', '\u{2028}']));
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["message"], "a\u{1b}[31m\nb\u{202e}");
        assert_eq!(read["path"], "c\u{9b}d\u{2028}");
        assert_eq!(
            (&read["level"], &read["target"]),
            (&"info".into(), &"unreel".into())
        );
        assert!(read.get("hint").is_none() && read.get("causes").is_none());
    }

    #[test]
    fn fields_are_words_or_stand_in_quotation_marks() {
        let message = Message::of("answered")
            .with("host", "a.example:1")
            .with("status", 200)
            .with("reason", "no \"route\"")
            .with("x", "");
        let text = "answered  host=a.example:1 reason=\"no \\\"route\\\"\" status=200 x=\"\"";
        assert_eq!(message.with_fields(), text);
    }
}
