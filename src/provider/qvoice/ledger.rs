//! The configuration as a file that is kept: what it knows, what the provider's answer adds.
//!
//! Qvoice keeps "all previous key versions" in its answer, and a recording is lost without the key
//! of its version. So nothing that the file knows goes because an answer lacks it, and an answer
//! that contradicts the file changes nothing.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::super::document;
use super::super::error::MetadataError;
use super::super::json::{Json, Object, is_same};
use super::config::{self, Pair, Table};
use super::{check_key, check_salt, write};

/// The members that have a meaning; all others are kept as they are.
const KNOWN: [&str; 9] = [
    "enabled",
    "algorithm",
    "key_version",
    "key_id",
    "salt",
    "key",
    "historical_keys",
    "historical_salts",
    "pending",
];

/// What stands beside `config` in an answer, and is not of the configuration.
const OF_ANSWER: [&str; 2] = ["success", "message"];

/// What a file or an answer of Qvoice's knows of an account's encryption. Its secrets are wiped
/// when dropped.
#[derive(Clone, Default)]
pub struct Ledger {
    enabled: Option<bool>,
    /// As it is spelt.
    algorithm: Option<String>,
    /// The number of the current version.
    key_version: Option<u64>,
    key_id: Option<String>,
    current: Known,
    older: BTreeMap<u64, Known>,
    /// A pair that was made, and perhaps taken.
    pending: Option<Pair>,
    others: Object,
    /// Versions of an answer that were left out.
    unusable: Vec<u64>,
}

/// What is known of a version: "Each version corresponds to a specific encryption key/salt pair".
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub key: Option<Zeroizing<String>>,
    /// Its salt.
    pub salt: Option<Zeroizing<String>>,
}

/// Why an answer says nothing of an account's encryption.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is no configuration, or one that cannot be kept.
    #[error(transparent)]
    Unreadable(#[from] MetadataError),
    /// `"success": false`.
    #[error("it says that it failed")]
    Failed {
        /// Its `message`, cut short. Untrusted text, which may repeat the key that was sent.
        message: Option<String>,
    },
}

/// Why an answer does not fit to the file: it is another account's, or one of them is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A version differs.
    #[error("version {version} has another {part} at the provider")]
    Differs {
        /// The version.
        version: u64,
        /// `key` or `salt`.
        part: &'static str,
    },
    /// The file is ahead.
    #[error("it knows version {file}, and the current version at the provider is {server}")]
    Ahead {
        /// The file's newest version.
        file: u64,
        /// The provider's current one.
        server: u64,
    },
    /// The file's key has no number, and the provider does not know it.
    #[error("its key has no version number, and is none of the versions at the provider")]
    Unknown,
    /// Together they could not be read again.
    #[error("together with the provider's answer it would be too large")]
    TooLarge,
}

impl Ledger {
    /// Reads a file as [`Config::parse`](super::Config::parse) does.
    ///
    /// # Errors
    /// See [`MetadataError`]. What could not be written again as it is, a pending key that Qvoice
    /// would refuse included, is an error.
    pub fn of_file(bytes: &[u8]) -> Result<Self, MetadataError> {
        let outer = config::outer(bytes)?;
        let object = config::inner(&outer)?;
        let mut ledger = Self::read(object)?;
        ledger.pending = config::pending(object)?.transpose()?;
        if config::config(&outer)?.is_some() {
            // What somebody wrote beside it stays, but not what is an answer's.
            let beside = |(name, _): &(&str, &Json)| {
                !is_one_of(name, &OF_ANSWER) && !is_same(name, "config")
            };
            for (name, value) in outer.members().filter(beside) {
                if is_one_of(name, &KNOWN) {
                    return Err(MetadataError::Invalid {
                        field: document::quoted(name),
                        problem: "beside config, and not in it".to_owned(),
                    });
                }
                ledger.others.extend([(name.to_owned(), value.clone())]);
            }
        }
        Ok(ledger)
    }

