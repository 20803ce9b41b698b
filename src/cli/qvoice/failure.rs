//! What can end `unreel qvoice` and nothing else, and what it means.

use super::super::exit::Code;
use crate::io::ReadError;
use crate::pipeline::search::GaveUp;
use crate::provider::MetadataError;

/// Why keys, metadata or a recording could not be used. Strings are printable names of files.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum QvoiceFailure {
    #[error("cannot use the configuration `{0}`")]
    Configuration(String, #[source] MetadataError),
    #[error("cannot read the configuration `{0}`")]
    ConfigurationUnread(String, #[source] ReadError),
    #[error("cannot use the recording metadata `{0}`")]
    RecordingMetadata(String, #[source] MetadataError),
    #[error("`{input}` is encrypted under version {asked}, {}", known_versions(.known))]
    NoVersion {
        input: String,
        asked: u64,
        known: Vec<u64>,
    },
    #[error("there is no version {asked}, {}", known_versions(.known))]
    NoSuchVersion { asked: u64, known: Vec<u64> },
    #[error("cannot read the {0} file `{1}`")]
    SecretUnread(&'static str, String, #[source] ReadError),
    #[error("cannot use the {0} file `{1}`: {2}")]
    Secret(&'static str, String, String),
    #[error("cannot use the profile `{0}`: {1}")]
    Profile(String, String),
    #[error("nothing that was tried opens `{input}`")]
    NotFound {
        input: String,
        reason: Box<GaveUp>,
        /// Whether flags or a profile said what to try.
        pinned: bool,
        /// Versions that cannot be used, and why.
        skipped: Vec<(Option<u64>, MetadataError)>,
    },
}

impl QvoiceFailure {
    /// The exit code, and what to do next.
    pub(in super::super) fn verdict(&self) -> (Code, String) {
        match self {
            Self::Configuration(_, error) => (Code::Metadata, configuration_hint(error)),
            Self::ConfigurationUnread(..) => (Code::Metadata, permissions()),
            Self::RecordingMetadata(..) => (
                Code::Metadata,
                "pass JSON with the recording's version, key_id, algorithm and salt; or leave \
                 the metadata out, and every version is tried"
                    .to_owned(),
            ),
            Self::NoVersion { .. } | Self::NoSuchVersion { .. } => (
                Code::Metadata,
                "fetch the configuration again: Qvoice keeps old versions in historical_keys and \
                 historical_salts; --key-version N chooses another"
                    .to_owned(),
            ),
            Self::SecretUnread(..) => (Code::Key, "check the path and its permissions".to_owned()),
            Self::Secret(..) => (
                Code::Key,
                "it must hold the text alone, as Qvoice's configuration shows it".to_owned(),
            ),
            Self::Profile(..) => (
                Code::Usage,
                "pass a file that --profile wrote, or a name that is free".to_owned(),
            ),
            Self::NotFound { reason, pinned, .. } => {
                (Code::WrongKey, not_found_hint(reason, *pinned))
            }
        }
    }

    /// What was tried, a line each.
    pub(in super::super) fn details(&self) -> Vec<String> {
        match self {
            Self::NotFound {
                reason, skipped, ..
            } => {
                let mut lines = tried(reason);
                lines.extend(skipped.iter().map(|(version, error)| match version {
                    Some(version) => format!("version {version} was not tried: {error}"),
                    None => format!("the current version was not tried: {error}"),
                }));
                lines
            }
            _ => vec![],
        }
    }
}

fn permissions() -> String {
    "check the path and its permissions".to_owned()
}

fn known_versions(known: &[u64]) -> String {
    let known: Vec<_> = known.iter().map(ToString::to_string).collect();
    match known.as_slice() {
        [] => "and the configuration has no versions".to_owned(),
        [only] => format!("and the configuration has version {only} only"),
        several => format!(
            "and the configuration has the versions {}",
            several.join(", ")
        ),
    }
}

/// What a search tried, a line each.
fn tried(reason: &GaveUp) -> Vec<String> {
    if let Some(lacking) = &reason.lacking {
        return vec![lacking.clone()];
    }
    let versions: Vec<_> = reason.versions.iter().map(ToString::to_string).collect();
    let from = match versions.as_slice() {
        [] => "the key".to_owned(),
        [only] => format!("version {only}"),
        several => format!("versions {}", several.join(", ")),
    };
    let mut lines = vec![
        format!(
            "keys: {}, by {} derivations from {from}",
            reason.keys,
            reason.kdfs.len()
        ),
        format!("derivations: {}", grouped(&reason.kdfs)),
        format!("layouts: {}", reason.layouts.join(", ")),
    ];
    if reason.passes > 0 {
        lines.push(format!(
            "the tag was checked over the whole file {} times",
            reason.passes
        ));
    }
    if reason.out_of_time {
        lines.push("the time was over before everything was tried".to_owned());
    }
    lines
}

/// Names of one scheme in one: `pbkdf2-sha1:1000/4096`.
fn grouped(kdfs: &[String]) -> String {
    let mut schemes: Vec<(&str, String)> = Vec::new();
    for kdf in kdfs {
        let (scheme, numbers) = kdf.split_once(':').unwrap_or((kdf, ""));
        match schemes.last_mut() {
            Some((last, line)) if *last == scheme => {
                line.push('/');
                line.push_str(numbers);
            }
            _ => schemes.push((scheme, kdf.clone())),
        }
    }
    let lines: Vec<_> = schemes.into_iter().map(|(_, line)| line).collect();
    lines.join(", ")
}

fn not_found_hint(reason: &GaveUp, pinned: bool) -> String {
    if reason.lacking.is_some() {
        return "pass the recording's metadata with -m, or leave out the flag or profile that \
                asks for it; a file that was cut off has to be downloaded again"
            .to_owned();
    }
    if reason.out_of_time {
        return "give it more time with --budget SECONDS, or name what you know with --layout and \
                --kdf"
            .to_owned();
    }
    if pinned {
        return "only what the flags or the profile name was tried: without them, everything is. \
                Else the key or salt is another one, or the file is damaged (a wrong key and \
                damage look the same)"
            .to_owned();
    }
    "the key or salt is another one, the file is damaged (a wrong key and damage look the same), \
     or it is encrypted in a way that is not known yet; see docs/formats/qvoice.md for what to report"
        .to_owned()
}

fn configuration_hint(error: &MetadataError) -> String {
    match error {
        MetadataError::Contradiction { .. } => {
            "fetch the configuration again, or pass one version with --key-file, --salt-file and \
             --key-version"
        }
        MetadataError::Invalid { .. } => {
            "Qvoice itself takes no such value: pass the configuration as GET \
             /api/v2/config/call_recording_encryption answers it"
        }
        MetadataError::Missing { .. } => {
            "pass the configuration as GET /api/v2/config/call_recording_encryption answers it, \
             with key and salt"
        }
        _ => "pass the answer of GET /api/v2/config/call_recording_encryption",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_said_in_short() {
        let kdfs = [
            "raw",
            "pbkdf2-sha1:1000",
            "pbkdf2-sha1:4096",
            "scrypt:2:8:1",
            "scrypt:4:8:1",
        ];
        let reason = GaveUp {
            keys: 5,
            kdfs: kdfs.map(str::to_owned).to_vec(),
            layouts: vec!["ct", "iv16-ct"],
            versions: vec![3, 1],
            passes: 7,
            out_of_time: false,
            lacking: None,
        };
        let expected = [
            "keys: 5, by 5 derivations from versions 3, 1",
            "derivations: raw, pbkdf2-sha1:1000/4096, scrypt:2:8:1/4:8:1",
            "layouts: ct, iv16-ct",
            "the tag was checked over the whole file 7 times",
        ];
        assert_eq!(tried(&reason), expected);
    }
}
