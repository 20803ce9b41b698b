//! A file of settings: TOML, in which they are named as the flags are.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::flags::{is_list, is_setting, is_switch, takes};
use super::place::{Place, Said};
use crate::cli::args::is_of_folder;
use crate::cli::error::Failure;
use crate::cli::exit::Code;
use crate::io::ReadError;
use crate::job::Input;
use crate::job::redact::looks_like_secret;

/// The most bytes of such a file.
const LIMIT: u64 = 1 << 20;

/// Reads the settings of `command` that stand in the file at `path`. Paths in it start from its
/// folder.
///
/// # Errors
/// What is wrong with it, and in which line. No value is repeated.
pub(super) fn read(path: &Path, command: &Command) -> Result<BTreeMap<String, Said>, Failure> {
    let input = Input::of(path);
    let name = input.to_string();
    let text = input.read(LIMIT).map_err(|error| {
        let why = match error {
            ReadError::Io(error) => error.kind().to_string(),
            error @ ReadError::TooLong { .. } => error.to_string(),
        };
        let what = format!("cannot read the settings in `{name}`: {why}");
        wrong(what, "check the path of --config and its permissions")
    })?;
    let text = std::str::from_utf8(&text).map_err(|_| {
        let what = format!("the settings in `{name}` are no text in UTF-8");
        wrong(
            what,
            "--config takes a file of TOML, such as: listen = \"127.0.0.1:8080\"",
        )
    })?;
    let folder = path.parent().filter(|_| !input.is_stdin());
    let file = File {
        name,
        text,
        folder: folder.unwrap_or(Path::new("")),
        command,
    };
    file.settings()
}

fn wrong(what: String, hint: &str) -> Failure {
    Failure::Misplaced(what, Code::Usage, hint.to_owned())
}

struct File<'a> {
    /// What may be printed of it.
    name: String,
    text: &'a str,
    folder: &'a Path,
    command: &'a Command,
}

