//! Where the flags and the environment say that private keys and passphrases come from.

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rpassword::ConfigBuilder;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::args::{Keys, PassphraseFrom as Args};
use super::error::Failure;
use super::escape::escape;
use super::printer::Printer;
use crate::io::{self, Withheld};
use crate::job::{Input, KeysFrom, PassphraseFrom, Passphrases};
use crate::key::Passphrase;

/// The variables whose values are secrets that unreel reads, and the user's commands do not need.
/// What a secret store's client is let in with, such as `VAULT_TOKEN` or `AWS_SECRET_ACCESS_KEY`,
/// they do.
const SECRET_VARIABLES: &[&str] = &[
    PASSPHRASE_VARIABLE,
    "TWILIO_AUTH_TOKEN",
    "TWILIO_API_SECRET",
    "TWILIO_API_KEY_SECRET",
    "VONAGE_PRIVATE_KEY",
    "VONAGE_APPLICATION_PRIVATE_KEY",
    "VONAGE_API_SECRET",
    "UNREEL_STORAGE_ACCESS_KEY",
    "UNREEL_STORAGE_SECRET_KEY",
    "UNREEL_STORAGE_ACCOUNT",
    "UNREEL_STORAGE_KEY",
    "OPENTOK_API_SECRET",
    "OT_API_SECRET",
    "QVOICE_TOKEN",
];

const PASSPHRASE_VARIABLE: &str = "UNREEL_PASSPHRASE";

/// `-k`, else `UNREEL_KEY_FILE`, else systemd's credential.
pub(super) fn from(keys: &Keys) -> KeysFrom {
    let commands = keys.key_command.is_some() || keys.unwrap_command.is_some();
    let paths = if commands {
        keys.paths.iter().map(|path| Input::of(path)).collect()
    } else {
        paths(&keys.paths)
    };
    KeysFrom {
        paths,
        key_command: keys.key_command.clone(),
        unwrap_command: keys.unwrap_command.clone(),
        // The commands are asked for one key each.
        withheld: Withheld {
            variables: SECRET_VARIABLES,
            descriptor: keys.passphrase.passphrase_fd,
        },
    }
}

/// The files of private keys: those that were named, else those of the environment.
pub(super) fn paths(named: &[PathBuf]) -> Vec<Input> {
    if named.is_empty() {
        let from_environment = || std::env::var_os("UNREEL_KEY_FILE").map(PathBuf::from);
        let credential = || {
            let folder = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
            Some(folder.join("unreel-key")).filter(|path| path.exists())
        };
        from_environment()
            .filter(|path| !path.as_os_str().is_empty())
            .or_else(credential)
            .map(|path| Input::of(&path))
            .into_iter()
            .collect()
    } else {
        named.iter().map(|path| Input::of(path)).collect()
    }
}

/// What the passphrase is read from, if it is a file or standard input.
pub(super) fn passphrase_input(args: &Args) -> Option<Input> {
    match (&args.passphrase_file, args.passphrase_fd) {
        (Some(path), _) => Some(Input::of(path)),
        (None, Some(0)) => Some(Input::Stdin),
        (None, _) => None,
    }
}

/// The passphrase of the flags, else of the environment, else what a person answers.
pub(super) fn passphrases(args: &Args, no_input: bool) -> Passphrases<'static> {
    let from = match (&args.passphrase_file, args.passphrase_fd) {
        (Some(path), _) => PassphraseFrom::File(Input::of(path)),
        (None, Some(fd)) => PassphraseFrom::Descriptor(fd),
        (None, None) => {
            // Set to nothing is not set, as with the other variables.
            let value = std::env::var_os(PASSPHRASE_VARIABLE).filter(|value| !value.is_empty());
            value.map_or(PassphraseFrom::Nowhere, |value| {
                PassphraseFrom::Value(Zeroizing::new(value.into_vec()))
            })
        }
    };
    Passphrases::new(from, (!no_input).then_some(&ask))
}

/// Asks for the passphrase of the key `origin`, for the first time or again.
fn ask(origin: &str, again: bool) -> Option<Passphrase> {
    let again = if again { "Once more. " } else { "" };
    let answer = prompt(&format!("{again}Passphrase for {origin}: "))?;
    Some(Passphrase::typed(answer))
}

/// The passphrase for the new key `origin`: the given one, else what is typed twice on a
/// terminal. `None` where nobody is there to type, and for a key that is not encrypted.
pub(super) fn for_new(
    args: &Args,
    origin: &str,
    printer: &Printer,
) -> Result<Option<Passphrase>, Failure> {
    if let Some(given) = passphrases(args, true).given()? {
        if given.is_empty() {
            return Err(Failure::EmptyPassphrase);
        }
        return Ok(Some(Passphrase::new(given.to_vec())));
    }
    if !printer.is_attended() {
        return Ok(None);
    }
    let untyped = || Failure::Untyped("no passphrase was typed");
    for again in ["", "The two were not the same. ", "Once more. "] {
        let first = format!("{again}Passphrase to encrypt {origin} with: ");
        let first = prompt(&first).ok_or_else(untyped)?;
        if first.is_empty() {
            return Err(Failure::EmptyPassphrase);
        }
        if prompt("The same again: ").ok_or_else(untyped)? == first {
            return Ok(Some(Passphrase::new(first)));
        }
    }
    Err(Failure::Untyped(
        "the passphrase was never typed twice the same",
    ))
}

/// Asks on the terminal, never on standard input. `None` if there is none, or no answer.
fn prompt(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    remember_terminal();
    match rpassword::prompt_password(escape(text)) {
        Ok(answer) => Some(Zeroizing::new(answer.into_bytes())),
        Err(error) => {
            // The cursor is behind the prompt still: a prompt that is a newline, and its answer.
            let answered = ConfigBuilder::new().input_data("\n").build();
            rpassword::prompt_password_with_config("\n", answered).ok();
            // Ctrl-C, of which the signal is on its way: it must not lose against exit code 5.
            if error.kind() == std::io::ErrorKind::Interrupted {
                io::interrupt();
            }
            None
        }
    }
}

/// The terminal as it was before a prompt switched its echo off.
static TERMINAL: Mutex<Option<(fs_err::File, Termios)>> = Mutex::new(None);

fn remember_terminal() {
    if let Ok(terminal) = fs_err::File::open("/dev/tty")
        && let Ok(state) = tcgetattr(&terminal)
    {
        *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = Some((terminal, state));
    }
}

/// Switches the echo on again, for a signal that comes during a prompt.
pub(super) fn restore_terminal() {
    if let Some((terminal, state)) = &*TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) {
        tcsetattr(terminal, OptionalActions::Now, state).ok();
    }
}
