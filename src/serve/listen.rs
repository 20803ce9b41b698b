//! The listening page, and the pictures of a recording's sound.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::answer;
use super::app::{App, now};
use super::cache::Missing;
use super::client::Client;
use super::link::Kind;
use super::media;
use super::page::{self, Page};
use crate::media::{Media, container_name};

/// A page that plays one recording.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer::not_allowed("GET, HEAD");
    }
    let Ok(Path(token)) = token else {
        return answer::not_found();
    };
    let Some(claims) = app.open(&token, Kind::Listen) else {
        return answer::not_found();
    };
    if app.first_use(&token, &claims, &client).await.is_err() {
        return answer::unavailable();
    }
    let kept = match app.at_hand(&claims.recording).await {
        Ok(kept) => kept,
        Err(missing) => return missing.answer(),
    };
    let also = |kind| app.also(&claims, kind);
    let (Some(media), Some(picture)) = (also(Kind::Media), also(Kind::Waveform)) else {
        return answer::unavailable();
    };
    let (media, picture) = (
        format!("../media/{media}"),
        format!("../waveform/{picture}.svg"),
    );
    let found = kept.media();
    let (_, is_played) = media::kind(found);
    let kind = match (is_played, &found.video) {
        (false, _) => page::Kind::Download,
        (true, Some(_)) => page::Kind::Video,
        (true, None) => page::Kind::Audio,
    };
    // It is drawn when it is asked for; the page does without where there is nothing to be seen.
    let waveform = kept.waveform.get().is_none_or(Option::is_some);
    let (html, policy) = page::render(&Page {
        recording: &claims.recording,
        kind,
        media: &media,
        waveform: waveform.then_some(picture.as_str()),
        duration: found.duration.map(|duration| duration.as_secs_f64()),
        channels: found.channels,
        format: &format(found),
        now: now().as_secs(),
        expires: claims.expires,
    });
    let mut response = answer::with_body(StatusCode::OK, "text/html; charset=utf-8", html);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A picture of a recording's sound, as SVG or as JSON.
pub(super) async fn waveform(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer::not_allowed("GET, HEAD");
    }
    let Ok(Path(name)) = name else {
        return answer::not_found();
    };
    let (token, is_svg) = match (name.strip_suffix(".svg"), name.strip_suffix(".json")) {
        (Some(token), _) => (token, true),
        (None, Some(token)) => (token, false),
        (None, None) => return answer::not_found(),
    };
    let Some(claims) = app.open(token, Kind::Waveform) else {
        return answer::not_found();
    };
    if app.first_use(token, &claims, &client).await.is_err() {
        return answer::unavailable();
    }
    let kept = match app.at_hand(&claims.recording).await {
        Ok(kept) => kept,
        Err(missing) => return missing.answer(),
    };
    match (app.cache.pictures(&kept).await, is_svg) {
        (Some(waveform), true) => {
            answer::with_body(StatusCode::OK, "image/svg+xml", waveform.svg.clone())
        }
        (Some(waveform), false) => {
            answer::with_body(StatusCode::OK, "application/json", waveform.json.clone())
        }
        (None, _) => answer::not_found(),
    }
}

impl Missing {
    fn answer(&self) -> Response {
        match self {
            Self::Unknown => answer::not_found(),
            Self::Unusable(_) => answer::unusable(),
            Self::Unreachable(_) => answer::unavailable(),
        }
    }
}

/// What it is, in words.
fn format(media: &Media) -> String {
    let codec = media.video.as_ref().or(media.audio.as_ref());
    let codec = codec.map(ToString::to_string);
    let rate = media
        .sample_rate
        .map(|rate| format!("{} kHz", f64::from(rate) / 1000.0));
    let channels = media.channels.map(|channels| match channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        more => format!("{more} channels"),
    });
    let container = media.container.map(|it| container_name(it).to_owned());
    let known = [container, codec, rate, channels];
    let known: Vec<_> = known.into_iter().flatten().collect();
    known.join(", ")
}
