//! What Vonage answers, and what is made of it.

use std::time::Duration;

use super::super::credentials::Sign;
use super::super::scripted::{Script, link, refused};
use super::*;

const APPLICATION: &str = "78d335fa-323d-0114-9c3d-d6f0d48968cf";
const KEY: &str = "47000000";
const UUID: &str = "b40ef09b-3811-4726-b508-e41a0f96c68f";
const SESSION: &str = "2_MX40NzAwMDAwMH5-MTM4NDIyMTcwNn5";
const UNIFIED: &str =
    "https://video.api.vonage.com/v2/project/78d335fa-323d-0114-9c3d-d6f0d48968cf/archive";
const OPENTOK: &str = "https://api.opentok.com/v2/project/47000000/archive";
const URL: &str = "https://archives.s3.amazonaws.com/a/archive.mp4?X-Amz-Signature=0";

struct Key;

impl Sign for Key {
    fn sign(&self, _: &[u8]) -> Option<Vec<u8>> {
        Some(vec![0; 256])
    }
}

/// As in Vonage's documentation.
fn body(id: &str) -> String {
    format!(
        r#"{{
  "createdAt": 1384221730000, "duration": 5049, "hasAudio": true, "hasVideo": true,
  "id": "{id}", "name": "Foo", "outputMode": "composed", "applicationId": "{APPLICATION}",
  "password": "", "reason": "", "resolution": "640x480", "sessionId": "{SESSION}",
  "sha256sum": "", "size": 247748791, "status": "available", "streamMode": "auto",
  "multiArchiveTag": "", "streams": [], "url": "{URL}"}}"#
    )
}

fn of(script: &Arc<Script>, unified: bool, opentok: bool) -> Vec<Project> {
    let credentials = Vonage {
        application: unified.then(|| Application {
            id: APPLICATION.to_owned(),
            proof: Proof::Key(Arc::new(Key)),
        }),
        opentok: opentok.then(|| OpenTok {
            key: KEY.to_owned(),
            secret: Zeroizing::new("secret".to_owned()),
        }),
    };
    let ask: Arc<dyn Ask> = script.clone();
    projects(&ask, &Hosts::default(), &credentials)
}

fn remote(change: &[(&str, &str)]) -> Remote {
    let body = change.iter().fold(body(UUID), |body, (old, new)| {
        assert!(body.contains(old), "{old}");
        body.replace(old, new)
    });
    let script = Script::new(&[(&format!("{UNIFIED}/{UUID}"), Ok(body))]);
    recording(&of(&script, true, false), UUID).unwrap()
}

#[test]
fn an_archive_is_what_vonage_says_of_it() {
    let remote = remote(&[]);
    assert_eq!(remote.id, UUID);
    assert_eq!(remote.document, body(UUID).into_bytes());
    assert_eq!(remote.created, "2013-11-12T02:02:10Z".parse().ok());
    assert_eq!(remote.parent.as_deref(), Some(SESSION));
    assert_eq!(remote.account.as_deref(), Some(APPLICATION));
    assert_eq!(remote.duration, Some(Duration::from_secs(5049)));
    assert_eq!(remote.size, Some(247_748_791));
    assert_eq!(remote.sha256, None);
    assert_eq!(remote.state, State::Ready);
    let Place::Told { link: to, by, .. } = remote.place else {
        panic!("{:?}", remote.place)
    };
    assert_eq!((to, by), (link(URL), link(&format!("{UNIFIED}/{UUID}"))));
}

#[test]
fn every_status_is_known() {
    let not_yet = |status: &str| State::NotYet(status.to_owned());
    for (status, expected) in [
        ("available", State::Ready),
        ("uploaded", State::Ready),
        ("started", not_yet("started")),
        ("paused", not_yet("paused")),
        ("stopped", not_yet("stopped")),
        ("resting", not_yet("resting")),
        ("expired", State::Deleted),
        ("deleted", State::Deleted),
        ("failed", State::Failed(None)),
    ] {
        assert_eq!(remote(&[("available", status)]).state, expected);
    }
    let url = format!("\"{URL}\"");
    for (status, url_now) in [
        ("uploaded", "null"),
        ("available", "\"\""),
        ("uploaded", "{}"),
    ] {
        let remote = remote(&[("available", status), (&url, url_now)]);
        assert_eq!(remote.state, State::External(None));
        assert_eq!(remote.place, Place::Nowhere);
    }
    let reason = [
        ("available", "failed"),
        ("\"reason\": \"\"", "\"reason\": \"No media\""),
    ];
    let failed = State::Failed(Some("No media".to_owned()));
    assert_eq!(remote(&reason).state, failed);
}

