//! What the providers' parsers share: decoding text and base64, and putting together what a
//! document says of one recording in several places.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use base64::{DecodeError, Engine};

use super::error::MetadataError;
use super::listing::{Item, Listing};
use crate::envelope::Envelope;

/// What a document says of one recording.
pub(super) type Outcome = Result<Envelope, MetadataError>;

/// The most characters of a document that an error quotes.
const QUOTE: usize = 80;

/// The most values of a document: JSON values, form fields, header lines. A full list page has
/// 1,000 recordings and about 35,000 values. Small values need many times their length in memory.
const VALUES: usize = 1 << 17;

/// The lengths of wrapped keys that are accepted: RSA-512 to RSA-8192.
const WRAPPED: std::ops::RangeInclusive<usize> = 64..=1024;

/// Decodes a document: UTF-8 with or without a byte order mark, or UTF-16 with one, which is
/// what `>` writes in Windows PowerShell.
///
/// Pages that stand where metadata was asked for (a login form, an S3 error) are named.
pub(super) fn text<'a>(
    bytes: &'a [u8],
    expected: &'static str,
) -> Result<Cow<'a, str>, MetadataError> {
    let not = |detail: String| MetadataError::Syntax { expected, detail };
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes).map_err(not)?),
        [0xFE, 0xFF, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes).map_err(not)?),
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => Cow::Borrowed(utf8(rest).map_err(not)?),
    };
    match page(text.trim_start()) {
        Some(kind) => Err(not(format!("it looks like {kind}"))),
        None if text.trim().is_empty() => Err(not("it is empty".to_owned())),
        None => Ok(text),
    }
}

/// Refuses a document of more than [`VALUES`] values, before they take memory.
pub(super) fn check_count(values: usize) -> Result<(), MetadataError> {
    if values > VALUES {
        return Err(MetadataError::TooMany { limit: VALUES });
    }
    Ok(())
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes)
        .map_err(|error| format!("byte {} is not UTF-8 text", error.valid_up_to()))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(units.iter().copied().map(unit)).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err("it has a UTF-16 byte order mark, but is not UTF-16 text".to_owned()),
    }
}

fn page(text: &str) -> Option<&'static str> {
    let is = |start: &str| {
        text.get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    let is_markup = text
        .strip_prefix('<')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '?'));
    if is("<!doctype html") || is("<html") {
        Some("an HTML page")
    } else if is_markup {
        Some("an XML document")
    } else {
        None
    }
}

/// A piece of a document, short enough for an error.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTE) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// Decodes base64 (RFC 4648, section 4); padding may be left off, white space may stand inside.
pub(super) fn base64(field: &str, text: &str) -> Result<Vec<u8>, MetadataError> {
    let invalid = |problem: String| MetadataError::Invalid {
        field: quoted(field),
        problem,
    };
    // Documentation shortens its examples: "password" : "e42c...d23".
    if text.contains("...") || text.contains('…') {
        return Err(invalid(format!("shortened (`{}`)", quoted(text))));
    }
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD_PAD_INDIFFERENT
        .decode(compact)
        .map_err(|error| match error {
            DecodeError::InvalidByte(place, byte) => {
                let byte = byte.escape_ascii();
                invalid(format!("not base64: `{byte}` after {place} characters"))
            }
            _ => invalid("not base64: its end is cut off or damaged".to_owned()),
        })
}

/// Decodes base64 of exactly `N` bytes.
pub(super) fn base64_array<const N: usize>(
    field: &str,
    text: &str,
) -> Result<[u8; N], MetadataError> {
    let bytes = base64(field, text)?;
    <[u8; N]>::try_from(bytes).map_err(|bytes| MetadataError::Invalid {
        field: quoted(field),
        problem: format!("{} bytes long, not {N}", bytes.len()),
    })
}

