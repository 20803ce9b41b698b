//! What is refused before it is sent, and what Twilio refuses.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{FIRST, KEEP, POST, REGISTER, base64_lines, changes, net, text, with_token};
use crate::common::{fixture, has};
use crate::fake::{ACCOUNT, API_KEY, API_SECRET, AUTH_TOKEN, Fault};
use crate::grammar::Ran;

/// An EC key; `openssl ecparam -name prime256v1 -genkey | openssl ec -pubout`.
const ELLIPTIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
";

#[test]
fn a_key_that_is_not_rsa_is_refused() {
    let net = net();
    net.desk.write("public.pem", ELLIPTIC);
    net.refuses(5, REGISTER, &["70101", "keygen"]);
    if has("openssl") {
        for name in ["ed25519", "rsa-pss"] {
            let from = fixture(&format!("keys/{name}.pem")).display().to_string();
            let make = format!("openssl pkey -in {from} -pubout -out public.pem");
            net.desk.done(net.desk.bash(&make));
            net.refuses(5, REGISTER, &["70101"]);
        }
    }
}

#[test]
fn a_key_of_another_length_is_refused() {
    if !has("openssl") {
        return;
    }
    let net = net();
    for (name, bits) in [("rsa1024", "1024"), ("rsa4096", "4096")] {
        let from = fixture(&format!("keys/{name}.pem")).display().to_string();
        let make = format!("openssl pkey -in {from} -pubout -out public.pem");
        net.desk.done(net.desk.bash(&make));
        net.refuses(5, REGISTER, &["70102", bits, "2048", "keygen"]);
    }
    let make = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -quiet -out a.pem \
                && openssl pkey -in a.pem -pubout -out public.pem";
    net.desk.done(net.desk.bash(make));
    net.refuses(5, REGISTER, &["70102", "3072"]);
}

#[test]
fn another_exponent_is_refused() {
    if !has("openssl") {
        return;
    }
    let net = net();
    let make = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_pubexp:3 -quiet -out a.pem \
                && openssl pkey -in a.pem -pubout -out public.pem";
    net.desk.done(net.desk.bash(make));
    net.refuses(5, REGISTER, &["70103", "65537"]);
}

#[test]
fn what_is_no_public_key_is_refused() {
    let net = net();
    for file in [
        "pkcs8.pem",
        "pkcs1.pem",
        "pkcs8.der",
        "pbes2-aes256-sha256.pem",
        "legacy-aes256.pem",
    ] {
        net.desk.bring(&format!("keys/{file}"), "public.pem");
        net.refuses(5, REGISTER, &["70154", "private key", "-pubout"]);
    }
    let public = text("keys/public.pem");
    let line = base64_lines(&public).nth(2).expect("a line");
    for garbage in [
        "",
        "nothing",
        "\u{1b}[2J",
        &public.replace(line, ""),
        &public[..200],
    ] {
        net.desk.write("public.pem", garbage);
        net.refuses(5, REGISTER, &["70154"]);
    }
}

#[test]
fn a_file_that_is_not_there_is_no_key() {
    let net = net();
    let ran = net.refuses(
        5,
        "register twilio --yes --public-key absent.pem",
        &["cannot read the public key or certificate `absent.pem`"],
    );
    ran.says_nothing_of(&["70154", "private key"]);
}

#[test]
fn without_yes_and_without_a_terminal_nothing_is_asked() {
    let net = net();
    for arguments in [
        "register twilio --public-key public.pem".to_owned(),
        format!("register twilio --delete {FIRST}"),
        "register twilio-video --disable --recordings".to_owned(),
        format!("register twilio-video --public-key-sid {FIRST} --compositions"),
    ] {
        net.refuses(2, &arguments, &["--yes", "--dry-run"]);
    }
}

#[test]
fn a_dry_run_shows_the_request_and_sends_none() {
    let net = net();
    let url = format!("{}/v1/Credentials/PublicKeys", net.fake.base());
    let dry = "register twilio --dry-run --public-key public.pem --key-dir keys -k key.pem";
    let ran = net.ends(0, dry);
    let (shown, public) = (ran.text(), text("keys/public.pem"));
    assert!(shown.starts_with(&format!("POST {url}\n")), "{shown}");
    assert!(shown.contains("FriendlyName=unreel sha256:"), "{shown}");
    assert!(
        shown.contains(&format!("PublicKey={}", public.trim())),
        "{shown}"
    );
    let line = net.ends(0, &format!("{dry} --json")).line();
    assert_eq!(
        (&line["dry_run"], &line["ok"]),
        (&true.into(), &true.into())
    );
    assert_eq!(
        (&line["method"], &line["url"]),
        (&"POST".into(), &url.clone().into())
    );
    let body = &line["body"];
    assert_eq!(
        body["PublicKey"].as_str().map(str::trim),
        Some(public.trim())
    );
    assert!(changes(&net.fake).is_empty() && !net.desk.path("keys").exists());

    let sid = net.fake.register_key(&public, "mine");
    let dry = format!("register twilio --dry-run --delete {sid}");
    let shown = net.ends(0, &dry).text();
    assert_eq!(shown.trim(), format!("DELETE {url}/{sid}"));
    let line = net.ends(0, &format!("{dry} --json")).line();
    assert_eq!(line["method"], "DELETE");
    assert!(changes(&net.fake).is_empty() && net.fake.public_keys().len() == 1);
    // A yes to what is not asked changes nothing.
    net.ends(0, &format!("{dry} --yes"));
    assert!(changes(&net.fake).is_empty());
}

