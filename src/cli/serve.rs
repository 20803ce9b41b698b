//! `unreel serve`: recordings played to Twilio Flex and to browsers.

mod file;
mod flags;
mod hands;
mod layers;
mod link;
mod place;
mod print;
mod service;
mod settings;
mod verify_audit;

use clap::{ArgMatches, Args, FromArgMatches};

use self::layers::InForce;
use self::settings::Plan;
use super::args::{Link, VerifyAudit};
use super::error::Failure;
use super::printer::Printer;

/// Serves, or does what is asked in place of it.
pub(super) fn run(given: &ArgMatches, printer: &Printer) -> Result<(), Failure> {
    match given.subcommand() {
        Some(("verify-audit", own)) => verify_audit::run(&read::<VerifyAudit>(own)?, printer),
        Some((_, own)) => {
            let in_force = layers::in_force(&[own, given], &variable)?;
            match print_config(&in_force, printer)? {
                Some(plan) => link::run(&read::<Link>(own)?, &plan, printer),
                None => Ok(()),
            }
        }
        None => {
            let in_force = layers::in_force(&[given], &variable)?;
            match print_config(&in_force, printer)? {
                Some(plan) => service::run(&in_force.settings, plan, printer),
                None => Ok(()),
            }
        }
    }
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

fn read<T: Args + FromArgMatches>(given: &ArgMatches) -> Result<T, Failure> {
    T::from_arg_matches(given).map_err(|error| Failure::Internal(error.into()))
}

/// Prints the settings in force, if that is all that was asked for; else says what they come to.
fn print_config(in_force: &InForce, printer: &Printer) -> Result<Option<Plan>, Failure> {
    let plan = Plan::of(&in_force.settings)?;
    if !in_force.settings.print_config {
        return Ok(Some(plan));
    }
    printer.answered(printer.data(&print::text(in_force, &plan)))?;
    Ok(None)
}
