//! [`Course`]: media that is asked for until it comes.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{Instrument, Span, debug, debug_span};

use super::error::Error;
use super::exchange::{Answer, Core, Manner};
use super::failure::{Failure, Then};
use super::media::{Media, Renew, Way};
use super::remote::Attempts;
use super::retry::Tries;

/// Media that is asked for, and how often it was.
pub(super) struct Course {
    /// Where it is asked for.
    pub(super) core: Arc<Core>,
    /// How often, for those who report it.
    attempts: Attempts,
    media: Media,
    tries: Tries,
    renewals: u32,
}

impl Course {
    /// Nothing is asked yet.
    pub(super) fn new(core: Arc<Core>, media: Media, attempts: Attempts) -> Self {
        Self {
            tries: Tries::new(core.policy),
            core,
            attempts,
            media,
            renewals: 0,
        }
    }

    /// Asks for all of it, or the `rest` of what has an entity tag.
    ///
    /// # Errors
    /// The last one, when there are no more tries or none would help.
    pub(super) async fn ask(&mut self, rest: Option<(u64, &str)>) -> Result<Answer, Error> {
        let manner = Manner {
            redirect_in_body: self.media.redirect_in_body,
            rest,
        };
        loop {
            self.attempts.add();
            let span = debug_span!("attempt", attempt = self.attempts.count());
            let asked = match &self.media.way {
                Way::Request(request) => self.core.exchange(request, manner).instrument(span).await,
                #[cfg(feature = "buckets")]
                Way::Storage(_, ask) => {
                    let rest = rest.map(|(at, tag)| (at, tag.to_owned()));
                    ask(rest).instrument(span).await
                }
            };
            let failure = match asked {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            match (&failure.then, &self.media.renew) {
                (Then::Renew(host), Some(renew)) => {
                    let expired = Error::Expired { host: host.clone() };
                    self.renew(Arc::clone(renew), expired).await?;
                }
                _ => self.tries.wait(self.unless_missing(failure)).await?,
            }
        }
    }

    /// Waits for another try after what was asked for broke off.
    ///
    /// # Errors
    /// That of the failure, if there is to be none.
    pub(super) async fn wait(&mut self, failure: Failure) -> Result<(), Error> {
        self.tries.wait(failure).await
    }

    /// Bytes came that had not come before.
    pub(super) fn progressed(&mut self) {
        self.tries.begin_anew();
        self.renewals = 0;
    }

    /// From now on what is missing stays missing.
    pub(super) fn arrived(&mut self) {
        self.media.missing_until = None;
    }

    /// Asks the provider for another link: at once, then with pauses.
    async fn renew(&mut self, renew: Renew, expired: Error) -> Result<(), Error> {
        if self.renewals >= self.core.policy.retries {
            return Err(expired);
        }
        if self.renewals > 0 {
            self.tries.wait(Failure::again(expired.clone())).await?;
        }
        self.renewals += 1;
        debug!(reason = %expired, "asking for another link");
        let span = Span::current();
        let asked = tokio::task::spawn_blocking(move || span.in_scope(|| renew())).await;
        self.media.way = Way::Request(Box::new(asked.unwrap_or(Err(expired))?));
        Ok(())
    }

    /// A 404 is no refusal while the media may still be on its way.
    fn unless_missing(&self, failure: Failure) -> Failure {
        let may_come = |until| Timestamp::now() < until;
        match failure.error {
            Error::Refused {
                host,
                status: 404,
                problem,
                ..
            } if self.media.missing_until.is_some_and(may_come) => Failure::again(Error::Busy {
                host,
                status: 404,
                problem,
                after: None,
            }),
            error => Failure { error, ..failure },
        }
    }
}