    /// Reads the body of an answer: `{"success": …, "message": …, "config": {…}}`, or the
    /// configuration alone. `"config": {}` is that of an account that was never configured.
    ///
    /// Old versions with a key or salt that Qvoice would refuse are [left out](Self::unusable).
    ///
    /// # Errors
    /// It says that it failed; it is no configuration; its current key or salt is none that Qvoice
    /// would take, as one that is masked.
    pub fn of_answer(bytes: &[u8]) -> Result<Self, AnswerError> {
        let outer = config::outer(bytes)?;
        match outer.get(&["success"])? {
            None | Some((_, Json::Bool(true))) => {}
            Some((_, Json::Bool(false))) => {
                let message = outer.text(&["message"]).ok().flatten();
                return Err(AnswerError::Failed {
                    message: message.map(|(_, text)| document::quoted(text)),
                });
            }
            Some((name, other)) => return Err(config::not(name, other, "a boolean").into()),
        }
        if config::config(&outer)?.is_some_and(|config| config.members().next().is_none()) {
            return Ok(Self::default());
        }
        let mut ledger = Self::read(config::inner(&outer)?)?;
        if config::config(&outer)?.is_none() {
            let members = std::mem::take(&mut ledger.others).into_members();
            let of_config = |(name, _): &(String, Json)| !is_one_of(name, &OF_ANSWER);
            ledger.others = members.into_iter().filter(of_config).collect();
        }
        ledger.current.check("key", "salt")?;
        let refused = |known: &Known| known.check("key", "salt").is_err();
        let unusable = ledger.older.iter().filter(|(_, known)| refused(known));
        ledger.unusable = unusable.map(|(number, _)| *number).collect();
        ledger.older.retain(|_, known| !refused(known));
        Ok(ledger)
    }

    /// All but `pending`.
    fn read(object: &Object) -> Result<Self, MetadataError> {
        let Table {
            number,
            current,
            older,
        } = config::table(object)?;
        // It would be read in place of what is written around it.
        if let Some((name, _)) = object.get(&["config"])? {
            return Err(MetadataError::Invalid {
                field: document::quoted(name),
                problem: "inside of config".to_owned(),
            });
        }
        let others = object
            .members()
            .filter(|(name, _)| !is_one_of(name, &KNOWN));
        Ok(Self {
            enabled: config::enabled(object)?,
            algorithm: config::algorithm(object)?.map(|(name, _)| name.to_owned()),
            key_version: number,
            key_id: config::key_id(object)?,
            current: Known::of(current),
            older: older
                .into_iter()
                .map(|(number, pair)| (number, Known::of(pair)))
                .collect(),
            pending: None,
            others: others
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
            unusable: vec![],
        })
    }

    /// Whether new recordings are encrypted.
    pub fn enabled(&self) -> Option<bool> {
        self.enabled
    }

    /// The algorithm of new recordings, as it is spelt.
    pub fn algorithm(&self) -> Option<&str> {
        self.algorithm.as_deref()
    }

    /// The number of the current version.
    pub fn key_version(&self) -> Option<u64> {
        self.key_version
    }

    /// "A unique identifier for your encryption key". Untrusted text.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The current version's key.
    pub fn key(&self) -> Option<&str> {
        self.current.key.as_ref().map(|key| key.as_str())
    }

    /// The current version's salt.
    pub fn salt(&self) -> Option<&str> {
        self.current.salt.as_ref().map(|salt| salt.as_str())
    }

    /// The versions and their numbers, newest first. A pending pair is none.
    pub fn versions(&self) -> impl Iterator<Item = (Option<u64>, &Known)> {
        let current = (self.current != Known::default()).then_some(&self.current);
        let current = current.map(|known| (self.key_version, known));
        let older = self.older.iter().rev();
        current
            .into_iter()
            .chain(older.map(|(number, known)| (Some(*number), known)))
    }

    /// Versions of an answer that were left out: their key or salt is none that Qvoice would take.
    pub fn unusable(&self) -> &[u64] {
        &self.unusable
    }

    /// Whether it has neither a version nor a pending pair. What is written then is no
    /// configuration that can be read again.
    pub fn is_empty(&self) -> bool {
        self.current.key.is_none() && self.older.is_empty() && self.pending.is_none()
    }

    /// The pair that was made, and perhaps taken.
    pub fn pending(&self) -> Option<&Pair> {
        self.pending.as_ref()
    }

    /// Sets the pair that was made.
    ///
    /// # Errors
    /// Qvoice would not take it, or there is another one, which Qvoice may have taken.
    pub fn set_pending(&mut self, pair: Pair) -> Result<(), MetadataError> {
        Known::of_pair(&pair).check("pending.key", "pending.salt")?;
        if self.pending.as_ref().is_some_and(|other| *other != pair) {
            return Err(MetadataError::Contradiction {
                first: "pending".to_owned(),
                second: "another pending".to_owned(),
            });
        }
        self.pending = Some(pair);
        Ok(())
    }

    /// Whether a version has exactly this key and this salt.
    pub fn has(&self, pair: &Pair) -> bool {
        let wanted = Known::of_pair(pair);
        self.versions().any(|(_, known)| *known == wanted)
    }

