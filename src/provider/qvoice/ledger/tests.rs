use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::Config;
use super::*;

const ONE: &str = "1a2b3c4d5e6f7890abcdef1234567890abcdef1234567890abcdef1234567890";
const TWO: &str = "new_encryption_key_plain_text_at_least_32_characters_long";
const THREE: &str = "schlüssel \"mit\" \\ // und \u{1} \u{85} mehr als 32 zeichen, // ,}";

/// The guide's "Before rotation".
fn before() -> Value {
    json!({
        "enabled": true, "key_version": 1, "salt": "KxY9mP2qR8vN3wT6sA7bC4dF1gH8j=",
        "key": ONE, "historical_keys": {}, "historical_salts": {},
    })
}

/// The guide's "After rotation (automatic)".
fn after() -> Value {
    json!({
        "enabled": true, "key_version": 2, "salt": "bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg==",
        "key": TWO, "historical_keys": {"1": ONE},
        "historical_salts": {"1": "KxY9mP2qR8vN3wT6sA7bC4dF1gH8j="},
    })
}

fn file(value: &Value) -> Ledger {
    Ledger::of_file(value.to_string().as_bytes()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn answer(config: &Value) -> Result<Ledger, AnswerError> {
    let body = json!({"success": true, "message": "ok", "config": config});
    Ledger::of_answer(body.to_string().as_bytes())
}

fn server(config: &Value) -> Ledger {
    answer(config).unwrap_or_else(|error| panic!("{config}: {error}"))
}

fn text(ledger: &Ledger) -> String {
    String::from_utf8(ledger.to_json().to_vec()).unwrap()
}

fn value(ledger: &Ledger) -> Value {
    serde_json::from_str(&text(ledger)).unwrap()
}

/// What becomes of a file with an answer.
fn merged(own: &Value, config: &Value) -> Result<Value, Conflict> {
    let mut ledger = file(own);
    let before = text(&ledger);
    let result = ledger.merge(&server(config));
    if result.is_err() {
        assert_eq!(text(&ledger), before);
    }
    result.map(|()| value(&ledger))
}

fn pair(key: &str, salt: Option<&str>) -> Pair {
    let own = |text: &str| Zeroizing::new(text.to_owned());
    Pair {
        key: own(key),
        salt: salt.map(own),
    }
}

#[test]
fn it_is_written_in_the_guides_order() {
    let ledger = file(&json!({
        "note": {"of": [1, "mine"]}, "pending": {"salt": "next", "key": THREE}, "key": TWO,
        "historical_salts": {"2": "b", "10": "c"}, "historical_keys": {"10": ONE, "2": ONE},
        "salt": "s", "key_id": "key_auto_1", "key_version": "11", "algorithm": "aes_256_gcm",
        "enabled": false,
    }));
    let expected = format!(
        r#"{{
  "enabled": false,
  "algorithm": "aes_256_gcm",
  "key_version": 11,
  "key_id": "key_auto_1",
  "salt": "s",
  "key": "{TWO}",
  "historical_keys": {{
    "2": "{ONE}",
    "10": "{ONE}"
  }},
  "historical_salts": {{
    "2": "b",
    "10": "c"
  }},
  "pending": {{
    "key": {},
    "salt": "next"
  }},
  "note": {{
    "of": [1, "mine"]
  }}
}}
"#,
        serde_json::to_string(THREE)
            .unwrap()
            .replace('\u{85}', "\\u0085")
    );
    assert_eq!(text(&ledger), expected);
    assert_eq!(ledger.to_json().len(), ledger.to_json().capacity());
    assert_eq!(
        text(&Ledger::of_file(expected.as_bytes()).unwrap()),
        expected
    );
    assert_eq!(ledger.pending().map(|pair| pair.key.as_str()), Some(THREE));
    let numbers: Vec<_> = ledger.versions().map(|(number, _)| number).collect();
    assert_eq!(numbers, [Some(11), Some(10), Some(2)]);
}

