//! The private keys that a run would take.

use super::super::args::Keys;
use super::super::error::{Failure, quoted, sentence, verdict};
use super::super::exit::Code;
use super::super::keys as flags;
use super::check::Check;
use crate::job::doctor::{KeyFile, key_files};
use crate::job::{KeyFound, KeysFrom, PrivateKeys};
use crate::key::PublicKind;

/// One a key; one of a file that cannot be used; one that says that there is none.
pub(super) fn checks(from: &KeysFrom, args: &Keys) -> Vec<Check> {
    if from.unwrap_command.is_some() {
        let message = "is used in place of a key; not run here: there is nothing to unwrap";
        return vec![Check::ok("--unwrap-command", message)];
    }
    let passphrases = flags::passphrases(&args.passphrase, true);
    // One that cannot be read is told once, and not of each key.
    if let Err(error) = passphrases.given() {
        return vec![Check::of_failure("passphrase", &Failure::Job(error))];
    }
    let keys = PrivateKeys::new(from.clone(), passphrases);
    let checks: Vec<_> = key_files(from, &keys).iter().flat_map(of_file).collect();
    if checks.is_empty() {
        return vec![Check::warning(
            "none",
            "neither -k nor UNREEL_KEY_FILE names one, and there is no unreel-key in \
             $CREDENTIALS_DIRECTORY",
            "name it with -k PATH, or set UNREEL_KEY_FILE; Qvoice needs none",
        )];
    }
    checks
}

fn of_file(file: &KeyFile) -> Vec<Check> {
    let found = match &file.found {
        Ok(found) => found,
        Err(error) => return vec![of_error(file, error)],
    };
    let checks: Vec<_> = found.iter().filter_map(|key| of_key(file, key)).collect();
    if checks.is_empty() {
        return vec![with_mode(
            file,
            Check::failed(
                &file.name,
                "there is no private key in it",
                Code::Key,
                "pass the private key that belongs to it",
            ),
        )];
    }
    checks
}

fn of_error(file: &KeyFile, error: &crate::job::Error) -> Check {
    let verdict = verdict(error);
    let check = Check::failed(&file.name, sentence(error), verdict.code, verdict.hint);
    with_mode(file, check)
}

/// `None` of what is no private key.
fn of_key(file: &KeyFile, key: &KeyFound) -> Option<Check> {
    let exposed = file.mode.filter(|mode| mode & 0o077 != 0);
    let check = match key {
        KeyFound::Private(bits, fingerprint) => known(file, *bits, fingerprint, "not encrypted"),
        KeyFound::Locked(Some((bits, fingerprint)), _) => {
            known(file, *bits, fingerprint, "encrypted; the passphrase fits")
        }
        KeyFound::Locked(None, None) => Check::ok(
            &file.name,
            "encrypted; what is in it only its passphrase shows, which is not asked for here",
        ),
        KeyFound::Locked(None, Some(error)) | KeyFound::Unusable(error) => {
            let failure = Failure::Job(crate::job::Error::Key(file.name.clone(), error.clone()));
            Check::of_failure(&file.name, &failure)
        }
        KeyFound::Public(PublicKind::Certificate | PublicKind::Bare, ..) => return None,
        KeyFound::Pkcs12(error) => of_error(file, error),
    };
    let is_locked = matches!(key, KeyFound::Locked(..));
    let check = match exposed {
        Some(_) if check.code().is_none() => check.but(
            "can be read by other users",
            &format!("chmod 600 {}", quoted(&file.name)),
        ),
        _ => check,
    };
    Some(with_mode(file, check).with("encrypted", is_locked))
}

fn known(file: &KeyFile, bits: usize, fingerprint: &str, how: &str) -> Check {
    let message = format!("RSA {bits} bits, {how}");
    Check::ok(&file.name, message)
        .with("bits", bits)
        .with("fingerprint", fingerprint)
}

fn with_mode(file: &KeyFile, check: Check) -> Check {
    check.with("mode", file.mode.map(|mode| format!("{mode:04o}")))
}
