//! [`Misread`]: why an argument names no recording.

use crate::api::LinkError;
use crate::provider::Provider;

/// Why an argument names no recording of this command's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misread {
    /// It is a URL that is not asked for.
    #[error("cannot use the URL `{0}`: {1}")]
    Link(String, LinkError),
    /// It is an object in a bucket, which has to be copied first.
    #[error("`{0}` is in a bucket, and unreel reads none")]
    Bucket(String),
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
