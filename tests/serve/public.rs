//! What the public address answers, and what the other one does.

use std::io::Write;

use crate::common::made::wait_for;
use crate::connection::Connection;
use crate::fake::send;
use crate::link;
use crate::scene::{CALL, MONO, Scene, Served, authorization, undated};

#[test]
fn other_hosts_are_not_answered_to() {
    let scene = Scene::new();
    let served = scene.serve(&[
        "--public-url",
        "https://play.example.com",
        "--host",
        "alias.example.com",
    ]);
    let port = served.address().rsplit_once(':').unwrap().1;
    let path = link::path("media", MONO);
    let auth = authorization("anna");
    for (host, is_answered) in [
        ("127.0.0.1".to_owned(), true),
        (format!("127.0.0.1:{port}"), true),
        ("127.0.0.1:1".to_owned(), true),
        ("localhost".to_owned(), true),
        ("LocalHost:99".to_owned(), true),
        ("play.example.com".to_owned(), true),
        ("PLAY.example.com:443".to_owned(), true),
        ("alias.example.com".to_owned(), true),
        ("evil.example".to_owned(), false),
        ("play.example.com.evil.example".to_owned(), false),
        ("evilplay.example.com".to_owned(), false),
        ("example.com".to_owned(), false),
        ("play.example.com.".to_owned(), false),
        ("localhost.evil.example".to_owned(), false),
        ("127.0.0.2".to_owned(), false),
        ("127.1".to_owned(), false),
        ("2130706433".to_owned(), false),
        ("0.0.0.0".to_owned(), false),
        ("[::1]".to_owned(), false),
        ("[::ffff:127.0.0.1]".to_owned(), false),
    ] {
        let header = format!("Host: {host}");
        for path in [path.as_str(), "/sec_rec?recording=x", "/x", "/"] {
            let got = served.get(path, &[&header, &auth]);
            assert_eq!(
                got.status() != "421",
                is_answered,
                "{host} {path}: {}",
                got.status()
            );
        }
        // Who runs it reaches it by whatever name.
        let got = send("GET", &format!("{}/healthz", served.admin), &[&header], b"");
        assert_eq!(got.status(), "200", "{host}");
    }
    for head in [
        format!("GET {path} HTTP/1.1\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\nHost:\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\nHost: user@localhost\r\n\r\n"),
        format!("GET http://evil.example{path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ] {
        let mut connection = Connection::to(served.address());
        connection.write(&head);
        let status = connection.head().status().to_owned();
        assert!(
            ["400", "421"].contains(&status.as_str()),
            "{status} for {head}"
        );
    }
    served.stop();
}

#[test]
fn requests_have_no_body_and_other_methods_are_not_allowed() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let media = link::path("media", MONO);
    let paths = [
        (media.as_str(), "GET, HEAD"),
        (&link::path("listen", MONO), "GET, HEAD"),
        (&link::path("waveform", MONO), "GET, HEAD"),
    ];
    for (path, allowed) in paths {
        for method in ["POST", "PUT", "DELETE", "PATCH", "FOO"] {
            let got = served.send(method, path, &[]);
            assert_eq!(
                (got.status(), got.header("allow")),
                ("405", Some(allowed)),
                "{method} {path}"
            );
        }
    }
    let sec_rec = format!("/sec_rec?recording={MONO}");
    for path in [media.as_str(), &sec_rec, "/x"] {
        for (method, framing, body) in [
            ("GET", "Content-Length: 1", "x".to_owned()),
            ("POST", "Content-Length: 5", "a=b&c".to_owned()),
            (
                "GET",
                "Transfer-Encoding: chunked",
                "1\r\nx\r\n0\r\n\r\n".to_owned(),
            ),
            ("POST", "Content-Length: 100000000", String::new()),
            ("POST", "Content-Length: 300000", "x".repeat(300_000)),
            (
                "GET",
                "Content-Length: 100000\r\nExpect: 100-continue",
                String::new(),
            ),
        ] {
            let mut connection = Connection::to(served.address());
            let head =
                format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n{body}");
            connection.stream().write_all(head.as_bytes()).ok();
            let got = connection.head();
            assert_eq!(
                got.status(),
                "413",
                "{method} {path} {framing}: {}",
                got.head
            );
            // Nothing of it is taken for a request.
            let rest = String::from_utf8_lossy(&connection.rest()).into_owned();
            assert!(!rest.contains("HTTP/1.1"), "{rest}");
        }
    }
    let got = served.get(&media, &["Content-Length: 0"]);
    assert_eq!(got.status(), "200", "none is none");
    served.stop();
}

#[test]
fn what_is_no_http_or_smuggles_is_refused() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let path = link::path("media", MONO);
    let headers: String = (0..200)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect();
    for text in [
        "hello\r\n\r\n".to_owned(),
        "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03".to_owned(),
        format!("GET {path} HTTP/1.1\r\nHost : localhost\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"),
        format!("GET {path} HTTP/3.0\r\nHost: localhost\r\n\r\n"),
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n"
        ),
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n"),
        "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
    ] {
        let mut connection = Connection::to(served.address());
        connection.stream().write_all(text.as_bytes()).ok();
        connection.stream().shutdown(std::net::Shutdown::Write).ok();
        let answer = String::from_utf8_lossy(&connection.rest()).into_owned();
        let is_refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(is_refused, "{text:.80?}: {answer:.200}");
    }
    assert_eq!(served.get(&path, &[]).status(), "200");
    served.stop();
}

