//! What Twilio answers of calls, and what is made of it.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::super::credentials::Twilio;
use super::super::hosts::{Hosts, Service};
use super::super::scripted::{Script, link, refused};
use super::*;

const AC: &str = "AC00000000000000000000000000000001";
const SUB: &str = "AC00000000000000000000000000000002";
const RE: &str = "RE557ce644e5ab84fa21cc21112e22c485";
const CA: &str = "CA8dfedb55c129dd4d6bd1f59af9d11080";
const ROOT: &str = "https://api.twilio.com/2010-04-01/Accounts";

/// As in Twilio's documentation, but for what `change` replaces.
fn body(sid: &str, change: &[(&str, &str)]) -> String {
    let body = format!(
        r#"{{
  "account_sid": "{AC}", "api_version": "2010-04-01", "call_sid": "{CA}",
  "conference_sid": null, "channels": 1,
  "date_created": "Fri, 14 Oct 2016 21:56:34 +0000",
  "date_updated": "Fri, 14 Oct 2016 21:56:38 +0000",
  "start_time": "Fri, 14 Oct 2016 21:56:34 +0000", "price": "-0.00250", "price_unit": "USD",
  "duration": "4", "sid": "{sid}", "source": "StartConferenceRecordingAPI",
  "status": "completed", "error_code": null,
  "uri": "/2010-04-01/Accounts/{AC}/Recordings/{sid}.json",
  "encryption_details": {{"type": "rsa-aes", "public_key_sid": "CR1", "iv": "\u0041"}},
  "media_url": null}}"#
    );
    change.iter().fold(body, |body, (old, new)| {
        assert!(body.contains(old), "{old}");
        body.replace(old, new)
    })
}

fn voice(script: &Arc<Script>, hosts: &Hosts) -> Voice {
    let credentials = Twilio {
        account: AC.to_owned(),
        user: "SK0".to_owned(),
        secret: Zeroizing::new("secret".to_owned()),
        place: None,
    };
    let access = Access::new(script.clone(), hosts, &credentials, Service::TwilioApi);
    Voice::new(access.unwrap(), AC.to_owned())
}

