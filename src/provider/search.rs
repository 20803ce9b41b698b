//! The second box, second half: finds a provider's recordings in the values of a document,
//! wherever they stand.

use super::decode::{self, Notes};
use super::document::{self, Outcome};
use super::error::MetadataError;
use super::json::{Budget, Entry, Json, Object, is_same};
use super::listing::{Item, Listing};
use super::shape::{Shape, has_json, shape};
use crate::envelope::Envelope;

/// How many texts within texts are read.
const DEPTH: usize = 4;

/// The most places that are told.
const PLACES: usize = 8;

/// What an object is to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knows {
    /// Nothing of its own.
    Nothing,
    /// A recording, without a word on how it is encrypted.
    Recording,
    /// How a recording is encrypted.
    Encryption,
}

/// The third box: what a provider makes of an object.
pub(super) struct Rules<T> {
    /// What is accepted, for an error.
    pub(super) accepted: &'static str,
    /// What is missed where nothing is found.
    pub(super) wanted: MetadataError,
    /// The names of a list page's array.
    pub(super) lists: &'static [&'static str],
    /// What an object is.
    pub(super) knows: fn(&Object) -> Knows,
    /// What it says.
    pub(super) item: fn(&Object, &mut Notes) -> Item<T>,
    /// What a text says that is no document.
    pub(super) bare: fn(&str) -> Option<Outcome<T>>,
    /// Takes a later word on a recording up into an earlier one.
    pub(super) merge: fn(&mut Outcome<T>, Outcome<T>),
}

/// What is said of a recording, with or without its id.
pub(super) trait Named: Clone + PartialEq {
    fn set_id(&mut self, id: Option<&str>);
}

impl Named for Envelope {
    fn set_id(&mut self, id: Option<&str>) {
        self.id = id.map(str::to_owned);
    }
}

/// Reads a document by a provider's rules.
///
/// # Errors
/// When it cannot be read, or holds nothing but nameless errors. What is wrong with one recording
/// is its item's error.
pub(super) fn read<T: Named>(bytes: &[u8], rules: &Rules<T>) -> Result<Listing<T>, MetadataError> {
    let mut notes = Notes::new();
    let text = decode::text(bytes, rules.accepted)?;
    let text = decode::unwrapped(text, &mut notes)?;
    let mut search = Search {
        rules,
        budget: Budget::new(),
        items: vec![],
        goes_on: false,
        notes,
    };
    if let Some(outcome) = (rules.bare)(&text) {
        search.items.push(Item { id: None, outcome });
    } else {
        let shape = shape(&text, rules.accepted, &search.budget)?;
        search.shape(shape)?;
    }
    let mut listing = document::settle(search.items, rules.merge)?;
    listing.goes_on = search.goes_on;
    listing.notes = search.notes;
    Ok(listing)
}

struct Search<'a, T> {
    rules: &'a Rules<T>,
    budget: Budget,
    items: Vec<Item<T>>,
    goes_on: bool,
    notes: Notes,
}

/// What stands in one entry of a document.
#[derive(Default)]
struct Found {
    /// By the places where they stand: those that say how a recording is encrypted.
    encryptions: Vec<(String, Object)>,
    /// Those that do not.
    recordings: Vec<(String, Object)>,
    /// The elements of list pages.
    listed: Vec<(String, Json)>,
    /// Whether there is a list page.
    is_page: bool,
}

