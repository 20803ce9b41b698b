//! Exit codes, one enum. `docs/scripting.md` prints the table; a test compares the two.

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Internal,
    Usage,
    Input,
    Metadata,
    Key,
    WrongKey,
    Integrity,
    Output,
    Partial,
}

impl Code {
    /// The number that the shell sees.
    pub(super) fn exit(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Metadata => 4,
            Self::Key => 5,
            Self::WrongKey => 6,
            Self::Integrity => 7,
            Self::Output => 8,
            Self::Partial => 10,
        }
    }

    /// The name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Input => "input",
            Self::Metadata => "metadata",
            Self::Key => "key",
            Self::WrongKey => "wrong_key",
            Self::Integrity => "integrity",
            Self::Output => "output",
            Self::Partial => "partial",
        }
    }
}
