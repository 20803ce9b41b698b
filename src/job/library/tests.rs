//! The library over folders of fixtures, and over servers on this machine.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::api::{Credentials, Hosts, Link, Settings, Twilio};
use crate::envelope::Container;
use crate::job::{KeysFrom, PassphraseFrom, Passphrases};
use crate::store::{Service, Settings as BucketSettings};

const CALL: &str = "RE5eed0000000000000000000000000001";
const OTHER: &str = "RE5eed0000000000000000000000000002";
const MONO: &str = "RE5eed0000000000000000000000000003";
const PLAIN: &str = "RE5eed0000000000000000000000000004";
const AUDIO: &str = "RT5eed0000000000000000000000000001";
const ARCHIVE: &str = "5eed0000-0000-4000-8000-000000000001";

/// SHA-256 of the call, as OpenSSL decrypted it: see fixtures/expected.sha256.
const CALL_DIGEST: &str = "e3850b92c10c6b3cddf11dff14352137c7b6547ad5ac62f4422189cd3262b022";

const CACHE: u64 = 8 << 20;

fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("fixtures").join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn call() -> Vec<u8> {
    read(&format!("twilio-voice/{CALL}.wav.enc"))
}

/// The plain recording's metadata: an entry of a list page.
fn plain_document() -> Vec<u8> {
    let list: serde_json::Value = serde_json::from_slice(&read("twilio-voice/list.json")).unwrap();
    serde_json::to_vec(&list["recordings"][1]).unwrap()
}

fn keys(name: &str) -> PrivateKeys<'static> {
    locked_keys(name, PassphraseFrom::Nowhere)
}

fn locked_keys(name: &str, passphrase: PassphraseFrom) -> PrivateKeys<'static> {
    let from = KeysFrom {
        paths: vec![Input::File(fixture(name))],
        ..KeysFrom::default()
    };
    PrivateKeys::new(from, Passphrases::new(passphrase, None))
}

fn offline() -> Api {
    Api::new(Settings::default(), Credentials::default())
}

fn library(shelves: Vec<Shelf>) -> Library {
    let keys = keys("keys/pkcs8.pem");
    Library::new(offline(), Buckets::none(), keys, shelves, None, CACHE)
}

/// A folder with these files, and a library of it.
fn folder(files: &[(&str, &[u8])]) -> (TempDir, Library) {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let library = library(vec![Shelf::Folder(folder.path().to_owned())]);
    (folder, library)
}

fn digest(verified: &Verified) -> String {
    let mut bytes = vec![0; usize::try_from(verified.len()).unwrap()];
    let mut at = 0;
    while at < bytes.len() {
        at += verified.read_at(&mut bytes[at..], at as u64).unwrap();
    }
    hex_digest(&bytes)
}

fn hex_digest(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

/// What becomes of an id, in a word.
fn outcome(library: &Library, id: &str) -> &'static str {
    match library.find(id) {
        Ok(_) => "playable",
        Err(Unplayable::Unknown) => "unknown",
        Err(Unplayable::Unusable(_)) => "unusable",
        Err(Unplayable::Unreachable(_)) => "unreachable",
    }
}

#[test]
fn a_recording_is_found_under_every_name_that_it_may_have() {
    let media = call();
    let document = read("twilio-voice/recording.json");
    for (ending, sidecar) in [
        (".enc", ".json"),
        (".enc", ".enc.json"),
        (".wav.enc", ".json"),
        (".wav.enc", ".wav.json"),
        (".wav.encrypted", ".json"),
        (".aes", ".json"),
        (".wav", ".json"),
        ("", ".json"),
    ] {
        for spelling in [CALL.to_owned(), CALL.replace("eed", "EED")] {
            let names = [
                format!("{spelling}{ending}"),
                format!("{spelling}{sidecar}"),
            ];
            let (_folder, library) = folder(&[(&names[0], &media), (&names[1], &document)]);
            let found = library
                .find(&spelling)
                .unwrap_or_else(|error| panic!("{names:?}: {error}"));
            assert_eq!(found.id, CALL);
            assert_eq!(digest(&found.verified), CALL_DIGEST);
            assert_eq!(
                found.call.as_deref(),
                Some("CA5eed0000000000000000000000000001")
            );
            assert_eq!(
                found.verified.outcome().media.container,
                Some(Container::Wav)
            );
            assert!(found.weight < 1 << 20);
            assert_eq!(library.ids(20).unwrap(), [CALL]);
        }
    }
    // An id that is given in capitals is found as its provider writes it.
    let names = [format!("{CALL}.enc"), format!("{CALL}.json")];
    let (_folder, library) = folder(&[(&names[0], &media), (&names[1], &document)]);
    assert_eq!(outcome(&library, &CALL.replace("eed", "EED")), "playable");
}

