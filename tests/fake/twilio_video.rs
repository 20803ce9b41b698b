//! Twilio Video, version 1: recordings, compositions, rooms.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answers::{basic, error_json, twilio_json};
use super::http::{Request, Response};
use super::records::Video;
use super::storage::Storage;
use super::{Shared, State, VideoLink};

pub fn answer(shared: &Shared, state: &mut State, request: &Request) -> Response {
    if !basic(request) {
        return error_json(401).with("WWW-Authenticate", "Basic realm=\"Twilio API\"");
    }
    let path = request.path().trim_end_matches('/');
    let lost = || {
        let message = format!("The requested resource {path} was not found");
        twilio_json(404, 20404, &message)
    };
    if request.method != "GET" && request.method != "HEAD" {
        return twilio_json(405, 20004, "Method not allowed");
    }
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    let (room, rest) = match &parts[..] {
        ["Rooms", room, rest @ ..] => {
            if !state.records.knows_group(room) {
                return lost();
            }
            (Some(*room), rest)
        }
        rest => (None, rest),
    };
    let place = Place {
        shared,
        state,
        room,
    };
    match rest {
        [] => place.a_room(),
        ["Recordings"] => place.list(request, "recordings"),
        ["Compositions"] if room.is_none() => place.list(request, "compositions"),
        [kind @ ("Recordings" | "Compositions"), sid, rest @ ..] => {
            let video = state.records.video(sid).filter(|video| {
                room.is_none_or(|room| video.room == room)
                    && video.is_composition() == (*kind == "Compositions")
            });
            match (video, rest) {
                (Some(video), []) => Response::json(200, &place.resource(video)),
                (Some(video), ["Media"]) if video.status == "completed" => match &video.external {
                    None => place.media(request, video),
                    Some(_) => lost(),
                },
                _ => lost(),
            }
        }
        _ => lost(),
    }
}

struct Place<'a> {
    shared: &'a Shared,
    state: &'a State,
    room: Option<&'a str>,
}

