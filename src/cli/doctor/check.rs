//! [`Check`]: one thing that was tried, and what came of it.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use serde_json::Value;

use super::super::error::{Failure, sentence};
use super::super::escape::escape;
use super::super::exit::Code;
use super::super::printer::Printer;
use super::super::wrap::width;

/// Where the name begins: a fingerprint, which stands below it, ends with the 80th column.
const NAME: usize = 9;

/// Where what is said of it begins.
const TEXT: usize = 30;

/// The group whose names are words.
pub(super) const MACHINE: &str = "machine";

/// What came of it. Fields are added, never renamed.
#[derive(Serialize)]
pub(super) struct Check {
    group: &'static str,
    name: String,
    state: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<u8>,
    /// What machines can read of it, by names.
    #[serde(flatten)]
    facts: BTreeMap<&'static str, Value>,
    #[serde(skip)]
    code: Option<Code>,
}

impl Check {
    /// It is as it should be.
    pub(super) fn ok(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            group: "",
            name: name.into(),
            state: "ok",
            message: message.into(),
            hint: None,
            exit: None,
            facts: BTreeMap::new(),
            code: None,
        }
    }

    /// It works, but not always or not well; `hint` says what to do.
    pub(super) fn warning(
        name: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            state: "warning",
            hint: Some(hint.into()),
            ..Self::ok(name, message)
        }
    }

    /// It does not work, and a run that needs it would end with this code.
    pub(super) fn failed(
        name: impl Into<String>,
        message: impl Into<String>,
        code: Code,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            state: "failed",
            exit: Some(code.exit()),
            code: Some(code),
            ..Self::warning(name, message, hint)
        }
    }

    /// The same by what such a run would say.
    pub(super) fn of_failure(name: impl Into<String>, failure: &Failure) -> Self {
        let verdict = failure.verdict();
        Self::failed(name, sentence(failure), verdict.code, verdict.hint)
    }

    /// The same, as one of a group.
    pub(super) fn of(self, group: &'static str) -> Self {
        Self { group, ..self }
    }

    /// The same with a fact, unless it is not known.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.facts.insert(name, value);
        }
        self
    }

    /// The same, but for something that a warning is for.
    pub(super) fn but(self, what: &str, hint: &str) -> Self {
        Self {
            state: "warning",
            message: format!("{}; {what}", self.message),
            hint: Some(hint.to_owned()),
            ..self
        }
    }

    pub(super) fn is_warning(&self) -> bool {
        self.state == "warning"
    }

    /// What a failure ends with.
    pub(super) fn code(&self) -> Option<Code> {
        self.code
    }

    /// Tells people: its state, its name, more about it, a fingerprint below, and what to do.
    pub(super) fn say(&self, printer: &Printer) -> io::Result<()> {
        let color = match self.state {
            "ok" => "32",
            "warning" => "33",
            _ => "31",
        };
        let name = match self.group {
            MACHINE => self.name.replace('_', " "),
            _ => escape(&self.name),
        };
        let look = printer.look();
        let fit = |text: &str, at: usize| look.wrapped(&escape(text), at, at);
        let state = look.painted(self.state, color);
        let gap = " ".repeat(NAME.saturating_sub(width(self.state)));
        let (at, room) = match TEXT.checked_sub(NAME + width(&name)) {
            Some(room) if room > 0 => (TEXT, " ".repeat(room)),
            _ => (NAME, format!("\n{}", " ".repeat(NAME))),
        };
        let mut lines = format!("{state}{gap}{name}{room}{}", fit(&self.message, at));
        let indent = " ".repeat(NAME);
        if let Some(fingerprint) = self.facts.get("fingerprint").and_then(Value::as_str) {
            lines += &format!("\n{indent}{fingerprint}");
        }
        if let Some(hint) = &self.hint {
            let label = look.painted("hint:", "36");
            let hint = fit(hint, NAME + width("hint: "));
            lines += &format!("\n{indent}{label} {hint}");
        }
        printer.data(&lines)
    }
}
