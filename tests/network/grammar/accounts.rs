//! Credentials end to end, accounts, and `inspect`.

use super::{ARCHIVE, ARCHIVE_OF_OPENTOK, CA, Net, RE, RM, RT, Ran, SESSION};
use crate::common::fixture;
use crate::fake::{ACCOUNT, API_KEY, API_SECRET, AUTH_TOKEN, Fake};

const SUB: &str = "AC5eed00000000000000000000000000bb";

/// A run with these variables alone.
fn run(net: &Net, env: &[(&str, &str)], arguments: &str) -> Ran {
    let mut command = net.desk.unreel(arguments);
    let base = net.fake.base();
    for name in [
        "UNREEL_TWILIO_API_URL",
        "UNREEL_TWILIO_VIDEO_URL",
        "UNREEL_VONAGE_VIDEO_URL",
        "UNREEL_OPENTOK_URL",
    ] {
        command.env(name, &base);
    }
    command
        .env("HOME", net.desk.path("home"))
        .envs(env.iter().copied());
    Ran::of(command)
}

fn config(net: &Net, path: &str, key: &str) {
    let profile = |key: &str| serde_json::json!({"accountSid": ACCOUNT, "apiKey": key, "apiSecret": API_SECRET});
    let text = serde_json::json!({"profiles": {"main": profile(key), "other": profile(API_KEY)}, "activeProject": "main"});
    net.desk.write(path, text.to_string());
}

#[test]
fn twilios_credentials_are_found_in_order() {
    let net = Net::new();
    let fetch = format!("twilio-voice -v -k key.pem --check {RE}");
    let key = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_API_KEY", API_KEY),
        ("TWILIO_API_SECRET", API_SECRET),
    ];
    run(&net, &key, &fetch).ended(0, "a key");
    let second = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_API_KEY", API_KEY),
        ("TWILIO_API_KEY_SECRET", API_SECRET),
    ];
    run(&net, &second, &fetch).ended(0, "a key");
    let token = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
    ];
    run(&net, &token, &fetch).ended(0, "a token");
    // The key before the token.
    let both = [
        key.as_slice(),
        &[("TWILIO_AUTH_TOKEN", "not0the0token0000000000000000000")],
    ]
    .concat();
    run(&net, &both, &fetch).ended(0, "both");
    // twilio-cli's active profile, and another.
    config(&net, "home/.twilio-cli/config.json", API_KEY);
    run(&net, &[], &fetch).ended(0, "a profile");
    config(
        &net,
        "home/.twilio-cli/config.json",
        "SK5eed00000000000000000000000000ff",
    );
    run(&net, &[], &fetch).ended(9, "a profile whose key is refused");
    run(&net, &token, &fetch).ended(0, "variables come first");
    run(&net, &[], &format!("{fetch} --profile other")).ended(0, "a profile that is named");
    let wrong = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", "not0the0token0000000000000000000"),
    ];
    run(&net, &wrong, &format!("{fetch} --profile other")).ended(0, "it comes before variables");
    net.fake.forget();
    let ran = run(&net, &[], &format!("{fetch} --profile nobody"));
    ran.ended(2, "a profile that is not there");
    ran.says(&["main", "other"]);
    assert!(net.fake.requests().is_empty());
    config(&net, "elsewhere/config.json", API_KEY);
    let folder = net.desk.path("elsewhere").display().to_string();
    run(&net, &[("TWILIO_CONFIG_DIR", &folder)], &fetch).ended(0, "TWILIO_CONFIG_DIR");
}

#[test]
fn secrets_may_be_in_files() {
    let net = Net::new();
    let fetch = format!("twilio-voice -k key.pem --check {RE}");
    net.desk.write("token", format!("{AUTH_TOKEN}\n"));
    let path = net.desk.path("token").display().to_string();
    run(
        &net,
        &[
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN_FILE", &path),
        ],
        &fetch,
    )
    .ended(0, "_FILE");
    net.fake.forget();
    let both = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
        ("TWILIO_AUTH_TOKEN_FILE", &path),
    ];
    let ran = run(&net, &both, &fetch);
    ran.ended(2, "both");
    ran.says(&["TWILIO_AUTH_TOKEN_FILE"]);
    ran.says_nothing_of(&[AUTH_TOKEN]);
    net.desk.write("creds/twilio-account-sid", ACCOUNT);
    net.desk.write("creds/twilio-auth-token", AUTH_TOKEN);
    let folder = net.desk.path("creds").display().to_string();
    let creds = [("CREDENTIALS_DIRECTORY", folder.as_str())];
    run(&net, &creds, &fetch).ended(0, "systemd's");
    config(
        &net,
        "home/.twilio-cli/config.json",
        "SK5eed00000000000000000000000000ff",
    );
    run(&net, &creds, &fetch).ended(0, "systemd's come before the CLI's file");
    net.desk.write(
        "creds/twilio-auth-token",
        "another0another0another0another0",
    );
    run(&net, &creds, &fetch).ended(9, "a token that is refused");
    let token = [
        ("CREDENTIALS_DIRECTORY", folder.as_str()),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
    ];
    run(&net, &token, &fetch).ended(0, "variables come before systemd's");
}

