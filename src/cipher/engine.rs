//! Runs a [`Cipher`] over an input of any size with a fixed amount of memory.
//!
//! Every worker does the same: take the next segment, open it in place, put it where it belongs,
//! and, when all segments before it are done, hand it over in order. With one worker that is a
//! plain loop. The last block of the input (tag or padding) is kept out of the segments.

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};

use polyval::hazmat::FieldElement;
use zeroize::Zeroizing;

use super::feed::{BUFFER, Ciphertext, Feed, Segment};
use super::gcm::Running;
use super::{BLOCK, Cipher, CipherError, SEGMENT, lock, on_threads};

/// Below this many bytes threads cost more than they bring.
const WORTH_THREADS: u64 = 1 << 20;

/// A file that several threads write at once.
pub trait WriteAt: Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// As the operating system has it.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

/// What a pass over the whole input leaves to its caller.
#[derive(Debug)]
pub struct Tail {
    /// Bytes in front of the last block: all that was handed over.
    pub length: u64,
    /// The last block: GCM's tag, or CBC's last block of plaintext with its padding.
    pub last: Zeroizing<[u8; BLOCK]>,
}

/// How many workers, and whom to tell.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// Worker threads for one input; 1 means none beside the caller's. Fewer are used where the
    /// input has fewer segments, or the system declines to start more.
    pub threads: usize,
    /// Called in order with the bytes of ciphertext done since the last call.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Engine<'_> {
    /// Decrypts the whole input.
    ///
    /// Each segment is written to `place`, if there is one, in any order, and then given to
    /// `each` in order with its offset. For GCM all of it is unverified until this returns `Ok`.
    ///
    /// # Errors
    /// See [`CipherError`]. What was handed over before an error must not be used.
    pub fn decrypt(
        &self,
        cipher: &Cipher,
        input: Ciphertext,
        place: Option<&dyn WriteAt>,
        each: &mut (dyn FnMut(u64, &[u8]) -> io::Result<()> + Send),
    ) -> Result<Tail, CipherError> {
        self.run(cipher, input, Pass::Decrypt { place }, each)
    }

    /// Checks a GCM tag over the whole input; nothing is decrypted. For CBC, which has no tag,
    /// only the length is checked.
    ///
    /// # Errors
    /// See [`CipherError`].
    pub fn verify(&self, cipher: &Cipher, input: Ciphertext) -> Result<Tail, CipherError> {
        self.run(cipher, input, Pass::Verify, &mut |_, _| Ok(()))
    }

    fn run(
        &self,
        cipher: &Cipher,
        input: Ciphertext,
        pass: Pass,
        each: &mut (dyn FnMut(u64, &[u8]) -> io::Result<()> + Send),
    ) -> Result<Tail, CipherError> {
        let feed = Feed::new(cipher, input)?;
        let workers = match feed.length() {
            Some(length) if length < WORTH_THREADS => 1,
            Some(length) => {
                let segments = length.div_ceil(SEGMENT as u64);
                self.threads.min(segments.try_into().unwrap_or(usize::MAX))
            }
            None => self.threads,
        };
        let shared = Shared {
            cipher,
            pass,
            progress: self.progress,
            feed: Mutex::new(feed),
            turn: Mutex::new(Turn {
                next: 0,
                hash: match cipher {
                    Cipher::Gcm(gcm) => gcm.start(),
                    Cipher::Cbc(_) => Running::default(),
                },
                each,
                stopped: false,
            }),
            moved: Condvar::new(),
        };
        let results = on_threads(workers, || shared.run());
        results.into_iter().fold(Ok(()), Result::and)?;
        shared.finish()
    }
}

/// What is done with each segment.
enum Pass<'a> {
    Verify,
    Decrypt { place: Option<&'a dyn WriteAt> },
}

/// What the workers share.
struct Shared<'a, 'input, 'each> {
    cipher: &'a Cipher,
    pass: Pass<'a>,
    progress: &'a (dyn Fn(u64) + Sync),
    feed: Mutex<Feed<'input>>,
    turn: Mutex<Turn<'each>>,
    moved: Condvar,
}

/// What happens in order, one segment at a time.
struct Turn<'a> {
    /// The number of the segment whose turn it is.
    next: u64,
    /// GCM's hash of all segments before it.
    hash: Running,
    each: &'a mut (dyn FnMut(u64, &[u8]) -> io::Result<()> + Send),
    stopped: bool,
}

