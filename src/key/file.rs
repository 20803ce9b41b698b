//! [`parse`]: a key file's bytes into its blocks.

use super::armor::{self, Block};
use super::error::{ForeignKind, KeyError};
use super::legacy::Legacy;
use super::locked::{Lock, LockedKey};
use super::pbes2::Pbes2;
use super::rsa_key::{PrivateKey, PublicKey, PublicKind};
use super::structure::{self, Structure};

/// The most bytes of a key file.
const MAX_BYTES: usize = 1 << 20;
/// The most PEM blocks of a key file.
const MAX_BLOCKS: usize = 32;

/// What one block of a key file is.
pub enum KeyBlock {
    /// A private key, ready for use.
    Private(PrivateKey),
    /// A private key that wants a passphrase.
    Locked(LockedKey),
    /// A certificate or public key.
    Public(PublicKey),
    /// A private key that cannot be used, beside one that can.
    Unusable(KeyError),
}

/// Reads a key file: PEM, with any number of blocks and any text around them, or one DER value.
///
/// Private keys may be PKCS#1 or PKCS#8 (RFC 8017, RFC 5208), encrypted with PBES2 (RFC 8018) or
/// in OpenSSL's legacy way. The result is never empty. Damaged or foreign blocks that are no
/// private keys (other certificates, parameters) are left out.
///
/// # Errors
///
/// What is wrong with the first private key, if none can be used; [`KeyError::NoKey`] if there
/// is no RSA key of any kind; [`KeyError::Empty`], [`KeyError::Utf16`] and [`KeyError::Foreign`]
/// for files that are no key files; [`KeyError::TooLarge`] over 1 MiB and
/// [`KeyError::TooManyBlocks`] over 32 blocks.
pub fn parse(bytes: &[u8]) -> Result<Vec<KeyBlock>, KeyError> {
    if bytes.len() > MAX_BYTES {
        return Err(KeyError::TooLarge { limit: MAX_BYTES });
    }
    let pem: Vec<Block<'_>> = armor::blocks(bytes).take(MAX_BLOCKS + 1).collect();
    if pem.len() > MAX_BLOCKS {
        return Err(KeyError::TooManyBlocks { limit: MAX_BLOCKS });
    }
    if pem.is_empty() {
        return match read_der(bytes) {
            Err(KeyError::NoKey) => Err(no_key_file(bytes)),
            block => Ok(vec![block?]),
        };
    }
    usable(pem.iter().filter_map(read).collect())
}

/// The blocks, if one of them is of use.
fn usable(blocks: Vec<KeyBlock>) -> Result<Vec<KeyBlock>, KeyError> {
    let is_private = |block: &KeyBlock| matches!(block, KeyBlock::Private(_) | KeyBlock::Locked(_));
    if !blocks.iter().any(is_private) {
        for block in &blocks {
            if let KeyBlock::Unusable(error) = block {
                return Err(error.clone());
            }
        }
    }
    if blocks.is_empty() {
        Err(KeyError::NoKey)
    } else {
        Ok(blocks)
    }
}

/// One block; `None` if it is of no concern.
fn read(block: &Block<'_>) -> Option<KeyBlock> {
    let label = block.label.trim();
    let is_private = label.contains("PRIVATE KEY");
    let read = match label {
        "OPENSSH PRIVATE KEY" => Err(KeyError::Foreign(ForeignKind::OpenSsh)),
        "EC PRIVATE KEY" => Err(KeyError::Foreign(ForeignKind::EllipticCurve)),
        "DSA PRIVATE KEY" => Err(KeyError::Foreign(ForeignKind::Dsa)),
        _ if label.starts_with("PGP ") => Err(KeyError::Foreign(ForeignKind::Pgp)),
        _ => match block.header("DEK-Info") {
            Some(dek_info) => block
                .decode()
                .and_then(|body| Legacy::new(dek_info, body))
                .map(|legacy| KeyBlock::Locked(LockedKey(Lock::Legacy(legacy)))),
            None => block.decode().and_then(|der| read_der(&der)),
        },
    };
    match read {
        Ok(block) => Some(block),
        Err(KeyError::NoKey) if is_private => {
            let error = KeyError::malformed("private key", "it is not DER of any known structure");
            Some(KeyBlock::Unusable(error))
        }
        Err(error) if is_private || label.starts_with("PGP ") => Some(KeyBlock::Unusable(error)),
        Err(_) => None,
    }
}

/// Reads one DER value of any structure.
fn read_der(der: &[u8]) -> Result<KeyBlock, KeyError> {
    Ok(match Structure::of(der).ok_or(KeyError::NoKey)? {
        Structure::EncryptedPkcs8 => {
            KeyBlock::Locked(LockedKey(Lock::Pbes2(Pbes2::from_der(der)?)))
        }
        Structure::RsaPublic => KeyBlock::Public(PublicKey::from_pkcs1(der, PublicKind::Bare)?),
        Structure::Public => KeyBlock::Public(structure::public(der, PublicKind::Bare)?),
        Structure::Signed => KeyBlock::Public(structure::certificate(der)?),
        Structure::RsaPrivate | Structure::Pkcs8 => KeyBlock::Private(structure::private(der)?),
        Structure::Foreign(kind) => return Err(KeyError::Foreign(kind)),
    })
}

/// What a file is that is neither PEM nor DER of a key.
fn no_key_file(bytes: &[u8]) -> KeyError {
    const FOREIGN: [(&[u8], ForeignKind); 6] = [
        (b"PuTTY-User-Key-File-", ForeignKind::Putty),
        (b"ssh-", ForeignKind::OpenSshPublic),
        (b"ecdsa-sha2-", ForeignKind::OpenSshPublic),
        (b"---- BEGIN SSH2 ", ForeignKind::OpenSshPublic),
        (&[0xFE, 0xED, 0xFE, 0xED], ForeignKind::JavaKeyStore),
        (&[0xCE, 0xCE, 0xCE, 0xCE], ForeignKind::JavaKeyStore),
    ];
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return KeyError::Empty;
    }
    if is_utf16(bytes) {
        return KeyError::Utf16;
    }
    let kind = FOREIGN.iter().find(|(start, _)| bytes.starts_with(start));
    kind.map_or(KeyError::NoKey, |(_, kind)| KeyError::Foreign(kind.clone()))
}

/// A byte order mark, or ASCII in 16-bit units.
fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE])
        || bytes.starts_with(&[0xFE, 0xFF])
        || [b"B\0E\0G\0I\0N\0", b"\0B\0E\0G\0I\0N"]
            .iter()
            .any(|begin| bytes.windows(begin.len()).any(|window| window == *begin))
}
