//! The first box in front of every provider: from the bytes of a document to its text.
//!
//! What tools and hands wrap around a text is taken off: encodings, base64, HTML's escapes,
//! quotation marks with a backslash.

use std::borrow::Cow;
use std::ops::Deref;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::error::{Dump, MetadataError};

/// Media may stand behind a response's head: servers send some KiB of that.
const HEAD: usize = 1 << 20;

/// How many wrappings are taken off.
const LAYERS: usize = 4;

/// The shortest text that can be a document in base64.
const SHORTEST: usize = 24;

/// Digits of base64 that show whether it is that of a text: a multiple of four.
const START: usize = 64;

/// What a text was wrapped in, for those who want to know.
pub(super) type Notes = Vec<String>;

/// Decodes a document: UTF-8 with or without a byte order mark, or UTF-16, which is what `>`
/// writes in Windows PowerShell. What comes behind the head of a response may be media.
///
/// Pages that stand where metadata was asked for (a login form, an S3 error) are named, and so is
/// a key.
pub(super) fn text<'a>(
    bytes: &'a [u8],
    expected: &'static str,
) -> Result<Cow<'a, str>, MetadataError> {
    let not = |detail: String| MetadataError::Syntax { expected, detail };
    if is_der(bytes) {
        return Err(MetadataError::Key);
    }
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes).map_err(not)?),
        [0xFE, 0xFF, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes).map_err(not)?),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => {
            Cow::Owned(utf16(bytes, u16::from_le_bytes).map_err(not)?)
        }
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => {
            Cow::Owned(utf16(bytes, u16::from_be_bytes).map_err(not)?)
        }
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => match utf8(rest) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) if is_log(rest) => String::from_utf8_lossy(rest.get(..HEAD).unwrap_or(rest)),
            Err(detail) => return Err(not(detail)),
        },
    };
    if is_key(&text) {
        return Err(MetadataError::Key);
    }
    match page(text.trim_start()) {
        Some(kind) => Err(not(format!("it looks like {kind}"))),
        None if text.trim().is_empty() => Err(not("it is empty".to_owned())),
        None => Ok(text),
    }
}

/// The start of what `curl -i`, `curl -v` and `wget -S` write.
fn is_log(bytes: &[u8]) -> bool {
    [&b"HTTP/"[..], b"* ", b"> ", b"< ", b"--20"]
        .iter()
        .any(|start| bytes.starts_with(start))
}

/// A key or certificate in PEM, or of `PuTTY`.
fn is_key(text: &str) -> bool {
    let is_begin = |line: &str| {
        let line = line.trim();
        line.starts_with("-----BEGIN ") && line.ends_with("-----")
    };
    // Not a text that shows one.
    let is_whole = text.trim_start().starts_with("-----") || text.trim_end().ends_with("-----");
    text.trim_start().starts_with("PuTTY-User-Key-File") || is_whole && text.lines().any(is_begin)
}

/// A DER sequence that ends where the file does: a key or certificate.
fn is_der(bytes: &[u8]) -> bool {
    match bytes {
        [0x30, 0x82, high, low, rest @ ..] => {
            rest.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => false,
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes)
        .map_err(|error| format!("byte {} is not UTF-8 text", error.valid_up_to()))
}

const NO_UTF16: &str = "it looks like UTF-16 text, but is none";

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let chars = || char::decode_utf16(units.iter().copied().map(unit));
    let length = chars().flatten().map(char::len_utf8).sum();
    let mut text = String::with_capacity(length);
    for char in chars() {
        text.push(char.map_err(|_| NO_UTF16)?);
    }
    match rest {
        [] => Ok(text),
        _ => Err(NO_UTF16.to_owned()),
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

/// A text without what it was wrapped in. A document may be long: what was not wrapped is no copy,
/// and what was decoded is wiped.
pub(super) enum Bare<'a> {
    AsItWas(&'a str),
    Decoded(Zeroizing<String>),
}

impl Deref for Bare<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::AsItWas(text) => text.trim(),
            Self::Decoded(text) => text.trim(),
        }
    }
}

