//! Groups of which some fail, and lists that break: what was listed is done all the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::row::{EVER, Kind, assert_discreet, command};
use crate::common::{contents, digest_of, fixture, sha256, stderr};
use crate::fake::{Fake, Fault, Page, Voice};

fn document(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(path)).unwrap()).unwrap()
}

/// So many encrypted recordings of one call.
fn calls(count: u32) -> Fake {
    let fake = Fake::start();
    let details = document("twilio-voice/recording.json")["encryption_details"].take();
    let media = Kind::Voice.media();
    for number in 0..count {
        let voice = Voice::new(&id(number), &media, details.clone());
        fake.add_voice(Voice {
            created: voice.created - i64::from(number),
            ..voice
        });
    }
    fake
}

fn id(number: u32) -> String {
    format!("RE5eed00000000000000000000000001{number:02x}")
}

fn media_of(number: u32) -> String {
    format!("{}.wav", id(number))
}

/// A page with one recording, and where the next is said to be.
fn page(next: &str) -> Fault {
    let mut recording = document("twilio-voice/recording.json");
    recording["sid"] = id(0).into();
    let next = format!("/2010-04-01/Accounts/{}/{next}", crate::fake::ACCOUNT);
    let page = json!({"recordings": [recording], "next_page_uri": next});
    Fault::Answer(200, "application/json", page.to_string().into_bytes())
}

const SECOND: &str = "Recordings.json?PageSize=1000&Page=1&PageToken=PARE";

/// A run over a list: exit code, the last words on the recordings, what is said beside, what was
/// written, and the report.
struct Ran {
    exit: i32,
    stderr: String,
    out: BTreeMap<String, Vec<u8>>,
    lines: Vec<Value>,
}

impl Ran {
    fn of(fake: &Fake, kind: Kind, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(fake, kind);
        command.args(arguments).arg("-d").arg(folder.path());
        let output = command.output().unwrap();
        assert_discreet(&output, &fake.requests());
        let unmet = fake.unmet();
        assert!(unmet.is_empty(), "nothing met {unmet:?}");
        let stdout = String::from_utf8(output.stdout.clone()).unwrap();
        Self {
            exit: output.status.code().unwrap(),
            stderr: stderr(&output),
            out: contents(folder.path()),
            lines: stdout
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
        }
    }

    /// Fails unless that is the exit code, the summary, and what else is said.
    fn is(&self, exit: i32, summary: &str, says: &[&str]) {
        let Self { stderr, lines, .. } = self;
        assert_eq!(self.exit, exit, "{stderr}");
        let summaries: Vec<_> = stderr
            .lines()
            .filter(|line| line.contains(" skipped, "))
            .collect();
        assert_eq!(summaries, [summary], "{stderr}");
        for part in says {
            assert!(stderr.contains(part), "no `{part}` in {stderr}");
        }
        if exit != 0 {
            assert!(stderr.contains("unreel: hint: "), "{stderr}");
        }
        let count = |ok: bool| lines.iter().filter(|line| line["ok"] == ok).count();
        let numbers: Vec<usize> = summary
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        assert_eq!(
            (count(true), count(false)),
            (numbers[0] + numbers[1], numbers[2]),
            "{stderr}"
        );
        assert_eq!(self.out.len(), numbers[0], "{:?}", self.out.keys());
    }

    fn brought_the_recording(&self) {
        let digest = digest_of(Kind::Voice.id());
        assert!(self.out.values().all(|bytes| sha256(bytes) == digest));
    }
}

#[test]
fn some_of_a_group_fail() {
    let all = &["--all"][..];
    let gone = |fake: &Fake, number: u32| fake.fault(&media_of(number), Fault::status(410), EVER);
    let busy = |fake: &Fake, number: u32| fake.fault(&media_of(number), Fault::status(503), EVER);

    let fake = calls(3);
    let ran = Ran::of(&fake, Kind::Voice, all);
    ran.is(0, "3 decrypted, 0 skipped, 0 failed", &[]);
    ran.brought_the_recording();

    let fake = calls(3);
    (0..3).for_each(|number| busy(&fake, number));
    Ran::of(&fake, Kind::Voice, all).is(
        75,
        "0 decrypted, 0 skipped, 3 failed (3 may work later)",
        &["answered 503", "--if-exists skip"],
    );

    let fake = calls(3);
    busy(&fake, 1);
    let ran = Ran::of(&fake, Kind::Voice, all);
    ran.is(
        75,
        "2 decrypted, 0 skipped, 1 failed (1 may work later)",
        &["1 of 3 inputs failed"],
    );
    ran.brought_the_recording();

    let fake = calls(3);
    busy(&fake, 1);
    gone(&fake, 2);
    let ran = Ran::of(&fake, Kind::Voice, all);
    ran.is(
        10,
        "1 decrypted, 0 skipped, 2 failed (1 may work later)",
        &["answered 410", "answered 503", "2 of 3 inputs failed"],
    );
    ran.brought_the_recording();
    let exits = ran
        .lines
        .iter()
        .filter_map(|line| line["error"]["exit"].as_u64());
    let mut exits: Vec<_> = exits.collect();
    exits.sort_unstable();
    assert_eq!(exits, [9, 75]);

    let fake = calls(2);
    gone(&fake, 0);
    gone(&fake, 1);
    Ran::of(&fake, Kind::Voice, &["CA5eed0000000000000000000000000001"]).is(
        10,
        "0 decrypted, 0 skipped, 2 failed",
        &["2 of 2 inputs failed"],
    );
}

