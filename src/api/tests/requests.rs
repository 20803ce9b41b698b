//! Requests and their answers: headers, redirections, retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::server::{Server, Step, raw, redirect, say};
use super::*;
use crate::api::error::Problem;

/// What a server's answers to a request for JSON come to, and what it was asked.
fn asked(steps: Vec<Step>) -> (Result<Vec<u8>, Error>, Vec<String>) {
    let server = Server::of(steps);
    let answer = client().json(&basic(&server.url("/r.json")));
    (answer, server.seen())
}

fn lines(head: &str) -> Vec<&str> {
    let mut lines: Vec<_> = head.trim().lines().skip(1).collect();
    lines.retain(|line| !line.starts_with("host:"));
    lines.sort_unstable();
    lines
}

#[test]
fn headers_that_are_too_long_are_not_asked_for_again() {
    let long = format!("X-Long: {}\r\n", "x".repeat(8000)).repeat(100);
    let (answer, seen) = asked(vec![say("200 OK", &long, b"{}"), say("200 OK", "", b"{}")]);
    let said = answer.unwrap_err().to_string();
    assert!(
        said.ends_with("cannot be used: its headers are too long"),
        "{said}"
    );
    assert_eq!(seen.len(), 1);
}

#[test]
fn nothing_starts_before_the_first_request() {
    let client = client();
    assert!(!client.is_running());
    let server = Server::of(vec![say("200 OK", "", b"{}")]);
    assert_eq!(client.json(&request(&server.url("/"))), Ok(b"{}".to_vec()));
    assert!(client.is_running());
}

#[test]
fn a_request_says_who_asks_and_what_is_taken() {
    let (answer, seen) = asked(vec![say("200 OK", "", b"{}")]);
    assert_eq!(answer, Ok(b"{}".to_vec()));
    assert!(
        seen[0].starts_with("get /r.json http/1.1\r\n"),
        "{}",
        seen[0]
    );
    let version = concat!("user-agent: unreel/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines(&seen[0]),
        [
            "accept-encoding: identity",
            "accept: */*",
            "authorization: basic dxnlcjpww6rzc3dvcmq=",
            version,
        ]
    );
}

#[test]
fn credentials_and_x_headers_stay_at_their_origin() {
    let mut storage = Server::new();
    let mut api = Server::new();
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let auth = Auth::Header(
        "X-OPENTOK-AUTH",
        Arc::new(move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            Ok(Zeroizing::new(format!("token{number}")))
        }),
    );
    storage.run(vec![
        redirect(302, &api.url("/again")),
        say("200 OK", "", b"x"),
    ]);
    api.run(vec![
        redirect(301, "/next"),
        Step::Say(
            format!(
                "HTTP/1.1 307 X\r\nConnection: close\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\nLocation: {}\r\n\r\n",
                storage.url("/s?sig=1#f")
            )
            .into(),
        ),
        redirect(308, &storage.url("/s2")),
    ]);
    let asked = Request {
        auth,
        ..request(&api.url("/first?token=1"))
    };
    assert_eq!(client().json(&asked), Ok(b"x".to_vec()));
    let (api, storage) = (api.seen(), storage.seen());
    assert!(api[0].contains("x-opentok-auth: token0\r\n"));
    assert!(api[1].starts_with("get /next ") && api[1].contains("x-opentok-auth: token1\r\n"));
    assert!(storage[0].starts_with("get /s?sig=1 "));
    for head in [&storage[0], &storage[1], &api[2]] {
        let names: Vec<_> = lines(head)
            .iter()
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(names, ["accept-encoding", "accept", "user-agent"], "{head}");
    }
    assert_eq!(made.load(Ordering::Relaxed), 2);
}

#[test]
fn bad_redirections_are_not_followed() {
    for (to, shown) in [
        (
            "http://10.0.0.1/x?s=3",
            "http://10.0.0.1/x?s, which is not encrypted",
        ),
        (
            "https://10.0.0.1/x?s=3",
            "https://10.0.0.1/x?s, which is no public address",
        ),
        (
            "https://192.168.1.1/",
            "https://192.168.1.1/, which is no public address",
        ),
        (
            "https://[fd00::1]/",
            "https://[fd00::1]/, which is no public address",
        ),
        (
            "http://example.invalid/",
            "http://example.invalid/, which is not encrypted",
        ),
        (
            "https://u:p@example.invalid/",
            "https://example.invalid/, with a user name or a password in the URL",
        ),
        ("https://[", "a place, which is no URL to ask for"),
        (
            "ftp://example.invalid/",
            "ftp://example.invalid/, which is no URL to ask for",
        ),
    ] {
        let (answer, seen) = asked(vec![redirect(302, to)]);
        let error = answer.unwrap_err();
        assert!(matches!(error, Error::Astray { .. }), "{to}");
        assert!(
            error.to_string().ends_with(&format!(" leads to {shown}")),
            "{error}"
        );
        assert_eq!(seen.len(), 1);
    }
}

