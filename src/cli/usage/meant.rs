//! What people call the commands and flags.

pub(super) const DECRYPTING: &str = "did you mean unreel decrypt? (or say whose recording it is: unreel \
                          twilio-voice, twilio-video, vonage, qvoice)";

/// What people call the commands, and what to answer.
const MEANT: &[(&[&str], &str)] = &[
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
    (
        &[
            "diagnose",
            "diagnostics",
            "selftest",
            "self-test",
            "health",
            "status",
            "env",
        ],
        "did you mean unreel doctor?",
    ),
    (
        &["setup", "enable", "disable", "upload-key", "add-key"],
        "did you mean unreel register?",
    ),
    #[cfg(feature = "serve")]
    (
        &["server", "play", "playback", "flex", "player"],
        "did you mean unreel serve?",
    ),
    #[cfg(feature = "waveform")]
    (
        &["wave", "peaks", "draw", "picture"],
        "did you mean unreel waveform?",
    ),
    (
        &[
            "completion",
            "complete",
            "shell-completion",
            "shell-completions",
        ],
        "did you mean unreel completions?",
    ),
    (
        &["manual", "manpage", "manpages", "mangen", "docs"],
        "did you mean unreel man?",
    ),
    (&["version", "ver"], "did you mean unreel --version?"),
    (&["usage", "commands", "?"], "did you mean unreel --help?"),
];

const MEANT_ANY: [&str; 6] = ["decode", "unwrap", "open", "unlock", "run", "decipher"];

/// What to answer to a word that is no command.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let known = |word: &str| {
        let known = MEANT.iter().find(|(words, _)| words.contains(&word));
        known.map(|(_, hint)| *hint)
    };
    let any = MEANT_ANY.contains(&word).then_some(DECRYPTING);
    // decrypt-video, voice-decrypt
    let rest = word
        .strip_prefix("decrypt-")
        .or(word.strip_suffix("-decrypt"));
    known(word).or(any).or_else(|| match rest? {
        "twilio-voice" => known("voice"),
        "twilio-video" => known("video"),
        "vonage" => known("opentok"),
        "qvoice" => known("gorec"),
        rest => known(rest),
    })
}

/// What others call flags, and what they are here.
const MEANT_FLAGS: &[(&[&str], &str)] = &[
    (
        &[
            "--private-key",
            "--key-file",
            "--keyfile",
            "--pem",
            "--identity",
        ],
        "--key",
    ),
    (
        &["--out", "--outfile", "--output-file", "--out-file", "--to"],
        "--output",
    ),
    (
        &[
            "--outdir",
            "--out-dir",
            "--output-folder",
            "--directory",
            "--dir",
            "--dest",
        ],
        "--output-dir",
    ),
    (
        &["--meta", "--metadata-file", "--headers", "--sidecar"],
        "--metadata",
    ),
    (
        &["--passphrase", "--pass", "--passin", "--password-file"],
        "--passphrase-file",
    ),
    (&["--overwrite", "--replace", "--yes"], "--force"),
    (
        &["--skip-existing", "--no-clobber", "--skip"],
        "--if-exists skip",
    ),
    (&["--verify", "--test", "--dry-run"], "--check"),
    (&["--parallel", "--concurrency", "--workers"], "--jobs"),
    (&["--silent"], "--quiet"),
    (&["--no-color", "--no-colour", "--colour"], "--color never"),
    (&["--from", "--after"], "--since"),
    (&["--before"], "--until"),
    (&["--cek"], "--encrypted-cek"),
];

/// The flag that another tool's is here, perhaps with its value.
pub(super) fn meant_flag(given: &str) -> Option<&'static str> {
    let known = MEANT_FLAGS.iter().find(|(flags, _)| flags.contains(&given));
    known.map(|(_, flag)| *flag)
}
