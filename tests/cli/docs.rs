//! What the documents say, held against the binary: recipes, flags, variables, JSON. (`commands.rs` and
//! `blocks.rs` run their blocks, `links.rs` follows their links, `messages.rs` looks for the messages that
//! they explain; `src/cli/exit.rs` has the exit codes.)
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;

use crate::common::Desk;
use crate::fake::Fake;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fenced blocks of a document, with what stands behind the fence.
pub(crate) fn blocks(document: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let body: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((info.to_owned(), body.join("\n")));
        }
    }
    found
}

/// The pieces of a line that are set as code.
pub(crate) fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn bash(desk: &Desk, script: &str) -> Output {
    bash_with(desk, script, vec![])
}

pub(crate) fn bash_with(desk: &Desk, script: &str, environment: Vec<(&str, String)>) -> Output {
    desk.command("bash")
        .args(["-euo", "pipefail", "-c", script])
        .envs(environment)
        .output()
        .unwrap()
}

/// Programs that a document uses and a machine may lack.
const OPTIONAL: &[&str] = &["ffmpeg", "flock", "jq", "openssl"];

pub(crate) fn lacks(desk: &Desk, script: &str) -> Option<&'static str> {
    let mut needed = OPTIONAL.iter().filter(|name| {
        script
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word == **name)
    });
    needed
        .find(|name| !bash(desk, &format!("command -v {name}")).status.success())
        .copied()
}

/// Says that a part of a document was not run.
pub(crate) fn says_not_run(program: &str, script: &str) {
    crate::common::skip(&format!("for want of {program}: {script}"));
}

fn succeeds(desk: &Desk, script: &str) {
    if let Some(program) = lacks(desk, script) {
        says_not_run(program, script);
        return;
    }
    let output = bash(desk, script);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{stderr}");
}

#[test]
fn the_first_command_of_the_readme_makes_a_recording_that_plays() {
    let desk = Desk::of_documents();
    let blocks = blocks(&read("README.md"));
    let [(_, first), (_, second), ..] = blocks.as_slice() else {
        panic!("there are no blocks");
    };
    assert!(first.starts_with("cargo run --release -- "));
    assert_eq!(second, "cargo test");
    succeeds(&desk, &first.replace("cargo run --release --", "unreel"));
    let wav = std::fs::read(desk.path("call.wav")).unwrap();
    let digest: String = Sha256::digest(&wav)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let expected = read("fixtures/expected.sha256");
    assert!(expected.contains(&digest));
    assert!(wav.starts_with(b"RIFF"));
}

#[test]
fn the_workflow_of_the_cookbook_runs() {
    let desk = Desk::of_documents();
    let blocks = blocks(&read("docs/cookbook.md"));
    let (_, workflow) = blocks.iter().find(|(info, _)| info == "yaml").unwrap();
    let script = workflow.split("run: |\n").nth(1).unwrap();
    assert!(script.trim_start().starts_with("unreel twilio-voice"));
    succeeds(&desk, script);
}

/// The recipes for cron and systemd in a document, as a shell runs them in the home folder.
fn recipes(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (info, body) in blocks(&read(document)) {
        let lines: Vec<_> = body.lines().collect();
        if info == "crontab" {
            assert_eq!(lines[0], "SHELL=/bin/bash", "{document}");
            assert!(lines[1].starts_with("PATH=/usr/local/bin:"), "{document}");
            let command = lines[2].strip_prefix("17 * * * *  ").unwrap();
            assert!(!command.contains('%'), "cron makes newlines of them");
            found.push(command.to_owned());
        }
        for line in lines {
            if let Some(command) = line.strip_prefix("ExecStart=") {
                assert!(command.starts_with("/bin/bash -c '"), "{document}");
                assert!(command.contains(" /usr/local/bin/unreel "), "{document}");
                found.push(command.replace("$$", "$").replace("/usr/local/bin/", ""));
            }
        }
    }
    found
}

