//! Buckets, each opened when it is needed first.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::PaginatedListStore;
use object_store::multipart::MultipartStore;
use object_store::{ObjectStore, RetryConfig};

use super::location::{Location, Service};
use super::settings::Settings;
use crate::api::{Error, Wire};

/// All that is done with a bucket.
pub(super) trait Store: ObjectStore + MultipartStore + PaginatedListStore {}

impl<T: ObjectStore + MultipartStore + PaginatedListStore> Store for T {}

/// What is tried again is our own business.
fn once() -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    }
}

/// Opens the bucket of `location`. Nobody is asked yet.
///
/// # Errors
/// [`Error::Credentials`]: the settings make no sense.
pub(super) fn open(
    location: &Location,
    settings: &Settings,
    wire: Wire,
) -> Result<Arc<dyn Store>, Error> {
    let settings = settings.of(location.service)?;
    let bucket = location.bucket.as_str();
    // What object_store says of settings may have them in it.
    let refused = |_| {
        Error::Credentials(match location.service {
            Service::S3 => "what is set for S3 (AWS_…) makes no sense",
            Service::Azure => "what is set for Azure (AZURE_…) makes no sense",
            Service::Google => "what is set for Google Cloud Storage (GOOGLE_…) makes no sense",
        })
    };
    match location.service {
        Service::S3 => {
            let mut builder = AmazonS3Builder::new();
            for (name, value) in settings {
                builder = builder.with_config(name.parse().map_err(refused)?, value.as_str());
            }
            if let Some(region) = &location.region {
                builder = builder.with_region(region);
            }
            // One object is removed with a request of its own.
            let builder = builder.with_config(AmazonS3ConfigKey::DisableBulkDelete, "true");
            let builder = builder.with_bucket_name(bucket).with_retry(once());
            let store = builder.with_http_connector(wire).with_allow_http(true);
            Ok(Arc::new(store.build().map_err(refused)?))
        }
        Service::Azure => {
            let mut builder = MicrosoftAzureBuilder::new();
            for (name, value) in settings {
                builder = builder.with_config(name.parse().map_err(refused)?, value.as_str());
            }
            let builder = builder.with_container_name(bucket).with_retry(once());
            let store = builder.with_http_connector(wire).with_allow_http(true);
            Ok(Arc::new(store.build().map_err(refused)?))
        }
        Service::Google => {
            let mut builder = GoogleCloudStorageBuilder::new();
            for (name, value) in settings {
                builder = builder.with_config(name.parse().map_err(refused)?, value.as_str());
            }
            let builder = builder.with_bucket_name(bucket).with_retry(once());
            let store = builder.with_http_connector(wire);
            Ok(Arc::new(store.build().map_err(refused)?))
        }
    }
}
