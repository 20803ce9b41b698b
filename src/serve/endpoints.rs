//! The endpoints: which there are, and what each is asked and answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::ACCESS_CONTROL_REQUEST_METHOD;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use tracing::Instrument;

use super::answer;
use super::app::{App, Listener, name_of, now};
use super::audit::{Entry, Event};
use super::client::Client;
use super::flex::token_of;
use super::link::Kind;
use super::media::Hearing;
use super::settings::LONGEST_LINK;

type Shared = State<Arc<App>>;

/// The longest headers, in bytes, without the line in front of them: "Headers up to 64 KiB".
const LONGEST_HEADERS: usize = 64 * 1024;

/// What stands in a path; an error where that is no text.
type Named<T> = Result<Path<T>, PathRejection>;

/// The public endpoints.
pub(super) fn public(app: &Arc<App>) -> Router {
    Router::new()
        .route(&app.settings.flex_path, any(link))
        .route("/media/{token}", any(media))
        .route(
            "/2010-04-01/Accounts/{account}/Recordings/{recording}",
            any(recording),
        )
        .route("/listen/{token}", any(super::listen::page))
        .route("/waveform/{token}", any(super::listen::waveform))
        .fallback(|| async { answer::not_found() })
        .with_state(Arc::clone(app))
}

/// What a path is called in numbers.
pub(super) fn name(path: &str, flex_path: &str) -> &'static str {
    let begins = |start: &str| path.starts_with(start);
    match path {
        path if path == flex_path => "sec_rec",
        _ if begins("/media/") => "media",
        _ if begins("/listen/") => "listen",
        _ if begins("/waveform/") => "waveform",
        _ if begins("/2010-04-01/") => "api",
        "/healthz" => "healthz",
        "/readyz" => "readyz",
        "/metrics" => "metrics",
        _ => "other",
    }
}

/// Whether pages of other origins may read what is at this endpoint.
pub(super) fn is_shared(endpoint: &str) -> bool {
    matches!(endpoint, "sec_rec" | "media" | "api")
}

/// "What Flex's two players do": they ask for a recording's link, with the agent's token.
async fn link(
    State(app): Shared,
    Extension(client): Extension<Client>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let headers = request.headers();
    match *request.method() {
        Method::GET => {}
        Method::OPTIONS => {
            let origins = &app.settings.origins;
            return answer::preflight(headers, origins, "GET", "authorization");
        }
        _ => return answer::not_allowed("GET, OPTIONS"),
    }
    if !app.rate.admits(client.address, now().as_secs()) {
        return answer::too_many();
    }
    let asked = asked(query.as_deref());
    let admitted = match app.admit(asked.as_deref(), headers, &client).await {
        Ok(admitted) => admitted,
        Err(response) => return response,
    };
    let (recording, ttl) = (&admitted.recording, app.settings.link_ttl);
    let who = admitted.listener.identity.as_deref().unwrap_or_default();
    let Some((token, seconds)) = app.link(recording, who, Kind::Media, ttl, None) else {
        return answer::unavailable();
    };
    let grant = admitted.listener.entry(Event::Grant, recording, &client);
    let grant = Entry {
        status: Some(StatusCode::OK.as_u16()),
        ..grant
    };
    if app.log(grant).await.is_err() {
        return answer::unavailable();
    }
    // It is fetched and verified while the player is being told where it is.
    let (cache, id) = (Arc::clone(&app.cache), recording.clone());
    let fetched = async move { cache.get(&id).await.is_ok() };
    tokio::spawn(fetched.in_current_span());
    let url = format!("{}/media/{token}?X-Amz-Expires={seconds}", app.base);
    let body = serde_json::json!({ "media_url": url }).to_string();
    answer::with_body(StatusCode::OK, "application/json", body)
}

/// The one recording that a query names.
fn asked(query: Option<&str>) -> Option<String> {
    let fields = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let is_named = |name: &str| matches!(name, "recording_sid" | "recording");
    let mut named = fields.filter(|(name, _)| is_named(name));
    let (_, value) = named.next()?;
    named.next().is_none().then(|| value.into_owned())
}

