//! Finds the metadata of an input, and the recording in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::value::RawValue;

use super::error::{Error, Trouble};
use super::input::{Input, Selected};
use super::observer::{Event, Observer};
use super::recipe::Recipe;
use super::remote::Fetch;
use crate::api::Remote;
use crate::cipher::lock;
use crate::envelope::Envelope;
use crate::io::ReadError;
use crate::provider::qvoice::Hints;
use crate::provider::{IdKind, Item, Listing, MetadataError, Provider};
use crate::store::Location;

/// The most that metadata can have: a full list page has 1,000 recordings and about 2 MB. Reading
/// it takes up to five times as much memory.
pub(super) const LIMIT: u64 = 8 << 20;

/// The most files of metadata that are read from one folder.
const MOST_IN_FOLDER: usize = 10_000;

/// What files of metadata in a folder are called.
const EXTENSIONS: [&str; 9] = [
    "json", "jsonl", "headers", "txt", "har", "form", "yaml", "yml", "log",
];

/// Where the recipes of a run come from.
pub(crate) struct Metadata {
    /// Whose recordings they are; `None` where the metadata tells.
    provider: Option<Provider>,
    from: Origin,
    /// Whether a sidecar that has an id has to have its media's.
    named: bool,
    /// The objects that may be sidecars, where that is known.
    objects: Option<Vec<Location>>,
    /// The documents for all inputs, once they were read.
    read: Mutex<Option<Arc<Vec<Document>>>>,
}

/// Where metadata stands.
pub(crate) enum Origin {
    /// Nowhere: it was given by value.
    Direct(Box<Envelope>),
    /// In documents for all inputs, or folders of them.
    Documents(Vec<Input>),
    /// In this document, which the line of this number of a manifest has.
    Inline(u64, Box<RawValue>),
    /// In a file beside each input.
    Sidecars,
}

/// What metadata says of one input.
pub(super) struct Described {
    /// Whose recording it is.
    pub(super) provider: Provider,
    /// Its id. Untrusted text.
    pub(super) id: Option<String>,
    /// The call that it is of, where its own document names one.
    pub(super) call: Option<String>,
    /// Its recipe, or why it has none.
    pub(super) recipe: Result<Recipe, Error>,
}

/// A document that was read and parsed.
struct Document {
    name: String,
    provider: Provider,
    /// The call of its only recording.
    call: Option<String>,
    recordings: Recordings,
}

/// The recordings of a document, by the kind of their recipes.
enum Recordings {
    Wrapped(Listing<Envelope>),
    Searched(Listing<Hints>),
}

impl Metadata {
    /// Metadata from `from`; nothing is read yet.
    pub(crate) fn new(provider: Option<Provider>, from: Origin) -> Self {
        Self {
            provider,
            from,
            named: false,
            objects: None,
            read: Mutex::default(),
        }
    }