#[test]
fn the_guides_examples_are_read() {
    let example = format!(
        "{{\n\"success\": true,\n\"config\": {{\n\"enabled\": true,\n\"algorithm\": \
         \"AES-256-GCM\",\n\"key_version\": 1,\n\"key_id\": \"key_auto_b02d27af63\",\n\"salt\": \
         \"aBc123XyZ456...\", // Save this!\n\"key\": \"{ONE}\", // Save this!\n}}\n}}"
    );
    let answered = Ledger::of_answer(example.as_bytes()).unwrap();
    assert_eq!(answered.enabled(), Some(true));
    assert_eq!(answered.algorithm(), Some("AES-256-GCM"));
    assert_eq!(answered.key_version(), Some(1));
    assert_eq!(answered.key_id(), Some("key_auto_b02d27af63"));
    assert_eq!(
        (answered.key(), answered.salt()),
        (Some(ONE), Some("aBc123XyZ456..."))
    );
    let filed = Ledger::of_file(example.as_bytes()).unwrap();
    assert_eq!(text(&filed), text(&answered));
    assert!(filed.has(&pair(ONE, Some("aBc123XyZ456..."))));
    assert!(!filed.has(&pair(ONE, None)) && !filed.has(&pair(TWO, Some("aBc123XyZ456..."))));
}

#[test]
fn what_stands_in_a_file_is_told() {
    let mut off = after();
    off["enabled"] = json!(false);
    let ledger = file(&off);
    assert_eq!(
        (ledger.enabled(), ledger.key_version()),
        (Some(false), Some(2))
    );
    assert_eq!(ledger.unusable(), [0; 0]);
    let mut short = after();
    short["historical_keys"] = json!({"1": "short"});
    assert_eq!(server(&short).unusable(), [1]);
}

#[test]
fn a_rotation_moves_the_current_version_and_ends_what_is_pending() {
    let mut own = before();
    own["pending"] = json!({"key": TWO, "salt": "bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg=="});
    assert_eq!(merged(&own, &after()), Ok(value(&file(&after()))));
    // "Preserves all historical keys"; and if not.
    let mut forgetful = after();
    for map in ["historical_keys", "historical_salts"] {
        forgetful[map] = Value::Null;
    }
    assert_eq!(merged(&own, &forgetful), Ok(value(&file(&after()))));
    // Twice is once.
    assert_eq!(merged(&after(), &forgetful), Ok(value(&file(&after()))));
}

#[test]
fn a_rotation_of_the_salt_alone_is_one_too() {
    let first = json!({"enabled": true, "key_version": 1, "key": ONE, "salt": "a"});
    let second = json!({"enabled": true, "key_version": 2, "key": ONE, "salt": "b"});
    let mut own = first.clone();
    own["pending"] = json!({"key": ONE, "salt": "b"});
    let expected = json!({
        "enabled": true, "key_version": 2, "key": ONE, "salt": "b",
        "historical_keys": {"1": ONE}, "historical_salts": {"1": "a"},
    });
    assert_eq!(merged(&own, &second), Ok(expected));
    // Not yet: the key alone is not the pair.
    assert_eq!(merged(&own, &first), Ok(own));
}

#[test]
fn what_is_pending_stays_until_the_server_has_key_and_salt() {
    let pending = json!({"key": TWO, "salt": "s"});
    let of = |current: Value| merged(&json!({"pending": pending}), &current).unwrap();
    for (key, salt, stays) in [
        (TWO, json!("s"), false),
        (TWO, json!("other"), true),
        (TWO, Value::Null, true),
        (ONE, json!("s"), true),
    ] {
        let now = of(json!({"enabled": true, "key_version": 1, "key": key, "salt": salt}));
        assert_eq!(now.get("pending").is_some(), stays, "{now}");
    }
    // As an old version.
    let now = of(json!({
        "key_version": 2, "key": ONE,
        "historical_keys": {"1": TWO}, "historical_salts": {"1": "s"},
    }));
    assert_eq!(now.get("pending"), None);
}

