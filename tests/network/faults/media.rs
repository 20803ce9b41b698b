//! Faults of the media, of each provider.
#![allow(clippy::too_many_lines, reason = "they are tables")]

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::row::{EVER, Kind, Row, of_media, run};
use crate::common::Random;
use crate::common::made::skip;
use crate::fake::{Certificate, Fault, Page, Style, VoiceMedia};

#[test]
fn connections_break() {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        rows.extend(broken(kind));
        rows.extend(resets(kind));
    }
    run(rows);
}

#[test]
fn parts_are_wrong() {
    run(Kind::ALL.into_iter().flat_map(parts).collect());
}

#[test]
fn statuses_say_no() {
    run(Kind::ALL.into_iter().flat_map(statuses).collect());
}

#[test]
fn bodies_are_something_else() {
    run(Kind::ALL.into_iter().flat_map(bodies).collect());
}

fn broken(kind: Kind) -> Vec<Row> {
    let row = |name: &str| Row::of(kind, name);
    let length = kind.media().len();
    // A tag, or a declared length. Vonage has a container, which is whole up to wherever it is cut.
    let proves = kind != Kind::Vonage;
    vec![
        row("reset before a byte")
            .media(Fault::Reset, 1)
            .retries(1)
            .comes(2),
        row("reset before a byte, for ever")
            .media(Fault::Reset, EVER)
            .fails(
                75,
                &["cannot reach 127.0.0.1", "the connection was closed"],
                &["check the network"],
            ),
        row("cut")
            .media(Fault::CutAfter(4000), 1)
            .retries(1)
            .comes(2)
            .look(move |fake| {
                let seen = of_media(fake, kind);
                assert_eq!(seen[1].header("range"), Some("bytes=4000-"));
                assert!(
                    seen[1]
                        .header("if-range")
                        .is_some_and(|tag| tag.starts_with('"'))
                );
                assert_eq!(seen[1].status, 206);
            }),
        row("cut before the first byte")
            .media(Fault::CutAfter(0), 1)
            .retries(1)
            .comes(2),
        row("cut before the last byte")
            .media(Fault::CutAfter(length - 1), 1)
            .retries(1)
            .comes(2),
        row("cut twice")
            .media(Fault::CutAfter(1000), 1)
            .media(Fault::CutAfter(2000), 1)
            .retries(1)
            .comes(3),
        row("cut for ever")
            .media(Fault::CutAfter(1000), EVER)
            .fails(
                75,
                &["the download from 127.0.0.1", "broke off"],
                &["run the same command again"],
            ),
        row("cut for ever before the first byte")
            .media(Fault::CutAfter(0), EVER)
            .retries(1)
            .fails(75, &["broke off"], &["run the same command again"]),
        row("Content-Length too long")
            .media(Fault::LengthLarger(10), 1)
            .fails(75, &["broke off"], &["run the same command again"]),
        row("Content-Length too long, and the rest is asked for")
            .media(Fault::LengthLarger(10), 1)
            .retries(1)
            .fails(9, &["answered 416"], &["does not give"]),
        row("Content-Length too short")
            .media(Fault::LengthSmaller(10), 1)
            .fails(7, &[], &["again"]),
        row("chunked").media(Fault::Chunked, 1).comes(1),
        row("chunked, cut")
            .media(Fault::ChunkedCut(3000), 1)
            .retries(1)
            .comes(2),
        row("chunked, cut for ever")
            .media(Fault::ChunkedCut(3000), EVER)
            .fails(75, &["broke off"], &["again"]),
        if proves {
            row("delimited by closing")
                .media(Fault::CloseDelimited, 1)
                .comes(1)
        } else {
            row("delimited by closing, and nothing proves it")
                .media(Fault::CloseDelimited, 1)
                .fails(75, &["has no length"], &["again"])
        },
        row("delimited by closing, cut")
            .media(Fault::CloseDelimitedCut(3001), 1)
            .fails(if proves { 7 } else { 75 }, &[], &["again"]),
        row("delimited by closing, cut between blocks")
            .media(Fault::CloseDelimitedCut(188 * 16), 1)
            .fails(if proves { 7 } else { 75 }, &[], &["again"]),
        if proves {
            row("delimited by closing, cut over TLS")
                .tls(Certificate::Good)
                .media(Fault::CloseDelimitedCut(3000), 1)
                .retries(1)
                .comes(2)
        } else {
            row("delimited by closing over TLS")
                .tls(Certificate::Good)
                .media(Fault::CloseDelimited, 1)
                .fails(75, &["has no length"], &["again"])
        },
        row("delimited by closing, only downloaded")
            .media(Fault::CloseDelimited, 1)
            .flag("--download-only")
            .fails(75, &["has no length"], &["again"]),
        row("chunked, only downloaded")
            .media(Fault::Chunked, 1)
            .flag("--download-only")
            .keeps(),
        row("cut, only downloaded")
            .media(Fault::CutAfter(3000), 1)
            .flag("--download-only")
            .retries(1)
            .keeps(),
        row("cut, only downloaded, for ever")
            .media(Fault::CutAfter(3000), EVER)
            .flag("--download-only")
            .fails(75, &["broke off"], &["again"]),
        row("silent before the headers")
            .media(Fault::StallBeforeHeaders(Duration::from_millis(300)), 1)
            .comes(1),
        row("silent in the body")
            .media(Fault::StallInBody(1000, Duration::from_millis(300)), 1)
            .comes(1),
        row("a byte at a time")
            .media(Fault::Dribble(Duration::ZERO), 1)
            .comes(1),
    ]
}