#[test]
fn recordings_of_every_provider_are_played_as_they_were_kept() {
    let (audio, archive) = (format!("{AUDIO}.mka.enc"), format!("{ARCHIVE}.ts.enc"));
    let plain = format!("{PLAIN}.wav");
    let (_folder, library) = folder(&[
        (&audio, &read(&format!("twilio-video/{audio}"))),
        (&format!("{AUDIO}.headers"), &read("twilio-video/wget.txt")),
        (&archive, &read(&format!("vonage/{archive}"))),
        (&format!("{ARCHIVE}.json"), &read("vonage/archive-1.json")),
        (&plain, &read(&format!("twilio-voice/{plain}"))),
        (&format!("{PLAIN}.json"), &plain_document()),
    ]);
    for (id, container) in [
        (AUDIO, Container::Matroska),
        (ARCHIVE, Container::MpegTs),
        (PLAIN, Container::Wav),
    ] {
        let found = library.find(id).unwrap();
        assert_eq!(found.verified.outcome().media.container, Some(container));
    }
    let found = library.find(PLAIN).unwrap();
    let mut bytes = vec![0; 2000];
    let read_bytes = found.verified.read_at(&mut bytes, 0).unwrap();
    assert_eq!(bytes[..read_bytes], read(&format!("twilio-voice/{plain}")));
    assert_eq!(library.ids(20).unwrap(), [ARCHIVE, PLAIN, AUDIO]);
    assert_eq!(library.ids(2).unwrap(), [ARCHIVE, PLAIN]);
    assert_eq!(library.ids(0).unwrap(), [""; 0]);
}

#[test]
fn the_folder_for_demonstrations_is_played_as_openssl_opens_it() {
    fn is_shared<T: Send + Sync + 'static>(_: &T) {}
    let library = library(vec![Shelf::Folder(fixture("playback"))]);
    is_shared(&library);
    let expected = String::from_utf8(read("expected.sha256")).unwrap();
    let ids = library.ids(20).unwrap();
    assert_eq!(ids.len(), 5, "{ids:?}");
    for id in ids {
        let found = library.find(&id).unwrap();
        is_shared(&found);
        let plain = fixture(&format!("playback/{id}.wav"));
        let is_right = match std::fs::read(plain) {
            Ok(plain) => digest(&found.verified) == hex_digest(&plain),
            Err(_) => expected.contains(&digest(&found.verified)),
        };
        assert!(is_right, "{id}");
    }
}

/// How the name of media ends, the media, and what is beside it.
type Case<'a> = (&'a str, &'a [u8], Option<&'a [u8]>);

