//! Twilio Video: the S3 envelope in the headers of a recording's or composition's media.
//!
//! > When a media file is cryptographically protected, a request to the encrypted media URL
//! > returns the encrypted file, along with an initialization vector and the encrypted one-time
//! > symmetric master key at the HTTP headers x-amz-meta-x-amz-iv and x-amz-meta-x-amz-key.
//!
//! (Twilio, "Encrypting your Stored Media")

use std::collections::BTreeSet;

use serde_json::Number;

use super::document::{self, Outcome};
use super::json::{self, Json, Object};
use super::{Item, MetadataError};
use crate::envelope::{
    Container, ContentCipher, Envelope, Expected, Iv, KeyWrap, Padding, Payload, WrapAlgorithm,
};

// S3 prefixes user metadata with `x-amz-meta-`; `aws s3api head-object` takes that off again.
const KEY: &[&str] = &["x-amz-meta-x-amz-key", "x-amz-key"];
const IV: &[&str] = &["x-amz-meta-x-amz-iv", "x-amz-iv"];
const KEY_V2: &[&str] = &["x-amz-meta-x-amz-key-v2", "x-amz-key-v2"];
const LENGTH: &[&str] = &[
    "x-amz-meta-x-amz-unencrypted-content-length",
    "x-amz-unencrypted-content-length",
];
const ID: &[&str] = &["sid", "RecordingSid", "CompositionSid"];
const METADATA: &[&str] = &["Metadata"];
const OF_S3: &[&str] = &["ETag", "x-amz-request-id"];

/// Where media is looked for headers: servers send some KiB of them, a response each.
const HEADERS: usize = 1 << 20;

const WANTED: MetadataError = MetadataError::Unrecognised {
    expected: "x-amz-meta-x-amz-key (only the S3 response headers of the media have it, not the \
               JSON of the Video API)",
};

/// Reads the envelope that S3 returns with encrypted media.
///
/// Shapes: what `wget -S` prints; headers as `curl -D`, `-i` or `-v` write them (of several
/// responses, the last with an envelope counts); the JSON of `aws s3api head-object`; a flat JSON
/// object of headers; an array of objects, or several one after another. Names are the headers'
/// (`x-amz-meta-x-amz-key`) or S3's (`x-amz-key`), in any case.
///
/// An id is given where the JSON has a `sid`, or `wget` names exactly one `RT…` or `CJ…` URL.
///
/// # Errors
///
/// When the document is none of these, or holds nothing but nameless errors. What is wrong
/// with one recording is its item's error.
pub fn parse(bytes: &[u8]) -> Result<Vec<Item>, MetadataError> {
    let text = if bytes.starts_with(b"HTTP/") {
        // `curl -i`: what follows the headers is media.
        String::from_utf8_lossy(bytes.get(..HEADERS).unwrap_or(bytes))
    } else {
        document::text(bytes, "JSON or response headers")?
    };
    let text = text.trim();
    if text.starts_with(['{', '[']) {
        let entries = json::entries(text, "recordings")?;
        document::settle(entries.into_iter().map(item), document::agree)
    } else {
        document::check_count(text.lines().count())?;
        let item = document::item(id_in_url(text), responses(text));
        document::settle([item], document::agree)
    }
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

fn item(entry: json::Entry) -> Item {
    let (id, envelope) = match entry {
        Ok(Json::Object(object)) => match object.text(ID) {
            Ok(id) => (id.map(|(_, id)| id.to_owned()), object_headers(&object)),
            Err(error) => (None, Err(error)),
        },
        Ok(_) => (None, Err(WANTED)),
        Err(error) => (None, Err(error)),
    };
    document::item(id, envelope)
}

/// The headers in a JSON object: under `Metadata`, or its own members.
fn object_headers(object: &Object) -> Outcome {
    let headers = match object.get(METADATA)? {
        Some((_, Json::Object(metadata))) => metadata,
        _ => object,
    };
    if has_envelope(headers) {
        headers_envelope(headers)
    } else if object.has(OF_S3) {
        Err(MetadataError::NotEncrypted)
    } else {
        Err(WANTED)
    }
}

/// The headers of the last response that has an envelope.
fn responses(text: &str) -> Outcome {
    let responses = split_responses(text);
    let Some(last) = responses.last() else {
        return Err(WANTED);
    };
    match responses.iter().rfind(|one| has_envelope(&one.headers)) {
        Some(response) => headers_envelope(&response.headers),
        None if last.is_object() => Err(MetadataError::NotEncrypted),
        None => Err(WANTED),
    }
}

fn has_envelope(headers: &Object) -> bool {
    headers.has(KEY) || headers.has(IV) || headers.has(KEY_V2)
}

fn headers_envelope(headers: &Object) -> Outcome {
    if let Some((name, _)) = headers.get(KEY_V2)? {
        return Err(MetadataError::Unsupported {
            field: document::quoted(name),
            value: "version 2 of the S3 client-side envelope".to_owned(),
        });
    }
    envelope(
        headers.required(KEY)?,
        headers.required(IV)?,
        plain_length(headers)?,
    )
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

fn plain_length(headers: &Object) -> Result<Option<u64>, MetadataError> {
    let Some((name, value)) = headers.get(LENGTH)? else {
        return Ok(None);
    };
    let length = match value {
        Json::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok()
        }
        Json::Number(number) => Number::as_u64(number),
        _ => None,
    };
    length.map(Some).ok_or_else(|| MetadataError::Invalid {
        field: document::quoted(name),
        problem: "not a number of bytes".to_owned(),
    })
}

/// One response in a log; what comes before the first status line counts as one, without status.
#[derive(Default)]
struct Response {
    status: Option<u16>,
    headers: Object,
}

impl Response {
    /// Whether S3 answered with an object of its own. Twilio's API answers in JSON.
    fn is_object(&self) -> bool {
        let json = matches!(
            self.headers.text(&["Content-Type"]),
            Ok(Some((_, kind))) if kind.starts_with("application/json")
        );
        matches!(self.status, Some(200 | 206)) && self.headers.has(OF_S3) && !json
    }
}

/// Takes a log apart into responses, by their status lines. A blank line ends the headers of a
/// response; everything that is not a header is skipped.
fn split_responses(text: &str) -> Vec<Response> {
    let mut responses = vec![Response::default()];
    let mut is_body = false;
    for line in text.lines() {
        // wget indents headers, `curl -v` marks them.
        let line = line.trim();
        let line = line.strip_prefix('<').unwrap_or(line).trim_start();
        if let Some(status_line) = line.strip_prefix("HTTP/") {
            let status = status_line.split_whitespace().nth(1);
            responses.push(Response {
                status: status.and_then(|digits| digits.parse().ok()),
                headers: Object::default(),
            });
            is_body = false;
        } else if let Some(response) = responses.last_mut() {
            is_body |= line.is_empty() && response.status.is_some();
            if !is_body {
                response.headers.extend(header(line));
            }
        }
    }
    responses
}

fn header(line: &str) -> Option<(String, Json)> {
    let (name, value) = line.split_once(':')?;
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    is_name.then(|| (name.to_owned(), Json::String(value.trim().to_owned())))
}

/// The one recording or composition whose URL `wget` says it fetches:
/// `--2017-11-24 15:11:30--  https://….s3.amazonaws.com/AC…/RT….mkv?…`.
fn id_in_url(text: &str) -> Option<String> {
    let ids: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with("--"))
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.split_once("://"))
        .filter_map(|(_, url)| url.split(['?', '#']).next())
        .flat_map(|path| path.split(['/', '.']))
        .filter(|name| is_sid(name))
        .collect();
    let mut ids = ids.into_iter();
    match (ids.next(), ids.next()) {
        (Some(id), None) => Some(id.to_owned()),
        _ => None,
    }
}

