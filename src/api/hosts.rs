//! Where the providers' APIs are, and the links into them.

use url::Url;

use super::credentials::is_label;
use super::error::Error;
use super::link::{Link, LinkError};

/// Base URLs that stand in for the providers' own hosts; `None` is the default, or what region and
/// edge make of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    /// `https://api.twilio.com`.
    pub twilio_api: Option<Link>,
    /// `https://video.twilio.com`.
    pub twilio_video: Option<Link>,
    /// `https://accounts.twilio.com`.
    pub twilio_accounts: Option<Link>,
    /// `https://iam.twilio.com`.
    pub twilio_iam: Option<Link>,
    /// `https://video.api.vonage.com`.
    pub vonage_video: Option<Link>,
    /// `https://api.opentok.com`.
    pub opentok: Option<Link>,
}

/// An API of a provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Recordings of calls.
    TwilioApi,
    /// Recordings and compositions of video rooms.
    TwilioVideo,
    /// Public keys that recordings are encrypted for.
    TwilioAccounts,
    /// Who the tokens of Flex belong to.
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "it is about playback")
    )]
    TwilioIam,
    /// Archives of applications: the unified Video API.
    VonageVideo,
    /// Archives of `OpenTok`'s projects.
    OpenTok,
}

impl Hosts {
    /// The base in force, in the region and at the edge of `place`.
    ///
    /// # Errors
    /// [`Error::Credentials`], where region or edge are no labels.
    pub(super) fn base(
        &self,
        service: Service,
        place: Option<&(String, String)>,
    ) -> Result<Link, Error> {
        if let Some(base) = self.stand_in(service) {
            return Ok(base.clone());
        }
        let (first, rest) = service.names();
        let host = match place {
            Some((region, edge)) if is_label(region) && is_label(edge) => {
                format!("{first}.{edge}.{region}{rest}")
            }
            Some(_) => return Err(Error::Credentials("the region or the edge is no name")),
            None => format!("{first}{rest}"),
        };
        let link = Link::parse(&format!("https://{host}"));
        link.map_err(|_| Error::Credentials("the region or the edge is no name"))
    }

    /// The path of `url`, in parts, if it leads to `service`: to one of its own hosts, or to what
    /// stands in for them. Query and fragment do not count, nor a slash at the end.
    ///
    /// Its own hosts may be asked for with `http`, as the links in callbacks have it.
    pub(super) fn path<'a>(&self, service: Service, url: &'a Url) -> Option<Vec<&'a str>> {
        let mut parts: Vec<_> = url.path_segments()?.collect();
        if parts.last() == Some(&"") {
            parts.pop();
        }
        if service.is_at(url) {
            return Some(parts);
        }
        let base = self.stand_in(service)?.url();
        if base.origin() != url.origin() {
            return None;
        }
        let prefix = base.path().split('/').filter(|part| !part.is_empty());
        for expected in prefix {
            if parts.is_empty() || parts.remove(0) != expected {
                return None;
            }
        }
        Some(parts)
    }

    fn stand_in(&self, service: Service) -> Option<&Link> {
        match service {
            Service::TwilioApi => self.twilio_api.as_ref(),
            Service::TwilioVideo => self.twilio_video.as_ref(),
            Service::TwilioAccounts => self.twilio_accounts.as_ref(),
            Service::TwilioIam => self.twilio_iam.as_ref(),
            Service::VonageVideo => self.vonage_video.as_ref(),
            Service::OpenTok => self.opentok.as_ref(),
        }
    }
}

