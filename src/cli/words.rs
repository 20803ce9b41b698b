//! The words for what happens on the way.

use indicatif::ProgressBar;

use super::error;
use super::printer::Printer;
use super::total::OneBar;
use crate::job::{Bar, Event, Input, Observer, Record};
use crate::pipeline::search::Method;

/// The words for what happens on the way.
pub(super) fn say(printer: &Printer, event: &Event<'_>) {
    match event {
        Event::Read(file, note) => printer.step(&format!("to read `{file}`: {note}")),
        Event::OtherId { input, id } => printer.warning(&format!(
            "`{input}` was opened with the metadata of {id}, which its name does not say"
        )),
        Event::PassedOver(file, why) => printer.step(&format!("passed over `{file}`: {why}")),
        Event::Unreadable(file, why) => {
            printer.warning(&format!("passed over `{file}`: {why}"));
        }
        Event::Mended(key, mending) => {
            printer.step(&format!("to read the key `{key}`, {mending}"));
        }
        Event::Exposed { what, file } => printer.warning(&format!(
            "the {what} `{file}` can be read by other users; chmod 600 ends that"
        )),
        Event::Unwrapped { input, wrapper } => printer.step(&format!(
            "`{input}` is read without what is around it: {wrapper}"
        )),
        Event::OpenedBy {
            input,
            key,
            fingerprint,
        } => printer.step(&format!(
            "`{input}` is opened by the private key `{key}`, {fingerprint}"
        )),
        Event::ListEnded(error) => {
            printer.problem(*error, &[], &error::verdict(error).hint);
        }
        Event::Empty(group) => printer.done(&format!("{group}  no recordings found")),
        Event::NamedLikeId(file) => printer.step(&format!(
            "`{file}` is read as a file; to fetch the recording, run it in another folder"
        )),
        Event::Anew(input) => printer.step(&format!(
            "`{input}` is fetched anew: what was there changed during the download"
        )),
        Event::VerifyingFirst => printer.step("verifying before the first byte is written"),
        Event::Learned { input, method } => {
            printer.done(&format!("{input}  opened with {}", flags(method)));
        }
        Event::Unproven { input, method } => printer.warning(&format!(
            "`{input}`: its beginning is a recording with {}, and nothing proves the rest: it \
                 is damaged, or its additional data is not known (see --aad)",
            key_flags(method)
        )),
    }
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
