//! [`Said`]: what is said of a setting, and where.

use std::ffi::OsString;
use std::fmt;

/// Where it stands.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Flag,
    /// A variable of this name.
    Variable(String),
    /// A file of this printable name, at this line.
    Line(String, usize),
}

/// What is said of a setting.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// Of a list any number; of what is on or off `true` or `false`.
    pub(super) values: Vec<OsString>,
    pub(super) place: Place,
}

impl Place {
    /// `what` is wrong here. Of a flag that is seen.
    pub(super) fn with(&self, what: &str) -> String {
        match self {
            Self::Flag => what.to_owned(),
            Self::Variable(_) | Self::Line(..) => format!("{self}: {what}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("the command line"),
            Self::Variable(name) => f.write_str(name),
            Self::Line(file, line) => write!(f, "`{file}`, line {line}"),
        }
    }
}
