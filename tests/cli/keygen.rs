//! `unreel keygen`, with OpenSSL as the judge of what it writes.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test"
)]

use crate::common::{self, Desk, fixture, has, stderr};

fn stdout(desk: &Desk, script: &str) -> String {
    String::from_utf8(desk.done(desk.bash(script)).stdout).unwrap()
}

#[test]
fn the_private_key_is_its_owners_and_the_rest_is_everybodys() {
    for umask in ["022", "077", "000", "277", "777"] {
        let desk = Desk::new();
        let keygen = "\"$UNREEL\" keygen -d new/keys --certificate";
        desk.done(desk.bash(&format!("umask {umask}; {keygen}")));
        let names: Vec<_> = common::contents(&desk.path("new/keys"))
            .into_keys()
            .collect();
        assert_eq!(names, ["cert.pem", "private_key.pem", "public_key.pem"]);
        assert_eq!(desk.mode("new/keys"), 0o700, "{umask}");
        assert_eq!(desk.mode("new/keys/private_key.pem"), 0o600, "{umask}");
        assert_eq!(desk.mode("new/keys/public_key.pem"), 0o644, "{umask}");
        assert_eq!(desk.mode("new/keys/cert.pem"), 0o644, "{umask}");
    }
}

#[test]
fn openssl_accepts_key_and_certificate() {
    if !has("openssl") {
        return;
    }
    let desk = Desk::new();
    let mut command = desk.unreel("keygen -d . --certificate --days 30 --subject");
    let output = command.arg("Archive key 7").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = String::from_utf8(output.stdout).unwrap();

    let checked = stdout(&desk, "openssl pkey -in private_key.pem -check -noout");
    assert!(checked.contains("Key is valid"), "{checked}");
    let public = String::from_utf8(desk.read("public_key.pem")).unwrap();
    assert_eq!(
        stdout(&desk, "openssl pkey -in private_key.pem -pubout"),
        public
    );
    assert_eq!(
        stdout(&desk, "openssl x509 -in cert.pem -pubkey -noout"),
        public
    );
    assert!(printed.contains(&public), "to be pasted: {printed}");
    let text = stdout(&desk, "openssl x509 -in cert.pem -noout -text");
    for expected in [
        "Version: 3 (0x2)",
        "sha256WithRSAEncryption",
        "Public-Key: (2048 bit)",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    let names = stdout(
        &desk,
        "openssl x509 -in cert.pem -noout -subject -issuer -nameopt RFC2253",
    );
    assert_eq!(names, "subject=CN=Archive key 7\nissuer=CN=Archive key 7\n");
    desk.done(desk.bash("openssl verify -CAfile cert.pem cert.pem"));
    // 30 days, give or take a minute.
    desk.done(desk.bash("openssl x509 -in cert.pem -noout -checkend $((30 * 86400 - 60))"));
    let later = desk.bash("openssl x509 -in cert.pem -noout -checkend $((30 * 86400 + 60))");
    let later = { later }.output().unwrap();
    assert_eq!(later.status.code(), Some(1), "{}", stderr(&later));
    // What goes to Vonage is one line.
    let line = stdout(&desk, "openssl enc -base64 -A -in cert.pem");
    assert!(printed.lines().any(|printed| printed == line), "{printed}");

    let fingerprint = stdout(
        &desk,
        "openssl pkey -pubin -in public_key.pem -outform DER | openssl sha256 -r | cut -d ' ' -f 1",
    );
    let expected = format!("fingerprint  sha256:{}", fingerprint.trim());
    assert!(printed.contains(&expected), "{printed}");
    assert!(printed.contains("not encrypted: whoever reads it reads the recordings"));
    assert!(!printed.contains("PRIVATE KEY"), "{printed}");
}

#[test]
fn a_passphrase_encrypts_the_key_as_openssl_can_read_it() {
    if !has("openssl") {
        return;
    }
    let desk = Desk::new();
    desk.bring("keys/passphrase-crlf.txt", "crlf.txt");
    desk.bring("keys/passphrase.txt", "pass.txt");
    let printed = stdout(&desk, "\"$UNREEL\" keygen -d . --passphrase-file crlf.txt");
    assert!(
        printed.contains("encrypted with the passphrase"),
        "{printed}"
    );
    let key = String::from_utf8(desk.read("private_key.pem")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));

    let parsed = stdout(&desk, "openssl asn1parse -in private_key.pem");
    for expected in [":PBES2", ":PBKDF2", ":hmacWithSHA256", ":aes-256-cbc"] {
        assert!(parsed.contains(expected), "{parsed}");
    }
    let integer = parsed
        .lines()
        .find(|line| line.contains("INTEGER"))
        .unwrap();
    let (_, iterations) = integer.rsplit_once(':').unwrap();
    assert!(
        u32::from_str_radix(iterations, 16).unwrap() >= 600_000,
        "{parsed}"
    );
    let check = "openssl pkey -in private_key.pem -check -noout -passin file:";
    assert!(stdout(&desk, &format!("{check}pass.txt")).contains("Key is valid"));
    let wrong = desk.bash("openssl pkey -in private_key.pem -noout -passin pass:wrong");
    assert!(!{ wrong }.output().unwrap().status.success());

    // From the environment and a descriptor too.
    desk.done(desk.bash("UNREEL_PASSPHRASE=\"$(cat pass.txt)\" \"$UNREEL\" keygen -d env"));
    desk.done(desk.bash("\"$UNREEL\" keygen -d fd --passphrase-fd 3 3< pass.txt"));
    for folder in ["env", "fd"] {
        desk.done(desk.bash(&format!("cd {folder}; {check}../pass.txt")));
    }
}

