//! From an empty folder to a recording that can be heard: the server encrypts for what it was given,
//! with code that is not unreel's.

use crate::common::{digest_of, has, sha256};
use crate::grammar::{CJ, Net, RE_THIRD, RT};

const VOICE: &str = "RE5eed00000000000000000000000000a1";
const VIDEO: &str = "RT5eed00000000000000000000000000a1";
const COMPOSED: &str = "CJ5eed00000000000000000000000000a1";

/// An empty folder, and a server that records for what is registered.
fn nothing() -> Net {
    let net = Net::empty();
    for name in net.desk.names() {
        std::fs::remove_file(net.desk.path(&name)).expect("it was there");
    }
    net.fake.style(|style| style.records = true);
    net
}

/// Makes a key and registers it; the id of it. All that there is then is in `keys/`.
fn key(net: &Net) -> String {
    net.ends(0, "keygen -d keys --no-passphrase");
    let register = "register twilio --yes --json --public-key keys/public_key.pem --key-dir keys";
    let sid = net.ends(0, register).line()["sid"].clone();
    let sid = sid.as_str().expect("an id").to_owned();
    // The private key that has its name is enough.
    std::fs::remove_file(net.desk.path("keys/private_key.pem")).expect("keygen made it");
    sid
}

/// The file is that of a fixture, and a player reads it.
fn is(net: &Net, name: &str, id: &str) {
    assert_eq!(sha256(&net.desk.read(name)), digest_of(id), "{name}");
    if has("ffprobe") {
        net.desk
            .done(net.desk.bash(&format!("ffprobe -v error -i {name}")));
    }
}

#[test]
fn voice_from_nothing_to_a_recording() {
    let net = nothing();
    let sid = key(&net);
    let ran = net.ends(
        0,
        &format!("twilio-voice -k keys --json -o call.wav {VOICE}"),
    );
    assert!(net.desk.path(&format!("keys/{sid}.pem")).is_file());
    assert_eq!(ran.line()["ok"], true);
    is(&net, "call.wav", RE_THIRD);
    if has("sox") {
        net.desk.done(net.desk.bash("sox call.wav -n stat"));
    }
}

#[test]
fn video_from_nothing_to_a_recording_and_a_composition() {
    let net = nothing();
    let sid = key(&net);
    let on = "register twilio-video --yes --recordings --compositions";
    net.ends(0, &format!("{on} --public-key-sid {sid}"));
    net.ends(0, &format!("twilio-video -k keys -o track.mka {VIDEO}"));
    is(&net, "track.mka", RT);
    net.ends(0, &format!("twilio-video -k keys -o room.mp4 {COMPOSED}"));
    is(&net, "room.mp4", CJ);
}
