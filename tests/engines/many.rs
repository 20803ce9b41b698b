//! [`Many`]: recordings, some of them damaged, a manifest of them, and what must have become of them.
#![allow(unreachable_pub, reason = "it is for the tests beside it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use serde_json::{Value, json};

use crate::common::made::{encrypted, plaintext};
use crate::common::{Desk, VOICE, run_with, stderr};

/// How many outputs [`Many::lose_and_mend`] removes.
pub const LOST: usize = 3;

/// A folder with `in/`, `m.jsonl` and `key.pem`. Every 25th recording is damaged, every 100th line
/// of the manifest no JSON.
pub struct Many {
    pub desk: Desk,
    media: Vec<u8>,
    plain: Vec<u8>,
    good: BTreeSet<String>,
    damaged: BTreeSet<String>,
    malformed: usize,
}

impl Many {
    pub fn new(count: usize) -> Self {
        let plain = plaintext(4000);
        let desk = Desk::new();
        let document: Value = serde_json::from_slice(&desk.read("meta.json")).unwrap();
        let mut many = Self {
            media: encrypted(&plain),
            desk,
            plain,
            good: BTreeSet::new(),
            damaged: BTreeSet::new(),
            malformed: 0,
        };
        fs::create_dir(many.desk.path("tmp")).unwrap();
        let mut manifest = String::new();
        for number in 0..count {
            let id = format!("RE{number:032x}");
            let mut media = many.media.clone();
            if number % 25 == 7 {
                media[number] ^= 1;
                many.damaged.insert(id.clone());
            } else {
                many.good.insert(id.clone());
            }
            many.desk.write(&input(&id), media);
            let mut document = document.clone();
            document["sid"] = id.as_str().into();
            let line = json!({"input": input(&id), "metadata": document, "ref": number});
            writeln!(manifest, "{line}").unwrap();
            if number % 100 == 50 {
                writeln!(manifest, "{{\"input\": cut off {number}").unwrap();
                many.malformed += 1;
            }
        }
        many.desk.write("m.jsonl", manifest);
        many
    }

    /// The same, each with its metadata beside it.
    pub fn with_sidecars(count: usize) -> Self {
        let many = Self::new(count);
        let document = String::from_utf8(many.desk.read("meta.json")).unwrap();
        for id in many.good.union(&many.damaged) {
            many.desk
                .write(&format!("in/{id}.json"), document.replace(VOICE, id));
        }
        many
    }

    /// How many lines the manifest has.
    pub fn count(&self) -> usize {
        self.good.len() + self.damaged.len() + self.malformed
    }

    pub fn make_program(&self, name: &str) {
        fs::set_permissions(self.desk.path(name), Permissions::from_mode(0o700)).unwrap();
    }

    /// A program of this name that goes before unreel.
    pub fn stub(&self, script: &str) {
        self.desk
            .write("bin/unreel", format!("#!/bin/bash\n{script}\n"));
        self.make_program("bin/unreel");
    }

    /// From now on the first runs are killed when they have done three recordings, one shard or
    /// partition after another. Returns what looks whether any was, before it had done all.
    pub fn kill_the_first(&self, count: usize) -> impl Fn() + use<> {
        let kills = self.desk.path("kills");
        fs::create_dir(&kills).unwrap();
        let real = env!("CARGO_BIN_EXE_unreel");
        self.stub(&format!(
            "for kill in {{1..{count}}}; do\n  \
               mkdir '{kills}/'$kill 2>/dev/null || continue\n  \
               exec 4<&0\n  \
               exec 3< <(exec '{real}' \"$@\" <&4 4<&-)\n  \
               real=$!\n  \
               for line in 1 2 3; do read -r -u 3 && echo \"$REPLY\"; done\n  \
               kill -KILL $real\n  \
               wait $real\n  \
               echo $? >'{kills}/'$kill/code\n  \
               kill -KILL $$\n\
             done\n\
             exec '{real}' \"$@\"",
            kills = kills.display(),
        ));
        move || {
            let code = |kill| fs::read_to_string(kills.join(format!("{kill}/code"))).unwrap();
            let codes: Vec<_> = (1..=count).map(code).collect();
            assert!(codes.iter().any(|code| code == "137\n"), "{codes:?}");
        }
    }

