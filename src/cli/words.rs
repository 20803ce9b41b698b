//! The words for what happens on the way.

use indicatif::ProgressBar;

use super::error;
use super::message::{Fields, Message};
use super::printer::Printer;
use super::total::OneBar;
use crate::job::{Bar, Event, Input, Observer, Record};
use crate::pipeline::search::Method;

/// The words for what happens on the way.
pub(super) fn say(printer: &Printer, event: &Event<'_>) {
    let of = |text: String| Message::of(text).from("unreel::job");
    let about = |input: &Input, text: String| of(text).with("input", input.to_string());
    let in_file = |file: &str, text: String| of(text).with("path", file);
    match event {
        Event::Read(file, note) => {
            printer.step(in_file(file, format!("to read `{file}`: {note}")));
        }
        Event::OtherId { input, id } => {
            let text = format!(
                "`{input}` was opened with the metadata of {id}, which its name does not say"
            );
            printer.warning(about(input, text).with("recording", *id));
        }
        Event::PassedOver(file, why) => {
            let file = file.to_string();
            printer.step(in_file(&file, format!("passed over `{file}`: {why}")));
        }
        Event::Unreadable(file, why) => {
            let file = file.to_string();
            printer.warning(in_file(&file, format!("passed over `{file}`: {why}")));
        }
        Event::Mended(key, mending) => {
            printer.step(in_file(key, format!("to read the key `{key}`, {mending}")));
        }
        Event::Exposed { what, file } => {
            let file = file.to_string();
            let text =
                format!("the {what} `{file}` can be read by other users; chmod 600 ends that");
            printer.warning(in_file(&file, text));
        }
        Event::Unwrapped { input, wrapper } => {
            let text = format!("`{input}` is read without what is around it: {wrapper}");
            printer.step(about(input, text));
        }
        Event::OpenedBy {
            input,
            key,
            fingerprint,
        } => {
            let text = format!("`{input}` is opened by the private key `{key}`, {fingerprint}");
            printer.step(about(input, text).with("path", *key));
        }
        Event::ListEnded(error) => {
            let (details, verdict) = (error::details(error), error::verdict(error));
            printer.error(Message::problem(*error, details, verdict).from("unreel::job"));
        }
        Event::Empty(group) => {
            printer.done(about(group, format!("{group}  no recordings found")));
        }
        Event::NamedLikeId(file) => {
            let text = format!(
                "`{file}` is read as a file; to fetch the recording, run it in another folder"
            );
            printer.step(about(file, text));
        }
        Event::Anew(input) => {
            let text =
                format!("`{input}` is fetched anew: what was there changed during the download");
            printer.step(about(input, text));
        }
        Event::VerifyingFirst => {
            printer.step(of("verifying before the first byte is written".to_owned()));
        }
        Event::Learned { input, method } => {
            let text = format!("{input}  opened with {}", flags(method));
            printer.done(about(input, text));
        }
        Event::Unproven { input, method } => {
            let text = format!(
                "`{input}`: its beginning is a recording with {}, and nothing proves the rest: it \
                 is damaged, or its additional data is not known (see --aad)",
                key_flags(method)
            );
            printer.warning(about(input, text));
        }
    }
}

/// Which recording it is, as fields.
pub(super) fn about(record: &Record) -> Fields {
    let input = record.input.as_ref().map(ToString::to_string);
    let line = record.tag.as_ref().map(|tag| tag.number);
    let fields = [
        input.map(|input| ("input", input.into())),
        record.about.id.clone().map(|id| ("recording", id.into())),
        line.map(|line| ("line", line.into())),
    ];
    fields.into_iter().flatten().collect()
}

/// The flags that say how a recording is encrypted.
fn flags(method: &Method) -> String {
    format!("{} --aad {}", key_flags(method), method.aad)
}

/// Those of layout and key.
fn key_flags(method: &Method) -> String {
    format!(
        "--layout {} --kdf {} --key-form {} --salt-form {}",
        method.layout,
        method.kdf,
        method.key_form.name(),
        method.salt_form.name(),
    )
}

/// The words alone, for what reads keys and decrypts nothing.
pub(super) struct Words<'a>(pub(super) &'a Printer);

impl Observer for Words<'_> {
    fn event(&self, event: Event<'_>) {
        say(self.0, &event);
    }

    fn bar(&self, _: &Input, _: Option<u64>) -> Box<dyn Bar + '_> {
        Box::new(OneBar {
            bar: ProgressBar::hidden(),
            total: None,
        })
    }

    fn done(&self, _: &Record) -> bool {
        true
    }

    fn stopped(&self, _: &Record) {}
}
