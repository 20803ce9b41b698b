//! Twilio Video: the S3 envelope in the headers of a recording's or composition's media.
//!
//! > When a media file is cryptographically protected, a request to the encrypted media URL
//! > returns the encrypted file, along with an initialization vector and the encrypted one-time
//! > symmetric master key at the HTTP headers x-amz-meta-x-amz-iv and x-amz-meta-x-amz-key.
//!
//! (Twilio, "Encrypting your Stored Media")

use super::decode::Notes;
use super::document::{self, Outcome};
use super::error::MetadataError;
use super::json::{Json, Object};
use super::listing::{Item, Listing};
use super::search::{self, Knows, Rules};
use super::shape;
use crate::envelope::{
    Container, ContentCipher, Envelope, Expected, Iv, KeyWrap, Padding, Payload, WrapAlgorithm,
};

// S3 prefixes user metadata with `x-amz-meta-`; `aws s3api head-object` takes that off again.
const KEY: &[&str] = &["x-amz-meta-x-amz-key", "x-amz-key"];
const IV: &[&str] = &["x-amz-meta-x-amz-iv", "x-amz-iv"];
const KEY_V2: &[&str] = &["x-amz-meta-x-amz-key-v2", "x-amz-key-v2"];
// "x-amz-3", "x-amz-c": version 3 of the S3 Encryption Client, with its algorithm in the name's place.
const KEY_V3: &[&str] = &["x-amz-meta-x-amz-3", "x-amz-3"];
const CIPHER_V3: &[&str] = &["x-amz-meta-x-amz-c", "x-amz-c"];
const LENGTH: &[&str] = &[
    "x-amz-meta-x-amz-unencrypted-content-length",
    "x-amz-unencrypted-content-length",
];
const ID: &[&str] = &["sid", "RecordingSid", "CompositionSid"];
const METADATA: &[&str] = &["Metadata"];
const OF_S3: &[&str] = &["ETag", "x-amz-request-id"];

const WANTED: MetadataError = MetadataError::Unrecognised {
    expected: "x-amz-meta-x-amz-key (only the S3 response headers of the media have it, not the \
               JSON of the Video API)",
};

/// Reads the envelope that S3 returns with encrypted media.
///
/// Shapes: what `wget -S` prints; headers as `curl -D`, `-i` or `-v` write them (of several
/// responses, the last with an envelope counts); the JSON of `aws s3api head-object`; a flat JSON
/// object of headers; an array of objects, or several one after another; headers inside of another
/// document, as names and values, or as lines of them. Names are the headers'
/// (`x-amz-meta-x-amz-key`) or S3's (`x-amz-key`), in any case.
///
/// An id is given where the JSON has a `sid`, or `wget` names exactly one `RT…` or `CJ…` URL.
///
/// # Errors
///
/// When the document is none of these, or holds nothing but nameless errors. What is wrong
/// with one recording is its item's error.
pub fn parse(bytes: &[u8]) -> Result<Listing, MetadataError> {
    search::read(bytes, &RULES)
}

/// Makes an envelope of the two headers' values alone, as on the command line.
///
/// # Errors
///
/// [`MetadataError::Invalid`] when a value is not base64 or has an impossible length.
pub fn from_values(encrypted_key: &str, iv: &str) -> Result<Envelope, MetadataError> {
    envelope(
        ("x-amz-meta-x-amz-key", encrypted_key),
        ("x-amz-meta-x-amz-iv", iv),
        None,
    )
}

const RULES: Rules<Envelope> = Rules {
    accepted: "JSON or response headers",
    wanted: WANTED,
    lists: &["recordings", "compositions"],
    knows,
    item,
    bare: |_| None,
    merge: document::agree,
};

