//! Qvoice: the encryption of an account's recordings.
//!
//! Vendor's guide: <https://docs.qvoice.net/api/call-recordings-encryption/>.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::answer::Ask;
use super::change::{Body, Object, Value, Verb};
use super::credentials::Qvoice;
use super::draft::Draft;
use super::error::Error;
use super::hosts;
use super::request::{Auth, Request};

/// "Endpoint: GET /api/v2/config/`call_recording_encryption`".
const PATH: [&str; 4] = ["api", "v2", "config", "call_recording_encryption"];

/// The encryption of an account.
pub(crate) struct Encryption {
    ask: Arc<dyn Ask>,
    request: Request,
}

/// What a request sets. "`key_version` and `key_id` are automatically managed by the backend and should
/// not be provided in the request."
pub(crate) struct Settings<'a> {
    /// "Activates or deactivates encryption for your account."
    pub enabled: bool,
    /// "Supported Values: "AES-256-GCM" … "AES-256-CBC"".
    pub algorithm: Option<&'a str>,
    /// A new key, "Plain text string, minimum 32 characters long", and its salt.
    pub pair: Option<(&'a str, Option<&'a str>)>,
}

impl Encryption {
    pub(super) fn new(ask: Arc<dyn Ask>, credentials: &Qvoice) -> Result<Self, Error> {
        Ok(Self {
            ask,
            request: Request {
                link: hosts::below(&credentials.url, &PATH, &[])?,
                auth: Auth::Bearer {
                    token: Arc::new(credentials.token.clone()),
                    account: ("x-account-id", credentials.account.clone()),
                },
                told_by: None,
                in_region: false,
                change: None,
            },
        })
    }

    /// Who answers.
    pub(crate) fn host(&self) -> String {
        self.request.link.host()
    }

    /// What is configured: the answer as it is, with secrets in it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn fetch(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.ask.ask(&self.request).map(Zeroizing::new)
    }

    /// The request that configures it.
    pub(crate) fn update(&self, settings: &Settings<'_>) -> Draft {
        let secret = |text: &str| Value::Secret(Zeroizing::new(text.to_owned()));
        let mut members = vec![("enabled", Value::Bool(settings.enabled))];
        let algorithm = settings.algorithm;
        members.extend(algorithm.map(|name| ("algorithm", Value::Text(name.to_owned()))));
        if let Some((key, salt)) = settings.pair {
            members.extend(salt.map(|salt| ("salt", secret(salt))));
            members.push(("key", secret(key)));
        }
        let body = Body::Json(Object(members));
        Draft::new(self.request.clone(), Verb::Put, body, false)
    }
}
