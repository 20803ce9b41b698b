use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Provider, qvoice, twilio_video, twilio_voice, vonage};
use super::*;

const RE: &str = "RE0123456789abcdef0123456789abcdef";

fn key() -> String {
    STANDARD.encode([0xFB; 256])
}

fn voice() -> Value {
    json!({"sid": RE, "status": "completed", "encryption_details":
        {"type": "rsa-aes", "encrypted_cek": key(), "iv": "WLY3ND199gE4kR2q"}})
}

fn headers() -> Value {
    json!({"etag": "x", "x-amz-meta-x-amz-key": key(),
        "x-amz-meta-x-amz-iv": "EmKjzVpvXC9rE6DJ00Xv7Q=="})
}

fn archive() -> Value {
    json!({"id": "b40ef09b-3811-4726-b508-e41a0f96c68f", "status": "uploaded",
        "password": key()})
}

fn parse(provider: Provider, text: &str) -> Result<Listing, MetadataError> {
    provider.parse(text.as_bytes())
}

/// The same, in what people have it.
fn wrappings(document: &Value) -> Vec<String> {
    let text = document.to_string();
    let base64 = STANDARD.encode(&text);
    let members = document.as_object().unwrap();
    let pairs = |name: &str, value: &str| -> Value {
        let pair = |(key, one): (&String, &Value)| json!({name: key, value: one});
        members.iter().map(pair).collect()
    };
    let lists: Value = members
        .iter()
        .map(|(k, v)| (k.clone(), json!([v])))
        .collect();
    [
        json!(text),
        json!({"version": "2.0", "body": text, "isBase64Encoded": false}),
        json!({"version": "2.0", "body": base64, "isBase64Encoded": true}),
        json!({"Records": [{"messageId": "1", "body": json!({"Message": text}).to_string()}]}),
        json!([{"json": {"headers": {"host": "x"}, "params": {}, "body": document}}]),
        json!({"log": {"entries": [{"request": {"url": "x"}},
            {"response": {"headers": pairs("name", "value")}}]}}),
        json!({"status": 200, "headers": document, "config": {"url": "x"}}),
        json!({"ResponseMetadata": {"HTTPHeaders": document}}),
        pairs("Key", "Value"),
        lists,
        json!({"rawHeaders": members.iter().flat_map(|(k, v)| [json!(k), v.clone()])
            .collect::<Vec<_>>()}),
    ]
    .map(|value| value.to_string())
    .into_iter()
    .chain([
        base64,
        URL_SAFE_NO_PAD.encode(&text),
        text.replace('"', "&quot;"),
        text.replace('"', "\\\""),
        format!("HTTP/1.1 200 OK\r\nDate: x\r\n\r\n{text}\r\n"),
        format!("2026-11-25T12:00:00Z app[1]: {text}"),
        json!({"log": format!("got {text}\n"), "stream": "stdout"}).to_string(),
        format!("level=info msg={} t=1", json!(format!("got {text}"))),
        format!("{{\"x\":1}}\n{text}200"),
        format!("\u{FEFF}{}\r\n", text.replace(',', ",\r\n")),
    ])
    .collect()
}

#[test]
fn a_recording_is_found_wherever_it_stands() {
    for (provider, document) in [
        (Provider::TwilioVoice, voice()),
        (Provider::TwilioVideo, headers()),
        (Provider::Vonage, archive()),
    ] {
        let expected = parse(provider, &document.to_string()).unwrap();
        assert_eq!(expected.notes(), [""; 0]);
        for (index, text) in wrappings(&document).iter().enumerate() {
            // Nobody has nested details as names and values.
            let found = parse(provider, text);
            if let (Provider::TwilioVoice, 5 | 8 | 10) = (provider, index) {
                continue;
            }
            let found = found.map_err(|error| format!("{error}: {text}")).unwrap();
            assert_eq!(found.items(), expected.items(), "{text}");
            let is_silent = found.notes().is_empty();
            let is_plain =
                text.ends_with("200") || index == 9 || text.starts_with('\u{FEFF}') || index == 8;
            assert!(is_plain || !is_silent, "{text}");
        }
    }
}

#[test]
fn where_it_was_found_is_said() {
    let text = json!({"a": [{"body": voice().to_string()}]}).to_string();
    let found = parse(Provider::TwilioVoice, &text).unwrap();
    assert_eq!(
        found.notes(),
        ["the recording's metadata was found in the text in a[0].body"]
    );
}

