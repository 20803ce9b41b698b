//! `unreel man`: pages of the manual, of the same definitions as the help.

mod places;

use std::collections::BTreeSet;
use std::path::Path;

use clap::builder::PossibleValue;
use clap::{Arg, Command};
use clap_mangen::Man as Generator;
use roff::{Roff, bold, roman};

use self::places::{ENVIRONMENT, FILES, Place};
use super::args::Man;
use super::command;
use super::error::Failure;
use super::exit::Code;
use super::help::{Page, below_of, in_full, page};
use super::printer::Printer;
use super::version;
use crate::cipher::WriteAt;
use crate::io::{OutputError, Staged, check_target, make_shared_folder};
use crate::job::Input;

/// Prints one page, or writes it, or all of them, into a folder.
pub(super) fn run(args: &Man, printer: &Printer) -> Result<(), Failure> {
    let mut all = plain(command::all().disable_help_subcommand(true));
    all.build();
    let mut asked = &all;
    for name in &args.command {
        asked = asked.find_subcommand(name).ok_or(Failure::Usage(
            "there is no such command, and so no page of it",
            "name one as it is typed: unreel man register twilio",
        ))?;
    }
    let path = args.command.join(" ");
    match &args.output_dir {
        None => printer.answered(printer.data(text(asked, &path)?.trim_end())),
        Some(folder) => {
            let mut pages = Vec::new();
            if args.command.is_empty() {
                add_all(asked, "", &mut pages)?;
            } else {
                pages.push((file_name(&path), text(asked, &path)?));
            }
            write(&pages, folder, args.force)
        }
    }
}

/// The command line with all that is said of an argument in one paragraph, its values too.
fn plain(command: Command) -> Command {
    command
        .mut_args(|arg| with_values(in_full(arg)))
        .mut_subcommands(plain)
}

fn with_values(arg: Arg) -> Arg {
    let values = arg.get_possible_values();
    let values: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
    let is_a_flag = !arg.get_action().takes_values();
    if is_a_flag || values.is_empty() || arg.is_hide_possible_values_set() {
        return arg;
    }
    let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values = format!("{text} [possible values: {}]", values.join(", "));
    arg.help(values).hide_possible_values(true)
}

/// The pages of a command and of those below it, with their names.
fn add_all(
    command: &Command,
    path: &str,
    pages: &mut Vec<(String, String)>,
) -> Result<(), Failure> {
    pages.push((file_name(path), text(command, path)?));
    for below in command.get_subcommands() {
        add_all(below, &below_of(path, below), pages)?;
    }
    Ok(())
}

/// `unreel-register-twilio` of what is typed behind `unreel`.
fn name(path: &str) -> String {
    format!("unreel {path}").trim_end().replace(' ', "-")
}

fn file_name(path: &str) -> String {
    format!("{}.1", name(path))
}

/// The page of a command that is built.
fn text(command: &Command, path: &str) -> Result<String, Failure> {
    rendered(command, path).map_err(|error| Failure::Internal(error.into()))
}

fn rendered(command: &Command, path: &str) -> std::io::Result<String> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let after = command.get_after_help().map(ToString::to_string);
    let manual = Generator::new(command.clone().override_usage(usage).after_help(""))
        .title(name(path))
        // That of the commit: built again, a page is the same.
        .date(version::DATE.unwrap_or("\"\""))
        .source(format!("unreel {}", version::NUMBER))
        .manual("Unreel Manual");
    let mut page = Vec::new();
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    if let Some(after) = after {
        let mut more = Roff::new();
        more.control("PP", [])
            .text([roman(after.replace('\n', " "))]);
        more.to_writer(&mut page)?;
    }
    if command.has_subcommands() {
        manual.render_subcommands_section(&mut page)?;
    }
    let mut options = Vec::new();
    manual.render_options_section(&mut options)?;
    let options = String::from_utf8_lossy(&options).replacen(".SH OPTIONS", ".Sh OPTIONS", 1);
    let options = options.replace(".SH ", ".SS ").replace(".Sh ", ".SH ");
    page.extend(options.into_bytes());
    ours(command, path).to_writer(&mut page)?;
    Ok(in_order(&String::from_utf8_lossy(&page)))
}

