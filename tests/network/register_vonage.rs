//! `unreel register vonage`: what is sent, what is refused before, and where secrets stay.

use std::process::Command;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::common::{has, skip};
use super::fake::{
    APPLICATION, Fake, Fault, OPENTOK_KEY, STORAGE_ACCESS_KEY, STORAGE_ACCOUNT, STORAGE_KEY,
    STORAGE_SECRET_KEY, Seen, VONAGE_API_SECRET,
};
use super::grammar::{Net, Ran};

const PUT: &str = "PUT api:/v2/project/";
const SET: &str = "register vonage --yes --certificate made/cert.pem --s3 bucket";

/// A desk with a certificate and its private key, in `made/`.
fn net() -> Net {
    let net = Net::empty();
    net.desk.done(
        net.desk
            .unreel("keygen -q -d made --no-passphrase --certificate"),
    );
    net
}

/// With these credentials alone, and those of the storage.
fn run(net: &Net, env: Vec<(&'static str, String)>, arguments: &str) -> Ran {
    let mut command: Command = net.desk.unreel(arguments);
    command.envs(env).envs(Fake::storage_env());
    Ran::of(command)
}

fn puts(net: &Net) -> Vec<Seen> {
    let mut seen = net.fake.requests();
    seen.retain(|seen| seen.request.method == "PUT");
    seen
}

fn bodies(net: &Net) -> Vec<Value> {
    let body = |seen: &Seen| serde_json::from_slice(&seen.request.body).expect("JSON");
    puts(net).iter().map(body).collect()
}

fn no_secret(ran: &Ran) {
    ran.says_nothing_of(&[
        STORAGE_ACCESS_KEY,
        STORAGE_SECRET_KEY,
        STORAGE_ACCOUNT,
        STORAGE_KEY,
        VONAGE_API_SECRET,
    ]);
}

#[test]
fn the_body_is_that_of_the_guide() {
    let net = net();
    let pem = String::from_utf8(net.desk.read("made/cert.pem")).unwrap();
    let certificate = BASE64_STANDARD.encode(&pem);
    let s3 = |fallback: &str, certificate: Value| {
        json!({
            "type": "s3",
            "config": {"bucket": "bucket", "secretKey": STORAGE_SECRET_KEY, "accessKey": STORAGE_ACCESS_KEY},
            "fallback": fallback, "certificate": certificate,
        })
    };
    let azure = json!({
        "type": "azure",
        "config": {"accountName": STORAGE_ACCOUNT, "accountKey": STORAGE_KEY, "container": "box"},
        "fallback": "opentok", "certificate": certificate,
    });
    for (arguments, body) in [
        (SET.to_owned(), s3("none", json!(certificate))),
        (
            format!("{SET} --fallback opentok"),
            s3("opentok", json!(certificate)),
        ),
        (
            "register vonage --yes --disable --s3 bucket".to_owned(),
            s3("none", Value::Null),
        ),
        (
            "register vonage --yes --certificate made/cert.pem --azure box --fallback opentok"
                .to_owned(),
            azure,
        ),
    ] {
        net.fake.forget();
        let ran = run(&net, net.fake.vonage_env(), &arguments);
        ran.ended(0, &arguments);
        no_secret(&ran);
        assert_eq!(bodies(&net), std::slice::from_ref(&body), "{arguments}");
        assert_eq!(
            puts(&net)[0].header("content-type"),
            Some("application/json")
        );
        assert_eq!(net.fake.vonage_storage(APPLICATION), Some(body));
    }
}

#[test]
fn both_kinds_of_projects_are_set_and_tokens_are_short_and_used_once() {
    let net = net();
    net.ends(0, SET).says(&[APPLICATION, "OpenTok project 100"]);
    net.ends(0, SET);
    assert!(net.fake.vonage_storage(APPLICATION).is_some());
    assert!(net.fake.vonage_storage(OPENTOK_KEY).is_some());
    let claims = |seen: &Seen| -> Value {
        let token = seen
            .header("x-opentok-auth")
            .or(seen.header("authorization"));
        let claims = token.unwrap().split('.').nth(1).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    };
    let all: Vec<_> = puts(&net).iter().map(claims).collect();
    assert_eq!(all.len(), 4);
    let ids: std::collections::BTreeSet<_> =
        all.iter().map(|claims| claims["jti"].as_str()).collect();
    assert_eq!(ids.len(), 4);
    for claims in &all {
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=300).contains(&life), "{life}");
    }
    net.fake.forget();
    run(&net, net.fake.opentok_env(), SET).ended(0, "OpenTok alone");
    assert_eq!(puts(&net).len(), 1);
}

