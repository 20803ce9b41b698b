//! Recordings whose content key is wrapped for an RSA key: Twilio's and Vonage's.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::args::Decrypt;
use super::decrypt::{self, Ciphertext, Common, Unlock, lock};
use super::error::Failure;
use super::keys::{self, Passphrases};
use super::metadata::{Metadata, display, sidecar};
use super::printer::Printer;
use super::provider::Provider;
use super::report::Line;
use super::stdin::{is_stdin, one_purpose};
use crate::envelope::{ContentCipher, Envelope, Padding};
use crate::io::{Source, Withheld, fd_path, run_command};
use crate::key::{ContentKey, Fingerprint, KeyRing, content_key_from_unwrapped};
use crate::pipeline::{self, Opener};

/// The most that `--unwrap-command` can answer: no RSA key wraps more.
const UNWRAPPED_LIMIT: u64 = 4096;

/// Decrypts what the command line names. `direct` is an envelope given by value; `padding` takes
/// the place of the provider's.
pub(super) fn run(
    provider: Provider,
    args: &Decrypt,
    direct: Option<Envelope>,
    padding: Option<Padding>,
    printer: &Printer,
) -> Result<(), Failure> {
    let common = Common {
        inputs: &args.inputs,
        stdin_taken: args.metadata.as_deref().is_some_and(is_stdin),
        output: &args.output,
        report: &args.report,
        work: &args.work,
    };
    let wrapped = |inputs: &[PathBuf]| {
        check_stdin(args, inputs)?;
        let metadata = match (direct, &args.metadata) {
            (Some(envelope), _) => Metadata::Direct(Box::new(envelope)),
            (None, Some(path)) => Metadata::Document(path.clone(), None),
            (None, None) => Metadata::Sidecars,
        };
        let passphrases = Passphrases::new(&args.keys.passphrase, args.keys.no_input);
        Ok(Wrapped {
            provider,
            args,
            padding,
            printer,
            metadata: Mutex::new(metadata),
            ring: Mutex::new(None),
            passphrases: Mutex::new(passphrases),
        })
    };
    decrypt::run(common, wrapped, printer)
}

fn check_stdin(args: &Decrypt, inputs: &[PathBuf]) -> Result<(), Failure> {
    let count = |paths: &[PathBuf]| paths.iter().filter(|path| is_stdin(path)).count();
    let named = |path: &Option<PathBuf>| usize::from(path.as_deref().is_some_and(is_stdin));
    let passphrase = &args.keys.passphrase;
    let descriptor = usize::from(passphrase.passphrase_fd == Some(0));
    one_purpose(&[
        ("the media", count(inputs)),
        ("the metadata", named(&args.metadata)),
        ("the private key", count(&keys::paths(&args.keys))),
        (
            "the passphrase",
            named(&passphrase.passphrase_file) + descriptor,
        ),
    ])
}

/// The private keys of a run, and the metadata that says what they open.
struct Wrapped<'a> {
    provider: Provider,
    args: &'a Decrypt,
    padding: Option<Padding>,
    printer: &'a Printer,
    metadata: Mutex<Metadata>,
    /// The private keys, once they were needed.
    ring: Mutex<Option<Arc<KeyRing>>>,
    passphrases: Mutex<Passphrases<'a>>,
}

impl Unlock for Wrapped<'_> {
    type Recording = Envelope;

    fn provider(&self) -> &'static str {
        self.provider.name()
    }

    fn extensions(&self, name: &str) -> &'static [&'static str] {
        self.provider.extensions(name)
    }

    fn reads(&self, inputs: &[PathBuf]) -> Vec<PathBuf> {
        let from = &self.args.keys.passphrase;
        let descriptor = from.passphrase_fd.map(fd_path);
        let metadata = self.args.metadata.iter();
        let sidecars = inputs.iter().filter_map(|input| sidecar(input));
        let passphrase = from.passphrase_file.iter();
        let files = passphrase.chain(metadata).cloned().chain(sidecars);
        let files = files.chain(descriptor);
        files.chain(keys::files(&self.args.keys)).collect()
    }

    fn describe(&self, input: &Path, line: &mut Line) -> Result<Envelope, Failure> {
        let mut envelope = lock(&self.metadata).envelope(self.provider, input)?;
        if let (ContentCipher::Aes256Cbc { padding, .. }, Some(choice)) =
            (&mut envelope.cipher, self.padding)
        {
            *padding = choice;
        }
        line.envelope(&envelope);
        Ok(envelope)
    }

    fn id<'a>(&self, envelope: &'a Envelope) -> Option<&'a str> {
        envelope.id.as_deref()
    }

    fn look(&self, envelope: &Envelope, source: &mut Source) -> Result<Vec<u8>, pipeline::Error> {
        pipeline::inspect_source(envelope, source)
    }

    fn unlock(
        &self,
        envelope: &Envelope,
        ciphertext: Ciphertext,
        input: &Path,
        line: &mut Line,
    ) -> Result<(Opener, Ciphertext), Failure> {
        let (key, fingerprint) = self.unwrap(envelope, &ciphertext.head, input)?;
        line.key(fingerprint);
        Ok((Opener::of(envelope, &key), ciphertext))
    }
}

impl Wrapped<'_> {
    fn ring(&self) -> Result<Arc<KeyRing>, Failure> {
        let mut ring = lock(&self.ring);
        if let Some(ring) = &*ring {
            return Ok(Arc::clone(ring));
        }
        let loaded = Arc::new(keys::ring(&self.args.keys, self.printer)?);
        *ring = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The content key, from the user's command or from the ring.
    fn unwrap(
        &self,
        envelope: &Envelope,
        head: &[u8],
        input: &Path,
    ) -> Result<(ContentKey, Option<Fingerprint>), Failure> {
        if let Some(command) = &self.args.keys.unwrap_command {
            let withheld = keys::withheld(&self.args.keys);
            return Ok((unwrap_with(command, withheld, envelope)?, None));
        }
        let ring = self.ring()?;
        let mut ask = |origin: &str| lock(&self.passphrases).of(origin);
        let search = ring.search(&envelope.wrap, &mut ask);
        let opened = pipeline::choose(envelope, head, search)
            .map_err(|error| Failure::of_ring(&display(input), error))?;
        self.printer.step(&format!(
            "`{}` is opened by the private key `{}`, {}",
            display(input),
            opened.origin,
            opened.fingerprint
        ));
        Ok((opened.key, Some(opened.fingerprint)))
    }
}

/// Runs `--unwrap-command`: the wrapped key on its stdin, the content key on its stdout.
fn unwrap_with(
    command: &str,
    withheld: Withheld,
    envelope: &Envelope,
) -> Result<ContentKey, Failure> {
    let wrap = &envelope.wrap;
    let environment = [
        ("UNREEL_WRAP_ALGORITHM", wrap.algorithm.name()),
        ("UNREEL_KEY_ID", wrap.key_id.as_deref().unwrap_or_default()),
    ];
    let input = &wrap.wrapped;
    let bytes = run_command(command, &environment, withheld, input, UNWRAPPED_LIMIT)
        .map_err(|error| Failure::Command("--unwrap-command", error))?;
    content_key_from_unwrapped(wrap.payload, bytes).map_err(Failure::CommandAnswer)
}
