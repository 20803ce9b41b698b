//! Answers: what all of them have in common, and those that are no.
//!
//! CORS by hand: tower-http's layer answers preflights with 200, and every `OPTIONS` as one.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW,
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, REFERRER_POLICY, RETRY_AFTER,
    VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

/// What other origins may read of an answer.
const EXPOSED: &str = "Content-Range, Content-Length, Accept-Ranges, ETag";

/// The seconds after which a client may try again where there was too much to do.
const SOON: &str = "1";

/// An answer of text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Response {
    with_body(status, "text/plain; charset=utf-8", text)
}

/// An answer with a body of this type.
pub(super) fn with_body(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// There is none, or nobody may know: always the same.
pub(super) fn not_found() -> Response {
    text(StatusCode::NOT_FOUND, "not found\n")
}

/// There is no recording that can be played.
pub(super) fn unusable() -> Response {
    text(StatusCode::BAD_GATEWAY, "the recording cannot be played\n")
}

/// Something is out of reach; it may not be later.
pub(super) fn unavailable() -> Response {
    let words = "it is not available at the moment\n";
    later(text(StatusCode::SERVICE_UNAVAILABLE, words))
}

/// There were too many requests.
pub(super) fn too_many() -> Response {
    let words = "there are too many requests\n";
    later(text(StatusCode::TOO_MANY_REQUESTS, words))
}

fn later(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static(SOON));
    response
}

/// Nobody knows who asks. The scheme is one that makes no browser ask for a password.
pub(super) fn unauthorised() -> Response {
    let mut response = text(StatusCode::UNAUTHORIZED, "a valid Flex token is needed\n");
    let scheme = HeaderValue::from_static("Flex-Token");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}

/// They may not.
pub(super) fn forbidden() -> Response {
    text(
        StatusCode::FORBIDDEN,
        "you may not listen to this recording\n",
    )
}

/// Another method is needed.
pub(super) fn not_allowed(allowed: &'static str) -> Response {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "this method is not allowed\n",
    );
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// Gives an answer what all have: that it is not to be kept, guessed at, framed or told of. What it has
/// of that already stays.
pub(super) fn harden(headers: &mut HeaderMap) {
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    for (name, value) in [
        (CACHE_CONTROL, "private, no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (resource_policy, "same-origin"),
    ] {
        let entry = headers.entry(name);
        entry.or_insert(HeaderValue::from_static(value));
    }
}

/// The origin that a request is from, if it is one of `origins`, to the letter.
fn origin<'a>(asked: &'a HeaderMap, origins: &[String]) -> Option<&'a HeaderValue> {
    let mut said = asked.get_all(ORIGIN).iter();
    let (Some(origin), None) = (said.next(), said.next()) else {
        return None;
    };
    let is_one = |known: &String| known.as_bytes() == origin.as_bytes();
    origins.iter().any(is_one).then_some(origin)
}

/// Lets the origins that may read the answer to `asked`; whatever it is, for else they could not tell
/// why it failed (<https://fetch.spec.whatwg.org/#http-cors-protocol>).
pub(super) fn share(answer: &mut HeaderMap, asked: &HeaderMap, origins: &[String]) {
    if let Some(origin) = origin(asked, origins) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let exposed = HeaderValue::from_static(EXPOSED);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

/// Says that the answer depends on the origin.
pub(super) fn vary(answer: &mut HeaderMap) {
    answer.insert(VARY, HeaderValue::from_static("Origin"));
}

/// The answer to a preflight: `OPTIONS` of a browser that asks whether it may. Other origins get none of
/// what it asks for.
pub(super) fn preflight(
    asked: &HeaderMap,
    origins: &[String],
    methods: &'static str,
    headers: &'static str,
) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if origin(asked, origins).is_some() && asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        let answer = response.headers_mut();
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, methods),
            (ACCESS_CONTROL_ALLOW_HEADERS, headers),
            (ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            answer.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_let_in_to_the_letter() {
        let origins = ["https://flex.twilio.com".to_owned()];
        let let_in = |values: &[&str]| {
            let mut asked = HeaderMap::new();
            for value in values {
                asked.append(ORIGIN, HeaderValue::from_str(value).unwrap());
            }
            let mut answer = HeaderMap::new();
            share(&mut answer, &asked, &origins);
            answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).cloned()
        };
        assert_eq!(
            let_in(&["https://flex.twilio.com"]),
            Some(HeaderValue::from_static("https://flex.twilio.com"))
        );
        for values in [
            &["https://flex.twilio.com.evil.com"][..],
            &["https://evilflex.twilio.com"],
            &["http://flex.twilio.com"],
            &["https://flex.twilio.com:443"],
            &["https://flex.twilio.com:8443"],
            &["https://FLEX.twilio.com"],
            &["https://flex.twilio.com."],
            &["https://flex.twilio.com/"],
            &["null"],
            &["*"],
            &["https://flex.twilio.com https://evil.com"],
            &["https://flex.twilio.com", "https://evil.com"],
            &["https://flex.twilio.com", "https://flex.twilio.com"],
            &[],
        ] {
            assert_eq!(let_in(values), None, "{values:?}");
        }
    }
}
