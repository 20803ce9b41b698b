//! The way of the data, from envelope to outcome: the one place that strings the boxes together.
//!
//! Plaintext is released only when everything that can be checked was checked: a file gets its
//! name after that, and standard output its first byte, which takes a second pass.

mod evidence;
pub mod search;

use std::io::{self, Read, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use self::evidence::{FoundInstead, Integrity};
use crate::cipher::padding::{self, PaddingError};
use crate::cipher::{BLOCK, Cbc, Cipher, CipherError, Engine, Gcm, Input, Opened, WriteAt};
use crate::envelope::{Container, ContentCipher, Envelope, Expected, Padding, WrapAlgorithm};
use crate::io::{OutputError, Source, Staged};
use crate::key::{self, ContentKey, RingError};
use crate::media::{Head, Media, Note, Probe, Sniff, TsScan, sniff};

/// How a recording is opened.
#[derive(Clone, Copy)]
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

impl<'a> Options<'a> {
    fn engine(self) -> Engine<'a> {
        Engine {
            threads: self.threads,
            progress: self.progress,
        }
    }
}

/// Where the plaintext goes.
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
}

/// A recording that was opened and verified.
#[derive(Debug)]
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
    /// The file it was written to.
    pub output: Option<PathBuf>,
}

/// Why a recording was not released.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is something else than ciphertext.
    #[error("it is not encrypted media: it is {0}")]
    NotCiphertext(Sniff),
    /// The ciphertext cannot be read, or is none.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// A stream could not be kept for a second pass.
    #[error("its ciphertext could not be kept in the temporary folder")]
    Spool(#[source] io::Error),
    /// The plaintext does not end as it should.
    #[error("decrypted, {0}")]
    Padding(PaddingError),
    /// The plaintext has another length than the metadata says.
    #[error("decrypted, it has {found} bytes, and its metadata says {declared}")]
    Length {
        /// Bytes of plaintext.
        found: u64,
        /// Bytes that the metadata declares.
        declared: u64,
    },
    /// The declared SHA-256 fits nothing.
    #[error(
        "the sha256sum in its metadata is neither that of the encrypted file, nor of the \
         decrypted one with or without its padding"
    )]
    Digest,
    /// The plaintext is no recording.
    #[error("decrypted, it is {0}, not a recording")]
    Container(FoundInstead),
    /// The plaintext is damaged.
    #[error("decrypted, {0}")]
    Damaged(Note),
    /// `--require-integrity`, and nothing to meet it with.
    #[error("nothing in its format or metadata proves its integrity")]
    Unproven,
    /// The output was refused or failed.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The temporary output file failed.
    #[error("writing the decrypted media failed")]
    Write(#[source] io::Error),
    /// The writer failed.
    #[error("writing out the decrypted media failed")]
    Writer(#[source] io::Error),
}

/// Looks whether a source can be this recording's ciphertext at all, before any key is touched.
///
/// # Errors
/// What it is instead, or a length that cannot be.
pub fn inspect_source(envelope: &Envelope, source: &mut Source) -> Result<(), Error> {
    if let Some(seen) = sniff(source.head().map_err(CipherError::Read)?) {
        return Err(Error::NotCiphertext(seen));
    }
    if let Some(length) = source.length() {
        crate::cipher::check_length(envelope.cipher, length)?;
    }
    Ok(())
}

/// Picks the candidate that opens the recording in `source`, by its first bytes.
///
/// OAEP proves its key; RSAES-PKCS1-v1_5 does not, so there the content has to show a container,
/// if only behind a destroyed first block. If it never does, the first candidate stands: a wrong
/// key gives one in half a percent of cases, so most likely the key is right and the media
/// wrong, and [`open`] will say what is wrong with it.
///
/// # Errors
/// If the source cannot be read; within, the key ring's.
pub fn choose<E>(
    envelope: &Envelope,
    source: &mut Source,
    mut candidates: key::Search<'_, E>,
) -> Result<Result<key::Opened, RingError<E>>, Error> {
    let head = source.head().map_err(CipherError::Read)?;
    let proven = envelope.wrap.algorithm != WrapAlgorithm::RsaPkcs1v15;
    let (mut damaged, mut unproven) = (None, None);
    for candidate in candidates.by_ref() {
        let candidate = match candidate {
            Ok(candidate) => candidate,
            Err(error) => return Ok(Err(error)),
        };
        let media = look(&cipher(envelope, &candidate.key), head, u64::MAX);
        if proven || is_expected(envelope, media.container) {
            return Ok(Ok(candidate));
        }
        if is_expected(envelope, media.damaged) {
            damaged.get_or_insert(candidate);
        } else {
            unproven.get_or_insert(candidate);
        }
    }
    let stands = damaged.or(unproven);
    Ok(stands.ok_or_else(|| RingError::NotOpened(candidates.not_opened())))
}

/// What a plaintext of `length` bytes is, by its first segment.
fn look(cipher: &Cipher, head: &[u8], length: u64) -> Media {
    let mut plaintext = Zeroizing::new(head.to_vec());
    cipher.peek(&mut plaintext);
    let mut head = Head::default();
    head.take(0, &plaintext);
    head.finish(TsScan::of(0, &plaintext), length)
}

fn is_expected(envelope: &Envelope, container: Option<Container>) -> bool {
    container.is_some_and(|container| envelope.expected.containers.contains(&container))
}

/// What opens one recording: its cipher with key and IV, and what must come out.
pub struct Opener {
    /// The content cipher, keyed.
    pub cipher: Cipher,
    /// What stands behind the last byte of a CBC plaintext; not used for GCM.
    pub padding: Padding,
    /// What is known of the plaintext.
    pub expected: Expected,
}

impl Opener {
    /// The opener of an envelope whose content key is unwrapped.
    pub fn of(envelope: &Envelope, key: &ContentKey) -> Self {
        Self {
            cipher: cipher(envelope, key),
            padding: match envelope.cipher {
                ContentCipher::Aes256Gcm { .. } => Padding::Keep,
                ContentCipher::Aes256Cbc { padding, .. } => padding,
            },
            expected: envelope.expected.clone(),
        }
    }
}

fn cipher(envelope: &Envelope, key: &ContentKey) -> Cipher {
    match envelope.cipher {
        ContentCipher::Aes256Gcm { iv } => Cipher::Gcm(Gcm::new(key.key(), &iv, &[])),
        ContentCipher::Aes256Cbc { iv, .. } => {
            Cipher::Cbc(Cbc::new(key.key(), iv.or(key.iv()).unwrap_or_default()))
        }
    }
}

/// Decrypts `source` and releases it to `destination`.
///
/// # Errors
/// See [`Error`]. Nothing was released then, except to [`Destination::WriterUnverified`] and,
/// where the source changed between the passes or the writer failed, [`Destination::Writer`].
pub fn open(
    opener: Opener,
    source: Source,
    destination: Destination,
    options: Options,
) -> Result<Outcome, Error> {
    let mut work = Work {
        opener,
        source,
        options,
    };
    if options.require_integrity && !work.can_be_proven() {
        return Err(Error::Unproven);
    }
    match destination {
        Destination::Check => {
            let outcome = work.check()?;
            work.unchanged_or_proven(&outcome)?;
            Ok(outcome)
        }
        Destination::Writer(writer) => {
            work.source = work.source.rereadable().map_err(Error::Spool)?;
            work.check()?;
            let outcome = work.pass(None, Some(writer)).map_err(|error| match error {
                Error::Writer(_) => error,
                // It was right a moment ago.
                _ => CipherError::Changed.into(),
            })?;
            if work.source.is_unchanged().map_err(CipherError::Read)? {
                Ok(outcome)
            } else {
                Err(CipherError::Changed.into())
            }
        }
        Destination::WriterUnverified(writer) => work.pass(None, Some(writer)),
        Destination::File {
            staged,
            name,
            replace,
        } => {
            let mut outcome = work.pass(Some(&staged), None)?;
            work.unchanged_or_proven(&outcome)?;
            let output = name(&outcome.media)?;
            staged.commit(&output, replace)?;
            outcome.output = Some(output);
            Ok(outcome)
        }
    }
}

/// One recording on its way.
struct Work<'a> {
    opener: Opener,
    source: Source,
    options: Options<'a>,
}

