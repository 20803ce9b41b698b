//! [`Error`]: why nothing is served.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::audit::AuditError;
use super::link::LinkKeyError;
use super::tls::TlsError;
use crate::io::ReadError;
use crate::job;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody can be let in at the address.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The system gives no threads.
    #[error("the system gives no threads to serve with")]
    NoThreads,
    /// The link keys cannot be read.
    #[error("cannot read the link keys in `{}`", .0.display())]
    LinkKeysUnread(PathBuf, #[source] ReadError),
    /// They are none; or none could be made.
    #[error("cannot use the link keys{}", .0.as_ref().map_or_else(String::new, |path| format!(" in `{}`", path.display())))]
    LinkKeys(Option<PathBuf>, #[source] LinkKeyError),
    /// The audit log cannot be opened.
    #[error("cannot open the audit log")]
    Audit(#[from] AuditError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The recordings cannot be listed.
    #[error(transparent)]
    Job(#[from] job::Error),
}