impl Service {
    /// The host: its first name, and the others.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::TwilioApi => ("api", ".twilio.com"),
            Self::TwilioVideo => ("video", ".twilio.com"),
            Self::TwilioAccounts => ("accounts", ".twilio.com"),
            Self::TwilioIam => ("iam", ".twilio.com"),
            Self::VonageVideo => ("video", ".api.vonage.com"),
            Self::OpenTok => ("api", ".opentok.com"),
        }
    }

    /// Whether `url` leads to a host of its own, at the usual port. Twilio's are `api.twilio.com`
    /// and `api.{edge}.{region}.twilio.com`, formerly also without the edge.
    pub(super) fn is_at(self, url: &Url) -> bool {
        let (first, rest) = self.names();
        let host = url.host_str().unwrap_or_default();
        let place = host
            .strip_prefix(first)
            .and_then(|host| host.strip_suffix(rest));
        let is_host = match (place, self) {
            (Some(""), _) => true,
            (
                Some(place),
                Self::TwilioApi | Self::TwilioVideo | Self::TwilioAccounts | Self::TwilioIam,
            ) => {
                let mut labels = place.split('.');
                labels.next() == Some("") && labels.clone().count() <= 2 && labels.all(is_label)
            }
            _ => false,
        };
        is_host && url.port().is_none() && ["https", "http"].contains(&url.scheme())
    }
}

/// The link to `parts` below `base`, with a query of `fields`. What `parts` and `fields` hold is
/// encoded: it does not lead elsewhere.
///
/// # Errors
/// [`Error::Credentials`], where there is no such link.
pub(super) fn below(base: &Link, parts: &[&str], fields: &[(&str, &str)]) -> Result<Link, Error> {
    let failed = || Error::Credentials("their API's URL is none that paths can be added to");
    let mut url = bare(base);
    url.path_segments_mut()
        .map_err(|()| failed())?
        .pop_if_empty()
        .extend(parts);
    if !fields.is_empty() {
        url.query_pairs_mut().extend_pairs(fields);
    }
    Link::parse(url.as_str()).map_err(|_| failed())
}

/// The link to another page of a list, which the answer of `base` gave as `text`. It stays at
/// `base`: from its root, or absolute at one of the hosts of `service`, which `base` stands for. The
/// root is that of the service, or that of the server where the path begins with the path of `base`.
///
/// # Errors
/// [`Error::Astray`] for any other.
pub(super) fn page(base: &Link, service: Service, text: &str) -> Result<Link, Error> {
    let astray = |to: String, why| Error::Astray {
        host: base.host(),
        to,
        why,
    };
    let below = |path: &str| {
        let root = bare(base);
        let root = root.as_str().trim_end_matches('/');
        Link::parse(&format!("{root}{path}"))
            .ok()
            .filter(|link| link.url().origin() == base.url().origin())
            .ok_or_else(|| astray("a page".to_owned(), "which is no URL"))
    };
    if text.starts_with('/') {
        let root = base.url().path().trim_end_matches('/');
        let inner = text
            .strip_prefix(root)
            .filter(|inner| inner.starts_with('/'));
        return below(inner.unwrap_or(text));
    }
    let url = Url::parse(text).map_err(|_| astray("a page".to_owned(), "which is no URL"))?;
    if service.is_at(&url) && url.username().is_empty() && url.password().is_none() {
        let query = url.query().map(|query| format!("?{query}"));
        return below(&format!("{}{}", url.path(), query.unwrap_or_default()));
    }
    match Link::parse(text) {
        Ok(link) if link.url().origin() == base.url().origin() => Ok(link),
        Ok(link) => Err(astray(link.to_string(), "which is not its own host")),
        Err(LinkError::NotEncrypted) => Err(astray("a page".to_owned(), "which is not encrypted")),
        Err(_) => Err(astray(
            "a page".to_owned(),
            "which is no URL that may be asked for",
        )),
    }
}

