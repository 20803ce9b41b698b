//! What lets us into buckets of S3: the variables and files of the aws CLI, in its order.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::buckets::{Bucket, endpoint, variable, variables};
use super::environment::{DEPTHS, Environment};
use super::found::Found;
use super::ini::sections;
use crate::job::redact::shown;
use crate::store::Setting;

const NAME: &str = "S3";

/// Where it is looked, in this order.
const PLACES: &[&str] = &[
    "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN)",
    "files of these names, such as aws-secret-access-key, in $CREDENTIALS_DIRECTORY",
    "AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN",
    "the profile of AWS_PROFILE, or `default`, in ~/.aws/credentials and ~/.aws/config",
    "AWS_CONTAINER_CREDENTIALS_…",
    "the machine's own role, unless AWS_EC2_METADATA_DISABLED is true",
];

/// Variables that are settings as they are.
const VARIABLES: &[(&str, &str)] = &[
    ("AWS_ENDPOINT_URL_STS", "aws_endpoint_url_sts"),
    (
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
        "aws_virtual_hosted_style_request",
    ),
    ("AWS_S3_EXPRESS", "aws_s3_express"),
    ("AWS_REQUEST_PAYER", "aws_request_payer"),
    ("AWS_SERVER_SIDE_ENCRYPTION", "aws_server_side_encryption"),
    ("AWS_SSE_KMS_KEY_ID", "aws_sse_kms_key_id"),
    ("AWS_SSE_BUCKET_KEY_ENABLED", "aws_sse_bucket_key_enabled"),
    ("AWS_METADATA_ENDPOINT", "aws_metadata_endpoint"),
];

/// A role that is taken with a token that a cluster gives.
const WEB_IDENTITY: &[(&str, &str)] = &[
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "aws_web_identity_token_file"),
    ("AWS_ROLE_ARN", "aws_role_arn"),
    ("AWS_ROLE_SESSION_NAME", "aws_role_session_name"),
];

/// A role that a container is given.
const CONTAINER: &[(&str, &str)] = &[
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "aws_container_credentials_relative_uri",
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "aws_container_credentials_full_uri",
    ),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "aws_container_authorization_token_file",
    ),
];

/// What a profile may have in place of keys, which the aws CLI turns into some.
const INDIRECT: [&str; 5] = [
    "credential_process",
    "role_arn",
    "sso_session",
    "sso_start_url",
    "login_session",
];

