//! [`verify`]: whether an audit log is as it was written.

use std::fmt;
use std::io::{self, BufRead, Read};

use super::chain::Chain;
use super::line::{Event, Line, NotALine};

/// The most bytes of a line; those that are written have less.
const LONGEST: usize = 1 << 20;

/// What a log that is whole has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// How many lines.
    pub lines: u64,
    /// The SHA-256 of the last one, in lower hexadecimal; zeros where there is none.
    pub last_hash: String,
    /// Whether a line behind the last one was cut by a crash, and nothing has gone on behind it.
    pub is_cut: bool,
}

/// Why a log could not be verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotVerified {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is not as it was written.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Where a log is broken first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {why}")]
pub(crate) struct Broken {
    /// The line's number in its file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is none, and no crash explains it.
    NotALine,
    /// It is the first one, and other lines stood before it.
    Start,
    /// Its `prev` is not the hash of the line before.
    Hash,
    /// Its `seq` is not the next number.
    Sequence,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::NotALine => "is no line of an audit log",
            Self::Start => "is not where a log begins",
            Self::Hash => "does not follow from the line before",
            Self::Sequence => "does not have the next number",
        })
    }
}

/// Verifies a log, of which one line at a time is in memory.
///
/// The first line's `prev` is 64 zeros, unless it says that the log was rotated; each other one's is the hash
/// of the line before, and its `seq` one more. What is not whole has to be followed by a line that says that
/// the log was recovered, whose `prev` is the hash of the last whole line; or by nothing.
///
/// # Errors
/// See [`NotVerified`].
pub(crate) fn verify(reader: impl BufRead) -> Result<Verified, NotVerified> {
    let read = follow(reader, None)?;
    Ok(Verified {
        lines: read.lines,
        last_hash: read.chain.hash(),
        is_cut: matches!(read.end, End::Cut(_)),
    })
}

/// What was read of a log.
#[derive(Debug)]
pub(super) struct Followed {
    /// How many whole lines.
    pub(super) lines: u64,
    /// What is known of the last one.
    pub(super) chain: Chain,
    /// How many bytes it and those before have, newlines included.
    pub(super) whole: u64,
    /// What stands there behind them.
    pub(super) end: End,
}

/// How a log ends.
#[derive(Debug)]
pub(super) enum End {
    /// With a newline.
    Whole,
    /// With a line that is whole but for its newline. It counts as one.
    NoNewline,
    /// With these bytes of a line. More such may stand before it.
    Cut(Vec<u8>),
}

/// Reads what stands behind the line of `known`; `None` at the start of a file.
///
/// # Errors
/// See [`NotVerified`].
pub(super) fn follow(
    mut reader: impl BufRead,
    mut known: Option<Chain>,
) -> Result<Followed, NotVerified> {
    let (mut text, mut number, mut lines) = (Vec::new(), 0, 0);
    let (mut read, mut whole) = (0, 0);
    // The first of the lines just before that are not whole.
    let mut cut = None;
    let end = loop {
        text.clear();
        let limit = LONGEST as u64 + 1;
        let length = reader.by_ref().take(limit).read_until(b'\n', &mut text)? as u64;
        if length == 0 {
            break End::Whole;
        }
        number += 1;
        read += length;
        let is_ended = text.pop_if(|byte| *byte == b'\n').is_some();
        let not_a_line = Broken {
            line: cut.unwrap_or(number),
            why: Why::NotALine,
        };
        if text.len() > LONGEST {
            return Err(not_a_line.into());
        }
        match Line::parse(&text) {
            Ok(line) => {
                if cut.take().is_some() && line.event != Event::Recovered {
                    return Err(not_a_line.into());
                }
                check(&line, known).map_err(|why| Broken { line: number, why })?;
                known = Some(Chain::at(line.seq, &text));
                lines += 1;
                whole = read;
                if !is_ended {
                    break End::NoNewline;
                }
            }
            Err(NotALine::Cut) if !is_ended => break End::Cut(std::mem::take(&mut text)),
            Err(NotALine::Cut) => cut = Some(not_a_line.line),
            Err(NotALine::Other) => return Err(not_a_line.into()),
        }
    };
    match (cut, &end) {
        (Some(line), End::Whole | End::NoNewline) => {
            let why = Why::NotALine;
            Err(Broken { line, why }.into())
        }
        _ => Ok(Followed {
            lines,
            chain: known.unwrap_or_default(),
            whole,
            end,
        }),
    }
}

fn check(line: &Line, known: Option<Chain>) -> Result<(), Why> {
    let chain = known.unwrap_or_default();
    let is_next = line.prev == chain.hash();
    match known {
        None if is_next || line.event == Event::Rotated => Ok(()),
        None => Err(Why::Start),
        Some(_) if !is_next => Err(Why::Hash),
        Some(_) if line.seq != chain.next() => Err(Why::Sequence),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
