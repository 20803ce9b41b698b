//! What ids and secrets look like. Which one it is is not for a message.

use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::environment::Value;

/// What a value must be.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// `AC…`, of Twilio.
    Account,
    /// `SK…`, of Twilio.
    ApiKey,
    /// The id of an application of Vonage's.
    Application,
    /// The number of a project of `OpenTok`'s.
    Project,
    /// An id that nothing is known of.
    Name,
    /// What a provider let us in with.
    Secret,
}

impl Shape {
    fn is_of(self, text: &str) -> bool {
        match self {
            Self::Account => is_sid(text, "AC"),
            Self::ApiKey => is_sid(text, "SK"),
            Self::Application => is_uuid(text),
            Self::Project => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
            Self::Name | Self::Secret => {
                !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
            }
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Account => "the id of an account: AC and 32 hexadecimal digits",
            Self::ApiKey => "the id of an API key: SK and 32 hexadecimal digits",
            Self::Application => "the id of an application: a UUID",
            Self::Project => "the API key of a project: digits alone",
            Self::Name => "an id: there are blanks or foreign characters in it",
            Self::Secret => "a secret: there are blanks or foreign characters in it",
        }
    }

    /// The text of `value`, if it is of this shape.
    pub(super) fn of(self, value: Value) -> Result<Zeroizing<String>, CredentialsError> {
        if self.is_of(&value.text) {
            return Ok(value.text);
        }
        Err(CredentialsError::Unlike {
            name: value.name,
            expected: self.expected(),
        })
    }

    /// The same for what is no secret.
    pub(super) fn id(self, value: Value) -> Result<String, CredentialsError> {
        self.of(value).map(|mut text| std::mem::take(&mut *text))
    }
}

fn is_sid(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix);
    digits.is_some_and(|digits| digits.len() == 32 && is_hex(digits))
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<_> = text.split('-').collect();
    parts.len() == lengths.len()
        && std::iter::zip(parts, lengths).all(|(part, length)| part.len() == length && is_hex(part))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}
