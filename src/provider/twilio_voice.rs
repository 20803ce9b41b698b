//! Twilio Voice: `encryption_details` of a call recording.
//!
//! > Extract **encrypted_cek** and **iv** from **encryption_details** properties of Recording
//! > Status Callback or Recording Resource.
//!
//! (`TwilioDevEd/encrypted-media-recordings`, README)

use super::document::{self, Outcome};
use super::error::MetadataError;
use super::json::{self, Budget, Json, Object};
use super::listing::{Item, Listing};
use super::search::{self, Knows, Rules};
use crate::envelope::{ContentCipher, Envelope, Expected, KeyWrap, Payload, WrapAlgorithm};

// The documented spelling comes first; the others are in Twilio's OpenAPI description, its
// examples, and clients. Case is the look-up's business: `EncryptionDetails` has an entry of
// its own because it has no underscore.
const DETAILS: &[&str] = &["encryption_details", "EncryptionDetails"];
const ID: &[&str] = &["sid", "RecordingSid", "recording_sid"];
const STATUS: &[&str] = &["status", "RecordingStatus", "recording_status"];
const TYPE: &[&str] = &["type", "encryption_type"];
const KEY_ID: &[&str] = &["public_key_sid", "encryption_public_key_sid"];
const CEK: &[&str] = &["encrypted_cek", "encryption_cek"];
const IV: &[&str] = &["iv", "encryption_iv"];

const WANTED: MetadataError = MetadataError::Unrecognised {
    expected: "encryption_details",
};

/// Reads what Twilio says of encrypted call recordings.
///
/// Shapes: the bare `encryption_details` object; a Recording resource; a list page
/// (`{"recordings": […]}`); the body of a recording status callback, as a form
/// (`…&EncryptionDetails=%7B…`) or as JSON; the details as a JSON string inside JSON; an array of
/// these, or several one after another (a log of callbacks); any of them inside of another
/// document, or behind the head of a response. Entries of one id are one item: those with details
/// must agree.
///
/// An empty list gives no items.
///
/// # Errors
///
/// When the document is none of these, or holds nothing but nameless errors. What is wrong
/// with one recording is its item's error.
pub fn parse(bytes: &[u8]) -> Result<Listing, MetadataError> {
    search::read(bytes, &RULES)
}

/// Makes an envelope of the two values alone, as on the command line.
///
/// # Errors
///
/// [`MetadataError::Invalid`] when a value is not base64 or has an impossible length.
pub fn from_values(encrypted_cek: &str, iv: &str) -> Result<Envelope, MetadataError> {
    envelope(("encrypted_cek", encrypted_cek), ("iv", iv))
}

const RULES: Rules<Envelope> = Rules {
    accepted: "JSON or a form body",
    wanted: WANTED,
    lists: &["recordings"],
    knows,
    item: |object, _| item(object),
    bare: |_| None,
    merge: document::agree,
};

fn knows(object: &Object) -> Knows {
    if object.has(DETAILS) || object.has(CEK) || object.has(KEY_ID) {
        return Knows::Encryption;
    }
    match object.text(ID) {
        Ok(Some((_, id))) if !id.starts_with("RE") => Knows::Nothing,
        Ok(None) => Knows::Nothing,
        Ok(Some(_)) | Err(_) => Knows::Recording,
    }
}

fn item(object: &Object) -> Item {
    match object.text(ID) {
        Ok(id) => {
            let id = id.map(|(_, id)| id.to_owned());
            let envelope = recording(object);
            document::item(id, envelope)
        }
        Err(error) => document::item(None, Err(error)),
    }
}

fn recording(object: &Object) -> Outcome {
    match object.get(DETAILS)? {
        Some((_, Json::Object(inner))) => details(inner),
        Some((name, Json::String(text))) if is_given(text) => details(&nested(name, text)?),
        None | Some((_, Json::String(_))) => {
            if object.has(CEK) || object.has(KEY_ID) {
                details(object)
            } else {
                Err(why_none(object)?)
            }
        }
        Some((name, other)) => Err(MetadataError::Invalid {
            field: document::quoted(name),
            problem: format!("{}, not an object", other.kind()),
        }),
    }
}

/// A form has no `null` but an empty value, or the word.
fn is_given(text: &str) -> bool {
    !matches!(text.trim(), "" | "null")
}