impl<T: Named> Search<'_, T> {
    fn shape(&mut self, shape: Shape) -> Result<(), MetadataError> {
        match shape {
            Shape::All(entries) => {
                let mut nothing = vec![];
                for entry in entries {
                    let first = self.items.len();
                    self.entry("", entry)?;
                    let said = self.items.get(first..).unwrap_or_default();
                    if said.iter().all(|item| weight(item) == 0) {
                        nothing.extend(self.items.drain(first..));
                    }
                }
                // Among texts that follow one another, others may be of anything.
                if self.items.is_empty() {
                    self.items = nothing;
                }
                Ok(())
            }
            Shape::Some(groups) => {
                let count: usize = groups.iter().map(Vec::len).sum();
                let mut failed = vec![];
                for entries in groups.into_iter().rev() {
                    entries
                        .into_iter()
                        .try_for_each(|one| self.entry("", one))?;
                    self.only_found();
                    if !self.items.iter().all(|item| is_nothing(&item.outcome)) {
                        failed.clear();
                        break;
                    }
                    failed.append(&mut self.items);
                }
                self.items.append(&mut failed);
                self.only_found();
                if self.items.len() < count {
                    let note = "what stands around the metadata was passed over";
                    self.notes.push(note.to_owned());
                }
                Ok(())
            }
        }
    }

    /// Drops what is no recording, if there is anything else.
    fn only_found(&mut self) {
        let most = self.items.iter().map(weight).max().unwrap_or_default();
        self.items.retain(|item| weight(item) == most);
    }

    /// One entry of the document, or of a list in it.
    fn entry(&mut self, place: &str, entry: Entry) -> Result<(), MetadataError> {
        let value = match entry {
            Ok(Json::Array(values)) if place.is_empty() && pairs(&values).is_none() => {
                let mut values = values.into_iter();
                return values.try_for_each(|value| self.entry("", Ok(value)));
            }
            Ok(Json::String(text)) => {
                if let Some(outcome) = (self.rules.bare)(&text) {
                    self.items.push(Item { id: None, outcome });
                    return Ok(());
                }
                Json::String(text)
            }
            Ok(value) => value,
            Err(error) => {
                self.fail(error);
                return Ok(());
            }
        };
        let mut found = Found::default();
        self.walk(value, place.to_owned(), 0, &mut found)?;
        let first = self.items.len();
        for (place, value) in found.listed {
            self.entry(&place, Ok(value))?;
        }
        if !found.encryptions.is_empty() {
            self.combine(found.encryptions, &found.recordings);
        } else if !found.recordings.is_empty() {
            self.combine(found.recordings, &[]);
        } else if self.items.len() == first && !found.is_page {
            self.fail(self.rules.wanted.clone());
        }
        Ok(())
    }

    fn fail(&mut self, error: MetadataError) {
        self.items.push(Item {
            id: None,
            outcome: Err(error),
        });
    }

    /// Looks through a value; every object of the provider's is kept with the place where it was.
    fn walk(
        &mut self,
        value: Json,
        place: String,
        depth: usize,
        found: &mut Found,
    ) -> Result<(), MetadataError> {
        match value {
            Json::Object(object) => match (self.rules.knows)(&object) {
                Knows::Encryption => found.encryptions.push((place, object)),
                knows => {
                    if knows == Knows::Recording {
                        found.recordings.push((place.clone(), object.clone()));
                    }
                    self.members(object, &place, depth, found)?;
                }
            },
            Json::Array(values) => {
                if let Some(object) = pairs(&values)
                    && (self.rules.knows)(&object) != Knows::Nothing
                {
                    return self.walk(Json::Object(object), place, depth, found);
                }
                for (index, value) in values.into_iter().enumerate() {
                    self.walk(value, format!("{place}[{index}]"), depth, found)?;
                }
            }
            Json::String(text) if depth < DEPTH => {
                for value in nested(&text, &self.budget)? {
                    let place = match place.as_str() {
                        "" => "the text of a string".to_owned(),
                        _ => format!("the text in {place}"),
                    };
                    self.walk(value, place, depth + 1, found)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn members(
        &mut self,
        object: Object,
        place: &str,
        depth: usize,
        found: &mut Found,
    ) -> Result<(), MetadataError> {
        let lists = self.rules.lists;
        let is_list = |name: &str, value: &Json| {
            matches!(value, Json::Array(_)) && lists.iter().any(|list| is_same(list, name))
        };
        let length = object.members().find_map(|(name, value)| match value {
            Json::Array(values) if is_list(name, value) => Some(values.len()),
            _ => None,
        });
        if let Some(length) = length {
            found.is_page = true;
            self.goes_on |= goes_on(&object, length);
        }
        for (name, value) in object.into_members() {
            let place = match place {
                "" => document::quoted(&name),
                _ if place.len() > 200 => place.to_owned(),
                _ => format!("{place}.{}", document::quoted(&name)),
            };
            match value {
                Json::Array(values)
                    if length.is_some() && lists.iter().any(|list| is_same(list, &name)) =>
                {
                    // A list that is the document needs no mention.
                    let place = |index| match depth + place.matches('.').count() {
                        0 => String::new(),
                        _ => format!("{place}[{index}]"),
                    };
                    let listed = values.into_iter().enumerate();
                    found
                        .listed
                        .extend(listed.map(|(index, value)| (place(index), value)));
                }
                value => self.walk(value, place, depth, found)?,
            }
        }
        Ok(())
    }

    /// The items of what was found in one entry. Those without an id must be one, and agree with
    /// the one that has an id, if there is just one.
    fn combine(&mut self, objects: Vec<(String, Object)>, around: &[(String, Object)]) {
        let mut named: Vec<(String, Item<T>)> = vec![];
        let mut nameless: Option<(String, Item<T>)> = None;
        for (place, object) in objects {
            let item = (self.rules.item)(&object, &mut self.notes);
            if item.id.is_some() {
                named.push((place, item));
                continue;
            }
            match &nameless {
                None => nameless = Some((place, item)),
                Some((_, other)) if *other == item => {}
                Some((other, _)) => {
                    let error = contradiction(other, &place);
                    return self.fail(error);
                }
            }
        }
        if let Some((place, mut item)) = nameless {
            // What speaks of one recording, around the envelope or beside it, says its id.
            let mut ids = around.iter().filter_map(|(_, object)| {
                let item = (self.rules.item)(object, &mut Notes::new());
                item.id
            });
            if let (true, Some(id), None) = (named.is_empty(), ids.next(), ids.next()) {
                if let Ok(said) = &mut item.outcome {
                    said.set_id(Some(&id));
                }
                item.id = Some(id);
            }
            let differs = |(_, other): &&(String, Item<T>)| {
                let mut other = other.outcome.clone();
                if let Ok(said) = &mut other {
                    said.set_id(None);
                }
                other != item.outcome
            };
            match named.iter().find(differs) {
                Some((other, _)) if named.iter().all(|one| differs(&one)) => {
                    let error = contradiction(&place, other);
                    return self.fail(error);
                }
                _ if named.is_empty() => named.push((place, item)),
                _ => {}
            }
        }
        for (place, item) in named {
            if !place.is_empty() && self.notes.len() < PLACES {
                self.notes
                    .push(format!("the recording's metadata was found in {place}"));
            }
            self.items.push(item);
        }
    }
}

/// How much an item says: nothing, that something is broken, or of a recording.
fn weight<T>(item: &Item<T>) -> u8 {
    match (&item.id, &item.outcome) {
        (None, Err(MetadataError::Unrecognised { .. })) => 0,
        (None, Err(MetadataError::Syntax { .. })) => 1,
        _ => 2,
    }
}

/// Whether an answer says nothing of how a recording is encrypted.
fn is_nothing<T>(outcome: &Outcome<T>) -> bool {
    document::is_silent(outcome) || matches!(outcome, Err(MetadataError::Syntax { .. }))
}

fn contradiction(first: &str, second: &str) -> MetadataError {
    let name = |place: &str| match place {
        "" => "the metadata at the top".to_owned(),
        _ => format!("the metadata in {}", document::quoted(place)),
    };
    MetadataError::Contradiction {
        first: name(first),
        second: name(second),
    }
}

/// Whether a page of so many recordings is not the last.
fn goes_on(page: &Object, length: usize) -> bool {
    let next = |object: &Object| {
        let names = ["next_page_uri", "next_page_url", "nextPageUri"];
        matches!(object.text(&names), Ok(Some(_)))
    };
    let meta = match page.get(&["meta"]) {
        Ok(Some((_, Json::Object(meta)))) => next(meta),
        _ => false,
    };
    let count = match page.get(&["count"]) {
        Ok(Some((_, Json::Number(count)))) => count.as_u64(),
        _ => None,
    };
    next(page) || meta || count.is_some_and(|count| count > length as u64)
}

/// Names and values as elements of an array: `{"name": …, "value": …}`, `[name, value]`, or by
/// turns.
fn pairs(values: &[Json]) -> Option<Object> {
    const NAME: &[&str] = &["name", "key", "header", "field"];
    let text = |value: &Json| match value {
        Json::String(text) => Some((**text).clone()),
        _ => None,
    };
    let is_one = |value: &Json| !matches!(value, Json::Object(_) | Json::Array(_));
    // One value, or several; not a tree, of which a copy would be dear.
    let plain = |value: &Json| match value {
        Json::Object(_) => None,
        Json::Array(values) if !values.iter().all(is_one) => None,
        value => Some(value.clone()),
    };
    let pair = |value: &Json| match value {
        Json::Object(object) => {
            let (_, name) = object.text(NAME).ok()??;
            let (_, value) = object.get(&["value"]).ok()??;
            Some((name.to_owned(), plain(value)?))
        }
        Json::Array(pair) => match pair.as_slice() {
            [name, value] => Some((text(name)?, plain(value)?)),
            _ => None,
        },
        _ => None,
    };
    match values {
        [Json::String(_), ..] => {
            let (pairs, rest) = values.as_chunks::<2>();
            let pair = |[name, value]: &[Json; 2]| Some((text(name)?, plain(value)?));
            let object: Option<Object> = pairs.iter().map(pair).collect();
            object.filter(|_| rest.is_empty())
        }
        _ => values.iter().map(pair).collect(),
    }
}

/// The values of a text within a document, if it is a document itself.
fn nested(text: &str, budget: &Budget) -> Result<Vec<Json>, MetadataError> {
    let Ok(inside) = decode::unwrapped(text.into(), &mut Notes::new()) else {
        return Ok(vec![]);
    };
    let is_document = inside.starts_with(['{', '[', '"'])
        || inside.starts_with("HTTP/")
        || decode::is_form(&inside)
        || has_json(&inside);
    if !is_document {
        return Ok(vec![]);
    }
    let entries = match shape(&inside, "", budget) {
        Ok(Shape::All(entries)) => entries,
        Ok(Shape::Some(groups)) => groups.into_iter().flatten().collect(),
        Err(error @ MetadataError::TooMany { .. }) => return Err(error),
        Err(_) => vec![],
    };
    Ok(entries.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests;
