//! The private keys and passphrases of a run, from wherever the flags say.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rpassword::ConfigBuilder;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::args::{Keys, PassphraseFrom};
use super::error::Failure;
use super::escape::escape;
use super::metadata::display;
use super::printer::Printer;
use super::stdin::is_stdin;
use crate::io::{self, Patient, ReadError, Withheld};
use crate::key::{KeyRing, Passphrase};

/// The most that a key file can have, and a passphrase file.
pub(super) const LIMIT: u64 = 1 << 20;

/// The variables whose values are secrets of unreel's own. What a secret store's client is let in
/// with, such as `VAULT_TOKEN` or `AWS_SECRET_ACCESS_KEY`, is what the user's commands need.
const SECRET_VARIABLES: &[&str] = &[PASSPHRASE_VARIABLE];

const PASSPHRASE_VARIABLE: &str = "UNREEL_PASSPHRASE";

/// The most keys that are read from one folder.
const MOST_IN_FOLDER: usize = 10_000;

/// Reads all keys into a ring.
///
/// A named file must be a key. In a folder, what is no key is passed over, but if that is all
/// there is, no key was found where the user said it is.
pub(super) fn ring(keys: &Keys, printer: &Printer) -> Result<KeyRing, Failure> {
    let mut ring = KeyRing::default();
    let mut useless = None;
    for path in paths(keys) {
        if !is_stdin(&path) && path.is_dir() {
            if !add_folder(&mut ring, &path, printer)? {
                useless = Some(display(&path));
            }
            continue;
        }
        let name = display(&path);
        let bytes = if is_stdin(&path) {
            io::read_limited(Patient(std::io::stdin()), LIMIT)
        } else {
            io::read_file(&path, LIMIT)
        };
        let bytes = bytes.map_err(|error| Failure::KeyUnread(name.clone(), error))?;
        let is_secret = ring
            .add(&name, &bytes)
            .map_err(|error| Failure::Key(name, error))?;
        if is_secret {
            warn_if_readable_by_others(&path, "private key", printer);
        }
    }
    if let Some(command) = &keys.key_command {
        let bytes = io::run_command(command, &[], withheld(keys), &[], LIMIT)
            .map_err(|error| Failure::Command("--key-command", error))?;
        ring.add("--key-command", &bytes)
            .map_err(|error| Failure::Key("--key-command".to_owned(), error))?;
    }
    match useless {
        Some(folder) if ring.is_empty() => Err(Failure::NoKeyIn(folder)),
        _ => Ok(ring),
    }
}

/// What the commands that the user named are not told: they are asked for one key each.
pub(super) fn withheld(keys: &Keys) -> Withheld<'static> {
    Withheld {
        variables: SECRET_VARIABLES,
        descriptor: keys.passphrase.passphrase_fd,
    }
}

/// Every file that may be read for a key, those in folders too.
pub(super) fn files(keys: &Keys) -> Vec<PathBuf> {
    let inside = |path: PathBuf| match fs_err::read_dir(&path) {
        Ok(entries) if !is_stdin(&path) => entries.flatten().map(|entry| entry.path()).collect(),
        _ => vec![path],
    };
    paths(keys).into_iter().flat_map(inside).collect()
}

/// `-k`, else `UNREEL_KEY_FILE`, else systemd's credential.
pub(super) fn paths(keys: &Keys) -> Vec<PathBuf> {
    let commands = keys.key_command.is_some() || keys.unwrap_command.is_some();
    if !keys.paths.is_empty() || commands {
        return keys.paths.clone();
    }
    let from_environment = || std::env::var_os("UNREEL_KEY_FILE").map(PathBuf::from);
    let credential = || {
        let folder = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
        Some(folder.join("unreel-key")).filter(|path| path.exists())
    };
    from_environment()
        .filter(|path| !path.as_os_str().is_empty())
        .or_else(credential)
        .into_iter()
        .collect()
}