#[test]
fn a_pending_pair_is_not_replaced_by_another() {
    let mut ledger = Ledger::default();
    assert!(ledger.is_empty());
    ledger.set_pending(pair(ONE, Some("s"))).unwrap();
    ledger.set_pending(pair(ONE, Some("s"))).unwrap();
    assert!(!ledger.is_empty());
    let error = ledger.set_pending(pair(TWO, Some("s"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pending and another pending have different values"
    );
    let mut ledger = Ledger::default();
    let refused = [
        pair("short", None),
        pair(ONE, Some("default_salt")),
        pair(&"*".repeat(64), None),
    ];
    for pair in refused {
        assert!(ledger.set_pending(pair).is_err());
    }
    assert!(ledger.is_empty());
}

#[test]
fn an_account_that_was_never_configured_takes_nothing_away() {
    let mut own = after();
    assert_eq!(
        merged(&own, &json!({"enabled": true})),
        Ok(value(&file(&own)))
    );
    let now = merged(&own, &json!({}));
    own["enabled"] = json!(false);
    assert_eq!(now, Ok(value(&file(&own))));
    assert!(server(&json!({})).is_empty());
    // It has keys, and does not show them.
    let now = merged(&after(), &json!({"key_version": 7, "key_id": "k"})).unwrap();
    assert_eq!((&now["key_version"], &now["key"]), (&json!(2), &json!(TWO)));
    assert_eq!(
        (&now["enabled"], &now["key_id"]),
        (&json!(true), &json!("k"))
    );
}

#[test]
fn another_accounts_answer_changes_nothing() {
    let differs = |version, part| Err(Conflict::Differs { version, part });
    let current = |number: u64, key: &str, salt: &str| json!({"key_version": number, "key": key, "salt": salt});
    for (own, config, expected) in [
        (
            current(1, ONE, "a"),
            current(1, TWO, "a"),
            differs(1, "key"),
        ),
        (
            current(1, ONE, "a"),
            current(1, ONE, "b"),
            differs(1, "salt"),
        ),
        (
            before(),
            json!({"key_version": 2, "key": TWO, "historical_keys": {"1": THREE}}),
            differs(1, "key"),
        ),
        (
            after(),
            before(),
            Err(Conflict::Ahead { file: 2, server: 1 }),
        ),
        // The same, though the server names no number.
        (
            after(),
            json!({"key": ONE}),
            Err(Conflict::Ahead { file: 2, server: 1 }),
        ),
        (
            json!({"key": ONE}),
            current(1, TWO, "a"),
            Err(Conflict::Unknown),
        ),
        (
            json!({"key": ONE}),
            json!({"key": TWO}),
            Err(Conflict::Unknown),
        ),
        (
            json!({"key": ONE, "salt": "a"}),
            current(1, ONE, "b"),
            Err(Conflict::Unknown),
        ),
        (
            json!({"key": ONE, "historical_keys": {"2": TWO}}),
            json!({"key_version": 3, "key": THREE, "historical_keys": {"2": ONE}}),
            differs(2, "key"),
        ),
    ] {
        let result = merged(&own, &config);
        if let Err(error) = &result {
            let said = format!("{error} {error:?}");
            assert!(![ONE, TWO, THREE].iter().any(|key| said.contains(key)));
        }
        assert_eq!(result.map(|_| ()), expected, "{own} {config}");
    }
}

#[test]
fn a_key_without_a_number_gets_the_one_the_server_names() {
    for (own, config, expected) in [
        (
            json!({"key": ONE, "salt": "a"}),
            json!({"key_version": 4, "key": ONE}),
            json!({"key_version": 4, "key": ONE, "salt": "a"}),
        ),
        (
            json!({"key": ONE}),
            json!({"key_version": 2, "key": TWO, "historical_keys": {"1": ONE}, "historical_salts": {"1": "a"}}),
            json!({"key_version": 2, "key": TWO, "historical_keys": {"1": ONE}, "historical_salts": {"1": "a"}}),
        ),
        // A key of two versions: the salt tells.
        (
            json!({"key": ONE, "salt": "a"}),
            json!({"key_version": 2, "key": ONE, "historical_keys": {"1": ONE}, "historical_salts": {"1": "a"}}),
            json!({"key_version": 2, "key": ONE, "historical_keys": {"1": ONE}, "historical_salts": {"1": "a"}}),
        ),
        (
            json!({"key": ONE, "salt": "a"}),
            json!({"key": ONE}),
            json!({"key": ONE, "salt": "a"}),
        ),
        // And the other way round.
        (
            json!({"key_version": 3, "key": ONE, "salt": "a"}),
            json!({"key": ONE, "historical_keys": {"1": TWO}}),
            json!({"key_version": 3, "key": ONE, "salt": "a", "historical_keys": {"1": TWO}}),
        ),
        (
            json!({"key_version": 3, "key": ONE}),
            json!({"key": TWO}),
            json!({"key": TWO, "historical_keys": {"3": ONE}}),
        ),
        // The server has old versions only.
        (
            json!({"key_version": 1, "key": ONE}),
            json!({"historical_keys": {"2": TWO}}),
            json!({"historical_keys": {"1": ONE, "2": TWO}}),
        ),
    ] {
        assert_eq!(merged(&own, &config), Ok(expected), "{own} {config}");
    }
}

#[test]
fn whether_the_next_version_is_free() {
    let is_free = |own: &Value, config: &Value| file(own).next_version_is_free(&server(config));
    assert!(is_free(&before(), &before()));
    assert!(is_free(&json!({"pending": {"key": ONE}}), &json!({})));
    assert!(!is_free(&before(), &json!({})));
    assert!(!is_free(&before(), &json!({"enabled": false})));
    assert!(!is_free(&after(), &before()));
    assert!(is_free(&after(), &json!({"historical_keys": {"2": TWO}})));
    // What was sent was taken, and the server does not know it yet.
    let mut own = after();
    own["pending"] = json!({"key": TWO, "salt": "bmV3X3NhbHRfZm9yX3ZlcnNpb25fMg=="});
    assert!(is_free(&own, &before()));
    assert!(!is_free(
        &before(),
        &json!({"key_version": u64::MAX, "key": ONE})
    ));
}

#[test]
fn unknown_members_stay_and_are_taken() {
    let mut own = before();
    own["note"] = json!({"ünïcode \"\\\n": [null, -1, "x"], "kept": 1, "newer": 1});
    own["Same"] = json!("mine");
    let mut config = before();
    config["note"] = json!({"newer": 2, "added": {}});
    config["Same"] = Value::Null;
    config["updated_at"] = json!("2025-10-29");
    let now = merged(&own, &config).unwrap();
    assert_eq!(
        now["note"],
        json!({"ünïcode \"\\\n": [null, -1, "x"], "kept": 1, "newer": 2, "added": {}})
    );
    assert_eq!(
        (&now["Same"], &now["updated_at"]),
        (&json!("mine"), &json!("2025-10-29"))
    );
    // What is an answer's own is not the configuration's.
    assert_eq!(now.get("success"), None);
    let mut bare = before();
    bare["success"] = json!(true);
    let bare = Ledger::of_answer(bare.to_string().as_bytes()).unwrap();
    assert_eq!(value(&bare), value(&file(&before())));
    // What stands beside `config` in a file is somebody's.
    let wrapped = file(&json!({"success": true, "config": before(), "owner": "me"}));
    assert_eq!(value(&wrapped)["owner"], json!("me"));
    let twice = format!(r#"{{"key": "{ONE}", "a": 1, "a": 2}}"#);
    let twice = Ledger::of_file(twice.as_bytes()).unwrap();
    assert!(text(&twice).contains("\"a\": 1,\n  \"a\": 2\n"));
}

#[test]
fn what_is_no_file_is_refused() {
    for (text, reason) in [
        ("{}", "no call recording"),
        (r#"{"success": true, "config": {}}"#, "key is missing"),
        ("[1]", "no call recording"),
        ("", "it is not JSON: it is empty"),
        (r#"{"pending": {"salt": "x"}}"#, "no call recording"),
        (r#"{"pending": "supersecret"}"#, "no call recording"),
        (
            r#"{"enabled": true, "pending": "supersecret"}"#,
            "pending is a string, not an object",
        ),
        (
            r#"{"pending": {"key": "supersecret"}}"#,
            "pending.key is 11 characters",
        ),
        (
            r#"{"enabled": true, "pending": {}}"#,
            "pending.key is missing",
        ),
        (r#"{"key": "x", "algorithm": "DES"}"#, "algorithm is `DES`"),
        (
            r#"{"config": {"key": "x"}, "key": "supersecret"}"#,
            "key is beside config",
        ),
        (
            r#"{"config": {"key": "x", "config": {"key": "supersecret"}}}"#,
            "config is inside of config",
        ),
    ] {
        let error = Ledger::of_file(text.as_bytes())
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(reason), "{text}: {error}");
        assert!(!error.contains("supersecret"));
    }
}

#[test]
fn an_answer_that_shows_no_key_is_refused() {
    let masked = [
        "****".to_owned(),
        "*".repeat(64),
        format!("1a2b{}cdef", "•".repeat(56)),
        "x".repeat(64),
    ];
    for key in masked {
        let error = answer(&json!({"key_version": 1, "key": key}))
            .map(|_| ())
            .unwrap_err();
        assert!(matches!(
            error,
            AnswerError::Unreadable(MetadataError::Invalid { .. })
        ));
        // Of an old version, the file's stays.
        let old = json!({"key_version": 2, "key": TWO, "historical_keys": {"1": key}});
        assert_eq!(server(&old).unusable(), [1]);
        let now = merged(&before(), &old).unwrap();
        assert_eq!(now["historical_keys"], json!({"1": ONE}));
    }
    assert!(answer(&json!({"key": ONE, "salt": "default_salt"})).is_err());
    assert!(answer(&json!({"key": ONE, "salt": "x".repeat(4097)})).is_err());
    assert!(answer(&json!({"key": "x".repeat(4097)})).is_err());
}

#[test]
fn an_answer_says_that_it_failed() {
    let said = |text: &str| Ledger::of_answer(text.as_bytes()).map(|_| ()).unwrap_err();
    let failed = |message: Option<&str>| AnswerError::Failed {
        message: message.map(str::to_owned),
    };
    assert_eq!(
        said(r#"{"success": false, "message": "no", "config": {}}"#),
        failed(Some("no"))
    );
    assert_eq!(said(r#"{"success": false, "message": 7}"#), failed(None));
    assert_eq!(
        failed(Some("supersecret")).to_string(),
        "it says that it failed"
    );
    for text in [
        r#"{"success": "yes", "config": {}}"#,
        r#"{"success": true}"#,
        r#"{"success": true, "config": null}"#,
        r#"{"success": true, "config": {"encryption_key": "x"}}"#,
        "{}",
        "<html></html>",
    ] {
        assert!(matches!(said(text), AnswerError::Unreadable(_)), "{text}");
    }
}

#[test]
fn what_could_not_be_read_again_is_not_taken() {
    let many = |from: u64| {
        let keys: Map<_, _> = (from..from + 900)
            .map(|n| (n.to_string(), json!(ONE)))
            .collect();
        json!({"key_version": 2000, "key": TWO, "historical_keys": keys})
    };
    assert_eq!(merged(&many(1), &many(901)), Err(Conflict::TooLarge));
    assert!(merged(&many(1), &many(50)).is_ok());
}

/// What `Config` reads, as far as it can be used.
fn facts(text: &str) -> Result<Vec<(Option<u64>, String)>, String> {
    let config = Config::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let versions = config.versions.iter().map(|version| {
        let pair = version.pair.as_ref();
        let pair = pair.map(|pair| {
            (
                pair.key.as_str(),
                pair.salt.as_ref().map(|salt| salt.as_str()),
            )
        });
        (version.number, format!("{pair:?}"))
    });
    Ok(versions.collect())
}

fn key() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => prop::sample::select(vec![json!(ONE), json!(TWO), json!(THREE)]),
        1 => Just(json!("short")),
        1 => Just(Value::Null),
        1 => "[ -~äß\u{1}\u{2028}]{32,40}".prop_map(Value::from),
    ]
}

fn salt() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!("a"),
        json!("b"),
        json!("//,}\\"),
        Value::Null,
        json!(""),
    ])
}

/// Configurations that are like each other, so that many fit together.
fn config() -> impl Strategy<Value = Value> {
    let map = |value: BoxedStrategy<Value>| {
        prop::collection::btree_map(prop::sample::select(vec!["1", "2", "03"]), value, 0..3)
    };
    (
        prop::option::of(any::<bool>()),
        prop::option::of(1_u64..5),
        (key(), salt()),
        (map(key().boxed()), map(salt().boxed())),
        prop::option::of((key(), salt())),
        prop::collection::btree_map("[a-z\"]{1,3}", any::<i32>(), 0..2),
        any::<bool>(),
    )
        .prop_map(
            |(enabled, number, (key, salt), (keys, salts), pending, others, is_wrapped)| {
                let mut config = json!({
                    "enabled": enabled, "key_version": number, "key": key, "salt": salt,
                    "historical_keys": keys, "historical_salts": salts, "others": others,
                });
                if let Some((key, salt)) = pending {
                    config["pending"] = json!({"key": key, "salt": salt});
                }
                if is_wrapped {
                    json!({"success": true, "config": config})
                } else {
                    config
                }
            },
        )
}

/// Whether every key of one is in the other, under its number if it has one.
fn assert_kept(one: &Ledger, other: &Ledger) {
    for (number, known) in one.versions().filter(|(_, known)| known.key.is_some()) {
        let mut same = other
            .versions()
            .filter(|(now, _)| number.is_none() || *now == number);
        assert!(
            same.any(|(_, now)| now.covers(known)),
            "{number:?}: {} {}",
            text(one),
            text(other)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_is_read_as_the_same(config in config()) {
        let original = config.to_string();
        if let Ok(ledger) = Ledger::of_file(original.as_bytes()) {
            if ledger.is_empty() {
                prop_assert!(facts(&original).is_err());
                return Ok(());
            }
            let written = text(&ledger);
            prop_assert_eq!(text(&Ledger::of_file(written.as_bytes()).unwrap()), &written[..]);
            prop_assert_eq!(facts(&written), facts(&original));
            prop_assert!(facts(&written).is_ok());
        }
    }

    #[test]
    fn no_version_is_lost(own in config(), theirs in config()) {
        let own = Ledger::of_file(own.to_string().as_bytes());
        let server = Ledger::of_answer(theirs.to_string().as_bytes());
        if let (Ok(own), Ok(server)) = (own, server) {
            let mut now = own.clone();
            if now.merge(&server).is_err() {
                prop_assert_eq!(text(&now), text(&own));
                return Ok(());
            }
            assert_kept(&own, &now);
            assert_kept(&server, &now);
            if let Some(pending) = own.pending() && now.pending().is_none() {
                let pending = Known::of_pair(pending);
                prop_assert!(server.versions().any(|(_, known)| known.covers(&pending)));
            } else {
                prop_assert!(now.pending() == own.pending());
            }
            let written = text(&now);
            prop_assert_eq!(facts(&written).is_err(), now.is_empty());
            prop_assert!(now.merge(&server).is_ok());
            prop_assert_eq!(text(&now), written);
        }
    }
}