    /// With `bin/` in front of the PATH.
    pub fn with_wrapper<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let set = |name: &str| {
            let mut set = command.get_envs().filter(|(key, _)| *key == name);
            set.next()
                .and_then(|(_, value)| value)
                .map(ToOwned::to_owned)
        };
        let mut path = self.desk.path("bin").into_os_string();
        path.push(":");
        path.push(set("PATH").unwrap());
        let home = self.desk.path(".");
        command
            .env("PATH", path)
            .env("HOME", home)
            .env("TMPDIR", self.desk.path("tmp"))
    }

    /// The report of one shard, some of whose recordings may have failed.
    pub fn shard(&self, mut command: Command) -> Vec<Value> {
        command.env("TMPDIR", self.desk.path("tmp"));
        let output = run_with(command, b"");
        let said = stderr(&output);
        let lines = lines(&output.stdout);
        let failed = lines.iter().any(|line| line["ok"] == false);
        let code = if failed { 10 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(lines.len() < self.count(), "a shard is not all");
        lines
    }

    /// The lines in the files of a folder whose names begin so.
    pub fn lines_of(&self, folder: &str, begin: &str) -> Vec<Value> {
        let files = crate::common::contents(&self.desk.path(folder));
        let files = files.iter().filter(|(name, _)| name.starts_with(begin));
        files.flat_map(|(_, text)| lines(text)).collect()
    }

    /// Every line of the manifest has one line of the report.
    pub fn assert_once(&self, report: &[Value]) {
        let number = |line: &Value| line["line"].as_u64().unwrap();
        let mut numbers: Vec<_> = report.iter().map(number).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(1..=self.count() as u64));
    }

    /// What is damaged is said to be, and nothing else is.
    pub fn assert_failed(&self, failed: &[Value]) {
        let of = |code: u64| {
            failed
                .iter()
                .filter(move |line| line["error"]["exit"] == code)
        };
        let damaged: BTreeSet<_> = of(7).map(|line| line["input"].as_str().unwrap()).collect();
        let expected: Vec<_> = self.damaged.iter().map(|id| input(id)).collect();
        assert!(damaged.into_iter().eq(expected.iter().map(String::as_str)));
        assert_eq!(of(4).count(), self.malformed);
        assert_eq!(failed.len(), self.damaged.len() + self.malformed);
    }

    /// Every good recording is there, once and whole, and nothing else.
    pub fn assert_outputs(&self) {
        let outputs = crate::common::contents(&self.desk.path("out"));
        let expected = self.good.iter().map(|id| format!("{id}.wav"));
        let names: Vec<_> = outputs.keys().collect();
        assert!(outputs.keys().cloned().eq(expected), "{names:?}");
        assert!(outputs.values().all(|bytes| *bytes == self.plain));
        let left = fs::read_dir(self.desk.path("out")).unwrap().count();
        assert_eq!(left, self.good.len());
    }

    /// The outputs, by what a file that was written anew would differ in.
    pub fn inodes(&self) -> BTreeMap<String, (u64, i64, i64)> {
        let entries = fs::read_dir(self.desk.path("out")).unwrap();
        let entries = entries.map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            (
                name,
                (metadata.ino(), metadata.mtime(), metadata.mtime_nsec()),
            )
        });
        entries.collect()
    }

    /// Removes some outputs, and mends half of the damaged recordings.
    pub fn lose_and_mend(&mut self) {
        for id in self.good.iter().take(LOST) {
            fs::remove_file(self.desk.path(&format!("out/{id}.wav"))).unwrap();
        }
        self.mend(self.damaged.len() / 2);
    }

    /// Nothing is damaged any more, and every line is JSON.
    pub fn mend_all(&mut self) {
        self.mend(self.damaged.len());
        let manifest = String::from_utf8(self.desk.read("m.jsonl")).unwrap();
        let lines = manifest.lines().filter(|line| !line.contains("cut off"));
        let manifest: String = lines.map(|line| format!("{line}\n")).collect();
        self.desk.write("m.jsonl", manifest);
        self.malformed = 0;
    }

    fn mend(&mut self, count: usize) {
        for _ in 0..count {
            let id = self.damaged.pop_first().unwrap();
            self.desk.write(&input(&id), &self.media);
            self.good.insert(id);
        }
    }

    /// But for those that were lost, the outputs are those of before.
    pub fn assert_kept(&self, before: &BTreeMap<String, (u64, i64, i64)>) {
        let now = self.inodes();
        let kept = before.iter().skip(LOST);
        for (name, was) in kept {
            assert_eq!(now.get(name), Some(was), "{name} was written again");
        }
    }
}

/// The name of a recording's media.
fn input(id: &str) -> String {
    format!("in/{id}.wav.enc")
}

fn lines(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line));
    lines.collect()
}