/// What is made of a recording for which Twilio says that.
fn remote(change: &[(&str, &str)]) -> Result<Remote, Error> {
    let url = format!("{ROOT}/{AC}/Recordings/{RE}.json");
    let script = Script::new(&[(&url, Ok(body(RE, change)))]);
    voice(&script, &Hosts::default()).recording(RE, false)
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[test]
fn a_recording_is_what_twilio_says_of_it() {
    let remote = remote(&[]).unwrap();
    assert_eq!(remote.id, RE);
    assert_eq!(remote.document, body(RE, &[]).into_bytes());
    assert_eq!(remote.created, time("2016-10-14T21:56:34Z"));
    assert_eq!(remote.parent.as_deref(), Some(CA));
    assert_eq!(remote.account.as_deref(), Some(AC));
    assert_eq!(remote.duration.map(|duration| duration.as_secs()), Some(4));
    assert_eq!(remote.state, State::Ready);
    let place = Place::Api {
        link: link(&format!("{ROOT}/{AC}/Recordings/{RE}.wav")),
        missing_until: time("2016-10-14T21:57:38Z"),
    };
    assert_eq!(remote.place, place);
}

#[test]
fn a_deleted_recording_is_asked_for_as_such() {
    let url = format!("{ROOT}/{SUB}/Recordings/{RE}.json?IncludeSoftDeleted=true");
    let deleted = body(RE, &[("\"completed\"", "\"deleted\"")]);
    let script = Script::new(&[(&url, Ok(deleted))]);
    let mut voice = voice(&script, &Hosts::default());
    voice.account = SUB.to_owned();
    let remote = voice.recording(RE, true).unwrap();
    assert_eq!(remote.state, State::Deleted);
    assert_eq!(remote.place, Place::Nowhere);
}

#[test]
fn every_status_is_known() {
    let not_yet = |status: &str| State::NotYet(status.to_owned());
    for (status, error_code, expected) in [
        ("\"in-progress\"", "null", not_yet("in-progress")),
        ("\"paused\"", "null", not_yet("paused")),
        ("\"stopped\"", "null", not_yet("stopped")),
        ("\"processing\"", "null", not_yet("processing")),
        ("\"resting\"", "null", not_yet("resting")),
        ("null", "null", not_yet("")),
        ("\"completed\"", "null", State::Ready),
        ("\"absent\"", "16101", State::Absent(Some(16101))),
        ("\"absent\"", "\"16102\"", State::Absent(Some(16102))),
        ("\"absent\"", "null", State::Absent(None)),
        ("\"deleted\"", "null", State::Deleted),
        (
            "\"failed\"",
            "16105",
            State::Failed(Some("16105".to_owned())),
        ),
        ("\"failed\"", "null", State::Failed(None)),
    ] {
        let code = format!("\"error_code\": {error_code}");
        let change = [("\"completed\"", status), ("\"error_code\": null", &code)];
        assert_eq!(remote(&change).unwrap().state, expected, "{status}");
    }
}

#[test]
fn media_elsewhere_is_known_by_its_host() {
    let external = |place: &str| State::External(Some(place.to_owned()));
    for (url, expected) in [
        (
            "http://api.twilio.com/2010-04-01/Accounts/AC/Recordings/RE",
            State::Ready,
        ),
        (
            "https://api.dublin.ie1.twilio.com/2010-04-01/x",
            State::Ready,
        ),
        ("/2010-04-01/Accounts/AC/Recordings/RE", State::Ready),
        ("", State::Ready),
        (
            "https://bucket.s3.amazonaws.com/a/RE1?X-Amz-Signature=00#x",
            external("https://bucket.s3.amazonaws.com/a/RE1"),
        ),
        ("s3://bucket/RE1", external("s3://bucket/RE1")),
        (
            "https://twilio.com.evil.com/RE1",
            external("https://twilio.com.evil.com/RE1"),
        ),
        (
            "https://eviltwilio.com/RE1",
            external("https://eviltwilio.com/RE1"),
        ),
        (
            "https://user:password@example.com/RE1",
            State::External(None),
        ),
        ("https://[/RE1", State::External(None)),
    ] {
        let new = format!("\"media_url\": \"{url}\"");
        let state = remote(&[("\"media_url\": null", &new)]).unwrap().state;
        assert_eq!(state, expected, "{url}");
    }
}

#[test]
fn what_stands_in_for_twilio_is_twilios() {
    let hosts = Hosts {
        twilio_api: Some(link("http://127.0.0.1:9/")),
        ..Hosts::default()
    };
    let url = format!("http://127.0.0.1:9/2010-04-01/Accounts/{AC}/Recordings/{RE}.json");
    let own = [(
        "\"media_url\": null",
        r#""media_url": "http://127.0.0.1:9/RE""#,
    )];
    let script = Script::new(&[(&url, Ok(body(RE, &own)))]);
    let remote = voice(&script, &hosts).recording(RE, false).unwrap();
    assert_eq!(remote.state, State::Ready);
}

#[test]
fn fields_may_be_missing_or_of_another_type() {
    let url = format!("{ROOT}/{AC}/Recordings/{RE}.json");
    for document in [
        format!(r#"{{"sid":"{RE}","status":"completed"}}"#),
        format!(r#"{{"sid":"{RE}","status":"completed","duration":-1,"call_sid":[]}}"#),
        format!(r#"{{"sid":"{RE}","status":"completed","duration":"-1","date_created":"x"}}"#),
    ] {
        let script = Script::new(&[(&url, Ok(document))]);
        let remote = voice(&script, &Hosts::default())
            .recording(RE, false)
            .unwrap();
        assert_eq!(
            (remote.duration, remote.created, remote.parent),
            (None, None, None)
        );
        assert!(matches!(
            remote.place,
            Place::Api {
                missing_until: None,
                ..
            }
        ));
    }
    let conference = [
        (format!("\"{CA}\""), "null".to_owned()),
        (
            "\"conference_sid\": null".to_owned(),
            "\"conference_sid\": \"CF1\"".to_owned(),
        ),
    ];
    let conference = conference
        .each_ref()
        .map(|(old, new)| (old.as_str(), new.as_str()));
    assert_eq!(remote(&conference).unwrap().parent.as_deref(), Some("CF1"));
}

#[test]
fn an_answer_must_be_of_the_recording_that_was_asked_for() {
    let url = format!("{ROOT}/{AC}/Recordings/{RE}.json");
    let other = RE.replace("RE5", "RE6");
    for (document, expected) in [
        (
            body(&other, &[]),
            format!("it is about another recording, {other}"),
        ),
        (
            body("RE../x", &[]),
            "the id in it is none of a recording".to_owned(),
        ),
        (
            body(CA, &[]),
            "the id in it is none of a recording".to_owned(),
        ),
        (
            "{}".to_owned(),
            "there is no id of a recording in it".to_owned(),
        ),
        (
            r#"{"code":20003,"message":"Authenticate"}"#.to_owned(),
            "it is an error, 20003: Authenticate".to_owned(),
        ),
    ] {
        let script = Script::new(&[(&url, Ok(document))]);
        let error = voice(&script, &Hosts::default())
            .recording(RE, false)
            .unwrap_err();
        let Error::Answer { host, reason } = error else {
            panic!("{error:?}")
        };
        assert_eq!((host.as_str(), reason), ("api.twilio.com", expected));
    }
    let upper = RE.to_uppercase();
    let script = Script::new(&[(&url.replace(RE, &upper), Ok(body(RE, &[])))]);
    let remote = voice(&script, &Hosts::default())
        .recording(&upper, false)
        .unwrap();
    assert_eq!(remote.id, RE);
}

fn sid(number: usize) -> String {
    format!("RE{number:032x}")
}

fn page(numbers: &[usize], next: &str) -> String {
    let items: Vec<_> = numbers
        .iter()
        .map(|number| body(&sid(*number), &[]))
        .collect();
    format!(
        "{{\"recordings\": [ {} ],\n\"next_page_uri\": {next}, \"page\": 0}}",
        items.join(" , ")
    )
}

fn group(kind: IdKind, id: &str) -> Selection {
    Selection {
        group: Some(Resource {
            provider: Provider::TwilioVoice,
            kind,
            id: id.to_owned(),
            account: None,
        }),
        ..Selection::default()
    }
}

#[test]
fn pages_are_followed_as_they_are_needed() {
    let first = format!("{ROOT}/{AC}/Recordings.json?PageSize=1000");
    let next = format!("/2010-04-01/Accounts/{AC}/Recordings.json?PageToken=PARE1&Page=1");
    let third = format!("https://api.twilio.com{}", next.replace("=1", "=2"));
    let script = Script::new(&[
        (&first, Ok(page(&[1, 2], &format!("\"{next}\"")))),
        (
            &format!("https://api.twilio.com{next}"),
            Ok(page(&[3], &format!("\"{third}\""))),
        ),
        (&third, Ok(page(&[], "null"))),
    ]);
    let mut list = voice(&script, &Hosts::default())
        .list(&Selection::default())
        .unwrap();
    assert!(script.asked().is_empty());
    let second = list.by_ref().nth(1).unwrap().unwrap();
    assert_eq!(second.id, sid(2));
    assert_eq!(
        String::from_utf8(second.document).unwrap(),
        body(&sid(2), &[])
    );
    assert_eq!(script.asked().len(), 1);
    let rest: Vec<_> = list.map(|remote| remote.unwrap().id).collect();
    assert_eq!(rest, [sid(3)]);
    assert_eq!(script.asked().len(), 3);
}

#[test]
fn a_list_that_breaks_off_gives_what_it_had() {
    let first = format!("{ROOT}/{AC}/Calls/{CA}/Recordings.json?PageSize=1000");
    let answer = |reason: &str| Error::Answer {
        host: "api.twilio.com".to_owned(),
        reason: reason.to_owned(),
    };
    let astray = Error::Astray {
        host: "api.twilio.com".to_owned(),
        to: "https://evil.com/x".to_owned(),
        why: "which is not its own host",
    };
    let circle = answer("its list comes back to a page that it had");
    let no_list = answer("there is no list of recordings in it");
    for (next, second, expected) in [
        ("/2", Err(refused(500)), refused(500)),
        ("/2", Ok("{}".to_owned()), no_list.clone()),
        ("/2", Ok(r#"{"recordings":null}"#.to_owned()), no_list),
        ("/2", Ok(page(&[], "\"/2\"")), circle.clone()),
        (first.as_str(), Ok(String::new()), circle),
        ("https://evil.com/x", Ok(String::new()), astray),
    ] {
        let start = page(&[1, 2], &format!("\"{next}\""));
        let script = Script::new(&[(&first, Ok(start)), ("https://api.twilio.com/2", second)]);
        let selection = group(IdKind::Call, CA);
        let list = voice(&script, &Hosts::default()).list(&selection).unwrap();
        let mut list: Vec<_> = list.collect();
        assert_eq!(list.pop().unwrap().unwrap_err(), expected, "{next}");
        let ids: Vec<_> = list.into_iter().map(|remote| remote.unwrap().id).collect();
        assert_eq!(ids, [sid(1), sid(2)], "{next}");
    }
}

#[test]
fn an_entry_that_is_no_recording_does_not_end_the_list() {
    let first = format!("{ROOT}/{AC}/Recordings.json?PageSize=1000");
    let good = body(RE, &[]);
    let bad = format!(r#"{{"recordings":[7,{{}},{{"sid":"RE/../x"}},{good}]}}"#);
    let script = Script::new(&[(&first, Ok(bad))]);
    let list = voice(&script, &Hosts::default())
        .list(&Selection::default())
        .unwrap();
    let list: Vec<_> = list.map(|remote| remote.is_ok()).collect();
    assert_eq!(list, [false, false, false, true]);
}

#[test]
fn what_is_selected_is_asked_for() {
    for (since, until, expected) in [
        (None, None, ""),
        (
            Some("2026-11-01T23:59:59Z"),
            Some("2026-11-03T00:00:00Z"),
            "&DateCreated%3E=2026-11-01&DateCreated%3C=2026-11-03",
        ),
        (
            Some("2026-11-01T01:00:00+02:00"),
            Some("2026-11-03T00:00:01Z"),
            "&DateCreated%3E=2026-10-31&DateCreated%3C=2026-11-04",
        ),
        (
            None,
            Some("9999-12-30T00:00:00.5Z"),
            "&DateCreated%3C=9999-12-31",
        ),
    ] {
        let cf = "CF00000000000000000000000000000001";
        let selection = Selection {
            since: since.and_then(time),
            until: until.and_then(time),
            include_deleted: since.is_some(),
            ..group(IdKind::Conference, cf)
        };
        let deleted = since.map_or("", |_| "&IncludeSoftDeleted=true");
        let url = format!(
            "{ROOT}/{AC}/Conferences/{cf}/Recordings.json?PageSize=1000{deleted}{expected}"
        );
        let script = Script::new(&[(&url, Ok(page(&[], "null")))]);
        let list = voice(&script, &Hosts::default()).list(&selection).unwrap();
        assert_eq!(list.count(), 0);
        assert_eq!(script.asked(), [url]);
    }
}

#[test]
fn there_is_no_list_of_anything_else() {
    let script = Script::new(&[]);
    let list = voice(&script, &Hosts::default()).list(&group(IdKind::Recording, RE));
    assert_eq!(list.err(), Some(Error::NoCredentials));
}
