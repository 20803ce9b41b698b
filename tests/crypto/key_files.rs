//! Key files of every encoding, with OpenSSL as their maker and as the judge of ours.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use unreel::internals::key::{KeyBlock, KeyFile, PrivateKey, generate, parse};
use unreel::{
    ForeignKind, KeyError, KeyWrap, Mending, Passphrase, Payload, PublicKind,
    UnsupportedEncryption, WrapAlgorithm,
};

/// A folder with `key.pem`, an RSA key of 2048 bits in PKCS#8; commands run in it.
struct Openssl {
    folder: TempDir,
}

/// `None`, and a word about it, where there is no `openssl`.
fn openssl() -> Option<Openssl> {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let found = FOUND.get_or_init(|| Command::new("openssl").arg("version").output().is_ok());
    if !found {
        // Not eprintln!, which the test harness would hide.
        let _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: there is no `openssl` on the PATH"
        );
        return None;
    }
    let openssl = Openssl {
        folder: TempDir::new().unwrap(),
    };
    openssl.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem");
    Some(openssl)
}

impl Openssl {
    /// Runs `openssl` with arguments that are separated by spaces; its stdout.
    fn run(&self, arguments: &str) -> Vec<u8> {
        self.try_run(arguments, &[])
            .unwrap_or_else(|stderr| panic!("{arguments}: {stderr}"))
    }

    fn try_run(&self, arguments: &str, stdin: &[u8]) -> Result<Vec<u8>, String> {
        let mut child = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// SHA-256 of the public key, as OpenSSL computes it.
    fn fingerprint(&self, key: &str) -> String {
        let public = self.run(&format!("pkey -in {key} -pubout -outform DER"));
        let digest = self.try_run("dgst -sha256 -r", &public).unwrap();
        let digest = String::from_utf8(digest).unwrap();
        format!("sha256:{}", digest.split(' ').next().unwrap())
    }
}

const SECRET: &str = "correct horse";

fn secret() -> Passphrase {
    Passphrase::new(SECRET.as_bytes().to_vec())
}

/// The one private key of a file, unlocked with [`SECRET`] if need be.
fn private(bytes: &[u8]) -> Result<PrivateKey, KeyError> {
    let found = parse(bytes)?.into_iter().find_map(|block| match block {
        KeyBlock::Private(key) => Some(Ok(key)),
        KeyBlock::Locked(key) => Some(key.unlock(&secret())),
        KeyBlock::Public(_) | KeyBlock::Unusable(_) => None,
    });
    found.unwrap_or(Err(KeyError::NoKey))
}

fn fingerprint(bytes: &[u8]) -> Result<String, KeyError> {
    private(bytes).map(|key| key.fingerprint().to_string())
}

#[test]
fn every_encoding_of_openssl_is_read() {
    let Some(openssl) = openssl() else { return };
    openssl.write("pass", SECRET);
    let expected = Ok(openssl.fingerprint("key.pem"));
    let mut commands = vec![
        "pkey -in key.pem".to_owned(),
        "pkey -in key.pem -outform DER".to_owned(),
        "rsa -in key.pem -traditional".to_owned(),
        "rsa -in key.pem -traditional -outform DER".to_owned(),
        "pkcs8 -topk8 -nocrypt -in key.pem -outform DER".to_owned(),
        "pkey -in key.pem -aes256 -passout file:pass".to_owned(),
        "pkcs8 -topk8 -in key.pem -v2 aes-256-cbc -outform DER -passout file:pass".to_owned(),
        "pkcs8 -topk8 -in key.pem -scrypt -passout file:pass".to_owned(),
        "pkcs8 -topk8 -in key.pem -scrypt -scrypt_N 1024 -scrypt_r 8 -scrypt_p 16 -passout file:pass".to_owned(),
        "pkcs8 -topk8 -in key.pem -v2 aes-256-cbc -iter 100000 -passout file:pass".to_owned(),
    ];
    for cipher in ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"] {
        for hash in ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"] {
            commands.push(format!(
                "pkcs8 -topk8 -in key.pem -v2 {cipher} -v2prf hmacWith{hash} -passout file:pass"
            ));
        }
    }
    for cipher in ["-aes128", "-aes192", "-aes256", "-des3"] {
        commands.push(format!(
            "rsa -in key.pem -traditional {cipher} -passout file:pass"
        ));
    }
    let mut locked = 0;
    for command in &commands {
        let bytes = openssl.run(command);
        assert_eq!(fingerprint(&bytes), expected, "{command}");
        let blocks = parse(&bytes).unwrap();
        let [KeyBlock::Locked(key)] = blocks.as_slice() else {
            continue;
        };
        locked += 1;
        for wrong in [&b"wrong"[..], b"", b"correct horse\n", b"\xff\xfe"] {
            let error = key.unlock(&Passphrase::new(wrong.to_vec())).err();
            assert_eq!(error, Some(KeyError::WrongPassphrase), "{command}");
        }
    }
    println!(
        "openssl wrote {} key files, {locked} of them encrypted; all were read",
        commands.len()
    );
    assert_eq!(locked, 29);
}

#[test]
fn passphrases_are_any_bytes() {
    let Some(openssl) = openssl() else { return };
    let expected = openssl.fingerprint("key.pem");
    for passphrase in [
        &b"g\xc3\xbcnstig \xf0\x9f\x94\x91"[..],
        b"latin-1 \xfc",
        &[b'x'; 200],
    ] {
        openssl.write("bytes", passphrase);
        for command in [
            "pkcs8 -topk8 -v2 aes-256-cbc",
            "rsa -traditional -aes256",
            "rsa -traditional -des3",
        ] {
            let bytes = openssl.run(&format!("{command} -in key.pem -passout file:bytes"));
            let blocks = parse(&bytes).unwrap();
            let [KeyBlock::Locked(key)] = blocks.as_slice() else {
                panic!("{command}")
            };
            let key = key.unlock(&Passphrase::new(passphrase.to_vec())).unwrap();
            assert_eq!(key.fingerprint().to_string(), expected);
        }
    }
}

