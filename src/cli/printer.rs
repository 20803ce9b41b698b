//! The only place that writes text to standard output or standard error.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use clap::builder::StyledStr;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::Level;

use super::args::{Color, LogFormat, Verbosity};
use super::error::Failure;
use super::escape::escape;
use super::look::{Look, columns, wants_color};
use super::message::{Fields, Message};
use super::report::RunId;
use super::total::TotalBar;
use super::wrap::{Row, Widths, row, wrap};
use crate::io::{Patient, open_terminal};

/// Talks to people on standard error and to machines on standard output; in JSON to machines on both.
pub(super) struct Printer {
    format: LogFormat,
    quiet: bool,
    /// How often `-v` was given.
    verbose: u8,
    color: Color,
    run: RunId,
    /// The one recording that the run is about.
    subject: OnceLock<Fields>,
    /// Of the rows so far.
    widths: Mutex<Widths>,
    /// One a job, below what is said.
    bars: MultiProgress,
}

impl Printer {
    /// A printer as the flags and the environment want it.
    pub(super) fn new(talk: &Verbosity, format: LogFormat) -> Self {
        let terminal = io::stderr().is_terminal() && format == LogFormat::Text;
        let progress = terminal && !talk.quiet && !talk.no_progress && !set("CI");
        Self {
            format,
            quiet: talk.quiet,
            verbose: talk.verbose,
            color: talk.color,
            run: RunId::new(),
            subject: OnceLock::new(),
            widths: Mutex::default(),
            bars: MultiProgress::with_draw_target(if progress {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            }),
        }
    }

    /// A printer for when the flags could not be read.
    pub(super) fn plain(format: LogFormat) -> Self {
        Self::new(&Verbosity::default(), format)
    }

    /// Whether messages are lines of JSON.
    pub(super) fn is_for_machines(&self) -> bool {
        self.format == LogFormat::Json
    }

    /// The lowest level that is said.
    pub(super) fn level(&self) -> Level {
        match self.verbose {
            _ if self.quiet => Level::ERROR,
            0 | 1 => Level::INFO,
            2 => Level::DEBUG,
            _ => Level::TRACE,
        }
    }

    /// What all reports and messages of this run have in common.
    pub(super) fn run(&self) -> &RunId {
        &self.run
    }

    /// The run has one recording: errors are about it.
    pub(super) fn is_about(&self, subject: Fields) {
        self.subject.set(subject).ok();
    }

