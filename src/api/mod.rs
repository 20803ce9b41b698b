//! The providers' APIs over HTTP: what they say of recordings, lists of them, and the media itself.
//!
//! ```text
//! Credentials, Hosts ──► Api ──► Remote ──► Download (headers, length, a body that mends itself)
//! ```
//!
//! All of it is called from threads that block: the client is asynchronous inside, on one runtime
//! that is started for the first request. Before that nothing is loaded and nobody is asked.

mod address;
mod answer;
mod body;
mod change;
mod channel;
mod client;
mod connect;
mod course;
mod credentials;
mod draft;
mod error;
mod exchange;
mod failure;
#[cfg(feature = "serve")]
mod flex_tokens;
mod hosts;
mod jwt;
mod link;
mod media;
mod pages;
mod policy;
mod problem;
mod qvoice;
mod redirect;
mod remote;
mod request;
mod resource;
mod retry;
mod roots;
mod runtime;
#[cfg(test)]
mod scripted;
mod sent;
mod told;
mod twilio;
mod twilio_keys;
mod twilio_video;
mod twilio_voice;
mod video_settings;
mod vonage;
#[cfg(feature = "buckets")]
mod wire;

use std::iter;
use std::sync::Arc;

use self::answer::Ask;
use self::client::{Client, Media};
use self::hosts::Service;
use self::remote::Place;
use self::twilio::Access;
use self::twilio_video::Video;
use self::twilio_voice::Voice;
use crate::provider::Provider;

pub(crate) use self::credentials::{
    Application, Credentials, OpenTok, Proof, Qvoice, Sign, Twilio, Vonage,
};
pub(crate) use self::draft::{Draft, Unmade};
pub(crate) use self::error::{Error, Problem};
#[cfg(feature = "serve")]
pub(crate) use self::flex_tokens::{FlexTokens, FlexUser};
pub(crate) use self::hosts::Hosts;
pub(crate) use self::link::{Link, LinkError};
pub(crate) use self::qvoice::{Encryption, Settings as QvoiceSettings};
pub(crate) use self::remote::{Attempts, Download, Remote, Resource, Selection, State};
pub(crate) use self::resource::resource;
pub(crate) use self::roots::Roots;
pub(crate) use self::sent::Sent;
pub(crate) use self::twilio_keys::{PublicKey, PublicKeys, is_key_id};
pub(crate) use self::video_settings::{MediaKind, MediaSettings, VideoSettings};
pub(crate) use self::vonage::{Fallback, Storage, Target};
#[cfg(feature = "buckets")]
pub(crate) use self::{
    exchange::Answer,
    failure::Failure,
    media::{Asked, Asking},
    wire::{LeaveUnread, Unread, Wire},
};

/// How the client behaves, and where the providers are.
#[derive(Default)]
pub(crate) struct Settings {
    /// Tries after the first.
    pub retries: u32,
    /// Certificates (PEM) to trust beside the system's, and the name of their file.
    pub authorities: Option<(String, Vec<u8>)>,
    /// Bases that stand in for the providers' own hosts.
    pub hosts: Hosts,
}

/// The providers' APIs, with the credentials for them.
pub(crate) struct Api {
    client: Arc<Client>,
    hosts: Hosts,
    credentials: Credentials,
}

/// Recordings as a provider lists them.
pub(crate) type List = Box<dyn Iterator<Item = Result<Remote, Error>> + Send>;

impl Api {
    /// Nothing is done before the first request.
    pub(crate) fn new(settings: Settings, credentials: Credentials) -> Self {
        Self {
            client: Arc::new(Client::new(settings.retries, settings.authorities)),
            hosts: settings.hosts,
            credentials,
        }
    }

    /// What the provider says of a recording; of one of Twilio Voice that was deleted only where
    /// `include_deleted`: for others that is a 404. An id in upper case that the provider does not
    /// know is asked for as providers write them.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::NoCredentials`] also for what has no API, and for a group.
    pub(crate) fn recording(
        &self,
        resource: &Resource,
        include_deleted: bool,
    ) -> Result<Remote, Error> {
        let as_given = self.recording_as_given(resource, include_deleted);
        match (&as_given, resource.in_lower_case()) {
            (Err(Error::Refused { status: 404, .. }), Some(lower)) => {
                self.recording_as_given(&lower, include_deleted)
            }
            _ => as_given,
        }
    }

