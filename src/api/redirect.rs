//! Where an answer leads.

use std::net::IpAddr;

use reqwest::StatusCode;
use serde::Deserialize;
use url::Host;

use super::address::is_public;
use super::connect::Reach;
use super::error::Error;
use super::failure::{NOT_PUBLIC, astray};
use super::link::{Link, LinkError};
use super::request::Request;

/// Redirections that are followed.
const MOST: u32 = 5;

/// A link on the way from a request to its answer.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    /// What is asked for.
    pub(super) link: Link,
    /// Whose answer led there; the link itself where none did.
    pub(super) base: Link,
    /// Where that may lead.
    pub(super) reach: Reach,
    /// Whether credentials go there.
    pub(super) has_auth: bool,
    /// Redirections so far.
    pub(super) followed: u32,
}

impl Hop {
    /// That of the request itself.
    ///
    /// # Errors
    /// [`Error::Astray`] if the answer that told of it must not lead there.
    pub(super) fn first(request: &Request) -> Result<Self, Error> {
        let reach = match &request.told_by {
            Some(base) => reach(base, Reach::Anywhere, &request.link)?,
            None => Reach::Anywhere,
        };
        Ok(Self {
            link: request.link.clone(),
            base: request
                .told_by
                .clone()
                .unwrap_or_else(|| request.link.clone()),
            reach,
            has_auth: true,
            followed: 0,
        })
    }

    /// The next one, where this one's answer leads to `reference`.
    ///
    /// # Errors
    /// [`Error::Astray`].
    pub(super) fn next(&self, reference: &str) -> Result<Self, Error> {
        let link = self.link.join(reference).map_err(|error| {
            let why = match error {
                LinkError::Malformed => "which is no URL to ask for",
                LinkError::NotEncrypted => "which is not encrypted",
                LinkError::UserInfo => "with a user name or a password in the URL",
            };
            astray(&self.link, self.link.shown(reference), why)
        })?;
        if self.link.is_https() && !link.is_https() {
            return Err(astray(
                &self.link,
                link.to_string(),
                "which is not encrypted",
            ));
        }
        if self.followed >= MOST {
            return Err(astray(
                &self.link,
                link.to_string(),
                "one redirection too many",
            ));
        }
        Ok(Self {
            reach: reach(&self.link, self.reach, &link)?,
            has_auth: self.has_auth && link.has_origin_of(&self.link),
            base: self.link.clone(),
            followed: self.followed + 1,
            link,
        })
    }
}

impl Hop {
    /// The error of a change whose answer leads to `reference`: it goes nowhere but where it was
    /// meant to go.
    pub(super) fn not_for_changes(&self, reference: &str) -> Error {
        let why = "and what changes something is sent nowhere else";
        astray(&self.link, self.link.shown(reference), why)
    }
}

/// How far an answer of `base`'s, which was reached that far itself, may lead to `link`.
fn reach(base: &Link, reached: Reach, link: &Link) -> Result<Reach, Error> {
    if link.has_host_of(base) {
        return Ok(reached);
    }
    let literal = match link.url().host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => None,
    };
    let may = if link.is_loopback() {
        base.is_loopback()
    } else {
        literal.is_none_or(is_public)
    };
    match (may, base.is_loopback()) {
        (false, _) => Err(astray(base, link.to_string(), NOT_PUBLIC)),
        (true, true) => Ok(Reach::PublicOrLoopback),
        (true, false) => Ok(Reach::Public),
    }
}

