//! PEM (RFC 7468, and RFC 1421 for encrypted keys), read as tolerantly as OpenSSL does.
//!
//! One block that is damaged must not hide the others, and no copy of a private key may stay in
//! memory; the `pem` crate, which gives up at the first damage and keeps its copies, is the
//! oracle of the tests here.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::error::KeyError;

const BEGIN: &str = "-----BEGIN ";

/// Padding may be missing, as it is after many a copy and paste.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One PEM block.
pub(super) struct Block<'a> {
    /// The text between `BEGIN` and the dashes.
    pub(super) label: &'a str,
    /// What stands between the two lines; `None` where there is no `END` line for it.
    body: Option<&'a str>,
    /// The line of the text that it begins in, from 1.
    line: usize,
    /// The line of the first letter that is not ASCII, at which reading ends.
    foreign: Option<usize>,
}

/// The blocks of a text, in order. What stands outside of them is passed over, in whatever
/// encoding it is.
pub(super) fn blocks(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut line = 1;
    let pieces = split(text, BEGIN).map(move |piece| {
        let begins = line;
        line += newlines(piece);
        (begins, piece)
    });
    pieces.skip(1).filter_map(|(line, piece)| {
        let ascii = piece
            .iter()
            .position(|byte| !byte.is_ascii())
            .unwrap_or(piece.len());
        let sound = piece.get(..ascii)?;
        let block = std::str::from_utf8(sound).ok()?;
        let (label, rest) = block.split_once("-----")?;
        let body = rest
            .split_once(&format!("-----END {label}-----"))
            .map(|(body, _)| body);
        let foreign = (ascii < piece.len()).then(|| line + newlines(sound));
        Some(Block {
            label,
            body,
            line,
            foreign,
        })
    })
}

fn newlines(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').skip(1).count()
}

/// [`str::split`] for bytes.
fn split<'a>(text: &'a [u8], separator: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let found = text
            .windows(separator.len())
            .position(|window| window == separator.as_bytes());
        let (piece, remaining) = text.split_at(found.unwrap_or(text.len()));
        rest = found.and_then(|_| remaining.get(separator.len()..));
        Some(piece)
    })
}

impl<'a> Block<'a> {
    /// The value of a header such as `DEK-Info`.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.body?.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim())
        })
    }

    /// The bytes of the block.
    ///
    /// # Errors
    ///
    /// [`KeyError::Pem`] if it has no end or is not base64.
    pub(super) fn decode(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let broken = |line, problem| KeyError::Pem { line, problem };
        let body = self.body.ok_or_else(|| match self.foreign {
            Some(line) => broken(line, "this is not ASCII"),
            None => broken(self.line, "this BEGIN has no END line"),
        })?;
        let lines = body.lines().filter(|line| !line.contains(':'));
        decode(lines).ok_or_else(|| {
            let is_sound = |line: &str| {
                let mut bytes = line.trim_ascii().bytes();
                bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+/= \t".contains(&byte))
            };
            let mut lines = body.lines().enumerate();
            match lines.find(|(_, line)| !line.contains(':') && !is_sound(line)) {
                Some((index, _)) => broken(self.line + index, "this is not base64"),
                None => broken(self.line, "the base64 that begins here is not whole"),
            }
        })
    }
}

/// Decodes base64 in pieces, with any white space in it.
pub(super) fn decode<'a>(
    pieces: impl Iterator<Item = &'a str> + Clone,
) -> Option<Zeroizing<Vec<u8>>> {
    let len = pieces.clone().map(str::len).sum();
    let mut base64 = Zeroizing::new(Vec::with_capacity(len));
    for piece in pieces {
        base64.extend(piece.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    }
    let mut bytes = Zeroizing::new(vec![0; base64.len()]);
    let len = BASE64.decode_slice_unchecked(&*base64, &mut bytes).ok()?;
    bytes.truncate(len);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Vec<(String, Result<Vec<u8>, KeyError>)> {
        blocks(text.as_bytes())
            .map(|block| {
                (
                    block.label.to_owned(),
                    block.decode().map(|bytes| bytes.to_vec()),
                )
            })
            .collect()
    }

    #[test]
    fn agrees_with_the_pem_crate_on_sound_files() {
        for ending in [::pem::LineEnding::LF, ::pem::LineEnding::CRLF] {
            let blocks: Vec<_> = (0..200u8)
                .map(|n| ::pem::Pem::new(format!("LABEL {n}"), vec![n; n.into()]))
                .collect();
            let config = ::pem::EncodeConfig::new().set_line_ending(ending);
            let text = ::pem::encode_many_config(&blocks, config);
            let ours = decoded(&text);
            let theirs: Vec<_> = ::pem::parse_many(&text)
                .unwrap()
                .into_iter()
                .map(|pem| (pem.tag().to_owned(), Ok(pem.into_contents())))
                .collect();
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn damage_stays_in_its_block() {
        let text = "text -----BEGIN A-----\nAQ\nno end\n-----BEGIN B-----AQID-----END B-----\
                    -----BEGIN C-----\n!\n-----END C----------BEGIN D-----\n-----END D-----";
        let broken = |line, problem| Err(KeyError::Pem { line, problem });
        assert_eq!(
            decoded(text),
            [
                ("A".to_owned(), broken(1, "this BEGIN has no END line")),
                ("B".to_owned(), Ok(vec![1, 2, 3])),
                ("C".to_owned(), broken(5, "this is not base64")),
                ("D".to_owned(), Ok(vec![])),
            ]
        );
    }

    #[test]
    fn what_is_not_ascii_is_named_by_its_line() {
        let line = |text| decoded(text).remove(0).1;
        let problem = "this is not ASCII";
        assert_eq!(
            line("a\nb\n-----BEGIN A-----\nAQ\nAä\n-----END A-----"),
            Err(KeyError::Pem { line: 5, problem })
        );
    }

    #[test]
    fn headers_are_no_data() {
        let text = "-----BEGIN A-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: X,00\r\n \r\nAQID\r\n-----END A-----";
        let block = blocks(text.as_bytes()).next().unwrap();
        assert_eq!(block.header("DEK-Info"), Some("X,00"));
        assert_eq!(block.header("Other"), None);
        assert_eq!(*block.decode().unwrap(), [1, 2, 3]);
    }
}
