//! `unreel qvoice`: recordings whose key is derived, in a format that is found by trying.

mod failure;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

pub(super) use self::failure::QvoiceFailure;
use super::args::{Qvoice as Args, QvoiceSecrets};
use super::decrypt::{self, Ciphertext, Common, Unlock, lock};
use super::error::Failure;
use super::keys::{LIMIT, trim_newline, warn_if_readable_by_others};
use super::metadata::{self, display, sidecar};
use super::printer::Printer;
use super::profile;
use super::report::{Line, OpenedWith};
use super::stdin::{is_stdin, one_purpose};
use crate::cipher::CipherError;
use crate::envelope::Mode;
use crate::io::{self, Source, TextEncoding};
use crate::media::{Sniff, sniff};
use crate::pipeline::search::{Derived, Finder, Found, Method, Pins, SearchError, Secret, Subject};
use crate::pipeline::{self, Opener};
use crate::provider::MetadataError;
use crate::provider::qvoice::{self, Config, Hints, Recording};

/// The extensions that an output in a folder can get: whatever a tag proves.
const EXTENSIONS: &[&str] = &[
    "mp3", "wav", "ogg", "bin", "m4a", "mp4", "webm", "mka", "mkv", "ts", "json", "zip",
];

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    let uses_stdin = |path: &Option<PathBuf>| path.as_deref().is_some_and(is_stdin);
    let secrets = &args.secrets;
    let named = [
        ("the metadata", &args.metadata),
        ("the configuration", &secrets.config),
        ("the key", &secrets.key_file),
        ("the salt", &secrets.salt_file),
    ];
    let common = Common {
        inputs: &args.inputs,
        stdin_taken: named.iter().any(|(_, path)| uses_stdin(path)),
        output: &args.output,
        report: &args.report,
        work: &args.work,
    };
    let unlock = |inputs: &[PathBuf]| {
        let media = inputs.iter().filter(|path| is_stdin(path)).count();
        let uses = named.map(|(what, path)| (what, usize::from(uses_stdin(path))));
        one_purpose(&[&[("the media", media)], &uses[..]].concat())?;
        Keys::new(args, printer)
    };
    decrypt::run(common, unlock, printer)
}

/// The keys of a run, and what is known of the format.
struct Keys<'a> {
    args: &'a Args,
    printer: &'a Printer,
    /// What the keys were read from.
    origin: String,
    secrets: Vec<Secret>,
    /// Versions that Qvoice itself would refuse, and why.
    unusable: Vec<(Option<u64>, MetadataError)>,
    key_id: Option<String>,
    recordings: Option<Vec<Recording>>,
    pins: Pins,
    /// A profile that is to be written.
    new_profile: Option<PathBuf>,
    derived: Derived,
    /// What opened the first recording.
    known: Mutex<Option<Method>>,
}

impl<'a> Keys<'a> {
    fn new(args: &'a Args, printer: &'a Printer) -> Result<Self, Failure> {
        let (origin, config) = read_secrets(&args.secrets, printer)?;
        let mut keys = Self {
            args,
            printer,
            origin,
            secrets: vec![],
            unusable: vec![],
            key_id: config.key_id,
            recordings: None,
            pins: Pins {
                layout: args.method.layout.clone().named(),
                kdf: args.method.kdf.clone().named(),
                key_form: args.method.key_form.clone().named(),
                salt_form: args.method.salt_form.clone().named(),
                aad: args.method.aad.clone().named(),
            },
            new_profile: None,
            derived: Derived::default(),
            known: Mutex::new(None),
        };
        for version in config.versions {
            let number = version.number;
            match version.pair {
                Ok(pair) => keys.secrets.push(Secret {
                    version: number,
                    key: pair.key,
                    salt: pair.salt,
                }),
                Err(error) => keys.unusable.push((number, error)),
            }
        }
        if let Some(asked) = args.secrets.key_version {
            keys.of_version(asked)?.ok_or_else(|| {
                Failure::from(QvoiceFailure::NoSuchVersion {
                    asked,
                    known: keys.versions(),
                })
            })?;
        } else if keys.secrets.is_empty()
            && let Some((_, error)) = keys.unusable.pop()
        {
            return Err(Failure::from(QvoiceFailure::Configuration(
                keys.origin,
                error,
            )));
        }
        if let Some(path) = &args.metadata {
            keys.recordings = Some(read_recordings(path)?);
        }
        if let Some(path) = &args.method.profile {
            if args.output.output.as_ref() == Some(path) {
                return Err(Failure::Usage(
                    "the profile and the output are one file",
                    "name another file with --profile or -o",
                ));
            }
            match profile::read(path)? {
                Some(pins) => keys.pins = pins,
                None => keys.new_profile = Some(path.clone()),
            }
        }
        Ok(keys)
    }

