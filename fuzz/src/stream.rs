//! The stream decryptor against one-shot decryption.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use aes::Aes256;
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::Aead;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use unreel::internals::cipher::{
    BLOCK, Cbc, Cipher, Ciphertext, Engine, Gcm, ReadAt, SEGMENT, Tail, WriteAt,
};
use unreel::internals::pipeline::ending;
use unreel::{CipherError, Padding};

use crate::Random;

/// Short recordings: any piece sizes, 1 to 4 threads, file or stream, damaged or not.
///
/// Eight bytes choose, the rest is the plaintext's start.
pub fn stream(data: &[u8]) {
    check(data, 1 << 11);
}

/// The same over several segments, where threads work side by side.
pub fn stream_segments(data: &[u8]) {
    check(data, 7 * SEGMENT);
}

/// What is done with one input.
struct Case {
    cipher: OneShot,
    plaintext: Vec<u8>,
    damage: Damage,
    threads: usize,
    from_file: bool,
    /// The most bytes that a read returns.
    piece: usize,
}

/// What befalls a ciphertext.
#[derive(Clone, Copy, Debug)]
enum Damage {
    None,
    Flip { at: usize, mask: u8 },
    Cut { bytes: usize },
    Grow { bytes: usize },
}

fn check(data: &[u8], longest: usize) {
    let Some(case) = Case::read(data, longest) else {
        return;
    };
    let sound = case.cipher.seal(&case.plaintext);
    let sealed = case.damage.done_to(sound.clone());
    let expected = case.cipher.open(&sealed);
    let is_whole = case.plaintext.len().is_multiple_of(188) && !case.plaintext.is_empty();
    let comes_back = match case.cipher.padding {
        None | Some(Padding::Pkcs7) => true,
        Some(Padding::TransportStream) => is_whole,
        Some(Padding::Keep) => false,
    };
    if sealed == sound && comes_back {
        assert!(expected.as_ref() == Some(&case.plaintext), "not sealed");
    }
    if sealed != sound && case.cipher.padding.is_none() {
        assert!(expected.is_none(), "GCM, {:?}", case.damage);
    }
    let found = if case.from_file {
        case.open_file(sealed)
    } else {
        case.open_stream(&sealed)
    };
    assert!(
        found == expected,
        "not what one-shot decryption gives: {:?}",
        case.damage
    );
}

impl Case {
    fn read(data: &[u8], longest: usize) -> Option<Self> {
        let (&control, start) = data.split_first_chunk::<8>()?;
        let [choice, how, size, more_size, damage, at, more_at, mask] = control;
        let mut random = Random::of(data);
        let padding = match choice % 6 {
            0..=2 => None,
            3 => Some(Padding::Pkcs7),
            4 => Some(Padding::TransportStream),
            _ => Some(Padding::Keep),
        };
        let at = usize::from(u16::from_le_bytes([at, more_at]));
        let size = usize::from(u16::from_le_bytes([size, more_size]));
        // Whole packets now and then, whole blocks where there is no padding.
        let length = (start.len() + size * 37) % longest;
        let length = match padding {
            Some(Padding::TransportStream) if choice >= 64 => length - length % 188,
            _ => length,
        };
        let mut plaintext: Vec<u8> = start.iter().copied().take(length).collect();
        let period: [u8; 251] = random.bytes();
        plaintext.extend(period.iter().cycle().take(length - plaintext.len()));
        let bytes = 1 + at % 40;
        Some(Self {
            cipher: OneShot {
                key: random.bytes(),
                iv: random.bytes(),
                padding,
                zeros: choice >= 160,
            },
            plaintext,
            damage: match damage % 8 {
                0..=2 => Damage::None,
                3..=5 => Damage::Flip {
                    at: at.wrapping_mul(1 + usize::from(damage)),
                    mask: mask.max(1),
                },
                6 => Damage::Cut { bytes },
                _ => Damage::Grow { bytes },
            },
            threads: 1 + usize::from(how % 4),
            from_file: how & 4 != 0,
            piece: [1, 15, 16, 17, 4096, 65_536, SEGMENT, SEGMENT + 17][usize::from(how >> 5)]
                .max(longest >> 11),
        })
    }

    fn open_stream(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut pieces = Pieces {
            rest: sealed,
            random: Random::of(&self.cipher.iv),
            longest: self.piece,
        };
        self.open(Ciphertext::Stream(&mut pieces), None)
    }

