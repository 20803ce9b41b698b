//! `/sec_rec`: who is given a link, and what the link is.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::common::made::wait_for;
use crate::fake::{Fault, FlexUser, flex_token};
use crate::scene::{CALL, MONO, Scene, UNKNOWN, authorization, undated};

const PATH: &str = "/sec_rec?recording_sid=RE5eed0000000000000000000000000021";

#[test]
fn a_token_is_taken_as_players_send_it_and_in_no_other_way() {
    let scene = Scene::new();
    scene.fake.add_flex_token(
        &flex_token("otto"),
        FlexUser::agent("otto").for_millis(-1000),
    );
    let served = scene.serve(&[]);
    let token = flex_token("anna");
    let encoded = |text: String| BASE64_STANDARD.encode(text);
    let pair = encoded(format!("token:{token}"));
    assert!(pair.ends_with('='), "the padding that is lost below");
    for (headers, expected) in [
        (vec![format!("Authorization: Basic {pair}")], "200"),
        (vec![format!("authorization: basic {pair}")], "200"),
        (
            vec![format!(
                "Authorization: Basic {}",
                pair.trim_end_matches('=')
            )],
            "200",
        ),
        (vec![format!("Authorization: Basic {token}")], "200"),
        (vec![], "401"),
        (vec!["Authorization:".into()], "401"),
        (vec!["Authorization: Basic".into()], "401"),
        (vec!["Authorization: Basic ".into()], "401"),
        (vec![format!("Authorization: Bearer {token}")], "401"),
        (vec![format!("Authorization: Digest {pair}")], "401"),
        (vec![format!("Authorization: {token}")], "401"),
        (vec![format!("Authorization: {pair}")], "401"),
        (
            vec![format!("Authorization: Basic {}", encoded("token:".into()))],
            "401",
        ),
        (
            vec![format!("Authorization: Basic {}", encoded(token.clone()))],
            "401",
        ),
        (
            vec![format!(
                "Authorization: Basic {}",
                encoded(format!("user:{token}"))
            )],
            "401",
        ),
        (
            vec![format!(
                "Authorization: Basic {}",
                encoded(format!("token:{token}x"))
            )],
            "401",
        ),
        (
            vec![format!(
                "Authorization: Basic {}",
                encoded(format!("token:{token}\r\n"))
            )],
            "401",
        ),
        (
            vec![format!(
                "Authorization: Basic {}",
                encoded("token:../../x.y.z".into())
            )],
            "401",
        ),
        (vec![format!("X-Authorization: Basic {pair}")], "401"),
        (vec![format!("Authorization: Basic {pair}"); 2], "401"),
        (vec![authorization("otto")], "401"),
        (vec![authorization("nobody")], "401"),
    ] {
        let lines: Vec<_> = headers.iter().map(String::as_str).collect();
        let got = served.get(PATH, &lines);
        assert_eq!(got.status(), expected, "{headers:?}");
        if expected == "401" {
            assert!(got.header("www-authenticate").is_some(), "RFC 9110, 15.5.2");
            assert_eq!(got.text(), "a valid Flex token is needed\n", "{headers:?}");
            assert_eq!(got.header("retry-after"), None);
        }
    }
    for path in [
        PATH.replace("/sec_rec?", &format!("/sec_rec?token={token}&")),
        format!("{PATH}&Token={token}"),
    ] {
        assert_eq!(served.get(&path, &[]).status(), "401", "not from the query");
    }
    served.stop();
}

#[test]
fn a_token_of_another_account_is_none() {
    let scene = Scene::new();
    let served = scene.serve(&["--account", "AC5eed00000000000000000000000000ff"]);
    let got = served.ask("anna", CALL);
    assert_eq!(
        (got.status(), got.text().as_str()),
        ("401", "a valid Flex token is needed\n")
    );
    let asked = scene.fake.requests();
    let target = "/v1/Accounts/AC5eed00000000000000000000000000ff/Tokens/validate";
    assert!(asked.iter().all(|seen| seen.target() == target));
    served.stop();
}

