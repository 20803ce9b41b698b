//! What the system gives a run: room for its files, descriptors, memory, and its privacy.

use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::{OutputError, Staged};
use crate::cipher::WriteAt;

/// A folder that files can be made in.
pub(crate) struct Room {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes that are free, where the file system says.
    pub free: Option<u64>,
    /// Whether files there need no name until they are complete (`O_TMPFILE`).
    pub unnamed: bool,
}

impl Room {
    /// Makes a file in `folder`, writes to it, and lets it go.
    ///
    /// # Errors
    /// As those of an output there.
    pub(crate) fn of(folder: &Path) -> Result<Self, OutputError> {
        Self::tried(folder, &Staged::create(&folder.join("doctor"))?)
    }

    /// The same in the folder of temporary files.
    ///
    /// # Errors
    /// As those of a temporary file.
    pub(crate) fn temporary() -> Result<Self, OutputError> {
        Self::tried(&tempfile::env::temp_dir(), &Staged::temporary()?)
    }

    fn tried(folder: &Path, file: &Staged) -> Result<Self, OutputError> {
        file.write_all_at(b"tried", 0)
            .map_err(|source| OutputError::Io {
                path: folder.to_owned(),
                operation: "writing to a file in",
                source,
            })?;
        let system = rustix::fs::statvfs(folder).ok();
        Ok(Self {
            folder: folder.to_owned(),
            free: system.map(|system| system.f_bavail.saturating_mul(system.f_frsize)),
            unnamed: file.is_unnamed(),
        })
    }
}

/// How many descriptors the process may have, and how many it may ask for; `None` is any number.
pub(crate) fn descriptors() -> (Option<u64>, Option<u64>) {
    let limit = getrlimit(Resource::Nofile);
    (limit.current, limit.maximum)
}

/// Whether the process dumps no core, and nobody but root looks into its memory.
pub(crate) fn is_private() -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        let dumps = dumpable_behavior();
        if !dumps.is_ok_and(|dumps| dumps == DumpableBehavior::NotDumpable) {
            return false;
        }
    }
    getrlimit(Resource::Core).current == Some(0)
}

/// Memory, in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What the machine could give now.
    pub available: u64,
    /// The most that the process and those beside it in its control group may have.
    pub limit: Option<u64>,
}

impl Memory {
    /// As Linux says it; `None` elsewhere.
    pub(crate) fn now() -> Option<Self> {
        let read = |path: &Path| fs_err::read_to_string(path);
        Self::by(&read)
    }

    /// By the files of /proc/meminfo (proc(5)) and of control groups (cgroups(7)), whose limits hold
    /// for all groups below.
    fn by(read: &dyn Fn(&Path) -> io::Result<String>) -> Option<Self> {
        let about = read(Path::new("/proc/meminfo")).ok()?;
        let field = |name: &str| {
            let line = about.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kib << 10)
        };
        let (total, available) = (field("MemTotal:")?, field("MemAvailable:")?);
        let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
        let limits = groups.lines().flat_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (root, file) = match parts.next() {
                Some("") => ("/sys/fs/cgroup", "memory.max"),
                Some("memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                _ => return vec![],
            };
            let group = Path::new(parts.next().unwrap_or_default());
            let limit = |group: &Path| {
                let inside = group.strip_prefix("/").unwrap_or(group);
                let text = read(&Path::new(root).join(inside).join(file)).ok()?;
                text.trim().parse::<u64>().ok()
            };
            group.ancestors().filter_map(limit).collect()
        });
        Some(Self {
            available,
            // Of version 1, no limit is a very large one.
            limit: limits.filter(|limit| *limit < total).min(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &str = "MemTotal:  2000 kB\nMemFree:  1 kB\nMemAvailable:  1000 kB\n";

    fn memory(files: &[(&str, &str)]) -> Option<Memory> {
        Memory::by(&|path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            let text = file.map(|(_, text)| (*text).to_owned());
            text.ok_or(io::ErrorKind::NotFound.into())
        })
    }

    #[test]
    fn the_least_limit_of_all_groups_around_counts() {
        let about = ("/proc/meminfo", ABOUT);
        let v2 = ("/proc/self/cgroup", "0::/a/b\n");
        let v1 = ("/proc/self/cgroup", "3:cpu,cpuacct:/x\n2:memory:/x\n0::/\n");
        for (files, limit) in [
            (vec![], None),
            (vec![v2, ("/sys/fs/cgroup/a/b/memory.max", "max\n")], None),
            (
                vec![
                    v2,
                    ("/sys/fs/cgroup/a/b/memory.max", "700000\n"),
                    ("/sys/fs/cgroup/a/memory.max", "600000\n"),
                    ("/sys/fs/cgroup/memory.max", "max\n"),
                ],
                Some(600_000),
            ),
            (
                vec![
                    v1,
                    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n"),
                ],
                Some(500_000),
            ),
            (
                vec![
                    v1,
                    (
                        "/sys/fs/cgroup/memory/x/memory.limit_in_bytes",
                        "9223372036854771712\n",
                    ),
                ],
                None,
            ),
        ] {
            let files: Vec<_> = files.into_iter().chain([about]).collect();
            let found = memory(&files).unwrap();
            assert_eq!(
                (found.available, found.limit),
                (1_024_000, limit),
                "{files:?}"
            );
        }
        assert_eq!(memory(&[]), None);
    }

    #[test]
    fn a_folder_is_tried_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::of(folder.path()).unwrap();
        assert!(room.free.is_some() && room.folder == folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Room::of(&folder.path().join("missing")).is_err());
    }
}
