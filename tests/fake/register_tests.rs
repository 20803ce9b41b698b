//! That the server registers keys as the providers do.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rsa::pkcs8::spki::EncodePublicKey;
use rsa::pkcs8::{DecodePrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};

use crate::fake::{
    ACCOUNT, APPLICATION, AUTH_TOKEN, Fake, Fault, OPENTOK_KEY, OPENTOK_SECRET, QVOICE_ACCOUNT,
    QVOICE_TOKEN, Settings, VONAGE_API_SECRET, pems,
};
use crate::fake::{Got, send};
use crate::self_tests::{basic, opentok_token, unified_token};

pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(path)).expect("a fixture")
}

pub(crate) fn private(name: &str) -> RsaPrivateKey {
    let pem = String::from_utf8(fixture(&format!("keys/{name}.pem"))).expect("text");
    RsaPrivateKey::from_pkcs8_pem(&pem).expect("a key")
}

fn pem(key: &RsaPublicKey) -> String {
    key.to_public_key_pem(LineEnding::LF).expect("PEM")
}

pub(crate) fn public(name: &str) -> String {
    pem(&private(name).to_public_key())
}

pub(crate) fn unbase64(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    BASE64_STANDARD.decode(text).expect("base64")
}

const KEYS: &str = "/v1/Credentials/PublicKeys";

/// A request of Twilio's customer, with a form.
pub(crate) fn form(fake: &Fake, method: &str, path: &str, fields: &[(&str, &str)]) -> Got {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let url = fake.base() + path;
    send(method, &url, &[&basic(), kind], body.finish().as_bytes())
}

/// Status, and Twilio's code.
fn refused(got: &Got) -> (&str, u64) {
    (got.status(), got.json()["code"].as_u64().expect("a code"))
}

#[test]
fn twilio_keeps_public_keys_and_does_not_show_them() {
    let fake = Fake::start();
    let key = public("pkcs8");
    let fields = [("PublicKey", key.as_str()), ("FriendlyName", "mine")];
    let got = form(&fake, "POST", KEYS, &fields);
    let made = got.json();
    assert_eq!(
        (got.status(), &made["friendly_name"]),
        ("201", &json!("mine"))
    );
    assert!(!got.text().contains("MII"));
    let sid = made["sid"].as_str().expect("an id");
    let own = format!("{KEYS}/{sid}");
    assert_eq!(made["url"], format!("https://accounts.twilio.com{own}"));
    assert_eq!(form(&fake, "GET", &own, &[]).json(), made);

    let got = form(&fake, "POST", &own, &[("FriendlyName", "yours")]);
    assert_eq!(
        (got.status(), &got.json()["friendly_name"]),
        ("200", &json!("yours"))
    );
    fake.style(|style| style.default_hosts = false);
    let got = form(&fake, "POST", KEYS, &fields[..1]);
    assert_eq!(got.json()["friendly_name"], "");
    assert!(
        got.json()["url"]
            .as_str()
            .is_some_and(|url| url.starts_with(&fake.base()))
    );

    let page = form(&fake, "GET", &format!("{KEYS}?PageSize=1"), &[]).json();
    assert_eq!(
        page["credentials"][0],
        got.json(),
        "the newest is the first"
    );
    let next = page["meta"]["next_page_url"].as_str().expect("a page");
    let page = form(
        &fake,
        "GET",
        next.strip_prefix(&fake.base()).expect("it is here"),
        &[],
    )
    .json();
    assert_eq!(page["credentials"][0]["sid"], sid);
    assert_eq!(
        (&page["meta"]["key"], &page["meta"]["page"]),
        (&json!("credentials"), &json!(1))
    );
    assert!(page["meta"]["next_page_url"].is_null());
    for wrong in ["PageSize=1001", "PageSize=0", "Page=1", "Name=x"] {
        let got = form(&fake, "GET", &format!("{KEYS}?{wrong}"), &[]);
        assert_eq!(refused(&got), ("400", 20001), "{wrong}");
    }

    let got = form(&fake, "DELETE", &own, &[]);
    assert!(got.status() == "204" && got.body.is_empty());
    for method in ["GET", "POST", "DELETE"] {
        assert_eq!(refused(&form(&fake, method, &own, &[])), ("404", 20404));
    }
    assert_eq!(fake.public_keys().len(), 1);
    assert_eq!(form(&fake, "PUT", KEYS, &[]).status(), "405");
}

