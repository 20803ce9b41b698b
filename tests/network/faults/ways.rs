//! Where answers lead, and who answers: redirections, links, certificates.

use super::row::{EVER, Kind, Row, run};
use crate::fake::{Certificate, Fake, Fault, VideoLink, VoiceMedia};

const NOT_FOLLOWED: &[&str] = &["it is not followed"];

#[test]
fn redirections_lead_astray() {
    let mut rows: Vec<_> = Kind::ALL.into_iter().flat_map(astray).collect();
    rows.extend(redirected());
    run(rows);
}

#[test]
fn links_are_given() {
    run(links());
}

#[test]
fn certificates_are_not_trusted() {
    run(Kind::ALL.into_iter().flat_map(certificates).collect());
}

/// Refused before anything is connected to.
fn astray(kind: Kind) -> Vec<Row> {
    let mut places = vec![kind.place_of_media()];
    if kind == Kind::Video {
        places.push("/Media".into());
    }
    let mut rows = Vec::new();
    for place in places {
        for (to, why) in [
            (
                "http://169.254.169.254/latest/meta-data/",
                &["which is not encrypted"][..],
            ),
            (
                "https://169.254.169.254/latest?token=s3cret",
                &[
                    "https://169.254.169.254/latest?token,",
                    "which is no public address",
                ],
            ),
            ("https://10.0.0.1/", &["which is no public address"]),
            (
                "https://172.16.0.1:8443/",
                &["https://172.16.0.1:8443/", "no public address"],
            ),
            ("https://192.168.1.1/", &["which is no public address"]),
            (
                "https://0xa000001/",
                &["https://10.0.0.1/", "which is no public address"],
            ),
            ("https://[fd00::1]/", &["which is no public address"]),
            (
                "https://[::ffff:169.254.169.254]/",
                &["which is no public address"],
            ),
            (
                "http://example.com/?sig=s3cret",
                &["which is not encrypted"],
            ),
            ("//10.0.0.1/", &["leads to"]),
            (
                "https://user:s3cret@example.com/",
                &["with a user name or a password"],
            ),
            ("ftp://127.0.0.1/", &["which is no URL to ask for"]),
            ("file:///etc/passwd", &["which is no URL to ask for"]),
            (
                "mailto:x@example.com",
                &["leads to a place, which is no URL to ask for"],
            ),
            ("https://[", &["which is no URL to ask for"]),
        ] {
            rows.push(
                Row::of(kind, format!("{place} leads to {to}"))
                    .at(place.clone(), Fault::RedirectTo(to.into()), EVER)
                    .retries(3)
                    .fails(9, why, NOT_FOLLOWED),
            );
        }
    }
    // Twilio Video's link is one redirection itself.
    let (few, many) = if kind == Kind::Video { (4, 5) } else { (5, 6) };
    let row = |name: &str| Row::of(kind, name);
    rows.extend([
        row("a loop")
            .media(Fault::RedirectLoop, EVER)
            .retries(3)
            .fails(9, &["one redirection too many"], NOT_FOLLOWED),
        row("5 in all").media(Fault::Redirects(few), 1).comes(1),
        row("6 in all")
            .media(Fault::Redirects(many), 1)
            .retries(3)
            .fails(9, &["one redirection too many"], NOT_FOLLOWED),
        row("a relative one").media(Fault::Redirects(1), 1).comes(1),
        row("from https to http")
            .tls(Certificate::Good)
            .media(Fault::RedirectTo("http://127.0.0.1:9/x".into()), EVER)
            .retries(3)
            .fails(
                9,
                &["leads to http://127.0.0.1:9/x, which is not encrypted"],
                NOT_FOLLOWED,
            ),
        row("from https to http of the same host, by what is said")
            .tls(Certificate::Good)
            .answer(Fault::RedirectTo("http://localhost:9/x".into()), EVER)
            .fails(9, &["which is not encrypted"], NOT_FOLLOWED),
    ]);
    rows
}