#[test]
fn none_and_unusable_ones_are_exit_2_before_any_request() {
    let net = Net::new();
    let token = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
    ];
    for (env, input, says) in [
        (vec![], format!("twilio-voice {RE}"), "TWILIO_ACCOUNT_SID"),
        (vec![], format!("twilio-video {RM}"), "TWILIO_API_KEY"),
        (vec![], "vonage --all".to_owned(), "VONAGE_APPLICATION_ID"),
        (vec![], format!("vonage {ARCHIVE}"), "OPENTOK_API_KEY"),
        (vec![], format!("decrypt {RE}"), "TWILIO_ACCOUNT_SID"),
        (
            vec![token[0]],
            format!("twilio-voice {RE}"),
            "TWILIO_AUTH_TOKEN",
        ),
        (
            [token.as_slice(), &[("TWILIO_REGION", "ie1")]].concat(),
            format!("twilio-voice {RE}"),
            "TWILIO_EDGE=dublin",
        ),
        (
            vec![("VONAGE_APPLICATION_ID", crate::fake::APPLICATION)],
            format!("vonage {ARCHIVE}"),
            "VONAGE_PRIVATE_KEY",
        ),
        (
            vec![("OPENTOK_API_KEY", "100")],
            format!("vonage {ARCHIVE}"),
            "OPENTOK_API_SECRET",
        ),
        (
            vec![("UNREEL_TWILIO_API_URL", "http://example.com")],
            format!("twilio-voice {RE}"),
            "UNREEL_TWILIO_API_URL",
        ),
    ] {
        let ran = run(&net, &env, &format!("{input} -k key.pem -d out"));
        ran.ended(2, &input);
        ran.says(&[says, "unreel: hint: "]);
        ran.says_nothing_of(&[AUTH_TOKEN]);
    }
    net.desk.write(
        ".vonagerc",
        "{\"apiKey\": \"abcd1234\", \"apiSecret\": \"hush\"}",
    );
    let ran = run(&net, &[], &format!("vonage {ARCHIVE} -k key.pem -d out"));
    ran.ended(2, ".vonagerc");
    ran.says(&[".vonagerc", "Video API needs an application's key"]);
    assert!(net.fake.requests().is_empty());
}

#[test]
fn both_kinds_of_vonage_are_asked() {
    let net = Net::new();
    net.ends(0, &format!("vonage $ --check {ARCHIVE_OF_OPENTOK}"));
    let asked: Vec<_> = net
        .fake
        .requests()
        .iter()
        .filter(|seen| seen.target().starts_with("/v2/"))
        .map(|seen| seen.target().contains(crate::fake::APPLICATION))
        .collect();
    assert_eq!(asked, [true, false], "the unified API first");
    let ids = |env: Vec<(&'static str, String)>, input: &str| {
        let mut command = net
            .desk
            .unreel(&format!("vonage -k key.pem --check-keys --json {input}"));
        command.envs(env);
        let ran = Ran::of(command);
        (ran.code, ran.outcomes().len())
    };
    assert_eq!(ids(net.fake.vonage_env(), "--all"), (Some(0), 4));
    assert_eq!(ids(net.fake.opentok_env(), "--all"), (Some(0), 2));
    assert_eq!(ids(net.fake.env(), "--all"), (Some(0), 6));
    assert_eq!(ids(net.fake.env(), SESSION), (Some(0), 6));
    // One that refuses does not stop the other.
    let refused = |mut env: Vec<(&'static str, String)>, name: &str, value: String| {
        env.retain(|(other, _)| *other != name);
        env.push(("X", String::new()));
        env.push((Box::leak(name.to_owned().into_boxed_str()), value));
        env
    };
    let key = net.desk.path("key.pem").display().to_string();
    let env = refused(net.fake.env(), "VONAGE_PRIVATE_KEY", key);
    assert_eq!(ids(env.clone(), "--all"), (Some(9), 2));
    assert_eq!(ids(env.clone(), ARCHIVE_OF_OPENTOK), (Some(0), 1));
    assert_eq!(ids(env, ARCHIVE), (Some(9), 1));
    let env = refused(net.fake.env(), "OPENTOK_API_SECRET", "wrong".into());
    assert_eq!(ids(env.clone(), "--all"), (Some(9), 4));
    assert_eq!(ids(env, ARCHIVE), (Some(0), 1));
}

#[test]
fn vonage_cli_files_are_read() {
    let net = Net::new();
    let key = String::from_utf8(std::fs::read(fixture("keys/other.pem")).unwrap()).unwrap();
    let text =
        serde_json::json!({"appId": crate::fake::APPLICATION, "privateKey": key}).to_string();
    let fetch = format!("vonage -k key.pem --check {ARCHIVE}");
    net.desk.write("home/.vonage/config.json", &text);
    run(&net, &[], &fetch).ended(0, "at home");
    net.desk.write(".vonagerc", text);
    net.desk.write("home/.vonage/config.json", "{}");
    run(&net, &[], &fetch).ended(0, "here");
}

