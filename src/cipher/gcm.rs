//! AES-256-GCM (SP 800-38D) in segments: the keystream at any offset, and GHASH of segments
//! hashed apart and folded in order.
//!
//! aes-gcm offers one-shot decryption only; it is the oracle of this file's tests.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipher};
use ctr::{Ctr32BE, CtrCore};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use polyval::hazmat::FieldElement;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{BLOCK, SEGMENT};

/// The longest plaintext under one IV, in bytes: 2^36 - 32 (SP 800-38D, section 5.2.1.1).
pub(crate) const MAX_PLAINTEXT: u64 = (1 << 36) - 32;

/// Bytes hashed and decrypted at a time, so that the second step finds them in the L1 cache.
const STEP: usize = 16 * 1024;

/// A GCM key and IV.
pub struct Gcm {
    aes: Aes256,
    /// GHASH under H with nothing hashed yet.
    ghash: GHash,
    /// H in POLYVAL's terms (RFC 8452, appendix A).
    h: FieldElement,
    /// H^(blocks in a segment).
    h_segment: FieldElement,
    /// The pre-counter block J0.
    j0: [u8; BLOCK],
    /// GHASH of the padded additional data, and its length in bytes.
    aad: (FieldElement, u64),
}

impl Gcm {
    /// A decryptor for this key, the IV of 12 bytes that providers use, and additional
    /// authenticated data.
    pub fn new(key: &[u8; 32], iv: &[u8; 12], aad: &[u8]) -> Self {
        let mut gcm = Self::without_iv(key, aad);
        let [head @ .., _, _, _, counter] = &mut gcm.j0;
        *head = *iv;
        *counter = 1;
        gcm
    }

    /// The same for an IV of any length. `None` if it is empty: "1 <= len(IV) <= 2^64-1"
    /// (SP 800-38D, section 5.2.1.1), because every message would then start at the same J0 = 0,
    /// whose encryption is H, the secret that the tag hangs on.
    pub fn with_iv(key: &[u8; 32], iv: &[u8], aad: &[u8]) -> Option<Self> {
        if let Ok(iv) = iv.try_into() {
            return Some(Self::new(key, iv, aad));
        }
        if iv.is_empty() {
            return None;
        }
        let mut gcm = Self::without_iv(key, aad);
        let mut lengths = [0; BLOCK];
        lengths[8..].copy_from_slice(&(iv.len() as u64 * 8).to_be_bytes());
        let mut ghash = gcm.ghash.clone();
        ghash.update_padded(iv);
        ghash.update(&[lengths.into()]);
        gcm.j0 = ghash.finalize().into();
        Some(gcm)
    }

    fn without_iv(key: &[u8; 32], aad: &[u8]) -> Self {
        let aes = Aes256::new(key.into());
        let mut h_block = Array::default();
        aes.encrypt_block(&mut h_block);
        let h = FieldElement::from(h_block).reverse().mulx();
        let ghash = GHash::new(&h_block);
        h_block.zeroize();
        let mut gcm = Self {
            aes,
            ghash,
            h,
            h_segment: power(h, blocks(SEGMENT)),
            j0: [0; BLOCK],
            aad: (FieldElement::default(), 0),
        };
        gcm.aad = (gcm.hash(aad), aad.len() as u64);
        gcm
    }

    /// Hashes, then decrypts `segment` in place. `offset` is its place in the ciphertext, a
    /// multiple of 16.
    pub(super) fn open(&self, offset: u64, segment: &mut [u8]) -> FieldElement {
        let mut ghash = self.ghash.clone();
        let mut keystream = self.keystream(offset);
        for step in segment.chunks_mut(STEP) {
            ghash.update_padded(step);
            keystream.apply_keystream(step);
        }
        element(ghash)
    }

    /// Decrypts bytes at `offset`, a multiple of 16, in place, unverified.
    pub(super) fn apply(&self, offset: u64, bytes: &mut [u8]) {
        self.keystream(offset).apply_keystream(bytes);
    }

    /// GHASH of one segment by itself; the last block is padded with zeros.
    pub(super) fn hash(&self, segment: &[u8]) -> FieldElement {
        let mut ghash = self.ghash.clone();
        ghash.update_padded(segment);
        element(ghash)
    }

    /// The empty ciphertext's running hash.
    pub(super) fn start(&self) -> Running {
        Running {
            hash: self.aad.0,
            length: 0,
        }
    }

    /// Appends a segment's hash. All segments but the last are [`SEGMENT`] bytes long.
    pub(super) fn fold(&self, running: &mut Running, part: FieldElement, length: usize) {
        if length == 0 {
            return;
        }
        let h_n = if length == SEGMENT {
            self.h_segment
        } else {
            power(self.h, blocks(length))
        };
        running.hash = running.hash * h_n + part;
        running.length += length as u64;
    }

    /// Whether `tag` is the tag of what was hashed; takes the same time for every tag.
    pub(super) fn verify(&self, running: &Running, tag: &[u8; BLOCK]) -> bool {
        let mut lengths = [0; BLOCK];
        let (aad_bits, bits) = lengths.split_at_mut(BLOCK / 2);
        aad_bits.copy_from_slice(&(self.aad.1 * 8).to_be_bytes());
        bits.copy_from_slice(&(running.length * 8).to_be_bytes());
        let sum = (running.hash + FieldElement::from(lengths).reverse()) * self.h;
        let mut expected: [u8; BLOCK] = sum.reverse().into();
        let mut mask = self.j0.into();
        self.aes.encrypt_block(&mut mask);
        for (byte, mask) in expected.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        expected.ct_eq(tag).into()
    }

