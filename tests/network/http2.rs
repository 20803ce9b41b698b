//! HTTP/2, as Node speaks it: Twilio's API does, and the provider server of the tests does not.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::made::skip;
use crate::common::{Desk, fixture, has, sha256};
use crate::fake;

const ID: &str = "RE5eed0000000000000000000000000001";

/// What came of a fetch from a server that does this, and what it was asked.
fn fetched(mode: &str) -> (Option<i32>, Vec<u8>, Vec<String>) {
    let desk = Desk::new();
    for (name, pem) in ["ca.pem", "server.pem", "server.key"]
        .iter()
        .zip(fake::pems())
    {
        std::fs::write(desk.path(name), pem).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network/http2.mjs");
    let mut server = Command::new("node")
        .arg(script)
        .args([desk.path("server.pem"), desk.path("server.key")])
        .arg(fixture("twilio-voice/recording.json"))
        .arg(fixture(&format!("twilio-voice/{ID}.wav.enc")))
        .arg(mode)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap());
    let mut port = String::new();
    lines.read_line(&mut port).unwrap();
    let output = crate::common::unreel()
        .args(["twilio-voice", "-k"])
        .arg(fixture("keys/pkcs8.pem"))
        .arg("-o")
        .arg(desk.path("call.wav"))
        .arg("--ca-file")
        .arg(desk.path("ca.pem"))
        .args(["--retries", "1", ID])
        .env(
            "UNREEL_TWILIO_API_URL",
            format!("https://localhost:{}", port.trim()),
        )
        .env("TWILIO_ACCOUNT_SID", "AC5eed0000000000000000000000000001")
        .env("TWILIO_AUTH_TOKEN", "made-up-token")
        .output()
        .unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let mut asked = String::new();
    lines.read_to_string(&mut asked).unwrap();
    let media = std::fs::read(desk.path("call.wav")).unwrap_or_default();
    let asked = asked.lines().map(ToOwned::to_owned).collect();
    (output.status.code(), media, asked)
}

#[test]
fn a_recording_comes_whole_or_not_at_all() {
    if !has("node") {
        skip("HTTP/2: node is not installed");
        return;
    }
    let whole = std::fs::read_to_string(fixture("expected.sha256")).unwrap();
    let first = [format!("{ID}.json - -"), format!("{ID}.wav - -")];
    for (mode, again) in [
        ("as it should be", false),
        ("without length", false),
        ("a reset", true),
        ("a lost connection", true),
    ] {
        let (code, media, asked) = fetched(mode);
        assert_eq!(code, Some(0), "{mode}: {asked:?}");
        assert!(whole.contains(&sha256(&media)), "{mode}");
        assert_eq!(asked[..2], first, "{mode}");
        let rest = asked.get(2).map_or("", String::as_str);
        let resumed = rest.starts_with(&format!("{ID}.wav bytes=")) && rest.ends_with(" \"whole\"");
        assert_eq!(
            (asked.len() == 3, resumed),
            (again, again),
            "{mode}: {asked:?}"
        );
    }
    let (code, media, _) = fetched("an early end");
    assert_eq!((code, media.len()), (Some(7), 0));
}
