//! [`in_force`]: the settings that flags, the environment and a file say, the nearest first.
//!
//! The flags are the one list of settings there is. What the environment and the file say is written
//! as flags, and read by clap as those are.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::error::ContextKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, FromArgMatches};

use super::file;
use super::flags::{command, is_list, is_setting, is_switch};
use super::place::{Place, Said};
use crate::cli::args::Serve;
use crate::cli::error::Failure;
use crate::cli::exit::Code;
use crate::cli::{misplaced, usage};

/// What a setting's variable begins with.
const PREFIX: &str = "UNREEL_SERVE_";

/// The settings in force.
pub(super) struct InForce {
    pub(super) settings: Serve,
    /// The same as text, with defaults, by [`command`].
    pub(super) texts: ArgMatches,
}

/// Reads it all. Of `given` the first goes before the second, and both before the environment.
pub(super) fn in_force(
    given: &[&ArgMatches],
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<InForce, Failure> {
    let command = command();
    let mut said = BTreeMap::new();
    for matches in given {
        add(&mut said, of_flags(&command, matches), &command);
    }
    let config = said.get("config").and_then(|said| said.values.first());
    let config = config.cloned().or_else(|| variable_of("config", variable));
    add(&mut said, of_environment(&command, variable)?, &command);
    if let Some(path) = config {
        add(
            &mut said,
            file::read(&PathBuf::from(path), &command)?,
            &command,
        );
    }
    let texts = read(&command, &said)?;
    misplaced::check_values("serve", &command, &texts)?;
    let settings = Serve::from_arg_matches(&texts);
    Ok(InForce {
        settings: settings.map_err(|error| Failure::Internal(error.into()))?,
        texts,
    })
}

/// Adds what is not said yet, and does not contradict what is: `--unwrap-command` leaves no room for
/// the keys of a file.
fn add(said: &mut BTreeMap<String, Said>, more: BTreeMap<String, Said>, command: &Command) {
    let named = |name: &str| {
        command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(name))
    };
    let excludes = |one: &str, other: &str| {
        let conflicts = named(one).map(|arg| command.get_arg_conflicts_with(arg));
        let mut conflicts = conflicts.into_iter().flatten();
        conflicts.any(|arg| arg.get_long() == Some(other))
    };
    let is_left_out = |name: &str| {
        let mut there = said.keys();
        there.any(|there| there == name || excludes(there, name) || excludes(name, there))
    };
    let more: Vec<_> = more
        .into_iter()
        .filter(|(name, _)| !is_left_out(name))
        .collect();
    said.extend(more);
}

fn of_flags(command: &Command, matches: &ArgMatches) -> BTreeMap<String, Said> {
    let given = command.get_arguments().filter_map(|arg| {
        let id = arg.get_id().as_str();
        let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
        let values = matches.get_raw(id).filter(|_| is_given)?;
        let values = values.map(OsStr::to_owned).collect();
        let place = Place::Flag;
        Some((arg.get_long()?.to_owned(), Said { values, place }))
    });
    given.collect()
}

fn name_of(setting: &str) -> String {
    format!("{PREFIX}{}", setting.to_ascii_uppercase().replace('-', "_"))
}

/// Set to nothing is not set.
fn variable_of(setting: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<OsString> {
    variable(&name_of(setting)).filter(|value| !value.is_empty())
}

fn of_environment(
    command: &Command,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<BTreeMap<String, Said>, Failure> {
    let mut found = BTreeMap::new();
    for arg in command.get_arguments().filter(|arg| is_setting(arg)) {
        let Some(long) = arg.get_long() else { continue };
        let Some(value) = variable_of(long, variable) else {
            continue;
        };
        let place = Place::Variable(name_of(long));
        let values = if is_list(arg) {
            let items = value.as_bytes().split(|byte| *byte == b',');
            let items = items.map(|item| OsString::from_vec(item.trim_ascii().to_vec()));
            items.collect()
        } else if is_switch(arg) {
            vec![switch(&value, &place)?.to_string().into()]
        } else {
            vec![value]
        };
        found.insert(long.to_owned(), Said { values, place });
    }
    Ok(found)
}

fn switch(value: &OsStr, place: &Place) -> Result<bool, Failure> {
    match value.to_string_lossy().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Failure::Misplaced(
            format!("{place} says neither yes nor no"),
            Code::Usage,
            "write 1, true, yes or on; or 0, false, no or off".to_owned(),
        )),
    }
}

