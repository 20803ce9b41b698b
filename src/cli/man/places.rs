//! [`Place`]: variables and files, and which commands read or write them. docs/scripting.md has all
//! variables; these are those that most people meet.

use clap::Command;

/// A variable or a file.
pub(super) struct Place {
    /// The commands that have to do with it: those with this `--flag`, or of this name; all of them if
    /// it is nothing.
    of: &'static [&'static str],
    pub(super) name: &'static str,
    pub(super) what: &'static str,
}

impl Place {
    /// Whether a command has to do with it. `path` is what is typed behind `unreel`.
    pub(super) fn is_of(&self, command: &Command, path: &str) -> bool {
        let has = |flag: &str| {
            let mut flags = command.get_arguments().filter_map(clap::Arg::get_long);
            flags.any(|long| long == flag)
        };
        self.of.iter().any(|of| match of.strip_prefix("--") {
            Some(flag) => has(flag),
            None => *of == EVERY || *of == path,
        })
    }
}

/// Every command.
const EVERY: &str = "*";

/// The pages of what uses credentials of Vonage's.
const ASK_VONAGE: &[&str] = &[
    "vonage",
    "register vonage",
    "decrypt",
    "batch",
    "inspect",
    "doctor",
    "",
];

pub(super) const ENVIRONMENT: &[Place] = &[
    Place {
        of: &["--key", ""],
        name: "UNREEL_KEY_FILE",
        what: "the private key, or a folder of keys, where no flag says where keys come from",
    },
    Place {
        of: &["--key", ""],
        name: "CREDENTIALS_DIRECTORY",
        what: "set by systemd: without UNREEL_KEY_FILE the key is the file unreel-key in it; \
               credentials are looked for there too",
    },
    Place {
        of: &["--passphrase-file", ""],
        name: "UNREEL_PASSPHRASE",
        what: "the passphrase of the private key; a file is better, as other processes of the user \
               can read it here",
    },
    Place {
        of: &["--profile", "decrypt", "batch", ""],
        name: "TWILIO_ACCOUNT_SID, TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_AUTH_TOKEN",
        what: "the account at Twilio, and either an API key with its secret or the token",
    },
    Place {
        of: ASK_VONAGE,
        name: "VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, OPENTOK_API_KEY, OPENTOK_API_SECRET",
        what: "the application at Vonage and its private key (text or path), or the project at OpenTok",
    },
    Place {
        of: &["register qvoice", ""],
        name: "QVOICE_API_URL, QVOICE_ACCOUNT_ID, QVOICE_TOKEN",
        what: "where the API of Qvoice is, the account, and the bearer's token",
    },
    Place {
        of: &["--name-template", "inspect", "serve", "doctor", ""],
        name: "AWS_…, AZURE_…, GOOGLE_…",
        what: "who is asked for what is in a bucket, and with which credentials, as the vendors' own \
               tools have it",
    },
    Place {
        of: &["--ca-file", ""],
        name: "HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE, TWILIO_CA_BUNDLE",
        what: "a proxy, what goes past it, certificates in place of the system's, and beside them",
    },
    Place {
        of: &["--shard"],
        name: "AWS_BATCH_JOB_ARRAY_INDEX, JOB_COMPLETION_INDEX",
        what: "which part --shard auto is, with AWS_BATCH_JOB_ARRAY_SIZE or JOB_COMPLETIONS",
    },
    Place {
        of: &["serve", "serve link"],
        name: "UNREEL_SERVE_CONFIG",
        what: "the file of --config",
    },
    Place {
        of: &["serve", "serve link"],
        name: "UNREEL_SERVE_…",
        what: "each setting, by the name of its flag in capitals: UNREEL_SERVE_LISTEN for --listen",
    },
    Place {
        of: &["--name-template", ""],
        name: "TMPDIR",
        what: "where the ciphertext of a pipe is kept until it is verified, in a file without a name",
    },
    Place {
        of: &[EVERY],
        name: "UNREEL_LOG_FORMAT",
        what: "text or json, without --log-format",
    },
    Place {
        of: &[EVERY],
        name: "NO_COLOR, TERM, CI",
        what: "not empty, dumb: no colours; not empty: no progress bar",
    },
];

pub(super) const FILES: &[Place] = &[
    Place {
        of: &["--metadata", ""],
        name: "INPUT.json, INPUT.headers",
        what: "what the provider says of a recording, beside it: read where there is no --metadata",
    },
    Place {
        of: &["--profile", "decrypt", "batch", ""],
        name: "~/.twilio-cli/config.json",
        what: "profiles of twilio-cli, whose credentials are used where the environment has none",
    },
    Place {
        of: ASK_VONAGE,
        name: "./.vonagerc, ~/.vonage/config.json",
        what: "the application of vonage-cli, where the environment has none",
    },
    Place {
        of: &["--name-template", ""],
        name: ".NAME.unreel-XXXXXX",
        what: "an output that is not complete, where the file system has no files without a name; \
               removed on errors and signals",
    },
    Place {
        of: &["keygen"],
        name: "private_key.pem, public_key.pem, cert.pem",
        what: "what is made, in the folder of --output-dir; none is ever overwritten",
    },
];
