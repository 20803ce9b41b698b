//! Twilio's Public Key resource: the keys that recordings are encrypted for.
//!
//! <https://www.twilio.com/docs/iam/credentials/api>. What a key is cannot be read back: a list has
//! their names only.

use serde::Deserialize;

use super::answer::{Scalar, lacks, read, unusable};
use super::change::{Body, Verb};
use super::draft::Draft;
use super::error::Error;
use super::hosts::{self, Service};
use super::pages::Seen;
use super::twilio::Access;

/// Keys on a page: 50 if nothing is said, at most 1000.
const PAGE_SIZE: &str = "1000";

/// The path of the resource.
const PATH: [&str; 3] = ["v1", "Credentials", "PublicKeys"];

/// A public key that Twilio has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    /// Its id, `CR…`.
    pub sid: String,
    /// What it is called. Untrusted text.
    pub name: String,
    /// When it was registered, as Twilio writes it. Untrusted text.
    pub created: Option<String>,
}

/// The public keys of an account.
pub(crate) struct PublicKeys {
    access: Access,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Credential<'a> {
    #[serde(borrow)]
    sid: Scalar<'a>,
    friendly_name: Scalar<'a>,
    date_created: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct List<'a> {
    #[serde(borrow)]
    credentials: Option<Vec<Credential<'a>>>,
    meta: Meta<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta<'a> {
    #[serde(borrow)]
    next_page_url: Scalar<'a>,
}

/// Whether a text is the id of a public key: `CR` and 32 hexadecimal digits.
pub(crate) fn is_key_id(text: &str) -> bool {
    let digits = text.strip_prefix("CR").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl PublicKeys {
    pub(super) fn new(access: Access) -> Self {
        Self { access }
    }

    /// All of them, in Twilio's order.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn list(&self) -> Result<Vec<PublicKey>, Error> {
        let host = &self.access.host();
        let mut link = self.access.link(&PATH, &[("PageSize", PAGE_SIZE)])?;
        let (mut keys, mut seen) = (Vec::new(), Seen::default());
        loop {
            seen.note(&link)?;
            let bytes = self.access.answer(&link)?;
            let list: List<'_> = read(host, &bytes)?;
            let page = list
                .credentials
                .ok_or_else(|| lacks(host, &bytes, "list of public keys"))?;
            for key in page {
                keys.push(self.key(&bytes, &key)?);
            }
            match list.meta.next_page_url.text() {
                Some(next) => {
                    link = hosts::page(self.access.base(), Service::TwilioAccounts, next)?;
                }
                None => return Ok(keys),
            }
        }
    }

    /// The key of this id; `None` where there is none.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn fetch(&self, sid: &str) -> Result<Option<PublicKey>, Error> {
        match self
            .access
            .answer(&self.access.link(&[&PATH[..], &[sid]].concat(), &[])?)
        {
            Ok(bytes) => self.read(&bytes).map(Some),
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The request that registers the key `pem`: "`PublicKey`: A URL encoded representation of the
    /// public key. For example, `-----BEGIN PUBLIC KEY-----MIIB…-----END PUBLIC KEY-----`".
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn create(&self, name: &str, pem: &str) -> Result<Draft, Error> {
        let fields = vec![
            ("FriendlyName", name.to_owned()),
            ("PublicKey", pem.to_owned()),
        ];
        let request = self.access.request(&self.access.link(&PATH, &[])?);
        Ok(Draft::new(request, Verb::Post, Body::Form(fields), false))
    }

    /// The request that takes a key away.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn delete(&self, sid: &str) -> Result<Draft, Error> {
        let link = self.access.link(&[&PATH[..], &[sid]].concat(), &[])?;
        Ok(Draft::new(
            self.access.request(&link),
            Verb::Delete,
            Body::Nothing,
            false,
        ))
    }

    /// The key that an answer is about.
    ///
    /// # Errors
    /// [`Error::Answer`].
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<PublicKey, Error> {
        self.key(bytes, &read(&self.access.host(), bytes)?)
    }

    fn key(&self, bytes: &[u8], said: &Credential<'_>) -> Result<PublicKey, Error> {
        let host = &self.access.host();
        let sid = said.sid.text();
        let sid = sid.ok_or_else(|| lacks(host, bytes, "id of a public key"))?;
        if !is_key_id(sid) {
            return Err(unusable(host, "the id in it is none of a public key"));
        }
        Ok(PublicKey {
            sid: sid.to_owned(),
            name: said.friendly_name.owned().unwrap_or_default(),
            created: said.date_created.owned(),
        })
    }
}
