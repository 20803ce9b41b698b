//! Twilio Video: for which key recordings and compositions are encrypted.

use super::error::{Error, Whose};
use super::{Failed, Plan, Prepared, make};
use crate::api::{Api, Draft, MediaKind, MediaSettings, VideoSettings};

const WHOSE: Whose = Whose::TwilioVideo;
const READING: &str = "read the settings of Twilio Video";
const CHANGING: &str = "change the settings of Twilio Video";
const CHANGED: &str = "the settings of Twilio Video are changed";

/// What settings are called that had none.
const NAME: &str = "unreel";

/// What the settings are to be.
pub(crate) struct Wanted {
    /// Which of them.
    pub kinds: Vec<MediaKind>,
    /// For which key media is encrypted; where none is named, the one that is set.
    pub key: Option<String>,
    /// Whether it is to be encrypted.
    pub enabled: bool,
}

/// Changes of settings.
pub(crate) struct Changing {
    /// One or both.
    pub changes: Vec<Change>,
}

/// The change of one kind of settings.
pub(crate) struct Change {
    /// Which.
    pub kind: MediaKind,
    /// What they are now; `None` where there are none.
    pub now: Option<MediaSettings>,
    /// What they will be.
    pub wanted: MediaSettings,
    draft: Draft,
}

/// Settings as they are.
pub(crate) struct Shown {
    /// Which, and what they are; `None` where there are none.
    pub settings: Vec<(MediaKind, Option<MediaSettings>)>,
    /// Whether something was changed.
    pub is_changed: bool,
}

/// The settings of recordings and of compositions.
///
/// # Errors
/// See [`Error`].
pub(crate) fn show(api: &Api) -> Result<Shown, Error> {
    let asked = |error| Error::Provider(WHOSE, READING, error);
    let settings = api.video_settings().map_err(asked)?;
    let kinds = [MediaKind::Recordings, MediaKind::Compositions].into_iter();
    let all = kinds.map(|kind| Ok((kind, settings.fetch(kind).map_err(asked)?)));
    Ok(Shown {
        settings: all.collect::<Result<_, Error>>()?,
        is_changed: false,
    })
}

/// Asks for the settings, and says what has to change in them.
///
/// # Errors
/// See [`Error`].
pub(crate) fn change(api: &Api, wanted: &Wanted) -> Result<Prepared<Changing>, Error> {
    let asked = |error| Error::Provider(WHOSE, READING, error);
    let settings = api.video_settings().map_err(asked)?;
    let (mut changes, mut in_place) = (Vec::new(), Vec::new());
    for kind in &wanted.kinds {
        let now = settings.fetch(*kind).map_err(asked)?;
        match of(wanted, *kind, now.as_ref())? {
            Some(wanted) => changes.push(Change {
                kind: *kind,
                draft: settings.update(*kind, &wanted).map_err(asked)?,
                wanted,
                now,
            }),
            None => in_place.push((*kind, now)),
        }
    }
    Ok(if changes.is_empty() {
        Prepared::InPlace(Shown {
            settings: in_place,
            is_changed: false,
        })
    } else {
        Prepared::Planned(Changing { changes })
    })
}

/// What settings are to be that are `now`; `None` where they are that.
fn of(
    wanted: &Wanted,
    kind: MediaKind,
    now: Option<&MediaSettings>,
) -> Result<Option<MediaSettings>, Error> {
    let mut new = now.cloned().unwrap_or_default();
    if new.friendly_name.is_empty() {
        NAME.clone_into(&mut new.friendly_name);
    }
    new.encryption_enabled = wanted.enabled;
    if wanted.enabled {
        let key = wanted.key.clone().or(new.encryption_key_sid);
        new.encryption_key_sid = Some(key.ok_or(Error::NoKeyChosen(kind.of_settings()))?);
    }
    let is_so = match now {
        Some(now) => {
            now.encryption_enabled == wanted.enabled
                && (!wanted.enabled || now.encryption_key_sid == new.encryption_key_sid)
        }
        None => !wanted.enabled,
    };
    Ok((!is_so).then_some(new))
}

impl MediaKind {
    /// What its settings are called.
    pub(crate) fn of_settings(self) -> &'static str {
        match self {
            Self::Recordings => "the settings of recordings",
            Self::Compositions => "the settings of compositions",
        }
    }
}

impl Plan for Changing {
    type Done = Shown;

    fn drafts(&self) -> Vec<&Draft> {
        self.changes.iter().map(|change| &change.draft).collect()
    }

    fn apply(self, api: &Api) -> Result<Shown, Error> {
        let settings = api.video_settings();
        let settings = settings.map_err(|error| Error::Provider(WHOSE, CHANGING, error))?;
        let mut done: Vec<(MediaKind, Option<MediaSettings>)> = Vec::new();
        for change in self.changes {
            let made = change.make(api, &settings);
            let now = made.map_err(|error| match done.last() {
                None => error,
                Some((kind, _)) => Error::Half(
                    format!("{} are changed", kind.of_settings()),
                    Box::new(error),
                ),
            })?;
            done.push((change.kind, Some(now)));
        }
        Ok(Shown {
            settings: done,
            is_changed: true,
        })
    }
}

impl Change {
    /// Whether settings are what was asked for. What they are called, and the key of media that is not
    /// encrypted, are Twilio's to say.
    fn is_made(&self, now: &MediaSettings) -> bool {
        let wanted = &self.wanted;
        let key = |settings: &MediaSettings| {
            let key = settings.encryption_key_sid.clone();
            key.filter(|_| settings.encryption_enabled)
        };
        let storage = |settings: &MediaSettings| {
            let (credentials, url) = (&settings.aws_credentials_sid, &settings.aws_s3_url);
            (
                settings.aws_storage_enabled,
                credentials.clone(),
                url.clone(),
            )
        };
        now.encryption_enabled == wanted.encryption_enabled
            && key(now) == key(wanted)
            && storage(now) == storage(wanted)
    }

    /// Makes it, and reads it back. The POST replaces everything: what somebody else changed since it
    /// was shown must not be lost.
    fn make(&self, api: &Api, settings: &VideoSettings) -> Result<MediaSettings, Error> {
        let now = settings.fetch(self.kind);
        let now = now.map_err(|error| Error::Provider(WHOSE, READING, error))?;
        if let Some(now) = now.clone().filter(|now| self.is_made(now)) {
            return Ok(now);
        }
        if now != self.now {
            return Err(Error::ChangedMeanwhile(self.kind.of_settings()));
        }
        let look = || {
            let now = settings.fetch(self.kind)?;
            Ok(now.filter(|now| self.is_made(now)))
        };
        let made = make(api, &self.draft, |_| None, look);
        made.map_err(|failed: Failed| failed.of(WHOSE, CHANGING, CHANGED))
    }
}