#[test]
fn a_digest_comes_in_two_forms_and_nought_is_nothing() {
    let digest = [7; 32];
    let hex = "07".repeat(32);
    for (text, expected) in [
        (BASE64_STANDARD.encode(digest), Some(digest)),
        (hex.clone(), Some(digest)),
        (hex.replace("07", "0A"), Some([10; 32])),
        ("07".repeat(31), None),
        (String::new(), None),
        ("no digest".to_owned(), None),
    ] {
        let text = format!("\"sha256sum\": \"{text}\"");
        assert_eq!(remote(&[("\"sha256sum\": \"\"", &text)]).sha256, expected);
    }
    let nought = remote(&[
        ("5049", "0"),
        ("247748791", "0"),
        ("1384221730000", "\"x\""),
    ]);
    assert_eq!(
        (nought.duration, nought.size, nought.created),
        (None, None, None)
    );
    let owner = ("applicationId", "partnerId");
    let number = format!("\"{APPLICATION}\"");
    let remote = remote(&[owner, (&number, "47000000")]);
    assert_eq!(remote.account.as_deref(), Some(KEY));
}

#[test]
fn a_link_that_is_none_is_an_error_where_it_is_needed() {
    let script = Script::new(&[]);
    for (url, reason) in [
        (
            "http://example.com/a",
            "it is not encrypted: http is for this machine only",
        ),
        (
            "https://u:p@example.com/a",
            "there is a user name or a password in it",
        ),
        ("archive.mp4", "it is no URL"),
    ] {
        let remote = remote(&[(URL, url)]);
        assert_eq!(remote.state, State::Ready);
        let error = media(&of(&script, true, true), &remote).err();
        let reason = format!("the link to the media in it is not to be followed: {reason}");
        assert_eq!(error, Some(unusable("video.api.vonage.com", &reason)));
    }
}

#[test]
fn an_expired_link_is_renewed_by_who_gave_it() {
    let url = format!("{OPENTOK}/{UUID}");
    let renewed = body(UUID).replace("Signature=0", "Signature=1");
    let script = Script::new(&[
        (&format!("{UNIFIED}/{UUID}"), Err(refused(404))),
        (&url, Ok(body(UUID))),
        (&url, Ok(renewed)),
        (&url, Ok(body(UUID).replace("available", "expired"))),
    ]);
    let projects = of(&script, true, true);
    let remote = recording(&projects, UUID).unwrap();
    let media = media(&projects, &remote).unwrap();
    assert!(matches!(media.way.request().auth, Auth::None));
    assert_eq!(media.way.request().told_by, Some(link(&url)));
    let renew = media.renew.unwrap();
    let again = renew().unwrap();
    assert_eq!(again.link, link(&URL.replace("=0", "=1")));
    assert_eq!(again.told_by, Some(link(&url)));
    let gone = Error::Gone {
        id: UUID.to_owned(),
        state: State::Deleted,
    };
    assert_eq!(renew().err(), Some(gone));
}

#[test]
fn a_link_that_came_long_ago_is_not_tried() {
    let url = format!("{UNIFIED}/{UUID}");
    let renewed = body(UUID).replace("Signature=0", "Signature=1");
    let script = Script::new(&[(&url, Ok(body(UUID))), (&url, Ok(renewed))]);
    let projects = of(&script, true, false);
    let mut remote = recording(&projects, UUID).unwrap();
    for (minutes, signature) in [(4, "=0"), (6, "=1")] {
        if let Place::Told { at, .. } = &mut remote.place {
            *at = Timestamp::now() - SignedDuration::from_mins(minutes);
        }
        let media = media(&projects, &remote).unwrap();
        assert_eq!(
            media.way.request().link,
            link(&URL.replace("=0", signature))
        );
    }
}

#[test]
fn the_error_that_says_most_is_heard() {
    let archive = Ok(body(UUID));
    for (unified, opentok, expected) in [
        (archive.clone(), None, Ok(())),
        (Err(refused(404)), Some(archive.clone()), Ok(())),
        (Err(refused(401)), Some(archive.clone()), Ok(())),
        (Err(refused(403)), Some(archive), Ok(())),
        (
            Err(refused(404)),
            Some(Err(refused(403))),
            Err(refused(403)),
        ),
        (
            Err(refused(401)),
            Some(Err(refused(404))),
            Err(refused(401)),
        ),
        (
            Err(refused(404)),
            Some(Err(refused(404))),
            Err(refused(404)),
        ),
        (
            Err(refused(401)),
            Some(Err(refused(403))),
            Err(refused(401)),
        ),
        (
            Err(refused(404)),
            Some(Err(refused(410))),
            Err(refused(410)),
        ),
        (Err(refused(410)), None, Err(refused(410))),
    ] {
        let answers = [
            (format!("{UNIFIED}/{UUID}"), Some(unified)),
            (format!("{OPENTOK}/{UUID}"), opentok),
        ];
        let answers: Vec<_> = answers
            .iter()
            .filter_map(|(url, answer)| Some((url.as_str(), answer.clone()?)))
            .collect();
        let script = Script::new(&answers);
        let found = recording(&of(&script, true, true), UUID);
        assert_eq!(found.map(|_| ()), expected);
    }
    assert_eq!(recording(&[], UUID).err(), Some(Error::NoCredentials));
}

