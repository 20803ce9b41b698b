//! [`Job`], and one recording of it.

use std::num::NonZero;
use std::sync::{Arc, LazyLock};

use super::claims::{Kept, Taken};
use super::error::{Error, Trouble};
use super::input::{Input, Selected};
use super::metadata::Metadata;
use super::observer::{Event, Observer};
use super::own::Own;
use super::place::Place;
use super::recipe::Recipe;
use super::record::{About, Done, Plain, Skipped, Task};
use super::remote::{self, Asked, Fetch, Opened, described_by_headers, has_no_key, not_media};
use super::secrets::PrivateKeys;
use super::shard::Shard;
use super::shared::{Effort, SharedKeys};
use super::sidecar::SIDECAR;
use super::target::{Output, Target};
use crate::api::{self, Api, Remote, Selection};
use crate::cipher::CipherError;
use crate::envelope::{Container, Envelope, Padding, UNKNOWN_EXTENSION};
use crate::io::{OutputError, Source, Staged, Stdout};
use crate::key::ContentKey;
use crate::media::Sniff;
use crate::pipeline::{self, Opener};
use crate::provider::{IdKind, MetadataError, Provider};
use crate::store::{Buckets, Location};

/// The extension of media that is kept encrypted.
pub(super) const ENCRYPTED: &str = "enc";

/// How often a download begins anew because what was there changed.
const RESTARTS: usize = 2;

/// What is done, with whom, and what is known of it so far.
pub(super) struct Subject<'a> {
    pub(super) input: &'a Input,
    /// What its provider says of it.
    pub(super) remote: Option<&'a Remote>,
    pub(super) plain: Plain,
    /// How it is opened; `None` where its media's headers say.
    pub(super) recipe: Option<Recipe>,
    /// Its name in a folder, without an extension.
    pub(super) name: String,
}

/// What is said of how a recording is opened.
pub(super) enum Told {
    Recipe(Recipe),
    /// It comes with the media.
    InHeaders,
    /// It is not encrypted, and to be passed over.
    Plain,
}

/// Where the plaintext goes: a file without a name, or standard output, or nowhere.
pub(super) type Outlet = (Option<Staged>, Option<Stdout>);

/// What opens the recordings of a run.
pub(crate) struct Secrets<'a> {
    /// For content keys that are wrapped.
    pub private: PrivateKeys<'a>,
    /// For content keys that are derived.
    pub shared: Option<SharedKeys>,
}

