//! Arguments that are a secret where the name of a file belongs: what they look like, and how
//! messages show paths without repeating one.

use std::ffi::OsStr;
use std::path::Path;

/// What an argument looks like that names no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A key's text: PEM, with `\n` written out or not, or in base64, or the base64 of its DER.
    Key,
    /// Digits without order: a key or salt in hexadecimal or base64.
    Random,
    /// Several lines, or JSON or XML.
    Text,
    /// More than a name can have.
    Long,
    /// A name that nobody gives a file, as far as that can be seen: perhaps a passphrase.
    Phrase,
}

impl Kind {
    /// What it is, for a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Key => "the text of a key",
            Self::Random => "what looks like a key",
            Self::Text => "a text",
            Self::Long => "what is too long for a name",
            Self::Phrase => "a name that is not shown",
        }
    }
}

/// The endings of names that are plainly those of files.
const ENDINGS: [&str; 60] = [
    "aes",
    "asc",
    "bak",
    "bin",
    "cer",
    "cfg",
    "conf",
    "config",
    "copy",
    "crt",
    "csr",
    "der",
    "enc",
    "encrypted",
    "env",
    "form",
    "gpg",
    "har",
    "headers",
    "html",
    "ini",
    "jks",
    "json",
    "jsonl",
    "jwk",
    "key",
    "log",
    "m4a",
    "mka",
    "mkv",
    "mp3",
    "mp4",
    "new",
    "ogg",
    "old",
    "orig",
    "p12",
    "p7b",
    "p8",
    "pass",
    "passphrase",
    "pem",
    "pfx",
    "pk8",
    "ppk",
    "profile",
    "pub",
    "pvk",
    "salt",
    "secret",
    "svg",
    "tmp",
    "toml",
    "ts",
    "txt",
    "wav",
    "webm",
    "xml",
    "yaml",
    "yml",
];

/// The longest name of a file, in bytes: Linux and macOS have 255.
const LONGEST: usize = 255;

/// From here on a name without a folder or an ending counts as a secret: Qvoice's keys are "at
/// least 32 characters long (plain text)".
const SHORTEST_KEY: usize = 32;

/// The digits in a line of PEM (RFC 7468), of which `\n` in front may have taken none.
const LINE: usize = 64;

/// What a text looks like that can hardly be a path. Whether there is such a file is not asked.
pub(crate) fn looks_like_secret(text: &OsStr) -> Option<Kind> {
    let text = text.to_string_lossy();
    let text = text.as_ref();
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/-_=".contains(c);
    let solid = !text.contains(|c| !is_digit(c));
    // "LS0tLS1CRUdJTi" is "-----BEGIN" in base64, "MII" how DER of a key's length begins.
    if [
        "-----BEGIN",
        "LS0tLS1CRUdJTi",
        "PRIVATE KEY",
        "PuTTY-User-Key",
    ]
    .iter()
    .any(|sign| text.contains(sign))
        || (text.starts_with("MII") && text.len() >= 64 && !text.contains('.'))
        || (!solid && has_lines_of_a_key(text))
    {
        return Some(Kind::Key);
    }
    let bare = text.trim_start_matches(|c: char| c.is_whitespace() || "\"'".contains(c));
    let is_json_or_xml = bare.starts_with(['{', '<']) || bare.starts_with("[{");
    if text.contains(['\n', '\r']) && !is_untypable(text) || is_json_or_xml {
        return Some(Kind::Text);
    }
    if solid && is_random(text) {
        return Some(Kind::Random);
    }
    let too_long = text.split('/').any(|name| name.len() > LONGEST);
    too_long.then_some(Kind::Long)
}

/// Whether there are characters in it that no keyboard has: it is a hostile name, not a secret
/// that somebody typed or pasted, and is shown escaped.
pub(crate) fn is_untypable(text: &str) -> bool {
    text.contains(|c: char| c.is_control() && !"\r\n\t".contains(c))
}

/// Whether digits are in no order that words have: hexadecimal or base64 of 16 bytes or more.
fn is_random(digits: &str) -> bool {
    let bare = digits.trim_end_matches('=');
    if bare.split('/').any(is_id) {
        return false;
    }
    if bare.len() >= SHORTEST_KEY && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return true;
    }
    let enough = if bare == digits { SHORTEST_KEY } else { 20 };
    bare.len() >= enough && is_disorderly(bare)
}