impl Shared<'_, '_, '_> {
    /// One worker, from its first segment to its last.
    fn run(&self) -> Result<(), CipherError> {
        let mut buffer = Zeroizing::new(vec![0; BUFFER]);
        let result = self.segments(&mut buffer);
        if result.is_err() {
            lock(&self.turn).stopped = true;
            self.moved.notify_all();
        }
        result
    }

    fn segments(&self, buffer: &mut [u8]) -> Result<(), CipherError> {
        loop {
            let taken = lock(&self.feed).take(buffer)?;
            let Some(segment) = taken else {
                return Ok(());
            };
            let (before, bytes) = segment.load(buffer)?;
            let part = self.open(&segment, before, bytes);
            if let Pass::Decrypt { place: Some(file) } = self.pass {
                file.write_all_at(bytes, segment.offset)
                    .map_err(CipherError::Write)?;
            }
            if !self.hand_over(&segment, bytes, part)? {
                return Ok(());
            }
        }
    }

    fn open(
        &self,
        segment: &Segment,
        before: Option<&[u8; BLOCK]>,
        bytes: &mut [u8],
    ) -> FieldElement {
        match (self.cipher, &self.pass) {
            (Cipher::Gcm(gcm), Pass::Verify) => gcm.hash(bytes),
            (Cipher::Gcm(gcm), Pass::Decrypt { .. }) => gcm.open(segment.offset, bytes),
            (Cipher::Cbc(_), Pass::Verify) => FieldElement::default(),
            (Cipher::Cbc(cbc), Pass::Decrypt { .. }) => {
                cbc.open(before, bytes);
                FieldElement::default()
            }
        }
    }

    /// Waits for the segment's turn; false if another worker failed meanwhile.
    fn hand_over(
        &self,
        segment: &Segment,
        bytes: &[u8],
        part: FieldElement,
    ) -> Result<bool, CipherError> {
        let mut turn = self
            .moved
            .wait_while(lock(&self.turn), |turn| {
                !turn.stopped && turn.next != segment.number
            })
            .unwrap_or_else(PoisonError::into_inner);
        if turn.stopped {
            return Ok(false);
        }
        if let Cipher::Gcm(gcm) = self.cipher {
            gcm.fold(&mut turn.hash, part, bytes.len());
        }
        if let Pass::Decrypt { .. } = self.pass {
            (turn.each)(segment.offset, bytes).map_err(CipherError::Write)?;
        }
        turn.next += 1;
        drop(turn);
        self.moved.notify_all();
        (self.progress)(bytes.len() as u64);
        Ok(true)
    }

    /// The last block: compares the tag, or decrypts the padding.
    fn finish(self) -> Result<Tail, CipherError> {
        let feed = self
            .feed
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let turn = self
            .turn
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let (length, before, mut last) = feed.finish()?;
        match self.cipher {
            Cipher::Gcm(gcm) if !gcm.verify(&turn.hash, &last) => return Err(CipherError::Tag),
            Cipher::Gcm(_) => {}
            Cipher::Cbc(cbc) => cbc.open(before.as_ref(), &mut *last),
        }
        Ok(Tail { length, last })
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "made-up data")]
mod tests {
    use std::io::Read;
    use std::sync::Mutex;

    use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
    use aes_gcm::aead::{Aead, KeyInit};
    use proptest::prelude::*;

    use super::super::{Cbc, Ciphertext, Gcm, ReadAt, SEGMENT};
    use super::*;

    const KEY: [u8; 32] = [0x42; 32];

