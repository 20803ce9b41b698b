//! What one recording is and what is done with it, and the same for many; and, in [`register`], what
//! hands a provider the keys that recordings are encrypted with.
//!
//! ```text
//! Input ── Metadata ──► Recipe ── Secrets ──► Opener ── pipeline ──► Output
//!                                                          │
//!                                                       Record ──► Observer
//! ```
//!
//! A [`Job`] is told everything by its caller: no arguments, no environment, and nothing is
//! printed. What it has to say it tells its [`Observer`] in types; the words are the caller's.

mod bucket;
mod claims;
pub(crate) mod doctor;
mod error;
mod input;
mod inspect;
mod item;
mod keep;
#[cfg(feature = "serve")]
mod library;
mod line;
mod listed;
mod manifest;
mod metadata;
mod misread;
mod names;
mod observer;
mod one;
mod own;
mod place;
mod profile;
mod recipe;
mod record;
pub(crate) mod redact;
pub(crate) mod register;
mod release;
mod remote;
mod run;
mod secret_file;
mod secrets;
mod shard;
mod shared;
mod sidecar;
mod target;
#[cfg(test)]
mod tests;
#[cfg(feature = "waveform")]
mod verified;

pub(crate) use self::error::Error;
pub(crate) use self::input::{Input, Selected, file_name, is_no_key};
pub(crate) use self::inspect::{Fit, Found, Inspected, InspectedAs, KeyFound, inspect};
#[cfg(feature = "serve")]
pub(crate) use self::library::{Library, Playable, Shelf, Unplayable};
pub(crate) use self::line::LineError;
pub(crate) use self::manifest::{Manifest, Rules};
pub(crate) use self::metadata::{Metadata, Origin};
pub(crate) use self::misread::Misread;
pub(crate) use self::names::NameTemplate;
pub(crate) use self::observer::{Bar, Event, Observer};
pub(crate) use self::one::{Job, Secrets};
pub(crate) use self::own::{Own, is_same_file};
pub use self::profile::parse as parse_profile;
pub(crate) use self::record::{About, Done, How, Plain, Record, Skipped, Task};
pub(crate) use self::redact::cause as shown_cause;
pub(crate) use self::run::{Ended, Tally};
pub(crate) use self::secrets::{KeysFrom, PassphraseFrom, Passphrases, PrivateKeys};
pub(crate) use self::shard::Shard;
pub(crate) use self::shared::{Format, SharedFrom, SharedKeys};
pub(crate) use self::target::{IfExists, Output, Target};
#[cfg(feature = "waveform")]
pub(crate) use self::verified::Audible;
