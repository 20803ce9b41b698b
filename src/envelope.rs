//! [`Envelope`]: the one type between the providers' metadata and the core.
//!
//! A provider's parser fills it in; the key ring, the cipher and the checks read it. It is a
//! description: no keys, no files, no behaviour.

/// Bytes in an AES block, in a GCM tag, and in a CBC initialization vector.
pub const BLOCK: usize = 16;

/// Bytes of the pieces in which media is read, decrypted and looked at: a multiple of the AES
/// block (16), of an MPEG-TS packet (188) and of a page (4,096), small enough that a segment
/// stays in a core's cache while it is worked on.
pub const SEGMENT: usize = 192_512;

/// What is needed to open one recording, as its provider described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The provider's id of the recording (`RE…`, `RT…`, `CJ…`, an archive id). Untrusted text.
    pub id: Option<String>,
    /// The content encryption key, wrapped for the customer's RSA key.
    pub wrap: KeyWrap,
    /// How the media is encrypted.
    pub cipher: ContentCipher,
    /// What the metadata says of the plaintext; checked after decryption.
    pub expected: Expected,
}

/// A wrapped content encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWrap {
    /// The RSA scheme it was wrapped with.
    pub algorithm: WrapAlgorithm,
    /// What the unwrapped bytes are.
    pub payload: Payload,
    /// The provider's name of the public key (`CR…`), where it gives one. Untrusted text.
    pub key_id: Option<String>,
    /// The RSA ciphertext, as long as the key's modulus (256 bytes for RSA-2048).
    pub wrapped: Vec<u8>,
}

/// The RSA encryption schemes in use (RFC 8017, sections 7.1 and 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WrapAlgorithm {
    /// RSAES-OAEP with SHA-256 and MGF1-SHA-256, empty label.
    RsaOaepSha256,
    /// RSAES-OAEP with SHA-1 and MGF1-SHA-1, empty label.
    RsaOaepSha1,
    /// RSAES-PKCS1-v1_5. A wrong key gives random bytes, not an error.
    RsaPkcs1v15,
}

impl WrapAlgorithm {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::RsaOaepSha256 => "rsa-oaep-sha256",
            Self::RsaOaepSha1 => "rsa-oaep-sha1",
            Self::RsaPkcs1v15 => "rsa-pkcs1-v1_5",
        }
    }

    /// Whether what it unwraps proves the private key right. OAEP has a hash for that;
    /// RSAES-PKCS1-v1_5 has nothing, and the content has to decide.
    pub fn proves_key(self) -> bool {
        match self {
            Self::RsaOaepSha256 | Self::RsaOaepSha1 => true,
            Self::RsaPkcs1v15 => false,
        }
    }
}

/// What the bytes inside a [`KeyWrap`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The raw AES-256 key: 32 bytes.
    Key,
    /// Version, algorithm and mode (one byte each, all 1), AES-256 key (32), IV (16): 51 bytes.
    HeaderKeyIv,
}

/// How the media is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCipher {
    /// AES-256-GCM (SP 800-38D), no additional data; the tag is the last 16 bytes of the file.
    Aes256Gcm {
        /// The initialization vector.
        iv: [u8; 12],
    },
    /// AES-256-CBC (SP 800-38A). Not authenticated.
    Aes256Cbc {
        /// Where the initialization vector is.
        iv: Iv,
        /// What stands behind the last byte of plaintext.
        padding: Padding,
    },
}

impl ContentCipher {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        self.mode().name()
    }

    /// The mode.
    pub fn mode(self) -> Mode {
        match self {
            Self::Aes256Gcm { .. } => Mode::Gcm,
            Self::Aes256Cbc { .. } => Mode::Cbc,
        }
    }
}

/// The one place where a CBC initialization vector is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Iv {
    /// Here: the metadata gives it.
    Given([u8; BLOCK]),
    /// In the [`KeyWrap`], together with the key ([`Payload::HeaderKeyIv`]).
    Wrapped,
}

/// A mode of AES-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// AES-256-GCM.
    Gcm,
    /// AES-256-CBC.
    Cbc,
}

impl Mode {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gcm => "aes-256-gcm",
            Self::Cbc => "aes-256-cbc",
        }
    }
}

/// The padding of a CBC plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// PKCS#7 (RFC 5652, section 6.3): always present, every byte checked.
    Pkcs7,
    /// MPEG-TS aware: what remains must be whole 188-byte packets; PKCS#7, none, or zero fill.
    TransportStream,
    /// None: every decrypted byte is kept.
    Keep,
}

/// What the metadata promises of the plaintext.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Its length in bytes.
    pub length: Option<u64>,
    /// A SHA-256 that the provider declares. Of which bytes is for the pipeline to find out.
    pub sha256: Option<[u8; 32]>,
    /// The containers this kind of recording comes in, where the container is evidence for the
    /// right key. Empty where a tag decides.
    pub containers: &'static [Container],
}

/// A media container, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// RIFF/WAVE.
    Wav,
    /// MPEG transport stream, 188-byte packets (ISO/IEC 13818-1).
    MpegTs,
    /// Matroska (RFC 9559) with `DocType` `matroska`.
    Matroska,
    /// Matroska with `DocType` `webm`.
    WebM,
    /// ISO base media file (ISO/IEC 14496-12).
    Mp4,
    /// MPEG audio, with or without an ID3 tag.
    Mp3,
    /// Ogg (RFC 3533).
    Ogg,
    /// A JSON text (RFC 8259), such as a transcript.
    Json,
    /// A ZIP archive.
    Zip,
}

/// The extension of a file that holds no known container.
pub(crate) const UNKNOWN_EXTENSION: &str = "bin";

impl Container {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Wav,
        Self::MpegTs,
        Self::Matroska,
        Self::WebM,
        Self::Mp4,
        Self::Mp3,
        Self::Ogg,
        Self::Json,
        Self::Zip,
    ];

    /// The extensions of a file's name, without the dot: the usual one, then that of a file
    /// without pictures. The one list of them.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Wav => &["wav"],
            Self::MpegTs => &["ts"],
            Self::Matroska => &["mkv", "mka"],
            Self::WebM => &["webm"],
            Self::Mp4 => &["mp4", "m4a"],
            Self::Mp3 => &["mp3"],
            Self::Ogg => &["ogg"],
            Self::Json => &["json"],
            Self::Zip => &["zip"],
        }
    }

    /// The usual extension.
    pub fn extension(self) -> &'static str {
        self.extensions().first().unwrap_or(&UNKNOWN_EXTENSION)
    }

    /// The extension of a file without pictures.
    pub fn sound_extension(self) -> &'static str {
        self.extensions().last().unwrap_or(&UNKNOWN_EXTENSION)
    }
}
