//! What a provider says of a recording, and its media on the way here.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::link::Link;
use super::sent::Sent;
use crate::provider::{IdKind, Provider};

/// A recording that somebody asks for by its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    /// Whose it is.
    pub provider: Provider,
    /// What kind of id, which may be that of a group.
    pub kind: IdKind,
    /// The id, as it was given.
    pub id: String,
    /// The account it is in (`AC…`), where that was said.
    pub account: Option<String>,
}

impl Resource {
    /// The same with its id as providers write them, where it was given otherwise: hexadecimal
    /// digits in lower case. Of a session's id the case has a meaning.
    pub(super) fn in_lower_case(&self) -> Option<Self> {
        let prefix = match self.kind {
            IdKind::Session => return None,
            IdKind::Archive => 0,
            IdKind::Recording
            | IdKind::Call
            | IdKind::Conference
            | IdKind::Track
            | IdKind::Composition
            | IdKind::Room => 2,
        };
        let mut id = self.id.clone();
        id.get_mut(prefix..)?.make_ascii_lowercase();
        (id != self.id).then(|| Self { id, ..self.clone() })
    }
}

/// Which recordings of an account are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Those of this group; all of the account where there is none.
    pub group: Option<Resource>,
    /// Those created at this time or after.
    pub since: Option<Timestamp>,
    /// Those created before this time.
    pub until: Option<Timestamp>,
    /// Also those whose media the provider has deleted.
    pub include_deleted: bool,
}

impl Selection {
    /// Whether what was made at `created` is meant. What has no readable date is.
    pub(super) fn has(&self, created: Option<Timestamp>) -> bool {
        created.is_none_or(|created| {
            self.since.is_none_or(|since| since <= created)
                && self.until.is_none_or(|until| created < until)
        })
    }
}

/// What a provider says of one recording.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    /// Whose it is.
    pub provider: Provider,
    /// Its id, of the shape that the provider's ids have.
    pub id: String,
    /// What the provider answered of it, byte for byte: JSON. Untrusted text.
    pub document: Vec<u8>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// The call or conference, the room, the session that it belongs to. Untrusted text.
    pub parent: Option<String>,
    /// The account, application or project. Untrusted text.
    pub account: Option<String>,
    /// How long it plays, where the provider says.
    pub duration: Option<Duration>,
    /// Bytes of the media, where the provider says.
    pub size: Option<u64>,
    /// SHA-256 of the media, where the provider says.
    pub sha256: Option<[u8; 32]>,
    /// What became of it.
    pub state: State,
    /// Whether it is the messages of a data track, which nobody can play.
    pub is_data: bool,
    /// Where its media is to be asked for: a URL of the provider's answer, or of its own making.
    pub(super) place: Place,
}

/// What became of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It can be fetched.
    Ready,
    /// It is not completed; the provider's word for that. Untrusted text.
    NotYet(String),
    /// There is none: it was silent, too short, or could not be stored; the provider's code.
    Absent(Option<u64>),
    /// It failed; the provider's word or code. Untrusted text.
    Failed(Option<String>),
    /// The provider deleted the media.
    Deleted,
    /// It was stored elsewhere, mostly in a bucket of the customer's: the URL, as messages may show
    /// it, or nothing where the provider does not say. Untrusted text.
    External(Option<String>),
}

impl State {
    /// The provider's word for it, or what comes nearest. Untrusted text.
    pub(crate) fn status(&self) -> &str {
        match self {
            Self::Ready => "completed",
            Self::NotYet(status) => status,
            Self::Absent(_) => "absent",
            Self::Failed(_) => "failed",
            Self::Deleted => "deleted",
            Self::External(_) => "completed, and kept elsewhere",
        }
    }
}

/// Where media is to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it is not there.
    Nowhere,
    /// At the provider's API, as whoever asked for the recording.
    Api {
        /// Where.
        link: Link,
        /// Until when a 404 is temporary: the media may come after the word that it is completed.
        missing_until: Option<Timestamp>,
    },
    /// Where an answer said, as nobody.
    Told {
        /// Where.
        link: Link,
        /// The recording's own link at the API, which can be asked again.
        by: Link,
        /// When.
        at: Timestamp,
    },
    /// Where an answer said, which is not to be followed.
    Unusable {
        /// Whose answer.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Media on the way here.
pub(crate) struct Download {
    /// The headers of the answer, by their names in lower case. Untrusted text.
    pub headers: Vec<(String, String)>,
    /// How many bytes the body has, where the answer says so.
    pub length: Option<u64>,
    /// Whether the end of the body can be told from the end of the connection.
    pub is_delimited: bool,
    /// What it was asked with, and may give back where it is no media.
    pub sent: Sent,
    /// The media, in one piece: what breaks is mended underneath. An error that it gives holds an
    /// [`Error`](super::Error), see [`Error::within`](super::Error::within).
    pub body: Box<dyn Read + Send>,
}

/// How often media was asked for, retries and resumptions included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// So far.
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_in_lower_case_and_the_rest_is_as_it_was() {
        for (provider, kind, id, expected) in [
            (
                Provider::TwilioVoice,
                IdKind::Recording,
                "RE5EeD",
                Some("RE5eed"),
            ),
            (
                Provider::TwilioVideo,
                IdKind::Room,
                "RM5EED",
                Some("RM5eed"),
            ),
            (Provider::TwilioVoice, IdKind::Call, "CA5eed", None),
            (
                Provider::Vonage,
                IdKind::Archive,
                "5EED-00",
                Some("5eed-00"),
            ),
            (Provider::Vonage, IdKind::Session, "2_MX4A", None),
        ] {
            let given = Resource {
                provider,
                kind,
                id: id.to_owned(),
                account: None,
            };
            let lower = given.in_lower_case().map(|lower| lower.id);
            assert_eq!(lower.as_deref(), expected, "{id}");
        }
    }

    #[test]
    fn a_selection_is_from_a_time_to_before_a_time() {
        let time = |second| Timestamp::from_second(second).ok();
        for (since, until, created, expected) in [
            (None, None, time(5), true),
            (time(5), None, time(5), true),
            (time(5), None, time(4), false),
            (None, time(5), time(4), true),
            (None, time(5), time(5), false),
            (time(5), time(6), time(5), true),
            (time(5), time(5), time(5), false),
            (time(5), time(6), None, true),
        ] {
            let selection = Selection {
                since,
                until,
                ..Selection::default()
            };
            assert_eq!(selection.has(created), expected);
        }
    }
}