#[test]
fn sizes_and_exponents() {
    let Some(openssl) = openssl() else { return };
    for bits in [1024, 1025, 1536, 2047, 3072, 4096] {
        openssl.run(&format!("genrsa -out sized.pem {bits}"));
        let key = private(&openssl.read("sized.pem")).unwrap();
        assert_eq!(key.bits(), bits);
        assert_eq!(
            key.fingerprint().to_string(),
            openssl.fingerprint("sized.pem")
        );
    }
    openssl.run("genrsa -3 -out three.pem 2048");
    assert_eq!(
        fingerprint(&openssl.read("three.pem")),
        Ok(openssl.fingerprint("three.pem"))
    );
    openssl.run("genrsa -out small.pem 768");
    assert_eq!(
        fingerprint(&openssl.read("small.pem")),
        Err(KeyError::Size { bits: 768 })
    );
}

#[test]
fn odd_pem_files_are_read() {
    let Some(openssl) = openssl() else { return };
    let expected = Ok(openssl.fingerprint("key.pem"));
    let pem = String::from_utf8(openssl.read("key.pem")).unwrap();
    openssl.run("req -new -x509 -key key.pem -subj /CN=x -out cert.pem");
    let cert = String::from_utf8(openssl.read("cert.pem")).unwrap();
    openssl.write("pass", SECRET);
    let legacy = openssl.run("rsa -in key.pem -traditional -aes256 -passout file:pass");
    let legacy = String::from_utf8(legacy).unwrap();
    let text = String::from_utf8(openssl.run("pkey -in key.pem -text")).unwrap();

    let lines: Vec<&str> = pem.lines().collect();
    let body = lines[1..lines.len() - 1].concat();
    let wrapped = |body: &str| format!("{}\n{body}\n{}", lines[0], lines[lines.len() - 1]);
    let broken_cert = cert.replace("MII", "M!I");
    let cut_cert = &cert[..cert.len() / 2];
    let files = [
        ("CRLF", pem.replace('\n', "\r\n")),
        ("legacy, CRLF", legacy.replace('\n', "\r\n")),
        ("CR", pem.replace('\n', "\r")),
        ("byte order mark", format!("\u{feff}{pem}")),
        ("no final newline", pem.trim_end().to_owned()),
        ("base64 in one line", wrapped(&body)),
        ("no padding", wrapped(body.trim_end_matches('='))),
        ("blank lines and spaces", pem.replace('\n', " \n\n\t")),
        (
            "text before",
            format!("Bag Attributes\n    friendlyName: x\n{pem}"),
        ),
        ("text after", format!("{pem}\nend\n")),
        ("openssl pkey -text", text),
        ("certificate before", format!("{cert}{pem}")),
        ("certificate after", format!("{pem}{cert}")),
        ("broken certificate before", format!("{broken_cert}{pem}")),
        ("cut certificate before", format!("{cut_cert}\n{pem}")),
        ("bundle", format!("{cert}{legacy}{cert}{pem}")),
        ("wrong label", pem.replace("PRIVATE KEY", "RSA PRIVATE KEY")),
    ];
    for (name, file) in files {
        assert_eq!(fingerprint(file.as_bytes()), expected, "{name}");
    }
    let latin_1 = [b"Schl\xfcssel \xe9\n".as_slice(), pem.as_bytes(), b"\xff"].concat();
    assert_eq!(fingerprint(&latin_1), expected);
}

#[test]
fn certificates_and_public_keys_are_told_by_name() {
    let Some(openssl) = openssl() else { return };
    openssl.run("req -new -x509 -key key.pem -subj /CN=x -out cert.pem");
    let expected = openssl.fingerprint("key.pem");
    for (command, kind) in [
        ("x509 -in cert.pem", PublicKind::Certificate),
        ("x509 -in cert.pem -outform DER", PublicKind::Certificate),
        ("pkey -in key.pem -pubout", PublicKind::Bare),
        ("pkey -in key.pem -pubout -outform DER", PublicKind::Bare),
        ("rsa -in key.pem -RSAPublicKey_out", PublicKind::Bare),
        (
            "rsa -in key.pem -RSAPublicKey_out -outform DER",
            PublicKind::Bare,
        ),
    ] {
        let blocks = parse(&openssl.run(command)).unwrap();
        let [KeyBlock::Public(key)] = blocks.as_slice() else {
            panic!("{command}")
        };
        assert_eq!(
            (key.fingerprint.to_string(), key.bits, key.kind),
            (expected.clone(), 2048, kind)
        );
    }
}

