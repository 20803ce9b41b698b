//! [`Draft`]: a request that changes something at a provider, and what becomes of it.

use std::sync::Arc;

use super::change::{Body, Change, ShownBody, Verb};
use super::error::Error;
use super::request::Request;
use super::sent::Sent;

/// A request that changes something, whole before it is sent.
#[derive(Clone)]
pub(crate) struct Draft(pub(super) Request);

/// Why a change was not made, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unmade {
    /// It was not.
    Not(Error),
    /// Nobody knows: it was sent, and no answer came that says it.
    Perhaps {
        /// What came instead.
        error: Error,
        /// Whether there may be another try.
        again: bool,
    },
}

impl Draft {
    /// The change of what stands at the link of `request`, with its credentials.
    pub(super) fn new(request: Request, verb: Verb, body: Body, may_repeat: bool) -> Self {
        let change = Change {
            verb,
            body,
            may_repeat,
        };
        Self(Request {
            change: Some(Arc::new(change)),
            ..request
        })
    }

    /// The method of HTTP.
    pub(crate) fn method(&self) -> &'static str {
        self.0
            .change
            .as_ref()
            .map_or("GET", |made| made.verb.name())
    }

    /// The URL, as it may be printed.
    pub(crate) fn url(&self) -> String {
        self.0.link.to_string()
    }

    /// A text of the answer, with stars in the place of what was sent and is secret.
    pub(crate) fn masked(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        if let Some(change) = &self.0.change {
            Sent::of(change.body.secrets()).mask(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The body, with stars in the place of secrets. Serialized it is an object,
    /// displayed it is as it may be read: fields of a form a line each, JSON as JSON.
    /// `None` where there is none.
    pub(crate) fn body(&self) -> Option<ShownBody<'_>> {
        match &self.0.change.as_ref()?.body {
            Body::Nothing => None,
            body => Some(ShownBody(body)),
        }
    }
}
