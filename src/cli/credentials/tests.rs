//! Every source, every order of them, and every error, in made environments.
#![allow(clippy::unwrap_used, reason = "they are tests")]

mod buckets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::error::{Failure, causes};
use super::show::{Line, lines};
use super::*;
use crate::api::Proof;
use crate::cli::exit::Code;

const ACCOUNT: &str = "AC5eed0000000000000000000000000001";
const OTHER: &str = "AC5eed0000000000000000000000000002";
const KEY: &str = "SK5eed0000000000000000000000000001";
const APPLICATION: &str = "5eed0000-0000-4000-8000-000000000000";
/// Stands in every secret, and in nothing that is printed.
const CANARY: &str = "canary7f3a";

/// A home that is also the working directory, and variables.
struct Made {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Made {
    fn new(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        let made = Self {
            folder,
            variables: BTreeMap::from([("HOME".to_owned(), home)]),
        };
        made.with(variables)
    }

    fn with(mut self, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.variables.extend(variables);
        self
    }

    /// Writes a file; `name` may be a path.
    fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ask<T>(&self, profile: Option<&str>, ask: impl Fn(&From<'_>) -> T) -> T {
        let variable = |name: &str| self.variables.get(name).map(Into::into);
        ask(&From {
            profile,
            account: None,
            env: Environment {
                variable: &variable,
                here: self.folder.path(),
            },
        })
    }

    fn twilio(&self, profile: Option<&str>) -> Result<Found<Twilio>, String> {
        self.ask(profile, |from| twilio(from).map_err(said))
    }

    fn vonage(&self) -> Result<Found<Vonage>, String> {
        self.ask(None, |from| vonage(from).map_err(said))
    }

    /// The folder's name is of the run.
    fn plain(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "~")
    }
}

/// Message, causes and hint, as they are printed. The exit code is 2.
#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
fn said(failure: Failure) -> String {
    let verdict = failure.verdict();
    assert_eq!(verdict.code, Code::Usage);
    assert!(!format!("{failure:?}").contains(CANARY));
    let causes = causes(&failure).concat();
    let text = format!("{failure}|{causes}|{}", verdict.hint);
    assert!(!text.contains(CANARY), "{text}");
    text.replace("||", "|")
}

fn fixture(name: &str) -> String {
    let path = format!("{}/fixtures/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    fs_err::read_to_string(path).unwrap()
}

fn config(rest: &str) -> String {
    format!(
        r#"{{"email":"a@example.com","prompts":{{}},{rest}"profiles":{{
            "main":{{"accountSid":"{ACCOUNT}","apiKey":"{KEY}","apiSecret":"{CANARY}1","region":"","edge":null}},
            "irish":{{"accountSid":"{OTHER}","apiKey":"{KEY}","apiSecret":"{CANARY}2","region":"ie1"}}}},
            "activeProject":"main"}}"#
    )
}

const CONFIG: &str = ".twilio-cli/config.json";