#[test]
fn what_does_not_open_or_is_not_described_is_unusable() {
    let (media, document) = (call(), read("twilio-voice/recording.json"));
    let mut tampered = media.clone();
    *tampered.last_mut().unwrap() ^= 1;
    let wav = read(&format!("twilio-voice/{PLAIN}.wav"));
    let wav_as = String::from_utf8(plain_document()).unwrap();
    let no_key = wav_as.replace(PLAIN, CALL).into_bytes();
    let other = format!("twilio-voice/{OTHER}.wav.enc");
    let other_document = read("twilio-voice/recording-other-key.json");
    let cases: &[Case] = &[
        (".enc", &tampered, Some(&document)),
        (".enc", &media[..media.len() - 1], Some(&document)),
        (".enc", b"", Some(&document)),
        (".enc", &media, None),
        (".enc", &media, Some(b"{\"sid\":")),
        (".enc", &media, Some(b"[]")),
        (
            ".enc",
            &media,
            Some(&read("twilio-voice/bad/iv-11-bytes.json")),
        ),
        // No key among those there are.
        (
            ".enc",
            &read(&other),
            Some(&read("twilio-voice/bad/wrapped-v1.5.json")),
        ),
        // Metadata of another recording.
        (".enc", &read(&other), Some(&other_document)),
        // Without a key, neither ciphertext nor media is taken for what is not encrypted.
        (".enc", &media, Some(&no_key)),
        (".wav.enc", &wav, Some(&no_key)),
        (".aes", &wav, Some(&no_key)),
        (".wav", &media, Some(&no_key)),
        (".wav", b"<html>", Some(&no_key)),
        (".wav", &wav, None),
        // What should be encrypted is not replaced by what is not.
        (".wav", &wav, Some(&document)),
    ];
    for (case, (ending, media, document)) in cases.iter().enumerate() {
        let name = format!("{CALL}{ending}");
        let sidecar = format!("{CALL}.json");
        let mut files = vec![(name.as_str(), *media)];
        files.extend(document.map(|document| (sidecar.as_str(), document)));
        let (_folder, library) = folder(&files);
        assert_eq!(outcome(&library, CALL), "unusable", "case {case}");
    }
    // The same without a key of its own.
    let names = [format!("{OTHER}.enc"), format!("{OTHER}.json")];
    let (_folder, library) = folder(&[(&names[0], &read(&other)), (&names[1], &other_document)]);
    assert_eq!(outcome(&library, OTHER), "unusable");
    library
        .reload_keys(keys("keys/other.pem"), &Silent)
        .unwrap();
    assert_eq!(outcome(&library, OTHER), "playable");
}

#[test]
fn what_comes_and_goes_and_changes_is_seen() {
    let (folder, library) = folder(&[]);
    assert_eq!(outcome(&library, CALL), "unknown");
    let (path, sidecar) = (
        folder.path().join(format!("{CALL}.enc")),
        folder.path().join(format!("{CALL}.json")),
    );
    std::fs::write(&sidecar, read("twilio-voice/recording.json")).unwrap();
    std::fs::write(&path, call()).unwrap();
    let found = library.find(CALL).unwrap();
    assert!(library.is_current(&found).unwrap());
    assert!(library.in_reach().is_ok());

    // The time of a write can be set back; that of the change cannot.
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    (&file).write_all(b"x").unwrap();
    file.set_modified(before).unwrap();
    assert!(!library.is_current(&found).unwrap());
    assert_eq!(outcome(&library, CALL), "unusable");

    std::fs::write(&path, call()).unwrap();
    let found = library.find(CALL).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(!library.is_current(&found).unwrap());
    assert_eq!(outcome(&library, CALL), "unknown");
    assert_eq!(digest(&found.verified), CALL_DIGEST);

    // A folder cannot be found below a file, and a folder is no recording.
    std::fs::create_dir(&path).unwrap();
    assert_eq!(outcome(&library, CALL), "unknown");
    folder.close().unwrap();
    assert_eq!(outcome(&library, CALL), "unreachable");
    assert!(matches!(
        library.in_reach(),
        Err(Unplayable::Unreachable(_))
    ));
    assert!(library.ids(1).is_err());
}

#[test]
fn nothing_but_an_id_reaches_a_path() {
    let secret = TempDir::new().unwrap();
    let inside = secret.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let document = read("twilio-voice/recording.json");
    for folder in [secret.path(), &inside] {
        std::fs::write(folder.join(format!("{CALL}.enc")), call()).unwrap();
        std::fs::write(folder.join(format!("{CALL}.json")), &document).unwrap();
        std::fs::write(folder.join(format!(".{CALL}.enc")), call()).unwrap();
    }
    let library = library(vec![Shelf::Folder(inside.clone())]);
    let absolute = inside.join(CALL);
    for id in [
        "",
        ".",
        "..",
        "x",
        &format!("../{CALL}"),
        &format!("./{CALL}"),
        &format!(".{CALL}"),
        &format!("{CALL}.enc"),
        &format!("{CALL}\0"),
        &format!("{CALL}\n"),
        &format!("{CALL}/"),
        &format!(" {CALL}"),
        &format!("%2e%2e/{CALL}"),
        &CALL.to_lowercase(),
        &CALL.replace('5', "\u{0665}"),
        &CALL.replace("RE", "CA"),
        absolute.to_str().unwrap(),
        "s3://bucket/key",
    ] {
        assert_eq!(outcome(&library, id), "unknown", "{id:?}");
    }
    assert_eq!(outcome(&library, CALL), "playable");
}

