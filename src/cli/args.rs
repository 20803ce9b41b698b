//! The command line, as clap reads it.
#![expect(clippy::doc_markdown, reason = "the comments are the help's text")]

mod batch;
mod doctor;
mod keygen;
mod messages;
mod register;
#[cfg(feature = "serve")]
mod serve;
mod shell;
#[cfg(feature = "waveform")]
mod waveform;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

pub(super) use self::batch::Batch;
pub(super) use self::doctor::Doctor;
pub(super) use self::keygen::Keygen;
pub(super) use self::messages::{Color, LogFormat, Verbosity};
pub(super) use self::register::{
    Algorithm, ArchiveStorage, Auth, Change, FallbackArg, QvoiceConfig, Register, TwilioKey,
    VideoSettings,
};
#[cfg(feature = "serve")]
pub(super) use self::serve::{Link, Serve, Source, VerifyAudit, is_of_folder, with_actions};
pub(super) use self::shell::{Completions, Man};
#[cfg(feature = "waveform")]
pub(super) use self::waveform::{Drawing, Waveform};
use super::moment::Moment;
use crate::job::{NameTemplate, Shard};
use crate::key::Kdf;
use crate::pipeline::search::{Aad, KeyForm, Layout, SaltForm};

#[derive(Args, Debug)]
pub(super) struct TwilioVoice {
    /// The wrapped key itself, in base64, instead of metadata
    #[arg(
        long,
        value_name = "BASE64",
        display_order = 1,
        requires = "iv",
        conflicts_with = "metadata"
    )]
    pub(super) encrypted_cek: Option<String>,
    /// The initialization vector itself, in base64
    #[arg(
        long,
        value_name = "BASE64",
        display_order = 2,
        requires = "encrypted_cek"
    )]
    pub(super) iv: Option<String>,
    #[command(flatten)]
    pub(super) decrypt: Decrypt,
    #[command(flatten)]
    pub(super) all: Account,
    #[command(flatten)]
    pub(super) twilio: TwilioAccount,
    /// Also recordings that Twilio deleted, whose metadata it keeps for 40 days
    #[arg(long, help_heading = "Selection", display_order = 212)]
    pub(super) include_deleted: bool,
}

#[derive(Args, Debug)]
pub(super) struct TwilioVideo {
    /// The wrapped key itself (x-amz-meta-x-amz-key), instead of metadata
    #[arg(
        long,
        value_name = "BASE64",
        display_order = 1,
        requires = "iv",
        conflicts_with = "metadata"
    )]
    pub(super) encrypted_key: Option<String>,
    /// The initialization vector itself (x-amz-meta-x-amz-iv)
    #[arg(
        long,
        value_name = "BASE64",
        display_order = 2,
        requires = "encrypted_key"
    )]
    pub(super) iv: Option<String>,
    #[command(flatten)]
    pub(super) decrypt: Decrypt,
    #[command(flatten)]
    pub(super) all: Account,
    #[command(flatten)]
    pub(super) twilio: TwilioAccount,
}

#[derive(Args, Debug)]
pub(super) struct Vonage {
    /// The archive's password itself, instead of metadata
    #[arg(
        long,
        value_name = "BASE64",
        display_order = 1,
        conflicts_with = "metadata"
    )]
    pub(super) password: Option<String>,
    /// What stands at the end: whole packets decide, PKCS#7, or keep every byte as
    /// `openssl enc -d -nopad` does
    #[arg(long, value_name = "HOW", display_order = 2, default_value = "auto")]
    pub(super) padding: VonagePadding,
    #[command(flatten)]
    pub(super) decrypt: Decrypt,
    #[command(flatten)]
    pub(super) all: Account,
    /// The bucket that archives are uploaded to, or a folder in it: s3://BUCKET, az://CONTAINER. The
    /// media of an archive's id is read from there
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Selection",
        display_order = 240
    )]
    pub(super) bucket: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum VonagePadding {
    Auto,
    Pkcs7,
    Keep,
}

#[derive(Args, Debug)]
pub(super) struct Qvoice {
    /// Encrypted media, a folder of it, or its URL; `-` is standard input, which is also the default
    #[arg(value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
    /// The recording's metadata, or a folder of it
    ///
    /// `-` is standard input. May be repeated
    ///
    /// [default: a sidecar INPUT.json, if there is one]
    #[arg(short, long, value_name = "PATH")]
    pub(super) metadata: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) secrets: QvoiceSecrets,
    #[command(flatten)]
    pub(super) method: QvoiceMethod,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) network: Network,
    #[command(flatten)]
    pub(super) report: Report,
    #[command(flatten)]
    pub(super) work: Work,
}

