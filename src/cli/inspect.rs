//! `unreel inspect`: what a file is, and which key opens what it describes.

mod line;
mod recording;

use self::line::InspectLine;
use super::args::Inspect;
use super::credentials;
use super::decrypt::one_purpose;
use super::error::Failure;
use super::escape::{escape, json};
use super::printer::Printer;
use super::words::Words;
use super::{keys, network};
use crate::job::{Found, Input, PrivateKeys, inspect};

/// Looks at every file and says what it is; or at the credentials.
pub(super) fn run(args: &Inspect, printer: &Printer) -> Result<(), Failure> {
    let origin = network::from(Some(&args.twilio));
    if args.credentials {
        return credentials::show(&origin, args.json, printer);
    }
    let from = keys::from(&args.keys);
    let files = network::inputs(&args.files, None, &origin)?;
    if files.iter().any(|file| file.object().is_some()) {
        return Err(Failure::Usage(
            "inspect does not look into buckets",
            "copy the object, or pipe it in: aws s3 cp URL - | unreel inspect -",
        ));
    }
    let is_remote = files.iter().any(Input::is_remote);
    let api = network::api(&files, is_remote, &args.network, &origin, printer)?;
    let mut uses: Vec<_> = files.iter().map(|file| ("a file", file.clone())).collect();
    uses.extend(
        from.paths
            .iter()
            .map(|key| ("the private key", key.clone())),
    );
    let passphrase = keys::passphrase_input(&args.keys.passphrase);
    uses.extend(passphrase.map(|input| ("the passphrase", input)));
    one_purpose(&uses, &[])?;
    let passphrases = keys::passphrases(&args.keys.passphrase, args.keys.no_input);
    let keys = PrivateKeys::new(from, passphrases);
    let ring = keys.ring(&Words(printer))?;
    let mut failures = Vec::new();
    for file in &files {
        let found = match inspect(file, &api, &ring, &keys) {
            Ok(Found::Nothing(what)) => Err(Failure::NothingInIt(file.to_string(), what)),
            found => found.map_err(Failure::from),
        };
        let name = file.to_string();
        let (line, failure) = InspectLine::of(&name, found);
        let printed = if args.json {
            let line = json(&line).map_err(|error| Failure::Internal(error.into()))?;
            printer.data(&line)
        } else {
            let mut lines = line.for_people();
            lines.try_for_each(|line| printer.text(&escape(&line)))
        };
        match printed {
            // Who closes the pipe has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            printed => printer.answered(printed)?,
        }
        if let Some(failure) = failure {
            if files.len() > 1 {
                printer.error(&failure);
            }
            failures.push(failure);
        }
    }
    match (failures.len(), failures.pop()) {
        (1, Some(failure)) if files.len() == 1 => Err(failure),
        (failed, Some(_)) => Err(Failure::Partial {
            failed,
            total: files.len(),
            is_temporary: false,
        }),
        (_, None) => Ok(()),
    }
}
