//! Certificates, and addresses behind names.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::api::address::Guard;
use crate::api::failure::{Failure, Then};

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server with a certificate of `authority` for `name`.
fn config(authority: &CertifiedIssuer<'_, KeyPair>, name: &str, expired: bool) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    }
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

/// Answers connections with a certificate of `authority` for `name`; its URL.
fn serve(authority: &CertifiedIssuer<'_, KeyPair>, name: &str, expired: bool) -> String {
    let config = Arc::new(config(authority, name, expired));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            server::head(&mut stream);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
            let _ = stream.flush();
        }
    });
    format!("https://localhost:{port}/")
}

/// Answers connections with frames of HTTP/2, after the head of the first request; its URL.
fn serve_frames(authority: &CertifiedIssuer<'_, KeyPair>, frames: &'static [&[u8]]) -> String {
    let mut config = config(authority, "localhost", false);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            stream.read_exact(&mut [0; 24]).unwrap();
            // SETTINGS.
            stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
            let mut head = [0; 9];
            // Until HEADERS.
            while head[3] != 1 {
                stream.read_exact(&mut head).unwrap();
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                stream
                    .read_exact(&mut vec![0; length.try_into().unwrap()])
                    .unwrap();
            }
            stream.write_all(&frames.concat()).unwrap();
            stream.flush().unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    format!("https://localhost:{port}/")
}

#[test]
fn a_stream_that_is_reset_has_no_end() {
    /// HEADERS: `:status: 200`.
    const HEADERS: &[u8] = &[0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88];
    const DATA: &[u8] = b"\x00\x00\x05\x00\x00\x00\x00\x00\x01media";
    const LAST: &[u8] = b"\x00\x00\x05\x00\x01\x00\x00\x00\x01media";
    /// `RST_STREAM`: `NO_ERROR`.
    const RESET: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let authority = authority("known");
    let bring = |frames| {
        let authorities = Some(("ca.pem".to_owned(), authority.pem().into_bytes()));
        let policy = Policy {
            retries: 0,
            ..hasty()
        };
        let client = Client::with(policy, authorities);
        let media = media(request(&serve_frames(&authority, frames)));
        let mut download = client.media(media, &Attempts::default()).unwrap();
        assert!(download.is_delimited);
        let mut bytes = Vec::new();
        let read = download.body.read_to_end(&mut bytes);
        let error = read.err();
        (bytes, error.map(|error| Error::within(&error).cloned()))
    };
    let (bytes, error) = bring(&[HEADERS, LAST]);
    assert_eq!((bytes.as_slice(), error), (&b"media"[..], None));
    let (bytes, error) = bring(&[HEADERS, LAST, RESET]);
    assert_eq!((bytes.as_slice(), error), (&b"media"[..], None));
    let (_, error) = bring(&[HEADERS, DATA, RESET]);
    assert!(matches!(error, Some(Some(Error::Cut { .. }))), "{error:?}");
}

fn ask(url: &str, pem: &str) -> Result<Vec<u8>, Error> {
    let authorities = Some(("ca.pem".to_owned(), pem.as_bytes().to_vec()));
    Client::with(hasty(), authorities).json(&request(url))
}

#[test]
fn certificates_are_trusted_where_an_authority_is() {
    let (known, unknown) = (authority("known"), authority("unknown"));
    let pem = known.pem();
    assert_eq!(
        ask(&serve(&known, "localhost", false), &pem),
        Ok(b"{}".to_vec())
    );
    let two = format!("a comment\n{}\n{pem}", unknown.pem());
    assert!(ask(&serve(&known, "localhost", false), &two).is_ok());
    for (url, why) in [
        (
            serve(&unknown, "localhost", false),
            "it was issued by nobody who is trusted",
        ),
        (
            serve(&known, "other.example", false),
            "it is for another name",
        ),
        (serve(&known, "localhost", true), "it has expired"),
    ] {
        let error = ask(&url, &pem).unwrap_err();
        assert!(
            matches!(&error, Error::NotTrusted { reason, .. } if reason == why),
            "{error:?}"
        );
    }
}

#[test]
fn authorities_have_to_be_usable() {
    let url = serve(&authority("one"), "localhost", false);
    let key = KeyPair::generate().unwrap().serialize_pem();
    let torn = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in [
        "",
        "text",
        torn,
        key.as_str(),
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
    ] {
        assert_eq!(
            ask(&url, pem),
            Err(Error::Authorities("ca.pem".to_owned())),
            "{pem}"
        );
    }
    let server = Server::of(vec![server::say("200 OK", "", b"x")]);
    assert!(
        ask(&server.url("/"), "text").is_ok(),
        "nothing of it is needed"
    );
}

#[test]
fn a_name_that_stands_for_this_machine_is_astray() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let guard = Guard::new(false);
    guard.watch("localhost");
    let guarded = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .dns_resolver(Arc::new(guard))
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sent = runtime.block_on(guarded.get("http://localhost:1/?s=3").send());
    let link = Link::parse("http://localhost:1/?s=3").unwrap();
    let base = Link::parse("https://api.example/").unwrap();
    let failure = Failure::of_request(&sent.unwrap_err(), &link, &base, &hasty());
    assert_eq!(failure.then, Then::Stop);
    let said = "api.example leads to http://localhost:1/?s, which is no public address";
    assert_eq!(failure.error.to_string(), said);
}

#[test]
fn who_goes_away_before_a_certificate_was_seen_is_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let goes = thread::spawn(move || drop(listener.accept()));
    let client = Client::with(
        Policy {
            retries: 0,
            ..hasty()
        },
        None,
    );
    let error = client.json(&request(&url)).unwrap_err();
    goes.join().unwrap();
    assert!(
        matches!(&error, Error::Unreachable { reason, .. } if reason == "the connection failed"),
        "{error:?}"
    );
}
