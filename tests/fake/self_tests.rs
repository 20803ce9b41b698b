//! That the server does what it says: right where it is to be right, and wrong as it was told.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::DecodePrivateKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fake::{
    ACCOUNT, API_KEY, API_SECRET, APPLICATION, Fake, Fault, FlexUser, Got, OPENTOK_KEY,
    OPENTOK_SECRET, Page, Voice, flex_token, http_date, send,
};

fn ask(url: &str, headers: &[&str]) -> Got {
    send("GET", url, headers, b"")
}

pub(crate) fn basic() -> String {
    let pair = BASE64_STANDARD.encode(format!("{API_KEY}:{API_SECRET}"));
    format!("Authorization: Basic {pair}")
}

const MEDIA: &[u8] = b"0123456789abcdefghij";
const RECORDING: &str = "RE5eed00000000000000000000000000aa";

/// A server with one recording, its URL, and a link to the same bytes in storage.
fn small() -> (Fake, String, String) {
    let fake = Fake::start();
    fake.add_voice(Voice::new(RECORDING, MEDIA, Value::Null));
    let api = format!(
        "{}/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}",
        fake.base()
    );
    let link = fake.put(
        "/bucket/object",
        MEDIA,
        &[("x-amz-meta-x-amz-iv", "AAAA")],
        false,
    );
    (fake, api, link)
}

#[test]
fn storage_is_as_s3() {
    let (fake, _, link) = small();
    let got = ask(&link, &[]);
    assert_eq!((got.status(), &got.body[..]), ("200", MEDIA));
    assert_eq!(got.header("x-amz-meta-x-amz-iv"), Some("AAAA"));
    let tag = got.header("etag").expect("a tag").to_owned();
    let got = ask(&link, &["Range: bytes=5-", &format!("If-Range: {tag}")]);
    assert_eq!((got.status(), &got.body[..]), ("206", &MEDIA[5..]));
    assert_eq!(got.header("content-range"), Some("bytes 5-19/20"));
    assert_eq!(
        ask(&link, &["Range: bytes=5-", "If-Range: \"x\""]).body,
        MEDIA
    );
    assert_eq!(ask(&link, &["Range: bytes=-3"]).body, b"hij");
    assert_eq!(ask(&link, &["Range: bytes=20-"]).status(), "416");
    let refused = ask(&link, &[&basic()]);
    assert!(refused.status() == "400" && refused.text().contains("Only one auth mechanism"));
    assert!(
        ask(&format!("{link}0"), &[])
            .text()
            .contains("SignatureDoesNotMatch")
    );
    fake.style(|style| style.link_seconds = 0);
    let late = fake.put("/bucket/late", MEDIA, &[], false);
    assert!(ask(&late, &[]).text().contains("Request has expired"));
    let public = fake.put("/bucket/public", MEDIA, &[], true);
    assert_eq!(ask(&public, &[]).body, MEDIA);
    assert_eq!(fake.requests().len(), 9);
}