    fn recording_as_given(
        &self,
        resource: &Resource,
        include_deleted: bool,
    ) -> Result<Remote, Error> {
        let Resource {
            kind, id, account, ..
        } = resource;
        match resource.provider {
            _ if kind.is_group() => Err(Error::NoCredentials),
            Provider::TwilioVoice => self
                .voice(account.as_deref())?
                .recording(id, include_deleted),
            Provider::TwilioVideo => self.video()?.recording(*kind, id),
            Provider::Vonage => vonage::recording(&self.projects()?, id),
            Provider::Qvoice => Err(Error::NoCredentials),
        }
    }

    /// The recordings of a group or an account, page after page as they are asked for. After an
    /// error others may follow, from another API of the provider's. A group's id is asked for as
    /// providers write them: one that is not known may be an empty list, and no error.
    pub(crate) fn list(&self, provider: Provider, selection: &Selection) -> List {
        let mut selection = selection.clone();
        let lower = selection.group.as_ref().and_then(Resource::in_lower_case);
        selection.group = lower.or(selection.group);
        let list = self.unsorted(provider, &selection);
        let list = list.unwrap_or_else(|error| Box::new(iter::once(Err(error))));
        Box::new(list.filter(move |item| match item {
            Ok(remote) => selection.has(remote.created),
            Err(_) => true,
        }))
    }

    /// Begins to read the media of `remote`; its first answer is there when this returns.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Gone`] where it is not [`Ready`](State::Ready).
    pub(crate) fn media(&self, remote: &Remote, attempts: &Attempts) -> Result<Download, Error> {
        self.client.media(self.request(remote)?, attempts)
    }