/// Whether small letters, capitals and figures take turns as in no word.
fn is_disorderly(bare: &str) -> bool {
    let class = |c: char| {
        let classes = [
            c.is_ascii_lowercase(),
            c.is_ascii_uppercase(),
            c.is_ascii_digit(),
        ];
        classes.iter().position(|is| *is)
    };
    let classes: Vec<_> = bare.chars().map(class).collect();
    let mixed = (0..3).all(|each| classes.contains(&Some(each)));
    let pairs = classes.windows(2);
    let changes = pairs.filter(|two| !two.contains(&None) && two.first() != two.last());
    mixed && changes.count() * 5 >= bare.len() * 2
}

/// Whether somewhere in it is a line of PEM's length in base64: a key's body in quotation marks,
/// behind a variable's name, with `\n` or spaces for ends of lines. A path may have such a part.
fn has_lines_of_a_key(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let is_line = |run: &str| run.len() >= LINE && is_disorderly(run);
    let path = text.starts_with(['.', '/']) || text.contains("://") || has_ending(Path::new(text));
    !path && text.split(|c| !is_digit(c)).any(is_line)
}

/// Whether it is a provider's id: two letters and 32 hexadecimal digits, or a UUID.
fn is_id(name: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let upper = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase());
    let lengths = |lengths: &[usize]| name.split('-').map(str::len).eq(lengths.iter().copied());
    let sid = name.len() == 34
        && name
            .split_at_checked(2)
            .is_some_and(|(a, b)| upper(a) && hex(b));
    sid || (lengths(&[8, 4, 4, 4, 12]) && name.split('-').all(hex))
}

/// Whether a text is plainly a path: in a folder, or with an ending that files have.
pub(crate) fn is_path(text: &OsStr) -> bool {
    let lossy = text.to_string_lossy();
    looks_like_secret(text).is_none()
        && (is_in_folder(&lossy) || is_untypable(&lossy) || has_ending(Path::new(text)))
}

