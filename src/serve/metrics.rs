//! [`Metrics`]: what happened since the start, in numbers, as Prometheus reads them.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>, text version 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cipher::lock;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// A connection was let in.
    Connections,
    /// A connection was refused or dropped, for there were too many.
    Refused,
    /// A link that nobody signed, or that has ended, was followed.
    ForgedLinks,
    /// Twilio was asked for a token.
    Validations,
    /// Twilio could not be asked.
    ValidationErrors,
    /// A recording was fetched and verified.
    Verified,
    /// A recording did not verify.
    Unusable,
    /// A source could not be asked.
    Unreachable,
    /// A recording was at hand, verified.
    CacheHits,
    /// Bytes of recordings that were sent.
    BytesSent,
    /// A line of the audit log could not be written.
    AuditErrors,
}

impl Count {
    const ALL: [(Self, &'static str, &'static str); 11] = [
        (
            Self::Connections,
            "connections_total",
            "Connections that were let in.",
        ),
        (
            Self::Refused,
            "connections_refused_total",
            "Connections that were refused, or dropped for others: there were too many.",
        ),
        (
            Self::ForgedLinks,
            "links_refused_total",
            "Links that nobody signed, or that have ended.",
        ),
        (
            Self::Validations,
            "token_validations_total",
            "Questions to Twilio about a Flex token.",
        ),
        (
            Self::ValidationErrors,
            "token_validation_errors_total",
            "Such questions that got no answer.",
        ),
        (
            Self::Verified,
            "recordings_verified_total",
            "Recordings that were fetched and verified.",
        ),
        (
            Self::Unusable,
            "recordings_unusable_total",
            "Recordings that did not verify, or that no key opens.",
        ),
        (
            Self::Unreachable,
            "source_errors_total",
            "Questions to a source that got no answer.",
        ),
        (
            Self::CacheHits,
            "cache_hits_total",
            "Recordings that were at hand.",
        ),
        (
            Self::BytesSent,
            "media_bytes_total",
            "Bytes of recordings that were sent.",
        ),
        (
            Self::AuditErrors,
            "audit_errors_total",
            "Lines of the audit log that could not be written.",
        ),
    ];
}

/// What there is at the moment.
#[derive(Default)]
pub(super) struct Now {
    /// Connections.
    pub(super) connections: usize,
    /// Recordings of the cache.
    pub(super) recordings: usize,
    /// Bytes of it.
    pub(super) bytes: u64,
    /// Whether the audit log could be written at last.
    pub(super) is_writable: bool,
}

/// The numbers.
#[derive(Default)]
pub(super) struct Metrics {
    counts: [AtomicU64; Count::ALL.len()],
    /// Answers, by what was asked for and the status.
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl Metrics {
    /// One more.
    pub(super) fn count(&self, what: Count) {
        self.add(what, 1);
    }

    /// So many more.
    pub(super) fn add(&self, what: Count, number: u64) {
        if let Some(count) = self.counts.get(what as usize) {
            count.fetch_add(number, Ordering::Relaxed);
        }
    }

    /// An answer of this status.
    pub(super) fn answered(&self, endpoint: &'static str, status: u16) {
        *lock(&self.answers).entry((endpoint, status)).or_default() += 1;
    }

    /// All of them as text, with what there is at the moment.
    pub(super) fn text(&self, now: &Now) -> String {
        let mut text = String::new();
        for (what, name, help) in Count::ALL {
            let count = self.counts.get(what as usize);
            let value = count.map_or(0, |count| count.load(Ordering::Relaxed));
            one(&mut text, name, help, "counter", value);
        }
        let now = [
            (
                "connections",
                "Connections that are open.",
                now.connections as u64,
            ),
            (
                "cache_recordings",
                "Recordings that are at hand.",
                now.recordings as u64,
            ),
            ("cache_bytes", "Bytes of memory that they take.", now.bytes),
            (
                "audit_writable",
                "Whether the last line of the audit log could be written.",
                now.is_writable.into(),
            ),
        ];
        for (name, help, value) in now {
            one(&mut text, name, help, "gauge", value);
        }
        text.push_str("# HELP unreel_answers_total Answers, by endpoint and status.\n");
        text.push_str("# TYPE unreel_answers_total counter\n");
        for ((endpoint, status), value) in &*lock(&self.answers) {
            // Writing to a string does not fail.
            writeln!(
                text,
                "unreel_answers_total{{endpoint=\"{endpoint}\",status=\"{status}\"}} {value}"
            )
            .ok();
        }
        text
    }
}

fn one(text: &mut String, name: &str, help: &str, kind: &str, value: u64) {
    writeln!(
        text,
        "# HELP unreel_{name} {help}\n# TYPE unreel_{name} {kind}\nunreel_{name} {value}"
    )
    .ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_stands_under_its_own_name() {
        let metrics = Metrics::default();
        for (number, (what, ..)) in (1..).zip(Count::ALL) {
            metrics.add(what, number);
        }
        metrics.answered("media", 206);
        metrics.answered("media", 206);
        let text = metrics.text(&Now {
            bytes: 3,
            ..Now::default()
        });
        for (number, (_, name, _)) in (1..).zip(Count::ALL) {
            assert!(
                text.contains(&format!("\nunreel_{name} {number}\n")),
                "{name}"
            );
        }
        let line = "unreel_answers_total{endpoint=\"media\",status=\"206\"} 2\n";
        assert!(text.ends_with(line));
        assert!(text.contains("\nunreel_cache_bytes 3\n"));
    }
}