#[test]
fn the_second_form_of_authorisation_is_offered_and_never_tried_unasked() {
    let net = net();
    net.fake.style(|style| style.vonage_basic = true);
    let mut env = net.fake.vonage_env();
    env.push(("VONAGE_API_SECRET", VONAGE_API_SECRET.to_owned()));
    let ran = run(&net, env.clone(), SET);
    ran.ended(9, "a token");
    ran.says(&["--auth basic"]);
    let basic = |seen: &Seen| seen.header("authorization").unwrap().starts_with("Basic");
    assert!(!puts(&net).iter().any(basic));
    let ran = run(&net, env, &format!("{SET} --auth basic"));
    ran.ended(0, "basic");
    no_secret(&ran);
    net.fake.forget();
    run(&net, net.fake.vonage_env(), &format!("{SET} --auth basic")).ended(2, "no secret");
    assert!(net.fake.requests().is_empty());
}

#[test]
fn what_vonage_refuses_is_said_in_the_guides_words() {
    let net = net();
    for (status, says) in [
        (400, "you did not specify the upload target"),
        (403, "invalid project App ID or API secret"),
    ] {
        net.fake.mend();
        net.fake.fault(PUT, Fault::Echo(status), usize::MAX);
        let ran = run(&net, net.fake.opentok_env(), SET);
        ran.ended(9, says);
        ran.says(&[says]);
        no_secret(&ran);
    }
}

#[test]
fn what_is_no_certificate_for_vonage_is_refused_before_any_request() {
    let net = net();
    net.desk.bring("keys/public.pem", "public.pem");
    net.desk.write("garbage.pem", "garbage");
    let mut cases = vec![
        ("public.pem", "without a certificate"),
        ("made/private_key.pem", "private key"),
        ("garbage.pem", "no RSA key"),
        ("missing.pem", "cannot read"),
    ];
    if has("openssl") {
        let script = "openssl req -new -x509 -days 9 -newkey rsa:4096 -nodes -subj /CN=a -keyout k4 -out long.pem
            openssl req -new -x509 -days 9 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a -keyout ke -out curve.pem
            openssl req -new -key made/private_key.pem -subj /CN=a -out a.csr
            openssl x509 -req -in a.csr -signkey made/private_key.pem -days -1 -out expired.pem";
        net.desk.done(net.desk.bash(script));
        cases.extend([
            ("long.pem", "4096 bits"),
            ("curve.pem", "elliptic"),
            ("expired.pem", "has expired"),
        ]);
    } else {
        skip("certificates that Vonage would refuse: there is no openssl");
    }
    for (file, says) in cases {
        let arguments = format!("register vonage --yes --s3 bucket --certificate {file}");
        let ran = net.refuses(5, &arguments, &[]);
        let said = ran.err.to_lowercase();
        assert!(said.contains(&says.to_lowercase()), "{file}: {said}");
    }
}

#[test]
fn a_private_key_that_does_not_fit_is_refused_and_none_is_ever_sent() {
    let net = net();
    net.refuses(
        5,
        &format!("{SET} -k other.pem"),
        &["no private key in", "-k PATH"],
    );
    let mut command = net.command(SET);
    command.env("UNREEL_KEY_FILE", "other.pem");
    Ran::of(command).ended(5, "the environment's key");
    assert!(net.fake.requests().is_empty());
    net.ends(0, &format!("{SET} -k made/private_key.pem"));
    net.ends(0, &format!("{SET} -k made"))
        .says_nothing_of(&["not looked at"]);
    net.ends(0, SET).says(&["not looked at"]);
    // Both in one file: the certificate alone goes out.
    let key = net.desk.read("made/private_key.pem");
    net.desk.write(
        "both.pem",
        [key.clone(), net.desk.read("made/cert.pem")].concat(),
    );
    net.fake.forget();
    net.ends(
        0,
        "register vonage --yes --s3 bucket --certificate both.pem",
    );
    let key = String::from_utf8(key).unwrap();
    for body in bodies(&net) {
        let sent = BASE64_STANDARD
            .decode(body["certificate"].as_str().unwrap())
            .unwrap();
        assert_eq!(sent, net.desk.read("made/cert.pem"));
        let sent = String::from_utf8(sent).unwrap();
        let line = |line: &&str| line.len() == 64 && !line.starts_with('-');
        assert!(key.lines().filter(line).all(|line| !sent.contains(line)));
    }
}

