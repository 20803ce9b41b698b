//! [`Plan`]: what the settings in force come to, and why some do not go together.

use std::net::SocketAddr;
use std::path::Path;

use crate::cli::args::{Serve, Source};
use crate::cli::credentials::{self, Environment, From};
use crate::cli::error::{Failure, sentence};
use crate::cli::exit::Code;
use crate::cli::{decrypt, keys};
use crate::job::redact::shown;
use crate::job::{Input, KeysFrom};
use crate::serve::{LinkKeysFrom, Settings, Tls};

/// What is served, and what it takes.
pub(super) struct Plan {
    pub(super) settings: Settings,
    /// Where the private keys are.
    pub(super) keys: KeysFrom,
    /// What should be known, although it works.
    pub(super) warnings: Vec<String>,
}

/// Where Twilio's credentials are looked for.
pub(super) fn from(settings: &Serve) -> From<'_> {
    From {
        profile: settings.profile.as_deref(),
        account: settings.account.as_deref(),
        env: Environment::of_process(),
    }
}

impl Plan {
    /// # Errors
    /// Exit code 2: settings that do not go together, and credentials that are missing.
    pub(super) fn of(flags: &Serve) -> Result<Self, Failure> {
        let keys = keys::from(&flags.keys);
        one_purpose(flags, &keys)?;
        let tls = tls(flags)?;
        reach(flags, tls.is_some())?;
        let mut warnings = Vec::new();
        let account = account(flags, &mut warnings);
        let link_keys = match &flags.link_key_file {
            Some(path) => LinkKeysFrom::File(path.clone()),
            None => LinkKeysFrom::Random,
        };
        let settings = Settings {
            listen: flags.listen,
            admin_listen: flags.admin_listen,
            public_url: flags.public_url.clone(),
            account,
            roles: flags.roles.clone(),
            authz_command: flags.authz_command.clone(),
            link_keys,
            link_ttl: flags.link_ttl,
            origins: flags.origins.clone(),
            hosts: flags.hosts.clone(),
            per_address: usize::try_from(flags.per_address).unwrap_or(usize::MAX),
            audit_log: flags.audit_log.clone(),
            audit_optional: flags.audit_optional,
            tls,
            behind_proxy: flags.behind_proxy,
            cache: flags.cache,
            demo: flags.demo,
            flex_path: flags.flex_path.clone(),
        };
        warnings.extend(lacks(&settings));
        Ok(Self {
            settings,
            keys,
            warnings,
        })
    }
}

fn usage(what: &'static str, hint: &'static str) -> Failure {
    Failure::Usage(what, hint)
}

/// Standard input serves one purpose.
fn one_purpose(flags: &Serve, keys: &KeysFrom) -> Result<(), Failure> {
    let passphrase = keys::passphrase_input(&flags.keys.passphrase);
    let mut uses = Vec::new();
    uses.extend(
        flags
            .config
            .iter()
            .map(|path| ("the settings", Input::of(path))),
    );
    uses.extend(
        keys.paths
            .iter()
            .map(|path| ("the private key", path.clone())),
    );
    uses.extend(passphrase.map(|path| ("the passphrase", path)));
    decrypt::one_purpose(&uses, &[])
}

fn tls(flags: &Serve) -> Result<Option<Tls>, Failure> {
    match (&flags.tls_cert, &flags.tls_key) {
        (Some(certificate), Some(key)) => Ok(Some(Tls {
            certificate: certificate.clone(),
            key: key.clone(),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(usage(
            "--tls-cert is set, and --tls-key is not",
            "pass the certificate's private key with --tls-key PATH",
        )),
        (None, Some(_)) => Err(usage(
            "--tls-key is set, and --tls-cert is not",
            "pass the key's certificate with --tls-cert PATH",
        )),
    }
}

/// Whether only this machine reaches it.
fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Beyond this machine nothing goes in the clear, and nothing without a token.
fn reach(flags: &Serve, has_tls: bool) -> Result<(), Failure> {
    if is_loopback(flags.listen) {
        return Ok(());
    }
    if flags.demo {
        return Err(usage(
            "--demo asks nobody for a token, and --listen is not an address of this machine alone",
            "leave --listen out, or pass 127.0.0.1:8080",
        ));
    }
    if !has_tls && !flags.behind_proxy {
        return Err(usage(
            "--listen is not an address of this machine alone, and recordings would cross the network \
             in the clear",
            "pass --tls-cert and --tls-key; or --behind-proxy, if a proxy in front has the certificate",
        ));
    }
    Ok(())
}

/// Whose Flex tokens are valid: the account that was named, else that of the credentials.
fn account(flags: &Serve, warnings: &mut Vec<String>) -> Option<String> {
    if flags.demo {
        return flags.account.clone();
    }
    match credentials::twilio(&from(flags)) {
        Ok(found) => Some(in_small_letters(&found.credentials.account)),
        Err(failure) => {
            let why = sentence(&failure);
            warnings.push(format!("no token of Flex's can be checked: {why}"));
            flags.account.clone()
        }
    }
}

/// An account's id as Twilio writes it.
fn in_small_letters(account: &str) -> String {
    let (kind, digits) = account.split_at_checked(2).unwrap_or((account, ""));
    format!("{kind}{}", digits.to_ascii_lowercase())
}

/// That links may lead nowhere: browsers know the server by a name.
pub(super) fn nameless(settings: &Settings) -> Option<String> {
    let is_own = is_loopback(settings.listen) && !settings.behind_proxy;
    (settings.public_url.is_none() && !is_own).then(|| {
        format!(
            "links begin with {}: --public-url says what browsers reach instead",
            settings.base(settings.listen)
        )
    })
}

/// What a service would have, and this one has not.
fn lacks(settings: &Settings) -> Vec<String> {
    let mut lacks: Vec<_> = nameless(settings).into_iter().collect();
    if settings.demo {
        return lacks;
    }
    if matches!(settings.link_keys, LinkKeysFrom::Random) {
        lacks.push("links end with the process: there is no --link-key-file".to_owned());
    }
    if settings.audit_log.is_none() {
        lacks.push("nobody writes down who listens: there is no --audit-log".to_owned());
    }
    lacks
}

/// That there is somewhere to look for recordings.
///
/// # Errors
/// Exit code 2 without a source, or without credentials for Twilio where it is one; 3 of a folder that
/// is not there.
pub(super) fn check_sources(flags: &Serve) -> Result<(), Failure> {
    if flags.sources.is_empty() {
        return Err(usage(
            "there is no --source, so there is nothing to play",
            "pass --source twilio, --source DIR, or a prefix in a bucket (s3://, az://, gs://)",
        ));
    }
    for source in &flags.sources {
        match source {
            Source::Folder(path) => check_folder(path)?,
            Source::Twilio => {
                credentials::twilio(&from(flags))?;
            }
            // Whether it is there, and lets us in, is seen when it is asked.
            Source::Bucket(_) => {}
        }
    }
    Ok(())
}

fn check_folder(path: &Path) -> Result<(), Failure> {
    let what = match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => format!("the source `{}` is no folder", shown(path)),
        Err(error) => format!("cannot read the source `{}`: {}", shown(path), error.kind()),
    };
    let hint = "--source takes twilio, a folder that is there, or a prefix in a bucket";
    Err(Failure::Misplaced(what, Code::Input, hint.to_owned()))
}
