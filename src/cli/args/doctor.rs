//! `unreel doctor`, as clap reads it.
#![expect(clippy::doc_markdown, reason = "the comments are the help's text")]

use std::path::PathBuf;

use clap::Args;

use super::{Keys, TwilioAccount};

#[derive(Args, Debug)]
pub(in crate::cli) struct Doctor {
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) keys: Keys,
    #[command(flatten)]
    pub(in crate::cli) twilio: TwilioAccount,
    /// Certificates (PEM) to trust beside the system's [else TWILIO_CA_BUNDLE]
    #[arg(long, value_name = "PATH", help_heading = "Network")]
    pub(in crate::cli) ca_file: Option<PathBuf>,
}
