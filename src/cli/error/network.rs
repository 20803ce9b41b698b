//! Words for what a provider refused, and for what happened on the way.

use super::super::exit::Code;
use super::buckets::{denied_hint, object_hint};
use crate::api::{Error, Problem, State};
use crate::media::Sniff;

/// What it means that something could not be fetched.
pub(super) fn fetch_verdict(error: &Error) -> (Code, String) {
    let code = match error {
        Error::NoCredentials
        | Error::Without(_)
        | Error::Credentials(_)
        | Error::Authorities(_) => Code::Usage,
        error if error.is_temporary() => Code::Temporary,
        _ => Code::Provider,
    };
    let hint = match error {
        Error::Refused {
            status,
            problem,
            in_region,
            ..
        } => refused_hint(*status, problem.as_ref(), *in_region),
        Error::Busy { after: Some(_), .. } => {
            "it asks to be left alone for longer than five minutes: run the same command later"
        }
        Error::Busy {
            problem: Some(Problem {
                code: Some(20429), ..
            }),
            ..
        }
        | Error::Busy { status: 429, .. } => {
            "it is asked too much at once: -j 1 asks for one recording after another"
        }
        Error::Busy { status: 404, .. } => {
            "its media is not there yet, as happens shortly after a recording ends: run the same \
             command in a minute"
        }
        Error::Busy { .. } => "run the same command later; --retries N tries more often",
        Error::Unreachable { .. } => {
            "check the network, the name, and the proxy (HTTPS_PROXY, NO_PROXY)"
        }
        Error::NotTrusted { .. } => {
            "if it is yours, or a proxy's that looks into what passes: pass the certificate of its \
             authority with --ca-file PEM"
        }
        Error::Cut { .. } => "run the same command again",
        Error::Changed { .. } => {
            "run the same command again when nobody writes there; nothing was written"
        }
        Error::Expired { .. } => "run the same command again, with a higher --retries",
        Error::Astray { .. } => {
            "it is not followed; if that is the right place, download the media from there yourself, \
             and pass the file with -m METADATA"
        }
        Error::Answer { .. } => {
            "if a proxy stands between, try without it; else please report this"
        }
        Error::Gone { state, .. } => gone_hint(state),
        Error::NoCredentials | Error::Without(_) | Error::Credentials(_) => {
            "unreel inspect --credentials says what was looked for"
        }
        Error::OtherRegion { region, .. } => {
            return (code, format!("set AWS_REGION={region}"));
        }
        Error::Authorities(_) => "pass a file of certificates in PEM",
    };
    (code, hint.to_owned())
}

/// What it means that nothing could be put into a bucket.
pub(super) fn put_verdict(error: &Error) -> (Code, String) {
    let (code, hint) = fetch_verdict(error);
    let hint = match error {
        Error::Refused {
            status: 404,
            problem,
            ..
        } => object_hint(problem.as_ref()).to_owned(),
        Error::Refused {
            status: 401 | 403,
            problem,
            ..
        } => denied_hint(problem.as_ref()).map_or_else(
            || {
                "these credentials may not write there: S3 asks for s3:PutObject (and \
                     s3:AbortMultipartUpload), Azure for Storage Blob Data Contributor, Google for \
                     storage.objects.create; or they may not look whether something stands there \
                     (s3:GetObject and s3:ListBucket), which -f does not need"
                    .to_owned()
            },
            ToOwned::to_owned,
        ),
        _ => hint,
    };
    let code = match code {
        Code::Provider => Code::Output,
        code => code,
    };
    (code, hint)
}

fn refused_hint(status: u16, problem: Option<&Problem>, in_region: bool) -> &'static str {
    if let Some(hint) = denied_hint(problem) {
        return hint;
    }
    match (problem.and_then(|problem| problem.code), status) {
        // "a region set usually means credentials of another region": they are per region.
        (Some(20003), _) | (_, 401) if in_region => {
            "Twilio's tokens and API keys are those of one region: use the ones of TWILIO_REGION, or \
             unset it; unreel inspect --credentials shows which are used"
        }
        (Some(20003), _) | (_, 401) => {
            "check the credentials: unreel inspect --credentials shows which are used, and from where"
        }
        (Some(16105), _) => {
            "Twilio had no valid public key, and stored no recording: check the key in the Console"
        }
        (Some(16107), _) => {
            "Twilio encrypted it for another key than the one configured: see public_key_sid"
        }
        (Some(16109), _) => "Twilio has encrypted recordings as .wav only",
        (Some(20404), _) => {
            "there is none of this id in the account: check the id, and --account AC… for a \
             subaccount's; or its media was deleted: a call's metadata is there for 40 days more, see \
             --include-deleted --metadata-only"
        }
        (_, 404) => {
            "there is none of this id: check the id, and whose credentials are used (unreel inspect \
             --credentials); or its media was deleted"
        }
        (_, 403) => {
            "these credentials, or this link, may not read it; a link that was given may have \
             expired: get a new one"
        }
        (_, 410) => "it was deleted",
        (_, 416) => {
            "the download broke off, and the server does not give the rest; nothing was written: run \
             the same command again"
        }
        _ => "see what it says; unreel inspect --credentials shows which credentials are used",
    }
}

fn gone_hint(state: &State) -> &'static str {
    match state {
        State::Ready | State::NotYet(_) => "run the same command when it is completed",
        State::Absent(Some(16105)) => {
            "Twilio had no valid public key, and stored no recording: check the key in the Console"
        }
        State::Absent(_) => "it was silent or too short, and nothing was recorded",
        State::Failed(_) => "the provider has no media of it",
        State::Deleted => {
            "the provider has its media no more; a copy of it can be opened with its metadata, which \
             --metadata-only keeps"
        }
        State::External(None) => {
            "it went to the bucket of that project: name it with --bucket s3://BUCKET (or \
             az://CONTAINER), and it is read from there"
        }
        State::External(Some(_)) => {
            "copy the object from there, keep the metadata with --metadata-only -d DIR, and pass both: \
             unreel … FILE -m DIR/ID.json"
        }
    }
}

/// What to do about a page that came in place of media.
pub(super) fn page_hint(seen: Sniff) -> &'static str {
    match seen {
        Sniff::Html => "it is a page for people, such as a log-in: check the link, or the proxy",
        _ => "it is what the server says instead of the recording: check the link, or try again",
    }
}