/// A callback's `EncryptionDetails` is a JSON text in a string, and logs keep it so.
fn nested(field: &str, text: &str) -> Result<Object, MetadataError> {
    let problem = match json::value(text, &Budget::new()) {
        Ok(Json::Object(object)) => return Ok(object),
        Ok(other) => format!("{}, not an object", other.kind()),
        Err(_) => "not the JSON text of an object".to_owned(),
    };
    Err(MetadataError::Invalid {
        field: document::quoted(field),
        problem,
    })
}

/// Details are `null` until a recording is completed, and for ever where it is not encrypted. That
/// they are not there says neither.
fn why_none(object: &Object) -> Result<MetadataError, MetadataError> {
    Ok(match object.text(STATUS)? {
        Some((_, status)) if status != "completed" => MetadataError::NotCompleted {
            status: document::quoted(status),
        },
        _ if !object.has(DETAILS) => MetadataError::Missing {
            field: "encryption_details",
        },
        _ => MetadataError::NotEncrypted,
    })
}

fn details(details: &Object) -> Outcome {
    // The only documented type is "rsa-aes"; one of the spellings has none.
    if let Some((name, value)) = details.text(TYPE)?
        && value != "rsa-aes"
    {
        return Err(MetadataError::Unsupported {
            field: document::quoted(name),
            value: document::quoted(value),
        });
    }
    let mut envelope = envelope(details.required(CEK)?, details.required(IV)?)?;
    envelope.wrap.key_id = details.text(KEY_ID)?.map(|(_, id)| id.to_owned());
    Ok(envelope)
}

/// "Twilio uses AES256-GCM to encrypt the recording content by Content Encryption Key and
/// RSAES-OAEP-SHA256-MGF1 to encrypt the CEK with Customer Public Key (CPK.pub)." (Twilio, "Call
/// Recording Encryption".) That page is silent on the IV; all that Twilio publishes have 12 bytes.
fn envelope(cek: (&str, &str), iv: (&str, &str)) -> Outcome {
    let wrapped = with_spaces(cek, cek_bytes)?;
    let iv = with_spaces(iv, document::base64_array)?;
    Ok(Envelope {
        id: None,
        wrap: KeyWrap {
            algorithm: WrapAlgorithm::RsaOaepSha256,
            payload: Payload::Key,
            key_id: None,
            wrapped,
        },
        cipher: ContentCipher::Aes256Gcm { iv },
        expected: Expected::default(),
    })
}

fn cek_bytes(field: &str, text: &str) -> Result<Vec<u8>, MetadataError> {
    let bytes = document::wrapped_key(field, text)?;
    // Error 70102: the public key must have 2048 bits. Others are let through, but not 253
    // bytes, which is what four lost characters leave of 256.
    if bytes.len().is_multiple_of(8) {
        return Ok(bytes);
    }
    Err(MetadataError::Invalid {
        field: document::quoted(field),
        problem: format!("{} bytes long, which no RSA key is", bytes.len()),
    })
}