#[test]
fn the_first_shelf_that_has_it_wins_and_one_out_of_reach_is_passed_over() {
    let names = [format!("{CALL}.enc"), format!("{CALL}.json")];
    let document = read("twilio-voice/recording.json");
    let (good, _) = folder(&[(&names[0], &call()), (&names[1], &document)]);
    let (bad, _) = folder(&[(&names[0], b"no"), (&names[1], &document)]);
    let shelf = |path: &Path| Shelf::Folder(path.to_owned());
    let gone = shelf(Path::new("/nonexistent/recordings"));
    for (shelves, expected) in [
        (vec![], "unknown"),
        (vec![shelf(good.path()), shelf(bad.path())], "playable"),
        (vec![shelf(bad.path()), shelf(good.path())], "unusable"),
        (vec![gone.clone(), shelf(good.path())], "playable"),
        (vec![gone.clone(), shelf(bad.path())], "unusable"),
    ] {
        assert_eq!(outcome(&library(shelves), CALL), expected);
    }
    for shelves in [
        vec![gone.clone(), shelf(good.path())],
        vec![shelf(good.path()), gone],
    ] {
        assert_eq!(outcome(&library(shelves), MONO), "unreachable");
    }
}

#[test]
fn every_key_is_unlocked_before_anything_is_served_or_the_old_ones_stay() {
    let locked = "keys/pbes2-aes256-sha256.pem";
    let phrase = |text: &str| PassphraseFrom::Value(Zeroizing::new(text.as_bytes().to_vec()));
    let names = [format!("{CALL}.enc"), format!("{CALL}.json")];
    let document = read("twilio-voice/recording.json");
    let (_folder, library) = folder(&[(&names[0], &call()), (&names[1], &document)]);
    library.open_keys(&Silent).unwrap();
    for passphrase in [PassphraseFrom::Nowhere, phrase("wrong")] {
        let is_missing = matches!(passphrase, PassphraseFrom::Nowhere);
        let keys = locked_keys(locked, passphrase);
        let error = library.reload_keys(keys, &Silent).unwrap_err();
        assert_eq!(matches!(error, Error::NoPassphrase(_)), is_missing);
        assert_eq!(matches!(error, Error::Key(..)), !is_missing, "{error}");
        assert_eq!(outcome(&library, CALL), "playable");
    }
    let right = locked_keys(locked, phrase("correct horse battery staple"));
    library.reload_keys(right, &Silent).unwrap();
    assert_eq!(outcome(&library, CALL), "playable");
    library
        .reload_keys(keys("keys/other.pem"), &Silent)
        .unwrap();
    assert_eq!(outcome(&library, CALL), "unusable");
}

/// An answer: status, further header lines, body.
type Answer = (u16, String, Vec<u8>);

/// What a server on this machine answers, by method and target (path and query), and what it was asked.
#[derive(Default)]
struct Served {
    answers: Mutex<BTreeMap<String, Answer>>,
    seen: Mutex<Vec<String>>,
}

impl Served {
    fn start(self) -> (Arc<Self>, String) {
        let served = Arc::new(self);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&served);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut head) = (stream.unwrap(), Vec::new());
                for line in BufReader::new(&stream).lines() {
                    match line {
                        Ok(line) if !line.is_empty() => head.push(line),
                        _ => break,
                    }
                }
                let Some(first) = head.first() else { continue };
                let (asked, _) = first.rsplit_once(' ').unwrap();
                serving.seen.lock().unwrap().push(asked.to_owned());
                let (status, headers, body) = serving.answer(asked);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
                );
                let body = if asked.starts_with("HEAD ") {
                    vec![]
                } else {
                    body
                };
                stream.write_all(&[head.into_bytes(), body].concat()).ok();
            }
        });
        (served, url)
    }

    fn answer(&self, asked: &str) -> Answer {
        let answers = self.answers.lock().unwrap();
        let as_get = asked.replacen("HEAD ", "GET ", 1);
        let found = answers.get(asked).or_else(|| answers.get(&as_get));
        found.cloned().unwrap_or((404, String::new(), vec![]))
    }

    fn set(&self, asked: &str, answer: Answer) {
        self.answers
            .lock()
            .unwrap()
            .insert(asked.to_owned(), answer);
    }

    /// What it was asked since the last time.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

