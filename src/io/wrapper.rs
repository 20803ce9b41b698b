//! What a transfer left around the media.

use std::fmt;
use std::io;

use super::{Part, Source, TextEncoding};

/// Longest text in front of the data of a `data:` URL.
const DATA_URL: usize = 256;

/// What stands in front of the media, and the text that the media was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapper {
    /// Heads of HTTP answers, as `curl -i` writes them in front.
    heads: usize,
    /// Whether a `data:` URL begins behind them.
    is_url: bool,
    /// All bytes in front.
    front: usize,
    /// The text that the rest is.
    encoding: Option<TextEncoding>,
}

impl Wrapper {
    /// What is around the media of a file that starts with `head`, if something is. Ciphertext
    /// looks so less than once in 2^128.
    pub fn of(head: &[u8]) -> Option<Self> {
        let mut rest = head;
        let mut heads = 0;
        // One each for a redirection, a proxy, a `100 Continue`.
        while let Some(behind) = behind_http_head(rest) {
            rest = behind;
            heads += 1;
        }
        let text = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
        let url = behind_data_url(text);
        let text = url.unwrap_or(text);
        // Databases mark hexadecimal digits.
        let digits = [&b"0x"[..], b"\\x"];
        let digits = digits.iter().find_map(|mark| text.strip_prefix(*mark));
        let marked = digits.filter(|rest| TextEncoding::of(rest) == Some(TextEncoding::Hex));
        let text = marked.unwrap_or(text);
        let encoding = TextEncoding::of(text);
        if encoding.is_some() {
            rest = text;
        }
        (heads > 0 || encoding.is_some()).then_some(Self {
            heads,
            is_url: url.is_some() && encoding.is_some(),
            front: head.len() - rest.len(),
            encoding,
        })
    }

    /// The text that the media was written as.
    pub fn encoding(&self) -> Option<TextEncoding> {
        self.encoding
    }

    /// What is inside `source`, which starts so. What is decoded, or read from a stream, is kept
    /// where the source says.
    ///
    /// # Errors
    /// As the operating system has it; [`io::ErrorKind::InvalidData`] if the text goes on
    /// otherwise than it began.
    pub fn take_off(&self, mut source: Source) -> io::Result<Source> {
        if self.front > 0 {
            let spool = source.spool();
            let whole = source.stored()?;
            let rest = Part::File(self.front as u64..whole.length());
            source = Source::from(whole.arranged(vec![rest])).spooled(spool);
        }
        match self.encoding {
            Some(encoding) => source.decoded(encoding),
            None => Ok(source),
        }
    }
}

/// `an HTTP head`, `base64`, `an HTTP head and a data: URL`.
impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = match self.heads {
            0 => None,
            1 => Some("an HTTP head"),
            _ => Some("HTTP heads"),
        };
        let text = self.encoding.map(|encoding| match encoding {
            _ if self.is_url => "a data: URL",
            encoding => encoding.name(),
        });
        match (head, text) {
            (Some(head), Some(text)) => write!(f, "{head} and {text}"),
            (one, other) => f.write_str(one.or(other).unwrap_or_default()),
        }
    }
}

/// What stands behind the head of an HTTP answer (RFC 9112, section 2.1): a status line, fields,
/// an empty line. Line ends may have lost their CR.
fn behind_http_head(bytes: &[u8]) -> Option<&[u8]> {
    let status = bytes.strip_prefix(b"HTTP/")?;
    let is_version = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let version = status.iter().take(3).take_while(|byte| is_version(byte));
    let code = status.get(version.count()..)?.strip_prefix(b" ")?;
    code.get(..3)?
        .iter()
        .all(u8::is_ascii_digit)
        .then_some(())?;
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let (line, behind) = rest.split_at(end);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        rest = behind.get(1..)?;
        if line.is_empty() {
            return Some(rest);
        }
        let is_text = |byte: &u8| *byte >= b' ' && *byte != 0x7F || *byte == b'\t';
        line.iter().all(is_text).then_some(())?;
    }
}