    /// What stands beside recordings that are named for their ids, in one of these `objects` where they
    /// are known. What says that it is of another recording is not taken.
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "it is about playback")
    )]
    pub(super) fn beside_ids(provider: Provider, objects: Option<Vec<Location>>) -> Self {
        Self {
            named: true,
            objects,
            ..Self::new(Some(provider), Origin::Sidecars)
        }
    }

    /// Whether it is that of one recording, given by value.
    pub(crate) fn is_of_one(&self) -> bool {
        matches!(self.from, Origin::Direct(_))
    }

    /// Whose metadata it is, if that is known before it is read.
    pub(crate) fn provider(&self) -> Option<Provider> {
        self.provider
    }

    /// What is said of `input`, of which a provider may have said something itself. `None` where
    /// that is in the headers that the media comes with.
    pub(super) fn describe(
        &self,
        input: &Input,
        remote: Option<&Remote>,
        fetch: &Fetch,
        observer: &dyn Observer,
    ) -> Result<Option<Described>, Trouble> {
        match &self.from {
            Origin::Direct(envelope) => Ok(Some(Described {
                provider: self
                    .provider
                    .ok_or_else(|| Error::Unknown(input.to_string()))?,
                id: envelope.id.clone(),
                call: None,
                recipe: Ok(Recipe::Wrapped(Envelope::clone(envelope))),
            })),
            Origin::Documents(_) | Origin::Inline(..) => {
                let documents = self.documents(input, observer)?;
                match remote {
                    Some(remote) => of_remote(&documents, remote, input),
                    None => Ok(Some(described(&documents, input, true)?)),
                }
            }
            Origin::Sidecars => match (remote, input.sidecar(), self.provider) {
                (Some(remote), ..) => answered(remote, input),
                (None, None, provider) if input.object().is_some() => {
                    self.of_object(provider, input, fetch, observer)
                }
                (None, Some(path), provider) => {
                    let document = Document::read(provider, &path, input, observer)?;
                    Ok(Some(described(&[document], input, !self.named)?))
                }
                // Without metadata every version is tried.
                (None, None, Some(Provider::Qvoice)) => Ok(Some(Described {
                    provider: Provider::Qvoice,
                    id: None,
                    call: None,
                    recipe: Ok(Recipe::Searched(Hints::default())),
                })),
                (None, None, None | Some(Provider::TwilioVideo))
                    if matches!(input, Input::Url(_)) =>
                {
                    Ok(None)
                }
                (None, None, provider) => {
                    missing(input)?;
                    let provider = provider.or_else(|| provider_of(input));
                    Err(Error::NoMetadata(input.to_string(), provider).into())
                }
            },
        }
    }

    /// What is said of an object: "(twilio-video) the object's own metadata, else a sidecar object".
    fn of_object(
        &self,
        provider: Option<Provider>,
        input: &Input,
        fetch: &Fetch,
        observer: &dyn Observer,
    ) -> Result<Option<Described>, Trouble> {
        if matches!(provider, None | Some(Provider::TwilioVideo))
            && fetch.describes_itself(input)?
        {
            return Ok(None);
        }
        if let Some((sidecar, bytes)) = fetch.sidecar(input, self.objects.as_deref())? {
            let document = Document::of(provider, sidecar.to_string(), &bytes, input, observer)?;
            return Ok(Some(described(&[document], input, !self.named)?));
        }
        match provider {
            // Without metadata every version is tried.
            Some(Provider::Qvoice) => Ok(Some(Described {
                provider: Provider::Qvoice,
                id: None,
                call: None,
                recipe: Ok(Recipe::Searched(Hints::default())),
            })),
            provider => {
                fetch.missing(input)?;
                let provider = provider.or_else(|| provider_of(input));
                Err(Error::NoMetadata(input.to_string(), provider).into())
            }
        }
    }

    /// The documents for all inputs: what is wrong with one is wrong for all of them.
    fn documents(
        &self,
        input: &Input,
        observer: &dyn Observer,
    ) -> Result<Arc<Vec<Document>>, Trouble> {
        let mut read = lock(&self.read);
        if let Some(documents) = &*read {
            return Ok(Arc::clone(documents));
        }
        let mut documents = Vec::new();
        if let Origin::Inline(line, document) = &self.from {
            let name = format!("metadata of line {line}");
            let bytes = document.get().as_bytes();
            if bytes.len() as u64 > LIMIT {
                let error = ReadError::TooLong { limit: LIMIT };
                return Err(Trouble::All(Error::MetadataUnread(name, error)));
            }
            let document = Document::of(self.provider, name, bytes, input, observer);
            documents.push(document.map_err(Trouble::All)?);
        }
        let paths = match &self.from {
            Origin::Documents(paths) => paths.as_slice(),
            Origin::Direct(_) | Origin::Inline(..) | Origin::Sidecars => &[],
        };
        for path in paths {
            if let Some(folder) = path.path().filter(|path| path.is_dir()) {
                let inside = self.folder(folder, input, observer);
                documents.extend(inside.map_err(Trouble::All)?);
            } else {
                let document = Document::read(self.provider, path, input, observer);
                documents.push(document.map_err(Trouble::All)?);
            }
        }
        Ok(Arc::clone(read.insert(Arc::new(documents))))
    }

    /// The documents in a folder. What is none is passed over.
    fn folder(
        &self,
        folder: &Path,
        input: &Input,
        observer: &dyn Observer,
    ) -> Result<Vec<Document>, Error> {
        let name = || Input::File(folder.to_owned()).to_string();
        let unread = |error| Error::MetadataUnread(name(), ReadError::Io(error));
        let files = metadata_in(folder).map_err(unread)?;
        if files.len() > MOST_IN_FOLDER {
            return Err(Error::TooManyDocuments(name(), MOST_IN_FOLDER));
        }
        let mut documents = Vec::new();
        for file in files.into_iter().map(Input::File) {
            match Document::read(self.provider, &file, input, observer) {
                Ok(document) => documents.push(document),
                Err(Error::Metadata(_, _, error)) => {
                    observer.event(Event::PassedOver(&file, &error));
                }
                Err(error) => observer.event(Event::PassedOver(&file, &error)),
            }
        }
        if documents.is_empty() {
            return Err(Error::NoMetadataIn(name(), self.provider));
        }
        Ok(documents)
    }

    /// The files that are read for the inputs, beside them.
    pub(super) fn files(&self, selected: &[Selected]) -> Vec<Input> {
        match &self.from {
            Origin::Direct(_) | Origin::Inline(..) => vec![],
            Origin::Documents(paths) => {
                let inside = |path: &Input| match path.path().map(metadata_in) {
                    Some(Ok(files)) => files.into_iter().map(Input::File).collect(),
                    _ => vec![path.clone()],
                };
                paths.iter().flat_map(inside).collect()
            }
            Origin::Sidecars => {
                let inputs = selected.iter().map(|selected| &selected.input);
                inputs.filter_map(Input::sidecar).collect()
            }
        }
    }

    /// The recordings that arguments mean: each by itself, and those in a folder.
    ///
    /// # Errors
    /// A folder that cannot be read, or has nothing to decrypt in it.
    pub(crate) fn select(
        &self,
        inputs: &[Input],
        observer: &dyn Observer,
    ) -> Result<Vec<Selected>, Error> {
        let mut selected = Vec::with_capacity(inputs.len());
        for input in inputs {
            match input.path().filter(|path| path.is_dir()) {
                Some(folder) => {
                    let files = self.files_in(folder, observer)?.into_iter();
                    selected.extend(files.map(Selected::found));
                }
                None => selected.push(Selected::named(input.clone())),
            }
        }
        Ok(selected)
    }

    /// The files in a folder, not deep and by name, that have metadata.
    ///
    /// # Errors
    /// The folder or the document cannot be read, or there is none.
    fn files_in(&self, folder: &Path, observer: &dyn Observer) -> Result<Vec<Input>, Error> {
        let name = || Input::File(folder.to_owned()).to_string();
        let unread = |error| Error::Unread(name(), error);
        let mut candidates = Vec::new();
        for entry in fs_err::read_dir(folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
            if is_called_metadata(&path) || path.file_name().is_none_or(hidden) || !path.is_file() {
                continue;
            }
            candidates.push(Input::File(path));
        }
        candidates.sort_by(|one, other| one.path().cmp(&other.path()));
        let is_only = candidates.len() == 1;
        let mut files = Vec::new();
        for input in candidates {
            let is_described = match &self.from {
                Origin::Direct(_) => is_only,
                Origin::Sidecars => input.sidecar().is_some(),
                Origin::Documents(_) | Origin::Inline(..) => {
                    let documents = self.documents(&input, observer);
                    let documents = documents.map_err(Trouble::error)?;
                    find(&documents, &input.file_name(), is_only)?.is_some()
                }
            };
            if is_described {
                files.push(input);
            }
        }
        if files.is_empty() {
            return Err(Error::NothingIn(name(), self.provider));
        }
        Ok(files)
    }
}