#[test]
fn twilio_refuses_what_is_no_key_for_it() {
    let fake = Fake::start();
    let good = public("pkcs8");
    let three = RsaPublicKey::new(private("pkcs8").n().clone().get(), BoxedUint::from(3_u64));
    let elliptic = rcgen::KeyPair::generate().expect("a key").public_key_pem();
    let text = |name: &str| String::from_utf8(fixture(name)).expect("text");
    for (code, key) in [
        (70101, elliptic),
        (70102, public("rsa1024")),
        (70102, public("rsa4096")),
        (70103, pem(&three.expect("a key"))),
        (70154, text("keys/pkcs8.pem")),
        (70154, text("keys/certificate.pem")),
        (70154, "key".into()),
    ] {
        let got = form(&fake, "POST", KEYS, &[("PublicKey", &key)]);
        assert_eq!(refused(&got), ("400", code), "{key}");
    }
    for more in [
        ("FriendlyName", "x".repeat(65)),
        ("AccountSid", "AC5eed00000000000000000000000000ff".into()),
        ("Name", "mine".into()),
        ("PublicKey", good.clone()),
    ] {
        let fields = [("PublicKey", good.as_str()), (more.0, &more.1)];
        let got = form(&fake, "POST", KEYS, &fields);
        assert_eq!(refused(&got), ("400", 20001), "{more:?}");
    }
    assert_eq!(refused(&form(&fake, "POST", KEYS, &[])), ("400", 20001));
    let url = fake.base() + KEYS;
    assert_eq!(
        send("POST", &url, &[&basic()], good.as_bytes()).status(),
        "400"
    );
    assert_eq!(refused(&send("GET", &url, &[], b"")), ("401", 20003));
    assert!(fake.public_keys().is_empty());

    let account = BASE64_STANDARD.encode(format!("{ACCOUNT}:{AUTH_TOKEN}"));
    let account = format!("Authorization: Basic {account}");
    for (status, expected) in [(401, ("401", 20003)), (403, ("403", 20403))] {
        fake.style(|style| style.refuse_standard_keys = Some(status));
        assert_eq!(refused(&form(&fake, "GET", KEYS, &[])), expected);
        assert_eq!(send("GET", &url, &[&account], b"").status(), "200");
    }
}

#[test]
fn a_post_of_settings_replaces_all_of_them() {
    let fake = Fake::start();
    let sid = fake.register_key(&public("pkcs8"), "");
    for (kind, code) in [
        (Settings::Recordings, 53612),
        (Settings::Compositions, 53666),
    ] {
        let post = |fields: &[(&str, &str)]| form(&fake, "POST", kind.path(), fields);
        assert_eq!(
            refused(&form(&fake, "GET", kind.path(), &[])),
            ("404", 20404)
        );
        let named = ("FriendlyName", "x");
        for wrong in [
            &[("EncryptionEnabled", "false")][..],
            &[named, ("EncryptionEnabled", "yes")],
            &[named, ("AwsCredentialsSid", "CR1")],
            &[named, ("AwsS3Url", "bucket")],
            &[named, ("Name", "x")],
        ] {
            assert_eq!(refused(&post(wrong)), ("400", 20001), "{wrong:?}");
        }
        let on = ("EncryptionEnabled", "true");
        let unknown = ("EncryptionKeySid", "CR5eed00000000000000000000000000ff");
        assert_eq!(refused(&post(&[named, on, unknown])), ("400", code));
        assert_eq!(refused(&post(&[named, on])), ("400", code));
        assert_eq!(fake.settings(kind), None);

        fake.set_settings(
            kind,
            json!({"friendly_name": "y", "aws_storage_enabled": true}),
        );
        assert_eq!(
            fake.settings(kind).expect("settings")["aws_storage_enabled"],
            true
        );
        let got = post(&[named, on, ("EncryptionKeySid", &sid)]);
        let url = format!("https://video.twilio.com{}", kind.path());
        let expected = json!({
            "account_sid": ACCOUNT,
            "friendly_name": "x",
            "aws_credentials_sid": null,
            "aws_s3_url": null,
            "aws_storage_enabled": false,
            "encryption_key_sid": sid,
            "encryption_enabled": true,
            "url": url,
        });
        assert_eq!((got.status(), got.json()), ("200", expected.clone()));
        assert_eq!(form(&fake, "GET", kind.path(), &[]).json(), expected);
        fake.style(|style| style.settings_created = true);
        assert_eq!(post(&[named]).status(), "201");
        assert_eq!(
            fake.settings(kind).expect("settings")["encryption_key_sid"],
            Value::Null
        );
        fake.style(|style| style.settings_created = false);
        assert_eq!(form(&fake, "DELETE", kind.path(), &[]).status(), "405");
        assert_eq!(
            send("GET", &(fake.base() + kind.path()), &[], b"").status(),
            "401"
        );
    }
}

