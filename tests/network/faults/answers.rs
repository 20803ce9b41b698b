//! Faults of what a provider says of a recording.

use super::row::{EVER, Kind, Row, run};
use crate::common::Random;
use crate::fake::{Fault, Page};

/// One that is asked for at one of Vonage's two APIs alone.
fn row(kind: Kind, name: &str) -> Row {
    Row::of(kind, name)
        .env("OPENTOK_API_KEY", "")
        .env("OPENTOK_API_SECRET", "")
}

#[test]
fn answers_break() {
    run(Kind::ALL.into_iter().flat_map(broken).collect());
}

#[test]
fn answers_are_no_answers() {
    run(Kind::ALL.into_iter().flat_map(senseless).collect());
}

#[test]
fn answers_say_no() {
    let mut rows: Vec<_> = Kind::ALL.into_iter().flat_map(refusals).collect();
    rows.extend(of_twilio());
    rows.extend(of_vonage());
    rows.extend(states());
    run(rows);
}

fn broken(kind: Kind) -> Vec<Row> {
    let row = |name: &str| row(kind, name);
    let mut rows = vec![
        row("reset before a byte")
            .answer(Fault::Reset, 1)
            .retries(1)
            .comes(1),
        row("reset for ever").answer(Fault::Reset, EVER).fails(
            75,
            &["cannot reach 127.0.0.1", "the connection was closed"],
            &["check the network"],
        ),
        row("cut")
            .answer(Fault::CutAfter(100), 1)
            .retries(1)
            .comes(1),
        row("cut for ever")
            .answer(Fault::CutAfter(100), EVER)
            .retries(1)
            .fails(75, &["broke off"], &["run the same command again"]),
        row("Content-Length too long")
            .answer(Fault::LengthLarger(5), 1)
            .retries(1)
            .comes(1),
        row("Content-Length too long for ever")
            .answer(Fault::LengthLarger(5), EVER)
            .fails(75, &["broke off"], &["run the same command again"]),
        row("Content-Length too short")
            .answer(Fault::LengthSmaller(5), 1)
            .fails(9, &["it is not JSON"], &["if a proxy stands between"]),
        row("chunked").answer(Fault::Chunked, 1).comes(1),
        row("chunked, cut")
            .answer(Fault::ChunkedCut(100), 1)
            .retries(1)
            .comes(1),
        row("delimited by closing")
            .answer(Fault::CloseDelimited, 1)
            .comes(1),
        row("delimited by closing, cut")
            .answer(Fault::CloseDelimitedCut(100), 1)
            .fails(9, &["it is not JSON"], &["if a proxy stands between"]),
        row("a byte at a time")
            .answer(Fault::Dribble(std::time::Duration::from_micros(1)), 1)
            .comes(1),
        row("not HTTP").answer(Fault::Garbage, EVER).fails(
            75,
            &["what it speaks is not HTTP"],
            &["check the network"],
        ),
        row("2 MB of headers")
            .answer(Fault::Headers(2 << 20), EVER)
            .fails(
                9,
                &["its headers are too long"],
                &["if a proxy stands between"],
            ),
    ];
    let mut random = Random(11);
    rows.extend((0..20).map(|_| {
        let offset = 1 + random.below(500);
        row(&format!("reset after {offset} bytes"))
            .answer(Fault::ResetAfter(offset), 1)
            .retries(1)
            .comes(1)
    }));
    rows
}

