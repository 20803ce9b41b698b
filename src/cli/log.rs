//! [`listen`]: what `api`, `store`, `key` and `serve` tell of their work goes the way of all
//! messages, for those who ask with `-vv`.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry, Scope};

use super::args::LogFormat;
use super::error::Failure;
use super::message::{Fields, Message};
use super::printer::Printer;

/// The variable that says how messages are written, where no flag does.
const VARIABLE: &str = "UNREEL_LOG_FORMAT";

/// The parts of the program that tell something, and what their events begin with. Other crates' are
/// not taken: what they tell may have tokens in it.
const PARTS: [&str; 5] = [
    "unreel::api",
    "unreel::job",
    "unreel::key",
    "unreel::serve",
    "unreel::store",
];

/// How messages are written: as the flag says, else the environment.
///
/// # Errors
/// The environment says something else.
pub(super) fn format(flag: Option<LogFormat>) -> Result<LogFormat, Failure> {
    let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    match (flag, variable()) {
        (Some(format), _) => Ok(format),
        (None, None) => Ok(LogFormat::Text),
        (None, Some(value)) => {
            let format = value
                .to_str()
                .and_then(|it| LogFormat::from_str(it, false).ok());
            format.ok_or(Failure::Usage(
                "UNREEL_LOG_FORMAT is neither text nor json",
                "set it to one of these, or leave it out",
            ))
        }
    }
}

/// The same where the arguments make no sense otherwise.
pub(super) fn format_among(args: &[OsString]) -> LogFormat {
    const FLAG: &str = "--log-format";
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let joined = args
        .iter()
        .filter_map(|arg| arg.strip_prefix(FLAG)?.strip_prefix('='));
    let apart = args
        .windows(2)
        .filter(|two| two.first().is_some_and(|it| it == FLAG));
    let apart = apart.filter_map(|two| two.get(1).map(AsRef::as_ref));
    let mut named = joined.chain(apart);
    let flag = named.find_map(|name: &str| LogFormat::from_str(name, false).ok());
    format(flag).unwrap_or(LogFormat::Text)
}

/// From now on `printer` says what is told with `tracing`, if it says so much; and in JSON also how a
/// thread panics.
pub(super) fn listen(printer: &Arc<Printer>) {
    if printer.is_for_machines() {
        let printer = Arc::clone(printer);
        std::panic::set_hook(Box::new(move |panic| {
            printer.error(Message::of(panic.to_string()));
        }));
    }
    let level = printer.level();
    if level > Level::INFO {
        let printer = Arc::clone(printer);
        let log = Registry::default().with(Log { printer, level });
        // Nobody else listens.
        tracing::subscriber::set_global_default(log).ok();
    }
}

/// What hears events.
struct Log {
    printer: Arc<Printer>,
    level: Level,
}

/// The part of the program that a target is in.
fn part(target: &str) -> Option<&'static str> {
    let is_in = |part: &&str| {
        let rest = target.strip_prefix(*part);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    PARTS.into_iter().find(is_in)
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.level && part(metadata.target()).is_some()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.into())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut seen = Seen::default();
        attributes.record(&mut seen);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(seen.fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut seen = Seen::default();
        values.record(&mut seen);
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            fields.extend(seen.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut seen = Seen::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                seen.fields.extend(fields.clone());
            }
        }
        event.record(&mut seen);
        let metadata = event.metadata();
        self.printer.tell(&Message {
            level: *metadata.level(),
            target: part(metadata.target()).unwrap_or_default(),
            fields: seen.fields,
            ..Message::of(seen.text)
        });
    }
}

/// What an event or a span has.
#[derive(Default)]
struct Seen {
    text: String,
    fields: Fields,
}

impl Visit for Seen {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.insert(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.insert(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.insert(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.text = text;
        } else {
            self.fields.insert(field.name(), text.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_of_this_program_are_heard() {
        for (target, expected) in [
            ("unreel::api", Some("unreel::api")),
            ("unreel::api::exchange", Some("unreel::api")),
            ("unreel::serve::server", Some("unreel::serve")),
            ("unreel::apium", None),
            ("unreel", None),
            ("unreel::cipher", None),
            ("hyper::proto", None),
            ("object_store::unreel::api", None),
        ] {
            assert_eq!(part(target), expected, "{target}");
        }
    }

    #[test]
    fn the_format_is_found_in_what_makes_no_sense() {
        let among = |args: &[&str]| {
            let args: Vec<_> = args.iter().map(OsString::from).collect();
            format_among(&args)
        };
        for args in [
            &["--log-format", "json", "x"][..],
            &["x", "--log-format=json"],
        ] {
            assert_eq!(among(args), LogFormat::Json, "{args:?}");
        }
        for args in [&["--log-format"][..], &["--log-format", "xml"], &["json"]] {
            assert_eq!(among(args), LogFormat::Text, "{args:?}");
        }
    }
}
