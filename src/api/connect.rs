//! [`Clients`]: connections, by where they may lead.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, OnceLock};

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, redirect};
use rustls::RootCertStore;

use super::address::Guard;
use super::error::Error;
use super::link::Link;
use super::policy::Policy;

/// Connections to one host that are kept for the next request.
const IDLE: usize = 8;

/// How far the answers that led to a link are trusted with where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anywhere: the user said so, or unreel itself.
    Anywhere,
    /// To public addresses.
    Public,
    /// To public addresses, and to this machine.
    PublicOrLoopback,
}

/// The HTTP clients, each made when it is needed first.
pub(super) struct Clients {
    policy: Policy,
    authorities: Option<(String, Vec<u8>)>,
    /// `http` on this machine: without certificates and proxies.
    plain: OnceLock<Option<Client>>,
    /// `https` on this machine: without proxies.
    near: OnceLock<Option<Client>>,
    anywhere: OnceLock<Option<Client>>,
    public: Guarded,
    public_or_loopback: Guarded,
}

/// A client whose look-ups are watched.
struct Guarded {
    guard: Arc<Guard>,
    client: OnceLock<Option<Client>>,
}

impl Guarded {
    fn new(allows_loopback: bool) -> Self {
        Self {
            guard: Arc::new(Guard::new(allows_loopback)),
            client: OnceLock::new(),
        }
    }
}

impl Clients {
    /// Nothing is loaded yet.
    pub(super) fn new(policy: Policy, authorities: Option<(String, Vec<u8>)>) -> Self {
        Self {
            policy,
            authorities,
            plain: OnceLock::new(),
            near: OnceLock::new(),
            anywhere: OnceLock::new(),
            public: Guarded::new(false),
            public_or_loopback: Guarded::new(true),
        }
    }

    /// Others, that trust the same and are as patient as `policy` says.
    #[cfg(any(feature = "buckets", feature = "serve"))]
    pub(super) fn with(&self, policy: Policy) -> Self {
        Self::new(policy, self.authorities.clone())
    }

    /// The one that asks for `link`.
    ///
    /// # Errors
    /// [`Error::Authorities`]; [`Error::NotTrusted`] if there are no certificates at all.
    pub(super) fn to(&self, link: &Link, reach: Reach) -> Result<&Client, Error> {
        if !link.is_https() {
            let plain = || loopback(self.builder()).tls_certs_only([]).build().ok();
            return kept(self.plain.get_or_init(plain).as_ref(), link);
        }
        let roots = self.roots()?;
        let builder = || self.builder().tls_certs_merge(roots).https_only(true);
        if link.is_loopback() {
            let near = || loopback(builder()).build().ok();
            return kept(self.near.get_or_init(near).as_ref(), link);
        }
        let Guarded { guard, client } = match reach {
            Reach::Anywhere => {
                let anywhere = || builder().build().ok();
                return kept(self.anywhere.get_or_init(anywhere).as_ref(), link);
            }
            Reach::Public => &self.public,
            Reach::PublicOrLoopback => &self.public_or_loopback,
        };
        guard.watch(link.url().host_str().unwrap_or_default());
        let guarded = || builder().dns_resolver(Arc::clone(guard)).build().ok();
        kept(client.get_or_init(guarded).as_ref(), link)
    }

    /// What all of them have in common.
    fn builder(&self) -> ClientBuilder {
        // Fails where it was done before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let identity = HeaderValue::from_static("identity");
        Client::builder()
            .user_agent(concat!("unreel/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, identity)]))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.policy.connect)
            .read_timeout(self.policy.silence)
            .pool_max_idle_per_host(IDLE)
    }

    /// The certificates that are trusted beside the system's.
    fn roots(&self) -> Result<Vec<Certificate>, Error> {
        let Some((name, pem)) = &self.authorities else {
            return Ok(Vec::new());
        };
        usable(pem).ok_or_else(|| Error::Authorities(name.clone()))
    }
}

/// Certificates of authorities, if they can all be used and there is one.
pub(super) fn usable(pem: &[u8]) -> Option<Vec<Certificate>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        store.add(certificate.ok()?).ok()?;
    }
    let certificates = Certificate::from_pem_bundle(pem).ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

/// To this machine: past proxies, and whatever the system calls `localhost`.
fn loopback(builder: ClientBuilder) -> ClientBuilder {
    let addresses = [
        (Ipv4Addr::LOCALHOST, 0).into(),
        (Ipv6Addr::LOCALHOST, 0).into(),
    ];
    builder.no_proxy().resolve_to_addrs("localhost", &addresses)
}

/// Beside unusable certificates, none at all is why there is no client.
fn kept<'a>(client: Option<&'a Client>, link: &Link) -> Result<&'a Client, Error> {
    client.ok_or_else(|| Error::NotTrusted {
        host: link.host(),
        reason: "this system has no certificates of authorities".to_owned(),
    })
}
