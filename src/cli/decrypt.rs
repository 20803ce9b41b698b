//! The decrypting commands: one run over its inputs.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fs_err::os::unix::fs::OpenOptionsExt;

use super::args::{IfExists, Output, Report, Work};
use super::error::Failure;
use super::escape::json;
use super::metadata::{display, file_name, stem};
use super::own::Own;
use super::printer::Printer;
use super::report::Line;
use super::stdin::is_stdin;
use crate::io::{FileId, OutputError, Source, Staged, Stdout, check_target};
use crate::media::Media;
use crate::pipeline::{self, Destination, Opener, Options, Outcome};

/// How the recordings of one run are opened.
pub(super) trait Unlock: Sync {
    /// What is known of a recording before it is opened.
    type Recording;

    /// The subcommand, also the name in reports.
    fn provider(&self) -> &'static str;

    /// The extensions that an output `name` in a folder can get.
    fn extensions(&self, name: &str) -> &'static [&'static str];

    /// Files that the run reads beside its inputs, and must not overwrite.
    fn reads(&self, inputs: &[PathBuf]) -> Vec<PathBuf>;

    /// Finds out what is known of the recording.
    fn describe(&self, input: &Path, line: &mut Line) -> Result<Self::Recording, Failure>;

    /// The provider's id of the recording.
    fn id<'a>(&self, recording: &'a Self::Recording) -> Option<&'a str>;

    /// Looks whether the source can be its ciphertext at all; returns its first bytes.
    fn look(
        &self,
        recording: &Self::Recording,
        source: &mut Source,
    ) -> Result<Vec<u8>, pipeline::Error>;

    /// Finds what opens it. The source may be given back rearranged, and the head with it.
    fn unlock(
        &self,
        recording: &Self::Recording,
        ciphertext: Ciphertext,
        input: &Path,
        line: &mut Line,
    ) -> Result<(Opener, Ciphertext), Failure>;
}

/// A source and its first bytes.
pub(super) struct Ciphertext {
    pub(super) source: Source,
    pub(super) head: Vec<u8>,
    /// How many threads may work on it.
    pub(super) threads: usize,
}

/// What every decrypting command is given.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) inputs: &'a [PathBuf],
    /// Whether standard input is taken by something else than the media.
    pub(super) stdin_taken: bool,
    pub(super) output: &'a Output,
    pub(super) report: &'a Report,
    pub(super) work: &'a Work,
}

/// Decrypts what the command line names. `unlock` is made only when the rest is in order.
pub(super) fn run<U: Unlock>(
    args: Common,
    unlock: impl FnOnce(&[PathBuf]) -> Result<U, Failure>,
    printer: &Printer,
) -> Result<(), Failure> {
    let inputs = inputs(args)?;
    let target = Target::of(args, &inputs)?;
    let unlock = unlock(&inputs)?;
    let mut own = Own::of(&unlock.reads(&inputs), &inputs);
    let report = args.report.report.as_deref();
    let report = report.map(|path| open_report(path, &mut own)).transpose()?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let jobs = args.work.jobs.map_or(cores, NonZero::get).min(inputs.len());
    let run = Run {
        unlock: &unlock,
        args,
        printer,
        target,
        own,
        threads: args
            .work
            .threads
            .map_or((cores / jobs).max(1), NonZero::get),
        report: Mutex::new(report),
        names: Mutex::default(),
    };
    let [input] = inputs.as_slice() else {
        return run.all(&inputs, jobs);
    };
    run.one(input)?
}

fn inputs(args: Common) -> Result<Vec<PathBuf>, Failure> {
    if !args.inputs.is_empty() {
        return Ok(args.inputs.to_vec());
    }
    if args.stdin_taken || std::io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "there is no input",
            "name the encrypted media, or redirect it to standard input",
        ));
    }
    Ok(vec![PathBuf::from("-")])
}

/// Lines are added to a report, so that one file serves many runs. It must not be a file that the
/// run reads, and no output may take its place.
fn open_report(path: &Path, own: &mut Own) -> Result<fs_err::File, Failure> {
    if FileId::at(path).is_some_and(|id| own.all().contains(&id)) {
        return Err(OutputError::IsInput(path.to_owned()).into());
    }
    let file = fs_err::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Failure::Unwritten(display(path), error))?;
    own.add(path);
    Ok(file)
}

/// Where the outputs go.
#[derive(Clone)]
enum Target {
    Check,
    Stdout { verified: bool },
    File(PathBuf),
    Folder(PathBuf),
}