/// Which keys and salts.
#[derive(Args, Debug)]
#[command(next_help_heading = "Keys")]
pub(super) struct QvoiceSecrets {
    /// The encryption configuration
    ///
    /// The answer of GET /api/v2/config/call_recording_encryption; `-` is standard input
    #[arg(long, value_name = "PATH")]
    pub(super) config: Option<PathBuf>,
    /// File with the key alone, as plain text
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    pub(super) key_file: Option<PathBuf>,
    /// File with the salt alone
    #[arg(long, value_name = "PATH", requires = "key_file")]
    pub(super) salt_file: Option<PathBuf>,
    /// Use this version of the configuration, whatever the metadata says; or the version that
    /// --key-file is
    #[arg(long, value_name = "N")]
    pub(super) key_version: Option<u64>,
}

/// How the recordings are encrypted.
#[derive(Args, Debug)]
#[command(next_help_heading = "Format (auto: found by trying)")]
pub(super) struct QvoiceMethod {
    /// Where everything stands: nonce12-ct-tag16, ct-tag16, salt16-nonce12-ct-tag16,
    /// nonce12-tag16-ct, nonce16-ct-tag16, ct-detached, iv16-ct, ct
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(super) layout: Choice<Layout>,
    /// How the key is derived: pbkdf2-sha256:N (sha1, sha512), sha256-key-salt, sha256-salt-key,
    /// sha256-key, raw, prefix32, hkdf-sha256, hkdf-sha256:INFO, hmac-sha256-key-salt,
    /// hmac-sha256-salt-key, scrypt:N:R:P, argon2id:KIB:PASSES:LANES
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(super) kdf: Choice<Kdf>,
    /// What of the key is the secret: its text, the bytes of its hex digits, its text in base64,
    /// or the bytes it is the base64 of (decoded)
    #[arg(long, value_name = "FORM", default_value = "auto")]
    pub(super) key_form: Choice<KeyForm>,
    /// Which bytes the salt is: its text, what it is the base64 of (decoded), or those in front
    /// of the file (file)
    #[arg(long, value_name = "FORM", default_value = "auto")]
    pub(super) salt_form: Choice<SaltForm>,
    /// GCM's additional data: none, id, key-id, salt, text:TEXT
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(super) aad: Choice<Aad>,
    /// All of these from a file; if there is none, it is written when a recording was opened
    #[arg(long, value_name = "PATH", conflicts_with_all = ["layout", "kdf", "key_form", "salt_form", "aad"])]
    pub(super) profile: Option<PathBuf>,
    /// Give up on a recording after this time
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = BUDGET,
        value_parser = clap::value_parser!(u32)
    )]
    pub(super) budget: u32,
}

/// Seconds for one recording.
pub(super) const BUDGET: u32 = 120;

/// Something that is named, or found by trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice<T> {
    Auto,
    Is(T),
}

impl<T> Choice<T> {
    pub(super) fn named(self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Is(value) => Some(value),
        }
    }
}

impl<T: FromStr> FromStr for Choice<T> {
    type Err = T::Err;

    fn from_str(name: &str) -> Result<Self, T::Err> {
        match name {
            "auto" => Ok(Self::Auto),
            name => name.parse().map(Self::Is),
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct Any {
    /// Qvoice's encryption configuration: the recordings are Qvoice's then
    #[arg(
        long,
        value_name = "PATH",
        display_order = 1,
        conflicts_with_all = ["paths", "key_command", "unwrap_command", "passphrase_file", "passphrase_fd"]
    )]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) decrypt: Decrypt,
}

/// What the decrypting commands share.
#[derive(Args, Debug)]
pub(super) struct Decrypt {
    /// A recording's id, or encrypted media: a file, a folder, a URL; `-` is standard input
    ///
    /// An id may be that of a call, conference, room or session too, for all its recordings; a URL may
    /// be that of an object in a bucket (s3://, az://, gs://), or of all below a prefix that ends in
    /// `/`. Standard input is also the default
    #[arg(value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
    /// The provider's metadata, or a folder of it
    ///
    /// `-` is standard input. May be repeated
    ///
    /// [default: what the provider says of an id; a sidecar INPUT.json or INPUT.headers]
    #[arg(short, long, value_name = "PATH", display_order = 0)]
    pub(super) metadata: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) keys: Keys,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) network: Network,
    #[command(flatten)]
    pub(super) report: Report,
    #[command(flatten)]
    pub(super) work: Work,
}

