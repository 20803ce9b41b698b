//! [`Look`]: a message as people see it.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;
use tracing::Level;

use super::args::Color;
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
    /// On this stream, with colours if they are wanted there.
    pub(super) fn of(stream: &(impl IsTerminal + AsFd), colors: Color) -> Self {
        Self {
            color: match colors {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => stream.is_terminal() && wants_color(),
            },
            columns: columns(stream),
        }
    }

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
        let label = self.painted(&format!("{label}:"), color);
        format!("unreel: {label} {text}")
    }

    /// A word that stands out.
    pub(super) fn painted(&self, text: &str, color: &str) -> String {
        if self.color {
            format!("\x1b[1;{color}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// A line below one with a label.
    fn below(&self, text: &str) -> String {
        format!("  {}", self.wrapped(&escape(text), 2, 4))
    }

    /// `text` in the width of the terminal.
    pub(super) fn wrapped(&self, text: &str, first: usize, indent: usize) -> String {
        match self.columns {
            Some(columns) => wrap(text, columns, first, indent),
            None => text.to_owned(),
        }
    }
}

/// How wide a terminal is; `None` if it is none, or does not say.
pub(super) fn columns(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    let size = stream
        .is_terminal()
        .then(|| tcgetwinsize(stream).ok())
        .flatten()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether who has a terminal wants colours on it.
pub(super) fn wants_color() -> bool {
    let declines = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !declines && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
