//! Thousands of recordings: each is reported once, and memory stays where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::{Value, json};

use super::{Place, add_voices, details, details_for, ends, lines, measured, sid, text};
use crate::common::made::{encrypted, plaintext, say};
use crate::common::{fixture, stderr};
use crate::fake::{Fake, Fault, Voice, VoiceMedia};

const MIB: u64 = 1024;

/// What becomes of the recordings of [`add_troubled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It comes, at last.
    Comes,
    Tampered,
    WrongKey,
    Busy,
    Gone,
}

/// Every twentieth of `count` recordings is in trouble of its own kind.
fn add_troubled(fake: &Fake, count: usize) -> (Vec<u8>, Vec<Fate>) {
    fake.style(|style| style.voice_media = VoiceMedia::AtStorage);
    let plain = add_voices(fake, count, 3000);
    let mut changed = encrypted(&plain);
    changed[1500] ^= 1;
    let other = details_for("keys/other.pem");
    let fates = (0..count).map(|number| {
        if number % 20 != 7 {
            return Fate::Comes;
        }
        let sid = sid(number);
        let stored = format!(
            "storage:/com-twilio-us1-recordings/{}/{sid}",
            crate::fake::ACCOUNT
        );
        let asked = format!("Recordings/{sid}");
        match number / 20 % 9 {
            0 => fake.fault(&stored, Fault::CutAfter(1000), 1),
            1 => fake.fault(&asked, Fault::status(503), 1),
            2 => fake.fault(&stored, Fault::retry_after(429, "0"), 2),
            3 => fake.fault(&stored, Fault::Expired, 1),
            4 => fake.fault(&stored, Fault::ResetAfter(100), 1),
            5 => {
                let voice = Voice::new(&sid, &changed, details());
                fake.add_voice(Voice {
                    created: voice.created - 9,
                    ..voice
                });
                return Fate::Tampered;
            }
            6 => {
                let voice = Voice::new(&sid, &encrypted(&plain), other.clone());
                fake.add_voice(Voice {
                    created: voice.created - 9,
                    ..voice
                });
                return Fate::WrongKey;
            }
            7 => {
                fake.fault(&stored, Fault::status(500), usize::MAX);
                return Fate::Busy;
            }
            _ => {
                fake.fault(&stored, Fault::NotFound, usize::MAX);
                return Fate::Gone;
            }
        }
        Fate::Comes
    });
    let fates = fates.collect();
    (plain, fates)
}

#[test]
fn two_thousand_with_faults_are_each_decrypted_or_reported_once() {
    const COUNT: usize = 2000;
    let (fake, place) = (Fake::start(), Place::new());
    let (plain, fates) = add_troubled(&fake, COUNT);
    let begin = Instant::now();
    let arguments = ["--all", "-j", "8", "--retries", "2", "--json"];
    let (output, memory) = measured(&place.voice(&fake, &arguments));
    let took = begin.elapsed();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(10), "{said}");

    let mut reported = BTreeMap::new();
    for line in lines(&output) {
        let id = text(&line, "id").to_owned();
        assert!(reported.insert(id.clone(), line).is_none(), "{id} twice");
    }
    assert_eq!(reported.len(), COUNT);
    let files = place.out();
    let mut counts = BTreeMap::new();
    for (number, fate) in fates.iter().enumerate() {
        let sid = sid(number);
        let line = &reported[&sid];
        let code = match fate {
            Fate::Comes => "",
            Fate::Tampered => "integrity",
            Fate::WrongKey => "wrong_key",
            Fate::Busy => "temporary",
            Fate::Gone => "provider",
        };
        assert_eq!(text(&line["error"], "code"), code, "{fate:?}: {line}");
        assert_eq!(line["ok"], code.is_empty(), "{line}");
        let file = files.get(&format!("{sid}.wav"));
        assert_eq!(file.is_some(), *fate == Fate::Comes, "{sid}");
        assert!(file.is_none_or(|bytes| *bytes == plain), "{sid}");
        *counts.entry(*fate).or_insert(0_usize) += 1;
    }
    assert_eq!(files.len(), counts[&Fate::Comes]);
    place.assert_no_temporary("2,000 recordings");
    let failed = COUNT - counts[&Fate::Comes];
    let summary = format!(
        "{} decrypted, 0 skipped, {failed} failed ({} may work later)",
        counts[&Fate::Comes],
        counts[&Fate::Busy]
    );
    assert!(said.contains(&summary), "no `{summary}` in\n{said}");
    say(&format!(
        "COUNT: 2,000 recordings: {took:?}, {memory:?} KiB at most, {counts:?}"
    ));
    assert!(
        memory.is_none_or(|memory| memory < 64 * MIB),
        "{memory:?} KiB"
    );
}

