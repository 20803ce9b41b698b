//! Words for metadata that is missing, or not what it should be.

use super::super::exit::Code;
use crate::provider::{Dump, MetadataError, Provider};

pub(super) fn metadata_verdict(provider: Provider, error: &MetadataError) -> (Code, String) {
    let hint = match error {
        MetadataError::Syntax { .. }
        | MetadataError::Unrecognised { .. }
        | MetadataError::Missing { .. } => return (Code::Metadata, metadata_hint(Some(provider))),
        MetadataError::TooMany { .. } => {
            "pass the metadata of the recording itself, or the page that lists it"
        }
        MetadataError::Contradiction { .. } => {
            "find out which of the two is right and remove the other"
        }
        MetadataError::Invalid { .. } => "copy it again from the provider's answer, unchanged",
        MetadataError::Unsupported { .. } => {
            "unreel opens what the provider documents today; please report this one"
        }
        MetadataError::NoKey => {
            "fetch the headers from Twilio again (curl -D, wget -S), or those of the object before \
             it was copied; a recording made without encryption needs no decryption"
        }
        MetadataError::Key => {
            "keys are passed with -k; -m is for what the provider says of the recording"
        }
        MetadataError::Configuration => "pass it with --config PATH",
        MetadataError::Dump(dump) => dump_hint(*dump),
        MetadataError::OfAnother { provider } => {
            return (Code::Metadata, format!("use unreel {provider}"));
        }
        MetadataError::NotEncrypted => "it needs no decryption: --plain save keeps it as it is",
        MetadataError::NotCompleted { .. } => {
            "wait until the recording is completed and fetch its metadata again"
        }
    };
    (Code::Metadata, hint.to_owned())
}

/// How to have JSON of it.
fn dump_hint(dump: Dump) -> &'static str {
    match dump {
        Dump::Python => "print it as JSON: print(json.dumps(dict(HEADERS_OR_DICT)))",
        Dump::Ruby => "print it as JSON: require 'json'; puts HASH.to_json",
        Dump::Php => "print it as JSON: echo json_encode($ARRAY);",
        Dump::Java => "print it as JSON: new com.google.gson.Gson().toJson(MAP)",
        Dump::Go => "print it as JSON: json.NewEncoder(os.Stdout).Encode(MAP)",
        Dump::JavaScript => "print it as JSON: console.log(JSON.stringify(OBJECT))",
        Dump::PowerShell => "print it as JSON: $OBJECT | ConvertTo-Json -Depth 9",
        Dump::Table | Dump::Text => {
            "have it as JSON: aws s3api head-object … --output json, or twilio … -o json"
        }
        Dump::Csv => "pass the provider's JSON of the recording, not a table of them",
    }
}

/// What to ask the provider for, when there is no metadata.
pub(super) fn metadata_hint(provider: Option<Provider>) -> String {
    match provider {
        Some(Provider::TwilioVoice) => {
            "pass the recording's JSON (…/Recordings/RE….json or the status callback) with -m \
             PATH, or --encrypted-cek and --iv"
        }
        Some(Provider::TwilioVideo) => {
            "pass the response headers of the download (curl -D, wget -S, or aws s3api \
             head-object) with -m PATH, or --encrypted-key and --iv"
        }
        Some(Provider::Vonage) => {
            "pass the archive's JSON (the status callback or GET …/archive/ID) with -m PATH, or \
             --password"
        }
        Some(Provider::Qvoice) => "pass the recording's metadata with -m PATH",
        None => {
            "pass the provider's metadata with -m PATH, or Qvoice's configuration with --config; \
             unreel twilio-voice, twilio-video, vonage and qvoice say what each of them needs"
        }
    }
    .to_owned()
}