fn redirected() -> Vec<Row> {
    let at_storage = |row: Row| {
        row.with(|fake| fake.style(|style| style.voice_media = VoiceMedia::AtStorage))
            .look(|fake| {
                let seen = super::row::of_storage(fake);
                assert!(!seen.is_empty());
            })
    };
    let voice = |name: &str| at_storage(Row::of(Kind::Voice, name));
    let video = |name: &str, link: VideoLink| {
        Row::of(Kind::Video, name).with(move |fake| fake.style(|style| style.video_link = link))
    };
    vec![
        voice("to another origin, without credentials").comes(1),
        voice("to another origin, and cut there")
            .at("GET storage:", Fault::CutAfter(5000), 1)
            .retries(1)
            .comes(2)
            .look(|fake| {
                let seen = super::row::of_storage(fake);
                assert_eq!(seen[1].header("range"), Some("bytes=5000-"));
            }),
        voice("to another origin that knows no such thing")
            .at("GET storage:", Fault::NotFound, EVER)
            .fails(9, &["answered 404", "NoSuchKey"], &["deleted"]),
        video("Location alone", VideoLink::Header).comes(1),
        video("redirect_to alone", VideoLink::Body).comes(1),
        video("redirect_to in a 200", VideoLink::Body)
            .with(|fake| {
                let text = format!("{{\"redirect_to\":\"{}\"}}", link(fake)).into_bytes();
                fake.fault("/Media", Fault::Answer(200, "application/json", text), 1);
            })
            .comes(1),
        video("redirect_to to a private address", VideoLink::Both)
            .at(
                "/Media",
                Fault::Answer(
                    200,
                    "application/json",
                    b"{\"redirect_to\":\"https://169.254.169.254/?x=s3cret\"}".to_vec(),
                ),
                EVER,
            )
            .fails(9, &["no public address"], NOT_FOLLOWED),
        video("neither", VideoLink::Both)
            .at(
                "/Media",
                Fault::Answer(302, "application/json", b"{}".to_vec()),
                EVER,
            )
            .fails(9, &["answered 302"], &[]),
    ]
}

/// A link to a recording of Twilio Video, with what opens it.
fn link(fake: &Fake) -> String {
    let path = crate::common::fixture("twilio-video/flat.json");
    let flat: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let pairs = flat.as_object().unwrap().iter();
    let headers: Vec<_> = pairs
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let path = format!("/bucket/{}.mka", Kind::Video.id());
    fake.put(&path, Kind::Video.media(), &headers, false)
}

/// Links as INPUT: nobody can be asked for another.
fn links() -> Vec<Row> {
    let row = |name: &str| Row::of(Kind::Video, name).input(link);
    let place = "GET storage:/bucket";
    vec![
        row("a link").comes(1),
        row("a link, cut")
            .at(place, Fault::CutAfter(1000), 1)
            .retries(1)
            .comes(2),
        row("a link that has expired")
            .at(place, Fault::Expired, EVER)
            .retries(3)
            .fails(
                9,
                &["answered 403", "AccessDenied: Request has expired"],
                &["get a new one"],
            ),
        row("a link that holds for no time")
            .with(|fake| fake.style(|style| style.link_seconds = 0))
            .retries(3)
            .fails(9, &["answered 403"], &["get a new one"]),
        row("a link to nothing")
            .at(place, Fault::NotFound, EVER)
            .retries(3)
            .fails(9, &["answered 404", "NoSuchKey"], &[]),
        row("a link that leads astray")
            .at(place, Fault::RedirectTo("https://10.0.0.1/".into()), EVER)
            .fails(9, &["no public address"], NOT_FOLLOWED),
        row("a link, 503 for ever")
            .at(place, Fault::status(503), EVER)
            .fails(75, &["answered 503", "SlowDown"], &["later"]),
        row("a link, 206")
            .at(place, Fault::PartialToPlain, 1)
            .fails(9, &["status 206"], &[]),
    ]
}

fn certificates(kind: Kind) -> Vec<Row> {
    let row =
        |name: &str, certificate: Certificate| Row::of(kind, name).tls(certificate).retries(3);
    let hint = &["--ca-file"];
    vec![
        row("TWILIO_CA_BUNDLE", Certificate::Good).comes(1),
        row("--ca-file", Certificate::Good)
            .flag("--ca-file=CA_FILE")
            .comes(1),
        row("cut over TLS", Certificate::Good)
            .media(Fault::CutAfter(3000), 1)
            .comes(2),
        row("reset over TLS", Certificate::Good)
            .media(Fault::ResetAfter(3000), 1)
            .comes(2),
        row("no authority", Certificate::Good)
            .env("TWILIO_CA_BUNDLE", "")
            .fails(9, &["the certificate of 127.0.0.1", "is not trusted"], hint),
        row("expired", Certificate::Expired).fails(9, &["is not trusted: it has expired"], hint),
        row("expired, with --ca-file", Certificate::Expired)
            .flag("--ca-file=CA_FILE")
            .fails(9, &["is not trusted: it has expired"], hint),
        row("another name", Certificate::OtherName).fails(
            9,
            &["is not trusted: it is for another name"],
            hint,
        ),
    ]
}