#[test]
fn the_recipes_for_cron_and_systemd_find_the_program_and_keep_its_exit_code() {
    const ID: &str = "RE5eed0000000000000000000000000001";
    for recipe in recipes("docs/scripting.md") {
        let desk = Desk::of_documents();
        if let Some(program) = lacks(&desk, &recipe) {
            says_not_run(program, &recipe);
            continue;
        }
        let code = |script: &str| {
            let mut command = desk.command("bash");
            command.env("HOME", desk.path("."));
            command.env("UNREEL_KEY_FILE", desk.path("keys"));
            let output = command.args(["-c", script]).output().unwrap();
            (
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )
        };
        let prepare = format!(
            "mkdir -p in out keys; cp fixtures/keys/pkcs8.pem keys; \
             cp fixtures/twilio-voice/list.json list.json; cp list.json in; \
             good=fixtures/twilio-voice/{ID}.wav.enc"
        );
        assert_eq!(code(&prepare).0, Some(0));
        let run = |script: &str| code(&format!("{prepare}; {script}; {recipe}"));
        assert_eq!(
            run("true"),
            (Some(0), String::new()),
            "nothing to do: {recipe}"
        );
        let (bad, stderr) = run(&format!("cp cut.wav.enc in/{ID}.wav"));
        assert_eq!(bad, Some(7), "a damaged one: {recipe}\n{stderr}");
        let (good, stderr) = run(&format!("cp $good in/{ID}.wav"));
        assert_eq!(good, Some(0), "{recipe}\n{stderr}");
        assert!(desk.path(&format!("out/{ID}.wav")).exists());
        let (some, stderr) = run("cp cut.wav.enc in/no-id.wav");
        assert_eq!(some, Some(10), "one of two: {recipe}\n{stderr}");
    }
}

#[test]
fn the_recipe_for_a_nightly_fetch_asks_for_what_is_new() {
    let page = read("docs/scripting.md");
    let blocks = blocks(&page);
    let (_, recipe) = blocks.iter().find(|(info, _)| info == "cron").unwrap();
    let recipe = recipe.strip_prefix("23 2 * * *  ").unwrap();
    let desk = Desk::of_documents();
    if let Some(program) = lacks(&desk, recipe) {
        says_not_run(program, recipe);
        return;
    }
    let fake = Fake::with_fixtures();
    let exports = fake.env().into_iter();
    let exports: String = exports
        .map(|(name, value)| format!("export {name}='{value}'\n"))
        .collect();
    std::fs::write(desk.path(".unreel.env"), exports).unwrap();
    let mut command = desk.command("bash");
    command.env("HOME", desk.path(".")).args(["-c", recipe]);
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), stderr), (Some(0), String::new()));
    let asked: Vec<_> = fake.requests();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].target().contains("DateCreated%3E="),
        "{}",
        asked[0].target()
    );
}

#[test]
fn the_page_for_scripts_knows_every_decrypting_command() {
    let help = read("tests/cmd/help.md");
    let page = read("docs/scripting.md");
    let row = page
        .lines()
        .find(|line| line.starts_with("| `provider` |"))
        .unwrap();
    let commands = help.lines().filter_map(|line| {
        let (name, what) = line.trim_start().split_once("  ")?;
        what.trim_start().starts_with("Decrypt ").then_some(name)
    });
    let commands: BTreeSet<_> = commands.collect();
    assert!(commands.len() >= 4);
    for command in commands.into_iter().filter(|name| *name != "decrypt") {
        assert!(row.contains(&format!("`{command}`")), "{command}: {row}");
    }
}

#[test]
fn what_the_readme_makes_is_ignored_by_git() {
    let ignored = read(".gitignore");
    for made in [
        "/keys/",
        "/decrypted/",
        "/call.wav",
        "/call.svg",
        "/call.json",
    ] {
        assert!(ignored.lines().any(|line| line == made), "{made}");
    }
}

#[test]
fn each_exit_code_is_shown_by_a_command() {
    let mut shown: BTreeSet<u8> = [0].into();
    for entry in std::fs::read_dir(root().join("tests/cmd")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let codes = text.lines().filter_map(|line| line.strip_prefix("? "));
        shown.extend(codes.map(|code| code.parse::<u8>().unwrap()));
    }
    // 1 is for what cannot happen.
    assert_eq!(shown, [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 75].into());
}

#[test]
fn each_help_text_is_shown_and_each_flag_exists() {
    let help = read("tests/cmd/help.md");
    let commands: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 5);
    for command in commands {
        for flag in ["-h", "--help"] {
            let line = format!("$ unreel {command} {flag}\n");
            assert!(help.contains(&line), "{line}");
        }
    }
    for document in [
        "README.md",
        "SECURITY.md",
        "docs/buckets.md",
        "docs/cookbook.md",
        "docs/exit-codes.md",
        "docs/formats/vonage.md",
        "docs/integrity.md",
        "docs/keys.md",
        "docs/playback.md",
        "docs/providers.md",
        "docs/register.md",
        "docs/scripting.md",
        "docs/troubleshooting.md",
    ] {
        for line in read(document).lines() {
            for span in spans(line).filter(|span| span.starts_with("--")) {
                let flag = span.split([' ', '=']).next().unwrap();
                let known = help.split([' ', '\n']).any(|word| word == flag);
                assert!(known, "{document}: there is no {flag}");
            }
        }
    }
}

