//! What recordings a command line means that are fetched, and what they are fetched with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::{Network, TwilioAccount};
use super::credentials::{self, Environment, Found, From};
use super::error::{Failure, location_hint, misread_hint, sentence};
use super::exit::Code;
use super::printer::Printer;
use crate::api::{Api, Credentials, Hosts, Settings};
use crate::job::Input;
use crate::provider::{IdKind, Provider};
use crate::store::{self, Buckets, LocationError, Service};

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
        Input::recording(argument, provider, &hosts).map_err(|misread| {
            let hint = misread_hint(&misread);
            Failure::Misplaced(misread.to_string(), Code::Usage, hint)
        })
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
    is_remote: bool,
    network: &Network,
    from: &From,
    printer: &Printer,
) -> Result<Api, Failure> {
    let is_asked = |providers: &[Provider]| {
        inputs.iter().any(|input| match input {
            Input::Remote(resource) => providers.contains(&resource.provider),
            Input::All(provider) => providers.contains(provider),
            Input::Stdin | Input::File(_) | Input::Url(_) | Input::Object(_) => false,
        })
    };
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
    let told = |source: &str| printer.step(format!("the credentials are those of {source}"));
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
        ..Credentials::default()
    };
    Ok(Api::new(settings, credentials))
}

/// The buckets that are read and written: with what lets us into those of these services. Of
/// recordings that Twilio has, some may lie in the customer's own of S3.
pub(super) fn buckets(
    services: &BTreeSet<Service>,
    may_be_external: bool,
    api: &Api,
    from: &From,
    printer: &Printer,
) -> Result<Buckets, Failure> {
    let mut settings = store::Settings::default();
    for service in services {
        let found = credentials::buckets(from, *service)?;
        let name = service.name();
        printer.step(format!(
            "the credentials for {name} are those of {}",
            found.source
        ));
        settings.add(*service, found.credentials);
    }
    if may_be_external && !services.contains(&Service::S3) {
        // Whether there is one, and what lets us in, matters when one is met.
        match credentials::buckets(from, Service::S3) {
            Ok(found) => settings.add(Service::S3, found.credentials),
            Err(failure) => settings.without(Service::S3, sentence(&failure)),
        }
    }
    Ok(Buckets::new(api, settings))
}

/// The same of any service, of which nobody knows yet.
pub(super) fn buckets_of_any(api: &Api, from: &From) -> Buckets {
    let mut settings = store::Settings::default();
    for service in Service::ALL {
        match credentials::buckets(from, service) {
            Ok(found) => settings.add(service, found.credentials),
            Err(failure) => settings.without(service, sentence(&failure)),
        }
    }
    Buckets::new(api, settings)
}

/// A URL that names no place in a bucket.
pub(super) fn location_failure(error: &LocationError) -> Failure {
    let hint = location_hint(error).to_owned();
    Failure::Misplaced(error.to_string(), Code::Usage, hint)
}

/// What fetches any provider's recordings, of which nobody knows yet: with the credentials there
/// are. That there are none, or what is wrong with them, is said of what would need them.
pub(super) fn api_of_any(
    network: &Network,
    from: &From,
    printer: &Printer,
) -> Result<Api, Failure> {
    fn found<T>(
        found: Result<Found<T>, Failure>,
        printer: &Printer,
    ) -> (Option<T>, Option<String>) {
        match found {
            Ok(found) => {
                printer.step(format!("the credentials are those of {}", found.source));
                (Some(found.credentials), None)
            }
            Err(failure) => (None, Some(sentence(&failure))),
        }
    }
    let (twilio, no_twilio) = found(credentials::twilio(from), printer);
    let (vonage, no_vonage) = found(credentials::vonage(from), printer);
    let credentials = Credentials {
        twilio,
        vonage,
        no_twilio,
        no_vonage,
        ..Credentials::default()
    };
    api_of(credentials, network, from)
}

/// What asks a provider with these credentials.
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
