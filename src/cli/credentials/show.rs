//! `unreel inspect --credentials`: what was found for each provider, without a secret.

use serde::{Serialize, Serializer};

use super::super::error::{CredentialsError, Failure};
use super::super::escape::{escape, json};
use super::super::printer::Printer;
use super::super::report::ErrorLine;
use super::buckets::Bucket;
use super::environment::From;
use super::found::Found;
use super::{qvoice, service, twilio, vonage};
use crate::api::{Application, OpenTok, Qvoice, Twilio};
use crate::store::Service;

/// What stands for a secret.
const MASK: &str = "********";

/// The JSON line of one provider. Fields are added, never renamed.
#[derive(Serialize)]
pub(super) struct Line {
    schema: u32,
    ok: bool,
    provider: &'static str,
    /// Of Vonage there may be two.
    credentials: Vec<Entry>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    looked_for: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine>,
    #[serde(skip)]
    failure: Option<Failure>,
}

/// Credentials that were found.
struct Entry {
    source: String,
    kind: &'static str,
    /// Names for machines, names for people, and values.
    fields: Vec<(&'static str, &'static str, String)>,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = [("source", self.source.as_str()), ("kind", self.kind)];
        let fields = self.fields.iter();
        let fields = fields.map(|(name, _, value)| (*name, value.as_str()));
        serializer.collect_map(all.into_iter().chain(fields))
    }
}

/// Says of each provider which credentials are used, where they come from, or where they were
/// looked for.
///
/// # Errors
/// What is wrong with those of the last provider that has some that cannot be used.
pub(in crate::cli) fn show(
    from: &From<'_>,
    as_json: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut failures = Vec::new();
    for mut line in lines(from) {
        let printed = if as_json {
            let line = json(&line).map_err(|error| Failure::Internal(error.into()))?;
            printer.data(&line)
        } else {
            let mut lines = line.for_people().into_iter();
            lines.try_for_each(|line| printer.text(&escape(&line)))
        };
        match printed {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            printed => printer.answered(printed)?,
        }
        failures.extend(line.failure.take());
    }
    let last = failures.pop();
    for failure in &failures {
        printer.error(failure);
    }
    last.map_or(Ok(()), Err)
}

/// What people are told of Twilio's and of those for buckets of `services`.
#[cfg(feature = "serve")]
pub(in crate::cli) fn told(from: &From<'_>, services: &[Service]) -> Vec<String> {
    let buckets = SERVICES
        .iter()
        .filter(|(_, service)| services.contains(service));
    let buckets = buckets.map(|(name, service)| Line::of_service(name, *service, from));
    let lines = std::iter::once(Line::of_twilio(from)).chain(buckets);
    lines.flat_map(|line| line.for_people()).collect()
}

/// Of each provider what was found, in words and without a secret, or why it cannot be used.
pub(in crate::cli) fn each(
    from: &From<'_>,
) -> impl Iterator<Item = (&'static str, Result<Vec<String>, Failure>)> {
    lines(from).into_iter().map(|line| {
        let found = || line.credentials.iter().map(Entry::words).collect();
        (line.provider, line.failure.map_or_else(|| Ok(found()), Err))
    })
}

/// Buckets' services, by their names for machines.
const SERVICES: [(&str, Service); 3] = [
    ("s3", Service::S3),
    ("azure", Service::Azure),
    ("google", Service::Google),
];

/// A line a provider.
pub(super) fn lines(from: &From<'_>) -> Vec<Line> {
    let entries = |kinds: vonage::Kinds| {
        let application = kinds.application.as_ref().map(Entry::of_application);
        let opentok = kinds.opentok.as_ref().map(Entry::of_opentok);
        application.into_iter().chain(opentok).collect()
    };
    let vonage = vonage::find(&from.env).map(entries);
    let qvoice = qvoice::find(&from.env).map(|found| vec![Entry::of_qvoice(&found)]);
    let mut lines = vec![
        Line::of_twilio(from),
        Line::of("vonage", vonage),
        Line::of("qvoice", qvoice),
    ];
    if cfg!(feature = "buckets") {
        lines.extend(SERVICES.map(|(name, service)| Line::of_service(name, service, from)));
    }
    lines
}

impl Line {
    fn of_twilio(from: &From<'_>) -> Self {
        let found = twilio::find(from);
        Self::of("twilio", found.map(|found| vec![Entry::of_twilio(&found)]))
    }

