//! [`Request`]s, and what they say of who asks.

use std::sync::Arc;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::change::Change;
use super::error::Error;
use super::link::Link;

/// How a request is authorised. Nothing of it goes to another origin.
#[derive(Clone)]
pub(super) enum Auth {
    /// Not at all.
    None,
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user name.
        user: String,
        /// The password.
        secret: Arc<Zeroizing<String>>,
    },
    /// A header of this name, whose value is made anew for each try.
    Header(
        &'static str,
        Arc<dyn Fn() -> Result<Zeroizing<String>, Error> + Send + Sync>,
    ),
    /// A bearer's token (RFC 6750), beside a header that says whose account is meant.
    Bearer {
        /// The token.
        token: Arc<Zeroizing<String>>,
        /// The name of that header, and the account.
        account: (&'static str, String),
    },
}

/// What is asked for, or changed.
#[derive(Clone)]
pub(super) struct Request {
    /// Where.
    pub(super) link: Link,
    /// As whom.
    pub(super) auth: Auth,
    /// The link whose answer said to go there; `None` where the user or unreel itself said so.
    pub(super) told_by: Option<Link>,
    /// Whether the credentials are those of a region.
    pub(super) in_region: bool,
    /// What it changes; `None` where it only asks, with GET.
    pub(super) change: Option<Arc<Change>>,
}

/// How the request for a new link to media is made: it may ask the provider, and block.
pub(super) type Renew = Arc<dyn Fn() -> Result<Request, Error> + Send + Sync>;

/// Media that is asked for.
pub(super) struct Media {
    /// The first request.
    pub(super) request: Request,
    /// Whether a redirection is to be looked for in the body, as JSON's `redirect_to`.
    pub(super) redirect_in_body: bool,
    /// Until when a 404 is temporary.
    pub(super) missing_until: Option<Timestamp>,
    /// Where a link that has expired (403 of a host that the request was redirected to, or of the
    /// link itself) is renewed; `None` where nobody can.
    pub(super) renew: Option<Renew>,
}
