//! [`Observer`]: who is told what a service does, and has what comes from outside of it.

use std::error::Error;
use std::ffi::OsString;

use crate::api;
use crate::job::{self, Library};

/// Something that they should know. The words are theirs.
#[derive(Clone, Copy)]
pub(crate) enum Event<'a> {
    /// The public endpoints are at this URL.
    Listening(&'a str),
    /// Health, readiness and metrics are at this one.
    Admin(&'a str),
    /// A recording can be listened to here.
    Link {
        /// Its id.
        id: &'a str,
        /// The link.
        url: &'a str,
    },
    /// There are no recordings to make links to.
    NoRecordings,
    /// No token of Flex's can be checked.
    NoTokens(&'a api::Error),
    /// Somebody asked for a recording, and did not hear it.
    NotPlayed {
        /// Its id.
        id: &'a str,
        /// Why. It may quote metadata: untrusted text.
        why: &'a str,
    },
    /// What could be read again was.
    Reloaded,
    /// Something could not, and stays as it was.
    Kept {
        /// What.
        what: &'static str,
        /// Why.
        error: &'a dyn Error,
    },
}

/// Is told what happens.
pub(crate) trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);

    /// A variable of the environment, for a command of the customer's.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// Reads the private keys again, and gives them to `library`.
    ///
    /// # Errors
    /// As those of [`Library::reload_keys`].
    fn reload_keys(&self, library: &Library) -> Result<(), job::Error>;
}
