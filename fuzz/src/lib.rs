//! What the fuzz targets do, as plain functions of the input's bytes.
//!
//! Each holds unreel to properties: a round trip, the answer of another implementation, the same
//! answer however the input is cut. A panic, in unreel or of an assertion here, is a finding. They
//! run under libFuzzer (`fuzz_targets/`) and, without a fuzzer, in `replay`.
#![forbid(unsafe_code)]

mod keys;
mod media;
mod metadata;
mod qvoice;
mod random;
mod stream;
mod terminal;
mod waveform;

pub use keys::{key_der, key_legacy, key_pem, password_blob};
pub use media::{media_probe, media_sniff};
pub use metadata::{twilio_video, twilio_voice, vonage};
pub use qvoice::{qvoice_config, qvoice_ledger, qvoice_names, qvoice_profile, qvoice_recording};
pub use random::Random;
pub use stream::{stream, stream_segments};
pub use terminal::terminal;
pub use waveform::waveform;

/// A target of the fuzzers.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// How many times longer than others it takes; it is run as many times less often.
    pub slowness: u64,
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8]), slowness: u64) -> Self {
        Self {
            name,
            run,
            slowness,
        }
    }
}

/// Every target.
pub const TARGETS: [Target; 18] = [
    Target::new("twilio_voice", twilio_voice, 1),
    Target::new("twilio_video", twilio_video, 1),
    Target::new("vonage", vonage, 1),
    Target::new("qvoice_config", qvoice_config, 1),
    Target::new("qvoice_ledger", qvoice_ledger, 1),
    Target::new("qvoice_recording", qvoice_recording, 1),
    Target::new("qvoice_profile", qvoice_profile, 1),
    Target::new("qvoice_names", qvoice_names, 1),
    Target::new("key_der", key_der, 1),
    Target::new("key_pem", key_pem, 1),
    Target::new("key_legacy", key_legacy, 1),
    Target::new("password_blob", password_blob, 1),
    Target::new("media_probe", media_probe, 1),
    Target::new("media_sniff", media_sniff, 1),
    Target::new("waveform", waveform, 10),
    Target::new("terminal", terminal, 1),
    Target::new("stream", stream, 1),
    Target::new("stream_segments", stream_segments, 100),
];