/// A recording by a link.
async fn media(
    State(app): Shared,
    Extension(client): Extension<Client>,
    token: Named<String>,
    request: Request,
) -> Response {
    let (method, headers) = (request.method(), request.headers());
    match *method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS if headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) => {
            let origins = &app.settings.origins;
            return answer::preflight(headers, origins, "GET, HEAD", "range, if-range");
        }
        _ => return answer::not_allowed("GET, HEAD"),
    }
    let Ok(Path(token)) = token else {
        return answer::not_found();
    };
    let Some(claims) = app.open(&token, Kind::Media) else {
        return answer::not_found();
    };
    if app.first_use(&token, &claims, &client).await.is_err() {
        return answer::unavailable();
    }
    let hearing = Hearing {
        listener: Listener::of(&claims),
        recording: claims.recording,
        client,
        token: (name_of(&token), claims.expires),
    };
    hearing.answer(&app, method, headers).await
}

/// A recording where Twilio's API would have it, for players that take a base URL.
async fn recording(
    State(app): Shared,
    Extension(client): Extension<Client>,
    named: Named<(String, String)>,
    request: Request,
) -> Response {
    let (method, headers) = (request.method(), request.headers());
    match *method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => {
            let (origins, methods) = (&app.settings.origins, "GET, HEAD");
            return answer::preflight(headers, origins, methods, "authorization, range, if-range");
        }
        _ => return answer::not_allowed("GET, HEAD, OPTIONS"),
    }
    let Ok(Path((account, recording))) = named else {
        return answer::not_found();
    };
    if app.settings.account.as_ref() != Some(&account) {
        return answer::not_found();
    }
    if !app.rate.admits(client.address, now().as_secs()) {
        return answer::too_many();
    }
    let asked = recording.strip_suffix(".wav").unwrap_or(&recording);
    let admitted = match app.admit(Some(asked), headers, &client).await {
        Ok(admitted) => admitted,
        Err(response) => return response,
    };
    let recording = admitted.recording;
    // All that is heard with one Flex token of one recording is one hearing.
    let token = token_of(headers).unwrap_or_default();
    let name = name_of(&format!("{recording} {}", token.as_str()));
    let ends: Duration = now() + LONGEST_LINK;
    if *method == Method::GET {
        let grant = admitted.listener.entry(Event::Grant, &recording, &client);
        let grant = Entry {
            status: Some(StatusCode::OK.as_u16()),
            ..grant
        };
        if app.log(grant).await.is_err() {
            return answer::unavailable();
        }
    }
    let hearing = Hearing {
        recording,
        listener: admitted.listener,
        client,
        token: (name, ends.as_secs()),
    };
    hearing.answer(&app, method, headers).await
}

/// Everything about a request that is looked at before its path.
pub(super) fn refusal(
    app: &App,
    local: std::net::IpAddr,
    request: &hyper::Request<hyper::body::Incoming>,
) -> Option<Response> {
    let headers: &HeaderMap = request.headers();
    // What reads them stops only somewhere behind its own limit.
    let lines = headers.iter();
    let lines = lines.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    if lines.sum::<usize>() > LONGEST_HEADERS {
        return Some(answer::text(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the headers are too long\n",
        ));
    }
    if !hyper::body::Body::is_end_stream(request.body()) {
        let words = "requests have no body here\n";
        let mut response = answer::text(StatusCode::PAYLOAD_TOO_LARGE, words);
        let close = axum::http::HeaderValue::from_static("close");
        response
            .headers_mut()
            .insert(axum::http::header::CONNECTION, close);
        return Some(response);
    }
    let host = super::client::host_of(request.uri(), headers);
    let is_local = |host: &str| {
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        literal
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address == local)
    };
    match host {
        None => Some(answer::text(
            StatusCode::BAD_REQUEST,
            "a request is for one host\n",
        )),
        Some(host) if app.hosts.contains(&host) || is_local(&host) => None,
        Some(_) => Some(answer::text(
            StatusCode::MISDIRECTED_REQUEST,
            "this host is not answered to\n",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_one_recording() {
        for (query, expected) in [
            ("recording_sid=RE1", Some("RE1")),
            ("recording=RE1&x=2", Some("RE1")),
            ("recording=RE1&recording=RE2", None),
            ("recording=RE1&recording_sid=RE1", None),
            ("sid=RE1", None),
            ("", None),
        ] {
            assert_eq!(asked(Some(query)).as_deref(), expected, "{query}");
        }
        assert_eq!(asked(None), None);
    }
}
