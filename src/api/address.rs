//! Which addresses a provider's answer may lead to.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// An address that an answer of a provider's must not lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no public address")]
pub(super) struct NotPublic;

/// Whether everybody may reach `address`: it is of no special use (RFC 6890) and of no one network.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

/// What is given out is `2000::/3`. Addresses that stand for others are judged by those.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Mapped, NAT64 (RFC 6052), 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => is_public_v4(v4(high, low)),
        // Teredo and others of no one's own; documentation.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// Looks names up, and holds back the addresses of those that are watched unless all are public.
///
/// It is asked for a proxy's name, too, which may be anywhere: hence the names.
pub(super) struct Guard {
    watched: Arc<Mutex<HashSet<String>>>,
    allows_loopback: bool,
}

impl Guard {
    /// Nothing is watched yet.
    pub(super) fn new(allows_loopback: bool) -> Self {
        Self {
            watched: Arc::default(),
            allows_loopback,
        }
    }

    /// From now on `name` is watched.
    pub(super) fn watch(&self, name: &str) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if !watched.contains(name) {
            watched.insert(name.to_owned());
        }
    }

    fn watches(&self, name: &str) -> bool {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.contains(name)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let watches = self.watches(name.as_str());
        let allows_loopback = self.allows_loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            if watches {
                admitted(&found, allows_loopback)?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether all of what a name stands for may be reached.
fn admitted(found: &[SocketAddr], allows_loopback: bool) -> io::Result<()> {
    let may = |address: &SocketAddr| {
        is_public(address.ip()) || allows_loopback && address.ip().is_loopback()
    };
    if found.iter().all(may) {
        return Ok(());
    }
    Err(io::Error::other(NotPublic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_special_use_are_refused() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "::7f00:1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:c0a8:101::1",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff00::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn others_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:4860:4860::8888",
            "2002:808:808::1",
            "2600:1f00::1",
            "2a00:1450::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn one_address_that_is_not_public_spoils_a_name() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        assert!(admitted(&[at("8.8.8.8"), at("2600::1")], false).is_ok());
        assert!(admitted(&[at("8.8.8.8"), at("10.0.0.1")], false).is_err());
        assert!(admitted(&[at("127.0.0.1")], false).is_err());
        assert!(admitted(&[at("127.0.0.1"), at("::1")], true).is_ok());
        assert!(admitted(&[at("127.0.0.1"), at("10.0.0.1")], true).is_err());
    }

    #[test]
    fn only_watched_names_are_held_back() {
        let guard = Guard::new(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let look_up = || runtime.block_on(guard.resolve("localhost".parse().unwrap()));
        assert!(look_up().is_ok());
        guard.watch("localhost");
        assert!(look_up().is_err());
    }
}
