//! Decrypts one recording with unreel as a library:
//!
//! ```text
//! cargo run --example decrypt -- twilio-voice KEY.pem METADATA.json RECORDING >recording.wav
//! ```
#![allow(clippy::print_stderr, reason = "it is a program")]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use unreel::{
    Destination, KeyRing, Opener, Options, Outcome, Provider, Source, choose, decrypt,
    inspect_source,
};

/// Verifies the recording in the file `media`, and writes its plaintext to `writer` after that.
///
/// # Errors
/// Whatever unreel says. Nothing was written then, unless the file changed or the writer failed.
pub fn run(
    provider: Provider,
    key: &Path,
    metadata: &Path,
    media: &Path,
    writer: &mut (dyn Write + Send),
) -> Result<Outcome, Box<dyn Error>> {
    // Where the metadata is a list, the name of the file says which recording of it is meant.
    let listing = provider.parse(&fs::read(metadata)?)?;
    let name = media.to_string_lossy();
    let item = listing.find(&name).ok_or("that recording is not in it")?;
    let envelope = item.outcome.as_ref().map_err(Clone::clone)?;

    let mut source = Source::open(media)?;
    inspect_source(envelope, &mut source)?;

    let mut keys = KeyRing::default();
    keys.add(&key.to_string_lossy(), &fs::read(key)?)?;
    let mut passphrase = |_: &str| None;
    let candidates = keys.search(&envelope.wrap, &mut passphrase);
    let unwrapped = choose(envelope, &mut source, candidates)?;

    let opener = Opener::of(envelope, &unwrapped.key)?;
    let destination = Destination::Writer(writer);
    Ok(decrypt(opener, source, destination, Options::default())?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [provider, paths @ ..] = arguments.as_slice() else {
        return Err("give a provider, a key, metadata and a recording".into());
    };
    let provider = Provider::from_name(provider).ok_or("there is no such provider")?;
    let [key, metadata, media] = paths else {
        return Err("give a key, metadata and a recording".into());
    };
    let (key, metadata, media) = (key.as_ref(), metadata.as_ref(), media.as_ref());
    let outcome = run(provider, key, metadata, media, &mut std::io::stdout())?;
    eprintln!(
        "{} bytes, proven by {}",
        outcome.bytes_out,
        outcome.integrity.name()
    );
    Ok(())
}
