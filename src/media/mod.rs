//! What bytes are: container, codec, channels, duration.
//!
//! Three questions, answered without decoding, without I/O and in constant memory:
//!
//! - [`sniff()`]: is this input, which should be ciphertext, something else altogether? A download
//!   that was never encrypted, an error page, a key. It says so only on evidence that random
//!   bytes show less than once in 2^30.
//! - [`mangled()`]: is it ciphertext that a program took for text, and destroyed?
//! - [`Probe`]: what is this plaintext? Where a format carries no tag, the answer is the only
//!   witness for the key, so a `Some` in [`Media::container`] is evidence of the same strength
//!   (JSON, which no such format holds, excepted), and [`Media::damaged`] tells a wrong IV from a
//!   wrong key.
//!
//! With the feature `waveform` a fourth, for which it is decoded: how does it sound? ([`Decoder`])
//!
//! A file is judged by its first [`SEGMENT`] bytes ([`Head`]). Two are watched to their end, too: a
//! transport stream has a sync byte in every packet ([`TsScan`], in pieces that may be scanned in
//! parallel and merged in order), and the parts of Matroska and MP4 say how long they are.
//!
//! The bytes are hostile: nothing here indexes, overflows, recurses or loops without moving on.
#![warn(clippy::indexing_slicing)]

mod damaged;
#[cfg(feature = "waveform")]
mod decode;
mod describe;
mod ebml;
mod mangled;
mod mp4;
mod mpeg_audio;
mod ogg;
mod outline;
mod probe;
mod program;
mod read;
mod sniff;
mod transport;
mod wav;

pub use damaged::damaged_head;
#[cfg(feature = "waveform")]
pub use decode::{Bytes, DecodeError};
#[cfg(feature = "waveform")]
pub(crate) use decode::{Decoder, Piece};
pub(crate) use describe::container_name;
pub use describe::{Codec, Media, Note, hms};
pub use mangled::{Mangled, mangled};
pub use probe::{Head, Probe, SEGMENT};
pub use sniff::{Sniff, sniff};
pub(crate) use transport::Transport;
pub use transport::{PACKET, TsScan};
