//! The walls between the modules, as far as imports and words show them. docs/ARCHITECTURE.md
//! has the reasons. Every rule is tried on made-up source that breaks it.
#![allow(clippy::unwrap_used, reason = "it is a test")]

#[path = "layering/circles.rs"]
mod circles;
#[path = "layering/promises.rs"]
mod promises;

use std::path::Path;

/// The most lines of a source file.
const LINES: usize = 600;

#[test]
fn the_source_keeps_its_walls() {
    let found: Vec<_> = sources()
        .iter()
        .flat_map(|(path, text)| violations(path, text))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles: Vec<_> = circles::circles(&sources())
        .iter()
        .map(|files| files.join(" "))
        .collect();
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

/// Glue is short. The arguments and the words of the errors are lists.
#[test]
fn no_file_of_cli_is_long() {
    let long: Vec<_> = sources()
        .iter()
        .filter(|(path, _)| path.starts_with("cli/"))
        .filter(|(path, _)| path != "cli/args.rs" && !path.starts_with("cli/error"))
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > 300)
        .map(|(lines, path)| format!("src/{path}: {lines} lines, more than 300"))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

/// The files of `src`, by their names in it.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    assert!(files.len() > 50, "only {} files", files.len());
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.file_name() != Some("tests.rs".as_ref()) {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.push((name.to_owned(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Modules of the crate, and what else of it they may import.
const IMPORTS: &[(&str, &[&str])] = &[
    ("envelope", &[]),
    ("provider", &["envelope"]),
    ("key", &["envelope"]),
    ("cipher", &["envelope"]),
    ("media", &["envelope"]),
    ("io", &["cipher"]),
    ("pipeline", &["cipher", "envelope", "io", "key", "media"]),
    ("api", &["envelope", "provider"]),
    ("store", &["api", "envelope"]),
    ("waveform", &["media"]),
    (
        "job",
        &[
            "api", "cipher", "envelope", "io", "key", "media", "pipeline", "provider", "store",
        ],
    ),
    (
        "serve",
        &[
            "api", "cipher", "envelope", "io", "job", "key", "media", "pipeline", "provider",
            "store", "waveform",
        ],
    ),
    (
        "cli",
        &[
            "api", "cipher", "envelope", "io", "job", "key", "media", "pipeline", "provider",
            "serve", "store", "waveform",
        ],
    ),
];

/// What waits for a network, and the modules that may.
const NETWORK: &[&str] = &["tokio", "reqwest", "object_store", "axum", "async fn"];
const ON_THE_NETWORK: &[&str] = &["api", "store", "serve"];

/// Who tells what is done with `tracing`: none of those whose loops see every byte.
const TELLING: &[&str] = &["api", "store", "serve", "job", "key", "cli"];

/// Names of providers: the core uses none.
const PROVIDERS: &[&str] = &["twilio", "vonage", "opentok", "tokbox", "qvoice", "gorec"];

/// What a parser of metadata has no business with.
const NOT_IN_PROVIDER: &[&str] = &[
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "fs_err",
    "rustix",
    "tempfile",
    "rsa",
    "aes",
    "cbc",
    "ctr",
    "ghash",
    "getrandom",
];

/// What opens, makes or talks to something.
const NOT_IN_CORE: &[&str] = &["std::fs", "std::net", "std::process", "fs_err", "tempfile"];

const PRINTING: &[&str] = &[
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "io::stdout",
    "io::stderr",
    "stdout()",
    "stderr()",
    "Term::stdout",
    "Term::stderr",
];

const NAMING: &[&str] = &[
    "rename(",
    "renameat(",
    "renameat_with(",
    "linkat(",
    "hard_link(",
    "symlink(",
    "persist(",
    "persist_noclobber(",
    "keep(",
];

const WRITING: &[&str] = &[
    "File::create",
    "File::create_new",
    "File::options",
    "OpenOptions",
    "fs::write",
    "fs_err::write",
    "fs::copy",
    "fs_err::copy",
];

/// What is wrong with one file; `path` is relative to `src`.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LINES {
        found.push(format!("{lines} lines, more than {LINES}"));
    }
    let whole = Code::of(text);
    if whole.has("unsafe") {
        found.push("unsafe".to_owned());
    }
    let Some(text) = without_tests(text) else {
        found.push("code behind `mod tests`".to_owned());
        return named(path, found);
    };
    let code = Code::of(text);
    let module = module(path);

    let allowed = IMPORTS.iter().find(|(name, _)| *name == module);
    match (module, allowed) {
        ("main" | "lib", _) => {}
        (_, None) => found.push(format!("module `{module}` is in no layer")),
        (_, Some((_, allowed))) => {
            for import in code.imports() {
                if import != module && !allowed.contains(&import.as_str()) {
                    found.push(format!("imports {import}"));
                }
            }
            if code.supers() > depth(path) {
                found.push("reaches the crate's root by super::".to_owned());
            }
        }
    }
    let mut forbid = |words: &[&str], why: &str| {
        for word in words.iter().filter(|word| code.has(word)) {
            found.push(format!("`{word}`: {why}"));
        }
    };
    if module == "provider" {
        forbid(NOT_IN_PROVIDER, "provider only parses");
    }
    if ["cipher", "key", "media", "envelope"].contains(&module) {
        forbid(NOT_IN_CORE, "files are for io");
    }
    if !ON_THE_NETWORK.contains(&module) {
        forbid(NETWORK, "the core is synchronous");
    }
    if !TELLING.contains(&module) {
        forbid(&["tracing"], "nothing is told where every byte is seen");
    }
    if module != "cli" {
        forbid(&["tracing_subscriber"], "only cli listens");
    }
    if !["cli", "main"].contains(&module) && path != "io/spool.rs" {
        forbid(&["std::env", "env::args", "env::var"], "only cli reads it");
    }
    if path == "io/spool.rs" && code.count("std::env") > code.count("std::env::temp_dir") {
        found.push("`std::env`: only cli reads it".to_owned());
    }
    let mut forbid = |words: &[&str], why: &str| {
        for word in words.iter().filter(|word| code.has(word)) {
            found.push(format!("`{word}`: {why}"));
        }
    };
    match path {
        "cli/printer.rs" => {}
        // The handle that media goes to.
        "io/stdout.rs" => forbid(&["print!", "println!", "io::stderr"], "only cli::printer"),
        _ => forbid(PRINTING, "only cli::printer prints"),
    }
    if path != "cli/mod.rs" {
        forbid(&[".print()"], "clap's help is for cli::main");
    }
    if path != "io/staged.rs" {
        forbid(NAMING, "only Staged::commit gives final names");
    }
    if module != "io" {
        forbid(WRITING, "only io writes files");
    }
    if ["cipher", "key", "io", "media", "envelope"].contains(&module) {
        let words = code.with_strings.to_lowercase();
        for name in PROVIDERS.iter().filter(|name| words.contains(**name)) {
            found.push(format!("names {name}"));
        }
    }
    for secret in ["ContentKey", "Passphrase"] {
        for derived in code.derives(secret) {
            if ["Clone", "Copy", "Debug", "Serialize"].contains(&derived.as_str()) {
                found.push(format!("{secret} is {derived}"));
            }
        }
    }
    named(path, found)
}

fn named(path: &str, found: Vec<String>) -> Vec<String> {
    found
        .into_iter()
        .map(|what| format!("src/{path}: {what}"))
        .collect()
}

/// The module of the crate's root that a file belongs to.
fn module(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// How many `super::` stay within the module of the crate's root.
fn depth(path: &str) -> usize {
    let path = path.strip_suffix("/mod.rs").unwrap_or(path);
    path.matches('/').count()
}

/// A file without its unit tests, which stand at its end. `None` if something stands behind them.
fn without_tests(text: &str) -> Option<&str> {
    for (at, mark) in text.match_indices("\n#[cfg(test)]\n") {
        let (code, tests) = text.split_at(at);
        let item = tests[mark.len()..]
            .lines()
            .find(|line| !line.starts_with("#["))?;
        if item.ends_with("mod tests {") {
            let end = tests.find("\n}\n")? + "\n}\n".len();
            return tests[end..].trim().is_empty().then_some(code);
        }
    }
    Some(text)
}

/// Source without comments and white space that means nothing.
struct Code {
    /// String literals are empty; `use` trees are spelled out at the end.
    bare: String,
    /// String literals are there.
    with_strings: String,
}

impl Code {
    fn of(text: &str) -> Self {
        let (mut bare, with_strings) = (lexed(text, false), lexed(text, true));
        let uses: Vec<_> = bare.split(';').filter_map(use_tree).collect();
        for tree in uses {
            let mut paths = Vec::new();
            spell_out("", &tree, &mut paths);
            bare += ";";
            bare += &paths.join(";");
        }
        Self { bare, with_strings }
    }

    /// Whether `pattern` is there as words of its own.
    fn has(&self, pattern: &str) -> bool {
        self.count(pattern) > 0
    }

    fn count(&self, pattern: &str) -> usize {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let first_is_word = pattern.starts_with(word);
        let last_is_word = pattern.ends_with(word);
        self.bare
            .match_indices(pattern)
            .filter(|(at, _)| {
                let before = self.bare[..*at].chars().next_back();
                let after = self.bare[at + pattern.len()..].chars().next();
                !(first_is_word && before.is_some_and(word)
                    || last_is_word && after.is_some_and(word))
            })
            .count()
    }

    /// The modules behind each `crate::`.
    fn imports(&self) -> Vec<String> {
        let mut found: Vec<String> = self
            .bare
            .split("crate::")
            .skip(1)
            .map(|rest| {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                rest[..end.unwrap_or(rest.len())].to_owned()
            })
            // A group; it is spelled out elsewhere.
            .filter(|name| !name.is_empty())
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// The longest chain of `super::`.
    fn supers(&self) -> usize {
        (1..10)
            .take_while(|n| self.bare.contains(&"super::".repeat(*n)))
            .count()
    }

    /// What is derived for a type.
    fn derives(&self, name: &str) -> Vec<String> {
        let definition = format!("struct {name}");
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let Some((at, _)) = self
            .bare
            .match_indices(&definition)
            .find(|(at, _)| !self.bare[at + definition.len()..].starts_with(word))
        else {
            return vec![];
        };
        let before = &self.bare[..at];
        let start = before.rfind([';', '}']).unwrap_or(0);
        before[start..]
            .split("derive(")
            .skip(1)
            .flat_map(|rest| rest.split(')').next().unwrap_or("").split(','))
            .map(ToOwned::to_owned)
            .collect()
    }
}

/// The tree of a statement that is a `use`.
fn use_tree(statement: &str) -> Option<String> {
    let at = statement.rfind("use ")?;
    let is_start = !statement[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    is_start.then(|| statement[at + "use ".len()..].to_owned())
}

/// `a::{b, c::{d}}` as `a::b`, `a::c::d`.
fn spell_out(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        paths.push(format!("{prefix}{tree}"));
        return;
    };
    let prefix = format!("{prefix}{head}");
    let (mut depth, mut part) = (0, String::new());
    for c in group.chars() {
        match c {
            ',' | '}' if depth == 0 => {
                if !part.is_empty() {
                    spell_out(&prefix, &std::mem::take(&mut part), paths);
                }
                if c == '}' {
                    return;
                }
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        part.push(c);
    }
}

/// `text` without comments; white space only between words; strings empty, unless they are to
/// stay.
fn lexed(text: &str, strings: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut out, mut i) = (String::new(), 0);
    while i < chars.len() {
        let c = at(i);
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if c == '"' || (c == 'r' && !out.ends_with(word) && raw_hashes(&chars, i).is_some())
        {
            let (start, hashes) = match raw_hashes(&chars, i) {
                Some(hashes) if c == 'r' => (i + 2 + hashes, Some(hashes)),
                _ => (i + 1, None),
            };
            let mut end = start;
            while end < chars.len() {
                let closes = match hashes {
                    Some(n) => at(end) == '"' && (1..=n).all(|k| at(end + k) == '#'),
                    None => at(end) == '"',
                };
                if closes {
                    break;
                }
                end += if hashes.is_none() && at(end) == '\\' {
                    2
                } else {
                    1
                };
            }
            let inside: String = chars[start..end.min(chars.len())].iter().collect();
            out += &format!("\"{}\"", if strings { inside.as_str() } else { "" });
            i = end + 1 + hashes.unwrap_or(0);
        } else if c == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            // A character, not a lifetime.
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && at(i) != '\'' {
                i += 1;
            }
            i += 1;
            out += "' '";
        } else if c.is_whitespace() {
            while at(i).is_whitespace() {
                i += 1;
            }
            if out.ends_with(word) && word(at(i)) {
                out.push(' ');
            }
        } else {
            out.push(c);
            i += 1;
        }
    }
    out
}

/// For `r"`, `r#"` and so on at `i`: how many `#`.
fn raw_hashes(chars: &[char], i: usize) -> Option<usize> {
    let rest = chars.get(i + 1..)?;
    let hashes = rest.iter().take_while(|c| **c == '#').count();
    (rest.get(hashes) == Some(&'"')).then_some(hashes)
}

#[test]
fn each_rule_catches_what_breaks_it() {
    for (path, text) in [
        ("provider/vonage.rs", "use crate::io::Source;"),
        ("provider/vonage.rs", "use crate::{envelope, key::KeyRing};"),
        ("provider/vonage.rs", "fn f() { crate::cli::main(a) }"),
        ("provider/vonage.rs", "use super::super::cipher;"),
        ("provider/mod.rs", "use super::cipher;"),
        ("provider/vonage.rs", "use std::{fmt, fs};"),
        ("provider/vonage.rs", "use std::io::Read;"),
        ("provider/vonage.rs", "let key = rsa::RsaPrivateKey::new();"),
        ("cipher/gcm.rs", "use crate::provider;"),
        ("cipher/gcm.rs", "use crate::io::Source;"),
        ("cipher/gcm.rs", "const T: &str = \"as Twilio does\";"),
        ("cipher/gcm.rs", "fn vonage_padding() {}"),
        ("key/ring.rs", "enum E { OpenTok }"),
        ("key/ring.rs", "let key = std::fs::read(path);"),
        ("key/ring.rs", "let key = std::env::var(\"KEY\");"),
        ("io/spool.rs", "let a = std::env::args();"),
        ("io/spool.rs", "use std::env; let a = env::args();"),
        ("io/staged.rs", "use std::{env, io};"),
        ("pipeline.rs", "use crate::cli::report;"),
        ("cli/inspect.rs", "println!(\"{a}\");"),
        ("cli/inspect.rs", "eprintln !(\"{a}\");"),
        ("cli/inspect.rs", "std::io::stdout().write_all(b);"),
        (
            "cli/inspect.rs",
            "use std::io::{self, stderr}; f(stderr());",
        ),
        ("cli/inspect.rs", "error.print();"),
        ("io/stdout.rs", "print!(\"x\");"),
        ("cli/keygen.rs", "std::fs::rename(a, b);"),
        ("cli/keygen.rs", "fs_err::rename(a, b);"),
        ("cli/keygen.rs", "file.persist(target);"),
        ("io/spool.rs", "rustix::fs::linkat(a, b, c, d, e);"),
        ("cli/keygen.rs", "let file = fs_err::File::create(path);"),
        ("cli/keygen.rs", "fs_err::write(path, bytes);"),
        (
            "cli/decrypt.rs",
            "OpenOptions::new().write(true).open(path);",
        ),
        ("cipher/gcm.rs", "unsafe { *pointer }"),
        ("key/unwrap.rs", "#[derive(Clone)] pub struct ContentKey;"),
        (
            "key/passphrase.rs",
            "#[derive(PartialEq, Debug)]\npub struct Passphrase(Vec<u8>);",
        ),
        ("else/mod.rs", "fn f() {}"),
        ("job/mod.rs", "use crate::cli::args::Cli;"),
        (
            "job/mod.rs",
            "let key = std::env::var_os(\"UNREEL_KEY_FILE\");",
        ),
        ("job/mod.rs", "eprintln!(\"{a}\");"),
        ("pipeline.rs", "use crate::job::Job;"),
        ("api/mod.rs", "use crate::job::Job;"),
        (
            "api/mod.rs",
            "let token = std::env::var(\"TWILIO_AUTH_TOKEN\");",
        ),
        ("waveform.rs", "use crate::io::Source;"),
        ("job/mod.rs", "pub async fn fetch() {}"),
        ("cli/mod.rs", "use tokio::runtime::Runtime;"),
        ("io/spool.rs", "let body = reqwest::get(url);"),
        ("cipher/gcm.rs", "tracing::trace!(at);"),
        ("pipeline.rs", "use tracing::{debug, trace};"),
        ("api/mod.rs", "tracing_subscriber::registry();"),
        (
            "key/ring.rs",
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n\nfn h() {}\n",
        ),
        (
            "key/ring.rs",
            "fn f() {}\n\n#[cfg(test)]\nfn g() { println!(); }\n",
        ),
        (
            "key/ring.rs",
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() { unsafe { h() } }\n}\n",
        ),
    ] {
        assert!(!violations(path, text).is_empty(), "{path}: {text}");
    }
    let long = "fn f() {}\n".repeat(LINES + 1);
    assert!(!violations("key/ring.rs", &long).is_empty());
}

#[test]
fn no_rule_catches_what_is_fine() {
    for (path, text) in [
        (
            "provider/vonage.rs",
            "use crate::envelope::{Envelope, Payload};",
        ),
        ("provider/vonage.rs", "use super::document;"),
        (
            "cipher/gcm.rs",
            "// As Twilio does; println!(\"unsafe\")\nfn f() {}",
        ),
        (
            "cipher/gcm.rs",
            "/* vonage /* nested */ unsafe */ fn f() {}",
        ),
        (
            "cipher/gcm.rs",
            "const T: &str = \"unsafe { println!() }\";",
        ),
        ("cipher/gcm.rs", "const T: &str = r#\"a \" unsafe\"#; // \""),
        (
            "cipher/gcm.rs",
            "fn f<'a>(c: &'a char) -> bool { *c == '\"' || *c == '\\'' }",
        ),
        ("cipher/gcm.rs", "#![forbid(unsafe_code)]"),
        (
            "cipher/gcm.rs",
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::io;\n    fn twilio() { println!() }\n}\n",
        ),
        (
            "cipher/gcm.rs",
            "fn f() {}\n\n#[cfg(test)]\n#[allow(a)]\npub(super) mod tests {\n    use crate::io;\n}\n",
        ),
        (
            "job/mod.rs",
            "use crate::pipeline::Opener; use crate::provider::Provider;",
        ),
        ("cli/twilio.rs", "use crate::job::{Job, Observer};"),
        (
            "api/client.rs",
            "use crate::provider::Provider; async fn get() { tokio::spawn(f) }",
        ),
        ("api/mod.rs", "use tracing::debug; fn f() { debug!(at) }"),
        ("cli/args.rs", "#[derive(Debug)] struct PassphraseFrom;"),
        ("io/spool.rs", "let folder = std::env::temp_dir();"),
        ("io/stdout.rs", "let a = io::stdout().is_terminal();"),
        ("io/command.rs", "command.stdout(Stdio::piped());"),
        (
            "io/appender.rs",
            "OpenOptions::new()\n    .append(true)\n    .create(true)",
        ),
        ("cli/keys.rs", "std::env::var_os(\"UNREEL_KEY_FILE\")"),
        ("cli/report.rs", "#[serde(rename_all = \"lowercase\")]"),
        (
            "key/ring.rs",
            "#[derive(Debug)] struct Other; pub struct ContentKey(u8);",
        ),
        (
            "main.rs",
            "fn main() { unreel::internals::cli::main(std::env::args_os()) }",
        ),
    ] {
        assert_eq!(violations(path, text), [""; 0], "{path}: {text}");
    }
}