    fn of_service(name: &'static str, service: Service, from: &From<'_>) -> Self {
        let found = service::find(service, &from.env);
        Self::of(name, found.map(|found| vec![Entry::of_bucket(found)]))
    }

    fn of(provider: &'static str, found: Result<Vec<Entry>, CredentialsError>) -> Self {
        let mut line = Self {
            schema: 1,
            ok: true,
            provider,
            credentials: vec![],
            looked_for: &[],
            error: None,
            failure: None,
        };
        match found {
            Ok(found) => line.credentials = found,
            Err(CredentialsError::None { places, .. }) => line.looked_for = places,
            Err(error) => {
                let failure = Failure::Credentials(error);
                line.ok = false;
                line.error = Some(ErrorLine::of(&failure));
                line.failure = Some(failure);
            }
        }
        line
    }

    /// The same for people.
    pub(super) fn for_people(&self) -> Vec<String> {
        let provider = self.provider;
        if let Some(failure) = &self.failure {
            return vec![format!("{provider}  cannot be used: {failure}")];
        }
        let mut lines = Vec::new();
        for entry in &self.credentials {
            lines.push(format!("{provider}  from {}", entry.source));
            let fields = entry.fields.iter();
            let fields = fields.map(|(_, name, value)| format!("{name} {value}"));
            let fields = fields.collect::<Vec<_>>();
            if !fields.is_empty() {
                lines.push(format!("  {}", fields.join("  ")));
            }
        }
        if lines.is_empty() {
            lines.push(format!("{provider}  none; looked for"));
            lines.extend(self.looked_for.iter().map(|place| format!("  {place}")));
        }
        lines
    }
}

impl Entry {
    /// On one line.
    fn words(&self) -> String {
        let fields = self.fields.iter();
        let fields = fields.map(|(_, name, value)| format!("{name} {value}"));
        let words: Vec<_> = std::iter::once(format!("from {}", self.source))
            .chain(fields)
            .collect();
        words.join(", ")
    }

    fn of_twilio(found: &Found<Twilio>) -> Self {
        let twilio = &found.credentials;
        let is_key = twilio.user.starts_with("SK");
        let mut fields = vec![("account", "account", twilio.account.clone())];
        if is_key {
            fields.push(("api_key", "API key", twilio.user.clone()));
            fields.push(("secret", "secret", MASK.to_owned()));
        } else {
            if twilio.user != twilio.account {
                fields.push(("user", "token of account", twilio.user.clone()));
            }
            fields.push(("secret", "token", MASK.to_owned()));
        }
        if let Some((region, edge)) = &twilio.place {
            fields.push(("region", "region", region.clone()));
            fields.push(("edge", "edge", edge.clone()));
        }
        Self {
            source: found.source.clone(),
            kind: if is_key { "api_key" } else { "auth_token" },
            fields,
        }
    }

    fn of_application(found: &Found<Application>) -> Self {
        Self {
            source: found.source.clone(),
            kind: "application",
            fields: vec![
                ("application", "application", found.credentials.id.clone()),
                ("secret", "private key", MASK.to_owned()),
            ],
        }
    }

    fn of_opentok(found: &Found<OpenTok>) -> Self {
        Self {
            source: found.source.clone(),
            kind: "opentok",
            fields: vec![
                ("project", "OpenTok project", found.credentials.key.clone()),
                ("secret", "secret", MASK.to_owned()),
            ],
        }
    }

    fn of_bucket(found: Found<Bucket>) -> Self {
        let Bucket { kind, fields, .. } = found.credentials;
        let fields = fields.into_iter();
        let set = fields.filter_map(|(name, words, value)| Some((name, words, value?)));
        let mut fields: Vec<_> = set.collect();
        if kind != "role" && kind != "identity" && kind != "nobody" {
            fields.push(("secret", "secret", MASK.to_owned()));
        }
        Self {
            source: found.source,
            kind,
            fields,
        }
    }

    fn of_qvoice(found: &Found<Qvoice>) -> Self {
        Self {
            source: found.source.clone(),
            kind: "token",
            fields: vec![
                ("url", "URL", found.credentials.url.to_string()),
                ("account", "account", found.credentials.account.clone()),
                ("secret", "token", MASK.to_owned()),
            ],
        }
    }
}