#[test]
fn roles_decide_and_guests_never_hear() {
    let scene = Scene::new();
    let all: [(&str, &[&str], bool, bool); 12] = [
        ("a", &["agent"], true, false),
        ("b", &["supervisor"], true, false),
        ("c", &["admin"], true, false),
        ("d", &["auditor"], false, true),
        ("e", &["visitor", "auditor"], false, true),
        ("f", &["agent", "guest"], false, false),
        ("g", &["auditor", "guest"], false, false),
        ("h", &["auditor", "GUEST"], false, false),
        ("i", &[], false, false),
        ("j", &["Agent"], false, false),
        ("k", &["agents"], false, false),
        ("l", &["guest"], false, false),
    ];
    for (name, roles, ..) in all {
        scene
            .fake
            .add_flex_token(&flex_token(name), FlexUser::agent(name).with_roles(roles));
    }
    let (default, own) = (scene.serve(&[]), scene.serve(&["--allow-role", "auditor"]));
    for (name, roles, by_default, by_own) in all {
        for (served, expected) in [(&default, by_default), (&own, by_own)] {
            let expected = if expected { "200" } else { "403" };
            let got = served.ask(name, CALL);
            assert_eq!(got.status(), expected, "{roles:?}");
            // It does not matter whether there is such a recording.
            if expected == "403" {
                assert_eq!(undated(&served.ask(name, UNKNOWN)), undated(&got));
            }
        }
    }
    default.stop();
    own.stop();
}

#[test]
fn a_query_names_one_recording_that_there_is() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let header = authorization("anna");
    let nothing = undated(&served.get("/media/nothing", &[]));
    for (query, expected) in [
        (format!("recording_sid={CALL}"), "200"),
        (format!("recording={CALL}"), "200"),
        (format!("token=x&recording={CALL}&y=z"), "200"),
        (format!("recording={UNKNOWN}"), "404"),
        (format!("recording_sid={CALL}&recording={CALL}"), "404"),
        (format!("recording_sid={CALL}&recording_sid={MONO}"), "404"),
        (format!("recording_sid={CALL}%00"), "404"),
        (format!("recording_sid={CALL}.wav.enc"), "404"),
        (format!("recording_sid=../calls/{CALL}"), "404"),
        (format!("recording_sid=..%2fcalls%2f{CALL}"), "404"),
        ("recording_sid=/etc/passwd".into(), "404"),
        ("recording_sid=http://127.0.0.1/".into(), "404"),
        (
            "recording_sid=CA5eed0000000000000000000000000001".into(),
            "404",
        ),
        ("recording_sid=".into(), "404"),
        (
            "Recording_Sid=RE5eed0000000000000000000000000021".into(),
            "404",
        ),
        (String::new(), "404"),
    ] {
        let got = served.get(&format!("/sec_rec?{query}"), &[&header]);
        assert_eq!(got.status(), expected, "{query}");
        if expected == "404" {
            assert_eq!(undated(&got), nothing, "{query}");
        }
    }
    assert_eq!(served.get("/sec_rec", &[&header]).status(), "404");
    served.stop();
}

