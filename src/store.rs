//! Buckets of S3, Azure and Google: objects that are read, listed, looked at and written.
//!
//! ```text
//! Location ──► Buckets ──► read: a body that mends itself · list, page after page · put
//! ```
//!
//! Names, signatures and answers in XML are `object_store`'s business; each request is sent, tried
//! again and judged by the client of [`api`](crate::api).

#[cfg(not(feature = "buckets"))]
mod absent;
#[cfg(feature = "buckets")]
mod buckets;
mod location;
#[cfg(feature = "buckets")]
mod open;
mod settings;
#[cfg(feature = "buckets")]
mod upload;

#[cfg(not(feature = "buckets"))]
pub(crate) use self::absent::{Buckets, abort_uploads};
#[cfg(feature = "buckets")]
pub(crate) use self::buckets::Buckets;
pub(crate) use self::location::{Location, LocationError, Service};
pub(crate) use self::settings::{Setting, Settings};
#[cfg(feature = "buckets")]
pub(crate) use self::upload::abort_uploads;

use crate::api::Error;

/// What stands at a place in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its bytes.
    pub size: u64,
    /// Its entity tag.
    pub tag: Option<String>,
    /// What its owner wrote to it: names in lower case, and values.
    pub metadata: Vec<(String, String)>,
}

/// What is put to a place in a bucket.
#[cfg_attr(
    not(feature = "buckets"),
    expect(dead_code, reason = "it is about buckets")
)]
pub(crate) struct Content<'a> {
    /// Its bytes.
    pub length: u64,
    /// What it is, as an Internet media type.
    pub kind: &'static str,
    /// Reads some of them, from an offset on.
    pub read: &'a dyn Fn(&mut [u8], u64) -> std::io::Result<()>,
}

/// Why nothing was put to a place in a bucket.
#[cfg_attr(
    not(feature = "buckets"),
    expect(dead_code, reason = "it is about buckets")
)]
#[derive(Debug)]
pub(crate) enum NotPut {
    /// Something stands there.
    Exists,
    /// What was to be put there cannot be read.
    Unread(std::io::Error),
    /// The storage refused, or could not be reached.
    Refused(Error),
}

impl From<Error> for NotPut {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