#[test]
fn other_keys_are_refused_by_kind() {
    let Some(openssl) = openssl() else { return };
    openssl.write("pass", SECRET);
    openssl.run("req -new -x509 -key key.pem -subj /CN=x -out cert.pem");
    openssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem");
    openssl.run("genpkey -algorithm ED25519 -out ed25519.pem");
    openssl.run("genpkey -algorithm X25519 -out x25519.pem");
    openssl.run("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out pss.pem");
    openssl.run("genrsa -primes 3 -out multi.pem 2048");
    let p12 = "pkcs12 -export -inkey key.pem -in cert.pem -passout file:pass";
    for (command, kind) in [
        ("pkey -in ec.pem", ForeignKind::EllipticCurve),
        ("ec -in ec.pem", ForeignKind::EllipticCurve),
        ("ec -in ec.pem -outform DER", ForeignKind::EllipticCurve),
        (
            "pkcs8 -topk8 -in ec.pem -passout file:pass",
            ForeignKind::EllipticCurve,
        ),
        (
            "ec -in ec.pem -aes256 -passout file:pass",
            ForeignKind::EllipticCurve,
        ),
        ("pkey -in ed25519.pem", ForeignKind::Ed25519),
        ("pkey -in ed25519.pem -outform DER", ForeignKind::Ed25519),
        ("pkey -in pss.pem", ForeignKind::RsaPss),
        ("pkey -in multi.pem", ForeignKind::MultiPrime),
        (
            "rsa -in multi.pem -traditional -outform DER",
            ForeignKind::MultiPrime,
        ),
        (
            "rsa -in multi.pem -traditional -aes128 -passout file:pass",
            ForeignKind::MultiPrime,
        ),
        (p12, ForeignKind::Pkcs12 { is_legacy: false }),
        (
            "req -new -key key.pem -subj /CN=x -outform DER",
            ForeignKind::CertificateRequest,
        ),
        (
            "req -new -key key.pem -subj /CN=x",
            ForeignKind::CertificateRequest,
        ),
        ("crl2pkcs7 -nocrl -certfile cert.pem", ForeignKind::Pkcs7),
        (
            "crl2pkcs7 -nocrl -certfile cert.pem -outform DER",
            ForeignKind::Pkcs7,
        ),
        (
            "pkcs12 -export -legacy -inkey key.pem -in cert.pem -passout file:pass",
            ForeignKind::Pkcs12 { is_legacy: true },
        ),
        (
            "rsa -in key.pem -outform MSBLOB",
            ForeignKind::PrivateKeyBlob,
        ),
        (
            "rsa -in key.pem -outform PVK -pvk-none",
            ForeignKind::Pvk { is_locked: false },
        ),
        (
            "rsa -provider legacy -provider default -in key.pem -outform PVK -pvk-strong -passout file:pass",
            ForeignKind::Pvk { is_locked: true },
        ),
    ] {
        assert_eq!(
            fingerprint(&openssl.run(command)),
            Err(KeyError::Foreign(kind)),
            "{command}"
        );
    }
    let x25519 = fingerprint(&openssl.read("x25519.pem"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        x25519,
        "it is a key of the algorithm 1.3.101.110, which is not supported"
    );

    // Beside a key that can be used, one that cannot is only noted.
    let both = [openssl.read("ec.pem"), openssl.read("key.pem")].concat();
    let blocks = parse(&both).unwrap();
    assert!(matches!(
        blocks.as_slice(),
        [KeyBlock::Unusable(_), KeyBlock::Private(_)]
    ));

    for (start, kind) in [
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n",
            ForeignKind::OpenSsh,
        ),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n",
            ForeignKind::Pgp,
        ),
        (
            "ssh-rsa AAAAB3NzaC1yc2E= me@host",
            ForeignKind::OpenSshPublic,
        ),
        ("PuTTY-User-Key-File-3: ssh-rsa", ForeignKind::Putty),
    ] {
        assert_eq!(fingerprint(start.as_bytes()), Err(KeyError::Foreign(kind)));
    }
}

#[test]
fn other_encryption_is_refused_by_name() {
    let Some(openssl) = openssl() else { return };
    openssl.write("pass", SECRET);
    openssl.write("new-pass", SECRET);
    let refused = |command: &str| match fingerprint(&openssl.run(command)) {
        Err(KeyError::Encryption(encryption)) => encryption,
        other => panic!("{command}: {other:?}"),
    };
    for (scheme, name, legacy) in [
        ("PBE-MD5-DES", "PBES1 with MD5 and DES", true),
        ("PBE-SHA1-RC2-64", "PBES1 with SHA-1 and RC2", true),
        ("PBE-SHA1-3DES", "PKCS#12 3DES", false),
        ("PBE-SHA1-2DES", "PKCS#12 two-key 3DES", false),
        ("PBE-SHA1-RC4-128", "PKCS#12 128-bit RC4", true),
        ("PBE-SHA1-RC2-40", "PKCS#12 40-bit RC2", true),
    ] {
        let providers = if legacy {
            "-provider legacy -provider default "
        } else {
            ""
        };
        let command =
            format!("pkcs8 {providers}-topk8 -in key.pem -v1 {scheme} -passout file:pass");
        let encryption = refused(&command);
        assert!(matches!(encryption, UnsupportedEncryption::Scheme(_)));
        assert_eq!(encryption.to_string(), name);
        assert_eq!(encryption.needs_legacy_provider(), legacy, "{name}");
        // What the caller will be told to do does work, and only so.
        openssl.write("weak.pem", openssl.run(&command));
        let convert =
            "-topk8 -v2 aes-256-cbc -in weak.pem -passin file:pass -passout file:new-pass";
        assert_eq!(
            openssl.try_run(&format!("pkcs8 {convert}"), &[]).is_ok(),
            !legacy,
            "{name}"
        );
        let converted = openssl.run(&format!("pkcs8 {providers}{convert}"));
        assert_eq!(fingerprint(&converted), Ok(openssl.fingerprint("key.pem")));
    }
    for (cipher, name, legacy) in [
        ("camellia256", "CAMELLIA-256-CBC", false),
        ("aria256", "ARIA-256-CBC", false),
        ("des", "DES-CBC", true),
    ] {
        let providers = if legacy {
            "-provider legacy -provider default "
        } else {
            ""
        };
        let command =
            format!("rsa {providers}-in key.pem -traditional -{cipher} -passout file:pass");
        let encryption = refused(&command);
        assert_eq!(encryption, UnsupportedEncryption::Legacy(name.to_owned()));
        assert_eq!(encryption.needs_legacy_provider(), legacy, "{name}");
    }
    for (cipher, legacy) in [("camellia-256-cbc", false), ("rc2", true), ("des", true)] {
        let providers = if legacy {
            "-provider legacy -provider default "
        } else {
            ""
        };
        let options = format!("-topk8 -in key.pem -v2 {cipher} -passout file:pass");
        let encryption = refused(&format!("pkcs8 {providers}{options}"));
        assert!(
            matches!(encryption, UnsupportedEncryption::Pbes2(_)),
            "{encryption}"
        );
        assert_eq!(encryption.needs_legacy_provider(), legacy, "{cipher}");
    }
}

