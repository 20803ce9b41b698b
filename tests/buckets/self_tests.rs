//! That the servers are servers, and that the proxy lets through what it should and breaks what it is
//! told to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::common::Random;
use crate::fake::{Certificate, Fault, Got, Page, send};
use crate::proxy::{Nobody, Proxy};
use crate::servers::{Bucket, Kind, May, Server};
use crate::specials;

const KEY: &str = "calls/2026/RE5eed.wav.enc";

/// The bodies of all faults that are about bytes.
fn body() -> Vec<u8> {
    Random(5).bytes(5000)
}

/// A bucket of each kind that there is a server for.
fn buckets() -> impl Iterator<Item = Bucket> {
    Kind::ALL.into_iter().filter_map(Kind::bucket)
}

/// Names of metadata that each vendor takes.
fn metadata(kind: Kind) -> [(&'static str, &'static str); 1] {
    match kind {
        Kind::Azure => [("x_amz_iv", "AAAA")],
        _ => [("x-amz-iv", "AAAA")],
    }
}

/// A bucket with an object, and a proxy before it.
fn scene(kind: Kind) -> Option<(Bucket, Proxy)> {
    let bucket = kind.bucket()?;
    bucket.put(KEY, body(), &metadata(kind));
    let proxy = Proxy::start(&bucket);
    Some((bucket, proxy))
}

/// Asks as who may do everything, or as another (S3's key id and secret).
fn ask_as(
    (bucket, base): (&Bucket, &str),
    pair: Option<[&str; 2]>,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Got {
    let host = base.strip_prefix("http://").unwrap();
    let mut all: Map<_, Value> = Map::new();
    all.insert("host".into(), host.into());
    if bucket.kind() == Kind::Azure {
        all.insert("x-ms-version".into(), "2023-11-03".into());
    }
    for (name, value) in headers {
        all.insert((*name).into(), (*value).into());
    }
    let mut call = json!({"method": method, "target": target, "headers": all});
    if let Some(pair) = pair {
        call["pair"] = json!(pair);
    }
    let signed = bucket.server.call("sign", call);
    let lines = signed["headers"].as_object().unwrap().iter();
    let lines: Vec<_> = lines
        .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()))
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let url = format!("{base}{}", signed["target"].as_str().unwrap());
    send(method, &url, &lines, body)
}

fn ask(bucket: &Bucket, base: &str, method: &str, target: &str, headers: &[(&str, &str)]) -> Got {
    ask_as((bucket, base), None, method, target, headers, b"")
}

/// Gets the object through the proxy.
fn get(bucket: &Bucket, proxy: &Proxy, headers: &[(&str, &str)]) -> Got {
    ask(bucket, &proxy.base(), "GET", &bucket.path(KEY), headers)
}

fn put(bucket: &Bucket, proxy: &Proxy, key: &str, body: &[u8]) -> Got {
    let kind: &[_] = match bucket.kind() {
        Kind::Azure => &[("x-ms-blob-type", "BlockBlob")],
        _ => &[],
    };
    let (base, path) = (proxy.base(), bucket.path(key));
    ask_as((bucket, &base), None, "PUT", &path, kind, body)
}

#[test]
fn servers_keep_what_they_are_given() {
    for bucket in buckets() {
        let kind = bucket.kind();
        assert!(bucket.keys().is_empty() && bucket.get(KEY).is_none());
        let odd = "calls/a b+c%20d/ö.enc";
        for key in [odd, KEY] {
            bucket.put(key, body(), &metadata(kind));
            let object = bucket.get(key).expect("it is there");
            assert_eq!(object.body, body());
            assert_eq!(object.kind, "application/octet-stream");
            for (name, value) in metadata(kind) {
                assert_eq!(object.metadata[name], value, "{kind:?}");
            }
        }
        assert_eq!(bucket.keys(), [KEY, odd], "{kind:?}");
        bucket.delete(odd);
        assert_eq!(bucket.keys(), [KEY]);
        let other = kind.bucket().unwrap();
        assert!(other.name != bucket.name && other.keys().is_empty());
        let url = bucket.url("x/y");
        assert_eq!(url, format!("{}://{}/x/y", kind.scheme(), bucket.name));
    }
}

