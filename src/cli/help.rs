//! [`asked`]: the help of a command. `-h` is brief: it fits on a screen of 80 by 24 and has the flags
//! that people need most. `--help` is whole. The arguments are the same, those of `args`.

mod pages;

use std::ffi::OsString;

use clap::builder::{Resettable, StyledStr};
use clap::{Arg, ArgAction, Command};

pub(super) use self::pages::{Page, page};
use super::command;

/// What is said where nothing was asked.
pub(super) const WAY: &str = "\
unreel turns provider-encrypted recordings back into playable media.

Make a key pair, whose public half goes to the provider:
  unreel keygen -d keys/
Decrypt a recording that the provider has, by its id:
  unreel decrypt RE… -k keys/private_key.pem -o call.wav
Decrypt a file, with what the provider says of it:
  unreel decrypt call.enc -m call.json -k keys/private_key.pem -o call.wav

`unreel -h` lists the commands, `unreel COMMAND -h` says how one is used.";

const BRIEF: &str = "\
Example: unreel decrypt RE… -k private_key.pem -o call.wav
More:    unreel COMMAND -h; `unreel --help` shows all there is, -V the version";

/// The numbers of `exit`, in few words.
const EXIT_CODES: &str = "\
Exit codes: 0 complete and verified, 1 internal error, 2 usage, 3 input,
4 metadata, 5 key or passphrase, 6 wrong key, 7 integrity, 8 output,
9 refused by the provider, 10 some of several failed, 75 try again later.";

/// The help that these arguments ask for; `None` if they ask for none.
pub(super) fn asked(args: &[OsString]) -> Option<StyledStr> {
    let is_whole = args
        .iter()
        .skip(1)
        .any(|arg| arg == "--help" || arg == "help");
    let all = command::all();
    let mut shown = if is_whole {
        whole(all, "")
    } else {
        brief(all, "").disable_help_subcommand(true)
    };
    let error = shown.try_get_matches_from_mut(args).err()?;
    Some(error.render())
}

/// A command and those below it as `-h` shows them. `path` is what is typed behind `unreel`.
pub(super) fn brief(command: Command, path: &str) -> Command {
    let named = page(path);
    let flags = named.map(|page| page.flags);
    let command = command
        .mut_args(|arg| abridged(arg, flags))
        .mut_subcommands(|below| {
            let path = below_of(path, &below);
            brief(below, &path)
        });
    if path.is_empty() {
        let help = Arg::new("help").short('h').long("help");
        let help = help.action(ArgAction::Help).global(true).hide(true);
        return command
            .disable_version_flag(true)
            .disable_help_flag(true)
            .arg(help)
            .after_help(BRIEF);
    }
    let examples = named.map_or(String::new(), |page| listed(page, 2));
    let more = format!("{examples}`unreel {path} --help` shows all there is");
    let command = command.after_help(more);
    // Which flags exclude each other is told by `--help`: it makes long lines.
    if path.starts_with("register ") {
        command.override_usage(format!("unreel {path} [OPTIONS]"))
    } else {
        command
    }
}

/// An argument as `-h` shows it: hidden if it is none of the `flags`, and without sections.
fn abridged(arg: Arg, flags: Option<&[&str]>) -> Arg {
    let (Some(flags), Some(long)) = (flags, arg.get_long()) else {
        return arg;
    };
    match flags.iter().position(|flag| *flag == long) {
        Some(place) => arg.display_order(place).help_heading(None),
        None => arg.hide(true),
    }
}

/// A command and those below it as `--help` shows them.
pub(super) fn whole(command: Command, path: &str) -> Command {
    let examples = page(path).map_or(String::new(), |page| listed(page, usize::MAX));
    let more = command.get_after_help().map(ToString::to_string);
    let more = more
        .as_deref()
        .unwrap_or(if path.is_empty() { EXIT_CODES } else { "" });
    let after = format!("{examples}{more}").trim_end().to_owned();
    command
        .mut_args(in_full)
        .mut_subcommands(|below| {
            let path = below_of(path, &below);
            whole(below, &path)
        })
        .after_help(after)
}

/// An argument with all that is said of it, in one paragraph.
pub(super) fn in_full(arg: Arg) -> Arg {
    let Some(text) = arg.get_long_help().map(ToString::to_string) else {
        return arg;
    };
    let text = text.replace("\n\n[", " [").replace("\n\n", ". ");
    let arg = arg.help(text).long_help(Resettable::Reset);
    arg.hide_short_help(false)
}

fn listed(page: &Page, most: usize) -> String {
    let examples = page.examples().take(most);
    let examples: String = examples.map(|(_, line)| format!("  {line}\n")).collect();
    if examples.is_empty() {
        examples
    } else {
        format!("Examples:\n{examples}\n")
    }
}

/// What is typed behind `unreel` for a command below the one of this path.
pub(super) fn below_of(path: &str, command: &Command) -> String {
    format!("{path} {}", command.get_name())
        .trim_start()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command with what is typed for it.
    fn all(command: &Command, path: &str) -> Vec<(String, Command)> {
        let deeper = command.get_subcommands();
        let deeper = deeper.flat_map(|below| all(below, &below_of(path, below)));
        let mut found: Vec<_> = deeper.collect();
        found.push((path.to_owned(), command.clone()));
        found
    }

    #[test]
    fn every_command_has_a_page_whose_flags_are_its_own() {
        for (path, command) in all(&command::all(), "") {
            let page = page(&path).unwrap_or_else(|| panic!("there is no page of {path:?}"));
            assert!(page.flags.len() <= 5, "{path}");
            for flag in page.flags {
                let mut longs = command.get_arguments().filter_map(Arg::get_long);
                assert!(longs.any(|long| long == *flag), "{path} --{flag}");
            }
            assert!(page.examples().count() > 0, "{path}");
        }
    }

    #[test]
    fn every_example_can_be_typed() {
        for (path, _) in all(&command::all(), "") {
            for (what, line) in page(&path).unwrap().examples() {
                assert!(what.ends_with(':'), "{path}: {what}");
                assert!(
                    line.starts_with(&format!("unreel {path}")),
                    "{path}: {line}"
                );
                assert!(line.chars().count() <= 78, "{line}");
                let line = line.replace("RE…", "RE5eed0000000000000000000000000001");
                let words = line.split(' ');
                let typed = words.take_while(|word| !["|", ">", "<"].contains(word));
                let asked = command::all().try_get_matches_from(typed);
                assert!(asked.is_ok(), "{line}: {}", asked.unwrap_err());
            }
        }
    }

    #[test]
    fn all_that_is_said_of_an_argument_is_one_paragraph() {
        let arg = Arg::new("it")
            .help("A")
            .long_help("A\n\nB. C\n\n[default: d]");
        let arg = in_full(arg);
        assert_eq!(arg.get_help().unwrap().to_string(), "A. B. C [default: d]");
        assert!(arg.get_long_help().is_none());
    }
}
