//! The settings of `unreel serve`: flags, the environment and a file, what is refused of them, and
//! what needs no server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::collections::BTreeMap;
use std::process::{Command, Output};

use toml::{Table, Value};

use crate::common::canaries::{Canaries, PASSPHRASE};
use crate::common::{self, Desk, stderr};

const ID: &str = "RE5eed0000000000000000000000000001";
const ACCOUNT: &str = "AC5eed0000000000000000000000000001";

/// Link keys of the form that the server takes: 32 bytes each.
const LINK_KEYS: &str = "\
    # the newest first\n\
    k-2 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\
    k-1 CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=\n";

/// A desk with a folder of recordings, private keys and link keys.
fn desk() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("calls")).unwrap();
    desk.write("link_keys.txt", LINK_KEYS);
    desk
}

/// The settings that a run prints.
fn printed(mut command: Command) -> Table {
    let output = command.arg("--print-config").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    toml(&output)
}

fn toml(output: &Output) -> Table {
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .parse()
        .unwrap()
}

/// A setting of each type, and three values that differ from the default.
const OF_EACH_TYPE: [(&str, [&str; 3]); 8] = [
    ("listen", ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3"]),
    ("link-ttl", ["90s", "2m", "12h"]),
    ("cache", ["1KiB", "2MiB", "0"]),
    ("per-address", ["1", "2", "3"]),
    ("retries", ["0", "1", "2"]),
    ("flex-path", ["/a", "/b", "/c"]),
    ("allow-role", ["one", "two", "three"]),
    ("source", ["twilio", "/b", "/c"]),
];

/// A value as a file has it.
fn in_file(name: &str, value: &str) -> String {
    let is_number = ["per-address", "retries"].contains(&name);
    let value = if is_number {
        value.to_owned()
    } else {
        format!("'{value}'")
    };
    format!("{name} = {value}\n")
}

fn variable(name: &str) -> String {
    format!("UNREEL_SERVE_{}", name.to_uppercase().replace('-', "_"))
}

/// A number or a boolean as text.
fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

/// A value as text, of a list its only one.
fn text(settings: &Table, name: &str) -> String {
    match &settings[name] {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.len() == 1 => items[0].as_str().unwrap().to_owned(),
        value => json(value),
    }
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let desk = desk();
    for (name, [flag, environment, file]) in OF_EACH_TYPE {
        desk.write("serve.toml", in_file(name, file));
        for given in 1..8 {
            let mut command = desk.unreel("serve");
            if given & 1 != 0 {
                command.arg("--config").arg("serve.toml");
            }
            if given & 2 != 0 {
                command.env(variable(name), environment);
            }
            if given & 4 != 0 {
                command.arg(format!("--{name}={flag}"));
            }
            let nearest = match given {
                4.. => flag,
                2.. => environment,
                _ => file,
            };
            assert_eq!(
                text(&printed(command), name),
                nearest,
                "{name}, {given:03b}"
            );
        }
    }
}

#[test]
fn a_list_replaces_the_default_and_a_variable_has_commas() {
    let desk = desk();
    let defaults = printed(desk.unreel("serve"));
    let list = |settings: &Table, name: &str| -> Vec<String> {
        let items = settings[name].as_array().unwrap().iter();
        items
            .map(|item| item.as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        list(&defaults, "allow-role"),
        ["agent", "supervisor", "admin"]
    );
    assert_eq!(list(&defaults, "origin"), ["https://flex.twilio.com"]);
    let mut command = desk.unreel("serve --origin https://a.example --origin https://b.example");
    command.env("UNREEL_SERVE_ALLOW_ROLE", "one, two");
    let settings = printed(command);
    assert_eq!(list(&settings, "allow-role"), ["one", "two"]);
    assert_eq!(
        list(&settings, "origin"),
        ["https://a.example", "https://b.example"]
    );
}

#[test]
fn what_is_on_in_the_file_can_be_off_in_the_environment() {
    let desk = desk();
    desk.write("serve.toml", "behind-proxy = true\nno-input = true\n");
    for (value, expected) in [
        ("0", false),
        ("False", false),
        ("no", false),
        ("off", false),
        ("1", true),
        ("TRUE", true),
        ("yes", true),
        ("on", true),
        ("", true),
    ] {
        let mut command = desk.unreel("serve");
        command
            .env("UNREEL_SERVE_CONFIG", "serve.toml")
            .env("UNREEL_SERVE_BEHIND_PROXY", value);
        let settings = printed(command);
        assert_eq!(
            settings["behind-proxy"].as_bool(),
            Some(expected),
            "{value}"
        );
        assert_eq!(settings["no-input"].as_bool(), Some(true));
    }
}

/// The settings, by the help.
fn settings() -> Vec<String> {
    let output = common::unreel().args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let rows = help.lines().filter_map(|line| {
        let row = line.trim_start();
        let row = row.strip_prefix("-k, ").unwrap_or(row);
        row.strip_prefix("--")?.split([' ', '\n']).next()
    });
    let others = [
        "config",
        "print-config",
        "color",
        "no-progress",
        "log-format",
    ];
    let found: Vec<_> = rows
        .filter(|name| !others.contains(name))
        .map(Into::into)
        .collect();
    assert!(found.len() >= 29, "{found:?}");
    found
}

/// A value of each setting that goes with all others, and is not the default.
fn all_settings() -> Vec<(&'static str, &'static str)> {
    vec![
        ("source", "['twilio', '/calls']"),
        ("cache", "'64KiB'"),
        ("profile", "'shop'"),
        ("key", "['/a.pem', '/b.pem']"),
        ("key-command", "'cat \"key.pem\" | cat'"),
        ("unwrap-command", "'cat cek'"),
        ("passphrase-file", "'/pass.txt'"),
        ("passphrase-fd", "7"),
        ("no-input", "true"),
        ("account", "'AC5eed0000000000000000000000000001'"),
        ("allow-role", "['auditor', 'wfo.full_access']"),
        ("authz-command", "'/usr/bin/rule --strict'"),
        ("demo", "true"),
        ("public-url", "'https://play.example.com/calls'"),
        ("link-key-file", "'/link_keys.txt'"),
        ("link-ttl", "'90s'"),
        ("flex-path", "'/links/flex'"),
        ("listen", "'127.0.0.1:9000'"),
        ("admin-listen", "'127.0.0.1:9001'"),
        ("tls-cert", "'/cert.pem'"),
        ("tls-key", "'/cert.key'"),
        ("behind-proxy", "true"),
        ("origin", "['https://a.example', 'http://localhost:3000']"),
        ("host", "['play.example.com']"),
        ("per-address", "17"),
        ("audit-log", "'/audit.jsonl'"),
        ("audit-optional", "true"),
        ("ca-file", "'/ca.pem'"),
        ("retries", "2"),
    ]
}

#[test]
fn every_setting_may_stand_in_the_file_and_in_the_environment_and_is_printed() {
    let desk = desk();
    let all = all_settings();
    let names: Vec<_> = all.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut known = settings();
    known.sort();
    let mut tried = names.clone();
    tried.sort();
    assert_eq!(known, tried);
    let defaults = printed(desk.unreel("serve"));
    for (name, value) in all {
        // These two go together.
        let pair = match name {
            "tls-cert" => "tls-key = '/x.key'\n",
            "tls-key" => "tls-cert = '/x.pem'\n",
            _ => "",
        };
        let line = format!("{name} = {value}\n");
        let expected: Table = line.parse().unwrap();
        assert_ne!(defaults.get(name), expected.get(name), "{name}");
        desk.write("serve.toml", format!("{line}{pair}"));
        let settings = printed(desk.unreel("serve --config serve.toml"));
        assert_eq!(settings.get(name), expected.get(name), "{name} of the file");

        let value = match &expected[name] {
            Value::Array(items) => {
                let items = items.iter().map(|item| item.as_str().unwrap());
                items.collect::<Vec<_>>().join(",")
            }
            Value::String(text) => text.clone(),
            other => json(other),
        };
        desk.write("pair.toml", pair);
        let mut command = desk.unreel("serve --config pair.toml");
        command.env(variable(name), value);
        assert_eq!(
            printed(command).get(name),
            expected.get(name),
            "{}",
            variable(name)
        );
    }
}

#[test]
fn what_is_printed_is_a_file_that_comes_to_the_same() {
    let desk = desk();
    std::fs::create_dir(desk.path("etc")).unwrap();
    desk.write(
        "etc/serve.toml",
        "source = ['../calls', 'twilio']\naudit-log = 'log.jsonl'\n",
    );
    let mut command = desk.unreel(
        "serve --config etc/serve.toml -k key.pem --link-key-file link_keys.txt --link-ttl 1h \
         --host play.example.com --origin https://a.example --behind-proxy",
    );
    command
        .args([
            "--authz-command",
            "printf '\"\\u{e9}\\t' # \u{202e} \u{1f3a7}\n",
        ])
        .env("UNREEL_SERVE_ALLOW_ROLE", "one,two")
        .envs(TWILIO)
        .arg("--print-config");
    let first = desk.done(command).stdout;
    let settings: Table = String::from_utf8(first.clone()).unwrap().parse().unwrap();
    let here = |name: &str| desk.path(name).to_str().unwrap().to_owned();
    let sources = settings["source"].as_array().unwrap();
    assert!(sources[0].as_str().unwrap().starts_with(&here("etc")));
    assert_eq!(text(&settings, "audit-log"), here("etc/log.jsonl"));
    assert_eq!(text(&settings, "key"), here("key.pem"));
    assert_eq!(
        text(&settings, "account"),
        ACCOUNT,
        "that of the credentials"
    );

    let elsewhere = Desk::new();
    elsewhere.write("again.toml", &first);
    let mut again = elsewhere.unreel("serve --config again.toml --print-config");
    again.envs(TWILIO);
    let again = elsewhere.done(again).stdout;
    assert_eq!(
        String::from_utf8(again).unwrap(),
        String::from_utf8(first).unwrap()
    );
}

const TWILIO: [(&str, &str); 2] = [
    ("TWILIO_ACCOUNT_SID", ACCOUNT),
    ("TWILIO_AUTH_TOKEN", "made-up-auth-token-0123456789"),
];

#[test]
fn no_secret_is_printed_and_where_credentials_come_from_is() {
    let desk = desk();
    desk.write("link_keys.txt", LINK_KEYS);
    let mut canaries = Canaries::none();
    canaries.text("the token", TWILIO[1].1);
    canaries.text("the passphrase", PASSPHRASE);
    canaries.text("an access key", "made-up-secret-access-key");
    for line in LINK_KEYS.lines().skip(1) {
        canaries.text("a link key", &line[4..30]);
    }
    for arguments in ["--print-config", "--print-config -v", "-v"] {
        let mut command = desk.unreel("serve --source twilio --source s3://calls");
        command
            .args([
                "-k",
                "missing.pem",
                "--link-key-file",
                "link_keys.txt",
                "--no-input",
            ])
            .args(arguments.split(' '))
            .envs(TWILIO)
            .env("UNREEL_PASSPHRASE", PASSPHRASE)
            .env("AWS_ACCESS_KEY_ID", "AKIA5EED")
            .env("AWS_SECRET_ACCESS_KEY", "made-up-secret-access-key")
            .env("AWS_REGION", "eu-west-1");
        let output = command.output().unwrap();
        canaries.assert_not_printed(&output, arguments);
        let stdout = String::from_utf8(output.stdout).unwrap();
        if arguments == "-v" {
            assert_eq!(output.status.code(), Some(5), "the key is not there");
            continue;
        }
        for comment in [
            "# twilio  from TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN",
            "token ********",
            "# s3  from ",
        ] {
            assert!(stdout.contains(comment), "{comment}\n{stdout}");
        }
        assert!(
            !stdout.contains("# vonage") && !stdout.contains("# azure"),
            "{stdout}"
        );
    }
}

#[test]
fn what_makes_no_sense_or_does_not_go_together_is_refused() {
    let desk = desk();
    for (arguments, says) in [
        ("", "there is no --source"),
        (
            "--listen 0.0.0.0:8080",
            "--listen is not an address of this machine alone",
        ),
        ("--listen [::]:8080", "in the clear"),
        ("--listen 192.0.2.1:80", "in the clear"),
        ("--listen [::ffff:192.0.2.1]:80", "in the clear"),
        ("--listen 8080", "no IP address with a port"),
        ("--listen example.com:80", "no IP address with a port"),
        ("--admin-listen 127.0.0.1", "no IP address with a port"),
        ("--tls-cert a.pem", "--tls-key is not"),
        ("--tls-key a.key", "--tls-cert is not"),
        ("--listen 0.0.0.0:1 --tls-cert a.pem", "--tls-key is not"),
        (
            "--demo --listen 0.0.0.0:1 --behind-proxy",
            "--demo asks nobody",
        ),
        ("--origin *", "no origin"),
        ("--origin null", "no origin"),
        ("--origin https://flex.twilio.com/", "no origin"),
        ("--origin https://flex.twilio.com:443", "no origin"),
        ("--origin https://FLEX.twilio.com", "no origin"),
        ("--origin http://flex.twilio.com", "it is not https"),
        ("--host play.example.com:443", "no host's name"),
        ("--host https://play.example.com", "no host's name"),
        ("--public-url play.example.com", "no URL"),
        ("--public-url ftp://play.example.com", "https://"),
        (
            "--public-url https://u:p@play.example.com",
            "a user name or a password",
        ),
        ("--public-url https://play.example.com/?a=b", "a query"),
        ("--public-url https://play.example.com/#a", "a fragment"),
        ("--public-url https://play.mp3.example.com", ".mp3"),
        ("--flex-path sec_rec", "does not begin with /"),
        ("--flex-path /media", "another use"),
        ("--flex-path /a.MP3", ".mp3"),
        ("--flex-path /{id}", "no path"),
        (
            "--account AC5EED0000000000000000000000000001",
            "AC and 32 hexadecimal digits",
        ),
        (
            "--account RE5eed0000000000000000000000000001",
            "AC and 32 hexadecimal digits",
        ),
        ("--allow-role guest", "users of that role may never listen"),
        ("--allow-role a,b --link-ttl 5", "no time such as"),
        ("--link-ttl 0s", "no time"),
        ("--link-ttl 13h", "at most 12h"),
        ("--link-ttl 1d", "at most 12h"),
        ("--cache 512", "no size such as"),
        ("--cache 512MB", "no size such as"),
        ("--per-address 0", "--per-address"),
        ("--per-address many", "whole number"),
        ("--source ftp://calls", "no place for recordings"),
        ("--source s3://", "--source"),
        (
            "--config missing.toml",
            "cannot read the settings in `missing.toml`",
        ),
        ("--key key.pem --unwrap-command cat", "cannot be used with"),
        ("calls", "the first argument is no command of unreel serve"),
        ("lnk", "did you mean unreel serve link?"),
        ("link", "required arguments"),
        ("verify-audit", "required arguments"),
    ] {
        let stderr = desk.refused(desk.unreel(&format!("serve {arguments}")), 2, &[says]);
        assert!(stderr.lines().count() < 8, "{stderr}");
    }
}

#[test]
fn what_is_wrong_in_the_environment_or_the_file_is_said_with_its_place() {
    let desk = desk();
    for (name, value) in [
        ("listen", "nonsense"),
        ("link-ttl", "13h"),
        ("origin", "https://a.example,*"),
        ("cache", "much"),
        ("demo", "maybe"),
        ("per-address", "0"),
    ] {
        let mut command = desk.unreel("serve --print-config");
        command.env(variable(name), value);
        desk.refused(
            command,
            2,
            &[&format!("{}: ", variable(name)).replace("DEMO: ", "DEMO ")],
        );
    }
    for (text, says) in [
        (
            "\n\nlink-ttl = '13h'",
            ["`serve.toml`, line 3: ", "at most 12h"],
        ),
        (
            "# comment\nlisten = 8080",
            ["`serve.toml`, line 2: ", "listen takes a text"],
        ),
        (
            "lisen = 'x'",
            ["`serve.toml`, line 1: ", "did you mean listen?"],
        ),
        (
            "public_url = 'x'",
            [
                "there is no setting `public_url`",
                "did you mean public-url?",
            ],
        ),
        (
            "demo = 'true'",
            ["`serve.toml`, line 1: ", "demo takes true or false"],
        ),
        ("listen = ", ["`serve.toml`, line 1: ", "it is no TOML"]),
        (
            "[serve]\n",
            ["`serve.toml`, line 1: ", "there is no setting `serve`"],
        ),
        (
            "origin = [\n'https://a.example',\n'*']",
            ["`serve.toml`, line 1: ", "no origin"],
        ),
        (
            "per-address = -1",
            ["`serve.toml`, line 1: ", "--per-address"],
        ),
        ("tls-cert = 'a.pem'", ["--tls-cert is set", "--tls-key"]),
    ] {
        desk.write("serve.toml", text);
        desk.refused(
            desk.unreel("serve --print-config --config serve.toml"),
            2,
            &says,
        );
    }
    desk.write("serve.toml", b"listen = '\xff'");
    desk.refused(
        desk.unreel("serve --config serve.toml"),
        2,
        &["no text in UTF-8"],
    );
}

#[test]
fn sources_and_keys_are_looked_at_before_anything_listens() {
    let desk = desk();
    desk.refused(
        desk.unreel("serve --source missing/ -k key.pem"),
        3,
        &["cannot read the source `missing/`"],
    );
    desk.refused(
        desk.unreel("serve --source call.enc -k key.pem"),
        3,
        &["the source `call.enc` is no folder"],
    );
    desk.refused(
        desk.unreel("serve --source twilio -k key.pem"),
        2,
        &["there are no credentials for Twilio"],
    );
    desk.refused(
        desk.unreel("serve --source calls -k missing.pem"),
        5,
        &["missing.pem"],
    );
    let mut secret = desk.unreel("serve -k key.pem --source");
    secret.arg(PASSPHRASE);
    let stderr = desk.refused(secret, 3, &["(a name that is not shown)"]);
    assert!(!stderr.contains(PASSPHRASE));
}

#[test]
fn what_a_service_lacks_is_warned_of_and_a_demo_may_lack_it() {
    let desk = desk();
    let said = |arguments: &str| {
        let mut command = desk.unreel("serve --source calls -k missing.pem");
        command.args(arguments.split_whitespace());
        stderr(&command.output().unwrap())
    };
    let [links, log, flex, name] = [
        "links end with the process",
        "nobody writes down who listens",
        "no token of Flex's can be checked",
        "--public-url says what browsers reach",
    ];
    let service = said("");
    for warning in [links, log, flex] {
        assert!(
            service.contains(&format!("unreel: warning: {warning}")),
            "{service}"
        );
    }
    assert!(!said("--link-key-file link_keys.txt").contains(links));
    assert!(!said("--audit-log audit.jsonl").contains(log));
    assert!(!said("--demo").contains("warning"), "{}", said("--demo"));
    assert!(said("--behind-proxy").contains(name) && !service.contains(name));
    assert!(!said("--behind-proxy --public-url https://a.example").contains(name));
    // What is not encrypted plays without a key.
    let mut keyless = desk.unreel("serve --source calls --link-key-file missing.txt");
    let keyless = stderr(&keyless.output().unwrap());
    let key = "no encrypted recording can be played: there is no private key (-k)";
    assert!(keyless.contains(key) && !service.contains(key), "{keyless}");
}

/// What `openssl` says that the token's signature is, and its payload.
fn opened(token: &str) -> (bool, serde_json::Value) {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let (signed, mac) = token.rsplit_once('.').unwrap();
    let script = format!(
        "printf %s '{signed}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:{} -binary |
         openssl base64 -A | tr '+/' '-_' | tr -d =",
        "07".repeat(32)
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let payload = signed.rsplit_once('.').unwrap().1;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
    (
        output.stdout == mac.as_bytes(),
        serde_json::from_slice(&payload).unwrap(),
    )
}

#[test]
fn a_link_is_signed_by_the_first_key_and_leads_where_the_settings_say() {
    let desk = desk();
    if !common::has("openssl") {
        return;
    }
    desk.write(
        "serve.toml",
        "public-url = 'https://play.example.com/calls/'\nlink-key-file = 'link_keys.txt'",
    );
    for (arguments, base, who, ttl) in [
        (
            "--link-key-file link_keys.txt",
            "http://127.0.0.1:8080",
            "",
            3600,
        ),
        (
            "--config serve.toml --for Ms.Lee",
            "https://play.example.com/calls",
            "Ms.Lee",
            3600,
        ),
        (
            "--config serve.toml --ttl 12h",
            "https://play.example.com/calls",
            "",
            43_200,
        ),
        (
            "--config serve.toml --public-url https://b.example",
            "https://b.example",
            "",
            3600,
        ),
        (
            "--link-key-file link_keys.txt --listen [::1]:9 --ttl 90s",
            "http://[::1]:9",
            "",
            90,
        ),
        (
            "--link-key-file link_keys.txt --tls-cert a.pem --tls-key a.key",
            "https://127.0.0.1:8080",
            "",
            3600,
        ),
    ] {
        let before = seconds();
        let output = desk.done(desk.unreel(&format!("serve link {ID} {arguments}")));
        let link = String::from_utf8(output.stdout).unwrap();
        let token = link
            .trim_end()
            .strip_prefix(&format!("{base}/listen/v1.k-2."));
        let token = token.unwrap_or_else(|| panic!("{link}"));
        let (is_signed, claims) = opened(&format!("v1.k-2.{token}"));
        assert!(is_signed, "{link}");
        assert_eq!((&claims["id"], &claims["who"]), (&ID.into(), &who.into()));
        assert_eq!(claims["kind"], "listen");
        let expires = claims["exp"].as_u64().unwrap();
        assert!(
            (before + ttl..=seconds() + ttl).contains(&expires),
            "{claims}"
        );
    }
    // In front of the word, and from the environment.
    let mut command = desk.unreel(&format!("serve --config serve.toml link {ID}"));
    command.env("UNREEL_SERVE_PUBLIC_URL", "https://c.example");
    let link = String::from_utf8(desk.done(command).stdout).unwrap();
    assert!(
        link.starts_with("https://c.example/listen/v1.k-2."),
        "{link}"
    );
}

fn seconds() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs()
}

#[test]
fn a_link_that_leads_nowhere_is_not_made() {
    let desk = desk();
    desk.write("short.txt", "k1 aGVsbG8=");
    let keys = "--link-key-file link_keys.txt";
    for (arguments, code, says) in [
        (ID.to_owned(), 2, "there is no --link-key-file"),
        (format!("{ID} {keys} --listen 127.0.0.1:0"), 2, "port 0"),
        (format!("{ID} {keys} --ttl 13h"), 2, "at most 12h"),
        (format!("{ID} {keys} --ttl 0m"), 2, "no time"),
        (
            format!("{keys} CA5eed0000000000000000000000000001"),
            2,
            "several recordings",
        ),
        (format!("{keys} call.enc"), 2, "no recording's id"),
        (
            format!("{ID} --link-key-file missing.txt"),
            5,
            "cannot read the link keys in `missing.txt`",
        ),
        (
            format!("{ID} --link-key-file short.txt"),
            5,
            "line 1 is shorter than 32 bytes",
        ),
        (
            format!("{ID} --link-key-file call.enc"),
            5,
            "cannot use the link keys",
        ),
    ] {
        let stderr = desk.refused(
            desk.unreel(&format!("serve link {arguments}")),
            code,
            &[says],
        );
        assert!(!stderr.contains("aGVsbG8"), "{stderr}");
    }
    let mut command = desk.unreel(&format!("serve link {ID} {keys} --for"));
    command.arg("x\u{1b}[2J");
    desk.refused(command, 2, &["nobody's name"]);
}

#[test]
fn every_setting_is_in_the_table_of_the_documents() {
    let page = include_str!("../../docs/playback.md");
    let table = page.split("\n## Settings\n").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let mut documented: BTreeMap<String, &str> = BTreeMap::new();
    for row in rows {
        let name = row.split('|').nth(1).unwrap();
        let names = name.split('`').skip(1).step_by(2);
        documented.extend(names.map(|name| (name.to_owned(), row)));
    }
    let mut known = settings();
    known.sort();
    assert_eq!(known, documented.keys().cloned().collect::<Vec<_>>());
    let defaults = printed(desk().unreel("serve"));
    for (name, value) in &defaults {
        let values = match value {
            Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect(),
            Value::String(text) => vec![text.as_str()],
            // On and off are said in words.
            Value::Boolean(false) => vec!["off"],
            _ => vec![],
        };
        for value in values {
            assert!(
                documented[name].contains(value),
                "{name} is {value} by default"
            );
        }
    }
}
