//! Keys that are shared with the provider: content keys are derived from them, in a format that
//! is found by trying.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::error::{Error, Trouble};
use super::input::Input;
use super::observer::{Event, Observer};
use super::record::{About, How};
use super::secret_file::{LIMIT, tell_if_exposed, trimmed};
use super::{metadata, profile};
use crate::cipher::lock;
use crate::envelope::Mode;
use crate::io::Source;
use crate::pipeline::search::{Derived, Finder, Found, Method, Pins, SearchError, Secret, Subject};
use crate::pipeline::{self, Opener};
use crate::provider::MetadataError;
use crate::provider::qvoice::{self, Config, Hints};

/// Where the keys and salts come from.
#[derive(Clone, Debug)]
pub(crate) enum SharedFrom {
    /// The provider's configuration, with all versions.
    Config(Input),
    /// One key, and perhaps a salt, as text.
    Files {
        /// The key.
        key: Input,
        /// The salt.
        salt: Option<Input>,
    },
}

/// What of a format is known, and how long the rest may be looked for.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    /// What need not be looked for.
    pub pins: Pins,
    /// A file that has them, or will have them when a recording was opened.
    pub profile: Option<PathBuf>,
    /// For one recording.
    pub budget: Duration,
}

/// What a search may spend, and who is told.
#[derive(Clone, Copy)]
pub(super) struct Effort<'a> {
    /// Threads for the first search, while the other recordings wait for what it finds.
    pub(super) alone: usize,
    /// Threads for one recording among several.
    pub(super) threads: usize,
    /// Who is told.
    pub(super) observer: &'a dyn Observer,
}

/// The keys of a run, and what is known of the format.
pub(crate) struct SharedKeys {
    from: SharedFrom,
    /// What the keys were read from.
    origin: String,
    secrets: Vec<Secret>,
    /// One that was made for the next version, and perhaps never taken. It is tried last.
    pending: Option<Secret>,
    /// Versions that the provider itself would refuse, and why.
    unusable: Vec<(Option<u64>, MetadataError)>,
    key_id: Option<String>,
    /// The version that the caller asks for.
    asked: Option<u64>,
    format: Format,
    derived: Derived,
    /// What opened the first recording.
    known: Mutex<Option<Method>>,
}

impl SharedKeys {
    /// Reads keys and profile. `version` is the one to use of a configuration, or that of the
    /// one key.
    ///
    /// # Errors
    /// A file cannot be read or used, or there is no such version.
    pub(crate) fn read(
        from: SharedFrom,
        version: Option<u64>,
        mut format: Format,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let (origin, config) = match &from {
            SharedFrom::Config(path) => read_config(path, observer)?,
            SharedFrom::Files { key, salt } => read_files(key, salt.as_ref(), version, observer)?,
        };
        if let Some(path) = &format.profile
            && let Some(pins) = profile::read(path)?
        {
            format.pins = pins;
        }
        let mut keys = Self {
            from,
            origin,
            secrets: vec![],
            pending: None,
            unusable: vec![],
            key_id: config.key_id,
            asked: version,
            format,
            derived: Derived::default(),
            known: Mutex::new(None),
        };
        for version in config.versions {
            let number = version.number;
            let secret = version.pair.map(|pair| Secret {
                version: number,
                key: pair.key,
                salt: pair.salt,
            });
            match secret {
                Ok(secret) if version.pending => keys.pending = Some(secret),
                Ok(secret) => keys.secrets.push(secret),
                Err(error) => keys.unusable.push((number, error)),
            }
        }
        if let Some(asked) = version {
            let known = || keys.versions();
            keys.of_version(asked)?
                .ok_or_else(|| Error::NoSuchVersion {
                    asked,
                    known: known(),
                })?;
        } else if keys.secrets.is_empty()
            && keys.pending.is_none()
            && let Some((_, error)) = keys.unusable.pop()
        {
            return Err(Error::Configuration(keys.origin, error));
        }
        Ok(keys)
    }

    /// The files that keys, salts and profile are in.
    pub(super) fn files(&self) -> Vec<Input> {
        let mut files = match &self.from {
            SharedFrom::Config(path) => vec![path.clone()],
            SharedFrom::Files { key, salt } => std::iter::once(key).chain(salt).cloned().collect(),
        };
        files.extend(self.format.profile.clone().map(Input::File));
        files
    }

    fn versions(&self) -> Vec<u64> {
        let unusable = self.unusable.iter().map(|(number, _)| *number);
        let usable = self.secrets.iter().map(|secret| secret.version);
        let mut versions: Vec<_> = usable.chain(unusable).flatten().collect();
        versions.sort_unstable();
        versions
    }

