//! [`AuditError`].

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::verify::Broken;
use crate::io::LogError;

/// Why a line is not in the audit log, or the log not open. Many may be told the same.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// It cannot be opened or written.
    #[error(transparent)]
    Log(Arc<LogError>),
    /// It is not as it was written.
    #[error("{}: {broken}", path.display())]
    Broken {
        /// The log.
        path: PathBuf,
        /// Where, and why.
        broken: Broken,
    },
    /// Not all that was written to it is there any more.
    #[error("{}: some of what was written to it is gone", .0.display())]
    Shortened(PathBuf),
    /// There is something at its end that is none of its lines.
    #[error("{}: somebody else has written to it", .0.display())]
    Foreign(PathBuf),
    /// What took its place after a rotation is no new file.
    #[error("{}: a file that is not empty has taken its place", .0.display())]
    NotEmpty(PathBuf),
    /// Nobody writes it any more.
    #[error("the audit log is closed")]
    Closed,
}

impl From<LogError> for AuditError {
    fn from(error: LogError) -> Self {
        Self::Log(Arc::new(error))
    }
}

impl From<io::Error> for AuditError {
    fn from(error: io::Error) -> Self {
        LogError::from(error).into()
    }
}
