//! Where the credentials for a provider come from: flags, the environment, and the files of the
//! vendors' own tools. Nothing is asked of a provider.

mod aws;
mod azure;
mod buckets;
mod environment;
mod found;
mod google;
mod hosts;
mod ini;
mod json;
mod key;
mod place;
mod profiles;
mod qvoice;
mod service;
mod shape;
mod show;
mod storage;
#[cfg(test)]
mod tests;
mod twilio;
mod vonage;

use std::path::Path;

pub(super) use self::environment::{Environment, From};
pub(super) use self::found::Found;
#[cfg(feature = "serve")]
pub(super) use self::show::told;
pub(super) use self::show::{each, show};
use super::error::Failure;
use crate::api::{Hosts, Qvoice, Target, Twilio, Vonage};
use crate::store::{Service, Setting};

/// The credentials for Twilio.
///
/// # Errors
/// That there are none, or what cannot be used of them.
pub(super) fn twilio(from: &From<'_>) -> Result<Found<Twilio>, Failure> {
    Ok(twilio::find(from)?)
}

/// The credentials for Vonage, of one kind or both.
///
/// # Errors
/// That there are none, or what cannot be used of them.
pub(super) fn vonage(from: &From<'_>) -> Result<Found<Vonage>, Failure> {
    Ok(vonage::find(&from.env)?.into_found())
}

/// The credentials for Vonage's unified API by the account's API secret.
///
/// # Errors
/// That there are none, or what cannot be used of them.
pub(super) fn vonage_with_secret(from: &From<'_>) -> Result<Found<Vonage>, Failure> {
    Ok(vonage::find_with_secret(&from.env)?)
}

/// The credentials for Qvoice.
///
/// # Errors
/// That there are none, or what cannot be used of them.
pub(super) fn qvoice(from: &From<'_>) -> Result<Found<Qvoice>, Failure> {
    Ok(qvoice::find(&from.env)?)
}

/// A bucket of S3 (`true`) or a container of Azure of this name, with what lets Vonage write there.
///
/// # Errors
/// That there is nothing, or what cannot be used of it.
pub(super) fn storage(from: &From<'_>, name: &str, is_s3: bool) -> Result<Target, Failure> {
    let find = if is_s3 { storage::s3 } else { storage::azure };
    Ok(find(&from.env, name.to_owned())?)
}

/// What lets us into the buckets of `service`.
///
/// # Errors
/// That there is nothing, or what cannot be used of it.
pub(super) fn buckets(from: &From<'_>, service: Service) -> Result<Found<Vec<Setting>>, Failure> {
    let found = service::find(service, &from.env)?;
    Ok(Found {
        credentials: found.credentials.settings,
        source: found.source,
    })
}

/// The bases that stand in for the providers' own hosts.
///
/// # Errors
/// That one is no URL that may be asked.
pub(super) fn hosts(from: &From<'_>) -> Result<Hosts, Failure> {
    Ok(hosts::hosts(&from.env)?)
}

/// The name and the text of the certificates to trust: those of `--ca-file`, which is `flag`, else
/// those that the environment names.
///
/// # Errors
/// That their file cannot be read.
pub(super) fn authorities(
    from: &From<'_>,
    flag: Option<&Path>,
) -> Result<Option<(String, Vec<u8>)>, Failure> {
    Ok(hosts::authorities(&from.env, flag)?)
}
