//! [`Claims`]: the names that outputs of a run take, each once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError};

use super::input::Input;
use crate::cipher::lock;

/// The most names that are remembered of a run without end.
pub(super) const REMEMBERED: usize = 10_000;

/// The names of outputs, and by which input they are taken.
#[derive(Default)]
pub(super) struct Claims {
    names: Mutex<Names>,
    released: Condvar,
    /// How many names are remembered; all where that is not said.
    most: Option<usize>,
}

#[derive(Default)]
struct Names {
    taken: HashMap<String, Holder>,
    /// Those that are remembered, the oldest first, where some are to be forgotten.
    kept: VecDeque<String>,
}

struct Holder {
    input: Input,
    id: Option<String>,
    /// How it came to keep the name, once that is decided.
    keeps: Option<Kept>,
    /// Whether it keeps the name behind its end.
    is_remembered: bool,
}

/// How a recording came to keep its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It was put there by this run.
    Made,
    /// It had been there before.
    Found,
}

/// A name that another input has.
pub(super) struct Taken {
    /// That input.
    pub(super) by: Input,
    /// Whether it is the same recording, by its id, and had been there before.
    pub(super) found: bool,
}

impl Claims {
    /// Those of a run without end: no more than the last names are remembered.
    pub(super) fn of_many() -> Self {
        Self {
            most: Some(REMEMBERED),
            ..Self::default()
        }
    }

    /// How many names are taken.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.names).taken.len()
    }

    pub(super) fn take<'a>(
        &'a self,
        name: &str,
        id: Option<&str>,
        input: &Input,
        is_remembered: bool,
    ) -> Result<Claim<'a>, Taken> {
        let undecided = |names: &mut Names| {
            let holder = names.taken.get(name);
            holder.is_some_and(|holder| holder.keeps.is_none())
        };
        let mut names = self
            .released
            .wait_while(lock(&self.names), undecided)
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = names.taken.get(name) {
            return Err(Taken {
                by: holder.input.clone(),
                found: holder.keeps == Some(Kept::Found)
                    && id.is_some()
                    && holder.id.as_deref() == id,
            });
        }
        let holder = Holder {
            input: input.clone(),
            id: id.map(ToOwned::to_owned),
            keeps: None,
            is_remembered,
        };
        names.taken.insert(name.to_owned(), holder);
        Ok(Claim(Some((self, name.to_owned()))))
    }
}

impl Names {
    /// The holder of a name keeps it, if it is one that is remembered.
    fn remember(&mut self, name: String, how: Kept, most: Option<usize>) {
        match self.taken.get_mut(&name) {
            Some(holder) if holder.is_remembered => holder.keeps = Some(how),
            _ => {
                self.taken.remove(&name);
                return;
            }
        }
        if let Some(most) = most {
            self.kept.push_back(name);
            if self.kept.len() > most
                && let Some(oldest) = self.kept.pop_front()
            {
                self.taken.remove(&oldest);
            }
        }
    }
}

/// A name that is taken for as long as this lives, and for ever, or as long as it is remembered, if
/// it is kept. The first recording that succeeds has it, not the first that is tried.
pub(super) struct Claim<'a>(Option<(&'a Claims, String)>);

impl Claim<'_> {
    /// One of nothing.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The recording has the name.
    pub(super) fn hold(mut self, how: Kept) {
        if let Some((claims, name)) = self.0.take() {
            lock(&claims.names).remember(name, how, claims.most);
            claims.released.notify_all();
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some((claims, name)) = self.0.take() {
            lock(&claims.names).taken.remove(&name);
            claims.released.notify_all();
        }
    }
}
