//! The recording itself, or a part of it: decrypted where it is read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::task::JoinHandle;
use tracing::{Span, debug};

use super::answer;
use super::app::{App, Listener, now};
use super::audit::{Entry, Event};
use super::cache::{Kept, Missing};
use super::client::Client;
use super::heard::Name;
use super::metrics::Count;
use super::range::{Wanted, wanted};
use crate::envelope::Container;
use crate::media::Media;

/// Bytes that are decrypted at once: what one connection takes of memory.
const CHUNK: usize = 32 * 1024;

/// Somebody hears a recording.
pub(super) struct Hearing {
    pub(super) recording: String,
    pub(super) listener: Listener,
    pub(super) client: Client,
    /// What names the token that it is heard by, and when that ends.
    pub(super) token: (Name, u64),
}

impl Hearing {
    /// Answers with the recording, as far as it is asked for.
    pub(super) async fn answer(
        self,
        app: &Arc<App>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Response {
        if app.can_log().await.is_err() {
            return answer::unavailable();
        }
        let kept = match app.at_hand(&self.recording).await {
            Ok(kept) => kept,
            Err(missing) => {
                let (response, reason) = match missing {
                    Missing::Unknown => (answer::not_found(), "unknown recording".to_owned()),
                    Missing::Unusable(reason) => (answer::unusable(), reason),
                    Missing::Unreachable(reason) => (answer::unavailable(), reason),
                };
                let status = response.status();
                self.log(app, headers, status, 0, Some(reason), method)
                    .await;
                return response;
            }
        };
        let length = kept.length();
        let (status, first, end) = match wanted(method, headers, length, &kept.tag) {
            Wanted::Whole => (StatusCode::OK, 0, length),
            Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last + 1),
            Wanted::Unsatisfiable => {
                let mut response = answer::text(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "the recording is not as long\n",
                );
                let status = response.status();
                describe(response.headers_mut(), &kept);
                let range = format!("bytes */{length}");
                set(response.headers_mut(), CONTENT_RANGE, &range);
                self.log(app, headers, status, 0, None, method).await;
                return response;
            }
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let answer = response.headers_mut();
        describe(answer, &kept);
        let (kind, is_played) = kind(kept.media());
        answer.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if !is_played {
            let name = &self.recording;
            let extension = kept.media().extension;
            let named = format!("attachment; filename=\"{name}.{extension}\"");
            set(answer, CONTENT_DISPOSITION, &named);
        }
        set(answer, CONTENT_LENGTH, &(end - first).to_string());
        if status == StatusCode::PARTIAL_CONTENT {
            let range = format!("bytes {first}-{}/{length}", end - 1);
            set(answer, CONTENT_RANGE, &range);
        }
        if *method == Method::GET {
            let range = said(headers);
            *response.body_mut() = Body::new(Plaintext {
                app: Arc::clone(app),
                kept,
                hearing: self,
                range,
                status,
                first,
                at: first,
                end,
                reading: None,
                span: Span::current(),
            });
        }
        response
    }

    /// Writes down what came of a request that sent no byte.
    async fn log(
        &self,
        app: &App,
        headers: &HeaderMap,
        status: StatusCode,
        bytes: u64,
        reason: Option<String>,
        method: &Method,
    ) {
        if *method == Method::GET {
            let entry = self.entry(Event::Play, said(headers), status, bytes, reason);
            app.log(entry).await.ok();
        }
    }

    fn entry(
        &self,
        event: Event,
        range: Option<String>,
        status: StatusCode,
        bytes: u64,
        reason: Option<String>,
    ) -> Entry {
        Entry {
            range,
            bytes: Some(bytes),
            status: Some(status.as_u16()),
            reason,
            ..self.listener.entry(event, &self.recording, &self.client)
        }
    }
}

impl App {
    /// The recording, verified. One that was written to since is verified anew.
    pub(super) async fn at_hand(&self, recording: &str) -> Result<Arc<Kept>, Missing> {
        let kept = self.cache.get(recording).await?;
        let (other, is_unchanged) = (Arc::clone(&kept), |kept: &Kept| {
            kept.playable.verified.read_at(&mut [0; 1], 0).is_ok()
        });
        let read = tokio::task::spawn_blocking(move || is_unchanged(&other)).await;
        if matches!(read, Ok(true)) {
            return Ok(kept);
        }
        self.cache.forget(recording, &kept);
        self.cache.get(recording).await
    }
}

/// The range that was asked for, in words that were not chosen here.
fn said(headers: &HeaderMap) -> Option<String> {
    const LONGEST: usize = 200;
    let value = headers.get(RANGE)?.as_bytes();
    let value = value.get(..LONGEST).unwrap_or(value);
    Some(String::from_utf8_lossy(value).into_owned())
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What is said of a recording, of all of it or of a part.
fn describe(headers: &mut HeaderMap, kept: &Kept) {
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set(headers, ETAG, &kept.tag);
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("cross-origin"));
}

/// The Internet media type of what a recording holds, and whether browsers play that.
pub(super) fn kind(media: &Media) -> (&'static str, bool) {
    let has_video = media.video.is_some();
    match media.container {
        Some(Container::Wav) => ("audio/wav", true),
        Some(Container::Mp3) => ("audio/mpeg", true),
        Some(Container::Ogg) => ("audio/ogg", true),
        Some(Container::Mp4) if has_video => ("video/mp4", true),
        Some(Container::Mp4) => ("audio/mp4", true),
        Some(Container::WebM) if has_video => ("video/webm", true),
        Some(Container::WebM) => ("audio/webm", true),
        Some(Container::Matroska) if has_video => ("video/x-matroska", true),
        Some(Container::Matroska) => ("audio/x-matroska", true),
        Some(Container::MpegTs) => ("video/mp2t", false),
        Some(Container::Json | Container::Zip) | None => ("application/octet-stream", false),
    }
}

/// A part of a recording, on its way.
struct Plaintext {
    app: Arc<App>,
    kept: Arc<Kept>,
    hearing: Hearing,
    range: Option<String>,
    status: StatusCode,
    first: u64,
    at: u64,
    end: u64,
    reading: Option<JoinHandle<std::io::Result<Vec<u8>>>>,
    /// The request.
    span: Span,
}

impl Plaintext {
    fn read(&self) -> JoinHandle<std::io::Result<Vec<u8>>> {
        let (kept, at) = (Arc::clone(&self.kept), self.at);
        let rest = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        tokio::task::spawn_blocking(move || {
            let mut buffer = vec![0; rest.min(CHUNK)];
            let read = kept.playable.verified.read_at(&mut buffer, at)?;
            buffer.truncate(read);
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            Ok(buffer)
        })
    }
}

impl HttpBody for Plaintext {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if this.at >= this.end {
            return Poll::Ready(None);
        }
        if this.reading.is_none() {
            this.reading = Some(this.read());
        }
        let Some(reading) = &mut this.reading else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(reading).poll(context));
        this.reading = None;
        let read = read.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        Poll::Ready(Some(match read {
            Ok(bytes) => {
                this.at += bytes.len() as u64;
                Ok(Frame::data(bytes.into()))
            }
            Err(error) => {
                // What is left is not what was verified: the connection ends.
                this.app.cache.forget(&this.hearing.recording, &this.kept);
                this.end = this.at;
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.at)
    }
}

impl Drop for Plaintext {
    /// However it ended, what went out is written down.
    fn drop(&mut self) {
        let sent = self.at - self.first;
        self.app.metrics.add(Count::BytesSent, sent);
        debug!(parent: &self.span, first = self.first, bytes = sent, "sent");
        let (hearing, length) = (&self.hearing, self.kept.length());
        let (name, expires) = hearing.token;
        let (part, now) = ((self.first, self.at), now().as_secs());
        let is_complete = self.app.heard.note(name, expires, part, length, now);
        let play = hearing.entry(Event::Play, self.range.take(), self.status, sent, None);
        let complete =
            is_complete.then(|| hearing.entry(Event::Complete, None, self.status, length, None));
        let app = Arc::clone(&self.app);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // It went out already.
                app.log(play).await.ok();
                if let Some(complete) = complete {
                    app.log(complete).await.ok();
                }
            });
        }
    }
}

/// A body and what lives as long as it does.
pub(super) fn held<T: Send + Unpin + 'static>(body: Body, held: T) -> Body {
    Body::new(Held { body, _held: held })
}

struct Held<T> {
    body: Body,
    _held: T,
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