    fn versions(&self) -> Vec<u64> {
        let unusable = self.unusable.iter().map(|(number, _)| *number);
        let usable = self.secrets.iter().map(|secret| secret.version);
        let mut versions: Vec<_> = usable.chain(unusable).flatten().collect();
        versions.sort_unstable();
        versions
    }

    /// The pairs of a version: its own, or those that have no number. `None` if there is none.
    fn of_version(&self, number: u64) -> Result<Option<Vec<&Secret>>, Failure> {
        let fits = |secret: &&Secret| secret.version.is_none_or(|version| version == number);
        let found: Vec<_> = self.secrets.iter().filter(fits).collect();
        if !found.is_empty() {
            return Ok(Some(found));
        }
        match self
            .unusable
            .iter()
            .find(|(known, _)| *known == Some(number))
        {
            Some((_, error)) => Err(Failure::from(QvoiceFailure::Configuration(
                self.origin.clone(),
                error.clone(),
            ))),
            None => Ok(None),
        }
    }

    /// "Uses the stored metadata to identify the correct key and version"; without it, the
    /// current version and then the older ones, newest first.
    fn secrets_of(&self, hints: &Hints, input: &Path) -> Result<Vec<&Secret>, Failure> {
        let Some(asked) = self.args.secrets.key_version.or(hints.version) else {
            return Ok(self.secrets.iter().collect());
        };
        self.of_version(asked)?.ok_or_else(|| {
            Failure::from(QvoiceFailure::NoVersion {
                input: display(input),
                asked,
                known: self.versions(),
            })
        })
    }

    fn hints(&self, input: &Path) -> Result<Hints, Failure> {
        let (name, recordings);
        let all = if let (Some(all), Some(path)) = (&self.recordings, &self.args.metadata) {
            name = display(path);
            all
        } else {
            let is_config = |path: &PathBuf| self.args.secrets.config.as_ref() == Some(path);
            let Some(path) = sidecar(input).filter(|path| !is_config(path)) else {
                return Ok(Hints::default());
            };
            name = display(&path);
            recordings = read_recordings(&path)?;
            &recordings
        };
        let file = input.file_name().unwrap_or_default().to_string_lossy();
        let file = file.to_ascii_lowercase();
        let named = |recording: &&Recording| {
            let id = recording.id.as_ref();
            id.is_some_and(|id| !id.is_empty() && file.contains(&id.to_ascii_lowercase()))
        };
        let found = match all.as_slice() {
            [only] => Some(only),
            several => several.iter().find(named),
        };
        match found.map(|recording| recording.hints.clone()) {
            Some(Ok(hints)) => Ok(hints),
            Some(Err(error)) => Err(Failure::from(QvoiceFailure::RecordingMetadata(name, error))),
            None => Err(Failure::NotNamed {
                metadata: name,
                count: all.len(),
                input: display(input),
            }),
        }
    }

