//! Jobs without a command line: what becomes of recordings, and what an observer is told.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::api::{Api, Credentials, Selection, Settings};
use crate::cipher::lock;
use crate::key::{KeyRing, Passphrase};
use crate::pipeline::search::Pins;
use crate::provider::{MetadataError, Provider};
use crate::store::Buckets;

/// The SHA-256 of the recording RE5eed…0001, as OpenSSL decrypted it.
const FIRST: &str = "e3850b92c10c6b3cddf11dff14352137c7b6547ad5ac62f4422189cd3262b022";

/// Whether an error is the one that is expected.
type IsRight = fn(&Error) -> bool;

/// What an observer was told, in short.
#[derive(Default)]
struct Told {
    events: Mutex<Vec<&'static str>>,
    done: Mutex<Vec<String>>,
    stopped: AtomicUsize,
}

struct NoBar;

impl Bar for NoBar {
    fn add(&self, _: u64) {}
    fn tried(&self, _: usize, _: usize) {}
}

impl Observer for Told {
    fn event(&self, event: Event<'_>) {
        lock(&self.events).push(match event {
            Event::Exposed { .. } => "exposed",
            Event::OpenedBy { .. } => "opened",
            Event::Learned { .. } => "learned",
            Event::PassedOver(..) => "passed over",
            _ => "other",
        });
    }

    fn bar(&self, _: &Input, _: Option<u64>) -> Box<dyn Bar + '_> {
        Box::new(NoBar)
    }

    fn done(&self, record: &Record) -> bool {
        let result = match &record.result {
            Ok(Done::Released(outcome)) => outcome.integrity.name().to_owned(),
            Ok(Done::Skipped(why)) => why.name().to_owned(),
            Ok(Done::Downloaded(..) | Done::Described(_) | Done::Unwrapped) => "kept".to_owned(),
            Err(error) => error.to_string(),
        };
        let name = record
            .input
            .as_ref()
            .and_then(Input::path)
            .and_then(Path::file_name);
        let name = name.map_or("-".into(), |name| name.to_string_lossy());
        lock(&self.done).push(format!("{name}: {result}"));
        true
    }

    fn stopped(&self, _: &Record) {
        self.stopped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Told {
    /// What became of the recordings, by name.
    fn records(&self) -> Vec<String> {
        let mut records = lock(&self.done).clone();
        records.sort();
        records
    }

    fn count(&self, event: &str) -> usize {
        lock(&self.events).iter().filter(|it| **it == event).count()
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn file(name: &str) -> Input {
    Input::File(fixture(name))
}

/// The recordings of the fixtures' list, by the last digit of their ids.
fn voice(digits: &[u8]) -> Vec<Input> {
    let media = |digit| file(&format!("twilio-voice/RE5eed{digit:028}.wav.enc"));
    digits.iter().map(media).collect()
}

fn keys<'a>(name: Option<&str>, passphrases: Passphrases<'a>) -> Secrets<'a> {
    let from = KeysFrom {
        paths: name.map(file).into_iter().collect(),
        ..KeysFrom::default()
    };
    Secrets {
        private: PrivateKeys::new(from, passphrases),
        shared: None,
    }
}

fn no_passphrase() -> Passphrases<'static> {
    Passphrases::new(PassphraseFrom::Nowhere, None)
}

fn documents(provider: Provider, name: &str) -> Metadata {
    Metadata::new(Some(provider), Origin::Documents(vec![file(name)]))
}

/// What nothing is asked of.
fn offline() -> Api {
    Api::new(Settings::default(), Credentials::default())
}

/// Runs a job into `folder`; of two recordings at a time.
fn run(
    metadata: Metadata,
    secrets: Secrets,
    inputs: &[Input],
    (folder, if_exists): (&Path, IfExists),
    told: &Told,
) -> Result<Tally, Error> {
    let selected = metadata.select(inputs, told)?;
    let own = Own::of_run(&selected, &metadata, &secrets);
    let api = offline();
    let job = Job {
        task: Task::Decrypt {
            and_describe: false,
        },
        api: &api,
        buckets: Buckets::none(),
        archives: None,
        selection: Selection::default(),
        include_deleted: false,
        shard: None,
        metadata: Arc::new(metadata),
        secrets: Arc::new(secrets),
        output: Output::new(
            Target::Folder(folder.to_owned()),
            if_exists,
            false,
            own,
            Buckets::none(),
        ),
        padding: None,
        plain: None,
        require_integrity: false,
        sha256: false,
        jobs: NonZero::new(2).unwrap(),
        threads: None,
        observer: told,
    };
    let selected = selected.into_iter().map(Into::into);
    job.all(selected, || {}).map(|ended| ended.tally)
}

