//! What is said of one recording: a line for people, and JSON for machines (schema 1).

use base16ct::lower::encode_string;
use serde::Serialize;

use super::error::Failure;
use crate::envelope::Envelope;
use crate::key::Fingerprint;
use crate::media::{Media, hms};
use crate::pipeline::Outcome;

/// `sha256:` and sixteen digits: enough to tell keys apart by eye.
const SHORT_FINGERPRINT: usize = 7 + 16;

/// The JSON line of one recording. Fields are added, never renamed.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    schema: u32,
    ok: bool,
    provider: &'static str,
    id: Option<String>,
    input: String,
    output: Option<String>,
    wrap: Option<&'static str>,
    cipher: Option<&'static str>,
    key_id: Option<String>,
    key_fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_with: Option<OpenedWith>,
    integrity: Option<&'static str>,
    bytes_in: Option<u64>,
    bytes_out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    media: Option<MediaLine>,
    skipped: bool,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine>,
}

/// How a recording is encrypted that does not say so itself. The names are those of the flags.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OpenedWith {
    pub(super) version: Option<u64>,
    pub(super) encoding: Option<&'static str>,
    pub(super) layout: String,
    pub(super) kdf: String,
    pub(super) key_form: String,
    pub(super) salt_form: String,
    pub(super) aad: String,
}

/// What the plaintext is.
#[derive(Debug, Serialize)]
pub(super) struct MediaLine {
    format: Option<&'static str>,
    codec: Option<String>,
    sample_rate: Option<u32>,
    channels: Option<u16>,
    duration_s: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// Why it failed.
#[derive(Debug, Serialize)]
pub(super) struct ErrorLine {
    code: &'static str,
    exit: u8,
    message: String,
    hint: String,
}

impl Line {
    /// A line that knows the input only.
    pub(super) fn new(provider: &'static str, input: String) -> Self {
        Self {
            schema: 1,
            ok: false,
            provider,
            id: None,
            input,
            output: None,
            wrap: None,
            cipher: None,
            key_id: None,
            key_fingerprint: None,
            opened_with: None,
            integrity: None,
            bytes_in: None,
            bytes_out: None,
            sha256: None,
            media: None,
            skipped: false,
            ms: 0,
            error: None,
        }
    }

    pub(super) fn envelope(&mut self, envelope: &Envelope) {
        self.id.clone_from(&envelope.id);
        self.wrap = Some(envelope.wrap.algorithm.name());
        self.cipher = Some(envelope.cipher.name());
        self.key_id.clone_from(&envelope.wrap.key_id);
    }

    /// A recording whose key is derived, not wrapped.
    pub(super) fn derived(&mut self, id: Option<&str>, key_id: Option<&str>) {
        self.id = id.map(ToOwned::to_owned);
        self.key_id = key_id.map(ToOwned::to_owned);
    }

    pub(super) fn opened_with(&mut self, cipher: &'static str, with: OpenedWith) {
        self.cipher = Some(cipher);
        self.opened_with = Some(with);
    }

    pub(super) fn key(&mut self, fingerprint: Option<Fingerprint>) {
        self.key_fingerprint = fingerprint.map(|fingerprint| fingerprint.to_string());
    }

    pub(super) fn skipped(&mut self, output: String) {
        self.ok = true;
        self.skipped = true;
        self.output = Some(output);
    }

    pub(super) fn done(&mut self, outcome: &Outcome, output: Option<String>) {
        self.ok = true;
        self.output = output;
        self.integrity = Some(outcome.integrity.name());
        self.bytes_in = Some(outcome.bytes_in);
        self.bytes_out = Some(outcome.bytes_out);
        self.sha256 = outcome.sha256.map(|digest| encode_string(&digest));
        self.media = Some(MediaLine::of(&outcome.media));
    }

    pub(super) fn failed(&mut self, failure: &Failure) {
        self.ok = false;
        self.error = Some(ErrorLine::of(failure));
    }

    pub(super) fn took(&mut self, time: std::time::Duration) {
        self.ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    }

    /// The line for people, cell by cell: `RE….wav  WAV PCM16 8 kHz stereo  00:00:23  368 kB
    /// verified: tag  key CR…  version 3`. What is not known is empty.
    pub(super) fn human(&self, outcome: &Outcome) -> [String; 7] {
        let name = match &self.output {
            Some(output) if output != "-" => output,
            _ => self.id.as_ref().unwrap_or(&self.input),
        };
        // A provider's name for the key says more to people than a fingerprint's beginning.
        let fingerprint = self.key_fingerprint.as_ref();
        let short = || fingerprint.map(|text| text.chars().take(SHORT_FINGERPRINT).collect());
        let key = self.key_id.clone().or_else(short);
        let version = self.opened_with.as_ref().and_then(|with| with.version);
        [
            name.clone(),
            outcome.media.describe(),
            outcome.media.duration.map(hms).unwrap_or_default(),
            size(outcome.bytes_out),
            format!("verified: {}", outcome.integrity.name()),
            key.map_or_else(String::new, |key| format!("key {key}")),
            version.map_or_else(String::new, |version| format!("version {version}")),
        ]
    }
}

impl MediaLine {
    pub(super) fn of(media: &Media) -> Self {
        let milliseconds = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
        Self {
            format: media.format(),
            codec: media.codec(),
            sample_rate: media.sample_rate,
            channels: media.channels,
            duration_s: media.duration.map(|time| milliseconds(time.as_secs_f64())),
            notes: media.notes.iter().map(ToString::to_string).collect(),
        }
    }
}

impl ErrorLine {
    pub(super) fn of(failure: &Failure) -> Self {
        let verdict = failure.verdict();
        Self {
            code: verdict.code.name(),
            exit: verdict.code.exit(),
            message: message(failure),
            hint: verdict.hint,
        }
    }
}

/// A failure and its causes in one sentence.
fn message(failure: &Failure) -> String {
    let message = std::iter::once(failure.to_string());
    message
        .chain(failure.causes())
        .collect::<Vec<_>>()
        .join(": ")
}

/// `368 kB`: decimal, as disks and providers count.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (368_044, "368 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (68_719_476_704, "69 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
