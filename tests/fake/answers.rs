//! What several of them answer: errors; and whose credentials a request has.

use serde_json::json;

use super::http::{Request, Response};
use super::{ACCOUNT, API_KEY, API_SECRET, AUTH_TOKEN, Origin, storage};

pub fn is_json(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| extension == "json")
}

/// An error in the form that fits: of who answers, and for Twilio of what was asked for.
pub fn error(origin: Origin, request: &Request, status: u16) -> Response {
    let path = request.path();
    if origin == Origin::Storage {
        error_xml(origin, status)
    } else if path.starts_with("/v2/") {
        super::vonage::error(status, "Something went wrong")
    } else if path.starts_with("/api/") {
        super::qvoice::error(status, "Something went wrong")
    } else if path.starts_with("/2010-04-01/") && !is_json(path) {
        error_xml(origin, status)
    } else {
        error_json(status)
    }
}

pub fn error_xml(origin: Origin, status: u16) -> Response {
    match (origin, status) {
        (Origin::Storage, 404) => storage::error(404, "NoSuchKey", "There is no such key.", ""),
        (Origin::Storage, 503) => storage::error(503, "SlowDown", "Please reduce your rate.", ""),
        (Origin::Storage, _) => storage::error(status, "InternalError", "Please try again.", ""),
        _ => {
            let (code, message) = twilio_code(status);
            twilio_xml(status, code, message)
        }
    }
}

pub fn error_json(status: u16) -> Response {
    let (code, message) = twilio_code(status);
    twilio_json(status, code, message)
}

/// The code and the message that Twilio most often has for a status.
pub fn twilio_code(status: u16) -> (u32, &'static str) {
    match status {
        400 => (20001, "Invalid parameter"),
        401 => (20003, "Authenticate"),
        403 => (20005, "Account not active"),
        404 => (20404, "The requested resource was not found"),
        429 => (20429, "Too Many Requests"),
        503 => (20503, "Service unavailable"),
        _ => (20500, "An internal server error has occurred"),
    }
}

/// An error as Twilio writes it.
pub fn twilio_json(status: u16, code: u32, message: &str) -> Response {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let value = json!({"code": code, "message": message, "more_info": more, "status": status});
    Response::json(status, &value)
}

pub fn twilio_xml(status: u16, code: u32, message: &str) -> Response {
    let text = format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse><RestException><Code>{code}</Code>\
         <Message>{message}</Message>\
         <MoreInfo>https://www.twilio.com/docs/errors/{code}</MoreInfo>\
         <Status>{status}</Status></RestException></TwilioResponse>"
    );
    Response::xml(status, text)
}

/// User and secret of a request.
pub fn pair(request: &Request) -> Option<String> {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    let text = request.header("authorization")?.strip_prefix("Basic ")?;
    String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()
}

/// Whether the request has the credentials of the account: by its API key, or by its token.
pub fn basic(request: &Request) -> bool {
    by_api_key(request) || pair(request) == Some(format!("{ACCOUNT}:{AUTH_TOKEN}"))
}

pub fn by_api_key(request: &Request) -> bool {
    pair(request) == Some(format!("{API_KEY}:{API_SECRET}"))
}