fn knows(object: &Object) -> Knows {
    let headers = headers(object);
    let all = [KEY, IV, KEY_V2, KEY_V3, CIPHER_V3];
    if all.iter().any(|names| headers.has(names)) || prefixed_twice(headers).is_some() {
        Knows::Encryption
    } else if is_of_s3(object) {
        Knows::Recording
    } else {
        Knows::Nothing
    }
}

/// Whether S3 answered with an object of its own. Twilio's API answers in JSON.
fn is_of_s3(object: &Object) -> bool {
    let text = |names: &[&str]| object.text(names).ok().flatten().map(|(_, text)| text);
    let is_json = text(&["Content-Type"]).is_some_and(|kind| kind.starts_with("application/json"));
    let is_answer = matches!(text(&[shape::STATUS]), None | Some("200" | "206"));
    object.has(OF_S3) && is_answer && !object.has(&[shape::METHOD]) && !is_json
}

/// The headers in an object: under `Metadata`, or its own members.
fn headers(object: &Object) -> &Object {
    match object.get(METADATA) {
        Ok(Some((_, Json::Object(metadata)))) => metadata,
        _ => object,
    }
}

fn item(object: &Object, notes: &mut Notes) -> Item {
    match object.text(ID) {
        Ok(id) => {
            let id = id.map(|(_, id)| id.to_owned());
            document::item(id, headers_envelope(headers(object), notes))
        }
        Err(error) => document::item(None, Err(error)),
    }
}

fn headers_envelope(headers: &Object, notes: &mut Notes) -> Outcome {
    for (names, version) in [(KEY_V2, 2), (KEY_V3, 3), (CIPHER_V3, 3)] {
        if let Some((name, _)) = headers.get(names)? {
            return Err(MetadataError::Unsupported {
                field: document::quoted(name),
                value: format!("version {version} of the S3 client-side envelope"),
            });
        }
    }
    if headers.has(KEY) || headers.has(IV) {
        return envelope(
            headers.required(KEY)?,
            headers.required(IV)?,
            plain_length(headers, notes)?,
        );
    }
    Err(match prefixed_twice(headers) {
        Some(name) => MetadataError::Invalid {
            field: document::quoted(name),
            problem: "prefixed twice: a copy of the file has renamed it".to_owned(),
        },
        None => MetadataError::NoKey,
    })
}

/// A header that a copy has given S3's prefix once more.
fn prefixed_twice(headers: &Object) -> Option<&str> {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "");
    let mut names = headers.members().map(|(name, _)| name);
    names.find(|name| plain(name).starts_with("xamzmetaxamzmetaxamz"))
}

/// "For each encrypted Recording or Composition, a one-time-use 256-bit envelope symmetric
/// cryptographic key is generated and fed to an AES/CBC/PKCS5Padding cipher"; it is "ciphered
/// itself with the provided public key": `openssl rsautl -decrypt`, which is PKCS #1 v1.5.
fn envelope(key: (&str, &str), iv: (&str, &str), length: Option<u64>) -> Outcome {
    Ok(Envelope {
        id: None,
        wrap: KeyWrap {
            algorithm: WrapAlgorithm::RsaPkcs1v15,
            payload: Payload::Key,
            key_id: None,
            wrapped: document::wrapped_key(key.0, key.1)?,
        },
        cipher: ContentCipher::Aes256Cbc {
            iv: Iv::Given(document::base64_array(iv.0, iv.1)?),
            padding: Padding::Pkcs7,
        },
        expected: Expected {
            length,
            sha256: None,
            // "for example .mkv for video recordings, .mka for audio recordings, .mp4 or .webm
            // for Compositions"
            containers: &[Container::Matroska, Container::WebM, Container::Mp4],
        },
    })
}

