//! Twilio's API of 2010-04-01: recordings of calls and conferences.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answers::{basic, is_json, twilio_json, twilio_xml};
use super::http::{Request, Response};
use super::records::Voice;
use super::storage::{Storage, ranged};
use super::{Shared, State, VoiceMedia};

/// Which list or resource is meant.
struct Place<'a> {
    account: &'a str,
    /// `Calls` or `Conferences`, and the id.
    group: Option<(&'a str, &'a str)>,
}

pub fn answer(shared: &Shared, state: &mut State, request: &Request) -> Response {
    let path = request.path();
    let refuse = |status, code, message: &str| {
        if is_json(path) {
            twilio_json(status, code, message)
        } else {
            twilio_xml(status, code, message)
        }
    };
    if !basic(request) {
        return refuse(401, 20003, "Authenticate")
            .with("WWW-Authenticate", "Basic realm=\"Twilio API\"");
    }
    let lost = || {
        let message = format!("The requested resource {path} was not found");
        refuse(404, 20404, &message)
    };
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    let ["Accounts", account, rest @ ..] = &parts[..] else {
        return lost();
    };
    if !state.records.knows_account(account) {
        return lost();
    }
    let (group, rest) = match rest {
        [kind @ ("Calls" | "Conferences"), id, rest @ ..] => {
            if !state.records.knows_group(id) {
                return lost();
            }
            (Some((*kind, *id)), rest)
        }
        rest => (None, rest),
    };
    if request.method != "GET" && request.method != "HEAD" {
        return refuse(405, 20004, "Method not allowed");
    }
    let place = Place { account, group };
    let deleted = request.field("IncludeSoftDeleted").as_deref() == Some("true");
    match rest {
        ["Recordings.json"] => list(shared, state, request, &place, deleted)
            .unwrap_or_else(|message| refuse(400, 20001, &message)),
        ["Recordings", file] => {
            let (sid, extension) = file.split_once('.').unwrap_or((file, ""));
            let voice = state.records.voice(sid);
            let Some(voice) = voice.filter(|voice| place.has(voice)) else {
                return lost();
            };
            match extension {
                "json" if voice.status == "deleted" && !deleted => lost(),
                "json" => Response::json(200, &resource(shared, state, &voice, &place)),
                "" | "wav" | "mp3" if group.is_none() => {
                    media(shared, state, request, &voice, extension, &refuse)
                }
                _ => lost(),
            }
        }
        _ => lost(),
    }
}

impl Place<'_> {
    fn has(&self, voice: &Voice) -> bool {
        voice.account == self.account
            && match self.group {
                None => true,
                Some(("Calls", id)) => voice.call == id,
                Some((_, id)) => voice.conference.as_deref() == Some(id),
            }
    }

    fn path(&self) -> String {
        let group = match self.group {
            None => String::new(),
            Some((kind, id)) => format!("/{kind}/{id}"),
        };
        format!("/2010-04-01/Accounts/{}{group}/Recordings", self.account)
    }
}

fn rfc_2822(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).expect("a time");
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn resource(shared: &Shared, state: &State, voice: &Voice, place: &Place) -> Value {
    let own = format!(
        "/2010-04-01/Accounts/{}/Recordings/{}",
        voice.account, voice.sid
    );
    let host = if state.style.default_hosts {
        "http://api.twilio.com"
    } else {
        &shared.base
    };
    let done = !matches!(
        voice.status.as_str(),
        "in-progress" | "paused" | "stopped" | "processing"
    );
    let mut value = json!({
        "account_sid": voice.account,
        "api_version": "2010-04-01",
        "call_sid": voice.call,
        "conference_sid": voice.conference,
        "date_created": rfc_2822(voice.created),
        "date_updated": rfc_2822(voice.updated),
        "start_time": rfc_2822(voice.created),
        "duration": done.then(|| voice.duration.to_string()),
        "sid": voice.sid,
        "price": done.then_some("-0.00250"),
        "price_unit": "USD",
        "status": voice.status,
        "channels": voice.channels,
        "source": voice.source,
        "error_code": voice.error_code,
        "uri": format!("{}/{}.json", place.path(), voice.sid),
        "encryption_details": if done { voice.encryption.clone() } else { Value::Null },
    });
    match place.group {
        None => {
            value["subresource_uris"] = json!({
                "add_on_results": format!("{own}/AddOnResults.json"),
                "transcriptions": format!("{own}/Transcriptions.json"),
            });
            let external = voice.external.clone();
            value["media_url"] = external.unwrap_or_else(|| format!("{host}{own}")).into();
        }
        // Of a call the document has the price as a number, and the track.
        Some(("Calls", _)) => {
            value["price"] = if done { json!(-0.0025) } else { Value::Null };
            value["track"] = "both".into();
        }
        Some(_) => {}
    }
    value
}