    /// A reader that returns pieces of the given sizes, over and over.
    struct Pieces<'a>(&'a [u8], Vec<usize>, usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.2 += 1;
            if self.2.is_multiple_of(7) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let size = buffer.len().min(self.1[self.2 % self.1.len()]);
            self.0.read(&mut buffer[..size])
        }
    }

    struct Memory(Vec<u8>);

    impl ReadAt for Memory {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let rest = self.0.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    struct Placed(Mutex<Vec<u8>>);

    impl WriteAt for Placed {
        fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            let mut placed = self.0.lock().unwrap();
            let end = offset as usize + bytes.len();
            if placed.len() < end {
                placed.resize(end, 0);
            }
            placed[offset as usize..end].copy_from_slice(bytes);
            Ok(())
        }
    }

    fn plaintext(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 7 + i / 253) as u8).collect()
    }

    fn sealed(cbc: bool, plaintext: &[u8]) -> (Cipher, Vec<u8>) {
        if cbc {
            let encryptor = cbc::Encryptor::<aes::Aes256>::new(&KEY.into(), &[9; 16].into());
            let sealed = encryptor.encrypt_padded_vec::<Pkcs7>(plaintext);
            (Cipher::Cbc(Cbc::new(&KEY, [9; 16])), sealed)
        } else {
            let sealed = aes_gcm::Aes256Gcm::new(&KEY.into())
                .encrypt(&[3; 12].into(), plaintext)
                .unwrap();
            (Cipher::Gcm(Gcm::new(&KEY, &[3; 12], &[])), sealed)
        }
    }

    /// All the plaintext, in order, or why not.
    fn open(
        cipher: &Cipher,
        input: Ciphertext,
        threads: usize,
        place: Option<&dyn WriteAt>,
    ) -> Result<Vec<u8>, CipherError> {
        let engine = Engine {
            threads,
            progress: &|_| (),
        };
        let mut out = Vec::new();
        let opened = engine.decrypt(cipher, input, place, &mut |offset, bytes| {
            assert_eq!(offset, out.len() as u64);
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        assert_eq!(opened.length, out.len() as u64);
        if let Cipher::Cbc(_) = cipher {
            let padding = usize::from(opened.last[BLOCK - 1]);
            out.extend_from_slice(&opened.last[..BLOCK - padding]);
        }
        Ok(out)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_chunking_and_thread_count_equals_one_shot(
            cbc: bool,
            length in prop_oneof![0..100_usize, SEGMENT - 40..SEGMENT + 40, 0..4 * SEGMENT, 6 * SEGMENT..8 * SEGMENT],
            pieces in proptest::collection::vec(1..300_000_usize, 1..8),
            threads in 1..5_usize,
        ) {
            let expected = plaintext(length);
            let (cipher, sealed) = sealed(cbc, &expected);

            let mut stream = Pieces(&sealed, pieces, 0);
            prop_assert!(open(&cipher, Ciphertext::Stream(&mut stream), threads, None).unwrap() == expected);

            let file = Memory(sealed);
            let input = || Ciphertext::File { file: &file, length: file.0.len() as u64 };
            let placed = Placed(Mutex::default());
            prop_assert!(open(&cipher, input(), threads, Some(&placed)).unwrap() == expected);
            let placed = placed.0.into_inner().unwrap();
            prop_assert!(placed == expected[..placed.len()] && placed.len() + 16 > expected.len());
            let engine = Engine { threads, progress: &|_| () };
            prop_assert!(engine.verify(&cipher, input()).is_ok());
        }
    }

    #[test]
    fn every_cut_and_every_flipped_byte_of_a_gcm_recording_is_refused() {
        let (cipher, sealed) = sealed(false, &plaintext(300));
        for length in 0..sealed.len() {
            let error =
                open(&cipher, Ciphertext::Stream(&mut &sealed[..length]), 1, None).unwrap_err();
            match error {
                CipherError::TooShort { .. } => assert!(length < BLOCK),
                CipherError::Tag => assert!(length >= BLOCK),
                other => panic!("{length}: {other:?}"),
            }
        }
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 0x10;
            let error = open(&cipher, Ciphertext::Stream(&mut &flipped[..]), 1, None).unwrap_err();
            assert!(matches!(error, CipherError::Tag), "{at}: {error:?}");
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_before_reading() {
        struct Unread;
        impl ReadAt for Unread {
            fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
                panic!("it was read")
            }
        }
        let (gcm, _) = sealed(false, b"");
        let (cbc, _) = sealed(true, b"");
        let refuse = |cipher, length| {
            let input = Ciphertext::File {
                file: &Unread,
                length,
            };
            open(cipher, input, 1, None).unwrap_err()
        };
        assert!(matches!(
            refuse(&gcm, 15),
            CipherError::TooShort { length: 15 }
        ));
        assert!(matches!(refuse(&gcm, (1 << 36) - 15), CipherError::TooLong));
        assert!(matches!(
            refuse(&cbc, 0),
            CipherError::TooShort { length: 0 }
        ));
        assert!(matches!(
            refuse(&cbc, 17),
            CipherError::Ragged { length: 17 }
        ));
    }

    #[test]
    fn a_file_that_shrank_or_grew_is_not_taken_for_whole() {
        let (cipher, sealed) = sealed(false, &plaintext(1000));
        let length = sealed.len() as u64;
        for wrong in [length - 1, length + 1] {
            let file = Memory(sealed.clone());
            let input = Ciphertext::File {
                file: &file,
                length: wrong,
            };
            let error = open(&cipher, input, 1, None).unwrap_err();
            assert!(matches!(error, CipherError::Changed), "{wrong}: {error:?}");
        }
    }

    #[test]
    fn a_failing_sink_stops_every_worker() {
        let (cipher, sealed) = sealed(false, &plaintext(9 * SEGMENT));
        for threads in 1..4 {
            let engine = Engine {
                threads,
                progress: &|_| (),
            };
            let mut calls = 0;
            let result = engine.decrypt(
                &cipher,
                Ciphertext::Stream(&mut &sealed[..]),
                None,
                &mut |_, _| {
                    calls += 1;
                    if calls == 3 {
                        Err(io::ErrorKind::StorageFull.into())
                    } else {
                        Ok(())
                    }
                },
            );
            assert!(matches!(result, Err(CipherError::Write(_))), "{result:?}");
            assert_eq!(calls, 3);
        }
    }
}
