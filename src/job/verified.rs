//! A recording that is read at any place, and decrypted where it is read: it goes nowhere.

use super::error::{Error, Trouble};
use super::input::Selected;
use super::observer::Event;
use super::one::{Job, Subject, Told, is_of_another};
use super::recipe::{Recipe, Spools};
use super::record::{About, Plain};
use super::remote::{Asked, declared};
use crate::api::Remote;
use crate::io::Source;
use crate::pipeline::{self, Opener, Options, Verified};
use crate::store::Location;

/// A recording, and what opens it.
struct Ready {
    /// `None` where it is not encrypted.
    opener: Option<Opener>,
    source: Source,
    /// Whether its end can be told from a connection that broke.
    is_delimited: bool,
    whence: Whence,
}

/// Where a recording came from.
pub(super) struct Whence {
    /// What its provider says of it.
    pub(super) remote: Option<Box<Remote>>,
    /// The object that it is, and the headers that it came with.
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "it is about playback")
    )]
    pub(super) object: Option<(Location, Vec<(String, String)>)>,
}

/// How a recording is taken.
#[derive(Clone, Copy)]
enum Taking {
    /// What is no ciphertext is taken where [`Job::plain`] says so, with metadata or without.
    AsItIs,
    /// Nothing but its metadata says that it is not encrypted; it is kept there.
    AsDescribed(Spools),
}

/// A recording that can be heard.
pub(crate) enum Audible {
    /// It was verified. As plaintext it is nowhere but in memory.
    Verified(Box<Verified>),
    /// It is not encrypted, and comes as it was given: a stream is not kept.
    Plain(Source),
}

impl Job<'_> {
    /// Finds what opens the recording, and verifies all of it. Nothing is written but, of a stream, what
    /// came, to one of `spools`. It is not encrypted only where its metadata and [`Job::plain`] say so.
    ///
    /// # Errors
    /// See [`Error`]: of the metadata, of the keys, of the media.
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "it is about playback")
    )]
    pub(super) fn verified(
        &self,
        selected: &Selected,
        spools: Spools,
        about: &mut About,
    ) -> Result<(Verified, Whence), Error> {
        let ready = self.ready(selected, Taking::AsDescribed(spools), about);
        let (verified, whence) = self.verify(ready.map_err(Trouble::error)?, selected, about)?;
        Ok((verified, whence))
    }

    /// The same for who reads it once, from front to back: a stream of what is not encrypted is not kept.
    /// It is taken where [`Job::plain`] says so, with metadata or without.
    ///
    /// # Errors
    /// As those of [`Job::verified`].
    pub(crate) fn audible(&self, selected: &Selected) -> Result<Audible, Error> {
        let mut about = About::default();
        let ready = self.ready(selected, Taking::AsItIs, &mut about);
        let ready = ready.map_err(Trouble::error)?;
        if ready.opener.is_none() {
            return Ok(Audible::Plain(ready.source));
        }
        let (verified, _) = self.verify(ready, selected, &about)?;
        Ok(Audible::Verified(Box::new(verified)))
    }

    /// From what names a recording to its media and what opens it.
    fn ready(
        &self,
        selected: &Selected,
        taking: Taking,
        about: &mut About,
    ) -> Result<Ready, Trouble> {
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
            spools: match taking {
                Taking::AsItIs => Spools::default(),
                Taking::AsDescribed(spools) => spools,
            },
            name: String::new(),
        };
        let as_it_is = matches!(taking, Taking::AsItIs);
        let mut undescribed = None;
        match self.recipe(&subject, about) {
            Ok(Told::Recipe(recipe)) => subject.recipe = Some(recipe),
            Ok(Told::InHeaders | Told::Plain) => {}
            // What is not encrypted needs no metadata.
            Err(Trouble::One(error @ Error::NoMetadata(..)))
                if as_it_is && plain == Plain::Save =>
            {
                subject.recipe = Some(Recipe::Plain(None));
                undescribed = Some(error);
            }
            Err(trouble) => return Err(trouble),
        }
        if !as_it_is {
            subject.plain = Plain::Fail;
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
            whence: Whence {
                object: opened.object.map(|object| (object, opened.headers)),
                remote,
            },
        })
    }

    fn verify(
        &self,
        ready: Ready,
        selected: &Selected,
        about: &About,
    ) -> Result<(Verified, Whence), Error> {
        let input = &selected.input;
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
            None => pipeline::verify_plain(
                ready.source,
                declared(ready.whence.remote.as_deref()),
                options,
            ),
        };
        match result {
            Ok(verified) => {
                if let Some(id) = other_id {
                    self.observer.event(Event::OtherId { input, id });
                }
                Ok((verified, ready.whence))
            }
            Err(pipeline::Error::Unproven) if !ready.is_delimited => {
                Err(Error::Boundless(input.to_string()))
            }
            Err(error) => Err(Error::of_media(error, &input.to_string(), other_id)),
        }
    }
}
