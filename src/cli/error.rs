//! Everything that can end a run, and what it means: exit code and hint in one match.

use std::path::PathBuf;

use super::exit::Code;
use super::provider::Provider;
use super::qvoice::QvoiceFailure;
use super::redact;
use crate::cipher::CipherError;
use crate::envelope::Container;
use crate::io::{CommandError, OutputError, ReadError};
use crate::key::{
    ForeignKind, GenerateError, KeyError, NotOpened, PayloadError, RingError, UnsupportedEncryption,
};
use crate::media::Sniff;
use crate::pipeline;
use crate::provider::MetadataError;

/// Why a run, or one recording of it, failed. Strings are printable names of files.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Usage(&'static str, &'static str),
    #[error("{0}")]
    Misplaced(String, Code, String),
    #[error("standard input cannot be both {first} and {second}")]
    StdinTwice {
        first: &'static str,
        second: &'static str,
    },

    #[error("cannot read `{0}`")]
    Unread(String, #[source] std::io::Error),
    #[error("cannot decrypt `{0}`")]
    NotDecrypted(String, #[source] pipeline::Error),

    #[error("there is no metadata for `{0}`")]
    NoMetadata(String, Provider),
    #[error("cannot read the metadata `{0}`")]
    MetadataUnread(String, #[source] ReadError),
    #[error("cannot use the metadata `{0}`")]
    Metadata(String, Provider, #[source] MetadataError),
    #[error("cannot use the values on the command line")]
    Direct(Provider, #[source] MetadataError),
    #[error("`{0}` is {1}: no metadata, no key, no media")]
    NothingInIt(String, String),
    #[error("the metadata `{0}` lists no recordings")]
    NoRecordings(String),
    #[error(
        "the metadata `{metadata}` lists {count} recordings, and none of their ids stands in the \
         name `{input}`"
    )]
    NotNamed {
        metadata: String,
        count: usize,
        input: String,
    },

    #[error("no private key was given")]
    NoKey,
    #[error("cannot read the private key `{0}`")]
    KeyUnread(String, #[source] ReadError),
    #[error("the folder `{0}` holds more than {1} files")]
    TooManyKeys(String, usize),
    #[error("the folder `{0}` holds no private key that can be used")]
    NoKeyIn(String),
    #[error("cannot use the private key `{0}`")]
    Key(String, #[source] KeyError),
    #[error("the private key `{0}` is encrypted, and no passphrase was given")]
    NoPassphrase(String),
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    #[error("cannot read the passphrase from `{0}`")]
    PassphraseUnread(String, #[source] ReadError),
    #[error("the command of {0} gave no answer")]
    Command(&'static str, #[source] CommandError),
    #[error("the answer of --unwrap-command is not a content key")]
    CommandAnswer(#[source] PayloadError),
    #[error("cannot unwrap the content key of `{input}`: {reason}")]
    WrongKey { input: String, reason: NotOpened },
    #[error("the private key `{key}` opens the content key of `{input}`, but {reason}")]
    Payload {
        key: String,
        input: String,
        reason: PayloadError,
    },
    #[error("cannot make a key")]
    Generate(#[source] GenerateError),

    #[error(transparent)]
    Qvoice(#[from] QvoiceFailure),

    #[error("refusing to write media to the terminal")]
    Terminal,
    #[error("standard output is closed, or is /dev/null opened for reading and writing")]
    Nowhere,
    #[error("cannot write the output")]
    Output(#[from] OutputError),
    #[error("cannot write `{0}`")]
    Unwritten(String, #[source] std::io::Error),
    #[error("`{}` exists already", .0.display())]
    KeyExists(PathBuf),
    #[error("cannot name the output of `{0}` in a folder")]
    Nameless(String),
    #[error("the output of `{0}` would have the name that `{1}` took")]
    SameName(String, String),

    #[error("{failed} of {total} inputs failed")]
    Partial { failed: usize, total: usize },
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

const CHECK_PATH: &str = "check the path and its permissions";

/// What a failure means.
pub(super) struct Verdict {
    pub(super) code: Code,
    pub(super) hint: String,
}

impl Failure {
    /// The exit code, and what to do next.
    pub(super) fn verdict(&self) -> Verdict {
        let (code, hint) = match self {
            Self::Usage(_, hint) => (Code::Usage, (*hint).to_owned()),
            Self::Misplaced(_, code, hint) => (*code, hint.clone()),
            Self::StdinTwice { .. } => (Code::Usage, "give one of them as a file".to_owned()),
            Self::Unread(..) => (Code::Input, CHECK_PATH.to_owned()),
            Self::NotDecrypted(_, error) => pipeline_verdict(error),
            Self::NoMetadata(_, provider) => (Code::Metadata, provider.metadata_hint().to_owned()),
            Self::MetadataUnread(..) => (
                Code::Metadata,
                "check the path and its permissions; it must be one document or list page"
                    .to_owned(),
            ),
            Self::Metadata(_, provider, error) | Self::Direct(provider, error) => {
                metadata_verdict(*provider, error)
            }
            Self::NothingInIt(..) => (
                Code::Input,
                "pass a provider's metadata, a key file, or a recording".to_owned(),
            ),
            Self::NoRecordings(_) => (
                Code::Metadata,
                "pass the metadata of the recording itself, or the page that lists it".to_owned(),
            ),
            Self::NotNamed { .. } => (
                Code::Metadata,
                "name the input after its recording id, or pass the metadata of one recording"
                    .to_owned(),
            ),
            Self::NoKey => (
                Code::Key,
                "name the private key with -k PATH, or set UNREEL_KEY_FILE".to_owned(),
            ),
            Self::KeyUnread(..) | Self::PassphraseUnread(..) => (Code::Key, CHECK_PATH.to_owned()),
            Self::TooManyKeys(..) => (
                Code::Key,
                "name the keys that are needed, one -k PATH each".to_owned(),
            ),
            Self::NoKeyIn(_) => (
                Code::Key,
                "add -v to see what was passed over and why".to_owned(),
            ),
            Self::Key(name, error) => (Code::Key, key_hint(name, error)),
            Self::NoPassphrase(_) => (
                Code::Key,
                "pass it with --passphrase-file PATH, --passphrase-fd N or UNREEL_PASSPHRASE"
                    .to_owned(),
            ),
            Self::EmptyPassphrase => (
                Code::Key,
                "an empty passphrase protects nothing; leave it away for a key without one"
                    .to_owned(),
            ),
            Self::Command(..) => (Code::Key, "run it by itself to see what it says".to_owned()),
            Self::CommandAnswer(_) => (
                Code::Key,
                "it must print the raw unwrapped bytes, without base64 or a newline".to_owned(),
            ),
            Self::WrongKey { reason, .. } => wrong_key_verdict(reason),
            Self::Payload { .. } => (
                Code::Metadata,
                "the wrapped key has a form that unreel does not know; please report it".to_owned(),
            ),
            Self::Generate(_) => (
                Code::Internal,
                "the operating system gave no randomness; try again".to_owned(),
            ),
            Self::Qvoice(failure) => failure.verdict(),
            Self::Terminal => (
                Code::Output,
                "name a file with -o FILE, or pass -o - to force".to_owned(),
            ),
            Self::Nowhere => (
                Code::Output,
                "-o FILE keeps the media; --check verifies it and keeps nothing".to_owned(),
            ),
            Self::Output(error) => (Code::Output, output_hint(error)),
            Self::Unwritten(..) => (
                Code::Output,
                "check that there is space, and that the reader of a pipe is there".to_owned(),
            ),
            Self::KeyExists(_) => (
                Code::Output,
                "keys are never overwritten: choose another folder with -d, or a --name".to_owned(),
            ),
            Self::Nameless(_) => (
                Code::Usage,
                "its metadata has no id; name the output with -o FILE".to_owned(),
            ),
            Self::SameName(..) => (
                Code::Output,
                "pass the metadata of each, or decrypt it by itself with -o FILE".to_owned(),
            ),
            Self::Partial { .. } => (
                Code::Partial,
                "see the messages above, or the report's lines with \"ok\":false".to_owned(),
            ),
            Self::Internal(_) => (Code::Internal, "please report this".to_owned()),
        };
        Verdict { code, hint }
    }

    /// Why, from the nearest reason to the last. No argument is repeated that may be a secret.
    pub(super) fn causes(&self) -> Vec<String> {
        let source = std::error::Error::source(self);
        let chain = std::iter::successors(source, |error| error.source());
        chain
            .map(|error| redact::cause(&error.to_string()))
            .collect()
    }

    /// What was found out on the way, a line each.
    pub(super) fn details(&self) -> Vec<String> {
        let reason = match self {
            Self::WrongKey { reason, .. } => reason,
            Self::Qvoice(failure) => return failure.details(),
            _ => return vec![],
        };
        let tried = reason.tried.iter().map(|key| {
            format!(
                "tried `{}`, RSA {} bits, {}",
                key.origin, key.bits, key.fingerprint
            )
        });
        let meant = reason.meant.iter().map(|public| {
            format!(
                "the {} `{}` belongs to the private key {}, which is not among them",
                public.key.kind, public.origin, public.key.fingerprint
            )
        });
        let unusable = reason
            .unusable
            .iter()
            .map(|key| format!("passed over `{}`: {}", key.origin, key.error));
        tried.chain(meant).chain(unusable).collect()
    }

    /// A key ring's failure, for the recording `input`.
    pub(super) fn of_ring(input: &str, error: RingError<Self>) -> Self {
        match error {
            RingError::NotOpened(reason) if reason.tried.is_empty() && reason.meant.is_empty() => {
                Self::NoKey
            }
            RingError::NotOpened(reason) => Self::WrongKey {
                input: input.to_owned(),
                reason,
            },
            RingError::Payload { origin, error, .. } => Self::Payload {
                key: origin,
                input: input.to_owned(),
                reason: error,
            },
            RingError::Unlock { origin, error } => Self::Key(origin, error),
            RingError::Ask { error, .. } => error,
        }
    }
}

fn pipeline_verdict(error: &pipeline::Error) -> (Code, String) {
    use pipeline::Error;
    let again = "the download may have been cut off: download the recording again; if that does not \
                 help, it is not the file that this metadata belongs to, or it was tampered with";
    let (code, hint) = match error {
        Error::NotCiphertext(seen) => (Code::Input, sniff_hint(*seen)),
        Error::Cipher(CipherError::Read(_)) => (Code::Input, "check the disk and try again"),
        Error::Cipher(CipherError::TooShort { length: 0 }) => (
            Code::Input,
            "it is empty: the download failed, or nothing was recorded",
        ),
        Error::Cipher(CipherError::TooShort { .. }) => {
            (Code::Input, "it was cut off: download it again")
        }
        Error::Cipher(CipherError::TooLong) => (
            Code::Input,
            "no recording of this kind is that long: it is another file",
        ),
        Error::Cipher(CipherError::Ragged { .. }) => {
            (Code::Integrity, "it was cut off: download it again")
        }
        Error::Cipher(CipherError::Tag)
        | Error::Padding(_)
        | Error::Length { .. }
        | Error::Container(_)
        | Error::Damaged(_) => (Code::Integrity, again),
        Error::Cipher(CipherError::Changed) => (
            Code::Integrity,
            "wait until it is complete, and discard what was written to standard output",
        ),
        Error::Digest => (
            Code::Integrity,
            "download the archive again; to decrypt it without this evidence, pass the bare \
             password with --password",
        ),
        Error::Unproven => (
            Code::Integrity,
            "AES-CBC has no tag; metadata with a length or digest would prove it, or drop \
             --require-integrity",
        ),
        Error::Cipher(CipherError::Write(_)) | Error::Write(_) => (
            Code::Output,
            "check that there is space in the output's folder",
        ),
        Error::Spool(_) => (
            Code::Output,
            "give the input as a file, or point TMPDIR to a folder with space",
        ),
        Error::Output(error) => return (Code::Output, output_hint(error)),
        Error::Stdout(error) if error.kind() == std::io::ErrorKind::BrokenPipe => (
            Code::Output,
            "the program that reads the output ended early; the output is incomplete",
        ),
        Error::Stdout(_) => (Code::Output, "the output is incomplete; check its space"),
    };
    (code, hint.to_owned())
}

fn sniff_hint(seen: Sniff) -> &'static str {
    match seen {
        Sniff::Plain(Container::Zip) => {
            "Vonage encrypts composed archives only: those of individual streams are in the clear"
        }
        Sniff::Plain(_) => "it needs no decryption: it is a recording already",
        Sniff::Key => "INPUT is the encrypted media; keys are passed with -k",
        Sniff::Blank => "room was made for the recording, and nothing written: download it again",
        _ => {
            "it is what the server answered instead of the recording: download it again, with credentials"
        }
    }
}

fn metadata_verdict(provider: Provider, error: &MetadataError) -> (Code, String) {
    let hint = match error {
        MetadataError::Syntax { .. }
        | MetadataError::Unrecognised { .. }
        | MetadataError::Missing { .. } => provider.metadata_hint(),
        MetadataError::TooMany { .. } => {
            "pass the metadata of the recording itself, or the page that lists it"
        }
        MetadataError::Contradiction { .. } => {
            "find out which of the two is right and remove the other"
        }
        MetadataError::Invalid { .. } => "copy it again from the provider's answer, unchanged",
        MetadataError::Unsupported { .. } => {
            "unreel opens what the provider documents today; please report this one"
        }
        MetadataError::NotEncrypted => "it needs no decryption: download the media and play it",
        MetadataError::NotCompleted { .. } => {
            "wait until the recording is completed and fetch its metadata again"
        }
    };
    (Code::Metadata, hint.to_owned())
}

fn key_hint(name: &str, error: &KeyError) -> String {
    let convert = |tool: &str| format!("convert it: {tool}");
    let name = quoted(name);
    match error {
        KeyError::Empty | KeyError::NoKey | KeyError::Malformed { .. } | KeyError::Inconsistent => {
            "pass the RSA private key in PEM or DER, as openssl or unreel keygen wrote it"
                .to_owned()
        }
        KeyError::TooLarge { .. } | KeyError::TooManyBlocks { .. } => {
            "pass the file that holds the private key only".to_owned()
        }
        KeyError::Utf16 => "save it as UTF-8 or ASCII text".to_owned(),
        KeyError::Size { .. } => {
            "RSA keys of 1024 to 8192 bits are supported; Twilio and Vonage use 2048".to_owned()
        }
        KeyError::Cost { .. } => {
            "if the key is yours, encrypt it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY \
             -out NEW"
                .to_owned()
        }
        KeyError::WrongPassphrase => {
            "check the passphrase; a final newline in its file does not matter".to_owned()
        }
        KeyError::Foreign(kind) => match kind {
            ForeignKind::Pkcs12 => convert(&format!(
                "openssl pkcs12 -in {name} -nocerts -out key.pem, then -k key.pem"
            )),
            ForeignKind::OpenSsh => convert(&format!(
                "cp {name} key.pem && ssh-keygen -p -m PEM -f key.pem, then -k key.pem"
            )),
            ForeignKind::Putty => convert(&format!(
                "puttygen {name} -O private-openssh -o key, then ssh-keygen"
            )),
            ForeignKind::JavaKeyStore => convert(&format!(
                "keytool -importkeystore -srckeystore {name} -destkeystore key.p12 \
                 -deststoretype PKCS12, then openssl pkcs12 -in key.p12 -nocerts -out key.pem"
            )),
            ForeignKind::OpenSshPublic | ForeignKind::CertificateRequest => {
                "pass the private key that belongs to it".to_owned()
            }
            _ => "recordings are encrypted for an RSA key: pass the private key whose public half \
                  the provider has"
                .to_owned(),
        },
        KeyError::Encryption(scheme) => {
            let providers = if scheme.needs_legacy_provider() {
                " -provider legacy -provider default"
            } else {
                ""
            };
            let command = match scheme {
                UnsupportedEncryption::Legacy(_) => "rsa -aes256",
                _ => "pkcs8 -topk8 -v2 aes-256-cbc",
            };
            convert(&format!(
                "openssl {command}{providers} -in {name} -out key.pem, then -k key.pem"
            ))
        }
    }
}

fn wrong_key_verdict(reason: &NotOpened) -> (Code, String) {
    if reason.tried.is_empty() {
        return (Code::Key, "pass the private key with -k PATH".to_owned());
    }
    let hint = format!(
        "pass the private key, of {} bits, whose public half the provider had then; -k takes \
         several, and keys from before a rotation are still needed",
        reason.wrapped_len * 8
    );
    (Code::WrongKey, hint)
}

fn output_hint(error: &OutputError) -> String {
    match error {
        OutputError::Exists(_) => {
            "pass -f to overwrite it, or --if-exists skip to leave it as it is".to_owned()
        }
        OutputError::NotAFile(..) => {
            "name a file with -o FILE, a folder with -d DIR, or pass -o - for standard output"
                .to_owned()
        }
        OutputError::NoFolder(folder) => {
            format!("make it: mkdir -p {}", quoted(&folder.to_string_lossy()))
        }
        OutputError::IsInput(_) => "choose another name for the output".to_owned(),
        OutputError::Io { .. } => "check the folder's permissions and its free space".to_owned(),
    }
}

/// `text` as one word of a shell's.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
