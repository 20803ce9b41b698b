//! A recording that was verified once, and is then read at any place.

use std::io;

#[cfg(feature = "waveform")]
use super::{Declared, Destination, copy};
use super::{Error, Opener, Opening, Options, Outcome};
use crate::cipher::{Cipher, CipherError, ReadAt, SEGMENT};
use crate::io::{Source, Stored};

/// A verified recording whose plaintext is decrypted where it is asked for: with GCM by the
/// counter, with CBC by the block before. It holds no plaintext, and threads can share it.
pub struct Verified {
    /// `None` where it is not encrypted.
    cipher: Option<Cipher>,
    source: Stored,
    outcome: Outcome,
}

/// Verifies all of `source`, as [`Destination::Check`] does, and keeps
/// it to be read. A stream is kept in an unnamed temporary file, as ciphertext.
///
/// # Errors
/// See [`Error`].
pub fn verify(opener: Opener, source: Source, options: Options) -> Result<Verified, Error> {
    let source = source.rereadable().map_err(Error::Spool)?;
    let mut opening = Opening::new(opener, source, options)?;
    let outcome = opening.verify()?;
    let verified = Verified {
        cipher: Some(opening.opener.cipher),
        source: opening.source.stored().map_err(Error::Spool)?,
        outcome,
    };
    verified.check_unchanged()?;
    Ok(verified)
}

/// The same of a recording that is not encrypted: all of it is read, and held against what is
/// `declared` of it.
///
/// # Errors
/// See [`Error`].
#[cfg(feature = "waveform")]
pub(crate) fn verify_plain(
    source: Source,
    declared: Declared,
    options: Options,
) -> Result<Verified, Error> {
    let source = source.stored().map_err(Error::Spool)?;
    let verified = Verified {
        cipher: None,
        outcome: copy(source.clone().into(), declared, Destination::Check, options)?,
        source,
    };
    verified.check_unchanged()?;
    Ok(verified)
}

