//! Cuts an input into segments and keeps its last block back.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::{BLOCK, Cipher, CipherError, MAX_PLAINTEXT, SEGMENT};
use crate::envelope::ContentCipher;

/// A worker's buffer: the block before the segment, the segment, and a stream's last block.
pub(super) const BUFFER: usize = BLOCK + SEGMENT + BLOCK;

/// A file that several threads read at once.
pub trait ReadAt: Sync {
    /// Reads at `offset` without moving a cursor; may read less than asked for.
    ///
    /// # Errors
    /// As the operating system has it.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Cipher {
    /// Fills `buffer` with plaintext from any place of a ciphertext in `file`, unverified. The
    /// place must be in front of the tag or padding.
    ///
    /// # Errors
    /// [`CipherError::Read`], and [`CipherError::Changed`] where the file ends before.
    pub fn read_at(
        &self,
        file: &dyn ReadAt,
        buffer: &mut [u8],
        offset: u64,
    ) -> Result<(), CipherError> {
        if buffer.is_empty() {
            return Ok(());
        }
        let into_block = offset % BLOCK as u64;
        let skipped = usize::try_from(into_block).unwrap_or(0);
        let segment = Segment {
            number: 0,
            offset: offset - into_block,
            length: (skipped + buffer.len()).next_multiple_of(BLOCK),
            file: Some(file),
        };
        let mut held = Zeroizing::new(vec![0; BLOCK + segment.length]);
        let (before, bytes) = segment.load(&mut held)?;
        self.open_at(segment.offset, before, bytes);
        buffer.copy_from_slice(&bytes[skipped..skipped + buffer.len()]);
        Ok(())
    }
}

/// Where the ciphertext comes from.
pub enum Ciphertext<'a> {
    /// A file of known length, read at any place.
    File {
        /// The file.
        file: &'a dyn ReadAt,
        /// Its length in bytes.
        length: u64,
    },
    /// Anything else, read once from front to back in pieces of any size.
    Stream(&'a mut (dyn Read + Send)),
}

/// A piece of the ciphertext that one worker holds.
pub(super) struct Segment<'a> {
    /// Counted from 0.
    pub(super) number: u64,
    /// Its place in the ciphertext.
    pub(super) offset: u64,
    length: usize,
    /// The file it is still to be read from; `None` if it is in the buffer already.
    file: Option<&'a dyn ReadAt>,
}

impl Segment<'_> {
    /// The block before it (`None` if there is none) and its bytes.
    #[expect(clippy::expect_used, reason = "held is a block and more")]
    pub(super) fn load<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> Result<(Option<&'b [u8; BLOCK]>, &'b mut [u8]), CipherError> {
        let held = &mut buffer[..BLOCK + self.length];
        if let Some(file) = self.file {
            match self.offset.checked_sub(BLOCK as u64) {
                Some(offset) => read_exact_at(file, held, offset)?,
                None => read_exact_at(file, &mut held[BLOCK..], 0)?,
            }
        }
        let (before, bytes) = held.split_first_chunk_mut().expect("a block");
        Ok(((self.offset > 0).then_some(before), bytes))
    }
}

/// Deals out an input's segments.
pub(super) struct Feed<'a> {
    input: Ciphertext<'a>,
    limits: Limits,
    number: u64,
    offset: u64,
    stream: Held,
}

/// What has been read of a stream beyond the segments dealt out.
#[derive(Default)]
struct Held {
    /// The last block of the last segment.
    before: [u8; BLOCK],
    /// At most one block: the input's last one when `ended`.
    rest: Vec<u8>,
    ended: bool,
}

impl<'a> Feed<'a> {
    pub(super) fn new(cipher: &Cipher, input: Ciphertext<'a>) -> Result<Self, CipherError> {
        let limits = match cipher {
            Cipher::Gcm(_) => Limits::GCM,
            Cipher::Cbc(_) => Limits::CBC,
        };
        if let Ciphertext::File { length, .. } = input {
            limits.check(length)?;
        }
        Ok(Self {
            input,
            limits,
            number: 0,
            offset: 0,
            stream: Held::default(),
        })
    }

    /// The input's length, where it is known beforehand.
    pub(super) fn length(&self) -> Option<u64> {
        match self.input {
            Ciphertext::File { length, .. } => Some(length),
            Ciphertext::Stream(_) => None,
        }
    }