#[test]
fn the_proxy_changes_nothing() {
    for bucket in buckets() {
        let kind = bucket.kind();
        let proxy = Proxy::start(&bucket);
        let done = put(&bucket, &proxy, KEY, &body());
        assert!(["200", "201"].contains(&done.status()), "{}", done.head);
        assert_eq!(bucket.get(KEY).unwrap().body, body(), "{kind:?}");
        let got = get(&bucket, &proxy, &[]);
        assert_eq!(got.status(), "200", "{kind:?} {}", got.text());
        assert_eq!(got.whole().unwrap(), body());
        let head = ask(&bucket, &proxy.base(), "HEAD", &bucket.path(KEY), &[]);
        assert_eq!(head.header("content-length"), Some("5000"), "{kind:?}");
        assert_eq!(head.header("etag"), got.header("etag"));
        assert!(head.body.is_empty());
        let part = get(&bucket, &proxy, &[("range", "bytes=10-19")]);
        assert_eq!(part.status(), "206");
        assert_eq!(part.header("content-range"), Some("bytes 10-19/5000"));
        assert_eq!(part.body, body()[10..20]);

        let seen = proxy.requests();
        let methods: Vec<_> = seen.iter().map(|seen| &*seen.request.method).collect();
        assert_eq!(methods, ["PUT", "GET", "HEAD", "GET"]);
        assert_eq!(seen[0].request.body, body());
        assert_eq!(seen[3].header("Range"), Some("bytes=10-19"));
        let host = proxy.base().replace("http://", "");
        assert!(seen.iter().all(|seen| seen.header("host") == Some(&host)));
        assert_eq!(seen[3].status, 206);
        assert_eq!(proxy.requests_of("GET /").len(), 2);
    }
}

#[test]
fn what_is_there_is_not_replaced_on_that_condition() {
    for bucket in buckets() {
        let (base, path) = (&bucket.server.base, bucket.path(KEY));
        let (headers, refused): (&[_], _) = match bucket.kind() {
            Kind::S3 => (&[("if-none-match", "*")], "412"),
            Kind::Azure => (
                &[("if-none-match", "*"), ("x-ms-blob-type", "BlockBlob")],
                "409",
            ),
            Kind::Gcs => (&[("x-goog-if-generation-match", "0")], "412"),
        };
        let put = |body: &[u8]| ask_as((&bucket, base), None, "PUT", &path, headers, body);
        assert!(put(b"1").status().starts_with("20"));
        let got = put(b"2");
        assert_eq!(got.status(), refused, "{}", got.text());
        assert_eq!(bucket.get(KEY).unwrap().body, b"1");
    }
}

#[test]
fn google_speaks_in_its_own_names() {
    let Some(bucket) = Kind::Gcs.bucket() else {
        return;
    };
    let quoted = bucket.path("a%2Fb%20c%2Eenc").replace('-', "%2D");
    let ask = |method: &str, headers: &[(&str, &str)], body: &[u8]| {
        ask_as(
            (&bucket, &bucket.server.base),
            None,
            method,
            &quoted,
            headers,
            body,
        )
    };
    let metadata = [("x-goog-meta-x-amz-iv", "AAAA"), ("x-goog-meta-a_b", "c")];
    assert_eq!(ask("PUT", &metadata, b"1").status(), "200");
    let object = bucket.get("a/b c.enc").unwrap();
    assert_eq!(object.metadata["x-amz-iv"], "AAAA");
    assert_eq!(object.metadata["a_b"], "c");
    let got = ask("GET", &[], b"");
    for (name, value) in metadata {
        assert_eq!(got.header(name), Some(value));
    }
    assert!(got.headers().all(|(name, _)| !name.starts_with("x-amz-")));
    let generation = got.header("x-goog-generation").unwrap();
    let only = |generation| ask("PUT", &[("x-goog-if-generation-match", generation)], b"2");
    assert_eq!(only("5").status(), "412");
    assert_eq!(only(generation).status(), "200");
    assert_eq!(only(generation).status(), "412");
    assert_eq!(bucket.get("a/b c.enc").unwrap().body, b"2");
}

