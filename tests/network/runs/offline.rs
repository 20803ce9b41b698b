//! What needs no network starts none.

use std::path::PathBuf;
use std::process::Command;

use super::{Place, around, run, strace};
use crate::common::{fixture, stderr};
use crate::fake::Fake;

/// What a run did, as strace has it: its calls, and how many threads it started.
fn traced(place: &Place, command: &Command) -> (String, usize) {
    let log = place.path("trace");
    let options = [
        "-f",
        "-qq",
        "-e",
        "trace=%network,openat,open,clone,clone3,execve",
        "-o",
    ];
    let mut options = options.to_vec();
    options.push(log.to_str().expect("a name"));
    let output = run(around("strace", &options, command));
    assert!(output.status.success(), "{command:?}\n{}", stderr(&output));
    let text = std::fs::read_to_string(&log).expect("a log");
    let is_start = |line: &&str| {
        let starts = line.contains("clone3(") || line.contains("clone(");
        starts && !line.contains("resumed>") && line.contains("CLONE_THREAD")
    };
    let threads = text.lines().filter(is_start).count();
    (text, threads)
}

/// Sockets between its own parts, as those that wake up a thread for a signal, lead nowhere.
fn is_to_the_network(line: &str) -> bool {
    let calls = [
        "socket(",
        "connect(",
        "bind(",
        "sendto(",
        "sendmsg(",
        "getsockname(",
    ];
    calls.iter().any(|call| line.contains(call)) && !line.contains("AF_UNIX")
}

fn assert_offline(place: &Place, command: &Command) {
    let (text, threads) = traced(place, command);
    assert!(text.contains("execve("), "{text}");
    for line in text.lines() {
        assert!(!is_to_the_network(line), "{command:?}: {line}");
        for file in [
            "/etc/ssl",
            "/etc/pki",
            "ca-certificates",
            "resolv.conf",
            "nsswitch",
            "/etc/hosts",
        ] {
            assert!(!line.contains(file), "{command:?}: {line}");
        }
    }
    // One for signals, two for the work, and a bar.
    assert!(threads <= 4, "{command:?}: {threads} threads");
    assert!(!text.contains("unreel-network"), "{command:?}");
}

#[test]
fn what_is_not_fetched_starts_no_network() {
    if !strace() {
        return;
    }
    let (fake, place) = (Fake::start(), Place::new());
    let media: PathBuf = fixture("twilio-voice/RE5eed0000000000000000000000000001.wav.enc");
    let metadata = fixture("twilio-voice/recording.json");
    let video = fixture("twilio-video/RT5eed0000000000000000000000000001.mka.enc");
    let archive = fixture("qvoice/rec5eed0003.enc");
    let path = |path: &PathBuf| path.display().to_string();
    let key = path(&place.path("key.pem"));
    for arguments in [
        vec!["--help".into()],
        vec!["--version".into()],
        vec!["twilio-voice".into(), "--help".into()],
        vec!["inspect".into(), path(&media)],
        vec!["inspect".into(), key.clone()],
        vec!["inspect".into(), "--credentials".into()],
        vec!["inspect".into(), "--credentials".into(), "--json".into()],
        [
            "twilio-voice",
            "--threads",
            "2",
            "--check",
            "-k",
            &key,
            "-m",
            &path(&metadata),
            &path(&media),
        ]
        .map(str::to_owned)
        .to_vec(),
        [
            "twilio-video",
            "--threads",
            "2",
            "-d",
            "out",
            "-k",
            &key,
            "-m",
            &path(&fixture("twilio-video/wget.txt")),
            &path(&video),
        ]
        .map(str::to_owned)
        .to_vec(),
        [
            "qvoice",
            "--threads",
            "2",
            "--check",
            "--kdf",
            "sha256-key-salt",
            "--config",
            &path(&fixture("qvoice/config.json")),
            &path(&archive),
        ]
        .map(str::to_owned)
        .to_vec(),
    ] {
        // With every credential around, and a proxy.
        let mut command = place.unreel(&fake, &arguments);
        command.env("HTTPS_PROXY", fake.base());
        assert_offline(&place, &command);
    }
    assert!(fake.requests().is_empty());
}

/// It reads certificates of authorities, and counts them.
#[test]
fn the_doctor_asks_nobody() {
    if !strace() {
        return;
    }
    let (fake, place) = (Fake::start(), Place::new());
    for arguments in [&["doctor", "-k", "key.pem"][..], &["doctor", "--json"]] {
        let mut command = place.unreel(&fake, arguments);
        command.env("HTTPS_PROXY", fake.base());
        let (text, _) = traced(&place, &command);
        let mut asked = text.lines().filter(|line| is_to_the_network(line));
        assert_eq!(asked.next(), None, "{arguments:?}");
        assert!(!text.contains("unreel-network"), "{arguments:?}");
        assert!(!text.contains("resolv.conf"), "{arguments:?}");
    }
    assert!(fake.requests().is_empty());
}

/// The judge itself: what is fetched is seen to be.
#[test]
fn what_is_fetched_is_recognised() {
    if !strace() {
        return;
    }
    let (fake, place) = (Fake::with_fixtures(), Place::new());
    let arguments = [
        "--check",
        "-k",
        "key.pem",
        "RE5eed0000000000000000000000000001",
    ];
    let mut command = place.unreel(&fake, &["twilio-voice"]);
    command.args(arguments);
    let (text, _) = traced(&place, &command);
    assert!(text.lines().any(is_to_the_network));
    assert!(!fake.requests().is_empty());
}
