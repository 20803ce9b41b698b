//! The arguments of `unreel completions` and `unreel man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Args, Debug)]
pub(in crate::cli) struct Completions {
    /// Whose script
    #[arg(value_name = "SHELL")]
    pub(in crate::cli) shell: Shell,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Man {
    /// The command whose page it is: twilio-voice, register twilio
    ///
    /// [default: unreel itself; with -d every page]
    #[arg(value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<String>,
    /// Folder for NAME.1, made if it is not there [default: standard output]
    #[arg(short = 'd', long, value_name = "DIR")]
    pub(in crate::cli) output_dir: Option<PathBuf>,
    /// Overwrite existing pages
    #[arg(short, long, requires = "output_dir")]
    pub(in crate::cli) force: bool,
}
