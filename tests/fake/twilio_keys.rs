//! Twilio's Accounts API, version 1: the public keys.

use jiff::Timestamp;
use rsa::pkcs8::DecodePublicKey;
use rsa::{RsaPublicKey, pkcs1};
use serde_json::{Value, json};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Document};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::answers::{basic, by_api_key, error_json, twilio_json};
use super::http::{Request, Response};
use super::twilio_video::iso_8601;
use super::{ACCOUNT, Shared, State, encrypt};

/// A key that was registered. Its material is never shown.
#[derive(Clone)]
pub struct PublicKey {
    pub sid: String,
    pub account: String,
    pub name: String,
    pub key: RsaPublicKey,
    /// In seconds since 1970.
    created: i64,
    updated: i64,
}

/// What is refused: a code of Twilio's, and why.
type Refusal = (u32, String);

/// The key in a PEM file, if it is one that Twilio takes.
pub fn read(pem: &str) -> Result<RsaPublicKey, Refusal> {
    let invalid = || (70154, "Invalid public key".to_owned());
    let (label, der) = Document::from_pem(pem.trim()).map_err(|_| invalid())?;
    if label != "PUBLIC KEY" {
        return Err(invalid());
    }
    let info = SubjectPublicKeyInfoRef::from_der(der.as_bytes()).map_err(|_| invalid())?;
    let rsa = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    if info.algorithm.oid != rsa {
        return Err((70101, "The public key is not an RSA key".into()));
    }
    let bytes = info.subject_public_key.as_bytes().ok_or_else(invalid)?;
    let numbers = pkcs1::RsaPublicKeyRef::from_der(bytes).map_err(|_| invalid())?;
    if bits(numbers.modulus.as_bytes()) != 2048 {
        return Err((70102, "The length of the key is not 2048 bits".into()));
    }
    if numbers.public_exponent.as_bytes() != [1, 0, 1] {
        return Err((70103, "The public exponent is not 65537".into()));
    }
    RsaPublicKey::from_public_key_der(der.as_bytes()).map_err(|_| invalid())
}

/// The length of a number without leading zeros.
pub fn bits(bytes: &[u8]) -> u32 {
    let first = bytes.first().map_or(0, |byte| byte.leading_zeros());
    u32::try_from(bytes.len() * 8).expect("a length") - first
}

fn named(name: &str) -> Result<(), Refusal> {
    match name.chars().count() {
        0..=64 => Ok(()),
        _ => Err((20001, "FriendlyName is longer than 64 characters".into())),
    }
}

impl State {
    /// Registers a key; the newest is the first. What encrypts for it from now on is recorded, where
    /// that is wanted.
    pub fn register_key(
        &mut self,
        account: &str,
        name: &str,
        pem: &str,
    ) -> Result<String, Refusal> {
        let key = read(pem)?;
        named(name)?;
        self.registered.keys_made += 1;
        let sid = format!("CR5eed{:028x}", self.registered.keys_made);
        let now = Timestamp::now().as_second();
        let key = PublicKey {
            sid: sid.clone(),
            account: account.into(),
            name: name.into(),
            key,
            created: now,
            updated: now,
        };
        self.registered.keys.insert(0, key);
        if self.style.records {
            encrypt::voice(self, "RE5eed00000000000000000000000000a1");
        }
        Ok(sid)
    }
}

fn host<'a>(shared: &'a Shared, state: &State) -> &'a str {
    if state.style.default_hosts {
        "https://accounts.twilio.com"
    } else {
        &shared.base
    }
}

fn resource(host: &str, key: &PublicKey) -> Value {
    json!({
        "sid": key.sid,
        "account_sid": key.account,
        "friendly_name": key.name,
        "date_created": iso_8601(key.created),
        "date_updated": iso_8601(key.updated),
        "url": format!("{host}/v1/Credentials/PublicKeys/{}", key.sid),
    })
}

