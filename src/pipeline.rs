//! The way of the data, from envelope to outcome: the one place that strings the boxes together.
//!
//! Plaintext is released only when everything that can be checked was checked: a file gets its
//! name after that, and standard output its first byte, which takes a second pass.

pub mod ending;
mod error;
mod evidence;
mod glance;
mod opener;
mod plain;
pub mod search;
#[cfg(test)]
mod tests;
mod verified;

use std::io::{self, Read, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use self::ending::PaddingError;
pub use self::error::FoundInstead;
pub use self::error::{ChooseError, Error};
pub use self::evidence::Integrity;
use self::glance::look;
pub use self::glance::{choose, inspect_source};
pub(crate) use self::glance::{inspect_head, shows_recording, unwrapped};
pub use self::opener::Opener;
pub(crate) use self::plain::{Declared, copy};
#[cfg(feature = "waveform")]
pub(crate) use self::verified::verify_plain;
pub use self::verified::{Verified, verify};
use crate::cipher::{BLOCK, Cipher, CipherError, Ciphertext, Engine, Tail, WriteAt};
use crate::envelope::Expected;
use crate::io::{OutputError, Source, Staged};
use crate::media::{Media, Probe, Sniff, sniff};

/// How a recording is opened.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Options<'a> {
    /// Refuse what neither a tag nor a digest nor a declared length proves.
    pub require_integrity: bool,
    /// Report the plaintext's SHA-256.
    pub sha256: bool,
    /// Worker threads for one recording.
    pub threads: usize,
    /// Called with the bytes of ciphertext done since the last call.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Default for Options<'_> {
    /// One thread, and no more than the format and the metadata ask for.
    fn default() -> Self {
        Self {
            require_integrity: false,
            sha256: false,
            threads: 1,
            progress: &|_| (),
        }
    }
}

impl<'a> Options<'a> {
    fn engine(self) -> Engine<'a> {
        Engine {
            threads: self.threads,
            progress: self.progress,
        }
    }
}

/// Where the plaintext goes.
#[non_exhaustive]
pub enum Destination<'a> {
    /// Nowhere: everything is verified, nothing is written.
    Check,
    /// A writer, such as standard output, after verification.
    Writer(&'a mut (dyn Write + Send)),
    /// A writer, as it is decrypted; only the result tells whether it was right.
    WriterUnverified(&'a mut (dyn Write + Send)),
    /// A file that gets its name when everything is verified.
    File {
        /// The file without its name.
        staged: Staged,
        /// Its name, which may depend on what the content is, or why it cannot have it.
        name: &'a dyn Fn(&Media) -> Result<PathBuf, OutputError>,
        /// Whether a file of that name is replaced.
        replace: bool,
    },
    /// A file that never gets a name: it is handed over when everything is verified. Of the program:
    /// outside the crate nobody can read what is staged.
    #[doc(hidden)]
    Handed {
        /// The file.
        staged: Staged,
        /// Puts so many bytes of it where they belong, which it tells, or says why it cannot.
        put: &'a dyn Fn(&Staged, &Media, u64) -> Result<String, OutputError>,
    },
}

impl Destination<'_> {
    /// What is written to before everything is verified.
    fn staged(&self) -> Option<&Staged> {
        match self {
            Self::File { staged, .. } | Self::Handed { staged, .. } => Some(staged),
            Self::Check | Self::Writer(_) | Self::WriterUnverified(_) => None,
        }
    }

    /// Gives what was staged and verified its place, which is where `outcome` says then.
    fn release(self, mut outcome: Outcome) -> Result<Outcome, Error> {
        match self {
            Self::File {
                staged,
                name,
                replace,
            } => {
                let output = name(&outcome.media)?;
                staged.commit(&output, replace)?;
                outcome.output = Released::File(output);
            }
            Self::Handed { staged, put } => {
                let place = put(&staged, &outcome.media, outcome.bytes_out)?;
                outcome.output = Released::Elsewhere(place);
            }
            Self::Check | Self::Writer(_) | Self::WriterUnverified(_) => {}
        }
        Ok(outcome)
    }
}

/// A recording that was opened and verified.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// What proves the plaintext.
    pub integrity: Integrity,
    /// Bytes of ciphertext.
    pub bytes_in: u64,
    /// Bytes of plaintext.
    pub bytes_out: u64,
    /// The plaintext's SHA-256, if it was asked for or the metadata declares one.
    pub sha256: Option<[u8; 32]>,
    /// What the plaintext is.
    pub media: Media,
    /// Where it was written to.
    pub output: Released,
}

/// Where a plaintext was released to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Released {
    /// Nowhere: it was only verified.
    Nowhere,
    /// The writer.
    Writer,
    /// A file of this name.
    File(PathBuf),
    /// What is no file: a place of this name.
    #[doc(hidden)]
    Elsewhere(String),
}

