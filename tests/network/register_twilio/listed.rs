//! `--list` and `--delete`.

use super::{ABSENT, DELETE, changes, net, text};
use crate::fake::Fault;

#[test]
fn a_list_has_ids_and_names() {
    let net = net();
    assert_eq!(
        net.ends(0, "register twilio --list").text(),
        "no public keys\n"
    );
    let line = net.ends(0, "register twilio --list --json").line();
    assert_eq!(line["keys"], serde_json::json!([]));
    let public = text("keys/public.pem");
    let (one, two) = (
        net.fake.register_key(&public, "one"),
        net.fake.register_key(&public, ""),
    );
    let shown = net.ends(0, "register twilio --list").text();
    let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [two.clone(), format!("{one}  one")],
        "the newest is the first"
    );
    let line = net.ends(0, "register twilio --list --json").line();
    assert_eq!(
        (&line["ok"], &line["provider"]),
        (&true.into(), &"twilio".into())
    );
    let key = &line["keys"][1];
    assert_eq!((&key["sid"], &key["name"]), (&one.into(), &"one".into()));
    assert!(
        key["created"].as_str().is_some_and(|at| at.ends_with('Z')),
        "{line}"
    );
    assert!(changes(&net.fake).is_empty());
}

#[test]
fn a_list_may_have_many_pages() {
    let net = net();
    // The server's pages have what is asked for; so there have to be more than that.
    let public = text("keys/public.pem");
    for number in 0..1003 {
        net.fake.register_key(&public, &format!("key {number}"));
    }
    net.fake.style(|style| style.default_hosts = false);
    let shown = net.ends(0, "register twilio --list").text();
    assert_eq!(shown.lines().count(), 1003);
    assert_eq!(net.fake.requests().len(), 2);
    // The default hosts are where the URL of the environment leads, too.
    net.fake.style(|style| style.default_hosts = true);
    assert_eq!(net.ends(0, "register twilio --list").text(), shown);
}

#[test]
fn names_cannot_write_to_the_terminal() {
    let net = net();
    let name = "a\u{1b}[2J\r\n\u{202e}b\u{7f}\u{9b}c";
    let sid = net.fake.register_key(&text("keys/public.pem"), name);
    for arguments in [
        "register twilio --list".to_owned(),
        "register twilio --list --json".to_owned(),
        format!("register twilio --dry-run --delete {sid}"),
        format!("register twilio --yes --delete {sid}"),
    ] {
        let ran = net.ends(0, &arguments);
        let text = ran.text();
        crate::common::assert_harmless(&text);
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn a_key_is_deleted_once() {
    let net = net();
    let public = text("keys/public.pem");
    let (one, two) = (
        net.fake.register_key(&public, "one"),
        net.fake.register_key(&public, "two"),
    );
    let delete = format!("register twilio --yes --delete {one}");
    let ran = net.ends(0, &delete);
    assert_eq!(ran.text(), format!("{one}  deleted\n"));
    ran.says_nothing_of(&[&two]);
    let left = net.fake.public_keys();
    assert!(
        left.len() == 1 && left[0]["sid"] == two.as_str(),
        "{left:?}"
    );
    net.fake.forget();
    let ran = net.ends(0, &delete);
    assert!(ran.text().contains("is not there"), "{}", ran.text());
    let line = net.ends(0, &format!("{delete} --json")).line();
    assert_eq!(
        (&line["changed"], &line["sid"]),
        (&false.into(), &one.into())
    );
    assert!(changes(&net.fake).is_empty());
    let line = net
        .ends(0, &format!("register twilio --yes --json --delete {two}"))
        .line();
    assert_eq!(
        (&line["changed"], &line["ok"]),
        (&true.into(), &true.into())
    );
    assert!(net.fake.public_keys().is_empty());
}

#[test]
fn what_is_no_id_is_not_asked_for() {
    let net = net();
    for id in [
        "CR1",
        "RE5eed0000000000000000000000000001",
        "../Keys",
        "CR5eed000000000000000000000000000g",
        &format!("{ABSENT}0"),
    ] {
        net.refuses(
            2,
            &format!("register twilio --yes --delete {id}"),
            &["--list"],
        );
        net.refuses(
            2,
            &format!("register twilio-video --yes --recordings --public-key-sid {id}"),
            &["--list"],
        );
    }
    net.refuses(2, &format!("register twilio --list --delete {ABSENT}"), &[]);
    net.refuses(2, "register twilio --yes", &[]);
    net.refuses(2, "register twilio --list --name mine", &[]);
}

#[test]
fn a_deletion_whose_answer_is_lost_is_made_once() {
    for fault in [
        Fault::Unheard,
        Fault::Reset,
        Fault::Refuse(503),
        Fault::status(500),
        Fault::status(503),
        Fault::retry_after(429, "1"),
    ] {
        let net = net();
        let sid = net.fake.register_key(&text("keys/public.pem"), "one");
        net.fake.fault(DELETE, fault.clone(), 1);
        let line = net
            .ends(0, &format!("register twilio --yes --json --delete {sid}"))
            .line();
        assert_eq!(line["changed"], true, "{fault:?}");
        assert!(
            net.fake.public_keys().is_empty() && net.fake.unmet().is_empty(),
            "{fault:?}"
        );
    }
}

#[test]
fn a_deletion_that_is_never_answered_ends_for_now() {
    let net = net();
    let sid = net.fake.register_key(&text("keys/public.pem"), "one");
    net.fake.fault(DELETE, Fault::Unheard, usize::MAX);
    let delete = format!("register twilio --yes --delete {sid}");
    net.ends(75, &format!("{delete} --retries 0"))
        .says(&["unreel: hint: "]);
    assert_eq!(net.fake.public_keys().len(), 1);
    net.fake.mend();
    net.ends(0, &delete);
    assert!(net.fake.public_keys().is_empty());
}
