//! [`KeyFile`]: a key file's bytes into its blocks.

use super::armor::{self, Block};
use super::error::{ForeignKind, KeyError};
use super::jwk::{self, JwkKey};
use super::legacy::Legacy;
use super::locked::{Lock, LockedKey};
use super::pbes2::Pbes2;
use super::rsa_key::{PrivateKey, PublicKey, PublicKind, first_value};
use super::structure::{self, Structure};
use super::transport::{self, Mending};

/// The most bytes of a key file.
const MAX_BYTES: usize = 1 << 20;
/// The most keys and PEM blocks of a key file.
const MAX_BLOCKS: usize = 32;
/// How many layers of transport are taken off: base64 in a document in base64 is three.
const MAX_LAYERS: usize = 3;

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

impl KeyBlock {
    fn is_private(&self) -> bool {
        matches!(self, Self::Private(_) | Self::Locked(_))
    }
}

/// A key file that was read.
pub struct KeyFile {
    /// Its keys and certificates; never empty.
    pub blocks: Vec<KeyBlock>,
    /// What was done to read them, in that order. Empty for a file as it should be.
    pub mended: Vec<Mending>,
}

impl KeyFile {
    /// Reads a key file: PEM, with any number of blocks and any text around them, or one DER
    /// value. Where that gives no private key, what keys go through on their way is taken off:
    /// UTF-16; text in which line breaks, dashes or quotation marks came to harm; documents;
    /// base64; and JSON Web Keys (RFC 7517) are read. What comes out is taken if it proves itself
    /// a private key, and is nothing else.
    ///
    /// Private keys may be PKCS#1 or PKCS#8 (RFC 8017, RFC 5208), encrypted with PBES2 (RFC 8018)
    /// or in OpenSSL's legacy way. Damaged or foreign blocks that are no private keys (other
    /// certificates, parameters) are left out.
    ///
    /// # Errors
    ///
    /// What is wrong with the first private key, if none can be used; [`KeyError::NoKey`] if
    /// there is no RSA key of any kind; [`KeyError::Empty`] and [`KeyError::Foreign`] for files
    /// that are no key files; [`KeyError::TooLarge`] over 1 MiB and [`KeyError::TooManyBlocks`]
    /// over 32 blocks.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() > MAX_BYTES {
            return Err(KeyError::TooLarge { limit: MAX_BYTES });
        }
        let mut unpacking = Unpacking {
            left: MAX_BLOCKS,
            is_over: false,
            error: None,
        };
        let as_it_is = plain(bytes);
        match &as_it_is {
            Ok(file) if file.has_private() => return as_it_is,
            Err(KeyError::TooManyBlocks { .. } | KeyError::Empty) => return as_it_is,
            _ => {}
        }
        let unpacked = unpacking.unpack(bytes, MAX_LAYERS);
        if unpacking.is_over {
            return Err(KeyError::TooManyBlocks { limit: MAX_BLOCKS });
        }
        match (unpacked, as_it_is, unpacking.error) {
            (Some(file), ..) => Ok(file),
            // The line that is damaged says more than what is left when it is mended.
            (None, Err(error @ KeyError::Pem { .. }), Some(KeyError::Malformed { .. }))
            | (None, Err(KeyError::NoKey | KeyError::Pem { .. }), Some(error)) => Err(error),
            (None, as_it_is, _) => as_it_is,
        }
    }

    fn new(blocks: Vec<KeyBlock>) -> Self {
        let is_mended =
            |block: &KeyBlock| matches!(block, KeyBlock::Private(key) if key.is_mended());
        let mended = blocks.iter().any(is_mended).then_some(Mending::Exponent);
        Self {
            mended: mended.into_iter().collect(),
            blocks,
        }
    }

    fn has_private(&self) -> bool {
        self.blocks.iter().any(KeyBlock::is_private)
    }

    fn after(mut self, mending: Mending) -> Self {
        self.mended.insert(0, mending);
        self
    }
}

/// The blocks of a key file; see [`KeyFile::read`].
///
/// # Errors
///
/// Those of [`KeyFile::read`].
pub fn parse(bytes: &[u8]) -> Result<Vec<KeyBlock>, KeyError> {
    KeyFile::read(bytes).map(|file| file.blocks)
}

/// The search for a private key in what is no key file as it should be.
struct Unpacking {
    /// How many more keys may be tried.
    left: usize,
    /// Whether there were more.
    is_over: bool,
    /// What is wrong with the first one that can be told by kind.
    error: Option<KeyError>,
}

