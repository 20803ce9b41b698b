//! Qvoice's configuration of encryption, as its guide says.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::encrypt;
use super::http::{Request, Response};
use super::storage::hex;
use super::{QVOICE_ACCOUNT, QVOICE_TOKEN, State};

pub fn error(status: u16, message: &str) -> Response {
    Response::json(status, &json!({"success": false, "message": message}))
}

pub fn answer(state: &mut State, request: &Request) -> Response {
    let bearer = request.header("authorization");
    if bearer != Some(format!("Bearer {QVOICE_TOKEN}").as_str()) {
        return error(401, "Invalid or missing JWT token");
    }
    match request.header("x-account-id") {
        None | Some("") => return error(400, "Could not get account ID from context"),
        Some(QVOICE_ACCOUNT) => {}
        Some(_) => return error(404, "Account not found"),
    }
    if request.path() != "/api/v2/config/call_recording_encryption" {
        return error(404, "Endpoint not found");
    }
    let message = match request.method.as_str() {
        "GET" => None,
        "PUT" => {
            if let Err(why) = put(state, request) {
                let message = format!("Failed to update encryption configuration: {why}");
                return error(400, &message);
            }
            Some("Encryption configuration updated successfully")
        }
        _ => return error(405, "Method not allowed"),
    };
    let mut config = state.registered.qvoice.clone();
    if state.style.qvoice_forgets {
        config.remove("historical_keys");
        config.remove("historical_salts");
    }
    let mut value = json!({"success": true, "config": config});
    if let Some(message) = message {
        value["message"] = message.into();
    }
    Response::json(200, &value)
}

fn put(state: &mut State, request: &Request) -> Result<(), String> {
    if !request.is_of("application/json") {
        return Err("Content-Type is not application/json".into());
    }
    let asked: Map<String, Value> =
        serde_json::from_slice(&request.body).map_err(|_| "it is no JSON object")?;
    // The real one ignores key_version and key_id. Nobody is to send them.
    let known = ["enabled", "algorithm", "key", "salt"];
    if let Some(name) = asked.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("{name} should not be provided in the request"));
    }
    let enabled = asked.get("enabled").and_then(Value::as_bool);
    let enabled = enabled.ok_or("enabled is required")?;
    let (algorithm, key, salt) = (
        text(&asked, "algorithm")?,
        text(&asked, "key")?,
        text(&asked, "salt")?,
    );
    if algorithm.is_some_and(|name| !["AES-256-GCM", "AES-256-CBC"].contains(&name)) {
        return Err("algorithm is not supported".into());
    }
    if key.is_some_and(|key| ["default_encrypted_key", "default", "test"].contains(&key)) {
        return Err("key is an insecure default value".into());
    }
    if key.is_some_and(|key| key.chars().count() < 32) {
        return Err("key must be at least 32 characters long".into());
    }
    if salt == Some("default_salt") {
        return Err("salt is an insecure default value".into());
    }

    let config = &mut state.registered.qvoice;
    rotate(config, key, salt);
    if let Some(name) = algorithm {
        config.insert("algorithm".into(), name.into());
    }
    config.insert("enabled".into(), enabled.into());
    if enabled {
        complete(config);
    }
    if enabled && state.style.records {
        encrypt::qvoice_files(state);
    }
    Ok(())
}

fn text<'a>(asked: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match asked.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(format!("{name} is no text")),
    }
}

/// Takes a new key and a new salt. If there were others, these become a former version, both.
fn rotate(config: &mut Map<String, Value>, key: Option<&str>, salt: Option<&str>) {
    let old = |name: &str| config.get(name).cloned();
    let (old_key, old_salt) = (old("key"), old("salt"));
    let differs = |new: Option<&str>, old: &Option<Value>| {
        new.zip(old.as_ref()).is_some_and(|(new, old)| new != old)
    };
    if differs(key, &old_key) || differs(salt, &old_salt) {
        let version = config.get("key_version").and_then(Value::as_u64);
        let version = version.unwrap_or(1);
        config.insert("key_version".into(), (version + 1).into());
        for (map, value) in [("historical_keys", old_key), ("historical_salts", old_salt)] {
            let map = config.entry(map).or_insert_with(|| json!({}));
            if let Some(value) = value {
                map[version.to_string()] = value;
            }
        }
    }
    for (name, value) in [("key", key), ("salt", salt)] {
        if let Some(value) = value {
            config.insert(name.into(), value.into());
        }
    }
    if key.is_some() || salt.is_some() {
        config.entry("key_version").or_insert(1.into());
    }
}

/// What an enabled one has, where it has not yet.
fn complete(config: &mut Map<String, Value>) {
    let mut absent = |name: &str, value: Value| {
        config.entry(name).or_insert(value);
    };
    let id = format!("key_auto_{}", &QVOICE_ACCOUNT[..10]);
    absent("algorithm", "AES-256-GCM".into());
    absent("key_version", 1.into());
    absent("key_id", id.into());
    let salt = BASE64_STANDARD.encode(encrypt::random::<16>());
    absent("salt", salt.into());
    absent("key", hex(&encrypt::random::<32>()).into());
    absent("historical_keys", json!({}));
    absent("historical_salts", json!({}));
}
