//! Playback: recordings that stay encrypted where they are, played to Twilio Flex and to browsers.
//!
//! ```text
//! connections ──► endpoints ──► who may hear it (Flex token, link) ──► audit log
//!                                                                        │
//!                  library (job) ── verified, kept as ciphertext (cache) ──► ranges of plaintext
//! ```
//!
//! Plaintext is decrypted where it is asked for and stored nowhere; no byte goes out before the whole
//! recording was verified.

mod admin;
mod admission;
mod answer;
mod app;
mod audit;
mod cache;
mod client;
mod connections;
mod endpoints;
mod error;
mod flex;
mod heard;
mod link;
mod listen;
mod media;
mod metrics;
mod observer;
mod paced;
mod page;
mod range;
mod rate;
mod rule;
mod run;
mod server;
mod settings;
mod tls;

pub(crate) use self::audit::{AuditError, NotVerified, verify_audit};
pub(crate) use self::error::Error;
pub(crate) use self::link::{Claims, Kind, Origin};
pub(crate) use self::observer::{Event, Observer};
pub(crate) use self::run::{read_link_keys, run};
pub(crate) use self::settings::{LONGEST_LINK, LinkKeysFrom, Settings, Tls};