/// Which recordings of a provider, and what is done with them but decrypting.
#[derive(Args, Debug)]
#[command(next_help_heading = "Selection")]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub(super) struct Selection {
    /// Of groups and --all: those created at or after this time: a date, a date and time (RFC 3339),
    /// or an age such as 90m, 12h, 7d
    #[arg(long, value_name = "TIME", display_order = 210)]
    pub(super) since: Option<Moment>,
    /// Of groups and --all: those created before this time
    #[arg(long, value_name = "TIME", display_order = 211)]
    pub(super) until: Option<Moment>,
    /// Unwrap every content key and fetch no media: which key opens what, and what nothing opens
    #[arg(
        long,
        display_order = 220,
        conflicts_with_all = ["output", "output_dir", "check", "stream_unverified", "download_only", "metadata_only", "save_metadata"]
    )]
    pub(super) check_keys: bool,
    /// Fetch the media as it is, encrypted, and its metadata, to be decrypted later without a network
    #[arg(
        long,
        display_order = 221,
        requires = "output_dir",
        conflicts_with_all = ["output", "check", "metadata_only", "save_metadata", "require_integrity", "sha256"]
    )]
    pub(super) download_only: bool,
    /// Fetch the metadata alone
    #[arg(
        long,
        display_order = 222,
        requires = "output_dir",
        conflicts_with_all = ["output", "check", "save_metadata", "require_integrity", "sha256"]
    )]
    pub(super) metadata_only: bool,
    /// Keep the metadata of each decrypted recording beside it
    #[arg(
        long,
        display_order = 223,
        requires = "output_dir",
        conflicts_with_all = ["output", "check"]
    )]
    pub(super) save_metadata: bool,
}

/// Whole accounts.
#[derive(Args, Debug)]
#[command(next_help_heading = "Selection")]
pub(super) struct Account {
    /// Every recording of the account
    #[arg(long, display_order = 200, conflicts_with_all = ["inputs", "metadata"])]
    pub(super) all: bool,
}

/// Which account of Twilio's, and with which credentials.
#[derive(Args, Debug)]
#[command(next_help_heading = "Selection")]
pub(super) struct TwilioAccount {
    /// The account or subaccount whose recordings are meant [default: that of the credentials]
    #[arg(long, value_name = "AC…", display_order = 230)]
    pub(super) account: Option<String>,
    /// A profile of twilio-cli, for its credentials
    ///
    /// [default: those of the environment]
    #[arg(long = "profile", value_name = "NAME", display_order = 231)]
    pub(super) twilio_profile: Option<String>,
}

/// How what is fetched is fetched.
#[derive(Args, Debug)]
#[command(next_help_heading = "Network")]
pub(super) struct Network {
    /// Certificates (PEM) to trust beside the system's [else TWILIO_CA_BUNDLE]
    #[arg(long, value_name = "PATH")]
    pub(super) ca_file: Option<PathBuf>,
    /// How often a request is tried again
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) retries: u32,
}

/// How many things are done at once, and which of them here.
#[derive(Args, Debug)]
#[command(next_help_heading = "Work")]
pub(super) struct Work {
    /// Recordings to work on at the same time [default: the machine's cores; 4 where any is fetched]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST))]
    jobs: Option<u16>,
    /// Threads for one recording [default: the machine's cores, shared by the jobs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST))]
    threads: Option<u16>,
    /// Of all recordings those of one part of N, the first being 0/N, by the SHA-256 of each INPUT,
    /// of groups and --all of each id; auto: the part that AWS Batch or Kubernetes says
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Choice<Shard>>,
}

/// The most threads that anybody can mean.
const MOST: i64 = 1024;

impl Work {
    pub(super) fn jobs(&self) -> Option<NonZeroUsize> {
        self.jobs.and_then(|jobs| NonZeroUsize::new(jobs.into()))
    }

    pub(super) fn threads(&self) -> Option<NonZeroUsize> {
        self.threads
            .and_then(|threads| NonZeroUsize::new(threads.into()))
    }
}

