//! What opens and what must not, judged by others: OpenSSL, Python, Node, Java, Project
//! Wycheproof, ffprobe.

#[path = "../common/mod.rs"]
mod common;

mod fixtures;
mod interop;
mod key_files;
mod library;
mod media_probe;
mod paddings;
mod tamper;
mod tamper_qvoice;
mod wycheproof_aes;
mod wycheproof_keys;