    /// Help, or the version.
    pub(super) fn help(&self, text: &StyledStr) -> Result<(), Failure> {
        let text = if io::stdout().is_terminal() && wants_color() {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        self.answered(self.data(text.trim_end()))
    }

    /// What there is, for who asked for nothing.
    #[expect(clippy::unused_self, reason = "nothing is printed without a printer")]
    pub(super) fn way(&self, text: &str) {
        let text = format!("{}\n", text.trim_end());
        Patient(io::stderr()).write_all(text.as_bytes()).ok();
    }

    /// Whether what somebody asked to read could be said. A reader that goes away has read enough.
    #[expect(clippy::unused_self, reason = "nothing is printed without a printer")]
    pub(super) fn answered(&self, said: io::Result<()>) -> Result<(), Failure> {
        match said {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::unwritten("standard output", error))
            }
            _ => Ok(()),
        }
    }

    /// Says it, where so much is said: as a line of JSON, or with its level in front.
    pub(super) fn tell(&self, message: &Message) {
        self.tell_as(message, |message, look| look.labelled(message));
    }

    /// What went wrong, why, and what to do.
    pub(super) fn error(&self, message: impl Into<Message>) {
        let message = message.into();
        let subject = self.subject.get().cloned().unwrap_or_default();
        self.tell(&Message {
            level: Level::ERROR,
            ..message.with_all(subject)
        });
    }

    /// Something that the user should know although it worked.
    pub(super) fn warning(&self, message: impl Into<Message>) {
        self.tell(&Message {
            level: Level::WARN,
            ..message.into()
        });
    }

    /// How it is done, for those who ask with `-v`.
    pub(super) fn step(&self, message: impl Into<Message>) {
        if self.verbose > 0 {
            self.tell(&message.into());
        }
    }

    /// What was done.
    pub(super) fn done(&self, message: impl Into<Message>) {
        self.tell_as(&message.into(), |message, look| look.bare(&message.text, 2));
    }

    /// What will be done; also where only errors are wanted, if it is asked whether it should be.
    pub(super) fn plan(&self, lines: Vec<String>, is_asked: bool) {
        let mut lines = lines.into_iter();
        let first = Message::of(lines.next().unwrap_or_default());
        let level = if is_asked { Level::ERROR } else { Level::INFO };
        if level <= self.level() {
            self.write(&first.below(lines), |message, look| {
                let lines = std::iter::once(&message.text).chain(&message.details);
                let lines = lines.map(|line| look.bare(line, 4));
                lines.collect::<Vec<_>>().join("\n")
            });
        }
    }

    /// What was released.
    pub(super) fn released(&self, cells: &Row, fields: Fields) {
        let said = cells.iter().filter(|cell| !cell.is_empty()).cloned();
        let message = Message::of(said.collect::<Vec<_>>().join("  ")).with_all(fields);
        self.tell_as(&message, |_, look| {
            let cells = cells.each_ref().map(|cell| escape(cell));
            let mut widths = self.widths.lock().unwrap_or_else(PoisonError::into_inner);
            row(&cells, &mut widths, look.columns)
        });
    }

    /// Asks on the terminal, never on standard input, and takes nothing but a yes for one.
    #[expect(clippy::unused_self, reason = "it is the printer's terminal")]
    pub(super) fn confirms(&self, question: &str) -> bool {
        let answer = || -> io::Result<String> {
            let mut terminal = open_terminal()?;
            terminal.write_all(question.as_bytes())?;
            let mut line = Vec::new();
            let mut byte = [0];
            while line.len() < 100 && terminal.read(&mut byte)? == 1 && byte != *b"\n" {
                line.extend(byte);
            }
            Ok(String::from_utf8_lossy(&line).trim().to_ascii_lowercase())
        };
        answer().is_ok_and(|answer| answer == "y" || answer == "yes")
    }

    /// Whether somebody at a terminal started the run, and neither cron nor a test, who could be
    /// asked what a run can do without.
    #[expect(clippy::unused_self, reason = "it is about who is talked to")]
    pub(super) fn is_attended(&self) -> bool {
        let seen = io::stdin().is_terminal() || io::stderr().is_terminal();
        seen && fs_err::File::open("/dev/tty").is_ok()
    }

    /// One line of data.
    ///
    /// # Errors
    /// As the operating system has it; a closed pipe is one.
    #[expect(clippy::unused_self, reason = "nothing is printed without a printer")]
    pub(super) fn data(&self, line: &str) -> io::Result<()> {
        let mut stdout = Patient(io::stdout().lock());
        stdout.write_all(format!("{line}\n").as_bytes())?;
        stdout.flush()
    }

    /// How lines for people look on standard output.
    pub(super) fn look(&self) -> Look {
        Look::of(&io::stdout(), self.color)
    }

    /// Lines for people on standard output, broken between words where a terminal is narrower.
    ///
    /// # Errors
    /// As the operating system has it; a closed pipe is one.
    pub(super) fn text(&self, text: &str) -> io::Result<()> {
        match columns(&io::stdout()) {
            Some(columns) => {
                let lines = text.lines().map(|line| wrap(line, columns, 0, 4));
                self.data(&lines.collect::<Vec<_>>().join("\n"))
            }
            None => self.data(text),
        }
    }

    /// The same of what was done, unless only errors are wanted.
    pub(super) fn result(&self, text: &str) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        self.answered(self.text(text))
    }

    /// A bar over `length` bytes, if anybody would see it.
    pub(super) fn progress(&self, name: &str, length: Option<u64>) -> ProgressBar {
        // indicatif keeps what it knows of a bar that nobody sees, for as long as it draws none.
        if self.bars.is_hidden() {
            return ProgressBar::hidden();
        }
        let template = match length {
            Some(_) => "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {eta}",
            None => "{msg} {spinner} {decimal_bytes} {decimal_bytes_per_sec}",
        };
        let bar = match length {
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::no_length(),
        };
        let bar = self.bars.add(bar.with_message(escape(name)));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }

    /// A bar over all the recordings of a run, if anybody would see it.
    pub(super) fn total(&self, recordings: Option<usize>) -> TotalBar {
        TotalBar::new(|bar| self.bars.add(bar), recordings)
    }

    /// Says it, where so much is said, with these words for people.
    fn tell_as(&self, message: &Message, words: impl FnOnce(&Message, &Look) -> String) {
        if message.level <= self.level() {
            self.write(message, words);
        }
    }

    /// Writes a message to standard error in one piece: jobs do not mix theirs, and bars make room.
    fn write(&self, message: &Message, words: impl FnOnce(&Message, &Look) -> String) {
        let text = match self.format {
            LogFormat::Text => words(message, &Look::of(&io::stderr(), self.color)),
            LogFormat::Json => message.json(self.run.as_str()),
        };
        let line = format!("{text}\n");
        // There is nobody to tell that standard error is gone.
        self.bars
            .suspend(|| Patient(io::stderr()).write_all(line.as_bytes()).ok());
    }
}

/// Whether a variable is set, and not to nothing.
fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}