fn counts(tally: Tally) -> [usize; 3] {
    [tally.done, tally.skipped, tally.failed]
}

fn digest(path: &Path) -> String {
    base16ct::lower::encode_string(&Sha256::digest(std::fs::read(path).unwrap()))
}

#[test]
fn what_fails_does_not_stop_the_others_and_what_is_there_is_left() {
    let desk = TempDir::new().unwrap();
    let folder = desk.path().join("new/out");
    let mut inputs = voice(&[1, 3]);
    inputs.push(Input::File(desk.path().join("RE-gone.enc")));
    let list = || documents(Provider::TwilioVoice, "twilio-voice/list.json");
    let key = || keys(Some("keys/pkcs8.pem"), no_passphrase());

    let told = Told::default();
    let tally = run(list(), key(), &inputs, (&folder, IfExists::Fail), &told).unwrap();
    assert_eq!(counts(tally), [2, 0, 1], "{:?}", told.records());
    assert_eq!(told.count("opened"), 2);
    let name = "RE5eed0000000000000000000000000001.wav";
    assert_eq!(digest(&folder.join(name)), FIRST);

    std::fs::write(folder.join(name), "mine").unwrap();
    let told = Told::default();
    let tally = run(list(), key(), &inputs, (&folder, IfExists::Skip), &told).unwrap();
    assert_eq!(counts(tally), [0, 2, 1]);
    assert_eq!(told.count("opened"), 0, "no key is touched");
    let tally = run(list(), key(), &inputs, (&folder, IfExists::Fail), &told).unwrap();
    assert_eq!(counts(tally), [0, 0, 3]);
    assert_eq!(std::fs::read(folder.join(name)).unwrap(), b"mine");
}

#[test]
fn what_is_wrong_with_all_ends_the_run_and_is_told_once() {
    let desk = TempDir::new().unwrap();
    let folder = desk.path().join("out");
    let inputs = voice(&[1, 2, 3]);
    let wrong: [(Metadata, Option<&str>, IsRight); 3] = [
        (
            documents(Provider::TwilioVoice, "twilio-voice/list.json"),
            None,
            |error| matches!(error, Error::NoKey),
        ),
        (
            documents(Provider::TwilioVoice, "twilio-voice/list.json"),
            Some("keys/pbes2-aes256-sha256.pem"),
            |error| matches!(error, Error::NoPassphrase(_)),
        ),
        (
            documents(Provider::TwilioVoice, "twilio-voice/gone.json"),
            Some("keys/pkcs8.pem"),
            |error| matches!(error, Error::MetadataUnread(..)),
        ),
    ];
    for (metadata, key, is_right) in wrong {
        let told = Told::default();
        let secrets = keys(key, no_passphrase());
        let error = run(metadata, secrets, &inputs, (&folder, IfExists::Fail), &told);
        let error = error.unwrap_err();
        assert!(is_right(&error), "{error}");
        assert_eq!(told.stopped.into_inner(), 1);
        assert_eq!(told.done.into_inner().unwrap(), Vec::<String>::new());
        assert!(!folder.exists());
    }
}

#[test]
fn a_passphrase_is_asked_for_once_in_a_run_and_three_times_if_it_is_wrong() {
    let desk = TempDir::new().unwrap();
    let right = std::fs::read_to_string(fixture("keys/passphrase.txt")).unwrap();
    for (typed, asked, outcome) in [(right.trim_end(), 1, [2, 0, 0]), ("wrong", 3, [0, 0, 2])] {
        let count = AtomicUsize::new(0);
        let prompt = |_: &str, _: bool| {
            count.fetch_add(1, Ordering::Relaxed);
            Some(Passphrase::typed(typed.as_bytes().to_vec()))
        };
        let passphrases = Passphrases::new(PassphraseFrom::Nowhere, Some(&prompt));
        let secrets = keys(Some("keys/pbes2-aes256-sha256.pem"), passphrases);
        let list = documents(Provider::TwilioVoice, "twilio-voice/list.json");
        let folder = desk.path().join(typed);
        let told = Told::default();
        let tally = run(
            list,
            secrets,
            &voice(&[1, 3]),
            (&folder, IfExists::Fail),
            &told,
        );
        match tally {
            Ok(tally) => assert_eq!(counts(tally), outcome, "{:?}", told.records()),
            Err(error) => assert!(matches!(error, Error::Key(..)), "{error}"),
        }
        assert_eq!(count.into_inner(), asked, "{typed}");
        assert_eq!(folder.exists(), asked == 1);
    }
}

