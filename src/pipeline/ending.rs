//! Where a CBC plaintext ends.

use crate::envelope::{BLOCK, Container, Padding};
use crate::media::{self, Sniff};

/// Bytes in an MPEG transport stream packet.
const PACKET: u64 = media::PACKET as u64;

/// Why the end of a plaintext cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaddingError {
    /// Not PKCS#7: a wrong key, a wrong IV for a one-block recording, damage, or a cut.
    #[error("its padding is not valid")]
    Pkcs7,
    /// No way to end it leaves whole transport stream packets.
    #[error("it does not end with a whole transport stream packet: {rest} bytes are left over")]
    Packets {
        /// Bytes behind the last whole packet, padding included.
        rest: u64,
    },
}

/// The rule for a plaintext that starts as `start`.
///
/// Vonage's composed archives are MP4 where they are not encrypted; should one come encrypted,
/// there are no packets to count, and its padding must be PKCS#7.
pub(super) fn rule(padding: Padding, start: Option<Sniff>) -> Padding {
    match (padding, start) {
        (Padding::TransportStream, Some(Sniff::Plain(Container::Mp4))) => Padding::Pkcs7,
        _ => padding,
    }
}

/// All that the last block of a plaintext of `length` bytes may keep, by any rule.
pub(super) fn possible(length: u64, last: &[u8; BLOCK]) -> Vec<usize> {
    let rules = [Padding::Keep, Padding::Pkcs7, Padding::TransportStream];
    let kept = rules.map(|padding| kept(padding, length, last).ok());
    kept.into_iter().flatten().collect()
}

/// Bytes of the last plaintext block that belong to the plaintext: 0 to 16.
///
/// `length` is the decrypted length in bytes, that block included.
///
/// # Errors
/// See [`PaddingError`].
pub fn kept(padding: Padding, length: u64, last: &[u8; BLOCK]) -> Result<usize, PaddingError> {
    match padding {
        Padding::Pkcs7 => pkcs7(last).ok_or(PaddingError::Pkcs7),
        Padding::TransportStream => transport_stream(length, last),
        Padding::Keep => Ok(BLOCK),
    }
}

/// RFC 5652, section 6.3: "each octet has value k - (lth mod k)", and there is always padding.
fn pkcs7(last: &[u8; BLOCK]) -> Option<usize> {
    let value = last[BLOCK - 1];
    let count = usize::from(value);
    if !(1..=BLOCK).contains(&count) {
        return None;
    }
    let (kept, padding) = last.split_at(BLOCK - count);
    padding
        .iter()
        .all(|&byte| byte == value)
        .then_some(kept.len())
}

/// Vonage's guide decrypts with `openssl enc -d -aes-256-cbc -nopad` and never says what stands
/// at the end. Its .NET code names the mode "CBC/PKCS#7 Padding", so PKCS#7 counts, but only
/// where whole packets remain; an unpadded stream whose last packet happens to end like PKCS#7
/// keeps every byte. A block filled up with zeros is the one other design that is possible.
fn transport_stream(length: u64, last: &[u8; BLOCK]) -> Result<usize, PaddingError> {
    let whole_packets = |kept: usize| {
        let stripped = (BLOCK - kept) as u64;
        length
            .checked_sub(stripped)
            .is_some_and(|rest| rest.is_multiple_of(PACKET))
    };
    if let Some(kept) = pkcs7(last)
        && whole_packets(kept)
    {
        return Ok(kept);
    }
    if whole_packets(BLOCK) {
        return Ok(BLOCK);
    }
    let zeros = last.iter().rev().take_while(|&&byte| byte == 0).count();
    (BLOCK - zeros..BLOCK)
        .find(|&kept| whole_packets(kept))
        .ok_or(PaddingError::Packets {
            rest: length % PACKET,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(end: &[u8]) -> [u8; BLOCK] {
        let mut block = [0xff; BLOCK];
        block[BLOCK - end.len()..].copy_from_slice(end);
        block
    }

    #[test]
    fn pkcs7_takes_all_sixteen_paddings_and_no_others() {
        for count in 1..=16_u8 {
            let padded = block(&vec![count; count.into()]);
            let kept = kept(Padding::Pkcs7, 160, &padded);
            assert_eq!(kept, Ok(BLOCK - usize::from(count)));
        }
        for bad in [&[0][..], &[17], &[2], &[3, 2], &[3, 2, 3], &[0xff]] {
            assert_eq!(
                kept(Padding::Pkcs7, 160, &block(bad)),
                Err(PaddingError::Pkcs7),
                "{bad:?}"
            );
        }
    }

    /// 188 n mod 16 is 12, 8, 4, 0 for n mod 4 = 1, 2, 3, 0; PKCS#7 then adds 4, 8, 12, 16.
    #[test]
    fn transport_stream_strips_what_leaves_whole_packets() {
        for (packets, count) in [(1, 4_u8), (2, 8), (3, 12), (4, 16), (5, 4)] {
            let length = packets * PACKET + u64::from(count);
            let keep = BLOCK - usize::from(count);
            let pkcs7 = block(&vec![count; count.into()]);
            assert_eq!(kept(Padding::TransportStream, length, &pkcs7), Ok(keep));
            if count < 16 {
                let zeros = block(&vec![0; count.into()]);
                assert_eq!(kept(Padding::TransportStream, length, &zeros), Ok(keep));
            }
        }
    }

    #[test]
    fn transport_stream_keeps_a_payload_that_ends_like_padding() {
        for end in [&[1][..], &[4, 4, 4, 4], &[2, 2], &[0, 0, 0, 0], &[0xff]] {
            let length = 4 * PACKET;
            assert_eq!(
                kept(Padding::TransportStream, length, &block(end)),
                Ok(BLOCK),
                "{end:?}"
            );
        }
    }

    #[test]
    fn transport_stream_refuses_a_cut_archive() {
        assert_eq!(
            kept(Padding::TransportStream, 4 * PACKET - 16, &block(&[4; 4])),
            Err(PaddingError::Packets { rest: 172 })
        );
    }

    #[test]
    fn keep_keeps_everything() {
        assert_eq!(kept(Padding::Keep, 17, &block(&[16])), Ok(BLOCK));
    }
}
