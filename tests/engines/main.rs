//! `examples/engines`: what runs unreel on many machines. GNU parallel and Spark really run, and what
//! they run is killed; of the others, the files are held against the models of their clients, and
//! the command in them is run with the environment that they set. `.ci/run` installs all of it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "it is a test"
)]

#[path = "../common/mod.rs"]
mod common;
mod many;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use common::{run_with, skip, stderr};
use many::Many;

/// Where `.ci/run` installs what is not of Debian.
fn tools() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("the target folder").join("tools")
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/engines")
        .join(name)
}

/// Whether the programs are on the PATH, and the folders among the tools. Where one is not, that is
/// said; in CI it fails.
fn has(programs: &[&str], folders: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = |name: &str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let program = programs.iter().find(|name| !on_path(name));
    let folder = folders.iter().find(|name| !tools().join(name).is_dir());
    let Some(what) = program.or(folder) else {
        return true;
    };
    let why = format!("there is no {what}; `.ci/run` installs it");
    assert!(std::env::var_os("CI").is_none(), "{why}");
    skip(&why);
    false
}

/// Has `schemas.py` look at something.
fn checked(what: &str, of: impl AsRef<std::ffi::OsStr>, input: &[u8]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/schemas.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(tools()).arg(what).arg(of);
    run_with(python, input)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// Runs what has to end with this code.
fn ends(command: &mut Command, code: i32) -> String {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn gnu_parallel_starts_again_what_was_killed_and_a_rerun_does_what_is_missing() {
    if !has(&["parallel", "jq", "bash"], &[]) {
        return;
    }
    let mut many = Many::new(500);
    let killed = many.kill_the_first(2);
    let run = |many: &Many, code| {
        let mut command = many.desk.command("bash");
        command.arg(example("gnu-parallel.sh"));
        command.args(["m.jsonl", "out", "key.pem", "reports", "8"]);
        ends(many.with_wrapper(&mut command), code);
        let failed = many.lines_of("reports", "failed");
        (many.lines_of("reports", "shard-"), failed)
    };
    let (lines, failed) = run(&many, 10);
    many.assert_once(&lines);
    many.assert_failed(&failed);
    many.assert_outputs();
    killed();

    let before = many.inodes();
    many.lose_and_mend();
    let (lines, failed) = run(&many, 10);
    many.assert_once(&lines);
    many.assert_failed(&failed);
    many.assert_outputs();
    many.assert_kept(&before);

    many.mend_all();
    let (lines, failed) = run(&many, 0);
    many.assert_once(&lines);
    assert!(failed.is_empty());
    many.assert_outputs();

    // What never gets to its end is no success, and what may work later is told apart.
    std::fs::remove_file(many.desk.path("key.pem")).unwrap();
    many.lose_and_mend();
    run(&many, 1);
    many.stub(r#"echo '{"ok":false,"error":{"exit":75}}'; exit 75"#);
    run(&many, 75);
}

#[test]
fn spark_does_again_what_was_killed_and_a_rerun_does_what_is_missing() {
    if !has(&["python3", "java", "bash"], &["engines/pyspark"]) {
        return;
    }
    let mut many = Many::new(500);
    let killed = many.kill_the_first(2);
    let run = |many: &Many, report: &str| {
        let home = tools().join("engines/pyspark");
        let mut command = many.desk.command(home.join("bin/spark-submit"));
        command
            .env("SPARK_HOME", &home)
            .env("SPARK_LOCAL_IP", "127.0.0.1")
            .env("HOME", many.desk.path("."))
            .args(["--master", "local[2,3]", "--driver-memory", "512m"])
            .args(["--conf", "spark.ui.enabled=false"])
            .arg(example("spark.py"))
            .args(["m.jsonl", "out", "key.pem", report, "6"]);
        ends(many.with_wrapper(&mut command), 10);
        many.lines_of(report, "part-")
    };
    let check = |many: &Many, lines: &[Value]| {
        // Its lines count in their partition.
        assert_eq!(lines.len(), many.count());
        let failed = lines.iter().filter(|line| line["ok"] == false);
        many.assert_failed(&failed.cloned().collect::<Vec<_>>());
        many.assert_outputs();
    };
    let lines = run(&many, "report");
    check(&many, &lines);
    killed();

    let before = many.inodes();
    many.lose_and_mend();
    let lines = run(&many, "again");
    check(&many, &lines);
    many.assert_kept(&before);
    let skipped = lines.iter().filter(|line| line["reason"] == "exists");
    assert_eq!(skipped.count(), before.len() - many::LOST);
}

#[test]
fn the_indexed_job_is_one_of_kubernetes_and_its_pods_do_everything_once() {
    if !has(&["python3"], &["engines/kubernetes", "python/yaml"]) {
        return;
    }
    let path = example("kubernetes-indexed-job.yaml");
    let output = checked("kubernetes", &path, b"");
    assert!(output.status.success(), "{}", stderr(&output));
    let job: Value = serde_json::from_slice(&output.stdout).unwrap();
    let spec = &job["spec"];
    let pod = &spec["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(spec["completionMode"], "Indexed");
    assert_eq!(pod["restartPolicy"], "Never");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["volumes"][2]["secret"]["defaultMode"], 0o400);
    // What ends an index at once: every code but those that a retry may help.
    let rule = &spec["podFailurePolicy"]["rules"][1];
    let codes =
        json!({"containerName": container["name"], "operator": "NotIn", "values": [75, 137, 143]});
    assert_eq!(*rule, json!({"action": "FailIndex", "onExitCodes": codes}));
    // It is held against something.
    let broken = std::fs::read_to_string(&path).unwrap();
    let many = Many::new(60);
    for (right, wrong) in [
        ("backoffLimitPerIndex:", "backoffLimitPerIndexes:"),
        ("completions: 8", "completions: eight"),
        ("operator: NotIn", "# operator"),
    ] {
        many.desk.write("broken.yaml", broken.replace(right, wrong));
        let output = checked("kubernetes", many.desk.path("broken.yaml"), b"");
        assert!(!output.status.success(), "{wrong}");
    }

    let completions = spec["completions"].as_u64().unwrap();
    let mut lines = Vec::new();
    for index in 0..completions {
        let words = container["command"].as_array().unwrap().iter().map(text);
        let words: Vec<_> = words.collect();
        let mut command = many.desk.command(words[0]);
        for word in &words[1..] {
            command.arg(match *word {
                "/in/manifest.jsonl" => "m.jsonl",
                "/keys/private_key.pem" => "key.pem",
                "/out" => "out",
                word => word,
            });
        }
        for variable in container["env"].as_array().unwrap() {
            command.env(text(&variable["name"]), text(&variable["value"]));
        }
        command.env("JOB_COMPLETION_INDEX", index.to_string());
        lines.extend(many.shard(command));
    }
    many.assert_once(&lines);
    many.assert_outputs();
}

#[test]
fn the_array_job_is_one_of_aws_batch_and_its_children_do_everything_once() {
    if !has(&["python3", "bash"], &["python/botocore"]) {
        return;
    }
    let path = example("aws-batch-job-definition.json");
    let definition = std::fs::read(&path).unwrap();
    let output = checked("batch", "RegisterJobDefinition", &definition);
    assert!(output.status.success(), "{}", stderr(&output));
    let definition: Value = serde_json::from_slice(&definition).unwrap();
    let mut broken = definition.clone();
    broken["retryStrategy"]["evaluateOnExit"][0]["onExitCode"] = json!(75);
    let output = checked(
        "batch",
        "RegisterJobDefinition",
        broken.to_string().as_bytes(),
    );
    assert!(!output.status.success());

    // What the script sends.
    let many = Many::with_sidecars(60);
    many.desk.write(
        "bin/aws",
        "#!/bin/sh\nprintf '%s\\n' \"$@\" \"\" >>\"$SENT\"\n",
    );
    many.make_program("bin/aws");
    let mut command = many.desk.command("bash");
    command
        .arg(example("aws-batch-submit.sh"))
        .env("SENT", many.desk.path("sent"));
    command.args(["queue", "5", "s3://b/in/", "s3://b/out/"]);
    ends(many.with_wrapper(&mut command), 0);
    let sent = String::from_utf8(many.desk.read("sent")).unwrap();
    let calls: Vec<Vec<_>> = sent
        .split("\n\n")
        .map(|call| call.lines().collect())
        .collect();
    let file = "file://aws-batch-job-definition.json";
    assert_eq!(
        calls[0],
        ["batch", "register-job-definition", "--cli-input-json", file]
    );
    assert_eq!(calls[1][..2], ["batch", "submit-job"]);
    let mut submitted = json!({});
    for pair in calls[1][2..].chunks(2) {
        let pairs = || pair[1].split(',').map(|pair| pair.split_once('=').unwrap());
        let (name, value) = match pair[0] {
            "--job-name" => ("jobName", json!(pair[1])),
            "--job-queue" => ("jobQueue", json!(pair[1])),
            "--job-definition" => ("jobDefinition", json!(pair[1])),
            "--array-properties" => {
                let (name, size) = pairs().next().unwrap();
                (
                    "arrayProperties",
                    json!({name: size.parse::<u32>().unwrap()}),
                )
            }
            "--parameters" => (
                "parameters",
                pairs().map(|(a, b)| (a.to_owned(), json!(b))).collect(),
            ),
            other => panic!("{other}"),
        };
        submitted[name] = value;
    }
    let output = checked("batch", "SubmitJob", submitted.to_string().as_bytes());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(submitted["jobDefinition"], definition["jobDefinitionName"]);
    let parameters = submitted["parameters"].as_object().unwrap();
    assert!(
        parameters
            .keys()
            .eq(definition["parameters"].as_object().unwrap().keys())
    );

    // What the children do.
    let container = &definition["containerProperties"];
    let size = submitted["arrayProperties"]["size"].as_u64().unwrap();
    let mut lines = Vec::new();
    for index in 0..size {
        let words = container["command"].as_array().unwrap().iter().map(text);
        let words: Vec<_> = words.collect();
        let mut command = many.desk.command(words[0]);
        for word in &words[1..] {
            command.arg(match *word {
                "Ref::input" => "in",
                "Ref::output" => "out",
                word => word,
            });
        }
        let secret = text(&container["secrets"][0]["name"]);
        let key = String::from_utf8(many.desk.read("key.pem")).unwrap();
        command
            .env(secret, key)
            .env("AWS_BATCH_JOB_ARRAY_INDEX", index.to_string())
            .env("AWS_BATCH_JOB_ARRAY_SIZE", size.to_string());
        lines.extend(many.shard(command));
    }
    assert_eq!(lines.len(), 60);
    many.assert_outputs();
}

#[test]
fn the_tasks_of_slurm_do_everything_once() {
    if !has(&["bash"], &[]) {
        return;
    }
    let many = Many::new(60);
    let task = |id: usize, count: usize, last: usize| {
        let mut command = many.desk.command("bash");
        command
            .arg(example("slurm.sh"))
            .args(["m.jsonl", "out", "key.pem"])
            .env("SLURM_JOB_ID", "4711")
            .env("SLURM_ARRAY_TASK_ID", id.to_string())
            .env("SLURM_ARRAY_TASK_COUNT", count.to_string())
            .env("SLURM_ARRAY_TASK_MIN", "0")
            .env("SLURM_ARRAY_TASK_MAX", last.to_string());
        many.with_wrapper(&mut command);
        command
    };
    let lines: Vec<_> = (0..4).flat_map(|id| many.shard(task(id, 4, 3))).collect();
    many.assert_once(&lines);
    many.assert_outputs();
    // A part of the array would be other shards.
    ends(&mut task(3, 2, 7), 2);
    // What may work later is queued again, not without end.
    many.desk
        .write("bin/scontrol", "#!/bin/sh\necho \"$@\" >>requeued\n");
    many.make_program("bin/scontrol");
    many.stub("exit 75");
    ends(&mut task(0, 1, 0), 75);
    ends(task(0, 1, 0).env("SLURM_RESTART_COUNT", "3"), 75);
    assert_eq!(many.desk.read("requeued"), b"requeue 4711\n");
}
