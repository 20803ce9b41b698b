//! [`Tries`]: how often something is tried, and how long is waited between.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use tracing::{Span, debug, debug_span};

use super::error::Error;
use super::failure::{Failure, Then};
use super::policy::Policy;

/// The tries at one thing.
pub(crate) struct Tries {
    policy: Policy,
    failed: u32,
}

impl Tries {
    /// None failed yet.
    pub(super) fn new(policy: Policy) -> Self {
        Self { policy, failed: 0 }
    }

    /// So many failed before.
    pub(super) fn after(policy: Policy, failed: u32) -> Self {
        Self { policy, failed }
    }

    /// As if none had failed: there was progress.
    pub(super) fn begin_anew(&mut self) {
        self.failed = 0;
    }

    /// Waits until it is time for another try.
    ///
    /// # Errors
    /// That of the failure, if there is to be none.
    pub(crate) async fn wait(&mut self, failure: Failure) -> Result<(), Error> {
        let Then::Again(asked) = failure.then else {
            return Err(failure.error);
        };
        if let Some(asked) = asked.filter(|asked| *asked > self.policy.longest_wait) {
            return Err(postponed(failure.error, asked));
        }
        let Some(pause) = self.pause(asked.unwrap_or_default()) else {
            return Err(failure.error);
        };
        let wait_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        debug!(reason = %failure.error, wait_ms, "trying again");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Waits for a time by chance, but no less than `least`; `false` where there is to be no other try.
    pub(super) async fn wait_for(&mut self, least: Duration) -> bool {
        let Some(pause) = self.pause(least) else {
            return false;
        };
        tokio::time::sleep(pause).await;
        true
    }

    /// What is told during the next try says which it is.
    pub(crate) fn span(&self) -> Span {
        debug_span!("attempt", attempt = self.failed + 1)
    }

    /// The pause before another try; `None` where there is to be none.
    fn pause(&mut self, least: Duration) -> Option<Duration> {
        if self.failed >= self.policy.retries {
            return None;
        }
        let pause = pause(&self.policy, self.failed, random());
        self.failed += 1;
        Some(pause.max(least))
    }
}

/// The error of a server that asks to be left alone for so long that nobody waits.
fn postponed(error: Error, asked: Duration) -> Error {
    match error {
        Error::Busy {
            host,
            status,
            problem,
            ..
        } => Error::Busy {
            host,
            status,
            problem,
            after: Some(asked),
        },
        other => other,
    }
}

/// The pause after `failed` earlier ones, as a `share` of the longest: full jitter.
fn pause(policy: &Policy, failed: u32, share: f64) -> Duration {
    let doubled = policy.pause.saturating_mul(1 << failed.min(16));
    doubled.min(policy.longest_pause).mul_f64(share)
}

/// A number from 0 to 1; 1 where the system has no randomness.
#[expect(clippy::cast_precision_loss, reason = "a share of a pause")]
fn random() -> f64 {
    getrandom::u64().unwrap_or(u64::MAX) as f64 / u64::MAX as f64
}

/// How long `Retry-After` asks to wait (RFC 9110, 10.2.3): seconds, or until a date. `None` where
/// it is neither.
pub(super) fn asked_wait(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(value)
        .ok()?;
    let wait = until.duration_since(now);
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_has_two_forms() {
        let now: Timestamp = "2015-10-21T07:28:00Z".parse().unwrap();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (value, wait) in [
            ("0", seconds(0)),
            ("120", seconds(120)),
            (" 7 ", seconds(7)),
            ("99999999999999999999999", seconds(u64::MAX)),
            ("Wed, 21 Oct 2015 07:28:30 GMT", seconds(30)),
            ("Fri, 21 Oct 2015 07:28:30 GMT", seconds(30)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", seconds(0)),
            ("Thu, 22 Oct 2015 07:28:00 GMT", seconds(86400)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ] {
            assert_eq!(asked_wait(value, now), wait, "{value}");
        }
    }

    #[test]
    fn what_a_server_asks_to_wait_is_waited_up_to_the_longest() {
        let longest = Duration::from_millis(5);
        let policy = Policy {
            pause: Duration::ZERO,
            longest_wait: longest,
            ..Policy::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        for (asked, is_waited) in [(longest, true), (longest + Duration::from_millis(1), false)] {
            let busy = Error::Busy {
                host: "a.example".to_owned(),
                status: 429,
                problem: None,
                after: None,
            };
            let wait = Failure::new(busy, Then::Again(Some(asked)));
            let mut tries = Tries::new(policy);
            assert_eq!(runtime.block_on(tries.wait(wait)).is_ok(), is_waited);
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = Policy::default();
        let longest: Vec<_> = (0..8)
            .map(|failed| pause(&policy, failed, 1.0).as_millis())
            .collect();
        assert_eq!(longest, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(pause(&policy, u32::MAX, 1.0), policy.longest_pause);
        assert_eq!(pause(&policy, 3, 0.0), Duration::ZERO);
        assert_eq!(pause(&policy, 3, 0.5), Duration::from_secs(2));
        let many: Vec<_> = (0..1000).map(|_| random()).collect();
        assert!(many.iter().all(|share| (0.0..=1.0).contains(share)));
        assert!(many.iter().any(|share| *share < 0.1) && many.iter().any(|share| *share > 0.9));
    }
}
