//! [`Settings`]: what is served, to whom, and within which limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

/// The longest that a link may be good for.
pub(crate) const LONGEST_LINK: Duration = Duration::from_secs(12 * 60 * 60);

/// What is served, to whom, and within which limits. What recordings there are, and what opens them,
/// is the library's.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where the public endpoints are.
    pub listen: SocketAddr,
    /// Where health, readiness and metrics are; a free port on loopback where nobody says.
    pub admin_listen: Option<SocketAddr>,
    /// What links begin with, of which a path has no slash at the end; the address listened on where nobody says.
    pub public_url: Option<Url>,
    /// Whose Flex tokens are valid (`AC…`); without one, none is.
    pub account: Option<String>,
    /// The roles that may listen.
    pub roles: Vec<String>,
    /// The customer's own rule: a shell command.
    pub authz_command: Option<String>,
    /// What signs links.
    pub link_keys: LinkKeysFrom,
    /// How long the links of `/sec_rec` are good for.
    pub link_ttl: Duration,
    /// Origins that may read answers (`https://flex.twilio.com`), as browsers write them.
    pub origins: Vec<String>,
    /// Further names that are answered to, in lower case and without a port.
    pub hosts: Vec<String>,
    /// The most connections from one address.
    pub per_address: usize,
    /// Where it is written down who listened.
    pub audit_log: Option<PathBuf>,
    /// Whether recordings are played where that cannot be written.
    pub audit_optional: bool,
    /// Certificate and key, where this is the end of TLS.
    pub tls: Option<Tls>,
    /// Whether a proxy stands in front, and says whose request it is.
    pub behind_proxy: bool,
    /// The most bytes of ciphertext that are kept in memory.
    pub cache: u64,
    /// Whether links to everything are printed, and nobody is asked for a token.
    pub demo: bool,
    /// The path that Flex asks for links.
    pub flex_path: String,
}

impl Settings {
    /// What links begin with, without a slash at the end, where `at` is listened on.
    pub(crate) fn base(&self, at: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None if self.tls.is_some() => format!("https://{at}"),
            None => format!("http://{at}"),
        }
    }
}

/// What signs links.
#[derive(Clone, Debug)]
pub(crate) enum LinkKeysFrom {
    /// The keys in this file.
    File(PathBuf),
    /// A key that lives as long as the process.
    Random,
}

/// The server's certificate.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// The chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}