const JSON: &str = "Content-Type: application/json";

/// A request for the storage of a project.
pub(crate) fn target(fake: &Fake, method: &str, project: &str, auth: &str, body: &str) -> Got {
    let url = format!("{}/v2/project/{project}/archive/storage", fake.base());
    send(method, &url, &[auth, JSON], body.as_bytes())
}

pub(crate) fn s3(certificate: impl Into<Value>) -> Value {
    let config = json!({"bucket": "b", "secretKey": "s", "accessKey": "a"});
    json!({"type": "s3", "config": config, "certificate": certificate.into()})
}

/// A certificate of the fixtures' key, or another.
pub(crate) fn certificate(name: &str, until: i32) -> String {
    let pem = String::from_utf8(fixture(&format!("keys/{name}.pem"))).expect("text");
    let key = rcgen::KeyPair::from_pem(&pem).expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    params.self_signed(&key).expect("a certificate").pem()
}

#[test]
fn vonage_takes_a_storage_and_a_certificate() {
    let fake = Fake::start();
    let soon = jiff::Timestamp::now().as_second() + 600;
    let bearer = unified_token(&fake, soon);
    let put = |value: &Value| target(&fake, "PUT", APPLICATION, &bearer, &value.to_string());
    let good = certificate("pkcs8", 2999);
    let azure = json!({
        "type": "azure",
        "config": {"accountName": "n", "accountKey": "k", "container": "c"},
        "fallback": "opentok",
    });
    let mut custom = s3(Value::Null);
    custom["config"]["endpoint"] = "https://s3.example".into();
    for right in [
        s3(good.as_str()),
        s3(BASE64_STANDARD.encode(&good)),
        azure,
        custom,
    ] {
        let got = put(&right);
        assert_eq!(
            (got.status(), got.json()),
            ("200", json!({})),
            "{}",
            got.text()
        );
        assert_eq!(fake.vonage_storage(APPLICATION), Some(right));
    }
    let stored = fake.vonage_storage(APPLICATION);

    let mut wrong = vec![
        json!({}),
        json!({"certificate": good}),
        json!({"type": "ftp", "config": {}}),
        json!({"type": "s3", "config": {"bucket": "b", "secretKey": "s"}}),
        json!({"type": "azure", "config": {"accountName": "n", "accountKey": "k"}}),
        s3(""),
        s3(7),
        s3(public("pkcs8")),
        s3(certificate("rsa4096", 2999)),
        s3(certificate("pkcs8", 2021)),
        s3(pems()[1].as_str()),
    ];
    for (pointer, name, value) in [
        ("", "fallback", "s3"),
        ("", "name", "x"),
        ("/config", "name", "x"),
    ] {
        let mut value_ = s3(Value::Null);
        value_.pointer_mut(pointer).expect("a place")[name] = value.into();
        wrong.push(value_);
    }
    for wrong in wrong {
        assert_eq!(put(&wrong).status(), "400", "{wrong}");
    }
    assert_eq!(
        target(&fake, "PUT", APPLICATION, &bearer, "{").status(),
        "400"
    );
    let url = format!("{}/v2/project/{APPLICATION}/archive/storage", fake.base());
    let body = s3(Value::Null).to_string();
    assert_eq!(
        send("PUT", &url, &[&bearer], body.as_bytes()).status(),
        "400"
    );
    assert_eq!(
        target(&fake, "GET", APPLICATION, &bearer, "").status(),
        "405"
    );
    assert_eq!(fake.vonage_storage(APPLICATION), stored);
}