    /// The keystream from `offset` on: counter blocks J0 + 1 + offset/16, modulo 2^32.
    fn keystream(&self, offset: u64) -> Ctr32BE<&Aes256> {
        let mut counter = self.j0;
        let [.., a, b, c, d] = &mut counter;
        #[expect(clippy::cast_possible_truncation, reason = "the counter wraps at 2^32")]
        let block = u32::from_be_bytes([*a, *b, *c, *d])
            .wrapping_add(1)
            .wrapping_add((offset / BLOCK as u64) as u32);
        [*a, *b, *c, *d] = block.to_be_bytes();
        Ctr32BE::from_core(CtrCore::inner_iv_init(&self.aes, &counter.into()))
    }
}

impl Drop for Gcm {
    fn drop(&mut self) {
        self.h.zeroize();
        self.h_segment.zeroize();
    }
}

/// GHASH of all segments so far.
#[derive(Default)]
pub(super) struct Running {
    hash: FieldElement,
    length: u64,
}

fn element(ghash: GHash) -> FieldElement {
    FieldElement::from(ghash.finalize()).reverse()
}

fn blocks(length: usize) -> usize {
    length.div_ceil(BLOCK)
}

/// `base` to the `n`-th power, by squaring; `n` is at least 1.
fn power(base: FieldElement, n: usize) -> FieldElement {
    let half = || {
        let root = power(base, n / 2);
        root * root
    };
    match n {
        0 | 1 => base,
        _ if n.is_multiple_of(2) => half(),
        _ => half() * base,
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "made-up data")]
mod tests {
    use aes_gcm::aead::AeadInOut;
    use aes_gcm::{Aes256Gcm, KeyInit as _};
    use proptest::prelude::*;

    use super::*;

    fn open(gcm: &Gcm, ciphertext: &[u8], tag: &[u8; BLOCK]) -> Option<Vec<u8>> {
        let mut plaintext = ciphertext.to_vec();
        let mut running = gcm.start();
        for (number, segment) in plaintext.chunks_mut(SEGMENT).enumerate() {
            let length = segment.len();
            let part = gcm.open((number * SEGMENT) as u64, segment);
            gcm.fold(&mut running, part, length);
        }
        gcm.verify(&running, tag).then_some(plaintext)
    }

    #[test]
    fn an_empty_iv_is_none() {
        assert!(Gcm::with_iv(&[7; 32], &[], &[]).is_none());
        assert!(Gcm::with_iv(&[7; 32], &[0], &[]).is_some());
    }

    #[test]
    fn twelve_bytes_are_the_same_iv_either_way() {
        let long = Gcm::with_iv(&[7; 32], &[1; 12], &[]).unwrap();
        assert_eq!(long.j0, Gcm::new(&[7; 32], &[1; 12], &[]).j0);
    }

    #[test]
    fn power_is_repeated_multiplication() {
        let base = FieldElement::from(0x0123_4567_89ab_cdef_u128);
        let mut product = base;
        for n in 1..=65 {
            assert_eq!(u128::from(power(base, n)), u128::from(product), "n = {n}");
            product *= base;
        }
    }

    /// The keystream on both sides of the 32-bit counter's wrap, against AES itself.
    #[test]
    fn counter_wraps_at_2_to_the_32() {
        let key = [7; 32];
        let mut gcm = Gcm::new(&key, &[1; 12], &[]);
        gcm.j0[12..].copy_from_slice(&[0xff, 0xff, 0xff, 0xfd]);
        let mut keystream = [0; 5 * BLOCK];
        gcm.open(0, &mut keystream);
        for (block, counter) in keystream
            .chunks(BLOCK)
            .zip([0xffff_fffe_u32, u32::MAX, 0, 1, 2])
        {
            let mut expected = gcm.j0;
            expected[12..].copy_from_slice(&counter.to_be_bytes());
            let mut expected = expected.into();
            gcm.aes.encrypt_block(&mut expected);
            assert_eq!(block, expected.as_slice());
        }
    }

    /// The last block that one IV allows uses counter 2^32 - 1, the one before the wrap to J0.
    #[test]
    fn longest_plaintext_ends_at_the_last_counter() {
        let gcm = Gcm::new(&[7; 32], &[1; 12], &[]);
        let mut keystream = [0; BLOCK];
        gcm.open(MAX_PLAINTEXT - BLOCK as u64, &mut keystream);
        let mut expected = gcm.j0;
        expected[12..].copy_from_slice(&u32::MAX.to_be_bytes());
        let mut expected = expected.into();
        gcm.aes.encrypt_block(&mut expected);
        assert_eq!(keystream, expected.as_slice());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn equals_aes_gcm(
            key: [u8; 32],
            iv: [u8; 12],
            aad in proptest::collection::vec(any::<u8>(), 0..40),
            length in prop_oneof![0..200_usize, SEGMENT - 20..SEGMENT + 20, 2 * SEGMENT..3 * SEGMENT],
            flip: u16,
        ) {
            let plaintext: Vec<u8> = (0..length).map(|i| (i * 31 + i / 251) as u8).collect();
            let mut ciphertext = plaintext.clone();
            let tag: [u8; BLOCK] = Aes256Gcm::new(&key.into())
                .encrypt_inout_detached(&iv.into(), &aad, ciphertext.as_mut_slice().into())
                .unwrap()
                .into();
            let gcm = Gcm::new(&key, &iv, &aad);
            prop_assert_eq!(open(&gcm, &ciphertext, &tag), Some(plaintext));
            if let Some(last) = ciphertext.len().checked_sub(1) {
                ciphertext[usize::from(flip) % (last + 1)] ^= 1;
                prop_assert_eq!(open(&gcm, &ciphertext, &tag), None);
            }
        }
    }
}
