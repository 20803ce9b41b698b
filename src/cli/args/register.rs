//! The arguments of `unreel register`.
#![expect(clippy::doc_markdown, reason = "the comments are the help's text")]

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{Network, PassphraseFrom};

/// To whom a key is handed.
#[derive(Subcommand, Debug)]
pub(in crate::cli) enum Register {
    /// Register a public key at Twilio, list those that are there, or delete one
    Twilio(TwilioKey),
    /// Switch the encryption of Twilio Video's recordings and compositions on or off; without
    /// --recordings and --compositions, say what is set
    TwilioVideo(VideoSettings),
    /// Set the storage of Vonage Video (OpenTok) archives, and the certificate that they are
    /// encrypted for
    Vonage(ArchiveStorage),
    /// Switch the encryption of Qvoice call recordings on or off, or rotate its key
    Qvoice(QvoiceConfig),
}

/// How something is changed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Change")]
pub(in crate::cli) struct Change {
    /// Do not ask; without a terminal nothing is changed otherwise
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Print the requests that would change something, send none
    ///
    /// Secrets in them are masked
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Print the result as one line of JSON on standard output
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) network: Network,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").args(["public_key", "list", "delete"]).required(true))]
pub(in crate::cli) struct TwilioKey {
    /// Register this public key: PEM or DER, RSA of 2048 bits
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) public_key: Option<PathBuf>,
    /// What it is to be called [default: unreel sha256: and the beginning of its fingerprint]
    #[arg(long, value_name = "TEXT", requires = "public_key", conflicts_with_all = ["list", "delete"])]
    pub(in crate::cli) name: Option<String>,
    /// Folder in which the private key that belongs to it gets the name CR….pem
    #[arg(long, value_name = "DIR", requires = "public_key", conflicts_with_all = ["list", "delete"])]
    pub(in crate::cli) key_dir: Option<PathBuf>,
    /// List the public keys that are registered
    #[arg(long)]
    pub(in crate::cli) list: bool,
    /// Delete this public key
    #[arg(long, value_name = "CR…")]
    pub(in crate::cli) delete: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) profile: Profile,
    #[command(flatten)]
    pub(in crate::cli) keys: PrivateHalf,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct VideoSettings {
    /// The public key to encrypt for [default: the one that is set]
    #[arg(long, value_name = "CR…", conflicts_with = "disable")]
    pub(in crate::cli) public_key_sid: Option<String>,
    /// Change the settings of recordings
    #[arg(long)]
    pub(in crate::cli) recordings: bool,
    /// Change the settings of compositions
    #[arg(long)]
    pub(in crate::cli) compositions: bool,
    /// Switch encryption off
    #[arg(long)]
    pub(in crate::cli) disable: bool,
    #[command(flatten)]
    pub(in crate::cli) profile: Profile,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").args(["certificate", "disable"]).required(true))]
#[command(group = ArgGroup::new("where").args(["s3", "azure"]).required(true))]
pub(in crate::cli) struct ArchiveStorage {
    /// Encrypt archives for this X.509 certificate
    ///
    /// PEM or DER, RSA of at most 2048 bits
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) certificate: Option<PathBuf>,
    /// Do not encrypt archives
    #[arg(long)]
    pub(in crate::cli) disable: bool,
    /// Upload archives to this bucket of Amazon S3
    ///
    /// With UNREEL_STORAGE_ACCESS_KEY and UNREEL_STORAGE_SECRET_KEY
    #[arg(long, value_name = "BUCKET")]
    pub(in crate::cli) s3: Option<String>,
    /// Upload archives to this container of Microsoft Azure
    ///
    /// With UNREEL_STORAGE_ACCOUNT and UNREEL_STORAGE_KEY
    #[arg(long, value_name = "CONTAINER")]
    pub(in crate::cli) azure: Option<String>,
    /// Who keeps an archive that cannot be uploaded: nobody, or Vonage
    #[arg(long, value_name = "WHO", default_value = "none")]
    pub(in crate::cli) fallback: FallbackArg,
    /// How an application says who it is: a token that its private key signs, or VONAGE_API_SECRET
    #[arg(long, value_name = "HOW", default_value = "bearer")]
    pub(in crate::cli) auth: Auth,
    #[command(flatten)]
    pub(in crate::cli) keys: PrivateHalf,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").args(["show", "enable", "disable", "rotate"]).required(true))]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub(in crate::cli) struct QvoiceConfig {
    /// The configuration file: keys stand in it before they are sent, and `unreel qvoice --config`
    /// reads it
    #[arg(long, value_name = "PATH", required = true)]
    pub(in crate::cli) config: PathBuf,
    /// Say what is set, and bring the file up to date
    #[arg(long)]
    pub(in crate::cli) show: bool,
    /// Switch encryption on
    #[arg(long)]
    pub(in crate::cli) enable: bool,
    /// Switch encryption off; keys stay
    #[arg(long)]
    pub(in crate::cli) disable: bool,
    /// Take a new key and salt for new recordings
    #[arg(long)]
    pub(in crate::cli) rotate: bool,
    /// How recordings are encrypted [default: what is set, else aes-256-gcm]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["show", "disable"])]
    pub(in crate::cli) algorithm: Option<Algorithm>,
    /// File with the new key, of at least 32 characters, as plain text [default: one is made]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["show", "disable"])]
    pub(in crate::cli) key_file: Option<PathBuf>,
    /// File with its salt [default: one is made]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["show", "disable"])]
    pub(in crate::cli) salt_file: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

/// Whose credentials.
#[derive(Args, Debug)]
pub(in crate::cli) struct Profile {
    /// A profile of twilio-cli, whose credentials are used [default: those of the environment]
    #[arg(long = "profile", value_name = "NAME")]
    pub(in crate::cli) twilio_profile: Option<String>,
}

/// The private key that belongs to what is handed over.
#[derive(Args, Debug)]
#[command(next_help_heading = "Keys")]
pub(in crate::cli) struct PrivateHalf {
    /// The private key that belongs to it, or a folder that it is in; `-` is standard input. May be
    /// repeated [else the environment's UNREEL_KEY_FILE, else $CREDENTIALS_DIRECTORY/unreel-key]
    #[arg(short = 'k', long = "key", value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) passphrase: PassphraseFrom,
    /// Never ask for a passphrase
    #[arg(long)]
    pub(in crate::cli) no_input: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FallbackArg {
    None,
    Opentok,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Auth {
    Bearer,
    Basic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Algorithm {
    #[value(name = "aes-256-gcm")]
    Gcm,
    #[value(name = "aes-256-cbc")]
    Cbc,
}
