//! unreel turns a provider-encrypted recording back into playable media.
//!
//! ```text
//! metadata (file, stdin)                             media (file, stdin)
//!         │ provider::*  parse only                          │ io::source
//!         ▼                                                  │
//!     Envelope ──► key::KeyRing ──► ContentKey ──► cipher ──► io::sink ──► media::Probe ──► Report
//!   (wrapped key,   (which private   (32 bytes,   (verify,    (unnamed     (WAV, TS, …,
//!    cipher, IV,     key opens it)    zeroized)    then        file, then   duration)
//!    expectations)                                 release)    its name)
//! ```
//!
//! One direction, no way back; each box knows only the type handed to it. [`pipeline`] is the
//! one place that strings them together, and [`cli`] the only one that reads arguments or prints.
#![forbid(unsafe_code)]

pub mod cipher;
pub mod cli;
pub mod envelope;
pub mod io;
pub mod key;
pub mod media;
pub mod pipeline;
pub mod provider;
