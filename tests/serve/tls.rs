//! The certificate, which can be replaced while it runs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::fake::pems;
use crate::link;
use crate::scene::{MONO, Scene, authorization};

/// What comes, where only this authority is trusted.
fn get(address: &str, authority: &str, path: &str, header: &str) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(address).unwrap());
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    // Without close_notify it is not known whether this is all.
    stream
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn tls_is_spoken_with_the_certificate_that_there_is_now() {
    let scene = Scene::new();
    let [first, second] = [pems(), pems()];
    let keep = |[_, certificate, key]: &[String; 3]| {
        scene.desk.write("cert.pem", certificate);
        scene.desk.write("cert.key", key);
    };
    keep(&first);
    let served = scene.serve(&["--tls-cert", "cert.pem", "--tls-key", "cert.key"]);
    assert!(
        served.base.starts_with("https://127.0.0.1:"),
        "{}",
        served.base
    );
    let path = link::path("media", MONO);
    let ask = |authority: &str| get(served.address(), authority, &path, "Range: bytes=0-3");
    let answer = ask(&first[0]).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 206 ") && answer.ends_with("RIFF"),
        "{answer}"
    );
    assert!(ask(&second[0]).is_err());
    let links = get(
        served.address(),
        &first[0],
        &format!("/sec_rec?recording={MONO}"),
        &authorization("anna"),
    )
    .unwrap();
    assert!(
        links.contains(&format!("{}/media/v1.", served.base)),
        "{links}"
    );
    keep(&second);
    served.reload();
    assert!(ask(&first[0]).is_err());
    assert!(ask(&second[0]).unwrap().ends_with("RIFF"));
    // Half of a pair, and none at all.
    scene.desk.write("cert.pem", &first[1]);
    served.reload();
    scene.desk.write("cert.key", "");
    served.reload();
    assert!(ask(&second[0]).unwrap().ends_with("RIFF"));
    // Over the same port nothing is said in the clear.
    let mut stream = TcpStream::connect(served.address()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).ok();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok();
    assert!(!bytes.starts_with(b"HTTP"));
    let said = served.stop();
    assert_eq!(
        said.matches("kept the certificate as before").count(),
        2,
        "{said}"
    );
}

#[test]
fn a_certificate_that_is_none_is_refused_at_the_start() {
    let scene = Scene::new();
    let [one, other] = [pems(), pems()];
    for (certificate, key) in [
        ("", one[2].as_str()),
        (one[1].as_str(), ""),
        (one[1].as_str(), other[2].as_str()),
        (one[2].as_str(), one[2].as_str()),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            one[2].as_str(),
        ),
    ] {
        scene.desk.write("cert.pem", certificate);
        scene.desk.write("cert.key", key);
        let output = scene
            .command(&["--tls-cert", "cert.pem", "--tls-key", "cert.key"])
            .output()
            .unwrap();
        let code = output.status.code().unwrap();
        assert!((2..=8).contains(&code), "{code}");
        crate::common::assert_refused(&output, code, certificate);
    }
}