    /// Whether the version that Qvoice would make next is one that the file does not know, or knows
    /// as its pending pair. Where it is not free, the account was reset, or is another one: the
    /// file could not keep both.
    pub fn next_version_is_free(&self, server: &Self) -> bool {
        let newest = server.numbers().max().max(server.key_version);
        let Some(next) = newest.unwrap_or(0).checked_add(1) else {
            return false;
        };
        let pending = self.pending.as_ref().map(Known::of_pair);
        let mut known = self.versions().filter(|(number, _)| *number == Some(next));
        known.all(|(_, known)| Some(known) == pending.as_ref())
    }

    /// Takes over what the server says.
    ///
    /// Versions that the server forgot stay; the current one becomes an old one when the server
    /// has a newer one; the pending pair goes when the server has it. Where the server knows
    /// nothing, encryption is off.
    ///
    /// # Errors
    /// The file is another account's. Nothing is changed then.
    pub fn merge(&mut self, server: &Self) -> Result<(), Conflict> {
        let mut merged = self.clone();
        if server.versions().next().is_some() {
            merged.take_versions(server)?;
        }
        let is_unconfigured = server.versions().next().is_none() && server.key_version.is_none();
        let otherwise = if is_unconfigured {
            Some(false)
        } else {
            self.enabled
        };
        merged.enabled = server.enabled.or(otherwise);
        if server.algorithm.is_some() {
            merged.algorithm.clone_from(&server.algorithm);
        }
        if server.key_id.is_some() {
            merged.key_id.clone_from(&server.key_id);
        }
        merged.others = united(merged.others, &server.others);
        if let Some(pending) = merged.pending.as_ref().map(Known::of_pair)
            && server.versions().any(|(_, known)| known.covers(&pending))
        {
            merged.pending = None;
        }
        // There are limits to what is read.
        if !merged.is_empty() && Self::of_file(&merged.to_json()).is_err() {
            return Err(Conflict::TooLarge);
        }
        *self = merged;
        Ok(())
    }

    fn take_versions(&mut self, server: &Self) -> Result<(), Conflict> {
        let (mine, own_number) = (std::mem::take(&mut self.current), self.key_version);
        let mut versions = std::mem::take(&mut self.older);
        let mut theirs = server.current.clone();
        let mut number = server.key_version;
        if mine != Known::default() {
            let place = match own_number {
                Some(_) => own_number,
                None => server.find(&mine)?,
            };
            match place {
                Some(version) => join(&mut versions, version, &mine)?,
                None => theirs.salt = theirs.salt.or(mine.salt),
            }
        }
        let ahead = |file: &BTreeMap<u64, Known>, server: Option<u64>| {
            let (file, server) = (*file.last_key_value()?.0, server?);
            (file > server).then_some(Conflict::Ahead { file, server })
        };
        if theirs.key.is_none() {
            // Without a key its number says nothing of the keys that the file has.
            number = own_number;
        } else {
            // A key without a number is the version that the file knows it as, unless that is one
            // that the server itself calls old.
            let same = |(version, known): &(&u64, &Known)| {
                known.is_same_key(&theirs) && !server.older.contains_key(version)
            };
            let known = || versions.iter().rev().find(same);
            number = number.or_else(|| known().map(|(version, _)| *version));
            ahead(&versions, number).map_or(Ok(()), Err)?;
        }
        for (version, known) in &server.older {
            join(&mut versions, *version, known)?;
        }
        if theirs.key.is_some() {
            ahead(&versions, number).map_or(Ok(()), Err)?;
            self.current = match number {
                Some(version) => {
                    join(&mut versions, version, &theirs)?;
                    versions.remove(&version).unwrap_or_default()
                }
                None => theirs,
            };
            self.key_version = number;
        } else {
            // The file's current version stays that, unless there is a newer one.
            let newest = versions.last_key_value().map(|(version, _)| *version);
            self.key_version = number.filter(|number| newest == Some(*number));
            let current = self
                .key_version
                .and_then(|version| versions.remove(&version));
            self.current = current.unwrap_or_default();
        }
        self.older = versions;
        Ok(())
    }

    /// The place of a pair without a number: that of the version that has it, or else of one that
    /// does not contradict it.
    fn find(&self, mine: &Known) -> Result<Option<u64>, Conflict> {
        let keys = || self.versions().filter(|(_, known)| known.key.is_some());
        let mut covering = keys().filter(|(_, known)| known.covers(mine));
        let mut similar = keys().filter(|(_, known)| known.is_same_key(mine));
        let found = covering.next().or_else(|| similar.next());
        let (number, _) = found.ok_or(Conflict::Unknown)?;
        Ok(number)
    }

    fn numbers(&self) -> impl Iterator<Item = u64> {
        self.versions().filter_map(|(number, _)| number)
    }

