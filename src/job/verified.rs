//! A recording that is read at any place, and decrypted where it is read: it goes nowhere.

use super::error::{Error, Trouble};
use super::input::{Input, Selected};
use super::observer::Event;
use super::one::{Job, Subject, Told, is_of_another};
use super::recipe::Recipe;
use super::record::{About, Plain};
use super::remote::{Asked, declared};
use crate::io::Source;
use crate::pipeline::{self, Declared, Opener, Options, Verified};

/// A recording, and what opens it.
struct Ready {
    /// `None` where it is not encrypted.
    opener: Option<Opener>,
    source: Source,
    /// Whether its end can be told from a connection that broke.
    is_delimited: bool,
    declared: Declared,
}

/// A recording that can be heard.
pub(crate) enum Audible {
    /// It was verified. As plaintext it is nowhere but in memory.
    Verified(Box<Verified>),
    /// It is not encrypted, and comes as it was given: a stream is not kept.
    Plain(Source),
}

impl Job<'_> {
    /// Finds what opens the recording, and verifies all of it. Nothing is written but, of a stream, an
    /// unnamed temporary file with what came. A recording that is not encrypted is taken where
    /// [`Job::plain`] says so, with metadata or without.
    ///
    /// # Errors
    /// See [`Error`]: of the metadata, of the keys, of the media.
    #[cfg(feature = "serve")]
    #[allow(dead_code, reason = "what plays it is being built")]
    pub(crate) fn verified(&self, selected: &Selected) -> Result<(Verified, About), Error> {
        let mut about = About::default();
        let ready = self.ready(selected, &mut about).map_err(Trouble::error)?;
        let verified = self.verify(ready, &selected.input, &about)?;
        Ok((verified, about))
    }

    /// The same for who reads it once, from front to back: a stream of what is not encrypted is not kept.
    ///
    /// # Errors
    /// As those of [`Job::verified`].
    pub(crate) fn audible(&self, selected: &Selected) -> Result<Audible, Error> {
        let mut about = About::default();
        let ready = self.ready(selected, &mut about).map_err(Trouble::error)?;
        if ready.opener.is_none() {
            return Ok(Audible::Plain(ready.source));
        }
        let verified = self.verify(ready, &selected.input, &about)?;
        Ok(Audible::Verified(Box::new(verified)))
    }

    /// From what names a recording to its media and what opens it.
    fn ready(&self, selected: &Selected, about: &mut About) -> Result<Ready, Trouble> {
        let input = &selected.input;
        let remote = match self.fetch().ask(selected, about)? {
            Asked::Provider(remote) => Some(remote),
            // Of what was found in a list, nothing is there to be heard.
            Asked::Nobody | Asked::Skip(_) => None,
        };
        // Nothing is passed over here.
        let plain = match self.plain {
            Some(Plain::Save) => Plain::Save,
            _ => Plain::Fail,
        };
        let mut subject = Subject {
            input,
            remote: remote.as_deref(),
            plain,
            recipe: None,
            name: String::new(),
        };
        let mut undescribed = None;
        match self.recipe(&subject, about) {
            Ok(Told::Recipe(recipe)) => subject.recipe = Some(recipe),
            Ok(Told::InHeaders | Told::Plain) => {}
            // What is not encrypted needs no metadata.
            Err(Trouble::One(error @ Error::NoMetadata(..))) if plain == Plain::Save => {
                subject.recipe = Some(Recipe::Plain(None));
                undescribed = Some(error);
            }
            Err(trouble) => return Err(trouble),
        }
        let opened = match (self.opened(&subject, about), undescribed) {
            (Err(Trouble::One(Error::NotDecrypted(_, pipeline::Error::NotPlain))), Some(error)) => {
                return Err(error.into());
            }
            (opened, _) => opened?,
        };
        let (recipe, opened) =
            opened.ok_or_else(|| Error::NoMetadata(input.to_string(), about.provider))?;
        let (opener, source) = self.opener(&recipe, opened.source, input, about)?;
        Ok(Ready {
            opener,
            source,
            is_delimited: opened.is_delimited,
            declared: declared(remote.as_deref()),
        })
    }

    fn verify(&self, ready: Ready, input: &Input, about: &About) -> Result<Verified, Error> {
        let bar = self.observer.bar(input, ready.source.length());
        let options = Options {
            // A container is whole as far as it goes, wherever the connection ended.
            require_integrity: self.require_integrity || !ready.is_delimited,
            sha256: self.sha256,
            threads: self.threads_for_one(),
            progress: &|bytes| bar.add(bytes),
        };
        let other_id = about.id.as_ref();
        let other_id = other_id.filter(|id| is_of_another(input, about.provider, id));
        let result = match ready.opener {
            Some(opener) => pipeline::verify(opener, ready.source, options),
            None => pipeline::verify_plain(ready.source, ready.declared, options),
        };
        match result {
            Ok(verified) => {
                if let Some(id) = other_id {
                    self.observer.event(Event::OtherId { input, id });
                }
                Ok(verified)
            }
            Err(pipeline::Error::Unproven) if !ready.is_delimited => {
                Err(Error::Boundless(input.to_string()))
            }
            Err(error) => Err(Error::of_media(error, &input.to_string(), other_id)),
        }
    }
}
