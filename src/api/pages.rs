//! [`Pages`]: a list that comes in pages, each asked for when the one before is used up.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::vec;

use super::answer::unusable;
use super::error::Error;
use super::link::Link;
use super::remote::Remote;

/// How many ids of an offset's list are remembered: as many as may have moved between two pages.
const RECENT: usize = 16_384;

/// How many pages in a row may have nothing new, more than [`RECENT`] ids ever need.
const FRUITLESS: u32 = 1000;

/// One page of a list.
pub(super) struct Page {
    /// What is in it.
    pub(super) items: Vec<Result<Remote, Error>>,
    /// Where the next one is.
    pub(super) next: Option<Link>,
}

/// The recordings of a list, page after page. After an error of a page nothing follows; one of a
/// recording stands in its place.
pub(super) struct Pages<F> {
    next: Option<Link>,
    read: F,
    items: vec::IntoIter<Result<Remote, Error>>,
}

impl<F: FnMut(&Link) -> Result<Page, Error>> Pages<F> {
    /// The list that begins at `first`.
    pub(super) fn new(first: Link, read: F) -> Self {
        Self {
            next: Some(first),
            read,
            items: Vec::new().into_iter(),
        }
    }
}

impl<F: FnMut(&Link) -> Result<Page, Error>> Iterator for Pages<F> {
    type Item = Result<Remote, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(item);
            }
            let link = self.next.take()?;
            match (self.read)(&link) {
                Ok(page) => {
                    self.items = page.items.into_iter();
                    self.next = page.next;
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The pages that a list had, by their hashes.
#[derive(Default)]
pub(super) struct Seen {
    pages: HashSet<u64>,
    hasher: RandomState,
}

impl Seen {
    /// Takes note of a page.
    ///
    /// # Errors
    /// [`Error::Answer`], where the list had it before.
    pub(super) fn note(&mut self, link: &Link) -> Result<(), Error> {
        if self.pages.insert(self.hasher.hash_one(link)) {
            Ok(())
        } else {
            let reason = "its list comes back to a page that it had";
            Err(unusable(&link.host(), reason))
        }
    }
}

/// Where a list stands that is asked for by offset, while others add to it and delete from it.
#[derive(Default)]
pub(super) struct Offset {
    at: u64,
    count: Option<u64>,
    /// How many known ids may come before a new one is due: the list moved by so many.
    moved: u64,
    /// How many pages had nothing new since the last one that had.
    fruitless: u32,
    recent: VecDeque<u64>,
    known: HashSet<u64>,
    hasher: RandomState,
}

/// What is to be done with a page, and after it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Another page was due, at the offset that is in force now: what came slid over others.
    Back,
    /// These of its items are new, and there are more at the offset that is in force now.
    More(Vec<usize>),
    /// These of its items are new, and it is the last page.
    Last(Vec<usize>),
    /// More is promised than comes.
    Stuck,
}

impl Offset {
    /// The offset to ask for.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Takes the page of the items `ids`, in a list of `count`.
    ///
    /// Where the list has shrunk, what follows moved to where it is not looked for any more: as many
    /// as it lost are gone back. Where it has grown, what was listed comes again, and is left out.
    pub(super) fn step(&mut self, ids: &[Option<&str>], count: Option<u64>) -> Step {
        let (before, now) = (self.count, count);
        self.count = count.or(before);
        if let (Some(before), Some(now)) = (before, now) {
            let lost = before.saturating_sub(now).min(self.at);
            let moved = self.moved.saturating_add(now.saturating_sub(before));
            self.moved = moved.saturating_add(lost);
            if lost > 0 {
                self.at -= lost;
                return self.fruitless(Step::Back);
            }
        }
        let length = ids.len() as u64;
        let fresh: Vec<_> = (0..ids.len())
            .filter(|place| ids[*place].is_none_or(|id| self.is_new(id)))
            .collect();
        let known = length - fresh.len() as u64;
        self.at = self.at.saturating_add(length);
        let is_more = match count {
            Some(count) => self.at < count,
            None => length > 0,
        };
        if fresh.is_empty() && (known > self.moved || length == 0 && is_more) {
            return Step::Stuck;
        }
        self.moved = self.moved.saturating_sub(known);
        if !is_more {
            return Step::Last(fresh);
        }
        if fresh.is_empty() {
            return self.fruitless(Step::More(fresh));
        }
        self.fruitless = 0;
        Step::More(fresh)
    }

    /// A step that brings nothing new. A count that goes to and fro, as that of servers that do not
    /// agree, would make them without end.
    fn fruitless(&mut self, step: Step) -> Step {
        self.fruitless += 1;
        if self.fruitless > FRUITLESS {
            return Step::Stuck;
        }
        step
    }

    fn is_new(&mut self, id: &str) -> bool {
        let hash = self.hasher.hash_one(id.to_ascii_lowercase());
        let is_new = self.known.insert(hash);
        if is_new {
            self.recent.push_back(hash);
        }
        if self.recent.len() > RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.known.remove(&oldest);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(list: &mut Offset, ids: &[u32], count: u64) -> Step {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let ids: Vec<_> = ids.iter().map(|id| Some(id.as_str())).collect();
        list.step(&ids, Some(count))
    }

    #[test]
    fn a_list_by_offset_ends_where_its_count_is_reached() {
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9, 8], 5), Step::More(vec![0, 1]));
        assert_eq!(list.at(), 2);
        assert_eq!(step(&mut list, &[7, 6], 5), Step::More(vec![0, 1]));
        assert_eq!(step(&mut list, &[5], 5), Step::Last(vec![0]));
        assert_eq!(step(&mut Offset::default(), &[], 0), Step::Last(vec![]));
    }

    #[test]
    fn without_a_count_an_empty_page_is_the_end() {
        let mut list = Offset::default();
        assert_eq!(list.step(&[Some("a")], None), Step::More(vec![0]));
        assert_eq!(list.step(&[], None), Step::Last(vec![]));
    }

    #[test]
    fn a_list_that_shrank_is_gone_back_in() {
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9, 8, 7], 6), Step::More(vec![0, 1, 2]));
        // 8 and 7 were deleted: 6 and 5 are where 8 and 7 were.
        assert_eq!(step(&mut list, &[4], 4), Step::Back);
        assert_eq!(list.at(), 1);
        assert_eq!(step(&mut list, &[6, 5, 4], 4), Step::Last(vec![0, 1, 2]));
    }

    #[test]
    fn what_is_deleted_at_the_end_of_a_list_costs_no_more_than_a_look() {
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9, 8], 6), Step::More(vec![0, 1]));
        assert_eq!(step(&mut list, &[7, 6], 4), Step::Back);
        assert_eq!(list.at(), 0);
        assert_eq!(step(&mut list, &[9, 8], 4), Step::More(vec![]));
        assert_eq!(step(&mut list, &[7, 6], 4), Step::Last(vec![0, 1]));
    }

    #[test]
    fn what_was_listed_is_not_listed_again_where_a_list_grew() {
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9, 8], 4), Step::More(vec![0, 1]));
        assert_eq!(step(&mut list, &[8, 7], 5), Step::More(vec![1]));
        // Two more: the whole page is known.
        assert_eq!(step(&mut list, &[8, 7], 7), Step::More(vec![]));
        assert_eq!(step(&mut list, &[6], 7), Step::Last(vec![0]));
    }

    #[test]
    fn a_list_that_gives_the_same_page_for_every_offset_is_stuck() {
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9, 8], 3), Step::More(vec![0, 1]));
        assert_eq!(step(&mut list, &[9, 8], 3), Step::Stuck);
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9, 8], 3), Step::More(vec![0, 1]));
        assert_eq!(step(&mut list, &[], 3), Step::Stuck);
    }

    #[test]
    fn counts_without_measure_do_no_harm() {
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9], 1), Step::Last(vec![0]));
        for count in [u64::MAX, 0, u64::MAX, 0, u64::MAX] {
            step(&mut list, &[9], count);
        }
    }

    #[test]
    fn a_list_whose_count_goes_to_and_fro_does_not_go_on_for_ever() {
        let mut list = Offset::default();
        let stuck = (0..100_000).position(|n| {
            let count = if n % 2 == 0 { 10 } else { 5 };
            step(&mut list, &[9, 8], count) == Step::Stuck
        });
        assert!(stuck.is_some());
    }

    #[test]
    fn ids_that_are_known_use_up_what_a_list_has_moved_by() {
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9, 8], 20), Step::More(vec![0, 1]));
        assert_eq!(step(&mut list, &[9, 7], 22), Step::More(vec![1]));
        // One more may be known, and then none.
        assert_eq!(step(&mut list, &[7], 22), Step::More(vec![]));
        assert_eq!(step(&mut list, &[7], 22), Step::Stuck);
    }

    #[test]
    fn so_many_pages_may_have_nothing_new_and_no_more() {
        let mut list = Offset::default();
        assert_eq!(step(&mut list, &[9], u64::MAX / 2), Step::More(vec![0]));
        list.moved = u64::MAX;
        for _ in 0..FRUITLESS {
            assert_eq!(step(&mut list, &[9], u64::MAX / 2), Step::More(vec![]));
        }
        assert_eq!(step(&mut list, &[9], u64::MAX / 2), Step::Stuck);
    }

    #[test]
    fn no_more_than_recent_ids_are_remembered() {
        let mut list = Offset::default();
        for id in 0..40_000 {
            step(&mut list, &[id], u64::MAX);
        }
        assert_eq!(list.known.len(), RECENT);
        assert_eq!(list.recent.len(), RECENT);
    }
}
