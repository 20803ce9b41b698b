//! Twilio Video: recordings of rooms' tracks, and compositions of them.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{self, Scalar, element, lacks, read};
use super::error::Error;
use super::link::Link;
use super::remote::{Place, Remote, Resource, Selection, State};
use super::twilio::{self, Access, Listed};
use crate::provider::{IdKind, Provider};

/// The first part of all paths.
const VERSION: &str = "v1";

/// Items on a page: at most 100, of a room's recordings at most 1000.
const PAGE_SIZE: &str = "100";
const PAGE_SIZE_OF_ROOM: &str = "1000";

/// Recordings and compositions.
#[derive(Clone)]
pub(super) struct Video {
    access: Access,
}

/// A recording or a composition, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Recording<'a> {
    #[serde(borrow)]
    sid: Scalar<'a>,
    account_sid: Scalar<'a>,
    room_sid: Scalar<'a>,
    grouping_sids: Option<&'a RawValue>,
    date_created: Scalar<'a>,
    date_updated: Scalar<'a>,
    date_completed: Scalar<'a>,
    duration: Scalar<'a>,
    size: Scalar<'a>,
    status: Scalar<'a>,
    r#type: Scalar<'a>,
    media_external_location: Scalar<'a>,
}

/// What a track belongs to.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Grouping<'a> {
    #[serde(borrow)]
    room_sid: Scalar<'a>,
}

/// What is said of a page. `key` names the member that its items are in.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta<'a> {
    #[serde(borrow)]
    key: Scalar<'a>,
    next_page_url: Scalar<'a>,
}

impl Video {
    /// Those of the account that the credentials belong to.
    pub(super) fn new(access: Access) -> Self {
        Self { access }
    }

    /// What is said of a recording or a composition.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) fn recording(&self, kind: IdKind, id: &str) -> Result<Remote, Error> {
        let link = self.access.link(&[VERSION, collection(kind)?, id], &[])?;
        let document = self.access.answer(&link)?;
        let said = read(&self.access.host(), &document)?;
        self.remote(&document, &said, Some(id))
    }

    /// Those of `selection`: of the account or a room, recordings before compositions. Where the
    /// credentials are refused, nobody is asked for the compositions.
    ///
    /// # Errors
    /// Those of making the first links; others are in the list.
    pub(super) fn list(
        self,
        selection: &Selection,
    ) -> Result<impl Iterator<Item = Result<Remote, Error>> + Send + use<>, Error> {
        let [recordings, compositions] = self.firsts(selection)?;
        let compositions = self.clone().pages(compositions, "compositions");
        let mut recordings = self.pages(recordings, "recordings");
        let (mut is_refused, mut compositions) = (false, compositions);
        Ok(std::iter::from_fn(move || {
            if is_refused {
                return None;
            }
            let item = recordings.next().or_else(|| compositions.next());
            is_refused = matches!(item, Some(Err(Error::Refused { status: 401, .. })));
            item
        }))
    }

    fn firsts(&self, selection: &Selection) -> Result<[Link; 2], Error> {
        let dates = dates(selection);
        let fields = |first: &[(&'static str, &str)]| {
            let first = first.iter().map(|(key, value)| (*key, (*value).to_owned()));
            first.chain(dates.iter().cloned()).collect::<Vec<_>>()
        };
        let link = |parts: &[&str], fields: Vec<(&str, String)>| {
            let parts = [&[VERSION], parts].concat();
            let fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| (*key, value.as_str()))
                .collect();
            self.access.link(&parts, &fields)
        };
        Ok(match &selection.group {
            None => [
                link(&["Recordings"], fields(&[("PageSize", PAGE_SIZE)]))?,
                link(&["Compositions"], fields(&[("PageSize", PAGE_SIZE)]))?,
            ],
            Some(Resource {
                kind: IdKind::Room,
                id,
                ..
            }) => [
                link(
                    &["Rooms", id, "Recordings"],
                    fields(&[("PageSize", PAGE_SIZE_OF_ROOM)]),
                )?,
                link(
                    &["Compositions"],
                    fields(&[("RoomSid", id), ("PageSize", PAGE_SIZE)]),
                )?,
            ],
            Some(_) => return Err(Error::NoCredentials),
        })
    }

    fn pages(
        self,
        first: Link,
        usual: &'static str,
    ) -> impl Iterator<Item = Result<Remote, Error>> + Send + use<> {
        self.access
            .clone()
            .pages(first, move |bytes| self.page(bytes, usual))
    }

    /// Reads a page, whose items are in the member `usual` if it does not say where.
    fn page(&self, bytes: &[u8], usual: &str) -> Result<Listed, Error> {
        let host = &self.access.host();
        let page: HashMap<Cow<'_, str>, &RawValue> = read(host, bytes)?;
        let meta = page.get("meta").map(|raw| element(host, raw)).transpose()?;
        let meta: Meta<'_> = meta.unwrap_or_default();
        let items = page.get(meta.key.text().unwrap_or(usual));
        let items: Vec<&RawValue> = items
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .ok_or_else(|| lacks(host, bytes, "list of recordings"))?;
        let one = |raw: &RawValue| self.remote(raw.get().as_bytes(), &element(host, raw)?, None);
        Ok(Listed {
            items: items.into_iter().map(one).collect(),
            next: meta.next_page_url.owned(),
        })
    }

    fn remote(
        &self,
        document: &[u8],
        said: &Recording<'_>,
        asked: Option<&str>,
    ) -> Result<Remote, Error> {
        let kinds = &[IdKind::Track, IdKind::Composition];
        let id = answer::id(&self.access.host(), document, &said.sid, kinds, asked)?;
        let (state, duration) = (state(said), said.duration.seconds());
        let (created, completed) = (said.date_created.time(), said.date_completed.time());
        let updated = said.date_updated.time();
        let ended = || created?.checked_add(duration.unwrap_or_default()).ok();
        let place = match (&state, IdKind::of(&id)) {
            (State::Ready, Some(kind)) => Place::Api {
                link: self
                    .access
                    .link(&[VERSION, collection(kind)?, &id, "Media"], &[])?,
                missing_until: completed.or(updated).or_else(ended).and_then(twilio::late),
            },
            _ => Place::Nowhere,
        };
        Ok(Remote {
            provider: Provider::TwilioVideo,
            id,
            document: document.to_vec(),
            created,
            parent: said.room_sid.owned().or_else(|| said.room()),
            account: said.account_sid.owned(),
            duration,
            size: said.size.whole().filter(|size| *size > 0),
            sha256: None,
            state,
            is_data: said.r#type.text() == Some("data"),
            place,
        })
    }
}