impl Target {
    fn of(args: Common, inputs: &[PathBuf]) -> Result<Self, Failure> {
        let flags = args.output;
        let target = match (&flags.output, &flags.output_dir) {
            _ if flags.check => Self::Check,
            (_, Some(folder)) => Self::Folder(folder.clone()),
            (Some(path), None) if !is_stdin(path) => Self::File(path.clone()),
            (explicit, None) => {
                if explicit.is_none() && Stdout::is_terminal() {
                    return Err(Failure::Terminal);
                }
                if Stdout::is_nowhere() {
                    return Err(Failure::Nowhere);
                }
                Self::Stdout {
                    verified: !flags.stream_unverified,
                }
            }
        };
        match &target {
            Self::Stdout { .. } | Self::File(_) if inputs.len() > 1 => Err(Failure::Usage(
                "several inputs need a folder for their outputs",
                "name it with -d DIR",
            )),
            Self::Stdout { .. } if args.report.json => Err(Failure::Usage(
                "standard output cannot carry both the media and --json",
                "write one of them to a file, with -o FILE or --report PATH",
            )),
            Self::File(_) if flags.stream_unverified => Err(Failure::Usage(
                "--stream-unverified is for standard output",
                "drop it: a file gets its name after verification only",
            )),
            _ => Ok(target),
        }
    }
}

/// A run over its inputs, shared by its jobs.
struct Run<'a, U> {
    unlock: &'a U,
    args: Common<'a>,
    printer: &'a Printer,
    target: Target,
    own: Own,
    /// For one recording.
    threads: usize,
    report: Mutex<Option<fs_err::File>>,
    /// The names in the output folder that are taken, and by which input.
    names: Mutex<HashMap<String, PathBuf>>,
}

/// A lock whose holder cannot leave it half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a run has with a recording.
enum Done {
    Released(Box<Outcome>),
    Skipped,
}

