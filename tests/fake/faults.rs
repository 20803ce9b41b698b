//! What can go wrong between a provider and its customer.

use std::time::Duration;

use serde_json::Value;

use super::http::{Body, Delivery, End, Framing, Request, Response, http_date};
use super::{Origin, storage};

/// Something that goes wrong with an answer.
///
/// Those that are about a continued download ([`IgnoreRange`](Self::IgnoreRange),
/// [`WrongContentRange`](Self::WrongContentRange), [`NotSatisfiable`](Self::NotSatisfiable))
/// wait for a request that has a `Range`.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is reset before a byte was sent. What was asked for is done.
    Reset,
    /// The connection is reset, and nothing is done.
    Unheard,
    /// A status with an error of the provider's own form, and nothing is done.
    Refuse(u16),
    /// The connection is reset after so many bytes of the body.
    ResetAfter(usize),
    /// The connection ends (FIN, over TLS without `close_notify`) after so many bytes of the body.
    CutAfter(usize),
    /// `Content-Length` is larger than the body by so much; the connection ends after the body.
    LengthLarger(usize),
    /// `Content-Length` is smaller than the body by so much; the whole body is sent.
    LengthSmaller(usize),
    /// Chunked, and whole.
    Chunked,
    /// Chunked, and cut after so many bytes: no last chunk.
    ChunkedCut(usize),
    /// The end of the connection is the end of the body, which is whole.
    CloseDelimited,
    /// The same, but the connection ends after so many bytes: nothing shows it but, over TLS, that
    /// there is no `close_notify`.
    CloseDelimitedCut(usize),
    /// A status, with headers; an error of the provider's own form as the body. What was asked for
    /// is done all the same.
    Status(u16, Vec<(&'static str, String)>),
    /// An answer made to measure: status, `Content-Type`, body.
    Answer(u16, &'static str, Vec<u8>),
    /// This answer, and nothing is done.
    Instead(Response),
    /// These headers beside the true ones, or in their place.
    With(Vec<(&'static str, String)>),
    /// 206 to a request without a `Range`: the first half of the body.
    PartialToPlain,
    /// 206 to a request without a `Range`: the whole body.
    WholeAsPartial,
    /// 206 to a `Range`, with the bytes that were asked for under a `Content-Range` that says
    /// others.
    WrongContentRange,
    /// 200 and the whole body to a `Range`.
    IgnoreRange,
    /// 416 to a `Range`.
    NotSatisfiable,
    /// Another `ETag` than the one before, whatever `If-Range` or `If-Match` say; the same bytes.
    NewEtag,
    /// The `ETag` is a weak one.
    WeakEtag,
    /// There is no `ETag`, and no `Last-Modified`.
    NoEtag,
    /// Other bytes than before under the same `ETag`.
    OtherBytes,
    /// Other bytes than before under another `ETag`, by which `If-Range` is judged: as it is when
    /// an object was replaced.
    Replaced,
    /// Nothing is sent for so long; then the answer.
    StallBeforeHeaders(Duration),
    /// Nothing is sent for so long after so many bytes of the body; then the rest.
    StallInBody(usize, Duration),
    /// One byte of the body at a time, with a pause after each.
    Dribble(Duration),
    /// 302 to itself, for ever.
    RedirectLoop,
    /// So many redirects on the same host (absolute and relative in turns), then the true answer.
    Redirects(usize),
    /// 302 to this `Location`, whatever it is, without a body.
    RedirectTo(String),
    /// The body is compressed, and `Content-Encoding: gzip` says so.
    Gzip,
    /// So many bytes of further headers.
    Headers(usize),
    /// Not HTTP at all.
    Garbage,
    /// A page that says there is an error, with status 200.
    ErrorPage(Page),
    /// 403 as storage answers to a link that holds no more.
    Expired,
    /// 404 in the provider's own form.
    NotFound,
    /// JSON that says what it should, after so many bytes of padding in it.
    HugeJson(usize),
    /// JSON with so many values more in it.
    ManyValues(usize),
    /// A page of a list that says it is followed by itself.
    RepeatPage,
    /// No body: `Content-Length: 0`.
    Empty,
    /// One after the other to the same answer.
    Both(Box<Fault>, Box<Fault>),
    /// An error in the provider's own form whose message is what was asked for, and with which
    /// headers and body.
    Echo(u16),
}

/// The form of an [`ErrorPage`](Fault::ErrorPage).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Page {
    Html,
    /// Twilio's `RestException`, or S3's `Error`.
    Xml,
    Json,
}

impl Fault {
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new())
    }

    /// A status with `Retry-After`: seconds, a date (see [`Fault::in_seconds`]), or garbage.
    pub fn retry_after(status: u16, value: &str) -> Self {
        Self::Status(status, vec![("Retry-After", value.to_owned())])
    }

    /// The date of `Retry-After` that is so many seconds from now.
    pub fn in_seconds(seconds: i64) -> String {
        http_date(seconds)
    }

    /// This one, and another to the same answer.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::Both(Box::new(self), Box::new(other))
    }

    /// Whether it is one for this request.
    pub fn fits(&self, request: &Request) -> bool {
        let range = request.header("range").is_some();
        match self {
            Self::Both(one, other) => one.fits(request) && other.fits(request),
            Self::IgnoreRange | Self::WrongContentRange | Self::NotSatisfiable => range,
            Self::PartialToPlain | Self::WholeAsPartial => !range,
            _ => true,
        }
    }

    /// Whether what was asked for is done, whatever is answered. Who redirects does nothing.
    pub fn heeds(&self, request: &Request) -> bool {
        match self {
            Self::Unheard | Self::Refuse(_) | Self::Instead(_) => false,
            Self::RedirectLoop | Self::Redirects(_) | Self::RedirectTo(_) => {
                ["GET", "HEAD"].contains(&request.method.as_str())
            }
            Self::Both(one, other) => one.heeds(request) && other.heeds(request),
            _ => true,
        }
    }

    /// What of the request the server does not see.
    pub fn before(&self, request: &mut Request) {
        let mut forget = |name: &str| {
            let headers = &mut request.headers;
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        };
        match self {
            // What goes out is the whole, and Replaced cuts it anew.
            Self::IgnoreRange | Self::Replaced | Self::Gzip | Self::Empty | Self::ErrorPage(_) => {
                forget("range");
            }
            Self::NewEtag => {
                forget("if-range");
                forget("if-match");
            }
            Self::Both(one, other) => {
                one.before(request);
                other.before(request);
            }
            // Vonage's pages are counted by the client.
            Self::RepeatPage => request.target = request.target.replace("offset=", "was="),
            _ => {}
        }
    }

    /// What becomes of the answer.
    pub fn after(
        self,
        origin: Origin,
        request: &Request,
        response: &mut Response,
        delivery: &mut Delivery,
    ) {
        match self {
            Self::Reset | Self::Unheard => {
                delivery.raw = Some(Vec::new());
                delivery.end = End::Reset;
            }
            Self::ResetAfter(bytes) => (delivery.cut, delivery.end) = (Some(bytes), End::Reset),
            Self::CutAfter(bytes) => (delivery.cut, delivery.end) = (Some(bytes), End::Cut),
            Self::LengthLarger(by) => delivery.framing = Framing::Wrong(by.cast_signed()),
            Self::LengthSmaller(by) => delivery.framing = Framing::Wrong(-by.cast_signed()),
            Self::Chunked => delivery.framing = Framing::Chunked,
            Self::ChunkedCut(bytes) => {
                delivery.framing = Framing::Chunked;
                (delivery.cut, delivery.end) = (Some(bytes), End::Cut);
            }
            Self::CloseDelimited => delivery.framing = Framing::Close,
            Self::CloseDelimitedCut(bytes) => {
                delivery.framing = Framing::Close;
                (delivery.cut, delivery.end) = (Some(bytes), End::Cut);
            }
            Self::StallBeforeHeaders(duration) => delivery.wait += duration,
            Self::StallInBody(bytes, duration) => delivery.stall = Some((bytes, duration)),
            Self::Dribble(pause) => delivery.dribble = Some(pause),
            Self::Garbage => {
                let bytes = (0..600_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
                delivery.raw = Some(bytes.collect());
            }
            Self::Both(one, other) => {
                one.after(origin, request, response, delivery);
                other.after(origin, request, response, delivery);
            }
            other => other.replace(origin, request, response),
        }
    }

    /// Those that are about what is said, not about how it is sent.
    fn replace(self, origin: Origin, request: &Request, response: &mut Response) {
        let error = |status| super::answers::error(origin, request, status);
        match self {
            Self::Refuse(status) => *response = error(status),
            Self::Status(status, headers) => {
                *response = error(status);
                for (name, value) in headers {
                    response.set(name, value);
                }
            }
            Self::With(headers) => {
                for (name, value) in headers {
                    response.set(name, value);
                }
            }
            Self::Instead(answer) => *response = answer,
            Self::Answer(status, kind, body) => *response = Response::new(status, kind, body),
            Self::PartialToPlain => partial(response, |length| length / 2),
            Self::WholeAsPartial => partial(response, |length| length),
            Self::WrongContentRange => {
                let (window, all) = (response.body.window.clone(), response.body.bytes.len());
                let value = format!("bytes {}-{}/{all}", window.start + 1, window.end);
                response.set("Content-Range", value);
            }
            Self::NotSatisfiable => *response = storage::unsatisfiable(response.body.bytes.len()),
            Self::NewEtag => response.set("ETag", "\"5eed0000000000000000000000000002\""),
            Self::WeakEtag => {
                let tag = response.header("etag").unwrap_or("\"5eed\"").to_owned();
                response.set("ETag", format!("W/{tag}"));
            }
            Self::NoEtag => {
                response.remove("etag");
                response.remove("last-modified");
            }
            Self::OtherBytes => other_bytes(response),
            Self::Replaced => {
                other_bytes(response);
                response.set("ETag", storage::etag(&response.body.bytes));
                *response = storage::ranged(request, response.clone());
            }
            Self::RedirectLoop => *response = redirect(&request.target),
            Self::Redirects(hops) => *response = redirect(&hop(hops, &request.target)),
            Self::RedirectTo(location) => *response = redirect(&location),
            Self::Gzip => {
                response.body = Body::new(gzip(response.body.bytes()));
                response.set("Content-Encoding", "gzip");
            }
            Self::Headers(bytes) => {
                for number in 0..bytes / 8000 {
                    response.set(&format!("X-Padding-{number}"), "x".repeat(7980));
                }
            }
            Self::ErrorPage(page) => {
                *response = match page {
                    Page::Html => Response::new(200, "text/html", ERROR_PAGE),
                    Page::Xml => Response {
                        status: 200,
                        ..super::answers::error_xml(origin, 500)
                    },
                    Page::Json => Response {
                        status: 200,
                        ..super::answers::error_json(500)
                    },
                };
            }
            Self::Expired => *response = storage::expired(),
            Self::NotFound => *response = error(404),
            Self::HugeJson(bytes) => {
                let padding = format!("{{\"padding\":\"{}\",", "x".repeat(bytes));
                inject(response, &padding);
            }
            Self::ManyValues(values) => {
                inject(
                    response,
                    &format!("{{\"padding\":[{}0],", "0,".repeat(values)),
                );
            }
            Self::RepeatPage => repeat(request, response),
            Self::Empty => response.body = Body::new(Vec::new()),
            Self::Echo(status) => *response = echo(status, request),
            _ => {}
        }
    }
}

const ERROR_PAGE: &[u8] = b"<!DOCTYPE html>\n<html><head><title>Sorry</title></head>\
    <body><h1>Sorry, something went wrong</h1></body></html>\n";

/// What came, as the message of an error; as JSON, or as XML where that is what fits.
fn echo(status: u16, request: &Request) -> Response {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    let mut said = format!("You sent {}", request.target);
    for (_, value) in request.headers.iter().rev() {
        let pair = value.strip_prefix("Basic ");
        let pair = pair.and_then(|text| BASE64_STANDARD.decode(text).ok());
        let pair = pair.map(|pair| String::from_utf8_lossy(&pair).into_owned());
        said = format!("{value} {} {said}", pair.unwrap_or_default());
    }
    if !request.body.is_empty() {
        said = format!("{said} {}", String::from_utf8_lossy(&request.body));
    }
    let path = request.path();
    if path.starts_with("/api/") {
        return super::qvoice::error(status, &said);
    }
    if path.starts_with("/v1/") || super::answers::is_json(path) {
        return super::answers::twilio_json(status, 20003, &said);
    }
    if path.starts_with("/v2/") {
        return super::vonage::error(status, &said);
    }
    let said = said.replace('&', "&amp;");
    super::answers::twilio_xml(status, 20003, &said)
}

fn partial(response: &mut Response, end: impl Fn(usize) -> usize) {
    let all = response.body.bytes.len();
    let end = end(all);
    response.status = 206;
    response.body.window = 0..end;
    let value = format!("bytes 0-{}/{all}", end.saturating_sub(1));
    response.set("Content-Range", value);
}

fn other_bytes(response: &mut Response) {
    let bytes = response.body.bytes.iter().map(|byte| byte ^ 1);
    response.body.bytes = bytes.collect();
}

fn redirect(location: &str) -> Response {
    Response::new(302, "text/plain", Vec::new()).with("Location", location)
}

/// Where a redirect leads after which there are `hops - 1` more.
fn hop(hops: usize, target: &str) -> String {
    match hops {
        0 | 1 => format!("/-/last{target}"),
        _ => format!("/-/{}{target}", hops - 1),
    }
}

/// What a redirect of ours led to: the next of them, or the target whose answer is the true one.
pub fn follow(base: &str, target: &str) -> Option<Result<Response, String>> {
    let (hops, target) = target.strip_prefix("/-/")?.split_once('/')?;
    let target = format!("/{target}");
    Some(match hops.parse() {
        Err(_) => Err(target),
        Ok(hops) if hops % 2 == 0 => Ok(redirect(&format!("{base}{}", hop(hops, &target)))),
        Ok(hops) => Ok(redirect(&hop(hops, &target))),
    })
}

/// Puts something at the beginning of an object.
fn inject(response: &mut Response, text: &str) {
    if response.body.bytes().starts_with(b"{") {
        let bytes = [text.as_bytes(), &response.body.bytes()[1..]].concat();
        response.body = Body::new(bytes);
    }
}

fn repeat(request: &Request, response: &mut Response) {
    let Ok(mut page) = serde_json::from_slice::<Value>(response.body.bytes()) else {
        return;
    };
    if let Some(next) = page.get_mut("next_page_uri") {
        *next = request.target.clone().into();
    }
    let own = page["meta"]["url"].clone();
    if let Some(next) = page["meta"].get_mut("next_page_url") {
        *next = own;
    }
    *response = Response::json(200, &page);
}

/// Gzip (RFC 1952) of blocks that are not compressed.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    for block in bytes.chunks(0xffff) {
        let length = u16::try_from(block.len()).expect("two bytes");
        out.push(0);
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend([1, 0, 0, 0xff, 0xff]);
    let mut crc = !0_u32;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    out.extend((!crc).to_le_bytes());
    out.extend(u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
    out
}
