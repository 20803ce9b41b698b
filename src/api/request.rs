//! [`Request`]s, and what they say of who asks.

use std::sync::Arc;

use reqwest::Method;
use zeroize::Zeroizing;

use super::change::{Change, Verb};
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

impl Request {
    /// The method that it is made with.
    pub(super) fn method(&self) -> Method {
        match self.change.as_ref().map(|change| change.verb) {
            None => Method::GET,
            Some(Verb::Post) => Method::POST,
            Some(Verb::Put) => Method::PUT,
            Some(Verb::Delete) => Method::DELETE,
        }
    }
}
