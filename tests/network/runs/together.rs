//! Two runs of one command at once.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use super::{Place, add_voices, lines, sid, text};
use crate::common::made::{encrypted, say};
use crate::common::stderr;
use crate::fake::Fake;

const COUNT: usize = 120;

/// Two runs at once: each recording is done by one of them, and passed over by the other.
fn both(options: &[&str], endings: &[&str]) {
    let (fake, place) = (Fake::start(), Place::new());
    let plain = add_voices(&fake, COUNT, 4000);
    fake.latency(Duration::from_millis(3));
    let children: Vec<_> = (0..2)
        .map(|_| {
            let mut command = place.voice(&fake, options);
            command.args(["--all", "-j", "4", "--if-exists", "skip", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("it starts")
        })
        .collect();
    let mut by: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{options:?}\n{said}");
        for line in lines(&output) {
            let skipped = line["skipped"] == true;
            assert!(!skipped || line["reason"] == "exists", "{line}");
            by.entry(text(&line, "id").to_owned())
                .or_default()
                .push(skipped);
        }
    }
    assert_eq!(by.len(), COUNT);
    for (id, mut skipped) in by {
        skipped.sort_unstable();
        assert_eq!(skipped, [false, true], "{options:?}: {id}");
    }
    let mut out = place.out();
    for number in 0..COUNT {
        for ending in endings {
            let name = format!("{}.{ending}", sid(number));
            let bytes = out
                .remove(&name)
                .unwrap_or_else(|| panic!("{options:?}: no {name}"));
            match *ending {
                "wav" => assert!(bytes == plain, "{name}"),
                "enc" => assert!(bytes == encrypted(&plain), "{name}"),
                _ => assert!(bytes.starts_with(b"{"), "{name}"),
            }
        }
    }
    assert!(out.is_empty(), "{options:?}: {:?}", out.keys());
    place.assert_no_temporary("two runs");
    let media = fake.requests();
    let media = media
        .iter()
        .filter(|seen| seen.target().contains("Recordings/RE"));
    say(&format!(
        "COUNT: {options:?} twice at once: {} media asked for",
        media.count()
    ));
}

#[test]
fn of_two_runs_at_once_each_recording_is_made_by_one() {
    both(&[], &["wav"]);
    both(&["--save-metadata"], &["wav", "json"]);
}

#[test]
fn of_two_runs_at_once_no_media_loses_what_opens_it() {
    both(&["--download-only"], &["enc", "json"]);
    both(&["--metadata-only"], &["json"]);
}
