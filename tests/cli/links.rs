//! Links of the documents, to each other and into the repository; and of messages to documents.
#![allow(
    clippy::unwrap_used,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "it is a test"
)]

use std::path::Path;

use crate::blocks::documents;
use crate::docs::{add_sources, read, root};

/// A heading's anchor, as GitHub makes it: small letters, digits, dashes and underscores; spaces are dashes.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.collect()
}

/// The anchors of a document. What stands in blocks is no heading.
fn anchors(text: &str) -> Vec<String> {
    let mut is_block = false;
    let headings = text.lines().filter(|line| {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        }
        !is_block && line.starts_with('#')
    });
    headings.map(anchor).collect()
}

/// Whether a link leads to something, from a document.
fn leads(document: &str, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => root().join(document),
        path => root().join(document).parent().unwrap().join(path),
    };
    if anchor.is_empty() {
        return target.exists();
    }
    std::fs::read_to_string(target)
        .is_ok_and(|text| anchors(&text).iter().any(|name| name == anchor))
}

/// What stands between `](` and `)` outside of blocks and code.
fn links(text: &str) -> Vec<String> {
    let mut is_block = false;
    let mut found = vec![];
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        }
        if !is_block {
            let prose: String = line.split('`').step_by(2).collect();
            let links = prose.split("](").skip(1);
            found.extend(links.map(|link| link.split(')').next().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn each_link_leads_somewhere() {
    let mut count = 0;
    for document in documents() {
        for link in links(&read(&document)) {
            count += 1;
            let is_elsewhere = link.starts_with("https://");
            assert!(
                is_elsewhere || leads(&document, &link),
                "{document}: {link}"
            );
        }
    }
    assert!(count > 100, "only {count}");
}

#[test]
fn a_link_to_nothing_is_found() {
    for link in ["docs/none.md", "docs/scripting.md#none", "#none", "none/#x"] {
        assert!(!leads("README.md", link), "{link}");
    }
    assert!(leads("README.md", "docs/keys.md#secret-stores-kms-hsm"));
    let text = "# A\n```\n# b\n[x](y)\n```\n`[x](z)` [a](b) and [c](d#e)";
    assert_eq!(links(text), ["b", "d#e"]);
    assert_eq!(anchors(text), ["a"]);
}

#[test]
fn each_document_that_a_message_names_is_there() {
    let mut source = String::new();
    add_sources(&root().join("src"), &mut source);
    let named = source.split("docs/").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "-_./#".contains(c)));
        let path = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
        path.contains(".md").then(|| format!("docs/{path}"))
    });
    let named: Vec<_> = named.collect();
    assert!(named.len() > 1, "{named:?}");
    for path in named {
        assert!(leads("README.md", &path), "{path}");
    }
}

#[test]
fn each_document_is_reached_from_the_readme() {
    let mut reached = vec!["README.md".to_owned()];
    let mut next = 0;
    while let Some(document) = reached.get(next).cloned() {
        next += 1;
        for link in links(&read(&document)) {
            let path = link.split('#').next().unwrap();
            let folder = Path::new(&document).parent().unwrap();
            let Ok(target) = root().join(folder).join(path).canonicalize() else {
                continue;
            };
            let Ok(target) = target
                .strip_prefix(root().canonicalize().unwrap())
                .map(Path::to_owned)
            else {
                continue;
            };
            let target = target.to_str().unwrap().to_owned();
            let is_folder = root().join(&target).is_dir();
            let inside = documents().into_iter().filter(|name| {
                *name == target || is_folder && name.starts_with(&format!("{target}/"))
            });
            // A link to all of docs/ says nothing of a page.
            for name in inside.filter(|_| target != "docs") {
                if !reached.contains(&name) {
                    reached.push(name);
                }
            }
        }
    }
    for document in documents() {
        assert!(reached.contains(&document), "no link leads to {document}");
    }
}

/// The files of the source, from `src/`.
fn sources(folder: &Path, path: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            sources(&entry.path(), &format!("{path}{name}/"), found);
        } else {
            found.push(format!("{path}{name}"));
        }
    }
}

/// A name stands there by itself, or that of a folder in which it is. `mod.rs` goes with its folder, and
/// words for errors, flags and usage are one file for what the rest of the row is about.
#[test]
fn every_source_is_on_the_map_and_the_map_names_no_other() {
    let page = read("docs/ARCHITECTURE.md");
    let map = page.split("\n## Code map\n").nth(1).unwrap();
    let map = map.split("\n## ").next().unwrap();
    let mut files = vec![];
    sources(&root().join("src"), "src/", &mut files);
    let named: Vec<_> = crate::docs::spans(&map.replace('\n', " "))
        .map(ToOwned::to_owned)
        .collect();
    let is_named = |file: &str| {
        let name = file.rsplit('/').next().unwrap();
        let is_last = |other: &String| other.rsplit('/').next() == Some(name);
        named.iter().any(is_last)
            || named.iter().any(|other| {
                let folder = other
                    .strip_suffix('/')
                    .filter(|folder| folder.matches('/').count() > 1);
                folder.is_some_and(|folder| file.starts_with(&format!("{folder}/")))
            })
    };
    for file in &files {
        let name = file.rsplit('/').next().unwrap();
        let goes_without = ["mod.rs", "main.rs", "tests.rs", "scripted.rs"].contains(&name)
            || ["/tests/", "/args/", "/usage/", "/cli/error/"]
                .iter()
                .any(|folder| file.contains(folder));
        assert!(
            goes_without || is_named(file),
            "docs/ARCHITECTURE.md has no {file}"
        );
    }
    for name in named
        .iter()
        .filter(|name| name.ends_with(".rs") && !name.contains('*'))
    {
        let is_there = files
            .iter()
            .any(|file| file.ends_with(&format!("/{name}")) || file == name)
            || root().join(name).exists()
            || root().join("tests/cli").join(name).exists();
        assert!(
            is_there,
            "docs/ARCHITECTURE.md names {name}, and there is none"
        );
    }
}
