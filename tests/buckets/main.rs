//! Objects in buckets, at servers of others on loopback: moto for S3, and in Google's clothes for
//! Google's, Azurite for Azure. `.ci/run` installs them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "it is a test"
)]

mod batch;
#[path = "../common/mod.rs"]
mod common;
mod cookbook;
#[path = "../fake/mod.rs"]
mod fake;
mod promises;
mod providers;
mod proxy;
mod reading;
mod scene;
mod self_tests;
mod servers;
mod specials;
mod writing;
