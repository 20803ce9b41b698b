//! Vonage's archives: the unified API's, and `OpenTok`'s. Both have the same paths; whose it is says
//! the project in them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::DecodePrivateKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{Request, Response};
use super::records::Archive;
use super::storage::Storage;
use super::{
    APPLICATION, OPENTOK_KEY, OPENTOK_SECRET, Shared, State, VONAGE_API_SECRET, vonage_storage,
};

/// An error as archives have it.
pub fn error(status: u16, message: &str) -> Response {
    if [401, 403, 429].contains(&status) {
        return gateway(status, message);
    }
    let code = if status == 404 {
        15004
    } else {
        15000 + u32::from(status)
    };
    let value = json!({"code": code, "message": message, "description": message});
    Response::json(status, &value)
}

/// An error as the gateway has it, before it is the archives' turn.
fn gateway(status: u16, detail: &str) -> Response {
    let (kind, title) = match status {
        401 => ("unauthorized", "Unauthorized"),
        403 => ("forbidden", "Forbidden"),
        _ => ("throttled", "Rate Limit Hit"),
    };
    let value = json!({
        "type": format!("https://developer.vonage.com/api-errors#{kind}"),
        "title": title,
        "detail": detail,
        "instance": "5eed0fbf-0985-4e71-8000-000000000001",
    });
    Response::json(status, &value)
}

pub fn answer(shared: &Shared, state: &mut State, request: &Request) -> Response {
    let parts: Vec<&str> = request.path().split('/').skip(3).collect();
    let [project, "archive", rest @ ..] = &parts[..] else {
        return error(404, "Not found");
    };
    let project = *project;
    let opentok = project.bytes().all(|byte| byte.is_ascii_digit());
    if opentok {
        if let Err(why) = opentok_token(state, request, project) {
            let message = format!("Invalid token: {why}");
            let value = json!({"code": -1, "message": message, "description": message});
            return Response::json(403, &value);
        }
    } else if rest == ["storage"] && state.style.vonage_basic {
        let pair = super::answers::pair(request);
        if project != APPLICATION || pair != Some(format!("{APPLICATION}:{VONAGE_API_SECRET}")) {
            return gateway(401, "Invalid credentials");
        }
    } else if let Err(why) = unified_token(request, project) {
        return gateway(401, &format!("Invalid Token: {why}"));
    }
    if rest == ["storage"] {
        return vonage_storage::answer(state, request, project);
    }
    if request.method != "GET" && request.method != "HEAD" {
        return error(405, "Method not allowed");
    }
    let mine = |archive: &&Archive| archive.owner == project;
    match rest {
        [] => {
            let number = |name: &str, default: usize| {
                request.field(name).map_or(Ok(default), |text| text.parse())
            };
            let (Ok(offset), Ok(count @ 0..=1000)) = (number("offset", 0), number("count", 50))
            else {
                return error(400, "Invalid offset or count");
            };
            let session = request.field("sessionId");
            let of_session = |archive: &&Archive| {
                session
                    .as_ref()
                    .is_none_or(|session| archive.session == *session)
            };
            let all = state
                .records
                .archives
                .iter()
                .filter(mine)
                .filter(of_session);
            let page = all.clone().skip(offset).take(count);
            let items: Vec<Value> = page
                .map(|archive| resource(shared, state, archive, opentok))
                .collect();
            Response::json(200, &json!({"count": all.count(), "items": items}))
        }
        [id] => {
            let mut archives = state.records.archives.iter().filter(mine);
            match archives.find(|archive| archive.id.eq_ignore_ascii_case(id)) {
                Some(archive) => Response::json(200, &resource(shared, state, archive, opentok)),
                None => error(404, "Archive not found"),
            }
        }
        _ => error(404, "Not found"),
    }
}