impl File<'_> {
    fn settings(&self) -> Result<BTreeMap<String, Said>, Failure> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let what = self
                .place(at)
                .with(&format!("it is no TOML: {}", error.message()));
            wrong(
                what,
                "a line is a name, =, and a value: texts stand in quotation marks",
            )
        })?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let read = |(name, value): &(&Spanned<_>, &Spanned<_>)| self.setting(name, value);
        entries.iter().map(read).collect()
    }

    fn setting(
        &self,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(String, Said), Failure> {
        let place = self.place(name.span().start);
        let name = name.get_ref().as_ref();
        let mut settings = self.command.get_arguments().filter(|arg| is_setting(arg));
        let arg = settings.find(|arg| arg.get_long() == Some(name));
        let arg = arg.ok_or_else(|| self.unknown(name, &place))?;
        let values = self.values(arg, value.get_ref()).ok_or_else(|| {
            let wanted = match arg {
                _ if is_switch(arg) => "true or false",
                _ if is_list(arg) => "a list of texts, or one: [\"…\", \"…\"]",
                _ if takes(arg, "N") => "a whole number",
                _ => "a text in quotation marks",
            };
            let what = place.with(&format!("{name} takes {wanted}"));
            wrong(what, "leave it out for what goes without it")
        })?;
        Ok((name.to_owned(), Said { values, place }))
    }

    fn place(&self, at: usize) -> Place {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        Place::Line(self.name.clone(), line)
    }

    /// The values of a setting, if they are of its type.
    fn values(&self, arg: &Arg, value: &DeValue<'_>) -> Option<Vec<OsString>> {
        match value {
            DeValue::Boolean(on) if is_switch(arg) => Some(vec![on.to_string().into()]),
            _ if is_switch(arg) => None,
            DeValue::Integer(number) if takes(arg, "N") && number.radix() == 10 => {
                Some(vec![number.as_str().into()])
            }
            _ if takes(arg, "N") => None,
            DeValue::String(text) => Some(vec![self.value(arg, text)]),
            DeValue::Array(items) if is_list(arg) && !items.is_empty() => {
                let items = items.iter().map(|item| item.get_ref().as_str());
                items.map(|text| Some(self.value(arg, text?))).collect()
            }
            _ => None,
        }
    }

    /// A path as seen from here, and any other text as it is.
    fn value(&self, arg: &Arg, text: &str) -> OsString {
        let is_path = takes(arg, "PATH") || takes(arg, "SOURCE") && is_of_folder(text);
        let is_odd = matches!(text, "" | "-") || looks_like_secret(OsStr::new(text)).is_some();
        if is_path && !is_odd {
            return self.folder.join(text).into();
        }
        text.into()
    }

    /// That there is no setting of this name, and what was meant.
    fn unknown(&self, name: &str, place: &Place) -> Failure {
        let letter = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let is_name = name.len() <= 32 && name.chars().all(letter);
        let what = if is_name {
            place.with(&format!("there is no setting `{name}`"))
        } else {
            place.with("there is no setting of that name, which is not repeated here")
        };
        let dashed = name.to_ascii_lowercase().replace('_', "-");
        match self.meant(&dashed) {
            Some(meant) => wrong(what, &format!("did you mean {meant}?")),
            None => wrong(
                what,
                "`unreel serve --help` lists them: the flags' names, without --",
            ),
        }
    }

    /// The setting that a name is like; clap knows best.
    fn meant(&self, name: &str) -> Option<String> {
        let settings = self.command.get_arguments().filter(|arg| is_setting(arg));
        let mut names = settings.filter_map(Arg::get_long);
        if let Some(same) = names.find(|long| *long == name) {
            return Some(same.to_owned());
        }
        let tried = self
            .command
            .clone()
            .try_get_matches_from([format!("--{name}")]);
        let error = tried.err()?;
        match error.get(ContextKind::SuggestedArg)? {
            ContextValue::String(flag) => Some(flag.trim_start_matches('-').to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::flags::command;
    use super::*;

    fn of(text: &str) -> Result<BTreeMap<String, Said>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serve.toml");
        fs_err::write(&path, text).unwrap();
        read(&path, &command())
    }

    #[test]
    fn names_are_those_of_the_flags_and_types_are_checked() {
        let said = of(
            "source = \"twilio\"\n# as of May\norigin = ['https://a', \"https://b\"]\n\
                       demo = true\nper-address = 1_0\nkey = '-'\n",
        )
        .unwrap();
        assert_eq!(said["source"].values, ["twilio"]);
        assert_eq!(said["origin"].values, ["https://a", "https://b"]);
        assert_eq!(said["demo"].values, ["true"]);
        assert_eq!(said["per-address"].values, ["10"]);
        assert_eq!(said["key"].values, ["-"]);
        assert!(
            said["demo"]
                .place
                .to_string()
                .ends_with("serve.toml`, line 4")
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_what_was_meant() {
        for (text, line, says, hint) in [
            (
                "\nlisen = 'x'",
                2,
                "there is no setting `lisen`",
                "did you mean listen?",
            ),
            (
                "sources = ['x']",
                1,
                "no setting `sources`",
                "did you mean source?",
            ),
            (
                "Link_Key_File = 'x'",
                1,
                "no setting",
                "did you mean link-key-file?",
            ),
            (
                "config = 'x'",
                1,
                "there is no setting `config`",
                "unreel serve --help",
            ),
            (
                "print-config = true",
                1,
                "no setting",
                "unreel serve --help",
            ),
            (
                "[serve]\nlisten = 'x'",
                1,
                "there is no setting `serve`",
                "",
            ),
            ("'correct horse battery' = 1", 1, "not repeated", "--help"),
            ("demo = 'true'", 1, "demo takes true or false", ""),
            ("demo = 1", 1, "demo takes true or false", ""),
            ("listen = 8080", 1, "listen takes a text", ""),
            ("listen = ['x']", 1, "listen takes a text", ""),
            ("retries = '5'", 1, "retries takes a whole number", ""),
            ("retries = 0x5", 1, "retries takes a whole number", ""),
            ("origin = []", 1, "origin takes a list", "leave it out"),
            ("origin = [1]", 1, "origin takes a list", ""),
            ("demo = true\ndemo = true", 2, "it is no TOML", ""),
            ("a = true\nlisten = hunter2", 2, "it is no TOML", ""),
        ] {
            let failure = of(text).unwrap_err();
            let verdict = failure.verdict();
            let message = failure.to_string();
            assert_eq!(verdict.code, Code::Usage);
            assert!(
                message.contains(&format!("serve.toml`, line {line}: ")),
                "{message}"
            );
            assert!(message.contains(says), "{text}: {message}");
            assert!(verdict.hint.contains(hint), "{text}: {}", verdict.hint);
            assert!(
                !message.contains("hunter2") && !message.contains("horse"),
                "{message}"
            );
        }
    }

    #[test]
    fn paths_start_from_the_folder_of_the_file() {
        let text = "source = ['calls', 'twilio', '/abs']\nkey = ['k.pem', '-']\naudit-log = 'a/b'";
        let said = of(text).unwrap();
        let ends = |name: &str, at: usize, end: &str| {
            let value = Path::new(&said[name].values[at]);
            assert!(
                value.is_absolute() && value.ends_with(end),
                "{}",
                value.display()
            );
        };
        ends("source", 0, "calls");
        assert_eq!(said["source"].values[1..], ["twilio", "/abs"]);
        ends("key", 0, "k.pem");
        assert_eq!(said["key"].values[1], "-");
        ends("audit-log", 0, "a/b");
    }
}
