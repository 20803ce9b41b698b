//! Vonage: the archive storage, and the certificate that archives are encrypted for.

use std::time::SystemTime;

use super::error::{Error, Whose};
use super::{Plan, private, public};
use crate::api::{Api, Draft, Storage, Unmade};
use crate::job::Passphrases;
use crate::job::input::Input;
use crate::key::Fingerprint;

const WHOSE: Whose = Whose::Vonage;
const SETTING: &str = "set the archive storage at Vonage";

/// A certificate that Vonage takes.
pub(crate) struct Certificate {
    /// In PEM.
    pub pem: String,
    /// Which key it is of.
    pub fingerprint: Fingerprint,
    /// Until when it is valid.
    pub not_after: SystemTime,
    /// The private key that belongs to it; `None` where none is at hand to be looked at.
    pub private: Option<String>,
}

/// Looks at a certificate, `now`, and whether one of the private keys in `keys`, where there are some,
/// belongs to it.
///
/// # Errors
/// See [`Error`]; what Vonage would refuse is refused here.
pub(crate) fn certificate(
    file: &Input,
    keys: &[Input],
    passphrases: &Passphrases<'_>,
    now: SystemTime,
) -> Result<Certificate, Error> {
    let public = public::for_vonage(file, now)?;
    let fingerprint = public.key.fingerprint;
    let private = if keys.is_empty() {
        None
    } else {
        let found = private::find(keys, fingerprint, passphrases)?;
        let found = found.ok_or_else(|| Error::NoPrivate {
            file: file.to_string(),
            fingerprint,
            place: private::names(keys),
        })?;
        Some(found.origin)
    };
    let certificate = public.certificate.ok_or_else(|| Error::Refused {
        whose: WHOSE,
        file: file.to_string(),
        code: None,
        reason: "it is no certificate".to_owned(),
    })?;
    Ok(Certificate {
        pem: certificate.pem,
        fingerprint,
        not_after: certificate.not_after,
        private,
    })
}

/// The storage of each project, as it will be.
pub(crate) struct Setting {
    /// The projects, by what they are called.
    pub projects: Vec<(String, Draft)>,
}

/// What is to be set, for every project that there are credentials for. Vonage documents no way to
/// read what is set.
///
/// # Errors
/// See [`Error`].
pub(crate) fn set(api: &Api, storage: &Storage) -> Result<Setting, Error> {
    let projects = api.archive_storage(storage);
    let projects = projects.map_err(|error| Error::Provider(WHOSE, SETTING, error))?;
    Ok(Setting { projects })
}

impl Plan for Setting {
    /// The projects.
    type Done = Vec<String>;

    fn drafts(&self) -> Vec<&Draft> {
        self.projects.iter().map(|(_, draft)| draft).collect()
    }

    fn apply(self, api: &Api) -> Result<Vec<String>, Error> {
        let mut done: Vec<String> = Vec::new();
        for (project, draft) in self.projects {
            match api.make(&draft, 0) {
                Ok(_) => done.push(project),
                Err(Unmade::Not(error) | Unmade::Perhaps { error, .. }) => {
                    let error = Error::Provider(WHOSE, SETTING, error);
                    return Err(match done.last() {
                        None => error,
                        Some(project) => {
                            let said = format!("the archive storage of {project} is set");
                            Error::Half(said, Box::new(error))
                        }
                    });
                }
            }
        }
        Ok(done)
    }
}