/// An empty passphrase protects nothing, and must not look as if it did.
#[test]
fn no_key_is_encrypted_with_nothing() {
    let desk = Desk::new();
    desk.write("empty.txt", "\n");
    let command = desk.unreel("keygen -d new --passphrase-file empty.txt");
    desk.refused(command, 5, &["the passphrase is empty"]);
    let mut command = desk.unreel("keygen -d new");
    let output = desk.done({
        command.env("UNREEL_PASSPHRASE", "");
        command
    });
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("not encrypted")
    );
    let key = desk.read("new/private_key.pem");
    assert!(key.starts_with(b"-----BEGIN PRIVATE KEY-----"));
}

#[test]
fn a_key_is_never_overwritten() {
    for name in ["private_key.pem", "public_key.pem", "cert.pem"] {
        for link in [false, true] {
            let desk = Desk::new();
            if link {
                std::os::unix::fs::symlink("nowhere", desk.path(name)).unwrap();
            } else {
                desk.write(name, "precious");
            }
            let says = [&format!("`./{name}` exists already"), "never overwritten"];
            let says = says.map(|text| text as &str);
            desk.refused(desk.unreel("keygen -d . --certificate"), 8, &says);
            if name != "cert.pem" {
                desk.refused(desk.unreel("keygen -d ."), 8, &says);
            }
        }
    }
    let desk = Desk::new();
    desk.refused(desk.unreel("keygen -d key.pem"), 8, &["`key.pem"]);
    desk.refused(
        desk.unreel("keygen -d /proc/no/where"),
        8,
        &["/proc/no/where"],
    );
}

#[test]
fn a_name_goes_before_the_files_names_and_nowhere_else() {
    let desk = Desk::new();
    desk.done(desk.unreel("keygen -d keys --certificate --name 2026-09"));
    desk.done(desk.unreel("keygen -d keys"));
    let names: Vec<_> = common::contents(&desk.path("keys")).into_keys().collect();
    let expected = [
        "2026-09_cert.pem",
        "2026-09_private_key.pem",
        "2026-09_public_key.pem",
        "private_key.pem",
        "public_key.pem",
    ];
    assert_eq!(names, expected);
    for name in ["../up", "a/b", ".hidden", "-x", "ü", "a\x1b[31m"] {
        let mut command = desk.unreel("keygen -d new");
        command.arg(format!("--name={name}"));
        desk.refused(command, 2, &["--name must be letters"]);
    }
}

