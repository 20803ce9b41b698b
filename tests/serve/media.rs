//! `/media`: the recording itself, whole and in parts, for whoever has a link.

use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::made::wait_for;
use crate::common::{Random, has};
use crate::connection::Connection;
use crate::link::{self, NEW, OLD, claims, now, signed, token};
use crate::scene::{ARCHIVE, CALL, MONO, PLAIN, Scene, TRACK, UNKNOWN, undated};

#[test]
fn ranges_are_as_rfc_9110_has_them() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let plaintext = scene.plaintext(CALL);
    let length = plaintext.len();
    let last = length - 1;
    let path = served.link(CALL);
    let tag = served.get(&path, &[]).header("etag").unwrap().to_owned();
    assert!(
        tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20,
        "{tag}"
    );
    let whole = None;
    let part = |first: usize, last: usize| Some(Some((first, last)));
    let none = Some(None);
    let if_range = |value: &str| format!("If-Range: {value}");
    for (range, condition, expected) in [
        ("bytes=0-", None, part(0, last)),
        ("bytes=0-0", None, part(0, 0)),
        ("bytes=0-99", None, part(0, 99)),
        ("bytes=65535-65536", None, part(65_535, 65_536)),
        ("bytes=65536-200000", None, part(65_536, 200_000)),
        (&format!("bytes={last}-"), None, part(last, last)),
        (&format!("bytes={last}-{length}"), None, part(last, last)),
        ("bytes=5-99999999999", None, part(5, last)),
        ("bytes=5-18446744073709551616", None, part(5, last)),
        ("bytes=-1", None, part(last, last)),
        ("bytes=-100", None, part(length - 100, last)),
        (&format!("bytes=-{length}"), None, part(0, last)),
        ("bytes=-99999999999", None, part(0, last)),
        ("Bytes=0-9", None, part(0, 9)),
        (&format!("bytes={length}-"), None, none),
        ("bytes=99999999-", None, none),
        ("bytes=99999999999999999999-", None, none),
        ("bytes=-0", None, none),
        ("bytes=9-5", None, whole),
        ("bytes=a-b", None, whole),
        ("bytes=-", None, whole),
        ("bytes=", None, whole),
        ("bytes", None, whole),
        ("", None, whole),
        ("items=0-9", None, whole),
        ("bytes=0-1,5-9", None, whole),
        ("bytes=0-0,-1", None, whole),
        (&format!("bytes=0-0{}", ",0-0".repeat(2000)), None, whole),
        ("bytes=0-9", Some(if_range(&tag)), part(0, 9)),
        ("bytes=0-9", Some(if_range("\"other\"")), whole),
        ("bytes=0-9", Some(if_range(&format!("W/{tag}"))), whole),
        (
            "bytes=0-9",
            Some(if_range("Tue, 01 Sep 2026 08:30:00 GMT")),
            whole,
        ),
        ("bytes=0-9", Some(if_range("*")), whole),
        ("bytes=99999999-", Some(if_range("\"other\"")), whole),
    ] {
        let range = format!("Range: {range}");
        let mut headers = vec![range.as_str()];
        headers.extend(condition.as_deref());
        let got = served.get(&path, &headers);
        let what = format!("{headers:.80?}");
        let (status, bytes, content_range) = match expected {
            None => ("200", &plaintext[..], None),
            Some(Some((first, last))) => {
                let range = format!("bytes {first}-{last}/{length}");
                ("206", &plaintext[first..=last], Some(range))
            }
            Some(None) => (
                "416",
                &b"the recording is not as long\n"[..],
                Some(format!("bytes */{length}")),
            ),
        };
        assert_eq!(got.status(), status, "{what}");
        assert_eq!(
            got.header("content-range"),
            content_range.as_deref(),
            "{what}"
        );
        assert!(got.body == bytes, "{what}: other bytes");
        assert_eq!(
            got.header("content-length"),
            Some(bytes.len().to_string().as_str()),
            "{what}"
        );
        assert_eq!(got.header("accept-ranges"), Some("bytes"), "{what}");
        assert_eq!(got.header("etag"), Some(tag.as_str()), "{what}");
        // "This specification only defines range handling for GET."
        let got = served.send("HEAD", &path, &headers);
        assert_eq!((got.status(), got.body.len()), ("200", 0), "{what}");
        assert_eq!(
            got.header("content-length"),
            Some(length.to_string().as_str()),
            "{what}"
        );
        assert_eq!(got.header("content-range"), None, "{what}");
    }
    let twice = served.get(&path, &["Range: bytes=0-9", "Range: bytes=0-9"]);
    assert_eq!(twice.status(), "200");
    served.stop();
}