/// What is done with recordings that one caller names.
pub(crate) struct Job<'a> {
    /// What is done with each.
    pub task: Task,
    /// Where recordings are fetched from that are no files.
    pub api: &'a Api,
    /// What stands in buckets.
    pub buckets: Arc<Buckets>,
    /// The bucket that Vonage uploads archives to, where recordings of Vonage's are looked for there.
    pub archives: Option<Location>,
    /// Which recordings of groups are meant.
    pub selection: Selection,
    /// Whether recordings that the provider has deleted are meant, too.
    pub include_deleted: bool,
    /// Which part of groups and accounts is meant.
    pub shard: Option<Shard>,
    /// What describes them.
    pub metadata: Arc<Metadata>,
    /// What opens them.
    pub secrets: Arc<Secrets<'a>>,
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
    /// What fetches recordings, and knows what for.
    pub(super) fn fetch(&self) -> Fetch<'_> {
        Fetch {
            api: self.api,
            task: self.task,
            include_deleted: self.include_deleted,
            buckets: &self.buckets,
            archives: self.archives.as_ref(),
        }
    }

    /// Everything that can fail without a key comes first; then keys, then the media.
    pub(super) fn recording(
        &self,
        selected: &Selected,
        plain: Plain,
        about: &mut About,
    ) -> Result<Done, Trouble> {
        let input = &selected.input;
        // A name that does not depend on what a provider says is looked at before it is asked.
        if let (Target::File(_) | Target::Object(_), true) =
            (self.output.target(), input.is_remote())
            && let Some(existing) = self.output.check_names("", &[])?
        {
            return Ok(Done::Skipped(Skipped::Exists(existing)));
        }
        let remote = match self.fetch().ask(selected, about)? {
            Asked::Skip(why) => return Ok(Done::Skipped(why)),
            Asked::Nobody => None,
            Asked::Provider(remote) => Some(remote),
        };
        let mut subject = Subject {
            input,
            remote: remote.as_deref(),
            plain,
            recipe: None,
            name: String::new(),
        };
        if self.task == Task::Describe {
            return self.describe(&mut subject, about);
        }
        let told = match self.recipe(&subject, about) {
            Err(Trouble::One(error)) if is_of_no_recording(selected, &error) => {
                return Ok(Done::Skipped(Skipped::NoMetadata));
            }
            told => told?,
        };
        match told {
            Told::Recipe(recipe) => subject.recipe = Some(recipe),
            Told::InHeaders => {}
            Told::Plain => return Ok(Done::Skipped(Skipped::NotEncrypted)),
        }
        if self.task == Task::CheckKeys {
            return self.check_keys(subject, about);
        }
        self.at_its_name(&mut subject, about, |subject, about| {
            self.transfer(subject, about)
        })
    }

    /// Takes the recording's name, looks whether its output is there already, and does `work`.
    pub(super) fn at_its_name(
        &self,
        subject: &mut Subject,
        about: &mut About,
        work: impl Fn(&Subject, &mut About) -> Result<Done, Trouble>,
    ) -> Result<Done, Trouble> {
        let input = subject.input;
        let id = about.id.clone();
        let name = self
            .output
            .name(about, || input.stem(is_known_extension), input)?;
        let claim = match self.output.claim(&name, id.as_deref(), input) {
            Ok(claim) => Some(claim),
            // The next step finds it, too.
            Err(Taken { found: true, .. }) => None,
            Err(Taken { by, .. }) => {
                return Err(Error::SameName(input.to_string(), by.to_string()).into());
            }
        };
        let extensions = self.extensions(subject.plain, about, &name);
        if let Some(object) = input.object()
            && let own = Place::Object(object.clone())
            && let mut places = extensions.iter().map(|it| self.output.place(&name, it))
            && places.any(|place| place.as_ref() == Some(&own))
        {
            // An earlier run may have put it there, below the prefix that it read.
            if self.output.skips() && self.fetch().is_plain(object, input)? {
                return Ok(Done::Skipped(Skipped::Exists(own)));
            }
            return Err(OutputError::IsInput(object.to_string().into()).into());
        }
        if let Some(existing) = self.output.check_names(&name, &extensions)? {
            if let Some(claim) = claim {
                claim.hold(Kept::Found);
            }
            return Ok(Done::Skipped(Skipped::Exists(existing)));
        }
        subject.name = name;
        for _ in 0..RESTARTS {
            match work(subject, about) {
                Err(Trouble::One(Error::Fetch(_, fetch))) if self.may_begin_anew(&fetch) => {
                    self.observer.event(Event::Anew(input));
                }
                result => {
                    let keeps = matches!(result, Ok(ref done) if !matches!(done, Done::Skipped(_)));
                    if let (true, Some(claim)) = (keeps, claim) {
                        claim.hold(Kept::Made);
                    }
                    return result;
                }
            }
        }
        work(subject, about)
    }

    /// Whether nothing of a download that has to begin anew went out.
    fn may_begin_anew(&self, error: &api::Error) -> bool {
        let is_out = matches!(self.output.target(), Target::Stdout { verified: false });
        matches!(error, api::Error::Changed { anew: true, .. }) && !is_out
    }

    /// The extensions that the output can get.
    fn extensions(&self, plain: Plain, about: &About, name: &str) -> Vec<&'static str> {
        let of_media = || {
            // A recording that was fetched is called by its id, whatever its name.
            let id = about.id.as_deref().unwrap_or(name);
            about.provider.map_or_else(Vec::new, |it| it.extensions(id))
        };
        match self.task {
            Task::Decrypt { .. } | Task::CheckKeys => of_media(),
            Task::Describe => vec![SIDECAR],
            Task::Download if plain == Plain::Save => [vec![ENCRYPTED], of_media()].concat(),
            Task::Download => vec![ENCRYPTED],
        }
    }

    /// From the media to the output.
    fn transfer(&self, subject: &Subject, about: &mut About) -> Result<Done, Trouble> {
        let input = subject.input;
        let mut outlet = None;
        let mut key = None;
        if input.is_remote() {
            // Nothing is fetched that could not be written, or opened.
            outlet = Some(self.outlet(&subject.name)?);
            if let (Some(recipe), Task::Decrypt { .. }) = (&subject.recipe, self.task) {
                key = self.key_without_media(recipe, input, about)?;
            }
        }
        let Some((recipe, mut opened)) = self.opened(subject, about)? else {
            return Ok(Done::Skipped(Skipped::NotEncrypted));
        };
        let outlet = outlet.map_or_else(|| self.outlet(&subject.name), Ok)?;
        let sidecar = self.sidecar(subject, about, &opened.headers);
        if let (Task::Download, Recipe::Wrapped(_)) = (self.task, &recipe) {
            return self.download(subject, opened, outlet.0, sidecar.as_ref());
        }
        let opener = if let (Recipe::Wrapped(envelope), Some(key)) = (&recipe, key) {
            Some(opener_of(envelope, &key, input)?)
        } else {
            let (opener, source) = self.opener(&recipe, opened.source, input, about)?;
            opened.source = source;
            opener
        };
        self.decrypt(subject, opener, opened, outlet, sidecar.as_ref(), about)
    }

    /// The media, and how it is opened; `None` if it is not encrypted and to be passed over.
    pub(super) fn opened(
        &self,
        subject: &Subject,
        about: &mut About,
    ) -> Result<Option<(Recipe, Opened)>, Trouble> {
        let input = subject.input;
        let not_decrypted = |error| Error::of_pipeline(error, &input.to_string());
        let mut opened = self.fetch().open(input, subject.remote, about)?;
        about.provider = about.provider.or(match subject.recipe {
            Some(_) => None,
            None => Some(Provider::TwilioVideo),
        });
        let mut recipe = match &subject.recipe {
            Some(recipe) => Ok(recipe.clone()),
            None => described_by_headers(about.id.as_deref(), &opened.headers, input)
                .map(|recipe| self.told(recipe, about)),
        };
        let (mut source, wrapper) = pipeline::unwrapped(opened.source).map_err(not_decrypted)?;
        if let Some(wrapper) = &wrapper {
            self.observer.event(Event::Unwrapped { input, wrapper });
        }
        about.wrapper = wrapper;
        let looked = match &recipe {
            Ok(recipe) => recipe.look(&mut source),
            // Headers without a key may be those of what needs none.
            Err(error) if has_no_key(error) => inspect_start(&mut source),
            Err(_) => Ok(()),
        };
        if let Err(pipeline::Error::NotCiphertext(seen)) = looked
            && let Some(page) = not_media(input, seen, &mut source, &opened.sent)
        {
            return Err(page.into());
        }
        match (looked, subject.plain) {
            (Ok(()), _) => {}
            (Err(pipeline::Error::NotCiphertext(Sniff::Plain(_))), Plain::Skip) => {
                return Ok(None);
            }
            (Err(pipeline::Error::NotCiphertext(Sniff::Plain(_))), Plain::Save) => {
                recipe = Ok(Recipe::Plain(about.id.clone()));
            }
            (Err(error), _) => return Err(not_decrypted(error).into()),
        }
        opened.source = source;
        Ok(Some((recipe?, opened)))
    }

    /// Where the output goes, before it has a name.
    pub(super) fn outlet(&self, name: &str) -> Result<Outlet, Trouble> {
        let stdout = match self.output.target() {
            Target::Stdout { .. } => Some(self.standard_output()?),
            _ => None,
        };
        let staged = self.output.stage(name).map_err(|error| {
            let for_all = self.output.is_common(&error);
            let trouble = if for_all { Trouble::All } else { Trouble::One };
            trouble(error.into())
        })?;
        Ok((staged, stdout))
    }

    /// The content key, where it is proven without the media.
    pub(super) fn key_without_media(
        &self,
        recipe: &Recipe,
        input: &Input,
        about: &mut About,
    ) -> Result<Option<ContentKey>, Trouble> {
        match recipe {
            Recipe::Wrapped(envelope) if envelope.wrap.algorithm.proves_key() => {
                let keys = &self.secrets.private;
                let mut nothing = remote::nothing();
                let key = keys.unwrap(envelope, &mut nothing, input, about, self.observer)?;
                Ok(Some(key))
            }
            _ => Ok(None),
        }
    }

    /// How a recording is opened, and all that is known of it before.
    pub(super) fn recipe(&self, subject: &Subject, about: &mut About) -> Result<Told, Trouble> {
        let Subject { input, plain, .. } = *subject;
        let described =
            self.metadata
                .describe(input, subject.remote, &self.fetch(), self.observer)?;
        let Some(described) = described else {
            return Ok(Told::InHeaders);
        };
        about.provider = Some(described.provider);
        if subject.remote.is_none() {
            about.id.clone_from(&described.id);
        }
        let recipe = match described.recipe {
            Err(Error::Metadata(_, _, MetadataError::NotEncrypted)) if plain == Plain::Skip => {
                return Ok(Told::Plain);
            }
            Err(Error::Metadata(_, _, MetadataError::NotEncrypted)) if plain == Plain::Save => {
                Recipe::Plain(described.id)
            }
            recipe => recipe?,
        };
        let recipe = self.told(recipe, about);
        if let (Recipe::Searched(hints), Some(keys)) = (&recipe, &self.secrets.shared) {
            keys.secrets_of(hints, input)?;
            let from_keys = || keys.key_id().map(ToOwned::to_owned);
            about.key_id = about.key_id.take().or_else(from_keys);
        }
        Ok(Told::Recipe(recipe))
    }

    /// A recipe with the caller's padding, and what it tells of the recording.
    fn told(&self, recipe: Recipe, about: &mut About) -> Recipe {
        let recipe = match self.padding {
            Some(padding) => recipe.padded(padding),
            None => recipe,
        };
        recipe.tell(about);
        recipe
    }

    /// Finds what opens a recording, if it takes anything. The source may come back rearranged.
    pub(super) fn opener(
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
                Ok((Some(opener_of(envelope, &key, input)?), source))
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
    pub(super) fn threads_for_one(&self) -> usize {
        let shared = || (cores() / self.jobs).max(1);
        self.threads.map_or_else(shared, NonZero::get)
    }
}