fn senseless(kind: Kind) -> Vec<Row> {
    let row = |name: &str| row(kind, name);
    let nothing = &["if a proxy stands between"];
    let (field, other) = match kind {
        Kind::Voice => ("sid", "RE5eed00000000000000000000000000ff"),
        Kind::Video => ("sid", "RT5eed00000000000000000000000000ff"),
        Kind::Vonage => ("id", "5eed0000-0000-4000-8000-0000000000ff"),
    };
    let json = |text: String| Fault::Answer(200, "application/json", text.into_bytes());
    vec![
        row("HTML")
            .answer(Fault::ErrorPage(Page::Html), EVER)
            .fails(9, &["it is a page of HTML or XML, not JSON"], nothing),
        row("XML").answer(Fault::ErrorPage(Page::Xml), EVER).fails(
            9,
            &["it is a page of HTML or XML, not JSON"],
            nothing,
        ),
        row("an error as a success")
            .answer(Fault::ErrorPage(Page::Json), EVER)
            .fails(
                9,
                &["it is an error, 20500: An internal server error has occurred"],
                nothing,
            ),
        row("nothing")
            .answer(Fault::Empty, EVER)
            .fails(9, &["it is empty"], nothing),
        row("compressed")
            .answer(Fault::Gzip, EVER)
            .fails(9, &["it is compressed"], nothing),
        row("206, a half")
            .answer(Fault::PartialToPlain, EVER)
            .fails(9, &["status 206"], nothing),
        row("206, all")
            .answer(Fault::WholeAsPartial, EVER)
            .fails(9, &["status 206"], nothing),
        row("17 MiB").answer(Fault::HugeJson(17 << 20), EVER).fails(
            9,
            &["it is longer than 16777216 bytes"],
            nothing,
        ),
        row("17 MiB, chunked")
            .answer(Fault::HugeJson(17 << 20).and(Fault::Chunked), EVER)
            .fails(9, &["it is longer than 16777216 bytes"], nothing),
        row("15 MiB").answer(Fault::HugeJson(15 << 20), 1).comes(1),
        row("too many values")
            .answer(Fault::ManyValues(131_072), EVER)
            .fails(9, &["it has more than 131072 values"], nothing),
        row("many values")
            .answer(Fault::ManyValues(130_000), 1)
            .comes(1),
        row("another id")
            .answer(
                json(format!(
                    "{{\"{field}\":\"{other}\",\"status\":\"completed\"}}"
                )),
                EVER,
            )
            .fails(9, &["it is about another recording"], nothing),
        row("no id")
            .answer(json(format!("{{\"{field}\":\"../../etc/passwd\"}}")), EVER)
            .fails(9, &["the id in it is none of a recording"], nothing),
        row("an array")
            .answer(json("[]".into()), EVER)
            .fails(9, &[], nothing),
        row("brackets without end")
            .answer(json("[".repeat(100_000)), EVER)
            .fails(9, &["it is not JSON"], nothing),
    ]
}

fn refusals(kind: Kind) -> Vec<Row> {
    let row = |name: &str| row(kind, name);
    let mut rows = Vec::new();
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let row = row(&format!("{status} once"));
        rows.push(row.answer(Fault::status(status), 1).retries(1).comes(1));
    }
    let later = &["longer than five minutes"];
    rows.extend([
        row("503 for ever")
            .answer(Fault::status(503), EVER)
            .retries(1)
            .fails(75, &["answered 503"], &["later"]),
        row("429 for ever").answer(Fault::status(429), EVER).fails(
            75,
            &["answered 429"],
            &["-j 1"],
        ),
        row("Retry-After")
            .answer(Fault::retry_after(503, "1"), 1)
            .retries(1)
            .comes(1),
        row("Retry-After of garbage")
            .answer(Fault::retry_after(429, "-1"), 1)
            .retries(1)
            .comes(1),
        row("Retry-After of six minutes")
            .answer(Fault::retry_after(429, "360"), 1)
            .retries(9)
            .fails(75, &["answered 429"], later),
        row("Retry-After tomorrow")
            .answer(Fault::retry_after(503, &Fault::in_seconds(86_400)), 1)
            .retries(9)
            .fails(75, &["answered 503"], later),
        row("401")
            .answer(Fault::status(401), EVER)
            .retries(9)
            .fails(9, &["answered 401"], &["inspect --credentials"]),
        row("403")
            .answer(Fault::status(403), EVER)
            .retries(9)
            .fails(9, &["answered 403"], &["may not read it"]),
        row("404").answer(Fault::NotFound, EVER).retries(9).fails(
            9,
            &["answered 404"],
            &["check the id"],
        ),
        row("410")
            .answer(Fault::status(410), EVER)
            .retries(9)
            .fails(9, &["answered 410"], &["deleted"]),
        row("a redirect loop")
            .answer(Fault::RedirectLoop, EVER)
            .fails(9, &["one redirection too many"], &["it is not followed"]),
        row("a redirect to a private address")
            .answer(
                Fault::RedirectTo("https://10.0.0.1/x?token=s3cret".into()),
                EVER,
            )
            .fails(
                9,
                &["leads to https://10.0.0.1/x?token", "no public address"],
                &["not followed"],
            ),
        row("5 redirects").answer(Fault::Redirects(5), 1).comes(1),
        row("6 redirects").answer(Fault::Redirects(6), 1).fails(
            9,
            &["one redirection too many"],
            &["it is not followed"],
        ),
    ]);
    rows
}