/// How much memory a run over `count` recordings takes that are not encrypted, in KiB.
fn memory_of(count: usize, options: &[&str]) -> Option<u64> {
    let (fake, place) = (Fake::start(), Place::new());
    fake.flood_voice(Voice::new(&sid(0), &plaintext(1000), Value::Null), count);
    let begin = Instant::now();
    let mut command = place.voice(&fake, options);
    // What several heaps leave unused between what they hold is no growth, but looks like it.
    command.env("MALLOC_ARENA_MAX", "1");
    let (output, memory) = measured(&command);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    let is_described = options.contains(&"--metadata-only");
    let summary = if is_described {
        format!("{count} described, 0 skipped, 0 failed")
    } else {
        format!("0 decrypted, {count} skipped, 0 failed")
    };
    assert!(said.contains(&summary), "no `{summary}`");
    assert_eq!(fake.requests().len(), count.div_ceil(1000));
    let expected = if is_described { count } else { 0 };
    assert_eq!(place.out().len(), expected);
    say(&format!(
        "COUNT: {count} of a list: {:?}, {memory:?} KiB at most",
        begin.elapsed()
    ));
    memory
}

/// Fails unless both are the same but for some MiB.
fn assert_constant(few: Option<u64>, many: Option<u64>) {
    if let (Some(few), Some(many)) = (few, many) {
        assert!(many < few + 5 * MIB, "{few} KiB became {many} KiB");
        assert!(many < 48 * MIB, "{many} KiB");
    }
}

#[test]
fn memory_does_not_grow_with_the_list() {
    let options = ["--all", "--json"];
    assert_constant(memory_of(5_000, &options), memory_of(100_000, &options));
}

#[test]
#[ignore = "takes minutes"]
fn long_memory_does_not_grow_with_a_list_of_a_million() {
    let options = ["--all", "--json"];
    assert_constant(memory_of(5_000, &options), memory_of(1_000_000, &options));
}

#[test]
#[ignore = "takes minutes"]
fn long_memory_does_not_grow_with_the_sidecars() {
    let options = ["--all", "--metadata-only", "-j", "8"];
    assert_constant(memory_of(2_000, &options), memory_of(50_000, &options));
}

/// A thousand of which every tenth is the second key's, and ten are nobody's.
fn add_keys(fake: &Fake) -> (BTreeSet<String>, BTreeSet<String>) {
    let media = encrypted(&plaintext(1000));
    let second = details_for("keys/other.pem");
    let mut nobodys = details();
    nobodys["encrypted_cek"] = json!(base64_of(&[7; 256]));
    let (mut of_second, mut of_nobody) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..1000 {
        let encryption = match number {
            _ if number % 100 == 3 => {
                of_nobody.insert(sid(number));
                &nobodys
            }
            _ if number % 10 == 0 => {
                of_second.insert(sid(number));
                &second
            }
            _ => &details(),
        };
        fake.add_voice(Voice::new(&sid(number), &media, encryption.clone()));
    }
    (of_second, of_nobody)
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

#[test]
fn keys_are_checked_with_one_request_and_no_media() {
    let (fake, place) = (Fake::start(), Place::new());
    let (of_second, of_nobody) = add_keys(&fake);
    let second = fixture("keys/other.pem");
    let second = second.to_str().expect("a name");
    let keys = [
        "twilio-voice",
        "--check-keys",
        "-k",
        "key.pem",
        "-k",
        second,
        "--json",
    ];
    let check = |more: &[&str]| {
        let mut command = place.unreel(&fake, &keys);
        command.args(more);
        command
    };
    let begin = Instant::now();
    let output = ends(check(&["--all", "-j", "8"]), 10);
    say(&format!(
        "COUNT: 1,000 keys checked in {:?}",
        begin.elapsed()
    ));
    let requests = fake.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].target().contains("PageSize=1000"));
    let lines = lines(&output);
    assert_eq!(lines.len(), 1000);
    let mut by = BTreeMap::new();
    for line in &lines {
        let key = text(line, "key_fingerprint");
        let ids: &mut BTreeSet<_> = by.entry(key).or_default();
        assert!(ids.insert(text(line, "id").to_owned()), "{line}");
        let code = if line["ok"] == true { "" } else { "wrong_key" };
        assert_eq!(text(&line["error"], "code"), code, "{line}");
        assert_eq!(line["ok"] == true, !key.is_empty(), "{line}");
        assert!(line["output"].is_null(), "{line}");
    }
    let mut sizes: Vec<_> = by.values().cloned().collect();
    sizes.sort_by_key(BTreeSet::len);
    assert_eq!(sizes.len(), 3, "{:?}", by.keys());
    assert!(sizes[0] == of_nobody && sizes[1] == of_second);
    assert_eq!(sizes[2].len(), 890);
    place.assert_empty("checked keys");
    assert!(stderr(&output).contains("990 can be opened, 0 skipped, 10 failed"));

    fake.forget();
    ends(check(&[&sid(3)]), 6);
    ends(check(&[&sid(4)]), 0);
    assert_eq!(fake.requests().len(), 2);
    place.assert_empty("one key");
}