/// Resets at twenty offsets. What comes again is not what was here already.
fn resets(kind: Kind) -> Vec<Row> {
    let length = kind.media().len();
    let mut random = Random(7);
    let offsets = (0..20).map(move |_| 1 + random.below(length - 1));
    let row = move |offset: usize| {
        Row::of(kind, format!("reset after {offset} bytes"))
            .media(Fault::ResetAfter(offset), 1)
            .retries(1)
            .comes(2)
            .look(move |fake| {
                let seen = of_media(fake, kind);
                assert_eq!(seen.len(), 2);
                let range = seen[1].header("range").unwrap_or("bytes=0-");
                let first = range.trim_start_matches("bytes=").trim_end_matches('-');
                let first: usize = first.parse().unwrap();
                assert!(first <= offset, "{range}");
                // The reset takes what the system had not read yet.
                if first < offset {
                    skip(&format!("{first} bytes of {offset} came before the reset"));
                }
            })
    };
    offsets.map(row).collect()
}

/// What a download is continued with.
fn parts(kind: Kind) -> Vec<Row> {
    let row = |name: &str| Row::of(kind, name).retries(1);
    let cut = || Fault::CutAfter(3000);
    let is_plain = move |fake: &crate::fake::Fake| {
        let seen = of_media(fake, kind);
        assert!(seen.len() > 1 && seen.iter().all(|seen| seen.header("range").is_none()));
    };
    let again = &["run the same command again"];
    vec![
        row("200 to a Range")
            .media(cut(), 1)
            .media(Fault::IgnoreRange, 1)
            .comes(2),
        row("206 to a plain request, a half")
            .media(Fault::PartialToPlain, 1)
            .fails(
                9,
                &["cannot be used: status 206"],
                &["if a proxy stands between"],
            ),
        row("206 to a plain request, all")
            .media(Fault::WholeAsPartial, 1)
            .fails(
                9,
                &["cannot be used: status 206"],
                &["if a proxy stands between"],
            ),
        row("another Content-Range")
            .media(cut(), 1)
            .media(Fault::WrongContentRange, 1)
            .fails(
                9,
                &["it is not the part that was asked for"],
                &["if a proxy stands between"],
            ),
        row("416")
            .media(cut(), 1)
            .media(Fault::NotSatisfiable, 1)
            .fails(9, &["answered 416"], &["does not give"]),
        row("206 with another ETag")
            .media(cut(), 1)
            .media(Fault::NewEtag, 1)
            .fails(75, &["changed during the download"], again),
        row("200 with another ETag and other bytes")
            .media(cut(), 1)
            .media(Fault::Replaced, 1)
            .fails(75, &["changed during the download"], again),
        row("206 with a weak ETag")
            .media(cut(), 1)
            .media(Fault::WeakEtag, 1)
            .fails(9, &["no strong entity tag"], &["if a proxy stands between"]),
        row("206 without an ETag")
            .media(cut(), 1)
            .media(Fault::NoEtag, 1)
            .fails(9, &["no strong entity tag"], &["if a proxy stands between"]),
        row("other bytes under the same ETag")
            .media(cut(), 1)
            .media(Fault::OtherBytes, 1)
            .fails(7, &[], &["again"]),
        row("a weak ETag")
            .media(Fault::WeakEtag.and(cut()), 1)
            .comes(2)
            .look(is_plain),
        row("no ETag")
            .media(Fault::NoEtag.and(cut()), 1)
            .comes(2)
            .look(is_plain),
        row("a weak ETag, and other bytes once")
            .media(Fault::WeakEtag.and(cut()), 1)
            .media(Fault::WeakEtag.and(Fault::OtherBytes), 1)
            .comes(3)
            .look(is_plain),
        row("no ETag, and the bytes change back and forth")
            .media(Fault::NoEtag.and(cut()), 1)
            .media(Fault::NoEtag.and(Fault::OtherBytes), 1)
            .media(Fault::NoEtag.and(cut()), 1)
            .media(Fault::NoEtag.and(Fault::OtherBytes), 1)
            .media(Fault::NoEtag.and(cut()), 1)
            .media(Fault::NoEtag.and(Fault::OtherBytes), 1)
            .fails(75, &["changed during the download"], again),
        row("no ETag, and a shorter whole once")
            .media(Fault::NoEtag.and(cut()), 1)
            .media(
                Fault::Answer(200, "audio/x-wav", kind.media()[..2000].to_vec()),
                1,
            )
            .comes(3),
    ]
}

