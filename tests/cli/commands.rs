//! The README and `tests/cmd/`: every command in a `console` block prints what stands below it.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what the commands print now; look at the diff.
#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::path::Path;

use crate::common::Desk;
use crate::fake::Fake;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const INSIDE: &str = "UNREEL_TEST_SANDBOX";

/// Documents whose commands may ask a provider: the server of the tests.
const ASKING: &[&str] = &["README.md", "docs/cookbook.md", "tests/cmd/network.md"];

/// The document whose commands change an account.
const REGISTERING: &[&str] = &["docs/register.md"];

/// All others, whose commands ask nobody.
const OFFLINE: &[&str] = &["docs/**/*.md", "tests/cmd/*.md"];

#[test]
fn commands_print_what_the_documents_say() {
    run("commands::offline", &Desk::of_documents(), &[]);
}

#[test]
fn commands_that_fetch_print_what_the_documents_say() {
    let fake = Fake::with_fixtures();
    run("commands::asking", &Desk::of_documents(), &fake.env());
}

/// The page of the cookbook that begins with an empty account.
#[test]
fn commands_that_register_print_what_the_documents_say() {
    let (fake, desk) = (Fake::start(), Desk::of_documents());
    std::fs::create_dir(desk.path("storage")).unwrap();
    // What is registered is used: a recording is made for each key.
    fake.style(|style| style.records = true);
    fake.qvoice_folder(desk.path("storage"));
    run("commands::registering", &desk, &fake.env());
}

/// Runs a test in a process of its own, whose environment and working directory are known.
fn run(test: &str, desk: &Desk, environment: &[(&str, String)]) {
    let mut command = desk.command(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.env(INSIDE, "1").envs(environment.iter().cloned());
    if let Some(value) = std::env::var_os("TRYCMD") {
        command.env("TRYCMD", value);
    }
    assert!(command.status().unwrap().success());
}

#[test]
#[ignore = "commands_that_fetch_print_what_the_documents_say runs it, in a sandbox"]
fn asking() {
    cases(ASKING, &[]);
}

#[test]
#[ignore = "commands_that_register_print_what_the_documents_say runs it, in a sandbox"]
fn registering() {
    cases(REGISTERING, &[]);
}

#[test]
#[ignore = "commands_print_what_the_documents_say runs it, in a sandbox"]
fn offline() {
    cases(OFFLINE, &[ASKING, REGISTERING].concat());
}

fn cases(documents: &[&str], others: &[&str]) {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let cases = trycmd::TestCases::new();
    cases.register_bin("unreel", Path::new(env!("CARGO_BIN_EXE_unreel")));
    for document in documents {
        cases.case(format!("{ROOT}/{document}"));
    }
    for document in others {
        cases.skip(format!("{ROOT}/{document}"));
    }
}
