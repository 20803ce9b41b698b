//! [`Error`]: why nothing is served.

use std::io;
use std::net::SocketAddr;

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
    /// The link keys in this file cannot be read.
    #[error("cannot read the link keys in `{0}`")]
    LinkKeysUnread(String, #[source] ReadError),
    /// They are none.
    #[error("cannot use the link keys in `{0}`")]
    LinkKeys(String, #[source] LinkKeyError),
    /// None can be made.
    #[error("cannot make a link key")]
    NoLinkKey(#[source] LinkKeyError),
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
