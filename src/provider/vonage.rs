//! Vonage Video (OpenTok): `password` of an encrypted archive.
//!
//! > The password is a certificate-encrypted AES key and initialization vector, in the form of
//! > base64-encoded binary data.
//!
//! (Vonage, "Archive Encryption")

use super::document::{self, Outcome};
use super::error::MetadataError;
use super::json::Object;
use super::listing::{Item, Listing};
use super::search::{self, Knows, Rules};
use crate::envelope::{
    Container, ContentCipher, Envelope, Expected, Iv, KeyWrap, Padding, Payload, WrapAlgorithm,
};

const PASSWORD: &[&str] = &["password"];
const ID: &[&str] = &["id"];
const SESSION: &[&str] = &["sessionId"];
const STATUS: &[&str] = &["status"];
const DIGEST: &[&str] = &["sha256sum"];

const WANTED: MetadataError = MetadataError::Unrecognised {
    expected: "archive with a `password`",
};

/// Reads what Vonage says of encrypted archives.
///
/// Shapes: an archive object; a list (`{"count": …, "items": […]}`); the body of an archive
/// status callback; an array of these, or several one after another (a log of callbacks); the
/// bare password, with or without JSON's quotes. Entries of one id are one item: the last
/// password that is not empty counts.
///
/// An empty list gives no items.
///
/// # Errors
///
/// When the document is none of these, or holds nothing but nameless errors. What is wrong
/// with one archive is its item's error.
pub fn parse(bytes: &[u8]) -> Result<Listing, MetadataError> {
    search::read(bytes, &RULES)
}

/// Makes an envelope of the password alone, as on the command line.
///
/// # Errors
///
/// [`MetadataError::NotEncrypted`] when it is empty, [`MetadataError::Invalid`] when it is not
/// base64 or has an impossible length.
pub fn from_password(password: &str) -> Result<Envelope, MetadataError> {
    envelope("password", password, None)
}

const RULES: Rules<Envelope> = Rules {
    accepted: "JSON or a base64 password",
    wanted: WANTED,
    lists: &["items"],
    knows,
    item: |object, _| item(object),
    bare,
    merge: take_password,
};

fn knows(object: &Object) -> Knows {
    if object.has(PASSWORD) {
        Knows::Encryption
    } else if object.has(SESSION) {
        Knows::Recording
    } else {
        Knows::Nothing
    }
}

fn item(object: &Object) -> Item {
    match object.text(ID) {
        Ok(id) => {
            let id = id.map(|(_, id)| id.to_owned());
            document::item(id, archive(object))
        }
        Err(error) => document::item(None, Err(error)),
    }
}

/// A text is a password only if it can be what RSA encrypted. Of any other text nothing is said:
/// people give passphrases and keys in its place.
fn bare(text: &str) -> Option<Outcome> {
    let password = text.trim().trim_matches('"');
    if password.is_empty() {
        return Some(Err(MetadataError::NotEncrypted));
    }
    let outcome = envelope("password", password, None);
    let is_whole = |envelope: &Envelope| envelope.wrap.wrapped.len().is_multiple_of(8);
    outcome
        .is_ok_and(|envelope| is_whole(&envelope))
        .then(|| envelope("password", password, None))
}

/// "After the archive is created, the archive status POST requests to your callback URL include
/// a password property."
fn archive(archive: &Object) -> Outcome {
    if let Some((field, password)) = archive.text(PASSWORD)? {
        return envelope(field, password, declared_digest(archive)?);
    }
    // Vonage sends "" for an archive that is not encrypted, and for one that is not yet done.
    match archive.text(STATUS)? {
        Some((_, status @ ("started" | "paused" | "stopped" | "failed"))) => {
            Err(MetadataError::NotCompleted {
                status: status.to_owned(),
            })
        }
        _ if archive.has(PASSWORD) => Err(MetadataError::NotEncrypted),
        _ => Err(MetadataError::Missing { field: "password" }),
    }
}

/// "The generated password is encrypted using RSA encryption with OAEP padding"; the guide's
/// commands are `openssl rsautl -decrypt -oaep`, which is SHA-1, and `openssl enc -d
/// -aes-256-cbc -nopad`. "The decrypted archive file is in MPEG-TS format", but plain archives
/// are MP4.
fn envelope(field: &str, password: &str, sha256: Option<[u8; 32]>) -> Outcome {
    Ok(Envelope {
        id: None,
        wrap: KeyWrap {
            algorithm: WrapAlgorithm::RsaOaepSha1,
            payload: Payload::HeaderKeyIv,
            key_id: None,
            wrapped: wrapped(field, password.trim().trim_matches('"'))?,
        },
        cipher: ContentCipher::Aes256Cbc {
            iv: Iv::Wrapped,
            padding: Padding::TransportStream,
        },
        expected: Expected {
            length: None,
            sha256,
            containers: &[Container::MpegTs, Container::Mp4],
        },
    })
}