    /// The next segment, `None` after the last. A stream's is read into `buffer`.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> Result<Option<Segment<'a>>, CipherError> {
        let (length, file) = match &mut self.input {
            Ciphertext::File { file, length } => {
                let rest = *length - BLOCK as u64 - self.offset;
                let length = usize::try_from(rest).unwrap_or(SEGMENT).min(SEGMENT);
                (length, Some(*file))
            }
            Ciphertext::Stream(stream) => {
                let length = self.stream.fill(*stream, buffer)?;
                let total = self.offset + (length + self.stream.rest.len()) as u64;
                if self.stream.ended {
                    self.limits.check(total)?;
                } else {
                    self.limits.check_longest(total)?;
                }
                (length, None)
            }
        };
        let segment = Segment {
            number: self.number,
            offset: self.offset,
            length,
            file,
        };
        self.number += 1;
        self.offset += length as u64;
        Ok((length > 0).then_some(segment))
    }

    /// After the last segment: bytes in front of the last block, the block before it (`None` if
    /// there is none), and the last block.
    pub(super) fn finish(self) -> Result<(u64, Option<[u8; BLOCK]>, LastBlock), CipherError> {
        let body = self.offset;
        let mut before = [0; BLOCK];
        let mut last = Zeroizing::new([0; BLOCK]);
        match self.input {
            Ciphertext::File { file, length } => {
                if let Some(offset) = body.checked_sub(BLOCK as u64) {
                    read_exact_at(file, &mut before, offset)?;
                }
                read_exact_at(file, &mut *last, body)?;
                let more = file.read_at(&mut [0], length).map_err(CipherError::Read)?;
                if more > 0 {
                    return Err(CipherError::Changed);
                }
            }
            Ciphertext::Stream(_) => {
                before = self.stream.before;
                last.copy_from_slice(&self.stream.rest);
            }
        }
        Ok((body, (body > 0).then_some(before), last))
    }
}

/// A tag, or a block of plaintext.
pub(super) type LastBlock = Zeroizing<[u8; BLOCK]>;

impl Held {
    /// Reads the next segment behind the block that `buffer` starts with; returns its length.
    fn fill(&mut self, stream: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, CipherError> {
        if self.ended {
            return Ok(0);
        }
        let (before, bytes) = buffer.split_at_mut(BLOCK);
        before.copy_from_slice(&self.before);
        let (held, free) = bytes.split_at_mut(self.rest.len());
        held.copy_from_slice(&self.rest);
        let read = read_full(stream, free).map_err(CipherError::Read)?;
        self.ended = read < free.len();
        let filled = self.rest.len() + read;
        let length = filled.saturating_sub(BLOCK);
        self.rest.clear();
        self.rest.extend_from_slice(&bytes[length..filled]);
        if let Some((_, block)) = bytes[..length].split_last_chunk() {
            self.before = *block;
        }
        Ok(length)
    }
}

/// How long a ciphertext can be, last block included.
struct Limits {
    blocks_only: bool,
    longest: u64,
}

/// Looks whether a ciphertext can have `length` bytes.
///
/// # Errors
/// [`CipherError::TooShort`], [`CipherError::TooLong`] or [`CipherError::Ragged`].
pub(crate) fn check_length(cipher: ContentCipher, length: u64) -> Result<(), CipherError> {
    match cipher {
        ContentCipher::Aes256Gcm { .. } => Limits::GCM.check(length),
        ContentCipher::Aes256Cbc { .. } => Limits::CBC.check(length),
    }
}

impl Limits {
    const GCM: Self = Self {
        blocks_only: false,
        longest: MAX_PLAINTEXT + BLOCK as u64,
    };
    const CBC: Self = Self {
        blocks_only: true,
        longest: u64::MAX,
    };

    fn check(&self, length: u64) -> Result<(), CipherError> {
        if length < BLOCK as u64 {
            return Err(CipherError::TooShort { length });
        }
        if self.blocks_only && !length.is_multiple_of(BLOCK as u64) {
            return Err(CipherError::Ragged { length });
        }
        self.check_longest(length)
    }

