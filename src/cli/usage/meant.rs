//! What people call the commands.

pub(super) const DECRYPTING: &str = "did you mean unreel decrypt? (or say whose recording it is: unreel \
                          twilio-voice, twilio-video, vonage, qvoice)";

/// What people call the commands, and what to answer.
const MEANT: [(&[&str], &str); 8] = [
    (
        &[
            "voice",
            "call",
            "calls",
            "twilio-call",
            "twilio-calls",
            "twiliovoice",
        ],
        "did you mean unreel twilio-voice?",
    ),
    (
        &[
            "video",
            "room",
            "rooms",
            "composition",
            "compositions",
            "twiliovideo",
        ],
        "did you mean unreel twilio-video?",
    ),
    (
        &["twilio"],
        "did you mean unreel twilio-voice, for calls, or unreel twilio-video?",
    ),
    (
        &[
            "opentok",
            "tokbox",
            "vonage-video",
            "nexmo",
            "archive",
            "archives",
        ],
        "did you mean unreel vonage?",
    ),
    (
        &["bulk", "jobs", "manifest", "queue"],
        "did you mean unreel batch?",
    ),
    (
        &["gorec", "qvoice-gorec", "q-voice"],
        "did you mean unreel qvoice?",
    ),
    (
        &[
            "key",
            "keys",
            "generate",
            "gen",
            "genkey",
            "key-gen",
            "keypair",
            "certificate",
            "cert",
        ],
        "did you mean unreel keygen?",
    ),
    (
        &[
            "info", "show", "look", "identify", "probe", "list", "describe", "metadata", "check",
        ],
        "did you mean unreel inspect?",
    ),
];

const MEANT_ANY: [&str; 6] = ["decode", "unwrap", "open", "unlock", "run", "decipher"];

/// What to answer to a word that is no command.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let known = MEANT.iter().find(|(words, _)| words.contains(&word));
    let any = MEANT_ANY.contains(&word).then_some(DECRYPTING);
    known.map(|(_, hint)| *hint).or(any)
}
