//! `kill -9` and SIGINT in the middle of a run over many recordings.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Place, add_voices, ends, has_unnamed, lines, sid, text};
use crate::common::made::{encrypted, say, wait_for};
use crate::common::stderr;
use crate::fake::{Fake, Fault};

const COUNT: usize = 200;
const LENGTH: usize = 20_000;

/// What a run makes of each recording: its options, and the ending of the file that counts.
struct Kind {
    options: &'static [&'static str],
    ending: &'static str,
}

const KINDS: [Kind; 4] = [
    Kind {
        options: &[],
        ending: "wav",
    },
    Kind {
        options: &["--save-metadata"],
        ending: "wav",
    },
    Kind {
        options: &["--download-only"],
        ending: "enc",
    },
    Kind {
        options: &["--metadata-only"],
        ending: "json",
    },
];

impl Kind {
    fn has_sidecar(&self) -> bool {
        self.ending == "enc" || self.options.contains(&"--save-metadata")
    }

    fn command(&self, place: &Place, fake: &Fake) -> Command {
        let mut command = place.voice(fake, self.options);
        command.args(["--all", "-j", "4", "--if-exists", "skip", "--json"]);
        command
    }
}

/// What is there is whole; beside media there is what opens it; and nothing else is there. Returns
/// which recordings are done.
fn done(place: &Place, kind: &Kind, plain: &[u8], what: &str) -> BTreeSet<String> {
    let out = place.out();
    let mut done = BTreeSet::new();
    for (name, bytes) in &out {
        if name.starts_with('.') && !has_unnamed(&place.path("out")) {
            continue;
        }
        let (id, ending) = name.split_once('.').expect("an ending");
        let ids = (0..COUNT).map(sid).collect::<BTreeSet<_>>();
        assert!(ids.contains(id), "{what}: {name}");
        match ending {
            "wav" => assert!(bytes == plain, "{what}: {name} is partial"),
            "enc" => assert!(*bytes == encrypted(plain), "{what}: {name} is partial"),
            "json" => {
                let document: Value = serde_json::from_slice(bytes).expect("a whole document");
                assert_eq!(document["sid"], id, "{what}");
            }
            _ => panic!("{what}: {name}"),
        }
        if ending == kind.ending {
            done.insert(id.to_owned());
            let sidecar = out.contains_key(&format!("{id}.json"));
            assert!(
                sidecar || !kind.has_sidecar(),
                "{what}: {id} has no sidecar"
            );
        }
    }
    place.assert_no_temporary(what);
    done
}

/// The recordings whose media was asked for.
fn asked(fake: &Fake) -> BTreeSet<String> {
    let requests = fake.requests();
    let media = requests.iter().filter_map(|seen| {
        let name = seen.request.path().rsplit('/').next()?.to_owned();
        name.starts_with("RE").then_some(name)
    });
    media.collect()
}

#[test]
fn after_kills_the_same_command_completes_the_run() {
    let mut kills = 0;
    for kind in &KINDS {
        let (fake, place) = (Fake::start(), Place::new());
        let plain = add_voices(&fake, COUNT, LENGTH);
        fake.latency(Duration::from_millis(4));
        for round in 0.. {
            let what = format!("{:?}, kill {round}", kind.options);
            let before = done(&place, kind, &plain, &what);
            if round > 0 && before.len() > COUNT * 3 / 4 {
                break;
            }
            fake.forget();
            let mut command = kind.command(&place, &fake);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("it starts");
            sleep(Duration::from_millis(40 + 23 * (round % 7)));
            child.kill().ok();
            let status = child.wait().expect("it ends");
            assert!(
                status.signal() == Some(9) || status.success(),
                "{what}: {status}"
            );
            kills += usize::from(status.signal() == Some(9));
            let again = &asked(&fake) & &before;
            assert!(again.is_empty(), "{what}: {again:?} were asked for again");
        }
        let before = done(&place, kind, &plain, "the last kill");
        fake.forget();
        let output = ends(kind.command(&place, &fake), 0);
        let after = done(&place, kind, &plain, "the last run");
        assert_eq!(after.len(), COUNT, "{:?}", kind.options);
        let again = &asked(&fake) & &before;
        assert!(again.is_empty(), "{again:?} were asked for again");
        let lines = lines(&output);
        assert_eq!(lines.len(), COUNT);
        for line in &lines {
            assert_eq!(
                line["skipped"] == true,
                before.contains(text(line, "id")),
                "{line}"
            );
        }
    }
    say(&format!(
        "COUNT: kills in the middle of a run over {COUNT} recordings: {kills}"
    ));
    assert!(kills >= 8, "{kills}");
}

/// A run whose first request that `place` is a part of goes on for ever; it gets SIGINT.
fn interrupted(fake: &Fake, mut command: Command, wanted: &str) -> (Output, Duration) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    wait_for(wanted, || {
        let requests = fake.requests();
        requests.iter().any(|seen| seen.target().contains(wanted))
    });
    sleep(Duration::from_millis(300));
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::INT).expect("it runs");
    let sent = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    (output, sent.elapsed())
}

#[test]
fn an_interrupt_during_a_download_leaves_nothing_and_is_prompt() {
    const LONG: Duration = Duration::from_secs(100);
    for (fault, list) in [
        (Fault::StallInBody(100_000, LONG), false),
        (Fault::StallBeforeHeaders(LONG), false),
        (Fault::StallBeforeHeaders(LONG), true),
        (Fault::retry_after(503, "60"), false),
        (Fault::retry_after(429, "60"), true),
        (Fault::Dribble(Duration::from_millis(20)), false),
    ] {
        for options in [&[][..], &["--download-only"], &["--save-metadata"]] {
            let (fake, place) = (Fake::start(), Place::new());
            add_voices(&fake, 8, 300_000);
            let wanted = if list {
                "Recordings.json"
            } else {
                "Recordings/RE"
            };
            fake.fault(wanted, fault.clone(), usize::MAX);
            let mut command = place.voice(&fake, options);
            command.args(["--all", "-j", "3"]);
            let (output, took) = interrupted(&fake, command, wanted);
            let what = format!("{fault:?} {options:?}\n{}", stderr(&output));
            assert_eq!(output.status.signal(), Some(2), "{what}");
            assert!(took < Duration::from_secs(2), "{took:?}: {what}");
            place.assert_empty(&what);
            assert!(!place.path("out").exists(), "{what}");
        }
    }
}

#[test]
fn an_interrupt_to_standard_output_has_released_nothing() {
    let (fake, place) = (Fake::start(), Place::new());
    add_voices(&fake, 1, 300_000);
    let long = Duration::from_secs(100);
    fake.fault(
        "Recordings/RE",
        Fault::StallInBody(200_000, long),
        usize::MAX,
    );
    let id = sid(0);
    let command = place.unreel(&fake, &["twilio-voice", "-k", "key.pem", &id]);
    let (output, took) = interrupted(&fake, command, "Recordings/RE");
    assert_eq!(output.status.signal(), Some(2), "{}", stderr(&output));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(output.stdout.is_empty());
    place.assert_empty("standard output");
}
