//! What the decrypting commands share: arguments into a job.

use std::io::IsTerminal;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Decrypt, IfExists, Network, Output as OutputArgs, PlainArg, Report, Work};
use super::credentials::From;
use super::error::Failure;
use super::fetched::Fetched;
use super::printer::Printer;
use super::talk::{ReportFile, Talk};
use super::target::{archives, services, several_need_a_folder, target};
use super::{keys, network, shard};
use crate::envelope::{Envelope, Padding};
use crate::io::{OutputError, Stdout};
use crate::job::{
    self, Event, Input, Job, Metadata, Observer, Origin, Output, Own, Plain, PrivateKeys, Secrets,
};
use crate::provider::{MetadataError, Provider};

/// What every decrypting command is given.
pub(super) struct Common<'a> {
    pub(super) inputs: &'a [PathBuf],
    /// What else is read, and may be standard input.
    pub(super) uses: Vec<(&'static str, Input)>,
    pub(super) output: &'a OutputArgs,
    pub(super) report: &'a Report,
    pub(super) work: &'a Work,
    pub(super) network: &'a Network,
    pub(super) fetched: Fetched<'a>,
}

/// Whose recordings, if that is known, and what describes them.
pub(super) struct Source(Option<Provider>, Origin);

impl Source {
    /// An envelope given by value, else a document, else what lies beside the media.
    pub(super) fn of(
        provider: Provider,
        args: &Decrypt,
        direct: Option<Result<Envelope, MetadataError>>,
    ) -> Result<Self, Failure> {
        let direct = direct.transpose();
        let direct = direct.map_err(|error| Failure::Direct(provider, error))?;
        let origin = direct.map_or_else(
            || metadata(&args.metadata),
            |envelope| Origin::Direct(Box::new(envelope)),
        );
        Ok(Self(Some(provider), origin))
    }

    /// Metadata that tells by itself whose it is.
    pub(super) fn of_any(args: &Decrypt) -> Self {
        Self(None, metadata(&args.metadata))
    }
}

/// Documents, else what lies beside the media.
pub(super) fn metadata(paths: &[PathBuf]) -> Origin {
    match paths {
        [] => Origin::Sidecars,
        paths => Origin::Documents(paths.iter().map(|path| Input::of(path)).collect()),
    }
}

/// Decrypts recordings whose content key is wrapped. `padding` takes the place of the provider's.
pub(super) fn wrapped(
    args: &Decrypt,
    source: Source,
    fetched: Fetched,
    padding: Option<Padding>,
    printer: &Printer,
) -> Result<(), Failure> {
    let from = keys::from(&args.keys);
    let documents = args.metadata.iter().map(|path| Input::of(path));
    let mut uses: Vec<_> = documents.map(|path| ("the metadata", path)).collect();
    uses.extend(
        from.paths
            .iter()
            .cloned()
            .map(|path| ("the private key", path)),
    );
    uses.extend(
        keys::passphrase_input(&args.keys.passphrase).map(|input| ("the passphrase", input)),
    );
    let common = Common {
        inputs: &args.inputs,
        uses,
        output: &args.output,
        report: &args.report,
        work: &args.work,
        network: &args.network,
        fetched: Fetched {
            selection: Some(&args.selection),
            ..fetched
        },
    };
    let metadata = Metadata::new(source.0, source.1);
    let passphrases = keys::passphrases(&args.keys.passphrase, args.keys.no_input);
    run(&common, metadata, padding, printer, |_| {
        Ok(Secrets {
            private: PrivateKeys::new(from, passphrases),
            shared: None,
        })
    })
}