#[test]
fn a_place_is_told_from_the_top_down_and_capped() {
    let note = |document: Value| {
        let found = parse(Provider::TwilioVoice, &document.to_string()).unwrap();
        found.notes().join("|")
    };
    let in_text = "the recording's metadata was found in the text of a string";
    assert_eq!(note(json!(voice().to_string())), in_text);
    // A list that is the document needs no mention, and one inside of it does.
    assert_eq!(note(json!({"recordings": [voice()]})), "");
    assert_eq!(
        note(json!({"data": {"recordings": [voice()]}})),
        "the recording's metadata was found in data.recordings[0]"
    );
    let deep = (0..80).fold(voice(), |inside, _| json!({ "ab": inside }));
    // Up to 200 bytes one more is said.
    let place = "ab".to_owned() + &".ab".repeat(67);
    assert_eq!(
        note(deep),
        format!("the recording's metadata was found in {place}")
    );
}

#[test]
fn texts_within_texts_are_read_as_deep_as_the_limit() {
    let found = |depth| {
        let text = (0..depth).fold(voice().to_string(), |inside, _| {
            json!({ "body": inside }).to_string()
        });
        parse(Provider::TwilioVoice, &text).is_ok()
    };
    assert!((0..=DEPTH).all(found));
    assert!(!found(DEPTH + 1));
}

#[test]
fn envelopes_without_an_id_are_told_apart_in_a_list_alone() {
    let details = voice()["encryption_details"].clone();
    let mut other = details.clone();
    other["iv"] = json!("AAAAAAAAAAAAAAAA");
    let read = |value: Value| parse(Provider::TwilioVoice, &value.to_string());
    assert_eq!(read(json!([details, other])).unwrap().items().len(), 2);
    assert_eq!(
        read(json!({"a": details, "b": other})).unwrap_err(),
        MetadataError::Contradiction {
            first: "the metadata in a".to_owned(),
            second: "the metadata in b".to_owned(),
        }
    );
    let archives = json!({"sessionId": "1", "status": "started",
        "x": {"sessionId": "2", "status": "paused"}});
    assert_eq!(
        parse(Provider::Vonage, &archives.to_string()).unwrap_err(),
        MetadataError::Contradiction {
            first: "the metadata at the top".to_owned(),
            second: "the metadata in x".to_owned(),
        }
    );
    // It is that of one of them.
    let mut another = voice();
    another["sid"] = json!(RE.replace('0', "f"));
    another["encryption_details"] = other.clone();
    let both = read(json!({"a": details, "b": voice(), "c": another})).unwrap();
    assert_eq!(both.items().len(), 2);
}

#[test]
fn an_array_that_is_no_list_of_recordings_makes_no_page() {
    let next = "/2010…?Page=1";
    let tagged = json!({"tags": ["a"], "next_page_uri": next, "data": voice()});
    let found = parse(Provider::TwilioVoice, &tagged.to_string()).unwrap();
    assert!(!found.goes_on());
    let page = json!({"recordings": [voice()], "tags": ["a"], "next_page_uri": next});
    let found = parse(Provider::TwilioVoice, &page.to_string()).unwrap();
    assert_eq!((found.items().len(), found.goes_on()), (1, true));
}

#[test]
fn no_more_places_are_told_than_anybody_reads() {
    let place = |digit: u32| {
        let mut one = voice();
        one["sid"] = json!(RE.replace('0', &digit.to_string()));
        (format!("p{digit}"), one)
    };
    let many: serde_json::Map<_, _> = (0..=9).map(place).collect();
    let found = parse(Provider::TwilioVoice, &Value::from(many).to_string()).unwrap();
    assert_eq!((found.items().len(), found.notes().len()), (10, PLACES));
}

#[test]
fn headers_may_stand_as_pairs() {
    let headers = headers();
    let pairs: Vec<Value> = headers
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| json!([name, value]))
        .collect();
    let read = |value: Value| parse(Provider::TwilioVideo, &value.to_string()).unwrap();
    let expected = read(headers.clone());
    assert_eq!(read(json!(pairs)).items(), expected.items());
    assert_eq!(read(json!({ "headers": pairs })).items(), expected.items());
}

