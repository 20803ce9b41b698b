//! Looks at the values of options that name files, before anything is done with one: a secret may
//! stand where its file's name belongs.

use std::ffi::OsStr;
use std::path::Path;

use clap::{Arg, ArgMatches, Command};

use super::error::Failure;
use super::exit::Code;
use crate::job::redact::{Kind, exists, hidden, looks_like_secret};
use crate::store::Location;

/// What the value of an option is for.
#[derive(Clone, Copy)]
enum Role {
    /// A file with a private key.
    Key,
    /// A file with another secret.
    Secret(&'static str),
    /// A file to read.
    Metadata,
    /// Media, each for itself.
    Input,
    /// What is written.
    Output,
    /// A part of such a name.
    Prefix,
    /// Another name.
    Subject,
    Command,
}

impl Role {
    /// `None` if the value is no name of a file and no command.
    fn of(arg: &Arg) -> Option<Self> {
        Some(match (value_name(arg)?, arg.get_id().as_str()) {
            ("COMMAND", _) => Self::Command,
            ("INPUT" | "FILE" | "MANIFEST", _) => Self::Input,
            ("PATH", "paths") => Self::Key,
            ("PATH", "public_key") => Self::Secret("the public key"),
            ("PATH", "certificate") => Self::Secret("the certificate"),
            ("PATH", "passphrase_file") => Self::Secret("the passphrase"),
            ("PATH", "config") => Self::Secret("the configuration"),
            ("PATH", "key_file") => Self::Secret("the key"),
            ("PATH", "salt_file") => Self::Secret("the salt"),
            ("PATH", "link_key_file") => Self::Secret("the link keys"),
            ("PATH", "tls_key") => Self::Secret("the server's key"),
            ("DIR", _) | ("PATH", "output" | "report" | "profile" | "audit_log") => Self::Output,
            ("PATH", _) => Self::Metadata,
            ("NAME" | "TEXT", "name") => Self::Prefix,
            ("NAME", "subject") => Self::Subject,
            _ => return None,
        })
    }

    /// What of a value is refused.
    fn refused(self, value: &OsStr) -> Option<Kind> {
        let path = Path::new(value);
        if exists(path) {
            return None;
        }
        let kind = looks_like_secret(value);
        match self {
            Self::Metadata => hidden(path),
            Self::Key | Self::Secret(_) | Self::Output => kind,
            Self::Prefix => kind.filter(|kind| *kind == Kind::Random),
            Self::Command | Self::Subject => {
                kind.filter(|kind| matches!(kind, Kind::Key | Kind::Random))
            }
            Self::Input if is_url(value) => None,
            Self::Input => kind.filter(|kind| *kind != Kind::Random),
        }
    }

    fn code(self) -> Code {
        match self {
            Self::Secret("the configuration") | Self::Metadata => Code::Metadata,
            Self::Key | Self::Secret(_) | Self::Command => Code::Key,
            Self::Input => Code::Input,
            Self::Output => Code::Output,
            Self::Prefix | Self::Subject => Code::Usage,
        }
    }

    fn hint(self, kind: Kind) -> String {
        match self {
            Self::Key => KEY_HINT.to_owned(),
            Self::Metadata | Self::Input | Self::Output if kind == Kind::Key => KEY_HINT.to_owned(),
            Self::Secret(what) => format!(
                "put {what} into a file that only you can read (chmod 600), and pass the file's name"
            ),
            Self::Command => "pass a command that prints the key, such as `cat key.pem`, or the \
                              key's file with -k PATH"
                .to_owned(),
            Self::Subject => "the certificate is public: give it your company's name".to_owned(),
            Self::Metadata | Self::Input | Self::Output | Self::Prefix => {
                "secrets belong into files; if it is a file's name, write it with ./ in front"
                    .to_owned()
            }
        }
    }
}

/// Where the text of a private key belongs.
pub(super) const KEY_HINT: &str = "put the key into a file that only you can read (chmod 600) and \
                                   pass the file's name, pipe it in with `-k -`, or let \
                                   --key-command print it";

/// Whether it is a URL, whose query may have what a key has. It is never printed whole.
fn is_url(value: &OsStr) -> bool {
    let text = value.to_string_lossy();
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn value_name(arg: &Arg) -> Option<&str> {
    Some(arg.get_value_names()?.first()?.as_str())
}

/// Refuses a value that is no name and may be a secret. It is not repeated.
pub(super) fn check(command: &Command, matches: &ArgMatches) -> Result<(), Failure> {
    let Some((name, given)) = matches.subcommand() else {
        return Ok(());
    };
    let Some(command) = command.find_subcommand(name) else {
        return Ok(());
    };
    check(command, given)?;
    check_values(name, command, given)
}

/// The same of the values that the command `name` itself was given.
pub(super) fn check_values(
    name: &str,
    command: &Command,
    given: &ArgMatches,
) -> Result<(), Failure> {
    let raw = |id: &str| given.try_get_raw(id).ok().flatten().into_iter().flatten();
    for arg in command.get_arguments() {
        let Some(role) = Role::of(arg) else {
            continue;
        };
        let option = match arg.get_long() {
            Some(long) => format!("--{long}"),
            None => value_name(arg).unwrap_or_default().to_owned(),
        };
        for value in raw(arg.get_id().as_str()) {
            look(&option, role, value)?;
            look_for_bucket(name, &option, role, value)?;
        }
        if let Role::Key = role
            && ["paths", "key_command", "unwrap_command"]
                .map(raw)
                .iter_mut()
                .all(|all| all.next().is_none())
            && let Some(value) =
                std::env::var_os("UNREEL_KEY_FILE").filter(|value| !value.is_empty())
        {
            look("UNREEL_KEY_FILE", role, &value)?;
        }
    }
    Ok(())
}

/// Options that take a bucket's URL, in the commands that have them so.
const IN_BUCKETS: [&str; 2] = ["--output", "--output-dir"];

/// Refuses a bucket's URL where a file is meant: it would be the name of one.
fn look_for_bucket(command: &str, option: &str, role: Role, value: &OsStr) -> Result<(), Failure> {
    let is_file = match role {
        Role::Input | Role::Command | Role::Subject | Role::Prefix => false,
        Role::Output => command == "keygen" || !IN_BUCKETS.contains(&option),
        Role::Key | Role::Secret(_) | Role::Metadata => true,
    };
    match value.to_str().and_then(Location::parse) {
        Some(_) if is_file => Err(Failure::Misplaced(
            format!("{option} takes a file, and was given the URL of a bucket"),
            Code::Usage,
            "buckets are for recordings: as INPUT, -o and -d; copy the file to this machine"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

fn look(option: &str, role: Role, value: &OsStr) -> Result<(), Failure> {
    let Some(kind) = role.refused(value) else {
        return Ok(());
    };
    let wanted = match role {
        Role::Command => "a command",
        Role::Subject => "a name",
        _ => "the name of a file",
    };
    let problem = match kind {
        Kind::Phrase => format!("{option} names no file that is there"),
        kind => format!("{option} was given {}, not {wanted}", kind.name()),
    };
    let mut hint = role.hint(kind);
    if kind == Kind::Phrase {
        hint += "; only names with a folder or an ending such as .pem or .txt are repeated here";
    }
    Err(Failure::Misplaced(problem, role.code(), hint))
}
