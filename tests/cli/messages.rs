//! The messages that documents explain are printed: by a command of `tests/cmd/` or of a document, which
//! `commands.rs` runs, or in a test that is named here, which holds them against the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::collections::BTreeSet;

use crate::blocks::{blocks_of, documents};
use crate::docs::{read, root, spans};

/// Messages that no command of the documents brings about, and the test that does.
#[rustfmt::skip]
const ELSEWHERE: &[(&str, &str)] = &[
    ("checks failed", "tests/cli/doctor.rs::each_failure_ends_with_its_own_code_and_says_what_to_do"),
    ("refusing to write media to the terminal", "tests/cli/terminal.rs::media_is_kept_from_a_terminal_unless_it_is_forced"),
    ("standard output is closed", "tests/hostile/faults/streams.rs::media_to_a_closed_standard_output_is_refused"),
    ("no longer takes the link", "tests/network/faults/media.rs::statuses"),
    ("is not trusted", "tests/network/faults/ways.rs::certificates"),
    ("no public address", "tests/network/faults/answers.rs::refusals"),
    ("broke off", "tests/network/faults/answers.rs::broken"),
    ("cannot list", "tests/network/faults/lists.rs::a_list_breaks_off"),
    ("there is no object", "tests/buckets/reading.rs::what_is_not_there_is_told_from_a_bucket_that_is_not"),
    ("/archive.*", "tests/buckets/cookbook.rs::a_vonage_archive_by_its_id"),
    ("answered 403", "tests/network/faults/answers.rs::refusals"),
    ("says that the bucket is in the region", "tests/buckets/reading.rs::what_the_storage_refuses_says_what_to_do"),
    ("changed during the download", "tests/network/faults/media.rs::parts"),
    ("of this name is there already", "tests/network/register_twilio/keys.rs::a_name_that_is_taken_by_who_knows_which_key_is_not_taken_again"),
    ("it is not known whether", "tests/network/register_twilio/lost.rs::what_cannot_be_looked_for_is_not_known_and_settled_by_the_next_run"),
    ("nothing that was tried opens", "tests/cli/qvoice.rs::each_failure_says_what_it_is_and_what_to_do"),
    ("cannot put", "tests/buckets/writing.rs::a_busy_bucket_is_asked_again_and_then_left"),
    ("No space left", "tests/cli/output.rs::a_full_device_is_an_error"),
    ("it is not followed", "tests/network/faults/answers.rs::refusals"),
    ("answered 503", "tests/network/faults/answers.rs::refusals"),
    ("which only the aws CLI itself follows", "src/cli/credentials/tests/buckets.rs::what_cannot_be_used_says_what_to_do"),
];

/// What stands in the first column of the tables of a document whose heads have this word there.
fn messages(document: &str, head: &str) -> Vec<String> {
    let text = read(document);
    let mut is_table = false;
    let mut found = vec![];
    for line in text.lines() {
        let cells: Vec<_> = line.split(" | ").collect();
        if line.contains(&format!("| {head} |")) {
            is_table = true;
        } else if !line.starts_with('|') {
            is_table = false;
        } else if is_table && !line.starts_with("| ---") {
            // Of docs/buckets.md the second column: the first has exit codes.
            let column = usize::from(document == "docs/buckets.md");
            found.extend(spans(cells[column]).map(ToOwned::to_owned));
        }
    }
    found
}

/// All that commands print, line after line.
fn printed() -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(root().join("tests/cmd")).unwrap() {
        text += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    for document in documents() {
        for block in blocks_of(&document) {
            if block.language == "console" {
                text += &block.text;
                text.push('\n');
            }
        }
    }
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("$ ") && !line.starts_with("# "));
    lines.fold(String::new(), |all, line| all + line + "\n")
}

/// The text of a test, from its name to the next one.
fn body(test: &str) -> String {
    let (file, name) = test.split_once("::").unwrap();
    let source = read(file);
    let start = source
        .find(&format!("fn {name}("))
        .unwrap_or_else(|| panic!("there is no {test}"));
    let body = source[start..].split("\n}\n").next().unwrap();
    // Literals go on in the next line.
    let lines = body.lines().map(str::trim_start);
    lines.fold(String::new(), |all, line| match all.strip_suffix('\\') {
        Some(all) => format!("{all}{line}"),
        None => format!("{all}{line}\n"),
    })
}

/// Whether a text has a message in it, and not only a beginning of its last word.
fn has(text: &str, message: &str) -> bool {
    let mut found = text.match_indices(message);
    found.any(|(at, _)| {
        let behind = text[at + message.len()..].chars().next();
        !(message.ends_with(char::is_alphanumeric) && behind.is_some_and(char::is_alphanumeric))
    })
}

/// Those of a document that nothing brings about.
fn unsaid(messages: &[String], printed: &str) -> Vec<String> {
    let is_said = |message: &String| {
        has(printed, message)
            || ELSEWHERE
                .iter()
                .any(|(other, test)| other == message && has(&body(test), message))
    };
    messages
        .iter()
        .filter(|message| !is_said(message))
        .cloned()
        .collect()
}

#[test]
fn each_message_that_the_documents_explain_is_provoked() {
    let printed = printed();
    let mut explained = BTreeSet::new();
    for (document, head) in [
        ("docs/troubleshooting.md", "message"),
        ("docs/buckets.md", "you see"),
    ] {
        let messages = messages(document, head);
        assert!(messages.len() > 10, "{document}: {messages:?}");
        assert_eq!(unsaid(&messages, &printed), [""; 0], "{document}");
        explained.extend(messages);
    }
    assert!(explained.len() > 80, "only {}", explained.len());
    for (message, _) in ELSEWHERE {
        assert!(explained.contains(*message), "nobody explains {message}");
        assert!(!has(&printed, message), "a command prints {message}");
    }
}

#[test]
fn a_message_that_nothing_says_is_found() {
    let said = ["the authentication tag does not match", "no such words"].map(str::to_owned);
    assert_eq!(unsaid(&said, &printed()), ["no such words"]);
}
