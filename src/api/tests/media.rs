//! Media: what is taken for it, and how breaks are mended.

use jiff::{SignedDuration, Timestamp};

use super::server::{Server, Step, cut, raw, redirect, rest, say};
use super::*;

pub(super) const TAG: &str = "ETag: \"one\"\r\n";
const OTHER: &str = "ETag: \"two\"\r\n";
const WEAK: &str = "ETag: W/\"one\"\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// The steps bring the whole body in so many attempts.
#[track_caller]
fn whole(steps: Vec<Step>, body: &[u8], attempts: u32) -> Vec<String> {
    let (brought, seen) = brought(steps);
    let brought = brought.unwrap();
    assert_eq!(brought.error, None);
    assert!(
        brought.bytes == body,
        "{} bytes of {}",
        brought.bytes.len(),
        body.len()
    );
    assert_eq!(brought.attempts, attempts);
    seen
}

/// The steps bring these bytes and an error.
#[track_caller]
fn broken(steps: Vec<Step>, bytes: &[u8]) -> Error {
    let brought = brought(steps).0.unwrap();
    assert!(brought.bytes == bytes, "{} bytes", brought.bytes.len());
    brought.error.unwrap()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let length = format!("{:x}\r\n", bytes.len());
    [length.as_bytes(), bytes, b"\r\n"].concat()
}

#[test]
fn a_download_says_what_comes() {
    let server = Server::of(vec![say("200 OK", "X-Amz-Meta-Key: V\u{e9}\r\n", b"media")]);
    let attempts = Attempts::default();
    let download = client()
        .media(media(request(&server.url("/m"))), &attempts)
        .unwrap();
    assert_eq!(download.length, Some(5));
    assert!(download.is_delimited);
    assert_eq!(attempts.count(), 1);
    let header = ("x-amz-meta-key".to_owned(), "V\u{e9}".to_owned());
    assert!(download.headers.contains(&header), "{:?}", download.headers);
    for (headers, body, is_delimited) in [(CHUNKED, chunk(b"").as_slice(), true), ("", b"x", false)]
    {
        let server = Server::of(vec![raw("200 OK", headers, body)]);
        let download = client()
            .media(media(request(&server.url("/m"))), &Attempts::default())
            .unwrap();
        assert_eq!(
            (download.length, download.is_delimited),
            (None, is_delimited)
        );
    }
}

#[test]
fn bodies_end_in_three_ways() {
    let body = body(3_000_000);
    whole(vec![say("200 OK", "", &body)], &body, 1);
    whole(vec![raw("200 OK", "", &body)], &body, 1);
    let chunks = [chunk(&body[..7]), chunk(&body[7..]), chunk(b"")].concat();
    whole(vec![raw("200 OK", CHUNKED, &chunks)], &body, 1);
    whole(vec![say("200 OK", "", b"")], b"", 1);
}

#[test]
fn what_breaks_is_continued_by_its_tag() {
    let body = body(700_000);
    let seen = whole(
        vec![cut(TAG, &body, 300_000), rest(TAG, &body, 300_000)],
        &body,
        2,
    );
    assert!(!seen[0].contains("range"));
    assert!(seen[1].contains("range: bytes=300000-\r\n"));
    assert!(seen[1].contains("if-range: \"one\"\r\n"));
}

#[test]
fn what_goes_on_behind_its_known_end_is_not_the_same() {
    let body = body(120);
    let longer = [chunk(&body[..100]), chunk(&body[100..]), chunk(b"")].concat();
    for tag in [TAG, ""] {
        let steps = vec![
            cut(tag, &body[..100], 50),
            raw("200 OK", &format!("{CHUNKED}{tag}"), &longer),
        ];
        let error = broken(steps, &body[..100]);
        assert!(matches!(error, Error::Answer { .. }), "{error}");
    }
}

#[test]
fn what_ends_before_its_known_end_is_not_whole() {
    let body = body(100);
    let shorter = [chunk(&body[..70]), chunk(b"")].concat();
    let steps = vec![
        cut("", &body, 50),
        raw("200 OK", CHUNKED, &shorter),
        say("200 OK", "", &body),
    ];
    whole(steps, &body, 3);
}

#[test]
fn what_is_as_long_as_what_came_before_may_be_the_whole() {
    let body = body(30);
    let all = raw("200 OK", CHUNKED, &chunk(&body));
    whole(vec![all, say("200 OK", "", &body)], &body, 2);
}