/// A page whose sections each came with a preamble: it has one, and is in bold what is between backticks.
fn in_order(page: &str) -> String {
    let is_of_preamble = |line: &&str| {
        [".ie ", ".el "]
            .iter()
            .any(|request| line.starts_with(request))
    };
    let (preamble, lines): (Vec<_>, Vec<_>) = page.lines().partition(is_of_preamble);
    let preamble = preamble.into_iter().take(2).map(ToOwned::to_owned);
    let lines = preamble.chain(lines.into_iter().map(in_bold));
    lines.map(|line| line + "\n").collect()
}

fn in_bold(line: &str) -> String {
    let mut pieces = line.split('`');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    while let Some(code) = pieces.next() {
        match pieces.next() {
            Some(rest) => text += &format!("\\fB{code}\\fR{rest}"),
            None => text += &format!("`{code}"),
        }
    }
    text
}

/// What clap does not know: examples, exit codes, the environment, files, and what else to read.
fn ours(command: &Command, path: &str) -> Roff {
    let mut roff = Roff::new();
    let examples = page(path).into_iter().flat_map(Page::examples);
    for (nth, (what, line)) in examples.enumerate() {
        if nth == 0 {
            roff.control("SH", ["EXAMPLES"]);
        } else {
            roff.control("PP", []);
        }
        roff.text([roman(what)]);
        roff.control("PP", []).control("EX", []);
        roff.text([roman(format!("    {line}"))]).control("EE", []);
    }
    roff.control("SH", ["EXIT STATUS"]);
    let success = "everything that was asked for was done; a recording is complete, and verified as \
                   far as its format allows";
    entry(&mut roff, "0", success);
    for code in Code::ALL {
        entry(&mut roff, &code.exit().to_string(), code.meaning());
    }
    for (heading, places) in [("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)] {
        let of_this = |place: &&Place| place.is_of(command, path);
        for (nth, place) in places.iter().filter(of_this).enumerate() {
            if nth == 0 {
                roff.control("SH", [heading]);
            }
            entry(&mut roff, place.name, place.what);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(related(command, path))]);
    roff
}

fn entry(roff: &mut Roff, name: &str, what: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(what)]);
}

/// The names of other pages.
fn related(command: &Command, path: &str) -> String {
    let mut paths = Vec::new();
    if let Some((outer, _)) = path.rsplit_once(' ') {
        paths.push(outer.to_owned());
    }
    let below = command.get_subcommands();
    paths.extend(below.map(|below| below_of(path, below)));
    let related = page(path).map_or(&[][..], |page| page.related);
    paths.extend(related.iter().map(|path| (*path).to_owned()));
    let mut names: Vec<_> = paths.iter().map(|path| name(path)).collect();
    if !path.is_empty() {
        names.insert(0, name(""));
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let names: Vec<_> = names.iter().map(|name| format!("{name}(1)")).collect();
    names.join(", ")
}

/// Writes all pages, and gives them their names when all are written.
fn write(pages: &[(String, String)], folder: &Path, force: bool) -> Result<(), Failure> {
    let display = |path: &Path| Input::of(path).to_string();
    make_shared_folder(folder).map_err(|error| Failure::unwritten(&display(folder), error))?;
    let mut staged = Vec::new();
    for (name, text) in pages {
        let path = folder.join(name);
        check_target(&path, force, &BTreeSet::new()).map_err(refused)?;
        let file = Staged::create(&path)?;
        file.write_all_at(text.as_bytes(), 0)
            .and_then(|()| file.set_mode(0o644))
            .map_err(|error| Failure::unwritten(&display(&path), error))?;
        staged.push((file, path));
    }
    for (file, path) in staged {
        file.commit(&path, force).map_err(refused)?;
    }
    Ok(())
}

fn refused(error: OutputError) -> Failure {
    match error {
        OutputError::Exists(path) => Failure::Exists(path),
        error => error.into(),
    }
}
