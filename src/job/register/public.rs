//! The public half that is handed over, and what a provider would say of it.

use std::time::SystemTime;

use super::error::{Error, Whose};
use crate::job::input::Input;
use crate::job::secret_file::LIMIT;
use crate::key::{ForeignKind, KeyError, PublicFile, PublicFileError};

/// The longest key that Vonage takes: "The size of the key must be 2048 bits or smaller."
const VONAGE_BITS: usize = 2048;

/// A public key that Twilio takes.
///
/// # Errors
/// [`Error::Refused`], with the number that Twilio has for it: 70101 "Public key is not RSA", 70102
/// "Public key length is not 2048", 70103 "exponent is not 65537", 70154 "invalid public key".
pub(super) fn for_twilio(file: &Input) -> Result<PublicFile, Error> {
    let refused = |code, reason: String| Error::Refused {
        whose: Whose::Twilio,
        file: file.to_string(),
        code: Some(code),
        reason,
    };
    let found = read(file)?.map_err(|error| {
        let code = match &error {
            PublicFileError::Key(KeyError::Foreign(
                ForeignKind::EllipticCurve
                | ForeignKind::Ed25519
                | ForeignKind::Dsa
                | ForeignKind::RsaPss
                | ForeignKind::Other(_),
            )) => 70101,
            _ => 70154,
        };
        refused(code, error.to_string())
    })?;
    if found.key.bits != 2048 {
        let reason = format!(
            "its key has {} bits, and Twilio takes 2048 only",
            found.key.bits
        );
        return Err(refused(70102, reason));
    }
    if !found.has_usual_exponent {
        let reason = "its public exponent is not 65537";
        return Err(refused(70103, reason.to_owned()));
    }
    Ok(found)
}

/// A certificate that Vonage takes, `now`: an "X.509 PEM certificate", of an RSA key of at most 2048
/// bits, in date.
///
/// # Errors
/// [`Error::Refused`].
pub(super) fn for_vonage(file: &Input, now: SystemTime) -> Result<PublicFile, Error> {
    let refused = |reason: String| Error::Refused {
        whose: Whose::Vonage,
        file: file.to_string(),
        code: None,
        reason,
    };
    let found = read(file)?.map_err(|error| refused(error.to_string()))?;
    let Some(certificate) = &found.certificate else {
        return Err(refused(
            "it is a public key without a certificate".to_owned(),
        ));
    };
    if found.key.bits > VONAGE_BITS {
        let bits = found.key.bits;
        return Err(refused(format!(
            "its key has {bits} bits, more than {VONAGE_BITS}"
        )));
    }
    if now < certificate.not_before {
        return Err(refused("its certificate is not valid yet".to_owned()));
    }
    if now > certificate.not_after {
        return Err(refused("its certificate has expired".to_owned()));
    }
    Ok(found)
}

fn read(file: &Input) -> Result<Result<PublicFile, PublicFileError>, Error> {
    let (name, read) = file.read_secret(LIMIT);
    let bytes = read.map_err(|error| Error::PublicUnread(name, error))?;
    Ok(PublicFile::read(&bytes))
}
