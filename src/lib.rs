//! unreel turns a provider-encrypted recording back into playable media.
//!
//! ```text
//! metadata (file, stdin, API)                        media (file, stdin, HTTP)
//!         │ provider::*  parse only                          │ io::Source
//!         ▼                                                  │
//!     Envelope ──► key::KeyRing ──► ContentKey ──► cipher ──► io::Staged ──► media::Probe ──► Report
//!   (wrapped key,   (which private   (32 bytes,   (verify,    (unnamed       (WAV, TS, …,
//!    cipher, IV,     key opens it)    zeroized)    then        file, then     duration)
//!    expectations)                                 release)    its name)
//! ```
//!
//! One direction, no way back; each box knows only the type handed to it.
//!
//! As a library it opens one recording after another, and reads and writes what it is given:
//!
//! 1. [`Provider::parse`] makes a [`Listing`] of [`Envelope`]s of the provider's metadata.
//! 2. A [`KeyRing`] holds private keys. [`KeyRing::search`] gives what they unwrap, and
//!    [`choose`] picks what fits the recording.
//! 3. [`decrypt`] verifies a [`Source`] and releases its plaintext to a [`Destination`];
//!    [`verify`] gives a [`Verified`] recording, to be read at any offset.
//!
//! ```
//! use unreel::{
//!     Destination, Integrity, KeyRing, Opener, Options, Provider, Source, choose, decrypt,
//! };
//! # std::env::set_current_dir("fixtures")?;
//!
//! let name = "twilio-voice/RE5eed0000000000000000000000000003.wav.enc";
//! let listing = Provider::TwilioVoice.parse(&std::fs::read("twilio-voice/recording-mono.json")?)?;
//! let item = listing.find(name).ok_or("that recording is not in it")?;
//! let envelope = item.outcome.as_ref().map_err(Clone::clone)?;
//!
//! let mut keys = KeyRing::default();
//! keys.add("the key", &std::fs::read("keys/pkcs8.pem")?)?;
//! let mut no_passphrase = |_: &str| None;
//! let candidates = keys.search(&envelope.wrap, &mut no_passphrase);
//!
//! let mut source = Source::open(name.as_ref())?;
//! let unwrapped = choose(envelope, &mut source, candidates)?;
//! let opener = Opener::of(envelope, &unwrapped.key)?;
//! let mut wav = Vec::new();
//! let outcome = decrypt(opener, source, Destination::Writer(&mut wav), Options::default())?;
//! assert_eq!(outcome.integrity, Integrity::Tag);
//! assert!(wav.starts_with(b"RIFF"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/decrypt.rs` is all of that as a program. `unreel` itself does more, and is described in the
//! README: this is what is kept stable of the crate.
#![forbid(unsafe_code)]

mod api;
mod cipher;
mod cli;
mod envelope;
mod io;
mod job;
mod key;
mod media;
mod pipeline;
mod provider;
#[cfg(feature = "serve")]
mod serve;
mod store;
#[cfg(feature = "waveform")]
mod waveform;

pub use crate::cipher::CipherError;
pub use crate::envelope::{
    Container, ContentCipher, Envelope, Expected, Iv, KeyWrap, Mode, Padding, Payload,
    WrapAlgorithm,
};
pub use crate::io::{FileId, OutputError, Source, Staged};
pub use crate::key::{
    Added, Candidates, Companion, ContentKey, Fingerprint, ForeignKind, KeyError, KeyRing, Mending,
    NotOpened, PassedOver, Passphrase, PayloadError, PublicKey, PublicKind, RingError, Tried,
    UnsupportedEncryption, Unwrapped, content_key_from_unwrapped,
};
pub use crate::media::{Codec, Mangled, Media, Note, Sniff};
pub use crate::pipeline::ending::PaddingError;
pub use crate::pipeline::{
    ChooseError, Destination, Error, FoundInstead, Integrity, Opener, Options, Outcome, Released,
    Verified, choose, decrypt, inspect_source, verify,
};
pub use crate::provider::{Dump, IdKind, Item, Listing, MetadataError, Provider};

/// What the program, the tests, the benchmarks and the fuzz targets of this package reach for.
/// Nothing here is kept stable.
#[doc(hidden)]
pub mod internals {
    pub mod cipher {
        pub use crate::cipher::{
            BLOCK, Cbc, Cipher, CipherError, Ciphertext, Engine, Gcm, ReadAt, SEGMENT, Tail,
            WriteAt,
        };
    }
    pub mod cli {
        pub use crate::cli::{escape, main};
    }
    pub mod io {
        pub use crate::io::Wrapper;
    }
    pub mod job {
        pub use crate::job::parse_profile;
    }
    pub mod key {
        pub use crate::key::{
            GenerateError, Kdf, KeyBlock, KeyFile, LockedKey, PrivateKey, UnwrapError, generate,
            parse,
        };
    }
    pub mod media {
        pub use crate::media::{
            Head, PACKET, Probe, SEGMENT, TsScan, damaged_head, hms, mangled, sniff,
        };
    }
    pub mod pipeline {
        pub use crate::pipeline::{ending, search};
    }
    #[cfg(feature = "waveform")]
    pub mod waveform {
        pub use crate::media::{Bytes, DecodeError};
        pub use crate::waveform::{Labels, Peaks, height};
    }
    pub mod provider {
        pub use crate::provider::{qvoice, twilio_video, twilio_voice, vonage};
    }
}
