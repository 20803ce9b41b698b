//! What is told of requests, to those who listen: never a query, a header or a body.

use std::time::Instant;

use reqwest::{Method, Response};
use tracing::{debug, trace};

use super::failure::Failure;
use super::link::Link;

/// A request on its way.
pub(super) struct Asked<'a> {
    method: &'a Method,
    link: &'a Link,
    start: Instant,
}

impl<'a> Asked<'a> {
    /// It is sent now.
    pub(super) fn now(method: &'a Method, link: &'a Link) -> Self {
        let start = Instant::now();
        Self {
            method,
            link,
            start,
        }
    }

    /// Tells of its answer's header, and which way it came.
    pub(super) fn answered(&self, response: &Response) {
        if let Some(address) = response.remote_addr() {
            let (tls, http) = (self.link.is_https(), response.version());
            trace!(%address, tls, ?http, "connected");
        }
        debug!(
            method = self.method.as_str(),
            host = self.link.host(),
            path = self.link.url().path(),
            status = response.status().as_u16(),
            ms = milliseconds(self.start),
            "answered"
        );
    }

    /// Tells that no answer came, and why.
    pub(super) fn failed(&self, failure: &Failure) {
        debug!(
            method = self.method.as_str(),
            host = self.link.host(),
            path = self.link.url().path(),
            reason = %failure.error,
            ms = milliseconds(self.start),
            "not answered"
        );
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_time_that_passed_is_told() {
        let since = Instant::now().checked_sub(Duration::from_millis(20));
        assert!(milliseconds(since.unwrap()) >= 20);
    }
}
