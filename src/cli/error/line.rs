//! What to do about an argument that names no recording, and about lines of a manifest.

use super::super::exit::Code;
use crate::api::LinkError;
use crate::job::{LineError, Misread};
use crate::store::LocationError;

/// What it means that a line cannot be worked on.
pub(super) fn line_verdict(error: &LineError) -> (Code, String) {
    let code = if error.is_usage() {
        Code::Usage
    } else {
        Code::Metadata
    };
    let hint = match error {
        LineError::Misread(Misread::OfAnother(_, provider) | Misread::NoIds(_, provider)) => {
            return (code, format!("its \"provider\" is {}", provider.name()));
        }
        LineError::Misread(misread) => return (code, misread_hint(misread)),
        LineError::Output(error) => location_hint(error),
        LineError::TooLong(_) => "pass its metadata as the path of a file",
        LineError::NotUtf8 => "write the manifest in UTF-8",
        LineError::NotJson(_) | LineError::NotAnObject => {
            "each line is an object by itself, as jq -c prints it"
        }
        LineError::NoSuchField(_)
        | LineError::Twice(_)
        | LineError::Unlike(..)
        | LineError::NoInput => {
            "the fields are provider, input, metadata, output and ref, each once; all but input \
             may be left out"
        }
        LineError::Stdin(_) => "give it as a file",
        LineError::Stdout | LineError::NoOutput => {
            "give it an \"output\" with a file's name, or all of them a folder with -d DIR"
        }
        LineError::GroupOutput => "leave it out, and name a folder for all of them with -d DIR",
        LineError::MoreOutputs => "leave it out: what is kept goes to the folder of -d DIR",
        LineError::NotFetched => {
            "--check-keys, --download-only, --metadata-only and --save-metadata are for ids: leave \
             the line out, or the flag"
        }
    };
    (code, hint.to_owned())
}

/// What to write in place of a URL that names no place in a bucket.
pub(in crate::cli) fn location_hint(error: &LocationError) -> &'static str {
    match error {
        LocationError::Bucket(_) => {
            "write s3://BUCKET/KEY, az://CONTAINER/BLOB or gs://BUCKET/KEY; credentials belong into the \
             environment"
        }
        LocationError::Key(_) => "copy it to another key, and pass that",
        LocationError::Signed(_) => {
            "leave the signature out, and let credentials let you in; or pass the link as https://"
        }
        LocationError::Prefix(_) => {
            "name an object with -o, or pass this behind -d: the recording's name is added there"
        }
    }
}

/// What to write instead.
pub(in crate::cli) fn misread_hint(misread: &Misread) -> String {
    match misread {
        Misread::Link(_, error) => match error {
            LinkError::Malformed => "write it whole, in quotation marks",
            LinkError::NotEncrypted => "use https; http is for a server on this machine",
            LinkError::UserInfo => {
                "take it out: credentials belong into the environment, and go to their provider only"
            }
        }
        .to_owned(),
        Misread::Bucket(error) => location_hint(error).to_owned(),
        Misread::NoBuckets(_) => {
            "copy the object first, and pass the file; or pipe it in: aws s3 cp URL - | unreel …"
                .to_owned()
        }
        Misread::OfAnother(id, provider) | Misread::NoIds(id, provider) => {
            format!("use unreel {} {id}", provider.name())
        }
    }
}
