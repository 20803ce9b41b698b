//! Twilio Video, version 1: how recordings and compositions are stored, and whether encrypted.

use serde_json::{Value, json};

use super::answers::{basic, error_json, twilio_json};
use super::http::{Request, Response};
use super::{ACCOUNT, Settings, Shared, State, encrypt};

pub fn answer(shared: &Shared, state: &mut State, request: &Request, kind: Settings) -> Response {
    if !basic(request) {
        return error_json(401).with("WWW-Authenticate", "Basic realm=\"Twilio API\"");
    }
    let path = request.path().trim_end_matches('/');
    if !path.ends_with("Settings/Default") {
        return error_json(404);
    }
    match request.method.as_str() {
        "GET" => {
            let Some(settings) = state.registered.settings.get(&kind) else {
                let message = format!("The requested resource {path} was not found");
                return twilio_json(404, 20404, &message);
            };
            Response::json(200, &resource(shared, state, kind, settings))
        }
        "POST" => match posted(state, request, kind) {
            Err((code, message)) => twilio_json(400, code, &message),
            Ok(settings) => {
                let status = if state.style.settings_created {
                    201
                } else {
                    200
                };
                let answer = resource(shared, state, kind, &settings);
                let encrypts = settings["encryption_enabled"] == true;
                state.registered.settings.insert(kind, settings);
                if state.style.records && encrypts {
                    encrypt::video(state, kind.recorded());
                }
                Response::json(status, &answer)
            }
        },
        _ => twilio_json(405, 20004, "Method not allowed"),
    }
}

/// The settings of a form. They take the place of all that were: what it does not say is null.
fn posted(state: &State, request: &Request, kind: Settings) -> Result<Value, (u32, String)> {
    let wrong = |message: String| (20001, message);
    let known = [
        "FriendlyName",
        "EncryptionEnabled",
        "EncryptionKeySid",
        "AwsCredentialsSid",
        "AwsS3Url",
        "AwsStorageEnabled",
    ];
    let fields = request.form(&known).map_err(wrong)?;
    let flag = |name: &str| match fields.get(name).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(wrong(format!("Invalid {name}"))),
    };
    let name = fields.get("FriendlyName").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| wrong("Missing required parameter FriendlyName".into()))?;
    let encrypts = flag("EncryptionEnabled")?;
    let key = fields.get("EncryptionKeySid");
    let mine = |sid: &String| {
        let mut keys = state.registered.keys.iter();
        keys.any(|key| key.sid == *sid && key.account == ACCOUNT)
    };
    if !key.map_or(!encrypts, mine) {
        return Err((kind.invalid_key(), "Invalid encryption key".into()));
    }
    let credentials = fields.get("AwsCredentialsSid");
    if credentials.is_some_and(|sid| !is_credential(sid)) {
        return Err(wrong("Invalid AwsCredentialsSid".into()));
    }
    let place = fields.get("AwsS3Url");
    if place.is_some_and(|place| !place.starts_with("https://")) {
        return Err(wrong("Invalid AwsS3Url".into()));
    }
    Ok(json!({
        "friendly_name": name,
        "aws_credentials_sid": credentials,
        "aws_s3_url": place,
        "aws_storage_enabled": flag("AwsStorageEnabled")?,
        "encryption_key_sid": key,
        "encryption_enabled": encrypts,
    }))
}

fn is_credential(sid: &str) -> bool {
    let digits = sid.strip_prefix("CR").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Settings, with what else an answer has.
pub fn resource(shared: &Shared, state: &State, kind: Settings, settings: &Value) -> Value {
    let host = if state.style.default_hosts {
        "https://video.twilio.com"
    } else {
        &shared.base
    };
    let mut value = json!({
        "account_sid": ACCOUNT,
        "friendly_name": null,
        "aws_credentials_sid": null,
        "aws_s3_url": null,
        "aws_storage_enabled": false,
        "encryption_key_sid": null,
        "encryption_enabled": false,
        "url": format!("{host}{}", kind.path()),
    });
    for (name, own) in settings.as_object().expect("an object") {
        value[name.as_str()] = own.clone();
    }
    value
}
