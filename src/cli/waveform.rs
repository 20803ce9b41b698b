//! `unreel waveform`: a picture of a recording's sound, or its numbers.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use super::args::{Drawing, Waveform};
use super::decrypt::{is_input, metadata, one_purpose};
use super::error::Failure;
use super::printer::Printer;
use super::words::Words;
use super::{keys, qvoice};
use crate::api::{self, Api, Credentials, Selection};
use crate::cipher::{CipherError, Ciphertext, WriteAt};
use crate::io::{OutputError, Source, Staged, Stdout, check_target, read_file};
use crate::job::{
    Audible, Error, IfExists, Input, Job, Metadata, Origin, Output, Own, Plain, PrivateKeys,
    Secrets, Selected, Target, Task,
};
use crate::media::{Bytes, DecodeError, Sniff, sniff};
use crate::pipeline;
use crate::provider::Provider;
use crate::store::{self, Buckets};
use crate::waveform::{Labels, Peaks};

/// Draws the recording that the command line names.
pub(super) fn run(args: &Waveform, printer: &Printer) -> Result<(), Failure> {
    let drawing = drawing(args)?;
    let words = Words(printer);
    let selected = Selected::named(Input::of(&args.file));
    let from = keys::from(&args.keys);
    let documents = args.metadata.iter().map(|path| Input::of(path));
    let mut uses: Vec<_> = documents.map(|path| ("the metadata", path)).collect();
    let key_files = from.paths.iter().cloned();
    uses.extend(key_files.map(|path| ("the private key", path)));
    let passphrase = keys::passphrase_input(&args.keys.passphrase);
    uses.extend(passphrase.map(|input| ("the passphrase", input)));
    let config = args.config.as_deref().map(Input::of);
    uses.extend(config.clone().map(|input| ("the configuration", input)));
    one_purpose(&uses, std::slice::from_ref(&selected.input))?;

    let plain = plain(&selected.input)?;
    let provider = config.is_some().then_some(Provider::Qvoice);
    let origin = match (&plain, metadata(&args.metadata)) {
        // What lies beside it may be what an earlier run drew.
        (Some(_), Origin::Sidecars) => Origin::Documents(vec![]),
        (_, origin) => origin,
    };
    let metadata = Metadata::new(provider, origin);
    let passphrases = keys::passphrases(&args.keys.passphrase, args.keys.no_input);
    let private = PrivateKeys::new(from, passphrases);
    let shared = config.map(|config| qvoice::shared(config, &words));
    let shared = shared.transpose()?;
    let secrets = Secrets { private, shared };
    let own = Own::of_run(std::slice::from_ref(&selected), &metadata, &secrets);
    let place = Place::of(&args.output, args.force, &own)?;

    let api = Api::new(api::Settings::default(), Credentials::default());
    let buckets = Arc::new(Buckets::new(&api, store::Settings::default()));
    let job = Job {
        task: Task::Decrypt {
            and_describe: false,
        },
        api: &api,
        buckets: Arc::clone(&buckets),
        archives: None,
        selection: Selection::default(),
        include_deleted: false,
        shard: None,
        metadata: Arc::new(metadata),
        secrets: Arc::new(secrets),
        output: Output::new(Target::Nowhere, IfExists::Fail, true, own, buckets),
        padding: None,
        plain: Some(Plain::Save),
        require_integrity: false,
        sha256: false,
        jobs: NonZero::<usize>::MIN,
        threads: None,
        observer: &words,
    };
    let recording = plain.map_or_else(|| job.audible(&selected), |it| Ok(Audible::Plain(it)));
    let text = match recording {
        Ok(recording) => draw(recording, &selected.input, drawing)?,
        // Who gives nothing to decrypt it with means it is decrypted.
        Err(
            Error::NoMetadata(name, _)
            | Error::NotDecrypted(name, pipeline::Error::NotCiphertext(_)),
        ) if uses.is_empty() => {
            return Err(Failure::Mute(name, DecodeError::Unknown));
        }
        Err(error) => return Err(error.into()),
    };
    place.write(text.as_bytes())
}

/// The recording, if it is a file that is not encrypted: nothing else is asked for then.
fn plain(input: &Input) -> Result<Option<Source>, Failure> {
    let Input::File(_) = input else {
        return Ok(None);
    };
    // What is wrong with a file is told where it is opened for good.
    let Ok(mut source) = input.open() else {
        return Ok(None);
    };
    let head = source
        .head()
        .map_err(|error| Error::Unread(input.to_string(), error))?;
    Ok(matches!(sniff(head), Some(Sniff::Plain(_))).then_some(source))
}

