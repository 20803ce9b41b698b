//! Twilio Video's Recording Settings and Composition Settings: for which key media is encrypted, and
//! where it is stored.

use serde::{Deserialize, Serialize};

use super::answer::{Scalar, read};
use super::change::{Body, Verb};
use super::draft::Draft;
use super::error::Error;
use super::twilio::Access;

/// Which of the two. "Video Recordings and Video Compositions have separated encryption settings."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaKind {
    /// Recordings of tracks.
    Recordings,
    /// Compositions of them.
    Compositions,
}

/// Settings as they are. All texts are Twilio's: untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct MediaSettings {
    /// What they are called, which a change has to say.
    pub friendly_name: String,
    /// Whether new media is encrypted.
    pub encryption_enabled: bool,
    /// For which key, `CR…`.
    pub encryption_key_sid: Option<String>,
    /// Whether media goes to a bucket of the customer's.
    pub aws_storage_enabled: bool,
    /// With which credentials.
    pub aws_credentials_sid: Option<String>,
    /// To which bucket.
    pub aws_s3_url: Option<String>,
}

/// The settings of an account.
pub(crate) struct VideoSettings {
    access: Access,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said<'a> {
    #[serde(borrow)]
    friendly_name: Scalar<'a>,
    encryption_enabled: Scalar<'a>,
    encryption_key_sid: Scalar<'a>,
    aws_storage_enabled: Scalar<'a>,
    aws_credentials_sid: Scalar<'a>,
    aws_s3_url: Scalar<'a>,
}

impl MediaKind {
    /// The path of its resource.
    fn path(self) -> [&'static str; 3] {
        match self {
            Self::Recordings => ["v1", "RecordingSettings", "Default"],
            Self::Compositions => ["v1", "CompositionSettings", "Default"],
        }
    }
}

impl VideoSettings {
    pub(super) fn new(access: Access) -> Self {
        Self { access }
    }

    /// Those of `kind`; `None` where none were ever made.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn fetch(&self, kind: MediaKind) -> Result<Option<MediaSettings>, Error> {
        let link = self.access.link(&kind.path(), &[])?;
        let bytes = match self.access.answer(&link) {
            Ok(bytes) => bytes,
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let said: Said<'_> = read(&self.access.host(), &bytes)?;
        let is = |value: &Scalar<'_>| value.text() == Some("true");
        Ok(Some(MediaSettings {
            friendly_name: said.friendly_name.owned().unwrap_or_default(),
            encryption_enabled: is(&said.encryption_enabled),
            encryption_key_sid: said.encryption_key_sid.owned(),
            aws_storage_enabled: is(&said.aws_storage_enabled),
            aws_credentials_sid: said.aws_credentials_sid.owned(),
            aws_s3_url: said.aws_s3_url.owned(),
        }))
    }

    /// The request that makes them these. The POST replaces all of them, so all are said.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn update(&self, kind: MediaKind, settings: &MediaSettings) -> Result<Draft, Error> {
        let flag = |on: bool| on.to_string();
        let mut fields = vec![
            ("FriendlyName", settings.friendly_name.clone()),
            ("EncryptionEnabled", flag(settings.encryption_enabled)),
            ("AwsStorageEnabled", flag(settings.aws_storage_enabled)),
        ];
        for (name, value) in [
            ("EncryptionKeySid", &settings.encryption_key_sid),
            ("AwsCredentialsSid", &settings.aws_credentials_sid),
            ("AwsS3Url", &settings.aws_s3_url),
        ] {
            fields.extend(value.clone().map(|value| (name, value)));
        }
        let request = self.access.request(&self.access.link(&kind.path(), &[])?);
        Ok(Draft::new(request, Verb::Post, Body::Form(fields), false))
    }
}