#[test]
fn storage_secrets_come_from_the_environment_or_files_and_are_shown_nowhere() {
    let net = net();
    let run = |env: &[(&str, &str)], arguments: &str| {
        let mut command = net.desk.unreel(arguments);
        command
            .envs(net.fake.vonage_env())
            .envs(env.iter().copied());
        Ran::of(command)
    };
    let access = ("UNREEL_STORAGE_ACCESS_KEY", STORAGE_ACCESS_KEY);
    run(&[], SET).ended(2, "none");
    run(&[access], SET).ended(2, "half");
    net.desk.write("secret", format!("{STORAGE_SECRET_KEY}\n"));
    let file = ("UNREEL_STORAGE_SECRET_KEY_FILE", "secret");
    let both = [
        access,
        file,
        ("UNREEL_STORAGE_SECRET_KEY", STORAGE_SECRET_KEY),
    ];
    run(&both, SET).ended(2, "twice");
    assert!(net.fake.requests().is_empty());
    for more in ["", "-v", "--json"] {
        let ran = run(&[access, file], &format!("{SET} {more}"));
        ran.ended(0, more);
        no_secret(&ran);
    }
    net.fake.forget();
    for more in ["--dry-run", "--dry-run --json"] {
        let arguments = format!("{SET} {more}").replace("--yes", "");
        let ran = run(&[access, file], &arguments);
        ran.ended(0, more);
        no_secret(&ran);
        assert!(ran.text().contains("PUT") && ran.text().contains("********"));
    }
    run(&[access, file], &SET.replace("--yes", "")).ended(2, "nobody to ask");
    assert!(net.fake.requests().is_empty());
}

#[test]
fn a_put_whose_answer_is_lost_is_repeated() {
    let net = net();
    for fault in [
        Fault::Unheard,
        Fault::Reset,
        Fault::Refuse(503),
        Fault::status(500),
    ] {
        net.fake.mend();
        net.fake.forget();
        net.fake.fault(PUT, fault.clone(), 1);
        run(&net, net.fake.vonage_env(), SET).ended(0, &format!("{fault:?}"));
        assert_eq!(puts(&net).len(), 2, "{fault:?}");
        net.fake.fault(PUT, fault.clone(), 1);
        let once = format!("{SET} --retries 0");
        run(&net, net.fake.vonage_env(), &once).ended(75, &format!("{fault:?}"));
    }
}

#[test]
fn secrets_follow_no_redirection() {
    let net = net();
    let elsewhere = format!("{}/elsewhere", net.fake.storage());
    net.fake
        .fault(PUT, Fault::RedirectTo(elsewhere), usize::MAX);
    let ran = run(&net, net.fake.vonage_env(), SET);
    ran.ended(9, "a redirection");
    ran.says(&["sent nowhere else"]);
    assert!(
        net.fake
            .requests()
            .iter()
            .all(|seen| !seen.target().contains("elsewhere"))
    );
    no_secret(&ran);
}

#[test]
fn from_nothing_to_an_archive_that_plays() {
    let net = net();
    net.ends(0, &format!("{SET} -k made/private_key.pem"));
    let id = "5eed0000-0000-4000-8000-0000000000b1";
    net.fake.record_archive(id, APPLICATION);
    net.ends(0, &format!("vonage -k made -d out {id}"));
    let plain = net.desk.read(&format!("out/{id}.ts"));
    assert!(plain.len().is_multiple_of(188) && plain[0] == 0x47);
    if has("ffprobe") {
        let mut probe = net.desk.command("ffprobe");
        probe.args(["-v", "error", &format!("out/{id}.ts")]);
        let output = net.desk.done(probe);
        assert!(output.stderr.is_empty());
    }
}
