//! [`Job`], and one recording of it.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use super::error::{Error, Trouble};
use super::input::{Input, Selected};
use super::metadata::{Described, Metadata};
use super::observer::{Event, Observer};
use super::own::Own;
use super::recipe::Recipe;
use super::record::{About, Done, Plain, Record, Skipped};
use super::secrets::PrivateKeys;
use super::shared::{Effort, SharedKeys};
use super::target::{Kept, Output, Taken, Target};
use crate::envelope::{Container, Padding, UNKNOWN_EXTENSION};
use crate::io::{OutputError, Source, Staged, Stdout};
use crate::media::{Media, Sniff};
use crate::pipeline::{self, Destination, Opener, Options, Outcome};
use crate::provider::{IdKind, MetadataError, Provider};

/// What opens the recordings of a run.
pub(crate) struct Secrets<'a> {
    /// For content keys that are wrapped.
    pub private: PrivateKeys<'a>,
    /// For content keys that are derived.
    pub shared: Option<SharedKeys>,
}

/// What is done with recordings that one caller names.
pub(crate) struct Job<'a> {
    /// What describes them.
    pub metadata: Metadata,
    /// What opens them.
    pub secrets: Secrets<'a>,
    /// Where they go.
    pub output: Output,
    /// Padding that takes the place of the provider's.
    pub padding: Option<Padding>,
    /// What is done with a recording that is not encrypted; where nobody says, it is refused,
    /// and passed over in a folder.
    pub plain: Option<Plain>,
    /// Refuse what neither a tag nor a digest nor a length proves.
    pub require_integrity: bool,
    /// Also compute the SHA-256 of the plaintext.
    pub sha256: bool,
    /// How many recordings are worked on at the same time.
    pub jobs: NonZero<usize>,
    /// How many threads work on one recording; else the cores are shared.
    pub threads: Option<NonZero<usize>>,
    /// Who is told.
    pub observer: &'a dyn Observer,
}

impl Own {
    /// The files that a run reads: recordings, their metadata, and what opens them.
    pub(crate) fn of_run(selected: &[Selected], metadata: &Metadata, secrets: &Secrets) -> Self {
        let (mut others, inside) = secrets.private.files();
        others.extend(metadata.files(selected));
        others.extend(secrets.shared.iter().flat_map(SharedKeys::files));
        let media = selected.iter().map(|selected| &selected.input);
        let mut own = Self::of(media, others, inside);
        let found = selected.iter().filter(|selected| selected.found);
        own.found(found.map(|selected| &selected.input));
        own
    }
}

