//! What can be wrong with metadata.

/// Why metadata gives no [`Envelope`](crate::envelope::Envelope).
///
/// Field names are ours or quoted from the document, and untrusted text. A value is quoted only
/// where the document was recognised as the provider's and the value can be no secret: the name of
/// an algorithm, a status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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
    /// Response headers of S3 without an envelope. That does not mean that the media is plain.
    #[error("these headers carry no key; a copy of the file may have dropped it")]
    NoKey,
    /// A private key or certificate, given in the metadata's place.
    #[error("it is a key or certificate, and no metadata")]
    Key,
    /// The configuration of all recordings, given in place of one's metadata.
    #[error("it is a configuration of encryption, and not the metadata of a recording")]
    Configuration,
    /// What a language or tool prints for people.
    #[error("it is {}, which cannot be read without guessing", .0.name())]
    Dump(Dump),
    /// Metadata of another provider than the one asked for.
    #[error("it is metadata of {provider}")]
    OfAnother {
        /// The other's subcommand.
        provider: &'static str,
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

/// What prints values for people, so that a program cannot be sure of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dump {
    /// `{'name': 'value'}`.
    Python,
    /// `{"name"=>"value"}`.
    Ruby,
    /// `var_dump`, `print_r`.
    Php,
    /// `{name=value}`.
    Java,
    /// `map[name:[value]]`.
    Go,
    /// `{ name: 'value' }`.
    JavaScript,
    /// `@{name=value}`.
    PowerShell,
    /// A table with lines around its cells.
    Table,
    /// `aws --output text`: values without names.
    Text,
    /// Values between commas.
    Csv,
}

impl Dump {
    /// What it is, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "what Python prints",
            Self::Ruby => "what Ruby prints",
            Self::Php => "what PHP prints",
            Self::Java => "what Java prints",
            Self::Go => "what Go prints",
            Self::JavaScript => "what JavaScript prints",
            Self::PowerShell => "what PowerShell prints",
            Self::Table => "a table",
            Self::Text => "values without their names",
            Self::Csv => "a table with commas",
        }
    }
}
