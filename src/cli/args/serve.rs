//! The arguments of `unreel serve`.
#![expect(clippy::doc_markdown, reason = "the comments are the help's text")]

mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Args, Command};
use url::Url;

pub(in crate::cli) use self::value::{Source, is_of_folder};
use super::{Keys, Network};

/// The settings: as flags, and with these names in the environment and in a file.
#[derive(Args, Debug)]
#[command(next_help_heading = "Recordings")]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub(in crate::cli) struct Serve {
    /// Where recordings are: twilio, a folder, or a prefix in a bucket
    ///
    /// Of Twilio those of Twilio Voice, by id; buckets are s3://, az://, gs://. May be repeated; they
    /// are asked in this order
    #[arg(long = "source", value_name = "SOURCE", value_parser = value::source)]
    pub(in crate::cli) sources: Vec<Source>,
    /// Ciphertext that is kept in memory, for seeking: a number with KiB, MiB or GiB, or 0
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = value::size)]
    pub(in crate::cli) cache: u64,
    /// A profile of twilio-cli, whose credentials are used [default: those of the environment]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) profile: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) keys: Keys,

    /// The Twilio account whose Flex tokens are valid [default: that of the credentials]
    #[arg(long, value_name = "AC…", value_parser = value::account, help_heading = LISTENERS)]
    pub(in crate::cli) account: Option<String>,
    /// A role that may listen; guests never may. May be repeated
    #[arg(
        long = "allow-role",
        value_name = "ROLE",
        default_values = ["agent", "supervisor", "admin"],
        value_parser = value::role,
        help_heading = LISTENERS
    )]
    pub(in crate::cli) roles: Vec<String>,
    /// Shell command that is asked for each recording, JSON on its standard input: exit code 0
    /// allows it
    #[arg(long, value_name = "COMMAND", value_parser = value::command, help_heading = LISTENERS)]
    pub(in crate::cli) authz_command: Option<String>,
    /// Try it: print a link to each recording, ask for no token
    ///
    /// On this machine only
    #[arg(long, help_heading = LISTENERS)]
    pub(in crate::cli) demo: bool,

    /// What links begin with [default: the address that is listened on]
    #[arg(long, value_name = "URL", value_parser = value::public_url, help_heading = LINKS)]
    pub(in crate::cli) public_url: Option<Url>,
    /// File with the keys that sign links
    ///
    /// One a line: a name and 32 bytes or more in base64. The first signs, all verify
    ///
    /// [default: a key that ends with the process]
    #[arg(long, value_name = "PATH", help_heading = LINKS)]
    pub(in crate::cli) link_key_file: Option<PathBuf>,
    /// How long links for Flex are good: a number with s, m or h, at most 12h
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5m",
        value_parser = value::link_ttl,
        help_heading = LINKS
    )]
    pub(in crate::cli) link_ttl: Duration,
    /// The path at which Flex asks for links
    #[arg(
        long,
        value_name = "/PATH",
        default_value = "/sec_rec",
        value_parser = value::flex_path,
        help_heading = LINKS
    )]
    pub(in crate::cli) flex_path: String,

    /// The address to listen on
    ///
    /// Port 0 is any that is free. Beyond this machine it takes --tls-cert and --tls-key, or
    /// --behind-proxy
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        value_parser = value::address,
        help_heading = ADDRESS
    )]
    pub(in crate::cli) listen: SocketAddr,
    /// The address for /healthz, /readyz and /metrics [default: a free port of this machine]
    #[arg(long, value_name = "ADDRESS", value_parser = value::address, help_heading = ADDRESS)]
    pub(in crate::cli) admin_listen: Option<SocketAddr>,
    /// The server's certificate and those of its authorities, PEM
    #[arg(long, value_name = "PATH", help_heading = ADDRESS)]
    pub(in crate::cli) tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "PATH", help_heading = ADDRESS)]
    pub(in crate::cli) tls_key: Option<PathBuf>,
    /// A proxy stands in front, and says in X-Forwarded-For whose request it is
    #[arg(long, help_heading = ADDRESS)]
    pub(in crate::cli) behind_proxy: bool,
    /// A site whose pages may read the answers. May be repeated
    #[arg(
        long = "origin",
        value_name = "ORIGIN",
        default_values = ["https://flex.twilio.com"],
        value_parser = value::origin,
        help_heading = ADDRESS
    )]
    pub(in crate::cli) origins: Vec<String>,
    /// A further name that the server is called by. May be repeated
    #[arg(long = "host", value_name = "NAME", value_parser = value::host, help_heading = ADDRESS)]
    pub(in crate::cli) hosts: Vec<String>,
    /// The most connections from one address
    #[arg(
        long,
        value_name = "N",
        default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = ADDRESS
    )]
    pub(in crate::cli) per_address: u32,

    /// File to which it is appended who listened to what, as a chain of JSON lines
    #[arg(long, value_name = "PATH", help_heading = LOG)]
    pub(in crate::cli) audit_log: Option<PathBuf>,
    /// Play recordings also where that cannot be written
    #[arg(long, help_heading = LOG)]
    pub(in crate::cli) audit_optional: bool,

    #[command(flatten)]
    pub(in crate::cli) network: Network,

    /// File with settings (TOML), by the names of the flags
    ///
    /// Such as listen = "127.0.0.1:8080"
    ///
    /// [else the environment's UNREEL_SERVE_CONFIG]
    #[arg(long, value_name = "PATH", help_heading = SETTINGS)]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Print the settings in force as such a file, secrets masked, and end
    #[arg(long, help_heading = SETTINGS)]
    pub(in crate::cli) print_config: bool,
}

