//! `unreel serve` from outside: what it answers to whom, what it writes down, and what it does not do
//! whatever is sent to it. Each test has servers of its own, on loopback.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "it is a test"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../fake/mod.rs"]
mod fake;

mod api_path;
mod audit;
// Here, for it waits for seconds to pass, as much here does.
#[path = "../browser/mod.rs"]
mod browser;
mod clients;
mod connection;
mod crashes;
mod limits;
mod link;
mod load;
mod logs;
mod media;
mod public;
mod rule;
mod scene;
mod sec_rec;

mod sources;
mod tampered;
mod tls;
