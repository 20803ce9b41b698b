//! What can be wrong with a key file or a wrapped key.

use std::fmt;

/// Why a key file, or one block of it, gives no RSA private key.
///
/// The texts are fragments about "it", the file. What the user can do about it is the caller's
/// to say; [`ForeignKind`] and [`UnsupportedEncryption`] carry what a converting command needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// More bytes than any key file has.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// More PEM blocks than any key file has.
    #[error("it holds more than {limit} PEM blocks")]
    TooManyBlocks {
        /// The most that is read.
        limit: usize,
    },
    /// Neither a key nor anything that is known by kind.
    #[error("it holds no RSA key")]
    NoKey,
    /// It announces a key, but does not keep to the format.
    #[error("its {what} is malformed: {problem}")]
    Malformed {
        /// The part, such as `PEM block`.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A PEM block that is damaged beyond what can be mended.
    #[error("it is damaged in line {line}: {problem}")]
    Pem {
        /// The line of the file, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// What stands in it in base64 is a key that cannot be used.
    #[error("it holds base64, and decoded, {error}")]
    InBase64 {
        /// Whether there is nothing else in the file.
        is_all: bool,
        /// Why that key cannot be used.
        error: Box<Self>,
    },
    /// A key of another kind.
    #[error("it is {0}, which is not supported")]
    Foreign(ForeignKind),
    /// An RSA key outside 1024 to 8192 bits.
    #[error("its RSA key has {bits} bits, which is not within 1024 to 8192")]
    Size {
        /// The length of the modulus in bits.
        bits: usize,
    },
    /// Well-formed, but the modulus, exponents and primes do not belong together.
    #[error("the numbers in it do not form a valid RSA key")]
    Inconsistent,
    /// Encrypted in a way that is not supported.
    #[error("its encryption, {0}, is not supported")]
    Encryption(UnsupportedEncryption),
    /// Its key derivation would take more time or memory than any honest key needs.
    #[error("its key derivation asks for {what} of {asked}, over the limit of {limit}")]
    Cost {
        /// What would be spent, such as `a PBKDF2 iteration count`.
        what: &'static str,
        /// How much the file asks for.
        asked: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// Decryption gave no valid padding, or no private key.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
}

impl KeyError {
    pub(super) fn malformed(what: &'static str, problem: &'static str) -> Self {
        Self::Malformed { what, problem }
    }
}

/// What a file holds in place of an RSA key in PEM or DER.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignKind {
    /// ECDSA or ECDH, in SEC 1 or PKCS#8.
    EllipticCurve,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// DSA.
    Dsa,
    /// `id-RSASSA-PSS`: RSA restricted to signatures (RFC 8017, A.2.3).
    RsaPss,
    /// RSA with more than two primes (RFC 8017, section 3.2).
    MultiPrime,
    /// `BEGIN OPENSSH PRIVATE KEY`.
    OpenSsh,
    /// An `ssh-…` public key line.
    OpenSshPublic,
    /// PGP armour (RFC 9580).
    Pgp,
    /// PKCS#12 (RFC 7292), as `.p12` and `.pfx` are.
    Pkcs12 {
        /// Whether it is encrypted in a way that OpenSSL 3 opens with `-legacy` only.
        is_legacy: bool,
    },
    /// PKCS#7 (RFC 2315), as `.p7b` and `.p7c` are: certificates without a key.
    Pkcs7,
    /// `RSAKeyValue` in XML, as .NET writes it.
    XmlKeyValue,
    /// `PRIVATEKEYBLOB` of the Windows `CryptoAPI`.
    PrivateKeyBlob,
    /// `BCRYPT_RSAPRIVATE_BLOB` of Windows CNG.
    CngBlob,
    /// A `.pvk` file of Windows.
    Pvk {
        /// Whether it is encrypted.
        is_locked: bool,
    },
    /// A `PuTTY` `.ppk` file.
    Putty,
    /// A Java key store in its own format.
    JavaKeyStore,
    /// A certificate signing request (RFC 2986).
    CertificateRequest,
    /// A JSON Web Key (RFC 7517) that is neither RSA nor of an elliptic curve.
    Jwk,
    /// A private key of an algorithm without a name here, by its dotted object identifier.
    Other(String),
}

impl fmt::Display for ForeignKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EllipticCurve => "an elliptic-curve key",
            Self::Ed25519 => "an Ed25519 key",
            Self::Dsa => "a DSA key",
            Self::RsaPss => "an RSA-PSS key, for signatures only",
            Self::MultiPrime => "an RSA key of more than two primes",
            Self::OpenSsh => "a private key in OpenSSH's own format",
            Self::OpenSshPublic => "an OpenSSH public key",
            Self::Pgp => "a PGP key",
            Self::Pkcs12 { .. } => "a PKCS#12 file",
            Self::Pkcs7 => "a PKCS#7 file, of certificates",
            Self::XmlKeyValue => "an RSA key in XML",
            Self::PrivateKeyBlob => "a private key blob of Windows",
            Self::CngBlob => "a CNG key blob of Windows",
            Self::Pvk { .. } => "a PVK file of Windows",
            Self::Putty => "a PuTTY key",
            Self::JavaKeyStore => "a Java key store",
            Self::CertificateRequest => "a certificate signing request",
            Self::Jwk => "a JSON Web Key of another kind",
            Self::Other(oid) => return write!(f, "a key of the algorithm {oid}"),
        })
    }
}

