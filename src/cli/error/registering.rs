//! Words for what can go wrong when a key is handed over.

use super::super::exit::Code;
use super::network::fetch_verdict;
use super::output::{output_hint, write_hint};
use crate::api;
use crate::job;
use crate::job::register::{Error, Whose};

/// What it means that a key was not handed over: the exit code, and what to do next. `of_job` says it
/// of what is wrong with a key or a secret.
pub(super) fn register_verdict(
    error: &Error,
    of_job: impl Fn(&job::Error) -> (Code, String),
) -> (Code, String) {
    match error {
        Error::Provider(whose, _, error) => provider_verdict(*whose, error),
        Error::Unsettled(whose, ..) => (Code::Temporary, unsettled_hint(*whose).to_owned()),
        Error::NotApplied(..) => (
            Code::Provider,
            "look what is set there, and run the same command again: what is in place is left as it is"
                .to_owned(),
        ),
        Error::Declined(..) => (
            Code::Provider,
            "see what it says; unreel inspect --credentials shows which credentials are used".to_owned(),
        ),
        Error::ChangedMeanwhile(_) => (
            Code::Temporary,
            "run the same command again, and look at what it will change".to_owned(),
        ),
        Error::Half(_, error) | Error::NotMerged(_, error) => register_verdict(error, of_job),
        Error::PublicUnread(..) => (
            Code::Key,
            "check the path and its permissions".to_owned(),
        ),
        Error::Refused { whose, code, .. } => (Code::Key, refused_hint(*whose, *code).to_owned()),
        Error::NoPrivate { .. } => (
            Code::Key,
            "name it with -k PATH; without it nothing that is encrypted for this key can be read".to_owned(),
        ),
        Error::NameTaken { .. } => (
            Code::Usage,
            "leave --name out, and the name says which key it is; or choose another one".to_owned(),
        ),
        Error::OtherKey(_) => (
            Code::Output,
            "keys are never overwritten: move it away, or choose another folder with --key-dir".to_owned(),
        ),
        Error::NotKept { error, .. } => (
            Code::Output,
            format!("{}; the same command then writes it, and registers nothing twice", output_hint(error)),
        ),
        Error::NoKeyChosen(_) => (
            Code::Usage,
            "name one with --public-key-sid CR…; unreel register twilio --list shows them".to_owned(),
        ),
        Error::NotConfiguration(..) => (
            Code::Output,
            "it is left as it is: name another file with --config; one that is not there is made".to_owned(),
        ),
        Error::OfAnother(..) | Error::VersionTaken(_) => (
            Code::Output,
            "it is left as it is: name this account's own file with --config, or a new one; and check \
             QVOICE_ACCOUNT_ID"
                .to_owned(),
        ),
        Error::Busy(_) => (Code::Temporary, "run the same command when that is done".to_owned()),
        Error::OtherPending(_) => (
            Code::Usage,
            "leave --key-file and --salt-file out, and the pending one is sent; after that, rotate to \
             the other"
                .to_owned(),
        ),
        Error::SwitchedOff => (
            Code::Usage,
            "switch it on with --enable; with --key-file that takes a new key, too".to_owned(),
        ),
        Error::Generate(_) => (Code::Internal, "the system gives no random numbers".to_owned()),
        Error::Unread(..) => (Code::Output, "check the path and its permissions".to_owned()),
        Error::Output(error) => (Code::Output, output_hint(error)),
        Error::Unwritten(_, error) => (
            Code::Output,
            write_hint(error, "check the folder and its permissions").to_owned(),
        ),
        Error::Job(error) => of_job(error),
    }
}

/// What a provider's own error means here.
fn provider_verdict(whose: Whose, error: &api::Error) -> (Code, String) {
    let (code, hint) = fetch_verdict(error);
    let api::Error::Refused {
        status,
        problem,
        in_region: false,
        ..
    } = error
    else {
        return (code, hint);
    };
    let number = problem.as_ref().and_then(|problem| problem.code);
    let own = match (whose, number, status) {
        (Whose::Twilio, Some(code @ 70101..=70154), _) => {
            refused_hint(whose, u32::try_from(code).ok())
        }
        (Whose::TwilioVideo, Some(53612 | 53666 | 53668), _) => {
            "this account has no such public key: unreel register twilio --list shows those that it has"
        }
        (Whose::Twilio | Whose::TwilioVideo, _, 401 | 403) => {
            "Standard and Restricted API keys, such as those of twilio-cli's profiles, may not manage \
             keys: use TWILIO_AUTH_TOKEN, or a Main API key; unreel inspect --credentials shows which \
             are used"
        }
        (Whose::Vonage, _, 400) => {
            "\"you have included invalid JSON data or … you did not specify the upload target\": check \
             the bucket's name and its keys, and whether the certificate is one"
        }
        (Whose::Vonage, _, 403) => {
            "\"you passed in an invalid project App ID or API secret\": unreel inspect --credentials \
             shows which are used; one page of Vonage's has HTTP Basic with VONAGE_API_SECRET in place \
             of a token, which is --auth basic"
        }
        (Whose::Vonage, _, 401) => {
            "check the credentials: unreel inspect --credentials shows which are used; one page of \
             Vonage's has HTTP Basic with VONAGE_API_SECRET in place of a token, which is --auth basic"
        }
        (Whose::Qvoice, _, 400) => {
            "\"invalid request body or missing required fields\": see what it says"
        }
        (Whose::Qvoice, _, 401) => {
            "\"Invalid or missing JWT token\": get a new one for QVOICE_TOKEN"
        }
        (Whose::Qvoice, _, 403) => {
            "\"User lacks required permissions\": \"Ensure you have admin permissions\""
        }
        (Whose::Qvoice, _, 404) => {
            "\"Account or endpoint not found\": check QVOICE_ACCOUNT_ID and QVOICE_API_URL"
        }
        _ => return (code, hint),
    };
    (code, own.to_owned())
}

fn unsettled_hint(whose: Whose) -> &'static str {
    match whose {
        Whose::Qvoice => {
            "the key stands in the configuration as pending: run the same command again, or --show, \
             which settles it"
        }
        _ => "run the same command again: what is in place is left as it is",
    }
}

/// What to do about a key that is not taken.
fn refused_hint(whose: Whose, code: Option<u32>) -> &'static str {
    match (whose, code) {
        (Whose::Vonage, _) => {
            "unreel keygen --certificate -d DIR makes a key and a certificate that Vonage takes"
        }
        (_, Some(70154)) => {
            "pass the public half, such as public_key.pem of unreel keygen; openssl pkey -in KEY -pubout \
             makes it of a private key"
        }
        _ => "unreel keygen -d DIR makes a key that Twilio takes: RSA, 2048 bits, exponent 65537",
    }
}