impl Unpacking {
    /// The private keys under up to so many layers.
    fn unpack(&mut self, bytes: &[u8], layers: usize) -> Option<KeyFile> {
        let layers = layers.checked_sub(1)?;
        if let Some(text) = transport::utf16(bytes) {
            let file = self.layer(text.as_bytes(), layers);
            return file.map(|file| file.after(Mending::Utf16));
        }
        if bytes.contains(&0) {
            return None;
        }
        let text = transport::plain_text(&String::from_utf8_lossy(bytes));
        let pem = transport::pem(&text);
        if !pem.is_empty()
            && let Some(file) = self.take(plain(pem.as_bytes()))
        {
            return Some(file.after(Mending::Text));
        }
        if let Some(file) = self.jwk(&text) {
            return Some(file.after(Mending::Jwk));
        }
        let mut blocks = Vec::new();
        let mut mended = Vec::new();
        for encoded in transport::base64(&text) {
            if self.is_over {
                return None;
            }
            let before = self.error.take();
            if let Some(file) = self.layer(&encoded.bytes, layers) {
                mended = file.mended;
                blocks.extend(file.blocks);
            }
            let inside = self.error.take().map(|error| KeyError::InBase64 {
                is_all: encoded.is_all,
                error: Box::new(error),
            });
            self.error = before.or(inside);
        }
        mended.insert(0, Mending::Base64);
        (!blocks.is_empty()).then_some(KeyFile { blocks, mended })
    }

    /// What comes out from under a layer: a key file, or the next layer.
    fn layer(&mut self, bytes: &[u8], layers: usize) -> Option<KeyFile> {
        let file = self.take(plain(bytes));
        file.or_else(|| self.unpack(bytes, layers))
    }

    fn jwk(&mut self, text: &str) -> Option<KeyFile> {
        let mut blocks = Vec::new();
        for key in jwk::keys(text).take(self.left + 1) {
            match key {
                Ok(JwkKey::Private(key)) => blocks.push(KeyBlock::Private(key)),
                Ok(JwkKey::Public(key)) => blocks.push(KeyBlock::Public(key)),
                Err(error) => blocks.push(KeyBlock::Unusable(error)),
            }
        }
        self.take(usable(blocks))
    }

    /// The file, if it has a private key; else its error is kept, if it tells more than that.
    fn take(&mut self, file: Result<KeyFile, KeyError>) -> Option<KeyFile> {
        let cost = match &file {
            Ok(file) => file.blocks.len(),
            Err(KeyError::NoKey | KeyError::Empty) => 0,
            Err(_) => 1,
        };
        let Some(left) = self.left.checked_sub(cost) else {
            (self.left, self.is_over) = (0, true);
            return None;
        };
        self.left = left;
        match file {
            Ok(file) => Some(file).filter(KeyFile::has_private),
            Err(KeyError::NoKey | KeyError::Empty | KeyError::Pem { .. }) => None,
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }
}

/// A key file as it should be.
fn plain(bytes: &[u8]) -> Result<KeyFile, KeyError> {
    let pem: Vec<Block<'_>> = armor::blocks(bytes).take(MAX_BLOCKS + 1).collect();
    if pem.len() > MAX_BLOCKS {
        return Err(KeyError::TooManyBlocks { limit: MAX_BLOCKS });
    }
    if !pem.is_empty() {
        return usable(pem.iter().filter_map(read).collect());
    }
    let der = first_value(bytes);
    match read_der(der) {
        Ok(block) if der.len() < bytes.len() => {
            Ok(KeyFile::new(vec![block]).after(Mending::Behind))
        }
        Ok(block) => Ok(KeyFile::new(vec![block])),
        Err(KeyError::NoKey) => Err(no_key_file(bytes)),
        Err(error) => Err(error),
    }
}

/// The blocks, if one of them is of use.
fn usable(mut blocks: Vec<KeyBlock>) -> Result<KeyFile, KeyError> {
    let foreign = |block: &KeyBlock| {
        matches!(
            block,
            KeyBlock::Unusable(KeyError::Foreign(
                ForeignKind::CertificateRequest | ForeignKind::Pkcs7
            ))
        )
    };
    let is_of_use = |block: &KeyBlock| !matches!(block, KeyBlock::Unusable(_));
    if blocks.iter().any(is_of_use) {
        // They are no keys, and need no excuse beside one.
        blocks.retain(|block| !foreign(block));
    }
    if !blocks.iter().any(KeyBlock::is_private) {
        for block in &blocks {
            if let KeyBlock::Unusable(error) = block {
                return Err(error.clone());
            }
        }
    }
    if blocks.is_empty() {
        Err(KeyError::NoKey)
    } else {
        Ok(KeyFile::new(blocks))
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
            None => block.decode().and_then(|der| read_der(first_value(&der))),
        },
    };
    match read {
        Ok(block) => Some(block),
        Err(KeyError::NoKey) if is_private => {
            let error = KeyError::malformed("private key", "it is not DER of any known structure");
            Some(KeyBlock::Unusable(error))
        }
        Err(error) if is_private || label.starts_with("PGP ") => Some(KeyBlock::Unusable(error)),
        Err(error @ KeyError::Foreign(ForeignKind::CertificateRequest | ForeignKind::Pkcs7)) => {
            Some(KeyBlock::Unusable(error))
        }
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
    /// `RSAKeyValue` of XML Signature (RFC 3275, section 4.4.2.2), with .NET's private members.
    const XML: &[u8] = b"<RSAKeyValue";
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return KeyError::Empty;
    }
    // `BLOBHEADER` of wincrypt.h, then `RSAPUBKEY` with its magic number.
    if let [7, 2, 0, 0, _, _, _, _, b'R', b'S', b'A', b'2', ..] = bytes {
        return KeyError::Foreign(ForeignKind::PrivateKeyBlob);
    }
    // `BCRYPT_RSAKEY_BLOB` of bcrypt.h: the magic number, then four-byte numbers, little-endian.
    if let [b'R', b'S', b'A', b'2' | b'3', _, _, 0, 0, _, 0, 0, 0, ..] = bytes {
        return KeyError::Foreign(ForeignKind::CngBlob);
    }
    // `PVK_FILE_HDR`: a magic number, three words, of which the third tells of encryption.
    if let [0x1E, 0xF1, 0xB5, 0xB0, _, _, _, _, _, _, _, _, locked, ..] = bytes {
        let is_locked = *locked != 0;
        return KeyError::Foreign(ForeignKind::Pvk { is_locked });
    }
    if bytes.windows(XML.len()).any(|window| window == XML) {
        return KeyError::Foreign(ForeignKind::XmlKeyValue);
    }
    let kind = FOREIGN.iter().find(|(start, _)| bytes.starts_with(start));
    kind.map_or(KeyError::NoKey, |(_, kind)| KeyError::Foreign(kind.clone()))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;
    use crate::key::generate;