impl Work<'_> {
    fn can_be_proven(&self) -> bool {
        let expected = &self.opener.expected;
        matches!(self.opener.cipher, Cipher::Gcm(_))
            || expected.length.is_some()
            || expected.sha256.is_some()
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

    /// Verifies everything and writes nothing. A tag needs no decryption.
    fn check(&mut self) -> Result<Outcome, Error> {
        if self.options.sha256 || matches!(self.opener.cipher, Cipher::Cbc(_)) {
            return self.pass(None, None);
        }
        // A stream shows its first bytes only before the others are read.
        self.source.head().map_err(CipherError::Read)?;
        let engine = self.options.engine();
        let Opened { length, .. } = engine.verify(&self.opener.cipher, self.source.input())?;
        let head = self.source.head().map_err(CipherError::Read)?;
        let body = usize::try_from(length).unwrap_or(usize::MAX);
        let head = head.get(..body).unwrap_or(head);
        Ok(Outcome {
            integrity: Integrity::Tag,
            bytes_in: length + BLOCK as u64,
            bytes_out: length,
            sha256: None,
            media: look(&self.opener.cipher, head, length),
            output: None,
        })
    }

    /// Decrypts from front to back, then judges what came out.
    fn pass<'w>(
        &mut self,
        place: Option<&'w Staged>,
        writer: Option<&'w mut (dyn Write + Send)>,
    ) -> Result<Outcome, Error> {
        let writing = match writer {
            Some(_) => Error::Writer,
            None => Error::Write,
        };
        let expected = self.opener.expected.clone();
        let hashed = self.options.sha256 || expected.sha256.is_some();
        let mut plaintext = Plaintext {
            place: place.map(|staged| staged as &dyn WriteAt),
            writer,
            probe: Probe::new(),
            sha256: hashed.then(Sha256::new),
            is_mp4: false,
        };
        let failed = |error| match error {
            CipherError::Write(error) => writing(error),
            error => error.into(),
        };
        let (opened, ciphertext) = self.decrypt(&mut plaintext).map_err(failed)?;

        let length = opened.length + BLOCK as u64;
        let kept = match self.opener.cipher {
            Cipher::Gcm(_) => 0,
            Cipher::Cbc(_) => {
                let padding = plaintext.padding(self.opener.padding);
                padding::kept(padding, length, &opened.last).map_err(Error::Padding)?
            }
        };
        let digests: Vec<_> = ciphertext
            .into_iter()
            .chain(plaintext.digests(length, &opened.last))
            .collect();
        let (end, _) = opened.last.split_at(kept);
        plaintext.end(opened.length, end).map_err(writing)?;

        let bytes_out = opened.length + kept as u64;
        let media = plaintext.probe.finish(bytes_out);
        let integrity = match self.opener.cipher {
            Cipher::Gcm(_) => Integrity::Tag,
            Cipher::Cbc(_) => evidence::judge(&expected, bytes_out, &digests, &media)?,
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
            output: None,
        })
    }

    /// Runs the engine. With a declared digest, the ciphertext is hashed on its way in.
    fn decrypt(
        &mut self,
        plaintext: &mut Plaintext,
    ) -> Result<(Opened, Option<[u8; 32]>), CipherError> {
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
            Input::Stream(&mut hashed),
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
    is_mp4: bool,
}

impl Plaintext<'_> {
    fn take(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset == 0 {
            self.is_mp4 = sniff(bytes) == Some(Sniff::Plain(Container::Mp4));
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

    /// The digests of all that a plaintext of `length` bytes can end with, before it ends: every
    /// byte of the last block, or what is left of it without padding.
    fn digests(&self, length: u64, last: &[u8; BLOCK]) -> Vec<[u8; 32]> {
        let kept = |padding| padding::kept(padding, length, last).ok();
        let ends = [Padding::Keep, Padding::Pkcs7, Padding::TransportStream];
        let ends = ends.into_iter().filter_map(kept);
        let digest = |hash: &Sha256, kept| {
            let hash = hash.clone().chain_update(last.get(..kept).unwrap_or(last));
            hash.finalize().into()
        };
        self.sha256
            .iter()
            .flat_map(|hash| ends.clone().map(|kept| digest(hash, kept)))
            .collect()
    }

    /// Vonage's composed archives are MP4 where they are not encrypted; should one come
    /// encrypted, there are no packets to count, and its padding must be PKCS#7.
    fn padding(&self, padding: Padding) -> Padding {
        match padding {
            Padding::TransportStream if self.is_mp4 => Padding::Pkcs7,
            padding => padding,
        }
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
