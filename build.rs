//! What a build is made of, for `unreel --version` and `unreel doctor`: commit, target, features and
//! compiler. It stands at the top level because Cargo looks for it there.
//!
//! Nothing of the machine comes into the binary, no time and no path: the same commit gives the same
//! words. It runs again when another commit is checked out, and not when a source file changes.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where who packages the program outside of a repository says the commit.
const STATED: &str = "UNREEL_COMMIT";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={STATED}");
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR").unwrap_or_default());
    let commit = Commit::of(&package, variable(STATED));
    for path in &commit.watched {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let rustc = variable("RUSTC").and_then(|rustc| output(Command::new(rustc).arg("-V")));
    let rustc = rustc.map(|version| version.trim_start_matches("rustc ").to_owned());
    let number = variable("CARGO_PKG_VERSION").unwrap_or_default();
    for (name, value) in [
        ("BUILD_VERSION", Some(commit.version(&number))),
        ("BUILD_COMMIT", commit.hash),
        ("BUILD_DATE", commit.day),
        ("BUILD_TARGET", variable("TARGET")),
        ("BUILD_FEATURES", Some(features())),
        ("BUILD_RUSTC", rustc),
    ] {
        let value = value.as_deref().unwrap_or("unknown");
        println!("cargo::rustc-env={name}={value}");
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The features of this build, in the order of the alphabet: `buckets serve waveform`.
fn features() -> String {
    let names = std::env::vars().filter_map(|(name, _)| {
        let name = name.strip_prefix("CARGO_FEATURE_")?.to_lowercase();
        (name != "default").then(|| name.replace('_', "-"))
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(" ")
}

/// What a commit is called, and what changes when another one comes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its whole hash.
    pub(crate) hash: Option<String>,
    /// When it was made, such as `2026-11-30`.
    pub(crate) day: Option<String>,
    /// Files.
    pub(crate) watched: Vec<PathBuf>,
}

impl Commit {
    /// That of the repository which `package` is the root of; else the one that a crate was packaged
    /// from; else what was `stated`. A package that lies in somebody else's repository is not of it.
    pub(crate) fn of(package: &Path, stated: Option<String>) -> Self {
        if package.join(".git").exists()
            && let Some(commit) = Self::checked_out(package)
        {
            return commit;
        }
        let packaged = package.join(".cargo_vcs_info.json");
        if let Ok(text) = std::fs::read_to_string(&packaged) {
            return Self {
                hash: text.split('"').find(|word| is_hash(word)).map(Into::into),
                day: None,
                watched: vec![packaged],
            };
        }
        Self {
            hash: stated.filter(|stated| is_hash(stated)),
            ..Self::default()
        }
    }

    fn checked_out(package: &Path) -> Option<Self> {
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-c", "log.showSignature=false"]);
            // A hook's repository may be another one.
            output(
                command
                    .current_dir(package)
                    .env_remove("GIT_DIR")
                    .args(arguments),
            )
        };
        let hash = git(&["rev-parse", "HEAD"]).filter(|hash| is_hash(hash))?;
        // A worktree has its own. What is not there would be a change each time.
        let path = |name: &str| {
            let path = package.join(git(&["rev-parse", "--git-path", name])?);
            path.exists().then_some(path)
        };
        let watched = if let Some(log) = path("logs/HEAD") {
            vec![path("HEAD"), Some(log)]
        } else {
            let branch = git(&["symbolic-ref", "-q", "HEAD"]);
            let branch = branch.and_then(|branch| path(&branch));
            vec![path("HEAD"), branch, path("packed-refs")]
        };
        Some(Self {
            hash: Some(hash),
            day: git(&["show", "-s", "--format=%cs", "HEAD"]),
            watched: watched.into_iter().flatten().collect(),
        })
    }

    /// `number`, and behind it in short which commit it is: `0.1.0 (6bbae2a26 2026-11-30)`.
    pub(crate) fn version(&self, number: &str) -> String {
        let hash = self.hash.as_ref().and_then(|hash| hash.get(..9));
        match (hash, &self.day) {
            (Some(hash), Some(day)) => format!("{number} ({hash} {day})"),
            (Some(hash), None) => format!("{number} ({hash})"),
            (None, _) => number.to_owned(),
        }
    }
}

/// SHA-1 or SHA-256, in hexadecimal.
fn is_hash(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What a command prints on one line, if it succeeds.
fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.trim();
    (!line.is_empty() && !line.contains('\n')).then(|| line.to_owned())
}
