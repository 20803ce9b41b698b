//! `unreel doctor`: whether decrypting works on this machine, and what a run would find here.

mod answers;
mod check;
mod clock;
mod found;
mod keys;
mod machine;

use std::time::SystemTime;

use serde::Serialize;

use self::check::{Check, MACHINE};
use super::args::Doctor;
use super::decrypt::one_purpose;
use super::error::Failure;
use super::escape::json;
use super::printer::Printer;
use super::units::rfc3339;
use super::{keys as key_flags, network, version};

/// The document. Fields are added, never renamed.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    ok: bool,
    version: &'static str,
    commit: Option<&'static str>,
    date: Option<&'static str>,
    target: &'static str,
    features: Vec<&'static str>,
    rustc: &'static str,
    time: String,
    failed: usize,
    warnings: usize,
    checks: &'a [Check],
}

/// Tries everything out, says what came of it, and fails if anything did. No request is made.
pub(super) fn run(args: &Doctor, printer: &Printer) -> Result<(), Failure> {
    let from = key_flags::from(&args.keys);
    let passphrase = key_flags::passphrase_input(&args.keys.passphrase);
    let uses = from
        .paths
        .iter()
        .map(|key| ("the private key", key.clone()));
    let uses: Vec<_> = uses
        .chain(passphrase.map(|input| ("the passphrase", input)))
        .collect();
    one_purpose(&uses, &[])?;
    let origin = network::from(Some(&args.twilio));
    let ca_file = args.ca_file.as_deref();

    let mut told = Told::new(args.json, printer);
    told.all("known answers", answers::checks())?;
    told.all("keys", keys::checks(&from, &args.keys).into_iter())?;
    told.all("credentials", found::credentials(&origin).into_iter())?;
    told.all(MACHINE, machine::checks(&origin, ca_file))?;
    told.end()
}

/// What was found so far.
struct Told<'a> {
    as_json: bool,
    printer: &'a Printer,
    checks: Vec<Check>,
    /// Nobody reads it any longer.
    is_closed: bool,
}

impl<'a> Told<'a> {
    fn new(as_json: bool, printer: &'a Printer) -> Self {
        Self {
            as_json,
            printer,
            checks: vec![],
            is_closed: false,
        }
    }

    /// Makes checks, and tells people of each as soon as it is made.
    fn all(
        &mut self,
        group: &'static str,
        checks: impl Iterator<Item = Check>,
    ) -> Result<(), Failure> {
        if self.checks.is_empty() {
            let (version, target) = (version::SHORT, version::TARGET);
            self.say(|printer| printer.text(&format!("unreel {version}, {target}")))?;
        }
        self.say(|printer| printer.text(&format!("\n{group}:")))?;
        for check in checks {
            let check = check.of(group);
            self.say(|printer| check.say(printer))?;
            self.checks.push(check);
        }
        Ok(())
    }

    fn say(&mut self, say: impl FnOnce(&Printer) -> std::io::Result<()>) -> Result<(), Failure> {
        if self.as_json || self.is_closed {
            return Ok(());
        }
        match say(self.printer) {
            // Who closes the pipe has read enough; the exit code is still the checks'.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            said => self.printer.answered(said),
        }
    }

    /// The document or the last line, and the failure that all of it is.
    fn end(mut self) -> Result<(), Failure> {
        let failed = self.checks.iter().filter_map(Check::code);
        let (failed, code) = (
            failed.clone().count(),
            failed.min_by_key(|code| code.rank()),
        );
        let warnings = self
            .checks
            .iter()
            .filter(|check| check.is_warning())
            .count();
        let total = self.checks.len();
        if self.as_json {
            let document = Document {
                schema: 1,
                ok: failed == 0,
                version: version::NUMBER,
                commit: version::COMMIT,
                date: version::DATE,
                target: version::TARGET,
                features: version::features().collect(),
                rustc: version::RUSTC,
                time: rfc3339(SystemTime::now()),
                failed,
                warnings,
                checks: &self.checks,
            };
            let text = json(&document).map_err(|error| Failure::Internal(error.into()))?;
            self.printer.answered(self.printer.data(&text))?;
        } else if failed == 0 {
            let text = match warnings {
                0 => format!("\nall {total} checks are well"),
                1 => format!("\n{total} checks: 1 warning"),
                more => format!("\n{total} checks: {more} warnings"),
            };
            self.say(|printer| printer.text(&text))?;
        }
        match code {
            Some(code) => Err(Failure::Unwell {
                failed,
                total,
                code,
            }),
            None => Ok(()),
        }
    }
}
