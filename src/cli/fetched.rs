//! [`Fetched`]: which recordings of a provider are meant, and what is done with them.

use jiff::Timestamp;

use super::args::{Selection as Flags, TwilioAccount};
use super::error::Failure;
use crate::api::Selection;
use crate::job::{Input, Task};

/// Which recordings of a provider are meant, and what is done with them.
#[derive(Clone, Copy, Default)]
pub(super) struct Fetched<'a> {
    pub(super) selection: Option<&'a Flags>,
    /// Every recording of the account.
    pub(super) all: bool,
    pub(super) include_deleted: bool,
    pub(super) account: Option<&'a TwilioAccount>,
    /// The bucket that Vonage uploads archives to.
    pub(super) bucket: Option<&'a str>,
}

impl Fetched<'_> {
    pub(super) fn task(&self) -> Task {
        match self.selection {
            Some(flags) if flags.check_keys => Task::CheckKeys,
            Some(flags) if flags.download_only => Task::Download,
            Some(flags) if flags.metadata_only => Task::Describe,
            flags => Task::Decrypt {
                and_describe: flags.is_some_and(|flags| flags.save_metadata),
            },
        }
    }

    pub(super) fn selection(&self) -> Selection {
        let now = Timestamp::now();
        let flags = self.selection;
        Selection {
            group: None,
            since: flags.and_then(|flags| Some(flags.since?.from(now))),
            until: flags.and_then(|flags| Some(flags.until?.from(now))),
            include_deleted: self.include_deleted,
        }
    }

    /// Refuses what makes no sense for these inputs; `is_of_one` where metadata was given by value.
    pub(super) fn check(&self, inputs: &[Input], is_of_one: bool) -> Result<(), Failure> {
        let task = self.task();
        let selection = self.selection();
        let is_grouped = inputs.iter().any(Input::is_group);
        if (selection.since.is_some() || selection.until.is_some()) && !is_grouped {
            return Err(Failure::Usage(
                "--since and --until choose from a group, and none is named",
                "pass --all, or the id of a call, conference, room or session",
            ));
        }
        if is_grouped && is_of_one {
            return Err(Failure::Usage(
                "the wrapped key of one recording was given for a group of them",
                "leave it out: the provider says it of each",
            ));
        }
        let is_remote = |input: &Input| matches!(input, Input::Remote(_) | Input::All(_));
        if task
            != (Task::Decrypt {
                and_describe: false,
            })
            && !inputs.iter().all(is_remote)
        {
            return Err(Failure::Usage(
                "--check-keys, --download-only, --metadata-only and --save-metadata are for what \
                 a provider has",
                "pass ids, or --all",
            ));
        }
        if self.include_deleted && !matches!(task, Task::Describe | Task::CheckKeys) {
            return Err(Failure::Usage(
                "--include-deleted is for metadata: Twilio keeps no media of deleted recordings",
                "add --metadata-only or --check-keys",
            ));
        }
        Ok(())
    }
}
