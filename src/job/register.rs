//! Keys into the providers' hands: what is there, what is to change, the change, and what became of it.
//!
//! ```text
//! files ──► checked ──► Prepared ┬─ InPlace
//!                     (asked)    └─ Planned ── shown, approved ──► apply ──► what is there now
//! ```
//!
//! Nothing is changed before [`Plan::apply`]. A change whose answer is lost is looked for before it is
//! made again.

mod error;
mod private;
mod public;
pub(crate) mod qvoice;
pub(crate) mod twilio;
pub(crate) mod video;
pub(crate) mod vonage;

pub(crate) use self::error::{Error, Whose};
use crate::api::{self, Api, Draft, Unmade};

/// What is to be done.
pub(crate) enum Prepared<P: Plan> {
    /// Nothing: it is as it is wanted.
    InPlace(P::Done),
    /// This, if somebody approves.
    Planned(P),
}

/// A change that was thought through and not made.
pub(crate) trait Plan {
    /// What there is when it was made.
    type Done;

    /// The requests that change something, in order.
    fn drafts(&self) -> Vec<&Draft>;

    /// Makes it.
    ///
    /// # Errors
    /// See [`Error`].
    fn apply(self, api: &Api) -> Result<Self::Done, Error>;
}

/// Makes a change, and after each try of which nobody knows what became of it, looks for what it makes.
/// `sent` reads its answer; where that says nothing, it is looked for, too.
///
/// # Errors
/// What was refused; what could not be asked for; or that nobody knows.
fn make<T>(
    api: &Api,
    draft: &Draft,
    mut sent: impl FnMut(Vec<u8>) -> Option<T>,
    mut look: impl FnMut() -> Result<Option<T>, api::Error>,
) -> Result<T, Failed> {
    for earlier in 0.. {
        let lost = match api.make(draft, earlier) {
            Ok(body) => match sent(body) {
                Some(done) => return Ok(done),
                None => None,
            },
            Err(Unmade::Not(error)) => return Err(Failed::Not(error)),
            Err(Unmade::Perhaps { error, again }) => Some((error, again)),
        };
        match (look(), lost) {
            (Ok(Some(done)), _) => return Ok(done),
            (Ok(None), Some((_, true))) => {}
            (Ok(None), Some((error, false))) => return Err(Failed::Not(error)),
            (Ok(None), None) => return Err(Failed::NotThere),
            (Err(_), Some((error, _))) | (Err(error), None) => {
                return Err(Failed::Unknown(error));
            }
        }
    }
    Err(Failed::NotThere)
}

/// Why a change was not made.
enum Failed {
    /// It surely was not.
    Not(api::Error),
    /// It was answered as if it were, and is not there.
    NotThere,
    /// Nobody knows: neither its answer came, nor can be asked what there is.
    Unknown(api::Error),
}

impl Failed {
    /// The same for people: `what` was to be done, `done` is that it is.
    fn of(self, whose: Whose, what: &'static str, done: &'static str) -> Error {
        match self {
            Self::Not(error) => Error::Provider(whose, what, error),
            Self::NotThere => Error::NotApplied(whose, done),
            Self::Unknown(error) => Error::Unsettled(whose, done, error),
        }
    }
}
