//! [`Found`]: credentials, and where they came from.

/// What was found, and what it was found in.
pub(in crate::cli) struct Found<T> {
    /// The credentials.
    pub(in crate::cli) credentials: T,
    /// The variables or the file that had them, for people.
    pub(in crate::cli) source: String,
}
