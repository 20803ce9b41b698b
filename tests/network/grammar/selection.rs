//! Groups, `--all`, and which recordings of them are meant.

use super::{
    ARCHIVE, ARCHIVE_ELSEWHERE, CA, CF, CJ, Net, RE, RE_ABSENT, RE_OTHER, RE_PLAIN, RE_RUNNING,
    RE_THIRD, RM, RT, RT_DATA, SESSION, outcomes,
};
use crate::common::fixture;
use crate::fake::{Video, Voice};

fn media(path: &str) -> Vec<u8> {
    std::fs::read(fixture(path)).unwrap()
}

/// 2026-09-01T00:00:00Z.
const DAY: i64 = 1_788_220_800;

/// One that opens with `key.pem`, made at that time.
fn voice(number: u32, created: i64) -> Voice {
    Voice {
        created,
        ..Voice::new(
            &format!("RE{number:032x}"),
            &media(&format!("twilio-voice/{RE}.wav.enc")),
            serde_json::from_slice(&media("twilio-voice/details.json")).unwrap(),
        )
    }
}

#[test]
fn a_call_and_a_conference_are_their_recordings() {
    let net = Net::new();
    let ran = net.ends(10, &format!("twilio-voice $ -d out --json {CA}"));
    let expected = [
        (RE, "done"),
        (RE_THIRD, "done"),
        (RE_PLAIN, "not_encrypted"),
        (RE_OTHER, "6"),
    ];
    assert_eq!(ran.outcomes(), outcomes(&expected));
    ran.says(&["2 decrypted, 1 skipped, 1 failed"]);
    net.is_opened(&format!("out/{RE}.wav"), RE);
    let ran = net.ends(0, &format!("twilio-voice $ -d out --json {CF}"));
    assert_eq!(
        ran.outcomes().into_values().collect::<Vec<_>>(),
        ["in_progress"]
    );
    ran.says(&["0 decrypted, 1 skipped, 0 failed"]);
}

#[test]
fn a_room_is_its_recordings_and_compositions_and_a_session_its_archives() {
    let net = Net::new();
    let ran = net.ends(0, &format!("twilio-video $ -d out --json {RM}"));
    let (rt2, cj2) = (RT.replace("001", "002"), CJ.replace("001", "002"));
    let all = [(RT, "done"), (&rt2, "done"), (CJ, "done"), (&cj2, "done")];
    assert_eq!(ran.outcomes(), outcomes(&all));
    let ran = net.ends(10, &format!("vonage $ -d out --json {SESSION}"));
    let all = ran.outcomes();
    assert_eq!(
        (
            all.len(),
            all[ARCHIVE].as_str(),
            all[ARCHIVE_ELSEWHERE].as_str()
        ),
        (6, "done", "9")
    );
}

#[test]
fn all_is_the_whole_account() {
    let net = Net::new();
    let ran = net.ends(10, "twilio-voice $ -k other.pem -d out --json --all");
    let all = ran.outcomes();
    assert_eq!(
        (all.len(), all[RE_OTHER].as_str(), all[RE_RUNNING].as_str()),
        (7, "done", "in_progress")
    );
    assert_eq!(all[RE_ABSENT], "9");
    let ran = net.ends(0, "twilio-video $ -d out --json --all");
    let all = ran.outcomes();
    assert_eq!(
        (all.len(), all[CJ].as_str(), all[RT_DATA].as_str()),
        (7, "done", "data_track")
    );
    let ran = net.ends(10, "vonage $ -d out --json --all");
    assert_eq!(ran.outcomes().len(), 6);
    for command in ["twilio-voice", "twilio-video", "vonage"] {
        net.refuses(2, &format!("{command} $ -d out --all {RE}"), &["--all"]);
        net.refuses(2, &format!("{command} $ -o out.wav --all"), &["-d DIR"]);
        net.refuses(
            2,
            &format!("{command} $ -d out -m meta.json --all"),
            &["--all"],
        );
    }
    net.refuses(2, "qvoice --config c.json -d out --all", &["--all"]);
    net.refuses(2, &format!("twilio-voice $ {CA} -o out.wav"), &["-d DIR"]);
}

