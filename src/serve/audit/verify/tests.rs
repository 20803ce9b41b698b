//! What is a whole log, here and by Python; and crashes, which leave one.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::super::error::AuditError;
use super::super::tests::*;
use super::super::{Audit, verify_audit};
use super::*;

const GARBAGE: &[u8] = b"not a line\n";

fn ends(bytes: &[u8]) -> Vec<usize> {
    let places = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    places.map(|(place, _)| place + 1).collect()
}

fn broken(bytes: &[u8]) -> Broken {
    assert_eq!(by_python(bytes), None);
    match verify(bytes) {
        Err(NotVerified::Broken(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

/// Of a crash in the middle of a write, or of a power cut, any start of it may be left.
#[test]
fn a_crash_at_each_byte_leaves_a_log_that_goes_on() {
    let desk = Desk::new();
    let whole = desk.filled(4);
    let ends = ends(&whole);
    for cut in ends[1]..=whole.len() {
        desk.put(&whole[..cut]);
        let found = verify_audit(&desk.path()).unwrap();
        // A line that lacks its newline only is whole.
        let lines = ends.iter().filter(|end| **end - 1 <= cut).count();
        let is_cut = !ends.iter().any(|end| cut == *end || cut == *end - 1);
        assert_eq!((found.lines, found.is_cut), (lines as u64, is_cut), "{cut}");
        let audit = desk.open();
        desk.write(&audit, 9).unwrap();
        desk.wait(audit.close()).unwrap();
        let after = desk.bytes();
        let kept = ends[lines - 1];
        assert!(after[..kept] == whole[..kept], "{cut}");
        let text = after.split(|byte| *byte == b'\n');
        let parsed: Vec<serde_json::Value> = text
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let mut expected = vec!["play"; lines];
        if is_cut {
            expected.push("recovered");
            let line = &parsed[lines];
            assert_eq!(line["prev"], found.last_hash, "{cut}");
            assert_eq!(line["bytes"], cut - kept);
            let torn = std::str::from_utf8(&whole[kept..cut]).unwrap_or("\u{fffd}");
            let reason = line["reason"].as_str().unwrap();
            assert!(torn == "\u{fffd}" || reason == torn, "{reason}");
        }
        expected.push("play");
        assert_eq!(events(&parsed), expected, "{cut}");
        assert_eq!(seqs(&parsed), (1..=parsed.len() as u64).collect::<Vec<_>>());
        assert!(verify(after.as_slice()).is_ok(), "{cut}");
        if cut % 50 == 0 {
            assert_eq!(by_us(&after), by_python(&after), "{cut}");
        }
    }
}

#[test]
fn a_crash_while_it_recovers_leaves_a_log_that_goes_on() {
    let desk = Desk::new();
    let whole = desk.filled(2);
    let mut cut = whole.len() - 10;
    for round in 0..40 {
        let bytes = desk.bytes();
        desk.put(&bytes[..cut]);
        let audit = desk.open();
        desk.wait(audit.close()).unwrap();
        let after = desk.bytes();
        // Of the line that says so.
        cut = after.len() - 1 - (round * 7) % 200;
    }
    let lines = desk.lines();
    assert_eq!(lines[0]["event"], "play");
    assert!(lines[1..].iter().all(|line| line["event"] == "recovered"));
}

#[test]
fn a_first_line_that_was_cut_is_recovered_from_zeros() {
    let desk = Desk::new();
    for start in [
        &b"{"[..],
        b"{\"schema\":1,\"seq\":57,\"time\":\"",
        b"\0\0\0\0",
    ] {
        desk.put(start);
        desk.filled(1);
        let lines = desk.lines();
        assert_eq!(events(&lines), ["recovered", "play"]);
        assert_eq!(seqs(&lines), [1, 2]);
        assert_eq!(lines[0]["prev"], "0".repeat(64));
    }
}

/// Where nothing may be taken away, the cut line stays, and is ended.
#[test]
fn a_cut_line_may_stay_before_a_recovered_one() {
    let desk = Desk::new();
    let whole = desk.filled(3);
    let ends = ends(&whole);
    desk.put(&whole[..ends[1] + 20]);
    let recovered = desk.filled(0);
    let behind = &recovered[ends[1]..];
    let torn = &whole[ends[1]..ends[1] + 20];
    let kept = [&whole[..ends[1]], torn, b"\n", torn, b"\n", behind].concat();
    assert_eq!(by_us(&kept), by_us(&recovered));
    assert_eq!(by_us(&kept), by_python(&kept));
    desk.put(&kept);
    desk.filled(1);
    assert_eq!(events(&desk.lines()), ["play", "play", "recovered", "play"]);
    // A crash before that line was whole.
    for cut in [1, 30] {
        desk.put(&kept[..kept.len() - cut]);
        desk.filled(1);
        let lines = desk.lines();
        assert_eq!(events(&lines), ["play", "play", "recovered", "play"]);
    }
    // Before any other line, or before none, it is broken.
    let third = &whole[ends[1]..];
    for behind in [third, b"", GARBAGE, &third[..third.len() - 1]] {
        let bytes = [&whole[..ends[1]], torn, b"\n", behind].concat();
        assert_eq!(broken(&bytes).line, 3);
        desk.put(&bytes);
        let error = desk.try_open().err().unwrap();
        assert!(matches!(error, AuditError::Broken { .. }), "{error}");
        assert!(desk.bytes() == bytes);
    }
}

#[test]
fn a_log_that_is_broken_is_refused_by_its_first_broken_line() {
    let desk = Desk::new();
    let whole = desk.filled(4);
    let ends = ends(&whole);
    let line =
        |number: usize| &whole[number.checked_sub(2).map_or(0, |at| ends[at])..ends[number - 1]];
    let (one, two, three, four) = (line(1), line(2), line(3), line(4));
    let text = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap();
    let skipped = text(two).replace("\"seq\":2", "\"seq\":3");
    let other = text(two).replace("\"bytes\":1", "\"bytes\":2");
    let schema = text(two).replace("\"schema\":1", "\"schema\":2");
    let rotated = text(two).replace("play", "rotated");
    let long = " ".repeat(1 << 21);
    for (parts, number, why) in [
        (vec![two, three, four], 1, Why::Start),
        (vec![one, three, four], 2, Why::Hash),
        (vec![one, three, two, four], 2, Why::Hash),
        (vec![one, two, two, three], 3, Why::Hash),
        (vec![one, one, two], 2, Why::Hash),
        (vec![one, skipped.as_bytes()], 2, Why::Sequence),
        (vec![one, other.as_bytes(), three, four], 3, Why::Hash),
        (vec![one, rotated.as_bytes(), three], 3, Why::Hash),
        (vec![one, schema.as_bytes(), three], 2, Why::NotALine),
        (vec![one, b"\n", two], 2, Why::NotALine),
        (vec![GARBAGE], 1, Why::NotALine),
        (vec![one, GARBAGE, two], 2, Why::NotALine),
        (vec![one, two, three, four, GARBAGE], 5, Why::NotALine),
        (vec![one, two, b"{}\n"], 3, Why::NotALine),
        (vec![one, two, b"{}"], 3, Why::NotALine),
        (vec![one, long.as_bytes()], 2, Why::NotALine),
        (vec![b"\xef\xbb\xbf", one, two], 1, Why::NotALine),
    ] {
        let bytes = parts.concat();
        let found = verify(bytes.as_slice());
        let expected = Broken { line: number, why };
        let Err(NotVerified::Broken(found)) = found else {
            panic!("{found:?} is not {expected}");
        };
        assert_eq!(found, expected);
        desk.put(&bytes);
        let error = desk.try_open().err().unwrap();
        assert!(
            error.to_string().ends_with(&expected.to_string()),
            "{error}"
        );
        assert!(desk.bytes() == bytes);
    }
}

#[test]
fn no_bit_of_a_line_with_others_behind_it_can_be_changed() {
    let desk = Desk::new();
    let whole = desk.filled(3);
    let last = ends(&whole)[1];
    for place in 0..last {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[place] ^= 1 << bit;
            assert!(verify(changed.as_slice()).is_err(), "{place} {bit}");
        }
    }
}

#[test]
fn a_log_is_whole_by_the_hash_of_its_last_line() {
    let desk = Desk::new();
    let whole = desk.filled(3);
    let found = verify_audit(&desk.path()).unwrap();
    let mut sha256sum = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let last = &whole[ends(&whole)[1]..whole.len() - 1];
    sha256sum.stdin.take().unwrap().write_all(last).unwrap();
    let output = sha256sum.wait_with_output().unwrap().stdout;
    assert_eq!(output[..64], *found.last_hash.as_bytes());
    assert_eq!((found.lines, found.is_cut), (3, false));
    assert_eq!(by_us(b""), by_python(b""));
    assert_eq!(verify(&b""[..]).unwrap().last_hash, "0".repeat(64));
    let missing = verify_audit(&desk.at("missing")).unwrap_err();
    assert!(matches!(missing, NotVerified::Read(_)));
}

/// A log is verified while it is written: a lock is in nobody's way.
#[test]
fn a_log_that_is_written_can_be_verified() {
    let desk = Desk::new();
    let audit = desk.open();
    desk.write(&audit, 0).unwrap();
    assert_eq!(verify_audit(&desk.path()).unwrap().lines, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any crashes, rotations and changes: never a log that is not whole, never one that lost a line.
    #[test]
    fn whatever_happens_the_log_is_whole(steps in prop::collection::vec((0..5_u8, any::<u16>()), 1..12)) {
        let desk = Desk::new();
        let mut audit = desk.open();
        let mut written = 0;
        for (step, amount) in steps {
            match step {
                0 | 1 => {
                    for number in 0..u64::from(amount % 4) {
                        desk.write(&audit, number).unwrap();
                        written += 1;
                    }
                }
                2 => {
                    desk.put(b"");
                    desk.wait(audit.try_it()).unwrap();
                    written = 0;
                }
                3 => {
                    fs_err::rename(desk.path(), desk.at("old")).unwrap();
                    desk.wait(audit.reopen()).unwrap();
                    written = 0;
                }
                _ => {
                    desk.wait(audit.close()).unwrap();
                    let bytes = desk.bytes();
                    let torn = play(7);
                    let cut = usize::from(amount) % 300;
                    let mut line = serde_json::to_vec(&torn.identity).unwrap();
                    line.splice(0..0, b"{\"schema\":1,\"seq\":9,\"identity\":".iter().copied());
                    line.truncate(cut);
                    desk.put(&[bytes, line].concat());
                    audit = desk.open();
                }
            }
            let bytes = desk.bytes();
            prop_assert!(verify(bytes.as_slice()).is_ok());
            let plays = String::from_utf8(bytes).unwrap().matches("\"event\":\"play\"").count();
            prop_assert_eq!(plays, written);
        }
    }
}

/// `--audit-log` with the name of a file that is none, and that does not end with a newline.
#[test]
fn a_file_that_is_no_log_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let key = include_bytes!("../../../../fixtures/keys/no-final-newline.pem");
    for text in [
        &b"supersecrettoken0123456789abcdef"[..],
        key,
        b"one line\nand another",
        b"{\"key\":\"AAAA\"",
        b"{\"schema\":2,\"seq\":1",
        b"\xef\xbb\xbf{",
        b"1",
        b"\0\0\x01",
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Audit::open(&path).err();
        assert!(
            matches!(error, Some(AuditError::Broken { .. })),
            "{error:?}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), text);
    }
}
