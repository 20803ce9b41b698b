//! What this build is. `build.rs` finds it out.

/// One line: `0.1.0 (6bbae2a26 2026-11-30)`.
pub(super) const SHORT: &str = env!("BUILD_VERSION");

/// The same, and below it a line for each of the others here.
pub(super) const LONG: &str = concat!(
    env!("BUILD_VERSION"),
    "\ncommit: ",
    env!("BUILD_COMMIT"),
    "\ndate: ",
    env!("BUILD_DATE"),
    "\ntarget: ",
    env!("BUILD_TARGET"),
    "\nfeatures: ",
    env!("BUILD_FEATURES"),
    "\nrustc: ",
    env!("BUILD_RUSTC"),
);

/// The number alone.
pub(super) const NUMBER: &str = env!("CARGO_PKG_VERSION");

/// The hash of the commit.
pub(super) const COMMIT: Option<&str> = known(env!("BUILD_COMMIT"));

/// The commit's day, such as `2026-11-30`.
pub(super) const DATE: Option<&str> = known(env!("BUILD_DATE"));

/// Such as `x86_64-unknown-linux-gnu`.
pub(super) const TARGET: &str = env!("BUILD_TARGET");

/// The names of the features.
pub(super) fn features() -> impl Iterator<Item = &'static str> {
    let names = env!("BUILD_FEATURES").split(' ');
    names.filter(|name| *name != "none")
}

/// The compiler, such as `1.95.0 (59807616e 2026-04-14)`.
pub(super) const RUSTC: &str = env!("BUILD_RUSTC");

const fn known(text: &'static str) -> Option<&'static str> {
    // What texts are compared with at compile time.
    match text.as_bytes() {
        b"unknown" => None,
        _ => Some(text),
    }
}