#[test]
fn the_format_of_qvoice_is_learned_from_one_recording_for_all() {
    let desk = TempDir::new().unwrap();
    let told = Told::default();
    let format = Format {
        pins: Pins::default(),
        profile: None,
        budget: Duration::from_secs(600),
    };
    let from = SharedFrom::Config(file("qvoice/config.json"));
    let secrets = Secrets {
        shared: Some(SharedKeys::read(from, None, format, &told).unwrap()),
        ..keys(None, no_passphrase())
    };
    let metadata = Metadata::new(Some(Provider::Qvoice), Origin::Sidecars);
    // Twice the same: the second finds the first's name taken, or is it.
    let inputs = [
        file("qvoice/rec5eed0001.enc"),
        file("qvoice/rec5eed0001.enc"),
    ];
    let folder = desk.path().join("out");
    let tally = run(metadata, secrets, &inputs, (&folder, IfExists::Fail), &told).unwrap();
    assert_eq!(counts(tally), [1, 0, 1], "{:?}", told.records());
    assert_eq!(told.count("learned"), 1);
}

#[test]
fn in_a_folder_what_has_metadata_is_selected_and_what_is_not_encrypted_passed_over() {
    let desk = TempDir::new().unwrap();
    for name in ["1.wav.enc", "3.wav.enc", "4.wav"] {
        let name = format!("RE5eed000000000000000000000000000{name}");
        std::fs::copy(fixture("twilio-voice").join(&name), desk.path().join(&name)).unwrap();
    }
    std::fs::write(desk.path().join("notes.txt"), "no recording").unwrap();
    let told = Told::default();
    let list = documents(Provider::TwilioVoice, "twilio-voice/list.json");
    let folder = desk.path().join("out");
    let inputs = [Input::File(desk.path().to_owned())];
    let secrets = keys(Some("keys/pkcs8.pem"), no_passphrase());
    let tally = run(list, secrets, &inputs, (&folder, IfExists::Fail), &told).unwrap();
    assert_eq!(counts(tally), [2, 1, 0], "{:?}", told.records());
}

#[test]
fn inspect_tells_what_a_file_is_and_which_key_opens_it() {
    let told = Told::default();
    let secrets = keys(Some("keys/pkcs8.pem"), no_passphrase());
    let ring = secrets.private.ring(&told).unwrap();
    let api = offline();
    let look = |name: &str| inspect(&file(name), &api, &ring, &secrets.private).unwrap();

    let Found::Metadata {
        provider,
        recordings,
    } = look("twilio-voice/list.json")
    else {
        panic!("it is metadata");
    };
    assert_eq!(provider, Provider::TwilioVoice);
    let opened = |found: &Inspected| found.opened_by.iter().filter(|fit| fit.proven).count();
    assert!(recordings.iter().any(|found| opened(found) == 1));
    let plain = |found: &&Inspected| matches!(found.recipe, Err(MetadataError::NotEncrypted));
    assert_eq!(
        recordings.iter().filter(plain).map(opened).sum::<usize>(),
        0
    );

    assert!(matches!(look("keys/bundle.pem"), Found::Keys(keys) if keys.len() > 1));
    assert!(matches!(
        look("qvoice/config.json"),
        Found::Configuration(_)
    ));
    assert!(matches!(look("vonage/plain.ts"), Found::Media { .. }));
    let media = "twilio-voice/RE5eed0000000000000000000000000001.wav.enc";
    assert!(matches!(
        look(media),
        Found::Unknown {
            bytes: Some(128_060)
        }
    ));
    assert!(matches!(look("README.md"), Found::Nothing(_)));
    let gone = inspect(&file("gone"), &api, &KeyRing::default(), &secrets.private);
    assert!(matches!(gone, Err(Error::Unread(..))));
}
