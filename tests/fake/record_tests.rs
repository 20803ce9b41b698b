//! That the server encrypts for what is registered.

use aes::Aes256;
use aes_gcm::aead::{Aead, KeyInit};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use rsa::{Oaep, Pkcs1v15Encrypt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fake::send;
use crate::fake::{ACCOUNT, Fake, OPENTOK_KEY, OPENTOK_SECRET, Settings};
use crate::register_tests::{
    certificate, fixture, form, private, public, qvoice, s3, target, unbase64,
};
use crate::self_tests::{basic, opentok_token};

#[test]
fn what_is_recorded_is_for_what_is_registered() {
    let fake = Fake::start();
    let folder = tempfile::tempdir().expect("a folder");
    fake.style(|style| style.records = true);
    fake.qvoice_folder(folder.path());
    let key = private("pkcs8");
    let get = |path: &str| send("GET", &(fake.base() + path), &[&basic()], b"");

    let sid = fake.register_key(&public("pkcs8"), "");
    let own =
        format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE5eed00000000000000000000000000a1");
    let details = get(&format!("{own}.json")).json()["encryption_details"].clone();
    assert_eq!(
        (&details["type"], &details["public_key_sid"]),
        (&json!("rsa-aes"), &json!(sid))
    );
    let wrapped = unbase64(&details["encrypted_cek"]);
    let content = key
        .decrypt(Oaep::<Sha256>::new(), &wrapped)
        .expect("a content key");
    let cipher = aes_gcm::Aes256Gcm::new_from_slice(&content).expect("a content key");
    let iv: [u8; 12] = unbase64(&details["iv"]).try_into().expect("12 bytes");
    let media = get(&format!("{own}.wav")).body;
    is_the_call(&cipher.decrypt(&iv.into(), &media[..]).expect("it opens"));

    let opened = |content: &[u8], iv: &[u8], media: &[u8]| {
        let cipher = cbc::Decryptor::<Aes256>::new_from_slices(content, iv).expect("a key");
        cipher.decrypt_padded_vec::<Pkcs7>(media).expect("it opens")
    };
    for (kind, path, start) in [
        (
            Settings::Recordings,
            "Recordings/RT",
            &b"\x1a\x45\xdf\xa3"[..],
        ),
        (Settings::Compositions, "Compositions/CJ", b"\0\0\0"),
    ] {
        let fields = [
            ("FriendlyName", "x"),
            ("EncryptionEnabled", "true"),
            ("EncryptionKeySid", &sid),
        ];
        assert_eq!(form(&fake, "POST", kind.path(), &fields).status(), "200");
        let path = format!("/v1/{path}5eed00000000000000000000000000a1/Media");
        let link = get(&path).header("location").expect("a link").to_owned();
        let got = send("GET", &link, &[], b"");
        let field = |name: &str| {
            let header = got.header(&format!("x-amz-meta-x-amz-{name}"));
            header.expect("a header").to_owned()
        };
        let content = key.decrypt(Pkcs1v15Encrypt, &unbase64(&field("key").into()));
        let media = opened(
            &content.expect("a content key"),
            &unbase64(&field("iv").into()),
            &got.body,
        );
        assert!(media.starts_with(start));
        assert_eq!(field("unencrypted-content-length"), media.len().to_string());
        assert_eq!(field("matdesc"), "{}");
        fake.set_settings(kind, json!({"encryption_enabled": false}));
        fake.record_video(&path[path.len() - 40..path.len() - 6]);
        let link = get(&path).header("location").expect("a link").to_owned();
        let got = send("GET", &link, &[], b"");
        assert!(got.body == media && got.header("x-amz-meta-x-amz-key").is_none());
    }

    let body = s3(certificate("pkcs8", 2999)).to_string();
    let auth = opentok_token(OPENTOK_SECRET, "1");
    assert_eq!(
        target(&fake, "PUT", OPENTOK_KEY, &auth, &body).status(),
        "200"
    );
    let url = format!("{}/v2/project/{OPENTOK_KEY}/archive", fake.base());
    let archive =
        send("GET", &url, &[&opentok_token(OPENTOK_SECRET, "2")], b"").json()["items"][0].clone();
    assert_eq!(archive["id"], "5eed0000-0000-4000-8000-0000000000a1");
    let password = key.decrypt(Oaep::<sha1::Sha1>::new(), &unbase64(&archive["password"]));
    let password = password.expect("a password");
    assert_eq!((password.len(), &password[..3]), (51, &[1, 1, 1][..]));
    let media = send("GET", archive["url"].as_str().expect("a link"), &[], b"").body;
    let media = opened(&password[3..35], &password[35..], &media);
    assert!(media.len() % 188 == 0 && media.chunks(188).all(|packet| packet[0] == 0x47));

    assert_eq!(qvoice(&fake, "PUT", "{\"enabled\":true}").status(), "200");
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("a file");
    let metadata: Value = serde_json::from_slice(&read("call.enc.json")).expect("JSON");
    let config = fake.qvoice_config();
    assert_eq!(
        (&metadata["version"], &metadata["salt"]),
        (&json!(1), &config["salt"])
    );
    is_the_call(&from_qvoice(&config, &read("call.enc")));
    fake.set_qvoice_config(
        json!({"algorithm": "AES-256-CBC", "enabled": true, "key": "k", "salt": "s"}),
    );
    let (media, metadata) = fake.record_qvoice("rec1");
    assert_eq!(metadata["recording_id"], "rec1");
    is_the_call(&from_qvoice(&fake.qvoice_config(), &media));
}

/// Checks the digest of what was recorded.
fn is_the_call(wav: &[u8]) {
    let digest: String = Sha256::digest(wav)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let expected = String::from_utf8(fixture("expected.sha256")).expect("text");
    let name = "RE5eed0000000000000000000000000003";
    let line = expected.lines().find(|line| line.contains(name));
    assert!(line.expect("a line").starts_with(&digest));
}

/// What a recording of Qvoice's is, which begins with its nonce or IV.
fn from_qvoice(config: &Value, media: &[u8]) -> Vec<u8> {
    let bytes = |name: &str| config[name].as_str().expect("a text").as_bytes();
    let mut key = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(bytes("key"), bytes("salt"), 100_000, &mut key);
    if config["algorithm"] == "AES-256-GCM" {
        let cipher = aes_gcm::Aes256Gcm::new(&key.into());
        let nonce: [u8; 12] = media[..12].try_into().expect("12 bytes");
        return cipher
            .decrypt(&nonce.into(), &media[12..])
            .expect("it opens");
    }
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key, &media[..16]).expect("a key");
    cipher
        .decrypt_padded_vec::<Pkcs7>(&media[16..])
        .expect("it opens")
}

#[test]
#[should_panic(expected = "no public key is registered with Twilio")]
fn nothing_is_recorded_for_nobody() {
    Fake::start().record_voice("RE5eed00000000000000000000000000a1");
}
