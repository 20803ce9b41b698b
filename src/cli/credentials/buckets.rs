//! What lets us into buckets, of whomever.

use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::environment::Environment;
use crate::api::Link;
use crate::store::Setting;

/// What lets us into the buckets of one service.
pub(super) struct Bucket {
    /// What kind of credentials they are.
    pub(super) kind: &'static str,
    /// What may be shown of them: names in JSON, names for people, values.
    pub(super) fields: Vec<(&'static str, &'static str, Option<String>)>,
    /// All of them.
    pub(super) settings: Vec<Setting>,
}

/// A variable that is no secret. Set to nothing is not set.
pub(super) fn variable(env: &Environment<'_>, name: &str) -> Option<Zeroizing<String>> {
    let value = (env.variable)(name)?.into_string().ok()?;
    (!value.is_empty()).then(|| Zeroizing::new(value))
}

/// The settings that variables are as they stand.
pub(super) fn variables(env: &Environment<'_>, names: &[(&str, &'static str)]) -> Vec<Setting> {
    let setting = |(name, setting): &(&str, &'static str)| Some((*setting, variable(env, name)?));
    names.iter().filter_map(setting).collect()
}

/// The first of these variables that is set, else what was `configured`: a URL that may be asked for.
pub(super) fn endpoint(
    env: &Environment<'_>,
    names: &[&str],
    configured: Option<Zeroizing<String>>,
) -> Result<Option<Zeroizing<String>>, CredentialsError> {
    let set = names
        .iter()
        .find_map(|name| Some((*name, variable(env, name)?)));
    let first = names.first().copied().unwrap_or_default();
    let Some((name, url)) = set.or_else(|| Some((first, configured?))) else {
        return Ok(None);
    };
    let url = Zeroizing::new(url.trim_end_matches('/').to_owned());
    Link::parse(&url).map_err(|error| CredentialsError::Url(name.to_owned(), error))?;
    Ok(Some(url))
}