#[test]
fn headers_say_what_it_is_and_that_it_is_not_to_be_kept() {
    let scene = Scene::new();
    let tags = |name: &str| {
        let served = scene.serve(&[]);
        let tags = [
            (CALL, "audio/wav", None),
            (MONO, "audio/wav", None),
            (PLAIN, "audio/wav", None),
            (TRACK, "audio/x-matroska", None),
            (
                ARCHIVE,
                "video/mp2t",
                Some(format!("attachment; filename=\"{ARCHIVE}.ts\"")),
            ),
        ]
        .map(|(id, kind, disposition)| {
            let origin = "Origin: https://flex.twilio.com";
            let path = link::path("media", id);
            let plaintext = scene.plaintext(id);
            let head = served.send("HEAD", &path, &[origin]);
            let get = served.get(&path, &[origin]);
            assert!(get.body == plaintext, "{id}, {name}");
            for got in [&head, &get] {
                let length = plaintext.len().to_string();
                for (name, expected) in [
                    ("content-type", Some(kind)),
                    ("content-length", Some(length.as_str())),
                    ("content-disposition", disposition.as_deref()),
                    ("accept-ranges", Some("bytes")),
                    ("cache-control", Some("private, no-store")),
                    ("x-content-type-options", Some("nosniff")),
                    ("referrer-policy", Some("no-referrer")),
                    (
                        "content-security-policy",
                        Some("default-src 'none'; sandbox"),
                    ),
                    ("cross-origin-resource-policy", Some("cross-origin")),
                    (
                        "access-control-allow-origin",
                        Some("https://flex.twilio.com"),
                    ),
                    (
                        "access-control-expose-headers",
                        Some("Content-Range, Content-Length, Accept-Ranges, ETag"),
                    ),
                    ("access-control-allow-credentials", None),
                    ("vary", Some("Origin")),
                    ("last-modified", None),
                    ("set-cookie", None),
                    ("server", None),
                ] {
                    assert_eq!(got.header(name), expected, "{name} of {id}");
                }
                for name in ["etag", "content-type", "vary", "cache-control"] {
                    let count = got
                        .headers()
                        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
                        .count();
                    assert_eq!(count, 1, "{name} of {id}");
                }
            }
            get.header("etag").unwrap().to_owned()
        });
        served.stop();
        tags
    };
    let first = tags("first");
    assert_eq!(first, tags("after a restart"));
    let mut others = first.to_vec();
    others.sort();
    others.dedup();
    assert_eq!(others.len(), 5, "each has its own");
}

#[test]
fn ten_thousand_ranges_are_as_the_plaintext() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    std::thread::scope(|threads| {
        for (seed, id) in (1..).zip([CALL, TRACK, ARCHIVE, PLAIN]) {
            let (served, scene) = (&served, &scene);
            threads.spawn(move || {
                let plaintext = scene.plaintext(id);
                let path = link::path("media", id);
                let mut connection = Connection::to(served.address());
                let mut random = Random(seed);
                for number in 0..2500 {
                    let first = random.below(plaintext.len());
                    // Short ones, most of the time; now and then all that is left.
                    let most = if number % 50 == 0 {
                        plaintext.len()
                    } else {
                        3000
                    };
                    let last = (first + random.below(most)).min(plaintext.len() - 1);
                    let range = format!("Range: bytes={first}-{last}");
                    let got = connection.ask("GET", &path, &[&range]);
                    assert_eq!(got.status(), "206", "{id} {range}");
                    assert!(got.body == plaintext[first..=last], "{id} {range}");
                }
            });
        }
    });
    assert_eq!(served.metric("recordings_verified_total"), 4);
    served.stop();
}

