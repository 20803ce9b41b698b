//! [`PAGES`]: what is shown of each command first, and how it is used.

/// What is said of a command beside its arguments.
pub(in crate::cli) struct Page {
    /// What is typed behind `unreel`; nothing of unreel itself.
    command: &'static str,
    /// The flags that people need most, by their long names: `-h` shows these.
    pub(super) flags: &'static [&'static str],
    /// What is done, and below it the line that does it. `-h` shows the first two.
    examples: &'static str,
    /// The commands whose pages of the manual are worth a look, as `command` has them.
    pub(in crate::cli) related: &'static [&'static str],
}

impl Page {
    /// What is done, and the line that does it.
    pub(in crate::cli) fn examples(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let mut lines = self.examples.lines().map(str::trim);
        std::iter::from_fn(move || lines.next().zip(lines.next()))
    }
}

/// The page of a command, by what is typed behind `unreel`.
pub(in crate::cli) fn page(command: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.command == command)
}

const DECRYPTING: &[&str] = &["key", "metadata", "output", "output-dir", "if-exists"];

const PAGES: &[Page] = &[
    Page {
        command: "",
        flags: &[],
        examples: "\
Decrypt a call that Twilio recorded, by its id:
  unreel twilio-voice RE… -k private_key.pem -o call.wav
Every night, those of the last week that are not there yet:
  unreel twilio-voice --all --since 7d -k keys/ -d calls/ --if-exists skip
Decrypt a track of a video room, with the headers that came with it:
  unreel twilio-video -k private_key.pem -m headers.txt RT….mka -d decrypted/
Decrypt an archive of Vonage Video:
  unreel vonage -k key.pem --passphrase-file pass.txt archive.ts -o clear.ts
Decrypt a recording of Qvoice:
  unreel qvoice --config encryption.json call.enc -o call.mp3
Decrypt what a list names, and keep account of it:
  unreel batch manifest.jsonl -k keys/ -d calls/ > report.jsonl
Hand the public key to Twilio:
  unreel register twilio --public-key public_key.pem --key-dir keys/",
        related: &[],
    },
    Page {
        command: "twilio-voice",
        flags: DECRYPTING,
        examples: "\
Fetch and decrypt a recording by its id:
  unreel twilio-voice RE… -k private_key.pem -o call.wav
Those of the last week that are not there yet:
  unreel twilio-voice --all --since 7d -k keys/ -d calls/ --if-exists skip
Decrypt a file, with what Twilio says of the recording:
  unreel twilio-voice call.enc -m call.json -k private_key.pem -o call.wav
See whether a folder of recordings can be decrypted, and write nothing:
  unreel twilio-voice recordings/ -k keys/ --check",
        related: &["decrypt", "batch", "inspect", "keygen", "register twilio"],
    },
    Page {
        command: "twilio-video",
        flags: DECRYPTING,
        examples: "\
Decrypt a track, with the headers that came with it:
  unreel twilio-video RT….mka -m headers.txt -k private_key.pem -o track.mka
Fetch and decrypt all tracks and compositions of a room:
  unreel twilio-video RM… -k private_key.pem -d room/",
        related: &[
            "decrypt",
            "batch",
            "inspect",
            "keygen",
            "register twilio-video",
        ],
    },
    Page {
        command: "vonage",
        flags: DECRYPTING,
        examples: "\
Decrypt an archive, with what Vonage says of it:
  unreel vonage archive.ts -m archive.json -k private_key.pem -o clear.ts
Decrypt an archive by its id, out of the bucket that it was uploaded to:
  unreel vonage ID --bucket s3://BUCKET -k private_key.pem -d archives/",
        related: &["decrypt", "batch", "inspect", "keygen", "register vonage"],
    },
    Page {
        command: "qvoice",
        flags: &["config", "metadata", "output", "output-dir", "if-exists"],
        examples: "\
Decrypt a recording, however it was encrypted:
  unreel qvoice call.enc --config encryption.json -o call.mp3
Decrypt a folder, and try once only what is found out about the first:
  unreel qvoice calls/ --config encryption.json --profile found.json -d clear/",
        related: &["batch", "inspect", "register qvoice"],
    },
    Page {
        command: "decrypt",
        flags: DECRYPTING,
        examples: "\
Fetch and decrypt a recording by its id:
  unreel decrypt RE… -k private_key.pem -o call.wav
Decrypt a folder, whoever its recordings are of:
  unreel decrypt recordings/ -k keys/ -d clear/ --if-exists skip",
        related: &["twilio-voice", "twilio-video", "vonage", "qvoice", "batch"],
    },
    Page {
        command: "batch",
        flags: &["key", "output-dir", "if-exists", "report", "jobs"],
        examples: "\
Decrypt what a list names, and keep account of it:
  unreel batch manifest.jsonl -k keys/ -d calls/ > report.jsonl
The same in a pipe, four at a time:
  unreel batch -k keys/ -d calls/ --if-exists skip -j 4 < manifest.jsonl",
        related: &["decrypt", "inspect"],
    },
    Page {
        command: "keygen",
        flags: &[
            "output-dir",
            "name",
            "certificate",
            "passphrase-file",
            "no-passphrase",
        ],
        examples: "\
A key pair for Twilio, encrypted with a passphrase that is asked for:
  unreel keygen -d keys/
A key pair and a certificate for Vonage:
  unreel keygen -d keys/ --name vonage --certificate",
        related: &["register", "inspect"],
    },
    Page {
        command: "register",
        flags: &[],
        examples: "\
Hand the public key to Twilio:
  unreel register twilio --public-key public_key.pem --key-dir keys/
Say what is set for Twilio Video:
  unreel register twilio-video",
        related: &["keygen", "inspect"],
    },
    Page {
        command: "register twilio",
        flags: &["public-key", "key-dir", "list", "delete", "dry-run"],
        examples: "\
Hand the public key over, and name the private one for the id that it gets:
  unreel register twilio --public-key public_key.pem --key-dir keys/
See which are registered:
  unreel register twilio --list",
        related: &["keygen", "register twilio-video"],
    },
    Page {
        command: "register twilio-video",
        flags: &[
            "public-key-sid",
            "recordings",
            "compositions",
            "disable",
            "dry-run",
        ],
        examples: "\
Say what is set:
  unreel register twilio-video
Encrypt recordings and compositions:
  unreel register twilio-video --public-key-sid CR… --recordings --compositions",
        related: &["register twilio"],
    },
    Page {
        command: "register vonage",
        flags: &["certificate", "s3", "azure", "disable", "dry-run"],
        examples: "\
Have archives encrypted, and uploaded to a bucket:
  unreel register vonage --certificate cert.pem --s3 BUCKET
See what would be sent, and send nothing:
  unreel register vonage --certificate cert.pem --azure CONTAINER --dry-run",
        related: &["keygen"],
    },
    Page {
        command: "register qvoice",
        flags: &["config", "show", "enable", "rotate", "dry-run"],
        examples: "\
Switch encryption on, with a new key:
  unreel register qvoice --config encryption.json --enable
Take a new key for new recordings:
  unreel register qvoice --config encryption.json --rotate",
        related: &["qvoice"],
    },
    Page {
        command: "inspect",
        flags: &["key", "passphrase-file", "json", "profile", "credentials"],
        examples: "\
Say what files are, and whether the key opens them:
  unreel inspect recording.json call.wav.enc -k private_key.pem
Say where credentials for the providers come from:
  unreel inspect --credentials",
        related: &["decrypt", "keygen"],
    },
    #[cfg(feature = "serve")]
    Page {
        command: "serve",
        flags: &["source", "key", "link-key-file", "listen", "demo"],
        examples: "\
Try it on this machine, with a folder of recordings:
  unreel serve --demo --source recordings/ -k private_key.pem
Play Twilio's recordings in Flex:
  unreel serve --source twilio -k keys/ --link-key-file link_keys.txt",
        related: &["decrypt", "waveform"],
    },
    #[cfg(feature = "serve")]
    Page {
        command: "serve link",
        flags: &["link-key-file", "public-url", "ttl", "for", "config"],
        examples: "\
A link that is good for ten minutes:
  unreel serve link RE… --link-key-file link_keys.txt --ttl 10m",
        related: &["serve"],
    },
    #[cfg(feature = "serve")]
    Page {
        command: "serve verify-audit",
        flags: &[],
        examples: "\
Check the log of a service:
  unreel serve verify-audit /var/log/unreel/audit.jsonl",
        related: &["serve"],
    },
    #[cfg(feature = "waveform")]
    Page {
        command: "waveform",
        flags: &["output", "format", "force", "key", "metadata"],
        examples: "\
A picture:
  unreel waveform call.wav -o call.svg
Numbers for a player, of a recording that stays encrypted:
  unreel waveform call.wav.enc -m recording.json -k private_key.pem -o call.json",
        related: &["decrypt"],
    },
    Page {
        command: "doctor",
        flags: &["key", "passphrase-file", "json", "profile", "ca-file"],
        examples: "\
See whether decrypting works on this machine, and what a run would find:
  unreel doctor
The same for a script, or for whoever helps:
  unreel doctor -k keys/ --json > doctor.json",
        related: &["inspect", "keygen"],
    },
    Page {
        command: "completions",
        flags: &[],
        examples: "\
For bash, from the next shell on:
  unreel completions bash > ~/.local/share/bash-completion/completions/unreel
For fish:
  unreel completions fish > ~/.config/fish/completions/unreel.fish
For zsh, into a folder of its fpath:
  unreel completions zsh > ~/.zfunc/_unreel",
        related: &["man"],
    },
    Page {
        command: "man",
        flags: &["output-dir", "force"],
        examples: "\
Read a page:
  unreel man register twilio | man -l -
All of them, where man finds them:
  unreel man -d ~/.local/share/man/man1",
        related: &["completions"],
    },
];
