//! [`Observer`]: what a service has to say to whoever started it.

/// Something that they should know. The words are theirs.
#[derive(Clone, Copy, Debug)]
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
}

/// Is told what happens.
pub(crate) trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}