    /// The pairs of a version: its own, those that have no number, and what is pending, for that
    /// may have become it. `None` if there is none.
    fn of_version(&self, number: u64) -> Result<Option<Vec<&Secret>>, Error> {
        let fits = |secret: &&Secret| secret.version.is_none_or(|version| version == number);
        let mut found: Vec<_> = self.secrets.iter().filter(fits).collect();
        found.sort_by_key(|secret| secret.version.is_none());
        let unusable = self
            .unusable
            .iter()
            .find(|(known, _)| *known == Some(number));
        // A version that is known is not the next one.
        if found.is_empty()
            && let Some((_, error)) = unusable
        {
            return Err(Error::Configuration(self.origin.clone(), error.clone()));
        }
        found.extend(&self.pending);
        Ok((!found.is_empty()).then_some(found))
    }

    /// "Uses the stored metadata to identify the correct key and version"; without it, the
    /// current version and then the older ones, newest first, and what is pending.
    pub(super) fn secrets_of(&self, hints: &Hints, input: &Input) -> Result<Vec<&Secret>, Error> {
        let Some(asked) = self.asked.or(hints.version) else {
            return Ok(self.secrets.iter().chain(&self.pending).collect());
        };
        self.of_version(asked)?.ok_or_else(|| Error::NoVersion {
            input: input.to_string(),
            asked,
            known: self.versions(),
        })
    }

    /// The name of the keys, where the configuration has one.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Finds what opens the recording.
    pub(super) fn search(
        &self,
        hints: &Hints,
        source: Source,
        effort: Effort,
        input: &Input,
        about: &mut About,
    ) -> Result<(Opener, Source), Trouble> {
        // The first search teaches the others; until it is done they wait for it.
        let mut known = lock(&self.known);
        let found = if let Some(method) = known.clone() {
            drop(known);
            self.run(hints, source, Some(&method), effort, input)?
        } else {
            let found = self.run(hints, source, None, effort, input)?;
            if found.proven {
                self.learned(&found.method, input, effort.observer)?;
                *known = Some(found.method.clone());
            }
            found
        };
        let method = found.method;
        if !found.proven && method.layout.mode() == Mode::Gcm {
            effort.observer.event(Event::Unproven {
                input,
                method: &method,
            });
        }
        about.cipher = Some(method.layout.mode());
        about.found = Some(Box::new(How {
            version: found.version,
            encoding: about.wrapper.and_then(|wrapper| wrapper.encoding()),
            method,
        }));
        Ok((found.opener, found.source))
    }

    fn run(
        &self,
        hints: &Hints,
        mut source: Source,
        known: Option<&Method>,
        effort: Effort,
        input: &Input,
    ) -> Result<Found, Error> {
        let threads = match known {
            None => effort.alone,
            Some(_) => effort.threads,
        };
        let bar = effort.observer.bar(input, None);
        let secrets = self.secrets_of(hints, input)?;
        let unread = |error| Error::Unread(input.to_string(), error);
        let spooled = |error| Error::NotDecrypted(input.to_string(), pipeline::Error::Spool(error));
        let head = source.head().map_err(unread)?.to_vec();
        let search = Finder {
            subject: Subject {
                source: &source.stored().map_err(spooled)?,
                head: &head,
                mode: hints.algorithm,
                iv: hints.iv.as_deref(),
                tag: hints.tag,
                salt: hints.salt.as_ref().map(|salt| salt.as_str()),
                id: hints.id.as_deref(),
                key_id: hints.key_id.as_deref().or(self.key_id()),
            },
            secrets: &secrets,
            pins: &self.format.pins,
            known,
            derived: &self.derived,
            deadline: Instant::now() + self.format.budget,
            threads,
            progress: &|done, total| bar.tried(done, total),
        };
        search.run().map_err(|error| match error {
            SearchError::Read(error) => unread(error),
            SearchError::GaveUp(reason) => Error::NotFound {
                input: input.to_string(),
                reason: Box::new(reason),
                pinned: self.format.pins != Pins::default(),
                skipped: match self.asked.or(hints.version) {
                    None => self.unusable.clone(),
                    Some(_) => vec![],
                },
            },
        })
    }

    /// Tells how the first recording was opened, so that nobody has to try again.
    fn learned(
        &self,
        method: &Method,
        input: &Input,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        observer.event(Event::Learned { input, method });
        match &self.format.profile {
            Some(path) => profile::write_new(path, method),
            None => Ok(()),
        }
    }
}

fn read_config(path: &Input, observer: &dyn Observer) -> Result<(String, Config), Error> {
    tell_if_exposed(path, "configuration", observer);
    let (name, read) = path.read_secret(metadata::LIMIT);
    let bytes = read.map_err(|error| Error::ConfigurationUnread(name.clone(), error))?;
    let config =
        Config::parse(&bytes).map_err(|error| Error::Configuration(name.clone(), error))?;
    Ok((name, config))
}

