//! What Twilio's APIs have in common.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use url::Url;
use zeroize::Zeroizing;

use super::answer::Ask;
use super::client::{Auth, Media, Request, Way};
use super::credentials::Twilio;
use super::error::Error;
use super::hosts::{self, Hosts, Service};
use super::link::Link;
use super::pages::{Page, Pages, Seen};
use super::remote::Remote;

/// How long media may be missing after a recording is completed: users saw it come seconds later.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// What stands on a page of a list.
pub(super) struct Listed {
    /// What is in it.
    pub(super) items: Vec<Result<Remote, Error>>,
    /// What it says of where the next one is.
    pub(super) next: Option<String>,
}

/// One of the APIs, and who asks it.
#[derive(Clone)]
pub(super) struct Access {
    ask: Arc<dyn Ask>,
    service: Service,
    base: Link,
    auth: Auth,
    in_region: bool,
}

impl Access {
    /// The API `service`, asked with `credentials`.
    ///
    /// # Errors
    /// [`Error::Credentials`], where region and edge make no host.
    pub(super) fn new(
        ask: Arc<dyn Ask>,
        hosts: &Hosts,
        credentials: &Twilio,
        service: Service,
    ) -> Result<Self, Error> {
        Ok(Self {
            ask,
            service,
            base: hosts.base(service, credentials.place.as_ref())?,
            auth: Auth::Basic {
                user: credentials.user.clone(),
                secret: Arc::new(Zeroizing::clone(&credentials.secret)),
            },
            in_region: credentials.place.is_some(),
        })
    }

    /// Who answers.
    pub(super) fn host(&self) -> String {
        self.base.host()
    }

    /// The link to `parts` of the API.
    pub(super) fn link(&self, parts: &[&str], fields: &[(&str, &str)]) -> Result<Link, Error> {
        hosts::below(&self.base, parts, fields)
    }

    /// The answer that stands at `link`.
    pub(super) fn answer(&self, link: &Link) -> Result<Vec<u8>, Error> {
        self.ask.ask(&self.request(link))
    }

    /// The media at `link`, which is asked for anew where what it leads to has expired.
    pub(super) fn media(&self, link: &Link, missing_until: Option<Timestamp>) -> Media {
        let request = self.request(link);
        let again = request.clone();
        Media {
            way: Way::Request(Box::new(request)),
            redirect_in_body: self.service == Service::TwilioVideo,
            missing_until,
            renew: Some(Arc::new(move || Ok(again.clone()))),
        }
    }

    /// The list that begins at `first`. `read` gives what a page has, and its link to the next.
    pub(super) fn pages<R>(
        self,
        first: Link,
        read: R,
    ) -> impl Iterator<Item = Result<Remote, Error>> + Send
    where
        R: Fn(&[u8]) -> Result<Listed, Error> + Send,
    {
        let mut seen = Seen::default();
        Pages::new(first, move |link| {
            seen.note(link)?;
            let Listed { items, next } = read(&self.answer(link)?)?;
            let next = next.map(|next| hosts::page(&self.base, self.service, &next));
            Ok(match next.transpose() {
                Ok(next) => Page { items, next },
                Err(error) => Page {
                    items: items.into_iter().chain([Err(error)]).collect(),
                    next: None,
                },
            })
        })
    }

    /// Whether `url` leads to Twilio, or to what stands in for it.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_twilio = host == "twilio.com" || host.ends_with(".twilio.com");
        is_twilio || url.origin() == self.base.url().origin()
    }

    /// Where the API is.
    pub(super) fn base(&self) -> &Link {
        &self.base
    }

    /// A request with its credentials.
    pub(super) fn request(&self, link: &Link) -> Request {
        Request {
            link: link.clone(),
            auth: self.auth.clone(),
            told_by: None,
            in_region: self.in_region,
            change: None,
        }
    }
}

/// What messages may show of the URL of media that is kept elsewhere: scheme, host and path. Its
/// query may be a signature.
pub(super) fn printable(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    let named = !url.username().is_empty() || url.password().is_some();
    (!named).then(|| url.into())
}

/// Until when media may be missing that is completed since `time`.
pub(super) fn late(time: Timestamp) -> Option<Timestamp> {
    time.checked_add(LATE).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_with_somebodys_name_in_it_nothing_is_printed() {
        let shown = "https://b.example/k";
        assert_eq!(
            printable("https://b.example/k?sig=s3cret#f").as_deref(),
            Some(shown)
        );
        for secret in ["s3cret", "user:s3cret", ":s3cret"] {
            assert_eq!(printable(&format!("https://{secret}@b.example/k")), None);
        }
    }
}