/// Whether what was found below a prefix is no recording, as far as metadata goes.
fn is_of_no_recording(selected: &Selected, error: &Error) -> bool {
    let is_found = selected.found && selected.input.object().is_some();
    let is_none = matches!(
        error,
        Error::NoMetadata(..) | Error::NotNamed { .. } | Error::NoObject { .. }
    );
    is_found && is_none
}

/// Whether a source starts as ciphertext of any kind may.
fn inspect_start(source: &mut Source) -> Result<(), pipeline::Error> {
    pipeline::inspect_head(source.head().map_err(CipherError::Read)?)
}

fn opener_of(envelope: &Envelope, key: &ContentKey, input: &Input) -> Result<Opener, Error> {
    Opener::of(envelope, key).map_err(|error| Error::NotDecrypted(input.to_string(), error))
}

/// Whether the name of a file has an id of the provider's that is not this one.
pub(super) fn is_of_another(input: &Input, provider: Option<Provider>, id: &str) -> bool {
    IdKind::find(&input.file_name()).is_some_and(|(kind, named)| {
        Some(Provider::from(kind)) == provider && !named.eq_ignore_ascii_case(id)
    })
}

/// The machine's cores. To count them, Linux reads three files of its control groups: once a run.
fn cores() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    *CORES
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