#[test]
fn filters_are_sent_and_checked_again() {
    let net = Net::empty();
    for (number, created) in [
        (1, DAY - 1),
        (2, DAY),
        (3, DAY + 3600),
        (4, DAY + 86_399),
        (5, DAY + 86_400),
    ] {
        net.fake.add_voice(voice(number, created));
    }
    for includes in [true, false] {
        net.fake.style(|style| style.until_includes_day = includes);
        for (flags, expected) in [
            ("--since 2026-09-01", vec![2, 3, 4, 5]),
            ("--since 2026-09-01T01:00:00Z", vec![3, 4, 5]),
            ("--since 2026-09-01T01:00:01", vec![4, 5]),
            ("--until 2026-09-01", vec![1]),
            ("--until 2026-09-01T01:00:00Z", vec![1, 2]),
            ("--until 2026-09-01T01:00:01Z", vec![1, 2, 3]),
            ("--until 2026-09-02", vec![1, 2, 3, 4]),
            ("--since 2026-09-01 --until 2026-09-02", vec![2, 3, 4]),
            (
                "--since 2026-09-01T02:00:00+01:00 --until 2026-09-01T03:00:00+01:00",
                vec![3],
            ),
        ] {
            net.fake.forget();
            let ran = net.ends(0, &format!("twilio-voice $ --check --json --all {flags}"));
            let ids: Vec<_> = expected
                .iter()
                .map(|number| format!("RE{number:032x}"))
                .collect();
            assert_eq!(
                ran.outcomes().into_keys().collect::<Vec<_>>(),
                ids,
                "{flags}"
            );
            let first = net.fake.requests().swap_remove(0);
            assert_eq!(
                first.target().contains("DateCreated%3E="),
                flags.contains("since")
            );
            assert_eq!(
                first.target().contains("DateCreated%3C="),
                flags.contains("until")
            );
        }
    }
    // The same of a call.
    let ran = net.ends(
        0,
        &format!("twilio-voice $ --check --json {CA} --since 2026-09-02"),
    );
    assert_eq!(ran.outcomes().len(), 1);
}

#[test]
fn ages_are_from_now() {
    let net = Net::empty();
    let now = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
    .unwrap();
    for (number, age) in [(1, 60), (2, 7200), (3, 86_400 * 8)] {
        net.fake.add_voice(voice(number, now - age));
    }
    for (flags, count) in [
        ("--since 90m", 1),
        ("--since 12h", 2),
        ("--since 7d", 2),
        ("--since 30d", 3),
        ("--until 90m", 2),
        ("--since 7d --until 12h", 0),
    ] {
        let ran = net.ends(0, &format!("twilio-voice $ --check --json --all {flags}"));
        assert_eq!(ran.outcomes().len(), count, "{flags}");
    }
    for bad in ["yesterday", "7", "2026-13-01", "-7d", "1y"] {
        net.refuses(
            2,
            &format!("twilio-voice $ --check --all --since={bad}"),
            &["7d"],
        );
    }
}

#[test]
fn video_and_vonage_have_filters_too() {
    let net = Net::new();
    for (command, flags, count) in [
        (
            "twilio-video",
            format!("{RM} --until 2026-09-01T08:30:00Z"),
            3,
        ),
        (
            "twilio-video",
            format!("{RM} --since 2026-09-01T08:29:00Z"),
            2,
        ),
        (
            "vonage",
            "--all --since 2026-09-01T08:30:00.004Z".to_owned(),
            2,
        ),
        (
            "vonage",
            format!("{SESSION} --until 2026-09-01T08:30:00.001Z"),
            1,
        ),
    ] {
        net.fake.forget();
        let ran = net.ends(0, &format!("{command} $ --check --json {flags}"));
        assert_eq!(ran.outcomes().len(), count, "{flags}\n{}", ran.text());
        let sent = net
            .fake
            .requests()
            .iter()
            .any(|seen| seen.target().contains("DateCreated"));
        assert_eq!(sent, command == "twilio-video");
    }
}

