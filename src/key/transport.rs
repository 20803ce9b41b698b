//! What keys go through on their way: environments, documents, mail, other tools' encodings.
//!
//! Each function takes one layer off and knows no key: what comes out proves itself by being
//! one. All of them are linear in the length of the text.

use std::fmt;

use zeroize::Zeroizing;

use super::armor;

/// What was done to read a key, beyond what its format asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mending {
    /// The file is UTF-16, as Windows `PowerShell` redirection writes it.
    Utf16,
    /// PEM was taken out of a variable, document, mail or program: line breaks that were written
    /// out or lost, quotation marks, exotic dashes and spaces.
    Text,
    /// Base64 was decoded that is no PEM.
    Base64,
    /// It is a JSON Web Key (RFC 7517).
    Jwk,
    /// Bytes behind the DER value were left out.
    Behind,
    /// The private exponent was wrong; it was computed from the primes.
    Exponent,
}

impl fmt::Display for Mending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16 => "decoded UTF-16",
            Self::Text => {
                "put PEM together from its text, with line breaks, quotes or dashes mended"
            }
            Self::Base64 => "decoded base64",
            Self::Jwk => "read a JSON Web Key",
            Self::Behind => "left out the bytes behind its end",
            Self::Exponent => {
                "computed the private exponent, which is wrong in it, from the primes"
            }
        })
    }
}

/// The text of a UTF-16 file, with or without a byte order mark. `None` if it is none.
pub(super) fn utf16(bytes: &[u8]) -> Option<Zeroizing<String>> {
    /// So many bytes are looked at where there is no mark.
    const LOOK: usize = 64;
    let ascii = |first: usize| {
        let mut high = bytes.iter().take(LOOK).skip(first).step_by(2);
        bytes.len() >= 16 && high.all(|byte| *byte == 0)
    };
    let unit = if bytes.starts_with(&[0xFF, 0xFE]) || ascii(1) {
        u16::from_le_bytes
    } else if bytes.starts_with(&[0xFE, 0xFF]) || ascii(0) {
        u16::from_be_bytes
    } else {
        return None;
    };
    let (units, _) = bytes.as_chunks::<2>();
    let chars = char::decode_utf16(units.iter().map(|pair| unit(*pair)));
    // A unit of 16 bits takes up to three bytes of UTF-8.
    let mut text = Zeroizing::new(String::with_capacity(units.len() * 3));
    text.extend(chars.map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)));
    Some(text)
}

/// The text in plain ASCII letters: escapes resolved however often they were escaped, all
/// dashes and spaces the usual ones, the marks of quoted mail taken off.
pub(super) fn plain_text(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text.chars().peekable();
    let mut at_start = true;
    while let Some(char) = chars.next() {
        let char = match char {
            '\\' => {
                while chars.next_if_eq(&'\\').is_some() {}
                match chars.next() {
                    Some('n' | 'r' | 't') => '\n',
                    Some('u') => unicode_escape(&mut chars),
                    Some(other) => other,
                    None => break,
                }
            }
            '>' | '|' if at_start => continue,
            // Hyphens, dashes and minus signs; then white space, and what has no width.
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => '-',
            '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}' => continue,
            other if other.is_whitespace() && !other.is_ascii() => ' ',
            other => other,
        };
        at_start = char == '\n' || (at_start && char == ' ');
        plain.push(char);
    }
    plain
}