    /// The file's text: JSON, its members in the guide's order.
    pub fn to_json(&self) -> Zeroizing<Vec<u8>> {
        let text = |text: &str| Json::text(text);
        let older = |part: fn(&Known) -> &Option<Zeroizing<String>>| {
            let known = self.older.iter().filter_map(|(number, known)| {
                let text = part(known).as_ref()?;
                Some((number.to_string(), Json::text(text)))
            });
            let map: Vec<_> = known.collect();
            (!map.is_empty()).then(|| Json::Object(map.into_iter().collect()))
        };
        let pending = self.pending.as_ref().map(|pair| {
            let salt = pair.salt.as_ref();
            let members = [
                Some(("key".to_owned(), text(&pair.key))),
                salt.map(|salt| ("salt".to_owned(), text(salt))),
            ];
            Json::Object(members.into_iter().flatten().collect())
        });
        let values = [
            self.enabled.map(Json::Bool),
            self.algorithm().map(text),
            self.key_version.map(|number| Json::Number(number.into())),
            self.key_id().map(text),
            self.salt().map(text),
            self.key().map(text),
            older(|known| &known.key),
            older(|known| &known.salt),
            pending,
        ];
        let known = KNOWN.into_iter().zip(values);
        let known = known.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let others = self.others.members();
        let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
        write::json(&Json::Object(known.chain(others).collect()))
    }
}

impl Known {
    fn of([key, salt]: [Option<&str>; 2]) -> Self {
        let own = |text: &str| Zeroizing::new(text.to_owned());
        Self {
            key: key.map(own),
            salt: salt.map(own),
        }
    }

    fn of_pair(pair: &Pair) -> Self {
        Self {
            key: Some(pair.key.clone()),
            salt: pair.salt.clone(),
        }
    }

    /// Whether Qvoice would have taken what is known, and it is whole.
    fn check(&self, key_name: &str, salt_name: &str) -> Result<(), MetadataError> {
        if let Some(key) = &self.key {
            check_key(key_name, key)?;
            if is_masked(key) {
                return Err(MetadataError::Invalid {
                    field: key_name.to_owned(),
                    problem: "masked".to_owned(),
                });
            }
        }
        match &self.salt {
            Some(salt) => check_salt(salt_name, salt),
            None => Ok(()),
        }
    }

    /// Whether it has all that the other has.
    fn covers(&self, other: &Self) -> bool {
        let has = |mine, other: &Option<_>| other.is_none() || mine == other;
        has(&self.key, &other.key) && has(&self.salt, &other.salt)
    }

    /// Whether the key is the same, and the salts may be.
    fn is_same_key(&self, other: &Self) -> bool {
        let is_contrary = self.salt.is_some() && other.salt.is_some() && self.salt != other.salt;
        self.key.is_some() && self.key == other.key && !is_contrary
    }
}

/// Adds what is known of a version.
fn join(versions: &mut BTreeMap<u64, Known>, version: u64, known: &Known) -> Result<(), Conflict> {
    let mine = versions.entry(version).or_default();
    for (part, mine, other) in [
        ("key", &mut mine.key, &known.key),
        ("salt", &mut mine.salt, &known.salt),
    ] {
        if mine.is_some() && other.is_some() && mine != other {
            return Err(Conflict::Differs { version, part });
        }
        if mine.is_none() {
            mine.clone_from(other);
        }
    }
    Ok(())
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|one| is_same(one, name))
}

/// Whether a text of 32 characters and more stands for a key that is not shown.
fn is_masked(key: &str) -> bool {
    let stars = ["*", "•", "●"].map(|star| star.repeat(8));
    stars.iter().any(|stars| key.contains(stars))
        || key.chars().all(|char| matches!(char, 'x' | 'X'))
}

/// The members of both. Of one that both have, the newer value, unless that is `null`; an object
/// has the members of both.
fn united(mine: Object, theirs: &Object) -> Object {
    let mut members = mine.into_members();
    let places = members.iter().enumerate();
    let mut places: BTreeMap<_, _> = places
        .map(|(place, (name, _))| (name.clone(), place))
        .collect();
    for (name, value) in theirs.members() {
        let place = places.get(name).and_then(|place| members.get_mut(*place));
        match (place.map(|(_, value)| value), value) {
            (Some(Json::Object(mine)), Json::Object(theirs)) => {
                *mine = united(std::mem::take(mine), theirs);
            }
            (Some(_), Json::Null) => {}
            (Some(mine), theirs) => *mine = theirs.clone(),
            (None, theirs) => {
                places.insert(name.to_owned(), members.len());
                members.push((name.to_owned(), theirs.clone()));
            }
        }
    }
    members.into_iter().collect()
}

#[cfg(test)]
mod tests;
