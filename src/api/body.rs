//! The task that receives a body, and mends it where it breaks.

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, ETAG};
use sha2::{Digest, Sha256};
use tracing::debug;

use super::channel::Outlet;
use super::course::Course;
use super::error::Error;
use super::exchange::Answer;
use super::failure::{Failure, Then, senseless};
use super::link::Link;

/// Receives the body of `answer`, and asks for the rest of it as often as it has to.
pub(super) async fn flow(course: Course, answer: Answer, outlet: Outlet) {
    let tag = strong_tag(&answer);
    let mut flow = Flow {
        whole: Whole {
            length: answer.length,
            is_delimited: answer.is_delimited(),
            hash: tag.is_none().then(Sha256::new),
            tag,
        },
        given: 0,
        course,
        outlet,
    };
    let end = flow.run(answer).await;
    flow.outlet.end(end).await;
}

/// A body on its way.
struct Flow {
    course: Course,
    outlet: Outlet,
    whole: Whole,
    /// How many bytes of it were given away.
    given: u64,
}

/// What is known of the whole body.
struct Whole {
    length: Option<u64>,
    /// Whether the first answer told its end from that of the connection.
    is_delimited: bool,
    /// The strong entity tag.
    tag: Option<String>,
    /// Of the bytes that were given away, where there is no tag.
    hash: Option<Sha256>,
}

/// One answer's share of it.
struct Part {
    answer: Answer,
    /// Bytes that come again, before those that are new.
    again: u64,
    /// The hash of those, where they have to be proven the same.
    proof: Option<Sha256>,
}

impl Flow {
    async fn run(&mut self, answer: Answer) -> Result<(), Error> {
        let mut part = Part {
            answer,
            again: 0,
            proof: None,
        };
        let breaks = self.course.core.policy.breaks;
        for broken in 0.. {
            let given = self.given;
            let Err(failure) = self.receive(&mut part).await else {
                break;
            };
            let may_mend = matches!(failure.then, Then::Again(_));
            if may_mend && self.whole.length == Some(self.given) {
                break;
            }
            if broken >= breaks {
                return Err(failure.error);
            }
            self.outlet.flush().await;
            if self.given > given {
                self.course.progressed();
            }
            drop(part);
            self.course.wait(failure).await?;
            part = self.resume().await?;
        }
        Ok(())
    }

    /// Receives one answer's body to its end.
    async fn receive(&mut self, part: &mut Part) -> Result<(), Failure> {
        let policy = self.course.core.policy;
        while let Some(bytes) = part.answer.chunk(&policy).await? {
            let new = self.whole.new_of(part, bytes)?;
            if new.is_empty() {
                continue;
            }
            let given = self.given + new.len() as u64;
            if self.whole.length.is_some_and(|length| given > length) {
                return Err(senseless(&part.answer.link, "it goes on behind its end").into());
            }
            if let Some(hash) = &mut self.whole.hash {
                hash.update(&new);
            }
            self.given = given;
            self.outlet.give(new).await;
        }
        if part.again > 0 {
            return Err(self.whole.differs(&part.answer.link).into());
        }
        match self.whole.length {
            Some(length) if length > self.given => {
                let missing = format!("{} bytes are missing", length - self.given);
                Err(Failure::cut(&part.answer.link, missing))
            }
            // Who reads it was told that its end can be told.
            None if self.whole.is_delimited && !part.answer.is_delimited() => Err(Failure::cut(
                &part.answer.link,
                "this time only the connection ended",
            )),
            _ => Ok(()),
        }
    }

    /// Asks for what is missing.
    async fn resume(&mut self) -> Result<Part, Error> {
        let tag = self.whole.tag.as_deref().filter(|_| self.given > 0);
        let rest = tag.map(|tag| (self.given, tag));
        let first = rest.map_or(0, |(first, _)| first);
        debug!(first, length = self.whole.length, "resuming");
        let answer = self.course.ask(rest).await?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT if rest.is_some() => self.whole.rest(answer, self.given),
            StatusCode::OK => self.whole.again(answer, self.given),
            status => Err(senseless(
                &answer.link,
                format!("status {}", status.as_u16()),
            )),
        }
    }
}

