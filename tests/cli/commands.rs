//! The documents and `tests/cmd/`: every command in a `console` block prints what stands below it.
//!
//! `TRYCMD=overwrite cargo test --test cli commands` writes what the commands print now; look at the diff.
#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::path::Path;

use crate::blocks::{blocks_of, documents};
use crate::common::Desk;
use crate::docs::root;
use crate::fake::Fake;

const INSIDE: &str = "UNREEL_TEST_DOCUMENTS";

/// The document whose commands change an account. It begins with an empty one.
const REGISTERING: &str = "docs/register.md";

#[test]
fn commands_of_the_documents_print_what_they_say() {
    let is_console = |document: &String| {
        let blocks = blocks_of(document);
        blocks.iter().any(|block| block.language == "console")
    };
    for document in documents().into_iter().filter(is_console) {
        let (fake, desk) = (Fake::start(), Desk::of_documents());
        if document == REGISTERING {
            std::fs::create_dir(desk.path("storage")).unwrap();
            // What is registered is used: a recording is made for each key.
            fake.style(|style| style.records = true);
            fake.qvoice_folder(desk.path("storage"));
        } else {
            fake.add_fixtures();
        }
        run(&[&document], &desk, &fake.env());
    }
}

#[test]
fn commands_that_ask_nobody_print_what_they_say() {
    run(
        &["tests/cmd/*.md", "!tests/cmd/network.md"],
        &Desk::of_documents(),
        &[],
    );
}

#[test]
fn commands_that_fetch_print_what_they_say() {
    let fake = Fake::with_fixtures();
    run(
        &["tests/cmd/network.md"],
        &Desk::of_documents(),
        &fake.env(),
    );
}

/// Runs the commands in a process of its own, whose environment and working directory are known.
fn run(documents: &[&str], desk: &Desk, environment: &[(&str, String)]) {
    let mut command = desk.command(std::env::current_exe().unwrap());
    command.args(["--exact", "commands::inside", "--ignored", "--nocapture"]);
    command
        .env(INSIDE, documents.join(","))
        .envs(environment.iter().cloned());
    if let Some(value) = std::env::var_os("TRYCMD") {
        command.env("TRYCMD", value);
    }
    assert!(command.status().unwrap().success(), "{documents:?}");
}

#[test]
#[ignore = "the tests above run it, in a sandbox"]
fn inside() {
    let Ok(documents) = std::env::var(INSIDE) else {
        return;
    };
    let cases = trycmd::TestCases::new();
    cases.register_bin("unreel", Path::new(env!("CARGO_BIN_EXE_unreel")));
    for document in documents.split(',') {
        match document.strip_prefix('!') {
            Some(document) => cases.skip(root().join(document)),
            None => cases.case(root().join(document)),
        };
    }
}
