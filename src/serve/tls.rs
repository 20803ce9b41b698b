//! [`Identity`]: the server's certificate, which can be replaced while it runs.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::settings::Tls;
use crate::io::{ReadError, read_file};
use crate::job::redact::shown_of_secret;

/// The longest file of a certificate or its key.
const LIMIT: u64 = 1 << 20;

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{0}`")]
    Unread(String, #[source] ReadError),
    /// It is not PEM, or holds something else.
    #[error("there is no {1} in `{0}`")]
    Nothing(String, &'static str),
    /// The two do not go together, or are of a kind that is not known.
    #[error("cannot use the certificate in `{0}` with its key")]
    Unusable(String, #[source] rustls::Error),
}

/// The certificate in force.
pub(super) struct Identity {
    files: Tls,
    config: RwLock<Arc<ServerConfig>>,
}

impl Identity {
    /// Reads it.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(super) fn open(files: Tls) -> Result<Self, TlsError> {
        let config = RwLock::new(read(&files)?);
        Ok(Self { files, config })
    }

    /// Reads it again, for connections from now on.
    ///
    /// # Errors
    /// See [`TlsError`]; the old one stays then.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        let config = read(&self.files)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What makes a TLS connection of a connection.
    pub(super) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config).into()
    }
}

fn read(files: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
    let shown = shown_of_secret;
    let text =
        |path: &Path| read_file(path, LIMIT).map_err(|error| TlsError::Unread(shown(path), error));
    let nothing = |path: &Path, what| TlsError::Nothing(shown(path), what);
    let chain = text(&files.certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let chain = chain.unwrap_or_default();
    if chain.is_empty() {
        return Err(nothing(&files.certificate, "certificate (PEM)"));
    }
    let key = PrivateKeyDer::from_pem_slice(&text(&files.key)?)
        .map_err(|_| nothing(&files.key, "private key (PEM, not encrypted)"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |error| TlsError::Unusable(shown(&files.certificate), error);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
