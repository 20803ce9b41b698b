//! The providers: their names and ids, and their metadata, one file a provider: bytes in,
//! [`Envelope`](crate::envelope::Envelope)s out.
//!
//! Parsing only: no files, no keys, no cryptography, no media.

mod call;
mod decode;
mod document;
mod error;
mod id;
mod json;
mod listing;
pub mod qvoice;
mod search;
mod shape;
mod slip;
pub mod twilio_video;
pub mod twilio_voice;
pub mod vonage;
mod which;

pub use error::Dump;
pub use error::MetadataError;
pub use id::IdKind;
pub use listing::{Item, Listing};
pub(crate) use slip::{Other, Slip};
pub use which::Provider;
