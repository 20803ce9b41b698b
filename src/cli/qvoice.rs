//! `unreel qvoice`.

use std::path::PathBuf;
use std::time::Duration;

use super::args::{BUDGET, Decrypt, Qvoice, QvoiceSecrets};
use super::decrypt::{self, Common};
use super::error::Failure;
use super::fetched::Fetched;
use super::printer::Printer;
use super::talk::Talk;
#[cfg(feature = "waveform")]
use crate::job::Observer;
use crate::job::{
    Format, Input, KeysFrom, Metadata, PassphraseFrom, Passphrases, PrivateKeys, Secrets,
    SharedFrom, SharedKeys, is_same_file,
};
use crate::pipeline::search::Pins;
use crate::provider::Provider;

/// Decrypts what the command line names.
pub(super) fn run(args: &Qvoice, printer: &Printer) -> Result<(), Failure> {
    let from = keys(&args.secrets)?;
    let documents = args.metadata.iter().map(|path| Input::of(path));
    let mut uses: Vec<_> = documents.map(|path| ("the metadata", Some(path))).collect();
    match from.clone() {
        SharedFrom::Config(path) => uses.push(("the configuration", Some(path))),
        SharedFrom::Files { key, salt } => {
            uses.push(("the key", Some(key)));
            uses.push(("the salt", salt));
        }
    }
    let method = &args.method;
    if let (Some(profile), Some(output)) = (&method.profile, &args.output.output)
        && is_same_file(profile, output)
    {
        return Err(Failure::Usage(
            "the profile and the output are one file",
            "name another file with --profile or -o",
        ));
    }
    let format = Format {
        pins: Pins {
            layout: method.layout.clone().named(),
            kdf: method.kdf.clone().named(),
            key_form: method.key_form.clone().named(),
            salt_form: method.salt_form.clone().named(),
            aad: method.aad.clone().named(),
        },
        profile: method.profile.clone(),
        budget: Duration::from_secs(method.budget.into()),
    };
    let common = Common {
        inputs: &args.inputs,
        uses: uses
            .into_iter()
            .filter_map(|(what, input)| Some((what, input?)))
            .collect(),
        output: &args.output,
        report: &args.report,
        work: &args.work,
        network: &args.network,
        fetched: Fetched::default(),
    };
    let version = args.secrets.key_version;
    search(&common, &args.metadata, from, version, format, printer)
}

/// Decrypts recordings under a configuration, of which nothing else is said.
pub(super) fn with_config(config: Input, args: &Decrypt, printer: &Printer) -> Result<(), Failure> {
    let documents = args.metadata.iter().map(|path| Input::of(path));
    let mut uses: Vec<_> = documents.map(|path| ("the metadata", path)).collect();
    uses.push(("the configuration", config.clone()));
    let common = Common {
        inputs: &args.inputs,
        uses,
        output: &args.output,
        report: &args.report,
        work: &args.work,
        network: &args.network,
        fetched: Fetched::default(),
    };
    let from = SharedFrom::Config(config);
    search(&common, &args.metadata, from, None, any_format(), printer)
}

/// The keys of a configuration, of which nothing else is said.
#[cfg(feature = "waveform")]
pub(super) fn shared(config: Input, observer: &dyn Observer) -> Result<SharedKeys, Failure> {
    let from = SharedFrom::Config(config);
    Ok(SharedKeys::read(from, None, any_format(), observer)?)
}

fn any_format() -> Format {
    Format {
        pins: Pins::default(),
        profile: None,
        budget: Duration::from_secs(BUDGET.into()),
    }
}

fn search(
    common: &Common,
    metadata: &[PathBuf],
    from: SharedFrom,
    version: Option<u64>,
    format: Format,
    printer: &Printer,
) -> Result<(), Failure> {
    let metadata = Metadata::new(Some(Provider::Qvoice), decrypt::metadata(metadata));
    decrypt::run(common, metadata, None, printer, |talk: &Talk| {
        let passphrases = Passphrases::new(PassphraseFrom::Nowhere, None);
        Ok(Secrets {
            private: PrivateKeys::new(KeysFrom::default(), passphrases),
            shared: Some(SharedKeys::read(from, version, format, talk)?),
        })
    })
}

fn keys(args: &QvoiceSecrets) -> Result<SharedFrom, Failure> {
    if let Some(path) = &args.config {
        return Ok(SharedFrom::Config(Input::of(path)));
    }
    let Some(path) = &args.key_file else {
        return Err(Failure::Usage(
            "no key was given",
            "name the configuration with --config PATH, or the key's file with --key-file PATH",
        ));
    };
    Ok(SharedFrom::Files {
        key: Input::of(path),
        salt: args.salt_file.as_deref().map(Input::of),
    })
}
