//! Words for keys that cannot be used, or open nothing.

use super::super::exit::Code;
use super::output::quoted;
use crate::key::{ForeignKind, GenerateError, KeyError, NotOpened, UnsupportedEncryption};

pub(super) fn key_hint(name: &str, error: &KeyError) -> String {
    let convert = |tool: &str| format!("convert it: {tool}");
    let name = quoted(name);
    match error {
        KeyError::Empty | KeyError::NoKey | KeyError::Malformed { .. } | KeyError::Inconsistent => {
            "pass the RSA private key in PEM or DER, as openssl or unreel keygen wrote it"
                .to_owned()
        }
        KeyError::Pem { line, .. } => {
            format!("copy the key again, whole; to see that line: sed -n {line}p {name} | cat -v")
        }
        KeyError::TooLarge { .. } | KeyError::TooManyBlocks { .. } => {
            "pass the file that holds the private key only".to_owned()
        }
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
        KeyError::InBase64 { is_all, error } => {
            let decode = if *is_all {
                format!("base64 -d {name} > decoded")
            } else {
                format!("grep -oE '[A-Za-z0-9+/]{{400,}}=*' {name} | base64 -d > decoded")
            };
            let then = key_hint("decoded", error);
            match then.strip_prefix("convert it: ") {
                Some(tool) => convert(&format!("{decode} && {tool}")),
                None => then,
            }
        }
        KeyError::Foreign(kind) => match foreign_key_tool(kind, &name) {
            Some(tool) => convert(&format!("{tool}, then -k key.pem")),
            None => foreign_key_hint(kind, &name),
        },
        KeyError::Encryption(scheme) => {
            let providers = if scheme.needs_legacy_provider() {
                LEGACY_PROVIDER
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

/// What OpenSSL 3 needs for old ciphers.
const LEGACY_PROVIDER: &str = " -provider legacy -provider default";

/// The command that makes `key.pem` of a foreign key, where there is one.
fn foreign_key_tool(kind: &ForeignKind, name: &str) -> Option<String> {
    Some(match kind {
        ForeignKind::Pkcs12 { is_legacy } => {
            let legacy = if *is_legacy { " -legacy" } else { "" };
            format!("openssl pkcs12{legacy} -in {name} -nocerts -out key.pem")
        }
        ForeignKind::OpenSsh => {
            format!("cp {name} key.pem && ssh-keygen -p -m PEM -f key.pem")
        }
        ForeignKind::Putty => format!("puttygen {name} -O private-openssh -o key.pem"),
        ForeignKind::JavaKeyStore => format!(
            "keytool -importkeystore -srckeystore {name} -destkeystore key.p12 \
             -deststoretype PKCS12 && openssl pkcs12 -in key.p12 -nocerts -out key.pem"
        ),
        ForeignKind::PrivateKeyBlob => {
            format!("openssl rsa -inform MSBLOB -in {name} -out key.pem")
        }
        ForeignKind::Pvk { is_locked } => {
            let providers = if *is_locked { LEGACY_PROVIDER } else { "" };
            format!("openssl rsa -inform PVK{providers} -in {name} -out key.pem")
        }
        // To a JSON Web Key, which has the same numbers under shorter names.
        ForeignKind::XmlKeyValue => format!(
            "tr -d '[:space:]' < {name} | tr '+/' '-_' | sed 's/.*<RSAKeyValue>/{{\"kty\":\"RSA\"/; \
             s/<_RSAKeyValue>.*/}}/; s/<_[A-Za-z]*>/\"/g; s/<InverseQ>/,\"qi\":\"/; \
             s/<Modulus>/,\"n\":\"/; s/<Exponent>/,\"e\":\"/; s/<D>/,\"d\":\"/; \
             s/<P>/,\"p\":\"/; s/<Q>/,\"q\":\"/; s/<DP>/,\"dp\":\"/; s/<DQ>/,\"dq\":\"/' > key.pem"
        ),
        _ => return None,
    })
}

fn foreign_key_hint(kind: &ForeignKind, name: &str) -> String {
    match kind {
        ForeignKind::Pkcs7 => format!(
            "it has no private key in it: pass the one that belongs to its certificate, which \
             openssl pkcs7 -print_certs -in {name} shows (with -inform DER, if it is no text)"
        ),
        ForeignKind::CertificateRequest => format!(
            "pass the private key that belongs to it; its public key: openssl req -noout -pubkey \
             -in {name}"
        ),
        ForeignKind::CngBlob => {
            "export it from Windows as PFX or PEM: in PowerShell 7, ExportRSAPrivateKeyPem()"
                .to_owned()
        }
        ForeignKind::OpenSshPublic => "pass the private key that belongs to it".to_owned(),
        _ => "recordings are encrypted for an RSA key: pass the private key whose public half \
              the provider has"
            .to_owned(),
    }
}

/// `key_id` is the key that the metadata asks for.
pub(super) fn wrong_key_verdict(reason: &NotOpened, key_id: Option<&str>) -> (Code, String) {
    if reason.tried.is_empty() {
        return (Code::Key, "pass the private key with -k PATH".to_owned());
    }
    let bits = reason.wrapped_len * 8;
    let hint = match key_id {
        // "Recording encrypted with an alternate key" (Twilio, error 16107).
        Some(id) => format!(
            "pass the private key of {id}, of {bits} bits, with -k, which takes several; where that \
             is not the key of the Console, Twilio took another one that it had (error 16107)"
        ),
        None => format!(
            "pass the private key, of {bits} bits, whose public half the provider had then; -k takes \
             several, and keys from before a rotation are still needed"
        ),
    };
    (Code::WrongKey, hint)
}

pub(super) fn generate_verdict(error: &GenerateError) -> (Code, String) {
    let (code, hint) = match error {
        GenerateError::Size { .. } => (Code::Usage, "choose another length with --bits"),
        GenerateError::Subject { .. } => (
            Code::Usage,
            "--subject takes a common name of up to 64 characters, or a distinguished name such \
             as CN=recordings,O=Example",
        ),
        GenerateError::Validity { .. } => (
            Code::Usage,
            "--days takes 1 and more, up to the end of the year 9999",
        ),
        GenerateError::Failed { .. } => (
            Code::Internal,
            "the operating system gave no randomness; try again",
        ),
    };
    (code, hint.to_owned())
}
