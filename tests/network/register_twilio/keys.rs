//! Which key is registered, what it is called, and where its private half goes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{
    ABSENT, FIRST, KEEP, NAME, REGISTER, base64_lines, changes, is_kept_once, net, run_with, sent,
    text,
};
use crate::common::{has, list};

const FIELDS: [&str; 2] = ["FriendlyName", "PublicKey"];

/// What the key of these fixtures is called if nobody says.
fn own_name() -> String {
    let keys = list("keys");
    let key = keys.iter().find(|key| key["file"] == "keys/pkcs8.pem");
    let key = key.or_else(|| keys.iter().find(|key| key["key"] == "keys/pkcs8.pem"));
    let key = key.or_else(|| keys.iter().find(|key| key["path"] == "keys/pkcs8.pem"));
    let key = key.expect("the test key");
    let print = key["fingerprints"][0].as_str().expect("a fingerprint");
    let print = print.strip_prefix("sha256:").unwrap_or(print);
    format!("{NAME}{}", &print[..16])
}

#[test]
fn the_default_name_is_the_beginning_of_the_fingerprint() {
    let net = net();
    let line = net.ends(0, &format!("{REGISTER} --json")).line();
    let fields = sent(&net.fake, &FIELDS);
    assert_eq!(fields["FriendlyName"], own_name());
    assert_eq!(fields["PublicKey"].trim(), text("keys/public.pem").trim());
    let (sid, name) = (&line["sid"], &line["name"]);
    assert_eq!((sid, name), (&FIRST.into(), &own_name().into()), "{line}");
    assert_eq!(
        (&line["ok"], &line["changed"], &line["provider"]),
        (&true.into(), &true.into(), &"twilio".into())
    );
    assert!(line["private_key"].is_null(), "{line}");
    let request = &net.fake.requests()[0].request;
    assert_eq!(request.method, "GET", "it looks first");
}

#[test]
fn the_private_key_gets_the_name_of_the_public_one() {
    let net = net();
    let ran = net.ends(0, KEEP);
    assert!(ran.text().contains(FIRST), "{}", ran.text());
    assert!(ran.text().contains(&format!("keys/{FIRST}.pem")));
    is_kept_once(&net, "-k");
    assert_eq!(net.desk.mode(&format!("keys/{FIRST}.pem")), 0o600);
    assert_eq!(net.desk.mode("keys"), 0o700, "it was not there");
}

#[test]
fn the_private_key_is_found_in_the_folder_itself() {
    let net = net();
    net.desk.bring("keys/other.pem", "keys/another.pem");
    net.desk.bring("keys/pkcs8.pem", "keys/private_key.pem");
    net.desk.write("keys/notes.txt", "no key");
    fs::set_permissions(net.desk.path("keys"), Permissions::from_mode(0o755)).expect("a mode");
    let line = net
        .ends(0, &format!("{REGISTER} --key-dir keys --json"))
        .line();
    assert_eq!(line["private_key"], format!("keys/{FIRST}.pem"));
    let kept = net.desk.read(&format!("keys/{FIRST}.pem"));
    assert!(kept == net.desk.read("key.pem"));
    assert_eq!(net.desk.mode(&format!("keys/{FIRST}.pem")), 0o600);
}

#[test]
fn an_encrypted_private_key_is_opened_to_see_and_stays_encrypted() {
    for file in ["pbes2-aes256-sha256.pem", "legacy-aes256.pem"] {
        let net = net();
        net.desk.bring(&format!("keys/{file}"), "locked.pem");
        net.desk.bring("keys/passphrase.txt", "passphrase.txt");
        net.desk.bring("keys/wrong-passphrase.txt", "wrong.txt");
        let keep = format!("{REGISTER} --key-dir keys -k locked.pem");
        net.refuses(5, &format!("{keep} --passphrase-file wrong.txt"), &[]);
        net.refuses(5, &format!("{keep} --no-input"), &[]);
        net.ends(0, &format!("{keep} --passphrase-file passphrase.txt"));
        let kept = net.desk.read(&format!("keys/{FIRST}.pem"));
        assert!(kept == net.desk.read("locked.pem"), "{file}");
        // It is there, and nothing has to be opened for that but the file.
        let again = format!("{keep} --passphrase-file passphrase.txt --json");
        assert_eq!(net.ends(0, &again).line()["changed"], false, "{file}");
        assert_eq!(net.fake.public_keys().len(), 1, "{file}");
    }
}

#[test]
fn without_its_private_key_nothing_is_registered() {
    let net = net();
    let keep = format!("{REGISTER} --key-dir keys");
    let says = ["no private key in", "keys", "public.pem"];
    net.refuses(5, &keep, &says);
    net.refuses(5, &format!("{keep} -k other.pem"), &["other.pem"]);
    net.refuses(5, &format!("{keep} -k absent.pem"), &["absent.pem"]);
    net.desk.bring("keys/other.pem", "keys/another.pem");
    net.refuses(5, &keep, &says);
    net.refuses(2, &format!("{REGISTER} -k key.pem"), &["--key-dir"]);
}

#[test]
fn a_key_that_is_registered_is_not_registered_again() {
    let net = net();
    net.ends(0, KEEP);
    net.fake.forget();
    let line = net.ends(0, &format!("{KEEP} --json")).line();
    assert_eq!(
        (&line["changed"], &line["sid"]),
        (&false.into(), &FIRST.into())
    );
    assert_eq!(line["private_key"], format!("keys/{FIRST}.pem"));
    assert!(changes(&net.fake).is_empty());
    let ran = net.ends(0, KEEP);
    assert!(ran.text().contains("registered already"), "{}", ran.text());
    is_kept_once(&net, "again");
    // Nor under another name, where the folder says that it is this key.
    let ran = run_with(&net, KEEP, &["--name", "mine", "--json"]);
    ran.ended(0, "another name");
    assert_eq!(ran.line()["changed"], false);
    assert!(changes(&net.fake).is_empty());
}