#[test]
fn what_breaks_breaks_as_said() {
    let (fake, api, _) = small();
    let get = |fault: Fault, headers: &[&str]| {
        fake.fault("GET api:", fault, 1);
        let start = Instant::now();
        let got = ask(&api, &[&[basic().as_str()], headers].concat());
        fake.mend();
        (got, start.elapsed())
    };
    let length = |got: &Got| got.header("content-length").map(str::to_owned);

    let (got, _) = get(Fault::Reset, &[]);
    assert!(got.reset && got.head.is_empty());
    let (got, _) = get(Fault::ResetAfter(7), &[]);
    assert!(got.reset && got.body == MEDIA[..7] && length(&got).as_deref() == Some("20"));
    let (got, _) = get(Fault::CutAfter(7), &[]);
    assert!(!got.reset && got.body == MEDIA[..7]);
    let (got, _) = get(Fault::LengthLarger(3), &[]);
    assert!(got.body == MEDIA && length(&got).as_deref() == Some("23"));
    let (got, _) = get(Fault::LengthSmaller(3), &[]);
    assert!(got.body == MEDIA && length(&got).as_deref() == Some("17"));
    let (got, _) = get(Fault::Chunked, &[]);
    assert_eq!(got.body, b"14\r\n0123456789abcdefghij\r\n0\r\n\r\n");
    let (got, _) = get(Fault::ChunkedCut(7), &[]);
    assert_eq!(got.body, b"7\r\n0123456\r\n");
    let (got, _) = get(Fault::CloseDelimitedCut(7), &[]);
    assert!(got.body == MEDIA[..7] && length(&got).is_none());
    let (got, _) = get(Fault::retry_after(429, "120"), &[]);
    assert!(got.status() == "429" && got.text().contains("<Code>20429</Code>"));
    assert_eq!(got.header("retry-after"), Some("120"));
    let (got, _) = get(Fault::PartialToPlain, &[]);
    assert!(got.status() == "206" && got.body == MEDIA[..10]);

    let range = &["Range: bytes=4-"][..];
    let (got, _) = get(Fault::IgnoreRange, range);
    assert!(got.status() == "200" && got.body == MEDIA);
    let (got, _) = get(Fault::WrongContentRange, range);
    assert_eq!(got.header("content-range"), Some("bytes 5-20/20"));
    let (got, _) = get(Fault::OtherBytes, range);
    assert!(got.body[0] == MEDIA[4] ^ 1);
    let (got, _) = get(Fault::Replaced, &[range[0], "If-Range: \"old\""]);
    assert!(got.status() == "200" && got.body.len() == 20 && got.body[0] == MEDIA[0] ^ 1);
    let (got, _) = get(Fault::NewEtag, &[range[0], "If-Range: \"old\""]);
    assert!(got.status() == "206" && got.body == MEDIA[4..]);
    // It waits for its request.
    fake.fault("GET api:", Fault::NotSatisfiable, 1);
    assert_eq!(ask(&api, &[&basic()]).status(), "200");
    assert_eq!(ask(&api, &[&basic(), range[0]]).status(), "416");

    let pause = Duration::from_millis(200);
    let (got, took) = get(Fault::StallBeforeHeaders(pause), &[]);
    assert!(got.body == MEDIA && took >= pause);
    let (got, took) = get(Fault::StallInBody(3, pause), &[]);
    assert!(got.body == MEDIA && took >= pause);
    let (got, took) = get(Fault::Dribble(pause / 20), &[]);
    assert!(got.body == MEDIA && took >= pause);
    let (got, _) = get(Fault::Headers(2 << 20), &[]);
    assert!(got.head.len() > 2_000_000 && got.body == MEDIA);
    let (got, _) = get(Fault::ErrorPage(Page::Xml), &[]);
    assert!(got.status() == "200" && got.text().contains("RestException"));
    let (got, _) = get(Fault::Empty, &[]);
    assert!(got.body.is_empty() && length(&got).as_deref() == Some("0"));
    let (got, _) = get(Fault::Gzip, &[]);
    assert_eq!(unzipped(&got.body), Some(MEDIA.to_vec()));

    let (got, _) = get(Fault::WeakEtag, &[]);
    assert!(
        got.header("etag")
            .is_some_and(|tag| tag.starts_with("W/\""))
    );
    let (got, _) = get(Fault::NoEtag, &[]);
    assert!(got.body == MEDIA && got.header("etag").is_none());
    let (got, _) = get(Fault::WholeAsPartial, &[]);
    assert!(got.status() == "206" && got.body == MEDIA);
    let (got, _) = get(Fault::Expired, &[]);
    assert!(got.status() == "403" && got.text().contains("Request has expired"));
    let (got, _) = get(Fault::NotFound, &[]);
    assert!(got.status() == "404" && got.text().contains("<Code>20404</Code>"));
    let (got, _) = get(Fault::RedirectTo("http://user@example".into()), &[]);
    assert_eq!(got.header("location"), Some("http://user@example"));
    let (got, _) = get(Fault::RedirectLoop, &[]);
    assert!(
        got.header("location")
            .is_some_and(|place| api.ends_with(place))
    );
    let (got, _) = get(Fault::Answer(200, "text/plain", b"hello".to_vec()), &[]);
    assert_eq!(got.body, b"hello");
    let (got, _) = get(Fault::With(vec![("Content-Type", "video/mp4".into())]), &[]);
    assert!(got.body == MEDIA && got.header("content-type") == Some("video/mp4"));
    let (got, _) = get(Fault::Garbage, &[]);
    assert!(!got.head.starts_with("HTTP"));

    let mut place = api.clone();
    let mut hops = 0;
    fake.fault(RECORDING, Fault::Redirects(6), usize::MAX);
    let got = loop {
        let got = ask(&place, &[&basic()]);
        match got.header("location") {
            Some(path) if path.starts_with('/') => place = fake.base() + path,
            Some(url) => url.clone_into(&mut place),
            None => break got,
        }
        hops += 1;
    };
    assert!(hops == 6 && got.body == MEDIA);
}