#[test]
fn what_has_not_begun_is_asked_for_as_a_whole() {
    let body = body(100);
    let steps = vec![cut(TAG, &body, 0), say("200 OK", TAG, &body)];
    let seen = whole(steps, &body, 2);
    assert!(!seen[1].contains("range"));
    let steps = vec![cut(TAG, &body, 0), rest(TAG, &body, 0)];
    assert!(matches!(broken(steps, b""), Error::Answer { .. }));
    // Nothing that comes is no progress.
    let none = || cut(TAG, &body, 0);
    let steps = vec![none(), none(), none(), none(), say("200 OK", TAG, &body)];
    assert!(matches!(broken(steps, b""), Error::Cut { .. }));
}

#[test]
fn what_had_an_end_does_not_end_with_a_connection() {
    let body = body(100);
    let all = [chunk(&body), chunk(b"")].concat();
    whole(
        vec![
            raw("200 OK", CHUNKED, &chunk(&body[..50])),
            raw("200 OK", "", &body[..70]),
            raw("200 OK", CHUNKED, &all),
        ],
        &body,
        3,
    );
}

#[test]
fn what_breaks_without_progress_uses_tries_up() {
    let body = body(50);
    let steps = || {
        vec![
            cut(TAG, &body, 0),
            cut(TAG, &body, 10),
            say("503 X", "", b""),
        ]
    };
    let mut much = steps();
    much.extend((0..3).map(|_| say("503 X", "", b"")));
    assert!(matches!(
        broken(much, &body[..10]),
        Error::Busy { status: 503, .. }
    ));
    let mut enough = steps();
    enough.push(rest(TAG, &body, 10));
    whole(enough, &body, 4);
}

#[test]
fn progress_gives_new_tries() {
    let body = body(40);
    let part = |first: usize| {
        let headers = format!(
            "Content-Range: bytes {first}-39/40\r\nContent-Length: {}\r\n{TAG}",
            40 - first
        );
        raw("206 X", &headers, &body[first..=first])
    };
    let mut steps = vec![cut(TAG, &body, 1)];
    steps.extend((1..40).map(part));
    whole(steps, &body, 40);
}

#[test]
fn breaks_are_not_mended_for_ever() {
    let body = body(200);
    let mut steps = vec![cut(TAG, &body, 1)];
    steps.extend((1..150).map(|first| {
        let headers = format!(
            "Content-Range: bytes {first}-199/200\r\nContent-Length: {}\r\n{TAG}",
            200 - first
        );
        raw("206 X", &headers, &body[first..=first])
    }));
    assert!(matches!(broken(steps, &body[..101]), Error::Cut { .. }));
}

#[test]
fn the_whole_again_with_the_same_tag_is_passed_over() {
    let body = body(100);
    whole(
        vec![cut(TAG, &body, 40), say("200 OK", TAG, &body)],
        &body,
        2,
    );
    whole(
        vec![
            cut(TAG, &body, 40),
            cut(TAG, &body, 20),
            rest(TAG, &body, 40),
        ],
        &body,
        3,
    );
}

#[test]
fn without_a_strong_tag_the_same_bytes_are_proof() {
    let body = body(400_000);
    for header in ["", WEAK] {
        let steps = vec![
            cut(header, &body, 150_000),
            cut(header, &body, 100_000),
            cut(header, &body, 200_000),
            say("200 OK", header, &body),
        ];
        let seen = whole(steps, &body, 4);
        assert!(seen.iter().all(|head| !head.contains("range")));
    }
    let mut other = body.clone();
    other[149_999] ^= 1;
    let error = broken(
        vec![cut("", &body, 150_000), say("200 OK", "", &other)],
        &body[..150_000],
    );
    assert!(matches!(error, Error::Changed { anew: true, .. }));
}

#[test]
fn chunked_bodies_are_mended_too() {
    let body = body(100);
    let first = || raw("200 OK", &format!("{CHUNKED}{TAG}"), &chunk(&body[..30]));
    whole(vec![first(), rest(TAG, &body, 30)], &body, 2);
    let again = [chunk(&body), chunk(b"")].concat();
    whole(
        vec![first(), raw("200 OK", &format!("{CHUNKED}{TAG}"), &again)],
        &body,
        2,
    );
    let plain = || raw("200 OK", CHUNKED, &chunk(&body[..30]));
    whole(vec![plain(), raw("200 OK", CHUNKED, &again)], &body, 2);
    let shorter = [chunk(&body[..20]), chunk(b"")].concat();
    let error = broken(vec![plain(), raw("200 OK", CHUNKED, &shorter)], &body[..30]);
    assert!(matches!(error, Error::Changed { anew: true, .. }));
    let steps = vec![first(), raw("200 OK", &format!("{CHUNKED}{TAG}"), &shorter)];
    assert!(matches!(broken(steps, &body[..30]), Error::Answer { .. }));
}

#[test]
fn a_stalled_body_is_mended() {
    let body = body(100);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n{TAG}\r\n");
    let stalls = Step::Stall([head.as_bytes(), &body[..30]].concat());
    whole(vec![stalls, rest(TAG, &body, 30)], &body, 2);
}

