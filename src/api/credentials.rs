//! What the providers let a customer in with. Where it is found is the caller's business.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::link::Link;

/// What lets in at each provider, where there is something.
#[derive(Default)]
pub(crate) struct Credentials {
    /// At Twilio.
    pub twilio: Option<Twilio>,
    /// At Vonage.
    pub vonage: Option<Vonage>,
    /// At Qvoice.
    pub qvoice: Option<Qvoice>,
    /// Why there is nothing at Twilio, where that was found out.
    pub no_twilio: Option<String>,
    /// Why there is nothing at Vonage.
    pub no_vonage: Option<String>,
}

/// Twilio: HTTP Basic authentication, by an API key or the account's token.
pub(crate) struct Twilio {
    /// The account whose recordings are meant (`AC…`).
    pub account: String,
    /// The user name: `SK…`, or the account the token belongs to.
    pub user: String,
    /// The API key's secret, or the token.
    pub secret: Zeroizing<String>,
    /// Region and edge of the hosts (`ie1`, `dublin`), where they are not the usual ones; each one
    /// [`is_label`].
    pub place: Option<(String, String)>,
}

/// Vonage: what there is of the two kinds. Where both are, both are asked.
#[derive(Default)]
pub(crate) struct Vonage {
    /// An application of the unified API.
    pub application: Option<Application>,
    /// A project of `OpenTok`'s.
    pub opentok: Option<OpenTok>,
}

/// An application of Vonage's unified API.
pub(crate) struct Application {
    /// Its id, a UUID.
    pub id: String,
    /// What shows that it is that.
    pub proof: Proof,
}

/// How an application shows who it is.
pub(crate) enum Proof {
    /// Tokens are signed with its private key (RS256).
    Key(Arc<dyn Sign>),
    /// HTTP Basic authentication with the account's API secret, as one page of Vonage's has it.
    Secret(Zeroizing<String>),
}

/// A project of `OpenTok`'s: tokens are authenticated with its secret (HS256).
pub(crate) struct OpenTok {
    /// The API key, which is the project's number.
    pub key: String,
    /// The API secret.
    pub secret: Zeroizing<String>,
}

/// Qvoice: "`X-Account-ID`: Your account identifier", "`Authorization`: Bearer JWT token".
pub(crate) struct Qvoice {
    /// Where its API is: the guide names no host.
    pub url: Link,
    /// The account.
    pub account: String,
    /// The bearer's token.
    pub token: Zeroizing<String>,
}

/// Signs: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2), which RFC 7518 calls RS256.
pub(crate) trait Sign: Send + Sync {
    /// The signature of `message`; `None` where the key cannot sign.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>>;
}

/// Whether `text` can be a region or an edge: a label of a host, of lower-case letters, digits and
/// hyphens. The credentials go to a host that is made of it.
pub(crate) fn is_label(text: &str) -> bool {
    let is_in = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_in)
}