impl Recording<'_> {
    fn room(&self) -> Option<String> {
        let grouping: Grouping<'_> = serde_json::from_str(self.grouping_sids?.get()).ok()?;
        grouping.room_sid.owned()
    }
}

/// The part of a path that recordings of a kind are below.
fn collection(kind: IdKind) -> Result<&'static str, Error> {
    match kind {
        IdKind::Track => Ok("Recordings"),
        IdKind::Composition => Ok("Compositions"),
        _ => Err(Error::NoCredentials),
    }
}

fn state(said: &Recording<'_>) -> State {
    match said.status.text().unwrap_or_default() {
        "completed" => match said.media_external_location.text() {
            Some(url) => State::External(twilio::printable(url)),
            None => State::Ready,
        },
        "deleted" => State::Deleted,
        "failed" => State::Failed(None),
        // enqueued, processing, and what Twilio may add.
        other => State::NotYet(other.to_owned()),
    }
}

/// The fields of a list's query that say when. They are to the second.
fn dates(selection: &Selection) -> Vec<(&'static str, String)> {
    let second = |time: Timestamp, more: i64| {
        let time = Timestamp::from_second(time.as_second() + more).ok();
        time.map(|time| time.to_string())
    };
    let since = selection.since.and_then(|since| second(since, 0));
    let until = selection.until.and_then(|until| {
        let is_whole = until.subsec_nanosecond() == 0;
        second(until, i64::from(!is_whole))
    });
    let since = since.map(|since| ("DateCreatedAfter", since));
    let until = until.map(|until| ("DateCreatedBefore", until));
    since.into_iter().chain(until).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use zeroize::Zeroizing;

    use super::super::credentials::Twilio;
    use super::super::hosts::{Hosts, Service};
    use super::super::scripted::{Script, link, refused};
    use super::*;

    const RT: &str = "RT00000000000000000000000000000001";
    const CJ: &str = "CJ00000000000000000000000000000001";
    const RM: &str = "RM00000000000000000000000000000001";
    const ROOT: &str = "https://video.twilio.com/v1";

    const RECORDING: &str = r#"{
  "account_sid": "AC00000000000000000000000000000001", "status": "completed",
  "date_created": "2015-07-30T20:00:00Z", "date_updated": "2015-07-30T21:00:00Z",
  "sid": "RT00000000000000000000000000000001", "source_sid": "MT1", "size": 23,
  "url": "https://video.twilio.com/v1/Recordings/RT00000000000000000000000000000001",
  "type": "audio", "duration": 10, "container_format": "mka", "codec": "OPUS",
  "track_name": "A name", "offset": 10, "status_callback": null,
  "grouping_sids": {"room_sid": "RM00000000000000000000000000000001", "participant_sid": "PA1"},
  "media_external_location": null,
  "links": {"media": "https://video.twilio.com/v1/Recordings/RT1/Media"}}"#;

    const COMPOSITION: &str = r#"{
  "account_sid": "AC00000000000000000000000000000001", "status": "completed",
  "date_created": "2015-07-30T20:00:00Z", "date_completed": "2015-07-30T20:01:33Z",
  "date_deleted": null, "sid": "CJ00000000000000000000000000000001",
  "room_sid": "RM00000000000000000000000000000001", "audio_sources": ["user*"],
  "video_layout": {"custom": {}}, "resolution": "1280x720", "format": "webm", "bitrate": 64,
  "size": "4", "duration": 6, "trim": true, "media_external_location": null}"#;

    fn video(script: &Arc<Script>) -> Video {
        let credentials = Twilio {
            account: "AC1".to_owned(),
            user: "SK0".to_owned(),
            secret: Zeroizing::new("secret".to_owned()),
            place: None,
        };
        let hosts = Hosts::default();
        let access = Access::new(script.clone(), &hosts, &credentials, Service::TwilioVideo);
        Video::new(access.unwrap())
    }

    fn time(text: &str) -> Option<Timestamp> {
        text.parse().ok()
    }

    fn remote(kind: IdKind, body: &str) -> Remote {
        let (collection, id) = match kind {
            IdKind::Track => ("Recordings", RT),
            _ => ("Compositions", CJ),
        };
        let url = format!("{ROOT}/{collection}/{id}");
        let script = Script::new(&[(&url, Ok(body.to_owned()))]);
        video(&script).recording(kind, id).unwrap()
    }

    #[test]
    fn a_recording_is_what_twilio_says_of_it() {
        let remote = remote(IdKind::Track, RECORDING);
        assert_eq!(remote.id, RT);
        assert_eq!(remote.document, RECORDING.as_bytes());
        assert_eq!(remote.created, time("2015-07-30T20:00:00Z"));
        assert_eq!(remote.parent.as_deref(), Some(RM));
        assert_eq!(remote.size, Some(23));
        let empty = RECORDING.replace("\"size\": 23", "\"size\": 0");
        assert_eq!(self::remote(IdKind::Track, &empty).size, None);
        assert_eq!(remote.duration.map(|duration| duration.as_secs()), Some(10));
        assert!(!remote.is_data);
        let place = Place::Api {
            link: link(&format!("{ROOT}/Recordings/{RT}/Media")),
            missing_until: time("2015-07-30T21:01:00Z"),
        };
        assert_eq!(remote.place, place);
    }

    #[test]
    fn a_composition_is_what_twilio_says_of_it() {
        let remote = remote(IdKind::Composition, COMPOSITION);
        assert_eq!(remote.id, CJ);
        assert_eq!(remote.parent.as_deref(), Some(RM));
        assert_eq!(remote.size, Some(4));
        let place = Place::Api {
            link: link(&format!("{ROOT}/Compositions/{CJ}/Media")),
            missing_until: time("2015-07-30T20:02:33Z"),
        };
        assert_eq!(remote.place, place);
    }

    #[test]
    fn media_may_be_late_by_what_is_known() {
        let late = |body: &str| match remote(IdKind::Track, body).place {
            Place::Api { missing_until, .. } => missing_until,
            other => panic!("{other:?}"),
        };
        let body = RECORDING.replace("date_updated", "x");
        assert_eq!(late(&body), time("2015-07-30T20:01:10Z"));
        assert_eq!(late(&body.replace("date_created", "x")), None);
        assert_eq!(
            late(&body.replace("duration", "x")),
            time("2015-07-30T20:01:00Z")
        );
        let body = body.replace("\"duration\": 10", "\"duration\": 1e15");
        assert_eq!(late(&body), None);
    }

    #[test]
    fn every_status_is_known() {
        let not_yet = |status: &str| State::NotYet(status.to_owned());
        for (status, expected) in [
            ("processing", not_yet("processing")),
            ("enqueued", not_yet("enqueued")),
            ("resting", not_yet("resting")),
            ("completed", State::Ready),
            ("deleted", State::Deleted),
            ("failed", State::Failed(None)),
        ] {
            for (kind, body) in [
                (IdKind::Track, RECORDING),
                (IdKind::Composition, COMPOSITION),
            ] {
                let remote = remote(kind, &body.replace("completed\",", &format!("{status}\",")));
                assert_eq!(remote.state, expected);
                assert_eq!(remote.place == Place::Nowhere, expected != State::Ready);
            }
        }
        let location = "\"media_external_location\": \"https://b.s3.amazonaws.com/RT1?x=secret\"";
        let body = RECORDING.replace("\"media_external_location\": null", location);
        let place = "https://b.s3.amazonaws.com/RT1".to_owned();
        assert_eq!(
            remote(IdKind::Track, &body).state,
            State::External(Some(place))
        );
    }

    #[test]
    fn data_tracks_are_known() {
        let body = RECORDING.replace("\"audio\"", "\"data\"");
        assert!(remote(IdKind::Track, &body).is_data);
        let body = RECORDING
            .replace("{\"room_sid\"", "[\"room_sid\"")
            .replace("PA1\"}", "PA1\"]");
        let body = body
            .replace("[\"room_sid\": ", "[")
            .replace("\"participant_sid\": ", "");
        assert_eq!(remote(IdKind::Track, &body).parent, None);
    }

    fn page(key: &str, items: &[&str], next: &str) -> String {
        let items = items.join(", ");
        format!(
            r#"{{"meta": {{"page": 0, "key": "{key}", "next_page_url": {next}}}, "{key}": [{items}]}}"#
        )
    }

    fn ids(list: impl Iterator<Item = Result<Remote, Error>>) -> Vec<Result<String, Error>> {
        list.map(|remote| remote.map(|remote| remote.id)).collect()
    }

    #[test]
    fn recordings_come_before_compositions() {
        let next = "\"http://video.twilio.com/v1/Recordings?Page=1\"";
        let script = Script::new(&[
            (
                "https://video.twilio.com/v1/Recordings?PageSize=100",
                Ok(page("recordings", &[RECORDING], next)),
            ),
            (
                "https://video.twilio.com/v1/Recordings?Page=1",
                Ok(page("tracks", &[RECORDING], "null")),
            ),
            (
                "https://video.twilio.com/v1/Compositions?PageSize=100",
                Ok(page("compositions", &[COMPOSITION], "null")),
            ),
        ]);
        let mut list = video(&script).list(&Selection::default()).unwrap();
        let first = list.next().unwrap().unwrap();
        assert_eq!(first.document, RECORDING.as_bytes());
        let rest = [Ok(RT.to_owned()), Ok(CJ.to_owned())];
        assert_eq!(ids(list), rest);
    }

    #[test]
    fn a_room_has_both() {
        let selection = Selection {
            group: Some(Resource {
                provider: Provider::TwilioVideo,
                kind: IdKind::Room,
                id: RM.to_owned(),
                account: None,
            }),
            since: time("2026-11-01T00:00:00.25Z"),
            until: time("2026-11-02T00:00:00.25Z"),
            ..Selection::default()
        };
        let dates = "DateCreatedAfter=2026-11-01T00%3A00%3A00Z\
                     &DateCreatedBefore=2026-11-02T00%3A00%3A01Z";
        let recordings = format!("{ROOT}/Rooms/{RM}/Recordings?PageSize=1000&{dates}");
        let compositions = format!("{ROOT}/Compositions?RoomSid={RM}&PageSize=100&{dates}");
        let composition = page("compositions", &[COMPOSITION], "null").replace("\"meta\"", "\"x\"");
        let script = Script::new(&[
            (&recordings, Err(refused(404))),
            (&compositions, Ok(composition)),
        ]);
        let list = video(&script).list(&selection).unwrap();
        assert_eq!(ids(list), [Err(refused(404)), Ok(CJ.to_owned())]);
        assert_eq!(script.asked(), [recordings, compositions]);
    }

    #[test]
    fn who_is_refused_does_not_ask_again() {
        let first = format!("{ROOT}/Recordings?PageSize=100");
        let script = Script::new(&[(&first, Err(refused(401)))]);
        let list = video(&script).list(&Selection::default()).unwrap();
        assert_eq!(ids(list), [Err(refused(401))]);
    }

    #[test]
    fn a_list_does_not_lead_away() {
        let first = format!("{ROOT}/Recordings?PageSize=100");
        let second = format!("{ROOT}/Compositions?PageSize=100");
        let next = "\"https://evil.com/v1/Recordings?Token=secret\"";
        let script = Script::new(&[
            (&first, Ok(page("recordings", &[RECORDING], next))),
            (&second, Ok("{\"meta\": {}}".to_owned())),
        ]);
        let list = ids(video(&script).list(&Selection::default()).unwrap());
        assert_eq!(list[0], Ok(RT.to_owned()));
        assert!(matches!(&list[1], Err(Error::Astray { to, .. }) if !to.contains("secret")));
        assert!(matches!(&list[2], Err(Error::Answer { .. })));
        assert_eq!(list.len(), 3);
    }
}