#[test]
fn what_changed_is_not_continued() {
    let body = body(100);
    for answer in [
        say("200 OK", OTHER, &body),
        say("200 OK", "", &body),
        say("200 OK", WEAK, &body),
        rest(OTHER, &body, 40),
    ] {
        let error = broken(vec![cut(TAG, &body, 40), answer], &body[..40]);
        assert!(
            matches!(error, Error::Changed { anew: false, .. }),
            "{error:?}"
        );
    }
    for answer in [
        say("200 OK", "", &body[..50]),
        say("200 OK", "", &[&body[..], b"x"].concat()),
    ] {
        let error = broken(vec![cut("", &body, 40), answer], &body[..40]);
        assert!(
            matches!(error, Error::Changed { anew: true, .. }),
            "{error:?}"
        );
    }
}

#[test]
fn wrong_parts_are_not_taken() {
    let body = body(100);
    let part = |range: &str, from: usize, to: usize| {
        let headers = format!("Content-Range: {range}\r\n{TAG}");
        say("206 X", &headers, &body[from..to])
    };
    for answer in [
        part("bytes 39-99/100", 39, 100),
        part("bytes 39-99/100", 40, 100),
        part("bytes 41-99/100", 41, 100),
        part("bytes 40-98/100", 40, 99),
        part("bytes 40-99/101", 40, 100),
        part("bytes 40-100/101", 40, 100),
        part("bytes 40-99/*", 40, 100),
        part("bytes 0-99/100", 0, 100),
        part("bytes 40-99/100", 0, 100),
        part("octets 40-99/100", 40, 100),
        part("bytes 99-40/100", 40, 100),
        say(
            "206 X",
            &format!("Content-Range: bytes 40-100/101\r\n{TAG}"),
            &[&body[40..], b"x"].concat(),
        ),
        say("206 X", TAG, &body[40..]),
        rest("", &body, 40),
        say(
            "200 OK",
            &format!("Content-Range: bytes 40-99/100\r\n{TAG}"),
            &body[40..],
        ),
        say("200 OK", TAG, &body[..99]),
        say("204 X", TAG, b""),
    ] {
        let error = broken(vec![cut(TAG, &body, 40), answer], &body[..40]);
        assert!(matches!(error, Error::Answer { .. }), "{error:?}");
    }
}

#[test]
fn refusals_of_the_rest_are_final() {
    let body = body(100);
    for status in [416, 404, 410, 401] {
        let answer = say(&format!("{status} X"), "", b"");
        let error = broken(vec![cut(TAG, &body, 40), answer], &body[..40]);
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    }
}

#[test]
fn what_is_no_media_from_the_beginning() {
    let body = body(10);
    for answer in [
        say("206 X", "Content-Range: bytes 0-9/10\r\n", &body),
        say("200 OK", "Content-Range: bytes 0-9/10\r\n", &body),
        say("200 OK", "Content-Encoding: gzip\r\n", &body),
        say("202 X", "", &body),
    ] {
        let (brought, seen) = brought(vec![answer]);
        assert!(matches!(brought, Err(Error::Answer { .. })), "{brought:?}");
        assert_eq!(seen.len(), 1);
    }
}

#[test]
fn ranges_go_where_redirections_lead() {
    let body = body(100);
    let storage = Server::of(vec![cut(TAG, &body, 40), rest(TAG, &body, 40)]);
    let place = storage.url("/s?sig=1");
    let api = Server::of(vec![redirect(307, &place), redirect(307, &place)]);
    let brought = bring(media(basic(&api.url("/m")))).unwrap();
    assert_eq!((brought.bytes, brought.attempts), (body, 2));
    let (api, storage) = (api.seen(), storage.seen());
    assert!(
        api.iter()
            .all(|head| head.contains("authorization: basic "))
    );
    assert!(
        storage
            .iter()
            .all(|head| !head.contains("authorization") && !head.contains("cookie"))
    );
    assert!(api[1].contains("range: bytes=40-\r\n"));
    assert!(
        storage[1].contains("range: bytes=40-\r\n") && storage[1].contains("if-range: \"one\"\r\n")
    );
}

