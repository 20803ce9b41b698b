//! [`Observer`]: who is told what a job does, in types. The words are the observer's.

use std::fmt;

use super::error::Error;
use super::input::Input;
use super::record::Record;
use crate::io::Wrapper;
use crate::key::{Fingerprint, Mending};
use crate::pipeline::search::Method;

/// Who is told what a job does. Several threads tell.
pub(crate) trait Observer: Sync {
    /// Something happened on the way.
    fn event(&self, event: Event<'_>);

    /// A recording is being read, of so many bytes where that is known.
    fn bar(&self, input: &Input, length: Option<u64>) -> Box<dyn Bar + '_>;

    /// Something became of a recording. Whether that could be reported.
    fn done(&self, record: &Record) -> bool;

    /// What is wrong with this recording is wrong with all of them, and ends the run.
    fn stopped(&self, record: &Record);

    /// Whether there is no use in going on: nobody can be told any more.
    fn is_unheard(&self) -> bool {
        false
    }
}

/// How far one recording is; dropped when it is done.
pub(crate) trait Bar: Sync {
    /// So many bytes more are done.
    fn add(&self, bytes: u64);

    /// So many of all the ways to open it were tried.
    fn tried(&self, done: usize, of: usize);
}

/// Nobody: what is to be said is in the result.
#[cfg_attr(
    not(feature = "serve"),
    expect(dead_code, reason = "it is about playback")
)]
pub(super) struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}

    fn bar(&self, _: &Input, _: Option<u64>) -> Box<dyn Bar + '_> {
        Box::new(Self)
    }

    fn done(&self, _: &Record) -> bool {
        true
    }

    fn stopped(&self, _: &Record) {}
}

impl Bar for Silent {
    fn add(&self, _: u64) {}
    fn tried(&self, _: usize, _: usize) {}
}

/// What happens on the way.
pub(crate) enum Event<'a> {
    /// What was done to read metadata. It may name fields of it: untrusted text.
    Read(&'a str, &'a str),
    /// The name of a recording that was decrypted says that it is another than its metadata does.
    OtherId {
        /// The media.
        input: &'a Input,
        /// The id in its metadata. Untrusted text.
        id: &'a str,
    },
    /// A file in a folder of keys or metadata is none that can be used.
    PassedOver(&'a Input, &'a dyn fmt::Display),
    /// A file in a folder of keys cannot be read.
    Unreadable(&'a Input, &'a dyn fmt::Display),
    /// What was done to read a key.
    Mended(&'a str, &'a Mending),
    /// A file with a secret can be read by other users.
    Exposed {
        /// What it holds.
        what: &'static str,
        /// The file.
        file: &'a Input,
    },
    /// A recording is read without what a transfer left around it.
    Unwrapped {
        /// The media.
        input: &'a Input,
        /// What that is.
        wrapper: &'a Wrapper,
    },
    /// A private key opens a recording.
    OpenedBy {
        /// The media.
        input: &'a Input,
        /// The file that the key came from.
        key: &'a str,
        /// The key.
        fingerprint: Fingerprint,
    },
    /// A list of recordings ended before its end.
    ListEnded(&'a Error),
    /// A group or an account has no recordings that are meant.
    Empty(&'a Input),
    /// A file has the name of an id, and is what is read.
    NamedLikeId(&'a Input),
    /// A download begins anew: what was there changed.
    Anew(&'a Input),
    /// Standard output waits until everything was verified.
    VerifyingFirst,
    /// The first search found how recordings are encrypted.
    Learned {
        /// The media.
        input: &'a Input,
        /// How.
        method: &'a Method,
    },
    /// Only its beginning speaks for how a recording is encrypted.
    Unproven {
        /// The media.
        input: &'a Input,
        /// How.
        method: &'a Method,
    },
}