/// What is asked for, or what the output is named for.
fn drawing(args: &Waveform) -> Result<Drawing, Failure> {
    let extension = args.output.extension().and_then(OsStr::to_str);
    match (args.format, extension) {
        (Some(drawing), _) => Ok(drawing),
        (None, Some(svg)) if svg.eq_ignore_ascii_case("svg") => Ok(Drawing::Svg),
        (None, Some(json)) if json.eq_ignore_ascii_case("json") => Ok(Drawing::Json),
        (None, None) if args.output.as_os_str() == "-" => Ok(Drawing::Svg),
        _ => Err(Failure::Usage(
            "the name of the output says neither SVG nor JSON",
            "name it NAME.svg or NAME.json, or add --format svg or --format json",
        )),
    }
}

/// Decodes the recording, and draws it.
fn draw(recording: Audible, input: &Input, drawing: Drawing) -> Result<String, Failure> {
    let name = input.to_string();
    let peaks = match recording {
        Audible::Verified(verified) => Peaks::of(Bytes::At(verified.len(), &|buffer, offset| {
            verified.read_at(buffer, offset)
        })),
        Audible::Plain(mut source) => match source.input() {
            Ciphertext::File { length, file } => Peaks::of(Bytes::At(length, &|buffer, offset| {
                file.read_at(buffer, offset)
            })),
            Ciphertext::Stream(stream) => Peaks::of(Bytes::Stream(stream)),
        },
    };
    let peaks = peaks.map_err(|error| mute(name, error))?;
    Ok(match drawing {
        Drawing::Json => peaks.json(),
        Drawing::Svg => {
            let title = match input.file_name() {
                name if name.is_empty() => "A recording".to_owned(),
                name => Input::of(Path::new(&name)).to_string(),
            };
            peaks.svg(&Labels::new(title, peaks.channels.len()))
        }
    })
}

/// What it means that a recording cannot be drawn.
fn mute(name: String, error: DecodeError) -> Failure {
    let DecodeError::Read(error) = error else {
        return Failure::Mute(name, error);
    };
    match error.downcast::<CipherError>() {
        Ok(error) => Error::NotDecrypted(name, error.into()).into(),
        Err(error) => Error::Unread(name, error).into(),
    }
}

/// Where the drawing goes.
enum Place<'a> {
    Stdout(Stdout),
    File(&'a Path, bool),
}

impl<'a> Place<'a> {
    /// Looks whether it may be written there.
    fn of(path: &'a Path, force: bool, own: &Own) -> Result<Self, Failure> {
        if path.as_os_str() != "-" {
            if own.holds(path) {
                return Err(is_input(path));
            }
            check_target(path, force, &BTreeSet::new()).map_err(refused)?;
            if read_file(path, LIMIT).is_ok_and(|text| is_metadata(&text)) {
                return Err(is_input(path));
            }
            return Ok(Self::File(path, force));
        }
        if Stdout::is_nowhere() {
            return Err(Failure::Nowhere);
        }
        let stdout = Stdout::open().map_err(|error| Failure::unwritten(STDOUT, error))?;
        if stdout.id().is_some_and(|id| own.holds_id(id)) {
            return Err(is_input(Path::new(STDOUT)));
        }
        Ok(Self::Stdout(stdout))
    }

    fn write(self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Stdout(mut stdout) => stdout
                .write_all(bytes)
                .map_err(|error| Failure::unwritten(STDOUT, error)),
            Self::File(path, force) => {
                let staged = Staged::create(path)?;
                let written = staged.write_all_at(bytes, 0);
                written.map_err(|error| Failure::unwritten(&Input::of(path).to_string(), error))?;
                staged.commit(path, force).map_err(refused)
            }
        }
    }
}

/// Whether it is what a provider says of a recording, which nothing may open without it.
fn is_metadata(text: &[u8]) -> bool {
    !Peaks::are(text) && !Provider::recognise(text).is_empty()
}

fn refused(error: OutputError) -> Failure {
    match error {
        OutputError::Exists(path) => Failure::Exists(path),
        error => error.into(),
    }
}

const STDOUT: &str = "standard output";

/// The most that metadata has, and many times what a drawing has.
const LIMIT: u64 = 8 << 20;
