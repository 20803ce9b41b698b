//! Private keys: files, passphrases, the key ring, unwrapping, generation.
//!
//! ```text
//! key file ──► parse ──► KeyBlock ┬─ PrivateKey ◄── unlock ── Passphrase
//!                                 ├─ LockedKey ───────┘
//!                                 ├─ PublicKey   (tells which key was meant)
//!                                 └─ Unusable    (why that block is none of the three)
//! KeyRing + KeyWrap ──► Search ──► Opened { ContentKey, … }
//! secret text + salt ── Kdf ─────────────► ContentKey
//! ```
//!
//! [`parse`] reads bytes, never files, and knows no provider. What is refused is refused by kind,
//! so that the caller can say how to convert it. Secrets are wiped when dropped (as far as the
//! RSA and PBES2 libraries wipe their own intermediates) and have no `Debug`, `Display` or `Clone`.

mod armor;
mod certificate;
mod derive;
mod error;
mod file;
mod generate;
mod legacy;
mod locked;
mod passphrase;
mod pbes2;
mod ring;
mod rsa_key;
mod structure;
mod unwrap;

pub use certificate::check as check_certificate;
pub use derive::{Hash, Kdf, KdfError};
pub use error::{ForeignKind, KeyError, PayloadError, UnsupportedEncryption, UnwrapError};
pub use file::{KeyBlock, parse};
pub use generate::{GenerateError, generate};
pub use locked::LockedKey;
pub use passphrase::Passphrase;
pub use ring::{Companion, KeyRing, NotOpened, Opened, RingError, Search, Tried, Unusable};
pub use rsa_key::{Fingerprint, PrivateKey, PublicKey, PublicKind};
pub use unwrap::{ContentKey, content_key_from_unwrapped};
