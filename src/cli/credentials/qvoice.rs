//! Qvoice: variables and systemd's credentials. Its guide names no host.

use super::super::error::CredentialsError;
use super::environment::{Depth, Environment};
use super::found::Found;
use super::hosts::link;
use super::shape::Shape;
use crate::api::Qvoice;

const URL: &str = "QVOICE_API_URL";
const ACCOUNT: &str = "QVOICE_ACCOUNT_ID";
const TOKEN: &str = "QVOICE_TOKEN";

/// Where is looked, in this order.
pub(super) const PLACES: &[&str] = &[
    "QVOICE_API_URL with QVOICE_ACCOUNT_ID and QVOICE_TOKEN",
    "files of these names, such as qvoice-token, in $CREDENTIALS_DIRECTORY",
];

/// All three of them.
pub(super) fn find(env: &Environment<'_>) -> Result<Found<Qvoice>, CredentialsError> {
    let value = |name| env.find(name, Depth::Directory);
    let incomplete = |there: &str, missing| CredentialsError::Incomplete {
        provider: "Qvoice",
        there: there.to_owned(),
        missing,
    };
    match (value(URL)?, value(ACCOUNT)?, value(TOKEN)?) {
        (Some(url), Some(account), Some(token)) => Ok(Found {
            source: format!("{} with {} and {}", url.name, account.name, token.name),
            credentials: Qvoice {
                url: link(&url)?,
                account: Shape::Name.id(account)?,
                token: Shape::Secret.of(token)?,
            },
        }),
        (Some(there), None, _) => Err(incomplete(&there.name, ACCOUNT)),
        (Some(there), _, None) => Err(incomplete(&there.name, TOKEN)),
        (None, Some(there), _) | (None, None, Some(there)) => Err(incomplete(&there.name, URL)),
        (None, None, None) => Err(CredentialsError::None {
            provider: "Qvoice",
            places: PLACES,
        }),
    }
}