    /// Begins to read what stands at `link`, without credentials.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn download(&self, link: &Link, attempts: &Attempts) -> Result<Download, Error> {
        let media = Media {
            way: client::Way::Request(Box::new(client::Request {
                link: link.clone(),
                auth: client::Auth::None,
                told_by: None,
                in_region: false,
                change: None,
            })),
            redirect_in_body: false,
            missing_until: None,
            renew: None,
        };
        self.client.media(media, attempts)
    }

    /// This client, under the requests of `object_store`.
    #[cfg(feature = "buckets")]
    pub(crate) fn wire(&self) -> Wire {
        Wire::new(Client::clone(&self.client))
    }

    /// The public keys that Twilio has.
    ///
    /// # Errors
    /// [`Error::NoCredentials`], [`Error::Credentials`].
    pub(crate) fn public_keys(&self) -> Result<PublicKeys, Error> {
        Ok(PublicKeys::new(self.access(Service::TwilioAccounts)?))
    }

    /// The settings of Twilio Video.
    ///
    /// # Errors
    /// [`Error::NoCredentials`], [`Error::Credentials`].
    pub(crate) fn video_settings(&self) -> Result<VideoSettings, Error> {
        Ok(VideoSettings::new(self.access(Service::TwilioVideo)?))
    }

    /// What says whom the tokens of Flex in this account belong to.
    ///
    /// # Errors
    /// [`Error::NoCredentials`], [`Error::Credentials`].
    #[cfg(feature = "serve")]
    pub(crate) fn flex_tokens(&self, account: &str) -> Result<FlexTokens, Error> {
        let access = self.access(Service::TwilioIam)?;
        let client = self.client.as_patient_as(flex_tokens::POLICY);
        Ok(FlexTokens::new(client, access, account.to_owned()))
    }

    /// Does `work` on the runtime of the client, and waits for it. `None` if the system gives no threads.
    ///
    /// Not to be called from a task.
    #[cfg(feature = "serve")]
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.client.run_any(work)
    }

    /// What sets the archive storage of each of Vonage's projects that there are credentials for, and
    /// what that is called.
    ///
    /// # Errors
    /// [`Error::NoCredentials`], [`Error::Credentials`].
    pub(crate) fn archive_storage(&self, storage: &Storage) -> Result<Vec<(String, Draft)>, Error> {
        let projects = self.projects()?.into_iter();
        let drafts = projects.map(|project| Ok((project.name(), project.storage(storage)?)));
        drafts.collect()
    }

    /// The encryption of a Qvoice account.
    ///
    /// # Errors
    /// [`Error::NoCredentials`], [`Error::Credentials`].
    pub(crate) fn encryption(&self) -> Result<Encryption, Error> {
        let credentials = self.credentials.qvoice.as_ref();
        Encryption::new(self.asker(), credentials.ok_or(Error::NoCredentials)?)
    }

    /// Makes a change, and gives what is answered. `earlier` is how many tries at it there were of
    /// which nobody knew what became of them.
    ///
    /// # Errors
    /// See [`Unmade`].
    pub(crate) fn make(&self, draft: &Draft, earlier: u32) -> Result<Vec<u8>, Unmade> {
        self.client.change(draft, earlier)
    }

    /// Waits, for some time by chance, before what was undone is done again; not at all, and `false`,
    /// where it was done often enough.
    pub(crate) fn pause(&self, earlier: u32) -> bool {
        self.client.pause(earlier)
    }

    /// What the provider lists, which may be more than what is selected.
    fn unsorted(&self, provider: Provider, selection: &Selection) -> Result<List, Error> {
        let account = selection
            .group
            .as_ref()
            .and_then(|group| group.account.as_deref());
        Ok(match provider {
            Provider::TwilioVoice => Box::new(self.voice(account)?.list(selection)?),
            Provider::TwilioVideo => Box::new(self.video()?.list(selection)?),
            Provider::Vonage => Box::new(vonage::list(self.projects()?, selection)?),
            Provider::Qvoice => return Err(Error::NoCredentials),
        })
    }

    /// How the media of `remote` is asked for.
    fn request(&self, remote: &Remote) -> Result<Media, Error> {
        if remote.state != State::Ready {
            return Err(Error::Gone {
                id: remote.id.clone(),
                state: remote.state.clone(),
            });
        }
        let service = match remote.provider {
            Provider::TwilioVideo => Service::TwilioVideo,
            _ => Service::TwilioApi,
        };
        match &remote.place {
            Place::Api {
                link,
                missing_until,
            } => Ok(self.access(service)?.media(link, *missing_until)),
            _ => vonage::media(&self.projects()?, remote),
        }
    }

    fn voice(&self, account: Option<&str>) -> Result<Voice, Error> {
        let credentials = self.twilio()?;
        let account = account.unwrap_or(&credentials.account).to_owned();
        Ok(Voice::new(self.access(Service::TwilioApi)?, account))
    }

    fn video(&self) -> Result<Video, Error> {
        Ok(Video::new(self.access(Service::TwilioVideo)?))
    }

    fn access(&self, service: Service) -> Result<Access, Error> {
        let credentials = self.twilio()?;
        Access::new(self.asker(), &self.hosts, credentials, service)
    }

    fn twilio(&self) -> Result<&Twilio, Error> {
        let Credentials {
            twilio, no_twilio, ..
        } = &self.credentials;
        twilio.as_ref().ok_or_else(|| without(no_twilio.as_ref()))
    }

    fn projects(&self) -> Result<Vec<vonage::Project>, Error> {
        let Credentials {
            vonage, no_vonage, ..
        } = &self.credentials;
        let credentials = vonage.as_ref().ok_or_else(|| without(no_vonage.as_ref()))?;
        match vonage::projects(&self.asker(), &self.hosts, credentials) {
            none if none.is_empty() => Err(Error::NoCredentials),
            projects => Ok(projects),
        }
    }

    fn asker(&self) -> Arc<dyn Ask> {
        self.client.clone()
    }
}

/// That there is no way to ask a provider, and why where that is known.
fn without(why: Option<&String>) -> Error {
    why.map_or(Error::NoCredentials, |why| Error::Without(why.clone()))
}

#[cfg(test)]
mod tests;