#[test]
fn six_redirections_are_too_many() {
    let steps = |count| (0..count).map(|at| redirect(302, &format!("/{at}")));
    let ends = || vec![say("200 OK", "", b"x")];
    let (answer, _) = asked(steps(5).chain(ends()).collect());
    assert_eq!(answer, Ok(b"x".to_vec()));
    let (answer, seen) = asked(steps(6).chain(ends()).collect());
    assert!(matches!(answer, Err(Error::Astray { .. })));
    assert_eq!(seen.len(), 6);
}

#[test]
fn a_redirection_without_a_place_is_a_refusal() {
    let body =
        b"<Error><Code>PermanentRedirect</Code><Message>use another endpoint</Message></Error>";
    for status in ["301 X", "300 X"] {
        let (answer, _) = asked(vec![say(status, "", body)]);
        let error = answer.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("PermanentRedirect: use another endpoint")
        );
    }
}

#[test]
fn what_may_pass_is_tried_again() {
    for status in [
        "408 X", "425 X", "429 X", "500 X", "502 X", "503 X", "504 X", "599 X",
    ] {
        for header in [
            "",
            "Retry-After: 0\r\n",
            "Retry-After: soon\r\n",
            "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n",
        ] {
            let (answer, seen) = asked(vec![say(status, header, b""), say("200 OK", "", b"x")]);
            assert_eq!(answer, Ok(b"x".to_vec()), "{status}");
            assert_eq!(seen.len(), 2);
        }
    }
}

#[test]
fn tries_end() {
    let body = br#"{"code":20429,"message":"Too many requests"}"#;
    let steps = (0..5).map(|_| say("429 X", "", body)).collect();
    let (answer, seen) = asked(steps);
    let problem = Problem {
        code: Some(20429),
        message: "Too many requests".to_owned(),
    };
    let Err(Error::Busy {
        status: 429,
        problem: said,
        after: None,
        ..
    }) = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!(said, Some(problem));
    assert_eq!(seen.len(), 4);
}

