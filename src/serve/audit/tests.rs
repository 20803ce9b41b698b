use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::*;

/// A folder for a log, and a clock that stands still.
pub(super) struct Desk {
    pub(super) folder: TempDir,
    runtime: Runtime,
    now: Arc<Mutex<Timestamp>>,
}

impl Desk {
    pub(super) fn new() -> Self {
        // Where syncing takes no time.
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self {
            folder: folder.unwrap(),
            runtime: Builder::new_multi_thread()
                .worker_threads(2)
                .build()
                .unwrap(),
            now: Arc::new(Mutex::new(Timestamp::from_second(1_796_040_000).unwrap())),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn try_open(&self) -> Result<Audit, AuditError> {
        let now = Arc::clone(&self.now);
        Audit::open_with(&self.path(), Arc::new(move || *now.lock().unwrap()))
    }

    pub(super) fn open(&self) -> Audit {
        self.try_open().unwrap()
    }

    pub(super) fn passes(&self, seconds: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_secs(seconds);
    }

    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(super) fn write(&self, audit: &Audit, number: u64) -> Result<(), AuditError> {
        self.wait(audit.write(play(number)))
    }

    /// A log of so many lines, closed again.
    pub(super) fn filled(&self, lines: u64) -> Vec<u8> {
        let audit = self.open();
        for number in 0..lines {
            self.write(&audit, number).unwrap();
        }
        self.wait(audit.close()).unwrap();
        self.bytes()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        fs_err::read(self.path()).unwrap()
    }

    pub(super) fn put(&self, bytes: &[u8]) {
        fs_err::write(self.path(), bytes).unwrap();
    }

    /// The lines, verified here and by [`PYTHON`].
    pub(super) fn lines(&self) -> Vec<serde_json::Value> {
        lines_of(&self.path())
    }
}

pub(super) fn play(number: u64) -> Entry {
    Entry {
        recording: Some("RE0123456789abcdef0123456789abcdef".to_owned()),
        identity: Some("jürgen".to_owned()),
        bytes: Some(number),
        status: Some(206),
        ..Entry::of(Event::Play)
    }
}

pub(super) fn stranger(address: &str) -> Entry {
    Entry {
        address: Some(address.parse().unwrap()),
        status: Some(401),
        is_anonymous: true,
        ..Entry::of(Event::Deny)
    }
}

/// Reads a log by what is documented of it; prints the number of lines, the last hash, and whether the last
/// line is cut.
const PYTHON: &str = r#"
import hashlib, json, sys
lines, prev, seq, cut = 0, None, None, False
for text in sys.stdin.buffer:
    whole = text.endswith(b"\n")
    text = text[: -1 if whole else None]
    try:
        line = json.loads(text)
    except ValueError:
        cut = True
        continue
    assert line["schema"] == 1 and (not cut or line["event"] == "recovered")
    first = prev is None and line["event"] == "rotated"
    assert first or line["prev"] == (prev or "0" * 64)
    assert prev is None or line["seq"] == seq + 1
    lines, prev, seq, cut = lines + 1, hashlib.sha256(text).hexdigest(), line["seq"], False
assert not cut or not whole
print(lines, prev or "0" * 64, cut, end="")
"#;

/// What Python says of a log; `None` if it is broken.
pub(super) fn by_python(bytes: &[u8]) -> Option<String> {
    let python = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut python) = python else {
        eprintln!("skipped: there is no python3");
        return by_us(bytes);
    };
    python.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = python.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then_some(text)
}

pub(super) fn by_us(bytes: &[u8]) -> Option<String> {
    let found = verify(bytes).ok()?;
    let cut = if found.is_cut { "True" } else { "False" };
    Some(format!("{} {} {cut}", found.lines, found.last_hash))
}

pub(super) fn lines_of(path: &Path) -> Vec<serde_json::Value> {
    let bytes = fs_err::read(path).unwrap();
    let found = by_us(&bytes);
    assert!(found.is_some(), "{}", String::from_utf8_lossy(&bytes));
    assert_eq!(found, by_python(&bytes));
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"));
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

pub(super) fn events(lines: &[serde_json::Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect()
}

pub(super) fn seqs(lines: &[serde_json::Value]) -> Vec<u64> {
    lines
        .iter()
        .map(|line| line["seq"].as_u64().unwrap())
        .collect()
}

/// Waits until something is so.
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came: {what}");
}

#[test]
fn a_log_begins_with_zeros_and_goes_on_where_it_ended() {
    let desk = Desk::new();
    desk.filled(2);
    desk.passes(1);
    desk.filled(2);
    let lines = desk.lines();
    assert_eq!(events(&lines), ["play"; 4]);
    assert_eq!(seqs(&lines), [1, 2, 3, 4]);
    assert_eq!(lines[0]["prev"], "0".repeat(64));
    assert_eq!(lines[1]["time"], "2026-11-30T12:00:00.000Z");
    assert_eq!(lines[2]["time"], "2026-11-30T12:00:01.000Z");
}

#[test]
fn a_line_is_there_when_it_is_answered() {
    let desk = Desk::new();
    let audit = desk.open();
    for number in 0..5 {
        desk.write(&audit, number).unwrap();
        assert_eq!(desk.lines().len() as u64, number + 1);
    }
}

#[test]
fn two_hundred_writers_make_one_chain() {
    let desk = Desk::new();
    let audit = desk.open();
    let tasks: Vec<_> = (0..200)
        .map(|writer| {
            let writes: Vec<_> = (0..10)
                .map(|n| audit.write(play(writer * 10 + n)))
                .collect();
            desk.runtime.spawn(async move {
                for write in writes {
                    write.await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        desk.wait(task).unwrap();
    }
    let lines = desk.lines();
    assert_eq!(seqs(&lines), (1..=2000).collect::<Vec<_>>());
    let mut written: Vec<_> = lines
        .iter()
        .map(|line| line["bytes"].as_u64().unwrap())
        .collect();
    written.sort_unstable();
    assert_eq!(written, (0..2000).collect::<Vec<_>>());
}

#[test]
fn more_than_can_wait_are_all_written() {
    let desk = Desk::new();
    let audit = desk.open();
    let many = (MOST_WAITING * 3) as u64;
    let tasks: Vec<_> = (0..many)
        .map(|number| desk.runtime.spawn(audit.write(play(number))))
        .collect();
    for task in tasks {
        desk.wait(task).unwrap().unwrap();
    }
    assert_eq!(desk.lines().len() as u64, many);
}

#[test]
fn a_log_that_another_writes_is_refused() {
    let desk = Desk::new();
    let first = desk.open();
    let error = desk.try_open().err().unwrap();
    assert!(
        error
            .to_string()
            .ends_with("audit.log: another process writes it")
    );
    desk.write(&first, 0).unwrap();
    // Whoever waits for the end can open it.
    for number in 1..20 {
        let audit = if number == 1 { &first } else { &desk.open() };
        desk.wait(audit.close()).unwrap();
        desk.filled(1);
    }
    assert_eq!(desk.lines().len(), 20);
}

#[test]
fn nothing_is_written_once_it_is_closed() {
    let desk = Desk::new();
    let audit = desk.open();
    desk.write(&audit, 0).unwrap();
    desk.wait(audit.close()).unwrap();
    assert!(matches!(desk.write(&audit, 1), Err(AuditError::Closed)));
    assert!(matches!(desk.wait(audit.try_it()), Err(AuditError::Closed)));
    assert!(matches!(desk.wait(audit.reopen()), Err(AuditError::Closed)));
    assert!(matches!(desk.wait(audit.close()), Err(AuditError::Closed)));
    assert_eq!(desk.lines().len(), 1);
}

#[test]
fn a_log_that_nobody_has_any_more_is_closed_with_its_counts() {
    let desk = Desk::new();
    let audit = desk.open();
    for _ in 0..12 {
        desk.wait(audit.write(stranger("192.0.2.1"))).unwrap();
    }
    let last = audit.write(play(1));
    drop(audit);
    desk.wait(last).unwrap();
    until("the lock is let go", || desk.try_open().is_ok());
    let lines = desk.lines();
    assert_eq!(lines.len(), 12);
    assert_eq!(lines[11]["count"], 2);
}

#[test]
fn a_write_that_is_given_up_on_is_written_nevertheless() {
    let desk = Desk::new();
    let audit = desk.open();
    let task = desk.runtime.spawn(audit.write(play(0)));
    until("the line", || !desk.bytes().is_empty());
    task.abort();
    let never_polled = audit.write(play(1));
    drop(never_polled);
    desk.write(&audit, 2).unwrap();
    assert_eq!(desk.lines().len(), 2);
}

#[test]
fn of_a_strangers_denials_ten_a_minute_are_written_and_the_rest_counted() {
    let desk = Desk::new();
    let audit = desk.open();
    let deny = |address: &str, times: usize| {
        for _ in 0..times {
            desk.wait(audit.write(stranger(address))).unwrap();
        }
    };
    deny("192.0.2.1", 25);
    deny("192.0.2.2", 3);
    // With a token that is valid, each is written.
    for _ in 0..15 {
        let entry = Entry {
            is_anonymous: false,
            ..stranger("192.0.2.1")
        };
        desk.wait(audit.write(entry)).unwrap();
    }
    assert_eq!(desk.lines().len(), 10 + 3 + 15);
    desk.passes(60);
    // No line has to come for it.
    until("the count", || desk.lines().len() == 29);
    deny("192.0.2.1", 12);
    desk.wait(audit.close()).unwrap();
    let lines = desk.lines();
    assert_eq!(lines.len(), 29 + 10 + 1);
    for (place, count) in [(28, 15), (39, 2)] {
        let line = &lines[place];
        assert_eq!(line["event"], "deny");
        assert_eq!(line["count"], count);
        assert_eq!(line["address"], "192.0.2.1");
        assert_eq!(line["reason"], COUNTED);
    }
    let counting = lines.iter().filter(|line| line.get("count").is_some());
    assert_eq!(counting.count(), 2);
}

#[test]
fn after_a_rotation_the_new_file_begins_with_the_old_ones_last_hash() {
    let desk = Desk::new();
    let audit = desk.open();
    for number in 0..3 {
        desk.write(&audit, number).unwrap();
    }
    for round in 0..3 {
        let old = desk.at(&format!("audit.log.{round}"));
        fs_err::rename(desk.path(), &old).unwrap();
        if round == 1 {
            // As logrotate's `create` makes one.
            desk.put(b"");
        }
        // Until it is told, it goes on in the old file.
        desk.write(&audit, 4).unwrap();
        let before = lines_of(&old);
        desk.wait(audit.reopen()).unwrap();
        // Again means nothing.
        desk.wait(audit.reopen()).unwrap();
        assert_eq!(lines_of(&old), before);
        let lines = desk.lines();
        assert_eq!(events(&lines), ["rotated"]);
        assert_eq!(
            lines[0]["seq"].as_u64(),
            before.last().unwrap()["seq"].as_u64().map(|n| n + 1)
        );
        let hash = verify_audit(&old).unwrap().last_hash;
        assert_eq!(lines[0]["prev"], hash);
        desk.write(&audit, 5).unwrap();
        // All files in a row are a chain, too.
        let all = [fs_err::read(&old).unwrap(), desk.bytes()].concat();
        assert!(verify(all.as_slice()).is_ok());
        fs_err::remove_file(&old).unwrap();
    }
    desk.wait(audit.close()).unwrap();
    desk.filled(1);
    let lines = desk.lines();
    assert_eq!(events(&lines), ["rotated", "play", "play"]);
    assert_eq!(seqs(&lines), [11, 12, 13]);
}

#[test]
fn a_rotation_that_fails_leaves_the_old_file_in_use() {
    let desk = Desk::new();
    let audit = desk.open();
    desk.write(&audit, 0).unwrap();
    let old = desk.at("old");
    fs_err::rename(desk.path(), &old).unwrap();
    let reopen = || desk.wait(audit.reopen()).unwrap_err();
    fs_err::create_dir(desk.path()).unwrap();
    assert!(matches!(reopen(), AuditError::Log(_)));
    desk.write(&audit, 1).unwrap();
    fs_err::remove_dir(desk.path()).unwrap();
    desk.put(b"{}\n");
    assert!(matches!(reopen(), AuditError::NotEmpty(_)));
    desk.write(&audit, 2).unwrap();
    assert_eq!(desk.bytes(), b"{}\n");
    desk.put(b"");
    let other = crate::io::Log::open(&desk.path()).unwrap();
    assert!(matches!(reopen(), AuditError::Log(_)));
    desk.write(&audit, 3).unwrap();
    drop(other);
    desk.wait(audit.reopen()).unwrap();
    desk.write(&audit, 4).unwrap();
    assert_eq!(seqs(&lines_of(&old)), [1, 2, 3, 4]);
    assert_eq!(seqs(&desk.lines()), [5, 6]);
    assert!(audit.is_writable());
}

/// As logrotate's `copytruncate` does it.
#[test]
fn a_log_that_is_emptied_begins_anew_as_a_rotated_one() {
    let desk = Desk::new();
    let audit = desk.open();
    let empty = || {
        let copy = desk.at("copy");
        fs_err::copy(desk.path(), &copy).unwrap();
        desk.put(b"");
        verify_audit(&copy).unwrap().last_hash
    };
    desk.write(&audit, 0).unwrap();
    let hash = empty();
    desk.write(&audit, 1).unwrap();
    let lines = desk.lines();
    assert_eq!(events(&lines), ["rotated", "play"]);
    assert_eq!(seqs(&lines), [2, 3]);
    assert_eq!(lines[0]["prev"], hash);
    let hash = empty();
    desk.wait(audit.reopen()).unwrap();
    assert_eq!(desk.lines()[0]["prev"], hash);
    empty();
    desk.wait(audit.try_it()).unwrap();
    assert_eq!(events(&desk.lines()), ["rotated"]);
}

#[test]
fn a_log_that_others_change_is_written_no_more() {
    let desk = Desk::new();
    let audit = desk.open();
    for number in 0..3 {
        desk.write(&audit, number).unwrap();
    }
    let whole = desk.bytes();
    let refused = || {
        let error = desk.write(&audit, 9).unwrap_err();
        assert!(desk.wait(audit.try_it()).is_err());
        assert!(!audit.is_writable());
        error
    };
    desk.put(&whole[..whole.len() - 1]);
    assert!(matches!(refused(), AuditError::Shortened(_)));
    let foreign = [whole.as_slice(), b"{\"event\":\"play\"}\n"].concat();
    desk.put(&foreign);
    assert!(matches!(refused(), AuditError::Foreign(_)));
    assert!(desk.bytes() == foreign);
    desk.put(&whole);
    desk.write(&audit, 3).unwrap();
    assert!(audit.is_writable());
    assert_eq!(seqs(&desk.lines()), [1, 2, 3, 4]);
}

#[test]
fn text_from_the_network_stays_one_line_of_the_chain() {
    let desk = Desk::new();
    let audit = desk.open();
    let text = "a\r\n{\"schema\":1}\u{2028}\u{85}\u{1b}[2J\0é\u{1f3a7}".repeat(100);
    let entry = Entry {
        user_agent: Some(text.clone()),
        range: Some(text.clone()),
        identity: Some(text),
        ..play(0)
    };
    for _ in 0..3 {
        desk.wait(audit.write(entry.clone())).unwrap();
    }
    assert_eq!(desk.lines().len(), 3);
    let text = String::from_utf8(desk.bytes()).unwrap();
    assert_eq!(text.matches(char::is_control).count(), 3);
}
