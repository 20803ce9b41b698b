//! Runs every target over its corpus and over pseudo-random mutations of it, without a fuzzer.
//!
//! `replay [--runs N] [--seed S] [TARGET]...`: N mutations a target (10,000), the same ones for the
//! same seed (1). An input that fails is kept in `fuzz/artifacts/`, as cargo-fuzz does.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, panic};

use unreel_fuzz::{Random, TARGETS, Target};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Mutations are cut to this, as libFuzzer does.
const LONGEST: usize = 4096;

struct Options {
    runs: u64,
    seed: u64,
    targets: Vec<Target>,
}

fn main() -> ExitCode {
    match options(env::args().skip(1)).and_then(|options| replay(&options)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            writeln!(io::stderr(), "replay: error: {error}").ok();
            ExitCode::from(2)
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options {
        runs: 10_000,
        seed: 1,
        targets: Vec::new(),
    };
    while let Some(arg) = args.next() {
        let mut number =
            || Ok::<u64, Box<dyn Error>>(args.next().ok_or("a number is missing")?.parse()?);
        match arg.as_str() {
            "--runs" => options.runs = number()?,
            "--seed" => options.seed = number()?,
            name => {
                let target = TARGETS.iter().find(|target| target.name == name);
                options
                    .targets
                    .push(*target.ok_or_else(|| format!("no target `{name}`"))?);
            }
        }
    }
    if options.targets.is_empty() {
        options.targets = TARGETS.to_vec();
    }
    Ok(options)
}

/// Returns the number of inputs that failed.
fn replay(options: &Options) -> Result<u64> {
    let mut out = io::stdout().lock();
    let mut failed = 0;
    for &target in &options.targets {
        let corpus = corpus(target.name)?;
        let mut random = Random::new(options.seed);
        let mut tally = Tally::new(target);
        for input in &corpus {
            tally.run(input)?;
        }
        for _ in 0..options.runs / target.slowness {
            tally.run(&mutated(&corpus, &mut random))?;
        }
        writeln!(
            out,
            "{:16} {:4} in corpus {:9} runs {:6.1} s, slowest {:6.1} ms, {} failed",
            target.name,
            corpus.len(),
            tally.runs,
            tally.spent.as_secs_f64(),
            tally.slowest.as_secs_f64() * 1e3,
            tally.failures,
        )?;
        failed += tally.failures;
    }
    Ok(failed)
}

/// The inputs of a target, always in the same order.
fn corpus(name: &str) -> Result<Vec<Vec<u8>>> {
    let folder = root().join("corpus").join(name);
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    files.sort();
    if files.is_empty() {
        return Err(format!("{} is empty", folder.display()).into());
    }
    Ok(files.iter().map(fs::read).collect::<io::Result<_>>()?)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What became of one target's inputs.
struct Tally {
    target: Target,
    runs: u64,
    failures: u64,
    spent: Duration,
    slowest: Duration,
}

impl Tally {
    fn new(target: Target) -> Self {
        Self {
            target,
            runs: 0,
            failures: 0,
            spent: Duration::ZERO,
            slowest: Duration::ZERO,
        }
    }

    /// The panic's own message goes to standard error.
    fn run(&mut self, input: &[u8]) -> Result<()> {
        let start = Instant::now();
        let Target { name, run, .. } = self.target;
        let outcome = panic::catch_unwind(|| run(input));
        let took = start.elapsed();
        self.spent += took;
        self.slowest = self.slowest.max(took);
        self.runs += 1;
        if outcome.is_err() {
            self.failures += 1;
            let folder = root().join("artifacts").join(name);
            fs::create_dir_all(&folder)?;
            let file = folder.join(format!("replay-{}", self.runs));
            fs::write(&file, input)?;
            writeln!(io::stderr(), "{name} failed on {}", file.display())?;
        }
        Ok(())
    }
}

/// An input of the corpus with one to eight changes.
fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(8) {
        mutate(&mut input, corpus, random);
    }
    input.truncate(LONGEST);
    input
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    const TELLING: [u8; 16] = *b"\0\x01\x7f\x80\xff\x1b0{}[]\",:=\n";
    let at = random.below(input.len() + 1);
    let (_, tail) = input.split_at_mut(at);
    let length = random.below(tail.len().min(64) + 1);
    match random.below(7) {
        0 => {
            if let Some(byte) = tail.first_mut() {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            if let Some(byte) = tail.first_mut() {
                *byte = random.byte();
            }
        }
        2 => {
            if let Some(byte) = tail.first_mut() {
                *byte = TELLING[random.below(TELLING.len())];
            }
        }
        3 => drop(input.drain(at..at + length)),
        4 => {
            let copy = tail[..length].to_vec();
            input.splice(at..at, copy);
        }
        5 => {
            let new: Vec<u8> = (0..length.min(8)).map(|_| random.byte()).collect();
            input.splice(at..at, new);
        }
        _ => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}
