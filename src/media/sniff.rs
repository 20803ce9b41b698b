//! [`sniff`]: inputs that are no ciphertext.

use std::fmt;

use super::read::{array, text, u16_le};
use super::{container_name, ebml, mp4, mpeg_audio, ogg, transport, wav};
use crate::envelope::Container;

/// What an input is that should have been ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sniff {
    /// Media that was never encrypted, or is decrypted already.
    Plain(Container),
    /// A web page: an error page, a log-in page.
    Html,
    /// XML, such as an error document of Amazon S3.
    Xml,
    /// JSON: metadata, or an error of an API.
    Json,
    /// A key or certificate, in PEM or DER.
    Key,
    /// Base64: perhaps ciphertext, but to be decoded first.
    Base64,
    /// What `xxd` shows of a file.
    HexDump,
    /// Other printable text.
    Text,
    /// gzip (RFC 1952).
    Gzip,
    /// `openssl enc` with a password: no provider writes that.
    OpenSsl,
    /// One byte over and over, mostly zero: room that was reserved and never filled.
    Blank,
}

impl fmt::Display for Sniff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(container) => {
                return write!(f, "{} in the clear", container_name(*container));
            }
            Self::Html => "a web page",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
            Self::Key => "a key or certificate",
            Self::Base64 => "base64 text",
            Self::HexDump => "a hexadecimal dump",
            Self::Text => "text",
            Self::Gzip => "a gzip file",
            Self::OpenSsl => "a file that openssl encrypted with a password",
            Self::Blank => "a file that begins with one byte over and over",
        })
    }
}

/// As many printable bytes are no accident: a random byte goes on a UTF-8 text with less than
/// 0.47, which makes 2^-34.
const RUN: usize = 32;
/// The same for a complete JSON text, whose ends alone make 2^-19.
const JSON_RUN: usize = 14;
/// No need to look further.
const ENOUGH: usize = 4096;

/// Tells what a file is that starts with `head`, if it is certainly not ciphertext. A few
/// kilobytes are enough; fewer only if the file is shorter.
///
/// Random bytes, which ciphertext is like, are taken for something less than once in 2^30.
pub fn sniff(head: &[u8]) -> Option<Sniff> {
    let head = head.get(..ENOUGH).unwrap_or(head);
    container(head)
        .map(Sniff::Plain)
        .or_else(|| other_binary(head))
        .or_else(|| kind_of_text(text(head)?.trim_ascii()))
}

fn container(head: &[u8]) -> Option<Container> {
    // In the order that the probe has.
    if wav::is(head) {
        Some(Container::Wav)
    } else if let Some(matroska) = ebml::doc_type(head) {
        Some(matroska)
    } else if mp4::is(head) {
        Some(Container::Mp4)
    } else if ogg::is(head) {
        Some(Container::Ogg)
    } else if is_zip(head) {
        Some(Container::Zip)
    } else if transport::is(head) {
        Some(Container::MpegTs)
    } else {
        mpeg_audio::is(head).then_some(Container::Mp3)
    }
}

/// A local file header (PKWARE APPNOTE, section 4.3.7) with a version and a method that exist.
pub(super) fn is_zip(head: &[u8]) -> bool {
    array(head, 0) == Some(*b"PK\x03\x04")
        && matches!(head.get(4), Some(10..=63))
        && matches!(u16_le(head, 8), Some(0 | 8 | 9 | 12 | 14 | 93 | 95 | 99))
        && matches!(u16_le(head, 26), Some(1..=1024))
}

fn other_binary(head: &[u8]) -> Option<Sniff> {
    match head {
        // Method deflate, defined flags, "extra flags" of deflate, a known system.
        [
            0x1F,
            0x8B,
            8,
            0..=0x1F,
            _,
            _,
            _,
            _,
            0 | 2 | 4,
            0..=13 | 255,
            ..,
        ] => Some(Sniff::Gzip),
        [b'S', b'a', b'l', b't', b'e', b'd', b'_', b'_', ..] => Some(Sniff::OpenSsl),
        // SEQUENCE { INTEGER 0, ... }: PKCS#8's AlgorithmIdentifier or PKCS#1's modulus.
        [0x30, 0x82, _, _, 2, 1, 0, 0x30, 0x0D, ..] | [0x30, 0x82, _, _, 2, 1, 0, 2, 0x82, ..] => {
            Some(Sniff::Key)
        }
        // Blocks that are equal decrypt to equal ones, and those may pass for a recording.
        [first, rest @ ..] if rest.len() >= RUN && rest.iter().all(|byte| byte == first) => {
            Some(Sniff::Blank)
        }
        _ => None,
    }
}

