//! What recordings a command line means that are fetched, and what they are fetched with.

use std::path::{Path, PathBuf};

use super::args::{Network, TwilioAccount};
use super::credentials::{self, Environment, From};
use super::error::Failure;
use super::exit::Code;
use super::printer::Printer;
use crate::api::{Api, Credentials, Hosts, LinkError, Settings};
use crate::job::{Input, Misread};
use crate::provider::{IdKind, Provider};

/// The recordings that arguments mean, and the hosts that stand in for the providers' own.
pub(super) fn inputs(
    arguments: &[PathBuf],
    provider: Option<Provider>,
    from: &From,
) -> Result<Vec<Input>, Failure> {
    let hosts = if arguments.iter().any(|argument| may_be_fetched(argument)) {
        credentials::hosts(from)?
    } else {
        Hosts::default()
    };
    let input = |argument: &PathBuf| {
        Input::recording(argument, provider, &hosts).map_err(|misread| failure(&misread))
    };
    arguments.iter().map(input).collect()
}

/// Whether it is more than the name of a file.
fn may_be_fetched(argument: &Path) -> bool {
    let text = argument.to_string_lossy();
    text.contains("://") || IdKind::of(&text).is_some()
}

/// What fetches these inputs: with credentials for the providers that are asked, and no others.
pub(super) fn api(
    inputs: &[Input],
    network: &Network,
    from: &From,
    printer: &Printer,
) -> Result<Api, Failure> {
    let is_asked = |providers: &[Provider]| {
        inputs.iter().any(|input| match input {
            Input::Remote(resource) => providers.contains(&resource.provider),
            Input::All(provider) => providers.contains(provider),
            Input::Stdin | Input::File(_) | Input::Url(_) => false,
        })
    };
    let is_remote = inputs.iter().any(Input::is_remote);
    let mut settings = Settings {
        retries: network.retries,
        ..Settings::default()
    };
    if is_remote {
        settings.authorities = credentials::authorities(from, network.ca_file.as_deref())?;
        settings.hosts = credentials::hosts(from)?;
    }
    let asks_twilio = is_asked(&[Provider::TwilioVoice, Provider::TwilioVideo]);
    if let (true, Some(account)) = (
        asks_twilio && is_asked(&[Provider::TwilioVideo]),
        from.account,
    ) {
        let own = From {
            account: None,
            ..*from
        };
        if !credentials::twilio(&own)?
            .credentials
            .account
            .eq_ignore_ascii_case(account)
        {
            return Err(Failure::Usage(
                "the credentials are not those of the account that --account names",
                "Twilio Video's URLs have no account in them: pass the credentials of that account",
            ));
        }
    }
    let told = |source: &str| printer.step(&format!("the credentials are those of {source}"));
    let twilio = asks_twilio.then(|| credentials::twilio(from)).transpose()?;
    let twilio = twilio.map(|found| {
        told(&found.source);
        found.credentials
    });
    let vonage = is_asked(&[Provider::Vonage]).then(|| credentials::vonage(from));
    let vonage = vonage.transpose()?.map(|found| {
        told(&found.source);
        found.credentials
    });
    let credentials = Credentials {
        twilio,
        vonage,
        qvoice: None,
    };
    Ok(Api::new(settings, credentials))
}

/// What asks for a provider's settings: with these credentials.
pub(super) fn api_of(
    credentials: Credentials,
    network: &Network,
    from: &From,
) -> Result<Api, Failure> {
    let settings = Settings {
        retries: network.retries,
        authorities: credentials::authorities(from, network.ca_file.as_deref())?,
        hosts: credentials::hosts(from)?,
    };
    Ok(Api::new(settings, credentials))
}

/// Where credentials come from, as the flags have it.
pub(super) fn from(account: Option<&TwilioAccount>) -> From<'_> {
    From {
        profile: account.and_then(|flags| flags.twilio_profile.as_deref()),
        account: account.and_then(|flags| flags.account.as_deref()),
        env: Environment::of_process(),
    }
}

fn failure(misread: &Misread) -> Failure {
    let (message, hint) = match misread {
        Misread::Link(shown, error) => (
            format!("cannot use the URL `{shown}`: {error}"),
            match error {
                LinkError::Malformed => "write it whole, in quotation marks",
                LinkError::NotEncrypted => "use https; http is for a server on this machine",
                LinkError::UserInfo => {
                    "take it out: credentials belong into the environment, and go to their provider \
                     only"
                }
            }
            .to_owned(),
        ),
        Misread::Bucket(name) => (
            format!("`{name}` is in a bucket, and unreel reads none"),
            "copy the object first, and pass the file; or pipe it in: aws s3 cp URL - | unreel …"
                .to_owned(),
        ),
        Misread::OfAnother(id, provider) => (
            format!("`{id}` is an id of {}", provider.name()),
            format!("use unreel {} {id}", provider.name()),
        ),
        Misread::NoIds(id, provider) => (
            format!(
                "`{id}` is an id of {}, and Qvoice documents no way to fetch a recording",
                provider.name()
            ),
            format!("use unreel {} {id}", provider.name()),
        ),
    };
    Failure::Misplaced(message, Code::Usage, hint)
}
