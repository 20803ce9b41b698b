//! What is told of requests: which there were, and what was done where one failed.

use std::process::Output;

use serde_json::Value;

use super::{Place, add_voices, sid};
use crate::common::canaries::Canaries;
use crate::common::logs::{messages, with_words};
use crate::common::stderr;
use crate::fake::{API_SECRET, Fake, Fault, VoiceMedia};

fn run(fake: &Fake, arguments: &[&str]) -> Output {
    let place = Place::new();
    let mut command = place.voice(fake, arguments);
    command.arg(sid(0)).output().unwrap()
}

fn told(fake: &Fake, arguments: &[&str]) -> Vec<Value> {
    let output = run(fake, &[arguments, &["--log-format", "json"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    messages(&stderr(&output))
}

/// A recording whose media is at a storage of its own.
fn fake() -> Fake {
    let fake = Fake::start();
    add_voices(&fake, 1, 200_000);
    fake.style(|style| style.voice_media = VoiceMedia::AtStorage);
    fake
}

#[test]
fn each_request_is_told_with_vv_and_none_without() {
    let fake = fake();
    let all = told(&fake, &["-vv"]);
    let answered = with_words(&all, "answered");
    let requests = fake.requests();
    assert_eq!(answered.len(), requests.len());
    for (message, seen) in answered.iter().zip(&requests) {
        assert_eq!(message["method"], "GET", "{message}");
        let path = seen.target().split('?').next().unwrap();
        assert_eq!(message["path"], path, "{message}");
        assert_eq!(message["host"], seen.header("host").unwrap(), "{message}");
        assert!(
            message["status"].is_u64() && message["ms"].is_u64(),
            "{message}"
        );
        assert_eq!(message["attempt"], 1, "{message}");
        assert_eq!(message["input"], sid(0), "{message}");
        assert_eq!(message["target"], "unreel::api");
        assert_eq!(message["level"], "debug");
    }
    let [led] = with_words(&all, "led elsewhere")[..] else {
        panic!("{all:?}");
    };
    assert_eq!(led["from"], answered[1]["host"]);
    assert_eq!(led["host"], answered[2]["host"]);
    assert!(all.iter().all(|it| it["level"] != "trace"));
    for arguments in [&["-v"][..], &[], &["-q"]] {
        let all = told(&fake, arguments);
        assert!(with_words(&all, "answered").is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_address_is_told_with_vvv() {
    let fake = fake();
    let all = told(&fake, &["-vvv"]);
    let connected = with_words(&all, "connected");
    assert_eq!(connected.len(), fake.requests().len());
    let address = fake.base();
    let (_, address) = address.split_once("//").unwrap();
    assert_eq!(connected[0]["address"], address);
    assert_eq!(
        (&connected[0]["tls"], &connected[0]["http"]),
        (&false.into(), &"HTTP/1.1".into())
    );
}

#[test]
fn a_retry_is_told_with_its_reason_its_wait_and_its_number() {
    let fake = fake();
    fake.fault("api:", Fault::status(503), 1);
    fake.fault_after("api:", 1, Fault::Reset, 1);
    let all = told(&fake, &["-vv"]);
    let again = with_words(&all, "trying again");
    let reasons: Vec<_> = again
        .iter()
        .map(|it| it["reason"].as_str().unwrap())
        .collect();
    assert!(reasons[0].contains(" answered 503"), "{reasons:?}");
    assert!(again.iter().all(|it| it["wait_ms"].is_u64()));
    let of_attempt = |attempt: u32| all.iter().any(|it| it["attempt"] == attempt);
    assert!(of_attempt(2) && !of_attempt(9), "{all:?}");
    let [failed] = with_words(&all, "not answered")[..] else {
        panic!("{all:?}");
    };
    assert!(
        failed["reason"].is_string() && failed["ms"].is_u64(),
        "{failed}"
    );
}

#[test]
fn what_is_resumed_is_told_with_where() {
    let fake = fake();
    fake.fault("storage:", Fault::CutAfter(100_000), 1);
    let all = told(&fake, &["-vv"]);
    let [resumed] = with_words(&all, "resuming")[..] else {
        panic!("{all:?}");
    };
    assert_eq!(resumed["first"], 100_000, "{resumed}");
    assert!(resumed["length"].as_u64().unwrap() > 200_000, "{resumed}");
    assert_eq!(resumed["input"], sid(0), "it is a task of its own");
    let answered = with_words(&all, "answered");
    assert_eq!(answered.last().unwrap()["status"], 206);
    assert_eq!(answered.last().unwrap()["attempt"], 2);
}

#[test]
fn a_link_that_is_asked_for_anew_is_told() {
    let fake = Fake::with_fixtures();
    fake.fault("storage:", Fault::Expired, 1);
    let place = Place::new();
    let id = "RT5eed0000000000000000000000000001";
    let mut command = place.unreel(&fake, &["twilio-video", "-d", "out", "-k", "key.pem"]);
    command.args(["--log-format", "json", "-vv", id]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let all = messages(&stderr(&output));
    let [renewed] = with_words(&all, "asking for another link")[..] else {
        panic!("{all:?}");
    };
    let reason = renewed["reason"].as_str().unwrap();
    assert!(reason.contains("no longer takes the link"), "{reason}");
}

/// What a server repeats of the credentials stands in the reason of a retry, too.
#[test]
fn no_retry_tells_a_secret() {
    let mut canaries = Canaries::none();
    canaries.text("Twilio's API secret", API_SECRET);
    for (place, format) in [
        ("api:", "text"),
        ("api:", "json"),
        ("storage:", "text"),
        ("storage:", "json"),
    ] {
        let fake = fake();
        fake.fault(place, Fault::Echo(500), 1);
        let output = run(&fake, &["-vvv", "--log-format", format]);
        let said = stderr(&output);
        assert!(
            output.status.success() && said.contains("trying again"),
            "{said}"
        );
        canaries.assert_not_printed(&output, place);
        for seen in fake.requests() {
            let value = seen.header("authorization").unwrap_or_default();
            let token = value.split(' ').next_back().unwrap();
            assert!(token.is_empty() || !said.contains(token), "{said}");
            for (name, value) in seen.request.query() {
                let is_secret = name == "X-Amz-Signature" || name == "X-Amz-Security-Token";
                assert!(!is_secret || !said.contains(&value), "{said}");
            }
            let query = seen.target().split_once('?').map(|(_, query)| query);
            assert!(query.is_none_or(|query| !said.contains(query)), "{said}");
        }
    }
}
