//! What one document says of recordings, and which of them a file is named for.

use std::collections::BTreeSet;

use super::error::MetadataError;
use crate::envelope::Envelope;

/// One recording that a metadata document speaks of.
///
/// A list page holds many; one that cannot be opened (not encrypted, not completed) does not
/// stand in the way of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<T = Envelope> {
    /// The provider's id of the recording. Untrusted text.
    pub id: Option<String>,
    /// What is said of it, or why it cannot be used.
    pub outcome: Result<T, MetadataError>,
}

/// The recordings of one document, with an index of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T = Envelope> {
    items: Vec<Item<T>>,
    /// The places of the items that have an id, in the order of their ids.
    order: Vec<usize>,
    /// The lengths of the ids.
    lengths: BTreeSet<usize>,
    pub(super) goes_on: bool,
    pub(super) notes: Vec<String>,
}

impl<T> Listing<T> {
    /// Of these items.
    pub fn new(items: Vec<Item<T>>) -> Self {
        let id = |place: &usize| items.get(*place).map_or("", Item::id_or_none);
        let mut order: Vec<_> = (0..items.len())
            .filter(|place| !id(place).is_empty())
            .collect();
        // Of several with one id the first stays first.
        order.sort_by(|one, other| folded(id(one)).cmp(folded(id(other))));
        Self {
            lengths: order.iter().map(|place| id(place).len()).collect(),
            order,
            items,
            goes_on: false,
            notes: vec![],
        }
    }

    /// The recordings, in the order of the document.
    pub fn items(&self) -> &[Item<T>] {
        &self.items
    }

    /// The same, without the index.
    pub fn into_items(self) -> Vec<Item<T>> {
        self.items
    }

    /// Whether the document is a page of a list that has more of them.
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// What was done to read the document, and where in it the recordings were found, a sentence
    /// each. No values, but names of fields: untrusted text.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The recording of the file `name`: the only one, or the first whose id stands in the name.
    pub fn find(&self, name: &str) -> Option<&Item<T>> {
        if let [only] = self.items.as_slice() {
            return Some(only);
        }
        self.named(name)
    }

    /// The first recording whose id stands in the file's name.
    ///
    /// Every piece of the name that is as long as an id is looked up. The time depends on the
    /// name, which a file system keeps short, and not on how many recordings there are.
    pub fn named(&self, name: &str) -> Option<&Item<T>> {
        let lengths = self.lengths.range(..=name.len());
        let places = lengths.flat_map(|length| {
            let pieces = (0..=name.len() - length).map(move |start| start..start + length);
            pieces.filter_map(|piece| self.place(name.get(piece)?))
        });
        self.items.get(places.min()?)
    }

    /// The place of the first item of this id.
    fn place(&self, wanted: &str) -> Option<usize> {
        let id = |place: &usize| self.items.get(*place).map_or("", Item::id_or_none);
        let is_before = |place: &usize| folded(id(place)).lt(folded(wanted));
        let found = self.order.get(self.order.partition_point(is_before))?;
        id(found).eq_ignore_ascii_case(wanted).then_some(*found)
    }
}

impl<T> Item<T> {
    fn id_or_none(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }
}

/// In ids and in names of files the case of ASCII letters does not matter.
fn folded(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listing(ids: &[&str]) -> Listing<usize> {
        let item = |(place, id): (usize, &&str)| Item {
            id: (*id != "-").then(|| (*id).to_owned()),
            outcome: Ok(place),
        };
        Listing::new(ids.iter().enumerate().map(item).collect())
    }

    fn found(ids: &[&str], name: &str) -> Option<usize> {
        let listing = listing(ids);
        let item = listing.find(name)?;
        item.outcome.clone().ok()
    }

    #[test]
    fn an_id_is_found_wherever_it_stands_in_a_name() {
        let re = "RE0123456789abcdef0123456789ABCDEF";
        let uuid = "b40ef09b-3811-4726-b508-e41a0f96c68f";
        let ids = ["-", "", re, uuid, "77", "rec 1", "REC-ä"];
        for (name, place) in [
            (format!("{re}.wav.enc"), 2),
            (format!("{re} (1).enc").to_lowercase(), 2),
            (format!("xx{re}yy"), 2),
            (format!("2026_{}.ts", uuid.to_uppercase()), 3),
            (format!("{uuid}{re}"), 2),
            ("call77.enc".to_owned(), 4),
            ("A Rec 1.enc".to_owned(), 5),
            ("rec-ä".to_owned(), 6),
        ] {
            assert_eq!(found(&ids, &name), Some(place), "{name}");
        }
        for name in ["", "call.enc", &re[1..], "REC-Ä"] {
            assert_eq!(found(&ids, name), None, "{name}");
        }
    }

    #[test]
    fn the_only_recording_needs_no_name() {
        assert_eq!(found(&["RE1"], "x"), Some(0));
        assert_eq!(found(&["-"], "x"), Some(0));
        assert_eq!(found(&[], "x"), None);
    }

    /// A look through all of them took a second already for 2,000 names.
    #[test]
    fn sixteen_thousand_names_are_found_among_as_many_ids() {
        let ids: Vec<_> = (0..16_000).map(|n| format!("RE{n:032x}")).collect();
        let listing = listing(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        for (place, id) in ids.iter().enumerate() {
            let item = listing.find(&format!("{id}.wav.enc")).unwrap();
            assert_eq!(item.outcome, Ok(place));
        }
    }

    proptest! {
        #[test]
        fn the_answer_is_that_of_a_look_through_all(
            ids in prop::collection::vec("[aAbB-é]{0,3}", 0..6), name in "[aAbB-é]{0,8}"
        ) {
            let ids: Vec<_> = ids.iter().map(String::as_str).collect();
            let lower = name.to_ascii_lowercase();
            let stands = |id: &&str| {
                !["", "-"].contains(id) && lower.contains(&id.to_ascii_lowercase())
            };
            let expected = if ids.len() == 1 { Some(0) } else { ids.iter().position(stands) };
            prop_assert_eq!(found(&ids, &name), expected);
        }
    }
}
