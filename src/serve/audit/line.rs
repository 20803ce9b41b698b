//! [`Entry`], and the line of an audit log that it becomes.

use std::io::{self, Write};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use super::chain::Chain;

/// The version of the lines' form.
const SCHEMA: u32 = 1;
/// The most bytes of a text that are written down.
const LONGEST_TEXT: usize = 512;
/// The most roles of one person that are.
const MOST_ROLES: usize = 64;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Event {
    /// Somebody was given links to a recording.
    Grant,
    /// Somebody was not.
    Deny,
    /// Bytes of a recording were sent.
    Play,
    /// All bytes of a recording have been sent under one token.
    Complete,
    /// The log goes on behind a line that a crash had cut.
    Recovered,
    /// The log goes on in a new file.
    Rotated,
}

/// What is written down of an event. What is absent is `null`. Never a token, a signature or a key.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What happened.
    pub event: Event,
    /// The recording's id.
    pub recording: Option<String>,
    /// Who it was, as Flex or the link has it.
    pub identity: Option<String>,
    /// The same person at the customer's own sign-on.
    pub realm_user_id: Option<String>,
    /// `WK…`.
    pub worker_sid: Option<String>,
    /// What they are in Flex.
    pub roles: Option<Vec<String>>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// What it was made with, as it says itself.
    pub user_agent: Option<String>,
    /// The range that was asked for, as it was asked for.
    pub range: Option<String>,
    /// The bytes that were sent; of a line that a crash had cut, its length.
    pub bytes: Option<u64>,
    /// The answer's status.
    pub status: Option<u16>,
    /// Why, where it was denied.
    pub reason: Option<String>,
    /// Whether it is a denial without a valid token: of many, the most are only counted.
    pub is_anonymous: bool,
}

impl Entry {
    /// An event of which nothing is known yet.
    pub(crate) fn of(event: Event) -> Self {
        Self {
            event,
            recording: None,
            identity: None,
            realm_user_id: None,
            worker_sid: None,
            roles: None,
            address: None,
            user_agent: None,
            range: None,
            bytes: None,
            status: None,
            reason: None,
            is_anonymous: false,
        }
    }
}

/// A line: its names, and their order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    schema: u32,
    pub(super) seq: u64,
    time: String,
    pub(super) event: Event,
    recording: Option<String>,
    identity: Option<String>,
    realm_user_id: Option<String>,
    worker_sid: Option<String>,
    roles: Option<Vec<String>>,
    address: Option<IpAddr>,
    user_agent: Option<String>,
    range: Option<String>,
    bytes: Option<u64>,
    status: Option<u16>,
    reason: Option<String>,
    /// How many events this line is for; absent where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    pub(super) prev: String,
}

/// What every line begins with.
const START: &[u8] = b"{\"schema\":1,\"seq\":";

/// Whether a text may be what a crash has left of a line: its beginning, or what a file system has in the
/// place of bytes that it lost, or what was to try whether there is room. All else is somebody's.
fn can_begin(text: &[u8]) -> bool {
    let is_blank = text.iter().all(|byte| matches!(byte, 0 | b' '));
    is_blank || text.iter().zip(START).all(|(byte, start)| byte == start)
}

/// Why a text is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotALine {
    /// It is not whole.
    Cut,
    /// It is something else.
    Other,
}

impl Line {
    /// The line of `entry`, the next in `chain`; `count` is of how many events it is the one.
    pub(super) fn new(entry: Entry, count: Option<u64>, time: Timestamp, chain: Chain) -> Self {
        let text = |text: Option<String>| text.map(clipped);
        let roles = |roles: Vec<String>| roles.into_iter().take(MOST_ROLES).map(clipped).collect();
        Self {
            schema: SCHEMA,
            seq: chain.next(),
            time: format!("{time:.3}"),
            event: entry.event,
            recording: text(entry.recording),
            identity: text(entry.identity),
            realm_user_id: text(entry.realm_user_id),
            worker_sid: text(entry.worker_sid),
            roles: entry.roles.map(roles),
            address: entry.address,
            user_agent: text(entry.user_agent),
            range: text(entry.range),
            bytes: entry.bytes,
            status: entry.status,
            reason: text(entry.reason),
            count,
            prev: chain.hash(),
        }
    }

    /// Adds it to `text`, with a newline, and gives the chain behind it.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn add_to(&self, text: &mut Vec<u8>) -> io::Result<Chain> {
        let start = text.len();
        self.serialize(&mut serde_json::Serializer::with_formatter(
            &mut *text, OneLine,
        ))?;
        let chain = Chain::at(self.seq, text.get(start..).unwrap_or_default());
        text.push(b'\n');
        Ok(chain)
    }

    /// Reads a line without its newline.
    pub(super) fn parse(text: &[u8]) -> Result<Self, NotALine> {
        let line: Self = serde_json::from_slice(text).map_err(|error| {
            if error.is_data() || !can_begin(text) {
                NotALine::Other
            } else {
                NotALine::Cut
            }
        })?;
        (line.schema == SCHEMA)
            .then_some(line)
            .ok_or(NotALine::Other)
    }
}

/// The start of a text, in whole characters.
fn clipped(mut text: String) -> String {
    let mut end = LONGEST_TEXT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// JSON that escapes all that a reader could take for the end of a line or a terminal for a command, not
/// only what RFC 8259, 7 asks for.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for part in fragment.split_inclusive(is_escaped) {
            let end = part.chars().next_back().filter(|c| is_escaped(*c));
            let plain = part.len() - end.map_or(0, char::len_utf8);
            writer.write_all(part.get(..plain).unwrap_or_default().as_bytes())?;
            if let Some(c) = end {
                // All of these have one UTF-16 unit.
                write!(writer, "\\u{:04x}", u32::from(c))?;
            }
        }
        Ok(())
    }
}