impl Verified {
    /// What was verified.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Bytes of memory that what is read takes.
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "it is about playback")
    )]
    pub(crate) fn memory(&self) -> u64 {
        self.source.memory()
    }

    /// Bytes of plaintext.
    pub fn len(&self) -> u64 {
        self.outcome.bytes_out
    }

    /// Whether there is no plaintext.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads plaintext at `offset`; returns the bytes read, which may be fewer than `buffer` has
    /// room for, and are none at and behind the end only.
    ///
    /// # Errors
    /// As the operating system has it; [`CipherError::Changed`] within an [`io::Error`] if the
    /// file was written to since it was verified, as far as its length and the time of its last
    /// write show that. Nothing in `buffer` is to be used then.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = buffer.len().min(rest).min(SEGMENT);
        let (wanted, _) = buffer.split_at_mut(count);
        self.read(wanted, offset)
            .and_then(|()| self.check_unchanged())
            .map_err(|error| match error {
                CipherError::Read(error) => error,
                error => io::Error::other(error),
            })?;
        Ok(count)
    }

    /// Fills all of `buffer`.
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), CipherError> {
        if let Some(cipher) = &self.cipher {
            return cipher.read_at(&self.source, buffer, offset);
        }
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read_at(rest, offset + filled as u64) {
                Ok(0) => return Err(CipherError::Changed),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(CipherError::Read(error)),
            }
        }
        Ok(())
    }

    fn check_unchanged(&self) -> Result<(), CipherError> {
        match self.source.is_unchanged() {
            Ok(true) => Ok(()),
            Ok(false) => Err(CipherError::Changed),
            Err(error) => Err(CipherError::Read(error)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "made-up data")]
mod tests {
    use std::io::Write;

    use aes_gcm::aead::{AeadInOut, KeyInit};
    use cbc::cipher::{
        BlockModeEncrypt, KeyIvInit,
        block_padding::{NoPadding, Pkcs7},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::cipher::{Cbc, Gcm};
    use crate::envelope::{Container, Expected, Padding};
    use crate::io::Part;

    const KEY: [u8; 32] = [0x42; 32];

    /// How a made recording is encrypted and laid out.
    #[derive(Clone, Copy, Debug)]
    enum Kind {
        Gcm,
        /// Nonce, tag, ciphertext; the engine sees it rearranged.
        ArrangedGcm,
        Pkcs7,
        /// IV, ciphertext.
        ArrangedCbc,
        PaddedPackets,
        ZeroFilledPackets,
    }

    fn options() -> Options<'static> {
        Options {
            threads: 2,
            ..Options::default()
        }
    }

    /// Null packets' headers with other bytes in them.
    fn packets(count: usize) -> Vec<u8> {
        let packet = |number: usize| {
            let mut packet = vec![0x47, 0x1f, 0xff, 0x10];
            packet.extend((4..188).map(|at| (at * 7 + number * 13) as u8));
            packet
        };
        (0..count).flat_map(packet).collect()
    }

    fn sealed(kind: Kind, plaintext: &[u8]) -> Vec<u8> {
        let cbc = || cbc::Encryptor::<aes::Aes256>::new(&KEY.into(), &[9; 16].into());
        let gcm = || {
            let mut bytes = plaintext.to_vec();
            let tag = aes_gcm::Aes256Gcm::new(&KEY.into())
                .encrypt_inout_detached(&[3; 12].into(), &[], bytes.as_mut_slice().into())
                .unwrap();
            (bytes, tag.to_vec())
        };
        match kind {
            Kind::Gcm => {
                let (bytes, tag) = gcm();
                [bytes, tag].concat()
            }
            Kind::ArrangedGcm => {
                let (bytes, tag) = gcm();
                [vec![3; 12], tag, bytes].concat()
            }
            Kind::Pkcs7 | Kind::PaddedPackets => cbc().encrypt_padded_vec::<Pkcs7>(plaintext),
            Kind::ArrangedCbc => {
                let bytes = cbc().encrypt_padded_vec::<Pkcs7>(plaintext);
                [vec![9; 16], bytes].concat()
            }
            Kind::ZeroFilledPackets => {
                let mut filled = plaintext.to_vec();
                filled.resize(filled.len().next_multiple_of(16), 0);
                cbc().encrypt_padded_vec::<NoPadding>(&filled)
            }
        }
    }

    fn opener(kind: Kind) -> Opener {
        Opener {
            cipher: match kind {
                Kind::Gcm | Kind::ArrangedGcm => Cipher::Gcm(Gcm::new(&KEY, &[3; 12], &[])),
                _ => Cipher::Cbc(Cbc::new(&KEY, [9; 16])),
            },
            padding: match kind {
                Kind::PaddedPackets | Kind::ZeroFilledPackets => Padding::TransportStream,
                _ => Padding::Pkcs7,
            },
            expected: Expected {
                containers: &[Container::MpegTs],
                ..Expected::default()
            },
        }
    }

    fn verified(kind: Kind, plaintext: &[u8]) -> Result<Verified, Error> {
        let file = sealed(kind, plaintext);
        let length = file.len() as u64;
        let source = Source::from_reader(io::Cursor::new(file), Some(length));
        let stored = source.stored().unwrap();
        let arranged = match kind {
            Kind::ArrangedGcm => stored.arranged(vec![Part::File(28..length), Part::File(12..28)]),
            Kind::ArrangedCbc => stored.arranged(vec![Part::File(16..length)]),
            _ => stored,
        };
        verify(opener(kind), arranged.into(), options())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_place_is_what_one_shot_encryption_was_given(
            kind in prop_oneof![
                Just(Kind::Gcm), Just(Kind::ArrangedGcm), Just(Kind::Pkcs7),
                Just(Kind::ArrangedCbc), Just(Kind::PaddedPackets), Just(Kind::ZeroFilledPackets),
            ],
            count in prop_oneof![5..40_usize, 1020..3100_usize],
            places in proptest::collection::vec((0..1_u64 << 32, 0..300_000_usize), 1..20),
        ) {
            let plaintext = packets(count);
            let verified = verified(kind, &plaintext).unwrap();
            prop_assert_eq!(verified.len(), plaintext.len() as u64);
            let length = plaintext.len() as u64;
            let ends = [(0, 1), (length - 1, 9), (length, 9), (u64::MAX, 9), (3, 0)];
            for (at, size) in places.into_iter().map(|(at, size)| (at % length, size)).chain(ends) {
                let mut buffer = vec![0xEE; size];
                let read = verified.read_at(&mut buffer, at).unwrap();
                let rest = plaintext.get(at as usize..).unwrap_or_default();
                prop_assert_eq!(read, size.min(rest.len()).min(SEGMENT));
                prop_assert!(buffer[..read] == rest[..read], "{:?} at {}", kind, at);
                prop_assert!(buffer[read..].iter().all(|&byte| byte == 0xEE));
            }
        }
    }

    #[test]
    fn what_does_not_verify_cannot_be_read() {
        let mut file = sealed(Kind::Gcm, &packets(9));
        file[700] ^= 1;
        let source = Source::from_reader(io::Cursor::new(file), None);
        let result = verify(opener(Kind::Gcm), source, options());
        assert!(matches!(result, Err(Error::Cipher(CipherError::Tag))));
        let result = verified(Kind::PaddedPackets, &packets(9)[..1000]);
        assert!(matches!(result, Err(Error::Padding(_))));
    }

    #[test]
    fn a_file_that_changes_after_verification_is_not_read_on() {
        let plaintext = packets(9);
        for kind in [Kind::Gcm, Kind::PaddedPackets] {
            for grows in [true, false] {
                let mut file = tempfile::NamedTempFile::new().unwrap();
                let bytes = sealed(kind, &plaintext);
                file.write_all(&bytes).unwrap();
                let source = Source::open(file.path()).unwrap();
                let verified = verify(opener(kind), source, options()).unwrap();
                assert_eq!(verified.read_at(&mut [0; 40], 100).unwrap(), 40);
                if grows {
                    file.write_all(&[0]).unwrap();
                } else {
                    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
                    file.as_file().set_modified(later).unwrap();
                }
                let error = verified.read_at(&mut [0; 40], 100).unwrap_err();
                assert!(error.to_string().contains("changed"), "{error}");
            }
        }
    }

    #[cfg(feature = "waveform")]
    #[test]
    fn what_is_not_encrypted_is_read_as_it_is() {
        let plaintext = packets(7000);
        let source = || Source::from_reader(io::Cursor::new(packets(7000)), None);
        let verified = verify_plain(source(), Declared::default(), options()).unwrap();
        assert_eq!(verified.len(), plaintext.len() as u64);
        for (at, size) in [(0, 1), (12_345, 300_000), (plaintext.len() - 3, 9)] {
            let mut buffer = vec![0; size];
            let read = verified.read_at(&mut buffer, at as u64).unwrap();
            let rest = &plaintext[at..];
            assert_eq!(read, size.min(rest.len()).min(SEGMENT));
            assert!(buffer[..read] == rest[..read], "{at}");
        }
        assert_eq!(verified.read_at(&mut [0; 9], verified.len()).unwrap(), 0);
        let declared = Declared {
            length: Some(9),
            sha256: None,
        };
        assert!(matches!(
            verify_plain(source(), declared, options()),
            Err(Error::Length { declared: 9, .. })
        ));
    }

    #[test]
    fn threads_share_it() {
        let plaintext = packets(3000);
        let verified = verified(Kind::Gcm, &plaintext).unwrap();
        let results = crate::cipher::on_threads(4, || {
            let mut buffer = vec![0; 10_000];
            let read = verified.read_at(&mut buffer, 12_345).unwrap();
            buffer[..read] == plaintext[12_345..12_345 + read]
        });
        assert_eq!(results, [true; 4]);
    }
}
