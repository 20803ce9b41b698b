//! What the command line takes, writes and says, one module a concern.

#[path = "../common/mod.rs"]
mod common;
#[path = "../fake/mod.rs"]
mod fake;

mod batch;
mod blocks;
mod commands;
mod completions;
mod docs;
mod doctor;
mod filesystems;
mod folder;
mod help;
mod key_folder;
mod keygen;
mod keys;
mod links;
mod logs;
mod manual;
mod messages;
mod metadata;
mod mistyped;
mod output;
mod picture;
#[cfg(feature = "serve")]
mod playback;
mod qvoice;
#[cfg(feature = "serve")]
mod serve_settings;
mod several;
mod signals;
mod terminal;
mod version;
#[cfg(feature = "waveform")]
mod waveform;
