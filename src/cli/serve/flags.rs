//! The settings, which are the flags that they are given by.

use clap::{Arg, ArgAction, Args, Command};

use crate::cli::args::Serve;

/// The flags that are no settings.
const NO_SETTINGS: [&str; 2] = ["config", "print-config"];

/// The command that has the settings as flags, and nothing else.
pub(super) fn command() -> Command {
    Serve::augment_args(Command::new("serve").no_binary_name(true))
}

/// Whether it is a setting, which the environment and a file may have too.
pub(super) fn is_setting(arg: &Arg) -> bool {
    let long = arg.get_long();
    long.is_some_and(|long| !NO_SETTINGS.contains(&long))
}

/// Whether it is on or off.
pub(super) fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// Whether it takes any number of values.
pub(super) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Whether its value is called so.
pub(super) fn takes(arg: &Arg, name: &str) -> bool {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().any(|value| value.as_str() == name)
}
