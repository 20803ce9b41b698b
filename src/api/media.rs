//! [`Media`] that is asked for: how, and what is done where that no longer works.

#[cfg(feature = "buckets")]
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::Error;
use super::request::Request;
#[cfg(feature = "buckets")]
use super::{exchange::Answer, failure::Failure};

/// How the request for a new link to media is made: it may ask the provider, and block.
pub(super) type Renew = Arc<dyn Fn() -> Result<Request, Error> + Send + Sync>;

/// One try at media that is not asked for with a [`Request`]: for all of it, or for the rest from a
/// byte on, of what has an entity tag.
#[cfg(feature = "buckets")]
pub(crate) type Asking = Arc<dyn Fn(Option<(u64, String)>) -> Asked + Send + Sync>;

/// What comes of it.
#[cfg(feature = "buckets")]
pub(crate) type Asked = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

/// How media is asked for.
#[derive(Clone)]
pub(super) enum Way {
    /// With a request of this client's own.
    Request(Box<Request>),
    /// As the storage at this host has it.
    #[cfg(feature = "buckets")]
    Storage(String, Asking),
}

impl Way {
    /// The request, in tests of what is asked.
    #[cfg(test)]
    pub(super) fn request(&self) -> &Request {
        match self {
            Self::Request(request) => request,
            #[cfg(feature = "buckets")]
            Self::Storage(..) => panic!("it is asked for at a storage"),
        }
    }

    /// Who is asked first.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Request(request) => request.link.host(),
            #[cfg(feature = "buckets")]
            Self::Storage(host, _) => host.clone(),
        }
    }
}

/// Media that is asked for.
pub(super) struct Media {
    /// How it is asked for first.
    pub(super) way: Way,
    /// Whether a redirection is to be looked for in the body, as JSON's `redirect_to`.
    pub(super) redirect_in_body: bool,
    /// Until when a 404 is temporary.
    pub(super) missing_until: Option<Timestamp>,
    /// Where a link that has expired (403 of a host that the request was redirected to, or of the
    /// link itself) is renewed; `None` where nobody can.
    pub(super) renew: Option<Renew>,
}
