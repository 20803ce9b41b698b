//! Qvoice: configurations, recordings' metadata, profiles, and the names of ways to encrypt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use unreel::Mode;
use unreel::internals::job::parse_profile;
use unreel::internals::key::Kdf;
use unreel::internals::pipeline::search::{Aad, KeyForm, Layout, Pins, SaltForm};
use unreel::internals::provider::qvoice::{
    self, AnswerError, Config, Hints, Ledger, Pair, Version,
};

use crate::metadata::{check_error, encodings, plain_text};

/// The configuration: JSON, with comments and commas where there should be none.
pub fn qvoice_config(data: &[u8]) {
    let parsed = Config::parse(data);
    match &parsed {
        Ok(config) => {
            check_config(config);
            let text = document(config);
            assert_eq!(
                facts(&Config::parse(text.as_bytes())),
                facts(&parsed),
                "{text}"
            );
            // The text breaks between tokens only.
            let text = text
                .replace("\n}", ",\n}")
                .replace('\n', " // \"save, this}\n");
            assert_eq!(
                facts(&Config::parse(text.as_bytes())),
                facts(&parsed),
                "{text}"
            );
        }
        Err(error) => check_error(error),
    }
    if let Some(text) = plain_text(data) {
        for encoded in encodings(text) {
            assert_eq!(facts(&Config::parse(&encoded)), facts(&parsed), "{text:?}");
        }
    }
}

fn check_config(config: &Config) {
    assert!((1..=1002).contains(&config.versions.len()));
    let pending = config.versions.iter().rposition(|it| it.pending);
    assert!(pending.is_none_or(|place| place + 1 == config.versions.len()));
    let numbers: Vec<_> = config.versions.iter().filter_map(|it| it.number).collect();
    assert!(
        numbers.is_sorted_by(|newer, older| newer > older),
        "{numbers:?}"
    );
    for version in &config.versions {
        match &version.pair {
            Ok(Pair { key, salt }) => {
                assert!(key.chars().count() >= 32 && key.len() <= 4096);
                assert!(salt.as_ref().is_none_or(|salt| salt.len() <= 4096));
            }
            Err(error) => check_error(error),
        }
    }
}

/// What can be compared of a configuration; of a version that cannot be used, that it cannot.
fn facts(config: &Result<Config, impl ToString>) -> Result<Value, String> {
    let config = config.as_ref().map_err(ToString::to_string)?;
    let usable = |version: &&Version| version.pair.is_ok();
    let versions = config.versions.iter().filter(usable).map(|version| {
        let pair = version.pair.as_ref().ok();
        let salt = pair.and_then(|pair| pair.salt.as_deref());
        json!([
            version.number,
            version.pending,
            pair.map(|pair| &*pair.key),
            salt
        ])
    });
    Ok(json!([
        config.enabled,
        config.algorithm.map(Mode::name),
        config.key_id,
        versions.collect::<Vec<_>>()
    ]))
}

/// The configuration as Qvoice would write it. Versions that cannot be used get a key that
/// cannot be used.
fn document(config: &Config) -> String {
    let (mut keys, mut salts, mut object) = (Map::new(), Map::new(), Map::new());
    object.insert("enabled".to_owned(), json!(config.enabled));
    let algorithm = config.algorithm.map(Mode::name);
    object.insert("algorithm".to_owned(), json!(algorithm));
    object.insert("key_id".to_owned(), json!(config.key_id));
    for (nth, version) in config.versions.iter().enumerate() {
        let (key, salt) = match &version.pair {
            Ok(pair) => (pair.key.as_str(), pair.salt.as_deref()),
            Err(_) => ("unusable", None),
        };
        if version.pending {
            object.insert("pending".to_owned(), json!({"key": key, "salt": salt}));
            continue;
        }
        let is_current = nth == 0 && (config.versions.len() == 1 || version.number.is_none());
        match version.number {
            Some(number) if !is_current => {
                keys.insert(number.to_string(), json!(key));
                salts.insert(number.to_string(), json!(salt));
            }
            number => {
                object.insert("key_version".to_owned(), json!(number));
                object.insert("key".to_owned(), json!(key));
                object.insert("salt".to_owned(), json!(salt));
            }
        }
    }
    object.insert("historical_keys".to_owned(), Value::Object(keys));
    object.insert("historical_salts".to_owned(), Value::Object(salts));
    serde_json::to_string_pretty(&object).expect("JSON")
}