/// Decodes a wrapped key: base64 of as many bytes as an RSA modulus may have.
pub(super) fn wrapped_key(field: &str, text: &str) -> Result<Vec<u8>, MetadataError> {
    let bytes = base64(field, text)?;
    if WRAPPED.contains(&bytes.len()) {
        return Ok(bytes);
    }
    let (least, most) = WRAPPED.into_inner();
    Err(MetadataError::Invalid {
        field: quoted(field),
        problem: format!("{} bytes long, not {least} to {most}", bytes.len()),
    })
}

/// An item, its envelope named like itself.
pub(super) fn item(id: Option<String>, mut envelope: Outcome) -> Item {
    if let Ok(envelope) = &mut envelope {
        envelope.id.clone_from(&id);
    }
    Item {
        id,
        outcome: envelope,
    }
}

/// One item a recording, in the order of first appearance; `merge` takes a later word on the
/// same id up into the earlier one.
///
/// A nameless error that repeats the one before it is dropped: a long array of something else
/// must not become a long list. Where nothing but nameless errors was found, the first is the
/// document's own.
pub(super) fn settle(
    items: impl IntoIterator<Item = Item>,
    merge: fn(&mut Outcome, Outcome),
) -> Result<Listing, MetadataError> {
    let mut settled: Vec<Item> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in items {
        let place = item.id.as_ref().and_then(|id| places.get(id));
        if let Some(earlier) = place.and_then(|place| settled.get_mut(*place)) {
            merge(&mut earlier.outcome, item.outcome);
            continue;
        }
        if let Some(id) = &item.id {
            places.insert(id.clone(), settled.len());
        } else if item.outcome.is_err() && settled.last() == Some(&item) {
            continue;
        }
        settled.push(item);
    }
    let nameless = settled
        .iter()
        .all(|item| item.id.is_none() && item.outcome.is_err());
    match settled.first() {
        Some(Item {
            outcome: Err(error),
            ..
        }) if nameless => Err(error.clone()),
        _ => Ok(Listing::new(settled)),
    }
}

/// The rule where a recording has one envelope for ever: words that differ contradict.
pub(super) fn agree(earlier: &mut Outcome, later: Outcome) {
    match (is_silent(earlier), is_silent(&later)) {
        (true, _) => *earlier = later,
        (false, false) if *earlier != later => {
            *earlier = Err(MetadataError::Contradiction {
                first: "the recording's encryption details".to_owned(),
                second: "those in a later entry of the same id".to_owned(),
            });
        }
        (false, _) => {}
    }
}