/// `RT` or `CJ`, and 32 hexadecimal digits.
fn is_sid(name: &str) -> bool {
    let digits = name.strip_prefix("RT").or_else(|| name.strip_prefix("CJ"));
    digits.is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
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
        parse(text.as_bytes())
    }

    /// The error of the one item.
    fn error(text: &str) -> MetadataError {
        match parsed(text) {
            Ok(items) => items[0].envelope.clone().unwrap_err(),
            Err(error) => error,
        }
    }

    #[test]
    fn the_envelope_is_twilios() {
        let envelope = sample(Some(RT)).envelope.unwrap();
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
    fn media_behind_the_headers_is_skipped() {
        let file = [
            s3_headers().as_bytes(),
            b"\r\n\x00\xFF\nx-amz-meta-x-amz-iv: AAAA\n",
        ]
        .concat();
        assert_eq!(parse(&file), Ok(vec![sample(None)]));
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
        let plain = document::item(Some(CJ.to_owned()), Err(MetadataError::NotEncrypted));
        assert_eq!(items[1], plain);
        assert!(matches!(
            items[2].envelope,
            Err(MetadataError::Syntax { .. })
        ));
    }

    #[test]
    fn objects_without_an_envelope_are_not_encrypted() {
        let headers = s3_headers().replace("x-amz-meta-x-amz", "x-amz-meta");
        let shapes = [
            headers.clone(),
            headers.replace("200 OK", "206 Partial Content"),
            format!("HTTP/1.1 302 Found\n\n{headers}"),
            head_object(""),
            r#"{"etag":"x","x-amz-request-id":"y"}"#.to_owned(),
        ];
        for shape in shapes {
            assert_eq!(error(&shape), MetadataError::NotEncrypted, "{shape}");
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
                "x-amz-meta-x-amz-key is shortened (`0ZY1jiGSu ...`)",
            ),
            (
                "746518",
                "+746518",
                "x-amz-meta-x-amz-unencrypted-content-length is not a number of bytes",
            ),
            (
                "746518",
                "",
                "x-amz-meta-x-amz-unencrypted-content-length is not a number of bytes",
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
