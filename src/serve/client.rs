//! [`Client`]: whom a request is from, as far as the connection and its headers say.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{HOST, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, Uri};

/// What proxies write the address of their client to, each at the end.
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whom a request is from.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    /// Where it came from; `None` where a proxy does not say.
    pub(super) address: Option<IpAddr>,
    /// What it was made with, as it says itself. Untrusted text.
    pub(super) agent: Option<String>,
}

impl Client {
    /// `peer` is who is connected: the client, or the proxy in front.
    pub(super) fn of(peer: SocketAddr, headers: &HeaderMap, behind_proxy: bool) -> Self {
        let agent = headers.get(USER_AGENT);
        let agent = agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
        let address = if behind_proxy {
            forwarded(headers)
        } else {
            Some(peer.ip().to_canonical())
        };
        Self { address, agent }
    }
}

/// "The last `X-Forwarded-For`": what the proxy itself wrote, whatever the client did before.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED).iter().next_back()?;
    let last = last.to_str().ok()?.rsplit(',').next()?.trim();
    let address = last.parse::<IpAddr>().ok();
    // Some proxies write the port, too.
    let address = address.or_else(|| Some(last.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

/// The name that a request is for, in lower case and without the port; nothing where it has none, or
/// two that differ (RFC 9112, 3.2).
pub(super) fn host_of(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let mut named = headers.get_all(HOST).iter();
    let header = match (named.next(), named.next()) {
        (Some(header), None) => Some(name_of(header.to_str().ok()?)?),
        (None, _) => None,
        (Some(_), Some(_)) => return None,
    };
    match (uri.authority(), header) {
        // "the server MUST … replace it with the host information of the request-target".
        (Some(authority), _) => name_of(authority.as_str()),
        (None, header) => header,
    }
}

/// A host without its port.
fn name_of(text: &str) -> Option<String> {
    let authority: axum::http::uri::Authority = text.parse().ok()?;
    (!text.contains('@')).then(|| authority.host().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (name.clone(), value)
        });
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn the_proxy_has_the_last_word() {
        let peer = "10.0.0.1:80".parse().unwrap();
        for (values, expected) in [
            (&["192.0.2.7"][..], Some("192.0.2.7")),
            (&["6.6.6.6, 192.0.2.7"], Some("192.0.2.7")),
            (&["6.6.6.6", "7.7.7.7 ,192.0.2.7"], Some("192.0.2.7")),
            (&["192.0.2.7:4711"], Some("192.0.2.7")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["2001:db8::1"], Some("2001:db8::1")),
            (&["::ffff:192.0.2.7"], Some("192.0.2.7")),
            (&["192.0.2.7, unknown"], None),
            (&[""], None),
            (&[], None),
        ] {
            let pairs: Vec<_> = values.iter().map(|value| (FORWARDED, *value)).collect();
            let client = Client::of(peer, &headers(&pairs), true);
            let address = client.address.map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{values:?}");
            let client = Client::of(peer, &headers(&pairs), false);
            assert_eq!(client.address, Some(peer.ip()));
        }
    }

    #[test]
    fn a_request_is_for_one_host() {
        for (uri, hosts, expected) in [
            ("/", &["Example.com:8080"][..], Some("example.com")),
            ("/", &["[::1]:80"], Some("[::1]")),
            ("/", &["127.0.0.1"], Some("127.0.0.1")),
            ("http://evil.com/", &["good.com"], Some("evil.com")),
            ("/", &["good.com", "evil.com"], None),
            ("/", &[], None),
            ("/", &["user@good.com"], None),
            ("/", &["a b"], None),
        ] {
            let pairs: Vec<_> = hosts.iter().map(|host| (HOST, *host)).collect();
            let host = host_of(&uri.parse().unwrap(), &headers(&pairs));
            assert_eq!(host.as_deref(), expected, "{uri} {hosts:?}");
        }
    }
}