#[test]
fn times_without_a_group_are_refused() {
    let net = Net::new();
    for flags in ["--since 7d", "--until 7d"] {
        for (command, input) in [
            ("twilio-voice", RE),
            ("vonage", ARCHIVE),
            ("decrypt", RT),
            ("twilio-voice -m meta.json", "call.enc"),
        ] {
            net.refuses(
                2,
                &format!("{command} $ -d out {flags} {input}"),
                &["--since", "--all"],
            );
        }
    }
}

#[test]
fn an_empty_group_is_fine_and_said() {
    let net = Net::new();
    let empty = "CA5eed00000000000000000000000000ee";
    let room = "RM5eed00000000000000000000000000ee";
    net.fake.add_group(empty);
    net.fake.add_group(room);
    for (command, input) in [
        ("twilio-voice", empty),
        ("twilio-video", room),
        ("vonage", "2_MXempty"),
        ("twilio-voice", "--all --since 2030-01-01"),
        ("twilio-video", "--all --since 2030-01-01"),
        ("vonage", "--all --since 2030-01-01"),
    ] {
        for more in ["", "--json", "--check-keys"] {
            let folder = if more == "--check-keys" { "" } else { "-d out" };
            let ran = net.ends(0, &format!("{command} $ {folder} {more} {input}"));
            ran.says(&["no recordings found", "0 skipped, 0 failed"]);
            assert!(ran.out.is_empty());
            assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
        }
        let ran = net.ends(0, &format!("{command} -q $ -d out {input}"));
        assert!(ran.err.is_empty(), "{}", ran.err);
        assert!(!net.desk.path("out").exists());
    }
}

#[test]
fn a_group_that_is_not_known_is_the_providers_404() {
    let net = Net::new();
    for (command, id) in [
        ("twilio-voice", "CA5eed00000000000000000000000000ee"),
        ("twilio-voice", "CF5eed00000000000000000000000000ee"),
        ("twilio-video", "RM5eed00000000000000000000000000ee"),
    ] {
        let ran = net.ends(9, &format!("{command} $ -d out {id}"));
        ran.says(&[id, "404", "20404"]);
        // Once.
        assert_eq!(ran.err.matches("unreel: error:").count(), 1, "{}", ran.err);
        let ran = net.ends(9, &format!("inspect {id}"));
        ran.says(&["20404"]);
    }
    // What else was named is done.
    let ran = net.ends(
        9,
        &format!("twilio-voice $ -d out CA5eed00000000000000000000000000ee {RE}"),
    );
    ran.says(&["1 decrypted, 0 skipped, 0 failed", "20404"]);
    // And if a recording failed too, that is told as well.
    let ran = net.ends(
        10,
        &format!("twilio-voice $ -d out CA5eed00000000000000000000000000ee {RE_RUNNING}"),
    );
    ran.says(&["20404", "in-progress", "1 of 1 inputs failed"]);
}

#[test]
fn what_is_not_completed_is_75_by_id_and_skipped_in_groups() {
    let net = Net::new();
    for (number, status) in
        (0x20..).zip(["in-progress", "paused", "stopped", "processing", "dreaming"])
    {
        let call = "CA5eed00000000000000000000000000cc";
        net.fake.add_voice(Voice {
            status: status.into(),
            call: call.into(),
            ..voice(number, DAY)
        });
        let ran = net.ends(75, &format!("twilio-voice $ -d out RE{number:032x}"));
        ran.says(&[status, "run the same command"]);
        let ran = net.ends(0, &format!("twilio-voice $ -d out --json {call}"));
        let line = &ran.lines()[&format!("RE{number:032x}")];
        assert_eq!(
            (&line["skipped"], &line["reason"]),
            (&true.into(), &"in_progress".into())
        );
    }
    net.ends(
        75,
        "twilio-video $ -d out RT5eed0000000000000000000000000010",
    );
    net.ends(
        75,
        "twilio-video $ -d out CJ5eed0000000000000000000000000010",
    );
    // Several: all of them may work later.
    net.ends(
        75,
        &format!("twilio-voice $ -d out {RE_RUNNING} RE{:032x}", 0x21),
    );
    net.ends(
        10,
        &format!("twilio-voice $ -d out {RE_RUNNING} {RE_ABSENT}"),
    );
}

