//! The settings of Twilio Video: what is shown, what is sent, and what stays.

use serde_json::{Value, json};

use super::{ABSENT, changes, net, sent, text};
use crate::fake::{Fault, Settings};
use crate::grammar::Net;

const BOTH: [Settings; 2] = [Settings::Recordings, Settings::Compositions];
const FIELDS: [&str; 6] = [
    "FriendlyName",
    "EncryptionEnabled",
    "EncryptionKeySid",
    "AwsCredentialsSid",
    "AwsS3Url",
    "AwsStorageEnabled",
];
const BUCKET: &str = "https://my-bucket.s3.amazonaws.com/media";
const AWS: &str = "CR5eed00000000000000000000000000aa";

/// With a key that is registered; its id.
pub(super) fn with_key() -> (Net, String) {
    let net = net();
    let sid = net.fake.register_key(&text("keys/public.pem"), "mine");
    (net, sid)
}

/// Settings with a bucket.
fn in_bucket() -> Value {
    json!({
        "friendly_name": "theirs",
        "aws_storage_enabled": true,
        "aws_credentials_sid": AWS,
        "aws_s3_url": BUCKET,
    })
}

fn flag(kind: Settings) -> &'static str {
    match kind {
        Settings::Recordings => "--recordings",
        Settings::Compositions => "--compositions",
    }
}

fn name(kind: Settings) -> &'static str {
    &flag(kind)[2..]
}

#[test]
fn without_a_kind_both_are_shown_and_nothing_is_changed() {
    let (net, sid) = with_key();
    let shown = net.ends(0, "register twilio-video").text();
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert_eq!(shown.matches("there are no settings yet").count(), 2);
    let line = net.ends(0, "register twilio-video --json").line();
    assert!(line["recordings"].is_null() && line["compositions"].is_null());
    assert!(line.get("recordings").is_some(), "{line}");
    net.fake.set_settings(Settings::Recordings, in_bucket());
    let on = json!({"friendly_name": "x", "encryption_enabled": true, "encryption_key_sid": sid});
    net.fake.set_settings(Settings::Compositions, on);
    let shown = net.ends(0, "register twilio-video").text();
    assert!(shown.contains("recordings  not encrypted"), "{shown}");
    assert!(shown.contains(BUCKET), "{shown}");
    assert!(shown.contains(&format!("compositions  encrypted for {sid}")));
    let line = net.ends(0, "register twilio-video --json").line();
    assert_eq!(
        (&line["ok"], &line["changed"]),
        (&true.into(), &false.into())
    );
    assert_eq!(line["recordings"]["aws_s3_url"], BUCKET);
    assert_eq!(line["compositions"]["encryption_key_sid"], sid.as_str());
    assert!(changes(&net.fake).is_empty());
}

#[test]
fn what_is_shown_cannot_write_to_the_terminal() {
    let (net, _) = with_key();
    let bad = "a\u{1b}[2J\r\n\u{202e}";
    for kind in BOTH {
        let settings = json!({"friendly_name": bad, "encryption_enabled": true, "encryption_key_sid": bad,
            "aws_storage_enabled": true, "aws_s3_url": bad, "aws_credentials_sid": bad});
        net.fake.set_settings(kind, settings);
    }
    for arguments in ["", " --json", " --recordings --disable --dry-run"] {
        let ran = net.ends(0, &format!("register twilio-video{arguments}"));
        crate::common::assert_harmless(&ran.text());
    }
}

#[test]
fn encryption_is_switched_on_and_storage_stays() {
    for kind in BOTH {
        let (net, sid) = with_key();
        net.fake.set_settings(kind, in_bucket());
        let on = format!(
            "register twilio-video --yes {} --public-key-sid {sid}",
            flag(kind)
        );
        let ran = net.ends(0, &on);
        ran.says(&[
            "encryption  off -> on",
            &format!("none -> {sid}"),
            BUCKET,
            "stays",
        ]);
        assert!(
            ran.text()
                .contains(&format!("{}  encrypted for {sid}", name(kind)))
        );
        let fields = sent(&net.fake, &FIELDS);
        let expected = [
            ("FriendlyName", "theirs"),
            ("EncryptionEnabled", "true"),
            ("EncryptionKeySid", sid.as_str()),
            ("AwsCredentialsSid", AWS),
            ("AwsS3Url", BUCKET),
            ("AwsStorageEnabled", "true"),
        ];
        for (field, value) in expected {
            assert_eq!(fields[field], value, "{field}");
        }
        let now = net.fake.settings(kind).expect("settings");
        assert_eq!(
            (&now["friendly_name"], &now["aws_s3_url"]),
            (&"theirs".into(), &BUCKET.into())
        );
        assert_eq!(
            (&now["encryption_enabled"], &now["encryption_key_sid"]),
            (&true.into(), &sid.clone().into())
        );
        let last = net.fake.requests().pop().expect("a request");
        assert_eq!(last.request.method, "GET", "it is read back");
        let other = BOTH[usize::from(kind == BOTH[0])];
        assert_eq!(net.fake.settings(other), None);
        let warns = ran.err.contains("Encrypted recordings cannot be composed");
        assert_eq!(warns, kind == Settings::Recordings);
    }
}