/// Decrypts `source` and releases it to `destination`.
///
/// # Errors
/// See [`Error`]. Nothing was released then, except to [`Destination::WriterUnverified`] and,
/// where the source changed between the passes or the writer failed, [`Destination::Writer`].
pub fn decrypt(
    opener: Opener,
    source: Source,
    destination: Destination,
    options: Options,
) -> Result<Outcome, Error> {
    let mut opening = Opening::new(opener, source, options)?;
    match destination {
        Destination::Check => opening.verify(),
        Destination::Writer(writer) => {
            opening.source = opening.source.rereadable().map_err(Error::Spool)?;
            opening.check()?;
            let outcome = opening
                .pass(None, Some(writer))
                .map_err(|error| match error {
                    Error::Writer(_) => error,
                    // It was right a moment ago.
                    _ => CipherError::Changed.into(),
                })?;
            if opening.source.is_unchanged().map_err(CipherError::Read)? {
                Ok(outcome)
            } else {
                Err(CipherError::Changed.into())
            }
        }
        Destination::WriterUnverified(writer) => opening.pass(None, Some(writer)),
        staged => {
            let outcome = opening.pass(staged.staged(), None)?;
            opening.unchanged_or_proven(&outcome)?;
            staged.release(outcome)
        }
    }
}

/// One recording on its way.
struct Opening<'a> {
    opener: Opener,
    source: Source,
    options: Options<'a>,
}

impl<'a> Opening<'a> {
    fn new(opener: Opener, source: Source, options: Options<'a>) -> Result<Self, Error> {
        let Expected { length, sha256, .. } = opener.expected;
        let is_authenticated = matches!(opener.cipher, Cipher::Gcm(_));
        let can_be_proven = is_authenticated || length.is_some() || sha256.is_some();
        if options.require_integrity && !can_be_proven {
            return Err(Error::Unproven);
        }
        Ok(Self {
            opener,
            source,
            options,
        })
    }

    /// Verifies everything and writes nothing.
    fn verify(&mut self) -> Result<Outcome, Error> {
        let outcome = self.check()?;
        self.unchanged_or_proven(&outcome)?;
        Ok(outcome)
    }

    /// A tag or digest proves the bytes that were read, whenever they were written. Without one,
    /// a file that changed under way may have been read half old, half new.
    fn unchanged_or_proven(&self, outcome: &Outcome) -> Result<(), Error> {
        let proven = matches!(outcome.integrity, Integrity::Tag | Integrity::Digest);
        if proven || self.source.is_unchanged().map_err(CipherError::Read)? {
            return Ok(());
        }
        Err(CipherError::Changed.into())
    }

    /// One pass that writes nothing. A tag needs no decryption.
    fn check(&mut self) -> Result<Outcome, Error> {
        if self.options.sha256 || matches!(self.opener.cipher, Cipher::Cbc(_)) {
            return self.pass(None, None);
        }
        // A stream shows its first bytes only before the others are read.
        self.source.head().map_err(CipherError::Read)?;
        let engine = self.options.engine();
        let Tail { length, .. } = engine.verify(&self.opener.cipher, self.source.input())?;
        let head = self.source.head().map_err(CipherError::Read)?;
        let body = usize::try_from(length).unwrap_or(usize::MAX);
        let head = head.get(..body).unwrap_or(head);
        Ok(Outcome {
            integrity: Integrity::Tag,
            bytes_in: length + BLOCK as u64,
            bytes_out: length,
            sha256: None,
            media: look(&self.opener.cipher, head, length),
            output: Released::Nowhere,
        })
    }

