//! Words for what keeps recordings from being served.

use crate::cli::exit::Code;
use crate::io::LogError;
use crate::job;
use crate::serve::{AuditError, Error, NotVerified};

/// What it means, and what to do next.
pub(super) fn serve_verdict(
    error: &Error,
    of_job: impl Fn(&job::Error) -> (Code, String),
) -> (Code, String) {
    let (code, hint) = match error {
        Error::Job(error) => return of_job(error),
        Error::Listen(_, error) => (Code::Usage, listen_hint(error)),
        Error::NoThreads => (
            Code::Internal,
            "raise the limit on processes (ulimit -u), or on the service's tasks",
        ),
        Error::LinkKeysUnread(..) => (
            Code::Key,
            "check the path of --link-key-file and its permissions",
        ),
        Error::LinkKeys(..) => (
            Code::Key,
            "each line is a name and a key: echo \"k1 $(openssl rand -base64 32)\" > link_keys.txt",
        ),
        Error::NoLinkKey(_) => (Code::Internal, "the system's random numbers are needed"),
        Error::Audit(error) => return audit_verdict(error),
        Error::Tls(_) => (
            Code::Key,
            "pass the chain (PEM) with --tls-cert, and its private key (PEM, not encrypted) with \
             --tls-key",
        ),
    };
    (code, hint.to_owned())
}

fn listen_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "something listens there already: pass another address with --listen, or port 0 for a \
             free one"
        }
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 are for root: pass another one with --listen, and have a proxy in front"
        }
        _ => "--listen and --admin-listen take an address of this machine, and a port",
    }
}

fn audit_verdict(error: &AuditError) -> (Code, String) {
    let (code, hint) = match error {
        AuditError::Log(error) => match &**error {
            LogError::InUse(_) => (
                Code::Output,
                "each process needs a log of its own: pass another file with --audit-log",
            ),
            LogError::NotAFile(_) => (Code::Output, "pass a file with --audit-log"),
            LogError::Io(_) => (
                Code::Output,
                "check the path of --audit-log and its permissions",
            ),
        },
        AuditError::Broken { .. } | AuditError::Shortened(_) | AuditError::Foreign(_) => (
            Code::Integrity,
            "keep it as it is, for whoever looks into it, and pass another file with --audit-log",
        ),
        AuditError::NotEmpty(_) | AuditError::Closed => (
            Code::Output,
            "pass a file that is empty, or not there, with --audit-log",
        ),
    };
    (code, hint.to_owned())
}

/// What it means that an audit log does not verify.
pub(super) fn not_verified_verdict(error: &NotVerified) -> (Code, String) {
    let (code, hint) = match error {
        NotVerified::Read(_) => (Code::Input, "check the path and its permissions"),
        NotVerified::Broken(_) => (
            Code::Integrity,
            "the lines before it are as they were written; from it on, nobody can say",
        ),
    };
    (code, hint.to_owned())
}