pub fn answer(shared: &Shared, state: &mut State, request: &Request) -> Response {
    if !basic(request) {
        return error_json(401).with("WWW-Authenticate", "Basic realm=\"Twilio API\"");
    }
    match state.style.refuse_standard_keys {
        Some(403) if by_api_key(request) => return twilio_json(403, 20403, "Forbidden"),
        Some(status) if by_api_key(request) => return error_json(status),
        _ => {}
    }
    let path = request.path().trim_end_matches('/');
    let lost = || {
        let message = format!("The requested resource {path} was not found");
        twilio_json(404, 20404, &message)
    };
    let host = host(shared, state);
    let parts: Vec<&str> = path.split('/').skip(3).collect();
    let outcome = match (&parts[..], request.method.as_str()) {
        (["PublicKeys"], "GET") => list(host, state, request),
        (["PublicKeys"], "POST") => create(host, state, request),
        (["PublicKeys", sid], method) => {
            let keys = &mut state.registered.keys;
            let Some(index) = keys
                .iter()
                .position(|key| key.sid.eq_ignore_ascii_case(sid))
            else {
                return lost();
            };
            match method {
                "GET" => Ok(Response::json(200, &resource(host, &keys[index]))),
                "POST" => rename(host, &mut keys[index], request),
                "DELETE" => {
                    keys.remove(index);
                    Ok(Response::nothing())
                }
                _ => return twilio_json(405, 20004, "Method not allowed"),
            }
        }
        (["PublicKeys"], _) => return twilio_json(405, 20004, "Method not allowed"),
        _ => return lost(),
    };
    outcome.unwrap_or_else(|(code, message)| twilio_json(400, code, &message))
}

/// A wrong request.
fn wrong(message: impl Into<String>) -> Refusal {
    (20001, message.into())
}

fn create(host: &str, state: &mut State, request: &Request) -> Result<Response, Refusal> {
    let known = ["PublicKey", "FriendlyName", "AccountSid"];
    let fields = request.form(&known).map_err(wrong)?;
    let pem = fields.get("PublicKey");
    let pem = pem.ok_or_else(|| wrong("Missing required parameter PublicKey"))?;
    let account = fields.get("AccountSid").map_or(ACCOUNT, String::as_str);
    if !state.records.knows_account(account) {
        return Err(wrong("Invalid AccountSid"));
    }
    let name = fields.get("FriendlyName").map_or("", String::as_str);
    state.register_key(account, name, pem)?;
    let key = &state.registered.keys[0];
    Ok(Response::json(201, &resource(host, key)))
}

fn rename(host: &str, key: &mut PublicKey, request: &Request) -> Result<Response, Refusal> {
    let mut fields = request.form(&["FriendlyName"]).map_err(wrong)?;
    if let Some(name) = fields.remove("FriendlyName") {
        named(&name)?;
        key.name = name;
        key.updated = Timestamp::now().as_second();
    }
    Ok(Response::json(200, &resource(host, key)))
}

fn list(host: &str, state: &State, request: &Request) -> Result<Response, Refusal> {
    let query = request.query();
    let known = ["PageSize", "Page", "PageToken"];
    if let Some((name, _)) = query
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err(wrong(format!("Unexpected parameter {name}")));
    }
    let number = |name: &str, default: usize| {
        let value = request.field(name).map(|text| text.parse());
        let value = value.unwrap_or(Ok(default));
        value.map_err(|_| wrong(format!("Invalid {name}")))
    };
    let (size, page) = (number("PageSize", 50)?, number("Page", 0)?);
    if !(1..=1000).contains(&size) {
        return Err(wrong("Invalid PageSize: it is from 1 to 1000"));
    }
    let token = request.field("PageToken");
    let begin = match &token {
        None if page == 0 => 0,
        None => return Err(wrong("Invalid Page: there is no PageToken")),
        Some(token) => token
            .strip_prefix("PACR")
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .ok_or_else(|| wrong("Invalid PageToken"))?,
    };
    let keys = state.registered.keys.get(begin..).unwrap_or_default();
    let items: Vec<Value> = keys
        .iter()
        .take(size)
        .map(|key| resource(host, key))
        .collect();
    let url = |page: usize| format!("{host}/v1/Credentials/PublicKeys?PageSize={size}&Page={page}");
    let next = (keys.len() > size)
        .then(|| format!("{}&PageToken=PACR{:032x}", url(page + 1), begin + size));
    let previous = (page > 0).then(|| format!("{}&PageToken=PBCR", url(page - 1)));
    let own = token.map_or(url(page), |token| {
        format!("{}&PageToken={token}", url(page))
    });
    let meta = json!({
        "first_page_url": url(0),
        "key": "credentials",
        "next_page_url": next,
        "page": page,
        "page_size": size,
        "previous_page_url": previous,
        "url": own,
    });
    Ok(Response::json(
        200,
        &json!({"credentials": items, "meta": meta}),
    ))
}

/// The keys as lists have them, the newest first.
pub fn all(shared: &Shared, state: &State) -> Vec<Value> {
    let host = host(shared, state);
    let keys = state.registered.keys.iter();
    keys.map(|key| resource(host, key)).collect()
}
