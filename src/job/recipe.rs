//! [`Recipe`]: how one recording is opened, as its metadata describes it.

use super::record::About;
use crate::cipher::{BLOCK, CipherError};
use crate::envelope::{ContentCipher, Envelope, Padding};
use crate::io::{Source, Spool};
use crate::media::{Sniff, sniff};
use crate::pipeline;
use crate::provider::qvoice::Hints;

/// How one recording is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// With a content key that is wrapped for a private key.
    Wrapped(Envelope),
    /// With a content key that is derived, in a format that is found by trying.
    Searched(Hints),
    /// Not at all: the recording of this id is not encrypted.
    Plain(Option<String>),
}

/// Where media that can be read once is kept, where it is read again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spools {
    /// What opens with a key.
    pub ciphertext: Spool,
    /// What does not, or may not.
    pub plaintext: Spool,
}

impl Spools {
    /// Where media of this recipe is kept, which may be unknown.
    pub(super) fn of<E>(&self, recipe: &Result<Recipe, E>) -> Spool {
        match recipe {
            Ok(Recipe::Wrapped(_) | Recipe::Searched(_)) => self.ciphertext,
            Ok(Recipe::Plain(_)) | Err(_) => self.plaintext,
        }
    }
}

impl Recipe {
    /// The same, but with this padding where the format has any.
    pub(super) fn padded(mut self, choice: Padding) -> Self {
        if let Self::Wrapped(Envelope {
            cipher: ContentCipher::Aes256Cbc { padding, .. },
            ..
        }) = &mut self
        {
            *padding = choice;
        }
        self
    }

    /// Tells what is known of the recording before it is opened.
    pub(super) fn tell(&self, about: &mut About) {
        match self {
            Self::Wrapped(envelope) => {
                about.wrap = Some(envelope.wrap.algorithm);
                about.cipher = Some(envelope.cipher.mode());
                about.key_id.clone_from(&envelope.wrap.key_id);
            }
            Self::Searched(hints) => about.key_id.clone_from(&hints.key_id),
            Self::Plain(_) => {}
        }
    }

    /// Looks whether the source can be the ciphertext at all, before any key is touched.
    pub(super) fn look(&self, source: &mut Source) -> Result<(), pipeline::Error> {
        match self {
            Self::Wrapped(envelope) => pipeline::inspect_source(envelope, source),
            Self::Searched(_) => {
                let head = source.head().map_err(CipherError::Read)?;
                pipeline::inspect_head(head)?;
                let length = head.len();
                if length < BLOCK {
                    let length = length as u64;
                    return Err(CipherError::TooShort { length }.into());
                }
                Ok(())
            }
            // The provider says that it is one; it has to look like one.
            Self::Plain(_) => match sniff(source.head().map_err(CipherError::Read)?) {
                Some(Sniff::Plain(_)) => Ok(()),
                Some(seen) => Err(pipeline::Error::NotCiphertext(seen)),
                None => Err(pipeline::Error::NotPlain),
            },
        }
    }
}