#[test]
fn vonage_sets_the_storage_for_who_may() {
    let fake = Fake::start();
    let soon = jiff::Timestamp::now().as_second() + 600;
    let body = s3(Value::Null).to_string();
    let put = |project: &str, auth: &str| {
        let got = target(&fake, "PUT", project, auth, &body);
        got.status().to_owned()
    };
    let bearer = unified_token(&fake, soon);
    let pair = |secret: &str| {
        let pair = BASE64_STANDARD.encode(format!("{APPLICATION}:{secret}"));
        format!("Authorization: Basic {pair}")
    };
    assert_eq!(put(APPLICATION, &pair(VONAGE_API_SECRET)), "401");
    assert_eq!(put(APPLICATION, &unified_token(&fake, soon + 3600)), "401");
    assert_eq!(put(APPLICATION, &bearer), "200");
    fake.style(|style| style.vonage_basic = true);
    assert_eq!(put(APPLICATION, &bearer), "401");
    assert_eq!(put(APPLICATION, &pair("another")), "401");
    assert_eq!(put(APPLICATION, &pair(VONAGE_API_SECRET)), "200");
    let opentok = |secret: &str, jti: &str| put(OPENTOK_KEY, &opentok_token(secret, jti));
    assert_eq!(opentok(OPENTOK_SECRET, "1"), "200");
    assert_eq!(opentok(OPENTOK_SECRET, "1"), "403");
    assert_eq!(opentok("another", "2"), "403");
}

const QVOICE: &str = "/api/v2/config/call_recording_encryption";

pub(crate) fn qvoice(fake: &Fake, method: &str, body: &str) -> Got {
    let account = format!("X-Account-ID: {QVOICE_ACCOUNT}");
    let bearer = format!("Authorization: Bearer {QVOICE_TOKEN}");
    let url = fake.base() + QVOICE;
    send(method, &url, &[&account, &bearer, JSON], body.as_bytes())
}

#[test]
fn qvoice_keeps_former_keys_and_salts() {
    let fake = Fake::start();
    let put = |value: Value| {
        let got = qvoice(&fake, "PUT", &value.to_string());
        assert_eq!(got.status(), "200", "{}", got.text());
        let answer = got.json();
        assert_eq!(
            answer["message"],
            "Encryption configuration updated successfully"
        );
        assert_eq!(answer["success"], true);
        answer["config"].clone()
    };
    let got = qvoice(&fake, "GET", "");
    assert_eq!(got.json(), json!({"success": true, "config": {}}));
    let first = put(json!({"enabled": true}));
    let text = |config: &Value, name: &str| config[name].as_str().expect("a text").to_owned();
    let (key, salt) = (text(&first, "key"), text(&first, "salt"));
    let hexadecimal = |byte: u8| b"0123456789abcdef".contains(&byte);
    assert!(key.len() == 64 && key.bytes().all(hexadecimal));
    assert_eq!((salt.len(), unbase64(&first["salt"]).len()), (24, 16));
    assert_eq!(first["algorithm"], "AES-256-GCM");
    assert_eq!(
        (&first["key_version"], &first["key_id"]),
        (&json!(1), &json!("key_auto_5eed02d27a"))
    );
    assert_eq!(first["historical_keys"], json!({}));

    let mut off = first.clone();
    off["enabled"] = false.into();
    assert_eq!(put(json!({"enabled": false})), off, "the values stay");
    assert_eq!(
        put(json!({"enabled": true, "key": key})),
        first,
        "they are taken up again"
    );
    let second = put(json!({"enabled": true, "salt": "another salt"}));
    assert_eq!(second["key_version"], 2);
    assert_eq!(second["key"], first["key"]);
    assert_eq!(second["historical_keys"], json!({"1": key}));
    assert_eq!(second["historical_salts"], json!({"1": salt}));
    let new = "ö".repeat(32);
    let third = put(json!({"enabled": true, "key": new, "algorithm": "AES-256-CBC"}));
    assert_eq!(third["historical_keys"], json!({"1": key, "2": key}));
    assert_eq!(
        third["historical_salts"],
        json!({"1": salt, "2": "another salt"})
    );
    assert_eq!(
        (&third["key"], &third["algorithm"]),
        (&json!(new), &json!("AES-256-CBC"))
    );
    assert_eq!(qvoice(&fake, "GET", "").json()["config"], third);
    assert_eq!(fake.qvoice_config(), third);

    fake.style(|style| style.qvoice_forgets = true);
    let config = put(json!({"enabled": true}));
    assert!(config.get("historical_keys").is_none() && config.get("historical_salts").is_none());
    fake.set_qvoice_config(json!({"enabled": false, "key_version": 7, "key": new, "salt": "s"}));
    let config = put(json!({"enabled": true}));
    assert_eq!(
        (&config["key_version"], &config["key"]),
        (&json!(7), &json!(new))
    );
}