/// Twilio's own codes, and what they mean.
fn of_twilio() -> Vec<Row> {
    let said = |code: u32, message: &str| {
        let text = format!("{{\"code\":{code},\"message\":\"{message}\",\"status\":400}}");
        Fault::Answer(400, "application/json", text.into_bytes())
    };
    let mut rows = Vec::new();
    for kind in [Kind::Voice, Kind::Video] {
        let row = |name: &str| row(kind, name);
        rows.extend([
            row("20003").answer(Fault::status(401), EVER).fails(
                9,
                &["error 20003: Authenticate"],
                &["check the credentials"],
            ),
            // Hosts that stand in for Twilio's win over the region, which is of the credentials too.
            row("20003 in a region")
                .env("TWILIO_REGION", "ie1")
                .env("TWILIO_EDGE", "dublin")
                .answer(Fault::status(401), EVER)
                .fails(9, &["error 20003"], &["TWILIO_REGION"]),
            row("in a region")
                .env("TWILIO_REGION", "ie1")
                .env("TWILIO_EDGE", "dublin")
                .comes(1),
            row("other credentials")
                .env("TWILIO_API_SECRET", "made-up-other")
                .fails(9, &["answered 401", "20003"], &["check the credentials"]),
            row("20404")
                .answer(Fault::NotFound, EVER)
                .fails(9, &["error 20404"], &["--account"]),
            row("20429").answer(Fault::status(429), EVER).fails(
                75,
                &["error 20429: Too Many Requests"],
                &["-j 1"],
            ),
            row("16105")
                .answer(said(16105, "Encryption key"), EVER)
                .fails(9, &["error 16105"], &["no valid public key"]),
            row("16107")
                .answer(said(16107, "Encryption key"), EVER)
                .fails(9, &["error 16107"], &["another key"]),
            row("16109").answer(said(16109, "No MP3"), EVER).fails(
                9,
                &["error 16109"],
                &[".wav only"],
            ),
            row("words for a terminal")
                .answer(said(20001, r"\u001b[31mred\u202e"), EVER)
                .fails(9, &["error 20001"], &["see what it says"]),
        ]);
    }
    rows
}