#[test]
fn standard_keys_may_not_and_the_token_may() {
    for status in [401, 403] {
        let net = net();
        net.fake
            .style(|style| style.refuse_standard_keys = Some(status));
        for arguments in [KEEP, "register twilio --list"] {
            let ran = net.ends(9, arguments);
            ran.says(&["TWILIO_AUTH_TOKEN", "Main API key", &status.to_string()]);
            ran.says_nothing_of(&[API_SECRET]);
        }
        assert!(changes(&net.fake).is_empty() && !net.desk.path("keys").exists());
        Ran::of(with_token(net.command(KEEP))).ended(0, "a token");
        assert_eq!(net.fake.public_keys().len(), 1);
    }
}

#[test]
fn a_redirect_is_not_followed_with_a_key() {
    for to_itself in [true, false] {
        let net = net();
        let to = if to_itself {
            net.fake.base()
        } else {
            net.fake.storage()
        };
        let to = format!("{to}/v1/Credentials/Elsewhere");
        net.fake.fault(POST, Fault::RedirectTo(to), usize::MAX);
        let ran = net.ends(9, KEEP);
        ran.says(&["unreel: hint: "]);
        let seen = net.fake.requests();
        assert!(!seen.iter().any(|seen| seen.target().contains("Elsewhere")));
        assert!(net.fake.public_keys().is_empty() && net.fake.unmet().is_empty());
    }
}

#[test]
fn what_twilio_refuses_is_said_with_its_number() {
    let net = net();
    let body = br#"{"code":70104,"message":"too many \u001b[2J keys","status":400}"#;
    let fault = Fault::Answer(400, "application/json", body.to_vec());
    net.fake
        .fault(POST, Fault::Refuse(400).and(fault), usize::MAX);
    let ran = net.ends(9, KEEP);
    ran.says(&["70104", "too many", "unreel: hint: "]);
    assert_eq!(changes(&net.fake).len(), 1, "it is not tried again");
    let line = net.ends(9, &format!("{KEEP} --json")).line();
    assert_eq!(
        (&line["ok"], &line["error"]["exit"]),
        (&false.into(), &9.into()),
        "{line}"
    );
    assert!(!net.desk.path(&format!("keys/{FIRST}.pem")).exists());
}

/// What none may print: secrets, also as `Authorization` has them.
fn says_no_secret(ran: &Ran) {
    ran.says_nothing_of(&[API_SECRET, AUTH_TOKEN, "PRIVATE KEY"]);
    for (name, secret) in [(API_KEY, API_SECRET), (ACCOUNT, AUTH_TOKEN)] {
        let encoded = BASE64_STANDARD.encode(format!("{name}:{secret}"));
        ran.says_nothing_of(&[&encoded]);
    }
    let private = text("keys/pkcs8.pem");
    for line in base64_lines(&private) {
        ran.says_nothing_of(&[line]);
    }
}

#[test]
fn secrets_that_come_back_are_not_shown() {
    let on = format!("register twilio-video --recordings --public-key-sid {FIRST} --yes -v");
    let delete = format!("register twilio --yes --delete {FIRST} -v");
    for (place, arguments) in [
        ("POST api:", KEEP),
        ("POST api:", &on),
        ("DELETE api:", &delete),
        ("GET api:", KEEP),
        ("GET api:", &delete),
        ("GET api:", "register twilio --list --json"),
        ("GET api:", "register twilio-video"),
    ] {
        for by_token in [false, true] {
            let net = net();
            if arguments != KEEP {
                net.fake.register_key(&text("keys/public.pem"), "mine");
            }
            let fault = Fault::Refuse(400).and(Fault::Echo(400));
            net.fake.fault(place, fault, usize::MAX);
            let mut command = net.command(arguments);
            if by_token {
                command = with_token(command);
            }
            let ran = Ran::of(command);
            ran.ended(9, &format!("{place} {arguments}"));
            says_no_secret(&ran);
            assert!(net.fake.unmet().is_empty(), "{place} {arguments}");
        }
    }
}
