//! [`Link`]: a URL that may be asked for.

use std::fmt;

use url::{Host, Url};

/// An `https` URL, or an `http` one of this machine; without user name and password.
///
/// Its [`Display`](fmt::Display) is what may be printed: scheme, host, path, and the names of its
/// query's fields. So is its [`Debug`](fmt::Debug): the values let in whoever has them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Link(Url);

/// Why a text is no [`Link`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// It is no URL.
    #[error("it is no URL")]
    Malformed,
    /// It is `http`, and the host is not this machine.
    #[error("it is not encrypted: http is for this machine only")]
    NotEncrypted,
    /// It has a user name or a password.
    #[error("there is a user name or a password in it")]
    UserInfo,
}

impl Link {
    /// Reads a URL.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub(crate) fn parse(text: &str) -> Result<Self, LinkError> {
        Self::of(Url::parse(text).map_err(|_| LinkError::Malformed)?)
    }

    /// Reads a URL that was taken apart.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub(super) fn of(mut url: Url) -> Result<Self, LinkError> {
        if url.host_str().is_none_or(str::is_empty) {
            return Err(LinkError::Malformed);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(LinkError::NotEncrypted),
            _ => return Err(LinkError::Malformed),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinkError::UserInfo);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// An `http` URL of another machine, for what has no other way to be asked.
    #[cfg(feature = "buckets")]
    pub(super) fn unencrypted(url: Url) -> Self {
        Self(url)
    }

    /// What may be printed of a text that may be no [`Link`].
    pub(crate) fn printable(text: &str) -> String {
        match Url::parse(text) {
            Ok(url) if url.has_host() => Self(url).to_string(),
            _ => "(a URL that is not shown)".to_owned(),
        }
    }

    /// The last part of its path, decoded. Empty where there is none. Untrusted text.
    pub(crate) fn file_name(&self) -> String {
        let last = self
            .0
            .path_segments()
            .and_then(|mut parts| parts.next_back());
        String::from_utf8_lossy(&decoded(last.unwrap_or_default())).into_owned()
    }

    /// What a reference in an answer of this link means: a URL, or a part of one.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub(super) fn join(&self, reference: &str) -> Result<Self, LinkError> {
        Self::of(self.0.join(reference).map_err(|_| LinkError::Malformed)?)
    }

    /// A reference that [`join`](Self::join) does not take, as it may be printed.
    pub(super) fn shown(&self, reference: &str) -> String {
        match self.0.join(reference) {
            Ok(url) if url.has_host() => Self(url).to_string(),
            _ => "a place".to_owned(),
        }
    }

    /// All of it.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// Its host, and its port where that is not the scheme's own. It may be printed.
    pub(super) fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether it leads to this machine, by what it says itself.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Whether it is encrypted.
    pub(super) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether scheme, host and port are the same.
    pub(super) fn has_origin_of(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// Whether the host is the same.
    pub(super) fn has_host_of(&self, other: &Self) -> bool {
        self.0.host() == other.0.host()
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.0.scheme(), self.host(), self.0.path())?;
        let fields = self.0.query().unwrap_or_default().split('&');
        for (at, field) in fields.filter(|field| !field.is_empty()).enumerate() {
            let name = field.split_once('=').map_or("…", |(name, _)| name);
            write!(f, "{}{name}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What percent signs stand for (RFC 3986, 2.1).
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).filter(|_| *first == b'%');
        let byte = digits.and_then(|digits| {
            let text = std::str::from_utf8(digits).ok()?;
            let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
            is_hex.then(|| u8::from_str_radix(text, 16).ok())?
        });
        bytes.push(byte.unwrap_or(*first));
        rest = behind
            .get(if byte.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_asked_for_and_how_it_is_printed() {
        for (text, shown) in [
            ("https://h", "https://h/"),
            ("HTTPS://H.Example:443/p", "https://h.example/p"),
            (
                "https://h:8443/p?Expires=1&Signature=s3cret#f",
                "https://h:8443/p?Expires&Signature",
            ),
            ("https://h/p?s3cret", "https://h/p?…"),
            ("https://h/p?a=1&s3cret&&b=", "https://h/p?a&…&b"),
            ("https://h/a%20b/\u{e9}", "https://h/a%20b/%C3%A9"),
            ("http://127.0.0.1:8080/p", "http://127.0.0.1:8080/p"),
            ("http://127.9.9.9/", "http://127.9.9.9/"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://[::1]:80/p", "http://[::1]/p"),
            ("http://LOCALHOST/", "http://localhost/"),
            ("https://10.0.0.1/", "https://10.0.0.1/"),
        ] {
            let link = Link::parse(text).map(|link| link.to_string());
            assert_eq!(link, Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn of_a_text_without_a_host_nothing_is_printed() {
        assert_eq!(Link::printable("https://h/p?s=1"), "https://h/p?s");
        for text in ["data:s3cret", "mailto:s3cret@h", "s3cret", ""] {
            assert_eq!(Link::printable(text), "(a URL that is not shown)", "{text}");
        }
    }

    #[test]
    fn what_a_panic_would_show_of_it_is_what_may_be_printed() {
        let link = Link::parse("https://h/p?Signature=s3cret").unwrap();
        assert_eq!(format!("{link:?}"), "https://h/p?Signature");
    }

    #[test]
    fn what_may_not() {
        for (text, error) in [
            ("", LinkError::Malformed),
            ("h/p", LinkError::Malformed),
            ("ftp://h/p", LinkError::Malformed),
            ("https://", LinkError::Malformed),
            ("data:text/plain,x", LinkError::Malformed),
            ("http://h/p", LinkError::NotEncrypted),
            ("http://127.0.0.1.example/", LinkError::NotEncrypted),
            ("http://localhost.example/", LinkError::NotEncrypted),
            ("http://128.0.0.1/", LinkError::NotEncrypted),
            ("https://u@h/", LinkError::UserInfo),
            ("https://u:p@h/", LinkError::UserInfo),
            ("https://:p@h/", LinkError::UserInfo),
        ] {
            assert_eq!(Link::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn file_names_are_decoded() {
        for (text, name) in [
            ("https://h", ""),
            ("https://h/a/", ""),
            ("https://h/a/b.wav?x=/y", "b.wav"),
            ("https://h/a%20b%2Fc", "a b/c"),
            ("https://h/100%", "100%"),
            ("https://h/%4", "%4"),
            ("https://h/%+1%41", "%+1A"),
            ("https://h/%FF", "\u{fffd}"),
        ] {
            assert_eq!(Link::parse(text).unwrap().file_name(), name, "{text}");
        }
    }

    #[test]
    fn references_are_resolved() {
        let base = Link::parse("https://h:8443/a/b?c=d").unwrap();
        for (reference, meant) in [
            ("/p?x=1", "https://h:8443/p?x=1"),
            ("e", "https://h:8443/a/e"),
            ("?page=2", "https://h:8443/a/b?page=2"),
            ("//other/p", "https://other/p"),
            ("https://h/p", "https://h/p"),
        ] {
            let link = base.join(reference).unwrap();
            assert_eq!(link.url().as_str(), meant);
        }
        assert_eq!(base.join("http://h/"), Err(LinkError::NotEncrypted));
        assert_eq!(base.join("https://u:p@h/"), Err(LinkError::UserInfo));
        assert_eq!(base.join("https://["), Err(LinkError::Malformed));
        assert_eq!(base.join("mailto:x"), Err(LinkError::Malformed));
        assert_eq!(base.shown("https://u:p@h/x?s=3"), "https://h/x?s");
        assert_eq!(base.shown("https://["), "a place");
        assert_eq!(base.shown("mailto:x"), "a place");
    }
}