    /// Decrypts from front to back, then judges what came out.
    fn pass<'w>(
        &mut self,
        place: Option<&'w Staged>,
        writer: Option<&'w mut (dyn Write + Send)>,
    ) -> Result<Outcome, Error> {
        let output = match writer {
            Some(_) => Released::Writer,
            None => Released::Nowhere,
        };
        let mut expected = self.opener.expected.clone();
        let hashed = self.options.sha256 || expected.sha256.is_some();
        let mut plaintext = Plaintext::new(place, writer, hashed);
        let writing = plaintext.failure();
        let failed = |error| match error {
            CipherError::Write(error) => writing(error),
            error => error.into(),
        };
        let (opened, ciphertext) = self.decrypt(&mut plaintext).map_err(failed)?;

        let length = opened.length + BLOCK as u64;
        let kept = match self.opener.cipher {
            Cipher::Gcm(_) => 0,
            Cipher::Cbc(_) => {
                let padding = ending::rule(self.opener.padding, plaintext.start);
                ending::kept(padding, length, &opened.last)
                    .map_err(|error| plaintext.ends_wrong(error, &expected, length))?
            }
        };
        let mut digests: Vec<_> = ciphertext.into_iter().collect();
        for (end, digest) in plaintext.digests(length, &opened.last) {
            if end == kept || end == BLOCK {
                digests.push(digest);
            } else if expected.sha256 == Some(digest) {
                // It is of fewer bytes than are released: right, and no proof of the others.
                expected.sha256 = None;
            }
        }
        let (end, _) = opened.last.split_at(kept);
        plaintext.end(opened.length, end).map_err(writing)?;

        let bytes_out = opened.length + kept as u64;
        let media = plaintext.probe.finish(bytes_out);
        let integrity = match self.opener.cipher {
            Cipher::Gcm(_) => Integrity::Tag,
            Cipher::Cbc(_) => {
                let padding = self.opener.padding;
                evidence::judge(&expected, bytes_out, padding, &digests, &media)?
            }
        };
        if self.options.require_integrity && integrity == Integrity::Structure {
            return Err(Error::Unproven);
        }
        Ok(Outcome {
            integrity,
            bytes_in: length,
            bytes_out,
            sha256: plaintext.sha256.map(|hash| hash.finalize().into()),
            media,
            output,
        })
    }

    /// Runs the engine. With a declared digest, the ciphertext is hashed on its way in.
    fn decrypt(
        &mut self,
        plaintext: &mut Plaintext,
    ) -> Result<(Tail, Option<[u8; 32]>), CipherError> {
        let engine = self.options.engine();
        let place = plaintext.place;
        let mut each = |offset: u64, bytes: &[u8]| plaintext.take(offset, bytes);
        if self.opener.expected.sha256.is_none() {
            let opened =
                engine.decrypt(&self.opener.cipher, self.source.input(), place, &mut each)?;
            return Ok((opened, None));
        }
        let mut hashed = Hashed(self.source.reader(), Sha256::new());
        let opened = engine.decrypt(
            &self.opener.cipher,
            Ciphertext::Stream(&mut hashed),
            place,
            &mut each,
        )?;
        Ok((opened, Some(hashed.1.finalize().into())))
    }
}

/// The plaintext of one pass, in order.
struct Plaintext<'a> {
    /// Where workers put it by themselves; only its last bytes go there from here.
    place: Option<&'a dyn WriteAt>,
    writer: Option<&'a mut (dyn Write + Send)>,
    probe: Probe,
    sha256: Option<Sha256>,
    /// What it starts as.
    start: Option<Sniff>,
}

impl<'a> Plaintext<'a> {
    fn new(
        place: Option<&'a Staged>,
        writer: Option<&'a mut (dyn Write + Send)>,
        hashed: bool,
    ) -> Self {
        Self {
            place: place.map(|staged| staged as &dyn WriteAt),
            writer,
            probe: Probe::new(),
            sha256: hashed.then(Sha256::new),
            start: None,
        }
    }

    /// What it means that writing fails.
    fn failure(&self) -> fn(io::Error) -> Error {
        match self.writer {
            Some(_) => Error::Writer,
            None => Error::Write,
        }
    }

    fn take(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset == 0 {
            self.start = sniff(bytes);
        }
        self.probe.segment(offset, bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        match &mut self.writer {
            Some(writer) => writer.write_all(bytes),
            None => Ok(()),
        }
    }

    /// What the last block, which the engine keeps back, adds to the plaintext.
    fn end(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let Some(place) = self.place {
            place.write_all_at(bytes, offset)?;
        }
        self.take(offset, bytes)?;
        match &mut self.writer {
            Some(writer) => writer.flush(),
            None => Ok(()),
        }
    }

    /// Why a plaintext of `length` bytes does not end as it should: what is no transport stream
    /// has no packets to end with.
    fn ends_wrong(&self, error: PaddingError, expected: &Expected, length: u64) -> Error {
        if matches!(error, PaddingError::Packets { .. }) {
            let media = self.probe.clone().finish(length);
            if let (Some(instead), None) = (FoundInstead::of(expected, &media), media.damaged) {
                return Error::Container(instead);
            }
        }
        Error::Padding(error)
    }

    /// The digests of all that a plaintext of `length` bytes can end with, before it ends, and
    /// how much of the last block each of them takes in.
    fn digests(&self, length: u64, last: &[u8; BLOCK]) -> Vec<(usize, [u8; 32])> {
        let Some(hash) = &self.sha256 else {
            return vec![];
        };
        let digest = |kept| {
            let end = last.get(..kept).unwrap_or(last);
            (kept, hash.clone().chain_update(end).finalize().into())
        };
        ending::possible(length, last)
            .into_iter()
            .map(digest)
            .collect()
    }
}

/// A reader that hashes what passes.
struct Hashed<R>(R, Sha256);

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
