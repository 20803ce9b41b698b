//! What is done with a recording that a provider has, other than decrypting it.

use super::error::{Error, Trouble};
use super::one::{ENCRYPTED, Job, Subject};
use super::recipe::Recipe;
use super::record::{About, Done, Plain, Skipped, Task};
use super::remote::{Opened, flat};
use super::sidecar::Sidecar;
use crate::io::Staged;
use crate::media::Media;
use crate::pipeline::{self, Declared, Options};
use crate::provider::Provider;

impl Job<'_> {
    /// Unwraps the content key and does no more. Only where the media has to prove the key, its
    /// first bytes are read.
    pub(super) fn check_keys(
        &self,
        mut subject: Subject,
        about: &mut About,
    ) -> Result<Done, Trouble> {
        if let Some(recipe) = &subject.recipe
            && self
                .key_without_media(recipe, subject.input, about)?
                .is_some()
        {
            return Ok(Done::Unwrapped);
        }
        // There is nothing to open in what is no ciphertext, whatever is done with it otherwise.
        subject.plain = match subject.plain {
            Plain::Save => Plain::Skip,
            other => other,
        };
        let Some((Recipe::Wrapped(envelope), mut opened)) = self.opened(&subject, about)? else {
            return Ok(Done::Skipped(Skipped::NotEncrypted));
        };
        let input = subject.input;
        let keys = &self.secrets.private;
        let key = keys.unwrap(&envelope, &mut opened.source, input, about, self.observer)?;
        let shows = pipeline::shows_recording(&envelope, &key, &mut opened.source);
        if shows.map_err(|error| Error::of_pipeline(error, &input.to_string()))? {
            Ok(Done::Unwrapped)
        } else {
            Err(Error::Unfit(input.to_string()).into())
        }
    }

    /// Writes what the provider says of the recording, and no media.
    pub(super) fn describe(
        &self,
        subject: &mut Subject,
        about: &mut About,
    ) -> Result<Done, Trouble> {
        self.at_its_name(subject, about, |subject, about| {
            let headers = match subject.remote {
                Some(remote) if remote.provider != Provider::TwilioVideo => vec![],
                remote => self.fetch().open(subject.input, remote, about)?.headers,
            };
            let input = || subject.input.to_string();
            let sidecar = self.sidecar(subject, about, &headers);
            let sidecar = sidecar.ok_or_else(|| Error::NoMetadata(input(), about.provider))?;
            self.outlet(&subject.name)?;
            sidecar.place()?;
            let place = sidecar.place_of().clone();
            if self.output.skips() && !sidecar.is_made() {
                // Another run made it meanwhile.
                return Ok(Done::Skipped(Skipped::Exists(place)));
            }
            Ok(Done::Described(place))
        })
    }

    /// What is kept of what the provider says; `None` where nothing is to be, or nobody said it.
    pub(super) fn sidecar(
        &self,
        subject: &Subject,
        about: &About,
        headers: &[(String, String)],
    ) -> Option<Sidecar<'_>> {
        let is_wanted = self.task
            != Task::Decrypt {
                and_describe: false,
            };
        let document = match subject.remote {
            _ if !is_wanted => return None,
            Some(remote) if remote.provider != Provider::TwilioVideo => remote.document.clone(),
            None if headers.is_empty() => return None,
            _ => flat(about.id.as_deref(), headers),
        };
        if !self.output.target().names_outputs() {
            return None;
        }
        Sidecar::new(&self.output, &subject.name, document)
    }

    /// Writes the media as it is: encrypted.
    pub(super) fn download(
        &self,
        subject: &Subject,
        opened: Opened,
        staged: Option<Staged>,
        sidecar: Option<&Sidecar>,
    ) -> Result<Done, Trouble> {
        let input = subject.input;
        if !opened.is_delimited {
            return Err(Error::Boundless(input.to_string()).into());
        }
        let place = self.output.place(&subject.name, ENCRYPTED);
        let (Some(staged), Some(place)) = (staged, place) else {
            return Ok(Done::Skipped(Skipped::NotEncrypted));
        };
        let name = |_: &Media| self.at_last(&place, sidecar);
        let put = |staged: &Staged, _: &Media, length| {
            let kind = "application/octet-stream";
            self.put_at_last(
                &place,
                sidecar,
                opened.object.as_ref(),
                (staged, length, kind),
            )
        };
        let destination = self.destination(staged, &name, &put);
        let bar = self.observer.bar(input, opened.source.length());
        let options = Options {
            progress: &|bytes| bar.add(bytes),
            ..Options::default()
        };
        match pipeline::copy(opened.source, Declared::default(), destination, options) {
            Ok(outcome) => Ok(Done::Downloaded(place, outcome.bytes_out)),
            Err(error) => {
                sidecar.inspect(|sidecar| sidecar.take_back(&error));
                self.failed(error, input, None)
            }
        }
    }
}
