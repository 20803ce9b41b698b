//! [`Failure`]: why a try failed, and whether there may be another.

use std::error::Error as Cause;
use std::io;
use std::time::Duration;

use rustls::CertificateError;

use super::address::NotPublic;
use super::error::Error;
use super::link::Link;
use super::policy::Policy;

/// Characters of a server's URL that are shown.
const SHOWN: usize = 300;

/// A try that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What it is if there is no other.
    pub(crate) error: Error,
    /// What comes next.
    pub(crate) then: Then,
    /// Whether the request did not even begin: there was no connection.
    pub(super) is_unsent: bool,
}

/// What comes after a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Nothing.
    Stop,
    /// The same again, after the time that the server asked for.
    Again(Option<Duration>),
    /// Another link, where there is one to be had: this host no longer takes this one.
    Renew(String),
}

impl Failure {
    /// One that another try may not have.
    pub(crate) fn again(error: Error) -> Self {
        Self::new(error, Then::Again(None))
    }

    /// One with what comes after it.
    pub(super) fn new(error: Error, then: Then) -> Self {
        Self {
            error,
            then,
            is_unsent: false,
        }
    }

    /// Whether what was asked for may have been done all the same. A server that is too busy (429: "not
    /// processed", as Twilio says of its error 20429), that waited in vain for the request (408) or
    /// would not take the risk (425) did nothing; nor did one that refuses.
    pub(crate) fn may_be_made(&self) -> bool {
        match &self.error {
            Error::Busy { status, .. } => !matches!(status, 408 | 425 | 429),
            Error::Unreachable { .. } => !self.is_unsent,
            Error::Cut { .. } | Error::Answer { .. } => true,
            Error::Refused { .. }
            | Error::NotTrusted { .. }
            | Error::Changed { .. }
            | Error::Expired { .. }
            | Error::Astray { .. }
            | Error::Gone { .. }
            | Error::NoCredentials
            | Error::Without(_)
            | Error::Credentials(_)
            | Error::OtherRegion { .. }
            | Error::Authorities(_) => false,
        }
    }

    /// What kept an answer of `link`'s from coming. `base` is whose answer led there.
    pub(super) fn of_request(
        error: &reqwest::Error,
        link: &Link,
        base: &Link,
        policy: &Policy,
    ) -> Self {
        let host = link.host();
        if find::<NotPublic>(error).is_some() {
            return astray(base, link.to_string(), NOT_PUBLIC).into();
        }
        if let Some(reason) = find(error).and_then(distrust) {
            let reason = reason.to_owned();
            return Error::NotTrusted { host, reason }.into();
        }
        if texts(error).any(|text| text.contains("head is too large")) {
            return senseless(link, "its headers are too long").into();
        }
        let reason = reason(error, policy);
        Self {
            is_unsent: error.is_connect(),
            ..Self::again(Error::Unreachable { host, reason })
        }
    }

    /// What broke a body of `link`'s off.
    pub(super) fn of_body(error: &reqwest::Error, link: &Link, policy: &Policy) -> Self {
        let reason = reason(error, policy);
        Self::cut(link, reason)
    }

    /// A body of `link`'s that is not whole.
    pub(super) fn cut(link: &Link, reason: impl Into<String>) -> Self {
        Self::again(Error::Cut {
            host: link.host(),
            reason: reason.into(),
        })
    }
}

impl From<Error> for Failure {
    /// One that is for good.
    fn from(error: Error) -> Self {
        Self::new(error, Then::Stop)
    }
}

/// What is wrong with an address that [`is_public`](super::address::is_public) does not know.
pub(super) const NOT_PUBLIC: &str = "which is no public address";

/// An answer of `base`'s leads to `to`, as it may be printed. Servers make long URLs.
pub(super) fn astray(base: &Link, mut to: String, why: &'static str) -> Error {
    if let Some((end, _)) = to.char_indices().nth(SHOWN) {
        to.truncate(end);
        to.push('…');
    }
    Error::Astray {
        host: base.host(),
        to,
        why,
    }
}

