//! The pages of `unreel man`, before the judges of manuals and beside the help.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is a test")]

use std::collections::BTreeSet;

use crate::common::{Desk, has, stderr, unreel};
use crate::help::{commands, flags, printed};

/// A folder with all pages in `man1`.
fn pages() -> Desk {
    let desk = Desk::new();
    desk.done(desk.unreel("man -d man1"));
    desk
}

fn file_of(command: &str) -> String {
    let name = format!("unreel {command}").trim_end().replace(' ', "-");
    format!("man1/{name}.1")
}

/// A page as text, without what sets it.
fn plain(roff: &str) -> String {
    let bare = roff
        .replace("\\fB", "")
        .replace("\\fI", "")
        .replace("\\fR", "");
    bare.replace("\\-", "-").replace("\\*(Aq", "'")
}

/// The lines of a section.
fn section<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = page.lines();
    let lines = lines
        .skip_while(|line| line.trim_matches('"') != heading)
        .skip(1);
    lines.take_while(|line| !line.starts_with(".SH ")).collect()
}

#[test]
fn every_command_has_a_page_and_the_folder_holds_no_other() {
    let desk = pages();
    let expected: BTreeSet<_> = commands().iter().map(|command| file_of(command)).collect();
    let found = std::fs::read_dir(desk.path("man1")).unwrap();
    let found = found.map(|entry| format!("man1/{}", entry.unwrap().file_name().display()));
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
    for command in commands() {
        let file = String::from_utf8(desk.read(&file_of(&command))).unwrap();
        assert_eq!(printed(&format!("man {command}")), file);
        assert_eq!(desk.mode(&file_of(&command)), 0o644);
    }
    // Whoever installs them as root does not do it for root alone.
    assert_eq!(desk.mode("man1") & 0o055, 0o055);
}

#[test]
fn a_page_says_what_the_help_says() {
    let table = include_str!("../../docs/scripting.md");
    let rows = table
        .lines()
        .skip_while(|line| !line.starts_with("| code |"))
        .skip(2);
    let codes = rows.take_while(|line| line.starts_with('|'));
    let codes: Vec<_> = codes
        .map(|row| row.split('|').nth(1).unwrap().trim())
        .collect();
    assert!(codes.len() > 10);
    let bare = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for command in commands() {
        let page = plain(&printed(&format!("man {command}")));
        let help = printed(&format!("{command} --help"));
        for flag in flags(&help) {
            assert!(page.contains(&flag), "{command}: {flag}");
        }
        let about = help.lines().next().unwrap();
        assert!(bare(&page).contains(about), "{command}: {about}");
        let usage = help
            .lines()
            .find_map(|line| line.strip_prefix("Usage: "))
            .unwrap();
        let synopsis = section(&page, ".SH SYNOPSIS").join(" ");
        assert!(synopsis.starts_with(usage), "{command}: {synopsis}");
        let examples = help.lines().filter(|line| line.starts_with("  unreel "));
        let of_page = section(&page, ".SH EXAMPLES");
        for example in examples {
            let found = of_page.iter().any(|line| line.trim() == example.trim());
            assert!(found, "{command}: {example}");
        }
        let numbers = section(&page, ".SH \"EXIT STATUS");
        let numbers = numbers
            .iter()
            .filter(|line| line.bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(numbers.copied().collect::<Vec<_>>(), codes, "{command}");
        assert!(!section(&page, ".SH ENVIRONMENT").is_empty(), "{command}");
        assert!(!section(&page, ".SH \"SEE ALSO").is_empty(), "{command}");
    }
}

#[test]
fn what_else_to_read_is_there() {
    let desk = pages();
    for command in commands() {
        let page = plain(&printed(&format!("man {command}")));
        for name in section(&page, ".SH \"SEE ALSO").join(" ").split(", ") {
            let name = name.strip_suffix("(1)").unwrap();
            assert!(
                desk.path(&format!("man1/{name}.1")).is_file(),
                "{command}: {name}"
            );
        }
    }
}

#[test]
fn each_variable_of_a_page_is_documented() {
    let scripting = include_str!("../../docs/scripting.md");
    let mut count = 0;
    for command in commands() {
        let page = plain(&printed(&format!("man {command}")));
        let lines = section(&page, ".SH ENVIRONMENT");
        let names = lines.chunks(3).flat_map(|entry| entry[1].split(", "));
        for name in names {
            count += 1;
            let name = name.trim_end_matches('…');
            assert!(scripting.contains(name), "{command}: {name}");
        }
    }
    assert!(count > 50);
}

#[test]
fn mandoc_finds_nothing_wrong_with_a_page() {
    if !has("mandoc") {
        return;
    }
    let desk = pages();
    for command in commands() {
        let mut lint = desk.command("mandoc");
        lint.args(["-T", "lint", "-W", "warning", &file_of(&command)]);
        let output = lint.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        // Where the day of the commit is not known.
        let said: Vec<_> = said
            .lines()
            .filter(|line| !line.contains("missing date, using \"\": TH"))
            .collect();
        assert!(said.is_empty(), "{said:?}");
    }
}

#[test]
fn man_sets_a_page_without_a_warning_and_finds_its_name() {
    if !has("man") || !has("lexgrog") {
        return;
    }
    let desk = pages();
    for command in commands() {
        let file = file_of(&command);
        let mut man = desk.command("man");
        man.env("MANWIDTH", "80")
            .env("MANROFFOPT", "-ww")
            .env("LC_ALL", "C.UTF-8");
        man.args(["--warnings", "-E", "UTF-8", "-l", &file]);
        let output = desk.done(man);
        assert_eq!(stderr(&output), "", "{file}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("EXIT STATUS"), "{text}");
        let mut names = desk.command("lexgrog");
        names.env("LC_ALL", "C.UTF-8").arg(&file);
        let output = desk.done(names);
        let text = String::from_utf8(output.stdout).unwrap();
        let about = printed(&format!("{command} --help"));
        let about = about.lines().next().unwrap();
        let name = file.trim_start_matches("man1/").trim_end_matches(".1");
        assert!(text.contains(&format!("{name} - {about}")), "{text}");
    }
}

#[test]
fn pages_that_are_there_are_left_without_force() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("man1")).unwrap();
    desk.write("man1/unreel-vonage.1", "mine");
    let output = desk.unreel("man -d man1").output().unwrap();
    crate::common::assert_refused(&output, 8, "pages that are there");
    assert!(stderr(&output).contains("unreel-vonage.1` exists already"));
    let names = std::fs::read_dir(desk.path("man1")).unwrap();
    assert_eq!(names.count(), 1, "none is written, or all");
    assert_eq!(desk.read("man1/unreel-vonage.1"), b"mine");

    desk.done(desk.unreel("man keygen -d man1"));
    let output = desk.unreel("man keygen -d man1").output().unwrap();
    crate::common::assert_refused(&output, 8, "a page that is there");
    desk.done(desk.unreel("man -f -d man1"));
    assert!(desk.read("man1/unreel-vonage.1").starts_with(b".ie "));
}

#[test]
fn a_page_of_no_command_is_refused() {
    for (arguments, hint) in [
        (&["man", "twilio-vioce"][..], "did you mean twilio-voice?"),
        (&["man", "link"], "unreel man register twilio"),
        (&["man", "-f"], "--help"),
    ] {
        let output = unreel().args(arguments).output().unwrap();
        crate::common::assert_refused(&output, 2, hint);
        assert!(stderr(&output).contains(hint), "{}", stderr(&output));
    }
}
