//! `--print-config`: the settings in force, as a file that `--config` takes.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Arg;

use super::flags::{command, is_list, is_setting, is_switch, takes};
use super::layers::InForce;
use super::settings::{self, Plan};
use crate::cli::args::{Source, is_of_folder};
use crate::cli::credentials;
use crate::cli::escape::escape;
use crate::job::Input;
use crate::store::Service;

/// The text of the file. Paths are whole, so that it may be put anywhere; what was found for the
/// account and the keys is in it.
pub(super) fn text(in_force: &InForce, plan: &Plan) -> String {
    let mut text = String::new();
    let mut heading = None;
    for arg in command().get_arguments().filter(|arg| is_setting(arg)) {
        let Some(value) = value(arg, in_force, plan) else {
            continue;
        };
        if heading != arg.get_help_heading() {
            heading = arg.get_help_heading();
            let blank = if text.is_empty() { "" } else { "\n" };
            // Writing to a String cannot fail.
            writeln!(text, "{blank}# {}", heading.unwrap_or_default()).ok();
        }
        writeln!(text, "{} = {value}", arg.get_long().unwrap_or_default()).ok();
    }
    text += "\n# Credentials\n";
    for line in credentials::told(&settings::from(&in_force.settings), &services(in_force)) {
        writeln!(text, "# {}", escape(&line)).ok();
    }
    text.trim_end().to_owned()
}

/// Whose credentials matter.
fn services(in_force: &InForce) -> Vec<Service> {
    let sources = in_force.settings.sources.iter();
    let buckets = sources.filter_map(|source| match source {
        Source::Bucket(location) => Some(location.service),
        Source::Twilio | Source::Folder(_) => None,
    });
    buckets.collect()
}

/// What stands behind the name of a setting; `None` where nothing is set.
fn value(arg: &Arg, in_force: &InForce, plan: &Plan) -> Option<String> {
    let texts = match arg.get_long()? {
        "account" => vec![plan.settings.account.clone()?],
        "key" => plan.keys.paths.iter().map(key).collect(),
        _ => texts(arg, in_force),
    };
    if is_switch(arg) || takes(arg, "N") {
        return texts.into_iter().next();
    }
    let quoted: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    match quoted.as_slice() {
        [] => None,
        [only] if !is_list(arg) => Some(only.clone()),
        all => Some(format!("[{}]", all.join(", "))),
    }
}

fn key(input: &Input) -> String {
    match input.path() {
        Some(path) => whole(path),
        None => "-".to_owned(),
    }
}

fn texts(arg: &Arg, in_force: &InForce) -> Vec<String> {
    let values = in_force.texts.get_raw(arg.get_id().as_str());
    let text = |value: &OsStr| {
        let text = value.to_string_lossy();
        let is_path = takes(arg, "PATH") || takes(arg, "SOURCE") && is_of_folder(&text);
        if is_path && value != "-" {
            whole(Path::new(value))
        } else {
            text.into_owned()
        }
    };
    values.into_iter().flatten().map(text).collect()
}

/// The path from the root.
fn whole(path: &Path) -> String {
    let whole = std::path::absolute(path);
    let whole: PathBuf = whole.unwrap_or_else(|_| path.to_owned());
    whole.to_string_lossy().into_owned()
}

/// A basic string (TOML 1.0), in which nothing can do something to a terminal.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        let shown = escape(c.encode_utf8(&mut [0; 4]));
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if shown.len() > c.len_utf8() => {
                write!(out, "\\U{:08x}", u32::from(c)).ok();
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::de::DeValue;

    use super::*;

    proptest! {
        #[test]
        fn what_is_quoted_is_read_again_and_harmless(text in "(\\PC|\\p{C}|[\"\\\\\n\u{7f}])*") {
            let quoted = quoted(&text);
            prop_assert_eq!(&escape(&quoted), &quoted);
            let read = DeValue::parse(&quoted).unwrap();
            prop_assert_eq!(read.get_ref().as_str(), Some(text.as_str()));
        }
    }
}
