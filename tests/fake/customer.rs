//! Who the customer is: ids, secrets, and the environment to run unreel in.

use super::Fake;

/// The account whose credentials [`Fake::env`] gives.
pub const ACCOUNT: &str = "AC5eed0000000000000000000000000001";
/// An API key of it, and its secret.
pub const API_KEY: &str = "SK5eed0000000000000000000000000001";
pub const API_SECRET: &str = "made-up-twilio-api-secret-5eed01";
/// The account's token.
pub const AUTH_TOKEN: &str = "made0up0twilio0auth0token05eed02";
/// An application of Vonage's unified API. Its key is `fixtures/keys/other.pem`.
pub const APPLICATION: &str = "5eed0000-0000-4000-9000-000000000001";
/// A project of `OpenTok`'s, and its secret.
pub const OPENTOK_KEY: &str = "100";
pub const OPENTOK_SECRET: &str = "made-up-opentok-secret-5eed03";
/// The secret of the account that the application is of.
pub const VONAGE_API_SECRET: &str = "made-up-vonage-api-secret-5eed04";
/// An account of Qvoice's, and a token of it.
pub const QVOICE_ACCOUNT: &str = "5eed02d27af6300000000000000000aa";
pub const QVOICE_TOKEN: &str = "made-up.qvoice.token-5eed05";
/// What opens the customer's own storage: of S3, and of Azure.
pub const STORAGE_ACCESS_KEY: &str = "AKIA5EED0000MADEUP06";
pub const STORAGE_SECRET_KEY: &str = "made-up-storage-secret-key-5eed07";
pub const STORAGE_ACCOUNT: &str = "madeupaccount5eed08";
pub const STORAGE_KEY: &str = "bWFkZS11cC1zdG9yYWdlLWtleS01ZWVkMDk=";

impl Fake {
    /// The environment of a customer who has everything.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let mut all = self.twilio_env();
        all.extend(self.vonage_env());
        all.extend(self.opentok_env());
        all.extend(self.qvoice_env());
        all.extend(Self::storage_env());
        all
    }

    pub fn twilio_env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("UNREEL_TWILIO_API_URL", self.base()),
            ("UNREEL_TWILIO_VIDEO_URL", self.base()),
            ("UNREEL_TWILIO_ACCOUNTS_URL", self.base()),
            ("UNREEL_TWILIO_IAM_URL", self.base()),
            ("TWILIO_ACCOUNT_SID", ACCOUNT.into()),
            ("TWILIO_API_KEY", API_KEY.into()),
            ("TWILIO_API_SECRET", API_SECRET.into()),
        ]
    }

    /// Of Vonage's unified API alone.
    pub fn vonage_env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("UNREEL_VONAGE_VIDEO_URL", self.base()),
            ("VONAGE_APPLICATION_ID", APPLICATION.into()),
            (
                "VONAGE_PRIVATE_KEY",
                self.vonage_key().display().to_string(),
            ),
        ]
    }

    /// Of `OpenTok` alone.
    pub fn opentok_env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("UNREEL_OPENTOK_URL", self.base()),
            ("OPENTOK_API_KEY", OPENTOK_KEY.into()),
            ("OPENTOK_API_SECRET", OPENTOK_SECRET.into()),
        ]
    }

    pub fn qvoice_env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("QVOICE_API_URL", self.base()),
            ("QVOICE_ACCOUNT_ID", QVOICE_ACCOUNT.into()),
            ("QVOICE_TOKEN", QVOICE_TOKEN.into()),
        ]
    }

    /// What opens the customer's own storage, S3's and Azure's.
    pub fn storage_env() -> Vec<(&'static str, String)> {
        vec![
            ("UNREEL_STORAGE_ACCESS_KEY", STORAGE_ACCESS_KEY.into()),
            ("UNREEL_STORAGE_SECRET_KEY", STORAGE_SECRET_KEY.into()),
            ("UNREEL_STORAGE_ACCOUNT", STORAGE_ACCOUNT.into()),
            ("UNREEL_STORAGE_KEY", STORAGE_KEY.into()),
        ]
    }
}