#[test]
fn a_list_breaks_off() {
    let list = "GET api:/2010-04-01/Accounts/";
    let first = "Recordings.json?PageSize=1000";
    let one = "1 decrypted, 0 skipped, 0 failed";
    let none = "0 decrypted, 0 skipped, 0 failed";
    let run = |fake: &Fake| Ran::of(fake, Kind::Voice, &["--all"]);

    // What the first page listed is done.
    let fake = calls(3);
    fake.fault(first, Fault::RepeatPage, 1);
    let ran = run(&fake);
    ran.is(
        9,
        "3 decrypted, 0 skipped, 0 failed",
        &["comes back to a page that it had"],
    );
    ran.brought_the_recording();

    let fake = calls(1);
    fake.fault(first, page(SECOND), 1);
    run(&fake).is(9, one, &["to its end", "error 20001: Invalid PageToken"]);

    for (fault, exit, says) in [
        (Fault::status(503), 75, "answered 503"),
        (Fault::Reset, 75, "cannot reach"),
        (
            Fault::retry_after(429, "3600"),
            75,
            "longer than five minutes",
        ),
        (Fault::CutAfter(10), 75, "broke off"),
        (
            Fault::ErrorPage(Page::Html),
            9,
            "a page of HTML or XML, not JSON",
        ),
        (Fault::ErrorPage(Page::Json), 9, "it is an error, 20500"),
        (Fault::ManyValues(140_000), 9, "more than 131072 values"),
        (Fault::HugeJson(17 << 20), 9, "longer than 16777216 bytes"),
        (Fault::status(401), 9, "error 20003: Authenticate"),
        (
            Fault::RedirectTo("https://10.0.0.1/".into()),
            9,
            "no public address",
        ),
    ] {
        // The second page.
        let fake = calls(1);
        let empty = b"{\"recordings\":[],\"next_page_uri\":null}".to_vec();
        let empty = Fault::Answer(200, "application/json", empty);
        fake.fault("Page=1", empty.and(fault.clone()), EVER);
        fake.fault(first, page(SECOND), 1);
        run(&fake).is(exit, one, &[says, "cannot list"]);
        // The first.
        let fake = calls(1);
        fake.fault(list, fault, EVER);
        let ran = run(&fake);
        ran.is(exit, none, &[says, "cannot list"]);
    }

    // The other way: whatever failed is part of it.
    let busy = || Fault::status(503);
    for (list, media, exit) in [
        (busy(), busy(), 75),
        (busy(), Fault::status(410), 10),
        (Fault::status(400), busy(), 10),
        (Fault::status(400), Fault::status(410), 10),
    ] {
        let fake = calls(1);
        fake.fault("Page=1", list, EVER);
        fake.fault(first, page(SECOND), 1);
        fake.fault(&media_of(0), media.clone(), EVER);
        let later = matches!(media, Fault::Status(503, _));
        let summary = if later {
            "0 decrypted, 0 skipped, 1 failed (1 may work later)"
        } else {
            "0 decrypted, 0 skipped, 1 failed"
        };
        run(&fake).is(exit, summary, &["cannot list"]);
    }
}

#[test]
fn what_is_wrong_with_a_list_is_no_reason_to_stop() {
    // An entry that is no recording, between two that are.
    let fake = calls(2);
    let mut recording = document("twilio-voice/recording.json");
    let mut entries = vec![json!({"sid": "../../etc/passwd"}), json!([]), json!({})];
    for number in [0, 1] {
        recording["sid"] = id(number).into();
        entries.insert(usize::try_from(number).unwrap() * 3, recording.clone());
    }
    let page = json!({"recordings": entries, "next_page_uri": null});
    let page = Fault::Answer(200, "application/json", page.to_string().into_bytes());
    fake.fault("Recordings.json", page, 1);
    let ran = Ran::of(&fake, Kind::Voice, &["--all"]);
    ran.is(
        9,
        "2 decrypted, 0 skipped, 0 failed",
        &["the id in it is none of a recording"],
    );
    ran.brought_the_recording();

    // Recordings whose list comes back, and compositions behind it.
    let fake = Fake::with_fixtures();
    fake.fault("GET api:/v1/Recordings?", Fault::RepeatPage, EVER);
    let ran = Ran::of(&fake, Kind::Video, &["--all", "--if-exists=skip"]);
    // Its first page has two addresses, so it comes twice.
    ran.is(
        9,
        "4 decrypted, 7 skipped, 0 failed",
        &["comes back to a page that it had"],
    );

    // More is promised than comes.
    let fake = Fake::start();
    let mut archive = document("vonage/archive-2.json");
    let link = fake.put("/bucket/archive.mp4", Kind::Vonage.media(), &[], false);
    archive["url"] = link.into();
    let page = json!({"count": 5, "items": [archive]})
        .to_string()
        .into_bytes();
    fake.fault(
        &format!("{}/archive?", crate::fake::APPLICATION),
        Fault::Answer(200, "application/json", page),
        EVER,
    );
    let ran = Ran::of(&fake, Kind::Vonage, &["--all"]);
    ran.is(
        9,
        "1 decrypted, 0 skipped, 0 failed",
        &["its list promises more than comes"],
    );

    // A group that nobody knows.
    let fake = calls(1);
    let unknown = "CA5eed0000000000000000000000000009";
    let ran = Ran::of(&fake, Kind::Voice, &[unknown]);
    ran.is(
        9,
        "0 decrypted, 0 skipped, 0 failed",
        &[unknown, "error 20404"],
    );

    // And one without recordings.
    let fake = calls(1);
    fake.add_group(unknown);
    let ran = Ran::of(&fake, Kind::Voice, &[unknown]);
    ran.is(0, "0 decrypted, 0 skipped, 0 failed", &[unknown]);
}