/// A configuration that is kept in a file, a zero byte, and the answer that is merged into it.
pub fn qvoice_ledger(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let (file, answer) = (parts.next().unwrap_or_default(), parts.next());
    let own = match Ledger::of_file(file) {
        Ok(own) => own,
        Err(error) => return check_error(&error),
    };
    check_written(&own);
    let expected = facts(&Config::parse(file));
    if !own.is_empty() {
        assert_eq!(facts(&Config::parse(&own.to_json())), expected);
    }
    let Some(answer) = answer else { return };
    let server = match Ledger::of_answer(answer) {
        Ok(server) => server,
        Err(AnswerError::Unreadable(error)) => return check_error(&error),
        Err(AnswerError::Failed { message }) => {
            assert!(message.is_none_or(|message| message.chars().count() < 100));
            return;
        }
    };
    check_written(&server);
    let mut now = own.clone();
    if let Err(conflict) = now.merge(&server) {
        assert!(conflict.to_string().len() < 200);
        assert_eq!(now.to_json(), own.to_json());
        return;
    }
    check_written(&now);
    for known in [&own, &server] {
        check_kept(known, &now);
    }
    let is_taken = |pending: &Pair| {
        let is_pair = |(key, salt): (&str, Option<&str>)| {
            key == pending.key.as_str()
                && pending
                    .salt
                    .as_ref()
                    .is_none_or(|it| Some(it.as_str()) == salt)
        };
        pairs(&server).any(|(_, pair)| is_pair(pair))
    };
    assert!(match (own.pending(), now.pending()) {
        (Some(pending), None) => is_taken(pending),
        (before, after) => before == after,
    });
    // Once more changes nothing.
    let written = now.to_json();
    assert_eq!(now.merge(&server), Ok(()));
    assert_eq!(now.to_json(), written);
}

/// What is written is read again, as the same.
fn check_written(ledger: &Ledger) {
    if ledger.is_empty() {
        return;
    }
    let text = ledger.to_json();
    let again = Ledger::of_file(&text).expect("it was written of one");
    assert_eq!(
        pairs(&again).collect::<Vec<_>>(),
        pairs(ledger).collect::<Vec<_>>()
    );
    assert!(again.pending() == ledger.pending());
    assert_eq!(again.enabled(), ledger.enabled());
    assert_eq!(again.algorithm(), ledger.algorithm());
    assert_eq!(again.key_version(), ledger.key_version());
    assert_eq!(again.key_id(), ledger.key_id());
    assert!(Config::parse(&text).is_ok());
}

/// Every key of the one is in the other: under its number, if it has one, and with its salt.
fn check_kept(one: &Ledger, other: &Ledger) {
    for (number, (key, salt)) in pairs(one) {
        let is_kept = pairs(other).any(|(now, (other_key, other_salt))| {
            (number.is_none() || number == now)
                && key == other_key
                && (salt.is_none() || salt == other_salt)
        });
        assert!(is_kept, "{number:?}");
    }
}

/// The versions that have a key.
fn pairs(ledger: &Ledger) -> impl Iterator<Item = (Option<u64>, (&str, Option<&str>))> {
    ledger.versions().filter_map(|(number, known)| {
        let salt = known.salt.as_ref().map(|salt| salt.as_str());
        Some((number, (known.key.as_ref()?.as_str(), salt)))
    })
}

/// A recording's metadata.
pub fn qvoice_recording(data: &[u8]) {
    let recordings = match qvoice::parse(data) {
        Ok(recordings) => recordings,
        Err(error) => return check_error(&error),
    };
    for recording in recordings.into_items() {
        match &recording.outcome {
            Ok(hints) => check_hints(hints),
            Err(error) => check_error(error),
        }
    }
}