fn read_files(
    key: &Input,
    salt: Option<&Input>,
    version: Option<u64>,
    observer: &dyn Observer,
) -> Result<(String, Config), Error> {
    tell_if_exposed(key, "key", observer);
    let origin = key.secret_name();
    let key = read_secret_text("key", key, qvoice::check_key)?;
    let salt = salt.map(|salt| read_secret_text("salt", salt, qvoice::check_salt));
    let pair = qvoice::Pair {
        key,
        salt: salt.transpose()?,
    };
    let config = Config {
        enabled: None,
        algorithm: None,
        key_id: None,
        versions: vec![qvoice::Version {
            number: version,
            pending: false,
            pair: Ok(pair),
        }],
    };
    Ok((origin, config))
}

/// A secret's text. A newline at its end is the file's, every other byte its own.
pub(super) fn read_secret_text(
    what: &'static str,
    file: &Input,
    check: fn(&str, &str) -> Result<(), MetadataError>,
) -> Result<Zeroizing<String>, Error> {
    let (name, read) = file.read_secret(LIMIT);
    let bytes = read
        .map(trimmed)
        .map_err(|error| Error::SecretUnread(what, name.clone(), error))?;
    let refused = |why: String| Error::Secret(what, name.clone(), why);
    let text =
        std::str::from_utf8(&bytes).map_err(|_| refused("it is not UTF-8 text".to_owned()))?;
    check("it", text).map_err(|error| refused(error.to_string()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::observer::Bar;
    use crate::job::record::Record;

    struct Nobody;

    impl Observer for Nobody {
        fn event(&self, _: Event<'_>) {}
        fn bar(&self, _: &Input, _: Option<u64>) -> Box<dyn Bar + '_> {
            unreachable!("nothing is searched")
        }
        fn done(&self, _: &Record) -> bool {
            true
        }
        fn stopped(&self, _: &Record) {}
    }

    /// The first letters of the keys that are tried on a recording of a version, in order.
    fn tried(config: &str, version: Option<u64>) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config).unwrap();
        let format = Format {
            pins: Pins::default(),
            profile: None,
            budget: Duration::ZERO,
        };
        let from = SharedFrom::Config(Input::File(path.clone()));
        let said = |error| match error {
            Error::Configuration(_, why) => why.to_string(),
            other => other.to_string(),
        };
        let keys = SharedKeys::read(from, None, format, &Nobody).map_err(said)?;
        let hints = Hints {
            version,
            ..Hints::default()
        };
        let secrets = keys.secrets_of(&hints, &Input::File(path)).map_err(said)?;
        Ok(secrets.iter().map(|secret| &secret.key[..1]).collect())
    }

    fn config(current: &str, pending: &str) -> String {
        let key = |letter: &str| format!("\"{}\"", letter.repeat(32));
        format!(
            r#"{{{current}"historical_keys": {{"1": {}, "2": "short"}}, {pending}}}"#,
            key("o")
        )
        .replace("KEY", &key("k"))
        .replace("NEXT", &key("n"))
    }

    #[test]
    fn what_is_pending_is_tried_last_and_where_a_version_is_not_known() {
        let pending = r#""pending": {"key": NEXT, "salt": "s"}"#;
        let numbered = config(r#""key": KEY, "key_version": 3, "#, pending);
        for (version, expected) in [
            (None, "kon"),
            (Some(3), "kn"),
            (Some(1), "on"),
            (Some(4), "n"),
        ] {
            assert_eq!(tried(&numbered, version).as_deref(), Ok(expected));
        }
        // What is known and cannot be used is not what is pending.
        let error = tried(&numbered, Some(2)).unwrap_err();
        assert!(
            error.contains("historical_keys[2] is 5 characters"),
            "{error}"
        );
        // A current key without a number may be any version, as before; its own comes first.
        let unnumbered = config(r#""key": KEY, "#, pending);
        for (version, expected) in [
            (None, "kon"),
            (Some(1), "okn"),
            (Some(2), "kn"),
            (Some(4), "kn"),
        ] {
            assert_eq!(tried(&unnumbered, version).as_deref(), Ok(expected));
        }
        let alone = config("", pending).replace("\"1\"", "\"9\"");
        assert_eq!(tried(&alone, Some(1)).as_deref(), Ok("n"));
        let only = r#"{"pending": {"key": "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"}}"#;
        for version in [None, Some(1)] {
            assert_eq!(tried(only, version).as_deref(), Ok("n"));
        }
    }

    #[test]
    fn a_pending_key_that_cannot_be_used_is_like_another_version() {
        for pending in ["7", "{}", r#"{"key": "short"}"#] {
            let text = config("", &format!(r#""pending": {pending}"#));
            assert_eq!(tried(&text, None).as_deref(), Ok("o"));
            let error = tried(&text, Some(4)).unwrap_err();
            assert!(error.contains("version 4"), "{error}");
        }
        let only = tried(r#"{"pending": {"key": "short"}}"#, None).unwrap_err();
        assert!(only.contains("pending.key is 5 characters long"), "{only}");
    }
}