#[test]
fn twilio_takes_the_first_that_there_is() {
    let token = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", "canary7f3a-t"),
    ];
    let key = [
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", "canary7f3a-k"),
    ];
    let docs = [
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_KEY_SECRET", "canary7f3a-d"),
    ];
    let directory = |made: Made| {
        let at = made.path("systemd");
        made.file("systemd/twilio-account-sid", OTHER)
            .file("systemd/twilio-api-key", &format!("{KEY}\n"))
            .file("systemd/twilio-api-secret", "canary7f3a-s\r\n")
            .with(&[("CREDENTIALS_DIRECTORY", at.to_str().unwrap())])
    };
    let active = |made: Made| made.file(CONFIG, &config(r#""edge":"dublin","#));
    let all = || directory(active(Made::new(&token).with(&key)));
    let of_key = "TWILIO_ACCOUNT_SID with TWILIO_API_KEY and TWILIO_API_SECRET";
    for (made, profile, source, account, user, secret) in [
        (
            all(),
            Some("irish"),
            "profile `irish` of ~/.twilio-cli/config.json",
            OTHER,
            KEY,
            "2",
        ),
        (all(), None, of_key, ACCOUNT, KEY, "-k"),
        (
            active(Made::new(&token).with(&docs)),
            None,
            "TWILIO_ACCOUNT_SID with TWILIO_API_KEY and TWILIO_API_KEY_SECRET",
            ACCOUNT,
            KEY,
            "-d",
        ),
        // The key has no secret among the variables.
        (
            active(directory(Made::new(&token).with(&key[..1]))),
            None,
            "TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN",
            ACCOUNT,
            ACCOUNT,
            "-t",
        ),
        (
            active(directory(Made::new(&[]))),
            None,
            "~/systemd/twilio-account-sid with ~/systemd/twilio-api-key and \
             ~/systemd/twilio-api-secret",
            OTHER,
            KEY,
            "-s",
        ),
        // Ids among the variables, the secret from systemd.
        (
            active(directory(Made::new(&token[..1]))),
            None,
            "TWILIO_ACCOUNT_SID with ~/systemd/twilio-api-key and ~/systemd/twilio-api-secret",
            ACCOUNT,
            KEY,
            "-s",
        ),
        (
            active(Made::new(&token[..1])),
            None,
            "profile `main` of ~/.twilio-cli/config.json",
            ACCOUNT,
            KEY,
            "1",
        ),
        (
            active(Made::new(&[
                ("TWILIO_AUTH_TOKEN", ""),
                ("TWILIO_API_KEY", ""),
            ])),
            None,
            "profile `main` of ~/.twilio-cli/config.json",
            ACCOUNT,
            KEY,
            "1",
        ),
    ] {
        let found = made
            .twilio(profile)
            .unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(made.plain(&found.source), source);
        assert_eq!(found.credentials.account, account, "{source}");
        assert_eq!(found.credentials.user, user, "{source}");
        assert_eq!(
            *found.credentials.secret,
            format!("{CANARY}{secret}"),
            "{source}"
        );
    }
}

#[test]
fn each_secret_may_stand_in_a_file_that_is_named() {
    let made = Made::new(&[("TWILIO_ACCOUNT_SID", ACCOUNT)]).file("token", "canary7f3a\n");
    let path = made.path("token");
    let made = made.with(&[("TWILIO_AUTH_TOKEN_FILE", path.to_str().unwrap())]);
    let found = made.twilio(None).unwrap();
    assert_eq!(*found.credentials.secret, CANARY);
    assert_eq!(
        found.source,
        "TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN_FILE"
    );

    let both = made.with(&[("TWILIO_AUTH_TOKEN", CANARY)]);
    assert_eq!(
        both.twilio(None).err().unwrap(),
        "TWILIO_AUTH_TOKEN and TWILIO_AUTH_TOKEN_FILE are both set|unset one: TWILIO_AUTH_TOKEN \
         is the secret, TWILIO_AUTH_TOKEN_FILE its file"
    );
    for (text, says) in [
        ("\n", "TWILIO_AUTH_TOKEN_FILE is empty|"),
        (
            "canary7f3a b",
            "TWILIO_AUTH_TOKEN_FILE is not a secret: there are blanks",
        ),
    ] {
        let made = Made::new(&[("TWILIO_ACCOUNT_SID", ACCOUNT)]).file("token", text);
        let path = made.path("token");
        let made = made.with(&[("TWILIO_AUTH_TOKEN_FILE", path.to_str().unwrap())]);
        let error = made.twilio(None).err().unwrap();
        assert!(error.starts_with(says), "{error}");
    }
    // The secret itself in place of its file's name.
    for name in [CANARY, "canary7f3a/x"] {
        let made = Made::new(&[
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN_FILE", name),
        ]);
        assert_eq!(
            made.twilio(None).err().unwrap(),
            "cannot read the file that TWILIO_AUTH_TOKEN_FILE names: there is no such file|check \
             the path and its permissions"
        );
    }
}

#[test]
fn region_and_edge_are_of_the_variables_or_of_the_profile() {
    let token = || {
        Made::new(&[
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", CANARY),
        ])
    };
    let edge = r#""edge":"tokyo","#;
    let active = |rest: &str| Made::new(&[]).file(CONFIG, &config(rest));
    let both = |region: &str, edge: &str| Some((region.to_owned(), edge.to_owned()));
    for (made, profile, expected) in [
        (token(), None, None),
        (
            token().with(&[("TWILIO_EDGE", "dublin")]),
            None,
            both("us1", "dublin"),
        ),
        (
            token().with(&[("TWILIO_REGION", "ie1"), ("TWILIO_EDGE", "dublin")]),
            None,
            both("ie1", "dublin"),
        ),
        // The file is not for the variables.
        (token().file(CONFIG, &config(edge)), None, None),
        (active(""), None, None),
        (active(edge), None, both("us1", "tokyo")),
        (active(edge), Some("irish"), both("ie1", "tokyo")),
        // The region of the variables is theirs alone, the edge is not.
        (
            active(edge).with(&[("TWILIO_EDGE", "dublin"), ("TWILIO_REGION", "au1")]),
            Some("irish"),
            both("ie1", "dublin"),
        ),
    ] {
        assert_eq!(
            made.twilio(profile).ok().unwrap().credentials.place,
            expected
        );
    }
    let error = token().with(&[("TWILIO_REGION", "us1")]).twilio(None).err();
    assert_eq!(
        error.unwrap(),
        "TWILIO_REGION names a region without an edge|the usual edge of that region is ashburn: \
         set TWILIO_EDGE=ashburn"
    );
    let made = active("");
    assert_eq!(
        made.plain(&made.twilio(Some("irish")).err().unwrap()),
        "region of profile `irish` of ~/.twilio-cli/config.json names a region without an edge|the \
         usual edge of that region is dublin: set TWILIO_EDGE=dublin"
    );
}

#[test]
fn what_twilio_cannot_use_is_said_by_the_name_of_its_place() {
    let account = ("TWILIO_ACCOUNT_SID", ACCOUNT);
    for (variables, says) in [
        (
            vec![],
            "there are no credentials for Twilio: looked for --profile NAME, then for \
             TWILIO_ACCOUNT_SID with TWILIO_API_KEY and TWILIO_API_SECRET, then for \
             TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, then for files of these names, such as \
             twilio-auth-token, in $CREDENTIALS_DIRECTORY, then for the active profile of \
             twilio-cli in ~/.twilio-cli/config.json|",
        ),
        (
            vec![account],
            "the credentials for Twilio are incomplete: TWILIO_ACCOUNT_SID is set, \
             TWILIO_AUTH_TOKEN is not|",
        ),
        (
            vec![("TWILIO_AUTH_TOKEN", CANARY)],
            "the credentials for Twilio are incomplete: TWILIO_AUTH_TOKEN is set, \
             TWILIO_ACCOUNT_SID is not|",
        ),
        (
            vec![account, ("TWILIO_API_KEY", KEY)],
            "the credentials for Twilio are incomplete: TWILIO_API_KEY is set, TWILIO_API_SECRET \
             is not|set TWILIO_API_SECRET, or unset TWILIO_API_KEY",
        ),
        (
            vec![account, ("TWILIO_API_KEY_SECRET", CANARY)],
            "the credentials for Twilio are incomplete: TWILIO_API_KEY_SECRET is set, \
             TWILIO_API_KEY is not|",
        ),
        (
            vec![("TWILIO_ACCOUNT_SID", CANARY), ("TWILIO_AUTH_TOKEN", "x")],
            "TWILIO_ACCOUNT_SID is not the id of an account: AC and 32 hexadecimal digits|check \
             TWILIO_ACCOUNT_SID: its value is not shown here",
        ),
        (
            vec![
                account,
                ("TWILIO_API_KEY", CANARY),
                ("TWILIO_API_SECRET", "x"),
            ],
            "TWILIO_API_KEY is not the id of an API key: SK and 32 hexadecimal digits|",
        ),
        (
            vec![account, ("TWILIO_AUTH_TOKEN", "canary7f3a\u{e9}")],
            "TWILIO_AUTH_TOKEN is not a secret: there are blanks or foreign characters \
             in it|",
        ),
        (
            vec![
                account,
                ("TWILIO_AUTH_TOKEN", CANARY),
                ("TWILIO_EDGE", "a.evil.example/"),
            ],
            "TWILIO_EDGE is not a part of a host's name: lowercase letters, digits and dashes|",
        ),
    ] {
        let error = Made::new(&variables).twilio(None).err().unwrap();
        assert!(error.starts_with(says), "{error}\n{says}");
    }
}

#[test]
fn an_account_that_is_asked_for_is_asked_for_with_the_same_credentials() {
    let made = Made::new(&[
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", CANARY),
    ]);
    let ask = |account| {
        made.ask(None, |from| {
            twilio(&From {
                account: Some(account),
                ..*from
            })
            .map_err(said)
        })
    };
    let found = ask(OTHER).ok().unwrap().credentials;
    assert_eq!(
        (found.account.as_str(), found.user.as_str()),
        (OTHER, ACCOUNT)
    );
    let error = ask(CANARY).err().unwrap();
    assert!(
        error.starts_with("--account is not the id of an account"),
        "{error}"
    );
}

#[test]
fn profiles_that_cannot_be_used_say_why() {
    let legacy = format!(r#"{{"projects":[{{"id":"old","accountSid":"{ACCOUNT}"}}]}}"#);
    let none = r#"{"profiles":{},"projects":[]}"#.to_owned();
    let broken = format!(r#"{{"profiles":{{"a":{{"apiSecret":["{CANARY}"]}}}}}}"#);
    let no_secret = config("").replace(",\"apiSecret\":\"canary7f3a1\"", "");
    for (text, profile, says) in [
        (
            config(""),
            Some("x"),
            "there is no profile of that name in FILE|there are: irish, main",
        ),
        (
            config(r#""requireProfileInput":true,"#),
            None,
            "FILE asks for a profile to be named: requireProfileInput is true|pass --profile NAME; \
             there are: irish, main",
        ),
        (
            config("").replace("\"activeProject\":\"main\"", "\"activeProject\":null"),
            None,
            "no profile in FILE is the active one|pass --profile NAME; there are: irish, main",
        ),
        (
            config("").replace("\"activeProject\":\"main\"", "\"activeProject\":\"gone\""),
            None,
            "there is no profile of that name in FILE|there are: irish, main",
        ),
        (
            legacy.clone(),
            None,
            "a profile without secrets, of an old twilio-cli, is all there is in FILE|run `twilio \
             profiles:create`",
        ),
        (
            legacy,
            Some("old"),
            "a profile without secrets, of an old twilio-cli, is all there is",
        ),
        (
            none.clone(),
            None,
            "there are no credentials for Twilio: looked for",
        ),
        (
            none,
            Some("x"),
            "there is no profile of that name in FILE|make one with `twilio prof",
        ),
        (
            broken,
            None,
            "FILE is not a configuration of twilio-cli: line 1, column",
        ),
        (
            format!("{{{CANARY}"),
            None,
            "FILE is not a configuration of twilio-cli: line 1, column",
        ),
        (String::new(), None, "FILE is empty|"),
        (
            no_secret,
            None,
            "apiSecret of profile `main` of FILE is empty|",
        ),
        (
            config("").replace(ACCOUNT, CANARY),
            None,
            "accountSid of profile `main` of FILE is not the id of an account",
        ),
    ] {
        let made = Made::new(&[]).file(CONFIG, &text);
        let error = made.plain(&made.twilio(profile).err().unwrap());
        assert!(
            error.starts_with(&says.replace("FILE", "~/.twilio-cli/config.json")),
            "{error}\n{says}"
        );
    }
    let made = Made::new(&[]);
    assert_eq!(
        made.plain(&made.twilio(Some("main")).err().unwrap()),
        "cannot read ~/.twilio-cli/config.json: there is no such file|check the path and its \
         permissions"
    );
    // A profile that is named is what requireProfileInput asks for.
    let made = Made::new(&[]).file(CONFIG, &config(r#""requireProfileInput":true,"#));
    assert!(made.twilio(Some("main")).is_ok());
}

#[test]
fn the_configuration_of_twilio_cli_is_where_it_looks_itself() {
    let made = Made::new(&[])
        .file(CONFIG, "{}")
        .file("elsewhere/config.json", &config(""));
    let folder = made.path("elsewhere");
    let made = made.with(&[("TWILIO_CONFIG_DIR", folder.to_str().unwrap())]);
    let found = made.twilio(None).unwrap();
    assert_eq!(
        made.plain(&found.source),
        "profile `main` of ~/elsewhere/config.json"
    );

    let mut made = Made::new(&[]).file(CONFIG, &format!("\u{feff}{}", config("")));
    let home = made.variables.remove("HOME").unwrap();
    let made = made.with(&[("HOME", ""), ("USERPROFILE", &home)]);
    assert!(made.twilio(None).is_ok());
}

#[test]
fn an_application_signs_wherever_its_key_stands() {
    let (pkcs1, pkcs8) = (fixture("pkcs1.pem"), fixture("pkcs8.pem"));
    let one_line = pkcs8.replace('\n', "\\n");
    let id = ("VONAGE_APPLICATION_ID", APPLICATION);
    for (name, value) in [
        ("VONAGE_PRIVATE_KEY", pkcs8.as_str()),
        ("VONAGE_PRIVATE_KEY", &one_line),
        ("VONAGE_PRIVATE_KEY", "app.key"),
        ("VONAGE_PRIVATE_KEY_FILE", "app.key"),
        ("VONAGE_PRIVATE_KEY_PATH", "app.key"),
        ("VONAGE_PRIVATE_KEY_PATH", "app.der"),
        ("VONAGE_APPLICATION_PRIVATE_KEY", &pkcs1),
        ("VONAGE_APPLICATION_PRIVATE_KEY", "app.key"),
        ("VONAGE_APPLICATION_PRIVATE_KEY_FILE", "app.key"),
        ("VONAGE_APPLICATION_PRIVATE_KEY_PATH", "app.key"),
    ] {
        let made = Made::new(&[id, (name, value)]).file("app.key", &pkcs1);
        let der = format!("{}/fixtures/keys/pkcs8.der", env!("CARGO_MANIFEST_DIR"));
        fs_err::copy(der, made.path("app.der")).unwrap();
        let found = made
            .vonage()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.source, format!("VONAGE_APPLICATION_ID with {name}"));
        let application = found.credentials.application.unwrap();
        assert_eq!(application.id, APPLICATION);
        let Proof::Key(key) = &application.proof else {
            panic!("{name}: no key")
        };
        assert_eq!(key.sign(b"a").unwrap().len(), 256, "{name}");
        assert!(found.credentials.opentok.is_none());
    }
}

#[test]
fn both_kinds_of_vonage_are_used_and_variables_hide_the_files() {
    let key = fixture("pkcs8.pem");
    let application = [
        ("VONAGE_APPLICATION_ID", APPLICATION),
        ("VONAGE_PRIVATE_KEY", &key),
    ];
    let opentok = [("OPENTOK_API_KEY", "4711"), ("OPENTOK_API_SECRET", CANARY)];
    let short = [("OT_API_KEY", "4712"), ("OT_API_SECRET", "canary7f3a-ot")];
    let rc = |id: &str| {
        let key = key.replace('\n', "\\n");
        format!(r#"{{"apiKey":"abc","apiSecret":"{CANARY}","appId":"{id}","privateKey":"{key}"}}"#)
    };
    let kebab = rc(APPLICATION)
        .replace("appId", "app-id")
        .replace("privateKey", "private-key");
    let of = |variables: &[(&str, &str)]| Made::new(variables).file(".vonagerc", &rc(APPLICATION));
    let home = ".vonage/config.json";
    let directory = |made: Made| {
        let at = made.path("systemd");
        made.file("systemd/ot-api-key", "4713\n")
            .file("systemd/ot-api-secret", CANARY)
            .with(&[("CREDENTIALS_DIRECTORY", at.to_str().unwrap())])
    };
    let of_application = "VONAGE_APPLICATION_ID with VONAGE_PRIVATE_KEY";
    let of_both = format!("{of_application}, and OPENTOK_API_KEY with OPENTOK_API_SECRET");
    for (made, source, is_application, project) in [
        (of(&application), of_application, true, None),
        (
            of(&application).with(&opentok),
            of_both.as_str(),
            true,
            Some("4711"),
        ),
        (
            of(&short).with(&opentok),
            "OPENTOK_API_KEY with OPENTOK_API_SECRET",
            false,
            Some("4711"),
        ),
        (
            of(&short),
            "OT_API_KEY with OT_API_SECRET",
            false,
            Some("4712"),
        ),
        (
            directory(of(&[])),
            "~/systemd/ot-api-key with ~/systemd/ot-api-secret",
            false,
            Some("4713"),
        ),
        (
            directory(of(&short)),
            "OT_API_KEY with OT_API_SECRET",
            false,
            Some("4712"),
        ),
        (of(&[]).file(home, "{}"), "./.vonagerc", true, None),
        (
            Made::new(&[]).file(home, &kebab),
            "~/.vonage/config.json",
            true,
            None,
        ),
    ] {
        let found = made
            .vonage()
            .unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(made.plain(&found.source), source);
        let Vonage {
            application,
            opentok,
        } = found.credentials;
        assert_eq!(application.is_some(), is_application, "{source}");
        assert_eq!(
            opentok.map(|opentok| opentok.key).as_deref(),
            project,
            "{source}"
        );
    }
    let by_path = r#"{"appId":"5eed0000-0000-4000-8000-000000000000","privateKey":"app.key"}"#;
    assert!(
        Made::new(&[])
            .file(".vonagerc", by_path)
            .file("app.key", &key)
            .vonage()
            .is_ok()
    );
}

#[test]
fn what_vonage_cannot_use_is_said_by_the_name_of_its_place() {
    let id = ("VONAGE_APPLICATION_ID", APPLICATION);
    let locked = fixture("pbes2-aes256-sha256.pem");
    let (public, curve) = (fixture("public.pem"), fixture("ec.pem"));
    let secret_only = format!(r#"{{"apiKey":"abc","apiSecret":"{CANARY}"}}"#);
    for (variables, file, says) in [
        (
            vec![],
            None,
            "there are no credentials for Vonage: looked for VONAGE_APPLICATION_ID with",
        ),
        (
            vec![id],
            None,
            "the credentials for Vonage are incomplete: VONAGE_APPLICATION_ID is set, \
             VONAGE_PRIVATE_KEY is not|",
        ),
        (
            vec![("VONAGE_PRIVATE_KEY", CANARY)],
            None,
            "the credentials for Vonage are incomplete: VONAGE_PRIVATE_KEY is set, \
             VONAGE_APPLICATION_ID is not|",
        ),
        (
            vec![("OPENTOK_API_SECRET", CANARY)],
            None,
            "the credentials for Vonage are incomplete: OPENTOK_API_SECRET is set, \
             OPENTOK_API_KEY is not|",
        ),
        (
            vec![("OPENTOK_API_SECRET", CANARY), ("OPENTOK_API_KEY", CANARY)],
            None,
            "OPENTOK_API_KEY is not the API key of a project: digits alone|",
        ),
        (
            vec![
                ("VONAGE_APPLICATION_ID", CANARY),
                ("VONAGE_PRIVATE_KEY", "app.key"),
            ],
            None,
            "cannot read the file that VONAGE_PRIVATE_KEY names: there is no such file|",
        ),
        (
            vec![id, ("VONAGE_PRIVATE_KEY", &locked)],
            None,
            "the private key in VONAGE_PRIVATE_KEY is encrypted, and there is no passphrase for \
             it|give it without a passphrase",
        ),
        (
            vec![id, ("VONAGE_PRIVATE_KEY", &public)],
            None,
            "the key in VONAGE_PRIVATE_KEY is a public one|",
        ),
        (
            vec![id, ("VONAGE_PRIVATE_KEY", &curve)],
            None,
            "cannot use the key in VONAGE_PRIVATE_KEY|it is an elliptic-curve key, which is not",
        ),
        (
            vec![],
            Some(secret_only.as_str()),
            "there is no privateKey in ./.vonagerc, and the Video API needs an application's \
             key|set VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY",
        ),
        (
            vec![],
            Some(r#"{"privateKey":"canary7f3a"}"#),
            "there is no appId in ./.vonagerc, and the Video API",
        ),
        (
            vec![],
            Some(r#"{"privateKey":{"canary7f3a":1}}"#),
            "./.vonagerc is not a configuration of vonage-cli: line 1, column",
        ),
        (
            vec![],
            Some(r#"{"appId":"canary7f3a","privateKey":"app.key"}"#),
            "appId of ./.vonagerc is not the id of an application: a UUID|",
        ),
    ] {
        let mut made = Made::new(&variables);
        if let Some(text) = file {
            made = made
                .file(".vonagerc", text)
                .file(".vonage/config.json", "{}");
            made = made.file("app.key", &fixture("pkcs8.pem"));
        }
        let error = made.vonage().err().unwrap();
        assert!(error.starts_with(says), "{error}\n{says}");
    }
}

#[test]
fn bases_are_https_or_of_this_machine() {
    let ask = |name, url| Made::new(&[(name, url)]).ask(None, |from| hosts(from).map_err(said));
    let found = ask("UNREEL_TWILIO_API_URL", "http://127.0.0.1:8080/x").unwrap();
    assert_eq!(
        found.twilio_api.unwrap().to_string(),
        "http://127.0.0.1:8080/x"
    );
    assert!(found.opentok.is_none());
    assert!(
        ask("UNREEL_TWILIO_API_URL", "")
            .unwrap()
            .twilio_api
            .is_none()
    );
    for name in [
        "UNREEL_TWILIO_API_URL",
        "UNREEL_TWILIO_VIDEO_URL",
        "UNREEL_VONAGE_VIDEO_URL",
        "UNREEL_OPENTOK_URL",
    ] {
        for url in [
            "http://example.com",
            "https://u:canary7f3a@example.com",
            "canary7f3a",
        ] {
            let error = ask(name, url).unwrap_err();
            assert!(
                error.starts_with(&format!("cannot use the URL in {name}|")),
                "{error}"
            );
        }
    }
}

#[test]
fn the_flag_names_the_authorities_before_the_variable_does() {
    let made = Made::new(&[("TWILIO_CA_BUNDLE", "bundle.pem")]).file("bundle.pem", "of twilio");
    let made = made.file("flag.pem", "of the flag");
    let ask = |made: &Made, flag: Option<&str>| {
        made.ask(None, |from| {
            authorities(from, flag.map(Path::new)).map_err(said)
        })
    };
    let of = |name: &str, text: &str| Some((name.to_owned(), text.as_bytes().to_vec()));
    assert_eq!(ask(&made, None), Ok(of("bundle.pem", "of twilio")));
    assert_eq!(
        ask(&made, Some("flag.pem")),
        Ok(of("flag.pem", "of the flag"))
    );
    assert_eq!(ask(&Made::new(&[]), None), Ok(None));
    for (flag, says) in [(Some("none"), "--ca-file"), (None, "TWILIO_CA_BUNDLE")] {
        let made = Made::new(&[("TWILIO_CA_BUNDLE", "gone.pem")]);
        let error = ask(&made, flag).unwrap_err();
        let says = format!("cannot read the file that {says} names: there is no such file|");
        assert!(error.starts_with(&says), "{error}");
    }
}

#[test]
fn what_is_shown_has_ids_and_no_secrets() {
    let key = fixture("pkcs8.pem");
    let made = Made::new(&[
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", CANARY),
        ("TWILIO_EDGE", "dublin"),
        ("VONAGE_APPLICATION_ID", APPLICATION),
        ("VONAGE_PRIVATE_KEY", &key),
        ("OT_API_KEY", "4711"),
        ("OT_API_SECRET", CANARY),
        ("QVOICE_API_URL", "https://qvoice.example/?token=canary7f3a"),
        ("QVOICE_ACCOUNT_ID", "77"),
        ("QVOICE_TOKEN", CANARY),
        ("AWS_ACCESS_KEY_ID", "AKIA5EED"),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("AWS_REGION", "eu-west-1"),
        ("AZURE_STORAGE_ACCOUNT", "acc"),
        ("AZURE_STORAGE_KEY", CANARY),
    ]);
    let lines = made.ask(None, lines);
    let text: Vec<_> = lines.iter().flat_map(Line::for_people).collect();
    assert_eq!(
        text,
        [
            "twilio  from TWILIO_ACCOUNT_SID with TWILIO_API_KEY and TWILIO_API_SECRET",
            "  account AC5eed0000000000000000000000000001  API key \
             SK5eed0000000000000000000000000001  secret ********  region us1  edge dublin",
            "vonage  from VONAGE_APPLICATION_ID with VONAGE_PRIVATE_KEY",
            "  application 5eed0000-0000-4000-8000-000000000000  private key ********",
            "vonage  from OT_API_KEY with OT_API_SECRET",
            "  OpenTok project 4711  secret ********",
            "qvoice  from QVOICE_API_URL with QVOICE_ACCOUNT_ID and QVOICE_TOKEN",
            "  URL https://qvoice.example/?token  account 77  token ********",
            "s3  from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            "  region eu-west-1  access key AKIA5EED  secret ********",
            "azure  from AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY",
            "  account acc  secret ********",
            "google  from the machine's own service account, if it has one",
        ]
    );
    let json = serde_json::to_string(&lines).unwrap();
    assert!(
        !json.contains(CANARY) && !json.contains("PRIVATE KEY-"),
        "{json}"
    );
    assert!(
        json.contains(r#""kind":"opentok","project":"4711","secret":"********""#),
        "{json}"
    );
}

#[test]
fn qvoice_needs_all_three() {
    let all = [
        ("QVOICE_API_URL", "https://qvoice.example/"),
        ("QVOICE_ACCOUNT_ID", "77"),
        ("QVOICE_TOKEN", CANARY),
    ];
    for (without, says) in [
        (0, "QVOICE_ACCOUNT_ID is set, QVOICE_API_URL is not"),
        (1, "QVOICE_API_URL is set, QVOICE_ACCOUNT_ID is not"),
        (2, "QVOICE_API_URL is set, QVOICE_TOKEN is not"),
    ] {
        let mut variables = all.to_vec();
        variables.remove(without);
        let qvoice = Made::new(&variables).ask(None, lines).swap_remove(2);
        assert_eq!(
            qvoice.for_people(),
            [format!(
                "qvoice  cannot be used: the credentials for Qvoice are incomplete: {says}"
            )]
        );
    }
}