/// The character of four hexadecimal digits.
fn unicode_escape(chars: &mut impl Iterator<Item = char>) -> char {
    let digits = chars.take(4).filter_map(|digit| digit.to_digit(16));
    let code = digits.fold(0, |code, digit| code * 16 + digit);
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The PEM blocks of a [`plain_text`], put together anew from what is left of them. Empty if
/// there are none.
pub(super) fn pem(text: &str) -> Zeroizing<String> {
    const LONGEST_LABEL: usize = 64;
    let mut pem = Zeroizing::new(String::with_capacity(text.len() * 2 + 256));
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("BEGIN") {
        rest = after;
        let label_end = after
            .bytes()
            .take(LONGEST_LABEL)
            .position(|byte| byte == b'-');
        let Some((label, body)) = label_end.and_then(|end| after.split_at_checked(end)) else {
            continue;
        };
        let label: Vec<&str> = label.split_ascii_whitespace().collect();
        let is_label = |word: &&str| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !ends_in_dash(before) || label.is_empty() || !label.iter().all(is_label) {
            continue;
        }
        let body = body.trim_start_matches(['-', ' ']);
        let body = body.split("BEGIN").next().unwrap_or_default();
        let end = body.match_indices("END").map(|(at, _)| at);
        let mut end = end
            .filter_map(|at| body.get(..at))
            .filter(|body| ends_in_dash(body));
        let body = end.next().unwrap_or(body).trim_end_matches(['-', ' ']);
        let label = label.join(" ");
        pem.extend(["-----BEGIN ", label.as_str(), "-----\n"]);
        push_body(&mut pem, body);
        pem.extend(["\n-----END ", label.as_str(), "-----\n"]);
    }
    pem
}

fn ends_in_dash(text: &str) -> bool {
    text.trim_end_matches(' ').ends_with('-')
}

/// The body of a block that may stand in several string literals, and in one line.
fn push_body(pem: &mut String, body: &str) {
    let quote = body.chars().find(|char| matches!(char, '"' | '\''));
    // The BEGIN is inside a literal, so every second piece is.
    let literals = body.split(|char| Some(char) == quote).step_by(2);
    let mut inside = Zeroizing::new(String::with_capacity(body.len()));
    inside.extend(literals);
    // RFC 1421's headers, each on a line of its own again.
    match inside.split_once("DEK-Info:") {
        Some((_, rest)) => {
            let rest = rest.trim_ascii_start();
            let end = rest.find(|char: char| char.is_ascii_whitespace());
            let (value, rest) = rest.split_at(end.unwrap_or(rest.len()));
            pem.extend(["Proc-Type: 4,ENCRYPTED\nDEK-Info: ", value, "\n\n", rest]);
        }
        None => pem.push_str(&inside),
    }
}

/// What stands in a text in base64, in whatever document.
pub(super) struct Encoded {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether there is nothing else in the text.
    pub(super) is_all: bool,
}

/// The base64 of a [`plain_text`] that is long enough for a key: in one line, or in lines of one
/// length but for the last. Where that last one may not belong to it, both readings are given.
pub(super) fn base64(text: &str) -> impl Iterator<Item = Encoded> {
    /// What is shorter is a word, or the last line.
    const SHORTEST_LINE: usize = 40;
    /// A key of 1024 bits has 800 letters; a certificate or its like is not looked for.
    const SHORTEST: usize = 400;
    let all = text.trim_ascii().len();
    let letters = |char: char| char.is_ascii_alphanumeric() || "+/-_".contains(char);
    let tokens = text.split(move |char: char| !letters(char) && !char.is_ascii_whitespace());
    let runs = tokens.flat_map(|token| {
        let mut words = token.split_ascii_whitespace().peekable();
        std::iter::from_fn(move || {
            let first = words.find(|word| word.len() >= SHORTEST_LINE)?;
            let mut run = vec![first];
            while run.last().is_some_and(|word| word.len() == first.len())
                && let Some(word) = words.next_if(|word| word.len() <= first.len())
            {
                run.push(word);
            }
            Some(run)
        })
    });
    let readings = runs.flat_map(|run| {
        let is_ragged = run.first().map(|word| word.len()) != run.last().map(|word| word.len());
        let shorter = is_ragged.then(|| run.split_last()).flatten();
        let shorter = shorter.map(|(_, words)| words.to_vec());
        [Some(run), shorter].into_iter().flatten()
    });
    readings.filter_map(move |run| {
        let len: usize = run.iter().map(|word| word.len()).sum();
        let begins = run.first()?.as_ptr().addr();
        let last = run.last()?;
        let ends = last.as_ptr().addr() + last.len();
        // But for up to two letters of padding.
        let is_all = ends - begins + 2 >= all;
        if len < SHORTEST {
            return None;
        }
        let mut word = Zeroizing::new(String::with_capacity(len));
        word.extend(
            run.iter()
                .flat_map(|word| word.chars())
                .map(|char| match char {
                    '-' => '+',
                    '_' => '/',
                    other => other,
                }),
        );
        let bytes = armor::decode(std::iter::once(word.as_str()));
        Some(Encoded {
            bytes: bytes?,
            is_all,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_dashes_spaces_and_marks_become_plain() {
        for (text, plain) in [
            (r"a\nb\\nc\\\\nd", "a\nb\nc\nd"),
            (r"a\r\nb", "a\n\nb"),
            (r"\u002d\u002D\u003d\/\u002b", "--=/+"),
            ("–—−‑-", "-----"),
            ("a\u{a0}b\u{2009}c\u{200b}d\u{feff}", "a b cd"),
            ("> a\n> > b\n  | c>d", " a\n  b\n   c>d"),
            (r"a\", "a"),
            (r"\u12", "\u{12}"),
            (r"\ud800", "\u{fffd}"),
        ] {
            assert_eq!(*plain_text(text), plain, "{text}");
        }
    }

    #[test]
    fn pem_is_put_together_from_what_is_left_of_it() {
        let sound = "-----BEGIN A KEY-----\nAQID\n-----END A KEY-----\n";
        for text in [
            "-BEGIN A  KEY-AQID-END A KEY-",
            "----BEGIN A KEY---- AQID ----END A KEY----",
            "x-----BEGIN A KEY-----AQID-----END B-----",
            "---- - BEGIN A KEY - ---AQID",
            "'-----BEGIN A KEY-----AQ' + 'ID-----END A KEY-----'",
            "\"-----BEGIN A KEY-----\",\n\"AQID\",\n\"-----END A KEY-----\"",
        ] {
            let lines: Vec<_> = pem(text).lines().map(ToOwned::to_owned).collect();
            let lines: Vec<_> = lines.iter().filter(|line| !line.is_empty()).collect();
            assert_eq!(
                lines,
                sound.lines().collect::<Vec<_>>().iter().collect::<Vec<_>>(),
                "{text}"
            );
        }
        for text in [
            "",
            "BEGIN A KEY",
            "-BEGIN",
            "- BEGIN -",
            "-BEGIN a.b-",
            "BEGIN A-AQID",
        ] {
            assert_eq!(*pem(text), "", "{text}");
        }
        let locked =
            "-----BEGIN A----- Proc-Type: 4,ENCRYPTED DEK-Info: X,00 AQ ID -----END A-----";
        assert_eq!(
            *pem(locked),
            "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\n AQ ID\n-----END A-----\n"
        );
    }

    #[test]
    fn utf_16_is_told_with_and_without_its_mark() {
        let text = "some text of a key file";
        let bytes = |mark: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("{mark}{text}")
                .encode_utf16()
                .flat_map(unit)
                .collect()
        };
        for mark in ["", "\u{feff}"] {
            for unit in [u16::to_le_bytes, u16::to_be_bytes] {
                let found = utf16(&bytes(mark, unit)).unwrap();
                assert_eq!(found.trim_start_matches('\u{feff}'), text);
            }
        }
        for other in [
            &b""[..],
            text.as_bytes(),
            &[0x30, 0x82, 4, 0xBD, 0, 0, 0, 0],
        ] {
            assert!(utf16(other).is_none());
        }
    }

    #[test]
    fn base64_is_found_in_any_document() {
        use ::base64::Engine as _;
        use ::base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
        let bytes: Vec<u8> = (0..=255).chain(0..=200).collect();
        let long = BASE64_STANDARD.encode(&bytes);
        let lines = |width: usize, between: &str| {
            let lines: Vec<_> = long.as_bytes().chunks(width).collect();
            lines.join(between.as_bytes())
        };
        let lines = |width, between| String::from_utf8(lines(width, between)).unwrap();
        for (text, is_all) in [
            (long.clone(), true),
            (format!("\n{}\n", lines(76, "\n")), true),
            (lines(64, " "), true),
            (format!("KEY={long}\n"), false),
            (
                format!("data:\n  key: {}\n  other: x\n", long.trim_end_matches('=')),
                false,
            ),
            (
                format!("data:\n  key: |\n    {}\n  other: x\n", lines(76, "\n    ")),
                false,
            ),
            (format!("{{\"a\":\"b\",\"key\":\"{long}\"}}"), false),
            (format!("this is the key {}", lines(76, "\r\n")), false),
            (BASE64_URL_SAFE_NO_PAD.encode(&bytes), true),
        ] {
            let found: Vec<_> = base64(&text).collect();
            assert!(
                found
                    .iter()
                    .any(|found| *found.bytes == bytes && found.is_all == is_all),
                "{text}"
            );
        }
        assert_eq!(base64(&"words of a text ".repeat(100)).count(), 0);
        assert_eq!(base64(&"A".repeat(400)).count(), 1);
        assert_eq!(base64(&"A".repeat(396)).count(), 0);
    }
}
