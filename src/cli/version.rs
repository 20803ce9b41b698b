//! What this build is. `build.rs` finds it out.

/// One line: `0.1.0 (6bbae2a26 2026-11-30)`.
pub(super) const SHORT: &str = env!("BUILD_VERSION");

/// The same, and below it what was built, and how.
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