#[test]
fn both_may_be_changed_at_once_and_are_not_changed_again() {
    for created in [false, true] {
        let (net, sid) = with_key();
        net.fake.style(|style| style.settings_created = created);
        let on = format!(
            "register twilio-video --yes --json --recordings --compositions --public-key-sid {sid}"
        );
        let line = net.ends(0, &on).line();
        assert_eq!(
            (&line["changed"], &line["ok"]),
            (&true.into(), &true.into())
        );
        for kind in BOTH {
            let now = net.fake.settings(kind).expect("settings");
            assert_eq!(now["encryption_key_sid"], sid.as_str());
            assert_eq!(line[name(kind)]["encryption_enabled"], true);
        }
        assert_eq!(changes(&net.fake).len(), 2);
        net.fake.forget();
        assert_eq!(net.ends(0, &on).line()["changed"], false);
        assert!(changes(&net.fake).is_empty());
    }
}

#[test]
fn encryption_is_switched_off_and_the_rest_stays() {
    let (net, sid) = with_key();
    let mut settings = in_bucket();
    settings["encryption_enabled"] = true.into();
    settings["encryption_key_sid"] = sid.as_str().into();
    net.fake.set_settings(Settings::Recordings, settings);
    let off = "register twilio-video --yes --recordings --disable";
    let ran = net.ends(0, off);
    ran.says(&["encryption  on -> off"]);
    ran.says_nothing_of(&["cannot be composed"]);
    let now = net.fake.settings(Settings::Recordings).expect("settings");
    assert_eq!(
        (&now["encryption_enabled"], &now["aws_s3_url"]),
        (&false.into(), &BUCKET.into())
    );
    assert_eq!(now["encryption_key_sid"], sid.as_str());
    net.fake.forget();
    let ran = net.ends(0, &format!("{off} --compositions"));
    assert!(ran.text().contains("it is so already"), "{}", ran.text());
    assert!(changes(&net.fake).is_empty(), "none yet is off");
    // The key that is set is the one to switch on again.
    net.ends(0, "register twilio-video --yes --recordings");
    let now = net.fake.settings(Settings::Recordings).expect("settings");
    assert_eq!(
        (&now["encryption_enabled"], &now["encryption_key_sid"]),
        (&true.into(), &sid.into())
    );
}

#[test]
fn a_key_and_a_kind_have_to_be_named() {
    let (net, sid) = with_key();
    net.refuses(
        2,
        "register twilio-video --yes --disable",
        &["--recordings", "--compositions"],
    );
    net.refuses(
        2,
        &format!("register twilio-video --yes --public-key-sid {sid}"),
        &["--recordings"],
    );
    net.refuses(
        2,
        &format!("register twilio-video --yes --recordings --disable --public-key-sid {sid}"),
        &[],
    );
    let ran = net.ends(2, "register twilio-video --yes --recordings");
    ran.says(&["no key", "--public-key-sid"]);
    assert!(changes(&net.fake).is_empty());
}

#[test]
fn a_key_that_is_not_the_accounts_is_refused_with_twilios_number() {
    for (kind, code) in [(BOTH[0], "53612"), (BOTH[1], "53666")] {
        let (net, _) = with_key();
        let on = format!(
            "register twilio-video --yes {} --public-key-sid {ABSENT}",
            flag(kind)
        );
        let ran = net.ends(9, &on);
        ran.says(&[code, "register twilio --list"]);
        assert_eq!(
            (net.fake.settings(kind), changes(&net.fake).len()),
            (None, 1)
        );
    }
}

#[test]
fn a_dry_run_of_settings_sends_none() {
    let (net, sid) = with_key();
    net.fake.set_settings(Settings::Recordings, in_bucket());
    let dry = format!(
        "register twilio-video --dry-run --recordings --compositions --public-key-sid {sid}"
    );
    let shown = net.ends(0, &dry).text();
    let base = net.fake.base();
    for line in [
        format!("POST {base}/v1/RecordingSettings/Default"),
        format!("POST {base}/v1/CompositionSettings/Default"),
        "EncryptionEnabled=true".into(),
        format!("EncryptionKeySid={sid}"),
        format!("AwsS3Url={BUCKET}"),
    ] {
        assert!(
            shown.lines().any(|shown| shown == line),
            "no {line}: {shown}"
        );
    }
    let shown = net.ends(0, &format!("{dry} --json")).text();
    let lines: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["dry_run"], &lines[0]["method"]),
        (&true.into(), &"POST".into())
    );
    assert_eq!(lines[0]["body"]["AwsCredentialsSid"], AWS);
    assert!(changes(&net.fake).is_empty());
    assert_eq!(net.fake.settings(Settings::Compositions), None);
}

#[test]
fn standard_keys_may_be_refused_settings_too() {
    let (net, _) = with_key();
    net.fake.fault(
        "GET api:/v1/RecordingSettings",
        Fault::Refuse(403),
        usize::MAX,
    );
    net.ends(9, "register twilio-video")
        .says(&["TWILIO_AUTH_TOKEN"]);
}