/// The text of every source below a folder, but for unit tests.
pub(crate) fn add_sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_sources(&path, text);
        } else {
            let source = std::fs::read_to_string(path).unwrap();
            *text += source.split("#[cfg(test)]\nmod tests").next().unwrap();
        }
    }
}

#[test]
fn each_variable_is_documented_and_each_documented_one_is_used() {
    let mut used = String::new();
    for folder in ["src/cli", "src/job"] {
        add_sources(&root().join(folder), &mut used);
    }
    let names = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
            .filter(|word| word.starts_with("UNREEL_") && *word != "UNREEL_")
            .map(ToOwned::to_owned)
            .collect()
    };
    let page = read("docs/scripting.md");
    let page = page.split("## Environment").nth(1).unwrap();
    let page = page.split("\n## ").next().unwrap();
    assert_eq!(names(&used), names(page));
    for other in ["CREDENTIALS_DIRECTORY", "NO_COLOR", "TERM", "CI"] {
        assert!(
            used.contains(&format!("\"{other}\"")) && page.contains(other),
            "{other}"
        );
    }
}

/// A field of the documented JSON.
struct Field {
    types: String,
    absent: bool,
}

/// The table of fields below `heading`.
fn documented(heading: &str) -> BTreeMap<String, Field> {
    let page = read("docs/scripting.md");
    let fields: BTreeMap<_, _> = page
        .lines()
        .skip_while(|line| *line != heading)
        .skip_while(|line| !line.starts_with("| field |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let field = Field {
                types: cells[2].to_owned(),
                absent: cells[2].contains("*absent*"),
            };
            (cells[1].trim_matches('`').to_owned(), field)
        })
        .collect();
    assert!(fields.len() > 10, "{heading}");
    fields
}