/// What `gzip -d` makes of it.
fn unzipped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut child = std::process::Command::new("gzip")
        .arg("-dc")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(bytes).ok()?;
    let output = child.wait_with_output().ok()?;
    output.status.success().then_some(output.stdout)
}

#[test]
fn lists_end_and_can_be_endless() {
    let (fake, _, _) = small();
    fake.flood_voice(Voice::new(RECORDING, MEDIA, Value::Null), 2500);
    let mut target = format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings.json?PageSize=1000");
    let mut sids = std::collections::HashSet::new();
    let mut pages = 0;
    loop {
        let page = ask(&(fake.base() + &target), &[&basic()]).json();
        let items = page["recordings"].as_array().expect("a list");
        sids.extend(items.iter().map(|item| item["sid"].to_string()));
        pages += 1;
        match page["next_page_uri"].as_str() {
            Some(next) => next.clone_into(&mut target),
            None => break,
        }
    }
    assert_eq!((pages, sids.len()), (3, 2501));
    fake.fault("Page=2", Fault::RepeatPage, 1);
    let page = ask(&(fake.base() + &target), &[&basic()]).json();
    assert_eq!(page["next_page_uri"], target);
    fake.fault("Recordings.json", Fault::HugeJson(17 << 20), 1);
    let got = ask(&(fake.base() + &target), &[&basic()]);
    assert!(got.body.len() > 17 << 20 && got.json()["page"] == 2);
}

pub(crate) fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let text = [header, claims].map(|value| encode(value.to_string().as_bytes()));
    let text = text.join(".");
    format!("{text}.{}", encode(&sign(text.as_bytes())))
}

/// A token of Vonage's application that holds until then.
pub(crate) fn unified_token(fake: &Fake, exp: i64) -> String {
    let key = std::fs::read_to_string(fake.vonage_key()).expect("a key");
    let key = RsaPrivateKey::from_pkcs8_pem(&key).expect("a key");
    let rs256 = |bytes: &[u8]| {
        let prefix =
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
        let scheme = Pkcs1v15Sign {
            hash_len: Some(32),
            prefix: Box::new(*prefix),
        };
        key.sign(scheme, &Sha256::digest(bytes))
            .expect("a signature")
    };
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({"application_id": APPLICATION, "iat": now, "exp": exp, "jti": "1"});
    let token = token(&json!({"alg": "RS256", "typ": "JWT"}), &claims, rs256);
    format!("Authorization: Bearer {token}")
}

/// A token of OpenTok's project.
pub(crate) fn opentok_token(secret: &str, jti: &str) -> String {
    let hs256 = |bytes: &[u8]| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
        mac.chain_update(bytes).finalize().into_bytes().to_vec()
    };
    let now = jiff::Timestamp::now().as_second();
    let claims =
        json!({"iss": OPENTOK_KEY, "ist": "project", "iat": now, "exp": now + 300, "jti": jti});
    let token = token(&json!({"alg": "HS256", "typ": "JWT"}), &claims, hs256);
    format!("X-OPENTOK-AUTH: {token}")
}

