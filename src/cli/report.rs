//! What is said of one recording: a line for people, and JSON for machines (schema 1).

use std::time::Duration;

use base16ct::lower::encode_string;
use serde::Serialize;

use super::error::{self, Failure, Verdict, sentence};
use super::escape::harmless;
use super::units::{rfc3339, size};
use crate::envelope::{Mode, WrapAlgorithm};
use crate::io::TextEncoding;
use crate::job::{self, About, Done, How, Input, Record, Skipped};
use crate::media::{Media, hms};
use crate::pipeline::{Outcome, Released};
use crate::provider::Provider;

/// `sha256:` and sixteen digits: enough to tell keys apart by eye.
const SHORT_FINGERPRINT: usize = 7 + 16;

/// How far the length that a provider declares may be from what is there: it is in whole seconds.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The JSON line of one recording. Fields are added, never renamed.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    schema: u32,
    ok: bool,
    provider: Option<&'static str>,
    id: Option<String>,
    input: Option<String>,
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    pub(super) output: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_duration_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
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

    pub(super) fn as_str(&self) -> &str {
        &self.0
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
            input: record.input.as_ref().map(ToString::to_string),
            source: record.input.as_ref().map(source),
            created: about.created.map(|time| time.to_string()),
            parent: about.parent.clone(),
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
            declared_duration_s: about.declared_duration.map(|time| time.as_secs_f64()),
            attempts: Some(about.attempts.count()).filter(|count| *count > 0),
            skipped: false,
            reason: None,
            ms: u64::try_from(record.took.as_millis()).unwrap_or(u64::MAX),
            time: rfc3339(record.time),
            version: env!("CARGO_PKG_VERSION"),
            run: run.0.clone(),
            error: None,
        };
        match &record.result {
            Ok(Done::Released(outcome)) => {
                line.released(outcome);
                let note = duration_note(about, &outcome.media);
                if let Some(media) = &mut line.media {
                    media.notes.extend(note);
                }
            }
            Ok(Done::Downloaded(place, bytes)) => {
                line.output = Some(place.name());
                line.bytes_in = Some(*bytes);
            }
            Ok(Done::Described(place)) => line.output = Some(place.name()),
            Ok(Done::Unwrapped) => {}
            Ok(Done::Skipped(why)) => {
                line.skipped = true;
                line.reason = Some(why.name());
                if let Skipped::Exists(place) = why {
                    line.output = Some(place.name());
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
            Released::Elsewhere(place) => Some(place.clone()),
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
            Some(output) if output != "-" => Some(output),
            _ => self.id.as_ref().or(self.input.as_ref()),
        };
        // A provider's name for the key says more to people than a fingerprint's beginning.
        let fingerprint = self.key_fingerprint.as_ref();
        let short = || fingerprint.map(|text| text.chars().take(SHORT_FINGERPRINT).collect());
        let key = self.key_id.clone().or_else(short);
        let version = self.opened_with.as_ref().and_then(|with| with.version);
        [
            name.cloned().unwrap_or_default(),
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
            message: sentence(error),
            hint: verdict.hint,
        }
    }
}

/// A line of JSON with the line of the manifest that it is of. Its `ref` stays byte for byte, but
/// where it could do something to a terminal.
pub(super) fn with_tag(text: &str, record: &Record, on_terminal: bool) -> String {
    let (Some(tag), Some(open)) = (&record.tag, text.strip_suffix('}')) else {
        return text.to_owned();
    };
    let reference = tag.reference.as_ref().map(|raw| match raw.get() {
        raw if on_terminal => format!(",\"ref\":{}", harmless(raw)),
        raw => format!(",\"ref\":{raw}"),
    });
    let reference = reference.unwrap_or_default();
    format!("{open},\"line\":{}{reference}}}", tag.number)
}

/// Where a recording came from.
fn source(input: &Input) -> &'static str {
    match input {
        Input::Stdin => "stdin",
        Input::File(_) => "file",
        Input::Url(_) => "url",
        Input::Remote(_) | Input::All(_) => "provider",
        Input::Object(_) => "bucket",
    }
}

/// What is odd about how long a recording plays: "`duration`: The length of the recording in
/// seconds" (Twilio, "Recordings resource").
pub(super) fn duration_note(about: &About, media: &Media) -> Option<String> {
    let (declared, found) = (about.declared_duration?, media.duration?);
    let differs = declared.abs_diff(found) > TOLERANCE;
    differs.then(|| {
        format!(
            "it plays for {}, and the provider says {}",
            hms(found),
            hms(declared)
        )
    })
}
