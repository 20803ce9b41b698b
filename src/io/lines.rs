//! The lines of a stream that may never end, as they come.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use sha2::{Digest, Sha256};

/// How much is read at once, where it is there.
const CHUNK: usize = 64 * 1024;

/// A line without the line feed at its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Its bytes.
    Whole(Vec<u8>),
    /// The SHA-256 of one that is longer than a line may be, and was passed over.
    TooLong([u8; 32]),
}

/// Reads lines, and waits for no more than the next one.
pub(crate) struct Lines {
    file: File,
    /// Readable once somebody says that it is enough.
    stopped: OwnedFd,
    /// The most bytes of a line.
    most: usize,
    chunk: Vec<u8>,
    /// What of the chunk is read and not yet taken.
    rest: std::ops::Range<usize>,
    has_ended: bool,
}

/// Ends the reading of lines, also where another thread waits for one.
pub(crate) struct Stop(OwnedFd);

impl Stop {
    /// There are no more lines.
    pub(crate) fn stop(&self) {
        // It is read by nobody, and one is enough.
        rustix::io::write(&self.0, b"\n").ok();
    }
}

impl Lines {
    /// The lines of the file at `path`, else of standard input, each of at most `most` bytes.
    ///
    /// # Errors
    /// As the operating system has it.
    pub(crate) fn open(path: Option<&Path>, most: usize) -> io::Result<(Self, Stop)> {
        let file = match path {
            Some(path) => fs_err::File::open(path)?.into_parts().0,
            None => File::from(io::stdin().as_fd().try_clone_to_owned()?),
        };
        Self::of(file, most)
    }

    fn of(file: File, most: usize) -> io::Result<(Self, Stop)> {
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let lines = Self {
            file,
            stopped,
            most,
            chunk: vec![0; CHUNK],
            rest: 0..0,
            has_ended: false,
        };
        Ok((lines, Stop(stop)))
    }

    /// Reads what is there, and waits where nothing is. `false` at the end, and where it is enough.
    fn fill(&mut self) -> io::Result<bool> {
        loop {
            let mut either = [
                PollFd::new(&self.file, PollFlags::IN),
                PollFd::new(&self.stopped, PollFlags::IN),
            ];
            match poll(&mut either, None) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            if !either[1].revents().is_empty() {
                self.has_ended = true;
                return Ok(false);
            }
            match self.file.read(&mut self.chunk) {
                Ok(length) => {
                    self.rest = 0..length;
                    return Ok(length > 0);
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                    ) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let mut passed_over: Option<Sha256> = None;
        let mut is_begun = false;
        loop {
            if self.rest.is_empty() && !self.fill()? {
                let is_stopped = std::mem::replace(&mut self.has_ended, true);
                if is_stopped || !is_begun {
                    return Ok(None);
                }
                break;
            }
            is_begun = true;
            let rest = self.chunk.get(self.rest.clone()).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            match &mut passed_over {
                Some(hash) => hash.update(part),
                None if line.len() + part.len() > self.most => {
                    let mut hash = Sha256::new_with_prefix(std::mem::take(&mut line));
                    hash.update(part);
                    passed_over = Some(hash);
                }
                None => line.extend_from_slice(part),
            }
            self.rest.start += part.len() + usize::from(end.is_some());
            if end.is_some() {
                break;
            }
        }
        Ok(Some(match passed_over {
            Some(hash) => Line::TooLong(hash.finalize().into()),
            None => Line::Whole(line),
        }))
    }
}

/// Ends at the end, and behind an error.
impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let line = self.line();
        self.has_ended |= line.is_err();
        line.transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(bytes: &[u8], most: usize) -> Vec<Line> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        let (lines, _stop) = Lines::of(file, most).unwrap();
        lines.map(Result::unwrap).collect()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_end_with_a_line_feed_or_with_the_file() {
        assert_eq!(lines(b"", 9), []);
        assert_eq!(lines(b"\n", 9), [whole("")]);
        assert_eq!(lines(b"a\r\n\nb", 9), [whole("a\r"), whole(""), whole("b")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_known_by_its_digest() {
        for length in [10, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let long = vec![b'x'; length];
            let bytes = [b"123456789\n".as_slice(), &long, b"\nend"].concat();
            let digest = Line::TooLong(Sha256::digest(&long).into());
            assert_eq!(lines(&bytes, 9), [whole("123456789"), digest, whole("end")]);
        }
    }

    #[test]
    fn who_waits_for_a_line_is_stopped() {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let (mut lines, stop) = Lines::of(File::from(reader), 9).unwrap();
        rustix::io::write(&writer, b"one\ntw").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), whole("one"));
        std::thread::scope(|scope| {
            let second = scope.spawn(|| lines.next());
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!second.is_finished());
            stop.stop();
            // Half a line is none.
            assert!(second.join().unwrap().is_none());
        });
    }
}