/// What lets us into buckets of S3.
pub(super) fn find(env: &Environment<'_>) -> Result<Found<Bucket>, CredentialsError> {
    let profile = Profile::read(env)?;
    let mut settings = variables(env, VARIABLES);
    let region = variable(env, "AWS_REGION").or_else(|| variable(env, "AWS_DEFAULT_REGION"));
    let region = region.or_else(|| profile.value("region"));
    let shown_region = region.as_ref().map(|region| region.to_string());
    settings.extend(region.map(|region| ("aws_region", region)));
    let ignores = is_true(env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    let configured = || profile.value("endpoint_url").filter(|_| !ignores);
    let url = endpoint(
        env,
        &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
        configured(),
    )?;
    let shown_url = url.as_ref().map(|url| url.to_string());
    settings.extend(url.map(|url| ("aws_endpoint_url_s3", url)));

    let (source, key, more) = who(env, &profile)?;
    settings.extend(more);
    Ok(Found {
        source,
        credentials: Bucket {
            kind: if key.is_some() { "access_key" } else { "role" },
            fields: vec![
                ("region", "region", shown_region),
                ("url", "endpoint", shown_url),
                ("access_key", "access key", key.map(shown_id)),
            ],
            settings,
        },
    })
}

/// As whom we come: the source, the id of the access key where there is one, and the settings.
fn who(
    env: &Environment<'_>,
    profile: &Profile,
) -> Result<(String, Option<String>, Vec<Setting>), CredentialsError> {
    if is_true(env, "AWS_SKIP_SIGNATURE") {
        let settings = vec![("aws_skip_signature", Zeroizing::new("true".to_owned()))];
        return Ok(("AWS_SKIP_SIGNATURE: nobody".to_owned(), None, settings));
    }
    for depth in DEPTHS {
        let key = env.find("AWS_ACCESS_KEY_ID", depth)?;
        let secret = env.find("AWS_SECRET_ACCESS_KEY", depth)?;
        let (there, missing) = match (key, secret) {
            (Some(key), Some(secret)) => {
                let source = format!("{} and {}", key.name, secret.name);
                let shown = key.text.to_string();
                let mut settings = vec![
                    ("aws_access_key_id", key.text),
                    ("aws_secret_access_key", secret.text),
                ];
                let token = env.find("AWS_SESSION_TOKEN", depth)?;
                settings.extend(token.map(|token| ("aws_session_token", token.text)));
                return Ok((source, Some(shown), settings));
            }
            (None, None) => continue,
            (Some(key), None) => (key.name, "AWS_SECRET_ACCESS_KEY"),
            (None, Some(secret)) => (secret.name, "AWS_ACCESS_KEY_ID"),
        };
        return Err(CredentialsError::Incomplete {
            provider: NAME,
            there,
            missing,
        });
    }
    let web = variables(env, WEB_IDENTITY);
    if web.len() >= 2 {
        return Ok((
            "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN".to_owned(),
            None,
            web,
        ));
    }
    if let Some((key, settings)) = profile.keys()? {
        return Ok((profile.name(), Some(key), settings));
    }
    let container = variables(env, CONTAINER);
    if !container.is_empty() {
        return Ok(("AWS_CONTAINER_CREDENTIALS_…".to_owned(), None, container));
    }
    if is_true(env, "AWS_EC2_METADATA_DISABLED") {
        return Err(CredentialsError::None {
            provider: NAME,
            places: PLACES,
        });
    }
    Ok((
        "the machine's own role, if it has one".to_owned(),
        None,
        vec![],
    ))
}

/// The id of an access key ("AKIA…", "ASIA…"). What is none may be the secret in its place.
fn shown_id(id: String) -> String {
    let is_id = id.starts_with('A')
        && id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if is_id { id } else { "********".to_owned() }
}

fn is_true(env: &Environment<'_>, name: &str) -> bool {
    variable(env, name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// A profile of the aws CLI, as its two files have it.
struct Profile {
    profile: String,
    /// What the credentials file says, which counts first, and its name.
    credentials: Option<(String, Values)>,
    /// What the configuration says, and its name.
    config: Option<(String, Values)>,
}

type Values = std::collections::BTreeMap<String, Zeroizing<String>>;

impl Profile {
    fn read(env: &Environment<'_>) -> Result<Self, CredentialsError> {
        let asked = variable(env, "AWS_PROFILE").or_else(|| variable(env, "AWS_DEFAULT_PROFILE"));
        let profile = asked
            .as_ref()
            .map_or("default", |name| name.as_str())
            .to_owned();
        let of_home = |name: &str| Some(env.home()?.join(".aws").join(name));
        let file = |variable: &str, name: &str| env.path(variable).or_else(|| of_home(name));
        let in_config = match profile.as_str() {
            "default" => vec!["default".to_owned(), "profile default".to_owned()],
            name => vec![format!("profile {name}")],
        };
        let paths = [
            file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            file("AWS_CONFIG_FILE", "config"),
        ];
        let [credentials, config] = paths;
        let found = Self {
            credentials: section(env, credentials, std::slice::from_ref(&profile))?,
            config: section(env, config, &in_config)?,
            profile,
        };
        if asked.is_some() && found.credentials.is_none() && found.config.is_none() {
            return Err(CredentialsError::NoAwsProfile);
        }
        Ok(found)
    }

    fn value(&self, name: &str) -> Option<Zeroizing<String>> {
        let files = [&self.credentials, &self.config].into_iter().flatten();
        let mut values = files.filter_map(|(_, values)| values.get(name));
        values.find(|value| !value.is_empty()).cloned()
    }

    /// Its access key, and the settings that it is.
    fn keys(&self) -> Result<Option<(String, Vec<Setting>)>, CredentialsError> {
        for (name, values) in [&self.credentials, &self.config].into_iter().flatten() {
            let value = |name: &str| values.get(name).filter(|value| !value.is_empty()).cloned();
            match (value("aws_access_key_id"), value("aws_secret_access_key")) {
                (Some(key), Some(secret)) => {
                    let shown = key.to_string();
                    let mut settings = vec![
                        ("aws_access_key_id", key),
                        ("aws_secret_access_key", secret),
                    ];
                    let token = value("aws_session_token");
                    settings.extend(token.map(|token| ("aws_session_token", token)));
                    return Ok(Some((shown, settings)));
                }
                (Some(_), None) => {
                    return Err(CredentialsError::Incomplete {
                        provider: NAME,
                        there: format!("aws_access_key_id in {name}"),
                        missing: "aws_secret_access_key",
                    });
                }
                _ => {}
            }
        }
        match INDIRECT.into_iter().find(|name| self.value(name).is_some()) {
            Some(field) => Err(CredentialsError::Indirect {
                profile: self.profile.clone(),
                field,
            }),
            None => Ok(None),
        }
    }

    fn name(&self) -> String {
        let file = self.credentials.as_ref().or(self.config.as_ref());
        let file = file.map_or("", |(name, _)| name.as_str());
        format!("the profile `{}` in {file}", self.profile)
    }
}

/// The values of the first of these sections that a file has.
fn section(
    env: &Environment<'_>,
    path: Option<PathBuf>,
    names: &[String],
) -> Result<Option<(String, Values)>, CredentialsError> {
    let Some(path) = path else { return Ok(None) };
    let Some(file) = env.file_if_there(&path, shown(&path))? else {
        return Ok(None);
    };
    let mut all = sections(&file.text);
    let found = names.iter().find_map(|name| all.remove(name));
    Ok(found.map(|values| (file.name, values)))
}