pub fn iso_8601(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).expect("a time");
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Place<'_> {
    fn host(&self) -> &str {
        if self.state.style.default_hosts {
            "https://video.twilio.com"
        } else {
            &self.shared.base
        }
    }

    fn a_room(&self) -> Response {
        let Some(room) = self.room else {
            return error_json(404);
        };
        let url = format!("{}/v1/Rooms/{room}", self.host());
        let created = super::records::CREATED;
        let value = json!({
            "sid": room,
            "status": "completed",
            "date_created": iso_8601(created),
            "date_updated": iso_8601(created + 9),
            "account_sid": super::ACCOUNT,
            "enable_turn": true,
            "unique_name": "a room",
            "status_callback": null,
            "status_callback_method": "POST",
            "end_time": iso_8601(created + 4),
            "duration": 4,
            "type": "group",
            "max_participants": 50,
            "max_participant_duration": 14400,
            "max_concurrent_published_tracks": 170,
            "record_participants_on_connect": true,
            "video_codecs": ["VP8"],
            "media_region": "us1",
            "audio_only": false,
            "empty_room_timeout": 5,
            "unused_room_timeout": 5,
            "large_room": false,
            "url": url,
            "links": {
                "participants": format!("{url}/Participants"),
                "recordings": format!("{url}/Recordings"),
                "recording_rules": format!("{url}/RecordingRules"),
                "transcriptions": format!("{url}/Transcriptions"),
            },
        });
        Response::json(200, &value)
    }

    fn resource(&self, video: &Video) -> Value {
        let completed = video.status == "completed";
        let size = if completed {
            video.media.bytes().len()
        } else {
            0
        };
        let url = match (video.is_composition(), self.room) {
            (true, _) => format!("{}/v1/Compositions/{}", self.host(), video.sid),
            (_, None) => format!("{}/v1/Recordings/{}", self.host(), video.sid),
            (_, Some(room)) => format!("{}/v1/Rooms/{room}/Recordings/{}", self.host(), video.sid),
        };
        let mut value = json!({
            "account_sid": video.account,
            "status": video.status,
            "date_created": iso_8601(video.created),
            "sid": video.sid,
            "size": size,
            "duration": video.duration,
            "media_external_location": video.external,
            "url": url,
            "links": {"media": format!("{url}/Media")},
        });
        let fields = value.as_object_mut().expect("an object");
        let more = if video.is_composition() {
            json!({
                "date_completed": completed.then(|| iso_8601(video.created + 17)),
                "date_deleted": (video.status == "deleted").then(|| iso_8601(video.created + 99)),
                "room_sid": video.room,
                "audio_sources": ["*"],
                "audio_sources_excluded": [],
                "video_layout": {"grid": {"video_sources": ["*"]}},
                "resolution": "640x480",
                "trim": true,
                "format": video.container,
                "bitrate": 64,
                "status_callback": null,
                "status_callback_method": "POST",
            })
        } else {
            json!({
                "source_sid": format!("MT{}", &video.sid[2..]),
                "type": video.kind,
                "container_format": video.container,
                "codec": video.codec,
                "grouping_sids": {
                    "room_sid": video.room,
                    "participant_sid": video.participant,
                },
                "track_name": "a track",
                "offset": 10,
            })
        };
        fields.extend(more.as_object().expect("an object").clone());
        if let (Some(room), false) = (self.room, video.is_composition()) {
            fields.insert("room_sid".into(), room.into());
        } else if !video.is_composition() {
            fields.insert("status_callback".into(), Value::Null);
            fields.insert("status_callback_method".into(), "POST".into());
        }
        value
    }

    fn list(&self, request: &Request, key: &str) -> Response {
        let list = self.page(request, key);
        list.unwrap_or_else(|message| twilio_json(400, 20001, &message))
    }

    fn page(&self, request: &Request, key: &str) -> Result<Response, String> {
        let number = |name: &str, default: usize| {
            let value = request.field(name).map(|text| text.parse());
            value
                .unwrap_or(Ok(default))
                .map_err(|_| format!("Invalid {name}"))
        };
        let most = if self.room.is_some() { 1000 } else { 100 };
        let size = number("PageSize", 50)?;
        if !(1..=most).contains(&size) {
            return Err(format!("Invalid PageSize: it is from 1 to {most}"));
        }
        let page = number("Page", 0)?;
        let begin = match request.field("PageToken") {
            None if page == 0 => 0,
            None => return Err("Invalid Page: there is no PageToken".into()),
            Some(token) => token
                .strip_prefix("PT")
                .and_then(|digits| usize::from_str_radix(digits, 16).ok())
                .ok_or("Invalid PageToken")?,
        };
        let time = |name: &str| {
            let value = request.field(name).map(|text| text.parse::<Timestamp>());
            value.transpose().map_err(|_| format!("Invalid {name}"))
        };
        let (after, before) = (time("DateCreatedAfter")?, time("DateCreatedBefore")?);
        let groupings: Vec<String> = request
            .query()
            .into_iter()
            .filter(|(name, _)| name == "GroupingSid")
            .map(|(_, value)| value)
            .collect();
        let wanted = |video: &Video| {
            let is =
                |name: &str, value: &str| request.field(name).is_none_or(|wanted| wanted == value);
            video.is_composition() == (key == "compositions")
                && self.room.is_none_or(|room| video.room == room)
                && (video.status != "deleted" || request.field("Status").is_some())
                && after.is_none_or(|time| video.created >= time.as_second())
                && before.is_none_or(|time| video.created < time.as_second())
                && is("Status", &video.status)
                && is("RoomSid", &video.room)
                && is("MediaType", &video.kind)
                && is("SourceSid", &format!("MT{}", &video.sid[2..]))
                && groupings
                    .iter()
                    .all(|sid| [&video.room, &video.participant].contains(&sid))
        };

        let path = request.path();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in request.query() {
            if !["PageSize", "Page", "PageToken"].contains(&name.as_str()) {
                query.append_pair(&name, &value);
            }
        }
        let mut query = query.finish();
        if !query.is_empty() {
            query.push('&');
        }
        let host = self.host();
        let url = |page: usize| format!("{host}{path}?{query}PageSize={size}&Page={page}");
        let token = request
            .field("PageToken")
            .map(|token| format!("&PageToken={token}"));

        let mut items = Vec::new();
        let mut next = Value::Null;
        for (index, video) in self.state.records.video.iter().enumerate().skip(begin) {
            if !wanted(video) {
                continue;
            }
            if items.len() == size {
                next = format!("{}&PageToken=PT{index:032x}", url(page + 1)).into();
                break;
            }
            items.push(self.resource(video));
        }
        let previous = match page {
            0 => Value::Null,
            _ => format!("{}&PageToken=PB", url(page - 1)).into(),
        };
        let meta = json!({
            "page": page,
            "page_size": size,
            "first_page_url": url(0),
            "previous_page_url": previous,
            "url": url(page) + &token.unwrap_or_default(),
            "next_page_url": next,
            "key": key,
        });
        Ok(Response::json(200, &json!({key: items, "meta": meta})))
    }

    /// The link to the media.
    fn media(&self, request: &Request, video: &Video) -> Response {
        let style = &self.state.style;
        let seconds = match request.field("Ttl").map(|text| text.parse()) {
            None => style.link_seconds,
            Some(Ok(seconds @ 1..=3600)) => seconds,
            Some(_) => return twilio_json(400, 20001, "Invalid Ttl"),
        };
        let link = Storage::link(&video.object(), seconds);
        let link = format!("{}{link}", self.shared.storage);
        match style.video_link {
            VideoLink::Header => Response::new(302, "text/plain", Vec::new()),
            VideoLink::Body => return Response::json(302, &json!({"redirect_to": link})),
            VideoLink::Both => Response::json(302, &json!({"redirect_to": link})),
        }
        .with("Location", link)
    }
}