impl<U: Unlock> Run<'_, U> {
    /// All recordings, each for itself: what fails does not stop the others. Jobs take them in
    /// order; what is said of them comes as they are done.
    fn all(&self, inputs: &[PathBuf], jobs: usize) -> Result<(), Failure> {
        let next = AtomicUsize::new(0);
        let failed = AtomicUsize::new(0);
        let job = || {
            while let Some(input) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
                match self.one(input) {
                    Ok(Ok(())) => {}
                    Ok(Err(failure)) => {
                        failed.fetch_add(1, Ordering::Relaxed);
                        self.printer.error(&failure);
                    }
                    Err(fatal) => {
                        next.store(inputs.len(), Ordering::Relaxed);
                        return Err(fatal);
                    }
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..jobs).map(|_| scope.spawn(job)).collect();
            let mine = job();
            others.into_iter().fold(mine, |result, other| {
                let theirs = other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                result.and(theirs)
            })
        })?;
        match failed.into_inner() {
            0 => Ok(()),
            failed => Err(Failure::Partial {
                failed,
                total: inputs.len(),
            }),
        }
    }

    /// One recording and its report. The outer error is the report's, and ends the run.
    fn one(&self, input: &Path) -> Result<Result<(), Failure>, Failure> {
        let start = Instant::now();
        let mut line = Line::new(self.unlock.provider(), display(input));
        let result = self.recording(input, &mut line);
        line.took(start.elapsed());
        match &result {
            Ok(Done::Released(outcome)) => {
                for note in &outcome.media.notes {
                    self.printer
                        .warning(&format!("`{}`: {note}", display(input)));
                }
                if !self.args.report.json {
                    self.printer.released(&line.human(outcome));
                }
            }
            Ok(Done::Skipped) => {
                if !self.args.report.json {
                    let input = display(input);
                    self.printer
                        .done(&format!("{input}  skipped: its output exists"));
                }
            }
            Err(failure) => line.failed(failure),
        }
        self.write_report(&line)?;
        Ok(result.map(|_| ()))
    }

    fn write_report(&self, line: &Line) -> Result<(), Failure> {
        let text = json(line).map_err(|e| Failure::Internal(e.into()))?;
        if self.args.report.json {
            self.printer
                .data(&text)
                .map_err(|error| Failure::Unwritten("standard output".to_owned(), error))?;
        }
        if let (Some(file), Some(path)) = (&mut *lock(&self.report), &self.args.report.report) {
            // In one write, so that lines of runs at the same time do not mix.
            std::io::Write::write_all(file, format!("{text}\n").as_bytes())
                .map_err(|error| Failure::Unwritten(display(path), error))?;
        }
        Ok(())
    }

    /// Everything that can fail without a key comes first; then keys, then the media.
    fn recording(&self, input: &Path, line: &mut Line) -> Result<Done, Failure> {
        let described = self.unlock.describe(input, line);
        if described.is_err() && !is_stdin(input) && !input.exists() {
            // What is missing is said to be missing, whatever its metadata says.
            open_source(input)?;
        }
        let recording = described?;
        let named = self.name(self.unlock.id(&recording), input)?;
        if let Some(existing) = self.check_names(&named)? {
            line.skipped(display(&existing));
            return Ok(Done::Skipped);
        }

        let mut source = open_source(input)?;
        let not_decrypted = |error| Failure::NotDecrypted(display(input), error);
        let head = self
            .unlock
            .look(&recording, &mut source)
            .map_err(not_decrypted)?;
        let mut stdout = None;
        let staged = match &self.target {
            Target::File(path) => Some(Staged::create(path)?),
            Target::Folder(folder) => Some(Staged::create(&folder.join(&named))?),
            Target::Stdout { .. } => {
                stdout = Some(self.open_stdout()?);
                None
            }
            Target::Check => None,
        };

        let ciphertext = Ciphertext {
            source,
            head,
            threads: self.threads,
        };
        let (opener, Ciphertext { source, head, .. }) =
            self.unlock.unlock(&recording, ciphertext, input, line)?;

        let name = |media: &Media| {
            let output = match &self.target {
                Target::Folder(folder) => folder.join(format!("{named}.{}", media.extension)),
                Target::File(path) => path.clone(),
                Target::Check | Target::Stdout { .. } => PathBuf::new(),
            };
            check_target(&output, self.replaces(), self.own.all()).map(|()| output)
        };
        let destination = match (&self.target, staged, &mut stdout) {
            (Target::Stdout { verified: true }, _, Some(stdout)) => Destination::Stdout(stdout),
            (Target::Stdout { .. }, _, Some(stdout)) => Destination::StdoutUnverified(stdout),
            (_, Some(staged), _) => Destination::File {
                staged,
                name: &name,
                replace: self.replaces(),
            },
            _ => Destination::Check,
        };
        let bar = self.printer.progress(&short_name(input), source.length());
        let options = Options {
            require_integrity: self.args.output.require_integrity,
            sha256: self.args.report.sha256,
            threads: self.threads,
            progress: &|bytes| bar.inc(bytes),
        };
        let result = pipeline::open(opener, &head, source, destination, options);
        bar.finish_and_clear();
        let outcome = match result {
            Ok(outcome) => outcome,
            // Somebody else made it meanwhile.
            Err(pipeline::Error::Output(OutputError::Exists(path))) if self.skips() => {
                line.skipped(display(&path));
                return Ok(Done::Skipped);
            }
            Err(pipeline::Error::Output(error)) => return Err(error.into()),
            Err(error) => return Err(not_decrypted(error)),
        };
        let output = match &self.target {
            Target::Stdout { .. } => Some("-".to_owned()),
            _ => outcome.output.as_deref().map(display),
        };
        line.done(&outcome, output);
        Ok(Done::Released(Box::new(outcome)))
    }

    /// In a folder, an output is named for the recording's id, else for its input. Elsewhere the
    /// name is not used.
    fn name(&self, id: Option<&str>, input: &Path) -> Result<String, Failure> {
        let Target::Folder(_) = self.target else {
            return Ok(String::new());
        };
        let from_id = id.and_then(file_name);
        let name = from_id.or_else(|| stem(input).as_deref().and_then(file_name));
        let name = name.ok_or_else(|| Failure::Nameless(display(input)))?;
        match lock(&self.names).insert(name.clone(), input.to_owned()) {
            Some(other) => Err(Failure::SameName(display(input), display(&other))),
            None => Ok(name),
        }
    }

    /// Looks at every name that the output can get. `Some` is one that exists and is to be left.
    fn check_names(&self, named: &str) -> Result<Option<PathBuf>, Failure> {
        let candidates = match &self.target {
            Target::Check | Target::Stdout { .. } => vec![],
            Target::File(path) => vec![path.clone()],
            Target::Folder(folder) => {
                let extensions = self.unlock.extensions(named).iter();
                extensions
                    .map(|extension| folder.join(format!("{named}.{extension}")))
                    // The metadata that lies there is no output of an earlier run.
                    .filter(|path| !self.own.lies_beside(path))
                    .collect()
            }
        };
        for candidate in candidates {
            match check_target(&candidate, self.replaces(), self.own.all()) {
                Ok(()) => {}
                Err(OutputError::Exists(path)) if self.skips() => return Ok(Some(path)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn open_stdout(&self) -> Result<Stdout, Failure> {
        let name = || "standard output".to_owned();
        let stdout = Stdout::open().map_err(|error| Failure::Unwritten(name(), error))?;
        if stdout.id().is_some_and(|id| self.own.all().contains(&id)) {
            return Err(OutputError::IsInput(name().into()).into());
        }
        self.printer
            .step("verifying before the first byte is written");
        Ok(stdout)
    }

    fn replaces(&self) -> bool {
        self.args.output.force || self.args.output.if_exists == IfExists::Overwrite
    }

    fn skips(&self) -> bool {
        self.args.output.if_exists == IfExists::Skip
    }
}

/// What a bar has room for.
fn short_name(input: &Path) -> String {
    display(input.file_name().map_or(input, Path::new))
}

fn open_source(input: &Path) -> Result<Source, Failure> {
    let source = if is_stdin(input) {
        Source::stdin()
    } else {
        Source::open(input)
    };
    source.map_err(|error| Failure::Unread(display(input), error))
}
