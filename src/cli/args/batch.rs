//! The arguments of `unreel batch`.

use std::path::PathBuf;

use clap::Args;

use super::{Keys, Network, Output, Report, Selection, Work};

const FOLDER: &str = "\
Folder for recordings whose lines name no output, made if it is not there; files are named for the \
recording and its content";

#[derive(Args, Debug)]
#[command(
    mut_arg("output", |arg| arg.hide(true)),
    mut_arg("stream_unverified", |arg| arg.hide(true)),
    mut_arg("json", |arg| arg.hide(true)),
    mut_arg("output_dir", |arg| arg.help(FOLDER)),
)]
pub(in crate::cli) struct Batch {
    /// Lines of JSON: {"provider":NAME, "input":INPUT, "metadata":PATH or object, "output":PATH,
    /// "ref":anything}; all but "input" may be left out. `-` is standard input, which is also the
    /// default
    #[arg(value_name = "MANIFEST")]
    pub(in crate::cli) manifest: Option<PathBuf>,
    /// Qvoice's encryption configuration, for lines with its recordings
    #[arg(long, value_name = "PATH", display_order = 1)]
    pub(in crate::cli) config: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) keys: Keys,
    #[command(flatten)]
    pub(in crate::cli) output: Output,
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    #[command(flatten)]
    pub(in crate::cli) network: Network,
    #[command(flatten)]
    pub(in crate::cli) report: Report,
    #[command(flatten)]
    pub(in crate::cli) work: Work,
}