fn is_escaped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(entry: Entry, count: Option<u64>) -> String {
        let time = Timestamp::from_millisecond(1_796_040_000_007).unwrap();
        let line = Line::new(entry, count, time, Chain::default());
        let mut text = Vec::new();
        let chain = line.add_to(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let text = text.strip_suffix('\n').unwrap().to_owned();
        assert_eq!(chain, Chain::at(1, text.as_bytes()));
        text
    }

    #[test]
    fn a_line_has_all_fields_in_their_order() {
        let zeros = "0".repeat(64);
        let start = "{\"schema\":1,\"seq\":1,\"time\":\"2026-11-30T12:00:00.007Z\",";
        let nulls = format!(
            "{start}\"event\":\"grant\",\"recording\":null,\"identity\":null,\"realm_user_id\":null,\
             \"worker_sid\":null,\"roles\":null,\"address\":null,\"user_agent\":null,\"range\":null,\
             \"bytes\":null,\"status\":null,\"reason\":null,\"prev\":\"{zeros}\"}}"
        );
        assert_eq!(text(Entry::of(Event::Grant), None), nulls);
        let entry = Entry {
            recording: Some("RE1".to_owned()),
            identity: Some("jürgen".to_owned()),
            realm_user_id: Some("u1".to_owned()),
            worker_sid: Some("WK1".to_owned()),
            roles: Some(vec!["agent".to_owned(), "wfo.full".to_owned()]),
            address: Some("2001:db8::1".parse().unwrap()),
            user_agent: Some("Mozilla/5.0".to_owned()),
            range: Some("bytes=0-".to_owned()),
            bytes: Some(u64::MAX),
            status: Some(206),
            reason: Some("role".to_owned()),
            ..Entry::of(Event::Deny)
        };
        let full = format!(
            "{start}\"event\":\"deny\",\"recording\":\"RE1\",\"identity\":\"jürgen\",\
             \"realm_user_id\":\"u1\",\"worker_sid\":\"WK1\",\"roles\":[\"agent\",\"wfo.full\"],\
             \"address\":\"2001:db8::1\",\"user_agent\":\"Mozilla/5.0\",\"range\":\"bytes=0-\",\
             \"bytes\":18446744073709551615,\"status\":206,\"reason\":\"role\",\"count\":7,\
             \"prev\":\"{zeros}\"}}"
        );
        assert_eq!(text(entry, Some(7)), full);
    }

    #[test]
    fn text_from_the_network_stays_within_its_line() {
        let all: String = ('\0'..='\u{ff}')
            .chain(['\u{2028}', '\u{2029}', '\u{1f3a7}', '"'])
            .collect();
        let entry = Entry {
            user_agent: Some(all.clone()),
            roles: Some(vec!["a\nb".to_owned()]),
            ..Entry::of(Event::Play)
        };
        let text = text(entry, None);
        assert!(!text.contains(is_escaped), "{text}");
        assert!(
            text.contains("\\u0000\\u0001") && text.contains("\\u0085"),
            "{text}"
        );
        let line = Line::parse(text.as_bytes()).ok().unwrap();
        assert_eq!(line.user_agent, Some(all));
        assert_eq!(line.roles, Some(vec!["a\nb".to_owned()]));
    }

    #[test]
    fn long_text_is_clipped_between_characters() {
        for (long, length) in [
            ("x".repeat(513), 512),
            ("ä".repeat(300), 512),
            ("€".repeat(300), 510),
        ] {
            let entry = Entry {
                user_agent: Some(long.clone()),
                identity: Some(long.clone()),
                roles: Some(vec![long.clone(); 100]),
                ..Entry::of(Event::Deny)
            };
            let line = Line::parse(text(entry, None).as_bytes()).ok().unwrap();
            assert_eq!(line.user_agent.as_deref(), Some(&long[..length]));
            assert_eq!(line.identity.as_deref(), Some(&long[..length]));
            assert_eq!(line.roles.unwrap(), vec![&long[..length]; 64]);
        }
        assert_eq!(clipped("short".to_owned()), "short");
    }

    #[test]
    fn a_line_that_was_cut_is_told_from_what_is_none() {
        let entry = Entry {
            identity: Some("jürgen".to_owned()),
            status: Some(403),
            ..Entry::of(Event::Deny)
        };
        let text = text(entry, Some(12));
        assert!(Line::parse(text.as_bytes()).is_ok());
        for end in 0..text.len() {
            let cut = Line::parse(&text.as_bytes()[..end]);
            assert_eq!(cut.err(), Some(NotALine::Cut), "{end}");
        }
        for other in [
            "1".to_owned(),
            "{}".to_owned(),
            text.replace("\"schema\":1", "\"schema\":2"),
            text.replace("\"schema\":1", "\"schema\":1,\"more\":1"),
            text.replace("\"schema\":1", "\"schema\":1,\"schema\":1"),
            text.replace("deny", "other"),
            text.replace("\"seq\":1", "\"seq\":-1"),
        ] {
            let error = Line::parse(other.as_bytes()).err();
            assert_eq!(error, Some(NotALine::Other), "{other}");
        }
    }
}