#[test]
fn what_is_for_operators_is_elsewhere() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let nothing = undated(&served.get("/x", &[]));
    let admin =
        |path: &str, method: &str| send(method, &format!("{}{path}", served.admin), &[], b"");
    for (path, says) in [
        ("/healthz", "alive\n"),
        ("/readyz", "ready\n"),
        ("/metrics", "# HELP unreel_"),
    ] {
        assert_eq!(undated(&served.get(path, &[])), nothing, "{path}");
        let got = admin(path, "GET");
        assert!(
            got.status() == "200" && got.text().starts_with(says),
            "{path}: {}",
            got.text()
        );
        assert_eq!(admin(path, "HEAD").status(), "200");
        assert_eq!(admin(path, "POST").status(), "405");
    }
    for path in [
        link::path("media", CALL),
        link::path("listen", CALL),
        "/sec_rec".into(),
        "/x".into(),
    ] {
        assert_eq!(admin(&path, "GET").status(), "404", "{path}");
    }
    assert!(served.admin.starts_with("http://127.0.0.1:"));
    served.get("/y", &[]);
    let metrics = served.metrics();
    let line = "unreel_answers_total{endpoint=\"other\",status=\"404\"}";
    assert!(metrics.contains(line), "{metrics}");
    served.stop();

    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let served = scene.serve(&["--listen", &free, "--admin-listen", &free]);
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        &link::path("media", CALL),
    ] {
        assert_eq!(
            served.get(path, &[]).status(),
            "200",
            "{path}, at the same address by choice"
        );
    }
    assert!(!served.said().contains("admin on"));
    served.stop();
}

#[test]
fn it_is_ready_as_long_as_it_can_play() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let ready = || send("GET", &format!("{}/readyz", served.admin), &[], b"");
    assert_eq!(ready().status(), "200");
    std::fs::rename(scene.desk.path("calls"), scene.desk.path("away")).unwrap();
    // It may be believed for some seconds.
    wait_for("source that is out of reach", || ready().status() == "503");
    assert_eq!(
        send("GET", &format!("{}/healthz", served.admin), &[], b"").status(),
        "200"
    );
    let got = served.get(&link::path("media", CALL), &[]);
    assert_eq!(got.status(), "503", "nobody knows whether there is one");
    assert!(got.header("retry-after").is_some());
    std::fs::rename(scene.desk.path("away"), scene.desk.path("calls")).unwrap();
    wait_for("source", || ready().status() == "200");
    served.stop();
}

#[test]
fn the_page_comes_with_its_own_policy_and_leads_to_the_recording() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let got = served.get(
        &link::path("listen", CALL),
        &["Origin: https://flex.twilio.com"],
    );
    assert_eq!(got.status(), "200");
    assert_eq!(got.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(got.header("cache-control"), Some("private, no-store"));
    assert_eq!(got.header("access-control-allow-origin"), None);
    let policy = got.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = got.text();
    assert!(
        !html.contains("http://") || !html.contains("src=\"http"),
        "{html}"
    );
    let start = html.find("../media/v1.").expect("a link") + 2;
    let token: String = html[start..]
        .chars()
        .take_while(|c| !matches!(c, '"' | '\'' | '<'))
        .collect();
    let got = served.get(&token, &["Range: bytes=0-3"]);
    assert!(got.status() == "206" && got.body == b"RIFF", "{token}");
    let svg = served.get(&link::path("waveform", CALL), &[]);
    assert_eq!(
        (svg.status(), svg.header("content-type")),
        ("200", Some("image/svg+xml"))
    );
    let json = served
        .get(&link::path("waveform", CALL).replace(".svg", ".json"), &[])
        .json();
    assert_eq!(json["version"], 2, "BBC audiowaveform");
    assert_eq!(json["channels"], 2);
    served.stop();
}

#[test]
fn a_demonstration_prints_links_that_work() {
    let scene = Scene::new();
    scene.fake.add_fixtures();
    for (source, count) in [("calls", 5), ("twilio", 1)] {
        let mut command = scene
            .desk
            .unreel("serve --demo -k key.pem --listen 127.0.0.1:0 --no-input");
        command
            .args(["--source", source])
            .envs(scene.fake.twilio_env());
        let served = Served::start(command);
        wait_for("links", || served.printed().lines().count() >= count);
        for line in served.printed().lines() {
            let (id, url) = line.split_once("  ").unwrap();
            let path = url.strip_prefix(&served.base).expect(url);
            let got = served.get(path, &[]);
            // Of Twilio's fixtures some fit another key, or are no recordings.
            let expected: &[&str] = if source == "calls" {
                &["200"]
            } else {
                &["200", "502", "503"]
            };
            assert!(expected.contains(&got.status()), "{id}: {}", got.status());
            assert!(got.status() != "200" || got.text().contains(id));
        }
        // Nobody is asked for a token.
        let got = served.ask("anna", CALL);
        assert!(["401", "503"].contains(&got.status()), "{}", got.status());
        served.stop();
    }
    assert_eq!(scene.fake.validations(), 0);
}