#[test]
fn vonage_wants_its_tokens() {
    let fake = Fake::with_fixtures();
    let now = jiff::Timestamp::now().as_second();
    let unified = |exp: i64| {
        let url = format!("{}/v2/project/{APPLICATION}/archive?count=2", fake.base());
        ask(&url, &[&unified_token(&fake, exp)])
    };
    let got = unified(now + 900);
    assert_eq!(got.json()["count"], 4);
    let link = got.json()["items"][0]["url"].clone();
    assert!(link.is_null(), "the newest went to the customer's bucket");
    let link = got.json()["items"][1]["url"].clone();
    assert_eq!(ask(link.as_str().expect("a link"), &[]).body.len(), 22_944);
    assert_eq!(unified(now + 3600).status(), "401");
    assert_eq!(unified(now - 1).json()["title"], "Unauthorized");

    let opentok = |secret: &str, jti: &str| {
        let url = format!("{}/v2/project/{OPENTOK_KEY}/archive", fake.base());
        ask(&url, &[&opentok_token(secret, jti)])
    };
    assert_eq!(opentok(OPENTOK_SECRET, "1").json()["count"], 2);
    assert_eq!(opentok(OPENTOK_SECRET, "1").status(), "403");
    assert_eq!(opentok("another", "2").status(), "403");
}

#[test]
fn https_is_under_its_own_authority() {
    let fake = Fake::start_tls();
    fake.add_voice(Voice::new(RECORDING, MEDIA, Value::Null));
    let mut roots = rustls::RootCertStore::empty();
    let pem = fake.ca_pem().lines().filter(|line| !line.starts_with('-'));
    let der = BASE64_STANDARD
        .decode(pem.collect::<String>())
        .expect("a certificate");
    roots.add(der.into()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let read = |fault: Option<Fault>| {
        if let Some(fault) = fault {
            fake.fault("", fault, 1);
        }
        let name = "127.0.0.1".try_into().expect("a name");
        let client = rustls::ClientConnection::new(Arc::clone(&config), name).expect("a client");
        let base = fake.base();
        let stream = TcpStream::connect(base.trim_start_matches("https://")).expect("a server");
        let mut stream = rustls::StreamOwned::new(client, stream);
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}.wav");
        write!(stream, "GET {path} HTTP/1.1\r\n{}\r\n\r\n", basic()).expect("it reads");
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).map_err(|error| error.kind());
        (bytes.ends_with(MEDIA), end.map(|_| ()))
    };
    assert_eq!(read(Some(Fault::CloseDelimited)), (true, Ok(())));
    let cut = read(Some(Fault::CloseDelimitedCut(99)));
    assert_eq!(cut, (true, Err(ErrorKind::UnexpectedEof)));
    assert!(http_date(0).ends_with(" GMT"));
    drop(fake);
}

#[test]
fn flex_tokens_are_valid_for_their_account_until_they_end() {
    let fake = Fake::start();
    let token = flex_token("anna");
    fake.add_flex_token(&token, FlexUser::agent("anna"));
    fake.add_flex_token("old", FlexUser::agent("otto").for_millis(-1));
    let validate = |account: &str, header: &str, token: &str| {
        let url = format!("{}/v1/Accounts/{account}/Tokens/validate", fake.base());
        let headers = [header, "Content-Type: application/json"];
        let body = json!({"token": token}).to_string();
        send("POST", &url, &headers, body.as_bytes())
    };
    let got = validate(ACCOUNT, &basic(), &token).json();
    assert_eq!(got["valid"], true);
    assert_eq!(got["identity"], "anna_40example_2Dcom");
    assert_eq!(got["roles"], json!(["agent"]));
    for token in ["old", "unknown"] {
        let got = validate(ACCOUNT, &basic(), token);
        assert_eq!(
            (got.status(), got.json()["code"].as_u64()),
            ("200", Some(20101))
        );
        assert_eq!(got.json()["valid"], false);
    }
    let got = validate("AC5eed00000000000000000000000000ff", &basic(), &token);
    assert_eq!(
        (got.status(), got.json()["code"].as_u64()),
        ("404", Some(20404))
    );
    assert_eq!(
        validate(ACCOUNT, "X-No: credentials", &token).status(),
        "401"
    );
    assert_eq!(fake.validations(), 5);
    fake.fault("Tokens/validate", Fault::Status(500, vec![]), 1);
    assert_eq!(validate(ACCOUNT, &basic(), &token).status(), "500");
}
