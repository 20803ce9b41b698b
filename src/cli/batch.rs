//! `unreel batch`: recordings that lines of JSON name.

use std::io::IsTerminal;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::{BUDGET, Batch};
use super::error::Failure;
use super::fetched::Fetched;
use super::printer::Printer;
use super::talk::Talk;
use super::{credentials, decrypt, keys, network, shard};
use crate::io::{Stdout, fd_path};
use crate::job::{
    Format, Input, Job, Manifest, Metadata, Origin, Output, Own, PrivateKeys, Rules, Secrets,
    SharedFrom, SharedKeys, Target, Task,
};
use crate::pipeline::search::Pins;

/// How many recordings are worked on at once: any may be fetched, and most of that is waiting.
const JOBS: NonZero<usize> = NonZero::new(4).unwrap();

/// Decrypts what the lines name.
pub(super) fn run(args: &Batch, printer: &Printer) -> Result<(), Failure> {
    let manifest = manifest(args)?;
    let config = args.config.as_deref().map(Input::of);
    let key_files = keys::from(&args.keys);
    decrypt::one_purpose(
        &uses(args, &manifest, config.as_ref(), &key_files.paths),
        &[],
    )?;
    let fetched = Fetched {
        selection: Some(&args.selection),
        ..Fetched::default()
    };
    let task = fetched.task();
    let target = target(args, task)?;
    let from = network::from(None);
    let hosts = credentials::hosts(&from)?;
    let rules = Rules {
        hosts: &hosts,
        shard: shard::shard(&args.work)?,
        task,
        needs_output: target == Target::Nowhere && !args.output.check,
    };
    let api = network::api_of_any(&args.network, &from, printer)?;
    let buckets = Arc::new(network::buckets_of_any(&api, &from));
    let mut talk = Talk::new(None, &args.report, printer).of_lines();
    let passphrases = keys::passphrases(&args.keys.passphrase, args.keys.no_input);
    let format = Format {
        pins: Pins::default(),
        profile: None,
        budget: Duration::from_secs(BUDGET.into()),
    };
    let shared = config.map(|path| SharedKeys::read(SharedFrom::Config(path), None, format, &talk));
    let secrets = Secrets {
        private: PrivateKeys::new(key_files, passphrases),
        shared: shared.transpose()?,
    };
    // No recording is described by it: each line has its own.
    let metadata = Metadata::new(None, Origin::Sidecars);
    let mut own = Own::of_run(&[], &metadata, &secrets);
    own.add(&manifest);
    if Stdout::open()
        .ok()
        .and_then(|stdout| stdout.id())
        .is_some_and(|id| own.holds_id(id))
    {
        return Err(decrypt::is_input(Path::new("standard output")));
    }
    own.add(&Input::File(fd_path(1)));
    let report = args.report.file();
    let report = report.map(|path| decrypt::open_report(path, &mut own));
    talk.begin(report.transpose()?, None, task, args.output.check);
    let (lines, stop) = Manifest::open(&manifest, rules)?;
    let if_exists = decrypt::if_exists(&args.output);
    let job = Job {
        task,
        api: &api,
        selection: fetched.selection(),
        include_deleted: false,
        shard: None,
        metadata: Arc::new(metadata),
        secrets: Arc::new(secrets),
        buckets: Arc::clone(&buckets),
        archives: None,
        output: Output::new(target, if_exists, args.output.check, own, buckets)
            .named(args.output.name_template.clone())
            .of_many(),
        padding: None,
        plain: args.output.plain.map(decrypt::plain),
        require_integrity: args.output.require_integrity,
        sha256: args.report.sha256,
        jobs: args.work.jobs().unwrap_or(JOBS),
        threads: args.work.threads(),
        observer: &talk,
    };
    let ended = job.all(lines, || stop.stop())?;
    talk.ended(ended)
}

/// Where the lines come from.
fn manifest(args: &Batch) -> Result<Input, Failure> {
    match &args.manifest {
        Some(path) => Ok(Input::of(path)),
        None if std::io::stdin().is_terminal() => Err(Failure::Usage(
            "there is no manifest",
            "name a file of JSON lines, or redirect one to standard input",
        )),
        None => Ok(Input::Stdin),
    }
}

/// What is read, and may be standard input.
fn uses(
    args: &Batch,
    manifest: &Input,
    config: Option<&Input>,
    key_files: &[Input],
) -> Vec<(&'static str, Input)> {
    let passphrase = keys::passphrase_input(&args.keys.passphrase);
    let mut uses = vec![("the manifest", manifest.clone())];
    uses.extend(config.map(|path| ("the configuration", path.clone())));
    uses.extend(
        key_files
            .iter()
            .map(|path| ("the private key", path.clone())),
    );
    uses.extend(passphrase.map(|path| ("the passphrase", path)));
    uses
}

/// Where recordings go of which their lines do not say it.
fn target(args: &Batch, task: Task) -> Result<Target, Failure> {
    if args.output.output.is_some() || args.output.stream_unverified {
        return Err(Failure::Usage(
            "a manifest has any number of recordings, and standard output the report",
            "name a folder for them with -d DIR, or give each line an \"output\"",
        ));
    }
    match &args.output.output_dir {
        Some(folder) if task != Task::CheckKeys => {
            Target::of_folder(folder).map_err(|error| network::location_failure(&error))
        }
        _ => Ok(Target::Nowhere),
    }
}