fn statuses(kind: Kind) -> Vec<Row> {
    let row = |name: &str| Row::of(kind, name);
    let mut rows = Vec::new();
    for status in [408, 425, 429, 500, 502, 503, 504] {
        rows.push(
            row(&format!("{status} once"))
                .media(Fault::status(status), 1)
                .retries(1)
                .comes(2),
        );
    }
    let waited_since = move |fake: &crate::fake::Fake, start: Instant| {
        let pause = of_media(fake, kind)[1].at.duration_since(start);
        assert!(pause >= Duration::from_millis(990), "{pause:?}");
    };
    // Before the date is made, which the first request may come long after.
    let before = Arc::new(OnceLock::new());
    let dated = Arc::clone(&before);
    let later = &["longer than five minutes"];
    rows.extend([
        row("503 for ever")
            .media(Fault::status(503), EVER)
            .retries(1)
            .fails(75, &["answered 503"], &["later"]),
        row("429 for ever")
            .media(Fault::status(429), EVER)
            .fails(75, &["answered 429"], &["-j 1"]),
        row("Retry-After in seconds")
            .media(Fault::retry_after(429, "1"), 1)
            .retries(1)
            .comes(2)
            .look(move |fake| waited_since(fake, of_media(fake, kind)[0].at)),
        row("Retry-After as a date")
            .with(move |fake| {
                dated.get_or_init(Instant::now);
                let date = Fault::in_seconds(2);
                fake.fault(&kind.place_of_media(), Fault::retry_after(503, &date), 1);
            })
            .retries(1)
            .comes(2)
            .look(move |fake| waited_since(fake, *before.get().unwrap())),
        row("Retry-After of a date that was")
            .media(Fault::retry_after(503, &Fault::in_seconds(-9)), 1)
            .retries(1)
            .comes(2),
        row("Retry-After of more than five minutes")
            .media(Fault::retry_after(429, "301"), 1)
            .retries(9)
            .fails(75, &["answered 429"], later)
            .look(move |fake| assert_eq!(of_media(fake, kind).len(), 1)),
        row("Retry-After of a number without end")
            .media(Fault::retry_after(503, "99999999999999999999999"), 1)
            .retries(9)
            .fails(75, &["answered 503"], later),
        row("Retry-After tomorrow")
            .media(Fault::retry_after(503, &Fault::in_seconds(86_400)), 1)
            .retries(9)
            .fails(75, &["answered 503"], later),
        row("Retry-After of garbage")
            .media(Fault::retry_after(429, "s\u{f6}\u{f6}n"), 1)
            .retries(1)
            .comes(2),
        row("410")
            .media(Fault::status(410), EVER)
            .fails(9, &["answered 410"], &["deleted"]),
        row("400").media(Fault::status(400), EVER).retries(3).fails(
            9,
            &["answered 400"],
            &["see what it says"],
        ),
        row("404").media(Fault::NotFound, EVER).retries(3).fails(
            9,
            &["answered 404"],
            &["its media was deleted"],
        ),
        row("204")
            .media(Fault::Answer(204, "text/plain", vec![]), 1)
            .fails(9, &["status 204"], &["if a proxy stands between"]),
        row("304")
            .media(Fault::status(304), 1)
            .fails(9, &["answered 304"], &[]),
        row("302 without a place")
            .media(Fault::status(302), 1)
            .fails(9, &["answered 302"], &[]),
    ]);
    let at_storage = move |fake: &crate::fake::Fake| {
        fake.style(|style: &mut Style| style.voice_media = VoiceMedia::AtStorage);
    };
    let expired = |name: &str| row(name).with(at_storage);
    rows.extend([
        expired("an expired link")
            .at("GET storage:", Fault::Expired, 1)
            .retries(1)
            .comes(2),
        expired("an expired link, twice")
            .at("GET storage:", Fault::Expired, 2)
            .retries(2)
            .comes(3),
        expired("links that expire for ever")
            .at("GET storage:", Fault::Expired, EVER)
            .retries(1)
            .fails(75, &["no longer takes the link"], &["--retries"]),
        expired("a link that expires while it breaks")
            .at("GET storage:", Fault::CutAfter(3000), 1)
            .at("GET storage:", Fault::Expired, 1)
            .retries(1)
            .comes(3),
        expired("links that hold for no time")
            .with(|fake| fake.style(|style| style.link_seconds = 0))
            .retries(1)
            .fails(75, &["no longer takes the link"], &["--retries"]),
    ]);
    if kind == Kind::Voice {
        rows.extend([
            row("401").media(Fault::status(401), EVER).retries(3).fails(
                9,
                &["answered 401", "20003", "Authenticate"],
                &["inspect --credentials"],
            ),
            row("403 of the API")
                .media(Fault::status(403), EVER)
                .retries(3)
                .fails(
                    9,
                    &["answered 403", "20005", "Account not active"],
                    &["may not read it"],
                ),
            row("no parts and no ETag")
                .with(|fake| fake.style(|style| style.voice_media = VoiceMedia::Whole))
                .media(Fault::CutAfter(3000), 1)
                .retries(1)
                .comes(2),
        ]);
    }
    if kind != Kind::Vonage {
        rows.extend([
            row("404 while it is fresh")
                .with(move |fake| kind.is_new(fake))
                .media(Fault::NotFound, 1)
                .retries(1)
                .comes(2),
            row("404 for ever while it is fresh")
                .with(move |fake| kind.is_new(fake))
                .media(Fault::NotFound, EVER)
                .retries(1)
                .fails(75, &["answered 404"], &["in a minute"]),
        ]);
    }
    rows
}

