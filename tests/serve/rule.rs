//! `--authz-command`: the customer's own rule.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::common::made::wait_for;
use crate::scene::{CALL, PLAIN, Scene, Served, UNKNOWN};

/// A scene whose rule is this script of a shell.
fn scene(script: &str) -> (Scene, Served) {
    let scene = Scene::new();
    scene.desk.write("rule", format!("#!/bin/sh\n{script}\n"));
    let path = scene.desk.path("rule");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = scene.command(&[
        "--audit-log",
        "log.jsonl",
        "--authz-command",
        path.to_str().unwrap(),
    ]);
    command.env("HOME", scene.desk.path("")).env("MADE_UP", "x");
    let served = Served::start(command);
    (scene, served)
}

#[test]
fn only_exit_code_0_allows() {
    for (script, expected) in [
        ("exit 0", "200"),
        ("cat >/dev/null; exit 0", "200"),
        ("exit 1", "403"),
        ("exit 255", "403"),
        ("kill -9 $$", "403"),
        ("kill -TERM $$", "403"),
        ("exec /no/such/program", "403"),
        ("sleep 60", "403"),
        ("exec >&- 2>&- <&-; sleep 60 & exit 0", "200"),
    ] {
        let (scene, served) = scene(script);
        let got = served.ask("anna", CALL);
        assert_eq!(got.status(), expected, "{script}");
        served.stop();
        let line = scene.log("log.jsonl")[0].clone();
        let (event, reason) = if expected == "200" {
            ("grant", json!(null))
        } else {
            ("deny", json!("rule"))
        };
        assert_eq!(
            (&line["event"], &line["reason"]),
            (&json!(event), &reason),
            "{script}"
        );
        assert_eq!(line["identity"], "anna_40example_2Dcom");
    }
}

#[test]
fn it_is_told_who_asks_and_nothing_else() {
    let (scene, served) = scene("cat > question; env > environment; exit 0");
    for (recording, call) in [
        (CALL, json!("CA5eed0000000000000000000000000001")),
        (PLAIN, json!("CA5eed0000000000000000000000000001")),
    ] {
        assert_eq!(served.ask("anna", recording).status(), "200");
        let question: serde_json::Value =
            serde_json::from_slice(&scene.desk.read("question")).unwrap();
        let expected = json!({
            "identity": "anna_40example_2Dcom",
            "realm_user_id": "anna@example.com",
            "roles": ["agent"],
            "worker_sid": "WK5eed0000000000000000000000000001",
            "recording": recording,
            "call": call,
        });
        assert_eq!(question, expected);
    }
    let environment = String::from_utf8(scene.desk.read("environment")).unwrap();
    for line in environment.lines() {
        let name = line.split('=').next().unwrap();
        // The last three are the shell's own.
        let known = ["PATH", "HOME", "LANG", "PWD", "SHLVL", "OLDPWD", "_"];
        assert!(known.contains(&name), "{line}");
    }
    assert!(environment.contains("\nHOME=") || environment.starts_with("HOME="));
    // It is not asked where there is nothing to hear, or nobody who asks.
    std::fs::remove_file(scene.desk.path("question")).unwrap();
    assert_eq!(served.ask("anna", UNKNOWN).status(), "404");
    assert_eq!(served.ask("nobody", CALL).status(), "401");
    assert!(!scene.desk.path("question").exists());
    served.stop();
}

#[test]
fn sixteen_run_at_the_same_time_and_all_are_answered() {
    let script = "mkdir run.$$; ls -d run.* | wc -l >> counts; sleep 0.2; rmdir run.$$; exit 0";
    let (scene, served) = scene(script);
    assert_eq!(served.ask("anna", CALL).status(), "200");
    std::thread::scope(|threads| {
        for _ in 0..40 {
            threads.spawn(|| assert_eq!(served.ask("anna", CALL).status(), "200"));
        }
    });
    let counts = String::from_utf8(scene.desk.read("counts")).unwrap();
    let counts: Vec<usize> = counts
        .lines()
        .map(|line| line.trim().parse().unwrap())
        .collect();
    let most = counts.iter().max().unwrap();
    assert!(counts.len() == 41 && (2..=16).contains(most), "{counts:?}");
    served.stop();
}

#[test]
fn what_a_rule_that_takes_too_long_started_is_ended() {
    let (scene, served) = scene("sleep 300 & echo $! > pid; wait");
    assert_eq!(served.ask("anna", CALL).status(), "403");
    let pid = String::from_utf8(scene.desk.read("pid")).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    wait_for("end of what it started", || {
        let state = std::fs::read_to_string(&stat).unwrap_or_else(|_| ") Z".into());
        state.contains(") Z") || state.contains(") X")
    });
    served.stop();
}
