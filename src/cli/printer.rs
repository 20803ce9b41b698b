//! The only place that writes text to standard output or standard error.

use std::error::Error;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use clap::builder::StyledStr;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::termios::tcgetwinsize;

use super::args::{Color, Verbosity};
use super::error::{Failure, causes};
use super::escape::escape;
use super::total::TotalBar;
use super::usage::Misuse;
use super::wrap::{Row, Widths, row, width, wrap};
use crate::io::{Patient, open_terminal};

/// Talks to people on standard error and to machines on standard output.
pub(super) struct Printer {
    quiet: bool,
    verbose: bool,
    color: Color,
    /// Of the rows so far.
    widths: Mutex<Widths>,
    /// One a job, below what is said.
    bars: MultiProgress,
}

impl Printer {
    /// A printer as the flags and the environment want it.
    pub(super) fn new(talk: &Verbosity) -> Self {
        let terminal = io::stderr().is_terminal();
        let progress = terminal && !talk.quiet && !talk.no_progress && !set("CI");
        Self {
            quiet: talk.quiet,
            verbose: talk.verbose,
            color: talk.color,
            widths: Mutex::default(),
            bars: MultiProgress::with_draw_target(if progress {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            }),
        }
    }

    /// A printer for when the flags could not be read.
    pub(super) fn plain() -> Self {
        Self::new(&Verbosity {
            quiet: false,
            verbose: false,
            color: Color::Auto,
            no_progress: true,
        })
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

    /// What is wrong with the command line, in the form of all other errors.
    pub(super) fn usage(&self, misuse: &Misuse) {
        let mut lines = misuse.lines.iter();
        let first = lines.next().map(String::as_str).unwrap_or_default();
        let mut out = vec![self.label("error", "31", first)];
        out.extend(lines.map(|line| self.below(line)));
        out.push(self.label("hint", "36", &misuse.hint));
        self.say(&out.join("\n"));
    }

    /// `unreel: error: …`, its causes, and what to do.
    pub(super) fn error(&self, failure: &Failure) {
        self.problem(failure, &failure.details(), &failure.verdict().hint);
    }

    /// The same for anything that went wrong: `details` are lines below it.
    pub(super) fn problem(&self, error: &dyn Error, details: &[String], hint: &str) {
        let mut lines = vec![self.label("error", "31", &error.to_string())];
        let causes = causes(error).into_iter();
        lines.extend(causes.map(|cause| self.below(&format!("caused by: {cause}"))));
        lines.extend(details.iter().map(|detail| self.below(detail)));
        lines.push(self.label("hint", "36", hint));
        self.say(&lines.join("\n"));
    }

    /// Something that the user should know although it worked.
    pub(super) fn warning(&self, text: &str) {
        if !self.quiet {
            self.say(&self.label("warning", "33", text));
        }
    }

    /// What was done.
    pub(super) fn done(&self, text: &str) {
        if !self.quiet {
            self.say(&self.wrapped(&escape(text), 0, 2));
        }
    }

    /// What will be done; also where only errors are wanted, if it is asked whether it should be.
    pub(super) fn plan(&self, lines: &[String], is_asked: bool) {
        if !self.quiet || is_asked {
            let lines = lines.iter().map(|line| self.wrapped(&escape(line), 0, 4));
            self.say(&lines.collect::<Vec<_>>().join("\n"));
        }
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

    /// What was released.
    pub(super) fn released(&self, cells: &Row) {
        if !self.quiet {
            let cells = cells.each_ref().map(|cell| escape(cell));
            let mut widths = self.widths.lock().unwrap_or_else(PoisonError::into_inner);
            self.say(&row(&cells, &mut widths, columns(&io::stderr())));
        }
    }

    /// How it is done, for those who ask with `-v`.
    pub(super) fn step(&self, text: &str) {
        if self.verbose {
            self.say(&self.label("info", "34", text));
        }
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

    /// How wide a terminal standard output is.
    #[expect(clippy::unused_self, reason = "nothing is printed without a printer")]
    pub(super) fn columns(&self) -> Option<usize> {
        columns(&io::stdout())
    }

    /// `text` on standard output, in a colour where there are any.
    pub(super) fn painted(&self, text: &str, color: &str) -> String {
        paint(&io::stdout(), self.color, text, color)
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

    fn label(&self, label: &str, color: &str, text: &str) -> String {
        let room = width("unreel: : ") + width(label);
        let text = self.wrapped(&escape(text), room, 4);
        let label = paint(&io::stderr(), self.color, &format!("{label}:"), color);
        format!("unreel: {label} {text}")
    }

    /// A line below one with a label.
    fn below(&self, text: &str) -> String {
        format!("  {}", self.wrapped(&escape(text), 2, 4))
    }

    /// `text` in the width of the terminal, if standard error is one.
    #[expect(clippy::unused_self, reason = "nothing is printed without a printer")]
    fn wrapped(&self, text: &str, first: usize, indent: usize) -> String {
        match columns(&io::stderr()) {
            Some(columns) => wrap(text, columns, first, indent),
            None => text.to_owned(),
        }
    }

    /// Writes lines to standard error in one piece: jobs do not mix theirs, and bars make room.
    fn say(&self, lines: &str) {
        let line = format!("{lines}\n");
        // There is nobody to tell that standard error is gone.
        self.bars
            .suspend(|| Patient(io::stderr()).write_all(line.as_bytes()).ok());
    }
}

/// How wide a terminal is; `None` if it is none, or does not say.
fn columns(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    let size = stream
        .is_terminal()
        .then(|| tcgetwinsize(stream).ok())
        .flatten()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// `text` as it stands out on a stream.
fn paint(stream: &impl IsTerminal, when: Color, text: &str, color: &str) -> String {
    match when {
        Color::Auto if !stream.is_terminal() || !wants_color() => text.to_owned(),
        Color::Never => text.to_owned(),
        Color::Auto | Color::Always => format!("\x1b[1;{color}m{text}\x1b[0m"),
    }
}

/// Whether a variable is set, and not to nothing.
fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Whether who has a terminal wants colours on it.
fn wants_color() -> bool {
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
