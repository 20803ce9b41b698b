//! Base URLs that stand in for the providers' own, and certificates to trust beside the system's.

use std::path::Path;

use super::super::error::CredentialsError;
use super::environment::{Depth, Environment, Value};
use crate::api::{Hosts, Link};
use crate::job::redact::shown;

/// The bases that the environment names.
pub(super) fn hosts(env: &Environment<'_>) -> Result<Hosts, CredentialsError> {
    let base = |name: &str| {
        let value = env.find(name, Depth::Variables)?;
        value.map(|value| link(&value)).transpose()
    };
    Ok(Hosts {
        twilio_api: base("UNREEL_TWILIO_API_URL")?,
        twilio_video: base("UNREEL_TWILIO_VIDEO_URL")?,
        twilio_accounts: base("UNREEL_TWILIO_ACCOUNTS_URL")?,
        twilio_iam: base("UNREEL_TWILIO_IAM_URL")?,
        vonage_video: base("UNREEL_VONAGE_VIDEO_URL")?,
        opentok: base("UNREEL_OPENTOK_URL")?,
    })
}

/// The URL that `value` is.
pub(super) fn link(value: &Value) -> Result<Link, CredentialsError> {
    let link = Link::parse(&value.text);
    link.map_err(|error| CredentialsError::Url(value.name.clone(), error))
}

/// The name and the text of the file of `--ca-file`, else of `TWILIO_CA_BUNDLE`.
pub(super) fn authorities(
    env: &Environment<'_>,
    flag: Option<&Path>,
) -> Result<Option<(String, Vec<u8>)>, CredentialsError> {
    let (path, said) = match (flag, env.path("TWILIO_CA_BUNDLE")) {
        (Some(path), _) => (path.to_owned(), "--ca-file"),
        (None, Some(path)) => (path, "TWILIO_CA_BUNDLE"),
        (None, None) => return Ok(None),
    };
    let bytes = env.bytes(&path, &format!("the file that {said} names"))?;
    Ok(Some((shown(&path), bytes.to_vec())))
}