const ACCOUNT: &str = "AC5eed0000000000000000000000000001";

fn twilio(base: &str) -> Library {
    let settings = Settings {
        hosts: Hosts {
            twilio_api: Some(Link::parse(base).unwrap()),
            ..Hosts::default()
        },
        ..Settings::default()
    };
    let credentials = Credentials {
        twilio: Some(Twilio {
            account: ACCOUNT.to_owned(),
            user: ACCOUNT.to_owned(),
            secret: Zeroizing::new("secret".to_owned()),
            place: None,
        }),
        ..Credentials::default()
    };
    let api = Api::new(settings, credentials);
    let keys = keys("keys/pkcs8.pem");
    Library::new(api, Buckets::none(), keys, vec![Shelf::Twilio], None, CACHE)
}

fn asked_of(id: &str, extension: &str) -> String {
    format!("GET /2010-04-01/Accounts/{ACCOUNT}/Recordings/{id}.{extension}")
}

/// What Twilio says of a fixture, kept at this server.
fn said(document: &[u8], base: &str) -> Vec<u8> {
    let text = String::from_utf8(document.to_vec()).unwrap();
    text.replace("https://api.twilio.com", base).into_bytes()
}

#[test]
fn twilio_is_asked_by_sid_and_its_answers_mean_what_they_say() {
    let (served, base) = Served::default().start();
    let library = twilio(&base);
    let document = said(&read("twilio-voice/recording.json"), &base);
    let about = |document: &[u8]| {
        served.set(
            &asked_of(CALL, "json"),
            (200, String::new(), document.to_vec()),
        );
    };
    about(&document);
    served.set(&asked_of(CALL, "wav"), (200, String::new(), call()));

    let found = library.find(CALL).unwrap();
    assert_eq!(digest(&found.verified), CALL_DIGEST);
    assert_eq!(
        found.call.as_deref(),
        Some("CA5eed0000000000000000000000000001")
    );
    assert_eq!(
        served.seen(),
        [asked_of(CALL, "json"), asked_of(CALL, "wav")]
    );
    if cfg!(target_os = "linux") {
        assert_eq!(found.weight, WEIGHT + call().len() as u64);
    }
    assert!(library.is_current(&found).unwrap());
    assert_eq!(served.seen(), [asked_of(CALL, "json")]);
    let text = String::from_utf8(document.clone()).unwrap();
    about(text.replace("08:30:09", "08:30:10").as_bytes());
    assert!(!library.is_current(&found).unwrap());

    for (state, expected) in [
        ("in-progress", "unreachable"),
        ("absent", "unknown"),
        ("deleted", "unknown"),
        ("failed", "unknown"),
    ] {
        about(
            text.replace("\"completed\"", &format!("\"{state}\""))
                .as_bytes(),
        );
        assert_eq!(outcome(&library, CALL), expected, "{state}");
    }
    let elsewhere = format!("\"media_url\": \"{base}");
    about(
        text.replace(&elsewhere, "\"media_url\": \"https://example.com")
            .as_bytes(),
    );
    assert_eq!(outcome(&library, CALL), "unreachable");

    for (status, expected) in [
        (404, "unknown"),
        (401, "unreachable"),
        (403, "unreachable"),
        (429, "unreachable"),
        (500, "unreachable"),
    ] {
        served.set(&asked_of(CALL, "json"), (status, String::new(), vec![]));
        assert_eq!(outcome(&library, CALL), expected, "{status}");
        about(&document);
        served.set(&asked_of(CALL, "wav"), (status, String::new(), vec![]));
        let of_media = outcome(&library, CALL);
        assert_eq!(of_media, expected, "{status}");
        let current = library.is_current(&found);
        assert!(matches!(current, Ok(true)), "{current:?}");
    }
    served.set(&asked_of(CALL, "json"), (404, String::new(), vec![]));
    assert!(matches!(library.is_current(&found), Ok(false)));
    served.set(&asked_of(CALL, "json"), (503, String::new(), vec![]));
    assert!(matches!(
        library.is_current(&found),
        Err(Unplayable::Unreachable(_))
    ));

    // Nobody is asked for what Twilio Voice has none of.
    served.seen();
    assert_eq!(outcome(&library, AUDIO), "unknown");
    assert_eq!(outcome(&library, ARCHIVE), "unknown");
    assert_eq!(served.seen(), [""; 0]);

    assert!(library.in_reach().is_ok());
    served.set(&asked_of(NOBODY, "json"), (401, String::new(), vec![]));
    assert!(library.in_reach().is_err());
}

