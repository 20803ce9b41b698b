//! Certificates of an authority that is made anew for each server.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the server's certificate is like. Only the first is as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Certificate {
    #[default]
    Good,
    Expired,
    /// It is for `wrong.example`.
    OtherName,
}

/// An authority, and a server's certificate with its key.
struct Made {
    authority: rcgen::Certificate,
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// For a server that is not this one: the certificates of the authority and of the server, and the
/// server's key (PEM).
pub fn pems() -> [String; 3] {
    let Made {
        authority,
        certificate,
        key,
    } = made(Certificate::Good);
    [authority.pem(), certificate.pem(), key.serialize_pem()]
}

fn made(kind: Certificate) -> Made {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "an authority of unreel's tests");
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate");
    let issuer = Issuer::new(params, key);

    let names = match kind {
        Certificate::OtherName => vec!["wrong.example".to_owned()],
        _ => vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
    };
    let mut params = CertificateParams::new(names).expect("parameters");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if kind == Certificate::Expired {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 12, 31);
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    Made {
        authority,
        certificate,
        key,
    }
}

/// The configuration of a server, and its authority's certificate (PEM).
pub fn make(kind: Certificate) -> (Arc<ServerConfig>, String) {
    let Made {
        authority,
        certificate,
        key,
    } = made(kind);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone(), authority.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a certificate and its key");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (Arc::new(config), authority.pem())
}
