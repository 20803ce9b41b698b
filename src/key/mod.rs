//! Private keys: files, passphrases, the key ring, unwrapping, generation.
//!
//! ```text
//! key file ──► parse ──► KeyBlock ┬─ PrivateKey ◄── unlock ── Passphrase
//!                                 ├─ LockedKey ───────┘
//!                                 ├─ PublicKey   (tells which key was meant)
//!                                 └─ Unusable    (why that block is none of the three)
//! KeyRing + KeyWrap ──► Candidates ──► Unwrapped { ContentKey, … }
//! secret text + salt ── Kdf ─────────────► ContentKey
//! ```
//!
//! [`parse`] reads bytes, never files, and knows no provider. What is refused is refused by kind,
//! so that the caller can say how to convert it. Secrets are wiped when dropped (as far as the
//! RSA and PBES2 libraries wipe their own intermediates) and have no `Debug`, `Display` or `Clone`.

mod armor;
mod candidates;
mod certificate;
mod cipher;
mod derive;
mod error;
mod file;
mod generate;
mod jwk;
mod legacy;
mod locked;
mod not_opened;
mod passphrase;
mod pbes2;
mod public_file;
mod ring;
mod rsa_key;
mod sign;
mod structure;
mod transport;
mod unwrap;

pub use candidates::{Candidates, Unwrapped};
pub(crate) use certificate::check as check_certificate;
pub(crate) use derive::Hash;
pub use derive::Kdf;
pub use error::{ForeignKind, KeyError, PayloadError, UnsupportedEncryption, UnwrapError};
pub use file::{KeyBlock, KeyFile, parse};
pub(crate) use generate::shared_pair;
pub use generate::{GenerateError, generate};
pub use locked::LockedKey;
pub use not_opened::{Companion, NotOpened, PassedOver, RingError, Tried};
pub use passphrase::Passphrase;
pub(crate) use public_file::{PublicFile, PublicFileError};
pub use ring::{Added, KeyRing};
pub use rsa_key::{Fingerprint, PrivateKey, PublicKey, PublicKind};
pub use transport::Mending;
pub use unwrap::{ContentKey, content_key_from_unwrapped};