    fn check_longest(&self, length: u64) -> Result<(), CipherError> {
        if length > self.longest {
            return Err(CipherError::TooLong);
        }
        Ok(())
    }
}

/// Reads until `buffer` is full or the stream ends; returns the bytes read.
fn read_full(stream: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Fills `buffer` from `offset`; a file that ends before is not the file it was.
fn read_exact_at(
    file: &dyn ReadAt,
    mut buffer: &mut [u8],
    mut offset: u64,
) -> Result<(), CipherError> {
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => return Err(CipherError::Changed),
            Ok(n) => {
                buffer = &mut buffer[n..];
                offset += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CipherError::Read(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
    use aes_gcm::aead::{Aead, KeyInit};

    use super::super::{Cbc, Gcm};
    use super::*;
    use crate::envelope::{Iv, Padding};

    const KEY: [u8; 32] = [0x42; 32];

    /// Gives three bytes at a time, is interrupted before every second time, and fails once.
    struct Halting<'a> {
        bytes: &'a [u8],
        calls: AtomicUsize,
        /// The call that fails.
        failing: usize,
    }

    impl<'a> Halting<'a> {
        fn new(bytes: &'a [u8], failing: usize) -> Self {
            let calls = AtomicUsize::new(0);
            Self {
                bytes,
                calls,
                failing,
            }
        }
    }

    impl ReadAt for Halting<'_> {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            if call == self.failing {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            if call.is_multiple_of(2) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let offset = usize::try_from(offset).unwrap();
            let rest = self.bytes.get(offset..).unwrap_or_default();
            let count = rest.len().min(buffer.len()).min(3);
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    impl Read for Halting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.read_at(buffer, 0)?;
            self.bytes = &self.bytes[count..];
            Ok(count)
        }
    }

    #[test]
    fn every_piece_of_a_ciphertext_opens_by_itself() {
        let plaintext: Vec<u8> = (0..70).collect();
        let gcm = aes_gcm::Aes256Gcm::new(&KEY.into())
            .encrypt(&[3; 12].into(), &*plaintext)
            .unwrap();
        let cbc = cbc::Encryptor::<aes::Aes256>::new(&KEY.into(), &[9; 16].into())
            .encrypt_padded_vec::<Pkcs7>(&plaintext);
        for (cipher, sealed) in [
            (Cipher::Gcm(Gcm::new(&KEY, &[3; 12], &[])), gcm),
            (Cipher::Cbc(Cbc::new(&KEY, [9; 16])), cbc),
        ] {
            let file = Halting::new(&sealed, usize::MAX);
            // Up to the last whole block: what follows is the tag, or the padding.
            for (from, to) in (0..=64).flat_map(|to| (0..=to).map(move |from| (from, to))) {
                let mut piece = vec![0; to - from];
                cipher.read_at(&file, &mut piece, from as u64).unwrap();
                assert_eq!(piece, plaintext[from..to], "{from}..{to}");
            }
        }
    }

    #[test]
    fn a_file_that_ends_before_was_changed() {
        let cipher = Cipher::Cbc(Cbc::new(&KEY, [9; 16]));
        let read = |offset| {
            let file = Halting::new(&[7; 40], usize::MAX);
            cipher.read_at(&file, &mut [0; 16], offset)
        };
        assert!(matches!(read(16), Ok(())));
        assert!(matches!(read(32), Err(CipherError::Changed)));
    }

    #[test]
    fn what_cannot_be_read_once_is_not_passed_over() {
        let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        let cipher = Cipher::Cbc(Cbc::new(&KEY, [9; 16]));
        for failing in 0..10 {
            let mut stream = Halting::new(&[7; 40], failing);
            let read = cipher.read_at(&stream, &mut [0; 16], 0);
            assert!(matches!(read, Err(CipherError::Read(error)) if denied(&error)));
            stream.calls = AtomicUsize::new(0);
            let mut feed = Feed::new(&cipher, Ciphertext::Stream(&mut stream)).unwrap();
            let taken = feed.take(&mut vec![0; BUFFER]).err();
            assert!(matches!(taken, Some(CipherError::Read(error)) if denied(&error)));
        }
    }

    #[test]
    fn a_length_is_possible_or_too_short_too_long_or_ragged() {
        let gcm = |length| check_length(ContentCipher::Aes256Gcm { iv: [3; 12] }, length);
        let cbc = |length| {
            let (iv, padding) = (Iv::Given([9; 16]), Padding::Pkcs7);
            check_length(ContentCipher::Aes256Cbc { iv, padding }, length)
        };
        for possible in [gcm(16), gcm(17), gcm((1 << 36) - 16), cbc(16), cbc(1 << 40)] {
            assert!(matches!(possible, Ok(())));
        }
        for short in [gcm(15), cbc(0)] {
            assert!(matches!(short, Err(CipherError::TooShort { .. })));
        }
        assert!(matches!(gcm((1 << 36) - 15), Err(CipherError::TooLong)));
        assert!(matches!(cbc(17), Err(CipherError::Ragged { length: 17 })));
    }
}