fn id(number: u32) -> String {
    format!("b40ef09b-3811-4726-b508-{number:012x}")
}

fn page(numbers: impl IntoIterator<Item = u32>, count: &str) -> String {
    let items: Vec<_> = numbers
        .into_iter()
        .map(|number| body(&id(number)))
        .collect();
    format!("{{\"count\": {count}, \"items\": [{}]}}", items.join(","))
}

fn at(base: &str, offset: u32) -> String {
    format!("{base}?offset={offset}&count=1000")
}

fn ids(list: impl Iterator<Item = Result<Remote, Error>>) -> Vec<Result<String, Error>> {
    list.map(|remote| remote.map(|remote| remote.id)).collect()
}

fn known(numbers: impl IntoIterator<Item = u32>) -> Vec<Result<String, Error>> {
    numbers.into_iter().map(|number| Ok(id(number))).collect()
}

#[test]
fn pages_are_asked_for_by_offset() {
    let script = Script::new(&[
        (&at(OPENTOK, 0), Ok(page([9, 8], "6"))),
        (&at(OPENTOK, 2), Ok(page([8, 7], "\"7\""))),
        (&at(OPENTOK, 4), Ok(page([5], "5"))),
        (&at(OPENTOK, 2), Ok(page([7, 6], "5"))),
        (&at(OPENTOK, 4), Ok(page([5], "5"))),
    ]);
    let list = list(of(&script, false, true), &Selection::default()).unwrap();
    assert_eq!(ids(list), known([9, 8, 7, 6, 5]));
}

#[test]
fn a_list_that_promises_more_than_comes_is_an_error() {
    let stuck = unusable("api.opentok.com", "its list promises more than comes");
    for answer in [Ok(page([9, 8], "9")), Ok(page([], "9"))] {
        let script = Script::new(&[
            (&at(OPENTOK, 0), Ok(page([9, 8], "9"))),
            (&at(OPENTOK, 2), answer),
        ]);
        let list = list(of(&script, false, true), &Selection::default()).unwrap();
        let expected = [known([9, 8]), vec![Err(stuck.clone())]].concat();
        assert_eq!(ids(list), expected);
    }
    let script = Script::new(&[(&at(OPENTOK, 0), Ok("{\"count\": 3}".to_owned()))]);
    let list = list(of(&script, false, true), &Selection::default()).unwrap();
    let lacking = unusable("api.opentok.com", "there is no list of archives in it");
    assert_eq!(ids(list), [Err(lacking)]);
}

#[test]
fn one_that_refuses_does_not_stop_the_other() {
    let script = Script::new(&[
        (&at(UNIFIED, 0), Err(refused(404))),
        (&at(OPENTOK, 0), Ok(page([9], "1"))),
    ]);
    let list = list(of(&script, true, true), &Selection::default()).unwrap();
    assert_eq!(ids(list), [Err(refused(404)), Ok(id(9))]);
}

#[test]
fn a_session_is_known_by_one_of_both() {
    let selection = Selection {
        group: Some(Resource {
            provider: Provider::Vonage,
            kind: IdKind::Session,
            id: SESSION.to_owned(),
            account: None,
        }),
        ..Selection::default()
    };
    let at = |base: &str| format!("{}&sessionId={SESSION}", at(base, 0));
    let unknown = || Err(refused(404));
    for (unified, opentok, expected) in [
        (Ok(page([9], "1")), Ok(page([8], "1")), known([9, 8])),
        (unknown(), Ok(page([8], "1")), known([8])),
        (unknown(), Ok(page([], "0")), vec![]),
        (Ok(page([9], "1")), unknown(), known([9])),
        (Ok(page([], "0")), unknown(), vec![]),
        (unknown(), unknown(), vec![Err(refused(404))]),
        (
            Err(refused(403)),
            unknown(),
            vec![Err(refused(403)), Err(refused(404))],
        ),
        (
            Err(refused(403)),
            Ok(page([8], "1")),
            vec![Err(refused(403)), Ok(id(8))],
        ),
    ] {
        let script = Script::new(&[(&at(UNIFIED), unified), (&at(OPENTOK), opentok)]);
        let list = list(of(&script, true, true), &selection).unwrap();
        assert_eq!(ids(list), expected);
    }
}

#[test]
fn tokens_are_made_anew_for_each_try() {
    let script = Script::new(&[]);
    let value = |project: &Project| match &project.auth {
        Auth::Header(name, token) => (*name, token().unwrap().to_string()),
        _ => panic!("no header"),
    };
    let projects = of(&script, true, true);
    let [unified, opentok] = &projects[..] else {
        panic!("{}", projects.len())
    };
    let (name, token) = value(unified);
    assert_eq!(name, "authorization");
    assert!(token.starts_with("Bearer ey"), "{token}");
    assert_ne!(value(unified).1, token);
    let (name, token) = value(opentok);
    assert_eq!(name, "x-opentok-auth");
    assert!(token.starts_with("ey"), "{token}");
    assert_ne!(value(opentok).1, token);
}
