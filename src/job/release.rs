//! Plaintext on its way out: to a file, into a bucket, to standard output.

use std::path::PathBuf;

use super::error::{Error, Trouble};
use super::input::Input;
use super::observer::Event;
use super::one::{Job, Outlet, Subject, is_of_another};
use super::place::{self, Place};
use super::record::{About, Done, Skipped};
use super::remote::{Opened, declared};
use super::sidecar::Sidecar;
use super::target::Target;
use crate::io::{OutputError, Staged};
use crate::media::Media;
use crate::pipeline::{self, Destination, Opener, Options, Outcome};
use crate::store::Location;

impl Job<'_> {
    /// Decrypts, or copies, and says what became of it.
    pub(super) fn decrypt(
        &self,
        subject: &Subject,
        opener: Option<Opener>,
        opened: Opened,
        outlet: Outlet,
        sidecar: Option<&Sidecar>,
        about: &About,
    ) -> Result<Done, Trouble> {
        let input = subject.input;
        let is_delimited = opened.is_delimited;
        let result = self.release(subject, opener, opened, outlet, sidecar);
        let other_id = about.id.as_ref();
        let other_id = other_id.filter(|id| is_of_another(input, about.provider, id));
        match result {
            Ok(outcome) => {
                if let Some(id) = other_id {
                    self.observer.event(Event::OtherId { input, id });
                }
                let place = self.output.place(&subject.name, outcome.media.extension);
                if let (true, Some(place)) = (self.output.is_dry(), place) {
                    self.output.check(&place)?;
                }
                Ok(Done::Released(Box::new(outcome)))
            }
            Err(error) => {
                sidecar.inspect(|sidecar| sidecar.take_back(&error));
                if let (false, pipeline::Error::Unproven) = (is_delimited, &error) {
                    return Err(Error::Boundless(input.to_string()).into());
                }
                self.failed(error, input, other_id)
            }
        }
    }

    /// What it means that the media was not written. `other_id` is its metadata's, where its name
    /// says another.
    pub(super) fn failed(
        &self,
        error: pipeline::Error,
        input: &Input,
        other_id: Option<&String>,
    ) -> Result<Done, Trouble> {
        match (error, other_id) {
            // Somebody else made it meanwhile.
            (pipeline::Error::Output(OutputError::Exists(path)), _) if self.output.skips() => {
                let object = path.to_str().and_then(Location::parse).and_then(Result::ok);
                let place = match object {
                    Some(location) if self.output.target().is_in_bucket() => {
                        Place::Object(location)
                    }
                    _ => Place::File(path),
                };
                Ok(Done::Skipped(Skipped::Exists(place)))
            }
            (pipeline::Error::Output(error), _) => Err(error.into()),
            (error, id) => Err(Error::of_media(error, &input.to_string(), id).into()),
        }
    }

    /// Decrypts, or copies, the media to where it goes.
    fn release(
        &self,
        subject: &Subject,
        opener: Option<Opener>,
        Opened {
            source,
            is_delimited,
            object,
            ..
        }: Opened,
        (staged, mut stdout): Outlet,
        sidecar: Option<&Sidecar>,
    ) -> Result<Outcome, pipeline::Error> {
        let place = |media: &Media| self.output.place(&subject.name, media.extension);
        let name = |media: &Media| match place(media) {
            Some(place) => self.at_last(&place, sidecar),
            None => Ok(PathBuf::new()),
        };
        let put = |staged: &Staged, media: &Media, length| match place(media) {
            Some(place) => {
                let kind = place::kind(media);
                self.put_at_last(&place, sidecar, object.as_ref(), (staged, length, kind))
            }
            None => Ok(String::new()),
        };
        let destination = match (staged, &mut stdout, self.output.target()) {
            (Some(staged), ..) => self.destination(staged, &name, &put),
            (None, Some(stdout), Target::Stdout { verified: false }) => {
                Destination::WriterUnverified(stdout)
            }
            (None, Some(stdout), _) => Destination::Writer(stdout),
            (None, None, _) => Destination::Check,
        };
        let bar = self.observer.bar(subject.input, source.length());
        let options = Options {
            // A container is whole as far as it goes, wherever the connection ended.
            require_integrity: self.require_integrity || !is_delimited,
            sha256: self.sha256,
            threads: self.threads_for_one(),
            progress: &|bytes| bar.add(bytes),
        };
        match opener {
            Some(opener) => pipeline::decrypt(opener, source, destination, options),
            None => pipeline::copy(source, declared(subject.remote), destination, options),
        }
    }

    /// Where a file that was staged goes: it gets a name, or is put into a bucket.
    pub(super) fn destination<'a>(
        &self,
        staged: Staged,
        name: &'a dyn Fn(&Media) -> Result<PathBuf, OutputError>,
        put: &'a dyn Fn(&Staged, &Media, u64) -> Result<String, OutputError>,
    ) -> Destination<'a> {
        if self.output.target().is_in_bucket() {
            return Destination::Handed { staged, put };
        }
        let replace = self.output.replaces();
        Destination::File {
            staged,
            name,
            replace,
        }
    }

    /// The name of an output, if it can have that; its sidecar has its own then.
    pub(super) fn at_last(
        &self,
        place: &Place,
        sidecar: Option<&Sidecar>,
    ) -> Result<PathBuf, OutputError> {
        match place {
            Place::File(path) => {
                self.output.check(place)?;
                sidecar.map_or(Ok(()), Sidecar::place)?;
                Ok(path.clone())
            }
            // Whether it can be put there is known when it is.
            Place::Object(_) => {
                sidecar.map_or(Ok(()), Sidecar::place)?;
                Ok(PathBuf::new())
            }
        }
    }

    /// Puts so many bytes of a file into a bucket, behind the sidecar, and tells its name. It never
    /// takes the place of the `media` that was read, or of what may describe that.
    pub(super) fn put_at_last(
        &self,
        place: &Place,
        sidecar: Option<&Sidecar>,
        media: Option<&Location>,
        (staged, length, kind): (&Staged, u64, &'static str),
    ) -> Result<String, OutputError> {
        if let (Place::Object(location), Some(media)) = (place, media)
            && (location == media || media.sidecars().contains(location))
        {
            return Err(OutputError::IsInput(location.to_string().into()));
        }
        self.at_last(place, sidecar)?;
        if let Place::Object(location) = place {
            self.output.put(staged, location, length, kind)?;
        }
        Ok(place.name())
    }
}