#[test]
fn where_nobody_can_say_whose_a_token_is_nobody_hears() {
    let stall = Duration::from_secs(60);
    // Each of the last two takes as long as the validator is given.
    let slow = [
        Fault::StallBeforeHeaders(stall),
        Fault::StallInBody(3, stall),
        Fault::Dribble(Duration::from_millis(200)),
    ];
    std::thread::scope(|threads| {
        for fault in slow {
            threads.spawn(|| asks(&[(fault, 9, "503", 1)]));
        }
        let json = |text: &str| text.as_bytes().to_vec();
        let of_json = |status, text| Fault::Answer(status, "application/json", json(text));
        asks(&[
            (Fault::Status(500, vec![]), 1, "200", 2),
            (Fault::Status(500, vec![]), 9, "503", 2),
            (Fault::Status(503, vec![]), 9, "503", 2),
            (Fault::Status(401, vec![]), 9, "503", 1),
            (Fault::Status(403, vec![]), 9, "503", 1),
            (Fault::Reset, 9, "503", 2),
            (Fault::CutAfter(5), 9, "503", 2),
            (Fault::Garbage, 9, "503", 2),
            (Fault::Empty, 9, "503", 1),
            (Fault::Answer(200, "text/html", json("<html>")), 9, "503", 1),
            (of_json(200, r#"{"valid":"true"}"#), 9, "503", 1),
            (of_json(200, "{}"), 9, "401", 1),
            (of_json(404, r#"{"code":20404}"#), 9, "401", 1),
        ]);
    });
}

/// What `/sec_rec` answers where the next questions to the validator go wrong so; and how often it asks
/// at least.
fn asks(faults: &[(Fault, usize, &str, usize)]) {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    for (number, (fault, times, expected, asked)) in faults.iter().enumerate() {
        let what = format!("{fault:?} {times}");
        let name = format!("agent-{number}");
        scene
            .fake
            .add_flex_token(&flex_token(&name), FlexUser::agent(&name));
        let before = scene.fake.validations();
        scene.fake.fault("Tokens/validate", fault.clone(), *times);
        let got = served.ask(&name, CALL);
        scene.fake.mend();
        assert_eq!(got.status(), *expected, "{what}");
        let is_later = got.header("retry-after").is_some();
        assert_eq!(is_later, *expected == "503", "{what}");
        let count = scene.fake.validations() - before;
        assert!((*asked..=2).contains(&count), "{what}: asked {count} times");
        // Such answers are not kept.
        assert_eq!(served.ask(&name, CALL).status(), "200", "{what}");
    }
    served.stop();
    let log = scene.log("log.jsonl");
    let grants = log.iter().filter(|line| line["event"] == "grant").count();
    let at_once = faults
        .iter()
        .filter(|(_, _, expected, _)| *expected == "200");
    assert_eq!(grants, faults.len() + at_once.count());
}

#[test]
fn without_credentials_or_with_nobody_to_ask_nobody_hears() {
    let scene = Scene::new();
    let mut command = scene.command(&[]);
    for name in ["TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", "TWILIO_API_SECRET"] {
        command.env_remove(name);
    }
    let without = crate::scene::Served::start(command);
    assert!(
        without.said().contains("no token of Flex's can be checked"),
        "{}",
        without.said()
    );
    let mut command = scene.command(&[]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    command.env("UNREEL_TWILIO_IAM_URL", format!("http://{closed}"));
    let alone = crate::scene::Served::start(command);
    for served in [without, alone] {
        let got = served.ask("anna", CALL);
        assert_eq!(got.status(), "503");
        assert!(got.header("retry-after").is_some());
        assert_eq!(served.get(PATH, &[]).status(), "401");
        // What was signed needs nobody else.
        assert_eq!(
            served.get(&crate::link::path("media", CALL), &[]).status(),
            "200"
        );
        served.stop();
    }
    assert_eq!(scene.fake.validations(), 0);
}

#[test]
fn an_answer_is_kept_but_not_longer_than_the_token_is_good() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    for _ in 0..20 {
        assert_eq!(served.ask("anna", CALL).status(), "200");
    }
    assert_eq!(scene.fake.validations(), 1);
    // Invalid ones are asked for each time.
    for count in 2..5 {
        assert_eq!(served.ask("nobody", CALL).status(), "401");
        assert_eq!(scene.fake.validations(), count);
    }
    scene
        .fake
        .add_flex_token(&flex_token("eva"), FlexUser::agent("eva").for_millis(2500));
    assert_eq!(served.ask("eva", CALL).status(), "200");
    wait_for("end of the token", || {
        served.ask("eva", CALL).status() == "401"
    });
    served.stop();
}

#[test]
fn headers_up_to_64_kib_are_read_and_longer_ones_refused() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    for (length, expected) in [
        (32 << 10, "200"),
        (63 << 10, "200"),
        (80 << 10, "431"),
        (1 << 20, "431"),
    ] {
        let token = format!("{}.a.b.c.d", "a".repeat(length));
        scene.fake.add_flex_token(&token, FlexUser::agent("anna"));
        let mut connection = crate::connection::Connection::to(served.address());
        let text = format!(
            "GET {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {token}\r\n\r\n"
        );
        // It need not read all of it.
        std::io::Write::write_all(connection.stream(), text.as_bytes()).ok();
        let got = connection.head();
        let is_reset = got.head.is_empty() && length > 1 << 19;
        assert!(
            got.status() == expected || is_reset,
            "{length}: {}",
            got.head
        );
    }
    served.stop();
}

#[test]
fn a_preflight_is_answered_for_flex_alone() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let asks = |origin: &str| {
        let origin = format!("Origin: {origin}");
        let headers = [
            &origin,
            "Access-Control-Request-Method: GET",
            "Access-Control-Request-Headers: authorization",
        ];
        served.send("OPTIONS", PATH, &headers)
    };
    let got = asks("https://flex.twilio.com");
    assert_eq!((got.status(), got.body.len()), ("204", 0));
    for (name, expected) in [
        (
            "access-control-allow-origin",
            Some("https://flex.twilio.com"),
        ),
        ("access-control-allow-methods", Some("GET")),
        ("access-control-allow-headers", Some("authorization")),
        ("access-control-max-age", Some("600")),
        ("access-control-allow-credentials", None),
        ("vary", Some("Origin")),
    ] {
        assert_eq!(got.header(name), expected, "{name}");
    }
    let is_let_in = |got: &crate::fake::Got| {
        got.headers()
            .any(|(name, _)| name.to_ascii_lowercase().starts_with("access-control-"))
    };
    for origin in [
        "https://flex.twilio.com.evil.example",
        "https://evilflex.twilio.com",
        "http://flex.twilio.com",
        "https://flex.twilio.com:443",
        "https://flex.twilio.com:8443",
        "https://FLEX.twilio.com",
        "https://flex.twilio.com.",
        "https://flex.twilio.com/",
        "https://twilio.com",
        "null",
        "*",
        "",
        "https://flex.twilio.com, https://evil.example",
    ] {
        for got in [
            asks(origin),
            served.get(
                PATH,
                &[&format!("Origin: {origin}"), &authorization("anna")],
            ),
        ] {
            assert!(!is_let_in(&got), "{origin}: {}", got.head);
            assert_eq!(got.header("vary"), Some("Origin"), "{origin}");
        }
    }
    let two = [
        "Origin: https://flex.twilio.com",
        "Origin: https://evil.example",
        "Access-Control-Request-Method: GET",
    ];
    assert!(!is_let_in(&served.send("OPTIONS", PATH, &two)));
    assert_eq!(scene.fake.validations(), 1, "a preflight has no token");
    served.stop();
}

#[test]
fn origins_read_why_it_failed() {
    let scene = Scene::new();
    scene.fake.add_flex_token(
        &flex_token("gast"),
        FlexUser::agent("gast").with_roles(&["guest"]),
    );
    let served = scene.serve(&[
        "--origin",
        "https://crm.example",
        "--origin",
        "http://localhost:3000",
    ]);
    let unknown = format!("/sec_rec?recording={UNKNOWN}");
    let media = format!("/media/{}", crate::link::token("listen", CALL));
    let anna = authorization("anna");
    let gast = authorization("gast");
    for (method, path, header, expected) in [
        ("GET", PATH, "X: y", "401"),
        ("GET", PATH, &gast, "403"),
        ("GET", unknown.as_str(), &anna, "404"),
        ("POST", PATH, &anna, "405"),
        ("GET", PATH, "Host: evil.example", "421"),
        ("GET", media.as_str(), "X: y", "404"),
        ("GET", PATH, &anna, "200"),
    ] {
        for (origin, is_let_in) in [
            ("https://crm.example", true),
            ("http://localhost:3000", true),
            ("https://flex.twilio.com", false),
            ("http://localhost:3001", false),
        ] {
            let got = served.send(method, path, &[&format!("Origin: {origin}"), header]);
            assert_eq!(got.status(), expected);
            let allowed = got.header("access-control-allow-origin");
            assert_eq!(
                allowed,
                is_let_in.then_some(origin),
                "{expected} for {origin}"
            );
        }
    }
    served.stop();
}

#[test]
fn the_link_is_one_that_players_can_use() {
    let scene = Scene::new();
    let served = scene.serve(&["--link-ttl", "90s"]);
    let plaintext = scene.plaintext(CALL);
    let mut links = BTreeSet::new();
    for number in 0..200 {
        // Other names make other tokens.
        let name = format!("agent{number}");
        scene
            .fake
            .add_flex_token(&flex_token(&name), FlexUser::agent(&name));
        let got = served.ask(&name, CALL);
        assert_eq!(got.header("content-type"), Some("application/json"));
        assert_eq!(got.header("cache-control"), Some("private, no-store"));
        let json = got.json();
        assert_eq!(json.as_object().unwrap().len(), 1);
        let url = json["media_url"].as_str().unwrap().to_owned();
        assert!(
            url.starts_with(&format!("{}/media/v1.k-2.", served.base)),
            "{url}"
        );
        assert!(url.ends_with("?X-Amz-Expires=90"), "{url}");
        assert!(!url.to_lowercase().contains(".mp3"), "{url}");
        links.insert(url);
    }
    assert_eq!(links.len(), 200);
    let url = links.first().unwrap();
    for url in [
        url.clone(),
        url.clone(),
        url.replace("=90", "=999999"),
        url.replace("?X-Amz-Expires=90", ""),
    ] {
        assert!(
            crate::fake::send("GET", &url, &[], b"").body == plaintext,
            "{url}"
        );
    }
    served.stop();
    let served = scene.serve(&["--public-url", "https://play.example.com/calls/"]);
    let got = served.get(PATH, &[&authorization("anna"), "Host: play.example.com"]);
    let url = got.json()["media_url"].as_str().unwrap().to_owned();
    assert!(
        url.starts_with("https://play.example.com/calls/media/v1."),
        "{url}"
    );
    served.stop();
}

#[test]
fn other_methods_are_not_allowed() {
    let scene = Scene::new();
    let served = scene.serve(&["--flex-path", "/links/flex"]);
    let header = authorization("anna");
    let path = format!("/links/flex?recording={CALL}");
    assert_eq!(served.get(&path, &[&header]).status(), "200");
    assert_eq!(
        served.get(PATH, &[&header]).status(),
        "404",
        "it is elsewhere"
    );
    for method in ["HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "FOO"] {
        let got = served.send(method, &path, &[&header]);
        assert_eq!(
            (got.status(), got.header("allow")),
            ("405", Some("GET, OPTIONS")),
            "{method}"
        );
    }
    served.stop();
}

#[test]
fn the_validator_is_asked_32_questions_at_once() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let names: Vec<_> = (0..80).map(|number| format!("agent{number}")).collect();
    for name in &names {
        scene
            .fake
            .add_flex_token(&flex_token(name), FlexUser::agent(name));
    }
    let latency = Duration::from_millis(400);
    scene.fake.latency(latency);
    std::thread::scope(|threads| {
        for name in &names {
            let served = &served;
            threads.spawn(move || assert_eq!(served.ask(name, CALL).status(), "200"));
        }
    });
    let mut began: Vec<_> = scene.fake.requests().iter().map(|seen| seen.at).collect();
    began.sort();
    assert_eq!(began.len(), 80);
    // The 33rd begins when one of the 32 before has ended, and each took that long.
    for (first, later) in began.iter().zip(&began[32..]) {
        assert!(
            later.duration_since(*first) >= latency,
            "more than 32 at once"
        );
    }
    assert!(began[31].duration_since(began[0]) < latency,);
    served.stop();
}
