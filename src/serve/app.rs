//! [`App`]: what all endpoints share, and the questions that several of them ask.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use tracing::Span;

use super::audit::{Audit, Entry, Event};
use super::cache::Cache;
use super::client::Client;
use super::connections::Connections;
use super::flex::Flex;
use super::heard::{Heard, Name};
use super::link::{Claims, Kind, LinkKeys, Origin};
use super::metrics::{Count, Metrics};
use super::rate::Rate;
use super::rule::Rule;
use super::settings::Settings;
use crate::job::Library;

/// The most links of `unreel serve link` whose use is remembered.
const MOST_USED: usize = 65_536;

/// What all endpoints share.
pub(super) struct App {
    pub(super) settings: Settings,
    /// What links begin with, without a slash at the end.
    pub(super) base: String,
    /// Names that are answered to, in lower case.
    pub(super) hosts: Vec<String>,
    pub(super) links: RwLock<Arc<LinkKeys>>,
    pub(super) audit: Option<Audit>,
    pub(super) library: Arc<Library>,
    pub(super) cache: Arc<Cache>,
    pub(super) flex: Option<Flex>,
    pub(super) rule: Option<Rule>,
    pub(super) rate: Rate,
    pub(super) heard: Heard,
    /// Links of others that were used, until they end.
    pub(super) used: tokio::sync::Mutex<HashMap<Name, u64>>,
    pub(super) connections: Arc<Connections>,
    pub(super) metrics: Arc<Metrics>,
    /// Whether the sources were in reach when they were last asked, and when that was.
    pub(super) reach: tokio::sync::Mutex<Option<(tokio::time::Instant, bool)>>,
}

/// Who hears a recording, and why they may.
#[derive(Clone, Debug, Default)]
pub(super) struct Listener {
    pub(super) identity: Option<String>,
    pub(super) realm_user_id: Option<String>,
    pub(super) worker_sid: Option<String>,
    pub(super) roles: Option<Vec<String>>,
}

/// The audit log is out of reach.
pub(super) struct Unlogged;

impl App {
    /// What a token of this kind says, if it is good.
    pub(super) fn open(&self, token: &str, kind: Kind) -> Option<Claims> {
        let claims = self.keys().open(token, kind, now().as_secs());
        match &claims {
            Some(claims) => {
                Span::current().record("recording", &claims.recording);
            }
            None => self.metrics.count(Count::ForgedLinks),
        }
        claims
    }

    fn keys(&self) -> Arc<LinkKeys> {
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&links)
    }

    /// A token of another kind for the same recording, listener and time; `None` if it were too long.
    pub(super) fn also(&self, claims: &Claims, kind: Kind) -> Option<String> {
        self.keys().sign(&Claims {
            kind,
            by: None,
            ..claims.clone()
        })
    }

    /// A token for a recording, and for how many seconds it is good.
    pub(super) fn link(
        &self,
        recording: &str,
        who: &str,
        kind: Kind,
        ttl: Duration,
        by: Option<Origin>,
    ) -> Option<(String, u64)> {
        let claims = Claims {
            recording: recording.to_owned(),
            who: who.to_owned(),
            expires: (now() + ttl).as_secs(),
            kind,
            by,
        };
        Some((self.keys().sign(&claims)?, ttl.as_secs()))
    }

    /// Writes the grant of a link that somebody else made, the first time that it is used.
    pub(super) async fn first_use(
        &self,
        token: &str,
        claims: &Claims,
        client: &Client,
    ) -> Result<(), Unlogged> {
        if claims.by.is_none() || self.audit.is_none() {
            return Ok(());
        }
        let name = name_of(token);
        // Held until it is written: many who come at the same time are one first use.
        let mut used = self.used.lock().await;
        if used.contains_key(&name) {
            return Ok(());
        }
        let listener = Listener::of(claims);
        let entry = listener.entry(Event::Grant, &claims.recording, client);
        self.log(Entry {
            status: Some(200),
            reason: Some("a link of `unreel serve link`".to_owned()),
            ..entry
        })
        .await?;
        if used.len() >= MOST_USED {
            let now = now().as_secs();
            used.retain(|_, expires| *expires > now);
        }
        if used.len() < MOST_USED {
            used.insert(name, claims.expires);
        }
        Ok(())
    }

    /// Writes down what happened, where that is written down.
    pub(super) async fn log(&self, entry: Entry) -> Result<(), Unlogged> {
        let Some(audit) = &self.audit else {
            return Ok(());
        };
        let written = audit.write(entry).await;
        self.judge(written.is_ok())
    }

    /// Whether what is about to happen could be written down afterwards.
    pub(super) async fn can_log(&self) -> Result<(), Unlogged> {
        let Some(audit) = &self.audit else {
            return Ok(());
        };
        let tried = audit.try_it().await;
        self.judge(tried.is_ok())
    }

    fn judge(&self, is_written: bool) -> Result<(), Unlogged> {
        if is_written {
            return Ok(());
        }
        self.metrics.count(Count::AuditErrors);
        if self.settings.audit_optional {
            Ok(())
        } else {
            Err(Unlogged)
        }
    }
}

impl Listener {
    /// Who a link was made for.
    pub(super) fn of(claims: &Claims) -> Self {
        Self {
            identity: Some(claims.who.clone()).filter(|who| !who.is_empty()),
            ..Self::default()
        }
    }

    /// What is written down of them.
    pub(super) fn entry(&self, event: Event, recording: &str, client: &Client) -> Entry {
        Entry {
            recording: Some(recording.to_owned()),
            identity: self.identity.clone(),
            realm_user_id: self.realm_user_id.clone(),
            worker_sid: self.worker_sid.clone(),
            roles: self.roles.clone(),
            address: client.address,
            user_agent: client.agent.clone(),
            ..Entry::of(event)
        }
    }
}

/// What names a token.
pub(super) fn name_of(token: &str) -> Name {
    Sha256::digest(token).into()
}

/// The time since 1970.
pub(super) fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}