/// `text` with a byte of its part of that number changed.
fn changed(token: &str, part: usize, at: usize) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let old = parts[part].as_bytes()[at];
    let new = if old == b'A' { "B" } else { "A" };
    parts[part].replace_range(at..=at, new);
    parts.join(".")
}

/// Tokens that are none, made from a good one.
fn forged(good: &str) -> Vec<String> {
    let parts: Vec<_> = good.split('.').collect();
    let (payload, mac) = (parts[2], parts[3]);
    let with = |name: &str, value: Value| {
        let mut claims = claims("media", CALL);
        claims[name] = value;
        signed(&claims, NEW)
    };
    let mut without = claims("media", CALL);
    without.as_object_mut().unwrap().remove("who");
    [
        changed(good, 2, 20),
        changed(good, 3, 0),
        changed(good, 3, 42),
        changed(good, 1, 2),
        changed(good, 0, 1),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        format!("{good}="),
        format!("{good}.{mac}"),
        format!("{good}/"),
        format!("{good}.wav"),
        format!("v1.k-1.{payload}.{mac}"),
        format!("v2.k-2.{payload}.{mac}"),
        format!("v1.k-2..{mac}"),
        format!("v1.k-2.{payload}."),
        format!("v1.k-2.{payload}"),
        format!("v1..{payload}.{mac}"),
        format!("{good}{good}"),
        signed(&claims("media", CALL), ("k-2", [9; 32])),
        signed(&claims("media", CALL), ("k-2", [0; 32])),
        signed(&claims("media", CALL), ("k-3", [7; 32])),
        signed(&claims("media", CALL), ("k-1", [7; 32])),
        token("listen", CALL),
        token("waveform", CALL),
        token("Media", CALL),
        with("exp", json!(now() - 1)),
        with("exp", json!(0)),
        with("exp", json!(now() + 12 * 3600 + 60)),
        with("exp", json!(u64::MAX)),
        with("exp", json!(-1)),
        with("exp", json!((now() + 60).to_string())),
        with("id", json!("../calls/x")),
        with("id", json!("/etc/passwd")),
        with("id", json!(format!("{CALL}.wav"))),
        with("id", json!("CA5eed0000000000000000000000000001")),
        with("more", json!(1)),
        signed(&without, NEW),
        signed(&json!([CALL, "", now() + 60, "media"]), NEW),
        signed(&json!(null), NEW),
        "x".to_owned(),
        "..%2f..%2fetc%2fpasswd".to_owned(),
        "%ff%fe".to_owned(),
        "%00".to_owned(),
        "a".repeat(30_000),
    ]
    .into()
}

#[test]
fn a_link_that_nobody_signed_is_as_a_path_that_is_none() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let good = token("media", CALL);
    assert_eq!(served.get(&format!("/media/{good}"), &[]).status(), "200");
    let nothing = undated(&served.get("/no/such/path", &[]));
    assert!(nothing.0.starts_with("HTTP/1.1 404 "));
    for token in &forged(&good) {
        for method in ["GET", "HEAD"] {
            let got = served.send(method, &format!("/media/{token}"), &["Range: bytes=0-9"]);
            let got = undated(&got);
            assert_eq!(got.0, nothing.0, "{method} {token}");
            assert!(method == "HEAD" || got.1 == nothing.1, "{token}");
        }
    }
    for path in [
        "/media",
        "/media/",
        "/media//",
        "/",
        "/media/v1.k-2",
        "/metrics",
        "/healthz",
        "/readyz",
        "/favicon.ico",
        "/listen/x",
        "/waveform/x.svg",
        "/waveform/x",
    ] {
        assert_eq!(undated(&served.get(path, &[])), nothing, "{path}");
    }
    // What the query says does not matter, twice or not.
    let path = format!(
        "/media/{good}?token={}&X-Amz-Expires=0",
        token("media", MONO)
    );
    assert_eq!(served.get(&path, &["Range: bytes=0-0"]).status(), "206");
    // One that is signed, of a recording that is not there any more.
    assert_eq!(
        undated(&served.get(&link::path("media", UNKNOWN), &[])),
        nothing
    );
    served.stop();
    // They are counted in the metrics only.
    let log = scene.log("log.jsonl");
    let mut events: Vec<_> = log.iter().map(|line| line["event"].to_string()).collect();
    events.sort();
    assert_eq!(events.join(" "), "\"complete\" \"play\" \"play\" \"play\"");
}

