//! Changes of settings whose answers do not come, or say what is not so.

use serde_json::json;

use super::changes;
use super::video::with_key;
use crate::fake::{Fault, Settings};

const POST: &str = "POST api:/v1/RecordingSettings/Default";
const GET: &str = "GET api:/v1/RecordingSettings/Default";

#[test]
fn a_change_whose_answer_is_lost_is_made() {
    for (fault, posts) in [
        (Fault::Unheard, 2),
        (Fault::Refuse(503), 2),
        (Fault::Reset, 1),
        (Fault::CutAfter(5), 1),
        (Fault::status(500), 1),
        (Fault::status(503), 1),
        (
            Fault::Refuse(429).and(Fault::With(vec![("Retry-After", "1".into())])),
            2,
        ),
    ] {
        let (net, sid) = with_key();
        net.fake.fault(POST, fault.clone(), 1);
        let on = format!("register twilio-video --yes --json --recordings --public-key-sid {sid}");
        let line = net.ends(0, &on).line();
        assert_eq!(line["recordings"]["encryption_enabled"], true, "{fault:?}");
        let now = net.fake.settings(Settings::Recordings).expect("settings");
        assert_eq!(now["encryption_key_sid"], sid.as_str(), "{fault:?}");
        assert_eq!(changes(&net.fake).len(), posts, "{fault:?}");
        assert!(net.fake.unmet().is_empty());
    }
}

#[test]
fn a_change_that_is_never_answered_ends_for_now() {
    let (net, sid) = with_key();
    net.fake.fault(POST, Fault::Unheard, usize::MAX);
    let on = format!("register twilio-video --yes --recordings --public-key-sid {sid}");
    net.ends(75, &format!("{on} --retries 0"))
        .says(&["unreel: hint: "]);
    assert_eq!(net.fake.settings(Settings::Recordings), None);
    net.fake.mend();
    net.ends(0, &on);
    assert!(net.fake.settings(Settings::Recordings).is_some());
}

#[test]
fn an_answer_that_changes_nothing_is_no_success() {
    let (net, sid) = with_key();
    let said =
        json!({"friendly_name": "unreel", "encryption_enabled": true, "encryption_key_sid": sid});
    let answer = Fault::Answer(200, "application/json", said.to_string().into_bytes());
    net.fake
        .fault(POST, Fault::Refuse(500).and(answer), usize::MAX);
    let on = format!("register twilio-video --yes --recordings --public-key-sid {sid}");
    net.ends(9, &on).says(&["does not say", "unreel: hint: "]);
    assert_eq!(net.fake.settings(Settings::Recordings), None);
    assert_eq!(changes(&net.fake).len(), 1);
}

#[test]
fn what_cannot_be_read_back_is_not_known() {
    let (net, sid) = with_key();
    // Both looks before it are answered.
    net.fake.fault_after(GET, 2, Fault::Unheard, usize::MAX);
    let on = format!("register twilio-video --yes --recordings --public-key-sid {sid}");
    net.ends(75, &format!("{on} --retries 0"))
        .says(&["not known", "run the same command again"]);
    net.fake.mend();
    net.fake.forget();
    assert_eq!(
        net.ends(0, &format!("{on} --json")).line()["changed"],
        false
    );
    assert!(changes(&net.fake).is_empty());
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let (net, sid) = with_key();
    let other =
        json!({"friendly_name": "theirs", "aws_storage_enabled": true, "aws_s3_url": "https://b"});
    net.fake.set_settings(Settings::Recordings, other.clone());
    // The first look sees what was before.
    let before = Fault::Answer(
        200,
        "application/json",
        br#"{"friendly_name":"old"}"#.to_vec(),
    );
    net.fake.fault(GET, before, 1);
    let on = format!("register twilio-video --yes --recordings --public-key-sid {sid}");
    net.ends(75, &on)
        .says(&["changed since", "run the same command again"]);
    assert!(changes(&net.fake).is_empty());
}

#[test]
fn if_the_second_of_two_fails_the_first_is_said_to_be_changed() {
    let (net, sid) = with_key();
    net.fake.fault(
        "POST api:/v1/CompositionSettings",
        Fault::Refuse(400),
        usize::MAX,
    );
    let on =
        format!("register twilio-video --yes --recordings --compositions --public-key-sid {sid}");
    net.ends(9, &on).says(&["recordings are changed"]);
    assert!(net.fake.settings(Settings::Recordings).is_some());
    assert_eq!(net.fake.settings(Settings::Compositions), None);
}
