//! `unreel completions`: what a shell completes commands and flags with.

use std::fmt::Write;

use clap::builder::Resettable;
use clap::{Arg, Command, ValueHint};
use clap_complete::{Shell, generate};

use super::args::Completions;
use super::command;
use super::error::Failure;
use super::help::in_full;
use super::printer::Printer;
use super::version;

/// Prints the script.
pub(super) fn run(args: &Completions, printer: &Printer) -> Result<(), Failure> {
    let mut offered = offered(&command::all());
    let mut script = Vec::new();
    generate(args.shell, &mut offered, "unreel", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Fish {
        script += &values_for_fish(&offered);
    }
    printer.answered(printer.data(script.trim_end()))
}

/// A command with the arguments that its help shows, those below it too, and what their values are.
fn offered(command: &Command) -> Command {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let args = shown.map(|arg| {
        // Of those that are not offered nothing is said.
        let arg = in_full(arg.clone()).requires(Resettable::Reset);
        let hint = hint(&arg);
        arg.conflicts_with(Resettable::Reset).value_hint(hint)
    });
    let name = command::name_of(command);
    let offered = Command::new(name)
        .about(command.get_about().cloned().unwrap_or_default())
        .args(args)
        .subcommands(command.get_subcommands().map(offered))
        .disable_help_subcommand(name != "unreel");
    match name {
        "unreel" => offered.version(version::NUMBER),
        _ => offered,
    }
}

/// What a value is, by its name in the help.
fn hint(arg: &Arg) -> ValueHint {
    let name = arg.get_value_names().and_then(<[_]>::first);
    match name.map(clap::builder::Str::as_str) {
        Some("PATH" | "FILE" | "INPUT" | "MANIFEST" | "SOURCE") => ValueHint::FilePath,
        Some("DIR") => ValueHint::DirPath,
        Some("COMMAND") if arg.get_long().is_some() => ValueHint::CommandString,
        Some("URL") => ValueHint::Url,
        // Nothing that a shell knows.
        _ => ValueHint::Unknown,
    }
}

/// The values of arguments that are no flags, which are left out of what is made for fish.
fn values_for_fish(command: &Command) -> String {
    let mut lines = String::new();
    for below in command.get_subcommands() {
        let values = below.get_positionals().flat_map(Arg::get_possible_values);
        let values: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
        if !values.is_empty() {
            let (name, values) = (below.get_name(), values.join(" "));
            let when = format!("__fish_unreel_using_subcommand {name}");
            writeln!(lines, "complete -c unreel -n \"{when}\" -f -a \"{values}\"").ok();
        }
    }
    lines
}