/// The length is optional: what is none at all (empty, negative, a word for nothing) is passed
/// over.
fn plain_length(headers: &Object, notes: &mut Notes) -> Result<Option<u64>, MetadataError> {
    let Some((name, value)) = headers.get(LENGTH)? else {
        return Ok(None);
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (length, is_none) = match value {
        Json::String(text) => {
            let text = text.trim();
            let is_negative = text.strip_prefix('-').is_some_and(is_digits);
            let is_word = ["", "null", "none", "undefined", "nan"]
                .iter()
                .any(|word| text.eq_ignore_ascii_case(word));
            let length = text.parse().ok().filter(|_| is_digits(text));
            (length, is_negative || is_word)
        }
        Json::Number(number) => (number.as_u64(), number.as_f64().is_some_and(|n| n < 0.0)),
        _ => (None, false),
    };
    if is_none {
        notes.push(format!("{} says no length", document::quoted(name)));
        return Ok(None);
    }
    length.map(Some).ok_or_else(|| MetadataError::Invalid {
        field: document::quoted(name),
        problem: "not a number of bytes".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The sample in the guide quoted at the top.
    const SAMPLE_KEY: &str = "0ZY1jiGSu/FlI4l1OnNFeWvWFXUOEQ2apv3/OtMFlwLO83bHlB44gbZe2SW6wOBs8UTsxC7bEnY+Gn2tdzp7ltzrKtBu7cfMzOxshABFiiJbCSBmOzUHs3OkU30Wi3Hq953SJJO+4W0DAINfhGiDlWxgIbjHegamneJ983DDpm+AyKa77jq5T+4LxJdOv5bqU4ioZKetv/OA987JZaetPVTr55uSmqr8SbsX9xmaIKjo7V6ivutwcCKWX9bvf1qxUu/ZohTmouL2MOocojNMMx5ovTX3QXLCGUwx6pOS83zqHNxmFhU2EHENCs5KNYL6GjhOwmoGyeQPS+pe8bPRFg==";
    const SAMPLE_IV: &str = "EmKjzVpvXC9rE6DJ00Xv7Q==";
    const RT: &str = "RT0123456789abcdef0123456789abcdef";
    const CJ: &str = "CJ0123456789abcdef0123456789abcdef";

    fn s3_headers() -> String {
        format!(
            "HTTP/1.1 200 OK\n\
             x-amz-id-2: 8x0XN6KDeLuhHLIe8fa58OdD3+xVyNgv2og/gpMOFpSqWc5JGV+aDpc7fJSCS9yGkwRtey+9lk8=\n\
             x-amz-request-id: 5B3FBF0985E71EEC\n\
             Date: Fri, 24 Nov 2017 14:11:30 GMT\n\
             ETag: \"d9e5869fc33019fc7fb055c0b705e105\"\n\
             x-amz-meta-x-amz-key: {SAMPLE_KEY}\n\
             x-amz-meta-x-amz-unencrypted-content-length: 746518\n\
             x-amz-meta-x-amz-matdesc: {{}}\n\
             x-amz-meta-x-amz-iv: {SAMPLE_IV}\n\
             Content-Type: application/octet-stream\n\
             Content-Length: 746528\n\
             Server: AmazonS3\n"
        )
    }

    /// What GNU wget 1.21 prints, with the guide's headers.
    fn wget(url: &str) -> String {
        format!(
            "--2017-11-24 15:11:30--  {url}\n\
             Resolving example.s3.amazonaws.com... 52.216.64.96\n\
             Connecting to example.s3.amazonaws.com|52.216.64.96|:443... connected.\n\
             HTTP request sent, awaiting response... \n  {}\
             Length: 746528 (729K) [application/octet-stream]\n\
             Saving to: ‘encrypted-filename’\n\n     0K .......... 100% 789K=0.9s\n\n\
             2017-11-24 15:11:33 (789 KB/s) - ‘encrypted-filename’ saved [746528/746528]\n",
            s3_headers().replace('\n', "\n  ").trim_end_matches("  ")
        )
    }

    fn url(name: &str) -> String {
        format!("https://example.s3.amazonaws.com/AC1/{name}.mkv?X-Amz-Security-Token=zz")
    }

    fn head_object(metadata: &str) -> String {
        format!(
            r#"{{"AcceptRanges":"bytes","ContentLength":746528,"ETag":"\"d9\"","Metadata":{{{metadata}}}}}"#
        )
    }

    fn metadata() -> String {
        format!(
            r#""x-amz-key":"{SAMPLE_KEY}","x-amz-iv":"{SAMPLE_IV}","x-amz-matdesc":"{{}}","x-amz-unencrypted-content-length":"746518""#
        )
    }

    fn sample(id: Option<&str>) -> Item {
        let mut envelope = from_values(SAMPLE_KEY, SAMPLE_IV).unwrap();
        envelope.expected.length = Some(746_518);
        document::item(id.map(str::to_owned), Ok(envelope))
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
        let envelope = sample(Some(RT)).outcome.unwrap();
        assert_eq!(envelope.id.as_deref(), Some(RT));
        assert_eq!(envelope.wrap.algorithm, WrapAlgorithm::RsaPkcs1v15);
        assert_eq!(envelope.wrap.payload, Payload::Key);
        assert_eq!(envelope.wrap.key_id, None);
        assert_eq!(envelope.wrap.wrapped.len(), 256);
        assert_eq!(envelope.wrap.wrapped[..3], [0xD1, 0x96, 0x35]);
        let iv = *b"\x12\x62\xA3\xCD\x5A\x6F\x5C\x2F\x6B\x13\xA0\xC9\xD3\x45\xEF\xED";
        let cipher = ContentCipher::Aes256Cbc {
            iv: Iv::Given(iv),
            padding: Padding::Pkcs7,
        };
        assert_eq!(envelope.cipher, cipher);
        assert_eq!(envelope.expected.length, Some(746_518));
        let containers = [Container::Matroska, Container::WebM, Container::Mp4];
        assert_eq!(envelope.expected.containers, containers);
    }

    #[test]
    fn every_shape_of_headers() {
        let headers = s3_headers();
        let redirect = "HTTP/2 302\nlocation: https://example.com/\n\n";
        let (_, bare) = headers.split_once('\n').unwrap();
        let numbered: Vec<_> = headers.lines().flat_map(|line| ["4", line]).collect();
        let shapes = [
            headers.clone(),
            headers.replace('\n', "\r\n") + "\r\n",
            headers.replace("x-amz-meta", "X-Amz-Meta"),
            format!("{redirect}{headers}\n"),
            format!("{headers}\nx-amz-meta-x-amz-iv: AAAA\n"),
            format!("{headers}\nHTTP/1.1 404 Not Found\nETag: x\n\n"),
            format!("{}\n{headers}", headers.replace(SAMPLE_IV, "AAAA")),
            format!("* Connected\n< {}<\n* done", headers.replace('\n', "\n< ")),
            bare.to_owned(),
            numbered.join("\n"),
            wget("https://example.s3.amazonaws.com/AC1/RTyy.mkv"),
        ];
        for shape in shapes {
            assert_eq!(parsed(&shape), Ok(vec![sample(None)]), "{shape}");
        }
    }

    #[test]
    fn where_s3s_own_tools_have_the_headers_needs_no_mention() {
        let listing = parse(head_object(&metadata()).as_bytes()).unwrap();
        assert_eq!(listing.notes(), [""; 0]);
    }

    #[test]
    fn media_behind_the_headers_is_skipped() {
        let file = [
            s3_headers().as_bytes(),
            b"\r\n\x00\xFF\nx-amz-meta-x-amz-iv: AAAA\n",
        ]
        .concat();
        assert_eq!(
            parse(&file).map(Listing::into_items),
            Ok(vec![sample(None)])
        );
    }

    #[test]
    fn every_shape_of_json() {
        let metadata = metadata();
        let prefixed = metadata.replace("\"x-amz", "\"x-amz-meta-x-amz");
        let number = metadata.replace("\"746518\"", "746518");
        let shapes = [
            head_object(&metadata),
            head_object(&prefixed),
            head_object(&metadata.replace("x-amz", "X-Amz")),
            format!("{{{metadata}}}"),
            format!("{{{prefixed}}}"),
            format!("{{{number}}}"),
            format!("[{{{metadata}}}]"),
        ];
        for shape in shapes {
            assert_eq!(parsed(&shape), Ok(vec![sample(None)]), "{shape}");
        }
    }

    #[test]
    fn an_id_comes_from_the_json_or_the_url() {
        for field in ["sid", "RecordingSid", "CompositionSid"] {
            let text = format!(r#"{{"{field}":"{RT}",{}}}"#, metadata());
            assert_eq!(parsed(&text), Ok(vec![sample(Some(RT))]), "{text}");
        }
        assert_eq!(parsed(&wget(&url(RT))), Ok(vec![sample(Some(RT))]));
        assert_eq!(parsed(&wget(&url(CJ))), Ok(vec![sample(Some(CJ))]));
        let api = format!("--2017--  https://video.twilio.com/v1/Recordings/{RT}/Media\n");
        assert_eq!(
            parsed(&(api.clone() + &wget(&url(RT)))),
            Ok(vec![sample(Some(RT))])
        );
        assert_eq!(parsed(&(api + &wget(&url(CJ)))), Ok(vec![sample(None)]));
        let query = wget(&format!("https://example.com/?sid={RT}"));
        assert_eq!(parsed(&query), Ok(vec![sample(None)]));
    }

    #[test]
    fn a_list_has_an_item_a_recording() {
        let text = format!(
            "{{\"sid\":\"{RT}\",{}}}\n{{\"sid\":\"{CJ}\",\"Metadata\":{{}},\"ETag\":\"x\"}}\n{{",
            metadata()
        );
        let items = parsed(&text).unwrap();
        assert_eq!(items.len(), 3);
        assert_eq!(items[0], sample(Some(RT)));
        let plain = document::item(Some(CJ.to_owned()), Err(MetadataError::NoKey));
        assert_eq!(items[1], plain);
        assert!(matches!(
            items[2].outcome,
            Err(MetadataError::Syntax { .. })
        ));
    }

    #[test]
    fn headers_without_an_envelope_do_not_say_that_it_is_not_encrypted() {
        let headers = s3_headers().replace("x-amz-meta-x-amz", "x-amz-meta");
        let shapes = [
            headers.clone(),
            headers.replace("200 OK", "206 Partial Content"),
            format!("HTTP/1.1 302 Found\n\n{headers}"),
            head_object(""),
            r#"{"etag":"x","x-amz-request-id":"y"}"#.to_owned(),
        ];
        for shape in shapes {
            assert_eq!(error(&shape), MetadataError::NoKey, "{shape}");
        }
    }

    #[test]
    fn what_never_has_an_envelope_says_where_it_is() {
        let shapes = [
            r#"{"redirect_to":"https://example.s3.amazonaws.com/AC1/RTyy.mkv"}"#,
            r#"{"sid":"RT1","status":"completed","container_format":"mkv"}"#,
            r#"{"recordings":[{"sid":"RT1"}],"meta":{}}"#,
            "[7]",
            "HTTP/1.1 200 OK\nContent-Type: application/json\nETag: x\n\n{\"sid\":\"RT1\"}",
            "HTTP/1.1 403 Forbidden\nx-amz-request-id: x\n\n<Error/>",
            "HTTP/1.1 200 OK\nServer: nginx\n",
            "not metadata: at all",
        ];
        for shape in shapes {
            assert_eq!(error(shape), WANTED, "{shape}");
        }
        assert_eq!(
            WANTED.to_string(),
            "no x-amz-meta-x-amz-key (only the S3 response headers of the media have it, not \
             the JSON of the Video API) found in it"
        );
    }

    #[test]
    fn values_that_cannot_be_right_are_named_as_they_are_spelt() {
        let cases = [
            ("x-amz-key", "x-key", "x-amz-meta-x-amz-key is missing"),
            ("x-amz-iv", "x-iv", "x-amz-meta-x-amz-iv is missing"),
            (
                SAMPLE_IV,
                "AAAA",
                "x-amz-meta-x-amz-iv is 3 bytes long, not 16",
            ),
            (
                SAMPLE_KEY,
                "AAAA",
                "x-amz-meta-x-amz-key is 3 bytes long, not 64 to 1024",
            ),
            (
                SAMPLE_KEY,
                "0ZY1jiGSu ...",
                "x-amz-meta-x-amz-key is shortened: it has an ellipsis in it",
            ),
            (
                "746518",
                "+746518",
                "x-amz-meta-x-amz-unencrypted-content-length is not a number of bytes",
            ),
            (
                "746518",
                "many",
                "x-amz-meta-x-amz-unencrypted-content-length is not a number of bytes",
            ),
            (
                "x-amz-meta-x-amz",
                "x-amz-meta-x-amz-meta-x-amz",
                "x-amz-meta-x-amz-meta-x-amz-key is prefixed twice: a copy of the file has renamed it",
            ),
            (
                "x-amz-key",
                "x-amz-3",
                "x-amz-meta-x-amz-3 is `version 3 of the S3 client-side envelope`, which is not \
                 supported",
            ),
            (
                "Date",
                "x-amz-iv",
                "x-amz-iv and x-amz-meta-x-amz-iv have different values",
            ),
            (
                "x-amz-key",
                "x-amz-key-v2",
                "x-amz-meta-x-amz-key-v2 is `version 2 of the S3 client-side envelope`, which is \
                 not supported",
            ),
        ];
        for (from, to, message) in cases {
            assert_eq!(error(&s3_headers().replace(from, to)).to_string(), message);
        }
    }

    #[test]
    fn a_newer_envelope_is_named() {
        let headers = "etag: x\nx-amz-meta-x-amz-c: 115\nx-amz-meta-x-amz-3: AAAA\n";
        assert_eq!(
            error(headers).to_string(),
            "x-amz-meta-x-amz-3 is `version 3 of the S3 client-side envelope`, which is not \
             supported"
        );
    }

    #[test]
    fn a_length_that_is_none_is_passed_over_with_a_note() {
        for length in ["", "-1", "null", "None", "undefined", "NaN"] {
            let listing = parse(s3_headers().replace("746518", length).as_bytes()).unwrap();
            let envelope = listing.items()[0].outcome.clone().unwrap();
            assert_eq!(envelope.expected.length, None, "{length}");
            assert_eq!(
                listing.notes(),
                ["x-amz-meta-x-amz-unencrypted-content-length says no length"]
            );
        }
        for (number, length) in [("-1", None), ("0", Some(0))] {
            let text = format!("{{{}}}", metadata().replace("\"746518\"", number));
            let envelope = parsed(&text).unwrap()[0].outcome.clone().unwrap();
            assert_eq!(envelope.expected.length, length);
        }
    }

    #[test]
    fn pages_and_binaries_are_refused() {
        for bytes in [&b"<html>"[..], b"<?xml ?>", b"\xFF\xD8", b"", b"{\"a\""] {
            let error = parse(bytes).unwrap_err();
            assert!(matches!(error, MetadataError::Syntax { .. }), "{error}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse(&[b"HTTP/", bytes.as_slice()].concat());
        }

        #[test]
        fn damaged_documents_do_not_panic(json: bool, place: prop::sample::Index, byte: u8, cut: bool) {
            let mut bytes = if json { head_object(&metadata()) } else { wget(&url(RT)) }.into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(if cut { place } else { bytes.len() });
            let _ = parse(&bytes);
        }
    }
}