/// Whether this says nothing of how the recording is encrypted.
pub(super) fn is_silent(outcome: &Outcome) -> bool {
    use MetadataError::{Missing, NotCompleted, NotEncrypted, Unrecognised};
    matches!(
        outcome,
        Err(NotEncrypted | NotCompleted { .. } | Missing { .. } | Unrecognised { .. })
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failed(id: Option<&str>, error: MetadataError) -> Item {
        item(id.map(str::to_owned), Err(error))
    }

    fn missing(field: &'static str) -> MetadataError {
        MetadataError::Missing { field }
    }

    fn settled(items: Vec<Item>) -> Result<Vec<Item>, MetadataError> {
        settle(items, |earlier, later| *earlier = later).map(Listing::into_items)
    }

    fn utf16_file(mark: &[u8], text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        [mark.to_vec(), text.encode_utf16().flat_map(unit).collect()].concat()
    }

    #[test]
    fn text_is_utf8_or_utf16() {
        let files = [
            b"{\"\xC3\xA4\"}".to_vec(),
            b"\xEF\xBB\xBF{\"\xC3\xA4\"}".to_vec(),
            utf16_file(b"\xFF\xFE", "{\"ä\"}", u16::to_le_bytes),
            utf16_file(b"\xFE\xFF", "{\"ä\"}", u16::to_be_bytes),
        ];
        for file in files {
            assert_eq!(text(&file, "JSON").unwrap(), "{\"ä\"}", "{file:?}");
        }
    }

    #[test]
    fn what_is_no_metadata_is_named() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "it is empty"),
            (b"\xEF\xBB\xBF \n", "it is empty"),
            (b"ab\xFF", "byte 2 is not UTF-8 text"),
            (
                b"\xFF\xFE{",
                "it has a UTF-16 byte order mark, but is not UTF-16 text",
            ),
            (
                b"\xFF\xFE\x00\xD8",
                "it has a UTF-16 byte order mark, but is not UTF-16 text",
            ),
            (b"\n<!DOCTYPE HTML><p>", "it looks like an HTML page"),
            (b"<html>", "it looks like an HTML page"),
            (b"<?xml version='1.0'?>", "it looks like an XML document"),
            (
                b"<Error><Code>AccessDenied",
                "it looks like an XML document",
            ),
        ];
        for (file, reason) in cases {
            let error = text(file, "JSON").unwrap_err().to_string();
            assert_eq!(error, format!("it is not JSON: {reason}"));
        }
    }

    #[test]
    fn quotes_are_capped_at_a_character() {
        assert_eq!(quoted(&"ä".repeat(80)), "ä".repeat(80));
        assert_eq!(quoted(&"ä".repeat(81)), "ä".repeat(80) + "…");
    }

    #[test]
    fn base64_needs_no_padding_and_bears_white_space() {
        for text in ["+/8=", "+/8", " +/\r\n8=\t"] {
            assert_eq!(base64("iv", text), Ok(vec![0xFB, 0xFF]), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_base64_says_why() {
        let cases = [
            ("-_8=", "iv is not base64: `-` after 0 characters"),
            ("ab\0d", r"iv is not base64: `\x00` after 2 characters"),
            ("abcde", "iv is not base64: its end is cut off or damaged"),
            ("abc=def=", "iv is not base64: `=` after 3 characters"),
            ("a...b", "iv is shortened (`a...b`)"),
            ("a…b", "iv is shortened (`a…b`)"),
        ];
        for (text, reason) in cases {
            assert_eq!(base64("iv", text).unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn lengths_are_checked() {
        let error = base64_array::<12>("iv", "AAAA").unwrap_err();
        assert_eq!(error.to_string(), "iv is 3 bytes long, not 12");
        assert!(wrapped_key("key", &"AAAA".repeat(341)).is_ok());
        let error = wrapped_key("key", &"AAAA".repeat(342)).unwrap_err();
        assert_eq!(error.to_string(), "key is 1026 bytes long, not 64 to 1024");
        assert!(wrapped_key("key", &"AAAA".repeat(21)).is_err());
    }

    #[test]
    fn items_of_one_id_are_merged_where_it_first_stood() {
        let items = vec![
            failed(Some("b"), missing("1")),
            failed(None, missing("2")),
            failed(Some("a"), missing("3")),
            failed(Some("b"), missing("4")),
            failed(None, missing("5")),
        ];
        let ids = [Some("b"), None, Some("a"), None];
        let fields = ["4", "2", "3", "5"];
        let expected = std::iter::zip(ids, fields).map(|(id, field)| failed(id, missing(field)));
        assert_eq!(settled(items), Ok(expected.collect()));
    }

    #[test]
    fn repeated_nameless_errors_are_one() {
        let [a, b] = [failed(Some("a"), missing("1")), failed(None, missing("1"))];
        let items = vec![a.clone(), b.clone(), b.clone(), a.clone(), b.clone()];
        assert_eq!(settled(items), Ok(vec![a, b]));
    }

    #[test]
    fn nothing_but_nameless_errors_is_the_documents_error() {
        let items = vec![failed(None, missing("1")), failed(None, missing("2"))];
        assert_eq!(settled(items), Err(missing("1")));
        assert_eq!(settled(vec![]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>, mark in 0..3) {
            let mark: &[u8] = [&b""[..], b"\xFF\xFE", b"\xFE\xFF"][usize::try_from(mark)?];
            let _ = text(&[mark, &bytes].concat(), "JSON");
        }
    }
}