#[test]
fn a_private_key_that_was_lost_is_written_when_it_is_there_already() {
    let net = net();
    net.ends(0, REGISTER);
    net.fake.forget();
    let line = net.ends(0, &format!("{KEEP} --json")).line();
    assert_eq!(line["changed"], false);
    assert!(changes(&net.fake).is_empty());
    is_kept_once(&net, "later");
}

#[test]
fn another_key_of_that_name_is_left_as_it_is() {
    let net = net();
    net.ends(0, REGISTER);
    net.fake.forget();
    net.desk
        .bring("keys/other.pem", &format!("keys/{FIRST}.pem"));
    let ran = net.ends(8, KEEP);
    ran.says(&["is another key", "never overwritten", FIRST]);
    assert!(net.desk.read(&format!("keys/{FIRST}.pem")) == net.desk.read("other.pem"));
    assert!(changes(&net.fake).is_empty());
}

#[test]
fn another_key_of_the_name_that_comes_is_left_as_it_is() {
    let net = net();
    net.desk
        .bring("keys/other.pem", &format!("keys/{FIRST}.pem"));
    let ran = net.ends(8, KEEP);
    ran.says(&["is another key", FIRST]);
    assert!(net.desk.read(&format!("keys/{FIRST}.pem")) == net.desk.read("other.pem"));
    let names = fs::read_dir(net.desk.path("keys")).expect("a folder");
    assert_eq!(names.count(), 1, "nothing is left behind");
}

#[test]
fn a_folder_that_cannot_be_written_stops_it_before_the_key_is_registered() {
    let net = net();
    net.desk.write("file", "a file");
    let ran = net.ends(8, &format!("{REGISTER} --key-dir file -k key.pem"));
    ran.says(&["unreel: hint: "]);
    assert!(net.fake.public_keys().is_empty());
}

#[test]
fn of_a_certificate_the_key_is_sent() {
    let net = net();
    net.desk.bring("keys/certificate.pem", "certificate.pem");
    net.ends(0, "register twilio --yes --public-key certificate.pem");
    let fields = sent(&net.fake, &FIELDS);
    assert_eq!(fields["PublicKey"].trim(), text("keys/public.pem").trim());
    assert_eq!(fields["FriendlyName"], own_name());
}

#[test]
fn der_is_sent_as_pem() {
    if !has("openssl") {
        return;
    }
    let net = net();
    let make = "openssl pkey -pubin -in public.pem -outform DER -out public.der";
    net.desk.done(net.desk.bash(make));
    net.ends(0, "register twilio --yes --public-key public.der");
    let fields = sent(&net.fake, &FIELDS);
    assert_eq!(fields["PublicKey"].trim(), text("keys/public.pem").trim());
}

#[test]
fn of_a_private_key_nothing_leaves() {
    let (private, public) = (text("keys/pkcs8.pem"), text("keys/public.pem"));
    for both in [format!("{private}{public}"), format!("{public}{private}")] {
        let net = net();
        net.desk.write("both.pem", both);
        let keep = "register twilio --yes --public-key both.pem --key-dir keys -k key.pem";
        net.ends(0, keep);
        assert_eq!(sent(&net.fake, &FIELDS)["PublicKey"].trim(), public.trim());
        for seen in net.fake.requests() {
            let mut parts: Vec<_> = form_urlencoded::parse(&seen.request.body).collect();
            parts.push((seen.request.target.clone().into(), "".into()));
            let said = format!("{parts:?}{:?}", seen.request.headers);
            assert!(!said.contains("PRIVATE"), "{said}");
            for line in base64_lines(&private) {
                assert!(!said.contains(line), "{said}");
            }
        }
    }
}

#[test]
fn a_name_is_sent_as_it_is() {
    for name in ["mine", " a b ", "ключ & + % = ü", &"ä".repeat(64)] {
        let net = net();
        run_with(&net, REGISTER, &["--name", name]).ended(0, name);
        assert_eq!(sent(&net.fake, &FIELDS)["FriendlyName"], name);
        assert_eq!(net.fake.public_keys()[0]["friendly_name"], name);
    }
}

#[test]
fn a_name_that_twilio_does_not_take_is_not_sent() {
    let net = net();
    for name in ["", " ", &"a b ".repeat(17), &"ä".repeat(65)] {
        let ran = run_with(&net, REGISTER, &["--name", name]);
        ran.ended(2, name);
        ran.says(&["unreel: error: ", "unreel: hint: ", "64"]);
    }
    assert!(net.fake.requests().is_empty());
}

#[test]
fn a_name_that_is_taken_by_who_knows_which_key_is_not_taken_again() {
    let net = net();
    let sid = net.fake.register_key(&text("keys/public.pem"), "mine");
    let ran = net.ends(2, &format!("{REGISTER} --name mine"));
    ran.says(&["of this name is there already", &sid, "--name"]);
    assert!(changes(&net.fake).is_empty());
    // The folder says which it is.
    net.desk.bring("keys/pkcs8.pem", &format!("keys/{sid}.pem"));
    let line = net.ends(0, &format!("{KEEP} --name mine --json")).line();
    assert_eq!(
        (&line["changed"], &line["sid"]),
        (&false.into(), &sid.into())
    );
    assert!(changes(&net.fake).is_empty());
    // Another key's name is not this one's.
    let ran = net.ends(0, &format!("{REGISTER} --json"));
    assert_eq!(ran.line()["changed"], true);
    assert_ne!(ran.line()["sid"], ABSENT);
}
