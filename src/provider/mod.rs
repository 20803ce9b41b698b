//! The providers: their names and ids, and their metadata, one file a provider: bytes in,
//! [`Envelope`]s out.
//!
//! Parsing only: no files, no keys, no cryptography, no media.

mod document;
mod error;
mod id;
mod json;
pub mod qvoice;
pub mod twilio_video;
pub mod twilio_voice;
pub mod vonage;
mod which;

pub use error::MetadataError;
pub use id::IdKind;
pub use which::Provider;

use crate::envelope::Envelope;

/// One recording that a metadata document speaks of.
///
/// A list page holds many; one that cannot be opened (not encrypted, not completed) does not
/// stand in the way of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The provider's id of the recording. Untrusted text.
    pub id: Option<String>,
    /// Its envelope, or why there is none.
    pub envelope: Result<Envelope, MetadataError>,
}