impl Whole {
    /// The part of an answer that claims to be the rest, from `given` on.
    fn rest(&mut self, answer: Answer, given: u64) -> Result<Part, Error> {
        let Some(tag) = strong_tag(&answer) else {
            return Err(senseless(&answer.link, "a part has no strong entity tag"));
        };
        if Some(tag) != self.tag {
            return Err(changed(&answer.link, false));
        }
        let wrong = || senseless(&answer.link, "it is not the part that was asked for");
        let range = answer
            .header(CONTENT_RANGE)
            .and_then(range)
            .ok_or_else(wrong)?;
        let length = range.whole;
        let is_right = range.first == given
            && range.last.checked_add(1) == Some(length)
            && range.first <= range.last
            && self.length.is_none_or(|known| known == length)
            && answer.length.is_none_or(|rest| rest == length - given);
        if !is_right {
            return Err(wrong());
        }
        self.length = Some(length);
        Ok(Part {
            answer,
            again: 0,
            proof: None,
        })
    }

    /// The part of an answer that is the whole once more.
    fn again(&mut self, answer: Answer, given: u64) -> Result<Part, Error> {
        if answer.headers().contains_key(CONTENT_RANGE) {
            return Err(senseless(
                &answer.link,
                "it is a part, and all was asked for",
            ));
        }
        if self.tag.is_some() && strong_tag(&answer) != self.tag {
            return Err(changed(&answer.link, false));
        }
        if let Some(length) = answer.length {
            if self.length.unwrap_or(length) != length || length < given {
                return Err(self.differs(&answer.link));
            }
            self.length = Some(length);
        }
        Ok(Part {
            answer,
            again: given,
            proof: self.hash.is_some().then(Sha256::new),
        })
    }

    /// What of `bytes` was not given away before.
    fn new_of(&self, part: &mut Part, mut bytes: Bytes) -> Result<Bytes, Error> {
        let again = part.again.min(bytes.len() as u64);
        let new = bytes.split_off(usize::try_from(again).unwrap_or(bytes.len()));
        part.again -= again;
        let Some(proof) = &mut part.proof else {
            return Ok(new);
        };
        proof.update(&bytes);
        if part.again == 0 {
            let seen = part.proof.take().map(Sha256::finalize);
            if seen != self.hash.clone().map(Sha256::finalize) {
                return Err(self.differs(&part.answer.link));
            }
        }
        Ok(new)
    }

    /// An answer that claims to be the same and is not; without a tag, it never claimed it.
    fn differs(&self, link: &Link) -> Error {
        if self.tag.is_some() {
            return senseless(link, "its length changed and its entity tag did not");
        }
        changed(link, true)
    }
}

fn changed(link: &Link, anew: bool) -> Error {
    Error::Changed {
        host: link.host(),
        anew,
    }
}

/// The entity tag, if it stands for every byte (RFC 9110, 8.8.1).
fn strong_tag(answer: &Answer) -> Option<String> {
    let tag = answer.header(ETAG)?;
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then(|| tag.to_owned())
}

/// A `Content-Range` of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    last: u64,
    whole: u64,
}

fn range(text: &str) -> Option<Range> {
    let (range, whole) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok())?
    };
    Some(Range {
        first: number(first)?,
        last: number(last)?,
        whole: number(whole)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_exactly() {
        let read = |text| range(text).map(|range| (range.first, range.last, range.whole));
        assert_eq!(read("bytes 5-9/10"), Some((5, 9, 10)));
        for text in [
            "",
            "bytes",
            "bytes 5-9",
            "bytes 5-9/*",
            "bytes */10",
            "bytes=5-9/10",
            "bytes -9/10",
            "bytes 5-/10",
            "bytes +5-9/10",
            "items 5-9/10",
            "bytes 5-9/99999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
