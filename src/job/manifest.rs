//! [`Manifest`]: recordings that lines of JSON name, read as they are worked on.

use std::path::Path;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::error::Error;
use super::input::{Input, Selected};
use super::item::{Item, Next};
use super::line::{self, Given, LineError, Tag, parse};
use super::metadata::{Metadata, Origin};
use super::record::{Record, Task};
use super::shard::Shard;
use super::target::Target;
use crate::api::Hosts;
use crate::io::{Line, Lines, Stop};

/// The most bytes of a line.
const MOST: usize = 16 << 20;

/// A byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// An iterator over what the lines name. Each line is counted, and those that cannot be worked on
/// are settled at once. Nothing is remembered of a line behind it.
pub(crate) struct Manifest<'a> {
    lines: Lines,
    /// What may be printed of where they come from.
    name: String,
    number: u64,
    rules: Rules<'a>,
}

/// What the command line says of every line.
pub(crate) struct Rules<'a> {
    /// Bases that stand in for the providers' own hosts.
    pub hosts: &'a Hosts,
    /// Which lines are meant.
    pub shard: Option<Shard>,
    /// What is done with their recordings.
    pub task: Task,
    /// Whether a line needs to name an output: there is no folder for all, and something is written.
    pub needs_output: bool,
}

impl<'a> Manifest<'a> {
    /// The lines of `from`, and what ends their reading from another thread.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn open(from: &Input, rules: Rules<'a>) -> Result<(Self, Stop), Error> {
        let opened = Lines::open(from.path(), MOST);
        let (lines, stop) = opened.map_err(|error| Error::Unread(from.to_string(), error))?;
        let manifest = Self {
            lines,
            name: from.to_string(),
            number: 0,
            rules,
        };
        Ok((manifest, stop))
    }

    /// What a line that is not blank means; `None` for one of another shard.
    fn read(&self, bytes: &[u8]) -> Option<Next> {
        let (reference, said) = parse(bytes.strip_prefix(MARK).unwrap_or(bytes));
        let name = said.as_ref().map_or(bytes, |line| line.input.as_bytes());
        if self.rules.shard.is_some_and(|shard| !shard.has(name)) {
            return None;
        }
        let tag = self.tag(reference);
        Some(match said {
            Ok(line) => self.item(line, tag),
            Err(why) => refused(tag, None, why),
        })
    }

    fn tag(&self, reference: Option<Arc<RawValue>>) -> Tag {
        Tag {
            number: self.number,
            reference,
        }
    }

    fn item(&self, line: line::Line, tag: Tag) -> Next {
        let input = Input::recording(Path::new(&line.input), line.provider, self.rules.hosts);
        let input = match input {
            Ok(Input::Stdin) => return refused(tag, None, LineError::Stdin("input")),
            Ok(input) => input,
            Err(why) => return refused(tag, None, why.into()),
        };
        let target = match self.target(&input, line.output) {
            Ok(target) => target,
            Err(why) => return refused(tag, Some(input), why),
        };
        let origin = match line.metadata {
            None => Origin::Sidecars,
            Some(Given::Document(document)) => Origin::Inline(tag.number, document),
            Some(Given::Path(path)) => match Input::of(Path::new(&path)) {
                Input::Stdin => return refused(tag, Some(input), LineError::Stdin("metadata")),
                path => Origin::Documents(vec![path]),
            },
        };
        let item = Item {
            tag,
            metadata: Arc::new(Metadata::new(line.provider, origin)),
            target,
        };
        Next::Recording(Selected::named(input), Some(Arc::new(item)))
    }

    /// Where a recording goes; `None` where that is not the line's to say.
    fn target(&self, input: &Input, output: Option<String>) -> Result<Option<Target>, LineError> {
        let decrypts = self.rules.task
            == Task::Decrypt {
                and_describe: false,
            };
        match output {
            _ if !decrypts && !matches!(input, Input::Remote(_)) => Err(LineError::NotFetched),
            // Nothing is written, whatever the line says of a run in which something is.
            _ if self.rules.task == Task::CheckKeys => Ok(None),
            None if self.rules.needs_output => Err(LineError::NoOutput),
            None => Ok(None),
            Some(_) if input.is_group() => Err(LineError::GroupOutput),
            Some(_) if !decrypts => Err(LineError::MoreOutputs),
            Some(path) if path == "-" => Err(LineError::Stdout),
            Some(path) => {
                let target = Target::of_output(path.as_ref());
                target.map(Some).map_err(LineError::Output)
            }
        }
    }
}

impl Iterator for Manifest<'_> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(error) => return Some(Next::Broken(Error::Unread(self.name.clone(), error))),
            };
            self.number += 1;
            let next = match line {
                Line::Whole(bytes) if is_blank(&bytes) => None,
                Line::Whole(bytes) => self.read(&bytes),
                Line::TooLong(digest) => {
                    let shard = self.rules.shard;
                    let is_meant = shard.is_none_or(|shard| shard.has_digest(digest));
                    is_meant.then(|| refused(self.tag(None), None, LineError::TooLong(MOST)))
                }
            };
            if next.is_some() {
                return next;
            }
        }
    }
}

/// Whether there is nothing but JSON's white space in a line.
fn is_blank(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    bytes.iter().all(|byte| b" \t\r".contains(byte))
}

fn refused(tag: Tag, input: Option<Input>, why: LineError) -> Next {
    let error = Error::Line(tag.number, why);
    Next::Settled(Box::new(Record::settled(Some(tag), input, Err(error))))
}
