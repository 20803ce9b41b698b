//! Where Vonage's archives go to, and for which certificate they are encrypted.

use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rsa::pkcs8::DecodePublicKey;
use rsa::{RsaPublicKey, pkcs1};
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::{Decode, DecodePem, Encode};

use super::http::{Request, Response};
use super::vonage::error;
use super::{State, encrypt};

/// The answer to a request whose token is right.
pub fn answer(state: &mut State, request: &Request, project: &str) -> Response {
    if request.method != "PUT" {
        return error(405, "Method not allowed");
    }
    match target(request) {
        Err(why) => error(400, &format!("Invalid request: {why}")),
        Ok(target) => {
            let encrypts = target["certificate"].is_string();
            state.registered.targets.insert(project.to_owned(), target);
            if state.style.records && encrypts {
                encrypt::archive(state, "5eed0000-0000-4000-8000-0000000000a1", project);
            }
            Response::json(200, &json!({}))
        }
    }
}

fn target(request: &Request) -> Result<Value, String> {
    if !request.is_of("application/json") {
        return Err("Content-Type is not application/json".into());
    }
    let value: Value = serde_json::from_slice(&request.body).map_err(|_| "it is no JSON")?;
    let (needed, optional): (&[&str], &[&str]) = match value["type"].as_str() {
        Some("s3") => (&["bucket", "secretKey", "accessKey"], &["endpoint", "sse"]),
        Some("azure") => (&["accountName", "accountKey", "container"], &[]),
        _ => return Err("there is no upload target: type".into()),
    };
    only(&value, &["type", "config", "fallback", "certificate"])?;
    let config = &value["config"];
    only(config, &[needed, optional].concat())?;
    for name in needed {
        if config[name].as_str().is_none_or(str::is_empty) {
            return Err(format!("there is no upload target: {name}"));
        }
    }
    match value.get("fallback").map(Value::as_str) {
        None | Some(Some("none" | "opentok")) => {}
        _ => return Err("fallback".into()),
    }
    match value.get("certificate") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => {
            certificate(text)?;
        }
        _ => return Err("certificate".into()),
    }
    Ok(value)
}

/// Whether it is an object of nothing but these.
fn only(value: &Value, known: &[&str]) -> Result<(), String> {
    let fields = value.as_object().ok_or("it is no object")?;
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{name} is not known")),
        None => Ok(()),
    }
}

/// The key of a certificate, which is PEM, or base64 of that.
pub fn certificate(text: &str) -> Result<RsaPublicKey, String> {
    let decoded = BASE64_STANDARD.decode(text).ok();
    let pem = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
    let read = Certificate::from_pem(&pem).map_err(|_| "it is no X.509 certificate")?;
    let tbs = read.tbs_certificate();
    let now = SystemTime::now();
    let validity = tbs.validity();
    if now < validity.not_before.to_system_time() || now > validity.not_after.to_system_time() {
        return Err("the certificate is not valid now".into());
    }
    let info = tbs.subject_public_key_info();
    let bytes = info.subject_public_key.as_bytes().unwrap_or_default();
    let numbers = pkcs1::RsaPublicKeyRef::from_der(bytes).map_err(|_| "its key is not RSA")?;
    if super::twilio_keys::bits(numbers.modulus.as_bytes()) > 2048 {
        return Err("its key is longer than 2048 bits".into());
    }
    let der = info.to_der().map_err(|_| "its key")?;
    RsaPublicKey::from_public_key_der(&der).map_err(|_| "its key is not RSA".into())
}