/// The files in a folder that are called like metadata, by name.
fn metadata_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if is_called_metadata(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn is_called_metadata(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// Whose recording a file is by the id in its name.
fn provider_of(input: &Input) -> Option<Provider> {
    IdKind::find(&input.file_name()).map(|(kind, _)| Provider::from(kind))
}

/// What the documents say of a file of this name. In one document its only recording is meant,
/// whatever the file is called, unless there are other files; else the name has to say which.
fn find(documents: &[Document], name: &str, is_only: bool) -> Result<Option<Described>, Error> {
    let is_only = is_only && documents.len() == 1;
    let mut found: Option<(&Document, Described)> = None;
    for document in documents {
        let Some(described) = document.find(name, is_only) else {
            continue;
        };
        found = match found.take() {
            Some((first, earlier)) => match (&earlier.recipe, &described.recipe) {
                (Ok(one), Ok(other)) if one != other => {
                    let error = MetadataError::Contradiction {
                        first: format!("the recording's entry in `{}`", first.name),
                        second: "its entry here".to_owned(),
                    };
                    let name = document.name.clone();
                    return Err(Error::Metadata(name, document.provider, error));
                }
                (Err(_), Ok(_)) => Some((document, described)),
                _ => Some((first, earlier)),
            },
            None => Some((document, described)),
        };
    }
    Ok(found.map(|(_, described)| described))
}

/// What the documents say of a recording that its provider knows, by its id or without one; what
/// they do not know the provider says itself.
fn of_remote(
    documents: &[Document],
    remote: &Remote,
    input: &Input,
) -> Result<Option<Described>, Trouble> {
    if let Some(described) = find(documents, &remote.id, false)? {
        return Ok(Some(described));
    }
    let only = find(documents, &remote.id, true)?;
    match only.filter(|described| described.id.is_none()) {
        Some(described) => Ok(Some(described)),
        None => answered(remote, input),
    }
}

/// What the provider's answer says of the recording that it is of. `None` where that is in the
/// headers that the media comes with.
fn answered(remote: &Remote, input: &Input) -> Result<Option<Described>, Trouble> {
    let provider = remote.provider;
    if provider == Provider::TwilioVideo {
        return Ok(None);
    }
    let refused = |error| Error::Metadata(input.to_string(), provider, error);
    let listing = provider.parse(&remote.document).map_err(refused)?;
    let item = listing.find(&remote.id).cloned();
    let outcome = item.map_or(Err(MetadataError::NotEncrypted), |item| item.outcome);
    Ok(Some(Described {
        provider,
        id: Some(remote.id.clone()),
        call: None,
        recipe: outcome.map(Recipe::Wrapped).map_err(refused),
    }))
}

/// What the documents say of `input`; where it `may_differ`, an only document may have another id.
fn described(documents: &[Document], input: &Input, may_differ: bool) -> Result<Described, Error> {
    let name = input.file_name();
    let found = match find(documents, &name, may_differ)? {
        None if !may_differ => find(documents, &name, true)?.filter(|only| only.id.is_none()),
        found => found,
    };
    if let Some(described) = found {
        return Ok(described);
    }
    missing(input)?;
    let names = documents.iter().map(|document| document.name.as_str());
    Err(Error::NotNamed {
        metadata: names.collect::<Vec<_>>().join("`, `"),
        count: documents
            .iter()
            .map(|document| document.recordings.count())
            .sum(),
        goes_on: documents
            .iter()
            .any(|document| document.recordings.goes_on()),
        input: input.to_string(),
    })
}

/// Fails for a file that is not there: no metadata would help it.
fn missing(input: &Input) -> Result<(), Error> {
    match input.path() {
        Some(path) if !path.exists() => {
            let opened = input.open();
            opened.map(|_| ()).map_err(|error| input.unread(error))
        }
        _ => Ok(()),
    }
}

impl Document {
    /// Reads and parses the document at `path`, where it is known for the metadata of `input`.
    fn read(
        provider: Option<Provider>,
        path: &Input,
        input: &Input,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let name = path.to_string();
        let unread = |error| Error::MetadataUnread(name.clone(), error);
        let bytes = path.read(LIMIT).map_err(unread)?;
        Self::of(provider, name, &bytes, input, observer)
    }

    /// The same of a document's bytes.
    fn of(
        provider: Option<Provider>,
        name: String,
        bytes: &[u8],
        input: &Input,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let provider = match provider {
            Some(provider) => provider,
            None => recognise(bytes, &name, input)?,
        };
        let parsed = match provider {
            Provider::Qvoice => Provider::parse_hints(bytes).map(Recordings::Searched),
            _ => provider.parse(bytes).map(Recordings::Wrapped),
        };
        let recordings = parsed.map_err(|error| Error::Metadata(name.clone(), provider, error))?;
        for note in recordings.notes() {
            observer.event(Event::Read(&name, note));
        }
        if recordings.count() == 0 {
            return Err(Error::NoRecordings(name));
        }
        let is_of_one = recordings.count() == 1;
        let call = is_of_one.then(|| provider.call(bytes)).flatten();
        Ok(Self {
            name,
            provider,
            call,
            recordings,
        })
    }

    /// What it says of a file of this name; `is_only` where there is no other document or file.
    fn find(&self, name: &str, is_only: bool) -> Option<Described> {
        let (id, recipe) = match &self.recordings {
            Recordings::Wrapped(listing) => recipe(item(listing, name, is_only)?, Recipe::Wrapped),
            Recordings::Searched(listing) => {
                recipe(item(listing, name, is_only)?, Recipe::Searched)
            }
        };
        let refused = |error| Error::Metadata(self.name.clone(), self.provider, error);
        Some(Described {
            provider: self.provider,
            id,
            call: self.call.clone(),
            recipe: recipe.map_err(refused),
        })
    }
}

fn item<'a, T>(listing: &'a Listing<T>, name: &str, is_only: bool) -> Option<&'a Item<T>> {
    if is_only {
        listing.find(name)
    } else {
        listing.named(name)
    }
}