fn bare(base: &Link) -> Url {
    let mut url = base.url().clone();
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str) -> Link {
        Link::parse(text).unwrap()
    }

    #[test]
    fn a_region_has_hosts_of_its_own() {
        let place = ("ie1".to_owned(), "dublin".to_owned());
        let hosts = Hosts::default();
        for (service, place, base) in [
            (Service::TwilioApi, None, "https://api.twilio.com"),
            (
                Service::TwilioApi,
                Some(&place),
                "https://api.dublin.ie1.twilio.com",
            ),
            (
                Service::TwilioVideo,
                Some(&place),
                "https://video.dublin.ie1.twilio.com",
            ),
            (
                Service::TwilioAccounts,
                Some(&place),
                "https://accounts.dublin.ie1.twilio.com",
            ),
            (
                Service::TwilioIam,
                Some(&place),
                "https://iam.dublin.ie1.twilio.com",
            ),
            (Service::VonageVideo, None, "https://video.api.vonage.com"),
            (Service::OpenTok, None, "https://api.opentok.com"),
        ] {
            assert_eq!(hosts.base(service, place), Ok(link(base)));
        }
        let hosts = Hosts {
            twilio_api: Some(link("http://127.0.0.1:8080/twilio/")),
            ..Hosts::default()
        };
        let base = hosts.base(Service::TwilioApi, Some(&place)).unwrap();
        let below = below(&base, &["v1", "a/b?c"], &[("DateCreated>", "2026-11-01")]).unwrap();
        assert_eq!(
            below.url().as_str(),
            "http://127.0.0.1:8080/twilio/v1/a%2Fb%3Fc?DateCreated%3E=2026-11-01"
        );
    }

    #[test]
    fn credentials_go_to_no_host_that_a_region_makes_up() {
        for (region, edge) in [
            ("ie1", "evil.com/"),
            ("evil.com/x", "dublin"),
            ("", "dublin"),
            ("ie1", "user@"),
            ("IE1", "dublin"),
        ] {
            let place = (region.to_owned(), edge.to_owned());
            let base = Hosts::default().base(Service::TwilioApi, Some(&place));
            assert!(
                matches!(base, Err(Error::Credentials(_))),
                "{region} {edge}"
            );
        }
    }

    #[test]
    fn pages_stay_at_the_base() {
        let base = link("http://127.0.0.1:8080/twilio");
        let at_base = "http://127.0.0.1:8080/twilio/v1/Recordings?Page=1&PageToken=a%2Fb";
        for text in [
            "/v1/Recordings?Page=1&PageToken=a%2Fb",
            "/twilio/v1/Recordings?Page=1&PageToken=a%2Fb",
            "https://video.twilio.com/v1/Recordings?Page=1&PageToken=a%2Fb",
            "http://video.twilio.com/v1/Recordings?Page=1&PageToken=a%2Fb",
            "https://video.dublin.ie1.twilio.com/v1/Recordings?Page=1&PageToken=a%2Fb",
            at_base,
        ] {
            let page = page(&base, Service::TwilioVideo, text);
            assert_eq!(page, Ok(link(at_base)), "{text}");
        }
        for text in [
            "https://evil.com/v1/Recordings",
            "https://api.twilio.com/v1/Recordings",
            "https://video.twilio.com:8443/v1/Recordings",
            "https://video.twilio.com.evil.com/v1/Recordings",
            "https://video.a.b.c.twilio.com/v1/Recordings",
            "https://u:p@video.twilio.com/v1/Recordings",
            "http://127.0.0.1:8081/twilio/v1/Recordings",
            "http://evil.com/",
            ".evil.com/v1",
            "@evil.com/v1",
            ":80@evil.com/",
            "ftp://video.twilio.com/",
            "Recordings?Page=2",
            "",
        ] {
            let page = page(&base, Service::TwilioVideo, text);
            assert!(
                matches!(page, Err(Error::Astray { .. })),
                "{text}: {page:?}"
            );
        }
        let beside = page(&base, Service::TwilioVideo, "/twilio2/v1");
        assert_eq!(beside, Ok(link("http://127.0.0.1:8080/twilio/twilio2/v1")));
        for text in ["//evil.com/v1", "/\\evil.com/v1", "/@evil.com"] {
            let page = page(&link("https://api.twilio.com"), Service::TwilioApi, text).unwrap();
            assert_eq!(page.host(), "api.twilio.com", "{text}");
        }
    }
}
