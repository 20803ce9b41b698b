//! `unreel register twilio` and `register twilio-video`: what is sent, what is kept, and what becomes
//! of it when answers are lost.

mod end_to_end;
mod keys;
mod listed;
mod lost;
mod refused;
mod video;
mod video_lost;

use std::process::Command;
use std::time::Duration;

use super::fake::{AUTH_TOKEN, Fake, Seen};
use super::grammar::{Net, Ran};

/// What names begin with that unreel gives.
const NAME: &str = "unreel sha256:";
const POST: &str = "POST api:/v1/Credentials/PublicKeys";
const DELETE: &str = "DELETE api:/v1/Credentials/PublicKeys/";
/// The id of the first key that the server registers.
const FIRST: &str = "CR5eed0000000000000000000000000001";
const ABSENT: &str = "CR5eed00000000000000000000000000ff";
/// Registers `public.pem`, and keeps `key.pem` in `keys/`.
const KEEP: &str = "register twilio --yes --public-key public.pem --key-dir keys -k key.pem";
const REGISTER: &str = "register twilio --yes --public-key public.pem";

/// A desk with `public.pem`, the public half of `key.pem`; no recordings.
fn net() -> Net {
    let net = Net::empty();
    net.desk.bring("keys/public.pem", "public.pem");
    net
}

/// The text of a file of the fixtures.
fn text(path: &str) -> String {
    std::fs::read_to_string(super::common::fixture(path)).expect("text")
}

/// The base64 of a PEM file, a line each.
fn base64_lines(pem: &str) -> impl Iterator<Item = &str> {
    pem.lines()
        .filter(|line| !line.is_empty() && !line.starts_with("-----"))
}

/// The requests that change something.
fn changes(fake: &Fake) -> Vec<Seen> {
    let mut seen = fake.requests();
    seen.retain(|seen| seen.request.method != "GET");
    seen
}

/// The fields of the only request that changed something.
fn sent(fake: &Fake, known: &[&str]) -> std::collections::HashMap<String, String> {
    let seen = changes(fake);
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen[0].request.form(known).expect("a form")
}

fn with_token(mut command: Command) -> Command {
    command
        .env_remove("TWILIO_API_KEY")
        .env_remove("TWILIO_API_SECRET")
        .env("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
    command
}

/// A run whose arguments have blanks in them.
fn run_with(net: &Net, arguments: &str, more: &[&str]) -> Ran {
    let mut command = net.command(arguments);
    command.args(more);
    Ran::of(command)
}

/// One key is there, under the name that says which it is, and its private half has its name.
fn is_kept_once(net: &Net, what: &str) {
    let keys = net.fake.public_keys();
    assert_eq!(keys.len(), 1, "{what}: {keys:?}");
    let sid = keys[0]["sid"].as_str().expect("an id");
    let kept = net.desk.read(&format!("keys/{sid}.pem"));
    assert!(kept == net.desk.read("key.pem"), "{what}");
    let folder = std::fs::read_dir(net.desk.path("keys")).expect("a folder");
    assert_eq!(folder.count(), 1, "{what}: something else is in the folder");
}

/// Whether no test has to wait longer.
fn is_short(elapsed: Duration) -> bool {
    elapsed < Duration::from_secs(30)
}
