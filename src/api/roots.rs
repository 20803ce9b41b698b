//! [`Roots`]: whom the client trusts to say who a server is.

use std::path::PathBuf;

use super::connect::usable;
use super::error::Error;

/// Certificates of authorities.
pub(crate) struct Roots {
    /// So many of the system's; `None` where the system itself judges.
    pub system: Option<usize>,
    /// The files and folders that those are in.
    pub places: Vec<PathBuf>,
    /// What is wrong with these places, in words.
    pub problems: Vec<String>,
    /// So many beside the system's.
    pub own: usize,
}

impl Roots {
    /// Those that a request would be made with. `named` are the places that `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` say, instead of the system's own; `authorities` the ones beside. Nothing is
    /// asked of anybody.
    ///
    /// # Errors
    /// [`Error::Authorities`].
    pub(crate) fn found(
        named: Vec<PathBuf>,
        authorities: Option<&(String, Vec<u8>)>,
    ) -> Result<Self, Error> {
        let own = match authorities {
            Some((name, pem)) => usable(pem)
                .ok_or_else(|| Error::Authorities(name.clone()))?
                .len(),
            None => 0,
        };
        Ok(Self {
            own,
            ..Self::of_system(named)
        })
    }

    /// As rustls-platform-verifier loads them, which is reqwest's.
    #[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
    fn of_system(named: Vec<PathBuf>) -> Self {
        let loaded = rustls_native_certs::load_native_certs();
        let mut store = rustls::RootCertStore::empty();
        let (usable, _) = store.add_parsable_certificates(loaded.certs);
        let places = if named.is_empty() {
            let found = openssl_probe::probe();
            found.cert_file.into_iter().chain(found.cert_dir).collect()
        } else {
            named
        };
        Self {
            system: Some(usable),
            places,
            problems: loaded.errors.iter().map(ToString::to_string).collect(),
            own: 0,
        }
    }

    #[cfg(not(all(unix, not(target_vendor = "apple"), not(target_os = "android"))))]
    fn of_system(places: Vec<PathBuf>) -> Self {
        Self {
            system: None,
            places,
            problems: vec![],
            own: 0,
        }
    }
}
