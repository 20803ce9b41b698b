//! Whatever ends a run, and whenever: no new name, the old file as it was, no plaintext left.
//!
//! `cargo test` runs a sample; `cargo test --release --test hostile faults:: -- --ignored` runs
//! all of it and prints the counts of `docs/reliability.md`.
#![allow(clippy::expect_used, clippy::panic, reason = "it is a test")]

mod disk;
mod engine;
mod kill;
mod names;
mod qvoice;
mod reads;
mod signals;
mod stage;
mod streams;
