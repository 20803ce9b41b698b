//! Bytes that were written as text.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;

/// Bytes decoded at a time: whole groups of base64 and of hexadecimal digits.
const STEP: usize = 64 * 1024;

/// A text that stands for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// Base64 (RFC 4648), either alphabet, white space and quotation marks ignored.
    Base64,
    /// Hexadecimal digits, white space and quotation marks ignored.
    Hex,
}

impl TextEncoding {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hex",
        }
    }

    /// The encoding of a text that starts with `head`, if it can be one. Ciphertext of 64 bytes
    /// looks like neither less than once in 2^128.
    pub fn of(head: &[u8]) -> Option<Self> {
        let mut digits = head.iter().filter(|byte| !is_ignored(**byte));
        // No further than needed: most heads are ciphertext, and 64 KiB long.
        digits.clone().nth(63)?;
        let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
        if digits.clone().all(u8::is_ascii_hexdigit) {
            Some(Self::Hex)
        } else {
            // Words with spaces between them are prose, or a PEM block's first line.
            let spaced = |line: &[u8]| line.trim_ascii().iter().any(|byte| b" \t".contains(byte));
            let mut lines = head.split(|&byte| byte == b'\n');
            (digits.all(base64) && !lines.any(spaced)).then_some(Self::Base64)
        }
    }

    /// Decodes all of `from`.
    pub(super) fn decode(self, from: &mut dyn Read, to: &mut dyn Write) -> io::Result<()> {
        let mut text = Vec::with_capacity(2 * STEP);
        let mut piece = vec![0; STEP];
        loop {
            let read = match from.read(&mut piece) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let found = piece.get(..read).unwrap_or_default();
            text.extend(found.iter().filter(|byte| !is_ignored(**byte)));
            let whole = if read == 0 {
                text.len()
            } else {
                text.len() - text.len() % 4
            };
            let rest = text.split_off(whole);
            to.write_all(&self.bytes(std::mem::replace(&mut text, rest))?)?;
            if read == 0 {
                return Ok(());
            }
        }
    }

    fn bytes(self, mut text: Vec<u8>) -> io::Result<Vec<u8>> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, format!("it is not {self:?}"));
        match self {
            Self::Base64 => {
                for byte in &mut text {
                    *byte = match *byte {
                        b'-' => b'+',
                        b'_' => b'/',
                        byte => byte,
                    };
                }
                STANDARD_PAD_INDIFFERENT.decode(text).map_err(|_| invalid())
            }
            Self::Hex => base16ct::mixed::decode_vec(text).map_err(|_| invalid()),
        }
    }
}

fn is_ignored(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_and_pem_are_no_base64() {
        let digits = "QUJD".repeat(20);
        for (text, encoding) in [
            (digits.clone(), Some(TextEncoding::Base64)),
            (
                format!("  {digits}\r\n  {digits}\n"),
                Some(TextEncoding::Base64),
            ),
            ("00 ff ".repeat(40), Some(TextEncoding::Hex)),
            (format!("-----BEGIN PUBLIC KEY-----\n{digits}"), None),
            ("the recording was not found ".repeat(5), None),
            (digits[..60].to_owned(), None),
        ] {
            assert_eq!(TextEncoding::of(text.as_bytes()), encoding, "{text}");
        }
    }
}
