//! [`LinkKeys`]: links that whoever has one may follow, until they end.
//!
//! A token is `v1.KID.PAYLOAD.MAC`. PAYLOAD is base64url (RFC 4648, 5) without padding of [`Claims`] as
//! JSON; MAC is that of HMAC-SHA-256 (RFC 2104) over the ASCII text `v1.KID.PAYLOAD`, with the key that
//! KID names.
//!
//! Flex's player cuts a link at `.mp3`, wherever that stands. Base64url has no dot, so it can only be a
//! part's start: no KID begins so, a PAYLOAD begins with `{"`, which is `ey`, and a MAC that does is made
//! anew (see [`LinkKeys::sign`]).

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::settings::LONGEST_LINK;
use crate::provider::IdKind;

/// What tokens of this form begin with.
const VERSION: &str = "v1";
/// The longest token, in bytes.
const LONGEST: usize = 2048;
/// The shortest key, in bytes: as long as the hash (RFC 2104, 3).
const SHORTEST_KEY: usize = 32;
/// The longest name of a key, in bytes.
const LONGEST_KID: usize = 32;
/// What no part may begin with, in either case.
const CUT: &str = "mp3";

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The recording.
    Media,
    /// The page that plays it.
    Listen,
    /// A picture of its sound.
    Waveform,
}

/// Who made a link that the server did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// `unreel serve link`, which writes no audit log: the grant is written at the first use.
    Link,
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    /// The id of one recording.
    #[serde(rename = "id")]
    pub recording: String,
    /// Who it was made for.
    pub who: String,
    /// When it ends, in seconds since 1970; it is not good at that second any more.
    #[serde(rename = "exp")]
    pub expires: u64,
    /// What it leads to, and nothing else.
    pub kind: Kind,
    /// Who made it, where its grant is not written yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Origin>,
}

/// Why there are no keys. Lines count from 1, and are never quoted: they hold keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkKeyError {
    /// It is not a name and a key.
    #[error("line {0} is not of the form `KID BASE64`")]
    Form(usize),
    /// The name cannot stand in a link.
    #[error(
        "the name in line {0} is not 1 to 32 letters, digits, `_` or `-`, or begins with `mp3`"
    )]
    Kid(usize),
    /// The same name stands above.
    #[error("the name in line {0} is that of an earlier line")]
    Twice(usize),
    /// The key is not base64.
    #[error("the key in line {0} is not base64")]
    Base64(usize),
    /// The key can be guessed.
    #[error("the key in line {0} is shorter than 32 bytes")]
    Short(usize),
    /// There is no line with a key.
    #[error("there is no key in it")]
    Nothing,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Keys that sign links. The first signs; all verify, so that a new one can be put in front while links
/// of the old one are still about.
pub(crate) struct LinkKeys {
    first: Key,
    others: Vec<Key>,
}

struct Key {
    kid: String,
    bytes: Zeroizing<Vec<u8>>,
}

impl LinkKeys {
    /// Reads keys, one a line: a name, white space, and at least 32 bytes in base64 of either alphabet,
    /// padded or not. Blank lines and those that begin with `#` are none.
    ///
    /// # Errors
    /// See [`LinkKeyError`].
    pub(crate) fn parse(text: &[u8]) -> Result<Self, LinkKeyError> {
        let mut keys: Vec<Key> = Vec::new();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let line = std::str::from_utf8(line).map_err(|_| LinkKeyError::Form(number))?;
            let key = Key::parse(line, number)?;
            if keys.iter().any(|other| other.kid == key.kid) {
                return Err(LinkKeyError::Twice(number));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(LinkKeyError::Nothing)?;
        let others = keys.collect();
        Ok(Self { first, others })
    }

    /// A key that nobody else has.
    ///
    /// # Errors
    /// [`LinkKeyError::Random`].
    pub(crate) fn random() -> Result<Self, LinkKeyError> {
        let mut bytes = Zeroizing::new(vec![0; SHORTEST_KEY]);
        getrandom::fill(&mut bytes).map_err(|_| LinkKeyError::Random)?;
        let kid = "random".to_owned();
        Ok(Self {
            first: Key { kid, bytes },
            others: Vec::new(),
        })
    }

    /// A token that says `claims`. `None` if it were so long that it would not be taken.
    pub(crate) fn sign(&self, claims: &Claims) -> Option<String> {
        let mut json = serde_json::to_string(claims).ok()?;
        loop {
            let payload = BASE64_URL_SAFE_NO_PAD.encode(&json);
            let signed = format!("{VERSION}.{}.{payload}", self.first.kid);
            let mac = self.first.mac(&signed)?.finalize().into_bytes();
            let mac = BASE64_URL_SAFE_NO_PAD.encode(mac);
            if !begins_with_cut(&mac) {
                let token = format!("{signed}.{mac}");
                return (token.len() <= LONGEST).then_some(token);
            }
            // White space behind JSON says nothing, and makes another MAC.
            json.push(' ');
        }
    }

    /// What `token` says, if one of the keys signed it, it is of this kind, and it is good at `now`, in
    /// seconds since 1970.
    pub(crate) fn open(&self, token: &str, kind: Kind, now: u64) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let (signed, mac) = token.rsplit_once('.')?;
        let (kid, payload) = signed
            .strip_prefix(VERSION)?
            .strip_prefix('.')?
            .split_once('.')?;
        let mut keys = std::iter::once(&self.first).chain(&self.others);
        let key = keys.find(|key| key.kid == kid)?;
        // Of several texts for the same bytes this takes one: bits that are left over are zero.
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        // In constant time.
        key.mac(signed)?.verify_slice(&mac).ok()?;
        let json = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
        // serde takes an array for the same.
        let json = json.strip_prefix(b"{").map(|_| json.as_slice())?;
        let claims: Claims = serde_json::from_slice(json).ok()?;
        let left = claims.expires.checked_sub(now)?;
        let is_in_time = (1..=LONGEST_LINK.as_secs()).contains(&left);
        let is_recording = IdKind::of(&claims.recording).is_some_and(|kind| !kind.is_group());
        (claims.kind == kind && is_in_time && is_recording).then_some(claims)
    }
}

impl Key {
    fn parse(line: &str, number: usize) -> Result<Self, LinkKeyError> {
        let mut words = line.split_ascii_whitespace();
        let (Some(kid), Some(base64), None) = (words.next(), words.next(), words.next()) else {
            return Err(LinkKeyError::Form(number));
        };
        let is_of_kid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if kid.len() > LONGEST_KID || !kid.bytes().all(is_of_kid) || begins_with_cut(kid) {
            return Err(LinkKeyError::Kid(number));
        }
        let bytes = decoded(base64).ok_or(LinkKeyError::Base64(number))?;
        if bytes.len() < SHORTEST_KEY {
            return Err(LinkKeyError::Short(number));
        }
        let kid = kid.to_owned();
        Ok(Self { kid, bytes })
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        let mac = Hmac::new_from_slice(&self.bytes).ok()?;
        Some(mac.chain_update(text))
    }
}

/// Base64 of either alphabet (RFC 4648, 4 and 5), padded or not.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    const EITHER: GeneralPurposeConfig =
        NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) {
        &alphabet::URL_SAFE
    } else {
        &alphabet::STANDARD
    };
    let bytes = GeneralPurpose::new(alphabet, EITHER).decode(text);
    bytes.ok().map(Zeroizing::new)
}

fn begins_with_cut(part: &str) -> bool {
    let start = part.get(..CUT.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(CUT))
}

#[cfg(test)]
mod tests;