#[test]
fn the_proxy_can_be_asked_over_tls() {
    let Some((bucket, _)) = scene(Kind::Gcs) else {
        return;
    };
    let proxy = Proxy::start_tls(&bucket, Certificate::Good);
    let pem = std::fs::read_to_string(proxy.ca_file()).unwrap();
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    let der = BASE64_STANDARD.decode(lines.collect::<String>()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der.into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "127.0.0.1".try_into().unwrap();
    let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let host = proxy.base().replace("https://", "");
    let mut stream = rustls::StreamOwned::new(client, TcpStream::connect(&host).unwrap());
    let path = bucket.path(KEY);
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert!(bytes.ends_with(&body()));
}

#[test]
fn who_may_not_is_refused() {
    let pair_of = |settings: Vec<(&str, String)>| {
        let value = |name: &str| {
            let mut settings = settings.iter();
            settings
                .find(|(other, _)| *other == name)
                .unwrap()
                .1
                .clone()
        };
        [value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")]
    };
    if let Some((bucket, proxy)) = scene(Kind::S3) {
        let path = bucket.path(KEY);
        let uploads = bucket.path("other") + "?uploads=";
        let list = bucket.path("") + "?list-type=2&prefix=calls%2F";
        for (may, allowed) in [
            (May::All, ["200", "200", "200", "200"]),
            (May::Read, ["200", "200", "403", "403"]),
            (May::Get, ["200", "403", "403", "403"]),
            (May::Write, ["403", "403", "200", "200"]),
            (May::Begin, ["403", "403", "200", "200"]),
            (May::Nothing, ["403", "403", "403", "403"]),
        ] {
            let pair = pair_of(proxy.settings_of(may));
            let pair = Some([pair[0].as_str(), pair[1].as_str()]);
            let base = proxy.base();
            let asked = [
                ("GET", &path, &b""[..]),
                ("GET", &list, b""),
                ("PUT", &path, b"other"),
                ("POST", &uploads, b""),
            ];
            for ((method, target, body), allowed) in asked.into_iter().zip(allowed) {
                let got = ask_as((&bucket, &base), pair, method, target, &[], body);
                assert_eq!(got.status(), allowed, "{may:?} {method} {}", got.text());
                assert_eq!(allowed == "403", got.text().contains("AccessDenied"));
            }
        }
        assert_eq!(bucket.uploads(), ["other"; 3]);
        let [user, secret] = pair_of(proxy.settings_with_wrong_secret());
        let pair = Some([user.as_str(), secret.as_str()]);
        let got = ask_as((&bucket, &proxy.base()), pair, "GET", &path, &[], b"");
        assert!(
            got.text().contains("SignatureDoesNotMatch"),
            "{}",
            got.text()
        );
        let pair = Some(["AKIANOBODY", "x"]);
        let got = ask_as((&bucket, &proxy.base()), pair, "GET", &path, &[], b"");
        assert!(got.text().contains("InvalidAccessKeyId"), "{}", got.text());
    }
    if let Some((bucket, proxy)) = scene(Kind::Azure) {
        for (may, read, write) in [
            (May::Read, "200", "403"),
            (May::Write, "403", "201"),
            (May::Nothing, "403", "403"),
        ] {
            let settings = proxy.settings_of(may);
            let url = format!("{}{}?{}", proxy.base(), bucket.path(KEY), settings[2].1);
            let version = "x-ms-version: 2023-11-03";
            let got = send("GET", &url, &[version], b"");
            assert_eq!(got.status(), read, "{may:?} {}", got.text());
            let kind = "x-ms-blob-type: BlockBlob";
            let got = send("PUT", &url, &[version, kind], b"other");
            assert_eq!(got.status(), write, "{may:?} {}", got.text());
        }
    }
}

#[test]
fn what_is_left_of_an_upload_is_seen() {
    for bucket in [Kind::S3, Kind::Gcs].into_iter().filter_map(Kind::bucket) {
        let target = bucket.path("left") + "?uploads=";
        let got = ask(&bucket, &bucket.server.base, "POST", &target, &[]);
        assert_eq!(got.status(), "200", "{}", got.text());
        assert_eq!(bucket.uploads(), ["left"]);
        assert!(bucket.keys().is_empty());
    }
    if let Some(bucket) = Kind::Azure.bucket() {
        let target = bucket.path("left") + "?comp=block&blockid=MDAw";
        let base = &bucket.server.base;
        let got = ask_as((&bucket, base), None, "PUT", &target, &[], b"a block");
        assert_eq!(got.status(), "201", "{}", got.text());
        assert_eq!(bucket.uploads(), ["left"]);
        assert!(bucket.keys().is_empty());
    }
}

#[test]
fn connections_break_where_they_should() {
    for kind in Kind::ALL {
        let Some((bucket, proxy)) = scene(kind) else {
            continue;
        };
        let broken = |fault: Fault| {
            proxy.fault("GET /", fault, 1);
            get(&bucket, &proxy, &[])
        };
        let got = broken(Fault::Reset);
        assert!(got.reset && got.head.is_empty());
        let got = broken(Fault::CutAfter(1000));
        assert!(!got.reset && got.body == body()[..1000]);
        assert_eq!(got.header("content-length"), Some("5000"));
        let got = broken(Fault::ResetAfter(1000));
        assert!(got.reset && got.body.len() <= 1000);
        let got = broken(Fault::LengthLarger(7));
        assert_eq!(got.header("content-length"), Some("5007"));
        assert_eq!(got.body, body());
        let got = broken(Fault::LengthSmaller(7));
        assert_eq!(got.header("content-length"), Some("4993"));
        let got = broken(Fault::ChunkedCut(1000));
        assert!(got.whole().is_none());
        let got = broken(Fault::CloseDelimited);
        assert!(got.header("content-length").is_none() && got.body == body());
        let got = broken(Fault::Garbage);
        assert!(!got.head.starts_with("HTTP"));
        let start = Instant::now();
        let stall = Duration::from_millis(200);
        assert_eq!(broken(Fault::StallInBody(1000, stall)).body, body());
        assert_eq!(broken(Fault::StallBeforeHeaders(stall)).body, body());
        assert!(start.elapsed() >= stall * 2);
        assert!(proxy.unmet().is_empty());
        assert_eq!(get(&bucket, &proxy, &[]).whole().unwrap(), body());
        proxy.close();
        let refused = TcpStream::connect(proxy.base().replace("http://", ""));
        assert!(refused.is_err());
    }
    let nobody = Nobody::new();
    let refused = TcpStream::connect(nobody.base().replace("http://", ""));
    let kind = refused.unwrap_err().kind();
    assert_eq!(kind, std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn answers_say_what_they_should() {
    for kind in Kind::ALL {
        let Some((bucket, proxy)) = scene(kind) else {
            continue;
        };
        let said = |fault: Fault, headers: &[(&str, &str)]| {
            proxy.fault("GET /", fault, 1);
            get(&bucket, &proxy, headers)
        };
        for status in [408, 425, 429, 500, 503] {
            let got = said(Fault::Refuse(status), &[]);
            assert_eq!(got.status(), status.to_string());
            assert!(got.header("retry-after").is_none());
            let got = said(Fault::retry_after(status, "3"), &[]);
            assert_eq!(got.status(), status.to_string());
            assert_eq!(got.header("retry-after"), Some("3"));
        }
        let range = ("range", "bytes=1000-1999");
        let got = said(Fault::WrongContentRange, &[range]);
        let lie = "bytes 1001-2000/5000";
        assert_eq!(got.header("content-range"), Some(lie), "{kind:?}");
        assert_eq!(got.body, body()[1000..2000]);
        let got = said(Fault::IgnoreRange, &[range]);
        assert_eq!(got.status(), "200", "{kind:?} {}", got.text());
        assert_eq!(got.whole().unwrap(), body());
        let got = said(Fault::NotSatisfiable, &[range]);
        assert_eq!(got.status(), "416");
        let got = said(Fault::PartialToPlain, &[]);
        assert_eq!(got.header("content-range"), Some("bytes 0-2499/5000"));
        assert_eq!((got.status(), got.body.len()), ("206", 2500));

        let tag = get(&bucket, &proxy, &[]).header("etag").unwrap().to_owned();
        let resumed = [range, ("if-match", tag.as_str())];
        let got = said(Fault::NewEtag, &resumed);
        assert_eq!(got.status(), "206", "{kind:?} {}", got.text());
        assert_eq!(got.body, body()[1000..2000]);
        assert_ne!(got.header("etag"), Some(&*tag));
        let got = said(Fault::Replaced, &resumed);
        assert_eq!(got.status(), "412", "{kind:?} {}", got.text());
        let got = said(Fault::OtherBytes, &resumed);
        assert!(got.header("etag") == Some(&*tag) && got.body != body()[1000..2000]);

        let got = said(Fault::ErrorPage(Page::Html), &[]);
        assert!(got.status() == "200" && got.text().contains("<html>"));
        let got = said(Fault::RedirectTo("http://10.0.0.1/x".into()), &[]);
        assert_eq!(got.header("location"), Some("http://10.0.0.1/x"));
        let got = said(Fault::Redirects(1), &[]);
        let base = proxy.base();
        let got = ask(&bucket, &base, "GET", got.header("location").unwrap(), &[]);
        assert_eq!(got.whole().unwrap(), body(), "{kind:?} {}", got.text());
        assert!(proxy.unmet().is_empty());
    }
}

#[test]
fn a_fault_waits_for_its_request() {
    let Some((bucket, proxy)) = scene(Kind::S3) else {
        return;
    };
    proxy.fault_after("GET /", 1, Fault::Refuse(503), 1);
    proxy.fault("PUT /", Fault::Refuse(503), 1);
    proxy.fault("PUT /nowhere", Fault::Refuse(503), 1);
    let statuses: Vec<_> = (0..3)
        .map(|_| get(&bucket, &proxy, &[]).status().to_owned())
        .collect();
    assert_eq!(statuses, ["200", "503", "200"]);
    // Refused, it is not done; reset, it is.
    assert_eq!(put(&bucket, &proxy, "new", b"1").status(), "503");
    assert!(bucket.get("new").is_none());
    proxy.fault("PUT /", Fault::Unheard, 1);
    assert!(put(&bucket, &proxy, "new", b"1").reset);
    assert!(bucket.get("new").is_none());
    proxy.fault("PUT /", Fault::Reset, 1);
    assert!(put(&bucket, &proxy, "new", b"1").reset);
    assert_eq!(bucket.get("new").unwrap().body, b"1");
    assert_eq!(proxy.unmet().len(), 1);
    // However the client quotes.
    let place = format!("PUT {}", bucket.path("100% new"));
    proxy.fault(&place, Fault::Refuse(503), 1);
    let quoted = put(&bucket, &proxy, "100%25%20n%65w", b"1");
    assert_eq!(quoted.status(), "503");
    assert_eq!(proxy.requests_of(&place).len(), 1);
    proxy.mend();
    proxy.forget();
    assert!(proxy.unmet().is_empty() && proxy.requests().is_empty());
}

#[test]
fn specials_say_what_the_vendors_do() {
    let Some((bucket, proxy)) = scene(Kind::S3) else {
        return;
    };
    let region = Some(("x-amz-bucket-region", "eu-west-1"));
    for (fault, status, code, header) in [
        (specials::clock_off(), "403", "RequestTimeTooSkewed", None),
        (specials::moved_region(), "301", "PermanentRedirect", region),
        (
            specials::wrong_region(),
            "400",
            "AuthorizationHeaderMalformed",
            region,
        ),
        (specials::wrong_region_of_head(), "400", "", region),
        (specials::denied(), "403", "AccessDenied", None),
        (specials::no_bucket(), "404", "NoSuchBucket", None),
        (specials::token_expired(), "400", "ExpiredToken", None),
        (specials::archived(), "403", "InvalidObjectState", None),
        (specials::error_in_200(), "200", "InternalError", None),
        (specials::no_upload(), "404", "NoSuchUpload", None),
        (specials::exists(), "412", "PreconditionFailed", None),
        (
            specials::conflict(),
            "409",
            "ConditionalRequestConflict",
            None,
        ),
        (
            specials::slow_down("2"),
            "503",
            "SlowDown",
            Some(("retry-after", "2")),
        ),
        (
            specials::redirect(307, "http://x/"),
            "307",
            "TemporaryRedirect",
            Some(("location", "http://x/")),
        ),
        (
            specials::azure_clock_off(),
            "403",
            "AuthenticationFailed",
            None,
        ),
        (
            specials::azure_denied(),
            "403",
            "AuthorizationPermissionMismatch",
            None,
        ),
        (
            specials::azure_no_container(),
            "404",
            "ContainerNotFound",
            None,
        ),
        (specials::azure_exists(), "409", "BlobAlreadyExists", None),
        (specials::azure_leased(), "412", "LeaseIdMissing", None),
        (specials::azure_archived(), "409", "BlobArchived", None),
        (
            specials::azure_busy(),
            "503",
            "ServerBusy",
            Some(("x-ms-error-code", "ServerBusy")),
        ),
    ] {
        proxy.fault("PUT /", fault, 1);
        let got = put(&bucket, &proxy, "new", b"1");
        assert_eq!(got.status(), status, "{code}");
        assert!(got.text().contains(&format!("<Code>{code}</Code>")) != code.is_empty());
        if let Some((name, value)) = header {
            assert_eq!(got.header(name), Some(value), "{code}");
        }
        assert!(bucket.get("new").is_none(), "{code}");
    }
}

#[test]
fn servers_end_with_who_started_them() {
    // Google's is like S3's.
    let ends = |kind, killed| {
        let Some(server) = Server::start(kind) else {
            return;
        };
        let address = server.base.replace("http://", "");
        assert!(TcpStream::connect(&address).is_ok());
        server.end(killed);
        let start = Instant::now();
        while TcpStream::connect(&address).is_ok() {
            assert!(start.elapsed() < Duration::from_secs(10), "{kind:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    std::thread::scope(|scope| {
        for kind in [Kind::S3, Kind::Azure] {
            scope.spawn(move || [false, true].map(|killed| ends(kind, killed)));
        }
    });
}