    /// Verified first, like standard output, and put in its place by each worker, like a file.
    fn open_file(&self, sealed: Vec<u8>) -> Option<Vec<u8>> {
        let file = Memory {
            bytes: sealed,
            longest: self.piece,
        };
        let input = || Ciphertext::File {
            file: &file,
            length: file.bytes.len() as u64,
        };
        let verified = self.engine().verify(&self.cipher.streaming(), input());
        let placed = Placed::default();
        let found = self.open(input(), Some(&placed));
        if self.cipher.padding.is_none() {
            assert_eq!(verified.is_ok(), found.is_some());
        }
        if let Some(found) = &found {
            let placed = placed
                .0
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner);
            let common = placed.len().min(found.len());
            assert!(placed[..common] == found[..common]);
            assert!(placed.len().abs_diff(found.len()) <= BLOCK);
        }
        found
    }

    fn engine(&self) -> Engine<'static> {
        Engine {
            threads: self.threads,
            progress: &|_| (),
        }
    }

    /// The plaintext that was handed over in order, or `None` if it was refused.
    fn open(&self, input: Ciphertext, place: Option<&dyn WriteAt>) -> Option<Vec<u8>> {
        let mut plaintext = Vec::new();
        let opened = self.engine().decrypt(
            &self.cipher.streaming(),
            input,
            place,
            &mut |offset, bytes| {
                assert_eq!(offset, plaintext.len() as u64, "out of order");
                plaintext.extend_from_slice(bytes);
                Ok(())
            },
        );
        match opened {
            Ok(Tail { length, last }) => {
                assert_eq!(length, plaintext.len() as u64);
                if let Some(padding) = self.cipher.padding {
                    let kept = ending::kept(padding, length + BLOCK as u64, &last).ok()?;
                    plaintext.extend_from_slice(&last[..kept]);
                }
                Some(plaintext)
            }
            Err(CipherError::Tag | CipherError::TooShort { .. } | CipherError::Ragged { .. }) => {
                None
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

impl Damage {
    fn done_to(self, mut sealed: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => {}
            Self::Flip { at, mask } => {
                let length = sealed.len().max(1);
                if let Some(byte) = sealed.get_mut(at % length) {
                    *byte ^= mask;
                }
            }
            Self::Cut { bytes } => sealed.truncate(sealed.len().saturating_sub(bytes)),
            Self::Grow { bytes } => sealed.extend(std::iter::repeat_n(0xA5, bytes)),
        }
        sealed
    }
}

/// A whole recording at once, by other code: the aes-gcm crate, the cbc crate.
struct OneShot {
    key: [u8; 32],
    iv: [u8; BLOCK],
    /// Of CBC; `None` is GCM.
    padding: Option<Padding>,
    /// Fill up a transport stream's last block with zeros.
    zeros: bool,
}

impl OneShot {
    fn streaming(&self) -> Cipher {
        match self.padding {
            None => Cipher::Gcm(Gcm::new(&self.key, self.nonce(), &[])),
            Some(_) => Cipher::Cbc(Cbc::new(&self.key, self.iv)),
        }
    }

    fn nonce(&self) -> &[u8; 12] {
        self.iv.first_chunk().expect("12 of 16 bytes")
    }

    fn gcm(&self) -> Aes256Gcm {
        aes_gcm::KeyInit::new(&self.key.into())
    }

    fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        let cbc = cbc::Encryptor::<Aes256>::new(&self.key.into(), &self.iv.into());
        match self.padding {
            None => {
                let sealed = self.gcm().encrypt(self.nonce().into(), plaintext);
                sealed.expect("short enough for GCM")
            }
            Some(Padding::Keep) => {
                let blocks = plaintext.len() - plaintext.len() % BLOCK;
                cbc.encrypt_padded_vec::<NoPadding>(&plaintext[..blocks])
            }
            Some(Padding::TransportStream) if self.zeros => {
                let mut filled = plaintext.to_vec();
                filled.resize(plaintext.len().next_multiple_of(BLOCK), 0);
                cbc.encrypt_padded_vec::<NoPadding>(&filled)
            }
            Some(_) => cbc.encrypt_padded_vec::<Pkcs7>(plaintext),
        }
    }

    /// `None` if it must be refused.
    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let cbc = || cbc::Decryptor::<Aes256>::new(&self.key.into(), &self.iv.into());
        let blocks = || cbc().decrypt_padded_vec::<NoPadding>(sealed).ok();
        match self.padding {
            None => self.gcm().decrypt(self.nonce().into(), sealed).ok(),
            Some(_) if sealed.is_empty() => None,
            Some(Padding::Pkcs7) => cbc().decrypt_padded_vec::<Pkcs7>(sealed).ok(),
            Some(Padding::Keep) => blocks(),
            Some(Padding::TransportStream) => whole_packets(blocks()?),
        }
    }
}

/// The one way to take 0 to 16 bytes of padding off that leaves whole packets; what is taken off
/// must be PKCS#7 or zeros.
fn whole_packets(mut plaintext: Vec<u8>) -> Option<Vec<u8>> {
    let stripped = plaintext.len() % 188;
    let (_, padding) = plaintext.split_at(plaintext.len() - stripped.min(BLOCK));
    let all = |value: usize| padding.iter().all(|&byte| usize::from(byte) == value);
    if stripped > BLOCK || !(all(stripped) || all(0)) {
        return None;
    }
    plaintext.truncate(plaintext.len() - stripped);
    Some(plaintext)
}

/// A stream that returns what it likes, and is interrupted now and then.
struct Pieces<'a> {
    rest: &'a [u8],
    random: Random,
    longest: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.random.below(self.longest + 1).min(buffer.len());
        if size == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.rest.read(&mut buffer[..size])
    }
}

/// A file that gives fewer bytes than it was asked for.
struct Memory {
    bytes: Vec<u8>,
    longest: usize,
}

impl ReadAt for Memory {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut rest = self.bytes.get(offset..).unwrap_or_default();
        let size = buffer.len().min(self.longest);
        rest.read(&mut buffer[..size])
    }
}

/// What workers wrote.
#[derive(Default)]
struct Placed(Mutex<Vec<u8>>);

impl WriteAt for Placed {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut placed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start + bytes.len();
        if placed.len() < end {
            placed.resize(end, 0);
        }
        placed[start..end].copy_from_slice(bytes);
        Ok(())
    }
}