/// What clap reads of it.
fn read(command: &Command, said: &BTreeMap<String, Said>) -> Result<ArgMatches, Failure> {
    let mut args = Vec::new();
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        let values = said.get(long).map(|said| said.values.as_slice());
        for value in values.unwrap_or_default() {
            let mut text = OsString::from(format!("--{long}"));
            if is_switch(arg) {
                args.extend((value == "true").then_some(text));
            } else {
                text.push("=");
                text.push(value);
                args.push(text);
            }
        }
    }
    let mut command = command.clone();
    command.try_get_matches_from_mut(&args).map_err(|error| {
        let misuse = usage::explain(&error, &command, &args);
        let option = error.get(ContextKind::InvalidArg).map(ToString::to_string);
        let option = option.unwrap_or_default();
        let long = option.trim_start_matches('-').split([' ', '=']).next();
        let place = long.and_then(|long| said.get(long)).map(|said| &said.place);
        let what = misuse.lines.join("; ");
        let what = place.map_or(what.clone(), |place| place.with(&what));
        Failure::Misplaced(what, Code::Usage, misuse.hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in force where these are given.
    fn of(flags: &[&str], variables: &[(&str, &str)]) -> Result<Serve, Failure> {
        let given = command().try_get_matches_from(flags).unwrap();
        let variable = |name: &str| {
            let found = variables.iter().find(|(each, _)| *each == name);
            found.map(|(_, value)| value.into())
        };
        in_force(&[&given], &variable).map(|found| found.settings)
    }

    #[test]
    fn a_flag_goes_before_the_environment_and_a_list_replaces_the_default() {
        let variables = [
            ("UNREEL_SERVE_PER_ADDRESS", "7"),
            ("UNREEL_SERVE_ALLOW_ROLE", "auditor , wfo.full_access"),
            ("UNREEL_SERVE_BEHIND_PROXY", "On"),
            ("UNREEL_SERVE_DEMO", "no"),
            ("UNREEL_SERVE_AUDIT_OPTIONAL", ""),
            ("UNREEL_SERVE_LISTN", "nonsense"),
        ];
        let settings = of(&[], &variables).unwrap();
        assert_eq!(settings.per_address, 7);
        assert_eq!(settings.roles, ["auditor", "wfo.full_access"]);
        assert!(settings.behind_proxy && !settings.demo && !settings.audit_optional);
        let settings = of(&["--per-address", "9", "--allow-role=agent"], &variables).unwrap();
        assert_eq!(
            (settings.per_address, settings.roles),
            (9, vec!["agent".to_owned()])
        );
        let defaults = of(&[], &[]).unwrap();
        assert_eq!(defaults.roles, ["agent", "supervisor", "admin"]);
        assert_eq!(defaults.origins, ["https://flex.twilio.com"]);
    }

    #[test]
    fn of_two_that_exclude_each_other_the_nearer_stands() {
        let keys = [
            ("UNREEL_SERVE_KEY", "a.pem,b.pem"),
            ("UNREEL_SERVE_PASSPHRASE_FD", "3"),
        ];
        let flags = [
            "--unwrap-command",
            "cat cek",
            "--passphrase-file",
            "pass.txt",
        ];
        let settings = of(&flags, &keys).unwrap();
        assert!(settings.keys.paths.is_empty() && settings.keys.unwrap_command.is_some());
        assert_eq!(settings.keys.passphrase.passphrase_fd, None);
        let command = [("UNREEL_SERVE_UNWRAP_COMMAND", "cat cek")];
        let settings = of(&["-k", "a.pem"], &command).unwrap();
        assert!(settings.keys.unwrap_command.is_none() && settings.keys.paths.len() == 1);
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_named_and_not_repeated() {
        for (name, value) in [
            ("UNREEL_SERVE_LISTEN", "hunter2"),
            ("UNREEL_SERVE_DEMO", "hunter2"),
            ("UNREEL_SERVE_RETRIES", "hunter2"),
            ("UNREEL_SERVE_ORIGIN", "https://flex.twilio.com,hunter2"),
            ("UNREEL_SERVE_HOST", "a,,b"),
        ] {
            let failure = of(&[], &[(name, value)]).unwrap_err();
            let text = format!("{failure} {}", failure.verdict().hint);
            assert_eq!(failure.verdict().code, Code::Usage);
            assert!(
                text.starts_with(name) && !text.contains("hunter2"),
                "{text}"
            );
        }
    }
}