/// How a private key is encrypted, where that is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsupportedEncryption {
    /// PKCS#8 with a scheme other than PBES2: PBES1 (RFC 8018, A.3), PKCS#12's (RFC 7292, C).
    /// By its dotted object identifier.
    Scheme(String),
    /// PBES2 (RFC 8018, A.4) with a cipher, key derivation or hash that is not supported.
    /// By its dotted object identifier.
    Pbes2(String),
    /// `DEK-Info` with a cipher that is not supported. Untrusted text.
    Legacy(String),
}

/// Object identifiers, names, and whether OpenSSL 3 needs `-provider legacy` for them.
const NAMES: [(&str, &str, bool); 15] = [
    ("1.2.840.113549.1.5.1", "PBES1 with MD2 and DES", true),
    ("1.2.840.113549.1.5.3", "PBES1 with MD5 and DES", true),
    ("1.2.840.113549.1.5.4", "PBES1 with MD2 and RC2", true),
    ("1.2.840.113549.1.5.6", "PBES1 with MD5 and RC2", true),
    ("1.2.840.113549.1.5.10", "PBES1 with SHA-1 and DES", true),
    ("1.2.840.113549.1.5.11", "PBES1 with SHA-1 and RC2", true),
    ("1.2.840.113549.1.12.1.1", "PKCS#12 128-bit RC4", true),
    ("1.2.840.113549.1.12.1.2", "PKCS#12 40-bit RC4", true),
    ("1.2.840.113549.1.12.1.3", "PKCS#12 3DES", false),
    ("1.2.840.113549.1.12.1.4", "PKCS#12 two-key 3DES", false),
    ("1.2.840.113549.1.12.1.5", "PKCS#12 128-bit RC2", true),
    ("1.2.840.113549.1.12.1.6", "PKCS#12 40-bit RC2", true),
    ("1.2.840.113549.3.2", "RC2", true),
    ("1.2.840.113549.3.4", "RC4", true),
    ("1.3.14.3.2.7", "single DES", true),
];

/// The ciphers of `DEK-Info` that only the legacy provider has.
const LEGACY: [&str; 9] = [
    "DES-CBC", "DES-CFB", "DES-OFB", "RC2-", "RC5-", "BF-", "CAST5-", "IDEA-", "SEED-",
];

impl UnsupportedEncryption {
    /// Whether OpenSSL 3 opens it with its legacy provider only.
    pub fn needs_legacy_provider(&self) -> bool {
        match self {
            Self::Scheme(oid) | Self::Pbes2(oid) => name(oid).is_some_and(|(_, legacy)| legacy),
            Self::Legacy(cipher) => LEGACY.iter().any(|prefix| cipher.starts_with(prefix)),
        }
    }
}

fn name(oid: &str) -> Option<(&'static str, bool)> {
    let (_, name, legacy) = NAMES.iter().find(|(dotted, ..)| *dotted == oid)?;
    Some((name, *legacy))
}

impl fmt::Display for UnsupportedEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, oid) = match self {
            Self::Scheme(oid) => ("", oid),
            Self::Pbes2(oid) => ("PBES2 with ", oid),
            Self::Legacy(cipher) => return write!(f, "DEK-Info `{cipher}`"),
        };
        f.write_str(prefix)?;
        match name(oid) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "the algorithm {oid}"),
        }
    }
}

/// Why a private key gives no content key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// Another key, or a damaged wrapped key: RSA does not tell the two apart, nor do we.
    #[error("the private key does not open it")]
    NotThisKey {
        /// The length of the key's modulus in bytes.
        modulus_len: usize,
        /// The length of the wrapped key in bytes; another length never opens.
        wrapped_len: usize,
    },
    /// OAEP proved the private key right, but what it opened is not a content key.
    #[error("the private key opens it, but {0}")]
    Payload(PayloadError),
}

/// Why unwrapped bytes are not a content key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The wrong number of bytes.
    #[error("the unwrapped key is {found} bytes long, not {expected}")]
    Length {
        /// How many bytes were unwrapped.
        found: usize,
        /// How many the payload has.
        expected: usize,
    },
    /// A header other than 1, 1, 1.
    #[error("its header is version {version}, algorithm {algorithm}, mode {mode}, not 1, 1, 1")]
    Header {
        /// The format's version; 1 is known.
        version: u8,
        /// The algorithm; 1 is AES-256.
        algorithm: u8,
        /// The mode; 1 is CBC.
        mode: u8,
    },
}