    fn search(
        &self,
        hints: &Hints,
        ciphertext: Ciphertext,
        known: Option<&Method>,
        input: &Path,
    ) -> Result<Found, Failure> {
        // While the first search is on, the other recordings wait.
        let threads = match (known, self.args.work.threads) {
            (None, None) => std::thread::available_parallelism().map_or(1, NonZero::get),
            _ => ciphertext.threads,
        };
        let bar = self.printer.search(&display(input));
        let secrets = self.secrets_of(hints, input)?;
        let budget = Duration::from_secs(self.args.method.budget.into());
        let unread = |error| Failure::Unread(display(input), error);
        let mut source = ciphertext.source;
        let head = source.head().map_err(unread)?.to_vec();
        let search = Finder {
            subject: Subject {
                source: &source.stored().map_err(unread)?,
                head: &head,
                mode: hints.algorithm,
                iv: hints.iv.as_deref(),
                tag: hints.tag,
                salt: hints.salt.as_ref().map(|salt| salt.as_str()),
                id: hints.id.as_deref(),
                key_id: hints.key_id.as_deref().or(self.key_id.as_deref()),
            },
            secrets: &secrets,
            pins: &self.pins,
            known,
            derived: &self.derived,
            deadline: Instant::now() + budget,
            threads,
            progress: &|done, total| {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            },
        };
        let found = search.run();
        bar.finish_and_clear();
        found.map_err(|error| match error {
            SearchError::Read(error) => unread(error),
            SearchError::GaveUp(reason) => Failure::from(QvoiceFailure::NotFound {
                input: display(input),
                reason: Box::new(reason),
                pinned: self.pins != Pins::default(),
                skipped: match self.args.secrets.key_version.or(hints.version) {
                    None => self.unusable.clone(),
                    Some(_) => vec![],
                },
            }),
        })
    }

    /// Tells how the first recording was opened, so that nobody has to try again.
    fn learned(&self, found: &Found, input: &Path) -> Result<(), Failure> {
        if !self.args.report.json {
            let flags = profile::flags(&found.method);
            self.printer
                .done(&format!("{}  opened with {flags}", display(input)));
        }
        match &self.new_profile {
            Some(path) => profile::write(path, &found.method),
            None => Ok(()),
        }
    }
}

impl Unlock for Keys<'_> {
    type Recording = Hints;

    fn provider(&self) -> &'static str {
        "qvoice"
    }

    fn extensions(&self, _name: &str) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn reads(&self, inputs: &[PathBuf]) -> Vec<PathBuf> {
        let secrets = &self.args.secrets;
        let named = [
            &self.args.metadata,
            &secrets.config,
            &secrets.key_file,
            &secrets.salt_file,
            &self.args.method.profile,
        ];
        let sidecars = inputs.iter().filter_map(|input| sidecar(input));
        named
            .into_iter()
            .flatten()
            .cloned()
            .chain(sidecars)
            .collect()
    }

    fn describe(&self, input: &Path, line: &mut Line) -> Result<Hints, Failure> {
        let hints = self.hints(input)?;
        self.secrets_of(&hints, input)?;
        let key_id = hints.key_id.as_deref().or(self.key_id.as_deref());
        line.derived(hints.id.as_deref(), key_id);
        Ok(hints)
    }

    fn id<'a>(&self, hints: &'a Hints) -> Option<&'a str> {
        hints.id.as_deref()
    }

    fn look(&self, _: &Hints, source: &mut Source) -> Result<(), pipeline::Error> {
        let head = source.head().map_err(CipherError::Read)?;
        match sniff(head) {
            Some(_) if TextEncoding::of(head).is_some() => Ok(()),
            Some(seen) => Err(pipeline::Error::NotCiphertext(seen)),
            None if head.len() < crate::cipher::BLOCK => {
                let length = head.len() as u64;
                Err(CipherError::TooShort { length }.into())
            }
            None => Ok(()),
        }
    }

    fn unlock(
        &self,
        hints: &Hints,
        ciphertext: Ciphertext,
        input: &Path,
        line: &mut Line,
    ) -> Result<(Opener, Ciphertext), Failure> {
        let not_decrypted = |error| Failure::NotDecrypted(display(input), error);
        let reading = |error| not_decrypted(CipherError::Read(error).into());
        let (mut source, threads) = (ciphertext.source, ciphertext.threads);
        let encoding = TextEncoding::of(source.head().map_err(reading)?);
        let whole = match encoding {
            Some(encoding) => source.decoded(encoding),
            None => source.rereadable(),
        };
        source = whole.map_err(|error| {
            not_decrypted(match error.kind() {
                std::io::ErrorKind::InvalidData => pipeline::Error::NotCiphertext(Sniff::Text),
                _ => pipeline::Error::Spool(error),
            })
        })?;
        let ciphertext = Ciphertext { source, threads };

        // The first search teaches the others; until it is done they wait for it.
        let mut known = lock(&self.known);
        let found = if let Some(method) = known.clone() {
            drop(known);
            self.search(hints, ciphertext, Some(&method), input)?
        } else {
            let found = self.search(hints, ciphertext, None, input)?;
            if found.proven {
                self.learned(&found, input)?;
                *known = Some(found.method.clone());
            }
            found
        };
        let method = &found.method;
        if !found.proven && method.layout.mode() == Mode::Gcm {
            self.printer.warning(&format!(
                "`{}`: its beginning is a recording with {}, and nothing proves the rest: it is \
                 damaged, or its additional data is not known (see --aad)",
                display(input),
                profile::key_flags(method)
            ));
        }
        line.opened_with(
            method.layout.mode().name(),
            OpenedWith {
                version: found.version,
                encoding: encoding.map(TextEncoding::name),
                layout: method.layout.to_string(),
                kdf: method.kdf.to_string(),
                key_form: method.key_form.name().to_owned(),
                salt_form: method.salt_form.name().to_owned(),
                aad: method.aad.to_string(),
            },
        );
        let source = found.source;
        let ciphertext = Ciphertext { source, threads };
        Ok((found.opener, ciphertext))
    }
}