/// Whether it has an ending that files have.
fn has_ending(path: &Path) -> bool {
    let ending = path.extension().map(OsStr::to_string_lossy);
    ending.is_some_and(|ending| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Whether it leads into a folder. A slash among signs that names do without is a passphrase's.
fn is_in_folder(text: &str) -> bool {
    let begins = ["/", "./", "../", "~"];
    let rare = |c: char| "!\"#$%&'*;<>?[\\]^`{|}".contains(c);
    text.contains('/')
        && (begins.iter().any(|begin| text.starts_with(begin)) || !text.contains(rare))
}

/// Whether a text may well be the name of a file, though nothing says so.
fn is_name(text: &OsStr) -> bool {
    let text = text.to_string_lossy();
    let letter = |c: char| c.is_alphanumeric() || "._-".contains(c);
    is_id(&text) || (text.chars().count() < SHORTEST_KEY && text.chars().all(letter))
}

/// Whether a path leads to something; `-` is standard input.
pub(crate) fn exists(path: &Path) -> bool {
    path.as_os_str() == "-" || std::fs::symlink_metadata(path).is_ok()
}

/// What an argument is that names no file and is not to be repeated.
pub(crate) fn hidden(path: &Path) -> Option<Kind> {
    let text = path.as_os_str();
    if exists(path) {
        return None;
    }
    let phrase = || (!is_path(text) && !is_name(text)).then_some(Kind::Phrase);
    looks_like_secret(text).or_else(phrase)
}

/// A path as messages show it. What names no file and may be a secret is not repeated.
pub(crate) fn shown(path: &Path) -> String {
    match hidden(path) {
        Some(kind) => format!("({})", kind.name()),
        None => path.display().to_string(),
    }
}

/// The same for what names a file with a secret: whatever is not plainly a path may be the secret.
pub(crate) fn shown_of_secret(path: &Path) -> String {
    let text = path.as_os_str();
    if exists(path) || is_path(text) {
        return shown(path);
    }
    format!(
        "({})",
        looks_like_secret(text).unwrap_or(Kind::Phrase).name()
    )
}

/// The text of an error of the system's, in which `fs_err` and `tempfile` quote a path: that is
/// [`shown`] too.
pub(crate) fn cause(text: &str) -> String {
    let quotes = [("failed to ", "`", "`: "), ("", " at path \"", "\"")];
    for (beginning, open, close) in quotes {
        if text.starts_with(beginning)
            && let Some((before, rest)) = text.split_once(open)
            && let Some((path, after)) = rest.rsplit_once(close)
        {
            let is_stream = matches!(path, "standard input" | "standard output");
            let path = if is_stream {
                path.to_owned()
            } else {
                shown(Path::new(path))
            };
            return format!("{before}{open}{path}{close}{after}");
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;

    const HEX: &str = "1a2b3c4d5e6f7890abcdef1234567890abcdef1234567890abcdef1234567890";
    const BASE64: &str = "caqYIE1PTwqKjYrn7M+C2HvdgLBfJA7kQOfc7r2+tHE=";
    const SID: &str = "RE5eed0000000000000000000000000001";

    fn kind(text: &str) -> Option<Kind> {
        looks_like_secret(OsStr::new(text))
    }

    #[test]
    fn keys_are_recognised_in_every_form_and_names_are_not() {
        let pem = include_str!("../../fixtures/keys/pkcs8.pem");
        let body: String = pem.lines().filter(|line| !line.contains('-')).collect();
        let base64 = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
        for key in [
            pem.to_owned(),
            pem.replace('\n', "\\n"),
            pem.replace('\n', " "),
            format!("KEY=\"{pem}\""),
            base64(pem),
            base64(&format!("\u{feff}{pem}")),
            body.clone(),
            body.chars().take(64).collect(),
            format!(" {body}"),
            format!("\"{body}\""),
            format!("key: {body}"),
            pem.lines().skip(2).collect::<Vec<_>>().join("\\n"),
            pem.lines().skip(2).collect::<Vec<_>>().join(" "),
            format!("PuTTY-User-Key-File-3: ssh-rsa\\n{}", &body[100..130]),
        ] {
            assert_eq!(kind(&key), Some(Kind::Key), "{key}");
        }
        assert_eq!(kind(HEX), Some(Kind::Random));
        assert_eq!(kind(BASE64), Some(Kind::Random));
        assert_eq!(kind("vtXjrOykxiIt0edsCizN0g=="), Some(Kind::Random));
        assert_eq!(kind(&body[100..200]), Some(Kind::Random));
        assert_eq!(kind("two\nlines"), Some(Kind::Text));
        assert_eq!(kind(&"x".repeat(256)), Some(Kind::Long));
        assert_eq!(kind("missing\u{1b}[31m"), None);
        for jwk in [
            r#"{"kty":"RSA"}"#,
            r#" {"kty":"RSA"}"#,
            r#"[{"kty":"RSA"}]"#,
        ] {
            assert_eq!(kind(jwk), Some(Kind::Text));
        }
        assert_eq!(kind(&format!("./{body}")), None);
        for name in [
            "call.wav",
            "My recordings of November",
            SID,
            "recordings/RE5eed0000000000000000000000000001",
            "5EED0000-0000-4000-8000-00000000000a",
            "fixtures/twilio-voice/RE5eed0000000000000000000000000001.wav.enc",
            "/var/lib/App1/Recordings2026/November/Customer4711",
            "https://api.twilio.com/2010-04-01/Accounts/AC5eed0000000000000000000000000001",
            "Recording-2026-11-25-Customer-4711-Part-2",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
    }

    #[test]
    fn what_may_be_a_passphrase_is_not_shown_and_paths_are() {
        for text in [
            "correct horse battery staple",
            "Tr0ub4dor&3",
            "kJ8#mP2/vL9@xQ4!nR7$wT5%zY3^bH6&",
            "new_encryption_key_plain_text_at_least_32_characters_long",
            HEX,
        ] {
            assert!(hidden(Path::new(text)).is_some(), "{text}");
            let text = format!("./{text}");
            assert_eq!(shown(Path::new(&text)), text);
        }
        for text in [
            "missing",
            "missing.pem",
            "my key.pem",
            "in/RE1",
            SID,
            "/nowhere/at all",
            "missing\u{1b}[31m",
        ] {
            assert_eq!(shown(Path::new(text)), text);
        }
        // What exists is no secret, whatever its name.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(HEX);
        fs_err::write(&path, "").unwrap();
        assert_eq!(hidden(&path), None);
    }

    #[test]
    fn the_path_in_an_error_is_shown_by_the_same_rule() {
        let error = fs_err::File::open(HEX).unwrap_err().to_string();
        let expected = "failed to open file `(what looks like a key)`: No such file or directory";
        assert!(cause(&error).starts_with(expected), "{}", cause(&error));
        let error = fs_err::File::open("missing.pem").unwrap_err().to_string();
        assert_eq!(cause(&error), error);
        let error = tempfile::tempfile_in(BASE64).unwrap_err().to_string();
        assert!(!cause(&error).contains(BASE64), "{}", cause(&error));
        assert_eq!(
            cause("failed to write to file `standard output`: it is full"),
            "failed to write to file `standard output`: it is full"
        );
        assert_eq!(
            cause("the field `a`: it is odd"),
            "the field `a`: it is odd"
        );
    }
}