#[test]
fn a_link_ends_when_it_says() {
    let scene = Scene::new();
    let served = scene.serve(&["--link-ttl", "2s"]);
    let path = served.link(MONO);
    assert!(path.ends_with("?X-Amz-Expires=2"), "{path}");
    let forever = path.replace("Expires=2", "Expires=9999");
    assert_eq!(served.get(&path, &[]).status(), "200");
    wait_for("end of the link", || {
        served.get(&path, &[]).status() == "404"
    });
    assert_eq!(served.get(&forever, &[]).status(), "404");
    // The latest that is taken, and one that is good for a while.
    for left in [60, 12 * 3600 - 60] {
        let mut claims = claims("media", MONO);
        claims["exp"] = json!(now() + left);
        let path = format!("/media/{}", signed(&claims, NEW));
        assert_eq!(served.get(&path, &[]).status(), "200");
    }
    served.stop();
}

#[test]
fn keys_of_links_are_replaced_while_it_runs() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let old = format!("/media/{}", signed(&claims("media", MONO), OLD));
    let new = format!("/media/{}", signed(&claims("media", MONO), NEW));
    let third = ("k-3", [9; 32]);
    let newest = format!("/media/{}", signed(&claims("media", MONO), third));
    let statuses = || [&old, &new, &newest].map(|path| served.get(path, &[]).status().to_owned());
    assert_eq!(statuses(), ["200", "200", "404"]);
    let line = "k-3 CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n";
    let first = link::FILE.lines().next().unwrap();
    scene
        .desk
        .write("link_keys.txt", format!("{line}{first}\n"));
    served.reload();
    assert_eq!(statuses(), ["404", "200", "200"]);
    assert!(served.link(MONO).starts_with("/media/v1.k-3."));
    // A file that is none changes nothing, and that is said.
    for broken in ["k-4 tooshort\n", "", "# nothing\n", "k-3\n"] {
        scene.desk.write("link_keys.txt", broken);
        served.reload();
        assert_eq!(statuses(), ["404", "200", "200"], "{broken}");
    }
    let said = served.stop();
    assert_eq!(
        said.matches("kept the link keys as before").count(),
        4,
        "{said}"
    );
}

#[test]
fn keys_that_the_server_made_itself_end_with_it() {
    let scene = Scene::new();
    let serve = || {
        let mut config = String::from_utf8(scene.desk.read("serve.toml")).unwrap();
        config = config.replace("link-key-file = 'link_keys.txt'\n", "");
        scene.desk.write("serve.toml", config);
        scene.serve(&[])
    };
    let first = serve();
    let path = first.link(MONO);
    assert_eq!(first.get(&path, &[]).status(), "200");
    first.signal(Signal::HUP);
    assert_eq!(first.get(&path, &[]).status(), "200");
    let said = first.stop();
    assert!(said.contains("link"), "a warning says so: {said}");
    let second = serve();
    assert_eq!(second.get(&path, &[]).status(), "404");
    second.stop();
}

#[test]
fn curl_goes_on_with_a_download() {
    if !has("curl") {
        return;
    }
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let plaintext = scene.plaintext(CALL);
    let url = format!("{}{}", served.base, served.link(CALL));
    scene.desk.write("half.wav", &plaintext[..200_000]);
    let output = Command::new("curl")
        .current_dir(scene.desk.path(""))
        .args(["-sSf", "--noproxy", "*", "-C", "-", "-o", "half.wav", &url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(scene.desk.read("half.wav") == plaintext);
    served.stop();
}
