//! The picture in the README: what a terminal showed, when these commands ran in it.
//!
//! `TRYCMD=overwrite cargo test --test cli picture` makes it anew; look at it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::time::Duration;

use anstyle_svg::Term;
use expectrl::{Eof, Expect, Session};

use crate::common::Desk;
use crate::docs::{read, root};
use crate::fake::Fake;

const PICTURE: &str = "docs/images/terminal.svg";

/// What is typed. The second key is not the one that the recording was encrypted for.
const COMMANDS: [&str; 2] = [
    "unreel twilio-voice -k private_key.pem -o call.wav RE5eed0000000000000000000000000001",
    "unreel twilio-voice -k other_key.pem -o other.wav RE5eed0000000000000000000000000001",
];

/// The terminal is as dark or light as the page is. (GitHub's colours, which have enough contrast.)
const COLOURS: &str = "    .fg { fill: #e6edf3 }
    .bg { fill: #161b22 }
    .fg-red { fill: #ff7b72 }
    .fg-cyan { fill: #39c5cf }
    @media (prefers-color-scheme: light) {
      .fg { fill: #1f2328 }
      .bg { fill: #f6f8fa }
      .fg-red { fill: #cf222e }
      .fg-cyan { fill: #0a5e75 }
    }
";

/// What a terminal of a hundred columns shows.
fn shown() -> String {
    let (fake, desk) = (Fake::with_fixtures(), Desk::new());
    desk.bring("keys/pkcs8.pem", "private_key.pem");
    desk.bring("keys/other.pem", "other_key.pem");
    let script: String = COMMANDS
        .iter()
        .map(|command| format!("printf '\\033[1m$ %s\\033[0m\\n' '{command}'\n{command}\n"))
        .collect();
    // A session has 80 columns when it begins, which may be after its first command.
    let wide = "until [ \"$(stty size </dev/tty)\" = '24 100' ]; do sleep 0.01; done";
    let mut command = desk.bash(&format!("{wide}\n{script}"));
    // No bar, which a picture has no time for.
    command
        .envs(fake.env())
        .env("TERM", "xterm")
        .env("CI", "true");
    let mut session = Session::spawn(command).unwrap();
    session.get_process_mut().set_window_size(100, 24).unwrap();
    session.set_expect_timeout(Some(Duration::from_secs(60)));
    let found = session.expect(Eof).unwrap();
    let text = String::from_utf8_lossy(found.as_bytes()).into_owned();
    text.replace('\r', "")
}

#[test]
fn the_picture_of_the_readme_is_what_a_terminal_shows() {
    assert!(read("README.md").contains(PICTURE));
    let text = shown();
    for expected in ["verified: tag", "error", "hint"] {
        assert!(text.contains(expected), "{text:?}");
    }
    let picture = Term::new().render_svg(text.trim_end());
    let picture = picture.replacen("  </style>", &format!("{COLOURS}  </style>"), 1);
    let path = root().join(PICTURE);
    if std::env::var("TRYCMD").is_ok_and(|what| what == "overwrite") {
        std::fs::write(&path, &picture).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == picture,
        "{PICTURE} is stale: TRYCMD=overwrite cargo test --test cli picture\n{text:?}"
    );
}
