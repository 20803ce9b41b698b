//! Standard input serves one purpose a run.

use std::path::Path;

use super::error::Failure;

/// Whether `path` means standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses a second use of standard input, before anything is read from it. Each use is what
/// it is read for and how often the command line names it.
pub(super) fn one_purpose(uses: &[(&'static str, usize)]) -> Result<(), Failure> {
    let mut named = uses
        .iter()
        .flat_map(|(purpose, count)| std::iter::repeat_n(*purpose, *count));
    match (named.next(), named.next()) {
        (Some(first), Some(second)) => Err(Failure::StdinTwice { first, second }),
        _ => Ok(()),
    }
}
