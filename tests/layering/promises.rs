//! Every promise of docs/threat-model.md names the test that holds it. Here: those tests exist.
#![allow(clippy::expect_used, clippy::panic, reason = "it is a test")]

use std::path::{Path, PathBuf};

/// All Rust files of a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .flat_map(|entry| {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The names between backticks of the form `tests/file.rs::function`.
fn named(text: &str) -> Vec<(&str, &str)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs::"))
        .collect()
}

fn is_test(source: &str, function: &str) -> bool {
    let declaration = format!("fn {function}(");
    source.lines().collect::<Vec<_>>().windows(3).any(|lines| {
        lines[2].trim_start().starts_with(&declaration)
            && lines[..2].iter().any(|line| line.trim() == "#[test]")
    })
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/threat-model.md")).expect("the document");
    let names = named(&text);
    assert!(names.len() > 30, "{} tests are named", names.len());
    for (file, function) in names {
        let path = root.join(format!("{file}.rs"));
        let source = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            is_test(&source, function),
            "no test {function} in {file}.rs"
        );
    }
}

#[test]
fn a_promise_names_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/threat-model.md")).expect("the document");
    let rows = text.lines().filter(|line| line.starts_with("| P"));
    let mut count = 0;
    for row in rows {
        assert!(!named(row).is_empty(), "no test in {row}");
        count += 1;
    }
    assert!(count > 20, "{count} promises");
}

#[test]
fn no_source_file_allows_unsafe_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = std::fs::read_to_string(root.join("src/lib.rs")).expect("the library");
    assert!(library.contains("#![forbid(unsafe_code)]"));
    for path in sources(&root.join("src")) {
        let source = std::fs::read_to_string(&path).expect("a source");
        for line in source.lines() {
            let code = line.split("//").next().unwrap_or_default();
            let has = code
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == "unsafe");
            assert!(!has, "{}: {line}", path.display());
        }
    }
}