#[test]
fn files_without_a_key_are_refused() {
    let block = "-----BEGIN X-----\nAAAA\n-----END X-----\n";
    let many = |count: usize| block.repeat(count).into_bytes();
    let cases: [(&[u8], KeyError); 7] = [
        (b"", KeyError::Empty),
        (b" \r\n", KeyError::Empty),
        (b"hello", KeyError::NoKey),
        (&[0x30, 3, 2, 1, 0], KeyError::NoKey),
        (&many(32), KeyError::NoKey),
        (&many(33), KeyError::TooManyBlocks { limit: 32 }),
        (
            &vec![b' '; (1 << 20) + 1],
            KeyError::TooLarge { limit: 1 << 20 },
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(fingerprint(bytes), Err(expected));
    }
    for broken in [
        "-----BEGIN PRIVATE KEY-----\nMIIE",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\n?\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\n\n-----END RSA PRIVATE KEY-----",
    ] {
        let error = fingerprint(broken.as_bytes());
        assert!(
            matches!(
                error,
                Err(KeyError::Malformed { .. } | KeyError::Pem { .. })
            ),
            "{broken}: {error:?}"
        );
    }
}

#[test]
fn damaged_keys_are_refused_and_never_panic() {
    let Some(openssl) = openssl() else { return };
    openssl.write("pass", SECRET);
    openssl.run("genrsa -out small.pem 1024");
    for command in [
        "pkey -in small.pem -outform DER",
        "pkcs8 -topk8 -in small.pem -v2 des3 -outform DER -iter 1 -passout file:pass",
        "pkcs8 -topk8 -in small.pem -scrypt -scrypt_N 2 -outform DER -passout file:pass",
        "pkey -in small.pem -pubout -outform DER",
        "req -new -x509 -key small.pem -subj /CN=x -outform DER",
    ] {
        let sound = openssl.run(command);
        let expected = fingerprint(&sound);
        for index in 0..sound.len() {
            assert!(
                private(&sound[..index]).is_err(),
                "{command}: cut at {index}"
            );
            // Every bit of the structure, one bit of each byte of the numbers.
            for bit in 0..if index < 120 { 8 } else { 1 } {
                let mut damaged = sound.clone();
                damaged[index] ^= 1 << bit;
                // Unless the damage is in what is not read, such as the CRT values.
                let found = fingerprint(&damaged);
                assert!(
                    found.is_err() || found == expected,
                    "{command}: {bit} of {index}"
                );
            }
        }
    }
}

#[test]
fn openssl_accepts_what_is_generated() {
    let Some(openssl) = openssl() else { return };
    openssl.write("pass", SECRET);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    for bits in [2048, 3072, 4096] {
        let key = generate(bits).unwrap();
        openssl.write("own.pem", key.pkcs8_pem(None).unwrap().as_bytes());
        openssl.write(
            "locked.pem",
            key.pkcs8_pem(Some(&secret())).unwrap().as_bytes(),
        );
        openssl.write("public.pem", key.public_pem().unwrap());
        openssl.write(
            "cert.pem",
            key.self_signed_certificate("recordings", 365, now).unwrap(),
        );

        assert_eq!(
            openssl.fingerprint("own.pem"),
            key.fingerprint().to_string()
        );
        let check = "pkey -check -noout -in";
        openssl.run(&format!("{check} own.pem"));
        openssl.run(&format!("{check} locked.pem -passin file:pass"));
        openssl
            .try_run(&format!("{check} locked.pem -passin pass:wrong"), &[])
            .unwrap_err();
        // The same key, and the same way of writing it.
        assert_eq!(openssl.run("pkey -in own.pem"), openssl.read("own.pem"));
        assert_eq!(
            openssl.run("pkey -pubin -in public.pem"),
            openssl.read("public.pem")
        );
        assert_eq!(
            openssl.run("pkey -in own.pem -pubout"),
            openssl.read("public.pem")
        );
        assert_eq!(openssl.run("x509 -in cert.pem"), openssl.read("cert.pem"));
        assert_eq!(
            openssl.run("x509 -in cert.pem -noout -pubkey"),
            openssl.read("public.pem")
        );

        for file in ["own.pem", "locked.pem"] {
            assert_eq!(
                fingerprint(&openssl.read(file)),
                Ok(key.fingerprint().to_string())
            );
        }
        let scheme = String::from_utf8(openssl.run("asn1parse -in locked.pem")).unwrap();
        for part in [
            "PBES2",
            "PBKDF2",
            "hmacWithSHA256",
            "aes-256-cbc",
            ":0927C0",
        ] {
            assert!(scheme.contains(part), "{part} in {scheme}");
        }
    }
}

#[test]
fn openssl_accepts_the_certificate() {
    let Some(openssl) = openssl() else { return };
    let key = private(&openssl.read("key.pem")).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut serials = std::collections::BTreeSet::new();
    for (subject, expected) in [
        ("recordings", "subject=CN=recordings"),
        (
            "Zürich, Süd + West / 2",
            r"subject=CN=Zürich\, Süd \+ West / 2",
        ),
        (
            "CN=recordings,O=Example\\, Inc.,C=CH",
            r"subject=CN=recordings,O=Example\, Inc.,C=CH",
        ),
    ] {
        openssl.write(
            "cert.pem",
            key.self_signed_certificate(subject, 365, now).unwrap(),
        );
        openssl
            .run("verify -x509_strict -check_ss_sig -attime 1800000000 -CAfile cert.pem cert.pem");
        let told = openssl.run(
            "x509 -in cert.pem -noout -subject -issuer -startdate -enddate -serial -nameopt RFC2253,utf8,-esc_msb",
        );
        let told = String::from_utf8(told).unwrap();
        let told: Vec<&str> = told.lines().collect();
        assert_eq!(told[0], expected);
        assert_eq!(told[1], expected.replace("subject", "issuer"));
        assert_eq!(told[2], "notBefore=Jan 15 08:00:00 2027 GMT");
        assert_eq!(told[3], "notAfter=Jan 15 08:00:00 2028 GMT");
        assert_eq!(told[4].len(), "serial=".len() + 32);
        assert!(
            serials.insert(told[4].to_owned()),
            "the serial number is random"
        );
    }
    let text = String::from_utf8(openssl.run("x509 -in cert.pem -noout -text")).unwrap();
    for part in [
        "Version: 3 (0x2)",
        "sha256WithRSAEncryption",
        "Subject Key Identifier",
        "Authority Key Identifier",
        "Basic Constraints: critical",
        "CA:TRUE",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for subject in ["", "O", "=", "CN", &"x".repeat(65)] {
        let made = key.self_signed_certificate(subject, 1, now);
        assert_eq!(made.is_ok(), subject == "O" || subject == "CN", "{subject}");
    }
    for days in [0, u32::MAX] {
        assert!(
            key.self_signed_certificate("x", days, now).is_err(),
            "{days}"
        );
    }
    // After 2049 the dates are GeneralizedTime (RFC 5280, 4.1.2.5).
    openssl.write(
        "cert.pem",
        key.self_signed_certificate("x", 36500, now).unwrap(),
    );
    let end = openssl.run("x509 -in cert.pem -noout -enddate");
    assert_eq!(end, b"notAfter=Dec 22 08:00:00 2126 GMT\n");
}

#[test]
fn content_keys_wrapped_by_openssl_are_opened() {
    let Some(openssl) = openssl() else { return };
    let key = private(&openssl.read("key.pem")).unwrap();
    let content: Vec<u8> = (0..32).collect();
    let long: Vec<u8> = [1, 1, 1].into_iter().chain(0..48).collect();
    let oaep = "-pkeyopt rsa_padding_mode:oaep";
    for (algorithm, options) in [
        (
            WrapAlgorithm::RsaOaepSha256,
            format!("{oaep} -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"),
        ),
        (WrapAlgorithm::RsaOaepSha1, oaep.to_owned()),
        (
            WrapAlgorithm::RsaPkcs1v15,
            "-pkeyopt rsa_padding_mode:pkcs1".to_owned(),
        ),
    ] {
        for (payload, bytes, iv) in [
            (Payload::Key, &content, None),
            (Payload::HeaderKeyIv, &long, long[35..].try_into().ok()),
        ] {
            let command = format!("pkeyutl -encrypt -inkey key.pem {options}");
            let wrapped = openssl.try_run(&command, bytes).unwrap();
            let wrap = KeyWrap {
                algorithm,
                payload,
                key_id: None,
                wrapped,
            };
            let opened = key.unwrap(&wrap).unwrap();
            assert_eq!((&opened.key()[..], opened.iv()), (content.as_slice(), iv));
        }
    }
}

/// The fingerprint of a key file, and what was done to read it.
fn mended(bytes: &[u8]) -> (Result<String, KeyError>, Vec<Mending>) {
    let mended = KeyFile::read(bytes).map(|file| file.mended);
    (fingerprint(bytes), mended.unwrap_or_default())
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn base64_of(openssl: &Openssl, bytes: &[u8]) -> String {
    String::from_utf8(openssl.try_run("base64 -A", bytes).unwrap()).unwrap()
}

#[test]
fn pem_that_was_passed_on_as_text_is_put_together() {
    let Some(openssl) = openssl() else { return };
    openssl.write("pass", SECRET);
    let expected = openssl.fingerprint("key.pem");
    let pem = String::from_utf8(openssl.read("key.pem")).unwrap();
    let legacy = openssl.run("rsa -in key.pem -traditional -aes256 -passout file:pass");
    let legacy = String::from_utf8(legacy).unwrap();
    let base64 = |bytes: &[u8]| base64_of(&openssl, bytes);
    let json = serde_json::Value::from(pem.as_str()).to_string();
    let twice = serde_json::json!({ "SecretString": format!("{{\"key\":{json}}}") }).to_string();
    for (name, text) in [
        ("dotenv", format!("A=b\nPRIVATE_KEY={json}\n")),
        (
            "single quotes",
            format!("export K='{}'", pem.replace('\n', "\\n")),
        ),
        ("bare", pem.replace('\n', "\\n")),
        ("CRLF written out", pem.replace('\n', "\\r\\n")),
        ("escaped twice", pem.replace('\n', "\\\\n")),
        (
            "JSON",
            format!("{{\"private_key_id\":\"1\",\"private_key\":{json}}}"),
        ),
        ("JSON in JSON", twice),
        (
            "PHP's JSON",
            json.replace('/', "\\/").replace('=', "\\u003d"),
        ),
        ("legacy in one line", legacy.replace('\n', " ")),
        (
            "legacy written out",
            format!("K=\"{}\"", legacy.replace('\n', "\\n")),
        ),
        (
            "mail",
            format!("On Monday he wrote:\n> > {}", pem.replace('\n', "\n> > ")),
        ),
        (
            "mail, legacy",
            format!("> {}", legacy.replace('\n', "\n> ")),
        ),
        ("a dash lost", pem.replacen('-', "", 1)),
        ("an en-dash", pem.replacen("--", "\u{2013}", 1)),
        ("em-dashes", pem.replace("-----", "\u{2014}\u{2014}-")),
        (
            "a dash lost at the end",
            pem.trim_end().trim_end_matches('-').to_owned() + "----",
        ),
        ("a dash lost in END", pem.replace("\n-----END", "\n----END")),
        ("exotic space", pem.replacen("BEGIN ", "BEGIN\u{a0}", 1)),
        ("two spaces", pem.replacen("BEGIN ", "BEGIN  ", 1)),
        ("zero width", pem.replace('\n', "\u{200b}\n")),
        ("no END", pem.replace("-----END PRIVATE KEY-----\n", "")),
        (
            "program",
            format!("k = \"{}\";", pem.trim_end().replace('\n', "\\n\" +\n  \"")),
        ),
    ] {
        let expected = (Ok(expected.clone()), vec![Mending::Text]);
        assert_eq!(mended(text.as_bytes()), expected, "{name}");
        // Twice: the one as a text, the other as a variable of a service.
        let encoded = base64(text.as_bytes());
        let expected = (expected.0, vec![Mending::Base64, Mending::Text]);
        assert_eq!(mended(encoded.as_bytes()), expected, "{name} in base64");
    }
}

#[test]
fn base64_and_utf_16_are_decoded() {
    let Some(openssl) = openssl() else { return };
    openssl.write("pass", SECRET);
    let expected = openssl.fingerprint("key.pem");
    let pem = String::from_utf8(openssl.read("key.pem")).unwrap();
    let legacy = openssl.run("rsa -in key.pem -traditional -aes256 -passout file:pass");
    let der = openssl.run("rsa -in key.pem -traditional -outform DER");
    let base64 = |bytes: &[u8]| base64_of(&openssl, bytes);
    let body: Vec<&str> = pem.lines().filter(|line| !line.contains('-')).collect();
    let json = serde_json::json!({ "key": pem }).to_string();
    let twice = serde_json::json!({ "SecretString": json }).to_string();
    let wrapped = base64(pem.as_bytes())
        .as_bytes()
        .chunks(76)
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>();
    let wrapped = |between: &str| String::from_utf8(wrapped.join(between.as_bytes())).unwrap();
    for (name, text) in [
        ("base64 of PEM", base64(pem.as_bytes())),
        ("in lines", wrapped("\n")),
        ("in lines of Windows", wrapped("\r\n")),
        (
            "variable",
            format!("export KEY_B64=\"{}\"\n", base64(pem.as_bytes())),
        ),
        (
            "url-safe",
            base64(pem.as_bytes()).replace('+', "-").replace('/', "_"),
        ),
        ("base64 of DER", base64(&der)),
        ("body", body.concat()),
        ("body in lines", body.join("\n")),
        ("body in mail", format!("> {}", body.join("\n> "))),
        ("no BEGIN", pem.replace("-----BEGIN PRIVATE KEY-----", "")),
        (
            "END only of words",
            pem.replace("-----BEGIN PRIVATE KEY-----", "here it is"),
        ),
        (
            "Kubernetes",
            format!(
                "data:\n  tls.key: {}\n  other: eA==\n",
                base64(pem.as_bytes())
            ),
        ),
        (
            "Kubernetes, two",
            format!(
                "data:\n  junk: {}\n  tls.key: {}\n",
                base64(&[7; 600]),
                base64(&legacy)
            ),
        ),
        (
            "YAML, folded",
            format!("data:\n  key: >-\n    {}\n  other: x\n", wrapped("\n    ")),
        ),
        (
            "JSON",
            format!("{{\"data\":{{\"a\":\"eA==\",\"k\":\"{}\"}}}}", base64(&der)),
        ),
    ] {
        let expected = (Ok(expected.clone()), vec![Mending::Base64]);
        assert_eq!(mended(text.as_bytes()), expected, "{name}");
    }
    for (name, bytes, how) in [
        (
            "LE",
            utf16(&format!("\u{feff}{pem}"), u16::to_le_bytes),
            vec![],
        ),
        (
            "BE",
            utf16(&format!("\u{feff}{pem}"), u16::to_be_bytes),
            vec![],
        ),
        ("no mark", utf16(&pem, u16::to_le_bytes), vec![]),
        (
            "JSON",
            utf16(&format!("\u{feff}{twice}"), u16::to_le_bytes),
            vec![Mending::Text],
        ),
        (
            "base64",
            utf16(&base64(&der), u16::to_le_bytes),
            vec![Mending::Base64],
        ),
    ] {
        let how = [vec![Mending::Utf16], how].concat();
        assert_eq!(mended(&bytes), (Ok(expected.clone()), how), "UTF-16 {name}");
    }
    assert_eq!(mended(pem.as_bytes()), (Ok(expected), vec![]));
}

#[test]
fn what_comes_out_of_its_transport_is_refused_for_its_own_fault() {
    let Some(openssl) = openssl() else { return };
    openssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out ec.pem");
    openssl.run("req -new -x509 -key key.pem -subj /CN=x -out cert.pem");
    openssl.write("pass", SECRET);
    let p12 = openssl.run("pkcs12 -export -inkey key.pem -in cert.pem -passout file:pass");
    let base64 = openssl.try_run("base64", &p12).unwrap();
    let foreign = |is_all| KeyError::InBase64 {
        is_all,
        error: Box::new(KeyError::Foreign(ForeignKind::Pkcs12 { is_legacy: false })),
    };
    assert_eq!(fingerprint(&base64), Err(foreign(true)));
    let yaml = format!(
        "p12: {}\n",
        String::from_utf8(base64).unwrap().replace('\n', "")
    );
    assert_eq!(fingerprint(yaml.as_bytes()), Err(foreign(false)));
    let pem = String::from_utf8(openssl.read("ec.pem")).unwrap();
    let curve = Err(KeyError::Foreign(ForeignKind::EllipticCurve));
    assert_eq!(fingerprint(pem.replace('\n', "\\n").as_bytes()), curve);
    let utf16 = utf16(&pem, u16::to_le_bytes);
    assert_eq!(fingerprint(&utf16), curve);
    // The line is named, for what cannot be mended.
    let pem = String::from_utf8(openssl.read("key.pem")).unwrap();
    let lines: Vec<&str> = pem.lines().collect();
    let damaged = pem.replace(lines[9], "####");
    let text = fingerprint(format!("a text\n{damaged}").as_bytes());
    let text = text.unwrap_err().to_string();
    assert_eq!(text, "it is damaged in line 11: this is not base64");
    let cut = lines[..12].join("\n");
    let text = fingerprint(cut.as_bytes()).unwrap_err().to_string();
    assert_eq!(text, "it is damaged in line 1: this BEGIN has no END line");
    // A certificate in a document is no key.
    let cert = String::from_utf8(openssl.read("cert.pem")).unwrap();
    let json = format!("{{\"cert\":\"{}\"}}", cert.replace('\n', "\\n"));
    assert!(fingerprint(json.as_bytes()).is_err());
}

#[test]
fn the_cost_of_a_document_is_bounded() {
    let Some(openssl) = openssl() else { return };
    let der = openssl.run("pkey -in key.pem -outform DER");
    let base64 = String::from_utf8(openssl.try_run("base64 -A", &der).unwrap()).unwrap();
    let many = |count: usize| format!("{base64};").repeat(count);
    assert_eq!(parse(many(32).as_bytes()).unwrap().len(), 32);
    let error = parse(many(33).as_bytes()).err();
    assert_eq!(error, Some(KeyError::TooManyBlocks { limit: 32 }));
    for piece in [
        "BEGIN ",
        "-BEGIN A-",
        "-BEGIN A-\"-END",
        "\\",
        "\\\\u",
        "{\"kty\":",
        "[{\"kty\":\"RSA\",\"x\":",
        "\"kty\"",
        "A ",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ\n",
        "\u{2013}",
        "> ",
        "-END",
        "\0",
        "<RSAKeyValue>",
        "DEK-Info:",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let started = std::time::Instant::now();
        assert!(parse(text.as_bytes()).is_err(), "{piece}");
        let taken = started.elapsed();
        // Some passes over a megabyte; with a power of its length it would take hours.
        assert!(taken < Duration::from_secs(30), "{piece}: {taken:?}");
    }
}

#[test]
fn salts_of_any_length_are_used() {
    let Some(openssl) = openssl() else { return };
    let Ok(python) = Command::new("python3").arg("--version").output() else {
        return;
    };
    assert!(python.status.success());
    // PBES2 with a salt of 48 bytes, from the parts that Python and OpenSSL have.
    let script = r#"
import hashlib, os, subprocess, sys
def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    size = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + body
oid = lambda text: tlv(6, bytes.fromhex(text))
salt, iv = os.urandom(int(sys.argv[1])), os.urandom(16)
key = hashlib.pbkdf2_hmac("sha384", sys.argv[2].encode(), salt, 1000, 32)
der = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER"], capture_output=True, check=True).stdout
ct = subprocess.run(["openssl", "enc", "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex()], input=der, capture_output=True, check=True).stdout
prf = tlv(0x30, oid("2A864886F70D020A"), tlv(5))
kdf = tlv(0x30, oid("2A864886F70D01050C"), tlv(0x30, tlv(4, salt), tlv(2, bytes([3, 232])), prf))
enc = tlv(0x30, oid("60864801650304012A"), tlv(4, iv))
sys.stdout.buffer.write(tlv(0x30, tlv(0x30, oid("2A864886F70D01050D"), tlv(0x30, kdf, enc)), tlv(4, ct)))
"#;
    for len in ["0", "33", "48", "64", "2000"] {
        let made = Command::new("python3")
            .args(["-c", script, len, SECRET])
            .current_dir(openssl.path())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        openssl.write("salt.der", &made.stdout);
        openssl.write("pass", SECRET);
        let opened = openssl.try_run(
            "pkey -in salt.der -inform DER -passin file:pass -noout",
            &[],
        );
        opened.unwrap();
        assert_eq!(
            fingerprint(&made.stdout),
            Ok(openssl.fingerprint("key.pem")),
            "{len}"
        );
    }
}

#[test]
fn bytes_behind_the_der_are_left_out() {
    let Some(openssl) = openssl() else { return };
    openssl.write("pass", SECRET);
    let expected = openssl.fingerprint("key.pem");
    for command in [
        "pkey -in key.pem -outform DER",
        "rsa -in key.pem -traditional -outform DER",
        "pkcs8 -topk8 -in key.pem -v2 aes-256-cbc -outform DER -passout file:pass",
    ] {
        for behind in [&b"\n"[..], &[0; 7], b"\0\0more of a text"] {
            let der = [openssl.run(command), behind.to_vec()].concat();
            let found = mended(&der);
            assert_eq!(
                found,
                (Ok(expected.clone()), vec![Mending::Behind]),
                "{command}"
            );
            let base64 = openssl.try_run("base64", &der).unwrap();
            let base64 = String::from_utf8(base64).unwrap();
            let label = if command.contains("topk8") {
                "ENCRYPTED PRIVATE KEY"
            } else {
                "PRIVATE KEY"
            };
            let pem = format!("-----BEGIN {label}-----\n{base64}-----END {label}-----\n");
            assert_eq!(
                fingerprint(pem.as_bytes()),
                Ok(expected.clone()),
                "{command}"
            );
        }
    }
}

/// OpenSSL opens with the primes; what is proven by them is enough here too.
#[test]
fn a_wrong_private_exponent_is_computed_from_the_primes() {
    use rsa::pkcs1::RsaPrivateKeyRef;
    use rsa::pkcs1::der::asn1::UintRef;
    use rsa::pkcs1::der::{Decode, Encode};
    let Some(openssl) = openssl() else { return };
    let der = openssl.run("rsa -in key.pem -traditional -outform DER");
    let expected = openssl.fingerprint("key.pem");
    let sound = RsaPrivateKeyRef::from_der(&der).unwrap();
    let content: Vec<u8> = (0..32).collect();
    let wrapped = openssl
        .try_run("pkeyutl -encrypt -inkey key.pem", &content)
        .unwrap();
    for wrong in [&[0][..], &[1], &[7; 256], &[7; 300]] {
        let mut parts = sound.clone();
        parts.private_exponent = UintRef::new(wrong).unwrap();
        let der = parts.to_der().unwrap();
        assert_eq!(
            mended(&der),
            (Ok(expected.clone()), vec![Mending::Exponent])
        );
        openssl.write("wrong.der", &der);
        let command = "pkeyutl -decrypt -inkey wrong.der -keyform DER";
        assert_eq!(openssl.try_run(command, &wrapped), Ok(content.clone()));
        let bytes = private(&der)
            .unwrap()
            .unwrap_bytes(WrapAlgorithm::RsaPkcs1v15, &wrapped);
        assert_eq!(*bytes.unwrap(), content);

        // Nothing else may be wrong with it.
        let other = generate(2048).unwrap().pkcs8_pem(None).unwrap();
        openssl.write("other.pem", other.as_bytes());
        let other = openssl.run("rsa -in other.pem -traditional -outform DER");
        let other = RsaPrivateKeyRef::from_der(&other).unwrap();
        let broken = [
            RsaPrivateKeyRef {
                public_exponent: UintRef::new(&[3]).unwrap(),
                ..parts.clone()
            },
            RsaPrivateKeyRef {
                exponent1: other.exponent1,
                ..parts.clone()
            },
            RsaPrivateKeyRef {
                exponent2: other.exponent2,
                ..parts.clone()
            },
            RsaPrivateKeyRef {
                coefficient: other.coefficient,
                ..parts.clone()
            },
            RsaPrivateKeyRef {
                prime1: other.prime1,
                ..parts.clone()
            },
            RsaPrivateKeyRef {
                prime1: UintRef::new(&[1]).unwrap(),
                ..parts.clone()
            },
            RsaPrivateKeyRef {
                prime2: UintRef::new(&[0]).unwrap(),
                ..parts.clone()
            },
            RsaPrivateKeyRef {
                prime2: UintRef::new(&[2]).unwrap(),
                ..parts.clone()
            },
            RsaPrivateKeyRef {
                modulus: other.modulus,
                ..parts.clone()
            },
        ];
        for parts in broken {
            assert_eq!(
                fingerprint(&parts.to_der().unwrap()),
                Err(KeyError::Inconsistent)
            );
        }
    }
}

/// Node writes them; they open what OpenSSL wrapped.
#[test]
fn json_web_keys_are_opened() {
    let Some(openssl) = openssl() else { return };
    let script = "const c=require('crypto'),f=require('fs');\
        const jwk=n=>c.createPrivateKey(f.readFileSync(n)).export({format:'jwk'});\
        console.log(JSON.stringify([jwk('key.pem'),jwk('second.pem'),jwk('ec.pem')]))";
    openssl.run("genrsa -out second.pem 3072");
    openssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem");
    let made = Command::new("node")
        .args(["-e", script])
        .current_dir(openssl.path())
        .output();
    let Ok(made) = made else { return };
    let keys: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let expected = openssl.fingerprint("key.pem");
    let (first, second, curve) = (&keys[0], &keys[1], &keys[2]);
    let mut sparse = first.clone();
    for member in ["p", "q", "dp", "dq", "qi"] {
        sparse.as_object_mut().unwrap().remove(member);
    }
    let mut swapped = first.clone();
    swapped["kid"] = "x".into();
    swapped["x5c"] = serde_json::json!(["MIIB", {"kty": 1}]);
    for jwk in [
        first.to_string(),
        serde_json::to_string_pretty(first).unwrap(),
        sparse.to_string(),
        swapped.to_string(),
        serde_json::json!({ "SecretString": first.to_string() }).to_string(),
        format!("JWK='{first}'\n"),
    ] {
        let found = mended(jwk.as_bytes());
        assert_eq!(found, (Ok(expected.clone()), vec![Mending::Jwk]), "{jwk}");
    }
    let base64 = openssl
        .try_run("base64", first.to_string().as_bytes())
        .unwrap();
    let found = mended(&base64);
    assert_eq!(
        found,
        (Ok(expected.clone()), vec![Mending::Base64, Mending::Jwk])
    );

    let set = serde_json::json!({ "keys": [curve, second, first] }).to_string();
    let blocks = parse(set.as_bytes()).unwrap();
    let found: Vec<_> = blocks
        .iter()
        .map(|block| match block {
            KeyBlock::Private(key) => key.fingerprint().to_string(),
            KeyBlock::Unusable(error) => error.to_string(),
            _ => panic!("another block"),
        })
        .collect();
    let curve_error = "it is an elliptic-curve key, which is not supported".to_owned();
    assert_eq!(
        found,
        [curve_error, openssl.fingerprint("second.pem"), expected]
    );

    let curve = fingerprint(curve.to_string().as_bytes());
    assert_eq!(curve, Err(KeyError::Foreign(ForeignKind::EllipticCurve)));
    let refused = |member: &str, value: serde_json::Value| {
        let mut key = first.clone();
        key[member] = value;
        fingerprint(key.to_string().as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("n", second["n"].clone()),
        "the numbers in it do not form a valid RSA key"
    );
    assert_eq!(
        refused("n", "!".into()),
        "its JSON Web Key is malformed: a number in it is not base64url"
    );
    assert_eq!(
        refused("n", "".into()),
        "its RSA key has 0 bits, which is not within 1024 to 8192"
    );
    assert_eq!(
        refused("kty", "oct".into()),
        "it is a JSON Web Key of another kind, which is not supported"
    );
    assert!(refused("oth", serde_json::json!([])).contains("more than two primes"));
    for d in ["", "AA", "AQ"] {
        let mut key = sparse.clone();
        key["d"] = d.into();
        assert_eq!(
            fingerprint(key.to_string().as_bytes()),
            Err(KeyError::Inconsistent)
        );
    }
}
