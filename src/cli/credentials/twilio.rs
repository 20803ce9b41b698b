//! Twilio: a profile that was asked for, variables, systemd's credentials, the active profile.

use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::environment::{DEPTHS, Depth, Environment, From, Value};
use super::found::Found;
use super::place::{Label, place};
use super::profiles::{Chosen, Configuration};
use super::shape::Shape;
use crate::api::Twilio;

const ACCOUNT: &str = "TWILIO_ACCOUNT_SID";
const KEY: &str = "TWILIO_API_KEY";
const KEY_SECRET: &str = "TWILIO_API_SECRET";
const KEY_SECRETS: [&str; 2] = [KEY_SECRET, "TWILIO_API_KEY_SECRET"];
const TOKEN: &str = "TWILIO_AUTH_TOKEN";
const EDGE: &str = "TWILIO_EDGE";

/// Where is looked, in this order.
pub(super) const PLACES: &[&str] = &[
    "--profile NAME",
    "TWILIO_ACCOUNT_SID with TWILIO_API_KEY and TWILIO_API_SECRET",
    "TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN",
    "files of these names, such as twilio-auth-token, in $CREDENTIALS_DIRECTORY",
    "the active profile of twilio-cli in ~/.twilio-cli/config.json",
];

/// The first of these places that has credentials.
pub(super) fn find(from: &From<'_>) -> Result<Found<Twilio>, CredentialsError> {
    let mut found = anywhere(from)?;
    if let Some(account) = from.account {
        let account = Zeroizing::new(account.to_owned());
        found.credentials.account = Shape::Account.id(Value::given("--account", account))?;
    }
    Ok(found)
}

fn anywhere(from: &From<'_>) -> Result<Found<Twilio>, CredentialsError> {
    let env = &from.env;
    if let Some(name) = from.profile {
        let configuration = Configuration::read(env)?;
        return of_profile(configuration.named(name)?, env);
    }
    for depth in DEPTHS {
        if let Some(found) = of_variables(env, depth)? {
            return Ok(found);
        }
    }
    refuse_half(env)?;
    match Configuration::read_if_there(env)? {
        Some(configuration) => match configuration.active()? {
            Some(chosen) => of_profile(chosen, env),
            None => Err(none(env)),
        },
        None => Err(none(env)),
    }
}

/// What an API key's three, or a token's two, say.
fn of_variables(
    env: &Environment<'_>,
    depth: Depth,
) -> Result<Option<Found<Twilio>>, CredentialsError> {
    let Some(account) = env.find(ACCOUNT, depth)? else {
        return Ok(None);
    };
    let key = env.find(KEY, depth)?.zip(env.first(&KEY_SECRETS, depth)?);
    let (names, user, secret) = if let Some((key, secret)) = key {
        let names = format!("{} with {} and {}", account.name, key.name, secret.name);
        (names, Some(Shape::ApiKey.id(key)?), secret)
    } else if let Some(token) = env.find(TOKEN, depth)? {
        (format!("{} with {}", account.name, token.name), None, token)
    } else {
        return Ok(None);
    };
    let account = Shape::Account.id(account)?;
    let region = env.find("TWILIO_REGION", depth)?;
    let region = region.map(|value| Label::of(value.name, &value.text));
    Ok(Some(Found {
        credentials: Twilio {
            user: user.unwrap_or_else(|| account.clone()),
            account,
            secret: Shape::Secret.of(secret)?,
            place: place(region.transpose()?, edge(env, depth)?)?,
        },
        source: names,
    }))
}

fn edge(env: &Environment<'_>, depth: Depth) -> Result<Option<Label>, CredentialsError> {
    let edge = env.find(EDGE, depth)?;
    edge.map(|value| Label::of(value.name, &value.text))
        .transpose()
}

/// Refuses a key or a secret that something is missing to: another account's profile is not what
/// was meant.
fn refuse_half(env: &Environment<'_>) -> Result<(), CredentialsError> {
    let depth = Depth::Directory;
    let key = env.find(KEY, depth)?;
    let secret = env.first(&KEY_SECRETS, depth)?;
    let has_account = env.find(ACCOUNT, depth)?.is_some();
    let (there, missing) = match (key, secret, env.find(TOKEN, depth)?) {
        (Some(key), None, _) if has_account => (key, KEY_SECRET),
        (None, Some(secret), _) if has_account => (secret, KEY),
        (Some(there), ..) | (None, Some(there), _) | (None, None, Some(there)) => (there, ACCOUNT),
        (None, None, None) => return Ok(()),
    };
    Err(CredentialsError::Incomplete {
        provider: "Twilio",
        there: there.name,
        missing,
    })
}

/// That there is nothing, or an account's id alone.
fn none(env: &Environment<'_>) -> CredentialsError {
    match env.find(ACCOUNT, Depth::Directory) {
        Ok(Some(account)) => CredentialsError::Incomplete {
            provider: "Twilio",
            there: account.name,
            missing: TOKEN,
        },
        Ok(None) => CredentialsError::None {
            provider: "Twilio",
            places: PLACES,
        },
        Err(error) => error,
    }
}

fn of_profile(chosen: Chosen, env: &Environment<'_>) -> Result<Found<Twilio>, CredentialsError> {
    let edge = match edge(env, Depth::Directory)? {
        None => chosen.edge,
        edge => edge,
    };
    Ok(Found {
        credentials: Twilio {
            account: chosen.account,
            user: chosen.key,
            secret: chosen.secret,
            place: place(chosen.region, edge)?,
        },
        source: chosen.name,
    })
}
