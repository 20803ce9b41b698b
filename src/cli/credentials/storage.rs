//! Where Vonage uploads archives to, and the secrets that let it.

use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::environment::{Depth, Environment};
use super::shape::Shape;
use crate::api::Target;

/// Where it is looked, in this order.
const PLACES_S3: &[&str] = &[
    "UNREEL_STORAGE_ACCESS_KEY with UNREEL_STORAGE_SECRET_KEY",
    "files of these names, such as unreel-storage-secret-key, in $CREDENTIALS_DIRECTORY",
];
const PLACES_AZURE: &[&str] = &[
    "UNREEL_STORAGE_ACCOUNT with UNREEL_STORAGE_KEY",
    "files of these names, such as unreel-storage-key, in $CREDENTIALS_DIRECTORY",
];

/// A bucket of S3.
pub(super) fn s3(env: &Environment<'_>, bucket: String) -> Result<Target, CredentialsError> {
    let names = ["UNREEL_STORAGE_ACCESS_KEY", "UNREEL_STORAGE_SECRET_KEY"];
    let [access_key, secret_key] = both(env, "the bucket", names, PLACES_S3)?;
    Ok(Target::S3 {
        bucket,
        access_key,
        secret_key,
    })
}

/// A container of Azure.
pub(super) fn azure(env: &Environment<'_>, container: String) -> Result<Target, CredentialsError> {
    let names = ["UNREEL_STORAGE_ACCOUNT", "UNREEL_STORAGE_KEY"];
    let [account, key] = both(env, "the container", names, PLACES_AZURE)?;
    Ok(Target::Azure {
        container,
        account,
        key,
    })
}

fn both(
    env: &Environment<'_>,
    provider: &'static str,
    names: [&'static str; 2],
    places: &'static [&'static str],
) -> Result<[Zeroizing<String>; 2], CredentialsError> {
    let value = |name| env.find(name, Depth::Directory);
    match (value(names[0])?, value(names[1])?) {
        (Some(one), Some(other)) => Ok([Shape::Secret.of(one)?, Shape::Secret.of(other)?]),
        (Some(there), None) => Err(CredentialsError::Incomplete {
            provider,
            there: there.name,
            missing: names[1],
        }),
        (None, Some(there)) => Err(CredentialsError::Incomplete {
            provider,
            there: there.name,
            missing: names[0],
        }),
        (None, None) => Err(CredentialsError::None { provider, places }),
    }
}
