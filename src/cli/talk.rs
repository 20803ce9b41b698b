//! [`Talk`]: the words for what a job does, and its report.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::Report;
use super::error::{self, Failure};
use super::escape::json;
use super::message::Message;
use super::printer::Printer;
use super::report::{Line, duration_note, with_tag};
use super::total::{OneBar, TotalBar};
use super::units::size;
use super::words::{about, say};
use crate::cipher::lock;
use crate::io::{Appender, Stdout};
use crate::job::{Bar, Done, Ended, Event, Input, Observer, Record, Skipped, Tally, Task};
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
    /// What was done with a recording, in a word.
    verb: &'static str,
    report: Option<ReportFile>,
    /// Of all recordings, if there are several.
    total: Option<TotalBar>,
    several: bool,
    /// Whether lines of JSON are what the run is for: without them it does not go on.
    of_lines: bool,
    is_unheard: AtomicBool,
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
            verb: "decrypted",
            report: None,
            total: None,
            several: false,
            of_lines: false,
            is_unheard: AtomicBool::new(false),
            trouble: Mutex::default(),
        }
    }

    /// The same where lines go to standard output whatever the flags say, and nothing else.
    pub(super) fn of_lines(self) -> Self {
        Self {
            json: true,
            people: false,
            of_lines: true,
            ..self
        }
    }

    /// So many recordings follow, if that is known.
    pub(super) fn begin(
        &mut self,
        report: Option<ReportFile>,
        recordings: Option<usize>,
        task: Task,
        check: bool,
    ) {
        self.report = report;
        self.verb = match task {
            Task::Decrypt { .. } if check => "verified",
            Task::Decrypt { .. } => "decrypted",
            Task::Download => "fetched",
            Task::Describe => "described",
            Task::CheckKeys => "can be opened",
        };
        self.several = recordings != Some(1);
        self.total = self.several.then(|| self.printer.total(recordings));
    }

    /// What kept the result from being reported.
    pub(super) fn trouble(&self) -> Option<Failure> {
        lock(&self.trouble).take()
    }

    /// How a run over several recordings ended: its closing line, and what it fails with.
    pub(super) fn ended(&self, ended: Ended) -> Result<(), Failure> {
        self.summary(&ended.tally);
        let is_temporary = ended.is_temporary();
        let Ended { tally, broken } = ended;
        let broken = broken.map(Failure::from);
        if self.is_unheard()
            && let Some(failure) = self.trouble()
        {
            return Err(failure);
        }
        if tally.failed == 0 {
            return broken.map_or(Ok(()), Err);
        }
        if let Some(error) = &broken {
            self.printer.error(error);
        }
        Err(Failure::Partial {
            failed: tally.failed,
            total: tally.total(),
            is_temporary,
        })
    }

    /// `812 decrypted, 40 skipped, 3 failed (2 may work later)`.
    fn summary(&self, tally: &Tally) {
        if let Some(total) = &self.total {
            total.finish();
        }
        let Tally {
            done,
            skipped,
            failed,
            temporary,
        } = tally;
        let later = match temporary {
            0 => String::new(),
            count => format!(" ({count} may work later)"),
        };
        let verb = self.verb;
        self.printer.done(format!(
            "{done} {verb}, {skipped} skipped, {failed} failed{later}"
        ));
    }

    /// Whether the line could be written everywhere it goes.
    fn write(&self, record: &Record) -> bool {
        let line = Line::of(self.provider, record, self.printer.run());
        let written = json(&line)
            .map_err(|error| Failure::Internal(error.into()))
            .and_then(|text| {
                let said = if self.json {
                    let on_terminal = Stdout::is_terminal();
                    self.printer.data(&with_tag(&text, record, on_terminal))
                } else {
                    Ok(())
                };
                let said = said.map_err(|error| {
                    self.is_unheard.store(self.of_lines, Ordering::Relaxed);
                    Failure::unwritten("standard output", error)
                });
                let report = self.report.as_ref();
                let kept = report.map(|file| file.line(&with_tag(&text, record, false)));
                said.and(kept.unwrap_or(Ok(())))
            });
        let Err(failure) = written else { return true };
        let mut trouble = lock(&self.trouble);
        if trouble.is_none() {
            if self.several && !self.is_unheard() {
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
        let name = match input.path().and_then(Path::file_name) {
            Some(name) => Input::File(PathBuf::from(name)).to_string(),
            None => input.to_string(),
        };
        Box::new(OneBar {
            bar: self.printer.progress(&name, length),
            total: self.total.as_ref(),
        })
    }

    fn done(&self, record: &Record) -> bool {
        let of = |text: String| Message::of(text).with_all(about(record));
        match &record.result {
            Ok(Done::Released(outcome)) => {
                let odd = outcome.media.notes.iter().map(ToString::to_string);
                for note in odd.chain(duration_note(&record.about, &outcome.media)) {
                    self.printer
                        .warning(of(format!("`{}`: {note}", record.name())));
                }
                if self.people {
                    let line = Line::of(self.provider, record, self.printer.run());
                    let mut fields = about(record);
                    fields.extend(line.output.clone().map(|path| ("path", path.into())));
                    self.printer.released(&line.human(outcome), fields);
                }
            }
            Ok(Done::Skipped(why)) if self.people => {
                let why = match why {
                    Skipped::Exists(_) => "its output exists".to_owned(),
                    Skipped::NotEncrypted => "it is not encrypted".to_owned(),
                    Skipped::InProgress(status) => {
                        format!("it is not completed (status {status})")
                    }
                    Skipped::DataTrack => "it is a data track".to_owned(),
                    Skipped::Absent => "nothing was recorded".to_owned(),
                    Skipped::NoMetadata => "it has no metadata".to_owned(),
                    Skipped::Empty => "no recordings found".to_owned(),
                };
                let name = record.name();
                self.printer.done(of(format!("{name}  skipped: {why}")));
            }
            Ok(Done::Downloaded(place, bytes)) if self.people => {
                let (name, size) = (place.name(), size(*bytes));
                let text = of(format!("{name}  {size}  encrypted"));
                self.printer.done(text.with("path", name));
            }
            Ok(Done::Described(place)) if self.people => {
                self.printer
                    .done(of(place.name()).with("path", place.name()));
            }
            Ok(Done::Unwrapped) if self.people => {
                let by = record.about.fingerprint.map_or_else(
                    || "--unwrap-command".to_owned(),
                    |fingerprint| format!("the key {fingerprint}"),
                );
                self.printer
                    .done(of(format!("{}  is opened by {by}", record.name())));
            }
            Err(error) if self.several => {
                let message = Message::problem(error, error::details(error), error::verdict(error));
                let message = message.below(place(record)).with_all(about(record));
                self.printer.error(message);
            }
            // Who runs the program says it.
            Err(_) => self.printer.is_about(about(record)),
            Ok(_) => {}
        }
        if let Some(total) = &self.total {
            total.one(record.result.is_err());
        }
        self.write(record)
    }

    fn stopped(&self, record: &Record) {
        self.write(record);
    }

    fn is_unheard(&self) -> bool {
        self.is_unheard.load(Ordering::Relaxed)
    }
}

/// Which recording it is, where there are several; of a line that does not say it, the error does.
fn place(record: &Record) -> Option<String> {
    let input = record.input.as_ref()?;
    let line = record.tag.as_ref();
    let line = line.map_or(String::new(), |tag| format!("line {}, ", tag.number));
    let id = record.about.id.as_ref();
    let id = id.map_or(String::new(), |id| format!(", recording {id}"));
    Some(format!("{line}input `{input}`{id}"))
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