/// Decrypts what the command line names. `secrets` are made only when the rest is in order.
pub(super) fn run<'a>(
    args: &Common,
    metadata: Metadata,
    padding: Option<Padding>,
    printer: &'a Printer,
    secrets: impl FnOnce(&Talk<'a>) -> Result<Secrets<'a>, job::Error>,
) -> Result<(), Failure> {
    let from = network::from(args.fetched.account);
    let inputs = inputs(args, metadata.provider(), &from)?;
    one_purpose(&args.uses, &inputs)?;
    args.fetched.check(&inputs, metadata.is_of_one())?;
    let is_grouped = inputs.iter().any(Input::is_group);
    let task = args.fetched.task();
    let target = target(args.output, task, args.report.on_stdout(), &inputs)
        .map_err(|failure| mistyped(failure, &inputs))?;
    let archives = archives(args.fetched.bucket)?;
    let shard = shard::shard(args.work)?;
    let services = services(&inputs, &target, archives.as_ref());
    let is_remote = !services.is_empty() || inputs.iter().any(Input::is_remote);
    let api = network::api(&inputs, is_remote, args.network, &from, printer)?;
    let buckets = Arc::new(network::buckets(
        &services, is_remote, &api, &from, printer,
    )?);
    let mut talk = Talk::new(metadata.provider(), args.report, printer);
    for file in inputs.iter().filter(|input| input.is_named_like_id()) {
        talk.event(Event::NamedLikeId(file));
    }
    let secrets = secrets(&talk)?;
    let (selected, foreign) = shard::selected(args.inputs, &inputs, &metadata, shard, &talk)?;
    several_need_a_folder(&target, selected.len() + foreign.len())?;
    let all: Vec<_> = selected.iter().chain(&foreign).cloned().collect();
    let mut own = Own::of_run(&all, &metadata, &secrets);
    let lines_go_to = || Stdout::open().ok()?.id();
    if args.report.on_stdout() && lines_go_to().is_some_and(|id| own.holds_id(id)) {
        return Err(is_input(Path::new("standard output")));
    }
    let report = args.report.file().map(|path| open_report(path, &mut own));
    let is_single = selected.len() == 1 && foreign.is_empty() && !is_grouped;
    let is_one_of_several = selected.len() == 1 && !is_single;
    let count = (!is_grouped && !is_one_of_several).then_some(selected.len());
    talk.begin(report.transpose()?, count, task, args.output.check);

    let job = Job {
        task,
        api: &api,
        buckets: Arc::clone(&buckets),
        archives,
        selection: args.fetched.selection(),
        include_deleted: args.fetched.include_deleted,
        shard,
        metadata: Arc::new(metadata),
        secrets: Arc::new(secrets),
        output: Output::new(
            target,
            if_exists(args.output),
            args.output.check,
            own,
            buckets,
        )
        .named(args.output.name_template.clone()),
        padding,
        plain: args.output.plain.map(plain),
        require_integrity: args.output.require_integrity,
        sha256: args.report.sha256,
        jobs: jobs(args.work, &inputs, count),
        threads: args.work.threads(),
        observer: &talk,
    };
    if let ([only], true) = (selected.as_slice(), is_single) {
        job.single(only)?;
        return talk.trouble().map_or(Ok(()), Err);
    }
    talk.ended(job.all(selected.into_iter().map(Into::into), || {})?)
}

/// A mistyped id is told of before the terminal, to which no media would come.
fn mistyped(failure: Failure, inputs: &[Input]) -> Failure {
    match (failure, inputs) {
        (Failure::Terminal, [only]) => only.mistyped().map_or(Failure::Terminal, Failure::from),
        (failure, _) => failure,
    }
}

/// How many recordings are worked on at once. Of what is fetched most of the time is waiting.
fn jobs(work: &Work, inputs: &[Input], count: Option<usize>) -> NonZero<usize> {
    const FETCHED: NonZero<usize> = NonZero::new(4).unwrap();
    let cores = || std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let default = || {
        if inputs.iter().any(Input::is_remote) {
            FETCHED
        } else {
            cores()
        }
    };
    let most = count.map_or(NonZero::<usize>::MAX, |count| {
        NonZero::new(count).unwrap_or(NonZero::<usize>::MIN)
    });
    work.jobs().unwrap_or_else(default).min(most)
}

pub(super) fn if_exists(flags: &OutputArgs) -> job::IfExists {
    match flags.if_exists {
        _ if flags.force => job::IfExists::Overwrite,
        IfExists::Fail => job::IfExists::Fail,
        IfExists::Skip => job::IfExists::Skip,
        IfExists::Overwrite => job::IfExists::Overwrite,
    }
}

pub(super) fn plain(flag: PlainArg) -> Plain {
    match flag {
        PlainArg::Fail => Plain::Fail,
        PlainArg::Skip => Plain::Skip,
        PlainArg::Save => Plain::Save,
    }
}

fn inputs(args: &Common, provider: Option<Provider>, from: &From) -> Result<Vec<Input>, Failure> {
    if let (true, Some(provider)) = (args.fetched.all, provider) {
        return Ok(vec![Input::All(provider)]);
    }
    let is_secret = |what: &str| matches!(what, "the private key" | "the passphrase");
    let uses = args.uses.iter().filter(|(what, _)| !is_secret(what));
    let stdin_taken = uses.map(|(_, input)| input).any(Input::is_stdin);
    if args.inputs.is_empty() && (stdin_taken || std::io::stdin().is_terminal()) {
        return Err(Failure::Usage(
            "there is no input",
            "name the encrypted media, or redirect it to standard input",
        ));
    }
    if args.inputs.is_empty() {
        return Ok(vec![Input::Stdin]);
    }
    network::inputs(args.inputs, provider, from)
}

/// Refuses a second use of standard input, before anything is read from it.
pub(super) fn one_purpose(uses: &[(&'static str, Input)], media: &[Input]) -> Result<(), Failure> {
    let media = media.iter().map(|input| ("the media", input));
    let uses = uses.iter().map(|(what, input)| (*what, input));
    let mut named = media.chain(uses).filter(|(_, input)| input.is_stdin());
    match (named.next(), named.next()) {
        (Some((first, _)), Some((second, _))) => Err(Failure::StdinTwice { first, second }),
        _ => Ok(()),
    }
}

/// Lines are added to a report, so that one file serves many runs. It must not be a file that the
/// run reads, and no output may take its place.
pub(super) fn open_report(path: &Path, own: &mut Own) -> Result<ReportFile, Failure> {
    if own.holds(path) {
        return Err(is_input(path));
    }
    let file = ReportFile::open(path)?;
    own.add(&Input::of(path));
    Ok(file)
}

pub(super) fn is_input(path: &Path) -> Failure {
    job::Error::from(OutputError::IsInput(path.to_owned())).into()
}
