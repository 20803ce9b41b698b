//! The only place that writes text to standard output or standard error.

use std::io::{self, IsTerminal, Write};

use clap::builder::StyledStr;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{Color, Talk};
use super::error::Failure;
use super::escape::escape;
use crate::io::Patient;

/// Talks to people on standard error and to machines on standard output.
pub(super) struct Printer {
    quiet: bool,
    verbose: bool,
    color: bool,
    /// One a job, below what is said.
    bars: MultiProgress,
}

impl Printer {
    /// A printer as the flags and the environment want it.
    pub(super) fn new(talk: &Talk) -> Self {
        let terminal = io::stderr().is_terminal();
        let progress = terminal && !talk.quiet && !talk.no_progress && !set("CI");
        Self {
            quiet: talk.quiet,
            verbose: talk.verbose,
            color: match talk.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => terminal && wants_color(),
            },
            bars: MultiProgress::with_draw_target(if progress {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            }),
        }
    }

    /// A printer for when the flags could not be read.
    pub(super) fn plain() -> Self {
        Self::new(&Talk {
            quiet: false,
            verbose: false,
            color: Color::Auto,
            no_progress: true,
        })
    }

    /// What clap says of the command line, in the form of all other errors.
    pub(super) fn usage(&self, text: &str) {
        let text = text.trim().trim_start_matches("error: ");
        let text = text.trim_end_matches("For more information, try '--help'.");
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let mut out = vec![self.label("error", "31", lines.next().unwrap_or_default())];
        out.extend(lines.map(|line| format!("  {}", escape(line.trim()))));
        out.push(self.label("hint", "36", "add --help to see what there is"));
        self.say(&out.join("\n"));
    }

    /// `unreel: error: …`, its causes, and what to do.
    pub(super) fn error(&self, failure: &Failure) {
        let mut lines = vec![self.label("error", "31", &failure.to_string())];
        let mut cause = std::error::Error::source(failure);
        while let Some(error) = cause {
            lines.push(escape(&format!("  caused by: {error}")));
            cause = error.source();
        }
        let details = failure.details();
        lines.extend(details.iter().map(|detail| escape(&format!("  {detail}"))));
        lines.push(self.label("hint", "36", &failure.verdict().hint));
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
            self.say(&escape(text));
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

    /// Lines that somebody asked to read. A reader that goes away has read enough.
    pub(super) fn answer(&self, lines: &str) -> Result<(), Failure> {
        match self.data(lines) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => {
                result.map_err(|error| Failure::Unwritten("standard output".to_owned(), error))
            }
        }
    }

    /// The same of what was done, unless only errors are wanted.
    pub(super) fn result(&self, lines: &str) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        self.answer(lines)
    }

    /// Help, or the version.
    pub(super) fn help(&self, text: &StyledStr) -> Result<(), Failure> {
        let text = if io::stdout().is_terminal() && wants_color() {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        self.answer(text.trim_end())
    }

    /// A bar over `length` bytes, if anybody would see it.
    pub(super) fn progress(&self, name: &str, length: Option<u64>) -> ProgressBar {
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

    /// A bar over things that are tried, if anybody would see it.
    pub(super) fn search(&self, name: &str) -> ProgressBar {
        let bar = self.progress(name, None);
        match ProgressStyle::with_template("{msg} {spinner} {pos} of {len} tried {elapsed}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    fn label(&self, label: &str, color: &str, text: &str) -> String {
        let text = escape(text);
        if self.color {
            format!("unreel: \x1b[1;{color}m{label}:\x1b[0m {text}")
        } else {
            format!("unreel: {label}: {text}")
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

/// Whether a variable is set, and not to nothing.
fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Whether who has a terminal wants colours on it.
fn wants_color() -> bool {
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
