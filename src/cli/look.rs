//! [`Look`]: a message as people see it.

use tracing::Level;

use super::escape::escape;
use super::message::Message;
use super::wrap::{width, wrap};

/// How messages look.
pub(super) struct Look {
    pub(super) color: bool,
    /// Of the terminal, if there is one.
    pub(super) columns: Option<usize>,
}

impl Look {
    /// `unreel: error: …`, its causes, and what to do.
    pub(super) fn labelled(&self, message: &Message) -> String {
        let text = &message.text;
        let first = match message.level {
            Level::ERROR => self.label("error", "31", text),
            Level::WARN => self.label("warning", "33", text),
            Level::INFO => self.label("info", "34", text),
            Level::DEBUG => self.label("debug", "35", &message.with_fields()),
            Level::TRACE => self.label("trace", "35", &message.with_fields()),
        };
        let causes = message.causes.iter();
        let causes = causes.map(|cause| self.below(&format!("caused by: {cause}")));
        let details = message.details.iter().map(|line| self.below(line));
        let hint = message
            .hint
            .iter()
            .map(|hint| self.label("hint", "36", hint));
        let lines = std::iter::once(first).chain(causes);
        lines
            .chain(details)
            .chain(hint)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The words alone; lines that follow are set in by `indent`.
    pub(super) fn bare(&self, text: &str, indent: usize) -> String {
        self.wrapped(&escape(text), 0, indent)
    }

    fn label(&self, label: &str, color: &str, text: &str) -> String {
        let room = width("unreel: : ") + width(label);
        let text = self.wrapped(&escape(text), room, 4);
        if self.color {
            format!("unreel: \x1b[1;{color}m{label}:\x1b[0m {text}")
        } else {
            format!("unreel: {label}: {text}")
        }
    }

    /// A line below one with a label.
    fn below(&self, text: &str) -> String {
        format!("  {}", self.wrapped(&escape(text), 2, 4))
    }

    /// `text` in the width of the terminal.
    fn wrapped(&self, text: &str, first: usize, indent: usize) -> String {
        match self.columns {
            Some(columns) => wrap(text, columns, first, indent),
            None => text.to_owned(),
        }
    }
}
