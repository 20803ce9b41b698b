//! What is said of a command line, and what clap knows of it.

use clap::error::{ContextKind, ContextValue};

/// A message and what to do.
pub(in crate::cli) struct Misuse {
    /// The first is the message.
    pub(in crate::cli) lines: Vec<String>,
    pub(in crate::cli) hint: String,
}

pub(super) const HELP: &str = "add --help to see what there is";

/// What clap says of this kind.
pub(super) fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => vec![],
    }
}

/// The first of it.
pub(super) fn first(error: &clap::Error, kind: ContextKind) -> String {
    texts(error, kind).into_iter().next().unwrap_or_default()
}