/// The base64 of a `data:` URL (RFC 2397).
fn behind_data_url(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.trim_ascii_start();
    let bytes = bytes.strip_prefix(b"\"").unwrap_or(bytes);
    bytes
        .get(..5)?
        .eq_ignore_ascii_case(b"data:")
        .then_some(())?;
    let comma = bytes.iter().take(DATA_URL).position(|&byte| byte == b',')?;
    let (kind, data) = bytes.split_at(comma);
    let is_base64 = kind.to_ascii_lowercase().ends_with(b";base64");
    data.get(1..).filter(|_| is_base64)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    fn media() -> Vec<u8> {
        let all = u8::MIN..=u8::MAX;
        all.clone().chain(all.rev()).collect()
    }

    fn unwrapped(file: &[u8]) -> (String, Vec<u8>) {
        let wrapper = Wrapper::of(file).unwrap();
        let mut named = tempfile::NamedTempFile::new().unwrap();
        named.write_all(file).unwrap();
        let source = Source::open(named.path()).unwrap();
        let mut source = wrapper.take_off(source).unwrap();
        let mut inside = Vec::new();
        source.reader().read_to_end(&mut inside).unwrap();
        (wrapper.to_string(), inside)
    }

    #[test]
    fn what_is_around_the_media_is_taken_off() {
        let media = media();
        let base64 = BASE64_STANDARD.encode(&media);
        let lines = base64
            .as_bytes()
            .chunks(76)
            .collect::<Vec<_>>()
            .join(&b"\r\n"[..]);
        let hex = base16ct::lower::encode_string(&media);
        let head = b"HTTP/2 200 \r\ncontent-type: audio/x-wav\r\n\r\n";
        let redirected = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://x/\r\n\r\n";
        let text = |text: String| text.into_bytes();
        for (file, name) in [
            ([&head[..], &media].concat(), "an HTTP head"),
            (
                [b"HTTP/1.0 200 OK\n\n", &media[..]].concat(),
                "an HTTP head",
            ),
            ([redirected, &head[..], &media].concat(), "HTTP heads"),
            (
                [head, base64.as_bytes()].concat(),
                "an HTTP head and base64",
            ),
            (lines, "base64"),
            (BASE64_URL_SAFE_NO_PAD.encode(&media).into_bytes(), "base64"),
            (text(format!("\"{base64}\"\n")), "base64"),
            (text(format!("\u{feff}{base64}")), "base64"),
            (text(format!("{}\n", hex.to_uppercase())), "hex"),
            (text(format!("\\x{hex}")), "hex"),
            (text(format!("0x{hex}")), "hex"),
            (
                text(format!("data:audio/wav;base64,{base64}")),
                "a data: URL",
            ),
            (text(format!("\"data:;base64,{base64}\"")), "a data: URL"),
        ] {
            assert_eq!(unwrapped(&file), (name.to_owned(), media.clone()));
        }
    }

    #[test]
    fn what_is_around_nothing_known_stays() {
        for file in [
            &media()[..],
            b"",
            b"HTTP/1.1 200 OK\r\nno end",
            b"HTTP/1.1 200 OK\r\nbad\0line\r\n\r\n",
            b"HTTP status 200\n\n",
            b"data:audio/wav,abc",
            b"data:audio/wav;base64,****",
            b"0x1234",
        ] {
            assert_eq!(Wrapper::of(file), None);
        }
    }

    #[test]
    fn text_that_goes_on_otherwise_is_an_error() {
        let file = ["A".repeat(100), "*".to_owned()].concat();
        let mut named = tempfile::NamedTempFile::new().unwrap();
        named.write_all(file.as_bytes()).unwrap();
        let wrapper = Wrapper::of(&file.as_bytes()[..100]).unwrap();
        let error = wrapper.take_off(Source::open(named.path()).unwrap());
        assert_eq!(error.err().unwrap().kind(), io::ErrorKind::InvalidData);
    }
}
