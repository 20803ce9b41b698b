//! Files with secrets in them: how long they may be, where they end, and who can read them.

use std::os::unix::fs::PermissionsExt;

use zeroize::Zeroizing;

use super::input::Input;
use super::observer::{Event, Observer};

/// The most that a key file can have, and a passphrase file.
pub(super) const LIMIT: u64 = 1 << 20;

/// The text without the newline at its end, which is the file's.
pub(super) fn trimmed(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}

/// Tells if other users can read a file; `what` is what it holds.
pub(super) fn tell_if_exposed(file: &Input, what: &'static str, observer: &dyn Observer) {
    let Some(Ok(metadata)) = file.path().map(fs_err::metadata) else {
        return;
    };
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        observer.event(Event::Exposed { what, file });
    }
}
