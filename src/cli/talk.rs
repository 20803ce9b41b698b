//! [`Talk`]: the words for what a job does, and its report.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use indicatif::ProgressBar;

use super::args::Report;
use super::error::{self, Failure};
use super::escape::json;
use super::printer::Printer;
use super::report::{Line, RunId};
use crate::cipher::lock;
use crate::io::Appender;
use crate::job::{Bar, Done, Event, Input, Observer, Record, Skipped, Tally};
use crate::pipeline::search::Method;
use crate::provider::Provider;

/// Tells people and machines what a job does.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Talk<'a> {
    printer: &'a Printer,
    /// Whose recordings they are, where the metadata does not tell.
    provider: Option<Provider>,
    /// Whether lines of JSON go to standard output.
    json: bool,
    /// Whether lines for people are printed.
    people: bool,
    check: bool,
    run: RunId,
    report: Option<ReportFile>,
    /// How many recordings there are, if there are several.
    total: Option<ProgressBar>,
    several: bool,
    /// What kept a line from being reported, first.
    trouble: Mutex<Option<Failure>>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(provider: Option<Provider>, report: &Report, printer: &'a Printer) -> Self {
        Self {
            printer,
            provider,
            json: report.on_stdout(),
            people: !report.json,
            check: false,
            run: RunId::new(),
            report: None,
            total: None,
            several: false,
            trouble: Mutex::default(),
        }
    }

    /// So many recordings follow.
    pub(super) fn begin(&mut self, report: Option<ReportFile>, recordings: usize, check: bool) {
        self.report = report;
        self.check = check;
        self.several = recordings != 1;
        self.total = self.several.then(|| self.printer.total(recordings as u64));
    }

    /// What kept the result from being reported.
    pub(super) fn trouble(&self) -> Option<Failure> {
        lock(&self.trouble).take()
    }

    /// `812 decrypted, 40 skipped, 3 failed`.
    pub(super) fn summary(&self, tally: &Tally) {
        if let Some(total) = &self.total {
            total.finish_and_clear();
        }
        let done = if self.check { "verified" } else { "decrypted" };
        let Tally {
            done: opened,
            skipped,
            failed,
        } = tally;
        self.printer.done(&format!(
            "{opened} {done}, {skipped} skipped, {failed} failed"
        ));
    }

    /// Whether the line could be written everywhere it goes.
    fn write(&self, record: &Record) -> bool {
        let line = Line::of(self.provider, record, &self.run);
        let written = json(&line)
            .map_err(|error| Failure::Internal(error.into()))
            .and_then(|text| {
                if self.json {
                    self.printer
                        .data(&text)
                        .map_err(|error| Failure::unwritten("standard output", error))?;
                }
                self.report.as_ref().map_or(Ok(()), |file| file.line(&text))
            });
        let Err(failure) = written else { return true };
        let mut trouble = lock(&self.trouble);
        if trouble.is_none() {
            if self.several {
                self.printer.error(&failure);
            }
            *trouble = Some(failure);
        }
        false
    }
}

impl Observer for Talk<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Learned { .. } if !self.people => {}
            event => say(self.printer, &event),
        }
    }

    fn bar(&self, input: &Input, length: Option<u64>) -> Box<dyn Bar + '_> {
        let name = match input {
            Input::Stdin => input.to_string(),
            Input::File(path) => {
                Input::File(path.file_name().map_or_else(|| path.clone(), PathBuf::from))
                    .to_string()
            }
        };
        Box::new(OneBar(self.printer.progress(&name, length)))
    }

    fn done(&self, record: &Record) -> bool {
        match &record.result {
            Ok(Done::Released(outcome)) => {
                for note in &outcome.media.notes {
                    self.printer.warning(&format!("`{}`: {note}", record.input));
                }
                if self.people {
                    let line = Line::of(self.provider, record, &self.run);
                    self.printer.released(&line.human(outcome));
                }
            }
            Ok(Done::Skipped(why)) if self.people => {
                let why = match why {
                    Skipped::Exists(_) => "its output exists",
                    Skipped::NotEncrypted => "it is not encrypted",
                };
                self.printer
                    .done(&format!("{}  skipped: {why}", record.input));
            }
            Err(error) if self.several => {
                let mut details = error::details(error);
                let id = record.about.id.as_ref();
                let id = id.map_or(String::new(), |id| format!(", recording {id}"));
                details.push(format!("input `{}`{id}", record.input));
                self.printer
                    .problem(error, &details, &error::verdict(error).hint);
            }
            Ok(Done::Skipped(_)) | Err(_) => {}
        }
        if let Some(total) = &self.total {
            total.inc(1);
        }
        self.write(record)
    }

    fn stopped(&self, record: &Record) {
        self.write(record);
    }
}

/// The words for what happens on the way.
fn say(printer: &Printer, event: &Event<'_>) {
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

/// The bar of one recording.
struct OneBar(ProgressBar);

impl Bar for OneBar {
    fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    fn tried(&self, done: usize, of: usize) {
        if self.0.position() == 0 {
            Printer::style_of_search(&self.0);
        }
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
    }
}

impl Drop for OneBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A file that lines are added to.
pub(super) struct ReportFile {
    name: String,
    file: Mutex<Appender>,
}

impl ReportFile {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let name = Input::of(path).to_string();
        let file = Appender::open(path).map_err(|error| Failure::unwritten(&name, error))?;
        let file = Mutex::new(file);
        Ok(Self { name, file })
    }

    fn line(&self, text: &str) -> Result<(), Failure> {
        let mut file = lock(&self.file);
        file.line(text)
            .map_err(|error| Failure::unwritten(&self.name, error))
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
        Box::new(OneBar(ProgressBar::hidden()))
    }

    fn done(&self, _: &Record) -> bool {
        true
    }

    fn stopped(&self, _: &Record) {}
}
