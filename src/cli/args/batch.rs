//! The arguments of `unreel batch`.

use std::path::PathBuf;

use clap::Args;

use super::{Keys, Network, Output, Report, Selection, Work};

const FOLDER: &str = "Folder for recordings whose lines name no output";

const MORE_OF_FOLDER: &str = "\
Made if it is not there. Files are named for the recording and its content";

const SINCE: &str = "\
Of groups: those created at or after this time: a date, a date and time (RFC 3339), or an age such \
as 90m, 12h, 7d";

const SHARD: &str = "\
Of all lines those of one part of N, the first being 0/N, by the SHA-256 of each INPUT; auto: the \
part that AWS Batch or Kubernetes says";

#[derive(Args, Debug)]
#[command(
    mut_arg("output", |arg| arg.hide(true)),
    mut_arg("stream_unverified", |arg| arg.hide(true)),
    mut_arg("json", |arg| arg.hide(true)),
    mut_arg("output_dir", |arg| arg.help(FOLDER).long_help(format!("{FOLDER}\n\n{MORE_OF_FOLDER}"))),
    mut_arg("check", |arg| arg.help("Verify everything, write nothing; but look whether it could be")),
    mut_arg("since", |arg| arg.help(SINCE)),
    mut_arg("until", |arg| arg.help("Of groups: those created before this time")),
    mut_arg("report", |arg| arg.help("Append the lines of the report to a file too")),
    mut_arg("jobs", |arg| arg.help("Recordings to work on at the same time [default: 4]")),
    mut_arg("shard", |arg| arg.help(SHARD)),
)]
pub(in crate::cli) struct Batch {
    /// Lines of JSON: {"provider":NAME, "input":INPUT, "metadata":PATH or object, "output":PATH,
    /// "ref":anything}; all but "input" may be left out
    ///
    /// `-` is standard input, which is also the default
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