#[test]
fn an_account_is_in_the_path_of_voice_and_none_of_video() {
    let net = Net::new();
    net.fake.add_account(SUB);
    net.ends(
        0,
        &format!("twilio-voice $ --check-keys --account {SUB} --all"),
    );
    let seen = net.fake.requests();
    assert!(seen.iter().all(|seen| seen.target().contains(SUB)) && !seen.is_empty());
    for input in [RT, RM, "--all"] {
        net.refuses(
            2,
            &format!("twilio-video $ -d out --account {SUB} {input}"),
            &["--account"],
        );
    }
    net.ends(
        0,
        &format!("twilio-video $ --check --account {ACCOUNT} {RT}"),
    );
    for bad in ["AC1", "nonsense", RE] {
        net.refuses(
            2,
            &format!("twilio-voice $ -d out --account {bad} {RE}"),
            &["--account"],
        );
    }
    net.refuses(
        2,
        &format!("vonage $ -d out --account {ACCOUNT} {ARCHIVE}"),
        &["--account"],
    );
}

#[test]
fn inspect_says_where_credentials_come_from() {
    let net = Net::new();
    let ran = net.ends(0, "inspect --credentials");
    let out = ran.text();
    for text in [
        "TWILIO_API_KEY",
        "VONAGE_PRIVATE_KEY",
        "OPENTOK_API_SECRET",
        "qvoice",
        ACCOUNT,
    ] {
        assert!(out.contains(text), "{out}");
    }
    ran.says_nothing_of(&[API_SECRET, crate::fake::OPENTOK_SECRET]);
    let ran = net.ends(0, "inspect --credentials --json");
    assert_eq!(ran.text().lines().count(), 6);
    ran.says_nothing_of(&[API_SECRET, crate::fake::OPENTOK_SECRET, "PRIVATE KEY-"]);
    assert!(net.fake.requests().is_empty());
    let ran = run(&net, &[], "inspect --credentials");
    ran.ended(0, "nothing");
    assert!(ran.text().contains("looked for"));
    net.refuses(2, "inspect --credentials meta.json", &["--credentials"]);
}

#[test]
fn inspect_reads_metadata_and_no_media() {
    let net = Net::new();
    for (input, count) in [
        (RE, 1),
        (CA, 4),
        (ARCHIVE, 1),
        (SESSION, 6),
        ("RE5eed0000000000000000000000000010", 1),
    ] {
        let line = net.ends(0, &format!("inspect $ --json {input}")).line();
        let found = line["found"]["recordings"].as_array().unwrap();
        assert_eq!(found.len(), count, "{input}");
    }
    assert!(net.media_requests().is_empty());
    let line = net.ends(0, &format!("inspect $ --json {RE}")).line();
    let opened = &line["found"]["recordings"][0]["opened_by"][0];
    assert_eq!(
        (&opened["key"], &opened["proven"]),
        (&"key.pem".into(), &true.into())
    );
    for input in [RT, RM] {
        let line = net.ends(0, &format!("inspect $ --json {input}")).line();
        assert_eq!(
            line["found"]["recordings"][0]["opened_by"][0]["proven"],
            false
        );
    }
    // What is not completed does not hide the others.
    let line = net
        .ends(0, "inspect --json RM5eed00000000000000000000000000ff")
        .line();
    let found = line["found"]["recordings"].as_array().unwrap();
    assert_eq!(found.len(), 3);
    assert!(
        found
            .iter()
            .any(|one| one["error"].as_str().unwrap().contains("processing"))
    );
    let ran = net.ends(0, &format!("inspect {RE} {RT} {ARCHIVE} key.pem"));
    assert!(ran.text().contains(RE) && ran.text().contains("key.pem"));
    net.ends(9, "inspect RE5eed00000000000000000000000000ee");
}

#[test]
fn retries_and_authorities_are_said_by_flags() {
    let net = Net::new();
    net.fake
        .fault("Recordings/", crate::fake::Fault::retry_after(503, "0"), 2);
    net.ends(75, &format!("twilio-voice $ --check --retries 1 {RE}"));
    net.fake.mend();
    net.fake
        .fault(".wav", crate::fake::Fault::retry_after(503, "0"), 2);
    let line = net
        .ends(
            0,
            &format!("twilio-voice $ --check --json --retries 2 {RE}"),
        )
        .line();
    assert_eq!(line["attempts"], 3);
    let tls = Net {
        desk: crate::common::Desk::new(),
        fake: Fake::start_tls(),
    };
    tls.fake.add_fixtures();
    let ran = tls.ends(9, &format!("twilio-voice $ --check {RE}"));
    ran.says(&["--ca-file"]);
    let ca = tls.fake.ca_file().display().to_string();
    tls.ends(0, &format!("twilio-voice $ --check --ca-file {ca} {RE}"));
    let mut command = tls.command(&format!("twilio-voice -k key.pem --check {RE}"));
    command.env("TWILIO_CA_BUNDLE", &ca);
    Ran::of(command).ended(0, "TWILIO_CA_BUNDLE");
    tls.refuses(
        2,
        &format!("twilio-voice $ --check --ca-file gone.pem {RE}"),
        &["--ca-file"],
    );
}
