//! `unreel keygen`: keys, and what to do with them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::args::Keygen;
use super::error::Failure;
use super::escape::escape;
use super::keys;
use super::printer::Printer;
use crate::cipher::WriteAt;
use crate::io::{OutputError, Staged, check_target, make_folder};
use crate::job::{Input, file_name};
use crate::key::{check_certificate, generate};

/// The longest key that Vonage takes: "The size of the key must be 2048 bits or smaller."
const VONAGE_BITS: usize = 2048;

/// Makes the keys and prints what to paste where.
pub(super) fn run(args: &Keygen, printer: &Printer) -> Result<(), Failure> {
    let bits: usize = args.bits.parse().unwrap_or(VONAGE_BITS);
    if args.certificate && bits > VONAGE_BITS {
        return Err(Failure::Usage(
            "Vonage takes certificates of at most 2048 bits",
            "drop --bits, or --certificate",
        ));
    }
    let now = SystemTime::now();
    if args.certificate {
        check_certificate(&args.subject, args.days, now).map_err(Failure::Generate)?;
    }
    let files = Files::of(args)?;
    files.check()?;
    let passphrase = if args.no_passphrase {
        None
    } else {
        keys::for_new(&args.passphrase, &display(&files.private), printer)?
    };

    let key = generate(bits).map_err(Failure::Generate)?;
    let private = key
        .pkcs8_pem(passphrase.as_ref())
        .map_err(Failure::Generate)?;
    let public = key.public_pem().map_err(Failure::Generate)?;
    let certificate = args
        .certificate
        .then(|| key.self_signed_certificate(&args.subject, args.days, now))
        .transpose()
        .map_err(Failure::Generate)?;

    let folder = &args.output_dir;
    make_folder(folder).map_err(|error| Failure::unwritten(&display(folder), error))?;
    let mut contents = vec![
        (&files.private, private.as_bytes(), 0o600),
        (&files.public, public.as_bytes(), 0o644),
    ];
    let certified = certificate.iter().map(String::as_bytes);
    contents.extend(certified.map(|bytes| (&files.certificate, bytes, 0o644)));
    // All are written before one gets its name: a private key without the rest is in the way.
    let staged: Vec<_> = contents
        .iter()
        .map(|(path, bytes, mode)| stage(path, bytes, *mode))
        .collect::<Result<_, _>>()?;
    for (staged, (path, ..)) in staged.into_iter().zip(&contents) {
        staged.commit(path, false).map_err(|error| match error {
            OutputError::Exists(path) => Failure::KeyExists(path),
            error => error.into(),
        })?;
    }

    let how = match passphrase {
        Some(_) => "encrypted with the passphrase: AES-256, PBKDF2-HMAC-SHA256",
        None => "not encrypted: whoever reads it reads the recordings",
    };
    let mut text = format!(
        "private key  {}  ({how})\npublic key   {}\n",
        printable(&files.private),
        printable(&files.public)
    );
    if certificate.is_some() {
        text += &format!("certificate  {}\n", printable(&files.certificate));
    }
    text += &format!("fingerprint  {}\n", key.fingerprint());
    text += "\nKeep the private key: what is encrypted for it can be read with nothing else.\n";
    text += &twilio(bits, &public);
    if let Some(certificate) = &certificate {
        text += &vonage(certificate);
    }
    printer.result(text.trim_end())
}

fn display(path: &Path) -> String {
    Input::of(path).to_string()
}

fn printable(path: &Path) -> String {
    escape(&display(path))
}

/// Where the files go.
struct Files {
    private: PathBuf,
    public: PathBuf,
    certificate: PathBuf,
}

impl Files {
    fn of(args: &Keygen) -> Result<Self, Failure> {
        let prefix = match &args.name {
            Some(name) if file_name(name).as_ref() != Some(name) => {
                return Err(Failure::Usage(
                    "--name must be letters, digits, dots, dashes and underscores",
                    "the folder goes to -d",
                ));
            }
            Some(name) => format!("{name}_"),
            None => String::new(),
        };
        let path = |name: &str| args.output_dir.join(format!("{prefix}{name}"));
        Ok(Self {
            private: path("private_key.pem"),
            public: path("public_key.pem"),
            certificate: path("cert.pem"),
        })
    }

    /// None of the files may exist: a key that is overwritten takes its recordings along.
    fn check(&self) -> Result<(), Failure> {
        for path in [&self.private, &self.public, &self.certificate] {
            match check_target(path, false, &BTreeSet::new()) {
                Err(OutputError::Exists(path)) => return Err(Failure::KeyExists(path)),
                Ok(()) | Err(OutputError::NoFolder(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn stage(path: &Path, bytes: &[u8], mode: u32) -> Result<Staged, Failure> {
    let staged = Staged::create(path)?;
    staged
        .write_all_at(bytes, 0)
        .and_then(|()| staged.set_mode(mode))
        .map_err(|error| Failure::unwritten(&display(path), error))?;
    Ok(staged)
}

/// Error 70102: "Public key length is not 2048"; the rest of the path is the Console's.
fn twilio(bits: usize, public: &str) -> String {
    if bits != 2048 {
        return format!("\nTwilio takes keys of 2048 bits only, not of {bits}.\n");
    }
    format!(
        "\nTwilio Voice and Video: `unreel register twilio` hands this key over; or create a Public Key \
         credential in the\nConsole (Account > API keys & tokens > Public keys) with the text below. Then \
         choose it where recordings are\nencrypted: Voice > Settings in the Console; `unreel register \
         twilio-video`.\n\n{public}"
    )
}

/// "send the data base64 encoded or replace newline characters in the cert with `\n`"
fn vonage(certificate: &str) -> String {
    let line = BASE64_STANDARD.encode(certificate);
    format!(
        "\nVonage Video: `unreel register vonage` sets the archive storage; or PUT \
         …/v2/project/ID/archive/storage with\nthis as \"certificate\":\n\n{line}\n"
    )
}
