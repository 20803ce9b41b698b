//! The arguments of `unreel waveform`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Keys;

#[derive(Args, Debug)]
pub(in crate::cli) struct Waveform {
    /// The recording, decrypted or as the provider encrypted it; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    /// File to write, NAME.svg or NAME.json; `-` is standard output
    #[arg(short, long, value_name = "PATH", display_order = 1)]
    pub(in crate::cli) output: PathBuf,
    /// What is written, whatever the name of the output says
    ///
    /// [default: for standard output svg]
    #[arg(long, value_name = "WHAT", display_order = 2)]
    pub(in crate::cli) format: Option<Drawing>,
    /// Overwrite existing output
    #[arg(short, long, display_order = 3)]
    pub(in crate::cli) force: bool,
    /// Of an encrypted recording the metadata, or a folder of it
    ///
    /// `-` is standard input. May be repeated
    ///
    /// [default: a sidecar FILE.json or FILE.headers]
    #[arg(short, long, value_name = "PATH", display_order = 4)]
    pub(in crate::cli) metadata: Vec<PathBuf>,
    /// Qvoice's encryption configuration: the recording is Qvoice's then
    #[arg(
        long,
        value_name = "PATH",
        display_order = 5,
        conflicts_with_all = ["paths", "key_command", "unwrap_command", "passphrase_file", "passphrase_fd"]
    )]
    pub(in crate::cli) config: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) keys: Keys,
}

/// What is made of peaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Drawing {
    Svg,
    Json,
}