fn bodies(kind: Kind) -> Vec<Row> {
    let row = |name: &str| Row::of(kind, name).retries(1);
    let page: &[&str] = match kind {
        Kind::Voice => &[
            "is no recording",
            "20500",
            "An internal server error has occurred",
        ],
        _ => &["is no recording", "InternalError", "Please try again."],
    };
    let text = b"upstream connect error or disconnect/reset before headers";
    vec![
        row("compressed").media(Fault::Gzip, EVER).fails(
            9,
            &["it is compressed"],
            &["if a proxy stands between"],
        ),
        row("2 MB of headers")
            .media(Fault::Headers(2 << 20), EVER)
            .fails(
                9,
                &["cannot be used: its headers are too long"],
                &["if a proxy stands between"],
            ),
        row("not HTTP").media(Fault::Garbage, EVER).fails(
            75,
            &["cannot reach", "what it speaks is not HTTP"],
            &["check the network, the name, and the proxy"],
        ),
        row("not HTTP once").media(Fault::Garbage, 1).comes(2),
        row("a page of HTML")
            .media(Fault::ErrorPage(Page::Html), EVER)
            .fails(
                9,
                &["is no recording", "a web page"],
                &["a page for people"],
            ),
        row("an error in XML")
            .media(Fault::ErrorPage(Page::Xml), EVER)
            .fails(9, page, &["instead of the recording"]),
        row("an error in JSON")
            .media(Fault::ErrorPage(Page::Json), EVER)
            .fails(
                9,
                &["is no recording", "20500"],
                &["instead of the recording"],
            ),
        row("a word of a proxy")
            .media(Fault::Answer(200, "text/plain", text.to_vec()), EVER)
            .fails(9, &["is no recording"], &["instead of the recording"]),
        row("an error in XML, only downloaded")
            .media(Fault::ErrorPage(Page::Xml), EVER)
            .flag("--download-only")
            .fails(9, page, &["instead of the recording"]),
        row("a page of HTML to the rest")
            .media(Fault::CutAfter(3000), 1)
            .media(Fault::ErrorPage(Page::Html), EVER)
            .fails(75, &["changed during the download"], &["again"]),
        row("nothing")
            .media(Fault::Empty, EVER)
            .fails(3, &["0 bytes"], &["it is empty"]),
        row("nothing, only downloaded")
            .media(Fault::Empty, EVER)
            .flag("--download-only")
            .fails(3, &["0 bytes"], &["it is empty"]),
        row("other bytes")
            .media(Fault::OtherBytes, EVER)
            .fails(7, &[], &["again"]),
        row("other words about its type")
            .media(Fault::With(vec![("Content-Type", "text/html".into())]), 1)
            .comes(1),
    ]
}