#[test]
fn a_pair_has_a_value_or_several_and_no_tree() {
    let read = |value: &Value| {
        let text = value.to_string();
        let Ok(Shape::All(mut entries)) = shape(&text, "JSON", &Budget::new()) else {
            panic!("{text}");
        };
        let Ok(Json::Array(values)) = entries.remove(0) else {
            panic!("{text}");
        };
        pairs(&values).is_some()
    };
    for (value, is_pairs) in [
        (json!([["a", "b"]]), true),
        (json!([["a", ["b", "c"]]]), true),
        (json!([["a", [["b"]]]]), false),
        (json!([["a", [{}]]]), false),
        (json!([["a", {}]]), false),
        (json!(["a", ["b"]]), true),
        (json!(["a", [{}]]), false),
        (json!(["a"]), false),
        (json!([{"name": "a", "value": ["b"]}]), true),
        (json!([{"name": "a", "value": [[]]}]), false),
    ] {
        assert_eq!(read(&value), is_pairs, "{value}");
    }
}

#[test]
fn what_breaks_off_beside_a_recording_is_passed_over() {
    let headers = headers();
    let text = |name: &str| headers[name].as_str().unwrap();
    let answer = format!(
        "HTTP/1.1 200 OK\nx-amz-meta-x-amz-key: {}\nx-amz-meta-x-amz-iv: {}\n\n{{\"a\":",
        text("x-amz-meta-x-amz-key"),
        text("x-amz-meta-x-amz-iv")
    );
    let found = parse(Provider::TwilioVideo, &answer).unwrap();
    assert_eq!(found.items().len(), 1);
}

#[test]
fn a_text_within_a_document_is_read_if_it_is_a_document() {
    let lines = format!(
        "x-amz-meta-x-amz-key: {}\nx-amz-meta-x-amz-iv: EmKjzVpvXC9rE6DJ00Xv7Q==\n",
        key()
    );
    let read = |text: String| {
        let text = json!({ "log": text }).to_string();
        parse(Provider::TwilioVideo, &text).map(|found| found.items().len())
    };
    assert_eq!(read(format!("HTTP/1.1 200 OK\n{lines}\n")), Ok(1));
    assert!(read(lines).is_err());
}