fn wrapped(field: &str, password: &str) -> Result<Vec<u8>, MetadataError> {
    if password.is_empty() {
        return Err(MetadataError::NotEncrypted);
    }
    // The guide's example, "e42c...d23", looks like hexadecimal.
    if password.len().is_multiple_of(2) && password.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(MetadataError::Invalid {
            field: document::quoted(field),
            problem: "hexadecimal, not base64".to_owned(),
        });
    }
    document::wrapped_key(field, password)
}

/// `sha256sum` comes as base64; hexadecimal is what the command of that name prints.
fn declared_digest(archive: &Object) -> Result<Option<[u8; 32]>, MetadataError> {
    let Some((field, text)) = archive.text(DIGEST)? else {
        return Ok(None);
    };
    match base16ct::mixed::decode_vec(text).map(<[u8; 32]>::try_from) {
        Ok(Ok(digest)) => Ok(Some(digest)),
        _ => document::base64_array(field, text).map(Some),
    }
}

/// Callbacks come in any order, and not all have the password.
fn take_password(earlier: &mut Outcome, later: Outcome) {
    if document::is_silent(earlier) || !document::is_silent(&later) {
        *earlier = later;
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    const ARCHIVE: &str = "b40ef09b-3811-4726-b508-e41a0f96c68f";
    // Of a real archive in Vonage's SDK tests.
    const SUM: &str = "4l6MKdPeiCOnt1UaQWMBSovKcTrg+Co5eNsyUp7Q/Jo=";

    /// 256 bytes that need all of base64's alphabet.
    fn bytes() -> Vec<u8> {
        (0..=255).rev().collect()
    }

    fn password() -> String {
        STANDARD.encode(bytes())
    }

    fn archive(status: &str, password: &str) -> String {
        format!(
            r#"{{"id":"{ARCHIVE}","event":"archive","sessionId":"2_MX","size":18023312,"status":"{status}","password":{password}}}"#
        )
    }

    fn uploaded() -> String {
        archive("uploaded", &format!("\"{}\"", password()))
    }

    fn sample(id: Option<&str>) -> Item {
        document::item(id.map(str::to_owned), from_password(&password()))
    }

    fn parsed(text: &str) -> Result<Vec<Item>, MetadataError> {
        parse(text.as_bytes()).map(Listing::into_items)
    }

    /// The error of the one item.
    fn error(text: &str) -> MetadataError {
        match parsed(text) {
            Ok(items) => items[0].outcome.clone().unwrap_err(),
            Err(error) => error,
        }
    }

    #[test]
    fn the_envelope_is_vonages() {
        let envelope = sample(Some(ARCHIVE)).outcome.unwrap();
        assert_eq!(envelope.id.as_deref(), Some(ARCHIVE));
        assert_eq!(envelope.wrap.algorithm, WrapAlgorithm::RsaOaepSha1);
        assert_eq!(envelope.wrap.payload, Payload::HeaderKeyIv);
        assert_eq!(envelope.wrap.key_id, None);
        assert_eq!(envelope.wrap.wrapped, bytes());
        let cipher = ContentCipher::Aes256Cbc {
            iv: Iv::Wrapped,
            padding: Padding::TransportStream,
        };
        assert_eq!(envelope.cipher, cipher);
        assert_eq!(envelope.expected.length, None);
        assert_eq!(envelope.expected.sha256, None);
        assert_eq!(
            envelope.expected.containers,
            [Container::MpegTs, Container::Mp4]
        );
    }

    #[test]
    fn every_shape_with_an_id() {
        let started = archive("started", "\"\"");
        let shapes = [
            uploaded(),
            format!("[{}]", uploaded()),
            format!(r#"{{"count":1,"items":[{}]}}"#, uploaded()),
            [&*started, &uploaded(), &archive("stopped", "null")].join("\n"),
        ];
        for shape in shapes {
            assert_eq!(parsed(&shape), Ok(vec![sample(Some(ARCHIVE))]), "{shape}");
        }
    }

    #[test]
    fn every_shape_of_a_bare_password() {
        let password = password();
        let folded = password.replace('8', "8\n");
        let shapes = [
            password.clone(),
            format!("{password}\r\n"),
            format!("\"{password}\"\n"),
            format!("\"{}\"", password.replace('/', "\\/")),
            folded.clone(),
            format!("\"{}\"", folded.replace('\n', "\\n")),
            format!(r#"{{"password":"{password}"}}"#),
            URL_SAFE_NO_PAD.encode(bytes()),
        ];
        for shape in shapes {
            assert_eq!(parsed(&shape), Ok(vec![sample(None)]), "{shape}");
        }
        assert_eq!(
            from_password(&format!("\"{password}\"")),
            from_password(&password)
        );
    }

    #[test]
    fn the_last_password_counts() {
        let old = archive("uploaded", &format!("\"{}\"", STANDARD.encode([0xFB; 256])));
        let log = [old, uploaded(), archive("available", "\"\"")];
        assert_eq!(parsed(&log.join("\n")), Ok(vec![sample(Some(ARCHIVE))]));
    }

    #[test]
    fn archives_without_a_password_say_why() {
        let not_completed = |status: &str| MetadataError::NotCompleted {
            status: status.to_owned(),
        };
        for password in ["\"\"", "null", "\" \""] {
            assert_eq!(
                error(&archive("uploaded", password)),
                MetadataError::NotEncrypted
            );
            assert_eq!(
                error(&archive("available", password)),
                MetadataError::NotEncrypted
            );
        }
        for status in ["started", "paused", "stopped", "failed"] {
            assert_eq!(error(&archive(status, "\"\"")), not_completed(status));
        }
        let absent = r#"{"id":"1","sessionId":"2","status":"available"}"#;
        let missing = MetadataError::Missing { field: "password" };
        assert_eq!(error(absent), missing);
        assert_eq!(error(r#""""#), MetadataError::NotEncrypted);
        assert_eq!(from_password(" "), Err(MetadataError::NotEncrypted));
    }

    #[test]
    fn one_archives_error_leaves_the_others_alone() {
        let plain = r#"{"id":"plain","status":"available","password":""}"#;
        let items = parsed(&format!(r#"{{"items":[{plain},{},null]}}"#, uploaded())).unwrap();
        assert_eq!(items.len(), 3);
        assert_eq!(items[0].outcome, Err(MetadataError::NotEncrypted));
        assert_eq!(items[1], sample(Some(ARCHIVE)));
        assert_eq!(items[2].outcome, Err(WANTED));
        assert_eq!(parsed(r#"{"count":0,"items":[]}"#), Ok(vec![]));
    }

    #[test]
    fn passwords_that_cannot_be_right_say_why() {
        let cases = [
            (
                "e42c...d23",
                "password is shortened: it has an ellipsis in it",
            ),
            ("e42cd2", "password is hexadecimal, not base64"),
            ("e42c!", "password is not base64: see character 5"),
            ("-_+/", "password is not base64: see character 1"),
            ("gggg", "password is 3 bytes long, not 64 to 1024"),
        ];
        for (password, message) in cases {
            assert_eq!(from_password(password).unwrap_err().to_string(), message);
            assert_eq!(
                error(password).to_string(),
                "it is not JSON or a base64 password: it is text of another kind"
            );
            assert_eq!(
                error(&archive("uploaded", &format!("\"{password}\""))).to_string(),
                message
            );
        }
        for length in [64, 128, 256, 1024] {
            assert!(from_password(&STANDARD.encode(vec![0xFB; length])).is_ok());
        }
    }

    #[test]
    fn a_digest_is_base64_or_hexadecimal() {
        let digest = |sum: &str| {
            let text = uploaded().replace("\"size\"", &format!(r#""sha256sum":{sum},"size""#));
            parsed(&text).unwrap()[0]
                .outcome
                .clone()
                .map(|envelope| envelope.expected.sha256)
        };
        let sum = STANDARD.decode(SUM).unwrap();
        let hex: Vec<_> = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        let hex = hex.concat();
        let sum = Ok(Some(<[u8; 32]>::try_from(sum).unwrap()));
        assert_eq!(digest(&format!("\"{SUM}\"")), sum);
        assert_eq!(digest(&format!("\"{hex}\"")), sum);
        assert_eq!(digest(&format!("\"{}\"", hex.to_uppercase())), sum);
        assert_eq!(digest("null"), Ok(None));
        assert_eq!(digest("\"\""), Ok(None));
        let message = |sum| digest(sum).unwrap_err().to_string();
        assert_eq!(message("\"AAAA\""), "sha256sum is 3 bytes long, not 32");
        assert_eq!(message("\"?\""), "sha256sum is not base64: see character 1");
        assert_eq!(message("7"), "sha256sum is a number, not a string");
    }

    #[test]
    fn what_is_something_else_is_refused() {
        let cases = [
            ("{}", "no archive with a `password` found in it"),
            (
                r#"{"id":"1","status":"ok"}"#,
                "no archive with a `password` found in it",
            ),
            ("[7]", "no archive with a `password` found in it"),
            (
                "{",
                "it is not JSON: EOF while parsing an object at line 1 column 1",
            ),
            (
                "<!doctype html>",
                "it is not JSON or a base64 password: it looks like an HTML page",
            ),
            (r#"{"password":7}"#, "password is a number, not a string"),
            (
                r#"{"password":"a","password":"b"}"#,
                "password and another password have different values",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(error(text).to_string(), message, "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn damaged_documents_do_not_panic(place: prop::sample::Index, byte: u8, cut: bool) {
            let mut bytes = uploaded().into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(if cut { place } else { bytes.len() });
            let _ = parse(&bytes);
        }
    }
}