/// Which private keys.
#[derive(Args, Debug)]
#[command(next_help_heading = "Keys")]
pub(super) struct Keys {
    /// Private key, PEM or DER, or a folder of keys
    ///
    /// `-` is standard input. May be repeated
    ///
    /// [else the environment's UNREEL_KEY_FILE, else $CREDENTIALS_DIRECTORY/unreel-key]
    #[arg(short = 'k', long = "key", value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Shell command that prints the private key
    #[arg(long, value_name = "COMMAND")]
    pub(super) key_command: Option<String>,
    /// Shell command that unwraps the content key (stdin to stdout, raw bytes)
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["paths", "key_command"])]
    pub(super) unwrap_command: Option<String>,
    #[command(flatten)]
    pub(super) passphrase: PassphraseFrom,
    /// Never ask for a passphrase
    #[arg(long)]
    pub(super) no_input: bool,
}

/// Where a passphrase comes from, if not from a prompt.
#[derive(Args, Debug)]
pub(super) struct PassphraseFrom {
    /// File with the passphrase of the private key
    ///
    /// [else the environment's UNREEL_PASSPHRASE, else a prompt]
    #[arg(long, value_name = "PATH")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Open file descriptor with the passphrase
    #[arg(long, value_name = "N", conflicts_with = "passphrase_file")]
    pub(super) passphrase_fd: Option<u32>,
}

/// Where the plaintext goes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub(super) struct Output {
    /// File or object in a bucket to write
    ///
    /// `-` is standard output [default: standard output, unless it is a terminal]
    #[arg(short, long, value_name = "PATH")]
    pub(super) output: Option<PathBuf>,
    /// Folder to write to, made if it is not there
    ///
    /// Or a prefix in a bucket. Files are named for the recording and its content
    #[arg(short = 'd', long, value_name = "DIR", conflicts_with = "output")]
    pub(super) output_dir: Option<PathBuf>,
    /// What files in the folder are called: {id}, {date}, {call}, {room}, {session}, {account}, text;
    /// `/` makes folders
    #[arg(
        long,
        value_name = "TEMPLATE",
        default_value = "{id}",
        requires = "output_dir",
        conflicts_with = "output"
    )]
    pub(super) name_template: NameTemplate,
    /// What to do where the output exists
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub(super) if_exists: IfExists,
    /// Overwrite existing output
    #[arg(short, long, conflicts_with = "if_exists")]
    pub(super) force: bool,
    /// Verify everything, write nothing; with -o or -d also look whether it could be written
    #[arg(long, conflicts_with = "stream_unverified")]
    pub(super) check: bool,
    /// What to do with a recording that is not encrypted [default: fail; in a folder or a list: skip]
    #[arg(long, value_name = "WHAT")]
    pub(super) plain: Option<PlainArg>,
    /// Refuse what neither a tag nor a digest nor a length proves
    #[arg(long)]
    pub(super) require_integrity: bool,
    /// Write to standard output before verification; only the exit code tells whether it was right
    #[arg(long, conflicts_with = "output_dir")]
    pub(super) stream_unverified: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum IfExists {
    Fail,
    Skip,
    Overwrite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PlainArg {
    Fail,
    Skip,
    Save,
}

/// What is said about the result.
#[derive(Args, Debug)]
#[command(next_help_heading = "Report")]
pub(super) struct Report {
    /// Print one line of JSON a recording on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// Append the same line to a file; `-` is standard output
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,
    /// Also compute the SHA-256 of the plaintext
    #[arg(long)]
    pub(super) sha256: bool,
}

impl Report {
    /// Whether lines of JSON go to standard output.
    pub(super) fn on_stdout(&self) -> bool {
        self.json || self.report.is_some() && self.file().is_none()
    }

    /// The file that they go to.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        self.report.as_ref().filter(|path| path.as_os_str() != "-")
    }
}

#[derive(Args, Debug)]
pub(super) struct Inspect {
    /// Files to look at, ids and URLs of recordings; `-` is standard input
    ///
    /// Of what has an id or a URL no media is read
    #[arg(value_name = "FILE", required_unless_present = "credentials")]
    pub(super) files: Vec<PathBuf>,
    /// Print a line of JSON a file on standard output
    ///
    /// With --credentials, one a provider
    #[arg(long)]
    pub(super) json: bool,
    /// Say instead where credentials for the providers come from
    ///
    /// Nobody is asked
    #[arg(
        long,
        conflicts_with_all = ["files", "paths", "key_command", "unwrap_command", "passphrase_file", "passphrase_fd"]
    )]
    pub(super) credentials: bool,
    #[command(flatten)]
    pub(super) keys: Keys,
    #[command(flatten)]
    pub(super) twilio: TwilioAccount,
    #[command(flatten)]
    pub(super) network: Network,
}
