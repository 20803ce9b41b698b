//! Recordings that are encrypted for what is registered, as the providers do it.
//!
//! Nothing here is unreel's: it is to judge unreel.

use std::fs;

use aes::Aes256;
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PaddingScheme;
use rsa::{Oaep, Pkcs1v15Encrypt, RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

use super::records::CREATED;
use super::{
    Archive, Fake, Settings, State, Video, Voice, fixtures, twilio_settings, vonage_storage,
};

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn gcm(key: &[u8; 32], iv: &[u8; 12], plaintext: &[u8]) -> Vec<u8> {
    let cipher = Aes256Gcm::new(key.into());
    cipher.encrypt(iv.into(), plaintext).expect("AES-GCM")
}

fn cbc(key: &[u8; 32], iv: &[u8; 16], plaintext: &[u8]) -> Vec<u8> {
    let cipher = cbc::Encryptor::<Aes256>::new(key.into(), iv.into());
    cipher.encrypt_padded_vec::<Pkcs7>(plaintext)
}

fn wrap(key: &RsaPublicKey, padding: impl PaddingScheme, bytes: &[u8]) -> String {
    let wrapped = key.encrypt(&mut UnwrapErr(SysRng), padding, bytes);
    base64(wrapped.expect("RSA"))
}

/// The call of a fixture: a second on one channel.
fn wav() -> Vec<u8> {
    let recording = fixtures::json("twilio-voice/recording-mono.json");
    let field = |name: &str| {
        let text = recording["encryption_details"][name].as_str();
        BASE64_STANDARD
            .decode(text.expect("a text"))
            .expect("base64")
    };
    let key = fixture_key().decrypt(Oaep::<Sha256>::new(), &field("encrypted_cek"));
    let cipher = Aes256Gcm::new_from_slice(&key.expect("a content key")).expect("32 bytes");
    let iv: [u8; 12] = field("iv").try_into().expect("12 bytes");
    let media = fixtures::read("twilio-voice/RE5eed0000000000000000000000000003.wav.enc");
    cipher.decrypt(&iv.into(), &media[..]).expect("a fixture")
}

fn fixture_key() -> RsaPrivateKey {
    let pem = fixtures::read("keys/pkcs8.pem");
    RsaPrivateKey::from_pkcs8_pem(&String::from_utf8_lossy(&pem)).expect("a key")
}

fn plain(path: &str, key: &[u8], iv: &[u8]) -> Vec<u8> {
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(key, iv).expect("a key and an IV");
    let plaintext = cipher.decrypt_padded_vec::<Pkcs7>(&fixtures::read(path));
    plaintext.expect("a fixture")
}

/// The media of a fixture of Twilio Video, by its path and that of its metadata.
fn video_media(path: &str, metadata: &str) -> Vec<u8> {
    let headers = fixtures::headers(metadata);
    let field = |end: &str| {
        let mut headers = headers.iter();
        let field = headers.find(|(name, _)| name.ends_with(end));
        let text = &field.expect("a header").1;
        BASE64_STANDARD.decode(text).expect("base64")
    };
    let key = fixture_key().decrypt(Pkcs1v15Encrypt, &field("-key"));
    plain(path, &key.expect("a content key"), &field("-iv"))
}

/// The media of a fixture of Vonage's.
fn transport_stream() -> Vec<u8> {
    let id = "5eed0000-0000-4000-8000-000000000000";
    let archive = fixtures::json("vonage/archive-0.json");
    let password = archive["password"].as_str().expect("a password");
    let password = BASE64_STANDARD.decode(password).expect("base64");
    let password = fixture_key().decrypt(Oaep::<Sha1>::new(), &password);
    let password = password.expect("a password");
    plain(
        &format!("vonage/{id}.ts.enc"),
        &password[3..35],
        &password[35..],
    )
}

/// Adds a recording of Twilio Voice, newer than all, for the newest public key.
pub fn voice(state: &mut State, sid: &str) {
    let public = state.registered.keys.first();
    let public = public.expect("no public key is registered with Twilio");
    let (key, iv) = (random::<32>(), random::<12>());
    let details = json!({
        "type": "rsa-aes",
        "public_key_sid": public.sid,
        "encrypted_cek": wrap(&public.key, Oaep::<Sha256>::new(), &key),
        "iv": base64(iv),
    });
    let newest = state.records.voice.first();
    let created = newest.map_or(CREATED, |voice| voice.created + 60);
    let voice = Voice {
        account: public.account.clone(),
        created,
        updated: created + 9,
        duration: 1,
        ..Voice::new(sid, &gcm(&key, &iv, &wav()), details)
    };
    state.add_voice(voice);
}

/// Adds a recording (`RT…`) or a composition (`CJ…`) of Twilio Video, newer than all, as the
/// settings are.
pub fn video(state: &mut State, sid: &str) {
    let (kind, media) = if sid.starts_with("CJ") {
        let path = "twilio-video/CJ5eed0000000000000000000000000001.mp4.enc";
        let media = video_media(path, "twilio-video/curl.headers");
        (Settings::Compositions, media)
    } else {
        let path = "twilio-video/RT5eed0000000000000000000000000001.mka.enc";
        let media = video_media(path, "twilio-video/wget.txt");
        (Settings::Recordings, media)
    };
    let settings = state.registered.settings.get(&kind);
    let settings = settings.unwrap_or_else(|| panic!("Twilio Video has no settings: {kind:?}"));
    let mut video = Video::new(sid, &media, &[]);
    if settings["encryption_enabled"] == true {
        let sid = &settings["encryption_key_sid"];
        let public = state.registered.keys.iter().find(|key| *sid == key.sid);
        let public = public.unwrap_or_else(|| panic!("Twilio has no key {sid}: {kind:?}"));
        let (key, iv) = (random::<32>(), random::<16>());
        let metadata = [
            ("key", wrap(&public.key, Pkcs1v15Encrypt, &key)),
            ("iv", base64(iv)),
            ("matdesc", "{}".into()),
            ("unencrypted-content-length", media.len().to_string()),
        ];
        let metadata = metadata.map(|(name, value)| (format!("x-amz-meta-x-amz-{name}"), value));
        video = Video::new(&video.sid, &cbc(&key, &iv, &media), &metadata);
    }
    let newest = state.records.video.first();
    video.created = newest.map_or(CREATED, |video| video.created + 60);
    state.add_video(video);
}

/// Adds an archive of a project, newer than all, for its certificate; in the clear without one.
pub fn archive(state: &mut State, id: &str, owner: &str) {
    let target = state.registered.targets.get(owner);
    let target = target.unwrap_or_else(|| panic!("no storage is set with Vonage: {owner}"));
    let media = transport_stream();
    let mut archive = match target["certificate"].as_str() {
        None => Archive::new(id, &media, ""),
        Some(certificate) => {
            let public = vonage_storage::certificate(certificate).expect("a certificate");
            let (key, iv) = (random::<32>(), random::<16>());
            let password = [&[1, 1, 1][..], &key, &iv].concat();
            let password = wrap(&public, Oaep::<Sha1>::new(), &password);
            Archive::new(id, &cbc(&key, &iv, &media), &password)
        }
    };
    owner.clone_into(&mut archive.owner);
    let newest = state.records.archives.first();
    archive.created_ms = newest.map_or(CREATED * 1000, |archive| archive.created_ms + 60_000);
    state.add_archive(archive);
}

/// A recording of Qvoice's under the key and the salt of now, and its metadata.
///
/// How it is really done is published nowhere: this is the likeliest guess.
fn qvoice(state: &State, id: &str) -> (Vec<u8>, Value) {
    let config = Value::Object(state.registered.qvoice.clone());
    assert_eq!(config["enabled"], true, "Qvoice does not encrypt");
    let text = |name: &str| config[name].as_str().expect("a key and a salt").as_bytes();
    let (secret, salt) = (text("key"), text("salt"));
    let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(secret, salt, 100_000);
    let media = if config["algorithm"] == "AES-256-CBC" {
        let iv = random::<16>();
        [&iv[..], &cbc(&key, &iv, &wav())].concat()
    } else {
        let nonce = random::<12>();
        [&nonce[..], &gcm(&key, &nonce, &wav())].concat()
    };
    let mut metadata = json!({"recording_id": id});
    for (name, of_config) in [
        ("key_id", "key_id"),
        ("version", "key_version"),
        ("algorithm", "algorithm"),
        ("salt", "salt"),
    ] {
        if !config[of_config].is_null() {
            metadata[name] = config[of_config].clone();
        }
    }
    (media, metadata)
}

/// Puts a recording of Qvoice's into the folder that was named, if one was.
pub fn qvoice_files(state: &State) {
    let Some(folder) = &state.registered.folder else {
        return;
    };
    let (media, metadata) = qvoice(state, "call");
    let put = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    };
    put("call.enc", &media);
    put("call.enc.json", metadata.to_string().as_bytes());
}

impl Fake {
    /// Adds a recording of Twilio Voice, newer than all, for the newest public key.
    pub fn record_voice(&self, sid: &str) {
        voice(&mut self.state(), sid);
    }

    /// Adds a recording (`RT…`) or a composition (`CJ…`) of Twilio Video, newer than all: encrypted
    /// where the settings say so.
    pub fn record_video(&self, sid: &str) {
        video(&mut self.state(), sid);
    }

    /// Adds an archive of [`APPLICATION`](super::APPLICATION) or
    /// [`OPENTOK_KEY`](super::OPENTOK_KEY), newer than all, for its certificate; in the clear
    /// without one. It can be fetched, though it would be in the customer's storage.
    pub fn record_archive(&self, id: &str, owner: &str) {
        archive(&mut self.state(), id, owner);
    }

    /// A recording of Qvoice's under the key and the salt of now, and its metadata.
    pub fn record_qvoice(&self, id: &str) -> (Vec<u8>, Value) {
        qvoice(&self.state(), id)
    }
}