fn of_vonage() -> Vec<Row> {
    let row = |name: &str| row(Kind::Vonage, name);
    vec![
        row("the gateway's error")
            .answer(Fault::status(401), EVER)
            .fails(
                9,
                &["Unauthorized: Something went wrong"],
                &["check the credentials"],
            ),
        row("the archives' error")
            .answer(Fault::status(500), EVER)
            .fails(75, &["error 15500: Something went wrong"], &["later"]),
        row("an unknown archive")
            .answer(Fault::NotFound, EVER)
            .fails(9, &["error 15004: Something went wrong"], &["check the id"]),
        // What one API refuses, the other is asked for.
        Row::of(Kind::Vonage, "an archive of OpenTok's")
            .input(|_| "5eed0000-0000-4000-8000-000000000004".into())
            .at(
                "archive/5eed0000-0000-4000-8000-000000000004",
                Fault::status(401),
                1,
            )
            .at("GET storage:", Fault::status(410), 1)
            .fails(9, &["answered 410"], &["deleted"]),
        row("a link to a private address")
            .answer(link("https://192.168.0.1/x?sig=s3cret"), EVER)
            .fails(
                9,
                &["leads to https://192.168.0.1/x?sig", "no public address"],
                &["not followed"],
            ),
        row("a link that is not encrypted")
            .answer(link("http://example.com/x?sig=s3cret"), EVER)
            .fails(9, &["not encrypted"], &[]),
        row("a link with a password")
            .answer(link("https://u:s3cret@example.com/x"), EVER)
            .fails(9, &["a user name or a password"], &[]),
        row("a link that is none")
            .answer(link("x"), EVER)
            .fails(9, &["no URL"], &[]),
    ]
}

/// An archive with another link.
fn link(url: &str) -> Fault {
    let path = crate::common::fixture("vonage/archive-2.json");
    let mut archive: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    archive["url"] = url.into();
    Fault::Answer(200, "application/json", archive.to_string().into_bytes())
}

/// Recordings that are not there, by their `status`.
fn states() -> Vec<Row> {
    let of = |kind: Kind, status: &str, more: &str| {
        let name = if kind == Kind::Vonage { "id" } else { "sid" };
        let id = kind.id();
        let text = format!("{{\"{name}\":\"{id}\",\"status\":\"{status}\"{more}}}");
        let fault = Fault::Answer(200, "application/json", text.into_bytes());
        row(kind, status).answer(fault, EVER)
    };
    let mut rows = Vec::new();
    for (kind, status) in [
        (Kind::Voice, "in-progress"),
        (Kind::Voice, "paused"),
        (Kind::Voice, "stopped"),
        (Kind::Voice, "processing"),
        (Kind::Voice, "resting"),
        (Kind::Video, "enqueued"),
        (Kind::Video, "processing"),
        (Kind::Vonage, "started"),
        (Kind::Vonage, "paused"),
        (Kind::Vonage, "stopped"),
    ] {
        rows.push(of(kind, status, "").fails(75, &["is not completed"], &["when it is completed"]));
    }
    rows.extend([
        of(Kind::Voice, "absent", ",\"error_code\":16105").fails(
            9,
            &["was not recorded", "16105"],
            &["no valid public key"],
        ),
        of(Kind::Voice, "absent", "").fails(9, &["was not recorded"], &["too short"]),
        of(Kind::Voice, "failed", "").fails(9, &["failed"], &["no media"]),
        of(Kind::Voice, "deleted", "").fails(9, &["was deleted"], &["--metadata-only"]),
        of(Kind::Video, "failed", "").fails(9, &["failed"], &["no media"]),
        of(Kind::Video, "deleted", "").fails(9, &["was deleted"], &["--metadata-only"]),
        of(Kind::Vonage, "failed", "").fails(9, &["failed"], &["no media"]),
        of(Kind::Vonage, "deleted", "").fails(9, &["was deleted"], &["--metadata-only"]),
        of(Kind::Vonage, "expired", "").fails(9, &[], &["--metadata-only"]),
        of(Kind::Vonage, "uploaded", ",\"url\":null").fails(9, &["is kept elsewhere"], &["bucket"]),
        of(
            Kind::Video,
            "completed",
            ",\"media_external_location\":\"https://b.example.com/k?x=s3cret\"",
        )
        .fails(
            9,
            &["is kept elsewhere", "https://b.example.com/k"],
            &["copy the object from there"],
        ),
        of(
            Kind::Voice,
            "completed",
            ",\"media_url\":\"https://b.example.com/k?x=s3cret\"",
        )
        .fails(
            9,
            &["is kept elsewhere", "https://b.example.com/k"],
            &["copy the object from there"],
        ),
    ]);
    rows
}