#[test]
fn qvoice_refuses_what_its_guide_says() {
    let fake = Fake::start();
    for wrong in [
        json!({}),
        json!({"enabled": "true"}),
        json!({"enabled": true, "key": "x".repeat(31)}),
        json!({"enabled": true, "key": "default_encrypted_key"}),
        json!({"enabled": true, "salt": "default_salt"}),
        json!({"enabled": true, "algorithm": "AES-128-GCM"}),
        json!({"enabled": true, "key_version": 1}),
        json!({"enabled": true, "key_id": "key_production_001"}),
        json!([]),
    ] {
        let got = qvoice(&fake, "PUT", &wrong.to_string());
        assert_eq!(
            (got.status(), &got.json()["success"]),
            ("400", &json!(false)),
            "{wrong}"
        );
    }
    assert_eq!(fake.qvoice_config(), json!({}));
    assert_eq!(qvoice(&fake, "DELETE", "").status(), "405");
    let account = format!("X-Account-ID: {QVOICE_ACCOUNT}");
    let bearer = format!("Authorization: Bearer {QVOICE_TOKEN}");
    let get = |headers: &[&str]| send("GET", &(fake.base() + QVOICE), headers, b"");
    assert_eq!(get(&[&account]).status(), "401");
    assert_eq!(get(&[&account, "Authorization: Bearer x"]).status(), "401");
    let got = get(&[&bearer]);
    assert_eq!(got.status(), "400");
    assert_eq!(
        got.json()["message"],
        "Could not get account ID from context"
    );
    assert_eq!(get(&[&bearer, "X-Account-ID: another"]).status(), "404");
}

#[test]
fn a_fault_says_whether_the_server_acted() {
    let fake = Fake::start();
    let key = public("pkcs8");
    let post = |fault: Fault| {
        fake.fault("POST api:/v1/Credentials/PublicKeys", fault, 1);
        let before = fake.public_keys().len();
        let got = form(&fake, "POST", KEYS, &[("PublicKey", &key)]);
        (got, fake.public_keys().len() - before)
    };
    let (got, made) = post(Fault::Reset);
    assert!(got.reset && got.head.is_empty() && made == 1);
    let (got, made) = post(Fault::Unheard);
    assert!(got.reset && got.head.is_empty() && made == 0);
    let (got, made) = post(Fault::status(500));
    assert_eq!((refused(&got), made), (("500", 20500), 1));
    let (got, made) = post(Fault::Refuse(503));
    assert_eq!((refused(&got), made), (("503", 20503), 0));
    let wait = Fault::Refuse(429).and(Fault::With(vec![("Retry-After", "7".into())]));
    let (got, made) = post(wait);
    assert_eq!((refused(&got), made), (("429", 20429), 0));
    assert_eq!(got.header("retry-after"), Some("7"));
    for fault in [
        Fault::Redirects(1),
        Fault::RedirectLoop,
        Fault::RedirectTo("https://example.com".into()),
    ] {
        let (got, made) = post(fault);
        assert_eq!((got.status(), made), ("302", 0));
    }
    let (got, _) = post(Fault::Echo(400));
    assert!(got.text().contains("PublicKey=-----BEGIN"));
    assert!(fake.unmet().is_empty());

    fake.fault(QVOICE, Fault::Refuse(500), 1);
    let got = qvoice(&fake, "PUT", "{\"enabled\":true}");
    assert_eq!(
        (got.status(), &got.json()["success"]),
        ("500", &json!(false))
    );
    assert_eq!(fake.qvoice_config(), json!({}));
}