/// An answer of `link`'s that makes no sense.
pub(super) fn senseless(link: &Link, reason: impl Into<String>) -> Error {
    Error::Answer {
        host: link.host(),
        reason: reason.into(),
    }
}

/// What is wrong with a certificate, where that is what `error` says.
fn distrust(error: &rustls::Error) -> Option<&'static str> {
    match error {
        rustls::Error::InvalidCertificate(why) => Some(match why {
            CertificateError::UnknownIssuer => "it was issued by nobody who is trusted",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "it is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "it is for another name"
            }
            CertificateError::Revoked => "it was revoked",
            _ => "it is not valid",
        }),
        rustls::Error::NoCertificatesPresented => Some("there is none"),
        _ => None,
    }
}

/// A short reason, without anything of the URL.
fn reason(error: &reqwest::Error, policy: &Policy) -> String {
    if error.is_dns() {
        return "the name is not known".to_owned();
    }
    if error.is_timeout() && error.is_connect() {
        return format!("no connection in {} s", policy.connect.as_secs());
    }
    if error.is_timeout() {
        return format!("no byte in {} s", policy.silence.as_secs());
    }
    let mut tunnel =
        texts(error).filter_map(|text| Some(text.strip_prefix("tunnel error: ")?.to_owned()));
    if let Some(why) = tunnel.next() {
        let reason = match why.as_str() {
            "failed to create underlying connection" => "the proxy cannot be reached",
            "proxy authorization required" => "the proxy wants a user name and a password",
            _ => "the proxy does not let it through",
        };
        return reason.to_owned();
    }
    if find::<rustls::Error>(error).is_some() {
        return "the encrypted connection failed".to_owned();
    }
    let kind = find::<io::Error>(error).map(io::Error::kind);
    let known = match kind {
        Some(kind) => of_kind(kind),
        None if error.is_request() && texts(error).any(|text| text.contains("invalid HTTP")) => {
            Some("what it speaks is not HTTP")
        }
        None => None,
    };
    let other = if error.is_connect() {
        "the connection failed"
    } else {
        "the connection was closed"
    };
    known.unwrap_or(other).to_owned()
}

/// Why there is no connection, where the system knows.
fn of_kind(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("no route to it")
        }
        _ => None,
    }
}

/// The first cause of this type, those that I/O errors wrap included.
fn find<'a, T: Cause + 'static>(error: &'a (dyn Cause + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = inner(error);
    }
    None
}

/// The cause of `error`. An I/O error's own source is what stands behind the one that it wraps.
fn inner<'a>(error: &'a (dyn Cause + 'static)) -> Option<&'a (dyn Cause + 'static)> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn texts(error: &reqwest::Error) -> impl Iterator<Item = String> {
    let first: Option<&(dyn Cause + 'static)> = error.source();
    std::iter::successors(first, |error| inner(*error)).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said() {
        use CertificateError as Why;
        for (why, said) in [
            (Why::UnknownIssuer, "it was issued by nobody who is trusted"),
            (Why::Expired, "it has expired"),
            (Why::NotValidYet, "it is not valid yet"),
            (Why::NotValidForName, "it is for another name"),
            (Why::Revoked, "it was revoked"),
            (Why::BadSignature, "it is not valid"),
        ] {
            let error = rustls::Error::InvalidCertificate(why);
            assert_eq!(distrust(&error), Some(said));
        }
        let none = rustls::Error::NoCertificatesPresented;
        assert_eq!(distrust(&none), Some("there is none"));
        assert_eq!(distrust(&rustls::Error::DecryptError), None);
    }

    #[test]
    fn what_the_system_knows_is_said() {
        use io::ErrorKind as Kind;
        for (kind, said) in [
            (Kind::ConnectionRefused, Some("connection refused")),
            (Kind::HostUnreachable, Some("no route to it")),
            (Kind::NetworkUnreachable, Some("no route to it")),
            (Kind::ConnectionReset, None),
        ] {
            assert_eq!(of_kind(kind), said);
        }
    }
}
