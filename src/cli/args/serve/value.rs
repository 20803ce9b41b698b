//! What the values of `unreel serve`'s settings are, and why a text is none. No text is repeated, nor
//! what people write for it by mistake: it could not be told from a secret.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use crate::cli::moment::span;
use crate::cli::units::bytes;
use crate::provider::IdKind;
use crate::serve::LONGEST_LINK;
use crate::store::Location;

/// Where recordings are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Source {
    /// Twilio Voice has them.
    Twilio,
    Folder(PathBuf),
    /// All below a prefix.
    Bucket(Location),
}

/// Where Flex's player cuts the URL of a recording.
const CUT: &str = ".mp3";

/// The paths that the server has for itself, and all below them.
const OWN_PATHS: [&str; 7] = [
    "2010-04-01",
    "healthz",
    "listen",
    "media",
    "metrics",
    "readyz",
    "waveform",
];

/// What a setting's text is, or why it is none.
type Read<T, E = &'static str> = Result<T, E>;

/// Whether the text of a source is the name of a folder.
pub(in crate::cli) fn is_of_folder(text: &str) -> bool {
    text != "twilio" && Location::parse(text).is_none()
}

pub(super) fn source(text: &str) -> Read<Source, String> {
    match Location::parse(text) {
        _ if text == "twilio" => Ok(Source::Twilio),
        None if text.is_empty() => Err("it is no folder, no bucket and not twilio".to_owned()),
        None if text.contains("://") => Err(
            "it is no place for recordings: twilio, a folder, s3://, az:// and gs:// are"
                .to_owned(),
        ),
        None => Ok(Source::Folder(text.into())),
        Some(_) if cfg!(not(feature = "buckets")) => {
            Err("buckets are left out of this build".to_owned())
        }
        Some(Ok(location)) if location.is_prefix() => Ok(Source::Bucket(location)),
        Some(Ok(location)) => Ok(Source::Bucket(location.join(""))),
        Some(Err(error)) => Err(error.to_string()),
    }
}

pub(super) fn size(text: &str) -> Read<u64> {
    bytes(text).ok_or("it is no size such as 64KiB, 512MiB, 2GiB or 0")
}

/// `^AC[0-9a-f]{32}$`
pub(super) fn account(text: &str) -> Read<String> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = text.strip_prefix("AC").unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(is_digit) {
        return Ok(text.to_owned());
    }
    Err("it is not AC and 32 hexadecimal digits, the letters among them small")
}

pub(super) fn role(text: &str) -> Read<String> {
    if text == "guest" {
        return Err("users of that role may never listen");
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it is no role's name: there are none with blanks or foreign letters");
    }
    Ok(text.to_owned())
}

pub(super) fn command(text: &str) -> Read<String> {
    if text.trim().is_empty() {
        return Err("it is no command");
    }
    Ok(text.to_owned())
}

pub(super) fn public_url(text: &str) -> Read<Url> {
    let url = Url::parse(text).map_err(|_| "it is no URL that begins with https:// or http://")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("it does not begin with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("there is a user name or a password in it");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("there is a query or a fragment in it, and links go on behind it");
    }
    refuse_cut(url.as_str())?;
    // A path goes on with a slash, and does not end in one.
    Url::parse(url.as_str().trim_end_matches('/')).map_err(|_| "it is no URL")
}

/// How long a link may be good.
pub(super) fn link_ttl(text: &str) -> Read<Duration> {
    let span = span(text).ok_or("it is no time such as 90s, 5m or 1h")?;
    if span.is_zero() {
        return Err("a link that is good for no time is of no use");
    }
    if span > LONGEST_LINK {
        return Err("links are good for at most 12h");
    }
    Ok(span)
}

pub(super) fn flex_path(text: &str) -> Read<String> {
    let no_path = "it is no path such as /sec_rec: letters, digits, - _ . ~ between slashes";
    let parts = text.strip_prefix('/').ok_or("it does not begin with /")?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(is_letter);
    if !parts.split('/').all(is_part) {
        return Err(no_path);
    }
    if parts
        .split('/')
        .next()
        .is_some_and(|first| OWN_PATHS.contains(&first))
    {
        return Err("the server has another use for that path");
    }
    refuse_cut(text)?;
    Ok(text.to_owned())
}

fn refuse_cut(text: &str) -> Read<()> {
    if text.to_ascii_lowercase().contains(CUT) {
        return Err("Flex's player cuts links at .mp3, which is in it");
    }
    Ok(())
}

/// An address and a port; `localhost` is this machine's.
pub(super) fn address(text: &str) -> Read<SocketAddr> {
    let no_address = "it is no IP address with a port behind a colon";
    if let Some(port) = text.strip_prefix("localhost:") {
        let port = port.parse().map_err(|_| no_address)?;
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| no_address)
}

/// An origin as browsers write it (RFC 6454, 6.2), so that it can be compared byte for byte.
pub(super) fn origin(text: &str) -> Read<String> {
    let no_origin = "it is no origin as browsers write it: https:// and the host in small letters, a \
                     port if it is not the usual one, and nothing behind";
    let url = Url::parse(text).map_err(|_| no_origin)?;
    if url.origin().ascii_serialization() != text || text.contains('*') {
        return Err(no_origin);
    }
    match url.scheme() {
        "https" => Ok(text.to_owned()),
        "http" if url.host().is_some_and(|host| is_here(&host)) => Ok(text.to_owned()),
        _ => Err("it is not https, and http is for this machine only"),
    }
}

fn is_here(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// A name of a host, or an address, as it stands in `Host`.
pub(super) fn host(text: &str) -> Read<String> {
    let host = Host::parse(text);
    match host {
        Ok(host) if !text.contains('*') => Ok(host.to_string()),
        _ => Err("it is no host's name; a port does not belong to it"),
    }
}

pub(super) fn recording(text: &str) -> Read<String> {
    match IdKind::of(text) {
        Some(kind) if !kind.is_group() => Ok(text.to_owned()),
        Some(_) => Err("it is the id of several recordings, and a link is to one"),
        None => Err(
            "it is no recording's id: RE, RT or CJ and 32 hexadecimal digits, or an archive's UUID",
        ),
    }
}

pub(super) fn who(text: &str) -> Read<String> {
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err("it is nobody's name: 1 to 200 bytes, without control characters");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
