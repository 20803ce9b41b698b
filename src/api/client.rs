//! [`Client`]: requests, and what is done when one fails.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use tracing::Instrument;

use super::body;
use super::channel::{self, Body};
use super::course::Course;
use super::draft::{Draft, Unmade};
use super::error::Error;
use super::exchange::{Answer, Core, Manner};
use super::failure::{Failure, senseless};
use super::policy::Policy;
use super::remote::{Attempts, Download};
use super::retry::Tries;
use super::runtime::Runtime;

pub(super) use super::media::{Media, Renew, Way};
pub(super) use super::request::{Auth, Request};

/// The longest answer in JSON, or in XML.
pub(super) const JSON: usize = 16 * 1024 * 1024;

/// The client. It is made when it is needed; its clones are the same one.
#[derive(Clone)]
pub(super) struct Client {
    runtime: Arc<Runtime>,
    core: Arc<Core>,
}

impl Client {
    /// Nothing is loaded yet.
    pub(super) fn new(retries: u32, authorities: Option<(String, Vec<u8>)>) -> Self {
        let policy = Policy {
            retries,
            ..Policy::default()
        };
        Self::with(policy, authorities)
    }

    /// One that is as patient as `policy` says.
    pub(super) fn with(policy: Policy, authorities: Option<(String, Vec<u8>)>) -> Self {
        Self {
            runtime: Arc::default(),
            core: Arc::new(Core::new(policy, authorities)),
        }
    }

    /// The body of an answer in JSON, of at most 16 MiB.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) fn json(&self, request: &Request) -> Result<Vec<u8>, Error> {
        self.run(&request.link.host(), json(&self.core, request))
    }

    /// Makes a change, and gives the answer's body. `earlier` is how many tries at it there were that
    /// may have succeeded, and did not.
    ///
    /// What surely was not made is tried again like any request; so is what may be made twice.
    ///
    /// # Errors
    /// See [`Unmade`].
    pub(super) fn change(&self, draft: &Draft, earlier: u32) -> Result<Vec<u8>, Unmade> {
        let work = async { Ok(change(&self.core, &draft.0, earlier).await) };
        let made = self.run(&draft.0.link.host(), work);
        made.map_err(Unmade::Not)?
    }

    /// Makes a change from a task, as [`change`](Self::change) does.
    #[cfg(feature = "serve")]
    pub(super) async fn change_within(&self, draft: &Draft) -> Result<Vec<u8>, Unmade> {
        change(&self.core, &draft.0, 0).await
    }

    /// The same client, but with another patience.
    #[cfg(feature = "serve")]
    pub(super) fn as_patient_as(&self, policy: Policy) -> Self {
        Self {
            runtime: Arc::clone(&self.runtime),
            core: Arc::new(self.core.as_patient_as(policy)),
        }
    }

    /// Waits for `work`; `None` if the system gives no threads.
    #[cfg(feature = "serve")]
    pub(super) fn run_any<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.runtime.run(work)
    }

    /// The pause before another try after so many; `false` where there is to be none.
    pub(super) fn pause(&self, earlier: u32) -> bool {
        let mut tries = Tries::after(self.core.policy, earlier);
        let wait = tries.wait_for(Duration::ZERO);
        self.runtime.run(wait).unwrap_or(false)
    }

    /// Begins to read media, and counts how often it asks for it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) fn media(&self, media: Media, attempts: &Attempts) -> Result<Download, Error> {
        let host = media.way.host();
        let course = Course::new(Arc::clone(&self.core), media, attempts.clone());
        self.run(&host, begin(course, Arc::clone(&self.runtime)))
    }

    /// Where requests are made.
    #[cfg(feature = "buckets")]
    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    /// Waits for `work`, of which `host` is part.
    pub(super) fn run<T>(
        &self,
        host: &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.runtime.run(work).unwrap_or_else(|| {
            Err(Error::Unreachable {
                host: host.to_owned(),
                reason: "the system gives no threads for it".to_owned(),
            })
        })
    }

    #[cfg(test)]
    pub(super) fn is_running(&self) -> bool {
        self.runtime.is_running()
    }
}

/// Asks until the whole answer is there.
async fn json(core: &Core, request: &Request) -> Result<Vec<u8>, Error> {
    let mut tries = Tries::new(core.policy);
    loop {
        match json_once(core, request).instrument(tries.span()).await {
            Ok(body) => return Ok(body),
            Err(failure) => tries.wait(failure).await?,
        }
    }
}

async fn json_once(core: &Core, request: &Request) -> Result<Vec<u8>, Failure> {
    let mut answer = core.exchange(request, Manner::default()).await?;
    plain(&answer)?;
    answer.whole(JSON, &core.policy).await
}

/// Makes a change until it is known what became of it.
async fn change(core: &Core, request: &Request, earlier: u32) -> Result<Vec<u8>, Unmade> {
    let may_repeat = request.change.as_ref().is_some_and(|made| made.may_repeat);
    let mut tries = Tries::after(core.policy, earlier);
    loop {
        let failure = match made_once(core, request).instrument(tries.span()).await {
            Ok(body) => return Ok(body),
            Err(failure) => failure,
        };
        if may_repeat || !failure.may_be_made() {
            tries.wait(failure).await.map_err(Unmade::Not)?;
            continue;
        }
        let error = failure.error.clone();
        let again = tries.wait(failure).await.is_ok();
        return Err(Unmade::Perhaps { error, again });
    }
}

async fn made_once(core: &Core, request: &Request) -> Result<Vec<u8>, Failure> {
    let mut answer = core.exchange(request, Manner::default()).await?;
    answer.whole(JSON, &core.policy).await
}

/// Asks until the beginning of an answer is there.
async fn begin(mut course: Course, runtime: Arc<Runtime>) -> Result<Download, Error> {
    let answer = course.ask(None).await?;
    plain(&answer)?;
    course.arrived();
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    });
    let (headers, length) = (headers.collect(), answer.length);
    let sent = answer.sent.clone();
    let (is_delimited, host) = (answer.is_delimited(), answer.link.host());
    let (outlet, inlet) = channel::new();
    let task = tokio::spawn(body::flow(course, answer, outlet).in_current_span());
    Ok(Download {
        headers,
        length,
        is_delimited,
        sent,
        body: Box::new(Body::new(inlet, task.abort_handle(), host, runtime)),
    })
}

/// A plain request has a plain answer: 200, and all of it.
fn plain(answer: &Answer) -> Result<(), Error> {
    if answer.status() != StatusCode::OK {
        let reason = format!("status {}", answer.status().as_u16());
        return Err(senseless(&answer.link, reason));
    }
    if answer
        .headers()
        .contains_key(reqwest::header::CONTENT_RANGE)
    {
        return Err(senseless(
            &answer.link,
            "it is a part, and all was asked for",
        ));
    }
    Ok(())
}