fn kind_of_text(text: &str) -> Option<Sniff> {
    let starts_with = |start: &str| {
        text.get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    // These are evidence enough by themselves.
    if text.contains("-----BEGIN") {
        return Some(Sniff::Key);
    } else if starts_with("<html") || starts_with("<!doctype html") {
        return Some(Sniff::Html);
    } else if starts_with("<?xml") {
        return Some(Sniff::Xml);
    } else if starts_with("00000000: ") {
        return Some(Sniff::HexDump);
    }
    let is_json = is_json(text);
    if is_json && text.len() >= JSON_RUN && text.ends_with(['}', ']']) {
        return Some(Sniff::Json);
    }
    (text.len() >= RUN).then_some(())?;
    Some(match text.bytes().next()? {
        _ if is_json => Sniff::Json,
        b'<' if text.contains("<html") || text.contains("<HTML") => Sniff::Html,
        b'<' => Sniff::Xml,
        _ if is_base64(text) => Sniff::Base64,
        _ => Sniff::Text,
    })
}

/// Whether a text starts as a JSON object or array (RFC 8259).
pub(super) fn is_json(text: &str) -> bool {
    let text = text.trim_ascii_start();
    let second = text
        .get(1..)
        .and_then(|rest| rest.trim_ascii_start().chars().next());
    match (text.chars().next(), second) {
        (Some('{'), Some('"' | '}')) => true,
        (Some('['), Some(value)) => {
            matches!(
                value,
                '{' | '[' | '"' | '-' | '0'..='9' | 't' | 'f' | 'n' | ']'
            )
        }
        _ => false,
    }
}

fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::super::{ebml, mp4, mpeg_audio, ogg, program, wav};
    use super::*;

    #[test]
    fn media() {
        for (file, container) in [
            (wav::tests::wav(1, 16, 2, 8, 8), Container::Wav),
            (program::tests::ts(10), Container::MpegTs),
            (program::tests::ts(1), Container::MpegTs),
            (ebml::tests::matroska("matroska", true), Container::Matroska),
            (ebml::tests::matroska("webm", true), Container::WebM),
            (mp4::tests::mp4(b"isom"), Container::Mp4),
            (mpeg_audio::tests::mp3(), Container::Mp3),
            (ogg::tests::ogg(), Container::Ogg),
            (zip(), Container::Zip),
        ] {
            assert_eq!(sniff(&file), Some(Sniff::Plain(container)));
        }
    }

    fn zip() -> Vec<u8> {
        let mut file = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
        file.extend([0; 16]);
        file.extend(b"\x05\0\0\0a.txt");
        file
    }

    #[test]
    fn others() {
        for (head, kind) in [
            (&b"<!DOCTYPE html><title>502"[..], Sniff::Html),
            (b"\r\n<HTML>", Sniff::Html),
            (b"\xef\xbb\xbf<?xml version='1.0'", Sniff::Xml),
            (b"<Error><Code>AccessDenied</Code></Error>", Sniff::Xml),
            (b"{\"code\": 20404}\n", Sniff::Json),
            (
                b"{\"code\": 20404, \"message\": \"The requested",
                Sniff::Json,
            ),
            (b"-----BEGIN PRIVATE KEY-----\nMII", Sniff::Key),
            (b"Bag Attributes\n-----BEGIN ", Sniff::Key),
            (b"\x30\x82\x04\xbd\x02\x01\x00\x30\x0d\x06", Sniff::Key),
            (b"gVwu4pGKb8qCCrw1hbYl+OHuZP1MCdLvr6w2tT8=\n", Sniff::Base64),
            (b"00000000: 1c82 b68b f7bc", Sniff::HexDump),
            (b"Not found. Please check the address.", Sniff::Text),
            (
                "Nicht gefunden. Bitte prüfen Sie die URL.".as_bytes(),
                Sniff::Text,
            ),
            (b"\x1f\x8b\x08\x00abcd\x00\x03", Sniff::Gzip),
            (b"Salted__\x01\x02\x03", Sniff::OpenSsl),
        ] {
            let text = String::from_utf8_lossy(head);
            assert_eq!(sniff(head), Some(kind), "{text}");
        }
    }

    #[test]
    fn room_that_was_never_filled_is_no_ciphertext() {
        let mut file = vec![0; 5000];
        for byte in [0, 0xff] {
            file.fill(byte);
            assert_eq!(sniff(&file), Some(Sniff::Blank));
            assert_eq!(sniff(&file[..33]), Some(Sniff::Blank));
            assert_eq!(sniff(&file[..32]), None);
        }
        file[ENOUGH - 1] = 1;
        assert_eq!(sniff(&file), None);
    }

    #[test]
    fn too_little_to_tell() {
        for head in [
            &b""[..],
            b"{",
            b"{}",
            b"Hello",
            b"\x1a\x45\xdf\xa3",
            b"RIFF",
            b"PK\x03\x04",
        ] {
            assert_eq!(sniff(head), None);
        }
    }

    #[test]
    fn random_bytes_are_nothing() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut head = [0; 1024];
        for _ in 0..20_000 {
            for bytes in head.chunks_mut(8) {
                // xorshift64
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                bytes.copy_from_slice(&state.to_le_bytes());
            }
            assert_eq!(sniff(&head), None);
            assert_eq!(sniff(&head[..48]), None);
            assert_eq!(super::super::damaged_head(&head), None);
        }
    }
}