/// Whether anything in the folder was a key or certificate.
fn add_folder(ring: &mut KeyRing, folder: &Path, printer: &Printer) -> Result<bool, Failure> {
    let unread = |error| Failure::KeyUnread(display(folder), ReadError::Io(error));
    let mut paths = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(unread)? {
        paths.push(entry.map_err(unread)?.path());
        if paths.len() > MOST_IN_FOLDER {
            return Err(Failure::TooManyKeys(display(folder), MOST_IN_FOLDER));
        }
    }
    paths.sort();
    let mut found = false;
    for path in paths.iter().filter(|path| path.is_file()) {
        let name = display(path);
        match io::read_file(path, LIMIT) {
            Ok(bytes) => match ring.add(&name, &bytes) {
                Ok(is_secret) => {
                    found = true;
                    if is_secret {
                        warn_if_readable_by_others(path, "private key", printer);
                    }
                }
                Err(error) => printer.step(&format!("passed over `{name}`: {error}")),
            },
            Err(error) => printer.warning(&format!("passed over `{name}`: {error}")),
        }
    }
    Ok(found)
}

/// `what` is what the file holds.
pub(super) fn warn_if_readable_by_others(path: &Path, what: &str, printer: &Printer) {
    let Ok(metadata) = fs_err::metadata(path) else {
        return;
    };
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        printer.warning(&format!(
            "the {what} `{}` can be read by other users; chmod 600 ends that",
            path.display()
        ));
    }
}

/// The passphrases of a run.
pub(super) struct Passphrases<'a> {
    from: &'a PassphraseFrom,
    no_input: bool,
    /// What the flags or the environment give, once it was read.
    given: Option<Zeroizing<Vec<u8>>>,
    /// The keys whose passphrase was asked for.
    asked: BTreeSet<String>,
}

impl<'a> Passphrases<'a> {
    pub(super) fn new(from: &'a PassphraseFrom, no_input: bool) -> Self {
        Self {
            from,
            no_input,
            given: None,
            asked: BTreeSet::new(),
        }
    }

    /// The passphrase of the key `origin`: the given one, else an answer on the terminal, never
    /// on standard input.
    pub(super) fn of(&mut self, origin: &str) -> Result<Passphrase, Failure> {
        if let Some(given) = self.given()? {
            return Ok(Passphrase::new(given.to_vec()));
        }
        let missing = || Failure::NoPassphrase(origin.to_owned());
        if self.no_input {
            return Err(missing());
        }
        let again = if self.asked.insert(origin.to_owned()) {
            ""
        } else {
            "Once more. "
        };
        let answer = prompt(&format!("{again}Passphrase for {origin}: ")).ok_or_else(missing)?;
        Ok(Passphrase::typed(answer))
    }

    /// The passphrase for the new key `origin`: the given one, else what is typed twice on a
    /// terminal. `None` where nobody is there to type, and for a key that is not encrypted.
    pub(super) fn for_new(
        &mut self,
        origin: &str,
        printer: &Printer,
    ) -> Result<Option<Passphrase>, Failure> {
        if let Some(given) = self.given()? {
            if given.is_empty() {
                return Err(Failure::EmptyPassphrase);
            }
            return Ok(Some(Passphrase::new(given.to_vec())));
        }
        if self.no_input || !printer.is_attended() {
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

    /// The passphrase that the flags or the environment give, if they do. A final newline does
    /// not belong to it.
    pub(super) fn given(&mut self) -> Result<Option<&Zeroizing<Vec<u8>>>, Failure> {
        if self.given.is_none() {
            self.given = read_given(self.from)?;
        }
        Ok(self.given.as_ref())
    }
}

fn read_given(from: &PassphraseFrom) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let (name, read) = match (&from.passphrase_file, from.passphrase_fd) {
        (Some(path), _) if is_stdin(path) => {
            let stdin = Patient(std::io::stdin());
            (display(path), io::read_limited(stdin, LIMIT))
        }
        (Some(path), _) => (display(path), io::read_file(path, LIMIT)),
        (None, Some(fd)) => (format!("file descriptor {fd}"), io::read_fd(fd, LIMIT)),
        (None, None) => {
            // Set to nothing is not set, as with the other variables.
            let value = std::env::var_os(PASSPHRASE_VARIABLE).filter(|value| !value.is_empty());
            return Ok(value.map(|value| Zeroizing::new(value.into_vec())));
        }
    };
    let mut bytes = read.map_err(|error| Failure::PassphraseUnread(name, error))?;
    trim_newline(&mut bytes);
    Ok(Some(bytes))
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

/// Takes off the newline at the end, if there is one.
pub(super) fn trim_newline(bytes: &mut Vec<u8>) {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
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
