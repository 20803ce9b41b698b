//! `unreel -V` and `--version`, and where the build script has the commit from.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::path::Path;
use std::process::Command;

use crate::common::{has, unreel};

#[allow(
    dead_code,
    clippy::print_stdout,
    reason = "a build script is a program"
)]
#[path = "../../build.rs"]
mod build;

use build::Commit;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn printed(argument: &str) -> String {
    let output = unreel().arg(argument).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Runs git, without anybody's settings.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args([
            "-c",
            "user.name=nobody",
            "-c",
            "user.email=nobody@example.org",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(folder: &Path, text: &str) -> String {
    git(folder, &["commit", "-q", "--allow-empty", "-m", text]);
    git(folder, &["rev-parse", "HEAD"])
}

#[test]
fn the_first_line_is_the_same_in_short_and_at_length() {
    let (short, long) = (printed("-V"), printed("--version"));
    assert_eq!(short.lines().count(), 1);
    assert!(short.starts_with(concat!("unreel ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(short.trim_end(), long.lines().next().unwrap());
    let names: Vec<_> = long
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .collect();
    let [
        ("commit", _),
        ("date", _),
        ("target", target),
        ("features", features),
        ("rustc", rustc),
    ] = names.as_slice()
    else {
        panic!("{long}");
    };
    assert!(target.starts_with(std::env::consts::ARCH) && rustc.starts_with("1."));
    let serves = features.split(' ').any(|name| name == "serve");
    assert_eq!(serves, cfg!(feature = "serve"));
    assert!(!long.contains(ROOT), "{long}");
}

#[test]
fn the_commit_is_the_one_that_is_checked_out() {
    if !Path::new(ROOT).join(".git").exists() || !has("git") {
        return crate::common::skip("it is no repository");
    }
    let hash = git(Path::new(ROOT), &["rev-parse", "HEAD"]);
    assert!(printed("--version").contains(&format!("\ncommit: {hash}\n")));
    assert!(printed("-V").contains(&format!(" ({} 20", &hash[..9])));
}

#[test]
fn each_worktree_has_a_commit_of_its_own_and_is_watched() {
    if !has("git") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (main, tree) = (folder.path().join("main"), folder.path().join("tree"));
    std::fs::create_dir(&main).unwrap();
    git(&main, &["init", "-q"]);
    let first = commit(&main, "first");
    git(&main, &["worktree", "add", "-q", tree.to_str().unwrap()]);
    let second = commit(&tree, "second");
    for (folder, hash) in [(&main, &first), (&tree, &second)] {
        let found = Commit::of(folder, Some("b".repeat(40)));
        assert_eq!(found.hash.as_ref(), Some(hash));
        assert_eq!(found.day.unwrap().len(), "2026-11-30".len());
        let read = |path: &std::path::PathBuf| std::fs::read(path).unwrap();
        let before: Vec<_> = found.watched.iter().map(read).collect();
        commit(folder, "another");
        let after: Vec<_> = found.watched.iter().map(read).collect();
        assert_ne!(before, after, "nothing would see that there is another");
    }
    // Without a log of what was checked out, the branch is watched.
    std::fs::remove_file(main.join(".git/logs/HEAD")).unwrap();
    let found = Commit::of(&main, None);
    let branch = git(&main, &["symbolic-ref", "HEAD"]);
    assert!(found.watched.contains(&main.join(".git").join(branch)));
}

#[test]
fn a_crate_says_what_it_was_packaged_from_and_nothing_of_the_repository_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("vendor/unreel");
    std::fs::create_dir_all(&package).unwrap();
    if has("git") {
        git(folder.path(), &["init", "-q"]);
        commit(folder.path(), "somebody else's");
    }
    assert_eq!(Commit::of(&package, None), Commit::default());
    let (stated, packaged) = ("a".repeat(40), "0123456789abcdef0123456789abcdef01234567");
    let of_stated = Commit::of(&package, Some(stated.clone()));
    assert_eq!(of_stated.hash, Some(stated.clone()));
    assert_eq!(of_stated.version("1.2.3"), "1.2.3 (aaaaaaaaa)");
    for nonsense in ["", "main", "x\ncargo::rustc-env=A=B"] {
        let found = Commit::of(&package, Some(nonsense.to_owned()));
        assert_eq!(
            (found.version("1.2.3").as_str(), found.hash),
            ("1.2.3", None)
        );
    }
    // As `cargo package` writes it.
    let info = format!(
        "{{\n  \"git\": {{\n    \"sha1\": \"{packaged}\"\n  }},\n  \"path_in_vcs\": \"\"\n}}"
    );
    std::fs::write(package.join(".cargo_vcs_info.json"), info).unwrap();
    let found = Commit::of(&package, Some(stated));
    assert_eq!(found.hash.as_deref(), Some(packaged));
    assert_eq!(found.watched, [package.join(".cargo_vcs_info.json")]);
}
