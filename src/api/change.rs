//! [`Change`]: what a request changes at a provider, and what may be shown of that.

use std::fmt;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// What stands for a secret.
const MASK: &str = "********";

/// Bytes that a body's text gets before it is written, so that it does not grow and leave copies of
/// secrets behind.
const ROOM: usize = 64 * 1024;

/// What a request does beyond asking.
#[derive(Clone)]
pub(super) struct Change {
    /// How.
    pub(super) verb: Verb,
    /// What is sent along.
    pub(super) body: Body,
    /// Whether making it twice is the same as making it once, so that it may be repeated without a
    /// look at what became of it.
    pub(super) may_repeat: bool,
}

/// The method of HTTP (RFC 9110, 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Makes something, or replaces it.
    Post,
    /// Replaces something.
    Put,
    /// Removes something.
    Delete,
}

/// What is sent along.
#[derive(Clone)]
pub(super) enum Body {
    /// Nothing.
    Nothing,
    /// Fields of a form (WHATWG URL standard, 5).
    Form(Vec<(&'static str, String)>),
    /// An object in JSON.
    Json(Object),
}

/// The members of an object, in order.
#[derive(Clone, Default)]
pub(super) struct Object(pub(super) Vec<(&'static str, Value)>);

/// A value of a body.
#[derive(Clone)]
pub(super) enum Value {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A text that may be shown.
    Text(String),
    /// One that must not be.
    Secret(Zeroizing<String>),
    /// More of them.
    Object(Object),
}

impl Verb {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl Body {
    /// Its `Content-Type`.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Json(_) => Some("application/json"),
        }
    }

    /// Its bytes, which are wiped when they were sent.
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(fields);
                form.finish().into()
            }
            Self::Json(object) => {
                let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
                // Writing to memory does not fail, nor do these types.
                serde_json::to_writer(&mut *text, &Plain(object)).ok();
                Bytes::from_owner(Wiped(text))
            }
        }
    }

    /// The secrets in it, in each form in which an answer may give them back.
    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let mut all = Vec::new();
        if let Self::Json(object) = self {
            object.collect(&mut all);
        }
        all
    }
}

impl Object {
    fn collect(&self, all: &mut Vec<Zeroizing<String>>) {
        for (_, value) in &self.0 {
            match value {
                Value::Secret(secret) => {
                    let quoted =
                        Zeroizing::new(serde_json::to_string(&**secret).unwrap_or_default());
                    all.push(Zeroizing::new(quoted.trim_matches('"').to_owned()));
                    all.push(secret.clone());
                }
                Value::Object(inner) => inner.collect(all),
                Value::Null | Value::Bool(_) | Value::Text(_) => {}
            }
        }
    }

    fn write<S: Serializer>(&self, serializer: S, is_shown: bool) -> Result<S::Ok, S::Error> {
        let members = self
            .0
            .iter()
            .map(|(name, value)| (name, Part(value, is_shown)));
        serializer.collect_map(members)
    }
}

/// Bytes that are wiped.
struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// An object as it is sent.
struct Plain<'a>(&'a Object);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer, false)
    }
}

/// A value, and whether it is for people.
struct Part<'a>(&'a Value, bool);

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Part(Value::Null, _) => serializer.serialize_unit(),
            Part(Value::Bool(value), _) => serializer.serialize_bool(*value),
            Part(Value::Text(text), _) => serializer.serialize_str(text),
            Part(Value::Secret(_), true) => serializer.serialize_str(MASK),
            Part(Value::Secret(secret), false) => serializer.serialize_str(secret),
            Part(Value::Object(object), is_shown) => object.write(serializer, *is_shown),
        }
    }
}

/// A body as it may be shown.
pub(crate) struct ShownBody<'a>(pub(super) &'a Body);

impl Serialize for ShownBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Body::Nothing => serializer.serialize_unit(),
            Body::Form(fields) => {
                serializer.collect_map(fields.iter().map(|(name, text)| (name, text)))
            }
            Body::Json(object) => object.write(serializer, true),
        }
    }
}

impl fmt::Display for ShownBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Body::Form(fields) = self.0 {
            for (at, (name, text)) in fields.iter().enumerate() {
                let newline = if at == 0 { "" } else { "\n" };
                write!(f, "{newline}{name}={}", text.trim_end())?;
            }
            return Ok(());
        }
        f.write_str(&serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Object {
        let secret = |text: &str| Value::Secret(Zeroizing::new(text.to_owned()));
        let config = vec![
            ("bucket", Value::Text("b".to_owned())),
            ("secretKey", secret("hush \"hush\"")),
        ];
        Object(vec![
            ("type", Value::Text("s3".to_owned())),
            ("config", Value::Object(Object(config))),
            ("enabled", Value::Bool(true)),
            ("certificate", Value::Null),
        ])
    }

    #[test]
    fn secrets_are_sent_and_not_shown() {
        let body = Body::Json(object());
        let sent = r#"{"type":"s3","config":{"bucket":"b","secretKey":"hush \"hush\""},"enabled":true,"certificate":null}"#;
        assert_eq!(body.bytes(), sent);
        let shown = ShownBody(&body);
        assert_eq!(
            serde_json::to_string(&shown).unwrap(),
            sent.replace(r#"hush \"hush\""#, MASK)
        );
        assert!(!shown.to_string().contains("hush"));
        let secrets: Vec<_> = body.secrets().iter().map(|text| text.to_string()).collect();
        assert_eq!(secrets, [r#"hush \"hush\"#, "hush \"hush\""]);
    }

    #[test]
    fn forms_are_encoded_and_shown_as_they_are_meant() {
        let fields = vec![
            ("PublicKey", "-----B+=\n".to_owned()),
            ("Name", "a b".to_owned()),
        ];
        let body = Body::Form(fields);
        assert_eq!(body.bytes(), "PublicKey=-----B%2B%3D%0A&Name=a+b");
        assert_eq!(ShownBody(&body).to_string(), "PublicKey=-----B+=\nName=a b");
        assert_eq!(Body::Nothing.bytes(), "");
    }
}
