//! Who may hear a recording by a Flex token: the questions of `/sec_rec` and of the API's path.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use tracing::{Span, debug};

use super::answer;
use super::app::{App, Listener};
use super::audit::{Entry, Event};
use super::cache::Missing;
use super::client::Client;
use super::flex::{Unanswered, token_of};
use crate::api::FlexUser;
use crate::job::{Library, Unplayable};

/// Somebody who may hear a recording.
pub(super) struct Admitted {
    pub(super) listener: Listener,
    /// The recording's id, as its provider writes it.
    pub(super) recording: String,
}

/// Why somebody may not.
struct Denied {
    reason: String,
    response: Response,
    is_anonymous: bool,
}

impl Denied {
    fn new(reason: impl Into<String>, response: Response) -> Self {
        Self {
            reason: reason.into(),
            response,
            is_anonymous: false,
        }
    }
}

impl From<FlexUser> for Listener {
    fn from(user: FlexUser) -> Self {
        Self {
            identity: user.identity,
            realm_user_id: user.realm_user_id,
            worker_sid: user.worker,
            roles: Some(user.roles),
        }
    }
}

impl App {
    /// Lets whoever asks with these headers hear the recording `asked`, which they named. What is not
    /// allowed is written down; a grant is not yet.
    ///
    /// # Errors
    /// The answer to give instead.
    pub(super) async fn admit(
        &self,
        asked: Option<&str>,
        headers: &HeaderMap,
        client: &Client,
    ) -> Result<Admitted, Response> {
        let mut listener = Listener::default();
        let admitted = self.question(asked, headers, &mut listener).await;
        match admitted {
            Ok(recording) => {
                Span::current().record("recording", &recording);
                Ok(Admitted {
                    listener,
                    recording,
                })
            }
            Err(denied) => {
                debug!(reason = denied.reason, "denied");
                let recording = asked.and_then(Library::canonical);
                let entry = listener.entry(Event::Deny, "", client);
                let entry = Entry {
                    recording,
                    status: Some(denied.response.status().as_u16()),
                    reason: Some(denied.reason),
                    is_anonymous: denied.is_anonymous,
                    ..entry
                };
                // It is denied whether that can be written or not.
                self.log(entry).await.ok();
                Err(denied.response)
            }
        }
    }

    async fn question(
        &self,
        asked: Option<&str>,
        headers: &HeaderMap,
        listener: &mut Listener,
    ) -> Result<String, Denied> {
        let anonymous = |reason: &str| Denied {
            is_anonymous: true,
            ..Denied::new(reason, answer::unauthorised())
        };
        let token = token_of(headers).ok_or_else(|| anonymous("no token"))?;
        let Some(flex) = &self.flex else {
            let reason = "nobody says whose tokens are valid: there is no --account";
            return Err(Denied::new(reason, answer::unavailable()));
        };
        let user = flex.user(&token, &self.metrics).await;
        let user = user
            .map_err(|Unanswered(reason)| Denied::new(reason, answer::unavailable()))?
            .ok_or_else(|| anonymous("invalid token"))?;
        *listener = user.clone().into();
        if !flex.has_role(&user) {
            return Err(Denied::new("role", answer::forbidden()));
        }
        let unknown = || Denied::new("unknown recording", answer::not_found());
        let recording = asked.and_then(Library::canonical).ok_or_else(unknown)?;
        let Some(rule) = &self.rule else {
            self.exists(&recording).await?;
            return Ok(recording);
        };
        // The rule is told the call, which the recording itself may say.
        let call = match self.cache.get(&recording).await {
            Ok(kept) => kept.playable.call.clone(),
            Err(Missing::Unusable(_)) => None,
            Err(Missing::Unknown) => return Err(unknown()),
            Err(Missing::Unreachable(reason)) => {
                return Err(Denied::new(reason, answer::unavailable()));
            }
        };
        if !rule.allows(&user, &recording, call.as_deref()).await {
            return Err(Denied::new("rule", answer::forbidden()));
        }
        Ok(recording)
    }

    /// Whether there is such a recording. What is wrong with it is for later.
    async fn exists(&self, recording: &str) -> Result<(), Denied> {
        if self.cache.has(recording) {
            return Ok(());
        }
        let (library, id) = (Arc::clone(&self.library), recording.to_owned());
        let span = Span::current();
        let look = move || span.in_scope(|| library.look(&id));
        let found = tokio::task::spawn_blocking(look).await;
        match found {
            Ok(Ok(()) | Err(Unplayable::Unusable(_))) => Ok(()),
            Ok(Err(Unplayable::Unknown)) => {
                Err(Denied::new("unknown recording", answer::not_found()))
            }
            Ok(Err(Unplayable::Unreachable(error))) => {
                Err(Denied::new(error.to_string(), answer::unavailable()))
            }
            Err(_) => Err(Denied::new("internal error", answer::unavailable())),
        }
    }
}
