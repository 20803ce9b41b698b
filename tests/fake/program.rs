//! The providers, on this machine, with the recordings of `fixtures/`:
//!
//! ```text
//! cargo run --example fake-provider [-- --tls] [--latency MS] [--recordings N --bytes B] [--no-etag]
//!     [--qvoice-folder DIR]
//! ```
//!
//! It prints the environment to run unreel in, as lines of a shell, and serves until it is stopped.
//! With `--recordings` there are that many of Twilio Voice in place of the fixtures, of so many bytes
//! each, for `fixtures/keys/pkcs8.pem`; their ids are `REf100d` and a number. `--latency` is how long
//! each answer waits, and `--no-etag` is of their media.
//!
//! Whenever a key is registered that something is encrypted for, such a recording is there: `RE…a1`,
//! `RT…a1`, `CJ…a1`, `5eed0000-0000-4000-8000-0000000000a1`, all `5eed` and zeros; of Qvoice's
//! `DIR/call.enc`.
//!
//! One token of Twilio Flex is valid, of an agent; the last line that it prints is what a player would
//! send in `Authorization`.
#![allow(clippy::expect_used, reason = "it is a tool of the tests")]

#[path = "mod.rs"]
mod fake;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use aes_gcm::aead::{Aead, KeyInit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fake::{Fake, FlexUser, Voice, VoiceMedia, flex_token};
use rsa::pkcs8::DecodePrivateKey;
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

#[derive(Default)]
struct Wanted {
    tls: bool,
    no_etag: bool,
    latency: u64,
    recordings: usize,
    bytes: usize,
    qvoice_folder: Option<PathBuf>,
}

fn main() {
    let wanted = wanted();
    let fake = if wanted.tls {
        Fake::start_tls()
    } else {
        Fake::start()
    };
    if wanted.recordings > 0 {
        fake.flood_voice(call(wanted.bytes), wanted.recordings);
    } else {
        fake.add_fixtures();
    }
    if wanted.no_etag {
        fake.style(|style| style.voice_media = VoiceMedia::Whole);
    }
    fake.style(|style| style.records = true);
    if let Some(folder) = &wanted.qvoice_folder {
        fake.qvoice_folder(folder);
    }
    fake.latency(Duration::from_millis(wanted.latency));
    let token = flex_token("anna");
    fake.add_flex_token(&token, agent());
    let mut out = std::io::stdout();
    for (name, value) in fake.env() {
        writeln!(out, "export {name}='{value}'").ok();
    }
    if wanted.tls {
        let path = fake.ca_file();
        writeln!(out, "export TWILIO_CA_BUNDLE='{}'", path.display()).ok();
    }
    writeln!(out, "# storage: {}", fake.storage()).ok();
    let pair = BASE64_STANDARD.encode(format!("token:{token}"));
    writeln!(out, "export FLEX_AUTHORIZATION='Basic {pair}'").ok();
    out.flush().ok();
    // Its folder is taken away.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).expect("signals");
    signals.forever().next();
}

/// An agent for as long as it runs.
fn agent() -> FlexUser {
    FlexUser {
        expiration: Some("2100-01-01T00:00:00Z".parse().expect("a time")),
        ..FlexUser::agent("anna")
    }
}

fn wanted() -> Wanted {
    let mut wanted = Wanted {
        bytes: 100_000,
        ..Wanted::default()
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next()?.parse().ok();
        match argument.as_str() {
            "--tls" => wanted.tls = true,
            "--no-etag" => wanted.no_etag = true,
            "--latency" => wanted.latency = number().expect("--latency MS") as u64,
            "--recordings" => wanted.recordings = number().expect("--recordings N"),
            "--qvoice-folder" => wanted.qvoice_folder = arguments.next().map(PathBuf::from),
            "--bytes" => wanted.bytes = number().expect("--bytes B"),
            // Of cargo's, where it is run as a test.
            _ => {}
        }
    }
    wanted
}

/// A call of so many bytes, which the content key of `fixtures/twilio-voice/details.json` opens.
fn call(length: usize) -> Voice {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let read = |name: &str| std::fs::read_to_string(format!("{fixtures}/{name}")).expect("a file");
    let details: Value = serde_json::from_str(&read("twilio-voice/details.json")).expect("JSON");
    let decoded = |name: &str| {
        let text = details[name].as_str().expect("a text");
        BASE64_STANDARD.decode(text).expect("base64")
    };
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(&read("keys/pkcs8.pem")).expect("a key");
    let wrapped = decoded("encrypted_cek");
    let key = key.decrypt(rsa::Oaep::<sha2::Sha256>::new(), &wrapped);
    let key: [u8; 32] = key.expect("OAEP").try_into().expect("32 bytes");
    let iv: [u8; 12] = decoded("iv").try_into().expect("12 bytes");

    let size = |n: usize| u32::try_from(n).expect("a WAV").to_le_bytes();
    let mut wav = [
        &b"RIFF"[..],
        &size(length - 8),
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data",
        &size(length - 44),
    ]
    .concat();
    wav.resize(length, 0x80);
    let cipher = aes_gcm::Aes256Gcm::new(&key.into());
    let media = cipher.encrypt(&iv.into(), &wav[..]).expect("encryption");
    Voice::new(&fake::flood_sid(0), &media, details)
}

#[cfg(test)]
#[path = "self_tests.rs"]
mod self_tests;

#[cfg(test)]
#[path = "register_tests.rs"]
mod register_tests;

#[cfg(test)]
#[path = "record_tests.rs"]
mod record_tests;