impl Job<'_> {
    /// Decrypts one recording, and says whether what is wrong with it is wrong with all of them.
    pub(super) fn one(&self, input: &Input, plain: Plain) -> (Record, bool) {
        let start = Instant::now();
        let mut about = About::default();
        let result = self.recording(input, plain, &mut about);
        let for_all = matches!(result, Err(Trouble::All(_)));
        let record = Record {
            input: input.clone(),
            about,
            time: SystemTime::now(),
            took: start.elapsed(),
            result: result.map_err(Trouble::error),
        };
        (record, for_all)
    }

    /// Everything that can fail without a key comes first; then keys, then the media.
    fn recording(&self, input: &Input, plain: Plain, about: &mut About) -> Result<Done, Trouble> {
        let Some(mut recipe) = self.recipe(input, plain, about)? else {
            return Ok(Done::Skipped(Skipped::NotEncrypted));
        };
        let stem = || input.stem(is_known_extension);
        let id = about.id.clone();
        let name = self.output.name(id.as_deref(), stem, input)?;
        let claim = match self.output.claim(&name, id.as_deref(), input) {
            Ok(claim) => Some(claim),
            // The next step finds it, too.
            Err(Taken { found: true, .. }) => None,
            Err(Taken { by, .. }) => {
                return Err(Error::SameName(input.to_string(), by.to_string()).into());
            }
        };
        let provider = about.provider;
        let extensions = || provider.map_or_else(Vec::new, |provider| provider.extensions(&name));
        if let Some(existing) = self.output.check_names(&name, extensions)? {
            if let Some(claim) = claim {
                claim.hold(Kept::Found);
            }
            return Ok(Done::Skipped(Skipped::Exists(existing)));
        }

        let unread = |error| Error::Unread(input.to_string(), error);
        let not_decrypted = |error| Error::NotDecrypted(input.to_string(), error);
        let source = input.open().map_err(unread)?;
        let (mut source, wrapper) = pipeline::unwrapped(source).map_err(not_decrypted)?;
        if let Some(wrapper) = &wrapper {
            self.observer.event(Event::Unwrapped { input, wrapper });
        }
        about.wrapper = wrapper;
        match (recipe.look(&mut source), plain) {
            (Ok(()), _) => {}
            (Err(pipeline::Error::NotCiphertext(Sniff::Plain(_))), Plain::Skip) => {
                return Ok(Done::Skipped(Skipped::NotEncrypted));
            }
            (Err(pipeline::Error::NotCiphertext(Sniff::Plain(_))), Plain::Save) => {
                recipe = Recipe::Plain(id.clone());
            }
            (Err(error), _) => return Err(not_decrypted(error).into()),
        }
        let stdout = match self.output.target() {
            Target::Stdout { .. } => Some(self.standard_output()?),
            _ => None,
        };
        let staged = self.output.stage(&name).map_err(|error| {
            let for_all = self.output.is_common(&error);
            let trouble = if for_all { Trouble::All } else { Trouble::One };
            trouble(error.into())
        })?;
        let (opener, source) = self.opener(&recipe, source, input, about)?;

        let result = self.release(opener, source, (staged, stdout), &name, input);
        let other_id = id.filter(|id| is_of_another(input, provider, id));
        match result {
            Ok(outcome) => {
                if let Some(id) = &other_id {
                    self.observer.event(Event::OtherId { input, id });
                }
                if self.output.is_dry() {
                    self.final_name(&name, &outcome.media)?;
                }
                if let Some(claim) = claim {
                    claim.hold(Kept::Made);
                }
                Ok(Done::Released(Box::new(outcome)))
            }
            // Somebody else made it meanwhile.
            Err(pipeline::Error::Output(OutputError::Exists(path))) if self.output.skips() => {
                Ok(Done::Skipped(Skipped::Exists(path)))
            }
            Err(pipeline::Error::Output(error)) => Err(error.into()),
            Err(error) => Err(match other_id {
                Some(id) => Error::OtherRecording {
                    input: input.to_string(),
                    id,
                    error,
                },
                None => not_decrypted(error),
            }
            .into()),
        }
    }

    /// Decrypts, or copies, the media to where it goes.
    fn release(
        &self,
        opener: Option<Opener>,
        source: Source,
        (staged, mut stdout): (Option<Staged>, Option<Stdout>),
        name: &str,
        input: &Input,
    ) -> Result<Outcome, pipeline::Error> {
        let final_name = |media: &Media| self.final_name(name, media);
        let destination = match (staged, &mut stdout, self.output.target()) {
            (Some(staged), ..) => Destination::File {
                staged,
                name: &final_name,
                replace: self.output.replaces(),
            },
            (None, Some(stdout), Target::Stdout { verified: false }) => {
                Destination::WriterUnverified(stdout)
            }
            (None, Some(stdout), _) => Destination::Writer(stdout),
            (None, None, _) => Destination::Check,
        };
        let bar = self.observer.bar(input, source.length());
        let options = Options {
            require_integrity: self.require_integrity,
            sha256: self.sha256,
            threads: self.threads_for_one(),
            progress: &|bytes| bar.add(bytes),
        };
        match opener {
            Some(opener) => pipeline::decrypt(opener, source, destination, options),
            None => pipeline::copy(source, destination, options),
        }
    }

    /// The name of an output, which in a folder depends on what it is, if it can have that.
    fn final_name(&self, name: &str, media: &Media) -> Result<PathBuf, OutputError> {
        let path = match self.output.target() {
            Target::Folder(folder) => folder.join(format!("{name}.{}", media.extension)),
            Target::File(path) => path.clone(),
            Target::Nowhere | Target::Stdout { .. } => return Ok(PathBuf::new()),
        };
        self.output.check(&path).map(|()| path)
    }

    /// How `input` is opened, and all that is known of it before. `None` if it is not encrypted
    /// and to be passed over.
    fn recipe(
        &self,
        input: &Input,
        plain: Plain,
        about: &mut About,
    ) -> Result<Option<Recipe>, Trouble> {
        let Described {
            provider,
            id,
            recipe,
        } = self.metadata.describe(input, self.observer)?;
        about.provider = Some(provider);
        about.id.clone_from(&id);
        let recipe = match recipe {
            Err(Error::Metadata(_, _, MetadataError::NotEncrypted)) if plain == Plain::Skip => {
                return Ok(None);
            }
            Err(Error::Metadata(_, _, MetadataError::NotEncrypted)) if plain == Plain::Save => {
                Recipe::Plain(id)
            }
            recipe => recipe?,
        };
        let recipe = match self.padding {
            Some(padding) => recipe.padded(padding),
            None => recipe,
        };
        recipe.tell(about);
        if let (Recipe::Searched(hints), Some(keys)) = (&recipe, &self.secrets.shared) {
            keys.secrets_of(hints, input)?;
            let from_keys = || keys.key_id().map(ToOwned::to_owned);
            about.key_id = about.key_id.take().or_else(from_keys);
        }
        Ok(Some(recipe))
    }

    /// Finds what opens a recording, if it takes anything. The source may come back rearranged.
    fn opener(
        &self,
        recipe: &Recipe,
        mut source: Source,
        input: &Input,
        about: &mut About,
    ) -> Result<(Option<Opener>, Source), Trouble> {
        match recipe {
            Recipe::Plain(_) => Ok((None, source)),
            Recipe::Wrapped(envelope) => {
                let keys = &self.secrets.private;
                let key = keys.unwrap(envelope, &mut source, input, about, self.observer)?;
                let opener = Opener::of(envelope, &key)
                    .map_err(|error| Error::NotDecrypted(input.to_string(), error))?;
                Ok((Some(opener), source))
            }
            Recipe::Searched(hints) => {
                let keys = self.secrets.shared.as_ref();
                let keys =
                    keys.ok_or_else(|| Trouble::All(Error::NoConfiguration(input.to_string())))?;
                let threads = self.threads_for_one();
                let effort = Effort {
                    alone: self.threads.map_or_else(cores, |_| threads),
                    threads,
                    observer: self.observer,
                };
                let (opener, source) = keys.search(hints, source, effort, input, about)?;
                Ok((Some(opener), source))
            }
        }
    }

    fn standard_output(&self) -> Result<Stdout, Error> {
        let name = || "standard output".to_owned();
        let stdout = Stdout::open().map_err(|error| Error::Unwritten(name(), error))?;
        if stdout.id().is_some_and(|id| self.output.own().holds_id(id)) {
            return Err(OutputError::IsInput(name().into()).into());
        }
        self.observer.event(Event::VerifyingFirst);
        Ok(stdout)
    }

    /// How many threads work on one recording.
    fn threads_for_one(&self) -> usize {
        let shared = || (cores() / self.jobs).max(1);
        self.threads.map_or_else(shared, NonZero::get)
    }
}

/// Whether the name of a file has an id of the provider's that is not this one.
fn is_of_another(input: &Input, provider: Option<Provider>, id: &str) -> bool {
    IdKind::find(&input.file_name()).is_some_and(|(kind, named)| {
        Some(Provider::from(kind)) == provider && !named.eq_ignore_ascii_case(id)
    })
}

/// The machine's cores.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Whether a file is named so for what it holds, or for being encrypted, and not for its
/// recording.
fn is_known_extension(extension: &str) -> bool {
    let containers = Container::ALL.iter();
    containers
        .flat_map(|container| container.extensions())
        .chain(&["enc", "encrypted", "aes", UNKNOWN_EXTENSION])
        .any(|known| *known == extension)
}
