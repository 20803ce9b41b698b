//! What is said of one recording: a line for people, and JSON for machines (schema 1).

use std::time::SystemTime;

use base16ct::lower::encode_string;
use serde::Serialize;

use super::error::{self, Failure, Verdict, causes};
use crate::envelope::{Mode, WrapAlgorithm};
use crate::io::TextEncoding;
use crate::job::{self, Done, How, Record, Skipped};
use crate::media::{Media, hms};
use crate::pipeline::{Outcome, Released};
use crate::provider::Provider;

/// `sha256:` and sixteen digits: enough to tell keys apart by eye.
const SHORT_FINGERPRINT: usize = 7 + 16;

/// The JSON line of one recording. Fields are added, never renamed.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    schema: u32,
    ok: bool,
    provider: Option<&'static str>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    ms: u64,
    time: String,
    version: &'static str,
    run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine>,
}

/// What all lines of one run have in common, and no others: 16 random hexadecimal digits.
pub(super) struct RunId(String);

impl RunId {
    pub(super) fn new() -> Self {
        let mut bytes = [0; 8];
        // Without randomness runs are still told apart by time.
        getrandom::fill(&mut bytes).ok();
        Self(encode_string(&bytes))
    }
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
    /// What became of a recording, of `provider` where its metadata was not reached.
    pub(super) fn of(provider: Option<Provider>, record: &Record, run: &RunId) -> Self {
        let about = &record.about;
        let fingerprint = about.fingerprint;
        let mut line = Self {
            schema: 1,
            ok: record.result.is_ok(),
            provider: about.provider.or(provider).map(Provider::name),
            id: about.id.clone(),
            input: record.input.to_string(),
            output: None,
            wrap: about.wrap.map(WrapAlgorithm::name),
            cipher: about.cipher.map(Mode::name),
            key_id: about.key_id.clone(),
            key_fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
            opened_with: about.found.as_deref().map(OpenedWith::of),
            integrity: None,
            bytes_in: None,
            bytes_out: None,
            sha256: None,
            media: None,
            skipped: false,
            reason: None,
            ms: u64::try_from(record.took.as_millis()).unwrap_or(u64::MAX),
            time: rfc3339(record.time),
            version: env!("CARGO_PKG_VERSION"),
            run: run.0.clone(),
            error: None,
        };
        match &record.result {
            Ok(Done::Released(outcome)) => line.released(outcome),
            Ok(Done::Skipped(why)) => {
                line.skipped = true;
                line.reason = Some(why.name());
                if let Skipped::Exists(path) = why {
                    line.output = Some(path.display().to_string());
                }
            }
            Err(error) => line.error = Some(ErrorLine::of_job(error)),
        }
        line
    }

    fn released(&mut self, outcome: &Outcome) {
        self.output = match &outcome.output {
            Released::Nowhere => None,
            Released::Writer => Some("-".to_owned()),
            Released::File(path) => Some(path.display().to_string()),
        };
        self.integrity = Some(outcome.integrity.name());
        self.bytes_in = Some(outcome.bytes_in);
        self.bytes_out = Some(outcome.bytes_out);
        self.sha256 = outcome.sha256.map(|digest| encode_string(&digest));
        self.media = Some(MediaLine::of(&outcome.media));
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

impl OpenedWith {
    fn of(how: &How) -> Self {
        let method = &how.method;
        Self {
            version: how.version,
            encoding: how.encoding.map(TextEncoding::name),
            layout: method.layout.to_string(),
            kdf: method.kdf.to_string(),
            key_form: method.key_form.name().to_owned(),
            salt_form: method.salt_form.name().to_owned(),
            aad: method.aad.to_string(),
        }
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
        Self::new(failure, failure.verdict())
    }

    fn of_job(error: &job::Error) -> Self {
        Self::new(error, error::verdict(error))
    }

    fn new(error: &dyn std::error::Error, verdict: Verdict) -> Self {
        Self {
            code: verdict.code.name(),
            exit: verdict.code.exit(),
            message: message(error),
            hint: verdict.hint,
        }
    }
}

/// An error and its causes in one sentence.
fn message(error: &dyn std::error::Error) -> String {
    let message = std::iter::once(error.to_string());
    message.chain(causes(error)).collect::<Vec<_>>().join(": ")
}

/// `2026-11-25T19:40:03Z` (RFC 3339), in UTC.
fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(
        |_| String::new(),
        |time| {
            time.round(jiff::Unit::Millisecond)
                .unwrap_or(time)
                .to_string()
        },
    )
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
