//! `unreel batch`: lines of JSON in, lines of JSON out, one at a time; and `--shard`.
#![allow(clippy::unwrap_used, clippy::too_many_lines, reason = "it is a test")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::canaries::canaries;
use crate::common::made::under;
use crate::common::{
    Desk, VOICE, assert_harmless, assert_refused, digest_of, has, run_with, sha256, stderr,
};

/// What is waited for at most: a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The report of a run over this manifest, which has to end with `code`.
fn report(desk: &Desk, arguments: &str, manifest: impl AsRef<[u8]>, code: i32) -> Vec<Value> {
    let output = batch(desk, arguments, manifest);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments}\n{said}");
    assert_harmless(&said);
    lines(&output)
}

fn batch(desk: &Desk, arguments: &str, manifest: impl AsRef<[u8]>) -> Output {
    run_with(
        desk.unreel(&format!("batch {arguments}")),
        manifest.as_ref(),
    )
}

/// The lines of a report, by the line of the manifest.
fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<Value> = lines.collect();
    lines.sort_by_key(|line| line["line"].as_u64());
    lines
}

fn numbers(report: &[Value]) -> Vec<u64> {
    let number = |line: &Value| line["line"].as_u64().unwrap();
    report.iter().map(number).collect()
}

/// Of each line, the exit code: 0 where it is well.
fn codes(report: &[Value]) -> Vec<u64> {
    let code = |line: &Value| line["error"]["exit"].as_u64().unwrap_or(0);
    report.iter().map(code).collect()
}

/// The shard that a name is in.
fn shard_of(name: &[u8], count: u64) -> u64 {
    let digest = Sha256::digest(name);
    u64::from_be_bytes(digest[..8].try_into().unwrap()) % count
}

