//! What is fetched, from a provider server on loopback: what comes, what is said where it does not,
//! and where secrets go.
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
mod faults;
mod grammar;
mod http2;
mod register_qvoice;
mod register_twilio;
mod register_vonage;
mod runs;
