//! What can go wrong between here and a provider.

use std::fmt;
use std::io;
use std::time::Duration;

use super::remote::State;

/// Why a provider's answer could not be had, or is not what it should be. Hosts and URLs are as they
/// may be printed; what a server says is untrusted text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The provider, or the storage, refused for good.
    #[error("{host} answered {status}{}", said(.problem.as_ref()))]
    Refused {
        /// Who.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// What it says of it.
        problem: Option<Problem>,
        /// Whether it was asked with credentials of a region.
        in_region: bool,
    },
    /// It answers that it cannot now, and did so to the last try.
    #[error("{host} answered {status}{}", said(.problem.as_ref()))]
    Busy {
        /// Who.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// What it says of it.
        problem: Option<Problem>,
        /// How long it asks to wait, where that is longer than anybody waits for.
        after: Option<Duration>,
    },
    /// It cannot be reached, or went silent, to the last try.
    #[error("cannot reach {host}: {reason}")]
    Unreachable {
        /// Who.
        host: String,
        /// Why.
        reason: String,
    },
    /// Its certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {reason}")]
    NotTrusted {
        /// Who.
        host: String,
        /// Why.
        reason: String,
    },
    /// The body broke off, to the last try.
    #[error("the download from {host} broke off: {reason}")]
    Cut {
        /// Who.
        host: String,
        /// How.
        reason: String,
    },
    /// What is there now is not what was there when the download began.
    #[error("what {host} serves changed during the download")]
    Changed {
        /// Who.
        host: String,
        /// Whether beginning anew may help: the bytes differ, and nothing had said what they are.
        anew: bool,
    },
    /// A link to the media has expired, to the last try.
    #[error("{host} no longer takes the link to the media")]
    Expired {
        /// The storage.
        host: String,
    },
    /// An answer leads to where it must not.
    #[error("{host} leads to {to}, {why}")]
    Astray {
        /// Who.
        host: String,
        /// Where to.
        to: String,
        /// What is wrong with that.
        why: &'static str,
    },
    /// An answer that makes no sense.
    #[error("the answer of {host} cannot be used: {reason}")]
    Answer {
        /// Who.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What the provider says became of a recording leaves nothing to fetch.
    #[error("{id} {}", became(.state))]
    Gone {
        /// The recording.
        id: String,
        /// What became of it.
        state: State,
    },
    /// There is no way to ask this provider.
    #[error("there are no credentials for this provider")]
    NoCredentials,
    /// The same, and why.
    #[error("{0}")]
    Without(String),
    /// Those that there are do not serve.
    #[error("the credentials for this provider cannot be used: {0}")]
    Credentials(&'static str),
    /// A bucket is not in the region that its storage was asked in.
    #[error("{host} says that the bucket is in the region {region}")]
    #[cfg_attr(
        not(feature = "buckets"),
        expect(dead_code, reason = "it is about buckets")
    )]
    OtherRegion {
        /// The storage.
        host: String,
        /// The region. Untrusted text.
        region: String,
    },
    /// The certificates to trust cannot be used.
    #[error("cannot use the certificates in `{0}`")]
    Authorities(String),
}

/// What a provider says in the body of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its own number for it.
    pub code: Option<u64>,
    /// Its words. Untrusted text.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "error {code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error {
    /// Whether the same may work later.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Changed { .. }
            | Self::Expired { .. }
            | Self::Gone {
                state: State::NotYet(_),
                ..
            } => true,
            Self::Refused { .. }
            | Self::NotTrusted { .. }
            | Self::Astray { .. }
            | Self::Answer { .. }
            | Self::Gone { .. }
            | Self::NoCredentials
            | Self::Without(_)
            | Self::Credentials(_)
            | Self::OtherRegion { .. }
            | Self::Authorities(_) => false,
        }
    }

    /// The one that a body's error holds.
    pub(crate) fn within(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

fn said(problem: Option<&Problem>) -> String {
    problem.map_or_else(String::new, |problem| format!(": {problem}"))
}

fn became(state: &State) -> String {
    match state {
        State::Ready => "is there".to_owned(),
        State::NotYet(status) => format!("is not completed: its status is `{status}`"),
        State::Absent(Some(code)) => {
            format!("was not recorded: its status is `absent`, error {code}")
        }
        State::Absent(None) => "was not recorded: its status is `absent`".to_owned(),
        State::Failed(Some(why)) => format!("failed: {why}"),
        State::Failed(None) => "failed".to_owned(),
        State::Deleted => "was deleted".to_owned(),
        State::External(Some(place)) => format!("is kept elsewhere, at {place}"),
        State::External(None) => "is kept elsewhere: the provider has no link to it".to_owned(),
    }
}
