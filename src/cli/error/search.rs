//! Words for a search that came to its end, and for the configuration that it starts from.

use crate::pipeline::search::GaveUp;
use crate::provider::MetadataError;

/// What a search tried, a line each.
pub(super) fn tried(reason: &GaveUp) -> Vec<String> {
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

pub(super) fn not_found_hint(reason: &GaveUp, pinned: bool) -> String {
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

pub(super) fn configuration_hint(error: &MetadataError) -> String {
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
