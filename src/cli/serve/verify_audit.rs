//! `unreel serve verify-audit`: whether an audit log is whole.

use crate::cli::args::VerifyAudit;
use crate::cli::error::Failure;
use crate::cli::printer::Printer;
use crate::io::fd_path;
use crate::job::redact::shown;
use crate::serve::verify_audit;

/// Says how many lines it has, and the hash of the last.
pub(super) fn run(args: &VerifyAudit, printer: &Printer) -> Result<(), Failure> {
    let name = shown(&args.file);
    let verified = if args.file.as_os_str() == "-" {
        verify_audit(&fd_path(0))
    } else {
        verify_audit(&args.file)
    };
    let verified = verified.map_err(|error| Failure::NotVerified(name.clone(), error))?;
    if verified.is_cut {
        printer.warning(format!(
            "behind the last line of `{name}` stands one that a crash has cut: it is not counted"
        ));
    }
    let (lines, hash) = (verified.lines, verified.last_hash);
    printer.answered(printer.data(&format!("{lines} lines  sha256:{hash}")))
}
