//! Links as the design has them, signed here.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// Two keys: the first signs.
pub(crate) const FILE: &str = "k-2 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\
                        k-1 CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=\n";
pub(crate) const NEW: (&str, [u8; 32]) = ("k-2", [7; 32]);
pub(crate) const OLD: (&str, [u8; 32]) = ("k-1", [8; 32]);

pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// What a link of this kind says, good for an hour.
pub(crate) fn claims(kind: &str, recording: &str) -> Value {
    json!({"id": recording, "who": "somebody", "exp": now() + 3600, "kind": kind})
}

/// The token that says it, under a name and a key.
pub(crate) fn signed(claims: &Value, (kid, key): (&str, [u8; 32])) -> String {
    let text = format!(
        "v1.{kid}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let mac = mac.chain_update(&text).finalize().into_bytes();
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac))
}

/// A good one.
pub(crate) fn token(kind: &str, recording: &str) -> String {
    signed(&claims(kind, recording), NEW)
}

/// The path of a good one.
pub(crate) fn path(kind: &str, recording: &str) -> String {
    let ending = if kind == "waveform" { ".svg" } else { "" };
    format!("/{kind}/{}{ending}", token(kind, recording))
}
