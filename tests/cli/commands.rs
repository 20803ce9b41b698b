//! The README and `tests/cmd/`: every command in a `console` block prints what stands below it.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what the commands print now; look at the diff.
#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::path::Path;

use crate::common::Desk;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const INSIDE: &str = "UNREEL_TEST_SANDBOX";

/// Runs `cases` in a process of its own, whose environment and working directory are known.
#[test]
fn commands_print_what_the_documents_say() {
    let desk = Desk::of_documents();
    let mut command = desk.command(std::env::current_exe().unwrap());
    command.args(["--exact", "commands::cases", "--ignored", "--nocapture"]);
    command.env(INSIDE, "1");
    if let Some(value) = std::env::var_os("TRYCMD") {
        command.env("TRYCMD", value);
    }
    assert!(command.status().unwrap().success());
}

#[test]
#[ignore = "commands_print_what_the_documents_say runs it, in a sandbox"]
fn cases() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    trycmd::TestCases::new()
        .register_bin("unreel", Path::new(env!("CARGO_BIN_EXE_unreel")))
        .case(format!("{ROOT}/README.md"))
        .case(format!("{ROOT}/docs/**/*.md"))
        .case(format!("{ROOT}/tests/cmd/*.md"));
}
