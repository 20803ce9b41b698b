//! What the ciphers and hashes run on here. Their crates choose among their implementations and tell
//! nobody, so this asks the processor what they ask it, in their order: `aes` 0.9.4 (`src/lib.rs`),
//! `polyval` 0.7.3 (`src/backend/`), `sha2` 0.11.1 (`src/sha256.rs`) and `sha1` 0.11.0 (`src/compress.rs`).
//! The tests see to it that the versions are these.

use crate::envelope::{Mode, WrapAlgorithm};

/// What is said where no instructions of the processor's are used.
const SOFTWARE: &str = "software";

/// Of a content cipher: `VAES AVX-512, PCLMULQDQ`.
pub(super) fn cipher(mode: Mode) -> String {
    match mode {
        Mode::Gcm => format!("{}, {}", aes(), ghash()),
        Mode::Cbc => aes().to_owned(),
    }
}

/// Of an unwrap: big numbers are software everywhere.
pub(super) fn unwrap(algorithm: WrapAlgorithm) -> String {
    match algorithm {
        WrapAlgorithm::RsaOaepSha256 => format!("{SOFTWARE}, {}", sha256()),
        WrapAlgorithm::RsaOaepSha1 => format!("{SOFTWARE}, {}", sha1()),
        WrapAlgorithm::RsaPkcs1v15 => SOFTWARE.to_owned(),
    }
}

/// Of a derivation of this name.
pub(super) fn derivation(kdf: &str) -> String {
    match kdf.split(':').next() {
        Some("pbkdf2-sha256" | "hkdf-sha256") => sha256().to_owned(),
        Some("scrypt") => format!("{SOFTWARE}, {}", sha256()),
        _ => SOFTWARE.to_owned(),
    }
}

/// AES. (VAES of 256 bits is used where a system has registers of 512 and hides their instructions,
/// which is not told from AES-NI here.)
fn aes() -> &'static str {
    if !aes::hardware_accelerated() {
        return SOFTWARE;
    }
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("vaes") {
        return "VAES AVX-512";
    }
    if cfg!(target_arch = "aarch64") {
        return "ARMv8 AES";
    }
    "AES-NI"
}

/// GHASH, GCM's hash.
fn ghash() -> &'static str {
    if cfg!(polyval_backend = "soft") {
        return SOFTWARE;
    }
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if is_x86_feature_detected!("avx") && is_x86_feature_detected!("pclmulqdq") {
        return "PCLMULQDQ";
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("aes") {
        return "PMULL";
    }
    SOFTWARE
}

/// SHA-256.
fn sha256() -> &'static str {
    if cfg!(any(sha2_backend = "soft", sha2_256_backend = "soft")) {
        return SOFTWARE;
    }
    sha()
}

/// SHA-1. Each processor that has the instructions has SSSE3, which it asks for besides.
fn sha1() -> &'static str {
    if cfg!(sha1_backend = "soft") {
        return SOFTWARE;
    }
    sha()
}

fn sha() -> &'static str {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") {
        return "SHA-NI";
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("sha2") {
        return "ARMv8 SHA2";
    }
    SOFTWARE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_that_choose_are_those_whose_choice_was_read() {
        let root = env!("CARGO_MANIFEST_DIR");
        let lock = std::fs::read_to_string(format!("{root}/Cargo.lock")).unwrap();
        for (name, version) in [
            ("aes", "0.9.4"),
            ("polyval", "0.7.3"),
            ("sha1", "0.11.0"),
            ("sha2", "0.11.1"),
        ] {
            let package = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            assert!(lock.contains(&package), "see what {name} chooses by now");
        }
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn linux_sees_the_same_processor() {
        let about = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = about
            .lines()
            .find(|line| line.starts_with("flags"))
            .unwrap();
        let has = |name| flags.split_whitespace().any(|flag| flag == name);
        for (name, found, expected) in [
            (
                "VAES AVX-512",
                aes(),
                has("aes") && has("vaes") && has("avx512f"),
            ),
            (SOFTWARE, aes(), !has("aes")),
            ("PCLMULQDQ", ghash(), has("pclmulqdq") && has("avx")),
            ("SHA-NI", sha256(), has("sha_ni")),
            ("SHA-NI", sha1(), has("sha_ni")),
        ] {
            assert_eq!(found == name, expected, "{name}");
        }
    }
}
