//! Storage: presigned links as S3 makes and judges them, objects with their metadata, ranges.

use std::collections::HashMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::http::{Body, Request, Response};

/// The objects, by path: `/bucket/key`.
#[derive(Default)]
pub struct Storage {
    objects: HashMap<String, Object>,
}

/// An object.
#[derive(Clone, Debug)]
pub struct Object {
    pub body: Body,
    /// Its user metadata and other headers, names in full.
    pub headers: Vec<(String, String)>,
    /// Whether it is for everyone: no signature is asked for.
    pub public: bool,
}

/// A strong one, of these bytes.
pub fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", &hex(&Sha256::digest(bytes))[..32])
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sign(path: &str, date: &str, seconds: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"the storage's own secret").expect("a key");
    mac.update(format!("GET\n{path}\n{date}\n{seconds}").as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// The query of a link that holds for so many seconds.
fn signed(path: &str, seconds: u64) -> String {
    let date = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIA5EED%2F{}%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date={date}&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host\
         &X-Amz-Security-Token=made-up&X-Amz-Signature={}",
        &date[..8],
        sign(path, &date, &seconds.to_string())
    )
}

/// An error as S3 writes it.
pub fn error(status: u16, code: &str, message: &str, more: &str) -> Response {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    write!(
        text,
        "<Error><Code>{code}</Code><Message>{message}</Message>{more}\
         <RequestId>5EED0FBF0985E71E</RequestId><HostId>PvfC1GGyzaepcaHTPr7w</HostId></Error>"
    )
    .ok();
    Response::xml(status, text).with("Server", "AmazonS3")
}

/// The error of a link that holds no more.
pub fn expired() -> Response {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let more = format!("<X-Amz-Expires>600</X-Amz-Expires><ServerTime>{now}</ServerTime>");
    error(403, "AccessDenied", "Request has expired", &more)
}

impl Storage {
    /// Puts an object there, or in another's place.
    pub fn put(&mut self, path: &str, mut object: Object) {
        let tag = ("ETag".to_owned(), etag(object.body.bytes()));
        object.headers.push(tag);
        self.objects.insert(path.to_owned(), object);
    }

    /// The tag of an object; one that is not there has the tag of nothing.
    pub fn etag(&self, path: &str) -> String {
        let object = self.objects.get(path);
        let tag = object.and_then(|object| object.headers.last());
        tag.map_or_else(|| etag(b""), |(_, tag)| tag.clone())
    }

    /// Path and query of a link to it.
    pub fn link(path: &str, seconds: u64) -> String {
        format!("{path}?{}", signed(path, seconds))
    }

    pub fn answer(&self, request: &Request) -> Response {
        if let Some(value) = request.header("authorization") {
            let more = format!(
                "<ArgumentName>Authorization</ArgumentName><ArgumentValue>{}</ArgumentValue>",
                value.split_whitespace().next().unwrap_or_default()
            );
            let message = "Only one auth mechanism allowed; only the X-Amz-Algorithm query \
                parameter, Signature query string parameter or the Authorization header should be \
                specified";
            return error(400, "InvalidArgument", message, &more);
        }
        let path = request.path();
        let object = self.objects.get(path);
        if !object.is_some_and(|object| object.public)
            && let Err(refusal) = judge(request)
        {
            return refusal;
        }
        let Some(object) = object else {
            let more = format!("<Key>{path}</Key>");
            return error(404, "NoSuchKey", "The specified key does not exist.", &more);
        };
        let mut response = Response {
            status: 200,
            headers: object.headers.clone(),
            body: object.body.clone(),
        };
        if response.header("content-type").is_none() {
            response.set("Content-Type", "application/octet-stream");
        }
        response.set("x-amz-id-2", "PvfC1GGyzaepcaHTPr7wLmtCzPBVj0QD2d7ljl+c");
        response.set("x-amz-request-id", "5EED0FBF0985E71E");
        response.set("Server", "AmazonS3");
        response.set("Last-Modified", "Tue, 01 Sep 2026 08:30:17 GMT");
        ranged(request, response)
    }
}

/// Whether the link is one of ours and still holds.
fn judge(request: &Request) -> Result<(), Response> {
    let field = |name: &str| request.field(name);
    let (Some(signature), Some(date), Some(seconds)) = (
        field("X-Amz-Signature"),
        field("X-Amz-Date"),
        field("X-Amz-Expires"),
    ) else {
        return Err(error(403, "AccessDenied", "Access Denied", ""));
    };
    // It is the method's as well: a link to GET is none to HEAD.
    if request.method != "GET" || signature != sign(request.path(), &date, &seconds) {
        let message = "The request signature we calculated does not match the signature you \
            provided. Check your key and signing method.";
        return Err(error(403, "SignatureDoesNotMatch", message, ""));
    }
    let made = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &date).ok();
    let made = made.and_then(|made| made.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let made = made.map_or(0, |made| made.timestamp().as_second());
    let seconds: i64 = seconds.parse().unwrap_or(0);
    if Timestamp::now().as_second() >= made.saturating_add(seconds) {
        return Err(expired());
    }
    Ok(())
}

/// The part of a body that is asked for (RFC 9110, 14): one range, `If-Range`, `If-Match`.
pub fn ranged(request: &Request, mut response: Response) -> Response {
    response.set("Accept-Ranges", "bytes");
    let tag = response.header("etag").unwrap_or_default().to_owned();
    let date = response.header("last-modified").unwrap_or_default();
    if let Some(wanted) = request.header("if-match")
        && wanted != "*"
        && wanted != tag
    {
        let message = "At least one of the pre-conditions you specified did not hold";
        return error(412, "PreconditionFailed", message, "");
    }
    let same = request
        .header("if-range")
        .is_none_or(|wanted| (wanted == tag && !tag.starts_with("W/")) || wanted == date);
    let length = response.body.bytes.len();
    let Some(range) = request.header("range").filter(|_| same) else {
        return response;
    };
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return response;
    };
    let window = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => first..(last.saturating_add(1)).min(length),
        (Ok(first), Err(_)) => first..length,
        (Err(_), Ok(last)) => length.saturating_sub(last)..length,
        (Err(_), Err(_)) => return response,
    };
    if window.is_empty() || window.start >= length {
        return unsatisfiable(length);
    }
    let (first, last) = (window.start, window.end - 1);
    response.status = 206;
    response.body.window = window;
    response.with("Content-Range", format!("bytes {first}-{last}/{length}"))
}

pub fn unsatisfiable(length: usize) -> Response {
    let more = format!("<ActualObjectSize>{length}</ActualObjectSize>");
    let message = "The requested range is not satisfiable";
    error(416, "InvalidRange", message, &more).with("Content-Range", format!("bytes */{length}"))
}
