//! [`Misread`]: why an argument names no recording.

use crate::api::LinkError;
use crate::provider::Provider;
use crate::store::LocationError;

/// Why an argument names no recording of this command's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misread {
    /// It is a URL that is not asked for.
    #[error("cannot use the URL `{0}`: {1}")]
    Link(String, LinkError),
    /// It is no place in a bucket that can be asked for.
    #[error("{0}")]
    Bucket(LocationError),
    /// It is in a bucket, and the program was built without those.
    #[error("`{0}` is in a bucket, and this unreel was built without buckets")]
    NoBuckets(String),
    /// It is the id of another provider's recording.
    #[error("`{0}` is an id of {name}", name = .1.name())]
    OfAnother(String, Provider),
    /// This provider documents no way to download a recording.
    #[error(
        "`{0}` is an id of {name}, and Qvoice documents no way to fetch a recording",
        name = .1.name()
    )]
    NoIds(String, Provider),
}