/// A run that is fed through a pipe.
struct Fed {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Fed {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                to.send(serde_json::from_str(&line.unwrap()).unwrap()).ok();
            }
        });
        let stdin = child.stdin.take();
        Self {
            child,
            stdin,
            lines,
        }
    }

    fn feed(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    fn next(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    /// How it ends by itself.
    fn ended(mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn every_line_is_one_report_line_with_its_number_and_its_reference() {
    let desk = Desk::new();
    desk.bring(&format!("twilio-voice/{VOICE}.wav.enc"), "beside.enc");
    desk.bring("twilio-voice/recording.json", "beside.json");
    let document: Value = serde_json::from_slice(&desk.read("meta.json")).unwrap();
    let mut manifest = String::from("\u{feff}");
    let good = [
        r#"{"input":"call.enc","metadata":"meta.json","output":"1.wav","ref":{"x" : 1.0}}"#
            .to_owned(),
        String::new(),
        format!(r#"{{"ref":-0.0e1,"input":"call.enc","metadata":{document},"output":"3.wav"}}"#),
        " \t\r".to_owned(),
        "{\"ref\":\"\\u00e9\\/ \u{202e}\",\"provider\":\"twilio-voice\",\"input\":\"beside.enc\",\
         \"output\":\"5.wav\"}\r"
            .to_owned(),
        r#"{"input":"call.enc","metadata":"meta.json","provider":null,"output":null}"#.to_owned(),
    ];
    manifest += &good.join("\n");
    let output = batch(&desk, "-k key.pem -d out --report r.jsonl", &manifest);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("4 decrypted, 0 skipped, 0 failed"));
    let report = lines(&output);
    assert_eq!(numbers(&report), [1, 3, 5, 6]);
    for line in &report {
        assert_eq!((&line["ok"], &line["id"]), (&true.into(), &VOICE.into()));
        let output = line["output"].as_str().unwrap();
        assert_eq!(sha256(&desk.read(output)), digest_of(VOICE), "{output}");
    }
    assert_eq!(report[3]["output"], format!("out/{VOICE}.wav"));
    assert!(report[3].get("ref").is_none());
    // Byte for byte, in both reports.
    for text in [&output.stdout, &desk.read("r.jsonl")] {
        let text = std::str::from_utf8(text).unwrap();
        for end in [
            "\"line\":1,\"ref\":{\"x\" : 1.0}}\n",
            "\"line\":3,\"ref\":-0.0e1}\n",
            "\"line\":5,\"ref\":\"\\u00e9\\/ \u{202e}\"}\n",
            "\"line\":6}\n",
        ] {
            assert!(text.contains(end), "no {end}\n{text}");
        }
        assert_eq!(text.lines().count(), 4);
    }
}

#[test]
fn a_line_that_cannot_be_worked_on_is_a_failed_line_and_not_the_end() {
    let desk = Desk::new();
    let long = format!(r#"{{"input":"call.enc","ref":"{}"}}"#, "x".repeat(17 << 20));
    let large = format!(
        r#"{{"input":"call.enc","metadata":{{"a":"{}"}},"output":"x"}}"#,
        "x".repeat(9 << 20)
    );
    let cases: Vec<(Vec<u8>, u64, &str, &str)> = vec![
        (b"nonsense".into(), 4, "metadata", "is not JSON"),
        (b"{\"input\":".into(), 4, "metadata", "is not JSON"),
        (b"\0".into(), 4, "metadata", "is not JSON"),
        (b"\"call.enc\"".into(), 4, "metadata", "is not an object"),
        (b"{\"input\":\"\xe9\"}".into(), 4, "metadata", "is not UTF-8"),
        (long.into(), 4, "metadata", "longer than 16777216 bytes"),
        (large.into(), 4, "metadata", "longer than 8388608 bytes"),
        (b"{}".into(), 4, "metadata", "there is no `input`"),
        (
            br#"{"ref":1,"inputs":"call.enc"}"#.into(),
            4,
            "metadata",
            "no field `inputs`",
        ),
        (
            br#"{"ref":1,"input":"a","input":"b"}"#.into(),
            4,
            "metadata",
            "`input` is there twice",
        ),
        (
            br#"{"ref":1,"input":"call.enc","provider":"twilio"}"#.into(),
            4,
            "metadata",
            "`provider` is not twilio-voice",
        ),
        (br#"{"ref":1,"input":"-"}"#.into(), 2, "usage", "standard input"),
        (
            br#"{"ref":1,"input":"call.enc","metadata":"-","output":"x"}"#.into(),
            2,
            "usage",
            "`metadata` is standard input",
        ),
        (
            br#"{"ref":1,"input":"call.enc","output":"-"}"#.into(),
            2,
            "usage",
            "`output` is standard output",
        ),
        (
            br#"{"ref":1,"input":"call.enc","metadata":"meta.json"}"#.into(),
            2,
            "usage",
            "no `output`, and there is no folder",
        ),
        (
            br#"{"ref":1,"input":"CA5eed0000000000000000000000000001","output":"x"}"#.into(),
            2,
            "usage",
            "a group of recordings",
        ),
        (
            br#"{"ref":1,"input":"RE5eed0000000000000000000000000001","provider":"vonage","output":"x"}"#
                .into(),
            2,
            "usage",
            "is an id of twilio-voice",
        ),
        (
            br#"{"ref":1,"input":"http://example.org/x","output":"x"}"#.into(),
            2,
            "usage",
            "cannot use the URL",
        ),
        (
            br#"{"ref":1,"input":"call.enc","provider":"qvoice","output":"x"}"#.into(),
            2,
            "usage",
            "no configuration was given",
        ),
        (
            br#"{"ref":1,"input":"RE5eed0000000000000000000000000001","output":"x"}"#.into(),
            2,
            "usage",
            "there are no credentials for Twilio: looked for",
        ),
        (
            br#"{"ref":1,"input":"5eed0000-0000-4000-8000-000000000000","output":"x"}"#.into(),
            2,
            "usage",
            "there are no credentials for Vonage: looked for",
        ),
        (
            br#"{"ref":1,"input":"call.enc","metadata":"gone.json","output":"x"}"#.into(),
            4,
            "metadata",
            "cannot read the metadata `gone.json`",
        ),
        (
            br#"{"ref":1,"input":"call.enc","metadata":{"sid":"s3cret"},"output":"x"}"#.into(),
            4,
            "metadata",
            "metadata of line 23",
        ),
        (
            br#"{"ref":1,"input":"gone.enc","metadata":"meta.json","output":"x"}"#.into(),
            3,
            "input",
            "cannot read `gone.enc`",
        ),
        (br#"{"ref":1,"input":"."  ,"output":"x"}"#.into(), 4, "metadata", "metadata"),
    ];
    let mut manifest = Vec::new();
    for (line, ..) in &cases {
        manifest.extend(line);
        manifest.push(b'\n');
    }
    manifest.extend(br#"{"input":"call.enc","metadata":"meta.json","output":"good.wav"}"#);
    for jobs in ["1", "4"] {
        let report = report(&desk, &format!("-k key.pem -f -j {jobs}"), &manifest, 10);
        assert_eq!(report.len(), cases.len() + 1);
        for (line, (text, exit, code, says)) in report.iter().zip(&cases) {
            let text = String::from_utf8_lossy(&text[..text.len().min(100)]).into_owned();
            let error = &line["error"];
            assert_eq!(
                (
                    &line["schema"],
                    &line["ok"],
                    error["exit"].as_u64(),
                    &error["code"]
                ),
                (&1.into(), &false.into(), Some(*exit), &(*code).into()),
                "{text}: {error}"
            );
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(says), "{text}: {message}");
            assert!(!error["hint"].as_str().unwrap().is_empty());
            assert!(!message.contains("s3cret"), "{message}");
            let has_reference = text.contains("\"ref\":1,");
            assert_eq!(line["ref"] == 1, has_reference, "{text}");
        }
        assert_eq!(report[cases.len()]["ok"], true);
        assert_eq!(sha256(&desk.read("good.wav")), digest_of(VOICE));
        assert!(!desk.path("x").exists());
    }
}

#[test]
fn a_reference_is_given_back_byte_for_byte_however_deep_it_is() {
    let desk = Desk::new();
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    for line in [
        format!(r#"{{"ref":{deep},"input":"gone.enc"}}"#),
        format!(r#"{{"ref":{deep},"oops":{deep},"metadata":{deep}}}"#),
    ] {
        let output = batch(&desk, "-d out", line);
        assert_eq!(output.status.code(), Some(10), "{}", stderr(&output));
        let end = format!(",\"line\":1,\"ref\":{deep}}}\n");
        assert!(output.stdout.ends_with(end.as_bytes()));
    }
    for reference in [
        "1e400",
        "123456789012345678901",
        "\"\\ud83d\"",
        "\"\u{7f}\u{9b}\"",
        "[\t1 ]",
    ] {
        let line = format!(r#"{{"ref":{reference},"input":"gone.enc"}}"#);
        let output = batch(&desk, "-d out", line);
        let end = format!(",\"line\":1,\"ref\":{reference}}}\n");
        assert!(output.stdout.ends_with(end.as_bytes()), "{reference}");
    }
}

#[test]
fn a_report_line_comes_before_the_next_line_is_fed() {
    let desk = Desk::new();
    for jobs in [1, 4] {
        let run = format!("batch -k key.pem -d out -f -j {jobs}");
        let mut fed = Fed::start(desk.unreel(&run));
        for number in 1..=5 {
            let output = if number % 2 == 0 { "no/x" } else { "x" };
            fed.feed(&format!(
                "{{\"input\":\"call.enc\",\"metadata\":\"meta.json\",\"output\":\"{output}{number}\",\
                 \"ref\":{number}}}\n"
            ));
            let line = fed.next();
            assert_eq!(
                (&line["line"], &line["ref"]),
                (&number.into(), &number.into())
            );
            assert_eq!(line["ok"], number % 2 == 1);
        }
        // The last line need not end in a line feed.
        fed.feed("{\"input\":\"gone.enc\",\"metadata\":\"meta.json\"}");
        drop(fed.stdin.take());
        assert_eq!(fed.next()["error"]["exit"], 3);
        assert_eq!(fed.ended(), Some(10));
    }
}

#[test]
fn a_run_that_nobody_hears_ends_though_its_manifest_does_not() {
    let desk = Desk::new();
    let line = "{\"input\":\"call.enc\",\"metadata\":\"meta.json\",\"output\":\"a.wav\"}\n";
    for jobs in [1, 4] {
        let mut command = desk.unreel(&format!("batch -k key.pem -f -j {jobs}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        // It stays open.
        let mut said = String::new();
        let mut err = child.stderr.take().unwrap();
        err.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(8), "{said}");
        assert_eq!(
            said.matches("cannot write `standard output`").count(),
            1,
            "{said}"
        );
        drop(stdin);
    }
    // A report in a file is not what the run is for.
    let report = report(
        &desk,
        "-k key.pem -f --report /dev/full",
        line.repeat(2),
        10,
    );
    assert_eq!(report.len(), 2);
}

#[test]
fn what_is_wrong_with_all_lines_ends_the_run_though_its_manifest_does_not() {
    let desk = Desk::new();
    for (arguments, code) in [
        ("-d out", 5),
        ("-d out -k gone.pem", 5),
        ("-d key.pem/out -k key.pem", 8),
    ] {
        let mut fed = Fed::start(desk.unreel(&format!("batch {arguments}")));
        fed.feed("{\"input\":\"call.enc\",\"metadata\":\"meta.json\"}\n");
        let line = fed.next();
        assert_eq!(
            (&line["line"], &line["error"]["exit"]),
            (&1.into(), &code.into())
        );
        let stdin = fed.stdin.take();
        assert_eq!(fed.ended(), Some(code), "{arguments}");
        drop(stdin);
    }
}

#[test]
fn a_run_that_waits_for_a_line_ends_by_a_signal() {
    let desk = Desk::new();
    let mut fed = Fed::start(desk.unreel("batch -k key.pem -d out"));
    fed.feed("{\"input\":\"call.enc\",\"metadata\":\"meta.json\"}\n");
    assert_eq!(fed.next()["ok"], true);
    let kill = Command::new("kill")
        .arg(fed.child.id().to_string())
        .status();
    assert!(kill.unwrap().success());
    let stdin = fed.stdin.take();
    // By the signal, and so without a code.
    assert_eq!(fed.ended(), None);
    drop(stdin);
    let left = desk.names();
    assert!(
        !left.iter().any(|name| name.contains(".unreel-")),
        "{left:?}"
    );
}

#[test]
fn a_command_line_that_makes_no_sense_is_said_before_a_line_is_read() {
    let desk = Desk::new();
    desk.write("m.jsonl", "{}\n");
    for (arguments, code, says) in [
        ("batch m.jsonl -o out.wav", 2, "any number of recordings"),
        (
            "batch m.jsonl --stream-unverified",
            2,
            "any number of recordings",
        ),
        (
            "batch -k -",
            2,
            "standard input cannot be both the manifest and the private key",
        ),
        (
            "batch --passphrase-fd 0 -",
            2,
            "cannot be both the manifest and the passphrase",
        ),
        (
            "batch --config - ",
            2,
            "cannot be both the manifest and the configuration",
        ),
        (
            "batch m.jsonl --shard 3/3",
            2,
            "invalid value for '--shard <I/N>'",
        ),
        (
            "batch m.jsonl --shard auto",
            2,
            "nothing says which part --shard auto is",
        ),
        ("batch m.jsonl --download-only", 2, "--output-dir"),
        ("batch gone.jsonl", 3, "cannot read `gone.jsonl`"),
        ("batch .", 3, "cannot read `.`"),
        ("batch m.jsonl --report m.jsonl", 8, "is also an input"),
        (
            "batch m.jsonl --config gone.json",
            4,
            "cannot read the configuration",
        ),
        (
            "twilio-voice --all --shard auto -d out",
            2,
            "nothing says which part",
        ),
    ] {
        desk.refused(desk.unreel(arguments), code, &[says]);
    }
    let report = report(&desk, "-d out", "\n\n", 0);
    assert!(report.is_empty() && !desk.path("out").exists());
}

#[test]
fn no_line_replaces_what_the_run_needs_or_what_another_line_made() {
    let desk = Desk::new();
    desk.bring("qvoice/config.json", "config.json");
    std::fs::create_dir(desk.path("sub")).unwrap();
    let mut manifest = String::new();
    for output in [
        "key.pem",
        "sub/../config.json",
        "m.jsonl",
        "r.jsonl",
        "meta.json",
        "call.enc",
        "stdout.jsonl",
        "a.wav",
        "sub/../a.wav",
    ] {
        let line = json!({"input": "call.enc", "metadata": "meta.json", "output": output});
        writeln!(manifest, "{line}").unwrap();
    }
    desk.write("m.jsonl", &manifest);
    let before = desk.contents();
    let script = "\"$UNREEL\" batch m.jsonl -f -j 1 -k key.pem --config config.json --report r.jsonl \
                  > stdout.jsonl";
    let output = desk.bash(script).output().unwrap();
    assert_refused(&output, 10, script);
    let report = std::fs::read_to_string(desk.path("stdout.jsonl")).unwrap();
    assert_eq!(report.as_bytes(), desk.read("r.jsonl"));
    let report: Vec<Value> = report
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(codes(&report), [8, 8, 8, 8, 8, 8, 8, 0, 8]);
    let message = report[8]["error"]["message"].as_str().unwrap();
    assert!(message.contains("would have the name that"), "{message}");
    for (name, bytes) in before.into_iter().filter(|(name, _)| name != "sub") {
        assert!(desk.read(&name) == bytes, "{name} was replaced");
    }
    // Without -f what is there is refused or left, as everywhere.
    let line = r#"{"input":"call.enc","metadata":"meta.json","output":"a.wav"}"#;
    assert_eq!(codes(&self::report(&desk, "-k key.pem", line, 10)), [8]);
    let skipped = self::report(&desk, "-k gone.pem --if-exists skip", line, 0);
    assert_eq!(skipped[0]["reason"], "exists");
    // With --check nothing is made, and it is looked whether it could be.
    assert_eq!(
        codes(&self::report(&desk, "-k key.pem --check", line, 10)),
        [8]
    );
    let line = r#"{"input":"call.enc","metadata":"meta.json"}"#;
    assert_eq!(
        codes(&self::report(&desk, "-k key.pem --check", line, 0)),
        [0]
    );
}

#[test]
fn lines_are_of_any_provider_and_each_is_opened_by_what_opens_it() {
    let desk = Desk::new();
    desk.bring("qvoice/config.json", "config.json");
    let mut manifest = String::new();
    for number in [1, 2] {
        let name = format!("rec5eed000{number}");
        desk.bring(&format!("qvoice/{name}.enc"), &format!("{name}.enc"));
        desk.bring(&format!("qvoice/{name}.json"), &format!("{name}.json"));
        let line = json!({"provider": "qvoice", "input": format!("{name}.enc")});
        writeln!(manifest, "{line}").unwrap();
    }
    desk.bring(
        "twilio-video/RT5eed0000000000000000000000000001.mka.enc",
        "RT5eed0000000000000000000000000001.mka",
    );
    desk.bring("twilio-video/wget.txt", "wget.txt");
    let line = json!({"input": "RT5eed0000000000000000000000000001.mka", "metadata": "wget.txt"});
    writeln!(manifest, "{line}").unwrap();
    let line = json!({"input": "call.enc", "metadata": "meta.json"});
    writeln!(manifest, "{line}").unwrap();
    let report = report(
        &desk,
        "-k key.pem --config config.json -d out",
        &manifest,
        0,
    );
    let providers: Vec<_> = report.iter().map(|line| &line["provider"]).collect();
    assert_eq!(
        providers,
        ["qvoice", "qvoice", "twilio-video", "twilio-voice"]
    );
}

#[test]
fn no_secret_is_in_the_report_or_in_what_is_said() {
    let desk = Desk::new();
    desk.bring("keys/pbes2-aes256-sha256.pem", "locked.pem");
    desk.bring("keys/passphrase.txt", "pass.txt");
    let mut canaries = canaries();
    canaries.text("a value in a wrong place", "Tr0ub4dor-s3cret");
    let manifest = [
        r#"{"input":"call.enc","metadata":"meta.json","output":"a.wav"}"#,
        r#"{"input":"call.enc","metadata":"meta.json","passphrase":"Tr0ub4dor-s3cret","output":"b"}"#,
        r#"{"input":{"Tr0ub4dor-s3cret":1},"output":"b"}"#,
        r#"{"Tr0ub4dor-s3cret-and-more":1}"#,
        r#"{"input":"call.enc","provider":"Tr0ub4dor-s3cret","output":"b"}"#,
        r#"{"input":"https://user:Tr0ub4dor-s3cret@example.org/a","output":"b"}"#,
        r#"{"input":"call.enc","metadata":{"encryption_details":"Tr0ub4dor-s3cret"},"output":"b"}"#,
        "Tr0ub4dor-s3cret",
    ];
    let arguments = "-v -k locked.pem --passphrase-file pass.txt";
    let output = batch(&desk, arguments, manifest.join("\n"));
    assert_eq!(output.status.code(), Some(10));
    assert_eq!(codes(&lines(&output)), [0, 4, 4, 4, 4, 2, 4, 4]);
    canaries.assert_not_printed(&output, arguments);
}

#[test]
fn a_shard_has_what_its_digest_says_and_all_shards_have_everything_once() {
    let desk = Desk::new();
    let mut manifest = Vec::new();
    let mut names: Vec<Vec<u8>> = Vec::new();
    for number in 0..40 {
        let name = format!("gone-{number}\u{e4}.enc");
        let line = json!({"input": name, "metadata": "meta.json", "ref": number});
        writeln!(manifest, "{line}").unwrap();
        names.push(name.into_bytes());
    }
    let long = vec![b'x'; (16 << 20) + 1];
    for line in [b"nonsense\r".as_slice(), b"\xff", b"{\"input\":1}", &long] {
        manifest.extend(line);
        manifest.push(b'\n');
        names.push(line.to_vec());
    }
    for count in [1, 3] {
        let mut seen = Vec::new();
        for index in 0..count {
            let report = report(
                &desk,
                &format!("-d out --shard {index}/{count}"),
                &manifest,
                10,
            );
            let numbers = numbers(&report);
            for number in &numbers {
                let name = &names[usize::try_from(*number - 1).unwrap()];
                assert_eq!(shard_of(name, count), index, "line {number}");
            }
            seen.extend(numbers);
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(1..=44));
    }
}

#[test]
fn shards_are_what_python_makes_of_them() {
    if !has("python3") {
        return;
    }
    let script = "import hashlib, sys\n\
        for line in sys.stdin: print(int.from_bytes(hashlib.sha256(line.rstrip('\\n').encode())\
        .digest()[:8], 'big') % 7)";
    let desk = Desk::new();
    let names: Vec<_> = (0..100)
        .map(|number| format!("calls/{number}.enc"))
        .collect();
    let mut python = desk.command("python3");
    python.args(["-c", script]);
    let output = run_with(python, names.join("\n").as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    let ours = names
        .iter()
        .map(|name| shard_of(name.as_bytes(), 7).to_string());
    assert!(text.lines().eq(ours), "{text}");
}

#[test]
fn named_inputs_and_files_in_folders_are_sharded_too() {
    let desk = Desk::new();
    let mut inputs = Vec::new();
    for number in 0..8 {
        let name = format!("in/{VOICE} {number}.enc");
        desk.write(&name, desk.read("call.enc"));
        inputs.push(name);
    }
    let run = |arguments: &[&str], shard: &str| {
        let mut command =
            desk.unreel("twilio-voice -m meta.json -k key.pem --check --json --shard");
        command.arg(shard).args(arguments);
        let output = desk.done(command);
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let inputs = lines.map(|line| line["input"].as_str().unwrap().to_owned());
        inputs.collect::<Vec<_>>()
    };
    let named: Vec<_> = inputs.iter().map(String::as_str).collect();
    for arguments in [named.as_slice(), &["in"]] {
        let mut seen = Vec::new();
        for index in 0..5 {
            let shard = run(arguments, &format!("{index}/5"));
            let is_its = |name: &String| shard_of(name.as_bytes(), 5) == index;
            assert!(shard.iter().all(is_its), "{shard:?}");
            seen.extend(shard);
        }
        seen.sort();
        assert_eq!(seen, inputs);
    }
    // Of one input, others have nothing to do; and what is not theirs is not theirs to replace.
    let index = 1 - shard_of(b"call.enc", 2);
    let command = desk.voice(&format!("call.enc -o out.wav --shard {index}/2"));
    assert!(stderr(&desk.done(command)).contains("0 decrypted, 0 skipped, 0 failed"));
    assert!(!desk.path("out.wav").exists());
    let standard_input = shard_of(b"-", 2);
    let script = format!(
        "\"$UNREEL\" twilio-voice -m meta.json -k key.pem -o out.wav --shard {standard_input}/2 < call.enc"
    );
    desk.opens(desk.bash(&script));
}

#[test]
fn aws_batch_and_kubernetes_say_which_shard_it_is() {
    let desk = Desk::new();
    let line = r#"{"input":"gone.enc","metadata":"meta.json","output":"x"}"#;
    let own = shard_of(b"gone.enc", 4);
    for (index, count) in [
        ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
        ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"),
    ] {
        for number in 0..4 {
            let mut command = desk.unreel("batch --shard auto");
            command.env(index, number.to_string()).env(count, "4");
            let output = run_with(command, line.as_bytes());
            let expected = if number == own {
                (Some(10), 1)
            } else {
                (Some(0), 0)
            };
            assert_eq!((output.status.code(), lines(&output).len()), expected);
        }
        for (set, value) in [(index, "0"), (count, "4")] {
            let mut command = desk.unreel("batch --shard auto");
            command.env(set, value);
            assert_refused(&run_with(command, line.as_bytes()), 2, set);
        }
        let mut command = desk.unreel("batch --shard auto");
        command.env(index, "4").env(count, "4");
        assert_refused(&run_with(command, line.as_bytes()), 2, index);
    }
}

/// The most that a run over so many lines took of memory, in KiB.
fn memory(desk: &Desk, arguments: &str, manifest: &str) -> u64 {
    desk.write("m.jsonl", manifest);
    let log = desk.path("memory.txt");
    let run = desk.unreel(&format!("batch m.jsonl {arguments}"));
    let log_name = log.to_str().unwrap();
    let mut command = under("time", &["-q", "-f", "%M", "-o", log_name], &run);
    command.current_dir(desk.path("."));
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.unwrap().code().is_some());
    let text = std::fs::read_to_string(log).unwrap();
    text.split_whitespace()
        .next_back()
        .unwrap()
        .parse()
        .unwrap()
}

/// Of each recording that was done, the bar that nobody saw was remembered.
#[test]
fn memory_does_not_grow_with_the_number_of_recordings_that_are_done() {
    if !has("time") {
        return;
    }
    let desk = Desk::new();
    let id = "RE5eed0000000000000000000000000004";
    desk.bring(&format!("twilio-voice/{id}.wav"), "plain.wav");
    let metadata = json!({"sid": id, "encryption_details": null, "status": "completed"});
    let line = json!({"provider": "twilio-voice", "input": "plain.wav", "metadata": metadata});
    let lines = |count: usize| format!("{line}\n").repeat(count);
    let few = memory(&desk, "--check --plain save", &lines(2_000));
    let many = memory(&desk, "--check --plain save", &lines(32_000));
    assert!(many < few + 1536, "{few} KiB became {many}");
}

#[test]
fn memory_does_not_grow_with_the_number_of_lines() {
    if !has("time") {
        return;
    }
    let desk = Desk::new();
    // Lines that fail, and lines of which all that is remembered is an output's name.
    let failing = |count: usize| {
        let line = |number| {
            format!(
                "{{\"input\":\"gone-{number}\",\"ref\":\"{}\"}}\n",
                "x".repeat(100)
            )
        };
        (0..count).map(line).collect::<String>()
    };
    let few = memory(&desk, "-d out", &failing(1000));
    let many = memory(&desk, "-d out", &failing(25_000));
    assert!(many < few + 1536, "{few} KiB became {many}");
    let skipping = |count: usize| {
        let mut manifest = String::new();
        for number in 0..count {
            let output = format!("out/{number}.wav");
            let line = json!({"input": "call.enc", "metadata": "meta.json", "output": output});
            writeln!(manifest, "{line}").unwrap();
        }
        manifest
    };
    std::fs::create_dir(desk.path("out")).unwrap();
    for number in 0..28_000 {
        std::fs::write(desk.path(&format!("out/{number}.wav")), "").unwrap();
    }
    // The table of names has room for both.
    let few = memory(&desk, "--if-exists skip", &skipping(15_000));
    let many = memory(&desk, "--if-exists skip", &skipping(28_000));
    assert!(many < few + 3 * 1024, "{few} KiB became {many}");
}
