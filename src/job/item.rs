//! [`Next`]: what a run works on next; and [`Item`], what a line of a manifest says of it.

use std::sync::Arc;

use super::error::Error;
use super::input::Selected;
use super::line::Tag;
use super::metadata::Metadata;
use super::record::Record;
use super::target::Target;

/// What a line of a manifest says of its recordings, beside which they are.
pub(crate) struct Item {
    /// Which line it is.
    pub(super) tag: Tag,
    /// What describes them.
    pub(super) metadata: Arc<Metadata>,
    /// Where the one that it names goes, if it says so.
    pub(super) target: Option<Target>,
}

/// The next of a run.
pub(crate) enum Next {
    /// A recording, or a group of them; where a manifest names it, what that says.
    Recording(Selected, Option<Arc<Item>>),
    /// Something of which there is nothing to do but to tell.
    Settled(Box<Record>),
    /// What names the others cannot be read further.
    Broken(Error),
}

impl From<Selected> for Next {
    fn from(selected: Selected) -> Self {
        Self::Recording(selected, None)
    }
}
