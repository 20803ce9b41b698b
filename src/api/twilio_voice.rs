//! Twilio Voice: recordings of calls and conferences.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::{ParseError, Url};

use super::answer::{self, Scalar, element, lacks, read};
use super::error::Error;
use super::link::Link;
use super::remote::{Place, Remote, Resource, Selection, State};
use super::twilio::{self, Access, Listed};
use crate::provider::{IdKind, Provider};

/// The first part of all paths.
const VERSION: &str = "2010-04-01";

/// Recordings on a page: 50 if nothing is said, at most 1000.
const PAGE_SIZE: &str = "1000";

/// The recordings of an account.
#[derive(Clone)]
pub(super) struct Voice {
    access: Access,
    account: String,
}

/// A recording, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Recording<'a> {
    #[serde(borrow)]
    sid: Scalar<'a>,
    account_sid: Scalar<'a>,
    call_sid: Scalar<'a>,
    conference_sid: Scalar<'a>,
    date_created: Scalar<'a>,
    date_updated: Scalar<'a>,
    duration: Scalar<'a>,
    error_code: Scalar<'a>,
    media_url: Scalar<'a>,
    status: Scalar<'a>,
}

/// A page of recordings.
#[derive(Default, Deserialize)]
#[serde(default)]
struct List<'a> {
    #[serde(borrow)]
    recordings: Option<Vec<&'a RawValue>>,
    next_page_uri: Scalar<'a>,
}

impl Voice {
    /// Those of `account`.
    pub(super) fn new(access: Access, account: String) -> Self {
        Self { access, account }
    }

    /// What is said of the recording `id`; of a deleted one only where `include_deleted`.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) fn recording(&self, id: &str, include_deleted: bool) -> Result<Remote, Error> {
        let deleted: &[_] = if include_deleted {
            &[("IncludeSoftDeleted", "true")]
        } else {
            &[]
        };
        let link = self.link(&["Recordings", &format!("{id}.json")], deleted)?;
        let document = self.access.answer(&link)?;
        let said = read(&self.access.host(), &document)?;
        self.remote(&document, &said, Some(id))
    }

    /// Those of `selection`: of the account, a call or a conference.
    ///
    /// # Errors
    /// Those of making the first link; others are in the list.
    pub(super) fn list(
        self,
        selection: &Selection,
    ) -> Result<impl Iterator<Item = Result<Remote, Error>> + Send + use<>, Error> {
        let fields = fields(selection);
        let fields: Vec<_> = fields
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let first = self.first(selection.group.as_ref(), &fields)?;
        Ok(self
            .access
            .clone()
            .pages(first, move |bytes| self.page(bytes)))
    }

    fn first(&self, group: Option<&Resource>, fields: &[(&str, &str)]) -> Result<Link, Error> {
        match group {
            None => self.link(&["Recordings.json"], fields),
            Some(Resource {
                kind: IdKind::Call,
                id,
                ..
            }) => self.link(&["Calls", id, "Recordings.json"], fields),
            Some(Resource {
                kind: IdKind::Conference,
                id,
                ..
            }) => self.link(&["Conferences", id, "Recordings.json"], fields),
            Some(_) => Err(Error::NoCredentials),
        }
    }

    fn link(&self, parts: &[&str], fields: &[(&str, &str)]) -> Result<Link, Error> {
        let parts = [&[VERSION, "Accounts", &self.account], parts].concat();
        self.access.link(&parts, fields)
    }

    fn page(&self, bytes: &[u8]) -> Result<Listed, Error> {
        let host = &self.access.host();
        let list: List<'_> = read(host, bytes)?;
        let items = list
            .recordings
            .ok_or_else(|| lacks(host, bytes, "list of recordings"))?;
        let one = |raw: &RawValue| self.remote(raw.get().as_bytes(), &element(host, raw)?, None);
        Ok(Listed {
            items: items.into_iter().map(one).collect(),
            next: list.next_page_uri.owned(),
        })
    }

    fn remote(
        &self,
        document: &[u8],
        said: &Recording<'_>,
        asked: Option<&str>,
    ) -> Result<Remote, Error> {
        let kinds = &[IdKind::Recording];
        let id = answer::id(&self.access.host(), document, &said.sid, kinds, asked)?;
        let (state, updated) = (self.state(said), said.date_updated.time());
        let place = match state {
            State::Ready => Place::Api {
                link: self.link(&["Recordings", &format!("{id}.wav")], &[])?,
                missing_until: updated.and_then(twilio::late),
            },
            _ => Place::Nowhere,
        };
        Ok(Remote {
            provider: Provider::TwilioVoice,
            id,
            document: document.to_vec(),
            created: said.date_created.time(),
            parent: said
                .call_sid
                .owned()
                .or_else(|| said.conference_sid.owned()),
            account: said.account_sid.owned(),
            duration: said.duration.seconds(),
            size: None,
            sha256: None,
            state,
            is_data: false,
            place,
        })
    }

    fn state(&self, said: &Recording<'_>) -> State {
        match said.status.text().unwrap_or_default() {
            "completed" => self.kept(said.media_url.text().unwrap_or_default()),
            "absent" => State::Absent(said.error_code.whole()),
            "deleted" => State::Deleted,
            "failed" => State::Failed(said.error_code.owned()),
            // in-progress, paused, stopped, processing, and what Twilio may add.
            other => State::NotYet(other.to_owned()),
        }
    }

    /// What a completed recording is whose `media_url` is that: "When stored externally, this is the
    /// full URL location of the media file".
    fn kept(&self, media_url: &str) -> State {
        match Url::parse(media_url) {
            Ok(url) if self.access.is_own(&url) => State::Ready,
            Err(ParseError::RelativeUrlWithoutBase) => State::Ready,
            Ok(_) | Err(_) => State::External(twilio::printable(media_url)),
        }
    }
}

/// The fields of a list's query. Twilio's dates are whole days, and its documents differ in whether
/// the last one is in: the list has at least what is selected.
fn fields(selection: &Selection) -> Vec<(&'static str, String)> {
    let mut fields = vec![("PageSize", PAGE_SIZE.to_owned())];
    if selection.include_deleted {
        fields.push(("IncludeSoftDeleted", "true".to_owned()));
    }
    if let Some(since) = selection.since {
        fields.push(("DateCreated>", utc(since).date().to_string()));
    }
    if let Some(until) = selection.until.map(utc) {
        let date = if until.time() == Time::midnight() {
            Ok(until.date())
        } else {
            until.date().tomorrow()
        };
        fields.extend(date.map(|date| ("DateCreated<", date.to_string())));
    }
    fields
}

fn utc(time: Timestamp) -> jiff::civil::DateTime {
    TimeZone::UTC.to_datetime(time)
}

#[cfg(test)]
mod tests;