const LISTENERS: &str = "Who may listen";
const LINKS: &str = "Links";
const ADDRESS: &str = "Server";
const LOG: &str = "Log";
const SETTINGS: &str = "Settings";

const AFTER_HELP: &str = "\
Each setting may also stand in the environment, as UNREEL_SERVE_LISTEN for --listen (lists with
commas, flags as true or false), or in the file of --config. A flag goes before the environment,
and that before the file.";

const AFTER_HELP_OF_LINK: &str = "\
It takes every setting of `unreel serve`, in the same places; these are the ones that matter.";

/// A signed link.
#[derive(Args, Debug)]
pub(in crate::cli) struct Link {
    /// The recording's id
    #[arg(value_name = "ID", value_parser = value::recording)]
    pub(in crate::cli) id: String,
    /// Whom the audit log names as the listener
    #[arg(long = "for", value_name = "WHO", value_parser = value::who)]
    pub(in crate::cli) who: Option<String>,
    /// How long it is good: a number with s, m or h, at most 12h
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = value::link_ttl)]
    pub(in crate::cli) ttl: Duration,
}

/// Which log.
#[derive(Args, Debug)]
pub(in crate::cli) struct VerifyAudit {
    /// The log, or what a rotation left of it; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
}

/// The settings that a link depends on.
const OF_LINKS: [&str; 7] = [
    "for",
    "ttl",
    "public-url",
    "link-key-file",
    "listen",
    "tls-cert",
    "config",
];

fn hidden_unless_it_matters(arg: Arg) -> Arg {
    let matters = arg.get_long().is_none_or(|long| OF_LINKS.contains(&long));
    arg.hide(!matters)
}

/// The settings, and what is done in place of serving.
pub(in crate::cli) fn with_actions(command: Command) -> Command {
    let link = Serve::augment_args(Link::augment_args(Command::new("link")))
        .mut_args(hidden_unless_it_matters)
        .about("Print a signed link to a recording")
        .after_help(AFTER_HELP_OF_LINK);
    let verify_audit = VerifyAudit::augment_args(Command::new("verify-audit"))
        .about("Check that an audit log is whole, and print its last hash");
    Serve::augment_args(command)
        .subcommands([link, verify_audit].map(|command| command.long_about(None)))
        .disable_help_subcommand(true)
        .after_help(AFTER_HELP)
}
