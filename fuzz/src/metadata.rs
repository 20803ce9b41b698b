//! The providers' metadata, header dumps included.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use unreel::internals::provider;
use unreel::{
    ContentCipher, Envelope, Item, Iv, Listing, MetadataError, Padding, Payload, WrapAlgorithm,
};

type Parsed = Result<Listing, MetadataError>;

/// A parser of one provider, and what its envelopes look like.
struct Provider {
    parse: fn(&[u8]) -> Parsed,
    algorithm: WrapAlgorithm,
    payload: Payload,
    /// One recording, as the provider itself would write it.
    document: fn(&Envelope) -> Value,
}

/// Twilio Voice: JSON, and form bodies of callbacks.
pub fn twilio_voice(data: &[u8]) {
    let provider = Provider {
        parse: provider::twilio_voice::parse,
        algorithm: WrapAlgorithm::RsaOaepSha256,
        payload: Payload::Key,
        document: |envelope| {
            let ContentCipher::Aes256Gcm { iv } = envelope.cipher else {
                panic!("it is not GCM: {envelope:?}")
            };
            json!({
                "sid": envelope.id,
                "encryption_details": {
                    "type": "rsa-aes",
                    "public_key_sid": envelope.wrap.key_id,
                    "encrypted_cek": STANDARD.encode(&envelope.wrap.wrapped),
                    "iv": STANDARD.encode(iv),
                },
            })
        },
    };
    provider.check(data);
    let direct = two_lines(data).map(|(key, iv)| provider::twilio_voice::from_values(key, iv));
    provider.check_direct(direct);
}

/// Twilio Video: JSON, and header dumps of curl, wget and the AWS command line.
pub fn twilio_video(data: &[u8]) {
    let provider = Provider {
        parse: provider::twilio_video::parse,
        algorithm: WrapAlgorithm::RsaPkcs1v15,
        payload: Payload::Key,
        document: |envelope| {
            let ContentCipher::Aes256Cbc {
                iv: Iv::Given(iv),
                padding,
            } = envelope.cipher
            else {
                panic!("it is not CBC with an IV: {envelope:?}")
            };
            assert_eq!(padding, Padding::Pkcs7);
            json!({
                "sid": envelope.id,
                "x-amz-meta-x-amz-key": STANDARD.encode(&envelope.wrap.wrapped),
                "x-amz-meta-x-amz-iv": STANDARD.encode(iv),
                "x-amz-meta-x-amz-unencrypted-content-length": envelope.expected.length,
            })
        },
    };
    provider.check(data);
    let direct = two_lines(data).map(|(key, iv)| provider::twilio_video::from_values(key, iv));
    provider.check_direct(direct);
}

/// Vonage: JSON, logs of callbacks, bare passwords.
pub fn vonage(data: &[u8]) {
    let provider = Provider {
        parse: provider::vonage::parse,
        algorithm: WrapAlgorithm::RsaOaepSha1,
        payload: Payload::HeaderKeyIv,
        document: |envelope| {
            let ContentCipher::Aes256Cbc {
                iv: Iv::Wrapped,
                padding,
            } = envelope.cipher
            else {
                panic!("it is not CBC with a wrapped IV: {envelope:?}")
            };
            assert_eq!(padding, Padding::TransportStream);
            json!({
                "id": envelope.id,
                "password": STANDARD.encode(&envelope.wrap.wrapped),
                "sha256sum": envelope.expected.sha256.map(|sum| STANDARD.encode(sum)),
            })
        },
    };
    provider.check(data);
    let password = str::from_utf8(data).ok();
    provider.check_direct(password.map(provider::vonage::from_password));
}

impl Provider {
    fn check(&self, data: &[u8]) {
        let parse = |data: &[u8]| (self.parse)(data).map(Listing::into_items);
        let parsed = parse(data);
        match &parsed {
            Ok(items) => self.check_items(items),
            Err(error) => check_error(error),
        }
        unreel::Provider::recognise(data);
        if let Some(text) = plain_text(data) {
            for encoded in encodings(text) {
                assert_eq!(parse(&encoded), parsed, "another encoding of {text:?}");
            }
        }
    }

    fn check_items(&self, items: &[Item]) {
        let ids: Vec<_> = items.iter().filter_map(|item| item.id.as_ref()).collect();
        let different: HashSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), different.len(), "two items of one id: {ids:?}");
        for item in items {
            match &item.outcome {
                Ok(envelope) => {
                    assert_eq!(envelope.id, item.id);
                    self.check_envelope(envelope);
                }
                Err(error) => check_error(error),
            }
        }
    }

    /// It has the provider's shape, and survives being written down.
    fn check_envelope(&self, envelope: &Envelope) {
        assert_eq!(envelope.wrap.algorithm, self.algorithm);
        assert_eq!(envelope.wrap.payload, self.payload);
        assert!((64..=1024).contains(&envelope.wrap.wrapped.len()));
        let document = (self.document)(envelope).to_string();
        let wrappings = [
            document.clone(),
            Value::String(document.clone()).to_string(),
            json!({ "body": document }).to_string(),
            STANDARD.encode(&document),
            format!("HTTP/1.1 200 OK\r\n\r\n{document}\r\n"),
        ];
        let again = Item {
            id: envelope.id.clone(),
            outcome: Ok(envelope.clone()),
        };
        for wrapped in wrappings {
            assert_eq!(
                (self.parse)(wrapped.as_bytes()).map(Listing::into_items),
                Ok(vec![again.clone()]),
                "{wrapped}"
            );
        }
    }

    fn check_direct(&self, direct: Option<Result<Envelope, MetadataError>>) {
        match direct {
            Some(Ok(envelope)) => {
                assert_eq!(envelope.id, None);
                self.check_envelope(&envelope);
            }
            Some(Err(error)) => check_error(&error),
            None => {}
        }
    }
}

/// A message quotes a hostile document briefly, or not at all.
pub(crate) fn check_error(error: &MetadataError) {
    let message = error.to_string();
    assert!(message.chars().count() < 400, "{message}");
}

/// The text of a document that shows no mark of an encoding, and is not the start of a
/// response with media behind it.
pub(crate) fn plain_text(data: &[u8]) -> Option<&str> {
    let text = str::from_utf8(data).ok()?;
    let is_marked = text.starts_with('\u{feff}') || text.contains('\0');
    (!is_marked && !text.starts_with("HTTP/")).then_some(text)
}

/// The same text as Windows writes it.
pub(crate) fn encodings(text: &str) -> [Vec<u8>; 2] {
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes);
    [
        [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        b"\xFF\xFE".iter().copied().chain(utf16).collect(),
    ]
}

fn two_lines(data: &[u8]) -> Option<(&str, &str)> {
    str::from_utf8(data).ok()?.split_once('\n')
}