fn list(
    shared: &Shared,
    state: &State,
    request: &Request,
    place: &Place,
    deleted: bool,
) -> Result<Response, String> {
    let number = |name: &str, default: usize| {
        let value = request.field(name).map(|text| text.parse());
        value
            .unwrap_or(Ok(default))
            .map_err(|_| format!("Invalid {name}"))
    };
    let size = number("PageSize", 50)?;
    if !(1..=1000).contains(&size) {
        return Err("Invalid PageSize: it is from 1 to 1000".into());
    }
    let page = number("Page", 0)?;
    let token = request.field("PageToken");
    // Where the page begins among all there are.
    let mut index = match token.as_deref() {
        None if page == 0 => 0,
        None => return Err("Invalid Page: there is no PageToken".into()),
        Some(token) => token
            .strip_prefix("PARE")
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .ok_or("Invalid PageToken")?,
    };
    let days = days(request, state.style.until_includes_day)?;
    let wanted = |voice: &Voice| {
        let is = |name: &str, value: Option<&str>| {
            request
                .field(name)
                .is_none_or(|wanted| Some(wanted.as_str()) == value)
        };
        place.has(voice)
            && (deleted || voice.status != "deleted")
            && days
                .iter()
                .all(|(from, to)| (*from..*to).contains(&voice.created))
            && is("CallSid", Some(&voice.call))
            && is("ConferenceSid", voice.conference.as_deref())
    };

    let mut recordings = Vec::new();
    let mut next = Value::Null;
    let query = kept(request);
    let address = |page: usize| {
        let path = place.path();
        format!("{path}.json?{query}PageSize={size}&Page={page}")
    };
    while let Some(voice) = state.records.voice_at(index) {
        if wanted(&voice) {
            if recordings.len() == size {
                next = format!("{}&PageToken=PARE{index:032x}", address(page + 1)).into();
                break;
            }
            recordings.push(resource(shared, state, &voice, place));
        }
        index += 1;
    }
    let start = page * size;
    let previous = match page {
        0 => Value::Null,
        _ => format!("{}&PageToken=PBRE", address(page - 1)).into(),
    };
    Ok(Response::json(
        200,
        &json!({
            "start": start,
            "end": (start + recordings.len()).saturating_sub(1),
            "page": page,
            "page_size": size,
            "uri": address(page),
            "first_page_uri": address(0),
            "previous_page_uri": previous,
            "next_page_uri": next,
            "recordings": recordings,
        }),
    ))
}

/// The filters of a query, to be said again in the addresses of pages.
fn kept(request: &Request) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in request.query() {
        if !["PageSize", "Page", "PageToken"].contains(&name.as_str()) {
            text.append_pair(&name, &value);
        }
    }
    let text = text.finish();
    if text.is_empty() { text } else { text + "&" }
}

/// The filters by `DateCreated`, as spans of seconds. They are whole days, also where a time is said.
fn days(request: &Request, until_includes_day: bool) -> Result<Vec<(i64, i64)>, String> {
    let mut spans = Vec::new();
    for (name, value) in request.query() {
        if !name.starts_with("DateCreated") {
            continue;
        }
        let day = value.get(..10).unwrap_or_default();
        let date: jiff::civil::Date = day.parse().map_err(|_| format!("Invalid {name}"))?;
        let start = date.to_zoned(jiff::tz::TimeZone::UTC).expect("a time");
        let start = start.timestamp().as_second();
        let end = start + 86_400;
        spans.push(match name.as_str() {
            "DateCreated" => (start, end),
            "DateCreated>" => (start, i64::MAX),
            "DateCreated<" if until_includes_day => (i64::MIN, end),
            "DateCreated<" => (i64::MIN, start + 1),
            _ => return Err(format!("Invalid {name}")),
        });
    }
    Ok(spans)
}

fn media(
    shared: &Shared,
    state: &State,
    request: &Request,
    voice: &Voice,
    extension: &str,
    refuse: &dyn Fn(u16, u32, &str) -> Response,
) -> Response {
    if voice.status != "completed" || voice.external.is_some() {
        return refuse(404, 20404, "The requested resource was not found");
    }
    if extension == "mp3" {
        let message = "Encrypted recordings are not available as MP3";
        return match voice.encryption {
            Value::Null => refuse(404, 20404, "This server does not compress"),
            _ => refuse(404, 16109, message),
        };
    }
    let channels = request.field("RequestedChannels");
    if channels.is_some_and(|wanted| wanted != voice.channels.to_string()) {
        return refuse(400, 20001, "The requested channels are not available");
    }
    let response = Response {
        status: 200,
        headers: vec![("Content-Type".into(), "audio/x-wav".into())],
        body: voice.media.clone(),
    };
    match state.style.voice_media {
        VoiceMedia::Whole => response,
        VoiceMedia::Ranges => {
            let tag = state.storage.etag(&voice.object());
            ranged(request, response.with("ETag", tag))
        }
        VoiceMedia::AtStorage => {
            let link = Storage::link(&voice.object(), state.style.link_seconds);
            Response::new(302, "text/plain", Vec::new())
                .with("Location", format!("{}{link}", shared.storage))
        }
    }
}
