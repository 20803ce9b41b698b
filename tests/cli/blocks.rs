//! Every fenced block of every document: it is run, or checked, or stands in a list here with the reason why
//! it cannot be.
//!
//! `console` blocks are run by `commands.rs`, which holds what they print against what stands there. `sh`
//! blocks are run here, from the first of a document to its last, on a desk with the fixtures and against the
//! provider server. JSON, TOML and YAML are parsed. Whatever else there is stands in [`LISTED`].
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "it is a test"
)]

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::{Desk, has};
use crate::docs::{bash_with, lacks, read, root, says_not_run};
use crate::fake::Fake;

/// A fenced block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The path of its document, from the root.
    pub(crate) document: String,
    /// What stands behind the fence.
    pub(crate) language: String,
    /// What stands in it.
    pub(crate) text: String,
}

/// What becomes of a block that is neither a `console` nor an `sh` block of the fixtures.
#[derive(Clone, Copy)]
enum Fate {
    /// This test, as `path::name`, takes it out of the document and runs or checks it.
    Test(&'static str),
    /// The same lines stand in this document, where they are run.
    AsIn(&'static str),
    /// It is not run here.
    Not(Why),
}

/// Why a block is not run. What can be seen without running it is checked all the same.
#[derive(Clone, Copy)]
enum Why {
    /// It changes the machine: it takes root.
    Root,
    /// `.ci/packages` runs it, as root in a Debian of its own.
    InDebian,
    /// It asks a vendor whose account no test has.
    Account,
    /// It takes minutes or hours, or what is not at hand. Its files and targets exist.
    Long,
    /// It is a drawing.
    Drawing,
}

use Fate::{AsIn, Not, Test};
use Why::{Account, Drawing, InDebian, Long, Root};

/// Document, language, a piece of the block, and what becomes of it.
#[rustfmt::skip]
const LISTED: &[(&str, &str, &str, Fate)] = &[
    ("CONTRIBUTING.md", "sh", "cargo build --release", Not(Long)),
    ("CONTRIBUTING.md", "sh", "cargo test --lib", Not(Long)),
    ("CONTRIBUTING.md", "sh", "TRYCMD=overwrite", Not(Long)),
    ("README.md", "sh", "cargo test", Not(Long)),
    ("README.md", "sh", " serve --demo", Test("tests/cli/playback.rs::the_command_of_the_readme_prints_links_to_pages_that_play")),
    ("README.md", "bash", "--example fake-provider", Test("tests/cli/blocks.rs::the_provider_of_the_readme_prints_what_to_paste")),
    ("README.md", "bash", "s3://OTHER/", AsIn("docs/cookbook.md")),
    ("README.md", "cron", "23 2 * * *", AsIn("docs/scripting.md")),
    ("docs/ARCHITECTURE.md", "text", "provider::*", Not(Drawing)),
    ("docs/buckets.md", "bash", "aws configure export-credentials", Not(Account)),
    ("docs/buckets.md", "bash", "put-bucket-lifecycle-configuration", Not(Account)),
    ("docs/cookbook.md", "bash", "s3://OTHER/", Test("tests/buckets/cookbook.rs::s3_to_s3")),
    ("docs/cookbook.md", "bash", "s3://BUCKET/videos/", Test("tests/buckets/cookbook.rs::s3_to_disk")),
    ("docs/cookbook.md", "bash", "az://CONTAINER/", Test("tests/buckets/cookbook.rs::disk_to_azure")),
    ("docs/cookbook.md", "bash", "--bucket s3://BUCKET", Test("tests/buckets/cookbook.rs::a_vonage_archive_by_its_id")),
    ("docs/cookbook.md", "bash", "aws s3 cp", Test("tests/buckets/cookbook.rs::a_vonage_archive_through_a_pipe")),
    ("docs/cookbook.md", "bash", "RE…", Test("tests/buckets/cookbook.rs::a_twilio_recording_by_its_sid_and_no_credentials_go_astray")),
    ("docs/cookbook.md", "yaml", "jobs:", Test("tests/cli/docs.rs::the_workflow_of_the_cookbook_runs")),
    ("docs/install.md", "bash", "cargo install --locked --path", Not(Long)),
    ("docs/install.md", "bash", "packages/release.sh", Not(Root)),
    ("docs/install.md", "bash", "tar -xzf", Not(InDebian)),
    ("docs/install.md", "bash", "apt-get install ./", Not(InDebian)),
    ("docs/install.md", "bash", "docker build", Not(Root)),
    ("docs/install.md", "bash", "sha256sum --check", Not(InDebian)),
    ("docs/install.md", "bash", "unreel completions", Not(InDebian)),
    ("docs/keys.md", "bash", "aws kms decrypt", Test("tests/cli/blocks.rs::the_command_for_a_kms_of_the_page_about_keys_opens_a_recording")),
    ("docs/performance.md", "sh", "benches/peers/run.py", Not(Long)),
    ("docs/playback.md", "bash", "serve --demo", AsIn("README.md")),
    ("docs/playback.md", "bash", "FLEX_AUTHORIZATION", Test("tests/cli/playback.rs::the_player_of_the_page_hears_a_recording")),
    ("docs/playback.md", "bash", "install -d -m 700", Test("tests/cli/playback.rs::the_way_of_the_page_from_nothing_to_flex_works")),
    ("docs/playback.md", "toml", "public-url", Test("tests/cli/playback.rs::the_settings_of_the_page_are_taken_as_they_stand")),
    ("docs/playback.md", "bash", "mkdir -p /var/log/unreel", Test("tests/cli/playback.rs::the_way_of_the_page_from_nothing_to_flex_works")),
    ("docs/playback.md", "bash", "authorization.txt", Test("tests/cli/playback.rs::the_way_of_the_page_from_nothing_to_flex_works")),
    ("docs/playback.md", "nginx", "proxy_pass", Test("tests/cli/playback.rs::nginx_takes_the_configuration_of_the_page")),
    ("docs/playback.md", "ini", "[Service]", Test("tests/cli/playback.rs::systemd_takes_the_unit_of_the_page")),
    ("docs/playback.md", "bash", "systemctl enable", Not(Root)),
    ("docs/playback.md", "bash", "docker run", Not(Root)),
    ("docs/playback.md", "sh", "Supervisors hear", Test("tests/cli/playback.rs::the_rule_of_the_page_allows_supervisors_and_the_agent_of_the_call")),
    ("docs/playback.md", "logrotate", "postrotate", Test("tests/cli/playback.rs::logrotate_takes_the_rule_of_the_page")),
    ("docs/playback.md", "bash", "verify-audit", Test("tests/cli/playback.rs::the_way_of_the_page_from_nothing_to_flex_works")),
    ("docs/playback.md", "yaml", "alert:", Test("tests/cli/playback.rs::the_alerts_of_the_page_name_metrics_that_there_are")),
    ("docs/playback.md", "bash", "serve link", Test("tests/cli/playback.rs::the_way_of_the_page_from_nothing_to_flex_works")),
    ("docs/reliability.md", "sh", "cargo build --release", Not(Long)),
    ("docs/reliability.md", "sh", "hostile faults::", Not(Long)),
    ("docs/reliability.md", "sh", "cargo test --test buckets", Not(Long)),
    ("docs/reliability.md", "sh", "miri", Not(Long)),
    ("docs/reliability.md", "sh", "fuzz/long-run", Not(Long)),
    ("docs/reliability.md", "sh", "stream_segments", Not(Long)),
    ("docs/reliability.md", "sh", "qvoice::", Not(Long)),
    ("docs/scripting.md", "bash", "journalctl", Test("tests/serve/logs.rs::the_filter_of_the_page_for_scripts_follows_one_request")),
    ("docs/scripting.md", "alloy", "loki.process", Test("tests/cli/logs.rs::what_the_page_has_alloy_take_is_there")),
    ("docs/scripting.md", "python", "int.from_bytes", Test("tests/cli/blocks.rs::the_shard_of_the_page_for_scripts_is_the_programs")),
    ("docs/scripting.md", "yaml", "completionMode", Test("tests/cli/blocks.rs::yaml_can_be_read")),
    ("docs/scripting.md", "crontab", "17 * * * *", Test("tests/cli/docs.rs::the_recipes_for_cron_and_systemd_find_the_program_and_keep_its_exit_code")),
    ("docs/scripting.md", "cron", "23 2 * * *", Test("tests/cli/docs.rs::the_recipe_for_a_nightly_fetch_asks_for_what_is_new")),
    ("docs/scripting.md", "bash", "systemd-creds encrypt", Not(Root)),
    ("docs/scripting.md", "ini", "[Service]", Test("tests/cli/blocks.rs::systemd_takes_the_units_of_the_page_for_scripts")),
    ("docs/scripting.md", "ini", "[Timer]", Test("tests/cli/blocks.rs::systemd_takes_the_units_of_the_page_for_scripts")),
    ("fixtures/README.md", "sh", "./make.py", Not(Long)),
    ("fuzz/README.md", "sh", "--example replay", Not(Long)),
];

/// Every document of the repository: but `tests/cmd/`, which is for tests alone.
pub(crate) fn documents() -> Vec<String> {
    let mut found = vec![];
    collect(root(), "", &mut found);
    found.sort();
    assert!(found.len() > 15, "{found:?}");
    found
}

fn collect(folder: &Path, path: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let is_made = name.starts_with('.') || name.starts_with("mutants.out");
        if entry.file_type().unwrap().is_dir() {
            let is_ours = !is_made && !["target", "tests", "node_modules"].contains(&&*name);
            if is_ours {
                collect(&entry.path(), &format!("{path}{name}/"), found);
            }
        } else if name.ends_with(".md") {
            found.push(format!("{path}{name}"));
        }
    }
}

/// The blocks of one document.
pub(crate) fn blocks_of(document: &str) -> Vec<Block> {
    let text = read(document);
    let found = crate::docs::blocks(&text).into_iter();
    found
        .map(|(language, text)| Block {
            document: document.to_owned(),
            language,
            text,
        })
        .collect()
}

/// The only block of a document in this language that has this piece.
pub(crate) fn block_with(document: &str, language: &str, piece: &str) -> String {
    let found = blocks_of(document).into_iter();
    let found: Vec<_> = found
        .filter(|block| block.language == language && block.text.contains(piece))
        .collect();
    let [block] = found.as_slice() else {
        panic!(
            "{document}: {} blocks of {language} with {piece}",
            found.len()
        );
    };
    format!("{}\n", block.text)
}

fn fate(block: &Block) -> Option<Fate> {
    let mut listed = LISTED.iter().filter(|(document, language, piece, _)| {
        block.document == *document && block.language == *language && block.text.contains(piece)
    });
    let (.., fate) = listed.next()?;
    assert!(listed.next().is_none(), "it is listed twice: {block:?}");
    Some(*fate)
}

#[test]
fn every_block_is_run_or_checked_or_listed() {
    let mut seen = BTreeSet::new();
    for block in documents().iter().flat_map(|document| blocks_of(document)) {
        let at = format!("{}: {}\n{}", block.document, block.language, block.text);
        match (fate(&block), block.language.as_str()) {
            (Some(fate), _) => check(&block, fate),
            (None, "console" | "sh" | "yaml") => {}
            (None, "json") => {
                serde_json::from_str::<serde_json::Value>(&block.text)
                    .unwrap_or_else(|error| panic!("{error}: {at}"));
            }
            (None, _) => panic!("it is neither run nor listed: {at}"),
        }
        let listed = LISTED.iter().position(|(document, language, piece, _)| {
            block.document == *document && block.language == *language && block.text.contains(piece)
        });
        seen.extend(listed);
    }
    for (place, (document, language, piece, _)) in LISTED.iter().enumerate() {
        assert!(
            seen.contains(&place),
            "{document} has no {language} block with {piece}"
        );
    }
}

/// Fails unless what the list says of a block is so.
fn check(block: &Block, fate: Fate) {
    let at = format!("{}: {}", block.document, block.text);
    match fate {
        Test(test) => {
            let (file, name) = test.split_once("::").unwrap();
            assert!(
                read(file).contains(&format!("#[test]\nfn {name}() {{")),
                "there is no {test}"
            );
        }
        AsIn(document) => {
            let other = read(document);
            for line in block.text.lines() {
                assert!(other.contains(line), "{document} does not have: {line}");
            }
        }
        Not(Drawing) => assert_eq!(block.language, "text"),
        Not(Root) => {
            let words = ["/etc/", "systemctl ", "docker ", "apt-get "];
            assert!(words.iter().any(|word| block.text.contains(word)), "{at}");
        }
        Not(InDebian) => {
            let script = read(".ci/packages");
            let mut pieces = script.split("block '").skip(1);
            let runs = pieces.any(|rest| block.text.contains(rest.split('\'').next().unwrap()));
            assert!(runs, ".ci/packages does not run it: {at}");
        }
        Not(Account) => assert!(block.text.contains("aws "), "{at}"),
        Not(Long) => names_exist(block),
    }
    if ["sh", "bash"].contains(&block.language.as_str()) {
        let output = bash_with(&Desk::new(), &format!("set -n\n{}", block.text), vec![]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && stderr.is_empty(),
            "{at}\n{stderr}"
        );
    }
}

/// Fails unless the files and the targets of cargo that a block names are there.
fn names_exist(block: &Block) {
    let folder = root().join(&block.document).parent().unwrap().to_owned();
    let lines = block
        .text
        .lines()
        .map(|line| line.split(" # ").next().unwrap());
    for line in lines {
        let words: Vec<_> = line.split_whitespace().collect();
        for (place, word) in words.iter().enumerate() {
            let before = place.checked_sub(1).map_or("", |place| words[place]);
            let is_there = match before {
                "--test" => root().join(format!("tests/{word}/main.rs")).exists(),
                "--bench" => root().join(format!("benches/{word}.rs")).exists(),
                "--example" => {
                    ["examples", "fuzz/examples"]
                        .iter()
                        .any(|folder| root().join(format!("{folder}/{word}.rs")).exists())
                        || read("Cargo.toml").contains(&format!("name = \"{word}\""))
                }
                _ if word.contains('/') && !word.starts_with(['-', '$', '/']) => {
                    root().join(word).exists() || folder.join(word).exists()
                }
                _ => true,
            };
            assert!(is_there, "{}: there is no {word}: {line}", block.document);
        }
    }
}

/// What the `sh` blocks build upon is what the commands before them left.
#[test]
fn every_sh_block_runs() {
    let mut count = 0;
    for document in documents() {
        let runs = |block: &Block| block.language == "sh" && fate(block).is_none();
        let blocks = blocks_of(&document);
        let Some(last) = blocks.iter().rposition(runs) else {
            continue;
        };
        let (fake, desk) = (Fake::with_fixtures(), Desk::of_documents());
        for block in &blocks[..=last] {
            if block.language == "console" {
                for line in block
                    .text
                    .lines()
                    .filter_map(|line| line.strip_prefix("$ "))
                {
                    bash_with(&desk, line, fake.env());
                }
            }
            if runs(block) {
                count += 1;
                let script = block.text.replace("cargo run --release --", "unreel");
                if let Some(program) = lacks(&desk, &script) {
                    says_not_run(program, &script);
                    continue;
                }
                let output = bash_with(&desk, &script, fake.env());
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{document}: {script}\n{stderr}");
            }
        }
    }
    assert!(count > 10, "only {count} blocks");
}

#[test]
fn yaml_can_be_read() {
    let blocks = documents().into_iter().flat_map(|name| blocks_of(&name));
    let blocks: Vec<_> = blocks.filter(|block| block.language == "yaml").collect();
    assert!(!blocks.is_empty());
    let desk = Desk::new();
    for block in blocks {
        desk.write("block.yaml", &block.text);
        let script = "import sys\ntry:\n    import yaml\nexcept ImportError:\n    sys.exit(77)\n\
                      list(yaml.safe_load_all(open('block.yaml')))";
        let mut python = desk.command("python3");
        let output = python.args(["-c", script]).output().unwrap();
        if output.status.code() == Some(77) {
            says_not_run("Python's yaml", &block.text);
            continue;
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{block:?}\n{stderr}");
    }
}

/// An `aws` that does what KMS does with a key of that usage: it opens what comes, by OpenSSL.
const KMS: &str = "#!/bin/bash
[ \"$*\" = 'kms decrypt --key-id alias/unreel --encryption-algorithm RSAES_OAEP_SHA_256 --ciphertext-blob fileb:///dev/stdin --query Plaintext --output text' ] || exit 2
openssl pkeyutl -decrypt -inkey fixtures/keys/pkcs8.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 | base64 -w0
";

#[test]
fn the_command_for_a_kms_of_the_page_about_keys_opens_a_recording() {
    if !has("openssl") {
        return;
    }
    let desk = Desk::of_documents();
    desk.write("bin/aws", KMS);
    let voice = "fixtures/twilio-voice";
    let script = block_with("docs/keys.md", "bash", "aws kms decrypt")
        .replace("recording.json", &format!("{voice}/recording.json"))
        .replace(
            "RE….wav",
            &format!("{voice}/{}.wav.enc", crate::common::VOICE),
        );
    let script = format!("chmod u+x bin/aws\nexport PATH=\"$PWD/bin:$PATH\"\n{script}");
    let output = bash_with(&desk, &script, vec![]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let expected = crate::common::digest_of(crate::common::VOICE);
    assert_eq!(crate::common::sha256(&desk.read("call.wav")), expected);
}

#[test]
fn the_shard_of_the_page_for_scripts_is_the_programs() {
    if !has("python3") {
        return;
    }
    let desk = Desk::of_documents();
    let expression = block_with("docs/scripting.md", "python", "int.from_bytes");
    let names: Vec<_> = (0..20)
        .map(|number| format!("missing-{number}.wav"))
        .collect();
    let lines = names
        .iter()
        .map(|name| format!("{{\"input\":\"{name}\"}}\n"));
    desk.write("manifest.jsonl", lines.collect::<String>());
    for shard in 0..3 {
        let script = format!(
            "import hashlib\nN = 3\nfor name in {names:?}:\n    name = name.encode()\n    \
             if ({}) == {shard}: print(name.decode())",
            expression.trim()
        );
        let mut python = desk.command("python3");
        let said = desk.done({
            python.args(["-c", &script]);
            python
        });
        let mut unreel = desk.unreel(&format!(
            "batch -j 1 --check --shard {shard}/3 manifest.jsonl"
        ));
        let lines = String::from_utf8(unreel.output().unwrap().stdout).unwrap();
        let inputs = lines.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{}\n", line["input"].as_str().unwrap())
        });
        let expected = String::from_utf8(said.stdout).unwrap();
        assert_eq!(inputs.collect::<String>(), expected, "{shard}");
        assert!(!expected.is_empty());
    }
}

#[test]
fn systemd_takes_the_units_of_the_page_for_scripts() {
    if !has("systemd-analyze") {
        return;
    }
    let desk = Desk::new();
    let program = "/usr/local/bin/unreel";
    let service = block_with("docs/scripting.md", "ini", "[Service]");
    assert!(service.contains(program));
    // It is not installed here.
    let service = service.replace(program, env!("CARGO_BIN_EXE_unreel"));
    desk.write("unreel.service", service);
    desk.write(
        "unreel.timer",
        block_with("docs/scripting.md", "ini", "[Timer]"),
    );
    let mut verify = desk.command("systemd-analyze");
    verify.args(["verify", "--man=no", "./unreel.service", "./unreel.timer"]);
    let said = crate::common::stderr(&desk.done(verify));
    for unit in ["unreel.service:", "unreel.timer:"] {
        assert!(!said.contains(unit), "{said}");
    }
}

/// A process that ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_provider_of_the_readme_prints_what_to_paste() {
    let name = block_with("README.md", "bash", "fake-provider");
    let name = name.trim().strip_prefix("cargo run --example ").unwrap();
    // cargo makes the examples before it runs all tests, and not before it runs some.
    let program = Path::new(env!("CARGO_BIN_EXE_unreel")).with_file_name("examples");
    let program = program.join(name);
    if !program.exists() {
        says_not_run("the example", name);
        return;
    }
    let desk = Desk::of_documents();
    let mut command = desk.command(program);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let running = Running(child);
    let mut pasted = String::new();
    for line in std::io::BufRead::lines(std::io::BufReader::new(stdout)) {
        pasted += &format!("{}\n", line.unwrap());
        if pasted.contains("FLEX_AUTHORIZATION") {
            break;
        }
    }
    let script = "unreel decrypt -k fixtures/keys/pkcs8.pem -o call.wav \
                  RE5eed0000000000000000000000000001";
    desk.done(desk.bash(&format!("{pasted}{script}")));
    drop(running);
    let expected = crate::common::digest_of(crate::common::VOICE);
    assert_eq!(crate::common::sha256(&desk.read("call.wav")), expected);
}