#[test]
fn nobody_waits_for_longer_than_five_minutes() {
    let (answer, seen) = asked(vec![say("503 X", "Retry-After: 301\r\n", b"")]);
    let Err(Error::Busy { after, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(after, Some(Duration::from_secs(301)));
    assert_eq!(seen.len(), 1);
}

#[test]
fn what_is_asked_is_waited_for() {
    let begun = std::time::Instant::now();
    let (answer, _) = asked(vec![
        say("503 X", "Retry-After: 1\r\n", b""),
        say("200 OK", "", b"x"),
    ]);
    assert!(answer.is_ok());
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn refusals_are_final() {
    for status in [400, 401, 403, 404, 405, 409, 410, 416, 422, 451] {
        let body = br#"{"code":20003,"message":"Authenticate"}"#;
        let (answer, seen) = asked(vec![say(&format!("{status} X"), "", body)]);
        let error = answer.unwrap_err();
        assert!(matches!(&error, Error::Refused { status: said, .. } if *said == status));
        assert!(
            error.to_string().ends_with("error 20003: Authenticate"),
            "{error}"
        );
        assert!(!error.is_temporary());
        assert_eq!(seen.len(), 1);
    }
}

#[test]
fn the_region_is_that_of_the_credentials() {
    let ask = |steps| {
        let server = Server::of(steps);
        let asked = Request {
            in_region: true,
            ..basic(&server.url("/"))
        };
        client().json(&asked)
    };
    let denied = || say("401 X", "", b"");
    assert!(matches!(
        ask(vec![denied()]),
        Err(Error::Refused {
            in_region: true,
            ..
        })
    ));
    let other = Server::of(vec![denied()]);
    let answer = ask(vec![redirect(302, &other.url("/"))]);
    assert!(matches!(
        answer,
        Err(Error::Refused {
            in_region: false,
            ..
        })
    ));
}

#[test]
fn bodies_in_json_are_whole() {
    let chunked = "Transfer-Encoding: chunked\r\n";
    let (answer, seen) = asked(vec![
        raw("200 OK", "Content-Length: 4\r\n", b"{}"),
        raw("200 OK", chunked, b"2\r\n{}\r\n"),
        Step::Stall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{}".to_vec()),
        raw("200 OK", chunked, b"2\r\n{}\r\n2\r\n  \r\n0\r\n\r\n"),
    ]);
    assert_eq!(answer, Ok(b"{}  ".to_vec()));
    assert_eq!(seen.len(), 4);
    let (answer, _) = asked(
        (0..4)
            .map(|_| raw("200 OK", "Content-Length: 4\r\n", b"{}"))
            .collect(),
    );
    assert!(matches!(answer, Err(Error::Cut { .. })), "{answer:?}");
}

#[test]
fn answers_that_make_no_sense() {
    for step in [
        say("204 X", "", b""),
        say("206 X", "Content-Range: bytes 0-0/1\r\n", b"x"),
        say("200 OK", "Content-Range: bytes 0-0/1\r\n", b"x"),
        say("200 OK", "Content-Encoding: gzip\r\n", b"x"),
        raw(
            "200 OK",
            "Transfer-Encoding: gzip, chunked\r\n",
            b"1\r\nx\r\n0\r\n\r\n",
        ),
        raw("200 OK", "Content-Length: 16777217\r\n", b"x"),
        raw("200 OK", "", &vec![b' '; 16 * 1024 * 1024 + 1]),
    ] {
        let (answer, seen) = asked(vec![step]);
        assert!(matches!(answer, Err(Error::Answer { .. })), "{answer:?}");
        assert_eq!(seen.len(), 1);
    }
    let identity = "Content-Encoding: identity\r\n";
    assert!(asked(vec![say("200 OK", identity, b"x")]).0.is_ok());
}

#[test]
fn hosts_that_cannot_be_reached() {
    let server = Server::of(vec![]);
    let (host, url) = (server.host(), server.url("/p?s3cret=1"));
    std::thread::sleep(Duration::from_millis(20));
    let error = client().json(&request(&url)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot reach {host}: connection refused")
    );
    let stalls = || Step::Stall(vec![]);
    let (answer, seen) = asked(vec![stalls(), stalls(), stalls(), stalls()]);
    let error = answer.unwrap_err().to_string();
    assert!(error.ends_with(": no byte in 0 s"), "{error}");
    assert_eq!(seen.len(), 4);
    let closes = || Step::Say(vec![]);
    let (answer, _) = asked(vec![closes(), closes(), closes(), closes()]);
    let error = answer.unwrap_err().to_string();
    assert!(error.ends_with(": the connection was closed"), "{error}");
    let speaks = || Step::Say(b"SSH-2.0-x\r\n\r\n".to_vec());
    let (answer, _) = asked(vec![speaks(), speaks(), speaks(), speaks()]);
    let error = answer.unwrap_err().to_string();
    assert!(error.ends_with(": what it speaks is not HTTP"), "{error}");
}

#[test]
fn what_an_answer_told_of_is_not_asked_for_at_this_machine() {
    let server = Server::of(vec![say("200 OK", "", b"x")]);
    let mut told = request(&server.url("/"));
    told.told_by = Some(Link::parse("https://api.example/").unwrap());
    let error = client().json(&told).unwrap_err();
    assert!(
        matches!(&error, Error::Astray { host, .. } if host == "api.example"),
        "{error}"
    );
    assert!(server.seen().is_empty());
    told.told_by = Some(Link::parse("http://localhost:1/").unwrap());
    assert!(client().json(&told).is_ok());
}

#[test]
fn a_link_beside_media_is_not_followed() {
    let body = body(100);
    let (brought, seen) = brought(vec![say("200 OK", "Location: http://a.b/\r\n", &body)]);
    assert_eq!((brought.unwrap().bytes, seen.len()), (body, 1));
}

#[test]
fn an_answer_in_json_is_as_long_as_the_limit_at_most() {
    let answered = |length| {
        let mut body = b"{}".to_vec();
        body.resize(length, b' ');
        let server = Server::of(vec![say("200 OK", "", &body)]);
        client()
            .json(&request(&server.url("/")))
            .map(|body| body.len())
    };
    let limit = 16 << 20;
    assert_eq!(answered(limit), Ok(limit));
    assert!(matches!(answered(limit + 1), Err(Error::Answer { .. })));
}
