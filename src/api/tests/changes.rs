//! What changes something is done once.

use super::super::change::{Body, Object, Value, Verb};
use super::super::draft::{Draft, Unmade};
use super::server::{Server, Step, redirect, say};
use super::*;

/// What comes of a change, and how often it was sent.
fn changed(steps: Vec<Step>, may_repeat: bool) -> (Result<Vec<u8>, Unmade>, usize) {
    let server = Server::of(steps);
    let draft = draft(&server.url("/k"), may_repeat);
    let made = client().change(&draft, 0);
    (made, server.seen().len())
}

fn draft(url: &str, may_repeat: bool) -> Draft {
    Draft::new(basic(url), Verb::Delete, Body::Nothing, may_repeat)
}

fn nothing() -> Step {
    Step::Say(Vec::new())
}

#[test]
fn a_change_whose_answer_is_lost_is_not_sent_again() {
    let done = || say("204 No Content", "", b"");
    for lost in [
        nothing(),
        Step::Stall(Vec::new()),
        Step::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()),
        say("500 X", "", b""),
        say("503 X", "", b""),
        say("504 X", "", b""),
    ] {
        let (made, sent) = changed(vec![lost, done()], false);
        assert!(
            matches!(made, Err(Unmade::Perhaps { again: true, .. })),
            "{made:?}"
        );
        assert_eq!(sent, 1);
    }
}

#[test]
fn what_was_surely_not_done_is_tried_again() {
    for status in ["408 X", "425 X", "429 X"] {
        let steps = vec![say(status, "", b""), say("204 No Content", "", b"")];
        assert_eq!(changed(steps, false), (Ok(vec![]), 2), "{status}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let made = client().change(&draft(&gone, false), 0);
    let is_unsent = matches!(&made, Err(Unmade::Not(Error::Unreachable { .. })));
    assert!(is_unsent, "{made:?}");
}

#[test]
fn what_may_be_made_twice_is_sent_again() {
    let steps = vec![nothing(), say("500 X", "", b""), say("200 OK", "", b"{}")];
    assert_eq!(changed(steps, true), (Ok(b"{}".to_vec()), 3));
}

#[test]
fn tries_of_which_nobody_knows_count() {
    let server = Server::of(vec![nothing()]);
    let made = client().change(&draft(&server.url("/k"), false), hasty().retries);
    assert!(
        matches!(made, Err(Unmade::Perhaps { again: false, .. })),
        "{made:?}"
    );
}

#[test]
fn a_refusal_and_a_redirection_are_no_change() {
    for (step, is_expected) in [
        (
            say("404 X", "", b""),
            (|error: &Error| matches!(error, Error::Refused { status: 404, .. }))
                as fn(&Error) -> bool,
        ),
        (redirect(307, "/other"), |error| {
            matches!(error, Error::Astray { .. })
        }),
        (redirect(303, "https://example.com/"), |error| {
            matches!(error, Error::Astray { .. })
        }),
    ] {
        let (made, sent) = changed(vec![step, say("200 OK", "", b"")], false);
        let Err(Unmade::Not(error)) = made else {
            panic!("{made:?}")
        };
        assert!(is_expected(&error) && sent == 1, "{error}");
    }
}

#[test]
fn what_a_change_sends_in_secret_is_masked_in_an_answer() {
    let secret = Value::Secret(Zeroizing::new("hush hush".to_owned()));
    let body = Body::Json(Object(vec![("secret", secret)]));
    let draft = Draft::new(basic("https://a.example/k"), Verb::Post, body, false);
    assert_eq!(draft.masked("no hush hush here"), "no ********* here");
    let nothing = self::draft("https://a.example/k", false);
    assert_eq!(nothing.masked("no hush hush here"), "no hush hush here");
}