    #[test]
    fn a_file_is_as_long_as_the_limit_at_most() {
        let error = |length| parse(&vec![b' '; length]).err();
        assert_eq!(error(MAX_BYTES), Some(KeyError::Empty));
        let limit = MAX_BYTES;
        assert_eq!(error(limit + 1), Some(KeyError::TooLarge { limit }));
    }

    #[test]
    fn a_locked_key_of_another_kind_is_told_by_its_label() {
        for (label, kind) in [
            ("EC PRIVATE KEY", ForeignKind::EllipticCurve),
            ("DSA PRIVATE KEY", ForeignKind::Dsa),
            ("OPENSSH PRIVATE KEY", ForeignKind::OpenSsh),
        ] {
            let pem = format!(
                "-----BEGIN {label}-----\nProc-Type: 4,ENCRYPTED\n\
                 DEK-Info: DES-EDE3-CBC,0001020304050607\n\nAAAAAAAAAAA=\n-----END {label}-----\n"
            );
            assert_eq!(parse(pem.as_bytes()).err(), Some(KeyError::Foreign(kind)));
        }
    }

    #[test]
    fn a_private_key_is_looked_for_beside_a_public_one_and_damage_beside_it_is_left_out() {
        let key = generate(1024).unwrap();
        let (public, private) = (key.public_pem().unwrap(), key.pkcs8_pem(None).unwrap());
        let wrapped = public + "key: " + &BASE64_STANDARD.encode(&*private);
        let file = KeyFile::read(wrapped.as_bytes()).unwrap();
        assert!(file.has_private());
        let damaged = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        let blocks = parse([damaged, &private].concat().as_bytes()).unwrap();
        assert!(matches!(blocks.as_slice(), [KeyBlock::Private(_)]));
    }

    #[test]
    fn a_key_is_not_looked_for_behind_too_many_blocks() {
        let private = generate(1024).unwrap().pkcs8_pem(None).unwrap();
        let block = "-----BEGIN A-----\nAQ==\n-----END A-----\n";
        let many = block.repeat(MAX_BLOCKS) + &private;
        let limit = MAX_BLOCKS;
        assert_eq!(
            parse(many.as_bytes()).err(),
            Some(KeyError::TooManyBlocks { limit })
        );
    }

    #[test]
    fn json_web_keys_are_counted_too() {
        let keys = |count| {
            let key = r#"{"kty":"RSA","n":"_w","e":"AQAB"}"#;
            parse(key.repeat(count).as_bytes()).err()
        };
        assert_eq!(keys(MAX_BLOCKS), Some(KeyError::NoKey));
        let limit = MAX_BLOCKS;
        assert_eq!(keys(limit + 1), Some(KeyError::TooManyBlocks { limit }));
    }
}