/// They can be used, and survive being written down.
fn check_hints(hints: &Hints) {
    assert_ne!(hints.version, Some(0));
    assert!(hints.salt.as_ref().is_none_or(|salt| salt.len() <= 4096));
    let lengths = hints.iv.as_ref().map(Vec::len);
    assert!(matches!(lengths, None | Some(12 | 16)), "{lengths:?}");
    let text = json!({
        "id": hints.id,
        "encryption": {
            "version": hints.version,
            "key_id": hints.key_id,
            "algorithm": hints.algorithm.map(Mode::name),
            "salt": hints.salt.as_ref().map(|salt| salt.as_str()),
            "iv": hints.iv.as_ref().map(|iv| STANDARD.encode(iv)),
            "tag": hints.tag.map(|tag| STANDARD.encode(tag)),
        },
    })
    .to_string();
    let again = qvoice::parse(text.as_bytes()).expect("it was written of one");
    let again: Vec<_> = again
        .items()
        .iter()
        .map(|recording| &recording.outcome)
        .collect();
    assert_eq!(again, [&Ok(hints.clone())], "{text}");
}

/// A file of `--profile`.
pub fn qvoice_profile(data: &[u8]) {
    let pins = match parse_profile(data) {
        Ok(pins) => pins,
        Err(problem) => {
            assert!(problem.chars().count() < 400, "{problem}");
            return;
        }
    };
    let Pins {
        layout: Some(layout),
        kdf: Some(kdf),
        key_form: Some(key_form),
        salt_form: Some(salt_form),
        aad: Some(aad),
    } = &pins
    else {
        panic!("it says something is to be tried: {pins:?}")
    };
    let text = json!({
        "schema": 1,
        "layout": layout.to_string(),
        "kdf": kdf.to_string(),
        "key_form": key_form.name(),
        "salt_form": salt_form.name(),
        "aad": aad.to_string(),
    })
    .to_string();
    assert_eq!(parse_profile(text.as_bytes()), Ok(pins), "{text}");
}

/// Eight bytes of a file's length, then a name.
pub fn qvoice_names(data: &[u8]) {
    let Some((length, name)) = data.split_first_chunk() else {
        return;
    };
    let length = u64::from_le_bytes(*length);
    for &layout in Layout::ALL {
        check_place(layout, length);
        check_place(layout, length % 64);
    }
    let Ok(name) = str::from_utf8(name) else {
        return;
    };
    if let Ok(layout) = name.parse::<Layout>() {
        assert_eq!(layout.name(), name);
    }
    if let Ok(form) = name.parse::<KeyForm>() {
        assert_eq!(form.name(), name);
    }
    if let Ok(form) = name.parse::<SaltForm>() {
        assert_eq!(form.name(), name);
    }
    if let Ok(aad) = name.parse::<Aad>() {
        assert_eq!(aad.to_string(), name);
    }
    if let Ok(kdf) = name.parse::<Kdf>() {
        check_kdf(&kdf);
    }
}

/// Every byte has one place.
fn check_place(layout: Layout, length: u64) {
    let Some(place) = layout.place(length) else {
        assert!(length < 44, "{layout}: {length}");
        return;
    };
    assert_eq!(place.iv.is_none(), layout.needs_iv());
    let mut ranges: Vec<_> = place.salt.into_iter().chain(place.iv).collect();
    ranges.extend(place.body);
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut at = 0;
    for range in ranges {
        assert_eq!(range.start, at, "{layout}: {length}");
        at = range.end;
    }
    assert_eq!(at, length, "{layout}");
}

/// It is within its limits, and is read as it is written. What is quick is done.
fn check_kdf(kdf: &Kdf) {
    assert_eq!(kdf.to_string().parse().as_ref(), Ok(kdf));
    assert!(kdf.memory() <= 1 << 30, "{kdf}");
    let is_quick = match kdf {
        Kdf::Pbkdf2 { iterations, .. } => {
            assert!(*iterations <= 20_000_000, "{kdf}");
            *iterations < 100
        }
        Kdf::Scrypt { p, .. } => {
            assert!(kdf.memory() * u64::from(*p) <= 8 << 30, "{kdf}");
            kdf.memory() * u64::from(*p) < 1 << 16
        }
        Kdf::Argon2id { passes, .. } => {
            assert!(kdf.memory() * u64::from(*passes) <= 8 << 30, "{kdf}");
            kdf.memory() * u64::from(*passes) < 1 << 16
        }
        _ => true,
    };
    if is_quick {
        let key = kdf.derive(&[7; 32], &[9; 16]);
        assert!(key.is_some(), "{kdf}");
    }
}
