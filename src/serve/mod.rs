//! Playback: recordings that stay encrypted where they are, played to Twilio Flex and to browsers.
//!
//! ```text
//! Settings ──► connections ──► who may hear it (Flex token, link) ──► audit log
//!                                                                       │
//!              Library (job) ── verified, kept as ciphertext (cache) ──► ranges of plaintext
//! ```
//!
//! Plaintext is decrypted where it is asked for and stored nowhere; no byte goes out before the whole
//! recording was verified.

#![allow(dead_code, unused_imports, reason = "it is being built")]

mod link;
mod observer;
mod range;
mod settings;

pub(crate) use self::link::{Claims, Kind, LinkKeyError, LinkKeys, Origin};
pub(crate) use self::observer::{Notice, Observer};
pub(crate) use self::range::{Wanted, wanted};
pub(crate) use self::settings::{LONGEST_LINK, LinkKeysFrom, Settings, Tls};
