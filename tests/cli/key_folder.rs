//! Folders of keys, what lies beside the right key, and who may read it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is a test")]

use crate::common::Desk;

const TEST_KEY: &str = "8f0d415d7ef5af9e89171b89011f36f9327a1687d69815d86bbf9988041aa5cd";
const OTHER_KEY: &str = "5a0ae1ab40c9b1aaba0c970d5f9e67384f530e5e2279439923d50ebf9739efdb";

#[test]
fn a_folder_of_keys_may_hold_certificates_and_junk() {
    let desk = Desk::new();
    for (from, to) in [
        ("keys/certificate.pem", "keys/cert.pem"),
        ("keys/public.pem", "keys/public.pem"),
        ("keys/other.pem", "keys/old.pem"),
        ("keys/pkcs8.pem", "keys/new.pem"),
        ("keys/ec.pem", "keys/ec.pem"),
        ("keys/empty.pem", "keys/empty.pem"),
        ("twilio-voice/recording.json", "keys/notes.json"),
        ("keys/other.pem", "keys/sub/other.pem"),
    ] {
        desk.bring(from, to);
    }
    desk.done(desk.bash(
        "mkfifo keys/fifo; ln -s nowhere keys/dangling; chmod 644 keys/cert.pem keys/public.pem",
    ));
    let voice = "twilio-voice -m meta.json call.enc -o out.wav";
    let said = desk.opens(desk.unreel(&format!("{voice} -k keys -v")));
    assert!(said.contains("passed over `keys/ec.pem`"), "{said}");
    let said = desk.opens(desk.unreel(&format!("{voice} -k keys")));
    assert_eq!(
        said.lines().count(),
        1,
        "no warning, no word of junk: {said}"
    );

    for name in ["new.pem", "old.pem", "cert.pem", "public.pem"] {
        std::fs::remove_file(desk.path("keys").join(name)).unwrap();
    }
    let says = [
        "the folder `keys` holds no private key that can be used",
        "add -v",
    ];
    desk.refused(desk.unreel(&format!("{voice} -k keys")), 5, &says);
    let said = desk.refused(desk.unreel(&format!("{voice} -k keys -v")), 5, &says);
    assert!(said.contains("passed over `keys/empty.pem`"), "{said}");
    desk.opens(desk.unreel(&format!("{voice} -k keys -k key.pem")));
}

#[test]
fn a_certificate_beside_a_wrong_key_says_which_key_is_meant() {
    let desk = Desk::new();
    desk.bring("keys/certificate.pem", "keys/cert.pem");
    let voice = "twilio-voice -m meta.json call.enc -o out.wav -k keys";
    let meant = format!("belongs to the private key sha256:{TEST_KEY}, which is not among them");
    let says = [
        "there is no private key, only a certificate",
        &meant,
        "pass the private key",
    ];
    desk.refused(desk.unreel(voice), 5, &says);
    desk.bring("keys/other.pem", "keys/other.pem");
    let tried = format!("tried `keys/other.pem`, RSA 2048 bits, sha256:{OTHER_KEY}");
    let says = [
        "the private key does not open it",
        &tried,
        &meant,
        "of 2048 bits",
    ];
    desk.refused(desk.unreel(voice), 6, &says);
    desk.bring("keys/rsa1024.pem", "keys/short.pem");
    let says = [
        "none of the 2 private keys opens it",
        "RSA 1024 bits",
        &meant,
    ];
    desk.refused(desk.unreel(voice), 6, &says);
}

#[test]
fn what_was_passed_over_in_a_folder_is_told_when_no_key_opens() {
    let desk = Desk::new();
    desk.bring("keys/other.pem", "keys/other.pem");
    desk.bring("keys/ec.pem", "keys/ec.pem");
    desk.bring("keys/pkcs12.p12", "keys/old.p12");
    let voice = "twilio-voice -m meta.json call.enc -o out.wav -k keys";
    let says = [
        "the private key does not open it",
        "passed over `keys/ec.pem`: it is an elliptic-curve key",
        "passed over `keys/old.p12`: it is a PKCS#12 file",
    ];
    desk.refused(desk.unreel(voice), 6, &says);
    for number in 10..40 {
        desk.bring("keys/empty.pem", &format!("keys/{number}.pem"));
    }
    let said = desk.refused(
        desk.unreel(voice),
        6,
        &["passed over 12 more, which -v lists"],
    );
    assert_eq!(said.matches("passed over `").count(), 20, "{said}");
}

#[test]
fn a_private_key_that_others_can_read_is_warned_of() {
    let desk = Desk::new();
    let warning = "unreel: warning: the private key `key.pem` can be read by other users";
    for (mode, warned) in [
        ("600", false),
        ("400", false),
        ("644", true),
        ("640", true),
        ("604", true),
    ] {
        desk.done(desk.bash(&format!("chmod {mode} key.pem")));
        let said = desk.opens(desk.voice("call.enc -o out.wav"));
        assert_eq!(said.contains(warning), warned, "{mode}: {said}");
        let said = desk.opens(desk.voice("call.enc -o out.wav -q"));
        assert_eq!(said, "", "{mode}");
    }
    // A certificate is for everybody to read.
    desk.bring("keys/certificate.pem", "cert.pem");
    desk.done(desk.bash("chmod 644 cert.pem; chmod 600 key.pem"));
    let said = desk.opens(desk.voice("call.enc -o out.wav -k cert.pem"));
    assert!(!said.contains("warning"), "{said}");
}
