//! What lets us into the buckets of a service.

use super::super::error::CredentialsError;
use super::buckets::Bucket;
use super::environment::Environment;
use super::found::Found;
use super::{aws, azure, google};
use crate::store::Service;

/// What lets us into the buckets of `service`.
pub(super) fn find(
    service: Service,
    env: &Environment<'_>,
) -> Result<Found<Bucket>, CredentialsError> {
    match service {
        Service::S3 => aws::find(env),
        Service::Azure => azure::find(env),
        Service::Google => google::find(env),
    }
}
