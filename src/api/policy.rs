//! [`Policy`]: the client's numbers.

use std::time::Duration;

/// How patient the client is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// Tries after the first.
    pub(super) retries: u32,
    /// How long connecting may take.
    pub(super) connect: Duration,
    /// How long a server may be silent.
    pub(super) silence: Duration,
    /// What the longest pause before the first of further tries is; it doubles with each.
    pub(super) pause: Duration,
    /// What it does not grow beyond.
    pub(super) longest_pause: Duration,
    /// The longest time that a server may ask to wait.
    pub(super) longest_wait: Duration,
    /// How often a body may break.
    pub(super) breaks: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            retries: 5,
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            longest_wait: Duration::from_secs(5 * 60),
            breaks: 100,
        }
    }
}
