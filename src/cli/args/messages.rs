//! How much is said, and how: the arguments that all commands have.
#![expect(clippy::doc_markdown, reason = "the comments are the help's text")]

use clap::{ArgAction, Args, ValueEnum};

/// How much is said, and how.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Messages")]
pub(in crate::cli) struct Verbosity {
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(in crate::cli) quiet: bool,
    /// Say what is done
    ///
    /// -vv also says what is asked over the network and what is answered, -vvv more of it
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(in crate::cli) verbose: u8,
    /// Colour messages
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(in crate::cli) color: Color,
    /// Show no progress bar
    #[arg(long, global = true)]
    pub(in crate::cli) no_progress: bool,
    /// Write messages as text for people, or each as a line of JSON
    ///
    /// [default: what the environment's UNREEL_LOG_FORMAT says, else text]
    #[arg(long, global = true, value_name = "FORMAT", hide_short_help = true)]
    pub(in crate::cli) log_format: Option<LogFormat>,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    Text,
    Json,
}

/// When messages have colours.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(in crate::cli) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}
