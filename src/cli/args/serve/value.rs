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
        "http" if url.host().is_some_and(is_here) => Ok(text.to_owned()),
        _ => Err("it is not https, and http is for this machine only"),
    }
}

fn is_here(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
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
mod tests {
    use super::*;

    #[test]
    fn a_source_is_twilio_a_folder_or_a_prefix() {
        assert_eq!(source("twilio"), Ok(Source::Twilio));
        for folder in ["./twilio", "Twilio", "/var/calls", "calls/", "~/a b"] {
            assert_eq!(source(folder), Ok(Source::Folder(folder.into())));
            assert!(is_of_folder(folder));
        }
        for text in [
            "",
            "https://x.example/",
            "file:///var/calls",
            "s3://",
            "gs://b?sig=x/",
        ] {
            assert!(source(text).is_err(), "{text}");
        }
        if cfg!(feature = "buckets") {
            for (text, prefix) in [
                ("s3://b", "s3://b/"),
                ("s3://b/", "s3://b/"),
                ("gs://b/calls", "gs://b/calls/"),
                ("az://c/calls/2026/", "az://c/calls/2026/"),
            ] {
                let Ok(Source::Bucket(location)) = source(text) else {
                    panic!("{text}");
                };
                assert_eq!(location.to_string(), prefix);
                assert!(location.is_prefix() && !is_of_folder(text));
            }
        }
    }

    #[test]
    fn an_origin_is_what_a_browser_writes() {
        for text in [
            "https://flex.twilio.com",
            "https://a.example:8443",
            "http://localhost:3000",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://xn--bcher-kva.example",
        ] {
            assert_eq!(origin(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "*",
            "null",
            "flex.twilio.com",
            "https://flex.twilio.com/",
            "https://flex.twilio.com/agent",
            "https://flex.twilio.com?a",
            "https://flex.twilio.com#a",
            "https://user@flex.twilio.com",
            "https://Flex.twilio.com",
            "HTTPS://flex.twilio.com",
            "https://flex.twilio.com:443",
            "http://localhost:80",
            "https://*.twilio.com",
            "https://b\u{fc}cher.example",
            "http://flex.twilio.com",
            "http://127.0.0.1.example",
            "ftp://flex.twilio.com",
            "file:///a",
            " https://flex.twilio.com",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn links_go_on_behind_the_public_url() {
        for (text, expected) in [
            ("https://play.example.com", "https://play.example.com/"),
            ("https://play.example.com/", "https://play.example.com/"),
            (
                "https://Play.example.com:443/x/y/",
                "https://play.example.com/x/y",
            ),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080/"),
        ] {
            assert_eq!(public_url(text).unwrap().as_str(), expected);
        }
        for text in [
            "play.example.com",
            "ftp://play.example.com",
            "https://u@play.example.com",
            "https://:p@play.example.com",
            "https://play.example.com/?a=b",
            "https://play.example.com/#a",
            "https://play.MP3.example",
            "https://play.example.com/a.mp3/b",
            "https://",
        ] {
            assert!(public_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_path_of_flex_is_nobody_elses() {
        for text in ["/sec_rec", "/a/b-c.d~e", "/listening", "/sec_rec/media"] {
            assert_eq!(flex_path(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "/",
            "sec_rec",
            "/sec_rec/",
            "//a",
            "/a/../b",
            "/a b",
            "/{id}",
            "/:id",
            "/*rest",
            "/a?b",
            "/a%20b",
            "/x.mp3",
            "/X.MP3",
            "/media",
            "/media/x",
            "/listen",
            "/waveform/y",
            "/healthz",
            "/readyz",
            "/metrics",
            "/2010-04-01/Accounts",
        ] {
            assert!(flex_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_accounts_addresses_and_names_are_read() {
        assert_eq!(link_ttl("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(link_ttl("12h"), Ok(LONGEST_LINK));
        assert_eq!(link_ttl("720m"), Ok(LONGEST_LINK));
        for text in [
            "",
            "90",
            "0s",
            "43201s",
            "1d",
            "-1s",
            "1.5h",
            "99999999999999999999d",
        ] {
            assert!(link_ttl(text).is_err(), "{text}");
        }
        let digits = "5eed0000000000000000000000000001";
        assert!(account(&format!("AC{digits}")).is_ok());
        for text in [
            digits,
            "AC",
            &format!("ac{digits}"),
            &format!("AC{}", digits.to_uppercase()),
        ] {
            assert!(account(text).is_err(), "{text}");
        }
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("localhost:80", "127.0.0.1:80"),
            ("[::]:8080", "[::]:8080"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), expected);
        }
        for text in [
            "127.0.0.1",
            ":8080",
            "localhost:",
            "example.com:80",
            "127.0.0.1:65536",
            "::1:80",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
        for (text, expected) in [
            ("Play.Example.com", "play.example.com"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("[::1]", "[::1]"),
            ("10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(expected));
        }
        for text in ["", "a:80", "a/b", "https://a", "a b", "[::1", "*.a"] {
            assert!(host(text).is_err(), "{text}");
        }
        assert!(role("agent").is_ok() && role("guest").is_err() && role("").is_err());
        assert!(recording(&format!("RE{digits}")).is_ok());
        assert!(recording(&format!("CA{digits}")).is_err());
        assert!(recording("../RE1").is_err());
    }
}