/// The configuration, or the key and salt that are given one by one.
fn read_secrets(args: &QvoiceSecrets, printer: &Printer) -> Result<(String, Config), Failure> {
    if let Some(path) = &args.config {
        let name = display(path);
        warn_if_readable_by_others(path, "configuration", printer);
        let bytes = metadata::read(path).map_err(|error| {
            Failure::from(QvoiceFailure::ConfigurationUnread(name.clone(), error))
        })?;
        let config = Config::parse(&bytes)
            .map_err(|error| Failure::from(QvoiceFailure::Configuration(name.clone(), error)))?;
        return Ok((name, config));
    }
    let Some(path) = &args.key_file else {
        return Err(Failure::Usage(
            "no key was given",
            "name the configuration with --config PATH, or the key's file with --key-file PATH",
        ));
    };
    warn_if_readable_by_others(path, "key", printer);
    let key = read_secret("key", path)?;
    let refused = |what, path: &Path, error: MetadataError| {
        Failure::from(QvoiceFailure::Secret(
            what,
            display(path),
            error.to_string(),
        ))
    };
    qvoice::check_key("it", &key).map_err(|error| refused("key", path, error))?;
    let mut salt = None;
    if let Some(path) = &args.salt_file {
        let text = read_secret("salt", path)?;
        qvoice::check_salt("it", &text).map_err(|error| refused("salt", path, error))?;
        salt = Some(text);
    }
    let pair = qvoice::Pair { key, salt };
    let config = Config {
        enabled: None,
        algorithm: None,
        key_id: None,
        versions: vec![qvoice::Version {
            number: args.key_version,
            pair: Ok(pair),
        }],
    };
    Ok((display(path), config))
}

/// A secret's text. A newline at its end is the file's, every other byte its own.
fn read_secret(what: &'static str, path: &Path) -> Result<Zeroizing<String>, Failure> {
    let read = if is_stdin(path) {
        io::read_limited(std::io::stdin(), LIMIT)
    } else {
        io::read_file(path, LIMIT)
    };
    let mut bytes = read
        .map_err(|error| Failure::from(QvoiceFailure::SecretUnread(what, display(path), error)))?;
    trim_newline(&mut bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::from(QvoiceFailure::Secret(
            what,
            display(path),
            "it is not UTF-8 text".to_owned(),
        ))
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn read_recordings(path: &Path) -> Result<Vec<Recording>, Failure> {
    let name = display(path);
    let bytes =
        metadata::read(path).map_err(|error| Failure::MetadataUnread(name.clone(), error))?;
    match qvoice::parse(&bytes) {
        Ok(recordings) if recordings.is_empty() => Err(Failure::NoRecordings(name)),
        Ok(recordings) => Ok(recordings),
        Err(error) => Err(Failure::from(QvoiceFailure::RecordingMetadata(name, error))),
    }
}
