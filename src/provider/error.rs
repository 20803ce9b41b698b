//! What can be wrong with metadata.

/// Why metadata gives no [`Envelope`](crate::envelope::Envelope).
///
/// Field names are ours or quoted from the document; values are untrusted text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not in any of the provider's formats: the text does not parse.
    #[error("it is not {expected}: {detail}")]
    Syntax {
        /// What would have been accepted, such as `JSON`.
        expected: &'static str,
        /// The parser's reason, with the place.
        detail: String,
    },
    /// More than any provider answers with: reading it would take memory without end.
    #[error("it holds more than {limit} values")]
    TooMany {
        /// The most that is read.
        limit: usize,
    },
    /// It parses, but holds nothing of this provider.
    #[error("no {expected} found in it")]
    Unrecognised {
        /// What was looked for, such as `encryption_details`.
        expected: &'static str,
    },
    /// A field is missing.
    #[error("{field} is missing")]
    Missing {
        /// The field, in the spelling the provider documents.
        field: &'static str,
    },
    /// Two spellings of one field disagree.
    #[error("{first} and {second} have different values")]
    Contradiction {
        /// One spelling.
        first: String,
        /// The other.
        second: String,
    },
    /// A field has a value that cannot be right.
    #[error("{field} is {problem}")]
    Invalid {
        /// The field as it is spelt in the document.
        field: String,
        /// What is wrong with it: `not base64`, `13 bytes long, not 12`.
        problem: String,
    },
    /// A scheme that unreel does not know.
    #[error("{field} is `{value}`, which is not supported")]
    Unsupported {
        /// The field as it is spelt in the document.
        field: String,
        /// The value, quoted.
        value: String,
    },
    /// The provider says that this recording is not encrypted.
    #[error("the recording is not encrypted")]
    NotEncrypted,
    /// The recording has no encryption details yet, or never will.
    #[error("the recording has no encryption details, and its status is `{status}`")]
    NotCompleted {
        /// The provider's status, quoted.
        status: String,
    },
}