/// Takes off what a text is wrapped in, and notes it.
///
/// # Errors
/// [`MetadataError::Key`] when a key is inside.
pub(super) fn unwrapped<'a>(
    text: Cow<'a, str>,
    notes: &mut Notes,
) -> Result<Bare<'a>, MetadataError> {
    let mut text = match text {
        Cow::Borrowed(text) => Bare::AsItWas(text),
        Cow::Owned(text) => Bare::Decoded(Zeroizing::new(text)),
    };
    for _ in 0..LAYERS {
        let Some((inside, what)) = layer(&text) else {
            break;
        };
        notes.push(format!("{what} was taken off"));
        text = Bare::Decoded(inside);
        if is_key(&text) {
            return Err(MetadataError::Key);
        }
    }
    Ok(text)
}

/// What stands inside of one wrapping, and what that is.
fn layer(text: &str) -> Option<(Zeroizing<String>, &'static str)> {
    let opens = |text: &str, quote: &str| {
        let text = text.trim_start_matches('[').trim_start();
        text.strip_prefix('{')
            .is_some_and(|rest| rest.trim_start().starts_with(quote))
    };
    if !text.contains('"') && (opens(text, "&quot;") || opens(text, "&#34;")) {
        let mut plain = text.to_owned();
        for (escape, char) in [
            ("&quot;", "\""),
            ("&#34;", "\""),
            ("&#39;", "'"),
            ("&#x2F;", "/"),
            ("&#x3D;", "="),
            ("&#43;", "+"),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&amp;", "&"),
        ] {
            plain = plain.replace(escape, char);
        }
        return Some((Zeroizing::new(plain), "escaping for HTML"));
    }
    if opens(text, "\\\"") {
        let line = text.replace(['\r', '\n'], " ");
        let inside = serde_json::from_str(&format!("\"{line}\"")).ok()?;
        return Some((Zeroizing::new(inside), "escaping with backslashes"));
    }
    if ["%7B", "%7b", "%5B", "%5b"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        let plus = text.replace('+', "%2B");
        let pair = form_urlencoded::parse(plus.as_bytes()).next()?;
        let is_whole = !text.contains(['&', '=']);
        return is_whole.then(|| (Zeroizing::new(pair.0.into_owned()), "percent-encoding"));
    }
    let body = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,")?.1,
        None => text,
    };
    document_in_base64(body).map(|inside| (inside, "base64"))
}

/// A document in base64, of either alphabet (RFC 4648, sections 4 and 5), folded or not.
fn document_in_base64(text: &str) -> Option<Zeroizing<String>> {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/-_=".contains(c);
    if text.len() < SHORTEST || !text.chars().all(|c| is_digit(c) || c.is_ascii_whitespace()) {
        return None;
    }
    // A long one is not decoded for what its start shows already.
    let digits = text.split_ascii_whitespace().flat_map(str::chars);
    let start = Zeroizing::new(digits.take(START).collect::<String>());
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    if !base64(&start).is_ok_and(|start| Zeroizing::new(start).iter().all(is_text)) {
        return None;
    }
    let bytes = Zeroizing::new(base64(text).ok()?);
    let inside = std::str::from_utf8(&bytes).ok()?.trim();
    let is_document = inside.starts_with(['{', '[', '"'])
        || inside.starts_with("HTTP/")
        || inside.starts_with("-----BEGIN ")
        || is_form(inside);
    is_document.then(|| Zeroizing::new(inside.to_owned()))
}

/// Decodes base64 of either alphabet; padding may be left off, white space may stand inside.
pub(super) fn base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    const EITHER: GeneralPurposeConfig =
        NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let compact = compact(text);
    let alphabet = if compact.contains(['-', '_']) && !compact.contains(['+', '/']) {
        &alphabet::URL_SAFE
    } else {
        &alphabet::STANDARD
    };
    GeneralPurpose::new(alphabet, EITHER).decode(compact.as_bytes())
}

fn compact(text: &str) -> Zeroizing<String> {
    let mut compact = Zeroizing::new(String::with_capacity(text.len()));
    compact.extend(text.chars().filter(|c| !c.is_ascii_whitespace()));
    compact
}