/// Every value of a JSON text with its path: `a.b`, `list[].c`. Texts in lists have no path.
fn paths(prefix: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        let path = format!("{prefix}{name}");
        match value {
            Value::Array(items) if !items.first().is_some_and(Value::is_string) => {
                found.push((format!("{path}[]"), value.clone()));
                for item in items {
                    paths(&format!("{path}[]."), item, found);
                }
            }
            value => {
                found.push((path.clone(), value.clone()));
                paths(&format!("{path}."), value, found);
            }
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The lines that commands print, whether they succeed or not.
fn lines(commands: &[&str]) -> Vec<Value> {
    let desk = Desk::of_documents();
    let fake = Fake::with_fixtures();
    let texts = commands.iter().map(|command| {
        let output = bash_with(&desk, command, fake.env());
        assert!(!output.stdout.is_empty(), "{command} prints no JSON");
        String::from_utf8(output.stdout).unwrap()
    });
    let texts: Vec<_> = texts.collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Compares the table below `heading` with what was printed, both ways.
fn compare(heading: &str, lines: &[Value]) {
    compare_but(heading, lines, &[]);
}

/// The same, but not every machine prints `some`.
fn compare_but(heading: &str, lines: &[Value], some: &[&str]) {
    let fields = documented(heading);
    let mut seen = BTreeSet::new();
    for line in lines {
        let mut found = Vec::new();
        paths("", line, &mut found);
        for (path, value) in &found {
            let field = fields
                .get(path)
                .unwrap_or_else(|| panic!("{heading}: {path} is not documented: {line}"));
            let is = type_of(value);
            assert!(
                field.types.contains(is),
                "{heading}: {path} is a {is}: {line}"
            );
            seen.insert(path.clone());
        }
        // What is not marked absent is there wherever the object around it is. (The fields of
        // `found` depend on its kind.)
        let at_top = |path: &str| !path.contains('.');
        for (path, _) in fields
            .iter()
            .filter(|(path, field)| at_top(path) && !field.absent)
        {
            assert!(found.iter().any(|(name, _)| name == path), "{path}: {line}");
        }
        for parent in ["media", "found.media", "error"] {
            if !found
                .iter()
                .any(|(name, value)| name == parent && value.is_object())
            {
                continue;
            }
            let children = fields.iter().filter(|(path, field)| {
                let child = path
                    .strip_prefix(parent)
                    .and_then(|rest| rest.strip_prefix('.'));
                child.is_some_and(at_top) && !field.absent
            });
            for (path, _) in children {
                assert!(found.iter().any(|(name, _)| name == path), "{path}: {line}");
            }
        }
    }
    for path in fields.keys().filter(|path| !some.contains(&path.as_str())) {
        assert!(seen.contains(path), "{heading}: nothing printed {path}");
    }
}

#[test]
fn each_field_of_a_report_is_documented_and_each_documented_one_is_printed() {
    let voice =
        "unreel twilio-voice --json -m fixtures/twilio-voice/recording.json -k fixtures/keys";
    let re = "fixtures/twilio-voice/RE5eed0000000000000000000000000001.wav.enc";
    let ts = "fixtures/vonage/5eed0000-0000-4000-8000-000000000001.ts.enc";
    let vonage = "unreel vonage --json -k fixtures/keys/pkcs8.pem -m fixtures/vonage";
    let lines = lines(&[
        &format!("{voice}/pkcs8.pem --check --sha256 {re}"),
        &format!("{voice}/pkcs8.pem -d decrypted {re}"),
        &format!("{voice}/pkcs8.pem -d decrypted --if-exists skip {re}"),
        &format!("{voice}/other.pem --check {re}"),
        &format!("{voice}/pkcs8.pem --check missing.wav"),
        &format!("{vonage}/archive-1.json --padding keep --check {ts}"),
        &format!("{vonage}/bad/null-password.json --check {ts}"),
        "unreel qvoice --json --config fixtures/qvoice/config.json --check \
         fixtures/qvoice/rec5eed0001.enc",
        "unreel twilio-voice --json -k fixtures/keys/pkcs8.pem --check \
         RE5eed0000000000000000000000000001",
        r#"printf '%s\n' '{"input":"missing.wav","ref":"a"}' nonsense | unreel batch --check"#,
    ]);
    assert_eq!(lines.len(), 11);
    compare("### Decrypting commands", &lines);
}

#[test]
fn each_field_of_inspect_is_documented_and_each_documented_one_is_printed() {
    let lines = lines(&[
        "unreel inspect --json -k fixtures/keys/pkcs8.pem fixtures/twilio-voice/list.json \
         fixtures/twilio-video/wget.txt fixtures/vonage/archive-sha256-stripped.json \
         fixtures/keys/pbes2-aes256-sha256.pem mixed.pem cut.wav.enc cut.wav \
         fixtures/twilio-voice/unauthorized.xml",
        "unreel inspect --json - < fixtures/twilio-voice/RE5eed0000000000000000000000000001.wav.enc",
        "cat cut.wav.enc | unreel inspect --json -",
        "sed s/new_encryption_key_plain_text_at_least_32_characters_long/short/ \
         fixtures/qvoice/config.json > short.json; unreel inspect --json short.json \
         fixtures/qvoice/rec5eed0001.json fixtures/keys/pkcs12.p12",
        r#"echo '{"pending":{"key":"of_a_rotation_that_was_perhaps_never_taken","salt":"s"}}' |
         unreel inspect --json -"#,
    ]);
    assert_eq!(lines.len(), 14);
    compare("### inspect", &lines);
}

#[test]
fn each_field_of_doctor_is_documented_and_each_documented_one_is_printed() {
    let lines = lines(&[
        "unreel doctor --json",
        "unreel doctor --json -k fixtures/keys/pkcs8.pem -k fixtures/keys/pbes2-aes256-sha256.pem \
         -k fixtures/keys/ec.pem || test $? = 5",
    ]);
    assert_eq!(lines.len(), 2);
    // A limit of memory is the container's, if it is in one.
    compare_but("## doctor", &lines, &["checks[].limit_bytes"]);
}

#[test]
fn each_field_of_credentials_is_documented_and_each_documented_one_is_printed() {
    let twilio = "TWILIO_ACCOUNT_SID=AC5eed0000000000000000000000000001";
    let lines = lines(&[
        "unreel inspect --credentials --json",
        &format!(
            "{twilio} TWILIO_REGION=ie1 TWILIO_EDGE=dublin QVOICE_API_URL=https://q.example \
             QVOICE_ACCOUNT_ID=1 QVOICE_TOKEN=made-up unreel inspect --credentials --json"
        ),
        &format!("{twilio} TWILIO_REGION=ie1 unreel inspect --credentials --json || test $? = 2"),
        &format!(
            "{twilio} TWILIO_API_KEY= TWILIO_API_SECRET= TWILIO_AUTH_TOKEN=made-up OPENTOK_API_KEY= \
             OPENTOK_API_SECRET= VONAGE_APPLICATION_ID= VONAGE_PRIVATE_KEY= \
             unreel inspect --credentials --json --account AC5eed0000000000000000000000000002"
        ),
        "AWS_ACCESS_KEY_ID=AKIA5EED AWS_SECRET_ACCESS_KEY=made-up AWS_REGION=eu-west-1 \
         AWS_ENDPOINT_URL=https://minio.example AZURE_STORAGE_ACCOUNT=acc AZURE_STORAGE_KEY=bWFkZQ== \
         unreel inspect --credentials --json"
            .trim(),
    ]);
    assert_eq!(lines.len(), 30);
    compare("### inspect --credentials", &lines);
}
