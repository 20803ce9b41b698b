//! Where archives go, and for whom they are encrypted: the archive storage of a project.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::Project;
use crate::api::change::{Body, Object, Value, Verb};
use crate::api::draft::Draft;
use crate::api::error::Error;
use crate::api::hosts::{self, Service};

/// "The encrypted archiving feature requires you to set an upload target."
#[derive(Clone)]
pub(crate) struct Storage {
    /// Where archives are uploaded to.
    pub target: Target,
    /// What becomes of an archive that cannot be uploaded.
    pub fallback: Fallback,
    /// The certificate that archives are encrypted for, in PEM; `None` where they are not: "Set the
    /// certificate property to null".
    pub certificate: Option<String>,
}

/// Where archives are uploaded to.
#[derive(Clone)]
pub(crate) enum Target {
    /// "an Amazon S3 target".
    S3 {
        /// The name of the bucket.
        bucket: String,
        /// "the Amazon S3 secret key and access key for that bucket".
        access_key: Zeroizing<String>,
        /// The secret one.
        secret_key: Zeroizing<String>,
    },
    /// "a Microsoft Azure target".
    Azure {
        /// The name of the container.
        container: String,
        /// "your Microsoft Azure storage credentials": the account,
        account: Zeroizing<String>,
        /// and its key.
        key: Zeroizing<String>,
    },
}

/// What becomes of an archive that cannot be uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// "to prevent archive files from being stored in the Vonage video cloud if the upload fails".
    None,
    /// "to have the archive available on your dashboard if upload fails".
    OpenTok,
}

impl Fallback {
    /// Vonage's word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OpenTok => "opentok",
        }
    }
}

impl Storage {
    /// The body in the form of the guide.
    fn body(&self) -> Body {
        let text = |text: &str| Value::Text(text.to_owned());
        let (kind, config) = match &self.target {
            Target::S3 {
                bucket,
                access_key,
                secret_key,
            } => (
                "s3",
                vec![
                    ("bucket", text(bucket)),
                    ("secretKey", Value::Secret(secret_key.clone())),
                    ("accessKey", Value::Secret(access_key.clone())),
                ],
            ),
            Target::Azure {
                container,
                account,
                key,
            } => (
                "azure",
                vec![
                    ("accountName", Value::Secret(account.clone())),
                    ("accountKey", Value::Secret(key.clone())),
                    ("container", text(container)),
                ],
            ),
        };
        // "send the data base64 encoded or replace newline characters in the cert with "\n""
        let certificate = self.certificate.as_ref();
        let certificate = certificate.map_or(Value::Null, |pem| text(&BASE64_STANDARD.encode(pem)));
        Body::Json(Object(vec![
            ("type", text(kind)),
            ("config", Value::Object(Object(config))),
            ("fallback", text(self.fallback.name())),
            ("certificate", certificate),
        ]))
    }
}

impl Project {
    /// Whose archives they are, for people: an application or an `OpenTok` project.
    pub(in crate::api) fn name(&self) -> String {
        match self.service {
            Service::OpenTok => format!("OpenTok project {}", self.id),
            _ => format!("application {}", self.id),
        }
    }

    /// The request that sets the storage: "submit an HTTP PUT request to …/v2/project/…/archive/storage".
    /// Made twice it is the same.
    pub(in crate::api) fn storage(&self, storage: &Storage) -> Result<Draft, Error> {
        let parts = ["v2", "project", &self.id, "archive", "storage"];
        let link = hosts::below(&self.base, &parts, &[])?;
        Ok(Draft::new(self.to(link), Verb::Put, storage.body(), true))
    }
}