#[test]
fn what_twilio_serves_is_verified_and_plain_media_stays_in_memory() {
    let (served, base) = Served::default().start();
    let library = twilio(&base);
    let set = |id: &str, document: &[u8], media: Vec<u8>| {
        served.set(
            &asked_of(id, "json"),
            (200, String::new(), said(document, &base)),
        );
        served.set(&asked_of(id, "wav"), (200, String::new(), media));
    };
    let mut tampered = call();
    tampered[70_000] ^= 1;
    set(CALL, &read("twilio-voice/recording.json"), tampered);
    assert_eq!(outcome(&library, CALL), "unusable");
    // A page in place of the media, or media that should have been encrypted.
    set(
        CALL,
        &read("twilio-voice/recording.json"),
        b"<html></html>".to_vec(),
    );
    assert_eq!(outcome(&library, CALL), "unusable");
    let wav = read(&format!("twilio-voice/{PLAIN}.wav"));
    set(CALL, &read("twilio-voice/recording.json"), wav.clone());
    assert_eq!(outcome(&library, CALL), "unusable");

    set(PLAIN, &plain_document(), wav.clone());
    let found = library.find(PLAIN);
    if !cfg!(target_os = "linux") {
        return assert!(matches!(found, Err(Unplayable::Unreachable(_))));
    }
    let found = found.unwrap();
    assert_eq!(found.weight, WEIGHT + wav.len() as u64);
    assert_eq!(digest(&found.verified), hex_digest(&wav));
    // It never goes to a file, however large it is.
    let mut large = wav;
    large.resize(usize::try_from(CACHE).unwrap() + 1, 0);
    set(PLAIN, &plain_document(), large);
    assert_eq!(outcome(&library, PLAIN), "unusable");
    set(PLAIN, &plain_document(), call());
    assert_eq!(outcome(&library, PLAIN), "unusable");
}

#[cfg(feature = "buckets")]
fn bucket(base: &str) -> Library {
    let mut settings = BucketSettings::default();
    let set = |name, value: &str| (name, Zeroizing::new(value.to_owned()));
    settings.add(
        Service::S3,
        vec![
            set("aws_endpoint", base),
            set("aws_access_key_id", "AKIA5EED"),
            set("aws_secret_access_key", "secret"),
            set("aws_region", "us-east-1"),
        ],
    );
    let api = offline();
    let buckets = Arc::new(Buckets::new(&api, settings));
    let prefix = Location::parse("s3://b/kept").unwrap().unwrap();
    let keys = keys("keys/pkcs8.pem");
    Library::new(api, buckets, keys, vec![Shelf::Bucket(prefix)], None, CACHE)
}

/// A page of a list with objects of these keys.
#[cfg(feature = "buckets")]
fn page(keys: &[&str]) -> Answer {
    let object = |key: &&str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-09-01T08:30:00.000Z</LastModified>\
             <ETag>&quot;1&quot;</ETag><Size>9</Size></Contents>"
        )
    };
    let objects: String = keys.iter().map(object).collect();
    let page = format!(
        "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"
    );
    (200, String::new(), page.into_bytes())
}

#[cfg(feature = "buckets")]
fn object(bytes: Vec<u8>, headers: &str) -> Answer {
    let headers = format!(
        "ETag: \"{}\"\r\nLast-Modified: Tue, 01 Sep 2026 08:30:00 GMT\r\n{headers}",
        bytes.len()
    );
    (200, headers, bytes)
}

/// How the objects are listed that begin so.
#[cfg(feature = "buckets")]
fn listing(start: &str) -> String {
    format!("GET /b?list-type=2&prefix=kept%2F{start}")
}