#[test]
fn data_tracks_are_skipped_in_groups_and_tried_by_id() {
    let net = Net::new();
    let room = "RM5eed00000000000000000000000000ff";
    let ran = net.ends(0, &format!("twilio-video $ -d out --json {room}"));
    assert_eq!(ran.outcomes()[RT_DATA], "data_track");
    assert!(net.media_requests().is_empty());
    net.ends(4, &format!("twilio-video $ -d out {RT_DATA}"));
    assert!(!net.media_requests().is_empty());
}

#[test]
fn what_became_of_a_recording_is_said_in_words() {
    let net = Net::new();
    let room = "RM5eed00000000000000000000000000dd";
    let video = |sid: &str, status: &str, external: Option<&str>| Video {
        status: status.into(),
        room: room.into(),
        external: external.map(Into::into),
        ..Video::new(sid, b"x", &[])
    };
    let rt = |number: u32| format!("RT{number:032x}");
    net.fake.add_video(video(&rt(1), "failed", None));
    net.fake.add_video(video(&rt(2), "deleted", None));
    net.fake.add_video(video(
        &rt(3),
        "completed",
        Some("https://mine.example.com/a/b?sig=hush"),
    ));
    net.fake.add_voice(Voice {
        external: Some("https://mine.example.com/a/RE1.wav?sig=hush".into()),
        ..voice(9, DAY)
    });
    let external = format!("RE{:032x}", 9);
    for (command, id, says) in [
        ("twilio-voice", RE_ABSENT, vec!["absent", "16102"]),
        (
            "twilio-voice",
            &external,
            vec![
                "kept elsewhere",
                "https://mine.example.com/a/RE1.wav",
                "--metadata-only",
            ],
        ),
        ("twilio-video", &rt(1), vec!["failed"]),
        ("twilio-video", &rt(2), vec!["deleted"]),
        (
            "twilio-video",
            &rt(3),
            vec!["kept elsewhere", "https://mine.example.com/a/b"],
        ),
        ("vonage", ARCHIVE_ELSEWHERE, vec!["kept elsewhere"]),
    ] {
        let ran = net.ends(9, &format!("{command} $ -d out {id}"));
        ran.says(&says);
        ran.says_nothing_of(&["hush"]);
    }
    // Its keys can be checked all the same, and its metadata be had.
    net.ends(0, &format!("twilio-voice $ --check-keys {external}"));
    net.ends(
        0,
        &format!("twilio-voice --metadata-only -d meta {external} {RE_ABSENT}"),
    );
}

#[test]
fn deleted_recordings_are_for_metadata_and_keys() {
    let net = Net::new();
    let deleted = super::RE_DELETED;
    net.refuses(
        2,
        &format!("twilio-voice $ -d out --include-deleted {deleted}"),
        &["--metadata-only"],
    );
    net.refuses(
        2,
        "twilio-voice --download-only -d out --include-deleted --all",
        &["--check-keys"],
    );
    net.refuses(
        2,
        "twilio-video $ --check-keys --include-deleted --all",
        &["--include-deleted"],
    );
    net.ends(9, &format!("twilio-voice $ -d out {deleted}"))
        .says(&["20404", "--include-deleted"]);
    net.ends(
        0,
        &format!("twilio-voice $ --check-keys --include-deleted {deleted}"),
    );
    let ran = net.ends(
        0,
        &format!("twilio-voice -d out --metadata-only --include-deleted --json {CF}"),
    );
    assert_eq!(ran.outcomes()[deleted], "done");
    let sidecar: serde_json::Value =
        serde_json::from_slice(&net.desk.read(&format!("out/{deleted}.json"))).unwrap();
    assert_eq!(sidecar["status"], "deleted");
    let ran = net.ends(
        0,
        &format!("twilio-voice -d out2 --metadata-only --json {CF}"),
    );
    assert!(!ran.outcomes().contains_key(deleted));
}