fn recipe<T: Clone>(
    item: &Item<T>,
    kind: fn(T) -> Recipe,
) -> (Option<String>, Result<Recipe, MetadataError>) {
    (item.id.clone(), item.outcome.clone().map(kind))
}

/// Whose metadata a document is by its shape, or by the id in the name of the media.
fn recognise(bytes: &[u8], name: &str, input: &Input) -> Result<Provider, Error> {
    let candidates = Provider::recognise(bytes);
    let by_name = provider_of(input);
    match (candidates.as_slice(), by_name) {
        ([only], _) => Ok(*only),
        (several, Some(provider)) if several.is_empty() || several.contains(&provider) => {
            Ok(provider)
        }
        ([], _) => Err(Error::Unknown(name.to_owned())),
        _ => Err(Error::Ambiguous(name.to_owned(), candidates)),
    }
}

impl Recordings {
    fn count(&self) -> usize {
        match self {
            Self::Wrapped(listing) => listing.items().len(),
            Self::Searched(listing) => listing.items().len(),
        }
    }

    fn goes_on(&self) -> bool {
        match self {
            Self::Wrapped(listing) => listing.goes_on(),
            Self::Searched(listing) => listing.goes_on(),
        }
    }

    fn notes(&self) -> &[String] {
        match self {
            Self::Wrapped(listing) => listing.notes(),
            Self::Searched(listing) => listing.notes(),
        }
    }
}
