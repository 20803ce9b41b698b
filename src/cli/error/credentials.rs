//! What can be wrong with the credentials for a provider, and what to set. No value is repeated.

use super::output::quoted;
use crate::api::LinkError;
use crate::key::KeyError;

/// Why there are no credentials for a provider, or none that can be used.
///
/// A `name` is that of a variable, of a flag, of a file, or of a field in one.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum CredentialsError {
    #[error("there are no credentials for {provider}: looked for {}", .places.join(", then for "))]
    None {
        provider: &'static str,
        places: &'static [&'static str],
    },
    #[error("the credentials for {provider} are incomplete: {there} is set, {missing} is not")]
    Incomplete {
        provider: &'static str,
        there: String,
        missing: &'static str,
    },
    #[error("{0} and {0}_FILE are both set")]
    Twice(String),
    #[error("cannot read {name}: {why}")]
    Unread { name: String, why: String },
    #[error("{0} is empty")]
    Empty(String),
    #[error("{name} is not {expected}")]
    Unlike {
        name: String,
        expected: &'static str,
    },
    #[error("{0} names a region without an edge")]
    NoEdge(String, Option<&'static str>),

    #[error("{name} is not a configuration of {tool}: line {line}, column {column}")]
    Malformed {
        name: String,
        tool: &'static str,
        line: usize,
        column: usize,
    },
    #[error("there is no profile of that name in {name}")]
    NoProfile { name: String, known: Vec<String> },
    #[error("no profile in {name} is the active one")]
    NoneActive { name: String, known: Vec<String> },
    #[error("{name} asks for a profile to be named: requireProfileInput is true")]
    ProfileRequired { name: String, known: Vec<String> },
    #[error("a profile without secrets, of an old twilio-cli, is all there is in {0}")]
    Legacy(String),
    #[error("there is no {field} in {name}, and the Video API needs an application's key")]
    NoApplication { name: String, field: &'static str },

    #[error("cannot use the key in {0}")]
    Key(String, #[source] KeyError),
    #[error("the private key in {0} is encrypted, and there is no passphrase for it")]
    KeyLocked(String),
    #[error("the key in {0} is a public one")]
    KeyPublic(String),

    #[error("the aws CLI's files have no profile of the name that AWS_PROFILE is set to")]
    NoAwsProfile,
    #[error("the aws profile `{profile}` has {field}, which only the aws CLI itself follows")]
    Indirect {
        profile: String,
        field: &'static str,
    },

    #[error("cannot use the URL in {0}")]
    Url(String, #[source] LinkError),
}

impl CredentialsError {
    /// What to do next.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::None { provider, places } => {
                let first = places.iter().find(|place| !place.starts_with('-'));
                match first {
                    Some(place) => format!(
                        "set {place}; `unreel inspect --credentials` shows what {provider} has"
                    ),
                    None => "see `unreel inspect --credentials`".to_owned(),
                }
            }
            Self::Incomplete { there, missing, .. } => format!("set {missing}, or unset {there}"),
            Self::Twice(name) => format!("unset one: {name} is the secret, {name}_FILE its file"),
            Self::Unread { .. } => "check the path and its permissions".to_owned(),
            Self::Empty(name) => format!("put the value into {name}, or unset it"),
            Self::Unlike { name, .. } => format!("check {name}: its value is not shown here"),
            Self::NoEdge(_, Some(edge)) => {
                format!("the usual edge of that region is {edge}: set TWILIO_EDGE={edge}")
            }
            Self::NoEdge(_, None) => {
                "set TWILIO_EDGE to an edge of Twilio's, such as ashburn".to_owned()
            }
            Self::Malformed { tool, .. } => {
                format!("write it anew with {tool}, or set the credentials in the environment")
            }
            Self::NoProfile { known, .. } => match known.as_slice() {
                [] => "make one with `twilio profiles:create`".to_owned(),
                known => format!("there are: {}", known.join(", ")),
            },
            Self::NoneActive { known, .. } | Self::ProfileRequired { known, .. } => {
                match known.as_slice() {
                    [] => "pass --profile NAME".to_owned(),
                    known => format!("pass --profile NAME; there are: {}", known.join(", ")),
                }
            }
            Self::Legacy(_) => "run `twilio profiles:create`".to_owned(),
            Self::NoApplication { .. } => "set VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY, or \
                                           run `vonage auth set` with the application's id and key"
                .to_owned(),
            Self::Key(..) => "it must be the application's RSA private key, as Vonage's dashboard \
                              gave it: PEM or a file with it"
                .to_owned(),
            Self::KeyLocked(_) => {
                "give it without a passphrase, in a file that only you can read: \
                                   `openssl pkey -in key.pem -out application.pem`"
                    .to_owned()
            }
            Self::KeyPublic(_) => {
                "give the private key that Vonage's dashboard made with it".to_owned()
            }
            Self::NoAwsProfile => {
                "see `aws configure list-profiles`, or unset AWS_PROFILE".to_owned()
            }
            Self::Indirect { profile, .. } => format!(
                "let it say what it knows: eval \"$(aws configure export-credentials --profile {} \
                 --format env)\"",
                quoted(profile)
            ),
            Self::Url(..) => {
                "it must begin with https://, and have no user name or password in it".to_owned()
            }
        }
    }
}