fn resource(shared: &Shared, state: &State, archive: &Archive, opentok: bool) -> Value {
    let link = archive.link.then(|| {
        let link = Storage::link(&archive.object(), state.style.link_seconds);
        format!("{}{link}", shared.storage)
    });
    let mut value = json!({
        "id": archive.id,
        "status": archive.status,
        "name": archive.name,
        "reason": "",
        "sessionId": archive.session,
        "createdAt": archive.created_ms,
        "updatedAt": archive.created_ms + 9000,
        "size": archive.media.bytes().len(),
        "duration": archive.duration,
        "outputMode": "composed",
        "streamMode": "auto",
        "hasAudio": true,
        "hasVideo": true,
        "hasTranscription": false,
        "sha256sum": archive.sha256sum,
        "password": archive.password,
        "resolution": "640x480",
        "multiArchiveTag": "",
        "maxBitrate": 2_000_000,
        "event": "archive",
        "url": link,
    });
    if opentok {
        value["partnerId"] = OPENTOK_KEY.parse::<u32>().unwrap_or(0).into();
        value["projectId"] = value["partnerId"].clone();
    } else {
        value["applicationId"] = archive.owner.clone().into();
    }
    value
}

/// The parts of a JSON Web Token: what is signed, header, claims, signature.
fn token(text: &str) -> Option<(&str, Value, Value, Vec<u8>)> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let read = |text: &str| serde_json::from_slice(&decode(text)?).ok();
    Some((signed, read(header)?, read(claims)?, decode(signature)?))
}

/// The times of a token that is to hold for at most so many seconds.
fn times(claims: &Value, most: i64) -> Result<(), &'static str> {
    let now = Timestamp::now().as_second();
    let (Some(iat), Some(exp)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else {
        return Err("iat and exp");
    };
    if iat > now + 60 || exp <= now || exp > now + most + 60 || exp - iat > most {
        return Err("its times");
    }
    Ok(())
}

fn unified_token(request: &Request, project: &str) -> Result<(), &'static str> {
    let bearer = request
        .header("authorization")
        .and_then(|text| text.strip_prefix("Bearer "));
    let (signed, header, claims, signature) = bearer.and_then(token).ok_or("it is none")?;
    if header["alg"] != "RS256" || header["typ"] != "JWT" {
        return Err("its header");
    }
    let key = super::fixtures::read("keys/other.pem");
    let key = RsaPrivateKey::from_pkcs8_pem(&String::from_utf8_lossy(&key)).expect("a key");
    let public = rsa::RsaPublicKey::from(&key);
    // DigestInfo of SHA-256 (RFC 8017, 9.2).
    let prefix = *b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    let scheme = Pkcs1v15Sign {
        hash_len: Some(32),
        prefix: Box::new(prefix),
    };
    let digest = Sha256::digest(signed.as_bytes());
    let verified = public.verify(scheme, &digest, &signature);
    verified.map_err(|_| "its signature")?;
    times(&claims, 15 * 60)?;
    if claims["jti"].as_str().is_none_or(str::is_empty) {
        return Err("jti");
    }
    match claims["application_id"].as_str() {
        Some(APPLICATION) if project == APPLICATION => Ok(()),
        _ => Err("application_id"),
    }
}

fn opentok_token(state: &mut State, request: &Request, project: &str) -> Result<(), &'static str> {
    let text = request.header("x-opentok-auth").ok_or("there is none")?;
    let (signed, header, claims, signature) = token(text).ok_or("it is none")?;
    if header["alg"] != "HS256" {
        return Err("its header");
    }
    let key = Hmac::<Sha256>::new_from_slice(OPENTOK_SECRET.as_bytes());
    let mac = key.expect("a key").chain_update(signed.as_bytes());
    mac.verify_slice(&signature).map_err(|_| "its signature")?;
    if claims["iss"] != OPENTOK_KEY || project != OPENTOK_KEY {
        return Err("iss");
    }
    if claims["ist"] != "project" {
        return Err("ist");
    }
    times(&claims, 5 * 60)?;
    let jti = claims["jti"]
        .as_str()
        .filter(|jti| !jti.is_empty())
        .ok_or("jti")?;
    if state.tokens.insert(jti.to_owned()) {
        Ok(())
    } else {
        Err("its jti was used before")
    }
}