#[test]
fn redirections_are_found_in_bodies() {
    let json = "Content-Type: application/json; charset=utf-8\r\n";
    for (status, location) in [
        ("302 X", ""),
        ("302 X", "Location: http://127.0.0.1:1/wrong\r\n"),
        ("200 OK", ""),
    ] {
        let storage = Server::of(vec![say("200 OK", "", b"media")]);
        let body = format!("{{\"redirect_to\": \"{}\"}}", storage.url("/s"));
        let api = Server::of(vec![say(
            status,
            &format!("{json}{location}"),
            body.as_bytes(),
        )]);
        let asked = Media {
            redirect_in_body: true,
            ..media(basic(&api.url("/m")))
        };
        assert_eq!(bring(asked).unwrap().bytes, b"media");
    }
    let in_body = |steps| {
        let server = Server::of(steps);
        bring(Media {
            redirect_in_body: true,
            ..media(request(&server.url("/m")))
        })
    };
    for body in [b"{\"a\":1}".to_vec(), vec![b' '; 300_000]] {
        assert_eq!(
            in_body(vec![say("200 OK", json, &body)]).unwrap().bytes,
            body
        );
    }
    // What is no short document in JSON, or was led to, is the media.
    let leads = br#"{"redirect_to":"https://10.0.0.1/"}"#.to_vec();
    let mut longer = leads.clone();
    longer.resize(70_000, b' ');
    for (status, headers, body) in [
        ("200 OK", "", &leads),
        ("200 OK", "Content-Type: audio/x-wav\r\n", &leads),
        ("200 OK", json, &longer),
    ] {
        let brought = in_body(vec![say(status, headers, body)]).unwrap();
        assert!(brought.bytes == *body, "{status} {headers}");
    }
    let steps = vec![redirect(302, "/x"), say("200 OK", json, &leads)];
    assert_eq!(in_body(steps).unwrap().bytes, leads);
    let steps = vec![redirect(302, "/x"), say("200 OK", "", b"media")];
    assert_eq!(in_body(steps).unwrap().bytes, b"media");
    let bad = b"{\"redirect_to\":\"https://10.0.0.1/\"}";
    assert!(matches!(
        in_body(vec![say("302 X", json, bad)]),
        Err(Error::Astray { .. })
    ));
    let (not_asked, _) = brought(vec![say("200 OK", json, bad)]);
    assert_eq!(not_asked.unwrap().bytes, bad);
}

#[test]
fn what_is_missing_may_still_come() {
    let until = |seconds| Some(Timestamp::now() + SignedDuration::from_secs(seconds));
    let missing = || say("404 X", "", b"");
    let ask = |missing_until, steps| {
        let server = Server::of(steps);
        bring(Media {
            missing_until,
            ..media(request(&server.url("/m")))
        })
    };
    let came = ask(
        until(60),
        vec![missing(), missing(), say("200 OK", "", b"x")],
    )
    .unwrap();
    assert_eq!((came.bytes, came.attempts), (b"x".to_vec(), 3));
    let never = ask(until(60), (0..4).map(|_| missing()).collect());
    assert!(
        matches!(never, Err(Error::Busy { status: 404, .. })),
        "{never:?}"
    );
    let late = ask(until(-1), vec![missing()]);
    assert!(
        matches!(late, Err(Error::Refused { status: 404, .. })),
        "{late:?}"
    );
    let body = body(10);
    let gone = ask(until(60), vec![cut(TAG, &body, 5), missing()]).unwrap();
    assert!(matches!(
        gone.error,
        Some(Error::Refused { status: 404, .. })
    ));
}

#[test]
fn a_reader_that_goes_ends_the_download() {
    let body = body(40_000_000);
    let server = Server::of(vec![say("200 OK", "", &body), say("200 OK", "", b"next")]);
    let client = client();
    let mut download = client
        .media(media(request(&server.url("/m"))), &Attempts::default())
        .unwrap();
    let mut first = [0; 1000];
    download.body.read_exact(&mut first).unwrap();
    drop(download);
    let next = client.json(&request(&server.url("/m"))).unwrap();
    assert_eq!(next, b"next");
}

#[test]
fn a_download_outlives_its_client() {
    let body = body(5_000_000);
    let server = Server::of(vec![
        cut(TAG, &body, 3_000_000),
        rest(TAG, &body, 3_000_000),
    ]);
    let mut download = client()
        .media(media(request(&server.url("/m"))), &Attempts::default())
        .unwrap();
    let mut bytes = Vec::new();
    download.body.read_to_end(&mut bytes).unwrap();
    assert!(bytes == body);
    assert_eq!(download.body.read(&mut [0; 9]).unwrap(), 0);
}

#[test]
fn an_error_stays() {
    let body = body(10);
    let server = Server::of(vec![cut(TAG, &body, 5), say("404 X", "", b"")]);
    let mut download = client()
        .media(media(request(&server.url("/m"))), &Attempts::default())
        .unwrap();
    let mut bytes = Vec::new();
    let first = download.body.read_to_end(&mut bytes).unwrap_err();
    let second = download.body.read(&mut [0; 9]).unwrap_err();
    assert!(Error::within(&first).is_some());
    assert_eq!(Error::within(&first), Error::within(&second));
}