/// Whether a status may lead elsewhere.
pub(super) fn leads_elsewhere(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a body says that the media is.
pub(super) fn in_body(body: &[u8]) -> Option<String> {
    /// What an answer of Twilio Video's looks like.
    #[derive(Deserialize)]
    struct Body {
        redirect_to: String,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    Some(body.redirect_to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::request::Auth;

    fn link(text: &str) -> Link {
        Link::parse(text).unwrap()
    }

    fn hop(text: &str) -> Hop {
        Hop::first(&Request {
            link: link(text),
            auth: Auth::None,
            told_by: None,
            in_region: false,
            change: None,
        })
        .unwrap()
    }

    #[test]
    fn answers_lead_to_public_addresses_and_back() {
        for (base, reference, may) in [
            ("https://a.example/x", "y", Some(Reach::Anywhere)),
            (
                "https://a.example/x",
                "https://a.example:8443/",
                Some(Reach::Anywhere),
            ),
            (
                "https://a.example/x",
                "https://b.example/",
                Some(Reach::Public),
            ),
            (
                "https://a.example/x",
                "https://8.8.8.8/",
                Some(Reach::Public),
            ),
            ("https://a.example/x", "https://10.0.0.1/", None),
            ("https://a.example/x", "https://0xa000001/", None),
            ("https://a.example/x", "https://012.1/", None),
            (
                "https://a.example/x",
                "https://169.254.169.254/latest",
                None,
            ),
            ("https://a.example/x", "https://127.0.0.1/", None),
            ("https://a.example/x", "https://localhost/", None),
            ("https://a.example/x", "https://127.0.0.1./", None),
            ("https://a.example/x", "https://\u{ff11}27.1/", None),
            ("https://a.example/x", "https://[fe80::1%25eth0]/", None),
            ("https://a.example/x", "https://[::1]/", None),
            ("https://a.example/x", "https://[::ffff:10.0.0.1]/", None),
            ("https://a.example/x", "https://[fe80::1]/", None),
            ("https://a.example/x", "http://localhost/", None),
            ("https://a.example/x", "http://a.example/", None),
            ("https://a.example/x", "http://b.example/", None),
            ("https://a.example/x", "https://u:p@b.example/", None),
            ("https://a.example/x", "https://[", None),
            ("https://a.example/x", "mailto:x", None),
            (
                "https://10.0.0.1/x",
                "https://10.0.0.1/y",
                Some(Reach::Anywhere),
            ),
            ("https://10.0.0.1/x", "https://10.0.0.2/y", None),
            (
                "http://127.0.0.1:1/x",
                "http://127.0.0.1:2/y",
                Some(Reach::Anywhere),
            ),
            (
                "http://127.0.0.1:1/x",
                "http://localhost/y",
                Some(Reach::PublicOrLoopback),
            ),
            (
                "http://127.0.0.1:1/x",
                "https://localhost/y",
                Some(Reach::PublicOrLoopback),
            ),
            (
                "http://127.0.0.1:1/x",
                "https://b.example/y",
                Some(Reach::PublicOrLoopback),
            ),
            ("http://127.0.0.1:1/x", "http://10.0.0.1/y", None),
            ("http://127.0.0.1:1/x", "https://10.0.0.1/y", None),
            ("https://localhost/x", "http://localhost/y", None),
        ] {
            let next = hop(base).next(reference);
            assert_eq!(
                next.as_ref().ok().map(|hop| hop.reach),
                may,
                "{base} {reference}"
            );
            if let Err(error) = next {
                assert!(matches!(error, Error::Astray { .. }), "{error}");
            }
        }
    }

    #[test]
    fn what_was_watched_stays_watched() {
        let away = hop("https://a.example").next("https://b.example/").unwrap();
        assert_eq!(away.next("/again").unwrap().reach, Reach::Public);
        let private = hop("https://10.0.0.1/");
        let away = private.next("https://b.example/").unwrap();
        assert!(away.next("https://10.0.0.1/").is_err());
    }

    #[test]
    fn credentials_stay_and_do_not_come_back() {
        let home = hop("https://a.example/x");
        assert!(home.next("/y").unwrap().has_auth);
        assert!(home.next("https://A.example:443/y").unwrap().has_auth);
        assert!(!home.next("https://a.example:444/y").unwrap().has_auth);
        let away = home.next("https://b.example/").unwrap();
        assert!(!away.has_auth);
        assert!(!away.next("https://a.example/x").unwrap().has_auth);
    }

    #[test]
    fn what_an_answer_tells_of_is_judged_like_a_redirection() {
        let told = |text: &str, base: &str| {
            let request = Request {
                link: link(text),
                auth: Auth::None,
                told_by: Some(link(base)),
                in_region: false,
                change: None,
            };
            Hop::first(&request).map(|hop| hop.reach)
        };
        let api = "https://api.example/";
        assert_eq!(told("https://api.example/y", api), Ok(Reach::Anywhere));
        assert_eq!(told("https://s3.example/y", api), Ok(Reach::Public));
        assert!(told("https://192.168.0.1/y", api).is_err());
        assert!(told("http://127.0.0.1/y", api).is_err());
        assert!(told("http://127.0.0.1/y", "http://localhost:1/").is_ok());
    }

    #[test]
    fn five_are_followed() {
        let mut at = hop("https://a.example/0");
        for n in 1..=5 {
            at = at.next(&format!("/{n}")).unwrap();
        }
        let error = at.next("/6?s=3").unwrap_err();
        let said = "a.example leads to https://a.example/6?s, one redirection too many";
        assert_eq!(error.to_string(), said);
    }
}