#[test]
fn what_the_providers_do_not_take_is_refused_or_said() {
    let desk = Desk::new();
    let long = [
        "Vonage takes certificates of at most 2048 bits",
        "drop --bits, or --certificate",
    ];
    desk.refused(
        desk.unreel("keygen -d new --certificate --bits 3072"),
        2,
        &long,
    );
    for arguments in [
        "--bits 1024",
        "--bits 2047",
        "--subject x",
        "--days 3",
        "--certificate --days x",
        "--certificate --days 4294967296",
        "--no-passphrase --passphrase-file call.enc",
    ] {
        desk.refused(desk.unreel(&format!("keygen -d new {arguments}")), 2, &[]);
    }
    desk.refused(desk.unreel("keygen"), 2, &["--output-dir"]);
    let said = stdout(&desk, "\"$UNREEL\" keygen -d new --bits 3072");
    assert!(
        said.contains("Twilio takes keys of 2048 bits only, not of 3072"),
        "{said}"
    );
    assert!(!said.contains("BEGIN PUBLIC KEY"), "{said}");
}

/// What goes around with somebody else's encryption comes around.
#[test]
fn a_recording_encrypted_for_the_new_key_opens() {
    if !has("openssl") {
        return;
    }
    let desk = Desk::new();
    desk.bring("vonage/plain.ts", "plain.ts");
    desk.done(desk.unreel("keygen -d keys --certificate"));
    let (key, iv) = ("5a".repeat(32), "a5".repeat(16));
    let enc = format!("openssl enc -aes-256-cbc -K {key} -iv {iv} -in plain.ts -out archive.enc");
    // Version 1, AES-256, CBC, then key and IV; to the certificate, as Vonage has it.
    let octal = format!(
        "{}{}{}",
        "\\1".repeat(3),
        "\\132".repeat(32),
        "\\245".repeat(16)
    );
    let wrap =
        "openssl pkeyutl -encrypt -certin -inkey keys/cert.pem -pkeyopt rsa_padding_mode:oaep";
    let script = format!("{enc} && printf '{octal}' | {wrap} | openssl enc -base64 -A");
    let password = stdout(&desk, &script);
    let run = format!("vonage -k keys --password {password} archive.enc -o out.ts");
    let said = stderr(&desk.done(desk.unreel(&run)));
    assert!(!said.contains("warning"), "{said}");
    assert_eq!(
        desk.read("out.ts"),
        std::fs::read(fixture("vonage/plain.ts")).unwrap()
    );
}

#[test]
fn a_certificate_that_cannot_be_is_a_mistake_of_usage() {
    let desk = Desk::new();
    let long = "x".repeat(65);
    for (days, subject, says) in [
        ("0", "x", "a certificate cannot be valid for 0 days"),
        ("2920000", "x", "up to the end of the year 9999"),
        ("4294967295", "x", "cannot be valid for 4294967295 days"),
        ("1", "", "a value of it is empty"),
        ("1", &long, "a value of it is too long"),
        ("1", "a\nb", "it has a control character"),
        ("1", "Team=1", "it is not a distinguished name"),
    ] {
        let mut command = desk.unreel("keygen -d new --certificate --days");
        command.arg(days).arg("--subject").arg(subject);
        desk.refused(command, 2, &["cannot make a key", says]);
    }
    let mut command = desk.unreel("keygen -d new --certificate --subject");
    command.arg(format!("KEY={}", "aB3/".repeat(40)));
    let said = desk.refused(command, 2, &["--subject was given what looks like a key"]);
    assert!(!said.contains("aB3"), "{said}");
}

#[test]
fn a_quiet_run_prints_nothing_and_a_key_without_passphrase_is_to_be_had() {
    let desk = Desk::new();
    let mut command = desk.unreel("keygen -q -d quiet --certificate --no-passphrase");
    command.env("UNREEL_PASSPHRASE", "not this time");
    let output = desk.done(command);
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    assert!(
        desk.read("quiet/private_key.pem")
            .starts_with(b"-----BEGIN PRIVATE")
    );
    desk.refused(desk.unreel("keygen -q -d quiet"), 8, &["never overwritten"]);
}

#[test]
fn its_paths_are_printed_harmlessly() {
    let desk = Desk::new();
    let mut command = desk.unreel("keygen -d");
    let output = desk.done({
        command.arg("new\x1b[31m\u{202e}");
        command
    });
    let printed = String::from_utf8(output.stdout).unwrap();
    common::assert_harmless(&printed);
    assert!(
        printed.contains("new\\u{1b}[31m\\u{202e}/private_key.pem"),
        "{printed}"
    );
}