#[test]
fn one_consistent_finding_counts() {
    let details = voice()["encryption_details"].clone();
    let mut other = details.clone();
    other["iv"] = json!("AAAAAAAAAAAAAAAA");
    let read = |value: Value| parse(Provider::TwilioVoice, &value.to_string());
    let twice = read(json!({"a": details, "b": [details]})).unwrap();
    assert_eq!(twice.items().len(), 1);
    let beside = read(json!({"a": details, "b": voice()})).unwrap();
    assert_eq!(beside.items(), read(voice()).unwrap().items());
    let around = read(json!({"sid": RE, "data": {"details": details}})).unwrap();
    assert_eq!(around.items(), beside.items());
    for contradiction in [
        json!({"a": details, "b": [other]}),
        json!({"a": other, "b": voice()}),
    ] {
        let error = read(contradiction).unwrap_err();
        assert!(
            matches!(error, MetadataError::Contradiction { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_page_that_goes_on_says_so() {
    let page = |provider, mut page: Value, list: &str, document: Value| {
        page[list] = json!([document]);
        parse(provider, &page.to_string()).unwrap().goes_on()
    };
    let voices = |value| page(Provider::TwilioVoice, value, "recordings", voice());
    assert!(voices(json!({"next_page_uri": "/2010…?Page=1"})));
    assert!(!voices(json!({"next_page_uri": null})));
    assert!(!voices(json!({"page": 0})));
    let meta = json!({"meta": {"next_page_url": "https://x"}});
    assert!(page(Provider::TwilioVideo, meta, "recordings", headers()));
    let archives = |count| {
        page(
            Provider::Vonage,
            json!({"count": count}),
            "items",
            archive(),
        )
    };
    assert!(archives(2));
    assert!(!archives(1));
    let http = format!(
        "HTTP/1.1 200 OK\n\n{}",
        json!({"next_page_uri": "x", "recordings": [voice(), {"sid": "RE1"}]})
    );
    let listing = parse(Provider::TwilioVoice, &http).unwrap();
    assert_eq!((listing.items().len(), listing.goes_on()), (2, true));
}

#[test]
fn hostile_documents_take_no_time() {
    let quoted = |mut text: String| {
        for _ in 0..12 {
            text = json!({"body": text}).to_string();
        }
        text
    };
    let nested = "[[\"a\",".repeat(60) + "1" + &"]]".repeat(60);
    for text in [
        format!("x{}", "{\"a\":[\n".repeat(25_000)),
        format!("x{}", "[{\"a\":".repeat(50_000)),
        format!("x{}", "[ { ".repeat(100_000)),
        format!("[{}1]", format!("{nested},").repeat(500)),
        quoted("x".repeat(500)),
        STANDARD.encode(STANDARD.encode(vec![b'{'; 1 << 18])),
        "a=".repeat(1 << 18),
        "{\"".repeat(1 << 18),
        "x {\\\"".repeat(1 << 18),
        "\"{\\\"\n".repeat(1 << 18),
    ] {
        let start = std::time::Instant::now();
        for provider in Provider::ALL {
            let _ = parse(provider, &text);
        }
        assert!(
            start.elapsed().as_secs() < 20,
            "{:?}: {}",
            start.elapsed(),
            &text[..20]
        );
    }
}

/// What a document that is none says is never repeated.
fn assert_silent(secret: &str, text: &str) {
    let mut said: Vec<String> = vec![];
    let mut hear = |result: Result<Listing, MetadataError>| match result {
        Ok(listing) => {
            let errors = listing
                .items()
                .iter()
                .filter_map(|item| item.outcome.as_ref().err());
            said.extend(errors.map(ToString::to_string));
            said.extend_from_slice(listing.notes());
        }
        Err(error) => said.push(error.to_string()),
    };
    hear(twilio_voice::parse(text.as_bytes()));
    hear(twilio_video::parse(text.as_bytes()));
    hear(vonage::parse(text.as_bytes()));
    hear(vonage::from_password(text).map(|_| Listing::new(vec![])));
    for provider in Provider::ALL {
        hear(provider.parse(text.as_bytes()));
    }
    match qvoice::parse(text.as_bytes()) {
        Ok(listing) => {
            let errors = listing
                .items()
                .iter()
                .filter_map(|item| item.outcome.as_ref().err());
            said.extend(errors.map(ToString::to_string));
        }
        Err(error) => said.push(error.to_string()),
    }
    said.extend(
        qvoice::Config::parse(text.as_bytes())
            .err()
            .map(|error| error.to_string()),
    );
    for line in said {
        assert!(!line.contains(secret), "{text}: {line}");
    }
}

proptest! {
    #[test]
    fn a_secret_in_the_metadatas_place_is_not_repeated(
        secret in "[a-zA-Z0-9]{12}", tail in r"(\.\.\.|…|[ !.,;:=+/&-]){0,3}[a-z0-9]{0,9}"
    ) {
        let text = format!("{secret}{tail}");
        let digits: String = secret.bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
        for document in [
            text.clone(),
            format!("{text}\n"),
            format!("\"{text}\""),
            format!("'{text}'"),
            format!("[\"{text}\"]"),
            format!("{{\"password\":\"{text}\"}}"),
            format!("{{\"passphrase\":\"{text}\"}}"),
            format!("{{\"key\":\"{text}\"}}"),
            format!("{{\"version\":\"{text}\"}}"),
            format!("{{\"salt\":[\"{text}\"]}}"),
            format!("{{\"iv\":\"{text}\"}}"),
            format!("UNREEL_PASSPHRASE={text}"),
            format!("password: {text}"),
            format!("password={text}&iv={text}"),
            format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----"),
            format!("user,name,password\na,b,{text}\n"),
            format!("HTTP/1.1 200 OK\n\n{text}"),
            format!("{{\"{text}\":"),
            STANDARD.encode(&text),
        ] {
            assert_silent(&secret, &document);
        }
        assert_silent(&STANDARD.encode(&text), &STANDARD.encode(&text));
        assert_silent(&digits, &digits);
        assert_silent(&digits, &format!("{{\"key_version\":1{digits}.5,\"key\":1{digits}}}"));
    }

    #[test]
    fn arbitrary_structures_do_not_panic(
        text in r#"([{}\[\],:"]|\\"|[a-z]{1,2}|name|value|HTTP/1.1 200|\n|=|&| |sid|iv|RE1|7){0,40}"#
    ) {
        for provider in Provider::ALL {
            let _ = parse(provider, &text);
        }
    }
}