/// Decodes a value; where that fails, once more with spaces as the `+` that a form body decoded
/// by hand has turned into them.
fn with_spaces<T>(
    (field, text): (&str, &str),
    decode: fn(&str, &str) -> Result<T, MetadataError>,
) -> Result<T, MetadataError> {
    decode(field, text).or_else(|error| decode(field, &text.replace(' ', "+")).or(Err(error)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Twilio's sample of a Recording resource, from the README quoted at the top.
    const SID: &str = "RE9038847184f2f0adf0ad0bb578a2c972";
    const KEY: &str = "CRcb85845768df25c20f7c15a15e1a84f0";
    const SAMPLE_CEK: &str = "L0PwoKYxXvwWoVAVf7l46/du40u8IYRm9b9uhIsNUJXURzSLBEWNxHfhEWZVeuxIR2WPcJEy05Y4bXxkVWcXeoFoi024BxsfHRF6mS8T7fX5Eft7FYm65New5lukvpuIjVHC6fWzdTPodVI4eu6LU9q3o7rjD14y1OmpcVk7Qhq89T+LkXfvBKWzN+eN8mnGAauox4sxVEOjVlwktL9AnbVNLXf5YtgrY9m9HqESu1vaJzybX+zdl5ux4xyD4/yOg+bYFoGS5SFQXassxp1iASenoxYcUlxQzqGIduOn2/wmdcVTM4oCQw9//m11zTS6B1JEON/HqSsXrH0L/4CvgQ==";
    const SAMPLE_IV: &str = "WLY3ND199gE4kR2q";

    fn sample(id: Option<&str>) -> Item {
        let mut envelope = from_values(SAMPLE_CEK, SAMPLE_IV).unwrap();
        envelope.wrap.key_id = Some(KEY.to_owned());
        document::item(id.map(str::to_owned), Ok(envelope))
    }

    fn details() -> String {
        format!(
            r#"{{"type":"rsa-aes","public_key_sid":"{KEY}","encrypted_cek":"{SAMPLE_CEK}","iv":"{SAMPLE_IV}"}}"#
        )
    }

    fn resource() -> String {
        let details = details();
        format!(
            r#"{{"sid":"{SID}","status":"completed","duration":"23","encryption_details":{details}}}"#
        )
    }

    fn in_string(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    fn escaped(text: &str) -> String {
        let hex = text.bytes().map(|byte| format!("%{byte:02X}"));
        hex.collect::<Vec<_>>().concat()
    }

    fn callback() -> String {
        let details = escaped(&details());
        format!(
            "RecordingSource=DialVerb&EncryptionDetails={details}&RecordingSid={SID}\
             &RecordingUrl=https%3A%2F%2Fapi.twilio.com%2F&RecordingStatus=completed&CallSid=CA1"
        )
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
    fn the_envelope_is_twilios() {
        let envelope = sample(Some(SID)).outcome.unwrap();
        assert_eq!(envelope.id.as_deref(), Some(SID));
        assert_eq!(envelope.wrap.algorithm, WrapAlgorithm::RsaOaepSha256);
        assert_eq!(envelope.wrap.payload, Payload::Key);
        assert_eq!(envelope.wrap.wrapped.len(), 256);
        assert_eq!(envelope.wrap.wrapped[..3], [0x2F, 0x43, 0xF0]);
        assert_eq!(envelope.wrap.wrapped[253..], [0x80, 0xAF, 0x81]);
        let iv = *b"\x58\xB6\x37\x34\x3D\x7D\xF6\x01\x38\x91\x1D\xAA";
        assert_eq!(envelope.cipher, ContentCipher::Aes256Gcm { iv });
        assert_eq!(envelope.expected, Expected::default());
    }

    #[test]
    fn every_shape_with_an_id() {
        let details = details();
        let string = in_string(&details);
        let shapes = [
            resource(),
            format!("\u{FEFF}{}", resource()),
            format!("[{}]", resource()),
            format!(r#"{{"page":0,"recordings":[{}]}}"#, resource()),
            callback(),
            format!("\r\n{}&\r\n", callback()),
            format!(r#"{{"RecordingSid":"{SID}","EncryptionDetails":{details}}}"#),
            format!(r#"{{"RecordingSid":"{SID}","EncryptionDetails":{string}}}"#),
            format!(r#"{{"recordingSid":"{SID}","encryptionDetails":{string}}}"#),
            format!(r#"{{"sid":"{SID}","encryption_details":{string}}}"#),
        ];
        for shape in shapes {
            assert_eq!(parsed(&shape), Ok(vec![sample(Some(SID))]), "{shape}");
        }
    }

    #[test]
    fn every_shape_without_an_id() {
        let details = details();
        let shapes = [
            details.clone(),
            in_string(&details),
            format!(r#"{{"encryption_details":{details}}}"#),
            format!("EncryptionDetails={}", escaped(&details)),
            format!(
                "public_key_sid={KEY}&encrypted_cek={}&iv={SAMPLE_IV}",
                escaped(SAMPLE_CEK)
            ),
        ];
        for shape in shapes {
            assert_eq!(parsed(&shape), Ok(vec![sample(None)]), "{shape}");
        }
    }

    #[test]
    fn every_spelling() {
        let spellings = [
            ["type", "public_key_sid", "encrypted_cek", "iv"],
            ["type", "encryption_public_key_sid", "encryption_cek", "iv"],
            [
                "",
                "encryption_public_key_sid",
                "encryption_cek",
                "encryption_iv",
            ],
            [
                "encryption_type",
                "encryption_public_key_sid",
                "encryption_cek",
                "encryption_iv",
            ],
        ];
        for [kind, key_id, cek, iv] in spellings {
            let text = format!(
                r#"{{"{kind}":"rsa-aes","{key_id}":"{KEY}","{cek}":"{SAMPLE_CEK}","{iv}":"{SAMPLE_IV}"}}"#
            );
            assert_eq!(parsed(&text), Ok(vec![sample(None)]), "{text}");
        }
    }

    #[test]
    fn spellings_that_agree_are_accepted_and_others_refused() {
        let both = |other: &str| {
            details().replace(r#""iv":"#, &format!(r#""encryption_iv":"{other}","iv":"#))
        };
        assert_eq!(parsed(&both(SAMPLE_IV)), Ok(vec![sample(None)]));
        assert_eq!(
            error(&both("AAAAAAAAAAAAAAAA")).to_string(),
            "encryption_iv and iv have different values"
        );
        let twice = details().replace(r#""iv":"#, r#""iv":"AAAAAAAAAAAAAAAA","iv":"#);
        assert_eq!(
            error(&twice).to_string(),
            "iv and another iv have different values"
        );
    }

    #[test]
    fn details_that_are_null_say_why() {
        let not_completed = |status: &str| MetadataError::NotCompleted {
            status: status.to_owned(),
        };
        let cases = [
            (
                r#""status":"completed","encryption_details":null"#,
                MetadataError::NotEncrypted,
            ),
            (r#""encryption_details":null"#, MetadataError::NotEncrypted),
            (
                r#""encryption_details":"null""#,
                MetadataError::NotEncrypted,
            ),
            (
                r#""RecordingStatus":"completed""#,
                MetadataError::Missing {
                    field: "encryption_details",
                },
            ),
            (
                r#""status":"processing","encryption_details":null"#,
                not_completed("processing"),
            ),
            (r#""RecordingStatus":"absent""#, not_completed("absent")),
            (
                r#""call_sid":null"#,
                MetadataError::Missing {
                    field: "encryption_details",
                },
            ),
        ];
        for (members, expected) in cases {
            let items = parsed(&format!(r#"{{"sid":"{SID}",{members}}}"#)).unwrap();
            assert_eq!(items, [document::item(Some(SID.to_owned()), Err(expected))]);
        }
        let form = format!("RecordingSid={SID}&RecordingStatus=failed&EncryptionDetails=");
        assert_eq!(error(&form), not_completed("failed"));
    }

    #[test]
    fn one_recordings_error_leaves_the_others_alone() {
        let page = format!(
            r#"{{"recordings":[{{"sid":"RE1","encryption_details":null}},{},{{"sid":"RE2","encryption_details":7}},8]}}"#,
            resource()
        );
        let items = parsed(&page).unwrap();
        assert_eq!(items.len(), 4);
        assert_eq!(items[0].outcome, Err(MetadataError::NotEncrypted));
        assert_eq!(items[1], sample(Some(SID)));
        assert_eq!(
            items[2].outcome.clone().unwrap_err().to_string(),
            "encryption_details is a number, not an object"
        );
        assert_eq!(items[3].outcome, Err(WANTED));
    }

    #[test]
    fn an_empty_page_has_no_items() {
        assert_eq!(
            parsed(r#"{"recordings":[],"next_page_uri":null}"#),
            Ok(vec![])
        );
    }

    #[test]
    fn a_log_gives_one_item_a_recording() {
        let started = format!(r#"{{"RecordingSid":"{SID}","RecordingStatus":"in-progress"}}"#);
        let null = format!(r#"{{"sid":"{SID}","encryption_details":null}}"#);
        let whole = resource();
        let log = [&*started, &whole, &null, &whole, &started];
        assert_eq!(parsed(&log.join("\n")), Ok(vec![sample(Some(SID))]));
        let forms = format!(
            "RecordingSid={SID}&RecordingStatus=in-progress\n{}",
            callback()
        );
        assert_eq!(parsed(&forms), Ok(vec![sample(Some(SID))]));
    }

    #[test]
    fn a_log_with_two_details_of_one_recording_is_refused() {
        let other = resource().replace(SAMPLE_IV, "AAAAAAAAAAAAAAAA");
        let log = format!("{}\n{other}\n{}", resource(), resource());
        assert_eq!(
            error(&log).to_string(),
            "the recording's encryption details and those in a later entry of the same id have \
             different values"
        );
    }

    #[test]
    fn a_broken_line_leaves_the_others_alone() {
        let items = parsed(&format!("{}\n{{\"sid\":\n", resource())).unwrap();
        assert_eq!(items[0], sample(Some(SID)));
        let error = items[1].outcome.clone().unwrap_err();
        assert!(matches!(error, MetadataError::Syntax { .. }), "{error}");
    }

    #[test]
    fn plus_signs_lost_in_a_form_are_found_again() {
        let details = details();
        assert_eq!(
            parsed(&format!("EncryptionDetails={details}&RecordingSid={SID}")),
            Ok(vec![sample(Some(SID))])
        );
        let wrapped = SAMPLE_CEK.replace("oaDB", " oaDB") + " ";
        assert_eq!(
            from_values(&wrapped, SAMPLE_IV),
            from_values(SAMPLE_CEK, SAMPLE_IV)
        );
        let iv = |iv| from_values(SAMPLE_CEK, iv).map(|envelope| envelope.cipher);
        assert_eq!(iv("WLY3 D199gE4kR2q"), iv("WLY3+D199gE4kR2q"));
        // Four of them gone leave valid base64, but not of a modulus.
        let four = SAMPLE_CEK.replacen('+', " ", 4);
        assert_eq!(four.matches(' ').count(), 4);
        assert_eq!(
            from_values(&four, SAMPLE_IV),
            from_values(SAMPLE_CEK, SAMPLE_IV)
        );
    }

    #[test]
    fn values_that_cannot_be_right_are_named_as_they_are_spelt() {
        let cases = [
            (SAMPLE_IV, "AAAA", "iv is 3 bytes long, not 12"),
            (
                SAMPLE_IV,
                "WLY3ND199gE4kR2*",
                "iv is not base64: see character 16",
            ),
            (SAMPLE_IV, "", "iv is missing"),
            (r#""iv""#, r#""IV2""#, "iv is missing"),
            ("encrypted_cek", "cek", "encrypted_cek is missing"),
            (
                SAMPLE_CEK,
                "L0Pw...vgQ==",
                "encrypted_cek is shortened: it has an ellipsis in it",
            ),
            (
                SAMPLE_CEK,
                "AAAA",
                "encrypted_cek is 3 bytes long, not 64 to 1024",
            ),
            (
                "gQ==",
                "",
                "encrypted_cek is 255 bytes long, which no RSA key is",
            ),
            ("rsa-aes", "kms", "type is `kms`, which is not supported"),
        ];
        for (from, to, message) in cases {
            let text = details().replace(from, to);
            assert_eq!(error(&text).to_string(), message);
        }
        let unpadded = details().replace("==", "");
        assert_eq!(parsed(&unpadded), Ok(vec![sample(None)]));
    }

    #[test]
    fn what_is_something_else_is_refused() {
        let cases = [
            ("{}", "no encryption_details found in it"),
            ("[1]", "no encryption_details found in it"),
            (
                r#"{"sid":"CA1","status":"completed"}"#,
                "no encryption_details found in it",
            ),
            ("a=b", "no encryption_details found in it"),
            (
                "RIFF",
                "it is not JSON or a form body: it is text of another kind",
            ),
            ("\"RIFF\"", "no encryption_details found in it"),
            (
                "<TwilioResponse/>",
                "it is not JSON or a form body: it looks like an XML document",
            ),
            (
                r#"{"EncryptionDetails":"{"}"#,
                "EncryptionDetails is not the JSON text of an object",
            ),
            (
                r#"{"EncryptionDetails":"[]"}"#,
                "EncryptionDetails is an array, not an object",
            ),
            (
                r#"{"sid":"RE1","RecordingSid":"RE2"}"#,
                "sid and RecordingSid have different values",
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
        fn damaged_documents_do_not_panic(form: bool, place: prop::sample::Index, byte: u8, cut: bool) {
            let mut bytes = if form { callback() } else { resource() }.into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(if cut { place } else { bytes.len() });
            let _ = parse(&bytes);
        }
    }
}