#[cfg(feature = "buckets")]
#[test]
fn a_bucket_is_asked_three_times_for_a_recording() {
    let (served, base) = Served::default().start();
    let library = bucket(&base);
    served.set(&listing(CALL), page(&[]));
    assert_eq!(outcome(&library, CALL), "unknown");
    assert_eq!(served.seen(), [listing(CALL)]);

    let [media, sidecar] = [".wav.enc", ".json"].map(|it| format!("kept/{CALL}{it}"));
    served.set(&listing(CALL), page(&[&sidecar, &media]));
    let document = read("twilio-voice/recording.json");
    served.set(&format!("GET /b/{sidecar}"), object(document, ""));
    served.set(&format!("GET /b/{media}"), object(call(), ""));
    let found = library.find(CALL).unwrap();
    assert_eq!(digest(&found.verified), CALL_DIGEST);
    let expected = [
        listing(CALL),
        format!("GET /b/{sidecar}"),
        format!("GET /b/{media}"),
    ];
    assert_eq!(served.seen(), expected);
    assert!(library.is_current(&found).unwrap());
    assert_eq!(served.seen(), [format!("HEAD /b/{media}")]);
    served.set(&listing(""), page(&[&sidecar, &media, "kept/deep/x.enc"]));
    assert_eq!(library.ids(20).unwrap(), [CALL]);
    assert!(library.in_reach().is_ok());

    let mut tampered = call();
    tampered.pop();
    served.set(&format!("GET /b/{media}"), object(tampered, ""));
    assert!(!library.is_current(&found).unwrap());
    assert_eq!(outcome(&library, CALL), "unusable");
    // Without its sidecar, of which nobody asks any more.
    served.set(&listing(CALL), page(&[&media]));
    assert_eq!(outcome(&library, CALL), "unusable");
    // Gone between the list and the look.
    served.set(&listing(CALL), page(&[&sidecar, &media]));
    served.set(&format!("GET /b/{media}"), (404, String::new(), vec![]));
    assert_eq!(outcome(&library, CALL), "unknown");
    assert!(!library.is_current(&found).unwrap());
    for status in [500, 503] {
        served.set(&listing(CALL), (status, String::new(), vec![]));
        assert_eq!(outcome(&library, CALL), "unreachable");
    }
    let no_bucket = b"<Error><Code>NoSuchBucket</Code><Message>No</Message></Error>";
    served.set(&listing(CALL), (404, String::new(), no_bucket.to_vec()));
    assert_eq!(outcome(&library, CALL), "unreachable");
    served.set(&listing(""), (404, String::new(), no_bucket.to_vec()));
    assert!(library.in_reach().is_err());
}

#[cfg(feature = "buckets")]
#[test]
fn objects_of_twilio_video_say_themselves_how_they_open() {
    let (served, base) = Served::default().start();
    let library = bucket(&base);
    let media = format!("kept/{AUDIO}.mka.enc");
    let flat: BTreeMap<String, String> =
        serde_json::from_slice(&read("twilio-video/flat.json")).unwrap();
    let headers = flat
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = headers.collect();
    served.set(&listing(AUDIO), page(&[&media]));
    let bytes = read(&format!("twilio-video/{AUDIO}.mka.enc"));
    served.set(&format!("GET /b/{media}"), object(bytes, &headers));
    let found = library.find(AUDIO).unwrap();
    assert_eq!(
        found.verified.outcome().media.container,
        Some(Container::Matroska)
    );
    let expected = [
        listing(AUDIO),
        format!("HEAD /b/{media}"),
        format!("GET /b/{media}"),
    ];
    assert_eq!(served.seen(), expected);
}

#[cfg(feature = "buckets")]
#[test]
fn where_nothing_may_be_listed_the_usual_names_are_tried() {
    let (served, base) = Served::default().start();
    let library = bucket(&base);
    let denied = || (403, String::new(), vec![]);
    served.set(&listing(CALL), denied());
    let name = Name::of(CALL).unwrap();
    for ending in name.usual_endings() {
        served.set(&format!("GET /b/kept/{CALL}{ending}"), denied());
    }
    // What is not there is denied, too: nobody can say.
    assert_eq!(outcome(&library, CALL), "unreachable");
    assert_eq!(served.seen().len(), 1 + name.usual_endings().len());
    let [media, sidecar] = [".wav.enc", ".json"].map(|it| format!("kept/{CALL}{it}"));
    let document = read("twilio-voice/recording.json");
    served.set(&format!("GET /b/{sidecar}"), object(document, ""));
    served.set(&format!("GET /b/{media}"), object(call(), ""));
    assert_eq!(outcome(&library, CALL), "playable");
}
