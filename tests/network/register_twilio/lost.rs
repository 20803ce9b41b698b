//! Answers that do not come, and two runs at once: one key is registered.

use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::{FIRST, KEEP, POST, changes, is_kept_once, is_short, net};
use crate::fake::Fault;

/// The next `times` POSTs go wrong; one key is registered all the same.
fn registers_once(fault: &Fault, times: usize) {
    let net = net();
    net.fake.fault(POST, fault.clone(), times);
    let line = net.ends(0, &format!("{KEEP} --json")).line();
    let what = format!("{fault:?} {times}");
    assert!(net.fake.unmet().is_empty(), "{what}");
    assert_eq!(
        (&line["ok"], &line["changed"]),
        (&true.into(), &true.into()),
        "{what}"
    );
    assert_eq!(line["sid"], net.fake.public_keys()[0]["sid"], "{what}");
    is_kept_once(&net, &what);
}

#[test]
fn a_request_that_was_lost_before_it_was_heard_is_sent_again() {
    registers_once(&Fault::Unheard, 1);
    registers_once(&Fault::Unheard, 2);
}

#[test]
fn a_request_whose_answer_was_lost_is_not_sent_again() {
    for fault in [
        Fault::Reset,
        Fault::ResetAfter(5),
        Fault::CutAfter(5),
        Fault::Garbage,
        Fault::Empty,
    ] {
        let net = net();
        net.fake.fault(POST, fault.clone(), usize::MAX);
        let line = net.ends(0, &format!("{KEEP} --json")).line();
        assert_eq!(line["changed"], true, "{fault:?}");
        assert_eq!(changes(&net.fake).len(), 1, "{fault:?}");
        is_kept_once(&net, &format!("{fault:?}"));
    }
}

#[test]
fn an_error_of_the_servers_after_it_acted_is_no_second_key() {
    for status in [500, 502, 503, 504] {
        registers_once(&Fault::status(status), 1);
    }
}

#[test]
fn an_error_of_the_servers_before_it_acted_is_tried_again() {
    for status in [500, 503] {
        registers_once(&Fault::Refuse(status), 1);
    }
}

#[test]
fn too_many_requests_is_waited_for() {
    let began = Instant::now();
    let net = net();
    let fault = Fault::Refuse(429).and(Fault::With(vec![("Retry-After", "1".into())]));
    net.fake.fault(POST, fault, 1);
    net.ends(0, KEEP);
    is_kept_once(&net, "429");
    let seen = changes(&net.fake);
    assert_eq!(seen.len(), 2);
    let apart = seen[1].at - seen[0].at;
    assert!(apart.as_millis() >= 900, "{apart:?}");
    assert!(is_short(began.elapsed()));
}

#[test]
fn a_429_that_acted_all_the_same_leaves_one_key() {
    let net = net();
    net.fake.fault(POST, Fault::retry_after(429, "1"), 1);
    net.ends(0, KEEP);
    is_kept_once(&net, "429");
}

#[test]
fn what_is_lost_every_time_is_for_another_time() {
    for fault in [Fault::Unheard, Fault::Refuse(503)] {
        let net = net();
        net.fake.fault(POST, fault.clone(), usize::MAX);
        let ran = net.ends(75, &format!("{KEEP} --retries 0"));
        ran.says(&["unreel: error: ", "unreel: hint: "]);
        assert_eq!(changes(&net.fake).len(), 1, "{fault:?}");
        assert!(!net.desk.path(&format!("keys/{FIRST}.pem")).exists());
        net.fake.mend();
        net.ends(0, KEEP);
        is_kept_once(&net, &format!("{fault:?}"));
    }
}

#[test]
fn without_another_try_the_key_is_looked_for() {
    let net = net();
    net.fake.fault(POST, Fault::Reset, usize::MAX);
    net.ends(0, &format!("{KEEP} --retries 0"));
    is_kept_once(&net, "--retries 0");
    assert_eq!(changes(&net.fake).len(), 1);
}

#[test]
fn what_cannot_be_looked_for_is_not_known_and_settled_by_the_next_run() {
    let net = net();
    net.fake.fault(POST, Fault::Reset, usize::MAX);
    // Both looks before it are answered.
    net.fake
        .fault_after("GET api:/v1/Credentials", 2, Fault::Unheard, usize::MAX);
    let ran = net.ends(75, &format!("{KEEP} --retries 1"));
    ran.says(&["it is not known whether", "run the same command again"]);
    assert_eq!(changes(&net.fake).len(), 1, "nothing is made again blindly");
    net.fake.mend();
    net.fake.forget();
    let line = net.ends(0, &format!("{KEEP} --json")).line();
    assert_eq!(line["changed"], false);
    assert!(changes(&net.fake).is_empty());
    is_kept_once(&net, "the next run");
}

#[test]
fn a_key_that_was_made_is_kept_even_if_nothing_can_be_looked_for() {
    let net = net();
    net.fake
        .fault_after("GET api:/v1/Credentials", 2, Fault::Unheard, usize::MAX);
    net.ends(0, &format!("{KEEP} --retries 0"));
    is_kept_once(&net, "no look");
}

/// So many runs at the same time end with one key, and all say which.
fn at_once(runs: usize, round: u64, lost: usize) {
    let net = net();
    let what = format!("round {round}, {lost} lost");
    net.fake
        .latency(std::time::Duration::from_millis(5 * round));
    net.fake.fault(POST, Fault::Reset, lost);
    let start = |_| {
        let mut command = net.command(&format!("{KEEP} --json"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("it starts")
    };
    let all: Vec<_> = (0..runs).map(start).collect();
    let ended = |child: Child| child.wait_with_output().expect("it ends");
    let all: Vec<_> = all.into_iter().map(ended).collect();
    for output in all {
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{what}: {err}");
        let line: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(line["sid"], net.fake.public_keys()[0]["sid"], "{what}");
    }
    is_kept_once(&net, &what);
}

#[test]
fn two_runs_at_once_register_one_key() {
    for round in 0..5 {
        at_once(2, round, 0);
    }
}

#[test]
fn two_runs_at_once_of_which_one_loses_its_answer_register_one_key() {
    for round in 0..5 {
        at_once(2, round, 1);
    }
}