/// Whether a line is a form body: `name=value&…`, without white space in the first name.
pub(super) fn is_form(line: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.%[]".contains(c);
    line.split_once('=').is_some_and(|(name, value)| {
        // White space stands in a value only where JSON was not escaped; logs have it between.
        let first = value.split(['{', '&']).next().unwrap_or_default();
        !name.is_empty()
            && name.chars().all(is_name)
            && !value.trim_matches('=').is_empty()
            && !first.trim_end().contains(char::is_whitespace)
            && !line.contains('\n')
    })
}

/// Names what a language or tool prints for people: reading it would be guessing.
pub(super) fn dump(text: &str) -> Option<Dump> {
    let text = text.trim_start();
    let starts = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let inside = text.strip_prefix(['{', '[']).unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let behind_name = inside.trim_start().trim_start_matches(word);
    let has_name = behind_name.len() < inside.trim_start().len();
    let rows = |marks: &[char]| {
        let (mut rows, mut others) = (0_usize, 0_usize);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let is_row = line.trim_start().starts_with(marks);
            *(if is_row { &mut rows } else { &mut others }) += 1;
        }
        rows > 1 && rows > others
    };
    let first = text.lines().next().unwrap_or_default();
    let commas = first.matches(',').count();
    Some(
        if starts(&["array(", "Array\n", "Array ("]) || text.contains("\"]=>") {
            Dump::Php
        } else if starts(&["map[", "http.Header{", "&{"]) {
            Dump::Go
        } else if starts(&["@{"]) {
            Dump::PowerShell
        } else if inside.starts_with(':') || (starts(&["{", "["]) && text.contains("=>")) {
            Dump::Ruby
        } else if starts(&[
            "{'",
            "[{'",
            "('",
            "CaseInsensitiveDict(",
            "Headers(",
            "b'",
            "b\"",
        ]) {
            Dump::Python
        } else if starts(&[
            "{ '",
            "{\n  '",
            "Object ",
            "[Object",
            "Headers {",
            "AxiosHeaders",
        ]) || (starts(&["{"]) && has_name && behind_name.starts_with(':'))
        {
            Dump::JavaScript
        } else if (starts(&["{"]) && has_name && behind_name.starts_with('='))
            || (starts(&["["]) && has_name && behind_name.starts_with(":\""))
        {
            Dump::Java
        } else if text.contains("[object Object]") || rows(&['|', '+', '┌', '│']) {
            Dump::Table
        } else if text.lines().any(|line| line.starts_with("METADATA\t")) {
            Dump::Text
        } else if commas > 1
            && text.lines().take(2).count() == 2
            && !first.contains(['{', ':', '='])
            && text
                .lines()
                .take(2)
                .all(|line| line.matches(',').count() >= commas)
        {
            Dump::Csv
        } else {
            return None;
        },
    )
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

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
            utf16_file(b"", "{\"ä\"}", u16::to_le_bytes),
            utf16_file(b"", "{\"ä\"}", u16::to_be_bytes),
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
            (b"\xFF\xFE{", "it looks like UTF-16 text, but is none"),
            (
                b"\xFF\xFE\x00\xD8",
                "it looks like UTF-16 text, but is none",
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
    fn a_key_is_named() {
        let pem = "Bag Attributes\n-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";
        let der = [&[0x30, 0x82, 1, 0][..], &[7; 256]].concat();
        for file in [pem.as_bytes(), &der, b"PuTTY-User-Key-File-3: ssh-rsa"] {
            assert_eq!(text(file, "JSON"), Err(MetadataError::Key));
        }
        let wrapped = STANDARD.encode(&pem[15..]);
        let inside = unwrapped(wrapped.into(), &mut vec![]);
        assert_eq!(inside.err(), Some(MetadataError::Key));
    }

    #[test]
    fn a_text_that_shows_a_key_is_none() {
        for shown in [
            "the key is\n-----BEGIN PRIVATE KEY-----\nMIIB\nand so on",
            "----- metadata -----\n{}\n",
        ] {
            assert_eq!(text(shown.as_bytes(), "JSON").as_deref(), Ok(shown));
        }
    }

    #[test]
    fn zeros_alone_are_no_utf16() {
        for zeros in ["\0\0\0\0", "{\0\0\0", "\0\0{\0", "\0\0\0{", "\0{\0\0"] {
            assert_eq!(text(zeros.as_bytes(), "JSON").as_deref(), Ok(zeros));
        }
    }

    #[test]
    fn a_word_is_not_taken_for_a_document_in_base64() {
        let mut notes = vec![];
        assert_eq!(&*unwrapped("e30=".into(), &mut notes).unwrap(), "e30=");
        assert_eq!(notes, [""; 0]);
    }

    #[test]
    fn what_is_around_a_document_is_taken_off() {
        let document = r#"{"a":"b + c/=?>>"}"#;
        let base64 = STANDARD.encode(document);
        let escaped = document.replace('"', "\\\"");
        for wrapped in [
            format!(" {document}\r\n"),
            document.replace('"', "&quot;").replace('>', "&gt;"),
            document.replace('"', "&#34;").replace('+', "&#43;"),
            escaped.clone(),
            escaped.replace(',', ",\n"),
            base64.clone(),
            base64.replace('Y', "Y\n"),
            URL_SAFE_NO_PAD.encode(document),
            format!("data:application/json;base64,{base64}"),
            "%7B%22a%22%3A%22b+%2B%20c%2F%3D%3F%3E%3E%22%7D".replace("b+", "b%20"),
        ] {
            let mut notes = vec![];
            let inside = unwrapped(wrapped.as_str().into(), &mut notes).unwrap();
            assert_eq!(&*inside, document, "{wrapped}");
            assert_eq!(notes.is_empty(), wrapped.trim() == document);
        }
    }

    #[test]
    fn dumps_are_named() {
        for (text, dump_of) in [
            ("{'x-amz-meta-x-amz-iv': 'PjZo'}", Some(Dump::Python)),
            ("{\"iv\"=>\"er5v\"}", Some(Dump::Ruby)),
            ("{:iv=>\"er5v\"}", Some(Dump::Ruby)),
            ("array(1) {\n  [\"iv\"]=>\n  string(16)", Some(Dump::Php)),
            ("Array\n(\n    [iv] => er5v\n)", Some(Dump::Php)),
            ("{x-amz-meta-x-amz-iv=PjZo, etag=x}", Some(Dump::Java)),
            ("[etag:\"x\", x-amz-iv:\"y\"]", Some(Dump::Java)),
            ("map[X-Amz-Meta-X-Amz-Iv:[PjZo]]", Some(Dump::Go)),
            ("{ sid: 'RE1', iv: 'x' }", Some(Dump::JavaScript)),
            ("{\n  sid: 'RE1'\n}", Some(Dump::JavaScript)),
            ("@{iv=er5v}", Some(Dump::PowerShell)),
            ("| iv | er5v |\n| x | y |", Some(Dump::Table)),
            ("SID  Details\nRE1  [object Object]", Some(Dump::Table)),
            ("bytes\t7\nMETADATA\tPjZo\tQWN\n", Some(Dump::Text)),
            ("sid,status,iv\nRE1,completed,x\n", Some(Dump::Csv)),
            ("{\"iv\":\"er5v\"}", None),
            ("{ :x", None),
            ("{=x}", None),
            ("{a b}", None),
            ("[a=b]", None),
            ("[ :\"x\"]", None),
            ("| iv |", None),
            ("| iv |\n| x |\na\nb", None),
            ("a,b\nc,d", None),
            ("x-amz-iv: y", None),
            ("RecordingSid=RE1", None),
        ] {
            assert_eq!(dump(text), dump_of, "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>, mark in 0..3) {
            let mark: &[u8] = [&b""[..], b"\xFF\xFE", b"\xFE\xFF"][usize::try_from(mark)?];
            if let Ok(text) = text(&[mark, &bytes].concat(), "JSON") {
                let _ = unwrapped(text, &mut vec![]);
            }
        }

        #[test]
        fn arbitrary_text_does_not_panic(text in r#"[\[{ ]{0,2}["\\&%=,:'a-z;7B\n]{0,20}"#) {
            let _ = dump(&text);
            let _ = unwrapped(text.into(), &mut vec![]);
        }
    }
}
