//! Recordings where Twilio's API would have them.

use serde_json::Value;

use crate::fake::{ACCOUNT, FlexUser, flex_token};
use crate::scene::{CALL, MONO, PLAIN, Scene, UNKNOWN, authorization, undated};

fn path(id: &str) -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/{id}")
}

#[test]
fn the_recording_is_where_the_api_has_it_for_whoever_may_hear_it() {
    let scene = Scene::new();
    scene.fake.add_flex_token(
        &flex_token("gast"),
        FlexUser::agent("gast").with_roles(&["guest"]),
    );
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let (anna, gast, nobody) = (
        authorization("anna"),
        authorization("gast"),
        authorization("x"),
    );
    let plaintext = scene.plaintext(CALL);
    let other = path(CALL).replace("01/Recordings", "02/Recordings");
    for (path, header, expected) in [
        (path(CALL), &anna, "200"),
        (format!("{}.wav", path(CALL)), &anna, "200"),
        (format!("{}.wav?x=y", path(CALL)), &anna, "200"),
        (format!("{}.mp3", path(CALL)), &anna, "404"),
        (format!("{}.json", path(CALL)), &anna, "404"),
        (format!("{}/", path(CALL)), &anna, "404"),
        (path(UNKNOWN), &anna, "404"),
        (other.clone(), &anna, "404"),
        (other, &nobody, "404"),
        (path(CALL), &nobody, "401"),
        (path(CALL), &gast, "403"),
        (path(UNKNOWN), &gast, "403"),
    ] {
        for method in ["GET", "HEAD"] {
            let got = served.send(method, &path, &[header, "Origin: https://flex.twilio.com"]);
            assert_eq!(got.status(), expected, "{method} {path}");
            let origin = got.header("access-control-allow-origin");
            assert_eq!(origin, Some("https://flex.twilio.com"), "{method} {path}");
            if expected == "200" {
                assert_eq!(got.header("content-type"), Some("audio/wav"));
                assert_eq!(
                    got.header("content-length"),
                    Some(plaintext.len().to_string().as_str())
                );
                assert!(method == "HEAD" || got.body == plaintext);
            }
        }
    }
    for id in [PLAIN, MONO] {
        let got = served.get(&path(id), &[&anna, "Range: bytes=10-19"]);
        assert!(got.status() == "206" && got.body == scene.plaintext(id)[10..20]);
    }
    let got = served.get(&path(CALL), &[]);
    assert_eq!(got.status(), "401");
    served.stop();

    let log = scene.log("log.jsonl");
    let count = |event: &str| log.iter().filter(|line| line["event"] == event).count();
    // A GET is a grant and a play, a HEAD neither.
    assert_eq!((count("grant"), count("play")), (5, 5));
    assert_eq!(count("complete"), 1, "of one token and recording, once");
    let play = log
        .iter()
        .find(|line| line["range"] == "bytes=10-19")
        .unwrap();
    assert_eq!(
        (&play["bytes"], &play["status"]),
        (&Value::from(10), &Value::from(206))
    );
    assert_eq!(play["identity"], "anna_40example_2Dcom");
    assert_eq!(play["worker_sid"], "WK5eed0000000000000000000000000001");
}

#[test]
fn preflights_are_answered_and_other_methods_are_not() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let asks = |origin: &str| {
        let origin = format!("Origin: {origin}");
        served.send(
            "OPTIONS",
            &path(CALL),
            &[
                &origin,
                "Access-Control-Request-Method: GET",
                "Access-Control-Request-Headers: authorization,range",
            ],
        )
    };
    let got = asks("https://flex.twilio.com");
    for (name, expected) in [
        (
            "access-control-allow-origin",
            Some("https://flex.twilio.com"),
        ),
        ("access-control-allow-methods", Some("GET, HEAD")),
        ("access-control-max-age", Some("600")),
        ("vary", Some("Origin")),
    ] {
        assert_eq!(got.header(name), expected, "{name}");
    }
    assert!(
        got.header("access-control-allow-headers")
            .unwrap()
            .contains("authorization")
    );
    assert_eq!((got.status(), got.body.len()), ("204", 0));
    let evil = asks("https://evil.example");
    assert!(
        !evil.head.to_ascii_lowercase().contains("access-control-"),
        "{}",
        evil.head
    );
    for method in ["POST", "PUT", "DELETE"] {
        let got = served.send(method, &path(CALL), &[&authorization("anna")]);
        assert_eq!(
            (got.status(), got.header("allow")),
            ("405", Some("GET, HEAD, OPTIONS"))
        );
    }
    served.stop();
}

#[test]
fn without_an_account_there_is_nothing_there() {
    let scene = Scene::new();
    let config = String::from_utf8(scene.desk.read("serve.toml")).unwrap();
    let config = config.replace(&format!("account = '{ACCOUNT}'\n"), "");
    scene.desk.write("serve.toml", config);
    let mut command = scene.command(&[]);
    command
        .env_remove("TWILIO_ACCOUNT_SID")
        .env_remove("TWILIO_API_KEY")
        .env_remove("TWILIO_API_SECRET");
    let served = crate::scene::Served::start(command);
    let nothing = undated(&served.get("/x", &[]));
    assert_eq!(
        undated(&served.get(&path(CALL), &[&authorization("anna")])),
        nothing
    );
    served.stop();
}
