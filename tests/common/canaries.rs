//! Secrets in every form in which they could come out, and that they did not.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, of which every test binary uses a part"
)]

use std::path::Path;
use std::process::Output;
use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use serde_json::Value;
use unreel::internals::provider::{twilio_video, twilio_voice, vonage};
use unreel::{Envelope, KeyRing, Passphrase};

use super::made::CONTENT_KEY;
use super::{contents, fixture, list, text};

/// The passphrase of the locked keys of the fixtures.
pub const PASSPHRASE: &str = "correct horse battery staple";

/// Secrets in every form in which they could come out.
#[derive(Clone)]
pub struct Canaries(pub Vec<(String, String)>);

/// Bytes as text, one character each: text is searched faster.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

impl Canaries {
    /// Nothing is looked for yet.
    pub fn none() -> Self {
        Self(vec![])
    }

    /// The passphrases and private keys of the fixtures, and some content keys.
    pub fn new(content_keys: &[[u8; 32]]) -> Self {
        let mut all = Self(vec![]);
        all.text("the passphrase", PASSPHRASE);
        let wrong = std::fs::read_to_string(fixture("keys/wrong-passphrase.txt")).expect("a file");
        all.text("the wrong passphrase", wrong.trim());
        for name in ["pkcs8.pem", "other.pem", "rsa1024.pem", "pkcs1.pem"] {
            let pem = std::fs::read_to_string(fixture("keys").join(name)).expect("a key");
            for line in pem
                .lines()
                .filter(|line| !line.contains('-') && line.len() > 40)
            {
                all.text(&format!("a line of {name}"), &line[4..36]);
            }
            if let Ok(key) = rsa::RsaPrivateKey::from_pkcs8_pem(&pem) {
                all.bytes(&format!("d of {name}"), &key.d().to_be_bytes());
                for prime in key.primes() {
                    all.bytes(&format!("a prime of {name}"), &prime.to_be_bytes());
                }
                assert_eq!(key.size() % 128, 0);
            }
        }
        for key in content_keys {
            all.bytes("a content key", key);
        }
        all
    }

    pub fn text(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 10, "{name} is too short to be looked for");
        self.0.push((name.to_owned(), secret.to_owned()));
        let encoded = BASE64_STANDARD.encode(secret);
        let whole = &encoded[..encoded.len() / 4 * 4 - 4];
        self.0.push((format!("{name} in base64"), whole.to_owned()));
    }

    /// Raw, hexadecimal, base64, and the list of numbers that `{:?}` makes: a piece of each.
    pub fn bytes(&mut self, name: &str, secret: &[u8]) {
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let numbers = format!("{secret:?}");
        let mut add = |form: &str, piece: &[u8]| {
            self.0.push((format!("{name}, {form}"), latin1(piece)));
        };
        add("raw", &secret[8..24]);
        add("hexadecimal", &hex.as_bytes()[16..48]);
        add("HEXADECIMAL", &hex.to_uppercase().as_bytes()[16..48]);
        add("base64", &BASE64_STANDARD.encode(secret).as_bytes()[8..32]);
        add(
            "base64url",
            &BASE64_URL_SAFE_NO_PAD.encode(secret).as_bytes()[8..32],
        );
        add("numbers", &numbers.as_bytes()[20..60]);
    }

    pub fn assert_not_in(&self, bytes: &[u8], place: &str) {
        let text = latin1(bytes);
        for (name, secret) in &self.0 {
            assert!(!text.contains(secret), "{name} is in {place}");
        }
    }

    pub fn assert_not_printed(&self, output: &Output, what: &str) {
        self.assert_not_in(&output.stdout, &format!("the standard output of {what}"));
        self.assert_not_in(&output.stderr, &format!("the messages of {what}"));
    }

    pub fn assert_not_left(&self, folder: &Path, what: &str) {
        for (name, bytes) in contents(folder) {
            self.assert_not_in(name.as_bytes(), &format!("the names that {what} left"));
            self.assert_not_in(&bytes, &format!("{name}, left by {what}"));
        }
    }
}

/// The content key of a case, as the library unwraps it.
fn content_key(case: &Value) -> Option<[u8; 32]> {
    let metadata = std::fs::read(fixture(text(case, "metadata"))).ok()?;
    let items = match text(case, "provider") {
        "twilio-voice" => twilio_voice::parse(&metadata),
        "twilio-video" => twilio_video::parse(&metadata),
        _ => vonage::parse(&metadata),
    };
    let envelopes: Vec<Envelope> = items
        .ok()?
        .into_items()
        .into_iter()
        .filter_map(|item| item.outcome.ok())
        .collect();
    let mut ring = KeyRing::default();
    ring.add("pkcs8.pem", &std::fs::read(fixture("keys/pkcs8.pem")).ok()?)
        .ok()?;
    let mut ask = |_: &str| -> Option<Passphrase> { None };
    let opened = ring
        .search(&envelopes.first()?.wrap, &mut ask)
        .next()?
        .ok()?;
    Some(*opened.key.key())
}

/// The canaries of all fixtures.
pub fn canaries() -> Canaries {
    static ALL: OnceLock<Canaries> = OnceLock::new();
    ALL.get_or_init(of_fixtures).clone()
}

fn of_fixtures() -> Canaries {
    let mut keys: Vec<_> = list("cases").iter().filter_map(content_key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert!(keys.len() >= 8, "{} content keys", keys.len());
    assert!(keys.contains(&CONTENT_KEY));
    Canaries::new(&keys)
}
